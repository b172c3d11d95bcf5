package newsletters

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns"
	"postrider/campaigns/schedule"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// resumeDue lets newsletters go on whose pause has ended, and ends those of which nothing is left to go out.
func (s *Service) resumeDue(ctx context.Context) error {
	err := exec(ctx, s.d.Pool, `UPDATE newsletters SET status = 'active', resumes_at = NULL, pause_note = NULL, updated_at = $1 WHERE status = 'paused' AND resumes_at <= $1`, s.d.Now())
	if err != nil {
		return err
	}
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		const over = `n.status = 'active' AND n.next_run_at IS NULL AND NOT EXISTS (SELECT FROM newsletter_issues i WHERE i.newsletter_id = n.id AND i.state IN ` + unsentStates + `)`
		rows, err := tx.Query(ctx, `SELECT n.id FROM newsletters n WHERE `+over+` ORDER BY n.id LIMIT $1 FOR UPDATE OF n SKIP LOCKED`, mostOnce)
		if err != nil {
			return fmt.Errorf("looking for newsletters that have ended: %w", err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil || len(ids) == 0 {
			return err
		}
		// Once more, now that nobody can give them an issue: what was read together with the lock may be from before.
		return exec(ctx, tx, `UPDATE newsletters n SET status = 'ended' WHERE n.id = ANY ($1) AND `+over, ids)
	})
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

// nextIssue takes an issue that is to be looked at. When the work on it fails it is left to its lease.
func (s *Service) nextIssue(ctx context.Context, b busy) (job, bool, error) {
	c, err := s.claim(ctx, b)
	if err != nil {
		return job{}, false, ignore(err, pgx.ErrNoRows)
	}
	i := c.issue()
	return job{newsletter: i.NewsletterID, host: c.Host, do: func(ctx context.Context) error {
		n, err := s.Get(ctx, i.NewsletterID)
		if err == nil {
			err = s.work(ctx, n, i)
		}
		if err != nil {
			return fmt.Errorf("issue %d: %w", i.ID, err)
		}
		return nil
	}}, true, nil
}

func ignore(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

// sourceHost is the host that a newsletter n asks for its content, "" when it asks none.
const sourceHost = `lower(COALESCE(substring(n.definition -> 'source' ->> 'url' from '//([^/?#]*)'), ''))`

// claimed is an issue with the host that must be asked for it, "" when its content is a person's.
type claimed struct {
	issueRow
	Host string
}

// claim takes an issue for this process. A lease that ends further ahead than any can is from before the clock was set back.
func (s *Service) claim(ctx context.Context, b busy) (claimed, error) {
	now := s.d.Now()
	rows, err := s.d.Pool.Query(ctx, `
		WITH due AS (
			SELECT x.id, h.host FROM newsletter_issues x JOIN newsletters n ON n.id = x.newsletter_id,
				LATERAL (SELECT CASE WHEN x.edited OR x.approved_by IS NOT NULL THEN '' ELSE `+sourceHost+` END AS host) h
			WHERE x.state IN `+unsentStates+` AND (x.stale OR NOT (x.state = 'held' AND x.reason_code = 'held')) AND x.try_at <= $1 AND n.status <> 'draft'
				AND (x.busy_until IS NULL OR x.busy_until <= $1 OR x.busy_until > $2) AND NOT n.id = ANY($3::bigint[]) AND NOT h.host = ANY($4::text[])
			ORDER BY x.run_at, x.id LIMIT 1 FOR UPDATE OF x SKIP LOCKED)
		UPDATE newsletter_issues AS i SET busy_until = $2 FROM due WHERE i.id = due.id
		RETURNING `+issueColumns+`, due.host`, now, now.Add(busyFor), append([]int64{}, b.newsletters...), append([]string{}, b.hosts...))
	if err != nil {
		return claimed{}, fmt.Errorf("looking for issues that are due: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[claimed])
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return claimed{}, fmt.Errorf("looking for issues that are due: %w", err)
	}
	return c, err
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
	switch {
	case i.isHeld(): // only to be prepared anew
		return s.prepare(ctx, n, i)
	case i.SendNow && now.After(i.LateUntil):
		return s.giveUp(ctx, n, i)
	case !i.SendNow:
		if over, err := s.overtaken(ctx, n, i); err != nil || over {
			return err
		}
		if now.After(i.LateUntil) {
			return s.tooLate(ctx, n, i)
		}
	}
	switch {
	case i.toPrepare():
		return s.prepare(ctx, n, i)
	case now.Before(i.RunAt) && !i.SendNow:
		return s.move(ctx, i, move{state: i.State, why: i.ReasonCode, reason: i.Reason, tryAt: i.RunAt})
	case n.isPaused(now) && !i.SendNow:
		return s.move(ctx, i, move{state: i.State, why: WhyPaused, reason: "its time has come, and the newsletter is paused", tryAt: now.Add(retryEvery)})
	case i.State == StateDraft:
		return s.move(ctx, i, move{state: i.State, why: WhyNotReady, reason: "its time has come, and nobody has said that the draft is finished", tryAt: i.LateUntil.Add(time.Second)})
	case i.State == StateAwaiting:
		return s.move(ctx, i, move{state: i.State, why: WhyNotReady, reason: "its time has come, and nobody has approved it", tryAt: i.LateUntil.Add(time.Second)})
	}
	return s.send(ctx, n, i)
}

// giveUp holds an issue that a person wanted to go out at once, and that could not for so long that nobody expects it any more.
func (s *Service) giveUp(ctx context.Context, n Newsletter, i Issue) error {
	reason := "it was to go out at once, and could not go out until " + local(n, i.LateUntil)
	if i.Reason != "" {
		reason += ": " + i.Reason
	}
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		ok, err := moveTx(ctx, tx, i, move{state: StateHeld, why: WhyHeld, reason: reason, tryAt: i.LateUntil}, s.d.Now())
		if err != nil || !ok {
			return err
		}
		return exec(ctx, tx, `UPDATE newsletter_issues SET send_now = false WHERE id = $1`, i.ID)
	})
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
		m.why, m.reason = WhyDown, unseen(n, i)
	default:
		m.reason = i.Reason
	}
	m.reason = fmt.Sprintf("%s; it could go out until %s", m.reason, local(n, i.LateUntil))
	return s.move(ctx, i, m)
}

