package smtpconn

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

var errCut = errors.New("the cable is cut")

// cable lets so many bytes through and then breaks.
type cable struct {
	net.Conn
	left int
}

func (c *cable) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b[:min(len(b), c.left)])
	c.left -= n
	if err == nil && n < len(b) {
		err = errCut
	}
	return n, err
}

// TestHalfWritten cuts the write that holds the end of a message and the commands of the next one at every place that matters.
func TestHalfWritten(t *testing.T) {
	t.Parallel()
	next := env("next@x.example")
	for _, size := range []int{1, 900} { // lines; the second is over what bufio holds
		e := env(bad)
		e.Body = bytes.Repeat([]byte("a line of ten\r\n"), size)
		end := len(e.Header) + len(e.Body) + len(".\r\n")
		for _, announced := range []bool{true, false} {
			cuts := []int{0, 1, end - 5, end - 3, end - 2, end - 1}
			if announced {
				cuts = append(cuts, end, end+1, end+40)
			}
			for _, cut := range cuts {
				t.Run(fmt.Sprintf("%d lines, announced %v, cut at %d of %d", size, announced, cut, end), func(t *testing.T) {
					t.Parallel()
					s := smtptest.Start(t)
					c := open(t, dialer(s))
					wire := c.nc.(*opening)
					hooks := Hooks{BeforeDot: func() error { wire.Conn = &cable{wire.Conn, cut}; return nil }}
					if announced {
						hooks.Next = func() *Envelope { return &next }
					}
					want := NotSent
					if cut >= end {
						want = InDoubt
					}
					if out := c.Send(t.Context(), e, hooks); out.State != want || out.Reusable || out.Stale || !errors.Is(out.Err, errCut) || c.Announced() {
						t.Errorf("%+v", out)
					}
					ended(t, s, want)
				})
			}
		}
	}
}

// TestHalfWrittenUnderTLS: what is handed over is counted in whole records.
func TestHalfWrittenUnderTLS(t *testing.T) {
	t.Parallel()
	next := env("next@x.example")
	seen := map[State]int{}
	for cut := 500; cut <= 17_000; cut += 1_500 {
		s := smtptest.Start(t, smtptest.WithTLS(smtptest.ImplicitTLS))
		d := dialer(s)
		d.TLS, d.TLSConfig = TLSImplicit, &tls.Config{RootCAs: s.CertPool()}
		c := open(t, d)
		wire := c.nc.(*tls.Conn).NetConn().(*opening)
		e := env(bad)
		e.Body = bytes.Repeat([]byte("a line of ten\r\n"), 900)
		next.From = strings.Repeat("f", 300) + "@x.example"
		out := c.Send(t.Context(), e, Hooks{BeforeDot: func() error { wire.Conn = &cable{wire.Conn, cut}; return nil }, Next: func() *Envelope { return &next }})
		seen[out.State]++
		ended(t, s, out.State)
	}
	if seen[NotSent] == 0 || seen[Accepted] == 0 {
		t.Errorf("the cuts are at the wrong places: %v", seen)
	}
}

// ended waits for the session to end and compares the ledger with what is believed.
func ended(t *testing.T, s *smtptest.Server, state State) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := s.Count(bad); state == NotSent && n > 0 || state == Accepted && n != 1 || n > 1 {
		t.Errorf("%s, and the server has it %d times", state, n)
	}
	if n := s.Count("next@x.example"); n > 0 {
		t.Errorf("the next message arrived %d times", n)
	}
}

// TestReplyBeforeItWasAskedFor: it is not taken for the one to the dot, and no dot is written.
func TestReplyBeforeItWasAskedFor(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]State{
		"250 2.0.0 taken": NotSent,
		"250-2.0.0 taken": NotSent,
		"354 go on":       NotSent,
		"yes":             NotSent,
		closes:            Rejected,
		"550 5.1.1 who?":  NotSent,
	} {
		t.Run(said, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, start func(...smtptest.Option) *smtptest.Server) {
				s := start(smtptest.WithReply(bad, smtptest.AtData, "354 go ahead\r\n"+said))
				called, began := false, time.Now()
				out := open(t, dialer(s)).Send(t.Context(), env(bad), Hooks{BeforeDot: func() error { called = true; return nil }})
				if out.State != want || out.Reusable || out.Stale || errors.Is(out.Err, errProtocol) != (want == NotSent) || called {
					t.Errorf("%+v, hook called %v", out, called)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("it waited %s for more", took)
				}
				ended(t, s, NotSent)
			})
		})
	}
}

