package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// newsFeed is an Atom feed that its site adds to.
type newsFeed struct {
	mu     sync.Mutex
	titles []string
	reads  int
}

func (f *newsFeed) add(titles ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.titles = append(f.titles, titles...)
}

func (f *newsFeed) wasRead() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reads
}

func (f *newsFeed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reads++
	w.Header().Set("Content-Type", "application/atom+xml")
	fmt.Fprint(w, `<feed xmlns="http://www.w3.org/2005/Atom"><title>Garden blog</title><id>urn:garden</id><updated>2026-01-01T00:00:00Z</updated>`)
	for n, title := range slices.Backward(f.titles) {
		fmt.Fprintf(w, `<entry><id>urn:garden:%d</id><title>%s</title><link href="http://%s/%d"/><updated>2026-01-01T00:%02d:00Z</updated>`+
			`<content type="html">&lt;p&gt;About %s.&lt;/p&gt;&lt;script&gt;steal()&lt;/script&gt;</content></entry>`, n, title, r.Host, n, n, title)
	}
	fmt.Fprint(w, `</feed>`)
}

// newsletterRun is the real program with a newsletter made of a feed, on a clock that the test moves.
type newsletterRun struct {
	*run
	program *child
	clock   string
	feed    newsFeed
	site    *httptest.Server
	people  []string
	id      int64
}

// newsletterIssue is an issue as the API tells of it.
type newsletterIssue struct {
	ID         int64
	Date       string
	Number     int
	State      string
	ReasonCode string `json:"reason_code"`
	Reason     string
	CampaignID *int64 `json:"campaign_id"`
	Items      []struct{ Title string }
	Log        []struct{ Action, Note, By string }
}

func startNewsletterRun(t *testing.T) *newsletterRun {
	t.Helper()
	r := &newsletterRun{
		run: &run{t: t, dir: scratch(t)}, clock: filepath.Join(t.TempDir(), "clock"), people: []string{"ann@example.org", "ben@example.org", "cleo@example.org"},
	}
	r.site = httptest.NewServer(&r.feed)
	t.Cleanup(r.site.Close)
	r.move(0)
	r.program = r.run.program("serve", "--inbox", "127.0.0.1:0", "--clock-file", r.clock, "--fetch-allow-private")
	return r
}

// move sets how far the program's clock is ahead of the machine's.
func (r *newsletterRun) move(ahead time.Duration) {
	r.t.Helper()
	must(r.t, os.WriteFile(r.clock, []byte(ahead.String()), 0o600))
}

func (r *newsletterRun) call(method, path string, in, out any) {
	r.t.Helper()
	must(r.t, r.api.call(r.t.Context(), method, path, in, out))
}

// setUp makes people, their list and the newsletter of the feed, and activates it.
func (r *newsletterRun) setUp() {
	r.t.Helper()
	r.call(http.MethodPost, "/setup", object{"organization": "Garden", "name": "Ada", "email": demoEmail, "password": demoPassword}, nil)
	r.call(http.MethodPut, "/settings", object{"organization": "Garden", "public_url": r.api.base, "postal_address": "1 Wood Lane", "default_from_name": "", "default_from_email": "", "time_zone": "UTC"}, nil)
	var list created
	r.call(http.MethodPost, "/lists", object{"name": "Friends"}, &list)
	for _, email := range r.people {
		r.call(http.MethodPost, "/subscribers", object{"email": email, "list_ids": []int64{list.ID}}, nil)
	}
	var relays struct {
		Items []struct {
			ID   int64
			Kind string
		}
	}
	r.call(http.MethodGet, "/relays", nil, &relays)
	if len(relays.Items) != 1 || relays.Items[0].Kind != "inbox" {
		r.t.Fatalf("a new installation has the built-in inbox to send to, got %+v", relays.Items)
	}
	var letter created
	r.call(http.MethodPost, "/newsletters", object{
		"name": "Garden news", "public": true, "list_ids": []int64{list.ID}, "relay_ids": []int64{relays.Items[0].ID}, "source": object{"kind": "feed", "url": r.site.URL + "/feed.xml"},
		"schedule": object{"rule": "FREQ=DAILY", "zone": "UTC", "start": time.Now().UTC().Add(6 * time.Hour).Format("2006-01-02T15:04")},
		"rules":    object{"min_items": 1}, "mailing": object{"from_email": "garden@example.org"},
		"content": object{"subject": "{{ issue.newsletter }} {{ issue.number }}: {{ issue.items }} new",
			"html": `<p>For {{ subscriber.email }}</p>{% for item in feed.items %}<h2><a href="{{ item.url }}">{{ item.title }}</a></h2>{{ item.html }}{% endfor %}<p><a href="{{ issue.archive_url }}">In the browser</a> <a href="{{ unsubscribe_url }}">Leave</a></p>`},
	}, &letter)
	r.id = letter.ID
	r.call(http.MethodPost, fmt.Sprintf("/newsletters/%d/activate", r.id), nil, nil)
}

