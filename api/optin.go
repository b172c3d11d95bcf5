package api

import (
	"context"
	"time"

	"postrider/audience"
	"postrider/campaigns/confirm"
)

type optInJSON struct {
	OptIn      string  `json:"opt_in" enum:"single,double"`
	Language   string  `json:"language" enum:",en,de,fr,es,ru" doc:"Of the usual mail; empty: that of the form"`
	Subject    string  `json:"subject"`
	HTML       string  `json:"html"`
	Text       string  `json:"text"`
	FromName   string  `json:"from_name"`
	FromEmail  string  `json:"from_email"`
	RelayID    *int64  `json:"relay_id"`
	ExpireDays int     `json:"expire_days"`
	Usual      mailSrc `json:"usual" doc:"The mail that goes out where subject, html and text are empty"`
}

type mailSrc struct {
	Subject string `json:"subject"`
	HTML    string `json:"html"`
	Text    string `json:"text"`
}

// OptInInputJSON is exported because huma passes over what a type embeds that is not.
type OptInInputJSON struct {
	OptIn      string `json:"opt_in" enum:"single,double" doc:"double: who signs up by a form is on the list only after confirming it by a mail"`
	Language   string `json:"language" required:"false" enum:",en,de,fr,es,ru" doc:"Of the usual mail. Empty: that of the form"`
	Subject    string `json:"subject" required:"false" doc:"Liquid. Empty together with html and text: the usual mail"`
	HTML       string `json:"html" required:"false" doc:"Liquid; must hold {{ confirm_url }}"`
	Text       string `json:"text" required:"false" doc:"Liquid; must hold {{ confirm_url }}. Empty: made from the HTML"`
	FromName   string `json:"from_name" required:"false"`
	FromEmail  string `json:"from_email" required:"false" doc:"Empty: the default of the settings"`
	RelayID    *int64 `json:"relay_id" required:"false" doc:"null: the first relay that takes the recipient and the From address; the built-in inbox only where there is no other"`
	ExpireDays int    `json:"expire_days" required:"false" doc:"How long the link works. Left out or 0: 7"`
}

type optInTestJSON struct {
	To string `json:"to"`
	OptInInputJSON
}

type optInTestResultJSON struct {
	To        string `json:"to"`
	RelayID   int64  `json:"relay_id"`
	RelayName string `json:"relay_name"`
	OK        bool   `json:"ok"`
	Code      int    `json:"code"`
	Reply     string `json:"reply"`
}

type optInRequestJSON struct {
	ID           int64      `json:"id"`
	Email        string     `json:"email" doc:"Empty some time after its end"`
	SubscriberID int64      `json:"subscriber_id" doc:"0: the person is gone"`
	State        string     `json:"state" enum:"pending,sending,sent,uncertain,failed,suppressed,limited,confirmed,declined,expired,removed"`
	Suppression  string     `json:"suppression" doc:"Why the address is never mailed; empty when it may be"`
	FormID       int64      `json:"form_id" doc:"0: none, or deleted"`
	FormName     string     `json:"form_name"`
	Source       string     `json:"source"`
	ListNames    []string   `json:"list_names"`
	Attempts     int        `json:"attempts" doc:"To send the mail"`
	ReplyCode    int        `json:"reply_code" doc:"Of the server; 0: it has not answered"`
	Reply        string     `json:"reply" doc:"The server's words, or why the mail waits"`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
	ExpiresAt    *time.Time `json:"expires_at" doc:"Until when the link works"`
}

type optInRequestQuery struct {
	PageOf
	State string `query:"state" enum:"open,ended,pending,sending,sent,uncertain,failed,suppressed,limited,confirmed,declined,expired,removed" doc:"open: not answered yet; ended: confirmed, declined, expired and the like"`
}

type byOptInRequest struct {
	ID        int64 `path:"id" minimum:"1"`
	RequestID int64 `path:"request_id" minimum:"1"`
}

func (in OptInInputJSON) optIn() audience.OptInInput {
	return audience.OptInInput{
		Mode: in.OptIn, Language: in.Language, Subject: in.Subject, HTML: in.HTML, Text: in.Text, FromName: in.FromName, FromEmail: in.FromEmail,
		RelayID: in.RelayID, ExpireDays: in.ExpireDays,
	}
}

func encodeOptIn(o audience.OptIn) optInJSON {
	usual := confirm.Usual(o.Language)
	return optInJSON{
		OptIn: o.Mode, Language: o.Language, Subject: o.Subject, HTML: o.HTML, Text: o.Text, FromName: o.FromName, FromEmail: o.FromEmail, RelayID: o.RelayID,
		ExpireDays: o.ExpireDays, Usual: mailSrc{Subject: usual.Subject, HTML: usual.HTML, Text: usual.Text},
	}
}

func encodeOptInRequest(r audience.OptInRequest) optInRequestJSON {
	return optInRequestJSON{
		ID: r.ID, Email: r.Email, SubscriberID: r.SubscriberID, State: r.State, Suppression: r.Suppression, FormID: r.FormID, FormName: r.FormName, Source: r.Source,
		ListNames: r.ListNames, Attempts: r.Attempts, ReplyCode: r.ReplyCode, Reply: r.Reply, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, ExpiresAt: r.ExpiresAt,
	}
}

func (s *server) getOptIn(ctx context.Context, in *byID) (*answer[optInJSON], error) {
	o, err := s.deps.Audience.GetOptIn(ctx, in.ID)
	return reply(o, err, encodeOptIn)
}

func (s *server) putOptIn(ctx context.Context, in *onID[OptInInputJSON]) (*answer[optInJSON], error) {
	o, err := s.deps.Confirm.SetOptIn(ctx, in.ID, in.Body.optIn())
	return reply(o, err, encodeOptIn)
}

func (s *server) testOptIn(ctx context.Context, in *onID[optInTestJSON]) (*answer[optInTestResultJSON], error) {
	r, err := s.deps.Confirm.SendTest(ctx, in.ID, in.Body.optIn(), in.Body.To)
	return reply(r, err, func(r confirm.TestResult) optInTestResultJSON { return optInTestResultJSON(r) })
}

func (s *server) listOptInRequests(ctx context.Context, in *optInRequestQuery) (*answer[pageJSON[optInRequestJSON]], error) {
	p, err := s.deps.Audience.ListOptInRequests(ctx, in.ID, in.State, in.query())
	return replyPage(p, err, encodeOptInRequest)
}

func (s *server) resendOptIn(ctx context.Context, in *byOptInRequest) (*nothing, error) {
	return done(s.deps.Audience.ResendSignup(ctx, in.ID, in.RequestID))
}
