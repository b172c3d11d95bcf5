package sender

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
	"postrider/sender/presets"
	"postrider/sender/reply"
)

// Pace is how a relay is used while it goes slower than it may. All processes share it.
//
// A reply that asks for less halves the connections and lets the relay rest; a success for each of the connections adds one, until all are back. It is
// Google's own advice for 4.7.28 (support.google.com/mail/answer/81126): ten minutes of silence, one connection, then one more at a time.
type Pace struct {
	Connections int
	RestUntil   time.Time
	Rests       int // that followed one another without a success
	Reason      string
	Reply       string // the server's words
	ChangedAt   time.Time
}

// PaceChange is one line of the relay's history.
type PaceChange struct {
	ID          int64
	At          time.Time
	Change      string // slower, faster, full_speed, blocked, unblocked, paused, resumed
	Connections *int
	Until       *time.Time
	Reason      string
	Reply       string
}

// How a relay rests when it is asked to go slower and the reply does not say for how long.
const (
	restFirst = 30 * time.Second
	restMost  = time.Hour
)

// The least time between two steps up, so that a step can show what it does; where the server has said how many connections are too many, it is rarely
// asked again.
const (
	growEvery     = 5 * time.Second
	growPastKnown = 10 * time.Minute
)

// growsAfter is how long after a change the next step up may be taken.
func (p Pace) growsAfter() time.Duration {
	if p.Reason == string(reply.ReasonTooManyConnections) {
		return growPastKnown
	}
	return growEvery
}

// slower is one step down. begun is when the transaction began that was refused: a change since then was an answer to the same trouble.
type slower struct {
	relay  Relay
	class  reply.Class
	reply  string
	begun  time.Duration // ago
	to     int           // connections; 0 halves them
	noRest bool
}

// slowDown takes the step, unless another process or connection has just done so, and gives the pace that holds now.
func slowDown(ctx context.Context, db pg.DB, s slower) (Pace, bool, error) {
	base := max(s.class.RetryAfter, restFirst)
	if s.noRest {
		base = 0
	}
	p, err := pg.One[Pace](ctx, db, "the pace of a relay", `
		INSERT INTO relay_pace AS p (relay_id, connections, rest_until, rests, reason, reply, changed_at)
		VALUES ($1, GREATEST(COALESCE(NULLIF($3::int, 0), $2::int / 2), 1), now() + $4::interval, 1, $5, $6, now())
		ON CONFLICT (relay_id) DO UPDATE SET
			connections = GREATEST(COALESCE(NULLIF($3::int, 0), LEAST(p.connections, $2) / 2), 1), rests = p.rests + 1, reason = excluded.reason, reply = excluded.reply, changed_at = now(),
			rest_until = now() + LEAST($4::interval * (2 ^ LEAST(p.rests, 12)), GREATEST($4::interval, $8::interval))
		WHERE p.changed_at < now() - $7::interval
		RETURNING connections, rest_until, rests, reason, reply, changed_at`,
		s.relay.ID, s.relay.MaxConnections, s.to, base, string(s.class.Reason), s.reply, s.begun, restMost)
	if err == nil {
		return p, true, noteChange(ctx, db, s.relay.ID, PaceChange{Change: "slower", Connections: &p.Connections, Until: &p.RestUntil, Reason: p.Reason, Reply: p.Reply})
	}
	current, found, err := getPace(ctx, db, s.relay.ID)
	if err != nil || !found {
		return Pace{}, false, err
	}
	return current, false, nil
}

func getPace(ctx context.Context, db pg.DB, relayID int64) (Pace, bool, error) {
	rows, err := pg.Many[Pace](ctx, db, "the pace of a relay", `
		SELECT connections, rest_until, rests, reason, reply, changed_at FROM relay_pace WHERE relay_id = $1`, relayID)
	if err != nil || len(rows) == 0 {
		return Pace{}, false, err
	}
	return rows[0], true, nil
}

// speedUp takes one step up from a pace. It gives the new one, nil for full speed; what another process has changed meanwhile stays.
func speedUp(ctx context.Context, db pg.DB, r Relay, from Pace) (*Pace, error) {
	if from.Connections+1 >= r.MaxConnections {
		tag, err := db.Exec(ctx, `DELETE FROM relay_pace WHERE relay_id = $1 AND changed_at = $2`, r.ID, from.ChangedAt)
		if err != nil {
			return &from, fmt.Errorf("speeding relay %d up: %w", r.ID, err)
		}
		if tag.RowsAffected() == 1 {
			return nil, noteChange(ctx, db, r.ID, PaceChange{Change: "full_speed", Connections: &r.MaxConnections})
		}
	} else {
		var p Pace
		err := db.QueryRow(ctx, `
			UPDATE relay_pace SET connections = connections + 1, rests = 0, changed_at = now() WHERE relay_id = $1 AND changed_at = $2
			RETURNING connections, rest_until, rests, reason, reply, changed_at`, r.ID, from.ChangedAt).
			Scan(&p.Connections, &p.RestUntil, &p.Rests, &p.Reason, &p.Reply, &p.ChangedAt)
		if err == nil {
			return &p, noteChange(ctx, db, r.ID, PaceChange{Change: "faster", Connections: &p.Connections, Reason: p.Reason})
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return &from, fmt.Errorf("speeding relay %d up: %w", r.ID, err)
		}
	}
	p, found, err := getPace(ctx, db, r.ID)
	if err != nil {
		return &from, err
	}
	if !found {
		return nil, err
	}
	return &p, nil
}

