-- +goose Up
-- Owner: audience.

CREATE TABLE subscribers (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email      text        NOT NULL,
    -- Normalised: local part lower-cased, domain as lower-case A-labels. The identity of a person.
    email_key  text        NOT NULL CONSTRAINT subscribers_email_key UNIQUE,
    name       text        NOT NULL DEFAULT '',
    attributes jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX subscribers_search ON subscribers USING gin ((email_key || ' ' || lower(name)) gin_trgm_ops);

CREATE TABLE lists (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text        NOT NULL CHECK (name <> ''),
    description text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX lists_name ON lists (lower(name));

CREATE TABLE imports (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    list_id     bigint      NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
    filename    text        NOT NULL,
    status      text        NOT NULL CHECK (status IN ('uploading', 'uploaded', 'queued', 'running', 'done', 'failed', 'cancelled')),
    error       text,
    format      jsonb       NOT NULL DEFAULT '{}',
    columns     jsonb       NOT NULL DEFAULT '[]',
    mapping     jsonb,
    size_bytes  bigint      NOT NULL DEFAULT 0,
    read_bytes  bigint      NOT NULL DEFAULT 0,
    -- The last row of the file whose outcome is committed: where a restarted job goes on.
    rows        bigint      NOT NULL DEFAULT 0,
    created     bigint      NOT NULL DEFAULT 0,
    updated     bigint      NOT NULL DEFAULT 0,
    unchanged   bigint      NOT NULL DEFAULT 0,
    rejected    bigint      NOT NULL DEFAULT 0,
    suppressed  bigint      NOT NULL DEFAULT 0,
    created_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    finished_at timestamptz
);
CREATE INDEX imports_list ON imports (list_id);

-- The uploaded file, in pieces of about 1 MB, so that any worker can read it. Deleted when the import has ended.
CREATE TABLE import_chunks (
    import_id bigint  NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    n         integer NOT NULL,
    data      bytea   NOT NULL,
    PRIMARY KEY (import_id, n)
);
ALTER TABLE import_chunks ALTER COLUMN data SET STORAGE EXTERNAL;

CREATE TABLE import_errors (
    import_id bigint NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    row       bigint NOT NULL,
    column_name text NOT NULL,
    value     text   NOT NULL,
    reason    text   NOT NULL,
    -- The whole row as it was in the file, for the error file that a person mends and uploads again.
    record    text[] NOT NULL,
    PRIMARY KEY (import_id, row)
);

CREATE TABLE subscriptions (
    list_id       bigint      NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
    subscriber_id bigint      NOT NULL REFERENCES subscribers (id) ON DELETE CASCADE,
    status        text        NOT NULL CHECK (status IN ('subscribed', 'unconfirmed', 'unsubscribed')),
    -- Where the consent came from: import, admin, api, unsubscribe link.
    source        text        NOT NULL,
    -- Which import brought it or confirmed it. No foreign key: an import is deleted only with its list, and the check costs a tenth of the import.
    import_id     bigint,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (list_id, subscriber_id)
);
CREATE INDEX subscriptions_subscriber ON subscriptions (subscriber_id);

CREATE TABLE suppressions (
    email_key  text        PRIMARY KEY,
    reason     text        NOT NULL CHECK (reason IN ('bounce', 'complaint', 'unsubscribe', 'manual')),
    source     text        NOT NULL,
    -- The evidence: the server's own words, or what a person wrote.
    detail     text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX suppressions_created ON suppressions (created_at DESC, email_key);
