package newsletters

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/campaigns/schedule"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// Deps are the parts that the service works with.
type Deps struct {
	Pool      *pgxpool.Pool
	Campaigns Campaigns
	// Fetch reads feeds and documents. Without it only drafts can be sources.
	Fetch Fetcher
	Fill  Filler
	// PublicURL is how this service is reached from outside, for addresses in the archive; nil, or "", when it is not.
	PublicURL func(ctx context.Context) (string, error)
	Logger    *slog.Logger
	Now       func() time.Time
}

// Service has the use cases of newsletters and sees to their issues. It is safe for concurrent use.
type Service struct {
	d     Deps
	hands hands
}

// New makes the service.
func New(d Deps) *Service {
	now := d.Now
	d.Now = func() time.Time { return now().UTC().Truncate(time.Microsecond) } // as Postgres keeps it
	return &Service{d: d}
}

// Get reads a newsletter.
func (s *Service) Get(ctx context.Context, id int64) (Newsletter, error) {
	return getNewsletter(ctx, s.d.Pool, id)
}

// List gives a page of newsletters by name; status "" is all.
func (s *Service) List(ctx context.Context, status Status, q page.Query) (page.Page[Newsletter], error) {
	var name string
	var id int64
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &name, &id); err != nil {
			return page.Page[Newsletter]{}, err
		}
	}
	ns, err := listNewsletters(ctx, s.d.Pool, status, name, id, q.Size()+1)
	if err != nil {
		return page.Page[Newsletter]{}, err
	}
	return page.Cut(ns, q, func(n Newsletter) string { return page.Encode(strings.ToLower(n.Name), n.ID) }), nil
}

// Create makes a newsletter that does nothing until it is activated.
func (s *Service) Create(ctx context.Context, in Input) (Newsletter, error) {
	in.setDefaults()
	if err := s.check(&in); err != nil {
		return Newsletter{}, err
	}
	var n Newsletter
	err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		id, err := saveNewsletter(ctx, tx, 0, in, s.d.Now())
		if err != nil {
			return err
		}
		n, err = getNewsletter(ctx, tx, id)
		return err
	})
	return n, err
}

func (s *Service) check(in *Input) error {
	if err := in.validate(); err != nil {
		return err
	}
	if in.Source.Kind != SourceDraft && s.d.Fetch == nil {
		return errs.InvalidField("source.kind", "this installation cannot fetch feeds; use draft")
	}
	return nil
}

// Updated is a newsletter after a change, with the issues that the new schedule would not have but that are kept, since a person has worked on them.
type Updated struct {
	Newsletter
	Kept []Issue
}

// Update changes a newsletter. Of one that is active, issues that have not been sent follow:
//
//   - one whose date the schedule still has gets its new time unless that has passed, and content and settings anew unless a person edited or approved it;
//   - one whose date it has no more is skipped, or kept with its time when a person edited or approved it.
//
// The first issue of another feed has what comes into it from now on. One that has ended stays so until it is activated again.
func (s *Service) Update(ctx context.Context, id int64, in Input) (Updated, error) {
	in.setDefaults()
	if err := s.check(&in); err != nil {
		return Updated{}, err
	}
	before, err := s.Get(ctx, id)
	if err != nil {
		return Updated{}, err
	}
	var fresh *Fetched
	if before.ActivatedAt != nil && in.Source != before.Source && in.Source.Kind == SourceFeed {
		got, err := s.fetch(ctx, in.Source, 0)
		if err != nil {
			return Updated{}, err
		}
		fresh = &got
	}
	var out Updated
	out.Newsletter, err = s.change(ctx, id, func(tx pgx.Tx, n *Newsletter, open []Issue) (err error) {
		if n.Source != before.Source || (n.ActivatedAt == nil) != (before.ActivatedAt == nil) {
			return errs.New(errs.Conflict, "newsletter %d was changed by somebody else at the same moment; look at it and save it again", id)
		}
		out.Kept, err = s.updateTx(ctx, tx, *n, in, open, fresh)
		return err
	})
	return out, err
}

