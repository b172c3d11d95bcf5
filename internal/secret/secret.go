// Package secret encrypts what the database must not hold in the clear (relay passwords, DKIM keys, API tokens of providers) and derives keys for
// signing. Everything comes from one 32-byte master key that lives outside of the database: whoever copies the database alone reads none of it,
// and whoever loses the key has to enter those values again.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// KeySize is the length of the master key in bytes.
const KeySize = 32

// version1 is the first byte of every sealed value: AES-256-GCM with a random nonce, under the key derived for "seal". Another way of sealing
// gets another byte, so that old values stay readable.
const version1 = 1

// ErrNotOurs is in the chain of Open's errors: the value was changed, belongs to another place, or was sealed with another key. Which of them it
// is cannot be known.
var ErrNotOurs = errors.New("the stored secret cannot be read with this key")

// Box seals and opens values and derives keys. It is safe for concurrent use. Make one with LoadOrCreate or FromString.
type Box struct {
	master []byte
	aead   cipher.AEAD
}

func newBox(master []byte) (*Box, error) {
	if len(master) != KeySize {
		return nil, fmt.Errorf("the secret key has %d bytes and must have %d", len(master), KeySize)
	}
	b := &Box{master: master}
	key := b.Derive("seal")
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, fmt.Errorf("preparing encryption: %w", err)
	}
	if b.aead, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return nil, fmt.Errorf("preparing encryption: %w", err)
	}
	return b, nil
}

// FromString makes a Box from a key in base64, standard or URL alphabet, with or without padding. The key is never part of the error.
func FromString(b64 string) (*Box, error) {
	s := strings.TrimRight(strings.TrimSpace(b64), "=")
	s = strings.NewReplacer("-", "+", "_", "/").Replace(s)
	master, err := base64.RawStdEncoding.DecodeString(s)
	if err != nil {
		return nil, errors.New("the secret key is not valid base64; make one with: openssl rand -base64 32")
	}
	if len(master) != KeySize {
		return nil, fmt.Errorf("the secret key has %d bytes and must have %d (44 characters of base64); make one with: openssl rand -base64 32",
			len(master), KeySize)
	}
	return newBox(master)
}

// Seal encrypts a value for one place, such as "relay/12/password". Only Open with the same context gives it back, so that a value copied to
// another row or column is of no use there. The result is 29 bytes longer than the value and differs each time.
func (b *Box) Seal(plaintext []byte, context string) []byte {
	return b.aead.Seal([]byte{version1}, nil, plaintext, associated(version1, context))
}

// Open gives back what Seal got. An error has ErrNotOurs in its chain and never holds the value.
func (b *Box) Open(sealed []byte, context string) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrNotOurs)
	}
	if sealed[0] != version1 {
		return nil, fmt.Errorf("%w: its format %d is unknown to this version of the program", ErrNotOurs, sealed[0])
	}
	plaintext, err := b.aead.Open(nil, nil, sealed[1:], associated(sealed[0], context))
	if err != nil {
		return nil, fmt.Errorf("%w: it was sealed with another key or for another place than %s, or it was changed", ErrNotOurs, context)
	}
	return plaintext, nil
}

// associated is what a sealed value is bound to beside the key.
func associated(version byte, context string) []byte {
	return append([]byte{version}, context...)
}

// Derive gives a key for one purpose, such as "links/v1" (HKDF-SHA256, RFC 5869). The same master key always gives the same one, and none of
// them tells anything about another or about the master key.
func (b *Box) Derive(purpose string) [32]byte {
	key, err := hkdf.Key(sha256.New, b.master, nil, "postrider "+purpose, 32)
	if err != nil {
		panic(err) // only for lengths over 8160 bytes, or a master key under 14 bytes in FIPS mode: newBox rules both out
	}
	return [32]byte(key)
}

// Fingerprint names the key without giving it away: 16 hex characters. Stored in the database, it shows at the start that the key does not fit.
func (b *Box) Fingerprint() string {
	key := b.Derive("fingerprint")
	return hex.EncodeToString(key[:8])
}

// String keeps the key out of anything that prints a Box, also inside another struct printed with %v, %+v or %q.
func (b *Box) String() string { return "secret.Box(" + b.Fingerprint() + ")" }

// GoString is String for %#v.
func (b *Box) GoString() string { return b.String() }
