package audience

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// errNotRunning: the import was cancelled, or its list deleted, while rows were being read.
var errNotRunning = errors.New("the import is not running any more")

// maxCollisions is how often a batch begins anew because somebody else added one of its people in between.
const maxCollisions = 10

// commit imports a batch and moves the import's counters, in one transaction: after any crash both happened or neither.
func (s *Service) commit(ctx context.Context, imp Import, b *merging) error {
	for try := 1; ; try++ {
		err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return s.commitTx(ctx, tx, imp, b) })
		switch pg.Violation(err) {
		case "":
			if err == nil {
				b.isMerged()
			}
		case "subscribers_email_key", "subscriptions_pkey":
			if try < maxCollisions {
				continue // somebody signed up after we had looked: they are known now
			}
		}
		return err
	}
}

func (s *Service) commitTx(ctx context.Context, tx pgx.Tx, imp Import, b *merging) error {
	if err := prepareMerge(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `SELECT set_config('lock_timeout', $1, true), set_config('work_mem', '64MB', true)`, fmt.Sprint(s.lockWait.Milliseconds())); err != nil {
		return fmt.Errorf("setting up the merge: %w", err)
	}
	if err := shareTurn(ctx, tx); err != nil {
		return err
	}
	// The list is locked first, in the order in which a deletion of it goes.
	if _, err := tx.Exec(ctx, `SELECT 1 FROM lists WHERE id = $1 FOR KEY SHARE`, imp.ListID); err != nil {
		return fmt.Errorf("locking list %d: %w", imp.ListID, err)
	}
	// Whether the batch is the next one shows at its end; what can be seen before saves the work.
	if rows, _, err := runningAt(ctx, tx, imp.ID, ""); err != nil {
		return err
	} else if rows > b.start {
		return overtaken(imp, rows, b.start)
	}
	if err := s.dropErased(ctx, tx, b.batch); err != nil {
		return err
	}
	stand, err := b.lookup(ctx, tx, imp.ListID)
	if err != nil {
		return err
	}
	changes, t := b.decide(stand, imp.Mapping.Status)
	m := merge{Import: imp, s: s, b: b, stand: stand, changes: changes, now: s.clock()}
	for _, step := range []func(context.Context, pgx.Tx) error{m.update, m.insert, m.subscribe, m.confirm} {
		if err := step(ctx, tx); err != nil {
			return fmt.Errorf("merging rows %d to %d of import %d: %w", b.start+1, b.start+b.rows, imp.ID, err)
		}
	}
	if err := storeRejected(ctx, tx, imp.ID, b.rejected); err != nil {
		return err
	}
	if err := b.turnToCommit(ctx); err != nil {
		return err
	}
	return count(ctx, tx, imp, b.batch, t)
}

// merge writes what a batch changes.
type merge struct {
	Import
	s       *Service
	b       *merging
	stand   []standing
	changes []change
	now     time.Time
}

// indexes gives those people for whom want is true.
func (m *merge) indexes(want func(i int) bool) []int {
	var out []int
	for i := range m.changes {
		if want(i) {
			out = append(out, i)
		}
	}
	return out
}

// update brings what is new to people who were there before, and keeps what was there for an undo. They are locked and looked at again: what changed since lookup
// is not overwritten unseen.
func (m *merge) update(ctx context.Context, tx pgx.Tx) error {
	todo := m.indexes(func(i int) bool { return m.changes[i].data() && !m.changes[i].created })
	if len(todo) == 0 {
		return nil
	}
	if err := m.relock(ctx, tx, todo); err != nil {
		return err
	}
	n := len(todo)
	ids, names, patches, stamps := make([]int64, 0, n), make([]*string, 0, n), make([]string, 0, n), make([]time.Time, 0, n)
	rec := changeRecorder{now: m.now}
	for _, i := range todo {
		c, k := m.changes[i], m.stand[i].known
		if !c.data() {
			continue
		}
		ids, names, patches = append(ids, k.id), append(names, c.name), append(patches, jsonObject(c.values))
		if k.importID != nil && *k.importID == m.ID {
			stamps = append(stamps, k.updatedAt) // the import's own: nobody else has changed it
			continue
		}
		stamps = append(stamps, m.now)
		rec.data(k, c)
	}
	_, err := tx.Exec(ctx, `UPDATE subscribers u SET name = COALESCE(c.name, u.name), attributes = u.attributes || c.patch::jsonb, updated_at = c.stamp
		FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[]) AS c (id, name, patch, stamp) WHERE u.id = c.id`, ids, names, patches, stamps)
	if err != nil {
		return fmt.Errorf("updating subscribers: %w", err)
	}
	return rec.store(ctx, tx, m.ID)
}

