-- +goose Up
-- Owner: campaigns.

-- How many deliveries of a campaign are in each state, at any moment: the sum over its rows. What changes the ledger changes them in the same transaction, by the
-- triggers below, so they always add up to it. Each backend of the database writes a row of its own; so nobody waits for anybody, and no two can deadlock.
-- Backend 0 holds what Start put into the queue, and what was put together of the others. There is no foreign key: its check would wait for whoever holds the campaign,
-- and a Cancel does so while it waits for rows that are being claimed.
CREATE TABLE campaign_counts (
    campaign_id bigint  NOT NULL,
    backend     integer NOT NULL,
    queued      integer NOT NULL DEFAULT 0,
    claimed     integer NOT NULL DEFAULT 0,
    sent        integer NOT NULL DEFAULT 0,
    deferred    integer NOT NULL DEFAULT 0,
    bounced     integer NOT NULL DEFAULT 0,
    failed      integer NOT NULL DEFAULT 0,
    unconfirmed integer NOT NULL DEFAULT 0,
    skipped     integer NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign_id, backend)
) WITH (fillfactor = 40);

-- +goose StatementBegin
CREATE FUNCTION count_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaign_counts AS c (campaign_id, backend, queued, claimed, sent, deferred, bounced, failed, unconfirmed, skipped)
    SELECT campaign_id, pg_backend_pid(), COALESCE(sum(n) FILTER (WHERE state = 0), 0), COALESCE(sum(n) FILTER (WHERE state = 1), 0),
        COALESCE(sum(n) FILTER (WHERE state = 2), 0), COALESCE(sum(n) FILTER (WHERE state = 3), 0), COALESCE(sum(n) FILTER (WHERE state = 4), 0),
        COALESCE(sum(n) FILTER (WHERE state = 5), 0), COALESCE(sum(n) FILTER (WHERE state = 6), 0), COALESCE(sum(n) FILTER (WHERE state = 7), 0)
    FROM (
        SELECT campaign_id, state, -count(*) AS n FROM before GROUP BY campaign_id, state
        UNION ALL SELECT campaign_id, state, count(*) FROM after GROUP BY campaign_id, state) moves
    GROUP BY campaign_id
    ON CONFLICT (campaign_id, backend) DO UPDATE SET
        queued = c.queued + excluded.queued, claimed = c.claimed + excluded.claimed, sent = c.sent + excluded.sent,
        deferred = c.deferred + excluded.deferred, bounced = c.bounced + excluded.bounced, failed = c.failed + excluded.failed,
        unconfirmed = c.unconfirmed + excluded.unconfirmed, skipped = c.skipped + excluded.skipped;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER deliveries_counted AFTER UPDATE ON deliveries REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION count_deliveries();

-- Rows are written as many as the campaign's recipients become more, and wait in the queue. A trigger on the insert would have to keep a million rows for a moment.
-- +goose StatementBegin
CREATE FUNCTION count_recipients() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO campaign_counts AS c (campaign_id, backend, queued) VALUES (NEW.id, 0, NEW.recipients - OLD.recipients)
    ON CONFLICT (campaign_id, backend) DO UPDATE SET queued = c.queued + excluded.queued;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER campaigns_recipients_counted AFTER UPDATE OF recipients ON campaigns
    FOR EACH ROW WHEN (NEW.recipients <> OLD.recipients) EXECUTE FUNCTION count_recipients();

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION delete_deliveries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM deliveries WHERE campaign_id = OLD.id;
    DELETE FROM campaign_counts WHERE campaign_id = OLD.id;
    RETURN OLD;
END
$$;
-- +goose StatementEnd

-- The triggers hold writers off until this is through, so what is counted here stays right.
INSERT INTO campaign_counts (campaign_id, backend, queued, claimed, sent, deferred, bounced, failed, unconfirmed, skipped)
SELECT campaign_id, 0, count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2), count(*) FILTER (WHERE state = 3),
    count(*) FILTER (WHERE state = 4), count(*) FILTER (WHERE state = 5), count(*) FILTER (WHERE state = 6), count(*) FILTER (WHERE state = 7)
FROM deliveries GROUP BY campaign_id;

-- campaign_stats, the roll-up before this, is written no more; it goes when no process of that time runs any more.
