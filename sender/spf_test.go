package sender

import (
	"fmt"
	"net"
	"testing"
)

// spfZone has what the SPF tests refer to.
func spfZone(record ...string) *zone {
	z := &zone{txt: records(
		"_spf.google.com: v=spf1 include:_netblocks.google.com ~all", "_netblocks.google.com: v=spf1 ip4:198.51.100.0/24 ~all",
		"own.example.org: v=spf1 ip4:203.0.113.0/24 ip6:2001:db8:5::/48 -all", "indirect.example.org: v=spf1 include:_spf.google.com -all",
		"nested.example.org: v=spf1 a:a.example.org a:b.example.org a:c.example.org a:d.example.org a:e.example.org a:f.example.org -all",
		"twice.example.org: v=spf1 -all", "twice.example.org: v=spf1 ~all",
	), hosts: map[string][]string{"mail.example.org": {"203.0.113.5", "2001:db8:5::5"}, "other.example.org": {"203.0.114.5"}, "inner.example.org": {"10.1.2.3"}},
		down: map[string]bool{"slow.example.org": true}}
	for c := 'a'; c <= 'f'; c++ {
		z.hosts[fmt.Sprintf("%c.example.org", c)] = []string{"203.0.113.77"}
	}
	if len(record) > 0 {
		z.txt["example.org"] = append([]string{"google-site-verification=x"}, record...)
	}
	return z
}

