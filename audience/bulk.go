package audience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"postrider/audience/segment"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// Actions on many people.
const (
	BulkSubscribe   = "subscribe"
	BulkUnsubscribe = "unsubscribe"
	BulkRemove      = "remove" // from a list
	BulkDelete      = "delete"
	BulkSetField    = "set_field"
	BulkClearField  = "clear_field"
	BulkSuppress    = "suppress"
)

// States of a bulk action.
const (
	BulkQueued    = "queued"
	BulkRunning   = "running"
	BulkDone      = "done"
	BulkFailed    = "failed"
	BulkCancelled = "cancelled"
	BulkUndoing   = "undoing"
	BulkUndone    = "undone"
)

// BulkUndoWindow is how long a bulk action can be taken back. What is needed for that, of deleted people all that they were, is kept as long and then deleted for good.
const BulkUndoWindow = 24 * time.Hour

// maxBulkIDs bounds a selection by hand.
const maxBulkIDs = 10_000

// BulkSelection says whom: the people with IDs, or everybody whom the filter finds when IDs is nil.
type BulkSelection struct {
	IDs    []int64
	Filter SubscriberFilter
}

// BulkOrder is what is to be done. ListID goes with subscribe, unsubscribe and remove, Field and Value with the fields, Note with suppress.
type BulkOrder struct {
	Action string
	ListID int64
	Field  string
	Value  any
	Note   string
}

// BulkPreview says whom an action would be about.
type BulkPreview struct {
	Count  int64
	Sample []Subscriber
}

// bulkParams is a BulkOrder as it is stored.
type bulkParams struct {
	ListID   int64           `json:"list_id,omitempty"`
	ListName string          `json:"list_name,omitempty"`
	Field    string          `json:"field,omitempty"`
	Type     FieldType       `json:"field_type,omitempty"` // of the field then
	Value    json.RawMessage `json:"value,omitempty"`
	Note     string          `json:"note,omitempty"`
}

// BulkSelected is a BulkSelection for people to read: how many were selected by hand, or the filter.
type BulkSelected struct {
	Selected int    `json:"selected,omitempty"`
	Search   string `json:"search,omitempty"`
	ListID   int64  `json:"list_id,omitempty"`
	Status   string `json:"status,omitempty"`
	Field    string `json:"field,omitempty"`
	Value    string `json:"value,omitempty"`
	Segment  string `json:"segment,omitempty"` // what it was called
}

// BulkAction is something that is or was done to many people. Total is the sum of Changed, Unchanged and Skipped when it is done. Skipped are those who were passed
// over, such as people who had left and are not subscribed again; Kept those whom the undoing left as they were, since they had changed or left since.
type BulkAction struct {
	ID         int64
	Action     string
	ListID     int64 // 0 when it is about no list
	ListName   string
	Field      string
	Value      any
	Note       string
	Selection  BulkSelected
	Status     string
	Error      *string
	CreatedBy  string
	Total      int64
	Changed    int64
	Unchanged  int64
	Skipped    int64
	Restored   int64
	Kept       int64
	CreatedAt  time.Time
	StartedAt  *time.Time
	FinishedAt *time.Time
	UndoUntil  *time.Time
	UndoneAt   *time.Time
	Purged     bool
}

// Final says that nothing goes on by itself.
func (b BulkAction) Final() bool {
	return slices.Contains([]string{BulkDone, BulkFailed, BulkCancelled, BulkUndone}, b.Status)
}

// Undoable says that it can be taken back now.
func (b BulkAction) Undoable(now time.Time) bool {
	return !b.Purged && b.UndoUntil != nil && now.Before(*b.UndoUntil) && slices.Contains([]string{BulkDone, BulkFailed, BulkCancelled}, b.Status) && b.Changed > 0
}

// Progress is from 0 to 1.
func (b BulkAction) Progress() float64 {
	done, all := b.Changed+b.Unchanged+b.Skipped, b.Total
	if b.Status == BulkUndoing {
		done, all = b.Restored+b.Kept, b.Changed
	}
	if all == 0 {
		return 1
	}
	return min(1, float64(done)/float64(all))
}

// bulkQuery is a selection as SQL about the person u.
type bulkQuery struct {
	statement
	where   string
	segment string // what the segment is called, if there is one
}

// query makes the statement that selects columns of the people who are selected.
func (c *bulkQuery) query(columns, tail string) string {
	return "SELECT " + columns + " FROM subscribers u WHERE " + c.where + tail
}

