package pgboot

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Attach gives the URL of the private Postgres that another process of ours runs in a data directory, for a look at it; ok is false when none runs there.
// The caller must be the user that runs the service, or root.
func Attach(dataDir string) (url string, ok bool) {
	dir, err := filepath.EvalSymlinks(dataDir)
	if err != nil {
		return "", false
	}
	cluster := filepath.Join(dir, "cluster")
	if !slices.Contains(serversIn(cluster), postmasterPID(cluster)) {
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
