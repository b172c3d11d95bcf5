package sender

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// takeSlot takes one of the relay's connections for the node; ok is false when all are in use, here or in other processes.
//
// Invariant: over all nodes no more connections are open than there are slots, because a node opens one only while it holds a row.
func takeSlot(ctx context.Context, db pg.DB, relayID int64, most int, node string) (slot int, ok bool, err error) {
	// Two nodes may pick the same free number: the primary key decides, and the loser tries again at its next message.
	err = db.QueryRow(ctx, `
		INSERT INTO relay_slots (relay_id, slot, node_id)
		SELECT $1, s, $3::uuid FROM generate_series(1, $2::int) AS s
		WHERE NOT EXISTS (SELECT FROM relay_slots x WHERE x.relay_id = $1 AND x.slot = s)
		ORDER BY s LIMIT 1
		ON CONFLICT DO NOTHING
		RETURNING slot`, relayID, most, node).Scan(&slot)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("taking a connection of relay %d: %w", relayID, err)
	}
	return slot, true, nil
}

func giveSlot(ctx context.Context, db pg.DB, relayID int64, slot int, node string) error {
	_, err := db.Exec(ctx, `DELETE FROM relay_slots WHERE relay_id = $1 AND slot = $2 AND node_id = $3`, relayID, slot, node)
	if err != nil {
		return fmt.Errorf("giving back a connection of relay %d: %w", relayID, err)
	}
	return nil
}
