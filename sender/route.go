package sender

import (
	"context"
	"net"
	"slices"
	"strings"
)

// route is a relay as receivers see it: whose addresses mail through it comes from.
type route struct {
	relay      Relay
	provider   *provider // nil when the server is our own, or of somebody we do not know
	addrs      []net.IP  // of our own server, as far as they are public
	returnPath string    // the domain that receivers look an SPF record up for, unless the provider sets another one
	err        error     // why the addresses are not known, when DNS did not answer
}

// mostAddrs bounds the addresses of one relay that are looked at.
const mostAddrs = 4

// newRoute finds out where mail through a relay comes from. An own server is taken to send from the addresses under which it listens.
func newRoute(ctx context.Context, dns Resolver, relay Relay, d Domain, localAddrs func() []net.IP) route {
	r := route{relay: relay, provider: providerOf(relay.Host), returnPath: d.returnPath()}
	if relay.ReturnPath == ReturnPathFrom {
		r.returnPath = d.Domain
	}
	switch ip := net.ParseIP(relay.Host); {
	case r.provider != nil:
	case isLoopback(relay.Host):
		r.addrs = localAddrs()
	case ip != nil:
		r.addrs = []net.IP{ip}
	default:
		var found []net.IPAddr
		if found, r.err = dns.LookupIPAddr(ctx, relay.Host); isNotFound(r.err) {
			r.err = nil
		}
		for _, a := range found {
			r.addrs = append(r.addrs, a.IP)
		}
	}
	r.addrs = slices.DeleteFunc(r.addrs, func(ip net.IP) bool { return !isPublic(ip) })
	r.addrs = r.addrs[:min(len(r.addrs), mostAddrs)]
	return r
}

func isPublic(ip net.IP) bool { return ip.IsGlobalUnicast() && !ip.IsPrivate() }

// machineAddrs are the public addresses of this machine; behind a router that translates addresses it has none.
func machineAddrs() []net.IP {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var ips []net.IP
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && isPublic(n.IP) {
			ips = append(ips, n.IP)
		}
	}
	return ips
}

// returnPaths are the domains that receivers look SPF records up for, the usual one first.
func (l *looker) returnPaths() []string {
	paths := []string{}
	for _, r := range l.routes {
		if !slices.Contains(paths, r.returnPath) {
			paths = append(paths, r.returnPath)
		}
	}
	if len(paths) == 0 {
		return []string{l.domain.returnPath()}
	}
	return paths
}

func (l *looker) routesFrom(returnPath string) []route {
	var routes []route
	for _, r := range l.routes {
		if r.returnPath == returnPath {
			routes = append(routes, r)
		}
	}
	return routes
}

// provider is a company through whose servers mail is sent.
type provider struct {
	name  string
	hosts []string // domains that its servers are in
	// includes are the names with its SPF record, the one to publish first; none when it offers no such thing.
	includes []string
	// ownReturnPath means that it replaces our return path, so that receivers ask for the SPF record of another domain.
	ownReturnPath bool
	// mailboxes are the domains in which everybody has an address there; "yahoo." stands for Yahoo under all suffixes.
	mailboxes []string
	// site is what it is called as a receiver of mail, "" when it receives none for others. It is stored with relays: never change one.
	site string
}

