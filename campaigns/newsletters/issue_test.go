package newsletters

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postrider/campaigns/schedule"
	"postrider/internal/errs"
	"postrider/internal/page"
)

func TestFeedIssues(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed.add("old1", "old2", "old3")
	n := b.letter(func(in *Input) { in.Rules.FirstItems = 1; in.Rules.MaxItems = 2 })
	b.at(5, 8, 30)
	if w := b.stands(n, 5, StateReady, "", ""); len(w.Items) != 1 || w.Items[0].ID != "old3" {
		t.Fatalf("items of the first issue: %v; want the newest of those that were there", w.Items)
	}
	b.feed.add("a")
	b.at(5, 9, 0)
	b.stands(n, 5, StateSending, "", "")
	b.finish()
	b.at(6, 9, 0)
	b.stands(n, 5, StateSent, "", "")
	b.stands(n, 6, StateSkipped, WhyFewItems, "nothing new")
	b.feed.add("b", "c", "d")
	b.at(7, 9, 0)
	b.finish()
	b.at(8, 9, 0)
	b.finish()
	want := []string{"no 1: [a old3]", "no 2: [d c]", "no 3: [b]"}
	if got := b.texts(); !slices.Equal(got, want) {
		t.Errorf("sent %q, want %q", got, want)
	}
}

func TestSourceThatFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter()
	b.feed.add("a")
	b.at(5, 8, 30)
	b.feed.fail(errAway)
	b.at(5, 9, 0)
	b.stands(n, 5, StateSending, WhyOldCopy, "answers 503")
	b.finish()
	b.at(6, 9, 0)
	b.stands(n, 6, StatePreparing, WhyFetch, "answers 503")
	b.at(6, 12, 1)
	b.stands(n, 6, StateSkipped, WhyFetch, "could go out until 12:00")
	got, err := b.Get(t.Context(), n.ID)
	must(t, err)
	if got.Feed.Error == nil || got.Feed.FailingSince == nil {
		t.Errorf("the state of the feed does not say that it fails: %+v", got.Feed)
	}
	b.at(7, 9, 0)
	b.feed.fail(nil)
	b.feed.add("b")
	b.at(7, 9, 6)
	b.stands(n, 7, StateSending, "", "")
	b.feed.fail(errPlain)
	if c, err := b.CheckSource(t.Context(), n.ID); err != nil || strings.Contains(c.Error, "secret") || c.Error == "" {
		t.Errorf("check: %+v, %v", c, err)
	}
}

func TestEditedIssueIsNotGatheredAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter()
	b.feed.add("a")
	b.at(5, 8, 0)
	id := b.stands(n, 5, StateReady, "", "").ID
	must(t, b.Edit(t.Context(), id, Content{Subject: "Mine", Text: "by hand"}, "ann"))
	b.feed.add("b")
	b.at(5, 9, 0)
	b.finish()
	b.at(6, 8, 0)
	w := b.stands(n, 6, StateReady, "", "")
	if len(w.Items) != 1 || w.Items[0].ID != "b" {
		t.Errorf("the next issue has %v; want what came after the edited one was made", w.Items)
	}
	b.exec(`UPDATE campaigns SET text = 'on its page', updated_at = updated_at + interval '1 second' WHERE id = $1`, w.CampaignID)
	b.feed.add("c")
	b.at(6, 9, 0)
	if got := b.texts(); !slices.Equal(got, []string{"by hand", "on its page"}) {
		t.Errorf("sent %q", got)
	}
	if w := b.issue(n, 6); !w.Edited {
		t.Error("an issue that was changed on the page of its campaign does not say so")
	}
}

