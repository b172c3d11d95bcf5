package idempotency

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// EraseTx forgets answers that hold a person's address. A request that is repeated within the day is then done again, and is told that the person was erased. It is an
// audience.EraseTx.
func (s *Store) EraseTx(ctx context.Context, tx pgx.Tx, _ []int64, addresses []string) (int64, error) {
	tag, err := tx.Exec(ctx, `DELETE FROM idempotency_keys k WHERE body IS NOT NULL
		AND EXISTS (SELECT FROM unnest($1::text[]) a WHERE position(encode(convert_to(a, 'UTF8'), 'escape') IN lower(encode(k.body, 'escape'))) > 0)`, addresses)
	if err != nil {
		return 0, fmt.Errorf("erasing answers: %w", err)
	}
	return tag.RowsAffected(), nil
}
