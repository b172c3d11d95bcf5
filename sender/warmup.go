package sender

import (
	"math"
	"time"

	"postrider/internal/errs"
)

// Warmup lets a new relay or domain send a little on the first day and more each day, as receivers want it from those whom they do not know yet. The
// days are those of UTC, and no stretch of 24 hours holds more than the day's share.
type Warmup struct {
	Start   time.Time // the first day
	First   int       // messages on that day
	Percent int       // how many more each day
}

// Cap is how many messages any 24 hours may hold at a moment. Before the start nothing bounds them, since a plan for later changes nothing today.
func (w *Warmup) Cap(at time.Time) int {
	if w == nil {
		return math.MaxInt
	}
	days := int(math.Floor(at.UTC().Sub(w.Start.UTC().Truncate(24*time.Hour)).Hours() / 24))
	if days < 0 {
		return math.MaxInt
	}
	n := float64(w.First) * math.Pow(1+float64(w.Percent)/100, float64(days))
	if n > math.MaxInt32 {
		return math.MaxInt
	}
	return int(n)
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
}
