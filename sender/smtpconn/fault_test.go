package smtpconn

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

func TestStale(t *testing.T) {
	t.Parallel()
	for name, silent := range map[string]bool{"421": false, "silent": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, start func(...smtptest.Option) *smtptest.Server) {
				s := start(smtptest.WithMaxPerConn(1, silent))
				c := open(t, dialer(s))
				if out := send(t, c, "a@x.example"); out.State != Accepted || out.Stale {
					t.Fatalf("%+v", out)
				}
				out := send(t, c, "b@x.example")
				if !out.Stale || out.Reusable || (out.State == NotSent) != silent || (out.Reply.Code == 421) == silent {
					t.Fatalf("%+v", out)
				}
				if out := send(t, c, "b@x.example"); out.State != NotSent || out.Stale {
					t.Errorf("on a closed connection: %+v", out)
				}
			})
		})
	}
}

// TestClosingAtRSET: a connection that has to take a transaction back first finds out there that the server is closing.
func TestClosingAtRSET(t *testing.T) {
	t.Parallel()
	for _, at := range []smtptest.Script{{Reply: closes}, {Drop: true}, {Reply: "502 5.5.1 not here"}} {
		modes(t, func(t *testing.T, start func(...smtptest.Option) *smtptest.Server) {
			at := at
			at.At = smtptest.AtRset
			s := start(smtptest.WithScript(at), smtptest.WithReply(bad, smtptest.AtRcpt, "550 5.1.1 nobody"))
			c := open(t, dialer(s))
			if out := send(t, c, bad); out.State != Rejected || !out.Reusable {
				t.Fatalf("%+v", out)
			}
			out := send(t, c, good)
			if refused := at.Reply != closes && !at.Drop; out.State != NotSent || out.Reusable || out.Stale == refused || out.Reply.Stage != reply.StageRset {
				t.Errorf("%+v", out)
			}
			if out := send(t, open(t, dialer(s)), good); out.State != Accepted || s.Count(good) != 1 {
				t.Errorf("%+v", out)
			}
		})
	}
}

func TestBeforeDot(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small": 10, "large": 5000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.Start(t)
			c := open(t, dialer(s))
			e := env("ann@x.example")
			e.Body = []byte(strings.Repeat("a line of text\r\n", size))
			boom := errors.New("journal is full")
			out := c.Send(t.Context(), e, Hooks{BeforeDot: func() error {
				if len(s.Accepted()) != 0 {
					t.Error("accepted before the hook returned")
				}
				return boom
			}})
			if out.State != NotSent || !errors.Is(out.Err, boom) || out.Reusable {
				t.Fatalf("%+v", out)
			}
			if err := s.Close(); err != nil { // waits for the session to end
				t.Fatal(err)
			}
			if n := len(s.Accepted()); n != 0 {
				t.Errorf("%d accepted", n)
			}
		})
	}
}

func TestCancelBeforeDot(t *testing.T) {
	t.Parallel()
	for _, at := range []smtptest.Stage{smtptest.AtMail, smtptest.AtData} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			wait := make(chan struct{})
			s := smtptest.Start(t, smtptest.WithScript(smtptest.Script{At: at, Wait: wait}))
			c := open(t, dialer(s))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				wait <- struct{}{} // the first transaction passes
				cancel()
			}()
			if out := c.Send(t.Context(), env("a@x.example"), Hooks{}); out.State != Accepted {
				t.Fatalf("%+v", out)
			}
			out := c.Send(ctx, env("b@x.example"), Hooks{})
			if out.State != NotSent || !errors.Is(out.Err, context.Canceled) || out.Reusable || out.Stale {
				t.Errorf("%+v", out)
			}
		})
	}
}

// TestCancelInsideHookIsTooLate: once BeforeDot runs, the transaction is finished.
func TestCancelInsideHookIsTooLate(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t)
	c := open(t, dialer(s))
	ctx, cancel := context.WithCancel(t.Context())
	out := c.Send(ctx, env("a@x.example"), Hooks{BeforeDot: func() error { cancel(); return nil }})
	if out.State != Accepted || !out.Reusable {
		t.Fatalf("%+v", out)
	}
	if out := send(t, c, "b@x.example"); out.State != Accepted {
		t.Errorf("the connection is spoilt: %+v", out)
	}
}

func TestDotTimeoutIsDoubt(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtDot, Wait: make(chan struct{})}))
	d := dialer(s)
	d.DotTimeout = 20 * time.Millisecond
	out := send(t, open(t, d), "a@x.example")
	if out.State != InDoubt || out.Reply.Stage != reply.StageDot {
		t.Errorf("%+v", out)
	}
}

// TestTarpit: a byte now and then must not stretch a command's deadline.
func TestTarpit(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		_, _ = nc.Write([]byte("220 hi\r\n"))
		b := make([]byte, 512)
		_, _ = nc.Read(b)
		_, _ = nc.Write([]byte("250 hi\r\n"))
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := nc.Write([]byte("2")); err != nil {
				return
			}
		}
	}()
	defer func() { _ = ln.Close(); <-done }()
	addr := ln.Addr().(*net.TCPAddr)
	c := open(t, Dialer{Host: "127.0.0.1", Port: addr.Port, CommandTimeout: 200 * time.Millisecond})
	out := send(t, c, "a@x.example")
	if out.State != NotSent || out.Stale {
		t.Errorf("%+v", out)
	}
	c.Close()
}
