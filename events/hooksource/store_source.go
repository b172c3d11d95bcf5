package hooksource

import (
	"context"
	"fmt"
	"time"

	"postrider/events/hooks"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// sourceRow is a source as it is read, with its secrets sealed.
type sourceRow struct {
	ID                         int64
	Provider, Name             string
	PathSecret, SigningKey     []byte
	Received, Reports, Refused int64
	LastReceivedAt             *time.Time
	LastError                  *string
	LastErrorAt                *time.Time
	CreatedAt, UpdatedAt       time.Time
}

func (r sourceRow) source() Source {
	return Source{
		ID: r.ID, Provider: hooks.Provider(r.Provider), Name: r.Name, HasKey: len(r.SigningKey) > 0, Received: r.Received, Reports: r.Reports, Refused: r.Refused,
		LastReceivedAt: r.LastReceivedAt, LastError: r.LastError, LastErrorAt: r.LastErrorAt, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
		Topics: []Topic{}, sealedKey: r.SigningKey,
	}
}

const sourceColumns = `id, provider, name, path_secret, signing_key, received, reports, refused, last_received_at, last_error, last_error_at, created_at, updated_at`

func listSources(ctx context.Context, db pg.DB) ([]sourceRow, error) {
	return pg.Many[sourceRow](ctx, db, "webhooks", `SELECT `+sourceColumns+` FROM webhook_sources ORDER BY lower(name), id`)
}

func getSource(ctx context.Context, db pg.DB, id int64) (sourceRow, error) {
	return pg.One[sourceRow](ctx, db, fmt.Sprintf("webhook %d", id), `SELECT `+sourceColumns+` FROM webhook_sources WHERE id = $1`, id)
}

// nextSource takes an id: the secrets are sealed for it before the row is there.
func nextSource(ctx context.Context, db pg.DB) (id int64, err error) {
	if err := db.QueryRow(ctx, `SELECT nextval(pg_get_serial_sequence('webhook_sources', 'id'))`).Scan(&id); err != nil {
		return 0, fmt.Errorf("taking the id of a webhook: %w", err)
	}
	return id, nil
}

func insertSource(ctx context.Context, db pg.DB, id int64, in Input, path, key []byte) error {
	_, err := db.Exec(ctx, `INSERT INTO webhook_sources (id, provider, name, path_secret, signing_key) VALUES ($1, $2, $3, $4, $5)`,
		id, string(in.Provider), in.Name, path, key)
	return sourceViolation(err, in.Name)
}

func updateSource(ctx context.Context, db pg.DB, id int64, name string, changeKey bool, key []byte) error {
	_, err := db.Exec(ctx, `
		UPDATE webhook_sources SET name = $2, signing_key = CASE WHEN $3 THEN $4 ELSE signing_key END, updated_at = now() WHERE id = $1`, id, name, changeKey, key)
	return sourceViolation(err, name)
}

func setPath(ctx context.Context, db pg.DB, id int64, path []byte) error {
	_, err := db.Exec(ctx, `UPDATE webhook_sources SET path_secret = $2, updated_at = now() WHERE id = $1`, id, path)
	if err != nil {
		return fmt.Errorf("renewing the address of webhook %d: %w", id, err)
	}
	return nil
}

func deleteSource(ctx context.Context, db pg.DB, id int64) error {
	tag, err := db.Exec(ctx, `DELETE FROM webhook_sources WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("deleting webhook %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.NotFound, "there is no webhook %d", id)
	}
	return nil
}

func sourceViolation(err error, name string) error {
	if err == nil {
		return nil
	}
	if pg.Violation(err) == "webhook_sources_name" {
		return &errs.E{Kind: errs.Conflict, Public: fmt.Sprintf("there is a webhook named %q already; choose another name", name),
			Fields: []errs.Field{{Name: "name", Message: "this name is taken"}}}
	}
	return fmt.Errorf("storing webhook %q: %w", name, err)
}

// countReceived notes a request that was taken.
func countReceived(ctx context.Context, db pg.DB, id int64, reports int, now time.Time) error {
	_, err := db.Exec(ctx, `
		UPDATE webhook_sources SET received = received + 1, reports = reports + $2, last_received_at = $3 WHERE id = $1`, id, reports, now)
	if err != nil {
		return fmt.Errorf("counting a request of webhook %d: %w", id, err)
	}
	return nil
}

// noteError notes why a request was not taken.
func noteError(ctx context.Context, db pg.DB, id int64, text string, now time.Time) error {
	_, err := db.Exec(ctx, `UPDATE webhook_sources SET refused = refused + 1, last_error = $2, last_error_at = $3 WHERE id = $1`, id, text, now)
	if err != nil {
		return fmt.Errorf("noting the error of webhook %d: %w", id, err)
	}
	return nil
}

// seenBody gives the hash of the request that carried a mark; pgx.ErrNoRows when none did.
func seenBody(ctx context.Context, db pg.DB, id int64, mark []byte, now time.Time) (body []byte, err error) {
	err = db.QueryRow(ctx, `SELECT body FROM webhook_seen WHERE source_id = $1 AND mark = $2 AND expires_at > $3`, id, mark, now).Scan(&body)
	if err != nil {
		return nil, fmt.Errorf("looking for an earlier request of webhook %d: %w", id, err)
	}
	return body, nil
}

// markSeen keeps the first body of a mark, until that has expired.
func markSeen(ctx context.Context, db pg.DB, id int64, mark, body []byte, until, now time.Time) error {
	_, err := db.Exec(ctx, `
		INSERT INTO webhook_seen (source_id, mark, body, expires_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (source_id, mark) DO UPDATE SET body = EXCLUDED.body, expires_at = EXCLUDED.expires_at WHERE webhook_seen.expires_at <= $5`,
		id, mark, body, until, now)
	if err != nil {
		return fmt.Errorf("marking a request of webhook %d: %w", id, err)
	}
	return nil
}

func forgetSeen(ctx context.Context, db pg.DB, now time.Time) error {
	if _, err := db.Exec(ctx, `DELETE FROM webhook_seen WHERE expires_at <= $1`, now); err != nil {
		return fmt.Errorf("forgetting old requests of webhooks: %w", err)
	}
	return nil
}
