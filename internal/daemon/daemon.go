// Package daemon runs servers of others as children of a test: with configuration, spool and certificates in a temporary folder and on ports that were
// free, they end with the test, and what is installed on the machine is never started or changed. It is for tests only. scripts/need.sh provides the servers.
package daemon

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Patience bounds every wait.
const Patience = time.Minute

// Folder makes a folder that other users can enter. Its path is short: the names of sockets must be.
func Folder(t testing.TB) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("Postfix and Exim give up root for users of their own: run these tests as root (make test does in a container)")
	}
	dir, err := os.MkdirTemp("", "peer")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Write writes a file that everybody may read, with the folders above it.
func Write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Give makes a folder that belongs to a user.
func Give(t testing.TB, path, owner string) *user.User {
	t.Helper()
	u, err := user.Lookup(owner)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	return u
}

// FreePorts are two ports on loopback that nobody listens on.
func FreePorts(t testing.TB) (a, b int) {
	t.Helper()
	var ports []int
	for range 2 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = ln.Close() }()
		ports = append(ports, ln.Addr().(*net.TCPAddr).Port)
	}
	return ports[0], ports[1]
}

// Run runs a tool to its end and gives what it says.
func Run(t testing.TB, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", name, err, out, stderr.String())
	}
	return out
}

// Serve starts a server in a process group of its own and ends the group with the test. log is a file that is shown when the test has failed.
func Serve(t testing.TB, log, name string, args ...string) {
	t.Helper()
	var mu sync.Mutex
	var said bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stdout, cmd.Stderr = &locked{&mu, &said}, &locked{&mu, &said}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: scripts/need.sh postfix exim provides it", err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
		if t.Failed() {
			b, _ := os.ReadFile(log)
			t.Logf("%s said:\n%s%s", name, said.String(), b)
		}
	})
}

type locked struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// Until waits for a condition.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(Patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still waiting for %s after %s", what, Patience)
		}
	}
}

// Listening waits until somebody listens on ports of loopback.
func Listening(t testing.TB, ports ...int) {
	t.Helper()
	for _, port := range ports {
		Until(t, "port "+strconv.Itoa(port), func() bool {
			c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
			if err == nil {
				_ = c.Close()
			}
			return err == nil
		})
	}
}

// PostfixMaster is the program that runs Postfix.
const PostfixMaster = "/usr/lib/postfix/sbin/master"

// Exim is the path of the installed one, or of the one that scripts/need.sh has unpacked: Debian does not let Exim and Postfix be installed together.
func Exim(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/usr/sbin/exim4", filepath.Join(cache, "postrider-test", "exim4", "usr/sbin/exim4")} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatal("there is no exim4: scripts/need.sh exim provides it")
	return ""
}
