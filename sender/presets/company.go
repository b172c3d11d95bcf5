package presets

import (
	"slices"
	"strings"
)

// Company is one that runs mail servers: some that others send through, some that take mail for its mailboxes, most both.
type Company struct {
	Name string
	AsOf string // month the facts were looked at

	Servers []string // domains that the servers are in which it lets others send through
	// SPF are the names with its SPF record, the one to publish first; none when it offers no such thing. They are those that it names in its set-up
	// instructions; not every page could be read again: compare before you rely on a line.
	SPF []string
	// OwnReturnPath means that it replaces our return path, so that receivers ask for the SPF record of another domain.
	OwnReturnPath bool

	Site      *Site      // as a receiver of mail; nil when it receives none for others
	Providers []Provider // the ways to send through it, in the order in which they are offered
}

// Companies gives all companies. Nothing may write to what is in it.
func Companies() []Company { return slices.Clone(companies) }

// companies are in the order in which their providers are offered. Nothing writes to it.
var companies = slices.Concat([]Company{google(), yandex(), mailru(), microsoft(), amazon()}, services(), transactional(), mailboxes(), []Company{proton(), orange()})

// CompanyOf gives the company whose server a host is, nil when it is nobody's we know.
func CompanyOf(host string) *Company {
	for i := range companies {
		c := &companies[i]
		if inDomains(host, c.Servers) || slices.ContainsFunc(c.Providers, func(p Provider) bool { return p.has(host) }) {
			return c
		}
	}
	return nil
}

// HasMailboxesIn reports whether everybody may have an address with the company in a registrable domain.
func (c *Company) HasMailboxesIn(registrable string) bool {
	return c.Site != nil && c.Site.hasMailboxesIn(registrable)
}

// inDomains reports whether a host is one of the domains or in one.
func inDomains(host string, domains []string) bool {
	return slices.ContainsFunc(domains, func(d string) bool { return host == d || strings.HasSuffix(host, "."+d) })
}
