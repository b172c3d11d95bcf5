package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// keys checks that an answer is an object with exactly these members; at leads into it, "items.0" say.
func (r *response) keys(at, want string) *response {
	r.t.Helper()
	var v any
	r.json(&v)
	for step := range strings.SplitSeq(at, ".") {
		switch x := v.(type) {
		case map[string]any:
			if step != "" {
				v = x[step]
			}
		case []any:
			if len(x) == 0 {
				r.t.Fatalf("%s: nothing at %s in %s", r.what, at, r.Body)
			}
			v = x[0]
		}
	}
	object, ok := v.(map[string]any)
	if !ok {
		r.t.Fatalf("%s: no object at %q in %s", r.what, at, r.Body)
	}
	var got []string
	for k, v := range object {
		got = append(got, k)
		if strings.HasSuffix(k, "s") && k != "reply_status" && v == nil {
			r.t.Errorf("%s: the list %s is null", r.what, k)
		}
	}
	slices.Sort(got)
	fields := strings.Fields(want)
	slices.Sort(fields)
	if diff := cmp.Diff(fields, got); diff != "" {
		r.t.Errorf("%s: members at %q: %s", r.what, at, diff)
	}
	return r
}

const (
	listKeys       = "id name description public created_at updated_at counts no_tracking opt_in time_zone"
	subscriberKeys = "id email name attributes created_at updated_at suppressed pause frequency subscriptions no_tracking"
	importKeys     = "id list_id list_name filename status error format columns mapping size_bytes read_bytes rows created updated unchanged rejected unsubscribed flagged created_by consent check undo " +
		"suppressed progress created_at started_at finished_at"
	templateKeys = "id name role kind layout_id inline_css subject preheader html text version created_at updated_at"
	summaryKeys  = "id purpose name status pause_reason subject preheader from_name from_email reply_to kind layout_id inline_css template_id relay_id relay_ids list_ids track_opens track_clicks " +
		"segment_ids exclude_segment_ids exclude_list_ids ignore_frequency_cap " +
		"unconfirmed_policy expires_after_hours max_bounce_percent max_complaint_percent window local_time ab_test local_at zones_invalid zones_missing undoable_until issue parent_id run_no rerun_to scheduled_at started_at finished_at recipients excluded freezing created_at updated_at"
	campaignKeys = summaryKeys + " html text"
	statsKeys    = "recipients queued waiting next_opens_at claimed sent deferred bounced failed unconfirmed skipped excluded opens unique_opens clicks unique_clicks " +
		"unsubscribes as_of rate_per_second seconds_left held_up"
	deliveryKeys = "campaign_id message campaign_name seq subscriber_id email state variant attempts relay_id relay_name reply_code reply_status reply_text " +
		"next_attempt_at waits waits_until updated_at sent_at skip_reason message_id opens clicks unsubscribed"
	relayKeys = "id name provider oauth_client_id oauth_token_url has_oauth_client_secret has_oauth_refresh_token kind host port tls auth username has_password helo_name max_connections max_messages_per_connection per_second per_minute per_hour per_day weight from_domains recipient_sites site_limits warmup window blocked_until blocked_reason pace " +
		"return_path dkim signing_profile status pause_reason in_use created_at updated_at"
	domainKeys = "id domain bounce_domain warmup window health checked_at checks keys created_at"
)

func TestShapesOfTheAudience(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	list := c.post("/lists", `{"name":"News"}`).want(201).keys("", listKeys).keys("counts", "subscribed unconfirmed unsubscribed suppressed").id()
	c.get("/lists").want(200).keys("", "items next_cursor total total_exact").keys("items.0", listKeys)
	c.put(fmt.Sprint("/lists/", list), `{"name":"Newer","description":"d"}`).want(200).keys("", listKeys)
	c.put(fmt.Sprint("/lists/", list, "/public"), `{"public":true}`).want(200).keys("", listKeys)
	c.put("/lists/999/public", `{"public":true}`).problem(404)

	body := fmt.Sprintf(`{"email":"bob@example.net","attributes":{"city":"Leeds","n":1.5},"list_ids":[%d]}`, list)
	person := c.post("/subscribers", body).want(201).keys("", subscriberKeys).
		keys("subscriptions.0", "list_id list_name status source created_at updated_at").id()
	if p := c.post("/subscribers", body).problem(409); !slices.Equal(p.locations(), []string{"body.email"}) {
		t.Errorf("second time: %+v", p)
	}
	at := fmt.Sprint("/subscribers/", person)
	c.put(at, `{"email":"bob@example.net","name":"Bob","attributes":{}}`).want(200).keys("", subscriberKeys)
	c.put(fmt.Sprint(at, "/subscriptions/", list), `{"status":"unsubscribed"}`).want(200).keys("", subscriberKeys)
	c.put(fmt.Sprint(at, "/subscriptions/", list), `{"status":"gone"}`).problem(400)
	c.get(at+"/deliveries").want(200).keys("", "items next_cursor")
	c.get(at+"/events").want(200).keys("", "items next_cursor")
	c.get(at+"/unsubscribes").want(200).keys("", "items next_cursor")
	c.get("/subscribers/999/unsubscribes").problem(404)
	c.remove(at + "/pause").problem(404)
	c.post("/suppressions", `{"email":"bob@example.net","detail":"asked by phone"}`).want(201).keys("", "email reason source detail created_at")
	c.get("/suppressions?q=bob").want(200).keys("", "items next_cursor").keys("items.0", "email reason source detail created_at")
	c.get(at).want(200).keys("suppressed", "email reason source detail created_at")
	c.post("/suppressions", `{"email":"@example.org","reason":"complaint"}`).want(201)
	for query, want := range map[string]int{"": 2, "?domains=true": 1, "?reason=complaint": 1, "?reason=bounce": 0, "?q=nobody": 0} {
		var p pageJSON[suppressionJSON]
		if c.get("/suppressions" + query).want(200).json(&p); len(p.Items) != want {
			t.Errorf("%q finds %d", query, len(p.Items))
		}
		if body := c.get("/suppressions.csv" + query).want(200).Body.String(); strings.Count(body, "\r\n") != want+1 || !strings.HasPrefix(body, "\ufeffemail,reason,source,detail,created_at") {
			t.Errorf("%q as a file: %s", query, body)
		}
	}
	var taken suppressionImportJSON
	c.sendForm("/suppressions/import", [2]string{"reason", "bounce"}, [2]string{"detail", "old"}, [2]string{"file", "x@example.net\n@y.example\n?\n"}).want(200).
		keys("problems.0", "line value reason").json(&taken)
	if taken.Rows != 3 || taken.Added != 2 || taken.Rejected != 1 {
		t.Errorf("%+v", taken)
	}
	c.sendForm("/suppressions/import", [2]string{"reason", "odd"}, [2]string{"file", "x@example.net\n"}).problem(400)
	c.sendForm("/suppressions/import", [2]string{"reason", "bounce"}).problem(400)
	c.get("/suppression-log?email=bob@example.net").want(200).keys("items.0", "id at action email reason source detail suppressed_at actor note")
	c.get("/subscribers?status=suppressed&q=BOB&limit=1").want(200).keys("", "items next_cursor total total_exact").keys("items.0", subscriberKeys)
	c.remove("/suppressions/bob@example.net?note=they+asked").want(204)
	c.post("/suppressions", `{"email":"a/b+c@example.net"}`).want(201)
	c.remove("/suppressions/a%2Fb%2Bc%40example.net?note=n").want(204) // as encodeURIComponent writes it
	c.remove(fmt.Sprint(at, "/subscriptions/", list)).want(200).keys("", subscriberKeys)
	c.remove(at).want(204)
	c.get(at).problem(404)
	c.remove(fmt.Sprint("/lists/", list)).want(204)
}

