package campaigns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"postrider/sender"
	"postrider/templates"
)

// TestAMessageInDoubtIsSentAgain also when it had expired before somebody decided so, and others came after it.
func TestAMessageInDoubtIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, paused := range map[string]bool{"at once": false, "when its stream goes on": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			tmpl := b.template()
			b.exec(`UPDATE relays SET status = 'paused', updated_at = now()`)
			old := b.sendMessage(receipt(tmpl, "ann@example.net"))
			b.exec(`UPDATE deliveries SET state = 6, attempts = 1, first_tried_at = now() WHERE campaign_id = $1`, old.CampaignID)
			b.exec(`UPDATE relays SET status = 'active', updated_at = now()`)
			b.clock.advance(25 * time.Hour)
			must(t, b.tick(t.Context()))
			b.awaitMessage(b.sendMessage(receipt(tmpl, "bob@example.net")).ID, Sent)
			if paused {
				_, err := b.Pause(t.Context(), old.CampaignID, "")
				must(t, err)
			}
			if n, err := b.ResolveUnconfirmed(t.Context(), old.CampaignID, PolicyResend); err != nil || n != 1 {
				t.Fatal(n, err)
			}
			if paused {
				_, err := b.Resume(t.Context(), old.CampaignID)
				must(t, err)
			}
			m := b.awaitMessage(old.ID, Sent)
			if left := m.ExpiresAt.Sub(b.clock.now()); left < 23*time.Hour || left > 24*time.Hour {
				t.Errorf("it has %s", left)
			}
		})
	}
}

// TestAMessageInDoubtIsGivenUp when nothing takes it within a day after somebody wanted it sent again.
func TestAMessageInDoubtIsGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`UPDATE relays SET status = 'paused', updated_at = now()`)
	old := b.sendMessage(receipt(b.template(), "ann@example.net"))
	b.exec(`UPDATE deliveries SET state = 6, attempts = 1, first_tried_at = now() WHERE campaign_id = $1`, old.CampaignID)
	b.clock.advance(25 * time.Hour)
	must(t, b.tick(t.Context()))
	if n, err := b.ResolveUnconfirmed(t.Context(), old.CampaignID, PolicyResend); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	b.awaitMessage(old.ID, Queued)
	b.clock.advance(25 * time.Hour)
	b.awaitMessage(old.ID, Failed)
}

// until waits for a condition, without the regular work.
func (b *bundle) until(what string, ok func() bool) {
	b.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			b.t.Fatalf("waiting for %s\n%s", what, b.log)
		}
		<-poll.C
	}
}

// quiet waits until no job of messages is left that could run.
func (b *bundle) quiet() {
	b.t.Helper()
	b.until("the jobs to end", func() bool {
		return query[int](b, `SELECT count(*)::int FROM river_job WHERE kind = 'deliver_messages' AND state IN ('available', 'running', 'retryable')`)[0] == 0
	})
}

func (b *bundle) stateOf(id int64) State {
	b.t.Helper()
	m, err := b.GetMessage(b.t.Context(), id)
	must(b.t, err)
	return m.Delivery.State
}

// TestMessagesOfTwoProcessesWait: a stream that rests begins again at the lowest number that waits, whoever accepted it.
func TestMessagesOfTwoProcessesWait(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.Snooze = time.Hour
	tmpl := b.template()
	first := b.sendMessage(receipt(tmpl, "first@example.net"))
	b.awaitMessage(first.ID, Sent)
	other := New(b.cfg, b.d)
	other.SetJobs(b.jobs)
	b.exec(`UPDATE relays SET status = 'paused', updated_at = now()`)
	high, _, err := other.SendMessage(t.Context(), Request{}, receipt(tmpl, "high@example.net"))
	must(t, err)
	b.until("the stream to rest", func() bool {
		return query[int](b, `SELECT count(*)::int FROM message_streams WHERE look_at > now() AND look_from = $1`, high.Seq)[0] == 1
	})
	low := b.sendMessage(receipt(tmpl, "low@example.net"))
	if low.CampaignID != high.CampaignID || low.Seq >= high.Seq {
		t.Fatalf("%+v %+v", low, high)
	}
	if from := query[int32](b, `SELECT look_from FROM message_streams`)[0]; from != low.Seq {
		t.Errorf("the stream looks again from %d on, and number %d waits", from, low.Seq)
	}
	b.exec(`UPDATE relays SET status = 'active', updated_at = now()`)
	b.clock.advance(time.Hour)
	b.awaitMessage(low.ID, Sent)
	b.awaitMessage(high.ID, Sent)
}

