package audience

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"postrider/audience/segment"
	"postrider/internal/errs"
)

// refused expects an Invalid error at a place of a definition.
func refused(t *testing.T, err error, field, text string) {
	t.Helper()
	var e *errs.E
	if !errors.As(err, &e) || e.Kind != errs.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != field || !strings.Contains(e.Fields[0].Message, text) {
		t.Errorf("it is %v; want %s: …%s…", err, field, text)
	}
}

// conflicts expects a Conflict that says something.
func conflicts(t *testing.T, err error, text string) {
	t.Helper()
	if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), text) {
		t.Errorf("it is %v; want a Conflict with %s", err, text)
	}
}

// TestASegmentDoesNotWidenWhenWhatItNamesIsGone has conditions that leave people out, and takes away what they are about.
func TestASegmentDoesNotWidenWhenWhatItNamesIsGone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	for _, c := range []struct{ condition, what, insert, remove string }{
		{`{"type":"list","list_id":%d}`, "list", `INSERT INTO lists (name) VALUES ($1) RETURNING id`, `DELETE FROM lists WHERE id = $1`},
		{`{"type":"activity","event":"sent","campaign_id":%d}`, "campaign", `INSERT INTO campaigns (name) VALUES ($1) RETURNING id`, `DELETE FROM campaigns WHERE id = $1`},
		{`{"type":"import","how":"touched","import_id":%d}`, "import", fmt.Sprintf(`INSERT INTO imports (list_id, filename, status) VALUES (%d, $1, 'done') RETURNING id`, list), `DELETE FROM imports WHERE id = $1`},
		{`{"type":"consent","import_id":%d}`, "import", fmt.Sprintf(`INSERT INTO imports (list_id, filename, status) VALUES (%d, $1, 'done') RETURNING id`, list), `DELETE FROM imports WHERE id = $1`},
	} {
		t.Run(c.condition, func(t *testing.T) {
			var id int64
			if err := b.pool.QueryRow(b.ctx, c.insert, c.condition).Scan(&id); err != nil {
				t.Fatal(err)
			}
			definition := `{"all":[{"type":"created","op":"in_last","days":3},{"none":[` + fmt.Sprintf(c.condition, id) + `]}]}`
			s := must[Segment](t)(b.CreateSegment(b.ctx, c.condition, []byte(definition)))
			user := must[Segment](t)(b.CreateSegment(b.ctx, "User of "+c.condition, []byte(fmt.Sprintf(`{"any":[{"type":"segment","segment_id":%d}]}`, s.ID))))
			must[SegmentCount](t)(b.CountSavedSegment(b.ctx, s.ID))
			exec(b, c.remove, id)
			gone := fmt.Sprintf("there is no %s %d", c.what, id)
			_, err := b.CountSavedSegment(b.ctx, s.ID)
			refused(t, err, "definition/all/1/none/0/"+c.what+"_id", gone)
			_, err = b.CountSavedSegment(b.ctx, user.ID)
			refused(t, err, "definition", gone)
			_, err = Select(b.ctx, b.pool, Choice{SegmentIDs: []int64{s.ID}}, start)
			refused(t, err, "segment_ids", gone)
		})
	}
}

func TestAListThatIsAskedAboutIsNotDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list, other := b.list("Staff"), b.list("Other")
	exec(b, `INSERT INTO imports (list_id, filename, status) VALUES ($1, 'a.csv', 'done')`, list)
	for _, condition := range []string{fmt.Sprintf(`{"type":"list","list_id":%d}`, list), `{"type":"import","import_id":1,"how":"brought"}`} {
		s := must[Segment](t)(b.CreateSegment(b.ctx, "Others", []byte(`{"none":[`+condition+`]}`)))
		conflicts(t, b.DeleteList(b.ctx, list), `the segment "Others"`)
		if err := b.DeleteSegment(b.ctx, s.ID); err != nil {
			t.Fatal(err)
		}
	}
	exec(b, `WITH c AS (INSERT INTO campaigns (name, status) VALUES ('Autumn', 'draft') RETURNING id)
		INSERT INTO campaign_excluded_lists (campaign_id, list_id) SELECT id, $1 FROM c`, list)
	conflicts(t, b.DeleteList(b.ctx, list), `"Autumn" (draft)`)
	exec(b, `DELETE FROM campaign_excluded_lists`)
	exec(b, `UPDATE campaigns SET status = 'running', freeze_after = 0`)
	conflicts(t, b.DeleteList(b.ctx, list), `"Autumn" are just being chosen`)
	exec(b, `UPDATE campaigns SET freeze_after = NULL`)
	for _, id := range []int64{list, other} {
		if err := b.DeleteList(b.ctx, id); err != nil {
			t.Error(err)
		}
	}
}

// TestAFieldThatIsBeingChangedIsNotAskedAbout looks at both sides: no segment is used while a job changes a field, and no field is changed while people are chosen.
func TestAFieldThatIsBeingChangedIsNotAskedAbout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	must[Field](t)(b.CreateField(b.ctx, "city", "", FieldText))
	must[Field](t)(b.CreateField(b.ctx, "other", "", FieldText))
	s := must[Segment](t)(b.CreateSegment(b.ctx, "Elsewhere", []byte(`{"none":[`+inBerlin+`]}`)))
	exec(b, `INSERT INTO campaigns (name, status, freeze_after) VALUES ('Autumn', 'running', 0)`)
	_, err := b.UpdateField(b.ctx, "city", "", FieldList)
	conflicts(t, err, `"Autumn"`)
	conflicts(t, b.DeleteField(b.ctx, "city", 0), `"Autumn"`)
	must[Field](t)(b.UpdateField(b.ctx, "city", "City", FieldText)) // another label harms nobody
	exec(b, `UPDATE campaigns SET freeze_after = NULL`)

	must[Field](t)(b.UpdateField(b.ctx, "other", "", FieldNumber))
	must[SegmentCount](t)(b.CountSavedSegment(b.ctx, s.ID))
	if err := b.DeleteField(b.ctx, "city", 0); err != nil {
		t.Fatal(err)
	}
	_, err = b.CountSavedSegment(b.ctx, s.ID)
	refused(t, err, "definition/none/0/field", `"city" is being changed (deleting)`)
	_, err = Select(b.ctx, b.pool, Choice{SegmentIDs: []int64{s.ID}}, start)
	refused(t, err, "segment_ids", `"city" is being changed`)
}

