package newsletters

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns/schedule"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

type issueRow struct {
	ID, NewsletterID int64
	LocalDate        time.Time
	Number           int
	State            State
	ReasonCode       string
	Reason           string
	RunAt            time.Time
	LateUntil        time.Time
	Deadline         time.Time
	CampaignID       *int64
	Edited           bool
	WrittenAt        *time.Time
	ApprovedBy       *string
	SendNow          bool
	TryAt            time.Time
	Reminded         int
	StartedAt        *time.Time
	CreatedAt        time.Time
	UpdatedAt        time.Time
	Version          int64
	Stale            bool
}

const issueColumns = ` i.id, i.newsletter_id, i.local_date, i.number, i.state, i.reason_code, i.reason, i.run_at, i.late_until, i.deadline, i.campaign_id, i.edited, i.written_at,
	i.approved_by, i.send_now, i.try_at, i.reminded, i.started_at, i.created_at, i.updated_at, i.version, i.stale `

// unsentStates are those of an issue that can still go out.
const unsentStates = `('preparing', 'draft', 'awaiting_approval', 'ready', 'held')`

func (r issueRow) issue() Issue {
	return Issue{
		ID: r.ID, NewsletterID: r.NewsletterID, Date: schedule.DateOf(r.LocalDate), Number: r.Number, State: r.State, ReasonCode: r.ReasonCode, Reason: r.Reason, RunAt: r.RunAt,
		LateUntil: r.LateUntil, Deadline: r.Deadline, CampaignID: r.CampaignID, Edited: r.Edited, WrittenAt: r.WrittenAt, ApprovedBy: r.ApprovedBy, SendNow: r.SendNow,
		TryAt: r.TryAt, Reminded: r.Reminded, StartedAt: r.StartedAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, Version: r.Version, Stale: r.Stale,
	}
}

func issues(ctx context.Context, db pg.DB, where string, args ...any) ([]Issue, error) {
	rows, err := pg.Many[issueRow](ctx, db, "issues", `SELECT `+issueColumns+` FROM newsletter_issues i `+where, args...)
	if err != nil {
		return nil, err
	}
	is := make([]Issue, len(rows))
	for i, r := range rows {
		is[i] = r.issue()
	}
	return is, nil
}

func getIssue(ctx context.Context, db pg.DB, id int64, lock string) (Issue, error) {
	r, err := pg.One[issueRow](ctx, db, fmt.Sprintf("issue %d", id), `SELECT `+issueColumns+` FROM newsletter_issues i WHERE i.id = $1 `+lock, id)
	return r.issue(), err
}

// insertIssue makes the issue of a run, as preparing or skipped. One that was skipped only because the schedule did not want it is taken up again; any other stays as it is.
func insertIssue(ctx context.Context, tx pgx.Tx, n Newsletter, run schedule.Run, state State, why, reason string, now time.Time) error {
	late, deadline := n.times(run.At)
	var id int64
	err := tx.QueryRow(ctx, `
		INSERT INTO newsletter_issues AS i (newsletter_id, local_date, number, state, reason_code, reason, run_at, late_until, deadline, try_at, created_at, updated_at)
		VALUES ($1, $2, 0, $3, $4, $5, $6, $7, $8, $9, $9, $9)
		ON CONFLICT (newsletter_id, local_date) DO UPDATE SET state = EXCLUDED.state, reason_code = EXCLUDED.reason_code, reason = EXCLUDED.reason, run_at = EXCLUDED.run_at,
			late_until = EXCLUDED.late_until, deadline = EXCLUDED.deadline, try_at = EXCLUDED.try_at, updated_at = EXCLUDED.updated_at, version = i.version + 1, stale = true
			WHERE i.state = 'skipped' AND i.reason_code IN ('rescheduled', 'paused')
		RETURNING i.id`, n.ID, run.Date.String(), state, why, reason, run.At, late, deadline, now).Scan(&id)
	if err == pgx.ErrNoRows {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making the issue of %s: %w", run.Date, err)
	}
	return logTx(ctx, tx, id, now, string(state), reason, "")
}

