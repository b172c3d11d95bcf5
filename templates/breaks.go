package templates

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// mostUsers is how many users of a layout or snippet a save is tried on, the ones that were changed last first. What is beyond it is found when it is previewed or started.
const mostUsers = 500

// usedIn is a source that holds a layout or snippet, itself or through others.
type usedIn struct {
	What, Name               string
	Role                     Role
	Kind                     Kind
	LayoutID                 *int64
	KeepCSS                  bool `db:"keep_css"`
	Subject, Preheader, Text string
	HTML                     string `db:"html"`
}

// breaks refuses a save of a layout or snippet, already made in the transaction, after which mail could not be built any more that could be built before: when a block is gone that a content
// fills, say. Templates, campaigns that have not started and newsletters are tried.
//
// Invariant: what was broken before does not keep anybody from saving.
func breaks(ctx context.Context, tx pgx.Tx, before Template) error {
	if before.Role == RoleContent {
		return nil
	}
	all, err := usersOf(ctx, tx, before)
	if err != nil {
		return err
	}
	var broken []string
	var first *errs.E
	for _, u := range all {
		after := u.sound(ctx, stored{tx})
		if after == nil {
			continue
		}
		var e *errs.E
		if !errors.As(after, &e) || e.Kind != errs.Invalid {
			return after
		}
		if u.sound(ctx, replaced{stored{tx}, before}) != nil {
			continue
		}
		if first == nil {
			first = e
		}
		if name := fmt.Sprintf("%s %q", u.What, u.Name); !slices.Contains(broken, name) {
			broken = append(broken, name) // the variants of a test have one name
		}
	}
	if first == nil {
		return nil
	}
	return errs.New(errs.Conflict, "saved like this, the %s would break %s: %s. Change that first: a block that is to go, for example, is taken out of the contents before it is taken out of the layout",
		before.Role, naming(broken), said(first))
}

// said is an error as a part of a sentence.
func said(e *errs.E) string {
	if len(e.Fields) > 0 {
		return strings.TrimSuffix(e.Fields[0].Message, ".")
	}
	return e.Public
}

// sound is nil when mail can be built of it. Newsletters hold more than a template can: their issue is not filled in yet, so only layouts and snippets are put together.
func (u usedIn) sound(ctx context.Context, lib library) error {
	in := Input{Role: u.Role, Kind: u.Kind, LayoutID: u.LayoutID, KeepCSS: u.KeepCSS, Subject: u.Subject, Preheader: u.Preheader, HTML: u.HTML, Text: u.Text}
	if u.What == "newsletter" {
		_, err := assembleFrom(ctx, lib, in.source(), 0)
		return err
	}
	return in.sound(ctx, lib, 0)
}

// replaced is a library in which one template is as it was.
type replaced struct {
	library
	was Template
}

func (r replaced) layout(ctx context.Context, id int64) (Template, error) {
	if id == r.was.ID {
		return r.was, nil
	}
	return r.library.layout(ctx, id)
}

func (r replaced) snippet(ctx context.Context, name string) (Template, error) {
	if r.was.Role == RoleSnippet && strings.EqualFold(name, r.was.Name) {
		return r.was, nil
	}
	return r.library.snippet(ctx, name)
}

// usersOf lists what holds a layout or snippet, itself or through others. Contents that only might hold a snippet are among it.
func usersOf(ctx context.Context, tx pgx.Tx, t Template) ([]usedIn, error) {
	var like *string // no source holds a layout in its text
	if t.Role == RoleSnippet {
		like = new(string)
		*like = "%snippet%"
	}
	return pg.Many[usedIn](ctx, tx, "users of a template", `
		WITH RECURSIVE hit (id) AS (
			SELECT $1::bigint UNION
			SELECT t.id FROM hit h, LATERAL (SELECT id FROM templates WHERE layout_id = h.id UNION ALL SELECT template_id FROM template_snippets WHERE snippet_id = h.id) t),
		c AS (SELECT * FROM campaigns WHERE status IN ('draft', 'scheduled')),
		n AS (SELECT name, updated_at, definition -> 'content' AS x FROM newsletters WHERE status <> 'ended'),
		u AS (
			SELECT role AS what, name, role, kind, layout_id, NOT inline_css AS keep_css, subject, preheader, html, text, updated_at FROM templates WHERE id IN (SELECT id FROM hit) AND id <> $1
			UNION ALL SELECT 'campaign', name, 'content', kind, layout_id, NOT inline_css, subject, preheader, html, text, updated_at FROM c
			UNION ALL SELECT 'campaign', c.name, 'content', c.kind, c.layout_id, NOT c.inline_css, COALESCE(v.subject, c.subject), COALESCE(v.preheader, c.preheader),
				COALESCE(v.html, c.html), COALESCE(v.text, c.text), c.updated_at FROM c JOIN campaign_variants v ON v.campaign_id = c.id
			UNION ALL SELECT 'newsletter', name, 'content', COALESCE(x ->> 'kind', ''), (x ->> 'layout_id')::bigint, COALESCE((x ->> 'keep_css')::boolean, false),
				COALESCE(x ->> 'subject', ''), COALESCE(x ->> 'preheader', ''), COALESCE(x ->> 'html', ''), COALESCE(x ->> 'text', ''), updated_at FROM n)
		SELECT what, name, role, kind, layout_id, keep_css, subject, preheader, html, text FROM u
		WHERE what NOT IN ('campaign', 'newsletter') OR layout_id IN (SELECT id FROM hit) OR subject || preheader || html || text LIKE $2
		ORDER BY updated_at DESC LIMIT $3`, t.ID, like, mostUsers)
}
