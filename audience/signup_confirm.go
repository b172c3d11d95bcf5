package audience

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// SignupInfo is what the page behind the link of a mail shows.
type SignupInfo struct {
	Email     string
	ListNames []string
	Language  string
	// Open: it can be confirmed. Otherwise Confirmed or Declined says that it was, and Expired that it can be asked for once more.
	Open      bool
	Confirmed bool
	Declined  bool
	Expired   bool
}

// SignupInfo tells what a link is about. It changes nothing. What is not known any more is errs.NotFound.
func (s *Service) SignupInfo(ctx context.Context, ref SignupRef) (SignupInfo, error) {
	row, err := getSignup(ctx, s.pool, ref.ID, "")
	if err == nil {
		err = ref.check(row)
	}
	if err != nil {
		return SignupInfo{}, err
	}
	info := SignupInfo{Email: row.Email, Language: row.Language, Open: row.open(s.clock()), Confirmed: row.State == SignupConfirmed, Declined: row.State == SignupDeclined}
	info.Expired = !info.Open && !info.Confirmed && !info.Declined
	if info.Language == "" && len(row.ListIDs) > 0 {
		o, err := getOptIn(ctx, s.pool, row.ListIDs[0])
		if err != nil && !errs.Is(err, errs.NotFound) {
			return info, err
		}
		info.Language = o.Language
	}
	if info.ListNames, err = listNames(ctx, s.pool, row.ListIDs); err == nil && len(info.ListNames) == 0 {
		err = errs.New(errs.NotFound, "the lists of this link are gone")
	}
	return info, err
}

// check refuses a row that no link leads to, or not this one.
func (r SignupRef) check(row signup) error {
	if !r.names(row) || row.EmailKey == "" || slices.Contains([]string{SignupReceived, SignupDone, SignupSuppressed, SignupLimited}, row.State) {
		return errs.New(errs.NotFound, "this link is not valid")
	}
	return nil
}

// holdLinked is holdSignup for the row that a link leads to.
func holdLinked(ctx context.Context, tx pgx.Tx, ref SignupRef) (signup, error) {
	row, err := holdSignup(ctx, tx, ref.ID)
	if err == nil {
		err = ref.check(row)
	}
	return row, err
}

func (r signup) open(now time.Time) bool {
	return r.ClosedAt == nil && r.ExpiresAt != nil && now.Before(*r.ExpiresAt)
}

// ConfirmSignup puts the person on the lists, with evidence of both: by what they signed up, and from where they confirmed. Their own wish not to be mailed ends by it; what
// bounced, what was complained of and what an admin decided does not. Asked again it does nothing. An expired link is errs.Conflict.
func (s *Service) ConfirmSignup(ctx context.Context, ref SignupRef, ip, userAgent string) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := shareTurn(ctx, tx); err != nil {
			return err
		}
		row, err := holdLinked(ctx, tx, ref)
		if err != nil || row.State == SignupConfirmed {
			return err
		}
		if !row.open(s.clock()) {
			return errs.New(errs.Conflict, "this link has expired")
		}
		if row.ListIDs, err = holdLists(ctx, tx, row.ListIDs); err != nil {
			return err
		}
		if len(row.ListIDs) == 0 {
			return errs.New(errs.NotFound, "the lists of this link are gone")
		}
		// Whoever had themselves erased comes back by this, and by nothing else.
		if err := s.returnedTx(ctx, tx, row.EmailKey); err != nil {
			return err
		}
		who, _, err := s.personOf(ctx, tx, row)
		if err != nil {
			return err
		}
		row.SubscriberID = &who
		if err := s.confirmTx(ctx, tx, row, ip, userAgent); err != nil {
			return err
		}
		// The other mails for these lists are answered by this one.
		_, err = tx.Exec(ctx, `
			UPDATE signups SET state = 'confirmed', subscriber_id = $3, closed_at = $4, updated_at = $4
			WHERE email_key = $1 AND (id = $5 OR closed_at IS NULL AND list_ids <@ $2 AND state <> 'received')`, row.EmailKey, row.ListIDs, who, s.clock(), row.ID)
		if err != nil {
			return fmt.Errorf("confirming sign-up %d: %w", row.ID, err)
		}
		return nil
	})
}

