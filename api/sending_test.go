package api

import (
	"fmt"
	"strings"
	"testing"

	"postrider/internal/auth"
)

const sendingKeys = "stopped stopped_at stopped_by reason resumed_at resumed_by"

func TestEverythingCanBeStopped(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.admin
	c.get("/sending").want(200).keys("", sendingKeys)
	var s SendingJSON
	c.post("/sending/stop", `{"reason":"wrong list"}`).want(200).keys("", sendingKeys).json(&s)
	if !s.Stopped || *s.Reason != "wrong list" || *s.StoppedBy == "" || s.ResumedAt != nil {
		t.Errorf("%+v", s)
	}
	var o overviewJSON
	if c.get("/overview").want(200).keys("sending", sendingKeys).json(&o); !o.Sending.Stopped {
		t.Errorf("%+v", o.Sending)
	}
	body := fmt.Sprintf(`{"name":"Next","subject":"S","from_email":"news@example.org","relay_id":1,"list_ids":[%d],"html":"<p>x</p>","start":true}`, m.listID)
	if p := c.post("/campaigns", body).problem(409); !strings.Contains(p.Detail, "wrong list") {
		t.Errorf("%+v", p)
	}
	c.post("/sending/stop", `{"reason":"a\nb"}`).problem(400)
	c.post("/sending/stop", "").want(200)
	c.post("/sending/resume", "").want(200).json(&s)
	if s.Stopped || *s.ResumedBy == "" || *s.Reason != "wrong list" {
		t.Errorf("%+v", s)
	}
	var made campaignJSON
	c.post("/campaigns", body).want(201).json(&made)
	if made.Status != "running" {
		t.Errorf("%s", made.Status)
	}
	reader := m.program(t, auth.CampaignsRead, auth.CampaignsWrite)
	reader.post("/sending/stop", "").problem(403)
	reader.post("/campaigns", body).problem(403)
	reader.get("/sending").want(200)
}

func TestOneCallCreatesAndStarts(t *testing.T) {
	t.Parallel()
	m := started(t)
	c := m.admin
	before := m.count(t, "campaigns")
	part := fmt.Sprintf(`"name":"Next","from_email":"news@example.org","relay_id":1,"list_ids":[%d],"html":"<p>x</p>"`, m.listID)
	for _, tc := range []struct{ body, field string }{
		{`{` + part + `,"start":true}`, "body.subject"},
		{`{` + part + `,"subject":"S","start":true,"start_at":"2040-01-01T00:00:00Z"}`, "body.start"},
		{`{` + part + `,"subject":"S","undo_seconds":5}`, "body.undo_seconds"},
		{`{` + part + `,"subject":"S","start_at":"2020-01-01T00:00:00Z"}`, "body.at"},
		{`{` + part + `,"subject":"S","local_at":"2040-01-01T09:00"}`, "body.local_at"},
		{`{` + part + `,"subject":"S","window":{"days":[],"from":"08:00","until":"18:00"}}`, "body.window.days"},
	} {
		if p := c.post("/campaigns", tc.body).problem(400); len(p.locations()) == 0 || p.locations()[0] != tc.field {
			t.Errorf("%s: %+v", tc.body, p)
		}
	}
	if n := m.count(t, "campaigns"); n != before {
		t.Errorf("%d are left behind", n-before)
	}
	var made campaignJSON
	c.post("/campaigns", `{`+part+`,"subject":"S","start":true,"undo_seconds":60,"window":{"days":[1],"from":"08:00","until":"18:00","zone":"Europe/Berlin"}}`, header(idempotencyKey, "k")).want(201).json(&made)
	if made.Status != "scheduled" || made.UndoableUntil == nil || made.Window == nil || made.Window.From != "08:00" {
		t.Errorf("%+v", made)
	}
	c.post("/campaigns", `{`+part+`,"subject":"S","start":true,"undo_seconds":60,"window":{"days":[1],"from":"08:00","until":"18:00","zone":"Europe/Berlin"}}`, header(idempotencyKey, "k")).want(201)
	if n := m.count(t, "campaigns"); n != before+1 {
		t.Errorf("%d were made", n-before)
	}
	c.post("/campaigns", `{`+part+`,"subject":"S","local_time":{"enabled":true,"late":"skip"},"local_at":"2040-01-01T09:00"}`).want(201).json(&made)
	if made.LocalAt == nil || *made.LocalAt != "2040-01-01T09:00:00" || made.ScheduledAt.Format("2006-01-02T15:04") != "2039-12-31T19:00" || made.LocalTime.Late != "skip" {
		t.Errorf("%v %v", made.LocalAt, made.ScheduledAt)
	}
}

func TestAListHasATimeZone(t *testing.T) {
	t.Parallel()
	c := setup(t).admin(t)
	c.post("/lists", `{"name":"News","time_zone":"Mars/Base"}`).problem(400)
	id := c.post("/lists", `{"name":"News","time_zone":"Europe/Berlin"}`).want(201).id()
	var l listJSON
	if c.put(fmt.Sprint("/lists/", id), `{"name":"Newer"}`).want(200).json(&l); l.TimeZone == nil || *l.TimeZone != "Europe/Berlin" {
		t.Errorf("%v", l.TimeZone)
	}
	l = listJSON{}
	if c.put(fmt.Sprint("/lists/", id), `{"name":"Newer","time_zone":""}`).want(200).json(&l); l.TimeZone != nil {
		t.Errorf("%v", *l.TimeZone)
	}
}
