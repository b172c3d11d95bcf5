package smtpconn

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

// short is a timeout that a scenario runs into. It is long enough for what is done
// before on a busy machine.
const short = 400 * time.Millisecond

const bad, good = "bad@x.example", "good@x.example"

// chaos is one thing that goes wrong with the message to bad, and how it must look.
type chaos struct {
	opts   []smtptest.Option
	edit   func(*Dialer)
	reused bool // a message to somebody else goes first
	size   int  // of the body in octets; 0 is a few lines

	state    State
	stage    reply.Stage
	code     int
	reusable bool
	stale    bool
	ledger   int
	broken   bool // the server takes no message from a client that sends ahead
}

func on(at smtptest.Stage, sc smtptest.Script) []smtptest.Option {
	sc.At = at
	switch at {
	case smtptest.AtMail:
		sc.Times = 1 // the sender is the same for all
	default:
		sc.Match = bad
	}
	return []smtptest.Option{smtptest.WithScript(sc)}
}

func says(at smtptest.Stage, text string) []smtptest.Option {
	return on(at, smtptest.Script{Reply: text})
}

func dots(d *Dialer)     { d.DotTimeout = short }
func commands(d *Dialer) { d.CommandTimeout = short }
func writes(d *Dialer)   { d.DataTimeout = short }

const (
	big    = 4 << 20  // more than the server reads at once
	huge   = 24 << 20 // more than the buffers of both kernels
	closes = "421 4.3.2 Service shutting down"
	dash   = 50 * time.Millisecond // between two bytes of a tarpit: no reply fits into short
)

