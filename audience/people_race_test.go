package audience

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// duringTx runs second while a transaction is open that first has begun; when second waits for that, or has ended, finish goes on with it, and it is committed.
func (b *bundle) duringTx(first func(tx pgx.Tx) error, second func() error, finish func(tx pgx.Tx) error) {
	b.t.Helper()
	ended := make(chan error, 1)
	err := pg.InTx(b.ctx, b.pool, func(tx pgx.Tx) error {
		if err := first(tx); err != nil {
			return err
		}
		go func() { ended <- second() }()
		for waits := false; !waits && len(ended) == 0; {
			err := b.pool.QueryRow(b.ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0)`).Scan(&waits)
			if err != nil {
				return err
			}
		}
		if finish == nil {
			return nil
		}
		return finish(tx)
	})
	if err != nil {
		b.t.Error("first:", err)
	}
	if err := <-ended; err != nil {
		b.t.Error("second:", err)
	}
}

func inTx(b *bundle, do func(tx pgx.Tx) error) func() error {
	return func() error { return pg.InTx(b.ctx, b.pool, do) }
}

// Whoever leaves, or complains, stays away, whichever of two that happen at the same time is first.
func TestLeavingAtTheSameTime(t *testing.T) {
	t.Parallel()
	type world struct {
		*bundle
		list, id int64
		bulk     BulkAction
	}
	leave := func(w world) func(tx pgx.Tx) error {
		return func(tx pgx.Tx) error {
			_, err := w.LeaveTx(w.ctx, tx, Leave{SubscriberID: w.id, EmailKey: "a@x.org", ListIDs: []int64{w.list}, Source: SourceUnsubscribe})
			return err
		}
	}
	complain := func(w world) func(tx pgx.Tx) error {
		return func(tx pgx.Tx) error { return w.SuppressTx(w.ctx, tx, "a@x.org", ReasonComplaint, "arf", "spam") }
	}
	undo := func(w world) func(tx pgx.Tx) error {
		return func(tx pgx.Tx) error {
			_, err := w.undoBulkTx(w.ctx, tx, w.bulk.ID)
			return err
		}
	}
	run := func(w world) func(tx pgx.Tx) error {
		return func(tx pgx.Tx) error {
			_, err := w.runBulkTx(w.ctx, tx, w.bulk.ID)
			return err
		}
	}
	remove := func(w world) func(tx pgx.Tx) error {
		return func(tx pgx.Tx) error { return w.deleteTx(w.ctx, tx, w.id) }
	}
	for name, tt := range map[string]struct {
		action BulkOrder
		undoes bool // the action is done, and its undoing is what happens at the same time
		other  func(world) func(tx pgx.Tx) error
		leave  func(world) func(tx pgx.Tx) error
		gone   bool // they were deleted before
	}{
		"unsubscribe undone":   {BulkOrder{Action: BulkUnsubscribe}, true, undo, leave, false},
		"remove undone":        {BulkOrder{Action: BulkRemove}, true, undo, leave, false},
		"remove":               {BulkOrder{Action: BulkRemove}, false, run, leave, false},
		"delete":               {BulkOrder{Action: BulkDelete}, false, run, leave, false},
		"delete undone":        {BulkOrder{Action: BulkDelete}, true, undo, leave, false},
		"deleted alone":        {BulkOrder{Action: BulkSetField, Field: "city", Value: "Rome"}, true, remove, leave, false},
		"suppress, complains":  {BulkOrder{Action: BulkSuppress}, false, run, complain, false},
		"suppress undone":      {BulkOrder{Action: BulkSuppress}, true, undo, complain, false},
		"delete, complains":    {BulkOrder{Action: BulkDelete}, false, run, complain, false},
		"delete undone, spam":  {BulkOrder{Action: BulkDelete}, true, undo, complain, false},
		"subscribe undone":     {BulkOrder{Action: BulkSubscribe}, true, undo, leave, false},
		"unsubscribe, leaves":  {BulkOrder{Action: BulkUnsubscribe}, false, run, leave, false},
		"suppress undone gone": {BulkOrder{Action: BulkSuppress}, true, undo, complain, true},
		"suppress undone left": {BulkOrder{Action: BulkSuppress}, true, undo, leave, false},
	} {
		for order, leavesFirst := range map[string]bool{"left first": true, "left last": false} {
			t.Run(name+", "+order, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				w := world{bundle: b, list: b.list("News")}
				must[Field](t)(b.CreateField(b.ctx, "city", "", FieldText))
				status := map[int64]string{w.list: StatusSubscribed}
				if tt.action.Action == BulkSubscribe {
					status = nil
				}
				w.id = b.person("a@x.org", status)
				if tt.action.ListID = 0; tt.action.Action == BulkUnsubscribe || tt.action.Action == BulkRemove || tt.action.Action == BulkSubscribe {
					tt.action.ListID = w.list
				}
				w.bulk = must[BulkAction](t)(b.StartBulk(b.ctx, BulkSelection{IDs: []int64{w.id}}, tt.action, 1, ann))
				must[bool](t)(b.runBulk(b.ctx, w.bulk.ID, 0)) // it is running, and nothing is done
				if tt.undoes {
					b.runBulkJob(w.bulk.ID)
					must[BulkAction](t)(b.UndoBulk(b.ctx, w.bulk.ID))
				}
				if tt.gone {
					if err := b.DeleteSubscriber(b.ctx, w.id); err != nil {
						t.Fatal(err)
					}
				}
				if leavesFirst {
					b.duringTx(tt.leave(w), inTx(b, tt.other(w)), nil)
				} else {
					b.duringTx(tt.other(w), inTx(b, tt.leave(w)), nil)
				}
				if !tt.undoes {
					b.runBulkJob(w.bulk.ID)
					if must[BulkAction](t)(b.GetBulk(b.ctx, w.bulk.ID)).Changed > 0 {
						b.undo(w.bulk.ID)
					}
				}
				b.importFile(w.list, "email\na@x.org\n", StatusSubscribed)
				p := must[Subscriber](t)(b.FindSubscriber(b.ctx, "a@x.org"))
				if p.Suppression == nil && p.Subscriptions[0].Status != StatusUnsubscribed {
					t.Errorf("they are mailed: %+v", p)
				}
			})
		}
	}
}

// Whoever changes a person locks the person first, so that nobody waits in a circle: here the preference page, and the undoing of what it is about.
func TestNobodyWaitsInACircle(t *testing.T) {
	t.Parallel()
	for _, action := range []string{BulkUnsubscribe, BulkSubscribe, BulkRemove, BulkDelete, BulkSuppress} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			list, other := b.list("News"), b.list("Other")
			id := b.person("a@x.org", map[int64]string{list: StatusSubscribed, other: StatusSubscribed})
			order := BulkOrder{Action: action}
			switch action {
			case BulkSubscribe:
				order.ListID = b.list("Third")
			case BulkUnsubscribe, BulkRemove:
				order.ListID = other
			}
			a := must[BulkAction](t)(b.StartBulk(b.ctx, BulkSelection{IDs: []int64{id}}, order, 1, ann))
			step := func(tx pgx.Tx) error {
				_, err := b.runBulkTx(b.ctx, tx, a.ID)
				return err
			}
			if must[bool](t)(b.runBulk(b.ctx, a.ID, 0)); action != BulkDelete {
				b.runBulkJob(a.ID)
				must[BulkAction](t)(b.UndoBulk(b.ctx, a.ID))
				step = func(tx pgx.Tx) error {
					_, err := b.undoBulkTx(b.ctx, tx, a.ID)
					return err
				}
			}
			b.duringTx(func(tx pgx.Tx) error {
				_, err := tx.Exec(b.ctx, `SELECT FROM subscribers WHERE id = $1 FOR UPDATE`, id)
				return err
			}, inTx(b, step), func(tx pgx.Tx) error {
				_, err := b.SetPreferencesTx(b.ctx, tx, PreferenceChange{SubscriberID: id, CampaignLists: []int64{list, other}, Shown: []int64{list, other}, Frequency: FrequencyAll, Source: "page"})
				if err == nil {
					err = b.SuppressTx(b.ctx, tx, "a@x.org", ReasonComplaint, "arf", "")
				}
				return err
			})
		})
	}
}

// An undoing takes away what it needs before the suppression; a complaint that comes in between must not take the suppression for one that stays.
func TestComplaintInTheMiddleOfAnUndoing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.person("a@x.org", nil)
	b.bulk(BulkSelection{}, BulkOrder{Action: BulkSuppress})
	if err := b.DeleteSubscriber(b.ctx, id); err != nil { // so that it does not wait for the person
		t.Fatal(err)
	}
	exec := func(sql string) func(tx pgx.Tx) error {
		return func(tx pgx.Tx) error {
			_, err := tx.Exec(b.ctx, sql)
			return err
		}
	}
	b.duringTx(exec(`DELETE FROM bulk_changes`), inTx(b, func(tx pgx.Tx) error {
		return b.SuppressTx(b.ctx, tx, "a@x.org", ReasonComplaint, "arf", "spam")
	}), exec(`DELETE FROM suppressions`))
	if x := must[Suppression](t)(getSuppression(b.ctx, b.pool, "a@x.org")); x.Reason != ReasonComplaint {
		t.Errorf("%+v", x)
	}
}

// Whoever leaves, or is put on another list, while an import is undone is not given back, or deleted, as they were before.
func TestUndoingAnImportAtTheSameTime(t *testing.T) {
	t.Parallel()
	t.Run("leaves", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.ticking()
		list := b.list("News")
		id := b.person("a@x.org", map[int64]string{list: StatusUnconfirmed})
		imp := b.importFile(list, "email\na@x.org\n", StatusSubscribed)
		must[Import](t)(b.UndoImport(b.ctx, imp.ID))
		// Not by LeaveTx: that locks the person, and is waited for earlier.
		b.duringTx(func(tx pgx.Tx) error {
			_, err := tx.Exec(b.ctx, `UPDATE subscriptions SET status = 'unsubscribed', source = 'link', updated_at = $2 WHERE subscriber_id = $1`, id, b.clock())
			return err
		}, func() error {
			if _, err := b.pool.Exec(b.ctx, `UPDATE imports SET undo = jsonb_set(undo, '{phase}', '"changes"')`); err != nil {
				return err
			}
			_, err := b.runUndo(b.ctx, imp.ID, time.Hour)
			return err
		}, nil)
		b.wantStatuses(id, map[int64]string{list: "unsubscribed by link"})
		if d := cmp.Diff([]string{"a@x.org subscription: changed since"}, b.keptOf(imp.ID)); d != "" {
			t.Error(d)
		}
		if c := must[[]Consent](t)(b.ListConsents(b.ctx, id)); len(c) != 3 {
			t.Errorf("the history: %+v", c)
		}
		if u := must[Import](t)(b.GetImport(b.ctx, imp.ID)).Undo; u.Restored != 0 || u.Kept != 1 {
			t.Errorf("%+v", u)
		}
	})
	t.Run("comes on a list", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		list, other := b.list("News"), b.list("Other")
		imp := b.importFile(list, "email\na@x.org\nb@x.org\n", StatusSubscribed)
		a := must[Subscriber](t)(b.FindSubscriber(b.ctx, "a@x.org"))
		must[Import](t)(b.UndoImport(b.ctx, imp.ID))
		b.duringTx(func(tx pgx.Tx) error {
			return b.subscribeTx(b.ctx, tx, subscribing{SubscriberID: a.ID, ListIDs: []int64{other}, Status: StatusSubscribed, Source: SourceAPI})
		}, func() error {
			_, err := b.runUndo(b.ctx, imp.ID, time.Hour)
			return err
		}, nil)
		b.wantStatuses(a.ID, map[int64]string{other: "subscribed by api"})
		if _, err := b.FindSubscriber(b.ctx, "b@x.org"); !errs.Is(err, errs.NotFound) {
			t.Errorf("the other one: %v", err)
		}
	})
}
