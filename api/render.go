package api

import (
	"context"

	"postrider/templates"
)

type renderInputJSON struct {
	Subject      string `json:"subject"`
	Preheader    string `json:"preheader,omitempty"`
	HTML         string `json:"html"`
	Text         string `json:"text"`
	SubscriberID int64  `json:"subscriber_id,omitempty" doc:"Whose data to show; left out: somebody from the campaign's lists"`
	CampaignID   int64  `json:"campaign_id,omitempty"`
	Scheme       string `json:"scheme,omitempty" enum:"light,dark" doc:"As a mail program of this colour scheme would show it"`
}

type renderedJSON struct {
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
	Line    int    `json:"line,omitempty"`
}

func encodeRendered(v templates.PreviewResult) renderedJSON {
	return renderedJSON{
		Subject: v.Subject, HTML: v.HTML, Text: v.Text, TextGenerated: v.TextGenerated, SizeBytes: v.SizeBytes, Links: append([]string{}, v.Links...),
		Fields: append([]string{}, v.Fields...),
		Warnings: each(v.Warnings, func(w templates.Warning) warningJSON {
			return warningJSON{Code: w.Code, Message: w.Message, Part: w.Part, Line: w.Line}
		}),
	}
}

func (s *server) render(ctx context.Context, in *with[renderInputJSON]) (*answer[renderedJSON], error) {
	b := in.Body
	vars, err := s.deps.Campaigns.PreviewVars(ctx, b.SubscriberID, b.CampaignID)
	if err != nil {
		return nil, err
	}
	vars.Campaign.Subject = b.Subject
	v, err := templates.Preview(templates.Content{Subject: b.Subject, Preheader: b.Preheader, HTML: b.HTML, Text: b.Text}, vars, templates.Scheme(b.Scheme))
	return reply(v, err, encodeRendered)
}
