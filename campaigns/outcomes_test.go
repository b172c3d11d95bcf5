package campaigns

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/events"
	"postrider/internal/page"
	"postrider/sender"
	"postrider/sender/smtptest"
)

// mixed sends a campaign of which something of every kind becomes: to people at several providers, through two relays, with refusals at once and later.
func mixed(t *testing.T, b *bundle) Campaign {
	t.Helper()
	second := b.makeRelay(sender.RelayInput{Name: "Second relay"})
	for i := range 60 {
		domain := []string{"gmail.com", "outlook.de", "yahoo.com", "Firm.example", "shop.example", "hosted.example"}[i%6]
		b.exec(`
			WITH s AS (INSERT INTO subscribers (email, email_key) VALUES ($1, lower($1)) RETURNING id)
			INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $2, id, 'subscribed', 'test' FROM s`, fmt.Sprintf("p%02d@%s", i, domain), b.listID)
	}
	b.exec(`INSERT INTO sites (domain, site, looked_up_at, expires_at) VALUES ('hosted.example', 'google', now(), now()), ('shop.example', 'mx1.host.example,mx2.host.example', now(), now())`)
	c := b.start(func(in *Input) { in.RelayIDs = []int64{b.relay.ID, second.ID} })
	b.await(c.ID, "all but those put off", func(_ Campaign, st Stats) bool { return st.Queued+st.Claimed == 0 && st.Deferred == 2 })
	seqOf := func(address string) int32 {
		return query[int32](b, `SELECT seq FROM deliveries WHERE campaign_id = $1 AND lower(email) = $2`, c.ID, address)[0]
	}
	report := func(address string, change ...func(*events.Report)) {
		r := bounceOf(b, c, seqOf(address), change...)
		r.Key = fmt.Sprint(address, r.Kind)
		must(t, b.TakeReports(t.Context(), []events.Report{r}))
	}
	report("p06@gmail.com")
	report("p07@outlook.de", func(r *events.Report) { r.Hard, r.Reason = false, "mailbox_full" })
	report("p08@yahoo.com", func(r *events.Report) { r.Hard, r.Reason, r.Fault = false, "", "" })
	report("p12@gmail.com", func(r *events.Report) { r.Kind, r.FeedbackType = events.ReportComplaint, "abuse" })
	report("p00@gmail.com") // refused already: it changes nothing
	report("p13@outlook.de", func(r *events.Report) { r.Kind = events.ReportUnsubscribe })
	// In doubt, left out, and given up without a try of its own.
	for address, change := range map[string]string{
		"p18@gmail.com": `state = 6`, "p19@outlook.de": `state = 7, skip_reason = 'unsubscribed', relay_id = NULL`, "p20@yahoo.com": `state = 5, relay_id = NULL`, "p21@firm.example": `state = 4`,
	} {
		b.exec(`UPDATE deliveries SET `+change+` WHERE campaign_id = $1 AND seq = $2`, c.ID, seqOf(address))
	}
	return c
}

func mixedReplies() []smtptest.Option {
	return []smtptest.Option{
		smtptest.WithReply("p00@gmail.com", smtptest.AtRcpt, "550 5.1.1 no such user"), smtptest.WithReply("p01@outlook.de", smtptest.AtRcpt, "550 5.1.1 no such user"),
		smtptest.WithReply("p02@yahoo.com", smtptest.AtRcpt, "554 5.7.1 message refused as spam"), smtptest.WithReply("p03@firm.example", smtptest.AtRcpt, "450 4.2.1 come back later"),
		smtptest.WithReply("p03@Firm.example", smtptest.AtRcpt, "450 4.2.1 come back later"), smtptest.WithReply("p05@hosted.example", smtptest.AtRcpt, "450 4.2.1 come back later"),
	}
}