func TestApproval(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) {
		in.Rules.Approval, in.Rules.DeadlineMinutes, in.Rules.ReminderHours, in.Rules.RemindTo, in.Rules.LeadMinutes = true, 60, []int{2, 0}, []string{"ann@example.org"}, 300
	})
	b.feed.add("a")
	b.at(5, 5, 30)
	b.at(5, 6, 0)
	b.at(5, 6, 1)
	if len(b.mail.sent) != 1 || !strings.Contains(b.mail.sent[0].Text, "approved by 08:00 on 5 January 2026, and goes out at 09:00") {
		t.Fatalf("reminders two hours before the deadline: %+v", b.mail.sent)
	}
	b.at(5, 9, 0)
	w := b.stands(n, 5, StateAwaiting, WhyNotReady, "nobody has approved")
	must(t, b.Approve(t.Context(), w.ID, "ann"))
	b.at(5, 9, 1)
	w = b.stands(n, 5, StateSending, "", "")
	if last := w.Log[len(w.Log)-2]; last.Action != "approved" || last.By != "ann" {
		t.Errorf("the log has no word of the approval: %+v", w.Log)
	}
	if err := b.Hold(t.Context(), w.ID, "", "ann"); !errs.Is(err, errs.Conflict) {
		t.Errorf("holding what is being sent: %v", err)
	}
	b.finish()
	b.feed.add("b")
	b.at(6, 8, 0)
	b.at(6, 12, 1)
	b.stands(n, 6, StateSkipped, WhyNotReady, "nobody had approved it; it could go out until 12:00")
	if len(b.mail.sent) != 3 {
		t.Errorf("%d reminders were sent, want two for the first issue, and one for the second, of which both were due at once", len(b.mail.sent))
	}
}

func TestDrafts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Source = Source{} })
	b.at(5, 8, 0)
	w := b.stands(n, 5, StateDraft, "", "")
	if now, err := b.Get(t.Context(), n.ID); err != nil || now.NextIssueAt == nil || !now.NextIssueAt.Equal(w.RunAt) || !now.NextRunAt.After(w.RunAt) {
		t.Errorf("the issue of the 5th comes next, the next run is that of the 6th: %+v, %v", now, err)
	}
	must(t, b.Edit(t.Context(), w.ID, Content{Subject: "S", Text: "written"}, "ann"))
	b.stands(n, 5, StateDraft, "", "")
	must(t, b.Approve(t.Context(), w.ID, "ann"))
	b.at(5, 9, 0)
	b.stands(n, 5, StateSending, "", "")
	b.at(6, 8, 0)
	b.at(6, 13, 0)
	b.stands(n, 6, StateSkipped, WhyNotReady, "nobody had finished the draft")
}

func TestPeopleDecide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.LeadMinutes = 3 * 24 * 60 })
	b.feed.add("a")
	b.at(5, 8, 0)
	b.stands(n, 5, StateReady, "", "")
	b.stands(n, 6, StatePreparing, WhyFewItems, "nothing new")
	b.feed.add("b")
	five := b.issue(n, 5)
	must(t, b.Hold(t.Context(), five.ID, "wait for legal", "ann"))
	b.at(5, 9, 0)
	b.stands(n, 5, StateHeld, WhyHeld, "legal")
	must(t, b.Release(t.Context(), five.ID, "ann"))
	must(t, b.Hold(t.Context(), five.ID, "", "ann"))
	b.at(6, 9, 0)
	b.stands(n, 5, StateSkipped, WhyOvertaken, "next issue came")
	b.stands(n, 6, StateSending, "", "")
	if got := b.texts(); !slices.Equal(got, []string{"no 1: [b a]"}) {
		t.Errorf("sent %q: the items of the held issue wait for the next", got)
	}
	b.feed.add("c")
	b.at(6, 10, 30)
	seven := b.issue(n, 7)
	must(t, b.Prepare(t.Context(), seven.ID, "ann"))
	b.at(6, 10, 31)
	must(t, b.SendNow(t.Context(), seven.ID, "ann"))
	b.at(6, 10, 32)
	b.stands(n, 7, StateReady, WhyWaits, "2026-01-06 is still being sent")
	b.finish()
	b.at(6, 10, 34)
	b.stands(n, 7, StateSending, "", "")
	d, err := b.SkipDate(t.Context(), n.ID, schedule.Date{}, "ann")
	must(t, err)
	if d.Day != 8 {
		t.Errorf("skipped %s, want the 8th", d)
	}
	b.stands(n, 8, StateSkipped, WhyPerson, "ahead")
	if d, err = b.SkipDate(t.Context(), n.ID, schedule.Date{Year: 2026, Month: 1, Day: 20}, "ann"); err != nil || d.Day != 20 {
		t.Errorf("skipping a date far ahead: %v, %v", d, err)
	}
	runs, err := b.Runs(t.Context(), n.ID, 20)
	must(t, err)
	if r := runs[13]; r.Date.Day != 20 || r.Out != schedule.OutSkipped || runs[1].Issue == nil || runs[1].Issue.State != StateSkipped {
		t.Errorf("the runs do not say what is skipped: %+v", runs)
	}
	_, err = b.Unskip(t.Context(), n.ID, schedule.Date{Year: 2026, Month: 1, Day: 20}, "ann")
	must(t, err)
}

