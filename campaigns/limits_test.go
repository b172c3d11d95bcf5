package campaigns

import (
	"strings"
	"sync"
	"testing"
	"time"

	"postrider/campaigns/journal"
	"postrider/internal/errs"
	"postrider/sender"
	"postrider/sender/smtptest"
)

func number(n int) *int { return &n }

// limit gives the bundle another relay.
func (b *bundle) limit(change func(*sender.RelayInput)) {
	b.t.Helper()
	in := sender.RelayInput{Name: "Limited relay"}
	change(&in)
	b.relay = b.makeRelay(in)
}

func (b *bundle) awaitHeldUp(id int64, sent int64) Stats {
	b.t.Helper()
	return b.await(id, "the relay to be held up", func(_ Campaign, st Stats) bool {
		return st.HeldUp != nil && st.Sent == sent && st.Claimed == 0
	})
}

func TestShareOfADayIsKeptAndComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithProvider(smtptest.Provider{Quota: smtptest.Quota{Messages: 30, Window: 24 * time.Hour, Reply: "550 5.4.5 Daily limit exceeded"}}))
	b.limit(func(in *sender.RelayInput) { in.Limits.PerDay = number(30) })
	b.people(50)
	c := b.start()
	st := b.awaitHeldUp(c.ID, 30)
	if !strings.Contains(st.HeldUp.Reason, "day") || time.Until(st.HeldUp.Until) < 23*time.Hour {
		t.Errorf("held up %+v", st.HeldUp)
	}
	if v := b.smtp.LimitViolations(); len(v) > 0 || len(b.smtp.Accepted()) != 30 {
		t.Errorf("%d sent, violations %v", len(b.smtp.Accepted()), v)
	}
	if st.Deferred+st.Bounced+st.Failed != 0 {
		t.Errorf("waiting for the next day is no attempt: %+v", st)
	}
}

func TestNextDayTheRestGoesOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(func(in *sender.RelayInput) { in.Limits.PerDay, in.Limits.PerHour = number(30), number(20) })
	b.people(45)
	c := b.start()
	if st := b.awaitHeldUp(c.ID, 20); !strings.Contains(st.HeldUp.Reason, "hour") {
		t.Errorf("held up %+v", st.HeldUp)
	}
	b.exec(`UPDATE relay_usage SET minute = minute - interval '70 minutes'`)
	if st := b.awaitHeldUp(c.ID, 30); !strings.Contains(st.HeldUp.Reason, "day") {
		t.Errorf("held up %+v", st.HeldUp)
	}
	b.exec(`UPDATE relay_usage SET minute = minute - interval '25 hours'`)
	if st := b.awaitFinished(c.ID); st.Sent != 45 {
		t.Errorf("%+v", st)
	}
	if left := query[int](b, `SELECT COALESCE(sum(claimed), 0)::int FROM relay_claims`); left[0] != 0 {
		t.Errorf("%d claims of the share were never given back", left[0])
	}
}

// What a dead process had reserved comes back, except for what it sent or may have sent.
func TestDeadProcessGivesItsShareBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limit(func(in *sender.RelayInput) { in.Limits.PerDay = number(100) })
	c := b.crashed(6, 5)
	b.exec(`INSERT INTO relay_claims (relay_id, node_id, claimed) VALUES ($1, $2, 5)`, b.relay.ID, deadNode)
	b.leaveJournal(func(j *journal.Journal) {
		for _, seq := range []int32{1, 2, 3} {
			_, err := j.Dot(journal.Entry{CampaignID: c.ID, Seq: seq, Attempt: 1})
			must(t, err)
		}
		must(t, j.Reply(journal.Entry{CampaignID: c.ID, Seq: 1, Attempt: 1}, journal.Reply{Code: 250, Status: "2.0.0", Text: "queued"}, false))
	})
	_, err := b.SettleLocal(t.Context(), b.dir)
	must(t, err)
	if used := query[int](b, `SELECT COALESCE(sum(used), 0)::int FROM relay_usage`); used[0] != 3 {
		t.Errorf("%d counted as used, want the one that was sent and the two in doubt", used[0])
	}
	if left := query[int](b, `SELECT COALESCE(sum(claimed), 0)::int FROM relay_claims`); left[0] != 0 {
		t.Errorf("%d still reserved", left[0])
	}
}

func TestOutsideOfTheWindowNothingIsSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	inThreeDays := (int(time.Now().UTC().Weekday())+2)%7 + 1
	b.limit(func(in *sender.RelayInput) {
		in.Window = &sender.Window{Days: []int{inThreeDays}, From: 9 * time.Hour, Until: 17 * time.Hour}
	})
	b.people(5)
	c := b.start()
	if st := b.awaitHeldUp(c.ID, 0); !strings.Contains(st.HeldUp.Reason, "window") || !st.HeldUp.Until.After(time.Now()) {
		t.Errorf("held up %+v", st.HeldUp)
	}
	b.exec(`UPDATE relays SET send_days = '{}' WHERE id = $1`, b.relay.ID)
	if st := b.awaitFinished(c.ID); st.Sent != 5 {
		t.Errorf("%+v", st)
	}
}

