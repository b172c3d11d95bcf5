package templates

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/internal/page"
)

func TestVersions(t *testing.T) {
	t.Parallel()
	s, _, now := setup(t)
	ctx := t.Context()
	a, err := s.Create(ctx, Input{Name: "A", HTML: "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n", Author: "Ann", Note: "first"})
	if err != nil || a.Version != 1 {
		t.Fatal(a, err)
	}
	*now = now.Add(time.Hour)
	b, err := s.Update(ctx, a.ID, Input{Name: "A", Subject: "S", HTML: "one\nTWO\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\n", Author: "Bob", Version: 1})
	if err != nil || b.Version != 2 {
		t.Fatal(b, err)
	}
	_, err = s.Update(ctx, a.ID, Input{Name: "A", Author: "Cleo", Version: 1})
	if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "saved by Bob at 2026-05-04 04:02 UTC, as version 2") {
		t.Errorf("saving over somebody gave %v", err)
	}
	p, err := s.Versions(ctx, a.ID, page.Query{Limit: 1})
	if err != nil || len(p.Items) != 1 || p.Items[0].Number != 2 || p.Items[0].Author != "Bob" || p.Items[0].HTML != "" || p.NextCursor == "" {
		t.Errorf("%+v, %v", p, err)
	}
	if p, err = s.Versions(ctx, a.ID, page.Query{Limit: 1, Cursor: p.NextCursor}); err != nil || p.Items[0].Note != "first" || p.NextCursor != "" {
		t.Errorf("%+v, %v", p, err)
	}
	d, err := s.Diff(ctx, a.ID, 0, 2)
	want := Difference{From: 1, To: 2, Parts: []PartDifference{
		{"subject", []Hunk{{1, 1, []DiffLine{{"+", "S"}}}}},
		{"html", []Hunk{
			{1, 1, []DiffLine{{" ", "one"}, {"-", "two"}, {"+", "TWO"}, {" ", "three"}, {" ", "four"}, {" ", "five"}}},
			{7, 7, []DiffLine{{" ", "seven"}, {" ", "eight"}, {" ", "nine"}, {"+", "ten"}}},
		}},
	}}
	if diff := cmp.Diff(want, d); err != nil || diff != "" {
		t.Error(err, diff)
	}
	d, err = s.DiffUnsaved(ctx, a.ID, 2, Input{Name: "A ", Subject: "Mine", HTML: b.HTML})
	if diff := cmp.Diff(Difference{From: 2, Parts: []PartDifference{{"subject", []Hunk{{1, 1, []DiffLine{{"-", "S"}, {"+", "Mine"}}}}}}}, d); err != nil || diff != "" {
		t.Error(err, diff)
	}
	r, err := s.Restore(ctx, a.ID, 1, "Dan")
	if err != nil || r.Version != 3 || r.HTML != a.HTML || r.Subject != "" {
		t.Errorf("%+v, %v", r, err)
	}
	v, err := s.GetVersion(ctx, a.ID, 3)
	if err != nil || v.Author != "Dan" || v.Note != "restored from version 1" || v.HTML != a.HTML {
		t.Errorf("%+v, %v", v, err)
	}
	_, err1 := s.GetVersion(ctx, a.ID, 9)
	_, err2 := s.Versions(ctx, 999, page.Query{})
	_, err3 := s.Restore(ctx, a.ID, 9, "")
	for _, err := range []error{err1, err2, err3} {
		if !errs.Is(err, errs.NotFound) {
			t.Errorf("what is not there gave %v", err)
		}
	}
}

