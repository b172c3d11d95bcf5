package sender

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/sender/presets"
)

// Routing is how a relay takes part in campaigns that have several.
type Routing struct {
	// Weight is the relay's share among those that can be used, 1 to 100; 0 is a backup, used when no other relay of the campaign can be.
	Weight int
	// FromDomains are the only domains of From addresses whose mail goes through it; empty: all.
	FromDomains []string
	// RecipientSites are the only recipients that it is used for, each a known provider such as "google" or a domain; empty: all.
	RecipientSites []string
}

const (
	maxWeight       = 100
	maxRoutingNames = 500
)

// Backup says that the relay is used only when no other one can be.
func (r Routing) Backup() bool { return r.Weight == 0 }

// Restricted says that the relay does not take everything.
func (r Routing) Restricted() bool { return len(r.FromDomains)+len(r.RecipientSites) > 0 }

// TakesFrom says whether mail from the domain may go through the relay.
func (r Routing) TakesFrom(domain string) bool {
	return len(r.FromDomains) == 0 || slices.Contains(r.FromDomains, domain)
}

// TakesRecipient says whether mail to the domain, which belongs to the site, may go through the relay.
func (r Routing) TakesRecipient(domain, site string) bool {
	return len(r.RecipientSites) == 0 || slices.Contains(r.RecipientSites, site) || slices.Contains(r.RecipientSites, domain)
}

// Linkable says whether links to an origin may stand in mail through the relay: https (RFC 8058 §3.1), or this machine itself for mail that does not leave it.
func (r Relay) Linkable(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	if addr.IsLoopback(u.Hostname()) {
		return r.Kind == RelayInbox || addr.IsLoopback(r.Host)
	}
	return u.Scheme == "https"
}

// DomainOf gives the domain of an address, in lower-case A-labels where it has such.
func DomainOf(address string) string {
	domain := strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
	if ascii, ok := addr.ASCII(idna.Lookup, domain); ok {
		return ascii
	}
	return domain
}

// SiteOf gives the site that takes the mail of a domain: the provider that has mailboxes in it, by its id, else the domain itself.
func SiteOf(domain string) string {
	if site, known := presets.SiteByMailboxes(registrableDomain(domain)); known {
		return site.ID
	}
	return domain
}

// knownSites are the sites that are providers.
func knownSites() []string {
	var ids []string
	for _, site := range presets.Sites() {
		ids = append(ids, site.ID)
	}
	return ids
}

// clean brings the names into the form in which they are compared, and says what is wrong with them.
func (r Routing) clean(wrong *errs.Fields) Routing {
	if r.Weight < 0 || r.Weight > maxWeight {
		wrong.Add("weight", "must be between 0 and %d; 0 makes the relay a backup", maxWeight)
	}
	r.FromDomains = cleanNames(wrong, "from_domains", r.FromDomains, nil)
	r.RecipientSites = cleanNames(wrong, "recipient_sites", r.RecipientSites, knownSites())
	return r
}

// cleanNames accepts domains and the known words, each once.
func cleanNames(wrong *errs.Fields, field string, names, known []string) []string {
	clean := []string{}
	if len(names) > maxRoutingNames {
		wrong.Add(field, "these are more than %d; leave it empty for all", maxRoutingNames)
		return clean
	}
	for _, raw := range names {
		name := strings.ToLower(strings.TrimSpace(raw))
		ascii, ok := addr.ASCII(idna.Lookup, name)
		switch {
		case slices.Contains(known, name):
		case ok && strings.Contains(ascii, "."):
			name = ascii
		case len(known) > 0:
			wrong.Add(field, "%q is neither a domain nor one of %s", shorten(raw), strings.Join(known, ", "))
		default:
			wrong.Add(field, "%q is not a domain", shorten(raw))
		}
		if !slices.Contains(clean, name) {
			clean = append(clean, name)
		}
	}
	return clean
}

// RelaysFor gives the relays of some ids in their order, and what the domain of the From address bounds when mail goes through them; one that does not
// exist is left out.
func (s *Service) RelaysFor(ctx context.Context, ids []int64, from string) ([]Relay, FromDomain, error) {
	read := s.now()
	relays, domain, err := relaysFor(ctx, s.pool, ids, from)
	for i := range relays {
		relays[i].read = read
	}
	return relays, domain, err
}

// GetRelays gives the relays of some ids in their order; one that does not exist is left out.
func (s *Service) GetRelays(ctx context.Context, ids []int64) ([]Relay, error) {
	read := s.now()
	relays, err := relaysByID(ctx, s.pool, ids)
	for i := range relays {
		relays[i].read = read
	}
	return relays, err
}
