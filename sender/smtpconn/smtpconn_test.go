package smtpconn

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const body = "From: a@acme.example\r\nMessage-ID: <1@acme.example>\r\n\r\nline\r\n.dot\r\n..two\r\n.\r\nend\r\n"

func dialer(s *smtptest.Server) Dialer {
	return Dialer{Host: s.Host(), Port: s.Port(), HELO: "client.example", DialTimeout: 10 * time.Second,
		CommandTimeout: 10 * time.Second, DataTimeout: 10 * time.Second, DotTimeout: 10 * time.Second}
}

func open(t *testing.T, d Dialer) *Conn {
	t.Helper()
	c, err := d.Dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func env(to string) Envelope {
	return Envelope{From: "b+1@bounce.example", To: to, Header: []byte("DKIM-Signature: x\r\n"), Body: []byte(body)}
}

func send(t *testing.T, c *Conn, to string) Outcome {
	t.Helper()
	return c.Send(t.Context(), env(to), Hooks{})
}

// modes runs a test with and without PIPELINING.
func modes(t *testing.T, f func(t *testing.T, start func(...smtptest.Option) *smtptest.Server)) {
	t.Helper()
	for name, opt := range map[string]smtptest.Option{"pipelining": func(*smtptest.Config) {}, "lock-step": smtptest.WithoutPipelining()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, func(o ...smtptest.Option) *smtptest.Server {
				s := smtptest.Start(t, append(o, opt)...)
				t.Cleanup(func() {
					if v := s.Violations(); len(v) > 0 {
						t.Errorf("protocol violations: %q", v)
					}
				})
				return s
			})
		})
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	modes(t, func(t *testing.T, start func(...smtptest.Option) *smtptest.Server) {
		s := start()
		c := open(t, dialer(s))
		for i := range 3 {
			out := send(t, c, "ann@x.example")
			if out.State != Accepted || !out.Reusable || out.Reply.Code != 250 || out.Reply.Text != "ok queued" || c.Uses() != i+1 {
				t.Fatalf("%+v, uses %d", out, c.Uses())
			}
		}
		got := s.Accepted()
		if len(got) != 3 || got[0].From != "b+1@bounce.example" || string(got[2].Raw) != "DKIM-Signature: x\r\n"+body || s.Commands("RSET") != 0 {
			t.Errorf("%d accepted, %q, %d RSET", len(got), got[0].Raw, s.Commands("RSET"))
		}
		if n, _ := s.Connections(); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

func TestLargeMessage(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t)
	c := open(t, dialer(s))
	e := env("ann@x.example")
	e.Body = []byte("From: a@b.example\r\n\r\n" + strings.Repeat(".a line that starts with a dot\r\n", 40000) + "no end")
	if out := c.Send(t.Context(), e, Hooks{}); out.State != Accepted {
		t.Fatalf("%+v", out)
	}
	if got := s.Accepted()[0].Raw; !bytes.Equal(got, []byte(string(e.Header)+string(e.Body)+"\r\n")) {
		t.Errorf("%d bytes arrived, %d sent", len(got), len(e.Body))
	}
}

func TestRejected(t *testing.T) {
	t.Parallel()
	for _, at := range []smtptest.Stage{smtptest.AtMail, smtptest.AtRcpt, smtptest.AtData, smtptest.AtDot} {
		for _, text := range []string{"550 5.1.1 nobody", "451-4.7.1 one\r\n451 4.7.1 two", "250-x\r\n250 y"} {
			if at != smtptest.AtData && text[0] == '2' {
				continue
			}
			t.Run(string(at)+" "+text[:3], func(t *testing.T) {
				t.Parallel()
				modes(t, func(t *testing.T, start func(...smtptest.Option) *smtptest.Server) {
					match := "bad@x.example"
					if at == smtptest.AtMail {
						match = "b+1@bounce.example"
					}
					s := start(smtptest.WithScript(smtptest.Script{Match: match, At: at, Reply: text, Times: 1}))
					c := open(t, dialer(s))
					out := send(t, c, "bad@x.example")
					if text[0] == '2' {
						if out.State != NotSent || out.Reusable {
							t.Fatalf("%+v", out)
						}
						return
					}
					if out.State != Rejected || !out.Reusable || out.Stale || string(out.Reply.Stage) != string(at) || out.Reply.Code/100 != int(text[0]-'0') {
						t.Fatalf("%+v", out)
					}
					if out := send(t, c, "good@x.example"); out.State != Accepted {
						t.Fatalf("after the refusal: %+v", out)
					}
					if s.Count("bad@x.example") != 0 || s.Count("good@x.example") != 1 {
						t.Errorf("ledger %v", s.Counts())
					}
					want := 0
					if at == smtptest.AtRcpt || at == smtptest.AtData {
						want = 1
					}
					if n := s.Commands("RSET"); n != want {
						t.Errorf("%d RSET, want %d", n, want)
					}
				})
			})
		}
	}
}

// TestLoneDot is RFC 2920 §3.1: 354 although the only recipient was refused.
func TestLoneDot(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t,
		smtptest.WithScript(smtptest.Script{Match: "bad@x.example", At: smtptest.AtRcpt, Reply: "550 5.1.1 nobody", Times: 1}),
		smtptest.WithScript(smtptest.Script{At: smtptest.AtData, Reply: "354 go ahead", Times: 1}))
	c := open(t, dialer(s))
	called := false
	out := c.Send(t.Context(), env("bad@x.example"), Hooks{BeforeDot: func() error { called = true; return nil }})
	if out.State != Rejected || out.Reply.Stage != reply.StageRcpt || !out.Reusable || called {
		t.Fatalf("%+v, hook called %v", out, called)
	}
	if out := send(t, c, "good@x.example"); out.State != Accepted {
		t.Fatalf("%+v", out)
	}
	if len(s.Accepted()) != 1 || len(s.Violations()) > 0 {
		t.Errorf("%v %v", s.Counts(), s.Violations())
	}
}

