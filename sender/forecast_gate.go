package sender

import (
	"math"
	"slices"
	"time"
)

// gate is what a relay or a domain lets through, in a run.
type gate struct {
	who     Decider // without a limit
	weight  int
	backup  bool
	rate    float64 // messages a second; 0: as fast as the machine
	holds   []hold
	window  *Window
	zone    *time.Location // of the window
	hour    share
	day     share
	isOpen  bool
	changed time.Time // when the window opens or closes next; zero without one
}

// hold keeps a gate shut until a moment.
type hold struct {
	limit string
	until time.Time
}

// share is what any stretch of a period may hold.
type share struct {
	period time.Duration // with the minute after which its share comes back
	most   float64
	warmup *Warmup
	zone   *time.Location // of the warm-up
	cap    float64        // of the warm-up today
	rises  time.Time      // when its next day begins
	used   []usedShare
	sum    float64
}

func relayGate(r Relay, used []usedShare, at time.Time) *gate {
	g := &gate{who: Decider{RelayID: r.ID, Name: r.Name}, weight: max(r.Weight, 1), backup: r.Backup()}
	if interval, _ := r.Limits.spacing(); interval > 0 {
		g.rate = 1 / interval.Seconds()
	}
	if r.BlockedUntil != nil {
		g.holds = append(g.holds, hold{LimitBlocked, *r.BlockedUntil})
	}
	if r.Pace != nil {
		g.holds = append(g.holds, hold{LimitRest, r.Pace.RestUntil})
	}
	g.hour, g.day = newShare(time.Hour, r.Limits.PerHour, nil, used, at), newShare(day, r.Limits.PerDay, r.Warmup, used, at)
	g.setWindow(r.Window, at)
	return g
}

func domainGate(d FromDomain, used []usedShare, at time.Time) *gate {
	g := &gate{who: Decider{DomainID: d.ID, Name: d.Domain}}
	g.hour, g.day = newShare(time.Hour, nil, nil, nil, at), newShare(day, nil, d.Warmup, used, at)
	g.setWindow(d.Window, at)
	return g
}

// campaignGate is what the campaign itself lets through.
func campaignGate(w *Window, at time.Time) *gate {
	g := &gate{}
	g.hour, g.day = newShare(time.Hour, nil, nil, nil, at), newShare(day, nil, nil, nil, at)
	g.setWindow(w, at)
	return g
}

func newShare(period time.Duration, most *int, w *Warmup, used []usedShare, at time.Time) share {
	s := share{period: period + time.Minute, most: math.Inf(1), warmup: w, cap: math.Inf(1), rises: at}
	if most != nil {
		s.most = float64(*most)
	}
	if w != nil {
		s.zone = zoneOf(w.Zone)
	}
	if !s.counts() {
		return s
	}
	for _, u := range used {
		s.add(u.At, u.Used, usedStep)
	}
	return s
}

func (s *share) counts() bool { return s.warmup != nil || !math.IsInf(s.most, 1) }

// add counts n messages; those of a grain of time are counted together.
func (s *share) add(at time.Time, n float64, grain time.Duration) {
	if !s.counts() {
		return
	}
	s.sum += n
	minute := at.Truncate(time.Minute)
	if i := len(s.used) - 1; i >= 0 && minute.Sub(s.used[i].At) < grain {
		s.used[i].Used += n
		return
	}
	s.used = append(s.used, usedShare{minute, n})
}

// move brings the share to a moment.
func (s *share) move(at time.Time) {
	for len(s.used) > 0 && !s.used[0].At.Add(s.period).After(at) {
		s.sum -= s.used[0].Used
		s.used = s.used[1:]
	}
	if s.warmup == nil || at.Before(s.rises) {
		return
	}
	local := at.In(s.zone)
	s.cap, s.rises = math.Inf(1), startOfDay(local, 1)
	if n := s.warmup.capOn(local); n != math.MaxInt {
		s.cap = float64(n)
	}
}

