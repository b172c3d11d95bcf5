package audience

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// mailWithin is for how long a mail is tried. Who waits longer has gone away, and signs up once more.
const mailWithin = 24 * time.Hour

// Confirmation is a mail that asks to confirm, claimed for one attempt. Nothing of what was filled in is in it: a stranger could put words into somebody's mailbox by that.
type Confirmation struct {
	SignupID  int64
	CreatedAt time.Time // of the sign-up
	Attempt   int
	Email     string
	Language  string // of the form; "" when there was none
	ListNames []string
	OptIn     OptIn // of the first list that has a mail of its own, else of the first
	ExpiresAt time.Time
	TryUntil  time.Time // after that it has failed
}

// ClaimConfirmation takes the mail of a sign-up for one attempt. It is errs.NotFound when there is nothing to send any more, such as after a dot that was noted: that
// mail may have arrived, whatever became of the process that sent it, and goes down as uncertain.
func (s *Service) ClaimConfirmation(ctx context.Context, id int64) (Confirmation, error) {
	var c Confirmation
	nothing := errs.New(errs.NotFound, "sign-up %d has no mail to send", id)
	gone := false
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		row, err := getSignup(ctx, tx, id, `FOR UPDATE`)
		if err != nil {
			return err
		}
		if gone, err = s.mayNotSend(ctx, tx, row); err != nil || gone {
			return err
		}
		row.Attempt++
		_, err = tx.Exec(ctx, `UPDATE signups SET state = 'sending', attempt = $2, updated_at = $3 WHERE id = $1`, id, row.Attempt, s.clock())
		if err != nil {
			return fmt.Errorf("claiming the mail of sign-up %d: %w", id, err)
		}
		c, err = s.confirmation(ctx, tx, row)
		return err
	})
	if err == nil && gone {
		err = nothing
	}
	return c, err
}

// mayNotSend looks whether a mail can still be sent, and puts down why not.
func (s *Service) mayNotSend(ctx context.Context, tx pgx.Tx, row signup) (bool, error) {
	end := func(state, why string) (bool, error) {
		_, err := tx.Exec(ctx, `UPDATE signups SET state = $2, reply = $3, updated_at = $4 WHERE id = $1`, row.ID, state, why, s.clock())
		if err != nil {
			return true, fmt.Errorf("looking at the mail of sign-up %d: %w", row.ID, err)
		}
		return true, nil
	}
	switch {
	case row.State != SignupPending && row.State != SignupSending || row.ClosedAt != nil:
		return true, nil
	case row.DottedAt != nil:
		return end(SignupUncertain, "the program ended after the whole message was sent and before the server answered; it may have been delivered")
	}
	lists, err := listNames(ctx, tx, row.ListIDs)
	if err != nil {
		return true, err
	}
	if len(lists) == 0 {
		return true, s.endSignup(ctx, tx, row.ID, SignupRemoved)
	}
	reason, err := suppressionOf(ctx, tx, row.EmailKey)
	if err != nil || reason == "" || reason == ReasonUnsubscribe {
		return false, err
	}
	return end(SignupSuppressed, "")
}

func (s *Service) confirmation(ctx context.Context, tx pgx.Tx, row signup) (Confirmation, error) {
	c := Confirmation{SignupID: row.ID, CreatedAt: row.CreatedAt.UTC(), Attempt: row.Attempt, Email: row.Email, Language: row.Language, TryUntil: row.CreatedAt.Add(mailWithin)}
	if row.ExpiresAt != nil {
		c.ExpiresAt = row.ExpiresAt.UTC()
	}
	for _, id := range row.ListIDs {
		o, err := getOptIn(ctx, tx, id)
		if errs.Is(err, errs.NotFound) {
			continue // deleted since; the link will say so
		}
		if err != nil {
			return c, err
		}
		own, has := o.HTML+o.Text != "", c.OptIn.HTML+c.OptIn.Text != ""
		if c.OptIn.ListID == 0 || own && !has {
			c.OptIn = o
		}
	}
	var err error
	c.ListNames, err = listNames(ctx, tx, row.ListIDs)
	return c, err
}

