package smtptest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Received is one accepted recipient of one message.
type Received struct {
	From, To string
	Raw      []byte // as received, dot-stuffing undone; nil with DiscardRaw
	At       time.Time
	Conn     int // number of the connection, from 1
}

// ledger is what the server took responsibility for.
type ledger struct {
	mu      sync.Mutex
	list    []Received
	count   map[string]int
	waiting []waiter
	file    *ledgerFile // nil without a path
}

// waiter is told when the list has reached n entries.
type waiter struct {
	n    int
	done chan struct{}
}

func newLedger(path string, sync bool) (*ledger, error) {
	l := &ledger{count: map[string]int{}}
	if path == "" {
		return l, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening ledger: %w", err)
	}
	l.file = &ledgerFile{f: f, sync: sync}
	return l, nil
}

// accept records a message for its recipients. Invariant: it returns before the
// 250 is sent, and by then the lines are in the file.
func (l *ledger) accept(from string, to []string, raw []byte, conn int, discard bool) error {
	if l.file != nil {
		id := messageID(raw)
		var lines []byte
		for _, rcpt := range to {
			lines = append(append(append(append(lines, rcpt...), '\t'), id...), '\n')
		}
		if err := l.file.append(lines); err != nil {
			return err
		}
	}
	if discard {
		raw = nil
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, rcpt := range to {
		l.list = append(l.list, Received{From: from, To: rcpt, Raw: raw, At: now, Conn: conn})
		l.count[rcpt]++
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(w waiter) bool {
		if len(l.list) < w.n {
			return false
		}
		close(w.done)
		return true
	})
	return nil
}

func (l *ledger) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.f.Close()
}

// ledgerFile appends lines in batches: while one is being written and synced, the
// connections that come join the next one, so that a sync serves all of them.
type ledgerFile struct {
	f    *os.File
	sync bool
	io   sync.Mutex // held while a batch is written

	mu   sync.Mutex
	next *batch // the one that can be joined, or nil
}

type batch struct {
	lines []byte
	done  chan struct{}
	err   error
}

// append returns when the lines are written, and on the disk if that is asked for.
// A batch is one write(). Whoever opens a batch writes it, as soon as the one
// before is through.
func (l *ledgerFile) append(lines []byte) error {
	l.mu.Lock()
	b, mine := l.next, l.next == nil
	if mine {
		b = &batch{done: make(chan struct{})}
		l.next = b
	}
	b.lines = append(b.lines, lines...)
	l.mu.Unlock()
	if !mine {
		<-b.done
		return b.err
	}
	l.io.Lock()
	l.mu.Lock()
	l.next = nil
	l.mu.Unlock()
	_, b.err = l.f.Write(b.lines)
	if b.err == nil && l.sync {
		b.err = l.f.Sync()
	}
	l.io.Unlock()
	if b.err != nil {
		b.err = fmt.Errorf("writing ledger: %w", b.err)
	}
	close(b.done)
	return b.err
}

// messageID is the value of the Message-ID field, or "".
func messageID(raw []byte) string {
	head, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for line := range bytes.Lines(head) {
		name, value, ok := bytes.Cut(line, []byte(":"))
		if ok && bytes.EqualFold(name, []byte("Message-ID")) {
			return string(bytes.TrimSpace(value))
		}
	}
	return ""
}

// Accepted returns every accepted recipient in order of acceptance.
func (s *Server) Accepted() []Received {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return slices.Clone(s.ledger.list)
}

// Count is how often mail for an address was accepted.
func (s *Server) Count(to string) int {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return s.ledger.count[to]
}

// Counts is [Server.Count] for all addresses.
func (s *Server) Counts() map[string]int {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	return maps.Clone(s.ledger.count)
}

// Wait returns when at least n recipients were accepted or ctx has ended.
func (s *Server) Wait(ctx context.Context, n int) error {
	l := s.ledger
	l.mu.Lock()
	if len(l.list) >= n {
		l.mu.Unlock()
		return nil
	}
	w := waiter{n: n, done: make(chan struct{})}
	l.waiting = append(l.waiting, w)
	l.mu.Unlock()
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = slices.DeleteFunc(l.waiting, func(o waiter) bool { return o.done == w.done })
	return fmt.Errorf("%d of %d messages arrived: %w", len(l.list), n, ctx.Err())
}

// ReadLedger counts the lines of a ledger file by recipient. A last line without
// its newline, left by a killed process, counts: it was one write().
func ReadLedger(path string) (map[string]int, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading ledger: %w", err)
	}
	counts := map[string]int{}
	for line := range strings.Lines(string(b)) {
		to, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		counts[to]++
	}
	return counts, nil
}
