package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"postrider/campaigns"
)

// TransformSchema makes ab_test and issue an object or null.
func (CampaignFields) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(nullable(s, "ab_test"), "issue")
}

// TransformSchema makes ab_test an object or null.
func (CampaignInputJSON) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	return nullable(s, "ab_test")
}

// VariantJSON is what one variant of an A/B test has of its own.
type VariantJSON struct {
	Subject   *string `json:"subject" required:"false" doc:"null or left out: as in the campaign"`
	Preheader *string `json:"preheader" required:"false" doc:"null or left out: as in the campaign"`
	FromName  *string `json:"from_name" required:"false" doc:"null or left out: as in the campaign"`
	HTML      *string `json:"html" required:"false" doc:"null or left out: as in the campaign; in lists of campaigns always null"`
	Text      *string `json:"text" required:"false" doc:"null or left out: as in the campaign; in lists of campaigns always null"`
}

// ABTestInputJSON is what is chosen about an A/B test before the start.
type ABTestInputJSON struct {
	Variants      []VariantJSON `json:"variants" maxItems:"5" doc:"2 to 5 of them when it starts; they are numbered from 1"`
	SamplePercent int           `json:"sample_percent" minimum:"1" maximum:"100" doc:"How much of the audience is in the sample, all variants together: 1 to 50; 100 sends everybody one of the variants and tells afterwards which was better"`
	Metric        string        `json:"metric" required:"false" enum:"clicks,opens" doc:"What it goes by; only people count. Left out: clicks"`
	WaitMinutes   int           `json:"wait_minutes" minimum:"1" maximum:"43200" doc:"How long after the sample has gone out the winner is looked for"`
	MinSample     int           `json:"min_sample" required:"false" minimum:"1" maximum:"1000000" doc:"How many mails of each variant must have been delivered for a winner to be named. Left out: 100"`
	NoWinner      string        `json:"no_winner" required:"false" enum:"first,best,ask" doc:"What the rest gets when no variant is clearly better: the first, the one that is ahead, or nothing before somebody chooses. It must be chosen, except with a sample of 100"`
}

// ABTestJSON is an A/B test and where it stands.
type ABTestJSON struct {
	Variants      []VariantJSON `json:"variants" doc:"Numbered from 1"`
	SamplePercent int           `json:"sample_percent"`
	Metric        string        `json:"metric" enum:"clicks,opens"`
	WaitMinutes   int           `json:"wait_minutes"`
	MinSample     int           `json:"min_sample"`
	NoWinner      string        `json:"no_winner" enum:"first,best,ask"`
	State         string        `json:"state" enum:"draft,sampling,running,asking,decided,cancelled" doc:"sampling: the sample is going out; running: it has its mail and its time; asking: there is no clear winner and somebody must choose"`
	Seed          *int64        `json:"seed" doc:"By which the people are divided; null before the start"`
	SampleSentAt  *time.Time    `json:"sample_sent_at" doc:"When the sample had gone out"`
	DecidesAt     *time.Time    `json:"decides_at" doc:"When the winner is looked for; null: not known yet, or past"`
	DecidedAt     *time.Time    `json:"decided_at"`
	Winner        *int16        `json:"winner" doc:"The number of the variant that the rest gets; null: not decided, or there was neither a winner nor a rest"`
}

type abFiguresJSON struct {
	Variant  int     `json:"variant"`
	Assigned int64   `json:"assigned" doc:"People of the sample to whom it goes"`
	Waiting  int64   `json:"waiting" doc:"Of those: queued, on their way or deferred"`
	Sent     int64   `json:"sent" doc:"Of those: delivered, and nothing came back; people who are not tracked are left out"`
	Opened   int64   `json:"opened" doc:"Of sent: opened by a person"`
	Clicked  int64   `json:"clicked" doc:"Of sent: a person followed a link"`
	Rate     float64 `json:"rate" doc:"The share of sent by the metric of the test, from 0 to 1"`
	Low      float64 `json:"low" doc:"Where the true rate probably begins (Wilson, 95 %)"`
	High     float64 `json:"high" doc:"Where it probably ends"`
	P        float64 `json:"p" doc:"The doubt that is left that the best variant is better than this one: how often chance alone makes such a difference; 1 for the best itself, and says nothing while best is null"`
}

