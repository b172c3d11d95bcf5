package campaigns

import (
	"regexp"
	"strings"
	"testing"

	"postrider/events"
	"postrider/internal/errs"
	"postrider/sender"
)

// mailed sends a campaign to one person and gives the tokens of the message.
func (b *bundle) mailed(change ...func(*Input)) (c Campaign, open, click, personal, leave string) {
	b.t.Helper()
	b.people(1)
	c = b.start(change...)
	b.awaitFinished(c.ID)
	raw := strings.ReplaceAll(string(b.smtp.Accepted()[0].Raw), "=\r\n", "")
	find := func(re string, n int) string {
		m := regexp.MustCompile(re).FindAllStringSubmatch(raw, -1)
		if len(m) <= n {
			b.t.Fatalf("no %s in the message:\n%s", re, raw)
		}
		return m[n][1]
	}
	return c, find(`/t/o/([a-z2-7]+)`, 0), find(`/t/c/([a-z2-7]+)`, 0), find(`/t/c/([a-z2-7]+)`, 1), find(`List-Unsubscribe: <https://[^/]+/u/([a-z2-7]+)>`, 0)
}

func TestLinksLeadOnlyWhereTheCampaignPoints(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, _, click, personal, _ := b.mailed()
	if _, ok := b.ClickQuickly(click); ok {
		t.Error("nobody has looked at the links yet")
	}
	to, err := b.ClickTracked(t.Context(), click)
	must(t, err)
	if to.Target != "https://example.org/a?x=1&y=2" {
		t.Errorf("the link leads to %s", to.Target)
	}
	if quick, ok := b.ClickQuickly(click); !ok || quick != to {
		t.Errorf("from memory it leads to %+v, %v", quick, ok)
	}
	b.d.Events.Record(to.Event)
	if _, ok := b.ClickQuickly(personal); ok {
		t.Error("the personal link is the same for everybody")
	}
	if to, err = b.ClickTracked(t.Context(), personal); err != nil || to.Target != "https://example.org/p/Berlin" {
		t.Errorf("the personal link leads to %+v, %v", to, err)
	}
	b.d.Events.Record(to.Event)
	if to, err = b.ClickTracked(t.Context(), b.d.Tokens.Link(c.ID, 1, hiddenLink)); err != nil || to.Target != "" || to.Event.Kind != events.KindClick {
		t.Errorf("the hidden link leads to %+v, %v", to, err)
	}
	for _, bad := range []string{"", "abc", click[:len(click)-1] + flip(click[len(click)-1]), b.d.Tokens.Link(c.ID, 1, 99), b.d.Tokens.Link(c.ID+7, 1, 1), b.d.Tokens.Delivery(events.Open, c.ID, 1)} {
		if to, err := b.ClickTracked(t.Context(), bad); !errs.Is(err, errs.NotFound) {
			t.Errorf("token %q led to %+v, %v", bad, to, err)
		}
		if to, ok := b.ClickQuickly(bad); ok {
			t.Errorf("token %q led to %+v", bad, to)
		}
	}
	must(t, b.d.Events.Flush(t.Context()))
	st, err := b.Stats(t.Context(), c.ID)
	must(t, err)
	if st.Clicks.Total() != 2 || st.UniqueClicks.Total() != 1 {
		t.Errorf("clicks %+v, unique %+v", st.Clicks, st.UniqueClicks)
	}
	links, err := b.Links(t.Context(), c.ID)
	must(t, err)
	if len(links) != 2 || links[0].Clicks.Total() != 1 || links[1].Clicks.Total() != 1 {
		t.Errorf("links %+v", links)
	}
}

func flip(c byte) string {
	if c == 'a' {
		return "b"
	}
	return "a"
}

func TestOpensAreCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, open, _, _, _ := b.mailed()
	for _, token := range []string{open, strings.ToUpper(open)} {
		opened, err := b.OpenTracked(token)
		must(t, err)
		b.d.Events.Record(opened.Event)
	}
	if _, err := b.OpenTracked("nonsense"); !errs.Is(err, errs.NotFound) {
		t.Errorf("a made-up token gave %v", err)
	}
	must(t, b.d.Events.Flush(t.Context()))
	st, err := b.Stats(t.Context(), c.ID)
	must(t, err)
	if st.Opens.Total() != 2 || st.UniqueOpens.Total() != 1 {
		t.Errorf("opens %+v, unique %+v", st.Opens, st.UniqueOpens)
	}
	story, err := b.GetDelivery(t.Context(), c.ID, 1)
	d := story.Delivery
	must(t, err)
	if d.Opens.Total() != 2 {
		t.Errorf("the delivery shows %+v opens", d.Opens)
	}
}

func TestUnsubscribeNeedsThePostAndMayBeRepeated(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c, _, _, _, leave := b.mailed()
	status := func() string {
		return query[string](b, `SELECT status FROM subscriptions WHERE list_id = $1`, b.listID)[0]
	}
	info, err := b.UnsubscribeInfo(t.Context(), leave)
	must(t, err)
	if info.Already || info.Email != "p…@example.org" || len(info.ListNames) != 1 || status() != "subscribed" {
		t.Errorf("looking at the page: %+v, %s", info, status())
	}
	for range 3 {
		must(t, b.Unsubscribe(t.Context(), leave, "one-click"))
	}
	info, err = b.UnsubscribeInfo(t.Context(), leave)
	must(t, err)
	if !info.Already || status() != "unsubscribed" {
		t.Errorf("after the post: %+v, %s", info, status())
	}
	st, err := b.Stats(t.Context(), c.ID)
	must(t, err)
	if st.Unsubscribes != 1 {
		t.Errorf("%d unsubscribes", st.Unsubscribes)
	}
	if err := b.Unsubscribe(t.Context(), b.d.Tokens.Delivery(events.Open, c.ID, 1), "x"); !errs.Is(err, errs.NotFound) {
		t.Errorf("the pixel's token unsubscribed: %v", err)
	}
}

func TestTestMessagesLeaveNoTraceInTheFigures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	c := b.draft()
	got, err := b.SendTest(t.Context(), c.ID, TestSend{To: []string{"me@example.net"}})
	must(t, err)
	if len(got) != 1 || !got[0].OK || got[0].Code != 250 {
		t.Fatalf("%+v", got)
	}
	raw := string(b.smtp.Accepted()[0].Raw)
	if !strings.Contains(raw, "Subject: [Test] Hello Person 1\r\n") {
		t.Errorf("the test does not show a real person:\n%s", raw)
	}
	if to, err := b.ClickTracked(t.Context(), b.d.Tokens.Link(c.ID, testSeq, 1)); err != nil || to != (Tracked{Target: "https://example.org/a?x=1&y=2"}) {
		t.Errorf("its link leads to %+v, %v", to, err)
	}
	if opened, err := b.OpenTracked(b.d.Tokens.Delivery(events.Open, c.ID, testSeq)); err != nil || opened != (Tracked{}) {
		t.Errorf("its pixel is %+v, %v", opened, err)
	}
	must(t, b.Unsubscribe(t.Context(), b.d.Tokens.Delivery(events.Unsubscribe, c.ID, testSeq), "test"))
	must(t, b.d.Events.Flush(t.Context()))
	if n := query[int64](b, `SELECT count(*) FROM events`)[0]; n != 0 {
		t.Errorf("%d events", n)
	}
	if _, err := b.SendTest(t.Context(), c.ID, TestSend{}); fields(t, err)["to"] == "" {
		t.Error("a test to nobody was taken")
	}
}

func TestTestMessageSaysWhatTheServerSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.smtp.Script(refuse("me@example.net", "550 5.7.1 not from you"))
	c := b.draft()
	got, err := b.SendTest(t.Context(), c.ID, TestSend{To: []string{"me@example.net"}})
	must(t, err)
	if got[0].OK || got[0].Code != 550 || !strings.Contains(got[0].Reply, "not from you") {
		t.Errorf("%+v", got)
	}
	_, err = b.d.Sender.PauseRelay(t.Context(), b.relay.ID, "")
	must(t, err)
	if r, _ := b.d.Sender.GetRelay(t.Context(), b.relay.ID); r.Status != sender.RelayPaused {
		t.Fatal("the relay is not paused")
	}
}
