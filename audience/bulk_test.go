package audience

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// bulk starts an action, with the count of its preview, and runs it to its end.
func (b *bundle) bulk(sel BulkSelection, o BulkOrder) BulkAction {
	b.t.Helper()
	p := must[BulkPreview](b.t)(b.PreviewBulk(b.ctx, sel, o))
	a := must[BulkAction](b.t)(b.StartBulk(b.ctx, sel, o, p.Count, ann))
	return b.runBulkJob(a.ID)
}

func (b *bundle) runBulkJob(id int64) BulkAction {
	b.t.Helper()
	if ended := must[bool](b.t)(b.runBulk(b.ctx, id, time.Hour)); !ended {
		b.t.Fatal("the action did not end")
	}
	return must[BulkAction](b.t)(b.GetBulk(b.ctx, id))
}

func (b *bundle) undo(id int64) BulkAction {
	b.t.Helper()
	must[BulkAction](b.t)(b.UndoBulk(b.ctx, id))
	if ended := must[bool](b.t)(b.undoBulk(b.ctx, id, time.Hour)); !ended {
		b.t.Fatal("the undoing did not end")
	}
	return must[BulkAction](b.t)(b.GetBulk(b.ctx, id))
}

// kept is "id reason" of those who were passed over, or kept by the undoing.
func (b *bundle) kept(id int64, undo bool) []string {
	b.t.Helper()
	out := []string{}
	for _, k := range must[page.Page[BulkKept]](b.t)(b.ListBulkKept(b.ctx, id, undo, page.Query{})).Items {
		out = append(out, fmt.Sprint(k.SubscriberID, " ", k.Reason))
	}
	return out
}

// everything is all rows about people, as text, for comparing states. The history of subscriptions is left out: it says truly what happened in between.
func (b *bundle) everything() string {
	b.t.Helper()
	var out []string
	for _, table := range []string{"subscribers", "subscriptions", "suppressions", "subscriber_search", "unsubscribes"} {
		rows := must[pgx.Rows](b.t)(b.pool.Query(b.ctx, `SELECT to_jsonb(x)::text FROM `+table+` x ORDER BY 1`))
		out = append(append(out, "-- "+table), must[[]string](b.t)(pgx.CollectRows(rows, pgx.RowTo[string]))...)
	}
	return strings.Join(out, "\n")
}

// goAway is somebody who follows a link to leave some lists, or, without any, all.
func (b *bundle) goAway(id int64, lists ...int64) bool {
	b.t.Helper()
	return b.leave(Leave{SubscriberID: id, ListIDs: lists, Everything: len(lists) == 0, Source: SourceUnsubscribe, CampaignID: 1, Seq: int32(id)})
}

type counted struct{ total, changed, unchanged, skipped int64 }

func countedOf(a BulkAction) counted { return counted{a.Total, a.Changed, a.Unchanged, a.Skipped} }

