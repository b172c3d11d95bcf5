package campaigns

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/internal/page"
)

func (b *bundle) segment(name, definition string) int64 {
	b.t.Helper()
	s, err := b.d.Audience.CreateSegment(b.t.Context(), name, []byte(definition))
	must(b.t, err)
	return s.ID
}

func (b *bundle) cap(mails, days int) {
	b.t.Helper()
	set, err := b.d.Settings.Get(b.t.Context())
	must(b.t, err)
	set.FrequencyCapMails, set.FrequencyCapDays = mails, days
	_, err = b.d.Settings.Put(b.t.Context(), set)
	must(b.t, err)
}

func (b *bundle) idOf(i int) int64 {
	b.t.Helper()
	return query[int64](b, `SELECT id FROM subscribers WHERE email_key = $1`, person(i))[0]
}

// exclusionsAddUp compares what was counted by reason with the exclusions, and both with the campaign.
func (b *bundle) exclusionsAddUp(id int64) map[string]int64 {
	b.t.Helper()
	counted, err := b.CountExclusions(b.t.Context(), id)
	must(b.t, err)
	got, total := map[string]int64{}, int64(0)
	for _, x := range counted {
		got[x.Reason] = x.Count
		total += x.Count
	}
	for reason, n := range got {
		if rows := query[int64](b, `SELECT count(*) FROM exclusions WHERE campaign_id = $1 AND reason = $2`, id, reason)[0]; rows != n {
			b.t.Errorf("%d are %s, counted %d", rows, reason, n)
		}
	}
	c, err := b.Get(b.t.Context(), id)
	must(b.t, err)
	if rows := query[int64](b, `SELECT count(*) FROM exclusions WHERE campaign_id = $1`, id)[0]; rows != total || int64(c.Excluded) != total {
		b.t.Errorf("%d exclusions, %d counted, the campaign says %d", rows, total, c.Excluded)
	}
	return got
}

