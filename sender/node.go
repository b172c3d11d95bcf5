package sender

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/pg"
)

// DefaultLease is how long a node's lease lasts. All nodes of an installation have the same.
const DefaultLease = 30 * time.Second

// lease is how long a node may work without word from the database. It is renewed six times in its length. A node sends only while it has more than the
// margin left, and another node may settle its work only when the lease has been over for as long as it lasted: by then the silent node has long stopped.
type lease time.Duration

func (l lease) length() time.Duration   { return time.Duration(l) }
func (l lease) renew() time.Duration    { return time.Duration(l) / 6 }
func (l lease) margin() time.Duration   { return time.Duration(l) / 6 }
func (l lease) takeover() time.Duration { return time.Duration(l) }

// Node is this process as one of those that send. Its identity is new at each start.
type Node struct {
	ID     string
	lease  lease
	pool   *pgxpool.Pool
	logger *slog.Logger
	now    func() time.Time
	// leaseUntil in unix nanoseconds by our own clock: counted from before the renewal was sent, so it ends no later than the database's.
	leaseUntil atomic.Int64
	// others is whether other processes send too, as of the last renewal.
	others atomic.Bool
	// steadySince is when the lease began to be renewed without a gap.
	steadySince atomic.Int64
	// stop is the stop of everything that holds, as of the last look; nil is none.
	stop atomic.Pointer[Stop]
}

// errSettled ends a process whose work another one has taken over.
var errSettled = errors.New("this process was silent for so long that its work was taken over; it ends so that it can start anew")

// StartNode registers the process with a lease of the given length; 0 is DefaultLease. It must be kept alive by Run.
func StartNode(ctx context.Context, pool *pgxpool.Pool, length time.Duration, logger *slog.Logger, now func() time.Time) (*Node, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	if length == 0 {
		length = DefaultLease
	}
	n := &Node{lease: lease(length), pool: pool, logger: logger, now: now}
	asked := now()
	err = pool.QueryRow(ctx, `
		INSERT INTO nodes (id, host, pid, lease_until) VALUES (gen_random_uuid(), $1, $2, now() + $3)
		RETURNING id::text`, host, os.Getpid(), length).Scan(&n.ID)
	if err != nil {
		return nil, fmt.Errorf("registering this node: %w", err)
	}
	n.steadySince.Store(asked.UnixNano())
	n.leaseUntil.Store(asked.Add(n.lease.length()).UnixNano())
	n.LookForStop(ctx)
	return n, nil
}

// Run renews the lease and looks for a stop of everything until ctx ends. It fails when somebody else has settled this node: nothing it does counts any more. It does not give the lease
// back: SettleNodeTx does, after everything in flight is accounted for.
func (n *Node) Run(ctx context.Context) error {
	tick, look := time.NewTicker(n.lease.renew()), time.NewTicker(stopEvery)
	defer tick.Stop()
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			n.LookForStop(ctx)
		case <-tick.C:
			if err := n.Renew(ctx); err != nil {
				return err
			}
		}
	}
}

// Renew extends the lease once. Run does so regularly. A database that is away is no error: the lease ends by itself and begins again.
func (n *Node) Renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, n.lease.renew())
	defer cancel()
	asked := n.now()
	// A node that somebody else has settled in the meantime must not come back to life: what it held is no longer its own.
	var others bool
	err := n.pool.QueryRow(ctx, `
		UPDATE nodes SET lease_until = now() + $2 WHERE id = $1 AND settled_at IS NULL
		RETURNING EXISTS (SELECT FROM nodes o WHERE o.id <> $1 AND o.settled_at IS NULL AND o.lease_until > now())`, n.ID, n.lease.length()).Scan(&others)
	if errors.Is(err, pgx.ErrNoRows) {
		n.leaseUntil.Store(0)
		return errSettled
	}
	if err != nil {
		n.logger.Warn("the node's lease could not be renewed", "error", err)
		return nil
	}
	n.others.Store(others)
	if asked.UnixNano() > n.leaseUntil.Load() {
		n.steadySince.Store(asked.UnixNano())
	}
	n.leaseUntil.Store(asked.Add(n.lease.length()).UnixNano())
	return nil
}

