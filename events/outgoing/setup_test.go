package outgoing

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"golang.org/x/sync/errgroup"

	"postrider/internal/page"
	"postrider/internal/pg/pgtest"
	"postrider/internal/secret"
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.t }

func (c *clock) forward(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.t = c.t.Add(d) }

func testBox(t *testing.T) *secret.Box {
	t.Helper()
	box, err := secret.FromString(base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, secret.KeySize)))
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// syncBuffer takes the log.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.b.String() }

type bundle struct {
	*Service
	t     *testing.T
	clock *clock
	log   *syncBuffer
}

// setup gives a service that may use loopback, on a database with list 1 and 2, people 1 and 2 (both on list 1), and campaign 1 to list 1 with deliveries to both.
func setup(t *testing.T, change ...func(*Config)) *bundle {
	t.Helper()
	pool := pgtest.DB(t)
	cfg := Config{AllowPrivate: true}
	for _, f := range change {
		f(&cfg)
	}
	b := &bundle{t: t, clock: &clock{t: time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)}, log: &syncBuffer{}}
	b.Service = New(pool, testBox(t), cfg, slog.New(slog.NewTextHandler(b.log, nil)), b.clock.now)
	t.Cleanup(b.client.CloseIdleConnections)
	b.exec(`INSERT INTO lists (name) VALUES ('News'), ('Offers')`)
	b.exec(`INSERT INTO subscribers (email, email_key, name) VALUES ('Ada@example.org', 'ada@example.org', 'Ada'), ('bob@example.org', 'bob@example.org', '')`)
	b.exec(`INSERT INTO subscriptions (list_id, subscriber_id, status, source) VALUES (1, 1, 'subscribed', 'admin'), (1, 2, 'subscribed', 'admin'), (2, 1, 'subscribed', 'admin')`)
	b.exec(`INSERT INTO campaigns (name, html) VALUES ('June', '<p>hi</p>')`)
	b.exec(`INSERT INTO campaign_lists (campaign_id, list_id) VALUES (1, 1)`)
	b.exec(`INSERT INTO deliveries (campaign_id, seq, subscriber_id, email) VALUES (1, 1, 1, 'Ada@example.org'), (1, 2, 2, 'bob@example.org')`)
	return b
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	if _, err := b.pool.Exec(b.t.Context(), sql, args...); err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
}

// count gives the number of rows that a condition picks.
func (b *bundle) count(from string, args ...any) (n int) {
	b.t.Helper()
	if err := b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM `+from, args...).Scan(&n); err != nil {
		b.t.Fatal(err)
	}
	return n
}

// open records an open by person 1.
func (b *bundle) opened() {
	b.t.Helper()
	b.exec(`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id) VALUES (now(), 'open', 1, 1, 1)`)
}

func (b *bundle) endpoint(in Input) (Endpoint, string) {
	b.t.Helper()
	in.Enabled = true
	e, sec, err := b.CreateEndpoint(b.t.Context(), in)
	if err != nil {
		b.t.Fatal(err)
	}
	return e, sec
}

func (b *bundle) get(id int64) Endpoint {
	b.t.Helper()
	e, err := b.GetEndpoint(b.t.Context(), id)
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

// turn makes messages of everything and sends what is due now.
func (b *bundle) turn() {
	b.t.Helper()
	var workers errgroup.Group
	if err := b.round(b.t.Context(), &workers); err != nil {
		b.t.Fatal(err)
	}
	_ = workers.Wait()
	if log := b.log.String(); strings.Contains(log, "was not done") {
		b.t.Fatal(log)
	}
}

func (b *bundle) messages(id int64) []Message {
	b.t.Helper()
	p, err := b.ListMessages(b.t.Context(), id, MessageFilter{}, pageAll)
	if err != nil {
		b.t.Fatal(err)
	}
	return p.Items
}

// hook is a receiver that checks signatures with the library of the standard.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	got    []delivered
	answer func(w http.ResponseWriter, n int) // n counts from 1
}

type delivered struct {
	id     string
	header http.Header
	body   []byte
	typ    string
	data   map[string]any
}

func newHook(t *testing.T, answer func(w http.ResponseWriter, n int)) *hook {
	t.Helper()
	h := &hook{answer: answer}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var p struct {
			Type string         `json:"type"`
			Data map[string]any `json:"data"`
		}
		if err := json.Unmarshal(body, &p); err != nil {
			t.Error(err)
		}
		h.mu.Lock()
		h.got = append(h.got, delivered{id: r.Header.Get("webhook-id"), header: r.Header.Clone(), body: body, typ: p.Type, data: p.Data})
		n := len(h.got)
		h.mu.Unlock()
		if h.answer != nil {
			h.answer(w, n)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *hook) all() []delivered {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]delivered{}, h.got...)
}

func status(code int) func(http.ResponseWriter, int) {
	return func(w http.ResponseWriter, _ int) { w.WriteHeader(code) }
}

func verify(t *testing.T, sec string, d delivered) error {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(sec)
	if err != nil {
		t.Fatal(err)
	}
	return wh.VerifyIgnoringTimestamp(d.body, d.header)
}

var pageAll = page.Query{Limit: page.MaxLimit}

var errTakenBack = errors.New("taken back")

func fakeLinks(f func(int64, int32) string) func(context.Context, int64, int32) (string, error) {
	return func(_ context.Context, id int64, link int32) (string, error) { return f(id, link), nil }
}

// await waits for something that must happen.
func await(t *testing.T, what <-chan struct{}) {
	t.Helper()
	select {
	case <-what:
	case <-time.After(30 * time.Second):
		t.Fatal("waited in vain")
	}
}
