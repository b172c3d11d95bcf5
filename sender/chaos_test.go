package sender

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"postrider/sender/smtpconn"
	"postrider/sender/smtptest"
)

// hasty is the service with dialers that give up soon.
type hasty struct {
	RelayControl
	timeout time.Duration
}

func (h hasty) DialerFor(ctx context.Context, r Relay) (smtpconn.Dialer, error) {
	d, err := h.RelayControl.DialerFor(ctx, r)
	d.CommandTimeout, d.DataTimeout, d.DotTimeout = h.timeout, h.timeout, h.timeout
	return d, err
}

// hastyPools are pools whose waiting times pass when the clock is moved.
func (b *bundle) hastyPools(t *testing.T, c *clock) *Pools {
	t.Helper()
	node, err := StartNode(t.Context(), b.pool, 0, b.logger, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPools(hasty{b.Service, 2 * time.Second}, b.pool, node, b.logger, c.now)
	t.Cleanup(func() { p.Close(context.Background()) })
	return p
}

// storm sends messages through a faulty server the way a campaign does: what was
// not sent or deferred is tried again, what is in doubt is not.
type storm struct {
	pools *Pools
	relay Relay
	clock *clock

	mu       sync.Mutex
	accepted map[string]bool
	doubtful map[string]bool
	refused  map[string]bool
	lost     []string
}

const (
	stormMessages = 60
	stormWorkers  = 8
	stormAttempts = 40
)

func person(i int) string { return fmt.Sprintf("p%d@example.org", i) }

func (s *storm) run(ctx context.Context) {
	s.accepted, s.doubtful, s.refused = map[string]bool{}, map[string]bool{}, map[string]bool{}
	work := make(chan string)
	var wg sync.WaitGroup
	for range stormWorkers {
		wg.Go(func() {
			for to := range work {
				s.deliver(ctx, to)
			}
		})
	}
	for i := range stormMessages {
		work <- person(i)
	}
	close(work)
	wg.Wait()
}

func (s *storm) deliver(ctx context.Context, to string) {
	var last error
	for range stormAttempts {
		out, err := s.pools.Send(ctx, s.relay, Message{From: "a@example.org", To: to, Body: testBody})
		if err == nil && s.settled(to, out) {
			return
		}
		last = err
		wait := 10 * time.Second
		var u *Unavailable
		if errors.As(err, &u) {
			wait = u.Until.Sub(s.clock.now())
		} else if err == nil {
			last = fmt.Errorf("%s: %s %v", out.State, out.Reply, out.Err)
		}
		if wait > 0 {
			s.clock.advance(wait)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = append(s.lost, fmt.Sprintf("%s: %v", to, last))
}

// settled notes an end. Deferred and not sent are none.
func (s *storm) settled(to string, out smtpconn.Outcome) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case out.State == smtpconn.Accepted:
		s.accepted[to] = true
	case out.State == smtpconn.InDoubt:
		s.doubtful[to] = true
	case out.State == smtpconn.Rejected && out.Reply.Permanent():
		s.refused[to] = true
	default:
		return false
	}
	return true
}

// audit compares what we believe with what the server has.
func (s *storm) audit(t *testing.T, server *smtptest.Server) {
	t.Helper()
	for _, l := range s.lost {
		t.Errorf("given up: %s", l)
	}
	for i := range stormMessages {
		to := person(i)
		n := server.Count(to)
		switch {
		case s.accepted[to] && n != 1:
			t.Errorf("%s was accepted and arrived %d times", to, n)
		case s.doubtful[to] && n > 1:
			t.Errorf("%s is in doubt and arrived %d times", to, n)
		case s.refused[to] && n != 0:
			t.Errorf("%s was refused and arrived %d times", to, n)
		case !s.accepted[to] && !s.doubtful[to] && !s.refused[to]:
			t.Errorf("nobody knows of %s", to)
		}
	}
}

const closing = "421 4.3.2 Service shutting down"

func script(at smtptest.Stage, times int, sc smtptest.Script) smtptest.Option {
	sc.At, sc.Times = at, times
	return smtptest.WithScript(sc)
}

// weather is a fault, how many messages must end in doubt by it (-1: as it comes) and
// how many refused.
type weather struct {
	opts    []smtptest.Option
	doubt   int
	refused int
}

func forecast(greylist *smtptest.Greylist) map[string]weather {
	never := make(chan struct{})
	one := func(o smtptest.Option, doubt int) weather { return weather{opts: []smtptest.Option{o}, doubt: doubt} }
	drop, cut := smtptest.Script{Drop: true}, smtptest.Script{Drop: true, Accept: true}
	return map[string]weather{
		"greylist":              one(smtptest.WithGreylist(greylist), 0),
		"421 at the banner":     one(script(smtptest.AtGreeting, 3, smtptest.Script{Reply: "421 4.3.2 too busy"}), 0),
		"421 after 3":           one(smtptest.WithMaxPerConn(3, false), 0),
		"421 in the middle":     one(script(smtptest.AtBody, 3, smtptest.Script{Reply: closing}), 0),
		"closes after 3":        one(smtptest.WithMaxPerConn(3, true), 0),
		"drops at EHLO":         one(script(smtptest.AtHelo, 3, drop), 0),
		"drops at MAIL":         one(script(smtptest.AtMail, 5, drop), 0),
		"drops at RCPT":         one(script(smtptest.AtRcpt, 5, drop), 0),
		"drops at DATA":         one(script(smtptest.AtData, 5, drop), 0),
		"drops inside the dot":  one(script(smtptest.AtBody, 3, drop), 3),
		"drops after the dot":   one(script(smtptest.AtDot, 3, drop), 3),
		"takes it and drops":    one(script(smtptest.AtDot, 3, cut), 3),
		"250 too late":          one(script(smtptest.AtDot, 2, smtptest.Script{Wait: never, Accept: true}), 2),
		"tarpit":                one(script(smtptest.AtRcpt, 3, smtptest.Script{Dribble: 200 * time.Millisecond}), 0),
		"garbage":               one(script(smtptest.AtMail, 3, smtptest.Script{Reply: "\xff ok"}), 0),
		"garbage after the dot": one(script(smtptest.AtDot, 3, smtptest.Script{Reply: "ok"}), 3),
		"endless replies":       one(script(smtptest.AtRcpt, 3, smtptest.Script{Endless: true}), 0),
		"replies in pieces":     one(smtptest.WithFragments(), 0),
		"no PIPELINING":         one(smtptest.WithoutPipelining(), 0),
		"announced limits":      one(smtptest.WithLimits(smtptest.Limits{MailMax: 4}), 0),
		"hears nothing ahead":   one(smtptest.WithDiscardAhead(), 0),
		"everything at once": {doubt: 4, refused: 2, opts: []smtptest.Option{
			smtptest.WithMaxPerConn(4, true), smtptest.WithFragments(), smtptest.WithPlainReplies(),
			script(smtptest.AtDot, 2, drop), script(smtptest.AtDot, 2, cut), script(smtptest.AtMail, 2, drop), script(smtptest.AtData, 2, drop),
			script(smtptest.AtRcpt, 4, smtptest.Script{Reply: "450 4.2.0 later"}), script(smtptest.AtRcpt, 2, smtptest.Script{Reply: "550 5.1.1 nobody", Match: "p1*"}),
			script(smtptest.AtGreeting, 2, smtptest.Script{Reply: closing}), script(smtptest.AtData, 2, smtptest.Script{Reply: closing}),
		}},
	}
}

// TestStorms: whatever the server does wrong, nobody is lost, nobody gets it twice,
// every doubt is told, and the pool goes on.
func TestStorms(t *testing.T) {
	t.Parallel()
	b := setup(t)
	greyClock := &clock{at: time.Now()}
	for name, w := range forecast(&smtptest.Greylist{After: 30 * time.Second, Now: greyClock.now}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := smtptest.Start(t, w.opts...)
			s := &storm{clock: &clock{at: time.Now()}}
			if name == "greylist" {
				s.clock = greyClock
			}
			s.pools = b.hastyPools(t, s.clock)
			s.relay = b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections, in.MaxMessagesPerConnection = 4, 7 })
			s.run(t.Context())
			s.audit(t, server)
			if len(s.doubtful) != w.doubt || len(s.refused) != w.refused {
				t.Errorf("%d in doubt, want %d; %d refused, want %d", len(s.doubtful), w.doubt, len(s.refused), w.refused)
			}
			if v := server.Violations(); len(v) > 0 {
				t.Errorf("protocol violations: %q", v)
			}
		})
	}
}

