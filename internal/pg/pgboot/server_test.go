package pgboot

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// dataDir gives a data directory that an unprivileged user can reach, which t.TempDir is not for root.
func dataDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgboot-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "data")
}

// quick is a config whose server starts fast. Writes still reach the kernel, so that they survive a killed server.
func quick(dir string) Config {
	return Config{DataDir: dir, Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB"}}
}

func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

func query(t *testing.T, s *Server, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var out string
	if strings.HasPrefix(sql, "SELECT") || strings.HasPrefix(sql, "SHOW") {
		err = conn.QueryRow(t.Context(), sql).Scan(&out)
	} else {
		_, err = conn.Exec(t.Context(), sql)
	}
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

func TestRestartKeepsData(t *testing.T) {
	t.Parallel()
	cfg := quick(dataDir(t))
	first := start(t, cfg)
	query(t, first, "CREATE TABLE kept AS SELECT 'still here' AS v")
	if got := query(t, first, "SELECT upper('äß')"); got != "Äß" {
		t.Errorf("upper gives %q: the locale knows ASCII only", got)
	}
	for range 2 { // the second Stop must be harmless
		if err := first.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-first.Done():
		t.Error("Done is closed although the stop was asked for")
	default:
	}
	second := start(t, cfg)
	if got := query(t, second, "SELECT v FROM kept"); got != "still here" {
		t.Errorf("after the restart: %q", got)
	}
}

func TestServerIsPrivate(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, quick(dir))
	if got := query(t, s, "SHOW listen_addresses"); got != "" {
		t.Errorf("listens on %q", got)
	}
	if got := query(t, s, "SHOW synchronous_commit"); got != "on" {
		t.Errorf("synchronous_commit is %q", got)
	}
	for _, sub := range []string{"run", "cluster"} {
		fi, err := os.Stat(filepath.Join(dir, sub))
		if err != nil || fi.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v, want mode 0700", sub, fi.Mode(), err)
		}
	}
}

func TestRowsStayOutOfTheLog(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	s := start(t, quick(dir))
	query(t, s, "CREATE TABLE u (email text UNIQUE)")
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "INSERT INTO u VALUES ('anna@example.org'), ('anna@example.org')"); err == nil {
		t.Fatal("the constraint did not fire")
	}
	log, err := os.ReadFile(filepath.Join(dir, "postgres.log"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(log), "duplicate key") || strings.Contains(string(log), "anna@") {
		t.Errorf("the log should have the error without the address:\n%s", log)
	}
}

