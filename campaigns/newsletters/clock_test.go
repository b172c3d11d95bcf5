package newsletters

import (
	"slices"
	"testing"

	"postrider/campaigns/schedule"
)

// A clock that jumps ahead has the runs in between skipped, and the last one sent. When it is put right the skipped ones are still to come, and none goes out twice.
func TestClockThatJumpsAheadAndBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed.add("x")
	n := b.letter(func(in *Input) { in.Rules.MinItems = 0 })
	b.at(5, 8, 30)
	b.at(25, 9, 0)
	b.stands(n, 5, StateSkipped, WhyDown, "")
	b.stands(n, 20, StateSkipped, WhyDown, "")
	b.stands(n, 25, StateSending, "", "")
	b.finish()
	b.at(5, 8, 45)
	b.at(5, 8, 50)
	for day := 5; day <= 24; day++ {
		w := b.stands(n, day, map[bool]State{true: StateReady, false: StatePreparing}[day == 5], "", "")
		if last := w.Log[len(w.Log)-1]; day > 5 && (last.Action != "revived" || !last.At.Equal(b.clock.now())) {
			t.Fatalf("the log of the %dth: %+v", day, w.Log)
		}
	}
	for day := 5; day <= 26; day++ {
		b.at(day, 8, 0)
		b.at(day, 9, 0)
		b.finish()
	}
	if len(b.texts()) != 22 || b.count(`i.state IN ('sending', 'sent') AND i.run_at <= '2026-01-26 09:00:00+00'`) != 22 {
		t.Errorf("sent %d times, want once for each of 22 runs: %q", len(b.texts()), b.texts())
	}
	if w := b.issue(n, 24); w.StartedAt.Day() != 24 {
		t.Errorf("the issue of the 24th went out on %s", w.StartedAt)
	}
}

// A run that comes while the clock is wrong, or until it is certain that it was put right, goes out a little late. What a person decided stays.
func TestRunsWhileTheClockIsWrong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.MinItems, in.Rules.LeadMinutes = 0, 25*60 })
	b.at(5, 8, 30)
	b.at(12, 8, 50)
	thirteen := b.issue(n, 13)
	must(t, b.Skip(t.Context(), thirteen.ID, "no news", "ann"))
	b.at(5, 9, 10)
	b.stands(n, 5, StateSkipped, WhyDown, "") // it is not certain yet
	tenth := schedule.Date{Year: 2026, Month: 1, Day: 10}
	_, err := b.SkipDate(t.Context(), n.ID, tenth, "ann")
	must(t, err)
	b.at(5, 9, 12)
	b.stands(n, 5, StateSending, "", "")
	b.stands(n, 13, StateSkipped, WhyPerson, "no news")
	// The schedule has no run on the 10th any more, until it is taken back.
	b.stands(n, 10, StateSkipped, WhyRescheduled, "no run on this date")
	_, err = b.Unskip(t.Context(), n.ID, tenth, "ann")
	must(t, err)
	for day := 6; day <= 10; day++ {
		b.finish()
		b.at(day, 8, 0)
		b.at(day, 9, 0)
	}
	b.stands(n, 10, StateSending, "", "")
}

// While another process runs ahead nothing is revived: the two would undo each other's work for ever.
func TestClocksThatDisagree(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.MinItems = 0 })
	log := func() (rows int) {
		must(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FROM newsletter_log`).Scan(&rows))
		return rows
	}
	b.at(25, 9, 0)
	b.finish()
	b.at(25, 9, 1)
	before := log()
	for minute := range 20 {
		b.at(5, 8, 30+minute)
		b.stands(n, 20, StateSkipped, WhyDown, "")
		b.at(25, 9, 2+minute)
	}
	if got := log(); got != before {
		t.Errorf("%d entries were added to the log", got-before)
	}
	b.at(5, 8, 55)
	b.at(5, 8, 57)
	b.stands(n, 20, StatePreparing, "", "")
	// Set back even further, time begins anew.
	b.at(4, 8, 0)
	b.at(4, 8, 1)
	b.at(4, 8, 3)
	b.stands(n, 20, StatePreparing, "", "")
	if got := b.texts(); !slices.Equal(got, []string{"no 1: []"}) {
		t.Errorf("sent %q", got)
	}
}

// Sources that were to be asked after a time that has not come are asked again.
func TestSourcesAfterAJump(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter()
	b.at(25, 7, 30)
	b.at(5, 7, 30)
	b.feed.add("x")
	b.at(5, 7, 33)
	if got, err := b.Get(t.Context(), n.ID); err != nil || got.Feed.FetchedAt == nil || !got.Feed.FetchedAt.Equal(b.clock.now()) {
		t.Errorf("read at %v, %v", got.Feed.FetchedAt, err)
	}
}
