-- +goose Up
-- Owner: campaigns/sources. Takes the place of fetched_documents, which stays for the version before this one and is written by no other: a copy belongs to what it is read as,
-- so that a JSON document never stands in for a feed at the same address.
CREATE TABLE source_copies (
    kind          text        NOT NULL CHECK (kind IN ('feed', 'json')),
    url           text        NOT NULL CHECK (length(url) BETWEEN 1 AND 2000),
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
    asked_rest    timestamptz, -- until when its server has asked to be left alone (Retry-After)
    used_at       timestamptz NOT NULL,
    PRIMARY KEY (kind, url),
    CHECK ((body IS NULL) = (fetched_at IS NULL)),
    CHECK ((trouble = '') = (failing_since IS NULL))
);
CREATE INDEX source_copies_used ON source_copies (used_at);

-- Copies are kept as what they look like: those that begin with a tag as feeds, JSON Feeds as both, everything else as JSON.
INSERT INTO source_copies (kind, url, body, content_type, final_url, moved, etag, last_modified, fetched_at, trouble, failing_since, failures, tried_at, next_try_at, used_at)
SELECT k.kind, d.url, d.body, d.content_type, d.final_url, d.moved, d.etag, d.last_modified, d.fetched_at, d.trouble, d.failing_since, d.failures, d.tried_at, d.next_try_at, d.used_at
FROM fetched_documents d, LATERAL (SELECT encode(substring(d.body FOR 2000), 'escape') AS head) h, (VALUES ('feed'), ('json')) k (kind)
WHERE d.body IS NOT NULL AND CASE k.kind WHEN 'feed' THEN h.head ~ '^[^{["]*<|jsonfeed\.org/version' ELSE h.head !~ '^[^{["]*<' END;

-- Owner: campaigns/newsletters. Where an item stood among those that were seen with it, the newest first: what decides between items without a date, or of the same.
ALTER TABLE newsletter_items ADD COLUMN position integer NOT NULL DEFAULT 0;
-- An item that only says when it was changed counts by that.
UPDATE newsletter_items SET published_at = (item ->> 'updated')::timestamptz
WHERE published_at IS NULL AND sent_at IS NULL AND item ->> 'updated' > '0002';

-- Owner: campaigns/newsletters. One row: the latest time that any process has seen, and since when, by the clock of those that run, it lies ahead, because a clock was set back.
CREATE TABLE newsletter_clock (
    one        boolean     PRIMARY KEY DEFAULT true CHECK (one),
    latest     timestamptz NOT NULL,
    back_since timestamptz
);
INSERT INTO newsletter_clock (latest) VALUES ('1970-01-01 00:00:00+00');
