package campaigns

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postrider/internal/errs"
	"postrider/sender"
	"postrider/sender/smtptest"
)

func TestAStartCanBeCalledBackForAWhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(5)
	c := b.draft()
	c, already, err := b.StartOnce(t.Context(), c.ID, time.Minute)
	if err != nil || already || c.Status != StatusScheduled || c.UndoableUntil() == nil {
		t.Fatalf("%s until %v, already %v (%v)", c.Status, c.UndoableUntil(), already, err)
	}
	if _, already, err := b.StartOnce(t.Context(), c.ID, time.Minute); err != nil || !already {
		t.Errorf("a second start: already %v (%v)", already, err)
	}
	in := c.Input
	in.Subject = "Mended"
	if c, err = b.Update(t.Context(), c.ID, in); err != nil || c.Status != StatusScheduled || c.UndoableUntil() == nil {
		t.Errorf("after an edit: %s until %v (%v)", c.Status, c.UndoableUntil(), err)
	}
	in.Subject = ""
	if _, err := b.Update(t.Context(), c.ID, in); !errs.Is(err, errs.Invalid) {
		t.Errorf("it could be made unable to start: %v", err)
	}
	if c, err = b.Unschedule(t.Context(), c.ID); err != nil || c.Status != StatusDraft || c.UndoableUntil() != nil || c.ScheduledAt != nil {
		t.Errorf("called back: %s until %v (%v)", c.Status, c.UndoableUntil(), err)
	}
	b.clock.advance(2 * time.Minute)
	must(t, b.tick(t.Context()))
	if len(b.smtp.Accepted()) != 0 {
		t.Error("it was sent")
	}
	_, _, err = b.StartOnce(t.Context(), c.ID, time.Minute)
	must(t, err)
	b.clock.advance(time.Minute)
	b.awaitFinished(c.ID)
	for _, r := range b.smtp.Accepted() {
		if !strings.Contains(string(r.Raw), "Subject: Mended") {
			t.Errorf("%s", r.Raw)
		}
	}
	// Without a grace period it starts at once, and one that has begun is cut short.
	c = b.draft()
	_, _, err = b.StartOnce(t.Context(), c.ID, time.Hour)
	must(t, err)
	if c, already, err = b.StartOnce(t.Context(), c.ID, 0); err != nil || already || c.Status != StatusRunning {
		t.Errorf("%s, already %v (%v)", c.Status, already, err)
	}
	if _, _, err := b.StartOnce(t.Context(), b.draft().ID, time.Hour+time.Second); !errs.Is(err, errs.Invalid) {
		t.Errorf("an hour and a second: %v", err)
	}
}

func TestStartingTwiceIsStartingOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(50)
	c := b.draft()
	var mu sync.Mutex
	did := 0
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			got, already, err := b.StartOnce(t.Context(), c.ID, 0)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || got.StartedAt == nil {
				t.Errorf("%+v, %v", got.Status, err)
			}
			if !already {
				did++
			}
		})
	}
	wg.Wait()
	if did != 1 {
		t.Errorf("%d say that they started it", did)
	}
	b.awaitFinished(c.ID)
	b.nobodyTwice()
	if _, already, err := b.StartOnce(t.Context(), c.ID, 0); err != nil || !already {
		t.Errorf("when it has finished: already %v (%v)", already, err)
	}
	other := b.draft()
	_, err := b.Schedule(t.Context(), other.ID, b.clock.now().Add(time.Hour))
	must(t, err)
	_, err = b.Cancel(t.Context(), other.ID)
	must(t, err)
	if _, _, err := b.StartOnce(t.Context(), other.ID, 0); !errs.Is(err, errs.Conflict) {
		t.Errorf("a cancelled one: %v", err)
	}
}

func TestCreateAndStartLeavesAllOrNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := b.draft().Input
	count := func() int { return query[int](b, `SELECT count(*)::int FROM campaigns`)[0] }
	before := count()
	at, past := b.clock.now().Add(time.Hour), b.clock.now().Add(-time.Hour)
	for name, l := range map[string]Launch{"nobody there": {}, "nobody there, with a grace period": {Undo: time.Second}, "in the past": {At: &past}, "a local time that it has not": {LocalAt: &at}} {
		if _, err := b.CreateAndLaunch(t.Context(), Request{}, in, l); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := count(); got != before {
		t.Errorf("%d are left behind", got-before)
	}
	b.people(3)
	c, err := b.CreateAndLaunch(t.Context(), Request{}, in, Launch{})
	if err != nil || c.Status != StatusRunning {
		t.Fatalf("%s, %v", c.Status, err)
	}
	b.awaitFinished(c.ID)
	if c, err = b.CreateAndLaunch(t.Context(), Request{}, in, Launch{At: &at}); err != nil || c.Status != StatusScheduled || c.UndoableUntil() != nil {
		t.Errorf("%s, %v", c.Status, err)
	}
	if c, err = b.CreateAndLaunch(t.Context(), Request{}, in, Launch{Undo: time.Minute}); err != nil || c.UndoableUntil() == nil {
		t.Errorf("%s, %v", c.Status, err)
	}
}

// One key launches one campaign and one run, also when the first request died before it could answer, and when many ask at once.
func TestARequestLaunchesOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx := t.Context()
	b.people(3)
	in := b.draft().Input
	count := func() int { return query[int](b, `SELECT count(*)::int FROM campaigns`)[0] }
	before := count()
	by := Request{Principal: "key:1", Key: "weekly", Hash: []byte("a")}
	ids := make([]int64, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			c, err := b.CreateAndLaunch(ctx, by, in, Launch{})
			ids[i] = c.ID
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := count(); got != before+1 || len(slices.Compact(ids)) != 1 {
		t.Fatalf("%d campaigns: %v", got-before, ids)
	}
	if _, err := b.CreateAndLaunch(ctx, Request{Principal: "key:1", Key: "weekly", Hash: []byte("b")}, in, Launch{}); !errs.Is(err, errs.Conflict) {
		t.Errorf("another request with the key gave %v", err)
	}
	if other, err := b.CreateAndLaunch(ctx, Request{Principal: "key:2", Key: "weekly", Hash: []byte("a")}, in, Launch{}); err != nil || slices.Contains(ids, other.ID) {
		t.Errorf("the key of another caller gave %d, %v", other.ID, err)
	}
	b.awaitFinished(ids[0])

	again := Request{Principal: "key:1", Key: "again", Hash: []byte("a")}
	run, err := b.CreateRun(ctx, again, ids[0], Rerun{To: []string{ToNotOpened}}, &Launch{})
	must(t, err)
	b.awaitFinished(run.ID)
	if same, err := b.CreateRun(ctx, again, ids[0], Rerun{To: []string{ToNotOpened}}, &Launch{}); err != nil || same.ID != run.ID || same.Status != StatusFinished {
		t.Errorf("the run made again is %d %s, %v", same.ID, same.Status, err)
	}
	must(t, b.Delete(ctx, run.ID))
	if _, err := b.CreateRun(ctx, again, ids[0], Rerun{To: []string{ToNotOpened}}, &Launch{}); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "deleted") {
		t.Errorf("when the run was deleted it gave %v", err)
	}
}

// stopped stops everything and makes this process know, as it does by itself within half a second.
func (b *bundle) stopAll() {
	b.t.Helper()
	_, err := b.d.Sender.StopAll(b.t.Context(), "ann", "wrong list")
	must(b.t, err)
	b.d.Node.LookForStop(b.t.Context())
}

func (b *bundle) resumeAll() {
	b.t.Helper()
	_, err := b.d.Sender.ResumeAll(b.t.Context(), "bob")
	must(b.t, err)
	b.d.Node.LookForStop(b.t.Context())
}

