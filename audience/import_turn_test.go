package audience

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// running starts an import of a file and gives its batches of a few rows each.
func (b *bundle) running(file string, rows int64) (Import, []*batch) {
	b.t.Helper()
	imp := b.upload(b.list("News"), file)
	must[Import](b.t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, ""), ""))
	b.exec(`UPDATE imports SET status = 'running' WHERE id = $1`, imp.ID)
	imp = must[Import](b.t)(b.GetImport(b.ctx, imp.ID))
	records, err := b.openRecords(b.ctx, imp)
	if err != nil {
		b.t.Fatal(err)
	}
	defer records.Close()
	var out []*batch
	next := newBatch(b.rowMapper(imp.Columns, *imp.Mapping), 0)
	for end := false; !end; next = newBatch(next.mapper, next.start+next.rows) {
		end = must[bool](b.t)(next.fill(b.ctx, records, rows))
		out = append(out, next)
	}
	return imp, out
}

func (b *bundle) count(sql string, args ...any) (n int) {
	b.t.Helper()
	if err := b.pool.QueryRow(b.ctx, sql, args...).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// until waits for a count to be as wanted. The test's own time is the limit.
func (b *bundle) until(want int, sql string, args ...any) {
	b.t.Helper()
	for b.count(sql, args...) != want {
		if err := b.ctx.Err(); err != nil {
			b.t.Fatal(err)
		}
	}
}

// waiting counts the sessions that wait for the turn of the imports.
const waiting = `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

func addresses(n int) string {
	var out strings.Builder
	out.WriteString("email\n")
	for i := range n {
		// In the order of the addresses it is another one.
		fmt.Fprintf(&out, "p%d@x.org\n", (i*7919+13)%1009)
	}
	return out.String()
}

// TestBatchesAreCommittedInOrder begins with the second of two batches. It must wait for the first, with its ids and its counters.
func TestBatchesAreCommittedInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp, batches := b.running(addresses(20), 10)
	first := newMerging(batches[0], nil)
	second := newMerging(batches[1], first)
	ended := make(chan error, 1)
	go func() { ended <- b.commit(b.ctx, imp, second) }()
	b.until(1, `SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE '%suppressions%' AND datname = current_database()`)
	if err := b.commit(b.ctx, imp, first); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	rows, err := b.pool.Query(b.ctx, `SELECT email FROM subscribers ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	got := must[[]string](t)(pgx.CollectRows(rows, pgx.RowTo[string]))
	if file := "email\n" + strings.Join(got, "\n") + "\n"; file != addresses(20) {
		t.Errorf("the ids are not in the order of the file: %v", got)
	}
	if n := b.count(`SELECT rows FROM imports WHERE id = $1`, imp.ID); n != 20 {
		t.Errorf("%d rows are counted", n)
	}
}

// TestABrokenBatchTakesTheNextWithIt: what was merged beside a batch that fails is taken back too, and all of it comes in the next time.
func TestABrokenBatchTakesTheNextWithIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.batchRows = 10
	b.exec(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$`)
	b.exec(`CREATE TRIGGER refused BEFORE INSERT ON subscribers FOR EACH ROW WHEN (NEW.email_key = 'p13@x.org') EXECUTE FUNCTION refuse()`) // the first row
	imp := b.upload(b.list("News"), addresses(40))
	must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, ""), ""))
	if _, err := b.runImport(b.ctx, imp.ID, time.Hour); err == nil || !strings.Contains(err.Error(), "not today") {
		t.Fatalf("the reason is not told: %v", err)
	}
	if people, rows := b.count(`SELECT count(*) FROM subscribers`), b.count(`SELECT rows FROM imports`); people != 0 || rows != 0 {
		t.Errorf("%d people and %d rows are in", people, rows)
	}
	b.exec(`DROP TRIGGER refused ON subscribers`)
	if done := b.run(imp.ID); done.Status != ImportDone || done.Created != 40 {
		t.Errorf("the next time: %+v", countsOf(done))
	}
}

// TestTheTurnIsGivenAway: whoever waits for a turn gets it between two batches, and the import goes on after them.
func TestTheTurnIsGivenAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	imp, all := b.running(addresses(40), 10)
	batches, ended := make(chan *batch), make(chan error, 1)
	go func() { ended <- b.mergeAll(b.ctx, imp, batches, newPace(10)) }()
	batches <- all[0]
	b.until(10, `SELECT rows FROM imports WHERE id = $1`, imp.ID)

	has, free := make(chan int, 1), make(chan struct{})
	other := make(chan error, 1)
	go func() {
		other <- pgx.BeginFunc(b.ctx, b.pool, func(tx pgx.Tx) error {
			if err := mergeTurn(b.ctx, tx); err != nil {
				return err
			}
			var rows int
			err := tx.QueryRow(b.ctx, `SELECT rows FROM imports WHERE id = $1`, imp.ID).Scan(&rows)
			has <- rows
			<-free
			return err
		})
	}()
	b.until(1, waiting)
	batches <- all[1]
	if rows := <-has; rows != 20 {
		t.Errorf("the turn came at row %d", rows)
	}
	b.until(1, waiting) // now it is the import that waits
	close(free)
	batches <- all[2]
	batches <- all[3]
	close(batches)
	for _, err := range []error{<-ended, <-other} {
		if err != nil {
			t.Error(err)
		}
	}
	if n := b.count(`SELECT rows FROM imports WHERE id = $1`, imp.ID); n != 40 {
		t.Errorf("%d rows are in", n)
	}
}

// TestAnImportThatIsLockedOutGoesOnLater: a batch that does not get a lock gives its turn away instead of holding up everybody.
func TestAnImportThatIsLockedOutGoesOnLater(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.lockWait = 20 * time.Millisecond
	list := b.list("News")
	b.importFile(list, "email,name\na@x.org,Ann\n", "")
	imp := b.upload(list, "email,name\na@x.org,Anna\n")
	must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, ""), ""))
	tx, err := b.pool.Begin(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(b.ctx)) }()
	if _, err := tx.Exec(b.ctx, `SELECT FROM subscribers FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	if ended, err := b.runImport(b.ctx, imp.ID, time.Hour); ended || err != nil {
		t.Fatalf("got %v, %v", ended, err)
	}
	if err := tx.Rollback(b.ctx); err != nil {
		t.Fatal(err)
	}
	b.lockWait = defaultLockWait
	if done := b.run(imp.ID); done.Updated != 1 {
		t.Errorf("the next time: %+v", countsOf(done))
	}
}

// TestBatchesThatMeet: two batches about one person are not merged side by side.
func TestBatchesThatMeet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, batches := b.running("email\na@x.org\nb@x.org\nc@x.org\nd@x.org\nA@x.org\ne@x.org\n", 2)
	if batches[0].meets(batches[1]) || !batches[0].meets(batches[2]) || !batches[2].meets(batches[0]) {
		t.Error("who meets whom is not known")
	}
	// With a row for each batch all of them are about the same person, so that any two at once would be seen by what is left.
	b.batchRows = 1
	var file strings.Builder
	file.WriteString("email,name\n")
	for i := range 60 {
		fmt.Fprintf(&file, "ann@x.org,Ann %d\n", i)
	}
	imp := b.importFile(b.list("Ann"), file.String(), "")
	if imp.Created != 1 || imp.Updated != 59 || b.count(`SELECT count(*) FROM subscribers WHERE name = 'Ann 59'`) != 1 {
		t.Errorf("%+v", countsOf(imp))
	}
}
