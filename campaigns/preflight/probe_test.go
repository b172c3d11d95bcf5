package preflight

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/safehttp"
)

// web is a server with a page of every kind. It counts what it is asked.
type web struct {
	*httptest.Server
	asked sync.Map
}

func newWeb(t *testing.T) *web {
	t.Helper()
	w := &web{}
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n, _ := w.asked.LoadOrStore(r.Method+" "+r.URL.Path, new(atomic.Int32))
		n.(*atomic.Int32).Add(1)
		switch r.URL.Path {
		case "/ok":
		case "/moved":
			http.Redirect(rw, r, "/ok", http.StatusMovedPermanently)
		case "/circle":
			http.Redirect(rw, r, "/circle", http.StatusFound)
		case "/ftp":
			rw.Header().Set("Location", "ftp://example.org/")
			rw.WriteHeader(http.StatusFound)
		case "/gone":
			rw.WriteHeader(http.StatusGone)
		case "/50%-off/é":
			if r.URL.RawQuery != "q=a%20b%C3%A9&r=%" {
				rw.WriteHeader(http.StatusBadRequest)
			}
		case "/nohead":
			if r.Method == http.MethodHead {
				rw.WriteHeader(http.StatusMethodNotAllowed)
			}
		case "/forbidden":
			rw.WriteHeader(http.StatusForbidden)
		case "/error":
			rw.WriteHeader(http.StatusInternalServerError)
		case "/busy":
			rw.WriteHeader(http.StatusServiceUnavailable)
		case "/image":
			rw.Header().Set("Content-Type", "image/png; x=y")
			rw.Header().Set("Content-Length", "1234")
		case "/stream":
			rw.Header().Set("Content-Type", "image/gif")
			rw.(http.Flusher).Flush()
			_, _ = io.WriteString(rw, strings.Repeat("x", 4321))
		case "/endless":
			rw.Header().Set("Content-Type", "image/gif")
			for range 200 {
				if _, err := io.WriteString(rw, strings.Repeat("x", 64<<10)); err != nil {
					return
				}
			}
		default:
			rw.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(w.Close)
	return w
}

func (w *web) count(what string) int32 {
	n, ok := w.asked.Load(what)
	if !ok {
		return 0
	}
	return n.(*atomic.Int32).Load()
}

func TestProbe(t *testing.T) {
	t.Parallel()
	w := newWeb(t)
	for path, want := range map[string]struct {
		verdict string
		status  int
		hops    int
		size    bool
		bytes   int64
	}{
		"/ok": {probeFine, 200, 1, false, 0}, "/moved": {probeFine, 200, 2, false, 0}, "/circle": {probeBroken, 302, 6, false, -1}, "/ftp": {probeBroken, 302, 2, false, -1},
		"/gone": {probeBroken, 410, 1, false, 0}, "/none": {probeBroken, 404, 1, false, 0}, "/nohead": {probeFine, 200, 1, false, 0}, "/forbidden": {probeUnsure, 403, 1, false, 0},
		"/error": {probeBroken, 500, 1, false, 0}, "/busy": {probeUnsure, 503, 1, false, 0}, "/image": {probeFine, 200, 1, true, 1234}, "/stream": {probeFine, 200, 1, true, 4321},
		"/endless": {probeFine, 200, 1, true, mostBytes},
	} {
		p := NewProber(true, time.Now).Probe(t.Context(), w.URL+path, want.size)
		if p.verdict() != want.verdict || p.Status != want.status || len(p.Chain) != want.hops || want.size && p.Bytes != want.bytes || p.says() == "" {
			t.Errorf("%s: %s, %+v", path, p.verdict(), p)
		}
	}
	if p := NewProber(true, time.Now).Probe(t.Context(), w.URL+"/image", true); p.Type != "image/png" {
		t.Errorf("the type is %q", p.Type)
	}
}

// outside is a server on the Internet that redirects to where nobody may be led.
type outside struct {
	http.RoundTripper
	to string
}

func (o outside) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "outside.net" {
		return o.RoundTripper.RoundTrip(r)
	}
	return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {o.to}}, Body: http.NoBody, Request: r}, nil
}

func TestProbeGoesNowhereThatIsForbidden(t *testing.T) {
	t.Parallel()
	inside := newWeb(t)
	p := NewProber(false, time.Now)
	p.client.Transport = outside{p.client.Transport, inside.URL + "/ok"}
	for _, address := range []string{inside.URL + "/ok", "http://outside.net/"} {
		if found := p.Probe(t.Context(), address, false); found.verdict() != probePrivate {
			t.Errorf("%s: %+v", address, found)
		}
	}
	if n := inside.count("HEAD /ok") + inside.count("GET /ok"); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
}

func TestProbeKeepsWhatItFound(t *testing.T) {
	t.Parallel()
	w, now := newWeb(t), time.Now()
	p := NewProber(true, func() time.Time { return now })
	for range 3 {
		p.Probe(t.Context(), w.URL+"/ok", false)
		p.Probe(t.Context(), w.URL+"/gone", false)
	}
	if a, b := w.count("HEAD /ok"), w.count("HEAD /gone"); a != 1 || b != 1 {
		t.Errorf("asked %d and %d times", a, b)
	}
	now = now.Add(keepBroken + time.Second)
	p.Probe(t.Context(), w.URL+"/ok", false)
	p.Probe(t.Context(), w.URL+"/gone", false)
	if a, b := w.count("HEAD /ok"), w.count("HEAD /gone"); a != 1 || b != 2 {
		t.Errorf("then %d and %d times: what was broken is looked at again soon", a, b)
	}
}

