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

// How often somebody wants mail at most. A week counts six and a half days and a month twenty-seven and a half: who wants one a week still gets what goes out at
// the same hour of each week, and who wants one a month what goes out each fourth week.
const (
	FrequencyAll     = "all"
	FrequencyWeekly  = "weekly"
	FrequencyMonthly = "monthly"
)

// PauseMonths are how long people can pause, in months; 0 ends a pause.
var PauseMonths = []int{0, 1, 3, 6}

// Pause is a time without mail, which ends by itself. Source says by which link, or who, it came.
type Pause struct {
	Until  time.Time
	Since  time.Time
	Source string
}

// Frequency is how often somebody wants mail at most: FrequencyWeekly or FrequencyMonthly.
type Frequency struct {
	Limit  string
	Since  time.Time
	Source string
}

// Preferences are what somebody sees on their preference page. Lists are those they are on, or were, that are public or among the lists that they came from; who
// wants no mail at all is shown as unsubscribed from each. Suppression is nil unless the address is never mailed.
type Preferences struct {
	Lists       []PreferenceList
	PausedUntil *time.Time
	Frequency   string
	NoTracking  bool // whether they open and follow links is not to be seen
	Suppression *Suppression
}

// PreferenceList is a list on the preference page.
type PreferenceList struct {
	ID          int64
	Name        string
	Description string
	Status      string
}

// OptedOut says that the person wants no mail at all.
func (p Preferences) OptedOut() bool {
	return p.Suppression != nil && p.Suppression.Reason == ReasonUnsubscribe
}

// PreferenceChange is what somebody chose on the preference page of delivery Seq of a campaign. Shown are the lists that they were shown, On those of them that
// they want; lists that are not theirs to choose are passed over. PauseMonths is nil to leave a pause as it is.
type PreferenceChange struct {
	SubscriberID  int64
	CampaignID    int64
	Seq           int32
	CampaignLists []int64
	Shown, On     []int64
	PauseMonths   *int
	Frequency     string
	NoTracking    bool
	Source        string
}

// Preferences gives what a person may choose. campaignLists are the lists of the campaign whose link they followed.
func (s *Service) Preferences(ctx context.Context, subscriberID int64, campaignLists []int64) (Preferences, error) {
	return preferences(ctx, s.pool, subscriberID, campaignLists)
}

func preferences(ctx context.Context, db pg.DB, subscriberID int64, campaignLists []int64) (Preferences, error) {
	people, err := loadSubscribers(ctx, db, []int64{subscriberID})
	if err != nil {
		return Preferences{}, err
	}
	if len(people) == 0 {
		return Preferences{}, noSubscriber(subscriberID)
	}
	who := people[0]
	p := Preferences{Frequency: FrequencyAll, NoTracking: who.NoTracking, Suppression: who.Suppression}
	if who.Frequency != nil {
		p.Frequency = who.Frequency.Limit
	}
	if who.Pause != nil {
		p.PausedUntil = &who.Pause.Until
	}
	p.Lists, err = pg.Many[PreferenceList](ctx, db, "lists of a person", `
		SELECT l.id, l.name, l.description, CASE WHEN $3 THEN 'unsubscribed' ELSE s.status END AS status
		FROM subscriptions s JOIN lists l ON l.id = s.list_id
		WHERE s.subscriber_id = $1 AND (l.public OR l.id = ANY ($2::bigint[])) ORDER BY lower(l.name), l.id`, subscriberID, campaignLists, p.OptedOut())
	return p, err
}

// SetPreferencesTx does what somebody chose, in the caller's transaction. left says that they left a list. Whoever wants a list again is mailed again, also after
// having wanted no mail at all; who has not confirmed yet confirms by that, for only their mail holds the link.
func (s *Service) SetPreferencesTx(ctx context.Context, tx pgx.Tx, c PreferenceChange) (left bool, err error) {
	if err := c.check(); err != nil {
		return false, err
	}
	// One change of a person at a time.
	if err := tx.QueryRow(ctx, `SELECT id FROM subscribers WHERE id = $1 FOR UPDATE`, c.SubscriberID).Scan(&c.SubscriberID); err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			return false, noSubscriber(c.SubscriberID)
		}
		return false, fmt.Errorf("changing the preferences of subscriber %d: %w", c.SubscriberID, err)
	}
	now, err := preferences(ctx, tx, c.SubscriberID, c.CampaignLists)
	if err != nil {
		return false, err
	}
	var joined, gone []int64
	for _, l := range now.Lists {
		switch on := slices.Contains(c.On, l.ID); {
		case !slices.Contains(c.Shown, l.ID):
		case on && l.Status != StatusSubscribed:
			joined = append(joined, l.ID)
		case !on && l.Status != StatusUnconfirmed:
			gone = append(gone, l.ID) // also what is behind the status shown to those who want no mail at all
		}
	}
	if err := s.joinTx(ctx, tx, c, joined, now.OptedOut()); err != nil {
		return false, err
	}
	left, err = s.LeaveTx(ctx, tx, Leave{SubscriberID: c.SubscriberID, ListIDs: gone, Source: c.Source, CampaignID: c.CampaignID, Seq: c.Seq})
	if err != nil {
		return false, err
	}
	return left, s.setPaceTx(ctx, tx, c)
}

