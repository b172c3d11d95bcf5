package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

type benchImportCmd struct {
	Rows       int    `default:"500000" help:"Rows of each file."`
	JSON       bool   `name:"json" help:"Print the result as one JSON object, as the last line."`
	CPUProfile string `name:"cpu-profile" help:"File for a profile of the processor time, as go tool pprof reads it." placeholder:"FILE"`
	PGBin      string `name:"pg-bin" env:"POSTRIDER_PG_BIN" help:"Folder of the Postgres programs." placeholder:"DIR"`
}

// importFigures are those of one file. Rates are rows a second; an import's is from the start of the job to its end, after the upload. Ratio is RowsPerS over CopyRowsPerS.
type importFigures struct {
	Rows         int64   `json:"rows"`
	Seconds      float64 `json:"seconds"`
	RowsPerS     float64 `json:"rows_per_s"`
	CopyRowsPerS float64 `json:"copy_rows_per_s"` // COPY of the same file into a table of text columns with a unique index, in the same database
	Ratio        float64 `json:"ratio"`
	PeakRSSMB    float64 `json:"peak_rss_mb"` // of this program, upload included
	UploadS      float64 `json:"upload_s"`
	CheckS       float64 `json:"check_s"` // the dry run before
	Created      int64   `json:"created"`
	Updated      int64   `json:"updated"`
	Unchanged    int64   `json:"unchanged"`
	Rejected     int64   `json:"rejected"`
}

// importResult is what --json prints: the figures of a file with new people only, and beside them those of one of which half are known.
type importResult struct {
	importFigures
	Half   importFigures `json:"half_existing"`
	UndoS  float64       `json:"undo_s"`  // of the first file
	IndexS float64       `json:"index_s"` // until the last person could be found by the index of the search, after the end of the import
}

func (c benchImportCmd) check() error {
	if c.Rows < 1000 || c.Rows > 20_000_000 {
		return errors.New("--rows must be between 1,000 and 20,000,000")
	}
	return nil
}

// Run measures and prints.
func (c benchImportCmd) Run(ctx context.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	screen := &demoScreen{w: os.Stdout}
	if c.JSON {
		screen.w = os.Stderr
	}
	res, err := c.measure(ctx, screen)
	if err != nil {
		return err
	}
	for _, f := range []struct {
		what string
		importFigures
	}{{"new people only", res.importFigures}, {"half of them known", res.Half}} {
		screen.say("\n  %s", f.what)
		screen.say("  %-34s %10.0f rows/s (%d in %.2f s)", "import", f.RowsPerS, f.Rows, f.Seconds)
		screen.say("  %-34s %10.0f rows/s, of which the import reached %.0f %%", "bare COPY with a unique index", f.CopyRowsPerS, 100*f.Ratio)
		screen.say("  %-34s %10.2f s for the upload, %.2f s for the dry run", "before", f.UploadS, f.CheckS)
		screen.say("  %-34s %10.1f MB", "most memory", f.PeakRSSMB)
	}
	screen.say("\n  %-34s %10.2f s", "undoing the first file", res.UndoS)
	screen.say("  %-34s %10.2f s after the import", "all in the index of the search", res.IndexS)
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(res)
	}
	return nil
}

func (c benchImportCmd) measure(ctx context.Context, screen *demoScreen) (importResult, error) {
	var res importResult
	dir, remove, err := benchFolder("import")
	if err != nil {
		return res, err
	}
	defer remove()
	cfg := config{DataDir: dir, PGBin: c.PGBin, Inbox: "off", Workers: 32, Signing: "auto", StopTimeout: 30 * time.Second, LogFormat: "text", LogLevel: "warn"}
	a, url, stop, err := serveBench(ctx, cfg, screen)
	if err != nil {
		return res, err
	}
	defer stop()
	b := &importBench{benchImportCmd: c, pool: a.pool, api: newClient(url), screen: screen, dir: dir}
	return res, b.run(ctx, &res)
}

type importBench struct {
	benchImportCmd
	pool   *pgxpool.Pool
	api    *client
	screen *demoScreen
	dir    string
	list   int64
}

