package events

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// write stores a batch: the subscribers that are not known yet are read in one query, then everything is copied. A refused COPY leaves
// nothing.
func (s *Service) write(ctx context.Context, batch []Event) error {
	batch, err := resolve(ctx, s.pool, batch)
	if err != nil {
		return err
	}
	err = copyEvents(ctx, s.pool, batch)
	if refused(err) && len(batch) > 1 {
		return s.writeEach(ctx, batch)
	}
	return err
}

// refused reports whether Postgres read the events and will not have them, however often they are tried (classes 22 and 23).
func refused(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (strings.HasPrefix(pe.Code, "22") || strings.HasPrefix(pe.Code, "23"))
}

// writeEach keeps one event that cannot be stored from holding up all others. It is one transaction: all or, on any other error, none.
func (s *Service) writeEach(ctx context.Context, batch []Event) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		for _, e := range batch {
			err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return copyEvents(ctx, tx, []Event{e}) })
			if refused(err) {
				s.log.Error("an event cannot be stored", "kind", e.Kind, "campaign_id", e.CampaignID, "seq", e.Seq, "error", err)
			} else if err != nil {
				return err
			}
		}
		return nil
	})
}

// copier is what both a pool and a transaction can do.
type copier interface {
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error)
}

var (
	_ copier = (*pgxpool.Pool)(nil)
	_ copier = (pgx.Tx)(nil)
)

var eventColumns = []string{"at", "kind", "campaign_id", "seq", "subscriber_id", "link", "detail", "user_agent", "reason", "soft"}

func copyEvents(ctx context.Context, db copier, batch []Event) error {
	_, err := db.CopyFrom(ctx, pgx.Identifier{"events"}, eventColumns, pgx.CopyFromSlice(len(batch), func(i int) ([]any, error) {
		return columnsOf(batch[i]), nil
	}))
	if err != nil {
		return fmt.Errorf("storing %d events: %w", len(batch), err)
	}
	return nil
}

func columnsOf(e Event) []any {
	var link, detail, agent, reason, soft any
	if e.Link != 0 {
		link = e.Link
	}
	if e.Detail != "" {
		detail = e.Detail
	}
	if e.UserAgent != "" {
		agent = e.UserAgent
	}
	if e.Reason != "" {
		reason = e.Reason
	}
	if e.Soft {
		soft = true
	}
	return []any{e.At, string(e.Kind), e.CampaignID, e.Seq, e.SubscriberID, link, detail, agent, reason, soft}
}

// resolve fills in subscribers from the deliveries. Events of a delivery that is gone (its campaign was deleted) are left out.
func resolve(ctx context.Context, db pg.DB, batch []Event) ([]Event, error) {
	var campaigns []int64
	var seqs []int32
	seen := map[Ref]bool{}
	for _, e := range batch {
		if ref := (Ref{CampaignID: e.CampaignID, Seq: e.Seq}); e.SubscriberID == 0 && !seen[ref] {
			seen[ref] = true
			campaigns, seqs = append(campaigns, e.CampaignID), append(seqs, e.Seq)
		}
	}
	if len(seqs) == 0 {
		return batch, nil
	}
	known, err := subscribersOf(ctx, db, campaigns, seqs)
	if err != nil {
		return nil, err
	}
	out := make([]Event, 0, len(batch))
	for _, e := range batch {
		if e.SubscriberID == 0 {
			e.SubscriberID = known[Ref{CampaignID: e.CampaignID, Seq: e.Seq}]
		}
		if e.SubscriberID != 0 {
			out = append(out, e)
		}
	}
	return out, nil
}

func subscribersOf(ctx context.Context, db pg.DB, campaigns []int64, seqs []int32) (map[Ref]int64, error) {
	type row struct {
		CampaignID   int64
		Seq          int32
		SubscriberID int64
	}
	rows, err := pg.Many[row](ctx, db, "deliveries of events", `
		SELECT d.campaign_id, d.seq, d.subscriber_id
		FROM unnest($1::bigint[], $2::integer[]) AS e (campaign_id, seq)
		JOIN deliveries d USING (campaign_id, seq)`, campaigns, seqs)
	if err != nil {
		return nil, err
	}
	known := make(map[Ref]int64, len(rows))
	for _, r := range rows {
		known[Ref{CampaignID: r.CampaignID, Seq: r.Seq}] = r.SubscriberID
	}
	return known, nil
}

// RecordTx stores events at once in the caller's transaction, for events that go with another change: an unsubscribe, a bounce.
func (s *Service) RecordTx(ctx context.Context, db pg.DB, batch []Event) error {
	cleaned := make([]Event, len(batch))
	for i, e := range batch {
		cleaned[i] = s.clean(e)
	}
	cleaned, err := resolve(ctx, db, cleaned)
	if err != nil {
		return err
	}
	if c, ok := db.(copier); ok {
		return copyEvents(ctx, c, cleaned)
	}
	return errs.New(errs.Internal, "events need a pool or a transaction that can copy")
}

