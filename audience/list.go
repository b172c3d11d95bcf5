package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/audience/segment"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// Limits of a list's texts, in characters.
const (
	maxListName        = 200
	maxListDescription = 2000
)

// List is a named set of subscriptions. People on a Public one see it on their preference page.
type List struct {
	ID          int64
	Name        string
	Description string
	Public      bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Counts      ListCounts
	// NoTracking says that mail to this list carries neither pixel nor counted links, to whoever is on it.
	NoTracking bool
	// OptIn says whether people who sign up by a form have to confirm: OptInSingle or OptInDouble.
	OptIn string
	// TimeZone is the IANA zone in which its people are, as far as they do not say otherwise; nil: that of the settings.
	TimeZone *string
}

// ListCounts says how many people are on a list, by status. Suppressed ones are those of Subscribed whose address or domain is suppressed; with more than 5,000 suppressions that
// figure is some minutes old.
type ListCounts struct {
	Subscribed   int64
	Unconfirmed  int64
	Unsubscribed int64
	Suppressed   int64
}

// ListLists gives the lists by name, with their counts and the exact total.
func (s *Service) ListLists(ctx context.Context, q page.Query) (page.Page[List], error) {
	var none page.Page[List]
	after := struct {
		name string
		id   int64
	}{}
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &after.name, &after.id); err != nil {
			return none, err
		}
	}
	rows, err := pg.Many[listRow](ctx, s.pool, "lists", selectLists+`
		WHERE $1 OR (lower(name), id) > ($2, $3) ORDER BY lower(name), id LIMIT $4`, q.Cursor == "", after.name, after.id, q.Size()+1)
	if err != nil {
		return none, err
	}
	p := page.Cut(rows, q, func(l listRow) string { return page.Encode(l.SortKey, l.ID) })
	counts, err := s.countLists(ctx, listIDs(p.Items))
	if err != nil {
		return none, err
	}
	var total int64
	if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM lists`).Scan(&total); err != nil {
		return none, fmt.Errorf("counting lists: %w", err)
	}
	p.Total, p.TotalExact = &total, true
	return page.Map(p, func(l listRow) List { return l.list(counts[l.ID]) }), nil
}

// GetList gives one list with its counts.
func (s *Service) GetList(ctx context.Context, id int64) (List, error) {
	l, err := pg.One[listRow](ctx, s.pool, fmt.Sprintf("list %d", id), selectLists+` WHERE id = $1`, id)
	if err != nil {
		return List{}, err
	}
	counts, err := s.countLists(ctx, []int64{id})
	if err != nil {
		return List{}, err
	}
	return l.list(counts[id]), nil
}

// CreateList makes an empty list. A second one of a name, in any case, is a Conflict.
func (s *Service) CreateList(ctx context.Context, name, description string) (List, error) {
	name, description, err := cleanList(name, description)
	if err != nil {
		return List{}, err
	}
	now := s.clock()
	l := List{Name: name, Description: description, CreatedAt: now, UpdatedAt: now, OptIn: OptInSingle}
	err = s.pool.QueryRow(ctx, `INSERT INTO lists (name, description, created_at, updated_at) VALUES ($1, $2, $3, $3) RETURNING id`,
		name, description, now).Scan(&l.ID)
	if err != nil {
		return List{}, listError(err, name)
	}
	return l, nil
}

// UpdateList renames and describes a list anew.
func (s *Service) UpdateList(ctx context.Context, id int64, name, description string) (List, error) {
	name, description, err := cleanList(name, description)
	if err != nil {
		return List{}, err
	}
	tag, err := s.pool.Exec(ctx, `UPDATE lists SET name = $2, description = $3, updated_at = $4 WHERE id = $1`, id, name, description, s.clock())
	if err != nil {
		return List{}, listError(err, name)
	}
	if tag.RowsAffected() == 0 {
		return List{}, errs.New(errs.NotFound, "there is no list %d", id)
	}
	return s.GetList(ctx, id)
}

// PublishList shows a list to those on it on their preference page, by name and description, or hides it.
func (s *Service) PublishList(ctx context.Context, id int64, public bool) (List, error) {
	tag, err := s.pool.Exec(ctx, `UPDATE lists SET public = $2, updated_at = $3 WHERE id = $1`, id, public, s.clock())
	if err != nil {
		return List{}, fmt.Errorf("publishing list %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return List{}, errs.New(errs.NotFound, "there is no list %d", id)
	}
	return s.GetList(ctx, id)
}

// SetListTracking says whether opens and clicks of mail to a list are counted, and gives the list. It is effective for mail that is queued.
func (s *Service) SetListTracking(ctx context.Context, id int64, allowed bool) (List, error) {
	tag, err := s.pool.Exec(ctx, `UPDATE lists SET no_tracking = NOT $2, updated_at = CASE WHEN no_tracking = $2 THEN $3 ELSE updated_at END WHERE id = $1`, id, allowed, s.clock())
	if err != nil {
		return List{}, fmt.Errorf("changing the tracking of list %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return List{}, errs.New(errs.NotFound, "there is no list %d", id)
	}
	return s.GetList(ctx, id)
}

// CheckListZone looks whether a list may have a time zone.
func CheckListZone(zone string) error {
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		return errs.InvalidField("time_zone", "there is no time zone %q: use a name like Europe/Berlin", zone)
	}
	return nil
}

// SetListZone says in which time zone the people of a list are, as far as they do not say otherwise, and gives the list; "" is that of the settings.
func (s *Service) SetListZone(ctx context.Context, id int64, zone string) (List, error) {
	if err := CheckListZone(zone); err != nil {
		return List{}, err
	}
	tag, err := s.pool.Exec(ctx, `UPDATE lists SET time_zone = NULLIF($2, ''), updated_at = $3 WHERE id = $1`, id, zone, s.clock())
	if err != nil {
		return List{}, fmt.Errorf("changing the time zone of list %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return List{}, errs.New(errs.NotFound, "there is no list %d", id)
	}
	return s.GetList(ctx, id)
}

// DeleteList deletes a list with its subscriptions and imports; the people stay. A list that a scheduled, running or paused campaign goes to, that a campaign leaves out
// which has not ended, or that a segment asks about, is a Conflict that says which.
func (s *Service) DeleteList(ctx context.Context, id int64) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		// The row first: a campaign that takes it at this moment waits, and then finds it gone.
		tag, err := tx.Exec(ctx, `SELECT FROM lists WHERE id = $1 FOR UPDATE`, id)
		if err != nil {
			return fmt.Errorf("deleting list %d: %w", id, err)
		}
		if tag.RowsAffected() == 0 {
			return errs.New(errs.NotFound, "there is no list %d", id)
		}
		if err := listUnused(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM lists WHERE id = $1`, id); err != nil {
			return fmt.Errorf("deleting list %d: %w", id, err)
		}
		return nil
	})
}

