package sender

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Stop is an emergency stop of everything: while there is one that nobody has ended, no process sends anything.
type Stop struct {
	StoppedAt time.Time
	StoppedBy string
	Reason    string
	ResumedAt *time.Time
	ResumedBy *string
}

// Holds says that it is in force; nil is none.
func (s *Stop) Holds() bool { return s != nil && s.ResumedAt == nil }

// words say it to people.
func (s *Stop) words() string {
	text := "all sending was stopped at " + s.StoppedAt.UTC().Format(time.RFC3339) + " by " + s.StoppedBy
	if s.Reason != "" {
		text += ": " + s.Reason
	}
	return text
}

// Err is a Conflict that names the stop and the way out, nil when it does not hold.
func (s *Stop) Err() error {
	if !s.Holds() {
		return nil
	}
	return errs.New(errs.Conflict, "%s; resume sending first", s.words())
}

// Holdup is the stop as what keeps a mailing, nil when it does not hold.
func (s *Stop) Holdup() *Holdup {
	if !s.Holds() {
		return nil
	}
	return &Holdup{Code: HoldupStopped, Reason: s.words()}
}

// StoppedSQL is a boolean SQL expression: is everything stopped?
const StoppedSQL = `EXISTS (SELECT FROM sending_stops WHERE resumed_at IS NULL)`

// StopAgain is how soon is asked again whether a stop is over.
const StopAgain = 2 * time.Second

// maxStopReason is in characters.
const maxStopReason = 500

const selectStop = `SELECT stopped_at, stopped_by, reason, resumed_at, resumed_by FROM sending_stops `

// LastStop gives the stop that holds, else the last one; nil when there never was one.
func (s *Service) LastStop(ctx context.Context) (*Stop, error) { return lastStop(ctx, s.pool) }

func lastStop(ctx context.Context, db pg.DB) (*Stop, error) {
	stops, err := pg.Many[Stop](ctx, db, "stops", selectStop+`ORDER BY resumed_at IS NOT NULL, id DESC LIMIT 1`)
	if err != nil || len(stops) == 0 {
		return nil, err
	}
	return &stops[0], nil
}

// StopAll stops everything, over all processes within a second: what is on the wire is finished, nothing else goes out. Stopping again changes nothing; the first one is kept.
func (s *Service) StopAll(ctx context.Context, by, reason string) (*Stop, error) {
	reason = strings.TrimSpace(reason)
	if utf8.RuneCountInString(reason) > maxStopReason || !utf8.ValidString(reason) || strings.ContainsFunc(reason, unicode.IsControl) {
		return nil, errs.InvalidField("reason", "give the reason in one line of at most %d characters", maxStopReason)
	}
	_, err := s.pool.Exec(ctx, `
		INSERT INTO sending_stops (stopped_at, stopped_by, reason) VALUES ($1, $2, $3) ON CONFLICT ((true)) WHERE resumed_at IS NULL DO NOTHING`, s.now(), by, reason)
	if err != nil {
		return nil, fmt.Errorf("stopping everything: %w", err)
	}
	return s.LastStop(ctx)
}

// ResumeAll ends the stop. It is no error when there is none.
func (s *Service) ResumeAll(ctx context.Context, by string) (*Stop, error) {
	_, err := s.pool.Exec(ctx, `UPDATE sending_stops SET resumed_at = $1, resumed_by = $2 WHERE resumed_at IS NULL`, s.now(), by)
	if err != nil {
		return nil, fmt.Errorf("resuming everything: %w", err)
	}
	return s.LastStop(ctx)
}

// stopEvery is how often a process looks whether everything is stopped; a look is one row of a table that is nearly empty.
const stopEvery = 400 * time.Millisecond

// LookForStop learns once whether everything is stopped. Run does so regularly. While the database is away what was known before holds: the lease ends soon in any case.
func (n *Node) LookForStop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, n.lease.renew())
	defer cancel()
	var stop Stop
	err := n.pool.QueryRow(ctx, `SELECT stopped_at, stopped_by, reason FROM sending_stops WHERE resumed_at IS NULL`).Scan(&stop.StoppedAt, &stop.StoppedBy, &stop.Reason)
	switch {
	case err == nil:
		n.stop.Store(&stop)
	case errors.Is(err, pgx.ErrNoRows):
		n.stop.Store(nil)
	case ctx.Err() == nil:
		n.logger.Warn("it could not be learnt whether all sending is stopped", "error", err)
	}
}

// stopped is nil, or why nothing goes out at all. It is asked before each message and once more before its final dot.
func (n *Node) stopped(relay Relay) *Unavailable {
	stop := n.stop.Load()
	if stop == nil {
		return nil
	}
	return &Unavailable{Relay: relay.Name, Until: n.now().Add(StopAgain), Err: errors.New(stop.words()), Stopped: true}
}

// Stopped says that this process knows of a stop of everything.
func (n *Node) Stopped() bool { return n.stop.Load() != nil }
