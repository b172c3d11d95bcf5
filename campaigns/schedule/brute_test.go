package schedule

import (
	"slices"
	"time"
)

// The brute force: it walks day by day and minute by minute, and shares nothing with the program but the types of a read rule.

func bruteMatches(r Rule, start LocalTime, d time.Time) bool {
	isLast := func(n int, day time.Time) bool {
		return day.AddDate(0, 0, -n).Day() <= -n && day.AddDate(0, 0, -n).Month() != day.Month() && day.AddDate(0, 0, -n-1).Month() == day.Month()
	}
	if len(r.ByMonth) > 0 && !slices.Contains(r.ByMonth, int(d.Month())) {
		return false
	}
	s := start.utc()
	monthDays, byDay, months := r.ByMonthDay, r.ByDay, r.ByMonth
	if len(r.ByDay)+len(r.ByMonthDay)+len(r.ByYearDay) == 0 {
		switch r.Freq {
		case Weekly:
			byDay = []NthDay{{0, s.Weekday()}}
		case Monthly:
			monthDays = []int{s.Day()}
		case Yearly:
			monthDays = []int{s.Day()}
			if len(months) == 0 && d.Month() != s.Month() {
				return false
			}
		}
	}
	if len(monthDays) > 0 && !slices.ContainsFunc(monthDays, func(n int) bool { return n == d.Day() || n < 0 && isLast(n, d) }) {
		return false
	}
	if len(r.ByYearDay) > 0 {
		length := time.Date(d.Year(), 12, 31, 0, 0, 0, 0, time.UTC).YearDay()
		if !slices.ContainsFunc(r.ByYearDay, func(n int) bool { return n == d.YearDay() || n == d.YearDay()-length-1 }) {
			return false
		}
	}
	if len(byDay) == 0 {
		return true
	}
	return slices.ContainsFunc(byDay, func(w NthDay) bool {
		if w.Day != d.Weekday() {
			return false
		}
		same := func(o time.Time) bool {
			return o.Year() == d.Year() && (o.Month() == d.Month() || r.Freq == Yearly && len(r.ByMonth) == 0)
		}
		before, after := 1, 1
		for o := d.AddDate(0, 0, -7); same(o); o = o.AddDate(0, 0, -7) {
			before++
		}
		for o := d.AddDate(0, 0, 7); same(o); o = o.AddDate(0, 0, 7) {
			after++
		}
		return w.N == 0 || w.N == before || w.N == -after
	})
}

func brutePeriod(r Rule, d time.Time) time.Time {
	switch r.Freq {
	case Daily:
		return d
	case Weekly:
		for d.Weekday() != r.WeekStart {
			d = d.AddDate(0, 0, -1)
		}
		return d
	case Monthly:
		return time.Date(d.Year(), d.Month(), 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Date(d.Year(), 1, 1, 0, 0, 0, 0, time.UTC)
}

func bruteInPhase(r Rule, start, d time.Time) bool {
	a, b := brutePeriod(r, start), brutePeriod(r, d)
	n := 0
	for a.Before(b) {
		switch r.Freq {
		case Daily:
			a = a.AddDate(0, 0, 1)
		case Weekly:
			a = a.AddDate(0, 0, 7)
		case Monthly:
			a = a.AddDate(0, 1, 0)
		default:
			a = a.AddDate(1, 0, 0)
		}
		n++
	}
	return n%r.Interval == 0
}

// bruteSet gives the days of a period that the rule names.
func bruteSet(r Rule, start LocalTime, period time.Time) []time.Time {
	var set []time.Time
	for d := period; brutePeriod(r, d).Equal(period); d = d.AddDate(0, 0, 1) {
		if bruteMatches(r, start, d) {
			set = append(set, d)
		}
	}
	return set
}

// bruteDates gives all dates of the rule before a day.
func bruteDates(r Rule, start LocalTime, end time.Time) []Date {
	var dates []Date
	day := start.Date.utc()
	for d := day; d.Before(end); d = d.AddDate(0, 0, 1) {
		if r.Count > 0 && len(dates) == r.Count {
			break
		}
		if !bruteMatches(r, start, d) || !bruteInPhase(r, day, d) {
			continue
		}
		if len(r.BySetPos) > 0 {
			set := bruteSet(r, start, brutePeriod(r, d))
			i := slices.IndexFunc(set, d.Equal)
			if !slices.Contains(r.BySetPos, i+1) && !slices.Contains(r.BySetPos, i-len(set)) {
				continue
			}
		}
		dates = append(dates, DateOf(d))
	}
	return dates
}

// bruteResolve looks at the clocks in every minute of four days around a time.
func bruteResolve(l LocalTime, loc *time.Location) (time.Time, bool) {
	var last time.Time
	begin := l.utc().Add(-48 * time.Hour)
	for i := range 96 * 60 {
		t := begin.Add(time.Duration(i) * time.Minute).In(loc)
		if LocalOf(t) == l {
			return t, true
		}
		if LocalOf(t).utc().Before(l.utc()) {
			last = t
		}
	}
	_, offset := last.Zone()
	if t := l.utc().Add(-time.Duration(offset) * time.Second).In(loc); DateOf(t) == l.Date {
		return t, true
	}
	if DateOf(last) == l.Date {
		return last, true
	}
	if next := last.Add(time.Minute); DateOf(next) == l.Date {
		return next, true
	}
	return time.Time{}, false
}
