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
