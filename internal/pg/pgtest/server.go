package pgtest

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/pg/pgboot"
	"postrider/migrations"
)

// startTimeout bounds the start of the server and the making of the template together.
const startTimeout = 2 * time.Minute

// lockKey is the advisory lock of processes that make the template on one server: "postride" + 1, so that it is not the one of the migrations.
const lockKey = 0x706f737472696466

// testServer is a server with a migrated template.
type testServer struct {
	dsn      string
	admin    *pgxpool.Pool // makes and drops databases
	template string        // the name says which schema it has, so that a server that stays keeps one for each
	txName   string
	txPool   func() (*pgxpool.Pool, error)
}

func startServer() (*testServer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	schema, err := migrations.Fingerprint()
	if err != nil {
		return nil, err
	}
	s := &testServer{dsn: os.Getenv("DATABASE_URL_TEST"), template: "postrider_template_" + schema, txName: "postrider_tx_" + schema}
	if s.dsn == "" {
		if s.dsn, err = startPrivate(ctx); err != nil {
			return nil, err
		}
	}
	if s.admin, err = newPool(ctx, s.dsn, 4); err != nil {
		return nil, err
	}
	if err := s.ensureTemplates(ctx); err != nil {
		return nil, err
	}
	s.txPool = sync.OnceValues(func() (*pgxpool.Pool, error) {
		return newPool(context.Background(), withDatabase(s.dsn, s.txName), 32)
	})
	return s, nil
}

func newPool(ctx context.Context, dsn string, maxConns int32) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = maxConns
	return pgxpool.NewWithConfig(ctx, cfg)
}

// startPrivate starts the server of this process, and before it the reaper that removes every trace when the process ends.
func startPrivate(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp(tempDir(), "postrider-test-")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o711); err != nil { // root's server runs as another user, who has to pass
		return "", err
	}
	if err := startReaper(dir); err != nil {
		return "", fmt.Errorf("starting the reaper of the test server: %w", err)
	}
	srv, err := pgboot.Start(ctx, pgboot.Config{
		DataDir:  filepath.Join(dir, "data"),
		CacheDir: cacheDir(),
		BinDir:   os.Getenv("POSTRIDER_PG_BIN"),
		Settings: map[string]string{
			"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", // nothing outlives the process
			"autovacuum":     "off", // plans and page counts do not depend on when it came by
			"shared_buffers": "64MB", "max_connections": "300", "jit": "off",
			"wal_level": "minimal", "max_wal_senders": "0", "wal_compression": "off",
		},
	})
	if err != nil {
		return "", err
	}
	return srv.URL(), nil
}

// reaper waits for the end of its input, which the kernel brings about however the test process ends. The server is on its way down by then
// where there is a parent-death signal, and is told here where there is none.
const reaper = `cat >/dev/null
pidfile="$1/data/cluster/postmaster.pid"
pid=$(head -n 1 "$pidfile" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null
n=0
while [ -e "$pidfile" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
rm -rf "$1" || { sleep 1; rm -rf "$1"; }`

func startReaper(dir string) error {
	cmd := exec.Command("/bin/sh", "-c", reaper, "sh", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // a Ctrl-C must not reach it before its work is done
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	keepOpen.Store(&in)
	return nil
}

// keepOpen holds the reaper's input until the process ends: a pipe that nobody refers to is closed by the garbage collector.
var keepOpen atomic.Pointer[io.WriteCloser]

// tempDir is the system's one, unless root's server could not get there.
func tempDir() string {
	dir := os.TempDir()
	for at := dir; os.Geteuid() == 0; at = filepath.Dir(at) {
		if fi, err := os.Stat(at); err != nil || fi.Mode()&0o001 == 0 {
			return "/tmp"
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	return dir
}

// cacheDir is where binaries are kept on a machine that has no Postgres of its own.
func cacheDir() string {
	if os.Geteuid() == 0 {
		return "/var/cache/postrider" // the home of root is closed to the user the server runs as
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "postrider")
}

// ensureTemplates makes the template and the database of Tx, once for each schema on a server. A name is given only when the content is whole.
func (s *testServer) ensureTemplates(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) // ends the lock
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, int64(lockKey)); err != nil {
		return err
	}
	if err := ensure(ctx, conn, s.template, func(unfinished string) error {
		_, err := migrations.Up(ctx, withDatabase(s.dsn, unfinished))
		return err
	}, "template0"); err != nil {
		return fmt.Errorf("making the template: %w", err)
	}
	if err := ensure(ctx, conn, s.txName, func(string) error { return nil }, s.template); err != nil {
		return fmt.Errorf("making the database of Tx: %w", err)
	}
	return nil
}

// ensure makes a database unless it exists, under another name until fill is done.
func ensure(ctx context.Context, conn *pgx.Conn, name string, fill func(unfinished string) error, from string) error {
	var exists bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&exists); err != nil || exists {
		return err
	}
	unfinished := name + "_new"
	for _, sql := range []string{"DROP DATABASE IF EXISTS " + unfinished + " WITH (FORCE)", "CREATE DATABASE " + unfinished + " TEMPLATE " + from} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := fill(unfinished); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, "ALTER DATABASE "+unfinished+" RENAME TO "+name)
	return err
}