// relock locks people and decides anew about those who changed since they were looked up.
func (m *merge) relock(ctx context.Context, tx pgx.Tx, todo []int) error {
	byID := make(map[int64]int, len(todo))
	ids := make([]int64, len(todo))
	for j, i := range todo {
		ids[j] = m.stand[i].known.id
		byID[ids[j]] = i
	}
	var (
		id         int64
		name       string
		attributes string
		updatedAt  time.Time
		bad        error
	)
	err := each(ctx, tx, []any{&id, &name, &attributes, &updatedAt}, func() {
		i := byID[id]
		k := m.stand[i].known
		if k.updatedAt.Equal(updatedAt) {
			return
		}
		k.name, k.updatedAt = name, updatedAt
		k.attributes, bad = rawAttributes(attributes, bad)
		if bad == nil {
			var none tally
			m.changes[i] = m.b.decideEach(&none, k, m.b.people[i].rows(), m.Mapping.Status)
		}
	}, `SELECT id, name, attributes::text, updated_at FROM subscribers WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE`, ids)
	if err == nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("locking subscribers: %w", err)
	}
	return nil
}

// insert adds the people who are not known yet, with ids in the order of the file, and of our own so that their subscriptions need not wait for them. They are written in the
// order of their addresses, which keeps the index of those in the processor's cache.
func (m *merge) insert(ctx context.Context, tx pgx.Tx) error {
	todo := m.indexes(func(i int) bool { return m.changes[i].created })
	ids, err := m.number(ctx, tx, len(todo))
	if err != nil || len(todo) == 0 {
		return err
	}
	for j, i := range todo {
		m.stand[i].known = &knownPerson{id: ids[j]}
	}
	todo = slices.DeleteFunc(m.b.sorted(), func(i int) bool { return !m.changes[i].created })
	if _, err := tx.Exec(ctx, `SELECT set_config('postrider.search_later', 'on', true)`); err != nil {
		return fmt.Errorf("inserting subscribers: %w", err)
	}
	columns := []string{"id", "email", "email_key", "name", "attributes", "import_id", "created_at", "updated_at"}
	row := make([]any, len(columns))
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"subscribers"}, columns, pgx.CopyFromSlice(len(todo), func(j int) ([]any, error) {
		p := &m.b.people[todo[j]].merged
		row = append(row[:0], m.stand[todo[j]].known.id, p.address.Display, p.address.Key, p.name, m.b.mapper.attributesJSON(p.values), m.ID, m.now, m.now)
		return row, nil
	}))
	if err != nil {
		return fmt.Errorf("inserting subscribers: %w", err)
	}
	first, last := ids[0], ids[len(ids)-1]
	if err := m.s.indexLaterTx(ctx, tx, first, last); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO import_ranges (import_id, first_id, last_id) VALUES ($1, $2, $3)`, m.ID, first, last); err != nil {
		return fmt.Errorf("noting who is new: %w", err)
	}
	return nil
}

// number gives n ids, ascending.
func (m *merge) number(ctx context.Context, tx pgx.Tx, n int) (ids []int64, err error) {
	if err := m.b.turnToNumber(ctx); err != nil {
		return nil, err
	}
	if n > 0 {
		err = tx.QueryRow(ctx, `SELECT array_agg(nextval('subscribers_id_seq')) FROM generate_series(1, $1)`, n).Scan(&ids)
	}
	if err != nil {
		return nil, fmt.Errorf("numbering subscribers: %w", err)
	}
	m.b.isNumbered()
	return ids, nil
}

// subscribe puts the people on the list who are not on it. Nobody of them can be deleted meanwhile, see mergeLock.
func (m *merge) subscribe(ctx context.Context, tx pgx.Tx) error {
	todo := m.indexes(func(i int) bool { return m.changes[i].joined })
	if len(todo) == 0 {
		return nil
	}
	slices.SortFunc(todo, func(i, j int) int { return int(m.stand[i].known.id - m.stand[j].known.id) })
	columns := []string{"list_id", "subscriber_id", "status", "source", "import_id", "created_at", "updated_at"}
	row := []any{m.ListID, nil, m.Mapping.Status, SourceImport, m.ID, m.now, m.now}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"subscriptions"}, columns, pgx.CopyFromSlice(len(todo), func(j int) ([]any, error) {
		row[1] = m.stand[todo[j]].known.id
		return row, nil
	}))
	if err != nil {
		return fmt.Errorf("subscribing: %w", err)
	}
	return nil
}

// confirm makes subscriptions that were unconfirmed subscribed, and keeps them for an undo.
func (m *merge) confirm(ctx context.Context, tx pgx.Tx) error {
	todo := m.indexes(func(i int) bool { return m.changes[i].confirmed && !m.changes[i].joined })
	if len(todo) == 0 {
		return nil
	}
	ids := make([]int64, len(todo))
	for j, i := range todo {
		ids[j] = m.stand[i].known.id
	}
	_, err := tx.Exec(ctx, `
		WITH was AS (
			SELECT s.subscriber_id, to_jsonb(s) AS row FROM subscriptions s
			WHERE s.list_id = $1 AND s.subscriber_id = ANY ($2) AND s.status = 'unconfirmed' ORDER BY s.subscriber_id FOR UPDATE),
		kept AS (
			INSERT INTO import_changes AS c (import_id, subscriber_id, before, after)
			SELECT $3, subscriber_id, jsonb_build_object('subscription', row), jsonb_build_object('subscription', 'subscribed') FROM was
			WHERE (row ->> 'import_id')::bigint IS DISTINCT FROM $3
			ON CONFLICT (import_id, subscriber_id) DO UPDATE SET before = excluded.before || c.before, after = c.after || excluded.after)
		UPDATE subscriptions s SET status = 'subscribed', source = 'import', import_id = $3, evidence = NULL, updated_at = $4
		FROM was WHERE s.list_id = $1 AND s.subscriber_id = was.subscriber_id`, m.ListID, ids, m.ID, m.now)
	if err != nil {
		return fmt.Errorf("confirming subscriptions: %w", err)
	}
	return nil
}

// changeRecorder collects rows of import_changes.
type changeRecorder struct {
	now           time.Time
	ids           []int64
	before, after []string
}

// data notes what a change of name and attributes replaces. A part of the person that was not there is null before.
func (r *changeRecorder) data(k *knownPerson, c change) {
	before := map[string]string{"updated_at": jsonTime(k.updatedAt)}
	after := map[string]string{"updated_at": jsonTime(r.now)}
	if c.name != nil {
		before["name"], after["name"] = jsonString(k.name), jsonString(*c.name)
	}
	for name, v := range c.values {
		was, there := k.attributes[name]
		if !there {
			was = "null"
		}
		before["attributes."+name], after["attributes."+name] = was, v
	}
	r.ids = append(r.ids, k.id)
	r.before, r.after = append(r.before, jsonObject(before)), append(r.after, jsonObject(after))
}

// store writes the rows. Of somebody whom an earlier batch changed too, what was there first stays.
func (r *changeRecorder) store(ctx context.Context, tx pgx.Tx, importID int64) error {
	if len(r.ids) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO import_changes AS c (import_id, subscriber_id, before, after)
		SELECT $1, x.id, x.before::jsonb, x.after::jsonb FROM unnest($2::bigint[], $3::text[], $4::text[]) AS x (id, before, after)
		ON CONFLICT (import_id, subscriber_id) DO UPDATE SET before = excluded.before || c.before, after = c.after || excluded.after`, importID, r.ids, r.before, r.after)
	if err != nil {
		return fmt.Errorf("keeping what was there before: %w", err)
	}
	return nil
}

