package settings

import (
	"context"
	"fmt"

	"postrider/internal/errs"
)

// keyRow remembers which secret key the stored secrets were encrypted with. It is no setting and Get leaves it out.
const keyRow = "secret_key_fingerprint"

// CheckKey compares the fingerprint of the secret key with the one that this database was used with before; the first one is remembered. With another key
// relay passwords and DKIM keys could not be opened and every link in mail already sent would be dead, so a wrong one stops the program.
func (s *Service) CheckKey(ctx context.Context, fingerprint string) error {
	var known string
	err := s.pool.QueryRow(ctx, `
		WITH ins AS (INSERT INTO settings (key, value) VALUES ($1, to_jsonb($2::text)) ON CONFLICT (key) DO NOTHING RETURNING value #>> '{}' AS v)
		SELECT v FROM ins UNION ALL SELECT value #>> '{}' FROM settings WHERE key = $1 LIMIT 1`, keyRow, fingerprint).Scan(&known)
	if err != nil {
		return fmt.Errorf("checking the secret key: %w", err)
	}
	if known != fingerprint {
		return errs.New(errs.Conflict, "the secret key (%s) is not the one that this database was set up with (%s): give the earlier one in POSTRIDER_SECRET_KEY "+
			"or as secret.key in the data folder", fingerprint, known)
	}
	return nil
}
