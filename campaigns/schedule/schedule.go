package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/teambition/rrule-go"

	"postrider/internal/errs"
)

// Pause is a time without runs: dates from From on and before Until. A zero From is from the beginning, a zero Until is without end.
type Pause struct {
	From  Date `json:"from"`
	Until Date `json:"until"`
}

// Holds reports whether a date lies in it.
func (p Pause) Holds(d Date) bool {
	return (p.From.IsZero() || d.Compare(p.From) >= 0) && (p.Until.IsZero() || d.Compare(p.Until) < 0)
}

// Exception leaves out a date, or a date only if it runs at that time.
type Exception struct {
	Date
	Time *LocalTime
}

// ParseException reads 2026-12-24 or 2026-12-24T09:00.
func ParseException(s string) (Exception, error) {
	if !strings.Contains(s, "T") {
		d, err := ParseDate(s)
		return Exception{Date: d}, err
	}
	l, err := ParseLocal(s)
	return Exception{Date: l.Date, Time: &l}, err
}

func (e Exception) String() string {
	if e.Time != nil {
		return e.Time.String()
	}
	return e.Date.String()
}

// MarshalText writes it as ParseException reads it.
func (e Exception) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads it as ParseException does.
func (e *Exception) UnmarshalText(b []byte) (err error) {
	*e, err = ParseException(string(b))
	return err
}

// maxExceptions bounds the dates that are left out.
const maxExceptions = 1000

// Schedule is when something recurs. The start is no run by itself: it says from when the rule counts, and at what time of day where the rule does not.
type Schedule struct {
	Rule    string      `json:"rule"`
	Zone    string      `json:"zone"`
	Start   LocalTime   `json:"start"`
	Exdates []Exception `json:"exdates,omitempty"`
	Skips   []Date      `json:"skips,omitempty"`
	Pauses  []Pause     `json:"pauses,omitempty"`
}

// Why a date that the rule names has no run.
const (
	OutExcepted = "excepted"
	OutSkipped  = "skipped"
	OutPaused   = "paused"
)

// Run is one time at which it runs. Its moment always lies on its date.
type Run struct {
	At    time.Time // in the zone of the schedule
	Date  Date
	Out   string // why it does not run after all, "" when it does
	Shift string // ShiftNone, ShiftGap or ShiftTwice
}

// plan is a schedule that has been read.
type plan struct {
	s    Schedule
	rule Rule
	loc  *time.Location
}

func (s Schedule) read() (plan, error) {
	p := plan{s: s}
	var err error
	if p.loc, err = Zone(s.Zone); err != nil {
		return p, err
	}
	if p.rule, err = ParseRule(s.Rule); err != nil {
		return p, err
	}
	if s.Start.Year < firstYear || s.Start.Year > lastStart {
		return p, errs.InvalidField("start", "the start %s must lie between the years %d and %d", s.Start, firstYear, lastStart)
	}
	if n := len(s.Exdates) + len(s.Skips) + len(s.Pauses); n > maxExceptions {
		return p, errs.InvalidField("exdates", "there are %d exceptions; at most %d are taken", n, maxExceptions)
	}
	return p, nil
}

// Validate says what is wrong with the schedule. A rule that never comes true is wrong.
func (s Schedule) Validate() error {
	p, err := s.read()
	if err != nil {
		return err
	}
	dates, err := p.dates()
	if err != nil {
		return err
	}
	if _, ok := dates(); !ok {
		return bad("the rule %.200s never comes true after %s; look at its days and months, and at its end", s.Rule, s.Start)
	}
	return nil
}

// Next gives the next n runs after a moment, fewer when the schedule ends before. n is at most 1000.
func (s Schedule) Next(after time.Time, n int) ([]Run, error) {
	return s.collect(after, n, func(r Run) bool { return r.Out == "" })
}

// Upcoming is Next together with the dates in between that are left out, and why; n counts both.
func (s Schedule) Upcoming(after time.Time, n int) ([]Run, error) {
	return s.collect(after, n, func(Run) bool { return true })
}

// At gives the run of a date, ok is false when the rule does not name it. Exceptions are in its Out.
func (s Schedule) At(d Date) (r Run, ok bool, err error) {
	p, err := s.read()
	if err != nil {
		return r, false, err
	}
	l := LocalTime{d.AddDays(-1), 23, 59, 59}
	before, _, _ := Resolve(l, p.loc)
	if before.IsZero() {
		before = l.utc().Add(-widest)
	}
	for after := before; ; {
		rs, err := s.Upcoming(after, 1)
		if err != nil || len(rs) == 0 || rs[0].Date.Compare(d) > 0 {
			return Run{}, false, err
		}
		if rs[0].Date == d {
			return rs[0], true, nil
		}
		after = rs[0].At
	}
}

// mostRuns is the most that one question gives; mostOut is how many left out dates are passed in looking for them.
const (
	mostRuns = 1000
	mostOut  = 100_000
)

func (s Schedule) collect(after time.Time, n int, want func(Run) bool) ([]Run, error) {
	if n < 1 || n > mostRuns {
		return nil, errs.InvalidField("count", "ask for between 1 and %d runs", mostRuns)
	}
	p, err := s.read()
	if err != nil {
		return nil, err
	}
	next, err := p.dates()
	if err != nil {
		return nil, err
	}
	runs := []Run{}
	for range mostOut {
		l, ok := next()
		if !ok {
			break
		}
		if l.utc().Before(after.UTC().Add(-widest)) {
			continue
		}
		r, exists := p.run(l)
		if !exists || !r.At.After(after) || !want(r) {
			continue
		}
		if runs = append(runs, r); len(runs) == n {
			break
		}
	}
	return runs, nil
}

