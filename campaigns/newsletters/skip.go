package newsletters

import (
	"context"
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

// settledIssues gives the issues of runs that are still to come which do not go out any more. One that only the schedule or a pause kept from going out is not among them: when
// it has a run again, it is taken up again.
func settledIssues(ctx context.Context, db pg.DB, newsletterID int64, now time.Time) ([]Issue, error) {
	return issues(ctx, db, `WHERE i.newsletter_id = $1 AND i.run_at > $2 AND i.state NOT IN `+unsentStates+` AND NOT (i.state = 'skipped' AND i.reason_code IN ('rescheduled', 'paused'))`, newsletterID, now)
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

// Unskip takes back that a date is skipped, while it has not come.
func (s *Service) Unskip(ctx context.Context, id int64, d schedule.Date) (Newsletter, error) {
	return s.change(ctx, id, func(tx pgx.Tx, n *Newsletter, _ []Issue) error {
		for k, old := range n.Skips {
			if old == d {
				n.Skips = append(n.Skips[:k], n.Skips[k+1:]...)
				return savePlanTx(ctx, tx, n, s.d.Now())
			}
		}
		return errs.New(errs.NotFound, "the run of %s is not skipped", d)
	})
}
