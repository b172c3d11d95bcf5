package sender

import (
	"context"
	"time"
)

// forecastMost is how far ahead is looked.
const forecastMost = 3660

// Forecast tells when the last of n messages will have gone out, if they begin at a moment and the relay does nothing else: by its limits, its warm-up and
// its sending window. ok is false when nothing bounds the relay, so that only the machine does, or when it would take longer than ten years.
func (r Relay) Forecast(n int, from time.Time) (end time.Time, ok bool) {
	rate, paced := r.Limits.perSecond()
	if !paced && r.Limits.PerHour == nil && r.Limits.PerDay == nil && r.Warmup == nil && r.Window == nil {
		return from, false
	}
	at, left := from, float64(n)
	if r.BlockedUntil != nil && r.BlockedUntil.After(at) {
		at = *r.BlockedUntil
	}
	for range forecastMost {
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
		if left <= most {
			return at.Add(r.lasting(left, open, rate, paced)), true
		}
		left -= most
		at = at.Add(day).Truncate(time.Minute)
	}
	return from, false
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

// lasting is how long the last day's messages take.
func (r Relay) lasting(n float64, open time.Duration, rate float64, paced bool) time.Duration {
	var d time.Duration
	if paced {
		d = time.Duration(n / rate * float64(time.Second))
	}
	if h := r.Limits.PerHour; h != nil && n > float64(*h) {
		d = max(d, time.Duration((n-1)/float64(*h))*time.Hour)
	}
	return min(d, open)
}

// Forecast tells when the last of n messages through a relay will have gone out if they begin now; nil when no limit decides that.
func (s *Service) Forecast(ctx context.Context, relayID int64, n int) (*time.Time, error) {
	r, err := s.GetRelay(ctx, relayID)
	if err != nil {
		return nil, err
	}
	end, ok := r.Forecast(n, s.now())
	if !ok {
		return nil, nil
	}
	return &end, nil
}
