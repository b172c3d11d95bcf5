package sender

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// records makes the TXT records of a zone from "name: record" lines; a name that stands twice has two records.
func records(lines ...string) map[string][]string {
	txt := map[string][]string{}
	for _, line := range lines {
		name, record, _ := strings.Cut(line, ": ")
		txt[name] = append(txt[name], record)
	}
	return txt
}

func TestTreeWalkAsksEightNamesAtMost(t *testing.T) {
	t.Parallel()
	tests := []struct{ domain, asked string }{
		{"example.com", "example.com com"},
		{"a.mail.example.com", "a.mail.example.com mail.example.com example.com com"},
		{"a.b.c.d.e.f.g.com", "a.b.c.d.e.f.g.com b.c.d.e.f.g.com c.d.e.f.g.com d.e.f.g.com e.f.g.com f.g.com g.com com"},
		{"a.b.c.d.e.f.g.h.i.j.mail.example.com", "a.b.c.d.e.f.g.h.i.j.mail.example.com g.h.i.j.mail.example.com h.i.j.mail.example.com " +
			"i.j.mail.example.com j.mail.example.com mail.example.com example.com com"},
		{"mail.a.b.c.d.e.f.g.example.com", "mail.a.b.c.d.e.f.g.example.com c.d.e.f.g.example.com d.e.f.g.example.com e.f.g.example.com " +
			"f.g.example.com g.example.com example.com com"},
	}
	for _, tt := range tests {
		z := &zone{}
		if _, err := walkDMARC(t.Context(), z, tt.domain); err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(strings.Join(z.questions(), " "), "_dmarc.", "")
		if diff := cmp.Diff(tt.asked, got); diff != "" {
			t.Errorf("%s: %s", tt.domain, diff)
		}
	}
}

func TestTreeWalk(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, domain string
		zone         map[string][]string
		organisation string
		policy       string // "domain value", "" for none
	}{
		{"nothing", "a.mail.example.com", nil, "a.mail.example.com", ""},
		{"the shortest name with a record", "a.mail.example.com", records("_dmarc.mail.example.com: v=DMARC1; p=none", "_dmarc.example.com: v=DMARC1; p=reject"),
			"example.com", "example.com reject"},
		{"its own record and that of the organisation", "mail.example.com", records("_dmarc.mail.example.com: v=DMARC1; p=none", "_dmarc.example.com: v=DMARC1; p=reject"),
			"example.com", "mail.example.com none"},
		{"psd=n ends the walk", "a.mail.example.com", records("_dmarc.mail.example.com: v=DMARC1; p=none; psd=n", "_dmarc.example.com: v=DMARC1; p=reject"),
			"mail.example.com", "mail.example.com none"},
		{"psd=y is one above the organisation", "a.mail.example.com", records("_dmarc.com: v=DMARC1; p=reject; sp=quarantine; psd=Y"),
			"example.com", "com quarantine"},
		{"psd=y two labels up", "a.mail.example.co.uk", records("_dmarc.co.uk: v=DMARC1; p=reject; psd=y"), "example.co.uk", "co.uk reject"},
		{"a record below psd=y", "a.example.com", records("_dmarc.example.com: v=DMARC1; p=none", "_dmarc.com: v=DMARC1; p=reject; psd=y"), "example.com", "example.com none"},
		{"psd=y on the domain itself", "example.com", records("_dmarc.example.com: v=DMARC1; p=none; psd=y", "_dmarc.com: v=DMARC1; p=reject"),
			"example.com", "example.com none"},
		{"a suffix without psd counts like any other", "example.com", records("_dmarc.com: v=DMARC1; p=reject"), "com", "com reject"},
		{"two records are none", "example.com", records("_dmarc.example.com: v=DMARC1; p=none", "_dmarc.example.com: v=DMARC1; p=reject"), "example.com", ""},
		{"two records are passed over", "a.example.com", records("_dmarc.a.example.com: v=DMARC1; p=none", "_dmarc.a.example.com: v=DMARC1; p=none",
			"_dmarc.example.com: v=DMARC1; p=reject; sp=none"), "example.com", "example.com none"},
		{"other records beside it", "example.com", records("_dmarc.example.com: hello", "_dmarc.example.com: v=DMARC1;p=reject"), "example.com", "example.com reject"},
		{"the version is case-sensitive", "example.com", records("_dmarc.example.com: v=dmarc1; p=reject"), "example.com", ""},
		{"white space around the version", "example.com", records("_dmarc.example.com: v = DMARC1 ; p = reject "), "example.com", "example.com reject"},
		{"another version", "example.com", records("_dmarc.example.com: v=DMARC10; p=reject"), "example.com", ""},
		{"unknown tags are ignored", "example.com", records("_dmarc.example.com: v=DMARC1; foo=bar; p=quarantine; pct=10; ri=5"), "example.com", "example.com quarantine"},
		{"np is not for a domain that exists", "a.example.com", records("_dmarc.example.com: v=DMARC1; p=none; np=reject"), "example.com", "example.com none"},
		{"no policy, but an address for reports", "example.com", records("_dmarc.example.com: v=DMARC1; rua=mailto:d@example.com"), "example.com", "example.com none"},
		{"no policy", "example.com", records("_dmarc.example.com: v=DMARC1"), "example.com", "example.com ignored"},
		{"a subdomain policy that is none", "example.com", records("_dmarc.example.com: v=DMARC1; p=reject; sp=maybe"), "example.com", "example.com ignored"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			walk, err := walkDMARC(t.Context(), &zone{txt: tt.zone}, tt.domain)
			if err != nil {
				t.Fatal(err)
			}
			if got := walk.organisation(); got != tt.organisation {
				t.Errorf("organisation %s, want %s", got, tt.organisation)
			}
			got := ""
			if p, ok := walk.policy(); ok && p.ignored {
				got = p.record.domain + " ignored"
			} else if ok {
				got = p.record.domain + " " + p.value
			}
			if got != tt.policy {
				t.Errorf("policy %q, want %q", got, tt.policy)
			}
		})
	}
}

