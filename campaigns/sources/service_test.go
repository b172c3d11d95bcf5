package sources

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/errs"
	"postrider/internal/pg/pgtest"
	"postrider/internal/safehttp"
)

type bundle struct {
	*Service
	t    *testing.T
	pool *pgxpool.Pool
	url  string

	mu     sync.Mutex
	at     time.Time
	asked  int
	answer func(w http.ResponseWriter, r *http.Request)
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, pool: pgtest.DB(t), at: time.Date(2026, 5, 4, 8, 0, 0, 0, time.UTC)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.asked++
		answer := b.answer
		b.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	b.url = server.URL + "/feed"
	b.Service = b.process()
	b.says(rss("one"))
	return b
}

// process is another process on the same database.
func (b *bundle) process() *Service {
	return New(b.pool, safehttp.NewGetter(safehttp.Config{AllowPrivate: true, Now: b.now}), b.now)
}

func (b *bundle) now() time.Time { b.mu.Lock(); defer b.mu.Unlock(); return b.at }

func (b *bundle) forward(d time.Duration) { b.mu.Lock(); defer b.mu.Unlock(); b.at = b.at.Add(d) }

func (b *bundle) does(f func(w http.ResponseWriter, r *http.Request)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = f
}

func (b *bundle) says(text string) {
	b.does(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func (b *bundle) status(code int) {
	b.does(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
}

func rss(title string) string {
	return `<rss version="2.0"><channel><title>` + title + `</title></channel></rss>`
}

func (b *bundle) want(maxAge time.Duration, body string, stale bool, asked int) Document {
	b.t.Helper()
	d, err := b.Fetch(b.t.Context(), Feed, b.url, maxAge)
	if err != nil || string(d.Body) != body || d.Stale != stale || b.asked != asked {
		b.t.Fatalf("asked %d times, %+v %q, %v", b.asked, d, d.Body, err)
	}
	return d
}

func TestFreshCopiesAreNotAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.want(time.Hour, rss("one"), false, 1)
	b.says(rss("two"))
	b.forward(59 * time.Minute)
	b.want(time.Hour, rss("one"), false, 1)
	b.want(0, rss("two"), false, 2)
	b.forward(time.Hour)
	b.want(time.Hour, rss("two"), false, 3)
}

func TestUnchangedIsNotSentAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.does(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"1"`)
		if r.Header.Get("If-None-Match") == `"1"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, rss("one"))
	})
	first := b.want(time.Hour, rss("one"), false, 1)
	b.forward(2 * time.Hour)
	second := b.want(time.Hour, rss("one"), false, 2)
	if !second.FetchedAt.Equal(first.FetchedAt.Add(2*time.Hour)) || second.Trouble != "" {
		t.Errorf("%+v", second)
	}
	b.forward(30 * time.Minute)
	b.want(time.Hour, rss("one"), false, 2)
}

func TestTheLastGoodCopyStandsIn(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(b *bundle){
		"an error of the server": func(b *bundle) { b.status(503) },
		"a web page":             func(b *bundle) { b.says("<html><body>Back soon</body></html>") },
		"a broken feed":          func(b *bundle) { b.says("<rss><channel><item>") },
		"JSON that is no feed":   func(b *bundle) { b.says(`{"error":"rate limited"}`) },
		"nothing":                func(b *bundle) { b.says("") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.want(0, rss("one"), false, 1)
			f(b)
			b.forward(72 * time.Minute)
			d := b.want(time.Hour, rss("one"), true, 2)
			if !strings.HasPrefix(d.Trouble, "since 4 May 2026, 09:12 UTC: ") || !strings.HasSuffix(d.Trouble, "; this copy is from 4 May 2026, 08:00 UTC") {
				t.Errorf("trouble %q", d.Trouble)
			}
			b.want(time.Hour, rss("one"), true, 2) // left alone
			b.forward(firstRest)
			b.want(time.Hour, rss("one"), true, 3)
			b.forward(firstRest)
			d = b.want(time.Hour, rss("one"), true, 3)
			if !strings.Contains(d.Trouble, "09:12") {
				t.Errorf("trouble %q", d.Trouble)
			}
			st, err := b.State(t.Context(), Feed, b.url)
			if err != nil || st.Failures != 2 || st.Error == "" || st.FailingSince == nil || !st.NextTryAt.Equal(b.at.Add(firstRest)) {
				t.Errorf("%+v, %v", st, err)
			}
			b.says(rss("two"))
			b.forward(firstRest)
			if d = b.want(time.Hour, rss("two"), false, 4); d.Trouble != "" {
				t.Errorf("trouble %q", d.Trouble)
			}
			if st, err = b.State(t.Context(), Feed, b.url); err != nil || st.Failures != 0 || st.Error != "" || st.FailingSince != nil || st.NextTryAt != nil {
				t.Errorf("%+v, %v", st, err)
			}
		})
	}
}

