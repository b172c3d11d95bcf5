package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/auth"
)

func TestSetupThenSession(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.client(t)
	var state setupStateJSON
	if c.get("/setup").want(200).json(&state); !state.Needed || state.Version != "1.2.3" {
		t.Fatalf("state %+v", state)
	}
	p := c.post("/setup", `{"organization":" ","email":"ada","password":"short","name":""}`).problem(400)
	if diff := cmp.Diff([]string{"body.organization", "body.email", "body.password"}, p.locations()); diff != "" {
		t.Fatal(diff)
	}
	var me meJSON
	c.post("/setup", `{"organization":"Tree Club","email":"ada@example.org","password":"`+password+`","name":"Ada"}`,
		header("Origin", "http://example.com")).want(201).json(&me)
	if diff := cmp.Diff(meJSON{ID: 1, Email: "ada@example.org", Name: "Ada", Scopes: auth.Scopes()}, me); diff != "" {
		t.Fatal(diff)
	}
	var again meJSON
	if c.get("/me").want(200).json(&again); again.ID != me.ID {
		t.Fatalf("me %+v", again)
	}
	var set settingsJSON
	if c.get("/settings").want(200).json(&set); set.Organization != "Tree Club" || set.PublicURL != "http://example.com" {
		t.Fatalf("settings %+v", set)
	}
	c.post("/setup", `{"organization":"x","email":"b@example.org","password":"`+password+`"}`).problem(409)
	if c.get("/setup").want(200).json(&state); state.Needed {
		t.Error("set-up is still needed")
	}
	c.remove("/session").want(204)
	c.get("/me").problem(401)
	c.post("/session", `{"email":"ada@example.org","password":"`+password+`"}`).want(200)
	c.get("/me").want(200)
}

func TestSignInIsLimited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.admin(t)
	c := b.client(t)
	wrong := `{"email":"ada@example.org","password":"a wrong password"}`
	for range 10 {
		c.post("/session", wrong).problem(401)
	}
	r := c.post("/session", wrong)
	r.problem(429)
	if after := r.Header().Get("Retry-After"); after == "" {
		t.Error("no Retry-After")
	}
	// The proxy on this machine says who the client is; what came before it is hearsay.
	from := func(forwarded string) reqOption {
		return func(q *http.Request) { q.RemoteAddr = "127.0.0.1:1"; q.Header.Set("X-Forwarded-For", forwarded) }
	}
	c.post("/session", wrong, from("203.0.113.1, 192.0.2.1")).problem(429)
	c.post("/session", wrong, from("192.0.2.1, 203.0.113.1")).problem(401)
	c.post("/session", wrong, header("X-Forwarded-For", "203.0.113.9")).problem(429)
}

func TestPasswordChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	here, there := b.admin(t), b.client(t)
	there.post("/session", `{"email":"ada@example.org","password":"`+password+`"}`).want(200)
	p := here.post("/me/password", `{"current":"a wrong password","new":"another password"}`).problem(400)
	if diff := cmp.Diff([]string{"body.current"}, p.locations()); diff != "" {
		t.Fatal(diff)
	}
	here.post("/me/password", `{"current":"`+password+`","new":"another password"}`).want(204)
	here.get("/me").want(200)
	there.get("/me").problem(401)
}

func TestCookie(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	if c.cookies["postrider"] == nil || c.cookies["postrider"].Secure {
		t.Fatalf("over http: %v", c.cookies)
	}
	login := `{"email":"ada@example.org","password":"` + password + `"}`
	s := b.client(t)
	r := s.post("/session", login, header("X-Forwarded-Proto", "https")).want(200)
	if k := s.cookies["__Host-postrider"]; k == nil || !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode {
		t.Fatalf("behind an https proxy: %v", s.cookies)
	}
	if r.Header().Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS over https")
	}
	c.put("/settings", `{"organization":"x","public_url":"https://example.com","postal_address":"","default_from_name":"","default_from_email":"","time_zone":"UTC"}`).want(200)
	s = b.client(t)
	if s.post("/session", login).want(200); s.cookies["__Host-postrider"] == nil {
		t.Fatalf("under an https public URL: %v", s.cookies)
	}
	s = b.client(t)
	if s.post("/session", login, func(r *http.Request) { r.Host = "127.0.0.1:8080" }).want(200); s.cookies["postrider"] == nil {
		t.Fatalf("on loopback beside an https public URL: %v", s.cookies)
	}
}

func TestOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	body := `{"name":"News"}`
	c.post("/lists", body, header("Sec-Fetch-Site", "cross-site")).problem(403)
	c.post("/lists", body, header("Origin", "https://evil.example")).problem(403)
	c.remove("/lists/1", header("Sec-Fetch-Site", "same-site")).problem(403)
	c.get("/lists", header("Sec-Fetch-Site", "cross-site")).want(200)
	c.post("/lists", body, header("Sec-Fetch-Site", "same-origin")).want(201)
	c.post("/lists", `{"name":"Other"}`, header("Origin", "http://example.com")).want(201)
}

func TestScopes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	admin := b.admin(t)
	reader := b.program(t, auth.AudienceRead)
	reader.get("/lists").want(200)
	if p := reader.post("/lists", `{"name":"News"}`).problem(403); !strings.Contains(p.Detail, auth.AudienceWrite) {
		t.Errorf("the problem does not name the scope: %s", p.Detail)
	}
	reader.get("/campaigns").problem(403)
	var me meJSON
	if reader.get("/me").want(200).json(&me); !slices.Equal(me.Scopes, []string{auth.AudienceRead}) {
		t.Errorf("me %+v", me)
	}

	all := b.program(t, auth.Scopes()...)
	all.get("/campaigns").want(200)
	for _, path := range []string{"/api-keys", "/me/password"} {
		all.do(map[string]string{"/api-keys": "GET", "/me/password": "POST"}[path], Prefix+path, `{"current":"x","new":"y"}`).problem(403)
	}
	admin.header.Set("Authorization", "Bearer pr_wrong")
	if r := admin.get("/me"); r.Header().Get("Www-Authenticate") != "Bearer" {
		t.Error("no WWW-Authenticate")
	} else {
		r.problem(401) // although the cookie is good
	}
	admin.header.Set("Authorization", "Basic abc")
	admin.get("/me").problem(401)
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	p := c.post("/api-keys", `{"name":"cron","scopes":["nothing"]}`).problem(400)
	if diff := cmp.Diff([]string{"body.scopes"}, p.locations()); diff != "" {
		t.Fatal(diff)
	}
	var key newKeyJSON
	c.post("/api-keys", `{"name":"cron","scopes":["audience:read"]}`).want(201).json(&key)
	if !strings.HasPrefix(key.Key, "pr_"+key.Prefix+"_") {
		t.Fatalf("key %+v", key)
	}
	prog := b.client(t)
	prog.header.Set("Authorization", "Bearer "+key.Key)
	prog.get("/lists").want(200)
	list := c.get("/api-keys").want(200)
	if strings.Contains(list.Body.String(), key.Key[12:]) || !strings.Contains(list.Body.String(), `"last_used_at":"`) {
		t.Errorf("list of keys: %s", list.Body)
	}
	c.remove(fmt.Sprint("/api-keys/", key.ID)).want(204)
	prog.get("/lists").problem(401)
	if strings.Contains(b.logs.String(), key.Key[12:]) {
		t.Error("the key is in the log")
	}
}
