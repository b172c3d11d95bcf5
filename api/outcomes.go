package api

import (
	"context"
	"time"

	"postrider/audience"
	"postrider/campaigns"
	"postrider/internal/page"
)

// OutcomeCountsJSON are deliveries by what became of them.
type OutcomeCountsJSON struct {
	Recipients   int64 `json:"recipients" doc:"The sum of delivered, refused, came_back, failed, unconfirmed, skipped and waiting"`
	Accepted     int64 `json:"accepted" doc:"Taken by a relay: the sum of delivered and came_back"`
	Delivered    int64 `json:"delivered" doc:"Taken by a relay, and nothing came back"`
	Refused      int64 `json:"refused" doc:"Bounced: refused for good when it was handed over"`
	CameBack     int64 `json:"came_back" doc:"Bounced: taken by a relay, and reported later as not delivered"`
	Failed       int64 `json:"failed"`
	Unconfirmed  int64 `json:"unconfirmed"`
	Skipped      int64 `json:"skipped"`
	Waiting      int64 `json:"waiting" doc:"Queued, claimed or deferred"`
	Complaints   int64 `json:"complaints" doc:"Deliveries that were reported as spam"`
	Unsubscribes int64 `json:"unsubscribes" doc:"Deliveries from which the person unsubscribed"`
	Opened       int64 `json:"opened" doc:"Deliveries that a person opened"`
	Clicked      int64 `json:"clicked" doc:"Deliveries in which a person followed a link"`
}

type reasonJSON struct {
	Outcome string `json:"outcome" enum:"refused,came_back,failed"`
	Reason  string `json:"reason" example:"user_unknown" doc:"unknown: nothing tells it"`
	Count   int64  `json:"count"`
}

type relayOutcomesJSON struct {
	ID   *int64 `json:"id" doc:"null: no relay was used yet"`
	Name string `json:"name" doc:"Empty when the relay is deleted"`
	OutcomeCountsJSON
}

type providerOutcomesJSON struct {
	ID      string `json:"id" doc:"A known provider, else the domain of the addresses; empty: all those that are not listed"`
	Name    string `json:"name"`
	Domains int    `json:"domains" doc:"Of how many domains it takes the mail"`
	OutcomeCountsJSON
}

type variantOutcomesJSON struct {
	Variant *int16 `json:"variant" doc:"null: those whose variant is not decided yet"`
	OutcomeCountsJSON
}

type outcomesJSON struct {
	AsOf      time.Time              `json:"as_of"`
	Total     OutcomeCountsJSON      `json:"total"`
	Reasons   []reasonJSON           `json:"reasons" doc:"The most common first"`
	Relays    []relayOutcomesJSON    `json:"relays" doc:"By the relay that was used last"`
	Providers []providerOutcomesJSON `json:"providers" doc:"The largest first; the others as one at the end"`
	Variants  []variantOutcomesJSON  `json:"variants" doc:"Of an A/B test, the sample and the rest together; empty without one"`
}

func encodeCounts(o campaigns.OutcomeCounts) OutcomeCountsJSON {
	return OutcomeCountsJSON{
		Recipients: o.Recipients, Accepted: o.Accepted(), Delivered: o.Delivered, Refused: o.Refused, CameBack: o.CameBack, Failed: o.Failed, Unconfirmed: o.Unconfirmed,
		Skipped: o.Skipped, Waiting: o.Waiting, Complaints: o.Complaints, Unsubscribes: o.Unsubscribes,
		Opened: o.Opened, Clicked: o.Clicked,
	}
}

func encodeOutcomes(o campaigns.Outcomes) outcomesJSON {
	return outcomesJSON{
		AsOf: o.AsOf.UTC(), Total: encodeCounts(o.Total),
		Reasons: each(o.Reasons, func(r campaigns.ReasonCount) reasonJSON { return reasonJSON(r) }),
		Relays: each(o.Relays, func(r campaigns.RelayOutcomes) relayOutcomesJSON {
			out := relayOutcomesJSON{Name: r.Name, OutcomeCountsJSON: encodeCounts(r.OutcomeCounts)}
			if r.ID != 0 {
				out.ID = &r.ID
			}
			return out
		}),
		Providers: each(o.Providers, func(p campaigns.ProviderOutcomes) providerOutcomesJSON {
			return providerOutcomesJSON{ID: p.ID, Name: p.Name, Domains: p.Domains, OutcomeCountsJSON: encodeCounts(p.OutcomeCounts)}
		}),
		Variants: each(o.Variants, func(v campaigns.VariantOutcomes) variantOutcomesJSON {
			return variantOutcomesJSON{Variant: orNone(v.Variant), OutcomeCountsJSON: encodeCounts(v.OutcomeCounts)}
		}),
	}
}

