package sender

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/sender/dkim"
)

type domainRow struct {
	ID           int64
	Domain       string
	BounceDomain *string
	LastChecks   []Check `db:"checks"`
	CheckedAt    *time.Time
	CreatedAt    time.Time

	WarmupStart                *time.Time
	WarmupFirst, WarmupPercent *int
	WarmupZone                 string
	SendDays                   []int
	SendFrom, SendUntil        *int // seconds of the day
	SendZone                   string
}

func (r domainRow) domain(keys []Key) Domain {
	return Domain{
		ID: r.ID, Domain: r.Domain, BounceDomain: r.BounceDomain, Keys: keys, LastChecks: r.LastChecks, CheckedAt: r.CheckedAt, CreatedAt: r.CreatedAt,
		Warmup: newWarmup(r.WarmupStart, r.WarmupFirst, r.WarmupPercent, r.WarmupZone), Window: NewWindow(r.SendDays, r.SendFrom, r.SendUntil, r.SendZone),
	}
}

type keyRow struct {
	ID          int64
	DomainID    int64
	Selector    string
	Algorithm   string
	Status      string
	PublicTxt   string
	CreatedAt   time.Time
	SeenAt      *time.Time
	ActivatedAt *time.Time
	RetiredAt   *time.Time
	Domain      string
}

func (k keyRow) key() Key {
	return Key{ID: k.ID, Selector: k.Selector, Algorithm: k.Algorithm, Status: k.Status, RecordName: dkim.RecordName(k.Selector, k.Domain),
		RecordValue: k.PublicTxt, CreatedAt: k.CreatedAt, SeenAt: k.SeenAt, ActivatedAt: k.ActivatedAt, RetiredAt: k.RetiredAt}
}

// listDomains reads all domains, or the one with the id when it is not 0, each with its keys.
func listDomains(ctx context.Context, db pg.DB, id int64) ([]Domain, error) {
	rows, err := pg.Many[domainRow](ctx, db, "sending domains", `
		SELECT id, domain, bounce_domain, checks, checked_at, created_at, warmup_start, warmup_first, warmup_percent, warmup_zone, send_days,
			EXTRACT(epoch FROM send_from)::int AS send_from, EXTRACT(epoch FROM send_until)::int AS send_until, send_zone FROM sending_domains
		WHERE $1 = 0 OR id = $1 ORDER BY domain`, id)
	if err != nil {
		return nil, err
	}
	keys, err := pg.Many[keyRow](ctx, db, "DKIM keys", `
		SELECT k.id, k.domain_id, k.selector, k.algorithm, k.status, k.public_txt, k.created_at, k.seen_at, k.activated_at, k.retired_at, d.domain
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
		domains[i] = r.domain(byDomain[r.ID])
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

type domainID struct{ ID int64 }

func domainByName(ctx context.Context, db pg.DB, name string) (Domain, error) {
	found, err := pg.One[domainID](ctx, db, "sending domain "+name, `SELECT id FROM sending_domains WHERE domain = $1`, name)
	if err != nil {
		return Domain{}, err
	}
	return getDomain(ctx, db, found.ID)
}

func noDomain(id int64) error { return errs.New(errs.NotFound, "there is no sending domain %d", id) }

// domainArgs are the columns that a person sets, by name.
func domainArgs(in DomainInput) pgx.NamedArgs {
	args := paceArgs(in.Warmup, in.Window)
	args["domain"], args["bounce_domain"] = in.Domain, nilIfEmpty(in.BounceDomain)
	return args
}

func nilIfEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func insertDomain(ctx context.Context, db pg.DB, in DomainInput) (id int64, err error) {
	err = db.QueryRow(ctx, `
		INSERT INTO sending_domains (domain, bounce_domain, warmup_start, warmup_first, warmup_percent, warmup_zone, send_days, send_from, send_until, send_zone)
		VALUES (@domain, @bounce_domain, @warmup_start, @warmup_first, @warmup_percent, @warmup_zone, @send_days, @send_from::time, @send_until::time, @send_zone)
		RETURNING id`, domainArgs(in)).Scan(&id)
	return id, domainViolation(err, in.Domain)
}

func updateDomain(ctx context.Context, db pg.DB, id int64, in DomainInput) error {
	args := domainArgs(in)
	args["id"] = id
	_, err := db.Exec(ctx, `
		UPDATE sending_domains SET bounce_domain = @bounce_domain, warmup_start = @warmup_start, warmup_first = @warmup_first, warmup_percent = @warmup_percent,
			warmup_zone = @warmup_zone, send_days = @send_days, send_from = @send_from::time, send_until = @send_until::time, send_zone = @send_zone
		WHERE id = @id`, args)
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
		INSERT INTO dkim_keys (domain_id, selector, algorithm, private_key, public_txt, status) VALUES ($1, $2, $3, $4, $5, 'pending')`,
		domainID, k.selector, k.algorithm, k.sealed, k.publicTXT)
	if err != nil {
		return fmt.Errorf("storing a DKIM key of sending domain %d: %w", domainID, err)
	}
	return nil
}