func (s *share) room() float64 { return max(0, min(s.most, s.cap)-s.sum) }

// opens is when there is room for a message again, as far as it is known at a moment: the warm-up may allow more before.
func (s *share) opens(at time.Time) time.Time {
	sum, most := s.sum, min(s.most, s.cap)
	for i := 0; i < len(s.used) && most-sum < least; i++ {
		u := s.used[i]
		if u.At.Add(s.period).After(at) {
			at = u.At.Add(s.period)
		}
		sum -= u.Used
	}
	if s.warmup != nil && s.cap < s.most && s.rises.Before(at) {
		return s.rises
	}
	return at
}

func (g *gate) limited(limit string) Decider {
	d := g.who
	d.Limit = limit
	return d
}

// lift takes a limit away.
func (g *gate) lift(limit string) {
	switch limit {
	case LimitRate:
		g.rate = 0
	case LimitHour:
		g.hour.most = math.Inf(1)
	case LimitDay:
		g.day.most = math.Inf(1)
	case LimitWarmup:
		g.day.warmup, g.day.cap = nil, math.Inf(1)
	case LimitWindow:
		g.window, g.isOpen = nil, true
	}
	g.holds = slices.DeleteFunc(g.holds, func(h hold) bool { return h.limit == limit })
}

func (g *gate) setWindow(w *Window, at time.Time) {
	g.window, g.isOpen, g.changed = w, true, at
	if w != nil {
		g.zone = zoneOf(w.Zone)
	}
}

// move brings the gate to a moment.
func (g *gate) move(at time.Time) {
	g.hour.move(at)
	g.day.move(at)
	g.holds = slices.DeleteFunc(g.holds, func(h hold) bool { return !h.until.After(at) })
	if g.window == nil || at.Before(g.changed) {
		return
	}
	local := at.In(g.zone)
	opens := g.window.opens(local)
	if g.isOpen = !opens.After(local); g.isOpen {
		g.changed = g.window.closes(local)
	} else {
		g.changed = opens
	}
}

// counts says that what is taken of the gate must be kept in mind.
func (g *gate) counts() bool { return g.hour.counts() || g.day.counts() }

func (g *gate) room() float64 { return min(g.hour.room(), g.day.room()) }

// free says whether the gate lets something through at the moment to which it was moved.
func (g *gate) free() bool { return g.isOpen && len(g.holds) == 0 && g.room() >= least }

func (g *gate) take(at time.Time, n float64, grain time.Duration) {
	g.hour.add(at, n, grain)
	g.day.add(at, n, grain)
}

// changes is the next moment after which the gate may let more or less through than now, besides what is taken of its shares meanwhile.
func (g *gate) changes(at time.Time) time.Time {
	next := at.Add(forecastMost)
	sooner := func(t time.Time) {
		if t.After(at) && t.Before(next) {
			next = t
		}
	}
	for _, h := range g.holds {
		sooner(h.until)
	}
	if g.window != nil {
		sooner(g.changed)
	}
	if g.day.warmup != nil {
		sooner(g.day.rises)
	}
	sooner(g.hour.opens(at))
	sooner(g.day.opens(at))
	return next
}

// opens is when the gate lets something through again, as far as is known at a moment, and what it waits for until then.
func (g *gate) opens(at time.Time) (opens time.Time, why Decider) {
	opens = at
	wait := func(limit string, until time.Time) {
		if until.After(opens) {
			opens, why = until, g.limited(limit)
		}
	}
	for _, h := range g.holds {
		wait(h.limit, h.until)
	}
	if !g.isOpen {
		wait(LimitWindow, g.changed)
	}
	wait(LimitHour, g.hour.opens(at))
	limit := LimitDay
	if g.day.cap < g.day.most {
		limit = LimitWarmup
	}
	wait(limit, g.day.opens(at))
	return opens, why
}