// TestAStreamThatWasWokenNeedsNoTick: this process still believes that it rests.
func TestAStreamThatWasWokenNeedsNoTick(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	first := b.sendMessage(receipt(tmpl, "first@example.net"))
	b.awaitMessage(first.ID, Sent)
	b.streams.rest(first.CampaignID, b.clock.now().Add(time.Hour))
	for i := range 2 {
		a := b.sendMessage(receipt(tmpl, fmt.Sprintf("p%d@example.net", i)))
		b.until("the message to be sent", func() bool { return b.stateOf(a.ID) == Sent })
	}
}

// TestAMessageIsInNoGapBetweenLooks: the look that was to find it comes while it is being accepted, and a job of the stream that is always there keeps others from noticing.
func TestAMessageIsInNoGapBetweenLooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	tmpl := b.template()
	first := b.sendMessage(receipt(tmpl, "first@example.net"))
	b.awaitMessage(first.ID, Sent)
	b.exec(`INSERT INTO river_job (kind, args, max_attempts, queue, state, scheduled_at) VALUES ('deliver_messages', $1, 1, 'messages', 'scheduled', now() + interval '1 day')`,
		map[string]any{"campaign_id": first.CampaignID})
	must(t, b.lookAgain(ctx, first.CampaignID, 1, b.clock.now().Add(time.Hour)))
	// Somebody has the same key in hand, so that the request waits right before its end.
	by := Request{Principal: "p", Key: "k", Hash: []byte{1}}
	tx, err := b.pool.Begin(ctx)
	must(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	_, err = tx.Exec(ctx, `INSERT INTO message_requests (principal, key, hash, answer, created_at) VALUES ($1, $2, '', '[]', now())`, by.Principal, by.Key)
	must(t, err)
	type answer struct {
		Accepted
		err error
	}
	done := make(chan answer, 1)
	go func() {
		a, _, err := b.SendMessage(context.WithoutCancel(ctx), by, receipt(tmpl, "ann@example.net"))
		done <- answer{a, err}
	}()
	b.until("the request to wait", func() bool {
		return query[int](b, `SELECT count(*)::int FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE NOT l.granted AND a.datname = current_database() AND a.query LIKE '%message_requests%'`)[0] > 0
	})
	_, err = b.Pause(ctx, first.CampaignID, "")
	must(t, err)
	_, err = b.Resume(ctx, first.CampaignID)
	must(t, err)
	must(t, b.tick(ctx))
	b.quiet()
	must(t, tx.Rollback(ctx))
	a := <-done
	must(t, a.err)
	b.awaitMessage(a.ID, Sent)
}

// TestASlowRelayHoldsUpNoOther: what goes through it waits, and what goes through another does not.
func TestASlowRelayHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	idle := b.makeRelay(sender.RelayInput{Name: "Idle"})
	via := func(id int64) func(*MessageInput) { return func(in *MessageInput) { in.RelayIDs = []int64{id} } }
	b.exec(`UPDATE relays SET per_minute = 30, updated_at = now() WHERE id = $1`, b.relay.ID)
	var last Accepted
	for i := range 150 {
		last = b.sendMessage(receipt(tmpl, fmt.Sprintf("p%d@example.net", i), via(b.relay.ID)))
	}
	b.awaitMessage(b.sendMessage(receipt(tmpl, "ann@example.net", via(idle.ID))).ID, Sent)
	if state := b.stateOf(last.ID); state != Queued {
		t.Errorf("the slow relay was not slow: the last message is %s", state)
	}
	// Of those who wait for the slow one, a stream that came later does not wait for all that came before.
	before := len(b.smtp.Accepted())
	b.awaitMessage(b.sendMessage(receipt(b.template(func(in *templates.Input) { in.Name = "Other" }), "eve@example.net", via(b.relay.ID))).ID, Claimed)
	if n := len(b.smtp.Accepted()) - before; n > 60 {
		t.Errorf("%d went before it", n)
	}
}

// TestARelayThatHangsHoldsUpNoOther of the same streams: it gets a few messages, and the others go elsewhere.
func TestARelayThatHangsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := setup(t)
	tmpl := b.template()
	b.makeRelay(sender.RelayInput{Name: "Idle"})
	b.exec(`UPDATE relays SET port = $2, max_connections = 100, updated_at = now() WHERE id = $1`, b.relay.ID, mute(t))
	held := func() int {
		return query[int](b, `SELECT count(*)::int FROM deliveries WHERE state = 1 AND relay_id = $1`, b.relay.ID)[0]
	}
	for i := 0; held() < b.cfg.MessageWorkers; i++ {
		a := b.sendMessage(receipt(tmpl, fmt.Sprintf("p%d@example.net", i)))
		b.until("the message to be sent or held", func() bool { return b.stateOf(a.ID) != Queued })
	}
	for i := range 10 {
		a := b.sendMessage(receipt(tmpl, fmt.Sprintf("late%d@example.net", i)))
		b.until("the message to be sent", func() bool { return b.stateOf(a.ID) == Sent })
	}
	if n := held(); n != b.cfg.MessageWorkers {
		t.Errorf("the relay that hangs has %d messages", n)
	}
}

