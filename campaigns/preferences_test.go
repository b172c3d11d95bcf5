package campaigns

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/audience"
	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/sender/smtptest"
)

func (b *bundle) token(c Campaign, seq int32) string {
	return b.d.Tokens.Delivery(events.Unsubscribe, c.ID, seq)
}

// seqOf gives the number of a person's delivery.
func (b *bundle) seqOf(c Campaign, i int) int32 {
	b.t.Helper()
	return query[int32](b, `SELECT seq FROM deliveries WHERE campaign_id = $1 AND email = $2`, c.ID, person(i))[0]
}

func (b *bundle) skipReasons(c Campaign) map[string]string {
	b.t.Helper()
	got := map[string]string{}
	for _, line := range query[string](b, `SELECT email || '|' || COALESCE(skip_reason, 'none') FROM deliveries WHERE campaign_id = $1 AND state = 7`, c.ID) {
		email, reason, _ := strings.Cut(line, "|")
		got[email] = reason
	}
	return got
}

// leaveInEveryWay lets people 1 to 5 leave after the campaign started.
func (b *bundle) leaveInEveryWay(c Campaign) map[string]string {
	b.t.Helper()
	ctx, month := b.t.Context(), 1
	must(b.t, b.Unsubscribe(ctx, b.token(c, b.seqOf(c, 1)), "one-click"))
	must(b.t, b.UnsubscribeFromAll(ctx, b.token(c, b.seqOf(c, 2)), "preference page"))
	must(b.t, b.SetPreferences(ctx, b.token(c, b.seqOf(c, 3)), PreferenceInput{Shown: []int64{b.listID}, On: []int64{b.listID}, PauseMonths: &month, Frequency: "all"}))
	must(b.t, b.SetPreferences(ctx, b.token(c, b.seqOf(c, 4)), PreferenceInput{Shown: []int64{b.listID}, Frequency: "all"}))
	b.exec(`DELETE FROM subscribers WHERE email_key = $1`, person(5))
	// A frequency is about mailings that start from now on.
	must(b.t, b.SetPreferences(ctx, b.token(c, b.seqOf(c, 6)), PreferenceInput{Shown: []int64{b.listID}, On: []int64{b.listID}, PauseMonths: nil, Frequency: "monthly"}))
	return map[string]string{
		person(1): "unsubscribed after the campaign started",
		person(2): "suppressed after the campaign started",
		person(3): "paused all mail after the campaign started",
		person(4): "unsubscribed after the campaign started",
		person(5): "deleted after the campaign started",
	}
}

func TestWhoLeavesWhileQueuedIsSkipped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(10)
	b.Drain()
	c := b.start()
	want := b.leaveInEveryWay(c)
	b.draining.Store(false)
	if st := b.awaitFinished(c.ID); st.Sent != 5 || st.Skipped != 5 {
		t.Errorf("%+v", st)
	}
	if d := cmp.Diff(want, b.skipReasons(c)); d != "" {
		t.Error(d)
	}
	for email := range want {
		if n := b.smtp.Count(email); n != 0 {
			t.Errorf("%s got %d messages", email, n)
		}
	}
}

func TestWhoLeavesWhileDeferredIsSkipped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(6)
	for i := 1; i <= 6; i++ {
		b.smtp.Script(smtptest.Script{Match: person(i), At: smtptest.AtRcpt, Reply: "450 4.2.0 greylisted, come again", Times: 1})
	}
	c := b.start()
	b.await(c.ID, "the refusals", func(_ Campaign, st Stats) bool { return st.Deferred == 6 })
	want := b.leaveInEveryWay(c)
	b.clock.advance(2 * time.Hour)
	if st := b.awaitFinished(c.ID); st.Sent != 1 || st.Skipped != 5 {
		t.Errorf("%+v", st)
	}
	if d := cmp.Diff(want, b.skipReasons(c)); d != "" {
		t.Error(d)
	}
}

