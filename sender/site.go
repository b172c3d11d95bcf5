package sender

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"postrider/internal/pg"
	"postrider/sender/presets"
)

// How domains are looked up: as many at once, each for so long; an answer holds a week, the want of one an hour.
const (
	siteLookups    = 20
	siteKept       = 7 * day
	siteKeptFailed = time.Hour
	siteEvery      = time.Second
	siteBatch      = 500
	mostSites      = 100_000 // that a process knows or wants to know
)

// siteBook is what this process knows of who takes the mail of domains. Nobody waits for it: a domain that is not in it is put down to be looked up, and until
// then the table of well-known mailbox domains decides, else the domain is its own site.
type siteBook struct {
	mu     sync.Mutex
	known  map[string]siteEntry
	wanted map[string]struct{}
}

type siteEntry struct {
	site  string
	until time.Time
}

// Site gives the site that takes the mail of a domain. It never asks DNS or the database.
func (s *Service) Site(domain string) string {
	b := &s.sites
	b.mu.Lock()
	defer b.mu.Unlock()
	e, found := b.known[domain]
	if (!found || e.until.Before(s.now())) && len(b.wanted) < mostSites {
		if b.wanted == nil {
			b.wanted = map[string]struct{}{}
		}
		b.wanted[domain] = struct{}{}
	}
	if found {
		return e.site
	}
	return SiteOf(domain)
}

func (b *siteBook) take(most int) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var domains []string
	for domain := range b.wanted {
		if len(domains) == most {
			break
		}
		domains = append(domains, domain)
		delete(b.wanted, domain)
	}
	return domains
}

func (b *siteBook) put(rows []siteRow) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil || len(b.known)+len(rows) > mostSites {
		b.known = map[string]siteEntry{}
	}
	for _, r := range rows {
		b.known[r.Domain] = siteEntry{site: r.Site, until: r.ExpiresAt}
	}
}

type siteRow struct {
	Domain    string
	Site      string
	ExpiresAt time.Time
}

// RunSites looks up the domains that were asked for, until ctx ends.
func (s *Service) RunSites(ctx context.Context) error {
	tick := time.NewTicker(siteEvery)
	defer tick.Stop()
	for {
		if err := s.LookUpSites(ctx); err != nil && ctx.Err() == nil {
			s.logger.Warn("the mail servers of some domains could not be looked up; they are asked for again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// LookUpSites looks up a batch of the domains that were asked for: in the database, where another process may have put them, else in DNS.
func (s *Service) LookUpSites(ctx context.Context) error {
	domains := s.sites.take(siteBatch)
	if len(domains) == 0 {
		return nil
	}
	rows, err := pg.Many[siteRow](ctx, s.pool, "sites", `SELECT domain, site, expires_at FROM sites WHERE domain = ANY ($1)`, domains)
	if err != nil {
		return err
	}
	before := map[string]string{}
	now := s.now()
	rows = slices.DeleteFunc(rows, func(r siteRow) bool {
		before[r.Domain] = r.Site
		return !r.ExpiresAt.After(now)
	})
	s.sites.put(rows)
	domains = slices.DeleteFunc(domains, func(d string) bool { return slices.ContainsFunc(rows, func(r siteRow) bool { return r.Domain == d }) })
	found := make([]siteRow, len(domains))
	var group errgroup.Group
	group.SetLimit(siteLookups)
	for i, domain := range domains {
		group.Go(func() error {
			found[i] = s.askSite(ctx, domain, cmp.Or(before[domain], SiteOf(domain)))
			return nil
		})
	}
	_ = group.Wait() // what DNS does not say is in the rows
	if ctx.Err() != nil || len(found) == 0 {
		return ctx.Err()
	}
	s.sites.put(found)
	return storeSites(ctx, s.pool, found, s.now())
}

// askSite asks DNS who takes the mail of a domain. Without an answer it is who did before.
func (s *Service) askSite(ctx context.Context, domain, before string) siteRow {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	mx, err := s.cfg.Resolver.LookupMX(ctx, absolute(domain))
	var hosts []string
	for _, m := range mx {
		if h := strings.ToLower(strings.TrimSuffix(m.Host, ".")); h != "" {
			hosts = append(hosts, h)
		}
	}
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	row := siteRow{Domain: domain, Site: domain, ExpiresAt: s.now().Add(siteKept)}
	switch provider, known := presets.SiteByMX(hosts); {
	case err != nil && !isNotFound(err):
		row.Site, row.ExpiresAt = before, s.now().Add(siteKeptFailed)
	case known:
		row.Site = provider.ID
	default:
		row.Site = siteOfHosts(domain, hosts)
	}
	return row
}

// longestSite keeps the name of a site well below what an index of Postgres holds.
const longestSite = 2000

// siteOfHosts names the site of MX hosts that are no provider's. Whoever owns the domain chooses them: a single word could be the name of a provider, and of
// too many hosts the domain itself is the name.
func siteOfHosts(domain string, hosts []string) string {
	site := strings.Join(hosts, ",")
	if !strings.Contains(site, ".") || len(site) > longestSite {
		return domain
	}
	return site
}

func storeSites(ctx context.Context, db pg.DB, rows []siteRow, now time.Time) error {
	var domains, sites []string
	var until []time.Time
	for _, r := range rows {
		domains, sites, until = append(domains, r.Domain), append(sites, r.Site), append(until, r.ExpiresAt)
	}
	_, err := db.Exec(ctx, `
		INSERT INTO sites (domain, site, looked_up_at, expires_at) SELECT u.domain, u.site, $4, u.until
		FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS u (domain, site, until) ORDER BY u.domain
		ON CONFLICT (domain) DO UPDATE SET site = excluded.site, looked_up_at = excluded.looked_up_at, expires_at = excluded.expires_at`, domains, sites, until, now)
	if err != nil {
		return fmt.Errorf("storing sites: %w", err)
	}
	return nil
}
