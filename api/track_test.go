package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/events"
	"postrider/internal/page"
)

const browser = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36"

func host(name string) reqOption { return func(r *http.Request) { r.Host = name } }

// rules gives by which rules the events so far were judged, oldest first; "human" for those by none.
func (m mailing) rules(t *testing.T) []string {
	t.Helper()
	if err := m.deps.Events.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := m.deps.Events.Judge(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := m.deps.Events.List(t.Context(), events.Filter{CampaignID: m.campaignID}, page.Query{})
	if err != nil {
		t.Fatal(err)
	}
	rules := []string{}
	for _, e := range p.Items {
		rule := string(e.Rule)
		if e.Actor == events.Human {
			rule = "human" + rule
		}
		rules = append([]string{rule}, rules...)
	}
	return rules
}

func (m mailing) settings(t *testing.T, more string) {
	t.Helper()
	m.admin.put("/settings", `{"organization":"Tree Club","public_url":"https://news.example.org","postal_address":"","default_from_name":"","default_from_email":"","time_zone":"UTC"`+more+`}`).want(200)
}

func TestTrackingTellsPeopleFromMachines(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.client(t)
	open, click := "/t/o/"+m.token(events.Open)+".gif", "/t/c/"+m.tokens.Link(m.campaignID, 1, 1)
	c.do("GET", open, "", header("User-Agent", browser)).want(200)
	c.do("HEAD", open, "", header("User-Agent", browser)).want(200)
	c.do("GET", click, "", header("User-Agent", "curl/8.14.1")).want(302)
	c.do("HEAD", click, "", header("User-Agent", browser)).want(302)
	c.do("GET", open, "").want(200)
	if diff := cmp.Diff([]string{"human", "head", "tool", "head", "no_agent"}, m.rules(t)); diff != "" {
		t.Error(diff)
	}
	var st statsJSON
	m.admin.get(fmt.Sprintf("/campaigns/%d/stats", m.campaignID)).want(200).json(&st)
	if st.Opens != (tallyJSON{1, 1, 1}) || st.UniqueOpens != (tallyJSON{1, 0, 0}) || st.Clicks != (tallyJSON{0, 2, 0}) || st.UniqueClicks != (tallyJSON{0, 1, 0}) {
		t.Errorf("%+v", st)
	}
	var timeline timelineJSON
	m.admin.get(fmt.Sprintf("/campaigns/%d/timeline", m.campaignID)).want(200).json(&timeline)
	sum := func(of []int64) (n int64) {
		for _, v := range of {
			n += v
		}
		return n
	}
	if sum(timeline.Opens.Human) != 1 || sum(timeline.Opens.Machine) != 1 || sum(timeline.Opens.Unknown) != 1 || sum(timeline.Clicks.Machine) != 2 || len(timeline.Clicks.Human) != len(timeline.Times) {
		t.Errorf("%+v", timeline)
	}
	var links itemsJSON[linkJSON]
	m.admin.get(fmt.Sprintf("/campaigns/%d/links", m.campaignID)).want(200).json(&links)
	if links.Items[0].Clicks != (tallyJSON{0, 2, 0}) || links.Items[0].UniqueClicks != (tallyJSON{0, 1, 0}) {
		t.Errorf("%+v", links)
	}
	var story deliveryStoryJSON
	m.admin.get(fmt.Sprintf("/campaigns/%d/deliveries/1", m.campaignID)).want(200).json(&story)
	if story.Opens != (tallyJSON{1, 1, 1}) || story.Clicks != (tallyJSON{0, 2, 0}) || *story.Events[4].Actor != "human" || story.Events[4].Rule != nil || *story.Events[0].Rule != "no_agent" {
		t.Errorf("%+v", story)
	}
}

// Whoever follows the link that nobody sees is a machine, with all its other clicks.
func TestHiddenLink(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.client(t)
	agent := header("User-Agent", browser)
	c.do("GET", "/t/c/"+m.tokens.Link(m.campaignID, 1, 1), "", agent).want(302)
	r := c.do("GET", "/t/c/"+m.tokens.Link(m.campaignID, 1, 0), "", agent).want(200)
	if r.Header().Get("Location") != "" || !strings.Contains(r.Body.String(), "cannot be seen") || r.Header().Get("X-Robots-Tag") != "noindex" {
		t.Errorf("%v %s", r.Header(), r.Body)
	}
	if diff := cmp.Diff([]string{"canary", "canary"}, m.rules(t)); diff != "" {
		t.Error(diff)
	}
}

func TestDoNotTrack(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.client(t)
	open, click := "/t/o/"+m.token(events.Open)+".gif", "/t/c/"+m.tokens.Link(m.campaignID, 1, 1)
	visit := func() {
		t.Helper()
		for _, name := range []string{"DNT", "Sec-GPC"} {
			c.do("GET", open, "", header(name, "1")).want(200)
			if got := c.do("GET", click, "", header(name, "1")).want(302).Header().Get("Location"); got == "" {
				t.Error("the reader is not led on")
			}
		}
	}
	visit()
	m.wantEvents(t)
	c.do("GET", open, "", header("DNT", "0")).want(200)
	m.wantEvents(t, events.KindOpen)
	m.settings(t, `,"honour_do_not_track":false`)
	visit()
	m.wantEvents(t, events.KindClick, events.KindOpen, events.KindClick, events.KindOpen, events.KindOpen)
	m.settings(t, "")
	visit()
	m.wantEvents(t, events.KindClick, events.KindOpen, events.KindClick, events.KindOpen, events.KindOpen)
	m.admin.get("/settings").want(200).contains(`"honour_do_not_track":true`)
}

// A link that was followed before leads on, and a pixel shows, while the database is away; what happened is written when it is back.
func TestLinksWorkWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.client(t)
	click := "/t/c/" + m.tokens.Link(m.campaignID, 1, 1)
	c.do("GET", click, "").want(302)
	m.wantEvents(t, events.KindClick)
	if _, err := m.pool.Exec(t.Context(), `ALTER TABLE campaign_contents RENAME TO away_1; ALTER TABLE deliveries RENAME TO away_2; ALTER TABLE settings RENAME TO away_3`); err != nil {
		t.Fatal(err)
	}
	if got := c.do("GET", click, "").want(302).Header().Get("Location"); got != "https://example.org/trees?a=1&b=2" {
		t.Errorf("leads to %q", got)
	}
	c.do("GET", "/t/o/"+m.token(events.Open)+".gif", "").want(200)
	if err := m.deps.Events.Flush(t.Context()); err == nil {
		t.Error("written without the ledger")
	}
	if _, err := m.pool.Exec(t.Context(), `ALTER TABLE away_1 RENAME TO campaign_contents; ALTER TABLE away_2 RENAME TO deliveries; ALTER TABLE away_3 RENAME TO settings`); err != nil {
		t.Fatal(err)
	}
	m.wantEvents(t, events.KindOpen, events.KindClick, events.KindClick)
}

