package audience

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"postrider/internal/pg"
)

// BulkArgs is the job that does something to many people.
type BulkArgs struct {
	BulkID int64 `json:"bulk_id"`
}

// Kind names the job in the queue.
func (BulkArgs) Kind() string { return "bulk_action" }

// UndoBulkArgs is the job that takes a bulk action back.
type UndoBulkArgs struct {
	BulkID int64 `json:"bulk_id"`
}

// Kind names the job in the queue.
func (UndoBulkArgs) Kind() string { return "undo_bulk_action" }

// PurgeBulkArgs is the job that deletes what an undoing would need, when it is too late for one.
type PurgeBulkArgs struct {
	BulkID int64 `json:"bulk_id"`
}

// Kind names the job in the queue.
func (PurgeBulkArgs) Kind() string { return "purge_bulk_action" }

type bulkWorker struct {
	river.WorkerDefaults[BulkArgs]
	s *Service
}

// Timeout is the longest that one run may take.
func (*bulkWorker) Timeout(*river.Job[BulkArgs]) time.Duration { return importTimeout }

// Work goes on with those whose turn has not come.
func (w *bulkWorker) Work(ctx context.Context, job *river.Job[BulkArgs]) error {
	ended, err := w.s.runBulk(ctx, job.Args.BulkID, importSlice)
	switch {
	case err == nil && !ended:
		return river.JobSnooze(0)
	case err != nil && job.Attempt >= job.MaxAttempts && !errors.Is(ctx.Err(), context.Canceled):
		return errors.Join(err, w.s.failBulk(ctx, job.Args.BulkID, err))
	}
	return err
}

type undoBulkWorker struct {
	river.WorkerDefaults[UndoBulkArgs]
	s *Service
}

// Timeout is the longest that one run may take.
func (*undoBulkWorker) Timeout(*river.Job[UndoBulkArgs]) time.Duration { return importTimeout }

// Work goes on with the changes that are not taken back yet.
func (w *undoBulkWorker) Work(ctx context.Context, job *river.Job[UndoBulkArgs]) error {
	ended, err := w.s.undoBulk(ctx, job.Args.BulkID, importSlice)
	switch {
	case err == nil && !ended:
		return river.JobSnooze(0)
	case err != nil && job.Attempt >= job.MaxAttempts && !errors.Is(ctx.Err(), context.Canceled):
		return errors.Join(err, w.s.pauseBulkUndo(ctx, job.Args.BulkID, err))
	}
	return err
}

type purgeBulkWorker struct {
	river.WorkerDefaults[PurgeBulkArgs]
	s *Service
}

// Timeout is the longest that one run may take.
func (*purgeBulkWorker) Timeout(*river.Job[PurgeBulkArgs]) time.Duration { return importTimeout }

// Work deletes what is over, and comes again while something is not.
func (w *purgeBulkWorker) Work(ctx context.Context, job *river.Job[PurgeBulkArgs]) error {
	wait, err := w.s.purgeBulk(ctx, job.Args.BulkID)
	if err == nil && wait > 0 {
		return river.JobSnooze(wait)
	}
	return err
}

// bulkBatch is how many people are changed in one transaction: it takes some tens of milliseconds, in which imports wait.
const bulkBatch = 2000

// runBulk does a bulk action batch after batch; ended says that nothing is left to do. It may be called again after any interruption: whoever was changed is not in
// bulk_people any more, by the same transaction.
func (s *Service) runBulk(ctx context.Context, id int64, slice time.Duration) (ended bool, err error) {
	_, err = s.pool.Exec(ctx, `UPDATE bulk_actions SET status = 'running', started_at = COALESCE(started_at, $2) WHERE id = $1 AND status = 'queued'`, id, s.clock())
	if err != nil {
		return false, fmt.Errorf("starting bulk action %d: %w", id, err)
	}
	for until := time.Now().Add(slice); !ended && time.Now().Before(until); {
		err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
			ended, err = s.runBulkTx(ctx, tx, id)
			return err
		})
		if err != nil {
			return false, fmt.Errorf("bulk action %d: %w", id, err)
		}
	}
	return ended, nil
}

func (s *Service) runBulkTx(ctx context.Context, tx pgx.Tx, id int64) (ended bool, err error) {
	if err := mergeTurn(ctx, tx); err != nil {
		return false, err
	}
	w, err := lockBulk(ctx, tx, id, BulkRunning)
	if err != nil || w == nil {
		return true, err
	}
	w.now = s.clock()
	rows, err := tx.Query(ctx, `DELETE FROM bulk_people WHERE bulk_id = $1 AND subscriber_id IN (
		SELECT subscriber_id FROM bulk_people WHERE bulk_id = $1 ORDER BY subscriber_id LIMIT $2) RETURNING subscriber_id`, id, bulkBatch)
	if err != nil {
		return false, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return false, err
	}
	if len(ids) == 0 {
		_, err := tx.Exec(ctx, `UPDATE bulk_actions SET status = 'done', finished_at = $2, undo_until = $3 WHERE id = $1`, id, w.now, w.now.Add(BulkUndoWindow))
		if err != nil {
			return false, err
		}
		return true, s.endBulkTx(ctx, tx, id, w.now)
	}
	if err := actBy(ctx, tx, Actor{Name: w.createdBy}, fmt.Sprintf("bulk action %d", id)); err != nil {
		return false, err
	}
	if w.action == BulkSubscribe {
		if w.erased, err = s.erasedOf(ctx, tx, ids); err != nil {
			return false, err
		}
	}
	done, err := w.do(ctx, tx, ids)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `UPDATE bulk_actions SET changed = changed + $2, skipped = skipped + $3, unchanged = unchanged + $4 WHERE id = $1`,
		id, done.changed, done.skipped, int64(len(ids))-done.changed-done.skipped)
	return false, err
}

