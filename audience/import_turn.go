package audience

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// Advisory locks. Batches of two imports at once would lock the same people in different orders, and an import holds those whom it puts on its list by no lock of theirs. So
// an import holds turnLock for as long as it merges batches, and whoever deletes people or changes many of them takes their turn too. The transactions of the batches
// are others than the one that holds the turn. In case they outlive it, each holds mergeLock, shared.
const (
	turnLock  = 0x706f7374_0002
	mergeLock = 0x706f7374_0001
)

// mergeTurn waits until no import merges anything, and keeps it so until the transaction ends.
func mergeTurn(ctx context.Context, tx pgx.Tx) error {
	for _, lock := range []int64{turnLock, mergeLock} {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, lock); err != nil {
			return fmt.Errorf("waiting for the imports: %w", err)
		}
	}
	return nil
}

// shareTurn keeps people from being deleted until the transaction ends.
func shareTurn(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock_shared($1)`, int64(mergeLock)); err != nil {
		return fmt.Errorf("waiting for the imports: %w", err)
	}
	return nil
}

// turnWanted says whether somebody waits for the turn that this transaction has.
func turnWanted(ctx context.Context, tx pgx.Tx) (bool, error) {
	var wanted bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint << 32 | objid::bigint = $1 AND objsubid = 1 AND NOT granted
		AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`, int64(turnLock)).Scan(&wanted)
	if err != nil {
		return false, fmt.Errorf("looking who waits for the imports: %w", err)
	}
	return wanted, nil
}

// mergeLanes is how many batches are merged side by side. A connection keeps one core of the database busy.
const mergeLanes = 2

// defaultLockWait is how long a batch waits for a lock. Of batches that wait for one another and for somebody else the database does not know that none of them can go on.
const defaultLockWait = 10 * time.Second

// merging is a batch that is merged. Two are at once, but ids are given and transactions committed in the order of the file.
type merging struct {
	*batch
	before           *merging // nil when there is nothing to wait for
	numbered, merged chan struct{}
}

func newMerging(b *batch, before *merging) *merging {
	return &merging{batch: b, before: before, numbered: make(chan struct{}), merged: make(chan struct{})}
}

func (m *merging) isNumbered() {
	select {
	case <-m.numbered: // before a collision
	default:
		close(m.numbered)
	}
}

func (m *merging) isMerged() {
	m.before = nil // so that a long import is no long chain
	close(m.merged)
}

// turnToNumber waits until the batch before has its ids.
func (m *merging) turnToNumber(ctx context.Context) error {
	if m.before == nil {
		return nil
	}
	return waitFor(ctx, m.before.numbered)
}

// turnToCommit waits until the batch before is committed.
func (m *merging) turnToCommit(ctx context.Context) error {
	if m.before == nil {
		return nil
	}
	return waitFor(ctx, m.before.merged)
}

func waitFor(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// meets says that two batches are about the same person.
func (b *batch) meets(other *batch) bool {
	for key := range b.byKey {
		if _, both := other.byKey[key]; both {
			return true
		}
	}
	return false
}

// mergeAll merges batches until there are no more, and gives the turn away whenever somebody waits for it.
func (s *Service) mergeAll(ctx context.Context, imp Import, batches <-chan *batch, p *pace) error {
	for more := true; more; {
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(turnLock)); err != nil {
				return fmt.Errorf("waiting for the turn: %w", err)
			}
			var err error
			more, err = s.mergeInTurn(ctx, tx, imp, batches, p)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mergeInTurn merges batches until there are no more, or somebody else waits for the turn that the transaction has.
func (s *Service) mergeInTurn(ctx context.Context, turn pgx.Tx, imp Import, batches <-chan *batch, p *pace) (more bool, err error) {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(mergeLanes)
	var (
		last   *merging
		wanted bool
	)
	for b := range batches {
		if b.rows == 0 {
			continue
		}
		m := newMerging(b, last)
		if last != nil && b.meets(last.batch) {
			if err = m.turnToCommit(ctx); err != nil {
				break
			}
		}
		g.Go(func() error {
			began := time.Now()
			if err := s.commit(ctx, imp, m); err != nil {
				return err
			}
			p.took(time.Since(began))
			return nil
		})
		last = m
		if wanted, err = turnWanted(ctx, turn); err != nil || wanted {
			break
		}
	}
	if failed := g.Wait(); failed != nil {
		err = failed // the reason why the loop ended, too
	}
	return wanted, err
}
