package newsletters

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns/schedule"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

type newsletterRow struct {
	ID                int64
	Name              string
	Status            Status
	Public            bool
	Slug              string
	Definition        []byte
	Skips, Pauses     []byte
	PauseNote         *string
	ResumesAt         *time.Time
	ActivatedAt       *time.Time
	NextRunAt         *time.Time
	NextIssueAt       *time.Time
	FetchedAt         *time.Time
	FetchError        *string
	FailingSince      *time.Time
	CreatedAt         time.Time
	UpdatedAt         time.Time
	ListIDs           []int64 `db:"list_ids"`
	ExcludeListIDs    []int64 `db:"exclude_list_ids"`
	SegmentIDs        []int64 `db:"segment_ids"`
	ExcludeSegmentIDs []int64 `db:"exclude_segment_ids"`
	RelayIDs          []int64 `db:"relay_ids"`
}

const newsletterColumns = `
	n.id, n.name, n.status, n.public, n.slug, n.definition, n.skips, n.pauses, n.pause_note, n.resumes_at, n.activated_at, n.next_run_at, n.fetched_at, n.fetch_error, n.failing_since,
	n.created_at, n.updated_at,
	LEAST(n.next_run_at, (SELECT min(i.run_at) FROM newsletter_issues i WHERE i.newsletter_id = n.id AND i.state IN ('preparing', 'draft', 'awaiting_approval', 'ready', 'held'))) AS next_issue_at,
	ARRAY(SELECT l.list_id FROM newsletter_lists l WHERE l.newsletter_id = n.id AND NOT l.excluded ORDER BY l.list_id) AS list_ids,
	ARRAY(SELECT l.list_id FROM newsletter_lists l WHERE l.newsletter_id = n.id AND l.excluded ORDER BY l.list_id) AS exclude_list_ids,
	ARRAY(SELECT l.segment_id FROM newsletter_segments l WHERE l.newsletter_id = n.id AND NOT l.excluded ORDER BY l.segment_id) AS segment_ids,
	ARRAY(SELECT l.segment_id FROM newsletter_segments l WHERE l.newsletter_id = n.id AND l.excluded ORDER BY l.segment_id) AS exclude_segment_ids,
	ARRAY(SELECT r.relay_id FROM newsletter_relays r WHERE r.newsletter_id = n.id ORDER BY r.position) AS relay_ids`

func (r newsletterRow) newsletter() (Newsletter, error) {
	n := Newsletter{
		ID: r.ID, Status: r.Status, PauseNote: r.PauseNote, ResumesAt: r.ResumesAt, ActivatedAt: r.ActivatedAt, NextRunAt: r.NextRunAt, NextIssueAt: r.NextIssueAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		Feed: FeedState{FetchedAt: r.FetchedAt, Error: r.FetchError, FailingSince: r.FailingSince},
		Input: Input{
			Name: r.Name, Public: r.Public, Slug: r.Slug, RelayIDs: r.RelayIDs,
			Audience: Audience{ListIDs: r.ListIDs, SegmentIDs: r.SegmentIDs, ExcludeSegmentIDs: r.ExcludeSegmentIDs, ExcludeListIDs: r.ExcludeListIDs},
		},
	}
	for _, part := range []struct {
		from []byte
		into any
	}{{r.Definition, &n.Definition}, {r.Skips, &n.Skips}, {r.Pauses, &n.Pauses}} {
		if err := json.Unmarshal(part.from, part.into); err != nil {
			return n, fmt.Errorf("reading newsletter %d: %w", r.ID, err)
		}
	}
	return n, nil
}

func getNewsletter(ctx context.Context, db pg.DB, id int64) (Newsletter, error) {
	row, err := pg.One[newsletterRow](ctx, db, fmt.Sprintf("newsletter %d", id), `SELECT `+newsletterColumns+` FROM newsletters n WHERE n.id = $1`, id)
	if err != nil {
		return Newsletter{}, err
	}
	return row.newsletter()
}

