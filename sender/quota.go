package sender

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// The limits of an hour, a day and a warm-up count deliveries in the ledger's own transactions: what a claim takes is reserved with it, what is recorded
// is counted in its minute, what was not sent is given back, and the settling of a dead process does both for it. So a crash neither lets a relay have
// more than it may nor loses a share.
//
// A minute's share comes back when the whole of it is older than the period.

// ReserveTx gives how many of want messages may be claimed for the relay now. With 0 comes when to ask again. It keeps others from reserving for this
// relay until the transaction ends; ClaimedTx must follow with what was taken.
func ReserveTx(ctx context.Context, tx pgx.Tx, r Relay, want int, now time.Time) (granted int, again time.Time, err error) {
	if !r.counted() {
		return want, again, nil
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('postrider relay quota', $1))`, r.ID); err != nil {
		return 0, again, fmt.Errorf("reserving for relay %d: %w", r.ID, err)
	}
	u, err := usage(ctx, tx, r.ID)
	if err != nil {
		return 0, again, err
	}
	hour, dayLeft := r.left(u, now)
	granted = min(want, hour, dayLeft)
	if granted > 0 {
		return granted, again, nil
	}
	if dayLeft <= hour {
		return 0, u.dayAgain(r.Limits.PerDay, r.Warmup, now), nil
	}
	return 0, u.hourAgain(now), nil
}

// counted says that there is a limit whose use is counted.
func (r Relay) counted() bool {
	return r.Limits.PerHour != nil || r.Limits.PerDay != nil || r.Warmup != nil
}

// left is how many more messages may go within the hour and the day.
func (r Relay) left(u Usage, now time.Time) (hour, perDay int) {
	hour, perDay = math.MaxInt, r.Warmup.Cap(now)
	if n := r.Limits.PerHour; n != nil {
		hour = max(0, *n-r.kept(u, *n)-u.Hour-u.Claimed)
	}
	if n := r.Limits.PerDay; n != nil {
		perDay = min(perDay, *n)
	}
	if perDay != math.MaxInt {
		perDay = max(0, perDay-r.kept(u, perDay)-u.Day-u.Claimed)
	}
	return hour, perDay
}

// keptPart of a limit is left to urgent messages: a twentieth, of a relay that has such.
const keptPart = 20

// kept is how much of a limit only urgent messages may use.
func (r Relay) kept(u Usage, limit int) int {
	if r.urgent || !u.Urgent {
		return 0
	}
	return limit / keptPart
}

// Usage is what went to a relay, as far as its use is counted.
type Usage struct {
	Hour, Day  int // within the last hour and the last 24 hours
	Claimed    int // on its way
	OldestHour *time.Time
	OldestDay  *time.Time
	Urgent     bool // messages that somebody waits for go through it, too
}

// hourAgain is when something of the hour's share comes back.
func (u Usage) hourAgain(now time.Time) time.Time {
	if u.OldestHour == nil {
		return now.Add(time.Minute) // what others have claimed may come back
	}
	return u.OldestHour.Add(time.Hour + time.Minute)
}

// dayAgain is when something of the day's share comes back, or the warm-up allows more.
func (u Usage) dayAgain(perDay *int, w *Warmup, now time.Time) time.Time {
	again := now.Add(time.Minute)
	if u.OldestDay != nil {
		again = u.OldestDay.Add(day + time.Minute)
	}
	if w != nil && (perDay == nil || w.Cap(now) < *perDay) {
		if rises := w.rises(now); rises.Before(again) {
			return rises
		}
	}
	return again
}

func usage(ctx context.Context, db pg.DB, relayID int64) (Usage, error) {
	return pg.One[Usage](ctx, db, "the use of a relay", `
		SELECT COALESCE(sum(used) FILTER (WHERE minute > now() - interval '61 minutes'), 0)::int AS hour, COALESCE(sum(used), 0)::int AS day,
			(SELECT COALESCE(sum(claimed), 0)::int FROM relay_claims WHERE relay_id = $1) AS claimed,
			min(minute) FILTER (WHERE minute > now() - interval '61 minutes') AS oldest_hour, min(minute) AS oldest_day,
			EXISTS (SELECT FROM campaign_relays m JOIN campaigns c ON c.id = m.campaign_id WHERE m.relay_id = $1 AND c.status = 'open') AS urgent
		FROM relay_usage WHERE relay_id = $1 AND minute > now() - interval '1441 minutes'`, relayID)
}

// ClaimedTx notes that the node has claimed n messages for the relay.
func ClaimedTx(ctx context.Context, tx pgx.Tx, r Relay, node string, n int) error {
	if !r.counted() || n == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO relay_claims AS c (relay_id, node_id, claimed) VALUES ($1, $2, $3)
		ON CONFLICT (relay_id, node_id) DO UPDATE SET claimed = c.claimed + excluded.claimed`, r.ID, node, n)
	if err != nil {
		return fmt.Errorf("noting what was claimed for relay %d: %w", r.ID, err)
	}
	return nil
}

