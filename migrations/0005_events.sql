-- +goose Up
-- Owner: events.

CREATE TABLE events (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('open', 'click', 'unsubscribe', 'bounce')),
    campaign_id   bigint      NOT NULL,
    seq           integer     NOT NULL,
    subscriber_id bigint      NOT NULL,
    -- The number of the link in the campaign's content, for clicks.
    link          integer,
    detail        text,
    user_agent    text
);
CREATE INDEX events_delivery ON events (campaign_id, seq);
CREATE INDEX events_subscriber ON events (subscriber_id);
CREATE INDEX events_at ON events USING brin (at);
