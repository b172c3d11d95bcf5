-- +goose Up
-- Owner: events/mailbox.

-- A mailbox in which bounces are read. Secrets are sealed by internal/secret with the contexts "mailbox/<id>/password" and so on; NULL when there is none.
CREATE TABLE mailboxes (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                text        NOT NULL CHECK (name <> '' AND length(name) <= 200),
    provider            text        NOT NULL DEFAULT '',
    protocol            text        NOT NULL CHECK (protocol IN ('imap', 'pop3')),
    host                text        NOT NULL,
    port                int         NOT NULL CHECK (port BETWEEN 1 AND 65535),
    tls                 text        NOT NULL CHECK (tls IN ('none', 'starttls', 'implicit')),
    allow_cleartext     boolean     NOT NULL DEFAULT false,
    auth                text        NOT NULL CHECK (auth IN ('password', 'xoauth2')),
    username            text        NOT NULL,
    password            bytea,
    oauth_client_id     text        NOT NULL DEFAULT '',
    oauth_token_url     text        NOT NULL DEFAULT '',
    oauth_client_secret bytea,
    oauth_refresh_token bytea,
    folder              text        NOT NULL DEFAULT 'INBOX',
    after_taken         text        NOT NULL CHECK (after_taken IN ('move', 'delete', 'leave')),
    move_to             text        NOT NULL DEFAULT '',
    clear_ignored       boolean     NOT NULL DEFAULT false,
    poll_minutes        int         NOT NULL CHECK (poll_minutes BETWEEN 1 AND 1440),
    status              text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused')),
    -- Counts what a person changes, so that who reads the mailbox notices.
    version             bigint      NOT NULL DEFAULT 1,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),

    -- IMAP: all messages up to last_uid have been looked at, but for those in mailbox_messages. RFC 9051 §2.3.1.1.
    uid_validity        bigint      NOT NULL DEFAULT 0,
    last_uid            bigint      NOT NULL DEFAULT 0,

    -- How reading goes. mode is how new mail is noticed: 'idle', 'poll', '' before the first check.
    mode                text        NOT NULL DEFAULT '' CHECK (mode IN ('', 'idle', 'poll')),
    messages            bigint,
    checked_at          timestamptz,
    next_check_at       timestamptz NOT NULL DEFAULT now(),
    asked_at            timestamptz,          -- somebody wants it checked now
    wait_until          timestamptz,          -- not before, whoever asks: the provider's limit
    failures            int         NOT NULL DEFAULT 0,
    error_kind          text        NOT NULL DEFAULT '',
    error_step          text        NOT NULL DEFAULT '',
    error_text          text        NOT NULL DEFAULT '',
    error_remedy        text        NOT NULL DEFAULT '',
    error_at            timestamptz,

    -- Who reads it at the moment. A process that is gone lets the lease run out.
    lease_owner         uuid,
    lease_until         timestamptz
);
CREATE UNIQUE INDEX mailboxes_name ON mailboxes (lower(name));

-- Single messages that have to be remembered. uid is the UID of IMAP under the mailbox's uid_validity, or the unique-id of POP3 (RFC 1939 §7).
--   left   POP3: looked at, and it stays in the mailbox
--   taken  POP3: committed, to be deleted at the server
--   retry  could not be taken; again at next_at
--   stuck  could not be taken after many tries; left alone until somebody asks
CREATE TABLE mailbox_messages (
    mailbox_id bigint      NOT NULL REFERENCES mailboxes ON DELETE CASCADE,
    uid        text        NOT NULL CHECK (length(uid) BETWEEN 1 AND 200),
    state      text        NOT NULL CHECK (state IN ('left', 'taken', 'retry', 'stuck')),
    attempts   int         NOT NULL DEFAULT 0,
    next_at    timestamptz,
    error      text        NOT NULL DEFAULT '',
    noted_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (mailbox_id, uid)
);

-- What was read and moved over the network in each hour, for the provider's daily limits and for people.
CREATE TABLE mailbox_usage (
    mailbox_id bigint      NOT NULL REFERENCES mailboxes ON DELETE CASCADE,
    hour       timestamptz NOT NULL,
    bytes_in   bigint      NOT NULL DEFAULT 0,
    bytes_out  bigint      NOT NULL DEFAULT 0,
    taken      int         NOT NULL DEFAULT 0,
    ignored    int         NOT NULL DEFAULT 0,
    foreign_mail int       NOT NULL DEFAULT 0,
    failed     int         NOT NULL DEFAULT 0,
    PRIMARY KEY (mailbox_id, hour)
);
