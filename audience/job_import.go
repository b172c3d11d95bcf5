package audience

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"golang.org/x/sync/errgroup"

	"postrider/audience/tablefile"
	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

const (
	// importTimeout is finite so that a job whose process died is rescued.
	importTimeout = 10 * time.Minute
	// importSlice is how long one run works before it gives the queue a turn and goes on as a new run.
	importSlice = 5 * time.Minute
	// maxImportAttempts is how often in a row a job may break before its import fails.
	maxImportAttempts = 8
)

// ImportArgs is the job that imports a stored file.
type ImportArgs struct {
	ImportID int64 `json:"import_id"`
}

// Kind names the job in the queue.
func (ImportArgs) Kind() string { return "import_subscribers" }

type importWorker struct {
	river.WorkerDefaults[ImportArgs]
	s *Service
}

// Workers registers the jobs of this package.
func (s *Service) Workers(w *river.Workers) {
	river.AddWorker(w, &importWorker{s: s})
	river.AddWorker(w, &checkWorker{s: s})
	river.AddWorker(w, &undoWorker{s: s})
	river.AddWorker(w, &indexWorker{s: s})
	s.peopleWorkers(w)
}

// Timeout is the longest that one run may take.
func (*importWorker) Timeout(*river.Job[ImportArgs]) time.Duration { return importTimeout }

// Work goes on with an import from its last committed row.
func (w *importWorker) Work(ctx context.Context, job *river.Job[ImportArgs]) error {
	ended, err := w.s.runImport(ctx, job.Args.ImportID, importSlice)
	switch {
	case err == nil && !ended:
		return river.JobSnooze(0)
	case errs.Is(err, errs.Invalid):
		return w.s.failImport(ctx, job.Args.ImportID, err) // the file itself is damaged: trying again does not help
	case err != nil && job.Attempt >= job.MaxAttempts && !errors.Is(ctx.Err(), context.Canceled): // cancelled is a shutdown, which uses up no attempt
		return errors.Join(err, w.s.failImport(ctx, job.Args.ImportID, err))
	}
	return err
}

// failImport ends an import that cannot go on.
func (s *Service) failImport(ctx context.Context, id int64, cause error) error {
	s.log.ErrorContext(ctx, "import failed", slog.Int64("import_id", id), slog.Any("error", cause))
	text := "the import broke off again and again and was given up; the rows counted here are in. The server's log says why. Uploading the same file again does no harm"
	var e *errs.E
	if errors.As(cause, &e) && e.Kind != errs.Internal {
		text = e.Public
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second) // the run's own time may be over
	defer cancel()
	return s.endImport(ctx, id, ImportFailed, &text)
}

