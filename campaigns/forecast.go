package campaigns

import (
	"cmp"
	"context"
	"time"

	"postrider/internal/errs"
	"postrider/sender"
)

// Forecast is when the last message of a campaign will have gone out, by the limits of its relays and of its From domain.
type Forecast struct {
	sender.Forecast
	Messages int
}

// Forecast tells when a campaign that starts at a moment would be through. The zero moment is when it is scheduled, else now; without a number it is about
// those whom it would reach now, or once it has started about those who have not got their mail.
func (s *Service) Forecast(ctx context.Context, id int64, start time.Time, messages int) (Forecast, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return Forecast{}, err
	}
	if c.Purpose == PurposeMessages {
		return Forecast{}, errs.New(errs.Conflict, "%q is a stream of messages, which has no end", c.Name)
	}
	switch c.Status {
	case StatusFinished, StatusCancelled:
		return Forecast{}, errs.New(errs.Conflict, "campaign %d is %s: nothing of it will go out any more", id, c.Status)
	}
	if start.IsZero() && c.ScheduledAt != nil {
		start = *c.ScheduledAt
	}
	p := sender.Plan{Messages: messages, Start: start}
	unknown := 0
	if messages == 0 {
		if p.Messages, err = s.remaining(ctx, c); err != nil {
			return Forecast{}, err
		}
		messages = p.Messages
		if unknown, err = s.arrivals(ctx, c, &p); err != nil {
			return Forecast{}, err
		}
	}
	relays, from, err := s.d.Sender.RelaysFor(ctx, c.RelayIDs, sender.DomainOf(c.FromEmail))
	if err != nil {
		return Forecast{}, err
	}
	if len(relays) == 0 {
		return Forecast{}, errs.New(errs.Conflict, "campaign %d has no relay yet; choose one", id)
	}
	p.Relays, p.From, p.Window = relays, from, c.Window
	if unknown, err = s.awaitDecision(ctx, c, &p, unknown); err != nil {
		return Forecast{}, err
	}
	f, err := s.d.Sender.Forecast(ctx, p)
	if unknown > 0 {
		f.End, f.Decides = nil, &sender.Decider{Limit: sender.LimitGate}
	}
	return Forecast{Forecast: f, Messages: messages}, err
}

// arrivals takes those out of a plan's messages who wait behind closed gates, and lets them join when those open. unknown are those of whom nobody knows when that will be.
func (s *Service) arrivals(ctx context.Context, c Campaign, p *sender.Plan) (unknown int, err error) {
	if c.StartedAt == nil {
		return 0, nil
	}
	gates, err := gatesOf(ctx, s.d.Pool, c.ID)
	for _, g := range gates {
		if g.OpenedAt != nil || g.People == 0 {
			continue
		}
		p.Messages -= g.People
		switch at := cmp.Or(g.OpensAt, g.ExpectedAt); at {
		case nil:
			unknown += g.People
		default:
			p.Later = append(p.Later, sender.Arrival{At: *at, Messages: g.People})
		}
	}
	p.Messages = max(p.Messages, 0)
	return unknown, err
}

// remaining counts those who are to get the campaign and have not yet, also those who are still to be written into the ledger.
func (s *Service) remaining(ctx context.Context, c Campaign) (int, error) {
	if c.StartedAt == nil && c.ParentID != nil {
		counts, err := s.CountAudience(ctx, c.ID)
		return int(counts.Mailable), err
	}
	if c.StartedAt == nil {
		counts, err := s.CountDraft(ctx, c.ID, c.Input)
		return int(counts.Mailable), err
	}
	st, err := s.Stats(ctx, c.ID)
	left := int(st.Queued + st.Deferred)
	if err != nil || !c.Freezing {
		return left, err
	}
	counts, err := s.CountDraft(ctx, c.ID, c.Input)
	return left + max(int(counts.Mailable)-c.Recipients, 0), err
}
