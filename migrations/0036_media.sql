-- +goose Up
-- Owner: templates/media. Images and documents that mails show or link to.

-- Where files are put: the folder of this server, or a bucket of an S3 service. What the files of before are in stays listed, so that they are found.
CREATE TABLE media_storages (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text        NOT NULL CHECK (kind IN ('folder', 's3')),
    name       text        NOT NULL CHECK (name <> ''),
    -- New files go here.
    current    boolean     NOT NULL DEFAULT false,
    endpoint   text        NOT NULL DEFAULT '',
    region     text        NOT NULL DEFAULT '',
    bucket     text        NOT NULL DEFAULT '',
    prefix     text        NOT NULL DEFAULT '',
    path_style boolean     NOT NULL DEFAULT false,
    access_key text        NOT NULL DEFAULT '',
    -- Sealed by internal/secret.
    secret_key bytea,
    public_url text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX media_storages_name ON media_storages (lower(name));
CREATE UNIQUE INDEX media_storages_current ON media_storages (current) WHERE current;
CREATE UNIQUE INDEX media_storages_folder ON media_storages (kind) WHERE kind = 'folder';
INSERT INTO media_storages (kind, name, current) VALUES ('folder', 'Folder of this server', true);

CREATE TABLE media_files (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- SHA-256 of the content as it is kept: the address in mails. The same content twice is one file.
    hash           bytea       NOT NULL CHECK (length(hash) = 32),
    name           text        NOT NULL CHECK (name <> ''),
    alt            text        NOT NULL DEFAULT '',
    content_type   text        NOT NULL,
    size_bytes     integer     NOT NULL,
    width          integer     NOT NULL,
    height         integer     NOT NULL,
    animated       boolean     NOT NULL,
    storage_id     bigint      NOT NULL CONSTRAINT media_files_storage REFERENCES media_storages (id),
    object         text        NOT NULL,
    thumbnail      bytea,
    thumbnail_type text        NOT NULL DEFAULT '',
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL
);
CREATE UNIQUE INDEX media_files_hash ON media_files (hash);
CREATE INDEX media_files_storage_id ON media_files (storage_id, id);
CREATE INDEX media_files_search ON media_files USING gin (lower(name || ' ' || alt) gin_trgm_ops);

-- Objects that no file names: being written, or to be removed. They are removed once due_at has passed.
CREATE TABLE media_leftovers (
    storage_id bigint      NOT NULL CONSTRAINT media_leftovers_storage REFERENCES media_storages (id),
    object     text        NOT NULL,
    due_at     timestamptz NOT NULL,
    -- No file can name it any more.
    removing   boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (storage_id, object)
);
