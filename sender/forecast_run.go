package sender

import (
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
	relays []*gate
	domain *gate
	// waited is for how long each limit was what the mailing waited for.
	waited map[Decider]time.Duration
}

const (
	forecastMost  = 3660 * day
	forecastSteps = 2_000_000 // for one relay: some tenths of a second
	// least is what counts as a message: more than rounding makes up.
	least = 0.5
)

func newRun(start time.Time, messages float64) *run {
	return &run{start: start, at: start, left: messages, waited: map[Decider]time.Duration{}}
}

// forecast plays to the end.
func (r *run) forecast() Forecast {
	f := Forecast{Start: r.start}
	steps := forecastSteps / len(r.relays)
	for r.left >= least && r.at.Sub(r.start) < forecastMost && steps > 0 {
		r.step()
		steps--
	}
	for d, waited := range r.waited {
		// Of two that are waited for equally long the order is fixed, so that the answer does not change from one time to the next.
		if f.Decides == nil || waited > r.waited[*f.Decides] || waited == r.waited[*f.Decides] && d.before(*f.Decides) {
			f.Decides = &d
		}
	}
	if f.Decides != nil && r.left < least {
		end := r.at
		f.End = &end
	}
	return f
}

func (d Decider) before(other Decider) bool {
	return d.DomainID > other.DomainID || d.DomainID == other.DomainID && (d.RelayID < other.RelayID || d.RelayID == other.RelayID && d.Limit < other.Limit)
}

// step sends what may go now, and moves on to when something changes.
func (r *run) step() {
	for _, g := range r.gates() {
		g.move(r.at)
	}
	usable := r.usable()
	if len(usable) == 0 || !r.domain.free() {
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

func (r *run) gates() []*gate { return append(slices.Clone(r.relays), r.domain) }

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

// wait moves on to when the domain and one of the relays let something through. Whatever lasts longest is what was waited for.
func (r *run) wait() {
	until, because := r.domain.opens(r.at)
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
	r.domain.take(r.at, n)
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
			g.take(r.at, part)
			given += part
		}
		n -= given
		if len(full) == 0 {
			return
		}
		gates = slices.DeleteFunc(slices.Clone(gates), func(g *gate) bool { return slices.Contains(full, g) })
	}
	r.left += n
	r.domain.take(r.at, -n)
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
	if slices.ContainsFunc(r.gates(), (*gate).counts) {
		length = min(length, usedStep.Seconds())
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
	spent := until.Sub(r.at)
	for _, g := range gates {
		n := g.rate * spent.Seconds()
		g.take(r.at, n)
		r.domain.take(r.at, n)
		r.left -= n
	}
	r.waited[most.limited(LimitRate)] += spent
	r.at = until
}
