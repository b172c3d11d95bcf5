package sender

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"
	"golang.org/x/sync/errgroup"
)

// Resolver asks DNS. *net.Resolver is one. The strings of one TXT record come joined.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
}

// What a check found.
const (
	CheckOK        = "ok"
	CheckMissing   = "missing"
	CheckDifferent = "different"
	CheckError     = "error" // DNS did not answer, so nothing is known
)

// Check is one record of a domain as DNS shows it.
type Check struct {
	Purpose  string
	Name     string
	Found    []string // what DNS has there, as far as it matters for the purpose
	Expected string
	Status   string
	Message  string
}

// checkTimeout bounds all the questions of one check together.
const checkTimeout = 15 * time.Second

// CheckDomain compares the records a domain needs with what DNS says now. A record that is missing or different is a result, not an error.
func (s *Service) CheckDomain(ctx context.Context, id int64) ([]Check, error) {
	domain, err := s.GetDomain(ctx, id)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	records := domain.Records()
	checks := make([]Check, len(records))
	var group errgroup.Group
	for i, record := range records {
		group.Go(func() error {
			checks[i] = checkRecord(ctx, s.cfg.Resolver, domain.Domain, record)
			return nil
		})
	}
	return checks, group.Wait()
}

func checkRecord(ctx context.Context, dns Resolver, domain string, r Record) Check {
	c := Check{Purpose: r.Purpose, Name: r.Name, Found: []string{}, Expected: r.Value}
	switch r.Purpose {
	case PurposeDKIM:
		checkDKIM(ctx, dns, domain, &c)
	case PurposeSPF:
		checkSPF(ctx, dns, &c)
	case PurposeDMARC:
		checkDMARC(ctx, dns, domain, &c)
	default:
		checkMX(ctx, dns, &c)
	}
	return c
}

func checkDKIM(ctx context.Context, dns Resolver, domain string, c *Check) {
	txts, ok := c.lookupTXT(ctx, dns, c.Name)
	if !ok {
		return
	}
	c.Found = txts
	want := parseTags(c.Expected)
	for _, txt := range txts {
		got := parseTags(txt)
		if got["p"] == want["p"] && keyType(got) == keyType(want) {
			if len(txts) > 1 {
				c.set(CheckDifferent, "the key is there, but with %d other TXT records beside it, and receivers may pick the wrong one: remove them", len(txts)-1)
				return
			}
			c.set(CheckOK, "the key is published")
			return
		}
	}
	if len(txts) > 0 {
		c.set(CheckDifferent, "%s", keyDifference(parseTags(txts[0]), want))
		return
	}
	// Most DNS panels append the domain to what is typed, so a full name ends up doubled.
	if doubled, err := dns.LookupTXT(ctx, c.Name+"."+domain); err == nil && len(doubled) > 0 {
		c.set(CheckMissing, "the record is at %s.%s: your DNS panel appends the domain, so enter the name as %s", c.Name, domain,
			strings.TrimSuffix(c.Name, "."+domain))
		return
	}
	c.set(CheckMissing, "there is no TXT record at %s yet; a new record can take up to an hour to be seen", c.Name)
}

func keyType(tags map[string]string) string {
	if tags["k"] == "" {
		return "rsa" // RFC 6376 §3.6.1
	}
	return tags["k"]
}

func keyDifference(got, want map[string]string) string {
	switch p := got["p"]; {
	case p == "":
		return "the record holds no key (p= is empty or absent), which tells receivers that the key is revoked: enter the value as shown"
	case len(p) < len(want["p"]) && strings.HasPrefix(want["p"], p):
		return "the key is cut off: the DNS panel took only its beginning; enter the value in the split form"
	case keyType(got) != keyType(want):
		return "the record is for another kind of key: enter the value as shown"
	}
	return "the record holds another key: enter the value as shown"
}

func checkSPF(ctx context.Context, dns Resolver, c *Check) {
	txts, ok := c.lookupTXT(ctx, dns, c.Name)
	if !ok {
		return
	}
	c.Found = withVersion(txts, "v=spf1")
	switch {
	case len(c.Found) == 0:
		c.set(CheckMissing, "there is no SPF record at %s; add one that includes what your relay's provider names", c.Name)
	case len(c.Found) > 1:
		c.set(CheckDifferent, "there are %d SPF records, which counts as an error (RFC 7208 §4.5): join them into one", len(c.Found))
	case strings.HasSuffix(strings.ToLower(strings.TrimSpace(c.Found[0])), "+all"):
		c.set(CheckDifferent, "+all lets everybody send for this domain; end the record with ~all or -all")
	default:
		c.set(CheckOK, "there is an SPF record; see that it includes what your relay's provider names")
	}
}