// addUp compares the sums over each table with the total, and the total with what the ledger's own counts say.
func addUp(t *testing.T, b *bundle, o Outcomes, st Stats) {
	t.Helper()
	var relays, providers OutcomeCounts
	for _, r := range o.Relays {
		relays = relays.plus(r.OutcomeCounts)
	}
	for _, p := range o.Providers {
		providers = providers.plus(p.OutcomeCounts)
	}
	for name, sum := range map[string]OutcomeCounts{"relays": relays, "providers": providers} {
		if diff := cmp.Diff(o.Total, sum); diff != "" {
			t.Errorf("the sum over %s is not the total:\n%s", name, diff)
		}
	}
	reasons := map[string]int64{}
	for _, r := range o.Reasons {
		reasons[r.Outcome] += r.Count
	}
	want := map[string]int64{"refused": o.Total.Refused, "came_back": o.Total.CameBack, "failed": o.Total.Failed}
	for outcome, n := range want {
		if reasons[outcome] != n {
			t.Errorf("%s: %d in the ledger, %d by reason", outcome, n, reasons[outcome])
		}
	}
	n := o.Total
	got := Stats{Sent: n.Delivered, Bounced: n.Refused + n.CameBack, Failed: n.Failed, Unconfirmed: n.Unconfirmed, Skipped: n.Skipped, Queued: n.Waiting, Recipients: n.Recipients}
	ledger := Stats{Sent: st.Sent, Bounced: st.Bounced, Failed: st.Failed, Unconfirmed: st.Unconfirmed, Skipped: st.Skipped, Queued: st.Queued + st.Claimed + st.Deferred, Recipients: st.Recipients}
	if diff := cmp.Diff(ledger, got); diff != "" {
		t.Errorf("the total is not the ledger's:\n%s", diff)
	}
	sum := n.Delivered + n.Refused + n.CameBack + n.Failed + n.Unconfirmed + n.Skipped + n.Waiting
	if sum != n.Recipients {
		t.Errorf("%d recipients, %d outcomes", n.Recipients, sum)
	}
}

func TestOutcomesAddUpToTheLedger(t *testing.T) {
	t.Parallel()
	b := setup(t, mixedReplies()...)
	c := mixed(t, b)
	o, err := b.Outcomes(t.Context(), c.ID, 0)
	must(t, err)
	st, err := b.Stats(t.Context(), c.ID)
	must(t, err)
	addUp(t, b, o, st)
	want := OutcomeCounts{Recipients: 60, Delivered: 48, Refused: 3, CameBack: 3, Failed: 2, Unconfirmed: 1, Skipped: 1, Waiting: 2, Complaints: 1, Unsubscribes: 2}
	if diff := cmp.Diff(want, o.Total); diff != "" {
		t.Error(diff)
	}
	reasons := map[string]int64{}
	for _, r := range o.Reasons {
		reasons[r.Outcome+" "+r.Reason] = r.Count
	}
	wantReasons := map[string]int64{
		"refused user_unknown": 2, "failed spam_content": 1, "refused unknown": 1, "came_back user_unknown": 1, "came_back mailbox_full": 1, "came_back unknown": 1, "failed unknown": 1,
	}
	if diff := cmp.Diff(wantReasons, reasons); diff != "" {
		t.Error(diff)
	}
	sizes := map[string]string{}
	for _, p := range o.Providers {
		sizes[p.ID] = fmt.Sprintf("%s: %d to %d", p.Name, p.Recipients, p.Domains)
	}
	// Google takes the mail of a domain of its own too, as DNS said; a site that is nobody's known goes by its domain.
	wantSizes := map[string]string{
		"google": "Google: 20 to 2", "microsoft": "Microsoft: 10 to 1", "yahoo": "Yahoo and AOL: 10 to 1", "firm.example": "firm.example: 10 to 1", "shop.example": "shop.example: 10 to 1",
	}
	if diff := cmp.Diff(wantSizes, sizes); diff != "" {
		t.Error(diff)
	}
	if len(o.Relays) != 3 { // the two, and none
		t.Errorf("%+v", o.Relays)
	}

	few, err := b.Outcomes(t.Context(), c.ID, 2)
	must(t, err)
	addUp(t, b, few, st)
	if len(few.Providers) != 3 || few.Providers[2].ID != "" || few.Providers[2].Domains != 3 {
		t.Errorf("%+v", few.Providers)
	}
}

