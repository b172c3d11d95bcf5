package campaigns

import (
	"regexp"
	"strings"
	"testing"

	"postrider/internal/settings"
)

// messages gives what was sent, by recipient, with soft line breaks taken out.
func (b *bundle) messages() map[string]string {
	out := map[string]string{}
	for _, m := range b.smtp.Accepted() {
		out[m.To] = strings.ReplaceAll(string(m.Raw), "=\r\n", "")
	}
	return out
}

var trackedURL = regexp.MustCompile(`https://[^/"]+/t/[oc]/`)

// wantTracked looks whether a message carries pixel, counted links and the hidden one, or none of them and the real address.
func (b *bundle) wantTracked(raw, who string, tracked bool) {
	b.t.Helper()
	if got := len(trackedURL.FindAllString(raw, -1)); tracked && got < 4 || !tracked && got > 0 {
		b.t.Errorf("%s: %d tracked addresses in the message:\n%s", who, got, raw)
	}
	if real := strings.Contains(raw, "https://example.org/a?x=1&amp;y=2"); real == tracked {
		b.t.Errorf("%s: the real address is there: %v\n%s", who, real, raw)
	}
	if !strings.Contains(raw, "List-Unsubscribe: <https://news.example.org/u/") {
		b.t.Errorf("%s: no way out:\n%s", who, raw)
	}
}

func TestWhoSaidNoIsNotTracked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(2)
	must(t, b.d.Audience.SetTracking(t.Context(), query[int64](b, `SELECT id FROM subscribers WHERE email = 'person0001@example.org'`)[0], false))
	c := b.start()
	b.awaitFinished(c.ID)
	got := b.messages()
	b.wantTracked(got["person0001@example.org"], "who said no", false)
	b.wantTracked(got["person0002@example.org"], "who did not", true)
}

// Who is on a list without tracking is not tracked, also when the campaign goes to another list of theirs, and when that is said while it is running.
func TestListsWithoutTracking(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(3)
	other, err := b.d.Audience.CreateList(t.Context(), "Private", "")
	must(t, err)
	for who, status := range map[string]string{"person0001@example.org": "subscribed", "person0002@example.org": "unsubscribed"} {
		id := query[int64](b, `SELECT id FROM subscribers WHERE email = $1`, who)[0]
		_, err = b.d.Audience.SetSubscription(t.Context(), id, other.ID, status, "test")
		must(t, err)
	}
	_, err = b.d.Sender.PauseRelay(t.Context(), b.relay.ID, "")
	must(t, err)
	c := b.draft(func(in *Input) { in.ListIDs = append(in.ListIDs, other.ID) })
	_, err = b.d.Sender.ResumeRelay(t.Context(), b.relay.ID)
	must(t, err)
	l, err := b.d.Audience.SetListTracking(t.Context(), other.ID, false)
	must(t, err)
	if !l.NoTracking {
		t.Fatal("the list is tracked")
	}
	_, err = b.Start(t.Context(), c.ID)
	must(t, err)
	b.awaitFinished(c.ID)
	got := b.messages()
	b.wantTracked(got["person0001@example.org"], "on the private list", false)
	b.wantTracked(got["person0002@example.org"], "who has left it", true)
	b.wantTracked(got["person0003@example.org"], "who was never on it", true)
}

// The tracking address is for pixel and links; the way out stays where the public URL is. It is frozen with the content.
func TestTrackingAddress(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	set := settings.Settings{Organization: "Test House", PublicURL: "https://news.example.org", TrackingURL: "http://links.example.org"}
	_, err := b.d.Settings.Put(t.Context(), set)
	must(t, err)
	c := b.draft()
	if _, err := b.Start(t.Context(), c.ID); fields(t, err)["tracking_url"] == "" {
		t.Error("a tracking address without TLS was taken")
	}
	set.TrackingURL = "https://links.example.org"
	_, err = b.d.Settings.Put(t.Context(), set)
	must(t, err)
	_, err = b.Start(t.Context(), c.ID)
	must(t, err)
	set.TrackingURL = ""
	_, err = b.d.Settings.Put(t.Context(), set)
	must(t, err)
	b.awaitFinished(c.ID)
	raw := b.messages()["person0001@example.org"]
	b.wantTracked(raw, "a reader", true)
	for _, url := range trackedURL.FindAllString(raw, -1) {
		if !strings.HasPrefix(url, "https://links.example.org/t/") {
			t.Errorf("an address is %s", url)
		}
	}
}

func TestLocation(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://example.org/a?x=1&y=%20": "https://example.org/a?x=1&y=%20", "https://example.org/Käse und\tBrot": "https://example.org/K%C3%A4se%20und%09Brot", "": "",
	} {
		if got := location(in); got != want {
			t.Errorf("%q is %q, not %q", in, got, want)
		}
	}
}