func TestShapesOfPeople(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	const fieldKeys = "name label type pending created_at updated_at"
	c.post("/fields", `{"name":"n","type":"text"}`).want(201).keys("", fieldKeys)
	c.post("/fields", `{"name":"n","type":"text"}`).problem(409)
	c.get("/fields").want(200).keys("", "items").keys("items.0", fieldKeys)
	c.post("/subscribers", `{"email":"a@example.net","attributes":{"n":"x"}}`).want(201)
	if p := c.post("/subscribers", `{"email":"b@example.net","attributes":{"n":1}}`).problem(400); !slices.Equal(p.locations(), []string{"body.attributes.n"}) {
		t.Errorf("%+v", p)
	}
	if p := c.put("/fields/n", `{"label":"","type":"number"}`).problem(409); !slices.Equal(p.locations(), []string{"body.type"}) {
		t.Errorf("%+v", p)
	}
	c.put("/fields/n", `{"label":"L","type":"text"}`).want(200).keys("", fieldKeys)
	c.get("/fields/n/use").want(200).keys("", "people")
	c.remove("/fields/n").problem(400)
	c.remove("/fields/n?count=0").problem(409)

	const bulkKeys = "id action list_id list_name field value note selection status error created_by total changed unchanged skipped restored kept progress can_undo created_at started_at finished_at undo_until undone_at"
	body := `"selection":{"filter":{"q":"example"}},"action":{"action":"set_field","field":"n","value":"y"}`
	c.post("/bulk-actions/preview", "{"+body+"}").want(200).keys("", "count sample").keys("sample.0", "id email name")
	c.post("/bulk-actions", "{"+body+`,"count":7}`).problem(409)
	if p := c.post("/bulk-actions/preview", `{"selection":{"filter":{"segment_id":999}},"action":{"action":"delete"}}`).problem(400); !strings.Contains(p.Detail, "segment 999") {
		t.Errorf("a segment that is not there: %+v", p)
	}
	if p := c.post("/bulk-actions/preview", `{"selection":{},"action":{"action":"set_field","field":"n","value":7}}`).problem(400); !slices.Equal(p.locations(), []string{"body.action.value"}) {
		t.Errorf("%+v", p)
	}
	id := c.post("/bulk-actions", "{"+body+`,"count":1}`).want(202).keys("", bulkKeys).keys("selection", "selected q list_id status field value segment").id()
	at := fmt.Sprint("/bulk-actions/", id)
	c.get("/bulk-actions").want(200).keys("items.0", bulkKeys)
	c.get(at).want(200).keys("", bulkKeys)
	c.get(at+"/kept?undo=true").want(200).keys("", "items next_cursor")
	c.post(at+"/undo", "").problem(409)
	c.post(at+"/cancel", "").want(200).keys("", bulkKeys)
	c.get(at + "/progress").want(200).contains("event: progress")
	c.get("/bulk-actions/999").problem(404)
	c.remove("/fields/n?count=1").want(202)
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	for i := range 5 {
		c.post("/lists", fmt.Sprintf(`{"name":"List %d"}`, i)).want(201)
	}
	var names []string
	path := "/lists?limit=2"
	for range 3 {
		var p pageJSON[listJSON]
		c.get(path).want(200).json(&p)
		for _, l := range p.Items {
			names = append(names, l.Name)
		}
		if *p.Total != 5 {
			t.Errorf("total %d", *p.Total)
		}
		if p.NextCursor == nil {
			path = ""
			break
		}
		path = "/lists?limit=2&cursor=" + *p.NextCursor
	}
	if diff := cmp.Diff([]string{"List 0", "List 1", "List 2", "List 3", "List 4"}, names); diff != "" || path != "" {
		t.Errorf("%s, then %q", diff, path)
	}
}

// upload sends a form; each part is a field, or the file when its name is file.
func (c *client) upload(parts ...[2]string) *response {
	c.t.Helper()
	return c.sendForm("/imports", parts...)
}

func (c *client) sendForm(path string, parts ...[2]string) *response {
	c.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for _, p := range parts {
		create := form.CreateFormField
		if p[0] == "file" {
			create = func(name string) (io.Writer, error) { return form.CreateFormFile(name, "people.csv") }
		}
		part, err := create(p[0])
		if err != nil {
			c.t.Fatal(err)
		}
		if _, err := part.Write([]byte(p[1])); err != nil {
			c.t.Fatal(err)
		}
	}
	if err := form.Close(); err != nil {
		c.t.Fatal(err)
	}
	return c.post(path, body.String(), header("Content-Type", form.FormDataContentType()))
}

