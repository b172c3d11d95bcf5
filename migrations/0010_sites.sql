-- +goose Up
-- Owner: sender.

-- Whether the relay delivers to the recipients' servers itself, so that what is known of those must be kept to.
ALTER TABLE relays ADD COLUMN site_limits boolean NOT NULL DEFAULT false;

-- Who takes the mail of a domain, as DNS said: a known provider by its id, else its MX hosts in order, else the domain itself.
CREATE TABLE sites (
    domain       text        PRIMARY KEY,
    site         text        NOT NULL,
    looked_up_at timestamptz NOT NULL,
    -- When to ask again: later when DNS answered than when it did not.
    expires_at   timestamptz NOT NULL
);

-- What a person has set for a site; relay_id NULL is all relays that deliver themselves. All limits NULL: none, whatever the shipped ones say.
CREATE TABLE site_limits (
    relay_id   bigint  REFERENCES relays (id) ON DELETE CASCADE,
    site       text    NOT NULL,
    per_minute integer CHECK (per_minute >= 1),
    per_hour   integer CHECK (per_hour >= 1),
    in_flight  integer CHECK (in_flight >= 1)
);
CREATE UNIQUE INDEX site_limits_once ON site_limits (COALESCE(relay_id, 0), site);

-- How a relay stands with a site. The row is locked by whoever claims for the two.
CREATE TABLE relay_sites (
    relay_id     bigint      NOT NULL REFERENCES relays (id) ON DELETE CASCADE,
    site         text        NOT NULL,
    -- The limit's line in time (GCRA): when the next message may go, and behind it the moments to which others were put off.
    next_at      timestamptz NOT NULL DEFAULT now(),
    put_off_to   timestamptz NOT NULL DEFAULT now(),
    -- How many times the rate was halved, and when last.
    halved       smallint    NOT NULL DEFAULT 0,
    halved_at    timestamptz NOT NULL DEFAULT now(),
    -- Deferrals since the last success, parks since then, and until when nothing goes to the site.
    misses       integer     NOT NULL DEFAULT 0,
    parks        integer     NOT NULL DEFAULT 0,
    parked_until timestamptz,
    reply        text        NOT NULL DEFAULT '',
    PRIMARY KEY (relay_id, site)
) WITH (fillfactor = 50);

-- What each process has on its way to a site.
CREATE TABLE relay_site_claims (
    relay_id bigint  NOT NULL REFERENCES relays (id) ON DELETE CASCADE,
    site     text    NOT NULL,
    node_id  uuid    NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    claimed  integer NOT NULL,
    PRIMARY KEY (relay_id, site, node_id)
) WITH (fillfactor = 50);
