package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/campaigns/feed"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/templates"
)

// shelf is an archive in memory.
type shelf struct {
	newsletter ArchiveNewsletter
	issues     []ArchiveContent // newest first
}

func (s *shelf) ArchiveNewsletter(_ context.Context, slug string) (ArchiveNewsletter, error) {
	if slug != s.newsletter.Slug {
		return ArchiveNewsletter{}, errs.New(errs.NotFound, "there is no such newsletter")
	}
	return s.newsletter, nil
}

func (s *shelf) ArchiveIssues(_ context.Context, _ string, q page.Query) (page.Page[ArchiveIssue], error) {
	from := 0
	if q.Cursor != "" {
		if _, err := fmt.Sscan(q.Cursor, &from); err != nil || from < 0 || from > len(s.issues) {
			return page.Page[ArchiveIssue]{}, errs.InvalidField("cursor", "is none")
		}
	}
	var p page.Page[ArchiveIssue]
	for _, c := range s.issues[from:min(from+q.Size(), len(s.issues))] {
		p.Items = append(p.Items, c.ArchiveIssue)
	}
	if from+q.Size() < len(s.issues) {
		p.NextCursor = fmt.Sprint(from + q.Size())
	}
	return p, nil
}

func (s *shelf) ArchiveIssue(_ context.Context, _, slug string) (ArchiveContent, error) {
	for i, c := range s.issues {
		if c.Slug != slug {
			continue
		}
		if i > 0 {
			c.Newer = &s.issues[i-1].ArchiveIssue
		}
		if i+1 < len(s.issues) {
			c.Older = &s.issues[i+1].ArchiveIssue
		}
		return c, nil
	}
	return ArchiveContent{}, errs.New(errs.NotFound, "there is no such issue")
}

var sentAt = time.Date(2026, 5, 4, 7, 0, 0, 0, time.UTC)

// evil is a text that must be nothing but text.
const evil = `</title></h1><script>alert("x")</script>'&{{ 7 | times: 7 }}`

func newShelf(issues int) *shelf {
	s := &shelf{newsletter: ArchiveNewsletter{
		Slug: "trees", Title: "Tree news", Description: "What grows.", Language: "en", Indexed: true, SignUpURL: "https://news.example.org/s/trees", UpdatedAt: sentAt.AddDate(-1, 0, 0),
	}}
	for i := range issues {
		at := sentAt.AddDate(0, 0, -7*i)
		s.issues = append(s.issues, ArchiveContent{
			ArchiveIssue: ArchiveIssue{Slug: at.Format("2006-01-02"), Title: fmt.Sprint("Issue ", issues-i), Summary: "Oaks, elms and more.", SentAt: at, UpdatedAt: at},
			Content: templates.Content{
				Subject: fmt.Sprintf("Issue %d for {{ subscriber.first_name | default: 'you' }}", issues-i), Preheader: "Seen in lists only",
				HTML: `<!doctype html><html><head><style>p{color:green}</style></head><body><p>Dear {{ subscriber.name | default: "reader" }}, <a href="https://example.org/oaks?a=1&amp;b=2">oaks</a></p>` +
					`<script>steal()</script><img src="https://example.org/oak.png" alt="An oak" onerror="x()"><p><a href="{{ unsubscribe_url }}">Leave</a> <a href="{{ preferences_url }}">Choose</a></p></body></html>`,
			},
		})
	}
	return s
}

// reader is somebody who looks at an archive.
func reader(t *testing.T, s ArchiveSource) *client {
	t.Helper()
	b := setup(t)
	c := b.admin(t)
	c.put("/settings", `{"organization":"Tree Club","public_url":"https://news.example.org","postal_address":"1 Wood Lane","default_from_name":"","default_from_email":"","time_zone":"UTC"}`).want(200)
	h, err := New(Config{Archive: s, UI: testUI()}, b.deps)
	if err != nil {
		t.Fatal(err)
	}
	b.Handler = h
	return b.client(t)
}

func has(t *testing.T, what, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("%s lacks %q:\n%s", what, w, text)
		}
	}
}

func hasNot(t *testing.T, what, text string, unwanted ...string) {
	t.Helper()
	for _, w := range unwanted {
		if strings.Contains(text, w) {
			t.Errorf("%s has %q:\n%s", what, w, text)
		}
	}
}

