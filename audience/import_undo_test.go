package audience

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/internal/page"
)

// ticking makes each look at the clock a second later than the one before, so that nothing happens at the same time as something else.
func (b *bundle) ticking() {
	var looks atomic.Int64
	b.Service.now = func() time.Time { return start.Add(time.Duration(looks.Add(1)) * time.Second) }
}

// everything is all that an import may change, row by row.
func (b *bundle) wholeState() []string {
	b.t.Helper()
	rows, err := b.pool.Query(b.ctx, `
		SELECT 'person ' || to_jsonb(u)::text FROM subscribers u
		UNION ALL SELECT 'subscription ' || to_jsonb(s)::text FROM subscriptions s
		UNION ALL SELECT 'history ' || (to_jsonb(h) - 'id')::text FROM subscription_history h
		UNION ALL SELECT 'suppression ' || to_jsonb(x)::text FROM suppressions x
		UNION ALL SELECT 'count ' || list_id || ' ' || jsonb_build_array(sum(subscribed), sum(unconfirmed), sum(unsubscribed))::text FROM list_counts GROUP BY list_id
			HAVING sum(subscribed) + sum(unconfirmed) + sum(unsubscribed) > 0
		ORDER BY 1`)
	if err != nil {
		b.t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			b.t.Fatal(err)
		}
		out = append(out, line)
	}
	if err := rows.Err(); err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bundle) undoImport(id int64) Import {
	b.t.Helper()
	must[Import](b.t)(b.UndoImport(b.ctx, id))
	if done := must[bool](b.t)(b.runUndo(b.ctx, id, time.Hour)); !done {
		b.t.Fatal("the undoing did not end")
	}
	return must[Import](b.t)(b.GetImport(b.ctx, id))
}

func (b *bundle) keptOf(id int64) []string {
	b.t.Helper()
	var out []string
	for _, k := range must[page.Page[KeptByUndo]](b.t)(b.ListKeptByUndo(b.ctx, id, page.Query{})).Items {
		out = append(out, fmt.Sprintf("%s %s: %s", k.Email, k.What, k.Reason))
	}
	slices.Sort(out)
	return out
}

// scatter puts people of the random files into random states.
func (b *bundle) scatter(r *rand.Rand, lists ...int64) {
	b.t.Helper()
	for n := range 60 {
		if r.IntN(2) == 0 {
			continue
		}
		email := fmt.Sprintf("%s%d@%s", []string{"p", "q."}[r.IntN(2)], n, []string{"x.org", "bücher.example"}[r.IntN(2)])
		p, err := b.CreateSubscriber(b.ctx, NewSubscriber{Email: email, Name: []string{"", "Ann", "Old"}[r.IntN(3)],
			Attributes: []map[string]any{nil, {"plan": "1"}, {"plan": "old", "other": 1.5}}[r.IntN(3)]})
		if errs.Is(err, errs.Conflict) {
			continue
		}
		if err != nil {
			b.t.Fatal(err)
		}
		for _, list := range lists {
			if r.IntN(3) > 0 {
				must[Subscriber](b.t)(b.SetSubscription(b.ctx, p.ID, list, []string{StatusSubscribed, StatusUnconfirmed, StatusUnsubscribed}[r.IntN(3)], SourceAdmin))
			}
		}
	}
}

// An undo gives back exactly the state before, whatever that was and however the import was cut.
func TestUndoGivesBackExactlyWhatWas(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.ticking()
			r := rand.New(rand.NewPCG(seed, 7))
			list, other := b.list("News"), b.list("Other")
			b.scatter(r, list, other)
			b.importFile(other, randomFile(seed+100, 40), StatusUnconfirmed)
			before := b.wholeState()
			imp := b.upload(list, randomFile(seed, 150))
			must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, []string{StatusUnconfirmed, StatusSubscribed}[seed%2]), ""))
			b.inBatches(imp.ID, seed)
			if cmp.Equal(before, b.wholeState()) {
				t.Fatal("the import changed nothing")
			}
			imp = b.undoImport(imp.ID)
			if d := cmp.Diff(before, b.wholeState()); d != "" {
				t.Fatal(d)
			}
			if imp.Status != ImportUndone || imp.Undo.Kept != 0 || imp.Undo.FinishedAt == nil || imp.Undo.Removed == 0 {
				t.Fatalf("%s %+v", imp.Status, imp.Undo)
			}
			if _, err := b.UndoImport(b.ctx, imp.ID); !errs.Is(err, errs.Conflict) {
				t.Errorf("a second undo: %v", err)
			}
		})
	}
}