func TestPeopleHaveTheLastWord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter()
	b.feed.add("a")
	b.at(5, 8, 30)
	id := b.issue(n, 5).ID
	b.meanwhile = func() { must(t, b.Hold(t.Context(), id, "stop", "ann")) }
	b.at(5, 9, 0)
	b.stands(n, 5, StateHeld, WhyHeld, "stop")
	must(t, b.Release(t.Context(), id, "ann"))
	b.exec(`DELETE FROM newsletter_items`)
	b.feed.items, b.feed.meanwhile, b.meanwhile = nil, b.meanwhile, nil
	b.at(5, 9, 1) // held while it turns out that there is nothing to send
	b.stands(n, 5, StateHeld, WhyHeld, "stop")
	if len(b.texts()) != 0 {
		t.Errorf("sent %q", b.texts())
	}
}

func TestDowntime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed.add("x")
	n := b.letter(func(in *Input) { in.Rules.MinItems = 0 })
	b.at(9, 10, 0)
	for day := 5; day <= 8; day++ {
		b.stands(n, day, StateSkipped, WhyDown, "not running at 09:00")
	}
	b.stands(n, 9, StateSending, WhyLate, "1h0m0s late")
	b.finish()
	b.at(10, 8, 30)
	b.at(12, 13, 0)
	b.stands(n, 10, StateSkipped, WhyDown, "not running")
	b.stands(n, 11, StateSkipped, WhyDown, "not running")
	b.stands(n, 12, StateSkipped, WhyDown, "it could go out until 12:00")
	b.at(12, 9, 0) // the clock is set back
	b.at(12, 9, 1)
	if len(b.texts()) != 1 {
		t.Errorf("sent %q", b.texts())
	}
}

func TestCampaignThatCannotStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.MinItems = 0 })
	b.mail.refuse = errs.InvalidField("relay_ids", "the relay is paused")
	b.at(5, 9, 0)
	b.stands(n, 5, StateHeld, WhyCannotStart, "the relay is paused")
	b.mail.refuse = nil
	b.at(5, 9, 3)
	b.stands(n, 5, StateHeld, WhyCannotStart, "the relay is paused")
	b.at(5, 9, 5)
	w := b.stands(n, 5, StateSending, "", "")
	b.exec(`UPDATE campaigns SET status = 'cancelled' WHERE id = $1`, w.CampaignID)
	b.at(6, 8, 30)
	b.stands(n, 5, StateSent, WhyCancelled, "cancelled")
	w = b.issue(n, 6)
	b.exec(`UPDATE campaigns SET status = 'running', started_at = now() WHERE id = $1`, w.CampaignID)
	b.at(6, 9, 0)
	b.stands(n, 6, StateSending, WhyByHand, "somebody started")
	b.finish()
	b.at(7, 8, 30)
	w = b.issue(n, 7)
	b.exec(`DELETE FROM campaigns WHERE id = $1`, w.CampaignID)
	b.at(7, 9, 0)
	b.stands(n, 7, StateSending, "", "")
}

