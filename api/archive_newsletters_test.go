package api

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"postrider/campaigns/newsletters"
)

// press is an installation with a newsletter that people write, and its archive.
type press struct {
	*bundle
	t      *testing.T
	admin  *client
	reader *client
	list   int64
	relay  int64
}

func newPress(t *testing.T) *press {
	t.Helper()
	p := &press{bundle: setup(t), t: t}
	h, err := New(Config{Archive: NewsletterArchive(p.deps.Newsletters), UI: testUI(), Logger: slog.New(slog.DiscardHandler)}, p.deps)
	if err != nil {
		t.Fatal(err)
	}
	p.Handler = h
	p.admin, p.reader = p.bundle.admin(t), p.client(t)
	p.admin.put("/settings", `{"organization":"Tree Club","public_url":"https://news.example.org","postal_address":"1 Wood Lane","default_from_name":"","default_from_email":"","time_zone":"UTC"}`).want(200)
	p.list = p.admin.post("/lists", `{"name":"News"}`).want(201).id()
	p.relay = p.admin.post("/relays", `{"name":"Inbox","kind":"inbox","dkim":"off"}`).want(201).id()
	p.admin.post("/subscribers", fmt.Sprintf(`{"email":"ann@example.org","name":"Ann","list_ids":[%d]}`, p.list)).want(201)
	return p
}

// newsletter is the body of one that runs daily; more are further members.
func (p *press) newsletter(name, more string) string {
	start := time.Now().UTC().AddDate(0, 0, -3).Add(time.Hour).Format("2006-01-02T15:04")
	return fmt.Sprintf(`{"name":%q,"description":"What grows.","list_ids":[%d],"relay_ids":[%d],"schedule":{"rule":"FREQ=DAILY","zone":"UTC","start":%q},"rules":{"lead_minutes":2880},
		"mailing":{"from_email":"a@example.org"},"content":{"subject":"S","text":"hello"}%s}`, name, p.list, p.relay, start, more)
}

