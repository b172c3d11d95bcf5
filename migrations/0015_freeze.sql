-- +goose Up
-- Owner: campaigns.

-- A large audience is written into the ledger in parts, the first of them by Start itself: those with a subscriber_id up to this one are in it. NULL: everybody is.
ALTER TABLE campaigns ADD COLUMN freeze_after bigint;
