package sink

import (
	"bufio"
	"fmt"
	"os"
	"sync"
)

// ledger is what the sink took responsibility for. Those who come while the disk is being synced are synced together next.
type ledger struct {
	file *os.File // nil keeps nothing
	wake chan struct{}
	done chan struct{}

	mu      sync.Mutex
	lines   []byte
	current *round // of those whose lines are in lines; nil when there are none
}

// round is everybody whose lines go to the disk together.
type round struct {
	done chan struct{}
	err  error
}

func openLedger(path string) (*ledger, error) {
	if path == "" {
		return &ledger{}, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the ledger: %w", err)
	}
	l := &ledger{file: f, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go l.run()
	return l, nil
}

// add writes a line and returns when it is on the disk.
func (l *ledger) add(to []byte) error {
	if l.file == nil {
		return nil
	}
	l.mu.Lock()
	l.lines = append(append(l.lines, to...), '\n')
	if l.current == nil {
		l.current = &round{done: make(chan struct{})}
		l.wake <- struct{}{} // never full: run takes the round before there can be another
	}
	r := l.current
	l.mu.Unlock()
	<-r.done
	return r.err
}

func (l *ledger) run() {
	defer close(l.done)
	for range l.wake {
		l.mu.Lock()
		lines, r := l.lines, l.current
		l.lines, l.current = nil, nil
		l.mu.Unlock()
		if _, r.err = l.file.Write(lines); r.err == nil {
			r.err = l.file.Sync()
		}
		close(r.done)
	}
}

// close is called after the last add has returned.
func (l *ledger) close() error {
	if l.file == nil {
		return nil
	}
	close(l.wake)
	<-l.done
	return l.file.Close()
}

// ReadLedger counts how often each recipient was accepted.
func ReadLedger(path string) (map[string]int, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	defer func() { _ = f.Close() }()
	counts := map[string]int{}
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		counts[lines.Text()]++
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the ledger: %w", err)
	}
	return counts, nil
}
