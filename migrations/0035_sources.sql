-- +goose Up
-- Owner: campaigns/sources. Feeds and documents that newsletters are made of: the last good copy of each, and what is wrong since when (docs/feeds.md).
CREATE TABLE fetched_documents (
    url           text        PRIMARY KEY CHECK (length(url) BETWEEN 1 AND 2000),
    -- The last good copy; NULL while there never was one.
    body          bytea       CHECK (octet_length(body) <= 5242880),
    content_type  text        NOT NULL DEFAULT '',
    final_url     text        NOT NULL DEFAULT '',
    moved         boolean     NOT NULL DEFAULT false,
    etag          text        NOT NULL DEFAULT '',
    last_modified text        NOT NULL DEFAULT '',
    fetched_at    timestamptz, -- when the copy came, or was last said to be the same
    -- The trouble since then; '' when the last try went well.
    trouble       text        NOT NULL DEFAULT '',
    failing_since timestamptz,
    failures      integer     NOT NULL DEFAULT 0,
    tried_at      timestamptz NOT NULL,
    next_try_at   timestamptz, -- the source is left alone until then
    used_at       timestamptz NOT NULL,
    CHECK ((body IS NULL) = (fetched_at IS NULL)),
    CHECK ((trouble = '') = (failing_since IS NULL))
);
CREATE INDEX fetched_documents_used ON fetched_documents (used_at);
