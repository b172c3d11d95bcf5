package campaigns

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/sender"
	"postrider/sender/dkim"
	"postrider/sender/smtptest"
)

func TestEverybodyGetsOneMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(205)
	c := b.start()
	st := b.awaitFinished(c.ID)
	if st.Sent != 205 || st.Recipients != 205 {
		t.Errorf("got %+v, want 205 sent", st)
	}
	counts := b.smtp.Counts()
	if len(counts) != 205 {
		t.Errorf("the server has mail for %d people, want 205", len(counts))
	}
	for to, n := range counts {
		if n != 1 {
			t.Errorf("%s got %d messages", to, n)
		}
	}
}

func TestMessageIsPersonalSignedAndTraceable(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	domain, err := b.d.Sender.CreateDomain(t.Context(), sender.DomainInput{Domain: "example.org", BounceDomain: "bounces.example.org"})
	must(t, err)
	signing := b.makeRelay(sender.RelayInput{Name: "Signing", DKIM: sender.DKIMSign})
	c := b.start(func(in *Input) { in.RelayIDs = []int64{signing.ID} })
	b.awaitFinished(c.ID)
	got := b.smtp.Accepted()[0]
	raw := string(got.Raw)
	for _, want := range []string{"Subject: Hello Person 1\r\n", "List-Unsubscribe: <https://news.example.org/u/", "<mailto:u-" + b.d.Tokens.Delivery(events.Unsubscribe, c.ID, 1) + "@bounces.example.org>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"} {
		if !strings.Contains(raw, want) {
			t.Errorf("the message lacks %q:\n%s", want, raw)
		}
	}
	if !strings.HasPrefix(got.From, "b-") || !strings.HasSuffix(got.From, "@bounces.example.org") {
		t.Errorf("return path %q does not tell whose message it is", got.From)
	}
	results, err := dkim.Verify(got.Raw, func(name string) ([]string, error) {
		if name == domain.Keys[0].RecordName {
			return []string{domain.Keys[0].RecordValue}, nil
		}
		return nil, fmt.Errorf("no record at %s", name)
	})
	if err != nil || len(results) != 1 || results[0].Err != nil {
		t.Errorf("signature does not verify: %v %v", results, err)
	}
	story, err := b.GetDelivery(t.Context(), c.ID, 1)
	d := story.Delivery
	must(t, err)
	if !bytes.Contains(got.Raw, []byte("Message-ID: <"+d.MessageID+">")) {
		t.Errorf("the ledger's Message-ID %s is not the one in the message", d.MessageID)
	}
	if d.State != Sent || *d.ReplyCode != 250 || *d.RelayName != "Signing" {
		t.Errorf("ledger row %+v", d)
	}
}

func TestRefusalsAreRecordedAndOnlyBadAddressesSuppressed(t *testing.T) {
	t.Parallel()
	b := setup(t,
		smtptest.WithReply(person(3), smtptest.AtRcpt, "550 5.1.1 no such user"),
		smtptest.WithScript(smtptest.Script{Match: person(4), At: smtptest.AtRcpt, Reply: "451 4.7.1 greylisted, try again later", Times: 1}),
		smtptest.WithReply(person(5), smtptest.AtDot, "552 5.2.2 mailbox full"),
		smtptest.WithReply(person(6), smtptest.AtDot, "550 5.7.1 blocked by policy"))
	b.people(20)
	c := b.start()
	st := b.await(c.ID, "all answers", func(_ Campaign, st Stats) bool { return st.Queued+st.Claimed == 0 })
	if st.Sent != 16 || st.Deferred != 1 {
		t.Errorf("got %+v, want 16 sent and 1 deferred", st)
	}
	if got := query[string](b, `SELECT email_key FROM suppressions`); len(got) != 1 || got[0] != person(3) {
		t.Errorf("suppressed %v, want only the unknown user", got)
	}
	story, err := b.GetDelivery(t.Context(), c.ID, 3)
	d, attempts, evs := story.Delivery, story.Attempts, story.Events
	must(t, err)
	if d.State != Bounced || *d.ReplyCode != 550 || *d.ReplyStatus != "5.1.1" || len(attempts) != 1 || attempts[0].Reason != "user_unknown" || len(evs) != 1 {
		t.Errorf("bounced delivery: %+v, %d attempts, %d events", d, len(attempts), len(evs))
	}

	// The greylisted one comes through when its time has come; until then nothing happens.
	b.await(c.ID, "no early retry", func(cc Campaign, st Stats) bool { return cc.Status == StatusRunning && st.Deferred == 1 })
	b.clock.advance(6 * time.Minute)
	st = b.awaitFinished(c.ID)
	if st.Sent != 17 || st.Deferred != 0 || b.smtp.Count(person(4)) != 1 {
		t.Errorf("after the retry: %+v, %d messages", st, b.smtp.Count(person(4)))
	}
}

