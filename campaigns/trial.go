package campaigns

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"time"

	"postrider/internal/errs"
	"postrider/sender"
	"postrider/sender/smtpconn"
	"postrider/templates"
)

// mostTestRecipients of one test send.
const mostTestRecipients = 5

// TestSend is a test of a campaign.
type TestSend struct {
	To           []string
	SubscriberID int64 // whose data the messages show; 0 takes somebody from the campaign's lists, or a made-up person
	RelayID      int64 // one of the campaign's relays; 0 takes for each address the one that the campaign would take
	Variant      int   // of an A/B test; 0 takes the first
}

// SendTest sends the campaign as it stands to a few addresses at once. Test messages are not in the ledger. What keeps the campaign from starting keeps it
// from being tested, in the same words; only lists it needs none.
func (s *Service) SendTest(ctx context.Context, id int64, in TestSend) ([]TestResult, error) {
	if err := checkTestRecipients(in.To); err != nil {
		return nil, err
	}
	c, err := s.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if in.RelayID != 0 && !slices.Contains(c.RelayIDs, in.RelayID) {
		return nil, errs.InvalidField("relay_id", "relay %d is none of this campaign's relays; name one of those, or leave it out", in.RelayID)
	}
	if _, err := c.Input.Variant(in.Variant); err != nil {
		return nil, err
	}
	if len(c.ListIDs) == 0 {
		c.ListIDs = []int64{0} // a test needs no list
	}
	relays, frozen, err := s.check(ctx, c)
	if err != nil {
		return nil, err
	}
	p, err := prepareTest(id, frozen, in.Variant)
	if err != nil {
		return nil, err
	}
	return s.sendOutside(ctx, c, in, relays, p)
}

// Notice is a mail to the people who run the service, such as a reminder. Text is written as it is.
type Notice struct {
	To                  []string
	Subject, Text       string
	FromName, FromEmail string
	RelayIDs            []int64
}

// SendNotice sends a notice as a test is sent: at once, to each address on its own, in no ledger. It tries once.
func (s *Service) SendNotice(ctx context.Context, n Notice) ([]TestResult, error) {
	if err := checkTestRecipients(n.To); err != nil {
		return nil, err
	}
	c := Campaign{Input: Input{Name: n.Subject, Subject: literal(n.Subject), Text: literal(n.Text), FromName: n.FromName, FromEmail: n.FromEmail, RelayIDs: n.RelayIDs, ListIDs: []int64{0}}}
	relays, frozen, err := s.check(ctx, c)
	if err != nil {
		return nil, err
	}
	p, err := prepare(0, frozen)
	if err != nil {
		return nil, err
	}
	return s.sendOutside(ctx, c, TestSend{To: n.To}, relays, p)
}

// literal is text that says nothing to Liquid.
func literal(s string) string {
	return strings.NewReplacer("{{", "{ {", "{%", "{ %").Replace(s)
}

