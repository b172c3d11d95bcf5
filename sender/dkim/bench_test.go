package dkim

import (
	"crypto"
	"crypto/rsa"
	"io"
	"strings"
	"testing"
	"time"

	"postrider/sender/message"
)

// nullSigner has an RSA public key and signs for nothing: what is left is our own work.
type nullSigner struct {
	crypto.Signer
	signature []byte
}

func (n nullSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return n.signature, nil
}

// newsletter is a multipart message of about 8 KB, the size of what campaigns send.
func newsletter(tb testing.TB) []byte {
	tb.Helper()
	raw := compose(tb, func(m *message.Message) {
		row := "<tr>\r\n    <td style=\"padding: 0 0 16px\"><a href=\"https://mail.acme.example/t/c/0123456789abcdef\">An article of this week</a></td>\r\n  </tr>\r\n"
		m.HTML = []byte("<html><body>\r\n  <table>\r\n  " + strings.Repeat(row, 42) + "</table>\r\n</body></html>\r\n")
		m.Text = []byte(strings.Repeat("An article of this week\r\n    https://mail.acme.example/t/c/0123456789abcdef\r\n\r\n", 15))
	})
	if len(raw) < 7000 || len(raw) > 9000 {
		tb.Fatalf("%d bytes", len(raw))
	}
	return raw
}

func benchmarkSign(b *testing.B, keys ...Key) {
	b.Helper()
	raw := newsletter(b)
	s, err := New(keys, ProfileDefault, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	var dst []byte
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if dst, err = s.Sign(dst[:0], raw); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSignNull is canonicalisation and hashing alone.
func BenchmarkSignNull(b *testing.B) {
	keys, _ := setup(b)
	keys[0].Signer = nullSigner{keys[0].Signer, make([]byte, keys[0].Signer.Public().(*rsa.PublicKey).Size())}
	benchmarkSign(b, keys[0])
}

func BenchmarkSignEd25519(b *testing.B) {
	keys, _ := setup(b)
	benchmarkSign(b, keys[1])
}

// BenchmarkSignBoth is an RSA and an Ed25519 signature over one message, as a campaign makes them, with each backend.
func BenchmarkSignBoth(b *testing.B) {
	for _, mode := range []string{SigningAuto, SigningGo} {
		b.Run(mode, func(b *testing.B) {
			backend := Open(mode)
			keys, _ := setup(b)
			rsaKey, err := backend.Prepare(keys[0])
			if err != nil {
				b.Fatal(err)
			}
			b.Log(backend)
			benchmarkSign(b, rsaKey, keys[1])
		})
	}
}
