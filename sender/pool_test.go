package sender

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"postrider/sender/smtpconn"
	"postrider/sender/smtptest"
)

var testBody = []byte("From: a@example.org\r\nTo: b@example.org\r\nSubject: x\r\n\r\nhello\r\n")

// pools makes another process that sends: a node of its own with its own pools.
func (b *bundle) pools(t *testing.T) *Pools {
	t.Helper()
	node, err := StartNode(t.Context(), b.pool, 0, b.logger, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPools(b.Service, b.pool, node, b.logger, time.Now)
	t.Cleanup(func() { p.Close(context.Background()) })
	return p
}

func (b *bundle) relayTo(t *testing.T, server *smtptest.Server, change func(*RelayInput)) Relay {
	t.Helper()
	in := RelayInput{Name: "Pool " + t.Name(), Host: server.Host(), Port: server.Port(), TLS: TLSNone, Auth: AuthNone, DKIM: DKIMOff}
	if change != nil {
		change(&in)
	}
	r, err := b.CreateRelay(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// sendAll sends n messages at once and gives the errors of those that were not accepted.
func sendAll(ctx context.Context, p *Pools, r Relay, from, n int) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			o, err := p.Send(ctx, r, Message{From: "a@example.org", To: fmt.Sprintf("p%d@example.org", from+i), Body: testBody})
			if err == nil && o.State != smtpconn.Accepted {
				err = fmt.Errorf("%s: %v", o.State, o.Err)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errs
}

func noErrors(t *testing.T, errs []error) {
	t.Helper()
	for i, err := range errs {
		if err != nil {
			t.Errorf("message %d: %v", i, err)
		}
	}
}

func TestConnectionsStayWithinTheLimitOverTwoProcesses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t, smtptest.WithLatency(2*time.Millisecond))
	r := b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections = 3 })
	one, two := b.pools(t), b.pools(t)
	var wg sync.WaitGroup
	wg.Go(func() { noErrors(t, sendAll(t.Context(), one, r, 0, 60)) })
	// The second process gets a connection when the first lets one go; until then it waits.
	wg.Go(func() {
		errs := sendAll(t.Context(), two, r, 100, 20)
		noErrors(t, errs)
	})
	wg.Wait()
	if _, peak := server.Connections(); peak > 3 {
		t.Errorf("%d connections at once, 3 are allowed", peak)
	}
	if got := len(server.Accepted()); got != 80 {
		t.Errorf("%d messages arrived, want 80", got)
	}
}

func TestRateHoldsOverTwoProcesses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t)
	limit := 20
	r := b.relayTo(t, server, func(in *RelayInput) { in.Limits.PerSecond = &limit })
	one, two := b.pools(t), b.pools(t)
	var wg sync.WaitGroup
	wg.Go(func() { noErrors(t, sendAll(t.Context(), one, r, 0, 20)) })
	wg.Go(func() { noErrors(t, sendAll(t.Context(), two, r, 100, 20)) })
	wg.Wait()
	got := server.Accepted()
	if len(got) != 40 {
		t.Fatalf("%d messages, want 40", len(got))
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
	// 40 messages at 20 a second lie on a line of 39 steps of 50 ms, whoever sends them.
	if span := last.Sub(first); span < 39*50*time.Millisecond-100*time.Millisecond {
		t.Errorf("40 messages within %s are more than 20 a second", span)
	}
}

func TestServerThatClosesSilentlyIsNoFailure(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t, smtptest.WithMaxPerConn(3, true))
	r := b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections = 2 })
	p := b.pools(t)
	noErrors(t, sendAll(t.Context(), p, r, 0, 25))
	for to, n := range server.Counts() {
		if n != 1 {
			t.Errorf("%s got %d", to, n)
		}
	}
	if r, _ := b.GetRelay(t.Context(), r.ID); r.PauseReason != nil {
		t.Errorf("the relay is said to be in trouble: %s", *r.PauseReason)
	}
}