// bulkQuery checks a selection.
func (s *Service) bulkQuery(ctx context.Context, sel BulkSelection) (*bulkQuery, error) {
	c := &bulkQuery{where: "true"}
	if sel.IDs == nil {
		m, err := sel.Filter.match(ctx, s.pool)
		if err != nil {
			return nil, err
		}
		for _, x := range m.conditions(&c.statement) {
			c.where += " AND " + x.sql
		}
		if m.listID != 0 {
			// The condition is asked of one after another; from a short list they are few.
			c.where += " AND u.id IN (SELECT x.subscriber_id FROM subscriptions x WHERE x.list_id = " + c.arg(m.listID) + ")"
		}
		return c, s.inSegment(ctx, c, sel.Filter.SegmentID)
	}
	if len(sel.IDs) == 0 || len(sel.IDs) > maxBulkIDs {
		return nil, errs.InvalidField("selection.ids", "choose from 1 to %d people, or a filter that finds them", maxBulkIDs)
	}
	c.where = "u.id = ANY (" + c.arg(sel.IDs) + ")"
	return c, nil
}

// inSegment adds the condition that people are in a saved segment; 0 is none.
func (s *Service) inSegment(ctx context.Context, c *bulkQuery, id int64) error {
	if id == 0 {
		return nil
	}
	saved, r, err := usableSegment(ctx, s.pool, "segment_id", id)
	if err != nil {
		return err
	}
	r.context.At = s.clock()
	q, err := segment.Compile(r.node, r.context, segment.BySet, len(c.args)+1)
	if err != nil {
		return err
	}
	c.where, c.args, c.segment = c.where+" AND "+q.SQL, append(c.args, q.Args...), saved.Name
	return nil
}

// bulkSample is how many people a preview shows.
const bulkSample = 5

// PreviewBulk counts whom an action would be about, exactly, and shows some of them. It changes nothing.
func (s *Service) PreviewBulk(ctx context.Context, sel BulkSelection, o BulkOrder) (BulkPreview, error) {
	var p BulkPreview
	if _, err := s.checkBulk(ctx, o); err != nil {
		return p, err
	}
	c, err := s.bulkQuery(ctx, sel)
	if err != nil {
		return p, err
	}
	if err := s.pool.QueryRow(ctx, c.query("count(*)", ""), c.args...).Scan(&p.Count); err != nil {
		return p, fmt.Errorf("counting people: %w", err)
	}
	rows, err := s.pool.Query(ctx, c.query("u.id", fmt.Sprintf(" ORDER BY u.id DESC LIMIT %d", bulkSample)), c.args...)
	if err != nil {
		return p, fmt.Errorf("looking for people: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return p, fmt.Errorf("looking for people: %w", err)
	}
	p.Sample, err = loadSubscribers(ctx, s.pool, ids)
	return p, err
}

// checkBulk makes what is stored of an order that can be carried out.
func (s *Service) checkBulk(ctx context.Context, o BulkOrder) (bulkParams, error) {
	var p bulkParams
	switch o.Action {
	case BulkSubscribe, BulkUnsubscribe, BulkRemove:
		l, err := pg.One[listRow](ctx, s.pool, fmt.Sprintf("list %d", o.ListID), selectLists+` WHERE id = $1`, o.ListID)
		if errs.Is(err, errs.NotFound) {
			return p, errs.InvalidField("action.list_id", "there is no list %d", o.ListID)
		}
		p.ListID, p.ListName = l.ID, l.Name
		return p, err
	case BulkDelete:
		return p, nil
	case BulkSuppress:
		var f errs.Fields
		p.Note = cleanLine(&f, "action.note", o.Note, maxNote)
		return p, f.Err("the note is not valid")
	case BulkSetField, BulkClearField:
		field, err := s.GetField(ctx, o.Field)
		if errs.Is(err, errs.NotFound) {
			return p, errs.InvalidField("action.field", "there is no field %q", excerpt(storable(o.Field)))
		}
		if err != nil {
			return p, err
		}
		p.Field, p.Type = field.Name, field.Type
		if field.Pending != "" {
			return p, errs.New(errs.Conflict, "what people have in %q is being changed: wait until that is done", field.Name)
		}
		if o.Action == BulkClearField {
			return p, nil
		}
		v, problem := checkValue(field, o.Value)
		if problem != "" {
			return p, errs.InvalidField("action.value", "%s", problem)
		}
		var f errs.Fields
		cleanAttributes(&f, map[string]any{field.Name: v})
		if len(f) > 0 {
			return p, errs.InvalidField("action.value", "%s", f[0].Message)
		}
		p.Value, err = json.Marshal(v)
		return p, err
	}
	return p, errs.InvalidField("action.action", "%q is not an action: use subscribe, unsubscribe, remove, delete, set_field, clear_field or suppress", excerpt(storable(o.Action)))
}

// StartBulk has a job do something to many people. seen is how many the caller was told; when it is another number by now, by more than a hundredth, it is a Conflict. Whom
// it is about is written down with the order, so that it is those who were counted, whoever comes or goes until it is their turn.
func (s *Service) StartBulk(ctx context.Context, sel BulkSelection, o BulkOrder, seen int64, by Actor) (BulkAction, error) {
	p, err := s.checkBulk(ctx, o)
	if err != nil {
		return BulkAction{}, err
	}
	c, err := s.bulkQuery(ctx, sel)
	if err != nil {
		return BulkAction{}, err
	}
	text := BulkSelected{Selected: len(sel.IDs)}
	if sel.IDs == nil {
		text = BulkSelected{Search: sel.Filter.Search, ListID: sel.Filter.ListID, Status: sel.Filter.Status, Field: sel.Filter.Field, Value: sel.Filter.Value, Segment: c.segment}
	}
	var id int64
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `INSERT INTO bulk_actions (action, params, selection, status, created_by, source, total, created_at)
			VALUES ($1, $2, $3, 'queued', $4, $5, 0, $6) RETURNING id`, o.Action, p, text, by.Name, by.Source, s.clock()).Scan(&id)
		if err != nil {
			return fmt.Errorf("starting a bulk action: %w", err)
		}
		args := append(slices.Clone(c.args), id)
		tag, err := tx.Exec(ctx, `INSERT INTO bulk_people (bulk_id, subscriber_id) `+c.query(fmt.Sprintf("$%d::bigint, u.id", len(args)), " ORDER BY u.id"), args...)
		if err != nil {
			return fmt.Errorf("starting a bulk action: %w", err)
		}
		n := tag.RowsAffected()
		if n == 0 {
			return errs.New(errs.Conflict, "there is nobody left whom this would be about")
		}
		if math.Abs(float64(n-seen)) > float64(seen)/100 {
			return errs.New(errs.Conflict, "this would be about %d people by now, and not about %d: look again and start it then", n, seen)
		}
		if _, err := tx.Exec(ctx, `UPDATE bulk_actions SET total = $2 WHERE id = $1`, id, n); err != nil {
			return fmt.Errorf("starting a bulk action: %w", err)
		}
		_, err = s.jobs.InsertTx(ctx, tx, BulkArgs{BulkID: id}, nil)
		return err
	})
	if err != nil {
		return BulkAction{}, err
	}
	return s.GetBulk(ctx, id)
}

