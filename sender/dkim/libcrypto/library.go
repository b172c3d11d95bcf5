//go:build ((linux && !android) || (darwin && !ios)) && (amd64 || arm64) && !static

package libcrypto

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/ebitengine/purego"
)

// major is the version of OpenSSL whose interface this package knows.
const major = 3

// files are tried in order. On macOS a name without a version must not be among them: the system ends programs that load its own, private libcrypto.
var files = map[string][]string{
	"linux":  {"libcrypto.so.3"},
	"darwin": {"/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib", "/usr/local/opt/openssl@3/lib/libcrypto.3.dylib", "libcrypto.3.dylib"},
}

// Library is the libcrypto of the system, loaded for good.
type Library struct {
	version string
	sym     symbols
	held    atomic.Int64 // keys in the library's memory
}

// symbols are the addresses of the functions used.
type symbols struct {
	opensslVersion, opensslMajor                                                            uintptr
	privateKey, keyFree, ctxNew, ctxFree, signInit, setPadding, setDigest, digestType, sign uintptr
	getError, errorText, clearErrors                                                        uintptr
}

// Load finds the library and tries it. An error says, in words for the administrator, why it cannot be used.
func Load() (*Library, error) {
	var missing error
	for _, file := range files[runtime.GOOS] {
		handle, err := purego.Dlopen(file, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			missing = errors.Join(missing, err)
			continue
		}
		return open(handle)
	}
	return nil, fmt.Errorf("there is no OpenSSL %d: %s", major, strings.ReplaceAll(missing.Error(), "\n", "; "))
}

// open makes a Library of a file that is loaded.
func open(handle uintptr) (*Library, error) {
	l := &Library{}
	if err := l.resolve(handle); err != nil {
		return nil, err
	}
	if is, _, _ := purego.SyscallN(l.sym.opensslMajor); uint32(is) != major {
		return nil, fmt.Errorf("OpenSSL %d is needed, this is %d", major, uint32(is))
	}
	var version func(what int32) string
	purego.RegisterFunc(&version, l.sym.opensslVersion)
	l.version = version(0)
	der, err := base64.StdEncoding.DecodeString(trialKey) // which passes over line ends
	if err != nil {
		return nil, fmt.Errorf("reading the key of the trial: %w", err)
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("reading the key of the trial: %w", err)
	}
	if _, err := l.NewSigner(key); err != nil {
		return nil, err
	}
	return l, nil
}

// resolve looks all functions up.
func (l *Library) resolve(handle uintptr) error {
	for _, s := range []struct {
		name string
		at   *uintptr
	}{
		{"OpenSSL_version", &l.sym.opensslVersion}, {"OPENSSL_version_major", &l.sym.opensslMajor},
		{"d2i_PrivateKey", &l.sym.privateKey}, {"EVP_PKEY_free", &l.sym.keyFree},
		{"EVP_PKEY_CTX_new", &l.sym.ctxNew}, {"EVP_PKEY_CTX_free", &l.sym.ctxFree}, {"EVP_PKEY_sign_init", &l.sym.signInit},
		{"EVP_PKEY_CTX_set_rsa_padding", &l.sym.setPadding}, {"EVP_PKEY_CTX_set_signature_md", &l.sym.setDigest},
		{"EVP_sha256", &l.sym.digestType}, {"EVP_PKEY_sign", &l.sym.sign},
		{"ERR_get_error", &l.sym.getError}, {"ERR_error_string_n", &l.sym.errorText}, {"ERR_clear_error", &l.sym.clearErrors},
	} {
		address, err := purego.Dlsym(handle, s.name)
		if err != nil {
			return fmt.Errorf("the libcrypto found has no %s", s.name)
		}
		*s.at = address
	}
	return nil
}

// Version is the library's own name for itself, such as "OpenSSL 3.0.19 27 Jan 2026".
func (l *Library) Version() string { return l.version }

// newKey reads a PKCS #1 private key.
func (l *Library) newKey(der []byte) (uintptr, error) {
	const typeRSA = 6 // EVP_PKEY_RSA
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&der[0])
	// The library moves this pointer past the key, so it must not be one that the collector knows.
	at := uintptr(unsafe.Pointer(&der[0]))
	pkey, _, _ := purego.SyscallN(l.sym.privateKey, typeRSA, 0, uintptr(unsafe.Pointer(&at)), uintptr(len(der)))
	if pkey == 0 {
		return 0, l.failure("reading the key")
	}
	// Attempts that came to nothing leave their mark even when a later one works.
	purego.SyscallN(l.sym.clearErrors)
	return pkey, nil
}

func (l *Library) freeKey(pkey uintptr) { purego.SyscallN(l.sym.keyFree, pkey) }