func TestMessagesPerConnection(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t)
	r := b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections, in.MaxMessagesPerConnection = 1, 5 })
	p := b.pools(t)
	for i := range 12 {
		noErrors(t, sendAll(t.Context(), p, r, i, 1))
	}
	if opened, _ := server.Connections(); opened != 3 {
		t.Errorf("%d connections for 12 messages at 5 each", opened)
	}
}

func TestUnreachableRelayIsLeftAloneForAWhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t)
	r := b.relayTo(t, server, nil)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	p := b.pools(t)
	errs := sendAll(t.Context(), p, r, 0, 5)
	for _, err := range errs {
		var u *Unavailable
		if !errors.As(err, &u) || u.Paused {
			t.Errorf("got %v, want an Unavailable", err)
		}
	}
	if pl := p.pools[r.ID]; pl.failures != 1 || !pl.down.Until.After(time.Now().Add(-2*time.Second)) {
		t.Errorf("%d failures, down until %s: five that fail together are one", pl.failures, pl.down.Until)
	}
	stored, err := b.GetRelay(t.Context(), r.ID)
	if err != nil || stored.PauseReason == nil || stored.Status != RelayActive {
		t.Errorf("the relay does not say what is wrong: %+v, %v", stored, err)
	}
}

func TestRefusedLoginPausesTheRelay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t, smtptest.WithUser("me", "right"))
	wrong := "wrong"
	r := b.relayTo(t, server, func(in *RelayInput) { in.Auth, in.Username, in.Password = AuthPlain, "me", &wrong })
	p := b.pools(t)
	errs := sendAll(t.Context(), p, r, 0, 1)
	var u *Unavailable
	if !errors.As(errs[0], &u) || !u.Paused {
		t.Fatalf("got %v", errs[0])
	}
	stored, err := b.GetRelay(t.Context(), r.ID)
	if err != nil || stored.Status != RelayPaused || stored.PauseReason == nil || !strings.Contains(*stored.PauseReason, "535") {
		t.Errorf("%+v, %v", stored, err)
	}
	if strings.Contains(*stored.PauseReason, wrong) {
		t.Error("the password is in the reason")
	}
}

func TestChangedRelayIsUsedAsItIsNow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before, after := smtptest.Start(t), smtptest.Start(t)
	r := b.relayTo(t, before, nil)
	p := b.pools(t)
	noErrors(t, sendAll(t.Context(), p, r, 0, 3))
	changed, err := b.UpdateRelay(t.Context(), r.ID, RelayInput{Name: r.Name, Host: after.Host(), Port: after.Port(), TLS: TLSNone, Auth: AuthNone, DKIM: DKIMOff})
	if err != nil {
		t.Fatal(err)
	}
	noErrors(t, sendAll(t.Context(), p, changed, 10, 3))
	if len(before.Accepted()) != 3 || len(after.Accepted()) != 3 {
		t.Errorf("the old server has %d, the new one %d", len(before.Accepted()), len(after.Accepted()))
	}
}

func TestMessageFarFromItsMomentGoesBackAndCostsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t)
	limit := 1
	r := b.relayTo(t, server, func(in *RelayInput) { in.Limits.PerMinute = &limit })
	p := b.pools(t)
	noErrors(t, sendAll(t.Context(), p, r, 0, 1))
	var moments []time.Time
	for _, err := range sendAll(t.Context(), p, r, 1, 5) {
		var u *Unavailable
		if !errors.As(err, &u) {
			t.Fatalf("got %v", err)
		}
		moments = append(moments, u.Until)
	}
	for _, at := range moments {
		if d := time.Until(at); d < 50*time.Second || d > 62*time.Second || !at.Equal(moments[0]) {
			t.Errorf("the next message may go in %s; each try must see the same moment", d)
		}
	}
	if len(server.Accepted()) != 1 {
		t.Error("it was sent after all")
	}
}

