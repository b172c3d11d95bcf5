package api

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

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
	m.wantEvents(t, events.KindOpen)
	r := c.do("GET", path+".gif", "").want(200)
	if h := r.Header(); h.Get("Content-Type") != "image/gif" || !strings.Contains(h.Get("Cache-Control"), "no-store") || r.Body.Len() != 43 || h.Get("Set-Cookie") != "" {
		t.Errorf("pixel: %d bytes, %v", r.Body.Len(), h)
	}
	c.do("GET", path, "").want(200)
	m.wantEvents(t, events.KindOpen, events.KindOpen, events.KindOpen)
	c.do("GET", "/t/o/nonsense.gif", "").want(200)
	c.do("GET", "/t/o/"+m.token(events.Unsubscribe), "").want(200)
	m.wantEvents(t, events.KindOpen, events.KindOpen, events.KindOpen)
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
	m.wantEvents(t, events.KindClick)
	r := c.do("GET", path+"?url=https://evil.example", "").want(302)
	for _, got := range []string{head.Header().Get("Location"), r.Header().Get("Location")} {
		if got != "https://example.org/trees?a=1&b=2" {
			t.Errorf("leads to %q", got)
		}
	}
	m.wantEvents(t, events.KindClick, events.KindClick)

	for _, token := range []string{"nonsense", m.tokens.Link(m.campaignID, 1, 99), m.tokens.Link(m.campaignID+1, 1, 1), m.token(events.Open)} {
		bad := c.do("GET", "/t/c/"+token, "").want(404)
		if !strings.Contains(bad.Body.String(), "This link does not work") || bad.Header().Get("Location") != "" {
			t.Errorf("%s: %s", token, bad.Body)
		}
	}
	m.wantEvents(t, events.KindClick, events.KindClick)

	var page pageJSON[eventJSON]
	m.admin.get(fmt.Sprintf("/subscribers/%d/events", m.personID)).want(200).json(&page)
	if len(page.Items) != 2 || page.Items[0].URL == nil || !strings.HasPrefix(*page.Items[0].URL, "https://example.org/trees") {
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
	const form = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct{ contentType, body string }{
		"form":                 {form, "List-Unsubscribe=One-Click"},
		"form with a charset":  {"Application/X-WWW-Form-Urlencoded; charset=UTF-8", "List-Unsubscribe=One-Click"},
		"multipart":            {"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n"},
		"multipart, charset":   {`multipart/form-data; charset=utf-8; boundary="b"`, "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--"},
		"multipart, broken":    {"multipart/form-data; boundary=other", "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click"},
		"multipart, unbounded": {"multipart/form-data", "x"},
		"nothing":              {"", ""},
		"empty form":           {form, ""},
		"broken form":          {form, "List-Unsubscribe=%zz"},
		"other words":          {form, "list-unsubscribe=one-click&utm_source=x"},
		"JSON":                 {"application/json", `{"List-Unsubscribe":"One-Click"}`},
		"broken type":          {";;;=", "List-Unsubscribe=One-Click"},
		"as large as may be":   {form, strings.Repeat("x", maxPublicBody)},
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
			for range 3 {
				r := c.do(http.MethodPost, path, test.body, opts...).want(200)
				if r.Header().Get("Location") != "" || r.Header().Get("Set-Cookie") != "" {
					t.Errorf("header %v", r.Header())
				}
				if body := r.Body.String(); body != "You are unsubscribed.\n" {
					t.Errorf("body %q", body)
				}
			}
			if got := m.status(t); got != "unsubscribed" {
				t.Errorf("status %s", got)
			}
			m.wantEvents(t, events.KindUnsubscribe)
		})
	}
}

func TestAHugeBodyChangesNothing(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.client(t)
	for _, path := range []string{"/u/", "/p/"} {
		for _, contentType := range []string{"application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain"} {
			body := "do=everything&List-Unsubscribe=One-Click&x=" + strings.Repeat("x", maxPublicBody)
			r := c.do("POST", path+m.token(events.Unsubscribe), body, header("Content-Type", contentType)).want(413)
			if !strings.Contains(r.Body.String(), "Nothing was changed") {
				t.Errorf("page %s", r.Body)
			}
		}
	}
	if got := m.status(t); got != "subscribed" {
		t.Errorf("status %s", got)
	}
	m.wantEvents(t)
}

