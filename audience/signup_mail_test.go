package audience

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
)

// TestOneMailForOneRequest is about processes that die or freeze at each point.
func TestOneMailForOneRequest(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	f := b.form([]int64{b.doubleList("News")})
	claim := func(id int64) Confirmation {
		t.Helper()
		return must[Confirmation](t)(b.ClaimConfirmation(b.ctx, id))
	}
	died := b.send(f, "one@example.org")
	first := claim(died)
	second := claim(died) // the first died before its dot
	if err := b.DotConfirmation(b.ctx, died, first.Attempt); !errs.Is(err, errs.Conflict) {
		t.Errorf("the first was only frozen, and sends: %v", err)
	}
	if err := b.DotConfirmation(b.ctx, died, second.Attempt); err != nil {
		t.Fatal(err)
	}
	if err := b.DotConfirmation(b.ctx, died, second.Attempt); !errs.Is(err, errs.Conflict) {
		t.Errorf("a second dot: %v", err)
	}
	if _, err := b.ClaimConfirmation(b.ctx, died); !errs.Is(err, errs.NotFound) || b.state(died) != SignupUncertain {
		t.Errorf("after a dot: %v, %s", err, b.state(died))
	}
	// The one that sent it was slow, not dead: what it knows counts.
	if err := b.RecordConfirmation(b.ctx, died, second.Attempt, ConfirmationResult{State: SignupSent, Code: 250}); err != nil || b.state(died) != SignupSent {
		t.Errorf("%v, %s", err, b.state(died))
	}
	deferred := b.send(f, "two@example.org")
	c := claim(deferred)
	if err := b.DotConfirmation(b.ctx, deferred, c.Attempt); err != nil {
		t.Fatal(err)
	}
	if err := b.RecordConfirmation(b.ctx, deferred, c.Attempt, ConfirmationResult{State: SignupPending, Code: 451, Reply: "451 later"}); err != nil {
		t.Fatal(err)
	}
	if c := claim(deferred); c.Attempt != 2 {
		t.Errorf("%+v", c)
	}
	b.at = b.at.Add(2 * stuckAfter)
	before := len(b.mails)
	must[int](t)(b.TidySignups(b.ctx))
	if got := b.mails[before:]; !slices.Equal(got, []int64{deferred}) {
		t.Errorf("woken: %v", got)
	}
}

func TestReportsAboutAMail(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	id := b.send(b.form([]int64{b.doubleList("News")}), "ann@example.org")
	b.sent(id)
	var found bool
	ref := b.ref(id)
	err := pgx.BeginFunc(b.ctx, b.pool, func(tx pgx.Tx) (err error) {
		found, err = b.ConfirmationReportTx(b.ctx, tx, ref, ReasonBounce, "test", "550 no such user")
		return err
	})
	if err != nil || !found || b.state(id) != SignupFailed {
		t.Errorf("%v %v %s", found, err, b.state(id))
	}
	if got := must[string](t)(suppressionOf(b.ctx, b.pool, "ann@example.org")); got != ReasonBounce {
		t.Error("not suppressed")
	}
}

func TestNoMailForListsThatAreGone(t *testing.T) {
	t.Parallel()
	b := signSetup(t)
	news := b.doubleList("News")
	id := b.send(b.form([]int64{news}), "ann@example.org")
	if err := b.DeleteList(b.ctx, news); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ClaimConfirmation(b.ctx, id); !errs.Is(err, errs.NotFound) {
		t.Error(err)
	}
	if row := must[signup](t)(getSignup(b.ctx, b.pool, id, "")); row.State != SignupRemoved || row.ClosedAt == nil {
		t.Errorf("%+v", row)
	}
}
