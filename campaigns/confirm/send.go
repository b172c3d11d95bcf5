package confirm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"postrider/audience"
	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/settings"
	"postrider/sender"
	"postrider/sender/message"
	"postrider/sender/presets"
	"postrider/sender/reply"
	"postrider/sender/smtpconn"
	"postrider/templates"
)

// When deferred mail is tried again: after a minute, twice as long each time, at most half an hour. Where only a person can help it is looked at each minute.
const (
	firstRetry = time.Minute
	mostRetry  = 30 * time.Minute
	lookAgain  = time.Minute
	// recordWithin is for how long a result is tried to be recorded. After that the row tells of a dot without a reply.
	recordWithin = 30 * time.Second
)

// Send makes one attempt to send the mail of a sign-up. again says after how long there has to be another one; 0 is the end.
func (s *Service) Send(ctx context.Context, signupID int64) (again time.Duration, err error) {
	c, err := s.d.Audience.ClaimConfirmation(ctx, signupID)
	if errs.Is(err, errs.NotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	result, again := s.attempt(ctx, c)
	if result.State == audience.SignupPending && s.d.Now().Add(again).After(c.TryUntil) {
		result.State, again = audience.SignupFailed, 0
	}
	// Also when the job's time is over: what came of a mail that was sent must be known.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	if err := s.d.Audience.RecordConfirmation(ctx, signupID, c.Attempt, result); err != nil {
		return 0, err
	}
	return again, nil
}

// later is a result that leaves the mail waiting, with the reason.
func later(format string, args ...any) audience.ConfirmationResult {
	return audience.ConfirmationResult{State: audience.SignupPending, Reply: fmt.Sprintf(format, args...)}
}

// attempt sends the mail and says what came of it.
func (s *Service) attempt(ctx context.Context, c audience.Confirmation) (audience.ConfirmationResult, time.Duration) {
	set, err := s.d.Settings.Get(ctx)
	if err != nil {
		return later("the settings could not be read"), lookAgain
	}
	m := confirmation{to: c.Email, ref: audience.NewSignupRef(c.SignupID, c.CreatedAt), language: c.Language, optIn: c.OptIn.OptInInput, listNames: c.ListNames, set: set}
	m.days = int(math.Ceil(c.ExpiresAt.Sub(s.d.Now()).Hours() / 24))
	relay, from, held, err := s.route(ctx, m)
	switch {
	case err != nil:
		return later("%s", publicText(err)), lookAgain
	case held != nil:
		return later("waiting for the relay %s: %s", relay.Name, held.Reason), s.wait(held.Until)
	}
	msg, err := s.build(ctx, m, relay)
	if err != nil {
		return later("the message could not be made: %s", publicText(err)), mostRetry
	}
	if err := s.d.Sender.SpendOne(ctx, relay, from); err != nil {
		return later("%s", err), s.wait(untilOf(err))
	}
	msg.BeforeDot = func() error { return s.d.Audience.DotConfirmation(ctx, c.SignupID, c.Attempt) }
	outcome, err := s.d.Pools.Send(ctx, relay, msg)
	if err != nil {
		return later("%s", err), s.wait(untilOf(err))
	}
	return judge(relay, outcome, c.Attempt)
}

// judge reads a server's answer as campaigns do.
func judge(relay sender.Relay, o smtpconn.Outcome, attempt int) (audience.ConfirmationResult, time.Duration) {
	r := audience.ConfirmationResult{RelayID: relay.ID, Code: o.Reply.Code, Reply: o.Reply.String()}
	backOff := min(firstRetry<<min(attempt-1, 10), mostRetry)
	switch o.State {
	case smtpconn.Accepted:
		r.State = audience.SignupSent
		return r, 0
	case smtpconn.InDoubt:
		r.State, r.Reply = audience.SignupUncertain, "the connection ended after the whole message was sent and before the server answered; it may have been delivered"
		return r, 0
	case smtpconn.NotSent:
		r.State, r.Reply = audience.SignupPending, fmt.Sprintf("the connection broke before the message was sent: %v", o.Err)
		for _, never := range []error{smtpconn.ErrEnvelope, smtpconn.ErrBareLineEnd, smtpconn.ErrNotSevenBit} {
			if errors.Is(o.Err, never) {
				r.State = audience.SignupFailed
				return r, 0
			}
		}
		return r, backOff
	}
	switch class := presets.Classify(relay.PresetKey(), o.Reply); class.Action {
	case reply.ActionSuppress:
		r.State, r.Suppress = audience.SignupFailed, true
	case reply.ActionBounce, reply.ActionFail:
		r.State = audience.SignupFailed
	default:
		r.State = audience.SignupPending
		return r, max(class.RetryAfter, backOff)
	}
	return r, 0
}

func (s *Service) wait(until time.Time) time.Duration {
	return min(max(until.Sub(s.d.Now()), lookAgain/6), mostRetry)
}

// untilOf gives when a relay that could not be used can be.
func untilOf(err error) time.Time {
	var u *sender.Unavailable
	if errors.As(err, &u) {
		return u.Until
	}
	return time.Time{}
}

func publicText(err error) string {
	var e *errs.E
	if errors.As(err, &e) && e.Kind != errs.Internal {
		return e.Public
	}
	return err.Error()
}

