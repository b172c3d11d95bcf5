package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"postrider/campaigns/schedule"
	"postrider/internal/errs"
)

type scheduleCmd struct {
	Next scheduleNextCmd `cmd:"" help:"Print the next runs of a rule. Connects to nothing."`
}

type scheduleNextCmd struct {
	RRule  string   `name:"rrule" required:"" help:"The rule (RFC 5545), such as 'FREQ=WEEKLY;BYDAY=TU;BYHOUR=9'."`
	TZ     string   `name:"tz" required:"" help:"IANA time zone, such as Europe/Berlin."`
	From   string   `help:"Runs after this time: 2026-12-24T09:00 on the clocks of the zone, or with an offset as in RFC 3339. Left out: now."`
	Start  string   `help:"Local date and time from which the rule counts, and its time of day where the rule names none. Left out: --from."`
	Count  int      `default:"10" help:"How many runs."`
	Exdate []string `help:"Dates, or local times, that are left out."`
	JSON   bool     `name:"json" help:"Print one JSON object."`
}

// Run prints the next runs.
func (c scheduleNextCmd) Run() error {
	s, after, err := c.schedule(time.Now())
	if err != nil {
		return publicError(err)
	}
	if err := s.Validate(); err != nil {
		return publicError(err)
	}
	runs, err := s.Next(after, c.Count)
	if err != nil {
		return publicError(err)
	}
	d, err := s.Describe()
	if err != nil {
		return publicError(err)
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(scheduleAnswer(s, d, runs))
	}
	return printRuns(os.Stdout, s, d, runs)
}

// schedule reads the flags. What runs exactly at --from is among the runs.
func (c scheduleNextCmd) schedule(now time.Time) (schedule.Schedule, time.Time, error) {
	s := schedule.Schedule{Rule: c.RRule, Zone: c.TZ}
	loc, err := schedule.Zone(c.TZ)
	if err != nil {
		return s, now, err
	}
	from := now.In(loc)
	if c.From != "" {
		if from, err = readFrom(c.From, loc); err != nil {
			return s, from, fmt.Errorf("--from: %w", err)
		}
	}
	s.Start = schedule.LocalOf(from)
	if c.Start != "" {
		if s.Start, err = readLocal(c.Start); err != nil {
			return s, from, fmt.Errorf("--start: %w", err)
		}
	}
	for _, text := range c.Exdate {
		e, err := schedule.ParseException(text)
		if err != nil {
			return s, from, fmt.Errorf("--exdate: %w", err)
		}
		s.Exdates = append(s.Exdates, e)
	}
	return s, from.Add(-time.Nanosecond), nil
}

func readFrom(s string, loc *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.In(loc), nil
	}
	l, err := readLocal(s)
	if err != nil {
		return time.Time{}, err
	}
	at, _, ok := schedule.Resolve(l, loc)
	if !ok {
		return at, errs.New(errs.Invalid, "%s had no %s", loc, l.Date)
	}
	return at, nil
}

// readLocal reads a local time, or a date for its midnight.
func readLocal(s string) (schedule.LocalTime, error) {
	if !strings.Contains(s, "T") {
		d, err := schedule.ParseDate(s)
		return schedule.LocalTime{Date: d}, err
	}
	return schedule.ParseLocal(s)
}

// publicError is what a person is told, without the name of a field of the API.
func publicError(err error) error {
	var e *errs.E
	if errors.As(err, &e) && len(e.Fields) > 0 {
		return errors.New(e.Public)
	}
	return err
}

type runAnswer struct {
	UTC   time.Time `json:"utc"`
	Local string    `json:"local"`
	Date  string    `json:"date"`
	Shift string    `json:"shift,omitempty"`
}

func scheduleAnswer(s schedule.Schedule, d schedule.Description, runs []schedule.Run) any {
	out := []runAnswer{}
	for _, r := range runs {
		out = append(out, runAnswer{UTC: r.At.UTC(), Local: r.At.Format(time.RFC3339), Date: r.Date.String(), Shift: r.Shift})
	}
	return map[string]any{"rule": s.Rule, "zone": s.Zone, "start": s.Start, "description": d.English, "runs": out}
}

var shiftNotes = map[string]string{
	schedule.ShiftGap:   "  (clocks are set forward: this time does not exist)",
	schedule.ShiftTwice: "  (clocks are set back: the first of two)",
}

func printRuns(w io.Writer, s schedule.Schedule, d schedule.Description, runs []schedule.Run) error {
	if _, err := fmt.Fprintf(w, "%s (%s)\n", d.English, s.Zone); err != nil {
		return err
	}
	if len(runs) == 0 {
		_, err := fmt.Fprintln(w, "no more runs")
		return err
	}
	for _, r := range runs {
		if _, err := fmt.Fprintf(w, "%s  %s%s\n", r.At.Format("Mon 2006-01-02 15:04 -07:00"), r.At.UTC().Format(time.RFC3339), shiftNotes[r.Shift]); err != nil {
			return err
		}
	}
	return nil
}
