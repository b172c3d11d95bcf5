package smtpconn

import (
	"context"
	"errors"
	"testing"
	"time"

	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

// wary is a dialer that has little patience with a server it does not know.
func wary(s *smtptest.Server) Dialer {
	d := dialer(s)
	d.Avoid, d.patience = new(Avoid), short
	return d
}

// slow answers RCPT later than the patience lasts.
func slow(times int) smtptest.Option {
	return smtptest.WithScript(smtptest.Script{At: smtptest.AtRcpt, Reply: "250 ok", Dribble: short / 4, Times: times})
}

func TestThrownAwayIsSentInLockStep(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithDiscardAhead())
	d := wary(s)
	for try := range 2 { // the second one when the hour is over
		began := time.Now()
		out := send(t, open(t, d), bad)
		if out.State != NotSent || out.Reusable || out.Reply.Stage != reply.StageRcpt || !errors.Is(out.Err, errUnheard) || time.Since(began) > d.CommandTimeout/2 {
			t.Fatalf("try %d: %+v", try, out)
		}
		c := open(t, d)
		for range 2 {
			if out := send(t, c, good); out.State != Accepted {
				t.Fatalf("in lock-step: %+v", out)
			}
		}
		if until := time.Unix(0, d.Avoid.until.Load()); time.Until(until) < avoidFor-time.Minute {
			t.Errorf("lock-step until %s", until)
		}
		d.Avoid.until.Store(time.Now().Add(-time.Second).UnixNano())
	}
	if s.Count(bad) != 0 || s.Count(good) != 4 {
		t.Errorf("%v", s.Counts())
	}
}

// TestThrownAwayBehindTheEnd: a group within an envelope is heard, what comes behind a message is not.
func TestThrownAwayBehindTheEnd(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithScript(smtptest.Script{Match: "second@bounce.example", At: smtptest.AtMail, Wait: make(chan struct{}), Times: 1}))
	d := wary(s)
	c := open(t, d)
	next := env(good)
	next.From = "second@bounce.example"
	if out := c.Send(t.Context(), env("a@x.example"), Hooks{Next: func() *Envelope { return &next }}); out.State != Accepted {
		t.Fatalf("%+v", out)
	}
	if out := c.Send(t.Context(), next, Hooks{}); out.State != NotSent || !errors.Is(out.Err, errUnheard) || out.Stale {
		t.Errorf("%+v", out)
	}
	c = open(t, d)
	if out := c.Send(t.Context(), next, Hooks{Next: func() *Envelope { t.Error("asked in lock-step"); return nil }}); out.State != Accepted {
		t.Errorf("%+v", out)
	}
}

// TestSlowServerIsHeard: a server that has shown that it can may take its time, and nothing is held against it.
func TestSlowServerIsHeard(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t)
	d := wary(s)
	c := open(t, d)
	if out := send(t, c, good); out.State != Accepted {
		t.Fatalf("%+v", out)
	}
	s.Script(smtptest.Script{At: smtptest.AtRcpt, Reply: "250 ok", Dribble: short / 4, Times: 2})
	for _, c := range []*Conn{c, open(t, d)} {
		if out := send(t, c, good); out.State != Accepted || d.Avoid.until.Load() != 0 {
			t.Errorf("%+v", out)
		}
	}
}

// TestPatienceIsForTheProofOnly: once the recipient is answered, DATA has all the time of a command.
func TestPatienceIsForTheProofOnly(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtData, Reply: "354 go", Dribble: short / 4}))
	if out := send(t, open(t, wary(s)), good); out.State != Accepted {
		t.Errorf("%+v", out)
	}
}

// TestSuspicionIsTakenBack: the first recipient is greylisted in a tarpit; alone it is as slow.
func TestSuspicionIsTakenBack(t *testing.T) {
	t.Parallel()
	s := smtptest.Start(t, slow(3))
	d := wary(s)
	if out := send(t, open(t, d), good); out.State != NotSent || !errors.Is(out.Err, errUnheard) {
		t.Fatalf("%+v", out)
	}
	for _, lockStep := range []bool{true, false} {
		c := open(t, d)
		if c.pipelining == lockStep {
			t.Errorf("lock-step %v, want %v", !c.pipelining, lockStep)
		}
		if out := send(t, c, good); out.State != Accepted {
			t.Errorf("%+v", out)
		}
	}
	if s.Count(good) != 2 {
		t.Errorf("%v", s.Counts())
	}
}

// TestOthersAreNotSuspected: an end of ctx, a lost connection and a server that does not even answer MAIL.
func TestOthersAreNotSuspected(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	for name, sc := range map[string]smtptest.Script{
		"ctx ends": {At: smtptest.AtRcpt, Wait: hang},
		"dropped":  {At: smtptest.AtRcpt, Drop: true},
		"hangs":    {At: smtptest.AtMail, Wait: hang},
		"refuses":  {At: smtptest.AtRcpt, Reply: "450 4.7.1 greylisted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := smtptest.Start(t, smtptest.WithScript(sc))
			d := wary(s)
			d.CommandTimeout = short
			ctx := t.Context()
			if name == "ctx ends" {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, short/4)
				defer cancel()
			}
			if out := open(t, d).Send(ctx, env(bad), Hooks{}); out.State == Accepted || d.Avoid.until.Load() != 0 || errors.Is(out.Err, errUnheard) {
				t.Errorf("%+v", out)
			}
		})
	}
}
