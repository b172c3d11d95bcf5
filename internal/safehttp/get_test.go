package safehttp

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postrider/internal/errs"
	"postrider/internal/safehttp/dnstest"
)

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// open is a getter that may go to this machine.
func open(t *testing.T, change ...func(*Config)) *Getter {
	t.Helper()
	cfg := Config{AllowPrivate: true, Now: func() time.Time { return time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC) }}
	for _, f := range change {
		f(&cfg)
	}
	g := NewGetter(cfg)
	t.Cleanup(g.client.CloseIdleConnections)
	return g
}

func wantErr(t *testing.T, err error, kind errs.Kind, text string) {
	t.Helper()
	var e *errs.E
	if !errors.As(err, &e) || e.Kind != kind || !strings.Contains(e.Public, text) {
		t.Errorf("got %v, want kind %d with %q", err, kind, text)
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("User-Agent"); got != "Postrider/1 (+https://news.example.org)" {
			t.Errorf("User-Agent %q", got)
		}
		w.Header().Set("ETag", `"a"`)
		w.Header().Set("Last-Modified", "Mon, 04 May 2026 01:00:00 GMT")
		w.Header().Set("Content-Type", "application/rss+xml")
		if r.Header.Get("If-None-Match") == `"a"` && r.Header.Get("If-Modified-Since") != "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, "<rss/>")
	})
	g := open(t, func(c *Config) {
		c.Agent = func(context.Context) string { return "Postrider/1 (+https://news.example.org)" }
	})
	a, err := g.Get(t.Context(), s.URL+"/feed#top", Validators{})
	if err != nil || string(a.Body) != "<rss/>" || a.ContentType != "application/rss+xml" || a.FinalURL != s.URL+"/feed" || a.NotModified || a.Moved {
		t.Fatalf("%+v, %v", a, err)
	}
	again, err := g.Get(t.Context(), s.URL+"/feed", a.Validators)
	if err != nil || !again.NotModified || len(again.Body) != 0 || again.Validators != a.Validators {
		t.Errorf("%+v, %v", again, err)
	}
}

func TestValidatorsCannotAddFields(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match")+r.Header.Get("X-Evil") != "" {
			t.Errorf("sent %v", r.Header)
		}
		w.WriteHeader(http.StatusNotModified)
	})
	_, err := open(t).Get(t.Context(), s.URL, Validators{ETag: "\"a\"\r\nX-Evil: 1"})
	wantErr(t, err, errs.Unavailable, "304") // nobody asked for it
}

func TestAddressesThatAreNotAsked(t *testing.T) {
	t.Parallel()
	g := NewGetter(Config{})
	for address, text := range map[string]string{
		"":                                           "enter an address",
		"ftp://example.org/":                         "must begin with",
		"file:///etc/passwd":                         "not an address",
		"gopher://example.org:70/":                   "must begin with",
		"javascript:alert(1)":                        "not an address",
		"http:example.org":                           "not an address",
		"https://bob:secret@example.org/":            "user name and password",
		"http://example.org:25/":                     "not from 25",
		"http://example.org:5432/":                   "not from 5432",
		"http://127.0.0.1/":                          "--fetch-allow-private",
		"http://localhost/":                          "--fetch-allow-private",
		"http://LOCALHOST./":                         "--fetch-allow-private",
		"http://a.localhost/":                        "--fetch-allow-private",
		"http://[::1]/":                              "--fetch-allow-private",
		"http://[::ffff:169.254.169.254]/":           "--fetch-allow-private",
		"http://169.254.169.254/latest":              "--fetch-allow-private",
		"https://e.org/" + strings.Repeat("a", 2000): "longer than",
	} {
		_, err := g.Get(t.Context(), address, Validators{})
		wantErr(t, err, errs.Invalid, text)
	}
}

// However an address of this machine is hidden, nothing connects to it.
func TestNothingReachesThisMachine(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string][][4]byte{
		"a name for it": {{127, 0, 0, 1}}, "a name for a network": {{10, 0, 0, 1}}, "a name for metadata": {{169, 254, 169, 254}}, "a name for 0.0.0.0": {{0, 0, 0, 0}},
		"a name that turns bad": {{255, 255, 255, 255}, {127, 0, 0, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := NewGetter(Config{Resolver: dnstest.Resolver(t, answers...)})
			for range 2 {
				_, err := g.Get(t.Context(), "http://feeds.example.org/feed", Validators{})
				wantErr(t, err, errs.Invalid, "feeds.example.org leads to this machine")
			}
		})
	}
	for _, host := range []string{"2130706433", "0177.0.0.1", "127.1", "[::]", "0.0.0.0"} {
		if _, err := NewGetter(Config{Resolver: dnstest.Resolver(t, [4]byte{127, 0, 0, 1})}).Get(t.Context(), "http://"+host+"/", Validators{}); err == nil {
			t.Errorf("%s is read", host)
		}
	}
}

