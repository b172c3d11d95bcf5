-- +goose Up
-- Owner: campaigns.

-- A stream of messages is a campaign that never ends: what is frozen of it is one template as it was, with From, relays and tracking, and programs add deliveries to it one by one.
-- It is open where a mailing is running, so that whoever looks for running mailings, among them processes of an earlier version, leaves it alone.
ALTER TABLE campaigns
    ADD COLUMN purpose text NOT NULL DEFAULT 'mailing' CHECK (purpose IN ('mailing', 'messages')),
    DROP CONSTRAINT campaigns_status_check,
    ADD CONSTRAINT campaigns_status_check CHECK (status IN ('draft', 'scheduled', 'running', 'paused', 'cancelled', 'finished', 'open')),
    ADD CONSTRAINT campaigns_open CHECK (status <> 'open' OR purpose = 'messages');

-- Of a message; NULL in mailings. A person has one delivery of a mailing, and one for each message of a stream.
ALTER TABLE deliveries ADD COLUMN message_id bigint;
CREATE UNIQUE INDEX deliveries_once_each ON deliveries (subscriber_id, campaign_id, message_id) NULLS NOT DISTINCT;
DROP INDEX deliveries_once;
ALTER INDEX deliveries_once_each RENAME TO deliveries_once;

CREATE TABLE message_streams (
    campaign_id      bigint      PRIMARY KEY REFERENCES campaigns (id) ON DELETE CASCADE,
    -- Of all that is frozen: SHA-256.
    hash             bytea       NOT NULL CONSTRAINT message_streams_hash UNIQUE CHECK (length(hash) = 32),
    list_unsubscribe boolean     NOT NULL,
    -- Processes take numbers from here in blocks, so that messages of one stream do not wait for one another. What a process does not use is left out.
    last_seq         integer     NOT NULL DEFAULT 0,
    used_at          timestamptz NOT NULL,
    -- When what waits is looked at again although nothing new comes, and from which number on; 0: from the first.
    look_at          timestamptz,
    look_from        integer     NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE messages (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    campaign_id   bigint      NOT NULL,
    seq           integer     NOT NULL,
    subscriber_id bigint      NOT NULL,
    to_name       text        NOT NULL DEFAULT '',
    -- What the template shows of this message alone; NULL when there is none, and once it was forgotten.
    data          jsonb,
    forgotten     boolean     NOT NULL DEFAULT false,
    tags          text[]      NOT NULL DEFAULT '{}',
    send_at       timestamptz,
    expires_at    timestamptz NOT NULL,
    -- Nobody has looked yet whether it was sent by then.
    expiring      boolean     NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL,
    CONSTRAINT messages_seq UNIQUE (campaign_id, seq)
) WITH (fillfactor = 80);
CREATE INDEX messages_subscriber ON messages (subscriber_id, id);
CREATE INDEX messages_expiring ON messages (expires_at) WHERE expiring;
CREATE INDEX messages_waiting ON messages (campaign_id, seq) WHERE expiring;
CREATE INDEX messages_data ON messages (created_at) WHERE data IS NOT NULL OR to_name <> '';
CREATE INDEX messages_created ON messages USING brin (created_at);
CREATE INDEX messages_tags ON messages USING gin (tags) WHERE tags <> '{}';

-- What requests with an Idempotency-Key were told, written with their messages.
CREATE TABLE message_requests (
    principal  text        NOT NULL,
    key        text        NOT NULL,
    hash       bytea       NOT NULL,
    answer     jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (principal, key)
);
CREATE INDEX message_requests_created ON message_requests (created_at);

-- +goose StatementBegin
CREATE FUNCTION delete_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM messages WHERE campaign_id = OLD.id;
    RETURN OLD;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER campaigns_delete_messages BEFORE DELETE ON campaigns FOR EACH ROW WHEN (OLD.purpose = 'messages') EXECUTE FUNCTION delete_messages();

-- A stream that is not used any more is no finished campaign, and one that is used again did not resume.
DROP TRIGGER campaigns_resumed_to_webhooks ON campaigns;
CREATE TRIGGER campaigns_resumed_to_webhooks AFTER UPDATE OF status ON campaigns
    FOR EACH ROW WHEN (NEW.status = 'running' AND OLD.status IN ('paused', 'finished') OR NEW.status = 'open' AND OLD.status = 'paused') EXECUTE FUNCTION webhook_row('campaign.resumed');
DROP TRIGGER campaigns_finished_to_webhooks ON campaigns;
CREATE TRIGGER campaigns_finished_to_webhooks AFTER UPDATE OF status ON campaigns
    FOR EACH ROW WHEN (NEW.status = 'finished' AND OLD.status <> 'finished' AND NEW.purpose = 'mailing') EXECUTE FUNCTION webhook_row('campaign.finished');
