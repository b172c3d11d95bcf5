package audience

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

const (
	// expireBatch is how many sign-ups expire in one transaction; imports wait for it.
	expireBatch = 500
	// keepSignups is how long the address of a sign-up that has ended is kept, for the admin to see what became of it and for the limits.
	keepSignups = 30 * 24 * time.Hour
	// stuckAfter is when a sign-up whose job seems to be lost gets another one.
	stuckAfter = time.Hour
)

// TidySignups ends what was not confirmed in time, wakes what waits without a job, and forgets addresses of what has ended long ago. It is for a regular call, in any number of
// processes, and says how many sign-ups expired.
func (s *Service) TidySignups(ctx context.Context) (expired int, err error) {
	for {
		n, err := s.expireSignups(ctx)
		expired += n
		if err != nil {
			return expired, err
		}
		if n < expireBatch {
			break
		}
	}
	if err := s.wakeStuck(ctx); err != nil {
		return expired, err
	}
	_, err = s.pool.Exec(ctx, `
		UPDATE signups SET email = '', email_key = '', mailbox_key = '', network_key = '', name = '', attributes = '{}', evidence = '{}', reply = ''
		WHERE closed_at < $1 AND email <> ''`, s.clock().Add(-keepSignups))
	if err != nil {
		return expired, fmt.Errorf("forgetting old sign-ups: %w", err)
	}
	return expired, nil
}

// expireSignups ends one batch.
func (s *Service) expireSignups(ctx context.Context) (int, error) {
	var ids []int64
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := mergeTurn(ctx, tx); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `
			WITH due AS (SELECT id FROM signups WHERE closed_at IS NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
			UPDATE signups s SET state = CASE WHEN s.state IN ('failed', 'suppressed', 'limited') THEN s.state ELSE 'expired' END, closed_at = $1, updated_at = $1
			FROM due WHERE s.id = due.id RETURNING s.id`, s.clock(), expireBatch)
		if err != nil {
			return fmt.Errorf("expiring sign-ups: %w", err)
		}
		if ids, err = pgx.CollectRows(rows, pgx.RowTo[int64]); err != nil {
			return fmt.Errorf("expiring sign-ups: %w", err)
		}
		return takeBack(ctx, tx, ids)
	})
	return len(ids), err
}

// takeBack removes what forms made of sign-ups that were never confirmed: subscriptions that still wait and are asked for by no other sign-up, and people of whom nothing
// else is known. The caller has closed the rows and has the turn of the imports.
func takeBack(ctx context.Context, tx pgx.Tx, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `SET LOCAL postrider.keep_signups = 'on'`); err != nil {
		return fmt.Errorf("taking back sign-ups: %w", err)
	}
	_, err := tx.Exec(ctx, `
		DELETE FROM subscriptions s USING signups r
		WHERE r.id = ANY ($1) AND r.source = 'form' AND s.subscriber_id = r.subscriber_id AND s.list_id = ANY (r.list_ids) AND s.status = 'unconfirmed' AND s.source = 'form'
			AND NOT EXISTS (SELECT FROM signups o WHERE o.email_key = r.email_key AND o.closed_at IS NULL AND s.list_id = ANY (o.list_ids))`, ids)
	if err != nil {
		return fmt.Errorf("taking back sign-ups: %w", err)
	}
	// updated_at tells that somebody has written something about them. The address of another sign-up leads to the person who made them known.
	_, err = tx.Exec(ctx, `
		WITH gone AS (
			DELETE FROM subscribers u USING signups r
			WHERE r.id = ANY ($1) AND u.id = r.subscriber_id AND u.updated_at = u.created_at AND u.import_id IS NULL
				AND EXISTS (SELECT FROM signups m WHERE m.email_key = u.email_key AND m.subscriber_id = u.id AND m.made_person)
				AND NOT EXISTS (SELECT FROM subscriptions s WHERE s.subscriber_id = u.id)
				AND NOT EXISTS (SELECT FROM deliveries d WHERE d.subscriber_id = u.id)
				AND NOT EXISTS (SELECT FROM signups o WHERE o.email_key = u.email_key AND o.closed_at IS NULL)
			RETURNING u.id, u.email_key)
		UPDATE signups r SET subscriber_id = NULL FROM gone WHERE r.email_key = gone.email_key AND r.subscriber_id = gone.id`, ids)
	if err != nil {
		return fmt.Errorf("taking back sign-ups: %w", err)
	}
	return nil
}

// wakeStuck gives new jobs to sign-ups that have stood still. A second job for one that has its own does no harm.
func (s *Service) wakeStuck(ctx context.Context) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			UPDATE signups SET updated_at = $1 WHERE id IN (
				SELECT id FROM signups WHERE state IN ('received', 'pending', 'sending') AND closed_at IS NULL AND updated_at < $2 ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED)
			RETURNING id, state`, s.clock(), s.clock().Add(-stuckAfter))
		if err != nil {
			return fmt.Errorf("waking sign-ups: %w", err)
		}
		stuck, err := pgx.CollectRows(rows, pgx.RowToStructByName[struct {
			ID    int64
			State string
		}])
		if err != nil {
			return fmt.Errorf("waking sign-ups: %w", err)
		}
		for _, r := range stuck {
			wake := s.wakeConfirm
			if r.State == SignupReceived {
				wake = s.wakeSignup
			}
			if err := wake(ctx, tx, r.ID); err != nil {
				return err
			}
		}
		return nil
	})
}
