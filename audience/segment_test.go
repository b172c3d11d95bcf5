package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"postrider/audience/segment"
	"postrider/internal/errs"
	"postrider/internal/page"
)

const inBerlin = `{"type":"field","field":"city","op":"is","value":"Berlin"}`

func TestSegmentsAreKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	exec(b, `INSERT INTO fields (name, label, type) VALUES ('city', 'City', 'text')`)
	berlin := must[Segment](t)(b.CreateSegment(b.ctx, " Berlin ", []byte(inBerlin)))
	if berlin.Name != "Berlin" || berlin.Sentence != "City is Berlin" || berlin.LastCount != nil {
		t.Errorf("%+v", berlin)
	}
	both := must[Segment](t)(b.CreateSegment(b.ctx, "Both", []byte(fmt.Sprintf(`{"all":[{"type":"segment","segment_id":%d},{"type":"wish","wish":"weekly"}]}`, berlin.ID))))
	if both.Sentence != "In the segment “Berlin”, and wants mail once a week at most" {
		t.Error(both.Sentence)
	}
	for _, c := range []struct {
		name, definition, field string
		kind                    errs.Kind
	}{
		{"berlin", inBerlin, "name", errs.Conflict},
		{"", inBerlin, "name", errs.Invalid},
		{"New", `{"type":"field","field":"town","op":"is","value":"x"}`, "definition/field", errs.Invalid},
		{"New", `{"any":[{"type":"segment","segment_id":99}]}`, "definition/any/0/segment_id", errs.Invalid},
	} {
		_, err := b.CreateSegment(b.ctx, c.name, []byte(c.definition))
		var e *errs.E
		if !errors.As(err, &e) || e.Kind != c.kind || len(e.Fields) != 1 || e.Fields[0].Name != c.field {
			t.Errorf("%+v: %v", c, err)
		}
	}
	// A circle over two.
	_, err := b.UpdateSegment(b.ctx, berlin.ID, "Berlin", []byte(fmt.Sprintf(`{"any":[{"type":"segment","segment_id":%d}]}`, both.ID)))
	if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "circle") {
		t.Errorf("a circle: %v", err)
	}
	if err := b.DeleteSegment(b.ctx, berlin.ID); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), `"Both"`) {
		t.Errorf("one that another names: %v", err)
	}
	names := func() (out []string) {
		for _, s := range must[page.Page[Segment]](t)(b.ListSegments(b.ctx, page.Query{})).Items {
			out = append(out, s.Name)
		}
		return out
	}
	if diff := cmp.Diff([]string{"Berlin", "Both"}, names()); diff != "" {
		t.Error(diff)
	}
	if err := b.DeleteSegment(b.ctx, both.ID); err != nil {
		t.Error(err)
	}
	if err := b.DeleteSegment(b.ctx, both.ID); !errs.Is(err, errs.NotFound) {
		t.Errorf("deleted twice: %v", err)
	}
	if _, err := b.UpdateSegment(b.ctx, both.ID, "x", []byte(inBerlin)); !errs.Is(err, errs.NotFound) {
		t.Errorf("changed after that: %v", err)
	}
}

// TestDefinitionsGrowWhenTheyAreStored has one of as many bytes as are allowed, to which jsonb adds spaces, and one with a number that jsonb writes out.
func TestDefinitionsGrowWhenTheyAreStored(t *testing.T) {
	t.Parallel()
	b := setup(t)
	exec(b, `INSERT INTO fields (name, type) VALUES ('n', 'number')`)
	condition := `{"type":"email","op":"is_any","values":["` + strings.Repeat(`a@b.de","`, 60) + `a@b.de"]}`
	large := `{"any":[` + condition + strings.Repeat(","+condition, (segment.MaxBytes-len(condition)-10)/(len(condition)+1)) + "]}"
	number := `{"type":"field","field":"n","op":"is","value":1e39}`
	for name, definition := range map[string]string{"Large": large, "Number": number} {
		s := must[Segment](t)(b.CreateSegment(b.ctx, name, []byte(definition)))
		must[Segment](t)(b.UpdateSegment(b.ctx, s.ID, name, s.Definition))
		must[SegmentCount](t)(b.CountSavedSegment(b.ctx, s.ID))
	}
	var longest int
	if err := b.pool.QueryRow(b.ctx, `SELECT max(length(definition::text)) FROM segments`).Scan(&longest); err != nil || longest <= segment.MaxBytes {
		t.Fatalf("the longest has %d bytes (%v)", longest, err)
	}
	other := must[Segment](t)(b.CreateSegment(b.ctx, "Other", []byte(`{"type":"wish","wish":"paused"}`)))
	must[page.Page[Segment]](t)(b.ListSegments(b.ctx, page.Query{}))
	if err := b.DeleteSegment(b.ctx, other.ID); err != nil {
		t.Error(err)
	}
}

