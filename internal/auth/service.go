package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Service is the way to everything in this package. It is safe for concurrent use.
type Service struct {
	pool     *pgxpool.Pool
	now      func() time.Time
	hasher   *hasher
	sessions *sessions
}

// New makes the service. now is the clock.
func New(pool *pgxpool.Pool, now func() time.Time) *Service {
	return &Service{pool: pool, now: now, hasher: newHasher(), sessions: newSessions(pool, now)}
}

// Cleanup deletes ended sessions and sign-in counters that no longer matter. It is meant to be called now and then; skipping it harms nothing but
// disk space.
func (s *Service) Cleanup(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM sessions WHERE expiry < $1`, s.now()); err != nil {
		return fmt.Errorf("deleting ended sessions: %w", err)
	}
	if _, err := s.pool.Exec(ctx, `DELETE FROM login_attempts WHERE window_start < $1`, s.now().Add(-attemptWindow)); err != nil {
		return fmt.Errorf("deleting old sign-in counters: %w", err)
	}
	return nil
}
