package campaigns

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/sender"
)

// Launch says when a campaign is to start. Its zero value is now.
type Launch struct {
	// Undo is a grace period: the campaign starts by itself at its end, and can be edited or called back until then.
	Undo time.Duration
	At   *time.Time
	// LocalAt is the date and time, as if it were UTC, at which people get it where they are; for campaigns with a local time only, which need it.
	LocalAt *time.Time
	// due is the start of a scheduled campaign whose time has come: only that.
	due bool
}

// maxUndo is the longest grace period.
const maxUndo = time.Hour

// launching is a launch that has been checked.
type launching struct {
	at     *time.Time // nil: now
	local  *time.Time
	undo   bool
	frozen frozenContent
}

// prepareLaunch finds everything that keeps a campaign from being launched.
func (s *Service) prepareLaunch(ctx context.Context, c Campaign, l Launch) (launching, error) {
	p := launching{undo: l.Undo > 0}
	var err error
	if p.at, p.local, err = s.moment(c, l); err != nil {
		return p, err
	}
	if p.at == nil || p.undo {
		stop, err := s.d.Sender.LastStop(ctx)
		if err != nil {
			return p, err
		}
		if err := stop.Err(); err != nil {
			return p, err
		}
	}
	var relays []sender.Relay
	if relays, p.frozen, err = s.check(ctx, c); err != nil {
		return p, err
	}
	if !l.due { // what is due is not given up because a few people have left since its sample was looked at: with too few the test names no winner
		if err := s.checkSample(ctx, c); err != nil {
			return p, err
		}
	}
	if p.at != nil && !p.undo {
		return p, nil // a relay that is paused now may be resumed until then
	}
	if err := nonePaused(c.Input, relays); err != nil || p.at == nil {
		return p, err
	}
	return p, s.somebody(ctx, c)
}

// moment gives when the campaign starts, nil for now.
func (s *Service) moment(c Campaign, l Launch) (at, local *time.Time, err error) {
	now := s.d.Now()
	if l.Undo < 0 || l.Undo > maxUndo {
		return nil, nil, errs.InvalidField("undo_seconds", "must be between 0 and %d", int(maxUndo.Seconds()))
	}
	switch {
	case c.LocalTime.Enabled && l.LocalAt != nil:
		if !l.LocalAt.Add(-lastZone).After(now) {
			return nil, nil, errs.InvalidField("local_at", "%s has passed everywhere in the world; choose a later time", l.LocalAt.Format("2006-01-02 15:04"))
		}
		first := l.LocalAt.Add(-firstZone)
		if first.Before(now) {
			first = now
		}
		return &first, l.LocalAt, nil
	case c.LocalTime.Enabled:
		if l.At == nil && l.Undo == 0 && c.Status == StatusScheduled && c.LocalAt != nil && !c.ScheduledAt.After(now) {
			return nil, c.LocalAt, nil // its time has come
		}
		return nil, nil, errs.InvalidField("local_at", "this campaign goes out at a local time: schedule it with local_at, a date and time such as 2026-03-02T09:00, or switch the local time off")
	case l.LocalAt != nil:
		return nil, nil, errs.InvalidField("local_at", "switch the campaign's local time on, or give a moment instead")
	case l.At != nil && !l.At.After(now):
		return nil, nil, errs.InvalidField("at", "%s is in the past; choose a later time or start the campaign now", l.At.UTC().Format(time.RFC3339))
	case l.At != nil:
		return l.At, nil, nil
	case l.Undo > 0:
		end := now.Add(l.Undo)
		return &end, nil, nil
	}
	return nil, nil, nil
}

// somebody looks whether anybody would get the campaign, before its start can say so.
func (s *Service) somebody(ctx context.Context, c Campaign) error {
	if c.ParentID != nil {
		n, err := s.countChosen(ctx, rerunOf{c.ID, c.ParentID, c.RerunTo})
		if err == nil && n == 0 {
			return nobodyLeft(nil)
		}
		return err
	}
	counts, err := s.CountDraft(ctx, c.ID, c.Input)
	if err != nil || !counts.Exact || counts.Mailable > 0 {
		return err
	}
	excluded := map[string]int{}
	for _, x := range counts.Excluded {
		excluded[x.Reason] = int(x.Count)
	}
	return nobodyLeft(excluded)
}