func TestGivesUpWhenTheCampaignHasExpired(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithReply(person(1), smtptest.AtRcpt, "451 4.3.0 not now"))
	b.people(2)
	c := b.start(func(in *Input) { in.ExpiresAfterHours = 1 })
	b.await(c.ID, "a deferral", func(_ Campaign, st Stats) bool { return st.Deferred == 1 })
	for range 6 {
		b.clock.advance(15 * time.Minute)
		must(t, b.tick(t.Context()))
		b.await(c.ID, "the answer", func(_ Campaign, st Stats) bool { return st.Queued+st.Claimed == 0 })
	}
	st := b.awaitFinished(c.ID)
	if st.Failed != 1 || st.Sent != 1 {
		t.Errorf("got %+v, want one failed after expiry", st)
	}
	story, err := b.GetDelivery(t.Context(), c.ID, 1)
	d := story.Delivery
	must(t, err)
	if !strings.Contains(*d.ReplyText, "given up after 1h") || !strings.Contains(*d.ReplyText, "not now") {
		t.Errorf("the row says %q", *d.ReplyText)
	}
}

func TestLostReplyIsUnconfirmedAndResolvedByAPerson(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithScript(smtptest.Script{Match: person(2), At: smtptest.AtDot, Drop: true, Accept: true, Times: 1}))
	b.people(5)
	c := b.start()
	st := b.awaitFinished(c.ID)
	if st.Unconfirmed != 1 || st.Sent != 4 {
		t.Fatalf("got %+v, want one unconfirmed", st)
	}
	unconfirmed := Unconfirmed
	listed, err := b.ListDeliveries(t.Context(), c.ID, DeliveryFilter{State: &unconfirmed}, page.Query{})
	must(t, err)
	if len(listed.Items) != 1 || listed.Items[0].Email != person(2) {
		t.Errorf("the one in doubt is not listed by name: %+v", listed.Items)
	}
	n, err := b.ResolveUnconfirmed(t.Context(), c.ID, PolicyResend)
	must(t, err)
	st = b.awaitFinished(c.ID)
	if n != 1 || st.Sent != 5 || b.smtp.Count(person(2)) != 2 {
		t.Errorf("after resend: n=%d %+v, server has %d", n, st, b.smtp.Count(person(2)))
	}
	ids := map[string]bool{}
	for _, r := range b.smtp.Accepted() {
		if r.To == person(2) {
			_, rest, _ := strings.Cut(string(r.Raw), "Message-ID: ")
			id, _, _ := strings.Cut(rest, "\r\n")
			ids[id] = true
		}
	}
	if len(ids) != 1 {
		t.Errorf("the resent message has another Message-ID: %v", ids)
	}
}

func TestUnconfirmedPolicies(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{PolicyResend, PolicyAssumeDelivered} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			b := setup(t, smtptest.WithScript(smtptest.Script{Match: person(1), At: smtptest.AtDot, Drop: true, Times: 1}))
			b.people(1)
			c := b.start(func(in *Input) { in.UnconfirmedPolicy = policy })
			if policy == PolicyResend {
				b.await(c.ID, "the doubt", func(_ Campaign, st Stats) bool { return st.Deferred == 1 })
				b.clock.advance(time.Minute)
			}
			st := b.awaitFinished(c.ID)
			if want := map[string]int{PolicyResend: 1, PolicyAssumeDelivered: 0}[policy]; st.Sent != 1 || b.smtp.Count(person(1)) != want {
				t.Errorf("%+v, server has %d", st, b.smtp.Count(person(1)))
			}
		})
	}
}