func TestArchiveList(t *testing.T) {
	t.Parallel()
	s := newShelf(25)
	s.newsletter.Note = "We pause until September."
	c := reader(t, s)
	r := c.do("GET", "/a/trees", "").want(200)
	text := r.Body.String()
	has(t, "the list", text, "Tree Club", "<h1>Tree news</h1>", "We pause until September.", `href="https://news.example.org/a/trees/2026-05-04"`, "Issue 25", "4 May 2026", "?after=20", "1 Wood Lane",
		`<link rel="canonical" href="https://news.example.org/a/trees">`, `type="application/atom+xml"`, `<meta property="og:title" content="Tree news">`, `<meta name="description" content="What grows.">`,
		`href="https://news.example.org/s/trees"`, `id="leave"`)
	hasNot(t, "the list", text, "<script", "noindex", "Issue 5<")
	if h := r.Header(); h.Get("Cache-Control") != "public, max-age=300" || h.Get("Set-Cookie") != "" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("X-Robots-Tag") != "" {
		t.Errorf("%v", h)
	}
	later := c.do("GET", "/a/trees?after=20", "").want(200).Body.String()
	has(t, "the second page", later, "Issue 1<", "Issue 5<", "Newest issues", `content="noindex"`)
	hasNot(t, "the second page", later, "Issue 6<", "?after")
	c.do("GET", "/a/trees?after=x", "").want(404)
	for _, path := range []string{"/a/other", "/a/other/feed.xml", "/a/other/feed.json", "/a/other/1", "/a/other/1/mail", "/a/trees/1999-01-01", "/a/trees/1999-01-01/mail"} {
		if r := c.do("GET", path, "").want(404); !strings.Contains(r.Header().Get("Cache-Control"), "no-store") {
			t.Errorf("%s: %v", path, r.Header())
		}
	}
	s.newsletter.Indexed = false
	r = c.do("GET", "/a/trees", "").want(200)
	has(t, "a list that is not for search engines", r.Body.String()+r.Header().Get("X-Robots-Tag"), `<meta name="robots" content="noindex">`, "noindex")
}

func TestArchiveIssue(t *testing.T) {
	t.Parallel()
	c := reader(t, newShelf(3))
	r := c.do("GET", "/a/trees/2026-04-27", "").want(200)
	has(t, "the issue", r.Body.String(), "<h1>Issue 2 for you</h1>", `src="https://news.example.org/a/trees/2026-04-27/mail"`, `sandbox="allow-popups allow-popups-to-escape-sandbox"`, "2026-05-04", "2026-04-20",
		`<link rel="canonical" href="https://news.example.org/a/trees/2026-04-27">`, `<meta property="og:type" content="article">`, `content="Oaks, elms and more."`, "27 April 2026")
	mail := c.do("GET", "/a/trees/2026-04-27/mail", "").want(200)
	text := mail.Body.String()
	has(t, "the mail", text, "Dear reader, ", `<a href="https://example.org/oaks?a=1&amp;b=2">`, `<base target="_blank">`, "https://news.example.org/a/trees#leave")
	hasNot(t, "the mail", text, "/t/o/", "/t/c/", "/u/", "/p/", "subscriber", "Seen in lists only", "{{")
	h := mail.Header()
	for _, want := range []string{"sandbox allow-popups", "default-src 'none'", "frame-ancestors 'self'"} {
		has(t, "the policy", h.Get("Content-Security-Policy"), want)
	}
	hasNot(t, "the policy", h.Get("Content-Security-Policy"), "allow-scripts", "allow-same-origin", "script-src")
	if h.Get("X-Frame-Options") != "SAMEORIGIN" || h.Get("X-Robots-Tag") != "noindex" || h.Get("Last-Modified") != "Mon, 27 Apr 2026 07:00:00 GMT" {
		t.Errorf("%v", h)
	}
}

func TestArchiveOfTextMail(t *testing.T) {
	t.Parallel()
	s := newShelf(1)
	s.issues[0].Content = templates.Content{Subject: "Plain", Text: "Hello <b>\n\nTwo"}
	mail := reader(t, s).do("GET", "/a/trees/2026-05-04/mail", "").want(200).Body.String()
	has(t, "the mail", mail, "Hello &lt;b&gt;\n\nTwo", "pre-wrap")
}

// Whatever somebody writes into a title stays text, on pages and in feeds.
func TestArchiveEscapes(t *testing.T) {
	t.Parallel()
	s := newShelf(3)
	s.newsletter.Title, s.newsletter.Description, s.newsletter.Note, s.newsletter.Language = evil, evil, evil, `en"><script>`
	s.newsletter.SignUpURL = "javascript:alert(1)"
	for i := range s.issues {
		s.issues[i].Title, s.issues[i].Summary, s.issues[i].Image = evil, evil, "javascript:alert(1)"
	}
	s.issues[1].Content = templates.Content{Subject: `"><script>1</script>`, HTML: "<p>x</p>"}
	c := reader(t, s)
	for _, path := range []string{"/a/trees", "/a/trees/2026-04-27", "/a/trees/feed.xml", "/a/trees/feed.json"} {
		text := c.do("GET", path, "").want(200).Body.String()
		hasNot(t, path, text, "<script", "javascript:", "alert(\"x")
	}
	f := parseFeed(t, c, "/a/trees/feed.xml")
	if f.Title != evil || f.Items[0].Summary != evil {
		t.Errorf("%+v", f)
	}
}

