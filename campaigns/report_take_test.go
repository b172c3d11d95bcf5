package campaigns

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/events"
	"postrider/internal/page"
	"postrider/sender/reply"
	"postrider/sender/smtptest"
)

// sentTo sends a campaign to n people and gives it.
func sentTo(t *testing.T, b *bundle, n int) Campaign {
	t.Helper()
	b.people(n)
	c := b.start()
	if st := b.awaitFinished(c.ID); st.Sent != int64(n) {
		t.Fatalf("%+v", st)
	}
	return c
}

func bounceOf(b *bundle, c Campaign, seq int32, change ...func(*events.Report)) events.Report {
	r := events.Report{
		Key: "a", Source: "mailbox 1", Kind: events.ReportBounce, Address: person(int(seq)),
		ReturnPaths: []string{"<News+B-" + strings.ToUpper(b.d.Tokens.Delivery(events.ReturnPath, c.ID, seq)) + "@example.org>"},
		Hard:        true, Reason: "user_unknown", Fault: "recipient", Status: "5.1.1", ReplyCode: 550, Diagnostic: "550 5.1.1 no such user", Raw: []byte("raw\x00\xff"),
	}
	for _, f := range change {
		f(&r)
	}
	return r
}

func emailOf(b *bundle, c Campaign, seq int32) string {
	return query[string](b, `SELECT email FROM deliveries WHERE campaign_id = $1 AND seq = $2`, c.ID, seq)[0]
}

func suppressed(b *bundle) []string {
	return query[string](b, `SELECT email_key || ' ' || reason FROM suppressions ORDER BY email_key`)
}

func TestBounceThatComesBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 3)
	r := bounceOf(b, c, 2)
	for range 2 { // the same again changes nothing
		must(t, b.TakeReports(t.Context(), []events.Report{r}))
	}
	st, err := b.Stats(t.Context(), c.ID)
	if err != nil || st.Sent != 2 || st.Bounced != 1 {
		t.Errorf("%+v (%v)", st, err)
	}
	want := []string{emailOf(b, c, 2) + " bounce"}
	if diff := cmp.Diff(want, suppressed(b)); diff != "" {
		t.Error(diff)
	}
	story, err := b.GetDelivery(t.Context(), c.ID, 2)
	if err != nil || story.Delivery.State != Bounced || len(story.Reports) != 1 || story.QueuedAt == nil || story.FirstTriedAt == nil {
		t.Fatalf("%+v (%v)", story, err)
	}
	if *story.Delivery.ReplyCode != 250 {
		t.Errorf("the relay's reply was %d when it took the message", *story.Delivery.ReplyCode)
	}
	got := story.Reports[0]
	if got.Action != "suppressed" || !got.Applied || *got.MatchedBy != "return_path" || !got.HasRaw {
		t.Errorf("%+v", got)
	}
	if _, raw, err := b.GetReport(t.Context(), got.ID); err != nil || string(raw) != "raw\x00\xff" {
		t.Errorf("%q (%v)", raw, err)
	}
	if len(story.Events) != 1 || story.Events[0].Kind != events.KindBounce || story.Events[0].Detail != "550 5.1.1 no such user" || story.Events[0].Soft {
		t.Errorf("%+v", story.Events)
	}
	// A second report of the same delivery, under another key, is kept and counts nothing.
	r.Key = "b"
	must(t, b.TakeReports(t.Context(), []events.Report{r}))
	if n := query[int](b, `SELECT count(*) FROM events WHERE kind = 'bounce'`)[0]; n != 1 {
		t.Errorf("%d bounces of one delivery", n)
	}
}

func TestWhoseReportItIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 2)
	b.exec(`UPDATE deliveries SET reply_text = '2.0.0 Ok: queued as 4XYZ0abcdef' WHERE seq = 1`)
	tokens := b.d.Tokens
	none := func(r *events.Report) { r.ReturnPaths = nil }
	for name, test := range map[string]struct {
		change func(*events.Report)
		want   string
	}{
		"return path of a bounce domain": {func(r *events.Report) {
			r.ReturnPaths = []string{"x@y.example", "b-" + tokens.Delivery(events.ReturnPath, c.ID, 1) + "@bounce.example"}
		}, "return_path"},
		"message id": {func(r *events.Report) {
			r.MessageIDs = []string{"<" + tokens.Delivery(events.MessageID, c.ID, 1) + "@example.org>"}
		}, "message_id"},
		"unsubscribe page": {func(r *events.Report) {
			r.UnsubscribeURLs = []string{"https://news.example.org/u/" + tokens.Delivery(events.Unsubscribe, c.ID, 1)}
		}, "unsubscribe_url"},
		"unsubscribe mailbox": {func(r *events.Report) {
			r.UnsubscribeURLs = []string{"mailto:u-" + tokens.Delivery(events.Unsubscribe, c.ID, 1) + "@b.example?subject=x"}
		}, "unsubscribe_url"},
		"queue id":                  {func(r *events.Report) { r.QueueIDs, r.Address = []string{"4XYZ0abcdef"}, emailOf(b, c, 1) }, "queue_id"},
		"address, trusted":          {func(r *events.Report) { r.Trusted, r.Address = true, emailOf(b, c, 1) }, "address"},
		"address alone":             {func(r *events.Report) { r.Address = emailOf(b, c, 1) }, ""},
		"queue id of somebody else": {func(r *events.Report) { r.QueueIDs, r.Address = []string{"4XYZ0abcdef"}, emailOf(b, c, 2) }, ""},
		"a short queue id":          {func(r *events.Report) { r.QueueIDs, r.Address = []string{"4XYZ0"}, emailOf(b, c, 1) }, ""},
		"a token of another kind": {func(r *events.Report) {
			r.ReturnPaths = []string{"b-" + tokens.Delivery(events.Open, c.ID, 1) + "@b.example"}
		}, ""},
		"a forged token": {func(r *events.Report) { r.MessageIDs = []string{"aaaaaaaaaaaaaaaaaaaaaaaa@example.org"} }, ""},
		"a test message": {func(r *events.Report) {
			r.MessageIDs = []string{tokens.Delivery(events.MessageID, c.ID, testSeq) + "@example.org"}
		}, ""},
		"trusted, but long ago": {func(r *events.Report) {
			r.Trusted, r.Address, r.At = true, emailOf(b, c, 1), time.Now().Add(-60*24*time.Hour)
		}, "address"},
	} {
		r := bounceOf(b, c, 1, none, test.change, func(r *events.Report) { r.Key, r.Hard, r.Fault = name, false, "reputation" })
		must(t, b.TakeReports(t.Context(), []events.Report{r}))
		by := query[string](b, `SELECT COALESCE(matched_by, '') FROM reports WHERE key = $1`, name)[0]
		if by != test.want {
			t.Errorf("%s: matched by %q, want %q", name, by, test.want)
		}
	}
	p, err := b.ListReports(t.Context(), ReportFilter{Action: "unmatched"}, page.Query{})
	if err != nil || len(p.Items) != 6 {
		t.Errorf("%d unmatched (%v)", len(p.Items), err)
	}
	if s := suppressed(b); len(s) != 0 {
		t.Errorf("suppressed: %q", s)
	}
}

func TestReportsOfOurOwnFaultSuppressNobody(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 8)
	for i, fault := range []reply.Fault{reply.FaultReputation, reply.FaultContent, reply.FaultAccount, reply.FaultUs, reply.FaultNetwork, reply.FaultNone, reply.FaultReceiver, ""} {
		r := bounceOf(b, c, int32(i+1), func(r *events.Report) { r.Key, r.Fault = string(fault)+"!", string(fault) })
		r.Hard = true // even when somebody says so
		must(t, b.TakeReports(t.Context(), []events.Report{r}))
	}
	if s := suppressed(b); len(s) != 0 {
		t.Errorf("suppressed: %q", s)
	}
	if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Bounced != 8 {
		t.Errorf("%+v (%v)", st, err)
	}
}