func TestScheduleOfAnActiveNewsletterChanges(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.LeadMinutes = 73 * 60; in.Rules.MinItems = 0 })
	b.at(5, 8, 30) // issues of Monday to Thursday, the 5th to the 8th
	must(t, b.Edit(t.Context(), b.issue(n, 6).ID, Content{Subject: "S", Text: "mine"}, "ann"))
	in := n.Input
	in.Schedule.Rule, in.Schedule.Start.Hour = "FREQ=WEEKLY;BYDAY=MO,WE", 10
	up, err := b.Update(t.Context(), n.ID, in)
	must(t, err)
	if len(up.Kept) != 1 || up.Kept[0].Date.Day != 6 {
		t.Errorf("kept %+v, want the edited issue of the 6th", up.Kept)
	}
	b.at(5, 9, 30)
	b.stands(n, 8, StateSkipped, WhyRescheduled, "no run on this date")
	if w := b.stands(n, 5, StateReady, "", ""); w.RunAt.Hour() != 10 {
		t.Errorf("the issue of today runs at %s", w.RunAt)
	}
	in.Schedule.Rule = "FREQ=DAILY"
	_, err = b.Update(t.Context(), n.ID, in)
	must(t, err)
	b.at(5, 9, 45)
	b.stands(n, 8, StateReady, "", "")
	if n, err = b.Pause(t.Context(), n.ID, Pause{Until: &schedule.Date{Year: 2026, Month: 1, Day: 8}, Note: "holidays"}, "ann"); err != nil || n.Status != StatusPaused {
		t.Fatal(n.Status, err)
	}
	b.stands(n, 7, StateSkipped, WhyPaused, "paused")
	b.stands(n, 6, StateHeld, WhyHeld, "paused")
	b.at(7, 10, 0)
	b.at(8, 0, 0)
	b.at(8, 10, 0)
	if n, err = b.Get(t.Context(), n.ID); err != nil || n.Status != StatusActive || len(b.texts()) != 1 {
		t.Errorf("after the pause: %s, %v, sent %q", n.Status, err, b.texts())
	}
	if err := b.Delete(t.Context(), n.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("deleting an active newsletter: %v", err)
	}
	if _, err := b.Pause(t.Context(), n.ID, Pause{}, "ann"); err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(t.Context(), n.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("deleting a newsletter whose issue is being sent: %v", err)
	}
	b.finish()
	b.at(20, 10, 0)
	if n, err = b.Resume(t.Context(), n.ID); err != nil || n.NextRunAt == nil || n.NextRunAt.Day() != 21 {
		t.Errorf("resumed: %+v, %v", n.NextRunAt, err)
	}
}

func TestCampaignThatCannotBeMade(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.MinItems = 0 })
	other := b.letter(func(in *Input) { in.Rules.MinItems = 0; in.Name = "Other" })
	b.mail.broken = n.Name
	b.at(5, 8, 30)
	b.stands(n, 5, StatePreparing, WhyContent, "no such thing")
	b.stands(other, 5, StateReady, "", "")
	b.at(5, 12, 1)
	b.stands(n, 5, StateSkipped, WhyContent, "no such thing")
}