// A document can be read as a feed by one and as JSON by another: each has a copy of its own, so that what is good for one does not take the place of what is good for the other.
func TestCopiesAreOfAKind(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const jsonFeed = `{"version":"https://jsonfeed.org/version/1.1","title":"x","items":[]}`
	b.says(jsonFeed)
	b.want(0, jsonFeed, false, 1)
	b.says(`{"price":1}`)
	d, err := b.Fetch(t.Context(), JSON, b.url, time.Hour)
	if err != nil || string(d.Body) != `{"price":1}` || b.asked != 2 {
		t.Errorf("asked %d times, %q, %v", b.asked, d.Body, err)
	}
	b.want(time.Hour, jsonFeed, false, 2)
	b.want(0, jsonFeed, true, 3)
	b.says(rss("one"))
	if d, err = b.Fetch(t.Context(), JSON, b.url, 0); err != nil || string(d.Body) != `{"price":1}` || !d.Stale || !strings.Contains(d.Trouble, "JSON") {
		t.Errorf("%q, %q, %v", d.Body, d.Trouble, err)
	}
	if _, err := b.Fetch(t.Context(), "picture", b.url, 0); err == nil {
		t.Error("a kind that there is not")
	}
}

func TestASourceThatNeverWorked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, err := b.State(t.Context(), Feed, b.url); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
	b.status(403)
	if _, err := b.Fetch(t.Context(), Feed, b.url, 0); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "403 Forbidden") {
		t.Error(err)
	}
	_, err := b.Fetch(t.Context(), Feed, b.url, 0)
	if !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "asked again from 4 May 2026, 08:02 UTC on") || b.asked != 1 {
		t.Errorf("asked %d times, %v", b.asked, err)
	}
	b.says(rss("one"))
	b.forward(firstRest)
	b.want(0, rss("one"), false, 2)
	for _, bad := range []string{"", "ftp://example.org/", "http://example.org/\x00", "http://example.org/" + strings.Repeat("a", 2000)} {
		if _, err := b.Fetch(t.Context(), Feed, bad, 0); !errs.Is(err, errs.Invalid) {
			t.Error(err)
		}
	}
	b.url += "#part"
	b.want(time.Hour, rss("one"), false, 2)
}

func TestRetryAfterIsHeeded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.want(0, rss("one"), false, 1)
	b.does(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	b.want(0, rss("one"), true, 2)
	b.forward(2*time.Hour - time.Second)
	b.want(0, rss("one"), true, 2)
	b.forward(time.Second)
	b.want(0, rss("one"), true, 3)
}

// A source that has failed for long is left alone for hours, but not by who needs it now: an issue at its time, or a person who has mended it. What its server asks for holds for all.
func TestWhoNeedsItNowDoesNotWaitLong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.want(0, rss("one"), false, 1)
	b.status(500)
	for range 7 {
		b.forward(24 * time.Hour)
		_, _ = b.Fetch(t.Context(), Feed, b.url, time.Hour)
	}
	b.forward(hurryRest - time.Second)
	b.want(0, rss("one"), true, 8)
	b.forward(time.Second)
	b.want(time.Hour, rss("one"), true, 8)
	b.want(hurryRest, rss("one"), true, 8)
	b.want(time.Minute, rss("one"), true, 9)
	b.want(0, rss("one"), true, 9)
	b.does(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "1200")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	b.forward(hurryRest)
	b.want(0, rss("one"), true, 10)
	b.forward(20*time.Minute - time.Second)
	b.want(0, rss("one"), true, 10)
	b.forward(time.Second)
	b.status(500)
	b.want(0, rss("one"), true, 11)
	b.forward(hurryRest)
	b.says(rss("two"))
	b.want(0, rss("two"), false, 12)
}

// What a source that never worked is said to wait for is what is true for whoever asks.
func TestWhenItIsAskedAgainIsSaid(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.status(500)
	for range 7 {
		_, _ = b.Fetch(t.Context(), Feed, b.url, time.Hour)
		b.forward(24 * time.Hour)
	}
	for maxAge, want := range map[time.Duration]string{0: "from 11 May 2026, 08:05 UTC on", time.Hour: "from 11 May 2026, 12:16 UTC on"} {
		_, _ = b.Fetch(t.Context(), Feed, b.url, time.Hour)
		if _, err := b.Fetch(t.Context(), Feed, b.url, maxAge); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", maxAge, err)
		}
	}
}

func TestRest(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{1: firstRest, 2: 2 * firstRest, 5: 16 * firstRest, 9: mostRest, 1000: mostRest} {
		if got := rest(n); got != want {
			t.Errorf("%d: %s", n, got)
		}
	}
}

