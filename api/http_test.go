package api

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/auth"
)

type specDoc struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string                `json:"operationId"`
		Scope       string                `json:"x-scope"`
		Security    []map[string][]string `json:"security"`
	}
}

func TestEveryOperationSaysWhoMayUseIt(t *testing.T) {
	t.Parallel()
	raw, err := OpenAPI("1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	var doc specDoc
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	b := setup(t)
	b.admin(t)
	stranger := b.client(t)
	known := append(auth.Scopes(), public, anybody, inBrowser)
	ids := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			name := strings.ToUpper(method) + " " + path
			if !slices.Contains(known, op.Scope) || op.Security == nil || (op.Scope == public) != (len(op.Security) == 0) {
				t.Errorf("%s: scope %q, security %v", name, op.Scope, op.Security)
			}
			if ids[op.OperationID] {
				t.Errorf("%s: the operation id %s is there twice", name, op.OperationID)
			}
			ids[op.OperationID] = true
			if op.Scope == public {
				continue
			}
			target := Prefix + strings.NewReplacer("{id}", "1", "{list_id}", "1", "{seq}", "1", "{email}", "a@example.org", "{request_id}", "1").Replace(path)
			stranger.do(strings.ToUpper(method), target, "").problem(401)
		}
	}
	if len(ids) < 70 {
		t.Errorf("only %d operations", len(ids))
	}
}

func TestSpecIsTheOneThatIsServed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	raw, err := OpenAPI("1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	var printed, served any
	if err := json.Unmarshal(raw, &printed); err != nil {
		t.Fatal(err)
	}
	b.client(t).get("/openapi.json").want(200).json(&served)
	if diff := cmp.Diff(printed, served); diff != "" {
		t.Fatal(diff)
	}
	if strings.Contains(string(raw), "$schema") {
		t.Error("bodies have $schema")
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	for name, test := range map[string]struct {
		body      string
		status    int
		locations []string
	}{
		"unknown field":  {`{"name":"x","colour":"red"}`, 400, []string{"body.colour"}},
		"missing field":  {`{}`, 400, []string{"body"}},
		"wrong type":     {`{"name":5}`, 400, []string{"body.name"}},
		"not JSON":       {`{"name":`, 400, []string{"body"}},
		"empty":          {``, 400, []string{}},
		"domain's error": {`{"name":" "}`, 400, []string{"body.name"}},
		"too large":      {`{"name":"` + strings.Repeat("x", maxBody) + `"}`, 413, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.post("/lists", test.body).problem(test.status)
			if diff := cmp.Diff(test.locations, p.locations()); diff != "" {
				t.Errorf("%s in %+v", diff, p)
			}
		})
	}
	if p := c.get("/lists?limit=1000").problem(400); !slices.Equal(p.locations(), []string{"query.limit"}) {
		t.Errorf("limit: %+v", p)
	}
	if p := c.get("/lists?cursor=nonsense").problem(400); !slices.Equal(p.locations(), []string{"query.cursor"}) {
		t.Errorf("cursor: %+v", p)
	}
	c.get("/lists/99").problem(404)
	c.get("/lists/x").problem(400)
	c.get("/nothing").problem(404)
	c.do("GET", "/api/v2/lists", "").problem(404)
	c.do("PATCH", Prefix+"/lists", "").problem(405)
	c.do("POST", Prefix+"/lists", "name=x", header("Content-Type", "application/x-www-form-urlencoded")).problem(415)
}

func TestValidationErrorsDoNotEchoValues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.client(t).post("/session", `{"email":"a@example.org","password":["hunter2hunter2"]}`)
	r.problem(400)
	if strings.Contains(r.Body.String(), "hunter2") {
		t.Errorf("the password comes back: %s", r.Body)
	}
}

func TestInternalErrorsAreHidden(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	if _, err := b.pool.Exec(t.Context(), `ALTER TABLE lists RENAME TO gone`); err != nil {
		t.Fatal(err)
	}
	r := c.get("/lists")
	p := r.problem(500)
	if p.Detail != "internal error" || p.RequestID == "" || p.RequestID != r.Header().Get("X-Request-Id") {
		t.Errorf("problem %+v", p)
	}
	if log := b.logs.String(); !strings.Contains(log, p.RequestID) || !strings.Contains(log, `relation \"lists\" does not exist`) {
		t.Errorf("the log does not tell what happened:\n%s", log)
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s := newServer(Config{Logger: nil}, Deps{})
	s.log = newLogger(b.logs)
	h := s.observe(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("ouch") }))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	(&response{t: t, ResponseRecorder: w, what: "panic"}).problem(500)
	if !strings.Contains(b.logs.String(), "ouch") {
		t.Error("the panic is not in the log")
	}
}