func listUnused(ctx context.Context, tx pgx.Tx, id int64) error {
	var campaign, status string
	err := tx.QueryRow(ctx, `
		SELECT c.name, c.status FROM (SELECT list_id, campaign_id, false AS excluded FROM campaign_lists UNION ALL SELECT list_id, campaign_id, true FROM campaign_excluded_lists) l
		JOIN campaigns c ON c.id = l.campaign_id
		WHERE l.list_id = $1 AND (c.status IN ('scheduled', 'running', 'paused') OR c.status = 'draft' AND l.excluded) ORDER BY c.id LIMIT 1`, id).Scan(&campaign, &status)
	if err == nil {
		return errs.New(errs.Conflict, "the campaign %q (%s) goes to this list, or leaves it out: take it out there, or cancel the campaign or wait for its end, and delete the list then",
			campaign, status)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("deleting list %d: %w", id, err)
	}
	err = tx.QueryRow(ctx, `
		SELECT n.name FROM newsletter_lists l JOIN newsletters n ON n.id = l.newsletter_id WHERE l.list_id = $1 AND n.status <> 'ended' ORDER BY n.id LIMIT 1`, id).Scan(&campaign)
	if err == nil {
		return errs.New(errs.Conflict, "the newsletter %q goes to this list, or leaves it out: take it out there, and delete the list then", campaign)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("deleting list %d: %w", id, err)
	}
	rows, err := tx.Query(ctx, `SELECT id FROM imports WHERE list_id = $1`, id)
	if err != nil {
		return fmt.Errorf("deleting list %d: %w", id, err)
	}
	imports, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("deleting list %d: %w", id, err)
	}
	err = namedByNone(ctx, tx, "this list, or an import of it", func(r segment.Ref) bool {
		return r.What == segment.RefList && r.ID == id || r.What == segment.RefImport && slices.Contains(imports, r.ID)
	})
	if err != nil {
		return err
	}
	return NobodyIsChosenTx(ctx, tx, 0)
}

