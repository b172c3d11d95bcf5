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

// Statuses of a subscription. Only subscribed people are mailed; unconfirmed ones have not answered the opt-in mail yet. StatusSuppressed is no status of a
// subscription, but people can be filtered by it.
const (
	StatusSubscribed   = "subscribed"
	StatusUnconfirmed  = "unconfirmed"
	StatusUnsubscribed = "unsubscribed"
	StatusSuppressed   = "suppressed"
)

// Subscription is a person on a list. Source says where the consent came from, UpdatedAt since when Status is what it is.
type Subscription struct {
	ListID    int64
	ListName  string
	Status    string
	Source    string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// SetSubscription puts a person on a list with a status, whatever it was before, and gives the person. Setting the status that is there keeps its evidence. Somebody who was
// erased, and has signed up since without confirming it yet, can only be taken off: errs.Conflict.
func (s *Service) SetSubscription(ctx context.Context, subscriberID, listID int64, status, source string) (Subscriber, error) {
	return s.setSubscription(ctx, subscriberID, listID, status, source, false)
}

// AskSubscription is SetSubscription with StatusUnconfirmed, the only one that is valid here, and asks the person by mail to confirm. errs.Conflict says why no mail may be
// sent; then nothing changes.
func (s *Service) AskSubscription(ctx context.Context, subscriberID, listID int64, status, source string) (Subscriber, error) {
	if err := checkConfirmation(true, status); err != nil {
		return Subscriber{}, err
	}
	return s.setSubscription(ctx, subscriberID, listID, status, source, true)
}

func (s *Service) setSubscription(ctx context.Context, subscriberID, listID int64, status, source string, ask bool) (Subscriber, error) {
	if err := checkStatus(status); err != nil {
		return Subscriber{}, err
	}
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.mayBeSet(ctx, tx, subscriberID, status, ask); err != nil {
			return err
		}
		err := s.subscribeTx(ctx, tx, subscribing{SubscriberID: subscriberID, ListIDs: []int64{listID}, Status: status, Source: source})
		if err == nil && ask {
			err = s.requestConfirmation(ctx, tx, subscriberID, []int64{listID}, source)
		}
		return err
	})
	if err != nil {
		return Subscriber{}, err
	}
	return s.GetSubscriber(ctx, subscriberID)
}

// mayBeSet keeps erased people off lists. A mailbox that is to be asked is held before anything of the person, as whoever settles a sign-up does.
func (s *Service) mayBeSet(ctx context.Context, tx pgx.Tx, subscriberID int64, status string, ask bool) error {
	if status == StatusUnsubscribed {
		return nil
	}
	var key string
	err := tx.QueryRow(ctx, `SELECT email_key FROM subscribers WHERE id = $1`, subscriberID).Scan(&key)
	if errors.Is(err, pgx.ErrNoRows) {
		return noSubscriber(subscriberID)
	}
	if err != nil {
		return fmt.Errorf("reading subscriber %d: %w", subscriberID, err)
	}
	if gone, err := s.ErasedTx(ctx, tx, key); err != nil {
		return err
	} else if gone {
		return onlyThemselves()
	}
	if ask {
		return lockMailbox(ctx, tx, mailboxKey(key))
	}
	return nil
}

// checkConfirmation refuses to ask for what is not open: only who has not confirmed yet can.
func checkConfirmation(ask bool, status string) error {
	if ask && status != StatusUnconfirmed {
		return errs.InvalidField("send_confirmation", "only people with the status unconfirmed can be asked to confirm")
	}
	return nil
}

// DeleteSubscription takes a person off a list without a trace, as if they had never been on it, and gives the person. To keep the memory that they do
// not want mail, set the status unsubscribed.
func (s *Service) DeleteSubscription(ctx context.Context, subscriberID, listID int64) (Subscriber, error) {
	tag, err := s.pool.Exec(ctx, `DELETE FROM subscriptions WHERE list_id = $1 AND subscriber_id = $2`, listID, subscriberID)
	if err != nil {
		return Subscriber{}, fmt.Errorf("taking %d off list %d: %w", subscriberID, listID, err)
	}
	if tag.RowsAffected() == 0 {
		return Subscriber{}, errs.New(errs.NotFound, "subscriber %d is not on list %d", subscriberID, listID)
	}
	return s.GetSubscriber(ctx, subscriberID)
}

func checkStatus(status string) error {
	if !slices.Contains([]string{StatusSubscribed, StatusUnconfirmed, StatusUnsubscribed}, status) {
		return errs.InvalidField("status", "%q is not a status: use subscribed, unconfirmed or unsubscribed", status)
	}
	return nil
}

// subscribing is how a person comes on lists.
type subscribing struct {
	SubscriberID int64
	ListIDs      []int64
	Status       string
	Source       string
	Evidence     *Evidence // nil when nothing more is known
}

// subscribeTx puts a person on lists, whatever they were before. A subscription that has the status already keeps its evidence. Person and lists are held, so
// that neither is deleted meanwhile: no foreign key does that (migration 23).
func (s *Service) subscribeTx(ctx context.Context, tx pgx.Tx, n subscribing) error {
	if len(n.ListIDs) == 0 {
		return nil
	}
	if err := tx.QueryRow(ctx, `SELECT id FROM subscribers WHERE id = $1 FOR KEY SHARE`, n.SubscriberID).Scan(new(int64)); errors.Is(err, pgx.ErrNoRows) {
		return noSubscriber(n.SubscriberID)
	} else if err != nil {
		return fmt.Errorf("subscribing %d: %w", n.SubscriberID, err)
	}
	rows, err := tx.Query(ctx, `SELECT id FROM lists WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE`, n.ListIDs)
	if err != nil {
		return fmt.Errorf("subscribing %d: %w", n.SubscriberID, err)
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("subscribing %d: %w", n.SubscriberID, err)
	}
	for _, id := range n.ListIDs {
		if !slices.Contains(there, id) {
			return noList(id)
		}
	}
	if n.Status == StatusUnsubscribed {
		if err := noteLeft(ctx, tx, Leave{SubscriberID: n.SubscriberID, ListIDs: n.ListIDs}); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `INSERT INTO subscriptions (list_id, subscriber_id, status, source, evidence, created_at, updated_at)
		SELECT l, $2, $3, $4, $6, $5, $5 FROM unnest($1::bigint[]) AS l
		ON CONFLICT (list_id, subscriber_id) DO UPDATE
		SET status = excluded.status, source = excluded.source, import_id = NULL, evidence = excluded.evidence, updated_at = excluded.updated_at
		WHERE subscriptions.status <> excluded.status`, there, n.SubscriberID, n.Status, n.Source, s.clock(), n.Evidence)
	if err != nil {
		return fmt.Errorf("subscribing %d: %w", n.SubscriberID, err)
	}
	return nil
}

func noList(id int64) error { return errs.New(errs.NotFound, "there is no list %d", id) }

type subscriptionRow struct {
	SubscriberID int64
	ListID       int64
	ListName     string
	Status       string
	Source       string
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

func (r subscriptionRow) subscription() Subscription {
	return Subscription{ListID: r.ListID, ListName: r.ListName, Status: r.Status, Source: r.Source, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC()}
}
