package presets

import (
	"net"
	"slices"
	"strings"
	"time"

	"postrider/sender/reply"
)

// AsOf is the month in which the tables were last compared with their sources.
const AsOf = "2026-11"

// Kind says what a provider is to somebody who sends a mailing.
type Kind string

// The kinds of providers.
const (
	Mailbox Kind = "mailbox" // a mailbox for people, with a small daily quota
	Service Kind = "service" // a service for sending mail
	Own     Kind = "own"     // a mail server of one's own
	Generic Kind = "generic" // anything else
)

// Ways to protect a connection and to log in, in the words of relays.
const (
	starttls = "starttls"
	implicit = "implicit"

	auto    = "auto"
	plain   = "plain"
	login   = "login"
	cramMD5 = "cram-md5"
	scram   = "scram-sha-256"
	xoauth2 = "xoauth2"
	noAuth  = "none"
)

// Provider is what is known of one provider.
type Provider struct {
	ID   string // stored with relays; never changed
	Name string
	Kind Kind
	AsOf string // month the facts were looked at
	Docs string // the provider's own page about sending by SMTP

	Hosts     []Host     // the first one is offered; several are regions
	Patterns  []string   // further hosts it is recognised by; one "*" stands for anything
	Endpoints []Endpoint // the first one is recommended
	Auth      []string   // in the words of relays; the first one is recommended
	Username  Username
	Password  string // what to enter as the password
	Needs     []Need // what a person has to do at the provider first
	OAuth     *OAuth // nil: no XOAUTH2

	Limits         Limits
	Quota          Quota
	SigningProfile string // "default", or "ses" where some fields must not be signed
	SignsItself    bool   // mail is DKIM-signed by the provider, so that our signature adds nothing or breaks
	ReturnPath     string // "from": the provider forces or replaces the envelope sender; "per_recipient": it keeps ours
	SiteLimits     bool   // limits per recipient site make sense, because this server delivers to them itself

	Failures []Failure // in the order in which they are tried

	Reading *Reading // how its mailboxes are read; nil: it has none
}

// Host is one server, with the region it stands for; "" where there is only one.
type Host struct {
	Name   string
	Region string
}

// Endpoint is a port and how it is protected.
type Endpoint struct {
	Port int
	TLS  string
}

// Username is what to enter as user name: always the same words, or a hint.
type Username struct {
	Fixed string
	Hint  string
}

// Need is a step to take at the provider, and the page for it.
type Need struct {
	Text string
	Link string
}

// OAuth is where a refresh token is turned into an access token for XOAUTH2.
type OAuth struct {
	TokenURL string
	Scope    string // what the permission must cover when it is asked for
	Docs     string
}

// Limits are the published limits of an ordinary account; 0 is unpublished. Recipients count as messages, since a mailing has one for each.
type Limits struct {
	Connections           int // at the same time
	MessagesPerConnection int
	RecipientsPerMessage  int
	PerSecond             int
	PerMinute             int
	PerHour               int
	PerDay                int
	Note                  string // what the figures leave out: plans, sandboxes, advice that is no limit
	Source                string // where they are published
}

// Published reports whether there is any figure.
func (l Limits) Published() bool {
	return l.Connections+l.MessagesPerConnection+l.RecipientsPerMessage+l.PerSecond+l.PerMinute+l.PerHour+l.PerDay > 0
}

// Quota is what happens when the account has sent all it may.
type Quota struct {
	Text     string        // for a person
	Reopens  time.Duration // how long to leave the account alone; 0 is unknown
	Extended bool          // every further try while it is used up makes it last longer
}

// Failure is one answer of a provider and what it means. The conditions that are set must all hold; the first line that matches decides.
type Failure struct {
	Sample string      // the reply as the provider sends it
	Stage  reply.Stage // "": at any
	Code   int         // 0: any
	Status string      // the enhanced code, exactly; "": any
	Texts  []string    // lower case, any of them; nil: any text

	reply.Judgement
	Wait   time.Duration // until the next try makes sense, when the reply does not say
	Remedy string
}

func (f *Failure) matches(r reply.Reply, text string) bool {
	switch {
	case f.Stage != "" && r.Stage != "" && f.Stage != r.Stage, f.Code != 0 && f.Code != r.Code, f.Status != "" && f.Status != r.Status:
		return false
	}
	return f.Texts == nil || slices.ContainsFunc(f.Texts, func(t string) bool { return strings.Contains(text, t) })
}

// Failure finds what the provider means by a reply.
func (p *Provider) Failure(r reply.Reply) (Failure, bool) {
	text := strings.ToLower(r.Text)
	for i := range p.Failures {
		if p.Failures[i].matches(r, text) {
			return p.Failures[i], true
		}
	}
	return Failure{}, false
}

// table is every provider, in the order in which they are offered. Nothing writes to it.
var table = providers()

func providers() []Provider {
	var all []Provider
	for _, c := range companies {
		all = append(all, c.Providers...)
	}
	return append(all, own()...)
}

// All gives every provider, in the order in which they are offered.
func All() []Provider { return slices.Clone(table) }

// ByID gives the provider that a relay names.
func ByID(id string) (Provider, bool) {
	return found(find(func(p *Provider) bool { return p.ID == id }))
}

// ForHost recognises a provider by the name of its server. Of several that share one the first counts.
func ForHost(host string) (Provider, bool) { return found(byHost(host)) }

func found(p *Provider) (Provider, bool) {
	if p == nil {
		return Provider{}, false
	}
	return *p, true
}

func find(is func(*Provider) bool) *Provider {
	for i := range table {
		if is(&table[i]) {
			return &table[i]
		}
	}
	return nil
}

func byHost(host string) *Provider {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if host == "" {
		return nil
	}
	return find(func(p *Provider) bool { return p.has(host) })
}

func (p *Provider) has(host string) bool {
	return slices.ContainsFunc(p.Hosts, func(h Host) bool { return h.Name == host }) ||
		slices.ContainsFunc(p.Patterns, func(pattern string) bool {
			before, after, _ := strings.Cut(pattern, "*")
			return len(host) > len(before)+len(after) && strings.HasPrefix(host, before) && strings.HasSuffix(host, after)
		})
}
