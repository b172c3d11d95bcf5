package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"postrider/sender/sink"
)

type benchSinkCmd struct {
	Listen string        `default:"127.0.0.1:0" help:"Address on this machine."`
	RTT    time.Duration `help:"How much later every answer comes, as over a network with this round-trip time."`
	Ledger string        `help:"File to write accepted recipients to, synced before each answer." placeholder:"FILE"`
}

// Run takes mail until a signal comes or its standard input ends, which it does when whoever started it is gone.
func (c benchSinkCmd) Run(ctx context.Context) error {
	s, err := sink.Start(sink.Config{Addr: c.Listen, RTT: c.RTT, Ledger: c.Ledger})
	if err != nil {
		return err
	}
	fmt.Println(s.Addr())
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	select {
	case <-ctx.Done():
	case <-ended:
	}
	return s.Close()
}

// sinkProcess is a sink in a process of its own, so that its work is not counted as ours.
type sinkProcess struct {
	cmd   *exec.Cmd
	stdin io.Closer
	addr  string
}

func startSinkProcess(rtt time.Duration, ledger string) (*sinkProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.Command(self, "bench", "sink", "--rtt", rtt.String(), "--ledger", ledger)
	cmd.Env, cmd.Stderr = os.Environ(), os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the sink: %w", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return nil, fmt.Errorf("the sink did not start: %w", err)
	}
	return &sinkProcess{cmd: cmd, stdin: stdin, addr: strings.TrimSpace(line)}, nil
}

// stop ends the process and gives the processor time that it used.
func (p *sinkProcess) stop() time.Duration {
	_ = p.stdin.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// databaseTime is what the private Postgres's processes that are running have used; 0 where the system does not tell (proc(5)).
func databaseTime(dir string) time.Duration {
	b, err := os.ReadFile(filepath.Join(dir, "postgres", "cluster", "postmaster.pid"))
	if err != nil {
		return 0
	}
	parent, _, _ := strings.Cut(string(b), "\n")
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	const tick = 10 * time.Millisecond             // USER_HZ is 100 on all of Linux
	var all time.Duration
	for _, path := range stats {
		b, err := os.ReadFile(path)
		_, rest, ok := strings.Cut(string(b), ") ")
		f := strings.Fields(rest)
		if err != nil || !ok || len(f) < 13 || f[1] != parent {
			continue
		}
		user, err1 := strconv.ParseInt(f[11], 10, 64)
		system, err2 := strconv.ParseInt(f[12], 10, 64)
		if err1 == nil && err2 == nil {
			all += time.Duration(user+system) * tick
		}
	}
	return all
}

// memoryPeak gives the most memory this process has used since resetMemoryPeak, in MB; 0 where the system does not tell.
func memoryPeak() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
			if err == nil {
				return kb / 1024
			}
		}
	}
	return 0
}

// resetMemoryPeak makes memoryPeak count from now on (proc(5), clear_refs). Where that is not possible the peak is that of the whole run.
func resetMemoryPeak() { _ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) }

// processorTime is what this process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
