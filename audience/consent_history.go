package audience

import (
	"context"
	"fmt"
	"time"

	"postrider/internal/pg"
)

// Consent is how a person stands with a list, or stood until Until, and what is known of how that came.
type Consent struct {
	ListID   int64
	ListName string // "" when the list is gone
	Status   string
	Source   string
	ImportID *int64
	Import   string // the name of its file
	Evidence *Evidence
	Since    time.Time
	Until    *time.Time // nil for what holds now
}

// maxConsents bounds how many earlier states are given, the newest of them; a person who changes their mind every day fills them in half a year.
const maxConsents = 200

// ListConsents gives how a person stands with each list, by its name, and then how they stood before, newest first.
func (s *Service) ListConsents(ctx context.Context, subscriberID int64) ([]Consent, error) {
	if _, err := s.GetSubscriber(ctx, subscriberID); err != nil {
		return nil, err
	}
	rows, err := pg.Many[Consent](ctx, s.pool, fmt.Sprintf("consents of subscriber %d", subscriberID), `
		(SELECT s.list_id, COALESCE(l.name, '') AS list_name, s.status, s.source, s.import_id, COALESCE(i.filename, '') AS import, s.evidence,
			s.updated_at AS since, NULL::timestamptz AS until
		FROM subscriptions s LEFT JOIN lists l ON l.id = s.list_id LEFT JOIN imports i ON i.id = s.import_id WHERE s.subscriber_id = $1 )
		UNION ALL
		(SELECT h.list_id, COALESCE(l.name, ''), h.status, h.source, h.import_id, COALESCE(i.filename, ''), h.evidence, h.since, h.until
		FROM subscription_history h LEFT JOIN lists l ON l.id = h.list_id LEFT JOIN imports i ON i.id = h.import_id WHERE h.subscriber_id = $1 ORDER BY h.id DESC LIMIT $2)
		ORDER BY until DESC NULLS FIRST, list_name, list_id`,
		subscriberID, maxConsents)
	for i := range rows {
		rows[i].Since, rows[i].Until = rows[i].Since.UTC(), inUTC(rows[i].Until)
	}
	return rows, err
}