// times are those that follow from the time of a run: until when it may go out late, and by when a person must be done.
func (n Newsletter) times(at time.Time) (late, deadline time.Time) {
	return at.Add(max(Grace, time.Duration(n.Rules.LateHours)*time.Hour)), at.Add(-time.Duration(n.Rules.DeadlineMinutes) * time.Minute)
}

func logTx(ctx context.Context, db pg.DB, issueID int64, at time.Time, action, note, by string) error {
	return exec(ctx, db, `INSERT INTO newsletter_log (issue_id, at, action, note, by) VALUES ($1, $2, $3, $4, $5)`, issueID, at, action, note, by)
}

// move is a change of where an issue stands.
type move struct {
	state       State
	why, reason string
	tryAt       time.Time
	by          string
	action      string // "" says the state
}

// moveTx moves an issue that stands as it was seen, and notes that in its log unless nothing but the time of the next try is new. ok is false when it was changed meanwhile.
func moveTx(ctx context.Context, db pg.DB, seen Issue, m move, now time.Time) (ok bool, err error) {
	if last := later(seen.LateUntil, now); last.Before(m.tryAt) && !(m.state == StateHeld && m.why == WhyHeld) {
		m.tryAt = last
	}
	tag, err := db.Exec(ctx, `
		UPDATE newsletter_issues SET state = $5, reason_code = $6, reason = $7, try_at = $8, busy_until = NULL, updated_at = $9, version = version + 1, stale = stale OR $5 = 'preparing'
		WHERE id = $1 AND version = $2 AND state = $3 AND reason_code = $4`, seen.ID, seen.Version, seen.State, seen.ReasonCode, m.state, m.why, m.reason, m.tryAt, now)
	if err != nil {
		return false, fmt.Errorf("moving issue %d: %w", seen.ID, err)
	}
	if tag.RowsAffected() == 0 || m.state == seen.State && m.why == seen.ReasonCode && m.reason == seen.Reason {
		return tag.RowsAffected() == 1, nil
	}
	action := m.action
	if action == "" {
		action = string(m.state)
	}
	return true, logTx(ctx, db, seen.ID, now, action, m.reason, m.by)
}

// anewTx has the content of issues gathered anew. One that a person holds stays held.
func anewTx(ctx context.Context, tx pgx.Tx, ids []int64, reason string, now time.Time) error {
	return exec(ctx, tx, `
		UPDATE newsletter_issues i SET stale = true, version = version + 1, busy_until = NULL, try_at = $3, updated_at = $3,
			state = CASE WHEN h.held THEN state ELSE 'preparing' END, reason_code = CASE WHEN h.held THEN reason_code ELSE '' END, reason = CASE WHEN h.held THEN reason ELSE $2 END
		FROM (SELECT id, state = 'held' AND reason_code = 'held' AS held FROM newsletter_issues WHERE id = ANY ($1)) h WHERE i.id = h.id`, ids, reason, now)
}

// later is a little after a time: that at which it is certain to have passed. Of a time that is long past it is soon.
func later(t, now time.Time) time.Time {
	if t.Before(now) {
		t = now
	}
	return t.Add(time.Second)
}

func issueItems(ctx context.Context, db pg.DB, id int64) ([]Item, error) {
	rows, err := db.Query(ctx, `
		SELECT x.item FROM newsletter_issue_items ii JOIN newsletter_issues i ON i.id = ii.issue_id JOIN newsletter_items x ON x.newsletter_id = i.newsletter_id AND x.key = ii.key
		WHERE ii.issue_id = $1 ORDER BY ii.position`, id)
	if err != nil {
		return nil, fmt.Errorf("reading the items of issue %d: %w", id, err)
	}
	return collectItems(rows)
}

func collectItems(rows pgx.Rows) ([]Item, error) {
	raw, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("reading items: %w", err)
	}
	items := make([]Item, len(raw))
	for i, b := range raw {
		if err := json.Unmarshal(b, &items[i]); err != nil {
			return nil, fmt.Errorf("reading items: %w", err)
		}
	}
	return items, nil
}

