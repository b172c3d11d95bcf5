package sender

import (
	"context"
	"fmt"
	"time"

	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/sender/dkim"
)

type domainRow struct {
	ID           int64
	Domain       string
	BounceDomain *string
	CreatedAt    time.Time
}

type keyRow struct {
	ID        int64
	DomainID  int64
	Selector  string
	Algorithm string
	Status    string
	PublicTxt string
	CreatedAt time.Time
	Domain    string
}

func (k keyRow) key() Key {
	return Key{ID: k.ID, Selector: k.Selector, Algorithm: k.Algorithm, Status: k.Status, RecordName: dkim.RecordName(k.Selector, k.Domain),
		RecordValue: k.PublicTxt, CreatedAt: k.CreatedAt}
}

// listDomains reads all domains, or the one with the id when it is not 0, each with its keys.
func listDomains(ctx context.Context, db pg.DB, id int64) ([]Domain, error) {
	rows, err := pg.Many[domainRow](ctx, db, "sending domains", `
		SELECT id, domain, bounce_domain, created_at FROM sending_domains
		WHERE $1 = 0 OR id = $1 ORDER BY domain`, id)
	if err != nil {
		return nil, err
	}
	keys, err := pg.Many[keyRow](ctx, db, "DKIM keys", `
		SELECT k.id, k.domain_id, k.selector, k.algorithm, k.status, k.public_txt, k.created_at, d.domain
		FROM dkim_keys k JOIN sending_domains d ON d.id = k.domain_id
		WHERE $1 = 0 OR k.domain_id = $1 ORDER BY k.id`, id)
	if err != nil {
		return nil, err
	}
	byDomain := make(map[int64][]Key)
	for _, k := range keys {
		byDomain[k.DomainID] = append(byDomain[k.DomainID], k.key())
	}
	domains := make([]Domain, len(rows))
	for i, r := range rows {
		domains[i] = Domain{ID: r.ID, Domain: r.Domain, BounceDomain: r.BounceDomain, Keys: byDomain[r.ID], CreatedAt: r.CreatedAt}
	}
	return domains, nil
}

func getDomain(ctx context.Context, db pg.DB, id int64) (Domain, error) {
	// An id of 0 is never given out, and would mean "all" below.
	if id == 0 {
		return Domain{}, noDomain(id)
	}
	domains, err := listDomains(ctx, db, id)
	if err != nil {
		return Domain{}, err
	}
	if len(domains) == 0 {
		return Domain{}, noDomain(id)
	}
	return domains[0], nil
}

func noDomain(id int64) error { return errs.New(errs.NotFound, "there is no sending domain %d", id) }

func insertDomain(ctx context.Context, db pg.DB, domain string, bounce *string) (id int64, err error) {
	err = db.QueryRow(ctx, `INSERT INTO sending_domains (domain, bounce_domain) VALUES ($1, $2) RETURNING id`, domain, bounce).Scan(&id)
	return id, domainViolation(err, domain)
}

func updateDomain(ctx context.Context, db pg.DB, id int64, bounce *string) error {
	_, err := db.Exec(ctx, `UPDATE sending_domains SET bounce_domain = $2 WHERE id = $1`, id, bounce)
	if err != nil {
		return fmt.Errorf("updating sending domain %d: %w", id, err)
	}
	return nil
}

func deleteDomain(ctx context.Context, db pg.DB, id int64) error {
	tag, err := db.Exec(ctx, `DELETE FROM sending_domains WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("deleting sending domain %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return noDomain(id)
	}
	return nil
}

// lockDomain makes changes of a domain's keys wait for one another.
func lockDomain(ctx context.Context, db pg.DB, id int64) error {
	_, err := db.Exec(ctx, `SELECT FROM sending_domains WHERE id = $1 FOR UPDATE`, id)
	if err != nil {
		return fmt.Errorf("locking sending domain %d: %w", id, err)
	}
	return nil
}

// newKey is a key as it is stored; the private half is sealed already.
type newKey struct {
	selector  string
	algorithm string
	sealed    []byte
	publicTXT string
}

func insertKey(ctx context.Context, db pg.DB, domainID int64, k newKey) error {
	_, err := db.Exec(ctx, `
		INSERT INTO dkim_keys (domain_id, selector, algorithm, private_key, public_txt) VALUES ($1, $2, $3, $4, $5)`,
		domainID, k.selector, k.algorithm, k.sealed, k.publicTXT)
	if err != nil {
		return fmt.Errorf("storing a DKIM key of sending domain %d: %w", domainID, err)
	}
	return nil
}

func retireKey(ctx context.Context, db pg.DB, keyID int64) error {
	_, err := db.Exec(ctx, `UPDATE dkim_keys SET status = 'retired' WHERE id = $1`, keyID)
	if err != nil {
		return fmt.Errorf("retiring DKIM key %d: %w", keyID, err)
	}
	return nil
}

type keyOwner struct{ DomainID int64 }

func ownerOfKey(ctx context.Context, db pg.DB, keyID int64) (int64, error) {
	owner, err := pg.One[keyOwner](ctx, db, fmt.Sprintf("DKIM key %d", keyID), `SELECT domain_id FROM dkim_keys WHERE id = $1`, keyID)
	return owner.DomainID, err
}

// signingKey is a key with its sealed private half.
type signingKey struct {
	ID         int64
	DomainID   int64
	Selector   string
	Algorithm  string
	PrivateKey []byte
}

// signingKeys gives the oldest active key of each algorithm. The oldest, because a newer one is there to be published: it signs from the moment
// the older one is retired, when the owner of the domain has seen that its record is in DNS.
func signingKeys(ctx context.Context, db pg.DB, domain string) ([]signingKey, error) {
	return pg.Many[signingKey](ctx, db, "DKIM keys of "+domain, `
		SELECT DISTINCT ON (k.algorithm) k.id, k.domain_id, k.selector, k.algorithm, k.private_key
		FROM dkim_keys k JOIN sending_domains d ON d.id = k.domain_id
		WHERE d.domain = $1 AND k.status = 'active'
		ORDER BY k.algorithm DESC, k.id`, domain)
}

// publishedKeys maps record names to records for all keys, retired ones too: mail they signed may still be under way.
func publishedKeys(ctx context.Context, db pg.DB) (map[string]string, error) {
	domains, err := listDomains(ctx, db, 0)
	if err != nil {
		return nil, err
	}
	published := make(map[string]string)
	for _, d := range domains {
		for _, k := range d.Keys {
			published[k.RecordName] = k.RecordValue
		}
	}
	return published, nil
}

func domainViolation(err error, domain string) error {
	if err == nil {
		return nil
	}
	if pg.Violation(err) == "sending_domains_domain" {
		return &errs.E{Kind: errs.Conflict, Public: fmt.Sprintf("%s is a sending domain already", domain),
			Fields: []errs.Field{{Name: "domain", Message: "this domain is there already"}}}
	}
	return fmt.Errorf("storing sending domain %s: %w", domain, err)
}
