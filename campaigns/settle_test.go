package campaigns

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/campaigns/journal"
	"postrider/sender"
	"postrider/sender/reply"
	"postrider/sender/smtpconn"
)

const deadNode = "11111111-2222-3333-4444-555555555555"

// crashed makes a running campaign of n people of which the first were claimed by a node that is dead now.
func (b *bundle) crashed(n, claimed int, change ...func(*Input)) Campaign {
	b.t.Helper()
	b.people(n)
	b.Drain()
	c := b.start(change...)
	b.exec(`INSERT INTO nodes (id, host, pid, lease_until) VALUES ($1, 'gone', 1, now() - interval '1 second')`, deadNode)
	b.exec(`UPDATE deliveries SET state = 1, node_id = $2, attempts = 1, first_tried_at = now() WHERE campaign_id = $1 AND seq <= $3`, c.ID, deadNode, claimed)
	return c
}

func (b *bundle) rowStates(id int64) map[int32]string {
	b.t.Helper()
	got := map[int32]string{}
	rows, err := b.pool.Query(b.t.Context(), `SELECT seq, state, attempts FROM deliveries WHERE campaign_id = $1`, id)
	must(b.t, err)
	defer rows.Close()
	for rows.Next() {
		var seq int32
		var state State
		var attempts int
		must(b.t, rows.Scan(&seq, &state, &attempts))
		got[seq] = state.String()
	}
	must(b.t, rows.Err())
	return got
}

// take claims a range for the campaign's only relay.
func (b *bundle) take(a DeliverArgs) claim {
	b.t.Helper()
	l, err := b.claim(b.t.Context(), a, a.Lo)
	must(b.t, err)
	if len(l.claims) != 1 {
		b.t.Fatalf("%d claims", len(l.claims))
	}
	return l.claims[0]
}

// leaveJournal writes what the dead node got round to writing.
func (b *bundle) leaveJournal(write func(j *journal.Journal)) {
	b.t.Helper()
	j, err := journal.Open(b.dir, deadNode)
	must(b.t, err)
	write(j)
	must(b.t, j.Close())
}

func TestJournalTellsWhatBecameOfTheClaims(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.crashed(6, 5)
	entry := func(seq int32, attempt int16) journal.Entry {
		return journal.Entry{CampaignID: c.ID, Seq: seq, Attempt: attempt}
	}
	b.leaveJournal(func(j *journal.Journal) {
		for _, e := range []journal.Entry{entry(1, 1), entry(2, 1), entry(3, 1), entry(5, 7)} {
			_, err := j.Dot(e)
			must(t, err)
		}
		must(t, j.Reply(entry(1, 1), journal.Reply{Code: 250, Status: "2.0.0", Text: "queued as ABC"}, false))
		must(t, j.Reply(entry(2, 1), journal.Reply{Code: 550, Status: "5.1.1", Text: "no such user"}, false))
	})
	settled, err := b.SettleLocal(t.Context(), b.dir)
	must(t, err)
	want := []Settled{{Node: deadNode, Requeued: 2, Recorded: 2, Unconfirmed: 1}}
	if diff := cmp.Diff(want, settled); diff != "" {
		t.Error(diff)
	}
	states := map[int32]string{1: "sent", 2: "bounced", 3: "unconfirmed", 4: "queued", 5: "queued", 6: "queued"}
	if diff := cmp.Diff(states, b.rowStates(c.ID)); diff != "" {
		t.Error(diff)
	}
	story, err := b.GetDelivery(t.Context(), c.ID, 1)
	d := story.Delivery
	must(t, err)
	if *d.ReplyText != "queued as ABC" {
		t.Errorf("the reply from the journal is not in the ledger: %q", *d.ReplyText)
	}
	if again, err := b.SettleLocal(t.Context(), b.dir); err != nil || len(again) != 0 {
		t.Errorf("a second look found %v, %v", again, err)
	}

	b.draining.Store(false)
	st := b.awaitFinished(c.ID)
	if st.Sent != 4 || st.Bounced != 1 || st.Unconfirmed != 1 {
		t.Errorf("%+v", st)
	}
	if len(b.smtp.Accepted()) != 3 {
		t.Errorf("%d messages went out, want only the three that never had", len(b.smtp.Accepted()))
	}
}

