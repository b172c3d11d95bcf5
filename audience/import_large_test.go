package audience

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// bigFile gives a file of n rows with the number of extra columns, made while it is read.
func bigFile(n, extra int) io.Reader {
	r, w := io.Pipe()
	go func() {
		pad := strings.Repeat(",some text that fills the column", extra)
		var head strings.Builder
		head.WriteString("email,name")
		for i := range extra {
			fmt.Fprintf(&head, ",c%d", i)
		}
		_, err := io.WriteString(w, head.String()+"\n")
		for i := 0; i < n && err == nil; i++ {
			_, err = fmt.Fprintf(w, "person%d@example%d.org,Person %d%s\n", i, i%1000, i, pad)
		}
		w.CloseWithError(err)
	}()
	return r
}

// peakHeap gives the largest heap while f runs, over what it was before, in bytes.
func peakHeap(f func()) uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	var peak atomic.Uint64
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			peak.Store(max(peak.Load(), m.HeapInuse))
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	f()
	close(done)
	<-stopped
	return peak.Load() - min(before, peak.Load())
}

// Not parallel, because it looks at the memory of the process.
func TestImportOf100kRowsInBoundedMemory(t *testing.T) {
	b := setup(t)
	list := b.list("News")
	const rows = 100_000
	var imp Import
	grown := peakHeap(func() {
		began := time.Now()
		imp = must[Import](t)(b.CreateImport(b.ctx, Upload{ListID: list, Filename: "big.csv", Content: bigFile(rows, 30)}))
		t.Logf("uploaded %d MB in %v", imp.SizeBytes>>20, time.Since(began))
		m := suggestedMapping(imp, "")
		m.Columns = m.Columns[:4]
		must[Import](t)(b.StartImport(b.ctx, imp.ID, m, ""))
		began = time.Now()
		imp = b.run(imp.ID)
		t.Logf("imported %.0f rows/s", rows/time.Since(began).Seconds())
	})
	if imp.Rows != rows || imp.Created != rows || imp.ReadBytes != imp.SizeBytes {
		t.Errorf("got %+v", imp)
	}
	// The planner knows of them, though nobody has vacuumed.
	if n := b.count(`SELECT reltuples FROM pg_class WHERE oid = 'subscribers'::regclass`); n != rows {
		t.Errorf("the planner knows of %d people", n)
	}
	t.Logf("the heap grew by %d MB", grown>>20)
	if imp.SizeBytes < 90<<20 || grown > 80<<20 {
		t.Errorf("the heap grew by %d MB for a file of %d MB", grown>>20, imp.SizeBytes>>20)
	}
}

func TestImportOfWideRows(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp := must[Import](t)(b.CreateImport(b.ctx, Upload{ListID: b.list("News"), Filename: "wide.csv", Content: bigFile(50, 250)}))
	must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, ""), ""))
	imp = b.run(imp.ID)
	var attributes int
	if err := b.pool.QueryRow(b.ctx, `SELECT min((SELECT count(*) FROM jsonb_object_keys(attributes))) FROM subscribers`).Scan(&attributes); err != nil {
		t.Fatal(err)
	}
	if imp.Created != 50 || attributes != 250 {
		t.Errorf("%d people with %d attributes", imp.Created, attributes)
	}
}

func TestImportFindsABadByteBehindTheHead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var file strings.Builder
	file.WriteString("email,name\n")
	for i := range 60_000 {
		name := "Person"
		if i == 50_000 {
			name = "Ren\xe9"
		}
		fmt.Fprintf(&file, "person%d@example.org,%s\n", i, name)
	}
	imp := b.importFile(b.list("News"), file.String(), "")
	if imp.Status != ImportDone || imp.Created != 59_999 || imp.Rejected != 1 {
		t.Fatalf("got %+v", imp)
	}
	if e := b.errorsOf(imp.ID)[0]; e.Row != 50_002 || e.Column != "name" || e.Value != "Ren\uFFFD" || !strings.HasPrefix(e.Reason, "byte 0xE9 at position 4 ") {
		t.Errorf("got %+v", e)
	}
}

