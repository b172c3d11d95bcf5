package audience

import (
	"testing"

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
