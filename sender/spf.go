package sender

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"blitiri.com.ar/go/spf"
)

// checkSPF looks at the SPF record of a return path: whether receivers can evaluate it within the limits of RFC 7208 §4.6.4, and whether it lets the
// relays send.
func checkSPF(ctx context.Context, dns Resolver, name string, routes []route) Check {
	c := Check{Purpose: PurposeSPF, Type: "TXT", Name: name, Found: []string{}}
	txts, err := lookupTXT(ctx, dns, name)
	if err != nil {
		c.unanswered(name, err)
		return c
	}
	c.Found = spfRecords(txts)
	wanted := wantedTerms(routes)
	switch len(c.Found) {
	case 0:
		c.noSPF(routes, wanted)
	case 1:
		c.judgeSPF(ctx, dns, routes)
	default:
		c.Expected = joinSPF(c.Found, missingTerms(c.Found, wanted))
		c.set(CheckDifferent, "there are %d SPF records, and receivers then take all of them for an error (RFC 7208 §4.5): "+
			"replace them by the one record shown", len(c.Found))
	}
	return c
}

// wantedTerms are what a record must hold for the relays; providers that set a return path of their own need nothing.
func wantedTerms(routes []route) []string {
	terms := []string{}
	for _, r := range routes {
		for _, term := range r.terms() {
			if !slices.Contains(terms, term) {
				terms = append(terms, term)
			}
		}
	}
	return terms
}

func (r route) terms() []string {
	if r.company != nil {
		if r.company.OwnReturnPath || len(r.company.SPF) == 0 {
			return nil
		}
		return []string{"include:" + r.company.SPF[0]}
	}
	var terms []string
	for _, ip := range r.addrs {
		terms = append(terms, ipTerm(ip))
	}
	return terms
}

func ipTerm(ip net.IP) string {
	if ip.To4() != nil {
		return "ip4:" + ip.String()
	}
	return "ip6:" + ip.String()
}

// missingTerms leaves out what one of the records has already, word for word.
func missingTerms(records, wanted []string) []string {
	return slices.DeleteFunc(slices.Clone(wanted), func(term string) bool {
		return slices.ContainsFunc(records, func(r string) bool { return slices.Contains(strings.Fields(strings.ToLower(r)), term) })
	})
}

func (c *Check) noSPF(routes []route, wanted []string) {
	if len(wanted) > 0 {
		c.Expected = joinSPF(nil, wanted)
	}
	switch {
	case len(routes) == 0:
		c.set(CheckMissing, "there is no SPF record at %s; what it has to say is known once there is a relay", c.Name)
	case len(wanted) == 0 && !slices.ContainsFunc(routes, func(r route) bool { return r.company == nil || !r.company.OwnReturnPath }):
		c.set(CheckWarning, "there is no SPF record at %s; %s puts a return path of its own on the mail, so receivers do not ask for this one", c.Name, relayNames(routes))
	default:
		c.set(CheckMissing, "there is no SPF record at %s, so nothing says that your relays may send for it", c.Name)
	}
}

func relayNames(routes []route) string {
	names := make([]string, len(routes))
	for i, r := range routes {
		names[i] = r.relay.Name
	}
	return strings.Join(names, ", ")
}

// judgeSPF takes the one record there is apart: first by itself, then for each relay.
func (c *Check) judgeSPF(ctx context.Context, dns Resolver, routes []route) {
	visited, sound := c.soundSPF(ctx, dns)
	if !sound {
		if c.Status != CheckUnknown {
			c.Expected = joinSPF(c.Found, missingTerms(c.Found, wantedTerms(routes)))
		}
		return
	}
	if len(routes) == 0 {
		c.set(CheckOK, "the SPF record is valid; there is no relay yet to compare it with")
		return
	}
	c.set(CheckOK, "the SPF record is valid")
	missing := []string{}
	for _, r := range routes {
		missing = append(missing, c.judgeRoute(ctx, dns, r, visited)...)
	}
	if len(missing) > 0 {
		c.Expected = joinSPF(c.Found, missing)
	}
}

// stranger is an address that nobody sends from (RFC 5737), so that no honest record lets it pass and all of a record is evaluated.
var stranger = net.IPv4(192, 0, 2, 1)