type abDecisionJSON struct {
	At      time.Time       `json:"at"`
	Method  string          `json:"method" enum:"winner,first,best,hand,asked,none" doc:"winner: it was clear; first, best: it was not, and that was chosen beforehand; hand: by a person; asked: a person is to choose; none: no winner, and nobody left to mail"`
	Winner  *int16          `json:"winner"`
	By      *string         `json:"by" doc:"Who decided by hand"`
	Why     string          `json:"why"`
	Figures []abFiguresJSON `json:"figures" doc:"As they were then"`
}

type abReportJSON struct {
	ABTestJSON
	Rest       int              `json:"rest" doc:"People who wait for the decision, or waited for it"`
	Figures    []abFiguresJSON  `json:"figures" doc:"Of the sample, as of now"`
	Best       *int             `json:"best" doc:"The variant that is ahead now, if only by chance; null: none is, since nothing is counted yet or the best are equal"`
	Clear      bool             `json:"clear" doc:"Whether it would win if that was decided now. For looking at: the test is decided once, at its time"`
	Standing   string           `json:"standing" doc:"The same as a sentence"`
	Detectable *float64         `json:"detectable" doc:"The rate that a variant must have to win with a chance of 80 % against others with the rate of all together; null: not even 1 is enough"`
	Decisions  []abDecisionJSON `json:"decisions" doc:"The oldest first"`
}

type abDecideJSON struct {
	Variant int `json:"variant" minimum:"1" maximum:"5"`
}

func (in *ABTestInputJSON) decode() *campaigns.ABTest {
	if in == nil {
		return nil
	}
	return &campaigns.ABTest{
		Variants: each(in.Variants, func(v VariantJSON) campaigns.Variant { return campaigns.Variant(v) }), SamplePercent: in.SamplePercent, Metric: in.Metric,
		WaitMinutes: in.WaitMinutes, MinSample: in.MinSample, NoWinner: in.NoWinner,
	}
}

func encodeABTest(c campaigns.Campaign) *ABTestJSON {
	t := c.ABTest
	if t == nil {
		return nil
	}
	out := ABTestJSON{
		Variants: each(t.Variants, func(v campaigns.Variant) VariantJSON { return VariantJSON(v) }), SamplePercent: t.SamplePercent, Metric: t.Metric, WaitMinutes: t.WaitMinutes,
		MinSample: t.MinSample, NoWinner: t.NoWinner, State: c.ABState(), DecidesAt: utc(c.DecidesAt()),
	}
	if r := c.ABRun; r != nil {
		out.Seed, out.SampleSentAt, out.DecidedAt, out.Winner = &r.Seed, utc(r.SentAt), utc(r.DecidedAt), r.Winner
	}
	return &out
}

func encodeABFigures(f campaigns.ABFigures) abFiguresJSON { return abFiguresJSON(f) }

func encodeABReport(r campaigns.ABReport) abReportJSON {
	out := abReportJSON{
		ABTestJSON: *encodeABTest(r.Campaign), Rest: r.Rest, Figures: each(r.Variants, encodeABFigures), Clear: r.Clear, Standing: r.Standing, Detectable: r.Detectable,
		Decisions: each(r.Decisions, func(d campaigns.ABDecision) abDecisionJSON {
			return abDecisionJSON{At: d.At.UTC(), Method: d.Method, Winner: d.Winner, By: orNull(d.By), Why: d.Why, Figures: each(d.Figures, encodeABFigures)}
		}),
	}
	out.DecidesAt = utc(r.DecidesAt)
	if r.Best != 0 {
		out.Best = &r.Best
	}
	return out
}

func (s *server) getABTest(ctx context.Context, in *byID) (*answer[abReportJSON], error) {
	r, err := s.deps.Campaigns.ABTestReport(ctx, in.ID)
	return reply(r, err, encodeABReport)
}

func (s *server) decideABTest(ctx context.Context, in *onID[abDecideJSON]) (*answer[campaignJSON], error) {
	c, err := s.deps.Campaigns.DecideTest(ctx, in.ID, in.Body.Variant, caller(ctx).Name)
	return reply(c, err, encodeCampaign)
}
