-- +goose Up
-- Owner of relays: sender. Owner of campaign_relays: campaigns.

-- How the mail of a campaign with several relays is shared out: by weight (0: only when no other can be used), to relays that take its From domain and
-- the recipient's site. Empty lists: all.
ALTER TABLE relays
    ADD COLUMN weight          integer NOT NULL DEFAULT 1 CHECK (weight BETWEEN 0 AND 100),
    ADD COLUMN from_domains    text[]  NOT NULL DEFAULT '{}',
    ADD COLUMN recipient_sites text[]  NOT NULL DEFAULT '{}';

-- The relays of a campaign. The first one also stands in campaigns.relay_id, the only one that earlier versions know and write.
CREATE TABLE campaign_relays (
    campaign_id bigint   NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    relay_id    bigint   NOT NULL REFERENCES relays (id) ON DELETE CASCADE,
    position    smallint NOT NULL,
    PRIMARY KEY (campaign_id, relay_id)
);
CREATE INDEX campaign_relays_relay ON campaign_relays (relay_id);
INSERT INTO campaign_relays (campaign_id, relay_id, position) SELECT id, relay_id, 1 FROM campaigns WHERE relay_id IS NOT NULL;