func TestCheckDMARC(t *testing.T) {
	t.Parallel()
	const domain = "news.example.org"
	tests := []struct {
		name    string
		zone    map[string][]string
		down    string
		status  string
		message string
	}{
		{name: "there", zone: records("_dmarc.news.example.org: v=DMARC1;p=reject"), status: CheckOK, message: "policy is reject"},
		{name: "of the organisation", zone: records("_dmarc.example.org: v=DMARC1; p=none; sp=quarantine"), status: CheckOK, message: "of example.org holds for this domain too; its policy for it is quarantine"},
		{name: "none", status: CheckMissing, message: "no DMARC record"},
		{name: "without a policy", zone: records("_dmarc.news.example.org: v=DMARC1"), status: CheckDifferent, message: "ignore it"},
		{name: "without p, with reports", zone: records("_dmarc.news.example.org: v=DMARC1; rua=mailto:a@example.org"), status: CheckWarning, message: "add p=none"},
		{name: "twice", zone: records("_dmarc.news.example.org: v=DMARC1; p=none", "_dmarc.news.example.org: v=DMARC1; p=reject"), status: CheckDifferent, message: "keep one"},
		{name: "twice above", zone: records("_dmarc.example.org: v=DMARC1; p=none", "_dmarc.example.org: v=DMARC1; p=none"), status: CheckDifferent, message: "_dmarc.example.org"},
		{name: "pct", zone: records("_dmarc.news.example.org: v=DMARC1; p=reject; pct=20"), status: CheckWarning, message: "pct=20 means nothing"},
		{name: "testing", zone: records("_dmarc.news.example.org: v=DMARC1; p=reject; t=y"), status: CheckOK, message: "t=y asks"},
		{name: "a suffix of one's own", zone: records("_dmarc.news.example.org: v=DMARC1; p=none; psd=y"), status: CheckWarning, message: "psd=y says"},
		{name: "not answered", down: "_dmarc.example.org", status: CheckUnknown, message: "server misbehaving"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := checkDMARC(t.Context(), &zone{txt: tt.zone, down: map[string]bool{tt.down: true}}, domain)
			wantCheck(t, c, tt.status, tt.message)
			if toPublish := c.Status == CheckMissing || c.Status == CheckUnknown || tt.name == "without a policy"; toPublish != (c.Expected != "") {
				t.Errorf("%s and expected %q", c.Status, c.Expected)
			}
			if strings.HasPrefix(tt.name, "twice") && len(c.Found) != 2 {
				t.Errorf("found %q", c.Found)
			}
		})
	}
}

func TestCheckAlignment(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, bounce string
		zone         map[string][]string
		down         string
		relay        Relay
		status       string
		message      string
	}{
		{name: "no bounce domain", zone: records("_dmarc.example.org: v=DMARC1; p=none"), status: CheckOK, message: "same domain"},
		{name: "a subdomain", bounce: "b.example.org", zone: records("_dmarc.example.org: v=DMARC1; p=none"), status: CheckOK, message: "same organisation (example.org)"},
		{name: "a subdomain, strict", bounce: "b.example.org", zone: records("_dmarc.example.org: v=DMARC1; p=none; aspf=s"), status: CheckWarning, message: "aspf=s"},
		{name: "another organisation", bounce: "b.example.net", zone: records("_dmarc.example.org: v=DMARC1; p=none", "_dmarc.example.net: v=DMARC1; p=none"),
			status: CheckWarning, message: "belongs to example.net"},
		{name: "a subdomain that is its own organisation", bounce: "b.example.org", zone: records("_dmarc.example.org: v=DMARC1; p=none", "_dmarc.b.example.org: v=DMARC1; p=none; psd=n"),
			status: CheckWarning, message: "belongs to b.example.org"},
		{name: "no DMARC", bounce: "b.example.org", status: CheckWarning, message: "Without a DMARC record"},
		{name: "a return path that is From", bounce: "b.example.net", zone: records("_dmarc.example.org: v=DMARC1; p=none"), relay: Relay{ReturnPath: ReturnPathFrom},
			status: CheckOK, message: "same domain"},
		{name: "a relay that signs itself", zone: records("_dmarc.example.org: v=DMARC1; p=none"), relay: Relay{Name: "Workspace", DKIM: DKIMOff}, status: CheckWarning,
			message: "do not sign mail through Workspace"},
		{name: "not answered", bounce: "b.example.org", zone: records("_dmarc.example.org: v=DMARC1; p=none"), down: "_dmarc.b.example.org", status: CheckUnknown, message: "could not be looked up"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			z := newAsker(&zone{txt: tt.zone, down: map[string]bool{tt.down: true}})
			l := looker{dns: z, domain: Domain{Domain: "example.org"}}
			if tt.bounce != "" {
				l.domain.BounceDomain = &tt.bounce
			}
			tt.relay.Host = "203.0.113.5"
			l.routes = []route{newRoute(t.Context(), z, tt.relay, l.domain, nil)}
			wantCheck(t, l.checkAlignment(t.Context()), tt.status, tt.message)
		})
	}
}
