package sender

import (
	"context"
	"slices"
	"strings"
)

// leastDMARC is the record that asks nothing of receivers and satisfies their rule for bulk senders.
const leastDMARC = "v=DMARC1; p=none"

// checkDMARC finds the policy that receivers apply to mail from the domain.
func checkDMARC(ctx context.Context, dns Resolver, domain string) Check {
	c := Check{Purpose: PurposeDMARC, Type: "TXT", Name: "_dmarc." + domain, Expected: leastDMARC, Found: []string{}}
	walk, err := walkDMARC(ctx, dns, domain)
	if err != nil {
		c.unanswered("DMARC records of "+domain+" and the names above it", err)
		return c
	}
	policy, found := walk.policy()
	if found {
		c.Found = []string{policy.record.text}
	}
	doubled := walk.doubled
	if found {
		// Further up they would only matter if the policy came from there.
		doubled = slices.DeleteFunc(doubled, func(r dmarcRecord) bool { return r.domain != domain })
	}
	switch {
	case len(doubled) > 0:
		c.doubledDMARC(doubled)
	case !found:
		c.set(CheckMissing, "there is no DMARC record at %s or above it; Gmail, Yahoo and Microsoft want one from bulk senders", c.Name)
	case policy.ignored:
		c.set(CheckDifferent, "the record at _dmarc.%s has no policy that receivers know, so they ignore it: p, sp and np are none, quarantine or reject", policy.record.domain)
	default:
		c.judgePolicy(policy, domain)
	}
	return c
}

func (c *Check) doubledDMARC(records []dmarcRecord) {
	c.Expected, c.Found = "", []string{}
	for _, r := range records {
		if r.domain == records[0].domain {
			c.Found = append(c.Found, r.text)
		}
	}
	c.set(CheckDifferent, "there is more than one DMARC record at _dmarc.%s, and receivers then ignore all of them: keep one", records[0].domain)
}

func (c *Check) judgePolicy(p dmarcPolicy, domain string) {
	tags := p.record.tags
	if p.record.domain == domain {
		c.set(CheckOK, "there is a DMARC record; its policy is %s", p.value)
	} else {
		c.set(CheckOK, "the record of %s holds for this domain too; its policy for it is %s", p.record.domain, p.value)
	}
	c.Expected = ""
	if !isDMARCPolicy(strings.ToLower(tags["p"])) {
		c.add(CheckWarning, "It has no p=, which older receivers want to see: add p=none")
	}
	if pct, there := tags["pct"]; there && pct != "100" && p.value != "none" {
		c.add(CheckWarning, "pct=%s means nothing any more (RFC 9989): the policy applies to all mail; t=y asks receivers to only test it", pct)
	}
	if strings.EqualFold(tags["t"], "y") && p.value != "none" {
		c.add(CheckOK, "t=y asks receivers not to apply the policy yet")
	}
	if tags["psd"] == "y" && p.record.domain == domain {
		c.add(CheckWarning, "psd=y says that others register domains under this one: take it out unless they do")
	}
}

// checkAlignment works out whether the mail belongs to its From domain for receivers: by our signature, by its return path, or by neither.
func (l *looker) checkAlignment(ctx context.Context) Check {
	from := l.domain.Domain
	c := Check{Purpose: PurposeAlignment, Name: from, Found: []string{}}
	walk, err := walkDMARC(ctx, l.dns, from)
	if err != nil {
		c.unanswered("the organisational domain of "+from, err)
		return c
	}
	policy, _ := walk.policy()
	c.set(CheckOK, "our signature carries d=%s, the From domain itself, and is always aligned", from)
	for _, path := range l.returnPaths() {
		l.alignReturnPath(ctx, &c, walk, policy, path)
	}
	for _, r := range l.routes {
		if r.relay.DKIM == DKIMOff {
			c.add(CheckWarning, "We do not sign mail through %s: whether %s is aligned depends on how that server signs, which cannot be seen from here", r.relay.Name, from)
		}
	}
	return c
}

// alignReturnPath adds what a return path means for alignment. One that is not aligned leaves everything to the signature.
func (l *looker) alignReturnPath(ctx context.Context, c *Check, from dmarcWalk, policy dmarcPolicy, path string) {
	if path == from.start {
		c.add(CheckOK, "The return path is in the same domain, so SPF is aligned too")
		return
	}
	other, err := walkDMARC(ctx, l.dns, path)
	switch {
	case err != nil:
		c.add(CheckUnknown, "The organisational domain of the return path %s could not be looked up (%s)", path, whyUnanswered(err))
	case policy.strict("aspf"):
		c.add(CheckWarning, "The return path %s is another name, and the DMARC record asks for the very same one (aspf=s), so SPF is not aligned and all rests on our signature", path)
	case len(from.records) == 0:
		c.add(CheckWarning, "Without a DMARC record nothing ties the return path %s to %s (RFC 9989), so all rests on our signature", path, from.start)
	case other.organisation() == from.organisation():
		c.add(CheckOK, "The return path %s belongs to the same organisation (%s), so SPF is aligned too", path, from.organisation())
	default:
		c.add(CheckWarning, "The return path %s belongs to %s and the From domain to %s, so SPF is not aligned and all rests on our signature",
			path, other.organisation(), from.organisation())
	}
}