// sendOutside sends content to a few addresses, outside of the ledger.
func (s *Service) sendOutside(ctx context.Context, c Campaign, in TestSend, relays []sender.Relay, p *prepared) ([]TestResult, error) {
	_, from, err := s.d.Sender.RelaysFor(ctx, c.RelayIDs, sender.DomainOf(c.FromEmail))
	if err != nil {
		return nil, err
	}
	person, err := s.Person(ctx, in.SubscriberID, c.ListIDs)
	if err != nil {
		return nil, err
	}
	results := make([]TestResult, len(in.To))
	for i, addr := range in.To {
		one := claimed{campaignID: c.ID, Seq: testSeq, Email: addr, Attempts: 1, FirstTriedAt: s.d.Now(), person: person}
		if results[i], err = s.sendOneTest(ctx, p, s.testRelay(relays, in.RelayID, addr), from, one); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// prepareTest gives what a test message of a variant is made of. The links in it have the numbers that they will have.
func prepareTest(id int64, f frozenContent, variant int) (*prepared, error) {
	f.Subject = "[Test] " + f.Subject
	for i := range f.Variants {
		f.Variants[i].Subject = "[Test] " + f.Variants[i].Subject
	}
	p, err := prepare(id, f)
	if err != nil || variant < 2 {
		return p, err
	}
	return p.variant(int16(variant))
}

func checkTestRecipients(to []string) error {
	if len(to) == 0 || len(to) > mostTestRecipients {
		return errs.InvalidField("to", "give between 1 and %d addresses", mostTestRecipients)
	}
	for _, addr := range to {
		if a, err := mail.ParseAddress(addr); err != nil || a.Address != addr {
			return errs.InvalidField("to", "%q is not an e-mail address", addr)
		}
	}
	return nil
}

// testRelay gives the relay that was asked for, else the one that the campaign would take for an address: of those that take the recipient the first that can
// be used now, a backup where there is no other. When none can be used it is the first that is no backup, and its answer says why.
//
// Invariant: one of the relays takes every recipient, which check sees to.
func (s *Service) testRelay(relays []sender.Relay, asked int64, addr string) sender.Relay {
	if asked != 0 {
		return relayOf(relays, &asked)
	}
	domain := sender.DomainOf(addr)
	site := s.d.Sender.Site(domain)
	var fit []*outlet
	for _, r := range relays {
		if r.TakesRecipient(domain, site) {
			o := &outlet{relay: r}
			o.again, o.busy = s.notBefore(r, s.d.Now())
			fit = append(fit, o)
		}
	}
	if usable, _ := usableOutlets(fit, s.d.Now()); len(usable) > 0 {
		return usable[0].relay
	}
	usual := max(0, slices.IndexFunc(fit, func(o *outlet) bool { return !o.relay.Backup() }))
	return fit[usual].relay
}

func (s *Service) sendOneTest(ctx context.Context, p *prepared, relay sender.Relay, from sender.FromDomain, one claimed) (TestResult, error) {
	buf := getBuffer()
	defer putBuffer(buf)
	msg, err := s.build(ctx, p, relay, one, buf)
	if err != nil {
		return TestResult{}, err
	}
	// A paused relay is left alone, and a try through an account that has sent all it may can make its block longer. A window does not keep from testing.
	held, err := s.d.Sender.Holdup(ctx, relay)
	if err != nil {
		return TestResult{}, err
	}
	if held != nil && (held.Code == sender.HoldupPaused || held.Code == sender.HoldupBlocked) {
		return testResult(one.Email, relay, smtpconn.Outcome{}, &sender.Unavailable{Relay: relay.Name, Until: held.Until, Err: errors.New(held.Reason)}), nil
	}
	if err := s.d.Sender.SpendOne(ctx, relay, from); err != nil {
		return testResult(one.Email, relay, smtpconn.Outcome{}, err), nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	outcome, err := s.d.Pools.Send(ctx, relay, msg)
	return testResult(one.Email, relay, outcome, err), nil
}

func testResult(to string, relay sender.Relay, o smtpconn.Outcome, err error) TestResult {
	r := TestResult{To: to, RelayID: relay.ID, RelayName: relay.Name, OK: err == nil && o.State == smtpconn.Accepted, Code: o.Reply.Code, Reply: o.Reply.String()}
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

// madeUp is the person whom a preview shows where there is nobody.
var madeUp = templates.Person{Email: "jane.doe@example.com", Name: "Jane Doe", Attributes: map[string]any{}}

// Person gives the data that a preview or a test shows: of the subscriber asked for, else of somebody in the lists, else of a made-up one.
func (s *Service) Person(ctx context.Context, subscriberID int64, listIDs []int64) (templates.Person, error) {
	if subscriberID != 0 {
		sub, err := s.d.Audience.GetSubscriber(ctx, subscriberID)
		return templates.Person{ID: sub.ID, Email: sub.Email, Name: sub.Name, Attributes: sub.Attributes}, err
	}
	sub, err := s.d.Audience.SampleSubscriber(ctx, listIDs)
	if errs.Is(err, errs.NotFound) {
		return madeUp, nil
	}
	return templates.Person{ID: sub.ID, Email: sub.Email, Name: sub.Name, Attributes: sub.Attributes}, err
}

// previewLinks are the addresses in a preview: real in form, leading nowhere.
type previewLinks struct{ base string }

func (p previewLinks) Open() string        { return p.base + "/t/o/preview.gif" }
func (p previewLinks) Click(int) string    { return p.base + "/t/c/preview" }
func (p previewLinks) Unsubscribe() string { return p.base + "/u/preview" }
func (p previewLinks) Preferences() string { return p.base + "/p/preview" }

// PreviewVars gives what a preview of content shows: the person, the organisation, and links that lead nowhere.
func (s *Service) PreviewVars(ctx context.Context, subscriberID int64, campaignID int64) (templates.Vars, error) {
	set, err := s.d.Settings.Get(ctx)
	if err != nil {
		return templates.Vars{}, err
	}
	urls := previewLinks{strings.TrimSuffix(set.PublicURL, "/")}
	v := templates.Vars{Organization: set.Organization, PostalAddress: set.PostalAddress, UnsubscribeURL: urls.Unsubscribe(), PreferencesURL: urls.Preferences()}
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
