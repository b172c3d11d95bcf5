package sender

import (
	"context"
	"fmt"
	"net"
	"strings"

	"postrider/internal/addr"
)

// mostPTR bounds the addresses of own servers whose names are looked up for one domain.
const mostPTR = 6

// checkPTR looks at the names of the addresses that own servers send from, and says of the other relays why theirs cannot be known.
func (l *looker) checkPTR(ctx context.Context) []Check {
	var checks []Check
	elsewhere := Check{Purpose: PurposePTR, Type: "PTR", Found: []string{}, Status: CheckSkipped}
	seen := map[string]bool{}
	for _, r := range l.routes {
		switch {
		case r.company != nil:
			elsewhere.add(CheckSkipped, "%s sends from addresses of %s, who names them", r.relay.Name, r.company.Name)
		case r.err != nil:
			elsewhere.add(CheckUnknown, "The addresses of %s (%s) could not be looked up", r.relay.Name, r.relay.Host)
		case len(r.addrs) == 0:
			elsewhere.add(CheckSkipped, "Which address %s (%s) sends from cannot be seen from here: see that it has a name that leads back to it", r.relay.Name, r.relay.Host)
		}
		for _, ip := range r.addrs {
			if !seen[ip.String()] && len(checks) < mostPTR {
				seen[ip.String()] = true
				checks = append(checks, checkAddr(ctx, l.dns, ip, r.relay.Host))
			}
		}
	}
	if elsewhere.Message != "" {
		checks = append(checks, elsewhere)
	}
	return checks
}

// checkAddr sees whether an address has a name that leads back to it (forward-confirmed reverse DNS, RFC 8601 §3). host is the relay's name, which is
// the name to choose.
func checkAddr(ctx context.Context, dns Resolver, ip net.IP, host string) Check {
	c := Check{Purpose: PurposePTR, Type: "PTR", Name: reverseName(ip), Found: []string{}}
	if net.ParseIP(host) == nil && !addr.IsLoopback(host) {
		c.Expected = host
	}
	names, err := dns.LookupAddr(ctx, ip.String())
	switch {
	case err != nil && !isNotFound(err):
		c.unanswered("the name of "+ip.String(), err)
		return c
	case len(names) == 0:
		c.set(CheckMissing, "%s has no name: whoever gives you the address (your host or provider) sets it", ip)
		return c
	}
	var unasked error
	for _, name := range names[:min(len(names), mostAddrs)] {
		name = strings.TrimSuffix(name, ".")
		c.Found = append(c.Found, name)
		addrs, err := dns.LookupIPAddr(ctx, name)
		if err != nil && !isNotFound(err) {
			unasked = err
		}
		for _, a := range addrs {
			if a.IP.Equal(ip) {
				c.Expected = ""
				c.set(CheckOK, "%s is %s, and that name leads back to it", ip, name)
				return c
			}
		}
	}
	if unasked != nil {
		c.unanswered(strings.Join(c.Found, ", "), unasked)
		return c
	}
	c.set(CheckDifferent, "%s is called %s, but that name does not lead back to it: add an address record for the name, or have the address renamed", ip,
		strings.Join(c.Found, ", "))
	return c
}

// reverseName is where the name of an address is kept (RFC 1035 §3.5, RFC 3596 §2.5).
func reverseName(ip net.IP) string {
	if v4 := ip.To4(); v4 != nil {
		return fmt.Sprintf("%d.%d.%d.%d.in-addr.arpa", v4[3], v4[2], v4[1], v4[0])
	}
	var b strings.Builder
	for i := len(ip) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "%x.%x.", ip[i]&0xF, ip[i]>>4)
	}
	return b.String() + "ip6.arpa"
}
