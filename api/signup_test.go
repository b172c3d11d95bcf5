package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"postrider/audience"
	"postrider/campaigns/confirm"
)

// signing is a list with double opt-in and a form for it.
type signing struct {
	*bundle
	admin  *client
	reader *client
	listID int64
	formID int64
	path   string
}

func withForm(t *testing.T, more string) signing {
	t.Helper()
	b := setup(t)
	s := signing{bundle: b, admin: b.admin(t), reader: b.client(t)}
	s.listID = s.admin.post("/lists", `{"name":"News"}`).want(201).id()
	s.admin.put(fmt.Sprintf("/lists/%d/opt-in", s.listID), `{"opt_in":"double"}`).want(200)
	var f formJSON
	s.admin.post("/forms", fmt.Sprintf(`{"name":"Page","list_ids":[%d]%s}`, s.listID, more)).want(201).json(&f)
	s.formID, s.path = f.ID, formPath+f.Slug
	return s
}

func (s signing) post(path string, form url.Values, opts ...reqOption) *response {
	return s.reader.do("POST", path, form.Encode(), append(opts, header("Content-Type", "application/x-www-form-urlencoded"))...)
}

// signups counts the rows that forms made.
func (s signing) signups(t *testing.T) (n int) {
	t.Helper()
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM signups`).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSignUpPage(t *testing.T) {
	t.Parallel()
	s := withForm(t, `,"title":"<script>alert(1)</script>","consent":"I agree","consent_required":true,"redirect_url":"https://example.org/thanks","language":"de"`)
	r := s.reader.do("GET", s.path, "").want(200)
	csp := r.Header().Get("Content-Security-Policy")
	if body := r.Body.String(); strings.Contains(body, "<script>") || !strings.Contains(body, `lang="de"`) || !strings.Contains(csp, "frame-ancestors 'none'") ||
		!strings.Contains(csp, "form-action 'self' https://example.org;") || strings.Contains(csp, "unsafe") || r.Header().Get("X-Frame-Options") != "DENY" {
		t.Errorf("%s\n%s", csp, body)
	}
	s.reader.do("HEAD", s.path, "").want(200)
	if body := s.post(s.path, url.Values{"email": {"x@y"}}).want(400).Body.String(); !strings.Contains(body, "Bitte füllen Sie das aus") || !strings.Contains(body, `value="x@y"`) {
		t.Error(body)
	}
	good := url.Values{"email": {"ann@example.org"}, "consent": {"1"}, "redirect_url": {"https://evil.example"}}
	if to := s.post(s.path+"?redirect_url=https://evil.example", good).want(303).Header().Get("Location"); to != "https://example.org/thanks" {
		t.Errorf("led to %s", to)
	}
	if n := s.signups(t); n != 1 {
		t.Errorf("%d sign-ups", n)
	}
	s.admin.put(fmt.Sprint("/forms/", s.formID), fmt.Sprintf(`{"name":"Page","enabled":false,"list_ids":[%d]}`, s.listID)).want(200)
	s.reader.do("GET", s.path, "").want(410)
	s.post(s.path, good).want(410)
	s.reader.do("GET", formPath+"nothing", "").want(404)
	s.post(s.path, url.Values{"email": {strings.Repeat("x", maxPublicBody)}}).want(413)
}

// TestRobotsAreTurnedAway: what they fill in is not kept, and they are answered like everybody.
func TestRobotsAreTurnedAway(t *testing.T) {
	t.Parallel()
	s := withForm(t, "")
	fine := s.post(s.path, url.Values{"email": {"ann@example.org"}}).want(200).Body.String()
	trapped := s.post(s.path, url.Values{"email": {"bob@example.org"}, "website": {"https://pills.example"}}).want(200).Body.String()
	if fine != trapped || s.signups(t) != 1 {
		t.Errorf("%d sign-ups; %s", s.signups(t), trapped)
	}
	shown := s.deps.Confirm.ShownToken(s.formID)
	quick := s.post(s.path, url.Values{"email": {"carl@example.org"}, "shown": {shown}}).want(400).Body.String()
	if !strings.Contains(quick, "very quick") || !strings.Contains(quick, shown) || !strings.Contains(quick, "carl@example.org") || s.signups(t) != 1 {
		t.Errorf("%s", quick)
	}
	s.post(s.path, url.Values{"email": {"carl@example.org"}, "shown": {"forged"}}).want(200)
	for range 30 {
		s.post(s.path, url.Values{"email": {fmt.Sprintf("p%d@example.org", s.signups(t))}})
	}
	r := s.post(s.path, url.Values{"email": {"late@example.org"}}).want(429)
	if r.Header().Get("Retry-After") == "" || s.signups(t) != 10 {
		t.Errorf("%d sign-ups", s.signups(t))
	}
	var st formStatsJSON
	s.admin.get(fmt.Sprintf("/forms/%d/stats", s.formID)).want(200).json(&st)
	// It may have been midnight meanwhile.
	if st.Total.SignUps != 10 || st.Total.Refused < 2 || len(st.Days) != 30 || st.Days[28].SignUps+st.Days[29].SignUps != 10 {
		t.Errorf("%+v %d", st.Total, len(st.Days))
	}
}

// TestFormsAreCountedByNetwork: a customer has as many addresses of IPv6 as they like.
func TestFormsAreCountedByNetwork(t *testing.T) {
	t.Parallel()
	s := withForm(t, "")
	var err error
	if s.reader.handler, err = New(Config{UI: testUI(), Logger: slog.New(slog.DiscardHandler), Done: s.done, Now: func() time.Time { return confirmTime }}, s.deps); err != nil {
		t.Fatal(err)
	}
	from := func(addr string) reqOption { return func(r *http.Request) { r.RemoteAddr = addr } }
	for i := range formsPerMinute {
		s.post(s.path, url.Values{"email": {"wrong"}}, from(fmt.Sprintf("[2001:db8:0:7::%x]:443", i+1))).want(400)
	}
	s.post(s.path, url.Values{"email": {"wrong"}}, from("[2001:db8:0:7:1:2:3:4]:443")).want(429)
	s.post(s.path, url.Values{"email": {"wrong"}}, from("[2001:db8:0:8::1]:443")).want(400)
}

// TestTheAnswerTellsNothingOfTheAddress: known, suppressed or new, and before any job has looked.
func TestTheAnswerTellsNothingOfTheAddress(t *testing.T) {
	t.Parallel()
	s := withForm(t, "")
	s.admin.post("/subscribers", fmt.Sprintf(`{"email":"known@example.org","list_ids":[%d]}`, s.listID)).want(201)
	s.admin.post("/suppressions", `{"email":"gone@example.org"}`).want(201)
	var answers []string
	for _, email := range []string{"new@example.org", "known@example.org", "gone@example.org", "new@example.org"} {
		answers = append(answers, s.post(s.path, url.Values{"email": {email}}).want(200).Body.String())
	}
	for _, a := range answers[1:] {
		if a != answers[0] {
			t.Errorf("another answer:\n%s", a)
		}
	}
	var people int
	if err := s.pool.QueryRow(t.Context(), `SELECT count(*) FROM subscribers`).Scan(&people); err != nil || people != 1 {
		t.Errorf("%d people before the job: %v", people, err)
	}
}

func TestEmbeddingAndScripts(t *testing.T) {
	t.Parallel()
	s := withForm(t, `,"allowed_origins":["https://www.example.org"]`)
	r := s.reader.do("GET", s.path+"/embed", "").want(200)
	if csp := r.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "frame-ancestors 'self' https://www.example.org;") || r.Header().Get("X-Frame-Options") != "" {
		t.Error(csp)
	}
	if r := s.reader.do("GET", s.path, ""); r.Header().Get("X-Frame-Options") != "DENY" {
		t.Error("the page itself can be framed")
	}
	origin := func(o string) reqOption { return header("Origin", o) }
	body := `{"email":"ann@example.org"}`
	ok := s.reader.do("POST", s.path+".json", body, origin("https://www.example.org")).want(200)
	if ok.Header().Get("Access-Control-Allow-Origin") != "https://www.example.org" || !strings.Contains(ok.Body.String(), `"ok":true`) {
		t.Errorf("%v %s", ok.Header(), ok.Body)
	}
	if r := s.reader.do("POST", s.path+".json", body, origin("https://evil.example")).want(403); r.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("anybody may read the answer")
	}
	if n := s.signups(t); n != 1 {
		t.Errorf("%d sign-ups", n)
	}
	s.reader.do("POST", s.path+".json", body).want(200) // a program
	if r := s.reader.do("OPTIONS", s.path+".json", "", origin("https://www.example.org")).want(204); r.Header().Get("Access-Control-Allow-Methods") != "POST" {
		t.Error(r.Header())
	}
	s.reader.do("OPTIONS", s.path+".json", "", origin("https://evil.example")).want(403)
	for _, bad := range []string{`{"email":"ann"}`, `{`, `{"email":"a@example.org","extra":1}`, `{"email":"a@example.org","fields":{"x":[1]}}`, `[]`} {
		s.reader.do("POST", s.path+".json", bad).want(400)
	}
	s.reader.do("GET", s.path+".json", "").want(404)
}

// TestTheConfirmPage runs the jobs by hand: the API's tests have no queue.
func TestTheConfirmPage(t *testing.T) {
	t.Parallel()
	s := withForm(t, "")
	s.admin.post("/subscribers", fmt.Sprintf(`{"email":"ann@example.org","list_ids":[%d],"status":"unconfirmed","send_confirmation":true}`, s.listID)).want(201)
	var p pageJSON[optInRequestJSON]
	s.admin.get(fmt.Sprintf("/lists/%d/optin-requests?state=open", s.listID)).want(200).json(&p)
	path := confirmPath + s.deps.Confirm.Token(audience.NewSignupRef(p.Items[0].ID, p.Items[0].CreatedAt))
	page := s.reader.do("GET", path, "").want(200)
	if csp := page.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || page.Header().Get("Referrer-Policy") != "no-referrer" || !strings.Contains(page.Body.String(), "ann@example.org") {
		t.Errorf("%s %s", csp, page.Body)
	}
	s.reader.do("HEAD", path, "").want(200)
	s.post(path, url.Values{"do": {"nothing"}}).want(200)
	s.reader.do("GET", path+"?do=confirm", "").want(200)
	status := func() string {
		var v pageJSON[subscriberJSON]
		s.admin.get("/subscribers?q=ann").want(200).json(&v)
		return v.Items[0].Subscriptions[0].Status
	}
	if got := status(); got != "unconfirmed" {
		t.Fatalf("looking made it %s", got)
	}
	s.admin.post(fmt.Sprintf("/lists/%d/optin-requests/%d/resend", s.listID, p.Items[0].ID), "").problem(409)
	if _, err := s.pool.Exec(t.Context(), `UPDATE signups SET expires_at = now() - interval '1 second'`); err != nil {
		t.Fatal(err)
	}
	if body := s.post(path, url.Values{"do": {"confirm"}}).want(410).Body.String(); !strings.Contains(body, "Send me a new link") {
		t.Error(body)
	}
	if _, err := s.pool.Exec(t.Context(), `UPDATE signups SET expires_at = now() + interval '1 day'`); err != nil {
		t.Fatal(err)
	}
	s.post(path, url.Values{"do": {"confirm"}}).want(200)
	if got := status(); got != "subscribed" {
		t.Error(got)
	}
	if body := s.reader.do("GET", path, "").want(200).Body.String(); !strings.Contains(body, "You are on the list") {
		t.Error(body)
	}
	s.reader.do("GET", confirmPath+"aaaa", "").want(404)
	s.post(confirmPath+"aaaa", url.Values{"do": {"confirm"}}).want(404)
}

func TestFormsAndOptInByTheAPI(t *testing.T) {
	t.Parallel()
	s := withForm(t, "")
	c := s.admin
	c.get("/forms").want(200).keys("items.0", "id slug url name enabled language title intro button consent consent_required list_ids list_names choose fields success_title "+
		"success_text redirect_url allowed_origins max_per_hour double created_at updated_at")
	if p := c.post("/forms", `{"name":"x","list_ids":[99],"redirect_url":"ftp://x"}`).problem(400); len(p.Errors) == 0 {
		t.Errorf("%+v", p)
	}
	var preview formPreviewJSON
	c.post("/forms/preview", `{"name":"","title":"Soon","list_ids":[]}`).want(200).json(&preview)
	if !strings.Contains(preview.HTML, "Soon") || !strings.Contains(preview.HTML, "disabled") {
		t.Error(preview.HTML)
	}
	var fields formFieldChoicesJSON
	c.get("/forms/fields").want(200).json(&fields)
	if len(fields.Items) == 0 || fields.Items[0].Name != "name" {
		t.Errorf("%+v", fields)
	}
	at := fmt.Sprintf("/lists/%d/opt-in", s.listID)
	var o optInJSON
	c.get(at).want(200).json(&o)
	if o.OptIn != "double" || o.ExpireDays != 7 || o.Usual.Subject != confirm.Usual("en").Subject || o.RelayID != nil {
		t.Errorf("%+v", o)
	}
	p := c.put(at, `{"opt_in":"double","subject":"Hi","html":"<p>no link</p>"}`).problem(400)
	if len(p.Errors) != 1 || p.Errors[0].Location != "body.html" {
		t.Errorf("%+v", p)
	}
	c.put("/lists/999/opt-in", `{"opt_in":"single"}`).problem(404)
	if p := c.post(at+"/test", `{"to":"me@example.org","opt_in":"double"}`).problem(http.StatusConflict); !strings.Contains(p.Detail, "From address") {
		t.Errorf("%+v", p)
	}
	c.remove(fmt.Sprint("/forms/", s.formID)).want(204)
	c.get(fmt.Sprint("/forms/", s.formID)).problem(404)
}
