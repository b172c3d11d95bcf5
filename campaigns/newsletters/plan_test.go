package newsletters

import (
	"slices"
	"strings"
	"testing"

	"postrider/internal/errs"
)

func TestActivationIsOfTheSourceThatWasRead(t *testing.T) {
	t.Parallel()
	other := func(n Newsletter) Input {
		in := n.Input
		in.Source.URL = "https://example.org/other"
		return in
	}
	t.Run("another source while the first is read", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		n := b.draft()
		b.feed.meanwhile = func() {
			b.feed.meanwhile = nil
			_, err := b.Update(t.Context(), n.ID, other(n))
			must(t, err)
		}
		if _, err := b.Activate(t.Context(), n.ID); !errs.Is(err, errs.Conflict) {
			t.Errorf("activating a newsletter that got another source meanwhile: %v", err)
		}
		_, err := b.Activate(t.Context(), n.ID)
		must(t, err)
	})
	t.Run("another source of what was a draft a moment ago", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		n := b.draft()
		tx, err := b.pool.Begin(t.Context())
		must(t, err)
		defer func() { _ = tx.Rollback(t.Context()) }()
		_, err = tx.Exec(t.Context(), `UPDATE newsletters SET status = 'active', activated_at = now() WHERE id = $1`, n.ID)
		must(t, err)
		done := make(chan error, 1)
		go func() {
			_, err := b.Update(t.Context(), n.ID, other(n))
			done <- err
		}()
		b.awaitBlocked(tx)
		must(t, tx.Commit(t.Context()))
		if err := <-done; !errs.Is(err, errs.Conflict) {
			t.Errorf("another source, which nobody has read: %v", err)
		}
	})
}

func TestTimeThatHasPassedToday(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]int{"late is allowed": 3, "late is not allowed": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			n := b.letter(func(in *Input) { in.Rules.MinItems, in.Rules.LateHours = 0, late })
			b.at(5, 8, 10)
			b.set(5, 8, 30, 0)
			in := n.Input
			in.Schedule.Start.Hour = 7
			_, err := b.Update(t.Context(), n.ID, in)
			must(t, err)
			b.at(5, 8, 31)
			w := b.stands(n, 5, StateReady, "", "")
			if !slices.ContainsFunc(w.Log, func(e LogEntry) bool { return e.Action == "kept" && strings.Contains(e.Note, "09:00") }) {
				t.Errorf("the log does not say that it keeps its time: %+v", w.Log)
			}
			b.at(5, 9, 0)
			b.stands(n, 5, StateSending, "", "")
			b.finish()
			b.at(6, 7, 0)
			b.stands(n, 6, StateSending, "", "")
		})
	}
}

func TestSkipIsTakenBack(t *testing.T) {
	t.Parallel()
	skipped := func(t *testing.T, change ...func(*Input)) (*bundle, Newsletter) {
		b := setup(t)
		b.feed.add("a")
		n := b.letter(append(change, func(in *Input) { in.Rules.FirstItems, in.Rules.LeadMinutes = 1, 30*60 })...)
		b.at(5, 8, 10)
		return b, n
	}
	back := func(b *bundle, n Newsletter, day int) (Newsletter, error) {
		return b.Unskip(b.t.Context(), n.ID, january(day), "ann")
	}
	t.Run("of an issue", func(t *testing.T) {
		t.Parallel()
		b, n := skipped(t)
		_, err := b.SkipDate(t.Context(), n.ID, january(5), "ann")
		must(t, err)
		b.at(5, 8, 20)
		_, err = back(b, n, 5)
		must(t, err)
		b.at(5, 8, 30)
		if w := b.stands(n, 5, StateReady, "", ""); w.Log[len(w.Log)-2].By != "ann" {
			t.Errorf("the log does not say who took it back: %+v", w.Log)
		}
		if _, err := back(b, n, 5); !errs.Is(err, errs.NotFound) {
			t.Errorf("taken back twice: %v", err)
		}
		b.at(5, 9, 0)
		if sent := b.texts(); !slices.Equal(sent, []string{"no 1: [a]"}) {
			t.Errorf("sent %q", sent)
		}
	})
	t.Run("of an issue that somebody wrote", func(t *testing.T) {
		t.Parallel()
		b, n := skipped(t, func(in *Input) { in.Rules.Approval = true })
		id := b.issue(n, 5).ID
		must(t, b.Edit(t.Context(), id, Content{Subject: "Mine", Text: "by hand"}, "ann"))
		must(t, b.Approve(t.Context(), id, "boss"))
		must(t, b.Skip(t.Context(), id, "", "ann"))
		_, err := back(b, n, 5)
		must(t, err)
		if w := b.stands(n, 5, StateAwaiting, "", ""); !w.Edited || w.ApprovedBy != nil {
			t.Errorf("edited %t, approved by %v: want it as it was written, and to be approved again", w.Edited, w.ApprovedBy)
		}
	})
	for name, approved := range map[string]bool{"of an issue that somebody wrote, whose items another keeps by now": true, "of an issue that somebody wrote, whose items another gives back": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, n := skipped(t)
			id := b.issue(n, 5).ID
			must(t, b.Edit(t.Context(), id, Content{Subject: "Mine", Text: "by hand"}, "ann"))
			must(t, b.Skip(t.Context(), id, "", "ann"))
			six := b.issue(n, 6).ID
			must(t, b.Prepare(t.Context(), six, "ann"))
			b.at(5, 8, 20)
			if w := b.issue(n, 6); len(w.Items) != 1 {
				t.Fatalf("items of the 6th: %v", w.Items)
			}
			if approved {
				must(t, b.Approve(t.Context(), six, "ann"))
			}
			_, err := back(b, n, 5)
			must(t, err)
			b.at(5, 8, 30)
			if approved {
				b.stands(n, 5, StateHeld, WhyHeld, "in another issue")
				b.stands(n, 6, StateReady, "", "")
				return
			}
			b.stands(n, 5, StateReady, "", "")
			b.stands(n, 6, StatePreparing, WhyFewItems, "")
		})
	}
	t.Run("not of one whose time has come, nor of one that nobody skipped", func(t *testing.T) {
		t.Parallel()
		b, n := skipped(t)
		_, err := b.SkipDate(t.Context(), n.ID, january(5), "ann")
		must(t, err)
		b.at(5, 9, 1)
		for _, day := range []int{5, 6, 7} {
			if _, err := back(b, n, day); err == nil {
				t.Errorf("the skip of the %dth was taken back", day)
			}
		}
	})
	t.Run("not against the schedule", func(t *testing.T) {
		t.Parallel()
		b, n := skipped(t)
		_, err := b.SkipDate(t.Context(), n.ID, january(6), "ann")
		must(t, err)
		in := n.Input
		in.Schedule.Rule = "FREQ=WEEKLY;BYDAY=MO"
		_, err = b.Update(t.Context(), n.ID, in)
		must(t, err)
		if _, err := back(b, n, 6); !errs.Is(err, errs.Conflict) {
			t.Errorf("taken back on a date without a run: %v", err)
		}
	})
}

