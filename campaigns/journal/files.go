package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"golang.org/x/sys/unix"
)

// The files of a node are NODE.lock and NODE.1.journal, NODE.2.journal and so on. Whatever else lies in the folder is not ours and is left alone.
var (
	nodeName    = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	lockName    = regexp.MustCompile(`^([0-9a-f-]{36})\.lock$`)
	segmentName = regexp.MustCompile(`^([0-9a-f-]{36})\.([1-9][0-9]{0,8})\.journal$`)
)

var errHeld = errors.New("another process holds it")

func lockPath(dir, node string) string { return filepath.Join(dir, node+".lock") }

func segmentPath(dir, node string, n int) string {
	return filepath.Join(dir, fmt.Sprintf("%s.%d.journal", node, n))
}

// lockedNode gives the node that a lock file of ours belongs to.
func lockedNode(f os.DirEntry) (node string, ok bool) {
	m := lockName.FindStringSubmatch(f.Name())
	if m == nil || !nodeName.MatchString(m[1]) || !f.Type().IsRegular() {
		return "", false
	}
	return m[1], true
}

// segmentOf gives the number of a segment of the node.
func segmentOf(node string, f os.DirEntry) (n int, ok bool) {
	m := segmentName.FindStringSubmatch(f.Name())
	if m == nil || m[1] != node || !f.Type().IsRegular() {
		return 0, false
	}
	n, err := strconv.Atoi(m[2])
	return n, err == nil
}

// makeLock makes the node's lock file. It gets its name when it is locked: nobody can find it in between and take the node for dead.
func makeLock(dir, node string) (*os.File, error) {
	if Left(dir, node) {
		return nil, errHeld
	}
	unnamed := filepath.Join(dir, node+".new")
	f, err := os.OpenFile(unnamed, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err = flock(f); err == nil {
		err = os.Rename(unnamed, lockPath(dir, node))
	}
	if err != nil {
		_ = os.Remove(unnamed)
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// takeLock locks the file that a process left. It fails with errHeld when the process lives, and with os.ErrNotExist when the file is gone, as it is when
// somebody else has just accounted for the node.
func takeLock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err = flock(f); err == nil {
		err = stillThere(f, path)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func flock(f *os.File) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return errHeld
	}
	return err
}

// stillThere makes sure that what was locked is what the name stands for: the file may have been removed between opening and locking it.
func stillThere(f *os.File, path string) error {
	locked, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !os.SameFile(locked, named) {
		return os.ErrNotExist
	}
	return nil
}
