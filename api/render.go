package api

import (
	"context"

	"postrider/campaigns"
	"postrider/templates"
)

// ContentInput is a content that is not stored.
type ContentInput struct {
	Kind      string `json:"kind,omitempty" enum:"html,mjml,markdown,text" doc:"Left out: html"`
	LayoutID  *int64 `json:"layout_id" required:"false"`
	InlineCSS *bool  `json:"inline_css" required:"false" doc:"Left out: true"`
	Subject   string `json:"subject"`
	Preheader string `json:"preheader,omitempty"`
	HTML      string `json:"html" doc:"The body, in the language of kind"`
	Text      string `json:"text"`
}

type renderInputJSON struct {
	ContentInput
	SubscriberID int64  `json:"subscriber_id,omitempty" doc:"Whose data to show; left out: somebody from the campaign's lists"`
	CampaignID   int64  `json:"campaign_id,omitempty"`
	Scheme       string `json:"scheme,omitempty" enum:"light,dark" doc:"As a mail program of this colour scheme would show it"`
	Images       string `json:"images,omitempty" enum:"on,off" doc:"off: as a mail program shows it that loads none"`
}

type rawInputJSON struct {
	ContentInput
	FromName     string `json:"from_name,omitempty"`
	FromEmail    string `json:"from_email,omitempty" doc:"Left out: the sender of the campaign"`
	ReplyTo      string `json:"reply_to,omitempty"`
	SubscriberID int64  `json:"subscriber_id,omitempty"`
	CampaignID   int64  `json:"campaign_id,omitempty" doc:"Whose relay, lists and tracking the message has"`
}

type rawJSON struct {
	Headers []headerJSON `json:"headers" doc:"In their order, unfolded"`
	Raw     string       `json:"raw" doc:"The message (RFC 5322)"`
}

// RenderedJSON is a mail as one person gets it, and what an author should know about it.
type RenderedJSON struct {
	Subject       string        `json:"subject"`
	HTML          string        `json:"html"`
	Text          string        `json:"text"`
	TextGenerated bool          `json:"text_generated"`
	SizeBytes     int           `json:"size_bytes"`
	Links         []string      `json:"links"`
	Warnings      []warningJSON `json:"warnings"`
	Fields        []string      `json:"fields" doc:"The merge tags that the content uses"`
}

type warningJSON struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Part    string `json:"part" enum:"subject,preheader,html,text"`
	Line    int    `json:"line,omitempty" doc:"Of the part as it is sent: with a layout, or another kind than html, not of what was written"`
}

func (in ContentInput) source() templates.Source {
	return templates.Source{Kind: templates.Kind(in.Kind), LayoutID: in.LayoutID, KeepCSS: !orTrue(in.InlineCSS), Subject: in.Subject, Preheader: in.Preheader, HTML: in.HTML, Text: in.Text}
}

func encodeRendered(v templates.PreviewResult) RenderedJSON {
	return RenderedJSON{
		Subject: v.Subject, HTML: v.HTML, Text: v.Text, TextGenerated: v.TextGenerated, SizeBytes: v.SizeBytes, Links: append([]string{}, v.Links...),
		Fields: append([]string{}, v.Fields...),
		Warnings: each(v.Warnings, func(w templates.Warning) warningJSON {
			return warningJSON{Code: w.Code, Message: w.Message, Part: w.Part, Line: w.Line}
		}),
	}
}

func (s *server) render(ctx context.Context, in *with[renderInputJSON]) (*answer[RenderedJSON], error) {
	b := in.Body
	vars, err := s.deps.Campaigns.PreviewVars(ctx, b.SubscriberID, b.CampaignID)
	if err != nil {
		return nil, err
	}
	vars.Campaign.Subject = b.Subject
	content, err := s.deps.Templates.Build(ctx, b.source())
	if err != nil {
		return nil, err
	}
	v, err := preview(content, vars, b.Scheme, b.Images)
	return reply(v, err, encodeRendered)
}

func preview(content templates.Content, vars templates.Vars, scheme, images string) (templates.PreviewResult, error) {
	v, err := templates.Preview(content, vars, templates.Scheme(scheme))
	if images == "off" {
		v = v.WithoutImages()
	}
	return v, err
}

func (s *server) renderRaw(ctx context.Context, in *with[rawInputJSON]) (*answer[rawJSON], error) {
	b, src := in.Body, in.Body.source()
	headers, raw, err := s.deps.Campaigns.Raw(ctx, campaigns.RawPreview{
		Input: campaigns.Input{
			Kind: src.Kind, LayoutID: src.LayoutID, KeepCSS: src.KeepCSS, Subject: src.Subject, Preheader: src.Preheader, HTML: src.HTML, Text: src.Text,
			FromName: b.FromName, FromEmail: b.FromEmail, ReplyTo: b.ReplyTo,
		},
		CampaignID: b.CampaignID, SubscriberID: b.SubscriberID,
	})
	return replyRaw(headers, raw, err)
}

func replyRaw(headers []campaigns.Header, raw []byte, err error) (*answer[rawJSON], error) {
	return reply(raw, err, func(raw []byte) rawJSON {
		return rawJSON{each(headers, func(h campaigns.Header) headerJSON { return headerJSON(h) }), string(raw)}
	})
}