// joinTx puts somebody back on lists. Who had wanted no mail at all must not find themselves on lists that they were not shown: they are off all, since they left all.
func (s *Service) joinTx(ctx context.Context, tx pgx.Tx, c PreferenceChange, lists []int64, optedOut bool) error {
	if len(lists) == 0 {
		return nil
	}
	if optedOut {
		if _, err := tx.Exec(ctx, `UPDATE subscriptions SET status = 'unsubscribed', source = $2, updated_at = $3 WHERE subscriber_id = $1 AND status <> 'unsubscribed'`,
			c.SubscriberID, c.Source, s.clock()); err != nil {
			return fmt.Errorf("unsubscribing subscriber %d: %w", c.SubscriberID, err)
		}
		if err := liftOptOut(ctx, tx, c.SubscriberID); err != nil {
			return fmt.Errorf("lifting the suppression of subscriber %d: %w", c.SubscriberID, err)
		}
	}
	_, err := tx.Exec(ctx, `UPDATE subscriptions SET status = 'subscribed', source = $3, updated_at = $4 WHERE subscriber_id = $1 AND list_id = ANY ($2)`,
		c.SubscriberID, lists, c.Source, s.clock())
	if err != nil {
		return fmt.Errorf("subscribing %d: %w", c.SubscriberID, err)
	}
	return nil
}

// setPaceTx sets pause, frequency and tracking. What stays as it is keeps its evidence.
func (s *Service) setPaceTx(ctx context.Context, tx pgx.Tx, c PreferenceChange) error {
	now := s.clock()
	var until *time.Time
	if c.PauseMonths != nil && *c.PauseMonths > 0 {
		t := now.AddDate(0, *c.PauseMonths, 0)
		until = &t
	}
	_, err := tx.Exec(ctx, `
		UPDATE subscribers SET
			paused_until = CASE WHEN $2 THEN $3 ELSE paused_until END,
			paused_at = CASE WHEN NOT $2 THEN paused_at WHEN $3::timestamptz IS NOT NULL THEN $5::timestamptz END,
			paused_source = CASE WHEN NOT $2 THEN paused_source WHEN $3::timestamptz IS NOT NULL THEN $6 END,
			no_tracking = $7,
			frequency = NULLIF($4, 'all'),
			frequency_at = CASE WHEN frequency = $4 THEN frequency_at WHEN $4 <> 'all' THEN $5::timestamptz END,
			frequency_source = CASE WHEN frequency = $4 THEN frequency_source WHEN $4 <> 'all' THEN $6 END
		WHERE id = $1`, c.SubscriberID, c.PauseMonths != nil, until, c.Frequency, now, c.Source, c.NoTracking)
	if err != nil {
		return fmt.Errorf("setting pause, frequency and tracking of subscriber %d: %w", c.SubscriberID, err)
	}
	return nil
}

func (c PreferenceChange) check() error {
	var f errs.Fields
	if c.PauseMonths != nil && !slices.Contains(PauseMonths, *c.PauseMonths) {
		f.Add("pause", "choose no pause, or one of 1, 3 or 6 months")
	}
	if !slices.Contains([]string{FrequencyAll, FrequencyWeekly, FrequencyMonthly}, c.Frequency) {
		f.Add("frequency", "choose everything, one a week or one a month")
	}
	return f.Err("this choice is not possible")
}

// LiftPause lets a person have mail again before their pause ends. Without a pause it is NotFound.
func (s *Service) LiftPause(ctx context.Context, subscriberID int64) (Subscriber, error) {
	tag, err := s.pool.Exec(ctx, `UPDATE subscribers SET paused_until = NULL, paused_at = NULL, paused_source = NULL WHERE id = $1 AND paused_until > now()`, subscriberID)
	if err != nil {
		return Subscriber{}, fmt.Errorf("lifting the pause of subscriber %d: %w", subscriberID, err)
	}
	who, err := s.GetSubscriber(ctx, subscriberID)
	if err == nil && tag.RowsAffected() == 0 {
		err = errs.New(errs.NotFound, "%s has no pause", who.Email)
	}
	return who, err
}

// FindSubscriber gives the person who has an address now. It is NotFound when there is none.
func (s *Service) FindSubscriber(ctx context.Context, emailKey string) (Subscriber, error) {
	var id int64
	err := s.pool.QueryRow(ctx, `SELECT id FROM subscribers WHERE email_key = $1`, emailKey).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return Subscriber{}, errs.New(errs.NotFound, "there is no subscriber with this address")
	}
	if err != nil {
		return Subscriber{}, fmt.Errorf("looking for a subscriber: %w", err)
	}
	return s.GetSubscriber(ctx, id)
}
