package schedule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"postrider/internal/errs"
)

func local(t *testing.T, s string) LocalTime {
	t.Helper()
	l, err := ParseLocal(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestRuns is the matrix: what is expected was worked out by hand from the history of the zones (tzdata) and the calendar.
func TestRuns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, rule, zone, start, want string }{
		{"clocks forward in New York", "FREQ=DAILY", "America/New_York", "2026-03-07T02:30", "2026-03-07T02:30:00-05:00 2026-03-08T03:30:00-04:00 2026-03-09T02:30:00-04:00"},
		{"clocks back in New York", "FREQ=DAILY", "America/New_York", "2026-10-31T01:30", "2026-10-31T01:30:00-04:00 2026-11-01T01:30:00-04:00 2026-11-02T01:30:00-05:00"},
		{"clocks forward in Berlin", "FREQ=DAILY", "Europe/Berlin", "2026-03-28T02:00", "2026-03-28T02:00:00+01:00 2026-03-29T03:00:00+02:00 2026-03-30T02:00:00+02:00"},
		{"clocks back in Berlin", "FREQ=DAILY", "Europe/Berlin", "2026-10-24T02:59", "2026-10-24T02:59:00+02:00 2026-10-25T02:59:00+02:00 2026-10-26T02:59:00+01:00"},
		{"nine o'clock stays nine o'clock", "FREQ=WEEKLY;BYDAY=SU", "Europe/Berlin", "2026-03-22T09:00", "2026-03-22T09:00:00+01:00 2026-03-29T09:00:00+02:00 2026-04-05T09:00:00+02:00"},
		{"half an hour forward on Lord Howe", "FREQ=DAILY", "Australia/Lord_Howe", "2026-10-03T02:15", "2026-10-03T02:15:00+10:30 2026-10-04T02:45:00+11:00 2026-10-05T02:15:00+11:00"},
		{"half an hour back on Lord Howe", "FREQ=DAILY", "Australia/Lord_Howe", "2026-04-04T01:45", "2026-04-04T01:45:00+11:00 2026-04-05T01:45:00+11:00 2026-04-06T01:45:00+10:30"},
		{"no midnight in São Paulo", "FREQ=DAILY", "America/Sao_Paulo", "2018-11-03T00:00", "2018-11-03T00:00:00-03:00 2018-11-04T01:00:00-02:00 2018-11-05T00:00:00-02:00"},
		{"two hours before midnight in São Paulo", "FREQ=DAILY", "America/Sao_Paulo", "2018-02-16T23:30", "2018-02-16T23:30:00-02:00 2018-02-17T23:30:00-02:00 2018-02-18T23:30:00-03:00"},
		{"no change in Kolkata", "FREQ=DAILY", "Asia/Kolkata", "2026-03-28T02:30", "2026-03-28T02:30:00+05:30 2026-03-29T02:30:00+05:30 2026-03-30T02:30:00+05:30"},
		{"Apia had no 30 December 2011", "FREQ=DAILY", "Pacific/Apia", "2011-12-29T09:00", "2011-12-29T09:00:00-10:00 2011-12-31T09:00:00+14:00 2012-01-01T09:00:00+14:00"},
		{"Ramadan in Casablanca", "FREQ=DAILY", "Africa/Casablanca", "2025-02-22T02:30", "2025-02-22T02:30:00+01:00 2025-02-23T02:30:00+01:00 2025-02-24T02:30:00Z"},
		{"after Ramadan in Casablanca", "FREQ=DAILY", "Africa/Casablanca", "2025-04-05T02:30", "2025-04-05T02:30:00Z 2025-04-06T03:30:00+01:00 2025-04-07T02:30:00+01:00"},
		{"the last hour of a day is left out in Nuuk", "FREQ=DAILY", "America/Nuuk", "2024-03-29T23:30", "2024-03-29T23:30:00-02:00 2024-03-30T22:59:00-02:00 2024-03-31T23:30:00-01:00"},
		{"leap days", "FREQ=YEARLY", "UTC", "2024-02-29T09:00", "2024-02-29T09:00:00Z 2028-02-29T09:00:00Z 2032-02-29T09:00:00Z"},
		{"no leap day in 2100", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "UTC", "2095-01-01T09:00", "2096-02-29T09:00:00Z 2104-02-29T09:00:00Z 2108-02-29T09:00:00Z"},
		{"the last day of the month", "FREQ=MONTHLY;BYMONTHDAY=-1", "UTC", "2027-12-31T09:00", "2027-12-31T09:00:00Z 2028-01-31T09:00:00Z 2028-02-29T09:00:00Z"},
		{"the 31st, where there is one", "FREQ=MONTHLY", "UTC", "2026-01-31T09:00", "2026-01-31T09:00:00Z 2026-03-31T09:00:00Z 2026-05-31T09:00:00Z"},
		{"the first Monday", "FREQ=MONTHLY;BYDAY=1MO", "UTC", "2026-01-01T09:00", "2026-01-05T09:00:00Z 2026-02-02T09:00:00Z 2026-03-02T09:00:00Z"},
		{"the last weekday of the month", "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "UTC", "2026-01-01T09:00", "2026-01-30T09:00:00Z 2026-02-27T09:00:00Z 2026-03-31T09:00:00Z"},
		{"every second Thursday", "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH", "UTC", "2026-12-17T09:00", "2026-12-17T09:00:00Z 2026-12-31T09:00:00Z 2027-01-14T09:00:00Z"},
		{"each Monday, and the first Friday", "FREQ=MONTHLY;BYDAY=MO,1FR", "UTC", "2026-01-01T09:00", "2026-01-02T09:00:00Z 2026-01-05T09:00:00Z 2026-01-12T09:00:00Z"},
		{"a week that began before the start counts whole", "FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2", "UTC", "2026-01-06T09:00", "2026-01-07T09:00:00Z 2026-01-14T09:00:00Z 2026-01-21T09:00:00Z"},
		{"the hour of the rule", "FREQ=DAILY;BYHOUR=7;BYMINUTE=15", "UTC", "2026-01-01T09:00", "2026-01-02T07:15:00Z 2026-01-03T07:15:00Z 2026-01-04T07:15:00Z"},
		{"until a date, which is in", "FREQ=DAILY;UNTIL=20260102", "UTC", "2026-01-01T09:00", "2026-01-01T09:00:00Z 2026-01-02T09:00:00Z"},
		{"until a moment", "FREQ=DAILY;UNTIL=20260102T075959Z", "Europe/Berlin", "2026-01-01T09:00", "2026-01-01T09:00:00+01:00"},
		{"a count", "FREQ=DAILY;COUNT=2", "UTC", "2026-01-01T09:00", "2026-01-01T09:00:00Z 2026-01-02T09:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := Schedule{Rule: c.rule, Zone: c.zone, Start: local(t, c.start)}
			runs, err := s.Next(s.Start.utc().AddDate(0, 0, -3), 3)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range runs {
				got = append(got, r.At.Format(time.RFC3339))
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, " "), c.want)
			}
		})
	}
}

