package campaigns

import (
	"time"

	"postrider/audience"
	"postrider/events"
	"postrider/sender"
)

// State is what is known of one delivery. The numbers are in the database: never reuse one.
type State int16

// The states of a delivery.
const (
	Queued      State = 0 // waiting for its turn
	Claimed     State = 1 // a node is working on it
	Sent        State = 2 // the relay said 250 to the final dot
	Deferred    State = 3 // a temporary refusal; NextAttemptAt says when it is tried again
	Bounced     State = 4 // refused for good
	Failed      State = 5 // could not be sent for a reason on our side (expired, cannot be composed)
	Unconfirmed State = 6 // the final dot went out and no reply came back
	Skipped     State = 7 // not sent because the person or the campaign had left meanwhile
	stateCount        = 8
)

var stateNames = [stateCount]string{"queued", "claimed", "sent", "deferred", "bounced", "failed", "unconfirmed", "skipped"}

// String gives the word that API and documents use.
func (s State) String() string {
	if s < 0 || s >= stateCount {
		return "unknown"
	}
	return stateNames[s]
}

// ParseState is the reverse of String; ok is false for anything else.
func ParseState(name string) (s State, ok bool) {
	for i, n := range stateNames {
		if n == name {
			return State(i), true
		}
	}
	return 0, false
}

// Delivery is one campaign to one person.
type Delivery struct {
	CampaignID    int64
	Message       *int64 // the id of a message that a program sent; nil in mailings
	CampaignName  string
	Seq           int32
	SubscriberID  int64
	Email         string
	State         State
	Variant       *int16 // of an A/B test; nil: none, or not yet known
	Attempts      int16
	RelayID       *int64
	RelayName     *string
	ReplyCode     *int16
	ReplyStatus   *string
	ReplyText     *string
	SkipReason    *string
	NextAttemptAt *time.Time
	// Waits says that it is queued behind a closed gate; WaitsUntil is when that opens, nil when something else than a time decides that.
	Waits      bool
	WaitsUntil *time.Time
	UpdatedAt  time.Time
	// MessageID as it stands in the message, without angle brackets.
	MessageID    string
	Opens        events.Tally
	Clicks       events.Tally
	Unsubscribed bool
}

// Attempt is one try that did not end in "sent".
type Attempt struct {
	Attempt     int16
	At          time.Time
	RelayName   *string
	Outcome     string
	ReplyCode   *int16
	ReplyStatus *string
	ReplyText   *string
	Reason      string
	Fault       string
}

// Exclusion is a person who was in the audience and is not mailed, with the reason.
type Exclusion struct {
	SubscriberID int64
	Email        string
	Reason       string
}

// Stats are the figures of a campaign as of a moment. Recipients is the sum of the eight states.
type Stats struct {
	Recipients, Excluded                                                   int64
	Queued, Claimed, Sent, Deferred, Bounced, Failed, Unconfirmed, Skipped int64
	// Waiting are those of Queued behind closed gates, NextOpensAt is when the first of those opens; nil: there is none, or nobody knows.
	Waiting                                  int64
	NextOpensAt                              *time.Time
	Opens, UniqueOpens, Clicks, UniqueClicks events.Tally
	Unsubscribes                             int64
	AsOf                                     time.Time
	// RatePerSecond and SecondsLeft are nil when nothing is being sent.
	RatePerSecond *float64
	SecondsLeft   *int64
	// HeldUp is why nothing is sent although something waits; nil when nothing is in the way.
	HeldUp *sender.Holdup
}

// Timeline is what happened in each bucket of time, for a chart. All slices have one length.
type Timeline struct {
	Times                   []int64 // unix seconds, start of the bucket
	Sent, Bounced, Deferred []int64
	Opens, Clicks           []events.Tally
}

// LinkStat is a link of the campaign's content and how often it was followed. Variant is whose it is, 0 without an A/B test.
type LinkStat struct {
	ID                   int
	URL                  string
	Variant              int16
	Clicks, UniqueClicks events.Tally
}

// TestResult is what came of one test message.
type TestResult struct {
	To        string
	RelayID   int64 // through which it went
	RelayName string
	OK        bool
	Code      int
	Reply     string
}

// UnsubscribeInfo is what the unsubscribe page shows.
type UnsubscribeInfo struct {
	// Email is masked: the page may be opened by anyone who has the link.
	Email         string
	ListNames     []string
	Organization  string
	PostalAddress string
	Already       bool
	// Left says that they left by this very link, which can be taken back; Everything, that they want no mail at all any more. Explained: they have said why.
	Left, Everything, Explained bool
}

// PreferenceInfo is what the preference page shows. Test says that the link is of a test message, where nothing can be changed.
type PreferenceInfo struct {
	Email         string // masked
	Organization  string
	PostalAddress string
	Test          bool
	audience.Preferences
}

// PreferenceInput is what was chosen on the preference page; see audience.PreferenceChange.
type PreferenceInput struct {
	Shown, On   []int64
	PauseMonths *int
	Frequency   string
	NoTracking  bool
}

// DeliveryFilter narrows a campaign's ledger. Search is part of the address.
type DeliveryFilter struct {
	State  *State
	Search string
}

// Overview is the first page's figures.
type Overview struct {
	Sent24h, Bounced24h                int64
	Sent30d, Bounced30d, Complaints30d int64 // the days of ByDay
	Running, Recent                    []WithStats
	ByDay                              Timeline
	HasCampaign                        bool
}
