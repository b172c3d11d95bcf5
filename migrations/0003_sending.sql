-- +goose Up
-- Owner: sender.

CREATE TABLE relays (
    id                          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                        text        NOT NULL CHECK (name <> ''),
    kind                        text        NOT NULL CHECK (kind IN ('smtp', 'inbox')),
    host                        text        NOT NULL DEFAULT '',
    port                        integer     NOT NULL DEFAULT 0,
    tls                         text        NOT NULL CHECK (tls IN ('none', 'starttls', 'implicit')),
    auth                        text        NOT NULL CHECK (auth IN ('none', 'auto', 'plain', 'login', 'cram-md5', 'scram-sha-256')),
    username                    text        NOT NULL DEFAULT '',
    -- Sealed by internal/secret with the context "relay/<id>/password"; NULL when there is none.
    password                    bytea,
    helo_name                   text        NOT NULL DEFAULT '',
    max_connections             integer     NOT NULL DEFAULT 10 CHECK (max_connections BETWEEN 1 AND 1000),
    max_messages_per_connection integer     NOT NULL DEFAULT 100 CHECK (max_messages_per_connection >= 1),
    rate_limit                  integer     CHECK (rate_limit >= 1),
    rate_period                 text        NOT NULL DEFAULT 'second' CHECK (rate_period IN ('second', 'minute', 'hour', 'day')),
    return_path                 text        NOT NULL DEFAULT 'per_recipient' CHECK (return_path IN ('per_recipient', 'from')),
    dkim                        text        NOT NULL DEFAULT 'sign' CHECK (dkim IN ('sign', 'off')),
    signing_profile             text        NOT NULL DEFAULT 'default' CHECK (signing_profile IN ('default', 'ses')),
    status                      text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused')),
    -- Why it is paused, or, while it is active, why it cannot be used at the moment.
    pause_reason                text,
    created_at                  timestamptz NOT NULL DEFAULT now(),
    updated_at                  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX relays_name ON relays (lower(name));

-- The relay's rate over all processes, as GCRA: the time at which the next message may go. Each process reserves a block of tokens.
CREATE TABLE relay_rates (
    relay_id bigint      PRIMARY KEY REFERENCES relays (id) ON DELETE CASCADE,
    tat      timestamptz NOT NULL
) WITH (fillfactor = 50);

-- A process of ours that sends. Its lease says until when it may; a node whose lease ended sends nothing and what it had claimed is looked into.
CREATE TABLE nodes (
    id          uuid        PRIMARY KEY,
    host        text        NOT NULL,
    pid         integer     NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT now(),
    lease_until timestamptz NOT NULL,
    -- Set when everything that the node had claimed is accounted for.
    settled_at  timestamptz
) WITH (fillfactor = 50);
CREATE INDEX nodes_unsettled ON nodes (lease_until) WHERE settled_at IS NULL;

-- The relay's connections over all processes: one row for each that a node may hold open.
CREATE TABLE relay_slots (
    relay_id bigint  NOT NULL REFERENCES relays (id) ON DELETE CASCADE,
    slot     integer NOT NULL,
    node_id  uuid    NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    PRIMARY KEY (relay_id, slot)
);

CREATE TABLE sending_domains (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain        text        NOT NULL CONSTRAINT sending_domains_domain UNIQUE,
    bounce_domain text,
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE dkim_keys (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain_id   bigint      NOT NULL REFERENCES sending_domains (id) ON DELETE CASCADE,
    selector    text        NOT NULL,
    algorithm   text        NOT NULL CHECK (algorithm IN ('rsa2048', 'ed25519')),
    -- PKCS #8 DER, sealed with the context "dkim/<domain id>/<selector>".
    private_key bytea       NOT NULL,
    public_txt  text        NOT NULL,
    status      text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'retired')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (domain_id, selector)
);

-- What the built-in inbox captured.
CREATE TABLE inbox_messages (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT now(),
    mail_from   text        NOT NULL,
    rcpt_to     text[]      NOT NULL,
    subject     text        NOT NULL,
    message_id  text        NOT NULL,
    size        integer     NOT NULL,
    raw         bytea       NOT NULL
);
