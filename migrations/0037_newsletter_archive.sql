-- +goose Up

-- What the address of a newsletter's archive ends in: /a/SLUG. A program of before gives none, and the newsletter one that nobody guesses.
ALTER TABLE newsletters ADD COLUMN slug text NOT NULL DEFAULT 'n' || substr(md5(random()::text || clock_timestamp()::text), 1, 15) CHECK (slug <> '');
UPDATE newsletters SET slug = COALESCE(NULLIF(trim(BOTH '-' FROM left(regexp_replace(lower(name), '[^a-z0-9]+', '-', 'g'), 40)), ''), 'newsletter') || '-' || id;
CREATE UNIQUE INDEX newsletters_slug ON newsletters (slug);