func (s *Service) confirmTx(ctx context.Context, tx pgx.Tx, row signup, ip, userAgent string) error {
	if err := s.comeBack(ctx, tx, *row.SubscriberID, row.EmailKey); err != nil {
		return err
	}
	e := row.Evidence
	note := "asked to confirm by " + row.Source
	if row.Source == SourceForm {
		note = "signed up"
	}
	note += " on " + row.CreatedAt.UTC().Format(time.RFC3339)
	if e.IP != "" {
		note += " from " + e.IP
	}
	e.IP, e.UserAgent, e.Note = ip, clipTo(userAgent, maxEvidenceText), note
	// Also for those who are subscribed already: this is better evidence than what they have, which the history keeps.
	_, err := tx.Exec(ctx, `
		INSERT INTO subscriptions (list_id, subscriber_id, status, source, evidence, created_at, updated_at)
		SELECT l, $2, 'subscribed', $3, $4, $5, $5 FROM unnest($1::bigint[]) AS l
		ON CONFLICT (list_id, subscriber_id) DO UPDATE
		SET status = excluded.status, source = excluded.source, import_id = NULL, evidence = excluded.evidence, updated_at = excluded.updated_at`,
		row.ListIDs, *row.SubscriberID, SourceConfirmation, e, s.clock())
	if err != nil {
		return fmt.Errorf("confirming sign-up %d: %w", row.ID, err)
	}
	return s.applyValues(ctx, tx, row)
}

// comeBack ends a person's own wish to get no mail at all. They must not find themselves on lists that they did not ask for: they are off all, since they left all. Lists that
// they had left before they were deleted are written down as left again, for the suppression that remembered them goes.
func (s *Service) comeBack(ctx context.Context, tx pgx.Tx, subscriberID int64, emailKey string) error {
	var left []int64
	err := tx.QueryRow(ctx, `DELETE FROM suppressions WHERE email_key = $1 AND reason = 'unsubscribe' RETURNING left_lists`, emailKey).Scan(&left)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err == nil {
		// The lists are held before any subscription is: whoever deletes a list holds it before its subscriptions.
		_, err = tx.Exec(ctx, `INSERT INTO subscriptions (list_id, subscriber_id, status, source, created_at, updated_at)
			SELECT id, $2::bigint, 'unsubscribed', $3, $4::timestamptz, $4 FROM lists WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE ON CONFLICT (list_id, subscriber_id) DO NOTHING`,
			left, subscriberID, SourceConfirmation, s.clock())
	}
	if err == nil {
		_, err = tx.Exec(ctx, `UPDATE subscriptions SET status = 'unsubscribed', source = $2, updated_at = $3 WHERE subscriber_id = $1 AND status <> 'unsubscribed'`,
			subscriberID, SourceConfirmation, s.clock())
	}
	if err != nil {
		return fmt.Errorf("lifting the suppression of subscriber %d: %w", subscriberID, err)
	}
	return nil
}

// DeclineSignup is for somebody who never signed up: what the form made of it is taken back, and no such mail goes to the mailbox for some time. Who has confirmed
// leaves in other ways, so that it does nothing then.
func (s *Service) DeclineSignup(ctx context.Context, ref SignupRef) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := mergeTurn(ctx, tx); err != nil {
			return err
		}
		row, err := holdLinked(ctx, tx, ref)
		if err != nil || row.State == SignupConfirmed || row.State == SignupDeclined {
			return err
		}
		rows, err := tx.Query(ctx, `
			UPDATE signups SET state = 'declined', closed_at = $3, updated_at = $3
			WHERE id = $1 OR email_key = $2 AND closed_at IS NULL AND list_ids && $4 AND state <> 'received' RETURNING id`, row.ID, row.EmailKey, s.clock(), row.ListIDs)
		if err != nil {
			return fmt.Errorf("declining sign-up %d: %w", row.ID, err)
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return fmt.Errorf("declining sign-up %d: %w", row.ID, err)
		}
		return takeBack(ctx, tx, ids)
	})
}