// launchTx starts or schedules a campaign that the transaction has locked, or has made.
func (s *Service) launchTx(ctx context.Context, tx pgx.Tx, c Campaign, p launching) error {
	if p.at == nil {
		return s.startTx(ctx, tx, c, p.frozen)
	}
	return exec(ctx, tx, `
		UPDATE campaigns SET status = 'scheduled', scheduled_at = $2, local_at = $3, undoable = $4, pause_reason = NULL, updated_at = now() WHERE id = $1`,
		c.ID, p.at, p.local, p.undo)
}

func (s *Service) launch(ctx context.Context, id int64, l Launch, verb string) (Campaign, error) {
	return s.launchAlso(ctx, id, l, verb, byHand(ctx, id))
}

func nothingElse(pgx.Tx, Campaign) error { return nil }

// launchAlso has something else written in the transaction of the launch.
func (s *Service) launchAlso(ctx context.Context, id int64, l Launch, verb string, also func(tx pgx.Tx, was Campaign) error) (Campaign, error) {
	seen, err := s.Get(ctx, id)
	if err != nil {
		return seen, err
	}
	return s.launchSeen(ctx, seen, l, verb, also)
}

// launchSeen launches a campaign as it was seen. One that is changed meanwhile is a Conflict.
func (s *Service) launchSeen(ctx context.Context, seen Campaign, l Launch, verb string, also func(tx pgx.Tx, was Campaign) error) (Campaign, error) {
	if err := s.launchable(seen, l, verb); err != nil {
		return seen, err
	}
	p, err := s.prepareLaunch(ctx, seen, l)
	if err != nil {
		return seen, err
	}
	return s.change(ctx, seen.ID, func(tx pgx.Tx, c Campaign) error {
		if err := s.launchable(c, l, verb); err != nil {
			return err
		}
		if !c.UpdatedAt.Equal(seen.UpdatedAt) {
			return errs.New(errs.Conflict, "campaign %d was changed while it was being %s; look at it and try again", c.ID, verb)
		}
		if err := s.launchTx(ctx, tx, c, p); err != nil {
			return err
		}
		return also(tx, c)
	})
}

// launchable looks whether the campaign may be launched where it stands.
func (s *Service) launchable(c Campaign, l Launch, verb string) error {
	if err := c.mustNotHaveStarted(verb); err != nil || !l.due {
		return err
	}
	if c.Status != StatusScheduled || c.ScheduledAt.After(s.d.Now()) {
		return errs.New(errs.Conflict, "campaign %d was called back or given another time, and is not due any more", c.ID)
	}
	return nil
}

// Start freezes content and audience and begins to send. A second Start is a conflict that says when the first was.
//
// It is one transaction: either the campaign is started, with its content, the first part of its ledger and jobs for that and for the rest, or nothing has happened.
func (s *Service) Start(ctx context.Context, id int64) (Campaign, error) {
	return s.launch(ctx, id, Launch{}, "started")
}

// StartAlso is Start together with something else: what also writes in its transaction is true if and only if the campaign was started by it. was is the
// campaign as it is started, before it says that it was.
func (s *Service) StartAlso(ctx context.Context, id int64, also func(tx pgx.Tx, was Campaign) error) (Campaign, error) {
	return s.launchAlso(ctx, id, Launch{}, "started", also)
}

// Schedule sets the moment at which the campaign starts by itself. It is checked as Start checks it, so that it does not fail at night.
func (s *Service) Schedule(ctx context.Context, id int64, at time.Time) (Campaign, error) {
	return s.launch(ctx, id, Launch{At: &at}, "scheduled")
}

// ScheduleLocal schedules a campaign with a local time for a date and time, which wall holds as if it were UTC. It starts, and is frozen, when the first zone of the world has that; when that has passed, at
// once, and whoever is too late for it is treated as the campaign says.
func (s *Service) ScheduleLocal(ctx context.Context, id int64, wall time.Time) (Campaign, error) {
	return s.launch(ctx, id, Launch{LocalAt: &wall}, "scheduled")
}