func exec(b *bundle, sql string, args ...any) {
	b.t.Helper()
	must[pgconn.CommandTag](b.t)(b.pool.Exec(b.ctx, sql, args...))
}

// addPeople adds n people, every tenth of whom is in Berlin, in blocks of a thousand: those of a page are alike.
func addPeople(b *bundle, n int) {
	b.t.Helper()
	exec(b, `INSERT INTO fields (name, type) VALUES ('city', 'text') ON CONFLICT DO NOTHING`)
	exec(b, `INSERT INTO subscribers (email, email_key, attributes)
		SELECT e, e, jsonb_build_object('city', CASE WHEN i / 1000 % 10 = 0 THEN 'Berlin' ELSE 'Wien' END) FROM (SELECT i, 'p' || i || '@example.org' AS e FROM generate_series(0, $1 - 1) i) x`, n)
}

func TestACountIsRemembered(t *testing.T) {
	t.Parallel()
	b := setup(t)
	addPeople(b, 30)
	s := must[Segment](t)(b.CreateSegment(b.ctx, "Berlin", []byte(inBerlin)))
	c := must[SegmentCount](t)(b.CountSavedSegment(b.ctx, s.ID))
	if want := (SegmentCount{Count: 30, Low: 30, High: 30, Exact: true, Of: 30, Sentence: "City is Berlin", At: start}); c != want {
		t.Errorf("%+v", c)
	}
	s = must[Segment](t)(b.UpdateSegment(b.ctx, s.ID, "In Berlin", []byte(inBerlin)))
	if want := (SegmentSize{Count: 30, Exact: true, At: start}); s.LastCount == nil || *s.LastCount != want {
		t.Errorf("%+v", s.LastCount)
	}
	s = must[Segment](t)(b.UpdateSegment(b.ctx, s.ID, "In Wien", []byte(strings.Replace(inBerlin, "Berlin", "Wien", 1))))
	if s.LastCount != nil {
		t.Errorf("the count of another definition is kept: %+v", s.LastCount)
	}
}

// TestAnEstimateSaysHowFarOffItMayBe estimates often, and expects the truth to be between the borders about as often as they promise.
func TestAnEstimateSaysHowFarOffItMayBe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	addPeople(b, 60_000)
	r := must[resolved](t)(resolveSegment(b.ctx, b.pool, must[segment.Node](t)(segment.Parse([]byte(`{"any":[`+inBerlin+strings.Repeat(`,{"type":"name","op":"is","value":"x"}`, 20)+`]}`))), segment.Saved{}, 0))
	r.context.At = start
	right := 0
	for range 100 {
		c := must[SegmentCount](t)(b.estimateResolved(b.ctx, r))
		if c.Exact || c.Of != 60_000 || c.Low > c.Count || c.Count > c.High || c.High-c.Low > 12_000 {
			t.Fatalf("%+v", c)
		}
		if c.Low <= 6000 && 6000 <= c.High {
			right++
		}
	}
	if right < 80 {
		t.Errorf("the truth is between the borders in %d of 100", right)
	}
	none := must[segment.Node](t)(segment.Parse([]byte(`{"type":"name","op":"is","value":"x"}`)))
	c := must[SegmentCount](t)(b.estimateResolved(b.ctx, resolved{none, r.context}))
	if c.Count != 0 || c.Low != 0 || c.High == 0 || c.High > 100 {
		t.Errorf("of nobody: %+v", c)
	}
}

func TestWhatTakesTooLongIsEnded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	err := b.within(b.ctx, 20*time.Millisecond, func(tx pgx.Tx) error { return tx.QueryRow(b.ctx, `SELECT pg_sleep(60)`).Scan(new(any)) })
	if !outOfTime(err) {
		t.Errorf("it is %v", err)
	}
	err = b.within(b.ctx, time.Second, func(tx pgx.Tx) error {
		_, err := tx.Exec(b.ctx, `DELETE FROM subscribers`)
		return err
	})
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "25006" {
		t.Errorf("it may write: %v", err)
	}
	ended, end := context.WithCancel(b.ctx)
	end()
	if err := b.within(ended, time.Second, func(pgx.Tx) error { return nil }); err == nil || outOfTime(err) {
		t.Errorf("a caller who went away is %v", err)
	}
}

