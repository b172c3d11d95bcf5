package audience

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"postrider/audience/addrcheck"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// maxSamplesOfKind is how many examples a dry run keeps of each kind.
const maxSamplesOfKind = 200

// maxCheckedErrors is how many rejected rows a dry run keeps; all are counted.
const maxCheckedErrors = 100_000

// States of a Check.
const (
	CheckRunning = "running"
	CheckDone    = "done"
	CheckFailed  = "failed"
)

// Check is what a dry run of a whole file with a mapping found: what an import would count if it ran right then. Figures mean what they mean in Import. Error is the text for people when
// Status is CheckFailed.
type Check struct {
	Status       string     `json:"status"`
	Error        string     `json:"error,omitempty"`
	Mapping      Mapping    `json:"mapping"`
	ReadBytes    int64      `json:"read_bytes"`
	Rows         int64      `json:"rows"`
	Created      int64      `json:"created"`
	Updated      int64      `json:"updated"`
	Unchanged    int64      `json:"unchanged"`
	Rejected     int64      `json:"rejected"`
	Suppressed   int64      `json:"suppressed"`
	Unsubscribed int64      `json:"unsubscribed"`
	Flagged      Flagged    `json:"flagged"`
	FinishedAt   *time.Time `json:"finished_at,omitempty"`
}

// Kinds of samples.
const (
	SampleCreated      = "created"
	SampleUpdated      = "updated"
	SampleSuppressed   = "suppressed"
	SampleUnsubscribed = "unsubscribed"
	SampleFlagged      = "flagged"
)

// Sample is an example of what a dry run found: the row of the file, and the parts of the person that it would change ("name", "list" for the status on the list, "attributes.NAME"),
// before and after; null is a part that is not there.
type Sample struct {
	Row    int64
	Email  string
	Before map[string]any
	After  map[string]any
	Reason string
}

// CheckArgs is the job of a dry run.
type CheckArgs struct {
	ImportID int64 `json:"import_id"`
}

// Kind names the job in the queue.
func (CheckArgs) Kind() string { return "check_import" }

// checkTimeout is the longest a dry run may take. It begins anew after an interruption, because what it has found so far lives in its session.
const checkTimeout = 3 * time.Hour

type checkWorker struct {
	river.WorkerDefaults[CheckArgs]
	s *Service
}

func (*checkWorker) Timeout(*river.Job[CheckArgs]) time.Duration { return checkTimeout }

// Work does the dry run from the start of the file.
func (w *checkWorker) Work(ctx context.Context, job *river.Job[CheckArgs]) error {
	err := w.s.runCheck(ctx, job.Args.ImportID)
	if errs.Is(err, errs.Invalid) {
		return w.s.failCheck(ctx, job.Args.ImportID, err) // the file itself is damaged: trying again does not help
	}
	if err != nil && job.Attempt >= job.MaxAttempts && !errors.Is(ctx.Err(), context.Canceled) {
		return errors.Join(err, w.s.failCheck(ctx, job.Args.ImportID, err))
	}
	return err
}

