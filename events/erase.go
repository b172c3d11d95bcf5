package events

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// EraseTx takes from what a person did how they did it: the program that they read with, and what was said about it. That something was opened or clicked stays, since
// campaigns count it. It is an audience.EraseTx.
func (s *Service) EraseTx(ctx context.Context, tx pgx.Tx, subscriberIDs []int64, _ []string) (int64, error) {
	tag, err := tx.Exec(ctx, `UPDATE events SET user_agent = NULL, detail = NULL WHERE subscriber_id = ANY ($1) AND (user_agent IS NOT NULL OR detail IS NOT NULL)`, subscriberIDs)
	if err != nil {
		return 0, fmt.Errorf("erasing events: %w", err)
	}
	return tag.RowsAffected(), nil
}
