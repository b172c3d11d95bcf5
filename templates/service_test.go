package templates

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg/pgtest"
)

func setup(t *testing.T) (*Service, *pgxpool.Pool, *time.Time) {
	t.Helper()
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	pool := pgtest.DB(t)
	return New(pool, func() time.Time { return now }), pool, &now
}

func TestTemplates(t *testing.T) {
	t.Parallel()
	s, _, now := setup(t)
	ctx := t.Context()
	made, err := s.Create(ctx, Input{Name: " Welcome ", Subject: "Hi {{ subscriber.name }}", HTML: "<p>x", Text: "x"})
	if err != nil {
		t.Fatal(err)
	}
	want := Template{ID: made.ID, Name: "Welcome", Role: RoleContent, Kind: KindHTML, InlineCSS: true, Version: 1, Subject: "Hi {{ subscriber.name }}", HTML: "<p>x", Text: "x", CreatedAt: *now, UpdatedAt: *now}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Error(diff)
	}
	*now = now.Add(time.Hour)
	changed, err := s.Update(ctx, made.ID, Input{Name: "welcome", HTML: "y"})
	if want := (Template{ID: made.ID, Name: "welcome", Role: RoleContent, Kind: KindHTML, InlineCSS: true, Version: 2, HTML: "y", CreatedAt: made.CreatedAt, UpdatedAt: *now}); err != nil || changed != want {
		t.Errorf("%+v, %v", changed, err)
	}
	if got, err := s.Get(ctx, made.ID); err != nil || got != changed {
		t.Errorf("%+v, %v", got, err)
	}
	if err := s.Delete(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	_, errGet := s.Get(ctx, made.ID)
	_, errUpdate := s.Update(ctx, made.ID, Input{Name: "x"})
	for _, err := range []error{errGet, errUpdate, s.Delete(ctx, made.ID)} {
		if !errs.Is(err, errs.NotFound) {
			t.Errorf("a deleted template gave %v", err)
		}
	}
}

func TestTemplateErrors(t *testing.T) {
	t.Parallel()
	s, _, _ := setup(t)
	ctx := t.Context()
	if _, err := s.Create(ctx, Input{Name: "One"}); err != nil {
		t.Fatal(err)
	}
	two, err := s.Create(ctx, Input{Name: "Two"})
	if err != nil {
		t.Fatal(err)
	}
	_, errCreate := s.Create(ctx, Input{Name: "oNE"})
	_, errUpdate := s.Update(ctx, two.ID, Input{Name: "one "})
	for _, err := range []error{errCreate, errUpdate} {
		if !errs.Is(err, errs.Conflict) {
			t.Errorf("a name that is taken gave %v", err)
		}
	}
	for _, in := range []Input{{Name: " "}, {Name: "x", HTML: "{% if %}"}, {Name: "x", Text: "\x00"}, {Name: "\xff"}} {
		if _, err := s.Create(ctx, in); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v gave %v", in, err)
		}
	}
}

func TestListTemplates(t *testing.T) {
	t.Parallel()
	s, _, _ := setup(t)
	for _, name := range []string{"b", "A", "c", "É", "d"} {
		if _, err := s.Create(t.Context(), Input{Name: name}); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]int{}
	var q page.Query
	for q.Limit = 2; ; {
		p, err := s.List(t.Context(), "", q)
		if err != nil || p.Total == nil || *p.Total != 5 || !p.TotalExact {
			t.Fatalf("%+v, %v", p, err)
		}
		for _, x := range p.Items {
			seen[x.Name]++
		}
		if q.Cursor = p.NextCursor; q.Cursor == "" {
			break
		}
	}
	if diff := cmp.Diff(map[string]int{"A": 1, "b": 1, "c": 1, "d": 1, "É": 1}, seen); diff != "" {
		t.Error(diff)
	}
	if _, err := s.List(t.Context(), "", page.Query{Cursor: "?"}); !errs.Is(err, errs.Invalid) {
		t.Errorf("a bad cursor gave %v", err)
	}
}

// Each tag that is offered must show the attribute it was made from.
func TestMergeTags(t *testing.T) {
	t.Parallel()
	s, pool, _ := setup(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO subscribers (email, email_key, attributes) VALUES
		('a@x.org', 'a@x.org', '{"city": "Köln", "email": "other", "two words": 1, "it''s \"q\" \\": true, "none": null, "first_name": "A"}'),
		('b@x.org', 'b@x.org', '{"city": "Bonn"}')`)
	if err != nil {
		t.Fatal(err)
	}
	// A field that nobody has a value in is offered too, after the others; one that is being deleted is not, and no attribute without a field.
	_, err = pool.Exec(t.Context(), `INSERT INTO fields (name, label, type, pending) VALUES ('city', 'Where they live', 'text', NULL), ('email', '', 'text', NULL),
		('two words', '', 'number', NULL), ('it''s "q" \', '', 'boolean', NULL), ('none', '', 'text', 'deleting'), ('first_name', '', 'text', NULL), ('born', '', 'date', NULL)`)
	if err != nil {
		t.Fatal(err)
	}
	tags, err := s.MergeTags(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, tag := range tags {
		got = append(got, tag.Tag)
		if tag.Tag == "subscriber.city" && (tag.Label != "Where they live" || tag.Example != "Bonn" && tag.Example != "Köln") {
			t.Errorf("%+v", tag)
		}
	}
	want := []string{"subscriber.email", "subscriber.name", "subscriber.first_name", "unsubscribe_url", "preferences_url", "organization", "postal_address", "campaign.name", "campaign.subject",
		"subscriber.city", "subscriber.attributes.email", `subscriber.attributes["it's \"q\" \\"]`, "subscriber.attributes['two words']", "subscriber.born"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	person := Person{Attributes: map[string]any{"city": "C1", "email": "E1", "two words": "W1", `it's "q" \`: "Q1"}}
	for tag, value := range map[string]string{want[9]: "C1", want[10]: "E1", want[11]: "Q1", want[12]: "W1"} {
		for _, force := range []string{"", "{% assign z = 1 %}"} {
			r := fill(t, Content{Subject: force + "{{ " + tag + " }}"}, Options{}, Vars{Subscriber: person})
			if r.Subject != value {
				t.Errorf("{{ %s }} shows %q, want %q", tag, r.Subject, value)
			}
		}
	}
}