func TestShiftIsSaid(t *testing.T) {
	t.Parallel()
	for start, want := range map[string]string{"2026-03-08T02:30": ShiftGap, "2026-11-01T01:30": ShiftTwice, "2026-06-01T02:30": ShiftNone} {
		s := Schedule{Rule: "FREQ=DAILY", Zone: "America/New_York", Start: local(t, start)}
		runs, err := s.Next(s.Start.utc().AddDate(0, 0, -1), 1)
		if err != nil || runs[0].Shift != want {
			t.Errorf("%s: %v, %v; want shift %q", start, runs, err, want)
		}
	}
}

func TestLeftOut(t *testing.T) {
	t.Parallel()
	d := func(day int) Date { return Date{2026, 1, day} }
	nine, ten := LocalTime{Date: d(6), Hour: 9}, LocalTime{Date: d(7), Hour: 10}
	s := Schedule{
		Rule: "FREQ=DAILY;COUNT=9", Zone: "Europe/Berlin", Start: LocalTime{Date: d(1), Hour: 9}, Exdates: []Exception{{Date: d(2)}, {Date: d(6), Time: &nine}, {Date: d(7), Time: &ten}},
		Skips: []Date{d(3)}, Pauses: []Pause{{From: d(4), Until: d(6)}},
	}
	all, err := s.Upcoming(time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC), 20)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range all {
		got = append(got, fmt.Sprint(r.Date.Day, r.Out))
	}
	want := []string{"1", "2excepted", "3skipped", "4paused", "5paused", "6excepted", "7", "8", "9"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q: what is left out counts, and nothing runs twice", got, want)
	}
	if r, ok, err := s.At(d(3)); err != nil || !ok || r.Out != OutSkipped {
		t.Errorf("the run of the skipped date: %v, %v, %v", r, ok, err)
	}
	if _, ok, err := s.At(d(10)); err != nil || ok {
		t.Errorf("there is a run after the last one (%v)", err)
	}
	if next, err := s.Next(all[0].At, 1); err != nil || next[0].Date != d(7) {
		t.Errorf("next: %v, %v", next, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for rule, names := range map[string]string{
		"": "give a rule", "DAILY": "NAME=VALUE", "FREQ=HOURLY": "at most one run for each date", "FREQ=DAILY;INTERVAL=0": "INTERVAL", "FREQ=DAILY;INTERVAL=100000000": "INTERVAL",
		"FREQ=DAILY;COUNT=99999999999999999999": "COUNT", "FREQ=DAILY;COUNT=0": "COUNT", "FREQ=DAILY;BYHOUR=9,17": "several times of a day", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30": "never comes true",
		"FREQ=WEEKLY;BYMONTHDAY=1": "BYMONTHDAY", "FREQ=WEEKLY;BYDAY=1MO": "numbered", "FREQ=MONTHLY;BYDAY=6MO": "6 times", "FREQ=YEARLY;BYMONTH=1;BYDAY=-53MO": "53 times", "FREQ=DAILY;FREQ=DAILY": "twice",
		"FREQ=DAILY;UNTIL=20200101": "never comes true", "FREQ=DAILY;UNTIL=20270101;COUNT=3": "not both", "FREQ=DAILY;BYSETPOS=1": "BYSETPOS", "FREQ=YEARLY;BYWEEKNO=1": "BYWEEKNO", "FREQ=DAILY;X=1": "nothing that a rule can say",
		"DTSTART:20260101\nRRULE:FREQ=DAILY": "one RRULE line", "FREQ=MONTHLY;BYMONTHDAY=0": "no 0", "FREQ=WEEKLY;BYDAY=XX": "no day", "FREQ=YEARLY;BYYEARDAY=" + strings.Repeat("1,", 1100) + "1": "characters",
	} {
		err := Schedule{Rule: rule, Zone: "UTC", Start: LocalTime{Date: Date{2026, 1, 1}}}.Validate()
		if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), names) {
			t.Errorf("%q: %v; want words about %q", rule, err, names)
		}
	}
	if err := (Schedule{Rule: "FREQ=DAILY", Zone: "Mars/Base", Start: LocalTime{Date: Date{2026, 1, 1}}}).Validate(); err == nil || !strings.Contains(err.Error(), "Mars/Base") {
		t.Errorf("the zone is not named: %v", err)
	}
	if err := (Schedule{Rule: "FREQ=DAILY", Zone: "../etc/passwd", Start: LocalTime{Date: Date{2026, 1, 1}}}).Validate(); err == nil {
		t.Error("a path is a zone")
	}
}

