//go:build ((linux && !android) || (darwin && !ios)) && (amd64 || arm64) && !static

package libcrypto

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Signer is an RSA key in the library's memory. It signs SHA-256 digests and is safe for concurrent use. What it holds is freed when it is collected.
type Signer struct {
	public *rsa.PublicKey
	native *native
}

// native is what a Signer holds outside of Go's memory, apart from it, so that the clean-up does not keep the Signer alive.
type native struct {
	lib  *Library
	pkey uintptr // EVP_PKEY, which all contexts share
	size int     // of a signature, in bytes

	mu   sync.Mutex
	idle []*operation // as many as signatures were ever made at once
}

// operation is an EVP_PKEY_CTX prepared for signing, which signs again and again but only for one caller at a time.
type operation struct {
	ctx    uintptr
	digest [sha256.Size]byte
	out    []byte // where the library writes to
	length uintptr
}

// NewSigner gives a key to the library. The key is tried first: when the library signs otherwise than crypto/rsa, that is an error.
func (l *Library) NewSigner(key *rsa.PrivateKey) (crypto.Signer, error) {
	s, err := l.load(key)
	if err != nil {
		return nil, err
	}
	if err := s.try(key); err != nil {
		return nil, err
	}
	return s, nil
}

// try lets s and Go sign the same.
func (s *Signer) try(key *rsa.PrivateKey) error {
	digest := sha256.Sum256([]byte("a message to try a key with"))
	got, err := s.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return err
	}
	want, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		return errors.New("the RSA key cannot sign") // the cause may speak of the key
	}
	if subtle.ConstantTimeCompare(got, want) != 1 {
		return fmt.Errorf("%s signs otherwise than Go", s.native.lib.version)
	}
	return nil
}

// load copies a key into the library's memory.
func (l *Library) load(key *rsa.PrivateKey) (*Signer, error) {
	der := x509.MarshalPKCS1PrivateKey(key)
	defer clear(der)
	pkey, err := l.newKey(der)
	if err != nil {
		return nil, err
	}
	n := &native{lib: l, pkey: pkey, size: key.Size()}
	l.held.Add(1)
	s := &Signer{public: &key.PublicKey, native: n}
	runtime.AddCleanup(s, (*native).free, n)
	return s, nil
}

// Public gives the public key, an *rsa.PublicKey.
func (s *Signer) Public() crypto.PublicKey { return s.public }

// Sign makes a PKCS #1 v1.5 signature of a SHA-256 digest. Anything else that opts ask for is an error; random numbers come from the library.
func (s *Signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, pss := opts.(*rsa.PSSOptions); pss || opts == nil || opts.HashFunc() != crypto.SHA256 || len(digest) != sha256.Size {
		return nil, errors.New("only PKCS #1 v1.5 signatures of SHA-256 digests are made here")
	}
	o, err := s.native.take()
	if err != nil {
		return nil, err
	}
	copy(o.digest[:], digest)
	signature, err := s.native.lib.sign(o)
	runtime.KeepAlive(s) // or the clean-up could free the key before the library has signed
	if err != nil {
		// What state the context is in is not known.
		s.native.lib.freeContext(o.ctx)
		return nil, err
	}
	s.native.put(o)
	return signature, nil
}

func (n *native) take() (*operation, error) {
	n.mu.Lock()
	if last := len(n.idle) - 1; last >= 0 {
		o := n.idle[last]
		n.idle = n.idle[:last]
		n.mu.Unlock()
		return o, nil
	}
	n.mu.Unlock()
	ctx, err := n.lib.newContext(n.pkey)
	if err != nil {
		return nil, err
	}
	return &operation{ctx: ctx, out: make([]byte, n.size)}, nil
}

func (n *native) put(o *operation) {
	n.mu.Lock()
	n.idle = append(n.idle, o)
	n.mu.Unlock()
}

// free gives everything back. Nobody signs any more: whoever signs keeps the Signer alive.
func (n *native) free() {
	for _, o := range n.idle {
		n.lib.freeContext(o.ctx)
	}
	n.lib.freeKey(n.pkey)
	n.lib.held.Add(-1)
}

// sign runs one operation and copies the signature out of it.
func (l *Library) sign(o *operation) ([]byte, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	o.length = uintptr(len(o.out))
	done, _, _ := purego.SyscallN(l.sym.sign, o.ctx, uintptr(unsafe.Pointer(&o.out[0])), uintptr(unsafe.Pointer(&o.length)),
		uintptr(unsafe.Pointer(&o.digest[0])), sha256.Size)
	if int32(done) != 1 {
		return nil, l.failure("signing")
	}
	if o.length != uintptr(len(o.out)) {
		return nil, fmt.Errorf("%s made a signature of %d bytes instead of %d", l.version, o.length, len(o.out))
	}
	return append([]byte(nil), o.out...), nil
}
