package audience

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/riverqueue/river"

	"postrider/audience/csvfile"
	"postrider/internal/errs"
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
	case err != nil || !end:
		return false, err
	}
	return true, s.endImport(ctx, id, ImportDone, nil)
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

// importRows commits batch after batch; end says that the file ended.
func (s *Service) importRows(ctx context.Context, imp Import, slice time.Duration) (end bool, err error) {
	records, err := s.openRecords(ctx, imp)
	if err != nil {
		return false, err
	}
	if err := skipRecords(records, imp.Rows); err != nil {
		return false, err
	}
	var (
		b     = newBatch(newRowMapper(imp.Columns, *imp.Mapping), imp.Rows)
		pace  = newPace()
		until = time.Now().Add(slice)
	)
	for {
		end, err = b.fill(records, pace.rows)
		if err != nil {
			return false, err
		}
		if b.rows > 0 {
			began := time.Now()
			if err := s.commit(ctx, imp, b); err != nil {
				return false, err
			}
			pace.took(time.Since(began))
		}
		if end || time.Now().After(until) {
			return end, nil
		}
		b = newBatch(b.mapper, b.start+b.rows)
	}
}

// skipRecords passes over the records whose outcome is committed.
func skipRecords(records *csvfile.Reader, n int64) error {
	for range n {
		if _, err := records.Next(); err != nil {
			return fmt.Errorf("passing over what is imported: %w", err)
		}
	}
	return nil
}

// Batches are at most this many rows and bytes of the file, which bounds memory.
const (
	maxBatchRows  = 20_000
	minBatchRows  = 500
	maxBatchBytes = 8 << 20
)

// pace fits the size of batches to what the database takes in about half a second, so that progress is seen and a cancel is heard. The outcome does not depend
// on it.
type pace struct{ rows int64 }

func newPace() *pace { return &pace{rows: maxBatchRows / 4} }

func (p *pace) took(d time.Duration) {
	switch {
	case d > time.Second:
		p.rows = max(p.rows/2, minBatchRows)
	case d < 500*time.Millisecond:
		p.rows = min(p.rows*2, maxBatchRows)
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
	byKey    map[string]int
	rejected []rejection
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

func newBatch(m *rowMapper, start int64) *batch {
	return &batch{mapper: m, start: start, byKey: map[string]int{}}
}

// fill reads up to limit rows; end says that the file ended.
func (b *batch) fill(records *csvfile.Reader, limit int64) (end bool, err error) {
	for b.rows < limit && b.bytes < maxBatchBytes {
		rec, err := records.Next()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		b.add(rec)
	}
	return false, nil
}

func (b *batch) add(rec *csvfile.Record) {
	b.rows++
	// Each field costs a string header and its share of a slice or two beside its bytes.
	b.bytes += int64(len(rec.Raw)) + int64(len(rec.Fields))*24
	b.end = rec.End
	row, problems := b.mapper.row(rec)
	if len(problems) > 0 {
		b.reject(rec, problems[0])
		return
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

func (b *batch) reject(rec *csvfile.Record, p cellProblem) {
	record := texts(rec.Fields)
	for i := range record {
		record[i] = storable(record[i])
	}
	b.rejected = append(b.rejected, rejection{
		ImportError: ImportError{Row: rec.Line, Column: b.mapper.columnOf(p), Value: shorten(storable(p.value)), Reason: p.reason},
		record:      record,
	})
}