func TestCheckSPF(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		record   []string
		relays   []string // hosts
		status   string
		message  string
		expected string
	}{
		{name: "no relay", record: []string{"v=spf1 mx -all"}, status: CheckOK, message: "no relay yet"},
		{name: "no record, no relay", status: CheckMissing, message: "once there is a relay"},
		{name: "no record", relays: []string{"smtp.gmail.com", "mail.example.org"}, status: CheckMissing, message: "nothing says",
			expected: "v=spf1 include:_spf.google.com ip4:203.0.113.5 ip6:2001:db8:5::5 ~all"},
		{name: "something that only looks like a record", record: []string{"v=spf10 -all"}, relays: []string{"smtp.gmail.com"}, status: CheckMissing,
			expected: "v=spf1 include:_spf.google.com ~all"},
		{name: "no record, none needed", relays: []string{"email-smtp.eu-west-1.amazonaws.com"}, status: CheckWarning, message: "do not ask for this one"},
		{name: "two records", record: []string{"v=spf1 mx ~all", "v=spf1 MX include:own.example.org -all"}, relays: []string{"smtp.gmail.com"}, status: CheckDifferent,
			message: "2 SPF records", expected: "v=spf1 mx include:own.example.org include:_spf.google.com -all"},
		{name: "provider included", record: []string{"v=spf1 include:_spf.google.com ~all"}, relays: []string{"smtp.gmail.com"}, status: CheckOK, message: "is included"},
		{name: "provider included by another record", record: []string{"v=spf1 include:indirect.example.org ~all"}, relays: []string{"smtp-relay.gmail.com"}, status: CheckOK},
		{name: "provider by redirect", record: []string{"v=spf1 redirect=_spf.google.com"}, relays: []string{"smtp.gmail.com"}, status: CheckOK},
		{name: "provider missing", record: []string{"v=spf1 ip4:203.0.113.9 -all"}, relays: []string{"smtp.yandex.ru"}, status: CheckDifferent,
			message: "add include:_spf.yandex.net", expected: "v=spf1 ip4:203.0.113.9 include:_spf.yandex.net -all"},
		{name: "provider's server of another country", record: []string{"v=spf1 -all"}, relays: []string{"smtp.yandex.kz"}, status: CheckDifferent,
			message: "(Yandex) is not included", expected: "v=spf1 include:_spf.yandex.net -all"},
		{name: "provider missing from a redirect", record: []string{"v=spf1 redirect=own.example.org"}, relays: []string{"smtp.mail.ru"}, status: CheckDifferent,
			expected: "v=spf1 include:_spf.mail.ru redirect=own.example.org"},
		{name: "provider with its own return path", record: []string{"v=spf1 -all"}, relays: []string{"smtp.sendgrid.net"}, status: CheckOK, message: "return path of its own"},
		{name: "own server", record: []string{"v=spf1 include:own.example.org -all"}, relays: []string{"mail.example.org"}, status: CheckOK, message: "(2001:db8:5::5) may send"},
		{name: "own server by name", record: []string{"v=spf1 a:mail.example.org -all"}, relays: []string{"mail.example.org"}, status: CheckOK},
		{name: "own server missing", record: []string{"v=spf1 include:own.example.org -all"}, relays: []string{"other.example.org", "mail.example.org"}, status: CheckDifferent,
			message: "(203.0.114.5) may not send (fail)", expected: "v=spf1 include:own.example.org ip4:203.0.114.5 -all"},
		{name: "an inner address", record: []string{"v=spf1 -all"}, relays: []string{"inner.example.org"}, status: CheckOK, message: "cannot be seen from here"},
		{name: "a host that is not answered", record: []string{"v=spf1 -all"}, relays: []string{"slow.example.org"}, status: CheckUnknown, message: "could not be looked up"},
		{name: "this machine", record: []string{"v=spf1 ip4:203.0.113.200 -all"}, relays: []string{"127.0.0.1"}, status: CheckOK, message: "203.0.113.200) may send"},
		{name: "everybody", record: []string{"v=spf1 include:own.example.org +all"}, relays: []string{"smtp.gmail.com"}, status: CheckDifferent, message: "lets everybody send",
			expected: "v=spf1 include:own.example.org include:_spf.google.com ~all"},
		{name: "everybody by an address", record: []string{"v=spf1 ip4:0.0.0.0/0 -all"}, status: CheckDifferent, message: "lets everybody send", expected: "v=spf1 ip4:0.0.0.0/0 -all"},
		{name: "too many look-ups", record: []string{"v=spf1 include:nested.example.org a:a.example.org a:b.example.org a:c.example.org a:d.example.org -all"},
			status: CheckDifferent, message: "more than 10 look-ups", expected: "v=spf1 include:nested.example.org a:a.example.org a:b.example.org a:c.example.org a:d.example.org -all"},
		{name: "ten look-ups", record: []string{"v=spf1 include:nested.example.org a:a.example.org a:b.example.org a:c.example.org -all"}, status: CheckOK},
		{name: "void look-ups", record: []string{"v=spf1 a:no1.example.org a:no2.example.org a:no3.example.org -all"}, status: CheckDifferent, message: "more than 2 hosts that do not exist",
			expected: "v=spf1 a:no1.example.org a:no2.example.org a:no3.example.org -all"},
		{name: "an include of nothing", record: []string{"v=spf1 include:gone.example.org -all"}, status: CheckDifferent, message: "a name without an SPF record",
			expected: "v=spf1 include:gone.example.org -all"},
		{name: "an include of two", record: []string{"v=spf1 include:twice.example.org -all"}, status: CheckDifferent, message: "more than one SPF record",
			expected: "v=spf1 include:twice.example.org -all"},
		{name: "a misspelled term", record: []string{"v=spf1 ipv4:203.0.113.1 -all"}, status: CheckDifferent, message: "misspelled", expected: "v=spf1 ipv4:203.0.113.1 -all"},
		{name: "an include that is not answered", record: []string{"v=spf1 include:slow.example.org -all"}, relays: []string{"smtp.gmail.com"}, status: CheckUnknown,
			message: "could not be asked"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			z := newAsker(spfZone(tt.record...))
			local := func() []net.IP { return []net.IP{net.ParseIP("203.0.113.200")} }
			var routes []route
			for i, host := range tt.relays {
				routes = append(routes, newRoute(t.Context(), z, Relay{Name: fmt.Sprintf("Relay %d", i), Host: host}, Domain{Domain: "example.org"}, local))
			}
			c := checkSPF(t.Context(), z, "example.org", routes)
			wantCheck(t, c, tt.status, tt.message)
			if c.Expected != tt.expected {
				t.Errorf("expected %q\nwant     %q", c.Expected, tt.expected)
			}
		})
	}
	t.Run("DNS down", func(t *testing.T) {
		t.Parallel()
		wantCheck(t, checkSPF(t.Context(), &zone{err: &net.DNSError{Err: "x", IsTimeout: true}}, "example.org", nil), CheckUnknown, "no answer in time")
	})
}

func TestCheckPTRSaysWhoseAddressesCannotBeKnown(t *testing.T) {
	t.Parallel()
	z := newAsker(spfZone())
	l := looker{dns: z, domain: Domain{Domain: "example.org"}}
	for i, host := range []string{"smtp.gmail.com", "inner.example.org", "slow.example.org", "mail.example.org", "mail.example.org"} {
		l.routes = append(l.routes, newRoute(t.Context(), z, Relay{Name: fmt.Sprintf("R%d", i), Host: host}, l.domain, nil))
	}
	checks := l.checkPTR(t.Context())
	if len(checks) != 3 {
		t.Fatalf("%d checks: %+v", len(checks), checks)
	}
	wantCheck(t, checks[0], CheckMissing, "203.0.113.5 has no name")
	wantCheck(t, checks[1], CheckMissing, "2001:db8:5::5 has no name")
	for _, text := range []string{"addresses of Google", "R1 (inner.example.org) sends from cannot be seen", "R2 (slow.example.org) could not be looked up"} {
		wantCheck(t, checks[2], CheckUnknown, text)
	}
}