func TestImport(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	list := fmt.Sprint(c.post("/lists", `{"name":"News"}`).want(201).id())
	const people = "Email,Name\nann@example.org,Ann\nnobody,Bob\n"
	r := c.upload([2]string{"list_id", list}, [2]string{"file", people}).want(201).keys("", importKeys).keys("columns.0", "index header samples suggested")
	var imp importJSON
	r.json(&imp)
	if imp.Filename != "people.csv" || imp.Status != "uploaded" || imp.SizeBytes != int64(len(people)) {
		t.Errorf("import %+v", imp)
	}
	at := fmt.Sprint("/imports/", imp.ID)
	const mapping = `{"columns":[{"index":0,"target":"email"},{"index":1,"target":"name"}],"status":"subscribed"}`
	var p previewJSON
	format, err := json.Marshal(imp.Format)
	if err != nil {
		t.Fatal(err)
	}
	c.post(at+"/preview", fmt.Sprintf(`{"mapping":%s,"format":%s}`, mapping, format)).want(200).
		keys("rows.0", "row email name attributes problems").json(&p)
	if p.OK != 1 || p.Rejected != 1 || len(p.Rows) != 2 {
		t.Errorf("preview %+v", p)
	}
	other := strings.Replace(string(format), `"delimiter":","`, `"delimiter":";"`, 1)
	if p := c.post(at+"/preview", fmt.Sprintf(`{"mapping":%s,"format":%s}`, mapping, other)).problem(400); !slices.Equal(p.locations(), []string{"body.format"}) {
		t.Errorf("another format: %+v", p)
	}
	changed := c.put(at+"/format", `{"delimiter":";","has_header":false}`).want(200)
	changed.json(&imp)
	if imp.Format.Delimiter != ";" || imp.Format.HasHeader || len(imp.Columns) != 1 {
		t.Errorf("read in another way: %+v", imp)
	}
	if p := c.put(at+"/format", `{"encoding":"morse"}`).problem(400); !slices.Equal(p.locations(), []string{"body.encoding"}) {
		t.Errorf("no such encoding: %+v", p)
	}
	c.put(at+"/format", `{"delimiter":",","has_header":true}`).want(200)
	c.get("/imports/encodings").want(200).keys("items.0", "name label")
	c.post(at+"/preview", `{"mapping":{"columns":[]}}`).problem(400)
	c.post(at+"/check", `{"mapping":{"columns":[]}}`).problem(400)
	c.post(at+"/check", fmt.Sprintf(`{"mapping":%s}`, mapping)).want(202).keys("", importKeys).
		keys("check", "status error mapping rows created updated unchanged rejected suppressed unsubscribed flagged finished_at")
	c.post(at+"/check", fmt.Sprintf(`{"mapping":%s}`, mapping)).problem(409)
	c.post(at+"/start", fmt.Sprintf(`{"mapping":%s}`, mapping)).problem(409)
	c.remove(at+"/check").want(200).keys("", importKeys)
	if _, err := b.pool.Exec(t.Context(), `INSERT INTO import_samples (import_id, kind, row, email, before, after) VALUES ($1, 'updated', 2, 'a@x.org', '{"name": null}', '{"name": "A"}')`, imp.ID); err != nil {
		t.Fatal(err)
	}
	c.get(at+"/samples?kind=updated").want(200).keys("items.0", "row email before after reason")
	c.get(at + "/samples?kind=nonsense").problem(400)
	c.get("/imports/99/samples?kind=updated").problem(404)
	c.post(at+"/undo", "").problem(409)
	c.post(at+"/start", fmt.Sprintf(`{"mapping":%s,"consent":"Sign-up sheet at the fair"}`, mapping)).want(202).keys("", importKeys).keys("mapping", "columns status")
	c.post(at+"/start", fmt.Sprintf(`{"mapping":%s}`, mapping)).problem(409)
	c.get("/imports").want(200).keys("items.0", importKeys)
	c.get(at+"/errors").want(200).keys("", "items next_cursor total total_exact")
	csv := c.get(at + "/errors.csv").want(200)
	if h := csv.Header(); h.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(h.Get("Content-Disposition"), "import-") || !strings.HasPrefix(csv.Body.String(), "Email,Name,") {
		t.Errorf("error file: %v %s", h, csv.Body)
	}
	c.get("/imports/99/errors.csv").problem(404)
	c.post(at+"/cancel", "").want(200).keys("", importKeys)
	if _, err := b.pool.Exec(t.Context(), `UPDATE imports SET rows = 1 WHERE id = $1`, imp.ID); err != nil {
		t.Fatal(err)
	}
	c.post(at+"/undo", "").want(202).keys("", importKeys).keys("undo", "removed unsubscribed restored kept started_at finished_at")
	if _, err := b.pool.Exec(t.Context(), `UPDATE imports SET status = 'undone' WHERE id = $1`, imp.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.pool.Exec(t.Context(), `INSERT INTO import_kept (import_id, subscriber_id, email, what, reason) VALUES ($1, 1, 'a@x.org', 'person', 'changed since')`, imp.ID); err != nil {
		t.Fatal(err)
	}
	c.get(at+"/kept").want(200).keys("items.0", "subscriber_id email what reason")
	c.get("/imports/99/kept").problem(404)
	if events := c.get(at + "/progress").want(200).Body.String(); !strings.HasPrefix(events, "event: progress\ndata: {") || strings.Count(events, "event:") != 1 {
		t.Errorf("progress of an ended import: %s", events)
	}
}

func TestUploadsThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	list := fmt.Sprint(c.post("/lists", `{"name":"News"}`).want(201).id())
	const people = "Email\nann@example.org\n"
	for name, test := range map[string]struct {
		parts     [][2]string
		locations []string
	}{
		"file first":      {[][2]string{{"file", people}, {"list_id", list}}, []string{"body.list_id"}},
		"no file":         {[][2]string{{"list_id", list}}, []string{"body.file"}},
		"list not a list": {[][2]string{{"list_id", "x"}, {"file", people}}, []string{"body.list_id"}},
	} {
		if p := c.upload(test.parts...).problem(400); !slices.Equal(p.locations(), test.locations) {
			t.Errorf("%s: %+v", name, p)
		}
	}
	c.upload([2]string{"list_id", list}, [2]string{"file", "\x00\x01\xff"}).problem(400)
	c.post("/imports", `{"list_id":1}`).problem(400)
	// The form ends in the middle of the file.
	form := "--b\r\nContent-Disposition: form-data; name=\"list_id\"\r\n\r\n" + list +
		"\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p.csv\"\r\n\r\nEmail\nann@ex"
	if p := c.post("/imports", form, header("Content-Type", "multipart/form-data; boundary=b")).problem(400); !strings.Contains(p.Detail, "broke off") {
		t.Errorf("broken upload: %+v", p)
	}
	if n := b.count(t, "imports"); n != 0 {
		t.Errorf("%d imports are left", n)
	}
}

