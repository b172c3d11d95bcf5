-- +goose Up
-- Owner: campaigns, unless it says otherwise.

-- A part of a campaign's deliveries that waits behind a gate: none of it is claimed before opened_at is set. The tick opens those whose opens_at has come; without one the
-- gate is opened by whatever decides it, and expected_at says for forecasts when that will be about. people counts the deliveries behind it, as long as it is closed.
CREATE TABLE campaign_gates (
    campaign_id bigint      NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    gate        smallint    NOT NULL,
    opens_at    timestamptz,
    expected_at timestamptz,
    opened_at   timestamptz,
    people      integer     NOT NULL DEFAULT 0 CHECK (people >= 0),
    note        text        NOT NULL DEFAULT '',
    PRIMARY KEY (campaign_id, gate)
);
CREATE INDEX campaign_gates_due ON campaign_gates (opens_at) WHERE opened_at IS NULL;

-- NULL: open from the start. It is in no index, and the bit of a NULL fits into what the head of a row has anyhow: rows grow by nothing, and updates stay HOT.
ALTER TABLE deliveries ADD COLUMN gate smallint;

-- A campaign sends only from send_from to send_until on send_days (1 = Monday) in send_zone; empty days are no window.
ALTER TABLE campaigns
    ADD COLUMN send_days  integer[] NOT NULL DEFAULT '{}',
    ADD COLUMN send_from  time,
    ADD COLUMN send_until time,
    ADD COLUMN send_zone  text      NOT NULL DEFAULT '',
    ADD CONSTRAINT campaigns_window CHECK (cardinality(send_days) = 0 OR num_nulls(send_from, send_until) = 0);

-- Local time: each person gets it when it is local_at where they are. Their zone is in the custom field local_zone_field, else it is that of their list, else that of the settings;
-- what becomes of those for whom that moment has passed is local_late. local_zones is what Start froze of it; how many had a zone that does not exist, and none, is counted.
ALTER TABLE campaigns
    ADD COLUMN local_time       boolean NOT NULL DEFAULT false,
    ADD COLUMN local_zone_field text    NOT NULL DEFAULT '',
    ADD COLUMN local_late       text    NOT NULL DEFAULT 'send' CHECK (local_late IN ('send', 'skip', 'next_day')),
    ADD COLUMN local_at         timestamp,
    ADD COLUMN local_zones      jsonb,
    ADD COLUMN zones_invalid    integer NOT NULL DEFAULT 0,
    ADD COLUMN zones_missing    integer NOT NULL DEFAULT 0;

-- Owner: audience. In which zone the people of a list are, as far as they do not say otherwise.
ALTER TABLE lists ADD COLUMN time_zone text;

-- A campaign that was started with a grace period is scheduled for its end, and undoable until then.
ALTER TABLE campaigns ADD COLUMN undoable boolean NOT NULL DEFAULT false;

-- Owner: sender. While there is a row that nobody has ended, nothing at all is sent, by any process. The others tell who stopped and resumed before.
CREATE TABLE sending_stops (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stopped_at timestamptz NOT NULL,
    stopped_by text        NOT NULL,
    reason     text        NOT NULL,
    resumed_at timestamptz,
    resumed_by text
);
CREATE UNIQUE INDEX sending_stops_open ON sending_stops ((true)) WHERE resumed_at IS NULL;

-- Another run of a campaign, to those of its ledger who did not get or open it, is a campaign of its own under the first.
ALTER TABLE campaigns
    ADD COLUMN parent_id bigint REFERENCES campaigns (id),
    ADD COLUMN run_no    integer NOT NULL DEFAULT 1,
    ADD COLUMN rerun_to  text[]  NOT NULL DEFAULT '{}' CHECK (rerun_to <@ ARRAY['not_opened', 'deferred', 'failed', 'unconfirmed']);
CREATE UNIQUE INDEX campaigns_runs ON campaigns (parent_id, run_no) WHERE parent_id IS NOT NULL;
