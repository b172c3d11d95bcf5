package campaigns

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/sender"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, ok := zoneNamed(name)
	if !ok {
		t.Fatalf("no zone %s", name)
	}
	return z
}

func utc(text string) time.Time {
	t, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestTheMomentInAZone(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ wall, zone, want string }{
		{"2026-03-02 09:00", "UTC", "2026-03-02 09:00"},
		{"2026-03-02 09:00", "Europe/Berlin", "2026-03-02 08:00"},
		{"2026-07-02 09:00", "Europe/Berlin", "2026-07-02 07:00"},
		{"2026-03-02 09:00", "Pacific/Kiritimati", "2026-03-01 19:00"},
		{"2026-03-02 09:00", "Etc/GMT+12", "2026-03-02 21:00"},
		{"2026-03-02 09:00", "Asia/Kathmandu", "2026-03-02 03:15"},
		{"2026-03-02 09:00", "America/St_Johns", "2026-03-02 12:30"},
		// Clocks jump from 2 to 3: half past two is half an hour after the jump.
		{"2026-03-29 02:30", "Europe/Berlin", "2026-03-29 01:30"},
		{"2026-03-29 03:00", "Europe/Berlin", "2026-03-29 01:00"},
		{"2026-03-29 01:59", "Europe/Berlin", "2026-03-29 00:59"},
		// Half past two comes twice: the first one.
		{"2026-10-25 02:30", "Europe/Berlin", "2026-10-25 00:30"},
		{"2026-10-25 03:00", "Europe/Berlin", "2026-10-25 02:00"},
		// Half an hour of daylight saving time, and a day that Samoa left out.
		{"2026-04-05 01:45", "Australia/Lord_Howe", "2026-04-04 14:45"},
		{"2011-12-30 09:00", "Pacific/Apia", "2011-12-30 19:00"},
	} {
		if got := inZone(utc(tc.wall), zone(t, tc.zone)); !got.Equal(utc(tc.want)) {
			t.Errorf("%s in %s is %s, want %s", tc.wall, tc.zone, got.UTC(), tc.want)
		}
	}
	for _, bad := range []string{"", "Local", "Mars/Base", "../etc/passwd", "Europe/Berlin\x00"} {
		if _, ok := zoneNamed(bad); ok {
			t.Errorf("%q is taken for a zone", bad)
		}
	}
}

func TestWhoIsTooLate(t *testing.T) {
	t.Parallel()
	p := localPlan{At: utc("2026-03-02 09:00"), From: utc("2026-03-02 06:00"), Late: LateSend}
	now := p.From.Add(time.Second)
	tokyo, berlin := zone(t, "Asia/Tokyo"), zone(t, "Europe/Berlin") // midnight and eight in UTC
	for late, want := range map[string]string{LateSend: "", LateSkip: "", LateNextDay: "2026-03-03 00:00"} {
		p.Late = late
		gate, opens := p.place(tokyo, now)
		switch {
		case late == LateSend && gate == placeNow, late == LateSkip && gate == placeSkip:
		case late == LateNextDay && gate > 0 && opens.Equal(utc(want)):
		default:
			t.Errorf("%s: gate %d at %v", late, gate, opens)
		}
		if gate, opens := p.place(berlin, now); gate <= 0 || !opens.Equal(utc("2026-03-02 08:00")) {
			t.Errorf("who is in time waits behind %d until %v", gate, opens)
		}
	}
	// The first zone of the world is in time although the start took a while.
	p.From = p.At.Add(-firstZone)
	if gate, _ := p.place(zone(t, "Pacific/Kiritimati"), p.From.Add(3*time.Second)); gate != placeNow {
		t.Errorf("gate %d", gate)
	}
	// Equal moments have equal gates, and others others.
	g1, _ := p.place(zone(t, "Europe/Paris"), p.From)
	g2, _ := p.place(berlin, p.From)
	g3, _ := p.place(zone(t, "Europe/London"), p.From)
	if g1 != g2 || g1 == g3 {
		t.Errorf("%d %d %d", g1, g2, g3)
	}
}