// reserving is when an issue i keeps its items, though the issue of number $2 could have them: it goes out before, or its content is a person's.
const reserving = `(i.edited OR i.approved_by IS NOT NULL OR i.run_at < (SELECT run_at FROM newsletter_issues WHERE id = $2)
	OR EXISTS (SELECT FROM campaigns c WHERE c.id = i.campaign_id AND c.updated_at <> i.written_at))`

// newItems gives what has not been sent, newest first, but for what another issue keeps that can still go out.
func newItems(ctx context.Context, db pg.DB, newsletterID, issueID int64, limit int) ([]Item, error) {
	rows, err := db.Query(ctx, `
		SELECT x.item FROM newsletter_items x
		WHERE x.newsletter_id = $1 AND x.sent_at IS NULL AND NOT x.old AND NOT EXISTS (
			SELECT FROM newsletter_issue_items ii JOIN newsletter_issues i ON i.id = ii.issue_id
			WHERE ii.key = x.key AND i.newsletter_id = $1 AND i.id <> $2 AND i.state IN `+unsentStates+` AND `+reserving+`)
		ORDER BY COALESCE(x.published_at, x.seen_at) DESC, x.seen_at DESC, x.position, x.key LIMIT $3`, newsletterID, issueID, limit)
	if err != nil {
		return nil, fmt.Errorf("looking for new items of newsletter %d: %w", newsletterID, err)
	}
	return collectItems(rows)
}

// errTaken says that an item which was free when it was looked for is not free any more.
var errTaken = errors.New("an item went to another issue meanwhile")

// withOneOf are the issues i of newsletter $1 that can still go out, but for number $2, which have an item with one of the keys $3.
const withOneOf = `i.newsletter_id = $1 AND i.id <> $2 AND i.state IN ` + unsentStates + `
	AND EXISTS (SELECT FROM newsletter_issue_items ii WHERE ii.issue_id = i.id AND ii.key = ANY ($3))`

// takeItemsTx gives items to an issue. Those that lie in later issues which do not keep them are taken from there, and these are gathered anew. Items of a newsletter are given
// one after the other, so that none is given twice. The lock for that is not the newsletter, since who holds that may wait for an issue.
func takeItemsTx(ctx context.Context, tx pgx.Tx, to Issue, items []Item, now time.Time) error {
	keys := make([][]byte, len(items))
	for i, x := range items {
		keys[i] = x.key()
	}
	if len(keys) > 0 {
		if err := freeTx(ctx, tx, to, keys, now); err != nil {
			return err
		}
	}
	if err := exec(ctx, tx, `DELETE FROM newsletter_issue_items WHERE issue_id = $1`, to.ID); err != nil {
		return err
	}
	return exec(ctx, tx, `
		INSERT INTO newsletter_issue_items (issue_id, key, position) SELECT $1, k, p FROM unnest($2::bytea[]) WITH ORDINALITY AS t (k, p) ON CONFLICT DO NOTHING`, to.ID, keys)
}

