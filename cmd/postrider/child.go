package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// child is this program in a process of its own, for those who want to see what a signal does to it.
type child struct {
	cmd  *exec.Cmd
	log  childLog
	up   chan struct{} // closed when it is up
	url  string        // of API and interface, once it is up
	done chan struct{} // closed when it has ended and all that it said has been read
}

// startChild runs the program's command with a log in JSON. It does not wait until the program is up. env comes on top of our own environment, of which
// it must not take a database or a key.
func startChild(env []string, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	c := &child{cmd: exec.Command(self, append(args, "--log-format", "json", "--log-level", "info")...), up: make(chan struct{}), done: make(chan struct{})}
	c.cmd.Env = append(append(os.Environ(), "DATABASE_URL=", "POSTRIDER_SECRET_KEY=", "POSTRIDER_PUBLIC_URL="), env...)
	// A group of its own, so that a Ctrl-C in the terminal reaches us alone.
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the program: %w", err)
	}
	go c.follow(stderr)
	return c, nil
}

// follow reads the log until the program has ended.
func (c *child) follow(stderr io.Reader) {
	defer close(c.done)
	scanner := bufio.NewScanner(stderr)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		c.log.add(scanner.Text())
		var line struct{ Msg, URL string }
		if c.url == "" && json.Unmarshal(scanner.Bytes(), &line) == nil && (line.Msg == "postrider is up" || line.Msg == "worker is up") {
			c.url = line.URL
			close(c.up)
		}
	}
	_, _ = io.Copy(io.Discard, stderr) // what is no line must not stop the program
	_ = c.cmd.Wait()                   // how it ended is in the process state
}

// end sends the signal and waits for the program to be gone; when that takes too long it is killed.
func (c *child) end(sig syscall.Signal) error {
	_ = c.cmd.Process.Signal(sig) // an error means that it has ended
	select {
	case <-c.done:
		return nil
	case <-time.After(2 * time.Minute):
	}
	_ = c.cmd.Process.Kill()
	<-c.done
	return fmt.Errorf("the program did not end on %s", sig)
}

// killed says, of a program that has ended, that SIGKILL did it.
func (c *child) killed() bool {
	status, ok := c.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// ended gives an error with what the program said last when it has ended.
func (c *child) ended() error {
	select {
	case <-c.done:
		return errors.New("the program ended:\n" + c.log.String())
	default:
		return nil
	}
}

// childLog keeps the end of what a program logs.
type childLog struct {
	mu    sync.Mutex
	lines []string
}

// String gives the lines.
func (l *childLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

// count says in how many of the lines kept the text stands.
func (l *childLog) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (l *childLog) add(s string) {
	const most = 200
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lines = append(l.lines, s); len(l.lines) > most {
		l.lines = slices.Delete(l.lines, 0, 1)
	}
}
