package campaigns

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// The least figures from which a share says anything: below them a few bad addresses would stop a small mailing.
const (
	guardLeastDone       = 50
	guardLeastRefused    = 10
	guardLeastComplaints = 3
)

// guardCounts are what the guard looks at, since a person last let the campaign go on.
type guardCounts struct {
	ID                                    int64
	Done, Refused, Complaints             int64
	MaxBouncePercent, MaxComplaintPercent *float64
}

const guardCountsSQL = `
	SELECT c.id, c.max_bounce_percent, c.max_complaint_percent,
		COALESCE(n.done, 0) - c.guarded_done AS done, COALESCE(n.refused, 0) - c.guarded_refused AS refused,
		(SELECT count(DISTINCT e.seq) FROM events e WHERE e.campaign_id = c.id AND e.kind = 'complaint') - c.guarded_complaints AS complaints
	FROM campaigns c, LATERAL (
		SELECT sum(n.sent + n.bounced + n.failed + n.unconfirmed) AS done, sum(n.bounced + n.failed) AS refused,
			sum(n.queued + n.claimed + n.deferred) AS waiting FROM campaign_counts n WHERE n.campaign_id = c.id) n
	WHERE `

// guard pauses running campaigns that still have somebody to mail and of which more comes back than may: it goes on when a person says so. Messages that failed for a reason of our own count like bounces,
// since what is block-listed or unsigned is refused to everybody.
func (s *Service) guard(ctx context.Context) error {
	rows, err := pg.Many[guardCounts](ctx, s.d.Pool, "figures of running campaigns", guardCountsSQL+`c.status = 'running' AND (n.waiting > 0 OR c.freeze_after IS NOT NULL)`)
	if err != nil || len(rows) == 0 {
		return err
	}
	set, err := s.d.Settings.Get(ctx)
	if err != nil {
		return err
	}
	for _, g := range rows {
		why := g.exceeded(set.MaxBouncePercent, set.MaxComplaintPercent)
		if why == "" {
			continue
		}
		if reasons, err := s.commonReasons(ctx, g.ID); err != nil {
			return err
		} else if reasons != "" {
			why += " (" + reasons + ")"
		}
		why += "; look at the log, then resume or cancel"
		s.d.Logger.Warn("a campaign was stopped", "campaign", g.ID, "reason", why)
		err := exec(ctx, s.d.Pool, `UPDATE campaigns SET status = 'paused', pause_reason = $2, updated_at = now() WHERE id = $1 AND status = 'running'`, g.ID, why)
		if err != nil {
			return err
		}
	}
	return nil
}

// exceeded says in words which limit is exceeded, "" for none. The limits given are those of campaigns without their own.
func (g guardCounts) exceeded(bounces, complaints float64) string {
	if g.MaxBouncePercent != nil {
		bounces = *g.MaxBouncePercent
	}
	if g.MaxComplaintPercent != nil {
		complaints = *g.MaxComplaintPercent
	}
	over := func(n, least int64, limit float64) bool {
		return limit < 100 && n >= least && float64(n)*100 > limit*float64(g.Done)
	}
	if g.Done < guardLeastDone {
		return ""
	}
	if over(g.Refused, guardLeastRefused, bounces) {
		return fmt.Sprintf("stopped by itself: %d of %d messages (%s) came back or failed, more than the %g%% that are allowed", g.Refused, g.Done, percent(float64(g.Refused)/float64(g.Done)), bounces)
	}
	if over(g.Complaints, guardLeastComplaints, complaints) {
		return fmt.Sprintf("stopped by itself: %d of %d messages (%.2f%%) were called spam, more than the %g%% that are allowed", g.Complaints, g.Done, float64(g.Complaints)*100/float64(g.Done), complaints)
	}
	return ""
}

// commonReasons names the three most common reasons for which mail of a campaign was refused, with their numbers: "30 user_unknown, 4 blocked".
func (s *Service) commonReasons(ctx context.Context, id int64) (string, error) {
	rows, err := s.d.Pool.Query(ctx, `
		SELECT reason, sum(n)::bigint FROM (`+refusedByReasonSQL+`) r GROUP BY reason ORDER BY 2 DESC, 1 LIMIT 3`, id)
	if err != nil {
		return "", fmt.Errorf("reading why mail of campaign %d was refused: %w", id, err)
	}
	var parts []string
	var reason string
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&reason, &n}, func() error {
		parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(reason, "_", " ")))
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("reading why mail of campaign %d was refused: %w", id, err)
	}
	return strings.Join(parts, ", "), nil
}

// refusedByReasonSQL gives for campaign $1 how many of its bounced and failed deliveries have which reason. A delivery that was refused at once has an attempt with
// that outcome, one that came back later the report that was applied: never both, so the sum is that of the ledger.
const refusedByReasonSQL = `
	SELECT outcome, reason, count(*) AS n FROM delivery_attempts WHERE campaign_id = $1 AND outcome IN ('bounced', 'failed') GROUP BY 1, 2
	UNION ALL SELECT 'bounced', COALESCE(reason, 'unknown'), count(*) FROM reports WHERE campaign_id = $1 AND kind = 'bounce' AND applied GROUP BY 1, 2`

// acceptTx takes what came back of a campaign so far as accepted.
func acceptTx(ctx context.Context, tx pgx.Tx, id int64) error {
	return exec(ctx, tx, `
		UPDATE campaigns c SET guarded_done = guarded_done + g.done, guarded_refused = guarded_refused + g.refused, guarded_complaints = guarded_complaints + g.complaints
		FROM (`+guardCountsSQL+`c.id = $1) g WHERE c.id = g.id`, id)
}
