-- +goose Up
-- Owner: campaigns. What the last check before sending found (docs/preflight.md).

CREATE TABLE campaign_preflights (
    campaign_id  bigint      PRIMARY KEY REFERENCES campaigns (id) ON DELETE CASCADE,
    -- Of everything that goes out and to whom, so that it is seen when that has changed since.
    content_hash bytea       NOT NULL,
    report       jsonb       NOT NULL,
    -- The people whose mail was looked at: a report can hold what only they get (the address of a link, say), and is deleted with any of them.
    sampled      bigint[]    NOT NULL,
    ran_at       timestamptz NOT NULL,
    -- A user or an API key, as they are called; no foreign key, since the report outlives them.
    ran_by       text        NOT NULL
);
CREATE INDEX campaign_preflights_sampled ON campaign_preflights USING gin (sampled);

-- Warnings that somebody has seen and sends in spite of, for as long as the content stays as it was.
CREATE TABLE campaign_acknowledgements (
    campaign_id  bigint      NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    content_hash bytea       NOT NULL,
    code         text        NOT NULL,
    at           timestamptz NOT NULL,
    by           text        NOT NULL,
    PRIMARY KEY (campaign_id, content_hash, code)
);
