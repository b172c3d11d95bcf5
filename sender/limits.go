package sender

import (
	"time"

	"postrider/internal/errs"
)

// Limits are what may go to a relay over all processes. nil is no limit. The second and the minute are kept by spacing messages evenly; what an hour and
// a day hold may go out as fast as the others let it, and then no more until the oldest of it is that old.
type Limits struct {
	PerSecond *int
	PerMinute *int
	PerHour   *int
	PerDay    *int
}

// Margins keep a little under what is allowed: two messages are not always as far apart at the server as they were here, and what is late by some
// milliseconds matters more in a second than in a minute.
const (
	marginSecond = 1.04
	marginMinute = 1.02
)

// spacing is the least distance between two messages, 0 for none, and how late one may be so that the one N after it is still more than the period away:
// three quarters of the margin, the rest is for the way to the server.
func (l Limits) spacing() (interval, lateness time.Duration) {
	for _, p := range []struct {
		n      *int
		period time.Duration
		margin float64
	}{{l.PerSecond, time.Second, marginSecond}, {l.PerMinute, time.Minute, marginMinute}} {
		if p.n == nil {
			continue
		}
		if d := time.Duration(float64(p.period) * p.margin / float64(*p.n)); d > interval {
			interval, lateness = d, time.Duration(float64(p.period)*(p.margin-1)*3/4)
		}
	}
	return interval, lateness
}

// perSecond is the fastest that the limits let a long mailing go, in messages a second; ok is false without limits.
func (l Limits) perSecond() (rate float64, ok bool) {
	for _, p := range []struct {
		n       *int
		seconds float64
	}{{l.PerSecond, 1}, {l.PerMinute, 60}} {
		if p.n != nil {
			if r := float64(*p.n) / p.seconds; !ok || r < rate {
				rate, ok = r, true
			}
		}
	}
	return rate, ok
}

func (l Limits) check(wrong *errs.Fields) {
	for _, f := range []struct {
		name string
		n    *int
	}{{"per_second", l.PerSecond}, {"per_minute", l.PerMinute}, {"per_hour", l.PerHour}, {"per_day", l.PerDay}} {
		if f.n != nil && (*f.n < 1 || *f.n > maxRateLimit) {
			wrong.Add(f.name, "must be between 1 and %d; leave it empty for no limit", maxRateLimit)
		}
	}
}

// Rate is the fastest that messages may follow one another on the relay, in messages a second; ok is false when nothing bounds it.
func (r Relay) Rate() (perSecond float64, ok bool) { return r.Limits.perSecond() }
