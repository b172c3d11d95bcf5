package api

import (
	"context"
	"time"

	"postrider/sender"
	"postrider/sender/presets"
)

// SiteLimitFields are what may go to a site.
type SiteLimitFields struct {
	RelayID   *int64 `json:"relay_id" required:"false" doc:"null: every relay that has site_limits on"`
	Site      string `json:"site" doc:"A provider such as google, a site as GET /relays/{id}/sites names it, or a domain: then the limit is for the site that takes its mail, unless that is a provider"`
	PerMinute *int   `json:"per_minute" required:"false" doc:"Messages over all processes, evenly spaced; null: no limit"`
	PerHour   *int   `json:"per_hour" required:"false" doc:"The same for an hour"`
	InFlight  *int   `json:"in_flight" required:"false" doc:"Messages on their way at once; null: no limit"`
}

type siteLimitJSON struct {
	SiteLimitFields
	Shipped bool `json:"shipped" doc:"It came with the program, and holds as long as nobody sets another one"`
}

// knownSiteJSON is a site that the program knows, whether or not somebody has set another limit for it.
type knownSiteJSON struct {
	Site      string   `json:"site"`
	Name      string   `json:"name"`
	MX        []string `json:"mx" doc:"Domains that its mail servers are in"`
	PerMinute *int     `json:"per_minute" doc:"Of the shipped limit"`
	PerHour   *int     `json:"per_hour"`
	InFlight  *int     `json:"in_flight"`
}

type siteLimitsJSON struct {
	AsOf  string          `json:"as_of" doc:"The month in which the shipped limits were last looked at"`
	Known []knownSiteJSON `json:"known" doc:"The sites that the program knows, with the limits that it came with"`
	Items []siteLimitJSON `json:"items"`
}

type siteLimitsInputJSON struct {
	Items []SiteLimitFields `json:"items" maxItems:"1000"`
}

type relaySiteJSON struct {
	Site         string     `json:"site"`
	ParkedUntil  *time.Time `json:"parked_until" doc:"Nothing goes there before; null: not parked"`
	Halved       int        `json:"halved" doc:"How many times the site's rate is halved at the moment; every ten minutes one is taken back"`
	Misses       int        `json:"misses" doc:"Deferrals since the last success"`
	InFlight     int        `json:"in_flight" doc:"Messages on their way"`
	MostInFlight *int       `json:"most_in_flight" doc:"As many may be; null: no limit"`
	PerMinute    *float64   `json:"per_minute" doc:"What may go there in a minute at present, halvings included; null: no limit"`
	PutOffUntil  *time.Time `json:"put_off_until" doc:"When the last of those goes that were too many; null: nobody waits"`
	Reply        string     `json:"reply" doc:"What the site said when it last made trouble"`
}

func encodeSiteLimit(l sender.SiteLimit, shipped bool) siteLimitJSON {
	return siteLimitJSON{Shipped: shipped, SiteLimitFields: SiteLimitFields{RelayID: l.RelayID, Site: l.Site, PerMinute: l.PerMinute, PerHour: l.PerHour, InFlight: l.InFlight}}
}

// encodeKnownSite takes the shipped limit as the sender keeps it.
func encodeKnownSite(site presets.Site) knownSiteJSON {
	l := sender.ShippedLimit(site)
	return knownSiteJSON{Site: site.ID, Name: site.Name, MX: site.MX, PerMinute: l.PerMinute, PerHour: l.PerHour, InFlight: l.InFlight}
}

func (s *server) listSiteLimits(ctx context.Context, _ *nothing) (*answer[siteLimitsJSON], error) {
	set, shipped, err := s.deps.Sender.ListSiteLimits(ctx)
	return reply(set, err, func(set []sender.SiteLimit) siteLimitsJSON {
		out := siteLimitsJSON{AsOf: presets.AsOf, Known: each(presets.Sites(), encodeKnownSite), Items: []siteLimitJSON{}}
		for _, l := range set {
			out.Items = append(out.Items, encodeSiteLimit(l, false))
		}
		for _, l := range shipped {
			out.Items = append(out.Items, encodeSiteLimit(l, true))
		}
		return out
	})
}

func (s *server) setSiteLimits(ctx context.Context, in *with[siteLimitsInputJSON]) (*answer[siteLimitsJSON], error) {
	limits := each(in.Body.Items, func(f SiteLimitFields) sender.SiteLimit {
		return sender.SiteLimit{RelayID: f.RelayID, Site: f.Site, PerMinute: f.PerMinute, PerHour: f.PerHour, InFlight: f.InFlight}
	})
	if err := s.deps.Sender.SetSiteLimits(ctx, limits); err != nil {
		return nil, err
	}
	return s.listSiteLimits(ctx, nil)
}

func (s *server) getRelaySites(ctx context.Context, in *byID) (*answer[pageJSON[relaySiteJSON]], error) {
	sites, err := s.deps.Sender.RelaySites(ctx, in.ID)
	return replyAll(sites, err, func(v sender.RelaySite) relaySiteJSON {
		return relaySiteJSON{Site: v.Site, ParkedUntil: utc(v.ParkedUntil), Halved: v.Halved, Misses: v.Misses, InFlight: v.InFlight, MostInFlight: v.MostInFlight,
			PerMinute: v.PerMinute, PutOffUntil: utc(v.PutOffUntil), Reply: v.Reply}
	})
}
