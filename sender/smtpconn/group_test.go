package smtpconn

import (
	"errors"
	"testing"
	"time"

	"postrider/sender/smtptest"
)

// sendGrouped sends to each address in turn, announcing the next one each time, and redials as a pool does.
func sendGrouped(t *testing.T, d Dialer, to ...string) []Outcome {
	t.Helper()
	c := open(t, d)
	var outs []Outcome
	for i := 0; i < len(to); i++ {
		var hooks Hooks
		if i+1 < len(to) {
			next := env(to[i+1])
			hooks.Next = func() *Envelope { return &next }
		}
		out := c.Send(t.Context(), env(to[i]), hooks)
		outs = append(outs, out)
		if !out.Reusable {
			c = open(t, d)
		}
		if out.Stale {
			i--
		}
	}
	return outs
}

func TestOneRoundTripForEachMessage(t *testing.T) {
	t.Parallel()
	const latency = 60 * time.Millisecond // so that a busy machine does not matter
	s := smtptest.Start(t, smtptest.WithLatency(latency))
	to := []string{"a@x.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example", "f@x.example", "g@x.example", "h@x.example"}
	began := time.Now()
	for i, out := range sendGrouped(t, dialer(s), to...) {
		if out.State != Accepted || !out.Reusable {
			t.Fatalf("message %d: %+v", i, out)
		}
	}
	// Greeting, EHLO, the first envelope, then one for each message; lock-step would be four for each.
	if took, most := time.Since(began), (3+time.Duration(len(to))+4)*latency; took > most {
		t.Errorf("took %s, more than %s", took, most)
	}
	for i, got := range s.Accepted() {
		if got.To != to[i] {
			t.Errorf("message %d went to %s", i, got.To)
		}
	}
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

// Whatever befalls one message of a line, the others arrive, each once.
func TestGroupSurvives(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		script smtptest.Script
		state  State
	}{
		"refused recipient":    {smtptest.Script{Match: "b@x.example", At: smtptest.AtRcpt, Reply: "550 5.1.1 no such user"}, Rejected},
		"lone DATA":            {smtptest.Script{Match: "b@x.example", At: smtptest.AtData, Reply: "554 5.5.1 no"}, Rejected},
		"refused message":      {smtptest.Script{Match: "b@x.example", At: smtptest.AtDot, Reply: "554 5.6.0 no"}, Rejected},
		"421 to the message":   {smtptest.Script{Match: "b@x.example", At: smtptest.AtDot, Reply: "421 4.3.0 closing"}, Rejected},
		"421 to the recipient": {smtptest.Script{Match: "b@x.example", At: smtptest.AtRcpt, Reply: "421 4.3.0 closing"}, Rejected},
		"421 to DATA":          {smtptest.Script{Match: "b@x.example", At: smtptest.AtData, Reply: "421 4.3.0 closing"}, Rejected},
		"421 in the message":   {smtptest.Script{Match: "b@x.example", At: smtptest.AtBody, Reply: "421 4.3.0 closing"}, Rejected},
		"drop at RCPT":         {smtptest.Script{Match: "b@x.example", At: smtptest.AtRcpt, Drop: true, Times: 1}, NotSent},
		"drop at DATA":         {smtptest.Script{Match: "b@x.example", At: smtptest.AtData, Drop: true, Times: 1}, NotSent},
		"garbage at DATA":      {smtptest.Script{Match: "b@x.example", At: smtptest.AtData, Reply: "yes", Times: 1}, NotSent},
		"250 to DATA":          {smtptest.Script{Match: "b@x.example", At: smtptest.AtData, Reply: "250 fine", Times: 1}, NotSent},
		"drop at the dot":      {smtptest.Script{Match: "b@x.example", At: smtptest.AtDot, Drop: true, Times: 1}, InDoubt},
		"drop in the message":  {smtptest.Script{Match: "b@x.example", At: smtptest.AtBody, Drop: true, Times: 1}, InDoubt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.Start(t, smtptest.WithScript(tc.script))
			outs := sendGrouped(t, dialer(s), "a@x.example", "b@x.example", "c@x.example", "d@x.example")
			counts := s.Counts()
			for _, to := range []string{"a@x.example", "c@x.example", "d@x.example"} {
				if counts[to] != 1 {
					t.Errorf("%s got it %d times: %+v", to, counts[to], outs)
				}
			}
			if outs[1].State != tc.state || counts["b@x.example"] != 0 {
				t.Errorf("b: %+v, accepted %d times", outs[1], counts["b@x.example"])
			}
		})
	}
}

func TestAnnouncedMessageOnAClosedConnectionIsStale(t *testing.T) {
	t.Parallel()
	for _, silent := range []bool{true, false} {
		s := smtptest.Start(t, smtptest.WithMaxPerConn(2, silent))
		outs := sendGrouped(t, dialer(s), "a@x.example", "b@x.example", "c@x.example", "d@x.example", "e@x.example")
		stale := 0
		for _, o := range outs {
			if o.Stale {
				stale++
			}
		}
		if stale != 2 || len(s.Accepted()) != 5 {
			t.Errorf("silent %v: %d stale, %d accepted: %+v", silent, stale, len(s.Accepted()), outs)
		}
	}
}

func TestNoGroupWithoutPipelining(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithoutPipelining())
	for i, out := range sendGrouped(t, dialer(s), "a@x.example", "b@x.example", "c@x.example") {
		if out.State != Accepted {
			t.Errorf("message %d: %+v", i, out)
		}
	}
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("violations: %q", v)
	}
}

// The end of an announced message is not written before the reply to the one in front is there: one is in doubt at most.
func TestOnlyOneInDoubt(t *testing.T) {
	t.Parallel()
	wait := make(chan struct{})
	s := smtptest.Start(t, smtptest.WithScript(smtptest.Script{Match: "a@x.example", At: smtptest.AtDot, Wait: wait}))
	d := dialer(s)
	c := open(t, d)
	next := env("b@x.example")
	first := make(chan Outcome, 1)
	go func() {
		first <- c.Send(t.Context(), env("a@x.example"), Hooks{Next: func() *Envelope { return &next }})
	}()
	wait <- struct{}{}
	if out := <-first; out.State != Accepted {
		t.Fatalf("%+v", out)
	}
	asked := false
	out := c.Send(t.Context(), next, Hooks{BeforeDot: func() error { asked = true; return nil }})
	if out.State != Accepted || !asked {
		t.Errorf("asked %v: %+v", asked, out)
	}
}

func TestAnnouncedMessageThatIsNotSent(t *testing.T) {
	t.Parallel()
	for name, send := range map[string]func(c *Conn, next Envelope) Outcome{
		"another one": func(c *Conn, _ Envelope) Outcome { return c.Send(t.Context(), env("z@x.example"), Hooks{}) },
		"held back": func(c *Conn, next Envelope) Outcome {
			return c.Send(t.Context(), next, Hooks{BeforeDot: func() error { return errors.New("lease lost") }})
		},
		"broken": func(c *Conn, next Envelope) Outcome {
			next.Body = []byte("bare\nline feed\r\n")
			return c.Send(t.Context(), next, Hooks{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.Start(t)
			c := open(t, dialer(s))
			next := env("b@x.example")
			if out := c.Send(t.Context(), env("a@x.example"), Hooks{Next: func() *Envelope { return &next }}); out.State != Accepted {
				t.Fatalf("%+v", out)
			}
			if out := send(c, next); out.State != NotSent || out.Reusable {
				t.Errorf("%+v", out)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if got := len(s.Accepted()); got != 1 {
				t.Errorf("%d accepted", got)
			}
		})
	}
}
