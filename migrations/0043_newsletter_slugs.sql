-- +goose Up

-- Addresses that archives had before. Mail that went out links to them for ever: they lead to where the newsletter is now, and no other newsletter gets them.
CREATE TABLE newsletter_slugs (
    slug          text   PRIMARY KEY,
    newsletter_id bigint NOT NULL REFERENCES newsletters (id) ON DELETE CASCADE
);
CREATE INDEX newsletter_slugs_newsletter ON newsletter_slugs (newsletter_id);

-- A program of before changes the address and notes nothing, so the database does.
-- +goose StatementBegin
CREATE FUNCTION newsletter_slug_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO newsletter_slugs (slug, newsletter_id) VALUES (OLD.slug, OLD.id) ON CONFLICT (slug) DO UPDATE SET newsletter_id = excluded.newsletter_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER newsletters_slug_kept AFTER UPDATE OF slug ON newsletters FOR EACH ROW WHEN (OLD.slug <> NEW.slug) EXECUTE FUNCTION newsletter_slug_kept();
