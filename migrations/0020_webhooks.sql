-- +goose Up
-- Owner: events/outgoing.

-- Where somebody else's program wants to hear of what happens here.
CREATE TABLE webhook_endpoints (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    url              text        NOT NULL CHECK (url <> ''),
    description      text        NOT NULL DEFAULT '',
    -- Empty filters let everything through.
    event_types      text[]      NOT NULL DEFAULT '{}',
    list_ids         bigint[]    NOT NULL DEFAULT '{}',
    campaign_ids     bigint[]    NOT NULL DEFAULT '{}',
    status           text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
    -- Why the program switched it off; NULL when a person did.
    disabled_reason  text,
    disabled_at      timestamptz,
    -- Sealed by internal/secret with the context "webhook/<id>/secret"; NULL only inside of the transaction that makes the row.
    secret           bytea,
    -- The secret before the last rotation: both sign until then.
    old_secret       bytea,
    old_secret_until timestamptz,
    -- Since when every attempt failed, how many in a row, and until when nothing is tried because of that.
    failing_since    timestamptz,
    failures         integer     NOT NULL DEFAULT 0,
    rest_until       timestamptz,
    last_success_at  timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- What happened and is not yet made into messages. Rows are written by the triggers below in the transaction in which it happened, and are taken out in the one that
-- makes the messages: nothing depends on the order in which transactions commit. Nothing is written for what no endpoint wants.
CREATE TABLE webhook_outbox (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid           xid8        NOT NULL DEFAULT pg_current_xact_id(),
    at            timestamptz NOT NULL DEFAULT now(),
    type          text        NOT NULL,
    subscriber_id bigint,
    -- The row that changed.
    source        jsonb       NOT NULL
);
-- Who leaves several lists at once makes several rows and gets one message.
CREATE INDEX webhook_outbox_left ON webhook_outbox (xid, subscriber_id) WHERE type = 'subscriber.unsubscribed';

-- A message for one endpoint: what is sent, byte for byte, however often.
CREATE TABLE webhook_messages (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    endpoint_id     bigint      NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    -- The header field webhook-id.
    message_id      text        NOT NULL CONSTRAINT webhook_messages_message_id UNIQUE,
    type            text        NOT NULL,
    payload         text        NOT NULL,
    test            boolean     NOT NULL DEFAULT false,
    status          text        NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts        integer     NOT NULL DEFAULT 0,
    -- Failed attempts since it was made or replayed: the place in the schedule of retries.
    tries           integer     NOT NULL DEFAULT 0,
    -- While an attempt is under way: when that is taken for lost with its process.
    next_attempt_at timestamptz CHECK ((next_attempt_at IS NOT NULL) = (status = 'pending')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    done_at         timestamptz
) WITH (fillfactor = 70);
CREATE INDEX webhook_messages_log ON webhook_messages (endpoint_id, id);
CREATE INDEX webhook_messages_due ON webhook_messages (endpoint_id, next_attempt_at) WHERE status = 'pending';
CREATE INDEX webhook_messages_created ON webhook_messages USING brin (created_at);

CREATE TABLE webhook_attempts (
    message_id  bigint      NOT NULL REFERENCES webhook_messages (id) ON DELETE CASCADE,
    attempt     integer     NOT NULL,
    at          timestamptz NOT NULL,
    duration_ms integer     NOT NULL,
    -- NULL when there was no answer; error says why, or what is wrong with the answer.
    status_code integer,
    error       text,
    reply       text,
    PRIMARY KEY (message_id, attempt)
);

CREATE FUNCTION webhook_wanted(happened text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM webhook_endpoints WHERE status = 'active' AND (event_types = '{}' OR happened = ANY (event_types)))
$$;

-- Opens and clicks come thousands at a time, so this one looks at whole statements. The row is kept as it is, with whatever columns it has.
-- +goose StatementBegin
CREATE FUNCTION webhook_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM webhook_endpoints WHERE status = 'active') THEN
        RETURN NULL;
    END IF;
    INSERT INTO webhook_outbox (at, type, subscriber_id, source)
    SELECT r.at, k.type, r.subscriber_id, to_jsonb(r)
    FROM recorded r JOIN (
        SELECT kind, type FROM (VALUES ('open', 'message.opened'), ('click', 'message.clicked'), ('bounce', 'delivery.bounced'), ('complaint', 'delivery.complained'),
            ('unsubscribe', 'subscriber.unsubscribed')) AS known (kind, type)
        WHERE webhook_wanted(type)) k ON k.kind = r.kind;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER events_to_webhooks AFTER INSERT ON events REFERENCING NEW TABLE AS recorded
    FOR EACH STATEMENT EXECUTE FUNCTION webhook_events();

-- The others are about single rows, and their conditions are looked at without calling anything. The name of what happened is the argument.
-- +goose StatementBegin
CREATE FUNCTION webhook_row() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed jsonb;
BEGIN
    IF webhook_wanted(TG_ARGV[0]) THEN
        changed := to_jsonb(NEW);
        INSERT INTO webhook_outbox (type, subscriber_id, source)
        VALUES (TG_ARGV[0], (changed ->> 'subscriber_id')::bigint, changed - '{html,text,subject,preheader,columns,format,mapping}'::text[]);
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER deliveries_failed_to_webhooks AFTER UPDATE OF state ON deliveries
    FOR EACH ROW WHEN (NEW.state = 5 AND OLD.state <> 5) EXECUTE FUNCTION webhook_row('delivery.failed');
CREATE TRIGGER subscriptions_ended_to_webhooks AFTER UPDATE OF status ON subscriptions
    FOR EACH ROW WHEN (NEW.status = 'unsubscribed' AND OLD.status <> 'unsubscribed') EXECUTE FUNCTION webhook_row('subscriber.unsubscribed');
CREATE TRIGGER suppressions_to_webhooks AFTER INSERT ON suppressions
    FOR EACH ROW EXECUTE FUNCTION webhook_row('subscriber.suppressed');
CREATE TRIGGER campaigns_started_to_webhooks AFTER UPDATE OF status ON campaigns
    FOR EACH ROW WHEN (NEW.status = 'running' AND OLD.status IN ('draft', 'scheduled')) EXECUTE FUNCTION webhook_row('campaign.started');
CREATE TRIGGER campaigns_paused_to_webhooks AFTER UPDATE OF status ON campaigns
    FOR EACH ROW WHEN (NEW.status = 'paused' AND OLD.status <> 'paused') EXECUTE FUNCTION webhook_row('campaign.paused');
CREATE TRIGGER campaigns_resumed_to_webhooks AFTER UPDATE OF status ON campaigns
    FOR EACH ROW WHEN (NEW.status = 'running' AND OLD.status IN ('paused', 'finished')) EXECUTE FUNCTION webhook_row('campaign.resumed');
CREATE TRIGGER campaigns_finished_to_webhooks AFTER UPDATE OF status ON campaigns
    FOR EACH ROW WHEN (NEW.status = 'finished' AND OLD.status <> 'finished') EXECUTE FUNCTION webhook_row('campaign.finished');
CREATE TRIGGER campaigns_cancelled_to_webhooks AFTER UPDATE OF status ON campaigns
    FOR EACH ROW WHEN (NEW.status = 'cancelled' AND OLD.status <> 'cancelled') EXECUTE FUNCTION webhook_row('campaign.cancelled');
CREATE TRIGGER imports_finished_to_webhooks AFTER UPDATE OF status ON imports
    FOR EACH ROW WHEN (NEW.status IN ('done', 'failed', 'cancelled') AND OLD.status <> NEW.status) EXECUTE FUNCTION webhook_row('import.finished');
