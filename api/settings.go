package api

import (
	"context"
	"time"

	"postrider/internal/auth"
	"postrider/internal/settings"
)

type settingsJSON struct {
	Organization        string  `json:"organization"`
	PublicURL           string  `json:"public_url" doc:"Where mails and browsers find this server: http or https, without a path"`
	PostalAddress       string  `json:"postal_address"`
	DefaultFromName     string  `json:"default_from_name"`
	DefaultFromEmail    string  `json:"default_from_email"`
	TimeZone            string  `json:"time_zone" doc:"IANA name" example:"Europe/Berlin"`
	SoftBounceCount     int     `json:"soft_bounce_count" required:"false" minimum:"0" maximum:"365" doc:"Soft bounces after which an address is given up; 0 or left out: 5"`
	SoftBounceDays      int     `json:"soft_bounce_days" required:"false" minimum:"0" maximum:"365" doc:"Days that those must span; 0 or left out: 14"`
	MaxBouncePercent    float64 `json:"max_bounce_percent" required:"false" minimum:"0" maximum:"100" doc:"Bounces, in percent of what was tried, above which a campaign stops and asks; 100 never stops; 0 or left out: 10"`
	MaxComplaintPercent float64 `json:"max_complaint_percent" required:"false" minimum:"0" maximum:"100" doc:"Complaints, in percent of what was sent, above which a campaign stops and asks; 100 never stops; 0 or left out: 0.3"`
	TrackingURL         string  `json:"tracking_url" doc:"Where pixels and counted links lead: an origin that reaches this server under a name of its own; \"\" is public_url"`
	HonourDoNotTrack    bool    `json:"honour_do_not_track" doc:"Record nothing of readers whose request says DNT: 1 or Sec-GPC: 1"`
	FrequencyCapMails   int     `json:"frequency_cap_mails" doc:"The most mails of campaigns that a person gets in frequency_cap_days; 0 is no cap"`
	FrequencyCapDays    int     `json:"frequency_cap_days"`
	PreflightSpam       string  `json:"preflight_spam" doc:"The spam filter that mail is shown to before it is sent: http(s)://host:port of rspamd, spamd://host:port of SpamAssassin; \"\" is none"`
	UndoSendSeconds     int     `json:"undo_send_seconds" doc:"How long a campaign that was started in the interface can be called back; 0 is not at all"`
}

type settingsInputJSON struct {
	Organization     string `json:"organization"`
	PublicURL        string `json:"public_url"`
	PostalAddress    string `json:"postal_address"`
	DefaultFromName  string `json:"default_from_name"`
	DefaultFromEmail string `json:"default_from_email"`
	TimeZone         string `json:"time_zone"`
	TrackingURL      string `json:"tracking_url" required:"false"`
	HonourDoNotTrack *bool  `json:"honour_do_not_track" required:"false" doc:"Left out: true"`
	PreflightSpam    string `json:"preflight_spam" required:"false" doc:"Left out: none"`
	UndoSendSeconds  *int   `json:"undo_send_seconds" required:"false" minimum:"0" maximum:"3600" doc:"Left out: 10"`

	FrequencyCapMails   int     `json:"frequency_cap_mails" required:"false" minimum:"0" maximum:"1000" doc:"0 or left out: no cap"`
	FrequencyCapDays    int     `json:"frequency_cap_days" required:"false" minimum:"0" maximum:"365" doc:"0 or left out: 7"`
	SoftBounceCount     int     `json:"soft_bounce_count" required:"false" minimum:"0" maximum:"365" doc:"0 or left out: 5"`
	SoftBounceDays      int     `json:"soft_bounce_days" required:"false" minimum:"0" maximum:"365" doc:"0 or left out: 14"`
	MaxBouncePercent    float64 `json:"max_bounce_percent" required:"false" minimum:"0" maximum:"100" doc:"0 or left out: 10"`
	MaxComplaintPercent float64 `json:"max_complaint_percent" required:"false" minimum:"0" maximum:"100" doc:"0 or left out: 0.3"`
}

func encodeSettings(set settings.Settings) settingsJSON {
	return settingsJSON(set)
}

func (in settingsInputJSON) settings() settings.Settings {
	undo := settings.DefaultUndoSendSeconds
	if in.UndoSendSeconds != nil {
		undo = *in.UndoSendSeconds
	}
	return settings.Settings{
		Organization: in.Organization, PublicURL: in.PublicURL, PostalAddress: in.PostalAddress, DefaultFromName: in.DefaultFromName, DefaultFromEmail: in.DefaultFromEmail,
		TimeZone: in.TimeZone, TrackingURL: in.TrackingURL, HonourDoNotTrack: orTrue(in.HonourDoNotTrack), PreflightSpam: in.PreflightSpam,
		FrequencyCapMails: in.FrequencyCapMails, FrequencyCapDays: in.FrequencyCapDays,
		SoftBounceCount: in.SoftBounceCount, SoftBounceDays: in.SoftBounceDays, MaxBouncePercent: in.MaxBouncePercent, MaxComplaintPercent: in.MaxComplaintPercent, UndoSendSeconds: undo,
	}
}

func (s *server) getSettings(ctx context.Context, _ *nothing) (*answer[settingsJSON], error) {
	set, err := s.deps.Settings.Get(ctx)
	return reply(set, err, encodeSettings)
}

func (s *server) putSettings(ctx context.Context, in *with[settingsInputJSON]) (*answer[settingsJSON], error) {
	set, err := s.deps.Settings.Put(ctx, in.Body.settings())
	return reply(set, err, encodeSettings)
}

type APIKeyJSON struct {
	ID         int64      `json:"id"`
	Name       string     `json:"name"`
	Prefix     string     `json:"prefix" doc:"The part of the key after pr_ by which to recognise it"`
	Scopes     []string   `json:"scopes"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
}

type newKeyJSON struct {
	APIKeyJSON
	Key string `json:"key" doc:"The key itself: shown this once"`
}

type apiKeyInputJSON struct {
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
}

func encodeAPIKey(k auth.Key) APIKeyJSON {
	return APIKeyJSON{ID: k.ID, Name: k.Name, Prefix: k.Prefix, Scopes: k.Scopes, CreatedAt: k.CreatedAt.UTC(), LastUsedAt: utc(k.LastUsedAt)}
}

func (s *server) listAPIKeys(ctx context.Context, _ *nothing) (*answer[itemsJSON[APIKeyJSON]], error) {
	keys, err := s.deps.Auth.ListKeys(ctx)
	return replyItems(keys, err, encodeAPIKey)
}

func (s *server) createAPIKey(ctx context.Context, in *with[apiKeyInputJSON]) (*answer[newKeyJSON], error) {
	k, full, err := s.deps.Auth.CreateKey(ctx, caller(ctx).UserID, in.Body.Name, in.Body.Scopes)
	return reply(k, err, func(k auth.Key) newKeyJSON { return newKeyJSON{APIKeyJSON: encodeAPIKey(k), Key: full} })
}

func (s *server) deleteAPIKey(ctx context.Context, in *byID) (*nothing, error) {
	return done(s.deps.Auth.DeleteKey(ctx, in.ID))
}

// utc gives times as the API promises them.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	u := t.UTC()
	return &u
}
