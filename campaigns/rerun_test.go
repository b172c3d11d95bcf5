package campaigns

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/sender/smtptest"
	"postrider/templates"
)

// opened notes an open of a delivery by an actor.
func (b *bundle) opened(id int64, i int, actor string) {
	b.t.Helper()
	b.exec(`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, actor) SELECT now(), 'open', campaign_id, seq, subscriber_id, $3 FROM deliveries WHERE campaign_id = $1 AND email = $2`,
		id, person(i), actor)
}

func (b *bundle) again(id int64, to ...string) Campaign {
	b.t.Helper()
	c, err := b.CreateRun(b.t.Context(), Request{}, id, Rerun{To: to}, &Launch{})
	must(b.t, err)
	return c
}

// got gives who was sent a campaign.
func (b *bundle) got(id int64) []string {
	b.t.Helper()
	return query[string](b, `SELECT email FROM deliveries WHERE campaign_id = $1 AND state = 2 ORDER BY email`, id)
}

func persons(is ...int) (all []string) {
	for _, i := range is {
		all = append(all, person(i))
	}
	return all
}

func TestSendAgainToThoseWhoDidNotOpen(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithReply(person(9), smtptest.AtRcpt, "550 5.1.1 no such user"))
	b.cfg.FirstPart, b.cfg.Part = 3, 3
	b.people(10)
	first := b.start()
	b.awaitFinished(first.ID)
	b.opened(first.ID, 1, "human")
	b.opened(first.ID, 2, "machine")
	b.exec(`UPDATE subscriptions SET status = 'unsubscribed' WHERE subscriber_id = (SELECT id FROM subscribers WHERE email = $1)`, person(3))
	if n, err := b.CountRerun(t.Context(), first.ID, []string{ToNotOpened}); err != nil || n != 8 {
		t.Errorf("it would be for %d, want 8 before consent (%v)", n, err)
	}
	subject := "Once more"
	second, err := b.CreateRun(t.Context(), Request{}, first.ID, Rerun{To: []string{ToNotOpened}, Subject: &subject}, nil)
	must(t, err)
	if second.Status != StatusDraft || second.RunNo != 2 || *second.ParentID != first.ID || second.HTML != first.HTML || second.Subject != subject {
		t.Errorf("%+v", second)
	}
	if _, err := b.CreateRun(t.Context(), Request{}, first.ID, Rerun{To: []string{ToFailed}}, nil); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "delete") {
		t.Errorf("two at once: %v", err)
	}
	if _, err := b.CreateRun(t.Context(), Request{}, second.ID, Rerun{To: []string{ToFailed}}, nil); !errs.Is(err, errs.Conflict) {
		t.Errorf("a run of a run: %v", err)
	}
	in := second.Input
	in.HTML += "more"
	if _, err := b.Update(t.Context(), second.ID, in); !errs.Is(err, errs.Invalid) {
		t.Errorf("its content can be changed: %v", err)
	}
	b.Drain()
	if second, err = b.Start(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	// One of those who are in its ledger already opens it before their turn.
	b.opened(first.ID, 2, "human")
	b.draining.Store(false)
	if st := b.awaitFinished(second.ID); st.Skipped != 1 {
		t.Errorf("%+v", st)
	}
	if diff := cmp.Diff(persons(4, 5, 6, 7, 8, 10), b.got(second.ID)); diff != "" {
		t.Error(diff)
	}
	if n := strings.Count(string(b.smtp.Accepted()[len(b.smtp.Accepted())-1].Raw), "Subject: Once more"); n != 1 {
		t.Error("it has another subject")
	}
	b.opened(second.ID, 5, "human")
	third := b.again(first.ID, ToNotOpened)
	b.awaitFinished(third.ID)
	if got := b.got(third.ID); third.RunNo != 3 || slices.Contains(got, person(5)) || !slices.Contains(got, person(6)) {
		t.Errorf("run %d went to %v", third.RunNo, got)
	}
	runs, err := b.Runs(t.Context(), third.ID)
	must(t, err)
	if len(runs.Runs) != 3 || runs.Recipients != 10 || runs.Reached != 9 || runs.Opened != 3 || runs.Clicked != 0 {
		t.Errorf("%d runs, %d recipients, %d reached, %d opened", len(runs.Runs), runs.Recipients, runs.Reached, runs.Opened)
	}
	if err := b.Delete(t.Context(), first.ID); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "other runs") {
		t.Errorf("the first run goes alone: %v", err)
	}
}

