package presets

import "strings"

// SitesAsOf is the month in which the table of sites was last looked at.
const SitesAsOf = "2026-11"

// Site is a large receiver of mail and how much a server may send there that delivers itself. 0 is no limit.
//
// InFlight follows the connections that receivers state or that are known to be borne (Yahoo, Apple, Orange, GMX and KPN close or refuse more). The rates are
// where a server with a name that is known begins, and are meant to be changed: nobody publishes them.
type Site struct {
	ID        string // stored with limits and relays; never changed
	Name      string
	MX        []string // domains that its mail servers are in
	PerMinute int
	PerHour   int
	InFlight  int
}

// Sites gives the table.
func Sites() []Site {
	return []Site{
		{ID: "google", Name: "Google", MX: []string{"google.com", "googlemail.com"}, PerMinute: 300, PerHour: 12000, InFlight: 20},
		{ID: "microsoft", Name: "Microsoft", MX: []string{"protection.outlook.com", "mx.microsoft", "hotmail.com"}, PerMinute: 300, PerHour: 12000, InFlight: 20},
		{ID: "yahoo", Name: "Yahoo and AOL", MX: []string{"yahoodns.net", "yahoo.co.jp"}, PerMinute: 240, PerHour: 10000, InFlight: 20},
		{ID: "yandex", Name: "Yandex", MX: []string{"yandex.ru", "yandex.net", "yandex.com"}, PerMinute: 240, PerHour: 10000, InFlight: 20},
		{ID: "mailru", Name: "Mail.ru", MX: []string{"mail.ru"}, PerMinute: 240, PerHour: 10000, InFlight: 20},
		{ID: "apple", Name: "Apple", MX: []string{"icloud.com", "apple.com"}, PerMinute: 240, PerHour: 10000, InFlight: 20},
		{ID: "gmx", Name: "GMX and web.de", MX: []string{"gmx.net", "web.de"}, PerMinute: 120, PerHour: 5000, InFlight: 8},
		{ID: "zoho", Name: "Zoho", MX: []string{"zoho.com", "zoho.eu", "zoho.in", "zoho.com.au"}, PerMinute: 120, PerHour: 5000, InFlight: 10},
		{ID: "fastmail", Name: "Fastmail", MX: []string{"messagingengine.com"}, PerMinute: 120, PerHour: 5000, InFlight: 10},
		{ID: "proton", Name: "Proton", MX: []string{"protonmail.ch"}, PerMinute: 120, PerHour: 5000, InFlight: 10},
		{ID: "orange", Name: "Orange", MX: []string{"orange.fr"}, PerMinute: 60, PerHour: 2500, InFlight: 4},
	}
}

// SiteByMX recognises a site by its mail servers, in lower case and without a final dot. All of them must be its own: a domain that also has others is nobody's.
func SiteByMX(hosts []string) (Site, bool) {
	for _, s := range Sites() {
		own := 0
		for _, h := range hosts {
			if s.owns(h) {
				own++
			}
		}
		if own > 0 && own == len(hosts) {
			return s, true
		}
	}
	return Site{}, false
}

func (s *Site) owns(host string) bool {
	for _, domain := range s.MX {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

// SiteByID gives what is known of a site.
func SiteByID(id string) (Site, bool) {
	for _, s := range Sites() {
		if s.ID == id {
			return s, true
		}
	}
	return Site{}, false
}