func TestLists(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.MinItems = 0; in.Public = true })
	in := n.Input
	if _, err := b.Create(t.Context(), in); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second one of the same name: %v", err)
	}
	in.Name, in.Slug, in.ListIDs = "Other", "", []int64{99}
	if _, err := b.Create(t.Context(), in); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "list_ids") {
		t.Errorf("a list that is not there: %v", err)
	}
	in.ListIDs = n.ListIDs
	_, err := b.Create(t.Context(), in)
	must(t, err)
	p, err := b.List(t.Context(), "", page.Query{Limit: 1})
	must(t, err)
	if p, err = b.List(t.Context(), "", page.Query{Limit: 1, Cursor: p.NextCursor}); err != nil || len(p.Items) != 1 || p.Items[0].Name != "Other" || p.NextCursor != "" {
		t.Errorf("the second page: %+v, %v", p, err)
	}
	b.at(5, 9, 0)
	b.finish()
	b.at(6, 9, 0)
	is, err := b.Issues(t.Context(), n.ID, "", page.Query{Limit: 1})
	must(t, err)
	if is, err = b.Issues(t.Context(), n.ID, "", page.Query{Cursor: is.NextCursor}); err != nil || len(is.Items) != 1 || is.Items[0].Date.Day != 5 {
		t.Errorf("the second page of issues: %+v, %v", is, err)
	}
}

// The newest items are taken: by when they were published, else changed, and otherwise as the feed has them, which begins with its newest.
func TestItemsAreTakenNewestFirst(t *testing.T) {
	t.Parallel()
	day := func(d int) time.Time { return time.Date(2026, 1, d, 0, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		items []Item
		first []string // taken as the two newest when the newsletter began
		sent  []string
	}{
		"without dates": {
			[]Item{{ID: "f"}, {ID: "e"}, {ID: "d"}, {ID: "c"}, {ID: "b"}, {ID: "a"}},
			[]string{"f", "e"}, []string{"no 1: [f e d]", "no 2: [c b a]"},
		},
		"with times of changes only": {
			[]Item{{ID: "a", Updated: day(1)}, {ID: "c", Updated: day(3)}, {ID: "b", Updated: day(2)}, {ID: "d", Updated: day(4)}},
			[]string{"d", "c"}, []string{"no 1: [d c b]", "no 2: [a]"},
		},
		"with dates of both kinds": {
			[]Item{{ID: "a", Published: day(1), Updated: day(4)}, {ID: "c", Updated: day(3)}, {ID: "b", Published: day(2)}},
			[]string{"c", "b"}, []string{"no 1: [c b a]"},
		},
		"all of one date": {
			[]Item{{ID: "d", Published: day(1)}, {ID: "c", Published: day(1)}, {ID: "b", Published: day(1)}, {ID: "a", Published: day(1)}},
			[]string{"d", "c"}, []string{"no 1: [d c b]", "no 2: [a]"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			n := b.letter(func(in *Input) { in.Rules.MaxItems = 3 })
			b.feed.items = c.items
			old := b.letter(func(in *Input) { in.Name, in.Rules.FirstItems, in.Rules.LeadMinutes = "First", 2, 1 })
			b.at(5, 8, 59)
			var ids []string
			for _, x := range b.issue(old, 5).Items {
				ids = append(ids, x.ID)
			}
			if !slices.Equal(ids, c.first) {
				t.Errorf("the newest two are taken as %q, want %q", ids, c.first)
			}
			b.exec(`DELETE FROM newsletters WHERE id <> $1`, n.ID)
			b.at(5, 9, 0)
			b.finish()
			b.at(6, 9, 0)
			if got := b.texts(); !slices.Equal(got, c.sent) {
				t.Errorf("sent %q, want %q", got, c.sent)
			}
		})
	}
}

// What came later goes first among items without a date, wherever it stands in the feed.
func TestLaterItemsWithoutDatesGoFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.letter(func(in *Input) { in.Rules.MaxItems = 2; in.Rules.MinItems = 2; in.Rules.LeadMinutes = 0 })
	b.feed.items = []Item{{ID: "b"}, {ID: "a"}}
	b.exec(`UPDATE newsletters SET fetch_at = NULL`)
	b.at(5, 8, 30)
	b.feed.items = []Item{{ID: "b"}, {ID: "a"}, {ID: "c"}}
	b.at(5, 9, 0)
	if got := b.texts(); !slices.Equal(got, []string{"no 1: [c b]"}) {
		t.Errorf("sent %q", got)
	}
}