func noteChange(ctx context.Context, db pg.DB, relayID int64, c PaceChange) error {
	_, err := db.Exec(ctx, `
		INSERT INTO relay_pace_changes (relay_id, change, connections, until, reason, reply) VALUES ($1, $2, $3, $4, $5, $6)`,
		relayID, c.Change, c.Connections, c.Until, c.Reason, c.Reply)
	if err != nil {
		return fmt.Errorf("noting the pace of relay %d: %w", relayID, err)
	}
	return nil
}

// keptChanges is how long the history of a relay goes back.
const keptChanges = 30 * day

// RelayState is how a relay is used at the moment.
type RelayState struct {
	Usage     Usage
	WarmupCap *int // what the warm-up allows in 24 hours today; nil without one, or when it allows everything
	Holdup    *Holdup
	Changes   []PaceChange // the newest first
}

// shownChanges is how many changes of pace are shown.
const shownChanges = 50

// RelayState gives how fast a relay is used, and why.
func (s *Service) RelayState(ctx context.Context, relayID int64) (RelayState, error) {
	r, err := s.GetRelay(ctx, relayID)
	if err != nil {
		return RelayState{}, err
	}
	var st RelayState
	if st.Usage, err = usage(ctx, s.pool, relayID); err != nil {
		return st, err
	}
	if n := r.Warmup.Cap(s.now()); n != math.MaxInt {
		st.WarmupCap = &n
	}
	if st.Holdup, err = s.Holdup(ctx, r); err != nil {
		return st, err
	}
	st.Changes, err = pg.Many[PaceChange](ctx, s.pool, "changes of pace", `
		SELECT id, at, change, connections, until, reason, reply FROM relay_pace_changes WHERE relay_id = $1 ORDER BY id DESC LIMIT $2`, relayID, shownChanges)
	return st, err
}

// ClearOldPace removes what no limit looks at any more: minutes of use and old changes of pace.
func (s *Service) ClearOldPace(ctx context.Context) error {
	for sql, age := range map[string]time.Duration{
		`DELETE FROM relay_usage WHERE minute < now() - $1::interval`:                                                 2 * day,
		`DELETE FROM relay_pace_changes WHERE at < now() - $1::interval`:                                              keptChanges,
		`DELETE FROM relay_sites WHERE GREATEST(next_at, put_off_to, halved_at, parked_until) < now() - $1::interval`: 7 * day,
		`DELETE FROM sites WHERE expires_at < now() - $1::interval`:                                                   30 * day,
	} {
		if _, err := s.pool.Exec(ctx, sql, age); err != nil {
			return fmt.Errorf("clearing old figures of relays: %w", err)
		}
	}
	return nil
}

// preset gives what is known of the relay's provider.
func (r Relay) preset() (presets.Provider, bool) {
	if p, known := presets.ByID(r.Provider); known {
		return p, true
	}
	return presets.ForHost(r.Host)
}

// unknownQuota is how long an account whose quota is used up is left alone when neither its words nor the provider's habits say.
const unknownQuota = day

// BlockRelay keeps everybody from a relay whose account has sent all it may, until the provider takes mail again. Trying earlier does no good, and with
// some providers it makes the block longer.
func (s *Service) BlockRelay(ctx context.Context, r Relay, class reply.Class, words string) (until time.Time, err error) {
	wait := class.RetryAfter
	if wait <= 0 {
		wait = unknownQuota
	}
	if p, known := r.preset(); known && p.Quota.Extended {
		wait += 10 * time.Minute // one try too early costs another day
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		var changed bool
		err := tx.QueryRow(ctx, `
			UPDATE relays r SET blocked_until = GREATEST(now() + $2::interval, old.blocked_until), blocked_reason = $3 FROM (SELECT id, blocked_until FROM relays WHERE id = $1 FOR UPDATE) old
			WHERE r.id = old.id RETURNING r.blocked_until, old.blocked_until IS NULL OR old.blocked_until < now()`, r.ID, wait, words).Scan(&until, &changed)
		if err != nil {
			return fmt.Errorf("blocking relay %d: %w", r.ID, err)
		}
		if !changed {
			return nil
		}
		// After the block one connection goes first.
		_, err = tx.Exec(ctx, `
			INSERT INTO relay_pace (relay_id, connections, rest_until, rests, reason, reply, changed_at) VALUES ($1, 1, $2, 0, $3, $4, now())
			ON CONFLICT (relay_id) DO UPDATE SET connections = 1, rest_until = excluded.rest_until, changed_at = now()`, r.ID, until, string(class.Reason), words)
		if err != nil {
			return fmt.Errorf("blocking relay %d: %w", r.ID, err)
		}
		return noteChange(ctx, tx, r.ID, PaceChange{Change: "blocked", Until: &until, Reason: string(class.Reason), Reply: words})
	})
	return until, err
}
