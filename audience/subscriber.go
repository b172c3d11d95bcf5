package audience

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Limits of a subscriber's data: characters of a name and of an attribute's name, attributes, and bytes of all of them as JSON.
const (
	maxName          = 500
	maxAttributeName = 64
	maxAttributes    = 500
	maxAttributeJSON = 1 << 20
)

// Subscriber is a person. Attributes are whatever the owner keeps about them, values as JSON has them. Suppression is nil for those who may be mailed, Pause for
// those who want mail now, Frequency for those who want all of it.
type Subscriber struct {
	ID            int64
	Email         string
	Name          string
	Attributes    map[string]any
	CreatedAt     time.Time
	UpdatedAt     time.Time
	Suppression   *Suppression
	Pause         *Pause
	Frequency     *Frequency
	Subscriptions []Subscription
	// NoTracking says that this person's mail carries neither pixel nor counted links, and that nothing is recorded by those of earlier mail.
	NoTracking bool
}

// NewSubscriber is what CreateSubscriber needs. Status and Source are those of the subscriptions to ListIDs; "" means subscribed, by an admin.
type NewSubscriber struct {
	Email      string
	Name       string
	Attributes map[string]any
	ListIDs    []int64
	Status     string
	Source     string
	NoTracking bool
	// SendConfirmation asks the person by mail to confirm the lists, which have to be StatusUnconfirmed.
	SendConfirmation bool
}

// SubscriberUpdate replaces what is known about a person.
type SubscriberUpdate struct {
	Email      string
	Name       string
	Attributes map[string]any
	NoTracking *bool // nil leaves it as it is
}

// GetSubscriber gives one person with the subscriptions, by list name, and the suppression.
func (s *Service) GetSubscriber(ctx context.Context, id int64) (Subscriber, error) {
	subs, err := loadSubscribers(ctx, s.pool, []int64{id})
	if err != nil {
		return Subscriber{}, err
	}
	if len(subs) == 0 {
		return Subscriber{}, noSubscriber(id)
	}
	return subs[0], nil
}

// CreateSubscriber adds a person, on lists or on none. An address that is there already, or was erased, is a Conflict. A custom field that does not exist yet is made.
func (s *Service) CreateSubscriber(ctx context.Context, n NewSubscriber) (Subscriber, error) {
	p, err := s.cleanPerson(ctx, 0, n.Email, n.Name, n.Attributes)
	if err != nil {
		return Subscriber{}, err
	}
	if n.Status == "" {
		n.Status = StatusSubscribed
	}
	if n.Source == "" {
		n.Source = SourceAdmin
	}
	if err := checkStatus(n.Status); err != nil {
		return Subscriber{}, err
	}
	if err := checkConfirmation(n.SendConfirmation, n.Status); err != nil {
		return Subscriber{}, err
	}
	now := s.clock()
	var id int64
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if n.SendConfirmation { // before the person, as whoever settles a sign-up does
			if err := lockMailbox(ctx, tx, mailboxKey(p.address.Key)); err != nil {
				return err
			}
		}
		if err := s.admitTx(ctx, tx, p, now); err != nil {
			return err
		}
		err := tx.QueryRow(ctx, `INSERT INTO subscribers (email, email_key, name, attributes, no_tracking, created_at, updated_at)
			VALUES ($1, $2, $3, $4, $6, $5, $5) RETURNING id`, p.address.Display, p.address.Key, p.name, p.attributes, now, n.NoTracking).Scan(&id)
		if err != nil {
			return subscriberError(err, p.address)
		}
		err = s.subscribeTx(ctx, tx, subscribing{SubscriberID: id, ListIDs: n.ListIDs, Status: n.Status, Source: n.Source})
		if errs.Is(err, errs.NotFound) {
			return errs.InvalidField("list_ids", "one of these lists does not exist")
		}
		if err == nil && n.SendConfirmation {
			err = s.requestConfirmation(ctx, tx, id, n.ListIDs, n.Source)
		}
		return err
	})
	if err != nil {
		return Subscriber{}, err
	}
	return s.GetSubscriber(ctx, id)
}

