package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"postrider/audience"
	"postrider/campaigns"
	"postrider/campaigns/confirm"
	"postrider/campaigns/newsletters"
	"postrider/events"
	"postrider/events/hooksource"
	"postrider/events/mailbox"
	"postrider/events/outgoing"
	"postrider/internal/auth"
	"postrider/internal/idempotency"
	"postrider/internal/pg/pgtest"
	"postrider/internal/secret"
	"postrider/internal/settings"
	"postrider/sender"
	"postrider/templates"
	"postrider/templates/media"
)

const password = "correct horse battery"

// confirmTime is when forms are shown and filled in, as far as that tells people from robots.
var confirmTime = time.Date(2026, 11, 5, 12, 0, 0, 0, time.UTC)

// queue takes jobs and does none of them: these tests are about requests.
type queue struct{}

func (queue) InsertTx(context.Context, pgx.Tx, river.JobArgs, *river.InsertOpts) (*rivertype.JobInsertResult, error) {
	return &rivertype.JobInsertResult{Job: &rivertype.JobRow{}}, nil
}

func (queue) InsertManyTx(context.Context, pgx.Tx, []river.InsertManyParams) ([]*rivertype.JobInsertResult, error) {
	return nil, nil
}

// logs collects what the server logs.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

type bundle struct {
	http.Handler
	deps   Deps
	pool   *pgxpool.Pool
	tokens events.Tokens
	logs   *logs
	done   chan struct{}

	// What webhooks of providers report goes here, at a time that tests move, and with what Amazon answers to us.
	taker  *taker
	hookAt func() time.Time
	amazon *amazon
}

