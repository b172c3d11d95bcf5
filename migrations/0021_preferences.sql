-- +goose Up
-- Owner of lists, subscribers, unsubscribes: audience. Owner of exclusions: campaigns.

-- People on the list see its name on their preference page, and may leave it or come back there.
ALTER TABLE lists ADD COLUMN public boolean NOT NULL DEFAULT false;

-- What a person chose on the preference page, with when and where from. Until paused_until nothing is sent; a frequency is the most that is sent.
ALTER TABLE subscribers
    ADD COLUMN paused_until     timestamptz,
    ADD COLUMN paused_at        timestamptz,
    ADD COLUMN paused_source    text,
    ADD COLUMN frequency        text CHECK (frequency IN ('weekly', 'monthly')),
    ADD COLUMN frequency_at     timestamptz,
    ADD COLUMN frequency_source text,
    ADD CHECK (num_nulls(paused_until, paused_at, paused_source) IN (0, 3)),
    ADD CHECK (num_nulls(frequency, frequency_at, frequency_source) IN (0, 3));

-- Each time that somebody left by a link of a mail: which lists, why if they said so, and whether they took it back.
-- No foreign keys: what campaigns learnt stays when a person is deleted, without their words.
CREATE TABLE unsubscribes (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL,
    subscriber_id bigint      NOT NULL,
    campaign_id   bigint      NOT NULL,
    seq           integer     NOT NULL,
    source        text        NOT NULL,
    -- They want no mail at all any more: the address was suppressed as well.
    everything    boolean     NOT NULL,
    -- The lists that they were taken off, and the status of each before.
    list_ids      bigint[]    NOT NULL,
    was           text[]      NOT NULL,
    reason        text        CHECK (reason IN ('too_often', 'not_interested', 'never_signed_up', 'not_relevant', 'other')),
    comment       text        NOT NULL DEFAULT '' CHECK (char_length(comment) <= 500),
    reason_at     timestamptz,
    undone_at     timestamptz,
    CHECK (cardinality(list_ids) = cardinality(was))
);
CREATE INDEX unsubscribes_campaign ON unsubscribes (campaign_id, id);
CREATE INDEX unsubscribes_subscriber ON unsubscribes (subscriber_id, id);

ALTER TABLE exclusions DROP CONSTRAINT exclusions_reason_check,
    ADD CONSTRAINT exclusions_reason_check CHECK (reason IN ('suppressed', 'unsubscribed', 'unconfirmed', 'paused', 'frequency'));
