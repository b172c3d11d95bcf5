package sender

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/idna"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/sender/dkim"
)

// signerFresh is how long a prepared signer is used before it is looked at whether the keys changed, in another process say.
const signerFresh = 3 * time.Second

// signerCache keeps prepared signers: opening and parsing keys for each message would cost as much as a look-up in the database.
type signerCache struct {
	mu      sync.Mutex
	entries map[signerID]signerEntry
	// version is raised by forget, so that what was read before it is not kept after it.
	version int
}

type signerID struct{ domain, profile string }

type signerEntry struct {
	signer  *dkim.Signer
	keys    []int64
	checked time.Time
}

func (c *signerCache) get(id signerID) (signerEntry, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[id], c.version
}

func (c *signerCache) put(id signerID, e signerEntry, version int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if version != c.version {
		return
	}
	if c.entries == nil {
		c.entries = make(map[signerID]signerEntry)
	}
	c.entries[id] = e
}

func (c *signerCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries = nil
	c.version++
}

// SignerFor gives the prepared signer for mail from a domain through relays of a signing profile ("default", "ses"; see dkim.Profile). A domain
// without an active key is NotFound. A change of keys is seen at once in this process and within seconds in others.
func (s *Service) SignerFor(ctx context.Context, fromDomain, profile string) (*dkim.Signer, error) {
	domain := fromDomain
	if ascii, ok := addr.ASCII(idna.Lookup, fromDomain); ok {
		domain = ascii
	}
	id := signerID{domain, profile}
	entry, version := s.signers.get(id)
	now := s.now()
	if entry.signer != nil && now.Sub(entry.checked) < signerFresh {
		return entry.signer, nil
	}
	keys, err := signingKeys(ctx, s.pool, domain)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errs.New(errs.NotFound, "there is no DKIM key for %s: add the domain under Sending domains", shorten(domain))
	}
	ids := make([]int64, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	if entry.signer == nil || !slices.Equal(entry.keys, ids) {
		if entry.signer, err = s.prepare(domain, profile, keys); err != nil {
			return nil, err
		}
	}
	entry.keys, entry.checked = ids, now
	s.signers.put(id, entry, version)
	return entry.signer, nil
}

// prepare opens the private keys; they live in the signer from then on and nowhere else.
func (s *Service) prepare(domain, profile string, keys []signingKey) (*dkim.Signer, error) {
	opened := make([]dkim.Key, len(keys))
	for i, k := range keys {
		der, err := s.box.Open(k.PrivateKey, keyContext(k.DomainID, k.Selector))
		if err != nil {
			return nil, errs.Because(errs.Unavailable, err, "the DKIM key %s of %s cannot be opened: it was stored with another secret key; "+
				"start with the secret key it was made with, or add a new key and retire this one", k.Selector, domain)
		}
		key, err := dkim.ParseKey(domain, k.Selector, der)
		clear(der)
		if err != nil {
			return nil, fmt.Errorf("reading DKIM key %d: %w", k.ID, err)
		}
		if opened[i], err = s.cfg.Signing.Prepare(key); err != nil {
			s.logger.Warn("a DKIM key signs slowly, in Go", "domain", domain, "selector", k.Selector, "error", err)
		}
	}
	signer, err := dkim.New(opened, dkim.Profile(profile), s.now)
	if err != nil {
		return nil, fmt.Errorf("preparing the signer of %s: %w", domain, err)
	}
	return signer, nil
}
