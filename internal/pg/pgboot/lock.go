package pgboot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// dirLock is held while this process uses a data directory. The kernel drops it when the process ends, however it ends.
type dirLock struct{ f *os.File }

func lockDir(dir string) (*dirLock, error) {
	path := filepath.Join(dir, "postrider.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the lock of the private Postgres: %w", err)
	}
	if err := flock(f); err != nil {
		defer f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, inUse(dir, f)
		}
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	// The number is only for the message of a second process; the lock itself is the kernel's.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(fmt.Sprintln(os.Getpid())), 0)
	}
	return &dirLock{f}, nil
}

// lockPatience is how long a lock may linger that nobody means to hold: a child that is just being forked has the descriptors of its parent until it
// becomes another program, and with them the lock that the parent has given up.
const lockPatience = time.Second

func flock(f *os.File) error {
	ctx, cancel := context.WithTimeout(context.Background(), lockPatience)
	defer cancel()
	var err error
	until(ctx, func() bool {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		return !errors.Is(err, unix.EWOULDBLOCK)
	})
	return err
}

func inUse(dir string, f *os.File) error {
	b, _ := io.ReadAll(io.LimitReader(f, 32))
	owner := "another process"
	if pid := strings.TrimSpace(string(b)); pid != "" {
		owner = "process " + pid
	}
	return fmt.Errorf("the data directory %s is in use by %s; stop that one, or give this one another data directory or a DATABASE_URL", dir, owner)
}

// release lets the directory go. It may be called more than once.
func (l *dirLock) release() { _ = l.f.Close() }