// TestEveryReasonOfASelection has people of every kind in an audience that is written in parts, and compares what is counted before with the ledger, to the person.
func TestEveryReasonOfASelection(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	b.people(120)
	other, err := b.d.Audience.CreateList(t.Context(), "Customers", "")
	must(t, err)
	b.cap(2, 7)
	want := map[string]int64{}
	expect := func(reason string, lo, hi int, sql string, args ...any) {
		t.Helper()
		ids := query[int64](b, `SELECT id FROM subscribers WHERE email_key BETWEEN $1 AND $2`, person(lo), person(hi))
		want[reason] += int64(len(ids))
		b.exec(sql, append([]any{ids}, args...)...)
	}
	// Whom several things are against is counted for the first in this order.
	b.exec(`UPDATE subscribers SET attributes = '{"city": "Wien"}' WHERE email_key BETWEEN $1 AND $2`, person(1), person(40))
	expect("suppressed", 1, 5, `INSERT INTO suppressions (email_key, reason, source) SELECT email_key, 'manual', 'test' FROM subscribers WHERE id = ANY ($1)`)
	expect("unsubscribed", 6, 10, `UPDATE subscriptions SET status = 'unsubscribed' WHERE subscriber_id = ANY ($1)`)
	expect("unconfirmed", 11, 15, `UPDATE subscriptions SET status = 'unconfirmed' WHERE subscriber_id = ANY ($1)`)
	expect("excluded_list", 16, 20, `INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $2, s, 'subscribed', 'test' FROM unnest($1::bigint[]) s`, other.ID)
	expect("not_in_segment", 21, 40, `SELECT $1::bigint[]`)
	expect("excluded_segment", 41, 50, `UPDATE subscribers SET attributes = attributes || '{"vip": true}' WHERE id = ANY ($1)`)
	expect("paused", 51, 55, `UPDATE subscribers SET paused_until = now() + interval '9 days', paused_at = now(), paused_source = 'test' WHERE id = ANY ($1)`)
	expect("frequency", 56, 60, `UPDATE subscribers SET frequency = 'weekly', frequency_at = now(), frequency_source = 'test' WHERE id = ANY ($1)`)
	// Two earlier campaigns went to some, one of them to more.
	b.exec(`INSERT INTO campaigns (name, status, started_at, finished_at) VALUES ('A', 'finished', now(), now() - interval '1 day'), ('B', 'paused', now(), NULL), ('Old', 'finished', now(), now() - interval '8 days')`)
	for i, name := range []string{"A", "B", "Old"} {
		b.exec(`INSERT INTO deliveries (campaign_id, seq, subscriber_id, email, state, updated_at)
			SELECT c.id, row_number() OVER (), u.id, u.email, $2, now() - $3 * interval '1 day' FROM subscribers u, campaigns c
			WHERE c.name = $1 AND u.email_key BETWEEN $4 AND $5`, name, []int{2, 0, 2}[i], []int{1, 30, 9}[i], person([]int{56, 61, 61}[i]), person([]int{70, 80, 120}[i]))
	}
	b.exec(`INSERT INTO campaign_counts (campaign_id, backend, queued, sent) SELECT campaign_id, 0, count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 2) FROM deliveries GROUP BY 1`)
	b.exec(`UPDATE campaigns SET recipients = 0 WHERE name = 'B'`)
	want["frequency_cap"] = 10 // 61 to 70 have A and B

	b.exec(`INSERT INTO fields (name, type) VALUES ('city', 'text'), ('vip', 'boolean')`)
	berlin := b.segment("Berlin", `{"type":"field","field":"city","op":"is","value":"Berlin"}`)
	vip := b.segment("VIP", `{"type":"field","field":"vip","op":"is","value":true}`)
	chosen := func(in *Input) {
		in.SegmentIDs, in.ExcludeSegmentIDs, in.ExcludeListIDs = []int64{berlin}, []int64{vip}, []int64{other.ID}
	}
	draft := b.draft(chosen)
	counts, err := b.CountAudience(t.Context(), draft.ID)
	must(t, err)
	before := map[string]int64{}
	for _, x := range counts.Excluded {
		before[x.Reason] = x.Count
	}
	if diff := cmp.Diff(want, before); diff != "" || counts.Mailable != 50 || !counts.Exact {
		t.Errorf("counted before: %d mailable, %s", counts.Mailable, diff)
	}

	_, err = b.Start(t.Context(), draft.ID)
	must(t, err)
	if st := b.awaitFinished(draft.ID); st.Sent != 50 {
		t.Errorf("%d were sent", st.Sent)
	}
	if diff := cmp.Diff(want, b.exclusionsAddUp(draft.ID)); diff != "" {
		t.Errorf("in the ledger: %s", diff)
	}
	for reason, n := range want {
		p, err := b.ListExclusions(t.Context(), draft.ID, reason, "", page.Query{})
		if err != nil || int64(len(p.Items)) != n {
			t.Errorf("%d are listed as %s, want %d (%v)", len(p.Items), reason, n, err)
		}
	}
	if p, err := b.ListExclusions(t.Context(), draft.ID, "", "SON0021@", page.Query{}); err != nil || len(p.Items) != 1 || p.Items[0].Email != person(21) {
		t.Errorf("looking for one: %+v, %v", p.Items, err)
	}
	rows := map[string]int{}
	must(t, b.EachLedgerRow(t.Context(), draft.ID, func(r LedgerRow) error {
		rows[r.Reason]++
		return nil
	}))
	if len(rows) != len(want)+1 || rows[""] != 50 || rows["not_in_segment"] != 20 {
		t.Errorf("the whole ledger has %v", rows)
	}

	// Whom the cap keeps back still gets what ignores it.
	important := b.start(chosen, func(in *Input) { in.IgnoreFrequencyCap = true })
	b.awaitFinished(important.ID)
	if got := b.exclusionsAddUp(important.ID)["frequency_cap"]; got != 0 {
		t.Errorf("%d were kept from important mail by the cap", got)
	}
	third := b.draft(chosen)
	counts, err = b.CountAudience(t.Context(), third.ID)
	if err != nil || counts.Mailable != 0 || !slices.Contains(counts.Excluded, audience.Excluded{Reason: "frequency_cap", Count: 60}) {
		t.Errorf("of a third: %+v (%v)", counts, err)
	}
}

func TestTheSegmentIsFrozenAtTheStart(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	b.exec(`INSERT INTO fields (name, type) VALUES ('city', 'text')`)
	id := b.segment("Berlin", `{"all":[{"type":"field","field":"city","op":"is","value":"Berlin"},{"type":"created","op":"in_last","days":1}]}`)
	b.people(100)
	b.Drain()
	c := b.start(func(in *Input) { in.SegmentIDs = []int64{id} })
	if !c.Freezing {
		t.Fatal("all of it was written at once")
	}
	// Between two parts the segment becomes another one, the field another type, and a week goes by.
	_, err := b.d.Audience.UpdateSegment(t.Context(), id, "Nobody", []byte(`{"type":"wish","wish":"paused"}`))
	must(t, err)
	b.exec(`UPDATE fields SET type = 'number'`)
	b.clock.advance(7 * 24 * time.Hour)
	goOn(t, b, c.ID)
	st, err := b.Stats(t.Context(), c.ID)
	must(t, err)
	if st.Recipients != 100 || len(b.exclusionsAddUp(c.ID)) != 0 {
		t.Errorf("%+v", st)
	}
	sel, err := b.Selection(t.Context(), c.ID)
	must(t, err)
	want := []audience.FrozenSegment{{ID: id, Name: "Berlin", Sentence: "City is Berlin, and known in the last day"}}
	if diff := cmp.Diff(want, sel.Include, cmpopts.IgnoreFields(audience.FrozenSegment{}, "Definition")); diff != "" || !strings.Contains(string(sel.Include[0].Definition), "Berlin") {
		t.Errorf("frozen is %s, %s", diff, sel.Include[0].Definition)
	}
}

