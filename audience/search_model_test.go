package audience

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"postrider/internal/page"
	"postrider/internal/pg"
)

// searchWays are limits that make a small table go each of the ways that a large one goes.
func searchWays() map[string]searchLimits {
	usual := defaultLimits()
	index := usual
	index.small, index.sample = 0, 1<<20
	walk := index
	walk.few, walk.most = 0, 0
	mixed := index
	mixed.few = 6
	cheaper := walk
	cheaper.most = 1 << 20
	counted := walk
	counted.live = 0
	countedFew := index
	countedFew.live, countedFew.few = 0, 3
	countedFew.most = 1 << 20
	return map[string]searchLimits{"everybody": usual, "index": index, "walk": walk, "mixed": mixed, "cheaper": cheaper, "counted": counted, "counted few": countedFew}
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	if _, err := b.pool.Exec(b.ctx, sql, args...); err != nil {
		b.t.Fatal(err)
	}
}

// bring adds people as an import does: into the backlog of the search index.
func (b *bundle) bring(emails ...string) {
	b.t.Helper()
	err := pg.InTx(b.ctx, b.pool, func(tx pgx.Tx) error {
		var first, last int64
		if _, err := tx.Exec(b.ctx, `SELECT set_config('postrider.search_later', 'on', true)`); err != nil {
			return err
		}
		err := tx.QueryRow(b.ctx, `WITH n AS (INSERT INTO subscribers (email, email_key, name, attributes) SELECT e, e, 'Imported', '{"city": "Rome"}' FROM unnest($1::text[]) e RETURNING id)
			SELECT min(id), max(id) FROM n`, emails).Scan(&first, &last)
		if err != nil {
			return err
		}
		return b.indexLaterTx(b.ctx, tx, first, last)
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// naive finds people by looking at everything.
func (b *bundle) naive(f SubscriberFilter) []int64 {
	b.t.Helper()
	people := must[[]Subscriber](b.t)(loadSubscribers(b.ctx, b.pool, b.allIDs()))
	keys := map[string]bool{}
	for _, k := range b.column(`SELECT email_key FROM suppressions`) {
		keys[k] = true
	}
	var found []int64
	for _, p := range people {
		at := strings.LastIndexByte(p.Email, '@')
		suppressed := keys[strings.ToLower(p.Email)] || keys[p.Email[at:]]
		status := f.ListID == 0 && (f.Status == "" || f.Status == StatusSuppressed)
		for _, s := range p.Subscriptions {
			status = status || (f.ListID == 0 || s.ListID == f.ListID) && (f.Status == "" || f.Status == StatusSuppressed || s.Status == f.Status)
		}
		text := strings.Contains(p.Email+" "+strings.ToLower(p.Name), strings.ToLower(f.Search))
		field := f.Field == "" || p.Attributes[f.Field] == f.Value
		if text && status && field && (f.Status != StatusSuppressed || suppressed) {
			found = append(found, p.ID)
		}
	}
	slices.Sort(found)
	slices.Reverse(found)
	return found
}

func (b *bundle) allIDs() []int64 {
	b.t.Helper()
	rows, err := b.pool.Query(b.ctx, `SELECT id FROM subscribers`)
	if err != nil {
		b.t.Fatal(err)
	}
	return must[[]int64](b.t)(pgx.CollectRows(rows, pgx.RowTo[int64]))
}

func (b *bundle) column(sql string) []string {
	b.t.Helper()
	rows, err := b.pool.Query(b.ctx, sql)
	if err != nil {
		b.t.Fatal(err)
	}
	return must[[]string](b.t)(pgx.CollectRows(rows, pgx.RowTo[string]))
}

// paged goes through the whole list, forwards or from its last page back, and gives all ids newest first.
func (b *bundle) paged(f SubscriberFilter, back bool) []int64 {
	b.t.Helper()
	ids := []int64{}
	for q := (page.Query{Limit: 3, Last: back}); ; {
		p := must[page.Page[Subscriber]](b.t)(b.ListSubscribers(b.ctx, f, q))
		part := []int64{}
		for _, s := range p.Items {
			part = append(part, s.ID)
		}
		if back {
			ids = append(part, ids...)
			q = page.Query{Limit: 3, Before: p.PrevCursor}
		} else {
			ids = append(ids, part...)
			q.Cursor = p.NextCursor
		}
		if q.Cursor == "" && q.Before == "" {
			return ids
		}
	}
}

func TestSearchFindsWhatANaiveFilterFinds(t *testing.T) {
	t.Parallel()
	for name, limits := range searchWays() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newSearchWorld(t, limits)
			for step := range 150 {
				w.change()
				if step%10 == 9 {
					// Who takes a suppressed address is known to be suppressed only after the next count.
					if err := pg.InTx(w.ctx, w.pool, func(tx pgx.Tx) error { return w.recountSuppressedTx(w.ctx, tx, int64(step)) }); err != nil {
						t.Fatal(err)
					}
					w.change2()
					for range 6 {
						w.compare()
					}
				}
			}
		})
	}
}

// searchWorld changes people at random and compares what is found.
type searchWorld struct {
	*bundle
	r     *rand.Rand
	lists []int64
	n     int
	// segments say who is in them.
	segments map[int64]func(Subscriber) bool
}