// StartCheck begins a dry run of an uploaded file: every row is read and compared with the people who are there, and nothing of theirs is changed. What an earlier dry run found is forgotten.
func (s *Service) StartCheck(ctx context.Context, id int64, m Mapping) (Import, error) {
	if s.jobs == nil {
		return Import{}, errs.New(errs.Unavailable, "imports cannot run here: this process has no job queue")
	}
	imp, err := s.GetImport(ctx, id)
	if err != nil {
		return Import{}, err
	}
	if m, err = s.checkMapping(ctx, m, imp.Columns); err != nil {
		return Import{}, err
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE imports SET status = 'checking', checked = $2 WHERE id = $1 AND status = 'uploaded'`, id, Check{Status: CheckRunning, Mapping: m})
		if err != nil {
			return fmt.Errorf("checking import %d: %w", id, err)
		}
		if tag.RowsAffected() == 0 {
			return errs.New(errs.Conflict, "import %d is %s: only a file that waits for its start can be checked", id, imp.Status)
		}
		if _, err := s.jobs.InsertTx(ctx, tx, CheckArgs{ImportID: id}, &river.InsertOpts{MaxAttempts: maxImportAttempts}); err != nil {
			return fmt.Errorf("queueing the dry run of import %d: %w", id, err)
		}
		return nil
	})
	if err != nil {
		return Import{}, err
	}
	return s.GetImport(ctx, id)
}

// StopCheck ends a dry run that has not ended, and forgets what it found. The file waits for its start as before.
func (s *Service) StopCheck(ctx context.Context, id int64) (Import, error) {
	if _, err := s.pool.Exec(ctx, `UPDATE imports SET status = 'uploaded', checked = NULL WHERE id = $1 AND status = 'checking'`, id); err != nil {
		return Import{}, fmt.Errorf("stopping the dry run of import %d: %w", id, err)
	}
	return s.GetImport(ctx, id)
}

// ListImportSamples gives examples of a kind that the last dry run found, in the order of the file.
func (s *Service) ListImportSamples(ctx context.Context, id int64, kind string, q page.Query) (page.Page[Sample], error) {
	var (
		none page.Page[Sample]
		last int64
	)
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &last); err != nil {
			return none, err
		}
	}
	if _, err := s.GetImport(ctx, id); err != nil {
		return none, err
	}
	rows, err := pg.Many[Sample](ctx, s.pool, "samples", `SELECT row, email, before, after, reason FROM import_samples
		WHERE import_id = $1 AND kind = $2 AND row > $3 ORDER BY row LIMIT $4`, id, kind, last, q.Size()+1)
	if err != nil {
		return none, err
	}
	return page.Cut(rows, q, func(x Sample) string { return page.Encode(x.Row) }), nil
}

func (s *Service) failCheck(ctx context.Context, id int64, cause error) error {
	text := "the dry run broke off again and again and was given up. The server's log says why"
	var e *errs.E
	if errors.As(cause, &e) && e.Kind != errs.Internal {
		text = e.Public
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	_, err := s.pool.Exec(ctx, `UPDATE imports SET status = 'uploaded', checked = checked || jsonb_build_object('status', 'failed', 'error', $2::text, 'finished_at', $3::timestamptz)
		WHERE id = $1 AND status = 'checking'`, id, text, s.clock())
	if err != nil {
		return fmt.Errorf("ending the dry run of import %d: %w", id, err)
	}
	return nil
}

// checkRun is a dry run. What the file says about people lies over the people who are there in a temporary table, so that an address that comes again is counted as an import would.
type checkRun struct {
	s       *Service
	conn    *pgxpool.Conn
	imp     Import
	c       Check
	samples map[string]int
	errors  int
}

// runCheck does the dry run of an import that is being checked; of any other it does nothing.
func (s *Service) runCheck(ctx context.Context, id int64) error {
	imp, err := s.GetImport(ctx, id)
	if errs.Is(err, errs.NotFound) || err == nil && imp.Status != ImportChecking {
		return nil
	}
	if err != nil {
		return err
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("checking import %d: %w", id, err)
	}
	r := &checkRun{s: s, conn: conn, imp: imp, c: Check{Status: CheckRunning, Mapping: imp.Checked.Mapping}, samples: map[string]int{}}
	defer r.release(ctx)
	if err := r.begin(ctx); err != nil {
		return err
	}
	err = r.rows(ctx)
	if errors.Is(err, errFileGone) || errors.Is(err, errNotRunning) {
		return nil
	}
	return err
}

// begin forgets what was found before, under a lock of the session that keeps a second run of the same job away.
func (r *checkRun) begin(ctx context.Context) error {
	var alone bool
	if err := r.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1, $2::bigint::int)`, checkLock, r.imp.ID%(1<<31)).Scan(&alone); err != nil {
		return fmt.Errorf("checking import %d: %w", r.imp.ID, err)
	}
	if !alone {
		return fmt.Errorf("import %d is being checked by another worker", r.imp.ID)
	}
	for _, sql := range []string{
		`CREATE TEMP TABLE check_overlay (email_key text PRIMARY KEY, id bigint NOT NULL, name text NOT NULL, attributes jsonb NOT NULL, status text NOT NULL)`,
		fmt.Sprintf(`DELETE FROM import_samples WHERE import_id = %d`, r.imp.ID),
		fmt.Sprintf(`DELETE FROM import_errors WHERE import_id = %d`, r.imp.ID),
	} {
		if _, err := r.conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("checking import %d: %w", r.imp.ID, err)
		}
	}
	return nil
}