func (s *Service) updateTx(ctx context.Context, tx pgx.Tx, before Newsletter, in Input, open []Issue, fresh *Fetched) (kept []Issue, err error) {
	if _, err := saveNewsletter(ctx, tx, before.ID, in, s.d.Now()); err != nil {
		return nil, err
	}
	if in.Source != before.Source {
		if err := s.newSourceTx(ctx, tx, before.ID); err != nil {
			return nil, err
		}
	}
	n, err := getNewsletter(ctx, tx, before.ID)
	if err != nil {
		return nil, err
	}
	if fresh != nil {
		if err := s.takeTx(ctx, tx, n, *fresh, true); err != nil {
			return nil, err
		}
	}
	if n.ActivatedAt == nil {
		return nil, nil
	}
	if err := savePlanTx(ctx, tx, &n, s.d.Now()); err != nil {
		return nil, err
	}
	return s.replanTx(ctx, tx, n, open)
}

// newSourceTx forgets what the source before said. Its items that nobody got go with it.
func (s *Service) newSourceTx(ctx context.Context, tx pgx.Tx, id int64) error {
	if err := exec(ctx, tx, `DELETE FROM newsletter_items WHERE newsletter_id = $1 AND sent_at IS NULL`, id); err != nil {
		return err
	}
	return exec(ctx, tx, `
		UPDATE newsletters SET fetch_at = NULL, fetched_at = NULL, fetch_error = NULL, failing_since = NULL WHERE id = $1`, id)
}

// replanTx lets the issues that have not been sent follow the schedule, and gives those that it keeps against it.
func (s *Service) replanTx(ctx context.Context, tx pgx.Tx, n Newsletter, open []Issue) (kept []Issue, err error) {
	now := s.d.Now()
	for _, i := range open {
		run, ok, err := n.Plan().At(i.Date)
		if err != nil {
			return nil, err
		}
		switch {
		case ok && run.Out == "":
			err = s.moveTimeTx(ctx, tx, n, i, run)
		case i.frozen():
			kept = append(kept, i)
			err = logTx(ctx, tx, i.ID, now, "kept", "the schedule has no run on this date any more; the issue is kept, since somebody worked on it", "")
		default:
			_, err = moveTx(ctx, tx, i, move{state: StateSkipped, why: WhyRescheduled, reason: "the schedule has no run on this date any more", tryAt: now}, now)
		}
		if err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// moveTimeTx lets an issue follow its run. A time that has passed already is none for it: it keeps the one that it had, rather than go out at the moment of saving.
func (s *Service) moveTimeTx(ctx context.Context, tx pgx.Tx, n Newsletter, i Issue, run schedule.Run) error {
	now := s.d.Now()
	if !run.At.After(now) && !run.At.Equal(i.RunAt) {
		run.At = i.RunAt
		if err := logTx(ctx, tx, i.ID, now, "kept", "it keeps its time, "+local(n, i.RunAt)+", since the new one had passed when it was set", ""); err != nil {
			return err
		}
	}
	return s.refreshTx(ctx, tx, n, i, run)
}

// refreshTx gives an issue the times of its run, and has it prepared anew unless its content is a person's. One that a person holds stays held.
func (s *Service) refreshTx(ctx context.Context, tx pgx.Tx, n Newsletter, i Issue, run schedule.Run) error {
	late, deadline := n.times(run.At)
	err := exec(ctx, tx, `
		UPDATE newsletter_issues SET run_at = $2::timestamptz, deadline = $4, late_until = CASE WHEN send_now THEN GREATEST(late_until, $3) ELSE $3 END,
			try_at = CASE WHEN send_now THEN try_at ELSE $2::timestamptz END, busy_until = NULL, version = version + 1, updated_at = $5
		WHERE id = $1`, i.ID, run.At, late, deadline, s.d.Now())
	if err != nil || i.frozen() {
		return err
	}
	return anewTx(ctx, tx, []int64{i.ID}, "", s.d.Now())
}

// Delete removes a newsletter with its issues; their campaigns stay. One that is active, or whose issue is being sent, is a conflict.
func (s *Service) Delete(ctx context.Context, id int64) error {
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		n, err := lockNewsletter(ctx, tx, id)
		if err != nil {
			return err
		}
		if n.Status == StatusActive {
			return errs.New(errs.Conflict, "the newsletter %q is active; pause it before you delete it", n.Name)
		}
		sending, err := issues(ctx, tx, `WHERE i.newsletter_id = $1 AND i.state = 'sending'`, id)
		if err != nil {
			return err
		}
		if len(sending) > 0 {
			return errs.New(errs.Conflict, "the issue of %s of the newsletter %q is being sent; delete the newsletter when it is through", sending[0].Date, n.Name)
		}
		return exec(ctx, tx, `DELETE FROM newsletters WHERE id = $1`, id)
	})
}

