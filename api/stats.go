package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/campaigns"
	"postrider/events"
)

// tallyJSON is a figure by who was behind it.
type tallyJSON struct {
	Human   int64 `json:"human"`
	Machine int64 `json:"machine" doc:"Scanners, prefetching mail services, programs"`
	Unknown int64 `json:"unknown" doc:"Neither known to be a human nor a machine"`
}

type statsJSON struct {
	Recipients    int64       `json:"recipients" doc:"The sum of queued, claimed, sent, deferred, bounced, failed, unconfirmed and skipped"`
	Queued        int64       `json:"queued"`
	Waiting       int64       `json:"waiting" doc:"Those of queued who wait for their time: nothing is tried before a gate of the campaign opens"`
	NextOpensAt   *time.Time  `json:"next_opens_at" doc:"When the first of those may go; null: nobody waits, or it is not known yet"`
	Claimed       int64       `json:"claimed"`
	Sent          int64       `json:"sent"`
	Deferred      int64       `json:"deferred"`
	Bounced       int64       `json:"bounced"`
	Failed        int64       `json:"failed"`
	Unconfirmed   int64       `json:"unconfirmed"`
	Skipped       int64       `json:"skipped"`
	Excluded      int64       `json:"excluded"`
	Opens         tallyJSON   `json:"opens"`
	UniqueOpens   tallyJSON   `json:"unique_opens" doc:"Each delivery once: for a human when it has any open of one, else as unknown when it has any of those, else for a machine"`
	Clicks        tallyJSON   `json:"clicks"`
	UniqueClicks  tallyJSON   `json:"unique_clicks" doc:"Each delivery once, as unique_opens"`
	Unsubscribes  int64       `json:"unsubscribes"`
	AsOf          time.Time   `json:"as_of"`
	RatePerSecond *float64    `json:"rate_per_second" doc:"null while nothing is being sent"`
	SecondsLeft   *int64      `json:"seconds_left" doc:"null while nothing is being sent"`
	HeldUp        *holdupJSON `json:"held_up" doc:"Why nothing is sent at the moment although something waits; null: nothing is in the way"`
}

// TransformSchema says in the OpenAPI document that held_up can be null.
func (statsJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "held_up")
}

type campaignStateJSON struct {
	ID          int64   `json:"id"`
	Name        string  `json:"name"`
	Status      string  `json:"status" enum:"draft,scheduled,running,paused,cancelled,finished,open"`
	PauseReason *string `json:"pause_reason"`
}

type campaignProgressJSON struct {
	Campaign campaignStateJSON `json:"campaign"`
	Stats    statsJSON         `json:"stats"`
}

type timelineJSON struct {
	Times    []int64    `json:"times" doc:"Unix seconds: the start of each bucket"`
	Sent     []int64    `json:"sent"`
	Bounced  []int64    `json:"bounced"`
	Deferred []int64    `json:"deferred"`
	Opens    seriesJSON `json:"opens"`
	Clicks   seriesJSON `json:"clicks"`
}

// seriesJSON is a figure by bucket and by who was behind it.
type seriesJSON struct {
	Human   []int64 `json:"human"`
	Machine []int64 `json:"machine"`
	Unknown []int64 `json:"unknown"`
}

func encodeSeries(in []events.Tally) seriesJSON {
	out := seriesJSON{Human: make([]int64, len(in)), Machine: make([]int64, len(in)), Unknown: make([]int64, len(in))}
	for i, t := range in {
		out.Human[i], out.Machine[i], out.Unknown[i] = t.Human, t.Machine, t.Unknown
	}
	return out
}

type linkJSON struct {
	ID           int       `json:"id"`
	URL          string    `json:"url"`
	Variant      *int16    `json:"variant" doc:"Whose link it is; null without an A/B test"`
	Clicks       tallyJSON `json:"clicks"`
	UniqueClicks tallyJSON `json:"unique_clicks"`
}

func encodeStats(v campaigns.Stats) statsJSON {
	return statsJSON{
		Recipients: v.Recipients, Queued: v.Queued, Waiting: v.Waiting, NextOpensAt: utc(v.NextOpensAt), Claimed: v.Claimed, Sent: v.Sent, Deferred: v.Deferred, Bounced: v.Bounced, Failed: v.Failed,
		Unconfirmed: v.Unconfirmed, Skipped: v.Skipped, Excluded: v.Excluded, Opens: tallyJSON(v.Opens),
		UniqueOpens: tallyJSON(v.UniqueOpens), Clicks: tallyJSON(v.Clicks), UniqueClicks: tallyJSON(v.UniqueClicks), Unsubscribes: v.Unsubscribes, AsOf: v.AsOf.UTC(), RatePerSecond: v.RatePerSecond, SecondsLeft: v.SecondsLeft, HeldUp: encodeHoldup(v.HeldUp),
	}
}

func encodeProgress(v campaigns.WithStats) campaignProgressJSON {
	c := v.Campaign
	return campaignProgressJSON{
		Campaign: campaignStateJSON{ID: c.ID, Name: c.Name, Status: string(c.Status), PauseReason: c.PauseReason}, Stats: encodeStats(v.Stats),
	}
}

func encodeTimeline(v campaigns.Timeline) timelineJSON {
	all := func(in []int64) []int64 { return append([]int64{}, in...) }
	return timelineJSON{Times: all(v.Times), Sent: all(v.Sent), Bounced: all(v.Bounced), Deferred: all(v.Deferred), Opens: encodeSeries(v.Opens), Clicks: encodeSeries(v.Clicks)}
}

func (s *server) getStats(ctx context.Context, in *byID) (*answer[statsJSON], error) {
	v, err := s.deps.Campaigns.Stats(ctx, in.ID)
	return reply(v, err, encodeStats)
}

func (s *server) getTimeline(ctx context.Context, in *byID) (*answer[timelineJSON], error) {
	v, err := s.deps.Campaigns.Timeline(ctx, in.ID)
	return reply(v, err, encodeTimeline)
}

func (s *server) listLinks(ctx context.Context, in *byID) (*answer[itemsJSON[linkJSON]], error) {
	links, err := s.deps.Campaigns.Links(ctx, in.ID)
	return replyItems(links, err, func(l campaigns.LinkStat) linkJSON {
		return linkJSON{ID: l.ID, URL: l.URL, Variant: orNone(l.Variant), Clicks: tallyJSON(l.Clicks), UniqueClicks: tallyJSON(l.UniqueClicks)}
	})
}

// orNone is null for 0.
func orNone(n int16) *int16 {
	if n == 0 {
		return nil
	}
	return &n
}

func (s *server) campaignProgress(ctx context.Context, in *byID) (*stream, error) {
	return s.progress(ctx, func(ctx context.Context) (snapshot, error) {
		c, err := s.deps.Campaigns.Get(ctx, in.ID)
		if err != nil {
			return snapshot{}, err
		}
		stats, err := s.deps.Campaigns.Stats(ctx, in.ID)
		if err != nil {
			return snapshot{}, err
		}
		state := encodeProgress(campaigns.WithStats{Campaign: c, Stats: stats})
		mark := state
		mark.Stats.AsOf = time.Time{} // a newer count of the same figures is no news
		// A cancelled campaign still changes while its last messages are on the wire or its audience is being written.
		ended := (c.Status == campaigns.StatusFinished || c.Status == campaigns.StatusCancelled) && stats.Queued+stats.Claimed == 0 && !c.Freezing
		return snapshot{state: state, mark: mark, final: ended}, nil
	})
}
