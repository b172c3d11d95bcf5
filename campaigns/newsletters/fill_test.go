package newsletters

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"postrider/campaigns/sources"
	"postrider/internal/errs"
	"postrider/internal/safehttp"
	"postrider/templates"
)

// TestRealFeed prepares an issue from a feed on a real server, with the real templates.
func TestRealFeed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	titles := []string{"First"}
	down := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, `<rss version="2.0"><channel><title>The feed</title>`)
		for i, title := range titles {
			_, _ = fmt.Fprintf(w, `<item><title>%s &amp; {{ subscriber.email }}</title><guid>%d</guid><description>&lt;b&gt;bold&lt;/b&gt;&lt;script&gt;x&lt;/script&gt;</description></item>`, title, i)
		}
		_, _ = io.WriteString(w, `</channel></rss>`)
	}))
	t.Cleanup(server.Close)
	b.d.Fetch = Documents{sources.New(b.pool, safehttp.NewGetter(safehttp.Config{AllowPrivate: true, Now: b.clock.now}), b.clock.now)}
	b.d.Fill = Templates{templates.New(b.pool, b.clock.now)}
	n := b.letter(func(in *Input) {
		in.Source.URL = server.URL
		in.Content = Content{Subject: "{{ feed.title }} {{ issue.number }}", HTML: "<p>Dear {{ subscriber.name }}</p>{% for x in feed.items %}<h2>{{ x.title }}</h2>{{ x.html }}{% endfor %}"}
	})
	titles = append(titles, "Second")
	b.at(5, 8, 30)
	w := b.stands(n, 5, StateReady, "", "")
	var subject, html string
	must(t, b.pool.QueryRow(t.Context(), `SELECT subject, html FROM campaigns WHERE id = $1`, w.CampaignID).Scan(&subject, &html))
	if subject != "The feed 1" || !strings.Contains(html, "<b>bold</b>") || strings.Contains(html, "script") || !strings.Contains(html, "Dear {{ subscriber.name }}") || strings.Contains(html, "First") {
		t.Errorf("the issue: %q\n%s", subject, html)
	}
	if strings.Count(html, "{{") != 1 {
		t.Errorf("Liquid came in by the feed:\n%s", html)
	}
	down = true
	b.at(5, 9, 0)
	b.stands(n, 5, StateSending, WhyOldCopy, "503")
	in := n.Input
	in.Name, in.Slug, in.Content.HTML = "Broken", "", "{% for x in feed.items %}"
	broken, err := b.Create(t.Context(), in)
	must(t, err)
	down = false
	b.clock.set(b.clock.now().Add(10 * time.Hour))
	if _, err = b.Activate(t.Context(), broken.ID); err != nil {
		t.Fatal(err)
	}
	titles = append(titles, "Third")
	b.at(6, 8, 30)
	b.stands(broken, 6, StatePreparing, WhyContent, "for")
	in.Name, in.Source.URL = "Private", "http://127.0.0.1:1/"
	b.d.Fetch = Documents{sources.New(b.pool, safehttp.NewGetter(safehttp.Config{Now: b.clock.now}), b.clock.now)}
	private, err := b.Create(t.Context(), in)
	must(t, err)
	if _, err := b.Activate(t.Context(), private.ID); !errs.Is(err, errs.Invalid) {
		t.Errorf("a source in a private network: %v", err)
	}
}

// Newsletters of one source that are due at the same time ask it once, after that time, for preparing and sending.
func TestOneAnswerForAllThatAreDue(t *testing.T) {
	t.Parallel()
	b := setup(t)
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		_, _ = io.WriteString(w, `<rss version="2.0"><channel><title>The feed</title></channel></rss>`)
	}))
	t.Cleanup(server.Close)
	b.d.Fetch = Documents{sources.New(b.pool, safehttp.NewGetter(safehttp.Config{AllowPrivate: true, Now: b.clock.now}), b.clock.now)}
	for k := range 3 {
		b.letter(func(in *Input) { in.Name, in.Source.URL, in.Rules = fmt.Sprint("Letter ", k), server.URL, Rules{} })
	}
	b.at(5, 8, 59)
	before := asked
	b.clock.set(time.Date(2026, 1, 5, 9, 0, 1, 0, time.UTC))
	must(t, b.Tick(t.Context()))
	if n := b.count(`i.state = 'sending'`); n != 3 || asked != before+1 {
		t.Errorf("%d went out, and the source was asked %d times for that", n, asked-before)
	}
}
