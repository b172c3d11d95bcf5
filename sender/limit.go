package sender

import (
	"context"
	"fmt"
	"sync"
	"time"

	"postrider/internal/pg"
)

// limiter hands out the moments at which messages may go to a relay. The moments lie evenly spaced on one line in Postgres (GCRA without burst), from
// which each process reserves a block; so the limit holds over all processes, and a process that dies or idles with a block in hand leaves the limit
// under-used for less than blockTime (or one message, when messages lie farther apart).
type limiter struct {
	db       pg.DB
	relayID  int64
	interval time.Duration
	// lateness is how old a moment may be when it is used. Older ones of a block are dropped: used up all at once after a pause they would be a burst.
	lateness time.Duration
	now      func() time.Time

	mu   sync.Mutex
	next time.Time // of the block in hand
	left int
}

// blockTime bounds what one reservation covers.
const blockTime = 500 * time.Millisecond

func newLimiter(db pg.DB, r Relay, now func() time.Time) *limiter {
	interval, lateness := r.Limits.spacing()
	if interval == 0 {
		return nil
	}
	return &limiter{db: db, relayID: r.ID, interval: interval, lateness: lateness, now: now}
}

// limitPatience is how long a message waits for its moment with a connection in hand. One whose moment is farther away goes back to the queue, and the
// moment is kept for whoever comes then.
const limitPatience = 3 * time.Second

// urgentPatience is the same for an urgent message: what campaigns hold of the next moments must not send it away.
const urgentPatience = 20 * time.Second

// tooEarly says when the next message may go.
type tooEarly struct{ at time.Time }

func (e *tooEarly) Error() string {
	return "the relay's rate allows the next message at " + e.at.UTC().Format(time.RFC3339)
}

// wait returns when the next message may go, a *tooEarly when that is far away, or the end of ctx. A nil limiter never waits.
func (l *limiter) wait(ctx context.Context, patience time.Duration) error {
	if l == nil {
		return ctx.Err()
	}
	for range mostMissed {
		at, err := l.take(ctx, patience)
		if err != nil {
			return err
		}
		if err := sleepUntil(ctx, at.Sub(l.now())); err != nil {
			return err
		}
		// A moment that was slept through is lost: used now, it would be too close to the one N after it.
		if l.now().Sub(at) <= l.lateness {
			return nil
		}
	}
	return nil
}

// mostMissed moments in a row on a machine that is too busy to be in time; after that politeness has done what it can.
const mostMissed = 10

func sleepUntil(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// try takes a moment that has come already, without asking the database and without waiting for somebody who does. A nil limiter always has one.
func (l *limiter) try() bool {
	if l == nil {
		return true
	}
	if !l.mu.TryLock() {
		return false
	}
	defer l.mu.Unlock()
	l.dropOld()
	if l.left == 0 || l.next.After(l.now()) {
		return false
	}
	l.next = l.next.Add(l.interval)
	l.left--
	return true
}

// dropOld is called with the lock held.
func (l *limiter) dropOld() {
	oldest := l.now().Add(-l.lateness)
	for l.left > 0 && l.next.Before(oldest) {
		l.next = l.next.Add(l.interval)
		l.left--
	}
}

func (l *limiter) take(ctx context.Context, patience time.Duration) (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dropOld()
	if l.left == 0 {
		if err := l.reserve(ctx); err != nil {
			return time.Time{}, err
		}
	}
	at := l.next
	if at.Sub(l.now()) > patience {
		return at, &tooEarly{at: at}
	}
	l.next = l.next.Add(l.interval)
	l.left--
	return at, nil
}

// reserve takes the next block. The moments are counted from when the answer arrived, which is later than the database's clock when it gave
// them: a slow answer makes us late, never early.
func (l *limiter) reserve(ctx context.Context) error {
	n := min(max(int(blockTime/l.interval), 1), 1000)
	var delay time.Duration
	err := l.db.QueryRow(ctx, `
		INSERT INTO relay_rates AS r (relay_id, tat) VALUES ($1, clock_timestamp() + $2::interval)
		ON CONFLICT (relay_id) DO UPDATE SET tat = GREATEST(r.tat, clock_timestamp()) + $2::interval
		RETURNING GREATEST(tat - $2::interval - clock_timestamp(), interval '0')`,
		l.relayID, l.interval*time.Duration(n)).Scan(&delay)
	if err != nil {
		return fmt.Errorf("reserving the rate of relay %d: %w", l.relayID, err)
	}
	l.next = l.now().Add(delay)
	l.left = n
	return nil
}
