package outgoing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// outboxLock is the advisory lock of the process that makes messages, for the length of a transaction: "prhook" in ASCII.
const outboxLock = 0x7072686f6f6b

// outboxBatch is how many rows are made into messages at once.
const outboxBatch = 1000

// happening is a row of the outbox, and what it says in Go. Fields that the source does not have are zero.
type happening struct {
	ID     int64
	Xid    string
	At     time.Time
	Type   string
	Source []byte

	row   source
	lists []int64 // of subscriptions that ended
}

// source has the columns that are used of events, deliveries, subscriptions, suppressions, campaigns and imports.
type source struct {
	ID           int64  `json:"id"`
	CampaignID   int64  `json:"campaign_id"`
	Seq          int32  `json:"seq"`
	SubscriberID int64  `json:"subscriber_id"`
	ListID       int64  `json:"list_id"`
	Link         int32  `json:"link"`
	Detail       string `json:"detail"`
	UserAgent    string `json:"user_agent"`
	Actor        string `json:"actor"`
	ReplyText    string `json:"reply_text"`
	EmailKey     string `json:"email_key"`
	Reason       string `json:"reason"`
	Source       string `json:"source"`
	Soft         bool   `json:"soft"`
	Name         string `json:"name"`
	Status       string `json:"status"`
	PauseReason  string `json:"pause_reason"`
	Recipients   int64  `json:"recipients"`
	Excluded     int64  `json:"excluded"`
	Filename     string `json:"filename"`
	Error        string `json:"error"`
	Rows         int64  `json:"rows"`
	Created      int64  `json:"created"`
	Updated      int64  `json:"updated"`
	Unchanged    int64  `json:"unchanged"`
	Rejected     int64  `json:"rejected"`
	Suppressed   int64  `json:"suppressed"`
}

// fanOut makes messages of what is in the outbox; more says that it was a full batch. One process does so at a time, so that messages are made in the order of the rows and
// what belongs together is seen together.
func (s *Service) fanOut(ctx context.Context) (more bool, err error) {
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		var mine bool
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock($1)`, outboxLock).Scan(&mine); err != nil || !mine {
			return err
		}
		taken, err := takeOutbox(ctx, tx)
		if err != nil || len(taken) == 0 {
			return err
		}
		more = len(taken) >= outboxBatch
		filters, err := readFilters(ctx, tx)
		if err != nil || len(filters) == 0 {
			return err
		}
		return s.makeMessages(ctx, tx, filters, s.understand(taken))
	})
	if err != nil {
		return false, fmt.Errorf("making webhook messages: %w", err)
	}
	return more, nil
}

// takeOutbox removes the oldest rows, and what else of the same unsubscribing there is.
func takeOutbox(ctx context.Context, tx pgx.Tx) ([]happening, error) {
	rows, err := tx.Query(ctx, `
		WITH head AS MATERIALIZED (SELECT id, xid, type, subscriber_id FROM webhook_outbox ORDER BY id LIMIT $1),
		whole AS (
			SELECT id FROM head
			UNION SELECT o.id FROM head h JOIN webhook_outbox o ON o.xid = h.xid AND o.subscriber_id = h.subscriber_id
			WHERE h.type = 'subscriber.unsubscribed' AND o.type = 'subscriber.unsubscribed')
		DELETE FROM webhook_outbox WHERE id IN (SELECT id FROM whole) RETURNING id, xid::text, at, type, source`, outboxBatch)
	if err != nil {
		return nil, fmt.Errorf("reading the outbox: %w", err)
	}
	taken, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h happening, err error) {
		return h, row.Scan(&h.ID, &h.Xid, &h.At, &h.Type, &h.Source)
	})
	if err != nil {
		return nil, fmt.Errorf("reading the outbox: %w", err)
	}
	slices.SortFunc(taken, func(a, b happening) int { return int(a.ID - b.ID) })
	return taken, nil
}

// understand reads the rows and puts those together that are one unsubscribing: the ended subscriptions and the event that says by which mail.
func (s *Service) understand(taken []happening) []*happening {
	type leaving struct {
		xid        string
		subscriber int64
	}
	all := make([]*happening, 0, len(taken))
	left := map[leaving]*happening{}
	for i := range taken {
		h := &taken[i]
		if err := json.Unmarshal(h.Source, &h.row); err != nil {
			// It would be the same next time, and hold up all others.
			s.log.Error("what happened cannot be made into a webhook message", "type", h.Type, "error", err)
			continue
		}
		if h.Type != TypeUnsubscribed {
			all = append(all, h)
			continue
		}
		key := leaving{h.Xid, h.row.SubscriberID}
		first, met := left[key]
		if !met {
			first = h
			left[key], all = h, append(all, h)
		}
		first.join(h.row)
	}
	return all
}

// join adds what another row says of the same unsubscribing.
func (h *happening) join(r source) {
	if r.ListID != 0 {
		h.lists = append(h.lists, r.ListID)
	}
	if r.CampaignID != 0 {
		h.row.CampaignID, h.row.Seq = r.CampaignID, r.Seq
	}
	if h.row.Source == "" {
		h.row.Source = r.Source
	}
	if h.row.Source == "" {
		h.row.Source = r.Detail
	}
}

// campaign gives the campaign that it is about, 0 for none.
func (h *happening) campaign() int64 {
	switch h.Type {
	case TypeStarted, TypePaused, TypeResumed, TypeFinished, TypeCancelled:
		return h.row.ID
	}
	return h.row.CampaignID
}

// filter is what an active endpoint wants to hear.
type filter struct {
	ID          int64
	EventTypes  []string
	ListIDs     []int64
	CampaignIDs []int64
}

func readFilters(ctx context.Context, db pg.DB) ([]filter, error) {
	return pg.Many[filter](ctx, db, "webhooks", `SELECT id, event_types, list_ids, campaign_ids FROM webhook_endpoints WHERE status = 'active' ORDER BY id FOR KEY SHARE`)
}

// wants says whether something of the type, of a campaign (0: none) and of lists, passes. What belongs to no campaign does not pass a filter for campaigns.
func (f filter) wants(typ string, campaign int64, lists []ListRef) bool {
	switch {
	case len(f.EventTypes) > 0 && !slices.Contains(f.EventTypes, typ):
		return false
	case len(f.CampaignIDs) > 0 && !slices.Contains(f.CampaignIDs, campaign):
		return false
	}
	return len(f.ListIDs) == 0 || slices.ContainsFunc(lists, func(l ListRef) bool { return slices.Contains(f.ListIDs, l.ID) })
}

func (s *Service) makeMessages(ctx context.Context, tx pgx.Tx, filters []filter, all []*happening) error {
	known, err := s.lookUp(ctx, tx, all)
	if err != nil {
		return err
	}
	var rows [][]any
	now := s.clock()
	for _, h := range all {
		lists := known.listsOf(h)
		payload := ""
		for _, f := range filters {
			if !f.wants(h.Type, h.campaign(), lists) {
				continue
			}
			if payload == "" {
				if payload, err = encode(h.Type, h.At, s.describe(ctx, known, h, lists)); err != nil {
					return err
				}
			}
			rows = append(rows, []any{f.ID, newMessageID(), h.Type, payload, now, now})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	// Whoever deletes one of the endpoints meanwhile waits for this.
	_, err = tx.CopyFrom(ctx, pgx.Identifier{"webhook_messages"}, []string{"endpoint_id", "message_id", "type", "payload", "next_attempt_at", "created_at"}, pgx.CopyFromRows(rows))
	if err != nil {
		return fmt.Errorf("storing %d messages: %w", len(rows), err)
	}
	return nil
}
