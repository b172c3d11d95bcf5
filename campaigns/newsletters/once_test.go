package newsletters

import (
	"strings"
	"testing"

	"postrider/internal/errs"
)

// twoWait gives a newsletter whose issue of the 7th waits for items, while that of the 8th, made later, has taken the only one.
func (b *bundle) twoWait() Newsletter {
	b.t.Helper()
	b.set(5, 10, 0, 0)
	n := b.letter(func(in *Input) { in.Rules.Approval, in.Rules.LeadMinutes = true, 48*60 })
	_, err := b.SkipDate(b.t.Context(), n.ID, january(6), "ann")
	must(b.t, err)
	b.at(6, 8, 55)
	b.feed.add("x")
	b.at(6, 9, 0)
	b.stands(n, 7, StatePreparing, WhyFewItems, "")
	if w := b.stands(n, 8, StateAwaiting, "", ""); len(w.Items) != 1 {
		b.t.Fatalf("items of the 8th: %v", w.Items)
	}
	return n
}

// goOut approves both issues, as far as that can be done, and lets their times come.
func (b *bundle) goOut(n Newsletter) []string {
	b.t.Helper()
	for _, day := range []int{7, 8} {
		if err := b.Approve(b.t.Context(), b.issue(n, day).ID, "boss"); err != nil && !errs.Is(err, errs.Conflict) {
			b.t.Fatal(err)
		}
	}
	for _, day := range []int{7, 8} {
		b.at(day, 9, 0)
		b.finish()
		b.at(day, 9, 1)
	}
	return b.texts()
}

func TestItemOfTwoIssuesGoesOutOnce(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(b *bundle, n Newsletter){
		"when the earlier issue is tried again": func(b *bundle, _ Newsletter) { b.at(6, 9, 55) },
		"when the earlier issue is prepared anew": func(b *bundle, n Newsletter) {
			must(b.t, b.Prepare(b.t.Context(), b.issue(n, 7).ID, "ann"))
			b.at(6, 9, 1)
		},
		"when the later issue is to go out now, after it lost the item": func(b *bundle, n Newsletter) {
			b.at(6, 9, 55)
			if err := b.SendNow(b.t.Context(), b.issue(n, 8).ID, "ann"); !errs.Is(err, errs.Conflict) {
				b.t.Errorf("sending what is to be prepared anew: %v", err)
			}
		},
		"when the later issue is held, after it lost the item": func(b *bundle, n Newsletter) {
			b.at(6, 9, 55)
			id := b.issue(n, 8).ID
			must(b.t, b.Hold(b.t.Context(), id, "", "ann"))
			must(b.t, b.Release(b.t.Context(), id, "ann"))
			b.at(6, 9, 56)
		},
		"when the later issue is approved while the earlier one is prepared": func(b *bundle, n Newsletter) {
			b.meanwhile = func() {
				b.meanwhile = nil
				must(b.t, b.Approve(b.t.Context(), b.issue(n, 8).ID, "ann"))
			}
			b.at(6, 9, 55)
		},
		"when both hold it all the same": func(b *bundle, n Newsletter) {
			b.at(6, 9, 55)
			b.exec(`INSERT INTO newsletter_issue_items (issue_id, key, position) SELECT $1, key, 1 FROM newsletter_items ON CONFLICT DO NOTHING`, b.issue(n, 8).ID)
			b.exec(`UPDATE newsletter_issues SET state = 'ready', reason_code = '', stale = false, try_at = run_at, approved_by = 'boss', written_at = (SELECT updated_at FROM campaigns c WHERE c.id = campaign_id) WHERE id = $1`, b.issue(n, 8).ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			n := b.twoWait()
			do(b, n)
			if sent := b.goOut(n); len(sent) != 1 || !strings.HasSuffix(sent[0], ": [x]") {
				t.Errorf("sent %q, want the item once", sent)
			}
		})
	}
}

func TestSettledItemIsNotSentAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.twoWait()
	id := b.issue(n, 8).ID
	must(t, b.Approve(t.Context(), id, "boss"))
	b.exec(`UPDATE newsletter_items SET sent_at = now()`)
	b.set(8, 8, 0, 0)
	must(t, b.SendNow(t.Context(), id, "boss"))
	b.at(8, 8, 1)
	if w := b.issue(n, 8); len(b.texts()) != 0 || w.ApprovedBy != nil || w.State == StateReady {
		t.Errorf("sent %q; the issue is %s, approved by %v: want it to be prepared anew", b.texts(), w.State, w.ApprovedBy)
	}
}

func TestItemsAreGivenWhileTheNewsletterIsLocked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n := b.twoWait()
	tx, err := b.pool.Begin(t.Context())
	must(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = lockNewsletter(t.Context(), tx, n.ID) // as who is about to lock an issue that its plan comes to
	must(t, err)
	other, err := b.pool.Begin(t.Context())
	must(t, err)
	defer func() { _ = other.Rollback(t.Context()) }()
	_, err = other.Exec(t.Context(), `SET LOCAL lock_timeout = '10ms'`)
	must(t, err)
	seven, err := getIssue(t.Context(), other, b.issue(n, 7).ID, "FOR UPDATE OF i")
	must(t, err)
	if err := takeItemsTx(t.Context(), other, seven, b.issue(n, 8).Items, b.clock.now()); err != nil {
		t.Errorf("who makes issues and who gives them items wait for each other: %v", err)
	}
}
