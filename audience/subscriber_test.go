package audience

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/internal/page"
)

func TestSubscriberLife(t *testing.T) {
	t.Parallel()
	b := setup(t)
	news, other := b.list("News"), b.list("Another")
	made := must[Subscriber](t)(b.CreateSubscriber(b.ctx, NewSubscriber{Email: " Ann@Bücher.example ", Name: "Ann\r\nLee", Attributes: map[string]any{"age": 7.0, "город": "Минск"},
		ListIDs: []int64{news, other, news}, Status: StatusUnconfirmed, Source: SourceAPI}))
	sub := func(id int64, name string) Subscription {
		return Subscription{ListID: id, ListName: name, Status: StatusUnconfirmed, Source: SourceAPI, CreatedAt: start, UpdatedAt: start}
	}
	want := Subscriber{ID: made.ID, Email: "Ann@Bücher.example", Name: "Ann Lee", Attributes: map[string]any{"age": 7.0, "город": "Минск"},
		CreatedAt: start, UpdatedAt: start, Subscriptions: []Subscription{sub(other, "Another"), sub(news, "News")}}
	if d := cmp.Diff(want, made); d != "" {
		t.Fatal(d)
	}
	b.suppress("ANN@xn--bcher-kva.example")
	got := must[Subscriber](t)(b.UpdateSubscriber(b.ctx, made.ID, SubscriberUpdate{Email: "ann@bücher.example", Name: "A", Attributes: nil}))
	if got.Suppression == nil || got.Suppression.Detail != "550 no such user" || got.Name != "A" || len(got.Attributes) != 0 {
		t.Errorf("after the update: %+v", got)
	}
	got = must[Subscriber](t)(b.SetSubscription(b.ctx, made.ID, news, StatusSubscribed, SourceAdmin))
	if s := got.Subscriptions[1]; s.Status != StatusSubscribed || s.Source != SourceAdmin {
		t.Errorf("after subscribing: %+v", s)
	}
	got = must[Subscriber](t)(b.SetSubscription(b.ctx, made.ID, news, StatusSubscribed, SourceAPI))
	if s := got.Subscriptions[1]; s.Source != SourceAdmin {
		t.Errorf("the evidence of the subscription was overwritten: %+v", s)
	}
	got = must[Subscriber](t)(b.DeleteSubscription(b.ctx, made.ID, other))
	if len(got.Subscriptions) != 1 {
		t.Errorf("after leaving a list: %+v", got.Subscriptions)
	}
	if err := b.DeleteSubscriber(b.ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	again := b.person("ann@bücher.example", nil)
	if got := must[Subscriber](t)(b.GetSubscriber(b.ctx, again)); got.Suppression == nil {
		t.Error("the suppression did not outlive the person")
	}
}

func TestSubscriberErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	id := b.person("ann@example.org", nil)
	create := func(n NewSubscriber) error { _, err := b.CreateSubscriber(b.ctx, n); return err }
	_, setErr := b.SetSubscription(b.ctx, id, list+1, StatusSubscribed, SourceAdmin)
	_, whoErr := b.SetSubscription(b.ctx, id+1, list, StatusSubscribed, SourceAdmin)
	_, statusErr := b.SetSubscription(b.ctx, id, list, "maybe", SourceAdmin)
	_, getErr := b.GetSubscriber(b.ctx, id+1)
	_, putErr := b.UpdateSubscriber(b.ctx, id+1, SubscriberUpdate{Email: "x@example.org"})
	_, delErr := b.DeleteSubscription(b.ctx, id, list)
	other := b.person("bob@example.org", nil)
	_, takenErr := b.UpdateSubscriber(b.ctx, other, SubscriberUpdate{Email: "ANN@example.org"})
	for name, tt := range map[string]struct {
		err   error
		kind  errs.Kind
		field string
	}{
		"same address in another case": {create(NewSubscriber{Email: "ANN@Example.org"}), errs.Conflict, "email"},
		"address of another":           {takenErr, errs.Conflict, "email"},
		"no address":                   {create(NewSubscriber{Email: "ann"}), errs.Invalid, "email"},
		"unknown list":                 {create(NewSubscriber{Email: "b@example.org", ListIDs: []int64{list + 1}}), errs.Invalid, "list_ids"},
		"unknown status":               {create(NewSubscriber{Email: "b@example.org", Status: "x"}), errs.Invalid, "status"},
		"long name":                    {create(NewSubscriber{Email: "b@example.org", Name: strings.Repeat("x", 501)}), errs.Invalid, "name"},
		"bad attribute":                {create(NewSubscriber{Email: "b@example.org", Attributes: map[string]any{"a b": 1}}), errs.Invalid, "attributes"},
		"NUL in an attribute":          {create(NewSubscriber{Email: "b@example.org", Attributes: map[string]any{"a": "\x00"}}), errs.Invalid, "attributes"},
		"subscribe to unknown list":    {setErr, errs.NotFound, ""},
		"subscribe unknown person":     {whoErr, errs.NotFound, ""},
		"subscribe with odd status":    {statusErr, errs.Invalid, "status"},
		"get unknown":                  {getErr, errs.NotFound, ""},
		"update unknown":               {putErr, errs.NotFound, ""},
		"delete unknown":               {b.DeleteSubscriber(b.ctx, id+99), errs.NotFound, ""},
		"leave a list one is not on":   {delErr, errs.NotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var e *errs.E
			if !errors.As(tt.err, &e) || e.Kind != tt.kind {
				t.Fatalf("got %v, want kind %v", tt.err, tt.kind)
			}
			if tt.field != "" && (len(e.Fields) == 0 || e.Fields[0].Name != tt.field) {
				t.Errorf("fields %v, want %s", e.Fields, tt.field)
			}
		})
	}
	if n := must[page.Page[Subscriber]](t)(b.ListSubscribers(b.ctx, SubscriberFilter{}, page.Query{})); *n.Total != 2 {
		t.Errorf("a failed creation left somebody: %d people", *n.Total)
	}
	escaped := map[string]any{"a": `\u0000`}
	if err := create(NewSubscriber{Email: "c@example.org", Attributes: escaped}); err != nil {
		t.Errorf("the text \\u0000 is no NUL: %v", err)
	}
}

