package schedule

import (
	"fmt"
	"time"

	"postrider/internal/errs"
)

// Date is a day of the calendar without a zone. Dates can be compared with ==; its zero value is no date.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// LocalTime is what a clock on the wall shows.
type LocalTime struct {
	Date
	Hour, Minute, Second int
}

// DateOf gives the date that a clock in t's location shows.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// LocalOf gives what a clock in t's location shows.
func LocalOf(t time.Time) LocalTime {
	return LocalTime{DateOf(t), t.Hour(), t.Minute(), t.Second()}
}

// ParseDate reads 2026-12-24.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, errs.New(errs.Invalid, "%.40q is not a date; write it like 2026-12-24", s)
	}
	return DateOf(t), nil
}

// ParseLocal reads 2026-12-24T09:00 or 2026-12-24T09:00:30.
func ParseLocal(s string) (LocalTime, error) {
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, s); err == nil {
			return LocalOf(t), nil
		}
	}
	return LocalTime{}, errs.New(errs.Invalid, "%.40q is not a local time; write it like 2026-12-24T09:00, without a zone", s)
}

// IsZero reports whether it is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Compare is negative when d comes before e, positive when after.
func (d Date) Compare(e Date) int { return d.utc().Compare(e.utc()) }

// AddDays gives the date n days later.
func (d Date) AddDays(n int) Date { return DateOf(d.utc().AddDate(0, 0, n)) }

// Weekday gives the day of the week.
func (d Date) Weekday() time.Weekday { return d.utc().Weekday() }

func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// MarshalText writes 2026-12-24.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads 2026-12-24.
func (d *Date) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDate(string(b))
	return err
}

func (l LocalTime) String() string {
	s := fmt.Sprintf("%sT%02d:%02d", l.Date, l.Hour, l.Minute)
	if l.Second != 0 {
		s += fmt.Sprintf(":%02d", l.Second)
	}
	return s
}

// MarshalText writes 2026-12-24T09:00.
func (l LocalTime) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads 2026-12-24T09:00.
func (l *LocalTime) UnmarshalText(b []byte) (err error) {
	*l, err = ParseLocal(string(b))
	return err
}

// utc is the moment at which a clock in Greenwich shows it: the calendar without any change of clocks.
func (d Date) utc() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

func (l LocalTime) utc() time.Time {
	return time.Date(l.Year, l.Month, l.Day, l.Hour, l.Minute, l.Second, 0, time.UTC)
}
