package sources

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/safehttp"
)

// row is a row of source_copies.
type row struct {
	Kind         Kind       `db:"kind"`
	URL          string     `db:"url"`
	Body         []byte     `db:"body"`
	ContentType  string     `db:"content_type"`
	FinalURL     string     `db:"final_url"`
	Moved        bool       `db:"moved"`
	ETag         string     `db:"etag"`
	LastModified string     `db:"last_modified"`
	FetchedAt    *time.Time `db:"fetched_at"`
	Trouble      string     `db:"trouble"`
	FailingSince *time.Time `db:"failing_since"`
	Failures     int        `db:"failures"`
	TriedAt      time.Time  `db:"tried_at"`
	NextTryAt    *time.Time `db:"next_try_at"`
	AskedRest    *time.Time `db:"asked_rest"`
}

// good is the row of an answer.
func good(kind Kind, url string, a safehttp.Answer, now time.Time) row {
	return row{
		Kind: kind, URL: url, Body: a.Body, ContentType: a.ContentType, FinalURL: a.FinalURL, Moved: a.Moved, ETag: a.Validators.ETag, LastModified: a.Validators.LastModified, FetchedAt: &now, TriedAt: now,
	}
}

// find gives the row of a kind and address, an empty one when there is none.
func (s *Service) find(ctx context.Context, kind Kind, url string) (row, error) {
	const query = `
		SELECT kind, url, body, content_type, final_url, moved, etag, last_modified, fetched_at, trouble, failing_since, failures, tried_at, next_try_at, asked_rest
		FROM source_copies WHERE kind = $1 AND url = $2`
	rows, err := s.pool.Query(ctx, query, kind, url)
	if err != nil {
		return row{}, fmt.Errorf("reading the copy of a source: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
	if errors.Is(err, pgx.ErrNoRows) {
		return row{Kind: kind, URL: url}, nil
	}
	if err != nil {
		return row{}, fmt.Errorf("reading the copy of a source: %w", err)
	}
	return r, nil
}

// load is find for somebody who uses the copy: that is noted, once a day.
func (s *Service) load(ctx context.Context, kind Kind, url string, now time.Time) (row, error) {
	r, err := s.find(ctx, kind, url)
	if err != nil || r.TriedAt.IsZero() {
		return r, err
	}
	_, err = s.pool.Exec(ctx, `UPDATE source_copies SET used_at = $3 WHERE kind = $1 AND url = $2 AND used_at < $4`, kind, url, now, now.Add(-24*time.Hour))
	if err != nil {
		return row{}, fmt.Errorf("noting the use of a source: %w", err)
	}
	return r, nil
}

// saveGood keeps a good copy, unless another process has a newer one, and drops copies that nobody has used for long.
func (s *Service) saveGood(ctx context.Context, r row) error {
	_, err := s.pool.Exec(ctx, `
		INSERT INTO source_copies AS d (kind, url, body, content_type, final_url, moved, etag, last_modified, fetched_at, tried_at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9)
		ON CONFLICT (kind, url) DO UPDATE SET body = excluded.body, content_type = excluded.content_type, final_url = excluded.final_url, moved = excluded.moved, etag = excluded.etag,
			last_modified = excluded.last_modified, fetched_at = excluded.fetched_at, tried_at = excluded.tried_at, trouble = '', failing_since = NULL, failures = 0, next_try_at = NULL, asked_rest = NULL
		WHERE d.fetched_at IS NULL OR d.fetched_at <= excluded.fetched_at OR d.fetched_at > $10`,
		r.Kind, r.URL, r.Body, r.ContentType, r.FinalURL, r.Moved, r.ETag, r.LastModified, r.FetchedAt, r.FetchedAt.Add(ahead))
	if err != nil {
		return fmt.Errorf("keeping the copy of a source: %w", err)
	}
	if _, err := s.pool.Exec(ctx, `DELETE FROM source_copies WHERE used_at < $1`, r.TriedAt.Add(-keepUnused)); err != nil {
		return fmt.Errorf("dropping unused copies of sources: %w", err)
	}
	return nil
}

// saveFailure notes a failure, unless another process has been at the source since.
func (s *Service) saveFailure(ctx context.Context, r row) error {
	_, err := s.pool.Exec(ctx, `
		INSERT INTO source_copies AS d (kind, url, trouble, failing_since, failures, tried_at, next_try_at, asked_rest, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $6)
		ON CONFLICT (kind, url) DO UPDATE SET trouble = excluded.trouble, failing_since = LEAST(d.failing_since, excluded.failing_since), failures = excluded.failures,
			tried_at = excluded.tried_at, next_try_at = excluded.next_try_at, asked_rest = excluded.asked_rest
		WHERE d.tried_at <= excluded.tried_at OR d.tried_at > $9`,
		r.Kind, r.URL, r.Trouble, r.FailingSince, r.Failures, r.TriedAt, r.NextTryAt, r.AskedRest, r.TriedAt.Add(ahead))
	if err != nil {
		return fmt.Errorf("noting the failure of a source: %w", err)
	}
	return nil
}
