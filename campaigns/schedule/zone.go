package schedule

import (
	"strings"
	"time"
	_ "time/tzdata" // for machines without a database of zones

	"postrider/internal/errs"
)

// How the clocks of the zone bore on a run.
const (
	// ShiftNone is any ordinary day.
	ShiftNone = ""
	// ShiftGap is a time that does not exist on that day: it runs later by as much as clocks are set forward, or in the last minute of its date.
	ShiftGap = "gap"
	// ShiftTwice is a time that comes twice on that day: it runs the first time.
	ShiftTwice = "twice"
)

// Zone loads an IANA time zone. The machine's own zone is none, so that a database means the same on another machine.
func Zone(name string) (*time.Location, error) {
	if name == "" || strings.EqualFold(name, "local") {
		return nil, errs.InvalidField("zone", "name a time zone, such as Europe/Berlin or UTC")
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, errs.InvalidField("zone", "there is no time zone %.60q; name one of the IANA database, such as Europe/Berlin", name)
	}
	return loc, nil
}

// widest is more than any clock is away from Greenwich, and more than any change of one.
const widest = 30 * time.Hour

// Resolve gives the moment at which the clocks of a zone show l, by the rules of the package. ok is false when the zone had no such date.
func Resolve(l LocalTime, loc *time.Location) (at time.Time, shift string, ok bool) {
	wall := l.utc()
	times := 0
	for t := wall.Add(-widest).In(loc); ; {
		_, offset := t.Zone()
		end := offsetEnds(t)
		if c := wall.Add(-time.Duration(offset) * time.Second).In(loc); LocalOf(c) == l && (end.IsZero() || c.Before(end)) && !c.Before(t) {
			times++
			if times == 1 {
				at = c
			}
		}
		if end.IsZero() || end.After(wall.Add(widest)) {
			break
		}
		if times == 0 {
			if moved, exists, found := acrossGap(l, offset, end.In(loc)); found {
				return moved, ShiftGap, exists
			}
		}
		t = end.In(loc)
	}
	if times > 1 {
		shift = ShiftTwice
	}
	return at, shift, times > 0
}

// offsetEnds gives the first moment after t at which clocks may be set, zero for never. On 31 December of a leap year past the end of a zone's table, Go gives an
// end that is already over (its time.tzset takes all years for 365 days long).
func offsetEnds(t time.Time) time.Time {
	_, end := t.ZoneBounds()
	for later := t; !end.IsZero() && !end.After(t); {
		later = later.Add(time.Hour)
		_, end = later.ZoneBounds()
	}
	return end
}

// acrossGap says what becomes of l when it lies in what the change at that moment leaves out: found is false when it does not.
func acrossGap(l LocalTime, offsetBefore int, change time.Time) (at time.Time, exists, found bool) {
	_, offsetAfter := change.Zone()
	begin := change.Add(time.Duration(offsetBefore) * time.Second).UTC() // what clocks would have shown, had they not been set
	end := change.Add(time.Duration(offsetAfter) * time.Second).UTC()    // what they show instead
	if wall := l.utc(); wall.Before(begin) || !wall.Before(end) {
		return time.Time{}, false, false
	}
	at = l.utc().Add(-time.Duration(offsetBefore) * time.Second).In(change.Location())
	if DateOf(at) == l.Date {
		return at, true, true
	}
	for _, back := range []time.Duration{time.Minute, time.Second} {
		if at = change.Add(-back); DateOf(at) == l.Date {
			return at, true, true
		}
	}
	// A long gap can end within the date.
	return change, DateOf(change) == l.Date, true
}
