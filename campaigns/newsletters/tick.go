package newsletters

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns"
	"postrider/campaigns/schedule"
	"postrider/internal/pg"
)

// tickEvery is how often due things are looked for. Any number of processes may do so at once.
const tickEvery = time.Second

// mostOnce bounds what one step does in a tick, so that the others get their turn.
const mostOnce = 200

// Run sees to what is due until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := s.Tick(ctx); err != nil && ctx.Err() == nil {
			s.d.Logger.Warn("a part of the regular work for newsletters was not done; it is tried again in a moment", "error", err)
		}
	}
}

// Tick does each step once. One that fails does not keep the others from being done.
func (s *Service) Tick(ctx context.Context) error {
	var failed error
	for _, step := range []func(context.Context) error{s.follow, s.resumeDue, s.makeDue, s.workDue, s.remindDue, s.pollDue} {
		if err := step(ctx); err != nil {
			if ctx.Err() != nil {
				return err
			}
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// again calls fn until there is nothing left for it to do.
func again(fn func() (done bool, err error)) error {
	for range mostOnce {
		if done, err := fn(); err != nil || done {
			return err
		}
	}
	return nil
}

// resumeDue lets newsletters go on whose pause has ended.
func (s *Service) resumeDue(ctx context.Context) error {
	return exec(ctx, s.d.Pool, `UPDATE newsletters SET status = 'active', resumes_at = NULL, pause_note = NULL, updated_at = $1 WHERE status = 'paused' AND resumes_at <= $1`, s.d.Now())
}

// makeDue makes the issues whose time to be prepared has come, and moves their newsletters on, each in one transaction.
func (s *Service) makeDue(ctx context.Context) error {
	return again(func() (done bool, err error) {
		err = pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
			var id int64
			err := tx.QueryRow(ctx, `
				SELECT id FROM newsletters WHERE status = 'active' AND next_prepare_at <= $1 ORDER BY next_prepare_at, id LIMIT 1 FOR UPDATE SKIP LOCKED`, s.d.Now()).Scan(&id)
			if errors.Is(err, pgx.ErrNoRows) {
				done = true
				return nil
			}
			if err != nil {
				return fmt.Errorf("looking for newsletters that are due: %w", err)
			}
			n, err := lockNewsletter(ctx, tx, id)
			if err != nil {
				return err
			}
			return s.makeTx(ctx, tx, n)
		})
		return done, err
	})
}

// mostMissed is how many missed runs one transaction records.
const mostMissed = 300

// makeTx records the runs that have come since the newsletter was last looked at. All but the last were missed: nothing ran when they were due. With none that has come it is
// the next one, which is prepared ahead of its time.
func (s *Service) makeTx(ctx context.Context, tx pgx.Tx, n Newsletter) error {
	if n.NextRunAt == nil {
		return fmt.Errorf("newsletter %d is due without a run", n.ID)
	}
	now := s.d.Now()
	runs, err := n.Plan().Next(n.NextRunAt.Add(-time.Nanosecond), mostMissed)
	if err != nil {
		return err
	}
	come := 0
	for come < len(runs) && !runs[come].At.After(now) {
		come++
	}
	if len(runs) == 0 {
		return savePlanTx(ctx, tx, &n, *n.NextRunAt)
	}
	last := max(come-1, 0)
	for _, r := range runs[:last] {
		reason := fmt.Sprintf("the service was not running at %s, when it was due, nor until the next run came", local(n, r.At))
		if err := insertIssue(ctx, tx, n, r, StateSkipped, WhyDown, reason, now); err != nil {
			return err
		}
	}
	if err := insertIssue(ctx, tx, n, runs[last], StatePreparing, "", "", now); err != nil {
		return err
	}
	return savePlanTx(ctx, tx, &n, runs[last].At)
}

// local writes a moment as the clocks of the newsletter show it.
func local(n Newsletter, t time.Time) string {
	if loc, err := schedule.Zone(n.Schedule.Zone); err == nil {
		t = t.In(loc)
	}
	return t.Format("15:04 on 2 January 2006")
}

// busyFor is how long an issue belongs to the process that works on it. One that dies leaves it for others after that.
const busyFor = 2 * time.Minute

// workDue works on issues that are to be looked at, one after the other. One that fails is left to its lease, and does not keep the others.
func (s *Service) workDue(ctx context.Context) error {
	var failed error
	err := again(func() (done bool, err error) {
		i, err := s.claim(ctx)
		if errors.Is(err, pgx.ErrNoRows) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		n, err := s.Get(ctx, i.NewsletterID)
		if err == nil {
			err = s.work(ctx, n, i)
		}
		if ctx.Err() != nil {
			return false, err
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("issue %d: %w", i.ID, err))
		}
		return false, nil
	})
	return errors.Join(failed, err)
}

