package sender

import (
	"math"
	"time"

	"postrider/internal/errs"
)

// Warmup lets a new relay or domain send a little on the first day and more each day, as receivers want it from those whom they do not know yet. A day
// begins at midnight in the plan's time zone, and no stretch of 24 hours holds more than the share of the day in which it ends.
type Warmup struct {
	Start   time.Time // the first day: a date, at midnight UTC
	First   int       // messages on that day
	Percent int       // how many more each day
	Zone    string    // IANA, "" = UTC
}

// Cap is how many messages the 24 hours before a moment may hold. Before the start nothing bounds them, since a plan for later changes nothing today.
func (w *Warmup) Cap(at time.Time) int {
	if w == nil {
		return math.MaxInt
	}
	return w.capOn(at.In(zoneOf(w.Zone)))
}

// capOn is Cap for a moment in the plan's zone.
func (w *Warmup) capOn(local time.Time) int {
	// Dates are counted, not hours: a day may have 23 or 25.
	date := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC)
	days := int(date.Sub(w.Start.UTC().Truncate(day)) / day)
	if date.Before(w.Start.UTC().Truncate(day)) {
		return math.MaxInt
	}
	n := float64(w.First) * math.Pow(1+float64(w.Percent)/100, float64(days))
	if n > math.MaxInt32 {
		return math.MaxInt
	}
	return int(n)
}

// rises is the midnight after which the plan first allows more than at a moment.
func (w *Warmup) rises(at time.Time) time.Time {
	local := at.In(zoneOf(w.Zone))
	now := w.capOn(local)
	for i := 1; ; i++ {
		// A plan of one message and 1 % a day stands still for 70 days; what nothing bounds any more does not rise.
		if midnight := startOfDay(local, i); w.capOn(midnight) > now || now == math.MaxInt {
			return midnight
		}
	}
}

// startOfDay is when a date begins in its zone, some days after that of a moment.
func startOfDay(local time.Time, days int) time.Time {
	midnight := time.Date(local.Year(), local.Month(), local.Day()+days, 0, 0, 0, 0, local.Location())
	if midnight.Hour() == 23 {
		// The clocks go forward at midnight: time.Date has gone back to the day before.
		return midnight.Add(time.Hour)
	}
	return midnight
}

func (w *Warmup) check(wrong *errs.Fields) {
	if w == nil {
		return
	}
	if w.Start.IsZero() {
		wrong.Add("warmup.start", "give the day on which the warm-up begins")
	}
	if w.First < 1 || w.First > maxRateLimit {
		wrong.Add("warmup.first", "must be between 1 and %d messages; 50 to 200 is usual for a new domain", maxRateLimit)
	}
	if w.Percent < 1 || w.Percent > 500 {
		wrong.Add("warmup.percent", "must be between 1 and 500 per cent a day; 20 to 50 is usual")
	}
	checkZone(wrong, "warmup.zone", w.Zone)
}

// newWarmup makes a plan of its columns, which are all there or none.
func newWarmup(start *time.Time, first, percent *int, zone string) *Warmup {
	if start == nil {
		return nil
	}
	return &Warmup{Start: *start, First: *first, Percent: *percent, Zone: zone}
}
