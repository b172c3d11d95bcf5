package templates

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

func what(id int64) string { return fmt.Sprintf("template %d", id) }

type templateRow struct {
	ID                       int64
	Name                     string
	Role                     Role
	Kind                     Kind
	LayoutID                 *int64
	InlineCSS                bool `db:"inline_css"`
	Subject, Preheader, Text string
	HTML                     string `db:"html"`
	Version                  int
	CreatedAt, UpdatedAt     time.Time
}

const templateColumns = `id, name, role, kind, layout_id, inline_css, subject, preheader, html, text, version, created_at, updated_at`

func (r templateRow) template() Template {
	return Template{
		ID: r.ID, Name: r.Name, Role: r.Role, Kind: r.Kind, LayoutID: r.LayoutID, InlineCSS: r.InlineCSS, Subject: r.Subject, Preheader: r.Preheader, HTML: r.HTML, Text: r.Text,
		Version: r.Version, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func get(ctx context.Context, db pg.DB, id int64) (Template, error) {
	r, err := pg.One[templateRow](ctx, db, what(id), `SELECT `+templateColumns+` FROM templates WHERE id = $1`, id)
	return r.template(), err
}

// lockTemplate is get, and nobody else changes it until the transaction ends.
func lockTemplate(ctx context.Context, tx pgx.Tx, id int64) (Template, error) {
	r, err := pg.One[templateRow](ctx, tx, what(id), `SELECT `+templateColumns+` FROM templates WHERE id = $1 FOR UPDATE`, id)
	return r.template(), err
}

func insert(ctx context.Context, tx pgx.Tx, in Input, now time.Time) (Template, error) {
	r, err := pg.One[templateRow](ctx, tx, "new template", `
		INSERT INTO templates (name, role, kind, layout_id, inline_css, subject, preheader, html, text, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING `+templateColumns,
		in.Name, in.Role, in.Kind, in.LayoutID, !in.KeepCSS, in.Subject, in.Preheader, in.HTML, in.Text, now)
	return r.template(), err
}

func update(ctx context.Context, tx pgx.Tx, id int64, in Input, now time.Time) (Template, error) {
	r, err := pg.One[templateRow](ctx, tx, what(id), `
		UPDATE templates SET name = $2, kind = $3, layout_id = $4, inline_css = $5, subject = $6, preheader = $7, html = $8, text = $9, version = version + 1, updated_at = $10
		WHERE id = $1 RETURNING `+templateColumns, id, in.Name, in.Kind, in.LayoutID, !in.KeepCSS, in.Subject, in.Preheader, in.HTML, in.Text, now)
	return r.template(), err
}

func remove(ctx context.Context, tx pgx.Tx, id int64) error {
	tag, err := tx.Exec(ctx, `DELETE FROM templates WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("deleting %s: %w", what(id), err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.NotFound, "there is no %s", what(id))
	}
	return nil
}

// setSnippets notes which snippets stand in a template.
func setSnippets(ctx context.Context, tx pgx.Tx, t Template) error {
	var names []string
	for _, src := range []string{t.Subject, t.Preheader, t.HTML, t.Text} {
		nodes, serr := parseStored(src)
		if serr != nil {
			return fmt.Errorf("reading the snippets of %s: %w", what(t.ID), serr)
		}
		for _, name := range snippetNames(nodes) {
			names = append(names, strings.ToLower(name))
		}
	}
	_, err := tx.Exec(ctx, `
		WITH used AS (SELECT id FROM templates WHERE role = 'snippet' AND lower(name) = ANY ($2)),
			gone AS (DELETE FROM template_snippets WHERE template_id = $1 AND snippet_id NOT IN (SELECT id FROM used))
		INSERT INTO template_snippets (template_id, snippet_id) SELECT $1, id FROM used ON CONFLICT DO NOTHING`, t.ID, append([]string{}, names...))
	if err != nil {
		return fmt.Errorf("noting the snippets of %s: %w", what(t.ID), err)
	}
	return nil
}

func list(ctx context.Context, db pg.DB, role Role, q page.Query) (page.Page[Template], error) {
	var after *string
	if q.Cursor != "" {
		after = new(string)
		if err := page.Decode(q.Cursor, after); err != nil {
			return page.Page[Template]{}, err
		}
	}
	// The index is on lower(name), which is unique, so that alone is the key of the order.
	rows, err := pg.Many[templateRow](ctx, db, "templates", `
		SELECT `+templateColumns+` FROM templates
		WHERE ($1::text IS NULL OR lower(name) > lower($1)) AND ($3 = '' OR role = $3)
		ORDER BY lower(name) LIMIT $2`, after, q.Size()+1, role)
	if err != nil {
		return page.Page[Template]{}, err
	}
	all := make([]Template, len(rows))
	for i, r := range rows {
		all[i] = r.template()
	}
	p := page.Cut(all, q, func(t Template) string { return page.Encode(t.Name) })
	var total int64
	if err := db.QueryRow(ctx, `SELECT count(*) FROM templates WHERE $1 = '' OR role = $1`, role).Scan(&total); err != nil {
		return p, fmt.Errorf("counting templates: %w", err)
	}
	p.Total, p.TotalExact = &total, true
	return p, nil
}

// stored is the library in the database.
type stored struct{ db pg.DB }

func (s stored) layout(ctx context.Context, id int64) (Template, error) { return get(ctx, s.db, id) }

func (s stored) snippet(ctx context.Context, name string) (Template, error) {
	r, err := pg.One[templateRow](ctx, s.db, "snippet", `SELECT `+templateColumns+` FROM templates WHERE role = 'snippet' AND lower(name) = lower($1)`, name)
	return r.template(), err
}

func (s stored) snippets(ctx context.Context) ([]string, error) {
	rows, err := s.db.Query(ctx, `SELECT name FROM templates WHERE role = 'snippet' ORDER BY lower(name) LIMIT 1000`)
	if err != nil {
		return nil, fmt.Errorf("listing the snippets: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("listing the snippets: %w", err)
	}
	return names, nil
}

// users names what a layout or snippet is used by: templates, and campaigns that have not started, which keep their sources until then.
func users(ctx context.Context, tx pgx.Tx, t Template) ([]string, error) {
	rows, err := tx.Query(ctx, `
		SELECT DISTINCT t.role || ' "' || t.name || '"' FROM templates t LEFT JOIN template_snippets s ON s.template_id = t.id WHERE t.layout_id = $1 OR s.snippet_id = $1
		UNION ALL SELECT 'campaign "' || name || '"' FROM campaigns WHERE layout_id = $1 AND status IN ('draft', 'scheduled')
		UNION ALL SELECT 'newsletter "' || name || '"' FROM newsletters WHERE (definition #>> '{content,layout_id}')::bigint = $1 AND status <> 'ended'
		ORDER BY 1`, t.ID)
	if err != nil {
		return nil, fmt.Errorf("looking for what uses %s: %w", what(t.ID), err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("looking for what uses %s: %w", what(t.ID), err)
	}
	if t.Role != RoleSnippet {
		return names, nil
	}
	drafts, err := draftsWith(ctx, tx, t.Name)
	return append(names, drafts...), err
}

// draftsWith names the campaigns that have not started, and the newsletters, that hold a snippet themselves.
func draftsWith(ctx context.Context, tx pgx.Tx, snippet string) ([]string, error) {
	type row struct{ What, Name, Subject, Preheader, HTML, Text string }
	rows, err := pg.Many[row](ctx, tx, "campaigns", `
		SELECT 'campaign' AS what, name, subject, preheader, html, text FROM campaigns WHERE status IN ('draft', 'scheduled') AND html || text || subject || preheader LIKE '%snippet%'
		UNION ALL SELECT 'newsletter', name, c ->> 'subject', c ->> 'preheader', c ->> 'html', c ->> 'text' FROM newsletters, LATERAL (SELECT definition -> 'content') AS x (c)
			WHERE status <> 'ended' AND c::text LIKE '%snippet%'
		ORDER BY what, name`)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, r := range rows {
		if slices.ContainsFunc([]string{r.Subject, r.Preheader, r.HTML, r.Text}, func(src string) bool { return holdsSnippet(src, snippet) }) {
			names = append(names, r.What+` "`+r.Name+`"`)
		}
	}
	return names, nil
}

func holdsSnippet(src, name string) bool {
	nodes, serr := parseStored(src)
	return serr == nil && slices.ContainsFunc(snippetNames(nodes), func(n string) bool { return strings.EqualFold(n, name) })
}