// lockNewsletter locks a newsletter and reads it by a statement of its own: what one that waits for a lock reads of other tables is from before it waited.
func lockNewsletter(ctx context.Context, tx pgx.Tx, id int64) (Newsletter, error) {
	if err := exec(ctx, tx, `SELECT FROM newsletters WHERE id = $1 FOR UPDATE`, id); err != nil {
		return Newsletter{}, err
	}
	return getNewsletter(ctx, tx, id)
}

func listNewsletters(ctx context.Context, db pg.DB, status Status, afterName string, afterID int64, limit int) ([]Newsletter, error) {
	rows, err := pg.Many[newsletterRow](ctx, db, "newsletters", `
		SELECT `+newsletterColumns+` FROM newsletters n WHERE ($1 = '' OR n.status = $1) AND (lower(n.name), n.id) > ($2, $3) ORDER BY lower(n.name), n.id LIMIT $4`,
		status, strings.ToLower(afterName), afterID, limit)
	if err != nil {
		return nil, err
	}
	ns := make([]Newsletter, len(rows))
	for i, r := range rows {
		if ns[i], err = r.newsletter(); err != nil {
			return nil, err
		}
	}
	return ns, nil
}

func saveNewsletter(ctx context.Context, tx pgx.Tx, id int64, in Input, now time.Time) (int64, error) {
	definition, err := json.Marshal(in.Definition)
	if err != nil {
		return 0, fmt.Errorf("writing a newsletter: %w", err)
	}
	if id == 0 && in.Slug == "" {
		if in.Slug, err = freeSlug(ctx, tx, in.Name); err != nil {
			return 0, err
		}
	}
	if in.Slug != "" {
		if err := slugTaken(ctx, tx, in.Slug, id); err != nil {
			return 0, err
		}
	}
	if id == 0 {
		err = tx.QueryRow(ctx, `INSERT INTO newsletters (name, public, slug, definition, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5) RETURNING id`,
			in.Name, in.Public, in.Slug, definition, now).Scan(&id)
	} else {
		_, err = tx.Exec(ctx, `UPDATE newsletters SET name = $2, public = $3, definition = $4, updated_at = $5, slug = COALESCE(NULLIF($6, ''), slug) WHERE id = $1`,
			id, in.Name, in.Public, definition, now, in.Slug)
	}
	if err != nil {
		return 0, violation(err, in)
	}
	return id, saveChoices(ctx, tx, id, in)
}

