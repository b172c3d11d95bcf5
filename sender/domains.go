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

// DomainInput is what a person may set on a sending domain. BounceDomain "" is none.
type DomainInput struct {
	Domain       string
	BounceDomain string
}

// ListDomains gives all sending domains by name. There are few: nobody pages through them.
func (s *Service) ListDomains(ctx context.Context) ([]Domain, error) {
	return listDomains(ctx, s.pool, 0)
}

// GetDomain gives one sending domain with its keys.
func (s *Service) GetDomain(ctx context.Context, id int64) (Domain, error) {
	return getDomain(ctx, s.pool, id)
}

// CreateDomain adds a domain with its first key, an RSA one, so that there is a record to publish at once.
func (s *Service) CreateDomain(ctx context.Context, in DomainInput) (Domain, error) {
	name, bounce, err := cleanDomains(in.Domain, in.BounceDomain)
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
		id, err := insertDomain(ctx, tx, name, bounce)
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

// UpdateDomain changes the bounce domain. The name stays: keys and records belong to it.
func (s *Service) UpdateDomain(ctx context.Context, id int64, in DomainInput) (Domain, error) {
	var domain Domain
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		old, err := getDomain(ctx, tx, id)
		if err != nil {
			return err
		}
		name, bounce, err := cleanDomains(in.Domain, in.BounceDomain)
		if err != nil {
			return err
		}
		if name != old.Domain {
			return errs.InvalidField("domain", "the name of a sending domain cannot change; add %s as another one", name)
		}
		if err := updateDomain(ctx, tx, id, bounce); err != nil {
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

// AddKey makes another key. A second RSA key signs nothing until the older one is retired, which leaves the time to publish it; an Ed25519 key
// signs in addition to RSA from now on.
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
		return s.storeKey(ctx, tx, d.ID, selector(len(d.Keys)+1), algorithm, der, txt)
	})
}

// RetireKey stops signing with a key. Its record should stay in DNS for a week more, for the mail under way. The last active RSA key stays, a
// Conflict says so: many receivers know no other algorithm. A key that is retired already stays so.
func (s *Service) RetireKey(ctx context.Context, keyID int64) (Domain, error) {
	domainID, err := ownerOfKey(ctx, s.pool, keyID)
	if err != nil {
		return Domain{}, err
	}
	defer s.signers.forget()
	return s.changeKeys(ctx, domainID, func(tx pgx.Tx, d Domain) error {
		var key Key
		others := 0
		for _, k := range d.Keys {
			if k.ID == keyID {
				key = k
			} else if k.Status == KeyActive && k.Algorithm == AlgorithmRSA2048 {
				others++
			}
		}
		if key.Status == KeyActive && key.Algorithm == AlgorithmRSA2048 && others == 0 {
			return errs.New(errs.Conflict, "%s is the last RSA key that signs for %s; add a new key and publish it before you retire this one",
				key.Selector, d.Domain)
		}
		return retireKey(ctx, tx, keyID)
	})
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
