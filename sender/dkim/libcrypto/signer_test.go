//go:build ((linux && !android) || (darwin && !ios)) && (amd64 || arm64) && !static

package libcrypto

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func setup(tb testing.TB) *Library {
	tb.Helper()
	l, err := Load()
	if err != nil {
		tb.Fatalf("these tests need OpenSSL 3 (Debian: libssl3): %v", err)
	}
	return l
}

func newKey(tb testing.TB, bits int) *rsa.PrivateKey {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func digestOf(n int) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(n)))
	return sum[:]
}

func TestSignaturesAreThoseOfGo(t *testing.T) {
	t.Parallel()
	l := setup(t)
	if !strings.HasPrefix(l.Version(), "OpenSSL 3.") {
		t.Errorf("version %q", l.Version())
	}
	for _, bits := range []int{1024, 1032, 2048, 3072} {
		key := newKey(t, bits)
		s, err := l.NewSigner(key)
		if err != nil {
			t.Fatal(err)
		}
		if !key.PublicKey.Equal(s.Public()) {
			t.Error("another public key")
		}
		for i := range 20 {
			got, err := s.Sign(rand.Reader, digestOf(i), crypto.SHA256)
			if err != nil {
				t.Fatal(err)
			}
			want, err := key.Sign(rand.Reader, digestOf(i), crypto.SHA256)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%d bits, digest %d: %x, Go makes %x", bits, i, got, want)
			}
		}
	}
}

// TestManyAtOnce has goroutines share a key while garbage is collected.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	l, key := setup(t), newKey(t, 2048)
	s, err := l.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 50 {
				digest := digestOf(1000*g + i)
				got, err := s.Sign(nil, digest, crypto.SHA256)
				if err != nil || rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest, got) != nil {
					t.Errorf("goroutine %d: %v", g, err)
				}
				if i%10 == 0 {
					runtime.GC()
				}
			}
		})
	}
	wg.Wait()
	if n := len(s.(*Signer).native.idle); n < 1 || n > 8 {
		t.Errorf("%d contexts are kept after 8 goroutines", n)
	}
}

func TestMemoryIsFreed(t *testing.T) {
	t.Parallel()
	l, key := setup(t), newKey(t, 1024)
	for range 20 {
		s, err := l.NewSigner(key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Sign(nil, digestOf(1), crypto.SHA256); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(10 * time.Second)
	for l.held.Load() > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("%d keys are still held", l.held.Load())
		}
		runtime.GC()
	}
}

func TestOnlyDigestsOfSHA256(t *testing.T) {
	t.Parallel()
	s, err := setup(t).NewSigner(newKey(t, 1024))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		digest []byte
		opts   crypto.SignerOpts
	}{
		"other hash":   {digestOf(1), crypto.SHA512},
		"no hash":      {digestOf(1), crypto.Hash(0)},
		"no options":   {digestOf(1), nil},
		"PSS":          {digestOf(1), &rsa.PSSOptions{Hash: crypto.SHA256}},
		"short digest": {digestOf(1)[:31], crypto.SHA256},
		"none":         {nil, crypto.SHA256},
	} {
		if _, err := s.Sign(nil, c.digest, c.opts); err == nil {
			t.Errorf("%s: signed", name)
		}
	}
}

// TestErrorsAreTheLibrarysWords checks that a failure is explained, leaves nothing in the thread's queue and says nothing of the key.
func TestErrorsAreTheLibrarysWords(t *testing.T) {
	t.Parallel()
	l := setup(t)
	runtime.LockOSThread() // for the queue
	defer runtime.UnlockOSThread()
	_, err := l.newKey([]byte("this is no key but a secret"))
	if err == nil || !strings.HasPrefix(err.Error(), "OpenSSL 3.") || !strings.Contains(err.Error(), "error:") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v", err)
	}
	if _, err := l.newContext(0); err == nil {
		t.Error("a context for no key")
	}
	if again := l.failure("nothing"); !strings.HasSuffix(again.Error(), ": error:00000000:lib(0)::reason(0)") {
		t.Errorf("something was left in the queue: %v", again)
	}
}

// TestAfterAFailure gives the library too little room once, and lets it sign again.
func TestAfterAFailure(t *testing.T) {
	t.Parallel()
	made, err := setup(t).NewSigner(newKey(t, 1024))
	if err != nil {
		t.Fatal(err)
	}
	s := made.(*Signer)
	o, err := s.native.take()
	if err != nil {
		t.Fatal(err)
	}
	o.out = o.out[:len(o.out)-1]
	s.native.put(o)
	if _, err := s.Sign(nil, digestOf(1), crypto.SHA256); err == nil || !strings.Contains(err.Error(), "signing") {
		t.Errorf("%v", err)
	}
	if len(s.native.idle) != 0 {
		t.Error("a context that failed is kept")
	}
	if _, err := s.Sign(nil, digestOf(1), crypto.SHA256); err != nil {
		t.Error(err)
	}
}

func TestAKeyThatSignsOtherwiseIsRefused(t *testing.T) {
	t.Parallel()
	l, key, other := setup(t), newKey(t, 1024), newKey(t, 1024)
	s, err := l.load(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.try(key); err != nil {
		t.Error(err)
	}
	if err := s.try(other); err == nil || !strings.Contains(err.Error(), "otherwise than Go") {
		t.Errorf("%v", err)
	}
	broken := *key
	broken.D = other.D
	if _, err := l.NewSigner(&broken); err == nil || strings.Contains(err.Error(), other.D.String()) {
		t.Errorf("%v", err)
	}
}

func TestWithoutSymbols(t *testing.T) {
	t.Parallel()
	setup(t)
	if _, err := open(0); err == nil { // the program itself, which has no such functions
		t.Error("a library without functions was taken")
	}
}

func BenchmarkRSA2048(b *testing.B) {
	key := newKey(b, 2048)
	openssl, err := setup(b).NewSigner(key)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		signer crypto.Signer
	}{{"OpenSSL", openssl}, {"Go", key}} {
		b.Run(c.name, func(b *testing.B) {
			digest := digestOf(1)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.signer.Sign(rand.Reader, digest, crypto.SHA256); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/parallel", func(b *testing.B) {
			digest := digestOf(1)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := c.signer.Sign(rand.Reader, digest, crypto.SHA256); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
