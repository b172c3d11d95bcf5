package sender

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// takeSlot takes one of the relay's connections for the node; ok is false when all are in use, here or in other processes. held are those that the node
// knows to have: a row of ours that is not among them was left over when the database was away as a connection ended, and is freed.
//
// Invariant: over all nodes no more connections are open than there are slots, because a node opens one only while it holds a row.
func takeSlot(ctx context.Context, db pg.DB, relayID int64, most int, node string, held []int) (slot int, ok bool, err error) {
	if _, err := db.Exec(ctx, `DELETE FROM relay_slots WHERE relay_id = $1 AND node_id = $2 AND slot <> ALL ($3::int[])`, relayID, node, held); err != nil {
		return 0, false, fmt.Errorf("taking a connection of relay %d: %w", relayID, err)
	}
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

// slotsOfOthers counts the connections that other processes hold.
func slotsOfOthers(ctx context.Context, db pg.DB, relayID int64, node string) (n int, err error) {
	err = db.QueryRow(ctx, `SELECT count(*) FROM relay_slots WHERE relay_id = $1 AND node_id <> $2`, relayID, node).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting the connections of relay %d: %w", relayID, err)
	}
	return n, nil
}

func giveSlot(ctx context.Context, db pg.DB, relayID int64, slot int, node string) error {
	_, err := db.Exec(ctx, `DELETE FROM relay_slots WHERE relay_id = $1 AND slot = $2 AND node_id = $3`, relayID, slot, node)
	if err != nil {
		return fmt.Errorf("giving back a connection of relay %d: %w", relayID, err)
	}
	return nil
}

// slotBook knows the slots that this process holds. Taking one and noting it are one step, so that no lane frees what another has just taken.
type slotBook struct {
	mu   sync.Mutex
	held map[int64][]int
}

// slotTimeout bounds one question to the database.
const slotTimeout = 10 * time.Second

func (b *slotBook) take(p *Pools, relayID int64, most int) (slot int, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), slotTimeout)
	defer cancel()
	if b.held == nil {
		b.held = map[int64][]int{}
	}
	// Not nil: <> ALL (NULL) would be true of nothing.
	slot, ok, err := takeSlot(ctx, p.db, relayID, most, p.node.ID, append([]int{}, b.held[relayID]...))
	if err != nil {
		p.logger.Warn("no connection could be taken", "relay", relayID, "error", err)
	}
	if ok {
		b.held[relayID] = append(b.held[relayID], slot)
	}
	return slot, ok
}

func (b *slotBook) give(p *Pools, relayID int64, slot int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held[relayID] = slices.DeleteFunc(b.held[relayID], func(n int) bool { return n == slot })
	ctx, cancel := context.WithTimeout(context.Background(), slotTimeout)
	defer cancel()
	if err := giveSlot(ctx, p.db, relayID, slot, p.node.ID); err != nil {
		p.logger.Warn("a connection could not be given back; it is freed when the next one is taken", "relay", relayID, "error", err)
	}
}
