package campaigns

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns/journal"
	"postrider/internal/pg"
	"postrider/sender"
)

// gated starts a campaign to 120 people of whom 41 to 80 wait behind gate 1, which opens in an hour, and the rest behind gate 2, which somebody opens. Nothing is claimed
// before draining is taken back.
func (b *bundle) gated(change ...func(*Input)) Campaign {
	b.t.Helper()
	b.people(120)
	b.Drain()
	c := b.start(change...)
	must(b.t, pg.InTx(b.t.Context(), b.pool, func(tx pgx.Tx) error {
		opens := b.clock.now().Add(time.Hour)
		expected := opens.Add(time.Hour)
		return errors.Join(
			addToGateTx(b.t.Context(), tx, c.ID, Gate{Gate: 1, OpensAt: &opens, People: 40}),
			addToGateTx(b.t.Context(), tx, c.ID, Gate{Gate: 2, ExpectedAt: &expected, People: 40}),
			exec(b.t.Context(), tx, `UPDATE deliveries SET gate = CASE WHEN seq > 80 THEN 2 ELSE 1 END WHERE campaign_id = $1 AND seq > 40`, c.ID))
	}))
	return c
}

// openGate opens a gate as what decides it does.
func (b *bundle) openGate(id int64, gate int16) {
	b.t.Helper()
	must(b.t, pg.InTx(b.t.Context(), b.pool, func(tx pgx.Tx) error {
		c, err := lockCampaign(b.t.Context(), tx, id)
		if err != nil {
			return err
		}
		return b.openGateTx(b.t.Context(), tx, c, gate)
	}))
}

func (b *bundle) liveJobs() int {
	b.t.Helper()
	return query[int](b, `SELECT count(*)::int FROM river_job WHERE kind = 'deliver_range' AND state IN ('available', 'running', 'scheduled', 'retryable', 'pending')`)[0]
}

func (b *bundle) runOf(id int64) int {
	b.t.Helper()
	return query[int](b, `SELECT run FROM campaigns WHERE id = $1`, id)[0]
}

func (b *bundle) nobodyTwice() {
	b.t.Helper()
	for to, n := range b.smtp.Counts() {
		if n != 1 {
			b.t.Errorf("%s got %d messages", to, n)
		}
	}
}

func TestDeliveriesWaitForTheirGate(t *testing.T) {
	t.Parallel()
	for name, relays := range map[string]int{"one relay": 1, "several relays": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ids := []int64{b.relay.ID}
			if relays > 1 {
				ids = append(ids, b.makeRelay(sender.RelayInput{Name: "Second"}).ID)
			}
			c := b.gated(func(in *Input) { in.RelayIDs = ids })
			if l, err := b.claim(t.Context(), DeliverArgs{CampaignID: c.ID, Run: 1, Lo: 41, Hi: 120}, 41); err != nil || l.last != 0 {
				t.Errorf("it looks at those who wait: %+v, %v", l, err)
			}
			b.draining.Store(false)
			st := b.await(c.ID, "those without a gate", func(_ Campaign, st Stats) bool { return st.Sent >= 40 && b.liveJobs() == 0 })
			if st.Sent != 40 || st.Waiting != 80 || st.Queued != 80 || st.NextOpensAt == nil || st.HeldUp == nil || st.HeldUp.Code != sender.HoldupNotYet || !st.HeldUp.Until.Equal(*st.NextOpensAt) {
				t.Errorf("%+v, held up %+v", st, st.HeldUp)
			}
			// It neither ends nor is taken for stuck.
			b.exec(`UPDATE campaigns SET started_at = now() - interval '10 minutes' WHERE id = $1`, c.ID)
			run := b.runOf(c.ID)
			for range 3 {
				must(t, b.tick(t.Context()))
			}
			if got, err := b.Get(t.Context(), c.ID); err != nil || got.Status != StatusRunning || b.runOf(c.ID) != run || b.liveJobs() != 0 {
				t.Errorf("%s, run %d after %d, %d jobs (%v)", got.Status, b.runOf(c.ID), run, b.liveJobs(), err)
			}
			if story, err := b.GetDelivery(t.Context(), c.ID, 50); err != nil || !story.Delivery.Waits || story.Delivery.WaitsUntil == nil {
				t.Errorf("%+v, %v", story.Delivery, err)
			}
			b.clock.advance(time.Hour)
			st = b.await(c.ID, "the first gate", func(_ Campaign, st Stats) bool { return st.Sent >= 80 && b.liveJobs() == 0 })
			if st.Sent != 80 || st.Waiting != 40 {
				t.Errorf("%+v", st)
			}
			b.openGate(c.ID, 2)
			if st := b.awaitFinished(c.ID); st.Sent != 120 || st.Waiting != 0 {
				t.Errorf("%+v", st)
			}
			b.nobodyTwice()
		})
	}
}

