package campaigns

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// addToHour counts what came of tries through a relay in this hour. The rows are written in one order, so that no two writers wait for each other in a circle.
func addToHour(ctx context.Context, tx pgx.Tx, relayID int64, decisions []decision) error {
	type key struct{ outcome, reason string }
	counts := map[key]int32{}
	for _, d := range decisions {
		switch d.state {
		case Sent:
			counts[key{d.state.String(), ""}]++
		case Deferred, Bounced, Failed:
			counts[key{d.state.String(), d.reason}]++
		}
	}
	if relayID == 0 || len(counts) == 0 {
		return nil
	}
	var outcomes, reasons []string
	var ns []int32
	for k, n := range counts {
		outcomes, reasons, ns = append(outcomes, k.outcome), append(reasons, k.reason), append(ns, n)
	}
	return exec(ctx, tx, `
		INSERT INTO relay_hours AS h (relay_id, hour, outcome, reason, shard, n)
		SELECT $1, date_trunc('hour', now()), u.outcome, u.reason, (pg_backend_pid() % $5)::smallint, u.n
		FROM unnest($2::text[], $3::text[], $4::int[]) AS u (outcome, reason, n) ORDER BY u.outcome, u.reason
		ON CONFLICT (relay_id, hour, outcome, reason, shard) DO UPDATE SET n = h.n + excluded.n`, relayID, outcomes, reasons, ns, minuteShards)
}

// hoursKept is how long the hours of relays are kept.
const hoursKept = 400 * 24 * time.Hour

// forgetHours removes what relays did long ago.
func (s *Service) forgetHours(ctx context.Context) error {
	return exec(ctx, s.d.Pool, `
		DELETE FROM relay_hours WHERE hour < $1`, s.d.Now().Add(-hoursKept))
}

// RelayFigures is what came of the mail through a relay since a moment.
type RelayFigures struct {
	Since      time.Time
	Accepted   int64 // taken by the relay
	Refused    int64 // refused for good, which the ledger calls bounced
	Failed     int64 // given up for a reason that is not the recipient's
	PutOff     int64 // tries that were refused for the moment; those deliveries were tried again
	CameBack   int64 // reported since then as not delivered, whenever the relay had taken them
	Complaints int64 // reported since then as spam
	Reasons    []RelayReason
}

// RelayReason is how often something went wrong for a reason. Outcome is refused, failed, put_off or came_back; the sums over the reasons are the figures above.
type RelayReason struct {
	Outcome string
	Reason  string
	Count   int64
}

// RelayStats is what came of the mail through a relay in the last 24 hours and in the last 30 days. Hours are whole ones: the first counts from its beginning.
type RelayStats struct {
	Day, Month RelayFigures
}

// RelayStats reads them.
func (s *Service) RelayStats(ctx context.Context, id int64) (st RelayStats, err error) {
	if _, err = s.d.Sender.GetRelay(ctx, id); err != nil {
		return st, err
	}
	if st.Day, err = s.relayFigures(ctx, id, s.d.Now().Add(-24*time.Hour).Truncate(time.Hour)); err != nil {
		return st, err
	}
	st.Month, err = s.relayFigures(ctx, id, s.d.Now().Add(-30*24*time.Hour).Truncate(time.Hour))
	return st, err
}

func (s *Service) relayFigures(ctx context.Context, id int64, since time.Time) (RelayFigures, error) {
	f := RelayFigures{Since: since, Reasons: []RelayReason{}}
	rows, err := pg.Many[RelayReason](ctx, s.d.Pool, "figures of a relay", `
		SELECT outcome, reason, sum(n)::bigint AS count FROM relay_hours WHERE relay_id = $1 AND hour >= $2 GROUP BY 1, 2
		UNION ALL
		SELECT CASE r.kind WHEN 'bounce' THEN 'came_back' ELSE r.kind END, COALESCE(r.reason, 'unknown'), count(*)
		FROM reports r JOIN deliveries d ON d.campaign_id = r.campaign_id AND d.seq = r.seq
		WHERE r.applied AND r.received_at >= $2 AND r.kind IN ('bounce', 'complaint') AND d.relay_id = $1 GROUP BY 1, 2`, id, since)
	if err != nil {
		return f, err
	}
	for _, r := range rows {
		switch r.Outcome {
		case "sent":
			f.Accepted += r.Count
			continue
		case "complaint":
			f.Complaints += r.Count
			continue
		case "bounced":
			r.Outcome = "refused"
			f.Refused += r.Count
		case "deferred":
			r.Outcome = "put_off"
			f.PutOff += r.Count
		case "failed":
			f.Failed += r.Count
		case "came_back":
			f.CameBack += r.Count
		}
		f.Reasons = append(f.Reasons, r)
	}
	slices.SortFunc(f.Reasons, func(a, b RelayReason) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Outcome, b.Outcome), strings.Compare(a.Reason, b.Reason))
	})
	return f, nil
}
