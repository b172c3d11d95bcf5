package campaigns

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
	"postrider/internal/settings"
)

// List gives a page of campaigns with their figures, newest first; status "" is all.
func (s *Service) List(ctx context.Context, status Status, q page.Query) (page.Page[WithStats], error) {
	var before int64
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before); err != nil {
			return page.Page[WithStats]{}, err
		}
	}
	cs, err := listCampaigns(ctx, s.d.Pool, status, before, q.Size()+1)
	if err != nil {
		return page.Page[WithStats]{}, err
	}
	cut := page.Cut(cs, q, func(c Campaign) string { return page.Encode(c.ID) })
	items, err := s.withStats(ctx, cut.Items)
	return page.Page[WithStats]{Items: items, NextCursor: cut.NextCursor}, err
}

func (s *Service) withStats(ctx context.Context, cs []Campaign) ([]WithStats, error) {
	items := make([]WithStats, len(cs))
	for i, c := range cs {
		st, err := s.statsOf(ctx, c)
		if err != nil {
			return nil, err
		}
		items[i] = WithStats{Campaign: c, Stats: st}
	}
	return items, nil
}

// Get reads one campaign.
func (s *Service) Get(ctx context.Context, id int64) (Campaign, error) {
	return getCampaign(ctx, s.d.Pool, id)
}

// Create makes a draft. Only the name is needed; everything else is asked for by Start.
func (s *Service) Create(ctx context.Context, in Input) (Campaign, error) {
	var c Campaign
	err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) (err error) {
		c, err = s.CreateTx(ctx, tx, in)
		return err
	})
	return c, err
}

// CreateTx is Create in the transaction of the caller, who keeps the campaign's number with it.
func (s *Service) CreateTx(ctx context.Context, tx pgx.Tx, in Input) (Campaign, error) {
	in.setDefaults()
	if err := in.validate(); err != nil {
		return Campaign{}, err
	}
	id, err := insertCampaign(ctx, tx, in)
	if err != nil {
		return Campaign{}, err
	}
	return getCampaign(ctx, tx, id)
}

// Update changes a campaign that has not started. A conflict says since when it cannot be changed. One that is scheduled stays so, and must be able to start as it is now.
func (s *Service) Update(ctx context.Context, id int64, in Input) (Campaign, error) {
	in.setDefaults()
	if err := in.validate(); err != nil {
		return Campaign{}, err
	}
	seen, err := s.Get(ctx, id)
	if err != nil {
		return seen, err
	}
	if err := seen.sameRun(in); err != nil {
		return seen, err
	}
	if seen.Status == StatusScheduled {
		if err := s.stillReady(ctx, seen, in); err != nil {
			return seen, err
		}
	}
	return s.change(ctx, id, func(tx pgx.Tx, c Campaign) error {
		if err := c.mustNotHaveStarted("changed"); err != nil {
			return err
		}
		if c.Status == StatusScheduled && seen.Status != StatusScheduled {
			return errs.New(errs.Conflict, "campaign %d was scheduled while it was being changed; look at it and change it again", id)
		}
		return updateCampaign(ctx, tx, id, in)
	})
}

// UpdateTx is Update of a draft in the transaction of the caller, which holds the campaign from then on. One that somebody scheduled is a conflict: whether it can still start is
// not looked at here.
func (s *Service) UpdateTx(ctx context.Context, tx pgx.Tx, id int64, in Input) error {
	in.setDefaults()
	if err := in.validate(); err != nil {
		return err
	}
	c, err := lockCampaign(ctx, tx, id)
	if err != nil {
		return err
	}
	if err := c.mustNotHaveStarted("changed"); err != nil {
		return err
	}
	if c.Status == StatusScheduled {
		return errs.New(errs.Conflict, "campaign %d is scheduled; call it back before its content is changed", id)
	}
	return updateCampaign(ctx, tx, id, in)
}

// LockTx reads a campaign and keeps everybody else from changing or starting it until the caller's transaction ends.
func (s *Service) LockTx(ctx context.Context, tx pgx.Tx, id int64) (Campaign, error) {
	return lockCampaign(ctx, tx, id)
}

// stillReady looks whether a scheduled campaign could start as it is to be now.
func (s *Service) stillReady(ctx context.Context, c Campaign, in Input) error {
	if c.LocalTime.Enabled != in.LocalTime.Enabled {
		return errs.InvalidField("local_time", "call campaign %d back first: it is scheduled, and what its time means would change", c.ID)
	}
	c.Input = in
	if _, _, err := s.check(ctx, c); err != nil {
		return err
	}
	return s.checkSample(ctx, c)
}

// Delete removes a campaign and its ledger. One that is being sent must be cancelled first, and what is on the wire then must be through. What it was sent to whom must not be
// needed any more: by a segment, by the choice of people for another campaign, or by the frequency cap.
func (s *Service) Delete(ctx context.Context, id int64) error {
	err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		c, err := lockCampaign(ctx, tx, id)
		if err != nil {
			return err
		}
		if c.Purpose == PurposeMessages && c.Status != StatusFinished {
			return errs.New(errs.Conflict, "%q is a stream of messages; it can be deleted when it has not been used for %d days", c.Name, int(streamKept.Hours()/24))
		}
		if c.Status == StatusRunning || c.Status == StatusPaused {
			return errs.New(errs.Conflict, "campaign %d is %s; cancel it before you delete it", id, c.Status)
		}
		// What comes of those is counted for their relay, and nobody could be told any more.
		var onTheWay bool
		err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM deliveries WHERE campaign_id = $1 AND state = 1)`, id).Scan(&onTheWay)
		if err != nil {
			return fmt.Errorf("deleting campaign %d: %w", id, err)
		}
		if onTheWay {
			return errs.New(errs.Conflict, "campaign %d still has messages on their way; delete it again when they are through", id)
		}
		if err := s.forgettableTx(ctx, tx, c); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM campaigns WHERE id = $1`, id)
		if pg.Violation(err) == "campaigns_parent_id_fkey" {
			return errs.New(errs.Conflict, "campaign %d has been sent again; delete its other runs first", id)
		}
		if err != nil {
			return fmt.Errorf("deleting campaign %d: %w", id, err)
		}
		return nil
	})
	if err == nil {
		s.contents.drop(id)
		s.targets.drop(id)
	}
	return err
}

