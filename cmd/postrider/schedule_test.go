package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestScheduleNext(t *testing.T) {
	t.Parallel()
	run := func(c scheduleNextCmd) string {
		s, after, err := c.schedule(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			return publicError(err).Error()
		}
		if err := s.Validate(); err != nil {
			return publicError(err).Error()
		}
		runs, err := s.Next(after, c.Count)
		if err != nil {
			return publicError(err).Error()
		}
		d, err := s.Describe()
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := printRuns(&out, s, d, runs); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	for _, c := range []struct {
		name string
		cmd  scheduleNextCmd
		want string
	}{
		{"a local time and an exception", scheduleNextCmd{RRule: "FREQ=DAILY", TZ: "America/New_York", From: "2026-03-07T02:30", Exdate: []string{"2026-03-09"}, Count: 3},
			"every day at 02:30 (America/New_York)\nSat 2026-03-07 02:30 -05:00  2026-03-07T07:30:00Z\nSun 2026-03-08 03:30 -04:00  2026-03-08T07:30:00Z  (clocks are set forward: this time does not exist)\nTue 2026-03-10 02:30 -04:00  2026-03-10T06:30:00Z\n"},
		{"a moment and a start", scheduleNextCmd{RRule: "FREQ=WEEKLY;INTERVAL=2", TZ: "Europe/Berlin", From: "2026-01-06T09:00:00Z", Start: "2026-01-01T09:00", Count: 1},
			"every second Thursday at 09:00 (Europe/Berlin)\nThu 2026-01-15 09:00 +01:00  2026-01-15T08:00:00Z\n"},
		{"nothing more", scheduleNextCmd{RRule: "FREQ=DAILY;COUNT=1", TZ: "UTC", From: "2026-02-01", Start: "2026-01-01", Count: 1}, "every day at 00:00, once (UTC)\nno more runs\n"},
		{"a zone that is none", scheduleNextCmd{RRule: "FREQ=DAILY", TZ: "Mars/Base", Count: 1}, `there is no time zone "Mars/Base"`},
		{"a time that is none", scheduleNextCmd{RRule: "FREQ=DAILY", TZ: "UTC", From: "tomorrow", Count: 1}, `--from: "tomorrow" is not`},
		{"a rule that never comes true", scheduleNextCmd{RRule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", TZ: "UTC", From: "2026-01-01", Count: 1}, "never comes true"},
		{"too many", scheduleNextCmd{RRule: "FREQ=DAILY", TZ: "UTC", Count: 100_000}, "between 1 and 1000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := run(c.cmd); !strings.Contains(got, c.want) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
