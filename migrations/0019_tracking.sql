-- +goose Up
-- Owner: events (events), audience (subscribers, lists).

-- Who opened or clicked, and by which rule we say so; null for other kinds. Opens and clicks from before count as unknown.
ALTER TABLE events
    ADD COLUMN actor text CHECK (actor IN ('human', 'machine', 'unknown')),
    ADD COLUMN rule text,
    ADD CONSTRAINT events_actor_kind CHECK (actor IS NULL OR kind IN ('open', 'click'));

-- A person, or everybody on a list, whose mail carries neither pixel nor counted links.
ALTER TABLE subscribers ADD COLUMN no_tracking boolean NOT NULL DEFAULT false;
ALTER TABLE lists ADD COLUMN no_tracking boolean NOT NULL DEFAULT false;
-- Asked for each open and click: it holds only those who said no.
CREATE INDEX subscribers_no_tracking ON subscribers (id) WHERE no_tracking;