func TestPauseAndFrequencyKeepFromTheNextMailing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(4)
	first := b.start()
	b.awaitFinished(first.ID)
	month := 1
	on := []int64{b.listID}
	must(t, b.SetPreferences(t.Context(), b.token(first, b.seqOf(first, 1)), PreferenceInput{Shown: on, On: on, PauseMonths: &month, Frequency: "all"}))
	must(t, b.SetPreferences(t.Context(), b.token(first, b.seqOf(first, 2)), PreferenceInput{Shown: on, On: on, Frequency: "weekly"}))
	must(t, b.SetPreferences(t.Context(), b.token(first, b.seqOf(first, 3)), PreferenceInput{Shown: on, On: on, Frequency: "monthly"}))
	counts, err := b.d.Audience.AudienceCounts(t.Context(), on)
	must(t, err)
	if d := cmp.Diff(audience.AudienceCounts{Exact: true, Subscribed: 4, Mailable: 1, Excluded: []audience.Excluded{{Reason: "frequency", Count: 2}, {Reason: "paused", Count: 1}}}, counts); d != "" {
		t.Error(d)
	}

	second := b.start()
	if st := b.awaitFinished(second.ID); st.Sent != 1 || st.Excluded != 3 {
		t.Errorf("%+v", st)
	}
	out, err := b.ListExclusions(t.Context(), second.ID, "", "", page.Query{})
	must(t, err)
	reasons := map[string]string{}
	for _, x := range out.Items {
		reasons[x.Email] = x.Reason
	}
	if d := cmp.Diff(map[string]string{person(1): "paused", person(2): "frequency", person(3): "frequency"}, reasons); d != "" {
		t.Error(d)
	}

	// When their time is over they are mailed again without anybody doing anything.
	b.exec(`UPDATE subscribers SET paused_until = now() - interval '1 second' WHERE email_key = $1`, person(1))
	b.exec(`UPDATE deliveries SET updated_at = updated_at - interval '8 days'`)
	third := b.start()
	if st := b.awaitFinished(third.ID); st.Sent != 3 || st.Excluded != 1 || b.smtp.Count(person(3)) != 1 {
		t.Errorf("%+v", st)
	}
}

func TestStartSaysWhenEverybodyWantsAPause(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(3)
	first := b.start()
	b.awaitFinished(first.ID)
	b.exec(`UPDATE subscribers SET paused_until = now() + interval '1 day', paused_at = now(), paused_source = 'test' WHERE email_key = $1`, person(1))
	b.exec(`UPDATE subscribers SET frequency = 'weekly', frequency_at = now(), frequency_source = 'test' WHERE email_key <> $1`, person(1))
	_, err := b.Start(t.Context(), b.draft().ID)
	if got := fields(t, err)["list_ids"]; !strings.Contains(got, "1 paused by themselves, 2 mailed lately as often as they want") {
		t.Errorf("it says %q", got)
	}
}

func TestTheMailLinksToThePreferencePage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	c := b.start(func(in *Input) {
		in.HTML = `<p>Hello <a href="{{ preferences_url }}">What you get</a> <a href="{{ unsubscribe_url }}">Leave</a></p>`
		in.Text = "Choose: {{ preferences_url }}\nLeave: {{ unsubscribe_url }}"
	})
	b.awaitFinished(c.ID)
	raw := strings.ReplaceAll(strings.ReplaceAll(string(b.smtp.Accepted()[0].Raw), "=\r\n", ""), "=3D", "=")
	want := "https://news.example.org/p/" + b.token(c, 1)
	if n := len(regexp.MustCompile(regexp.QuoteMeta(want)+`\b`).FindAllString(raw, -1)); n != 2 {
		t.Errorf("the address is there %d times, want once in each part:\n%s", n, raw)
	}
	if strings.Contains(raw, "/t/c/") {
		t.Errorf("clicks on it are counted:\n%s", raw)
	}
}

