package newsletters

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns/schedule"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// mostSkips bounds the dates that are skipped ahead of time; those that have passed are forgotten.
const mostSkips = 100

// SkipDate lets a run that is still to come fall out: the issue of that date, or, when there is none yet, the date itself. The zero date is the next run. It gives the date.
func (s *Service) SkipDate(ctx context.Context, id int64, d schedule.Date, by string) (schedule.Date, error) {
	skipped := d
	_, err := s.change(ctx, id, func(tx pgx.Tx, n *Newsletter, open []Issue) (err error) {
		skipped, err = s.skipTx(ctx, tx, n, open, d, by)
		return err
	})
	return skipped, err
}

func (s *Service) skipTx(ctx context.Context, tx pgx.Tx, n *Newsletter, open []Issue, d schedule.Date, by string) (schedule.Date, error) {
	now := s.d.Now()
	if n.ActivatedAt == nil || n.Status == StatusEnded {
		return d, errs.New(errs.Conflict, "the newsletter %q is %s and has no runs to skip", n.Name, n.Status)
	}
	past, err := settledIssues(ctx, tx, n.ID, now)
	if err != nil {
		return d, err
	}
	if d.IsZero() {
		if d, err = n.nextDate(open, past, now); err != nil {
			return d, err
		}
	}
	for _, i := range open {
		if i.Date == d {
			return d, s.mustMove(ctx, tx, i, move{state: StateSkipped, why: WhyPerson, reason: "skipped ahead of its time", tryAt: now, by: by})
		}
	}
	for _, i := range past {
		if i.Date == d {
			return d, errs.New(errs.Conflict, "the issue of %s is %s already", d, i.State)
		}
	}
	if err := n.skip(d, now); err != nil {
		return d, err
	}
	return d, savePlanTx(ctx, tx, n, now)
}

// settledIssues gives the issues of runs that are still to come which do not go out any more. One that only the schedule, a pause or a wrong clock kept from going out is not
// among them: it can be taken up again.
func settledIssues(ctx context.Context, db pg.DB, newsletterID int64, now time.Time) ([]Issue, error) {
	return issues(ctx, db, `WHERE i.newsletter_id = $1 AND i.run_at > $2 AND i.state NOT IN `+unsentStates+` AND NOT (i.state = 'skipped' AND i.reason_code <> 'person')`, newsletterID, now)
}

// nextDate is the date of what goes out next: of an issue that is there, or of a run.
func (n Newsletter) nextDate(open, past []Issue, now time.Time) (schedule.Date, error) {
	runs, err := n.Plan().Next(now, len(past)+1)
	if err != nil {
		return schedule.Date{}, err
	}
	settled := map[schedule.Date]bool{}
	for _, i := range past {
		settled[i.Date] = true
	}
	var next schedule.Run
	for _, r := range runs {
		if !settled[r.Date] {
			next = r
			break
		}
	}
	for _, i := range open {
		if next.Date.IsZero() || i.RunAt.Before(next.At) {
			next = schedule.Run{Date: i.Date, At: i.RunAt}
		}
	}
	if next.Date.IsZero() {
		return next.Date, errs.New(errs.Conflict, "the newsletter %q has no run to skip", n.Name)
	}
	return next.Date, nil
}

// skip leaves a date out of which there is no issue.
func (n *Newsletter) skip(d schedule.Date, now time.Time) error {
	run, ok, err := n.Plan().At(d)
	if err != nil {
		return err
	}
	if !ok || !run.At.After(now) {
		return errs.InvalidField("date", "there is no run on %s that is still to come", d)
	}
	if run.Out != "" {
		return errs.New(errs.Conflict, "the run of %s is %s already", d, run.Out)
	}
	kept := n.Skips[:0]
	for _, old := range n.Skips {
		if old.Compare(schedule.DateOf(now).AddDays(-2)) >= 0 {
			kept = append(kept, old)
		}
	}
	if n.Skips = append(kept, d); len(n.Skips) > mostSkips {
		return errs.New(errs.Conflict, "%d runs are skipped already; pause the newsletter, or change its schedule", mostSkips)
	}
	return nil
}

// Unskip takes back that a run is skipped, while it has not come: that of a date, or an issue that a person skipped. A newsletter that had ended for want of a run goes on.
func (s *Service) Unskip(ctx context.Context, id int64, d schedule.Date, by string) (Newsletter, error) {
	return s.change(ctx, id, func(tx pgx.Tx, n *Newsletter, _ []Issue) error {
		k := slices.Index(n.Skips, d)
		if k >= 0 {
			n.Skips = slices.Delete(n.Skips, k, k+1)
		}
		revived, err := s.reviveSkippedTx(ctx, tx, *n, d, by)
		if err != nil {
			return err
		}
		if k < 0 && !revived {
			return errs.New(errs.NotFound, "the run of %s is not skipped", d)
		}
		if n.Status == StatusEnded {
			n.Status = StatusActive // savePlanTx ends it again when nothing is left to go out
		}
		return savePlanTx(ctx, tx, n, s.d.Now())
	})
}

// reviveSkippedTx takes up the issue of a date again that a person skipped. What somebody wrote stays, and needs a new word; it is held when items of it are in another issue by now.
func (s *Service) reviveSkippedTx(ctx context.Context, tx pgx.Tx, n Newsletter, d schedule.Date, by string) (revived bool, err error) {
	is, err := issues(ctx, tx, `WHERE i.newsletter_id = $1 AND i.local_date = $2::date AND i.state = 'skipped' AND i.reason_code = 'person' FOR UPDATE OF i`, n.ID, d.String())
	if err != nil || len(is) == 0 {
		return false, err
	}
	now, i := s.d.Now(), is[0]
	run, ok, err := n.Plan().At(d)
	if err != nil {
		return false, err
	}
	if !ok || run.Out != "" || !run.At.After(now) {
		return false, errs.New(errs.Conflict, "there is no run on %s that is still to come, so the issue stays skipped", d)
	}
	i.RunAt, i.ApprovedBy, i.SendNow = run.At, nil, false
	i.LateUntil, i.Deadline = n.times(run.At)
	i.Version++
	err = exec(ctx, tx, `
		UPDATE newsletter_issues SET run_at = $2, late_until = $3, deadline = $4, approved_by = NULL, send_now = false, version = $5 WHERE id = $1`, i.ID, i.RunAt, i.LateUntil, i.Deadline, i.Version)
	if err != nil {
		return false, err
	}
	m := move{state: StatePreparing, tryAt: now, by: by, action: "unskipped"}
	if i.Edited {
		if m, err = s.reviveEditedTx(ctx, tx, n, i, m); err != nil {
			return false, err
		}
	}
	return true, s.mustMove(ctx, tx, i, m)
}

// reviveEditedTx gives an issue that a person wrote its items back, as far as they are still to be had.
func (s *Service) reviveEditedTx(ctx context.Context, tx pgx.Tx, n Newsletter, i Issue, m move) (move, error) {
	m.state, m.tryAt = n.settled(i), i.RunAt
	items, err := issueItems(ctx, tx, i.ID)
	if err != nil {
		return m, err
	}
	err = takeItemsTx(ctx, tx, i, items, s.d.Now())
	if errors.Is(err, errTaken) {
		m.state, m.why, m.reason = StateHeld, WhyHeld, "it is not skipped any more, but items of it are in another issue by now: look at it before you release it"
		return m, nil
	}
	return m, err
}