func TestPathsAreNotLogged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.admin(t)
	c.remove("/suppressions/eve@example.net?note=n").problem(404)
	c.get("/subscribers?q=mallory").want(200)
	c.do("GET", "/u/abcdefgh", "").want(404)
	log := b.logs.String()
	for _, secret := range []string{"eve@example.net", "mallory", "abcdefgh"} {
		if strings.Contains(log, secret) {
			t.Errorf("%s is in the log", secret)
		}
	}
	if !strings.Contains(log, "/api/v1/suppressions/{email}") {
		t.Errorf("routes are not in the log:\n%s", log)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.client(t)
	for _, path := range []string{"/", "/api/v1/setup", "/api/docs", "/t/c/x", "/healthz"} {
		h := c.do("GET", path, "").Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") == "" || !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Errorf("%s: %v", path, h)
		}
	}
	if cache := c.get("/setup").Header().Get("Cache-Control"); cache != "no-store" {
		t.Errorf("the API's Cache-Control is %q", cache)
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.client(t).get("/openapi.json", header("Accept-Encoding", "gzip")).want(200)
	if r.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("headers %v", r.Header())
	}
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(z); err != nil || !json.Valid(body) {
		t.Fatalf("not JSON inside: %v", err)
	}
}

func TestInterface(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.client(t)
	for path, want := range map[string]struct{ body, cache, contentType string }{
		"/":                   {"<title>UI</title>", "no-cache", "text/html; charset=utf-8"},
		"/campaigns/3":        {"<title>UI</title>", "no-cache", "text/html; charset=utf-8"},
		"/assets/app-1a2b.js": {"export{}", "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		"/favicon.svg":        {"<svg/>", "no-cache", "image/svg+xml"},
		"/../../etc/passwd":   {"<title>UI</title>", "no-cache", "text/html; charset=utf-8"},
	} {
		r := c.do("GET", path, "").want(200)
		if h := r.Header(); !strings.Contains(r.Body.String(), want.body) || h.Get("Cache-Control") != want.cache || h.Get("Content-Type") != want.contentType {
			t.Errorf("%s: %q, %v", path, r.Body, h)
		}
	}
	c.do("GET", "/assets/old-9z.js", "").want(404)
	c.do("POST", "/campaigns", "").want(405)
}

func TestWithoutInterface(t *testing.T) {
	t.Parallel()
	b := setup(t)
	h, err := New(Config{Logger: newLogger(b.logs)}, b.deps)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, handler: h, cookies: map[string]*http.Cookie{}}
	if r := c.do("GET", "/campaigns", "").want(200); !strings.Contains(r.Body.String(), "make web") {
		t.Errorf("page %s", r.Body)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const secret = "closed pool"
	h, err := New(Config{Logger: newLogger(b.logs), Ready: b.pool.Ping}, b.deps)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, handler: h, cookies: map[string]*http.Cookie{}}
	c.do("GET", "/healthz", "").want(200)
	c.do("GET", "/readyz", "").want(200)
	b.pool.Close()
	c.do("GET", "/healthz", "").want(200)
	if r := c.do("GET", "/readyz", "").want(503); strings.Contains(r.Body.String(), secret) {
		t.Errorf("body %s", r.Body)
	}
}

func TestDocs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.client(t).do("GET", "/api/docs", "").want(200)
	page := r.Body.String()
	for _, want := range []string{"/campaigns/{id}/start", "campaigns:send", `href="#type-Campaign"`, `id="type-Campaign"`, "curl -X POST", "unconfirmed_policy", "Authorization: Bearer $KEY"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, never := range []string{"<script", "unpkg", "ZgotmplZ", "src=\"http"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %q", never)
		}
	}
}

// A policy whose hash is wrong would leave the pages without any style.
func TestPoliciesAllowTheStyle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/api/docs", "/u/nonsense"} {
		r := b.client(t).do("GET", path, "")
		_, rest, _ := strings.Cut(r.Body.String(), "<style>")
		style, _, found := strings.Cut(rest, "</style>")
		sum := sha256.Sum256([]byte(style))
		if policy := r.Header().Get("Content-Security-Policy"); !found || !strings.Contains(policy, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			t.Errorf("%s: the policy %s does not allow the style", path, policy)
		}
	}
}

func TestMissingServiceIsNoticed(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}, Deps{}); err == nil {
		t.Error("a server without services was made")
	}
}
