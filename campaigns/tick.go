package campaigns

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// tickEvery is how often due things are looked for. One process at a time does so.
const tickEvery = time.Second

// tickLock is the advisory lock that the ticking process holds for the length of a tick: "prtick" in ASCII, another one than that of the migrations.
const tickLock = 0x70727469636b

// Run starts what is due, gives deferred deliveries new ranges, finishes campaigns, and looks after silent nodes, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := s.tick(ctx); err != nil && ctx.Err() == nil {
			s.d.Logger.Warn("a part of the regular work was not done; it is tried again in a moment", "error", err)
		}
	}
}

// tick does each part of the regular work once. One that fails does not keep the others from being done.
func (s *Service) tick(ctx context.Context) error {
	// The audit is about this process alone.
	if err := s.audit(ctx); err != nil {
		return err
	}
	// The lock lives as long as a transaction, which the database ends when this process freezes: others tick on then. Ticking twice at once does no harm.
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, tickLock).Scan(&mine); err != nil || !mine {
			return err
		}
		var failed error
		for _, step := range []func(context.Context) error{s.startDue, s.openGates, s.settleSilent, s.sweepDeferred, s.guard, s.noteSamples, s.decideTests, s.finishDone, s.wakeStuck, s.forgetRaw, s.forgetHours,
			s.sweepMessages, s.wakeStreams, s.expireMessages, s.forgetMessages, s.tidyStreams} {
			failed = errors.Join(failed, s.within(ctx, step))
		}
		return failed
	})
}

// stepTimeout bounds one part of the regular work, so that one that waits for a frozen process does not keep the others from being done for ever.
const stepTimeout = 25 * time.Second

func (s *Service) within(ctx context.Context, step func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	return step(ctx)
}

// startDue starts the scheduled campaigns whose time has come. One that cannot start becomes a draft again and says why; when the trouble is ours, it is tried again by the next
// tick, and the others start. While everything is stopped, which is a conflict, they wait. What somebody called back, moved or started meanwhile is a conflict too, and left as it is.
func (s *Service) startDue(ctx context.Context) error {
	ids, err := collectIDs(ctx, s.d.Pool, `SELECT id FROM campaigns WHERE status = 'scheduled' AND scheduled_at <= $1 ORDER BY scheduled_at`, s.d.Now())
	if err != nil {
		return err
	}
	for _, id := range ids {
		seen, err := s.startScheduled(ctx, id)
		if err == nil || errs.Is(err, errs.Conflict) || errs.Is(err, errs.NotFound) {
			continue
		}
		if ctx.Err() != nil {
			return err
		}
		if errs.KindOf(err) == errs.Internal {
			s.d.Logger.Error("a scheduled campaign was not started; it is tried again in a moment", "campaign", id, "error", err)
			continue
		}
		s.d.Logger.Warn("a scheduled campaign could not start", "campaign", id, "error", err)
		if err := s.couldNotStart(ctx, seen, err); err != nil {
			return err
		}
	}
	return nil
}

// startScheduled starts a campaign because it is due, and gives it as it was seen before.
func (s *Service) startScheduled(ctx context.Context, id int64) (Campaign, error) {
	seen, err := s.Get(ctx, id)
	if err != nil {
		return seen, err
	}
	_, err = s.launchSeen(ctx, seen, Launch{due: true}, "started", nothingElse)
	return seen, err
}

// couldNotStart makes a scheduled campaign a draft that says why. Whoever has changed it since it was seen has made something else of it.
func (s *Service) couldNotStart(ctx context.Context, seen Campaign, cause error) error {
	return exec(ctx, s.d.Pool, `
		UPDATE campaigns SET status = 'draft', undoable = false, pause_reason = $3, updated_at = now() WHERE id = $1 AND status = 'scheduled' AND updated_at = $2`,
		seen.ID, seen.UpdatedAt, "could not start as scheduled: "+errs.Words(cause))
}

// sweepChunk is how many due deliveries one retry job gets, sweepMost how many are taken up in one tick.
const (
	sweepChunk = 200
	sweepMost  = 20_000
)

