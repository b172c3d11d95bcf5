package sender

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// FromDomain is the domain of a From address, as far as it bounds what may be sent. Without an ID it bounds nothing: it is not one of the sending domains,
// or has neither a window nor a warm-up.
type FromDomain struct {
	ID     int64
	Domain string
	Warmup *Warmup
	Window *Window
}

// The warm-up of a domain is counted as the shares of a relay are (see ReserveTx), over all relays. Who needs both locks takes the domain's first and then
// those of the relays by their ids; the rows are written the other way round, and nobody writes rows of another process, so nobody waits in a circle.

// NotBefore is until when nothing may be claimed From the domain because of its window. Zero: now.
func (d FromDomain) NotBefore(now time.Time) time.Time {
	if opens := d.Window.Opens(now); opens.After(now) {
		return opens
	}
	return time.Time{}
}

// ReserveDomainTx gives how many of want messages may be claimed From the domain now, over all relays together. With 0 comes when to ask again. It
// keeps others from reserving for the domain until the transaction ends; DomainClaimedTx must follow with what was taken.
func ReserveDomainTx(ctx context.Context, tx pgx.Tx, d FromDomain, want int, now time.Time) (granted int, again time.Time, err error) {
	if d.Warmup == nil {
		return want, again, nil
	}
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtextextended('postrider domain quota', $1))`, d.ID); err != nil {
		return 0, again, fmt.Errorf("reserving for domain %d: %w", d.ID, err)
	}
	u, err := domainUsage(ctx, tx, d.ID)
	if err != nil {
		return 0, again, err
	}
	if granted = min(want, d.left(u, now)); granted > 0 {
		return granted, again, nil
	}
	return 0, u.dayAgain(nil, d.Warmup, now), nil
}

// left is how many more messages the warm-up allows now.
func (d FromDomain) left(u Usage, now time.Time) int {
	most := d.Warmup.Cap(now)
	if most == math.MaxInt {
		return most
	}
	return max(0, most-u.Day-u.Claimed)
}

// domainUsage leaves out what nodes had claimed that are settled: all of it is recorded or was given back.
func domainUsage(ctx context.Context, db pg.DB, domainID int64) (Usage, error) {
	return pg.One[Usage](ctx, db, "the use of a domain", `
		SELECT 0 AS hour, NULL::timestamptz AS oldest_hour, COALESCE(sum(used), 0)::int AS day, min(minute) AS oldest_day, false AS urgent,
			(SELECT COALESCE(sum(c.claimed), 0)::int FROM domain_claims c JOIN nodes n ON n.id = c.node_id
				WHERE c.domain_id = $1 AND n.settled_at IS NULL) AS claimed
		FROM domain_usage WHERE domain_id = $1 AND minute > now() - interval '1441 minutes'`, domainID)
}

// DomainClaimedTx notes that the node has claimed n messages From the domain. A domain that was deleted meanwhile bounds nothing.
func DomainClaimedTx(ctx context.Context, tx pgx.Tx, d FromDomain, node string, n int) error {
	if d.Warmup == nil || n == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO domain_claims AS c (domain_id, node_id, claimed) SELECT id, $2, $3 FROM sending_domains WHERE id = $1
		ON CONFLICT (domain_id, node_id) DO UPDATE SET claimed = c.claimed + excluded.claimed`, d.ID, node, n)
	if err != nil {
		return fmt.Errorf("noting what was claimed for domain %d: %w", d.ID, err)
	}
	return nil
}

// DomainUsedTx notes what became of claimed messages: used of them reached a server, the others did not and may go again.
func DomainUsedTx(ctx context.Context, tx pgx.Tx, d FromDomain, node string, used, unused int) error {
	if d.Warmup == nil || used+unused == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE domain_claims SET claimed = GREATEST(claimed - $3, 0) WHERE domain_id = $1 AND node_id = $2`, d.ID, node, used+unused)
	if err != nil {
		return fmt.Errorf("noting the use of domain %d: %w", d.ID, err)
	}
	if used == 0 {
		return nil
	}
	return addDomainUsage(ctx, tx, d, node, used)
}

// noNode stands for what is sent besides the ledger.
const noNode = "00000000-0000-0000-0000-000000000000"

func addDomainUsage(ctx context.Context, db pg.DB, d FromDomain, node string, n int) error {
	if d.Warmup == nil {
		return nil
	}
	_, err := db.Exec(ctx, `
		INSERT INTO domain_usage AS u (domain_id, minute, node_id, used) SELECT id, date_trunc('minute', now()), $2, $3 FROM sending_domains WHERE id = $1
		ON CONFLICT (domain_id, minute, node_id) DO UPDATE SET used = u.used + excluded.used`, d.ID, node, n)
	if err != nil {
		return fmt.Errorf("noting the use of domain %d: %w", d.ID, err)
	}
	return nil
}

// DomainHoldup looks whether mail From the domain may go out now, as far as the domain decides that. nil: it may.
func (s *Service) DomainHoldup(ctx context.Context, d FromDomain) (*Holdup, error) {
	now := s.now()
	if opens := d.NotBefore(now); !opens.IsZero() {
		return &Holdup{Code: HoldupOutsideWindow, Reason: "outside of the sending window of " + d.Domain, Until: opens, DomainID: d.ID}, nil
	}
	if d.Warmup == nil {
		return nil, nil
	}
	u, err := domainUsage(ctx, s.pool, d.ID)
	if err != nil || d.left(u, now) > 0 || u.OldestDay == nil {
		return nil, err
	}
	return &Holdup{
		Code:   HoldupDayUsedUp,
		Reason: fmt.Sprintf("what the warm-up of %s allows in 24 hours today, %d messages, is used up", d.Domain, d.Warmup.Cap(now)),
		Until:  u.dayAgain(nil, d.Warmup, now), DomainID: d.ID,
	}, nil
}

// DomainState is how much is sent From a domain at the moment.
type DomainState struct {
	Usage     Usage
	WarmupCap *int // what the warm-up allows in 24 hours today; nil without one, or when it allows everything
	Holdup    *Holdup
}

// DomainState gives how much is sent From a domain, and what holds it up.
func (s *Service) DomainState(ctx context.Context, id int64) (DomainState, error) {
	domain, err := s.GetDomain(ctx, id)
	if err != nil {
		return DomainState{}, err
	}
	var st DomainState
	if st.Usage, err = domainUsage(ctx, s.pool, id); err != nil {
		return st, err
	}
	if n := domain.Warmup.Cap(s.now()); n != math.MaxInt {
		st.WarmupCap = &n
	}
	st.Holdup, err = s.DomainHoldup(ctx, domain.from())
	return st, err
}

func (d Domain) from() FromDomain {
	return FromDomain{ID: d.ID, Domain: d.Domain, Warmup: d.Warmup, Window: d.Window}
}