// unseen says that nobody got to an issue. That has two causes, which cannot be told apart afterwards.
func unseen(n Newsletter, i Issue) string {
	return "it was due at " + local(n, i.RunAt) + ", and was not looked at in time (the service was not running, or had too much to do)"
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
			m.why, m.reason = WhyDown, unseen(n, old)+"; then the next run came"
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
	_, err = s.d.Campaigns.StartAlso(ctx, *i.CampaignID, func(tx pgx.Tx, was campaigns.Campaign) error {
		if err := s.lookTx(ctx, tx, n, i, was); err != nil {
			return err
		}
		return sentTx(ctx, tx, i.ID, why, reason, `state = 'ready' OR state = 'held' AND reason_code = 'cannot_start'`, s.d.Now())
	})
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, errChanged):
		return nil // it is looked at again as it is now
	case errors.Is(err, errUnseen):
		return s.withdraw(ctx, i.ID)
	case errors.Is(err, errTaken):
		return s.takenFrom(ctx, i)
	}
	return s.cannotStart(ctx, i, err)
}

// errUnseen says that an issue was approved with other content than it has.
var errUnseen = errors.New("the content of the issue was changed after it was approved")

// lookTx looks once more at an issue, when its campaign cannot be changed any more: whether it is what was seen, and what was approved, and whether something of it went out meanwhile.
func (s *Service) lookTx(ctx context.Context, tx pgx.Tx, n Newsletter, seen Issue, was campaigns.Campaign) error {
	i, err := getIssue(ctx, tx, seen.ID, "FOR UPDATE OF i")
	switch {
	case err != nil:
		return err
	case i.Version != seen.Version:
		return errChanged
	case n.unseen(i, was):
		return errUnseen
	case i.Edited:
		return nil // whoever wrote it has seen what is in it
	}
	sent, err := wentOut(ctx, tx, i)
	if err == nil && sent {
		err = errTaken
	}
	return err
}