// scenarios are grouped as the test plan has them.
func scenarios() map[string]chaos {
	never := make(chan struct{})
	one := smtptest.WithMaxPerConn(1, false)
	return map[string]chaos{
		"421 after N":                     {opts: []smtptest.Option{one}, reused: true, state: Rejected, stage: "mail", code: 421, stale: true},
		"421 to the first MAIL":           {opts: says(smtptest.AtMail, closes), state: Rejected, stage: "mail", code: 421},
		"421 to RCPT":                     {opts: says(smtptest.AtRcpt, closes), reused: true, state: Rejected, stage: "rcpt", code: 421},
		"421 to DATA":                     {opts: says(smtptest.AtData, closes), state: Rejected, stage: "data", code: 421},
		"421 in the middle, small":        {opts: says(smtptest.AtBody, closes), state: Rejected, stage: "dot", code: 421},
		"421 in the middle, large":        {opts: says(smtptest.AtBody, closes), size: big, state: Rejected, stage: "dot", code: 421},
		"421 in the middle and cut":       {opts: on(smtptest.AtBody, smtptest.Script{Reply: closes, Drop: true}), size: huge, state: NotSent, stage: "data"},
		"421 to the dot":                  {opts: says(smtptest.AtDot, closes), state: Rejected, stage: "dot", code: 421},
		"closed without a word":           {opts: []smtptest.Option{smtptest.WithMaxPerConn(1, true)}, reused: true, state: NotSent, stage: "mail", stale: true},
		"dropped at the first MAIL":       {opts: on(smtptest.AtMail, smtptest.Script{Drop: true}), state: NotSent, stage: "mail"},
		"dropped at RCPT":                 {opts: on(smtptest.AtRcpt, smtptest.Script{Drop: true}), reused: true, state: NotSent, stage: "rcpt"},
		"dropped at DATA":                 {opts: on(smtptest.AtData, smtptest.Script{Drop: true}), reused: true, state: NotSent, stage: "data"},
		"dropped before the dot":          {opts: on(smtptest.AtBody, smtptest.Script{Drop: true}), size: huge, state: NotSent, stage: "data"},
		"dropped with the dot on its way": {opts: on(smtptest.AtBody, smtptest.Script{Drop: true}), state: InDoubt, stage: "dot"},
		"dropped after the dot, lost":     {opts: on(smtptest.AtDot, smtptest.Script{Drop: true}), state: InDoubt, stage: "dot"},
		"dropped after the dot, taken":    {opts: on(smtptest.AtDot, smtptest.Script{Drop: true, Accept: true}), reused: true, state: InDoubt, stage: "dot", ledger: 1},
		"250 too late":                    {opts: on(smtptest.AtDot, smtptest.Script{Wait: never, Accept: true}), edit: dots, state: InDoubt, stage: "dot", ledger: 1},
		"tarpit at MAIL":                  {opts: on(smtptest.AtMail, smtptest.Script{Dribble: dash}), edit: commands, state: NotSent, stage: "mail"},
		"tarpit at DATA":                  {opts: on(smtptest.AtData, smtptest.Script{Dribble: dash}), edit: commands, state: NotSent, stage: "data"},
		"tarpit after the dot":            {opts: on(smtptest.AtDot, smtptest.Script{Dribble: dash, Accept: true}), edit: dots, state: InDoubt, stage: "dot", ledger: 1},
		"slow but in time":                {opts: on(smtptest.AtDot, smtptest.Script{Dribble: time.Millisecond}), state: Accepted, stage: "dot", code: 250, reusable: true, ledger: 1},
		"stalled reads":                   {opts: on(smtptest.AtBody, smtptest.Script{Wait: never}), edit: writes, size: huge, state: NotSent, stage: "data"},
		"hangs at RCPT":                   {opts: on(smtptest.AtRcpt, smtptest.Script{Wait: never}), edit: commands, reused: true, state: NotSent, stage: "rcpt"},

		"garbage to MAIL":             {opts: says(smtptest.AtMail, "ok, go on"), state: NotSent, stage: "mail"},
		"garbage to RCPT":             {opts: says(smtptest.AtRcpt, "\xff\xfe\x00"), reused: true, state: NotSent, stage: "rcpt"},
		"garbage to DATA":             {opts: says(smtptest.AtData, "35 go"), state: NotSent, stage: "data"},
		"garbage to the dot":          {opts: on(smtptest.AtDot, smtptest.Script{Reply: "zzz", Accept: true}), state: InDoubt, stage: "dot", ledger: 1},
		"8-bit refusal":               {opts: says(smtptest.AtRcpt, "550 5.1.1 \xcd\xe5\xf2 \xf2\xe0\xea\xee\xe3\xee"), state: Rejected, stage: "rcpt", code: 550, reusable: true},
		"endless reply to MAIL":       {opts: on(smtptest.AtMail, smtptest.Script{Endless: true}), state: NotSent, stage: "mail"},
		"endless reply to the dot":    {opts: on(smtptest.AtDot, smtptest.Script{Endless: true, Accept: true}), state: InDoubt, stage: "dot", ledger: 1},
		"no enhanced codes":           {opts: append(says(smtptest.AtRcpt, "550 5.1.1 nobody"), smtptest.WithPlainReplies()), state: Rejected, stage: "rcpt", code: 550, reusable: true},
		"replies in pieces":           {opts: []smtptest.Option{smtptest.WithFragments()}, reused: true, state: Accepted, stage: "dot", code: 250, reusable: true, ledger: 1},
		"refused in pieces":           {opts: append(says(smtptest.AtRcpt, "450-4.2.1 one\r\n450 4.2.1 two"), smtptest.WithFragments()), reused: true, state: Rejected, stage: "rcpt", code: 450, reusable: true},
		"sent ahead and thrown away":  {opts: []smtptest.Option{smtptest.WithDiscardAhead()}, edit: commands, state: NotSent, stage: "rcpt", broken: true},
		"no 8BITMIME, no SMTPUTF8":    {opts: []smtptest.Option{smtptest.WithoutExtensions("8BITMIME", "SMTPUTF8")}, state: Accepted, stage: "dot", code: 250, reusable: true, ledger: 1},
		"too big, said at MAIL":       {opts: []smtptest.Option{smtptest.WithSize(1000)}, size: 2000, state: Rejected, stage: "mail", code: 552, reusable: true},
		"too big, said after the dot": {opts: []smtptest.Option{smtptest.WithSize(1000), smtptest.WithoutExtensions("SIZE")}, size: 2000, state: Rejected, stage: "dot", code: 552, reusable: true},
		"LIMITS MAILMAX":              {opts: []smtptest.Option{smtptest.WithLimits(smtptest.Limits{MailMax: 1})}, reused: true, state: Accepted, stage: "dot", code: 250, ledger: 1},
		"LIMITS RCPTMAX":              {opts: []smtptest.Option{smtptest.WithLimits(smtptest.Limits{RcptMax: 1})}, reused: true, state: Accepted, stage: "dot", code: 250, reusable: true, ledger: 1},
	}
}

