package campaigns

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"postrider/sender"
	"postrider/sender/smtptest"
)

// direct gives the bundle a relay that delivers to the recipients' servers itself.
func (b *bundle) direct(limits ...sender.SiteLimit) {
	b.t.Helper()
	yes := true
	b.limit(func(in *sender.RelayInput) { in.SiteLimits = &yes })
	must(b.t, b.d.Sender.SetSiteLimits(b.t.Context(), limits))
}

// refuse makes the server put off mail to p1, p2 … as peopleAt names them.
func (b *bundle) refuse(reply string) {
	for i := 1; i <= 9; i++ {
		b.smtp.Script(smtptest.Script{Match: fmt.Sprintf("p%d*", i), At: smtptest.AtRcpt, Reply: reply})
	}
}

// settled says that nothing waits but what was put off.
func settled(_ Campaign, st Stats) bool { return st.Queued+st.Claimed == 0 }

func TestMailToABusySiteIsSpreadOut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.direct(sender.SiteLimit{Site: "google", PerMinute: number(60)})
	b.peopleAt(40, "gmail.com")
	b.people(40)
	c := b.start()
	st := b.await(c.ID, "everybody elsewhere", func(c Campaign, st Stats) bool { return settled(c, st) && st.Sent >= 40 })
	if st.Deferred < 30 || st.Sent+st.Deferred != 80 {
		t.Errorf("%+v", st)
	}
	if n := query[int](b, `SELECT count(*)::int FROM deliveries WHERE state = 3 AND (attempts <> 0 OR first_tried_at IS NOT NULL)`); n[0] != 0 {
		t.Errorf("%d of those that wait have an attempt", n[0])
	}
	gap := query[float64](b, `
		SELECT min(gap)::float8 FROM (SELECT EXTRACT(epoch FROM next_attempt_at - lag(next_attempt_at) OVER (ORDER BY next_attempt_at)) AS gap
			FROM deliveries WHERE state = 3 AND email LIKE '%@gmail.com') g`)
	if gap[0] < 1 {
		t.Errorf("two of them come back within %.2f s, one a second may go", gap[0])
	}
	must(t, b.d.Sender.SetSiteLimits(t.Context(), []sender.SiteLimit{{Site: "google"}}))
	b.clock.advance(10 * time.Minute)
	if st := b.awaitFinished(c.ID); st.Sent != 80 {
		t.Errorf("%+v", st)
	}
	b.once(c.ID, 80, map[int64]*smtptest.Server{b.relay.ID: b.smtp})
	if n := query[int](b, `SELECT COALESCE(sum(claimed), 0)::int FROM relay_site_claims`); n[0] != 0 {
		t.Errorf("%d are on their way for ever", n[0])
	}
}

func TestNoMoreAreOnTheirWayToASiteThanItTakes(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	b := setup(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtDot, Wait: gate}))
	open := sync.OnceFunc(func() { close(gate) })
	t.Cleanup(open)
	b.direct(sender.SiteLimit{Site: "google", InFlight: number(3)})
	b.peopleAt(20, "gmail.com")
	c := b.start()
	// The first look at ten of them.
	b.await(c.ID, "some on their way, the others put off", func(_ Campaign, st Stats) bool { return st.Claimed == 3 && st.Deferred == 7 })
	open()
	b.await(c.ID, "everybody in turn", func(_ Campaign, st Stats) bool {
		b.clock.advance(time.Second)
		return st.Sent == 20
	})
}

func TestDeadSiteIsParkedAndTheOthersGoOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.direct()
	b.refuse("451 4.3.0 not now, the server has trouble")
	b.peopleAt(60, "dead.example")
	b.people(60)
	c := b.start()
	st := b.await(c.ID, "everybody elsewhere", func(c Campaign, st Stats) bool { return settled(c, st) && st.Sent == 60 })
	tried := query[int](b, `SELECT count(*)::int FROM deliveries WHERE attempts > 0 AND email LIKE '%@dead.example'`)
	if st.Deferred != 60 || tried[0] > 45 {
		t.Errorf("%d were tried at a dead site: %+v", tried[0], st)
	}
	sites, err := b.d.Sender.RelaySites(t.Context(), b.relay.ID)
	must(t, err)
	if s := sites[0]; s.Site != "dead.example" || s.ParkedUntil == nil || time.Until(*s.ParkedUntil) < 14*time.Minute || s.Reply != "451 4.3.0 not now, the server has trouble" {
		t.Errorf("%+v", s)
	}
	attempts := func() int { return query[int](b, `SELECT sum(attempts)::int FROM deliveries`)[0] }
	before := attempts()
	b.clock.advance(10 * time.Minute)
	b.await(c.ID, "those who come back meanwhile", settled)
	if early := query[int](b, `SELECT count(*)::int FROM deliveries WHERE state = 3 AND next_attempt_at < now() + interval '14 minutes'`); early[0] != 0 || attempts() != before {
		t.Errorf("%d come back while the site is parked, %d were tried", early[0], attempts()-before)
	}
}

// The recipient's server asks for less, not the relay: only its site goes slower.
func TestTroubleOfASiteLeavesTheRelayAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.direct()
	b.refuse("421 4.7.0 our server is rate limiting mail from your address")
	b.peopleAt(5, "busy.example")
	b.people(60)
	c := b.start()
	b.await(c.ID, "everybody elsewhere", func(c Campaign, st Stats) bool { return settled(c, st) && st.Sent == 60 })
	if n := query[int](b, `SELECT count(*)::int FROM relay_pace`); n[0] != 0 {
		t.Error("the relay goes slower")
	}
	sites, err := b.d.Sender.RelaySites(t.Context(), b.relay.ID)
	must(t, err)
	if sites[0].Site != "busy.example" || sites[0].Halved == 0 {
		t.Errorf("%+v", sites)
	}
}

