-- +goose Up
-- Owner: audience. Pages of people, lists and suppressions that are fast among a million (docs/performance.md).

-- People who are on a list but not subscribed, the newest first. Those who are subscribed are most of a list and are found by its key. It costs an import of subscribed people nothing.
CREATE INDEX subscriptions_left ON subscriptions (list_id, status, subscriber_id) WHERE status <> 'subscribed';

-- A part of a suppressed address. Imports write none.
CREATE INDEX suppressions_search ON suppressions USING gin (email_key gin_trgm_ops);

-- Who is suppressed, and how many of those subscribed to each list, as they were when they were last counted. With many suppressions that takes a second or two, so it is done in
-- the background, and not by triggers: an import would have to look up each of its people.
CREATE TABLE suppressed_people (
    subscriber_id bigint PRIMARY KEY
);
CREATE TABLE list_suppressed (
    list_id    bigint PRIMARY KEY,
    subscribed bigint NOT NULL
);
-- One row: of when that is, up to which id people were looked at, how long it took, and what the statistics of the tables said then.
CREATE TABLE suppressed_counted (
    one     boolean     PRIMARY KEY DEFAULT true CHECK (one),
    at      timestamptz NOT NULL,
    last_id bigint      NOT NULL,
    took    interval    NOT NULL,
    changes bigint      NOT NULL
);
