package api

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	newsletterKeys = "id name description public slug language sign_up_url indexed list_ids segment_ids exclude_segment_ids exclude_list_ids relay_ids source content schedule rules mailing status schedule_description skips pause_note resumes_at " +
		"activated_at next_run_at next_issue_at source_fetched_at source_error source_failing_since created_at updated_at"
	issueKeys       = "id newsletter_id date number state reason_code reason run_at late_until deadline campaign_id edited approved_by started_at updated_at"
	runKeys         = "at local offset date out shift"
	descriptionKeys = "code interval days month_days months nth position time until count english"
)

func TestSchedulePreview(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	var got schedulePreviewAnswerJSON
	c.post("/schedules/preview", `{"rule":"FREQ=DAILY","zone":"America/New_York","start":"2026-03-01T02:30","after":"2026-03-07T12:00:00Z","count":2,"exdates":["2026-03-09"]}`).want(200).
		keys("", "runs description").keys("runs.0", runKeys).keys("description", descriptionKeys).json(&got)
	if r := got.Runs; r[0].Local != "2026-03-08T03:30:00-04:00" || r[0].Shift != "gap" || r[0].Offset != -4*3600 || r[1].Out != "excepted" || got.Description.English != "every day at 02:30" {
		t.Errorf("preview: %+v", got)
	}
	for body, at := range map[string]string{
		`{"rule":"FREQ=HOURLY","zone":"UTC","start":"2026-03-01T02:30"}`:                            "body.rule",
		`{"rule":"FREQ=DAILY","zone":"Mars","start":"2026-03-01T02:30"}`:                            "body.zone",
		`{"rule":"FREQ=DAILY","zone":"UTC","start":"noon"}`:                                         "body.start",
		`{"rule":"FREQ=DAILY","zone":"UTC","start":"2026-03-01T02:30","exdates":["x"]}`:             "body.exdates",
		`{"rule":"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30","zone":"UTC","start":"2026-03-01T02:30"}`:    "body.rule",
		`{"rule":"FREQ=DAILY","zone":"UTC","start":"2026-03-01T02:30","count":1000,"sneaky":false}`: "body",
	} {
		if p := c.post("/schedules/preview", body).problem(400); !strings.HasPrefix(strings.Join(p.locations(), " "), at) {
			t.Errorf("%s: %v, want %s", body, p.locations(), at)
		}
	}
}