func (p plan) run(l LocalTime) (Run, bool) {
	at, shift, ok := Resolve(l, p.loc)
	r := Run{At: at, Date: l.Date, Shift: shift}
	switch {
	case slices.ContainsFunc(p.s.Exdates, func(e Exception) bool { return e.Date == l.Date && (e.Time == nil || *e.Time == l) }):
		r.Out = OutExcepted
	case slices.Contains(p.s.Skips, l.Date):
		r.Out = OutSkipped
	case slices.ContainsFunc(p.s.Pauses, func(pause Pause) bool { return pause.Holds(l.Date) }):
		r.Out = OutPaused
	}
	return r, ok
}

// dates gives what clocks show at each run, in order, until ok is false. COUNT and UNTIL are applied here: those of the library go wrong with weeks that begin before the start.
func (p plan) dates() (func() (LocalTime, bool), error) {
	rr, err := rrule.NewRRule(p.option())
	if err != nil {
		return nil, fmt.Errorf("making a rule of %.200q: %w", p.s.Rule, err)
	}
	next := rr.Iterator()
	start := p.start()
	begin := p.s.Start.utc()
	n := 0
	return func() (LocalTime, bool) {
		for {
			t, ok := next()
			if !ok || t.Year() > lastYear || p.rule.Count != 0 && n >= p.rule.Count {
				return LocalTime{}, false
			}
			l := LocalTime{DateOf(t), start.Hour, start.Minute, start.Second}
			if l.utc().Before(begin) {
				continue
			}
			if p.over(l) {
				return LocalTime{}, false
			}
			n++
			return l, true
		}
	}, nil
}

// start is the start with the time of day of the runs.
func (p plan) start() LocalTime {
	l := p.s.Start
	for _, f := range []struct {
		named *int
		into  *int
	}{{p.rule.ByHour, &l.Hour}, {p.rule.ByMinute, &l.Minute}, {p.rule.BySecond, &l.Second}} {
		if f.named != nil {
			*f.into = *f.named
		}
	}
	return l
}

func (p plan) over(l LocalTime) bool {
	until := p.rule.Until
	switch {
	case until.IsZero():
		return false
	case p.rule.UntilDate:
		return l.Date.utc().After(until)
	case p.rule.UntilUTC:
		at, _, ok := Resolve(l, p.loc)
		return ok && at.After(until)
	}
	return l.utc().After(until)
}

var libraryDays = map[time.Weekday]rrule.Weekday{
	time.Monday: rrule.MO, time.Tuesday: rrule.TU, time.Wednesday: rrule.WE, time.Thursday: rrule.TH, time.Friday: rrule.FR, time.Saturday: rrule.SA, time.Sunday: rrule.SU,
}

// libraryByDay numbers all days when some are numbered: of "each Monday, and the first Friday" the library would make days that are both.
func (r Rule) libraryByDay() []rrule.Weekday {
	most := 0
	if slices.ContainsFunc(r.ByDay, func(d NthDay) bool { return d.N != 0 }) {
		most = 5
		if r.Freq == Yearly && len(r.ByMonth) == 0 {
			most = 53
		}
	}
	var days []rrule.Weekday
	for _, d := range r.ByDay {
		w := libraryDays[d.Day]
		if d.N != 0 || most == 0 {
			days = append(days, w.Nth(d.N))
			continue
		}
		for n := 1; n <= most; n++ {
			days = append(days, w.Nth(n))
		}
	}
	return days
}

// option is the rule for the library: dates alone, at midnight in Greenwich, where clocks are never set. What the rule takes from its start is written out, so that
// the start can be the first day of its week: the library takes a first week that begins in its middle for a whole one, which BYSETPOS counts wrongly.
func (p plan) option() rrule.ROption {
	r, d := p.rule, p.s.Start.Date
	o := rrule.ROption{
		Interval: r.Interval, Wkst: libraryDays[r.WeekStart], Bysetpos: r.BySetPos, Bymonth: r.ByMonth, Bymonthday: r.ByMonthDay, Byyearday: r.ByYearDay,
		Byhour: []int{0}, Byminute: []int{0}, Bysecond: []int{0},
	}
	o.Byweekday = r.libraryByDay()
	none := len(r.ByDay)+len(r.ByMonthDay)+len(r.ByYearDay) == 0
	switch r.Freq {
	case Daily:
		o.Freq = rrule.DAILY
	case Weekly:
		o.Freq = rrule.WEEKLY
		if none {
			o.Byweekday = []rrule.Weekday{libraryDays[d.Weekday()]}
		}
		d = d.AddDays(-((int(d.Weekday()) - int(r.WeekStart) + 7) % 7))
	case Monthly:
		o.Freq = rrule.MONTHLY
		if none {
			o.Bymonthday = []int{d.Day}
		}
		d.Day = 1
	case Yearly:
		o.Freq = rrule.YEARLY
		if none {
			o.Bymonthday = []int{d.Day}
			if len(r.ByMonth) == 0 {
				o.Bymonth = []int{int(d.Month)}
			}
		}
		d.Month, d.Day = time.January, 1
	}
	o.Dtstart = d.utc()
	return o
}
