package sender

import (
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

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
	return w.opens(now.In(zoneOf(w.Zone)))
}

// opens is Opens for a moment in the window's zone.
func (w *Window) opens(now time.Time) time.Time {
	for back := -1; back <= 8; back++ {
		from, until, ok := w.on(now.AddDate(0, 0, back))
		switch {
		case !ok:
		case !now.Before(from) && now.Before(until):
			return now
		case now.Before(from):
			return from
		}
	}
	return now // no day at all: check does not let that pass
}

// closes is when the window ends that is open at a moment in its zone.
func (w *Window) closes(now time.Time) time.Time {
	for back := -1; ; back++ {
		if from, until, ok := w.on(now.AddDate(0, 0, back)); back == 1 || ok && !now.Before(from) && now.Before(until) {
			return until
		}
	}
}

// on gives the window that begins on a date; ok is false when none does.
func (w *Window) on(date time.Time) (from, until time.Time, ok bool) {
	from, until = timeOfDay(date, w.From), timeOfDay(date, w.Until)
	if w.Until <= w.From {
		until = timeOfDay(date.AddDate(0, 0, 1), w.Until)
	}
	return from, until, slices.Contains(w.Days, (int(date.Weekday())+6)%7+1)
}

// timeOfDay is a time of day on a date.
func timeOfDay(date time.Time, d time.Duration) time.Time {
	return time.Date(date.Year(), date.Month(), date.Day(), int(d/time.Hour), int(d%time.Hour/time.Minute), 0, 0, date.Location())
}

// Check says what is wrong with a window, in fields that begin with "window."; nil is right.
func (w *Window) Check(wrong *errs.Fields) {
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
	checkZone(wrong, "window.zone", w.Zone)
}

// NewWindow makes a window of its columns, as Args has them; the times are seconds of the day. Without days there is none.
func NewWindow(days []int, from, until *int, zone string) *Window {
	if len(days) == 0 {
		return nil
	}
	return &Window{Days: days, From: time.Duration(*from) * time.Second, Until: time.Duration(*until) * time.Second, Zone: zone}
}

// Args are the columns of a window by name: send_days, send_from and send_until (to be cast to time), send_zone. nil is no window.
func (w *Window) Args() pgx.NamedArgs {
	if w == nil {
		return pgx.NamedArgs{"send_days": []int{}, "send_from": nil, "send_until": nil, "send_zone": ""}
	}
	return pgx.NamedArgs{"send_days": w.Days, "send_from": timeText(w.From), "send_until": timeText(w.Until), "send_zone": w.Zone}
}

// timeText is a time of day for Postgres, which knows 24:00.
func timeText(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours()), int(d.Minutes())%60)
}

func checkZone(wrong *errs.Fields, field, zone string) {
	if _, err := time.LoadLocation(zone); err != nil || zone == "Local" {
		wrong.Add(field, "%q is not a time zone such as Europe/Berlin", shorten(zone))
	}
}

// zoneOf gives a zone by its name; one that this machine does not know is UTC.
func zoneOf(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	return zone
}