func (s *Service) failBulk(ctx context.Context, id int64, cause error) error {
	s.log.ErrorContext(ctx, "bulk action failed", slog.Int64("bulk_id", id), slog.Any("error", cause))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second) // the run's own time may be over
	defer cancel()
	now := s.clock()
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE bulk_actions SET status = 'failed', finished_at = $2, undo_until = $3,
			error = 'it broke off again and again and was given up; what is counted here is done, and can be undone. The server''s log says why' WHERE id = $1 AND status IN ('queued', 'running')`,
			id, now, now.Add(BulkUndoWindow))
		if err != nil {
			return fmt.Errorf("ending bulk action %d: %w", id, err)
		}
		return s.endBulkTx(ctx, tx, id, now)
	})
}

// pauseBulkUndo gives up for now: what is taken back stays so, and another UndoBulk goes on with the rest.
func (s *Service) pauseBulkUndo(ctx context.Context, id int64, cause error) error {
	s.log.ErrorContext(ctx, "undoing a bulk action failed", slog.Int64("bulk_id", id), slog.Any("error", cause))
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	_, err := s.pool.Exec(ctx, `UPDATE bulk_actions SET status = 'failed', error = 'the undoing broke off and can be started again; the server''s log says why' WHERE id = $1 AND status = 'undoing'`, id)
	if err != nil {
		return fmt.Errorf("pausing the undoing of bulk action %d: %w", id, err)
	}
	return nil
}

// undoBulk takes back a bulk action batch after batch; ended says that nothing is left to do. What was taken back is not in bulk_changes any more.
func (s *Service) undoBulk(ctx context.Context, id int64, slice time.Duration) (ended bool, err error) {
	for until := time.Now().Add(slice); !ended && time.Now().Before(until); {
		err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
			ended, err = s.undoBulkTx(ctx, tx, id)
			return err
		})
		if err != nil {
			return false, fmt.Errorf("undoing bulk action %d: %w", id, err)
		}
	}
	return ended, nil
}

func (s *Service) undoBulkTx(ctx context.Context, tx pgx.Tx, id int64) (ended bool, err error) {
	if err := mergeTurn(ctx, tx); err != nil {
		return false, err
	}
	w, err := lockBulk(ctx, tx, id, BulkUndoing)
	if err != nil || w == nil {
		return true, err
	}
	w.now = s.clock()
	rows, err := tx.Query(ctx, `SELECT subscriber_id FROM bulk_changes WHERE bulk_id = $1 ORDER BY subscriber_id LIMIT $2`, id, bulkBatch)
	if err != nil {
		return false, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return false, err
	}
	if err := lockPeople(ctx, tx, ids); err != nil {
		return false, err
	}
	changes, err := pg.Many[bulkChange](ctx, tx, "changes", `DELETE FROM bulk_changes WHERE bulk_id = $1 AND subscriber_id = ANY ($2)
		RETURNING subscriber_id, before, after, left_since`, id, ids)
	if err != nil {
		return false, err
	}
	if len(changes) == 0 {
		_, err := tx.Exec(ctx, `UPDATE bulk_actions SET status = 'undone', undone_at = $2, purged = true, error = NULL WHERE id = $1`, id, w.now)
		return true, err
	}
	if err := actBy(ctx, tx, Actor{Name: w.createdBy}, fmt.Sprintf("bulk action %d was undone", id)); err != nil {
		return false, err
	}
	restored, kept, err := w.undo(ctx, tx, changes)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `UPDATE bulk_actions SET restored = restored + $2, kept = kept + $3 WHERE id = $1`, id, restored, kept)
	return false, err
}

// purgeBulk deletes what an undoing would need, batch after batch. wait is how long it is not time yet.
func (s *Service) purgeBulk(ctx context.Context, id int64) (wait time.Duration, err error) {
	for purged := false; !purged && wait == 0; {
		err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
			purged, wait, err = s.purgeBulkTx(ctx, tx, id)
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("forgetting bulk action %d: %w", id, err)
		}
	}
	return wait, nil
}

func (s *Service) purgeBulkTx(ctx context.Context, tx pgx.Tx, id int64) (purged bool, wait time.Duration, err error) {
	var status string
	var until *time.Time
	err = tx.QueryRow(ctx, `SELECT status, undo_until FROM bulk_actions WHERE id = $1 FOR UPDATE`, id).Scan(&status, &until)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return true, 0, nil
	case err != nil:
		return false, 0, err
	case until != nil && s.clock().Before(*until):
		return false, until.Sub(s.clock()), nil
	case status == BulkUndoing:
		return false, time.Minute, nil
	}
	tag, err := tx.Exec(ctx, `DELETE FROM bulk_changes WHERE bulk_id = $1 AND subscriber_id IN (
		SELECT subscriber_id FROM bulk_changes WHERE bulk_id = $1 ORDER BY subscriber_id LIMIT $2)`, id, bulkBatch)
	if err != nil || tag.RowsAffected() == bulkBatch {
		return false, 0, err
	}
	_, err = tx.Exec(ctx, `UPDATE bulk_actions SET purged = true WHERE id = $1`, id)
	return true, 0, err
}
