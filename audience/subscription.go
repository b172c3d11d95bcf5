package audience

import (
	"context"
	"fmt"
	"slices"
	"time"

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

// SetSubscription puts a person on a list with a status, whatever it was before, and gives the person. Setting the status that is there keeps its evidence.
func (s *Service) SetSubscription(ctx context.Context, subscriberID, listID int64, status, source string) (Subscriber, error) {
	if err := checkStatus(status); err != nil {
		return Subscriber{}, err
	}
	_, err := s.pool.Exec(ctx, `INSERT INTO subscriptions (list_id, subscriber_id, status, source, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)
		ON CONFLICT (list_id, subscriber_id) DO UPDATE SET status = excluded.status, source = excluded.source, updated_at = excluded.updated_at
		WHERE subscriptions.status <> excluded.status`, listID, subscriberID, status, source, s.clock())
	switch {
	case pg.Violation(err) == "subscriptions_list_id_fkey":
		return Subscriber{}, errs.New(errs.NotFound, "there is no list %d", listID)
	case pg.Violation(err) == "subscriptions_subscriber_id_fkey":
		return Subscriber{}, noSubscriber(subscriberID)
	case err != nil:
		return Subscriber{}, fmt.Errorf("subscribing %d to list %d: %w", subscriberID, listID, err)
	}
	return s.GetSubscriber(ctx, subscriberID)
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

// listsError maps what went wrong when a new person was put on lists.
func listsError(err error) error {
	if pg.Violation(err) == "subscriptions_list_id_fkey" {
		e := errs.InvalidField("list_ids", "one of these lists does not exist")
		e.Err = err
		return e
	}
	if err != nil {
		return fmt.Errorf("subscribing: %w", err)
	}
	return nil
}

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