func TestShapesOfContent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	id := c.post("/templates", `{"name":"T","subject":"S","html":"<p>{{ subscriber.name }}</p>"}`).want(201).keys("", templateKeys).id()
	at := fmt.Sprint("/templates/", id)
	c.put(at, `{"name":"T2","subject":"S","html":"<p>x</p>","text":""}`).want(200).keys("", templateKeys)
	c.get("/templates").want(200).keys("items.0", templateKeys)
	if p := c.post("/templates", `{"name":"Bad","html":"<p>\n{{ x | shout }}</p>"}`).problem(400); !slices.Equal(p.locations(), []string{"body.html"}) {
		t.Errorf("bad Liquid: %+v", p)
	}
	c.get(at+"/versions?limit=1").want(200).keys("", "items next_cursor").keys("items.0", "version name kind layout_id inline_css subject author note at")
	c.get(at+"/versions/1").want(200).keys("", "version name kind layout_id inline_css subject preheader html text author note at")
	c.get(at+"/versions/2/diff").want(200).keys("", "from to parts").keys("parts.0", "part hunks").keys("parts.0.hunks.0", "from_start to_start lines").
		keys("parts.0.hunks.0.lines.0", "op text")
	c.post(at+"/versions/2/diff", `{"name":"T2","subject":"mine"}`).want(200).keys("", "from to parts").keys("parts.0", "part hunks")
	c.post(at+"/versions/9/diff", `{"name":"T2"}`).problem(404)
	c.post(at+"/versions/1/restore", "").want(200).keys("", templateKeys)
	c.put(at, `{"name":"T2","version":1}`).problem(409)
	layout := c.post("/templates", `{"name":"L","role":"layout","html":"<html>{% block \"main\" %}{% endblock %}</html>"}`).want(201).id()
	md := fmt.Sprintf(`{"kind":"markdown","layout_id":%d,"subject":"S","html":"# Hi {{ subscriber.name }}","text":"","images":"off"}`, layout)
	var page RenderedJSON
	if c.post("/render", md).want(200).json(&page); !strings.HasPrefix(page.HTML, "<html><h1>Hi Jane Doe</h1>") {
		t.Errorf("Markdown in a layout gave %s", page.HTML)
	}
	c.post("/templates", fmt.Sprintf(`{"name":"C","layout_id":%d,"html":"x"}`, layout)).want(201)
	if p := c.remove(fmt.Sprint("/templates/", layout)).problem(409); !strings.Contains(p.Detail, `content "C"`) {
		t.Errorf("a layout in use: %+v", p)
	}
	raw := c.post("/render/raw", `{"subject":"S","html":"<p>x</p>","text":"","from_email":"a@example.org"}`).want(200).keys("", "headers raw").keys("headers.0", "name value")
	if !strings.Contains(raw.Body.String(), "List-Unsubscribe-Post") {
		t.Errorf("raw message %s", raw.Body)
	}
	c.post("/render/raw", `{"subject":"S","html":"x","text":""}`).problem(400)
	c.post("/templates/import-mailchimp", `{"html":"*|FNAME|*"}`).want(200).keys("", "subject preheader html text report").
		keys("report.0", "part line source result translated note")
	c.remove(at).want(204)
	r := c.post("/render", `{"subject":"Hello {{ subscriber.name }}","html":"<p><img src=x>{{ subscriber.first_name }}</p>","text":"","scheme":"dark"}`).want(200).
		keys("", "subject html text text_generated size_bytes links warnings fields")
	var v RenderedJSON
	if r.json(&v); v.Subject != "Hello Jane Doe" || !strings.Contains(v.HTML, "Jane") || !v.TextGenerated || len(v.Warnings) == 0 {
		t.Errorf("rendered %+v", v)
	}
	p := c.post("/render", `{"subject":"S","html":"<p>\n{{ x | shout }}</p>","text":""}`).problem(400)
	if !slices.Equal(p.locations(), []string{"body.html"}) || !strings.Contains(p.Errors[0].Message, "line 2") {
		t.Errorf("bad Liquid: %+v", p)
	}
	c.post("/render", `{"subject":"S","html":"x","text":"","subscriber_id":99}`).problem(404)
	c.get("/merge-tags").want(200).keys("", "items").keys("items.0", "tag label example")
}