// sweepDeferred puts deferred deliveries that are due back into the queue, with jobs for them in the same transaction.
func (s *Service) sweepDeferred(ctx context.Context) error {
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			WITH due AS (
				SELECT d.campaign_id, d.seq FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id
				WHERE d.next_attempt_at <= $1 AND d.state = 3 AND c.status = 'running'
				ORDER BY d.next_attempt_at LIMIT $2 FOR UPDATE OF d SKIP LOCKED)
			UPDATE deliveries d SET state = 0, next_attempt_at = NULL, updated_at = now() FROM due
			WHERE d.campaign_id = due.campaign_id AND d.seq = due.seq
			RETURNING d.campaign_id, d.seq, (SELECT run FROM campaigns WHERE id = d.campaign_id)`, s.d.Now(), sweepMost)
		if err != nil {
			return fmt.Errorf("sweeping deferred deliveries: %w", err)
		}
		due := map[int64]DeliverArgs{}
		var id int64
		var run int
		var seq int32
		_, err = pgx.ForEachRow(rows, []any{&id, &seq, &run}, func() error {
			due[id] = DeliverArgs{CampaignID: id, Run: run, Only: append(due[id].Only, seq)}
			return nil
		})
		if err != nil {
			return fmt.Errorf("sweeping deferred deliveries: %w", err)
		}
		var jobs []river.InsertManyParams
		for _, all := range due {
			slices.Sort(all.Only)
			for seqs := range slices.Chunk(all.Only, sweepChunk) {
				args := all
				args.Lo, args.Hi, args.Only = seqs[0], seqs[len(seqs)-1], seqs
				jobs = append(jobs, deliverJob(args))
			}
		}
		if len(jobs) == 0 {
			return nil
		}
		if _, err := s.jobs.InsertManyTx(ctx, tx, jobs); err != nil {
			return fmt.Errorf("queueing retries: %w", err)
		}
		return nil
	})
}

// wakeStuck gives a running campaign that has deliveries waiting and no job left a new run. It should never find one; a queue that was emptied by
// hand is no reason to leave people without their mail. What waits behind a closed gate is meant to wait.
func (s *Service) wakeStuck(ctx context.Context) error {
	// Counts and jobs are looked at in one statement, so that a job which ends in between is no alarm.
	ids, err := collectIDs(ctx, s.d.Pool, `
		SELECT c.id FROM campaigns c
		WHERE c.status = 'running' AND c.started_at < now() - interval '30 seconds'
			AND (SELECT sum(n.queued) FROM campaign_counts n WHERE n.campaign_id = c.id) > `+behindSQL+`
			AND NOT EXISTS (SELECT FROM river_job j WHERE j.kind = 'deliver_range' AND j.state IN ('available', 'running', 'scheduled', 'retryable', 'pending')
				AND (j.args ->> 'campaign_id')::bigint = c.id AND (j.args ->> 'run')::int = c.run)`)
	if err != nil {
		return err
	}
	for _, id := range ids {
		s.d.Logger.Warn("a campaign had deliveries waiting and no job; it goes on now", "campaign", id)
		if err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error { return s.requeueTx(ctx, tx, id) }); err != nil {
			return err
		}
	}
	return s.wakeFreezing(ctx)
}

// wakeFreezing does the same for a campaign whose audience is not written to its end.
func (s *Service) wakeFreezing(ctx context.Context) error {
	ids, err := collectIDs(ctx, s.d.Pool, `
		SELECT c.id FROM campaigns c
		WHERE c.freeze_after IS NOT NULL AND c.started_at < now() - interval '30 seconds'
			AND NOT EXISTS (SELECT FROM river_job j WHERE j.kind = 'freeze_audience' AND j.state IN ('available', 'running', 'scheduled', 'retryable', 'pending')
				AND (j.args ->> 'campaign_id')::bigint = c.id)`)
	if err != nil {
		return err
	}
	for _, id := range ids {
		s.d.Logger.Warn("a campaign's audience was not written to its end and there was no job for it; it goes on now", "campaign", id)
		err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
			_, err := s.jobs.InsertManyTx(ctx, tx, []river.InsertManyParams{freezeJob(id)})
			return err
		})
		if err != nil {
			return fmt.Errorf("queueing the rest of the audience of campaign %d: %w", id, err)
		}
	}
	return nil
}

func collectIDs(ctx context.Context, db pg.DB, sql string, args ...any) ([]int64, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("looking for campaigns: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("looking for campaigns: %w", err)
	}
	return ids, nil
}
