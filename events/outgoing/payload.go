package outgoing

import (
	"encoding/json"
	"fmt"
	"time"
)

// Person is a subscriber as messages show them. Name is "" when they are gone or have none.
type Person struct {
	ID    int64  `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name"`
}

// CampaignRef names a campaign. Name is "" when it was deleted meanwhile.
type CampaignRef struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// ListRef names a list.
type ListRef struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// DeliveryRef names a delivery of the campaign.
type DeliveryRef struct {
	Seq int32 `json:"seq"`
	// Message is the id of a message that a program sent, left out in campaigns.
	Message *int64 `json:"message,omitempty"`
	// Variant is that of an A/B test, left out without one.
	Variant *int16 `json:"variant,omitempty"`
}

// Refusal is what the server said.
type Refusal struct {
	Code   int    `json:"code"`
	Status string `json:"status"` // RFC 3463, "" when it gave none
	Text   string `json:"text"`
}

// LinkRef is a link of the content. URL is as written there, with placeholders; "" when it is not known any more.
type LinkRef struct {
	Number int32  `json:"number"`
	URL    string `json:"url"`
}

// Delivered is the data of everything that happens to one delivery.
type Delivered struct {
	Campaign   *CampaignRef `json:"campaign"`
	Lists      []ListRef    `json:"lists"` // those that the campaign went to
	Subscriber *Person      `json:"subscriber"`
	Delivery   *DeliveryRef `json:"delivery"`
	// Of bounces, complaints and failures. Reply and Fault are those of the last attempt, where it was refused; a relay that took the message has none. Soft says that
	// the bounce only counts towards giving the address up.
	Detail string   `json:"detail,omitempty"`
	Reply  *Refusal `json:"reply,omitempty"`
	Reason string   `json:"reason,omitempty"`
	Fault  string   `json:"fault,omitempty"`
	Soft   bool     `json:"soft,omitempty"`
	// Of opens and clicks. Actor is human, machine or unknown.
	Actor     string   `json:"actor,omitempty"`
	UserAgent string   `json:"user_agent,omitempty"`
	Link      *LinkRef `json:"link,omitempty"`
}

// Unsubscribed is the data of one or more subscriptions that a person ended at once. Campaign is null when it was not by a link in one.
type Unsubscribed struct {
	Campaign   *CampaignRef `json:"campaign"`
	Lists      []ListRef    `json:"lists"` // those left
	Subscriber *Person      `json:"subscriber"`
	Source     string       `json:"source"`
}

// Suppressed is the data of an address that is not mailed any more. Subscriber is null when nobody has it.
type Suppressed struct {
	Email      string    `json:"email"`
	Subscriber *Person   `json:"subscriber"`
	Lists      []ListRef `json:"lists"` // those the person is or was on
	Reason     string    `json:"reason"`
	Source     string    `json:"source"`
	Detail     string    `json:"detail"`
}

// CampaignStatus is a campaign with its status after the change.
type CampaignStatus struct {
	CampaignRef
	Status string `json:"status"`
}

// Counts are the deliveries of a campaign by state.
type Counts struct {
	Sent        int64 `json:"sent"`
	Bounced     int64 `json:"bounced"`
	Failed      int64 `json:"failed"`
	Unconfirmed int64 `json:"unconfirmed"`
	Skipped     int64 `json:"skipped"`
}

// CampaignState is the data of what happens to a campaign. Counts are only in campaign.finished.
type CampaignState struct {
	Campaign   CampaignStatus `json:"campaign"`
	Lists      []ListRef      `json:"lists"`
	Reason     string         `json:"reason,omitempty"`
	Recipients int64          `json:"recipients"`
	Excluded   int64          `json:"excluded"`
	Counts     *Counts        `json:"counts,omitempty"`
}

// ImportRef is an import with its figures.
type ImportRef struct {
	ID         int64  `json:"id"`
	Filename   string `json:"filename"`
	Status     string `json:"status"`
	Error      string `json:"error,omitempty"`
	Rows       int64  `json:"rows"`
	Created    int64  `json:"created"`
	Updated    int64  `json:"updated"`
	Unchanged  int64  `json:"unchanged"`
	Rejected   int64  `json:"rejected"`
	Suppressed int64  `json:"suppressed"`
}

// Imported is the data of an import that has ended.
type Imported struct {
	Import ImportRef `json:"import"`
	Lists  []ListRef `json:"lists"`
}

// envelope is the payload of Standard Webhooks.
type envelope struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it happened
	Data      any       `json:"data"`
}

func encode(typ string, at time.Time, data any) (string, error) {
	raw, err := json.Marshal(envelope{Type: typ, Timestamp: at.UTC(), Data: data})
	if err != nil {
		return "", fmt.Errorf("writing a webhook of type %s: %w", typ, err)
	}
	return string(raw), nil
}