func TestSendAgainToThoseWhoMissedIt(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithScript(smtptest.Script{Match: person(1), At: smtptest.AtRcpt, Reply: "451 4.3.0 later", Times: 1}),
		smtptest.WithScript(smtptest.Script{Match: person(2), At: smtptest.AtDot, Reply: "550 5.7.1 blocked by policy", Times: 1}),
		smtptest.WithScript(smtptest.Script{Match: person(3), At: smtptest.AtDot, Drop: true, Times: 1}))
	b.people(6)
	first := b.start()
	b.await(first.ID, "all answers", func(_ Campaign, st Stats) bool { return st.Queued+st.Claimed == 0 })
	b.exec(`UPDATE deliveries SET state = 5 WHERE email = $1`, person(2))
	if _, err := b.CreateRun(t.Context(), Request{}, first.ID, Rerun{To: []string{ToDeferred}}, nil); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "cancel") {
		t.Errorf("those who are tried again by themselves: %v", err)
	}
	_, err := b.Cancel(t.Context(), first.ID)
	must(t, err)
	for _, tc := range []struct {
		to   []string
		want []string
	}{{[]string{ToFailed}, persons(2)}, {[]string{ToDeferred}, persons(1)}, {[]string{ToUnconfirmed, ToFailed, ToDeferred}, persons(3)}} {
		run := b.again(first.ID, tc.to...)
		b.awaitFinished(run.ID)
		if diff := cmp.Diff(tc.want, b.got(run.ID)); diff != "" {
			t.Errorf("%v: %s", tc.to, diff)
		}
	}
	if _, err := b.CreateRun(t.Context(), Request{}, first.ID, Rerun{To: []string{ToFailed, ToDeferred, ToUnconfirmed}}, &Launch{}); !errs.Is(err, errs.Invalid) {
		t.Errorf("when everybody has it: %v", err)
	}
	if _, err := b.CreateRun(t.Context(), Request{}, first.ID, Rerun{To: []string{ToFailed, ToFailed, "friends"}}, nil); !errs.Is(err, errs.Invalid) {
		t.Errorf("to friends: %v", err)
	}
	b.nobodyTwice()
}

// The confirmation of a message in doubt comes late, or somebody has the first run send it again: whoever got it, or is getting it, in one run is left out in the other.
func TestNobodyGetsTwoRunsByALateConfirmation(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtDot, Drop: true, Times: 4, Match: "person*"}))
	b.people(4)
	first := b.start()
	st := b.awaitFinished(first.ID)
	if st.Unconfirmed == 0 {
		t.Fatalf("%+v", st)
	}
	doubt := query[string](b, `SELECT email FROM deliveries WHERE campaign_id = $1 AND state = 6 ORDER BY email`, first.ID)
	b.Drain()
	second := b.again(first.ID, ToUnconfirmed)
	b.exec(`UPDATE deliveries SET state = 2, updated_at = now() WHERE campaign_id = $1 AND email = $2`, first.ID, doubt[0])
	_, err := b.ResolveUnconfirmed(t.Context(), first.ID, PolicyResend)
	must(t, err)
	b.draining.Store(false)
	one, two := b.awaitFinished(first.ID), b.awaitFinished(second.ID)
	if one.Sent+two.Sent != 4 || two.Skipped < 1 {
		t.Errorf("%+v\n%+v", one, two)
	}
	for _, to := range doubt[1:] {
		if b.smtp.Count(to) != 1 {
			t.Errorf("%s got %d", to, b.smtp.Count(to))
		}
	}
	if b.smtp.Count(doubt[0]) != 0 { // dropped, and confirmed by another way
		t.Errorf("%s got it although that had been confirmed", doubt[0])
	}
}

func TestARunCanBeScheduledAndCalledBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(2)
	first := b.start()
	b.awaitFinished(first.ID)
	c, err := b.CreateRun(t.Context(), Request{}, first.ID, Rerun{To: []string{ToNotOpened}}, &Launch{Undo: time.Minute})
	if err != nil || c.UndoableUntil() == nil {
		t.Fatalf("%+v, %v", c, err)
	}
	_, err = b.Unschedule(t.Context(), c.ID)
	must(t, err)
	f, err := b.Forecast(t.Context(), c.ID, time.Time{}, 0)
	if err != nil || f.Messages != 2 {
		t.Errorf("%d messages (%v)", f.Messages, err)
	}
	must(t, b.Delete(t.Context(), c.ID))
	must(t, b.Delete(t.Context(), first.ID))
}