// TestAJobThatFailsLeavesNothing of what other jobs, which are over, had left to it.
func TestAJobThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.sendMessage(receipt(b.template(), "ann@example.net"))
	b.awaitMessage(first.ID, Sent)
	ended, end := context.WithCancel(t.Context())
	end()
	why := errors.New("the database is away")
	for others, want := range map[left]int{{}: 0, {low: 7}: 1} {
		if err := b.failed(ended, MessageArgs{CampaignID: first.CampaignID, Lo: 9}, others, why); !errors.Is(err, why) {
			t.Error(err)
		}
		if n := query[int](b, `SELECT count(*)::int FROM message_streams WHERE look_from = 7 AND look_at IS NOT NULL`)[0]; n != want {
			t.Errorf("%+v: %d", others, n)
		}
		b.exec(`UPDATE message_streams SET look_at = NULL, look_from = 0`)
	}
}

// mute is a server that takes connections and says nothing; it gives the port.
func mute(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var mu sync.Mutex
	var conns []net.Conn
	var ended bool
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			if ended {
				_ = c.Close()
			}
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		defer mu.Unlock()
		ended = true
		for _, c := range conns {
			_ = c.Close()
		}
	})
	return l.Addr().(*net.TCPAddr).Port
}

func TestBerths(t *testing.T) {
	t.Parallel()
	heavy := sender.Routing{Weight: 1}
	a, z, spare := sender.Relay{ID: 1, Routing: heavy}, sender.Relay{ID: 2, Routing: heavy}, sender.Relay{ID: 3}
	get := func(b *berths, stream int64, from int32, relays ...sender.Relay) chan berth {
		done := make(chan berth, 1)
		before := b.waiting()
		go func() { done <- b.take(t.Context(), stream, relays, from) }()
		for len(done) == 0 && b.waiting() == before {
			runtime.Gosched()
		}
		return done
	}
	t.Run("a relay that is full is left out", func(t *testing.T) {
		b := &berths{most: 1}
		<-get(b, 1, 1, a)
		if got := <-get(b, 2, 1, a, z); !slices.Equal(got.relays, []int64{2}) || got.waited {
			t.Errorf("%+v", got)
		}
	})
	t.Run("a backup counts only beside others", func(t *testing.T) {
		b := &berths{most: 1}
		if got := <-get(b, 1, 1, a, spare); !slices.Equal(got.relays, []int64{1, 3}) {
			t.Errorf("%+v", got)
		}
		b.give(3)
		waits := get(b, 2, 1, a, spare)
		if len(waits) > 0 {
			t.Errorf("%+v", <-waits)
		}
		b.give(1)
		if got := <-waits; !slices.Equal(got.relays, []int64{1}) || !got.waited {
			t.Errorf("%+v", got)
		}
	})
	t.Run("whoever waits longest is next, one of each stream", func(t *testing.T) {
		b := &berths{most: 1}
		<-get(b, 1, 1, a)
		first, second := get(b, 2, 20, a), get(b, 3, 30, z, a)
		if got := <-second; !slices.Equal(got.relays, []int64{2}) {
			t.Errorf("%+v", got)
		}
		third := get(b, 4, 40, a)
		if got := <-get(b, 2, 10, a); !got.left || got.relays != nil {
			t.Errorf("%+v", got)
		}
		b.give(1)
		if got := <-first; !got.all || got.from != 10 || len(third) > 0 {
			t.Errorf("%+v", got)
		}
		b.give(1)
		if got := <-third; got.all || !slices.Equal(got.relays, []int64{1}) {
			t.Errorf("%+v", got)
		}
		b.give(1)
		b.give(2)
		if len(b.used) != 0 {
			t.Errorf("%v", b.used)
		}
	})
	t.Run("nobody waits in a process that ends", func(t *testing.T) {
		b := &berths{most: 1}
		<-get(b, 1, 1, a)
		waits := get(b, 2, 1, a)
		b.close()
		for _, got := range []berth{<-waits, <-get(b, 3, 1, z)} {
			if got.relays != nil || got.left {
				t.Errorf("%+v", got)
			}
		}
	})
}

// waiting is how many stand in line, for a test to know that somebody does.
func (b *berths) waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, w := range b.line {
		n++
		if w.joined {
			n++
		}
	}
	return n
}
