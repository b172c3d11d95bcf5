package sender

import (
	"context"
	"slices"
	"time"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// What can decide when a mailing ends.
const (
	LimitRate    = "rate" // of a second or a minute
	LimitHour    = "hour"
	LimitDay     = "day"
	LimitWarmup  = "warmup"
	LimitWindow  = "window"
	LimitBlocked = "blocked" // by the provider, for a time
	LimitRest    = "rest"    // the server asked for one
	LimitPaused  = "paused"  // every relay is
	LimitGate    = "gate"    // of the campaign: a part of it waits for its time
)

// Plan is a mailing whose end is to be foretold.
type Plan struct {
	Messages int       // that may go from the start
	Later    []Arrival // that join them, in the order of time
	Start    time.Time // in the past: now
	Relays   []Relay   // those of the campaign, as they share it
	From     FromDomain
	Window   *Window // of the campaign
}

// Arrival is a part of a mailing that may go from a moment on.
type Arrival struct {
	At       time.Time
	Messages int
}

// Forecast is when the last message of a plan will have gone out by the limits, when the relays and the domain have nothing else to send: by their windows,
// warm-ups and shares, and by what is used up of those already.
type Forecast struct {
	Start time.Time
	End   *time.Time // nil: no limit decides, only the machine does; with Decides: not within ten years, or not before a person does something
	// Decides is the limit without which the mailing would be through soonest, or which is in its way longest; nil when it waits for none.
	Decides *Decider
}

// Decider is a limit of a relay or a domain, or of the campaign itself, which has neither id nor name.
type Decider struct {
	Limit             string
	RelayID, DomainID int64 // one is 0
	Name              string
}

// Forecast tells when a plan will be through.
func (s *Service) Forecast(ctx context.Context, p Plan) (Forecast, error) {
	if now := s.now(); p.Start.Before(now) {
		p.Start = now
	}
	relays := p.taking()
	if len(relays) == 0 {
		return Forecast{}, errs.New(errs.Conflict, "no relay takes mail From %s", p.From.Domain)
	}
	active := slices.DeleteFunc(slices.Clone(relays), func(r Relay) bool { return r.Status == RelayPaused })
	if len(active) == 0 {
		return Forecast{Start: p.Start, Decides: &Decider{Limit: LimitPaused, RelayID: relays[0].ID, Name: relays[0].Name}}, nil
	}
	used := make([][]usedShare, len(active))
	var err error
	for i, r := range active {
		if used[i], err = usedShares(ctx, s.pool, "relay", r.ID, r.counted()); err != nil {
			return Forecast{}, err
		}
	}
	ofDomain, err := usedShares(ctx, s.pool, "domain", p.From.ID, p.From.Warmup != nil)
	if err != nil {
		return Forecast{}, err
	}
	return p.forecast(active, used, ofDomain), nil
}

// ForecastRelay tells when a number of messages through one relay would be through, whatever their From.
func (s *Service) ForecastRelay(ctx context.Context, id int64, n int, start time.Time) (Forecast, error) {
	r, err := s.GetRelay(ctx, id)
	if err != nil {
		return Forecast{}, err
	}
	r.Routing = Routing{Weight: 1}
	return s.Forecast(ctx, Plan{Messages: n, Start: start, Relays: []Relay{r}})
}

// ForecastDomain tells when a number of messages From a domain would be through, whatever relays carry them.
func (s *Service) ForecastDomain(ctx context.Context, id int64, n int, start time.Time) (Forecast, error) {
	d, err := s.GetDomain(ctx, id)
	if err != nil {
		return Forecast{}, err
	}
	return s.Forecast(ctx, Plan{Messages: n, Start: start, Relays: []Relay{{Status: RelayActive, Routing: Routing{Weight: 1}}}, From: d.from()})
}

// taking gives the relays that take mail From the domain. How much of it is for the recipients to whom some are restricted is not known, so those count
// only when there is no other.
func (p Plan) taking() []Relay {
	takes := slices.DeleteFunc(slices.Clone(p.Relays), func(r Relay) bool { return !r.TakesFrom(p.From.Domain) })
	all := slices.DeleteFunc(slices.Clone(takes), func(r Relay) bool { return len(r.RecipientSites) > 0 })
	if len(all) > 0 {
		return all
	}
	return takes
}

// usedShare is what went out in some minutes, from the first of them on.
type usedShare struct {
	At   time.Time
	Used float64
}

// usedStep is how finely what went out is told apart.
const usedStep = 5 * time.Minute

// usedShares gives what a relay or a domain has sent in the last 24 hours, oldest first; what is on its way counts as sent now.
func usedShares(ctx context.Context, db pg.DB, of string, id int64, counted bool) ([]usedShare, error) {
	if !counted {
		return nil, nil
	}
	return pg.Many[usedShare](ctx, db, "the use of a "+of, `
		SELECT min(minute) AS at, sum(used)::float8 AS used FROM `+of+`_usage WHERE `+of+`_id = $1 AND minute > now() - interval '1441 minutes'
		GROUP BY date_bin($2::interval, minute, 'epoch')
		UNION ALL SELECT date_trunc('minute', now()), sum(c.claimed)::float8 FROM `+of+`_claims c JOIN nodes n ON n.id = c.node_id
		WHERE c.`+of+`_id = $1 AND n.settled_at IS NULL HAVING sum(c.claimed) > 0 ORDER BY at`, id, usedStep)
}
