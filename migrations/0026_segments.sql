-- +goose Up
-- Owner of segments: audience. Owner of all the others: campaigns.

CREATE TABLE segments (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text        NOT NULL CHECK (name <> ''),
    -- In the canonical form of audience/segment.
    definition jsonb       NOT NULL CHECK (jsonb_typeof(definition) = 'object'),
    -- How many people it meant when somebody last asked; an estimate unless last_exact.
    last_count bigint,
    last_exact boolean,
    last_at    timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (num_nulls(last_count, last_exact, last_at) IN (0, 3))
);
CREATE UNIQUE INDEX segments_name ON segments (lower(name));

-- Whom of its lists a campaign is for: those in any of these segments, and in none of the excluded ones.
CREATE TABLE campaign_segments (
    campaign_id bigint  NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    segment_id  bigint  NOT NULL REFERENCES segments (id) ON DELETE CASCADE,
    excluded    boolean NOT NULL,
    PRIMARY KEY (campaign_id, segment_id, excluded)
);
CREATE INDEX campaign_segments_segment ON campaign_segments (segment_id);

-- Whoever is subscribed to one of these does not get the campaign.
CREATE TABLE campaign_excluded_lists (
    campaign_id bigint NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    list_id     bigint NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
    PRIMARY KEY (campaign_id, list_id)
);
CREATE INDEX campaign_excluded_lists_list ON campaign_excluded_lists (list_id);

-- What Start froze of the choice of people: segments as they were, the types of fields, the moment from which days are counted, the cap.
CREATE TABLE campaign_selections (
    campaign_id bigint PRIMARY KEY REFERENCES campaigns (id) ON DELETE CASCADE,
    selection   jsonb  NOT NULL
);

-- How many were left out by each reason; written with the exclusions themselves.
CREATE TABLE campaign_exclusions (
    campaign_id bigint  NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    reason      text    NOT NULL,
    n           integer NOT NULL,
    PRIMARY KEY (campaign_id, reason)
);
INSERT INTO campaign_exclusions (campaign_id, reason, n) SELECT campaign_id, reason, count(*) FROM exclusions GROUP BY campaign_id, reason;

-- Important mail, which the installation's cap on how often people are mailed does not keep back.
ALTER TABLE campaigns ADD COLUMN ignore_frequency_cap boolean NOT NULL DEFAULT false;

ALTER TABLE exclusions DROP CONSTRAINT exclusions_reason_check,
    ADD CONSTRAINT exclusions_reason_check CHECK (reason IN ('suppressed', 'unsubscribed', 'unconfirmed', 'paused', 'frequency',
        'excluded_list', 'not_in_segment', 'excluded_segment', 'frequency_cap'));
-- For the pages of one reason. Those whom a segment did not choose may be nearly all of the audience and are found without it.
CREATE INDEX exclusions_reason ON exclusions (campaign_id, reason, subscriber_id) WHERE reason <> 'not_in_segment';