// TestShapesABTest goes through the settings and the report of a test, which is not started.
func TestShapesABTest(t *testing.T) {
	t.Parallel()
	c := setup(t).admin(t)
	const testKeys = "variants sample_percent metric wait_minutes min_sample no_winner state seed sample_sent_at decides_at decided_at winner"
	test := `{"variants":[{"subject":"A"},{"subject":"B","html":"<p>b</p>"}],"sample_percent":20,"wait_minutes":60,"no_winner":"ask"}`
	var d campaignJSON
	c.post("/campaigns", `{"name":"Test","ab_test":`+test+`}`).want(201).keys("ab_test", testKeys).keys("ab_test.variants.0", "subject preheader from_name html text").json(&d)
	if a := d.ABTest; a == nil || a.Metric != "clicks" || a.MinSample != 100 || a.State != "draft" || *a.Variants[1].HTML != "<p>b</p>" || a.Variants[1].FromName != nil {
		t.Errorf("%+v", a)
	}
	at := fmt.Sprint("/campaigns/", d.ID)
	var listed struct{ Items []campaignSummaryJSON }
	if c.get("/campaigns?status=draft").want(200).json(&listed); listed.Items[0].ABTest == nil || listed.Items[0].ABTest.Variants[1].HTML != nil || *listed.Items[0].ABTest.Variants[1].Subject != "B" {
		t.Errorf("%+v", listed.Items[0].ABTest)
	}
	c.get(at+"/ab-test").want(200).keys("", testKeys+" rest figures best clear standing detectable decisions").
		keys("figures.0", "variant assigned waiting sent opened clicked rate low high p")
	c.post(at+"/ab-test/decide", `{"variant":2}`).problem(409) // not started
	c.post(at+"/ab-test/decide", `{"variant":0}`).problem(400)
	if p := c.post(at+"/test", `{"to":["ann@example.net"],"variant":3}`).problem(400); !slices.Equal(p.locations(), []string{"body.variant"}) {
		t.Errorf("%+v", p)
	}
	if p := c.put(at, `{"name":"Test","ab_test":{"variants":[],"sample_percent":60,"wait_minutes":60}}`).problem(400); !slices.Equal(p.locations(), []string{"body.ab_test.sample_percent", "body.ab_test.no_winner"}) {
		t.Errorf("%+v", p.locations())
	}
	c.put(at, `{"name":"Test","ab_test":{"variants":[],"sample":60}}`).problem(400)
	c.put(at, `{"name":"Test","ab_test":null}`).want(200).json(&d)
	if d.ABTest != nil {
		t.Errorf("%+v", d.ABTest)
	}
	c.get(at + "/ab-test").problem(404)
	c.remove(at).want(204)
}

const outcomeKeys = "recipients accepted delivered refused came_back failed unconfirmed skipped waiting complaints unsubscribes opened clicked"

func TestShapesOfCampaigns(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.admin
	draft := c.post("/campaigns", `{"name":"Draft"}`).want(201).keys("", campaignKeys)
	var d campaignJSON
	if draft.json(&d); !d.TrackOpens || !d.TrackClicks || d.UnconfirmedPolicy != "hold" || d.ExpiresAfterHours != 72 {
		t.Errorf("defaults %+v", d)
	}
	at := fmt.Sprint("/campaigns/", d.ID)
	c.put(at, fmt.Sprintf(`{"name":"Draft","track_opens":false,"list_ids":[%d]}`, m.listID)).want(200).json(&d)
	if d.TrackOpens || !d.TrackClicks || !slices.Equal(d.ListIDs, []int64{m.listID}) {
		t.Errorf("changed %+v", d)
	}
	c.get(at+"/audience").want(200).keys("", "subscribed mailable exact excluded")
	c.get(at + "/forecast?messages=5").problem(409) // no relay yet
	c.put(at, fmt.Sprintf(`{"name":"Draft","track_opens":false,"list_ids":[%d],"html":"{{ subscriber.town }}"}`, m.listID)).want(200)
	c.post(at+"/fields-use", "").want(200).keys("items.0", "field count exact examples").keys("items.0.examples.0", "id email")
	c.put(at, fmt.Sprintf(`{"name":"Draft","track_opens":false,"list_ids":[%d]}`, m.listID)).want(200)
	p := c.post(at+"/start", "").problem(400)
	for _, want := range []string{"body.subject", "body.relay_id", "body.from_email", "body.html"} {
		if !slices.Contains(p.locations(), want) {
			t.Errorf("start of a draft: no %s in %+v", want, p)
		}
	}
	c.post(at+"/schedule", `{"at":"2020-01-01T00:00:00Z"}`).problem(400)
	c.post(at+"/schedule", `{"at":"tomorrow"}`).problem(400)
	c.post(at+"/pause", "").problem(409)
	c.post(at+"/test", `{"to":[]}`).problem(400)
	if p := c.post(at+"/test", `{"to":["ann@example.net"],"relay_id":999}`).problem(400); !slices.Equal(p.locations(), []string{"body.relay_id"}) {
		t.Errorf("a test through somebody else's relay is refused as %+v", p)
	}
	c.post(at+"/schedule", `{}`).problem(400)
	c.post(at+"/schedule", `{"local_at":"nine"}`).problem(400)
	c.remove(at).want(204)

	at = fmt.Sprint("/campaigns/", m.campaignID)
	c.get(at+"/gates").want(200).keys("", "items")
	c.get("/campaigns/99/gates").problem(404)
	c.get(at+"/mail?images=off&scheme=dark").want(200).keys("", "subject html text text_generated size_bytes links warnings fields from_name from_email reply_to variants")
	c.get(at+"/mail/raw").want(200).keys("", "headers raw")
	c.get(at + "/mail?variant=2").problem(404)
	c.get(at + "/mail/raw?variant=2").problem(404)
	c.get(at+"/runs").want(200).keys("", "items recipients reached opened clicked").keys("items.0", summaryKeys+" stats")
	c.post(at+"/runs/count", `{"to":["failed"]}`).want(200).keys("", "people")
	c.post(at+"/runs", `{"to":["friends"]}`).problem(400)
	c.post(at+"/runs", `{"to":["failed"],"undo_seconds":3}`).problem(400)
	c.post(at+"/runs", `{"to":["failed"]}`).want(201).keys("", campaignKeys)
	c.post(at+"/runs", `{"to":["failed"]}`).problem(409)
	c.put(at, `{"name":"Too late"}`).problem(409)
	c.get("/campaigns?status=running").want(200).keys("items.0", summaryKeys+" stats").keys("items.0.stats", statsKeys)
	c.get(at+"/stats").want(200).keys("", statsKeys)
	c.get(at+"/timeline").want(200).keys("", "times sent bounced deferred opens clicks")
	c.get(at+"/links").want(200).keys("items.0", "id url variant clicks unique_clicks")
	c.get(at+"/deliveries?state=queued&q=bob").want(200).keys("items.0", deliveryKeys)
	c.get(at+"/deliveries/1").want(200).keys("", deliveryKeys+" queued_at first_tried_at attempts_log reports events")
	c.get(at + "/deliveries/99").problem(404)
	c.get(at+"/outcomes").want(200).keys("", "as_of total reasons relays providers variants").keys("total", outcomeKeys).
		keys("relays.0", "id name "+outcomeKeys).keys("providers.0", "id name domains "+outcomeKeys)
	c.get("/campaigns/99/outcomes").problem(404)
	for _, name := range []string{"total", "reasons", "relays", "providers", "variants", "links", "timeline"} {
		file := c.get(at + "/stats.csv?table=" + name).want(200)
		if h := file.Header(); h.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(h.Get("Content-Disposition"), "-"+name+".csv") || !strings.HasPrefix(file.Body.String(), "\ufeff") {
			t.Errorf("%s: %v %s", name, h, file.Body)
		}
	}
	c.get(at + "/stats.csv").problem(400)
	c.get("/campaigns/99/stats.csv?table=total").problem(404)
	c.get("/lists/1/stats").want(200).keys("items.0", "campaign_id campaign_name started_at shared "+outcomeKeys)
	c.get("/lists/1/growth").want(200).keys("", "times joined left suppressed")
	if file := c.get("/lists/1/stats.csv?table=campaigns").want(200); strings.Count(file.Body.String(), "\n") != 2 {
		t.Errorf("%s", file.Body)
	}
	c.get("/lists/1/stats.csv?table=growth").want(200)
	for _, path := range []string{"/lists/99/stats", "/lists/99/growth", "/lists/99/stats.csv?table=campaigns", "/relays/99/stats", "/relays/99/stats.csv"} {
		c.get(path).problem(404)
	}
	c.get("/relays/1/stats").want(200).keys("", "day month").keys("day", "since accepted refused failed put_off came_back complaints reasons")
	c.get("/relays/1/stats.csv").want(200)
	c.get("/reports?address=a%40example.org").want(200).keys("", "items next_cursor")
	c.get(fmt.Sprintf("/subscribers/%d/deliveries", m.personID)).want(200).keys("items.0", deliveryKeys)
	c.get(at+"/exclusions?reason=suppressed").want(200).keys("", "items next_cursor")
	c.post(at+"/unconfirmed", `{"action":"assume_delivered"}`).want(200).keys("", "changed")
	c.get("/events?kind=open").want(200).keys("", "items next_cursor")
	c.post(at+"/pause", "").want(200).keys("", campaignKeys)
	c.post(at+"/resume", "").want(200)
	c.remove(at).problem(409)
	c.post(at+"/cancel", "").want(200)
	c.get("/overview").want(200).keys("", "subscribers lists sent_24h bounced_24h last_30_days running recent sent_by_day checklist sending").
		keys("recent.0", "campaign stats").keys("checklist", "relay domain list campaign").keys("sent_by_day", "times sent bounced opens clicks").keys("recent.0.stats", statsKeys).
		keys("last_30_days", "sent bounced complaints")
	c.get("/system").want(200).keys("", "version uptime_seconds database postgres_version nodes inbox")
}

