package campaigns

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

type deliveryRow struct {
	CampaignID    int64
	Message       *int64
	CampaignName  string
	FromEmail     string
	Seq           int32
	SubscriberID  int64
	Email         string
	State         State
	Variant       *int16
	Attempts      int16
	RelayID       *int64
	RelayName     *string
	ReplyCode     *int16
	ReplyStatus   *string
	ReplyText     *string
	SkipReason    *string
	NextAttemptAt *time.Time
	Waits         bool
	WaitsUntil    *time.Time
	UpdatedAt     time.Time
}

// ledgerSelect reads rows of d with the names that people know things by.
const ledgerSelect = `
	SELECT d.campaign_id, d.message_id AS message, c.name AS campaign_name, c.from_email, d.seq, d.subscriber_id, d.email, d.state, d.variant, d.attempts, d.relay_id, r.name AS relay_name,
		d.reply_code, d.reply_status, d.reply_text, d.skip_reason, d.next_attempt_at,
		g.gate IS NOT NULL AS waits, COALESCE(g.opens_at, g.expected_at) AS waits_until, d.updated_at
	FROM d JOIN campaigns c ON c.id = d.campaign_id LEFT JOIN relays r ON r.id = d.relay_id
		LEFT JOIN campaign_gates g ON g.campaign_id = d.campaign_id AND g.gate = d.gate AND d.state = 0 AND g.opened_at IS NULL`

func (s *Service) delivery(r deliveryRow) Delivery {
	domain := r.FromEmail[strings.LastIndexByte(r.FromEmail, '@')+1:]
	return Delivery{
		CampaignID: r.CampaignID, Message: r.Message, CampaignName: r.CampaignName, Seq: r.Seq, SubscriberID: r.SubscriberID, Email: r.Email, State: r.State, Variant: r.Variant,
		Attempts: r.Attempts, RelayID: r.RelayID, RelayName: r.RelayName, ReplyCode: r.ReplyCode, ReplyStatus: r.ReplyStatus, ReplyText: r.ReplyText,
		SkipReason: r.SkipReason, NextAttemptAt: r.NextAttemptAt, Waits: r.Waits, WaitsUntil: r.WaitsUntil, UpdatedAt: r.UpdatedAt,
		MessageID: s.d.Tokens.Delivery(events.MessageID, r.CampaignID, r.Seq) + "@" + domain,
	}
}

func (s *Service) deliveries(ctx context.Context, sql string, args ...any) ([]Delivery, error) {
	rows, err := pg.Many[deliveryRow](ctx, s.d.Pool, "deliveries", sql, args...)
	if err != nil {
		return nil, err
	}
	ds := make([]Delivery, len(rows))
	refs := make([]events.Ref, len(rows))
	for i, r := range rows {
		ds[i] = s.delivery(r)
		refs[i] = events.Ref{CampaignID: r.CampaignID, Seq: r.Seq}
	}
	counts, err := s.d.Events.ForDeliveries(ctx, refs)
	if err != nil {
		return nil, err
	}
	for i := range ds {
		n := counts[refs[i]]
		ds[i].Opens, ds[i].Clicks, ds[i].Unsubscribed = n.Opens, n.Clicks, n.Unsubscribed
	}
	return ds, nil
}

// ListDeliveries gives a page of a campaign's ledger in the order of sending.
func (s *Service) ListDeliveries(ctx context.Context, id int64, f DeliveryFilter, q page.Query) (page.Page[Delivery], error) {
	var after int32
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &after); err != nil {
			return page.Page[Delivery]{}, err
		}
	}
	if strings.ContainsRune(f.Search, 0) || !utf8.ValidString(f.Search) {
		return page.Page[Delivery]{}, errs.InvalidField("q", "no address has this character in it (NUL, or broken UTF-8)")
	}
	if _, err := s.Get(ctx, id); err != nil {
		return page.Page[Delivery]{}, err
	}
	state := State(-1)
	if f.State != nil {
		state = *f.State
	}
	ds, err := s.deliveries(ctx, `
		WITH d AS (SELECT * FROM deliveries WHERE campaign_id = $1 AND seq > $2 AND ($3 = -1 OR state = $3)
			AND ($4 = '' OR strpos(lower(email), lower($4)) > 0) ORDER BY seq LIMIT $5)`+ledgerSelect+` ORDER BY d.seq`,
		id, after, int16(state), f.Search, q.Size()+1)
	if err != nil {
		return page.Page[Delivery]{}, err
	}
	return page.Cut(ds, q, func(d Delivery) string { return page.Encode(d.Seq) }), nil
}

// ListSubscriberDeliveries gives a page of everything that was ever sent to a person, newest campaign first, the messages of a stream the newest first.
func (s *Service) ListSubscriberDeliveries(ctx context.Context, subscriberID int64, q page.Query) (page.Page[Delivery], error) {
	var before int64
	var seq int32
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before, &seq); err != nil {
			return page.Page[Delivery]{}, err
		}
	}
	ds, err := s.deliveries(ctx, `
		WITH d AS (SELECT * FROM deliveries WHERE subscriber_id = $1 AND ($2 = 0 OR (campaign_id, seq) < ($2, $3)) ORDER BY campaign_id DESC, seq DESC LIMIT $4)`+
		ledgerSelect+` ORDER BY d.campaign_id DESC, d.seq DESC`, subscriberID, before, seq, q.Size()+1)
	if err != nil {
		return page.Page[Delivery]{}, err
	}
	return page.Cut(ds, q, func(d Delivery) string { return page.Encode(d.CampaignID, d.Seq) }), nil
}