func TestKilledPostmasterIsReportedAndRecovers(t *testing.T) {
	t.Parallel()
	cfg := quick(dataDir(t))
	s := start(t, cfg)
	query(t, s, "CREATE TABLE kept AS SELECT 'still here' AS v")
	if err := syscall.Kill(s.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.Done():
	case <-time.After(time.Minute):
		t.Fatal("Done was not closed")
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("Err() = %v, should say that it was killed", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := start(t, cfg)
	if got := query(t, again, "SELECT v FROM kept"); got != "still here" {
		t.Errorf("after the crash: %q", got)
	}
}

func TestSecondStartNamesTheFirst(t *testing.T) {
	t.Parallel()
	cfg := quick(dataDir(t))
	s := start(t, cfg)
	_, err := Start(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("in use by process %d", os.Getpid())) {
		t.Fatalf("second start: %v", err)
	}
	if got := query(t, s, "SELECT 'up'"); got != "up" {
		t.Error("the refused start disturbed the running server")
	}
}

// TestParentProcess is not a test of its own: it is the program that TestKilledParent kills.
func TestParentProcess(t *testing.T) {
	dir := os.Getenv("PGBOOT_PARENT_DIR")
	if dir == "" {
		return
	}
	s, err := Start(t.Context(), quick(dir))
	if err != nil {
		fmt.Println("error", err)
		return
	}
	query(t, s, "CREATE TABLE kept AS SELECT 'still here' AS v")
	fmt.Println("pid", s.PID())
	_, _ = io.Copy(io.Discard, os.Stdin) // until killed, or until the test that started this is gone
}

func TestKilledParent(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	parent := exec.Command(os.Args[0], "-test.run=^TestParentProcess$")
	parent.Env = append(os.Environ(), "PGBOOT_PARENT_DIR="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parent.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	pid := 0
	for sc := bufio.NewScanner(out); pid == 0 && sc.Scan(); {
		if n, ok := strings.CutPrefix(sc.Text(), "pid "); ok {
			pid, _ = strconv.Atoi(n)
		} else if strings.HasPrefix(sc.Text(), "error") {
			t.Fatal(sc.Text())
		}
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	if pid == 0 {
		t.Fatal("the parent ended without naming its server")
	}
	if runtime.GOOS == "linux" { // elsewhere there is no parent-death signal
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		// Not kill(pid, 0): where nobody reaps orphans the server stays as a zombie, which serves nothing.
		if !until(ctx, func() bool { return !slices.Contains(serversIn(filepath.Join(dir, "cluster")), pid) }) {
			t.Fatalf("the server %d outlives its parent", pid)
		}
	}
	s := start(t, quick(dir))
	if got := query(t, s, "SELECT v FROM kept"); got != "still here" {
		t.Errorf("after the parent was killed: %q", got)
	}
}

func TestServerLeftRunningIsStopped(t *testing.T) {
	t.Parallel()
	cfg := quick(dataDir(t))
	left := start(t, cfg)
	query(t, left, "CREATE TABLE kept AS SELECT 'still here' AS v")
	left.lock.release() // as when its owner is dead and it is not
	s := start(t, cfg)
	if got := query(t, s, "SELECT v FROM kept"); got != "still here" || s.PID() == left.PID() {
		t.Errorf("the new server %d (before: %d) gives %q", s.PID(), left.PID(), got)
	}
	<-left.Done()
}

func TestStalePidOfAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	cfg := quick(dir)
	s := start(t, cfg)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A live process of the same user that is no Postgres: a reused process id, as after a power loss.
	acct, err := chooseAccount(filepath.Join(dir, "cluster"))
	if err != nil {
		t.Fatal(err)
	}
	other := exec.CommandContext(t.Context(), "cat")
	other.SysProcAttr = procAttr(acct, syscall.SIGKILL)
	if _, err := other.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
	stale := fmt.Sprintf("%d\n%s\n1700000000\n5432\n\n\n", other.Process.Pid, filepath.Join(dir, "cluster"))
	for _, path := range []string{filepath.Join(dir, "cluster", "postmaster.pid"), filepath.Join(dir, "run", ".s.PGSQL."+socketPort+".lock")} {
		if err := errors.Join(os.WriteFile(path, []byte(stale), 0o600), os.Chown(path, int(acct.uid), -1)); err != nil {
			t.Fatal(err)
		}
	}
	start(t, cfg)
}

func TestFailedStartShowsTheLog(t *testing.T) {
	t.Parallel()
	cfg := quick(dataDir(t))
	cfg.Settings["shared_buffers"] = "plenty"
	_, err := Start(t.Context(), cfg)
	if err == nil || !strings.Contains(err.Error(), `invalid value for parameter "shared_buffers"`) {
		t.Fatalf("the error should have the server's own words: %v", err)
	}
	cfg.Settings["shared_buffers"] = "16MB"
	start(t, cfg) // the lock was let go
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, quick(dir)); err == nil {
		t.Fatal("started although ctx had ended")
	}
	start(t, quick(dir))
}

func TestLongDataDir(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(dataDir(t), strings.Repeat("long-", 20))
	s := start(t, quick(dir))
	socket, err := pgx.ParseConfig(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(socket.Host) })
	if strings.HasPrefix(socket.Host, dir) || len(socket.Host) > maxSocketDir {
		t.Errorf("socket in %s", socket.Host)
	}
}

func TestDataOfAnotherVersion(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	cluster := filepath.Join(dir, "cluster")
	if err := os.MkdirAll(cluster, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(cluster, "PG_VERSION"), []byte("9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), quick(dir))
	if err == nil || !strings.Contains(err.Error(), "Postgres 9, which made the existing data") || !strings.Contains(err.Error(), "DATABASE_URL") {
		t.Fatalf("error: %v", err)
	}
}

func TestSettingsThatWouldOpenTheServer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"listen_addresses", "port", "unix_socket_directories", "bad name", "a=b"} {
		cfg := Config{DataDir: dataDir(t), Settings: map[string]string{name: "x"}}
		if _, err := Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "cannot be set") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLogIsSetAsideWhenLarge(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "postgres.log")
	if err := os.WriteFile(path, make([]byte, maxLogSize+1), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := openLog(path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.f.Close()
	if fi, err := os.Stat(path); err != nil || fi.Size() != 0 {
		t.Errorf("the new log: %v %v", fi, err)
	}
	if _, err := os.Stat(path + ".1"); err != nil {
		t.Error(err)
	}
}

func TestReachNamesTheClosedDirectory(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	closed := filepath.Join(dir, "closed")
	inside := filepath.Join(closed, "a")
	for path, mode := range map[string]os.FileMode{dir: 0o711, inside: 0o711, closed: 0o700} {
		if err := os.MkdirAll(path, 0o711); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	open := account{name: "someone", uid: 54321, gid: 54321, drop: true}
	if err := open.checkReach(inside); err == nil || !strings.Contains(err.Error(), "cannot enter "+closed+" ") {
		t.Errorf("error: %v", err)
	}
	if err := (account{uid: 54321}).checkReach(inside); err != nil {
		t.Errorf("nothing is dropped, so nothing is checked: %v", err)
	}
}

func TestAttachFindsARunningServer(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	if _, ok := Attach(dir); ok {
		t.Fatal("a server was found in an empty directory")
	}
	s := start(t, Config{DataDir: dir})
	url, ok := Attach(dir)
	if !ok || url != s.URL() {
		t.Errorf("Attach gave %q, %v; the server is at %q", url, ok, s.URL())
	}
}
