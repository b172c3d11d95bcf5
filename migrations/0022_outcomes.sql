-- +goose Up
-- Owner: campaigns (relay_hours, reports), events (events).

-- What came of the tries through a relay, by the hour; written with the results themselves. outcome is the state that the delivery got: sent, deferred, bounced or failed;
-- reason is a word of sender/reply, '' for what was sent. Kept some months. There is no foreign key: its check would wait for whoever changes the relay.
CREATE TABLE relay_hours (
    relay_id bigint      NOT NULL,
    hour     timestamptz NOT NULL,
    outcome  text        NOT NULL,
    reason   text        NOT NULL,
    -- Writers spread over shards so that they do not wait for one another.
    shard    smallint    NOT NULL,
    n        integer     NOT NULL,
    PRIMARY KEY (relay_id, hour, outcome, reason, shard)
) WITH (fillfactor = 70);
-- For those that are forgotten.
CREATE INDEX relay_hours_hour ON relay_hours (hour);

INSERT INTO relay_hours (relay_id, hour, outcome, reason, shard, n)
SELECT relay_id, date_trunc('hour', updated_at), 'sent', '', 0, count(*) FROM deliveries
WHERE relay_id IS NOT NULL AND updated_at > now() - interval '30 days' AND (state = 2 OR state = 4 AND reply_code BETWEEN 200 AND 299) GROUP BY 1, 2
UNION ALL
SELECT relay_id, date_trunc('hour', at), outcome, reason, 0, count(*) FROM delivery_attempts
WHERE relay_id IS NOT NULL AND at > now() - interval '30 days' AND outcome IN ('deferred', 'bounced', 'failed') GROUP BY 1, 2, 3, 4;

-- Reports that changed something, of the last days: few of all.
CREATE INDEX reports_applied ON reports (received_at) WHERE applied;
CREATE INDEX reports_address ON reports (lower(address));
-- Who left or complained, out of a campaign's many opens and clicks.
CREATE INDEX events_left ON events (campaign_id, seq) WHERE kind IN ('complaint', 'unsubscribe');