func TestDescriptions(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"FREQ=DAILY":                       "daily: every day at 09:00",
		"FREQ=WEEKLY;BYDAY=FR,TH,WE,TU,MO": "weekdays: every weekday at 09:00",
		"FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=7;BYMINUTE=5":      "weekdays: every weekday at 07:05",
		"FREQ=MONTHLY;BYDAY=1MO":                                   "month_nth: on the first Monday of every month at 09:00",
		"FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1":                         "month_nth: on the first Monday of every month at 09:00",
		"FREQ=WEEKLY;INTERVAL=2;BYDAY=TH":                          "weekly: every second Thursday at 09:00",
		"FREQ=WEEKLY;INTERVAL=3;BYDAY=TH,MO":                       "weekly: every 3 weeks on Monday and Thursday at 09:00",
		"FREQ=WEEKLY":                                              "weekly: every Thursday at 09:00",
		"FREQ=MONTHLY;BYMONTHDAY=-1":                               "month_days: on the last day of every month at 09:00",
		"FREQ=MONTHLY;BYMONTHDAY=1,15,-1":                          "month_days: on the 1st, 15th and last day of every month at 09:00",
		"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;INTERVAL=3": "month_workday: on the last weekday of every 3 months at 09:00",
		"FREQ=YEARLY":                                              "year_date: on the 1st of January at 09:00",
		"FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;UNTIL=20301231":          "year_nth: on the fourth Thursday of November at 09:00, until 2030-12-31",
		"FREQ=YEARLY;BYYEARDAY=100;COUNT=3":                        "rule: by the rule FREQ=YEARLY;BYYEARDAY=100;COUNT=3 at 09:00, 3 times",
	} {
		d, err := Schedule{Rule: rule, Zone: "UTC", Start: LocalTime{Date: Date{2026, 1, 1}, Hour: 9}}.Describe()
		if got := d.Code + ": " + d.English; err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", rule, got, err, want)
		}
	}
}

