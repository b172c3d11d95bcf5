package schedule

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"postrider/internal/errs"
)

// Bounds of what is read. They are far above what anybody needs, and keep every question short: within them the worst rule takes a few tenths of a second.
const (
	maxRule     = 2000
	maxInterval = 1000
	maxCount    = 10_000
	maxPosition = 12
	maxYearDays = 60
	firstYear   = 1970
	lastStart   = 2200
	lastYear    = 2299
)

// The frequencies. Finer ones are refused: there is at most one run for each date.
const (
	Daily   = "DAILY"
	Weekly  = "WEEKLY"
	Monthly = "MONTHLY"
	Yearly  = "YEARLY"
)

// NthDay is a day of the week; N is which of its kind in the month or year, counted from the end when negative, 0 for each.
type NthDay struct {
	N   int
	Day time.Weekday
}

// Rule is a read RRULE. Time fields are nil when they were not named: then those of the start count.
type Rule struct {
	Freq                           string
	Interval                       int
	Count                          int       // 0 for none
	Until                          time.Time // with UntilZone a moment, else what clocks show, in UTC; zero for none
	UntilDate                      bool      // Until is a date, and that whole day is in
	UntilUTC                       bool
	ByDay                          []NthDay
	ByMonth, ByMonthDay, ByYearDay []int
	BySetPos                       []int
	ByHour, ByMinute, BySecond     *int
	WeekStart                      time.Weekday
}

var weekdays = map[string]time.Weekday{
	"MO": time.Monday, "TU": time.Tuesday, "WE": time.Wednesday, "TH": time.Thursday, "FR": time.Friday, "SA": time.Saturday, "SU": time.Sunday,
}

func bad(format string, args ...any) error { return errs.InvalidField("rule", format, args...) }

// ParseRule reads one RRULE, with or without its name in front.
func ParseRule(s string) (Rule, error) {
	r := Rule{Interval: 1, WeekStart: time.Monday}
	if len(s) > maxRule {
		return r, bad("the rule has %d characters; at most %d are read", len(s), maxRule)
	}
	text := strings.ToUpper(strings.TrimSpace(s))
	text = strings.TrimPrefix(text, "RRULE:")
	if text == "" {
		return r, bad("give a rule, such as FREQ=WEEKLY;BYDAY=TU")
	}
	if strings.ContainsAny(text, "\r\n") {
		return r, bad("give one RRULE line alone; start, zone and exceptions have their own places")
	}
	seen := map[string]bool{}
	for part := range strings.SplitSeq(strings.TrimSuffix(text, ";"), ";") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || value == "" {
			return r, bad("%.40q is not NAME=VALUE, such as FREQ=WEEKLY", part)
		}
		if seen[name] {
			return r, bad("%.20s is there twice; give it once", name)
		}
		seen[name] = true
		if err := r.set(name, value); err != nil {
			return r, err
		}
	}
	return r, r.check()
}

func (r *Rule) set(name, value string) (err error) {
	switch name {
	case "FREQ":
		return r.setFreq(value)
	case "INTERVAL":
		r.Interval, err = number(name, value, 1, maxInterval)
	case "COUNT":
		r.Count, err = number(name, value, 1, maxCount)
	case "UNTIL":
		return r.setUntil(value)
	case "BYDAY":
		r.ByDay, err = nthDays(value)
	case "BYMONTH":
		r.ByMonth, err = numbers(name, value, 1, 12, 12)
	case "BYMONTHDAY":
		r.ByMonthDay, err = numbers(name, value, -31, 31, 62)
	case "BYYEARDAY":
		r.ByYearDay, err = numbers(name, value, -366, 366, maxYearDays)
	case "BYSETPOS":
		r.BySetPos, err = numbers(name, value, -366, 366, maxPosition)
	case "BYHOUR":
		r.ByHour, err = one(name, value, 23)
	case "BYMINUTE":
		r.ByMinute, err = one(name, value, 59)
	case "BYSECOND":
		r.BySecond, err = one(name, value, 59)
	case "WKST":
		day, ok := weekdays[value]
		if !ok {
			return bad("WKST=%.20s: name the first day of the week, such as MO", value)
		}
		r.WeekStart = day
	case "BYWEEKNO":
		return bad("BYWEEKNO is not taken; say it with FREQ=WEEKLY and INTERVAL, or with BYYEARDAY")
	default:
		return bad("%.20q is nothing that a rule can say (RFC 5545 §3.3.10)", name)
	}
	return err
}

func (r *Rule) setFreq(value string) error {
	switch value {
	case Daily, Weekly, Monthly, Yearly:
		r.Freq = value
		return nil
	case "HOURLY", "MINUTELY", "SECONDLY":
		return bad("FREQ=%s is too often: there is at most one run for each date; use DAILY, WEEKLY, MONTHLY or YEARLY", value)
	}
	return bad("FREQ=%.20s is unknown; use DAILY, WEEKLY, MONTHLY or YEARLY", value)
}

func (r *Rule) setUntil(value string) (err error) {
	for layout, kind := range map[string][2]bool{"20060102": {true, false}, "20060102T150405": {false, false}, "20060102T150405Z": {false, true}} {
		if r.Until, err = time.Parse(layout, value); err == nil {
			r.UntilDate, r.UntilUTC = kind[0], kind[1]
			return nil
		}
	}
	return bad("UNTIL=%.30s is no date; write it like 20261224, or 20261224T230000Z", value)
}

func number(name, value string, least, most int) (int, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < least || n > most {
		return 0, bad("%s=%.30s must be a whole number from %d to %d", name, value, least, most)
	}
	return n, nil
}

func one(name, value string, most int) (*int, error) {
	if strings.Contains(value, ",") {
		return nil, bad("%s=%.30s names several times of a day; there is at most one run for each date, so give one", name, value)
	}
	n, err := number(name, value, 0, most)
	return &n, err
}

// numbers reads a list, in order and without repetitions. Where it may count from the end, 0 is nothing.
func numbers(name, value string, least, most, limit int) ([]int, error) {
	var ns []int
	for part := range strings.SplitSeq(value, ",") {
		n, err := number(name, strings.TrimPrefix(part, "+"), least, most)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, bad("%s=%.30s: there is no 0; count from 1, or from -1 at the end", name, value)
		}
		ns = append(ns, n)
	}
	slices.Sort(ns)
	if ns = slices.Compact(ns); len(ns) > limit {
		return nil, bad("%s names %d values; at most %d are taken", name, len(ns), limit)
	}
	return ns, nil
}

func nthDays(value string) ([]NthDay, error) {
	var days []NthDay
	for part := range strings.SplitSeq(value, ",") {
		if len(part) < 2 {
			return nil, bad("BYDAY=%.30s: %.20q is no day; write MO, TU, … or 1MO, -1FR", value, part)
		}
		day, ok := weekdays[part[len(part)-2:]]
		if !ok {
			return nil, bad("BYDAY=%.30s: %.20q is no day; write MO, TU, … or 1MO, -1FR", value, part)
		}
		n := 0
		if count := part[:len(part)-2]; count != "" {
			var err error
			if n, err = number("BYDAY", strings.TrimPrefix(count, "+"), -53, 53); err != nil || n == 0 {
				return nil, bad("BYDAY=%.30s: %.20q must count from 1 to 53, or from -1 to -53", value, part)
			}
		}
		if d := (NthDay{n, day}); !slices.Contains(days, d) {
			days = append(days, d)
		}
	}
	return days, nil
}

// check looks for what RFC 5545 §3.3.10 forbids together.
func (r *Rule) check() error {
	nth := slices.ContainsFunc(r.ByDay, func(d NthDay) bool { return d.N != 0 })
	switch {
	case r.Freq == "":
		return bad("say how often, such as FREQ=WEEKLY")
	case r.Count != 0 && !r.Until.IsZero():
		return bad("give COUNT or UNTIL, not both")
	case nth && r.Freq != Monthly && r.Freq != Yearly:
		return bad("a numbered day such as 1MO needs FREQ=MONTHLY or YEARLY")
	case len(r.ByMonthDay) > 0 && r.Freq == Weekly:
		return bad("BYMONTHDAY does not go with FREQ=WEEKLY; use MONTHLY")
	case len(r.ByYearDay) > 0 && r.Freq != Yearly:
		return bad("BYYEARDAY goes only with FREQ=YEARLY")
	case len(r.BySetPos) > 0 && len(r.ByDay)+len(r.ByMonthDay)+len(r.ByYearDay)+len(r.ByMonth) == 0:
		return bad("BYSETPOS chooses among the days that BYDAY, BYMONTHDAY, BYYEARDAY or BYMONTH name; give one of these")
	}
	if r.Freq == Monthly || len(r.ByMonth) > 0 {
		for _, d := range r.ByDay {
			if d.N > 5 || d.N < -5 {
				return bad("BYDAY: no month has a day of the week %d times", max(d.N, -d.N))
			}
		}
	}
	return nil
}
