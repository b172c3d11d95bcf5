package api

import (
	"cmp"
	"context"
	"errors"

	"github.com/danielgtaylor/huma/v2"

	"postrider/internal/errs"
	"postrider/sender/presets"
)

type providerJSON struct {
	ID             string             `json:"id"`
	Name           string             `json:"name"`
	Kind           string             `json:"kind" enum:"mailbox,service,own,generic" doc:"mailbox: made for people, with a small quota; own: a server of one's own"`
	AsOf           string             `json:"as_of" doc:"Month in which the facts were looked at"`
	Docs           string             `json:"docs" doc:"The provider's page about SMTP"`
	Hosts          []providerHostJSON `json:"hosts" doc:"Several are regions; the first is offered"`
	Endpoints      []endpointJSON     `json:"endpoints" doc:"The first is recommended"`
	Auth           []string           `json:"auth" doc:"The first is recommended"`
	Username       string             `json:"username" doc:"The user name when it is always the same, else empty"`
	UsernameHint   string             `json:"username_hint"`
	PasswordHint   string             `json:"password_hint"`
	Needs          []providerNeedJSON `json:"needs" doc:"What to do at the provider first"`
	OAuth          *providerOAuthJSON `json:"oauth,omitempty"`
	Limits         providerLimitsJSON `json:"limits"`
	Quota          providerQuotaJSON  `json:"quota"`
	SigningProfile string             `json:"signing_profile" enum:"default,ses"`
	SignsItself    bool               `json:"signs_itself" doc:"The provider signs with DKIM"`
	ReturnPath     string             `json:"return_path" enum:"per_recipient,from"`
	Reading        *readingJSON       `json:"reading" doc:"How its mailboxes are read, for bounces that come back there; null: it has none"`
	SiteLimits     bool               `json:"site_limits" doc:"Limits per receiving site make sense: the server delivers by itself"`
}

// TransformSchema says in the OpenAPI document that reading can be null.
func (providerJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "reading")
}

type readingJSON struct {
	Name         string              `json:"name"`
	Servers      []readingServerJSON `json:"servers" doc:"The first is recommended"`
	Auth         []string            `json:"auth" doc:"password and xoauth2; the first is recommended"`
	UsernameHint string              `json:"username_hint"`
	PasswordHint string              `json:"password_hint"`
	Needs        []providerNeedJSON  `json:"needs" doc:"What to do at the provider first"`
	Scope        string              `json:"scope" doc:"Of OAuth; empty without"`
	PollMinutes  int                 `json:"poll_minutes" doc:"The least time between two checks, where the server does not tell of new mail"`
	Limits       readingLimitsJSON   `json:"limits"`
}

type readingServerJSON struct {
	Protocol string `json:"protocol" enum:"imap,pop3"`
	Host     string `json:"host" doc:"Empty: a server of one's own"`
	Region   string `json:"region" doc:"Empty where there is only one"`
	Port     int    `json:"port"`
	TLS      string `json:"tls" enum:"none,starttls,implicit"`
}

type readingLimitsJSON struct {
	Connections int    `json:"connections"`
	IMAPDown    int64  `json:"imap_bytes_per_day"`
	POP3Down    int64  `json:"pop3_bytes_per_day"`
	Up          int64  `json:"upload_bytes_per_day"`
	Source      string `json:"source"`
}

func encodeReading(p presets.Provider) *readingJSON {
	r := p.Reading
	if r == nil {
		return nil
	}
	return &readingJSON{
		Name: cmp.Or(r.Name, p.Name), Auth: r.Auth, UsernameHint: cmp.Or(r.Username, p.Username.Hint), PasswordHint: cmp.Or(r.Password, p.Password), Scope: r.Scope,
		Servers:     each(r.Servers, func(s presets.ReadingServer) readingServerJSON { return readingServerJSON(s) }),
		Needs:       each(r.Needs, func(n presets.Need) providerNeedJSON { return providerNeedJSON(n) }),
		PollMinutes: int(r.PollEvery.Minutes()), Limits: readingLimitsJSON(r.Limits),
	}
}

type providerHostJSON struct {
	Host   string `json:"host"`
	Region string `json:"region" doc:"Empty where there is only one"`
}

type endpointJSON struct {
	Port int    `json:"port"`
	TLS  string `json:"tls" enum:"none,starttls,implicit"`
}

type providerNeedJSON struct {
	Text string `json:"text"`
	Link string `json:"link"`
}

type providerOAuthJSON struct {
	TokenURL string `json:"token_url"`
	Scope    string `json:"scope"`
	Docs     string `json:"docs"`
}

