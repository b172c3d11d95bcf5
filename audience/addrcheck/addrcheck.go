// Package addrcheck looks for what is suspicious about addresses whose syntax is right: misspelt domains, addresses of roles instead of people, domains of throw-away mail, and
// domains that take no mail. It changes nothing; it says what it thinks, for people.
//
// The lists are of November 2026. An address that is wrongly flagged costs more than one that is missed, so domains that are known to be real are never flagged as misspelt.
package addrcheck

import (
	_ "embed"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/net/idna"
)

// Kind says why an address is flagged.
type Kind string

// The kinds of flags.
const (
	Typo       Kind = "typo"       // the domain looks like a misspelt one of a large provider
	Role       Kind = "role"       // a function of a company rather than a person
	Disposable Kind = "disposable" // throw-away mail
	NoMX       Kind = "no_mx"      // the domain takes no mail
)

// Valid reports whether it is one of the kinds.
func (k Kind) Valid() bool { return k == Typo || k == Role || k == Disposable || k == NoMX }

// Flag is one thing that is suspicious. Text is for people. Suggestion is the address that was perhaps meant, "" when none is known.
type Flag struct {
	Kind       Kind   `json:"kind"`
	Text       string `json:"text"`
	Suggestion string `json:"suggestion,omitempty"`
}

// Options say what is looked for. ExtraDisposable are further domains of throw-away mail; Fine are domains that are never flagged.
type Options struct {
	Typos, Roles, Disposable bool
	ExtraDisposable          []string
	Fine                     []string
}

//go:embed disposable.txt
var disposableList string

//go:embed roles.txt
var roleList string

// Checker finds flags. It is safe for concurrent use.
type Checker struct {
	options    Options
	roles      map[string]bool
	disposable map[string]bool
	known      map[string]bool // domains that are not misspelt
	typos      map[string]string
	providers  []provider
	cache      [1024]atomic.Pointer[verdict]
}

// verdict is what is known of a domain.
type verdict struct {
	domain     string
	suggestion string // the domain that was perhaps meant
	disposable string // the listed domain that it is, or is below
}

// New makes a Checker.
func New(o Options) *Checker {
	c := &Checker{options: o, roles: lines(roleList), disposable: lines(disposableList), known: lines(strings.ReplaceAll(realDomains, " ", "\n")), typos: map[string]string{}, providers: providers()}
	for _, p := range c.providers {
		for _, tld := range p.tlds {
			c.known[p.name+"."+tld] = true
		}
	}
	for _, line := range strings.Split(strings.TrimSpace(knownTypos), "\n") {
		right, wrong, _ := strings.Cut(line, ":")
		for _, w := range strings.Fields(wrong) {
			c.typos[w] = strings.TrimSpace(right)
		}
	}
	for _, d := range o.ExtraDisposable {
		c.disposable[ascii(d)] = true
	}
	for _, d := range o.Fine {
		d = ascii(d)
		c.known[d] = true
		delete(c.typos, d)
		delete(c.disposable, d)
	}
	return c
}

// lines reads a list with one entry a line; "#" begins a comment.
func lines(s string) map[string]bool {
	out := map[string]bool{}
	for line := range strings.Lines(s) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			out[line] = true
		}
	}
	return out
}

// ascii is a domain as it stands in keys of addresses; what is none stays as it is and never matches.
func ascii(domain string) string {
	domain = strings.TrimPrefix(strings.ToLower(strings.TrimSpace(domain)), "@")
	if a, err := idna.Lookup.ToASCII(domain); err == nil {
		return a
	}
	return domain
}

// Flags looks at an address in the form of its key: in small letters, the domain in A-labels. nil is nothing suspicious.
func (c *Checker) Flags(address string) []Flag {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return nil
	}
	local, domain := address[:at], address[at+1:]
	var out []Flag
	v := c.look(domain)
	if c.options.Typos && v.suggestion != "" {
		out = append(out, Flag{Typo, fmt.Sprintf("%s looks like a misspelt %s", domain, v.suggestion), local + "@" + v.suggestion})
	}
	if c.options.Disposable && v.disposable != "" {
		out = append(out, Flag{Disposable, fmt.Sprintf("%s gives out addresses to throw away", v.disposable), ""})
	}
	if c.options.Roles && c.isRole(local) {
		out = append(out, Flag{Role, fmt.Sprintf("%s@ is mostly read by several people or by none", local), ""})
	}
	return out
}

// isRole finds roles, with a tag or a number behind them: info, info+news, support2.
func (c *Checker) isRole(local string) bool {
	if c.roles[local] {
		return true
	}
	tag := strings.IndexByte(local, '+')
	if tag > 0 {
		local = local[:tag]
	}
	bare := strings.TrimRight(local, "0123456789")
	return bare != "" && (tag > 0 || len(bare) < len(local)) && len(local)-len(bare) < 3 && c.roles[bare]
}

// look gives what is known of a domain. Lists have few domains many times.
func (c *Checker) look(domain string) *verdict {
	slot := &c.cache[hash(domain)%uint32(len(c.cache))]
	if v := slot.Load(); v != nil && v.domain == domain {
		return v
	}
	v := &verdict{domain: strings.Clone(domain)}
	for d := domain; ; {
		if c.disposable[d] {
			v.disposable = d
			break
		}
		_, up, ok := strings.Cut(d, ".")
		if !ok || c.known[d] {
			break
		}
		d = up
	}
	if v.disposable == "" {
		v.suggestion = c.meant(domain)
	}
	slot.Store(v)
	return v
}

// hash is FNV-1a.
func hash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}