func TestBulkSubscribeLeavesAloneWhoLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list, other := b.list("News"), b.list("Other")
	fresh := b.person("fresh@x.org", nil)
	on := b.person("on@x.org", map[int64]string{list: StatusSubscribed})
	left := b.person("left@x.org", map[int64]string{list: StatusUnsubscribed})
	waits := b.person("waits@x.org", map[int64]string{list: StatusUnconfirmed})
	bounced := b.person("bounced@x.org", nil)
	b.suppress("bounced@x.org")
	there := b.person("there@gone.org", nil)
	must[Suppression](t)(b.SuppressBy(b.ctx, "@gone.org", ReasonManual, ann, ""))
	leftOther := b.person("other@x.org", map[int64]string{other: StatusUnsubscribed})
	// Somebody left by a link, and was then taken off the list: what remains is the note that they left.
	removed := b.person("removed@x.org", map[int64]string{list: StatusSubscribed})
	b.goAway(removed, list)
	must[Subscriber](t)(b.DeleteSubscription(b.ctx, removed, list))

	before := b.everything()
	a := b.bulk(BulkSelection{}, BulkOrder{Action: BulkSubscribe, ListID: list})
	if d := cmp.Diff(counted{8, 2, 1, 5}, countedOf(a), cmp.AllowUnexported(counted{})); d != "" {
		t.Error(d)
	}
	want := []string{fmt.Sprint(left, " unsubscribed"), fmt.Sprint(waits, " unconfirmed"), fmt.Sprint(bounced, " suppressed"), fmt.Sprint(there, " suppressed"), fmt.Sprint(removed, " unsubscribed")}
	if d := cmp.Diff(want, b.kept(a.ID, false)); d != "" {
		t.Error(d)
	}
	for _, id := range []int64{fresh, leftOther} {
		c := must[[]Consent](t)(b.ListConsents(b.ctx, id))
		i := slices.IndexFunc(c, func(c Consent) bool { return c.ListID == list })
		if i < 0 || c[i].Status != StatusSubscribed || c[i].Source != SourceAdmin || c[i].Evidence == nil || !strings.Contains(c[i].Evidence.Note, ann.Name) {
			t.Errorf("consent of %d: %+v", id, c)
		}
	}
	_ = on
	b.undo(a.ID)
	if d := cmp.Diff(before, b.everything()); d != "" {
		t.Errorf("the undoing: %s", d)
	}
}

