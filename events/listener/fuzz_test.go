package listener

import (
	"bytes"
	"context"
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postrider/events"
)

// strict is a Taker that wants every message to be one that the listener may take.
type strict struct{ t *testing.T }

func (s strict) TakeMessage(_ context.Context, m events.Inbound) (events.Verdict, error) {
	if len(m.To) == 0 || !strings.HasPrefix(string(m.Raw), "Return-Path: <"+m.From+">\r\n") || len(m.Raw) > 4096 || strings.ContainsAny(m.From, "\r\n") {
		s.t.Errorf("taken: %+v", m)
	}
	for _, to := range m.To {
		if !slices.Contains([]string{"postmaster", "abuse@bounces.example.org", bounceTo() + "@bounces.example.org"}, strings.ToLower(to)) && !strings.Contains(to, bounceTo()) {
			s.t.Errorf("taken for %q", to)
		}
	}
	return events.VerdictForeign, nil
}

func (strict) TakeReports(context.Context, []events.Report) error { return nil }

var replyLine = regexp.MustCompile(`^[2345][0-9][0-9][ -][ -~]*\r\n$`)

// FuzzSession gives a session whatever a peer may send: it ends, answers only in whole lines that begin with a code, and takes nothing that it may not.
func FuzzSession(f *testing.F) {
	f.Add([]byte("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<"+bounceTo()+"@bounces.example.org>\r\nDATA\r\n..x\r\n.\r\nQUIT\r\n"), false)
	f.Add([]byte("LHLO x\r\nMAIL FROM:<a@b> SIZE=5\r\nRCPT TO:<postmaster>\r\nRCPT TO:<abuse@bounces.example.org>\r\nDATA\r\nx\r\n.\r\nQUIT\r\n"), true)
	f.Add([]byte("EHLO x\r\nMAIL FROM:<\"a\\\"\"@b>\r\nRCPT TO:<@x:postmaster>\r\nRSET\r\nNOOP\r\nVRFY x\r\nSTARTTLS\r\nX\r\n"), false)
	f.Fuzz(func(t *testing.T, in []byte, lmtp bool) {
		s, err := Listen(t.Context(), Config{SMTP: "127.0.0.1:0", Hostname: "mx.example.org", Taker: strict{t}, Tokens: tokens, Domains: ourDomains, Limits: Limits{MessageSize: 2048}})
		must(t, err)
		defer s.Close()
		p, nc := s.ports[0], &script{in: bytes.NewReader(in)}
		p.lmtp = lmtp
		one := &session{s: s, ctx: context.Background(), conn: p.admit(nc), lmtp: lmtp}
		one.use(one.conn)
		one.serve()
		said := nc.out.String()
		for line := range strings.Lines(said) {
			if !replyLine.MatchString(line) {
				t.Errorf("said %q", line)
			}
		}
		if !strings.HasPrefix(said, "220 mx.example.org") || !nc.closed || s.peers.all != 0 {
			t.Errorf("after %q: closed %v, %d connections", said, nc.closed, s.peers.all)
		}
	})
}

// script is a connection whose peer says everything at once and listens.
type script struct {
	in     *bytes.Reader
	out    bytes.Buffer
	closed bool
}

func (s *script) Read(b []byte) (int, error)       { return s.in.Read(b) }
func (s *script) Write(b []byte) (int, error)      { return s.out.Write(b) }
func (s *script) Close() error                     { s.closed = true; return nil }
func (s *script) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }
