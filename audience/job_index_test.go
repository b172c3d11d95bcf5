package audience

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"postrider/internal/page"
	"postrider/internal/pg"
)

// searchable checks that the search index, with its backlog, has everybody once and with their text, and nobody else.
func (b *bundle) searchable(backlog int) {
	b.t.Helper()
	if d := b.column(`SELECT 'person ' || COALESCE(u.id, t.subscriber_id) || ' has ' || COALESCE(t.text, 'nothing') FROM subscribers u FULL JOIN subscriber_search t ON t.subscriber_id = u.id
		WHERE t.text IS DISTINCT FROM ` + textSQL + ` AND NOT EXISTS (SELECT FROM subscriber_search_backlog b WHERE u.id BETWEEN b.first_id AND b.last_id)`); len(d) > 0 {
		b.t.Errorf("the search index: %v", d)
	}
	if n := len(b.column(`SELECT first_id::text FROM subscriber_search_backlog`)); n != backlog {
		b.t.Errorf("%d ranges in the backlog, want %d", n, backlog)
	}
}

func TestIndexJobEmptiesTheBacklog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limits.part = 3
	b.person("before@example.org", nil)
	for i := range 5 {
		b.bring(fmt.Sprintf("a%d@example.org", i), fmt.Sprintf("b%d@example.org", i), fmt.Sprintf("c%d@example.org", i), fmt.Sprintf("d%d@example.org", i))
	}
	b.searchable(5)
	if b.queued.indexing != 5 {
		t.Errorf("%d jobs were queued for 5 batches", b.queued.indexing)
	}
	w := &indexWorker{s: b.Service}
	for range 2 { // the second one finds nothing to do
		if err := w.Work(b.ctx, &river.Job[IndexArgs]{JobRow: jobRow(1)}); err != nil {
			t.Fatal(err)
		}
		b.searchable(0)
	}
	if n := len(b.column(`SELECT text FROM subscriber_search`)); n != 21 {
		t.Errorf("%d people in the index, want 21", n)
	}
}

func TestIndexJobsWorkAtTheSameTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limits.part = 2
	for i := range 20 {
		b.bring(fmt.Sprintf("a%d@example.org", i), fmt.Sprintf("b%d@example.org", i), fmt.Sprintf("c%d@example.org", i))
	}
	var jobs sync.WaitGroup
	for range 3 {
		jobs.Go(func() {
			if _, err := b.indexBacklog(b.ctx, time.Minute); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range 20 { // people are renamed and go meanwhile
		b.exec(`UPDATE subscribers SET name = 'Renamed' WHERE email_key = $1`, fmt.Sprintf("b%d@example.org", i))
		b.exec(`DELETE FROM subscribers WHERE email_key = $1`, fmt.Sprintf("c%d@example.org", i))
	}
	jobs.Wait()
	must[bool](t)(b.indexBacklog(b.ctx, time.Minute))
	b.searchable(0)
}

func TestIndexJobThatBreaksLeavesTheBacklog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limits.part = 2
	b.bring("a@example.org", "b@example.org", "c@example.org")
	// Whatever ends the transaction after the people went in: the third one cannot.
	b.exec(`ALTER TABLE subscriber_search ADD CONSTRAINT broken CHECK (text NOT LIKE 'c@%')`)
	if _, err := b.indexBacklog(b.ctx, time.Minute); err == nil {
		t.Fatal("an error did not show")
	}
	b.searchable(1)
	if n := len(b.column(`SELECT text FROM subscriber_search`)); n != 2 {
		t.Errorf("%d people in the index, want those of the first part", n)
	}
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	if _, err := b.indexBacklog(ctx, time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("a shutdown: %v", err)
	}
	b.exec(`ALTER TABLE subscriber_search DROP CONSTRAINT broken`)
	must[bool](t)(b.indexBacklog(b.ctx, time.Minute))
	b.searchable(0)
}

func TestIndexJobLeavesPeopleWhoAreBeingDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.bring("a@example.org", "b@example.org")
	tx := must[pgx.Tx](t)(b.pool.Begin(b.ctx))
	if _, err := tx.Exec(b.ctx, `DELETE FROM subscribers WHERE email_key = 'a@example.org'`); err != nil {
		t.Fatal(err)
	}
	if left := must[bool](t)(b.indexBacklog(b.ctx, time.Minute)); !left {
		t.Error("the job ended while somebody was being deleted")
	}
	if err := tx.Commit(b.ctx); err != nil {
		t.Fatal(err)
	}
	must[bool](t)(b.indexBacklog(b.ctx, time.Minute))
	b.searchable(0)
}

func TestTidyWakesAnIndexThatWasLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tidy := func() int {
		t.Helper()
		before := b.queued.indexing
		if err := b.Tidy(b.ctx); err != nil {
			t.Fatal(err)
		}
		return b.queued.indexing - before
	}
	if n := tidy(); n != 0 {
		t.Errorf("%d jobs for an empty backlog", n)
	}
	b.bring("a@example.org")
	if n := tidy(); n != 1 {
		t.Errorf("%d jobs for a backlog without one", n)
	}
	b.exec(`INSERT INTO river_job (kind, state, args, queue, max_attempts) VALUES ($1, 'available', '{}', $2, 25)`, IndexArgs{}.Kind(), QueueIndex)
	if n := tidy(); n != 0 {
		t.Errorf("%d jobs beside one that waits", n)
	}
}

func TestTidyDeletesDeadUploads(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	for name, at := range map[string]time.Time{"dead": start.Add(-staleUpload - time.Second), "alive": start.Add(-staleUpload + time.Minute)} {
		b.exec(`INSERT INTO imports (list_id, filename, status, format, columns, created_at) VALUES ($1, $2, 'uploading', '{}', '[]', $3)`, list, name, at)
	}
	if err := b.Tidy(b.ctx); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(b.column(`SELECT filename FROM imports`)); got != "[alive]" {
		t.Errorf("uploads left: %s", got)
	}
}

// TestListCountsAreThoseOfTheTable changes subscriptions in several connections at once, some of them in transactions that break, and puts the counts together meanwhile.
func TestListCountsAreThoseOfTheTable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lists := []int64{b.list("One"), b.list("Two"), b.list("Three")}
	const people = 60
	b.exec(`INSERT INTO subscribers (email, email_key) SELECT k, k FROM (SELECT 'p' || n || '@example.org' AS k FROM generate_series(1, $1) n) x`, people)
	ids := b.allIDs()
	statuses := []string{StatusSubscribed, StatusUnconfirmed, StatusUnsubscribed}
	var all sync.WaitGroup
	broken := errors.New("broken")
	for worker := range 4 {
		all.Go(func() {
			for i := range 60 {
				list, status := lists[(i+worker)%3], statuses[(i*7+worker)%3]
				// Each has people of its own, so that they never wait for one another in a circle.
				own := ids[worker*people/4 : (worker+1)*people/4]
				err := pg.InTx(b.ctx, b.pool, func(tx pgx.Tx) error {
					_, err := tx.Exec(b.ctx, `INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, u, $2, 'test' FROM unnest($3::bigint[]) u
						ON CONFLICT (list_id, subscriber_id) DO UPDATE SET status = excluded.status`, list, status, own[i%10:])
					if err == nil && i%3 == 0 {
						_, err = tx.Exec(b.ctx, `DELETE FROM subscriptions WHERE list_id = $1 AND subscriber_id = ANY ($2)`, list, own[:i%7])
					}
					if err == nil && i%5 == 0 {
						return broken
					}
					return err
				})
				if err != nil && !errors.Is(err, broken) {
					t.Error(err)
				}
				if i%10 == worker {
					if err := b.mergeListCounts(b.ctx); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	b.exec(`DELETE FROM subscribers WHERE id = $1`, ids[0])
	check := func() {
		t.Helper()
		for _, d := range b.column(`SELECT l.id || ': ' || c.n || ' counted, ' || s.n || ' there' FROM lists l,
			LATERAL (SELECT COALESCE(sum(subscribed), 0) || ' ' || COALESCE(sum(unconfirmed), 0) || ' ' || COALESCE(sum(unsubscribed), 0) AS n FROM list_counts WHERE list_id = l.id) c,
			LATERAL (SELECT count(*) FILTER (WHERE status = 'subscribed') || ' ' || count(*) FILTER (WHERE status = 'unconfirmed') || ' ' || count(*) FILTER (WHERE status = 'unsubscribed') AS n
				FROM subscriptions WHERE list_id = l.id) s WHERE c.n <> s.n`) {
			t.Error("list ", d)
		}
	}
	check()
	if err := b.Tidy(b.ctx); err != nil {
		t.Fatal(err)
	}
	check()
	if n := len(b.column(`SELECT backend::text FROM list_counts WHERE backend <> 0`)); n != 0 {
		t.Errorf("%d rows of backends are left", n)
	}
	for _, l := range must[page.Page[List]](t)(b.ListLists(b.ctx, page.Query{})).Items {
		if n := l.Counts.Subscribed + l.Counts.Unconfirmed + l.Counts.Unsubscribed; n == 0 {
			t.Errorf("list %s is empty; the test compared nothing", l.Name)
		}
	}
}
