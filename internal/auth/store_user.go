package auth

import (
	"context"
	"fmt"
	"time"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

type userRow struct {
	ID           int64
	Email        string
	Name         string
	PasswordHash string
}

func (r userRow) user() User {
	return User{ID: r.ID, Email: r.Email, Name: r.Name, passwordHash: r.PasswordHash}
}

func userByID(ctx context.Context, db pg.DB, id int64) (User, error) {
	r, err := pg.One[userRow](ctx, db, fmt.Sprintf("user %d", id),
		`SELECT id, email, name, password_hash FROM users WHERE id = $1`, id)
	return r.user(), err
}

func userByEmail(ctx context.Context, db pg.DB, key string) (User, error) {
	r, err := pg.One[userRow](ctx, db, "user with this address",
		`SELECT id, email, name, password_hash FROM users WHERE email_key = $1`, key)
	return r.user(), err
}

// insertFirstUser needs a transaction: the lock lets one set-up at a time look whether there is a user, and lasts until commit. Readers do not wait.
func insertFirstUser(ctx context.Context, tx pg.DB, u *User, key string) error {
	if _, err := tx.Exec(ctx, `LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return fmt.Errorf("locking users: %w", err)
	}
	rows, err := pg.Many[struct{ ID int64 }](ctx, tx, "the new user", `
		INSERT INTO users (email, email_key, name, password_hash)
		SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM users)
		RETURNING id`, u.Email, key, u.Name, u.passwordHash)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errSetUp()
	}
	u.ID = rows[0].ID
	return nil
}

// updatePassword writes only over the hash that was checked, so that of two changes at the same time one fails.
func updatePassword(ctx context.Context, db pg.DB, u *User, hash string, now time.Time) error {
	tag, err := db.Exec(ctx, `UPDATE users SET password_hash = $3, updated_at = $4 WHERE id = $1 AND password_hash = $2`,
		u.ID, u.passwordHash, hash, now)
	if err != nil {
		return fmt.Errorf("changing a password: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.Conflict, "the password was changed at the same time from somewhere else")
	}
	u.passwordHash = hash
	return nil
}
