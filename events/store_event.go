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

// write stores a batch: what is needed of the deliveries is read in one query, then everything is copied. A refused COPY leaves nothing.
func (s *Service) write(ctx context.Context, batch []pending) error {
	rows, err := s.resolve(ctx, s.pool, batch)
	if err != nil {
		return err
	}
	err = copyEvents(ctx, s.pool, rows)
	if refused(err) && len(rows) > 1 {
		return s.writeEach(ctx, rows)
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

var eventColumns = []string{"at", "kind", "campaign_id", "seq", "subscriber_id", "link", "detail", "user_agent", "actor", "rule", "reason", "soft"}

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
	var link, soft any
	if e.Link != 0 {
		link = e.Link
	}
	if e.Soft {
		soft = true
	}
	return []any{
		e.At, string(e.Kind), e.CampaignID, e.Seq, e.SubscriberID, link, orNull(e.Detail), orNull(e.UserAgent), orNull(string(e.Actor)), orNull(string(e.Rule)),
		orNull(e.Reason), soft,
	}
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// resolve fills in what the deliveries know: the subscriber, and when the message went, by which opens and clicks are judged. Left out are events of a delivery that is
// gone (its campaign was deleted), and opens and clicks of people who are not to be tracked, by mail from before they said so.
func (s *Service) resolve(ctx context.Context, db pg.DB, batch []pending) ([]Event, error) {
	known, err := deliveriesOf(ctx, db, batch)
	if err != nil {
		return nil, err
	}
	out := make([]Event, 0, len(batch))
	for _, p := range batch {
		e, tracked := p.Event, p.Kind == KindOpen || p.Kind == KindClick
		d, ok := known[Ref{CampaignID: e.CampaignID, Seq: e.Seq}]
		if e.SubscriberID == 0 {
			e.SubscriberID = d.subscriberID
		}
		if e.SubscriberID == 0 || tracked && d.noTracking {
			continue
		}
		if tracked {
			h := hit{kind: e.Kind, link: e.Link, head: e.Head, class: p.class, sent: ok && d.sent, since: e.At.Sub(d.sentAt)}
			e.Actor, e.Rule = s.cfg.Windows.judge(h)
		}
		out = append(out, e)
	}
	return out, nil
}

// delivered is what is needed of a delivery.
type delivered struct {
	subscriberID int64
	sentAt       time.Time
	sent         bool // sentAt is known
	noTracking   bool
}

// deliveriesOf reads the deliveries of a batch, each once. A claimed one is on the wire, or has just gone and was not recorded yet.
func deliveriesOf(ctx context.Context, db pg.DB, batch []pending) (map[Ref]delivered, error) {
	known := make(map[Ref]delivered, len(batch))
	campaigns, seqs := make([]int64, 0, len(batch)), make([]int32, 0, len(batch))
	for _, p := range batch {
		ref := Ref{CampaignID: p.CampaignID, Seq: p.Seq}
		if _, ok := known[ref]; !ok {
			known[ref] = delivered{}
			campaigns, seqs = append(campaigns, ref.CampaignID), append(seqs, ref.Seq)
		}
	}
	rows, err := db.Query(ctx, `
		SELECT d.campaign_id, d.seq, d.subscriber_id, d.state IN (1, 2, 4, 6), CASE WHEN d.state = 1 THEN now() ELSE d.updated_at END,
			(SELECT true FROM subscribers s WHERE s.id = d.subscriber_id AND s.no_tracking) IS NOT NULL
		FROM unnest($1::bigint[], $2::integer[]) AS e (campaign_id, seq)
		JOIN deliveries d USING (campaign_id, seq)`, campaigns, seqs)
	if err != nil {
		return nil, fmt.Errorf("reading deliveries of events: %w", err)
	}
	var ref Ref
	var d delivered
	_, err = pgx.ForEachRow(rows, []any{&ref.CampaignID, &ref.Seq, &d.subscriberID, &d.sent, &d.sentAt, &d.noTracking}, func() error {
		known[ref] = d
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading deliveries of events: %w", err)
	}
	return known, nil
}

// RecordTx stores events at once in the caller's transaction, for events that go with another change: an unsubscribe, a bounce.
func (s *Service) RecordTx(ctx context.Context, db pg.DB, batch []Event) error {
	c, ok := db.(copier)
	if !ok {
		return errs.New(errs.Internal, "events need a pool or a transaction that can copy")
	}
	cleaned := make([]pending, len(batch))
	s.mu.Lock()
	for i, e := range batch {
		cleaned[i] = s.clean(e)
	}
	s.mu.Unlock()
	rows, err := s.resolve(ctx, db, cleaned)
	if err != nil {
		return err
	}
	return copyEvents(ctx, c, rows)
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
			coalesce(user_agent, '') AS user_agent, coalesce(reason, '') AS reason, coalesce(soft, false) AS soft,
			CASE WHEN kind IN ('open', 'click') THEN coalesce(actor, 'unknown') ELSE '' END AS actor,
			CASE WHEN kind IN ('open', 'click') AND actor IS NULL THEN 'old' ELSE coalesce(rule, '') END AS rule
		FROM events `+filter+fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return page.Page[Event]{}, err
	}
	for i := range rows {
		rows[i].At = rows[i].At.UTC()
	}
	return page.Cut(rows, q, func(e Event) string { return page.Encode(e.ID) }), nil
}
