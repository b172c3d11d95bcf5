package audience

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"postrider/internal/pg/pgtest"
)

// start is the time of the tests.
var start = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)

// bundle is a service on a database of its own.
type bundle struct {
	*Service
	t      *testing.T
	ctx    context.Context
	pool   *pgxpool.Pool
	queued *queue
}

// queue remembers the jobs that were put in; tests run them by hand.
type queue struct {
	mu       sync.Mutex
	ids      []int64 // of imports
	indexing int     // jobs for the search index
	jobs     []river.JobArgs
}

func (q *queue) InsertTx(_ context.Context, _ pgx.Tx, args river.JobArgs, _ *river.InsertOpts) (*rivertype.JobInsertResult, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs = append(q.jobs, args)
	switch args := args.(type) {
	case ImportArgs:
		q.ids = append(q.ids, args.ImportID)
	case IndexArgs:
		q.indexing++
	}
	return &rivertype.JobInsertResult{}, nil
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, ctx: t.Context(), pool: pgtest.DB(t), queued: &queue{}}
	b.Service = New(b.pool, slog.New(slog.DiscardHandler), func() time.Time { return start })
	// On a busy machine the simplest count may take long.
	b.budgets = countBudgets{lively: time.Minute, saved: time.Minute, total: time.Minute, estimate: time.Minute}
	b.SetJobs(b.queued)
	b.SetErasure([32]byte{7})
	return b
}

func jobRow(attempt int) *rivertype.JobRow {
	return &rivertype.JobRow{Attempt: attempt, MaxAttempts: maxImportAttempts}
}

// must gives v and stops the test on an error.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (b *bundle) list(name string) int64 {
	b.t.Helper()
	return must[List](b.t)(b.CreateList(b.ctx, name, "")).ID
}

// person adds a subscriber with a status on each list.
func (b *bundle) person(email string, status map[int64]string) int64 {
	b.t.Helper()
	id := must[Subscriber](b.t)(b.CreateSubscriber(b.ctx, NewSubscriber{Email: email})).ID
	for list, st := range status {
		must[Subscriber](b.t)(b.SetSubscription(b.ctx, id, list, st, SourceAdmin))
	}
	return id
}

func (b *bundle) suppress(email string) {
	b.t.Helper()
	must[Suppression](b.t)(b.Suppress(b.ctx, email, ReasonBounce, "test", "550 no such user"))
}