// Before a recipient is named, a server speaks of itself: an own Postfix that wants less goes slower, and no site is blamed.
func TestTroubleOfTheRelayItselfBlamesNoSite(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtMail, Reply: "450 4.7.1 Error: too much mail from 192.0.2.1"}))
	b.direct()
	b.peopleAt(15, "gmail.com")
	c := b.start()
	b.await(c.ID, "the first refusals", func(_ Campaign, st Stats) bool { return st.Deferred > 0 && st.Claimed == 0 })
	if n := query[int](b, `SELECT count(*)::int FROM relay_pace`); n[0] != 1 {
		t.Error("the relay does not go slower")
	}
	if n := query[int](b, `SELECT count(*)::int FROM relay_sites WHERE misses > 0 OR parks > 0 OR halved > 0`); n[0] != 0 {
		t.Error("Google is blamed for it")
	}
}

// Where one relay is refused for what it is, another one may do better, and the first would not a second later.
func TestRefusedBySiteGoesThroughTheOtherRelay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.direct()
	b.refuse("421 4.7.0 our server is rate limiting mail from your address")
	yes := true
	srv, second := b.second(sender.RelayInput{SiteLimits: &yes, Weight: new(int)})
	b.peopleAt(5, "busy.example")
	c := b.start(through(b.relay, second))
	b.await(c.ID, "the refusals", func(_ Campaign, st Stats) bool { return st.Deferred == 5 })
	b.clock.advance(2 * time.Second)
	b.await(c.ID, "the second try", func(_ Campaign, st Stats) bool { return st.Sent == 5 || st.Queued+st.Claimed == 0 && st.Deferred > 0 })
	if count(srv) != 5 {
		t.Errorf("%d through the other relay", count(srv))
	}
}

// What a cancelled campaign had in a site's line must not keep the next one waiting behind it.
func TestLineOfASiteEndsWithItsCampaign(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.direct(sender.SiteLimit{Site: "google", PerMinute: number(6)})
	b.peopleAt(40, "gmail.com")
	c := b.start()
	b.await(c.ID, "the line", func(c Campaign, st Stats) bool { return settled(c, st) && st.Deferred >= 30 })
	_, err := b.Cancel(t.Context(), c.ID)
	must(t, err)
	next := b.start()
	b.await(next.ID, "the next line", func(c Campaign, st Stats) bool { return settled(c, st) && st.Deferred >= 30 })
	first := query[float64](b, `SELECT EXTRACT(epoch FROM min(next_attempt_at) - now())::float8 FROM deliveries WHERE campaign_id = $1 AND state = 3`, next.ID)
	if first[0] > 60 {
		t.Errorf("the first of them comes back in %.0f s, one in ten seconds may go and nobody is before them", first[0])
	}
}

// A few people must not wait behind the thousands of another campaign.
func TestSmallCampaignHasALineOfItsOwnAtABusySite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.direct(sender.SiteLimit{Site: "google", PerMinute: number(60)})
	b.peopleAt(200, "gmail.com")
	large := b.start()
	b.await(large.ID, "the line", func(c Campaign, st Stats) bool { return settled(c, st) && st.Deferred >= 150 })
	list, err := b.d.Audience.CreateList(t.Context(), "Few", "")
	must(t, err)
	b.exec(`INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, id, 'subscribed', 'test' FROM subscribers ORDER BY id LIMIT 20`, list.ID)
	small := b.start(func(in *Input) { in.ListIDs = []int64{list.ID} })
	b.await(small.ID, "the other line", func(c Campaign, st Stats) bool { return settled(c, st) && st.Deferred >= 10 })
	waits := query[float64](b, `SELECT EXTRACT(epoch FROM max(next_attempt_at) - now())::float8 FROM deliveries WHERE campaign_id = $1 AND state = 3`, small.ID)
	if waits[0] > 60 {
		t.Errorf("the last of twenty comes back in %.0f s, behind another campaign's people", waits[0])
	}
}

// Those at a site that is dead for good are given up as everybody is, although hardly anybody of them is ever tried.
func TestPeopleAtADeadSiteAreGivenUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.direct()
	b.refuse("451 4.3.0 not now, the server has trouble")
	b.peopleAt(60, "dead.example")
	never := 100.0
	c := b.start(func(in *Input) { in.ExpiresAfterHours, in.MaxBouncePercent = 24, &never })
	b.await(c.ID, "the park", func(c Campaign, st Stats) bool { return settled(c, st) && st.Deferred == 60 })
	// A day later it is parked as it was.
	b.exec(`UPDATE deliveries SET first_tried_at = now() - interval '25 hours'`)
	b.exec(`UPDATE relay_sites SET parked_until = now() + interval '4 hours'`)
	b.clock.advance(25 * time.Hour)
	st := b.awaitFinished(c.ID)
	if st.Failed != 60 {
		t.Errorf("%+v", st)
	}
	for _, text := range query[string](b, `SELECT DISTINCT reply_text FROM deliveries`) {
		if !strings.Contains(text, "given up after 24h") || !strings.Contains(text, "not now, the server has trouble") {
			t.Errorf("the ledger says %q", text)
		}
	}
}