func jsonTime(t time.Time) string { return `"` + t.UTC().Format(time.RFC3339Nano) + `"` }

// jsonObject makes an object of values that are JSON.
func jsonObject(values map[string]string) string {
	out := []byte{'{'}
	for _, k := range slices.Sorted(maps.Keys(values)) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, jsonString(k)...)
		out = append(append(out, ':'), values[k]...)
	}
	return string(append(out, '}'))
}

// each runs a statement and calls f after each row was scanned into dest.
func each(ctx context.Context, tx pgx.Tx, dest []any, f func(), sql string, args ...any) error {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, dest, func() error {
		f()
		return nil
	})
	return err
}

func storeRejected(ctx context.Context, tx pgx.Tx, id int64, rejected []rejection) error {
	if len(rejected) == 0 {
		return nil
	}
	columns := []string{"import_id", "row", "column_name", "value", "reason", "record"}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"import_errors"}, columns, pgx.CopyFromSlice(len(rejected), func(i int) ([]any, error) {
		r := &rejected[i]
		return []any{id, r.Row, r.Column, r.Value, r.Reason, r.record}, nil
	}))
	if err != nil {
		return fmt.Errorf("recording rejected rows of import %d: %w", id, err)
	}
	return nil
}

// runningAt gives how far a running import is.
func runningAt(ctx context.Context, tx pgx.Tx, id int64, lock string) (rows int64, flagged Flagged, err error) {
	var status string
	err = tx.QueryRow(ctx, `SELECT status, rows, flagged FROM imports WHERE id = $1 `+lock, id).Scan(&status, &rows, &flagged)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && status != ImportRunning:
		return 0, flagged, errNotRunning
	case err != nil:
		return 0, flagged, fmt.Errorf("reading the state of import %d: %w", id, err)
	}
	return rows, flagged, nil
}

func overtaken(imp Import, rows, start int64) error {
	return fmt.Errorf("import %d is at row %d, not %d: another worker goes on with it", imp.ID, rows, start)
}

// count moves the counters of the import behind the batch, if that is the next one of a running import.
func count(ctx context.Context, tx pgx.Tx, imp Import, b *batch, t tally) error {
	rows, flagged, err := runningAt(ctx, tx, imp.ID, `FOR NO KEY UPDATE`)
	if err != nil {
		return err
	}
	if rows != b.start {
		return overtaken(imp, rows, b.start)
	}
	flagged.add(b.flagged)
	_, err = tx.Exec(ctx, `UPDATE imports SET rows = rows + $2, created = created + $3, updated = updated + $4, unchanged = unchanged + $5,
		rejected = rejected + $6, suppressed = suppressed + $7, unsubscribed = unsubscribed + $8, read_bytes = $9, flagged = $10 WHERE id = $1`,
		imp.ID, b.rows, t.created, t.updated, t.unchanged, int64(len(b.rejected)), t.suppressed, t.unsubscribed, b.end, flagged)
	if err != nil {
		return fmt.Errorf("counting rows of import %d: %w", imp.ID, err)
	}
	return nil
}
