-- +goose Up
-- Owner: campaigns.

-- Whether another run of a campaign was given a subject of its own, which is then that of all variants of an A/B test. That it reads like that of the first variant does not tell.
ALTER TABLE campaigns ADD COLUMN rerun_subject boolean NOT NULL DEFAULT false;
