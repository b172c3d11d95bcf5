package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/sender"
)

// RelayFields are what a person sets on a relay, and what is shown of it.
type RelayFields struct {
	Name                     string      `json:"name"`
	Provider                 string      `json:"provider" required:"false" doc:"Id of one of GET /providers; its words for a refusal are understood. Empty: recognised by the host, where it is known"`
	Kind                     string      `json:"kind" enum:"smtp,inbox" required:"false" doc:"inbox: the built-in capture server; host, port, tls and auth mean nothing then"`
	Host                     string      `json:"host" required:"false"`
	Port                     int         `json:"port" required:"false" minimum:"0" maximum:"65535"`
	TLS                      string      `json:"tls" enum:"none,starttls,implicit" required:"false"`
	Auth                     string      `json:"auth" enum:"none,auto,plain,login,cram-md5,scram-sha-1,scram-sha-256,xoauth2" required:"false"`
	Username                 string      `json:"username" required:"false"`
	OAuthClientID            string      `json:"oauth_client_id" required:"false" doc:"For xoauth2"`
	OAuthTokenURL            string      `json:"oauth_token_url" required:"false" doc:"For xoauth2. Empty: the provider's"`
	HELOName                 string      `json:"helo_name" required:"false" doc:"Empty: this machine's name"`
	MaxConnections           int         `json:"max_connections" required:"false"`
	MaxMessagesPerConnection int         `json:"max_messages_per_connection" required:"false"`
	PerSecond                *int        `json:"per_second" required:"false" doc:"Messages over all processes, evenly spaced; null: no limit"`
	PerMinute                *int        `json:"per_minute" required:"false" doc:"The same for a minute"`
	PerHour                  *int        `json:"per_hour" required:"false" doc:"Messages in any 60 minutes over all processes; null: no limit"`
	PerDay                   *int        `json:"per_day" required:"false" doc:"Messages in any 24 hours over all processes; null: no limit"`
	Weight                   *int        `json:"weight" required:"false" minimum:"0" maximum:"100" doc:"Share among the relays of a campaign that can be used; 0: a backup, used when no other can be. Left out: 1"`
	FromDomains              []string    `json:"from_domains" required:"false" doc:"Only mail From these domains; empty: all"`
	RecipientSites           []string    `json:"recipient_sites" required:"false" doc:"Only mail to these: google, microsoft, yandex, mailru, apple, yahoo, gmx, zoho, fastmail, proton, orange, or a domain. Empty: all"`
	SiteLimits               *bool       `json:"site_limits" required:"false" doc:"It delivers to the recipients' servers itself, so that the limits of GET /site-limits are kept. Left out: as the provider is"`
	Warmup                   *warmupJSON `json:"warmup" required:"false" doc:"null: no warm-up"`
	Window                   *windowJSON `json:"window" required:"false" doc:"null: at all times"`
	ReturnPath               string      `json:"return_path" enum:"per_recipient,from" required:"false"`
	DKIM                     string      `json:"dkim" enum:"sign,off" required:"false"`
	SigningProfile           string      `json:"signing_profile" enum:"default,ses" required:"false"`
}

type relayJSON struct {
	ID int64 `json:"id"`
	RelayFields
	HasPassword     bool       `json:"has_password"`
	HasClientSecret bool       `json:"has_oauth_client_secret"`
	HasRefreshToken bool       `json:"has_oauth_refresh_token"`
	Status          string     `json:"status" enum:"active,paused"`
	PauseReason     *string    `json:"pause_reason"`
	BlockedUntil    *time.Time `json:"blocked_until" doc:"Until when the provider takes nothing more; null: not blocked"`
	BlockedReason   *string    `json:"blocked_reason"`
	Pace            *paceJSON  `json:"pace" doc:"null: full speed"`
	InUse           bool       `json:"in_use" doc:"A scheduled, running or paused campaign sends through it"`
	CreatedAt       time.Time  `json:"created_at"`
	UpdatedAt       time.Time  `json:"updated_at"`
}

// TransformSchema says in the OpenAPI document that pace can be null.
func (relayJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "pace")
}

// RelayInput is a relay with the secrets that nobody gets to see again.
type RelayInput struct {
	RelayFields
	Password          *string `json:"password,omitempty" doc:"Left out in an update: the stored one stays"`
	OAuthClientSecret *string `json:"oauth_client_secret,omitempty" doc:"For xoauth2, where the client has one. Left out in an update: the stored one stays"`
	OAuthRefreshToken *string `json:"oauth_refresh_token,omitempty" doc:"For xoauth2. Left out in an update: the stored one stays"`
}

type relayTestJSON struct {
	From string `json:"from,omitempty" doc:"Left out: the default sender of the settings"`
	To   string `json:"to,omitempty" doc:"Left out: no recipient is asked for"`
}

type relayTryJSON struct {
	RelayInput
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
}

type testReportJSON struct {
	OK         bool           `json:"ok"`
	Steps      []testStepJSON `json:"steps"`
	Remedy     *string        `json:"remedy" doc:"What a person can do about the step that failed"`
	Provider   *string        `json:"provider,omitempty" doc:"The provider whose own words were recognised"`
	TLS        *string        `json:"tls,omitempty"`
	Extensions []string       `json:"extensions"`
}

