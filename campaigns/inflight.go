package campaigns

import (
	"context"
	"fmt"
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
		rows, err := tx.Query(ctx, `
			SELECT d.campaign_id, d.seq, d.updated_at < now() - interval '1 minute'
			FROM campaigns c JOIN deliveries d ON d.campaign_id = c.id
			WHERE c.status IN ('running', 'paused', 'cancelled') AND d.state = 1 AND d.node_id = $1 FOR UPDATE OF d`, s.d.Node.ID)
		if err != nil {
			return fmt.Errorf("looking for forgotten claims: %w", err)
		}
		lost := map[int64][]int32{}
		var k journal.Key
		var old bool
		_, err = pgx.ForEachRow(rows, []any{&k.CampaignID, &k.Seq, &old}, func() error {
			if old && !s.inflight.has(k) {
				lost[k.CampaignID] = append(lost[k.CampaignID], k.Seq)
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("looking for forgotten claims: %w", err)
		}
		for id, seqs := range lost {
			err := exec(ctx, tx, `
				UPDATE deliveries SET state = 0, attempts = attempts - 1, node_id = NULL, updated_at = now()
				WHERE campaign_id = $1 AND seq = ANY ($2)`, id, seqs)
			if err != nil {
				return err
			}
			if err := s.unclaimTx(ctx, tx, id, len(seqs)); err != nil {
				return err
			}
			if err := s.requeueTx(ctx, tx, id); err != nil {
				return err
			}
		}
		if settled {
			s.inflight.suspect.CompareAndSwap(failed, 0)
		}
		return nil
	})
}

// unclaimTx gives the relay's share of forgotten claims back.
func (s *Service) unclaimTx(ctx context.Context, tx pgx.Tx, id int64, n int) error {
	c, err := getCampaign(ctx, tx, id)
	if err != nil || c.RelayID == nil {
		return err
	}
	relay, err := s.d.Sender.GetRelay(ctx, *c.RelayID)
	if err != nil {
		return err
	}
	return sender.UsedTx(ctx, tx, relay, s.d.Node.ID, 0, n)
}

// requeueTx makes sure that what waits in a campaign is worked on: a running one runs anew, what waits in a cancelled one is skipped.
func (s *Service) requeueTx(ctx context.Context, tx pgx.Tx, id int64) error {
	c, err := lockCampaign(ctx, tx, id)
	if err != nil {
		return err
	}
	switch c.Status {
	case StatusRunning:
		return s.newRunTx(ctx, tx, id)
	case StatusCancelled:
		return skipWaiting(ctx, tx, id, "campaign cancelled")
	}
	return nil
}