func TestSilentNodeWithoutJournalLeavesItsClaimsInDoubt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.crashed(10, 4)
	must(t, b.settleSilent(t.Context()))
	if got := b.rowStates(c.ID)[1]; got != "claimed" {
		t.Fatalf("a node whose lease ended a second ago was settled already: %s", got)
	}
	b.exec(`UPDATE nodes SET lease_until = now() - interval '2 minutes' WHERE id = $1`, deadNode)
	must(t, b.settleSilent(t.Context()))
	if got := b.rowStates(c.ID)[1]; got != "claimed" {
		t.Fatalf("a node that has only just come judged another one: %s", got)
	}
	b.steady()
	must(t, b.settleSilent(t.Context()))
	b.draining.Store(false)
	st := b.awaitFinished(c.ID)
	if st.Unconfirmed != 4 || st.Sent != 6 {
		t.Errorf("%+v", st)
	}

	// Its disk turns up after all: what the journal knows is better than doubt, what it does not know stays.
	b.leaveJournal(func(j *journal.Journal) {
		e := journal.Entry{CampaignID: c.ID, Seq: 2, Attempt: 1}
		_, err := j.Dot(e)
		must(t, err)
		must(t, j.Reply(e, journal.Reply{Code: 250, Text: "ok"}, false))
	})
	_, err := b.SettleLocal(t.Context(), b.dir)
	must(t, err)
	if states := b.rowStates(c.ID); states[2] != "sent" || states[1] != "unconfirmed" {
		t.Errorf("after the journal was found: %v", states)
	}
}

func TestWhatWasRecordedAsUnconfirmedIsNeverSentAgainBySettling(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.crashed(3, 1)
	// The node itself had recorded the doubt, so its journal holds nothing of it any more.
	b.exec(`UPDATE deliveries SET state = 6 WHERE campaign_id = $1 AND seq = 1`, c.ID)
	b.leaveJournal(func(j *journal.Journal) {
		_, err := j.Dot(journal.Entry{CampaignID: c.ID + 1, Seq: 1, Attempt: 1})
		must(t, err)
	})
	_, err := b.SettleLocal(t.Context(), b.dir)
	must(t, err)
	if got := b.rowStates(c.ID)[1]; got != "unconfirmed" {
		t.Errorf("it is %s now", got)
	}
}

func TestNodeDoesNotSettleItself(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(5)
	b.Drain()
	c := b.start()
	b.exec(`UPDATE deliveries SET state = 1, node_id = $2, attempts = 1, first_tried_at = now() WHERE campaign_id = $1 AND seq = 1`, c.ID, b.d.Node.ID)
	b.steady()
	b.exec(`UPDATE nodes SET lease_until = now() - interval '5 minutes'`)
	must(t, b.settleSilent(t.Context()))
	if got := b.rowStates(c.ID)[1]; got != "claimed" {
		t.Errorf("it took itself for dead: %s", got)
	}
}

func TestSettledNodeClaimsNothingMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(5)
	b.Drain()
	c := b.start()
	b.exec(`UPDATE nodes SET settled_at = now() WHERE id = $1`, b.d.Node.ID)
	got, err := b.claim(t.Context(), DeliverArgs{CampaignID: c.ID, Run: 1, Lo: 1, Hi: 5}, 1)
	must(t, err)
	if !got.stale || len(got.claims) != 0 {
		t.Errorf("it claimed %+v", got.claims)
	}
	if state := b.rowStates(c.ID)[1]; state != "queued" {
		t.Errorf("the row is %s", state)
	}
}

// answered makes the attempt of a claimed row with an answer, or one that was never tried.
func answered(row claimed, code int, text string) attempt {
	a := attempt{claimed: row}
	if code == 0 {
		a.unsent = errNeverDotted
		return a
	}
	a.outcome = smtpconn.Outcome{State: smtpconn.Rejected, Reply: reply.Parse(code, text, reply.StageDot)}
	return a
}

