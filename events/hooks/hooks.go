package hooks

import (
	"net/http"
	"time"

	"postrider/events"
)

// Provider is who sends a webhook.
type Provider string

// The providers, as stored and as they stand in the path of a webhook.
const (
	SES       Provider = "ses" // Amazon SES, through SNS
	SendGrid  Provider = "sendgrid"
	Mailgun   Provider = "mailgun"
	Postmark  Provider = "postmark"
	Brevo     Provider = "brevo"
	Mandrill  Provider = "mandrill"
	SparkPost Provider = "sparkpost"
	Resend    Provider = "resend"
)

// Limits of what is read.
const (
	MaxBody   = 5 << 20 // bytes of a request
	maxEvents = 20_000  // reports of a request
)

// ahead is how far the clock of a provider may be ahead of ours.
const ahead = 5 * time.Minute

// Request is one delivery of a webhook as it came.
type Request struct {
	URL    string // the public address as it was given to the provider
	Header http.Header
	Body   []byte
	Now    time.Time
}

// Kind says what is wrong with a request.
type Kind string

// The kinds.
const (
	BadSignature Kind = "bad_signature" // it does not come from the provider, or was changed on its way
	TooOld       Kind = "too_old"       // it was signed too long ago, or in the future
	Malformed    Kind = "malformed"     // it is not what the provider sends
	NoKey        Kind = "no_key"        // the key to check it with has not been entered
)

// Error says why a request is not taken. Text is for a person and holds nothing of what was sent.
type Error struct {
	Kind Kind
	Text string
}

// Error is the text.
func (e *Error) Error() string { return e.Text }

func refuse(kind Kind, text string) error { return &Error{Kind: kind, Text: text} }

// Proof is what a checked request says about itself.
type Proof struct {
	// Replay is the same when the provider, or somebody who has overheard it, sends the request again; "" when the provider signs no such thing.
	Replay string
	// Until is when a repetition is refused for its age, so that Replay need not be known any longer.
	Until time.Time
}

// scheme is how one provider signs and speaks.
type scheme struct {
	name     string
	checkKey func(key string) error // nil: the provider signs nothing, or with a certificate; the secret in the path is all there is
	verify   func(key string, r Request) (Proof, error)
	parse    func(r Request) ([]events.Report, error)
	// test reports a request that providers send to try an address, before it could be signed. It says nothing.
	test func(r Request) bool
}

func schemeOf(p Provider) (scheme, bool) {
	switch p {
	case SES:
		return scheme{name: "Amazon SES", parse: parseSES}, true
	case SendGrid:
		return scheme{name: "SendGrid", checkKey: checkSendGridKey, verify: verifySendGrid, parse: parseSendGrid}, true
	case Mailgun:
		return scheme{name: "Mailgun", checkKey: checkMailgunKey, verify: verifyMailgun, parse: parseMailgun}, true
	case Postmark:
		return scheme{name: "Postmark", parse: parsePostmark}, true
	case Brevo:
		return scheme{name: "Brevo", parse: parseBrevo}, true
	case Mandrill:
		return scheme{name: "Mandrill", checkKey: checkMandrillKey, verify: verifyMandrill, parse: parseMandrill, test: testsMandrill}, true
	case SparkPost:
		return scheme{name: "SparkPost", parse: parseSparkPost, test: testsSparkPost}, true
	case Resend:
		return scheme{name: "Resend", checkKey: checkResendKey, verify: verifyResend, parse: parseResend}, true
	}
	return scheme{}, false
}

// Providers lists all of them.
func Providers() []Provider {
	return []Provider{SES, SendGrid, Mailgun, Postmark, Brevo, Mandrill, SparkPost, Resend}
}

// Known reports whether there is such a provider.
func (p Provider) Known() bool {
	_, ok := schemeOf(p)
	return ok
}

// Name is how the provider calls itself.
func (p Provider) Name() string {
	s, _ := schemeOf(p)
	return s.name
}

// Signs reports whether the provider signs with a key that has to be copied from it to us.
func (p Provider) Signs() bool {
	s, _ := schemeOf(p)
	return s.checkKey != nil
}

// CheckKey says what is wrong with a key as a person entered it. The key is not part of the error.
func CheckKey(p Provider, key string) error {
	s, ok := schemeOf(p)
	if !ok || s.checkKey == nil {
		return refuse(Malformed, p.Name()+" has no signing key")
	}
	return s.checkKey(key)
}

// IsTest reports a request by which a provider tries out whether the address answers, before there is a key. It says nothing and may be answered with yes.
func IsTest(p Provider, r Request) bool {
	s, ok := schemeOf(p)
	return ok && s.test != nil && len(r.Body) <= 1<<10 && s.test(r)
}

// Verify checks the signature of a request, and that it is not too old. Of providers that do not sign there is nothing to check. Requests from SNS are checked
// by [SNS.Verify]. Errors are *[Error].
func Verify(p Provider, key string, r Request) (Proof, error) {
	s, ok := schemeOf(p)
	if !ok {
		return Proof{}, refuse(Malformed, "there is no provider of this name")
	}
	if len(r.Body) > MaxBody {
		return Proof{}, refuse(Malformed, "the request is larger than 5 MB")
	}
	if s.verify == nil {
		return Proof{}, nil
	}
	if key == "" {
		return Proof{}, refuse(NoKey, "the signing key of "+s.name+" has not been entered yet; copy it from there into this webhook")
	}
	return s.verify(key, r)
}

// Parse gives what a request says, one report for each recipient of each event, oldest first as sent. Events that providers make up for a test are left out;
// kinds that are not known become ReportOther. For SES the body is the Message of the notification. Errors are *[Error] of kind Malformed.
func Parse(p Provider, r Request) ([]events.Report, error) {
	s, ok := schemeOf(p)
	if !ok {
		return nil, refuse(Malformed, "there is no provider of this name")
	}
	if len(r.Body) > MaxBody {
		return nil, refuse(Malformed, "the request is larger than 5 MB")
	}
	reports, err := s.parse(r)
	if err != nil {
		return nil, err
	}
	if len(reports) > maxEvents {
		return nil, refuse(Malformed, "the request holds more than 20,000 reports")
	}
	return reports, nil
}

// fresh refuses what was signed longer ago than most, or in the future.
func fresh(at, now time.Time, most time.Duration) error {
	if at.After(now.Add(ahead)) {
		return refuse(TooOld, "the request was signed in the future; look at the clock of this machine")
	}
	if at.Before(now.Add(-most)) {
		return refuse(TooOld, "the request was signed too long ago; it is not taken, since it may be a repetition by somebody else")
	}
	return nil
}