// providers as they were known in 2026-11. The includes are those that each names in its set-up instructions; not every page could be read again: compare
// before you rely on a line.
var providers = []provider{
	{name: "Google", site: "google", hosts: []string{"gmail.com", "google.com", "googlemail.com"}, includes: []string{"_spf.google.com"},
		mailboxes: []string{"gmail.com", "googlemail.com"}},
	{name: "Microsoft", site: "microsoft", hosts: []string{"office365.com", "outlook.com", "hotmail.com", "live.com"}, includes: []string{"spf.protection.outlook.com"},
		mailboxes: []string{"outlook.", "hotmail.", "live.", "msn.com"}},
	{name: "Yandex", site: "yandex", hosts: []string{"yandex.ru", "yandex.com", "yandex.net", "ya.ru"}, includes: []string{"_spf.yandex.net", "spf.yandex.net", "_spf.yandex.ru"},
		mailboxes: []string{"yandex.", "ya.ru", "narod.ru"}},
	{name: "Mail.ru", site: "mailru", hosts: []string{"mail.ru"}, includes: []string{"_spf.mail.ru"},
		mailboxes: []string{"mail.ru", "bk.ru", "list.ru", "inbox.ru", "internet.ru"}},
	{name: "Apple", site: "apple", hosts: []string{"me.com", "icloud.com"}, includes: []string{"icloud.com"}, mailboxes: []string{"icloud.com", "me.com", "mac.com"}},
	{name: "Yahoo", site: "yahoo", hosts: []string{"yahoo.com", "aol.com"}, mailboxes: []string{"yahoo.", "ymail.com", "rocketmail.com", "aol.com"}},
	{name: "GMX and web.de", site: "gmx", hosts: []string{"gmx.net", "gmx.com", "web.de"}, mailboxes: []string{"gmx.", "web.de"}},
	{name: "Zoho", site: "zoho", hosts: []string{"zoho.com", "zoho.eu", "zoho.in", "zoho.com.au", "zohomail.com"},
		includes: []string{"zohomail.com", "zoho.com", "zoho.eu", "zoho.in", "one.zoho.com"}, mailboxes: []string{"zoho.com", "zohomail.com"}},
	{name: "Fastmail", site: "fastmail", hosts: []string{"fastmail.com", "messagingengine.com"}, includes: []string{"spf.messagingengine.com"}, mailboxes: []string{"fastmail.com"}},
	{name: "Proton", site: "proton", hosts: []string{"protonmail.ch"}, includes: []string{"_spf.protonmail.ch"}, mailboxes: []string{"proton.me", "protonmail.com", "pm.me"}},
	{name: "Orange", site: "orange", hosts: []string{"orange.fr"}, mailboxes: []string{"orange.fr", "wanadoo.fr"}},
	{name: "Amazon SES", hosts: []string{"amazonaws.com"}, includes: []string{"amazonses.com"}, ownReturnPath: true},
	{name: "SendGrid", hosts: []string{"sendgrid.net"}, includes: []string{"sendgrid.net"}, ownReturnPath: true},
	{name: "Mailgun", hosts: []string{"mailgun.org"}, includes: []string{"mailgun.org", "eu.mailgun.org"}, ownReturnPath: true},
	{name: "Postmark", hosts: []string{"postmarkapp.com"}, includes: []string{"spf.mtasv.net"}, ownReturnPath: true},
	{name: "Brevo", hosts: []string{"brevo.com", "sendinblue.com"}, includes: []string{"spf.brevo.com", "spf.sendinblue.com"}, ownReturnPath: true},
	{name: "SparkPost", hosts: []string{"sparkpostmail.com"}, includes: []string{"sparkpostmail.com", "_netblocks.sparkpostmail.com"}, ownReturnPath: true},
	{name: "Mandrill", hosts: []string{"mandrillapp.com"}, includes: []string{"spf.mandrillapp.com"}, ownReturnPath: true},
}

// providerOf gives the provider whose server a host is, nil when it is nobody's we know.
func providerOf(host string) *provider {
	for i, p := range providers {
		for _, suffix := range p.hosts {
			if host == suffix || strings.HasSuffix(host, "."+suffix) {
				return &providers[i]
			}
		}
	}
	return nil
}

// hasMailboxes reports whether a domain is one in which everybody has an address with the provider.
func (p *provider) hasMailboxes(registrable string) bool {
	return slices.ContainsFunc(p.mailboxes, func(m string) bool {
		return m == registrable || strings.HasSuffix(m, ".") && strings.HasPrefix(registrable, m)
	})
}