// TestServerThatGoesDownAgainAndAgain closes all connections at whatever they are
// doing: at most one doubt for each of them.
func TestServerThatGoesDownAgainAndAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t)
	s := &storm{clock: &clock{at: time.Now()}}
	s.pools = b.hastyPools(t, s.clock)
	s.relay = b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections = 4 })
	const falls = 5
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range falls {
			if server.Wait(t.Context(), (i+1)*stormMessages/(falls+2)) == nil {
				server.DropAll()
			}
		}
	})
	s.run(t.Context())
	wg.Wait()
	s.audit(t, server)
	if len(s.doubtful) > falls*4 {
		t.Errorf("%d in doubt after %d falls of 4 connections", len(s.doubtful), falls)
	}
}

// TestRelayWithBrokenTLSIsNotSpokenTo: the relay stops with the reason, and nothing
// went over the wire.
func TestRelayWithBrokenTLSIsNotSpokenTo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	faults := []smtptest.Option{smtptest.WithoutExtensions("STARTTLS")}
	for _, f := range []smtptest.TLSFault{smtptest.TLSNotTLS, smtptest.TLSExpired, smtptest.TLSSelfSigned, smtptest.TLSWrongName, smtptest.TLSOld} {
		faults = append(faults, smtptest.WithTLSFault(smtptest.StartTLS, f))
	}
	for i, fault := range faults {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			password := "s3cret"
			server := smtptest.Start(t, smtptest.WithTLS(smtptest.StartTLS), smtptest.WithUser("me", password), fault)
			r := b.relayTo(t, server, func(in *RelayInput) {
				in.TLS, in.Auth, in.Username, in.Password = TLSStartTLS, AuthPlain, "me", &password
			})
			c := &clock{at: time.Now()}
			_, err := b.hastyPools(t, c).Send(t.Context(), r, Message{From: "a@example.org", To: person(1), Body: testBody})
			var u *Unavailable
			if !errors.As(err, &u) || u.Err.Error() == "" {
				t.Errorf("got %v", err)
			}
			if n := server.Commands("AUTH") + server.Commands("MAIL"); n > 0 {
				t.Error("the session went on")
			}
			if stored, err := b.GetRelay(t.Context(), r.ID); err != nil || stored.PauseReason == nil {
				t.Errorf("the relay does not say what is wrong: %v", err)
			}
		})
	}
}
