package newsletters

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// How the latest time that any process has seen is kept: to clockStep, and with clockSlack for processes whose clocks differ a little. When all that run have been behind it for
// clockCertain, no clock runs ahead any more, and it was set back.
const (
	clockStep    = 10 * time.Second
	clockSlack   = time.Minute
	clockCertain = 2 * time.Minute
)

// watchClock sees when a clock was set back. What was skipped by a time that has not come is still to come then; without this a clock that jumps a month ahead and back would silence
// newsletters for that month. It waits until no process is ahead any more: one that is would skip again what another has revived.
func (s *Service) watchClock(ctx context.Context) error {
	now := s.d.Now()
	var latest time.Time
	var back *time.Time
	if err := s.d.Pool.QueryRow(ctx, `SELECT latest, back_since FROM newsletter_clock`).Scan(&latest, &back); err != nil {
		return fmt.Errorf("reading the clock of newsletters: %w", err)
	}
	switch ahead := latest.After(now.Add(clockSlack)); {
	case ahead && (back == nil || back.After(now)):
		return exec(ctx, s.d.Pool, `UPDATE newsletter_clock SET back_since = $1`, now)
	case ahead && now.Sub(*back) >= clockCertain:
		return s.turnBack(ctx, now)
	case !ahead && (back != nil || latest.Before(now.Add(-clockStep))):
		return exec(ctx, s.d.Pool, `UPDATE newsletter_clock SET latest = GREATEST(latest, $1::timestamptz), back_since = NULL`, now)
	}
	return nil
}

// turnBack takes back what the wrong time has done to runs and sources. What was sent, and what people decided, stays.
func (s *Service) turnBack(ctx context.Context, now time.Time) error {
	if err := exec(ctx, s.d.Pool, `UPDATE newsletters SET fetch_at = $1 WHERE fetch_at > $2`, now, now.Add(pollEvery)); err != nil {
		return err
	}
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE newsletter_clock SET latest = $1, back_since = NULL WHERE latest > $2 AND back_since <= $3`, now, now.Add(clockSlack), now.Add(-clockCertain))
		if err != nil || tag.RowsAffected() == 0 {
			return err // another process was faster, or one is ahead again
		}
		lost, err := issues(ctx, tx, `WHERE i.state = 'skipped' AND i.updated_at > $1 AND i.reason_code NOT IN ('person', 'paused', 'rescheduled') ORDER BY i.id FOR UPDATE OF i`, now)
		if err != nil || len(lost) == 0 {
			return err
		}
		s.d.Logger.Warn("the clock was set back; issues of newsletters are revived that it had skipped", "count", len(lost))
		letters := map[int64]Newsletter{}
		for _, i := range lost {
			n, ok := letters[i.NewsletterID]
			if !ok {
				if n, err = getNewsletter(ctx, tx, i.NewsletterID); err != nil {
					return err
				}
				letters[n.ID] = n
			}
			if err := s.reviveMissedTx(ctx, tx, n, i, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// reviveMissedTx lets a skipped issue go the way of its run again. When the schedule has no such run by now it stays skipped, for that reason, by which it comes back with the run.
func (s *Service) reviveMissedTx(ctx context.Context, tx pgx.Tx, n Newsletter, i Issue, now time.Time) error {
	run, ok, err := n.Plan().At(i.Date)
	if err != nil {
		return err
	}
	if !ok || run.Out != "" {
		_, err := moveTx(ctx, tx, i, move{state: StateSkipped, why: WhyRescheduled, reason: "the schedule has no run on this date any more", tryAt: now}, now)
		return err
	}
	late, deadline := n.times(run.At)
	look := run.At
	if i.CampaignID == nil {
		look = run.At.Add(-n.lead())
	}
	err = exec(ctx, tx, `
		UPDATE newsletter_issues SET state = $2, reason_code = '', reason = '', run_at = $3, late_until = $4, deadline = $5, try_at = $6, busy_until = NULL, version = version + 1, stale = stale OR $2 = 'preparing', updated_at = $7 WHERE id = $1`,
		i.ID, n.after(i), run.At, late, deadline, look, now)
	if err != nil {
		return err
	}
	return logTx(ctx, tx, i.ID, now, "revived", "it was skipped by a clock that was ahead", "")
}
