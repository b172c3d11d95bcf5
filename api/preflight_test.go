package api

import (
	"fmt"
	"slices"
	"testing"

	"postrider/internal/auth"
)

const (
	reportKeys    = "summary findings links sizes samples spam support would_block"
	preflightKeys = reportKeys + " ran_at ran_by content_changed unacknowledged"
)

func TestShapesOfPreflight(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.admin
	relay := c.post("/relays", `{"name":"Far","host":"smtp.example.org","port":587,"tls":"starttls","auth":"none","max_connections":1,"dkim":"off"}`).want(201).id()
	id := c.post("/campaigns", fmt.Sprintf(`{"name":"News","subject":"Hello","from_email":"house@example.org","relay_ids":[%d],"list_ids":[%d],
		"html":"<p>Hello</p><a href=\"https://example.org/a\">a</a>"}`, relay, m.listID)).want(201).id()
	at := fmt.Sprint("/campaigns/", id, "/preflight")
	c.get(at).problem(404)
	var p preflightJSON
	c.post(at, "").want(200).keys("", preflightKeys).keys("summary", "blocking warning info").keys("sizes", "html_bytes least_html_bytes message_bytes image_bytes").keys("support", "source updated without").
		keys("findings.0", "code severity title detail remedy where count people acknowledged").keys("links.0", "url text line state status chain note").json(&p)
	if p.RanBy == "" || p.Spam != nil || !slices.Contains(p.Unacknowledged, "link_example") || p.Summary.Warning == 0 {
		t.Errorf("%+v", p)
	}
	c.post(fmt.Sprint("/campaigns/", id, "/start?acknowledged=true"), "").problem(409)
	c.post(at+"/acknowledge", `{"codes":["nonsense"]}`).problem(400)
	c.post(at+"/acknowledge", `{"codes":[]}`).problem(400)
	c.post(at+"/acknowledge", `{"codes":["link_example"]}`).want(200).keys("", preflightKeys).json(&p)
	if slices.Contains(p.Unacknowledged, "link_example") || p.ContentChanged {
		t.Errorf("acknowledged: %+v", p.Unacknowledged)
	}
	c.put(fmt.Sprint("/campaigns/", id), `{"name":"News","subject":"Another"}`).want(200)
	if c.get(at).want(200).json(&p); !p.ContentChanged {
		t.Error("a change is not seen")
	}
	c.post(at, `{"done_by":"2027-01-01T00:00:00Z"}`).want(200).keys("findings.0.where.0", "part line selector note")
	c.post(at, `{"nonsense":1}`).problem(400)
	c.post("/campaigns/999/preflight", "").problem(404)

	read := m.program(t, auth.CampaignsRead)
	read.get(at).want(200)
	read.post(at, "").problem(403)
	read.post(at+"/acknowledge", `{"codes":["link_example"]}`).problem(403)
	read.post("/preflight", `{"html":"x"}`).problem(403)
}

func TestPreflightOfWhatIsNoCampaign(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	var r preflightDraftJSON
	c.post("/preflight", `{"subject":"Hello","html":"<p>Hello</p><a href=\"https://[YOUR LINK]\">a</a>"}`).want(200).keys("", reportKeys).json(&r)
	if !r.WouldBlock || r.Findings[0].Code != "link_placeholder" {
		t.Errorf("%+v", r.Findings)
	}
	c.post("/preflight", `{"raw":"From: a@b.org\r\nSubject: x\r\n\r\nHello"}`).want(200).json(&r)
	if !slices.ContainsFunc(r.Findings, func(f findingJSON) bool { return f.Code == "unsubscribe_missing" }) {
		t.Errorf("%+v", r.Findings)
	}
	c.post("/preflight", `{}`).problem(400)
	c.post("/preflight", `{"raw":"no mail"}`).want(200)
	for filter, want := range map[string]int{"http://127.0.0.1:11333": 200, "spamd://127.0.0.1:783": 200, "": 200, "spamd://host": 400, "ftp://host": 400, "127.0.0.1:783": 400, "http://u:p@host/": 400} {
		c.put("/settings", fmt.Sprintf(`{"organization":"Tree Club","public_url":"https://news.example.org","postal_address":"","default_from_name":"","default_from_email":"","time_zone":"UTC","preflight_spam":%q}`, filter)).want(want)
	}
}
