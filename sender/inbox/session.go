package inbox

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// maxSeen bounds the memory of greylisted addresses; then it starts afresh.
const maxSeen = 100_000

// backend makes sessions. go-smtp has no context of its own, so the one of Run is
// kept here for the store.
type backend struct {
	ctx context.Context
	cfg Config

	mu   sync.Mutex
	seen map[string]bool
}

// NewSession implements smtp.Backend.
func (b *backend) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{b: b, c: c}, nil
}

// judge is the answer to a recipient, nil to accept.
func (b *backend) judge(to string) *smtp.SMTPError {
	local := strings.ToLower(to)
	if i := strings.LastIndexByte(local, '@'); i >= 0 {
		local = local[:i]
	}
	refuse := func(code int, enh smtp.EnhancedCode, text string) *smtp.SMTPError {
		return &smtp.SMTPError{Code: code, EnhancedCode: enh, Message: text}
	}
	switch {
	case strings.HasPrefix(local, "bounce"):
		return refuse(550, smtp.EnhancedCode{5, 1, 1}, `no such user (the inbox refuses addresses that begin with "bounce")`)
	case strings.HasPrefix(local, "defer"):
		return refuse(451, smtp.EnhancedCode{4, 7, 1}, `try again later (the inbox defers addresses that begin with "defer")`)
	case strings.HasPrefix(local, "full"):
		return refuse(452, smtp.EnhancedCode{4, 2, 2}, `mailbox full (the inbox says so for addresses that begin with "full")`)
	case strings.HasPrefix(local, "blocked"):
		return refuse(550, smtp.EnhancedCode{5, 7, 1}, `message refused by policy (the inbox blocks addresses that begin with "blocked")`)
	case strings.HasPrefix(local, "greylist") && b.firstTime(strings.ToLower(to)):
		return refuse(451, smtp.EnhancedCode{4, 7, 1}, `greylisted, please try again in 10 seconds (the inbox accepts "greylist" addresses at the second attempt)`)
	}
	return nil
}

func (b *backend) firstTime(to string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen[to] {
		return false
	}
	if len(b.seen) >= maxSeen {
		clear(b.seen)
	}
	b.seen[to] = true
	return true
}

// session is one client's connection.
type session struct {
	b    *backend
	c    *smtp.Conn
	from string
	to   []string
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if refusal := s.b.judge(to); refusal != nil {
		return refusal
	}
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session.
func (s *session) Data(r io.Reader) error {
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(r); err != nil {
		return err // go-smtp's own answer: too big, or the client left
	}
	_, secure := s.c.TLSConnectionState()
	m := Captured{From: s.from, To: slices.Clone(s.to), Raw: buf.Bytes(), ReceivedAt: time.Now(), TLS: secure}
	ctx, cancel := context.WithTimeout(s.b.ctx, storeTimeout)
	defer cancel()
	if err := s.b.cfg.Store.Capture(ctx, m); err != nil {
		s.b.cfg.Logger.Error("inbox store", "error", err)
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "the inbox cannot store the message now, try again later"}
	}
	return nil
}

// Reset implements smtp.Session.
func (s *session) Reset() { s.from, s.to = "", nil }

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }
