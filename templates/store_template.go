package templates

import (
	"context"
	"fmt"
	"time"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

func what(id int64) string { return fmt.Sprintf("template %d", id) }

func utc(t Template, err error) (Template, error) {
	t.CreatedAt, t.UpdatedAt = t.CreatedAt.UTC(), t.UpdatedAt.UTC()
	return t, err
}

func get(ctx context.Context, db pg.DB, id int64) (Template, error) {
	return utc(pg.One[Template](ctx, db, what(id), `
		SELECT id, name, subject, html, text, created_at, updated_at FROM templates WHERE id = $1`, id))
}

func insert(ctx context.Context, db pg.DB, in Input, now time.Time) (Template, error) {
	return utc(pg.One[Template](ctx, db, "new template", `
		INSERT INTO templates (name, subject, html, text, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
		RETURNING id, name, subject, html, text, created_at, updated_at`, in.Name, in.Subject, in.HTML, in.Text, now))
}

func update(ctx context.Context, db pg.DB, id int64, in Input, now time.Time) (Template, error) {
	return utc(pg.One[Template](ctx, db, what(id), `
		UPDATE templates SET name = $2, subject = $3, html = $4, text = $5, updated_at = $6 WHERE id = $1
		RETURNING id, name, subject, html, text, created_at, updated_at`, id, in.Name, in.Subject, in.HTML, in.Text, now))
}

func remove(ctx context.Context, db pg.DB, id int64) error {
	tag, err := db.Exec(ctx, `DELETE FROM templates WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("deleting %s: %w", what(id), err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.NotFound, "there is no %s", what(id))
	}
	return nil
}

func list(ctx context.Context, db pg.DB, q page.Query) (page.Page[Template], error) {
	var after *string
	if q.Cursor != "" {
		after = new(string)
		if err := page.Decode(q.Cursor, after); err != nil {
			return page.Page[Template]{}, err
		}
	}
	// The index is on lower(name), which is unique, so that alone is the key of the order.
	rows, err := pg.Many[Template](ctx, db, "templates", `
		SELECT id, name, subject, html, text, created_at, updated_at FROM templates
		WHERE $1::text IS NULL OR lower(name) > lower($1)
		ORDER BY lower(name) LIMIT $2`, after, q.Size()+1)
	if err != nil {
		return page.Page[Template]{}, err
	}
	for i := range rows {
		rows[i], _ = utc(rows[i], nil)
	}
	p := page.Cut(rows, q, func(t Template) string { return page.Encode(t.Name) })
	var total int64
	if err := db.QueryRow(ctx, `SELECT count(*) FROM templates`).Scan(&total); err != nil {
		return p, fmt.Errorf("counting templates: %w", err)
	}
	p.Total, p.TotalExact = &total, true
	return p, nil
}
