package api

import (
	"context"
	"time"

	"postrider/campaigns"
)

// DeliveryJSON is one campaign to one person.
type DeliveryJSON struct {
	CampaignID    int64      `json:"campaign_id"`
	Message       *int64     `json:"message" doc:"The id under /messages of a message that a program sent; null in campaigns"`
	CampaignName  string     `json:"campaign_name"`
	Seq           int32      `json:"seq"`
	SubscriberID  *int64     `json:"subscriber_id"`
	Email         string     `json:"email"`
	State         string     `json:"state" enum:"queued,claimed,sent,deferred,bounced,failed,unconfirmed,skipped"`
	Variant       *int16     `json:"variant" doc:"Of an A/B test; null: there is none, or it is not decided yet"`
	Attempts      int16      `json:"attempts"`
	RelayID       *int64     `json:"relay_id"`
	RelayName     *string    `json:"relay_name"`
	ReplyCode     *int16     `json:"reply_code"`
	ReplyStatus   *string    `json:"reply_status"`
	ReplyText     *string    `json:"reply_text"`
	NextAttemptAt *time.Time `json:"next_attempt_at"`
	Waits         bool       `json:"waits" doc:"It is queued and waits for its time"`
	WaitsUntil    *time.Time `json:"waits_until" doc:"When that is; null: it does not wait, or that is not known yet"`
	UpdatedAt     time.Time  `json:"updated_at"`
	SentAt        *time.Time `json:"sent_at"`
	SkipReason    *string    `json:"skip_reason"`
	MessageID     string     `json:"message_id"`
	Opens         tallyJSON  `json:"opens"`
	Clicks        tallyJSON  `json:"clicks"`
	Unsubscribed  bool       `json:"unsubscribed"`
}

type deliveryStoryJSON struct {
	DeliveryJSON
	QueuedAt     *time.Time    `json:"queued_at" doc:"When the person came into the campaign's ledger"`
	FirstTriedAt *time.Time    `json:"first_tried_at" doc:"When a relay was first asked to take the message"`
	AttemptsLog  []attemptJSON `json:"attempts_log" doc:"The attempts that did not end in sent"`
	Reports      []ReportJSON  `json:"reports" doc:"What came back afterwards, the oldest first"`
	Events       []eventJSON   `json:"events"`
}

type attemptJSON struct {
	Attempt     int16     `json:"attempt"`
	At          time.Time `json:"at"`
	RelayName   *string   `json:"relay_name"`
	Outcome     string    `json:"outcome"`
	ReplyCode   *int16    `json:"reply_code"`
	ReplyStatus *string   `json:"reply_status"`
	ReplyText   *string   `json:"reply_text"`
	Reason      string    `json:"reason"`
	Fault       string    `json:"fault"`
}

type exclusionJSON struct {
	SubscriberID int64  `json:"subscriber_id"`
	Email        string `json:"email"`
	Reason       string `json:"reason" enum:"suppressed,unsubscribed,unconfirmed,paused,frequency,excluded_list,not_in_segment,excluded_segment,frequency_cap"`
}

type resolveJSON struct {
	Action string `json:"action" enum:"resend,assume_delivered"`
}

type changedJSON struct {
	Changed int64 `json:"changed"`
}

type deliveryQuery struct {
	PageOf
	State  string `query:"state" enum:"queued,claimed,sent,deferred,bounced,failed,unconfirmed,skipped"`
	Search string `query:"q" doc:"Part of the address"`
}

type exclusionQuery struct {
	PageOf
	Search string `query:"q" doc:"Part of the address"`
	Reason string `query:"reason" enum:"suppressed,unsubscribed,unconfirmed,paused,frequency,excluded_list,not_in_segment,excluded_segment,frequency_cap"`
}

type byDelivery struct {
	ID  int64 `path:"id" minimum:"1"`
	Seq int32 `path:"seq" minimum:"1"`
}

func encodeDelivery(d campaigns.Delivery) DeliveryJSON {
	out := DeliveryJSON{
		CampaignID: d.CampaignID, Message: d.Message, CampaignName: d.CampaignName, Seq: d.Seq, Email: d.Email, State: d.State.String(), Variant: d.Variant, Attempts: d.Attempts,
		RelayID: d.RelayID, RelayName: d.RelayName, ReplyCode: d.ReplyCode, ReplyStatus: d.ReplyStatus, ReplyText: d.ReplyText,
		NextAttemptAt: utc(d.NextAttemptAt), Waits: d.Waits, WaitsUntil: utc(d.WaitsUntil), UpdatedAt: d.UpdatedAt.UTC(), SkipReason: d.SkipReason, MessageID: d.MessageID, Opens: tallyJSON(d.Opens),
		Clicks: tallyJSON(d.Clicks), Unsubscribed: d.Unsubscribed,
	}
	if d.SubscriberID != 0 {
		out.SubscriberID = &d.SubscriberID
	}
	// A bounce that comes later leaves the moment and the reply as they were.
	if d.State == campaigns.Sent || d.State == campaigns.Bounced && d.ReplyCode != nil && *d.ReplyCode/100 == 2 {
		out.SentAt = &out.UpdatedAt
	}
	return out
}

func encodeAttempt(a campaigns.Attempt) attemptJSON {
	a.At = a.At.UTC()
	return attemptJSON(a)
}

func (s *server) listDeliveries(ctx context.Context, in *deliveryQuery) (*answer[pageJSON[DeliveryJSON]], error) {
	f := campaigns.DeliveryFilter{Search: in.Search}
	if state, ok := campaigns.ParseState(in.State); ok {
		f.State = &state
	}
	p, err := s.deps.Campaigns.ListDeliveries(ctx, in.ID, f, in.query())
	return replyPage(p, err, encodeDelivery)
}

func (s *server) listExclusions(ctx context.Context, in *exclusionQuery) (*answer[pageJSON[exclusionJSON]], error) {
	p, err := s.deps.Campaigns.ListExclusions(ctx, in.ID, in.Reason, in.Search, in.query())
	return replyPage(p, err, func(x campaigns.Exclusion) exclusionJSON { return exclusionJSON(x) })
}

func (s *server) resolveUnconfirmed(ctx context.Context, in *onID[resolveJSON]) (*answer[changedJSON], error) {
	n, err := s.deps.Campaigns.ResolveUnconfirmed(ctx, in.ID, in.Body.Action)
	return reply(n, err, func(n int64) changedJSON { return changedJSON{Changed: n} })
}
