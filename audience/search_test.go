package audience

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// TestSearchGoesTheChosenWay is about a table without statistics, as after an import. The ways are forced, so they are always the same.
func TestSearchGoesTheChosenWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	index := defaultLimits()
	index.small, index.sample, index.few, index.most = 0, 1<<20, 500, 500
	b.limits = index
	list := b.list("Everybody")
	b.exec(`INSERT INTO fields (name, type) VALUES ('city', 'text')`)
	b.exec(`INSERT INTO subscribers (email, email_key, name, attributes) SELECT k, k, '', jsonb_build_object('city', CASE WHEN n % 100 = 0 THEN 'Tartu' ELSE 'Rome' END)
		FROM (SELECT n, 'reader' || n || CASE WHEN n % 2 = 0 THEN '@gmail.com' ELSE '@example.org' END AS k FROM generate_series(1, 4000) n) x`)
	b.exec(`INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, id, CASE WHEN id % 400 = 0 THEN 'unsubscribed' ELSE 'subscribed' END, 'test' FROM subscribers`, list)
	b.exec(`INSERT INTO suppressions (email_key, reason, source) SELECT email_key, 'bounce', 'test' FROM subscribers WHERE id % 1000 = 0`)
	for name, tt := range map[string]struct {
		f         SubscriberFilter
		with, not string
	}{
		"rare text":      {SubscriberFilter{Search: "reader123@"}, "subscriber_search_text", ""},
		"common text":    {SubscriberFilter{Search: "gmail"}, "subscribers_pkey", "subscriber_search_text"},
		"rare value":     {SubscriberFilter{Search: "city:Tartu"}, "subscribers_attributes", ""},
		"common value":   {SubscriberFilter{Search: "city:Rome"}, "subscribers_pkey", "subscribers_attributes"},
		"both, one rare": {SubscriberFilter{Search: "gmail city:Tartu"}, "subscribers_attributes", "subscriber_search_text"},
		"list":           {SubscriberFilter{ListID: list}, "subscriptions_pkey", "sample scan subscribers"},
		"left the list":  {SubscriberFilter{ListID: list, Status: StatusUnsubscribed}, "subscriptions_left", "sample scan subscribers"},
		"left any list":  {SubscriberFilter{Status: StatusUnsubscribed}, "subscriptions_left", ""},
		"suppressed":     {SubscriberFilter{Status: StatusSuppressed}, "subscribers_email_key", ""},
		"two letters":    {SubscriberFilter{Search: "zq"}, "seq scan subscriber_search", "subscriber_search_text"},
	} {
		t.Run(name, func(t *testing.T) {
			ways := must[[]string](t)(b.ExplainSubscribers(b.ctx, tt.f, page.Query{}))
			if !slices.Contains(ways, tt.with) || slices.Contains(ways, tt.not) {
				t.Errorf("goes by %v; want %s and not %s", ways, tt.with, tt.not)
			}
			for _, w := range ways {
				if strings.HasSuffix(w, "join") && w != "nested loop" || w == "seq scan subscribers" || w == "seq scan subscriptions" {
					t.Errorf("goes by %s", w)
				}
			}
		})
	}
}

func TestSearchAsksForFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, typ := range map[string]FieldType{"city": FieldText, "age": FieldNumber, "vip": FieldBoolean, "since": FieldDate, "seen": FieldDateTime, "tags": FieldList} {
		b.exec(`INSERT INTO fields (name, type) VALUES ($1, $2)`, name, typ)
	}
	must[Subscriber](t)(b.CreateSubscriber(b.ctx, NewSubscriber{Email: "ann@example.org", Name: "Ann: Lee", Attributes: map[string]any{"city": "New York", "age": 41.5, "vip": true,
		"since": "2026-01-31", "seen": "2026-01-31T11:00:00Z", "tags": []string{"a", "b"}}}))
	b.exec(`UPDATE subscribers SET attributes = attributes || '{"secret": "x"}'`) // no field has this name
	must[Subscriber](t)(b.CreateSubscriber(b.ctx, NewSubscriber{Email: "bob@example.org", Name: "Bob", Attributes: map[string]any{"city": "Rome", "tags": []string{"c"}}}))
	b.exec(`UPDATE subscribers SET attributes = attributes || '{"age": "41.5"}' WHERE email_key = 'bob@example.org'`) // of a time when the field had another type
	for q, want := range map[string]string{
		`city:"New York"`: "[ann]", `city:Rome`: "[bob]", `CITY:Rome`: "[bob]", `city:rome`: "[]", `age:41.50`: "[ann]", `vip:yes`: "[ann]", `vip:false`: "[]", `since:2026-01-31`: "[ann]",
		`seen:2026-01-31T12:00:00+01:00`: "[ann]", `tags:b`: "[ann]", `tags:b tags:a`: "[ann]", `tags:b tags:c`: "[]", `example city:Rome`: "[bob]", `city:Rome ann@`: "[]",
		`secret:x`: "[]", `ann: lee`: "[ann]", `city:`: "[]", `city:"New`: "[]", `"New York"`: "[]", ` `: "[bob ann]",
	} {
		p, err := b.ListSubscribers(b.ctx, SubscriberFilter{Search: q}, page.Query{})
		if err != nil {
			t.Errorf("%s: %v", q, err)
			continue
		}
		got := []string{}
		for _, s := range p.Items {
			got = append(got, strings.TrimSuffix(s.Email, "@example.org"))
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s finds %v, want %s", q, got, want)
		}
	}
	for field, f := range map[string]SubscriberFilter{
		"field": {Field: "secret", Value: "x"}, "value": {Field: "age", Value: "old"}, "q": {Search: "since:yesterday"},
	} {
		if _, err := b.ListSubscribers(b.ctx, f, page.Query{}); !errs.Is(err, errs.Invalid) || !strings.Contains(fmt.Sprint(errorFields(err)), field) {
			t.Errorf("%+v: %v, want an error about %s", f, err, field)
		}
	}
	for _, f := range []SubscriberFilter{{Value: "x"}, {Field: "vip", Value: "maybe"}, {Field: "seen", Value: "2026"}, {Field: "city", Value: "\x00"}, {Search: strings.Repeat("tags:a ", 11)}} {
		if _, err := b.ListSubscribers(b.ctx, f, page.Query{}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v, want an error", f, err)
		}
	}
}

func errorFields(err error) (names []string) {
	var e *errs.E
	if errors.As(err, &e) {
		for _, f := range e.Fields {
			names = append(names, f.Name)
		}
	}
	return names
}

func FuzzSplitSearch(f *testing.F) {
	for _, s := range []string{`city:Rome`, `a city:"New York" b`, `city:"`, `:"x" y`, ` `, `city:"a"city:b`} {
		f.Add(s)
	}
	fields := []Field{{Name: "city", Type: FieldText}, {Name: "age", Type: FieldNumber}}
	f.Fuzz(func(t *testing.T, typed string) {
		text, asked := splitSearch(typed, fields)
		if len(text) > len(typed) {
			t.Errorf("%q became %q", typed, text)
		}
		if len(asked) == 0 && text != typed {
			t.Errorf("%q became %q without a field", typed, text)
		}
		for _, a := range asked {
			if a.value == "" || !strings.Contains(typed, a.value) {
				t.Errorf("%q asks for %q", typed, a.value)
			}
		}
	})
}