func TestNoBurstAfterAPause(t *testing.T) {
	t.Parallel()
	b := setup(t)
	limit := 100
	r := b.relayTo(t, smtptest.Start(t), func(in *RelayInput) { in.Limits.PerSecond = &limit })
	at := time.Now()
	now := func() time.Time { return at }
	var limiters []*limiter
	for range 3 {
		l := newLimiter(b.pool, r, now)
		if _, err := l.take(t.Context(), limitPatience); err != nil {
			t.Fatal(err)
		}
		limiters = append(limiters, l)
	}
	// Everybody idles with most of a block in hand, and comes back.
	at = at.Add(10 * time.Second)
	due := 0
	for _, l := range limiters {
		for range 60 {
			moment, err := l.take(t.Context(), limitPatience)
			if err == nil && !moment.After(at) {
				due++
			}
		}
	}
	if due > 9 {
		t.Errorf("%d messages may go at once after a pause, at 100 a second", due)
	}
}

func TestExhaustedQuotaStopsTheOthers(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t, smtptest.WithReply("", smtptest.AtMail, "550 5.4.5 Daily user sending limit exceeded"))
	r := b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections = 4 })
	p := b.pools(t)
	sendAll(t.Context(), p, r, 0, 200)
	if n := server.Commands("MAIL"); n > 2*4 {
		t.Errorf("%d further tries after the quota was used up", n)
	}
}

func TestForgottenSlotIsTakenBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t)
	r := b.relayTo(t, server, func(in *RelayInput) { in.MaxConnections = 1 })
	p := b.pools(t)
	// The database was away as a connection ended: its row is ours, and we do not hold it.
	if _, ok, err := takeSlot(t.Context(), b.pool, r.ID, 1, p.node.ID, []int{}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	noErrors(t, sendAll(ctx, p, r, 0, 3))
}

func TestOldSettingsDoNotComeBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before, after := smtptest.Start(t), smtptest.Start(t)
	old := b.relayTo(t, before, nil)
	p := b.pools(t)
	changed, err := b.UpdateRelay(t.Context(), old.ID, RelayInput{Name: old.Name, Host: after.Host(), Port: after.Port(), TLS: TLSNone, Auth: AuthNone, DKIM: DKIMOff})
	if err != nil {
		t.Fatal(err)
	}
	noErrors(t, sendAll(t.Context(), p, changed, 0, 2))
	noErrors(t, sendAll(t.Context(), p, old, 10, 2))
	if len(before.Accepted()) != 0 || len(after.Accepted()) != 4 {
		t.Errorf("the old server got %d", len(before.Accepted()))
	}
}

func TestClosedPoolsGiveTheirSlotsBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	server := smtptest.Start(t)
	r := b.relayTo(t, server, nil)
	p := b.pools(t)
	noErrors(t, sendAll(t.Context(), p, r, 0, 10))
	p.Close(t.Context())
	if errs := sendAll(t.Context(), p, r, 0, 1); errs[0] == nil {
		t.Error("closed pools sent a message")
	}
	var slots int
	if err := b.pool.QueryRow(t.Context(), `SELECT count(*) FROM relay_slots`).Scan(&slots); err != nil || slots != 0 {
		t.Errorf("%d slots are still taken, %v", slots, err)
	}
}

func TestSettledNodeGivesItsSlotsBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.relayTo(t, smtptest.Start(t), func(in *RelayInput) { in.MaxConnections = 1 })
	dead, err := StartNode(t.Context(), b.pool, 0, b.logger, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := takeSlot(t.Context(), b.pool, r.ID, 1, dead.ID, []int{}); !ok || err != nil {
		t.Fatalf("no slot: %v", err)
	}
	alive, err := StartNode(t.Context(), b.pool, 0, b.logger, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := takeSlot(t.Context(), b.pool, r.ID, 1, alive.ID, []int{}); ok || err != nil {
		t.Fatalf("the only slot was given twice, %v", err)
	}
	tx, err := b.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if first, err := SettleNodeTx(t.Context(), tx, dead.ID); !first || err != nil {
		t.Fatalf("settling: %v %v", first, err)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := takeSlot(t.Context(), b.pool, r.ID, 1, alive.ID, []int{}); !ok || err != nil {
		t.Errorf("the slot did not come back: %v", err)
	}
}
