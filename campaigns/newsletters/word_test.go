package newsletters

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postrider/internal/errs"
)

func TestPrepareKeepsAHold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter()
	b.feed.add("a")
	b.at(5, 8, 10)
	id := b.issue(n, 5).ID
	must(t, b.Edit(t.Context(), id, Content{Subject: "Mine", Text: "by hand"}, "ann"))
	must(t, b.Hold(t.Context(), id, "wait for legal", "ann"))
	b.feed.fail(errAway)
	b.feed.items = nil
	b.exec(`DELETE FROM newsletter_items`)
	must(t, b.Prepare(t.Context(), id, "bob"))
	b.at(5, 8, 20)
	b.stands(n, 5, StateHeld, WhyHeld, "wait for legal; it is not prepared anew yet: the source does not answer: example.org answers 503")
	b.feed.fail(nil)
	b.feed.add("b")
	b.at(5, 8, 25)
	w := b.stands(n, 5, StateHeld, WhyHeld, "wait for legal")
	if w.Reason != "wait for legal" || len(w.Items) != 1 || w.Items[0].ID != "b" || w.Edited {
		t.Errorf("prepared anew, it is held for %q, with %v, edited %t", w.Reason, w.Items, w.Edited)
	}
	must(t, b.Approve(t.Context(), id, "bob"))
	b.stands(n, 5, StateHeld, WhyHeld, "wait for legal")
	b.at(5, 9, 0)
	b.at(5, 12, 30)
	b.stands(n, 5, StateHeld, WhyHeld, "wait for legal")
	b.set(5, 11, 0, 0)
	must(t, b.Release(t.Context(), id, "ann"))
	b.at(5, 11, 0)
	if got := b.texts(); !slices.Equal(got, []string{"no 1: [b]"}) {
		t.Errorf("sent %q", got)
	}
}

func TestHeldIssueWithoutItemsIsLookedAtNowAndThen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed.add("a")
	n := b.letter(func(in *Input) { in.Rules.FirstItems = 1 })
	b.at(5, 8, 10)
	id := b.issue(n, 5).ID
	must(t, b.Hold(t.Context(), id, "wait", "ann"))
	b.exec(`DELETE FROM newsletter_items`)
	b.feed.items = nil
	b.at(5, 9, 10)
	must(t, b.Prepare(t.Context(), id, "ann"))
	asked := 0
	b.feed.meanwhile = func() { asked++ }
	for range 3 {
		must(t, b.Tick(t.Context()))
	}
	b.stands(n, 5, StateHeld, WhyHeld, "wait; it is not prepared anew yet: there is nothing new")
	if asked > 2 {
		t.Errorf("the source was asked %d times at once", asked)
	}
}

func TestPausedNewsletterSendsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.MinItems = 0 })
	b.at(5, 8, 10)
	id := b.issue(n, 5).ID
	must(t, b.Edit(t.Context(), id, Content{Subject: "Mine", Text: "by hand"}, "ann"))
	_, err := b.Pause(t.Context(), n.ID, Pause{}, "ann")
	must(t, err)
	must(t, b.Prepare(t.Context(), id, "bob"))
	b.at(5, 8, 20)
	b.stands(n, 5, StateHeld, WhyHeld, "paused")
	if err := b.Release(t.Context(), id, "ann"); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "paused") {
		t.Errorf("releasing an issue of a paused newsletter: %v", err)
	}
	b.exec(`UPDATE newsletter_issues SET state = 'ready', reason_code = '', reason = '', try_at = run_at`) // as it may have been released before
	b.at(5, 9, 0)
	b.stands(n, 5, StateReady, WhyPaused, "paused")
	if got := b.texts(); len(got) != 0 {
		t.Errorf("sent %q", got)
	}
	must(t, b.SendNow(t.Context(), id, "ann"))
	b.at(5, 9, 1)
	b.stands(n, 5, StateSending, "", "")
}

// rewrite changes the campaign of an issue as somebody does on its own page.
func (b *bundle) rewrite(w Whole, text string) {
	b.exec(`UPDATE campaigns SET text = $2, updated_at = updated_at + interval '1 second' WHERE id = $1`, w.CampaignID, text)
}

func TestApprovalIsOfWhatWasSeen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*Input)
		state  State
	}{
		"of an issue that is to be approved": {func(in *Input) { in.Rules.Approval = true }, StateAwaiting},
		"of a draft":                         {func(in *Input) { in.Source = Source{} }, StateDraft},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.feed.add("a")
			n := b.letter(c.change, func(in *Input) { in.Rules.FirstItems = 1 })
			b.at(5, 8, 10)
			w := b.issue(n, 5)
			b.rewrite(w, "on its page")
			must(t, b.Approve(t.Context(), w.ID, "boss"))
			b.at(5, 8, 20)
			if w = b.stands(n, 5, StateReady, "", ""); !w.Edited {
				t.Error("an issue that was changed on the page of its campaign before it was approved does not say so")
			}
			b.rewrite(w, "not approved")
			b.at(5, 8, 30)
			if w = b.stands(n, 5, c.state, "", "changed after boss had approved it"); w.ApprovedBy != nil || !w.Edited {
				t.Errorf("approved by %v, edited %t", w.ApprovedBy, w.Edited)
			}
			b.at(5, 9, 0)
			must(t, b.Approve(t.Context(), w.ID, "boss"))
			b.mail.before = func() { b.rewrite(w, "at the last moment") }
			b.at(5, 9, 1)
			b.mail.before = nil
			b.stands(n, 5, c.state, WhyNotReady, "changed after boss")
			b.at(5, 9, 2)
			must(t, b.SendNow(t.Context(), w.ID, "boss"))
			b.rewrite(w, "after the word to send it")
			b.at(5, 9, 3)
			b.stands(n, 5, c.state, WhyNotReady, "changed after boss")
			if got := b.texts(); len(got) != 0 {
				t.Fatalf("sent %q, which nobody approved", got)
			}
			must(t, b.Approve(t.Context(), w.ID, "boss"))
			b.at(5, 9, 4)
			if got := b.texts(); !slices.Equal(got, []string{"after the word to send it"}) {
				t.Errorf("sent %q", got)
			}
		})
	}
}