func (b *importBench) run(ctx context.Context, res *importResult) error {
	err := b.api.call(ctx, http.MethodPost, "/setup", object{"organization": "The Library Garden", "name": "Bench", "email": benchEmail, "password": benchPassword}, nil)
	if err != nil {
		return err
	}
	var list created
	if err := b.api.call(ctx, http.MethodPost, "/lists", object{"name": "Bench"}, &list); err != nil {
		return err
	}
	b.list = list.ID
	if b.CPUProfile != "" {
		f, err := os.Create(b.CPUProfile)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	first, id, err := b.file(ctx, "new.csv", b.people(0, b.Rows))
	if err != nil {
		return err
	}
	res.importFigures = first
	began := time.Now()
	if err := b.indexed(ctx); err != nil {
		return err
	}
	res.IndexS = time.Since(began).Seconds()
	// Half of these are of the first file, every other of them with another city.
	if res.Half, _, err = b.file(ctx, "half.csv", b.people(b.Rows/2, b.Rows/2+b.Rows)); err != nil {
		return err
	}
	res.UndoS, err = b.undo(ctx, id)
	return err
}

// people gives the indexes lo to hi in an order like that of a real list, which is not that of the addresses.
func (b *importBench) people(lo, hi int) []int {
	out := make([]int, hi-lo)
	for i := range out {
		out[i] = lo + i
	}
	r := rand.New(rand.NewPCG(1, uint64(lo)))
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// file writes a file and imports it, after a bare COPY of it.
func (b *importBench) file(ctx context.Context, name string, people []int) (importFigures, int64, error) {
	f := importFigures{Rows: int64(len(people))}
	path := filepath.Join(b.dir, name)
	if err := b.write(path, name == "half.csv", people); err != nil {
		return f, 0, err
	}
	var copying float64
	for range rawCopies {
		seconds, err := b.copyRaw(ctx, path)
		if err != nil {
			return f, 0, err
		}
		copying += seconds
	}
	f.CopyRowsPerS = rawCopies * float64(f.Rows) / copying
	resetMemoryPeak()
	began := time.Now()
	in, err := os.Open(path)
	if err != nil {
		return f, 0, err
	}
	defer func() { _ = in.Close() }()
	var imp benchImported
	if err := b.api.stream(ctx, "/imports", map[string]string{"list_id": fmt.Sprint(b.list)}, name, in, &imp); err != nil {
		return f, 0, err
	}
	f.UploadS = time.Since(began).Seconds()
	columns := []object{{"index": 0, "target": "email"}, {"index": 1, "target": "name"}}
	for i, attribute := range []string{"city", "age", "member_since", "plan"} {
		columns = append(columns, object{"index": 2 + i, "target": "attribute", "attribute": attribute})
	}
	mapping := object{"mapping": object{"status": "subscribed", "columns": columns}}
	began = time.Now()
	if err := b.step(ctx, &imp, "check", mapping, "Checking", "uploaded"); err != nil {
		return f, 0, err
	}
	f.CheckS = time.Since(began).Seconds()
	if err := b.step(ctx, &imp, "start", mapping, "Importing", "done"); err != nil {
		return f, 0, err
	}
	f.PeakRSSMB = memoryPeak()
	if imp.Rows != f.Rows {
		return f, 0, fmt.Errorf("%d of %d rows were imported", imp.Rows, f.Rows)
	}
	f.Created, f.Updated, f.Unchanged, f.Rejected = imp.Created, imp.Updated, imp.Unchanged, imp.Rejected
	f.Seconds = imp.FinishedAt.Sub(imp.StartedAt).Seconds()
	f.RowsPerS = float64(f.Rows) / f.Seconds
	f.Ratio = f.RowsPerS / f.CopyRowsPerS
	return f, imp.ID, nil
}

// benchImported is what a benchmark reads of an import.
type benchImported struct {
	ID         int64
	Status     string
	Error      *string
	Progress   float64
	Rows       int64
	Created    int64
	Updated    int64
	Unchanged  int64
	Rejected   int64
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
}

// step asks for something that a job does, and waits for the state in which it ends.
func (b *importBench) step(ctx context.Context, imp *benchImported, verb string, body object, doing, want string) error {
	path := fmt.Sprintf("/imports/%d", imp.ID)
	if err := b.api.call(ctx, http.MethodPost, path+"/"+verb, body, imp); err != nil {
		return err
	}
	err := pollFor(ctx, time.Hour, 100*time.Millisecond, func() (bool, error) {
		err := b.api.call(ctx, http.MethodGet, path, nil, imp)
		b.screen.bar(doing, int64(imp.Progress*1000), 1000)
		return imp.Status == want || imp.Status == "failed", err
	})
	if err == nil && imp.Status != want {
		err = fmt.Errorf("the import is %s", imp.Status)
	}
	return err
}

func (b *importBench) undo(ctx context.Context, id int64) (seconds float64, err error) {
	began := time.Now()
	err = b.step(ctx, &benchImported{ID: id}, "undo", nil, "Undoing", "undone")
	return time.Since(began).Seconds(), err
}

// indexed waits until nobody is left in the backlog of the search.
func (b *importBench) indexed(ctx context.Context) error {
	return pollFor(ctx, time.Hour, 100*time.Millisecond, func() (bool, error) {
		var left int
		err := b.pool.QueryRow(ctx, `SELECT count(*) FROM subscriber_search_backlog`).Scan(&left)
		return left == 0, err
	})
}

// write makes a list as people upload them.
func (b *importBench) write(path string, moved bool, people []int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 1<<20)
	_, _ = w.WriteString("email,name,city,age,member_since,plan\n")
	for _, i := range people {
		city := i
		if moved && i%2 == 0 {
			city++
		}
		_, _ = fmt.Fprintf(w, "%s,%s %s,%s,%d,20%02d-%02d-%02d,%s\n", benchAddress(i), demoFirst[i%len(demoFirst)], demoLast[i%len(demoLast)], demoCities[city%len(demoCities)],
			18+i%70, 10+i%16, 1+i%12, 1+i%28, []string{"free", "pro"}[i%2])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

// rawCopies is how often that is measured, since a machine that others use too is not always as fast.
const rawCopies = 3

// copyRaw is the limit: the same file by COPY into a table that keeps addresses unique, and nothing else.
func (b *importBench) copyRaw(ctx context.Context, path string) (seconds float64, err error) {
	in, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close() }()
	conn, err := b.pool.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `CREATE TABLE bench_raw (email text UNIQUE, name text, city text, age text, member_since text, plan text)`); err != nil {
		return 0, err
	}
	b.screen.say("Copying %s as it is …", filepath.Base(path))
	began := time.Now()
	if _, err := conn.Conn().PgConn().CopyFrom(ctx, bufio.NewReaderSize(in, 1<<20), `COPY bench_raw FROM STDIN (FORMAT csv, HEADER)`); err != nil {
		return 0, err
	}
	seconds = time.Since(began).Seconds()
	_, err = conn.Exec(ctx, `DROP TABLE bench_raw`)
	return seconds, err
}
