package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/internal/settings"
)

// User is a person who can sign in.
type User struct {
	ID    int64
	Email string
	Name  string

	passwordHash string
}

// Principal is the person as the caller of a request, allowed to do everything.
func (u User) Principal() Principal {
	return Principal{Name: u.Email, UserID: u.ID, Scopes: Scopes()}
}

// stamp changes with the password. A session holds the stamp it was started under, and ends when it is no longer the user's.
func (u User) stamp() string {
	sum := sha256.Sum256([]byte(u.passwordHash))
	return hex.EncodeToString(sum[:16])
}

// SetupInput is what the first visitor of a new installation tells.
type SetupInput struct {
	Organization string
	Email        string
	Password     string
	Name         string
	PublicURL    string // where the visitor found us; "" when unknown
}

// NeedsSetup says whether nobody can sign in yet.
func (s *Service) NeedsSetup(ctx context.Context) (bool, error) {
	var needed bool
	if err := s.pool.QueryRow(ctx, `SELECT NOT EXISTS (SELECT FROM users)`).Scan(&needed); err != nil {
		return false, fmt.Errorf("looking for users: %w", err)
	}
	return needed, nil
}

// Setup makes the first user and the first settings, in one transaction. Errors: Invalid; Conflict when there is a user already, also when two
// set-ups run at the same time.
func (s *Service) Setup(ctx context.Context, in SetupInput) (User, error) {
	if needed, err := s.NeedsSetup(ctx); err != nil {
		return User{}, err
	} else if !needed {
		return User{}, errSetUp()
	}
	address, err := checkSetup(&in)
	if err != nil {
		return User{}, err
	}
	hash, err := s.hasher.hash(ctx, in.Password)
	if err != nil {
		return User{}, err
	}
	u := User{Email: address.Display, Name: strings.TrimSpace(in.Name), passwordHash: hash}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := insertFirstUser(ctx, tx, &u, address.Key); err != nil {
			return err
		}
		return settings.InitTx(ctx, tx, in.Organization, in.PublicURL)
	})
	if err != nil {
		return User{}, err
	}
	return u, nil
}

func errSetUp() error {
	return errs.New(errs.Conflict, "Postrider is set up already: sign in instead")
}

func checkSetup(in *SetupInput) (addr.Address, error) {
	var wrong errs.Fields
	in.Organization = strings.TrimSpace(in.Organization)
	if in.Organization == "" {
		wrong.Add("organization", "say on whose behalf mail is sent")
	}
	address, err := addr.Normalize(in.Email)
	if err != nil {
		wrong.Add("email", "%s", publicText(err))
	}
	checkPassword(&wrong, "password", in.Password)
	return address, wrong.Err("the set-up needs some corrections")
}

func publicText(err error) string {
	var e *errs.E
	if errors.As(err, &e) {
		return e.Public
	}
	return "this is not an email address"
}

// Login checks an address and a password. origin is the network address that the request came from, "" when unknown. Errors: Unauthorized, with the same
// text and after the same time whether the address is known or not; RateLimited, with a *Wait in its chain.
func (s *Service) Login(ctx context.Context, email, password, origin string) (User, error) {
	key := strings.ToLower(strings.TrimSpace(email))
	if address, err := addr.Normalize(email); err == nil {
		key = address.Key
	}
	limits := attemptLimits(key, origin)
	if err := s.countAttempts(ctx, limits); err != nil {
		return User{}, err
	}
	u, err := userByEmail(ctx, s.pool, key)
	known := err == nil
	if errs.Is(err, errs.NotFound) {
		u.passwordHash = s.hasher.decoy
	} else if err != nil {
		return User{}, err
	}
	ok, err := s.hasher.verify(ctx, u.passwordHash, password)
	if err != nil {
		return User{}, err
	}
	if !ok || !known {
		return User{}, errs.New(errs.Unauthorized, "the address or the password is wrong")
	}
	return u, forgiveAttempt(ctx, s.pool, limits)
}

// GetUser gives one user; NotFound.
func (s *Service) GetUser(ctx context.Context, id int64) (User, error) {
	return userByID(ctx, s.pool, id)
}

// ChangePassword replaces a user's password and so ends all sessions of that user; the caller starts its own anew with StartSession. Errors: Invalid on
// "current" or "new"; RateLimited.
func (s *Service) ChangePassword(ctx context.Context, userID int64, current, replacement string) (User, error) {
	u, err := userByID(ctx, s.pool, userID)
	if err != nil {
		return User{}, err
	}
	var wrong errs.Fields
	checkPassword(&wrong, "new", replacement)
	if err := wrong.Err("the new password cannot be used"); err != nil {
		return User{}, err
	}
	limits := attemptLimits(fmt.Sprintf("password change of user %d", userID), "")
	if err := s.countAttempts(ctx, limits); err != nil {
		return User{}, err
	}
	ok, err := s.hasher.verify(ctx, u.passwordHash, current)
	if err != nil {
		return User{}, err
	}
	if !ok {
		return User{}, errs.InvalidField("current", "this is not your current password")
	}
	hash, err := s.hasher.hash(ctx, replacement)
	if err != nil {
		return User{}, err
	}
	if err := updatePassword(ctx, s.pool, &u, hash, s.now()); err != nil {
		return User{}, err
	}
	return u, forgiveAttempt(ctx, s.pool, limits)
}