type testStepJSON struct {
	Step   string `json:"step" enum:"connect,greeting,tls,auth,mail,rcpt"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
	MS     int64  `json:"ms"`
}

func encodeRelay(r sender.Relay) relayJSON {
	return relayJSON{
		BlockedUntil: utc(r.BlockedUntil), BlockedReason: r.BlockedReason, Pace: encodePace(r.Pace),
		ID: r.ID, HasPassword: r.HasPassword, HasClientSecret: r.HasClientSecret, HasRefreshToken: r.HasRefreshToken, Status: r.Status, PauseReason: r.PauseReason, InUse: r.InUse,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		RelayFields: RelayFields{
			Name: r.Name, Provider: r.Provider, Kind: r.Kind, Host: r.Host, Port: r.Port, TLS: r.TLS, Auth: r.Auth, Username: r.Username,
			OAuthClientID: r.OAuthClientID, OAuthTokenURL: r.OAuthTokenURL, HELOName: r.HELOName,
			MaxConnections: r.MaxConnections, MaxMessagesPerConnection: r.MaxMessagesPerConnection,
			PerSecond: r.PerSecond, PerMinute: r.PerMinute, PerHour: r.PerHour, PerDay: r.PerDay,
			Weight: &r.Weight, FromDomains: r.FromDomains, RecipientSites: r.RecipientSites, SiteLimits: &r.SiteLimits, Warmup: encodeWarmup(r.Warmup), Window: encodeWindow(r.Window),
			ReturnPath: r.ReturnPath, DKIM: r.DKIM, SigningProfile: r.SigningProfile,
		},
	}
}

func (in RelayInput) input() sender.RelayInput {
	return sender.RelayInput{
		Name: in.Name, Provider: in.Provider, Kind: in.Kind, Host: in.Host, Port: in.Port, TLS: in.TLS, Auth: in.Auth, Username: in.Username, Password: in.Password,
		OAuth:    sender.OAuthInput{ClientID: in.OAuthClientID, TokenURL: in.OAuthTokenURL, ClientSecret: in.OAuthClientSecret, RefreshToken: in.OAuthRefreshToken},
		HELOName: in.HELOName, MaxConnections: in.MaxConnections, MaxMessagesPerConnection: in.MaxMessagesPerConnection,
		Limits: sender.Limits{PerSecond: in.PerSecond, PerMinute: in.PerMinute, PerHour: in.PerHour, PerDay: in.PerDay},
		Weight: in.Weight, FromDomains: in.FromDomains, RecipientSites: in.RecipientSites, SiteLimits: in.SiteLimits,
		Warmup: in.Warmup.decode(), Window: in.Window.decode(), ReturnPath: in.ReturnPath, DKIM: in.DKIM, SigningProfile: in.SigningProfile,
	}
}

func (s *server) listRelays(ctx context.Context, _ *nothing) (*answer[pageJSON[relayJSON]], error) {
	relays, err := s.deps.Sender.ListRelays(ctx)
	return replyAll(relays, err, encodeRelay)
}

func (s *server) getRelay(ctx context.Context, in *byID) (*answer[relayJSON], error) {
	r, err := s.deps.Sender.GetRelay(ctx, in.ID)
	return reply(r, err, encodeRelay)
}

func (s *server) createRelay(ctx context.Context, in *with[RelayInput]) (*answer[relayJSON], error) {
	r, err := s.deps.Sender.CreateRelay(ctx, in.Body.input())
	return reply(r, err, encodeRelay)
}

func (s *server) updateRelay(ctx context.Context, in *onID[RelayInput]) (*answer[relayJSON], error) {
	r, err := s.deps.Sender.UpdateRelay(ctx, in.ID, in.Body.input())
	return reply(r, err, encodeRelay)
}

func (s *server) deleteRelay(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Sender.DeleteRelay(ctx, in.ID))
}

func (s *server) pauseRelay(ctx context.Context, in *byID) (*answer[relayJSON], error) {
	r, err := s.deps.Sender.PauseRelay(ctx, in.ID, "")
	return reply(r, err, encodeRelay)
}

func (s *server) resumeRelay(ctx context.Context, in *byID) (*answer[relayJSON], error) {
	r, err := s.deps.Sender.ResumeRelay(ctx, in.ID)
	return reply(r, err, encodeRelay)
}

type relayTest struct {
	ID   int64          `path:"id" minimum:"1"`
	Body *relayTestJSON `required:"false"`
}

func encodeTestReport(v sender.TestReport) testReportJSON {
	out := testReportJSON{OK: v.OK, Extensions: append([]string{}, v.Extensions...), Steps: each(v.Steps, func(t sender.TestStep) testStepJSON {
		return testStepJSON{Step: t.Step, OK: t.OK, Detail: t.Detail, MS: t.Took.Milliseconds()}
	})}
	if v.Remedy != "" {
		out.Remedy = &v.Remedy
	}
	if v.TLS != "" {
		out.TLS = &v.TLS
	}
	if v.Provider != "" {
		out.Provider = &v.Provider
	}
	return out
}

func (s *server) testRelay(ctx context.Context, in *relayTest) (*answer[testReportJSON], error) {
	var body relayTestJSON
	if in.Body != nil {
		body = *in.Body
	}
	v, err := s.deps.Sender.TestRelay(ctx, in.ID, body.From, body.To)
	return reply(v, err, encodeTestReport)
}

func (s *server) tryRelay(ctx context.Context, in *with[relayTryJSON]) (*answer[testReportJSON], error) {
	v, err := s.deps.Sender.TestRelayInput(ctx, in.Body.input(), in.Body.From, in.Body.To)
	return reply(v, err, encodeTestReport)
}
