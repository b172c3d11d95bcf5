package campaigns

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/page"
	"postrider/internal/pg"
)

// ListOutcomes is what became of a campaign as far as it concerns a list. Of a campaign that went to this list alone these are all deliveries; of one that went to several
// (Shared), those to people who are on this list today, whether subscribed or not, so a person on two of them counts for both.
type ListOutcomes struct {
	CampaignID   int64
	CampaignName string
	StartedAt    time.Time
	Shared       bool
	OutcomeCounts
}

// listStatsMost is how many campaigns of a list stand on a page at most: each of them may cost a look through its ledger.
const listStatsMost = 10

// ListStats gives a page of the campaigns that were sent to a list, newest first.
func (s *Service) ListStats(ctx context.Context, listID int64, q page.Query) (page.Page[ListOutcomes], error) {
	var none page.Page[ListOutcomes]
	var before int64
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before); err != nil {
			return none, err
		}
	}
	if q.Limit <= 0 || q.Limit > listStatsMost {
		q.Limit = listStatsMost
	}
	rows, err := pg.Many[ListOutcomes](ctx, s.d.Pool, "campaigns of a list", `
		SELECT c.id AS campaign_id, c.name AS campaign_name, c.started_at, EXISTS (SELECT FROM campaign_lists o WHERE o.campaign_id = c.id AND o.list_id <> $1) AS shared,
			0::bigint AS recipients, 0::bigint AS delivered, 0::bigint AS refused, 0::bigint AS came_back, 0::bigint AS failed, 0::bigint AS unconfirmed, 0::bigint AS skipped,
			0::bigint AS waiting, 0::bigint AS complaints, 0::bigint AS unsubscribes, 0::bigint AS opened, 0::bigint AS clicked
		FROM campaign_lists l JOIN campaigns c ON c.id = l.campaign_id
		WHERE l.list_id = $1 AND c.started_at IS NOT NULL AND ($2 = 0 OR c.id < $2) ORDER BY c.id DESC LIMIT $3`, listID, before, q.Size()+1)
	if err != nil {
		return none, err
	}
	p := page.Cut(rows, q, func(o ListOutcomes) string { return page.Encode(o.CampaignID) })
	for i := range p.Items {
		if err := s.listOutcomes(ctx, listID, &p.Items[i]); err != nil {
			return none, err
		}
	}
	return p, nil
}

// onListSQL says of a row d with a subscriber_id that the person is on list $2; of a campaign that went to that list alone ($3 is false) everybody is.
const onListSQL = ` AND (NOT $3 OR EXISTS (SELECT FROM subscriptions s WHERE s.list_id = $2 AND s.subscriber_id = d.subscriber_id))`

type stateNumber struct {
	State State
	N     int64
}

// listOutcomes fills in the figures of a campaign for a list, all as of one moment.
func (s *Service) listOutcomes(ctx context.Context, listID int64, o *ListOutcomes) error {
	return s.asOfOneMoment(ctx, func(tx pgx.Tx) error {
		sql, args := `
			SELECT s.state::smallint AS state, sum(s.n)::bigint AS n FROM campaign_counts c,
				LATERAL (VALUES (0, c.queued), (1, c.claimed), (2, c.sent), (3, c.deferred), (4, c.bounced), (5, c.failed), (6, c.unconfirmed), (7, c.skipped)) AS s (state, n)
			WHERE c.campaign_id = $1 GROUP BY 1`, []any{o.CampaignID}
		if o.Shared {
			sql, args = `SELECT d.state, count(*) AS n FROM deliveries d WHERE d.campaign_id = $1`+onListSQL+` GROUP BY 1`, []any{o.CampaignID, listID, true}
		}
		states, err := pg.Many[stateNumber](ctx, tx, "deliveries of a list", sql, args...)
		if err != nil {
			return err
		}
		for _, r := range states {
			o.add(outcomeRow{State: r.State, N: r.N})
		}
		var back int64
		err = tx.QueryRow(ctx, `
			SELECT (SELECT count(*) FROM reports d WHERE d.campaign_id = $1 AND d.kind = 'bounce' AND d.applied`+onListSQL+`),
				count(DISTINCT d.seq) FILTER (WHERE d.kind = 'complaint'), count(DISTINCT d.seq) FILTER (WHERE d.kind = 'unsubscribe'),
				count(DISTINCT d.seq) FILTER (WHERE d.kind = 'open' AND d.actor = 'human'), count(DISTINCT d.seq) FILTER (WHERE d.kind = 'click' AND d.actor = 'human')
			FROM events d WHERE d.campaign_id = $1`+onListSQL, o.CampaignID, listID, o.Shared).Scan(&back, &o.Complaints, &o.Unsubscribes, &o.Opened, &o.Clicked)
		if err != nil {
			return fmt.Errorf("reading what came back of campaign %d: %w", o.CampaignID, err)
		}
		o.CameBack, o.Refused = back, o.Refused-back
		return nil
	})
}
