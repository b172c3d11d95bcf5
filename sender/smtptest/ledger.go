package smtptest

import (
	"bytes"
	"context"
	"fmt"
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
	changed chan struct{} // closed and replaced at each entry
	file    *os.File
}

func newLedger(path string) (*ledger, error) {
	l := &ledger{count: map[string]int{}, changed: make(chan struct{})}
	if path == "" {
		return l, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("opening ledger: %w", err)
	}
	l.file = f
	return l, nil
}

// accept records a message for its recipients. Invariant: it returns before the
// 250 is sent, and each recipient's line is one write().
func (l *ledger) accept(from string, to []string, raw []byte, conn int, discard bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := raw
	if discard {
		kept = nil
	}
	for _, rcpt := range to {
		if l.file != nil {
			if _, err := l.file.WriteString(rcpt + "\t" + messageID(raw) + "\n"); err != nil {
				return fmt.Errorf("writing ledger: %w", err)
			}
		}
		l.list = append(l.list, Received{From: from, To: rcpt, Raw: kept, At: time.Now(), Conn: conn})
		l.count[rcpt]++
	}
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

func (l *ledger) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
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
	out := make(map[string]int, len(s.ledger.count))
	for k, v := range s.ledger.count {
		out[k] = v
	}
	return out
}

// Wait returns when at least n recipients were accepted or ctx has ended.
func (s *Server) Wait(ctx context.Context, n int) error {
	for {
		s.ledger.mu.Lock()
		got, changed := len(s.ledger.list), s.ledger.changed
		s.ledger.mu.Unlock()
		if got >= n {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d messages arrived: %w", got, n, ctx.Err())
		}
	}
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
