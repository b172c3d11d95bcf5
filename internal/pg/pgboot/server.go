package pgboot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// How long each way of stopping is given before the next, harder one.
const (
	fastStopWait = 30 * time.Second // SIGINT: sessions are cut, a checkpoint is written
	hardStopWait = 10 * time.Second // SIGQUIT: no checkpoint, the next start recovers from the log
	killWait     = 5 * time.Second
)

// The name of the role and of the database. Nobody else can reach the server, so that the role is its superuser and has no password.
const (
	roleName     = "postrider"
	databaseName = "postrider"
	socketPort   = "5432" // part of the socket's file name; no TCP port is opened
)

// Config says where the private server lives. Only DataDir is required.
type Config struct {
	DataDir  string            // made if missing; nothing else should be kept in it
	CacheDir string            // where downloaded binaries are kept; empty means that none are downloaded
	BinDir   string            // binaries to use instead of searching, from POSTRIDER_PG_BIN
	Logger   *slog.Logger      // nil logs nothing
	Settings map[string]string // server settings that override the defaults, as in postgresql.conf
}

// Server is a running private Postgres.
type Server struct {
	url      string
	proc     *process
	lock     *dirLock
	log      *slog.Logger
	logFile  serverLog
	died     chan struct{}
	stopping atomic.Bool

	mu      sync.Mutex
	stopped bool
}

// Start brings the server up and returns when the database "postrider" takes connections. The first start makes the cluster; a start after a
// crash waits for Postgres to recover, for as long as ctx allows. ctx bounds the start only: the server runs until Stop or the end of this process.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	b, err := prepare(cfg)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			b.lock.release()
		}
	}()
	if err := endPrevious(ctx, b.cluster, b.log); err != nil {
		return nil, err
	}
	bins, err := b.findBinaries(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.ensureCluster(ctx, bins); err != nil {
		return nil, err
	}
	socketDir, err := ensureSocketDir(b.dir, b.acct)
	if err != nil {
		return nil, err
	}
	if err := removeStaleSocket(socketDir); err != nil {
		return nil, err
	}
	return b.launch(ctx, bins, socketDir)
}

// URL is the connection string of the database "postrider" for pgx.
func (s *Server) URL() string { return s.url }

// PID is the process id of the postmaster.
func (s *Server) PID() int { return s.proc.cmd.Process.Pid }

// Done is closed when the postmaster ends without Stop having been called: the program cannot go on and should say so. Err has the reason.
func (s *Server) Done() <-chan struct{} { return s.died }

// Err says why the postmaster ended, with the last lines of its log. It is nil before Done is closed.
func (s *Server) Err() error {
	select {
	case <-s.died:
		return s.logFile.explain(fmt.Errorf("the private Postgres ended unexpectedly (%v)", s.proc.cmd.ProcessState))
	default:
		return nil
	}
}

// Stop ends the server: a fast shutdown first (sessions are cut, everything is written), a hard one when that takes over 30 s or ctx ends. The
// server is down when Stop returns nil or an error that says it had to be forced. Calling it again does nothing.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return nil
	}
	s.stopping.Store(true)
	err := s.end(ctx)
	if errors.Is(err, errStillRunning) {
		return err // the lock stays: the directory is not free
	}
	s.stopped = true
	s.lock.release()
	return err
}

var errStillRunning = errors.New("the private Postgres cannot be stopped")

func (s *Server) end(ctx context.Context) error {
	if s.proc.signalAndWait(ctx, syscall.SIGINT, fastStopWait) {
		return nil
	}
	s.log.Warn("private Postgres is slow to stop, forcing it", "pid", s.PID())
	hard := context.WithoutCancel(ctx)
	if !s.proc.signalAndWait(hard, syscall.SIGQUIT, hardStopWait) && !s.proc.signalAndWait(hard, syscall.SIGKILL, killWait) {
		return fmt.Errorf("%w: process %d ignores every signal", errStillRunning, s.PID())
	}
	return errors.New("the private Postgres did not stop in time and was forced; nothing is lost, the next start recovers from its log")
}

// watch closes died when the postmaster ends by itself. Stop says that it is at work before it signals.
func (s *Server) watch() {
	<-s.proc.done
	if s.stopping.Load() {
		return
	}
	s.log.Error("private Postgres ended unexpectedly", "log", s.logFile.path)
	close(s.died)
}

// boot is what the steps of a start share.
type boot struct {
	cfg     Config
	dir     string // DataDir, absolute and without symlinks, as the kernel shows it in a process's working directory
	cluster string
	acct    account
	lock    *dirLock
	log     *slog.Logger
}

// prepare makes the directory, takes its lock and settles which user the server runs as.
func prepare(cfg Config) (*boot, error) {
	if cfg.DataDir == "" {
		return nil, errors.New("the private Postgres needs a data directory, and none is set")
	}
	if err := checkSettings(cfg.Settings); err != nil {
		return nil, err
	}
	b := &boot{cfg: cfg, log: cfg.Logger}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	dir, err := ensureDataDir(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	b.dir, b.cluster = dir, filepath.Join(dir, "cluster")
	if b.lock, err = lockDir(dir); err != nil {
		return nil, err
	}
	if b.acct, err = chooseAccount(b.cluster); err == nil {
		err = b.acct.checkReach(b.dir)
	}
	if err != nil {
		b.lock.release()
		return nil, err
	}
	return b, nil
}

func ensureDataDir(dir string) (string, error) {
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // the unprivileged user has to pass through; the directories that hold data are its own and 0700
	}
	err := os.MkdirAll(dir, mode)
	if err == nil {
		dir, err = filepath.Abs(dir)
	}
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", fmt.Errorf("making the data directory of the private Postgres: %w", err)
	}
	return dir, nil
}

// dsn makes the connection string. Everything a PG* environment variable could change is said outright.
func dsn(socketDir, database string) string {
	q := url.Values{"host": {socketDir}, "port": {socketPort}, "sslmode": {"disable"}}
	return (&url.URL{Scheme: "postgres", User: url.User(roleName), Path: "/" + database, RawQuery: q.Encode()}).String()
}
