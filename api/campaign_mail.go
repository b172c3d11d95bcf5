package api

import (
	"context"

	"postrider/campaigns"
	"postrider/templates"
)

// MailOfInput says which mail of a started campaign is meant.
type MailOfInput struct {
	ID           int64 `path:"id" minimum:"1"`
	Variant      int   `query:"variant" minimum:"1" maximum:"5" doc:"Of an A/B test, from 1. Left out: the first"`
	SubscriberID int64 `query:"subscriber_id" minimum:"1" doc:"Whose data to show; left out: somebody from the campaign's lists"`
}

type mailViewInput struct {
	MailOfInput
	Scheme string `query:"scheme" enum:"light,dark" doc:"As a mail program of this colour scheme would show it"`
	Images string `query:"images" enum:"on,off" doc:"off: as a mail program shows it that loads none"`
}

type campaignMailJSON struct {
	RenderedJSON
	FromName  string `json:"from_name"`
	FromEmail string `json:"from_email"`
	ReplyTo   string `json:"reply_to"`
	Variants  int    `json:"variants" doc:"How many variants of an A/B test there are; 0 without one"`
}

func (in MailOfInput) view() campaigns.MailView {
	return campaigns.MailView{CampaignID: in.ID, SubscriberID: in.SubscriberID, Variant: in.Variant}
}

func (s *server) getCampaignMail(ctx context.Context, in *mailViewInput) (*answer[campaignMailJSON], error) {
	m, err := s.deps.Campaigns.Mail(ctx, in.view())
	if err != nil {
		return nil, err
	}
	v, err := preview(m.Content, m.Vars, in.Scheme, in.Images)
	return reply(v, err, func(v templates.PreviewResult) campaignMailJSON {
		return campaignMailJSON{RenderedJSON: encodeRendered(v), FromName: m.FromName, FromEmail: m.FromEmail, ReplyTo: m.ReplyTo, Variants: m.Variants}
	})
}

func (s *server) getCampaignRaw(ctx context.Context, in *MailOfInput) (*answer[rawJSON], error) {
	headers, raw, err := s.deps.Campaigns.MailRaw(ctx, in.view())
	return replyRaw(headers, raw, err)
}
