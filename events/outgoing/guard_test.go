package outgoing

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestInternal(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"127.0.0.1", "127.255.255.254", "::1", "0.0.0.0", "0.1.2.3", "::", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "100.100.100.200",
		"169.254.169.254", "168.63.129.16", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "224.0.0.1", "ff02::1", "240.0.0.1", "255.255.255.255",
		"192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.9", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:100.64.0.1", "::ffff:168.63.129.16", "fec0::1%eth0", "::127.0.0.1", "::7f00:1",
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "100::1",
	} {
		if !internal(netip.MustParseAddr(text)) {
			t.Errorf("%s passes", text)
		}
	}
	for _, text := range []string{"8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.0.1.1", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808"} {
		if internal(netip.MustParseAddr(text)) {
			t.Errorf("%s is refused", text)
		}
	}
}

func FuzzInternal(f *testing.F) {
	f.Add([]byte{127, 0, 0, 1})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 169, 254, 169, 254})
	f.Fuzz(func(t *testing.T, raw []byte) {
		ip, ok := netip.AddrFromSlice(raw)
		if !ok {
			t.Skip()
		}
		std := net.IP(raw)
		if (std.IsLoopback() || std.IsPrivate() || std.IsLinkLocalUnicast() || std.IsMulticast() || std.IsUnspecified()) && !internal(ip) {
			t.Errorf("%s passes", ip)
		}
		if err := guard("tcp", netip.AddrPortFrom(ip, 443).String(), nil); (err != nil) != internal(ip) {
			t.Errorf("%s: %v", ip, err)
		}
	})
}

// nameserver answers every question for an address with the next of its answers, the last one for ever.
func nameserver(t *testing.T, answers ...[4]byte) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { _ = conn.Close(); <-done })
	var n atomic.Int32
	go func() {
		defer close(done)
		buf := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(buf[:size]); err != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				ip := answers[min(int(n.Add(1)), len(answers))-1]
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, Body: &dnsmessage.AResource{A: ip}}}
			}
			out, err := m.Pack()
			if err == nil {
				_, _ = conn.WriteTo(out, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

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
				dialer := &net.Dialer{Control: guard, Resolver: nameserver(t, tc.answers...)}
				client.Transport.(*http.Transport).DialContext = dialer.DialContext
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
