package events

import "time"

// EventKind is what happened.
type EventKind string

// The kinds of events, as stored.
const (
	KindOpen        EventKind = "open"
	KindClick       EventKind = "click"
	KindUnsubscribe EventKind = "unsubscribe"
	KindBounce      EventKind = "bounce"
	KindComplaint   EventKind = "complaint"
)

// Event is one thing that happened to one delivery. When recording, ID is left out, a zero At means now, and a zero SubscriberID is filled in from
// the delivery. Link is the number of the link for clicks, 0 for others. Detail is the evidence, such as a server's words.
//
// Invariant: the delivery exists; who records has it from a signed token.
type Event struct {
	ID           int64
	At           time.Time
	Kind         EventKind
	CampaignID   int64
	Seq          int32
	SubscriberID int64
	Link         int32
	Detail       string
	UserAgent    string
	// Of a bounce: Reason is a word of sender/reply; Soft says that it counts towards giving the address up.
	Reason string
	Soft   bool
}

// Limits of what comes from strangers.
const (
	maxUserAgent = 300
	maxDetail    = 2000
)

// Filter picks events; zero fields pick all.
type Filter struct {
	Kind         EventKind
	CampaignID   int64
	SubscriberID int64
	Seq          int32 // only with CampaignID
}

// Counts are the events of one campaign. Unique ones count each delivery once.
type Counts struct {
	Opens, UniqueOpens, Clicks, UniqueClicks, Unsubscribes, Bounces, Complaints int64
}

// LinkCount is the clicks on one link of a campaign.
type LinkCount struct {
	Link                 int32
	Clicks, UniqueClicks int64
}

// DeliveryCounts is what is known about one delivery.
type DeliveryCounts struct {
	Opens, Clicks int64
	Unsubscribed  bool
}

// Bucket is the opens and clicks in a span of time that begins at At.
type Bucket struct {
	At            time.Time
	Opens, Clicks int64
}