// newContext prepares for PKCS #1 v1.5 signatures of SHA-256 digests.
func (l *Library) newContext(pkey uintptr) (uintptr, error) {
	const paddingPKCS1 = 1 // RSA_PKCS1_PADDING
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, _, _ := purego.SyscallN(l.sym.ctxNew, pkey, 0)
	if ctx == 0 {
		return 0, l.failure("making a context")
	}
	digest, _, _ := purego.SyscallN(l.sym.digestType)
	for _, step := range []struct {
		name     string
		function uintptr
		argument uintptr
	}{
		{"preparing to sign", l.sym.signInit, 0},
		{"setting the padding", l.sym.setPadding, paddingPKCS1},
		{"setting the digest", l.sym.setDigest, digest},
	} {
		if done, _, _ := purego.SyscallN(step.function, ctx, step.argument); int32(done) != 1 {
			err := l.failure(step.name)
			l.freeContext(ctx)
			return 0, err
		}
	}
	return ctx, nil
}

func (l *Library) freeContext(ctx uintptr) { purego.SyscallN(l.sym.ctxFree, ctx) }

// failure takes the library's words for what went wrong and empties its queue of errors. The queue belongs to the thread: the caller must have held on to
// it since before the call that failed. The words name functions and reasons, never data.
func (l *Library) failure(doing string) error {
	code, _, _ := purego.SyscallN(l.sym.getError)
	var text [256]byte
	purego.SyscallN(l.sym.errorText, code, uintptr(unsafe.Pointer(&text[0])), uintptr(len(text)))
	purego.SyscallN(l.sym.clearErrors)
	words, _, _ := strings.Cut(string(text[:]), "\x00")
	return fmt.Errorf("%s: %s: %s", l.version, doing, words)
}

// trialKey protects nothing: it is public and only there to try the library with.
const trialKey = `MIIEowIBAAKCAQEAt2DXAhaHfBtJzmdmt/GCOcrX3J8gY4xqevJ2jNDYy22PvjOX2jCFSXRr25AB+g88YS6LZA8rZ4KL7cKc/tVpQSCKPtnyrD+33fmum76HRaF8imOhtGyKWo323QFR
zIvnz+p5MnwNcvOJYrliAoGQcC9p62oSazwGj50FXYcp1PirXZboZ90U8p5iffhJtk9setv5TP5PzeRyer/1ihhE69nC4va5lCzxXgAtDy6WG7i16SZjnmg3gq9EQKC/tWjrn6mLvCZZ
s7tvlyqGqfVyHk3UUk2rlE8FBCRC9YtKRXQEcYHJABM+YkMT/p1MOiOq5Syjv8lCFo9Xa/+IRPGwQwIDAQABAoIBABFQDTyJ5U9W7DLrxDYy5jk6k1f661M6sIWHBUuUyW2l8bTiqMAq
uzViI8SzkIbhOrFvdC2Fg8gz+liqJP780FZxEgbjthYuYII5I75Z0JTxrWZgsvrrvGwsNwBKiER9eOyXlcr/DJirsW7RUxWAJ04ldnnepnqFTOvwxnmRXJEEolvrofXGAoQgvmp1Cqxk
AAwLSst2rzDKAECcTSSjVgx2Yh8Au57gZQhcTFwE/DVaJJQeiLqrk4YlnImE3pSkhUZ7Klxpsk0MCZKx9oQIEc/W/efcuhb43qoHV9FvzzKJpoI5Kv0x/iYWkziUe48/j/cY3MFegZIA
hHr0Rbgx0MECgYEA/q+UO2L/f9KTm9OqY/OHmsresLe9L4uURlQfa8+hwFWO9FfdyglyVzRYRf/6PSEhY/Tvqbr1Nokh3gX+M/WiTf6WEXr0gO/5hYFGJyzvf/GX9wG7ItE046RCpxg/
fpD3TefywhBgVY8tfG84DkKow7+ZusEettgO7RvdnyrofxMCgYEAuFMRoYOHbZe6ka7u4bO4RYkDl8xjIvvmJ5MIrMZ/O7+C4xAms5eVAo/E4+3pOp+UWBEMIU2o3aby4Ji+89dCP0fa
idtMxBoGGiH+JAv2gYA6DcxeC5oS3QqQ6BmNo2Q9cu+hSs27Geta7/G24fXOZv7QEXo251njXS17/0JhwBECgYEAr5lbeL6/LuB/iZcdCiEkxCNP+0QUGq4AI6VorKrR+YyELhBPCTgO
L/YVTt45KOCo5wRAIiSXYWyXfz9ej3Cy4VfBHHhMEIJk5hnFxskCsJJglpwI7O6Vqsbcdd0QGjHVcU+VXxxvb05yrDL60UpAlgaK9eqlRKgfUng+C7pH5yUCgYAHJBi7xCe8BDPTLw7M
KbVK5FsCR4XTtiSdheHBJ9OIEgxVFawaKxY3yjAbkH0Hq2UI4Ggy5hpTtAMW1nQXaFCFuRfrXValBkkUPBrndJsxOzGElVVTZ72xWJZyl4LYQKrsyAHcrwm/oFGemCO4r1g2v0p6UtzL
q7zWQEvcgMresQKBgGfUznUyvWob2lGY4vytNaw1phGerjnJ7DTaCmCAjcYhvP4DN9FBFgSLIBBIzXgs5E+Ny19oGYNwcyTs6th/Ie70imsuJcPe4crumUKvoG60M97uSASvn+KZgt5v
GNXajGyjqxFQySArnAK+XuyNZBO4il7dPHSzoSzgTWOZJFF0`
