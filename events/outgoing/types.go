package outgoing

// The types of messages. They are part of what other programs rely on: none changes its name.
const (
	TypeBounced      = "delivery.bounced"
	TypeComplained   = "delivery.complained"
	TypeFailed       = "delivery.failed"
	TypeOpened       = "message.opened"
	TypeClicked      = "message.clicked"
	TypeUnsubscribed = "subscriber.unsubscribed"
	TypeSuppressed   = "subscriber.suppressed"
	TypeStarted      = "campaign.started"
	TypePaused       = "campaign.paused"
	TypeResumed      = "campaign.resumed"
	TypeFinished     = "campaign.finished"
	TypeCancelled    = "campaign.cancelled"
	TypeImported     = "import.finished"
	// TypeTest is sent by Test alone, and cannot be filtered for.
	TypeTest = "webhook.test"
)

// Type is a type of message with what people need to know of it.
type Type struct {
	Name    string
	Summary string
	Sample  any // data as a message would have it
}

// Types lists what an endpoint can ask for, in the order in which people should see it.
func Types() []Type {
	person := &Person{ID: 1742, Email: "ada@example.org", Name: "Ada Lovelace"}
	mailing := &CampaignRef{ID: 31, Name: "June news"}
	lists := []ListRef{{ID: 4, Name: "Newsletter"}}
	of := func(d Delivered) Delivered {
		d.Campaign, d.Lists, d.Subscriber, d.Delivery = mailing, lists, person, &DeliveryRef{Seq: 218}
		return d
	}
	state := func(status, reason string, counts *Counts) CampaignState {
		return CampaignState{Campaign: CampaignStatus{CampaignRef: *mailing, Status: status}, Lists: lists, Reason: reason, Recipients: 1200, Excluded: 14, Counts: counts}
	}
	refusal := &Refusal{Code: 550, Status: "5.1.1", Text: "No such user"}
	return []Type{
		{TypeBounced, "A message was refused for good, by the relay or later by a bounce message",
			of(Delivered{Detail: "550 No such user", Reply: refusal, Reason: "user_unknown", Fault: "recipient"})},
		{TypeComplained, "A recipient calls a message spam", of(Delivered{Detail: "abuse"})},
		{TypeFailed, "A message was given up for a reason that is not the recipient's", of(Delivered{
			Detail: "given up after 72h0m0s; the last answer was: 451 try later", Reply: &Refusal{Code: 451, Status: "4.3.0", Text: "try later"}, Reason: "server", Fault: "receiver"})},
		{TypeOpened, "A message was opened; actor says whether by a person or a machine", of(Delivered{Actor: "human", UserAgent: "Mozilla/5.0 (Macintosh)"})},
		{TypeClicked, "A link was clicked; actor says whether by a person or a machine", of(Delivered{
			Actor: "human", UserAgent: "Mozilla/5.0 (Macintosh)", Link: &LinkRef{Number: 2, URL: "https://example.org/offers"}})},
		{TypeUnsubscribed, "A person left one or more lists", Unsubscribed{Campaign: mailing, Lists: lists, Subscriber: person, Source: "unsubscribe link"}},
		{TypeSuppressed, "An address is not mailed any more", Suppressed{
			Email: person.Email, Subscriber: person, Lists: lists, Reason: "bounce", Source: "campaign 31", Detail: "550 No such user"}},
		{TypeStarted, "A campaign has begun to send", state("running", "", nil)},
		{TypePaused, "A campaign was paused, by a person or by itself; reason says why", state("paused", "the bounce rate is above 5%", nil)},
		{TypeResumed, "A campaign sends again", state("running", "", nil)},
		{TypeFinished, "A campaign has nothing left to send", state("finished", "", &Counts{Sent: 1176, Bounced: 21, Failed: 3})},
		{TypeCancelled, "A campaign was ended by a person", state("cancelled", "", nil)},
		{TypeImported, "An import has ended: done, failed or cancelled", Imported{
			Import: ImportRef{ID: 9, Filename: "people.csv", Status: "done", Rows: 1204, Created: 1100, Updated: 60, Unchanged: 40, Rejected: 4}, Lists: lists}},
	}
}

func known(name string) bool {
	_, ok := typeOf(name)
	return ok
}

func typeOf(name string) (Type, bool) {
	for _, t := range Types() {
		if t.Name == name {
			return t, true
		}
	}
	return Type{}, false
}
