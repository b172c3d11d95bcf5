package audience

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ListGrowth is how a list changed, week by week; all slices have one length. Joined are those who came and are on the list today, in whatever way; Left those who are unsubscribed
// now, in the week in which they left; Suppressed those of the list whose address was suppressed because mail bounced or they complained.
type ListGrowth struct {
	Times                    []int64 // unix seconds, Monday 00:00 UTC of the week
	Joined, Left, Suppressed []int64
}

// growthWeeks is how far back ListGrowth looks.
const growthWeeks = 52

// Growth gives how a list changed over the last year, from what is stored of each person: who left and came back counts as one who joined.
func (s *Service) Growth(ctx context.Context, listID int64) (ListGrowth, error) {
	if _, err := s.GetList(ctx, listID); err != nil {
		return ListGrowth{}, err
	}
	week := 7 * 24 * time.Hour
	// Go counts from the first of January of the year 1, a Monday.
	first := s.now().UTC().Truncate(week).Add(-(growthWeeks - 1) * week)
	g := ListGrowth{Times: make([]int64, growthWeeks), Joined: make([]int64, growthWeeks), Left: make([]int64, growthWeeks), Suppressed: make([]int64, growthWeeks)}
	for i := range g.Times {
		g.Times[i] = first.Add(time.Duration(i) * week).Unix()
	}
	rows, err := s.pool.Query(ctx, `
		SELECT floor(EXTRACT(epoch FROM at - $2::timestamptz) / 604800)::int AS week, count(*) FILTER (WHERE kind = 0), count(*) FILTER (WHERE kind = 1), count(*) FILTER (WHERE kind = 2) FROM (
			SELECT created_at AS at, 0 AS kind FROM subscriptions WHERE list_id = $1 AND created_at >= $2
			UNION ALL SELECT updated_at, 1 FROM subscriptions WHERE list_id = $1 AND status = 'unsubscribed' AND updated_at >= $2
			UNION ALL SELECT x.created_at, 2 FROM suppressions x JOIN subscribers p ON p.email_key = x.email_key
				JOIN subscriptions s ON s.list_id = $1 AND s.subscriber_id = p.id WHERE x.reason IN ('bounce', 'complaint') AND x.created_at >= $2) a
		GROUP BY 1`, listID, first)
	if err != nil {
		return g, fmt.Errorf("reading the growth of list %d: %w", listID, err)
	}
	var at int
	var joined, left, suppressed int64
	_, err = pgx.ForEachRow(rows, []any{&at, &joined, &left, &suppressed}, func() error {
		if at < growthWeeks { // who is dated into the future has not come yet
			g.Joined[at], g.Left[at], g.Suppressed[at] = joined, left, suppressed
		}
		return nil
	})
	if err != nil {
		return g, fmt.Errorf("reading the growth of list %d: %w", listID, err)
	}
	return g, nil
}
