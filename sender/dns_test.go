package sender

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
)

// zone answers from maps; names that are not in it do not exist, and those in down are not answered.
type zone struct {
	mu    sync.Mutex
	txt   map[string][]string
	mx    map[string][]*net.MX
	hosts map[string][]string
	ptr   map[string][]string
	down  map[string]bool
	err   error
	asked []string
}

func (z *zone) answer(name string) (string, error) {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	z.asked = append(z.asked, name)
	switch {
	case z.err != nil:
		return name, z.err
	case z.down[name]:
		return name, &net.DNSError{Err: "server misbehaving", Name: name, IsTemporary: true}
	}
	return name, nil
}

func find[T any](z *zone, in map[string][]T, name string) ([]T, error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	name, err := z.answer(name)
	if err != nil {
		return nil, err
	}
	if found, ok := in[name]; ok {
		return found, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z *zone) LookupTXT(_ context.Context, name string) ([]string, error) {
	return find(z, z.txt, name)
}

func (z *zone) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	return find(z, z.mx, name)
}

func (z *zone) LookupAddr(_ context.Context, addr string) ([]string, error) {
	return find(z, z.ptr, addr)
}

func (z *zone) LookupIPAddr(_ context.Context, host string) ([]net.IPAddr, error) {
	ips, err := find(z, z.hosts, host)
	var addrs []net.IPAddr
	for _, ip := range ips {
		addrs = append(addrs, net.IPAddr{IP: net.ParseIP(ip)})
	}
	return addrs, err
}

func (z *zone) set(name string, txt ...string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if len(txt) == 0 {
		delete(z.txt, name)
		return
	}
	z.txt[name] = txt
}

func (z *zone) questions() []string {
	z.mu.Lock()
	defer z.mu.Unlock()
	return z.asked
}

func TestAskerAsksOnceAndNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	z := &zone{txt: map[string][]string{"example.org": {"x"}}}
	a := newAsker(z)
	for range 3 {
		if txts, err := a.LookupTXT(t.Context(), "Example.org."); err != nil || len(txts) != 1 {
			t.Fatalf("%v %v", txts, err)
		}
	}
	if got := len(z.questions()); got != 1 {
		t.Errorf("asked %d times", got)
	}
	for range mostQuestions + 10 {
		_, _ = a.LookupMX(t.Context(), strings.Repeat("x", len(z.questions()))+".example.org")
	}
	if got := len(z.questions()); got != mostQuestions {
		t.Errorf("%d questions", got)
	}
	var dnsErr *net.DNSError
	if _, err := a.LookupAddr(t.Context(), "192.0.2.9"); !errors.As(err, &dnsErr) || !dnsErr.IsTemporary {
		t.Errorf("what is not asked any more counts as an answer: %v", err)
	}
}

func TestCheckKey(t *testing.T) {
	t.Parallel()
	const value, at = "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG", "pr1._domainkey.example.org"
	tests := []struct {
		name    string
		txt     map[string][]string
		err     error
		status  string
		message string
	}{
		{name: "published", txt: map[string][]string{at: {"v=DKIM1; p=MIIBIjAN Bgkqhk iG;"}}, status: CheckOK},
		{name: "missing", status: CheckMissing, message: "no TXT record at " + at},
		{name: "under a doubled name", txt: map[string][]string{at + ".example.org": {value}}, status: CheckMissing, message: "enter the name as pr1._domainkey"},
		{name: "another one", txt: map[string][]string{at: {"v=DKIM1; p=AAAA"}}, status: CheckDifferent, message: "another key"},
		{name: "cut off", txt: map[string][]string{at: {"v=DKIM1; p=MIIBIj"}}, status: CheckDifferent, message: "cut off"},
		{name: "revoked", txt: map[string][]string{at: {"v=DKIM1; p="}}, status: CheckDifferent, message: "revoked"},
		{name: "of another kind", txt: map[string][]string{at: {"v=DKIM1; k=ed25519; p=MIIBIjANBgkqhkiG"}}, status: CheckDifferent, message: "another kind"},
		{name: "among others", txt: map[string][]string{at: {"v=DKIM1; p=AAAA", value}}, status: CheckDifferent, message: "1 other"},
		{name: "DNS down", err: &net.DNSError{Err: "i/o timeout", IsTimeout: true}, status: CheckUnknown, message: "no answer in time"},
		{name: "DNS broken", err: &net.DNSError{Err: "dial udp 10.0.0.1:53: refused"}, status: CheckUnknown, message: "cannot be reached"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			z := &zone{txt: tt.txt, err: tt.err}
			c := checkKey(t.Context(), z, "example.org", Key{RecordName: at, RecordValue: value})
			wantCheck(t, c, tt.status, tt.message)
			if c.Expected != value || c.Name != at {
				t.Errorf("incomplete: %+v", c)
			}
		})
	}
}