// What is remembered of a campaign that is over must not outlast a bounce that comes back, a decision on what was in doubt, or a complaint.
func TestOutcomesOfAFinishedCampaignFollowWhatComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 5)
	look := func() OutcomeCounts {
		o, err := b.Outcomes(t.Context(), c.ID, 0)
		must(t, err)
		st, err := b.Stats(t.Context(), c.ID)
		must(t, err)
		addUp(t, b, o, st)
		return o.Total
	}
	if n := look(); n.Delivered != 5 {
		t.Errorf("%+v", n)
	}
	if len(b.outcomes.byID) != 1 {
		t.Errorf("%d campaigns are remembered", len(b.outcomes.byID))
	}
	must(t, b.TakeReports(t.Context(), []events.Report{bounceOf(b, c, 1)}))
	if n := look(); n.CameBack != 1 || n.Delivered != 4 {
		t.Errorf("%+v", n)
	}
	must(t, b.TakeReports(t.Context(), []events.Report{bounceOf(b, c, 2, func(r *events.Report) { r.Key, r.Kind = "b", events.ReportComplaint })}))
	if n := look(); n.Complaints != 1 || n.Unsubscribes != 1 {
		t.Errorf("%+v", n)
	}
	// Only people are readers, and each delivery has one.
	b.exec(`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, link, actor) SELECT now(), kind, $1, seq, subscriber_id, link, actor FROM deliveries,
		(VALUES (3, 'open', NULL, 'human'), (3, 'open', NULL, 'human'), (3, 'click', 1, 'human'), (4, 'open', NULL, 'human'), (5, 'open', NULL, 'machine'), (5, 'click', 1, 'unknown'))
		AS e (s, kind, link, actor) WHERE campaign_id = $1 AND seq = s`, c.ID)
	b.clock.advance(time.Hour)
	if n := look(); n.Opened != 2 || n.Clicked != 1 || n.Recipients != 5 {
		t.Errorf("%+v", n)
	}
	// DNS is asked again some day.
	b.exec(`INSERT INTO sites (domain, site, looked_up_at, expires_at) VALUES ('example.org', 'google', now(), now())`)
	if o, err := b.Outcomes(t.Context(), c.ID, 0); err != nil || o.Providers[0].ID != "example.org" {
		t.Errorf("%+v (%v)", o.Providers, err)
	}
	b.clock.advance(time.Hour)
	if o, err := b.Outcomes(t.Context(), c.ID, 0); err != nil || o.Providers[0].ID != "google" {
		t.Errorf("%+v (%v)", o.Providers, err)
	}
}

