-- +goose Up
-- Owner: sender.

-- The limits of a relay over all processes, NULL where there is none. They take the place of rate_limit and rate_period, which stay until no process of
-- an earlier version runs any more. Warm-up: warmup_first messages on warmup_start, and warmup_percent more each day. Sending window: from send_from to
-- send_until on send_days (1 = Monday) in send_zone; empty days are no window.
ALTER TABLE relays
    ADD COLUMN per_second     integer CHECK (per_second >= 1),
    ADD COLUMN per_minute     integer CHECK (per_minute >= 1),
    ADD COLUMN per_hour       integer CHECK (per_hour >= 1),
    ADD COLUMN per_day        integer CHECK (per_day >= 1),
    ADD COLUMN warmup_start   date,
    ADD COLUMN warmup_first   integer CHECK (warmup_first >= 1),
    ADD COLUMN warmup_percent integer CHECK (warmup_percent BETWEEN 1 AND 500),
    ADD COLUMN send_days      smallint[] NOT NULL DEFAULT '{}',
    ADD COLUMN send_from      time,
    ADD COLUMN send_until     time,
    ADD COLUMN send_zone      text NOT NULL DEFAULT '',
    -- Until when the provider takes nothing more, and its words.
    ADD COLUMN blocked_until  timestamptz,
    ADD COLUMN blocked_reason text,
    ADD CONSTRAINT relays_warmup CHECK (num_nulls(warmup_start, warmup_first, warmup_percent) IN (0, 3)),
    ADD CONSTRAINT relays_window CHECK (cardinality(send_days) = 0 OR num_nulls(send_from, send_until) = 0);
UPDATE relays SET
    per_second = CASE WHEN rate_period = 'second' THEN rate_limit END,
    per_minute = CASE WHEN rate_period = 'minute' THEN rate_limit END,
    per_hour   = CASE WHEN rate_period = 'hour' THEN rate_limit END,
    per_day    = CASE WHEN rate_period = 'day' THEN rate_limit END;

-- What went to a relay in a minute, as far as it has a limit for an hour or a day, and what each process has claimed for it and not recorded yet.
CREATE TABLE relay_usage (
    relay_id bigint      NOT NULL REFERENCES relays (id) ON DELETE CASCADE,
    minute   timestamptz NOT NULL,
    used     integer     NOT NULL,
    PRIMARY KEY (relay_id, minute)
) WITH (fillfactor = 70);
CREATE TABLE relay_claims (
    relay_id bigint  NOT NULL REFERENCES relays (id) ON DELETE CASCADE,
    node_id  uuid    NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    claimed  integer NOT NULL,
    PRIMARY KEY (relay_id, node_id)
) WITH (fillfactor = 50);

-- A relay that goes slower than it may, because it was asked to. No row: full speed.
CREATE TABLE relay_pace (
    relay_id    bigint      PRIMARY KEY REFERENCES relays (id) ON DELETE CASCADE,
    connections integer     NOT NULL CHECK (connections >= 1),
    rest_until  timestamptz NOT NULL,
    -- How many rests followed one another without a success between them.
    rests       integer     NOT NULL,
    reason      text        NOT NULL,
    reply       text        NOT NULL,
    changed_at  timestamptz NOT NULL
) WITH (fillfactor = 50);
-- Every change of pace, for people.
CREATE TABLE relay_pace_changes (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    relay_id    bigint      NOT NULL REFERENCES relays (id) ON DELETE CASCADE,
    at          timestamptz NOT NULL DEFAULT now(),
    change      text        NOT NULL CHECK (change IN ('slower', 'faster', 'full_speed', 'blocked', 'unblocked', 'paused', 'resumed')),
    connections integer,
    until       timestamptz,
    reason      text        NOT NULL DEFAULT '',
    reply       text        NOT NULL DEFAULT ''
);
CREATE INDEX relay_pace_changes_relay ON relay_pace_changes (relay_id, id DESC);