// takenFrom has an issue gathered anew of which something went out in another one.
func (s *Service) takenFrom(ctx context.Context, i Issue) error {
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		ok, err := moveTx(ctx, tx, i, move{state: StatePreparing, reason: "items of it went out in another issue", tryAt: s.d.Now()}, s.d.Now())
		if err != nil || !ok {
			return err
		}
		return exec(ctx, tx, `UPDATE newsletter_issues SET approved_by = NULL, send_now = false WHERE id = $1`, i.ID)
	})
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
	if err := s.followChanges(ctx); err != nil {
		return err
	}
	return exec(ctx, s.d.Pool, `
		WITH gone AS (
			UPDATE newsletter_issues SET state = 'preparing', edited = false, approved_by = NULL, written_at = NULL, send_now = false, reason_code = '', reason = '', try_at = $1, updated_at = $1, version = version + 1
			WHERE campaign_id IS NULL AND state IN ('draft', 'awaiting_approval', 'ready') RETURNING id)
		INSERT INTO newsletter_log (issue_id, at, action, note) SELECT id, $1, 'preparing', 'its campaign was deleted' FROM gone`, now)
}

// followChanges takes back the word for issues whose campaign was changed since it was given, so that there is time for a new one.
func (s *Service) followChanges(ctx context.Context) error {
	changed, err := issues(ctx, s.d.Pool, `JOIN campaigns c ON c.id = i.campaign_id JOIN newsletters n ON n.id = i.newsletter_id WHERE i.approved_by IS NOT NULL AND i.state IN `+unsentStates+`
		AND c.started_at IS NULL AND c.updated_at <> i.written_at AND (n.definition #>> '{source,kind}' = 'draft' OR n.definition #>> '{rules,approval}' = 'true') ORDER BY i.id LIMIT $1`, mostOnce)
	if err != nil {
		return err
	}
	for _, i := range changed {
		if err := s.withdraw(ctx, i.ID); err != nil && !errs.Is(err, errs.Conflict) {
			return err
		}
	}
	return nil
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

// nextPoll takes a source that is to be asked between issues. The row is marked before anything is asked, so that no other process asks as well, and a source that kills us is
// not asked again at once.
func (s *Service) nextPoll(ctx context.Context, b busy) (job, bool, error) {
	if s.d.Fetch == nil {
		return job{}, false, nil
	}
	var id int64
	var j job
	err := s.d.Pool.QueryRow(ctx, `
		UPDATE newsletters n SET fetch_at = $2 WHERE n.id = (
			SELECT n.id FROM newsletters n WHERE n.status = 'active' AND n.definition -> 'source' ->> 'kind' <> 'draft' AND COALESCE(n.fetch_at, $1) <= $1
				AND NOT n.id = ANY($3::bigint[]) AND NOT `+sourceHost+` = ANY($4::text[]) ORDER BY n.fetch_at LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING n.id, `+sourceHost, s.d.Now(), s.d.Now().Add(pollEvery), append([]int64{}, b.newsletters...), append([]string{}, b.hosts...)).Scan(&id, &j.host)
	if errors.Is(err, pgx.ErrNoRows) {
		return j, false, nil
	}
	if err != nil {
		return j, false, fmt.Errorf("looking for sources that are due: %w", err)
	}
	j.do = func(ctx context.Context) error {
		n, err := s.Get(ctx, id)
		if err != nil {
			return err
		}
		var failed *sourceError
		if _, err := s.refetch(ctx, n, pollEvery/2); err != nil && !errors.As(err, &failed) {
			return err
		}
		return nil
	}
	return j, true, nil
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
