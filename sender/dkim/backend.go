package dkim

import (
	"crypto/rsa"
	"fmt"
	"sync"

	"postrider/sender/dkim/libcrypto"
)

// What [Open] can be asked for.
const (
	SigningAuto = "auto" // OpenSSL where the system has it, Go otherwise
	SigningGo   = "go"   // Go always
)

// Backend is what makes RSA signatures, which are most of the work of signing. Its zero value is Go itself. Ed25519 is always Go's: it is fast there.
type Backend struct {
	lib   *libcrypto.Library // nil for Go
	why   string             // it is Go
	first func()             // for the first RSA key; may be nil
}

// Open chooses by mode; an empty one is SigningAuto. It never fails: where OpenSSL cannot be used, Go signs, and String says why.
func Open(mode string) Backend {
	if mode == SigningGo {
		return Backend{}
	}
	lib, err := libcrypto.Load()
	if err != nil {
		return Backend{why: err.Error()}
	}
	return Backend{lib: lib}
}

// OnFirstKey gives a Backend that calls fn before it prepares its first RSA key, once.
func (b Backend) OnFirstKey(fn func()) Backend {
	b.first = sync.OnceFunc(fn)
	return b
}

// Fast reports whether OpenSSL signs.
func (b Backend) Fast() bool { return b.lib != nil }

// String says what signs, for a person: "OpenSSL 3.0.19 27 Jan 2026", or "Go, because …".
func (b Backend) String() string {
	switch {
	case b.lib != nil:
		return b.lib.Version()
	case b.why != "":
		return "Go, because " + b.why
	}
	return "Go, because it was asked for"
}

// Prepare gives the key in the form in which it signs fastest, to be used instead of k. With an error comes k as it was: it signs too, only slower.
func (b Backend) Prepare(k Key) (Key, error) {
	private, ok := k.Signer.(*rsa.PrivateKey)
	if ok && b.first != nil {
		b.first()
	}
	if !ok || b.lib == nil {
		return k, nil
	}
	signer, err := b.lib.NewSigner(private)
	if err != nil {
		return k, fmt.Errorf("giving the key %s to OpenSSL: %w", RecordName(k.Selector, k.Domain), err)
	}
	k.Signer = signer
	return k, nil
}
