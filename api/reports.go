package api

import (
	"context"
	"strings"
	"time"

	"postrider/campaigns"
	"postrider/events"
)

// ReportJSON is what another system said of our mail.
type ReportJSON struct {
	ID           int64     `json:"id"`
	Source       string    `json:"source" doc:"Where it came from: a mailbox, the listener, a provider" example:"mailbox 3"`
	Kind         string    `json:"kind" enum:"bounce,complaint,delay,auto_reply,delivered,unsubscribe,other"`
	At           time.Time `json:"at" doc:"When it happened, as far as the report says"`
	ReceivedAt   time.Time `json:"received_at"`
	CampaignID   *int64    `json:"campaign_id" doc:"null when nothing told whose delivery it is about"`
	Seq          *int32    `json:"seq"`
	SubscriberID *int64    `json:"subscriber_id"`
	MatchedBy    *string   `json:"matched_by" enum:"return_path,message_id,unsubscribe_url,queue_id,address" doc:"What told: return_path, message_id, unsubscribe_url, queue_id or address"`
	Address      string    `json:"address" doc:"The recipient as the report writes it"`
	Hard         bool      `json:"hard" doc:"The address itself is no good"`
	Reason       *string   `json:"reason"`
	Fault        *string   `json:"fault"`
	Status       *string   `json:"status" doc:"RFC 3463" example:"5.1.1"`
	ReplyCode    *int16    `json:"reply_code"`
	Diagnostic   *string   `json:"diagnostic" doc:"The words of the server that refused"`
	FeedbackType *string   `json:"feedback_type" doc:"Of a complaint, RFC 5965"`
	Action       string    `json:"action" enum:"suppressed,counted,unsubscribed,none,unmatched" doc:"What was done because of it"`
	Applied      bool      `json:"applied" doc:"Whether it changed the delivery"`
	HasRaw       bool      `json:"has_raw" doc:"Whether it is still kept as it was received"`
}

type reportWithRawJSON struct {
	ReportJSON
	Raw string `json:"raw" doc:"The message or event as received; bytes that are no text are replaced"`
}

type reportQuery struct {
	Paging
	Kind         string `query:"kind" enum:"bounce,complaint,delay,auto_reply,delivered,unsubscribe,other"`
	Action       string `query:"action" enum:"suppressed,counted,unsubscribed,none,unmatched"`
	CampaignID   int64  `query:"campaign_id" minimum:"1"`
	SubscriberID int64  `query:"subscriber_id" minimum:"1"`
	Address      string `query:"address" maxLength:"320" doc:"The recipient as the report writes it, or whom it is about"`
}

func encodeReport(r campaigns.Report) ReportJSON {
	return ReportJSON{
		ID: r.ID, Source: r.Source, Kind: string(r.Kind), At: r.At.UTC(), ReceivedAt: r.ReceivedAt.UTC(), CampaignID: r.CampaignID, Seq: r.Seq,
		SubscriberID: r.SubscriberID, MatchedBy: r.MatchedBy, Address: r.Address, Hard: r.Hard, Reason: r.Reason, Fault: r.Fault, Status: r.Status,
		ReplyCode: r.ReplyCode, Diagnostic: r.Diagnostic, FeedbackType: r.FeedbackType, Action: r.Action, Applied: r.Applied, HasRaw: r.HasRaw,
	}
}

func (s *server) listReports(ctx context.Context, in *reportQuery) (*answer[pageJSON[ReportJSON]], error) {
	f := campaigns.ReportFilter{Kind: events.ReportKind(in.Kind), Action: in.Action, CampaignID: in.CampaignID, SubscriberID: in.SubscriberID, Address: in.Address}
	p, err := s.deps.Campaigns.ListReports(ctx, f, in.query())
	return replyPage(p, err, encodeReport)
}

func (s *server) getReport(ctx context.Context, in *byID) (*answer[reportWithRawJSON], error) {
	r, raw, err := s.deps.Campaigns.GetReport(ctx, in.ID)
	return reply(r, err, func(r campaigns.Report) reportWithRawJSON {
		text := strings.ReplaceAll(strings.ToValidUTF8(string(raw), "\uFFFD"), "\x00", "\uFFFD")
		return reportWithRawJSON{ReportJSON: encodeReport(r), Raw: text}
	})
}