func TestShapesOfProviders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	c.get("/providers").want(200).keys("", "items next_cursor").keys("items.0", "id name kind as_of docs hosts endpoints auth username username_hint password_hint "+
		"needs oauth limits quota signing_profile signs_itself return_path site_limits reading").
		keys("items.0.reading", "name servers auth username_hint password_hint needs scope poll_minutes limits").
		keys("items.0.reading.limits", "connections imap_bytes_per_day pop3_bytes_per_day upload_bytes_per_day source").keys("items.0.reading.servers.0", "protocol host region port tls").
		keys("items.0.limits", "connections messages_per_connection recipients_per_message per_second per_minute per_hour per_day note source").
		keys("items.0.hosts.0", "host region").keys("items.0.endpoints.0", "port tls").keys("items.0.needs.0", "text link").keys("items.0.oauth", "token_url scope docs")
	var e explanationJSON
	c.post("/explain", `{"text":"550-5.4.5 Daily user\r\n550 5.4.5 sending limit exceeded","provider":"gmail","stage":"rcpt"}`).want(200).
		keys("", "code status text stage permanence reason fault action retry_after_seconds provider known_text whose_fault program remedy").json(&e)
	if e.Reason != "quota_exhausted" || e.Action != "stop_relay" || e.RetryAfterSeconds != 86400 || e.Provider != "Gmail" || !e.KnownText {
		t.Errorf("%+v", e)
	}
	for body, field := range map[string]string{`{"text":"hello"}`: "body.text", `{"text":"550 no","provider":"pigeon"}`: "body.provider", `{"text":"550 no","stage":"lunch"}`: "body.stage"} {
		if got := c.post("/explain", body).problem(400).locations(); !slices.Contains(got, field) {
			t.Errorf("%s: %s is not among %q", body, field, got)
		}
	}
	c.post("/relays", `{"name":"x","provider":"pigeon","host":"smtp.example.org","port":587,"auth":"none"}`).problem(400)
	const oauth = `"name":"OAuth","provider":"gmail","host":"smtp.gmail.com","port":465,"tls":"implicit","auth":"xoauth2","username":"a@gmail.com","oauth_client_id":"c"`
	var v relayJSON
	at := fmt.Sprint("/relays/", c.post("/relays", `{`+oauth+`,"oauth_client_secret":"very-secret","oauth_refresh_token":"very-secret-too"}`).want(201).id())
	c.put(at, `{`+oauth+`}`).want(200).json(&v)
	if !v.HasClientSecret || !v.HasRefreshToken || v.HasPassword || v.OAuthTokenURL != "https://oauth2.googleapis.com/token" {
		t.Errorf("%+v", v)
	}
	if strings.Contains(b.logs.String(), "very-secret") {
		t.Error("a secret is in the log")
	}
}

