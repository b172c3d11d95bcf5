package audience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/audience/segment"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

const maxSegmentName = 200 // characters

// Segment is a saved definition of whom somebody means (package segment). Who is in it is asked anew each time.
type Segment struct {
	ID         int64
	Name       string
	Definition json.RawMessage // in its canonical form
	Sentence   string          // in English
	// LastCount is what was counted when somebody last asked; nil for never.
	LastCount *SegmentSize
	CreatedAt time.Time
	UpdatedAt time.Time
}

// SegmentSize is how many people a segment meant at a moment.
type SegmentSize struct {
	Count int64
	Exact bool
	At    time.Time
}

type segmentRow struct {
	ID         int64
	Name       string
	Definition json.RawMessage
	LastCount  *int64
	LastExact  *bool
	LastAt     *time.Time
	CreatedAt  time.Time
	UpdatedAt  time.Time
	SortKey    string
}

const selectSegments = `SELECT id, name, definition, last_count, last_exact, last_at, created_at, updated_at, lower(name) AS sort_key FROM segments`

// ListSegments gives the segments by name.
func (s *Service) ListSegments(ctx context.Context, q page.Query) (page.Page[Segment], error) {
	var none page.Page[Segment]
	after := struct {
		name string
		id   int64
	}{}
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &after.name, &after.id); err != nil {
			return none, err
		}
	}
	rows, err := pg.Many[segmentRow](ctx, s.pool, "segments", selectSegments+`
		WHERE $1 OR (lower(name), id) > ($2, $3) ORDER BY lower(name), id LIMIT $4`, q.Cursor == "", after.name, after.id, q.Size()+1)
	if err != nil {
		return none, err
	}
	p := page.Cut(rows, q, func(r segmentRow) string { return page.Encode(r.SortKey, r.ID) })
	segments, err := segmentsOf(ctx, s.pool, p.Items)
	if err != nil {
		return none, err
	}
	out := page.Page[Segment]{Items: segments, NextCursor: p.NextCursor, TotalExact: true}
	var total int64
	if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM segments`).Scan(&total); err != nil {
		return none, fmt.Errorf("counting segments: %w", err)
	}
	out.Total = &total
	return out, nil
}

// GetSegment gives one segment.
func (s *Service) GetSegment(ctx context.Context, id int64) (Segment, error) {
	row, err := pg.One[segmentRow](ctx, s.pool, fmt.Sprintf("segment %d", id), selectSegments+` WHERE id = $1`, id)
	if err != nil {
		return Segment{}, err
	}
	segments, err := segmentsOf(ctx, s.pool, []segmentRow{row})
	if err != nil {
		return Segment{}, err
	}
	return segments[0], nil
}

// segmentsOf adds the sentences to rows.
func segmentsOf(ctx context.Context, db pg.DB, rows []segmentRow) ([]Segment, error) {
	nodes := make([]segment.Node, len(rows))
	for i, r := range rows {
		n, err := segment.ParseStored(r.Definition)
		if err != nil {
			return nil, fmt.Errorf("reading segment %d: %w", r.ID, err)
		}
		nodes[i] = n
	}
	names, err := segmentNames(ctx, db, nodes...)
	if err != nil {
		return nil, err
	}
	out := make([]Segment, len(rows))
	for i, r := range rows {
		out[i] = Segment{ID: r.ID, Name: r.Name, Definition: nodes[i].JSON(), Sentence: segment.Sentence(nodes[i], names), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC()}
		if r.LastAt != nil {
			out[i].LastCount = &SegmentSize{Count: *r.LastCount, Exact: *r.LastExact, At: r.LastAt.UTC()}
		}
	}
	return out, nil
}

// CreateSegment saves a definition under a name. A second segment of a name, in any case, is a Conflict; a definition that is wrong is Invalid and points at the place.
func (s *Service) CreateSegment(ctx context.Context, name string, definition []byte) (Segment, error) {
	return s.saveSegment(ctx, 0, name, definition)
}

// UpdateSegment replaces name and definition. Campaigns that have started keep the definition that they started with.
func (s *Service) UpdateSegment(ctx context.Context, id int64, name string, definition []byte) (Segment, error) {
	return s.saveSegment(ctx, id, name, definition)
}

// segmentLock is the advisory lock under which segments are written, so that no two that are written at once make a circle: "prsg" in ASCII.
const segmentLock = 0x70727367

func (s *Service) saveSegment(ctx context.Context, id int64, name string, definition []byte) (Segment, error) {
	var f errs.Fields
	name = cleanLine(&f, "name", name, maxSegmentName)
	if name == "" && len(f) == 0 {
		f.Add("name", "a segment needs a name")
	}
	if err := f.Err("the segment is not complete"); err != nil {
		return Segment{}, err
	}
	n, err := segment.Parse(definition)
	if err != nil {
		return Segment{}, err
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, segmentLock); err != nil {
			return fmt.Errorf("writing a segment: %w", err)
		}
		if _, err := resolveSegment(ctx, tx, n, segment.Saved{Name: name, Node: n}, id); err != nil {
			return err
		}
		if id != 0 {
			return updateSegment(ctx, tx, id, name, n, s.clock())
		}
		err = tx.QueryRow(ctx, `INSERT INTO segments (name, definition, created_at, updated_at) VALUES ($1, $2, $3, $3) RETURNING id`, name, n.JSON(), s.clock()).Scan(&id)
		return segmentError(err, name)
	})
	if err != nil {
		return Segment{}, err
	}
	return s.GetSegment(ctx, id)
}

// updateSegment writes a segment anew. With another definition its count would mislead, and those of the segments that name it.
func updateSegment(ctx context.Context, tx pgx.Tx, id int64, name string, n segment.Node, now time.Time) error {
	var same bool
	err := tx.QueryRow(ctx, `SELECT definition = $2 FROM segments WHERE id = $1`, id, n.JSON()).Scan(&same)
	if errors.Is(err, pgx.ErrNoRows) {
		return noSegment(id)
	}
	if err != nil {
		return segmentError(err, name)
	}
	if _, err := tx.Exec(ctx, `UPDATE segments SET name = $2, definition = $3, updated_at = $4 WHERE id = $1`, id, name, n.JSON(), now); err != nil || same {
		return segmentError(err, name)
	}
	users, err := checkUsers(ctx, tx, id)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE segments SET last_count = NULL, last_exact = NULL, last_at = NULL WHERE id = ANY ($1)`, append(users, id))
	return segmentError(err, name)
}