func TestWhoWasDeletedAndImportedAgainCanLeave(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(2)
	c := b.start()
	b.awaitFinished(c.ID)
	seq := b.seqOf(c, 1)
	b.exec(`DELETE FROM subscribers WHERE email_key = $1`, person(1))
	if info, err := b.UnsubscribeInfo(t.Context(), b.token(c, seq)); err != nil || info.Already {
		t.Errorf("while deleted: %+v, %v", info, err)
	}
	if _, err := b.PreferenceInfo(t.Context(), b.token(c, seq)); !errs.Is(err, errs.NotFound) {
		t.Errorf("preferences of nobody: %v", err)
	}
	again, err := b.d.Audience.CreateSubscriber(t.Context(), audience.NewSubscriber{Email: strings.ToUpper(person(1)), ListIDs: []int64{b.listID}})
	must(t, err)
	info, err := b.UnsubscribeInfo(t.Context(), b.token(c, seq))
	must(t, err)
	if info.Already {
		t.Error("the page says that somebody is unsubscribed who is not")
	}
	must(t, b.Unsubscribe(t.Context(), b.token(c, seq), "one-click"))
	again, err = b.d.Audience.GetSubscriber(t.Context(), again.ID)
	must(t, err)
	if again.Subscriptions[0].Status != audience.StatusUnsubscribed {
		t.Errorf("after the click: %+v", again.Subscriptions)
	}
	if n := query[int64](b, `SELECT count(*) FROM subscriptions WHERE status = 'subscribed'`)[0]; n != 1 {
		t.Errorf("%d are subscribed, want the one who did nothing", n)
	}
}

// Who was deleted, or taken off the list, and follows the link of an old mail must not be mailed by an import that comes later.
func TestWhoIsGoneCanLeave(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		gone     string // SQL
		all      bool
		reported bool
		want     string // suppressed, or the status on the list
	}{
		"deleted":                 {`DELETE FROM subscribers WHERE email_key = $1`, false, false, "suppressed"},
		"deleted, from all":       {`DELETE FROM subscribers WHERE email_key = $1`, true, false, "suppressed"},
		"deleted, by mail":        {`DELETE FROM subscribers WHERE email_key = $1`, false, true, "suppressed"},
		"off the list":            {`DELETE FROM subscriptions s USING subscribers u WHERE u.id = s.subscriber_id AND u.email_key = $1`, false, false, "unsubscribed"},
		"off the list, from all":  {`DELETE FROM subscriptions s USING subscribers u WHERE u.id = s.subscriber_id AND u.email_key = $1`, true, false, "suppressed"},
		"deleted and there again": {`UPDATE subscribers SET id = DEFAULT WHERE email_key = $1`, false, false, "unsubscribed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.people(2)
			c := b.start()
			b.awaitFinished(c.ID)
			token := b.token(c, b.seqOf(c, 1))
			b.exec(tt.gone, person(1))
			standing := func() string {
				return query[string](b, fmt.Sprintf(`SELECT CASE WHEN EXISTS (SELECT FROM suppressions WHERE email_key = %[1]s AND reason = 'unsubscribe') THEN 'suppressed' ELSE COALESCE(
					(SELECT s.status FROM subscriptions s JOIN subscribers u ON u.id = s.subscriber_id WHERE u.email_key = %[1]s), '') END`, "'"+person(1)+"'"))[0]
			}
			before := standing()
			info, err := b.UnsubscribeInfo(t.Context(), token)
			must(t, err)
			if info.Already {
				t.Errorf("the page says that there is nothing left to do: %+v", info)
			}
			for range 2 {
				switch {
				case tt.reported:
					r := bounceOf(b, c, b.seqOf(c, 1), func(r *events.Report) { r.Kind = events.ReportUnsubscribe })
					must(t, b.TakeReports(t.Context(), []events.Report{r}))
				case tt.all:
					must(t, b.UnsubscribeFromAll(t.Context(), token, "page"))
				default:
					must(t, b.Unsubscribe(t.Context(), token, "one-click"))
				}
			}
			if got := standing(); got != tt.want {
				t.Errorf("after leaving they are %q, want %q", got, tt.want)
			}
			if info, err = b.UnsubscribeInfo(t.Context(), token); err != nil || !info.Already || !info.Left {
				t.Errorf("afterwards the page says %+v, %v", info, err)
			}
			st, err := b.Stats(t.Context(), c.ID)
			must(t, err)
			if st.Unsubscribes != 1 {
				t.Errorf("%d left", st.Unsubscribes)
			}
			undone, err := b.UndoUnsubscribe(t.Context(), token, "page")
			must(t, err)
			if got := standing(); !undone || got != before {
				t.Errorf("taken back (%v) they are %q, before %q", undone, got, before)
			}
		})
	}
}