func TestTheStopHoldsWhatIsNotOnTheWire(t *testing.T) {
	t.Parallel()
	for name, relays := range map[string]int{"one relay": 1, "several relays": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Every connection is held, since what one of them has on the wire at the stop is finished.
			held, hold := make(chan struct{}, 1000), make(chan struct{})
			b := setup(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtRcpt, Held: held, Wait: hold, Times: 1000}))
			release := sync.OnceFunc(func() { close(hold) })
			t.Cleanup(release)
			ids := []int64{b.relay.ID}
			if relays > 1 {
				ids = append(ids, b.makeRelay(sender.RelayInput{Name: "Second"}).ID)
			}
			b.people(100)
			c := b.start(func(in *Input) { in.RelayIDs = ids })
			<-held
			b.stopAll()
			before := len(b.smtp.Accepted())
			release()
			st := b.await(c.ID, "that all claims are back", func(_ Campaign, st Stats) bool { return st.Claimed == 0 && st.HeldUp != nil })
			if n := len(b.smtp.Accepted()); n != before || st.Queued != int64(100-before) || st.HeldUp.Code != sender.HoldupStopped || !strings.Contains(st.HeldUp.Reason, "ann: wrong list") {
				t.Errorf("%d were sent after the stop; %+v, %+v", n-before, st, st.HeldUp)
			}
			if n := query[int](b, `SELECT count(*)::int FROM deliveries WHERE state = 0 AND (attempts > 0 OR first_tried_at IS NOT NULL)`)[0]; n > 0 {
				t.Errorf("%d count as tried", n)
			}
			if l, err := b.claim(t.Context(), DeliverArgs{CampaignID: c.ID, Run: b.runOf(c.ID), Lo: 1, Hi: 100}, 1); err != nil || l.wait.IsZero() || len(l.claims) > 0 {
				t.Errorf("something is claimed: %+v, %v", l, err)
			}
			b.resumeAll()
			if st := b.awaitFinished(c.ID); st.Sent != 100 {
				t.Errorf("%+v", st)
			}
			b.nobodyTwice()
		})
	}
}

func TestNothingStartsWhileEverythingIsStopped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(3)
	scheduled := b.draft()
	_, err := b.Schedule(t.Context(), scheduled.ID, b.clock.now().Add(time.Minute))
	must(t, err)
	b.stopAll()
	b.clock.advance(time.Minute)
	must(t, b.tick(t.Context()))
	if c, err := b.Get(t.Context(), scheduled.ID); err != nil || c.Status != StatusScheduled {
		t.Errorf("%s, %v", c.Status, err)
	}
	other := b.draft()
	if _, err := b.Start(t.Context(), other.ID); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "resume") {
		t.Errorf("it started: %v", err)
	}
	results, err := b.SendTest(t.Context(), other.ID, TestSend{To: []string{"me@example.org"}})
	if err != nil || results[0].OK || !strings.Contains(results[0].Reply, "wrong list") {
		t.Errorf("a test: %+v, %v", results, err)
	}
	stop, err := b.d.Sender.StopAll(t.Context(), "eve", "again")
	if err != nil || stop.StoppedBy != "ann" {
		t.Errorf("a second stop takes the place of the first: %+v, %v", stop, err)
	}
	b.resumeAll()
	if stop, err := b.d.Sender.LastStop(t.Context()); err != nil || stop.Holds() || *stop.ResumedBy != "bob" || stop.Reason != "wrong list" {
		t.Errorf("%+v, %v", stop, err)
	}
	b.awaitFinished(scheduled.ID)
	if b.smtp.Count("me@example.org") != 0 {
		t.Error("the test went out")
	}
}

// Another process stops everything: this one learns of it by itself.
func TestAStopIsLearntByItself(t *testing.T) {
	t.Parallel()
	held, hold := make(chan struct{}, 10), make(chan struct{})
	b := setup(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtRcpt, Held: held, Wait: hold, Times: 3}))
	release := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release)
	b.people(20)
	c := b.start()
	<-held
	_, err := b.d.Sender.StopAll(t.Context(), "ann", "")
	must(t, err)
	began := time.Now()
	for tick := time.NewTicker(5 * time.Millisecond); !b.d.Node.Stopped(); <-tick.C {
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("it took %v", took) // 0.4 s; the rest is for a machine that is busy
	}
	release()
	b.await(c.ID, "that all claims are back", func(_ Campaign, st Stats) bool { return st.Claimed == 0 })
	if n := len(b.smtp.Accepted()); n != 0 {
		t.Errorf("%d were sent", n)
	}
}
