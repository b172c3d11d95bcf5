package sender

import (
	"context"
	"net"
	"slices"

	"postrider/internal/addr"
	"postrider/sender/presets"
)

// route is a relay as receivers see it: whose addresses mail through it comes from.
type route struct {
	relay      Relay
	company    *presets.Company // nil when the server is our own, or of somebody we do not know
	addrs      []net.IP         // of our own server, as far as they are public
	returnPath string           // the domain that receivers look an SPF record up for, unless the company sets another one
	err        error            // why the addresses are not known, when DNS did not answer
}

// mostAddrs bounds the addresses of one relay that are looked at.
const mostAddrs = 4

// newRoute finds out where mail through a relay comes from. An own server is taken to send from the addresses under which it listens.
func newRoute(ctx context.Context, dns Resolver, relay Relay, d Domain, localAddrs func() []net.IP) route {
	r := route{relay: relay, company: presets.CompanyOf(relay.Host), returnPath: d.returnPath()}
	if relay.ReturnPath == ReturnPathFrom {
		r.returnPath = d.Domain
	}
	switch ip := net.ParseIP(relay.Host); {
	case r.company != nil:
	case addr.IsLoopback(relay.Host):
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
