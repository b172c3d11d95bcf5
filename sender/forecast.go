package sender

import (
	"context"
	"math"
	"slices"
	"time"

	"postrider/internal/errs"
)

// forecastMost is how far ahead is looked.
const forecastMost = 3660

// Forecast tells when the last of n messages will have gone out, if they begin at a moment and the relay does nothing else: by its limits, its warm-up and
// its sending window. ok is false when nothing bounds the relay, so that only the machine does, or when it would take longer than ten years.
func (r Relay) Forecast(n int, from time.Time) (end time.Time, ok bool) {
	return lastOf([]Relay{r}, n, from)
}

// stretch is a time in which a relay may be used without a break, and how many messages it takes then.
type stretch struct {
	at   time.Time
	open time.Duration
	most float64
}

// stretches lists when the relay may be used, until it has taken n messages. ok is false when nothing bounds it.
func (r Relay) stretches(n int, from time.Time) (list []stretch, ok bool) {
	rate, paced := r.Limits.perSecond()
	if !paced && r.Limits.PerHour == nil && r.Limits.PerDay == nil && r.Warmup == nil && r.Window == nil {
		return nil, false
	}
	at, left := from, float64(n)
	if r.BlockedUntil != nil && r.BlockedUntil.After(at) {
		at = *r.BlockedUntil
	}
	for len(list) < forecastMost && left > 0 {
		at = r.Window.Opens(at)
		open := day
		if r.Window != nil {
			open = r.Window.left(at)
		}
		most := float64(r.Warmup.Cap(at))
		if d := r.Limits.PerDay; d != nil {
			most = min(most, float64(*d))
		}
		if h := r.Limits.PerHour; h != nil {
			most = min(most, float64(*h)*max(1, open.Hours()))
		}
		if paced {
			most = min(most, rate*open.Seconds())
		}
		list = append(list, stretch{at, open, most})
		left -= most
		at = at.Add(day).Truncate(time.Minute)
	}
	return list, true
}

// lastOf is Forecast for relays that share the messages so that all of them are busy until the end.
func lastOf(relays []Relay, n int, from time.Time) (end time.Time, ok bool) {
	if n <= 0 {
		return from, true
	}
	lists := make([][]stretch, len(relays))
	latest := from
	for i, r := range relays {
		if lists[i], ok = r.stretches(n, from); !ok {
			return from, false
		}
		last := lists[i][len(lists[i])-1]
		if e := last.at.Add(last.open); e.After(latest) {
			latest = e
		}
	}
	taken := func(by time.Time) (sum float64) {
		for i, r := range relays {
			sum += r.takenBy(lists[i], by)
		}
		return sum
	}
	// Half a message is what rounding may cost.
	if taken(latest) < float64(n)-0.5 {
		return from, false
	}
	for low := from; latest.Sub(low) > time.Second; {
		if middle := low.Add(latest.Sub(low) / 2); taken(middle) < float64(n)-0.5 {
			low = middle
		} else {
			latest = middle
		}
	}
	return latest, true
}

// takenBy gives how many messages the relay has taken by a moment.
func (r Relay) takenBy(list []stretch, by time.Time) (sum float64) {
	for _, s := range list {
		gone := min(by.Sub(s.at), s.open)
		if gone <= 0 {
			break
		}
		n := s.most
		if rate, paced := r.Limits.perSecond(); paced {
			n = min(n, rate*gone.Seconds())
		}
		if h := r.Limits.PerHour; h != nil {
			n = min(n, float64(*h)*(math.Floor(gone.Hours())+1))
		}
		sum += n
	}
	return sum
}

// left is how long the window stays open from a moment within it.
func (w *Window) left(at time.Time) time.Duration {
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		zone = time.UTC
	}
	local := at.In(zone)
	until := timeOfDay(local, w.Until)
	if !until.After(at) {
		until = timeOfDay(local.AddDate(0, 0, 1), w.Until)
	}
	return min(until.Sub(at), day)
}

// Forecast tells when the last of n messages through some relays, which share them, will have gone out if they begin now; nil when no limit decides that.
// Backups do not count beside others.
func (s *Service) Forecast(ctx context.Context, relayIDs []int64, n int) (*time.Time, error) {
	relays, err := s.GetRelays(ctx, relayIDs)
	if err != nil {
		return nil, err
	}
	if len(relays) == 0 {
		return nil, errs.New(errs.NotFound, "there is no relay %d", relayIDs[0])
	}
	if regular := slices.DeleteFunc(slices.Clone(relays), func(r Relay) bool { return r.Backup() }); len(regular) > 0 {
		relays = regular
	}
	end, ok := lastOf(relays, n, s.now())
	if !ok {
		return nil, nil
	}
	return &end, nil
}
