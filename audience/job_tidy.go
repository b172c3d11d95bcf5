package audience

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

const (
	// tickEvery is how often is looked for what is to be counted anew, tidyEvery how often the rest of the regular work is done.
	tickEvery = time.Minute
	tidyEvery = time.Hour
	// tickLock keeps the regular work to one process at a time.
	tickLock = 0x706f7374_0002
	// workTimeout bounds it.
	workTimeout = 5 * time.Minute
)

// Run does the regular work of the audience until ctx ends: counts of suppressed people, rows of counters, dead uploads, a search index that was left behind.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	var tidied time.Time
	for {
		work := s.recountSuppressed
		if time.Since(tidied) >= tidyEvery {
			work, tidied = s.Tidy, time.Now()
		}
		if err := s.inTurn(ctx, work); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "a part of the audience's regular work was not done; it is tried again later", slog.Any("error", err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// inTurn does work unless another process does it right now. The lock ends with its transaction, so with the process.
func (s *Service) inTurn(ctx context.Context, work func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, workTimeout)
	defer cancel()
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, int64(tickLock)).Scan(&mine); err != nil || !mine {
			return err
		}
		return work(ctx)
	})
}

// Tidy does the hourly work. It may be done at any time, twice, and by several processes at once.
func (s *Service) Tidy(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.mergeListCounts, s.deleteDeadUploads, s.wakeIndex, s.settleIndex, s.recountSuppressed} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// mergeListCounts puts what the backends of the database counted for each list into one row. Rows that are being counted in now are left alone.
func (s *Service) mergeListCounts(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `
		WITH gone AS (
			DELETE FROM list_counts c USING (SELECT list_id, backend FROM list_counts WHERE backend <> 0 ORDER BY list_id, backend FOR UPDATE SKIP LOCKED) own
			WHERE c.list_id = own.list_id AND c.backend = own.backend
			RETURNING c.list_id, c.subscribed, c.unconfirmed, c.unsubscribed)
		INSERT INTO list_counts AS c (list_id, backend, subscribed, unconfirmed, unsubscribed)
		SELECT list_id, 0, sum(subscribed), sum(unconfirmed), sum(unsubscribed) FROM gone GROUP BY list_id
		ON CONFLICT (list_id, backend) DO UPDATE SET subscribed = c.subscribed + excluded.subscribed,
			unconfirmed = c.unconfirmed + excluded.unconfirmed, unsubscribed = c.unsubscribed + excluded.unsubscribed`)
	if err != nil {
		return fmt.Errorf("putting counts of lists together: %w", err)
	}
	return nil
}

// deleteDeadUploads removes uploads that never ended; their process or their sender is gone.
func (s *Service) deleteDeadUploads(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM imports WHERE status = 'uploading' AND created_at < $1`, s.clock().Add(-staleUpload)); err != nil {
		return fmt.Errorf("deleting dead uploads: %w", err)
	}
	return nil
}

// wakeIndex queues the indexing of a backlog that has no job, as after a queue was emptied by hand.
func (s *Service) wakeIndex(ctx context.Context) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		var stuck bool
		err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM subscriber_search_backlog) AND NOT EXISTS (
			SELECT FROM river_job WHERE kind = $1 AND state IN ('available', 'running', 'scheduled', 'retryable', 'pending'))`, IndexArgs{}.Kind()).Scan(&stuck)
		if err != nil {
			return fmt.Errorf("looking for people who are not in the search index: %w", err)
		}
		if !stuck {
			return nil
		}
		return s.queueIndexTx(ctx, tx)
	})
}
