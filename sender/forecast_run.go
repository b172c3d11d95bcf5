package sender

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

// run is a mailing played through without sending anything: as much as the gates let through at each moment, then on to the moment at which they let
// more through. It keeps to the rules of quota.go and of the campaigns: a share is taken as fast as the rate lets it, what one relay cannot take goes to the
// others, and a backup is used only while no other relay can be.
type run struct {
	start  time.Time
	at     time.Time
	left   float64
	later  []Arrival // what is still to come
	relays []*gate
	domain *gate
	window *gate // of the campaign
	// waited is for how long each limit was what the mailing waited for.
	waited map[Decider]time.Duration
	steps  int
}

const (
	forecastMost  = 3660 * day
	forecastSteps = 1_000_000 // more than ten years have, for any plan that a person would make
	// exactFor is for how long what goes out evenly is told apart by minutes; after that by hours, so that ten years are foretold at once.
	exactFor = 30 * day
	// mostLifted limits are tried to be without, unless the plan took so many steps (for all relays together) that the answer would be long in coming.
	mostLifted  = 4
	liftedSteps = 500_000
	// least is what counts as a message: more than rounding makes up.
	least = 0.5
)

// forecast plays the plan with what was used of each relay and of the domain, and finds the limit without which it would be through soonest.
func (p Plan) forecast(relays []Relay, used [][]usedShare, ofDomain []usedShare) Forecast {
	f := Forecast{Start: p.Start}
	play := func(without Decider, until time.Time) *run {
		r := &run{start: p.Start, at: p.Start, left: float64(p.Messages), later: p.Later, domain: domainGate(p.From, ofDomain, p.Start), window: campaignGate(p.Window, p.Start), waited: map[Decider]time.Duration{}}
		for i, relay := range relays {
			r.relays = append(r.relays, relayGate(relay, used[i], p.Start))
		}
		for _, g := range r.gates() {
			if g.limited(without.Limit) == without {
				g.lift(without.Limit)
			}
		}
		if without.Limit == LimitGate {
			r.arriveAll()
		}
		r.play(until)
		return r
	}
	whole := play(Decider{}, p.Start.Add(forecastMost))
	limits := whole.longest()
	if len(limits) == 0 {
		return f
	}
	f.Decides = &limits[0]
	if whole.unsent() {
		return f
	}
	f.End = &whole.at
	if whole.steps*len(relays) > liftedSteps {
		return f
	}
	// Those for which it waits longer come first: where two are as strict as one another, to lift one of them changes nothing.
	for i, soonest := 0, whole.at; i < min(len(limits), mostLifted) && len(limits) > 1; i++ {
		if r := play(limits[i], soonest); !r.unsent() && r.at.Before(soonest) {
			soonest, f.Decides = r.at, &limits[i]
		}
	}
	return f
}

// play goes on until everything is sent or a moment has come.
func (r *run) play(until time.Time) {
	for r.at.Before(until) && r.steps < forecastSteps {
		r.arrive()
		switch {
		case r.left >= least:
			r.step()
		case len(r.later) > 0:
			next := r.later[0].At
			r.waited[Decider{Limit: LimitGate}] += next.Sub(r.at)
			r.at = next
		default:
			return
		}
		r.steps++
	}
}

// arrive lets those join whose time has come.
func (r *run) arrive() {
	for len(r.later) > 0 && !r.later[0].At.After(r.at) {
		r.left += float64(r.later[0].Messages)
		r.later = r.later[1:]
	}
}

func (r *run) arriveAll() {
	for _, a := range r.later {
		r.left += float64(a.Messages)
	}
	r.later = nil
}

// unsent says whether something is left of the mailing.
func (r *run) unsent() bool { return r.left >= least || len(r.later) > 0 }

// longest gives the limits that were waited for, the longest first.
func (r *run) longest() []Decider {
	return slices.SortedFunc(maps.Keys(r.waited), func(a, b Decider) int {
		return cmp.Or(cmp.Compare(r.waited[b], r.waited[a]), cmp.Compare(b.DomainID, a.DomainID), cmp.Compare(a.RelayID, b.RelayID), cmp.Compare(a.Limit, b.Limit))
	})
}