// TestNothingGoesIntoAnAnnouncedMessage: what is no message is no text of one either.
func TestNothingGoesIntoAnAnnouncedMessage(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(*Conn) error{
		"RSET": func(c *Conn) error { return c.Reset(t.Context()) },
		"MAIL": func(c *Conn) error { _, err := c.Ask(t.Context(), reply.StageMail, "a@x.example"); return err },
		"QUIT": func(c *Conn) error { c.Quit(); return errOutOfTurn },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.Start(t)
			c := open(t, dialer(s))
			wire := c.nc.(*opening)
			next := env("next@x.example")
			if out := c.Send(t.Context(), env(good), Hooks{Next: func() *Envelope { return &next }}); out.State != Accepted || !c.Announced() {
				t.Fatalf("%+v", out)
			}
			count := &cable{wire.Conn, 1 << 20}
			wire.Conn = count
			if err := do(c); !errors.Is(err, errOutOfTurn) || c.Announced() || count.left != 1<<20 {
				t.Errorf("%v, %d bytes written", err, 1<<20-count.left)
			}
			if out := c.Send(t.Context(), next, Hooks{}); out.State != NotSent {
				t.Errorf("%+v", out)
			}
			ended(t, s, "")
		})
	}
}

// TestCtxEndsWhileAnnounced, when all replies are there already and when the server hangs.
func TestCtxEndsWhileAnnounced(t *testing.T) {
	t.Parallel()
	for _, at := range []smtptest.Stage{"", smtptest.AtRcpt, smtptest.AtData} {
		t.Run("hangs at "+string(at), func(t *testing.T) {
			t.Parallel()
			wait := make(chan struct{})
			s := smtptest.Start(t, smtptest.WithScript(smtptest.Script{Match: bad, At: at, Wait: wait}))
			c := open(t, dialer(s))
			next := env(bad)
			if out := c.Send(t.Context(), env(good), Hooks{Next: func() *Envelope { return &next }}); out.State != Accepted {
				t.Fatalf("%+v", out)
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			boom := errors.New("stopped by hand")
			if at == "" {
				cancel(boom)
			} else {
				go func() {
					for s.Commands("RCPT") < 2 || at == smtptest.AtData && s.Commands("DATA") < 2 {
						_ = s.Wait(ctx, 1)
					}
					cancel(boom)
				}()
			}
			called, began := false, time.Now()
			out := c.Send(ctx, next, Hooks{BeforeDot: func() error { called = true; return nil }})
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			if out.State != NotSent || out.Reusable || out.Stale || !errors.Is(out.Err, boom) || called {
				t.Errorf("%+v, hook called %v", out, called)
			}
			ended(t, s, NotSent)
		})
	}
}

// TestAnnouncedMessageHasTheTimeOfACommand, not that of the dot before it.
func TestAnnouncedMessageHasTheTimeOfACommand(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithScript(smtptest.Script{Match: bad, At: smtptest.AtRcpt, Wait: make(chan struct{})}))
	d := dialer(s)
	d.CommandTimeout = short
	c := open(t, d)
	next := env(bad)
	if out := c.Send(t.Context(), env(good), Hooks{Next: func() *Envelope { return &next }}); out.State != Accepted {
		t.Fatalf("%+v", out)
	}
	began := time.Now()
	if out := c.Send(t.Context(), next, Hooks{}); out.State != NotSent || out.Stale || out.Reply.Stage != reply.StageRcpt || time.Since(began) > d.DotTimeout/2 {
		t.Errorf("after %s: %+v", time.Since(began), out)
	}
}

// TestLargeMessagesInALine: their heads go out under the eyes of ctx, and they are announced like others.
func TestLargeMessagesInALine(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t)
	c := open(t, dialer(s))
	line := []Envelope{env("a@x.example"), env("b@x.example"), env("c@x.example")}
	for i := range line {
		line[i].Body = bytes.Repeat([]byte(".a line that begins with a dot\r\n"), (i+1)*4000)
	}
	for i := range line {
		out := c.Send(t.Context(), line[i], Hooks{Next: func() *Envelope {
			if i+1 == len(line) {
				return nil
			}
			return &line[i+1]
		}})
		if out.State != Accepted || !out.Reusable {
			t.Fatalf("message %d: %+v", i, out)
		}
	}
	for i, got := range s.Accepted() {
		if !bytes.Equal(got.Raw, slices.Concat(line[i].Header, line[i].Body)) {
			t.Errorf("message %d is not what was sent", i)
		}
	}
}
