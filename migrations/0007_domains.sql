-- +goose Up
-- Owner: sender.

-- A key waits (pending) until its record is seen in DNS; the one it replaces is retired then.
ALTER TABLE dkim_keys
    DROP CONSTRAINT dkim_keys_status_check,
    ADD CONSTRAINT dkim_keys_status_check CHECK (status IN ('pending', 'active', 'retired')),
    -- Since when every look-up that was answered has found the record as it should be.
    ADD COLUMN seen_at      timestamptz,
    ADD COLUMN activated_at timestamptz,
    ADD COLUMN retired_at   timestamptz;

UPDATE dkim_keys SET retired_at = now() WHERE status = 'retired';
-- A newer key beside an older one signed nothing: it was there to be published.
UPDATE dkim_keys k SET status = 'pending' WHERE k.status = 'active' AND EXISTS (
    SELECT FROM dkim_keys older
    WHERE older.domain_id = k.domain_id AND older.algorithm = k.algorithm AND older.status = 'active' AND older.id < k.id);
UPDATE dkim_keys SET activated_at = created_at WHERE status = 'active';

ALTER TABLE sending_domains
    -- What the last look at DNS found: sender.Check, one object for each record.
    ADD COLUMN checks        jsonb       NOT NULL DEFAULT '[]',
    ADD COLUMN checked_at    timestamptz,
    ADD COLUMN next_check_at timestamptz NOT NULL DEFAULT now();
