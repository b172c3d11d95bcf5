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
// the delivery. Link is the number of the link for clicks, 0 for the hidden one and for other kinds. Detail is the evidence, such as a server's words.
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
	// Of an open or a click that was stored: who was behind it, and the rule that says so. Who records leaves them out.
	Actor Actor
	Rule  Rule
	// Head says, when recording, that the request was a HEAD.
	Head bool `db:"-"`
}

// canaryLink is the number of the hidden link, which is in mail with counted links and which no person sees.
const canaryLink = 0

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

// Tally is a figure by actor.
type Tally struct {
	Human, Machine, Unknown int64
}

// Total is the figure without asking who.
func (t Tally) Total() int64 { return t.Human + t.Machine + t.Unknown }

// add counts n of an actor.
func (t *Tally) add(a Actor, n int64) {
	switch a {
	case Human:
		t.Human += n
	case Machine:
		t.Machine += n
	default:
		t.Unknown += n
	}
}

// Counts are the events of one campaign. Unique ones count each delivery once: as a person's when there is any such event of it, else as unknown when there is any of those,
// else as a machine's.
type Counts struct {
	Opens, UniqueOpens, Clicks, UniqueClicks Tally
	Unsubscribes, Bounces, Complaints        int64
}

// LinkCount is the clicks on one link of a campaign. The hidden link is none of them.
type LinkCount struct {
	Link                 int32
	Clicks, UniqueClicks Tally
}

// DeliveryCounts is what is known about one delivery.
type DeliveryCounts struct {
	Opens, Clicks Tally
	Unsubscribed  bool
}

// Bucket is the opens and clicks in a span of time that begins at At.
type Bucket struct {
	At            time.Time
	Opens, Clicks Tally
}