func TestListSubscribersFilters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	one, two := b.list("One"), b.list("Two")
	b.person("ann@example.org", map[int64]string{one: StatusSubscribed, two: StatusUnsubscribed})
	b.person("bob_50%@example.org", map[int64]string{one: StatusUnsubscribed})
	b.person("иван@почта.рф", map[int64]string{two: StatusSubscribed})
	must[Subscriber](t)(b.CreateSubscriber(b.ctx, NewSubscriber{Email: "x@example.org", Name: "Élodie BAR"}))
	b.suppress("ann@example.org")
	for name, tt := range map[string]struct {
		f    SubscriberFilter
		want string
	}{
		"all, newest first":         {SubscriberFilter{}, "x@example.org иван@почта.рф bob_50%@example.org ann@example.org"},
		"part of an address":        {SubscriberFilter{Search: "NN@ex"}, "ann@example.org"},
		"part of a name":            {SubscriberFilter{Search: "élodie b"}, "x@example.org"},
		"percent is no wildcard":    {SubscriberFilter{Search: "0%@"}, "bob_50%@example.org"},
		"underscore is no wildcard": {SubscriberFilter{Search: "b_5"}, "bob_50%@example.org"},
		"Unicode domain":            {SubscriberFilter{Search: "иван@почта.рф"}, "иван@почта.рф"},
		"Unicode domain alone":      {SubscriberFilter{Search: "почта.рф"}, "иван@почта.рф"},
		"nothing":                   {SubscriberFilter{Search: "zzz"}, ""},
		"list":                      {SubscriberFilter{ListID: one}, "bob_50%@example.org ann@example.org"},
		"list and status":           {SubscriberFilter{ListID: one, Status: StatusUnsubscribed}, "bob_50%@example.org"},
		"status on any list":        {SubscriberFilter{Status: StatusUnsubscribed}, "bob_50%@example.org ann@example.org"},
		"suppressed":                {SubscriberFilter{Status: StatusSuppressed}, "ann@example.org"},
		"suppressed on a list":      {SubscriberFilter{ListID: two, Status: StatusSuppressed, Search: "ann"}, "ann@example.org"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := b.ListSubscribers(b.ctx, tt.f, page.Query{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range p.Items {
				got = append(got, s.Email)
			}
			if strings.Join(got, " ") != tt.want || *p.Total != int64(len(got)) || !p.TotalExact {
				t.Errorf("got %q, total %d", got, *p.Total)
			}
		})
	}
	for _, f := range []SubscriberFilter{{Status: "x"}, {Search: "a\x00b"}, {Search: "\xff"}} {
		if _, err := b.ListSubscribers(b.ctx, f, page.Query{}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func TestListSubscribersPagesAndEstimates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.limits.small, b.limits.sample, b.limits.few, b.limits.most = 4, 32, 2000, 2000
	_, err := b.pool.Exec(b.ctx, `INSERT INTO subscribers (email, email_key) SELECT k, k FROM (SELECT 'p' || n || '@example.org' AS k FROM generate_series(1, 15000) n) x`)
	if err != nil {
		t.Fatal(err)
	}
	p := must[page.Page[Subscriber]](t)(b.ListSubscribers(b.ctx, SubscriberFilter{Search: "example"}, page.Query{}))
	if p.TotalExact || *p.Total < 10_001 || *p.Total > 20_000 {
		t.Errorf("total %d, exact %v; want an estimate near 15000", *p.Total, p.TotalExact)
	}
	seen := map[int64]bool{}
	q := page.Query{Limit: 100}
	for {
		p, err := b.ListSubscribers(b.ctx, SubscriberFilter{Search: "p14"}, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Items {
			if seen[s.ID] {
				t.Fatalf("%d came twice", s.ID)
			}
			seen[s.ID] = true
		}
		if q.Cursor = p.NextCursor; q.Cursor == "" {
			break
		}
	}
	if len(seen) != 1111 { // 14, 140–149, 1400–1499, 14000–14999
		t.Errorf("paged over %d people, want 1111", len(seen))
	}
}

func TestListsAndSuppressions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	zeta, alpha := b.list("zeta"), b.list("Alpha")
	b.person("a@example.org", map[int64]string{zeta: StatusSubscribed})
	b.person("b@example.org", map[int64]string{zeta: StatusSubscribed, alpha: StatusUnconfirmed})
	b.person("c@example.org", map[int64]string{zeta: StatusUnsubscribed})
	b.suppress("b@example.org")
	b.suppress("c@example.org")
	p := must[page.Page[List]](t)(b.ListLists(b.ctx, page.Query{Limit: 1}))
	if len(p.Items) != 1 || p.Items[0].ID != alpha || *p.Total != 2 || p.Items[0].Counts != (ListCounts{Unconfirmed: 1}) {
		t.Errorf("first page: %+v", p)
	}
	p = must[page.Page[List]](t)(b.ListLists(b.ctx, page.Query{Limit: 1, Cursor: p.NextCursor}))
	if len(p.Items) != 1 || p.NextCursor != "" || p.Items[0].Counts != (ListCounts{Subscribed: 2, Unsubscribed: 1, Suppressed: 1}) {
		t.Errorf("second page: %+v", p)
	}
	if _, err := b.CreateList(b.ctx, "ALPHA", ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("same name: %v", err)
	}
	if _, err := b.CreateList(b.ctx, " \n", ""); !errs.Is(err, errs.Invalid) {
		t.Errorf("no name: %v", err)
	}
	if l := must[List](t)(b.UpdateList(b.ctx, alpha, "Beta", "about")); l.Name != "Beta" || l.Description != "about" || l.Counts.Unconfirmed != 1 {
		t.Errorf("renamed: %+v", l)
	}
	if _, err := b.UpdateList(b.ctx, alpha, "Zeta", ""); !errs.Is(err, errs.Conflict) {
		t.Errorf("renamed to a taken name: %v", err)
	}
	if err := errors.Join(b.DeleteList(b.ctx, alpha)); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteList(b.ctx, alpha); !errs.Is(err, errs.NotFound) {
		t.Errorf("deleted twice: %v", err)
	}

	first := must[Suppression](t)(b.Suppress(b.ctx, "B@Example.org", ReasonManual, "admin", "asked by phone"))
	if first.Reason != ReasonBounce {
		t.Errorf("the first evidence was overwritten: %+v", first)
	}
	if _, err := b.Suppress(b.ctx, "x@example.org", "mood", "", ""); !errs.Is(err, errs.Invalid) {
		t.Errorf("odd reason: %v", err)
	}
	if s := must[Suppression](t)(b.Suppress(b.ctx, "z@example.org", ReasonComplaint, "fbl", "a\x00b\xff\n"+strings.Repeat("x", 3000))); len([]rune(s.Detail)) != maxDetail {
		t.Errorf("detail of %d characters", len(s.Detail))
	}
	var keys []string
	for q := (page.Query{Limit: 2}); ; {
		p := must[page.Page[Suppression]](t)(b.ListSuppressions(b.ctx, SuppressionFilter{Search: "example"}, q))
		for _, x := range p.Items {
			keys = append(keys, x.Email)
		}
		if q.Cursor = p.NextCursor; q.Cursor == "" {
			break
		}
	}
	if got := fmt.Sprint(keys); got != "[b@example.org c@example.org z@example.org]" {
		t.Errorf("suppressions: %s", got)
	}
	if err := b.Unsuppress(b.ctx, "B@example.org", Actor{}, "they asked"); err != nil {
		t.Fatal(err)
	}
	if err := b.Unsuppress(b.ctx, "b@example.org", Actor{}, "they asked"); !errs.Is(err, errs.NotFound) {
		t.Errorf("lifted twice: %v", err)
	}
}

func TestDeleteListUsedByACampaign(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := b.pool.Exec(b.ctx, sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`WITH c AS (INSERT INTO campaigns (name, status) VALUES ('Autumn', 'running') RETURNING id) INSERT INTO campaign_lists (campaign_id, list_id) SELECT id, $1 FROM c`, list)
	if err := b.DeleteList(b.ctx, list); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "Autumn") {
		t.Errorf("got %v, want a Conflict that names the campaign", err)
	}
	exec(`UPDATE campaigns SET status = 'finished'`)
	if err := b.DeleteList(b.ctx, list); err != nil {
		t.Errorf("a list of a finished campaign: %v", err)
	}
}
