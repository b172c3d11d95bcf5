package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

const (
	versionTable = "goose_db_version"
	// lockKey is the advisory lock of everyone who migrates: "postride" as a number. It must never change between releases.
	lockKey = 0x706f737472696465
	// lockPoll is how often a starter that has to wait looks again.
	lockPoll = 50 * time.Millisecond
)

// Step is one migration that was applied.
type Step struct {
	Source  string // "schema" for our own files, "river" for the job queue's
	Version int64
	Name    string // the file, or the queue's own name for it
	Took    time.Duration
}

// Report says what Up did. No steps means that there was nothing to do.
type Report struct {
	Steps []Step
	Took  time.Duration // all of it, with the wait for other starters
}

// Up applies what is missing. Any number of processes may call it at once: one works, the others wait and then find nothing to do. A database
// that a newer program has migrated is refused, because this program does not know what its tables mean by now. When a migration fails, the
// report has the steps before it; they stay applied, and the next Up goes on from there.
func Up(ctx context.Context, databaseURL string) (Report, error) {
	began := time.Now()
	d, err := open(ctx, databaseURL)
	if err != nil {
		return Report{}, err
	}
	defer d.close()
	if err := d.lock(ctx); err != nil {
		return Report{}, err
	}
	steps, err := d.up(ctx)
	return Report{Steps: steps, Took: time.Since(began)}, err
}

// Pending lists what Up would apply, in order, such as "schema 0002_audience.sql" and "river 6: …". It changes nothing in the database and does not
// wait for others. A database newer than the program is an error, as it is for Up.
func Pending(ctx context.Context, databaseURL string) ([]string, error) {
	d, err := open(ctx, databaseURL)
	if err != nil {
		return nil, err
	}
	defer d.close()
	done, err := d.applied(ctx)
	if err != nil {
		return nil, err
	}
	pending := []string{}
	for _, s := range d.schema.ListSources() {
		if !slices.Contains(done.schema, s.Version) {
			pending = append(pending, "schema "+s.Path)
		}
	}
	for _, m := range d.river.AllVersions() {
		if !slices.Contains(done.river, int64(m.Version)) {
			pending = append(pending, fmt.Sprintf("river %d: %s", m.Version, m.Name))
		}
	}
	return pending, nil
}

// database is one database with all that migrating it takes.
type database struct {
	conn   *pgx.Conn // dedicated: it holds the lock, and a pool could hand it to somebody else
	sql    *sql.DB   // what goose works with
	pool   *pgxpool.Pool
	schema *goose.Provider
	river  *rivermigrate.Migrator[pgx.Tx]
}

func open(ctx context.Context, databaseURL string) (_ *database, err error) {
	cfg, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("the database URL cannot be read: %w", err)
	}
	cfg.MaxConns, cfg.MinConns, cfg.MinIdleConns = 2, 0, 0
	d := &database{}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	if d.conn, err = pgx.ConnectConfig(ctx, cfg.ConnConfig); err != nil {
		return nil, fmt.Errorf("connecting to migrate the database: %w", err)
	}
	d.sql = stdlib.OpenDB(*cfg.ConnConfig)
	if d.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, fmt.Errorf("connecting to migrate the database: %w", err)
	}
	d.schema, err = goose.NewProvider(goose.DialectPostgres, d.sql, files, goose.WithTableName(versionTable), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	d.river, err = newRiver(d.pool)
	return d, err
}

// newRiver takes a nil pool when only the list of versions is wanted.
func newRiver(pool *pgxpool.Pool) (*rivermigrate.Migrator[pgx.Tx], error) {
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("preparing the job queue's migrations: %w", err)
	}
	return m, nil
}

func latestRiver() (int, error) {
	m, err := newRiver(nil)
	if err != nil {
		return 0, err
	}
	all := m.AllVersions()
	return all[len(all)-1].Version, nil
}