// confirmation is what one message is made of.
type confirmation struct {
	to        string
	ref       audience.SignupRef
	language  string // of the form
	optIn     audience.OptInInput
	listNames []string
	days      int
	set       settings.Settings
}

func (m confirmation) from() (name, email string) {
	if m.optIn.FromEmail != "" {
		return m.optIn.FromName, m.optIn.FromEmail
	}
	return cmp.Or(m.optIn.FromName, m.set.DefaultFromName), m.set.DefaultFromEmail
}

// build makes the message and signs it.
func (s *Service) build(ctx context.Context, m confirmation, relay sender.Relay) (sender.Message, error) {
	var none sender.Message
	compiled, err := templates.Compile(source(m.optIn, m.language), templates.Options{})
	if err != nil {
		return none, err
	}
	var r templates.Rendered
	// Nothing that was filled in is shown but the address: a stranger may have filled it in, to have us send it.
	err = compiled.Render(&r, templates.Vars{
		Subscriber: templates.Person{Email: m.to}, Organization: m.set.Organization, PostalAddress: m.set.PostalAddress,
		Confirm: &templates.ConfirmVars{URL: strings.TrimSuffix(m.set.PublicURL, "/") + "/c/" + s.Token(m.ref), ListNames: m.listNames, Days: m.days},
	}, noURLs{})
	if err != nil {
		return none, err
	}
	fromName, from := m.from()
	token := s.d.Tokens.Delivery(events.ConfirmReturn, m.ref.ID, m.ref.Stamp)
	var composer message.Composer
	body, err := composer.Append(nil, &message.Message{
		FromName: fromName, FromEmail: from, ToEmail: m.to, Subject: r.Subject, MessageID: token + "@" + sender.DomainOf(from), Date: s.d.Now(), HTML: r.HTML, Text: r.Text,
		// RFC 3834 §5: no vacation reply to what nobody wrote.
		Extra: []message.Header{{Name: "Auto-Submitted", Value: "auto-generated"}},
	})
	if err != nil {
		return none, err
	}
	var signature []byte
	if relay.DKIM == sender.DKIMSign {
		signer, err := s.d.Sender.SignerFor(ctx, sender.DomainOf(from), relay.SigningProfile)
		if err != nil {
			return none, err
		}
		if signature, err = signer.Sign(nil, body); err != nil {
			return none, err
		}
	}
	returnPath, err := s.returnPath(ctx, relay, from, token)
	if err != nil {
		return none, err
	}
	to, err := message.Address(m.to)
	if err != nil {
		return none, err
	}
	return sender.Message{From: returnPath, To: to, Header: signature, Body: body}, nil
}

// returnPath is the address that a bounce of this one mail comes back to.
func (s *Service) returnPath(ctx context.Context, relay sender.Relay, from, token string) (string, error) {
	if relay.ReturnPath == sender.ReturnPathFrom {
		return message.Address(from)
	}
	domain, err := s.d.Sender.BounceDomain(ctx, sender.DomainOf(from))
	if err != nil {
		return "", err
	}
	if domain != "" {
		return message.Address(ReturnPrefix + token + "@" + domain)
	}
	at := strings.LastIndexByte(from, '@')
	return message.Address(from[:at] + "+" + ReturnPrefix + token + from[at:])
}

// ReturnPrefix is what the local part of the envelope sender begins with, or what follows its plus sign.
const ReturnPrefix = "c-"

// TestResult is what came of a test.
type TestResult struct {
	To        string
	RelayID   int64
	RelayName string
	OK        bool
	Code      int
	Reply     string
}

// SendTest sends the mail of a list, as in would have it, to an address at once. Its link leads to a page that does nothing.
func (s *Service) SendTest(ctx context.Context, listID int64, in audience.OptInInput, to string) (TestResult, error) {
	in, err := in.Clean()
	if err == nil {
		err = check(in)
	}
	if err != nil {
		return TestResult{}, err
	}
	list, err := s.d.Audience.GetList(ctx, listID)
	if err != nil {
		return TestResult{}, err
	}
	set, err := s.d.Settings.Get(ctx)
	if err != nil {
		return TestResult{}, err
	}
	m := confirmation{to: to, ref: audience.NewSignupRef(testSignup, s.d.Now()), optIn: in, listNames: []string{list.Name}, days: in.ExpireDays, set: set}
	if _, err := message.Address(to); err != nil || !strings.Contains(to, "@") {
		return TestResult{}, errs.InvalidField("to", "%q is not an e-mail address", to)
	}
	relay, from, held, err := s.route(ctx, m)
	if err != nil {
		return TestResult{}, err
	}
	result := TestResult{To: to, RelayID: relay.ID, RelayName: relay.Name}
	if held != nil {
		result.Reply = held.Reason
		return result, nil
	}
	msg, err := s.build(ctx, m, relay)
	if err != nil {
		return result, err
	}
	if err := s.d.Sender.SpendOne(ctx, relay, from); err != nil {
		result.Reply = err.Error()
		return result, nil //nolint:nilerr // that is the result
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	o, err := s.d.Pools.Send(ctx, relay, msg)
	if err != nil {
		result.Reply = err.Error()
		return result, nil //nolint:nilerr // that is the result
	}
	r, _ := judge(relay, o, 1)
	result.OK, result.Code, result.Reply = o.State == smtpconn.Accepted, r.Code, r.Reply
	return result, nil
}