// nextRun moves the clock to a minute after the next run, and gives the issue of it when it has ended.
func (r *newsletterRun) nextRun() (i newsletterIssue) {
	r.t.Helper()
	var letter struct {
		NextRunAt time.Time `json:"next_run_at"`
	}
	r.call(http.MethodGet, fmt.Sprintf("/newsletters/%d", r.id), nil, &letter)
	r.move(time.Until(letter.NextRunAt) + time.Minute)
	var page struct{ Items []newsletterIssue }
	err := pollFor(r.t.Context(), 2*time.Minute, 100*time.Millisecond, func() (bool, error) {
		if err := r.program.ended(); err != nil {
			return false, err
		}
		r.call(http.MethodGet, fmt.Sprintf("/newsletters/%d/issues", r.id), nil, &page)
		for _, x := range page.Items {
			if x.Date == letter.NextRunAt.UTC().Format(time.DateOnly) && (x.State == "sent" || x.State == "skipped") {
				i = x
			}
		}
		return i.ID != 0, nil
	})
	if err != nil {
		r.t.Fatalf("%v; the issues are %+v", err, page.Items)
	}
	r.call(http.MethodGet, fmt.Sprintf("/issues/%d", i.ID), nil, &i)
	return i
}

type inboxMessage struct {
	ID           int64
	To, Subject  string
	HTML, Text   string
	DeliveredRaw string `json:"raw"`
}

// inbox reads all that was delivered, by recipient and subject. Who got the same twice is an error.
func (r *newsletterRun) inbox() map[string]inboxMessage {
	r.t.Helper()
	var page struct{ Items []inboxMessage }
	r.call(http.MethodGet, "/inbox/messages?limit=100", nil, &page)
	got := map[string]inboxMessage{}
	for _, m := range page.Items {
		key := m.To + " " + m.Subject
		if _, twice := got[key]; twice {
			r.t.Errorf("%s was delivered twice", key)
		}
		r.call(http.MethodGet, fmt.Sprintf("/inbox/messages/%d", m.ID), nil, &m)
		got[key] = m
	}
	return got
}

// delivered checks that each person got one mail with a subject, that it holds these items and no others, and nothing that runs.
func (r *newsletterRun) delivered(inbox map[string]inboxMessage, subject string, items ...string) {
	r.t.Helper()
	for _, person := range r.people {
		m, ok := inbox[person+" "+subject]
		if !ok {
			r.t.Errorf("%s did not get %q; delivered was %v", person, subject, slices.Sorted(maps.Keys(inbox)))
			continue
		}
		for _, title := range r.feed.titles {
			want := slices.Contains(items, title)
			if strings.Contains(m.HTML, title) != want || strings.Contains(m.HTML, "<p>About "+title+".</p>") != want || strings.Contains(m.Text, title) != want {
				r.t.Errorf("%q for %s: item %q in it is to be %t:\n%s\n%s", subject, person, title, want, m.HTML, m.Text)
			}
		}
		if !strings.Contains(m.HTML, "For "+person) || strings.Contains(m.DeliveredRaw, "steal") || !strings.Contains(m.DeliveredRaw, "\nList-Archive: <"+r.api.base+"/a/garden-news>\r\n") {
			r.t.Errorf("%q for %s:\n%s", subject, person, m.DeliveredRaw)
		}
	}
}

