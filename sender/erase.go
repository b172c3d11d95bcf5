package sender

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// EraseTx deletes captured messages to a person, and takes the address out of what servers replied, as far as it is kept with relays. It is an audience.EraseTx.
func (s *Service) EraseTx(ctx context.Context, tx pgx.Tx, _ []int64, addresses []string) (int64, error) {
	var n int64
	for _, sql := range []string{
		`DELETE FROM inbox_messages m WHERE EXISTS (SELECT FROM unnest($1::text[]) a WHERE position(a IN lower(array_to_string(m.rcpt_to, ' '))) > 0)`,
		`UPDATE relay_pace p SET reply = '[erased]' WHERE EXISTS (SELECT FROM unnest($1::text[]) a WHERE position(a IN lower(p.reply)) > 0)`,
		`UPDATE relay_pace_changes p SET reply = '[erased]' WHERE EXISTS (SELECT FROM unnest($1::text[]) a WHERE position(a IN lower(p.reply)) > 0)`,
		`UPDATE relay_sites r SET reply = '[erased]' WHERE EXISTS (SELECT FROM unnest($1::text[]) a WHERE position(a IN lower(r.reply)) > 0)`,
		`UPDATE relays r SET blocked_reason = '[erased]' WHERE EXISTS (SELECT FROM unnest($1::text[]) a WHERE position(a IN lower(r.blocked_reason)) > 0)`,
		`UPDATE relays r SET pause_reason = '[erased]' WHERE EXISTS (SELECT FROM unnest($1::text[]) a WHERE position(a IN lower(r.pause_reason)) > 0)`,
	} {
		tag, err := tx.Exec(ctx, sql, addresses)
		if err != nil {
			return 0, fmt.Errorf("erasing from the relays: %w", err)
		}
		n += tag.RowsAffected()
	}
	return n, nil
}