func (s *server) getOutcomes(ctx context.Context, in *byID) (*answer[outcomesJSON], error) {
	o, err := s.deps.Campaigns.Outcomes(ctx, in.ID, campaigns.OutcomeProviders)
	return reply(o, err, encodeOutcomes)
}

type listOutcomesJSON struct {
	CampaignID   int64     `json:"campaign_id"`
	CampaignName string    `json:"campaign_name"`
	StartedAt    time.Time `json:"started_at"`
	Shared       bool      `json:"shared" doc:"Whether the campaign went to other lists too; then only deliveries to people who are on this list today count"`
	OutcomeCountsJSON
}

type listGrowthJSON struct {
	Times      []int64 `json:"times" doc:"Unix seconds: the Monday with which each week begins (UTC)"`
	Joined     []int64 `json:"joined" doc:"Came onto the list; who left and came back counts when first added"`
	Left       []int64 `json:"left" doc:"Unsubscribed today, by the week in which they left"`
	Suppressed []int64 `json:"suppressed" doc:"Suppressed because mail bounced or they complained"`
}

// smallPage asks for a page of a list whose rows cost something.
type smallPage struct {
	ID     int64  `path:"id" minimum:"1"`
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"10" default:"10"`
}

func (s *server) getListStats(ctx context.Context, in *smallPage) (*answer[pageJSON[listOutcomesJSON]], error) {
	if _, err := s.deps.Audience.GetList(ctx, in.ID); err != nil {
		return nil, err
	}
	p, err := s.deps.Campaigns.ListStats(ctx, in.ID, page.Query{Cursor: in.Cursor, Limit: in.Limit})
	return replyPage(p, err, func(o campaigns.ListOutcomes) listOutcomesJSON {
		return listOutcomesJSON{CampaignID: o.CampaignID, CampaignName: o.CampaignName, StartedAt: o.StartedAt.UTC(), Shared: o.Shared,
			OutcomeCountsJSON: encodeCounts(o.OutcomeCounts)}
	})
}

func (s *server) getListGrowth(ctx context.Context, in *byID) (*answer[listGrowthJSON], error) {
	g, err := s.deps.Audience.Growth(ctx, in.ID)
	return reply(g, err, func(g audience.ListGrowth) listGrowthJSON { return listGrowthJSON(g) })
}

type relayReasonJSON struct {
	Outcome string `json:"outcome" enum:"refused,failed,put_off,came_back"`
	Reason  string `json:"reason" example:"rate_limited"`
	Count   int64  `json:"count"`
}

type relayFiguresJSON struct {
	Since      time.Time         `json:"since"`
	Accepted   int64             `json:"accepted" doc:"Messages that it took"`
	Refused    int64             `json:"refused" doc:"Refused for good"`
	Failed     int64             `json:"failed" doc:"Given up for a reason that is not the recipient's"`
	PutOff     int64             `json:"put_off" doc:"Tries that were refused for the moment, and were or will be made again"`
	CameBack   int64             `json:"came_back" doc:"Reported in this time as not delivered, whenever they were sent"`
	Complaints int64             `json:"complaints" doc:"Reported in this time as spam, whenever they were sent"`
	Reasons    []relayReasonJSON `json:"reasons" doc:"The most common first; their sums are the figures"`
}

type relayStatsJSON struct {
	Day   relayFiguresJSON `json:"day" doc:"The last 24 hours"`
	Month relayFiguresJSON `json:"month" doc:"The last 30 days"`
}

func encodeRelayFigures(f campaigns.RelayFigures) relayFiguresJSON {
	return relayFiguresJSON{
		Since: f.Since.UTC(), Accepted: f.Accepted, Refused: f.Refused, Failed: f.Failed, PutOff: f.PutOff, CameBack: f.CameBack, Complaints: f.Complaints,
		Reasons: each(f.Reasons, func(r campaigns.RelayReason) relayReasonJSON { return relayReasonJSON(r) }),
	}
}

func (s *server) getRelayStats(ctx context.Context, in *byID) (*answer[relayStatsJSON], error) {
	f, err := s.deps.Campaigns.RelayStats(ctx, in.ID)
	return reply(f, err, func(f campaigns.RelayStats) relayStatsJSON {
		return relayStatsJSON{Day: encodeRelayFigures(f.Day), Month: encodeRelayFigures(f.Month)}
	})
}