func TestWhatComesBackIsNotForgotten(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		end  func(*bundle, Campaign)
		code int
		want Status
		row  string
	}{
		{"released after the cancel", func(b *bundle, c Campaign) { _, err := b.Cancel(b.t.Context(), c.ID); must(b.t, err) }, 0, StatusCancelled, "skipped"},
		{"deferred after the cancel", func(b *bundle, c Campaign) { _, err := b.Cancel(b.t.Context(), c.ID); must(b.t, err) }, 451, StatusCancelled, "skipped"},
		{"deferred after the end", func(b *bundle, c Campaign) {
			b.exec(`UPDATE deliveries SET state = 6 WHERE campaign_id = $1`, c.ID)
			b.exec(`UPDATE campaigns SET status = 'finished', finished_at = now() WHERE id = $1`, c.ID)
		}, 451, StatusRunning, "deferred"},
		{"released after it was put in doubt", func(b *bundle, c Campaign) {
			b.exec(`UPDATE deliveries SET state = 6 WHERE campaign_id = $1`, c.ID)
			b.exec(`UPDATE campaigns SET status = 'finished', finished_at = now() WHERE id = $1`, c.ID)
		}, 0, StatusFinished, "unconfirmed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.people(1)
			b.Drain()
			c := b.start()
			cl := b.take(DeliverArgs{CampaignID: c.ID, Run: 1, Lo: 1, Hi: 1})
			tc.end(b, c)
			must(t, b.record(cl, []attempt{answered(cl.rows[0], tc.code, "4.3.0 not now")}))
			after, err := b.Get(t.Context(), c.ID)
			must(t, err)
			if got := b.rowStates(c.ID)[1]; got != tc.row || after.Status != tc.want {
				t.Errorf("the row is %s in a %s campaign, want %s and %s", got, after.Status, tc.row, tc.want)
			}
		})
	}
}

func TestReleasedAfterAResumeIsSentAllTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(12)
	b.Drain()
	c := b.start()
	cl := b.take(DeliverArgs{CampaignID: c.ID, Run: 1, Lo: 1, Hi: 12})
	_, err := b.Pause(t.Context(), c.ID, "")
	must(t, err)
	_, err = b.Resume(t.Context(), c.ID)
	must(t, err)
	b.draining.Store(false)
	b.await(c.ID, "those not claimed", func(_ Campaign, st Stats) bool { return st.Sent == 12-int64(len(cl.rows)) })
	attempts := make([]attempt, len(cl.rows))
	for i, row := range cl.rows {
		attempts[i] = answered(row, 0, "")
	}
	must(t, b.record(cl, attempts))
	if st := b.awaitFinished(c.ID); st.Sent != 12 {
		t.Errorf("%+v", st)
	}
	if strings.Contains(b.log.String(), "no job") {
		t.Errorf("it had to be woken:\n%s", b.log)
	}
}

func TestLostKeyPausesTheCampaignAndFailsNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(20)
	domain, err := b.d.Sender.CreateDomain(t.Context(), sender.DomainInput{Domain: "example.org"})
	must(t, err)
	signing := b.makeRelay(sender.RelayInput{Name: "Signing", DKIM: sender.DKIMSign})
	b.Drain()
	c := b.start(func(in *Input) { in.RelayIDs = []int64{signing.ID} })
	must(t, b.d.Sender.DeleteDomain(t.Context(), domain.ID))
	b.draining.Store(false)
	st := b.await(c.ID, "the pause", func(c Campaign, st Stats) bool { return c.Status == StatusPaused && st.Claimed == 0 })
	after, err := b.Get(t.Context(), c.ID)
	must(t, err)
	if st.Queued != 20 || after.PauseReason == nil || !strings.Contains(*after.PauseReason, "no DKIM key for example.org") {
		t.Errorf("%+v, %v", st, after.PauseReason)
	}
	_, err = b.d.Sender.CreateDomain(t.Context(), sender.DomainInput{Domain: "example.org"})
	must(t, err)
	_, err = b.Resume(t.Context(), c.ID)
	must(t, err)
	if st := b.awaitFinished(c.ID); st.Sent != 20 {
		t.Errorf("after the key was made: %+v", st)
	}
}

func TestClaimsOfACancelledCampaignAreSkipped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.crashed(4, 2)
	_, err := b.Cancel(t.Context(), c.ID)
	must(t, err)
	b.leaveJournal(func(j *journal.Journal) {
		_, err := j.Dot(journal.Entry{CampaignID: c.ID, Seq: 1, Attempt: 1})
		must(t, err)
	})
	_, err = b.SettleLocal(t.Context(), b.dir)
	must(t, err)
	want := map[int32]string{1: "unconfirmed", 2: "skipped", 3: "skipped", 4: "skipped"}
	if diff := cmp.Diff(want, b.rowStates(c.ID)); diff != "" {
		t.Error(diff)
	}
}

