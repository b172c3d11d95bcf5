package audience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// undoBatch is how many people an undo looks at in one transaction.
const undoBatch = 5000

// Undo is how far the undoing of an import is. Unsubscribed counts subscriptions taken back, Restored people who have their data or subscription as before, Removed people who are gone
// as they had come by the import, Kept what was left as it is because it changed since (see KeptByUndo).
type Undo struct {
	Phase        string     `json:"phase"`
	After        int64      `json:"after"` // id of the last person of the phase who is done
	Unsubscribed int64      `json:"unsubscribed"`
	Restored     int64      `json:"restored"`
	Removed      int64      `json:"removed"`
	Kept         int64      `json:"kept"`
	StartedAt    time.Time  `json:"started_at"`
	FinishedAt   *time.Time `json:"finished_at,omitempty"`
}

// The phases of an undo, in their order: subscriptions that the import made, what it changed of people who were known, people whom it made known.
const (
	undoSubscriptions = "subscriptions"
	undoChanges       = "changes"
	undoPeople        = "people"
	undoOver          = "done"
)

// KeptByUndo is a part of a person that an undo left as it is: What is "subscription", "person", "name" or "attributes.NAME".
type KeptByUndo struct {
	SubscriberID int64
	Email        string
	What         string
	Reason       string
}

// UndoArgs is the job that undoes an import.
type UndoArgs struct {
	ImportID int64 `json:"import_id"`
}

// Kind names the job in the queue.
func (UndoArgs) Kind() string { return "undo_import" }

type undoWorker struct {
	river.WorkerDefaults[UndoArgs]
	s *Service
}

func (*undoWorker) Timeout(*river.Job[UndoArgs]) time.Duration { return importTimeout }

// Work goes on with an undo behind its last committed part.
func (w *undoWorker) Work(ctx context.Context, job *river.Job[UndoArgs]) error {
	done, err := w.s.runUndo(ctx, job.Args.ImportID, importSlice)
	switch {
	case err == nil && !done:
		return river.JobSnooze(0)
	case err != nil && job.Attempt >= job.MaxAttempts && !errors.Is(ctx.Err(), context.Canceled):
		w.s.log.ErrorContext(ctx, "undoing an import failed", slog.Int64("import_id", job.Args.ImportID), slog.Any("error", err))
		return errors.Join(err, w.s.pauseUndo(ctx, job.Args.ImportID))
	}
	return err
}