func TestUndoOfAnImportKeepsWhatChangedSince(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ticking()
	list, other := b.list("News"), b.list("Other")
	known := b.person("known@x.org", nil)
	must[Subscriber](t)(b.UpdateSubscriber(b.ctx, known, SubscriberUpdate{Email: "known@x.org", Name: "Old", Attributes: map[string]any{"city": "Rome", "plan": "a"}}))
	b.person("pending@x.org", map[int64]string{list: StatusUnconfirmed})
	b.person("left@x.org", map[int64]string{list: StatusUnconfirmed})
	imp := b.importFile(list, `email,name,city,plan
known@x.org,New,Oslo,b
pending@x.org,P,Oslo,b
left@x.org,L,Oslo,b
plain@x.org,A,Oslo,b
edited@x.org,B,Oslo,b
elsewhere@x.org,C,Oslo,b
gone@x.org,D,Oslo,b
mailed@x.org,E,Oslo,b
bounced@x.org,F,Oslo,b
paused@x.org,G,Oslo,b
`, StatusSubscribed)
	id := func(email string) (id int64) {
		if err := b.pool.QueryRow(b.ctx, `SELECT id FROM subscribers WHERE email_key = $1`, email).Scan(&id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	must[Subscriber](t)(b.UpdateSubscriber(b.ctx, known, SubscriberUpdate{Email: "known@x.org", Name: "New", Attributes: map[string]any{"city": "Bergen", "plan": "b"}}))
	must[Subscriber](t)(b.UpdateSubscriber(b.ctx, id("edited@x.org"), SubscriberUpdate{Email: "edited@x.org", Name: "Else", Attributes: nil}))
	must[Subscriber](t)(b.SetSubscription(b.ctx, id("elsewhere@x.org"), other, StatusSubscribed, SourceAdmin))
	for _, email := range []string{"gone@x.org", "left@x.org"} {
		must[Subscriber](t)(b.SetSubscription(b.ctx, id(email), list, StatusUnsubscribed, SourceUnsubscribe))
	}
	if _, err := b.pool.Exec(b.ctx, `INSERT INTO deliveries (campaign_id, seq, subscriber_id, email) VALUES (1, 1, $1, 'mailed@x.org')`, id("mailed@x.org")); err != nil {
		t.Fatal(err)
	}
	b.suppress("bounced@x.org")
	if _, err := b.pool.Exec(b.ctx, `UPDATE subscribers SET paused_until = now() + interval '1 day', paused_at = now(), paused_source = 'test' WHERE email_key = 'paused@x.org'`); err != nil {
		t.Fatal(err)
	}
	imp = b.undoImport(imp.ID)
	want := []string{
		"bounced@x.org person: the address was suppressed since", "edited@x.org person: changed since", "elsewhere@x.org person: on a list by other means",
		"gone@x.org person: on a list by other means", "gone@x.org subscription: unsubscribed since", "known@x.org attributes.city: changed since",
		"left@x.org subscription: unsubscribed since", "mailed@x.org person: mail was sent to them since", "paused@x.org person: they chose something on their preference page",
	}
	if d := cmp.Diff(want, b.keptOf(imp.ID)); d != "" {
		t.Error(d)
	}
	if u := imp.Undo; u.Kept != int64(len(want)) || u.Removed != 1 || u.Restored != 3 || u.Unsubscribed != 7 {
		t.Errorf("%+v", u)
	}
	if d := cmp.Diff("left@x.org||{}|unsubscribed\npending@x.org||{}|unconfirmed", strings.ReplaceAll(b.people(list), "gone@x.org|D|{\"city\": \"Oslo\", \"plan\": \"b\"}|unsubscribed\n", "")); d != "" {
		t.Error(d)
	}
	p := must[Subscriber](t)(b.GetSubscriber(b.ctx, known))
	if d := cmp.Diff(map[string]any{"city": "Bergen", "plan": "a"}, p.Attributes); d != "" || p.Name != "Old" {
		t.Error(p.Name, d)
	}
}

// An undo that is interrupted goes on behind its last part, also in another process.
func TestUndoGoesOnAfterAnInterruption(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.ticking()
	list := b.list("News")
	before := b.wholeState()
	var file strings.Builder
	file.WriteString("email\n")
	for i := range undoBatch + 100 {
		fmt.Fprintf(&file, "p%d@x.org\n", i)
	}
	imp := b.importFile(list, file.String(), StatusSubscribed)
	must[Import](t)(b.UndoImport(b.ctx, imp.ID))
	parts := 0
	for done := false; !done; parts++ {
		done = must[bool](t)(b.runUndo(b.ctx, imp.ID, 1)) // one part in each run
	}
	if parts < 4 {
		t.Errorf("only %d parts", parts)
	}
	if d := cmp.Diff(before, b.wholeState()); d != "" {
		t.Error(d)
	}
	if u := must[Import](t)(b.GetImport(b.ctx, imp.ID)).Undo; u.Removed != undoBatch+100 || u.Unsubscribed != undoBatch+100 {
		t.Errorf("%+v", u)
	}
}

func TestUndoIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	imp := b.upload(list, "email\na@x.org\n")
	if _, err := b.UndoImport(b.ctx, imp.ID); !errs.Is(err, errs.Conflict) {
		t.Errorf("an upload: %v", err)
	}
	must[Import](t)(b.CancelImport(b.ctx, imp.ID))
	if _, err := b.UndoImport(b.ctx, imp.ID); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "took no row") {
		t.Errorf("one that took nothing: %v", err)
	}
	if _, err := b.UndoImport(b.ctx, 99); !errs.Is(err, errs.NotFound) {
		t.Errorf("none: %v", err)
	}
}
