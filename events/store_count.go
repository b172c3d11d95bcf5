package events

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// actorSQL is the actor of a row of events.
const actorSQL = `coalesce(actor, 'unknown')`

// uniqueSQL is the actor that a delivery counts for, over all its rows of a kind.
const uniqueSQL = `CASE WHEN bool_or(actor = 'human') THEN 'human' WHEN bool_or(coalesce(actor, 'unknown') = 'unknown') THEN 'unknown' ELSE 'machine' END`

// Counts gives the counts of a campaign; all zero when nothing was recorded.
func (s *Service) Counts(ctx context.Context, campaignID int64) (Counts, error) {
	var c Counts
	// First by delivery, then over them: a DISTINCT for each figure would sort all rows as many times.
	rows, err := s.pool.Query(ctx, `
		SELECT kind, who, count(*), sum(human)::bigint, sum(machine)::bigint, sum(n - human - machine)::bigint FROM (
			SELECT kind, seq, `+uniqueSQL+` AS who, count(*) AS n, count(*) FILTER (WHERE actor = 'human') AS human,
				count(*) FILTER (WHERE actor = 'machine') AS machine
			FROM events WHERE campaign_id = $1 GROUP BY kind, seq) d
		GROUP BY kind, who`, campaignID)
	if err != nil {
		return c, fmt.Errorf("reading event counts: %w", err)
	}
	var kind EventKind
	var who Actor
	var deliveries int64
	var all Tally
	_, err = pgx.ForEachRow(rows, []any{&kind, &who, &deliveries, &all.Human, &all.Machine, &all.Unknown}, func() error {
		switch kind {
		case KindOpen:
			c.UniqueOpens.add(who, deliveries)
			c.Opens.sum(all)
		case KindClick:
			c.UniqueClicks.add(who, deliveries)
			c.Clicks.sum(all)
		case KindUnsubscribe:
			c.Unsubscribes += deliveries
		case KindBounce:
			c.Bounces += deliveries
		case KindComplaint:
			c.Complaints += deliveries
		}
		return nil
	})
	if err != nil {
		return c, fmt.Errorf("reading event counts: %w", err)
	}
	return c, nil
}

func (t *Tally) sum(o Tally) {
	t.Human += o.Human
	t.Machine += o.Machine
	t.Unknown += o.Unknown
}

// LinkCounts gives the clicks for each link of a campaign that was clicked, by link number.
func (s *Service) LinkCounts(ctx context.Context, campaignID int64) ([]LinkCount, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT link, who, count(*), sum(human)::bigint, sum(machine)::bigint, sum(n - human - machine)::bigint FROM (
			SELECT link, seq, `+uniqueSQL+` AS who, count(*) AS n, count(*) FILTER (WHERE actor = 'human') AS human,
				count(*) FILTER (WHERE actor = 'machine') AS machine
			FROM events WHERE campaign_id = $1 AND kind = 'click' AND link IS NOT NULL GROUP BY link, seq) d
		GROUP BY link, who ORDER BY link`, campaignID)
	if err != nil {
		return nil, fmt.Errorf("reading link counts: %w", err)
	}
	links := []LinkCount{}
	var link int32
	var who Actor
	var deliveries int64
	var all Tally
	_, err = pgx.ForEachRow(rows, []any{&link, &who, &deliveries, &all.Human, &all.Machine, &all.Unknown}, func() error {
		if len(links) == 0 || links[len(links)-1].Link != link {
			links = append(links, LinkCount{Link: link})
		}
		l := &links[len(links)-1]
		l.UniqueClicks.add(who, deliveries)
		l.Clicks.sum(all)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading link counts: %w", err)
	}
	return links, nil
}

// ForDeliveries gives what is known about deliveries (Link is ignored). A delivery without events is not in the map.
func (s *Service) ForDeliveries(ctx context.Context, refs []Ref) (map[Ref]DeliveryCounts, error) {
	campaigns, seqs := make([]int64, len(refs)), make([]int32, len(refs))
	for i, r := range refs {
		campaigns[i], seqs[i] = r.CampaignID, r.Seq
	}
	rows, err := s.pool.Query(ctx, `
		SELECT e.campaign_id, e.seq, e.kind, `+actorSQL+`, count(*)
		FROM (SELECT DISTINCT campaign_id, seq FROM unnest($1::bigint[], $2::integer[]) AS r (campaign_id, seq)) r
		JOIN events e USING (campaign_id, seq)
		GROUP BY 1, 2, 3, 4`, campaigns, seqs)
	if err != nil {
		return nil, fmt.Errorf("reading events of deliveries: %w", err)
	}
	out := make(map[Ref]DeliveryCounts, len(refs))
	var ref Ref
	var kind EventKind
	var who Actor
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&ref.CampaignID, &ref.Seq, &kind, &who, &n}, func() error {
		d := out[ref]
		switch kind {
		case KindOpen:
			d.Opens.add(who, n)
		case KindClick:
			d.Clicks.add(who, n)
		case KindUnsubscribe:
			d.Unsubscribed = true
		}
		out[ref] = d
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading events of deliveries: %w", err)
	}
	return out, nil
}

// Buckets counts opens and clicks of a campaign (0 for all) in spans of step, which start at multiples of step from the epoch. Spans without any are
// left out. from is included, to is not.
func (s *Service) Buckets(ctx context.Context, campaignID int64, from, to time.Time, step time.Duration) ([]Bucket, error) {
	if step < time.Second {
		return nil, errs.New(errs.Invalid, "a bucket must be a second or longer")
	}
	type row struct {
		At   time.Time
		Kind EventKind
		Who  Actor
		N    int64
	}
	rows, err := pg.Many[row](ctx, s.pool, "event buckets", `
		SELECT date_bin($4, at, 'epoch'::timestamptz) AS at, kind, `+actorSQL+` AS who, count(*) AS n
		FROM events
		WHERE ($1::bigint = 0 OR campaign_id = $1::bigint) AND at >= $2 AND at < $3 AND kind IN ('open', 'click')
		GROUP BY 1, 2, 3 ORDER BY 1`, campaignID, from, to, step)
	if err != nil {
		return nil, err
	}
	buckets := []Bucket{}
	for _, r := range rows {
		at := r.At.UTC()
		if len(buckets) == 0 || !buckets[len(buckets)-1].At.Equal(at) {
			buckets = append(buckets, Bucket{At: at})
		}
		b := &buckets[len(buckets)-1]
		if r.Kind == KindOpen {
			b.Opens.add(r.Who, r.N)
		} else {
			b.Clicks.add(r.Who, r.N)
		}
	}
	return buckets, nil
}
