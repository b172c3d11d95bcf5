package addrcheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Resolver asks DNS; *net.Resolver is one.
type Resolver interface {
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupHost(ctx context.Context, name string) ([]string, error)
}

// Bounds of the look at DNS.
const (
	mxAtOnce  = 16
	mxTimeout = 5 * time.Second
	mxKept    = 20_000 // domains
	mxFor     = 6 * time.Hour
)

// MX finds domains that take no mail. What DNS does not answer in time counts as taking mail: a flag is only for what is known. It is safe for concurrent use.
type MX struct {
	resolver Resolver
	now      func() time.Time
	turns    chan struct{}

	mu   sync.Mutex
	kept map[string]mxAnswer
}

// mxAnswer is what was found out about a domain; text is "" when it takes mail.
type mxAnswer struct {
	text  string
	until time.Time
}

// NewMX asks by the resolver.
func NewMX(r Resolver, now func() time.Time) *MX {
	return &MX{resolver: r, now: now, turns: make(chan struct{}, mxAtOnce), kept: map[string]mxAnswer{}}
}

// Ask finds out about domains, in A-labels, several at a time, so that Flag knows them. It returns when all were asked or ctx has ended, whose error it gives.
func (m *MX) Ask(ctx context.Context, domains []string) error {
	var group sync.WaitGroup
	asked := map[string]bool{}
	for _, domain := range domains {
		if _, known := m.answer(domain); known || asked[domain] {
			continue
		}
		asked[domain] = true
		select {
		case m.turns <- struct{}{}:
		case <-ctx.Done():
			group.Wait()
			return ctx.Err()
		}
		group.Go(func() {
			defer func() { <-m.turns }()
			if text, sure := m.find(ctx, domain); sure {
				m.keep(domain, text)
			}
		})
	}
	group.Wait()
	return ctx.Err()
}

// Flag gives the flag of a domain that was asked for; ok is false when it takes mail or is not known.
func (m *MX) Flag(domain string) (f Flag, ok bool) {
	text, _ := m.answer(domain)
	return Flag{Kind: NoMX, Text: text}, text != ""
}

func (m *MX) answer(domain string) (text string, known bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	a, ok := m.kept[domain]
	if !ok || m.now().After(a.until) {
		return "", false
	}
	return a.text, true
}

// keep remembers an answer. When there are too many, all are forgotten: a list has few domains, and asking again costs little.
func (m *MX) keep(domain, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.kept) >= mxKept {
		clear(m.kept)
	}
	m.kept[domain] = mxAnswer{text, m.now().Add(mxFor)}
}

// find asks about one domain (RFC 5321 §5.1); sure is false when DNS gave no answer.
func (m *MX) find(ctx context.Context, domain string) (text string, sure bool) {
	ctx, cancel := context.WithTimeout(ctx, mxTimeout)
	defer cancel()
	servers, err := m.resolver.LookupMX(ctx, domain+".")
	var dns *net.DNSError
	switch {
	case len(servers) == 1 && (servers[0].Host == "." || servers[0].Host == ""): // RFC 7505
		return fmt.Sprintf("%s says that it takes no mail", domain), true
	case len(servers) > 0:
		return "", true
	case err == nil, errors.As(err, &dns) && dns.IsNotFound: // no MX, or no such domain: an address of the domain itself would do
	default:
		return "", false
	}
	hosts, err := m.resolver.LookupHost(ctx, domain+".")
	switch {
	case len(hosts) > 0:
		return "", true
	case err == nil, errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("there is no mail server for %s", domain), true
	}
	return "", false
}