// TestAFieldWaitsForACampaignThatStarts changes one while a start that is not committed has frozen its type.
func TestAFieldWaitsForACampaignThatStarts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	must[Field](t)(b.CreateField(b.ctx, "city", "", FieldText))
	tx, err := b.pool.Begin(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(b.ctx) }()
	if err := HoldDefinitionsTx(b.ctx, tx); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(b.ctx, `INSERT INTO campaigns (name, status, freeze_after) VALUES ('Autumn', 'running', 0)`); err != nil {
		t.Fatal(err)
	}
	deleted := make(chan error, 1)
	go func() { deleted <- b.DeleteField(b.ctx, "city", 0) }()
	waiting := false
	for !waiting {
		err := b.pool.QueryRow(b.ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`).Scan(&waiting)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-deleted:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
	}
	if err := tx.Commit(b.ctx); err != nil {
		t.Fatal(err)
	}
	conflicts(t, <-deleted, `"Autumn"`)
}

func TestAChangeReachesTheSegmentsThatNameIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const paused, weekly = `{"type":"wish","wish":"paused"}`, `{"type":"wish","wish":"weekly"}`
	many := func(n int, of, last string) []byte {
		return []byte(`{"any":[` + strings.Repeat(of+",", n) + last + "]}")
	}
	named := func(id int64) string { return fmt.Sprintf(`{"type":"segment","segment_id":%d}`, id) }
	inner := must[Segment](t)(b.CreateSegment(b.ctx, "Inner", []byte(weekly)))
	middle := must[Segment](t)(b.CreateSegment(b.ctx, "Middle", many(190, paused, named(inner.ID))))
	outer := must[Segment](t)(b.CreateSegment(b.ctx, "Outer", many(190, paused, named(middle.ID))))
	apart := must[Segment](t)(b.CreateSegment(b.ctx, "Apart", []byte(weekly)))
	counted := func(id int64) bool { return must[Segment](t)(b.GetSegment(b.ctx, id)).LastCount != nil }
	all := []int64{inner.ID, middle.ID, outer.ID, apart.ID}
	for _, id := range all {
		must[SegmentCount](t)(b.CountSavedSegment(b.ctx, id))
	}
	must[Segment](t)(b.UpdateSegment(b.ctx, inner.ID, "Inner one", []byte(weekly)))
	for _, id := range all {
		if !counted(id) {
			t.Errorf("a new name made the count of %d be forgotten", id)
		}
	}
	_, err := b.UpdateSegment(b.ctx, inner.ID, "Inner", many(150, weekly, weekly))
	refused(t, err, "definition", `"Outer" uses this one, and could not any more`)
	if got := must[Segment](t)(b.GetSegment(b.ctx, inner.ID)); string(got.Definition) != weekly {
		t.Errorf("it was written all the same: %s", got.Definition)
	}
	must[Segment](t)(b.UpdateSegment(b.ctx, inner.ID, "Inner", []byte(paused)))
	for _, id := range all {
		if counted(id) != (id == apart.ID) {
			t.Errorf("the count of %d is remembered: %v", id, counted(id))
		}
	}
}

// TestWhomADeletedFormBroughtIsStillKnown is why a segment may name a form that is gone.
func TestWhomADeletedFormBroughtIsStillKnown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	exec(b, `INSERT INTO subscribers (email, email_key) VALUES ('a@example.org', 'a@example.org'), ('b@example.org', 'b@example.org')`)
	exec(b, `INSERT INTO subscriptions (list_id, subscriber_id, status, source, evidence) SELECT $1, id, 'subscribed', 'form', CASE WHEN email = 'a@example.org' THEN '{"form_id": 5}'::jsonb END FROM subscribers`, list)
	s := must[Segment](t)(b.CreateSegment(b.ctx, "By form", []byte(`{"type":"consent","form_id":5}`)))
	if c := must[SegmentCount](t)(b.CountSavedSegment(b.ctx, s.ID)); c.Count != 1 {
		t.Errorf("%+v", c)
	}
}

func TestNamesOfEverything(t *testing.T) {
	t.Parallel()
	b := setup(t)
	exec(b, `INSERT INTO lists (name) VALUES ('News')`)
	exec(b, `INSERT INTO forms (slug, name) VALUES ('f', 'Footer')`)
	exec(b, `INSERT INTO campaigns (name) VALUES ('May')`)
	exec(b, `INSERT INTO imports (list_id, filename, status) VALUES (1, 'a.csv', 'done')`)
	n := must[segment.Node](t)(segment.Parse([]byte(`{"all":[{"type":"consent","list_id":1,"form_id":1,"import_id":1},{"type":"activity","event":"opened","campaign_id":1}]}`)))
	const want = "Subscribed to the list “News” with the import “a.csv” by the form “Footer”, and opened the campaign “May”"
	if got := segment.Sentence(n, must[segment.Names](t)(segmentNames(b.ctx, b.pool, n))); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
