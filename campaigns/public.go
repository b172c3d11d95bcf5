package campaigns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/events"
	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/templates"
)

// testSeq is the seq of test messages. There is no such delivery, so their links work and leave no trace in the figures.
const testSeq = 0

// recipient is who a token leads to.
type recipient struct {
	subscriberID int64
	email        string
	emailKey     string // email normalised; only addressee fills it
	person       templates.Person
	data         map[string]any // of a message
	forgotten    bool           // it is not kept any more
}

func (s *Service) recipient(ctx context.Context, ref events.Ref) (recipient, error) {
	var r recipient
	var name *string
	var attributes, data []byte
	err := s.d.Pool.QueryRow(ctx, `
		SELECT d.subscriber_id, d.email, COALESCE(NULLIF(m.to_name, ''), s.name), s.attributes, m.data, COALESCE(m.forgotten, false) FROM deliveries d
		LEFT JOIN subscribers s ON s.id = d.subscriber_id LEFT JOIN messages m ON m.id = d.message_id
		WHERE d.campaign_id = $1 AND d.seq = $2`, ref.CampaignID, ref.Seq).Scan(&r.subscriberID, &r.email, &name, &attributes, &data, &r.forgotten)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, errs.New(errs.NotFound, "this link belongs to a mailing that does not exist any more")
	}
	if err != nil {
		return r, fmt.Errorf("looking up a delivery: %w", err)
	}
	if r.data, err = templates.DecodeData(data); err != nil {
		return r, fmt.Errorf("reading the data of a message: %w", err)
	}
	r.person = templates.Person{ID: r.subscriberID, Email: r.email}
	if name != nil {
		r.person.Name = *name
	}
	if len(attributes) > 0 {
		if err := json.Unmarshal(attributes, &r.person.Attributes); err != nil {
			return r, fmt.Errorf("reading the attributes of subscriber %d: %w", r.subscriberID, err)
		}
	}
	return r, nil
}

// addressee is recipient for what somebody asks for: when the person of the delivery was deleted since, it is whoever has the address now. Otherwise somebody who was
// imported once more could not leave by the mail that they have.
func (s *Service) addressee(ctx context.Context, ref events.Ref) (recipient, error) {
	r, err := s.recipient(ctx, ref)
	if err != nil {
		return r, err
	}
	address, invalid := addr.Normalize(r.email)
	r.emailKey = address.Key
	_, err = s.d.Audience.GetSubscriber(ctx, r.subscriberID)
	if !errs.Is(err, errs.NotFound) {
		return r, err
	}
	if invalid != nil {
		return r, fmt.Errorf("the address of delivery %d of campaign %d: %w", ref.Seq, ref.CampaignID, invalid)
	}
	now, err := s.d.Audience.FindSubscriber(ctx, address.Key)
	if err == nil {
		r.subscriberID = now.ID
	} else if errs.Is(err, errs.NotFound) {
		err = nil
	}
	return r, err
}

// UnsubscribeInfo tells the unsubscribe page whom it is about. It changes nothing.
func (s *Service) UnsubscribeInfo(ctx context.Context, token string) (UnsubscribeInfo, error) {
	ref, err := s.d.Tokens.Parse(events.Unsubscribe, token)
	if err != nil {
		return UnsubscribeInfo{}, err
	}
	set, err := s.d.Settings.Get(ctx)
	if err != nil {
		return UnsubscribeInfo{}, err
	}
	info := UnsubscribeInfo{Organization: set.Organization, PostalAddress: set.PostalAddress, ListNames: []string{}}
	if ref.Seq == testSeq {
		info.Email = "test message"
		return info, nil
	}
	r, err := s.addressee(ctx, ref)
	if err != nil {
		return info, err
	}
	info.Email = mask(r.email)
	var on int
	var suppressed bool
	err = s.d.Pool.QueryRow(ctx, `
		SELECT COALESCE(array_agg(l.name ORDER BY l.name), '{}'), count(*) FILTER (WHERE su.status <> 'unsubscribed'),
			EXISTS (SELECT FROM suppressions WHERE email_key = COALESCE((SELECT email_key FROM subscribers WHERE id = $2), $3))
		FROM campaign_lists cl JOIN lists l ON l.id = cl.list_id
		JOIN subscriptions su ON su.list_id = cl.list_id AND su.subscriber_id = $2
		WHERE cl.campaign_id = $1`, ref.CampaignID, r.subscriberID, r.emailKey).Scan(&info.ListNames, &on, &suppressed)
	if err != nil {
		return info, fmt.Errorf("reading the subscriptions behind a link: %w", err)
	}
	// Who is on none of the lists any more, since they were taken off or deleted, can leave all the same: an import might bring them back.
	info.Already = on == 0 && (len(info.ListNames) > 0 || suppressed || r.emailKey == audience.ErasedAddress)
	last, err := s.d.Audience.LastUnsubscribe(ctx, ref.CampaignID, ref.Seq)
	if errs.Is(err, errs.NotFound) {
		return info, nil
	}
	info.Left, info.Everything, info.Explained = err == nil && info.Already, last.Everything, last.Reason != ""
	return info, err
}