func TestASampleFindsTheFewAndTheMany(t *testing.T) {
	t.Parallel()
	b := setup(t)
	addPeople(b, 60_000)
	exec(b, `UPDATE subscribers SET attributes = '{"city": "Bonn"}' WHERE email_key IN ('p777@example.org', 'p55555@example.org')`)
	for city, want := range map[string]int{"Bonn": 2, "Wien": 10, "Graz": 0} {
		people := must[[]Subscriber](t)(b.SampleSegment(b.ctx, []byte(strings.Replace(inBerlin, "Berlin", city, 1)), 10))
		if len(people) != want {
			t.Errorf("%d are shown of %s, want %d", len(people), city, want)
		}
		for _, p := range people {
			if p.Attributes["city"] != city {
				t.Errorf("%s is in %v", p.Email, p.Attributes["city"])
			}
		}
	}
}

func TestALargeAudienceIsEstimated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	addPeople(b, 60_000)
	list := b.list("All")
	exec(b, `INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, id, CASE WHEN id % 4 = 0 THEN 'unsubscribed' ELSE 'subscribed' END, 'test' FROM subscribers`, list)
	s := must[Segment](t)(b.CreateSegment(b.ctx, "Berlin", []byte(inBerlin)))
	sel := must[Selection](t)(Select(b.ctx, b.pool, Choice{ListIDs: []int64{list}, SegmentIDs: []int64{s.ID}}, start))
	c := must[AudienceCounts](t)(b.estimateSelection(b.ctx, sel, nil))
	near := func(what string, got, want int64) {
		if got < want*6/10 || got > want*14/10 {
			t.Errorf("%s: about %d, want about %d", what, got, want)
		}
	}
	if c.Exact || len(c.Excluded) != 2 || c.Excluded[0].Reason != VerdictNotInSegment {
		t.Fatalf("%+v", c)
	}
	near("subscribed", c.Subscribed, 45_000)
	near("mailable", c.Mailable, 4500)
	near("not in the segment", c.Excluded[0].Count, 40_500)
	near("unsubscribed", c.Excluded[1].Count, 15_000)
}

// TestWhatCannotBeCountedIsNotNobody has no time to count everybody, and then none to look at a sample.
func TestWhatCannotBeCountedIsNotNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	addPeople(b, 60_000)
	list := b.list("All")
	exec(b, `INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, id, 'subscribed', 'test' FROM subscribers`, list)
	r := must[resolved](t)(resolveSegment(b.ctx, b.pool, must[segment.Node](t)(segment.Parse([]byte(inBerlin))), segment.Saved{}, 0))
	r.context.At = start
	sel := must[Selection](t)(Select(b.ctx, b.pool, Choice{ListIDs: []int64{list}}, start))
	b.budgets.total = time.Millisecond
	c := must[SegmentCount](t)(b.estimateResolved(b.ctx, r))
	if c.Of < 40_000 || c.Of > 80_000 || c.Low > c.Count || c.Count > c.High || c.Count == 0 {
		t.Errorf("%+v", c)
	}
	if counts := must[AudienceCounts](t)(b.estimateSelection(b.ctx, sel, nil)); counts.Mailable < 40_000 || counts.Mailable > 80_000 {
		t.Errorf("%+v", counts)
	}
	b.budgets.estimate = time.Millisecond
	if _, err := b.estimateResolved(b.ctx, r); !errs.Is(err, errs.Unavailable) {
		t.Errorf("without the time for a sample: %v", err)
	}
	if counts, err := b.estimateSelection(b.ctx, sel, nil); !errs.Is(err, errs.Unavailable) {
		t.Errorf("without the time for a sample: %+v, %v", counts, err)
	}
	b.budgets.lively = time.Millisecond
	if _, err := b.SampleSegment(b.ctx, []byte(`{"type":"name","op":"contains","value":"zzz"}`), 10); err != nil {
		t.Errorf("a sample that finds nobody in time: %v", err)
	}
}

