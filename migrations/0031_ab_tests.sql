-- +goose Up
-- Owner: campaigns.

-- An A/B test of a campaign: what was chosen beforehand, and where it stands. seed is set by Start; with it and the id of a person anybody can work out who is in the sample and gets which variant.
-- sent_at is when the sample had gone out, asked_at when nobody won and a person was to choose, decided_at when it was over. winner, once set, is what the rest gets, and is never changed.
CREATE TABLE campaign_ab_tests (
    campaign_id    bigint   PRIMARY KEY REFERENCES campaigns (id) ON DELETE CASCADE,
    sample_percent smallint NOT NULL CHECK (sample_percent BETWEEN 1 AND 50 OR sample_percent = 100),
    metric         text     NOT NULL CHECK (metric IN ('clicks', 'opens')),
    wait_minutes   integer  NOT NULL CHECK (wait_minutes BETWEEN 1 AND 43200),
    min_sample     integer  NOT NULL CHECK (min_sample BETWEEN 1 AND 1000000),
    no_winner      text     NOT NULL CHECK (no_winner IN ('first', 'best', 'ask')),
    seed           bigint,
    sent_at        timestamptz,
    asked_at       timestamptz,
    decided_at     timestamptz,
    winner         smallint CHECK (winner BETWEEN 1 AND 5),
    CONSTRAINT campaign_ab_tests_winner CHECK (winner IS NULL OR decided_at IS NOT NULL)
);
CREATE INDEX campaign_ab_tests_open ON campaign_ab_tests (campaign_id) WHERE seed IS NOT NULL AND decided_at IS NULL;

-- What a variant has of its own; NULL is as in the campaign.
CREATE TABLE campaign_variants (
    campaign_id bigint   NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    n           smallint NOT NULL CHECK (n BETWEEN 1 AND 5),
    subject     text,
    preheader   text,
    from_name   text,
    html        text,
    text        text,
    PRIMARY KEY (campaign_id, n)
);

-- What was decided, by whom, why, and by which figures. 'asked' is that a person is to choose, all others are the end; with 'none' there was neither a winner nor anybody left to mail.
CREATE TABLE campaign_ab_decisions (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id bigint      NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    at          timestamptz NOT NULL,
    method      text        NOT NULL CHECK (method IN ('winner', 'first', 'best', 'hand', 'asked', 'none')),
    winner      smallint,
    decided_by  text        NOT NULL DEFAULT '',
    why         text        NOT NULL,
    figures     jsonb       NOT NULL,
    CONSTRAINT campaign_ab_decisions_winner CHECK ((winner IS NULL) = (method IN ('asked', 'none'))),
    CONSTRAINT campaign_ab_decisions_once UNIQUE (campaign_id, method)
);
CREATE UNIQUE INDEX campaign_ab_decisions_end ON campaign_ab_decisions (campaign_id) WHERE method <> 'asked';

-- Which variant the person gets: written by Start for the sample, with the first claim for the rest; from then on it stays. NULL without a test. In no index, and a NULL needs no room.
ALTER TABLE deliveries ADD COLUMN variant smallint;
