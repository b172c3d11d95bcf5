package hooksource

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/events"
	"postrider/events/hooks"
	"postrider/internal/errs"
	"postrider/internal/pg/pgtest"
	"postrider/internal/secret"
)

type ledger struct {
	mu   sync.Mutex
	keys map[string]int
}

func (l *ledger) TakeReports(_ context.Context, reports []events.Report) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range reports {
		l.keys[r.Key]++
	}
	return nil
}

type noFetcher struct{}

func (noFetcher) Fetch(context.Context, string, int64) ([]byte, error) {
	return nil, errors.New("no network in tests")
}

func box(t *testing.T, fill string) *secret.Box {
	t.Helper()
	b, err := secret.FromString(strings.Repeat(fill, 43) + "=")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func service(pool *pgxpool.Pool, b *secret.Box) (*Service, *ledger) {
	l := &ledger{keys: map[string]int{}}
	cfg := Config{PublicURL: func(context.Context) (string, error) { return "https://news.tree.club", nil }, Fetcher: noFetcher{}}
	return New(pool, b, l, cfg, slog.New(slog.DiscardHandler), time.Now), l
}

const postmarkBounce = `{"RecordType":"Bounce","ID":7,"Type":"HardBounce","MessageID":"p1","Email":"gone@tree.club"}`

func TestAnotherKeyOfTheInstallation(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	s, _ := service(pool, box(t, "A"))
	key := "0123456789abcdef"
	made, err := s.Create(t.Context(), Input{Provider: hooks.Mailgun, SigningKey: &key})
	if err != nil {
		t.Fatal(err)
	}
	other, _ := service(pool, box(t, "B"))
	lost, err := other.Get(t.Context(), made.ID)
	if err != nil || lost.Path != "" {
		t.Fatalf("%+v, %v", lost, err)
	}
	if url, err := other.URL(t.Context(), lost); url != "" || err != nil {
		t.Errorf("%q, %v", url, err)
	}
	// An empty secret opens nothing.
	if _, err := other.Find(t.Context(), "mailgun", made.ID, ""); !errs.Is(err, errs.NotFound) {
		t.Errorf("%v", err)
	}
	renewed, err := other.RenewPath(t.Context(), made.ID)
	if err != nil || renewed.Path == "" || renewed.Path == made.Path {
		t.Fatalf("%+v, %v", renewed, err)
	}
	if err := other.Take(t.Context(), renewed, http.Header{}, []byte(`{"signature":{}}`)); !errs.Is(err, errs.Unavailable) {
		t.Errorf("with a key that cannot be read: %v", err)
	}
	if again, err := other.Get(t.Context(), made.ID); err != nil || again.LastError == nil || !strings.Contains(*again.LastError, "enter it again") {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestSecretsOfOneSourceDoNotOpenAnother(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	s, _ := service(pool, box(t, "A"))
	first, err := s.Create(t.Context(), Input{Provider: hooks.Postmark, Name: "first"})
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Create(t.Context(), Input{Provider: hooks.Postmark, Name: "second"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(t.Context(), "postmark", second.ID, first.secret); !errs.Is(err, errs.NotFound) {
		t.Errorf("%v", err)
	}
	if _, err := pool.Exec(t.Context(), `UPDATE webhook_sources SET path_secret = (SELECT path_secret FROM webhook_sources WHERE id = $1) WHERE id = $2`, first.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	if copied, err := s.Get(t.Context(), second.ID); err != nil || copied.Path != "" {
		t.Errorf("a sealed secret was copied to another row and opens: %+v, %v", copied, err)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	s, l := service(pool, box(t, "A"))
	made, err := s.Create(t.Context(), Input{Provider: hooks.Postmark})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() {
			if err := s.Take(t.Context(), made, http.Header{}, []byte(postmarkBounce)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	after, err := s.Get(t.Context(), made.ID)
	if err != nil || after.Received != 20 || after.Reports != 20 || len(l.keys) != 1 {
		t.Errorf("%+v, %v, keys %v", after, err, l.keys)
	}
}

func TestWaitingTopicsAreBounded(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	s, _ := service(pool, box(t, "A"))
	made, err := s.Create(t.Context(), Input{Provider: hooks.SES})
	if err != nil {
		t.Fatal(err)
	}
	for i := range maxTopics + 1 {
		source, err := s.Get(t.Context(), made.ID)
		if err != nil {
			t.Fatal(err)
		}
		err = s.asked(t.Context(), source, hooks.SNS{TopicARN: fmt.Sprintf("arn:aws:sns:eu-west-1:123456789012:t%d", i), SubscribeURL: "https://x"})
		var refused *hooks.Error
		if full := i == maxTopics; full != errors.As(err, &refused) {
			t.Fatalf("topic %d: %v", i, err)
		}
	}
}

func TestFetching(t *testing.T) {
	t.Parallel()
	elsewhere := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good":
			_, _ = w.Write([]byte("hello"))
		case "/large":
			_, _ = w.Write(make([]byte, 101))
		case "/moved":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "/elsewhere":
			elsewhere++
		default:
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	defer server.Close()
	f := newWebFetcher()
	if body, err := f.Fetch(t.Context(), server.URL+"/good", 100); err != nil || string(body) != "hello" {
		t.Errorf("%q, %v", body, err)
	}
	for _, path := range []string{"/large", "/moved", "/forbidden?Token=t0k3n"} {
		if body, err := f.Fetch(t.Context(), server.URL+path, 100); err == nil || strings.Contains(err.Error(), "t0k3n") {
			t.Errorf("%s: %q, %v", path, body, err)
		}
	}
	if elsewhere != 0 {
		t.Error("a redirect was followed")
	}
	server.Close()
	if _, err := f.Fetch(t.Context(), server.URL+"/?Token=t0k3n", 100); err == nil || strings.Contains(err.Error(), "t0k3n") {
		t.Errorf("%v", err)
	}
}
