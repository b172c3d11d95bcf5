package presets

import (
	"slices"
	"strings"
)

// Site is a large receiver of mail, the domains that its mailboxes are in, and how much a server may send there that delivers itself. 0 is no limit.
//
// InFlight follows the connections that receivers state or that are known to be borne (Yahoo, Apple, Orange, GMX and KPN close or refuse more). The rates are
// where a server with a name that is known begins, and are meant to be changed: nobody publishes them.
type Site struct {
	ID   string // stored with limits and relays; never changed
	Name string
	AsOf string // month the facts were looked at

	MX []string // domains that its mail servers are in
	// Mailboxes are the domains in which everybody has an address and nobody else may sign.
	Mailboxes []string
	// Brands are names under which it has mailboxes in many more domains, "outlook" in outlook.dk and others. Whoever owns such a domain, it is likely that the
	// site takes its mail; nobody else is kept from signing for it.
	Brands []string
	// CountryBrands are brands that are nobody else's under the domain of any country, so that nobody else may sign there either.
	CountryBrands []string

	PerMinute int
	PerHour   int
	InFlight  int
}

// Sites gives the sites that are known, in the order in which they are shown.
func Sites() []Site {
	var sites []Site
	for _, c := range companies {
		if c.Site != nil {
			sites = append(sites, *c.Site)
		}
	}
	return sites
}

// SiteByMX recognises a site by its mail servers, in lower case and without a final dot. All of them must be its own: a domain that also has others is nobody's.
func SiteByMX(hosts []string) (Site, bool) {
	return findSite(func(s *Site) bool {
		return len(hosts) > 0 && !slices.ContainsFunc(hosts, func(h string) bool { return !inDomains(h, s.MX) })
	})
}

// SiteByID gives what is known of a site.
func SiteByID(id string) (Site, bool) { return findSite(func(s *Site) bool { return s.ID == id }) }

// SiteByMailboxes gives the site that has mailboxes in a registrable domain.
func SiteByMailboxes(registrable string) (Site, bool) {
	return findSite(func(s *Site) bool { return s.hasMailboxesIn(registrable) })
}

func findSite(is func(*Site) bool) (Site, bool) {
	for i := range companies {
		if site := companies[i].Site; site != nil && is(site) {
			return *site, true
		}
	}
	return Site{}, false
}

func (s *Site) hasMailboxesIn(registrable string) bool {
	brand, _, _ := strings.Cut(registrable, ".")
	return slices.Contains(s.Mailboxes, registrable) || slices.Contains(s.Brands, brand) || slices.Contains(s.CountryBrands, brand)
}

// keepsForItself reports whether nobody else may sign for a registrable domain.
func (s *Site) keepsForItself(registrable string) bool {
	brand, suffix, _ := strings.Cut(registrable, ".")
	country := suffix[strings.LastIndexByte(suffix, '.')+1:]
	return slices.Contains(s.Mailboxes, registrable) || (len(country) == 2 && slices.Contains(s.CountryBrands, brand))
}

// FreeMail reports whether a registrable domain is one under which everybody has an address with a mailbox provider and nobody else may sign. Receivers treat
// mail "from" it that comes through another server as forged.
func FreeMail(registrable string) bool {
	_, found := findSite(func(s *Site) bool { return s.keepsForItself(registrable) })
	return found || slices.Contains(otherFreeMail, registrable)
}

// otherFreeMail are the domains of mailbox providers of whom nothing else is known here (as of [AsOf]).
var otherFreeMail = []string{
	"rambler.ru", "t-online.de", "freenet.de", "tuta.com", "tutanota.com", "mail.com", "hey.com", "free.fr", "laposte.net", "sfr.fr",
	"libero.it", "virgilio.it", "wp.pl", "o2.pl", "onet.pl", "interia.pl", "seznam.cz", "ukr.net", "i.ua", "qq.com", "163.com", "126.com", "sina.com",
	"naver.com", "daum.net", "comcast.net", "verizon.net", "att.net", "btinternet.com", "rediffmail.com", "uol.com.br",
}

// proton and orange are of interest as receivers; who sends through them enters the server by hand.
func proton() Company {
	return Company{
		Name: "Proton", AsOf: AsOf, Servers: []string{"protonmail.ch"}, SPF: []string{"_spf.protonmail.ch"},
		Site: &Site{ID: "proton", Name: "Proton", AsOf: AsOf, MX: []string{"protonmail.ch"}, Mailboxes: []string{"proton.me", "protonmail.com", "pm.me"},
			PerMinute: 120, PerHour: 5000, InFlight: 10},
	}
}

func orange() Company {
	return Company{
		Name: "Orange", AsOf: AsOf, Servers: []string{"orange.fr"},
		Site: &Site{ID: "orange", Name: "Orange", AsOf: AsOf, MX: []string{"orange.fr"}, Mailboxes: []string{"orange.fr", "wanadoo.fr"},
			PerMinute: 60, PerHour: 2500, InFlight: 4},
	}
}