func TestEndedNewsletterIsActivatedAgainOnPurpose(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.MinItems = 0; in.Schedule.Rule = "FREQ=DAILY;UNTIL=20260105T090000Z" })
	b.at(5, 9, 0)
	b.finish()
	b.at(5, 9, 1)
	if n, _ = b.Get(t.Context(), n.ID); n.Status != StatusEnded {
		t.Fatalf("it is %s", n.Status)
	}
	if _, err := b.Activate(t.Context(), n.ID); !errs.Is(err, errs.Invalid) {
		t.Errorf("activating without runs: %v", err)
	}
	in := n.Input
	in.Schedule.Rule = "FREQ=DAILY"
	up, err := b.Update(t.Context(), n.ID, in)
	must(t, err)
	if up.Status != StatusEnded || up.NextRunAt != nil {
		t.Errorf("saved, it is %s and runs at %v; want it to stay as it is until somebody activates it", up.Status, up.NextRunAt)
	}
	b.feed.add("while it had ended")
	if n, err = b.Activate(t.Context(), n.ID); err != nil || n.Status != StatusActive || n.NextRunAt == nil || n.NextRunAt.Day() != 6 {
		t.Errorf("activated again: %+v, %v", n, err)
	}
	b.at(6, 9, 0)
	if got := b.texts(); !slices.Equal(got, []string{"no 1: []", "no 2: [while it had ended]"}) {
		t.Errorf("sent %q", got)
	}
}

func TestUpdateReachesAnIssueThatIsBeingPrepared(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.feed.add("a")
	n := b.letter(func(in *Input) { in.Rules.Approval, in.Rules.FirstItems = true, 1 })
	in := n.Input
	save := func(subject string) {
		in.Content.Subject = subject
		_, err := b.Update(t.Context(), n.ID, in)
		must(t, err)
	}
	subject := func() (s string) {
		must(t, b.pool.QueryRow(t.Context(), `SELECT subject FROM campaigns WHERE id = $1`, b.issue(n, 5).CampaignID).Scan(&s))
		return s
	}
	b.set(5, 8, 10, 0)
	b.meanwhile = func() { b.meanwhile = nil; save("New") }
	b.at(5, 8, 10)
	b.at(5, 8, 10)
	if b.stands(n, 5, StateAwaiting, "", ""); subject() != "New" {
		t.Errorf("the subject is %q, want that which was saved during the preparation", subject())
	}
	must(t, b.Hold(t.Context(), b.issue(n, 5).ID, "wait", "ann"))
	save("Newer")
	b.at(5, 8, 20)
	if b.stands(n, 5, StateHeld, WhyHeld, "wait"); subject() != "Newer" {
		t.Errorf("the subject of a held issue is %q, want that which was saved", subject())
	}
	must(t, b.Approve(t.Context(), b.issue(n, 5).ID, "boss"))
	must(t, b.Release(t.Context(), b.issue(n, 5).ID, "boss"))
	b.mail.before = func() {
		b.mail.before = nil
		in.Schedule.Start.Hour = 10
		save("Newest")
	}
	b.at(5, 9, 0)
	if w := b.stands(n, 5, StateReady, "", ""); w.RunAt.Hour() != 10 || len(b.texts()) != 0 {
		t.Errorf("it runs at %s, and %q was sent at nine", w.RunAt, b.texts())
	}
	b.at(5, 10, 0)
	b.stands(n, 5, StateSending, "", "")
}

func TestSendNowGivesUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.letter(func(in *Input) { in.Rules.MinItems = 0; in.Rules.LateHours = 0 })
	b.at(5, 8, 10)
	id := b.issue(n, 5).ID
	must(t, b.Hold(t.Context(), id, "", "ann"))
	tries := 0
	b.mail.before = func() { tries++ }
	b.mail.refuse = errs.InvalidField("relay_ids", "the relay is paused")
	b.set(5, 13, 0, 0)
	must(t, b.SendNow(t.Context(), id, "ann"))
	for range 30 {
		must(t, b.Tick(t.Context()))
		b.clock.set(b.clock.now().Add(time.Second))
	}
	if tries != 1 {
		t.Errorf("%d tries in half a minute, want one every five minutes", tries)
	}
	b.at(5, 18, 59)
	b.stands(n, 5, StateHeld, WhyCannotStart, "the relay is paused")
	b.at(5, 19, 1)
	w := b.stands(n, 5, StateHeld, WhyHeld, "could not go out until 19:00 on 5 January 2026: the relay is paused")
	b.mail.refuse = nil
	b.at(5, 20, 0)
	b.stands(n, 5, StateHeld, WhyHeld, "could not go out")
	must(t, b.SendNow(t.Context(), w.ID, "ann"))
	b.at(5, 20, 1)
	b.stands(n, 5, StateSending, "", "")
}
