-- +goose Up
-- Owner: sender.

-- The days of a warm-up begin at midnight in its time zone; '' is UTC, as it was.
ALTER TABLE relays ADD COLUMN warmup_zone text NOT NULL DEFAULT '';

-- What may be sent From a domain, whichever relays carry it; the columns mean what those of relays do. Processes of an earlier version do not look at
-- them: update all of them before a domain gets a plan.
ALTER TABLE sending_domains
    ADD COLUMN warmup_start   date,
    ADD COLUMN warmup_first   integer CHECK (warmup_first >= 1),
    ADD COLUMN warmup_percent integer CHECK (warmup_percent BETWEEN 1 AND 500),
    ADD COLUMN warmup_zone    text NOT NULL DEFAULT '',
    ADD COLUMN send_days      smallint[] NOT NULL DEFAULT '{}',
    ADD COLUMN send_from      time,
    ADD COLUMN send_until     time,
    ADD COLUMN send_zone      text NOT NULL DEFAULT '',
    ADD CONSTRAINT sending_domains_warmup CHECK (num_nulls(warmup_start, warmup_first, warmup_percent) IN (0, 3)),
    ADD CONSTRAINT sending_domains_window CHECK (cardinality(send_days) = 0 OR num_nulls(send_from, send_until) = 0);

-- What was sent From a domain in a minute, as far as it has a warm-up, and what each process has claimed and not recorded yet. Each process writes rows of
-- its own in both, so that one that records for several relays and domains at once never waits in a circle with another. The node of test messages,
-- which are not in the ledger, is all zeros.
CREATE TABLE domain_usage (
    domain_id bigint      NOT NULL REFERENCES sending_domains (id) ON DELETE CASCADE,
    minute    timestamptz NOT NULL,
    node_id   uuid        NOT NULL,
    used      integer     NOT NULL,
    PRIMARY KEY (domain_id, minute, node_id)
) WITH (fillfactor = 70);
CREATE TABLE domain_claims (
    domain_id bigint  NOT NULL REFERENCES sending_domains (id) ON DELETE CASCADE,
    node_id   uuid    NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,
    claimed   integer NOT NULL,
    PRIMARY KEY (domain_id, node_id)
) WITH (fillfactor = 50);
