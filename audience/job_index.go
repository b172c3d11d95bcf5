package audience

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"

	"postrider/internal/pg"
)

// QueueIndex is the queue of the job that puts imported people into the search index. A process gives it one worker, so that it takes one processor from an import at most.
const QueueIndex = "index"

const (
	// indexPart is how many ids go into the index in one transaction: 5,000 people take about 0.1 s.
	indexPart = 5_000
	// indexSlice is how long one run works before it gives the queue a turn.
	indexSlice   = 30 * time.Second
	indexTimeout = 5 * time.Minute
	// indexDelay leaves the processors to the import that brings the people, unless it is a long one.
	indexDelay = 10 * time.Second
)

// IndexArgs is the job that empties the backlog of the search index. Each run takes whatever is there, so that one too many does nothing.
type IndexArgs struct{}

// Kind names the job in the queue.
func (IndexArgs) Kind() string { return "index_subscribers" }

type indexWorker struct {
	river.WorkerDefaults[IndexArgs]
	s *Service
}

// Timeout is the longest that one run may take.
func (*indexWorker) Timeout(*river.Job[IndexArgs]) time.Duration { return indexTimeout }

// Work goes on with the backlog.
func (w *indexWorker) Work(ctx context.Context, _ *river.Job[IndexArgs]) error {
	left, err := w.s.indexBacklog(ctx, indexSlice)
	if err == nil && left {
		return river.JobSnooze(time.Second)
	}
	return err
}

// indexLaterTx notes that the people from first to last, whom this transaction brought with postrider.search_later on, are to come into the search index, and queues the job
// that puts them there. Until then a search looks among them one by one, so a transaction should note no more ids than it brought people.
func (s *Service) indexLaterTx(ctx context.Context, tx pgx.Tx, first, last int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO subscriber_search_backlog (first_id, last_id) VALUES ($1, $2)
		ON CONFLICT (first_id) DO UPDATE SET last_id = GREATEST(subscriber_search_backlog.last_id, excluded.last_id)`, first, last)
	if err != nil {
		return fmt.Errorf("noting people for the search index: %w", err)
	}
	return s.queueIndexTx(ctx, tx)
}

// queueIndexTx queues the job. Not a unique one: a run that is about to end does not see what this transaction is about to commit.
func (s *Service) queueIndexTx(ctx context.Context, tx pgx.Tx) error {
	if s.jobs == nil {
		return nil // the hourly work of a process with a queue finds it
	}
	if _, err := s.jobs.InsertTx(ctx, tx, IndexArgs{}, &river.InsertOpts{Queue: QueueIndex, ScheduledAt: time.Now().Add(indexDelay)}); err != nil {
		return fmt.Errorf("queueing the search index: %w", err)
	}
	return nil
}

// indexBacklog puts people of the backlog into the index, part after part, until nothing is left that nobody else works on, or the time is over. left says that some is left.
func (s *Service) indexBacklog(ctx context.Context, slice time.Duration) (left bool, err error) {
	until := time.Now().Add(slice)
	for parts := 0; ; parts++ {
		did, err := s.indexNext(ctx)
		switch {
		case lockWaited(err):
			// Somebody deletes or renames these people, or undoes an import, and has them locked. Waiting longer might be a deadlock.
			return true, nil
		case err != nil:
			return true, err
		case !did && parts*indexPart < manyRows:
			return false, s.settleIndex(ctx)
		case !did:
			return false, errors.Join(s.settleIndex(ctx), s.vacuum(ctx, "subscriber_search"))
		case time.Now().After(until):
			return true, nil
		}
	}
}

// lockWaited reports that a lock was not given in time, or never would have been.
func lockWaited(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == "55P03" || pe.Code == "40P01") // lock_not_available, deadlock_detected
}

// indexNext puts one part into the index and takes it off the backlog, in one transaction: after any crash both happened or neither. did is false when there is nothing left.
//
// Safety: people who are locked are waited for, so that nobody who is being deleted comes back into the index, and a new name that is being written stays.
func (s *Service) indexNext(ctx context.Context) (did bool, err error) {
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('lock_timeout', '500ms', true)`); err != nil {
			return err
		}
		var first, last int64
		err := tx.QueryRow(ctx, `SELECT first_id, last_id FROM subscriber_search_backlog ORDER BY first_id LIMIT 1 FOR UPDATE SKIP LOCKED`).Scan(&first, &last)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		did = true
		// Empty stretches of ids, of people who were there already, are passed over.
		var end int64
		err = tx.QueryRow(ctx, `SELECT COALESCE(max(id), $2) FROM (SELECT id FROM subscribers WHERE id BETWEEN $1 AND $2 ORDER BY id LIMIT $3) part`, first, last, s.limits.part).Scan(&end)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT FROM subscribers WHERE id BETWEEN $1 AND $2 ORDER BY id FOR KEY SHARE`, first, end); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO subscriber_search (subscriber_id, text) SELECT u.id, `+textSQL+` FROM subscribers u WHERE u.id BETWEEN $1 AND $2 ORDER BY u.id
			ON CONFLICT (subscriber_id) DO NOTHING`, first, end)
		if err != nil {
			return err
		}
		if end >= last {
			_, err = tx.Exec(ctx, `DELETE FROM subscriber_search_backlog WHERE first_id = $1`, first)
		} else {
			_, err = tx.Exec(ctx, `UPDATE subscriber_search_backlog SET first_id = $2 WHERE first_id = $1`, first, end+1)
		}
		return err
	})
	if err != nil {
		return false, fmt.Errorf("putting people into the search index: %w", err)
	}
	return did, nil
}

// settleIndex puts what GIN indexes keep unsorted in its place, since a search reads all of that. An import is faster while they keep it, so it waits for that to end.
func (s *Service) settleIndex(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, `SELECT gin_clean_pending_list('subscriber_search_text'), gin_clean_pending_list('subscribers_attributes')
		WHERE NOT EXISTS (SELECT FROM imports WHERE status = 'running')`)
	if err != nil {
		return fmt.Errorf("tidying the search index: %w", err)
	}
	return nil
}