func TestShapesOfSending(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	const relay = `"name":"Main","host":"127.0.0.1","port":1,"tls":"none","auth":"plain","username":"u"`
	r := c.post("/relays", `{`+relay+`,"password":"very-secret"}`).want(201).keys("", relayKeys)
	at := fmt.Sprint("/relays/", r.id())
	var v relayJSON
	c.put(at, `{`+relay+`,"per_minute":100,"per_day":2000,"warmup":{"start":"2026-11-27","first":50,"percent":30},"window":{"days":[1,2,3,4,5],"from":"08:00","until":"18:30","zone":"Europe/Berlin"}}`).want(200).json(&v)
	if !v.HasPassword || v.PerMinute == nil || *v.PerMinute != 100 || v.Warmup == nil || v.Warmup.Start != "2026-11-27" || v.Window == nil || v.Window.Until != "18:30" {
		t.Errorf("changed without a password: %+v", v)
	}
	var allDay relayJSON
	c.put(at, `{`+relay+`,"window":{"days":[6,7],"from":"00:00","until":"24:00"}}`).want(200).json(&allDay)
	if allDay.Window == nil || allDay.Window.Until != "24:00" {
		t.Errorf("a window of whole days came back as %+v", allDay.Window)
	}
	c.put(at, `{`+relay+`,"per_day":2000,"window":null,"warmup":null}`).want(200).json(&allDay)
	if allDay.Window != nil || allDay.Warmup != nil {
		t.Errorf("null left %+v and %+v", allDay.Window, allDay.Warmup)
	}
	if p := c.put(at, `{`+relay+`,"window":{"days":"Monday","from":"00:00","until":"24:00"}}`).problem(400); !slices.Equal(p.locations(), []string{"body.window.days"}) {
		t.Errorf("a window without sense is refused as %+v", p)
	}
	c.get(at+"/pace").want(200).keys("", "used_hour used_day warmup_cap held_up changes")
	c.get(at+"/forecast?messages=100000").want(200).keys("", "starts_at messages ends_at decided_by").keys("decided_by", "limit relay_id domain_id name")
	var later forecastJSON
	c.get(at + "/forecast?messages=100000&start_at=2031-01-01T09:00:00Z").want(200).json(&later)
	if later.StartsAt != time.Date(2031, 1, 1, 9, 0, 0, 0, time.UTC) {
		t.Errorf("reckoned from %s", later.StartsAt)
	}
	c.get(at + "/forecast").problem(400)
	c.get(at + "/forecast?messages=1&start_at=tomorrow").problem(400)
	c.get(at+"/sites").want(200).keys("", "items next_cursor")
	c.get("/site-limits").want(200).keys("", "as_of known items").keys("known.0", "site name mx per_minute per_hour in_flight").
		keys("items.0", "relay_id site per_minute per_hour in_flight shipped")
	var limits siteLimitsJSON
	c.put("/site-limits", `{"items":[{"site":"google","per_minute":60}]}`).want(200).json(&limits)
	if i := limits.Items[0]; i.Shipped || *i.PerMinute != 60 || limits.Known[0].Site != "google" || *limits.Known[0].PerMinute != 300 {
		t.Errorf("what is shipped is not told beside what was set: %+v, %+v", i, limits.Known[0])
	}
	c.put("/site-limits", `{"items":[{"site":"google","per_minute":0}]}`).problem(400)
	c.get("/relays").want(200).keys("", "items next_cursor").keys("items.0", relayKeys)
	c.post("/relays", `{"name":"x","host":"http://x","port":0}`).problem(400)
	c.post(at+"/pause", "").want(200).keys("", relayKeys)
	c.get(at+"/pace").want(200).keys("held_up", "code reason until relay_id domain_id")
	c.post(at+"/resume", "").want(200)
	for _, r := range []*response{
		c.post(at+"/test", ""), c.post(at+"/test", `{"from":"a@example.org","to":"ann@example.org"}`), c.post("/relays/test", `{`+relay+`,"password":"very-secret","from":"a@example.org"}`),
	} {
		var report testReportJSON
		if r.want(200).keys("steps.0", "step ok detail ms").json(&report); report.OK {
			t.Errorf("a relay that is not there works: %+v", report)
		}
	}
	if strings.Contains(b.logs.String(), "very-secret") {
		t.Error("the password is in the log")
	}
	c.remove(at).want(204)

	d := c.post("/domains", `{"domain":"example.org","bounce_domain":"bounce.example.org"}`).want(201).keys("", domainKeys).
		keys("keys.0", "id selector algorithm status record_name record_value created_at seen_at activated_at retired_at keep_until")
	var dom domainJSON
	d.json(&dom)
	at = fmt.Sprint("/domains/", dom.ID)
	c.get(at).want(200).keys("", domainKeys)
	c.put(at, `{"domain":"example.org","bounce_domain":null}`).want(200).json(&dom)
	if dom.BounceDomain != nil {
		t.Errorf("bounce domain %q", *dom.BounceDomain)
	}
	c.put(at, `{"domain":"example.org","warmup":{"start":"2030-11-27","first":50,"percent":30,"zone":"Europe/Berlin"},"window":{"days":[1,5],"from":"08:00","until":"18:30"}}`).
		want(200).keys("warmup", "start first percent zone").json(&dom)
	if dom.Warmup == nil || dom.Warmup.Start != "2030-11-27" || dom.Warmup.Zone != "Europe/Berlin" || dom.Window == nil || dom.Window.Until != "18:30" {
		t.Errorf("%+v %+v", dom.Warmup, dom.Window)
	}
	wrong := `{"domain":"example.org","warmup":{"start":"2030-11-27","first":0,"percent":0,"zone":"x"},"window":{"days":[],"from":"8","until":"18:30","zone":"y"}}`
	if p := c.put(at, wrong).problem(400); !slices.Equal(p.locations(), []string{"body.warmup.first", "body.warmup.percent", "body.warmup.zone",
		"body.window.days", "body.window.from", "body.window.zone"}) {
		t.Errorf("%+v", p)
	}
	if p := c.put(at, `{"domain":"example.org","warmup":{"start":"soon","first":1,"percent":1}}`).problem(400); !slices.Equal(p.locations(), []string{"body.warmup.start"}) {
		t.Errorf("%+v", p)
	}
	c.get(at+"/pace").want(200).keys("", "used_day warmup_cap held_up")
	c.get(at+"/forecast?messages=100000").want(200).keys("", "starts_at messages ends_at decided_by")
	c.get("/domains/99/pace").problem(404)
	c.post(fmt.Sprintf("/dkim-keys/%d/retire", dom.Keys[0].ID), "").problem(409)
	c.post(at+"/keys", `{"algorithm":"rsa2048"}`).problem(409)
	c.post(at+"/keys", `{"algorithm":"ed25519"}`).want(201).json(&dom)
	c.post(fmt.Sprintf("/dkim-keys/%d/retire", dom.Keys[1].ID), "").want(200)
	c.post(at+"/check", "").want(200).keys("", domainKeys).keys("checks.0", "purpose type name expected split found status message explanation")
	c.get("/domains").want(200).keys("items.0", domainKeys)
	c.remove(at).want(204)

	c.get("/inbox").want(200).keys("", "enabled address total")
	c.get("/inbox/messages").want(200).keys("", "items next_cursor")
	c.get("/inbox/messages/1").problem(404)
	c.do(http.MethodDelete, Prefix+"/inbox/messages", "").want(204)
}

