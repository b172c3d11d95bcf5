package sender

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

// Who has entered the right server wants to see that it works.
func TestTroubleOfTheOldSettingsIsForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gone, server := smtptest.Start(t), smtptest.Start(t)
	r := b.relayTo(t, gone, nil)
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	p := b.pools(t)
	sendAll(t.Context(), p, r, 0, 1)
	in := RelayInput{Name: r.Name, Host: server.Host(), Port: server.Port(), TLS: TLSNone, Auth: AuthNone, DKIM: DKIMOff}
	changed, err := b.UpdateRelay(t.Context(), r.ID, in)
	if err != nil || changed.PauseReason == nil {
		t.Fatalf("%+v, %v", changed, err)
	}
	noErrors(t, sendAll(t.Context(), p, changed, 0, 1))
	if r, err := b.GetRelay(t.Context(), r.ID); err != nil || r.PauseReason != nil {
		t.Errorf("it still says %v, %v", *r.PauseReason, err)
	}
}

// A lane beyond what is allowed leaves after its message, also where the commands of the next one could travel with it.
func TestSurplusLaneLeavesAfterItsMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t, smtptest.WithLatency(20*time.Millisecond))
	r := b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections = 4 })
	p := b.pools(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		sendAll(ctx, p, r, 0, 400)
	}()
	open := func(n int) func() bool {
		return func() bool {
			p.mu.Lock()
			defer p.mu.Unlock()
			pl := p.pools[r.ID]
			if pl == nil {
				return false
			}
			pl.mu.Lock()
			defer pl.mu.Unlock()
			return pl.lanes == n && pl.open == n
		}
	}
	until(t, open(4))
	pl := p.pools[r.ID]
	pl.mu.Lock()
	pl.setPace(&Pace{Connections: 1, Reason: string(reply.ReasonTooManyConnections), ChangedAt: time.Now()})
	pl.mu.Unlock()
	until(t, open(1))
	if n := len(server.Accepted()); n > 100 {
		t.Errorf("%d messages until all but one connection had left", n)
	}
	cancel()
	<-done
}

// until waits for a condition.
func until(t *testing.T, ok func() bool) {
	t.Helper()
	poll := time.NewTicker(2 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-poll.C {
		if time.Now().After(deadline) {
			t.Fatal("it did not come to that")
		}
	}
}

// Whether the next message may travel with the end of this one is asked right before the final dot: that must not wait for the database, which another
// connection asks meanwhile, or the dot goes out after the lease has ended.
func TestAnnouncingNeverWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	l := &limiter{interval: time.Second, lateness: time.Second, now: time.Now, next: time.Now(), left: 1}
	l.mu.Lock()
	defer l.mu.Unlock()
	got := make(chan bool, 1)
	go func() { got <- l.try() }()
	select {
	case may := <-got:
		if may {
			t.Error("it took a moment that another one is taking")
		}
	case <-time.After(5 * time.Second):
		t.Error("it waits")
	}
}

// What a server takes is counted over all processes: one that has a single connection of four must not leave the relay with that one.
func TestTooManyConnectionsCountsThoseOfOtherProcesses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	defer open()
	held := make(chan struct{}, 5)
	server := smtptest.Start(t, smtptest.WithLatency(10*time.Millisecond), smtptest.WithScript(smtptest.Script{Match: "p1*", At: smtptest.AtDot, Wait: gate, Held: held}),
		smtptest.WithProvider(smtptest.Provider{Connections: 4, ConnectionReply: "421 4.7.0 Too many connections from your host"}))
	r := b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections = 8 })
	one, two := b.pools(t), b.pools(t)
	var group errgroup.Group
	send := func(p *Pools, n int) {
		group.Go(func() error { return errors.Join(sendAll(t.Context(), p, r, n, 1)...) })
	}
	// One after the other, each when the one before stands at its end: until then it could travel with that, on the same connection.
	for n := 11; n <= 14; n++ {
		p := two
		if n == 14 {
			p = one
		}
		send(p, n)
		select {
		case <-held:
		case <-time.After(20 * time.Second):
			t.Fatalf("message %d did not get to its end", n)
		}
	}
	send(one, 15)
	var seen Relay
	until(t, func() bool {
		var err error
		if seen, err = b.GetRelay(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		return seen.Pace != nil
	})
	if seen.Pace.Connections != 4 {
		t.Errorf("%d connections from now on, the server takes four", seen.Pace.Connections)
	}
	open()
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}
