package campaigns

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// setupParts makes parts of a few people.
func setupParts(t *testing.T) *bundle {
	t.Helper()
	b := setup(t)
	b.cfg.FirstPart, b.cfg.Part = 30, 20
	return b
}

// halfWritten starts a campaign to n people of whom only the first part is in the ledger, and keeps everything from going on.
func halfWritten(t *testing.T, b *bundle, n int) Campaign {
	t.Helper()
	b.people(n)
	b.Drain()
	c := b.start()
	if !c.Freezing || c.Recipients != b.cfg.FirstPart {
		t.Fatalf("%d of %d are written after the start (still writing: %v)", c.Recipients, n, c.Freezing)
	}
	return c
}

// holdFreezing keeps everybody from writing another part until the function that it returns is called. Deleting the job would not do so: River may have fetched it already.
func holdFreezing(t *testing.T, b *bundle, id int64) (release func()) {
	t.Helper()
	tx, err := b.pool.Begin(t.Context())
	must(t, err)
	_, err = tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1, $2)`, freezeLock, id)
	must(t, err)
	return func() { must(t, tx.Commit(t.Context())) }
}

// goOn writes the rest of the ledger in this goroutine.
func goOn(t *testing.T, b *bundle, id int64) {
	t.Helper()
	b.draining.Store(false)
	done, err := b.freeze(t.Context(), id)
	if err != nil || !done {
		t.Fatalf("the rest was not written: %v, %v", done, err)
	}
}

type writtenRow struct {
	Seq          int32
	SubscriberID int64
	Email        string
}

func manyRows[T any](t *testing.T, b *bundle, sql string, args ...any) []T {
	t.Helper()
	rows, err := pg.Many[T](t.Context(), b.pool, "rows", sql, args...)
	must(t, err)
	return rows
}

func TestForecastKnowsWhoIsStillToBeWritten(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	c := halfWritten(t, b, 75)
	f, err := b.Forecast(t.Context(), c.ID, time.Time{}, 0)
	if err != nil || f.Messages != 75 {
		t.Errorf("it is about %d messages, want 75 (%v)", f.Messages, err)
	}
}

func TestPartsMakeTheWholeAudience(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	other, err := b.d.Audience.CreateList(t.Context(), "Others", "")
	must(t, err)
	b.people(150)
	// Every third is on the other list too, every fifth only there; some have left, some were never confirmed, some are suppressed.
	b.exec(`INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, id, 'subscribed', 'test' FROM subscribers WHERE id % 3 = 0 OR id % 5 = 0`, other.ID)
	b.exec(`DELETE FROM subscriptions WHERE list_id = $1 AND subscriber_id % 5 = 0`, b.listID)
	b.exec(`UPDATE subscriptions SET status = 'unsubscribed' WHERE list_id = $1 AND subscriber_id % 7 = 0`, b.listID)
	b.exec(`UPDATE subscriptions SET status = 'unconfirmed' WHERE list_id = $1 AND subscriber_id % 11 = 0`, b.listID)
	b.exec(`INSERT INTO suppressions (email_key, reason, source) SELECT email_key, 'manual', 'test' FROM subscribers WHERE id % 13 = 0`)
	lists := []int64{b.listID, other.ID}
	want := manyRows[writtenRow](t, b, `SELECT row_number() OVER (ORDER BY subscriber_id) AS seq, subscriber_id, email FROM (`+audience.MailableQuery()+`) a WHERE verdict = 'mail'`,
		lists, 0, math.MaxInt64, time.Now())
	wantOut := manyRows[Exclusion](t, b, `SELECT subscriber_id, email, verdict AS reason FROM (`+audience.MailableQuery()+`) a WHERE verdict <> 'mail' ORDER BY subscriber_id`,
		lists, 0, math.MaxInt64, time.Now())

	c := b.start(func(in *Input) { in.ListIDs = lists })
	st := b.awaitFinished(c.ID)
	if int(st.Sent) != len(want) || len(want) <= b.cfg.FirstPart+b.cfg.Part {
		t.Errorf("%d were sent of %d", st.Sent, len(want))
	}
	if diff := cmp.Diff(want, manyRows[writtenRow](t, b, `SELECT seq, subscriber_id, email FROM deliveries ORDER BY seq`)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(wantOut, manyRows[Exclusion](t, b, `SELECT subscriber_id, email, reason FROM exclusions ORDER BY subscriber_id`)); diff != "" {
		t.Error(diff)
	}
	if c, err := b.Get(t.Context(), c.ID); err != nil || c.Excluded != len(wantOut) || c.Recipients != len(want) || c.Freezing {
		t.Errorf("%d recipients, %d excluded, still writing: %v (%v)", c.Recipients, c.Excluded, c.Freezing, err)
	}
	for to, n := range b.smtp.Counts() {
		if n != 1 {
			t.Errorf("%s got %d", to, n)
		}
	}
}

func TestWhoComesOrLeavesWhileTheAudienceIsWritten(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	c := halfWritten(t, b, 60)
	b.exec(`UPDATE subscriptions SET status = 'unsubscribed' WHERE subscriber_id = (SELECT id FROM subscribers WHERE email_key = $1)`, person(50))
	b.exec(`WITH s AS (INSERT INTO subscribers (email, email_key) VALUES ('late@example.org', 'late@example.org') RETURNING id)
		INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, id, 'subscribed', 'test' FROM s`, b.listID)
	goOn(t, b, c.ID)
	if st := b.awaitFinished(c.ID); st.Sent != 59 || st.Excluded != 1 {
		t.Errorf("%+v", st)
	}
	if n := b.smtp.Counts()["late@example.org"] + b.smtp.Counts()[person(50)]; n != 0 {
		t.Errorf("somebody who came later or had left got %d messages", n)
	}
}

func TestTheAudienceIsWrittenOnAfterACrash(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	c := halfWritten(t, b, 200)
	if done, err := b.freeze(t.Context(), c.ID); err != nil || done {
		t.Fatalf("it was written although the process ends: %v, %v", done, err)
	}
	b.exec(`DELETE FROM river_job WHERE kind = 'freeze_audience'`)
	must(t, b.finishDone(t.Context()))
	b.exec(`UPDATE campaigns SET started_at = now() - interval '1 minute'`)
	b.exec(`UPDATE subscriptions SET created_at = now() - interval '1 hour'`)
	must(t, b.wakeStuck(t.Context()))
	if n := query[int](b, `SELECT count(*) FROM river_job WHERE kind = 'freeze_audience'`)[0]; n != 1 {
		t.Fatalf("%d jobs write the rest", n)
	}
	must(t, b.wakeStuck(t.Context()))
	if n := query[int](b, `SELECT count(*) FROM river_job WHERE kind = 'freeze_audience'`)[0]; n != 1 {
		t.Fatalf("%d jobs write the rest", n)
	}
	b.draining.Store(false)
	if st := b.awaitFinished(c.ID); st.Sent != 200 || len(b.smtp.Accepted()) != 200 {
		t.Errorf("%+v, server has %d", st, len(b.smtp.Accepted()))
	}
}

func TestRangesFollowTheAudience(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	c := halfWritten(t, b, 300)
	b.exec(`DELETE FROM river_job WHERE kind = 'freeze_audience'`)
	goOn(t, b, c.ID)
	live := query[int](b, `SELECT count(*) FROM river_job WHERE kind = 'deliver_range' AND state IN ('available', 'running', 'scheduled', 'retryable')`)[0]
	if live > b.cfg.Window {
		t.Errorf("%d ranges are out at once, %d may be", live, b.cfg.Window)
	}
	if st := b.awaitFinished(c.ID); st.Sent != 300 {
		t.Errorf("%+v", st)
	}
}

func TestRangesThatCaughtUpGoOn(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	c := halfWritten(t, b, 100)
	goFreezing := holdFreezing(t, b, c.ID)
	b.draining.Store(false)
	st := b.await(c.ID, "the first part", func(_ Campaign, st Stats) bool { return st.Queued+st.Claimed == 0 })
	if c, err := b.Get(t.Context(), c.ID); err != nil || c.Status != StatusRunning || st.Sent != 30 {
		t.Fatalf("with a part of the audience it is %s, %+v (%v)", c.Status, st, err)
	}
	goFreezing()
	goOn(t, b, c.ID)
	if st := b.awaitFinished(c.ID); st.Sent != 100 {
		t.Errorf("%+v", st)
	}
}

func TestCancelWhileTheAudienceIsWritten(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	c := halfWritten(t, b, 100)
	_, err := b.Cancel(t.Context(), c.ID)
	must(t, err)
	goOn(t, b, c.ID)
	st, err := b.Stats(t.Context(), c.ID)
	if err != nil || st.Skipped != 100 || st.Recipients != 100 {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestDeleteWhileTheAudienceIsWritten(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	c := halfWritten(t, b, 100)
	_, err := b.Cancel(t.Context(), c.ID)
	must(t, err)
	must(t, b.Delete(t.Context(), c.ID))
	goOn(t, b, c.ID)
	if n := query[int](b, `SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM campaign_counts)`)[0]; n != 0 {
		t.Errorf("%d rows are left of a deleted campaign", n)
	}
}

func TestStartLooksForSomebodyToMail(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	b.people(100)
	b.exec(`UPDATE subscriptions SET status = 'unsubscribed' WHERE subscriber_id < (SELECT id FROM subscribers WHERE email_key = $1)`, person(95))
	if st := b.awaitFinished(b.start().ID); st.Sent != 6 || st.Excluded != 94 {
		t.Errorf("%+v", st)
	}
	b.exec(`UPDATE subscriptions SET status = 'unsubscribed'`)
	b.cfg.FirstPart = 60 // so that Start sees all of them
	c := b.draft()
	_, err := b.Start(t.Context(), c.ID)
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("started with nobody: %v", err)
	}
	if c, err = b.Get(t.Context(), c.ID); err != nil || c.Status != StatusDraft || c.Excluded != 0 || c.Freezing {
		t.Errorf("it is %s, %d excluded (%v)", c.Status, c.Excluded, err)
	}
}