// runImport imports until the file or the slice of time ends; ended says that nothing is left to do. The rows it finds committed are skipped, so that it can be
// called again after any interruption.
func (s *Service) runImport(ctx context.Context, id int64, slice time.Duration) (ended bool, err error) {
	_, err = s.pool.Exec(ctx, `UPDATE imports SET status = 'running', started_at = coalesce(started_at, $2) WHERE id = $1 AND status = 'queued'`, id, s.clock())
	if err != nil {
		return false, fmt.Errorf("starting import %d: %w", id, err)
	}
	imp, err := s.GetImport(ctx, id)
	if errs.Is(err, errs.NotFound) || err == nil && imp.Status != ImportRunning {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	end, err := s.importRows(ctx, imp, slice)
	switch {
	case errors.Is(err, errFileGone), errors.Is(err, errNotRunning):
		return s.stopped(ctx, id)
	case lockWaited(err):
		s.log.InfoContext(ctx, "an import waits for locks of somebody else", slog.Int64("import_id", id))
		return false, nil
	case err != nil || !end:
		return false, err
	}
	if err := s.endImport(ctx, id, ImportDone, nil); err != nil {
		return true, err
	}
	return true, s.afterMany(ctx, id)
}

// manyRows is from when on an import changes the audience so much that plans for the one before may be bad.
const manyRows = 10_000

// afterMany does at once for the people whom an import brought what the server would do by itself within minutes: until then the planner does not know of them, and whoever reads
// a page first has to write on each of its rows that it is there to stay. Without it a count of a segment took twice the time, and a list six times.
func (s *Service) afterMany(ctx context.Context, id int64) error {
	imp, err := s.GetImport(ctx, id)
	if err != nil || imp.Rows < manyRows {
		return err
	}
	return s.vacuum(ctx, "subscribers, subscriptions")
}

func (s *Service) vacuum(ctx context.Context, tables string) error {
	if _, err := s.pool.Exec(ctx, `VACUUM (ANALYZE, SKIP_LOCKED) `+tables); err != nil {
		return fmt.Errorf("vacuuming %s: %w", tables, err)
	}
	return nil
}

// stopped makes sure that an import whose file or state went away was ended by somebody.
func (s *Service) stopped(ctx context.Context, id int64) (bool, error) {
	status, err := importStatus(ctx, s.pool, id)
	if err != nil {
		return false, err
	}
	if status == ImportRunning {
		return false, fmt.Errorf("import %d: %w though it is running", id, errFileGone)
	}
	return true, nil
}

// importRows merges batch after batch; end says that the file ended. While some are merged the next is read.
func (s *Service) importRows(ctx context.Context, imp Import, slice time.Duration) (end bool, err error) {
	records, err := s.openRecords(ctx, imp)
	if err != nil {
		return false, err
	}
	defer records.Close()
	if err := records.Skip(imp.Rows); err != nil {
		return false, err
	}
	var (
		pace    = newPace(s.batchRows)
		until   = time.Now().Add(slice)
		batches = make(chan *batch)
	)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(batches)
		b := newBatch(s.rowMapper(imp.Columns, *imp.Mapping), imp.Rows)
		for {
			last, err := b.fill(ctx, records, pace.next())
			if err != nil {
				return err
			}
			select {
			case batches <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
			if last || time.Now().After(until) {
				end = last
				return nil
			}
			b = newBatch(b.mapper, b.start+b.rows)
		}
	})
	g.Go(func() error { return s.mergeAll(ctx, imp, batches, pace) })
	err = g.Wait()
	return end, err
}

// Batches are at most this many rows and bytes of the file, which bounds memory.
const (
	maxBatchRows  = 20_000
	minBatchRows  = 500
	maxBatchBytes = 8 << 20
)

// pace fits the size of batches to what the database takes in about half a second, so that progress is seen and a cancel is heard. The outcome does not depend
// on it.
type pace struct {
	rows atomic.Int64
	most int64
}

func newPace(most int64) *pace {
	p := &pace{most: most}
	p.rows.Store(max(1, most/4))
	return p
}

// next is how many rows the next batch is to have.
func (p *pace) next() int64 { return p.rows.Load() }

func (p *pace) took(d time.Duration) {
	switch rows := p.next(); {
	case d > time.Second:
		p.rows.Store(max(rows/2, min(minBatchRows, p.most)))
	case d < 500*time.Millisecond:
		p.rows.Store(min(rows*2, p.most))
	}
}

// batch is the rows that one transaction imports.
type batch struct {
	mapper   *rowMapper
	start    int64 // rows of the file before this batch
	rows     int64
	bytes    int64
	end      int64 // offset in the file behind the batch
	people   []batchPerson
	byOrder  []int // see sorted
	byKey    map[string]int
	rejected []rejection
	flagged  map[FlagKind]int64 // rows that are taken and look wrong
}

// batchPerson is what a batch says about one address: all its rows laid over one another, and, if there are several, each of them for counting.
type batchPerson struct {
	merged importRow
	each   []importRow
}

// rejection is a row that is left out.
type rejection struct {
	ImportError
	record []string
}

// rows are the rows about a person, each by itself.
func (p *batchPerson) rows() []importRow {
	if p.each != nil {
		return p.each
	}
	return []importRow{p.merged}
}

func newBatch(m *rowMapper, start int64) *batch {
	return &batch{mapper: m, start: start, byKey: map[string]int{}}
}

// mxRows is how many rows are read ahead for asking DNS about their domains together.
const mxRows = 1000

// fill reads up to limit rows; end says that the file ended.
func (b *batch) fill(ctx context.Context, records *tablefile.Reader, limit int64) (end bool, err error) {
	for b.rows < limit && b.bytes < maxBatchBytes {
		if b.mapper.mx != nil {
			end, err = b.fillAsking(ctx, records, min(limit-b.rows, mxRows))
		} else if rec, e := records.Next(); e == nil {
			b.add(rec)
		} else {
			end, err = errors.Is(e, io.EOF), e
		}
		switch {
		case end:
			return true, nil
		case err != nil:
			return false, err
		}
	}
	return false, nil
}