// Unsubscribe takes the person off the lists that the campaign went to (RFC 8058 §3.2). It may be called any number of times. It is effective for mail that
// is already queued.
func (s *Service) Unsubscribe(ctx context.Context, token, source string) error {
	return s.leave(ctx, token, source, false)
}

// UnsubscribeFromAll takes the person off all lists and suppresses the address, which keeps it from being mailed whatever list it is put on later.
func (s *Service) UnsubscribeFromAll(ctx context.Context, token, source string) error {
	return s.leave(ctx, token, source, true)
}

func (s *Service) leave(ctx context.Context, token, source string, everything bool) error {
	ref, err := s.d.Tokens.Parse(events.Unsubscribe, token)
	if err != nil || ref.Seq == testSeq {
		return err
	}
	r, err := s.addressee(ctx, ref)
	if err != nil {
		return err
	}
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		_, err := s.leaveTx(ctx, tx, ref, audience.Leave{SubscriberID: r.subscriberID, EmailKey: r.emailKey, Everything: everything, Source: source})
		return err
	})
}

// leaveTx takes a person off the lists of a campaign, or off all, and notes it.
func (s *Service) leaveTx(ctx context.Context, tx pgx.Tx, ref events.Ref, l audience.Leave) (left bool, err error) {
	l.CampaignID, l.Seq = ref.CampaignID, ref.Seq
	if l.ListIDs, err = campaignLists(ctx, tx, ref.CampaignID); err != nil {
		return false, err
	}
	if left, err = s.d.Audience.LeaveTx(ctx, tx, l); err != nil || !left {
		return false, err
	}
	return true, s.noteLeftTx(ctx, tx, ref, l.SubscriberID, l.Source)
}

func (s *Service) noteLeftTx(ctx context.Context, tx pgx.Tx, ref events.Ref, subscriberID int64, source string) error {
	return s.d.Events.RecordTx(ctx, tx, []events.Event{{
		Kind: events.KindUnsubscribe, CampaignID: ref.CampaignID, Seq: ref.Seq, SubscriberID: subscriberID, Detail: source,
	}})
}

// UndoUnsubscribe takes back the last unsubscribe by this link. It is false when there is none. What was skipped meanwhile is not sent any more.
func (s *Service) UndoUnsubscribe(ctx context.Context, token, source string) (undone bool, err error) {
	ref, err := s.d.Tokens.Parse(events.Unsubscribe, token)
	if err != nil || ref.Seq == testSeq {
		return false, err
	}
	r, err := s.addressee(ctx, ref)
	if err != nil {
		return false, err
	}
	err = pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		undone, err = s.d.Audience.ReturnTx(ctx, tx, ref.CampaignID, ref.Seq, r.emailKey, source)
		return err
	})
	return undone, err
}

// ExplainUnsubscribe notes why somebody left by this link. For a test message it does nothing.
func (s *Service) ExplainUnsubscribe(ctx context.Context, token, reason, comment string) error {
	ref, err := s.d.Tokens.Parse(events.Unsubscribe, token)
	if err != nil || ref.Seq == testSeq {
		return err
	}
	return s.d.Audience.ExplainUnsubscribe(ctx, ref.CampaignID, ref.Seq, reason, comment)
}

// mask shows enough of an address for its owner to know it, and too little for anybody else: "j…@example.org".
func mask(email string) string {
	at := strings.LastIndexByte(email, '@')
	if at <= 0 {
		return "…"
	}
	local := []rune(email[:at])
	return string(local[:1]) + "…" + email[at:]
}