// StartOnce is Start for callers who may ask twice: already says that the campaign had started, or was starting, and nothing was done. With a grace period it starts at the end of that. A cancelled campaign is a Conflict.
func (s *Service) StartOnce(ctx context.Context, id int64, undo time.Duration) (c Campaign, already bool, err error) {
	if c, err = s.Get(ctx, id); err != nil || c.hasStarted(undo) {
		return c, err == nil, err
	}
	c, err = s.launch(ctx, id, Launch{Undo: undo}, "started")
	if !errs.Is(err, errs.Conflict) {
		return c, false, err
	}
	// Somebody else may have been quicker.
	if now, again := s.Get(ctx, id); again == nil && now.hasStarted(undo) {
		return now, true, nil
	}
	return c, false, err
}

// hasStarted says that a start with a grace period, 0 for none, has nothing left to do.
func (c Campaign) hasStarted(undo time.Duration) bool {
	switch c.Status {
	case StatusRunning, StatusPaused, StatusFinished:
		return true
	case StatusScheduled:
		return c.UndoableUntil() != nil && undo > 0
	}
	return false
}

// UndoableUntil is the end of the grace period of a campaign that is starting, else nil.
func (c Campaign) UndoableUntil() *time.Time {
	if c.Status != StatusScheduled || !c.Undoable {
		return nil
	}
	return c.ScheduledAt
}

// CreateAndLaunch makes a campaign and launches it, once for each Key of a request. When it cannot be launched, nothing is left behind.
func (s *Service) CreateAndLaunch(ctx context.Context, by Request, in Input, l Launch) (Campaign, error) {
	return s.launchOnce(ctx, by, func(keep func(pgx.Tx, int64) error) (Campaign, error) { return s.createAndLaunch(ctx, in, l, keep) })
}

func (s *Service) createAndLaunch(ctx context.Context, in Input, l Launch, keep func(pgx.Tx, int64) error) (Campaign, error) {
	in.setDefaults()
	if err := in.validate(); err != nil {
		return Campaign{}, err
	}
	p, err := s.prepareLaunch(ctx, Campaign{Status: StatusDraft, Input: in}, l)
	if err != nil {
		return Campaign{}, err
	}
	var c Campaign
	err = pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		id, err := insertCampaign(ctx, tx, in)
		if err != nil {
			return err
		}
		if c, err = getCampaign(ctx, tx, id); err != nil {
			return err
		}
		if err := s.launchTx(ctx, tx, c, p); err != nil {
			return err
		}
		if c, err = getCampaign(ctx, tx, id); err != nil {
			return err
		}
		return keep(tx, id)
	})
	return c, err
}

// startTx starts a campaign that the transaction has locked, or has made.
func (s *Service) startTx(ctx context.Context, tx pgx.Tx, c Campaign, frozen frozenContent) error {
	err := exec(ctx, tx, `
		UPDATE campaigns SET status = 'running', started_at = now(), scheduled_at = NULL, undoable = false, pause_reason = NULL, freeze_after = 0, updated_at = now() WHERE id = $1`, c.ID)
	if err != nil {
		return err
	}
	if err := storeContent(ctx, tx, c.ID, frozen); err != nil {
		return err
	}
	if err := s.freezeSelectionTx(ctx, tx, c); err != nil {
		return err
	}
	if err := s.freezeZonesTx(ctx, tx, c); err != nil {
		return err
	}
	if err := startTestTx(ctx, tx, c); err != nil {
		return err
	}
	whole, err := s.freezeFirstTx(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	if !whole {
		if _, err := s.jobs.InsertManyTx(ctx, tx, []river.InsertManyParams{freezeJob(c.ID)}); err != nil {
			return fmt.Errorf("queueing the rest of the audience of campaign %d: %w", c.ID, err)
		}
	}
	return s.newRunTx(ctx, tx, c.ID)
}