type providerLimitsJSON struct {
	Connections           int    `json:"connections"`
	MessagesPerConnection int    `json:"messages_per_connection"`
	RecipientsPerMessage  int    `json:"recipients_per_message"`
	PerSecond             int    `json:"per_second"`
	PerMinute             int    `json:"per_minute"`
	PerHour               int    `json:"per_hour"`
	PerDay                int    `json:"per_day"`
	Note                  string `json:"note"`
	Source                string `json:"source"`
}

type providerQuotaJSON struct {
	Text           string `json:"text"`
	ReopensSeconds int    `json:"reopens_seconds" doc:"0: not known"`
	Extended       bool   `json:"extended" doc:"Every further try makes the block last longer"`
}

func encodeProvider(p presets.Provider) providerJSON {
	out := providerJSON{
		ID: p.ID, Name: p.Name, Kind: string(p.Kind), AsOf: p.AsOf, Docs: p.Docs, Auth: p.Auth,
		Username: p.Username.Fixed, UsernameHint: p.Username.Hint, PasswordHint: p.Password,
		Hosts:          each(p.Hosts, func(h presets.Host) providerHostJSON { return providerHostJSON{h.Name, h.Region} }),
		Endpoints:      each(p.Endpoints, func(e presets.Endpoint) endpointJSON { return endpointJSON{e.Port, e.TLS} }),
		Needs:          each(p.Needs, func(n presets.Need) providerNeedJSON { return providerNeedJSON(n) }),
		Limits:         providerLimitsJSON(p.Limits),
		Quota:          providerQuotaJSON{p.Quota.Text, int(p.Quota.Reopens.Seconds()), p.Quota.Extended},
		SigningProfile: p.SigningProfile, SignsItself: p.SignsItself, ReturnPath: p.ReturnPath, SiteLimits: p.SiteLimits, Reading: encodeReading(p),
	}
	if p.OAuth != nil {
		out.OAuth = &providerOAuthJSON{p.OAuth.TokenURL, p.OAuth.Scope, p.OAuth.Docs}
	}
	return out
}

func (s *server) listProviders(context.Context, *nothing) (*answer[pageJSON[providerJSON]], error) {
	return replyAll(presets.All(), nil, encodeProvider)
}

type questionJSON struct {
	Text     string `json:"text" maxLength:"65536" doc:"The reply, of one line or several, or a text that holds it"`
	Provider string `json:"provider" required:"false" doc:"Id of a provider, or the name of its server"`
	Stage    string `json:"stage" required:"false" doc:"greeting, helo, starttls, auth, mail, rcpt, data or dot. Empty: what the text says"`
}

type explanationJSON struct {
	Code              int    `json:"code"`
	Status            string `json:"status" doc:"Enhanced status code (RFC 3463), or empty"`
	Text              string `json:"text"`
	Stage             string `json:"stage"`
	Permanence        string `json:"permanence" enum:"success,transient,permanent"`
	Reason            string `json:"reason"`
	Fault             string `json:"fault" enum:"none,recipient,receiver,reputation,content,account,us,network"`
	Action            string `json:"action" enum:"accept,suppress,bounce,retry,retry_soon,slow_down,stop_relay,fail"`
	RetryAfterSeconds int    `json:"retry_after_seconds" doc:"0: the reply does not say"`
	Provider          string `json:"provider" doc:"Name of the provider, or empty"`
	KnownText         bool   `json:"known_text" doc:"This very text of the provider is known"`
	Whose             string `json:"whose_fault"`
	Does              string `json:"program" doc:"What the program does"`
	Remedy            string `json:"remedy" doc:"What a person should do; empty for nothing"`
}

func encodeExplanation(e presets.Explanation) explanationJSON {
	return explanationJSON{
		Code: e.Reply.Code, Status: e.Reply.Status, Text: e.Reply.Text, Stage: string(e.Reply.Stage),
		Permanence: string(e.Class.Permanence), Reason: string(e.Class.Reason), Fault: string(e.Class.Fault), Action: string(e.Class.Action),
		RetryAfterSeconds: int(e.Class.RetryAfter.Seconds()), Provider: e.Provider, KnownText: e.Known, Whose: e.Whose, Does: e.Does, Remedy: e.Remedy,
	}
}

func (s *server) explainReply(_ context.Context, in *with[questionJSON]) (*answer[explanationJSON], error) {
	e, err := presets.ExplainText(presets.Question(in.Body))
	var wrong *presets.QuestionError
	if errors.As(err, &wrong) {
		err = errs.InvalidField(wrong.Field, "%s", wrong.Text)
	}
	return reply(e, err, encodeExplanation)
}