// DeleteSegment deletes a segment. One that a campaign has which has not ended, or that another segment names, is a Conflict that says which.
func (s *Service) DeleteSegment(ctx context.Context, id int64) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, segmentLock); err != nil {
			return fmt.Errorf("deleting segment %d: %w", id, err)
		}
		// The row first: a campaign that takes it at this moment waits, and then finds it gone.
		tag, err := tx.Exec(ctx, `SELECT FROM segments WHERE id = $1 FOR UPDATE`, id)
		if err != nil {
			return fmt.Errorf("deleting segment %d: %w", id, err)
		}
		if tag.RowsAffected() == 0 {
			return noSegment(id)
		}
		if err := segmentUnused(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM segments WHERE id = $1`, id); err != nil {
			return fmt.Errorf("deleting segment %d: %w", id, err)
		}
		return nil
	})
}

func segmentUnused(ctx context.Context, tx pgx.Tx, id int64) error {
	var campaign, status string
	err := tx.QueryRow(ctx, `
		SELECT c.name, c.status FROM campaign_segments s JOIN campaigns c ON c.id = s.campaign_id
		WHERE s.segment_id = $1 AND c.status NOT IN ('finished', 'cancelled') ORDER BY c.id LIMIT 1`, id).Scan(&campaign, &status)
	if err == nil {
		return errs.New(errs.Conflict, "the campaign %q (%s) uses this segment: take it out there, or wait for its end, and delete the segment then", campaign, status)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("deleting segment %d: %w", id, err)
	}
	err = tx.QueryRow(ctx, `
		SELECT n.name FROM newsletter_segments s JOIN newsletters n ON n.id = s.newsletter_id WHERE s.segment_id = $1 AND n.status <> 'ended' ORDER BY n.id LIMIT 1`, id).Scan(&campaign)
	if err == nil {
		return errs.New(errs.Conflict, "the newsletter %q uses this segment: take it out there, and delete the segment then", campaign)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("deleting segment %d: %w", id, err)
	}
	return namedByNone(ctx, tx, "this one", func(r segment.Ref) bool { return r.What == segment.RefSegment && r.ID == id })
}

func noSegment(id int64) error { return errs.New(errs.NotFound, "there is no segment %d", id) }

func segmentError(err error, name string) error {
	if err == nil {
		return nil
	}
	if pg.Violation(err) == "segments_name" {
		e := errs.Because(errs.Conflict, err, "there is a segment %q already", name)
		e.Fields = []errs.Field{{Name: "name", Message: "there is a segment of this name already"}}
		return e
	}
	return fmt.Errorf("writing a segment: %w", err)
}

// resolved is a definition that can be compiled: other segments are expanded, and its fields exist.
type resolved struct {
	node    segment.Node
	context segment.Context
}

// resolveSegment expands a definition and checks it. It is being saved as the segment id, 0 for none, so that whoever names that one means self.
func resolveSegment(ctx context.Context, db pg.DB, n segment.Node, self segment.Saved, id int64) (resolved, error) {
	var failed error
	expanded, err := segment.Expand(n, func(want int64) (segment.Saved, bool) {
		if want == id && id != 0 {
			return self, true
		}
		s, err := loadSaved(ctx, db, want)
		if errs.Is(err, errs.NotFound) {
			return s, false
		}
		if err != nil {
			failed = err
		}
		return s, err == nil
	})
	if failed != nil {
		return resolved{}, failed
	}
	if err != nil {
		return resolved{}, err
	}
	r := resolved{node: expanded}
	k, err := whatThereIs(ctx, db, expanded)
	if err != nil {
		return r, err
	}
	r.context = k.context
	// Of the definition itself first: the place is then the one that its writer sees.
	if err := k.check(n); err != nil {
		return r, err
	}
	var e *errs.E
	if err := k.check(expanded); errors.As(err, &e) {
		return r, errs.InvalidField("definition", "one of the segments that this names cannot be used any more: %s", e.Public)
	}
	return r, nil
}

func loadSaved(ctx context.Context, db pg.DB, id int64) (segment.Saved, error) {
	row, err := pg.One[struct {
		Name       string
		Definition json.RawMessage
	}](ctx, db, fmt.Sprintf("segment %d", id), `SELECT name, definition FROM segments WHERE id = $1`, id)
	if err != nil {
		return segment.Saved{}, err
	}
	n, err := segment.ParseStored(row.Definition)
	if err != nil {
		return segment.Saved{}, fmt.Errorf("reading segment %d: %w", id, err)
	}
	return segment.Saved{Name: row.Name, Node: n}, nil
}

// segmentContext is what the meaning of definitions depends on: the types of the fields, and the installation's zone. Its time is left to the caller.
func segmentContext(ctx context.Context, db pg.DB) (segment.Context, error) {
	fields, err := listFields(ctx, db)
	if err != nil {
		return segment.Context{}, err
	}
	return contextOf(ctx, db, fields)
}

func contextOf(ctx context.Context, db pg.DB, fields []Field) (segment.Context, error) {
	c := segment.Context{Fields: map[string]string{}, Zone: time.UTC}
	for _, f := range fields {
		c.Fields[f.Name] = string(f.Type)
	}
	var zone string
	err := db.QueryRow(ctx, `SELECT COALESCE((SELECT value #>> '{}' FROM settings WHERE key = 'time_zone'), '')`).Scan(&zone)
	if err != nil {
		return c, fmt.Errorf("reading the time zone: %w", err)
	}
	// One that this machine does not know is as good as none.
	if z, err := time.LoadLocation(zone); err == nil {
		c.Zone = z
	}
	return c, nil
}
