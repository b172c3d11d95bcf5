package campaigns

import (
	"strings"
	"testing"

	"postrider/campaigns/journal"
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