func TestAGateOfAPausedCampaignOpensAndIsWorkedOnAfterTheResume(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.gated()
	_, err := b.Pause(t.Context(), c.ID, "")
	must(t, err)
	b.draining.Store(false)
	b.clock.advance(time.Hour)
	run := b.runOf(c.ID)
	must(t, b.tick(t.Context()))
	gates, err := b.Gates(t.Context(), c.ID)
	must(t, err)
	if len(gates) != 2 || gates[0].OpenedAt == nil || gates[1].OpenedAt != nil {
		t.Fatalf("%+v", gates)
	}
	b.openGate(c.ID, 2)
	if len(b.smtp.Accepted()) != 0 || b.runOf(c.ID) != run {
		t.Errorf("a paused campaign sent %d, run %d after %d", len(b.smtp.Accepted()), b.runOf(c.ID), run)
	}
	_, err = b.Resume(t.Context(), c.ID)
	must(t, err)
	if st := b.awaitFinished(c.ID); st.Sent != 120 {
		t.Errorf("%+v", st)
	}
	b.nobodyTwice()
}

func TestCancelSkipsWhoWaitsBehindAGate(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.gated()
	b.draining.Store(false)
	b.await(c.ID, "those without a gate", func(_ Campaign, st Stats) bool { return st.Sent == 40 })
	_, err := b.Cancel(t.Context(), c.ID)
	must(t, err)
	b.clock.advance(3 * time.Hour)
	must(t, b.tick(t.Context()))
	if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Skipped != 80 || st.Waiting != 0 || len(b.smtp.Accepted()) != 40 {
		t.Errorf("%+v, %v", st, err)
	}
}

// A node dies with claims of those who may go, and the queue is lost: they get their mail, and the others go on waiting.
func TestAGateOutlivesACrash(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.gated()
	b.exec(`INSERT INTO nodes (id, host, pid, lease_until) VALUES ($1, 'gone', 1, now())`, deadNode)
	b.exec(`UPDATE deliveries SET state = 1, node_id = $2, attempts = 1, first_tried_at = now() WHERE campaign_id = $1 AND seq <= 30`, c.ID, deadNode)
	_, err := b.settle(t.Context(), deadNode, map[journal.Key]journal.Record{})
	must(t, err)
	b.exec(`DELETE FROM river_job WHERE state <> 'running'`)
	b.exec(`UPDATE campaigns SET started_at = now() - interval '10 minutes' WHERE id = $1`, c.ID)
	b.draining.Store(false)
	st := b.await(c.ID, "those without a gate", func(_ Campaign, st Stats) bool { return st.Sent >= 40 && b.liveJobs() == 0 })
	if st.Sent != 40 || st.Waiting != 80 {
		t.Errorf("%+v", st)
	}
	b.clock.advance(time.Hour)
	b.await(c.ID, "the first gate", func(_ Campaign, st Stats) bool { return st.Sent == 80 })
	b.openGate(c.ID, 2)
	b.awaitFinished(c.ID)
	b.nobodyTwice()
}

func TestAGateIsOpenedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.gated()
	run := b.runOf(c.ID)
	b.clock.advance(time.Hour)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := b.openGates(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := b.runOf(c.ID); got != run+1 {
		t.Errorf("run %d after %d: it began more than one", got, run)
	}
	// A claim of the run before takes nothing any more.
	if l, err := b.claim(t.Context(), DeliverArgs{CampaignID: c.ID, Run: run, Lo: 1, Hi: 120}, 1); err != nil || !l.stale {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestForecastKnowsTheGates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`UPDATE relays SET per_minute = 60`)
	c := b.gated()
	f, err := b.Forecast(t.Context(), c.ID, time.Time{}, 0)
	must(t, err)
	if f.Messages != 120 || f.End == nil || f.Decides == nil || f.Decides.Limit != sender.LimitGate {
		t.Fatalf("%+v, decided by %+v", f, f.Decides)
	}
	// 40 at once, 40 in an hour, 40 in two, one a second each.
	if d := f.End.Sub(f.Start); d < 2*time.Hour+30*time.Second || d > 2*time.Hour+50*time.Second {
		t.Errorf("through after %v", d)
	}
	b.exec(`UPDATE campaign_gates SET expected_at = NULL WHERE gate = 2`)
	if f, err = b.Forecast(t.Context(), c.ID, time.Time{}, 0); err != nil || f.End != nil || f.Decides.Limit != sender.LimitGate {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestWhoIsErasedWaitsNoMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.gated()
	id := query[int64](b, `SELECT subscriber_id FROM deliveries WHERE campaign_id = $1 AND seq = 60`, c.ID)[0]
	must(t, pg.InTx(t.Context(), b.pool, func(tx pgx.Tx) error {
		_, err := b.EraseTx(t.Context(), tx, []int64{id}, []string{person(60)})
		return err
	}))
	if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Waiting != 79 || st.Skipped != 1 {
		t.Errorf("%+v, %v", st, err)
	}
}