func TestUndoAndReasonByTheLink(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(2)
	c := b.start()
	b.awaitFinished(c.ID)
	token, other := b.token(c, 1), b.token(c, 2)
	if err := b.ExplainUnsubscribe(t.Context(), token, "other", ""); !errs.Is(err, errs.NotFound) {
		t.Errorf("a reason for nothing: %v", err)
	}
	must(t, b.Unsubscribe(t.Context(), token, "one-click"))
	must(t, b.ExplainUnsubscribe(t.Context(), token, "too_often", "so much"))
	info, err := b.UnsubscribeInfo(t.Context(), token)
	must(t, err)
	if !info.Left || !info.Explained || info.Everything || info.PostalAddress != "1 Main Street" {
		t.Errorf("%+v", info)
	}
	if undone, err := b.UndoUnsubscribe(t.Context(), other, "link"); undone || err != nil {
		t.Errorf("another one's link: %v %v", undone, err)
	}
	for i, want := range []bool{true, false} {
		undone, err := b.UndoUnsubscribe(t.Context(), token, "link")
		must(t, err)
		if undone != want {
			t.Errorf("undo %d: %v", i+1, undone)
		}
	}
	if info, err = b.UnsubscribeInfo(t.Context(), token); err != nil || info.Already || info.Left {
		t.Errorf("after the undo: %+v, %v", info, err)
	}
	for _, kind := range []events.Kind{events.Open, events.ReturnPath, events.MessageID} {
		bad := b.d.Tokens.Delivery(kind, c.ID, 2)
		_, infoErr := b.PreferenceInfo(t.Context(), bad)
		_, undoErr := b.UndoUnsubscribe(t.Context(), bad, "x")
		for _, err := range []error{infoErr, undoErr, b.SetPreferences(t.Context(), bad, PreferenceInput{Frequency: "all"}), b.UnsubscribeFromAll(t.Context(), bad, "x"),
			b.ExplainUnsubscribe(t.Context(), bad, "other", "")} {
			if !errs.Is(err, errs.NotFound) {
				t.Errorf("a token of kind %d gave %v", kind, err)
			}
		}
	}
}

func TestTheLinksOfATestMessageChangeNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	c := b.draft()
	token, month := b.token(c, testSeq), 1
	info, err := b.PreferenceInfo(t.Context(), token)
	must(t, err)
	if !info.Test || len(info.Lists) != 1 || info.Lists[0].Name != "Readers" || info.Lists[0].Status != "subscribed" {
		t.Errorf("%+v", info)
	}
	must(t, b.SetPreferences(t.Context(), token, PreferenceInput{Shown: []int64{b.listID}, PauseMonths: &month, Frequency: "weekly"}))
	must(t, b.UnsubscribeFromAll(t.Context(), token, "x"))
	must(t, b.ExplainUnsubscribe(t.Context(), token, "other", "x"))
	if undone, err := b.UndoUnsubscribe(t.Context(), token, "x"); undone || err != nil {
		t.Errorf("undo: %v %v", undone, err)
	}
	left := query[int64](b, `SELECT (SELECT count(*) FROM subscriptions WHERE status <> 'subscribed') + (SELECT count(*) FROM suppressions) + (SELECT count(*) FROM unsubscribes)
		+ (SELECT count(*) FROM events) + (SELECT count(*) FROM subscribers WHERE paused_until IS NOT NULL OR frequency IS NOT NULL)`)[0]
	if left != 0 {
		t.Errorf("%d traces are left", left)
	}
}