// TestChaos runs each fault with and without PIPELINING. After it the next message
// must pass, on the same connection if that is said to be usable.
func TestChaos(t *testing.T) {
	t.Parallel()
	for name, tc := range scenarios() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for mode, extra := range map[string][]smtptest.Option{"pipelining": nil, "lock-step": {smtptest.WithoutPipelining()}} {
				if mode == "lock-step" && name == "sent ahead and thrown away" {
					continue // nothing is sent ahead
				}
				t.Run(mode, func(t *testing.T) {
					t.Parallel()
					tc.run(t, smtptest.Start(t, append(slices.Clone(tc.opts), extra...)...))
				})
			}
		})
	}
}

func (tc chaos) run(t *testing.T, s *smtptest.Server) {
	d := dialer(s)
	if tc.edit != nil {
		tc.edit(&d)
	}
	c := open(t, d)
	if tc.reused {
		if out := send(t, c, "first@x.example"); out.State != Accepted {
			t.Fatalf("before the fault: %+v", out)
		} else if !out.Reusable {
			c = open(t, d)
		}
	}
	e := env(bad)
	if tc.size > 0 {
		e.Body = bytes.Repeat([]byte(strings.Repeat("x", 98)+"\r\n"), tc.size/100+1)
	}
	dot := false
	out := c.Send(t.Context(), e, Hooks{BeforeDot: func() error { dot = true; return nil }})
	tc.judge(t, out, dot)
	if n := s.Count(bad); n != tc.ledger {
		t.Errorf("the server has it %d times, want %d", n, tc.ledger)
	}
	if v := s.Violations(); len(v) > 0 {
		t.Errorf("protocol violations: %q", v)
	}
	if tc.broken {
		return
	}
	if !out.Reusable {
		c = open(t, dialer(s))
	}
	if out := send(t, c, good); out.State != Accepted || s.Count(good) != 1 {
		t.Errorf("after the fault: %+v", out)
	}
	if s.Count(bad) != tc.ledger {
		t.Error("the message came again with the next one")
	}
}

// judge compares an outcome and looks at what must hold for each.
func (tc chaos) judge(t *testing.T, out Outcome, dot bool) {
	t.Helper()
	if out.State != tc.state || out.Reply.Stage != tc.stage || out.Reply.Code != tc.code || out.Reusable != tc.reusable || out.Stale != tc.stale {
		t.Errorf("got %s at %s, code %d, reusable %v, stale %v: %v %q", out.State, out.Reply.Stage, out.Reply.Code, out.Reusable, out.Stale, out.Err, out.Reply.Text)
	}
	if out.State == InDoubt && !dot {
		t.Error("in doubt although no dot was written")
	}
	if out.State == NotSent && tc.ledger > 0 {
		t.Error("called not sent although the server took it")
	}
	if !utf8.ValidString(out.Reply.Text) || len(out.Reply.Text) > reply.MaxText {
		t.Errorf("reply text %q", out.Reply.Text)
	}
}

// TestLate250InTime: the reply comes long after the message was taken.
func TestLate250InTime(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	s := smtptest.Start(t, smtptest.WithScript(smtptest.Script{Match: bad, At: smtptest.AtDot, Wait: release, Accept: true}))
	go func() {
		_ = s.Wait(context.Background(), 1)
		close(release)
	}()
	c := open(t, dialer(s))
	if out := send(t, c, bad); out.State != Accepted || !out.Reusable || s.Count(bad) != 1 {
		t.Errorf("%+v", out)
	}
}

func TestGreylisting(t *testing.T) {
	t.Parallel()
	at := time.Now()
	s := smtptest.Start(t, smtptest.WithGreylist(&smtptest.Greylist{After: 5 * time.Minute, Now: func() time.Time { return at }}))
	c := open(t, dialer(s))
	for i, want := range []State{Rejected, Rejected, Accepted} {
		out := send(t, c, bad)
		if out.State != want || !out.Reusable || want == Rejected && reply.Classify(out.Reply).Reason != reply.ReasonGreylisted {
			t.Errorf("attempt %d: %+v", i, out)
		}
		at = at.Add(3 * time.Minute)
	}
	if n := s.Count(bad); n != 1 {
		t.Errorf("%d in the ledger", n)
	}
}