func newSearchWorld(t *testing.T, limits searchLimits) *searchWorld {
	b := setup(t)
	b.limits = limits
	b.limits.part = 2
	b.exec(`INSERT INTO fields (name, type) VALUES ('city', 'text')`)
	w := &searchWorld{bundle: b, r: rand.New(rand.NewPCG(1, 2)), lists: []int64{b.list("One"), b.list("Two")}, segments: map[int64]func(Subscriber) bool{}}
	w.segment(`{"type":"field","field":"city","op":"is","value":"Oslo"}`, func(p Subscriber) bool { return p.Attributes["city"] == "Oslo" })
	w.segment(fmt.Sprintf(`{"none":[{"type":"list","list_id":%d},{"type":"wish","wish":"no_tracking"},{"type":"wish","wish":"paused"}]}`, w.lists[0]), func(p Subscriber) bool {
		return !slices.ContainsFunc(p.Subscriptions, func(s Subscription) bool { return s.ListID == w.lists[0] && s.Status == StatusSubscribed })
	})
	w.segment(`{"all":[{"type":"created","op":"after","value":"2020-01-01"},{"type":"wish","wish":"weekly"}]}`, func(Subscriber) bool { return false })
	return w
}

func (w *searchWorld) segment(definition string, in func(Subscriber) bool) {
	w.t.Helper()
	w.segments[must[Segment](w.t)(w.CreateSegment(w.ctx, fmt.Sprint(len(w.segments)), []byte(definition))).ID] = in
}

func (w *searchWorld) email() string {
	w.n++
	return fmt.Sprintf("%s%d@%s", w.one("ann", "ivan", "zq"), w.n, w.one("gmail.com", "rare.example", "gone.example"))
}

func (w *searchWorld) one(of ...string) string { return of[w.r.IntN(len(of))] }

func (w *searchWorld) someone() int64 {
	ids := w.allIDs()
	if len(ids) == 0 {
		return 0
	}
	return ids[w.r.IntN(len(ids))]
}

// change does one thing to somebody.
func (w *searchWorld) change() {
	w.t.Helper()
	id := w.someone()
	switch n := w.r.IntN(12); {
	case n < 3 || id == 0:
		w.exec(`INSERT INTO subscribers (email, email_key, name, attributes) VALUES ($1, $1, $2, jsonb_build_object('city', $3::text))`, w.email(), w.one("Ann Lee", "Bob"), w.one("Rome", "Oslo"))
	case n == 3:
		w.bring(w.email(), w.email(), w.email(), w.email())
	case n == 4:
		w.exec(`UPDATE subscribers SET name = $2 WHERE id = $1`, id, w.one("Renamed", "Ivan X"))
	case n == 5:
		email := w.email()
		w.exec(`UPDATE subscribers SET email = $2, email_key = $2 WHERE id = $1`, id, email)
	case n == 6:
		if err := w.DeleteSubscriber(w.ctx, id); err != nil {
			w.t.Fatal(err)
		}
	case n == 7:
		if _, err := w.indexNext(w.ctx); err != nil {
			w.t.Fatal(err)
		}
	case n < 11:
		must[Subscriber](w.t)(w.SetSubscription(w.ctx, id, w.lists[w.r.IntN(2)], w.one(StatusSubscribed, StatusUnsubscribed, StatusUnconfirmed), SourceAdmin))
	default:
		w.change2()
	}
}

// change2 does what the last count of suppressed people need not know of.
func (w *searchWorld) change2() {
	w.t.Helper()
	for _, id := range []int64{w.someone(), w.someone()} {
		w.exec(`INSERT INTO suppressions (email_key, reason, source, created_at) SELECT email_key, 'manual', 'test', $2 FROM subscribers WHERE id = $1 ON CONFLICT DO NOTHING`, id, start)
	}
	switch w.r.IntN(4) {
	case 0:
		w.exec(`DELETE FROM suppressions WHERE email_key = (SELECT min(email_key) FROM suppressions)`)
	case 1:
		w.exec(`INSERT INTO suppressions (email_key, reason, source, created_at) VALUES ('@gone.example', 'manual', 'test', $1) ON CONFLICT DO NOTHING`, start)
	case 2:
		w.exec(`DELETE FROM suppressions WHERE email_key = '@gone.example'`)
	}
	w.bring(w.email())
}

// compare asks for people at random, both ways.
func (w *searchWorld) compare() {
	w.t.Helper()
	f := SubscriberFilter{Search: w.one("", "", "gmail", "rare.ex", "zq", "ann", "x", "renamed", "@g"), Status: w.one("", "", StatusSuppressed, StatusUnsubscribed, StatusSubscribed)}
	if w.r.IntN(3) == 0 {
		f.ListID = w.lists[w.r.IntN(2)]
	}
	if w.r.IntN(3) == 0 {
		f.Field, f.Value = "city", w.one("Rome", "Oslo", "rome")
	}
	want := w.naive(f)
	if want == nil {
		want = []int64{}
	}
	if w.r.IntN(2) == 0 {
		f.SegmentID = int64(1 + w.r.IntN(len(w.segments)))
		for _, p := range must[[]Subscriber](w.t)(loadSubscribers(w.ctx, w.pool, want)) {
			if !w.segments[f.SegmentID](p) {
				want = slices.DeleteFunc(want, func(id int64) bool { return id == p.ID })
			}
		}
	}
	for _, back := range []bool{false, true} {
		if d := cmp.Diff(want, w.paged(f, back)); d != "" {
			w.t.Fatalf("%+v, back %v: %s", f, back, d)
		}
	}
	p := must[page.Page[Subscriber]](w.t)(w.ListSubscribers(w.ctx, f, page.Query{Limit: 3}))
	if p.TotalExact && *p.Total != int64(len(want)) {
		w.t.Fatalf("%+v: total %d, want %d", f, *p.Total, len(want))
	}
}
