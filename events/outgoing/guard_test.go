package outgoing

import (
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"postrider/internal/safehttp"
	"postrider/internal/safehttp/dnstest"
)

// However an address of this machine is hidden, nothing connects to it.
func TestNothingReachesThisMachine(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			reached.Add(1)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-served })
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	b := setup(t, func(c *Config) { c.AllowPrivate = false })
	for name, tc := range map[string]struct {
		host    string
		answers [][4]byte
	}{
		"itself": {host: "127.0.0.1"}, "mapped": {host: "[::ffff:127.0.0.1]"}, "unspecified": {host: "0.0.0.0"}, "all zero": {host: "[::]"}, "decimal": {host: "2130706433"},
		"octal": {host: "0177.0.0.1"}, "short": {host: "127.1"}, "its name": {host: "localhost"},
		"a name for it":         {host: "hooks.example.org", answers: [][4]byte{{127, 0, 0, 1}}},
		"a name for a network":  {host: "hooks.example.org", answers: [][4]byte{{10, 0, 0, 1}}},
		"a name for metadata":   {host: "hooks.example.org", answers: [][4]byte{{169, 254, 169, 254}}},
		"a name for 0.0.0.0":    {host: "hooks.example.org", answers: [][4]byte{{0, 0, 0, 0}}},
		"a name that turns bad": {host: "hooks.example.org", answers: [][4]byte{{255, 255, 255, 255}, {127, 0, 0, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			client := newClient(false)
			defer client.CloseIdleConnections()
			if tc.answers != nil {
				client.Transport = safehttp.Transport(safehttp.Options{Timeout: attemptTimeout, Resolver: dnstest.Resolver(t, tc.answers...)})
			}
			s := New(b.pool, b.box, Config{}, slog.New(slog.DiscardHandler), b.clock.now)
			s.client = client
			for range 2 {
				r := s.send(t.Context(), outgoing{url: "https://" + tc.host + ":" + port + "/", secrets: []string{newSecret()}, messageID: "msg_1", payload: "{}"})
				if r.delivered() || r.status != 0 {
					t.Errorf("%+v", r)
				}
				if (tc.answers != nil || name == "itself" || name == "mapped" || name == "its name") && !strings.Contains(r.err, "--webhook-allow-private") {
					t.Errorf("refused for another reason: %s", r.err)
				}
			}
			if n := reached.Load(); n != 0 {
				t.Errorf("%d connections", n)
			}
		})
	}
}

// A redirect is an answer like another, and leads nowhere.
func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	inner := newHook(t, nil)
	for _, code := range []int{301, 302, 303, 307, 308} {
		h := newHook(t, func(w http.ResponseWriter, _ int) { w.Header().Set("Location", inner.URL); w.WriteHeader(code) })
		e, _ := b.endpoint(Input{URL: h.URL})
		m, _, err := b.Test(t.Context(), e.ID, "")
		if err != nil || m.Status != MessageFailed || !strings.Contains(*m.LastError, "redirects") {
			t.Errorf("%d: %+v, %v", code, m, err)
		}
	}
	if n := len(inner.all()); n != 0 {
		t.Errorf("followed %d times", n)
	}
}

// A proxy would connect to what the guard never sees.
func TestNoProxy(t *testing.T) {
	t.Parallel()
	if newClient(false).Transport.(*http.Transport).Proxy != nil {
		t.Error("a proxy is taken from the environment")
	}
}
