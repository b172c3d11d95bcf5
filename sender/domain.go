package sender

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/sender/dkim"
	"postrider/sender/presets"
)

// Algorithms of a DKIM key.
const (
	AlgorithmRSA2048 = dkim.RSA2048 // what every receiver verifies (RFC 8301 §3.2)
	AlgorithmEd25519 = dkim.Ed25519 // a second signature for those that know it (RFC 8463)
)

// States of a DKIM key.
const (
	KeyPending = "pending" // made, and waits until its record is seen in DNS
	KeyActive  = "active"
	KeyRetired = "retired" // signs nothing; its record stays in DNS for as long as mail signed with it is under way
)

// keepRetired is how long the record of a retired key is needed: servers try to deliver for five days, and some readers' programs check on arrival.
const keepRetired = 7 * 24 * time.Hour

// Domain is a From domain that we sign for.
type Domain struct {
	ID           int64
	Domain       string  // in A-labels, lower case
	BounceDomain *string // where bounces come back to; nil when relays use the From address as return path
	Warmup       *Warmup // over all relays together
	Window       *Window
	Keys         []Key      // oldest first
	LastChecks   []Check    // what the last look at DNS found, as it was then; see Checks
	CheckedAt    *time.Time // nil before the first look
	CreatedAt    time.Time
}

// Key is the public half of a DKIM key; the private half never leaves the store but for signing.
type Key struct {
	ID          int64
	Selector    string
	Algorithm   string
	Status      string
	RecordName  string // where the record belongs, "pr1abcd._domainkey.example.org"
	RecordValue string // what the TXT record says
	CreatedAt   time.Time
	SeenAt      *time.Time // since when every look-up that was answered has found the record as it should be
	ActivatedAt *time.Time
	RetiredAt   *time.Time
}

// KeepUntil is when the record of a retired key may be taken out of DNS; nil for the others.
func (k Key) KeepUntil() *time.Time {
	if k.RetiredAt == nil {
		return nil
	}
	until := k.RetiredAt.Add(keepRetired)
	return &until
}

// splitTXT gives a value over 255 bytes as quoted strings, "" for a shorter one.
func splitTXT(value string) string {
	parts := dkim.SplitTXT(value)
	if len(parts) == 1 {
		return ""
	}
	return `"` + strings.Join(parts, `" "`) + `"`
}

// cleanDomain gives a domain in A-labels, lower case, or says why mail cannot be signed for it.
func cleanDomain(raw string) (domain, problem string) {
	domain = strings.TrimSuffix(strings.TrimSpace(raw), ".")
	switch {
	case domain == "":
		return "", "the domain is missing, for example example.org"
	case strings.Contains(domain, "@"):
		return "", "give the domain alone: the part of the address after @"
	case strings.Contains(domain, "://"), strings.Contains(domain, "/"):
		return "", "give the domain alone, without \"https://\" and without a path"
	}
	ascii, ok := addr.ASCII(idna.Lookup, domain)
	switch {
	case !ok:
		return "", fmt.Sprintf("%q is not a domain name", shorten(domain))
	case !strings.Contains(ascii, "."):
		return "", fmt.Sprintf("%q has no dot; a sending domain looks like example.org", shorten(domain))
	case strings.Trim(ascii, "0123456789.") == "":
		return "", "this is an IP address; mail is signed for a domain"
	}
	registrable, err := publicsuffix.EffectiveTLDPlusOne(ascii)
	if err != nil {
		return "", fmt.Sprintf("%s is a public suffix: domains are registered under it, nobody sends from it", ascii)
	}
	if presets.FreeMail(registrable) {
		return "", fmt.Sprintf("%s belongs to a mailbox provider, so nobody but them can sign its mail and receivers take yours for forged; "+
			"use a domain of your own", registrable)
	}
	return ascii, ""
}

// clean brings both domains into the form in which they are stored and checks everything at once. An empty bounce domain is none.
func (in DomainInput) clean() (DomainInput, error) {
	var wrong errs.Fields
	name, problem := cleanDomain(in.Domain)
	if problem != "" {
		wrong.Add("domain", "%s", problem)
	}
	in.Domain, in.BounceDomain = name, strings.TrimSpace(in.BounceDomain)
	if in.BounceDomain != "" {
		if in.BounceDomain, problem = cleanDomain(in.BounceDomain); problem != "" {
			wrong.Add("bounce_domain", "%s", problem)
		}
	}
	in.Warmup.check(&wrong)
	in.Window.Check(&wrong)
	return in, wrong.Err("this sending domain cannot be used as it is")
}
