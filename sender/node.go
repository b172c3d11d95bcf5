package sender

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/pg"
)

// A node's lease and how often it is renewed. A node sends only while its lease has more than leaseMargin left, so that by the time another node may
// take over its work it has long stopped.
const (
	leaseLength = 30 * time.Second
	leaseRenew  = 5 * time.Second
	leaseMargin = 5 * time.Second
	// takeoverAfter is how long after the end of its lease a silent node's work may be settled by another one.
	takeoverAfter = 30 * time.Second
)

// Node is this process as one of those that send. Its identity is new at each start.
type Node struct {
	ID     string
	pool   *pgxpool.Pool
	logger *slog.Logger
	now    func() time.Time
	// leaseUntil in unix nanoseconds by our own clock: counted from before the renewal was sent, so it ends no later than the database's.
	leaseUntil atomic.Int64
}

// StartNode registers the process. Its lease must be kept alive by Run.
func StartNode(ctx context.Context, pool *pgxpool.Pool, logger *slog.Logger, now func() time.Time) (*Node, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	n := &Node{pool: pool, logger: logger, now: now}
	asked := now()
	err = pool.QueryRow(ctx, `
		INSERT INTO nodes (id, host, pid, lease_until) VALUES (gen_random_uuid(), $1, $2, now() + $3)
		RETURNING id::text`, host, os.Getpid(), leaseLength).Scan(&n.ID)
	if err != nil {
		return nil, fmt.Errorf("registering this node: %w", err)
	}
	n.leaseUntil.Store(asked.Add(leaseLength).UnixNano())
	return n, nil
}

// Run renews the lease until ctx ends. It does not give the lease back: Settled does, after everything in flight is accounted for.
func (n *Node) Run(ctx context.Context) error {
	tick := time.NewTicker(leaseRenew)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			n.Renew(ctx)
		}
	}
}

// Renew extends the lease once. Run does so regularly.
func (n *Node) Renew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, leaseRenew)
	defer cancel()
	asked := n.now()
	// A node that somebody else has settled in the meantime must not come back to life: what it held is no longer its own.
	tag, err := n.pool.Exec(ctx, `
		UPDATE nodes SET lease_until = now() + $2 WHERE id = $1 AND settled_at IS NULL`, n.ID, leaseLength)
	switch {
	case err != nil:
		n.logger.Warn("the node's lease could not be renewed", "error", err)
	case tag.RowsAffected() == 0:
		n.logger.Error("this node was taken for dead and its work was handed on; restart it", "node", n.ID)
		n.leaseUntil.Store(0)
	default:
		n.leaseUntil.Store(asked.Add(leaseLength).UnixNano())
	}
}

// MaySend reports whether the lease is good for at least leaseMargin. It is asked before each MAIL: a process that was stopped for minutes and goes on
// (a laptop that slept, SIGSTOP) must not send what another node has taken over.
func (n *Node) MaySend() bool {
	return n.now().UnixNano() < n.leaseUntil.Load()-int64(leaseMargin)
}

// NodeInfo is a node as people see it.
type NodeInfo struct {
	ID        string
	Host      string
	StartedAt time.Time
	// SeenAt is when the lease was last renewed.
	SeenAt time.Time
}

// LiveNodes lists the nodes whose lease has not ended.
func LiveNodes(ctx context.Context, db pg.DB) ([]NodeInfo, error) {
	return pg.Many[NodeInfo](ctx, db, "nodes", `
		SELECT id::text AS id, host, started_at, lease_until - $1::interval AS seen_at
		FROM nodes WHERE settled_at IS NULL AND lease_until > now() ORDER BY started_at`, leaseLength)
}

// SilentNodes lists the nodes that are not settled and whose lease ended so long ago that their work may be taken over.
func SilentNodes(ctx context.Context, db pg.DB) ([]string, error) {
	rows, err := db.Query(ctx, `
		SELECT id::text FROM nodes WHERE settled_at IS NULL AND lease_until < now() - $1::interval ORDER BY lease_until`, takeoverAfter)
	if err != nil {
		return nil, fmt.Errorf("looking for silent nodes: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// SettleNodeTx marks a node as accounted for and gives its connections back. It reports false when somebody did so before.
func SettleNodeTx(ctx context.Context, tx pgx.Tx, id string) (bool, error) {
	tag, err := tx.Exec(ctx, `UPDATE nodes SET settled_at = now() WHERE id = $1 AND settled_at IS NULL`, id)
	if err != nil {
		return false, fmt.Errorf("settling node %s: %w", id, err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM relay_slots WHERE node_id = $1`, id); err != nil {
		return false, fmt.Errorf("giving back the connections of node %s: %w", id, err)
	}
	// Old rows are of no use to anyone; journals that turn up later are matched by the id in the ledger.
	if _, err := tx.Exec(ctx, `DELETE FROM nodes WHERE settled_at < now() - interval '30 days'`); err != nil {
		return false, fmt.Errorf("clearing old nodes: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}
