-- +goose Up
-- Owner: audience.

-- A field whose values are being changed, by a job that goes through the people by id. from_type is what its values were before a conversion.
ALTER TABLE fields
    ADD COLUMN pending text CHECK (pending IN ('converting', 'deleting')),
    ADD COLUMN from_type text,
    ADD COLUMN last_id bigint NOT NULL DEFAULT 0;

-- What was done with suppressions: each that was added or lifted, by whom, with its evidence. Triggers write it, so that nobody who suppresses can forget to.
CREATE TABLE suppression_log (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL DEFAULT now(),
    action        text        NOT NULL CHECK (action IN ('added', 'lifted')),
    email_key     text        NOT NULL,
    -- The evidence of the suppression itself.
    reason        text        NOT NULL,
    source        text        NOT NULL,
    detail        text        NOT NULL,
    suppressed_at timestamptz NOT NULL,
    -- Who did it, and what they wrote about it; the setting postrider.actor and postrider.note of the transaction.
    actor         text        NOT NULL DEFAULT '',
    note          text        NOT NULL DEFAULT ''
);
CREATE INDEX suppression_log_key ON suppression_log (email_key, id);
INSERT INTO suppression_log (at, action, email_key, reason, source, detail, suppressed_at)
SELECT created_at, 'added', email_key, reason, source, detail, created_at FROM suppressions ORDER BY created_at, email_key;

-- +goose StatementBegin
CREATE FUNCTION log_suppression() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    who  text := COALESCE(current_setting('postrider.actor', true), '');
    why  text := COALESCE(current_setting('postrider.note', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO suppression_log (at, action, email_key, reason, source, detail, suppressed_at, actor, note)
        VALUES (clock_timestamp(), 'added', NEW.email_key, NEW.reason, NEW.source, NEW.detail, NEW.created_at, who, why);
    ELSE
        INSERT INTO suppression_log (at, action, email_key, reason, source, detail, suppressed_at, actor, note)
        VALUES (clock_timestamp(), 'lifted', OLD.email_key, OLD.reason, OLD.source, OLD.detail, OLD.created_at, who, why);
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER suppressions_logged AFTER INSERT ON suppressions FOR EACH ROW EXECUTE FUNCTION log_suppression();
-- Whoever is erased leaves no log either.
CREATE TRIGGER suppressions_lifted AFTER DELETE ON suppressions FOR EACH ROW
    WHEN (current_setting('postrider.erasing', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION log_suppression();
CREATE INDEX suppressions_reason ON suppressions (reason, created_at DESC, email_key);

-- Lists that somebody had left before they were deleted. A list may be gone.
ALTER TABLE suppressions ADD COLUMN left_lists bigint[] NOT NULL DEFAULT '{}';

-- People who had themselves erased: HMAC-SHA256 of the normalised address under a key of the installation, which is not in the database.
CREATE TABLE erasures (
    hash      bytea       PRIMARY KEY CHECK (length(hash) = 32),
    erased_at timestamptz NOT NULL,
    erased_by text        NOT NULL DEFAULT ''
);

-- One thing done to many people.
CREATE TABLE bulk_actions (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action      text        NOT NULL CHECK (action IN ('subscribe', 'unsubscribe', 'remove', 'delete', 'set_field', 'clear_field', 'suppress')),
    -- What it needs to know: list_id and the list's name then, field and value, note.
    params      jsonb       NOT NULL,
    -- Whom it was asked for, as it was asked: for people to read, not to be carried out again.
    selection   jsonb       NOT NULL,
    status      text        NOT NULL CHECK (status IN ('queued', 'running', 'done', 'failed', 'cancelled', 'undoing', 'undone')),
    error       text,
    created_by  text        NOT NULL,
    source      text        NOT NULL,
    total       bigint      NOT NULL,
    changed     bigint      NOT NULL DEFAULT 0,
    unchanged   bigint      NOT NULL DEFAULT 0,
    skipped     bigint      NOT NULL DEFAULT 0,
    restored    bigint      NOT NULL DEFAULT 0,
    kept        bigint      NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL,
    started_at  timestamptz,
    finished_at timestamptz,
    -- Until when it can be taken back; what is needed for that goes then.
    undo_until  timestamptz,
    undone_at   timestamptz,
    purged      boolean     NOT NULL DEFAULT false
);
-- Those whose turn has not come yet.
CREATE TABLE bulk_people (
    bulk_id       bigint NOT NULL REFERENCES bulk_actions (id) ON DELETE CASCADE,
    subscriber_id bigint NOT NULL,
    PRIMARY KEY (bulk_id, subscriber_id)
);
-- What it changed of each person: rows and values before and after, as far as it touched them. Of a deleted person before is everything.
CREATE TABLE bulk_changes (
    bulk_id       bigint  NOT NULL REFERENCES bulk_actions (id) ON DELETE CASCADE,
    subscriber_id bigint  NOT NULL,
    before        jsonb   NOT NULL,
    after         jsonb   NOT NULL,
    -- They said since, by themselves, that they want no mail: undoing must not bring them back.
    left_since    boolean NOT NULL DEFAULT false,
    PRIMARY KEY (bulk_id, subscriber_id)
);
CREATE INDEX bulk_changes_subscriber ON bulk_changes (subscriber_id);
-- Deleted people are found by their address.
CREATE INDEX bulk_changes_address ON bulk_changes ((before #>> '{subscriber,email_key}')) WHERE before ? 'subscriber';
-- So are suppressed ones, who may have been deleted and come again under another id.
CREATE INDEX bulk_changes_suppressed ON bulk_changes ((after #>> '{suppression,email_key}')) WHERE after ? 'suppression';
-- Whom it passed over, and whom its undoing left as they were.
CREATE TABLE bulk_kept (
    bulk_id       bigint  NOT NULL REFERENCES bulk_actions (id) ON DELETE CASCADE,
    subscriber_id bigint  NOT NULL,
    undo          boolean NOT NULL,
    reason        text    NOT NULL,
    PRIMARY KEY (bulk_id, undo, subscriber_id)
);
CREATE INDEX bulk_kept_subscriber ON bulk_kept (subscriber_id);