// slow is a prober that answers when it is let, and knows how many it was asked at once.
type slow struct {
	let       chan struct{}
	now, most atomic.Int32
	asked     atomic.Int32
	full      func() // called when as many wait as are asked at once, and one was answered
}

func (s *slow) Probe(ctx context.Context, address string, _ bool) Probe {
	n := s.now.Add(1)
	defer s.now.Add(-1)
	if s.asked.Add(1) == atOnce+1 && s.full != nil {
		s.full()
	}
	for {
		m := s.most.Load()
		if n <= m || s.most.CompareAndSwap(m, n) {
			break
		}
	}
	select {
	case <-s.let:
		return Probe{Status: 200}
	case <-ctx.Done():
		return Probe{Kind: troubleOther, Trouble: "late"}
	}
}

func TestOneServerIsAskedGently(t *testing.T) {
	t.Parallel()
	s := &slow{let: make(chan struct{}, 100)}
	var targets []Target
	for i := range 40 {
		targets = append(targets, Target{URL: fmt.Sprintf("https://one.net/%d", i)})
		s.let <- struct{}{}
	}
	found, unreached := ProbeAll(t.Context(), s, targets)
	if len(found) != 40 || unreached != 0 || s.most.Load() > atOnceByHost {
		t.Errorf("%d found, %d not; %d at once", len(found), unreached, s.most.Load())
	}
}

func TestWhatTimeDoesNotAllowIsSaid(t *testing.T) {
	t.Parallel()
	s := &slow{let: make(chan struct{}, 100)}
	var targets []Target
	for i := range 40 {
		targets = append(targets, Target{URL: fmt.Sprintf("https://host%d.net/", i)})
	}
	s.let <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	s.full = cancel
	found, unreached := ProbeAll(ctx, s, targets)
	if len(found) != 1 || unreached != 39 || s.most.Load() != atOnce {
		t.Errorf("%d found, %d not; %d at once", len(found), unreached, s.most.Load())
	}
	if f := codes(Check(Input{Samples: []Sample{{Raw: corpus(t)["good-newsletter"]}}, Unprobed: unreached})); f["link_unchecked"] != Info {
		t.Errorf("%v", f)
	}
}

func TestPagesForLeavingAreNeverAsked(t *testing.T) {
	t.Parallel()
	raw := []byte("From: a@harbourbooks.shop\nDate: x\nSubject: y\nList-Unsubscribe: <https://mail.harbourbooks.shop/u/1>\nContent-Type: text/html\n\n" +
		`<a href="https://mail.harbourbooks.shop/u/1">here</a><a href="https://elsewhere.net/leave?x=1">Unsubscribe</a><a href="https://elsewhere.net/unsub/7">click</a>
		<a href="https://own.net/t/c/abc">counted</a><a href="https://own.net/blog">blog</a><a href="http://10.0.0.1/">x</a><a href="https://example.org/">x</a>
		<img src="https://own.net/t/o/abc.gif" width="1" height="1"><img src="https://img.net/a.png">`)
	var got []string
	for _, target := range Targets([]Sample{{Raw: raw}}, Facts{OwnHosts: []string{"own.net"}}) {
		got = append(got, target.URL)
	}
	if diff := cmp.Diff([]string{"https://own.net/blog", "https://img.net/a.png"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestTroubleIsPutIntoWords(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		err  error
		kind string
	}{
		{&net.DNSError{IsNotFound: true}, troubleDNS}, {&net.DNSError{IsTimeout: true}, troubleOther}, {context.DeadlineExceeded, troubleOther},
		{fmt.Errorf("dial: %w", syscall.ECONNREFUSED), troubleOther}, {safehttp.RefusedError{IP: "10.0.0.1"}, troublePrivate},
	} {
		if kind, text := explain(tc.err); kind != tc.kind || text == "" {
			t.Errorf("%v: %s %s", tc.err, kind, text)
		}
	}
}

// What stands in a mail is asked as a browser asks it.
func TestAddressesThatOnlyBrowsersTake(t *testing.T) {
	t.Parallel()
	w := newWeb(t)
	p := NewProber(true, time.Now)
	for _, path := range []string{"/50%-off/é?q=a bé&r=%#a%", `\50%-off\é?q=a bé&r=%`, "/50%25-off/%C3%A9?q=a%20b%C3%A9&r=%"} {
		if got := p.Probe(t.Context(), w.URL+path, false); got.verdict() != probeFine || got.Status != 200 {
			t.Errorf("%s: %+v", path, got)
		}
	}
	doc := readHTML("<a href=' https://www.harbour\n\tbooks.shop/\r\n  a b '>x</a><img src='https://img.harbourbooks.shop/\n  a.png'>")
	if got := []string{doc.links[0].url, doc.images[0].src}; got[0] != "https://www.harbourbooks.shop/  a b" || got[1] != "https://img.harbourbooks.shop/  a.png" {
		t.Errorf("%q", got)
	}
}
