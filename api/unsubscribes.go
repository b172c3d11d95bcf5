package api

import (
	"context"
	"time"

	"postrider/audience"
)

type unsubscribeJSON struct {
	ID           int64      `json:"id"`
	At           time.Time  `json:"at"`
	SubscriberID int64      `json:"subscriber_id"`
	Email        string     `json:"email" doc:"Empty when the person was deleted"`
	CampaignID   int64      `json:"campaign_id"`
	CampaignName string     `json:"campaign_name" doc:"Empty when the campaign was deleted"`
	Seq          int32      `json:"seq" doc:"Of the delivery whose link was used"`
	Source       string     `json:"source"`
	Everything   bool       `json:"everything" doc:"No mail at all any more: the address was suppressed as well"`
	ListNames    []string   `json:"list_names" doc:"The lists that they were taken off"`
	Reason       *string    `json:"reason" enum:"too_often,not_interested,never_signed_up,not_relevant,other" doc:"null when they did not say why"`
	Comment      string     `json:"comment"`
	ReasonAt     *time.Time `json:"reason_at"`
	UndoneAt     *time.Time `json:"undone_at" doc:"When they took it back"`
}

type reasonCountJSON struct {
	Reason *string `json:"reason" enum:"too_often,not_interested,never_signed_up,not_relevant,other" doc:"null: they did not say why"`
	Count  int64   `json:"count"`
}

type unsubscribeQuery struct {
	PageOf
	Reason  string `query:"reason" enum:"too_often,not_interested,never_signed_up,not_relevant,other"`
	Comment bool   `query:"comment" doc:"Only those who wrote something"`
}

func encodeUnsubscribe(v audience.Unsubscribe) unsubscribeJSON {
	return unsubscribeJSON{
		ID: v.ID, At: v.At.UTC(), SubscriberID: v.SubscriberID, Email: v.Email, CampaignID: v.CampaignID, CampaignName: v.CampaignName, Seq: v.Seq, Source: v.Source,
		Everything: v.Everything, ListNames: v.ListNames, Reason: orNull(v.Reason), Comment: v.Comment, ReasonAt: utc(v.ReasonAt), UndoneAt: utc(v.UndoneAt),
	}
}

func (s *server) listUnsubscribes(ctx context.Context, in *unsubscribeQuery) (*answer[pageJSON[unsubscribeJSON]], error) {
	if _, err := s.deps.Campaigns.Get(ctx, in.ID); err != nil {
		return nil, err
	}
	f := audience.UnsubscribeFilter{CampaignID: in.ID, Reason: in.Reason, WithComment: in.Comment}
	p, err := s.deps.Audience.ListUnsubscribes(ctx, f, in.query())
	return replyPage(p, err, encodeUnsubscribe)
}

func (s *server) countUnsubscribeReasons(ctx context.Context, in *byID) (*answer[itemsJSON[reasonCountJSON]], error) {
	if _, err := s.deps.Campaigns.Get(ctx, in.ID); err != nil {
		return nil, err
	}
	counts, err := s.deps.Audience.CountUnsubscribeReasons(ctx, in.ID)
	return replyItems(counts, err, func(c audience.ReasonCount) reasonCountJSON {
		return reasonCountJSON{Reason: orNull(c.Reason), Count: c.Count}
	})
}

func (s *server) listSubscriberUnsubscribes(ctx context.Context, in *PageOf) (*answer[pageJSON[unsubscribeJSON]], error) {
	if _, err := s.deps.Audience.GetSubscriber(ctx, in.ID); err != nil {
		return nil, err
	}
	p, err := s.deps.Audience.ListUnsubscribes(ctx, audience.UnsubscribeFilter{SubscriberID: in.ID}, in.query())
	return replyPage(p, err, encodeUnsubscribe)
}