func TestForgottenClaimGoesBackToTheQueue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(5)
	b.Drain()
	c := b.start()
	// A commit whose answer was lost: the row is ours, and we do not know.
	b.exec(`UPDATE deliveries SET state = 1, node_id = $2, attempts = 1, first_tried_at = now(), updated_at = now() - interval '2 minutes' WHERE campaign_id = $1 AND seq = 2`,
		c.ID, b.d.Node.ID)
	must(t, b.audit(t.Context()))
	if got := b.rowStates(c.ID)[2]; got != "claimed" {
		t.Fatalf("the audit looked although nothing was suspect: %s", got)
	}
	b.inflight.suspect.Store(b.clock.now().UnixNano())
	must(t, b.audit(t.Context()))
	if got := b.rowStates(c.ID)[2]; got != "queued" {
		t.Errorf("it is %s", got)
	}
	b.draining.Store(false)
	if st := b.awaitFinished(c.ID); st.Sent != 5 {
		t.Errorf("%+v", st)
	}
}

func TestNodeWithoutLeaseDoesNotSend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(5)
	stale, err := sender.StartNode(t.Context(), b.pool, 0, b.d.Logger, time.Now)
	must(t, err)
	b.exec(`UPDATE nodes SET settled_at = now() WHERE id = $1`, stale.ID)
	if err := stale.Renew(t.Context()); err == nil {
		t.Error("it does not notice")
	}
	if stale.MaySend() {
		t.Error("a node that was settled by another one still sends")
	}
	zombie := sender.NewPools(b.d.Sender, b.pool, stale, b.d.Logger, time.Now)
	t.Cleanup(func() { zombie.Close(context.Background()) })
	if _, err := zombie.Send(t.Context(), b.relay, sender.Message{From: "a@example.org", To: "b@example.org", Body: []byte("Subject: x\r\n\r\nx\r\n")}); err == nil {
		t.Error("it sent a message")
	}
	if len(b.smtp.Accepted()) != 0 {
		t.Error("the server got a message from a dead node")
	}
}

func TestCampaignWithoutJobsIsWokenAndOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(5)
	b.Drain()
	c := b.start()
	b.exec(`UPDATE campaigns SET started_at = now() - interval '1 minute'`)
	must(t, b.wakeStuck(t.Context()))
	if run := query[int](b, `SELECT run FROM campaigns`)[0]; run != 1 {
		t.Fatalf("a campaign with a job was woken: run %d", run)
	}
	b.exec(`DELETE FROM river_job WHERE state <> 'running'`)
	b.draining.Store(false)
	if st := b.awaitFinished(c.ID); st.Sent != 5 {
		t.Errorf("%+v", st)
	}
}

func TestAReleaseTriedAgainLeavesTheNextClaimAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(5)
	b.Drain()
	c := b.start()
	take := func() claim {
		l, err := b.claim(t.Context(), DeliverArgs{CampaignID: c.ID, Run: 1, Lo: 1, Hi: 5}, 1)
		must(t, err)
		return l.claims[0]
	}
	giveBack := func(c claim) {
		attempts := make([]attempt, len(c.rows))
		decisions := make([]decision, len(c.rows))
		for i := range attempts {
			attempts[i] = attempt{claimed: c.rows[i], unsent: errNeverDotted}
			decisions[i] = attempts[i].decide(terms{})
		}
		must(t, b.recordOnce(c, attempts, decisions))
	}
	count := func(state State) int {
		return query[int](b, `SELECT count(*) FROM deliveries WHERE attempts = 1 AND state = $1`, state)[0]
	}
	first := take()
	giveBack(first)
	if n := count(Claimed); n != 0 {
		t.Fatalf("%d are still claimed", n)
	}
	second := take()
	giveBack(first) // the answer to the commit was lost
	if n := count(Claimed); n != 5 {
		t.Errorf("%d of 5 are claimed after the first release was tried again", n)
	}
	giveBack(second)
	if n := count(Claimed); n != 0 {
		t.Errorf("%d are still claimed", n)
	}
}
