// Package pgtest gives tests a real Postgres with the current schema.
//
// Each test binary starts a private server when the first test asks for it (about a second, nothing durable) and a new database is a copy of a migrated
// template (tens of milliseconds). The server ends and its files go away when the test process ends, in whichever way. With DATABASE_URL_TEST set,
// that server is used instead; its role must be allowed to create databases.
//
// A test fails when there is no Postgres: it never skips. No TestMain is needed. Packages that look for leaked goroutines ask for a database first
// and then pass goleak.IgnoreCurrent, because the server's keeper lives as long as the process.
package pgtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// shared is the one server of this process. It has to be a package variable: tests have nothing else in common.
var shared = sync.OnceValues(startServer)

// maxConns bounds a test's pool, so that 16 parallel tests fit into the server and a test that holds a connection while it asks for
// another shows itself.
const maxConns = 8

// DB gives a pool on a database of the test's own with the current schema. Both are gone when the test ends.
func DB(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return pool(t, URL(t))
}

// URL is DB for code that connects by itself: it gives the connection string.
func URL(t testing.TB) string {
	t.Helper()
	s := server(t)
	return s.create(t, s.template)
}

// EmptyURL gives the connection string of a database of the test's own without any table, for tests of the migrations.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return server(t).create(t, "template0")
}

// Tx gives a transaction in a database that all such tests share; it is rolled back when the test ends. It is the cheapest way, for tests that
// need one connection and no commit. Parallel tests that insert the same unique value wait for each other here: use DB for those.
func Tx(t testing.TB) pgx.Tx {
	t.Helper()
	ctx := context.Background() // the test's own context ends before its cleanups run
	p, err := server(t).txPool()
	if err != nil {
		t.Fatal("a database for tests: ", err)
	}
	tx, err := p.Begin(ctx)
	if err != nil {
		t.Fatal("a transaction for the test: ", err)
	}
	t.Cleanup(func() {
		if err := tx.Rollback(ctx); err != nil && err != pgx.ErrTxClosed {
			t.Error("rolling the test's transaction back: ", err)
		}
	})
	return tx
}

func server(t testing.TB) *testServer {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal("no Postgres for tests: ", err)
	}
	return s
}

func pool(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxConns = maxConns
	p, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		closed := make(chan struct{})
		go func() { p.Close(); close(closed) }()
		select {
		case <-closed:
		case <-time.After(10 * time.Second):
			t.Error("the test's pool cannot be closed: a connection or transaction was taken and not given back")
		}
	})
	return p
}

// create copies a database under a new name and drops it at the end of the test.
func (s *testServer) create(t testing.TB, template string) string {
	t.Helper()
	ctx := context.Background()
	name := "postrider_test_" + strings.ToLower(rand.Text()[:12])
	if _, err := s.admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatal("making a database for the test: ", err)
	}
	t.Cleanup(func() {
		if _, err := s.admin.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error("dropping the test's database: ", err)
		}
	})
	return withDatabase(s.dsn, name)
}

// withDatabase changes the database in a connection string of either form.
func withDatabase(dsn, name string) string {
	if !strings.Contains(dsn, "://") {
		return dsn + " dbname=" + name // the last one counts
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn // connecting says what is wrong with it
	}
	u.Path = "/" + name
	q := u.Query()
	q.Del("dbname")
	q.Del("database")
	u.RawQuery = q.Encode()
	return u.String()
}
