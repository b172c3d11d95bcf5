package sender

import (
	"context"
	"fmt"
	"strings"
)

// mostMX bounds the mail servers of one bounce domain whose addresses are looked up.
const mostMX = 5

// checkMX sees whether bounces have a server to go to (RFC 5321 §5.1).
func checkMX(ctx context.Context, dns Resolver, name string) Check {
	c := Check{Purpose: PurposeBounceMX, Type: "MX", Name: name, Found: []string{}}
	records, err := dns.LookupMX(ctx, name)
	if err != nil && !isNotFound(err) {
		c.unanswered(name, err)
		return c
	}
	hosts := []string{}
	for _, mx := range records {
		host := strings.TrimSuffix(mx.Host, ".")
		c.Found = append(c.Found, fmt.Sprintf("%d %s", mx.Pref, mx.Host))
		if host != "" {
			hosts = append(hosts, host)
		}
	}
	switch {
	case len(records) == 0:
		c.withoutMX(ctx, dns)
	case len(hosts) == 0:
		c.set(CheckDifferent, "%s says that it takes no mail (RFC 7505), so bounces cannot come back", name)
	default:
		c.judgeMX(ctx, dns, hosts[:min(len(hosts), mostMX)])
	}
	return c
}

func (c *Check) withoutMX(ctx context.Context, dns Resolver) {
	switch addrs, err := dns.LookupIPAddr(ctx, c.Name); {
	case err != nil && !isNotFound(err):
		c.unanswered(c.Name, err)
	case len(addrs) > 0:
		c.Found = append(c.Found, "A "+addrs[0].IP.String())
		c.set(CheckWarning, "%s has no MX record, so bounces go to its own address: see that a mail server answers there, or add an MX record", c.Name)
	default:
		c.set(CheckMissing, "%s has no MX record, so bounces cannot come back: publish one that names your mail server, for example 10 mail.%s", c.Name, c.Name)
	}
}

func (c *Check) judgeMX(ctx context.Context, dns Resolver, hosts []string) {
	c.set(CheckOK, "mail for %s has a server to go to; see that it is the one with your bounce mailbox", c.Name)
	for _, host := range hosts {
		addrs, err := dns.LookupIPAddr(ctx, host)
		switch {
		case err != nil && !isNotFound(err):
			c.add(CheckUnknown, "The address of %s could not be looked up (%s)", host, whyUnanswered(err))
		case len(addrs) == 0:
			c.add(CheckDifferent, "%s has no address, so no mail gets there", host)
		}
	}
}