// claim takes an issue for this process. A lease that ends further ahead than any can is from before the clock was set back.
func (s *Service) claim(ctx context.Context) (Issue, error) {
	now := s.d.Now()
	rows, err := s.d.Pool.Query(ctx, `
		UPDATE newsletter_issues AS i SET busy_until = $2 WHERE i.id = (
			SELECT x.id FROM newsletter_issues x JOIN newsletters n ON n.id = x.newsletter_id
			WHERE x.state IN `+unsentStates+` AND NOT (x.state = 'held' AND x.reason_code = 'held') AND x.try_at <= $1 AND n.status <> 'draft'
				AND (x.busy_until IS NULL OR x.busy_until <= $1 OR x.busy_until > $2)
			ORDER BY x.run_at, x.id LIMIT 1 FOR UPDATE OF x SKIP LOCKED)
		RETURNING `+issueColumns, now, now.Add(busyFor))
	if err != nil {
		return Issue{}, fmt.Errorf("looking for issues that are due: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[issueRow])
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return Issue{}, fmt.Errorf("looking for issues that are due: %w", err)
	}
	return r.issue(), err
}

// move moves an issue in a transaction of its own. That somebody else was faster is no error.
func (s *Service) move(ctx context.Context, i Issue, m move) error {
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		_, err := moveTx(ctx, tx, i, m, s.d.Now())
		return err
	})
}

// work does with an issue what its time and state ask for.
func (s *Service) work(ctx context.Context, n Newsletter, i Issue) error {
	now := s.d.Now()
	if !i.SendNow {
		if over, err := s.overtaken(ctx, n, i); err != nil || over {
			return err
		}
		if now.After(i.LateUntil) {
			return s.tooLate(ctx, n, i)
		}
	}
	switch {
	case i.State == StatePreparing || i.CampaignID == nil:
		return s.prepare(ctx, n, i)
	case now.Before(i.RunAt) && !i.SendNow:
		return s.move(ctx, i, move{state: i.State, why: i.ReasonCode, reason: i.Reason, tryAt: i.RunAt})
	case i.State == StateDraft:
		return s.move(ctx, i, move{state: i.State, why: WhyNotReady, reason: "its time has come, and nobody has said that the draft is finished", tryAt: i.LateUntil.Add(time.Second)})
	case i.State == StateAwaiting:
		return s.move(ctx, i, move{state: i.State, why: WhyNotReady, reason: "its time has come, and nobody has approved it", tryAt: i.LateUntil.Add(time.Second)})
	}
	return s.send(ctx, n, i)
}

// tooLate skips an issue that could not go out until it was too late, with what kept it.
func (s *Service) tooLate(ctx context.Context, n Newsletter, i Issue) error {
	m := move{state: StateSkipped, why: i.ReasonCode, tryAt: s.d.Now()}
	switch {
	case i.State == StateDraft:
		m.why, m.reason = WhyNotReady, "nobody had finished the draft"
	case i.State == StateAwaiting:
		m.why, m.reason = WhyNotReady, "nobody had approved it"
	case i.ReasonCode == "" || i.ReasonCode == WhyOldCopy:
		m.why, m.reason = WhyDown, "the service was not running at "+local(n, i.RunAt)+", when it was due"
	default:
		m.reason = i.Reason
	}
	m.reason = fmt.Sprintf("%s; it could go out until %s", m.reason, local(n, i.LateUntil))
	return s.move(ctx, i, m)
}

// overtaken skips an issue when the time of a later one has come, and skips those that the time of this one overtakes. Only one issue is ever sent late.
func (s *Service) overtaken(ctx context.Context, n Newsletter, i Issue) (bool, error) {
	now := s.d.Now()
	due, err := issues(ctx, s.d.Pool, `
		WHERE i.newsletter_id = $1 AND i.run_at <= $2 AND NOT i.send_now AND i.state IN `+unsentStates+` ORDER BY i.run_at DESC LIMIT 50`, n.ID, now)
	if err != nil || len(due) == 0 {
		return false, err
	}
	over := false
	for _, old := range due[1:] {
		m := move{state: StateSkipped, why: WhyOvertaken, reason: "the time of the next issue came before it could go out", tryAt: now}
		switch {
		case old.ReasonCode == "" && (old.State == StateReady || old.State == StatePreparing):
			m.why, m.reason = WhyDown, "the service was not running at "+local(n, old.RunAt)+", when it was due, nor until the next run came"
		case old.Reason != "":
			m.reason += ": " + old.Reason
		}
		if err := s.move(ctx, old, m); err != nil {
			return over, err
		}
		over = over || old.ID == i.ID
	}
	return over, nil
}

