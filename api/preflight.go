package api

import (
	"context"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/campaigns"
	"postrider/campaigns/preflight"
)

type preflightJSON struct {
	RanAt          time.Time `json:"ran_at"`
	RanBy          string    `json:"ran_by"`
	ContentChanged bool      `json:"content_changed" doc:"Content, audience or settings are not any more what was checked"`
	WouldBlock     bool      `json:"would_block" doc:"Start would refuse the campaign"`
	Unacknowledged []string  `json:"unacknowledged" doc:"Codes of the warnings that nobody has acknowledged"`
	PreflightReportJSON
}

// TransformSchema says in the OpenAPI document that spam can be null.
func (preflightJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "spam")
}

type preflightDraftJSON struct {
	WouldBlock bool `json:"would_block" doc:"There are blocking findings"`
	PreflightReportJSON
}

// TransformSchema says in the OpenAPI document that spam can be null.
func (preflightDraftJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "spam")
}

type PreflightReportJSON struct {
	Summary  preflightSummaryJSON `json:"summary"`
	Findings []findingJSON        `json:"findings" doc:"The worst first"`
	Links    []linkStateJSON      `json:"links" doc:"Those of the first sample"`
	Sizes    preflightSizesJSON   `json:"sizes"`
	Samples  int                  `json:"samples" doc:"For how many people the message was made"`
	Spam     *spamResultJSON      `json:"spam" doc:"null: no spam filter is configured"`
	Support  supportJSON          `json:"support" doc:"What is known of mail programs"`
}

type preflightSummaryJSON struct {
	Blocking int `json:"blocking"`
	Warning  int `json:"warning"`
	Info     int `json:"info"`
}

type findingJSON struct {
	Code         string             `json:"code"`
	Severity     string             `json:"severity" enum:"blocking,warning,info"`
	Title        string             `json:"title"`
	Detail       string             `json:"detail"`
	Remedy       string             `json:"remedy"`
	Where        []findingPlaceJSON `json:"where" doc:"The first 20 places"`
	Count        int                `json:"count" doc:"Places in all, or the people it is about"`
	People       []int64            `json:"people" doc:"Subscribers whom it concerns, a few of them"`
	Acknowledged bool               `json:"acknowledged"`
}

type findingPlaceJSON struct {
	Part     string `json:"part" doc:"html, text, subject, preheader, headers, or a field of the campaign"`
	Line     int    `json:"line" doc:"From 1 in the part as it is sent; 0: the whole"`
	Selector string `json:"selector"`
	Note     string `json:"note"`
}

type linkStateJSON struct {
	URL    string   `json:"url"`
	Text   string   `json:"text"`
	Line   int      `json:"line"`
	State  string   `json:"state" enum:"ok,redirected,broken,unsure,own,unchecked"`
	Status int      `json:"status" doc:"Of the last answer; 0: none"`
	Chain  []string `json:"chain" doc:"Each address on the way"`
	Note   string   `json:"note"`
}

type preflightSizesJSON struct {
	HTMLBytes      int `json:"html_bytes" doc:"The largest HTML part of the samples, as it is sent"`
	LeastHTMLBytes int `json:"least_html_bytes"`
	MessageBytes   int `json:"message_bytes"`
	ImageBytes     int `json:"image_bytes" doc:"All images together, as far as their servers say"`
}

type spamResultJSON struct {
	Engine    string         `json:"engine"`
	Score     float64        `json:"score"`
	Threshold float64        `json:"threshold"`
	Rules     []spamRuleJSON `json:"rules"`
	Trouble   string         `json:"trouble" doc:"Why the filter said nothing"`
}

type spamRuleJSON struct {
	Name        string  `json:"name"`
	Score       float64 `json:"score"`
	Description string  `json:"description"`
}

type supportJSON struct {
	Source  string   `json:"source"`
	Updated string   `json:"updated" doc:"Date of the tables"`
	Without []string `json:"without" doc:"Mail programs of which no public table says anything"`
}

type preflightInputJSON struct {
	DoneBy *time.Time `json:"done_by,omitempty" doc:"When the last message must have gone out"`
}

type acknowledgeJSON struct {
	Codes []string `json:"codes" minItems:"1" maxItems:"100"`
}