// UpdateSubscriber replaces address, name and all attributes of a person, and says whether they are tracked.
func (s *Service) UpdateSubscriber(ctx context.Context, id int64, n SubscriberUpdate) (Subscriber, error) {
	p, err := s.cleanPerson(ctx, id, n.Email, n.Name, n.Attributes)
	if err != nil {
		return Subscriber{}, err
	}
	now := s.clock()
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := s.admitTx(ctx, tx, p, now); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `UPDATE subscribers SET email = $2, email_key = $3, name = $4, attributes = $5, updated_at = $6, no_tracking = COALESCE($7, no_tracking)
			WHERE id = $1`, id, p.address.Display, p.address.Key, p.name, p.attributes, now, n.NoTracking)
		if err != nil {
			return subscriberError(err, p.address)
		}
		if tag.RowsAffected() == 0 {
			return noSubscriber(id)
		}
		return nil
	})
	if err != nil {
		return Subscriber{}, err
	}
	return s.GetSubscriber(ctx, id)
}

// SetTracking says whether opens and clicks of a person are counted. It is effective for mail that is queued, and by the links of mail that went before.
func (s *Service) SetTracking(ctx context.Context, id int64, allowed bool) error {
	tag, err := s.pool.Exec(ctx, `
		UPDATE subscribers SET no_tracking = NOT $2, updated_at = CASE WHEN no_tracking = $2 THEN $3 ELSE updated_at END WHERE id = $1`, id, allowed, s.clock())
	if err != nil {
		return fmt.Errorf("changing the tracking of subscriber %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return noSubscriber(id)
	}
	return nil
}

// DeleteSubscriber deletes a person with all subscriptions and what they wrote about leaving. What was sent to them stays in the campaigns' ledgers, and a
// suppression of the address stays in force. With their subscriptions it would be forgotten that they left a list, so whoever had is suppressed.
func (s *Service) DeleteSubscriber(ctx context.Context, id int64) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return s.deleteTx(ctx, tx, id) })
}

func (s *Service) deleteTx(ctx context.Context, tx pgx.Tx, id int64) error {
	if err := mergeTurn(ctx, tx); err != nil {
		return err
	}
	if err := lockPeople(ctx, tx, []int64{id}); err != nil {
		return err
	}
	if err := suppressLeft(ctx, tx, []int64{id}, s.clock()); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `DELETE FROM subscribers WHERE id = $1`, id)
	if err == nil && tag.RowsAffected() == 0 {
		return noSubscriber(id)
	}
	if err == nil {
		_, err = tx.Exec(ctx, `UPDATE unsubscribes SET comment = '' WHERE subscriber_id = $1 AND comment <> ''`, id)
	}
	if err != nil {
		return fmt.Errorf("deleting subscriber %d: %w", id, err)
	}
	return nil
}

// lockPeople keeps everything about people from being changed by others until the transaction ends.
//
// Invariant: whoever writes about people locks, of what it writes, first their rows in subscribers (several in the order of their ids), then bulk_changes, subscriptions and
// suppressions. Bulk actions and their undoing, the undoing of imports and deletions lock them by this; whoever changes one person's subscriptions or suppression, such as by
// leaving, locks the person FOR KEY SHARE at least. So of two of them one waits for the other before it has looked at anything, and none waits in a circle.
func lockPeople(ctx context.Context, tx pgx.Tx, ids []int64) error {
	if _, err := tx.Exec(ctx, `SELECT FROM subscribers WHERE id = ANY ($1) ORDER BY id FOR UPDATE`, ids); err != nil {
		return fmt.Errorf("locking people: %w", err)
	}
	return nil
}

// SourceDeleted is the source of a suppression by which it is kept in mind that somebody had left, when they were deleted.
const SourceDeleted = "deleted"

// suppressLeft suppresses the addresses of those of the people who left a list. A suppression that is there already is not to be lifted by the undoing of the bulk action
// that made it, since from now on it is what remembers that they left, and which lists: whoever confirms another one later has still left these.
func suppressLeft(ctx context.Context, tx pgx.Tx, ids []int64, now time.Time) error {
	err := keepSuppressed(ctx, tx, `SELECT u.email_key FROM subscribers u
		WHERE u.id = ANY ($1) AND (SELECT true FROM subscriptions s WHERE s.subscriber_id = u.id AND s.status = 'unsubscribed' LIMIT 1) IS NOT NULL`, ids)
	if err == nil {
		_, err = tx.Exec(ctx, `
			INSERT INTO suppressions AS x (email_key, reason, source, detail, created_at, left_lists)
			SELECT u.email_key, 'unsubscribe', 'deleted', 'had left ' || string_agg(l.name, ', ' ORDER BY lower(l.name)) || ' before they were deleted', $2, array_agg(l.id ORDER BY l.id)
			FROM subscribers u JOIN subscriptions s ON s.subscriber_id = u.id JOIN lists l ON l.id = s.list_id
			WHERE u.id = ANY ($1) AND s.status = 'unsubscribed' GROUP BY u.id ORDER BY u.email_key
			ON CONFLICT (email_key) DO UPDATE SET left_lists = ARRAY(SELECT DISTINCT unnest(x.left_lists || excluded.left_lists) ORDER BY 1)`, ids, now)
	}
	if err != nil {
		return fmt.Errorf("suppressing those who had left: %w", err)
	}
	return nil
}

