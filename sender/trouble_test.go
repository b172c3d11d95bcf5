package sender

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestTroubleGoesWithTheLastNodeThatToldIt: what a process has told of a relay must not outlive it, unless another one says so too.
func TestTroubleGoesWithTheLastNodeThatToldIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := goodRelay()
	relay := b.create(t, in)
	in.Name = "Paused"
	paused := b.create(t, in)
	in.Name = "Other"
	other := b.create(t, in)
	var nodes [2]string
	for i := range nodes {
		n, err := StartNode(t.Context(), b.pool, 0, b.logger, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		nodes[i] = n.ID
	}
	tell := func(r Relay, node, text string) {
		t.Helper()
		if err := b.Trouble(t.Context(), r.ID, node, text); err != nil {
			t.Fatal(err)
		}
	}
	settle := func(node string) {
		t.Helper()
		b.tx(t, func(tx pgx.Tx) error { _, err := SettleNodeTx(t.Context(), tx, node); return err })
	}
	shows := func(when string, r Relay, want string) {
		t.Helper()
		if now, err := b.GetRelay(t.Context(), r.ID); err != nil || deref(now.PauseReason) != want {
			t.Errorf("%s: %s shows %q, %v; want %q", when, r.Name, deref(now.PauseReason), err, want)
		}
	}
	tell(relay, nodes[0], "no room")
	tell(relay, nodes[1], "no room")
	tell(relay, nodes[1], "no room")
	tell(paused, nodes[0], "no route")
	tell(other, nodes[1], "no room")
	if _, err := b.PauseRelay(t.Context(), paused.ID, "535 wrong password"); err != nil {
		t.Fatal(err)
	}
	settle(nodes[0])
	shows("the first is gone", relay, "no room")
	shows("the first is gone", paused, "535 wrong password")
	shows("the first is gone", other, "no room")
	settle(nodes[1])
	shows("both are gone", relay, "")
	shows("both are gone", paused, "535 wrong password")
	shows("both are gone", other, "")

	// Who told before it was cleared, or before a pause, has not told what is told now.
	tell(relay, someNode, "no route")
	tell(relay, someNode, "")
	tell(relay, nodes[0], "no memory")
	settle(nodes[0])
	shows("another one's trouble was cleared before", relay, "")
	tell(relay, someNode, "no route")
	for _, turn := range []func(context.Context, int64) (Relay, error){
		func(ctx context.Context, id int64) (Relay, error) { return b.PauseRelay(ctx, id, "") }, b.ResumeRelay,
	} {
		if _, err := turn(t.Context(), relay.ID); err != nil {
			t.Fatal(err)
		}
	}
	tell(relay, nodes[0], "no memory")
	settle(nodes[0])
	shows("the relay was paused and resumed before", relay, "")
}
