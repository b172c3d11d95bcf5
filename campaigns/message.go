package campaigns

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"postrider/audience"
	"postrider/internal/errs"
)

// Limits of messages.
const (
	maxMessages    = 500 // in one request
	maxTags        = 20
	maxTag         = 60 // characters
	maxSendAhead   = 14 * 24 * time.Hour
	defaultExpiry  = 24 * time.Hour
	maxExpiry      = 7 * 24 * time.Hour
	streamExpiry   = int(maxExpiry / time.Hour)
	messageKept    = 30 * 24 * time.Hour // their data; longer than the longest that one can wait
	requestKept    = 24 * time.Hour
	streamKept     = 30 * 24 * time.Hour // without use
	streamPrefix   = "Messages: "
	skippedMessage = "the address is suppressed: "
)

// MessageInput is what a program says to send one message. Zero fields stand for the settings' From, all relays that take it, no tracking, hold and a day.
type MessageInput struct {
	TemplateID int64
	Recipient  audience.Recipient
	// Data is what the template shows as {{ data.… }}, as templates.DecodeData has it. AllowMissing lets it be without fields that the template shows.
	Data         map[string]any
	AllowMissing bool
	FromName     string
	FromEmail    string
	ReplyTo      string
	RelayIDs     []int64
	TrackOpens   bool
	TrackClicks  bool
	// ListUnsubscribe gives the message the header fields by which mail programs offer to unsubscribe. Whoever has left everything does not get such messages.
	ListUnsubscribe   bool
	UnconfirmedPolicy string
	Tags              []string
	SendAt            *time.Time
	// ExpiresAfter is how long, from SendAt or now, it is of use.
	ExpiresAfter time.Duration
	// Refused is why it was refused before anything else was looked at; nil when it was not.
	Refused error
}

// Accepted is what became of one message of a request. Error is set when it was refused; the others of the request are sent all the same.
type Accepted struct {
	ID           int64        `json:"id,omitempty"`
	CampaignID   int64        `json:"campaign_id,omitempty"`
	Seq          int32        `json:"seq,omitempty"`
	SubscriberID int64        `json:"subscriber_id,omitempty"`
	State        string       `json:"state,omitempty"`
	SkipReason   string       `json:"skip_reason,omitempty"`
	Kind         errs.Kind    `json:"kind,omitempty"` // of the refusal
	Refused      string       `json:"refused,omitempty"`
	Fields       []errs.Field `json:"fields,omitempty"`
}

// Err is why the message was refused, nil when it was not.
func (a Accepted) Err() error {
	if a.Refused == "" {
		return nil
	}
	return &errs.E{Kind: a.Kind, Public: a.Refused, Fields: a.Fields}
}

// refused makes the answer of an error that a person can do something about; ok is false for all others.
func refused(err error) (a Accepted, ok bool) {
	e, ok := err.(*errs.E)
	if !ok || e.Kind == errs.Internal {
		return Accepted{}, false
	}
	return Accepted{Kind: e.Kind, Refused: e.Public, Fields: e.Fields}, true
}

// validate checks what needs no database.
func (in *MessageInput) validate(now time.Time) error {
	if in.Refused != nil {
		return in.Refused
	}
	var f errs.Fields
	if in.TemplateID == 0 {
		f.Add("template_id", "say which template the message is made from")
	}
	if (in.Recipient.SubscriberID == 0) == (in.Recipient.Email == "") {
		f.Add("to", "say whom it is for, by email or by subscriber_id")
	}
	for name, text := range map[string]string{"from_name": in.FromName, "from_email": in.FromEmail, "reply_to": in.ReplyTo} {
		if strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
			f.Add(name, "this holds a character that no text has (NUL, or broken UTF-8); take it out")
		}
	}
	switch in.UnconfirmedPolicy {
	case "", PolicyHold, PolicyResend, PolicyAssumeDelivered:
	default:
		f.Add("unconfirmed_policy", "must be hold, resend or assume_delivered")
	}
	if in.ExpiresAfter == 0 {
		in.ExpiresAfter = defaultExpiry
	}
	if in.ExpiresAfter < time.Minute || in.ExpiresAfter > maxExpiry {
		f.Add("expires_after_minutes", "must be between 1 and %d minutes", int(maxExpiry.Minutes()))
	}
	if in.SendAt != nil && in.SendAt.After(now.Add(maxSendAhead)) {
		f.Add("send_at", "must not be more than %d days ahead", int(maxSendAhead.Hours()/24))
	}
	if in.SendAt != nil && !in.SendAt.After(now) {
		in.SendAt = nil
	}
	in.Tags = cleanTags(&f, in.Tags)
	return f.Err("the message cannot be sent like this")
}

func cleanTags(f *errs.Fields, tags []string) []string {
	clean := []string{}
	for _, tag := range tags {
		tag = strings.TrimSpace(tag)
		switch {
		case tag == "" || slices.Contains(clean, tag):
		case !validTag(tag):
			f.Add("tags", "a tag has at most %d characters, none of them a control character", maxTag)
		default:
			clean = append(clean, tag)
		}
	}
	if len(clean) > maxTags {
		f.Add("tags", "give at most %d tags", maxTags)
	}
	return clean
}

func validTag(tag string) bool {
	return utf8.ValidString(tag) && utf8.RuneCountInString(tag) <= maxTag && !strings.ContainsFunc(tag, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// due is when the message may first be sent.
func (in *MessageInput) due(now time.Time) time.Time {
	if in.SendAt != nil {
		return *in.SendAt
	}
	return now
}