func saveChoices(ctx context.Context, tx pgx.Tx, id int64, in Input) error {
	for _, table := range []string{"newsletter_lists", "newsletter_segments", "newsletter_relays"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE newsletter_id = $1`, id); err != nil {
			return fmt.Errorf("writing newsletter %d: %w", id, err)
		}
	}
	for _, c := range []struct {
		sql string
		ids []int64
	}{
		{`INSERT INTO newsletter_lists (newsletter_id, list_id, excluded) SELECT $1, x, false FROM unnest($2::bigint[]) x`, in.ListIDs},
		{`INSERT INTO newsletter_lists (newsletter_id, list_id, excluded) SELECT $1, x, true FROM unnest($2::bigint[]) x`, in.ExcludeListIDs},
		{`INSERT INTO newsletter_segments (newsletter_id, segment_id, excluded) SELECT $1, x, false FROM unnest($2::bigint[]) x`, in.SegmentIDs},
		{`INSERT INTO newsletter_segments (newsletter_id, segment_id, excluded) SELECT $1, x, true FROM unnest($2::bigint[]) x`, in.ExcludeSegmentIDs},
		{`INSERT INTO newsletter_relays (newsletter_id, relay_id, position) SELECT $1, x, p FROM unnest($2::bigint[]) WITH ORDINALITY AS t (x, p)`, in.RelayIDs},
	} {
		if _, err := tx.Exec(ctx, c.sql, id, c.ids); err != nil {
			return violation(err, in)
		}
	}
	return nil
}

func violation(err error, in Input) error {
	switch v := pg.Violation(err); v {
	case "newsletters_name":
		e := errs.InvalidField("name", "there is a newsletter called %q already", in.Name)
		e.Kind = errs.Conflict
		return e
	case "newsletters_slug":
		e := errs.InvalidField("slug", "another newsletter has the address %q already; choose another one", in.Slug)
		e.Kind = errs.Conflict
		return e
	case "newsletter_lists_list_id_fkey", "newsletter_segments_segment_id_fkey", "newsletter_relays_relay_id_fkey":
		what := strings.TrimSuffix(strings.SplitN(v, "_", 3)[1], "s")
		return errs.InvalidField(what+"_ids", "one of the %ss does not exist; choose among the present ones", what)
	case "newsletter_lists_pkey", "newsletter_segments_pkey", "newsletter_relays_pkey":
		what := strings.TrimSuffix(strings.SplitN(v, "_", 3)[1], "s")
		return errs.InvalidField(what+"_ids", "a %s is named twice; name it once", what)
	}
	return fmt.Errorf("writing a newsletter: %w", err)
}

// savePlanTx keeps what leaves dates out, and the next run after a moment. Without one the newsletter has ended, unless a pause keeps it, or an issue that can still go out. One that
// has ended has no next run.
func savePlanTx(ctx context.Context, tx pgx.Tx, n *Newsletter, after time.Time) error {
	runs, err := n.Plan().Next(after, 1)
	if err != nil {
		return err
	}
	n.NextRunAt = nil
	var prepare *time.Time
	if len(runs) > 0 && n.Status != StatusEnded {
		n.NextRunAt = &runs[0].At
		at := runs[0].At.Add(-n.lead())
		prepare = &at
	} else if n.Status == StatusActive {
		open, err := openIssues(ctx, tx, n.ID, "")
		if err != nil {
			return err
		}
		if len(open) == 0 {
			n.Status = StatusEnded
		}
	}
	skips, err := json.Marshal(append([]schedule.Date{}, n.Skips...))
	if err != nil {
		return fmt.Errorf("writing newsletter %d: %w", n.ID, err)
	}
	pauses, err := json.Marshal(append([]pauseRow{}, pauseRows(n.Pauses)...))
	if err != nil {
		return fmt.Errorf("writing newsletter %d: %w", n.ID, err)
	}
	return exec(ctx, tx, `
		UPDATE newsletters SET status = $2, skips = $3, pauses = $4, pause_note = $5, resumes_at = $6, next_run_at = $7, next_prepare_at = $8, activated_at = $9 WHERE id = $1`,
		n.ID, n.Status, skips, pauses, n.PauseNote, n.ResumesAt, n.NextRunAt, prepare, n.ActivatedAt)
}

// touchTx says that something changed that the public sees.
func touchTx(ctx context.Context, tx pgx.Tx, id int64, now time.Time) error {
	return exec(ctx, tx, `UPDATE newsletters SET updated_at = $2 WHERE id = $1`, id, now)
}

// pauseRow is a pause as it is stored: an open end is left out.
type pauseRow struct {
	From  schedule.Date  `json:"from"`
	Until *schedule.Date `json:"until,omitempty"`
}

func pauseRows(ps []schedule.Pause) []pauseRow {
	rows := make([]pauseRow, len(ps))
	for i, p := range ps {
		rows[i].From = p.From
		if !p.Until.IsZero() {
			rows[i].Until = &p.Until
		}
	}
	return rows
}

func (n Newsletter) lead() time.Duration { return time.Duration(n.Rules.LeadMinutes) * time.Minute }

func exec(ctx context.Context, db pg.DB, sql string, args ...any) error {
	if _, err := db.Exec(ctx, sql, args...); err != nil {
		return fmt.Errorf("writing about newsletters: %w", err)
	}
	return nil
}