// Scanners, previews and prefetches open every link, with whatever is in the query, and send HEAD.
func TestLookingChangesNothing(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.client(t)
	token := m.token(events.Unsubscribe)
	for _, path := range []string{"/u/", "/p/"} {
		for _, query := range []string{"", "?List-Unsubscribe=One-Click", "?from=page", "?do=everything", "?do=save&frequency=weekly&pause=6", "?do=undo"} {
			for _, method := range []string{"GET", "HEAD"} {
				r := c.do(method, path+token+query, "", header("Purpose", "prefetch"), header("Sec-Purpose", "prefetch")).want(200)
				if method == "HEAD" && r.Body.Len() > 0 {
					t.Errorf("HEAD %s gave a body", path)
				}
			}
		}
		for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS"} {
			if r := c.do(method, path+token, "do=everything"); r.Code < 400 {
				t.Errorf("%s gave %d", method, r.Code)
			}
		}
	}
	if got := m.status(t); got != "subscribed" {
		t.Errorf("status %s", got)
	}
	m.wantEvents(t)
	if v := m.person(t); v.Pause != nil || v.Frequency != nil || v.Suppressed != nil {
		t.Errorf("person %+v", v)
	}
}

// What stands in the query of a POST is no form: a link that somebody made up cannot say more than its button.
func TestTheQueryOfAPostSaysNothing(t *testing.T) {
	t.Parallel()
	m := started(t)
	token := m.token(events.Unsubscribe)
	contains(t, m.submit(t, "/p/"+token+"?do=everything", 400, ""), "Nothing was saved")
	contains(t, m.submit(t, "/p/"+token+"?do=save&frequency=weekly&pause=1", 400, ""), "Nothing was saved")
	if v := m.person(t); v.Suppressed != nil || v.Frequency != nil || v.Pause != nil || v.Subscriptions[0].Status != "subscribed" {
		t.Errorf("person %+v", v)
	}
	if body := m.submit(t, "/u/"+token+"?from=page&do=undo", 200, "List-Unsubscribe=One-Click"); body != "You are unsubscribed.\n" {
		t.Errorf("body %q", body)
	}
	if got := m.status(t); got != "unsubscribed" {
		t.Errorf("status %s", got)
	}
}

func TestPostsForOneMessageAreLimited(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.client(t)
	path := "/u/" + m.token(events.Unsubscribe)
	for range postsPerMinute {
		c.do("POST", path, "List-Unsubscribe=One-Click").want(200)
	}
	r := c.do("POST", "/u/"+strings.ToUpper(m.token(events.Unsubscribe)), "List-Unsubscribe=One-Click").want(429)
	if r.Header().Get("Retry-After") == "" || !strings.Contains(r.Body.String(), "wait a minute") {
		t.Errorf("%v %s", r.Header(), r.Body)
	}
	c.do("GET", path, "").want(200)
	c.do("POST", "/u/nonsense", "").want(404)
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	th := newThrottle(2, time.Minute, func() time.Time { return now })
	pass := func(key string, want bool) {
		t.Helper()
		if wait, ok := th.pass(key); ok != want || !ok && (wait <= 0 || wait > time.Minute) {
			t.Errorf("%s: %v %v", key, wait, ok)
		}
	}
	pass("a", true)
	pass("A", true)
	pass("a", false)
	pass("b", true)
	now = now.Add(time.Minute)
	pass("a", true)
	now = now.Add(-time.Hour) // the clock was set back
	pass("a", true)
	pass("a", true)
	pass("a", false)
	for i := range 2 * throttledKeys {
		th.pass(strconv.Itoa(i))
	}
	if len(th.seen) > throttledKeys {
		t.Errorf("%d keys are kept", len(th.seen))
	}
	pass("a", false)
}

func (m mailing) person(t *testing.T) (v subscriberJSON) {
	t.Helper()
	m.admin.get(fmt.Sprint("/subscribers/", m.personID)).want(200).json(&v)
	return v
}

const formType = "application/x-www-form-urlencoded"

func (m mailing) submit(t *testing.T, path string, status int, form string) string {
	t.Helper()
	r := m.client(t).do("POST", path, form, header("Content-Type", formType)).want(status)
	if r.Header().Get("Set-Cookie") != "" || r.Header().Get("Location") != "" {
		t.Errorf("header %v", r.Header())
	}
	return r.Body.String()
}

func contains(t *testing.T, page string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(page, w) {
			t.Errorf("the page lacks %q:\n%s", w, page)
		}
	}
}

func lacks(t *testing.T, page string, words ...string) {
	t.Helper()
	for _, w := range words {
		if strings.Contains(page, w) {
			t.Errorf("the page has %q:\n%s", w, page)
		}
	}
}