func noSubscriber(id int64) error { return errs.New(errs.NotFound, "there is no subscriber %d", id) }

// person is what is stored of a person, checked.
type person struct {
	address    addr.Address
	name       string
	attributes []byte
	missing    []Field // that the attributes need
}

// cleanPerson checks what is said about the person with the id, or about a new one when it is 0. What the person has in a field already passes in any case.
func (s *Service) cleanPerson(ctx context.Context, id int64, email, name string, attributes map[string]any) (person, error) {
	var (
		f      errs.Fields
		p      person
		before map[string]any
		err    error
	)
	if len(attributes) > 0 {
		fields, err := fieldsByName(ctx, s.pool)
		if err != nil {
			return p, err
		}
		if id != 0 {
			err := s.pool.QueryRow(ctx, `SELECT attributes FROM subscribers WHERE id = $1`, id).Scan(&before)
			if err != nil && !errors.Is(err, pgx.ErrNoRows) {
				return p, fmt.Errorf("reading subscriber %d: %w", id, err)
			}
		}
		typed, missing := typedAttributes(&f, fields, attributes, before)
		for name := range attributes {
			if attributeNameProblem(name) != "" {
				typed[name] = nil // for cleanAttributes to refuse
			}
		}
		attributes, p.missing = typed, missing
	}
	if p.address, err = addr.Normalize(email); err != nil {
		f.Add("email", "%s", publicText(err))
	}
	p.name = cleanLine(&f, "name", name, maxName)
	p.attributes = cleanAttributes(&f, attributes)
	return p, f.Err("the subscriber is not valid")
}

// admitTx makes the fields that a person needs, and keeps out who was erased, also when they have signed up since and not confirmed it.
func (s *Service) admitTx(ctx context.Context, tx pgx.Tx, p person, now time.Time) error {
	gone, err := s.ErasedTx(ctx, tx, p.address.Key)
	if err != nil {
		return err
	}
	if gone {
		e := onlyThemselves()
		e.Fields = []errs.Field{{Name: "email", Message: "the data of the person with this address was erased"}}
		return e
	}
	_, err = insertFields(ctx, tx, p.missing, now)
	return err
}

// onlyThemselves refuses to put an erased person on a list.
func onlyThemselves() *errs.E {
	return errs.New(errs.Conflict, "the person with this address had their data erased, and can be added again only by signing up themselves")
}

// cleanAttributes gives the attributes as JSON that Postgres can hold.
func cleanAttributes(f *errs.Fields, attributes map[string]any) []byte {
	if len(attributes) == 0 {
		return []byte("{}")
	}
	if len(attributes) > maxAttributes {
		f.Add("attributes", "there are %d attributes; at most %d are allowed", len(attributes), maxAttributes)
	}
	for name := range attributes {
		if problem := attributeNameProblem(name); problem != "" {
			f.Add("attributes", "the attribute %q %s", name, problem)
		}
	}
	b, err := json.Marshal(attributes)
	switch {
	case err != nil:
		f.Add("attributes", "these are not JSON values")
	case len(b) > maxAttributeJSON:
		f.Add("attributes", "the attributes have %d bytes; at most %d are allowed", len(b), maxAttributeJSON)
	case bytes.Contains(bytes.ReplaceAll(b, []byte(`\\`), nil), []byte(`\u0000`)):
		f.Add("attributes", "a value holds a NUL character, which cannot be stored")
	}
	return b
}

// attributeNameProblem says what is wrong with the name of an attribute, "" for nothing. Names are used in templates, so that they are like
// identifiers.
func attributeNameProblem(name string) string {
	switch {
	case name == "":
		return "has no name"
	case utf8.RuneCountInString(name) > maxAttributeName:
		return fmt.Sprintf("has a name over %d characters", maxAttributeName)
	case !utf8.ValidString(name), strings.ContainsFunc(name, func(r rune) bool { return !attributeRune(r) }):
		return "has a name that a template cannot use: use letters, digits, _ and - only"
	}
	return ""
}

func attributeRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) || r == '_' || r == '-'
}

// publicText is the text of an error for people.
func publicText(err error) string {
	var e *errs.E
	if errors.As(err, &e) {
		return e.Public
	}
	return "this is not valid"
}

// asField points an Invalid error at a field.
func asField(name string, err error) error {
	return errs.InvalidField(name, "%s", publicText(err))
}

func subscriberError(err error, a addr.Address) error {
	if pg.Violation(err) == "subscribers_email_key" {
		e := errs.Because(errs.Conflict, err, "%s is a subscriber already", a.Display)
		e.Fields = []errs.Field{{Name: "email", Message: "there is a subscriber with this address already"}}
		return e
	}
	return fmt.Errorf("writing subscriber: %w", err)
}

// loadSubscribers reads people with their subscriptions and suppressions, in the order of ids; those who are not there are left out.
func loadSubscribers(ctx context.Context, db pg.DB, ids []int64) ([]Subscriber, error) {
	rows, err := pg.Many[subscriberRow](ctx, db, "subscribers", `
		SELECT u.id, u.email, u.name, u.attributes, u.created_at, u.updated_at, u.no_tracking,
		       x.email_key AS suppressed_key, x.reason, x.source, x.detail, x.created_at AS suppressed_at,
		       CASE WHEN u.paused_until > now() THEN u.paused_until END AS paused_until, u.paused_at, u.paused_source,
		       u.frequency, u.frequency_at, u.frequency_source
		FROM subscribers u LEFT JOIN LATERAL (
			SELECT email_key, reason, source, detail, created_at FROM suppressions
			WHERE email_key IN (u.email_key, substring(u.email_key FROM '@[^@]*$')) ORDER BY email_key LIKE '@%' LIMIT 1) x ON true
		WHERE u.id = ANY ($1)`, ids)
	if err != nil {
		return nil, err
	}
	subs, err := pg.Many[subscriptionRow](ctx, db, "subscriptions", `
		SELECT s.subscriber_id, s.list_id, l.name AS list_name, s.status, s.source, s.created_at, s.updated_at
		FROM subscriptions s JOIN lists l ON l.id = s.list_id WHERE s.subscriber_id = ANY ($1) ORDER BY lower(l.name), l.id`, ids)
	if err != nil {
		return nil, err
	}
	byPerson := map[int64][]Subscription{}
	for _, s := range subs {
		byPerson[s.SubscriberID] = append(byPerson[s.SubscriberID], s.subscription())
	}
	people := make([]Subscriber, 0, len(rows))
	for _, r := range rows {
		people = append(people, r.subscriber(byPerson[r.ID]))
	}
	at := make(map[int64]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	slices.SortFunc(people, func(a, b Subscriber) int { return at[a.ID] - at[b.ID] })
	return people, nil
}

type subscriberRow struct {
	ID            int64
	Email         string
	Name          string
	Attributes    map[string]any
	CreatedAt     time.Time
	UpdatedAt     time.Time
	NoTracking    bool
	SuppressedKey *string
	Reason        *string
	Source        *string
	Detail        *string
	SuppressedAt  *time.Time

	PausedUntil     *time.Time
	PausedAt        *time.Time
	PausedSource    *string
	Frequency       *string
	FrequencyAt     *time.Time
	FrequencySource *string
}

func (r subscriberRow) subscriber(subs []Subscription) Subscriber {
	p := Subscriber{ID: r.ID, Email: r.Email, Name: r.Name, Attributes: r.Attributes, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		Subscriptions: subs, NoTracking: r.NoTracking}
	if p.Subscriptions == nil {
		p.Subscriptions = []Subscription{}
	}
	if r.SuppressedKey != nil {
		p.Suppression = &Suppression{Email: *r.SuppressedKey, Reason: *r.Reason, Source: *r.Source, Detail: *r.Detail, CreatedAt: r.SuppressedAt.UTC()}
	}
	if r.PausedUntil != nil {
		p.Pause = &Pause{Until: r.PausedUntil.UTC(), Since: r.PausedAt.UTC(), Source: *r.PausedSource}
	}
	if r.Frequency != nil {
		p.Frequency = &Frequency{Limit: *r.Frequency, Since: r.FrequencyAt.UTC(), Source: *r.FrequencySource}
	}
	return p
}