// Activate lets a newsletter run, or run again when it has ended. The first time, what its feed holds already is taken as old.
func (s *Service) Activate(ctx context.Context, id int64) (Newsletter, error) {
	seen, err := s.Get(ctx, id)
	if err != nil {
		return seen, err
	}
	if seen.Status != StatusDraft && seen.Status != StatusEnded {
		return seen, errs.New(errs.Conflict, "the newsletter %q is %s; only a draft, or one that has ended, is activated", seen.Name, seen.Status)
	}
	if err := seen.complete(); err != nil {
		return seen, err
	}
	var got Fetched
	if seen.ActivatedAt == nil && seen.Source.Kind != SourceDraft {
		if got, err = s.fetch(ctx, seen.Source, 0); err != nil {
			return seen, err
		}
	}
	return s.change(ctx, id, func(tx pgx.Tx, n *Newsletter, _ []Issue) error {
		if n.Status != seen.Status || n.Source != seen.Source {
			return errs.New(errs.Conflict, "the newsletter %q was changed while it was being activated; look at it and activate it again", n.Name)
		}
		return s.activateTx(ctx, tx, n, got)
	})
}

func (s *Service) activateTx(ctx context.Context, tx pgx.Tx, n *Newsletter, got Fetched) error {
	if err := n.complete(); err != nil {
		return err
	}
	now := s.d.Now()
	if n.ActivatedAt == nil {
		n.ActivatedAt = &now
		if n.Source.Kind != SourceDraft {
			if err := s.takeTx(ctx, tx, *n, got, true); err != nil {
				return err
			}
		}
	}
	n.Status = StatusActive
	if err := savePlanTx(ctx, tx, n, now); err != nil {
		return err
	}
	if n.NextRunAt == nil {
		return errs.InvalidField("schedule.rule", "the schedule has no run from now on; change it before you activate the newsletter")
	}
	return nil
}

// complete says what is missing for issues to go out. What depends on others, such as the state of a relay, is said by each issue.
func (n Newsletter) complete() error {
	var f errs.Fields
	if len(n.ListIDs) == 0 {
		f.Add("list_ids", "choose at least one list to send to")
	}
	if len(n.RelayIDs) == 0 {
		f.Add("relay_ids", "choose a relay to send through")
	}
	if n.Mailing.FromEmail == "" {
		f.Add("mailing.from_email", "set the address that the mail comes from")
	}
	if n.Source.Kind != SourceDraft {
		if strings.TrimSpace(n.Content.Subject) == "" {
			f.Add("content.subject", "write a subject")
		}
		if strings.TrimSpace(n.Content.HTML)+strings.TrimSpace(n.Content.Text) == "" {
			f.Add("content.html", "write the template of an issue: HTML, text or both")
		}
	}
	return f.Err("the newsletter cannot run yet")
}

// Pause is a pause of a newsletter: until a date, or until somebody resumes it. The note is public.
type Pause struct {
	Until *schedule.Date
	Note  string
}

// Pause makes no more issues. Those that wait are skipped, or held when a person worked on them.
func (s *Service) Pause(ctx context.Context, id int64, p Pause, by string) (Newsletter, error) {
	if len(p.Note) > 1000 {
		return Newsletter{}, errs.InvalidField("note", "at most 1,000 characters")
	}
	return s.change(ctx, id, func(tx pgx.Tx, n *Newsletter, open []Issue) error {
		if err := s.pauseTx(ctx, tx, n, p); err != nil {
			return err
		}
		return s.pauseIssuesTx(ctx, tx, *n, open, by)
	})
}