// write fills in the draft of the next issue, and gives it.
func (p *press) write(id int64, content string) (i IssueJSON) {
	p.t.Helper()
	if err := p.deps.Newsletters.Tick(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	var page struct{ Items []IssueJSON }
	p.admin.get(fmt.Sprintf("/newsletters/%d/issues?state=draft", id)).want(200).json(&page)
	if len(page.Items) == 0 {
		p.t.Fatal("there is no draft")
	}
	i = page.Items[0]
	p.admin.put(fmt.Sprintf("/issues/%d/content", i.ID), content).want(200)
	return i
}

// send lets an issue go out now.
func (p *press) send(i IssueJSON) {
	p.t.Helper()
	p.admin.post(fmt.Sprintf("/issues/%d/send-now", i.ID), "").want(200)
	if err := p.deps.Newsletters.Tick(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	var w issueWholeJSON
	p.admin.get(fmt.Sprintf("/issues/%d", i.ID)).want(200).json(&w)
	if w.State != string(newsletters.StateSending) && w.State != string(newsletters.StateSent) {
		p.t.Fatalf("the issue did not go out: %s: %s", w.State, w.Reason)
	}
}

func (p *press) gone(paths ...string) {
	p.t.Helper()
	for _, path := range paths {
		p.reader.do("GET", path, "").want(404)
	}
}

func TestArchiveOfANewsletter(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	form := p.admin.post("/forms", fmt.Sprintf(`{"name":"Join","list_ids":[%d]}`, p.list)).want(201)
	var made struct{ Slug string }
	form.json(&made)
	id := p.admin.post("/newsletters", p.newsletter("Bäume & Sträucher", `,"public":true,"language":"de-at","indexed":true`)).want(201).id()
	at, page := fmt.Sprint("/newsletters/", id), "/a/baume-straucher"
	var n NewsletterJSON
	p.admin.get(at).want(200).json(&n)
	if n.Slug != "baume-straucher" || n.Language != "de-AT" || !n.Indexed {
		t.Fatalf("%+v", n.NewsletterFields)
	}
	p.gone(page) // it never ran
	p.admin.post(at+"/activate", "").want(200)
	i := p.write(id, `{"subject":"Oaks for {{ subscriber.first_name | default: 'you' }} <b>","preheader":"Hidden & seen","html":"<p>Dear {{ subscriber.name | default: 'reader' }} {{ subscriber.email }}</p><script>steal()</script><p><a href=\"https://example.org/oaks\">oaks</a> <a href=\"{{ unsubscribe_url }}\">Leave</a></p>"}`)
	issue := page + "/" + i.Date
	has(t, "the list without issues", p.reader.do("GET", page, "").want(200).Body.String(), "There is no issue here yet.", `lang="de-AT"`, "https://news.example.org/s/"+made.Slug)
	p.gone(issue, issue+"/mail") // it was not sent
	p.send(i)

	has(t, "the list", p.reader.do("GET", page, "").want(200).Body.String(), "Oaks for you &lt;b&gt;", "Hidden &amp; seen", "https://news.example.org"+issue)
	has(t, "the issue", p.reader.do("GET", issue, "").want(200).Body.String(), "<h1>Oaks for you &lt;b&gt;</h1>")
	mail := p.reader.do("GET", issue+"/mail", "").want(200).Body.String()
	has(t, "the mail", mail, "Dear reader", `href="https://example.org/oaks"`, "https://news.example.org"+page+"#leave")
	hasNot(t, "the mail", mail, "Ann", "ann@", "/t/", "/u/", "/p/", "Hidden")
	for _, path := range []string{page + "/feed.xml", page + "/feed.json"} {
		if f := parseFeed(t, p.reader, path); len(f.Items) != 1 || f.Items[0].Title != "Oaks for you <b>" || strings.Contains(f.Items[0].HTML, "steal") {
			t.Errorf("%s: %+v", path, f)
		}
	}
	p.gone(page+"/2026-1-1", page+"/1999-01-01", page+"/x'", "/a/other", "/a/%00")

	p.admin.post(at+"/pause", `{"note":"<i>Back in May</i>"}`).want(200)
	has(t, "the list in a pause", p.reader.do("GET", page, "").want(200).Body.String(), "&lt;i&gt;Back in May")
	p.admin.put(at, p.newsletter("Trees", `,"public":true,"sign_up_url":"https://example.org/join"`)).want(200)
	text := p.reader.do("GET", page, "").want(200).Body.String()
	has(t, "the same address under another name", text, "<h1>Trees</h1>", "https://example.org/join", "noindex")
	hasNot(t, "the list with an address of its own for signing up", text, "/s/"+made.Slug)
	p.admin.put(at, p.newsletter("Trees", "")).want(200)
	p.gone(page, issue, issue+"/mail", page+"/feed.xml", page+"/feed.json") // not public any more
}

func TestNewsletterAddresses(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	slug := func(name, more string) string {
		var n NewsletterJSON
		p.admin.post("/newsletters", p.newsletter(name, more)).want(201).json(&n)
		return n.Slug
	}
	for _, x := range []struct{ name, more, want string }{
		{"Garden news!", "", "garden-news"}, {"Garden   News", "", "garden-news-2"}, {"Новости", "", "newsletter"}, {"Straße", "", "strasse"}, {"Own", `,"slug":"my-own-1"`, "my-own-1"},
		{strings.Repeat("long ", 30), "", "long-long-long-long-long-long-long-long-long-long"},
	} {
		if got := slug(x.name, x.more); got != x.want {
			t.Errorf("%q is at %q, want %q", x.name, got, x.want)
		}
	}
	if pr := p.admin.post("/newsletters", p.newsletter("Another", `,"slug":"my-own-1"`)).problem(409); pr.locations()[0] != "body.slug" {
		t.Errorf("an address of another newsletter: %v", pr.locations())
	}
	// An address that a newsletter had leads to where it is now, and nobody else gets it.
	var moving NewsletterJSON
	p.admin.post("/newsletters", p.newsletter("Moving", `,"public":true`)).want(201).json(&moving)
	at := fmt.Sprint("/newsletters/", moving.ID)
	p.admin.post(at+"/activate", "").want(200)
	p.admin.put(at, p.newsletter("Moving", `,"public":true,"slug":"moved"`)).want(200)
	p.admin.put(at, p.newsletter("Moving", `,"public":true,"slug":"moved-on"`)).want(200)
	for path, to := range map[string]string{"/a/moving": "/a/moved-on", "/a/moved/feed.xml?x=1": "/a/moved-on/feed.xml?x=1", "/a/moving/2026-01-05/mail": "/a/moved-on/2026-01-05/mail"} {
		if got := p.reader.do("GET", path, "").want(301).Header().Get("Location"); got != to {
			t.Errorf("%s leads to %q, want %q", path, got, to)
		}
	}
	p.reader.do("GET", "/a/moved-on", "").want(200)
	if pr := p.admin.post("/newsletters", p.newsletter("Another", `,"slug":"moved"`)).problem(409); pr.locations()[0] != "body.slug" {
		t.Errorf("a former address of another newsletter: %v", pr.locations())
	}
	if got := slug("Moved", ""); got != "moved-2" {
		t.Errorf("a name like a former address is at %q", got)
	}
	p.admin.put(at, p.newsletter("Moving", `,"public":true,"slug":"moving"`)).want(200) // back again
	p.reader.do("GET", "/a/moving", "").want(200)
	p.admin.put(at, p.newsletter("Moving", "")).want(200)
	p.gone("/a/moving", "/a/moved") // not public any more
	for more, at := range map[string]string{
		`"slug":"Big"`: "body.slug", `"slug":"a--b"`: "body.slug", `"slug":"../x"`: "body.slug", `"language":"nonsense language"`: "body.language", `"language":"\"><script>"`: "body.language",
		`"sign_up_url":"javascript:alert(1)"`: "body.sign_up_url", `"sign_up_url":"/s/x"`: "body.sign_up_url",
	} {
		if pr := p.admin.post("/newsletters", p.newsletter("Bad", ","+more)).problem(400); pr.locations()[0] != at {
			t.Errorf("%s: %v, want %s", more, pr.locations(), at)
		}
	}
}

// What is an issue is started by its newsletter, and not beside it: not while it waits, nor when it was skipped.
func TestAnIssueIsNotStartedByHand(t *testing.T) {
	t.Parallel()
	p := newPress(t)
	id := p.admin.post("/newsletters", p.newsletter("Trees", "")).want(201).id()
	p.admin.post(fmt.Sprintf("/newsletters/%d/activate", id), "").want(200)
	i := p.write(id, `{"subject":"Oaks","html":"<p>x</p>","text":""}`)
	var w issueWholeJSON
	p.admin.get(fmt.Sprintf("/issues/%d", i.ID)).want(200).json(&w)
	at := fmt.Sprint("/campaigns/", *w.CampaignID)
	var c campaignJSON
	p.admin.get(at).want(200).json(&c)
	if c.Issue == nil || *c.Issue != (IssueRefJSON{ID: i.ID, NewsletterID: id, Newsletter: "Trees"}) {
		t.Errorf("its campaign says %+v", c.Issue)
	}
	refused := func(when string) {
		t.Helper()
		for path, body := range map[string]string{"/start": "", "/schedule": fmt.Sprintf(`{"at":%q}`, time.Now().Add(time.Hour).Format(time.RFC3339))} {
			if pr := p.admin.post(at+path, body).problem(409); !strings.Contains(pr.Detail, `newsletter "Trees"`) {
				t.Errorf("%s %s: %+v", when, path, pr)
			}
		}
	}
	refused("waiting")
	p.admin.post(fmt.Sprintf("/issues/%d/skip", i.ID), "{}").want(200)
	refused("skipped")
}