// Story is everything that is known of one delivery.
type Story struct {
	Delivery Delivery
	// QueuedAt is when the person came into the campaign's ledger, FirstTriedAt when a relay was first asked to take the message; nil before.
	QueuedAt     *time.Time
	FirstTriedAt *time.Time
	Attempts     []Attempt      // those that did not end in sent
	Reports      []Report       // what came back, the oldest first, without the messages themselves
	Events       []events.Event // newest first
}

// GetDelivery tells the whole story of one delivery: the row, the attempts that did not succeed, what came back and what the person did.
func (s *Service) GetDelivery(ctx context.Context, id int64, seq int32) (Story, error) {
	ds, err := s.deliveries(ctx, `WITH d AS (SELECT * FROM deliveries WHERE campaign_id = $1 AND seq = $2)`+ledgerSelect, id, seq)
	if err != nil {
		return Story{}, err
	}
	if len(ds) == 0 {
		return Story{}, errs.New(errs.NotFound, "there is no delivery %d in campaign %d", seq, id)
	}
	st := Story{Delivery: ds[0]}
	err = s.d.Pool.QueryRow(ctx, `
		SELECT c.started_at, d.first_tried_at FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id WHERE d.campaign_id = $1 AND d.seq = $2`, id, seq).
		Scan(&st.QueuedAt, &st.FirstTriedAt)
	if err != nil {
		return Story{}, fmt.Errorf("reading delivery %d of campaign %d: %w", seq, id, err)
	}
	st.Attempts, err = pg.Many[Attempt](ctx, s.d.Pool, "attempts", `
		SELECT a.attempt, a.at, r.name AS relay_name, a.outcome, a.reply_code, a.reply_status, a.reply_text, a.reason, a.fault
		FROM delivery_attempts a LEFT JOIN relays r ON r.id = a.relay_id WHERE a.campaign_id = $1 AND a.seq = $2 ORDER BY a.attempt`, id, seq)
	if err != nil {
		return Story{}, err
	}
	if st.Reports, err = pg.Many[Report](ctx, s.d.Pool, "reports", reportSelect+`WHERE campaign_id = $1 AND seq = $2 ORDER BY id LIMIT $3`, id, seq, page.MaxLimit); err != nil {
		return Story{}, err
	}
	evs, err := s.d.Events.List(ctx, events.Filter{CampaignID: id, Seq: seq}, page.Query{Limit: page.MaxLimit})
	st.Events = evs.Items
	return st, err
}

// ListExclusions gives a page of those who were left out at Start; reason "" is all. search is part of an address.
func (s *Service) ListExclusions(ctx context.Context, id int64, reason, search string, q page.Query) (page.Page[Exclusion], error) {
	var after int64
	if strings.ContainsRune(search, 0) || !utf8.ValidString(search) {
		return page.Page[Exclusion]{}, errs.InvalidField("q", "no address has this character in it (NUL, or broken UTF-8)")
	}
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &after); err != nil {
			return page.Page[Exclusion]{}, err
		}
	}
	xs, err := pg.Many[Exclusion](ctx, s.d.Pool, "exclusions", `
		SELECT subscriber_id, email, reason FROM exclusions
		WHERE campaign_id = $1 AND subscriber_id > $2 AND ($3 = '' OR reason = $3) AND ($4 = '' OR strpos(lower(email), lower($4)) > 0)`+few(reason)+`
		ORDER BY subscriber_id LIMIT $5`, id, after, reason, search, q.Size()+1)
	if err != nil {
		return page.Page[Exclusion]{}, err
	}
	return page.Cut(xs, q, func(x Exclusion) string { return page.Encode(x.SubscriberID) }), nil
}

// few says of a reason that it is in the index of those that are few, which the planner cannot know of a parameter.
func few(reason string) string {
	if reason == "" || reason == audience.VerdictNotInSegment {
		return ""
	}
	return " AND reason <> 'not_in_segment'"
}

// ResolveUnconfirmed carries out a person's decision on everything that is in doubt: PolicyResend or PolicyAssumeDelivered. It gives how many deliveries
// it concerned.
func (s *Service) ResolveUnconfirmed(ctx context.Context, id int64, action string) (changed int64, err error) {
	if action != PolicyResend && action != PolicyAssumeDelivered {
		return 0, errs.InvalidField("action", "must be resend or assume_delivered")
	}
	_, err = s.change(ctx, id, func(tx pgx.Tx, c Campaign) error {
		if c.StartedAt == nil {
			return errs.New(errs.Conflict, "campaign %d has not started", id)
		}
		if action == PolicyResend && c.Status == StatusCancelled {
			return errs.New(errs.Conflict, "campaign %d is cancelled; nothing of it is sent any more", id)
		}
		sql := `UPDATE deliveries SET state = 2, node_id = NULL, updated_at = now() WHERE campaign_id = $1 AND state = 6`
		if action == PolicyResend {
			if err := s.renewMessagesTx(ctx, tx, id); err != nil {
				return err
			}
			sql = `UPDATE deliveries SET state = 0, node_id = NULL, updated_at = now() WHERE campaign_id = $1 AND state = 6`
		}
		tag, err := tx.Exec(ctx, sql, id)
		if err != nil {
			return fmt.Errorf("resolving campaign %d: %w", id, err)
		}
		changed = tag.RowsAffected()
		if action != PolicyResend || changed == 0 || c.Status == StatusPaused {
			return nil
		}
		if err := exec(ctx, tx, reviveSQL, id); err != nil {
			return err
		}
		return s.newRunTx(ctx, tx, id)
	})
	return changed, err
}