// checkDMARC looks at the domain and then at its parents, as receivers do (RFC 9989, the DNS tree walk), down to the registrable domain.
func checkDMARC(ctx context.Context, dns Resolver, domain string, c *Check) {
	organisation, err := publicsuffix.EffectiveTLDPlusOne(domain)
	if err != nil {
		organisation = domain
	}
	for at := domain; ; {
		txts, ok := c.lookupTXT(ctx, dns, "_dmarc."+at)
		if !ok {
			return
		}
		if c.Found = withVersion(txts, "v=DMARC1"); len(c.Found) > 0 {
			c.judgeDMARC(at, at != domain)
			return
		}
		if at == organisation {
			break
		}
		_, at, _ = strings.Cut(at, ".")
	}
	c.set(CheckMissing, "there is no DMARC record at %s; Gmail, Yahoo and Microsoft want one from bulk senders", c.Name)
}

func (c *Check) judgeDMARC(at string, inherited bool) {
	policy := strings.ToLower(parseTags(c.Found[0])["p"])
	switch {
	case len(c.Found) > 1:
		c.set(CheckDifferent, "there are %d DMARC records at _dmarc.%s, and receivers then ignore all of them: keep one", len(c.Found), at)
	case policy != "none" && policy != "quarantine" && policy != "reject":
		c.set(CheckDifferent, "the record at _dmarc.%s has no policy; add p=none", at)
	case inherited:
		c.set(CheckOK, "the record of %s holds for this domain too (p=%s)", at, policy)
	default:
		c.set(CheckOK, "there is a DMARC record (p=%s)", policy)
	}
}

func checkMX(ctx context.Context, dns Resolver, c *Check) {
	records, err := dns.LookupMX(ctx, c.Name)
	if err != nil && !isNotFound(err) {
		c.unanswered(c.Name, err)
		return
	}
	usable := 0
	for _, mx := range records {
		c.Found = append(c.Found, fmt.Sprintf("%d %s", mx.Pref, mx.Host))
		if mx.Host != "." && mx.Host != "" {
			usable++
		}
	}
	switch {
	case len(records) == 0:
		c.set(CheckMissing, "%s has no MX record, so bounces cannot come back", c.Name)
	case usable == 0:
		c.set(CheckDifferent, "%s says that it takes no mail (RFC 7505), so bounces cannot come back", c.Name)
	default:
		c.set(CheckOK, "mail for %s has a server to go to; see that it is the one with your bounce mailbox", c.Name)
	}
}

// lookupTXT gives the TXT records at a name; none is no failure. It is false when DNS did not answer, which is then the result.
func (c *Check) lookupTXT(ctx context.Context, dns Resolver, name string) ([]string, bool) {
	txts, err := dns.LookupTXT(ctx, name)
	if err != nil && !isNotFound(err) {
		c.unanswered(name, err)
		return nil, false
	}
	if txts == nil {
		txts = []string{}
	}
	return txts, true
}

func (c *Check) unanswered(name string, err error) {
	reason := "an error"
	var dnsErr *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &dnsErr) && dnsErr.IsTimeout:
		reason = "no answer in time"
	case dnsErr != nil:
		reason = dnsErr.Err
	}
	c.set(CheckError, "DNS could not be asked for %s (%s); try again in a few minutes", name, reason)
}

func (c *Check) set(status, format string, args ...any) {
	c.Status, c.Message = status, fmt.Sprintf(format, args...)
}

func isNotFound(err error) bool {
	var dnsErr *net.DNSError
	return errors.As(err, &dnsErr) && dnsErr.IsNotFound
}

// withVersion picks the records whose first tag or word is the version, such as "v=spf1".
func withVersion(txts []string, version string) []string {
	found := []string{}
	for _, txt := range txts {
		first := txt
		if i := strings.IndexAny(txt, " ;"); i >= 0 {
			first = txt[:i]
		}
		if strings.EqualFold(first, version) {
			found = append(found, txt)
		}
	}
	return found
}

// parseTags reads "tag=value; tag=value" (RFC 6376 §3.2). All white space goes: in keys it means nothing, and DNS panels add some.
func parseTags(record string) map[string]string {
	tags := make(map[string]string)
	for part := range strings.SplitSeq(record, ";") {
		name, value, _ := strings.Cut(part, "=")
		tags[strings.ToLower(strings.TrimSpace(name))] = strings.Join(strings.Fields(value), "")
	}
	return tags
}
