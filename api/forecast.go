package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/campaigns"
	"postrider/sender"
)

type forecastJSON struct {
	StartsAt  time.Time    `json:"starts_at" doc:"From when on it is reckoned"`
	Messages  int          `json:"messages"`
	EndsAt    *time.Time   `json:"ends_at" doc:"When the last message will have gone out by the limits, the windows and the warm-ups, and by what is used up of them already. null without decided_by: no limit decides that; null with decided_by: not within ten years, or not before somebody resumes a relay"`
	DecidedBy *deciderJSON `json:"decided_by" doc:"The limit without which the mailing would be through soonest; null: it waits for none"`
}

// TransformSchema says in the OpenAPI document that decided_by can be null.
func (forecastJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "decided_by")
}

type deciderJSON struct {
	Limit    string `json:"limit" enum:"rate,hour,day,warmup,window,blocked,rest,paused,gate" doc:"gate: a part of the campaign waits for its time; rate: per second or minute; blocked: by the provider; rest: the server asked for one"`
	RelayID  *int64 `json:"relay_id" doc:"The relay whose limit it is"`
	DomainID *int64 `json:"domain_id" doc:"The sending domain whose limit it is"`
	Name     string `json:"name" doc:"Of the relay or the domain; empty: it is the campaign's own"`
}

type forecastInput struct {
	ID       int64     `path:"id" minimum:"1"`
	Messages int       `query:"messages" required:"true" minimum:"1" maximum:"1000000000" doc:"How many messages"`
	StartAt  time.Time `query:"start_at" doc:"When they begin; left out: now"`
}

type campaignForecastInput struct {
	ID       int64     `path:"id" minimum:"1"`
	Messages int       `query:"messages" minimum:"1" maximum:"1000000000" doc:"Left out: those whom it would reach now, or once it has started those who wait"`
	StartAt  time.Time `query:"start_at" doc:"When it begins; left out: when it is scheduled, else now"`
}

func encodeForecast(f sender.Forecast, messages int) forecastJSON {
	out := forecastJSON{StartsAt: f.Start.UTC(), Messages: messages, EndsAt: utc(f.End)}
	if d := f.Decides; d != nil {
		out.DecidedBy = &deciderJSON{Limit: d.Limit, RelayID: nullID(d.RelayID), DomainID: nullID(d.DomainID), Name: d.Name}
	}
	return out
}

func nullID(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

func (s *server) getRelayForecast(ctx context.Context, in *forecastInput) (*answer[forecastJSON], error) {
	f, err := s.deps.Sender.ForecastRelay(ctx, in.ID, in.Messages, in.StartAt)
	return reply(f, err, func(f sender.Forecast) forecastJSON { return encodeForecast(f, in.Messages) })
}

func (s *server) getDomainForecast(ctx context.Context, in *forecastInput) (*answer[forecastJSON], error) {
	f, err := s.deps.Sender.ForecastDomain(ctx, in.ID, in.Messages, in.StartAt)
	return reply(f, err, func(f sender.Forecast) forecastJSON { return encodeForecast(f, in.Messages) })
}

func (s *server) getCampaignForecast(ctx context.Context, in *campaignForecastInput) (*answer[forecastJSON], error) {
	f, err := s.deps.Campaigns.Forecast(ctx, in.ID, in.StartAt, in.Messages)
	return reply(f, err, func(f campaigns.Forecast) forecastJSON { return encodeForecast(f.Forecast, f.Messages) })
}