// TestManyLargeSegmentsFitIntoAStatement chooses by more values than a statement has parameters, and then by more conditions.
func TestManyLargeSegmentsFitIntoAStatement(t *testing.T) {
	t.Parallel()
	b := setup(t)
	addPeople(b, 3)
	list := b.list("All")
	exec(b, `INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, id, 'subscribed', 'test' FROM subscribers`, list)
	nested := func(n int, condition string) []byte {
		return []byte(`{"any":[` + strings.Repeat(condition+",", n-1) + condition + "]}")
	}
	values := nested(130, `{"type":"field","field":"city","op":"is_any","values":[`+strings.Repeat(`"a",`, 99)+`"Berlin"]}`)
	s := must[Segment](t)(b.CreateSegment(b.ctx, "Values", values))
	choice := Choice{ListIDs: []int64{list}, SegmentIDs: slices.Repeat([]int64{s.ID}, 6)}
	if c := must[AudienceCounts](t)(b.CountChoice(b.ctx, choice, 0, false)); c.Mailable != 3 {
		t.Errorf("%+v", c)
	}
	conditions := nested(190, fmt.Sprintf(`{"type":"consent","list_id":%d,"source":"a","import_id":1,"form_id":1,"op":"on","value":"2026-01-01"}`, list))
	exec(b, `INSERT INTO imports (list_id, filename, status) VALUES ($1, 'a.csv', 'done')`, list)
	s = must[Segment](t)(b.CreateSegment(b.ctx, "Conditions", conditions))
	choice.SegmentIDs = slices.Repeat([]int64{s.ID}, 60)
	_, err := b.CountChoice(b.ctx, choice, 0, false)
	refused(t, err, "segment_ids", "too many conditions together")
}

func TestSomebodyOfAChoice(t *testing.T) {
	t.Parallel()
	b := setup(t)
	addPeople(b, 12_000)
	list, other := b.list("All"), b.list("Old")
	exec(b, `INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, id, CASE WHEN email = 'p999@example.org' THEN 'unsubscribed' ELSE 'subscribed' END, 'test' FROM subscribers`, list)
	berlin := must[Segment](t)(b.CreateSegment(b.ctx, "Berlin", []byte(inBerlin)))
	idOf := func(email string) (id int64) {
		t.Helper()
		if err := b.pool.QueryRow(b.ctx, `SELECT id FROM subscribers WHERE email = $1`, email).Scan(&id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	everybody, inside := Choice{ListIDs: []int64{other, list}}, Choice{ListIDs: []int64{list}, SegmentIDs: []int64{berlin.ID}}
	if id, err := b.NewestOfChoice(b.ctx, everybody, 0); err != nil || id != idOf("p11999@example.org") {
		t.Errorf("of all: %d, %v", id, err)
	}
	// Nobody of the newest thousand is in Berlin: 0 to 999 and 10,000 to 10,999 are.
	if id, err := b.NewestOfChoice(b.ctx, inside, 0); err != nil || id != idOf("p10999@example.org") {
		t.Errorf("far from the new end: %d, %v", id, err)
	}
	if id, err := b.NewestOfChoice(b.ctx, Choice{ListIDs: []int64{other}}, 0); !errs.Is(err, errs.NotFound) {
		t.Errorf("of nobody: %d, %v", id, err)
	}
	if id, err := b.NewestOfChoice(b.ctx, Choice{ListIDs: []int64{list}, SegmentIDs: []int64{99}}, 0); !errs.Is(err, errs.Invalid) {
		t.Errorf("of a segment that is gone: %d, %v", id, err)
	}
	among := []int64{idOf("p998@example.org"), idOf("p999@example.org"), idOf("p10001@example.org"), idOf("p11999@example.org"), 1 << 40}
	got, err := b.AmongChoice(b.ctx, inside, 0, among)
	if diff := cmp.Diff([]int64{among[2], among[0]}, got); diff != "" || err != nil {
		t.Errorf("%v, %s", err, diff)
	}
	b.budgets.lively, b.budgets.estimate = time.Millisecond, time.Minute
	if id, err := b.NewestOfChoice(b.ctx, everybody, 0); err != nil || id == 0 {
		t.Errorf("in a sample: %d, %v", id, err)
	}
	b.budgets.estimate = time.Millisecond
	exec(b, `ALTER TABLE subscriptions RENAME TO slow_subscriptions`)
	exec(b, `CREATE VIEW subscriptions AS SELECT s.* FROM slow_subscriptions s WHERE (SELECT pg_sleep(0.05)) IS NOT NULL`)
	if id, err := b.NewestOfChoice(b.ctx, everybody, 0); !errs.Is(err, errs.Unavailable) {
		t.Errorf("without time: %d, %v", id, err)
	}
	if ids, err := b.AmongChoice(b.ctx, everybody, 0, among); !errs.Is(err, errs.Unavailable) {
		t.Errorf("without time: %v, %v", ids, err)
	}
}
