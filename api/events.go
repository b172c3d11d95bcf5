package api

import (
	"context"
	"time"

	"postrider/events"
	"postrider/internal/page"
)

type eventJSON struct {
	ID           int64     `json:"id"`
	At           time.Time `json:"at"`
	Kind         string    `json:"kind" enum:"open,click,unsubscribe,bounce,complaint"`
	CampaignID   int64     `json:"campaign_id"`
	Seq          int32     `json:"seq"`
	SubscriberID int64     `json:"subscriber_id"`
	URL          *string   `json:"url" doc:"Of a click: the link as the content has it"`
	Detail       *string   `json:"detail"`
	UserAgent    *string   `json:"user_agent"`
	Actor        *string   `json:"actor" enum:"human,machine,unknown" doc:"Of an open or a click: who was behind it; null for other kinds"`
	Rule         *string   `json:"rule" enum:"head,canary,burst,instant,early,prefetch,proxy,scanner,tool,no_agent,new_agent,old" doc:"Why it does not count as a human's"`
}

type eventQuery struct {
	Paging
	Kind       string `query:"kind" enum:"open,click,unsubscribe,bounce,complaint"`
	CampaignID int64  `query:"campaign_id"`
}

// linkURLs finds the URLs that clicks of some events stand for; events only know the number of a link in a campaign.
func (s *server) linkURLs(ctx context.Context, evs []events.Event) (map[int64]map[int]string, error) {
	urls := map[int64]map[int]string{}
	for _, e := range evs {
		if e.Kind != events.KindClick || urls[e.CampaignID] != nil {
			continue
		}
		links, err := s.deps.Campaigns.Links(ctx, e.CampaignID)
		if err != nil {
			return nil, err
		}
		urls[e.CampaignID] = map[int]string{}
		for _, l := range links {
			urls[e.CampaignID][l.ID] = l.URL
		}
	}
	return urls, nil
}

func (s *server) encodeEvents(ctx context.Context, evs []events.Event) ([]eventJSON, error) {
	urls, err := s.linkURLs(ctx, evs)
	if err != nil {
		return nil, err
	}
	return each(evs, func(e events.Event) eventJSON {
		out := eventJSON{ID: e.ID, At: e.At.UTC(), Kind: string(e.Kind), CampaignID: e.CampaignID, Seq: e.Seq, SubscriberID: e.SubscriberID,
			Detail: orNull(e.Detail), UserAgent: orNull(e.UserAgent), Actor: orNull(string(e.Actor)), Rule: orNull(string(e.Rule))}
		if e.Kind == events.KindClick {
			out.URL = orNull(urls[e.CampaignID][int(e.Link)])
		}
		return out
	}), nil
}

// orNull makes null of a text that is not there.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func (s *server) eventPage(ctx context.Context, f events.Filter, q page.Query) (*answer[pageJSON[eventJSON]], error) {
	p, err := s.deps.Events.List(ctx, f, q)
	if err != nil {
		return nil, err
	}
	items, err := s.encodeEvents(ctx, p.Items)
	encoded := page.Page[eventJSON]{Items: items, NextCursor: p.NextCursor, Total: p.Total, TotalExact: p.TotalExact}
	return replyPage(encoded, err, func(e eventJSON) eventJSON { return e })
}

func (s *server) listEvents(ctx context.Context, in *eventQuery) (*answer[pageJSON[eventJSON]], error) {
	return s.eventPage(ctx, events.Filter{Kind: events.EventKind(in.Kind), CampaignID: in.CampaignID}, in.query())
}

func (s *server) listSubscriberEvents(ctx context.Context, in *PageOf) (*answer[pageJSON[eventJSON]], error) {
	return s.eventPage(ctx, events.Filter{SubscriberID: in.ID}, in.query())
}

func (s *server) getDelivery(ctx context.Context, in *byDelivery) (*answer[deliveryStoryJSON], error) {
	st, err := s.deps.Campaigns.GetDelivery(ctx, in.ID, in.Seq)
	if err != nil {
		return nil, err
	}
	items, err := s.encodeEvents(ctx, st.Events)
	return reply(items, err, func(items []eventJSON) deliveryStoryJSON {
		return deliveryStoryJSON{
			DeliveryJSON: encodeDelivery(st.Delivery), QueuedAt: utc(st.QueuedAt), FirstTriedAt: utc(st.FirstTriedAt), AttemptsLog: each(st.Attempts, encodeAttempt),
			Reports: each(st.Reports, encodeReport), Events: items,
		}
	})
}