// send starts the campaign of an issue, after its content was gathered once more.
func (s *Service) send(ctx context.Context, n Newsletter, i Issue) error {
	waits, err := s.waits(ctx, n, i)
	if err != nil || waits {
		return err
	}
	old := ""
	if n.Source.Kind != SourceDraft && !i.frozen() {
		r, err := s.gather(ctx, n, i)
		if err != nil || r.stopped {
			return err
		}
		old = r.old
	}
	why, reason := "", ""
	if late := s.d.Now().Sub(i.RunAt); late > Grace && !i.SendNow {
		why, reason = WhyLate, fmt.Sprintf("it was due at %s and goes out %s late", local(n, i.RunAt), late.Round(time.Minute))
	}
	if old != "" {
		why, reason = WhyOldCopy, join(reason, old)
	}
	_, err = s.d.Campaigns.StartAlso(ctx, *i.CampaignID, func(tx pgx.Tx) error {
		return sentTx(ctx, tx, i.ID, why, reason, `state = 'ready' OR state = 'held' AND reason_code = 'cannot_start'`, s.d.Now())
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	return s.cannotStart(ctx, i, err)
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// cannotStart keeps an issue that its campaign keeps back, and says why. It is tried again until it is too late. Whoever changed the issue meanwhile has the last word.
func (s *Service) cannotStart(ctx context.Context, i Issue, cause error) error {
	s.d.Logger.Warn("an issue of a newsletter could not start", "issue", i.ID, "error", cause)
	return s.move(ctx, i, move{state: StateHeld, why: WhyCannotStart, reason: words(cause), tryAt: s.d.Now().Add(retryEvery)})
}

// waits lets an issue wait while another one of its newsletter is being sent.
func (s *Service) waits(ctx context.Context, n Newsletter, i Issue) (bool, error) {
	sending, err := issues(ctx, s.d.Pool, `WHERE i.newsletter_id = $1 AND i.state = 'sending' ORDER BY i.id LIMIT 1`, n.ID)
	if err != nil || len(sending) == 0 {
		return false, err
	}
	reason := fmt.Sprintf("the issue of %s is still being sent", sending[0].Date)
	return true, s.move(ctx, i, move{state: i.State, why: WhyWaits, reason: reason, tryAt: s.d.Now().Add(time.Minute)})
}

// follow takes over what happened to campaigns: their end, and what people did to them on their own pages.
func (s *Service) follow(ctx context.Context) error {
	now := s.d.Now()
	started, err := issues(ctx, s.d.Pool, `JOIN campaigns c ON c.id = i.campaign_id WHERE c.status IN ('running', 'paused', 'finished', 'cancelled') AND c.started_at IS NOT NULL
		AND i.state NOT IN ('sending', 'sent') ORDER BY i.id LIMIT $1`, mostOnce)
	if err != nil {
		return err
	}
	for _, i := range started {
		err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
			return sentTx(ctx, tx, i.ID, WhyByHand, "somebody started its campaign", `state NOT IN ('sending', 'sent')`, now)
		})
		if err != nil {
			return err
		}
	}
	if err := s.followEnds(ctx, now); err != nil {
		return err
	}
	return exec(ctx, s.d.Pool, `
		WITH gone AS (
			UPDATE newsletter_issues SET state = 'preparing', edited = false, approved_by = NULL, written_at = NULL, send_now = false, reason_code = '', reason = '', try_at = $1, updated_at = $1
			WHERE campaign_id IS NULL AND state IN ('draft', 'awaiting_approval', 'ready') RETURNING id)
		INSERT INTO newsletter_log (issue_id, at, action, note) SELECT id, $1, 'preparing', 'its campaign was deleted' FROM gone`, now)
}

func (s *Service) followEnds(ctx context.Context, now time.Time) error {
	return exec(ctx, s.d.Pool, `
		WITH over AS (
			UPDATE newsletter_issues i SET state = 'sent', updated_at = $1,
				reason_code = CASE WHEN x.status = 'cancelled' THEN 'cancelled' ELSE i.reason_code END, reason = CASE WHEN x.status = 'cancelled' THEN 'its campaign was cancelled before its end' ELSE i.reason END
			FROM (SELECT j.id, c.status FROM newsletter_issues j LEFT JOIN campaigns c ON c.id = j.campaign_id
				WHERE j.state = 'sending' AND (c.id IS NULL OR c.status IN ('finished', 'cancelled')) FOR UPDATE OF j SKIP LOCKED) x
			WHERE i.id = x.id RETURNING i.id, i.reason_code, i.reason)
		INSERT INTO newsletter_log (issue_id, at, action, note) SELECT id, $1, 'sent', CASE WHEN reason_code = 'cancelled' THEN reason ELSE '' END FROM over`, now)
}

// pollDue asks the sources that are due.
func (s *Service) pollDue(ctx context.Context) error {
	if s.d.Fetch == nil {
		return nil
	}
	return again(func() (bool, error) {
		var id int64
		// The row is marked before anything is asked, so that no other process asks as well, and a source that kills us is not asked again at once.
		err := s.d.Pool.QueryRow(ctx, `
			UPDATE newsletters SET fetch_at = $2 WHERE id = (
				SELECT id FROM newsletters WHERE status = 'active' AND definition -> 'source' ->> 'kind' <> 'draft' AND COALESCE(fetch_at, $1) <= $1 ORDER BY fetch_at LIMIT 1 FOR UPDATE SKIP LOCKED)
			RETURNING id`, s.d.Now(), s.d.Now().Add(pollEvery)).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("looking for sources that are due: %w", err)
		}
		n, err := s.Get(ctx, id)
		if err != nil {
			return false, err
		}
		var failed *sourceError
		if _, err := s.refetch(ctx, n, pollEvery/2); err != nil && !errors.As(err, &failed) {
			return false, err
		}
		return false, nil
	})
}

