package sender

import (
	"slices"
	"time"

	"postrider/internal/errs"
)

// Window is when mail may go out: on some days of the week between two times of day in a time zone. Until before From goes over midnight and belongs to
// the day on which it begins.
type Window struct {
	Days        []int // 1 = Monday to 7 = Sunday
	From, Until time.Duration
	Zone        string // IANA, "" = UTC
}

const day = 24 * time.Hour

// Opens gives the moment from which mail may go out: now itself within the window. A nil window is always open. The clock of the zone counts: where an
// hour is skipped or comes twice, the window is that much shorter or longer.
func (w *Window) Opens(now time.Time) time.Time {
	if w == nil {
		return now
	}
	zone, err := time.LoadLocation(w.Zone)
	if err != nil {
		zone = time.UTC
	}
	local := now.In(zone)
	for back := -1; back <= 8; back++ {
		date := local.AddDate(0, 0, back)
		if !slices.Contains(w.Days, (int(date.Weekday())+6)%7+1) {
			continue
		}
		from, until := timeOfDay(date, w.From), timeOfDay(date, w.Until)
		if w.Until <= w.From {
			until = timeOfDay(date.AddDate(0, 0, 1), w.Until)
		}
		switch {
		case !now.Before(from) && now.Before(until):
			return now
		case now.Before(from):
			return from
		}
	}
	return now // no day at all: check does not let that pass
}

// timeOfDay is a time of day on a date.
func timeOfDay(date time.Time, d time.Duration) time.Time {
	return time.Date(date.Year(), date.Month(), date.Day(), int(d/time.Hour), int(d%time.Hour/time.Minute), 0, 0, date.Location())
}

func (w *Window) check(wrong *errs.Fields) {
	if w == nil {
		return
	}
	if len(w.Days) == 0 {
		wrong.Add("window.days", "choose at least one day")
	}
	for _, d := range w.Days {
		if d < 1 || d > 7 {
			wrong.Add("window.days", "days are 1 (Monday) to 7 (Sunday)")
			break
		}
	}
	if w.From < 0 || w.From >= day || w.From%time.Minute != 0 {
		wrong.Add("window.from", "must be a time of day such as 08:00")
	}
	if w.Until < 0 || w.Until > day || w.Until%time.Minute != 0 {
		wrong.Add("window.until", "must be a time of day such as 18:00")
	}
	if w.From == w.Until {
		wrong.Add("window.until", "must differ from the beginning; leave the window out to send at all times")
	}
	if _, err := time.LoadLocation(w.Zone); err != nil || w.Zone == "Local" {
		wrong.Add("window.zone", "%q is not a time zone such as Europe/Berlin", shorten(w.Zone))
	}
}
