-- +goose Up
-- Owner of templates: templates. Owner of all the others: campaigns.

CREATE TABLE templates (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text        NOT NULL CHECK (name <> ''),
    subject    text        NOT NULL DEFAULT '',
    html       text        NOT NULL DEFAULT '',
    text       text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX templates_name ON templates (lower(name));

CREATE TABLE campaigns (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                text        NOT NULL CHECK (name <> ''),
    status              text        NOT NULL DEFAULT 'draft'
                        CHECK (status IN ('draft', 'scheduled', 'running', 'paused', 'cancelled', 'finished')),
    pause_reason        text,
    subject             text        NOT NULL DEFAULT '',
    preheader           text        NOT NULL DEFAULT '',
    from_name           text        NOT NULL DEFAULT '',
    from_email          text        NOT NULL DEFAULT '',
    reply_to            text        NOT NULL DEFAULT '',
    html                text        NOT NULL DEFAULT '',
    text                text        NOT NULL DEFAULT '',
    template_id         bigint      REFERENCES templates (id) ON DELETE SET NULL,
    relay_id            bigint      REFERENCES relays (id) ON DELETE SET NULL,
    track_opens         boolean     NOT NULL DEFAULT true,
    track_clicks        boolean     NOT NULL DEFAULT true,
    unconfirmed_policy  text        NOT NULL DEFAULT 'hold' CHECK (unconfirmed_policy IN ('hold', 'resend', 'assume_delivered')),
    expires_after_hours integer     NOT NULL DEFAULT 72 CHECK (expires_after_hours BETWEEN 1 AND 720),
    scheduled_at        timestamptz,
    started_at          timestamptz,
    finished_at         timestamptz,
    recipients          integer     NOT NULL DEFAULT 0,
    excluded            integer     NOT NULL DEFAULT 0,
    -- Ranges of deliveries are handed to jobs from here on; run is raised whenever that starts anew, and a job of an older run does nothing.
    next_seq            integer     NOT NULL DEFAULT 1,
    run                 integer     NOT NULL DEFAULT 0,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX campaigns_live ON campaigns (status) WHERE status IN ('scheduled', 'running', 'paused');

CREATE TABLE campaign_lists (
    campaign_id bigint NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    list_id     bigint NOT NULL REFERENCES lists (id) ON DELETE CASCADE,
    PRIMARY KEY (campaign_id, list_id)
);
CREATE INDEX campaign_lists_list ON campaign_lists (list_id);

-- What Start froze: the sources as they were, never the live template or settings.
CREATE TABLE campaign_contents (
    campaign_id    bigint      PRIMARY KEY REFERENCES campaigns (id) ON DELETE CASCADE,
    content        jsonb       NOT NULL,
    frozen_at      timestamptz NOT NULL DEFAULT now()
);

-- The ledger: one row per (campaign, person). state is not indexed, and pages are kept more than half free:
-- a claim rewrites nearly every row of a page at once, and only what fits in the same page is a HOT update (at 70 % a third was not).
-- States: 0 queued, 1 claimed, 2 sent, 3 deferred, 4 bounced, 5 failed, 6 unconfirmed, 7 skipped.
CREATE TABLE deliveries (
    campaign_id     bigint      NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    seq             integer     NOT NULL,
    subscriber_id   bigint      NOT NULL,
    email           text        NOT NULL,
    state           smallint    NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 7),
    attempts        smallint    NOT NULL DEFAULT 0,
    node_id         uuid,
    relay_id        bigint,
    reply_code      smallint,
    reply_status    text,
    reply_text      text,
    skip_reason     text,
    first_tried_at  timestamptz,
    next_attempt_at timestamptz,
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (campaign_id, seq),
    CONSTRAINT deliveries_once UNIQUE (campaign_id, subscriber_id)
) WITH (fillfactor = 45);
-- Only deferred rows are in it; a delivery that succeeds at once never touches it.
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX deliveries_subscriber ON deliveries (subscriber_id);

-- Attempts that did not end in "sent": each with the server's words. (The one that did is in the ledger row itself.)
CREATE TABLE delivery_attempts (
    campaign_id  bigint      NOT NULL,
    seq          integer     NOT NULL,
    attempt      smallint    NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    relay_id     bigint,
    outcome      text        NOT NULL,
    reply_code   smallint,
    reply_status text,
    reply_text   text,
    reason       text        NOT NULL,
    fault        text        NOT NULL,
    PRIMARY KEY (campaign_id, seq, attempt),
    FOREIGN KEY (campaign_id, seq) REFERENCES deliveries (campaign_id, seq) ON DELETE CASCADE
);

CREATE TABLE exclusions (
    campaign_id   bigint NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    subscriber_id bigint NOT NULL,
    email         text   NOT NULL,
    reason        text   NOT NULL CHECK (reason IN ('suppressed', 'unsubscribed', 'unconfirmed')),
    PRIMARY KEY (campaign_id, subscriber_id)
);

-- The roll-up of the ledger, as of a moment; recipients is the sum of its states.
CREATE TABLE campaign_stats (
    campaign_id bigint      PRIMARY KEY REFERENCES campaigns (id) ON DELETE CASCADE,
    states      integer[]   NOT NULL,
    as_of       timestamptz NOT NULL
);
-- What was recorded in a minute, for the chart; written with the results themselves.
CREATE TABLE campaign_minutes (
    campaign_id bigint      NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    minute      timestamptz NOT NULL,
    -- Writers spread over shards so that they do not wait for one another.
    shard       smallint    NOT NULL,
    sent        integer     NOT NULL DEFAULT 0,
    bounced     integer     NOT NULL DEFAULT 0,
    deferred    integer     NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign_id, minute, shard)
) WITH (fillfactor = 70);
