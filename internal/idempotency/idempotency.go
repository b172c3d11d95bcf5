// Package idempotency remembers the answers of requests that carried an Idempotency-Key, so that a client that never got its answer can ask again
// without the work being done twice.
//
// It owns the table idempotency_keys. An entry without a status belongs to a request that is still running, or that died.
package idempotency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/errs"
)

const (
	// Keep is how long an answer is remembered.
	Keep = 24 * time.Hour
	// Stale is after what time a request without an answer counts as dead, so that its key is free for a retry. Requests with a key must end sooner.
	Stale = time.Minute
)

// Answer is what the first request was told.
type Answer struct {
	Status      int
	ContentType string
	Body        []byte
}

// Claim is the right to do the work of a key. Its time tells it from a later claim of the same key.
type Claim struct {
	principal, key string
	at             time.Time
}

// Store keeps keys and answers. It is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// New makes a store. now is the clock.
func New(pool *pgxpool.Pool, now func() time.Time) *Store { return &Store{pool: pool, now: now} }

// Begin claims the key for a request. done is true when the work was done before: then answer is what to say again. Otherwise the caller does the work
// and ends the claim with Finish or Abandon. Errors: Conflict when the key was used for another request, or when the first one is still running.
func (s *Store) Begin(ctx context.Context, principal, key string, requestHash []byte) (claim Claim, answer Answer, done bool, err error) {
	// The row that stood in the way can be gone when it is looked at; a few rounds settle it.
	for range 5 {
		claim = Claim{principal: principal, key: key, at: s.now().UTC().Truncate(time.Microsecond)}
		claimed, err := s.claim(ctx, claim, requestHash)
		if err != nil || claimed {
			return claim, Answer{}, false, err
		}
		answer, err = s.stored(ctx, principal, key, requestHash)
		if errors.Is(err, pgx.ErrNoRows) {
			continue
		}
		return Claim{}, answer, err == nil, err
	}
	return Claim{}, Answer{}, false, errRunning()
}

func errRunning() error {
	return errs.New(errs.Conflict, "a request with this Idempotency-Key is still running: wait for it, then ask again")
}

// claim takes a key that is new, expired, or left behind by a request that died.
func (s *Store) claim(ctx context.Context, c Claim, hash []byte) (bool, error) {
	tag, err := s.pool.Exec(ctx, `
		INSERT INTO idempotency_keys AS k (principal, key, request_hash, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (principal, key) DO UPDATE
		SET request_hash = excluded.request_hash, created_at = excluded.created_at, status = NULL, content_type = NULL, body = NULL
		WHERE k.created_at <= $5 OR (k.status IS NULL AND k.created_at <= $6 AND k.request_hash = excluded.request_hash)`,
		c.principal, c.key, hash, c.at, c.at.Add(-Keep), c.at.Add(-Stale))
	if err != nil {
		return false, fmt.Errorf("claiming an idempotency key: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

func (s *Store) stored(ctx context.Context, principal, key string, hash []byte) (Answer, error) {
	var first, body []byte
	var status *int
	var contentType *string
	err := s.pool.QueryRow(ctx, `SELECT request_hash, status, content_type, body FROM idempotency_keys WHERE principal = $1 AND key = $2`,
		principal, key).Scan(&first, &status, &contentType, &body)
	if err != nil {
		return Answer{}, fmt.Errorf("reading an idempotency key: %w", err)
	}
	if !bytes.Equal(first, hash) {
		return Answer{}, errs.New(errs.Conflict, "this Idempotency-Key was used for another request: use a new one")
	}
	if status == nil {
		return Answer{}, errRunning()
	}
	a := Answer{Status: *status, Body: body}
	if contentType != nil {
		a.ContentType = *contentType
	}
	return a, nil
}

// Finish stores the answer. A claim that was taken over meanwhile is left alone.
func (s *Store) Finish(ctx context.Context, c Claim, a Answer) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE idempotency_keys SET status = $4, content_type = $5, body = $6
		WHERE principal = $1 AND key = $2 AND created_at = $3 AND status IS NULL`, c.principal, c.key, c.at, a.Status, a.ContentType, a.Body)
	if err != nil {
		return fmt.Errorf("storing the answer of an idempotency key: %w", err)
	}
	return nil
}

// Abandon frees the key: the request did nothing, and the same key may try again.
func (s *Store) Abandon(ctx context.Context, c Claim) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM idempotency_keys WHERE principal = $1 AND key = $2 AND created_at = $3 AND status IS NULL`,
		c.principal, c.key, c.at)
	if err != nil {
		return fmt.Errorf("freeing an idempotency key: %w", err)
	}
	return nil
}

// Cleanup deletes what has expired. It is meant to be called now and then; skipping it harms nothing but disk space.
func (s *Store) Cleanup(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM idempotency_keys WHERE created_at < $1`, s.now().Add(-Keep)); err != nil {
		return fmt.Errorf("deleting old idempotency keys: %w", err)
	}
	return nil
}