// AskAgain sends another mail for the sign-up of a link that has expired, as far as the limits allow, which it does not tell. When they do not, it leaves nothing behind:
// whoever has the link may ask as often as they like.
func (s *Service) AskAgain(ctx context.Context, ref SignupRef) error {
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := shareTurn(ctx, tx); err != nil {
			return err
		}
		row, err := holdLinked(ctx, tx, ref)
		if err != nil || row.State == SignupConfirmed || row.State == SignupDeclined || row.open(s.clock()) {
			return err
		}
		return s.againTx(ctx, tx, row)
	})
	if errs.Is(err, errs.Conflict) {
		return nil
	}
	return err
}

// ResendSignup is AskAgain for an admin, who may do so before the link expires and hears why not: errs.Conflict.
func (s *Service) ResendSignup(ctx context.Context, listID, id int64) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := shareTurn(ctx, tx); err != nil {
			return err
		}
		row, err := holdSignup(ctx, tx, id)
		if err == nil && !slices.Contains(row.ListIDs, listID) {
			err = errs.New(errs.NotFound, "list %d has no sign-up %d", listID, id)
		}
		switch {
		case err != nil:
			return err
		case row.EmailKey == "":
			return errs.New(errs.Conflict, "the address is not known any more")
		case row.State == SignupConfirmed || row.State == SignupDone:
			return errs.New(errs.Conflict, "%s is on the list already", row.Email)
		case row.State == SignupDeclined:
			return errs.New(errs.Conflict, "they said that they had not signed up, so no more messages go to them; they can sign up again themselves when %d days have passed",
				int(MailsPerListSpan.Hours()/24))
		case row.State == SignupPending || row.State == SignupSending || row.State == SignupReceived:
			return errs.New(errs.Conflict, "a message is waiting to be sent already")
		}
		return s.againTx(ctx, tx, row)
	})
}

// againTx makes another sign-up of one, with all that was filled in, and puts its mail into the queue. errs.Conflict says why no mail may be sent.
func (s *Service) againTx(ctx context.Context, tx pgx.Tx, row signup) error {
	var id int64
	err := tx.QueryRow(ctx, `
		INSERT INTO signups (form_id, source, list_ids, language, email, email_key, name, attributes, evidence, mailbox_key, state, created_at, updated_at)
		SELECT form_id, source, list_ids, language, email, email_key, name, attributes, evidence, mailbox_key, 'received', $2, $2 FROM signups WHERE id = $1 RETURNING id`,
		row.ID, s.clock()).Scan(&id)
	if err != nil {
		return fmt.Errorf("repeating sign-up %d: %w", row.ID, err)
	}
	again, err := getSignup(ctx, tx, id, "")
	if err != nil {
		return err
	}
	return s.settleTx(ctx, tx, again, settling{again: true, strict: true})
}

// requestConfirmation asks a person to confirm their subscriptions to lists, in the caller's transaction, which holds the mailbox. errs.Conflict says why no mail may be sent.
func (s *Service) requestConfirmation(ctx context.Context, tx pgx.Tx, subscriberID int64, listIDs []int64, source string) error {
	if len(listIDs) == 0 {
		return errs.InvalidField("send_confirmation", "there is no list to confirm")
	}
	n := newSignup{source: source, subscriberID: &subscriberID, listIDs: listIDs}
	err := tx.QueryRow(ctx, `SELECT email, email_key FROM subscribers WHERE id = $1`, subscriberID).Scan(&n.email, &n.emailKey)
	if err != nil {
		return fmt.Errorf("asking subscriber %d to confirm: %w", subscriberID, err)
	}
	id, err := s.insertSignup(ctx, tx, n)
	if err != nil {
		return err
	}
	row, err := getSignup(ctx, tx, id, "")
	if err != nil {
		return err
	}
	return s.settleTx(ctx, tx, row, settling{strict: true})
}