// guarded lets a getter reach one server under a public name, and nothing else that is private: as if that server were on the Internet.
func guarded(t *testing.T, server string) *Getter {
	t.Helper()
	g := NewGetter(Config{})
	tr := g.client.Transport.(*http.Transport)
	dial := tr.DialContext
	tr.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == "public.example.org:80" {
			address = strings.TrimPrefix(server, "http://")
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		return dial(ctx, network, address)
	}
	t.Cleanup(g.client.CloseIdleConnections)
	return g
}

func TestRedirectsAreHeldToTheSameRules(t *testing.T) {
	t.Parallel()
	for to, text := range map[string]string{
		"http://169.254.169.254/latest/meta-data/": "--fetch-allow-private",
		"http://127.0.0.1:5432/":                   "--fetch-allow-private",
		"http://[::ffff:10.0.0.1]/":                "--fetch-allow-private",
		"http://public.example.org:22/":            "not from 22",
		"file:///etc/passwd":                       "not an address",
		"ftp://example.org/":                       "must begin with",
		"http://bob:x@example.org/":                "user name",
		"":                                         "without saying where to",
		"http://%zz/":                              "Location",
	} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if to != "" {
					w.Header().Set("Location", to)
				}
				w.WriteHeader(http.StatusFound)
			})
			_, err := guarded(t, s.URL).Get(t.Context(), "http://public.example.org/", Validators{})
			wantErr(t, err, errs.Unavailable, text)
		})
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var n, code int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d/%d", &n, &code); err != nil || n == 0 {
			_, _ = io.WriteString(w, "here")
			return
		}
		http.Redirect(w, r, fmt.Sprintf("/%d/%d", n-1, code), code)
	})
	for _, tc := range []struct {
		path  string
		moved bool
	}{{"/1/301", true}, {"/5/308", true}, {"/2/302", false}, {"/1/307", false}, {"/1/303", false}} {
		a, err := open(t).Get(t.Context(), s.URL+tc.path, Validators{})
		if err != nil || string(a.Body) != "here" || a.Moved != tc.moved || !strings.HasPrefix(a.FinalURL, s.URL+"/0/") {
			t.Errorf("%s: %+v, %v", tc.path, a, err)
		}
	}
	_, err := open(t).Get(t.Context(), s.URL+"/6/301", Validators{})
	wantErr(t, err, errs.Unavailable, "more than 5 times")
}

func TestNoWayFromHTTPSToHTTP(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.RedirectHandler("http://example.org/", http.StatusFound))
	t.Cleanup(s.Close)
	g := open(t)
	_, err := g.Get(t.Context(), s.URL, Validators{})
	wantErr(t, err, errs.Unavailable, "certificate is not signed")
	g.client.Transport.(*http.Transport).TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	_, err = g.Get(t.Context(), s.URL, Validators{})
	wantErr(t, err, errs.Unavailable, "from https to http")
}

func compressed(t *testing.T, coding string, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	default:
		w, _ = flate.NewWriter(&b, flate.BestCompression)
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCompression(t *testing.T) {
	t.Parallel()
	text, bomb := []byte("<rss>hello</rss>"), make([]byte, 1<<20)
	empty := bytes.Repeat(compressed(t, "gzip", nil), 1<<12)
	for name, tc := range map[string]struct {
		coding string
		body   []byte
		kind   errs.Kind
		want   string
	}{
		"gzip":               {"gzip", compressed(t, "gzip", text), 0, ""},
		"deflate":            {"deflate", compressed(t, "zlib", text), 0, ""},
		"bare deflate":       {"deflate", compressed(t, "flate", text), 0, ""},
		"gzip bomb":          {"gzip", compressed(t, "gzip", bomb), errs.TooLarge, "larger than 65536 bytes"},
		"deflate bomb":       {"deflate", compressed(t, "zlib", bomb), errs.TooLarge, "larger than"},
		"archive of nothing": {"gzip", empty, errs.TooLarge, "larger than"},
		"plain and large":    {"", bomb, errs.TooLarge, "larger than"},
		"cut off":            {"gzip", compressed(t, "gzip", text)[:20], errs.Unavailable, "broke off"},
		"not compressed":     {"gzip", text, errs.Unavailable, "cannot be read"},
		"twice":              {"gzip, gzip", text, errs.Unavailable, "cannot be read"},
		"unknown":            {"br", text, errs.Unavailable, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				if tc.coding != "" {
					w.Header().Set("Content-Encoding", tc.coding)
				}
				w.(http.Flusher).Flush() // no Content-Length
				_, _ = w.Write(tc.body)
			})
			a, err := open(t, func(c *Config) { c.MaxBody = 64 << 10 }).Get(t.Context(), s.URL, Validators{})
			if tc.want == "" {
				if err != nil || !bytes.Equal(a.Body, text) {
					t.Errorf("%q, %v", a.Body, err)
				}
				return
			}
			wantErr(t, err, tc.kind, tc.want)
		})
	}
}