// soundSPF evaluates the record by itself. It gives the names of all records that it leads to, and false when receivers cannot use it.
func (c *Check) soundSPF(ctx context.Context, dns Resolver) (visited map[string]bool, sound bool) {
	trace := &spfTrace{Resolver: dns, names: map[string]bool{}}
	result, err := evaluateSPF(ctx, trace, stranger, c.Name)
	switch {
	case result == spf.Pass:
		c.set(CheckDifferent, "the record lets everybody send for this domain; end it with ~all or -all")
	case result == spf.TempError:
		c.unanswered("what the SPF record of "+c.Name+" leads to", err)
	case errors.Is(err, spf.ErrLookupLimitReached):
		c.set(CheckDifferent, "the record leads to more than 10 look-ups, and receivers then take it for an error (RFC 7208 §4.6.4): "+
			"take out what you no longer send through, or name addresses (ip4:, ip6:) instead of a, mx and include")
	case errors.Is(err, spf.ErrVoidLookupLimitReached):
		c.set(CheckDifferent, "the record names more than 2 hosts that do not exist, and receivers then take it for an error (RFC 7208 §4.6.4): take them out")
	case errors.Is(err, spf.ErrMultipleRecords):
		c.set(CheckDifferent, "a name that the record includes has more than one SPF record, which is an error (RFC 7208 §4.5); whoever keeps it has to join them")
	case result == spf.PermError && errors.Is(err, spf.ErrNoResult):
		c.set(CheckDifferent, "the record includes a name without an SPF record, which is an error (RFC 7208 §5.2): look for a misspelled include")
	case result == spf.PermError:
		c.set(CheckDifferent, "receivers cannot read the record (%v): look for a misspelled term", err)
	default:
		return trace.names, true
	}
	return nil, false
}

func evaluateSPF(ctx context.Context, dns Resolver, ip net.IP, domain string) (spf.Result, error) {
	return spf.CheckHostWithSender(ip, domain, "postmaster@"+domain, spf.WithContext(ctx), spf.WithResolver(dns))
}

// judgeRoute says whether the record lets a relay send, and gives the terms that are missing for it.
func (c *Check) judgeRoute(ctx context.Context, dns Resolver, r route, visited map[string]bool) (missing []string) {
	name := r.relay.Name
	switch {
	case r.company != nil && slices.ContainsFunc(r.company.SPF, func(i string) bool { return visited[i] }):
		c.add(CheckOK, "%s (%s) is included", name, r.company.Name)
	case r.company != nil && r.company.OwnReturnPath:
		c.add(CheckOK, "%s (%s) puts a return path of its own on the mail, so this record is not asked for it", name, r.company.Name)
	case r.company != nil && len(r.company.SPF) == 0:
		c.add(CheckWarning, "%s (%s) offers no SPF record to include", name, r.company.Name)
	case r.company != nil:
		c.add(CheckDifferent, "%s (%s) is not included: add %s", name, r.company.Name, r.terms()[0])
		return r.terms()
	case r.err != nil:
		c.add(CheckUnknown, "the addresses of %s (%s) could not be looked up", name, r.relay.Host)
	case len(r.addrs) == 0:
		c.add(CheckOK, "which address %s (%s) sends from cannot be seen from here: see that the record names it", name, r.relay.Host)
	default:
		return c.judgeAddrs(ctx, dns, r)
	}
	return nil
}

func (c *Check) judgeAddrs(ctx context.Context, dns Resolver, r route) (missing []string) {
	for _, ip := range r.addrs {
		result, err := evaluateSPF(ctx, dns, ip, c.Name)
		switch result {
		case spf.Pass:
			c.add(CheckOK, "%s (%s) may send", r.relay.Name, ip)
		case spf.TempError:
			c.add(CheckUnknown, "whether %s (%s) may send could not be looked up (%s)", r.relay.Name, ip, whyUnanswered(err))
		default:
			missing = append(missing, ipTerm(ip))
			c.add(CheckDifferent, "%s (%s) may not send (%s): add %s, or what its provider names when it is not a server of your own", r.relay.Name, ip, result, ipTerm(ip))
		}
	}
	return missing
}

// spfTrace notes whose records an evaluation looks at.
type spfTrace struct {
	Resolver
	names map[string]bool
}

// LookupTXT notes the name and asks.
func (t *spfTrace) LookupTXT(ctx context.Context, name string) ([]string, error) {
	t.names[strings.ToLower(strings.TrimSuffix(name, "."))] = true
	return t.Resolver.LookupTXT(ctx, name)
}