func TestReportsAgainstTheRelay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 9)
	seq := int32(0)
	report := func(fault, reason string, trusted bool) {
		seq++
		must(t, b.TakeReports(t.Context(), []events.Report{bounceOf(b, c, seq, func(r *events.Report) {
			r.Key, r.Hard, r.Fault, r.Reason, r.Trusted = person(int(seq)), false, fault, reason, trusted
		})}))
	}
	look := func(when, status string, slower int) {
		t.Helper()
		r, err := b.d.Sender.GetRelay(t.Context(), b.relay.ID)
		must(t, err)
		if n := query[int](b, `SELECT count(*) FROM relay_pace_changes WHERE change = 'slower'`)[0]; string(r.Status) != status || n != slower {
			t.Errorf("%s: the relay is %s and went slower %d times, want %s and %d", when, r.Status, n, status, slower)
		}
	}
	report("account", "sender_rejected", false)
	report("account", "sender_rejected", false)
	look("two bounces that anybody can make up", "active", 0)
	report("account", "sender_rejected", false)
	look("three", "active", 1)
	report("content", "spam_content", true)
	look("content", "active", 1)
	report("account", "quota_exhausted", true)
	if r, err := b.d.Sender.GetRelay(t.Context(), b.relay.ID); err != nil || r.BlockedUntil == nil {
		t.Errorf("the provider says that the quota is used up, and the relay is not blocked (%v)", err)
	}
	report("account", "sender_rejected", true)
	look("the provider's own word", "paused", 1)
}

func TestComplaintSuppressesAndUnsubscribes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 2)
	r := bounceOf(b, c, 1, func(r *events.Report) { r.Kind, r.FeedbackType = events.ReportComplaint, "abuse" })
	again := r
	again.Key = "b"
	must(t, b.TakeReports(t.Context(), []events.Report{r, again}))
	if diff := cmp.Diff([]string{emailOf(b, c, 1) + " complaint"}, suppressed(b)); diff != "" {
		t.Error(diff)
	}
	if n := query[int](b, `SELECT count(*) FROM subscriptions WHERE status = 'unsubscribed'`)[0]; n != 1 {
		t.Errorf("%d unsubscribed", n)
	}
	if n := query[int](b, `SELECT count(*) FROM events WHERE kind = 'complaint'`)[0]; n != 1 {
		t.Errorf("%d complaints", n)
	}
	if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Sent != 2 {
		t.Errorf("a complaint is about a message that arrived: %+v (%v)", st, err)
	}
}

func TestReportsThatChangeNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 1)
	for _, kind := range []events.ReportKind{events.ReportDelay, events.ReportDelivered, events.ReportOther, events.ReportAutoReply} {
		must(t, b.TakeReports(t.Context(), []events.Report{bounceOf(b, c, 1, func(r *events.Report) { r.Key, r.Kind = string(kind), kind })}))
	}
	if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Sent != 1 || len(suppressed(b)) != 0 {
		t.Errorf("%+v, %q (%v)", st, suppressed(b), err)
	}
	// A delay that is reported after the bounce does not bring it back.
	must(t, b.TakeReports(t.Context(), []events.Report{bounceOf(b, c, 1), bounceOf(b, c, 1, func(r *events.Report) { r.Key, r.Kind = "late", events.ReportDelay })}))
	if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Bounced != 1 {
		t.Errorf("%+v (%v)", st, err)
	}
}

func TestSoftBouncesAddUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	set, err := b.d.Settings.Get(t.Context())
	must(t, err)
	set.SoftBounceCount, set.SoftBounceDays = 3, 10
	_, err = b.d.Settings.Put(t.Context(), set)
	must(t, err)
	b.people(1)
	soft := func(daysAgo int) {
		c := b.start()
		b.awaitFinished(c.ID)
		must(t, b.TakeReports(t.Context(), []events.Report{bounceOf(b, c, 1, func(r *events.Report) {
			r.Key, r.Hard, r.Reason, r.Fault, r.At = c.Name+time.Now().String(), false, "mailbox_full", "receiver", time.Now().Add(-time.Duration(daysAgo)*24*time.Hour)
		})}))
		// The deliveries are as old as their bounces.
		b.exec(`UPDATE deliveries SET updated_at = now() - make_interval(days => $2) WHERE campaign_id = $1`, c.ID, daysAgo)
	}
	for _, days := range []int{40, 9, 4} {
		soft(days)
	}
	if s := suppressed(b); len(s) != 1 {
		t.Errorf("after three soft bounces over 36 days: %q", s)
	}
	b.exec(`DELETE FROM suppressions`)
	b.exec(`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, actor) SELECT now() - interval '3 days', 'open', campaign_id, seq, subscriber_id, 'human' FROM deliveries LIMIT 1`)
	soft(0) // the only one since somebody read a message
	if s := suppressed(b); len(s) != 0 {
		t.Errorf("somebody who reads mail was given up: %q", s)
	}
	b.exec(`UPDATE events SET actor = 'machine' WHERE kind = 'open'`)
	b.exec(`UPDATE deliveries SET state = 2, updated_at = now() - interval '6 days' WHERE campaign_id = (SELECT max(campaign_id) - 1 FROM deliveries)`)
	soft(0)
	if s := suppressed(b); len(s) != 0 {
		t.Errorf("somebody whose mail arrived was given up: %q", s)
	}
}

func TestSoftBouncesAtTheRelayAddUp(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithReply("*", smtptest.AtRcpt, "552 5.2.2 mailbox full"))
	set, err := b.d.Settings.Get(t.Context())
	must(t, err)
	set.SoftBounceCount, set.SoftBounceDays = 2, 0
	_, err = b.d.Settings.Put(t.Context(), set)
	must(t, err)
	b.people(2)
	for i := range 2 {
		b.awaitFinished(b.start().ID)
		b.exec(`UPDATE events SET at = at - interval '20 days'`)
		if n := len(suppressed(b)); n != 2*i {
			t.Errorf("%d suppressed after %d soft bounces", n, i+1)
		}
	}
}

func TestTheSameReportFromManySidesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 5)
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			seq := int32(i%5 + 1)
			r := bounceOf(b, c, seq, func(r *events.Report) { r.Key = "delivery " + person(int(seq)) })
			if err := b.TakeReports(t.Context(), []events.Report{r}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Bounced != 5 {
		t.Errorf("%+v (%v)", st, err)
	}
	if n := query[int](b, `SELECT count(*) FROM events WHERE kind = 'bounce'`)[0]; n != 5 {
		t.Errorf("%d bounces", n)
	}
}

func TestHostileReports(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 1)
	long := strings.Repeat("é\x00\xff", 5000)
	r := bounceOf(b, c, 1, func(r *events.Report) {
		r.Key, r.Source, r.Address, r.Diagnostic, r.Status, r.Reason, r.FeedbackType, r.ReplyCode = long, long, long, long, long, long, long, 1<<30
		r.At, r.Raw = time.Now().Add(1000*time.Hour), []byte(strings.Repeat("x", 10*events.MaxRaw))
		r.MessageIDs = strings.Split(long, "\x00")
	})
	must(t, b.TakeReports(t.Context(), []events.Report{r}))
	got := query[int](b, `SELECT max(length(raw)) FROM reports WHERE at <= now() AND length(diagnostic) <= 2000 AND length(key) < 200`)
	if len(got) != 1 || got[0] != events.MaxRaw {
		t.Errorf("%v bytes are kept", got)
	}
	if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Bounced != 1 {
		t.Errorf("%+v (%v)", st, err)
	}
}

