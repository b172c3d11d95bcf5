package migrations_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"postrider/internal/pg/pgtest"
	"postrider/migrations"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func TestPendingThenUpThenNothing(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyURL(t)
	pending, err := migrations.Pending(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if len(pending) < 2 || !strings.HasPrefix(pending[0], "schema 0001_") || !strings.HasPrefix(pending[len(pending)-1], "river ") {
		t.Errorf("pending on an empty database: %q", pending)
	}
	var tables int
	if err := connect(t, url).QueryRow(t.Context(), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").Scan(&tables); err != nil || tables != 0 {
		t.Errorf("Pending made %d tables (%v)", tables, err)
	}

	first, err := migrations.Up(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Steps) != len(pending) || first.Took <= 0 {
		t.Errorf("applied %d steps in %v, %d were pending", len(first.Steps), first.Took, len(pending))
	}
	for _, s := range first.Steps {
		if s.Version < 1 || s.Name == "" || (s.Source != "schema" && s.Source != "river") {
			t.Errorf("step %+v", s)
		}
	}
	exec(t, connect(t, url), "SELECT 1 FROM river_job, users")

	second, err := migrations.Up(t.Context(), url)
	if err != nil || len(second.Steps) != 0 {
		t.Errorf("the second run applied %+v, %v", second.Steps, err)
	}
	pending, err = migrations.Pending(t.Context(), url)
	if diff := cmp.Diff([]string{}, pending); err != nil || diff != "" {
		t.Errorf("pending after Up: %v %s", err, diff)
	}
}

func TestFourStartersOnAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyURL(t)
	var reports [4]migrations.Report
	var g errgroup.Group
	for i := range reports {
		g.Go(func() (err error) {
			reports[i], err = migrations.Up(t.Context(), url)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	worked := 0
	for _, r := range reports {
		if len(r.Steps) > 0 {
			worked++
		}
	}
	if worked != 1 {
		t.Errorf("%d of 4 applied something, want 1", worked)
	}
}

// lockKey is written out: releases that use different keys would migrate at the same time.
const lockKey = 0x706f737472696465

func TestWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	url := pgtest.EmptyURL(t)
	exec(t, connect(t, url), "SELECT pg_advisory_lock($1)", int64(lockKey))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	report, err := migrations.Up(ctx, url)
	if !errors.Is(err, context.DeadlineExceeded) || len(report.Steps) != 0 {
		t.Errorf("Up beside a lock holder: %+v, %v", report, err)
	}
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"schema version 9001": "INSERT INTO goose_db_version (version_id, is_applied) VALUES (9001, true)",
		"version 9002":        "INSERT INTO river_migration (line, version) VALUES ('main', 9002)",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.URL(t)
			exec(t, connect(t, url), sql)
			_, err := migrations.Up(t.Context(), url)
			if !errors.Is(err, migrations.ErrNewer) || !strings.Contains(err.Error(), name) {
				t.Errorf("Up: %v", err)
			}
			if _, err := migrations.Pending(t.Context(), url); !errors.Is(err, migrations.ErrNewer) {
				t.Errorf("Pending: %v", err)
			}
		})
	}
}

func TestVersionsOfAnotherQueueLineAreNotOurs(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	exec(t, connect(t, url), "INSERT INTO river_migration (line, version) VALUES ('addon', 9003)")
	if _, err := migrations.Up(t.Context(), url); err != nil {
		t.Error(err)
	}
}

func TestBadURLShowsNoPassword(t *testing.T) {
	t.Parallel()
	_, err := migrations.Up(t.Context(), "postgres://u:hunter2@127.0.0.1:notaport/x")
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error: %v", err)
	}
}

func TestFingerprintIsStable(t *testing.T) {
	t.Parallel()
	a, err := migrations.Fingerprint()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := migrations.Fingerprint(); err != nil || a != b || len(a) != 16 {
		t.Errorf("%q, then %q (%v)", a, b, err)
	}
}
