package audience

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

const (
	// countLive is with how many suppressions the suppressed people of lists are still counted each time they are asked for.
	countLive = 5_000
	// recountAfter is the least time between two counts in the background, and recountShare how many times as long as the last one took.
	recountAfter = time.Minute
	recountShare = 50
	// lateSuppression is how long after its time a suppression may be committed.
	lateSuppression = 10 * time.Minute
)

// suppressedCount says when the suppressed people were last counted, and up to which id.
type suppressedCount struct {
	At      time.Time
	LastID  int64
	Took    time.Duration
	Changes int64
}

// lastSuppressedCount gives the last count; counted is false when there was none.
func lastSuppressedCount(ctx context.Context, db pg.DB) (c suppressedCount, counted bool, err error) {
	var seconds float64
	err = db.QueryRow(ctx, `SELECT at, last_id, EXTRACT(epoch FROM took)::float8, changes FROM suppressed_counted`).Scan(&c.At, &c.LastID, &seconds, &c.Changes)
	if errors.Is(err, pgx.ErrNoRows) {
		return c, false, nil
	}
	c.Took = time.Duration(seconds * float64(time.Second))
	return c, err == nil, err
}

// suppressedLive reports whether the suppressions are so few that their people can be counted while somebody waits. A domain may stand for anybody.
func (s *Service) suppressedLive(ctx context.Context, db pg.DB) (bool, error) {
	var (
		all     int64
		domains bool
		pages   int64
	)
	err := db.QueryRow(ctx, `SELECT count(*), COALESCE(bool_or(email_key LIKE '@%'), false), pg_relation_size('subscribers') / current_setting('block_size')::bigint
		FROM (SELECT email_key FROM suppressions LIMIT $1) x`, s.limits.live+1).Scan(&all, &domains, &pages)
	return all <= s.limits.live && (!domains || pages <= s.limits.small), err
}

// countSuppressed counts the subscribed people of lists whose address or domain is suppressed. With many suppressions the figures are of the last count, some minutes old.
func (s *Service) countSuppressed(ctx context.Context, db pg.DB, listIDs []int64) (map[int64]int64, error) {
	live, err := s.suppressedLive(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("counting suppressed people: %w", err)
	}
	_, counted, err := lastSuppressedCount(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("counting suppressed people: %w", err)
	}
	sql := `SELECT list_id, subscribed FROM list_suppressed WHERE list_id = ANY ($1)`
	if live || !counted {
		// Each is looked up by key: without statistics the planner would read all people, and all subscriptions, for a handful of suppressions.
		sql = `SELECT s.list_id, count(*) FROM (` + suppressedIDs + `) p,
			LATERAL (SELECT list_id FROM subscriptions WHERE subscriber_id = p.id AND status = 'subscribed' AND list_id = ANY ($1) OFFSET 0) s GROUP BY s.list_id`
	}
	rows, err := db.Query(ctx, sql, listIDs)
	if err != nil {
		return nil, fmt.Errorf("counting suppressed people: %w", err)
	}
	counts := map[int64]int64{}
	var list, n int64
	_, err = pgx.ForEachRow(rows, []any{&list, &n}, func() error { counts[list] = n; return nil })
	if err != nil {
		return nil, fmt.Errorf("counting suppressed people: %w", err)
	}
	return counts, nil
}

// suppressedIDs is a query for the ids of all people whose address or domain is suppressed, each once.
const suppressedIDs = `
	SELECT u.id FROM suppressions x, LATERAL (SELECT id FROM subscribers WHERE email_key = x.email_key OFFSET 0) u
	UNION
	SELECT u.id FROM subscribers u WHERE EXISTS (SELECT FROM suppressions WHERE email_key LIKE '@%')
		AND (SELECT true FROM suppressions x WHERE x.email_key = '@' || split_part(u.email_key, '@', -1)) IS NOT NULL`

// recountSuppressed counts the suppressed people anew when they are too many to be counted live and something has changed since the last time.
func (s *Service) recountSuppressed(ctx context.Context) error {
	live, err := s.suppressedLive(ctx, s.pool)
	if err != nil || live {
		return err
	}
	var changes int64
	err = s.pool.QueryRow(ctx, `SELECT COALESCE(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint FROM pg_stat_user_tables
		WHERE relname IN ('suppressions', 'subscriptions', 'subscribers')`).Scan(&changes)
	if err != nil {
		return fmt.Errorf("looking for changes of people: %w", err)
	}
	last, counted, err := lastSuppressedCount(ctx, s.pool)
	if err != nil {
		return err
	}
	if counted && (last.Changes == changes || s.now().Sub(last.At) < max(recountAfter, recountShare*last.Took)) {
		return nil
	}
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error { return s.recountSuppressedTx(ctx, tx, changes) })
}

func (s *Service) recountSuppressedTx(ctx context.Context, tx pgx.Tx, changes int64) error {
	began := time.Now()
	for _, sql := range []string{
		`SET LOCAL jit = off`,
		`SET LOCAL work_mem = '64MB'`,
		`LOCK TABLE suppressed_counted IN SHARE ROW EXCLUSIVE MODE`,
		`CREATE TEMP TABLE suppressed_now ON COMMIT DROP AS
			SELECT u.id FROM subscribers u JOIN suppressions x ON x.email_key = u.email_key
			UNION SELECT u.id FROM subscribers u JOIN (SELECT email_key FROM suppressions WHERE email_key LIKE '@%') x ON x.email_key = '@' || split_part(u.email_key, '@', -1)`,
		`ANALYZE suppressed_now`,
		`DELETE FROM suppressed_people p WHERE NOT EXISTS (SELECT FROM suppressed_now n WHERE n.id = p.subscriber_id)`,
		`INSERT INTO suppressed_people (subscriber_id) SELECT n.id FROM suppressed_now n WHERE NOT EXISTS (SELECT FROM suppressed_people p WHERE p.subscriber_id = n.id)`,
		`DELETE FROM list_suppressed`,
		`INSERT INTO list_suppressed (list_id, subscribed) SELECT s.list_id, count(*) FROM suppressed_now n JOIN subscriptions s ON s.subscriber_id = n.id
			WHERE s.status = 'subscribed' GROUP BY s.list_id`,
	} {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return fmt.Errorf("counting suppressed people: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO suppressed_counted (at, last_id, took, changes) SELECT $1, COALESCE(max(id), 0), $2, $3 FROM subscribers
		ON CONFLICT (one) DO UPDATE SET at = excluded.at, last_id = excluded.last_id, took = excluded.took, changes = excluded.changes`,
		s.clock(), time.Since(began), changes)
	if err != nil {
		return fmt.Errorf("counting suppressed people: %w", err)
	}
	return nil
}
