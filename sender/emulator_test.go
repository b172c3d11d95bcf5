package sender

import (
	"context"
	"sync"
	"testing"
	"time"

	"postrider/sender/smtptest"
)

// politely sends from two processes to a provider that counts violations, until the
// messages are through or the time is over. It gives how many passed and in what time
// the server saw them come: first to last and one step more. What the relay says to the messages matters only when no limit was exceeded.
func politely(t *testing.T, p smtptest.Provider, messages int, most time.Duration, change func(*RelayInput)) (sent int, took time.Duration, violations []smtptest.Violation) {
	t.Helper()
	b := setup(t)
	server := smtptest.Start(t, smtptest.WithProvider(p))
	r := b.relayTo(t, server, change)
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		failed []error
	)
	for i, pools := range []*Pools{b.pools(t), b.pools(t)} {
		wg.Go(func() {
			for _, err := range sendAll(ctx, pools, r, i*messages, messages/2) {
				if err != nil && ctx.Err() == nil {
					mu.Lock()
					failed = append(failed, err)
					mu.Unlock()
				}
			}
			pools.Close(context.Background()) // its connections are for the other one now
		})
	}
	wg.Wait()
	if violations = server.LimitViolations(); len(violations) == 0 {
		for _, err := range failed {
			t.Error(err)
		}
	}
	got := server.Accepted()
	if len(got) < 2 {
		t.Fatalf("%d messages passed", len(got))
	}
	first, last := got[0].At, got[0].At
	for _, m := range got {
		if m.At.Before(first) {
			first = m.At
		}
		if m.At.After(last) {
			last = m.At
		}
	}
	span := last.Sub(first)
	return len(got), span + span/time.Duration(len(got)-1), violations
}

// heldUp is how long a busy machine may hold up a message between the pool and the server of the test, which are two goroutines of one process. Two messages then seem closer to one another
// than they were sent.
const heldUp = 50 * time.Millisecond

// used wants 95 % of what the provider allows to be sent, and nothing more. A machine that is busy with other things cannot always send that much, and may hold up single messages on their
// way, so three tries are made; a limit that is exceeded by more than that, or in each try, is exceeded by us.
func used(t *testing.T, p smtptest.Provider, n int, stop time.Duration, change func(*RelayInput)) {
	t.Helper()
	for try := 1; ; try++ {
		sent, took, violations := politely(t, p, n, stop, change)
		allowed := p.Allowed(took)
		switch {
		case len(violations) == 1 && 0 < violations[0].Early && violations[0].Early < heldUp && try < 3:
			t.Logf("over a limit: %s: once more", violations[0])
			continue
		case len(violations) > 0:
			t.Fatalf("%d times over a limit, such as %s", len(violations), violations[0])
		case float64(sent) >= 0.95*float64(allowed) && took >= stop*7/10:
			return
		case try == 3 || t.Failed():
			t.Fatalf("%d messages in %s, %d were allowed", sent, took, allowed)
		}
		t.Logf("%d messages in %s, %d were allowed: once more", sent, took, allowed)
	}
}

// TestProviderRatesAreUsedAndNeverExceeded: no violation at 95 % or more of what is
// allowed, with the provider's own figure as the relay's limit.
func TestProviderRatesAreUsedAndNeverExceeded(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]smtptest.Provider{
		"second": {Rates: []smtptest.Rate{{Messages: 40, Per: time.Second}}},
		"longer": {Rates: []smtptest.Rate{{Messages: 160, Per: 4 * time.Second}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limit := 40
			used(t, p, 900, 7*time.Second, func(in *RelayInput) { in.Limits.PerSecond = &limit })
		})
	}
}

// TestProviderConnectionsAreNeverExceeded: not one connection too many, and on none a
// message too many.
func TestProviderConnectionsAreNeverExceeded(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]smtptest.Provider{
		"at the greeting": {Connections: 3, PerConnection: 5},
		"at MAIL":         {Connections: 3, PerConnection: 5, LateRefusal: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent, _, violations := politely(t, p, 120, time.Minute, func(in *RelayInput) { in.MaxConnections, in.MaxMessagesPerConnection = 3, 5 })
			if len(violations) > 0 {
				t.Errorf("%d times over a limit, such as %s", len(violations), violations[0])
			}
			if sent != 120 {
				t.Errorf("%d of 120 passed", sent)
			}
		})
	}
}

// TestMicrosoft365IsKept: three connections and thirty messages a minute, the minute scaled to two seconds.
func TestMicrosoft365IsKept(t *testing.T) {
	t.Parallel()
	p := smtptest.Microsoft365(2 * time.Second)
	limit := 15
	used(t, p, 400, 8*time.Second, func(in *RelayInput) { in.MaxConnections, in.Limits.PerSecond = 3, &limit })
}
