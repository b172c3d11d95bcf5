package idempotency

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/internal/pg/pgtest"
)

type bundle struct {
	*Store
	at time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{at: time.Now()}
	b.Store = New(pgtest.DB(t), func() time.Time { return b.at })
	return b
}

// begin expects that the work is to be done.
func (b *bundle) begin(t *testing.T, principal, key, hash string) Claim {
	t.Helper()
	c, _, done, err := b.Begin(t.Context(), principal, key, []byte(hash))
	if err != nil || done {
		t.Fatalf("Begin = done %v, %v", done, err)
	}
	return c
}

func (b *bundle) conflict(t *testing.T, principal, key, hash string) {
	t.Helper()
	if _, _, _, err := b.Begin(t.Context(), principal, key, []byte(hash)); !errs.Is(err, errs.Conflict) {
		t.Fatalf("Begin: %v, want a conflict", err)
	}
}

func TestSecondRequestGetsTheFirstAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.begin(t, "user:1", "k", "h")
	b.conflict(t, "user:1", "k", "h") // still running
	want := Answer{Status: 201, ContentType: "application/json", Body: []byte(`{"id":1}`)}
	if err := b.Finish(t.Context(), c, want); err != nil {
		t.Fatal(err)
	}
	_, got, done, err := b.Begin(t.Context(), "user:1", "k", []byte("h"))
	if err != nil || !done {
		t.Fatalf("Begin = done %v, %v", done, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}
	b.conflict(t, "user:1", "k", "another request")
	b.begin(t, "user:2", "k", "h") // the keys of callers are apart
}

func TestAbandonedKeyIsFree(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.Abandon(t.Context(), b.begin(t, "p", "k", "h")); err != nil {
		t.Fatal(err)
	}
	b.begin(t, "p", "k", "another request")
}

func TestKeyOfADeadRequestIsFreeAfterAMinute(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dead := b.begin(t, "p", "k", "h")
	b.at = b.at.Add(Stale - time.Second)
	b.conflict(t, "p", "k", "h")
	b.at = b.at.Add(time.Second)
	b.conflict(t, "p", "k", "another request")
	second := b.begin(t, "p", "k", "h")

	// The dead one was only slow: what it says now must not stand for the second.
	if err := b.Finish(t.Context(), dead, Answer{Status: 200}); err != nil {
		t.Fatal(err)
	}
	if err := b.Abandon(t.Context(), dead); err != nil {
		t.Fatal(err)
	}
	b.conflict(t, "p", "k", "h")
	if err := b.Finish(t.Context(), second, Answer{Status: 202}); err != nil {
		t.Fatal(err)
	}
	if _, got, done, err := b.Begin(t.Context(), "p", "k", []byte("h")); err != nil || !done || got.Status != 202 {
		t.Fatalf("Begin = %+v, %v, %v", got, done, err)
	}
}

func TestEntriesExpire(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if err := b.Finish(t.Context(), b.begin(t, "p", "k", "h"), Answer{Status: 200}); err != nil {
		t.Fatal(err)
	}
	b.at = b.at.Add(Keep)
	b.begin(t, "p", "k", "another request")
	b.at = b.at.Add(Keep + time.Second)
	if err := b.Cleanup(t.Context()); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := b.pool.QueryRow(t.Context(), `SELECT count(*) FROM idempotency_keys`).Scan(&n); err != nil || n != 0 {
		t.Fatalf("%d entries left, %v", n, err)
	}
}

func TestOfManyRequestsOneDoesTheWork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var claimed atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, _, done, err := b.Begin(t.Context(), "p", "k", []byte("h"))
			switch {
			case err == nil && !done:
				claimed.Add(1)
			case !errs.Is(err, errs.Conflict):
				t.Errorf("done %v, %v", done, err)
			}
		})
	}
	wg.Wait()
	if n := claimed.Load(); n != 1 {
		t.Fatalf("%d requests do the work", n)
	}
}
