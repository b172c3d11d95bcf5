//go:build !(((linux && !android) || (darwin && !ios)) && (amd64 || arm64)) || static

package libcrypto

import (
	"crypto"
	"crypto/rsa"
	"errors"
)

// Library stands for a library that is never there.
type Library struct{ none }

// none cannot be made outside of this package, and is not made in it.
type none struct{}

// Load returns an error.
func Load() (*Library, error) {
	return nil, errors.New("this program was built without the means to load OpenSSL")
}

// Version has nothing to say.
func (*Library) Version() string { return "" }

// NewSigner returns an error.
func (*Library) NewSigner(*rsa.PrivateKey) (crypto.Signer, error) {
	_, err := Load()
	return nil, err
}