// UndoImport begins to take back an import that has ended: exactly what it changed, unless that was changed since, which is left and listed. Whoever goes
// by it is not mailed any more by a campaign that runs.
func (s *Service) UndoImport(ctx context.Context, id int64) (Import, error) {
	if s.jobs == nil {
		return Import{}, errs.New(errs.Unavailable, "an import cannot be undone here: this process has no job queue")
	}
	imp, err := s.GetImport(ctx, id)
	if err != nil {
		return Import{}, err
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE imports SET status = 'undoing', undo = COALESCE(undo, $2) WHERE id = $1 AND status IN ('done', 'failed', 'cancelled') AND rows > 0`,
			id, Undo{Phase: undoSubscriptions, StartedAt: s.clock()})
		if err != nil {
			return fmt.Errorf("undoing import %d: %w", id, err)
		}
		if tag.RowsAffected() == 0 {
			return errs.New(errs.Conflict, "import %d is %s: only an import that has ended can be undone", id, describeForUndo(imp))
		}
		if _, err := s.jobs.InsertTx(ctx, tx, UndoArgs{ImportID: id}, &river.InsertOpts{MaxAttempts: maxImportAttempts}); err != nil {
			return fmt.Errorf("queueing the undoing of import %d: %w", id, err)
		}
		return nil
	})
	if err != nil {
		return Import{}, err
	}
	return s.GetImport(ctx, id)
}

func describeForUndo(imp Import) string {
	if imp.Final() && imp.Status != ImportUndone && imp.Rows == 0 {
		return "one that took no row"
	}
	return imp.Status
}

// ListKeptByUndo gives what an undo left as it is, by person.
func (s *Service) ListKeptByUndo(ctx context.Context, id int64, q page.Query) (page.Page[KeptByUndo], error) {
	var none page.Page[KeptByUndo]
	after := struct {
		id   int64
		what string
	}{}
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &after.id, &after.what); err != nil {
			return none, err
		}
	}
	if _, err := s.GetImport(ctx, id); err != nil {
		return none, err
	}
	rows, err := pg.Many[KeptByUndo](ctx, s.pool, "what was kept", `SELECT subscriber_id, email, what, reason FROM import_kept
		WHERE import_id = $1 AND (subscriber_id, what) > ($2, $3) ORDER BY subscriber_id, what LIMIT $4`, id, after.id, after.what, q.Size()+1)
	if err != nil {
		return none, err
	}
	return page.Cut(rows, q, func(k KeptByUndo) string { return page.Encode(k.SubscriberID, k.What) }), nil
}

// pauseUndo gives up for now: what is taken back stays so, and another UndoImport goes on behind it.
func (s *Service) pauseUndo(ctx context.Context, id int64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	text := "the undoing broke off and can be started again; the server's log says why"
	if _, err := s.pool.Exec(ctx, `UPDATE imports SET status = 'failed', error = $2 WHERE id = $1 AND status = 'undoing'`, id, text); err != nil {
		return fmt.Errorf("pausing the undoing of import %d: %w", id, err)
	}
	return nil
}

// runUndo takes back part after part; done says that nothing is left.
func (s *Service) runUndo(ctx context.Context, id int64, slice time.Duration) (done bool, err error) {
	for until := time.Now().Add(slice); ; {
		err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
			u := undoing{s: s, tx: tx}
			if done, err = u.begin(ctx, id); err != nil || done {
				return err
			}
			return u.part(ctx)
		})
		if err != nil || done || time.Now().After(until) {
			return done, err
		}
	}
}

// undoing is one transaction of an undo.
type undoing struct {
	s    *Service
	tx   pgx.Tx
	imp  Import
	u    Undo
	kept []KeptByUndo
}

// begin locks the import. There is nothing to do for one that is not being undone.
func (u *undoing) begin(ctx context.Context, id int64) (over bool, err error) {
	if err := mergeTurn(ctx, u.tx); err != nil {
		return false, err
	}
	if err := prepareMerge(ctx, u.tx); err != nil {
		return false, err
	}
	rows, err := u.tx.Query(ctx, selectImports+` AND i.id = $1 FOR UPDATE OF i`, id)
	if err != nil {
		return false, fmt.Errorf("locking import %d: %w", id, err)
	}
	u.imp, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Import])
	if errors.Is(err, pgx.ErrNoRows) || err == nil && u.imp.Status != ImportUndoing {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("locking import %d: %w", id, err)
	}
	u.u = *u.imp.Undo
	return false, nil
}

// part does the next part of the phase at hand, and notes where the one behind it begins.
func (u *undoing) part(ctx context.Context) error {
	steps := map[string]struct {
		do   func(context.Context) (last int64, err error)
		next string
	}{
		undoSubscriptions: {u.subscriptions, undoChanges},
		undoChanges:       {u.changes, undoPeople},
		undoPeople:        {u.people, undoOver},
	}
	step := steps[u.u.Phase]
	last, err := step.do(ctx)
	if err != nil {
		return fmt.Errorf("undoing import %d: %w", u.imp.ID, err)
	}
	if u.u.After = last; last == math.MaxInt64 {
		u.u.Phase, u.u.After = step.next, 0
	}
	if err := u.storeKept(ctx); err != nil {
		return err
	}
	status := ImportUndoing
	if u.u.Phase == undoOver {
		now := u.s.clock()
		status, u.u.FinishedAt = ImportUndone, &now
	}
	if _, err := u.tx.Exec(ctx, `UPDATE imports SET status = $2, undo = $3, error = NULL WHERE id = $1`, u.imp.ID, status, u.u); err != nil {
		return fmt.Errorf("undoing import %d: %w", u.imp.ID, err)
	}
	return nil
}

// end is where a part ends: behind its last person, or behind everybody when it was not full.
func end(ids []int64) int64 {
	if len(ids) < undoBatch {
		return math.MaxInt64
	}
	return ids[len(ids)-1]
}

// subscriptions takes back those that the import made and nobody changed since. Those that changed are found by their history.
func (u *undoing) subscriptions(ctx context.Context) (int64, error) {
	if u.u.After == 0 {
		if err := u.changedSubscriptions(ctx); err != nil {
			return 0, err
		}
	}
	rows, err := u.tx.Query(ctx, `SELECT subscriber_id FROM subscriptions WHERE list_id = $1 AND import_id = $2 AND subscriber_id > $3
		ORDER BY subscriber_id LIMIT $4 FOR UPDATE`, u.imp.ListID, u.imp.ID, u.u.After, undoBatch)
	if err != nil {
		return 0, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return 0, err
	}
	// What the import confirmed is given back with the other changes; what has a history since is kept.
	tag, err := u.tx.Exec(ctx, `DELETE FROM subscriptions s WHERE s.list_id = $1 AND s.subscriber_id = ANY ($2) AND s.source = 'import'
		AND NOT EXISTS (SELECT 1 FROM import_changes c WHERE c.import_id = $3 AND c.subscriber_id = s.subscriber_id AND c.before ? 'subscription')
		AND NOT EXISTS (SELECT 1 FROM subscription_history h WHERE h.subscriber_id = s.subscriber_id AND h.list_id = $1 AND h.import_id = $3)`,
		u.imp.ListID, ids, u.imp.ID)
	if err != nil {
		return 0, err
	}
	u.u.Unsubscribed += tag.RowsAffected()
	return end(ids), nil
}

// changedSubscriptions notes the subscriptions of the import that became something else since.
func (u *undoing) changedSubscriptions(ctx context.Context) error {
	var k KeptByUndo
	var status *string
	return each(ctx, u.tx, []any{&k.SubscriberID, &k.Email, &status}, func() {
		k.What = "subscription"
		if k.Reason = "taken off the list since"; status != nil {
			k.Reason = *status + " since"
		}
		u.kept = append(u.kept, k)
	}, `SELECT DISTINCT ON (h.subscriber_id) h.subscriber_id, p.email, s.status FROM subscription_history h JOIN subscribers p ON p.id = h.subscriber_id
		LEFT JOIN subscriptions s ON s.list_id = h.list_id AND s.subscriber_id = h.subscriber_id
		WHERE h.import_id = $1 AND h.list_id = $2 AND NOT (s.import_id IS NOT DISTINCT FROM $1 AND s.source = 'import' AND s.status = 'subscribed' AND h.status = 'unconfirmed')
		ORDER BY h.subscriber_id`, u.imp.ID, u.imp.ListID)
}

// changedPerson is a row of import_changes beside what there is now.
type changedPerson struct {
	SubscriberID int64
	Email        string
	Before       map[string]json.RawMessage
	After        map[string]json.RawMessage
	Name         string
	Attributes   map[string]json.RawMessage
	UpdatedAt    time.Time
	Confirmed    bool // the subscription is still as the import left it
}

// changes gives people back what the import replaced, as far as it is still what the import made of it.
func (u *undoing) changes(ctx context.Context) (int64, error) {
	people, err := pg.Many[changedPerson](ctx, u.tx, "changes of an import", `
		SELECT c.subscriber_id, p.email, c.before, c.after, p.name, p.attributes, p.updated_at,
			(SELECT true FROM subscriptions s WHERE s.list_id = $4 AND s.subscriber_id = p.id AND s.import_id = $1 AND s.source = 'import' AND s.status = 'subscribed') IS NOT NULL AS confirmed
		FROM import_changes c JOIN subscribers p ON p.id = c.subscriber_id
		WHERE c.import_id = $1 AND c.subscriber_id > $2 ORDER BY c.subscriber_id LIMIT $3 FOR UPDATE OF p`, u.imp.ID, u.u.After, undoBatch, u.imp.ListID)
	if err != nil {
		return 0, err
	}
	ids := make([]int64, len(people))
	var r restorer
	for i := range people {
		ids[i] = people[i].SubscriberID
		u.restore(&r, &people[i])
	}
	back, err := r.write(ctx, u.tx, u.imp.ID, u.imp.ListID)
	if err != nil {
		return 0, err
	}
	for _, id := range without(r.subscriptions, back) { // they left after they were looked at
		i, _ := slices.BinarySearch(ids, id)
		u.kept = append(u.kept, KeptByUndo{SubscriberID: id, Email: people[i].Email, What: "subscription", Reason: "changed since"})
		if !slices.Contains(r.ids, id) {
			delete(r.people, id)
		}
	}
	u.u.Restored += int64(len(r.people))
	return end(ids), nil
}

// restorer collects what people get back.
type restorer struct {
	people        map[int64]bool
	ids           []int64
	names         []*string
	set           []string
	remove        [][]string
	stamps        []string
	subscriptions []int64
}

// restore decides part by part what a person gets back, and notes what is kept.
func (u *undoing) restore(r *restorer, p *changedPerson) {
	if r.people == nil {
		r.people = map[int64]bool{}
	}
	var (
		name    *string
		set     = map[string]string{}
		remove  = []string{}
		touched bool
		keep    = func(what, reason string) {
			u.kept = append(u.kept, KeptByUndo{SubscriberID: p.SubscriberID, Email: p.Email, What: what, Reason: reason})
		}
	)
	for part, was := range p.Before {
		attribute, isAttribute := strings.CutPrefix(part, "attributes.")
		switch {
		case part == "subscription":
			if !p.Confirmed {
				continue // noted by changedSubscriptions
			}
			r.subscriptions = append(r.subscriptions, p.SubscriberID)
			r.people[p.SubscriberID] = true
		case part == "name" && !sameJSON(jsonString(p.Name), string(p.After[part])):
			keep("name", "changed since")
		case part == "name":
			var text string
			if json.Unmarshal(was, &text) == nil {
				name, touched = &text, true
			}
		case isAttribute && !sameJSON(string(p.Attributes[attribute]), string(p.After[part])):
			keep(part, "changed since")
		case isAttribute && string(was) == "null":
			remove, touched = append(remove, attribute), true
		case isAttribute:
			set[attribute], touched = string(was), true
		}
	}
	if !touched {
		return
	}
	stamp := jsonTime(u.s.clock())
	if sameTime(p.After["updated_at"], p.UpdatedAt) {
		stamp = string(p.Before["updated_at"]) // nothing else has changed since
	}
	r.people[p.SubscriberID] = true
	r.ids, r.names, r.set, r.remove = append(r.ids, p.SubscriberID), append(r.names, name), append(r.set, jsonObject(set)), append(r.remove, remove)
	r.stamps = append(r.stamps, strings.Trim(stamp, `"`))
}

func sameTime(stored json.RawMessage, t time.Time) bool {
	var at time.Time
	return json.Unmarshal(stored, &at) == nil && at.Equal(t)
}

// write gives everything back, and says who has their subscription as before: whoever left since they were looked at has not.
func (r *restorer) write(ctx context.Context, tx pgx.Tx, importID, listID int64) ([]int64, error) {
	batch := &pgx.Batch{}
	for i, id := range r.ids {
		batch.Queue(`UPDATE subscribers SET name = COALESCE($2, name), attributes = (attributes || $3::jsonb) - $4::text[], updated_at = $5::timestamptz WHERE id = $1`,
			id, r.names[i], r.set[i], r.remove[i], r.stamps[i])
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		WITH was AS (
			SELECT c.subscriber_id, x.* FROM import_changes c, LATERAL jsonb_to_record(c.before -> 'subscription')
				AS x (status text, source text, import_id bigint, evidence jsonb, created_at timestamptz, updated_at timestamptz)
			WHERE c.import_id = $1 AND c.subscriber_id = ANY ($3))
		UPDATE subscriptions s SET status = was.status, source = was.source, import_id = was.import_id, evidence = NULLIF(was.evidence, 'null'), updated_at = was.updated_at
		FROM was WHERE s.list_id = $2 AND s.subscriber_id = was.subscriber_id AND s.import_id = $1 AND s.source = 'import' AND s.status = 'subscribed' RETURNING s.subscriber_id`,
		importID, listID, r.subscriptions)
	if err != nil {
		return nil, err
	}
	back, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, err
	}
	// The history that the import's own change left goes too.
	_, err = tx.Exec(ctx, `DELETE FROM subscription_history h USING import_changes c WHERE c.import_id = $1 AND c.subscriber_id = ANY ($3) AND h.subscriber_id = c.subscriber_id AND h.list_id = $2
		AND (h.import_id = $1 OR h.since = (c.before -> 'subscription' ->> 'updated_at')::timestamptz)`, importID, listID, back)
	return back, err
}

// newPerson is somebody whom the import made known, and what speaks against forgetting them.
type newPerson struct {
	ID         int64
	Email      string
	Edited     bool
	Listed     bool
	Mailed     bool
	Chose      bool
	Suppressed bool
}

// people forgets those whom the import made known, unless something came of them since.
func (u *undoing) people(ctx context.Context) (int64, error) {
	// Locked before they are judged, so that nobody comes on a list in between.
	rows, err := u.tx.Query(ctx, `SELECT u.id FROM import_ranges r JOIN subscribers u ON u.id BETWEEN r.first_id AND r.last_id
		WHERE r.import_id = $1 AND u.import_id = $1 AND r.last_id > $2 AND u.id > $2 ORDER BY u.id LIMIT $3 FOR UPDATE OF u`, u.imp.ID, u.u.After, undoBatch)
	if err != nil {
		return 0, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return 0, err
	}
	people, err := pg.Many[newPerson](ctx, u.tx, "people of an import", `
		SELECT p.id, p.email, p.updated_at <> p.created_at AS edited,
			(SELECT true FROM subscriptions s WHERE s.subscriber_id = p.id LIMIT 1) IS NOT NULL AS listed,
			(SELECT true FROM deliveries d WHERE d.subscriber_id = p.id LIMIT 1) IS NOT NULL AS mailed,
			p.no_tracking OR p.paused_at IS NOT NULL OR p.frequency IS NOT NULL AS chose,
			(SELECT true FROM suppressions x WHERE x.email_key = p.email_key AND x.created_at >= p.created_at) IS NOT NULL AS suppressed
		FROM subscribers p WHERE p.id = ANY ($1) ORDER BY p.id`, ids)
	if err != nil {
		return 0, err
	}
	var gone []int64
	for _, p := range people {
		if reason := p.reason(); reason != "" {
			u.kept = append(u.kept, KeptByUndo{SubscriberID: p.ID, Email: p.Email, What: "person", Reason: reason})
			continue
		}
		gone = append(gone, p.ID)
	}
	if _, err := u.tx.Exec(ctx, `DELETE FROM subscribers WHERE id = ANY ($1)`, gone); err != nil {
		return 0, err
	}
	u.u.Removed += int64(len(gone))
	return end(ids), nil
}

func (p newPerson) reason() string {
	switch {
	case p.Mailed:
		return "mail was sent to them since"
	case p.Suppressed:
		return "the address was suppressed since"
	case p.Listed:
		return "on a list by other means"
	case p.Chose:
		return "they chose something on their preference page"
	case p.Edited:
		return "changed since"
	}
	return ""
}

func (u *undoing) storeKept(ctx context.Context) error {
	if len(u.kept) == 0 {
		return nil
	}
	var (
		ids                 []int64
		emails, whats, whys []string
	)
	for _, k := range u.kept {
		ids, emails, whats, whys = append(ids, k.SubscriberID), append(emails, k.Email), append(whats, k.What), append(whys, k.Reason)
	}
	tag, err := u.tx.Exec(ctx, `INSERT INTO import_kept (import_id, subscriber_id, email, what, reason)
		SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[]) ON CONFLICT DO NOTHING`, u.imp.ID, ids, emails, whats, whys)
	if err != nil {
		return fmt.Errorf("noting what is kept: %w", err)
	}
	u.u.Kept += tag.RowsAffected()
	return nil
}