// archived checks what everybody can read of an issue: its items, and nothing of a person.
func (r *newsletterRun) archived(i newsletterIssue, items ...string) {
	r.t.Helper()
	resp, err := http.Get(r.api.base + "/a/garden-news/" + i.Date + "/mail")
	must(r.t, err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	must(r.t, err)
	for _, title := range r.feed.titles {
		if strings.Contains(string(b), title) != slices.Contains(items, title) {
			r.t.Errorf("the archive of %s: item %q in it is to be %t: %s\n%s", i.Date, title, slices.Contains(items, title), resp.Status, b)
		}
	}
	if strings.Contains(string(b), "@example.org") {
		r.t.Errorf("the archive of %s names a person:\n%s", i.Date, b)
	}
}

func (i newsletterIssue) titles() (titles []string) {
	for _, x := range i.Items {
		titles = append(titles, x.Title)
	}
	return titles
}

func (i newsletterIssue) actions() (actions []string) {
	for _, e := range i.Log {
		actions = append(actions, e.Action)
	}
	return actions
}

// TestNewsletterOfAFeed is the way of a newsletter through the real program: what is new in its feed goes out each time, to each person once, and with nothing new nothing does.
func TestNewsletterOfAFeed(t *testing.T) {
	t.Parallel()
	r := startNewsletterRun(t)
	r.feed.add("Autumn asters")
	r.setUp()

	r.feed.add("Bulbs for spring", "Cutting hedges")
	first := r.nextRun()
	if diff := cmp.Diff([]string{"Cutting hedges", "Bulbs for spring"}, first.titles()); diff != "" || first.State != "sent" || first.Number != 1 || first.ReasonCode != "" {
		t.Errorf("the first issue: %+v\n%s", first, diff)
	}
	r.delivered(r.inbox(), "Garden news 1: 2 new", "Bulbs for spring", "Cutting hedges")

	r.feed.add("Dividing dahlias")
	second := r.nextRun()
	if diff := cmp.Diff([]string{"Dividing dahlias"}, second.titles()); diff != "" || second.State != "sent" || second.Number != 2 || second.ReasonCode != "" {
		t.Errorf("the second issue: %+v\n%s", second, diff)
	}
	inbox := r.inbox()
	r.archived(first, "Bulbs for spring", "Cutting hedges")
	r.archived(second, "Dividing dahlias")
	r.delivered(inbox, "Garden news 2: 1 new", "Dividing dahlias")

	reads := r.feed.wasRead()
	third := r.nextRun()
	if third.State != "skipped" || third.ReasonCode != "few_items" || third.Reason != "there is nothing new" || third.CampaignID != nil || len(third.Items) != 0 {
		t.Errorf("the third issue: %+v", third)
	}
	if r.feed.wasRead() == reads {
		t.Error("the third issue is called empty, and nobody looked into the feed")
	}
	if after := r.inbox(); len(after) != len(inbox) || len(inbox) != 2*len(r.people) {
		t.Errorf("%d mails after two issues, %d after the empty one, want %d", len(inbox), len(after), 2*len(r.people))
	}
	for _, x := range []struct {
		issue newsletterIssue
		log   []string
	}{{first, []string{"preparing", "ready", "sending", "sent"}}, {second, []string{"preparing", "ready", "sending", "sent"}}, {third, []string{"preparing", "skipped"}}} {
		if diff := cmp.Diff(x.log, x.issue.actions()); diff != "" {
			t.Errorf("the log of the issue of %s: %+v\n%s", x.issue.Date, x.issue.Log, diff)
		}
	}
	must(t, r.program.end(syscall.SIGTERM))
}