func (s *Service) pauseTx(ctx context.Context, tx pgx.Tx, n *Newsletter, p Pause) error {
	if n.Status != StatusActive {
		return errs.New(errs.Conflict, "the newsletter %q is %s; only an active one is paused", n.Name, n.Status)
	}
	loc, err := schedule.Zone(n.Schedule.Zone)
	if err != nil {
		return err
	}
	now := s.d.Now()
	span := schedule.Pause{From: schedule.DateOf(now.In(loc))}
	n.Status, n.ResumesAt, n.PauseNote = StatusPaused, nil, nil
	if p.Note != "" {
		n.PauseNote = &p.Note
	}
	if p.Until != nil {
		if p.Until.Compare(span.From) <= 0 {
			return errs.InvalidField("until", "%s has come already; name the later date on which it goes on", p.Until)
		}
		span.Until = *p.Until
		at, _, ok := schedule.Resolve(schedule.LocalTime{Date: *p.Until}, loc)
		if !ok {
			at = now
		}
		n.ResumesAt = &at
	}
	n.Pauses = append(n.Pauses, span)
	if err := savePlanTx(ctx, tx, n, now); err != nil {
		return err
	}
	return touchTx(ctx, tx, n.ID, now)
}

func (s *Service) pauseIssuesTx(ctx context.Context, tx pgx.Tx, n Newsletter, open []Issue, by string) error {
	now := s.d.Now()
	span := n.Pauses[len(n.Pauses)-1]
	for _, i := range open {
		if !span.Holds(i.Date) && i.RunAt.After(now) {
			continue
		}
		m := move{state: StateSkipped, why: WhyPaused, reason: "the newsletter is paused", tryAt: now, by: by}
		if i.frozen() {
			m.state, m.why, m.reason = StateHeld, WhyHeld, "the newsletter is paused; the issue is kept, since somebody worked on it"
		}
		if _, err := moveTx(ctx, tx, i, m, now); err != nil {
			return err
		}
	}
	return nil
}

// Resume ends a pause today. Runs that fell into it are not made up for.
func (s *Service) Resume(ctx context.Context, id int64) (Newsletter, error) {
	return s.change(ctx, id, func(tx pgx.Tx, n *Newsletter, _ []Issue) error {
		if n.Status != StatusPaused {
			return errs.New(errs.Conflict, "the newsletter %q is %s, not paused", n.Name, n.Status)
		}
		loc, err := schedule.Zone(n.Schedule.Zone)
		if err != nil {
			return err
		}
		now := s.d.Now()
		today := schedule.DateOf(now.In(loc))
		if last := &n.Pauses[len(n.Pauses)-1]; today.Compare(last.From) <= 0 {
			n.Pauses = n.Pauses[:len(n.Pauses)-1]
		} else {
			last.Until = today
		}
		n.Status, n.PauseNote, n.ResumesAt = StatusActive, nil, nil
		if err := savePlanTx(ctx, tx, n, now); err != nil {
			return err
		}
		return touchTx(ctx, tx, n.ID, now)
	})
}

// PlannedRun is a run that is still to come, with its issue when there is one.
type PlannedRun struct {
	schedule.Run
	Issue *Issue
}

// Runs gives the next runs, also those that are left out, and why.
func (s *Service) Runs(ctx context.Context, id int64, n int) ([]PlannedRun, error) {
	letter, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	runs, err := letter.Plan().Upcoming(s.d.Now(), n)
	if err != nil {
		return nil, err
	}
	ahead, err := issues(ctx, s.d.Pool, `WHERE i.newsletter_id = $1 AND i.run_at > $2 ORDER BY i.run_at`, id, s.d.Now().Add(-48*time.Hour))
	if err != nil {
		return nil, err
	}
	out := make([]PlannedRun, len(runs))
	for k, r := range runs {
		out[k].Run = r
		for j := range ahead {
			if ahead[j].Date == r.Date {
				out[k].Issue = &ahead[j]
			}
		}
	}
	return out, nil
}
