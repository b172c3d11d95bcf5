package events

import (
	"context"
	"time"
)

// ReportKind is what somebody else's system says of mail that we sent.
type ReportKind string

// The kinds of reports, as stored.
const (
	ReportBounce      ReportKind = "bounce"      // it was not delivered, after the relay had taken it
	ReportComplaint   ReportKind = "complaint"   // the recipient calls it spam (RFC 5965: abuse, fraud, virus, opt-out)
	ReportDelay       ReportKind = "delay"       // it is still being tried (RFC 3464 §2.3.3: delayed); changes nothing
	ReportAutoReply   ReportKind = "auto_reply"  // a machine answered it (RFC 3834); changes nothing
	ReportDelivered   ReportKind = "delivered"   // it arrived (RFC 3464: delivered, relayed); changes nothing
	ReportUnsubscribe ReportKind = "unsubscribe" // the recipient wants no more, by mail or by the provider's own link
	ReportOther       ReportKind = "other"       // anything else, such as not-spam; kept to be looked at, changes nothing
)

// Report is one fact about one recipient of one message. The same fact has the same Key however often and in whichever order it is brought; a key that
// is known already changes nothing.
//
// Whose delivery it is follows, in this order, from an address or id that carries one of our signed tokens (ReturnPaths, MessageIDs, UnsubscribeURLs), or from
// the id that the relay gave the message in its reply (QueueIDs) together with Address. Address alone decides only when Trusted.
type Report struct {
	Key    string // at most 200 bytes; longer ones are hashed
	Source string // where it came from: "mailbox 3", "listener", "ses"
	Kind   ReportKind
	At     time.Time // when it happened, as far as is known; zero is now

	Address         string   // the recipient as the report writes it
	ReturnPaths     []string // addresses that may be the return path of the message: where the report was sent to, or what it quotes
	MessageIDs      []string // quoted Message-IDs, with or without angle brackets
	UnsubscribeURLs []string // quoted List-Unsubscribe addresses: https or mailto
	QueueIDs        []string // ids under which the relay took the message
	// Trusted says that the report is known to come from the relay's provider, so that it may speak of an address without a token.
	Trusted bool

	// Of a bounce: what sender/reply would say of it. Hard means that the address itself is no good and is not mailed again.
	Hard         bool
	Reason       string // a word of sender/reply: user_unknown, mailbox_full, …
	Fault        string // a word of sender/reply: recipient, receiver, reputation, …
	Status       string // RFC 3463, such as 5.1.1
	ReplyCode    int    // SMTP code, 0 when there was none
	Diagnostic   string // the words of the server that refused
	FeedbackType string // of a complaint, RFC 5965 §7.3

	Raw []byte // the message or event as received; what is over MaxRaw is cut off
}

// MaxRaw bounds what is kept of a report as it was received, in bytes.
const MaxRaw = 64 << 10

// Verdict says what became of an inbound message.
type Verdict string

// The verdicts.
const (
	VerdictTaken   Verdict = "taken"   // it reports something; that is committed, and the message may go
	VerdictIgnored Verdict = "ignored" // an automatic message that says nothing that we need, such as an answer that somebody is on holiday
	VerdictForeign Verdict = "foreign" // mail of somebody to somebody: it is left alone
)

// Inbound is a message that came to a bounce mailbox or to the listener.
type Inbound struct {
	Source     string   // as in Report
	From       string   // envelope sender, "" when unknown or null
	To         []string // envelope recipients, nil when unknown
	Raw        []byte   // RFC 5322, with any line ends
	ReceivedAt time.Time
}

// Taker takes reports into the ledger. When a call returns without an error everything is committed; after an error nothing is, and the caller comes again with
// the same. campaigns.Service is one.
type Taker interface {
	TakeMessage(ctx context.Context, m Inbound) (Verdict, error)
	TakeReports(ctx context.Context, reports []Report) error
}
