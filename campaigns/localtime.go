package campaigns

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"postrider/audience"
	"postrider/internal/errs"
)

// What becomes of people for whom the chosen local time has passed when the campaign begins.
const (
	LateSend    = "send" // at once: the default
	LateSkip    = "skip"
	LateNextDay = "next_day" // at the same time of the next day
)

// LocalTime sends to each person when it is a date and time where they are.
type LocalTime struct {
	Enabled bool
	// ZoneField is the custom field that holds a person's IANA time zone; "" is none. Whoever has no zone that exists is in that of their list, else in that of the settings.
	ZoneField string
	Late      string // LateSend, LateSkip or LateNextDay
}

func (l *LocalTime) setDefaults() {
	if l.Late == "" {
		l.Late = LateSend
	}
}

func (l *LocalTime) validate(f *errs.Fields) {
	switch l.Late {
	case LateSend, LateSkip, LateNextDay:
	default:
		f.Add("local_time.late", "must be send, skip or next_day")
	}
	if strings.ContainsRune(l.ZoneField, 0) || !utf8.ValidString(l.ZoneField) || len(l.ZoneField) > 200 {
		f.Add("local_time.zone_field", "this is the name of no field")
	}
}

// The zones of the world: the first and the last in which a time comes.
const (
	firstZone = 14 * time.Hour
	lastZone  = -12 * time.Hour
)

// inZone is the moment at which the clocks of a zone show a date and time, of which wall holds the figures as if it were UTC. Where it comes twice it is the first; where
// clocks skip it, as long after their jump as it is after its beginning.
func inZone(wall time.Time, zone *time.Location) time.Time {
	offset := func(at time.Time) time.Duration {
		_, seconds := at.In(zone).Zone()
		return time.Duration(seconds) * time.Second
	}
	// No zone is more than 14 hours from UTC, so these are surely before and after the moment.
	before, after := offset(wall.Add(-24*time.Hour)), offset(wall.Add(24*time.Hour))
	first := wall.Add(-before)
	if offset(first) == before {
		return first
	}
	if second := wall.Add(-after); offset(second) == after {
		return second
	}
	return first
}

// zoneNamed gives the zone of a name as people or programs write it; ok is false when there is none. "Local" is this machine's and nobody's.
func zoneNamed(name string) (*time.Location, bool) {
	name = strings.TrimSpace(name)
	if name == "" || name == "Local" || len(name) > maxZoneName {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// maxZoneName is longer than any zone's name.
const maxZoneName = 64

// localPlan is what Start freezes of the local time.
type localPlan struct {
	At    time.Time        `json:"at"`   // the date and time, as if it were UTC
	From  time.Time        `json:"from"` // what comes before this moment is late
	Field string           `json:"field"`
	Late  string           `json:"late"`
	Lists map[int64]string `json:"lists"` // their zones
	Zone  string           `json:"zone"`  // of everybody else
}

// Places of people that are no gates.
const (
	placeNow  int16 = 0
	placeSkip int16 = -1
)

// place gives the gate for the people of a zone and the moment at which it opens, or that they get it at once, or not at all. The number follows from the moment, so that all parts of a ledger
// have the same.
func (p localPlan) place(zone *time.Location, now time.Time) (gate int16, opens time.Time) {
	at := inZone(p.At, zone)
	if at.Before(p.From) {
		switch p.Late {
		case LateSkip:
			return placeSkip, at
		case LateSend:
			return placeNow, at
		}
		for day := 1; at.Before(p.From); day++ {
			at = inZone(p.At.AddDate(0, 0, day), zone)
		}
	}
	if !at.After(now) {
		return placeNow, at
	}
	return int16(at.Sub(p.At.Add(-firstZone))/time.Minute) + 1, at
}

// checkZoneField looks whether the field that holds people's zones is there and can hold them.
func (s *Service) checkZoneField(ctx context.Context, f *errs.Fields, l LocalTime) error {
	if !l.Enabled || l.ZoneField == "" {
		return nil
	}
	field, err := s.d.Audience.GetField(ctx, l.ZoneField)
	switch {
	case errs.Is(err, errs.NotFound):
		f.Add("local_time.zone_field", "there is no field %q; choose the one that holds a time zone such as Europe/Berlin, or none", l.ZoneField)
	case err != nil:
		return err
	case field.Type != audience.FieldText:
		f.Add("local_time.zone_field", "the field %q holds no text; choose one that holds a time zone such as Europe/Berlin", l.ZoneField)
	}
	return nil
}