// TestPagesVisitEverybodyOnceWhilePeopleComeAndGo goes through the list in both directions while others are added and deleted between the pages.
func TestPagesVisitEverybodyOnceWhilePeopleComeAndGo(t *testing.T) {
	t.Parallel()
	for name, limits := range searchWays() {
		for _, back := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, back %v", name, back), func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				b.limits = limits
				b.exec(`INSERT INTO subscribers (email, email_key) SELECT k, k FROM (SELECT CASE WHEN n % 3 = 0 THEN 'goes' ELSE 'stays' END || n || '@example.org' AS k FROM generate_series(1, 60) n) x`)
				seen := map[string]int{}
				q := page.Query{Limit: 7, Last: back}
				for i := 0; ; i++ {
					p := must[page.Page[Subscriber]](t)(b.ListSubscribers(b.ctx, SubscriberFilter{Search: "example.org"}, q))
					for _, s := range p.Items {
						seen[s.Email]++
					}
					b.exec(`DELETE FROM subscribers WHERE id IN (SELECT id FROM subscribers WHERE email_key LIKE 'goes%' ORDER BY md5(email_key) LIMIT 2)`)
					b.person(fmt.Sprintf("comes%d@example.org", i), nil)
					if q = (page.Query{Limit: 7, Cursor: p.NextCursor}); back {
						q = page.Query{Limit: 7, Before: p.PrevCursor}
					}
					if q.Cursor == "" && q.Before == "" {
						break
					}
				}
				stays := 0
				for email, n := range seen {
					if n != 1 {
						t.Errorf("%s came %d times", email, n)
					}
					if strings.HasPrefix(email, "stays") {
						stays++
					}
				}
				if stays != 40 {
					t.Errorf("%d of those who stayed were shown, want 40", stays)
				}
			})
		}
	}
}

func TestSuppressionsGoBothWays(t *testing.T) {
	t.Parallel()
	for name, few := range map[string]int64{"by index": 1000, "going through": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.limits.few = few
			// Many are of one time, as after an upload.
			b.exec(`INSERT INTO suppressions (email_key, reason, source, created_at) SELECT 'p' || n || CASE WHEN n % 4 = 0 THEN '@rare.example' ELSE '@example.org' END, 'manual', 'test',
				$1::timestamptz - (n / 25) * interval '1 hour' FROM generate_series(1, 100) n`, start)
			for _, search := range []string{"", "RARE.ex", "p1", "nobody"} {
				want := b.column(`SELECT email_key FROM suppressions WHERE email_key LIKE '%` + strings.ToLower(search) + `%' ORDER BY created_at DESC, email_key`)
				for _, back := range []bool{false, true} {
					got := []string{}
					for q := (page.Query{Limit: 7, Last: back}); ; {
						p := must[page.Page[Suppression]](t)(b.ListSuppressions(b.ctx, SuppressionFilter{Search: search}, q))
						part := []string{}
						for _, x := range p.Items {
							part = append(part, x.Email)
						}
						if q = (page.Query{Limit: 7, Cursor: p.NextCursor}); back {
							got, q = append(part, got...), page.Query{Limit: 7, Before: p.PrevCursor}
						} else {
							got = append(got, part...)
						}
						if q.Cursor == "" && q.Before == "" {
							break
						}
					}
					if d := cmp.Diff(want, got); d != "" && len(want)+len(got) > 0 {
						t.Errorf("%q, back %v: %s", search, back, d)
					}
				}
			}
		})
	}
}

// TestSuppressedPeopleOfListsAreCounted compares the live figures, and those of the background, with the tables.
func TestSuppressedPeopleOfListsAreCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list, other := b.list("News"), b.list("Other")
	for i := range 12 {
		status := map[int64]string{list: StatusSubscribed}
		if i%3 == 0 {
			status[other] = []string{StatusSubscribed, StatusUnsubscribed}[i%2]
		}
		b.person(fmt.Sprintf("p%d@%s", i, []string{"example.org", "gone.example"}[i%2]), status)
	}
	figures := func(want string) {
		t.Helper()
		got := fmt.Sprint(must[List](t)(b.GetList(b.ctx, list)).Counts.Suppressed, must[List](t)(b.GetList(b.ctx, other)).Counts.Suppressed)
		if got != want {
			t.Errorf("suppressed people of the lists: %s, want %s", got, want)
		}
	}
	recount := func() {
		t.Helper()
		if err := b.recountSuppressed(b.ctx); err != nil {
			t.Fatal(err)
		}
	}
	figures("0 0")
	b.suppress("p0@example.org")
	b.suppress("p3@gone.example") // not subscribed to the other list
	b.suppress("stranger@example.org")
	figures("2 1")
	b.limits.live = 0
	figures("2 1") // nothing was counted yet
	recount()
	figures("2 1")
	b.exec(`INSERT INTO suppressions (email_key, reason, source) VALUES ('@gone.example', 'manual', 'test')`)
	figures("2 1")
	if err := pg.InTx(b.ctx, b.pool, func(tx pgx.Tx) error { return b.recountSuppressedTx(b.ctx, tx, 0) }); err != nil {
		t.Fatal(err)
	}
	figures("7 1")
	b.exec(`DELETE FROM suppressions WHERE email_key = 'p0@example.org'`)
	b.exec(`UPDATE suppressed_counted SET changes = -1`) // Postgres' statistics, which say that something changed, come a second late
	recount()                                            // less than a minute later
	figures("7 1")
	b.now = func() time.Time { return start.Add(time.Hour) }
	recount()
	figures("6 0")
	b.limits.live = 100
	figures("6 0")
}