func retireKey(ctx context.Context, db pg.DB, keyID int64, now time.Time) error {
	_, err := db.Exec(ctx, `UPDATE dkim_keys SET status = 'retired', retired_at = COALESCE(retired_at, $2) WHERE id = $1`, keyID, now)
	if err != nil {
		return fmt.Errorf("retiring DKIM key %d: %w", keyID, err)
	}
	return nil
}

// storeKeyState keeps what a look at DNS changed about a key.
func storeKeyState(ctx context.Context, db pg.DB, k Key) error {
	_, err := db.Exec(ctx, `UPDATE dkim_keys SET status = $2, seen_at = $3, activated_at = $4, retired_at = $5 WHERE id = $1`,
		k.ID, k.Status, k.SeenAt, k.ActivatedAt, k.RetiredAt)
	if err != nil {
		return fmt.Errorf("updating DKIM key %d: %w", k.ID, err)
	}
	return nil
}

func storeChecks(ctx context.Context, db pg.DB, id int64, checks []Check, at, next time.Time) error {
	_, err := db.Exec(ctx, `UPDATE sending_domains SET checks = $2, checked_at = $3, next_check_at = $4 WHERE id = $1`, id, checks, at, next)
	if err != nil {
		return fmt.Errorf("storing the checks of sending domain %d: %w", id, err)
	}
	return nil
}

// checkSoon has the regular look at DNS take the domain next.
func checkSoon(ctx context.Context, db pg.DB, id int64) error {
	_, err := db.Exec(ctx, `UPDATE sending_domains SET next_check_at = now() WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("putting a check of sending domain %d forward: %w", id, err)
	}
	return nil
}

// claimDue gives domains whose next check is due, or that were checked before a relay was changed, and puts the next one off, so that no other process
// takes them meanwhile.
func claimDue(ctx context.Context, db pg.DB, now time.Time, n int) ([]int64, error) {
	rows, err := db.Query(ctx, `
		UPDATE sending_domains SET next_check_at = $1 + interval '5 minutes'
		WHERE id IN (
			SELECT id FROM sending_domains
			WHERE next_check_at <= $1 OR checked_at < (SELECT max(updated_at) FROM relays)
			ORDER BY next_check_at LIMIT $2 FOR UPDATE SKIP LOCKED)
		RETURNING id`, now, n)
	if err != nil {
		return nil, fmt.Errorf("looking for domains to check: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("looking for domains to check: %w", err)
	}
	return ids, nil
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

// signingKeys gives the active key of each algorithm. A domain without an active RSA key is signed for with the one that waits: a signature whose record
// is not seen yet is worth no less than none, and CheckFrom keeps campaigns from being sent so.
func signingKeys(ctx context.Context, db pg.DB, domain string) ([]signingKey, error) {
	return pg.Many[signingKey](ctx, db, "DKIM keys of "+domain, `
		SELECT DISTINCT ON (k.algorithm) k.id, k.domain_id, k.selector, k.algorithm, k.private_key
		FROM dkim_keys k JOIN sending_domains d ON d.id = k.domain_id
		WHERE d.domain = $1 AND (k.status = 'active' OR k.status = 'pending' AND k.algorithm = 'rsa2048')
		ORDER BY k.algorithm DESC, k.status = 'active' DESC, k.id`, domain)
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