func cleanList(name, description string) (string, string, error) {
	var f errs.Fields
	name = cleanLine(&f, "name", name, maxListName)
	if name == "" && len(f) == 0 {
		f.Add("name", "a list needs a name")
	}
	description = cleanLine(&f, "description", description, maxListDescription)
	return name, description, f.Err("the list is not complete")
}

func listError(err error, name string) error {
	if pg.Violation(err) == "lists_name" {
		e := errs.Because(errs.Conflict, err, "there is a list %q already", name)
		e.Fields = []errs.Field{{Name: "name", Message: "there is a list of this name already"}}
		return e
	}
	return fmt.Errorf("writing list: %w", err)
}

const selectLists = `SELECT id, name, description, public, created_at, updated_at, no_tracking, opt_in, time_zone, lower(name) AS sort_key FROM lists`

type listRow struct {
	ID          int64
	Name        string
	Description string
	Public      bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
	NoTracking  bool
	OptIn       string
	TimeZone    *string
	SortKey     string
}

func (l listRow) list(c ListCounts) List {
	return List{ID: l.ID, Name: l.Name, Description: l.Description, Public: l.Public, CreatedAt: l.CreatedAt.UTC(), UpdatedAt: l.UpdatedAt.UTC(), Counts: c, NoTracking: l.NoTracking,
		OptIn: l.OptIn, TimeZone: l.TimeZone}
}

func listIDs(rows []listRow) []int64 {
	ids := make([]int64, len(rows))
	for i, l := range rows {
		ids[i] = l.ID
	}
	return ids
}

// countLists counts the subscriptions of lists. They are counted already, but for the suppressed ones.
func (s *Service) countLists(ctx context.Context, ids []int64) (map[int64]ListCounts, error) {
	rows, err := s.pool.Query(ctx, `SELECT list_id, sum(subscribed)::bigint, sum(unconfirmed)::bigint, sum(unsubscribed)::bigint FROM list_counts
		WHERE list_id = ANY ($1) GROUP BY list_id`, ids)
	if err != nil {
		return nil, fmt.Errorf("counting subscriptions: %w", err)
	}
	var (
		id     int64
		c      ListCounts
		counts = make(map[int64]ListCounts, len(ids))
	)
	_, err = pgx.ForEachRow(rows, []any{&id, &c.Subscribed, &c.Unconfirmed, &c.Unsubscribed}, func() error { counts[id] = c; return nil })
	if err != nil {
		return nil, fmt.Errorf("counting subscriptions: %w", err)
	}
	suppressed, err := s.countSuppressed(ctx, s.pool, ids)
	if err != nil {
		return nil, err
	}
	for id, c := range counts {
		c.Suppressed = min(suppressed[id], c.Subscribed)
		counts[id] = c
	}
	return counts, nil
}
