package sender

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
)

const (
	// checkEvery is how often due domains are looked for.
	checkEvery = time.Minute
	// checkBatch bounds the domains that one round takes.
	checkBatch = 20
	// mostRoutes bounds the relays that one domain is compared with.
	mostRoutes = 10

	// nextWhileWaiting is the time between two looks at a domain with a young key that waits for its record.
	nextWhileWaiting = 5 * time.Minute
	// young ends that: a record that is not there after two days is not on its way.
	young = 48 * time.Hour
	// nextWhenBroken and nextWhenFine are the times between two looks at other domains.
	nextWhenBroken = time.Hour
	nextWhenFine   = 6 * time.Hour

	// seenFor is how long the record of a new key must have been seen before it takes over from another key: all name servers of the domain should have
	// it by then, and the look-ups come through whichever of them answers.
	seenFor = 10 * time.Minute
)

// RunChecks looks at the DNS of sending domains regularly until ctx ends. Any number of processes may run it.
func (s *Service) RunChecks(ctx context.Context) error {
	tick := time.NewTicker(checkEvery)
	defer tick.Stop()
	for {
		if err := s.CheckDue(ctx); err != nil && ctx.Err() == nil {
			s.logger.Warn("not every sending domain could be checked; they are tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// CheckDue checks the domains whose turn it is, one after the other.
func (s *Service) CheckDue(ctx context.Context) error {
	ids, err := claimDue(ctx, s.pool, s.now(), checkBatch)
	for _, id := range ids {
		if _, checkErr := s.CheckDomain(ctx, id); checkErr != nil && !errs.Is(checkErr, errs.NotFound) {
			err = errors.Join(err, checkErr)
		}
	}
	return err
}

// CheckDomain compares what the domain needs with what DNS says now, keeps the result, and puts keys into use whose records are there (see settleKeys). A
// record that is missing or different is a result, not an error.
func (s *Service) CheckDomain(ctx context.Context, id int64) (Domain, error) {
	domain, err := s.GetDomain(ctx, id)
	if err != nil {
		return Domain{}, err
	}
	checks, err := s.Look(ctx, domain)
	if err != nil {
		return Domain{}, err
	}
	defer s.signers.forget()
	return s.changeKeys(ctx, id, func(tx pgx.Tx, now Domain) error {
		at := s.now()
		now.LastChecks, now.CheckedAt = checks, &at
		for _, k := range settleKeys(now, at) {
			if err := storeKeyState(ctx, tx, k); err != nil {
				return err
			}
		}
		return storeChecks(ctx, tx, id, checks, at, at.Add(now.nextCheck(at)))
	})
}

// Look asks DNS everything about a domain and changes nothing.
func (s *Service) Look(ctx context.Context, d Domain) ([]Check, error) {
	relays, err := listRelays(ctx, s.pool)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	l := looker{dns: newAsker(s.cfg.Resolver), domain: d}
	for _, r := range relays {
		if r.Kind != RelayInbox && len(l.routes) < mostRoutes {
			l.routes = append(l.routes, newRoute(ctx, l.dns, r, d, s.cfg.LocalAddrs))
		}
	}
	return l.look(ctx), nil
}

// nextCheck is the time until the next look at DNS.
func (d Domain) nextCheck(now time.Time) time.Duration {
	for _, k := range d.Keys {
		if k.Status == KeyPending && now.Sub(k.CreatedAt) < young {
			return nextWhileWaiting
		}
	}
	if d.Health() != CheckOK && d.Health() != CheckWarning {
		return nextWhenBroken
	}
	return nextWhenFine
}

// keyStatus is what the last look at DNS found about a key's record; CheckUnchecked when it has not been looked at.
func (d Domain) keyStatus(k Key) string {
	for _, c := range d.LastChecks {
		if c.Purpose == PurposeDKIM && c.Name == k.RecordName && c.Expected == k.RecordValue {
			return c.Status
		}
	}
	return CheckUnchecked
}

// settleKeys gives the keys that a look at DNS changes, as they are to be.
//
// A key that waits is put into use when its record is seen: at once when no other key of its algorithm signs, otherwise when every look-up of the last
// seenFor has found it. The key that it takes over from is retired in the same moment, so that there is always one that signs and is published.
func settleKeys(d Domain, now time.Time) []Key {
	keys := make([]Key, len(d.Keys))
	copy(keys, d.Keys)
	changed := make([]bool, len(keys))
	for i := range keys {
		k := &keys[i]
		switch status := d.keyStatus(*k); {
		case k.Status == KeyRetired:
		case status == CheckOK && k.SeenAt == nil:
			k.SeenAt, changed[i] = &now, true
		case (status == CheckMissing || status == CheckDifferent) && k.SeenAt != nil:
			k.SeenAt, changed[i] = nil, true
		}
	}
	for i := range keys {
		k := &keys[i]
		if k.Status != KeyPending || d.keyStatus(*k) != CheckOK {
			continue
		}
		older := activeBeside(keys, i)
		if len(older) > 0 && now.Sub(*k.SeenAt) < seenFor {
			continue
		}
		k.Status, k.ActivatedAt, changed[i] = KeyActive, &now, true
		for _, j := range older {
			keys[j].Status, keys[j].RetiredAt, changed[j] = KeyRetired, &now, true
		}
	}
	var result []Key
	for i, k := range keys {
		if changed[i] {
			result = append(result, k)
		}
	}
	return result
}

// activeBeside gives the other keys of the same algorithm that sign.
func activeBeside(keys []Key, i int) []int {
	var beside []int
	for j, k := range keys {
		if j != i && k.Status == KeyActive && k.Algorithm == keys[i].Algorithm {
			beside = append(beside, j)
		}
	}
	return beside
}
