package campaigns

import (
	"context"
	"math"
	"time"

	"postrider/campaigns/abtest"
	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/sender"
)

// ABReport is how the test of a campaign stands.
type ABReport struct {
	Campaign  Campaign
	Variants  []ABFigures
	Decisions []ABDecision // the oldest first
	// Clear is whether a winner could be named if it were decided now, Best the variant that is ahead (0: none is, since nothing is counted yet or the best are equal), Standing a sentence about it. They are for looking at: the test is decided once, at its time.
	Clear    bool
	Best     int
	Standing string
	// Detectable is the rate that a variant must have, where the others have the present rate of all together, to win with a chance of 80 %; nil when not even everybody would be enough.
	Detectable *float64
	Rest       int // who wait for the decision, or waited for it
	// DecidesAt is when the winner is looked for; while the sample is going out, when that would be by the limits of the relays. nil: nobody knows, or it is past.
	DecidesAt *time.Time
}

// ABTestReport tells how the test of a campaign stands; before the start, what it will be.
func (s *Service) ABTestReport(ctx context.Context, id int64) (ABReport, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return ABReport{}, err
	}
	if c.ABTest == nil {
		return ABReport{}, errs.New(errs.NotFound, "campaign %d has no A/B test", id)
	}
	r := ABReport{Campaign: c, Variants: []ABFigures{}, Decisions: []ABDecision{}}
	if c.ABRun == nil {
		for i := range c.ABTest.Variants {
			r.Variants = append(r.Variants, ABFigures{Variant: i + 1, High: 1, P: 1})
		}
		return r, nil
	}
	var res abtest.Result
	if r.Variants, res, err = s.stand(ctx, c); err != nil {
		return r, err
	}
	r.say(c.ABTest, res)
	if r.Decisions, err = s.decisions(ctx, id); err != nil {
		return r, err
	}
	gates, err := gatesOf(ctx, s.d.Pool, id)
	for _, g := range gates {
		if g.Gate == restGate {
			r.Rest = g.People
		}
	}
	if err != nil {
		return r, err
	}
	r.DecidesAt, err = s.expectDecision(ctx, c)
	return r, err
}

func (r *ABReport) say(t *ABTest, res abtest.Result) {
	r.Clear, r.Best, r.Standing = res.Winner >= 0, res.Ahead()+1, t.conclude(res).Why
	sent, successes, least := 0, 0, math.MaxInt
	for _, st := range res.Standings {
		sent, successes, least = sent+st.Sent, successes+st.Successes, min(least, st.Sent)
	}
	if sent == 0 || least == 0 {
		return
	}
	if rate := abtest.Detectable(float64(successes)/float64(sent), least, len(t.Variants), t.rules()); !math.IsInf(rate, 1) {
		r.Detectable = &rate
	}
}

func (s *Service) decisions(ctx context.Context, id int64) ([]ABDecision, error) {
	return pg.Many[ABDecision](ctx, s.d.Pool, "decisions", `
		SELECT at, method, winner, decided_by AS by, why, figures FROM campaign_ab_decisions WHERE campaign_id = $1 ORDER BY id`, id)
}

// expectDecision gives when the winner will be looked for, as far as it can be known.
func (s *Service) expectDecision(ctx context.Context, c Campaign) (*time.Time, error) {
	if c.ABState() != ABSampling || c.Freezing {
		return c.DecidesAt(), nil
	}
	st, err := s.Stats(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	relays, from, err := s.d.Sender.RelaysFor(ctx, c.RelayIDs, sender.DomainOf(c.FromEmail))
	if err != nil || len(relays) == 0 {
		return nil, err
	}
	end, err := s.lastOf(ctx, sender.Plan{Messages: int(st.Queued - st.Waiting + st.Claimed), Relays: relays, From: from})
	if err != nil || end == nil {
		return nil, err
	}
	at := end.Add(c.ABTest.wait())
	return &at, nil
}

// lastOf gives when the last message of a plan will have gone out: at once where no limit decides, nil where nobody knows.
func (s *Service) lastOf(ctx context.Context, p sender.Plan) (*time.Time, error) {
	f, err := s.d.Sender.Forecast(ctx, p)
	if err != nil || f.End != nil || f.Decides != nil {
		return f.End, err
	}
	return &f.Start, nil
}

// awaitDecision lets the rest of a test join a plan when its winner will be known: when the sample has gone out and its time is over. unknown are those of whom nobody knew before when they may go, or know now.
func (s *Service) awaitDecision(ctx context.Context, c Campaign, p *sender.Plan, unknown int) (int, error) {
	t, rest := c.ABTest, unknown
	if t == nil || t.everybody() {
		return unknown, nil
	}
	switch c.ABState() {
	case ABDraft:
		rest = p.Messages - p.Messages*t.SamplePercent/100
		p.Messages -= rest
	case ABSampling:
	default:
		return unknown, nil
	}
	end, err := s.lastOf(ctx, *p)
	if err != nil || end == nil || rest == 0 {
		return rest, err
	}
	p.Later = append(p.Later, sender.Arrival{At: end.Add(t.wait()), Messages: rest})
	return 0, nil
}