func listNames(ctx context.Context, db pg.DB, ids []int64) ([]string, error) {
	rows, err := db.Query(ctx, `SELECT l.name FROM unnest($1::bigint[]) WITH ORDINALITY AS x (id, n) JOIN lists l ON l.id = x.id ORDER BY x.n`, ids)
	if err != nil {
		return nil, fmt.Errorf("reading names of lists: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("reading names of lists: %w", err)
	}
	return names, nil
}

// DotConfirmation notes that the final dot of a mail is about to be sent. It is errs.Conflict when the attempt is not the one that was claimed last, or another one
// has sent its dot: this one must not.
//
// Invariant: it is committed before the dot, and a row that has it is never claimed again. That is why nobody gets a mail twice.
func (s *Service) DotConfirmation(ctx context.Context, id int64, attempt int) error {
	tag, err := s.pool.Exec(ctx, `
		UPDATE signups SET dotted_at = $3, updated_at = $3 WHERE id = $1 AND attempt = $2 AND state = 'sending' AND dotted_at IS NULL AND closed_at IS NULL`, id, attempt, s.clock())
	if err != nil {
		return fmt.Errorf("noting the mail of sign-up %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.Conflict, "the mail of sign-up %d is in other hands", id)
	}
	return nil
}

// ConfirmationResult is what came of an attempt: State SignupSent, SignupUncertain, SignupFailed, or SignupPending for another try.
type ConfirmationResult struct {
	State    string
	RelayID  int64 // 0: none was reached
	Code     int   // of the server's reply; 0: there was none
	Reply    string
	Suppress bool // the address does not exist: never mail it again
}

// RecordConfirmation notes what came of an attempt. Only the attempt that was claimed last is heard. A refused message was not sent, so its dot is taken back.
func (s *Service) RecordConfirmation(ctx context.Context, id int64, attempt int, r ConfirmationResult) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		var key string
		err := tx.QueryRow(ctx, `
			UPDATE signups SET state = $3, relay_id = COALESCE(NULLIF($4, 0::bigint), relay_id), reply_code = $5, reply = $6, updated_at = $7,
				dotted_at = CASE WHEN $3 IN ('sent', 'uncertain') THEN dotted_at END
			WHERE id = $1 AND attempt = $2 AND state IN ('sending', 'uncertain') AND closed_at IS NULL RETURNING email_key`,
			id, attempt, r.State, r.RelayID, r.Code, clip(r.Reply), s.clock()).Scan(&key)
		if err == pgx.ErrNoRows { //nolint:errorlint // QueryRow gives it as it is
			return nil // confirmed, declined or removed meanwhile
		}
		if err != nil {
			return fmt.Errorf("recording the mail of sign-up %d: %w", id, err)
		}
		if !r.Suppress {
			return nil
		}
		return s.SuppressTx(ctx, tx, key, ReasonBounce, "mail that asks to confirm", r.Reply)
	})
}

// ConfirmationReportTx takes a bounce or complaint that came back for the mail of a sign-up, in the caller's transaction; found says that there is one. A hard bounce
// and a complaint suppress the address.
func (s *Service) ConfirmationReportTx(ctx context.Context, tx pgx.Tx, ref SignupRef, reason, source, words string) (found bool, err error) {
	row, err := getSignup(ctx, tx, ref.ID, `FOR UPDATE`)
	if errs.Is(err, errs.NotFound) || err == nil && !ref.names(row) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if row.ClosedAt == nil {
		_, err = tx.Exec(ctx, `UPDATE signups SET state = 'failed', reply = $2, updated_at = $3 WHERE id = $1 AND state IN ('sending', 'sent', 'uncertain')`, row.ID, clip(words), s.clock())
		if err != nil {
			return true, fmt.Errorf("noting a report about sign-up %d: %w", row.ID, err)
		}
	}
	if reason == "" || row.EmailKey == "" {
		return true, nil
	}
	return true, s.SuppressTx(ctx, tx, row.EmailKey, reason, source, words)
}
