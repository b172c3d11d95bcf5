package sender

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/oauth"
	"postrider/sender/smtpconn"
)

// Steps of a test. The greeting, with the EHLO after it, comes before TLS with STARTTLS and after it otherwise. A step that does not apply (no TLS, no
// authentication, no address given) is left out.
const (
	StepConnect  = "connect"
	StepGreeting = "greeting"
	StepTLS      = "tls"
	StepAuth     = "auth"
	StepMail     = "mail"
	StepRcpt     = "rcpt"
)

// relayTestTimeout bounds a whole test: a person is waiting for it.
const relayTestTimeout = 30 * time.Second

// TestStep is how far one step came.
type TestStep struct {
	Step   string
	OK     bool
	Detail string // the server's own words where it has said something
	Took   time.Duration
}

// TestReport is what a test of a relay found. A server that refuses is a result and no error.
type TestReport struct {
	OK         bool
	Steps      []TestStep
	Remedy     string   // what a person can do about the step that failed; "" when there is nothing known
	TLS        string   // "TLS 1.3, certificate for …"; "" in clear text
	Provider   string   // the provider whose own words were recognised; "" when none were
	Extensions []string // what the server offers, such as "PIPELINING" and "SIZE 35882577", sorted
}

// TestRelay tries a stored relay: connect, TLS, log in, MAIL with from, RCPT with to. No message is ever sent. from "" is the default From
// address or the relay's user name, and without any of these MAIL is left out; to "" leaves RCPT out.
func (s *Service) TestRelay(ctx context.Context, id int64, from, to string) (TestReport, error) {
	relay, err := s.GetRelay(ctx, id)
	if err != nil {
		return TestReport{}, err
	}
	dialer, err := s.DialerFor(ctx, relay)
	if err != nil {
		return TestReport{}, err
	}
	return s.test(ctx, relay, dialer, from, to)
}

// TestRelayInput is TestRelay for a relay that is not stored yet. Nothing of it is kept.
func (s *Service) TestRelayInput(ctx context.Context, in RelayInput, from, to string) (TestReport, error) {
	in, err := in.clean(Relay{})
	if err != nil {
		return TestReport{}, err
	}
	relay := Relay{
		Name: in.Name, Provider: in.Provider, Kind: in.Kind, Host: in.Host, Port: in.Port, TLS: in.TLS, Auth: in.Auth, Username: in.Username, HELOName: in.HELOName,
	}
	dialer, err := s.dialer(relay, orEmpty(in.Password))
	if err != nil {
		return TestReport{}, err
	}
	if relay.Auth == AuthXOAUTH2 {
		dialer.Tokens = oauth.New(in.OAuth.ClientID, orEmpty(in.OAuth.ClientSecret), in.OAuth.TokenURL, orEmpty(in.OAuth.RefreshToken), s.now)
	}
	return s.test(ctx, relay, dialer, from, to)
}

func (s *Service) test(ctx context.Context, relay Relay, dialer smtpconn.Dialer, from, to string) (TestReport, error) {
	from, to, err := s.testAddresses(ctx, relay, from, to)
	if err != nil {
		return TestReport{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, relayTestTimeout)
	defer cancel()
	t := &relayTest{preset: relay.PresetKey(), dialer: dialer}
	t.run(ctx, from, to)
	t.report.OK = !slices.ContainsFunc(t.report.Steps, func(s TestStep) bool { return !s.OK })
	return t.report, nil
}

// testAddresses gives both addresses as they go into the envelope.
func (s *Service) testAddresses(ctx context.Context, relay Relay, from, to string) (envFrom, envTo string, err error) {
	if from == "" {
		from = s.cfg.DefaultFrom(ctx)
	}
	if from == "" && strings.Contains(relay.Username, "@") {
		from = relay.Username
	}
	var wrong errs.Fields
	envFrom = envelopeAddress(&wrong, "from", from)
	envTo = envelopeAddress(&wrong, "to", to)
	if to != "" && from == "" {
		wrong.Add("from", "trying a recipient needs a sender: give the address that mail will come from")
	}
	return envFrom, envTo, wrong.Err("the relay cannot be tested with these addresses")
}

func envelopeAddress(wrong *errs.Fields, field, raw string) string {
	if raw == "" {
		return ""
	}
	a, err := addr.Normalize(raw)
	var e *errs.E
	switch {
	case errors.As(err, &e):
		wrong.Add(field, "%s", e.Public)
	case err != nil:
		wrong.Add(field, "%q is not an address", shorten(raw))
	case a.NeedsSMTPUTF8:
		wrong.Add(field, "test with an address that has only ASCII characters before the @")
	default:
		return a.Display[:strings.LastIndexByte(a.Display, '@')+1] + a.Domain
	}
	return ""
}

func orEmpty(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
