package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// How far the end of an idle session is let slip before it is written: without this, every request would write.
const sessionTouch = 5 * time.Minute

// sessionStore keeps sessions in Postgres. The methods without a context are only there because scs.Store has them; scs calls the others.
type sessionStore struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// FindCtx gives the data of a session that has not ended.
func (s *sessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	var data []byte
	err := s.pool.QueryRow(ctx, `SELECT data FROM sessions WHERE token = $1 AND expiry > $2`, token, s.now()).Scan(&data)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reading a session: %w", err)
	}
	return data, true, nil
}

// CommitCtx stores a session. One that only got a little older is not written again. One that ended while the request was running stays ended: a request
// that is answered after the sign-out must not bring the session back.
func (s *sessionStore) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	sql := `UPDATE sessions SET data = $2, expiry = $3 WHERE token = $1 AND (data <> $2 OR expiry < $4)`
	if r, err := sessionOf(ctx); err != nil || r.started {
		sql = `
			INSERT INTO sessions AS s (token, data, expiry) VALUES ($1, $2, $3)
			ON CONFLICT (token) DO UPDATE SET data = excluded.data, expiry = excluded.expiry
			WHERE s.data <> excluded.data OR s.expiry < $4`
	}
	if _, err := s.pool.Exec(ctx, sql, token, data, expiry, expiry.Add(-sessionTouch)); err != nil {
		return fmt.Errorf("keeping a session: %w", err)
	}
	return nil
}

// DeleteCtx removes a session; one that is not there is no error.
func (s *sessionStore) DeleteCtx(ctx context.Context, token string) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM sessions WHERE token = $1`, token); err != nil {
		return fmt.Errorf("deleting a session: %w", err)
	}
	return nil
}

// Find is FindCtx without a deadline.
func (s *sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx without a deadline.
func (s *sessionStore) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx without a deadline.
func (s *sessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }
