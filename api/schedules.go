package api

import (
	"context"
	"time"

	"postrider/campaigns/schedule"
	"postrider/internal/errs"
)

// RecurrenceJSON is when something recurs.
type RecurrenceJSON struct {
	Rule    string   `json:"rule" doc:"One RRULE (RFC 5545), such as FREQ=WEEKLY;BYDAY=TU. At most one run for each date" example:"FREQ=MONTHLY;BYDAY=1MO"`
	Zone    string   `json:"zone" doc:"IANA time zone" example:"Europe/Berlin"`
	Start   string   `json:"start" doc:"Local time from which the rule counts, and its time of day: 2026-12-24T09:00" example:"2026-12-24T09:00"`
	Exdates []string `json:"exdates" required:"false" doc:"Dates, or local times, without a run: 2026-12-24"`
}

type schedulePreviewJSON struct {
	RecurrenceJSON
	After *time.Time `json:"after" required:"false" doc:"Runs after this moment; left out: now"`
	Count int        `json:"count" required:"false" minimum:"1" maximum:"100" doc:"Left out: 10"`
}

// RunJSON is one time at which a schedule runs.
type RunJSON struct {
	At     time.Time `json:"at" doc:"The moment, in UTC"`
	Local  string    `json:"local" doc:"What clocks in the zone show, with their offset: 2026-12-24T09:00:00+01:00"`
	Offset int       `json:"offset" doc:"Of the zone at that moment, in seconds east of UTC"`
	Date   string    `json:"date" doc:"The local date, of which there is one run at most"`
	Out    string    `json:"out" enum:",excepted,skipped,paused" doc:"Why it does not run after all; empty when it does"`
	Shift  string    `json:"shift" enum:",gap,twice" doc:"gap: clocks are set forward and this time does not exist, it runs later; twice: clocks are set back, it runs the first time"`
}

// DescriptionJSON is a schedule in words.
type DescriptionJSON struct {
	Code      string       `json:"code" enum:"daily,weekdays,weekly,month_days,month_nth,month_workday,year_date,year_nth,rule"`
	Interval  int          `json:"interval"`
	Days      []string     `json:"days" doc:"MO, TU, …"`
	MonthDays []int        `json:"month_days" doc:"-1 is the last day"`
	Months    []int        `json:"months"`
	Nth       []nthDayJSON `json:"nth"`
	Position  int          `json:"position" doc:"Of month_workday: which of the days from Monday to Friday; -1 is the last"`
	Time      string       `json:"time" example:"09:00"`
	Until     *string      `json:"until" doc:"The last date that can be"`
	Count     int          `json:"count" doc:"How many runs there are; 0 for no end"`
	English   string       `json:"english"`
}

type nthDayJSON struct {
	N   int    `json:"n" doc:"-1 is the last"`
	Day string `json:"day"`
}

type schedulePreviewAnswerJSON struct {
	Runs        []RunJSON       `json:"runs"`
	Description DescriptionJSON `json:"description"`
}

// schedule reads it. Errors name the member.
func (in RecurrenceJSON) schedule() (schedule.Schedule, error) {
	s := schedule.Schedule{Rule: in.Rule, Zone: in.Zone}
	var err error
	if s.Start, err = schedule.ParseLocal(in.Start); err != nil {
		return s, errs.InvalidField("start", "%s", err)
	}
	for _, text := range in.Exdates {
		e, err := schedule.ParseException(text)
		if err != nil {
			return s, errs.InvalidField("exdates", "%s", err)
		}
		s.Exdates = append(s.Exdates, e)
	}
	return s, nil
}

func encodeSchedule(s schedule.Schedule) RecurrenceJSON {
	return RecurrenceJSON{Rule: s.Rule, Zone: s.Zone, Start: s.Start.String(), Exdates: each(s.Exdates, schedule.Exception.String)}
}

func encodeRun(r schedule.Run) RunJSON {
	_, offset := r.At.Zone()
	return RunJSON{At: r.At.UTC(), Local: r.At.Format(time.RFC3339), Offset: offset, Date: r.Date.String(), Out: r.Out, Shift: r.Shift}
}

var dayCodes = [...]string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

func encodeDescription(d schedule.Description) DescriptionJSON {
	out := DescriptionJSON{
		Code: d.Code, Interval: d.Interval, Days: append([]string{}, d.Days...), MonthDays: append([]int{}, d.MonthDays...), Months: append([]int{}, d.Months...),
		Nth:      each(d.Nth, func(n schedule.NthDay) nthDayJSON { return nthDayJSON{n.N, dayCodes[n.Day]} }),
		Position: d.Position, Time: d.Time, Count: d.Count, English: d.English,
	}
	if d.Until != nil {
		until := d.Until.String()
		out.Until = &until
	}
	return out
}

func (s *server) previewSchedule(_ context.Context, in *with[schedulePreviewJSON]) (*answer[schedulePreviewAnswerJSON], error) {
	sched, err := in.Body.schedule()
	if err != nil {
		return nil, err
	}
	if err := sched.Validate(); err != nil {
		return nil, err
	}
	after, n := s.now(), in.Body.Count
	if in.Body.After != nil {
		after = *in.Body.After
	}
	if n == 0 {
		n = 10
	}
	runs, err := sched.Upcoming(after, n)
	if err != nil {
		return nil, err
	}
	d, err := sched.Describe()
	return reply(d, err, func(d schedule.Description) schedulePreviewAnswerJSON {
		return schedulePreviewAnswerJSON{Runs: each(runs, encodeRun), Description: encodeDescription(d)}
	})
}