// checkLock is the first key of the advisory lock of a dry run: "prck" in ASCII.
const checkLock = 0x7072636b

// release gives the connection back as it was, or closes it.
func (r *checkRun) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if _, err := r.conn.Exec(ctx, `DROP TABLE IF EXISTS check_overlay`); err == nil {
		if _, err = r.conn.Exec(ctx, `SELECT pg_advisory_unlock_all()`); err == nil {
			r.conn.Release()
			return
		}
	}
	_ = r.conn.Conn().Close(ctx)
	r.conn.Release()
}

func (r *checkRun) rows(ctx context.Context) error {
	records, err := r.s.openRecords(ctx, r.imp)
	if err != nil {
		return err
	}
	defer records.Close()
	b := newBatch(r.s.rowMapper(r.imp.Columns, r.c.Mapping), 0)
	for end := false; !end; b = newBatch(b.mapper, b.start+b.rows) {
		if end, err = b.fill(ctx, records, r.s.batchRows); err != nil {
			return err
		}
		if err := pgx.BeginFunc(ctx, r.conn, func(tx pgx.Tx) error { return r.batch(ctx, tx, b, end) }); err != nil {
			return err
		}
	}
	return nil
}

// batch compares a batch with people and overlay and writes what it found; with the last one the dry run has ended.
func (r *checkRun) batch(ctx context.Context, tx pgx.Tx, b *batch, last bool) error {
	if err := r.s.dropErased(ctx, tx, b); err != nil {
		return err
	}
	if err := prepareMerge(ctx, tx); err != nil {
		return err
	}
	stand, err := b.lookup(ctx, tx, r.imp.ListID)
	if err != nil {
		return err
	}
	if err := r.lookupOverlay(ctx, tx, b, stand); err != nil {
		return err
	}
	changes, t := b.decide(stand, r.c.Mapping.Status)
	if err := r.storeOverlay(ctx, tx, b, stand, changes); err != nil {
		return err
	}
	if err := r.storeSamples(ctx, tx, b, stand, changes); err != nil {
		return err
	}
	keep := b.rejected[:min(len(b.rejected), maxCheckedErrors-r.errors)]
	r.errors += len(keep)
	if err := storeRejected(ctx, tx, r.imp.ID, keep); err != nil {
		return err
	}
	c := &r.c
	c.Rows += b.rows
	c.ReadBytes = max(c.ReadBytes, b.end)
	c.Created += t.created
	c.Updated += t.updated
	c.Unchanged += t.unchanged
	c.Rejected += int64(len(b.rejected))
	c.Suppressed += t.suppressed
	c.Unsubscribed += t.unsubscribed
	c.Flagged.add(b.flagged)
	status := ImportChecking
	if last {
		now := r.s.clock()
		c.Status, c.FinishedAt, c.ReadBytes = CheckDone, &now, r.imp.SizeBytes
		status = ImportUploaded
	}
	tag, err := tx.Exec(ctx, `UPDATE imports SET status = $2, checked = $3 WHERE id = $1 AND status = 'checking'`, r.imp.ID, status, c)
	if err != nil {
		return fmt.Errorf("checking import %d: %w", r.imp.ID, err)
	}
	if tag.RowsAffected() == 0 {
		return errNotRunning
	}
	return nil
}

// lookupOverlay replaces how people stand by what earlier rows of the file would have made of them.
func (r *checkRun) lookupOverlay(ctx context.Context, tx pgx.Tx, b *batch, stand []standing) error {
	if b.start == 0 {
		return nil
	}
	keys := make([]string, len(b.people))
	for i := range b.people {
		keys[i] = b.people[i].merged.address.Key
	}
	var (
		ord                          int
		id                           int64
		name, attributes, subscribed string
		bad                          error
	)
	err := each(ctx, tx, []any{&ord, &id, &name, &attributes, &subscribed}, func() {
		k := &knownPerson{id: id, name: name, status: subscribed}
		k.attributes, bad = rawAttributes(attributes, bad)
		stand[ord].known = k
	}, `SELECT k.ord::int - 1, o.id, o.name, o.attributes::text, o.status
		FROM unnest($1::text[]) WITH ORDINALITY AS k (key, ord) JOIN check_overlay o ON o.email_key = k.key`, keys)
	if err == nil {
		err = bad
	}
	if err != nil {
		return fmt.Errorf("finding what the file said before: %w", err)
	}
	return nil
}

