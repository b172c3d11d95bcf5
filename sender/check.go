package sender

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// What a check is about.
const (
	PurposeDKIM      = "dkim"
	PurposeSPF       = "spf"
	PurposeDMARC     = "dmarc"
	PurposeAlignment = "alignment"
	PurposeBounceMX  = "bounce_mx"
	PurposePTR       = "ptr"
)

// What a check found.
const (
	CheckOK        = "ok"
	CheckWarning   = "warning" // works, but there is something to know
	CheckMissing   = "missing"
	CheckDifferent = "different"
	CheckUnknown   = "unknown"   // DNS did not answer, so nothing is known
	CheckSkipped   = "skipped"   // does not apply, or cannot be seen from here
	CheckUnchecked = "unchecked" // not looked at yet
)

// Check is one record of a domain: what should be in DNS, and what the last look at it found.
type Check struct {
	Purpose  string   `json:"purpose"`
	Type     string   `json:"type"` // TXT, MX or PTR; "" for alignment, which follows from other records
	Name     string   `json:"name"`
	Expected string   `json:"expected"` // the value to publish; "" when nothing has to be or its value is not ours to know
	Found    []string `json:"found"`    // what DNS has there, as far as it matters for the purpose
	Status   string   `json:"status"`
	Message  string   `json:"message"`
}

// Split gives a TXT value over 255 bytes as quoted strings, for panels and zone files that want it so (RFC 1035 §3.3.14); "" when it is shorter.
func (c Check) Split() string {
	if c.Type != "TXT" {
		return ""
	}
	return splitTXT(c.Expected)
}

// Explanation says what a record is for.
func (c Check) Explanation() string {
	switch c.Purpose {
	case PurposeDKIM:
		return "The public key with which receivers check our signature. Gmail, Yahoo and Microsoft refuse bulk mail without one."
	case PurposeSPF:
		return "Says which servers may send with this domain as return path. A name has one SPF record, which names all of them."
	case PurposeDMARC:
		return "Tells receivers what to do with mail that only pretends to be yours. p=none changes nothing for your mail and satisfies the rule for bulk senders."
	case PurposeAlignment:
		return "Receivers ask that the domain people see as the sender is the one that signed the mail, or the one its return path belongs to."
	case PurposeBounceMX:
		return "Where undeliverable mail comes back to: the mail server with the mailbox that collects it."
	default:
		return "The name of the address that sends. Large receivers refuse mail from an address without one, or whose name does not lead back to it."
	}
}

func (c *Check) set(status, format string, args ...any) {
	c.Status, c.Message = status, fmt.Sprintf(format, args...)
}

// add says one thing more. It does not make a check better than it was.
func (c *Check) add(status, format string, args ...any) {
	if c.Message != "" {
		c.Message += ". "
	}
	c.Message += fmt.Sprintf(format, args...)
	if worse(status, c.Status) {
		c.Status = status
	}
}

// worse orders what one check can find about several relays.
func worse(a, b string) bool {
	rank := map[string]int{CheckOK: 1, CheckWarning: 2, CheckUnknown: 3, CheckMissing: 4, CheckDifferent: 5}
	return rank[a] > rank[b]
}

func (c *Check) unanswered(name string, err error) {
	c.set(CheckUnknown, "DNS could not be asked for %s (%s); nothing is known about it, and it is looked at again in a while", name, whyUnanswered(err))
}

// looker looks at all records of one domain.
type looker struct {
	dns    *asker
	domain Domain
	routes []route
}

// look runs all checks at the same time and gives them in the order in which a person works through them.
func (l *looker) look(ctx context.Context) []Check {
	var parts []func(context.Context) []Check
	one := func(fn func(context.Context) Check) {
		parts = append(parts, func(ctx context.Context) []Check { return []Check{fn(ctx)} })
	}
	for _, k := range l.domain.Keys {
		if k.Status != KeyRetired {
			one(func(ctx context.Context) Check { return checkKey(ctx, l.dns, l.domain.Domain, k) })
		}
	}
	for _, name := range l.returnPaths() {
		one(func(ctx context.Context) Check { return checkSPF(ctx, l.dns, name, l.routesFrom(name)) })
	}
	one(func(ctx context.Context) Check { return checkDMARC(ctx, l.dns, l.domain.Domain) })
	one(l.checkAlignment)
	if l.domain.BounceDomain != nil {
		one(func(ctx context.Context) Check { return checkMX(ctx, l.dns, *l.domain.BounceDomain) })
	}
	parts = append(parts, l.checkPTR)
	results := make([][]Check, len(parts))
	var group errgroup.Group
	for i, part := range parts {
		group.Go(func() error {
			results[i] = part(ctx)
			return nil
		})
	}
	_ = group.Wait()
	checks := []Check{}
	for _, r := range results {
		checks = append(checks, r...)
	}
	return checks
}

// unchecked is what a domain needs as far as it is known without DNS: a check for each key that waits or signs, SPF, DMARC, and the MX of the bounce domain.
func (d Domain) unchecked() []Check {
	var checks []Check
	for _, k := range d.Keys {
		if k.Status != KeyRetired {
			checks = append(checks, Check{Purpose: PurposeDKIM, Type: "TXT", Name: k.RecordName, Expected: k.RecordValue})
		}
	}
	checks = append(checks,
		Check{Purpose: PurposeSPF, Type: "TXT", Name: d.returnPath()},
		Check{Purpose: PurposeDMARC, Type: "TXT", Name: "_dmarc." + d.Domain, Expected: leastDMARC})
	if d.BounceDomain != nil {
		checks = append(checks, Check{Purpose: PurposeBounceMX, Type: "MX", Name: *d.BounceDomain})
	}
	for i := range checks {
		checks[i].set(CheckUnchecked, "not looked at yet")
	}
	return checks
}

// returnPath is the domain of the return path of mail through relays that leave it to us.
func (d Domain) returnPath() string {
	if d.BounceDomain != nil {
		return *d.BounceDomain
	}
	return d.Domain
}

// Checks gives what the last look at DNS found, without what it found about keys that are gone since, and with what has come up since as unchecked.
func (d Domain) Checks() []Check {
	needed := d.unchecked()
	has := func(list []Check, c Check) bool {
		for _, other := range list {
			if other.Purpose == c.Purpose && other.Name == c.Name && (c.Purpose != PurposeDKIM || other.Expected == c.Expected) {
				return true
			}
		}
		return false
	}
	checks := []Check{}
	for _, c := range needed {
		if !has(d.LastChecks, c) && (c.Purpose != PurposeSPF || d.CheckedAt == nil) {
			checks = append(checks, c)
		}
	}
	for _, c := range d.LastChecks {
		if (c.Purpose == PurposeDKIM || c.Purpose == PurposeBounceMX) && !has(needed, c) {
			continue
		}
		checks = append(checks, c)
	}
	return checks
}

// Health sums the checks of a domain up in the worst of their states, leaving out what cannot be seen and keys that sign nothing yet; CheckUnchecked
// before the first look.
func (d Domain) Health() string {
	health := CheckUnchecked
	for _, c := range d.Checks() {
		if worse(c.Status, health) && !d.Idle(c) {
			health = c.Status
		}
	}
	return health
}

// Idle reports whether a check is about a key that waits while mail is signed without it.
func (d Domain) Idle(c Check) bool {
	signing, _ := d.signingRSA()
	for _, k := range d.Keys {
		if c.Purpose == PurposeDKIM && c.Name == k.RecordName {
			return k.Status == KeyPending && k.ID != signing.ID
		}
	}
	return false
}

// checkTimeout bounds all the questions of one check together.
const checkTimeout = 15 * time.Second
