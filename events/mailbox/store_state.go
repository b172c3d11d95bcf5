package mailbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// errLost ends a session whose mailbox is not ours any more: somebody changed, paused or deleted it, or another process took it over.
var errLost = errors.New("the mailbox is read by somebody else, or was changed")

// isDue says that a mailbox m is to be read now, and that nobody does.
const isDue = `m.status = 'active' AND (m.lease_until IS NULL OR m.lease_until < now()) AND (m.next_check_at <= now() OR m.asked_at IS NOT NULL)
	AND (m.wait_until IS NULL OR m.wait_until <= now())`

// dueMailboxes gives those that are to be read, the longest due first.
func dueMailboxes(ctx context.Context, db pg.DB) ([]int64, error) {
	rows, err := db.Query(ctx, `SELECT m.id FROM mailboxes m WHERE `+isDue+` ORDER BY m.next_check_at, m.id`)
	if err != nil {
		return nil, fmt.Errorf("looking for mailboxes to read: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// takeLease makes a mailbox ours for a while. It reports false when somebody was faster.
func takeLease(ctx context.Context, db pg.DB, id int64, owner string, length time.Duration) (bool, error) {
	tag, err := db.Exec(ctx, `UPDATE mailboxes m SET lease_owner = $2::uuid, lease_until = now() + $3::interval, asked_at = NULL WHERE m.id = $1 AND `+isDue, id, owner, length)
	if err != nil {
		return false, fmt.Errorf("taking the lease of mailbox %d: %w", id, err)
	}
	return tag.RowsAffected() == 1, nil
}

// held is what became of a mailbox that we read.
type held struct {
	ID      int64
	Version int64
	Asked   bool
}

// renewLeases keeps our mailboxes and gives those that are still ours, with the wish to be checked at once, which is taken away.
func renewLeases(ctx context.Context, db pg.DB, owner string, length time.Duration) ([]held, error) {
	return pg.Many[held](ctx, db, "leases of mailboxes", `
		UPDATE mailboxes m SET lease_until = now() + $2::interval, asked_at = NULL
		FROM (SELECT id, asked_at IS NOT NULL AS asked FROM mailboxes WHERE lease_owner = $1::uuid FOR UPDATE) was
		WHERE m.id = was.id AND m.lease_until > now() RETURNING m.id, m.version, was.asked`, owner, length)
}

// fence is who reads a mailbox: its writes count only as long as the mailbox is ours and unchanged.
type fence struct {
	id      int64
	owner   string
	version int64
}

// guard locks the mailbox for a write of its reader, or says errLost.
func (f fence) guard(ctx context.Context, tx pgx.Tx) error {
	var ours bool
	err := tx.QueryRow(ctx, `SELECT lease_owner = $2::uuid AND version = $3 FROM mailboxes WHERE id = $1 FOR UPDATE`, f.id, f.owner, f.version).Scan(&ours)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !ours {
		return errLost
	}
	if err != nil {
		return fmt.Errorf("looking at mailbox %d: %w", f.id, err)
	}
	return nil
}

// count is what is added to the usage.
type count struct {
	bytesIn, bytesOut               int64
	taken, ignored, foreign, failed int
}

func addUsage(ctx context.Context, tx pgx.Tx, id int64, c count) error {
	if c == (count{}) {
		return nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO mailbox_usage AS u (mailbox_id, hour, bytes_in, bytes_out, taken, ignored, foreign_mail, failed)
		VALUES ($1, date_trunc('hour', now(), 'UTC'), $2, $3, $4, $5, $6, $7)
		ON CONFLICT (mailbox_id, hour) DO UPDATE SET bytes_in = u.bytes_in + excluded.bytes_in, bytes_out = u.bytes_out + excluded.bytes_out,
			taken = u.taken + excluded.taken, ignored = u.ignored + excluded.ignored, foreign_mail = u.foreign_mail + excluded.foreign_mail, failed = u.failed + excluded.failed`,
		id, c.bytesIn, c.bytesOut, c.taken, c.ignored, c.foreign, c.failed)
	if err != nil {
		return fmt.Errorf("counting what was read of mailbox %d: %w", id, err)
	}
	return nil
}

// used gives the bytes of the last 24 hours and when the first of them leave that window.
func used(ctx context.Context, db pg.DB, id int64) (in, out int64, until time.Time, err error) {
	err = db.QueryRow(ctx, `
		SELECT coalesce(sum(bytes_in), 0)::bigint, coalesce(sum(bytes_out), 0)::bigint, coalesce(min(hour) FILTER (WHERE bytes_in > 0), date_trunc('hour', now())) + interval '25 hours'
		FROM mailbox_usage WHERE mailbox_id = $1 AND hour > now() - interval '25 hours'`, id).Scan(&in, &out, &until)
	if err != nil {
		return 0, 0, until, fmt.Errorf("adding up what was read of mailbox %d: %w", id, err)
	}
	return in, out, until, nil
}

// progress is what a reader has done.
type progress struct {
	lastUID int64    // 0: as it was
	forget  []string // messages that are done with, or gone
	count
}

// advance stores progress.
func advance(ctx context.Context, db beginner, f fence, p progress) error {
	return inTx(ctx, db, func(tx pgx.Tx) error {
		if err := f.guard(ctx, tx); err != nil {
			return err
		}
		if p.lastUID > 0 {
			if _, err := tx.Exec(ctx, `UPDATE mailboxes SET last_uid = greatest(last_uid, $2) WHERE id = $1`, f.id, p.lastUID); err != nil {
				return fmt.Errorf("noting how far mailbox %d is read: %w", f.id, err)
			}
		}
		if len(p.forget) > 0 {
			if _, err := tx.Exec(ctx, `DELETE FROM mailbox_messages WHERE mailbox_id = $1 AND uid = ANY ($2)`, f.id, p.forget); err != nil {
				return fmt.Errorf("forgetting messages of mailbox %d: %w", f.id, err)
			}
		}
		return addUsage(ctx, tx, f.id, p.count)
	})
}

// beginner is what begins transactions; *pgxpool.Pool is one.
type beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

func inTx(ctx context.Context, db beginner, fn func(tx pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, db, fn)
}

// noted is a message that is remembered.
type noted struct {
	UID   string
	State string
	Due   bool // of state retry: now
}

// notedMessages gives all that is remembered of a mailbox.
func notedMessages(ctx context.Context, db pg.DB, id int64) (map[string]noted, error) {
	rows, err := pg.Many[noted](ctx, db, "messages of a mailbox", `
		SELECT uid, state, coalesce(next_at <= now(), false) AS due FROM mailbox_messages WHERE mailbox_id = $1`, id)
	if err != nil {
		return nil, err
	}
	all := make(map[string]noted, len(rows))
	for _, n := range rows {
		all[n.UID] = n
	}
	return all, nil
}

// note remembers that a message has been dealt with, with what was counted for it.
func note(ctx context.Context, db beginner, f fence, uid, state string, c count) error {
	return inTx(ctx, db, func(tx pgx.Tx) error {
		if err := f.guard(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO mailbox_messages (mailbox_id, uid, state) VALUES ($1, $2, $3)
			ON CONFLICT (mailbox_id, uid) DO UPDATE SET state = excluded.state, error = '', next_at = NULL, noted_at = now()`, f.id, uid, state)
		if err != nil {
			return fmt.Errorf("noting a message of mailbox %d: %w", f.id, err)
		}
		return addUsage(ctx, tx, f.id, c)
	})
}

const (
	maxAttempts  = 10 // to take a message, over about nine hours
	firstRetry   = time.Minute
	longestRetry = 6 * time.Hour
)

// setAside notes that messages could not be taken. They are tried again, each time after twice as long, and are stuck after maxAttempts.
func setAside(ctx context.Context, db beginner, f fence, uids []string, text string, c count) error {
	return inTx(ctx, db, func(tx pgx.Tx) error {
		if err := f.guard(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			INSERT INTO mailbox_messages AS g (mailbox_id, uid, state, attempts, next_at, error) SELECT $1, uid, 'retry', 1, now() + $4::interval, $3 FROM unnest($2::text[]) uid
			ON CONFLICT (mailbox_id, uid) DO UPDATE SET attempts = g.attempts + 1, error = excluded.error, noted_at = now(),
				state = CASE WHEN g.attempts + 1 >= $6 THEN 'stuck' ELSE 'retry' END,
				next_at = CASE WHEN g.attempts + 1 < $6 THEN now() + least($4::interval * power(2, g.attempts), $5::interval) END`,
			f.id, uids, text, firstRetry, longestRetry, maxAttempts)
		if err != nil {
			return fmt.Errorf("setting messages of mailbox %d aside: %w", f.id, err)
		}
		c.failed += len(uids)
		return addUsage(ctx, tx, f.id, c)
	})
}

// nextRetry says in how long a message that was set aside is due, or false when there is none.
func nextRetry(ctx context.Context, db pg.DB, id int64) (time.Duration, bool, error) {
	var wait *time.Duration
	err := db.QueryRow(ctx, `SELECT greatest(min(next_at) - now(), interval '0') FROM mailbox_messages WHERE mailbox_id = $1 AND state = 'retry'`, id).Scan(&wait)
	if err != nil {
		return 0, false, fmt.Errorf("looking for messages of mailbox %d that are due: %w", id, err)
	}
	if wait == nil {
		return 0, false, nil
	}
	return *wait, true, nil
}

// beginFolder notes the validity of UIDs. When it has changed, all that is known of messages is worth nothing (RFC 9051 §2.3.1.1) and reading begins anew.
func beginFolder(ctx context.Context, db beginner, f fence, uidValidity int64) error {
	return inTx(ctx, db, func(tx pgx.Tx) error {
		if err := f.guard(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE mailboxes SET uid_validity = $2, last_uid = 0 WHERE id = $1`, f.id, uidValidity); err != nil {
			return fmt.Errorf("noting the validity of UIDs of mailbox %d: %w", f.id, err)
		}
		_, err := tx.Exec(ctx, `DELETE FROM mailbox_messages WHERE mailbox_id = $1`, f.id)
		return err
	})
}

// checked notes a check that came to its end. problem is nil, or what went wrong on the way.
func checked(ctx context.Context, db beginner, f fence, mode string, messages int64, problem *Problem) error {
	return inTx(ctx, db, func(tx pgx.Tx) error {
		if err := f.guard(ctx, tx); err != nil {
			return err
		}
		// Due at once for whoever has to take over, as long as we hold the lease.
		_, err := tx.Exec(ctx, `UPDATE mailboxes SET mode = $2, messages = $3, checked_at = now(), next_check_at = now(), failures = 0, wait_until = NULL WHERE id = $1`, f.id, mode, messages)
		if err != nil {
			return fmt.Errorf("noting a check of mailbox %d: %w", f.id, err)
		}
		return setProblem(ctx, tx, f.id, problem)
	})
}

func setProblem(ctx context.Context, tx pgx.Tx, id int64, p *Problem) error {
	var at *time.Time
	if p == nil {
		p = &Problem{}
	} else {
		at = &p.At
	}
	_, err := tx.Exec(ctx, `UPDATE mailboxes SET error_kind = $2, error_step = $3, error_text = $4, error_remedy = $5, error_at = $6 WHERE id = $1`, id, p.Kind, p.Step, p.Text, p.Remedy, at)
	if err != nil {
		return fmt.Errorf("noting the trouble of mailbox %d: %w", id, err)
	}
	return nil
}

// leave is how a reader gives a mailbox back.
type leave struct {
	next    time.Duration // until the next check
	wait    time.Duration // until which nobody may ask for one
	mode    string        // "": as it was
	problem *Problem      // nil: as it was
}

// giveBack ends the lease. A mailbox that was changed meanwhile is due as the change has left it.
func giveBack(ctx context.Context, db beginner, f fence, l leave, c count) error {
	return inTx(ctx, db, func(tx pgx.Tx) error {
		switch err := f.guard(ctx, tx); {
		case errors.Is(err, errLost):
			_, err := tx.Exec(ctx, `UPDATE mailboxes SET lease_owner = NULL, lease_until = NULL WHERE id = $1 AND lease_owner = $2::uuid`, f.id, f.owner)
			return err
		case err != nil:
			return err
		}
		failed := 0
		if l.problem != nil {
			failed = 1
			if err := setProblem(ctx, tx, f.id, l.problem); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `
			UPDATE mailboxes SET lease_owner = NULL, lease_until = NULL, next_check_at = now() + $2::interval, failures = failures + $4,
				wait_until = CASE WHEN $3::interval > interval '0' THEN now() + $3::interval END, mode = CASE WHEN $5 = '' THEN mode ELSE $5 END
			WHERE id = $1`, f.id, l.next, l.wait, failed, l.mode)
		if err != nil {
			return fmt.Errorf("giving mailbox %d back: %w", f.id, err)
		}
		return addUsage(ctx, tx, f.id, c)
	})
}
