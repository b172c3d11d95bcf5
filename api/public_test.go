package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/events"
	"postrider/internal/page"
)

// mailing is a campaign that was started to one person on one list.
type mailing struct {
	*bundle
	admin                        *client
	listID, personID, campaignID int64
}

// started makes a mailing through the API.
func started(t *testing.T) mailing {
	t.Helper()
	b := setup(t)
	m := mailing{bundle: b, admin: b.admin(t)}
	c := m.admin
	c.put("/settings", `{"organization":"Tree Club","public_url":"http://127.0.0.1:8080","postal_address":"1 Wood Lane","default_from_name":"","default_from_email":"","time_zone":"UTC"}`).want(200)
	m.listID = c.post("/lists", `{"name":"Friends of trees"}`).want(201).id()
	m.personID = c.post("/subscribers", fmt.Sprintf(`{"email":"bob@example.net","name":"Bob","list_ids":[%d]}`, m.listID)).want(201).id()
	relay := c.post("/relays", `{"name":"relay","kind":"smtp","host":"127.0.0.1","port":2525,"tls":"none","auth":"none","dkim":"off"}`).want(201).id()
	m.campaignID = c.post("/campaigns", fmt.Sprintf(`{"name":"Spring","subject":"Spring is here","from_email":"news@example.org","relay_id":%d,"list_ids":[%d],
		"html":"<p>Hello {{ subscriber.name }}: <a href=\"https://example.org/trees?a=1&amp;b=2\">trees</a></p>"}`, relay, m.listID)).want(201).id()
	c.post(fmt.Sprintf("/campaigns/%d/start", m.campaignID), "").want(200)
	return m
}

func (m mailing) token(kind events.Kind) string { return m.tokens.Delivery(kind, m.campaignID, 1) }

