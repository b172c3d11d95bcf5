package mailbox

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// EraseTx takes a person's address out of what is noted about messages that could not be taken. It is an audience.EraseTx.
func (s *Service) EraseTx(ctx context.Context, tx pgx.Tx, _ []int64, addresses []string) (int64, error) {
	tag, err := tx.Exec(ctx, `UPDATE mailbox_messages m SET error = '[erased]' WHERE EXISTS (SELECT FROM unnest($1::text[]) a WHERE position(a IN lower(m.error)) > 0)`, addresses)
	if err != nil {
		return 0, fmt.Errorf("erasing from the mailboxes: %w", err)
	}
	return tag.RowsAffected(), nil
}
