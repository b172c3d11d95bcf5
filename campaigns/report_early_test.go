package campaigns

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/events"
	"postrider/sender/smtptest"
)

// TestBounceThatOvertakesTheLedger: the report comes while the delivery still waits for the relay's reply.
func TestBounceThatOvertakesTheLedger(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*events.Report)
		want   []string
		soft   bool
	}{
		"hard": {func(*events.Report) {}, []string{"again suppressed false", "first suppressed true"}, false},
		"soft": {func(r *events.Report) { r.Hard, r.Reason, r.Status = false, "mailbox_full", "5.2.2" }, []string{"again none false", "first counted true"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			release := make(chan struct{})
			b := setup(t, smtptest.WithScript(smtptest.Script{At: smtptest.AtDot, Accept: true, Wait: release}))
			b.people(1)
			c := b.start()
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			must(t, b.smtp.Wait(ctx, 1))
			for _, key := range []string{"first", "again"} {
				r := bounceOf(b, c, 1, tt.change)
				r.Key = key
				must(t, b.TakeReports(t.Context(), []events.Report{r}))
			}
			if got := suppressed(b); (len(got) == 0) != tt.soft {
				t.Errorf("suppressed before the result is known: %v", got)
			}
			close(release)
			if st := b.awaitFinished(c.ID); st.Sent != 0 || st.Bounced != 1 {
				t.Errorf("%+v", st)
			}
			if diff := cmp.Diff(tt.want, query[string](b, `SELECT key || ' ' || action || ' ' || applied FROM reports ORDER BY key`)); diff != "" {
				t.Error(diff)
			}
			if got := query[bool](b, `SELECT COALESCE(soft, false) FROM events WHERE kind = 'bounce'`); len(got) != 1 || got[0] != tt.soft {
				t.Errorf("events: %v", got)
			}
			if got := query[int64](b, `SELECT sum(bounced)::bigint FROM campaign_minutes WHERE campaign_id = $1`, c.ID); got[0] != 1 {
				t.Errorf("%d bounces in the minutes", got[0])
			}
		})
	}
}