func TestPeopleOfASegment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	must[Field](t)(b.CreateField(b.ctx, "city", "", FieldText))
	s := must[Segment](t)(b.CreateSegment(b.ctx, "Berlin", []byte(inBerlin)))
	search := func(id int64) (page.Page[Subscriber], error) {
		return b.ListSubscribers(b.ctx, SubscriberFilter{SegmentID: id}, page.Query{})
	}
	_, err := search(s.ID + 1)
	refused(t, err, "segment_id", "there is no segment")
	addPeople(b, 2000)
	b.limits.small, b.limits.few = 0, 100
	if p := must[page.Page[Subscriber]](t)(search(s.ID)); len(p.Items) != 50 || p.TotalExact || p.Items[0].Attributes["city"] != "Berlin" {
		t.Errorf("of many: %d people, exact %v", len(p.Items), p.TotalExact)
	}
	b.limits.few = 1000
	if p := must[page.Page[Subscriber]](t)(search(s.ID)); len(p.Items) != 50 || !p.TotalExact || *p.Total != 1000 {
		t.Errorf("of few: %d people, total %d, exact %v", len(p.Items), *p.Total, p.TotalExact)
	}
	// Nobody whom no index finds is looked for among all, which takes too long.
	rare := must[Segment](t)(b.CreateSegment(b.ctx, "Rare", []byte(`{"none":[{"type":"created","op":"after","value":"2020-01-01"},`+strings.Repeat(`{"type":"name","op":"contains","value":"x"},`, 150)+`{"type":"wish","wish":"paused"}]}`)))
	addMore := `INSERT INTO subscribers (email, email_key) SELECT e, e FROM (SELECT 'r' || i || '@example.org' AS e FROM generate_series(1, 60000) i) x`
	exec(b, addMore)
	b.budgets.lively, b.budgets.estimate = time.Millisecond, time.Millisecond
	if _, err := search(rare.ID); !errs.Is(err, errs.Unavailable) {
		t.Errorf("what takes too long: %v", err)
	}
	exec(b, `UPDATE fields SET pending = 'deleting'`)
	_, err = search(s.ID)
	refused(t, err, "segment_id", `"Berlin" cannot be used`)
}

// TestSearchesArePlannedEachTime: after five times Postgres may keep a plan of a statement for all texts and ways, and read a whole index for two letters.
func TestSearchesArePlannedEachTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.bring("ann@x.org", "bob@x.org")
	conn := must[*pgxpool.Conn](t)(b.pool.Acquire(b.ctx))
	defer conn.Release()
	for range 10 {
		err := pgx.BeginFunc(b.ctx, conn, func(tx pgx.Tx) error {
			_, err := searcher{db: tx, limits: b.limits}.find(b.ctx, SubscriberFilter{Search: "nn"}, page.Query{})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	rows := must[pgx.Rows](t)(conn.Query(b.ctx, `SELECT statement FROM pg_prepared_statements WHERE generic_plans > 0 AND statement LIKE '%$1%' AND statement !~ 'generic_plans|set_config'`))
	for _, statement := range must[[]string](t)(pgx.CollectRows(rows, pgx.RowTo[string])) {
		t.Errorf("one plan for all: %s", statement)
	}
}
