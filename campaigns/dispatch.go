package campaigns

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"postrider/sender"
)

// newRunTx begins to hand out ranges anew: from the first delivery that waits. Jobs of earlier runs do nothing any more.
func (s *Service) newRunTx(ctx context.Context, tx pgx.Tx, id int64) error {
	if stream, err := wakeStreamTx(ctx, tx, id); err != nil || stream {
		return err
	}
	err := exec(ctx, tx, `
		UPDATE campaigns SET run = run + 1, next_seq = COALESCE(
			(SELECT min(seq) FROM deliveries WHERE campaign_id = $1 AND state = 0), recipients + 1)
		WHERE id = $1`, id)
	if err != nil {
		return err
	}
	return s.dispatchTx(ctx, tx, id, all)
}

// all and one are how many ranges to hand out, of those that may be out at once.
func all(window int) int { return window }
func one(int) int        { return 1 }

// dispatchTx hands the next ranges of the campaign to River, as many as count says.
func (s *Service) dispatchTx(ctx context.Context, tx pgx.Tx, id int64, count func(window int) int) error {
	var next, recipients int32
	var run int
	var rate *float64
	var gated bool
	err := tx.QueryRow(ctx, `
		SELECT c.next_seq, c.recipients, c.run, EXISTS (SELECT FROM campaign_gates g WHERE g.campaign_id = c.id), (
			SELECT CASE WHEN count(*) = count(r.rate) THEN sum(r.rate)::float8 END FROM (
				SELECT LEAST(per_second, per_minute / 60.0) AS rate FROM relays WHERE id = ANY (`+relayIDsSQL+`)) r)
		FROM campaigns c WHERE c.id = $1 FOR NO KEY UPDATE OF c`, id).Scan(&next, &recipients, &run, &gated, &rate)
	if err != nil {
		return fmt.Errorf("handing out ranges of campaign %d: %w", id, err)
	}
	size, window := s.shape(rate, recipients)
	var jobs []river.InsertManyParams
	for n := count(window); n > 0 && next <= recipients; n-- {
		if gated {
			if next, err = firstOpenTx(ctx, tx, id, next, recipients); err != nil {
				return err
			}
			if next > recipients {
				break
			}
		}
		hi := min(next+size-1, recipients)
		jobs = append(jobs, deliverJob(DeliverArgs{CampaignID: id, Run: run, Lo: next, Hi: hi, Chain: true}))
		next = hi + 1
	}
	if len(jobs) == 0 && !gated {
		return nil
	}
	if err := exec(ctx, tx, `UPDATE campaigns SET next_seq = $2 WHERE id = $1 AND next_seq <> $2`, id, next); err != nil || len(jobs) == 0 {
		return err
	}
	if _, err := s.jobs.InsertManyTx(ctx, tx, jobs); err != nil {
		return fmt.Errorf("queueing ranges of campaign %d: %w", id, err)
	}
	return nil
}

// rangeLeast is the size under which a range is not worth a job of its own.
const rangeLeast = 100

// topUpTx hands out ranges anew after the campaign's ledger has grown, if jobs found nothing left to go on with: as many as are missing.
func (s *Service) topUpTx(ctx context.Context, tx pgx.Tx, id int64) error {
	var chains int
	err := tx.QueryRow(ctx, `
		SELECT count(*) FROM river_job j JOIN campaigns c ON c.id = $1
		WHERE j.kind = 'deliver_range' AND j.state IN ('available', 'running', 'scheduled', 'retryable', 'pending')
			AND (j.args ->> 'campaign_id')::bigint = c.id AND (j.args ->> 'run')::int = c.run AND (j.args ->> 'chain')::bool`, id).Scan(&chains)
	if err != nil {
		return fmt.Errorf("counting the jobs of campaign %d: %w", id, err)
	}
	return s.dispatchTx(ctx, tx, id, func(window int) int { return window - chains })
}

// shape gives the size of a range and how many of them are out at once. A small campaign is cut so that all of them get a part of it: a range alone cannot keep many
// connections busy. On relays with a rate limit, all together, a range is what it takes in about a minute, and there are only as many as keep it busy, so that they do
// not hold all workers while they wait.
func (s *Service) shape(perSecond *float64, recipients int32) (size int32, window int) {
	if perSecond == nil {
		share := int(recipients)/s.cfg.Window + 1
		return int32(min(max(share, rangeLeast), s.cfg.RangeSize)), s.cfg.Window
	}
	size = int32(min(max(int(*perSecond*60), 10), s.cfg.RangeSize))
	window = min(max(int(*perSecond/100)+1, 1), s.cfg.Window)
	return size, window
}

// claimSize is how many deliveries are claimed at once: not more than the relay takes in a few seconds.
func (s *Service) claimSize(r sender.Relay) int {
	size := s.tempo.size(r.ID, s.cfg.ClaimSize)
	if rate, limited := r.Rate(); limited {
		size = min(size, max(int(rate*batchTime.Seconds()), 1))
	}
	return size
}

func deliverJob(args DeliverArgs) river.InsertManyParams {
	return river.InsertManyParams{Args: args, InsertOpts: &river.InsertOpts{Queue: QueueDeliver, MaxAttempts: 1000}}
}

// QueueDeliver is the queue of the ranges; everything else runs in River's default queue.
const QueueDeliver = "deliver"

// jobBudget is how long one job works on its range before it hands the rest to a new one; River's timeout lies well above it.
const (
	jobBudget  = 10 * time.Second
	jobTimeout = 20 * time.Minute
	// RescueAfter is when River takes a job for stuck. The jobs of a node that is known to be dead are taken back at once.
	RescueAfter = 25 * time.Minute
)