// TestASegmentIsLargeWithThoseThatItNames has more conditions than anybody may write into one.
func TestASegmentIsLargeWithThoseThatItNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(3)
	b.exec(`UPDATE subscribers SET name = 'Bob' WHERE email_key = $1`, person(2))
	named := b.segment("Named", `{"any":[`+strings.Repeat(`{"type":"wish","wish":"paused"},`, 149)+`{"type":"name","op":"is","value":"Bob"}]}`)
	id := b.segment("Large", fmt.Sprintf(`{"any":[`+strings.Repeat(`{"type":"wish","wish":"paused"},`, 149)+`{"type":"segment","segment_id":%d}]}`, named))
	c := b.draft(func(in *Input) { in.SegmentIDs = []int64{id} })
	if counts, err := b.CountAudience(t.Context(), c.ID); err != nil || counts.Mailable != 1 {
		t.Errorf("%+v, %v", counts, err)
	}
	c, err := b.Start(t.Context(), c.ID)
	must(t, err)
	if st := b.awaitFinished(c.ID); st.Sent != 1 {
		t.Errorf("%+v", st)
	}
	w, err := b.Why(t.Context(), c.ID, b.idOf(2))
	must(t, err)
	if test := w.Evidence.Include[0]; !test.Meets || len(test.Conditions) != 299 {
		t.Errorf("meets: %v, %d conditions", test.Meets, len(test.Conditions))
	}
}

func TestASegmentThatDoesNotFitKeepsFromStarting(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(2)
	b.exec(`INSERT INTO fields (name, type) VALUES ('city', 'text')`)
	id := b.segment("Berlin", `{"type":"field","field":"city","op":"is","value":"Berlin"}`)
	c := b.draft(func(in *Input) { in.SegmentIDs = []int64{id} })
	b.exec(`DELETE FROM fields`)
	_, err := b.Start(t.Context(), c.ID)
	var e *errs.E
	if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Name != "segment_ids" || !strings.Contains(e.Public, `"Berlin" cannot be used: there is no field "city"`) {
		t.Errorf("it is %v", err)
	}
	if c, err = b.Get(t.Context(), c.ID); err != nil || c.Status != StatusDraft {
		t.Errorf("it is %s (%v)", c.Status, err)
	}
}

func TestNobodyIsLeftOfASegment(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	b.people(50)
	id := b.segment("Nobody", `{"type":"wish","wish":"paused"}`)
	chosen := func(in *Input) { in.SegmentIDs = []int64{id} }
	_, err := b.Start(t.Context(), b.draft(chosen).ID)
	if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "50 in none of the chosen segments") {
		t.Errorf("it is %v", err)
	}
	// Of more people it is found out after the start.
	b.exec(`WITH s AS (INSERT INTO subscribers (email, email_key) SELECT e, e FROM (SELECT 'q' || i || '@example.org' AS e FROM generate_series(1, 50) i) x RETURNING id)
		INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, id, 'subscribed', 'test' FROM s`, b.listID)
	c := b.start(chosen)
	if st := b.awaitFinished(c.ID); st.Recipients != 0 || b.exclusionsAddUp(c.ID)["not_in_segment"] != 100 {
		t.Errorf("%+v", st)
	}
}

// TestANarrowSegmentDoesNotHoldUpTheStart chooses only the last of a long list.
func TestANarrowSegmentDoesNotHoldUpTheStart(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	b.people(200)
	id := b.segment("The last", fmt.Sprintf(`{"type":"email","op":"is","value":%q}`, person(200)))
	b.Drain()
	c := b.start(func(in *Input) { in.SegmentIDs = []int64{id} })
	if !c.Freezing || c.Excluded != firstParts*b.cfg.FirstPart || c.Recipients != 0 {
		t.Errorf("%d were looked at by the start, still writing: %v", c.Excluded, c.Freezing)
	}
	must(t, b.tick(t.Context())) // it has nobody yet, and does not end
	goOn(t, b, c.ID)
	if st := b.awaitFinished(c.ID); st.Sent != 1 || st.Excluded != 199 {
		t.Errorf("%+v", st)
	}
}

func TestAChoiceMustNotContradictItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, c := range []struct {
		field string
		in    Input
	}{
		{"exclude_segment_ids", Input{Name: "x", SegmentIDs: []int64{1}, ExcludeSegmentIDs: []int64{1}}},
		{"exclude_list_ids", Input{Name: "x", ListIDs: []int64{b.listID}, ExcludeListIDs: []int64{b.listID}}},
		{"segment_ids", Input{Name: "x", SegmentIDs: []int64{77}}},
		{"exclude_list_ids", Input{Name: "x", ExcludeListIDs: []int64{77}}},
		{"segment_ids", Input{Name: "x", SegmentIDs: make([]int64, 21)}},
	} {
		_, err := b.Create(t.Context(), c.in)
		var e *errs.E
		if !errors.As(err, &e) || e.Kind != errs.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != c.field {
			t.Errorf("%+v: %v", c.in, err)
		}
	}
}

// holdLock holds an advisory lock until the function that it returns is called.
func holdLock(t *testing.T, b *bundle, key int64) (release func()) {
	t.Helper()
	tx, err := b.pool.Begin(t.Context())
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback(context.Background()) })
	_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1)`, key)
	must(t, err)
	return func() { must(t, tx.Commit(t.Context())) }
}

// awaitLock waits until n transactions wait for an advisory lock.
func awaitLock(t *testing.T, b *bundle, key int64, n int) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		waiting := query[int](b, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = 0 AND objid = $1
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, key)[0]
		if waiting == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d wait for the lock, want %d", waiting, n)
		}
	}
}

// TestAStartWaitsForAChangeOfWhatItFreezes holds the lock under which segments and types of fields are changed.
func TestAStartWaitsForAChangeOfWhatItFreezes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	c := b.draft()
	release := holdLock(t, b, 0x70727367)
	started := make(chan error, 1)
	go func() {
		_, err := b.Start(t.Context(), c.ID)
		started <- err
	}()
	awaitLock(t, b, 0x70727367, 1)
	release()
	must(t, <-started)
}

// TestTheCapHoldsForCampaignsThatStartAtOnce starts several in parallel to the same people, whose audience is written in many parts.
func TestTheCapHoldsForCampaignsThatStartAtOnce(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	b.people(150)
	b.cap(2, 30)
	const n = 5
	var ids [n]int64
	for i := range ids {
		ids[i] = b.draft(func(in *Input) { in.Name = fmt.Sprint("Letter ", i) }).ID
	}
	release := holdLock(t, b, capLock)
	var wg sync.WaitGroup
	nobody := [n]bool{}
	for i, id := range ids {
		wg.Go(func() {
			_, err := b.Start(t.Context(), id)
			// One whose every person has had enough when it looks does not start.
			if nobody[i] = errs.Is(err, errs.Invalid); err != nil && !nobody[i] {
				t.Error(err)
			}
		})
	}
	// All are about to write their first part, and would at once if they did not take turns.
	awaitLock(t, b, capLock, n)
	release()
	wg.Wait()
	for i, id := range ids {
		if !nobody[i] {
			b.awaitFinished(id)
			b.exclusionsAddUp(id)
		}
	}
	if got := query[int64](b, `SELECT DISTINCT count(*) FROM deliveries GROUP BY subscriber_id`); len(got) != 1 || got[0] != 2 {
		t.Errorf("people have %v mails each, want 2", got)
	}
	if n := query[int](b, `SELECT count(DISTINCT subscriber_id) FROM deliveries`)[0]; n != 150 {
		t.Errorf("%d people have any", n)
	}
}

func TestWhy(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(5)
	b.exec(`INSERT INTO fields (name, label, type) VALUES ('city', 'City', 'text')`)
	b.exec(`UPDATE subscribers SET attributes = '{"city": "Wien"}' WHERE email_key = $1`, person(2))
	b.exec(`UPDATE subscriptions SET status = 'unsubscribed', source = 'unsubscribe link' WHERE subscriber_id = $1`, b.idOf(3))
	b.exec(`INSERT INTO subscribers (email, email_key) VALUES ('elsewhere@example.org', 'elsewhere@example.org')`)
	elsewhere := query[int64](b, `SELECT id FROM subscribers WHERE email_key = 'elsewhere@example.org'`)[0]
	id := b.segment("Berliners", `{"all":[{"type":"field","field":"city","op":"is","value":"Berlin"},{"type":"created","op":"in_last","days":3}]}`)
	c := b.draft(func(in *Input) { in.SegmentIDs = []int64{id} })
	for _, started := range []bool{false, true} {
		if started {
			_, err := b.Start(t.Context(), c.ID)
			must(t, err)
			b.awaitFinished(c.ID)
		}
		for _, want := range []struct {
			id            int64
			place, reason string
			meets         []bool
		}{
			{b.idOf(1), PlaceIn, "", []bool{true, true}}, {b.idOf(2), PlaceOut, "not_in_segment", []bool{false, true}},
			{b.idOf(3), PlaceOut, "unsubscribed", []bool{true, true}}, {elsewhere, PlaceAbsent, "", []bool{false, true}},
		} {
			w, err := b.Why(t.Context(), c.ID, want.id)
			must(t, err)
			if w.Started != started || w.Place != want.place || w.Reason != want.reason || w.Words == "" || started == (w.Delivery == nil) && w.Place == PlaceIn {
				t.Errorf("started %v: %+v", started, w)
			}
			test := w.Evidence.Include[0]
			got := []bool{test.Conditions[0].Meets, test.Conditions[1].Meets}
			if diff := cmp.Diff(want.meets, got); diff != "" || test.Meets != (want.meets[0] && want.meets[1]) || test.Conditions[0].Sentence != "City is Berlin" {
				t.Errorf("started %v: %+v", started, test)
			}
		}
	}
	w, err := b.Why(t.Context(), c.ID, b.idOf(3))
	must(t, err)
	if l := w.Evidence.Lists; len(l) != 1 || l[0].Status != "unsubscribed" || l[0].Source != "unsubscribe link" || l[0].Name != "Readers" {
		t.Errorf("%+v", l)
	}
	// Of who was deleted only the ledger knows.
	gone := b.idOf(2)
	must(t, b.d.Audience.DeleteSubscriber(t.Context(), gone))
	if w, err = b.Why(t.Context(), c.ID, gone); err != nil || w.Reason != "not_in_segment" || w.Evidence != nil || w.Email != person(2) {
		t.Errorf("%+v, %v", w, err)
	}
	if _, err := b.Why(t.Context(), c.ID, 999); !errs.Is(err, errs.NotFound) {
		t.Errorf("somebody unknown: %v", err)
	}
}

func TestASegmentInUseIsNotDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(2)
	id := b.segment("All", `{"type":"created","op":"in_last","days":3}`)
	c := b.draft(func(in *Input) { in.SegmentIDs = []int64{id} })
	err := b.d.Audience.DeleteSegment(t.Context(), id)
	if !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), `"Letter" (draft)`) {
		t.Errorf("it is %v", err)
	}
	_, err = b.Start(t.Context(), c.ID)
	must(t, err)
	b.awaitFinished(c.ID)
	must(t, b.d.Audience.DeleteSegment(t.Context(), id))
	sel, err := b.Selection(t.Context(), c.ID)
	if err != nil || len(sel.Include) != 1 || sel.Include[0].Name != "All" {
		t.Errorf("what it was sent to is forgotten: %+v, %v", sel.Include, err)
	}
}

// TestWhatAnotherCampaignNeedsIsNotDeleted has a finished campaign that a segment asks about, that counts for the cap, and by which people are being chosen.
func TestWhatAnotherCampaignNeedsIsNotDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(2)
	c := b.start()
	b.awaitFinished(c.ID)
	refused := func(text string) {
		t.Helper()
		if err := b.Delete(t.Context(), c.ID); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), text) {
			t.Errorf("it is %v; want a Conflict with %s", err, text)
		}
	}
	id := b.segment("Others", fmt.Sprintf(`{"none":[{"type":"activity","event":"sent","campaign_id":%d}]}`, c.ID))
	refused(`the segment "Others"`)
	must(t, b.d.Audience.DeleteSegment(t.Context(), id))

	other := b.draft(func(in *Input) { in.Name = "Other" })
	b.exec(`UPDATE campaigns SET freeze_after = 0 WHERE id = $1`, other.ID)
	refused(`"Other" are just being chosen`)
	b.exec(`UPDATE campaigns SET freeze_after = NULL WHERE id = $1`, other.ID)

	b.cap(1, 7)
	refused("counts for the frequency cap until")
	must(t, b.Delete(t.Context(), other.ID)) // it has been sent to nobody
	b.clock.advance(7*24*time.Hour + time.Minute)
	must(t, b.Delete(t.Context(), c.ID))
}