func TestRelayFiguresAddUpToTheLedger(t *testing.T) {
	t.Parallel()
	b := setup(t, mixedReplies()...)
	c := mixed(t, b)
	var accepted, refused, failed, back, put, complaints int64
	relays, err := b.d.Sender.ListRelays(t.Context())
	must(t, err)
	for _, r := range relays {
		st, err := b.RelayStats(t.Context(), r.ID)
		must(t, err)
		f := st.Day
		accepted, refused, failed, back, put, complaints = accepted+f.Accepted, refused+f.Refused, failed+f.Failed, back+f.CameBack, put+f.PutOff, complaints+f.Complaints
		if diff := cmp.Diff(st.Day.Reasons, st.Month.Reasons); diff != "" {
			t.Error(diff)
		}
		sums := map[string]int64{}
		for _, reason := range f.Reasons {
			sums[reason.Outcome] += reason.Count
		}
		if sums["refused"] != f.Refused || sums["came_back"] != f.CameBack || sums["put_off"] != f.PutOff || sums["failed"] != f.Failed {
			t.Errorf("%v is not %+v", sums, f)
		}
	}
	// What the test put down by hand without a try was taken by a relay before that: four messages.
	o, err := b.Outcomes(t.Context(), c.ID, 0)
	must(t, err)
	if accepted != o.Total.Accepted()+4 || refused != 2 || failed != 1 || back != 3 || put != 2 || complaints != 1 {
		t.Errorf("accepted %d, refused %d, came back %d, put off %d, complaints %d; the ledger: %+v", accepted, refused, back, put, complaints, o.Total)
	}
	b.clock.advance(25 * time.Hour)
	st, err := b.RelayStats(t.Context(), b.relay.ID)
	if err != nil || st.Day.Accepted != 0 || st.Day.CameBack != 0 || st.Month.Accepted == 0 {
		t.Errorf("a day later: %+v (%v)", st, err)
	}
	b.clock.advance(hoursKept)
	must(t, b.forgetHours(t.Context()))
	if n := query[int](b, `SELECT count(*) FROM relay_hours`)[0]; n != 0 {
		t.Errorf("%d rows are kept for ever", n)
	}
}

func TestListStats(t *testing.T) {
	t.Parallel()
	b := setup(t, mixedReplies()...)
	c := mixed(t, b)
	other, err := b.d.Audience.CreateList(t.Context(), "Some of them", "")
	must(t, err)
	b.exec(`INSERT INTO subscriptions (list_id, subscriber_id, status, source)
		SELECT $1, id, CASE WHEN email_key LIKE 'p12@%' THEN 'unsubscribed' ELSE 'subscribed' END, 'test' FROM subscribers WHERE email_key LIKE '%gmail.com'`, other.ID)
	figures := func(list int64) ListOutcomes {
		p, err := b.ListStats(t.Context(), list, page.Query{})
		must(t, err)
		if len(p.Items) != 1 || p.Items[0].CampaignID != c.ID {
			t.Fatalf("%+v", p)
		}
		return p.Items[0]
	}
	o, err := b.Outcomes(t.Context(), c.ID, 0)
	must(t, err)
	if got := figures(b.listID); got.Shared || got.OutcomeCounts != o.Total {
		t.Errorf("%+v, and the campaign: %+v", got, o.Total)
	}
	b.exec(`INSERT INTO campaign_lists (campaign_id, list_id) VALUES ($1, $2)`, c.ID, other.ID)
	// A person at Gmail opens and clicks, a machine at Gmail and a person elsewhere open.
	b.exec(`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, actor)
		SELECT now(), k.kind, d.campaign_id, d.seq, d.subscriber_id, k.actor FROM deliveries d JOIN (VALUES ('p30@gmail.com', 'open', 'human'), ('p30@gmail.com', 'open', 'human'),
			('p30@gmail.com', 'click', 'human'), ('p36@gmail.com', 'open', 'machine'), ('p31@outlook.de', 'open', 'human')) AS k (email, kind, actor) ON d.email = k.email`)
	if got := figures(other.ID); got.Opened != 1 || got.Clicked != 1 {
		t.Errorf("opened %d, clicked %d", got.Opened, got.Clicked)
	}
	if got := figures(b.listID); got.Opened != 2 || got.Clicked != 1 {
		t.Errorf("of everybody: opened %d, clicked %d", got.Opened, got.Clicked)
	}
	want := OutcomeCounts{Recipients: 10, Delivered: 7, Refused: 1, CameBack: 1, Unconfirmed: 1, Complaints: 1, Unsubscribes: 1, Opened: 1, Clicked: 1}
	if got := figures(other.ID); !got.Shared || got.OutcomeCounts != want {
		t.Errorf("%+v, not %+v", got, want)
	}
	// Who is on the first list is everybody; it shares the campaign now.
	o, err = b.Outcomes(t.Context(), c.ID, 0)
	must(t, err)
	if got := figures(b.listID); !got.Shared || got.OutcomeCounts != o.Total {
		t.Errorf("%+v, and the campaign: %+v", got, o.Total)
	}
	if p, err := b.ListStats(t.Context(), other.ID+1, page.Query{}); err != nil || len(p.Items) != 0 {
		t.Errorf("%+v (%v)", p, err)
	}
}

func TestReportsByAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 2)
	forwarded := bounceOf(b, c, 1, func(r *events.Report) { r.Address = "Elsewhere@Forward.example" })
	nobody := bounceOf(b, c, 1, func(r *events.Report) { r.Key, r.ReturnPaths, r.Address = "b", nil, "stranger@example.net" })
	must(t, b.TakeReports(t.Context(), []events.Report{forwarded, nobody}))
	for address, want := range map[string]int{"elsewhere@forward.example": 1, strings.ToUpper(emailOf(b, c, 1)): 1, "STRANGER@example.net": 1, emailOf(b, c, 2): 0} {
		p, err := b.ListReports(t.Context(), ReportFilter{Address: address}, page.Query{})
		if err != nil || len(p.Items) != want {
			t.Errorf("%s: %d reports (%v)", address, len(p.Items), err)
		}
	}
	if _, err := b.ListReports(t.Context(), ReportFilter{Address: "a\x00"}, page.Query{}); err == nil {
		t.Error("a NUL is no error")
	}
	o, err := b.Overview(t.Context())
	if err != nil || o.Sent30d != 2 || o.Bounced30d != 1 || o.Complaints30d != 0 {
		t.Errorf("%+v (%v)", o, err)
	}
}

// The few that are wanted of many rows are found by index. (The ledger itself is read one row after another, since all of it is wanted.)
func TestFiguresAreFoundByIndex(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, link)
		SELECT now(), CASE WHEN i % 500 = 0 THEN 'unsubscribe' WHEN i % 501 = 0 THEN 'complaint' ELSE 'open' END, 1 + i % 2, i, i, NULL FROM generate_series(1, 40000) AS i`)
	b.exec(`INSERT INTO reports (key, source, kind, at, received_at, address, action, applied)
		SELECT 'k' || i, 'x', CASE WHEN i % 3 = 0 THEN 'bounce' ELSE 'other' END, now(), now() - make_interval(mins => i), 'p' || i || '@example.org', 'none', i % 20 = 0
		FROM generate_series(1, 40000) AS i`)
	b.exec(`INSERT INTO relay_hours (relay_id, hour, outcome, reason, shard, n)
		SELECT 1 + i % 5, date_trunc('hour', now()) - make_interval(hours => i / 5), 'sent', '', 0, 1 FROM generate_series(1, 40000) AS i`)
	b.exec(`ANALYZE events, reports, relay_hours`)
	for sql, index := range map[string]string{
		`SELECT count(*) FROM events WHERE campaign_id = 1 AND kind = 'complaint'`:                                                "events_left",
		`SELECT seq FROM events WHERE campaign_id = 1 AND kind IN ('complaint', 'unsubscribe')`:                                   "events_left",
		`SELECT count(*) FROM reports WHERE applied AND kind = 'complaint' AND received_at >= now() - interval '1 day'`:           "reports_applied",
		reportSelect + `WHERE true AND lower(address) = lower('P7@example.org') ORDER BY id DESC LIMIT 51`:                        "reports_address",
		`SELECT outcome, reason, sum(n) FROM relay_hours WHERE relay_id = 1 AND hour >= now() - interval '30 days' GROUP BY 1, 2`: "Index Scan",
		`DELETE FROM relay_hours WHERE hour < now() - interval '5000 days'`:                                                       "relay_hours_hour",
	} {
		plan := strings.Join(query[string](b, `EXPLAIN `+sql), "\n")
		if !strings.Contains(plan, index) {
			t.Errorf("%s\n%s", sql, plan)
		}
	}
}