// List gives events, newest first.
func (s *Service) List(ctx context.Context, f Filter, q page.Query) (page.Page[Event], error) {
	var conds []string
	var args []any
	where := func(cond string, arg any) {
		args = append(args, arg)
		conds = append(conds, fmt.Sprintf(cond, len(args)))
	}
	if f.Kind != "" {
		where("kind = $%d", string(f.Kind))
	}
	if f.CampaignID != 0 {
		where("campaign_id = $%d", f.CampaignID)
	}
	if f.Seq != 0 {
		where("seq = $%d", f.Seq)
	}
	if f.SubscriberID != 0 {
		where("subscriber_id = $%d", f.SubscriberID)
	}
	if q.Cursor != "" {
		var after int64
		if err := page.Decode(q.Cursor, &after); err != nil {
			return page.Page[Event]{}, err
		}
		where("id < $%d", after)
	}
	filter := ""
	if len(conds) > 0 {
		filter = "WHERE " + strings.Join(conds, " AND ")
	}
	args = append(args, q.Size()+1)
	rows, err := pg.Many[Event](ctx, s.pool, "events", `
		SELECT id, at, kind, campaign_id, seq, subscriber_id, coalesce(link, 0) AS link, coalesce(detail, '') AS detail,
			coalesce(user_agent, '') AS user_agent, coalesce(reason, '') AS reason, coalesce(soft, false) AS soft
		FROM events `+filter+fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return page.Page[Event]{}, err
	}
	for i := range rows {
		rows[i].At = rows[i].At.UTC()
	}
	return page.Cut(rows, q, func(e Event) string { return page.Encode(e.ID) }), nil
}

// Counts gives the counts of a campaign; all zero when nothing was recorded.
func (s *Service) Counts(ctx context.Context, campaignID int64) (Counts, error) {
	return pg.One[Counts](ctx, s.pool, "event counts", `
		SELECT count(*) FILTER (WHERE kind = 'open') AS opens,
			count(DISTINCT seq) FILTER (WHERE kind = 'open') AS unique_opens,
			count(*) FILTER (WHERE kind = 'click') AS clicks,
			count(DISTINCT seq) FILTER (WHERE kind = 'click') AS unique_clicks,
			count(DISTINCT seq) FILTER (WHERE kind = 'unsubscribe') AS unsubscribes,
			count(DISTINCT seq) FILTER (WHERE kind = 'bounce') AS bounces,
			count(DISTINCT seq) FILTER (WHERE kind = 'complaint') AS complaints
		FROM events WHERE campaign_id = $1`, campaignID)
}

// LinkCounts gives the clicks for each link of a campaign that was clicked, by link number.
func (s *Service) LinkCounts(ctx context.Context, campaignID int64) ([]LinkCount, error) {
	return pg.Many[LinkCount](ctx, s.pool, "link counts", `
		SELECT link, count(*) AS clicks, count(DISTINCT seq) AS unique_clicks
		FROM events WHERE campaign_id = $1 AND kind = 'click' AND link IS NOT NULL
		GROUP BY link ORDER BY link`, campaignID)
}

// ForDeliveries gives what is known about deliveries (Link is ignored). A delivery without events is not in the map.
func (s *Service) ForDeliveries(ctx context.Context, refs []Ref) (map[Ref]DeliveryCounts, error) {
	campaigns, seqs := make([]int64, len(refs)), make([]int32, len(refs))
	for i, r := range refs {
		campaigns[i], seqs[i] = r.CampaignID, r.Seq
	}
	type row struct {
		CampaignID    int64
		Seq           int32
		Opens, Clicks int64
		Unsubscribed  bool
	}
	rows, err := pg.Many[row](ctx, s.pool, "events of deliveries", `
		SELECT e.campaign_id, e.seq, count(*) FILTER (WHERE e.kind = 'open') AS opens, count(*) FILTER (WHERE e.kind = 'click') AS clicks,
			bool_or(e.kind = 'unsubscribe') AS unsubscribed
		FROM (SELECT DISTINCT campaign_id, seq FROM unnest($1::bigint[], $2::integer[]) AS r (campaign_id, seq)) r
		JOIN events e USING (campaign_id, seq)
		GROUP BY 1, 2`, campaigns, seqs)
	if err != nil {
		return nil, err
	}
	out := make(map[Ref]DeliveryCounts, len(rows))
	for _, r := range rows {
		out[Ref{CampaignID: r.CampaignID, Seq: r.Seq}] = DeliveryCounts{r.Opens, r.Clicks, r.Unsubscribed}
	}
	return out, nil
}

// Buckets counts opens and clicks of a campaign (0 for all) in spans of step, which start at multiples of step from the epoch. Spans without any are
// left out. from is included, to is not.
func (s *Service) Buckets(ctx context.Context, campaignID int64, from, to time.Time, step time.Duration) ([]Bucket, error) {
	if step < time.Second {
		return nil, errs.New(errs.Invalid, "a bucket must be a second or longer")
	}
	rows, err := pg.Many[Bucket](ctx, s.pool, "event buckets", `
		SELECT date_bin($4, at, 'epoch'::timestamptz) AS at, count(*) FILTER (WHERE kind = 'open') AS opens,
			count(*) FILTER (WHERE kind = 'click') AS clicks
		FROM events
		WHERE ($1::bigint = 0 OR campaign_id = $1::bigint) AND at >= $2 AND at < $3 AND kind IN ('open', 'click')
		GROUP BY 1 ORDER BY 1`, campaignID, from, to, step)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		rows[i].At = rows[i].At.UTC()
	}
	return rows, nil
}