// UsedTx notes what became of claimed messages: used of them reached the server, the others did not and may go again.
func UsedTx(ctx context.Context, tx pgx.Tx, r Relay, node string, used, unused int) error {
	if !r.counted() || used+unused == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE relay_claims SET claimed = GREATEST(claimed - $3, 0) WHERE relay_id = $1 AND node_id = $2`, r.ID, node, used+unused)
	if err == nil && used > 0 {
		err = addUsage(ctx, tx, r.ID, used)
	}
	if err != nil {
		return fmt.Errorf("noting the use of relay %d: %w", r.ID, err)
	}
	return nil
}

func addUsage(ctx context.Context, db pg.DB, relayID int64, n int) error {
	_, err := db.Exec(ctx, `
		INSERT INTO relay_usage AS u (relay_id, minute, used) VALUES ($1, date_trunc('minute', now()), $2)
		ON CONFLICT (relay_id, minute) DO UPDATE SET used = u.used + excluded.used`, relayID, n)
	return err
}

// NotBefore is until when nothing may be claimed for the relay, as far as its row tells: paused, blocked, at rest, outside of its window. Zero: now. What is
// paused is looked at again after a while.
func (r Relay) NotBefore(now time.Time) time.Time {
	var at time.Time
	if r.Status == RelayPaused {
		at = now.Add(10 * time.Second)
	}
	for _, t := range []*time.Time{r.BlockedUntil, r.restUntil()} {
		if t != nil && t.After(now) && t.After(at) {
			at = *t
		}
	}
	if opens := r.Window.Opens(now); opens.After(now) && opens.After(at) {
		at = opens
	}
	return at
}

func (r Relay) restUntil() *time.Time {
	if r.Pace == nil {
		return nil
	}
	return &r.Pace.RestUntil
}

// Holdup says why nothing goes out at the moment, and until when that is so as far as it is known.
type Holdup struct {
	Code   HoldupCode
	Reason string    // in words for a person, with the server's own where it spoke
	Until  time.Time // zero: until a person does something
	// RelayID or DomainID is where it can be changed; the other one is 0.
	RelayID, DomainID int64
}

// Later gives the one that lasts longer: of two things in the way the last decides. nil is nothing in the way.
func (h *Holdup) Later(other *Holdup) *Holdup {
	if h == nil || other != nil && !h.Until.IsZero() && (other.Until.IsZero() || other.Until.After(h.Until)) {
		return other
	}
	return h
}

// HoldupCode is the reason as programs read it. Other codes may be added, none changes its meaning.
type HoldupCode string

// The reasons for which nothing goes out: Holdup says of which relay or domain. A domain has a window and a warm-up only.
const (
	HoldupPaused        HoldupCode = "paused"         // by a person, or by the program until a person has mended something
	HoldupBlocked       HoldupCode = "blocked"        // the provider takes nothing more of the account
	HoldupOutsideWindow HoldupCode = "outside_window" // of the sending window of the relay or the domain
	HoldupResting       HoldupCode = "resting"        // the server asked for less
	HoldupDayUsedUp     HoldupCode = "day_used_up"    // the limit of 24 hours, or the warm-up's
	HoldupHourUsedUp    HoldupCode = "hour_used_up"
	HoldupNotYet        HoldupCode = "not_yet" // of a campaign: what is left waits for its time
	HoldupStopped       HoldupCode = "stopped" // everything is, until somebody resumes it
)

// Holdup looks whether the relay may be used now. nil: it may.
func (s *Service) Holdup(ctx context.Context, r Relay) (*Holdup, error) {
	now := s.now()
	because := func(code HoldupCode, reason string, until time.Time) (*Holdup, error) {
		return &Holdup{Code: code, Reason: reason, Until: until, RelayID: r.ID}, nil
	}
	switch {
	case r.Status == RelayPaused:
		return because(HoldupPaused, "the relay is paused", time.Time{})
	case r.BlockedUntil != nil && now.Before(*r.BlockedUntil):
		return because(HoldupBlocked, "the provider takes nothing more: "+deref(r.BlockedReason), *r.BlockedUntil)
	case r.Window.Opens(now).After(now):
		return because(HoldupOutsideWindow, "outside of the relay's sending window", r.Window.Opens(now))
	case r.Pace != nil && now.Before(r.Pace.RestUntil):
		return because(HoldupResting, "the relay rests, as it was asked to: "+r.Pace.Reply, r.Pace.RestUntil)
	case !r.counted():
		return nil, nil
	}
	u, err := usage(ctx, s.pool, r.ID)
	if err != nil {
		return nil, err
	}
	hour, perDay := r.left(u, now)
	switch {
	case perDay == 0 && u.OldestDay != nil:
		return because(HoldupDayUsedUp, "the day's share of the relay is used up", u.dayAgain(r.Limits.PerDay, r.Warmup, now))
	case hour == 0 && u.OldestHour != nil:
		return because(HoldupHourUsedUp, "the hour's share of the relay is used up", u.hourAgain(now))
	}
	return nil, nil
}

// SpendOne counts one message that is not in the ledger, such as a test. Unavailable when the relay or the domain of its From may take none, or all sending is stopped.
func (s *Service) SpendOne(ctx context.Context, r Relay, d FromDomain) error {
	stop, err := s.LastStop(ctx)
	if err != nil {
		return err
	}
	if stop.Holds() {
		return &Unavailable{Relay: r.Name, Until: s.now().Add(StopAgain), Err: errors.New(stop.words()), Stopped: true}
	}
	if !r.counted() && d.Warmup == nil {
		return nil
	}
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		now := s.now()
		granted, again, err := ReserveDomainTx(ctx, tx, d, 1, now)
		if err != nil {
			return err
		}
		if granted == 0 {
			return &Unavailable{Relay: r.Name, Until: again, Err: fmt.Errorf("what the warm-up of %s allows in 24 hours is used up", d.Domain)}
		}
		if granted, again, err = ReserveTx(ctx, tx, r, 1, now); err != nil {
			return err
		}
		if granted == 0 {
			return &Unavailable{Relay: r.Name, Until: again, Err: errors.New("its limit for the hour or the day is used up")}
		}
		if r.counted() {
			if err := addUsage(ctx, tx, r.ID, 1); err != nil {
				return err
			}
		}
		return addDomainUsage(ctx, tx, d, noNode, 1)
	})
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