// fillAsking reads up to limit rows, asks DNS about their domains, and then adds them.
func (b *batch) fillAsking(ctx context.Context, records *tablefile.Reader, limit int64) (end bool, err error) {
	var (
		ahead   []*tablefile.Record
		domains []string
		size    int
	)
	for int64(len(ahead)) < limit && size < maxBatchBytes && !end {
		rec, err := records.Next()
		switch {
		case errors.Is(err, io.EOF):
			end = true
			continue
		case err != nil:
			return false, err
		}
		ahead = append(ahead, rec.Clone())
		size += len(rec.Raw)
		if checkRecord(rec, len(b.mapper.columns)) == nil {
			if a, err := addr.Normalize(string(rec.Fields[b.mapper.email])); err == nil {
				domains = append(domains, a.Domain)
			}
		}
	}
	if err := b.mapper.mx.Ask(ctx, domains); err != nil {
		return false, fmt.Errorf("asking DNS about domains: %w", err)
	}
	for _, rec := range ahead {
		b.add(rec)
	}
	return end, nil
}

func (b *batch) add(rec *tablefile.Record) {
	b.rows++
	// Each field costs a string header and its share of a slice or two beside its bytes.
	b.bytes += int64(len(rec.Raw)) + int64(len(rec.Fields))*24
	b.end = rec.End
	row, problems := b.mapper.row(rec)
	if len(problems) > 0 {
		b.reject(rec, problems[0])
		return
	}
	for _, f := range row.flags {
		if b.flagged == nil {
			b.flagged = map[FlagKind]int64{}
		}
		b.flagged[f.Kind]++
	}
	at, known := b.byKey[row.address.Key]
	if !known {
		b.byKey[row.address.Key] = len(b.people)
		b.people = append(b.people, batchPerson{merged: row})
		return
	}
	p := &b.people[at]
	if p.each == nil {
		first := p.merged
		first.values = append([]string{}, first.values...)
		p.each = append(p.each, first)
	}
	p.each = append(p.each, row)
	p.merged.patch(row)
}

// erasedReason is why a row about an erased person is left out. Nothing else of it is kept, neither for the error file.
const erasedReason = "the data of this person was erased at their wish: they are not taken in again, and nothing of this row is kept"

// dropErased leaves the rows about erased people out.
func (s *Service) dropErased(ctx context.Context, db pg.DB, b *batch) error {
	keys := make([]string, len(b.people))
	for i := range b.people {
		keys[i] = b.people[i].merged.address.Key
	}
	gone, err := s.erased(ctx, db, keys)
	if err != nil || len(gone) == 0 {
		return err
	}
	b.byOrder = nil
	b.people = slices.DeleteFunc(b.people, func(p batchPerson) bool {
		if !gone[p.merged.address.Key] {
			return false
		}
		for _, row := range p.rows() {
			b.rejected = append(b.rejected, rejection{ImportError: ImportError{Row: row.line, Reason: erasedReason}, record: []string{}})
			for _, f := range row.flags {
				b.flagged[f.Kind]--
			}
		}
		return true
	})
	return nil
}

// sorted gives the indexes of people in the order of their addresses, in which neighbours are found on the same pages of an index.
func (b *batch) sorted() []int {
	if b.byOrder == nil {
		b.byOrder = make([]int, len(b.people))
		for i := range b.byOrder {
			b.byOrder[i] = i
		}
		slices.SortFunc(b.byOrder, func(i, j int) int { return cmp.Compare(b.people[i].merged.address.Key, b.people[j].merged.address.Key) })
	}
	return slices.Clone(b.byOrder)
}

func (b *batch) reject(rec *tablefile.Record, p cellProblem) {
	record := texts(rec.Fields)
	for i := range record {
		record[i] = storable(record[i])
	}
	b.rejected = append(b.rejected, rejection{
		ImportError: ImportError{Row: rec.Line, Column: b.mapper.columnOf(p), Value: shorten(storable(p.value)), Reason: p.reason},
		record:      record,
	})
}