// storeOverlay keeps what the batch would have made of people.
func (r *checkRun) storeOverlay(ctx context.Context, tx pgx.Tx, b *batch, stand []standing, changes []change) error {
	var (
		keys, names, attributes, statuses []string
		ids                               []int64
	)
	for i, c := range changes {
		if !c.any() {
			continue
		}
		p := &b.people[i].merged
		keys = append(keys, p.address.Key)
		if k := stand[i].known; k == nil {
			ids, names, attributes, statuses = append(ids, 0), append(names, p.name), append(attributes, string(b.mapper.attributesJSON(p.values))), append(statuses, r.c.Mapping.Status)
		} else {
			after := k.clone()
			after.apply(c, r.c.Mapping.Status)
			ids, names, attributes, statuses = append(ids, k.id), append(names, after.name), append(attributes, jsonObject(after.attributes)), append(statuses, after.status)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO check_overlay (email_key, id, name, attributes, status)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::jsonb[], $5::text[])
		ON CONFLICT (email_key) DO UPDATE SET name = excluded.name, attributes = excluded.attributes, status = excluded.status`, keys, ids, names, attributes, statuses)
	if err != nil {
		return fmt.Errorf("keeping what the file says: %w", err)
	}
	return nil
}

// storeSamples keeps the first examples of each kind.
func (r *checkRun) storeSamples(ctx context.Context, tx pgx.Tx, b *batch, stand []standing, changes []change) error {
	var out [][]any
	for i := range changes {
		p, st, c := &b.people[i].merged, stand[i], changes[i]
		add := func(kind, before, after, reason string) {
			if r.samples[kind]++; r.samples[kind] <= maxSamplesOfKind {
				out = append(out, []any{r.imp.ID, kind, p.line, p.address.Display, before, after, reason})
			}
		}
		switch {
		case c.created:
			add(SampleCreated, "{}", sampleAfter(p, b.mapper), "")
		case c.any():
			before, after := sampleChange(st.known, c, r.c.Mapping.Status)
			add(SampleUpdated, before, after, "")
		}
		for _, f := range p.flags {
			add(SampleFlagged, "{}", sampleSuggestion(f), f.Text)
		}
		switch {
		case st.suppressed != "":
			add(SampleSuppressed, "{}", "{}", st.suppressed)
		case st.known != nil && st.known.status == StatusUnsubscribed:
			add(SampleUnsubscribed, "{}", "{}", "")
		}
	}
	if len(out) == 0 {
		return nil
	}
	columns := []string{"import_id", "kind", "row", "email", "before", "after", "reason"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"import_samples"}, columns, pgx.CopyFromRows(out)); err != nil {
		return fmt.Errorf("keeping samples: %w", err)
	}
	return nil
}

// sampleSuggestion is the address that was perhaps meant.
func sampleSuggestion(f addrcheck.Flag) string {
	if f.Suggestion == "" {
		return "{}"
	}
	return jsonObject(map[string]string{"email": jsonString(f.Suggestion)})
}

func sampleAfter(p *importRow, m *rowMapper) string {
	after := map[string]string{}
	if p.name != "" {
		after["name"] = jsonString(p.name)
	}
	for i, v := range p.values {
		if v != "" {
			after["attributes."+m.attributes[i].Attribute] = v
		}
	}
	return jsonObject(after)
}

func sampleChange(k *knownPerson, c change, status string) (before, after string) {
	b, a := map[string]string{}, map[string]string{}
	if c.joined || c.confirmed {
		a["list"] = jsonString(status)
		if b["list"] = "null"; k.status != "" {
			b["list"] = jsonString(k.status)
		}
	}
	if c.name != nil {
		b["name"], a["name"] = jsonString(k.name), jsonString(*c.name)
	}
	for name, v := range c.values {
		was, there := k.attributes[name]
		if !there {
			was = "null"
		}
		b["attributes."+name], a["attributes."+name] = was, v
	}
	return jsonObject(b), jsonObject(a)
}