// wantCheck looks at what every check must have.
func wantCheck(t *testing.T, c Check, status, message string) {
	t.Helper()
	if c.Status != status || !strings.Contains(c.Message, message) || c.Message == "" {
		t.Errorf("%s: %s; want %s: …%s…", c.Status, c.Message, status, message)
	}
	if c.Found == nil || c.Purpose == "" || c.Explanation() == "" {
		t.Errorf("incomplete: %+v", c)
	}
}

func TestCheckMX(t *testing.T) {
	t.Parallel()
	const name = "bounce.example.org"
	there := map[string][]string{"mx.example.org": {"192.0.2.1"}}
	tests := []struct {
		name    string
		mx      []*net.MX
		hosts   map[string][]string
		down    string
		status  string
		message string
	}{
		{name: "there", mx: []*net.MX{{Host: "mx.example.org.", Pref: 10}}, hosts: there, status: CheckOK},
		{name: "missing", status: CheckMissing, message: "no MX record"},
		{name: "missing, with an address", hosts: map[string][]string{name: {"192.0.2.7"}}, status: CheckWarning, message: "its own address"},
		{name: "null", mx: []*net.MX{{Host: ".", Pref: 0}}, status: CheckDifferent, message: "takes no mail"},
		{name: "a host without an address", mx: []*net.MX{{Host: "gone.example.org.", Pref: 10}}, status: CheckDifferent, message: "gone.example.org has no address"},
		{name: "a host that cannot be asked for", mx: []*net.MX{{Host: "mx.example.org.", Pref: 10}}, down: "mx.example.org", status: CheckUnknown, message: "could not be looked up"},
		{name: "DNS down", down: name, status: CheckUnknown, message: "could not be asked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			z := &zone{mx: map[string][]*net.MX{}, hosts: tt.hosts, down: map[string]bool{tt.down: true}}
			if tt.mx != nil {
				z.mx[name] = tt.mx
			}
			wantCheck(t, checkMX(t.Context(), z, name), tt.status, tt.message)
		})
	}
}

func TestCheckAddr(t *testing.T) {
	t.Parallel()
	const ip = "203.0.113.5"
	tests := []struct {
		name     string
		ptr      []string
		hosts    map[string][]string
		down     string
		status   string
		message  string
		expected string
	}{
		{name: "leads back", ptr: []string{"mail.example.org."}, hosts: map[string][]string{"mail.example.org": {"203.0.113.4", ip}}, status: CheckOK, message: "leads back"},
		{name: "one of several", ptr: []string{"a.example.org.", "b.example.org."}, hosts: map[string][]string{"b.example.org": {ip}}, status: CheckOK, message: "b.example.org"},
		{name: "none", status: CheckMissing, message: "has no name", expected: "mail.example.org"},
		{name: "leads elsewhere", ptr: []string{"x.isp.example."}, hosts: map[string][]string{"x.isp.example": {"203.0.113.9"}}, status: CheckDifferent, message: "does not lead back",
			expected: "mail.example.org"},
		{name: "name not answered", ptr: []string{"x.isp.example."}, down: "x.isp.example", status: CheckUnknown, message: "could not be asked", expected: "mail.example.org"},
		{name: "address not answered", down: ip, status: CheckUnknown, message: "could not be asked", expected: "mail.example.org"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			z := &zone{ptr: map[string][]string{}, hosts: tt.hosts, down: map[string]bool{tt.down: true}}
			if tt.ptr != nil {
				z.ptr[ip] = tt.ptr
			}
			c := checkAddr(t.Context(), z, net.ParseIP(ip), "mail.example.org")
			wantCheck(t, c, tt.status, tt.message)
			if c.Name != "5.113.0.203.in-addr.arpa" || c.Expected != tt.expected {
				t.Errorf("%s, expected %q", c.Name, c.Expected)
			}
		})
	}
	const v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
	if got := reverseName(net.ParseIP("2001:db8::1")); got != v6 {
		t.Errorf("IPv6: %s", got)
	}
}