func TestCloseAfterRefusedMail(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithReply("", smtptest.AtMail, "550 5.7.1 go away"),
		smtptest.WithScript(smtptest.Script{At: smtptest.AtData, Drop: true}))
	out := send(t, open(t, dialer(s)), "ann@x.example")
	if out.State != Rejected || out.Reply.Code != 550 || out.Reply.Stage != reply.StageMail || out.Reusable {
		t.Errorf("%+v", out)
	}
}

func TestDrops(t *testing.T) {
	t.Parallel()
	tests := map[smtptest.Stage]State{smtptest.AtMail: NotSent, smtptest.AtRcpt: NotSent, smtptest.AtData: NotSent, smtptest.AtDot: InDoubt}
	for at, want := range tests {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			modes(t, func(t *testing.T, start func(...smtptest.Option) *smtptest.Server) {
				s := start(smtptest.WithScript(smtptest.Script{At: at, Drop: true, Accept: at == smtptest.AtDot}))
				out := send(t, open(t, dialer(s)), "ann@x.example")
				if out.State != want || out.Reusable || out.Stale || out.Err == nil || out.Reply.Code != 0 || string(out.Reply.Stage) != string(at) {
					t.Errorf("%+v", out)
				}
				if n := s.Count("ann@x.example"); (n == 1) != (at == smtptest.AtDot) {
					t.Errorf("ledger has %d", n)
				}
			})
		})
	}
}

func TestDropInsideBody(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtBody, Drop: true}))
	e := env("ann@x.example")
	e.Body = bytes.Repeat([]byte(strings.Repeat("x", 98)+"\r\n"), 200_000)
	called := false
	out := open(t, dialer(s)).Send(t.Context(), e, Hooks{BeforeDot: func() error { called = true; return nil }})
	if out.State != NotSent || called {
		t.Errorf("%+v, hook called %v", out, called)
	}
}

func TestInputIsChecked(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t)
	c := open(t, dialer(s))
	tests := map[string]struct {
		edit func(*Envelope)
		want error
	}{
		"bare LF":            {func(e *Envelope) { e.Body = []byte("a\n.\r\nb\r\n") }, ErrBareLineEnd},
		"bare CR":            {func(e *Envelope) { e.Body = []byte("a\r.\r\nb\r\n") }, ErrBareLineEnd},
		"bare CR at the end": {func(e *Envelope) { e.Body = []byte("a\r") }, ErrBareLineEnd},
		"LF first":           {func(e *Envelope) { e.Body = []byte("\na") }, ErrBareLineEnd},
		"8-bit":              {func(e *Envelope) { e.Body = []byte("é\r\n") }, ErrNotSevenBit},
		"NUL":                {func(e *Envelope) { e.Body = []byte("\x00\r\n") }, ErrNotSevenBit},
		"long line":          {func(e *Envelope) { e.Body = bytes.Repeat([]byte("a"), 999) }, ErrNotSevenBit},
		"header bare LF":     {func(e *Envelope) { e.Header = []byte("X: y\n") }, ErrBareLineEnd},
		"to with CRLF":       {func(e *Envelope) { e.To = "a@b>\r\nRCPT TO:<c@d" }, ErrEnvelope},
		"to with bracket":    {func(e *Envelope) { e.To = "a@b> X=<" }, ErrEnvelope},
		"empty to":           {func(e *Envelope) { e.To = "" }, ErrEnvelope},
		"from 8-bit":         {func(e *Envelope) { e.From = "ä@b" }, ErrEnvelope},
		"open quote":         {func(e *Envelope) { e.To = `"a@b` }, ErrEnvelope},
	}
	for name, tc := range tests {
		e := env("a@x.example")
		tc.edit(&e)
		if out := c.Send(t.Context(), e, Hooks{}); out.State != NotSent || !errors.Is(out.Err, tc.want) || !out.Reusable {
			t.Errorf("%s: %+v", name, out)
		}
	}
	e := env(`"odd <one"@x.example`)
	e.From = ""
	if out := c.Send(t.Context(), e, Hooks{}); out.State != Accepted {
		t.Errorf("null return path: %+v", out)
	}
	if n := len(s.Accepted()); n != 1 || s.Commands("MAIL") != 1 {
		t.Errorf("%d accepted, %d MAIL", n, s.Commands("MAIL"))
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithReply("bad@x.example", smtptest.AtRcpt, "550 5.1.1 nobody"))
	c := open(t, dialer(s))
	if out := send(t, c, "bad@x.example"); out.State != Rejected {
		t.Fatalf("%+v", out)
	}
	if err := c.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if out := send(t, c, "good@x.example"); out.State != Accepted || s.Commands("RSET") != 1 || c.Age() <= 0 {
		t.Errorf("%+v, %d RSET", out, s.Commands("RSET"))
	}
	s.DropAll()
	if err := c.Reset(t.Context()); err == nil {
		t.Error("RSET on a dead connection succeeds")
	}
}