func TestNewsletters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	list := c.post("/lists", `{"name":"News"}`).want(201).id()
	relay := c.post("/relays", `{"name":"Inbox","kind":"inbox"}`).want(201).id()
	start := time.Now().UTC().AddDate(0, 0, -3).Format("2006-01-02T15:04")
	body := func(rule string) string {
		return fmt.Sprintf(`{"name":"Weekly","list_ids":[%d],"relay_ids":[%d],"schedule":{"rule":%q,"zone":"UTC","start":%q},"rules":{"lead_minutes":2880,"deadline_minutes":60},
			"mailing":{"from_email":"a@example.org","window":{"days":[1,2,3,4,5],"from":"08:00","until":"18:30","zone":"Europe/Berlin"}},"content":{"subject":"S","text":"hello"}}`, list, relay, rule, start)
	}
	if p := c.post("/newsletters", body("FREQ=NEVER")).problem(400); p.locations()[0] != "body.schedule.rule" {
		t.Errorf("a bad rule: %v", p.locations())
	}
	id := c.post("/newsletters", body("FREQ=DAILY")).want(201).keys("", newsletterKeys).id()
	at := fmt.Sprint("/newsletters/", id)
	c.get("/newsletters").want(200).keys("items.0", newsletterKeys)
	c.post(at+"/activate", "").want(200)
	c.post(at+"/activate", "").problem(409)
	if err := b.deps.Newsletters.Tick(t.Context()); err != nil {
		t.Fatal(err)
	}
	issue := c.get(at+"/issues?state=draft").want(200).keys("", "items next_cursor").keys("items.0", issueKeys)
	var page struct{ Items []IssueJSON }
	issue.json(&page)
	c.get(at+"/runs").want(200).keys("items.0", runKeys+" issue").keys("items.0.issue", issueKeys)
	one := fmt.Sprint("/issues/", page.Items[0].ID)
	c.get(one).want(200).keys("", issueKeys+" items log").keys("log.0", "at action note by")
	c.put(one+"/content", `{"subject":"Mine","text":"by hand"}`).want(200)
	var camp campaignJSON
	c.get(fmt.Sprint("/campaigns/", *page.Items[0].CampaignID)).want(200).json(&camp)
	if camp.Text != "by hand" || camp.Name != "Weekly, "+page.Items[0].Date || camp.ListIDs[0] != list {
		t.Errorf("the campaign of the issue: %+v", camp)
	}
	for _, step := range []struct{ verb, body, state string }{{"hold", `{"note":"wait"}`, "held"}, {"approve", "", "held"}, {"prepare", "", "held"}, {"tick", "", ""}, {"release", "", "draft"}, {"approve", "", "ready"}, {"prepare", "", "preparing"}, {"skip", `{}`, "skipped"}} {
		if step.verb == "tick" {
			if err := b.deps.Newsletters.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var w issueWholeJSON
		c.post(one+"/"+step.verb, step.body).want(200).json(&w)
		if w.State != step.state || w.Log[len(w.Log)-1].By != "ada@example.org" {
			t.Errorf("%s: %s by %+v, want %s", step.verb, w.State, w.Log, step.state)
		}
	}
	c.post(one+"/send-now", "").problem(409)
	var back issueWholeJSON
	c.post(at+"/unskip", `{"date":"`+page.Items[0].Date+`"}`).want(200).keys("", newsletterKeys)
	if c.get(one).want(200).json(&back); back.State != "preparing" || back.Log[len(back.Log)-1].Action != "unskipped" {
		t.Errorf("taken back, the issue is %s: %+v", back.State, back.Log)
	}
	if p := c.post(one+"/approve", "").problem(409); !strings.Contains(p.Detail, "prepared anew") {
		t.Errorf("approving what is being prepared: %s", p.Detail)
	}
	if camp.Window == nil || camp.Window.From != "08:00" || camp.Window.Until != "18:30" || camp.Window.Zone != "Europe/Berlin" || len(camp.Window.Days) != 5 {
		t.Errorf("the window of the newsletter is that of its issues: %+v", camp.Window)
	}
	var n NewsletterJSON
	if c.get(at).want(200).json(&n); n.Mailing.Window == nil || n.Mailing.Window.Until != "18:30" {
		t.Errorf("the window: %+v", n.Mailing.Window)
	}
	if p := c.put(at, strings.Replace(body("FREQ=DAILY"), `"days":[1,2,3,4,5]`, `"days":[]`, 1)).problem(400); p.locations()[0] != "body.mailing.window.days" {
		t.Errorf("a window without days: %v", p.locations())
	}
	var skipped runDateJSON
	c.post(at+"/skip-next", `{"date":"`+time.Now().UTC().AddDate(0, 0, 5).Format(time.DateOnly)+`"}`).want(200).json(&skipped)
	c.post(at+"/unskip", `{"date":"`+skipped.Date+`"}`).want(200).keys("", newsletterKeys)
	c.post(at+"/check-source", "").problem(409)
	c.put(at, body("FREQ=WEEKLY")).want(200).keys("", newsletterKeys+" kept")
	for path, words := range map[string]string{fmt.Sprint("/lists/", list): "newsletter", fmt.Sprint("/relays/", relay): "newsletter"} {
		if p := c.do("DELETE", Prefix+path, "").problem(409); !strings.Contains(p.Detail, words) {
			t.Errorf("%s: %s", path, p.Detail)
		}
	}
	c.post(at+"/pause", `{"note":"holidays","until":"2020-01-01"}`).problem(400)
	c.post(at+"/pause", `{"note":"holidays"}`).want(200).keys("", newsletterKeys)
	c.post(at+"/resume", "").want(200)
	c.post(at+"/pause", `{}`).want(200)
	c.do("DELETE", Prefix+at, "").want(204)
	b.program(t, "campaigns:write").post(one+"/approve", "").problem(403)
}