func TestReasonIsAskedAfterwards(t *testing.T) {
	t.Parallel()
	m := started(t)
	path := "/u/" + m.token(events.Unsubscribe)
	lacks(t, m.client(t).do("GET", path, "").want(200).Body.String(), "why")
	contains(t, m.submit(t, path, 404, "do=reason&reason=other"), "This link does not work") // nobody left
	page := m.submit(t, path, 200, "from=page")
	contains(t, page, "tell us why", "Take it back", "will get no more mail", "Friends of trees", "1 Wood Lane", `href="/p/`)
	page = m.submit(t, path, 400, "do=reason&comment="+strings.Repeat("%3Cb%3E", 10))
	contains(t, page, "Please choose one of the reasons", "&lt;b&gt;", `role="alert"`)
	lacks(t, page, "<b>")
	contains(t, m.submit(t, path, 400, "do=reason&reason=other&comment="+strings.Repeat("x", 501)), "no more than 500")
	page = m.submit(t, path, 200, "do=reason&reason=too_often&comment=%3Cscript%3E+twice+a+day")
	contains(t, page, "Thank you", "Take it back")
	lacks(t, page, "tell us why")

	var counts itemsJSON[reasonCountJSON]
	m.admin.get(fmt.Sprintf("/campaigns/%d/unsubscribe-reasons", m.campaignID)).want(200).keys("items.0", "reason count").json(&counts)
	if len(counts.Items) != 6 || *counts.Items[0].Reason != "too_often" || counts.Items[0].Count != 1 || counts.Items[5].Reason != nil || counts.Items[5].Count != 0 {
		t.Errorf("counts %+v", counts.Items)
	}
	const keys = "id at subscriber_id email campaign_id campaign_name seq source everything list_names reason comment reason_at undone_at"
	var left pageJSON[unsubscribeJSON]
	m.admin.get(fmt.Sprintf("/campaigns/%d/unsubscribes?comment=true&reason=too_often", m.campaignID)).want(200).keys("items.0", keys).json(&left)
	if u := left.Items[0]; len(left.Items) != 1 || u.Email != "bob@example.net" || u.Comment != "<script> twice a day" || u.Source != "unsubscribe link" || u.CampaignName != "Spring" {
		t.Errorf("left %+v", left.Items)
	}
	m.admin.get(fmt.Sprintf("/subscribers/%d/unsubscribes", m.personID)).want(200).keys("items.0", keys)
	m.admin.get(fmt.Sprintf("/campaigns/%d/unsubscribes?reason=bored", m.campaignID)).problem(400)
	m.admin.get("/campaigns/999/unsubscribes").problem(404)
	m.admin.get("/campaigns/999/unsubscribe-reasons").problem(404)
}

func TestUndoOnThePage(t *testing.T) {
	t.Parallel()
	m := started(t)
	path := "/u/" + m.token(events.Unsubscribe)
	m.submit(t, path, 200, "List-Unsubscribe=One-Click")
	contains(t, m.client(t).do("GET", path, "").want(200).Body.String(), "already", "Take it back", "tell us why")
	for range 2 {
		contains(t, m.submit(t, path, 200, "do=undo"), "You get our mail again", "Friends of trees")
	}
	if got := m.status(t); got != "subscribed" {
		t.Errorf("status %s", got)
	}
	// Whoever left by another link too, or by an admin, has nothing to take back here.
	m.admin.put(fmt.Sprintf("/subscribers/%d/subscriptions/%d", m.personID, m.listID), `{"status":"unsubscribed"}`).want(200)
	page := m.submit(t, path, 200, "do=undo")
	contains(t, page, "already")
	lacks(t, page, "Take it back", "tell us why")
	m.submit(t, "/u/nonsense", 404, "do=undo")
	m.submit(t, "/u/nonsense", 404, "do=reason&reason=other")
}

