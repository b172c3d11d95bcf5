package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"

	"postrider/internal/errs"
)

// Parameters of argon2id as the OWASP Password Storage Cheat Sheet gives them: 19 MiB, two passes, one lane.
const (
	argonMemory  = 19 * 1024 // KiB
	argonPasses  = 2
	argonLanes   = 1
	argonSaltLen = 16
	argonKeyLen  = 32

	minPassword = 10
	maxPassword = 1024 // bytes; only there so that nobody makes us hash megabytes
)

var errMalformedHash = errors.New("malformed password hash")

// hasher makes and checks argon2id hashes, a few at a time: each one takes 19 MiB, and a crowd of sign-ins must not take all memory.
type hasher struct {
	slots *semaphore.Weighted
	// A hash of no one's password: checked when there is no such user, so that the answer takes the same time.
	decoy string
}

func newHasher() *hasher {
	h := &hasher{slots: semaphore.NewWeighted(int64(max(2, runtime.GOMAXPROCS(0))))}
	h.decoy = encode(make([]byte, argonSaltLen), make([]byte, argonKeyLen))
	return h
}

// hash gives the PHC string of the password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return "", fmt.Errorf("waiting to hash a password: %w", err)
	}
	defer h.slots.Release(1)
	salt := make([]byte, argonSaltLen)
	rand.Read(salt)
	return encode(salt, argon2.IDKey([]byte(password), salt, argonPasses, argonMemory, argonLanes, argonKeyLen)), nil
}

// verify says whether the password is the one the PHC string was made from. The comparison takes constant time.
func (h *hasher) verify(ctx context.Context, phc, password string) (bool, error) {
	if len(password) > maxPassword {
		password = password[:maxPassword+1] // never equal to one that was accepted, and as much work as any other
	}
	p, err := decode(phc)
	if err != nil {
		return false, err
	}
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return false, fmt.Errorf("waiting to check a password: %w", err)
	}
	defer h.slots.Release(1)
	got := argon2.IDKey([]byte(password), p.salt, p.passes, p.memory, p.lanes, uint32(len(p.key)))
	return subtle.ConstantTimeCompare(got, p.key) == 1, nil
}

func encode(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonPasses, argonLanes,
		b64.EncodeToString(salt), b64.EncodeToString(key))
}

type phcParts struct {
	memory, passes uint32
	lanes          uint8
	salt, key      []byte
}

// decode reads a PHC string. The parameters come from the string, so that old hashes stay valid when the constants change.
func decode(phc string) (phcParts, error) {
	var p phcParts
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, errMalformedHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.lanes); err != nil {
		return p, errMalformedHash
	}
	var err1, err2 error
	p.salt, err1 = base64.RawStdEncoding.DecodeString(parts[4])
	p.key, err2 = base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(p.key) < 16 || p.passes < 1 || p.lanes < 1 {
		return p, errMalformedHash
	}
	return p, nil
}

// checkPassword refuses what is too weak or too long; field is the name of the JSON field it came in.
func checkPassword(wrong *errs.Fields, field, password string) {
	switch {
	case utf8.RuneCountInString(password) < minPassword:
		wrong.Add(field, "the password needs at least %d characters", minPassword)
	case len(password) > maxPassword:
		wrong.Add(field, "the password is longer than %d bytes", maxPassword)
	}
}
