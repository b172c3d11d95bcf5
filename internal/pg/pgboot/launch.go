package pgboot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// maxLogSize is when the server's log is set aside at a start.
const maxLogSize = 8 << 20

// defaults suit one service on a small machine, and take their share of a large one. A commit stays durable: synchronous_commit is the promise the delivery ledger stands on.
func defaults() map[string]string {
	return map[string]string{
		"shared_buffers":               sharedBuffers(),
		"max_connections":              "100",
		"max_wal_size":                 "2GB",
		"wal_buffers":                  "32MB",
		"checkpoint_completion_target": "0.9",
		"wal_compression":              "on",
		"synchronous_commit":           "on",
		"timezone":                     "UTC",
		"log_timezone":                 "UTC",
		"lc_messages":                  "C", // our own error texts are looked for in the log
		"log_checkpoints":              "off",
		"log_error_verbosity":          "terse", // DETAIL and STATEMENT quote rows, and so addresses
		"log_min_error_statement":      "panic",
		"log_min_duration_statement":   "-1",
	}
}

// fixed settings are what makes the server private.
func fixed(socketDir string) map[string]string {
	return map[string]string{
		"listen_addresses":        "",
		"unix_socket_directories": socketDir,
		"unix_socket_permissions": "0700",
		"port":                    socketPort,
		"logging_collector":       "off",
		"log_destination":         "stderr",
	}
}

var settingName = regexp.MustCompile(`^[a-z][a-z0-9_.]*$`)

func checkSettings(settings map[string]string) error {
	forbidden := fixed("")
	for name := range settings {
		if _, no := forbidden[name]; no || !settingName.MatchString(name) {
			return fmt.Errorf("%q cannot be set for the private Postgres; use a server of your own through DATABASE_URL", name)
		}
	}
	return nil
}

// serverArgs gives the settings in a fixed order, ours last.
func serverArgs(cluster, socketDir string, settings map[string]string) []string {
	args := []string{"-D", cluster}
	merged := defaults()
	maps.Copy(merged, settings)
	maps.Copy(merged, fixed(socketDir))
	for _, name := range slices.Sorted(maps.Keys(merged)) {
		args = append(args, "-c", name+"="+merged[name])
	}
	return args
}

// launch starts the postmaster and waits until the database answers. A postmaster that finds children of a killed predecessor still alive gives
// up at once; they end by themselves within moments, so that it is tried again for a while.
func (b *boot) launch(ctx context.Context, bins binaries, socketDir string) (*Server, error) {
	deadline := time.Now().Add(15 * time.Second)
	for {
		s, err := b.launchOnce(ctx, bins, socketDir)
		if err == nil {
			return s, nil
		}
		if !strings.Contains(err.Error(), "pre-existing shared memory block") || time.Now().After(deadline) || ctx.Err() != nil {
			return nil, err
		}
		waitUpTo(ctx, 500*time.Millisecond, func() bool { return false })
	}
}

func (b *boot) launchOnce(ctx context.Context, bins binaries, socketDir string) (*Server, error) {
	logFile, err := openLog(filepath.Join(b.dir, "postgres.log"))
	if err != nil {
		return nil, err
	}
	defer logFile.f.Close() // the child has its own copy
	s := &Server{url: dsn(socketDir, databaseName), lock: b.lock, log: b.log, logFile: logFile, died: make(chan struct{})}
	// SIGINT as death signal: a fast shutdown, so that the next start has nothing to recover.
	cmd := bins.command("postgres", serverArgs(b.cluster, socketDir, b.cfg.Settings), b.acct, syscall.SIGINT)
	cmd.Dir = b.cluster
	cmd.Stdout, cmd.Stderr = logFile.f, logFile.f
	if s.proc, err = spawn(cmd); err != nil {
		return nil, fmt.Errorf("starting %s as the user %s: %w", cmd.Path, b.acct.name, err)
	}
	if err = s.ready(ctx, b.cluster, socketDir); err == nil {
		go s.watch() // ends with the postmaster
		b.log.Info("private Postgres is ready", "postgres", bins.major, "pid", s.PID(), "dir", b.dir)
		return s, nil
	}
	if stopErr := s.end(context.WithoutCancel(ctx)); errors.Is(stopErr, errStillRunning) {
		err = errors.Join(err, stopErr)
	}
	return nil, logFile.explain(fmt.Errorf("starting the private Postgres in %s: %w", b.dir, err))
}

// ready waits for the server to take connections and makes the database. Recovery after a crash may take minutes; only ctx ends the wait. An answer
// counts when postmaster.pid names our child: an older server on the same socket would answer too.
func (s *Server) ready(ctx context.Context, cluster, socketDir string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-s.proc.done:
			cancel(fmt.Errorf("it ended at once (%v)", s.proc.cmd.ProcessState))
		case <-ctx.Done():
		}
	}()
	began, told := time.Now(), false
	var conn *pgx.Conn
	ok := until(ctx, func() bool {
		if !told && time.Since(began) > 5*time.Second {
			told = true
			s.log.Info("waiting for the private Postgres, it may be recovering from a crash", "log", s.logFile.path)
		}
		if postmasterPID(cluster) != s.PID() {
			return false
		}
		var err error
		conn, err = pgx.Connect(ctx, dsn(socketDir, "postgres"))
		return err == nil
	})
	if !ok {
		return context.Cause(ctx)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return createDatabase(ctx, conn)
}

func createDatabase(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{databaseName}.Sanitize())
	var pe *pgconn.PgError
	if errors.As(err, &pe) && pe.Code == "42P04" { // duplicate_database: made by an earlier start
		return nil
	}
	if err != nil {
		return fmt.Errorf("making the database: %w", err)
	}
	return nil
}

// serverLog is the file the server writes to, and where this run of it began.
type serverLog struct {
	path string
	f    *os.File
	from int64
}

func openLog(path string) (serverLog, error) {
	if fi, err := os.Lstat(path); err == nil && fi.Size() > maxLogSize {
		if err := os.Rename(path, path+".1"); err != nil {
			return serverLog{}, fmt.Errorf("setting the old Postgres log aside: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return serverLog{}, fmt.Errorf("opening the Postgres log: %w", err)
	}
	fi, err := f.Stat()
	if err != nil {
		f.Close()
		return serverLog{}, fmt.Errorf("opening the Postgres log: %w", err)
	}
	return serverLog{path: path, f: f, from: fi.Size()}, nil
}

// explain adds the last lines the server wrote to an error, which is mostly where the real reason is.
func (l serverLog) explain(err error) error {
	b, readErr := os.ReadFile(l.path)
	if readErr != nil || int64(len(b)) <= l.from {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(b[l.from:])), "\n")
	return fmt.Errorf("%w\nthe end of %s:\n%s", err, l.path, strings.Join(lines[max(0, len(lines)-12):], "\n"))
}