func TestAnswersThatAreNoDocument(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status int
		after  string
		text   string
		wait   time.Duration
	}{
		{403, "", "127.0.0.1 answered 403 Forbidden; the document must be public", 0},
		{404, "", "check it for a slip", 0},
		{410, "", "taken away for good", 0},
		{429, "120", "left alone for 2m0s", 2 * time.Minute},
		{429, "", "asked too often", 0},
		{503, "Mon, 04 May 2026 05:02:01 GMT", "left alone for 2h0m0s", 2 * time.Hour},
		{503, "99999999", "24h", MaxRetryAfter},
		{500, "60", "may pass", 0},
		{204, "", "comes with 200 OK", 0},
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if tc.after != "" {
				w.Header().Set("Retry-After", tc.after)
			}
			w.WriteHeader(tc.status)
		})
		_, err := open(t).Get(t.Context(), s.URL, Validators{})
		wantErr(t, err, errs.Unavailable, tc.text)
		if got := RetryAfterOf(err); got != tc.wait {
			t.Errorf("%d: waits %s", tc.status, got)
		}
		var status *StatusError
		if !errors.As(err, &status) || status.Status != tc.status {
			t.Errorf("%d: the cause is %v", tc.status, status)
		}
	}
}

// A server that sends a byte now and then holds nobody up for longer than the timeout.
func TestDrip(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	var sent atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-r.Context().Done():
				return
			case <-tick.C:
				sent.Add(1)
				_, _ = io.WriteString(w, "x")
				w.(http.Flusher).Flush()
			}
		}
	})
	t.Cleanup(func() { close(stop) })
	_, err := open(t, func(c *Config) { c.Timeout = 100 * time.Millisecond }).Get(t.Context(), s.URL, Validators{})
	wantErr(t, err, errs.Unavailable, "did not send all of the document within 100ms")
	if sent.Load() == 0 {
		t.Error("nothing dripped")
	}
}

func TestServersThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	large := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("a", 2*maxHeader))
	})
	_, err := open(t).Get(t.Context(), large.URL, Validators{})
	wantErr(t, err, errs.Unavailable, "exceeded")
	cut := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			_ = c.Close()
		}
	})
	_, err = open(t).Get(t.Context(), cut.URL, Validators{})
	wantErr(t, err, errs.Unavailable, "closed the connection without an answer")
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	_, err = open(t).Get(t.Context(), gone.URL, Validators{})
	wantErr(t, err, errs.Unavailable, "takes no connection")
}

// A proxy would connect to what the guard never sees.
func TestNoProxy(t *testing.T) {
	t.Parallel()
	if Transport(Options{}).Proxy != nil {
		t.Error("a proxy is taken from the environment")
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://example.org/", "http://127.0.0.1", "http://[::ffff:127.0.0.1]:8080/", "//x", "http://a@b", "HTTP://0x7f.1/"} {
		f.Add(s)
	}
	g := NewGetter(Config{})
	f.Fuzz(func(t *testing.T, address string) {
		u, err := g.CheckURL(address)
		if err != nil {
			return
		}
		if again, err := g.CheckURL(u.String()); err != nil && len(u.String()) <= maxURL || err == nil && again.Host != u.Host {
			t.Errorf("%q is %q: %v", address, u, err)
		}
		if u.User != nil || u.Fragment != "" || InternalHost(u.Hostname()) {
			t.Errorf("%q passes as %q", address, u)
		}
	})
}