var zones = []string{"UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kolkata", "Pacific/Apia", "Africa/Casablanca", "America/Nuuk", "Africa/Cairo", "Asia/Tehran", "America/St_Johns",
	"Pacific/Chatham", "Asia/Gaza", "America/Asuncion", "Africa/Monrovia", "Antarctica/Troll"}

func drawRule(t *rapid.T) string {
	freq := rapid.SampledFrom([]string{Daily, Weekly, Monthly, Yearly}).Draw(t, "freq")
	parts := []string{"FREQ=" + freq}
	add := func(name string, chance int, value func() string) {
		if rapid.IntRange(0, 99).Draw(t, name+"?") < chance {
			parts = append(parts, name+"="+value())
		}
	}
	ints := func(name string, least, most int) func() string {
		return func() string {
			ns := rapid.SliceOfN(rapid.IntRange(least, most).Filter(func(n int) bool { return n != 0 }), 1, 4).Draw(t, name)
			return strings.Trim(strings.ReplaceAll(fmt.Sprint(ns), " ", ","), "[]")
		}
	}
	add("INTERVAL", 50, func() string { return fmt.Sprint(rapid.IntRange(1, 5).Draw(t, "interval")) })
	add("COUNT", 20, func() string { return fmt.Sprint(rapid.IntRange(1, 30).Draw(t, "count")) })
	add("WKST", 30, func() string { return rapid.SampledFrom([]string{"SU", "MO", "WE"}).Draw(t, "wkst") })
	add("BYMONTH", 30, ints("bymonth", 1, 12))
	add("BYDAY", 50, func() string {
		days := rapid.SliceOfN(rapid.SampledFrom([]string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}), 1, 4).Draw(t, "days")
		if freq == Monthly || freq == Yearly {
			for i := range days {
				if n := rapid.IntRange(-5, 5).Draw(t, "n"); n != 0 {
					days[i] = fmt.Sprint(n) + days[i]
				}
			}
		}
		return strings.Join(days, ",")
	})
	if freq != Weekly {
		add("BYMONTHDAY", 30, ints("bymonthday", -31, 31))
	}
	if freq == Yearly {
		add("BYYEARDAY", 20, ints("byyearday", -366, 366))
	}
	if len(parts) > 1 {
		add("BYSETPOS", 30, ints("bysetpos", -4, 4))
	}
	return strings.Join(parts, ";")
}

// TestAgainstBruteForce compares the dates of random rules with those that walking day by day finds, and their moments with what clocks show minute by minute.
func TestAgainstBruteForce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		day := Date{rapid.IntRange(1999, 2026).Draw(t, "year"), 1, 1}.AddDays(rapid.IntRange(0, 365).Draw(t, "day"))
		s := Schedule{Rule: drawRule(t), Zone: rapid.SampledFrom(zones).Draw(t, "zone"), Start: LocalTime{Date: day, Hour: rapid.SampledFrom([]int{0, 1, 2, 3, 9, 23}).Draw(t, "hour"), Minute: rapid.SampledFrom([]int{0, 15, 30, 45}).Draw(t, "minute")}}
		r, err := ParseRule(s.Rule)
		if err != nil {
			return
		}
		end := day.AddDays(900)
		var want []string
		loc, _ := Zone(s.Zone)
		for _, d := range bruteDates(r, s.Start, end.utc()) {
			if at, ok := bruteResolve(LocalTime{d, s.Start.Hour, s.Start.Minute, 0}, loc); ok {
				want = append(want, at.UTC().Format(time.RFC3339))
			}
			if len(want) == 40 {
				break
			}
		}
		runs, err := s.Next(day.utc().AddDate(0, 0, -3), 40)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, run := range runs {
			if run.Date.Compare(end) >= 0 {
				break
			}
			if DateOf(run.At) != run.Date || i > 0 && (!run.At.After(runs[i-1].At) || run.Date.Compare(runs[i-1].Date) <= 0) {
				t.Fatalf("run %v does not lie on its date, or not after the one before", run)
			}
			got = append(got, run.At.UTC().Format(time.RFC3339))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%s in %s from %s:\ngot  %v\nwant %v", s.Rule, s.Zone, s.Start, got, want)
		}
	})
}