// noDNS answers nothing, so that no test depends on what the world has in DNS.
var noDNS = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("there is no DNS in tests")
}}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{pool: pgtest.DB(t), tokens: events.NewTokens([32]byte{1}), logs: &logs{}, done: make(chan struct{})}
	log := slog.New(slog.NewTextHandler(b.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	box, err := secret.LoadOrCreate(t.TempDir() + "/key")
	if err != nil {
		t.Fatal(err)
	}
	b.deps = Deps{
		Auth: auth.New(b.pool, time.Now), Settings: settings.New(b.pool, time.Now), Idempotency: idempotency.New(b.pool, time.Now),
		Audience: audience.New(b.pool, log, time.Now), Templates: templates.New(b.pool, time.Now), Events: events.New(b.pool, log, time.Now),
		Sender: sender.New(b.pool, box, sender.Config{Resolver: noDNS}, log, time.Now), Inbox: sender.NewInboxStore(b.pool, nil, log, time.Now),
		Media:    media.New(b.pool, box, media.Config{Folder: t.TempDir()}, log, time.Now),
		Webhooks: outgoing.New(b.pool, box, outgoing.Config{AllowPrivate: true}, log, time.Now),
	}
	b.deps.Campaigns = campaigns.New(campaigns.Config{}, campaigns.Deps{
		Pool: b.pool, Audience: b.deps.Audience, Events: b.deps.Events, Tokens: b.tokens, Sender: b.deps.Sender, Settings: b.deps.Settings,
		Templates: b.deps.Templates, Logger: log, Now: time.Now,
	})
	b.deps.Newsletters = newsletters.New(newsletters.Deps{Pool: b.pool, Campaigns: b.deps.Campaigns, Logger: log, Now: time.Now})
	b.deps.Confirm = confirm.New(confirm.Deps{Audience: b.deps.Audience, Tokens: b.tokens, Sender: b.deps.Sender, Settings: b.deps.Settings, Now: func() time.Time { return confirmTime }})
	b.taker, b.amazon, b.hookAt = &taker{}, newAmazon(), time.Now
	b.deps.Hooks = hooksource.New(b.pool, box, b.taker, hooksource.Config{PublicURL: b.deps.Settings.PublicURL, Fetcher: b.amazon, Roots: b.amazon.roots}, log,
		func() time.Time { return b.hookAt() })
	b.deps.Mailboxes = mailbox.New(b.pool, box, b.deps.Campaigns, mailbox.Config{}, log, time.Now)
	b.deps.Audience.SetJobs(queue{})
	b.deps.Campaigns.SetJobs(queue{})
	b.deps.Audience.SetErasure([32]byte{7}, audience.Eraser{Name: "deliveries", Do: b.deps.Campaigns.EraseTx}, audience.Eraser{Name: "events", Do: b.deps.Events.EraseTx},
		audience.Eraser{Name: "webhooks", Do: b.deps.Webhooks.EraseTx}, audience.Eraser{Name: "mailboxes", Do: b.deps.Mailboxes.EraseTx},
		audience.Eraser{Name: "relays", Do: b.deps.Sender.EraseTx}, audience.Eraser{Name: "answers", Do: b.deps.Idempotency.EraseTx})
	b.Handler, err = New(Config{Version: "1.2.3", UI: testUI(), Logger: log, Done: b.done}, b.deps)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testUI() fstest.MapFS {
	return fstest.MapFS{
		"index.html": {Data: []byte("<!doctype html><title>UI</title>")}, "favicon.svg": {Data: []byte("<svg/>")},
		"assets/app-1a2b.js": {Data: []byte("export{}")},
	}
}

// client sends requests and keeps cookies.
type client struct {
	t       *testing.T
	handler http.Handler
	header  http.Header
	cookies map[string]*http.Cookie
}

func (b *bundle) client(t *testing.T) *client {
	return &client{t: t, handler: b.Handler, header: http.Header{}, cookies: map[string]*http.Cookie{}}
}

// admin sets the server up and gives a browser that is signed in.
func (b *bundle) admin(t *testing.T) *client {
	t.Helper()
	c := b.client(t)
	c.post("/setup", `{"organization":"Tree Club","email":"ada@example.org","password":"`+password+`","name":"Ada"}`).want(http.StatusCreated)
	return c
}

// program gives a caller with an API key of these scopes.
func (b *bundle) program(t *testing.T, scopes ...string) *client {
	t.Helper()
	_, key, err := b.deps.Auth.CreateKey(t.Context(), 1, "a program", scopes)
	if err != nil {
		t.Fatal(err)
	}
	c := b.client(t)
	c.header.Set("Authorization", "Bearer "+key)
	return c
}

type reqOption func(*http.Request)

func header(name, value string) reqOption {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func (c *client) get(path string, opts ...reqOption) *response {
	c.t.Helper()
	return c.do(http.MethodGet, Prefix+path, "", opts...)
}

func (c *client) post(path, body string, opts ...reqOption) *response {
	c.t.Helper()
	return c.do(http.MethodPost, Prefix+path, body, opts...)
}

func (c *client) put(path, body string, opts ...reqOption) *response {
	c.t.Helper()
	return c.do(http.MethodPut, Prefix+path, body, opts...)
}

func (c *client) remove(path string, opts ...reqOption) *response {
	c.t.Helper()
	return c.do(http.MethodDelete, Prefix+path, "", opts...)
}

func (c *client) do(method, target, body string, opts ...reqOption) *response {
	c.t.Helper()
	var in io.Reader = http.NoBody
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(c.t.Context(), method, target, in)
	for name, values := range c.header {
		r.Header[name] = values
	}
	for _, k := range c.cookies {
		r.AddCookie(k)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, o := range opts {
		o(r)
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	for _, k := range w.Result().Cookies() {
		c.cookies[k.Name] = k
	}
	return &response{t: c.t, ResponseRecorder: w, what: method + " " + target}
}

type response struct {
	t *testing.T
	*httptest.ResponseRecorder
	what string
}

// want checks the status and gives the response for more.
func (r *response) want(status int) *response {
	r.t.Helper()
	if r.Code != status {
		r.t.Fatalf("%s: status %d, want %d: %s", r.what, r.Code, status, r.Body)
	}
	return r
}

// json decodes the body.
func (r *response) json(v any) *response {
	r.t.Helper()
	if err := json.Unmarshal(r.Body.Bytes(), v); err != nil {
		r.t.Fatalf("%s: %v in %s", r.what, err, r.Body)
	}
	return r
}

// id gives the id of the thing in the body.
func (r *response) id() int64 {
	r.t.Helper()
	var v struct{ ID int64 }
	r.json(&v)
	return v.ID
}

// problem checks that the answer is a problem of the status and gives it.
func (r *response) problem(status int) Problem {
	r.t.Helper()
	r.want(status)
	var p Problem
	r.json(&p)
	if ct := r.Header().Get("Content-Type"); ct != "application/problem+json" || p.Status != status || p.Title == "" || p.Type != "about:blank" || p.Detail == "" {
		r.t.Fatalf("%s: not a problem of status %d: %s, %s", r.what, status, ct, r.Body)
	}
	return p
}

// locations gives where the fields of a problem are.
func (p Problem) locations() []string {
	out := []string{}
	for _, e := range p.Errors {
		out = append(out, e.Location)
	}
	return out
}

func newLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