// step sends what may go now, and moves on to when something changes.
func (r *run) step() {
	for _, g := range r.gates() {
		g.move(r.at)
	}
	usable := r.usable()
	if len(usable) == 0 || !r.domain.free() || !r.window.free() {
		r.wait()
		return
	}
	burst := slices.DeleteFunc(slices.Clone(usable), func(g *gate) bool { return g.rate > 0 })
	if len(burst) > 0 {
		r.pour(burst)
		return
	}
	r.flow(usable)
}

func (r *run) gates() []*gate { return append(slices.Clone(r.relays), r.domain, r.window) }

// usable gives the relays that take something now: the backups only when there is none besides them, and then the first.
func (r *run) usable() (usable []*gate) {
	var backup *gate
	for _, g := range r.relays {
		switch {
		case !g.free():
		case !g.backup:
			usable = append(usable, g)
		case backup == nil:
			backup = g
		}
	}
	if len(usable) == 0 && backup != nil {
		usable = []*gate{backup}
	}
	return usable
}

// wait moves on to when the domain, the campaign and one of the relays let something through. Whatever lasts longest is what was waited for.
func (r *run) wait() {
	until, because := r.domain.opens(r.at)
	if at, why := r.window.opens(r.at); at.After(until) {
		until, because = at, why
	}
	var first time.Time
	var why Decider
	for i, g := range r.relays {
		if at, d := g.opens(r.at); i == 0 || at.Before(first) {
			first, why = at, d
		}
	}
	if first.After(until) {
		until, because = first, why
	}
	until = later(until, r.at.Add(time.Second))
	r.waited[because] += until.Sub(r.at)
	r.at = until
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// pour gives relays without a rate all that they take, by their weights; what one cannot take goes to the others.
func (r *run) pour(gates []*gate) {
	n := min(r.left, r.domain.room())
	r.left -= n
	r.domain.take(r.at, n, usedStep)
	for n > 0 && len(gates) > 0 {
		weights := 0
		for _, g := range gates {
			weights += g.weight
		}
		var full []*gate
		given := 0.0
		for _, g := range gates {
			part := n * float64(g.weight) / float64(weights)
			if room := g.room(); room <= part {
				part = room
				full = append(full, g)
			}
			g.take(r.at, part, usedStep)
			given += part
		}
		n -= given
		if len(full) == 0 {
			return
		}
		gates = slices.DeleteFunc(slices.Clone(gates), func(g *gate) bool { return slices.Contains(full, g) })
	}
	r.left += n
	r.domain.take(r.at, -n, usedStep)
}

// flow sends at the rates of the relays until something changes.
func (r *run) flow(gates []*gate) {
	total, most := 0.0, gates[0]
	for _, g := range gates {
		total += g.rate
		if g.rate > most.rate {
			most = g
		}
	}
	length := min(r.left, r.domain.room()) / total
	grain := usedStep
	if r.at.Sub(r.start) > exactFor {
		grain = time.Hour
	}
	if slices.ContainsFunc(r.gates(), (*gate).counts) {
		length = min(length, grain.Seconds())
	}
	for _, g := range gates {
		length = min(length, g.room()/g.rate)
	}
	until := r.at.Add(time.Duration(math.Ceil(min(length, forecastMost.Seconds()) * float64(time.Second))))
	for _, g := range r.gates() {
		if change := g.changes(r.at); change.Before(until) {
			until = change
		}
	}
	if len(r.later) > 0 && r.later[0].At.Before(until) {
		until = r.later[0].At
	}
	spent := until.Sub(r.at)
	for _, g := range gates {
		n := g.rate * spent.Seconds()
		g.take(r.at, n, grain)
		r.domain.take(r.at, n, grain)
		r.left -= n
	}
	r.waited[most.limited(LimitRate)] += spent
	r.at = until
}