// local makes people in zones: every value has n of them, in turn.
func (b *bundle) local(n int, values ...string) {
	b.t.Helper()
	b.people(n * len(values))
	for i, v := range values {
		b.exec(`UPDATE subscribers SET attributes = CASE WHEN $3 = '-' THEN '{}' ELSE jsonb_build_object('zone', $3::text) END WHERE substr(email, 7, 4)::int % $1 = $2`, len(values), i, v)
	}
	_, err := b.d.Audience.CreateField(b.t.Context(), "zone", "Zone", audience.FieldText)
	must(b.t, err)
}

func TestEverybodyGetsItAtTheirLocalTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cfg.FirstPart, b.cfg.Part = 25, 20
	zones := []string{"Pacific/Kiritimati", "Asia/Kathmandu", "Europe/Berlin", "America/New_York", "Etc/GMT+12", "Mars/Base", "-"}
	b.local(10, zones...)
	_, err := b.d.Audience.SetListZone(t.Context(), b.listID, "America/St_Johns")
	must(t, err)
	wall := b.clock.now().UTC().Add(48 * time.Hour).Truncate(time.Hour)
	c := b.draft(func(in *Input) { in.LocalTime = LocalTime{Enabled: true, ZoneField: "zone"} })
	if _, err := b.Start(t.Context(), c.ID); !errs.Is(err, errs.Invalid) {
		t.Fatalf("it started without a time: %v", err)
	}
	if _, err := b.Schedule(t.Context(), c.ID, b.clock.now().Add(time.Hour)); !errs.Is(err, errs.Invalid) {
		t.Fatalf("it takes a moment: %v", err)
	}
	c, err = b.ScheduleLocal(t.Context(), c.ID, wall)
	must(t, err)
	if !c.ScheduledAt.Equal(wall.Add(-14*time.Hour)) || !c.LocalAt.Equal(wall) {
		t.Fatalf("scheduled at %v for %v", c.ScheduledAt, c.LocalAt)
	}
	to := func(at time.Time) { b.clock.advance(at.Sub(b.clock.now())) }
	to(c.ScheduledAt.Add(-time.Minute))
	must(t, b.tick(t.Context()))
	if c, err = b.Get(t.Context(), c.ID); err != nil || c.Status != StatusScheduled {
		t.Fatalf("%s before its time (%v)", c.Status, err)
	}
	to(c.ScheduledAt.Add(time.Second))
	sent := int64(0)
	for i, name := range []string{"Pacific/Kiritimati", "Asia/Kathmandu", "Europe/Berlin", "America/St_Johns", "America/New_York", "Etc/GMT+12"} {
		at := inZone(wall, zone(t, name))
		if i > 0 {
			to(at.Add(-time.Minute))
			b.await(c.ID, "a moment before "+name, func(_ Campaign, st Stats) bool { return st.Queued == st.Waiting && st.Claimed == 0 })
			if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Sent != sent {
				t.Errorf("a minute before %s %d have it, want %d (%v)", name, st.Sent, sent, err)
			}
		}
		sent += 10
		if name == "America/St_Johns" {
			sent += 10 // those with a zone that does not exist, and those without one
		}
		to(at.Add(time.Second))
		b.await(c.ID, name, func(c Campaign, st Stats) bool {
			return !c.Freezing && st.Sent >= sent && st.Queued == st.Waiting && st.Claimed == 0
		})
		if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Sent != sent {
			t.Errorf("at %s %d have it, want %d (%v)", name, st.Sent, sent, err)
		}
	}
	b.awaitFinished(c.ID)
	if c, err = b.Get(t.Context(), c.ID); err != nil || c.ZonesInvalid != 10 || c.ZonesMissing != 10 {
		t.Errorf("%d invalid, %d missing (%v)", c.ZonesInvalid, c.ZonesMissing, err)
	}
	gates, err := b.Gates(t.Context(), c.ID)
	if err != nil || len(gates) != 5 {
		t.Errorf("%d gates for 5 moments that were to come (%v)", len(gates), err)
	}
	b.nobodyTwice()
}

