package hooksource

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

type topicRow struct {
	SourceID int64
	ARN      string `db:"arn"`
	AskedAt  time.Time

	AcceptedAt, ConfirmedAt *time.Time
	Problem                 *string
}

func (r topicRow) topic() Topic {
	return Topic{ARN: r.ARN, AskedAt: r.AskedAt, AcceptedAt: r.AcceptedAt, ConfirmedAt: r.ConfirmedAt, Problem: r.Problem}
}

// topicsOf gives the topics of one source, or with 0 of all, by source.
func topicsOf(ctx context.Context, db pg.DB, id int64) (map[int64][]Topic, error) {
	rows, err := pg.Many[topicRow](ctx, db, "topics of webhooks", `
		SELECT source_id, arn, asked_at, accepted_at, confirmed_at, problem FROM webhook_topics WHERE $1 = 0 OR source_id = $1 ORDER BY asked_at, arn`, id)
	if err != nil {
		return nil, err
	}
	all := map[int64][]Topic{}
	for _, row := range rows {
		all[row.SourceID] = append(all[row.SourceID], row.topic())
	}
	return all, nil
}

// putTopic notes that a topic asks. Whether it was accepted stays as it is.
func putTopic(ctx context.Context, db pg.DB, id int64, arn string, url []byte, now time.Time) error {
	_, err := db.Exec(ctx, `
		INSERT INTO webhook_topics (source_id, arn, subscribe_url, asked_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (source_id, arn) DO UPDATE SET subscribe_url = EXCLUDED.subscribe_url, problem = NULL`, id, arn, url, now)
	if err != nil {
		return fmt.Errorf("noting a topic of webhook %d: %w", id, err)
	}
	return nil
}

// acceptTopic lets a topic in and gives its sealed address, nil when it has not asked since it was confirmed.
func acceptTopic(ctx context.Context, db pg.DB, id int64, arn string, now time.Time) (url []byte, err error) {
	err = db.QueryRow(ctx, `
		UPDATE webhook_topics SET accepted_at = COALESCE(accepted_at, $3) WHERE source_id = $1 AND arn = $2 RETURNING subscribe_url`, id, arn, now).Scan(&url)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errs.New(errs.NotFound, "no such topic has asked to send to webhook %d", id)
	}
	if err != nil {
		return nil, fmt.Errorf("accepting a topic of webhook %d: %w", id, err)
	}
	return url, nil
}

func topicConfirmed(ctx context.Context, db pg.DB, id int64, arn string, now time.Time) error {
	_, err := db.Exec(ctx, `
		UPDATE webhook_topics SET confirmed_at = $3, subscribe_url = NULL, problem = NULL WHERE source_id = $1 AND arn = $2`, id, arn, now)
	if err != nil {
		return fmt.Errorf("confirming a topic of webhook %d: %w", id, err)
	}
	return nil
}

func topicProblem(ctx context.Context, db pg.DB, id int64, arn, text string) error {
	if _, err := db.Exec(ctx, `UPDATE webhook_topics SET problem = $3 WHERE source_id = $1 AND arn = $2`, id, arn, text); err != nil {
		return fmt.Errorf("noting the problem of a topic of webhook %d: %w", id, err)
	}
	return nil
}

// topicEnded notes that a topic sends nothing more.
func topicEnded(ctx context.Context, db pg.DB, id int64, arn, text string) error {
	if _, err := db.Exec(ctx, `UPDATE webhook_topics SET confirmed_at = NULL, problem = $3 WHERE source_id = $1 AND arn = $2`, id, arn, text); err != nil {
		return fmt.Errorf("noting the end of a topic of webhook %d: %w", id, err)
	}
	return nil
}

func deleteTopic(ctx context.Context, db pg.DB, id int64, arn string) error {
	tag, err := db.Exec(ctx, `DELETE FROM webhook_topics WHERE source_id = $1 AND arn = $2`, id, arn)
	if err != nil {
		return fmt.Errorf("removing a topic of webhook %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.NotFound, "no such topic has asked to send to webhook %d", id)
	}
	return nil
}