func TestPauseStopsAndResumeGoesOnOnceEach(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	b := setup(t, smtptest.WithScript(smtptest.Script{Match: person(30), At: smtptest.AtDot, Wait: gate}))
	b.people(200)
	c := b.start()
	b.await(c.ID, "some mail", func(_ Campaign, st Stats) bool { return st.Sent > 0 })
	paused, err := b.Pause(t.Context(), c.ID, "")
	must(t, err)
	if paused.Status != StatusPaused {
		t.Fatalf("status %s", paused.Status)
	}
	close(gate)
	// A batch whose claim was under way when the campaign was paused still goes out.
	st := b.await(c.ID, "quiet", func(_ Campaign, st Stats) bool { return st.Claimed == 0 && int(st.Sent) == len(b.smtp.Accepted()) })
	if st.Queued == 0 {
		t.Errorf("the pause stopped nothing: %+v", st)
	}
	_, err = b.Resume(t.Context(), c.ID)
	must(t, err)
	if st := b.awaitFinished(c.ID); st.Sent != 200 {
		t.Errorf("after resume %+v", st)
	}
	for to, n := range b.smtp.Counts() {
		if n != 1 {
			t.Errorf("%s got %d", to, n)
		}
	}
}

func TestCancelSkipsWhoeverWaits(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	b := setup(t, smtptest.WithScript(smtptest.Script{Match: "person*", At: smtptest.AtDot, Wait: gate}))
	b.people(100)
	c := b.start()
	b.await(c.ID, "mail on the wire", func(_ Campaign, st Stats) bool { return st.Claimed > 0 })
	_, err := b.Cancel(t.Context(), c.ID)
	must(t, err)
	if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Queued != 0 || st.Skipped == 0 {
		t.Errorf("right after the cancel the figures say %+v, %v", st, err)
	}
	close(gate)
	st := b.await(c.ID, "what was on the wire", func(c Campaign, st Stats) bool { return st.Claimed == 0 && !c.Freezing })
	if st.Skipped == 0 || st.Skipped+st.Sent != 100 || int(st.Sent) != len(b.smtp.Accepted()) {
		t.Errorf("%+v, server has %d", st, len(b.smtp.Accepted()))
	}
	if _, err := b.Resume(t.Context(), c.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("a cancelled campaign was resumed: %v", err)
	}
}

func TestWhoLeavesAfterTheStartIsNotMailed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(50)
	b.Drain() // no job claims anything yet
	c := b.start()
	b.exec(`UPDATE subscriptions SET status = 'unsubscribed' WHERE subscriber_id = (SELECT id FROM subscribers WHERE email_key = $1)`, person(10))
	b.exec(`INSERT INTO suppressions (email_key, reason, source) VALUES ($1, 'manual', 'test')`, person(20))
	b.exec(`DELETE FROM subscribers WHERE email_key = $1`, person(30))
	b.exec(`UPDATE subscribers SET email = 'x@blocked.example', email_key = 'x@blocked.example' WHERE email_key = $1`, person(40))
	b.exec(`INSERT INTO suppressions (email_key, reason, source) VALUES ('@blocked.example', 'manual', 'test')`)
	b.draining.Store(false)
	st := b.awaitFinished(c.ID)
	if st.Skipped != 4 || st.Sent != 46 {
		t.Errorf("%+v", st)
	}
	for _, i := range []int{10, 20, 30, 40} {
		if b.smtp.Count(person(i)) != 0 {
			t.Errorf("%s was mailed", person(i))
		}
	}
}

func TestRelayThatRefusesPausesItselfAndSaysWhy(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithReply("", smtptest.AtMail, "550 5.1.8 Sender address rejected: not owned by user"))
	b.people(30)
	c := b.start()
	b.await(c.ID, "the relay's pause", func(c Campaign, _ Stats) bool {
		return c.PauseReason != nil && strings.Contains(*c.PauseReason, "Test relay") && strings.Contains(*c.PauseReason, "not owned by user")
	})
	if n := len(query[string](b, `SELECT email_key FROM suppressions`)); n != 0 {
		t.Errorf("%d people were suppressed for a fault that is ours", n)
	}
	if len(b.smtp.Accepted()) != 0 {
		t.Error("something was sent")
	}
}

func TestRelayThatIsDownIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtGreeting, Reply: "421 4.3.2 down for maintenance", Times: 2}))
	b.people(20)
	c := b.start()
	b.await(c.ID, "the trouble to show", func(c Campaign, _ Stats) bool {
		return c.PauseReason != nil && strings.Contains(*c.PauseReason, "down for maintenance")
	})
	if st := b.awaitFinished(c.ID); st.Sent != 20 {
		t.Errorf("%+v", st)
	}
	c, err := b.Get(t.Context(), c.ID)
	must(t, err)
	if c.PauseReason != nil {
		t.Errorf("the trouble is over, but it still says %q", *c.PauseReason)
	}
}