// TestImportJob goes the whole way through the real queue.
func TestImportJob(t *testing.T) {
	t.Parallel()
	b := setup(t)
	workers := river.NewWorkers()
	b.Workers(workers)
	client, err := river.NewClient(riverpgxv5.New(b.pool), &river.Config{
		Logger:  slog.New(slog.DiscardHandler),
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2}},
		Workers: workers, FetchCooldown: 10 * time.Millisecond, FetchPollInterval: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	events, unsubscribe := client.Subscribe(river.EventKindJobCompleted, river.EventKindJobFailed)
	defer unsubscribe()
	b.SetJobs(Inserter(client))
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := client.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := client.Stop(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	}()
	imp := b.upload(b.list("News"), randomFile(5, 300))
	must[Import](t)(b.StartImport(ctx, imp.ID, suggestedMapping(imp, ""), ""))
	select {
	case e := <-events:
		if e.Kind != river.EventKindJobCompleted {
			t.Fatalf("the job ended as %s: %+v", e.Kind, e.Job.Errors)
		}
	case <-ctx.Done():
		t.Fatal("the job did not end")
	}
	if imp = must[Import](t)(b.GetImport(ctx, imp.ID)); imp.Status != ImportDone || imp.Rows == 0 || imp.StartedAt == nil {
		t.Errorf("got %+v", imp)
	}
}

func TestImportInSlices(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp := b.upload(b.list("News"), randomFile(5, 12_000))
	must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, ""), ""))
	slices := 1
	for ; !must[bool](t)(b.runImport(b.ctx, imp.ID, 0)); slices++ {
		if got := must[Import](t)(b.GetImport(b.ctx, imp.ID)); got.Status != ImportRunning || got.Progress() <= 0 || got.Progress() >= 1 {
			t.Fatalf("between slices: %+v", got)
		}
	}
	if imp = must[Import](t)(b.GetImport(b.ctx, imp.ID)); imp.Status != ImportDone || slices != 3 {
		t.Errorf("%s after %d slices, want 3 of 5000 rows", imp.Status, slices)
	}
}

func TestImportIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp := b.upload(b.list("News"), "email\na@x.org\n")
	must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, ""), ""))
	if _, err := b.pool.Exec(b.ctx, `ALTER TABLE subscribers ADD CONSTRAINT nobody CHECK (false)`); err != nil {
		t.Fatal(err)
	}
	w := &importWorker{s: b.Service}
	for _, attempt := range []int{1, maxImportAttempts} {
		job := &river.Job[ImportArgs]{JobRow: jobRow(attempt), Args: ImportArgs{ImportID: imp.ID}}
		if err := w.Work(b.ctx, job); err == nil {
			t.Fatal("the broken database was not noticed")
		}
		imp = must[Import](t)(b.GetImport(b.ctx, imp.ID))
		if last := attempt == maxImportAttempts; last != (imp.Status == ImportFailed) || last != (imp.Error != nil) {
			t.Errorf("attempt %d: %+v", attempt, imp)
		}
	}
	if strings.Contains(*imp.Error, "nobody") {
		t.Errorf("the database's words are shown: %s", *imp.Error)
	}
	var chunks int
	if err := b.pool.QueryRow(b.ctx, `SELECT count(*) FROM import_chunks`).Scan(&chunks); err != nil || chunks != 0 {
		t.Errorf("%d chunks left (%v)", chunks, err)
	}
}

// Two imports into overlapping people at once end without a deadlock, and all people are there once.
func TestImportsAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lists := []int64{b.list("one"), b.list("two")}
	errs := make(chan error, len(lists))
	for i, list := range lists {
		imp := b.upload(list, randomFile(uint64(20+i), 3000))
		must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, ""), ""))
		go func() {
			_, err := b.runImport(b.ctx, imp.ID, time.Hour)
			errs <- err
		}()
	}
	for range lists {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	rows := must[pgx.Rows](t)(b.pool.Query(b.ctx, `SELECT status || rows - created - updated - unchanged - rejected FROM imports`))
	for _, s := range must[[]string](t)(pgx.CollectRows(rows, pgx.RowTo[string])) {
		if s != "done0" {
			t.Errorf("got %s", s)
		}
	}
}
