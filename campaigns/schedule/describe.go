package schedule

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The codes of a description. A client translates them with the parameters that they come with.
const (
	SaysDaily         = "daily"         // interval
	SaysWeekdays      = "weekdays"      // Monday to Friday
	SaysWeekly        = "weekly"        // interval, days
	SaysMonthDays     = "month_days"    // interval, month_days; -1 is the last day
	SaysMonthNth      = "month_nth"     // interval, nth
	SaysMonthWorkday  = "month_workday" // interval, position: of the days from Monday to Friday
	SaysYearDate      = "year_date"     // interval, months, month_days
	SaysYearNth       = "year_nth"      // interval, months, nth
	SaysSomethingElse = "rule"          // rule: it has no short words
)

// Description is a rule in words: Code with what it speaks of, and the same in English.
type Description struct {
	Code      string
	Interval  int
	Days      []string // MO, TU, …, from Monday on
	MonthDays []int
	Months    []int
	Nth       []NthDay
	Position  int
	Time      string // 09:00
	Until     *Date  // the last date that can be
	Count     int
	Rule      string
	English   string
}

// Describe says in words what the schedule means.
func (s Schedule) Describe() (Description, error) {
	p, err := s.read()
	if err != nil {
		return Description{}, err
	}
	start := p.start()
	d := Description{Interval: p.rule.Interval, Count: p.rule.Count, Rule: s.Rule, Time: fmt.Sprintf("%02d:%02d", start.Hour, start.Minute)}
	if start.Second != 0 {
		d.Time += fmt.Sprintf(":%02d", start.Second)
	}
	if u := p.rule.Until; !u.IsZero() {
		if p.rule.UntilUTC {
			u = u.In(p.loc)
		}
		date := DateOf(u)
		d.Until = &date
	}
	d.Code = p.say(&d)
	d.English = d.english()
	return d, nil
}

var (
	weekOrder = []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}
	workdays  = weekOrder[:5]
)

// plain gives the days of the rule in the order of the week, when none is numbered.
func (r Rule) plain() ([]time.Weekday, bool) {
	var days []time.Weekday
	for _, day := range weekOrder {
		if slices.Contains(r.ByDay, NthDay{0, day}) {
			days = append(days, day)
		}
	}
	return days, len(days) == len(r.ByDay)
}

func (p plan) say(d *Description) string {
	r := p.rule
	days, plain := r.plain()
	work := plain && slices.Equal(days, workdays)
	if len(r.ByYearDay) > 0 {
		return SaysSomethingElse
	}
	switch r.Freq {
	case Daily:
		return r.sayDaily(work)
	case Weekly:
		return p.sayWeekly(d, days, work)
	case Monthly:
		if len(r.ByMonth) > 0 {
			return SaysSomethingElse
		}
		return p.sayMonthly(d, days, plain, work)
	}
	return p.sayYearly(d)
}

func (r Rule) sayDaily(work bool) string {
	switch {
	case len(r.ByMonth)+len(r.ByMonthDay)+len(r.BySetPos) > 0:
		return SaysSomethingElse
	case work && r.Interval == 1:
		return SaysWeekdays
	case len(r.ByDay) == 0:
		return SaysDaily
	}
	return SaysSomethingElse
}

func (p plan) sayWeekly(d *Description, days []time.Weekday, work bool) string {
	switch {
	case len(p.rule.ByMonth)+len(p.rule.BySetPos) > 0:
		return SaysSomethingElse
	case work && p.rule.Interval == 1:
		return SaysWeekdays
	case len(days) == 0:
		days = []time.Weekday{p.s.Start.Weekday()}
	}
	for _, day := range days {
		d.Days = append(d.Days, dayCode(day))
	}
	return SaysWeekly
}

func (p plan) sayMonthly(d *Description, days []time.Weekday, plain, work bool) string {
	r := p.rule
	switch {
	case len(r.ByMonthDay) > 0 && len(r.ByDay)+len(r.BySetPos) == 0:
		d.MonthDays = fromTheEndLast(r.ByMonthDay)
		return SaysMonthDays
	case len(r.ByMonthDay) > 0:
		return SaysSomethingElse
	case len(r.ByDay) == 0 && len(r.BySetPos) == 0:
		d.MonthDays = []int{p.s.Start.Day}
		return SaysMonthDays
	case len(r.BySetPos) == 0 && !slices.ContainsFunc(r.ByDay, func(n NthDay) bool { return n.N == 0 }):
		d.Nth = r.ByDay
		return SaysMonthNth
	case len(r.BySetPos) == 1 && plain && len(days) == 1 && r.BySetPos[0] <= 5 && r.BySetPos[0] >= -5:
		d.Nth = []NthDay{{r.BySetPos[0], days[0]}}
		return SaysMonthNth
	case len(r.BySetPos) == 1 && work:
		d.Position = r.BySetPos[0]
		return SaysMonthWorkday
	}
	return SaysSomethingElse
}

