package outgoing

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// EraseTx deletes what is to be told, or was told, to other programs about a person; what waits is not sent any more. It is an audience.EraseTx.
func (s *Service) EraseTx(ctx context.Context, tx pgx.Tx, subscriberIDs []int64, addresses []string) (int64, error) {
	var n int64
	for _, sql := range []string{
		`DELETE FROM webhook_outbox o WHERE subscriber_id = ANY ($1::bigint[]) OR EXISTS (SELECT FROM unnest($2::text[]) a WHERE position(a IN lower(o.source::text)) > 0)`,
		`DELETE FROM webhook_messages m WHERE $1::bigint[] IS NOT NULL AND EXISTS (SELECT FROM unnest($2::text[]) a WHERE position(a IN lower(m.payload)) > 0)`,
		`UPDATE webhook_attempts w SET reply = NULL WHERE $1::bigint[] IS NOT NULL AND EXISTS (SELECT FROM unnest($2::text[]) a WHERE position(a IN lower(w.reply)) > 0)`,
	} {
		tag, err := tx.Exec(ctx, sql, subscriberIDs, addresses)
		if err != nil {
			return 0, fmt.Errorf("erasing messages of webhooks: %w", err)
		}
		n += tag.RowsAffected()
	}
	return n, nil
}