func TestARunHasWhatWasMadeOfTheSources(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	first := b.start(func(in *Input) { in.Kind, in.HTML, in.Text = templates.KindMarkdown, "# News of *today*", "" })
	b.awaitFinished(first.ID)
	second := b.again(first.ID, ToNotOpened)
	b.awaitFinished(second.ID)
	if second.Kind != templates.KindHTML || !strings.Contains(second.HTML, "<em>today</em>") {
		t.Errorf("%s: %s", second.Kind, second.HTML)
	}
	mails := b.smtp.Accepted()
	if len(mails) != 2 || strings.Count(string(mails[0].Raw), "<em>today</em>") != 1 || strings.Count(string(mails[1].Raw), "<em>today</em>") != 1 {
		t.Errorf("%d mails, the last: %s", len(mails), mails[len(mails)-1].Raw)
	}
}

// Of whoever is not tracked nothing says that they did not open it.
func TestThoseOfWhomNothingIsKnownDidNotNotOpenIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(6)
	subscriber := func(i int) int64 { return query[int64](b, `SELECT id FROM subscribers WHERE email = $1`, person(i))[0] }
	private, err := b.d.Audience.CreateList(t.Context(), "Private", "")
	must(t, err)
	_, err = b.d.Audience.SetListTracking(t.Context(), private.ID, false)
	must(t, err)
	_, err = b.d.Audience.SetSubscription(t.Context(), subscriber(2), private.ID, "subscribed", "test")
	must(t, err)
	must(t, b.d.Audience.SetTracking(t.Context(), subscriber(3), false))
	first := b.start(func(in *Input) { in.ListIDs = append(in.ListIDs, private.ID) })
	b.awaitFinished(first.ID)
	b.opened(first.ID, 1, "human")
	b.exec(`UPDATE deliveries SET state = 5 WHERE email = ANY ($1)`, persons(3, 6))
	for _, tc := range []struct {
		to   []string
		want int64
	}{{[]string{ToNotOpened}, 2}, {[]string{ToFailed}, 2}, {[]string{ToNotOpened, ToFailed}, 4}} {
		if n, err := b.CountRerun(t.Context(), first.ID, tc.to); err != nil || n != tc.want {
			t.Errorf("%v: %d, want %d (%v)", tc.to, n, tc.want, err)
		}
	}
	// A run that is not tracked tells nothing of those whom it reached.
	second, err := b.CreateRun(t.Context(), Request{}, first.ID, Rerun{To: []string{ToFailed}}, nil)
	must(t, err)
	in := second.Input
	in.TrackOpens, in.TrackClicks = false, false
	_, err = b.Update(t.Context(), second.ID, in)
	must(t, err)
	_, err = b.Start(t.Context(), second.ID)
	must(t, err)
	b.awaitFinished(second.ID)
	third := b.again(first.ID, ToNotOpened)
	b.awaitFinished(third.ID)
	if diff := cmp.Diff([][]string{persons(3, 6), persons(4, 5)}, [][]string{b.got(second.ID), b.got(third.ID)}); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutTrackingNobodyDidNotOpenIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(3)
	first := b.start(func(in *Input) { in.TrackOpens, in.TrackClicks = false, false })
	b.awaitFinished(first.ID)
	_, err := b.CreateRun(t.Context(), Request{}, first.ID, Rerun{To: []string{ToFailed, ToNotOpened}}, &Launch{})
	if to := fields(t, err)["to"]; !strings.Contains(to, "neither opens nor clicks") {
		t.Errorf("%q", to)
	}
	_, err = b.CountRerun(t.Context(), first.ID, []string{ToNotOpened})
	if to := fields(t, err)["to"]; !strings.Contains(to, "neither opens nor clicks") {
		t.Errorf("the count: %q", to)
	}
	if n, err := b.CountRerun(t.Context(), first.ID, []string{ToFailed}); err != nil || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestAStreamOfMessagesIsNotSentAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.sendMessage(receipt(b.template(), "ann@example.net"))
	b.awaitMessage(a.ID, Sent)
	if c, err := b.CreateRun(t.Context(), Request{}, a.CampaignID, Rerun{To: []string{ToFailed}}, nil); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "stream of messages") {
		t.Errorf("campaign %d was made: %v", c.ID, err)
	}
	if _, err := b.CountRerun(t.Context(), a.CampaignID, []string{ToFailed}); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "stream of messages") {
		t.Errorf("the count: %v", err)
	}
	if n := query[int](b, `SELECT count(*)::int FROM campaigns WHERE parent_id IS NOT NULL`)[0]; n != 0 {
		t.Errorf("there are %d runs", n)
	}
}
