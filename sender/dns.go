package sender

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"time"
)

// Resolver asks DNS. *net.Resolver is one. The strings of one TXT record come joined.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

const (
	// mostQuestions bounds what one check of a domain may ask: a record of somebody else's can include others without end.
	mostQuestions = 100
	// questionTimeout bounds one question, so that a dead name server takes only its own answer away.
	questionTimeout = 5 * time.Second
)

// asker puts the questions of one check to DNS: each once, in parallel, mostQuestions at most, each bounded in time. It is a Resolver itself. Every
// error it gives is a *net.DNSError, as blitiri.com.ar/go/spf wants to see them.
type asker struct {
	dns   Resolver
	mu    sync.Mutex
	asked map[string]*question
	left  int
}

type question struct {
	once  sync.Once
	value any
	err   error
}

func newAsker(dns Resolver) *asker {
	return &asker{dns: dns, asked: make(map[string]*question), left: mostQuestions}
}

// LookupTXT gives the TXT records at a name.
func (a *asker) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return ask(ctx, a, "TXT", absolute(name), a.dns.LookupTXT)
}

// LookupMX gives the MX records at a name.
func (a *asker) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return ask(ctx, a, "MX", absolute(name), a.dns.LookupMX)
}

// LookupIPAddr gives the addresses of a host.
func (a *asker) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	return ask(ctx, a, "A", absolute(host), a.dns.LookupIPAddr)
}

// LookupAddr gives the names of an address.
func (a *asker) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	return ask(ctx, a, "PTR", addr, a.dns.LookupAddr)
}

func ask[T any](ctx context.Context, a *asker, kind, name string, lookup func(context.Context, string) (T, error)) (T, error) {
	q, ok := a.question(kind + " " + strings.ToLower(name))
	if !ok {
		var none T
		return none, &net.DNSError{Err: "too many questions for one check", Name: name, IsTemporary: true}
	}
	q.once.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, questionTimeout)
		defer cancel()
		value, err := lookup(ctx, name)
		q.value, q.err = value, dnsError(name, err)
	})
	value, _ := q.value.(T)
	return value, q.err
}

func (a *asker) question(key string) (*question, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	q, ok := a.asked[key]
	if !ok && a.left > 0 {
		a.left--
		q, ok = &question{}, true
		a.asked[key] = q
	}
	return q, ok
}

// dnsError makes any error a *net.DNSError. What is not one says nothing about the name, so it counts as passing.
func dnsError(name string, err error) error {
	if err == nil {
		return nil
	}
	var known *net.DNSError
	if errors.As(err, &known) {
		return known
	}
	return &net.DNSError{Err: err.Error(), Name: name, IsTimeout: errors.Is(err, context.DeadlineExceeded), IsTemporary: true}
}

// absolute ends a name with the root, so that the resolver does not try the machine's own search domains behind it.
func absolute(name string) string { return strings.TrimSuffix(name, ".") + "." }

func isNotFound(err error) bool {
	var dnsErr *net.DNSError
	return errors.As(err, &dnsErr) && dnsErr.IsNotFound
}

// lookupTXT gives the TXT records at a name; none is no failure.
func lookupTXT(ctx context.Context, dns Resolver, name string) ([]string, error) {
	txts, err := dns.LookupTXT(ctx, name)
	if err != nil && !isNotFound(err) {
		return nil, err
	}
	return txts, nil
}

// whyUnanswered words a failed look-up without the addresses of name servers.
func whyUnanswered(err error) string {
	var dnsErr *net.DNSError
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &dnsErr) && dnsErr.IsTimeout:
		return "no answer in time"
	case dnsErr != nil && !strings.Contains(dnsErr.Err, "dial"):
		return dnsErr.Err
	}
	return "the name server cannot be reached"
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