func TestLastIssueOfASeries(t *testing.T) {
	t.Parallel()
	series := func(t *testing.T) (*bundle, Newsletter) {
		b := setup(t)
		n := b.letter(func(in *Input) {
			in.Rules.MinItems, in.Rules.LeadMinutes = 0, 3*24*60
			in.Schedule.Rule = "FREQ=DAILY;UNTIL=20260106T090000Z"
		})
		b.at(5, 8, 10)
		return b, n
	}
	status := func(b *bundle, n Newsletter) Status {
		got, err := b.Get(b.t.Context(), n.ID)
		must(b.t, err)
		return got.Status
	}
	t.Run("is there until it has gone out", func(t *testing.T) {
		t.Parallel()
		b, n := series(t)
		if got := status(b, n); got != StatusActive {
			t.Errorf("it is %s, and two issues are still to go out", got)
		}
		b.at(5, 9, 0)
		b.finish()
		b.at(5, 9, 1)
		if got := status(b, n); got != StatusActive {
			t.Errorf("it is %s before the last issue", got)
		}
		b.at(6, 9, 0)
		b.finish()
		b.at(6, 9, 1)
		if got := status(b, n); got != StatusEnded || len(b.texts()) != 2 {
			t.Errorf("it is %s after %q", got, b.texts())
		}
	})
	t.Run("can be skipped, and the skip taken back", func(t *testing.T) {
		t.Parallel()
		b, n := series(t)
		for range 2 {
			_, err := b.SkipDate(t.Context(), n.ID, january(5).AddDays(1), "ann")
			must(t, err)
			_, err = b.SkipDate(t.Context(), n.ID, january(5), "ann")
			must(t, err)
			b.at(5, 8, 20)
			if got := status(b, n); got != StatusEnded {
				t.Errorf("it is %s without an issue to come", got)
			}
			for _, day := range []int{5, 6} {
				_, err = b.Unskip(t.Context(), n.ID, january(day), "ann")
				must(t, err)
			}
			if got := status(b, n); got != StatusActive {
				t.Errorf("it is %s with two issues to come", got)
			}
		}
		b.at(5, 9, 0)
		b.stands(n, 5, StateSending, "", "")
	})
	t.Run("can be kept by a pause, which the schedule does not outlive", func(t *testing.T) {
		t.Parallel()
		b, n := series(t)
		until := january(8)
		_, err := b.Pause(t.Context(), n.ID, Pause{Until: &until}, "ann")
		must(t, err)
		b.at(7, 12, 0)
		if got := status(b, n); got != StatusPaused {
			t.Errorf("it is %s during the pause", got)
		}
		b.at(8, 0, 0)
		if got := status(b, n); got != StatusEnded || len(b.texts()) != 0 {
			t.Errorf("it is %s after the pause, %q", got, b.texts())
		}
	})
	t.Run("has its run skipped ahead, and the skip taken back", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		n := b.letter(func(in *Input) {
			in.Rules.MinItems, in.Rules.LeadMinutes = 0, 0
			in.Schedule.Rule = "FREQ=DAILY;UNTIL=20260105T090000Z"
		})
		_, err := b.SkipDate(t.Context(), n.ID, january(5), "ann")
		must(t, err)
		b.at(5, 8, 10)
		if got := status(b, n); got != StatusEnded {
			t.Errorf("it is %s without a run", got)
		}
		_, err = b.Unskip(t.Context(), n.ID, january(5), "ann")
		must(t, err)
		b.at(5, 9, 0)
		b.stands(n, 5, StateSending, "", "")
	})
}