func TestOldVersionsGoUnnamedFirst(t *testing.T) {
	t.Parallel()
	s, pool, _ := setup(t)
	ctx := t.Context()
	a, err := s.Create(ctx, Input{Name: "A", Note: "kept"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.Exec(ctx, `INSERT INTO template_versions SELECT template_id, n, name, kind, layout_id, inline_css, subject, preheader, html, text, author, '', at
		FROM template_versions, generate_series(2, 200) n`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = pool.Exec(ctx, `UPDATE templates SET version = 200`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(ctx, a.ID, Input{Name: "A"}); err != nil {
		t.Fatal(err)
	}
	_, err1 := s.GetVersion(ctx, a.ID, 1)
	_, err2 := s.GetVersion(ctx, a.ID, 2)
	_, err3 := s.GetVersion(ctx, a.ID, 3)
	if err1 != nil || !errs.Is(err2, errs.NotFound) || err3 != nil {
		t.Error(err1, err2, err3)
	}
}

func TestLayoutsAndSnippetsInUse(t *testing.T) {
	t.Parallel()
	s, pool, _ := setup(t)
	ctx := t.Context()
	create := func(in Input) Template {
		t.Helper()
		v, err := s.Create(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	snippet := create(Input{Name: "foot", Role: RoleSnippet, HTML: "f"})
	layout := create(Input{Name: "Base", Role: RoleLayout, HTML: `<html>{% block "main" %}{% endblock %}{% snippet "foot" %}</html>`})
	content := create(Input{Name: "News", LayoutID: &layout.ID, HTML: "x"})
	draft := create(Input{Name: "alone", Role: RoleSnippet, HTML: "f"})
	if _, err := pool.Exec(ctx, `INSERT INTO campaigns (name, html) VALUES ('C', '{% snippet "Alone" %}'), ('D', 'a snippet of alone')`); err != nil {
		t.Fatal(err)
	}
	got, err := s.Build(ctx, content.Source())
	if err != nil || got.HTML != "<html>xf</html>" {
		t.Errorf("%+v, %v", got, err)
	}
	_, renamed := s.Update(ctx, snippet.ID, Input{Name: "feet", HTML: "f"})
	_, otherKind := s.Update(ctx, layout.ID, Input{Name: "Base", Kind: KindMarkdown, HTML: `{% block "main" %}{% endblock %}`})
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"layout": {s.Delete(ctx, layout.ID), `content "News"`}, "snippet": {s.Delete(ctx, snippet.ID), `layout "Base"`}, "draft": {s.Delete(ctx, draft.ID), `used by campaign "C";`},
		"renamed": {renamed, `cannot be renamed while it is used by layout "Base"`}, "kind": {otherKind, `content "News"`},
	} {
		if !errs.Is(tc.err, errs.Conflict) || !strings.Contains(tc.err.Error(), tc.want) {
			t.Errorf("%s: %v", name, tc.err)
		}
	}
	if _, err := s.Update(ctx, snippet.ID, Input{Name: "Foot", HTML: "g"}); err != nil {
		t.Errorf("another case is no other name: %v", err)
	}
	_, circle := s.Update(ctx, snippet.ID, Input{Name: "Foot", HTML: `{% snippet "foot" %}`})
	_, role := s.Update(ctx, snippet.ID, Input{Name: "Foot", Role: RoleLayout})
	_, noMain := s.Create(ctx, Input{Name: "L", Role: RoleLayout, HTML: "x"})
	_, quotes := s.Create(ctx, Input{Name: `a"b`, Role: RoleSnippet})
	_, ownLayout := s.Update(ctx, layout.ID, Input{Name: "Base", LayoutID: &layout.ID, HTML: layout.HTML})
	for name, err := range map[string]error{"circle": circle, "role": role, "no main": noMain, "quotes": quotes, "own layout": ownLayout} {
		if !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Delete(ctx, content.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, layout.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, snippet.ID); err != nil {
		t.Error(err)
	}
}

// A layout or snippet is not saved when mail that could be built could not be any more; what was broken already stands in nobody's way.
func TestASaveThatBreaksOthersIsRefused(t *testing.T) {
	t.Parallel()
	s, pool, _ := setup(t)
	ctx := t.Context()
	create := func(in Input) Template {
		t.Helper()
		v, err := s.Create(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	snippet := create(Input{Name: "foot", Role: RoleSnippet, HTML: "f", Text: "f"})
	layout := create(Input{Name: "Base", Role: RoleLayout, HTML: `<html>{% block "side" %}{% endblock %}{% block "main" %}{% endblock %}</html>`})
	create(Input{Name: "Inner", Role: RoleLayout, LayoutID: &layout.ID, HTML: `{% block "main" %}{% block "side" %}s{% endblock %}{% endblock %}`})
	sided := `{% block "side" %}x{% endblock %}{% block "main" %}y{% endblock %}`
	content := create(Input{Name: "News", LayoutID: &layout.ID, HTML: sided, Subject: `{% snippet "foot" %}`})
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(ctx, sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO campaigns (name, html, layout_id, status) VALUES ('Draft', $1, $2, 'draft'), ('Sent', $1, $2, 'finished'), ('Broken', '{% block "none" %}{% endblock %}', $2, 'draft')`, sided, layout.ID)
	exec(`INSERT INTO campaigns (name, html, layout_id) VALUES ('Test', 'x', $1)`, layout.ID)
	exec(`INSERT INTO campaign_variants (campaign_id, n, html) SELECT id, 1, $1 FROM campaigns WHERE name = 'Test'`, sided)
	exec(`INSERT INTO campaign_variants (campaign_id, n, subject) SELECT id, 2, '{% snippet "foot" %}' FROM campaigns WHERE name = 'Test'`)
	exec(`INSERT INTO newsletters (name, slug, definition, status) VALUES ('Weekly', 'w', jsonb_build_object('content', jsonb_build_object('html', $1::text, 'layout_id', $2::bigint)), 'active')`, sided, layout.ID)

	noSide := Input{Name: "Base", HTML: `<html>{% block "main" %}{% endblock %}</html>`}
	_, errLayout := s.Update(ctx, layout.ID, noSide)
	_, errText := s.Update(ctx, snippet.ID, Input{Name: "foot", HTML: "f"})
	for name, tc := range map[string]struct {
		err  error
		want []string
		not  []string
	}{
		"a block that is gone":     {errLayout, []string{`content "News"`, `campaign "Draft"`, `campaign "Test"`, `newsletter "Weekly"`, `has no block "side"`}, []string{"Sent", "Broken", "Inner"}},
		"a text part that is gone": {errText, []string{`content "News"`, `campaign "Test"`, "it has no text part"}, []string{"Draft"}},
	} {
		t.Run(name, func(t *testing.T) {
			if !errs.Is(tc.err, errs.Conflict) {
				t.Fatalf("it gave %v", tc.err)
			}
			for _, want := range tc.want {
				if !strings.Contains(tc.err.Error(), want) {
					t.Errorf("no %s in %v", want, tc.err)
				}
			}
			for _, not := range tc.not {
				if strings.Contains(tc.err.Error(), not) {
					t.Errorf("%s in %v", not, tc.err)
				}
			}
		})
	}
	if now, err := s.Get(ctx, layout.ID); err != nil || now.Version != layout.Version || now.HTML != layout.HTML {
		t.Errorf("the refused save left %+v, %v", now, err)
	}
	if _, err := s.Update(ctx, layout.ID, Input{Name: "Base", HTML: `<html>new {% block "main" %}{% endblock %}{% block "side" %}{% endblock %}</html>`}); err != nil {
		t.Errorf("a save that breaks nothing gave %v", err)
	}
	// The way out: first the contents, then the layout.
	exec(`DELETE FROM campaigns WHERE name IN ('Draft', 'Test')`)
	exec(`UPDATE newsletters SET status = 'ended'`)
	if _, err := s.Update(ctx, content.ID, Input{Name: "News", LayoutID: &layout.ID, HTML: "y"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(ctx, layout.ID, noSide); err != nil {
		t.Errorf("with only a broken draft left it gave %v", err)
	}
	if _, err := s.Update(ctx, snippet.ID, Input{Name: "foot", HTML: "f"}); err != nil {
		t.Errorf("a part that nobody uses any more gave %v", err)
	}
}
