package pgtest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/pg/pgtest"
	"postrider/migrations"
)

func count(t *testing.T, db interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := db.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSixteenDatabasesAtOnce(t *testing.T) {
	t.Parallel()
	for i := range 16 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			db := pgtest.DB(t)
			if n := count(t, db, "SELECT count(*) FROM river_job"); n != 0 {
				t.Errorf("%d jobs in a new database", n)
			}
			if _, err := db.Exec(t.Context(), "CREATE TABLE mine (i int); INSERT INTO mine VALUES (1)"); err != nil {
				t.Errorf("the database is not the test's own: %v", err)
			}
		})
	}
}

func TestDatabaseIsMigratedAndDropped(t *testing.T) {
	t.Parallel()
	outer := pgtest.DB(t)
	var name string
	t.Run("inner", func(t *testing.T) {
		url := pgtest.URL(t)
		pending, err := migrations.Pending(t.Context(), url)
		if err != nil || len(pending) != 0 {
			t.Errorf("pending %v, %v", pending, err)
		}
		cfg, err := pgxpool.ParseConfig(url)
		if err != nil {
			t.Fatal(err)
		}
		name = cfg.ConnConfig.Database
		conn, err := pgx.Connect(t.Context(), url) // left open: the drop must not mind
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		if n := count(t, conn, "SELECT count(*) FROM pg_database WHERE datname = $1", name); n != 1 {
			t.Fatal("the database is not there")
		}
	})
	if n := count(t, outer, "SELECT count(*) FROM pg_database WHERE datname = $1", name); n != 0 {
		t.Error("the database is still there")
	}
}

func TestTxIsRolledBack(t *testing.T) {
	t.Parallel()
	t.Run("writes", func(t *testing.T) {
		tx := pgtest.Tx(t)
		if _, err := tx.Exec(t.Context(), "CREATE TABLE left_behind ()"); err != nil {
			t.Fatal(err)
		}
	})
	if n := count(t, pgtest.Tx(t), "SELECT count(*) FROM pg_class WHERE relname = 'left_behind'"); n != 0 {
		t.Error("the table is still there")
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.EmptyURL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if n := count(t, conn, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"); n != 0 {
		t.Errorf("%d tables", n)
	}
}

// TestChild is the program that TestNothingIsLeft kills.
func TestChild(t *testing.T) {
	if os.Getenv("PGTEST_CHILD") == "" {
		return
	}
	var dir string
	if err := pgtest.DB(t).QueryRow(t.Context(), "SHOW data_directory").Scan(&dir); err != nil {
		t.Fatal(err)
	}
	fmt.Println("dir", strings.TrimSuffix(dir, "/data/cluster"))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	if os.Getenv("DATABASE_URL_TEST") != "" {
		return // no server is started then
	}
	for _, how := range []string{"killed", "ended"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			child := exec.Command(os.Args[0], "-test.run=^TestChild$")
			child.Env = append(os.Environ(), "PGTEST_CHILD=1")
			in, err := child.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			out, err := child.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			dir := ""
			for sc := bufio.NewScanner(out); dir == "" && sc.Scan(); {
				dir, _ = strings.CutPrefix(sc.Text(), "dir ")
				if !strings.HasPrefix(dir, "/") {
					dir = ""
				}
			}
			if how == "killed" {
				_ = child.Process.Kill()
			} else {
				_ = in.Close()
			}
			_ = child.Wait()
			if dir == "" {
				t.Fatal("the child did not start a server")
			}
			waitGone(t, dir)
		})
	}
}

func waitGone(t *testing.T, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := os.Stat(dir); os.IsNotExist(err) {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is still there", dir)
		case <-tick.C:
		}
	}
}
