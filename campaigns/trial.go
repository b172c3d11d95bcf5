package campaigns

import (
	"context"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"postrider/internal/errs"
	"postrider/sender"
	"postrider/sender/smtpconn"
	"postrider/templates"
)

// mostTestRecipients of one test send.
const mostTestRecipients = 5

// SendTest sends the campaign as it stands to a few addresses at once, through the first of its relays. Test messages are not in the ledger. subscriberID chooses whose
// data they show; 0 takes somebody from the campaign's lists, or a made-up person.
func (s *Service) SendTest(ctx context.Context, id int64, to []string, subscriberID int64) ([]TestResult, error) {
	if len(to) == 0 || len(to) > mostTestRecipients {
		return nil, errs.InvalidField("to", "give between 1 and %d addresses", mostTestRecipients)
	}
	for _, addr := range to {
		if a, err := mail.ParseAddress(addr); err != nil || a.Address != addr {
			return nil, errs.InvalidField("to", "%q is not an e-mail address", addr)
		}
	}
	c, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(c.ListIDs) == 0 {
		c.ListIDs = []int64{0} // a test needs no list
	}
	relays, frozen, err := s.check(ctx, c)
	if err != nil {
		return nil, err
	}
	relay := relays[0]
	_, from, err := s.d.Sender.RelaysFor(ctx, c.RelayIDs, sender.DomainOf(c.FromEmail))
	if err != nil {
		return nil, err
	}
	frozen.Subject = "[Test] " + frozen.Subject
	p, err := prepare(id, frozen)
	if err != nil {
		return nil, err
	}
	person, err := s.Person(ctx, subscriberID, c.ListIDs)
	if err != nil {
		return nil, err
	}
	results := make([]TestResult, len(to))
	for i, addr := range to {
		one := claimed{campaignID: id, Seq: testSeq, Email: addr, Attempts: 1, FirstTriedAt: s.d.Now(), person: person}
		buf := getBuffer()
		msg, err := s.build(ctx, p, relay, one, buf)
		if err != nil {
			putBuffer(buf)
			return nil, err
		}
		if err := s.d.Sender.SpendOne(ctx, relay, from); err != nil {
			putBuffer(buf)
			results[i] = testResult(addr, smtpconn.Outcome{}, err)
			continue
		}
		sendCtx, cancel := context.WithTimeout(ctx, 30*time.Second)
		outcome, err := s.d.Pools.Send(sendCtx, relay, msg)
		cancel()
		putBuffer(buf)
		results[i] = testResult(addr, outcome, err)
	}
	return results, nil
}

func testResult(to string, o smtpconn.Outcome, err error) TestResult {
	r := TestResult{To: to, OK: err == nil && o.State == smtpconn.Accepted, Code: o.Reply.Code, Reply: o.Reply.String()}
	switch {
	case err != nil:
		r.Reply = err.Error()
	case o.State == smtpconn.InDoubt:
		r.Reply = "the message went out, but the server did not answer; it may have arrived"
	case o.State == smtpconn.NotSent:
		r.Reply = fmt.Sprintf("the connection broke before the message was sent: %v", o.Err)
	}
	return r
}

// Person gives the data that a preview or a test shows: of the subscriber asked for, else of somebody in the lists, else of a made-up one.
func (s *Service) Person(ctx context.Context, subscriberID int64, listIDs []int64) (templates.Person, error) {
	if subscriberID != 0 {
		sub, err := s.d.Audience.GetSubscriber(ctx, subscriberID)
		return templates.Person{ID: sub.ID, Email: sub.Email, Name: sub.Name, Attributes: sub.Attributes}, err
	}
	sub, err := s.d.Audience.SampleSubscriber(ctx, listIDs)
	if errs.Is(err, errs.NotFound) {
		return templates.Person{Email: "jane.doe@example.com", Name: "Jane Doe", Attributes: map[string]any{}}, nil
	}
	return templates.Person{ID: sub.ID, Email: sub.Email, Name: sub.Name, Attributes: sub.Attributes}, err
}

// previewLinks are the addresses in a preview: real in form, leading nowhere.
type previewLinks struct{ base string }

func (p previewLinks) Open() string        { return p.base + "/t/o/preview.gif" }
func (p previewLinks) Click(int) string    { return p.base + "/t/c/preview" }
func (p previewLinks) Unsubscribe() string { return p.base + "/u/preview" }

// PreviewVars gives what a preview of content shows: the person, the organisation, and links that lead nowhere.
func (s *Service) PreviewVars(ctx context.Context, subscriberID int64, campaignID int64) (templates.Vars, error) {
	set, err := s.d.Settings.Get(ctx)
	if err != nil {
		return templates.Vars{}, err
	}
	v := templates.Vars{Organization: set.Organization, PostalAddress: set.PostalAddress, UnsubscribeURL: previewLinks{strings.TrimSuffix(set.PublicURL, "/")}.Unsubscribe()}
	var lists []int64
	if campaignID != 0 {
		c, err := s.Get(ctx, campaignID)
		if err != nil {
			return v, err
		}
		lists = c.ListIDs
		v.Campaign = templates.CampaignVars{Name: c.Name, Subject: c.Subject}
	}
	v.Subscriber, err = s.Person(ctx, subscriberID, lists)
	return v, err
}

// Sample gives the first message of a started campaign as it went out, made anew.
func (s *Service) Sample(ctx context.Context, id int64) ([]byte, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	content, err := s.content(ctx, id)
	if err != nil {
		return nil, err
	}
	relays, err := s.d.Sender.GetRelays(ctx, c.RelayIDs)
	if err != nil {
		return nil, err
	}
	if len(relays) == 0 {
		return nil, errs.New(errs.Conflict, "the relay of campaign %d was deleted", id)
	}
	person, err := s.Person(ctx, 0, c.ListIDs)
	if err != nil {
		return nil, err
	}
	buf := getBuffer()
	defer putBuffer(buf)
	msg, err := s.build(ctx, content, relays[0], claimed{campaignID: id, Seq: 1, Email: person.Email, Attempts: 1, FirstTriedAt: s.d.Now(), person: person}, buf)
	if err != nil {
		return nil, err
	}
	return append(append([]byte(nil), msg.Header...), msg.Body...), nil
}
