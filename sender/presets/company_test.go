package presets

import (
	"slices"
	"strings"
	"testing"
)

func TestEveryCompanyIsComplete(t *testing.T) {
	t.Parallel()
	owner := map[string]string{} // of each server domain, mail server domain and mailbox domain
	for _, c := range Companies() {
		if c.Name == "" || c.AsOf == "" || len(c.Servers) == 0 || (c.Site == nil && len(c.Providers) == 0) {
			t.Errorf("%+v: name, date or servers are missing, or nothing is known of it", c)
		}
		if c.OwnReturnPath && len(c.SPF) == 0 {
			t.Errorf("%s: no SPF record of the service", c.Name)
		}
		lists := map[string][]string{"server": c.Servers}
		if s := c.Site; s != nil {
			if s.ID == "" || s.Name != c.Name || s.AsOf == "" || len(s.MX) == 0 || len(s.Mailboxes) == 0 || s.PerMinute == 0 || s.PerHour == 0 || s.InFlight == 0 {
				t.Errorf("%s as a site: %+v", c.Name, s)
			}
			lists["mx"], lists["mailbox"], lists["brand"] = s.MX, s.Mailboxes, slices.Concat(s.Brands, s.CountryBrands)
		}
		for kind, names := range lists {
			for _, name := range names {
				if other := owner[kind+" "+name]; other != "" || name != strings.ToLower(name) || strings.Contains(name, ".") == (kind == "brand") {
					t.Errorf("%s of %s: %q, also of %q", kind, c.Name, name, other)
				}
				owner[kind+" "+name] = c.Name
			}
		}
	}
}

// TestServersOfAProviderAreItsCompanys: whoever is recognised by a host for what it answers is recognised for what its SPF record must say.
func TestServersOfAProviderAreItsCompanys(t *testing.T) {
	t.Parallel()
	for _, c := range Companies() {
		for _, p := range c.Providers {
			hosts := each(p.Hosts)
			for _, pattern := range p.Patterns {
				hosts = append(hosts, strings.ReplaceAll(pattern, "*", "xx"))
			}
			for _, host := range hosts {
				if got := CompanyOf(host); got == nil || got.Name != c.Name {
					t.Errorf("%s of %s belongs to %+v", host, c.Name, got)
				}
			}
		}
	}
	for host, want := range map[string]string{"bounces.google.com": "Google", "mail.protonmail.ch": "Proton", "gmail.com.evil.example": "", "notgmail.com": "", "mail.example.org": "", "": ""} {
		got := CompanyOf(host)
		if (got == nil) != (want == "") || got != nil && got.Name != want {
			t.Errorf("%q belongs to %+v, want %q", host, got, want)
		}
	}
}

func each(hosts []Host) []string {
	var names []string
	for _, h := range hosts {
		names = append(names, h.Name)
	}
	return names
}

// TestNobodyElseSignsForTheDomainsOfMailboxProviders: mail "from" a domain in which everybody has an address is refused unless it goes through that very
// provider, and every provider that has such domains says so.
func TestNobodyElseSignsForTheDomainsOfMailboxProviders(t *testing.T) {
	t.Parallel()
	domains := map[string]string{
		"gmail": "gmail.com googlemail.com", "google-workspace": "gmail.com", "yandex": "yandex.ru yandex.com yandex.kz ya.ru", "mailru": "mail.ru bk.ru list.ru inbox.ru",
		"outlook": "outlook.com hotmail.com live.com msn.com hotmail.co.uk outlook.de", "microsoft365": "outlook.com", "zoho": "zoho.com zohomail.com",
		"fastmail": "fastmail.com", "icloud": "icloud.com me.com mac.com", "yahoo": "yahoo.com yahoo.co.jp yahoo.fr aol.com ymail.com", "gmx": "gmx.de gmx.net gmx.com web.de",
	}
	for _, c := range Companies() {
		for _, p := range c.Providers {
			if p.Kind != Mailbox {
				continue
			}
			if domains[p.ID] == "" {
				t.Errorf("%s has mailboxes, and nobody knows in which domains", p.ID)
			}
			for _, domain := range strings.Fields(domains[p.ID]) {
				if !FreeMail(domain) || !c.HasMailboxesIn(domain) {
					t.Errorf("%s: mail from %s may be signed by others: %t, by %s: %t", p.ID, domain, !FreeMail(domain), c.Name, c.HasMailboxesIn(domain))
				}
			}
		}
		if c.Site == nil {
			continue
		}
		for _, domain := range c.Site.Mailboxes {
			if site, _ := SiteByMailboxes(domain); !FreeMail(domain) || site.ID != c.Site.ID {
				t.Errorf("%s of %s: free mail %t, site %q", domain, c.Name, FreeMail(domain), site.ID)
			}
		}
	}
}

func TestFreeMailLeavesOtherDomainsAlone(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]bool{
		"example.org": false, "": false, "live.example": false, "outlook.io": false, "gmx.io": false, "yahoo.example": false, "notgmail.com": false, "mail.gmail.com": false,
		"t-online.de": true, "qq.com": true, "yahoo.com.br": true, "hotmail.fr": true,
	} {
		if FreeMail(domain) != want {
			t.Errorf("%q: %t", domain, !want)
		}
	}
	for _, domain := range otherFreeMail {
		if site, known := SiteByMailboxes(domain); known {
			t.Errorf("%s stands twice, and with %s", domain, site.ID)
		}
	}
}

func TestSitesAreFoundByMXAndMailboxes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		hosts, want string
	}{
		{"aspmx.l.google.com alt1.aspmx.l.google.com", "google"}, {"aspmx.l.google.com mx.example.org", ""}, {"mx.example.org aspmx.l.google.com", ""},
		{"google.com", "google"}, {"notgoogle.com", ""}, {"", ""}, {"example-org.mail.protection.outlook.com", "microsoft"}, {"in1-smtp.messagingengine.com", "fastmail"},
	} {
		if site, known := SiteByMX(strings.Fields(tc.hosts)); site.ID != tc.want || known != (tc.want != "") {
			t.Errorf("%s: %q", tc.hosts, site.ID)
		}
	}
	for domain, want := range map[string]string{"outlook.dk": "microsoft", "yandex.uz": "yandex", "gmx.fr": "gmx", "yahoo.fr": "yahoo", "live.example": "microsoft", "example.org": "", "qq.com": ""} {
		if site, _ := SiteByMailboxes(domain); site.ID != want {
			t.Errorf("%s: %q, want %q", domain, site.ID, want)
		}
	}
}