func TestOldReportsLoseTheirMessage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := sentTo(t, b, 2)
	must(t, b.TakeReports(t.Context(), []events.Report{bounceOf(b, c, 1), bounceOf(b, c, 2, func(r *events.Report) { r.Key = "b" })}))
	b.exec(`UPDATE reports SET received_at = now() - interval '91 days' WHERE seq = 1`)
	must(t, b.forgetRaw(t.Context()))
	if diff := cmp.Diff([]int{2}, query[int](b, `SELECT seq FROM reports WHERE raw IS NOT NULL`)); diff != "" {
		t.Error(diff)
	}
}

func TestGuardStopsAndAsks(t *testing.T) {
	t.Parallel()
	b := setup(t, smtptest.WithReply(person(100), smtptest.AtRcpt, "450 4.2.1 come back later"))
	half := 50.0
	b.people(101)
	c := b.start(func(in *Input) { in.MaxBouncePercent = &half })
	b.await(c.ID, "all but the last", func(_ Campaign, st Stats) bool { return st.Sent == 100 && st.Deferred == 1 })
	bounce := func(from, to int32, reason, fault string) {
		for seq := from; seq <= to; seq++ {
			if emailOf(b, c, seq) == person(100) {
				continue
			}
			must(t, b.TakeReports(t.Context(), []events.Report{bounceOf(b, c, seq, func(r *events.Report) {
				r.Key, r.Reason, r.Fault, r.Hard = person(int(seq)), reason, fault, false
			})}))
		}
	}
	look := func() Campaign {
		t.Helper()
		must(t, b.guard(t.Context()))
		c, err := b.Get(t.Context(), c.ID)
		must(t, err)
		return c
	}
	bounce(1, 50, "policy", "receiver")
	if c := look(); c.Status != StatusRunning {
		t.Fatalf("at 50 %% it is %s: %v", c.Status, *c.PauseReason)
	}
	bounce(51, 51, "user_unknown", "receiver")
	c = look()
	if c.Status != StatusPaused || !strings.Contains(*c.PauseReason, "51 of 100") || !strings.Contains(*c.PauseReason, "50 policy, 1 user unknown") {
		t.Fatalf("at 51 %% it is %s: %v", c.Status, c.PauseReason)
	}
	_, err := b.Resume(t.Context(), c.ID)
	must(t, err)
	if c := look(); c.Status != StatusRunning {
		t.Errorf("a person let it go on and it is %s", c.Status)
	}
}

func TestGuardLimits(t *testing.T) {
	t.Parallel()
	f := func(v float64) *float64 { return &v }
	for name, test := range map[string]struct {
		g    guardCounts
		most float64
		want string
	}{
		"nothing":                        {guardCounts{Done: 1000}, 10, ""},
		"default of bounces":             {guardCounts{Done: 1000, Refused: 101}, 10, "101 of 1000"},
		"just allowed":                   {guardCounts{Done: 1000, Refused: 100}, 10, ""},
		"few bad ones in few":            {guardCounts{Done: 49, Refused: 49}, 10, ""},
		"less than ten":                  {guardCounts{Done: 50, Refused: 9}, 10, ""},
		"ten":                            {guardCounts{Done: 50, Refused: 10}, 10, "20%"},
		"of the settings":                {guardCounts{Done: 1000, Refused: 60}, 5, "5%"},
		"of the campaign":                {guardCounts{Done: 1000, Refused: 60, MaxBouncePercent: f(20)}, 5, ""},
		"never":                          {guardCounts{Done: 1000, Refused: 1000, MaxBouncePercent: f(100)}, 10, ""},
		"complaints":                     {guardCounts{Done: 1000, Complaints: 4}, 10, "called spam"},
		"complaints just allowed":        {guardCounts{Done: 1000, Complaints: 3}, 10, ""},
		"two complaints are an accident": {guardCounts{Done: 100, Complaints: 2}, 10, ""},
	} {
		got := test.g.exceeded(test.most, 0.3)
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