// The name that stands in mail shows readers nothing of the rest, and what stands in mail works under both names.
func TestTrackingHost(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.client(t)
	m.settings(t, `,"tracking_url":"https://Links.example.org/"`)
	links := host("links.example.org")
	for _, path := range []string{"/", "/login", "/api/v1/setup", "/api/docs", "/healthz", "/assets/app-1a2b.js", "/t", "/../api/v1/setup"} {
		if r := c.do("GET", path, "", links).want(404); r.Body.String() != "Nothing is here.\n" {
			t.Errorf("%s shows %s", path, r.Body)
		}
	}
	for _, name := range []string{"links.example.org", "LINKS.example.org", "news.example.org"} {
		c.do("GET", "/t/o/"+m.token(events.Open)+".gif", "", host(name)).want(200)
		c.do("GET", "/t/c/"+m.tokens.Link(m.campaignID, 1, 1), "", host(name)).want(302)
		c.do("GET", "/u/"+m.token(events.Unsubscribe), "", host(name)).want(200)
	}
	for _, path := range []string{"/", "/api/docs", "/healthz"} {
		c.do("GET", path, "", host("news.example.org")).want(200)
	}
	// With one name for everything that name shows everything.
	m.settings(t, `,"tracking_url":"https://news.example.org"`)
	c.do("GET", "/healthz", "", host("news.example.org")).want(200)
	m.admin.put("/settings", `{"organization":"Tree Club","public_url":"","postal_address":"","default_from_name":"","default_from_email":"","time_zone":"UTC","tracking_url":"links.example.org"}`).
		want(400).contains("body.tracking_url")
}

func TestNoTrackingOfPeopleAndLists(t *testing.T) {
	t.Parallel()
	c := setup(t).admin(t)
	list := c.post("/lists", `{"name":"Private","no_tracking":true}`).want(201).contains(`"no_tracking":true`).id()
	path := fmt.Sprint("/lists/", list)
	c.put(path, `{"name":"Very private"}`).want(200).contains(`"no_tracking":true`)
	c.put(path, `{"name":"Public","no_tracking":false}`).want(200)
	c.get(path).want(200).contains(`"no_tracking":false`)

	who := c.post("/subscribers", `{"email":"a@example.org","no_tracking":true}`).want(201).contains(`"no_tracking":true`).id()
	path = fmt.Sprint("/subscribers/", who)
	c.put(path, `{"email":"a@example.org","name":"A","attributes":{}}`).want(200).contains(`"no_tracking":true`)
	c.put(path, `{"email":"a@example.org","name":"A","attributes":{},"no_tracking":false}`).want(200)
	c.get(path).want(200).contains(`"no_tracking":false`)
}

// contains checks that the body holds a text.
func (r *response) contains(text string) *response {
	r.t.Helper()
	if !strings.Contains(r.Body.String(), text) {
		r.t.Fatalf("%s: no %s in %s", r.what, text, r.Body)
	}
	return r
}