func TestBulkIsUndoneExactly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list, other := b.list("News"), b.list("Other")
	b.importFile(list, "email,name,city\ni@x.org,Ivy,Rome\nj@x.org,Jo,\n", StatusSubscribed)
	must[Field](t)(b.CreateField(b.ctx, "n", "", FieldNumber))
	ids := []int64{b.person("a@x.org", map[int64]string{list: StatusSubscribed, other: StatusUnsubscribed}), b.person("b@x.org", map[int64]string{list: StatusUnconfirmed}),
		b.person("c@x.org", map[int64]string{list: StatusUnsubscribed}), b.person("d@x.org", nil)}
	for i, id := range ids[:2] {
		must[Subscriber](t)(b.UpdateSubscriber(b.ctx, id, SubscriberUpdate{Email: fmt.Sprintf("A%d@x.org", i), Name: "Ann", Attributes: map[string]any{"n": float64(i)}}))
	}
	b.goAway(ids[1], list)
	if err := b.ExplainUnsubscribe(b.ctx, 1, int32(ids[1]), ReasonOther, "no more, thanks"); err != nil {
		t.Fatal(err)
	}
	must[bool](t)(b.indexBacklog(b.ctx, time.Minute))
	for _, tt := range []struct {
		o    BulkOrder
		want counted
	}{
		{BulkOrder{Action: BulkSubscribe, ListID: other}, counted{6, 5, 0, 1}},
		{BulkOrder{Action: BulkUnsubscribe, ListID: list}, counted{6, 3, 3, 0}},
		{BulkOrder{Action: BulkRemove, ListID: list}, counted{6, 3, 1, 2}},
		{BulkOrder{Action: BulkSetField, Field: "n", Value: 1.0}, counted{6, 5, 1, 0}},
		{BulkOrder{Action: BulkClearField, Field: "n"}, counted{6, 2, 4, 0}},
		{BulkOrder{Action: BulkSuppress, Note: "asked"}, counted{6, 6, 0, 0}},
		{BulkOrder{Action: BulkDelete}, counted{6, 6, 0, 0}},
	} {
		t.Run(tt.o.Action, func(t *testing.T) {
			before := b.everything()
			a := b.bulk(BulkSelection{}, tt.o)
			if d := cmp.Diff(tt.want, countedOf(a), cmp.AllowUnexported(counted{})); d != "" {
				t.Error(d)
			}
			if a.Status != BulkDone || !a.Undoable(start) || a.Undoable(start.Add(BulkUndoWindow)) {
				t.Errorf("%+v", a)
			}
			if b.everything() == before {
				t.Error("nothing was done")
			}
			a = b.undo(a.ID)
			if d := cmp.Diff(before, b.everything()); d != "" {
				t.Error(d)
			}
			if a.Status != BulkUndone || a.Restored != a.Changed || a.Kept != 0 || a.Undoable(start) {
				t.Errorf("%+v", a)
			}
			if _, err := b.UndoBulk(b.ctx, a.ID); !errs.Is(err, errs.Conflict) {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

// Whoever had left and is deleted must not come back by an import.
func TestDeletedWhoHadLeftStayAway(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	left := b.person("left@x.org", map[int64]string{list: StatusUnsubscribed})
	b.person("on@x.org", map[int64]string{list: StatusSubscribed})
	alone := b.person("alone@x.org", map[int64]string{list: StatusUnsubscribed})
	a := b.bulk(BulkSelection{Filter: SubscriberFilter{Search: "n@x"}}, BulkOrder{Action: BulkDelete})
	if a.Total != 1 {
		t.Fatalf("%+v", a)
	}
	b.bulk(BulkSelection{IDs: []int64{left}}, BulkOrder{Action: BulkDelete})
	if err := b.DeleteSubscriber(b.ctx, alone); err != nil {
		t.Fatal(err)
	}
	b.importFile(list, "email\nleft@x.org\non@x.org\nalone@x.org\n", StatusSubscribed)
	for email, want := range map[string]string{"left@x.org": ReasonUnsubscribe, "alone@x.org": ReasonUnsubscribe, "on@x.org": ""} {
		p := must[Subscriber](t)(b.FindSubscriber(b.ctx, email))
		switch {
		case want == "" && p.Suppression != nil, want != "" && (p.Suppression == nil || p.Suppression.Reason != want || !strings.Contains(p.Suppression.Detail, "News")):
			t.Errorf("%s: %+v", email, p.Suppression)
		}
	}
}

func TestUndoKeepsWhatChangedSince(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	id := func(name string) int64 { return b.person(name+"@x.org", map[int64]string{list: StatusSubscribed}) }
	same, came, said, complained, gone := id("same"), id("came"), id("said"), id("complained"), id("gone")
	a := b.bulk(BulkSelection{Filter: SubscriberFilter{ListID: list}}, BulkOrder{Action: BulkUnsubscribe, ListID: list})
	must[Subscriber](t)(b.SetSubscription(b.ctx, came, list, StatusSubscribed, SourceAPI))
	if b.goAway(said, list) {
		t.Error("there was nothing to leave any more")
	}
	if _, err := b.Suppress(b.ctx, "complained@x.org", ReasonComplaint, "arf", "spam"); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteSubscriber(b.ctx, gone); err != nil {
		t.Fatal(err)
	}
	a = b.undo(a.ID)
	want := []string{fmt.Sprint(came, " changed_since"), fmt.Sprint(said, " left_since"), fmt.Sprint(complained, " left_since"), fmt.Sprint(gone, " changed_since")}
	if d := cmp.Diff(want, b.kept(a.ID, true)); d != "" || a.Restored != 1 || a.Kept != 4 {
		t.Error(d, a)
	}
	for id, status := range map[int64]string{same: StatusSubscribed, said: StatusUnsubscribed, complained: StatusUnsubscribed} {
		if p := must[Subscriber](t)(b.GetSubscriber(b.ctx, id)); p.Subscriptions[0].Status != status {
			t.Errorf("%s is %s", p.Email, p.Subscriptions[0].Status)
		}
	}
}

func TestUndeleteKeepsWhatChangedSince(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	id := func(name string) int64 { return b.person(name+"@x.org", map[int64]string{list: StatusSubscribed}) }
	same, known, said, complained := id("same"), id("known"), id("said"), id("complained")
	a := b.bulk(BulkSelection{}, BulkOrder{Action: BulkDelete})
	b.person("known@x.org", nil)
	b.goAway(said, list)
	b.suppress("complained@x.org")
	if got := must[page.Page[BulkKept]](t)(b.ListBulkKept(b.ctx, a.ID, true, page.Query{})).Items; len(got) != 0 {
		t.Errorf("%+v", got)
	}
	a = b.undo(a.ID)
	want := []string{fmt.Sprint(known, " known_again"), fmt.Sprint(said, " left_since"), fmt.Sprint(complained, " left_since")}
	if d := cmp.Diff(want, b.kept(a.ID, true)); d != "" {
		t.Error(d)
	}
	for id, status := range map[int64]string{same: StatusSubscribed, said: StatusUnsubscribed, complained: StatusUnsubscribed} {
		if p := must[Subscriber](t)(b.GetSubscriber(b.ctx, id)); p.Subscriptions[0].Status != status {
			t.Errorf("%s is %s", p.Email, p.Subscriptions[0].Status)
		}
	}
	if p := must[Subscriber](t)(b.GetSubscriber(b.ctx, complained)); p.Suppression == nil {
		t.Error("the bounce is forgotten")
	}
}

// Whatever suppresses somebody after a bulk action did is not undone with it.
func TestUndoKeepsLaterSuppressions(t *testing.T) {
	t.Parallel()
	for _, action := range []string{BulkSuppress, BulkDelete} {
		for name, suppress := range map[string]func(b *bundle) error{
			"by hand": func(b *bundle) error {
				_, err := b.SuppressBy(b.ctx, "a@x.org", ReasonManual, ann, "")
				return err
			},
			"complaint": func(b *bundle) error {
				_, err := b.Suppress(b.ctx, "a@x.org", ReasonComplaint, "arf", "")
				return err
			},
			"file": func(b *bundle) error {
				_, err := b.ImportSuppressions(b.ctx, strings.NewReader("b@x.org\na@x.org\n"), NewSuppressions{By: ann})
				return err
			},
			"bulk": func(b *bundle) error {
				if _, err := b.FindSubscriber(b.ctx, "a@x.org"); err != nil {
					b.person("a@x.org", nil) // they came again
				}
				b.bulk(BulkSelection{}, BulkOrder{Action: BulkSuppress})
				return nil
			},
		} {
			t.Run(action+", "+name, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				list, other := b.list("News"), b.list("Other")
				b.person("a@x.org", map[int64]string{list: StatusSubscribed, other: StatusUnsubscribed})
				a := b.bulk(BulkSelection{}, BulkOrder{Action: action})
				if err := suppress(b); err != nil {
					t.Fatal(err)
				}
				b.undo(a.ID)
				if p := must[Subscriber](t)(b.FindSubscriber(b.ctx, "a@x.org")); p.Suppression == nil {
					t.Errorf("they are mailed again: %+v", p)
				}
			})
		}
	}
}

// A preference page that is saved as it was says nothing, and leaving one list says nothing of an action that suppressed.
func TestUndoOfWhoStayed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list, other := b.list("News"), b.list("Other")
	id := b.person("a@x.org", map[int64]string{list: StatusSubscribed, other: StatusSubscribed})
	a := b.bulk(BulkSelection{}, BulkOrder{Action: BulkSuppress})
	if left, err := b.choose(PreferenceChange{SubscriberID: id, CampaignLists: []int64{list}, Shown: []int64{list}, On: []int64{list}}); left || err != nil {
		t.Errorf("%v, %v", left, err)
	}
	if !b.goAway(id, other) {
		t.Error("nothing was left")
	}
	if a = b.undo(a.ID); a.Restored != 1 || a.Kept != 0 {
		t.Errorf("%+v", a)
	}
}

// A field may be converted or deleted between an action about it, or one that deletes people, and its undoing.
func TestBulkMeetsChangedFields(t *testing.T) {
	t.Parallel()
	number := func(b *bundle) { must[Field](b.t)(b.UpdateField(b.ctx, "n", "", FieldNumber)) }
	remove := func(b *bundle) {
		if err := b.DeleteField(b.ctx, "n", 9); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name    string
		order   BulkOrder
		change  func(b *bundle)
		before  bool // the change comes before the action's turn
		changed int64
		kept    int64 // by the undoing, or by the action
		want    string
	}{
		{"cleared, converted", BulkOrder{Action: BulkClearField, Field: "n"}, number, false, 1, 1, `{}`},
		{"cleared, deleted", BulkOrder{Action: BulkClearField, Field: "n"}, remove, false, 1, 1, `{}`},
		{"converted, set", BulkOrder{Action: BulkSetField, Field: "n", Value: "8"}, number, true, 0, 1, `{"n": 7}`},
		{"deleted, set", BulkOrder{Action: BulkSetField, Field: "n", Value: "8"}, remove, true, 0, 1, `{}`},
		{"gone, converted", BulkOrder{Action: BulkDelete}, number, false, 1, 0, `{"n": 7}`},
		{"gone, deleted", BulkOrder{Action: BulkDelete}, remove, false, 1, 0, `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			must[Field](t)(b.CreateField(b.ctx, "n", "", FieldText))
			id := must[Subscriber](t)(b.CreateSubscriber(b.ctx, NewSubscriber{Email: "a@x.org", Attributes: map[string]any{"n": "7"}})).ID
			a := must[BulkAction](t)(b.StartBulk(b.ctx, BulkSelection{IDs: []int64{id}}, tt.order, 1, ann))
			if !tt.before {
				a = b.runBulkJob(a.ID)
			}
			tt.change(b)
			b.runFields()
			if tt.before {
				a = b.runBulkJob(a.ID)
			} else {
				a = b.undo(a.ID)
			}
			if a.Changed != tt.changed || a.Kept+a.Skipped != tt.kept {
				t.Errorf("%+v", a)
			}
			if tt.kept > 0 {
				if d := cmp.Diff([]string{fmt.Sprint(id, " changed_since")}, b.kept(a.ID, !tt.before)); d != "" {
					t.Error(d)
				}
			}
			if got := b.attributesOf(id); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// A job that breaks off for good leaves an action that can be started again, or undone once more.
func TestBulkBreaksOff(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.person("a@x.org", nil)
	a := must[BulkAction](t)(b.StartBulk(b.ctx, BulkSelection{}, BulkOrder{Action: BulkSuppress}, 1, ann))
	broken := func() {
		t.Helper()
		for _, sql := range []string{`CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$`,
			`CREATE TRIGGER fails BEFORE UPDATE ON bulk_actions FOR EACH ROW WHEN (NEW.status = 'running' OR NEW.restored > 0) EXECUTE FUNCTION fails()`} {
			if _, err := b.pool.Exec(b.ctx, sql); err != nil {
				t.Fatal(err)
			}
		}
	}
	mended := func() {
		t.Helper()
		if _, err := b.pool.Exec(b.ctx, `DROP FUNCTION fails() CASCADE`); err != nil {
			t.Fatal(err)
		}
	}
	broken()
	if err := (&bulkWorker{s: b.Service}).Work(b.ctx, &river.Job[BulkArgs]{JobRow: jobRow(maxImportAttempts), Args: BulkArgs{a.ID}}); err == nil {
		t.Error("no error")
	}
	if got := must[BulkAction](t)(b.GetBulk(b.ctx, a.ID)); got.Status != BulkFailed {
		t.Errorf("it is %s", got.Status)
	}
	mended()
	a = b.bulk(BulkSelection{}, BulkOrder{Action: BulkSuppress})
	must[BulkAction](t)(b.UndoBulk(b.ctx, a.ID))
	broken()
	if err := (&undoBulkWorker{s: b.Service}).Work(b.ctx, &river.Job[UndoBulkArgs]{JobRow: jobRow(maxImportAttempts), Args: UndoBulkArgs{a.ID}}); err == nil {
		t.Error("no error")
	}
	if got := must[BulkAction](t)(b.GetBulk(b.ctx, a.ID)); got.Status != BulkFailed || got.Error == nil || !got.Undoable(start) {
		t.Errorf("%+v", got)
	}
	mended()
	if got := b.undo(a.ID); got.Status != BulkUndone || got.Restored != 1 || got.Error != nil {
		t.Errorf("%+v", got)
	}
}

func TestBulkAsksAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	for i := range 250 {
		b.person(fmt.Sprintf("p%d@x.org", i), nil)
	}
	order := BulkOrder{Action: BulkSubscribe, ListID: list}
	if p := must[BulkPreview](t)(b.PreviewBulk(b.ctx, BulkSelection{}, order)); p.Count != 250 || len(p.Sample) != bulkSample || p.Sample[0].Email != "p249@x.org" {
		t.Errorf("%+v", p)
	}
	for seen, ok := range map[int64]bool{247: false, 248: true, 252: true, 253: false, 1: false} {
		_, err := b.StartBulk(b.ctx, BulkSelection{}, order, seen, ann)
		if ok != (err == nil) || !ok && !errs.Is(err, errs.Conflict) {
			t.Errorf("%d: %v", seen, err)
		}
	}
	if _, err := b.StartBulk(b.ctx, BulkSelection{Filter: SubscriberFilter{Search: "nobody"}}, order, 1, ann); !errs.Is(err, errs.Conflict) {
		t.Error(err)
	}
	// Whoever comes later was not counted.
	a := must[BulkAction](t)(b.StartBulk(b.ctx, BulkSelection{Filter: SubscriberFilter{Search: "p1"}}, order, 111, ann))
	b.person("p1111@x.org", nil)
	if a = b.runBulkJob(a.ID); a.Total != 111 || a.Changed != 111 {
		t.Errorf("%+v", a)
	}
	for name, o := range map[string]BulkOrder{"action.action": {Action: "odd"}, "action.list_id": {Action: BulkRemove, ListID: 99}, "action.field": {Action: BulkSetField, Field: "x"}} {
		if _, err := b.PreviewBulk(b.ctx, BulkSelection{}, o); !slices.Equal(fieldNames(err), []string{name}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	must[Field](t)(b.CreateField(b.ctx, "n", "", FieldNumber))
	if _, err := b.PreviewBulk(b.ctx, BulkSelection{}, BulkOrder{Action: BulkSetField, Field: "n", Value: "x"}); !slices.Equal(fieldNames(err), []string{"action.value"}) {
		t.Error(err)
	}
	if _, err := b.PreviewBulk(b.ctx, BulkSelection{IDs: []int64{}}, order); !slices.Equal(fieldNames(err), []string{"selection.ids"}) {
		t.Error(err)
	}
}

// A job that dies goes on where it was, a cancelled one ends, and what it did can be undone.
func TestBulkInParts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	if _, err := b.pool.Exec(b.ctx, `INSERT INTO subscribers (email, email_key) SELECT n || '@x.org', n || '@x.org' FROM generate_series(1, $1::int) n`, 2*bulkBatch+5); err != nil {
		t.Fatal(err)
	}
	n := int64(2*bulkBatch + 5)
	a := must[BulkAction](t)(b.StartBulk(b.ctx, BulkSelection{}, BulkOrder{Action: BulkSubscribe, ListID: list}, n, ann))
	must[bool](t)(b.runBulk(b.ctx, a.ID, 0))
	step := func() {
		t.Helper()
		err := pg.InTx(b.ctx, b.pool, func(tx pgx.Tx) error {
			_, err := b.runBulkTx(b.ctx, tx, a.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	step()
	if a = must[BulkAction](t)(b.GetBulk(b.ctx, a.ID)); a.Changed != bulkBatch || a.Status != BulkRunning || a.Progress() < .4 || a.Progress() > .6 {
		t.Fatalf("%+v", a)
	}
	if _, err := b.UndoBulk(b.ctx, a.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("while it runs: %v", err)
	}
	a = must[BulkAction](t)(b.CancelBulk(b.ctx, a.ID))
	step()
	if a = must[BulkAction](t)(b.GetBulk(b.ctx, a.ID)); a.Changed != bulkBatch || a.Status != BulkCancelled {
		t.Fatalf("%+v", a)
	}
	if _, err := b.CancelBulk(b.ctx, a.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("again: %v", err)
	}
	if a = b.undo(a.ID); a.Restored != bulkBatch {
		t.Errorf("%+v", a)
	}
	if l := must[List](t)(b.GetList(b.ctx, list)); l.Counts.Subscribed != 0 {
		t.Errorf("%+v", l.Counts)
	}
}

func TestBulkIsPurged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	now := start
	b.now = func() time.Time { return now }
	b.person("a@x.org", nil)
	a := b.bulk(BulkSelection{}, BulkOrder{Action: BulkDelete})
	if wait := must[time.Duration](t)(b.purgeBulk(b.ctx, a.ID)); wait != BulkUndoWindow {
		t.Errorf("not before %v", wait)
	}
	// More than one batch.
	if _, err := b.pool.Exec(b.ctx, `INSERT INTO bulk_changes (bulk_id, subscriber_id, before, after) SELECT $1, n, '{}', '{}' FROM generate_series(100, 100 + $2::int) n`, a.ID, bulkBatch); err != nil {
		t.Fatal(err)
	}
	now = now.Add(BulkUndoWindow)
	if wait := must[time.Duration](t)(b.purgeBulk(b.ctx, a.ID)); wait != 0 {
		t.Errorf("not before %v", wait)
	}
	var n int
	if err := b.pool.QueryRow(b.ctx, `SELECT count(*) FROM bulk_changes`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d changes are kept, %v", n, err)
	}
	if _, err := b.UndoBulk(b.ctx, a.ID); !errs.Is(err, errs.Conflict) {
		t.Error(err)
	}
	if wait := must[time.Duration](t)(b.purgeBulk(b.ctx, 99)); wait != 0 {
		t.Error("of nothing")
	}
}

func TestBulkForASegment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	news, short := b.list("News"), b.list("Short")
	b.exec(`INSERT INTO fields (name, type) VALUES ('city', 'text')`)
	for i := range 6 {
		lists := map[int64]string{news: StatusSubscribed}
		if i < 2 {
			lists[short] = StatusSubscribed
		}
		id := b.person(fmt.Sprintf("p%d@x.org", i), lists)
		if i%2 == 0 {
			b.exec(`UPDATE subscribers SET attributes = '{"city": "Rome"}' WHERE id = $1`, id)
		}
	}
	rome := must[Segment](t)(b.CreateSegment(b.ctx, "Romans", []byte(`{"all": [{"type": "field", "field": "city", "op": "is", "value": "Rome"}]}`)))
	order := BulkOrder{Action: BulkUnsubscribe, ListID: news}
	for _, tt := range []struct {
		f    SubscriberFilter
		want int64
	}{
		{SubscriberFilter{SegmentID: rome.ID}, 3},
		{SubscriberFilter{SegmentID: rome.ID, ListID: short}, 1},
		{SubscriberFilter{ListID: short}, 2},
		{SubscriberFilter{SegmentID: rome.ID, Search: "p4"}, 1},
	} {
		if p := must[BulkPreview](t)(b.PreviewBulk(b.ctx, BulkSelection{Filter: tt.f}, order)); p.Count != tt.want || len(p.Sample) != int(tt.want) {
			t.Errorf("%+v: %d people, %d shown", tt.f, p.Count, len(p.Sample))
		}
	}
	a := b.bulk(BulkSelection{Filter: SubscriberFilter{SegmentID: rome.ID}}, order)
	if a.Changed != 3 || a.Selection.Segment != "Romans" {
		t.Errorf("%+v", a)
	}
	if _, err := b.PreviewBulk(b.ctx, BulkSelection{Filter: SubscriberFilter{SegmentID: rome.ID + 1}}, order); !errs.Is(err, errs.Invalid) {
		t.Errorf("a segment that is not there: %v", err)
	}
}
