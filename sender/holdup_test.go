package sender

import (
	"testing"
	"time"
)

func TestHoldupsHaveACode(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := goodRelay()
	ten := 10
	in.Limits = Limits{PerHour: &ten, PerDay: &ten}
	r := b.create(t, in)
	now := b.clock.now()
	soon := now.Add(time.Hour)
	words := "550 enough"
	closed := &Window{Days: []int{int(now.Add(72*time.Hour).UTC().Weekday()+6)%7 + 1}, From: time.Hour, Until: 2 * time.Hour}
	with := func(change func(*Relay)) Relay {
		changed := r
		change(&changed)
		return changed
	}
	check := func(relay Relay, want HoldupCode, until bool) {
		t.Helper()
		h, err := b.Holdup(t.Context(), relay)
		switch {
		case err != nil || (h == nil) != (want == ""):
			t.Errorf("%+v, %v; want %q", h, err, want)
		case h != nil && (h.Code != want || h.Reason == "" || h.Until.IsZero() == until):
			t.Errorf("%+v; want %q", h, want)
		}
	}
	check(r, "", false)
	check(with(func(r *Relay) { r.Status = RelayPaused }), HoldupPaused, false)
	check(with(func(r *Relay) { r.BlockedUntil, r.BlockedReason = &soon, &words }), HoldupBlocked, true)
	check(with(func(r *Relay) { r.Window = closed }), HoldupOutsideWindow, true)
	check(with(func(r *Relay) { r.Pace = &Pace{RestUntil: soon, Reply: words} }), HoldupResting, true)
	if _, err := b.pool.Exec(t.Context(), `INSERT INTO relay_usage (relay_id, minute, used) VALUES ($1, date_trunc('minute', now()), 10)`, r.ID); err != nil {
		t.Fatal(err)
	}
	check(r, HoldupDayUsedUp, true)
	check(with(func(r *Relay) { r.Limits.PerDay = nil }), HoldupHourUsedUp, true)
}