const selectBulk = `SELECT id, action, params, selection, status, error, created_by, total, changed, unchanged, skipped, restored, kept, created_at, started_at, finished_at,
	undo_until, undone_at, purged FROM bulk_actions`

type bulkRow struct {
	ID                        int64
	Action                    string
	Params                    bulkParams
	Selection                 BulkSelected
	Status                    string
	Error                     *string
	CreatedBy                 string
	Total, Changed, Unchanged int64
	Skipped, Restored, Kept   int64
	CreatedAt                 time.Time
	StartedAt, FinishedAt     *time.Time
	UndoUntil, UndoneAt       *time.Time
	Purged                    bool
}

func (r bulkRow) action() BulkAction {
	b := BulkAction{ID: r.ID, Action: r.Action, ListID: r.Params.ListID, ListName: r.Params.ListName, Field: r.Params.Field, Note: r.Params.Note, Selection: r.Selection,
		Status: r.Status, Error: r.Error, CreatedBy: r.CreatedBy, Total: r.Total, Changed: r.Changed, Unchanged: r.Unchanged, Skipped: r.Skipped, Restored: r.Restored,
		Kept: r.Kept, CreatedAt: r.CreatedAt.UTC(), StartedAt: inUTC(r.StartedAt), FinishedAt: inUTC(r.FinishedAt), UndoUntil: inUTC(r.UndoUntil),
		UndoneAt: inUTC(r.UndoneAt), Purged: r.Purged}
	if r.Params.Value != nil {
		// It was written from a value, so that it is one.
		_ = json.Unmarshal(r.Params.Value, &b.Value)
	}
	return b
}

// GetBulk gives a bulk action.
func (s *Service) GetBulk(ctx context.Context, id int64) (BulkAction, error) {
	r, err := pg.One[bulkRow](ctx, s.pool, fmt.Sprintf("bulk action %d", id), selectBulk+` WHERE id = $1`, id)
	return r.action(), err
}

// ListBulk gives the bulk actions, newest first.
func (s *Service) ListBulk(ctx context.Context, q page.Query) (page.Page[BulkAction], error) {
	before := int64(math.MaxInt64)
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before); err != nil {
			return page.Page[BulkAction]{}, err
		}
	}
	rows, err := pg.Many[bulkRow](ctx, s.pool, "bulk actions", selectBulk+` WHERE id < $1 ORDER BY id DESC LIMIT $2`, before, q.Size()+1)
	if err != nil {
		return page.Page[BulkAction]{}, err
	}
	return page.Map(page.Cut(rows, q, func(r bulkRow) string { return page.Encode(r.ID) }), bulkRow.action), nil
}

