package campaigns

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns/journal"
	"postrider/internal/pg"
	"postrider/sender"
)

// inflight knows which deliveries this process works on, so that it can tell a row that it claimed without knowing: when the connection to the database
// breaks during a commit, the claim may have happened although we were told of an error.
type inflight struct {
	// suspect is when a claim last failed, in unix nanoseconds; 0 when there is nothing to look for.
	suspect atomic.Int64
	mu      sync.Mutex
	keys    map[journal.Key]int
}

func (f *inflight) add(rows []claimed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.keys == nil {
		f.keys = map[journal.Key]int{}
	}
	for _, r := range rows {
		f.keys[journal.Key{CampaignID: r.campaignID, Seq: r.Seq}]++
	}
}

func (f *inflight) remove(attempts []attempt) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range attempts {
		// A count, because a released row may have been claimed again before its release is noted here.
		k := journal.Key{CampaignID: attempts[i].campaignID, Seq: attempts[i].Seq}
		if f.keys[k]--; f.keys[k] <= 0 {
			delete(f.keys, k)
		}
	}
}

func (f *inflight) has(k journal.Key) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.keys[k]
	return ok
}

// suspectFor is how long the audit goes on after a failed claim.
const suspectFor = 3 * time.Minute

// audit gives back to the queue what this node holds in the ledger and does not know of. It only looks after a claim has failed, and only at rows
// that are old enough not to belong to a claim that is being made right now.
func (s *Service) audit(ctx context.Context) error {
	failed := s.inflight.suspect.Load()
	if failed == 0 {
		return nil
	}
	// Long enough for the database to have finished, or given up, what it was doing when we lost sight of it.
	settled := s.d.Now().Sub(time.Unix(0, failed)) > suspectFor
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		lost, err := s.forgottenTx(ctx, tx)
		if err != nil {
			return err
		}
		if len(lost) > 0 {
			if err := s.giveBackTx(ctx, tx, lost); err != nil {
				return err
			}
		}
		if settled {
			s.inflight.suspect.CompareAndSwap(failed, 0)
		}
		return nil
	})
}

// giveBackTx puts forgotten claims back into the queue.
func (s *Service) giveBackTx(ctx context.Context, tx pgx.Tx, lost map[int64]forgotten) error {
	// Which sites they were for is not known; those on their way now go uncounted until they are through.
	if err := sender.ForgetSiteClaimsTx(ctx, tx, s.d.Node.ID); err != nil {
		return err
	}
	ids := slices.Sorted(maps.Keys(lost))
	for _, id := range ids {
		err := exec(ctx, tx, `
			UPDATE deliveries SET state = 0, attempts = attempts - 1, node_id = NULL, updated_at = now()
			WHERE campaign_id = $1 AND seq = ANY ($2)`, id, lost[id].seqs)
		if err != nil {
			return err
		}
	}
	// As those who record do: the relays, the domains, the campaigns.
	if err := s.unclaimTx(ctx, tx, lost); err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.requeueTx(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

// forgotten are the claims of one campaign that this process does not know of.
type forgotten struct {
	seqs    []int32
	byRelay map[int64]int // how many for each relay; 0 is the campaign's first
}

func (s *Service) forgottenTx(ctx context.Context, tx pgx.Tx) (map[int64]forgotten, error) {
	rows, err := tx.Query(ctx, `
		SELECT d.campaign_id, d.seq, COALESCE(d.relay_id, 0), d.updated_at < now() - interval '1 minute'
		FROM campaigns c JOIN deliveries d ON d.campaign_id = c.id
		WHERE c.status IN ('running', 'paused', 'cancelled', 'open') AND d.state = 1 AND d.node_id = $1 FOR UPDATE OF d`, s.d.Node.ID)
	if err != nil {
		return nil, fmt.Errorf("looking for forgotten claims: %w", err)
	}
	lost := map[int64]forgotten{}
	var k journal.Key
	var relayID int64
	var old bool
	_, err = pgx.ForEachRow(rows, []any{&k.CampaignID, &k.Seq, &relayID, &old}, func() error {
		if !old || s.inflight.has(k) {
			return nil
		}
		f := lost[k.CampaignID]
		if f.byRelay == nil {
			f.byRelay = map[int64]int{}
		}
		f.seqs = append(f.seqs, k.Seq)
		f.byRelay[relayID]++
		lost[k.CampaignID] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("looking for forgotten claims: %w", err)
	}
	return lost, nil
}

// unclaimTx gives the shares of forgotten claims back.
func (s *Service) unclaimTx(ctx context.Context, tx pgx.Tx, lost map[int64]forgotten) error {
	relays, relayCounts := map[int64]sender.Relay{}, map[int64]int{}
	domains, domainCounts := map[int64]sender.FromDomain{}, map[int64]int{}
	for id, f := range lost {
		c, err := getCampaign(ctx, tx, id)
		if err != nil {
			return err
		}
		all, from, err := s.d.Sender.RelaysFor(ctx, c.RelayIDs, sender.DomainOf(c.FromEmail))
		if err != nil {
			return err
		}
		domains[from.ID] = from
		for relayID, n := range f.byRelay {
			r := relayOf(all, &relayID)
			relays[r.ID] = r
			relayCounts[r.ID] += n
			domainCounts[from.ID] += n
		}
	}
	for _, id := range slices.Sorted(maps.Keys(relays)) {
		if err := sender.UsedTx(ctx, tx, relays[id], s.d.Node.ID, 0, relayCounts[id]); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(domains)) {
		if err := sender.DomainUsedTx(ctx, tx, domains[id], s.d.Node.ID, 0, domainCounts[id]); err != nil {
			return err
		}
	}
	return nil
}

// requeueTx makes sure that what waits in a campaign is worked on: a running one runs anew, what waits in a cancelled one is skipped.
func (s *Service) requeueTx(ctx context.Context, tx pgx.Tx, id int64) error {
	c, err := lockCampaign(ctx, tx, id)
	if err != nil {
		return err
	}
	switch c.Status {
	case StatusRunning, StatusOpen:
		return s.newRunTx(ctx, tx, id)
	case StatusCancelled:
		return skipWaiting(ctx, tx, id, "campaign cancelled")
	}
	return nil
}