// MayJudge reports whether the node has been in touch with the database for so long that others, had they been cut off together with it, would
// have renewed their leases by now. Only then is the silence of another node a sign of its death and not of the database's.
func (n *Node) MayJudge() bool {
	now := n.now().UnixNano()
	return now < n.leaseUntil.Load() && now-n.steadySince.Load() >= int64(n.lease.takeover())
}

// MaySend reports whether the lease is good for a while yet. It is asked before each MAIL: a process that was stopped for minutes and goes on
// (a laptop that slept, SIGSTOP) must not send what another node has taken over.
func (n *Node) MaySend() bool {
	return n.now().UnixNano() < n.leaseUntil.Load()-int64(n.lease.margin())
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
		FROM nodes WHERE settled_at IS NULL AND lease_until > now() ORDER BY started_at`, DefaultLease)
}

// Silent lists the other nodes that are not settled and whose lease ended so long ago that their work may be taken over.
func (n *Node) Silent(ctx context.Context) ([]string, error) {
	rows, err := n.pool.Query(ctx, `
		SELECT id::text FROM nodes WHERE settled_at IS NULL AND id <> $2 AND lease_until < now() - $1::interval ORDER BY lease_until`, n.lease.takeover(), n.ID)
	if err != nil {
		return nil, fmt.Errorf("looking for silent nodes: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// nodeFence is the key of the advisory lock that keeps claims and the settling of a node apart.
const nodeFence = `hashtextextended('postrider node ' || $1::text, 0)`

// FenceTx lets the transaction claim for the node: until it ends nobody can settle the node, and a node that is settled cannot claim, so that no claim
// comes to light after the settling has looked. It reports false for a settled node. It is an advisory lock and no row lock because those who renew
// the lease would otherwise wait behind an unbroken line of claims.
func FenceTx(ctx context.Context, tx pgx.Tx, id string) (bool, error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared(`+nodeFence+`)`, id); err != nil {
		return false, fmt.Errorf("fencing node %s: %w", id, err)
	}
	// A statement of its own, so that it sees what was committed before the lock was given.
	var alive bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM nodes WHERE id = $1 AND settled_at IS NULL)`, id).Scan(&alive)
	if err != nil {
		return false, fmt.Errorf("looking at node %s: %w", id, err)
	}
	return alive, nil
}

// SettleNodeTx marks a node as accounted for, gives its connections and shares back and takes back the trouble that it told of relays. It waits for claims under
// way. It reports false when somebody did so before.
func SettleNodeTx(ctx context.Context, tx pgx.Tx, id string) (bool, error) {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(`+nodeFence+`)`, id); err != nil {
		return false, fmt.Errorf("fencing node %s: %w", id, err)
	}
	tag, err := tx.Exec(ctx, `UPDATE nodes SET settled_at = now() WHERE id = $1 AND settled_at IS NULL`, id)
	if err != nil {
		return false, fmt.Errorf("settling node %s: %w", id, err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM relay_slots WHERE node_id = $1`, id); err != nil {
		return false, fmt.Errorf("giving back the connections of node %s: %w", id, err)
	}
	// What is recorded for it from here on counts as used, and nothing of the rest is used any more.
	if _, err := tx.Exec(ctx, `DELETE FROM relay_claims WHERE node_id = $1`, id); err != nil {
		return false, fmt.Errorf("giving back the shares of node %s: %w", id, err)
	}
	if err := ForgetSiteClaimsTx(ctx, tx, id); err != nil {
		return false, err
	}
	if err := forgetTroubleTx(ctx, tx, id); err != nil {
		return false, err
	}
	// Old rows are of no use to anyone; journals that turn up later are matched by the id in the ledger.
	if _, err := tx.Exec(ctx, `DELETE FROM nodes WHERE settled_at < now() - interval '30 days'`); err != nil {
		return false, fmt.Errorf("clearing old nodes: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}