func parseFeed(t *testing.T, c *client, path string) feed.Feed {
	t.Helper()
	r := c.do("GET", path, "").want(200)
	f, err := feed.Parse(r.Body.Bytes(), r.Header().Get("Content-Type"), "https://news.example.org"+path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestArchiveFeeds(t *testing.T) {
	t.Parallel()
	c := reader(t, newShelf(25))
	atom, asJSON := parseFeed(t, c, "/a/trees/feed.xml"), parseFeed(t, c, "/a/trees/feed.json")
	if atom.Format != "Atom" || asJSON.Format != "JSON Feed" || len(atom.Items) != issuesPerPage {
		t.Fatalf("%s, %s, %d items", atom.Format, asJSON.Format, len(atom.Items))
	}
	asJSON.Format = atom.Format
	if diff := cmp.Diff(atom, asJSON); diff != "" {
		t.Error(diff)
	}
	first := atom.Items[0]
	if first.URL != "https://news.example.org/a/trees/2026-05-04" || first.Title != "Issue 25 for you" || !first.Published.Equal(sentAt) || first.Author != "Tree Club" {
		t.Errorf("%+v", first)
	}
	has(t, "the content", first.HTML, "Dear reader", "https://example.org/oak.png")
	hasNot(t, "the content", first.HTML, "steal", "color:green", "onerror", "Seen in lists only")
	raw := c.do("GET", "/a/trees/feed.xml", "")
	hasNot(t, "Atom as it is sent", raw.Body.String(), "steal", "onerror", "color:green")
	hasNot(t, "JSON as it is sent", c.do("GET", "/a/trees/feed.json", "").Body.String(), "steal", "onerror", "color:green")
	has(t, "Atom", raw.Body.String(), `<link rel="self" type="application/atom+xml" href="https://news.example.org/a/trees/feed.xml">`, "<updated>2026-05-04T07:00:00Z</updated>", "<author><name>Tree Club</name></author>",
		`xml:lang="en"`, `<id>https://news.example.org/a/trees</id>`)
	if got := raw.Header().Get("Content-Type"); got != "application/atom+xml; charset=utf-8" {
		t.Error(got)
	}
	var doc map[string]any
	if err := json.Unmarshal(c.do("GET", "/a/trees/feed.json", "").Body.Bytes(), &doc); err != nil || doc["feed_url"] != "https://news.example.org/a/trees/feed.json" {
		t.Errorf("%v, %v", doc, err)
	}
}

func TestArchiveWithoutIssues(t *testing.T) {
	t.Parallel()
	c := reader(t, newShelf(0))
	has(t, "the list", c.do("GET", "/a/trees", "").want(200).Body.String(), "There is no issue here yet.")
	if f := parseFeed(t, c, "/a/trees/feed.xml"); len(f.Items) != 0 {
		t.Errorf("%+v", f)
	}
	parseFeed(t, c, "/a/trees/feed.json")
	reader(t, nil).do("GET", "/a/trees", "").want(404)
}

func TestArchiveIsCached(t *testing.T) {
	t.Parallel()
	s := newShelf(2)
	c := reader(t, s)
	for _, path := range []string{"/a/trees", "/a/trees/2026-05-04", "/a/trees/2026-05-04/mail", "/a/trees/feed.xml", "/a/trees/feed.json"} {
		r := c.do("GET", path, "").want(200)
		tag, modified := r.Header().Get("ETag"), r.Header().Get("Last-Modified")
		if head := c.do("HEAD", path, "").want(200); head.Body.Len() != 0 || head.Header().Get("ETag") != tag {
			t.Errorf("HEAD %s: %d bytes, %v", path, head.Body.Len(), head.Header())
		}
		with := func(name, value string) int {
			return c.do("GET", path, "", func(r *http.Request) { r.Header.Set(name, value) }).Code
		}
		if with("If-None-Match", `"a", `+tag) != 304 || with("If-None-Match", strings.TrimPrefix(tag, "W/")) != 304 || with("If-None-Match", `"a"`) != 200 {
			t.Errorf("%s: tags", path)
		}
		if modified != "" && (with("If-Modified-Since", modified) != 304 || with("If-Modified-Since", "Mon, 04 May 2020 07:00:00 GMT") != 200) {
			t.Errorf("%s: times", path)
		}
	}
	s.issues[0].Content.HTML, s.issues[0].UpdatedAt = "<p>Mended</p>", sentAt.Add(time.Hour)
	has(t, "a mended issue", c.do("GET", "/a/trees/2026-05-04/mail", "").want(200).Body.String(), "Mended")
}

func TestRenderedIssuesAreBounded(t *testing.T) {
	t.Parallel()
	kept, asked := newRenderedIssues(), []int64{}
	get := func(n int64) {
		_, err := kept.get(issueKey{updated: n}, func() (renderedIssue, error) {
			asked = append(asked, n)
			return renderedIssue{html: strings.Repeat("x", maxRendered/4)}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int64{1, 2, 3, 4, 1, 5, 4, 1} {
		get(n)
	}
	if !slices.Equal(asked, []int64{1, 2, 3, 4, 5, 1}) || kept.size > maxRendered {
		t.Errorf("asked %v, %d bytes", asked, kept.size)
	}
}