func (p plan) sayYearly(d *Description) string {
	r := p.rule
	if len(r.BySetPos) > 0 {
		return SaysSomethingElse
	}
	d.Months = r.ByMonth
	switch {
	case len(r.ByDay) == 0 && len(r.ByMonthDay) == 0:
		d.MonthDays = []int{p.s.Start.Day}
		if len(d.Months) == 0 {
			d.Months = []int{int(p.s.Start.Month)}
		}
		return SaysYearDate
	case len(r.ByDay) == 0 && len(r.ByMonth) > 0:
		d.MonthDays = fromTheEndLast(r.ByMonthDay)
		return SaysYearDate
	case len(r.ByMonthDay) == 0 && len(r.ByMonth) > 0 && !slices.ContainsFunc(r.ByDay, func(n NthDay) bool { return n.N == 0 }):
		d.Nth = r.ByDay
		return SaysYearNth
	}
	d.Months = nil
	return SaysSomethingElse
}

// fromTheEndLast puts the days in the order of the month: 1, 15, -1.
func fromTheEndLast(days []int) []int {
	out := slices.Clone(days)
	slices.SortFunc(out, func(a, b int) int {
		if (a < 0) != (b < 0) {
			return b - a
		}
		return a - b
	})
	return out
}

func dayCode(d time.Weekday) string { return strings.ToUpper(d.String()[:2]) }

// english has words for each code.
func (d Description) english() string {
	var s string
	switch d.Code {
	case SaysDaily:
		s = every(d.Interval, "day")
	case SaysWeekdays:
		s = "every weekday"
	case SaysWeekly:
		s = d.weeklyEnglish()
	case SaysMonthDays:
		s = "on the " + list(d.MonthDays, monthDay) + " of " + every(d.Interval, "month")
	case SaysMonthNth:
		s = "on the " + list(d.Nth, nthDay) + " of " + every(d.Interval, "month")
	case SaysMonthWorkday:
		s = "on the " + nth(d.Position) + " weekday of " + every(d.Interval, "month")
	case SaysYearDate:
		s = "on the " + list(d.MonthDays, monthDay) + " of " + list(d.Months, monthName) + years(d.Interval)
	case SaysYearNth:
		s = "on the " + list(d.Nth, nthDay) + " of " + list(d.Months, monthName) + years(d.Interval)
	default:
		s = "by the rule " + d.Rule
	}
	s += " at " + d.Time
	if d.Until != nil {
		s += ", until " + d.Until.String()
	}
	if d.Count == 1 {
		s += ", once"
	} else if d.Count > 1 {
		s += fmt.Sprintf(", %d times", d.Count)
	}
	return s
}

func (d Description) weeklyEnglish() string {
	names := make([]string, len(d.Days))
	for i, code := range d.Days {
		names[i] = weekdays[code].String()
	}
	switch {
	case d.Interval <= 2:
		return every(d.Interval, list(names, func(s string) string { return s }))
	default:
		return "every " + fmt.Sprint(d.Interval) + " weeks on " + list(names, func(s string) string { return s })
	}
}

func every(n int, what string) string {
	switch n {
	case 1:
		return "every " + what
	case 2:
		return "every second " + what
	}
	return fmt.Sprintf("every %d %ss", n, what)
}

func years(n int) string {
	if n == 1 {
		return ""
	}
	return ", " + every(n, "year")
}

func nth(n int) string {
	switch {
	case n == -1:
		return "last"
	case n < 0:
		return nth(-n) + " to last"
	case n <= 5:
		return []string{"first", "second", "third", "fourth", "fifth"}[n-1]
	}
	return ordinal(n)
}

func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return fmt.Sprint(n) + suffix
}

func monthDay(n int) string {
	if n < 0 {
		return nth(n) + " day"
	}
	return ordinal(n)
}

func nthDay(d NthDay) string { return nth(d.N) + " " + d.Day.String() }
func monthName(n int) string { return time.Month(n).String() }

func list[T any](vs []T, say func(T) string) string {
	words := make([]string, len(vs))
	for i, v := range vs {
		words[i] = say(v)
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