func (d *database) close() {
	if d.pool != nil {
		d.pool.Close()
	}
	if d.sql != nil {
		_ = d.sql.Close()
	}
	if d.conn != nil {
		_ = d.conn.Close(context.Background()) // ends the session and with it the lock
	}
}

// lock takes the advisory lock by asking again and again. A session that waits inside pg_advisory_lock holds a snapshot, and CREATE INDEX
// CONCURRENTLY in the session that works waits for all older snapshots: the two would wait for each other, which Postgres cannot see.
func (d *database) lock(ctx context.Context) error {
	tick := time.NewTicker(lockPoll)
	defer tick.Stop()
	for {
		var got bool
		if err := d.conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, int64(lockKey)).Scan(&got); err != nil {
			return fmt.Errorf("taking the migration lock: %w", err)
		}
		if got {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("waiting for another process to finish migrating the database: %w", context.Cause(ctx))
		}
	}
}

func (d *database) up(ctx context.Context) ([]Step, error) {
	if _, err := d.applied(ctx); err != nil {
		return nil, err
	}
	results, err := d.schema.Up(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		results = partial.Applied
	}
	var steps []Step
	for _, r := range results {
		steps = append(steps, Step{Source: "schema", Version: r.Source.Version, Name: r.Source.Path, Took: r.Duration})
	}
	if err != nil {
		return steps, fmt.Errorf("migrating the database: %w", err)
	}
	// Not MigrateTx: River's version 6 uses an enum value that its own transaction has just added, which Postgres refuses in one transaction.
	res, err := d.river.Migrate(ctx, rivermigrate.DirectionUp, nil)
	if err != nil {
		return steps, fmt.Errorf("migrating the job queue's tables: %w", err)
	}
	for _, v := range res.Versions {
		steps = append(steps, Step{Source: "river", Version: int64(v.Version), Name: v.Name, Took: v.Duration})
	}
	return steps, nil
}

// versions are those a database has, by source.
type versions struct{ schema, river []int64 }

// applied reads what the database has and refuses what this program does not know.
func (d *database) applied(ctx context.Context) (versions, error) {
	v := versions{}
	var err error
	if v.schema, err = d.read(ctx, versionTable, `SELECT version_id FROM goose_db_version WHERE is_applied AND version_id > 0 ORDER BY version_id`); err != nil {
		return v, err
	}
	// Before River's version 5 the table has no "line" column, so that it is asked for through the row. Other lines belong to add-ons.
	if v.river, err = d.read(ctx, "river_migration",
		`SELECT version::bigint FROM river_migration AS m WHERE coalesce(to_jsonb(m) ->> 'line', 'main') = 'main' ORDER BY version`); err != nil {
		return v, err
	}
	known := versions{}
	for _, s := range d.schema.ListSources() {
		known.schema = append(known.schema, s.Version)
	}
	for _, m := range d.river.AllVersions() {
		known.river = append(known.river, int64(m.Version))
	}
	if err := refuseUnknown("schema", v.schema, known.schema); err != nil {
		return v, err
	}
	return v, refuseUnknown("job queue (river)", v.river, known.river)
}

// read gives the versions in a table that may not exist yet.
func (d *database) read(ctx context.Context, table, query string) ([]int64, error) {
	var exists bool
	if err := d.conn.QueryRow(ctx, `SELECT to_regclass($1) IS NOT NULL`, table).Scan(&exists); err != nil || !exists {
		return nil, wrapIf(err, "looking for table "+table)
	}
	rows, err := d.conn.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("reading table %s: %w", table, err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	return out, wrapIf(err, "reading table "+table)
}

func wrapIf(err error, doing string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// ErrNewer is in the chain of the error about a database that a newer program has migrated.
var ErrNewer = errors.New("the database is newer than this program")

func refuseUnknown(what string, applied, known []int64) error {
	for _, v := range applied {
		if !slices.Contains(known, v) {
			return fmt.Errorf("%w: it has %s version %d and this program knows versions up to %d; run the newer Postrider, or restore a backup made before it",
				ErrNewer, what, v, slices.Max(known))
		}
	}
	return nil
}