// freeTx has the issues gathered anew from which an issue takes items. Error: errTaken when they are not to be had.
func freeTx(ctx context.Context, tx pgx.Tx, to Issue, keys [][]byte, now time.Time) error {
	others, err := issues(ctx, tx, `WHERE `+withOneOf+` ORDER BY i.id FOR UPDATE OF i`, to.NewsletterID, to.ID, keys)
	if err != nil {
		return err
	}
	if err := exec(ctx, tx, `SELECT pg_advisory_xact_lock(hashtextextended('postrider newsletter items', $1))`, to.NewsletterID); err != nil {
		return err
	}
	ids := make([]int64, len(others))
	for i, o := range others {
		ids[i] = o.ID
	}
	var taken bool
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM newsletter_items x WHERE x.newsletter_id = $1 AND x.key = ANY ($3) AND x.sent_at IS NOT NULL)
		OR EXISTS (SELECT FROM newsletter_issues i WHERE `+withOneOf+` AND (i.id <> ALL ($4) OR `+reserving+`))`, to.NewsletterID, to.ID, keys, ids).Scan(&taken)
	if err != nil {
		return fmt.Errorf("looking at the items of issue %d: %w", to.ID, err)
	}
	if taken {
		return errTaken
	}
	reason := fmt.Sprintf("items of it go out with the issue of %s", to.Date)
	for _, id := range ids {
		if err := logTx(ctx, tx, id, now, string(StatePreparing), reason, ""); err != nil {
			return err
		}
	}
	return anewTx(ctx, tx, ids, reason, now)
}

// wentOut reports whether an item of an issue has been sent.
func wentOut(ctx context.Context, db pg.DB, i Issue) (sent bool, err error) {
	err = db.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM newsletter_issue_items ii JOIN newsletter_items x ON x.newsletter_id = $2 AND x.key = ii.key WHERE ii.issue_id = $1 AND x.sent_at IS NOT NULL)`, i.ID, i.NewsletterID).Scan(&sent)
	if err != nil {
		return false, fmt.Errorf("looking at the items of issue %d: %w", i.ID, err)
	}
	return sent, nil
}

// sentTx marks an issue as being sent, with its items. It is the one place that does. only says from which standing; anywhere else it is a conflict.
func sentTx(ctx context.Context, tx pgx.Tx, id int64, why, reason, only string, now time.Time) error {
	tag, err := tx.Exec(ctx, `
		UPDATE newsletter_issues SET state = 'sending', reason_code = $2, reason = $3, started_at = $4, busy_until = NULL, updated_at = $4, version = version + 1 WHERE id = $1 AND (`+only+`)`, id, why, reason, now)
	if err != nil {
		return fmt.Errorf("starting issue %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.Conflict, "issue %d was changed while it was being started; it is looked at again", id)
	}
	err = exec(ctx, tx, `
		UPDATE newsletter_items x SET sent_in = $1, sent_at = $2 FROM newsletter_issue_items ii, newsletter_issues i
		WHERE ii.issue_id = $1 AND i.id = $1 AND x.newsletter_id = i.newsletter_id AND x.key = ii.key AND x.sent_at IS NULL`, id, now)
	if err != nil {
		return err
	}
	return logTx(ctx, tx, id, now, "sending", reason, "")
}

// ingestTx takes what a feed held, newest first. Items that were sent stay as they were sent. With baseline, all but the newest few are old.
func ingestTx(ctx context.Context, tx pgx.Tx, n Newsletter, items []Item, baseline bool, now time.Time) error {
	seen := map[string]bool{}
	var keys [][]byte
	var bodies []string
	var published []*time.Time
	var old []bool
	for _, x := range items {
		if seen[string(x.key())] {
			continue
		}
		seen[string(x.key())] = true
		b, err := json.Marshal(x)
		if err != nil {
			return fmt.Errorf("taking an item: %w", err)
		}
		var at *time.Time
		if dated := x.dated(); !dated.IsZero() {
			at = &dated
		}
		old = append(old, baseline && len(keys) >= n.Rules.FirstItems)
		keys, bodies, published = append(keys, x.key()), append(bodies, string(b)), append(published, at)
	}
	if len(keys) == 0 {
		return nil
	}
	return exec(ctx, tx, `
		INSERT INTO newsletter_items AS x (newsletter_id, key, item, published_at, seen_at, old, position)
		SELECT $1, t.key, t.item::jsonb, t.published, $6, t.old, t.position
		FROM unnest($2::bytea[], $3::text[], $4::timestamptz[], $5::bool[]) WITH ORDINALITY AS t (key, item, published, old, position) ORDER BY t.key
		ON CONFLICT (newsletter_id, key) DO UPDATE SET item = EXCLUDED.item, published_at = EXCLUDED.published_at WHERE x.sent_at IS NULL AND x.item <> EXCLUDED.item`,
		n.ID, keys, bodies, published, old, now)
}
