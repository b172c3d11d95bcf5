package listener

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Domains are the domains that mail is taken for.
type Domains struct {
	Bounce  []string // all addresses of ours, postmaster and abuse
	Sending []string // addresses with a token: they get here when the mail server of the domain passes them on
}

const (
	// domainsFresh is how long the domains are believed before they are read again.
	domainsFresh = 30 * time.Second
	// domainsUnknown is how long they are believed when a domain is not among them: somebody may just have set it up, and anybody may ask for anything.
	domainsUnknown = time.Second
)

// domainCache keeps what Config.Domains says for a moment.
type domainCache struct {
	load func(ctx context.Context) (Domains, error)
	now  func() time.Time

	mu     sync.Mutex
	loaded time.Time
	ours   map[string]bool // true for a bounce domain
}

// find says whether a domain is ours, and whether as a bounce domain.
func (c *domainCache) find(ctx context.Context, domain string) (ours, bounce bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	age := c.now().Sub(c.loaded)
	bounce, ours = c.ours[domain]
	if c.ours != nil && (age < domainsUnknown || ours && age < domainsFresh) {
		return ours, bounce, nil
	}
	d, err := c.load(ctx)
	if err != nil {
		return false, false, fmt.Errorf("reading the bounce domains: %w", err)
	}
	c.ours, c.loaded = map[string]bool{}, c.now()
	for _, name := range d.Sending {
		c.ours[name] = false
	}
	for _, name := range d.Bounce {
		c.ours[name] = true
	}
	bounce, ours = c.ours[domain]
	return ours, bounce, nil
}
