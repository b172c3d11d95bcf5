package audience

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Only their own sign-up brings somebody back, and it says so by returnedTx.
func TestErasedPersonReturns(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.person("ann@x.org", nil)
	must[Erasure](t)(b.Erase(b.ctx, "Ann@x.org", ann))
	add := func() error {
		_, err := b.CreateSubscriber(b.ctx, NewSubscriber{Email: "ann@X.org"})
		return err
	}
	if err := add(); !errs.Is(err, errs.Conflict) {
		t.Fatal(err)
	}
	if err := b.SuppressTx(b.ctx, b.pool, "ann@x.org", ReasonBounce, "late", "550"); err != nil {
		t.Fatal(err)
	}
	if _, err := getSuppression(b.ctx, b.pool, "ann@x.org"); !errs.Is(err, errs.NotFound) {
		t.Errorf("a late bounce wrote the address down: %v", err)
	}
	if err := pg.InTx(b.ctx, b.pool, func(tx pgx.Tx) error { return b.returnedTx(b.ctx, tx, "ann@x.org") }); err != nil {
		t.Fatal(err)
	}
	if err := add(); err != nil {
		t.Error(err)
	}
}

// Somebody has signed up with the address of an erased person, maybe not they themselves. Until that is confirmed nobody puts them on a list.
func TestErasedPersonIsSubscribedByNobodyElse(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news, other := b.list("News"), b.list("Other")
	must[Erasure](t)(b.Erase(b.ctx, "ann@x.org", ann))
	id := b.send(b.form([]int64{news}), "ann@x.org")
	b.wantStatus("ann@x.org", news, StatusUnconfirmed)
	who := must[Subscriber](t)(b.FindSubscriber(b.ctx, "ann@x.org")).ID
	bob := b.person("bob@x.org", nil)
	a := b.bulk(BulkSelection{}, BulkOrder{Action: BulkSubscribe, ListID: other})
	b.wantStatus("ann@x.org", other, "")
	b.wantStatus("bob@x.org", other, StatusSubscribed)
	if d := cmp.Diff([]string{fmt.Sprint(who, " unconfirmed")}, b.kept(a.ID, false)); d != "" {
		t.Error(d)
	}
	for _, status := range []string{StatusSubscribed, StatusUnconfirmed} {
		if _, err := b.SetSubscription(b.ctx, who, other, status, SourceAPI); !errs.Is(err, errs.Conflict) || !strings.Contains(err.Error(), "erased") {
			t.Errorf("%s: %v", status, err)
		}
	}
	if _, err := b.AskSubscription(b.ctx, who, other, StatusUnconfirmed, SourceAPI); !errs.Is(err, errs.Conflict) || len(b.mails) != 1 {
		t.Errorf("asked: %v, mails %v", err, b.mails)
	}
	must[Subscriber](t)(b.SetSubscription(b.ctx, bob, news, StatusSubscribed, SourceAPI))
	must[Subscriber](t)(b.SetSubscription(b.ctx, who, other, StatusUnsubscribed, SourceAPI))
	b.confirm(id)
	must[Subscriber](t)(b.SetSubscription(b.ctx, who, other, StatusSubscribed, SourceAPI))
}

// A condition that names the address names nobody; one that names a longer address stays.
func TestErasureFromSegments(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tt := range map[string]struct{ before, after string }{
		"is":      {`{"op":"is","type":"email","value":"Ann@X.org"}`, `{"op":"is","type":"email","value":"erased@erased.invalid"}`},
		"is any":  {`{"op":"is_any","type":"email","values":["jo.ann@x.org","ann@x.org","ann@x.org.au"]}`, `{"op":"is_any","type":"email","values":["jo.ann@x.org","erased@erased.invalid","ann@x.org.au"]}`},
		"in text": {`{"op":"is","type":"name","value":"a <ann@x.org>."}`, `{"op":"is","type":"name","value":"a <erased@erased.invalid>."}`},
		"others":  {`{"op":"is","type":"email","value":"annx@x.org"}`, `{"op":"is","type":"email","value":"annx@x.org"}`},
		"quoted":  {`{"op":"is","type":"email","value":"\"an n\"@x.org"}`, `{"op":"is","type":"email","value":"\"an n\"@x.org"}`},
	} {
		if _, err := b.pool.Exec(b.ctx, `INSERT INTO segments (name, definition) VALUES ($1, $2)`, name, tt.before); err != nil {
			t.Fatal(err)
		}
		must[Erasure](t)(b.Erase(b.ctx, "ann@x.org", ann))
		var got bool
		if err := b.pool.QueryRow(b.ctx, `SELECT definition = $2::jsonb FROM segments WHERE name = $1`, name, tt.after).Scan(&got); err != nil || !got {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if p := AddressPattern([]string{`"a\b"@x.org`}); !strings.Contains(p, `\\"a\\\\b\\"@x\.org`) {
		t.Error(p)
	}
}