func TestUsedUpQuotaLosesNobody(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtRcpt, Times: 1, Reply: "550 5.4.5 Daily user sending limit exceeded"}))
	b.limit(func(in *sender.RelayInput) { in.Provider = "gmail" })
	b.people(30)
	c := b.start()
	st := b.await(c.ID, "the block", func(_ Campaign, st Stats) bool { return st.HeldUp != nil && st.Claimed == 0 })
	if !strings.Contains(st.HeldUp.Reason, "Daily user sending limit") || time.Until(st.HeldUp.Until) < 23*time.Hour {
		t.Errorf("held up %+v", st.HeldUp)
	}
	if st.Bounced+st.Failed != 0 {
		t.Errorf("somebody was given up for the account's fault: %+v", st)
	}
	_, err := b.d.Sender.ResumeRelay(t.Context(), b.relay.ID)
	must(t, err)
	b.await(c.ID, "everybody but the one who was refused", func(_ Campaign, st Stats) bool { return st.Sent == 29 && st.Deferred == 1 })
	b.clock.advance(25 * time.Hour)
	if st := b.awaitFinished(c.ID); st.Sent != 30 {
		t.Errorf("%+v", st)
	}
}

// A campaign of a million must not delay one of ten: their messages take turns on the connections.
func TestSmallCampaignDoesNotWaitForALargeOne(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithLatency(4*time.Millisecond))
	b.people(600)
	large := b.start()
	b.await(large.ID, "the large one to be under way", func(_ Campaign, st Stats) bool { return st.Sent > 30 })
	small := b.listID
	list, err := b.d.Audience.CreateList(t.Context(), "Ten", "")
	must(t, err)
	b.exec(`INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, id, 'subscribed', 'test' FROM subscribers ORDER BY id LIMIT 10`, list.ID)
	b.listID = list.ID
	c := b.start()
	b.listID = small
	b.awaitFinished(c.ID)
	if st, err := b.Stats(t.Context(), large.ID); err != nil || st.Sent > 450 {
		t.Errorf("the large campaign had sent %d of 600 when the small one ended: %v", st.Sent, err)
	}
	b.awaitFinished(large.ID)
}

// A mailbox at Yandex takes 500 messages a day, and each try beyond blocks it for another day: all of the 500 are used and none is tried beyond.
func TestYandexIsNeverAskedForMore(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithProvider(smtptest.Yandex(24*time.Hour)))
	b.limit(func(in *sender.RelayInput) { in.Provider, in.Limits.PerDay = "yandex", number(500) })
	b.people(540)
	c := b.start()
	b.awaitHeldUp(c.ID, 500)
	if v := b.smtp.LimitViolations(); len(v) > 0 || len(b.smtp.Accepted()) != 500 {
		t.Errorf("%d sent, violations %v", len(b.smtp.Accepted()), v)
	}
}

// A second try is for those who are due. The people between them, whom no relay takes at the moment, have jobs of their own: one more with each try would add up.
func TestSecondTryIsForThoseWhoAreDue(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithGreylist(&smtptest.Greylist{}))
	b.limit(func(in *sender.RelayInput) { in.Weight, in.RecipientSites = number(100), []string{"google"} })
	_, rest := b.second(sender.RelayInput{Limits: sender.Limits{PerHour: number(10)}})
	b.peopleAt(5, "gmail.com")
	b.peopleAt(200, "example.org")
	b.peopleAt(5, "googlemail.com")
	c := b.start(through(b.relay, rest))
	b.await(c.ID, "the greylisting", func(_ Campaign, st Stats) bool { return st.Deferred == 10 && st.Sent == 10 && st.Claimed == 0 })
	b.clock.advance(6 * time.Minute)
	b.await(c.ID, "the second try", func(_ Campaign, st Stats) bool { return st.Sent == 20 && st.Claimed == 0 })
	// 210 people are six ranges, and each waits with a job of its own.
	var waiting []string
	b.await(c.ID, "the job of the second try to end", func(Campaign, Stats) bool {
		waiting = query[string](b, `SELECT (args ->> 'lo') || ' to ' || (args ->> 'hi') FROM river_job WHERE kind = 'deliver_range' AND state <> 'completed' ORDER BY id`)
		return len(waiting) <= 6
	})
	if len(waiting) != 6 {
		t.Errorf("jobs for %q", waiting)
	}
}

// What was on the wire counts when its campaign is deleted, too.
func TestCampaignIsNotDeletedWhileItsMessagesAreOnTheirWay(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	b := setup(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtDot, Wait: gate}))
	open := sync.OnceFunc(func() { close(gate) })
	t.Cleanup(open)
	b.limit(func(in *sender.RelayInput) { in.Limits.PerDay = number(100) })
	b.people(3)
	c := b.start()
	b.await(c.ID, "messages on their way", func(_ Campaign, st Stats) bool { return st.Claimed == 3 })
	_, err := b.Cancel(t.Context(), c.ID)
	must(t, err)
	if err := b.Delete(t.Context(), c.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("deleted: %v", err)
	}
	open()
	b.await(c.ID, "the end of them", func(_ Campaign, st Stats) bool { return st.Sent == 3 })
	must(t, b.Delete(t.Context(), c.ID))
	if used := query[int](b, `SELECT COALESCE(sum(used), 0)::int FROM relay_usage`); used[0] != 3 {
		t.Errorf("%d of 3 counted", used[0])
	}
	if left := query[int](b, `SELECT COALESCE(sum(claimed), 0)::int FROM relay_claims`); left[0] != 0 {
		t.Errorf("%d still reserved", left[0])
	}
}