type preflightDraftInputJSON struct {
	Raw       string `json:"raw,omitempty" doc:"A whole message of RFC 5322; the rest is not looked at then"`
	Subject   string `json:"subject,omitempty"`
	Preheader string `json:"preheader,omitempty"`
	HTML      string `json:"html,omitempty" doc:"Liquid source"`
	Text      string `json:"text,omitempty" doc:"Liquid source; left out: made from the HTML"`
	FromName  string `json:"from_name,omitempty"`
	FromEmail string `json:"from_email,omitempty"`
	ReplyTo   string `json:"reply_to,omitempty"`
	Links     bool   `json:"links,omitempty" doc:"Ask the servers that links and images lead to"`
}

func encodePreflightReport(r preflight.Report, acknowledged []string) PreflightReportJSON {
	s := preflight.Summarise(r.Findings)
	source, updated, without := preflight.SupportSource()
	out := PreflightReportJSON{
		Summary: preflightSummaryJSON(s), Samples: r.Samples, Support: supportJSON{Source: source, Updated: updated, Without: without},
		Sizes: preflightSizesJSON{HTMLBytes: r.Sizes.HTML, LeastHTMLBytes: r.Sizes.LeastHTML, MessageBytes: r.Sizes.Message, ImageBytes: r.Sizes.Images},
		Links: each(r.Links, func(l preflight.LinkState) linkStateJSON { return linkStateJSON(l) }),
		Findings: each(r.Findings, func(f preflight.Finding) findingJSON {
			return findingJSON{
				Code: f.Code, Severity: string(f.Severity), Title: f.Title, Detail: f.Detail, Remedy: f.Remedy, Count: f.Count, People: f.People,
				Where: each(f.Where, func(w preflight.Where) findingPlaceJSON { return findingPlaceJSON(w) }), Acknowledged: slices.Contains(acknowledged, f.Code),
			}
		}),
	}
	if v := r.Spam; v != nil {
		out.Spam = &spamResultJSON{Engine: v.Engine, Score: v.Score, Threshold: v.Threshold, Trouble: v.Trouble, Rules: each(v.Rules, func(r preflight.SpamRule) spamRuleJSON { return spamRuleJSON(r) })}
	}
	return out
}

func encodePreflight(p campaigns.Preflight) preflightJSON {
	return preflightJSON{
		RanAt: p.RanAt.UTC(), RanBy: p.RanBy, ContentChanged: p.Changed, WouldBlock: p.WouldBlock(), Unacknowledged: p.Unacknowledged(), PreflightReportJSON: encodePreflightReport(p.Report, p.Acknowledged),
	}
}

func (s *server) runPreflight(ctx context.Context, in *preflightInput) (*answer[preflightJSON], error) {
	var by time.Time
	if in.Body != nil && in.Body.DoneBy != nil {
		by = *in.Body.DoneBy
	}
	p, err := s.deps.Campaigns.Preflight(ctx, in.ID, by, caller(ctx).Name)
	return reply(p, err, encodePreflight)
}

type preflightInput struct {
	ID   int64               `path:"id" minimum:"1"`
	Body *preflightInputJSON `required:"false"`
}

func (s *server) getPreflight(ctx context.Context, in *byID) (*answer[preflightJSON], error) {
	p, err := s.deps.Campaigns.LastPreflight(ctx, in.ID)
	return reply(p, err, encodePreflight)
}

func (s *server) acknowledgePreflight(ctx context.Context, in *onID[acknowledgeJSON]) (*answer[preflightJSON], error) {
	p, err := s.deps.Campaigns.Acknowledge(ctx, in.ID, in.Body.Codes, caller(ctx).Name)
	return reply(p, err, encodePreflight)
}

func (s *server) preflightDraft(ctx context.Context, in *with[preflightDraftInputJSON]) (*answer[preflightDraftJSON], error) {
	b := in.Body
	r, err := s.deps.Campaigns.PreflightDraft(ctx, campaigns.Draft{
		Raw: []byte(b.Raw), Subject: b.Subject, Preheader: b.Preheader, HTML: b.HTML, Text: b.Text, FromName: b.FromName, FromEmail: b.FromEmail, ReplyTo: b.ReplyTo, Links: b.Links,
	})
	return reply(r, err, func(r preflight.Report) preflightDraftJSON {
		return preflightDraftJSON{WouldBlock: preflight.Summarise(r.Findings).Blocking > 0, PreflightReportJSON: encodePreflightReport(r, nil)}
	})
}
