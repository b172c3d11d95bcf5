package pgboot

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Attach gives the URL of the private Postgres that another process of ours runs in a data directory, for a look at it; ok is false when none runs there.
// The caller must be the user that runs the service, or root.
func Attach(dataDir string) (url string, ok bool) {
	cluster, pid := running(dataDir)
	if pid == 0 {
		return "", false
	}
	b, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if err != nil {
		return "", false
	}
	// The fifth line is the folder of the socket.
	lines := strings.Split(string(b), "\n")
	if len(lines) < 5 || lines[4] == "" {
		return "", false
	}
	return dsn(lines[4], databaseName), true
}

// Postmaster gives the process that serves a data directory; 0 when none does.
func Postmaster(dataDir string) int {
	_, pid := running(dataDir)
	return pid
}

func running(dataDir string) (cluster string, pid int) {
	dir, err := filepath.EvalSymlinks(dataDir)
	if err != nil {
		return "", 0
	}
	cluster = filepath.Join(dir, "cluster")
	if pid = postmasterPID(cluster); !slices.Contains(serversIn(cluster), pid) {
		return "", 0
	}
	return cluster, pid
}

// StopLeft stops what a killed process of ours may have left running in a data directory, so that the directory can be removed. A missing one is fine.
func StopLeft(ctx context.Context, dataDir string) error {
	dir, err := filepath.EvalSymlinks(dataDir)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	lock, err := lockDir(dir)
	if err != nil {
		return err
	}
	defer lock.release()
	return endPrevious(ctx, filepath.Join(dir, "cluster"), slog.New(slog.DiscardHandler))
}
