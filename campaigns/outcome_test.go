package campaigns

import (
	"errors"
	"testing"
	"time"

	"postrider/sender/reply"
	"postrider/sender/smtpconn"
	"postrider/sender/smtptest"
)

func refuse(to, answer string) smtptest.Script {
	return smtptest.Script{Match: to, At: smtptest.AtRcpt, Reply: answer}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	rejected := func(code int, text string) smtpconn.Outcome {
		return smtpconn.Outcome{State: smtpconn.Rejected, Reply: reply.Parse(code, text, reply.StageRcpt)}
	}
	for _, tc := range []struct {
		name     string
		a        attempt
		policy   string
		state    State
		wait     time.Duration
		suppress bool
		released bool
	}{
		{name: "accepted", a: attempt{outcome: smtpconn.Outcome{State: smtpconn.Accepted, Reply: reply.Reply{Code: 250}}}, state: Sent},
		{name: "never tried", a: attempt{unsent: errors.New("relay down")}, state: Queued, released: true},
		{name: "cannot be made", a: attempt{failure: errors.New("too long")}, state: Failed},
		{name: "cannot be put on the wire", a: attempt{outcome: smtpconn.Outcome{State: smtpconn.NotSent, Err: smtpconn.ErrEnvelope}}, state: Failed},
		{name: "connection broke", a: attempt{outcome: smtpconn.Outcome{State: smtpconn.NotSent, Err: errors.New("reset")}}, state: Deferred, wait: 30 * time.Second},
		{name: "no reply, hold", a: attempt{outcome: smtpconn.Outcome{State: smtpconn.InDoubt}}, policy: PolicyHold, state: Unconfirmed},
		{name: "no reply, resend", a: attempt{outcome: smtpconn.Outcome{State: smtpconn.InDoubt}}, policy: PolicyResend, state: Deferred, wait: 30 * time.Second},
		{name: "no reply, assume", a: attempt{outcome: smtpconn.Outcome{State: smtpconn.InDoubt}}, policy: PolicyAssumeDelivered, state: Sent},
		{name: "unknown user", a: attempt{outcome: rejected(550, "5.1.1 no such user")}, state: Bounced, suppress: true},
		{name: "block list", a: attempt{outcome: rejected(550, "5.7.1 listed at zen.spamhaus.org")}, state: Failed},
		{name: "full mailbox, later", a: attempt{outcome: rejected(452, "4.2.2 over quota")}, state: Deferred, wait: 5 * time.Minute},
		{name: "full mailbox, third try", a: attempt{claimed: claimed{Attempts: 3}, outcome: rejected(452, "4.2.2 over quota")}, state: Deferred, wait: 20 * time.Minute},
		{name: "the server names a time", a: attempt{outcome: rejected(451, "4.7.0 try again in 17 minutes")}, state: Deferred, wait: 17 * time.Minute},
		{name: "too late to try again", a: attempt{claimed: claimed{FirstTriedAt: now.Add(-72 * time.Hour)}, outcome: rejected(451, "4.3.0 not now")}, state: Failed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if tc.a.Attempts == 0 {
				tc.a.Attempts = 1
			}
			if tc.a.FirstTriedAt.IsZero() {
				tc.a.FirstTriedAt = now
			}
			d := tc.a.decide(terms{policy: tc.policy, expires: 72 * time.Hour, now: now})
			if d.state != tc.state || d.suppress != tc.suppress || d.released != tc.released {
				t.Errorf("got %+v", d)
			}
			if tc.wait == 0 && d.next != nil || tc.wait != 0 && (d.next == nil || d.next.Sub(now) != tc.wait) {
				t.Errorf("next try %v, want after %s", d.next, tc.wait)
			}
		})
	}
}

func TestShapeFollowsTheRateAndTheSize(t *testing.T) {
	t.Parallel()
	s := New(Config{}, Deps{})
	rate := func(f float64) *float64 { return &f }
	for _, tc := range []struct {
		rate       *float64
		recipients int32
		size       int32
		window     int
	}{
		{nil, 1e6, 2000, 8}, {nil, 2000, 251, 8}, {nil, 10, 100, 8},
		{rate(1), 1e6, 60, 1}, {rate(0.005), 1e6, 10, 1}, {rate(1000), 1e6, 2000, 8}, {rate(150), 1e6, 2000, 2},
	} {
		size, window := s.shape(tc.rate, tc.recipients)
		if size != tc.size || window != tc.window {
			t.Errorf("rate %v: ranges of %d, %d at once; want %d, %d", tc.rate, size, window, tc.size, tc.window)
		}
	}
}

func TestStateNames(t *testing.T) {
	t.Parallel()
	for s := State(0); s < stateCount; s++ {
		if back, ok := ParseState(s.String()); !ok || back != s {
			t.Errorf("%d is %q and reads back as %d", s, s, back)
		}
	}
	if _, ok := ParseState("lost"); ok {
		t.Error("there is a state lost")
	}
}