func TestThoseForWhomItIsTooLate(t *testing.T) {
	t.Parallel()
	for late, want := range map[string]struct{ sent, skipped, waiting int64 }{LateSend: {5, 0, 5}, LateSkip: {0, 5, 5}, LateNextDay: {0, 0, 10}} {
		t.Run(late, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.local(5, "Pacific/Kiritimati", "Etc/GMT+12")
			c := b.draft(func(in *Input) { in.LocalTime = LocalTime{Enabled: true, ZoneField: "zone", Late: late} })
			_, err := b.ScheduleLocal(t.Context(), c.ID, b.clock.now().UTC())
			must(t, err)
			b.clock.advance(time.Second)
			st := b.await(c.ID, "the first", func(c Campaign, st Stats) bool {
				return c.Status == StatusRunning && st.Queued == st.Waiting && st.Claimed == 0
			})
			if st.Sent != want.sent || st.Skipped != want.skipped || st.Waiting != want.waiting {
				t.Errorf("%+v, want %+v", st, want)
			}
			b.clock.advance(24 * time.Hour)
			if st := b.awaitFinished(c.ID); st.Sent+st.Skipped != 10 || st.Skipped != want.skipped {
				t.Errorf("%+v", st)
			}
			b.nobodyTwice()
		})
	}
}

func TestLocalTimesAreChecked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(1)
	field := func(err error, name string) {
		t.Helper()
		var e *errs.E
		if !errors.As(err, &e) || !slices.ContainsFunc(e.Fields, func(f errs.Field) bool { return f.Name == name }) {
			t.Errorf("want %s: %v", name, err)
		}
	}
	c := b.draft(func(in *Input) { in.LocalTime = LocalTime{Enabled: true, ZoneField: "nothing"} })
	_, err := b.ScheduleLocal(t.Context(), c.ID, b.clock.now().UTC())
	field(err, "local_time.zone_field")
	c = b.draft(func(in *Input) { in.LocalTime.Enabled = true })
	_, err = b.ScheduleLocal(t.Context(), c.ID, b.clock.now().UTC().Add(-12*time.Hour-time.Minute))
	field(err, "local_at")
	c, err = b.ScheduleLocal(t.Context(), c.ID, b.clock.now().UTC().Add(48*time.Hour))
	must(t, err)
	in := c.Input
	in.LocalTime.Enabled = false
	_, err = b.Update(t.Context(), c.ID, in)
	field(err, "local_time")
	c, err = b.Unschedule(t.Context(), c.ID)
	if err != nil || c.LocalAt != nil || c.ScheduledAt != nil {
		t.Errorf("%v %v %v", c.LocalAt, c.ScheduledAt, err)
	}
	_, err = b.Create(t.Context(), Input{Name: "x", LocalTime: LocalTime{Late: "tomorrow"}, Window: &sender.Window{}})
	field(err, "local_time.late")
	field(err, "window.days")
}

func TestASendingWindow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(30)
	now := b.clock.now().UTC()
	opens := now.Truncate(time.Hour).Add(3 * time.Hour)
	window := &sender.Window{Days: []int{1, 2, 3, 4, 5, 6, 7}, From: time.Duration(opens.Hour()) * time.Hour, Until: time.Duration((opens.Hour()+2)%24) * time.Hour, Zone: "UTC"}
	c := b.start(func(in *Input) { in.Window, in.ExpiresAfterHours = window, 1 })
	// A claim says itself until when it waits.
	l, err := b.claim(t.Context(), DeliverArgs{CampaignID: c.ID, Run: 1, Lo: 1, Hi: 30}, 1)
	if err != nil || !l.wait.Equal(opens) || len(l.claims) > 0 {
		t.Errorf("a claim outside of it: %+v, %v", l, err)
	}
	st := b.await(c.ID, "that it rests", func(_ Campaign, st Stats) bool { return st.HeldUp != nil })
	if st.Sent != 0 || st.HeldUp.Code != sender.HoldupOutsideWindow || !st.HeldUp.Until.Equal(opens) {
		t.Errorf("%+v, %+v", st, st.HeldUp)
	}
	f, err := b.Forecast(t.Context(), c.ID, time.Time{}, 0)
	if err != nil || f.End == nil || f.Decides == nil || f.Decides.Limit != sender.LimitWindow || f.Decides.RelayID != 0 || f.End.Before(opens) {
		t.Errorf("%+v, %v", f, err)
	}
	// It may be closed for longer than the campaign wants to be read: nobody has been tried.
	b.clock.advance(opens.Sub(b.clock.now()) + time.Second)
	if st := b.awaitFinished(c.ID); st.Sent != 30 || st.Failed != 0 {
		t.Errorf("%+v", st)
	}
	if got, err := b.Get(t.Context(), c.ID); err != nil || fmt.Sprint(*got.Window) != fmt.Sprint(*window) {
		t.Errorf("%+v, %v", got.Window, err)
	}
}
