package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

const mailboxKeys = "id name provider protocol host port tls allow_cleartext auth username oauth_client_id oauth_token_url folder after_taken move_to clear_ignored poll_minutes " +
	"has_password has_oauth_client_secret has_oauth_refresh_token status reading mode message_count checked_at next_check_at wait_until problem last_24_hours retrying stuck created_at updated_at"

func TestShapesOfMailboxes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	const box = `"name":"Bounces","host":"127.0.0.1","port":1,"tls":"none","username":"u"`
	r := c.post("/mailboxes", `{`+box+`,"password":"very-secret"}`).want(201).keys("", mailboxKeys)
	at := fmt.Sprint("/mailboxes/", r.id())
	var v mailboxJSON
	if r.json(&v); v.Protocol != "imap" || v.AfterTaken != "move" || v.MoveTo != "Postrider" || v.Folder != "INBOX" || v.PollMinutes != 10 || v.Mode != nil || v.NextCheckAt == nil {
		t.Errorf("the defaults are %+v", v)
	}
	c.put(at, `{`+box+`,"protocol":"pop3","poll_minutes":30}`).want(200).json(&v)
	if !v.HasPassword || v.AfterTaken != "leave" || v.MoveTo != "" || v.PollMinutes != 30 {
		t.Errorf("changed without a password: %+v", v)
	}
	if p := c.put(at, strings.Replace(`{`+box+`}`, "127.0.0.1", "127.0.0.2", 1)).problem(400); !slices.Equal(p.locations(), []string{"body.password"}) {
		t.Errorf("the password goes to another server: %+v", p)
	}
	c.get("/mailboxes").want(200).keys("", "items next_cursor").keys("items.0", mailboxKeys).keys("items.0", mailboxKeys)
	c.get(at).want(200).keys("last_24_hours", "taken ignored foreign failed bytes_in bytes_out")
	c.get(at+"/messages").want(200).keys("", "items next_cursor")
	for body, field := range map[string]string{
		`{"name":"x","host":"imap.example.org","tls":"none","username":"u","password":"p"}`:                                                                                                         "body.tls",
		`{"name":"x","host":"http://x","username":"u","password":"p"}`:                                                                                                                              "body.host",
		`{"name":"x","host":"a.example","username":"u"}`:                                                                                                                                            "body.password",
		`{"name":"x","host":"a.example","username":"u","password":"p","protocol":"pop3","after_taken":"move"}`:                                                                                      "body.after_taken",
		`{"name":"x","host":"a.example","username":"u","password":"p","move_to":"inbox"}`:                                                                                                           "body.move_to",
		`{"name":"x","provider":"gmail","host":"imap.gmail.com","username":"u","password":"p","poll_minutes":1}`:                                                                                    "body.poll_minutes",
		`{"name":"x","provider":"amazon-ses","host":"a.example","username":"u","password":"p"}`:                                                                                                     "body.provider",
		`{"name":"x","host":"a.example","username":"u","auth":"xoauth2","oauth_client_id":"c"}`:                                                                                                     "body.oauth_refresh_token",
		`{"name":"x","host":"a.example","username":"u\r\nA1 LOGOUT","password":"p"}`:                                                                                                                "body.username",
		`{"name":"x","host":"a.example","username":"u","password":"p\nA1 LOGOUT"}`:                                                                                                                  "body.password",
		`{"name":"x","host":"a.example","username":"u","password":"p","folder":"a\r\nb"}`:                                                                                                           "body.folder",
		`{"name":"x","host":"10.0.0.1","tls":"none","allow_cleartext":true,"username":"u","auth":"xoauth2","oauth_client_id":"c","oauth_refresh_token":"r","oauth_token_url":"https://t.example/"}`: "body.auth",
	} {
		if got := c.post("/mailboxes", body).problem(400).locations(); !slices.Contains(got, field) {
			t.Errorf("%s: %s is not among %q", body, field, got)
		}
	}
	c.post("/mailboxes", `{`+box+`,"password":"p"}`).problem(409)
	c.post("/mailboxes", `{"name":"LAN","host":"10.0.0.1","tls":"none","allow_cleartext":true,"username":"u","password":"p"}`).want(201)
	for _, r := range []*response{c.post(at+"/test", ""), c.post("/mailboxes/test", `{`+box+`,"password":"very-secret"}`)} {
		var report mailboxTestJSON
		if r.want(200).keys("", "ok steps kind remedy provider notes").keys("steps.0", "step ok detail ms").json(&report); report.OK || *report.Kind != "unreachable" || report.Remedy == nil {
			t.Errorf("a mailbox that is not there works: %+v", report)
		}
	}
	c.post(at+"/check", "").want(200)
	c.post(at+"/pause", "").want(200).json(&v)
	if v.Status != "paused" || v.NextCheckAt != nil {
		t.Errorf("paused: %+v", v)
	}
	c.post(at+"/check", "").problem(409)
	c.post(at+"/resume", "").want(200)
	if _, err := b.pool.Exec(t.Context(), `UPDATE mailboxes SET wait_until = now() + interval '5 hours'`); err != nil {
		t.Fatal(err)
	}
	if p := c.post(at+"/check", "").problem(409); !strings.Contains(p.Detail, "left alone until") {
		t.Errorf("%+v", p)
	}
	c.remove(at).want(http.StatusNoContent)
	c.get(at).problem(404)
	c.get(at + "/messages").problem(404)
	c.remove(at).problem(404)
	for _, secret := range []string{"very-secret"} {
		if strings.Contains(b.logs.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}