// remindDue reminds of issues that wait for a person. A reminder is marked before it is sent, so that none comes twice.
func (s *Service) remindDue(ctx context.Context) error {
	waiting, err := issues(ctx, s.d.Pool, `JOIN newsletters n ON n.id = i.newsletter_id WHERE i.state IN ('draft', 'awaiting_approval')
		AND i.reminded < jsonb_array_length(n.definition -> 'rules' -> 'reminder_hours') AND n.status <> 'draft' ORDER BY i.deadline LIMIT $1`, mostOnce)
	if err != nil {
		return err
	}
	for _, i := range waiting {
		n, err := s.Get(ctx, i.NewsletterID)
		if err != nil {
			return err
		}
		now, due := s.d.Now(), i.Reminded
		for k, h := range n.Rules.ReminderHours {
			if !now.Before(i.Deadline.Add(-time.Duration(h) * time.Hour)) {
				due = max(due, k+1)
			}
		}
		if due == i.Reminded || len(n.Rules.RemindTo) == 0 || now.After(i.LateUntil) {
			continue
		}
		tag, err := s.d.Pool.Exec(ctx, `UPDATE newsletter_issues SET reminded = $3 WHERE id = $1 AND reminded = $2 AND state IN ('draft', 'awaiting_approval')`, i.ID, i.Reminded, due)
		if err != nil {
			return fmt.Errorf("marking a reminder: %w", err)
		}
		if tag.RowsAffected() == 1 {
			if err := s.remind(ctx, n, i); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) remind(ctx context.Context, n Newsletter, i Issue) error {
	what := "approved"
	if i.State == StateDraft {
		what = "finished"
	}
	subject := fmt.Sprintf("%s: the issue of %s waits to be %s", n.Name, i.Date, what)
	text := fmt.Sprintf("The issue of %s of the newsletter %q has not been %s.\n\nIt must be %s by %s, and goes out at %s (%s).\nWithout that it can go out until %s, and is skipped then.\n",
		i.Date, n.Name, what, what, local(n, i.Deadline), local(n, i.RunAt), n.Schedule.Zone, local(n, i.LateUntil))
	results, err := s.d.Campaigns.SendNotice(ctx, campaigns.Notice{
		To: n.Rules.RemindTo, Subject: subject, Text: text, FromName: n.Mailing.FromName, FromEmail: n.Mailing.FromEmail, RelayIDs: n.RelayIDs})
	note := ""
	for _, r := range results {
		if !r.OK {
			note = join(note, r.To+": "+r.Reply)
		}
	}
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		note = words(err)
	}
	action := "reminded"
	if note != "" {
		action = "reminder_failed"
	}
	return logTx(ctx, s.d.Pool, i.ID, s.d.Now(), action, note, "")
}