func TestPreferencePage(t *testing.T) {
	t.Parallel()
	m := started(t)
	shown := m.admin.post("/lists", `{"name":"Shown","description":"Once a <month>"}`).want(201).id()
	hidden := m.admin.post("/lists", `{"name":"Hidden"}`).want(201).id()
	m.admin.put(fmt.Sprintf("/lists/%d/public", shown), `{"public":true}`).want(200)
	for _, id := range []int64{shown, hidden} {
		m.admin.put(fmt.Sprintf("/subscribers/%d/subscriptions/%d", m.personID, id), `{"status":"subscribed"}`).want(200)
	}
	path := "/p/" + m.token(events.Unsubscribe)
	r := m.client(t).do("GET", path, "").want(200)
	page := r.Body.String()
	contains(t, page, "Tree Club", "1 Wood Lane", "b…@example.net", "Friends of trees", "Shown", "Once a &lt;month&gt;", `value="all" checked`, `name="pause" value="0" checked`,
		"Unsubscribe from everything", fmt.Sprintf(`name="list" value="%d" checked`, shown))
	lacks(t, page, "Hidden", "bob@", "<script", "ZgotmplZ", "http://", "https://")
	h := r.Header()
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex", "Content-Security-Policy": "default-src 'none'",
		"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff"} {
		if !strings.Contains(h.Get(name), want) {
			t.Errorf("%s is %q", name, h.Get(name))
		}
	}
	if h.Get("Set-Cookie") != "" {
		t.Errorf("a cookie: %v", h)
	}

	both := fmt.Sprintf("&shown=%d&shown=%d", m.listID, shown)
	page = m.submit(t, path, 200, fmt.Sprintf("do=save&frequency=weekly&pause=3%s&list=%d&list=%d", both, m.listID, hidden))
	contains(t, page, "Saved. You get no mail until", `value="keep" checked`, `value="weekly" checked`, fmt.Sprintf(`name="list" value="%d">`, shown), fmt.Sprintf(`name="list" value="%d" checked`, m.listID))
	v := m.person(t)
	if v.Pause == nil || v.Frequency == nil || v.Frequency.Limit != "weekly" || !strings.Contains(v.Pause.Source, fmt.Sprint("preference page, campaign ", m.campaignID)) {
		t.Fatalf("person %+v", v)
	}
	for _, s := range v.Subscriptions {
		if want := map[int64]string{m.listID: "subscribed", shown: "unsubscribed", hidden: "subscribed"}[s.ListID]; s.Status != want {
			t.Errorf("%s is %s", s.ListName, s.Status)
		}
	}
	m.wantEvents(t, events.KindUnsubscribe)
	m.admin.get(fmt.Sprint("/subscribers/", m.personID)).want(200).keys("pause", "until since source").keys("frequency", "limit since source")

	for _, bad := range []string{"", "do=nothing", "do=save", "do=save&frequency=weekly", "do=save&frequency=daily&pause=0", "do=save&frequency=all&pause=2", "do=save&frequency=all&pause=-1",
		"do=save&frequency=all&pause=0&list=x", "do=save&frequency=all&pause=0&shown=-1", "do=save&frequency=all&pause=0" + strings.Repeat("&shown=1", maxPreferenceLists+1)} {
		if page := m.submit(t, path, 400, bad); !strings.Contains(page, "Nothing was saved") {
			t.Errorf("%.60s: %s", bad, page)
		}
	}
	if after := m.person(t); cmp.Diff(v, after) != "" {
		t.Error("what was refused changed something: ", cmp.Diff(v, after))
	}
	m.submit(t, path, 200, "do=save&frequency=all&pause=keep")
	if v = m.person(t); v.Pause == nil || v.Frequency != nil {
		t.Errorf("person %+v", v)
	}
	m.admin.remove(fmt.Sprintf("/subscribers/%d/pause", m.personID)).want(200).keys("", subscriberKeys)
	if v = m.person(t); v.Pause != nil {
		t.Errorf("the pause was not lifted: %+v", v.Pause)
	}
	contains(t, m.client(t).do("GET", "/p/nonsense", "").want(404).Body.String(), "This link does not work", "Tree Club", "1 Wood Lane", "answer the message")
	m.submit(t, "/p/nonsense", 404, "do=save&frequency=all&pause=0")
	m.submit(t, "/p/nonsense", 404, "do=everything")
}

func TestUnsubscribeFromEverything(t *testing.T) {
	t.Parallel()
	m := started(t)
	path := "/p/" + m.token(events.Unsubscribe)
	page := m.submit(t, path, 200, "do=everything")
	contains(t, page, "no more mail from us at all", "Take it back", "tell us why", `action="/u/`)
	m.submit(t, path, 200, "do=everything")
	v := m.person(t)
	if v.Suppressed == nil || v.Suppressed.Reason != "unsubscribe" || v.Subscriptions[0].Status != "unsubscribed" {
		t.Errorf("person %+v", v)
	}
	m.wantEvents(t, events.KindUnsubscribe)
	page = m.client(t).do("GET", path, "").want(200).Body.String()
	contains(t, page, "You asked for no more mail at all")
	lacks(t, page, "Unsubscribe from everything", ` name="list" value="1" checked`)
	m.submit(t, path, 200, fmt.Sprintf("do=save&frequency=all&pause=0&shown=%d&list=%d", m.listID, m.listID))
	if v = m.person(t); v.Suppressed != nil || v.Subscriptions[0].Status != "subscribed" {
		t.Errorf("after coming back: %+v", v)
	}
	m.admin.post("/suppressions", `{"email":"bob@example.net","detail":"asked by phone"}`).want(201)
	contains(t, m.client(t).do("GET", path, "").want(200).Body.String(), "No mail is sent to this address", "we were asked not to")
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
