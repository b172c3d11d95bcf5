package newsletters

import (
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns/schedule"
	"postrider/internal/errs"
)

// whileMade runs fn while the regular work makes the issue that is due: fn sees no issue, and waits for the newsletter until it is there.
func (b *bundle) whileMade(n Newsletter, fn func() error) {
	b.t.Helper()
	tx, err := b.pool.Begin(b.t.Context())
	must(b.t, err)
	defer func() { _ = tx.Rollback(b.t.Context()) }()
	locked, err := lockNewsletter(b.t.Context(), tx, n.ID)
	must(b.t, err)
	done := make(chan error, 1)
	go func() { done <- fn() }()
	b.awaitBlocked(tx)
	must(b.t, b.makeTx(b.t.Context(), tx, locked))
	must(b.t, tx.Commit(b.t.Context()))
	must(b.t, <-done)
}

// awaitBlocked waits until somebody waits for what a transaction has locked.
func (b *bundle) awaitBlocked(tx pgx.Tx) {
	b.t.Helper()
	for blocked := false; !blocked; {
		must(b.t, b.pool.QueryRow(b.t.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid)))`, int(tx.Conn().PgConn().PID())).Scan(&blocked))
	}
}

func january(day int) schedule.Date { return schedule.Date{Year: 2026, Month: 1, Day: day} }

func (b *bundle) set(day, hour, minute, second int) {
	b.clock.set(time.Date(2026, 1, day, hour, minute, second, 0, time.UTC))
}

func TestRunThatHasComeIsNotLost(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do    func(b *bundle, n Newsletter) error
		state State
		code  string
	}{
		"when the newsletter is saved": {func(b *bundle, n Newsletter) error {
			_, err := b.Update(b.t.Context(), n.ID, n.Input)
			return err
		}, StateSending, ""},
		"when another date is skipped": {func(b *bundle, n Newsletter) error {
			_, err := b.SkipDate(b.t.Context(), n.ID, january(9), "ann")
			return err
		}, StateSending, ""},
		"when a skip is taken back": {func(b *bundle, n Newsletter) error {
			_, err := b.Unskip(b.t.Context(), n.ID, january(20), "ann")
			return err
		}, StateSending, ""},
		"when it is paused and resumed": {func(b *bundle, n Newsletter) error {
			if _, err := b.Pause(b.t.Context(), n.ID, Pause{}, "ann"); err != nil {
				return err
			}
			_, err := b.Resume(b.t.Context(), n.ID)
			return err
		}, StateSkipped, WhyPaused},
		"when a pause that has ended is resumed": {func(b *bundle, n Newsletter) error {
			b.set(3, 12, 0, 0)
			until := january(5)
			if _, err := b.Pause(b.t.Context(), n.ID, Pause{Until: &until}, "ann"); err != nil {
				return err
			}
			b.set(5, 9, 0, 5)
			_, err := b.Resume(b.t.Context(), n.ID)
			return err
		}, StateSending, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.set(2, 12, 0, 0)
			n := b.letter(func(in *Input) { in.Rules.LeadMinutes, in.Rules.MinItems = 0, 0 })
			_, err := b.SkipDate(t.Context(), n.ID, january(20), "ann")
			must(t, err)
			b.at(4, 9, 0)
			b.finish()
			b.set(5, 9, 0, 5)
			must(t, c.do(b, n))
			b.at(5, 9, 1)
			b.stands(n, 5, c.state, c.code, "")
		})
	}
}

func TestDecisionsReachAnIssueThatIsBeingMade(t *testing.T) {
	t.Parallel()
	fridays := func(b *bundle, n Newsletter) error {
		in := n.Input
		in.Schedule.Rule = "FREQ=WEEKLY;BYDAY=FR"
		_, err := b.Update(b.t.Context(), n.ID, in)
		return err
	}
	skip := func(d schedule.Date) func(b *bundle, n Newsletter) error {
		return func(b *bundle, n Newsletter) error {
			got, err := b.SkipDate(b.t.Context(), n.ID, d, "ann")
			if err == nil && got != january(5) {
				b.t.Errorf("skipped %s, want the 5th", got)
			}
			return err
		}
	}
	for name, c := range map[string]struct {
		do   func(b *bundle, n Newsletter) error
		code string
	}{
		"pause": {func(b *bundle, n Newsletter) error {
			_, err := b.Pause(b.t.Context(), n.ID, Pause{}, "ann")
			return err
		}, WhyPaused},
		"a date is skipped":       {skip(january(5)), WhyPerson},
		"the next run is skipped": {skip(schedule.Date{}), WhyPerson},
		"another schedule":        {fridays, WhyRescheduled},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.set(4, 12, 0, 0)
			n := b.letter(func(in *Input) { in.Rules.MinItems = 0 })
			b.set(5, 8, 0, 0)
			b.whileMade(n, func() error { return c.do(b, n) })
			b.at(5, 9, 0)
			b.stands(n, 5, StateSkipped, c.code, "")
			if sent := b.texts(); len(sent) != 0 {
				t.Errorf("sent %q", sent)
			}
		})
	}
}

func TestSkippingTheNextRun(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.MinItems = 0; in.Rules.LeadMinutes = 60 })
	b.at(5, 8, 30)
	for _, day := range []int{5, 6, 7} {
		if d, err := b.SkipDate(t.Context(), n.ID, schedule.Date{}, "ann"); err != nil || d != january(day) {
			t.Errorf("skipped %s (%v), want the %dth", d, err, day)
		}
	}
	for _, day := range []int{5, 6} {
		if _, err := b.SkipDate(t.Context(), n.ID, january(day), "ann"); !errs.Is(err, errs.Conflict) {
			t.Errorf("skipping the %dth again: %v", day, err)
		}
	}
	b.at(8, 9, 0)
	b.at(8, 9, 1)
	if sent := b.texts(); !slices.Equal(sent, []string{"no 1: []"}) {
		t.Errorf("sent %q", sent)
	}
	if _, err := b.SkipDate(t.Context(), n.ID, january(8), "ann"); !errs.Is(err, errs.Invalid) {
		t.Errorf("skipping what is being sent: %v", err)
	}
}
