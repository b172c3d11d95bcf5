-- +goose Up
-- Owner: audience.

-- Custom fields: what the attributes of people are called and what they hold. A value in subscribers.attributes is of its field's type:
-- text: string; number: number; boolean: boolean; date: string YYYY-MM-DD; datetime: string RFC 3339 in UTC; list: array of strings.
CREATE TABLE fields (
    name       text        PRIMARY KEY,
    label      text        NOT NULL DEFAULT '',
    type       text        NOT NULL CHECK (type IN ('text', 'number', 'boolean', 'date', 'datetime', 'list')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO fields (name, type)
SELECT a.key, CASE
    WHEN bool_and(jsonb_typeof(a.value) = 'number') THEN 'number'
    WHEN bool_and(jsonb_typeof(a.value) = 'boolean') THEN 'boolean'
    ELSE 'text' END
FROM subscribers s, jsonb_each(s.attributes) a WHERE jsonb_typeof(a.value) <> 'null' GROUP BY a.key;

-- The import that made the person known; NULL for everybody else.
ALTER TABLE subscribers ADD COLUMN import_id bigint;

-- Whoever has some value in some field is found by this (attributes @> …). A long pending list makes an import a tenth faster than the default of 4 MB.
CREATE INDEX subscribers_attributes ON subscribers USING gin (attributes jsonb_path_ops) WITH (gin_pending_list_limit = 16384);

-- Searching for a part of an address or name. The index costs an import more than everything else together (500,000 rows: 10 s with it, 4 s without), so it is on
-- a table of its own, into which people of an import come a moment later: until then their ids are in the backlog, and whoever searches looks there too.
DROP INDEX subscribers_search;
CREATE TABLE subscriber_search (
    subscriber_id bigint PRIMARY KEY,
    text          text   NOT NULL
);
INSERT INTO subscriber_search SELECT id, email_key || ' ' || lower(name) FROM subscribers;
CREATE INDEX subscriber_search_text ON subscriber_search USING gin (text gin_trgm_ops);
CREATE TABLE subscriber_search_backlog (
    first_id bigint PRIMARY KEY,
    last_id  bigint NOT NULL
);

-- Everybody is in subscriber_search unless a transaction sets postrider.search_later and writes the backlog itself.
-- +goose StatementBegin
CREATE FUNCTION index_subscriber() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subscriber_search (subscriber_id, text) VALUES (NEW.id, NEW.email_key || ' ' || lower(NEW.name))
    ON CONFLICT (subscriber_id) DO UPDATE SET text = excluded.text;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER subscribers_indexed AFTER INSERT ON subscribers FOR EACH ROW
    WHEN (current_setting('postrider.search_later', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION index_subscriber();
CREATE TRIGGER subscribers_indexed_anew AFTER UPDATE OF email_key, name ON subscribers FOR EACH ROW
    WHEN (OLD.email_key <> NEW.email_key OR OLD.name <> NEW.name) EXECUTE FUNCTION index_subscriber();

-- What goes with a person, and with a list. These were foreign keys with ON DELETE CASCADE: their checks took 7 µs of each imported person, more than the person.
-- Whoever writes a subscription holds the rows of person and list FOR KEY SHARE, or the lock of the imports (store_import.go), under which people are deleted.
ALTER TABLE subscriptions
    DROP CONSTRAINT subscriptions_list_id_fkey,
    DROP CONSTRAINT subscriptions_subscriber_id_fkey,
    -- What is known of how this consent was given beside source and import_id: address of the network, form, words shown.
    ADD COLUMN evidence jsonb CHECK (jsonb_typeof(evidence) = 'object');

-- What a subscription was before: each state with its evidence and the time for which it held.
CREATE TABLE subscription_history (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    list_id       bigint      NOT NULL,
    subscriber_id bigint      NOT NULL,
    status        text        NOT NULL,
    source        text        NOT NULL,
    import_id     bigint,
    evidence      jsonb,
    since         timestamptz NOT NULL,
    until         timestamptz NOT NULL
);
CREATE INDEX subscription_history_subscriber ON subscription_history (subscriber_id, id);

-- +goose StatementBegin
CREATE FUNCTION keep_subscription() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO subscription_history (list_id, subscriber_id, status, source, import_id, evidence, since, until)
    VALUES (OLD.list_id, OLD.subscriber_id, OLD.status, OLD.source, OLD.import_id, OLD.evidence, OLD.updated_at, NEW.updated_at);
    RETURN NULL;
END
$$;

-- Many may be deleted at once, so these work on all of a statement; a plan that was made for one would be bad for thousands and the other way round, hence EXECUTE.
CREATE FUNCTION forget_subscriptions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'DELETE FROM subscription_history h USING gone WHERE h.subscriber_id = gone.subscriber_id AND h.list_id = gone.list_id';
    RETURN NULL;
END
$$;

CREATE FUNCTION forget_subscribers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'DELETE FROM subscriptions s USING gone WHERE s.subscriber_id = gone.id';
    EXECUTE 'DELETE FROM subscriber_search s USING gone WHERE s.subscriber_id = gone.id';
    RETURN NULL;
END
$$;

CREATE FUNCTION forget_list() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM subscriptions WHERE list_id = OLD.id;
    DELETE FROM list_counts WHERE list_id = OLD.id;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER subscriptions_kept AFTER UPDATE ON subscriptions FOR EACH ROW
    WHEN (OLD.status <> NEW.status OR OLD.source <> NEW.source OR OLD.import_id IS DISTINCT FROM NEW.import_id OR OLD.evidence IS DISTINCT FROM NEW.evidence)
    EXECUTE FUNCTION keep_subscription();
CREATE TRIGGER subscriptions_forgotten AFTER DELETE ON subscriptions REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION forget_subscriptions();
CREATE TRIGGER subscribers_forgotten AFTER DELETE ON subscribers REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION forget_subscribers();
CREATE TRIGGER lists_forgotten AFTER DELETE ON lists FOR EACH ROW EXECUTE FUNCTION forget_list();

-- How many people are on a list, by status, at any moment: the sum over its rows (docs/decisions/0009). Rows of backends are put together by the hourly job.
CREATE TABLE list_counts (
    list_id      bigint  NOT NULL,
    backend      integer NOT NULL,
    subscribed   bigint  NOT NULL DEFAULT 0,
    unconfirmed  bigint  NOT NULL DEFAULT 0,
    unsubscribed bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (list_id, backend)
) WITH (fillfactor = 40);

-- +goose StatementBegin
CREATE FUNCTION count_subscriptions() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moves text := '';
BEGIN
    IF TG_OP <> 'INSERT' THEN
        moves := 'SELECT list_id, status, -count(*) AS n FROM before GROUP BY list_id, status';
    END IF;
    IF TG_OP = 'UPDATE' THEN
        moves := moves || ' UNION ALL ';
    END IF;
    IF TG_OP <> 'DELETE' THEN
        moves := moves || 'SELECT list_id, status, count(*) AS n FROM after GROUP BY list_id, status';
    END IF;
    EXECUTE 'INSERT INTO list_counts AS c (list_id, backend, subscribed, unconfirmed, unsubscribed)
        SELECT list_id, pg_backend_pid(), COALESCE(sum(n) FILTER (WHERE status = ''subscribed''), 0),
            COALESCE(sum(n) FILTER (WHERE status = ''unconfirmed''), 0), COALESCE(sum(n) FILTER (WHERE status = ''unsubscribed''), 0)
        FROM (' || moves || ') moves GROUP BY list_id
        ON CONFLICT (list_id, backend) DO UPDATE SET subscribed = c.subscribed + excluded.subscribed,
            unconfirmed = c.unconfirmed + excluded.unconfirmed, unsubscribed = c.unsubscribed + excluded.unsubscribed';
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER subscriptions_counted_in AFTER INSERT ON subscriptions REFERENCING NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION count_subscriptions();
CREATE TRIGGER subscriptions_counted AFTER UPDATE ON subscriptions REFERENCING OLD TABLE AS before NEW TABLE AS after
    FOR EACH STATEMENT EXECUTE FUNCTION count_subscriptions();
CREATE TRIGGER subscriptions_counted_out AFTER DELETE ON subscriptions REFERENCING OLD TABLE AS before
    FOR EACH STATEMENT EXECUTE FUNCTION count_subscriptions();
INSERT INTO list_counts (list_id, backend, subscribed, unconfirmed, unsubscribed)
SELECT list_id, 0, count(*) FILTER (WHERE status = 'subscribed'), count(*) FILTER (WHERE status = 'unconfirmed'), count(*) FILTER (WHERE status = 'unsubscribed')
FROM subscriptions GROUP BY list_id;

-- A key of suppressions that begins with "@" is a whole domain: nobody there is mailed.

ALTER TABLE imports
    DROP CONSTRAINT imports_status_check,
    ADD CHECK (status IN ('uploading', 'uploaded', 'checking', 'queued', 'running', 'done', 'failed', 'cancelled', 'undoing', 'undone')),
    -- Who uploaded it (admin or api), and what they said about how these people agreed.
    ADD COLUMN created_by text   NOT NULL DEFAULT '',
    ADD COLUMN consent    text   NOT NULL DEFAULT '',
    -- Rows about people who had left this list, and stay off it.
    ADD COLUMN unsubscribed bigint NOT NULL DEFAULT 0,
    -- Rows that were taken but look wrong, by why: typo, role, disposable, no_mx.
    ADD COLUMN flagged    jsonb  NOT NULL DEFAULT '{}',
    -- What the last dry run found, and how far the undoing is.
    ADD COLUMN checked    jsonb,
    ADD COLUMN undo       jsonb;

-- Ranges of ids among which are the people that an import made known, for its undoing.
CREATE TABLE import_ranges (
    import_id bigint NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    first_id  bigint NOT NULL,
    last_id   bigint NOT NULL,
    PRIMARY KEY (import_id, first_id)
);

-- What an import changed of people who were known before: the parts of the row that it changed (name, attributes.KEY, updated_at, subscription), before and after.
CREATE TABLE import_changes (
    import_id     bigint NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    subscriber_id bigint NOT NULL,
    before        jsonb  NOT NULL,
    after         jsonb  NOT NULL,
    PRIMARY KEY (import_id, subscriber_id)
);
CREATE INDEX import_changes_subscriber ON import_changes (subscriber_id);

-- Examples of what a dry run found, at most some hundred of each kind.
CREATE TABLE import_samples (
    import_id bigint NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    kind      text   NOT NULL CHECK (kind IN ('created', 'updated', 'suppressed', 'unsubscribed', 'flagged')),
    row       bigint NOT NULL,
    email     text   NOT NULL,
    before    jsonb  NOT NULL DEFAULT '{}',
    after     jsonb  NOT NULL DEFAULT '{}',
    reason    text   NOT NULL DEFAULT '',
    PRIMARY KEY (import_id, kind, row)
);

-- What the undoing of an import left as it was because it had changed since.
CREATE TABLE import_kept (
    import_id     bigint NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    subscriber_id bigint NOT NULL,
    email         text   NOT NULL,
    what          text   NOT NULL,
    reason        text   NOT NULL,
    PRIMARY KEY (import_id, subscriber_id, what)
);
