-- +goose Up
-- Owner of all these tables: campaigns/newsletters.

-- A mailing that comes again and again. definition is what a person decides about it (content, rules, schedule), in the form of newsletters.Definition; whom it goes to and
-- through which relays is in tables of its own, since lists, segments and relays must not go away under it.
CREATE TABLE newsletters (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name            text        NOT NULL CHECK (name <> ''),
    status          text        NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'paused', 'ended')),
    public          boolean     NOT NULL DEFAULT false,
    definition      jsonb       NOT NULL CHECK (jsonb_typeof(definition) = 'object'),
    -- Dates without issues: those that a person skipped before there was an issue, and pauses.
    skips           jsonb       NOT NULL DEFAULT '[]',
    pauses          jsonb       NOT NULL DEFAULT '[]',
    pause_note      text,
    resumes_at      timestamptz,
    activated_at    timestamptz,
    -- The next run that has no issue yet, and when its issue is made; NULL when there is none.
    next_run_at     timestamptz,
    next_prepare_at timestamptz,
    -- The source: when it is asked next, and how it stands. Its last good copy is in fetched_documents.
    fetch_at        timestamptz,
    fetched_at      timestamptz,
    fetch_error     text,
    failing_since   timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX newsletters_name ON newsletters (lower(name));
CREATE INDEX newsletters_due ON newsletters (next_prepare_at) WHERE status = 'active';

CREATE TABLE newsletter_lists (
    newsletter_id bigint  NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    list_id       bigint  NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
    excluded      boolean NOT NULL,
    PRIMARY KEY (newsletter_id, list_id, excluded)
);
CREATE INDEX newsletter_lists_list ON newsletter_lists (list_id);

CREATE TABLE newsletter_segments (
    newsletter_id bigint  NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    segment_id    bigint  NOT NULL REFERENCES segments (id) ON DELETE CASCADE,
    excluded      boolean NOT NULL,
    PRIMARY KEY (newsletter_id, segment_id, excluded)
);
CREATE INDEX newsletter_segments_segment ON newsletter_segments (segment_id);

CREATE TABLE newsletter_relays (
    newsletter_id bigint   NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    relay_id      bigint   NOT NULL REFERENCES relays (id) ON DELETE CASCADE,
    position      smallint NOT NULL,
    PRIMARY KEY (newsletter_id, relay_id)
);
CREATE INDEX newsletter_relays_relay ON newsletter_relays (relay_id);

-- One run. That there is one for each local date at most is decided here.
CREATE TABLE newsletter_issues (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    newsletter_id bigint      NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    local_date    date        NOT NULL,
    number        integer     NOT NULL,
    state         text        NOT NULL CHECK (state IN ('preparing', 'draft', 'awaiting_approval', 'ready', 'held', 'sending', 'sent', 'skipped')),
    reason_code   text        NOT NULL DEFAULT '',
    reason        text        NOT NULL DEFAULT '',
    run_at        timestamptz NOT NULL,
    late_until    timestamptz NOT NULL,
    deadline      timestamptz NOT NULL,
    campaign_id   bigint      REFERENCES campaigns (id) ON DELETE SET NULL,
    edited        boolean     NOT NULL DEFAULT false,
    -- The campaign's updated_at when it was last written from here: another one means that a person changed it on its own page.
    written_at    timestamptz,
    approved_by   text,
    -- Whether a person wants it to go out before its time.
    send_now      boolean     NOT NULL DEFAULT false,
    -- When it is looked at next, and until when a process works on it.
    try_at        timestamptz NOT NULL,
    busy_until    timestamptz,
    -- How many of the reminders have been sent, or tried.
    reminded      smallint    NOT NULL DEFAULT 0,
    started_at    timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT newsletter_issues_once UNIQUE (newsletter_id, local_date),
    -- One that was sent has its mail, unless that was deleted since; one campaign is one issue.
    CONSTRAINT newsletter_issues_campaign UNIQUE (campaign_id)
);
CREATE INDEX newsletter_issues_open ON newsletter_issues (try_at) WHERE state NOT IN ('sent', 'skipped');

-- What happened to an issue, and who did it; by is '' for the program.
CREATE TABLE newsletter_log (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issue_id bigint      NOT NULL REFERENCES newsletter_issues (id) ON DELETE CASCADE,
    at       timestamptz NOT NULL,
    action   text        NOT NULL,
    note     text        NOT NULL DEFAULT '',
    by       text        NOT NULL DEFAULT ''
);
CREATE INDEX newsletter_log_issue ON newsletter_log (issue_id, id);

-- What was in the feed. An item goes out once: sent_in is set in the transaction that starts the campaign. old ones were there before the newsletter was.
CREATE TABLE newsletter_items (
    newsletter_id bigint      NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE,
    key           bytea       NOT NULL,
    item          jsonb       NOT NULL,
    published_at  timestamptz,
    seen_at       timestamptz NOT NULL,
    old           boolean     NOT NULL,
    sent_in       bigint      REFERENCES newsletter_issues (id) ON DELETE SET NULL,
    sent_at       timestamptz,
    PRIMARY KEY (newsletter_id, key)
);
CREATE INDEX newsletter_items_new ON newsletter_items (newsletter_id, published_at DESC) WHERE sent_at IS NULL AND NOT old;

-- The items of an issue, in their order.
CREATE TABLE newsletter_issue_items (
    issue_id bigint   NOT NULL REFERENCES newsletter_issues (id) ON DELETE CASCADE,
    key      bytea    NOT NULL,
    position smallint NOT NULL,
    PRIMARY KEY (issue_id, key)
);