// recorded gives the kinds of the events so far, newest first.
func (m mailing) recorded(t *testing.T) []events.EventKind {
	t.Helper()
	if err := m.deps.Events.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := m.deps.Events.List(t.Context(), events.Filter{CampaignID: m.campaignID}, page.Query{})
	if err != nil {
		t.Fatal(err)
	}
	kinds := []events.EventKind{}
	for _, e := range p.Items {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

func (m mailing) wantEvents(t *testing.T, kinds ...events.EventKind) {
	t.Helper()
	if diff := cmp.Diff(append([]events.EventKind{}, kinds...), m.recorded(t)); diff != "" {
		t.Fatal("events: ", diff)
	}
}

func (m mailing) status(t *testing.T) string {
	t.Helper()
	var v subscriberJSON
	m.admin.get(fmt.Sprint("/subscribers/", m.personID)).want(200).json(&v)
	return v.Subscriptions[0].Status
}

func TestOpenPixel(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.client(t)
	path := "/t/o/" + m.token(events.Open)
	c.do("HEAD", path+".gif", "").want(200)
	m.wantEvents(t)
	r := c.do("GET", path+".gif", "").want(200)
	if h := r.Header(); h.Get("Content-Type") != "image/gif" || !strings.Contains(h.Get("Cache-Control"), "no-store") || r.Body.Len() != 43 || h.Get("Set-Cookie") != "" {
		t.Errorf("pixel: %d bytes, %v", r.Body.Len(), h)
	}
	c.do("GET", path, "").want(200)
	m.wantEvents(t, events.KindOpen, events.KindOpen)
	c.do("GET", "/t/o/nonsense.gif", "").want(200)
	c.do("GET", "/t/o/"+m.token(events.Unsubscribe), "").want(200)
	m.wantEvents(t, events.KindOpen, events.KindOpen)
}

func TestClick(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.client(t)
	var links itemsJSON[linkJSON]
	m.admin.get(fmt.Sprintf("/campaigns/%d/links", m.campaignID)).want(200).json(&links)
	if len(links.Items) != 1 {
		t.Fatalf("links %+v", links)
	}
	path := "/t/c/" + m.tokens.Link(m.campaignID, 1, links.Items[0].ID)
	head := c.do("HEAD", path, "").want(302)
	m.wantEvents(t)
	r := c.do("GET", path+"?url=https://evil.example", "").want(302)
	for _, got := range []string{head.Header().Get("Location"), r.Header().Get("Location")} {
		if got != "https://example.org/trees?a=1&b=2" {
			t.Errorf("leads to %q", got)
		}
	}
	m.wantEvents(t, events.KindClick)

	for _, token := range []string{"nonsense", m.tokens.Link(m.campaignID, 1, 99), m.tokens.Link(m.campaignID, 2, links.Items[0].ID), m.tokens.Link(m.campaignID+1, 1, 1), m.token(events.Open)} {
		bad := c.do("GET", "/t/c/"+token, "").want(404)
		if !strings.Contains(bad.Body.String(), "This link does not work") || bad.Header().Get("Location") != "" {
			t.Errorf("%s: %s", token, bad.Body)
		}
	}
	m.wantEvents(t, events.KindClick)

	var page pageJSON[eventJSON]
	m.admin.get(fmt.Sprintf("/subscribers/%d/events", m.personID)).want(200).json(&page)
	if len(page.Items) != 1 || page.Items[0].URL == nil || !strings.HasPrefix(*page.Items[0].URL, "https://example.org/trees") {
		t.Errorf("event %+v", page.Items)
	}
}

func TestUnsubscribePageChangesNothing(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.client(t)
	path := "/u/" + m.token(events.Unsubscribe)
	for _, method := range []string{"GET", "HEAD"} {
		c.do(method, path, "").want(200)
	}
	r := c.do("GET", path, "")
	page := r.Body.String()
	for _, want := range []string{"Tree Club", "b…@example.net", "Friends of trees", `method="post"`, `action="` + path + `"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "bob@") || strings.Contains(page, "<script") || strings.Contains(page, "ZgotmplZ") || r.Header().Get("Set-Cookie") != "" {
		t.Errorf("the page or its header shows too much: %v\n%s", r.Header(), page)
	}
	if got := m.status(t); got != "subscribed" {
		t.Errorf("after looking: %s", got)
	}
	m.wantEvents(t)
	c.do("GET", "/u/nonsense", "").want(404)
	c.do("GET", "/u/"+m.token(events.Open), "").want(404)
}

func TestUnsubscribeByTheButton(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.client(t)
	path := "/u/" + m.token(events.Unsubscribe)
	form := header("Content-Type", "application/x-www-form-urlencoded")
	r := c.do("POST", path, "from=page", form).want(200)
	if !strings.Contains(r.Body.String(), "will get no more mail") {
		t.Errorf("page %s", r.Body)
	}
	if got := m.status(t); got != "unsubscribed" {
		t.Errorf("after the button: %s", got)
	}
	if again := c.do("GET", path, "").want(200); !strings.Contains(again.Body.String(), "already") {
		t.Errorf("page %s", again.Body)
	}
	c.do("POST", path, "from=page", form).want(200)
	m.wantEvents(t, events.KindUnsubscribe)
}

func TestOneClickUnsubscribe(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ contentType, body string }{
		"form":      {"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"},
		"multipart": {"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n"},
		"nothing":   {"", ""},
		"huge":      {"application/x-www-form-urlencoded", strings.Repeat("x", 100_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := started(t)
			c := m.client(t)
			path := "/u/" + m.token(events.Unsubscribe)
			// Mail programs send it from anywhere, without a cookie; it must not be taken for an attack.
			opts := []reqOption{header("Origin", "https://mail.example"), header("Sec-Fetch-Site", "cross-site")}
			if test.contentType != "" {
				opts = append(opts, header("Content-Type", test.contentType))
			}
			for range 2 {
				r := c.do(http.MethodPost, path, test.body, opts...).want(200)
				if r.Header().Get("Location") != "" || r.Header().Get("Set-Cookie") != "" {
					t.Errorf("header %v", r.Header())
				}
			}
			if got := m.status(t); got != "unsubscribed" {
				t.Errorf("status %s", got)
			}
			m.wantEvents(t, events.KindUnsubscribe)
		})
	}
}

func TestUnsubscribeWithABadToken(t *testing.T) {
	t.Parallel()
	m := started(t)
	m.client(t).do("POST", "/u/nonsense", "List-Unsubscribe=One-Click").want(404)
	if got := m.status(t); got != "subscribed" {
		t.Errorf("status %s", got)
	}
}

func TestPublicPageWhenTheDatabaseFails(t *testing.T) {
	t.Parallel()
	m := started(t)
	if _, err := m.pool.Exec(context.Background(), `ALTER TABLE deliveries RENAME TO gone`); err != nil {
		t.Fatal(err)
	}
	r := m.client(t).do("GET", "/u/"+m.token(events.Unsubscribe), "").want(500)
	if page := r.Body.String(); !strings.Contains(page, "our fault") || strings.Contains(page, "relation") {
		t.Errorf("page %s", page)
	}
}
