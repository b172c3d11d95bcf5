-- +goose Up
-- Owner of templates, template_snippets and template_versions: templates. Owner of campaigns: campaigns.
-- Layouts, snippets, languages other than HTML, and what templates were before (docs/templates.md).

ALTER TABLE templates
    ADD role       text    NOT NULL DEFAULT 'content' CHECK (role IN ('content', 'layout', 'snippet')),
    ADD kind       text    NOT NULL DEFAULT 'html' CHECK (kind IN ('html', 'mjml', 'markdown', 'text')),
    ADD layout_id  bigint  CONSTRAINT templates_layout REFERENCES templates (id),
    ADD preheader  text    NOT NULL DEFAULT '',
    ADD inline_css boolean NOT NULL DEFAULT true,
    ADD version    integer NOT NULL DEFAULT 1,
    ADD CONSTRAINT templates_no_own_layout CHECK (layout_id <> id);
CREATE INDEX templates_by_layout ON templates (layout_id) WHERE layout_id IS NOT NULL;

-- Which snippets stand in a template, not counting those in its layout or in other snippets.
CREATE TABLE template_snippets (
    template_id bigint NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    snippet_id  bigint NOT NULL CONSTRAINT template_snippets_snippet REFERENCES templates (id),
    PRIMARY KEY (template_id, snippet_id)
);
CREATE INDEX template_snippets_by_snippet ON template_snippets (snippet_id);

-- Every save makes one. A layout is named by its number without a foreign key: it may be gone.
CREATE TABLE template_versions (
    template_id bigint      NOT NULL REFERENCES templates (id) ON DELETE CASCADE,
    version     integer     NOT NULL,
    name        text        NOT NULL,
    kind        text        NOT NULL,
    layout_id   bigint,
    inline_css  boolean     NOT NULL,
    subject     text        NOT NULL,
    preheader   text        NOT NULL,
    html        text        NOT NULL,
    text        text        NOT NULL,
    author      text        NOT NULL,
    note        text        NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (template_id, version)
);
INSERT INTO template_versions (template_id, version, name, kind, inline_css, subject, preheader, html, text, author, note, at)
SELECT id, 1, name, 'html', true, subject, '', html, text, '', '', updated_at FROM templates;

-- A campaign that has started has its content frozen and needs its layout no more.
ALTER TABLE campaigns
    ADD kind       text    NOT NULL DEFAULT 'html' CONSTRAINT campaigns_kind CHECK (kind IN ('html', 'mjml', 'markdown', 'text')),
    ADD layout_id  bigint  CONSTRAINT campaigns_layout_id_fkey REFERENCES templates (id) ON DELETE SET NULL,
    ADD inline_css boolean NOT NULL DEFAULT true;
CREATE INDEX campaigns_by_layout ON campaigns (layout_id) WHERE layout_id IS NOT NULL;