// BulkKept is somebody whom a bulk action passed over, or whom its undoing left as they were. Email is "" when they are gone.
type BulkKept struct {
	SubscriberID int64
	Email        string
	Reason       string
}

// Why somebody was passed over or kept.
const (
	KeptUnsubscribed = "unsubscribed"  // they left the list: nobody is put on it again, and the memory that they left stays
	KeptSuppressed   = "suppressed"    // their address or its domain is
	KeptUnconfirmed  = "unconfirmed"   // they have not confirmed, and only they can
	KeptGone         = "gone"          // there is no such person, or list, any more
	KeptChanged      = "changed_since" // what was changed was changed again since
	KeptLeft         = "left_since"    // they said since that they want no mail
	KeptKnown        = "known_again"   // somebody has the address of the deleted person again
)

// ListBulkKept gives whom it passed over, or, undo, whom the undoing left as they were.
func (s *Service) ListBulkKept(ctx context.Context, id int64, undo bool, q page.Query) (page.Page[BulkKept], error) {
	var none page.Page[BulkKept]
	var after int64
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &after); err != nil {
			return none, err
		}
	}
	if _, err := s.GetBulk(ctx, id); err != nil {
		return none, err
	}
	rows, err := pg.Many[BulkKept](ctx, s.pool, "people who were kept", `
		SELECT k.subscriber_id, COALESCE(u.email, c.before #>> '{subscriber,email}', '') AS email, k.reason
		FROM bulk_kept k LEFT JOIN subscribers u ON u.id = k.subscriber_id LEFT JOIN bulk_changes c ON c.bulk_id = k.bulk_id AND c.subscriber_id = k.subscriber_id
		WHERE k.bulk_id = $1 AND k.undo = $2 AND k.subscriber_id > $3 ORDER BY k.subscriber_id LIMIT $4`, id, undo, after, q.Size()+1)
	if err != nil {
		return none, err
	}
	return page.Cut(rows, q, func(k BulkKept) string { return page.Encode(k.SubscriberID) }), nil
}

// CancelBulk ends a bulk action; what is done stays, and can be undone.
func (s *Service) CancelBulk(ctx context.Context, id int64) (BulkAction, error) {
	now := s.clock()
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE bulk_actions SET status = 'cancelled', finished_at = $2, undo_until = $3 WHERE id = $1 AND status IN ('queued', 'running')`,
			id, now, now.Add(BulkUndoWindow))
		if err != nil {
			return fmt.Errorf("cancelling bulk action %d: %w", id, err)
		}
		if tag.RowsAffected() == 0 {
			return errBulkState
		}
		return s.endBulkTx(ctx, tx, id, now)
	})
	return s.afterBulk(ctx, id, err, "it is not running, so that there is nothing to cancel")
}

// errBulkState: the action is not in a state in which this is possible.
var errBulkState = errors.New("not possible in this state")

func (s *Service) afterBulk(ctx context.Context, id int64, err error, conflict string) (BulkAction, error) {
	if err != nil && !errors.Is(err, errBulkState) {
		return BulkAction{}, err
	}
	b, getErr := s.GetBulk(ctx, id)
	if getErr == nil && err != nil {
		getErr = errs.New(errs.Conflict, "%s", conflict)
	}
	return b, getErr
}

// endBulkTx forgets whose turn has not come, and has what the undoing needs deleted when its time is over.
func (s *Service) endBulkTx(ctx context.Context, tx pgx.Tx, id int64, now time.Time) error {
	if _, err := tx.Exec(ctx, `DELETE FROM bulk_people WHERE bulk_id = $1`, id); err != nil {
		return fmt.Errorf("ending bulk action %d: %w", id, err)
	}
	_, err := s.jobs.InsertTx(ctx, tx, PurgeBulkArgs{BulkID: id}, &river.InsertOpts{ScheduledAt: now.Add(BulkUndoWindow)})
	return err
}

// UndoBulk has a job take back what a bulk action changed, but for what was changed since and for those who left since: see ListBulkKept. It can be done once.
func (s *Service) UndoBulk(ctx context.Context, id int64) (BulkAction, error) {
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE bulk_actions SET status = 'undoing' WHERE id = $1 AND status IN ('done', 'failed', 'cancelled') AND NOT purged AND undo_until > $2 AND changed > 0`,
			id, s.clock())
		if err != nil {
			return fmt.Errorf("undoing bulk action %d: %w", id, err)
		}
		if tag.RowsAffected() == 0 {
			return errBulkState
		}
		_, err = s.jobs.InsertTx(ctx, tx, UndoBulkArgs{BulkID: id}, nil)
		return err
	})
	return s.afterBulk(ctx, id, err, "it cannot be undone: it is not done, was undone before, changed nothing, or is more than 24 hours old")
}