// TestEveryChangeOfClocks has a run at each change of clocks of each zone over sixty years, where all the rules about gaps and repetitions are.
func TestEveryChangeOfClocks(t *testing.T) {
	t.Parallel()
	for _, name := range zones {
		loc, err := Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(1985, 1, 1, 0, 0, 0, 0, time.UTC).In(loc)
		for {
			_, end := at.ZoneBounds()
			if end.IsZero() || end.Year() > 2028 {
				break
			}
			at = end.In(loc)
			for _, d := range []time.Duration{-90, -61, -60, -59, -31, -30, -1, 0, 1, 29, 30, 59, 60, 61, 90} {
				wall := LocalOf(at).utc().Add(d * time.Minute)
				l := LocalTime{DateOf(wall), wall.Hour(), wall.Minute(), 0}
				want, exists := bruteResolve(l, loc)
				got, _, ok := Resolve(l, loc)
				if ok != exists || ok && !got.Equal(want) {
					t.Fatalf("%s in %s: %v, %v; want %v, %v", l, name, got, ok, want, exists)
				}
			}
		}
	}
}

// TestLastDayOfALeapYear is about the day on which Go gives an end of the zone's offset that is over already: asking for it again and again would never end.
func TestLastDayOfALeapYear(t *testing.T) {
	t.Parallel()
	for _, name := range zones {
		s := Schedule{Rule: "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=30,31", Zone: name, Start: LocalTime{Date: Date{2039, 1, 1}, Hour: 23, Minute: 30}}
		runs, err := s.Next(s.Start.utc(), 400)
		if err != nil || len(runs) != 400 {
			t.Fatalf("%s: %d runs, %v", name, len(runs), err)
		}
		for i, r := range runs {
			if want := (LocalTime{Date{2039 + i/2, 12, 30 + i%2}, 23, 30, 0}); LocalOf(r.At) != want || r.Shift != ShiftNone {
				t.Fatalf("%s: %v, want %v", name, r, want)
			}
		}
	}
}

// TestHostileRulesEndSoon has the worst that the bounds let in.
func TestHostileRulesEndSoon(t *testing.T) {
	t.Parallel()
	seq := func(from, to int) string {
		var ns []string
		for n := from; n <= to; n++ {
			ns = append(ns, fmt.Sprint(n))
		}
		return strings.Join(ns, ",")
	}
	for _, rule := range []string{
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30,31", "FREQ=DAILY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=29",
		"FREQ=YEARLY;BYYEARDAY=" + seq(1, 60) + ";BYMONTH=12;BYDAY=MO,TU,WE", "FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=" + seq(355, 366) + ";BYMONTH=1,2,3,4,5,6",
		"FREQ=MONTHLY;BYMONTHDAY=" + seq(1, 31) + ";BYDAY=5MO,5TU;BYSETPOS=" + seq(300, 311), "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=" + seq(300, 311), "FREQ=DAILY;COUNT=10000",
	} {
		s := Schedule{Rule: rule, Zone: "America/New_York", Start: LocalTime{Date: Date{1970, 1, 1}}}
		begin := time.Now()
		_, err := s.Next(time.Date(2290, 1, 1, 0, 0, 0, 0, time.UTC), 1000)
		if took := time.Since(begin); took > time.Minute { // without bounds it would be hours; the machine may be busy
			t.Errorf("%.80s took %s (%v)", rule, took, err)
		} else {
			t.Logf("%.60s took %s", rule, took)
		}
	}
}

func FuzzSchedule(f *testing.F) {
	for _, s := range []string{"FREQ=DAILY", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=1,-1", "FREQ=YEARLY;BYDAY=53MO,-53SU;BYYEARDAY=-366", "FREQ=WEEKLY;WKST=SU;INTERVAL=2;UNTIL=20270101T000000Z", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", ";;=", "FREQ=MONTHLY;BYDAY=MO,1FR,-5SA"} {
		f.Add(s, "Europe/Berlin", "2026-01-31T02:30")
	}
	f.Fuzz(func(t *testing.T, rule, zone, start string) {
		l, err := ParseLocal(start)
		if err != nil {
			return
		}
		s := Schedule{Rule: rule, Zone: zone, Start: l}
		runs, err := s.Next(l.utc(), 5)
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Fatalf("%q: %v", rule, err)
			}
			return
		}
		for i, r := range runs {
			if DateOf(r.At) != r.Date || i > 0 && !r.At.After(runs[i-1].At) {
				t.Fatalf("%q in %q: %v", rule, zone, runs)
			}
		}
		if _, err := s.Describe(); err != nil {
			t.Fatal(err)
		}
	})
}
