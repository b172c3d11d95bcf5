package campaigns

import (
	"context"
	"errors"
	"strings"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/sender"
	"postrider/templates"
)

// RawPreview is a message that is not sent.
type RawPreview struct {
	// Content is what is shown; of Campaign come the sender, the relay, the lists and the tracking, 0 for none.
	Input        Input
	CampaignID   int64
	SubscriberID int64
}

// Header is one field of a message, unfolded.
type Header struct{ Name, Value string }

// Raw composes the message that a person would get, on the way that real ones go, and signs it where there is a key. Its links belong to no delivery.
func (s *Service) Raw(ctx context.Context, in RawPreview) ([]Header, []byte, error) {
	c := Campaign{ID: in.CampaignID, Input: in.Input}
	if in.CampaignID != 0 {
		stored, err := s.Get(ctx, in.CampaignID)
		if err != nil {
			return nil, nil, err
		}
		c.Name, c.ListIDs, c.RelayIDs, c.TrackOpens, c.TrackClicks = stored.Name, stored.ListIDs, stored.RelayIDs, stored.TrackOpens, stored.TrackClicks
		if c.FromEmail == "" {
			c.FromName, c.FromEmail, c.ReplyTo = stored.FromName, stored.FromEmail, stored.ReplyTo
		}
	}
	var f errs.Fields
	checkFrom(&f, c.Input)
	if err := f.Err("a message needs a sender"); err != nil {
		return nil, nil, err
	}
	content, err := s.buildContent(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	frozen, err := s.freezeContent(ctx, c, content)
	if err != nil {
		return nil, nil, err
	}
	return s.rawOf(ctx, c, frozen, in.SubscriberID)
}

func (s *Service) rawOf(ctx context.Context, c Campaign, frozen frozenContent, subscriberID int64) ([]Header, []byte, error) {
	if frozen.PublicURL == "" {
		frozen.PublicURL = "https://example.invalid" // nothing is set yet, and it leads nowhere anyway
	}
	p, err := prepare(c.ID, frozen)
	if err != nil {
		return nil, nil, err
	}
	raw, err := s.composeOnce(ctx, p, c, subscriberID)
	if err != nil {
		return nil, nil, err
	}
	return headersOf(raw), raw, nil
}

func (s *Service) composeOnce(ctx context.Context, p *prepared, c Campaign, subscriberID int64) ([]byte, error) {
	person, err := s.Person(ctx, subscriberID, c.ListIDs)
	if err != nil {
		return nil, err
	}
	relay := sender.Relay{DKIM: sender.DKIMSign}
	relays, err := s.d.Sender.GetRelays(ctx, c.RelayIDs)
	if err != nil {
		return nil, err
	}
	if len(relays) > 0 {
		relay = relays[0]
	}
	buf := getBuffer()
	defer putBuffer(buf)
	one := claimed{campaignID: c.ID, Seq: testSeq, Email: person.Email, Attempts: 1, FirstTriedAt: s.d.Now(), person: person}
	msg, err := s.build(ctx, p, relay, one, buf)
	if unsigned := (*unsignable)(nil); errors.As(err, &unsigned) {
		relay.DKIM = ""
		msg, err = s.build(ctx, p, relay, one, buf)
	}
	if err != nil {
		return nil, err
	}
	return append(append([]byte(nil), msg.Header...), msg.Body...), nil
}

// headersOf reads the header of a message in its order (RFC 5322 §2.2.3).
func headersOf(raw []byte) []Header {
	var out []Header
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if line == "" {
			break
		}
		if (line[0] == ' ' || line[0] == '\t') && len(out) > 0 {
			out[len(out)-1].Value += " " + strings.TrimLeft(line, " \t")
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		out = append(out, Header{name, strings.TrimLeft(value, " ")})
	}
	return out
}

// FieldsUse says for each field that a campaign shows without a default how many of its recipients have none.
func (s *Service) FieldsUse(ctx context.Context, id int64) (audience.Profile, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return audience.Profile{}, err
	}
	content, err := s.d.Templates.Build(ctx, c.source())
	if err != nil {
		return audience.Profile{}, err
	}
	fields, err := templates.BareFields(content)
	if err != nil || len(fields) == 0 {
		return audience.Profile{}, err
	}
	choice, err := s.choice(ctx, c.Input)
	if err != nil {
		return audience.Profile{}, err
	}
	return s.d.Audience.ProfileChoice(ctx, choice, id, fields)
}
