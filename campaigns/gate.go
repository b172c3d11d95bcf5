package campaigns

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Gate keeps a part of a campaign's deliveries waiting in its ledger. A delivery without a gate is open from the start; one behind a gate is claimed only after that was opened,
// which it stays.
//
// Invariant: no claim takes a delivery behind a closed gate; deliveries are written behind a gate only together with it, or after it.
type Gate struct {
	Gate int16 // unique in its campaign; those of local times are above 0, that of the rest of an A/B test is 0
	// OpensAt is when it opens by itself. Without it something else opens it, by openGateTx; ExpectedAt is when, as far as it can be known, for forecasts.
	OpensAt, ExpectedAt, OpenedAt *time.Time
	People                        int // behind it when it was closed last
	Note                          string
}

// openSQL says of a delivery of campaign $1, with its alias, that no closed gate is before it. What it asks the table for is looked up once for each statement, and only when a row has
// a gate at all.
func openSQL(alias string) string {
	return `(` + alias + `.gate IS NULL OR ` + alias + `.gate = ANY (ARRAY (SELECT g.gate FROM campaign_gates g WHERE g.campaign_id = $1 AND g.opened_at IS NOT NULL)))`
}

// behindSQL counts the deliveries of campaign c that wait behind closed gates.
const behindSQL = `(SELECT COALESCE(sum(g.people), 0) FROM campaign_gates g WHERE g.campaign_id = c.id AND g.opened_at IS NULL)`

// firstOpenSQL finds the first delivery of campaign $1 from $2 on that a claim may take. Ranges begin there, so that a part that waits costs no job.
var firstOpenSQL = `SELECT min(q.seq) FROM deliveries q WHERE q.campaign_id = $1 AND q.seq >= $2 AND q.state = 0 AND ` + openSQL("q")

// firstOpenTx gives the first delivery from a number on that a claim may take, one past the last when there is none.
func firstOpenTx(ctx context.Context, tx pgx.Tx, id int64, from, recipients int32) (int32, error) {
	var first *int32
	if err := tx.QueryRow(ctx, firstOpenSQL, id, from).Scan(&first); err != nil {
		return 0, fmt.Errorf("looking for deliveries of campaign %d that may go: %w", id, err)
	}
	if first == nil {
		return recipients + 1, nil
	}
	return *first, nil
}

// addToGateTx writes a gate, or lets more people wait behind one that is there. Behind one that is open by now they wait for nothing.
func addToGateTx(ctx context.Context, tx pgx.Tx, id int64, g Gate) error {
	return exec(ctx, tx, `
		INSERT INTO campaign_gates AS g (campaign_id, gate, opens_at, expected_at, opened_at, people, note) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (campaign_id, gate) DO UPDATE SET people = g.people + excluded.people`,
		id, g.Gate, g.OpensAt, g.ExpectedAt, g.OpenedAt, g.People, g.Note)
}

// openGateTx opens a gate of a campaign that the transaction has locked, and has what waited behind it worked on. A paused campaign goes on with Resume.
func (s *Service) openGateTx(ctx context.Context, tx pgx.Tx, c Campaign, gate int16) error {
	tag, err := tx.Exec(ctx, `UPDATE campaign_gates SET opened_at = $3 WHERE campaign_id = $1 AND gate = $2 AND opened_at IS NULL`, c.ID, gate, s.d.Now())
	if err != nil {
		return fmt.Errorf("opening gate %d of campaign %d: %w", gate, c.ID, err)
	}
	if tag.RowsAffected() == 0 || c.Status != StatusRunning {
		return nil
	}
	return s.newRunTx(ctx, tx, c.ID)
}

// openGates opens the gates whose time has come.
func (s *Service) openGates(ctx context.Context) error {
	ids, err := collectIDs(ctx, s.d.Pool, `
		SELECT DISTINCT g.campaign_id FROM campaign_gates g JOIN campaigns c ON c.id = g.campaign_id
		WHERE g.opens_at <= $1 AND g.opened_at IS NULL AND c.status IN ('running', 'paused')`, s.d.Now())
	if err != nil {
		return err
	}
	var failed error
	for _, id := range ids {
		failed = errors.Join(failed, pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error { return s.openDueTx(ctx, tx, id) }))
	}
	return failed
}

// openDueTx opens all gates of a campaign whose time has come, and begins one run for them.
func (s *Service) openDueTx(ctx context.Context, tx pgx.Tx, id int64) error {
	c, err := lockCampaign(ctx, tx, id)
	if errs.Is(err, errs.NotFound) {
		return nil // it was deleted
	}
	if err != nil || c.Status != StatusRunning && c.Status != StatusPaused {
		return err
	}
	now := s.d.Now()
	tag, err := tx.Exec(ctx, `UPDATE campaign_gates SET opened_at = $2 WHERE campaign_id = $1 AND opens_at <= $2 AND opened_at IS NULL`, id, now)
	if err != nil {
		return fmt.Errorf("opening gates of campaign %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 || c.Status == StatusPaused {
		return nil
	}
	return s.newRunTx(ctx, tx, id)
}

// Gates gives the gates of a campaign in the order in which they open; those that wait for something else than a time come last.
func (s *Service) Gates(ctx context.Context, id int64) ([]Gate, error) {
	if _, err := s.Get(ctx, id); err != nil {
		return nil, err
	}
	return gatesOf(ctx, s.d.Pool, id)
}

func gatesOf(ctx context.Context, db pg.DB, id int64) ([]Gate, error) {
	return pg.Many[Gate](ctx, db, "gates", `
		SELECT gate, opens_at, expected_at, opened_at, people, note FROM campaign_gates WHERE campaign_id = $1 ORDER BY COALESCE(opens_at, expected_at) NULLS LAST, gate`, id)
}

// waiting tells how many deliveries wait behind closed gates and when the first of those opens, nil when that is not known.
func (s *Service) waiting(ctx context.Context, c Campaign, st *Stats) error {
	if c.Status != StatusRunning && c.Status != StatusPaused {
		return nil // nothing of it waits any more
	}
	err := s.d.Pool.QueryRow(ctx, `
		SELECT COALESCE(sum(people), 0)::bigint, min(COALESCE(opens_at, expected_at)) FROM campaign_gates WHERE campaign_id = $1 AND opened_at IS NULL`, c.ID).
		Scan(&st.Waiting, &st.NextOpensAt)
	if err != nil {
		return fmt.Errorf("reading the gates of campaign %d: %w", c.ID, err)
	}
	return nil
}
