package campaigns

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// abTestRow is a test as one value of SQL.
type abTestRow struct {
	SamplePercent int            `json:"sample_percent"`
	Metric        string         `json:"metric"`
	WaitMinutes   int            `json:"wait_minutes"`
	MinSample     int            `json:"min_sample"`
	NoWinner      string         `json:"no_winner"`
	Seed          *int64         `json:"seed"`
	SentAt        *time.Time     `json:"sent_at"`
	AskedAt       *time.Time     `json:"asked_at"`
	DecidedAt     *time.Time     `json:"decided_at"`
	Winner        *int16         `json:"winner"`
	Variants      []abVariantRow `json:"variants"`
}

type abVariantRow struct {
	Subject   *string `json:"subject"`
	Preheader *string `json:"preheader"`
	FromName  *string `json:"from_name"`
	HTML      *string `json:"html"`
	Text      *string `json:"text"`
}

// abTestSQL is the abTestRow of campaign c, NULL when it has no test.
const abTestSQL = `(
	SELECT jsonb_build_object('sample_percent', t.sample_percent, 'metric', t.metric, 'wait_minutes', t.wait_minutes, 'min_sample', t.min_sample, 'no_winner', t.no_winner,
		'seed', t.seed, 'sent_at', t.sent_at, 'asked_at', t.asked_at, 'decided_at', t.decided_at, 'winner', t.winner, 'variants', ARRAY(
			SELECT jsonb_build_object('subject', v.subject, 'preheader', v.preheader, 'from_name', v.from_name, 'html', v.html, 'text', v.text)
			FROM campaign_variants v WHERE v.campaign_id = t.campaign_id ORDER BY v.n))
	FROM campaign_ab_tests t WHERE t.campaign_id = c.id)`

func (r *abTestRow) test() *ABTest {
	if r == nil {
		return nil
	}
	t := &ABTest{SamplePercent: r.SamplePercent, Metric: r.Metric, WaitMinutes: r.WaitMinutes, MinSample: r.MinSample, NoWinner: r.NoWinner, Variants: make([]Variant, len(r.Variants))}
	for i, v := range r.Variants {
		t.Variants[i] = Variant(v)
	}
	return t
}

func (r *abTestRow) run() *ABRun {
	if r == nil || r.Seed == nil {
		return nil
	}
	return &ABRun{Seed: *r.Seed, SentAt: r.SentAt, AskedAt: r.AskedAt, DecidedAt: r.DecidedAt, Winner: r.Winner}
}

// setTest writes the test of a campaign that has not started.
func setTest(ctx context.Context, tx pgx.Tx, id int64, t *ABTest) error {
	err := exec(ctx, tx, `WITH v AS (DELETE FROM campaign_variants WHERE campaign_id = $1) DELETE FROM campaign_ab_tests WHERE campaign_id = $1`, id)
	if err != nil || t == nil {
		return err
	}
	err = exec(ctx, tx, `
		INSERT INTO campaign_ab_tests (campaign_id, sample_percent, metric, wait_minutes, min_sample, no_winner) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, t.SamplePercent, t.Metric, t.WaitMinutes, t.MinSample, t.NoWinner)
	if err != nil {
		return err
	}
	for i, v := range t.Variants {
		err := exec(ctx, tx, `
			INSERT INTO campaign_variants (campaign_id, n, subject, preheader, from_name, html, text) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			id, i+1, v.Subject, v.Preheader, v.FromName, v.HTML, v.Text)
		if err != nil {
			return err
		}
	}
	return nil
}

// lockRun reads where the test of a campaign stands that the transaction has locked; nil when it has none, or has not started. Whoever changes it holds the campaign.
func lockRun(ctx context.Context, tx pgx.Tx, id int64) (*ABRun, error) {
	rows, err := pg.Many[ABRun](ctx, tx, "the A/B test", `
		SELECT seed, sent_at, asked_at, decided_at, winner FROM campaign_ab_tests WHERE campaign_id = $1 AND seed IS NOT NULL FOR UPDATE`, id)
	if err != nil {
		return nil, fmt.Errorf("locking campaign %d: %w", id, err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return &rows[0], nil
}