func TestShapesOfSegments(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.admin
	const keys = "id name definition sentence last_count created_at updated_at"
	const definition = `{"all":[{"type":"email","op":"contains","value":"BOB"}]}`
	id := c.post("/segments", `{"name":"Bobs","definition":`+definition+`}`).want(201).keys("", keys).id()
	at := fmt.Sprint("/segments/", id)
	c.get("/segments/vocabulary").want(200).keys("", "fields")
	if p := c.post("/segments", `{"name":"bobs","definition":`+definition+`}`).problem(409); !slices.Equal(p.locations(), []string{"body.name"}) {
		t.Errorf("second time: %+v", p)
	}
	p := c.post("/segments/count", `{"definition":{"all":[{"type":"email","op":"is","value":"x","sql":"1"}]}}`).problem(400)
	if !slices.Equal(p.locations(), []string{"body.definition/all/0/sql"}) {
		t.Errorf("an unknown key: %+v", p)
	}
	const countKeys = "count exact low high of sentence at"
	var n segmentCountJSON
	c.post("/segments/count", `{"definition":`+definition+`}`).want(200).keys("", countKeys).json(&n)
	if n.Count != 1 || !n.Exact || n.Sentence != "The address contains BOB" {
		t.Errorf("%+v", n)
	}
	c.post("/segments/sample", `{"definition":`+definition+`}`).want(200).keys("items.0", "id email name attributes")
	c.post(at+"/count", "").want(200).keys("", countKeys)
	c.get(at).want(200).keys("last_count", "count exact at")
	c.get("/segments").want(200).keys("", "items next_cursor total total_exact").keys("items.0", keys)
	c.put(at, `{"name":"Not Bobs","definition":{"none":[`+definition+`]}}`).want(200).keys("", keys)
	if p := c.put(at, fmt.Sprintf(`{"name":"Round","definition":{"any":[{"type":"segment","segment_id":%d}]}}`, id)).problem(400); !slices.Equal(p.locations(), []string{"body.definition/any/0/segment_id"}) {
		t.Errorf("a circle: %+v", p)
	}

	var counts audienceJSON
	c.post("/campaigns/audience", fmt.Sprintf(`{"list_ids":[%d],"segment_ids":[%d]}`, m.listID, id)).want(200).keys("", "subscribed mailable exact excluded").json(&counts)
	if len(counts.Excluded) == 0 || counts.Excluded[0].Reason != "not_in_segment" {
		t.Errorf("%+v", counts)
	}
	c.post("/campaigns/audience", `{"list_ids":[1],"exclude_list_ids":[1]}`).problem(400)
	draft := c.post("/campaigns", fmt.Sprintf(`{"name":"Draft","list_ids":[%d],"segment_ids":[%d]}`, m.listID, id)).want(201).id()
	if p := c.remove(at).problem(409); !strings.Contains(p.Detail, `"Draft"`) {
		t.Errorf("one in use is refused as %+v", p)
	}
	const whyKeys = "campaign_id started subscriber_id email place reason words seq state evidence"
	var why whyJSON
	c.get(fmt.Sprintf("/campaigns/%d/audience/bob%%40example.net", draft)).want(200).keys("", whyKeys).
		keys("evidence", "at lists excluded_lists suppression paused_until frequency include exclude cap got").
		keys("evidence.lists.0", "list_id name status source since").keys("evidence.include.0", "id name sentence meets conditions").json(&why)
	if why.Started || why.Place != "out" || *why.Reason != "not_in_segment" || why.Evidence.Include[0].Conditions[0].Sentence != "The address contains BOB" || !why.Evidence.Include[0].Conditions[0].Meets {
		t.Errorf("%+v", why)
	}
	c.get(fmt.Sprintf("/campaigns/%d/selection", draft)).problem(404)
	c.remove(fmt.Sprint("/campaigns/", draft)).want(204)
	c.remove(at).want(204)
	c.get(at).problem(404)

	campaign := fmt.Sprint("/campaigns/", m.campaignID)
	c.get(campaign+"/selection").want(200).keys("", "at time_zone include exclude exclude_lists cap recipients excluded")
	c.get(fmt.Sprint(campaign, "/audience/", m.personID)).want(200).keys("", whyKeys).json(&why)
	if !why.Started || why.Place != "in" || *why.Seq != 1 {
		t.Errorf("%+v", why)
	}
	c.get(campaign + "/audience/999").problem(404)
	c.get(campaign + "/audience/nobody").problem(404)
	file := c.get(campaign + "/audience.csv").want(200).Body.String()
	if !strings.Contains(file, "subscriber_id,email,place,reason,state,at,variant\r\n") || !strings.Contains(file, ",bob@example.net,in,,") {
		t.Errorf("%s", file)
	}
}