func (s *Service) forgettableTx(ctx context.Context, tx pgx.Tx, c Campaign) error {
	if err := audience.CampaignUnusedTx(ctx, tx, c.ID); err != nil || c.StartedAt == nil {
		return err
	}
	if err := audience.NobodyIsChosenTx(ctx, tx, c.ID); err != nil {
		return err
	}
	set, err := settings.Read(ctx, tx)
	if err != nil || set.FrequencyCapMails == 0 || c.FinishedAt == nil {
		return err
	}
	if until := c.FinishedAt.Add(time.Duration(set.FrequencyCapDays) * 24 * time.Hour); until.After(s.d.Now()) {
		return errs.New(errs.Conflict, "the mail of campaign %d counts for the frequency cap until %s, and people would get more than it allows: delete it then, or turn the cap off in the settings before",
			c.ID, until.UTC().Format(time.RFC3339))
	}
	return nil
}

// Unschedule makes a scheduled campaign a draft again.
func (s *Service) Unschedule(ctx context.Context, id int64) (Campaign, error) {
	return s.change(ctx, id, func(tx pgx.Tx, c Campaign) error {
		if c.Status != StatusScheduled {
			return errs.New(errs.Conflict, "campaign %d is %s, not scheduled", id, c.Status)
		}
		return exec(ctx, tx, `UPDATE campaigns SET status = 'draft', scheduled_at = NULL, local_at = NULL, undoable = false, updated_at = now() WHERE id = $1`, id)
	})
}

// Pause stops a running campaign: what is on the wire is finished, nothing else is claimed.
func (s *Service) Pause(ctx context.Context, id int64, reason string) (Campaign, error) {
	return s.change(ctx, id, func(tx pgx.Tx, c Campaign) error {
		if c.Status != StatusRunning && c.Status != StatusOpen {
			return errs.New(errs.Conflict, "campaign %d is %s; only a running one can be paused", id, c.Status)
		}
		return exec(ctx, tx, `UPDATE campaigns SET status = 'paused', pause_reason = NULLIF($2, ''), updated_at = now() WHERE id = $1`, id, reason)
	})
}

// Resume goes on where Pause stopped.
func (s *Service) Resume(ctx context.Context, id int64) (Campaign, error) {
	return s.change(ctx, id, func(tx pgx.Tx, c Campaign) error {
		if c.Status != StatusPaused {
			return errs.New(errs.Conflict, "campaign %d is %s; only a paused one can be resumed", id, c.Status)
		}
		if err := exec(ctx, tx, reviveSQL, id); err != nil {
			return err
		}
		// Whoever lets it go on has seen what came back so far: the guard begins anew.
		if err := acceptTx(ctx, tx, id); err != nil {
			return err
		}
		return s.newRunTx(ctx, tx, id)
	})
}

// Cancel ends a campaign for good. Everybody who has not been mailed becomes skipped; what is on the wire is finished and recorded.
func (s *Service) Cancel(ctx context.Context, id int64) (Campaign, error) {
	c, err := s.change(ctx, id, func(tx pgx.Tx, c Campaign) error {
		if c.Purpose == PurposeMessages {
			return errs.New(errs.Conflict, "%q is a stream of messages, which programs go on with: pause it, or cancel single messages", c.Name)
		}
		switch c.Status {
		case StatusScheduled, StatusRunning, StatusPaused:
		default:
			return errs.New(errs.Conflict, "campaign %d is %s; only one that is scheduled, running or paused can be cancelled", id, c.Status)
		}
		if err := exec(ctx, tx, `UPDATE campaigns SET status = 'cancelled', finished_at = now(), pause_reason = NULL, updated_at = now() WHERE id = $1`, id); err != nil {
			return err
		}
		return skipWaiting(ctx, tx, id, "campaign cancelled")
	})
	if err != nil || c.StartedAt == nil {
		return c, err
	}
	return c, s.d.Sender.EndLines(ctx, c.RelayIDs)
}

// change runs fn on the locked campaign and gives the campaign as it is afterwards.
func (s *Service) change(ctx context.Context, id int64, fn func(tx pgx.Tx, c Campaign) error) (Campaign, error) {
	var c Campaign
	err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		before, err := lockCampaign(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := fn(tx, before); err != nil {
			return err
		}
		c, err = getCampaign(ctx, tx, id)
		return err
	})
	return c, err
}

func (c Campaign) mustNotHaveStarted(verb string) error {
	switch {
	case c.Status == StatusDraft || c.Status == StatusScheduled:
		return nil
	case c.StartedAt == nil:
		return errs.New(errs.Conflict, "campaign %d is %s and cannot be %s any more", c.ID, c.Status, verb)
	}
	return errs.New(errs.Conflict, "campaign %d was started at %s and cannot be %s any more", c.ID, c.StartedAt.UTC().Format(time.RFC3339), verb)
}

func exec(ctx context.Context, db pg.DB, sql string, args ...any) error {
	if _, err := db.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("changing a campaign: %w", err)
	}
	return nil
}
