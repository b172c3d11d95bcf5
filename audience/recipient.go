package audience

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Recipient is whom a program writes to: somebody by their number, or whoever has an address.
type Recipient struct {
	SubscriberID int64
	Email, Name  string
}

// FoundRecipient is who that is. Name is the recipient's, in one line. Suppressed is the reason for which the address is never mailed, "" for none; Err, an *errs.E with its field, is why it is nobody.
type FoundRecipient struct {
	ID          int64
	Email, Name string
	Suppressed  string
	Err         error
}

// RecipientsTx finds the people whom a program writes to, in its order. An address that nobody has becomes a person on no list: that gives no consent to anything. Nobody of
// them can be erased or deleted until the transaction ends.
func (s *Service) RecipientsTx(ctx context.Context, tx pgx.Tx, in []Recipient) ([]FoundRecipient, error) {
	found, addresses := make([]FoundRecipient, len(in)), make([]addr.Address, len(in))
	ids, names := []int64{}, map[string]addressee{}
	for i, r := range in {
		a, name, err := cleanRecipient(r)
		found[i] = FoundRecipient{Name: name, Err: err}
		switch {
		case err != nil:
		case r.SubscriberID != 0:
			ids = append(ids, r.SubscriberID)
		default:
			addresses[i], names[a.Key] = a, addressee{a.Display, name}
		}
	}
	keys := make([]string, 0, len(names))
	for key := range names {
		keys = append(keys, key)
	}
	gone, err := s.erased(ctx, tx, keys)
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return gone[key] })
	slices.Sort(keys)
	people, err := heldPeople(ctx, tx, ids, keys, names, s.clock())
	if err != nil {
		return nil, err
	}
	for i, r := range in {
		if found[i].Err != nil {
			continue
		}
		name := found[i].Name
		found[i] = people.find(r, addresses[i].Key, gone)
		found[i].Name = name
	}
	return found, people.markSuppressed(ctx, tx, found)
}

type addressee struct{ email, name string }

func cleanRecipient(r Recipient) (addr.Address, string, error) {
	var f errs.Fields
	var a addr.Address
	if r.SubscriberID == 0 {
		var err error
		if a, err = addr.Normalize(r.Email); err != nil {
			f.Add("email", "%s", publicText(err))
		}
	}
	name := cleanLine(&f, "name", r.Name, maxName)
	return a, name, f.Err("this is nobody to write to")
}

// heldPerson is somebody who cannot go until the transaction ends.
type heldPerson struct {
	ID              int64
	Email, EmailKey string
}

type recipients struct {
	byID  map[int64]heldPerson
	byKey map[string]heldPerson
}

// heldPeople reads people by number and by address, and makes those who are missing. keys are sorted, so that of two who make the same people one waits for the other.
func heldPeople(ctx context.Context, tx pgx.Tx, ids []int64, keys []string, names map[string]addressee, now time.Time) (recipients, error) {
	all := recipients{byID: map[int64]heldPerson{}, byKey: map[string]heldPerson{}}
	read := func() error {
		rows, err := pg.Many[heldPerson](ctx, tx, "recipients", `
			SELECT id, email, email_key FROM subscribers WHERE id = ANY ($1) OR email_key = ANY ($2) ORDER BY id FOR KEY SHARE`, ids, keys)
		for _, r := range rows {
			all.byID[r.ID], all.byKey[r.EmailKey] = r, r
		}
		return err
	}
	if err := read(); err != nil {
		return all, err
	}
	var newKeys, emails, theirNames []string
	for _, key := range keys {
		if _, known := all.byKey[key]; !known {
			newKeys, emails, theirNames = append(newKeys, key), append(emails, names[key].email), append(theirNames, names[key].name)
		}
	}
	if len(newKeys) == 0 {
		return all, nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO subscribers (email, email_key, name, created_at, updated_at)
		SELECT n.email, n.key, n.name, $4, $4 FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS n (key, email, name, place) ORDER BY n.place
		ON CONFLICT (email_key) DO NOTHING`, newKeys, emails, theirNames, now)
	if err != nil {
		return all, fmt.Errorf("adding recipients: %w", err)
	}
	return all, read()
}

func (p recipients) find(r Recipient, key string, gone map[string]bool) FoundRecipient {
	person, known := p.byKey[key]
	if r.SubscriberID != 0 {
		person, known = p.byID[r.SubscriberID]
	}
	switch {
	case known:
		return FoundRecipient{ID: person.ID, Email: person.Email}
	case gone[key]:
		e := onlyThemselves()
		e.Fields = []errs.Field{{Name: "email", Message: "the data of the person with this address was erased"}}
		return FoundRecipient{Err: e}
	case r.SubscriberID != 0:
		return FoundRecipient{Err: errs.InvalidField("subscriber_id", "there is no subscriber %d", r.SubscriberID)}
	}
	return FoundRecipient{Err: errs.New(errs.Unavailable, "the person with this address is being deleted or erased at this moment: try again")}
}

// markSuppressed notes who is never mailed. What is said of the address comes before what is said of its domain.
func (p recipients) markSuppressed(ctx context.Context, tx pgx.Tx, found []FoundRecipient) error {
	var keys []string
	for _, f := range found {
		if f.Err == nil {
			key := p.byID[f.ID].EmailKey
			keys = append(keys, key, key[strings.LastIndexByte(key, '@'):])
		}
	}
	rows, err := pg.Many[struct{ EmailKey, Reason string }](ctx, tx, "suppressions", `SELECT email_key, reason FROM suppressions WHERE email_key = ANY ($1)`, keys)
	if err != nil || len(rows) == 0 {
		return err
	}
	reasons := make(map[string]string, len(rows))
	for _, r := range rows {
		reasons[r.EmailKey] = r.Reason
	}
	for i := range found {
		if found[i].Err != nil {
			continue
		}
		key := p.byID[found[i].ID].EmailKey
		found[i].Suppressed = strongest(reasons[key], reasons[key[strings.LastIndexByte(key, '@'):]])
	}
	return nil
}

// strongest of two reasons: that somebody left stands in the way of less than all others.
func strongest(address, domain string) string {
	if address == "" || address == ReasonUnsubscribe && domain != "" {
		return domain
	}
	return address
}

// StopsMessages says whether a suppression for a reason keeps back a message that a program sends to one person. Whoever left still gets those, but for ones that can be
// unsubscribed from.
func StopsMessages(reason string, unsubscribable bool) bool {
	return reason != "" && (reason != ReasonUnsubscribe || unsubscribable)
}

// MessageLeftSQL is LeftSQL for such messages: lists and a pause have no say in them. unsubscribable is a boolean SQL expression.
func MessageLeftSQL(subscribers, unsubscribable string) string {
	return strings.NewReplacer("{u}", subscribers, "{unsubscribable}", unsubscribable).Replace(`CASE
		WHEN (SELECT true FROM suppressions left_x WHERE left_x.email_key IN ({u}.email_key, substr({u}.email_key, strpos({u}.email_key, '@')))
			AND (left_x.reason <> 'unsubscribe' OR {unsubscribable}) LIMIT 1) IS NOT NULL THEN 'suppressed' END`)
}