// That a request was broken off by us is not held against the source.
func TestBreakingOffSaysNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.does(func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	if _, err := b.Fetch(ctx, Feed, b.url, 0); err == nil {
		t.Error("no error")
	}
	b.says(rss("one"))
	b.want(0, rss("one"), false, 2)
}

// Processes that ask at once each get a copy, and the newest stays; a failure that comes in late does not undo it.
func TestProcessesAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	for i := range 6 {
		p := b.process()
		wg.Go(func() {
			if _, err := p.Fetch(t.Context(), Feed, b.url, time.Duration(i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	late := good(Feed, b.url, safehttp.Answer{Body: []byte("old")}, b.at.Add(-time.Minute))
	if err := b.saveGood(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	at := b.at.Add(-time.Second)
	late.Trouble, late.FailingSince, late.TriedAt, late.NextTryAt, late.Failures = "x", &at, at, &at, 1
	if err := b.saveFailure(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	if d := b.want(time.Hour, rss("one"), false, b.asked); d.Trouble != "" {
		t.Errorf("%+v", d)
	}
}

func TestUnusedCopiesAreDropped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.want(0, rss("one"), false, 1)
	other := strings.Replace(b.url, "/feed", "/other", 1)
	for range 4 {
		b.forward(keepUnused / 3)
		if _, err := b.Fetch(t.Context(), Feed, other, 0); err != nil {
			t.Fatal(err)
		}
	}
	var left []string
	if err := b.pool.QueryRow(t.Context(), `SELECT array_agg(url) FROM source_copies`).Scan(&left); err != nil || fmt.Sprint(left) != fmt.Sprint([]string{other}) {
		t.Errorf("%v, %v", left, err)
	}
}

func TestMovedForGood(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.does(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/feed" {
			http.Redirect(w, r, "/new", http.StatusMovedPermanently)
			return
		}
		_, _ = io.WriteString(w, rss("one"))
	})
	d := b.want(0, rss("one"), false, 2)
	st, err := b.State(t.Context(), Feed, b.url)
	if err != nil || !strings.HasSuffix(st.MovedTo, "/new") || d.FinalURL != st.MovedTo {
		t.Errorf("%+v, %v", st, err)
	}
}

// However many ask at once, a host sees two of them at a time, and those who give up leave nothing behind.
func TestAHostIsAskedByFewAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	inside, most := 0, 0
	came, answer := make(chan struct{}, 20), make(chan struct{})
	b.does(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		inside++
		most = max(most, inside)
		mu.Unlock()
		came <- struct{}{}
		<-answer
		mu.Lock()
		inside--
		mu.Unlock()
		_, _ = io.WriteString(w, rss("one"))
	})
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			if _, err := b.Fetch(t.Context(), Feed, b.url+fmt.Sprint("/", i%3), 0); err != nil {
				t.Error(err)
			}
		})
	}
	<-came
	<-came
	name := strings.TrimPrefix(strings.TrimSuffix(b.url, "/feed"), "http://")
	for waiting, asking := 0, 0; waiting < 6 || asking < perHost; runtime.Gosched() {
		b.turns.mu.Lock()
		waiting, asking = b.turns.hosts[name].users, len(b.turns.hosts[name].asking)
		b.turns.mu.Unlock()
	}
	if n := len(b.turns.hosts[name].asking); n != 2 {
		t.Errorf("%d ask", n)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.turns.take(gone, name); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(answer)
	wg.Wait()
	if most != 2 || len(b.turns.hosts) != 0 {
		t.Errorf("%d at once, and %d hosts are kept in mind", most, len(b.turns.hosts))
	}
}

// What a clock wrote that was ahead neither counts as fresh, nor keeps a source alone or a newer copy out, when it is put right.
func TestAClockThatJumpsAheadAndBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.want(0, rss("one"), false, 1)
	b.forward(30 * 24 * time.Hour)
	b.want(0, rss("one"), false, 2)
	b.status(500)
	for range 3 {
		b.forward(6 * time.Hour)
		_, _ = b.Fetch(t.Context(), Feed, b.url, time.Hour)
	}
	b.forward(-31 * 24 * time.Hour)
	d := b.want(time.Hour, rss("one"), true, 6)
	if st, err := b.State(t.Context(), Feed, b.url); err != nil || st.FailingSince.After(b.at) || !strings.HasPrefix(d.Trouble, "since "+moment(b.at)) {
		t.Errorf("%+v, %q, %v", st, d.Trouble, err)
	}
	b.forward(time.Hour)
	b.says(rss("two"))
	b.want(0, rss("two"), false, 7)
	b.want(time.Hour, rss("two"), false, 7)
	b.forward(2 * time.Hour)
	b.status(500)
	b.want(time.Hour, rss("two"), true, 8)
	b.want(time.Hour, rss("two"), true, 8)
}
