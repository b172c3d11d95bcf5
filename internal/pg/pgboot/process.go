package pgboot

import (
	"context"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a child whose end is waited for in one place.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the child has ended and has been reaped
	err  error         // what Wait said; read it after done
}

// spawn starts the child from a goroutine that keeps its OS thread until the child has ended. The kernel sends the parent-death signal when the
// *thread* that made the child ends, and Go ends idle threads: without the lock the server would be stopped at a random moment.
func spawn(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		p.err = cmd.Wait()
		close(p.done)
	}()
	return p, <-started
}

// signalAndWait sends the signal and says whether the child ended within the time and before ctx did.
func (p *process) signalAndWait(ctx context.Context, sig syscall.Signal, wait time.Duration) bool {
	_ = p.cmd.Process.Signal(sig) // an error means that it has ended, which the wait below sees
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	select {
	case <-p.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// until calls ok every few milliseconds until it is true. It says false when ctx ends first.
func until(ctx context.Context, ok func() bool) bool {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}
