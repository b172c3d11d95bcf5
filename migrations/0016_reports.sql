-- +goose Up
-- Owner: events (events), campaigns (reports, campaigns).

ALTER TABLE events DROP CONSTRAINT events_kind_check;
ALTER TABLE events ADD CONSTRAINT events_kind_check CHECK (kind IN ('open', 'click', 'unsubscribe', 'bounce', 'complaint'));
-- Of a bounce: why, as a word of sender/reply; and whether it counts towards giving the address up, since it says something of the mailbox but is not final.
ALTER TABLE events ADD COLUMN reason text;
ALTER TABLE events ADD COLUMN soft boolean;
CREATE INDEX events_soft ON events (subscriber_id, at) WHERE soft;

-- What other systems say of mail that we sent: bounces and complaints that came back by mail, and events of providers. A row is one fact about one recipient; what is
-- known by its key is not taken again.
CREATE TABLE reports (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key           text        NOT NULL CONSTRAINT reports_key UNIQUE,
    source        text        NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('bounce', 'complaint', 'delay', 'auto_reply', 'delivered', 'unsubscribe', 'other')),
    at            timestamptz NOT NULL,
    received_at   timestamptz NOT NULL DEFAULT now(),
    -- Whose it is; null when nothing told.
    campaign_id   bigint,
    seq           integer,
    subscriber_id bigint,
    matched_by    text        CHECK (matched_by IN ('return_path', 'message_id', 'unsubscribe_url', 'queue_id', 'address')),
    address       text        NOT NULL,
    hard          boolean     NOT NULL DEFAULT false,
    reason        text,
    fault         text,
    status        text,
    reply_code    smallint,
    diagnostic    text,
    feedback_type text,
    -- What was done: suppressed, counted, unsubscribed, relay_slowed, relay_stopped, none, unmatched.
    action        text        NOT NULL,
    -- Whether this is the report that turned the delivery into a bounced one.
    applied       boolean     NOT NULL DEFAULT false,
    -- As received; emptied after some months.
    raw           bytea
);
CREATE INDEX reports_delivery ON reports (campaign_id, seq) WHERE campaign_id IS NOT NULL;
CREATE INDEX reports_subscriber ON reports (subscriber_id) WHERE subscriber_id IS NOT NULL;
CREATE INDEX reports_raw ON reports (received_at) WHERE raw IS NOT NULL;

-- Shares of its mail, in percent, above which a running campaign stops and asks; null is what the settings say. The guarded_ figures are those at which a person let it go on:
-- only what came after counts.
ALTER TABLE campaigns ADD COLUMN max_bounce_percent    double precision CHECK (max_bounce_percent BETWEEN 0 AND 100);
ALTER TABLE campaigns ADD COLUMN max_complaint_percent double precision CHECK (max_complaint_percent BETWEEN 0 AND 100);
ALTER TABLE campaigns ADD COLUMN guarded_done       bigint NOT NULL DEFAULT 0;
ALTER TABLE campaigns ADD COLUMN guarded_refused    bigint NOT NULL DEFAULT 0;
ALTER TABLE campaigns ADD COLUMN guarded_complaints bigint NOT NULL DEFAULT 0;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION delete_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM deliveries WHERE campaign_id = OLD.id;
    DELETE FROM campaign_counts WHERE campaign_id = OLD.id;
    DELETE FROM reports WHERE campaign_id = OLD.id;
    RETURN OLD;
END
$$;
-- +goose StatementEnd
