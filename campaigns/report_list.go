package campaigns

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// Report is what another system said of our mail, and what was done because of it. CampaignID, Seq and SubscriberID are nil when nothing told whose it is.
type Report struct {
	ID           int64
	Source       string
	Kind         events.ReportKind
	At           time.Time
	ReceivedAt   time.Time
	CampaignID   *int64
	Seq          *int32
	SubscriberID *int64
	MatchedBy    *string // return_path, message_id, unsubscribe_url, queue_id or address
	Address      string
	Hard         bool
	Reason       *string
	Fault        *string
	Status       *string
	ReplyCode    *int16
	Diagnostic   *string
	FeedbackType *string
	Action       string // suppressed, counted, unsubscribed, none or unmatched
	Applied      bool   // whether it changed the delivery
	HasRaw       bool   // whether it is still kept as it was received
}

const reportSelect = `
	SELECT id, source, kind, at, received_at, campaign_id, seq, subscriber_id, matched_by, address, hard, reason, fault, status, reply_code, diagnostic,
		feedback_type, action, applied, raw IS NOT NULL AS has_raw FROM reports `

// ReportFilter narrows the reports; zero fields pick all.
type ReportFilter struct {
	Kind         events.ReportKind
	Action       string
	CampaignID   int64
	SubscriberID int64
	Address      string // as the report writes it, or of the person it is about; in any case
}

// ListReports gives a page of what came back, newest first.
func (s *Service) ListReports(ctx context.Context, f ReportFilter, q page.Query) (page.Page[Report], error) {
	var before int64
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before); err != nil {
			return page.Page[Report]{}, err
		}
	}
	conds, args := []string{"true"}, []any{}
	where := func(cond string, arg any) {
		args = append(args, arg)
		conds = append(conds, strings.ReplaceAll(cond, "$$", fmt.Sprintf("$%d", len(args))))
	}
	if before != 0 {
		where("id < $$", before)
	}
	if f.Kind != "" {
		where("kind = $$", string(f.Kind))
	}
	if f.Action != "" {
		where("action = $$", f.Action)
	}
	if f.CampaignID != 0 {
		where("campaign_id = $$", f.CampaignID)
	}
	if f.SubscriberID != 0 {
		where("subscriber_id = $$", f.SubscriberID)
	}
	if f.Address != "" {
		if strings.ContainsRune(f.Address, 0) || !utf8.ValidString(f.Address) {
			return page.Page[Report]{}, errs.InvalidField("address", "no address has this character in it (NUL, or broken UTF-8)")
		}
		where("(lower(address) = lower($$) OR subscriber_id = (SELECT id FROM subscribers WHERE email_key = lower($$)))", f.Address)
	}
	args = append(args, q.Size()+1)
	rows, err := pg.Many[Report](ctx, s.d.Pool, "reports", reportSelect+`
		WHERE `+strings.Join(conds, " AND ")+fmt.Sprintf(` ORDER BY id DESC LIMIT $%d`, len(args)), args...)
	if err != nil {
		return page.Page[Report]{}, err
	}
	return page.Cut(rows, q, func(r Report) string { return page.Encode(r.ID) }), nil
}

// GetReport gives one report with the message or event as it was received; raw is empty when that is not kept any more. Error: NotFound.
func (s *Service) GetReport(ctx context.Context, id int64) (r Report, raw []byte, err error) {
	r, err = pg.One[Report](ctx, s.d.Pool, fmt.Sprintf("report %d", id), reportSelect+`WHERE id = $1`, id)
	if err != nil {
		return r, nil, err
	}
	if err := s.d.Pool.QueryRow(ctx, `SELECT raw FROM reports WHERE id = $1`, id).Scan(&raw); err != nil {
		return r, nil, fmt.Errorf("reading report %d: %w", id, err)
	}
	return r, raw, nil
}
