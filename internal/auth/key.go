package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

const (
	keyMark      = "pr_"
	keyPrefixLen = 8
	keySecretLen = 32
	// last_used_at is a hint for people: it is not worth a write on every request.
	keyUseStep = time.Minute
)

// Key is an API key as people see it after it was made: without the secret.
type Key struct {
	ID         int64
	Name       string
	Prefix     string // the part after "pr_", by which a person recognises the key
	Scopes     []string
	CreatedAt  time.Time
	LastUsedAt *time.Time // nil: never; to the minute
}

// ListKeys gives all keys, newest first.
func (s *Service) ListKeys(ctx context.Context) ([]Key, error) {
	return pg.Many[Key](ctx, s.pool, "API keys", `SELECT id, name, prefix, scopes, created_at, last_used_at FROM api_keys ORDER BY id DESC`)
}

// CreateKey makes a key and gives it in full: "pr_", eight characters to recognise it by, "_", 32 random bytes. It is the only time that anybody sees
// it, for only its SHA-256 is stored (a plain hash is enough: there is nothing to guess in 256 random bits).
func (s *Service) CreateKey(ctx context.Context, userID int64, name string, scopes []string) (Key, string, error) {
	name = strings.TrimSpace(name)
	if name == "" || utf8.RuneCountInString(name) > 100 || strings.ContainsFunc(name, unicode.IsControl) {
		return Key{}, "", errs.InvalidField("name", "give the key a name of 1 to 100 characters that says what uses it")
	}
	if err := checkScopes(scopes); err != nil {
		return Key{}, "", err
	}
	prefix, full := newKey()
	sum := sha256.Sum256([]byte(full))
	k, err := pg.One[Key](ctx, s.pool, "API key", `
		INSERT INTO api_keys (name, prefix, key_hash, scopes, created_by, created_at) VALUES ($1, $2, $3, $4, $5, $6)
		RETURNING id, name, prefix, scopes, created_at, last_used_at`, name, prefix, sum[:], scopes, userID, s.now())
	return k, full, err
}

func newKey() (prefix, full string) {
	raw := make([]byte, 5+keySecretLen)
	rand.Read(raw)
	prefix = strings.ToLower(base32.StdEncoding.EncodeToString(raw[:5]))
	return prefix, keyMark + prefix + "_" + hex.EncodeToString(raw[5:])
}

// DeleteKey ends a key at once; NotFound.
func (s *Service) DeleteKey(ctx context.Context, id int64) error {
	tag, err := s.pool.Exec(ctx, `DELETE FROM api_keys WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("deleting API key %d: %w", id, err)
	}
	if tag.RowsAffected() == 0 {
		return errs.New(errs.NotFound, "there is no API key %d", id)
	}
	return nil
}

type keyRow struct {
	ID         int64
	Name       string
	KeyHash    []byte
	Scopes     []string
	CreatedBy  *int64
	LastUsedAt *time.Time
}

// Authenticate gives the caller behind an API key. Error: Unauthorized.
func (s *Service) Authenticate(ctx context.Context, key string) (Principal, error) {
	wrong := errs.New(errs.Unauthorized, "the API key is not valid: make a new one under Settings")
	rest, ok := strings.CutPrefix(key, keyMark)
	if !ok || len(rest) != keyPrefixLen+1+2*keySecretLen || rest[keyPrefixLen] != '_' {
		return Principal{}, wrong
	}
	k, err := pg.One[keyRow](ctx, s.pool, "such API key",
		`SELECT id, name, key_hash, scopes, created_by, last_used_at FROM api_keys WHERE prefix = $1`, rest[:keyPrefixLen])
	if errs.Is(err, errs.NotFound) {
		return Principal{}, wrong
	}
	if err != nil {
		return Principal{}, err
	}
	sum := sha256.Sum256([]byte(key))
	if subtle.ConstantTimeCompare(sum[:], k.KeyHash) != 1 {
		return Principal{}, wrong
	}
	if err := s.noteKeyUse(ctx, k); err != nil {
		return Principal{}, err
	}
	p := Principal{Name: k.Name, KeyID: k.ID, Scopes: k.Scopes}
	if k.CreatedBy != nil {
		p.UserID = *k.CreatedBy
	}
	return p, nil
}

func (s *Service) noteKeyUse(ctx context.Context, k keyRow) error {
	now := s.now()
	if k.LastUsedAt != nil && now.Sub(*k.LastUsedAt) < keyUseStep {
		return nil
	}
	_, err := s.pool.Exec(ctx, `UPDATE api_keys SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)`, k.ID, now)
	if err != nil {
		return fmt.Errorf("noting the use of API key %d: %w", k.ID, err)
	}
	return nil
}
