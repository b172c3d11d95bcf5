package sender

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/sender/dkim"
)

// DomainInput is what a person may set on a sending domain. BounceDomain "" is none; without a warm-up and a window nothing but its relays bounds it.
type DomainInput struct {
	Domain       string
	BounceDomain string
	Warmup       *Warmup
	Window       *Window
}

// ListDomains gives all sending domains by name. There are few: nobody pages through them.
func (s *Service) ListDomains(ctx context.Context) ([]Domain, error) {
	return listDomains(ctx, s.pool, 0)
}

// GetDomain gives one sending domain with its keys.
func (s *Service) GetDomain(ctx context.Context, id int64) (Domain, error) {
	return getDomain(ctx, s.pool, id)
}

// CreateDomain adds a domain with its first key, an RSA one, so that there is a record to publish at once. The key waits like any other, but signs already
// for want of another one: Start of a campaign looks at its record (CheckFrom).
func (s *Service) CreateDomain(ctx context.Context, in DomainInput) (Domain, error) {
	in, err := in.clean()
	if err != nil {
		return Domain{}, err
	}
	// Before the transaction: finding primes takes a while.
	der, txt, err := dkim.Generate(AlgorithmRSA2048)
	if err != nil {
		return Domain{}, err
	}
	var domain Domain
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		id, err := insertDomain(ctx, tx, in)
		if err != nil {
			return err
		}
		if err := s.storeKey(ctx, tx, id, selector(1), AlgorithmRSA2048, der, txt); err != nil {
			return err
		}
		domain, err = getDomain(ctx, tx, id)
		return err
	})
	return domain, err
}

// UpdateDomain replaces the bounce domain, the warm-up and the window. The name stays: keys and records belong to it.
func (s *Service) UpdateDomain(ctx context.Context, id int64, in DomainInput) (Domain, error) {
	var domain Domain
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		old, err := getDomain(ctx, tx, id)
		if err != nil {
			return err
		}
		in, err := in.clean()
		if err != nil {
			return err
		}
		if in.Domain != old.Domain {
			return errs.InvalidField("domain", "the name of a sending domain cannot change; add %s as another one", in.Domain)
		}
		if err := updateDomain(ctx, tx, id, in); err != nil {
			return err
		}
		if err := checkSoon(ctx, tx, id); err != nil {
			return err
		}
		domain, err = getDomain(ctx, tx, id)
		return err
	})
	return domain, err
}

// DeleteDomain removes a domain and its keys. Mail that was signed with them can no longer be checked in the inbox.
func (s *Service) DeleteDomain(ctx context.Context, id int64) error {
	defer s.signers.forget()
	return deleteDomain(ctx, s.pool, id)
}

// AddKey makes another key, which waits until its record is seen in DNS (see settleKeys) and then takes over from the key of its algorithm. One waits at a
// time: a second is a Conflict.
func (s *Service) AddKey(ctx context.Context, domainID int64, algorithm string) (Domain, error) {
	if algorithm != AlgorithmRSA2048 && algorithm != AlgorithmEd25519 {
		return Domain{}, errs.InvalidField("algorithm", "%q is not known; choose %s or %s", shorten(algorithm), AlgorithmRSA2048, AlgorithmEd25519)
	}
	der, txt, err := dkim.Generate(algorithm)
	if err != nil {
		return Domain{}, err
	}
	defer s.signers.forget()
	return s.changeKeys(ctx, domainID, func(tx pgx.Tx, d Domain) error {
		for _, k := range d.Keys {
			if k.Status == KeyPending && k.Algorithm == algorithm {
				return errs.New(errs.Conflict, "key %s waits for its record already; publish it, or retire it first", k.Selector)
			}
		}
		if err := s.storeKey(ctx, tx, d.ID, selector(len(d.Keys)+1), algorithm, der, txt); err != nil {
			return err
		}
		return checkSoon(ctx, tx, d.ID)
	})
}

// RetireKey stops signing with a key, or gives up one that waits. The last RSA key stays, a Conflict says so: many receivers know no other algorithm. When
// the key that signs is retired while another one waits, that one signs from now on, unless the last look at DNS did not find its record. A key that
// is retired already stays so.
func (s *Service) RetireKey(ctx context.Context, keyID int64) (Domain, error) {
	domainID, err := ownerOfKey(ctx, s.pool, keyID)
	if err != nil {
		return Domain{}, err
	}
	defer s.signers.forget()
	return s.changeKeys(ctx, domainID, func(tx pgx.Tx, d Domain) error {
		if err := d.mayRetire(keyID); err != nil {
			return err
		}
		return retireKey(ctx, tx, keyID, s.now())
	})
}

// mayRetire says why a key must stay.
func (d Domain) mayRetire(keyID int64) error {
	var key Key
	others := []Key{}
	for _, k := range d.Keys {
		if k.ID == keyID {
			key = k
		} else if k.Status != KeyRetired && k.Algorithm == AlgorithmRSA2048 {
			others = append(others, k)
		}
	}
	if key.Status == KeyRetired || key.Algorithm != AlgorithmRSA2048 {
		return nil
	}
	if len(others) == 0 {
		return errs.New(errs.Conflict, "%s is the last RSA key of %s; add a new key and publish it before you retire this one", key.Selector, d.Domain)
	}
	next := others[0]
	if status := d.keyStatus(next); key.Status == KeyActive && next.Status == KeyPending && (status == CheckMissing || status == CheckDifferent) {
		return errs.New(errs.Conflict, "%s would have to sign, and its record was not found in DNS; publish it and check again before you retire %s",
			next.Selector, key.Selector)
	}
	return nil
}

// changeKeys runs fn with the domain locked, so that no two changes see the same keys, and gives the domain as it is then.
func (s *Service) changeKeys(ctx context.Context, domainID int64, fn func(tx pgx.Tx, d Domain) error) (Domain, error) {
	var domain Domain
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lockDomain(ctx, tx, domainID); err != nil {
			return err
		}
		before, err := getDomain(ctx, tx, domainID)
		if err != nil {
			return err
		}
		if err := fn(tx, before); err != nil {
			return err
		}
		domain, err = getDomain(ctx, tx, domainID)
		return err
	})
	return domain, err
}

func (s *Service) storeKey(ctx context.Context, db pg.DB, domainID int64, selector, algorithm string, der []byte, txt string) error {
	return insertKey(ctx, db, domainID, newKey{
		selector: selector, algorithm: algorithm, publicTXT: txt, sealed: s.box.Seal(der, keyContext(domainID, selector)),
	})
}

func keyContext(domainID int64, selector string) string {
	return fmt.Sprintf("dkim/%d/%s", domainID, selector)
}

// selector names the n-th key of a domain: "pr1k3xq". The random end keeps two installations that serve one domain apart.
func selector(n int) string { return fmt.Sprintf("pr%d%s", n, strings.ToLower(rand.Text()[:4])) }
