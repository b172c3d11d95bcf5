package campaigns

import (
	"strings"
	"testing"

	"postrider/campaigns/journal"
	"postrider/sender"
	"postrider/sender/reply"
	"postrider/sender/smtpconn"
)

func TestNothingIsSentThatCannotBeNoted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(60)
	must(t, b.d.Journal.Close())
	c := b.start()
	st := b.await(c.ID, "the reason to show", func(c Campaign, st Stats) bool {
		return c.PauseReason != nil && strings.Contains(*c.PauseReason, "journal") && st.Claimed == 0
	})
	if st.Queued != 60 || len(b.smtp.Accepted()) != 0 {
		t.Errorf("%d are queued and %d were sent", st.Queued, len(b.smtp.Accepted()))
	}
	if n := query[int](b, `SELECT max(attempts)::int FROM deliveries WHERE campaign_id = $1`, c.ID)[0]; n != 0 {
		t.Errorf("%d attempts count", n)
	}
	if n := strings.Count(b.log.String(), "make room on its disk"); n != 1 {
		t.Errorf("said %d times in the log:\n%s", n, b.log)
	}
}

// TestEveryRelayTellsThatTheJournalCannotBeWritten: the campaign stands still on all its relays, so a person who looks at any of them must see why.
func TestEveryRelayTellsThatTheJournalCannotBeWritten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, second := b.second(sender.RelayInput{})
	b.people(20)
	must(t, b.d.Journal.Close())
	c := b.start(through(b.relay, second))
	b.await(c.ID, "both relays to tell", func(Campaign, Stats) bool {
		told := 0
		for _, id := range []int64{b.relay.ID, second.ID} {
			r, err := b.d.Sender.GetRelay(t.Context(), id)
			must(t, err)
			if r.PauseReason != nil && strings.Contains(*r.PauseReason, "journal") {
				told++
			}
		}
		return told == 2
	})
}

// TestTroubleOfAnEarlierProcessIsForgottenAtStart: its journal could not be written; that of the process that starts now can.
func TestTroubleOfAnEarlierProcessIsForgottenAtStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, second := b.second(sender.RelayInput{})
	dead, err := sender.StartNode(t.Context(), b.pool, 0, b.d.Logger, b.nodeClock.now)
	must(t, err)
	dir := t.TempDir()
	j, err := journal.Open(dir, dead.ID)
	must(t, err)
	_, err = j.Dot(journal.Entry{CampaignID: 1, Seq: 1, Attempt: 1}) // so that it is left behind
	must(t, err)
	must(t, j.Close())
	must(t, b.d.Sender.Trouble(t.Context(), b.relay.ID, dead.ID, errUnnotable.Error()))
	must(t, b.d.Sender.Trouble(t.Context(), second.ID, b.d.Node.ID, "no route"))
	_, err = b.SettleLocal(t.Context(), dir)
	must(t, err)
	for id, want := range map[int64]string{b.relay.ID: "", second.ID: "no route"} {
		got := query[string](b, `SELECT COALESCE(pause_reason, '') FROM relays WHERE id = $1`, id)[0]
		if got != want {
			t.Errorf("relay %d shows %q, want %q", id, got, want)
		}
	}
}

func TestLeavingWithoutTheJournalSettlesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(2)
	b.Drain()
	c := b.start()
	b.exec(`UPDATE deliveries SET state = 1, node_id = $2, attempts = 1, first_tried_at = now() WHERE campaign_id = $1`, c.ID, b.d.Node.ID)
	_, err := b.d.Journal.Dot(journal.Entry{CampaignID: c.ID, Seq: 1, Attempt: 1})
	must(t, err)
	must(t, b.d.Journal.Close())
	// Another process on the same folder has just started and reads the journal.
	found, err := journal.Orphans(b.dir)
	must(t, err)
	if err := b.Leave(t.Context(), b.dir); err == nil {
		t.Error("the node accounted for itself without its journal")
	}
	if got := b.rowStates(c.ID); got[1] != "claimed" || got[2] != "claimed" {
		t.Errorf("what may have been sent is %s", got[1])
	}
	found[0].Release()
	must(t, b.Leave(t.Context(), b.dir))
	if got := b.rowStates(c.ID); got[1] != "unconfirmed" || got[2] != "queued" {
		t.Errorf("%v", got)
	}
}

// TestAProcessThatWasTakenForDeadKnowsBetter has its claims put down as unconfirmed while it is silent. It then tells what it knows.
func TestAProcessThatWasTakenForDeadKnowsBetter(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(12)
	b.Drain()
	c := b.start()
	cl := b.take(DeliverArgs{CampaignID: c.ID, Run: 1, Lo: 1, Hi: 12})
	attempts := make([]attempt, len(cl.rows))
	for i, row := range cl.rows {
		attempts[i] = answered(row, 0, "")
	}
	attempts[0] = attempt{claimed: cl.rows[0], outcome: smtpconn.Outcome{State: smtpconn.Accepted, Reply: reply.Parse(250, "ok", reply.StageDot)}}
	attempts[1] = attempt{claimed: cl.rows[1], outcome: smtpconn.Outcome{State: smtpconn.InDoubt}}
	_, err := b.settle(t.Context(), b.d.Node.ID, nil)
	must(t, err)
	for seq, state := range b.rowStates(c.ID) {
		if want := map[bool]string{true: "unconfirmed", false: "queued"}[int(seq) <= len(cl.rows)]; state != want {
			t.Errorf("%d is %s, want %s", seq, state, want)
		}
	}
	b.exec(`DELETE FROM river_job`) // the other process has done them meanwhile
	must(t, b.record(cl, attempts))
	for seq, state := range b.rowStates(c.ID) {
		if want := map[int32]string{1: "sent", 2: "unconfirmed"}[seq]; want != "" && state != want || want == "" && state != "queued" {
			t.Errorf("%d is %s", seq, state)
		}
	}
	if jobs := query[int](b, `SELECT count(*)::int FROM river_job`)[0]; jobs == 0 {
		t.Error("nobody comes for what was given back")
	}
	if n := query[int](b, `SELECT max(attempts)::int FROM deliveries WHERE campaign_id = $1 AND state = 0`, c.ID)[0]; n != 0 {
		t.Errorf("%d attempts count that were none", n)
	}
}
