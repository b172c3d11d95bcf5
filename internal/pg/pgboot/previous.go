package pgboot

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// endPrevious stops what a killed Postrider may have left: a postmaster that has not ended yet, or its orphaned children. The lock on the data
// directory is held, so that no live Postrider uses it and the server can only be a leftover. A postmaster.pid that names a process which is
// something else by now (after a power loss, or a container restart with the same ids) is removed: Postgres would refuse to start because of it.
func endPrevious(ctx context.Context, cluster string, log *slog.Logger) error {
	pids := serversIn(cluster)
	if len(pids) == 0 {
		return removeStalePID(cluster)
	}
	log.Info("stopping a private Postgres left by an earlier run", "pids", pids)
	if leader := postmasterPID(cluster); slices.Contains(pids, leader) {
		_ = syscall.Kill(leader, syscall.SIGINT)
	}
	gone := func() bool { return len(serversIn(cluster)) == 0 }
	if waitUpTo(ctx, fastStopWait, gone) {
		return removeStalePID(cluster)
	}
	for _, sig := range []syscall.Signal{syscall.SIGQUIT, syscall.SIGKILL} {
		for _, pid := range serversIn(cluster) {
			_ = syscall.Kill(pid, sig)
		}
		if waitUpTo(ctx, hardStopWait, gone) {
			return removeStalePID(cluster)
		}
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("stopping the private Postgres left by an earlier run: %w", err)
	}
	return fmt.Errorf("a Postgres left by an earlier run still serves %s (processes %v) and cannot be stopped; end it and start again",
		cluster, serversIn(cluster))
}

// removeStaleSocket is called when no server serves the cluster. Nobody else has a server in this directory, so that a lock in it is a leftover even when
// its process lives: the number is another one's by now, or the killed server has not been reaped yet. Postgres would not start because of it.
func removeStaleSocket(dir string) error {
	for _, suffix := range []string{"", ".lock"} {
		if err := os.Remove(filepath.Join(dir, ".s.PGSQL."+socketPort+suffix)); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("removing a stale socket: %w", err)
		}
	}
	return nil
}

func waitUpTo(ctx context.Context, d time.Duration, ok func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	return until(ctx, ok)
}

// removeStalePID is called when no server serves the cluster. The file stays when its process is dead: Postgres then sees that by itself and
// also checks the shared memory it names, which is the better guard.
func removeStalePID(cluster string) error {
	pid := postmasterPID(cluster)
	if pid == 0 || syscall.Kill(pid, 0) == syscall.ESRCH {
		return nil
	}
	if err := os.Remove(filepath.Join(cluster, "postmaster.pid")); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("removing a stale postmaster.pid: %w", err)
	}
	return nil
}

// postmasterPID reads the first line of postmaster.pid; 0 when there is none.
func postmasterPID(cluster string) int {
	b, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}
