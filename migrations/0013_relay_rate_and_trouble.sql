-- +goose Up
-- Owner: sender.

ALTER TABLE relays
    -- What 0008 has copied into per_second, per_minute, per_hour and per_day. No version since then reads or writes them.
    DROP COLUMN rate_limit,
    DROP COLUMN rate_period,
    -- The processes that told the trouble in pause_reason of an active relay, so that it goes with the last of them. Empty: nobody, or an earlier version.
    ADD COLUMN trouble_nodes uuid[] NOT NULL DEFAULT '{}';
-- Nobody knows whose these are; those that hold on are told again at the next failure.
UPDATE relays SET pause_reason = NULL WHERE status = 'active';
