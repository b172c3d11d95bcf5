package peers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"postrider/internal/daemon"
)

const (
	login    = "news"
	password = "s3cret"
	realm    = "peers.example"
	reader   = "ann@reader.example"
)

// patience bounds every wait of these tests.
const patience = daemon.Patience

// peer is a running server of somebody else.
type peer struct {
	startTLS, implicit int // ports
	authorities        *x509.CertPool
	maildir            string
}

func (p *peer) listening(t *testing.T) {
	t.Helper()
	daemon.Listening(t, p.startTLS, p.implicit)
}

// delivered waits for n messages and gives them with CRLF, by Message-ID.
func (p *peer) delivered(t *testing.T, n int) map[string]string {
	t.Helper()
	var files []string
	daemon.Until(t, strconv.Itoa(n)+" messages", func() bool {
		files, _ = filepath.Glob(filepath.Join(p.maildir, "new", "*"))
		return len(files) >= n
	})
	got := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(b), "\n", "\r\n")
		_, rest, _ := strings.Cut(text, "\r\nMessage-ID: <")
		id, _, _ := strings.Cut(rest, ">")
		got[id] = text
	}
	if len(files) != n || len(got) != n {
		t.Fatalf("%d files with %d messages, want %d", len(files), len(got), n)
	}
	return got
}

// certificate writes key and certificate for 127.0.0.1 into dir and gives what trusts
// it.
func certificate(t *testing.T, dir string) (cert, key string, pool *x509.CertPool) {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "peer"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, c, c, priv.Public(), priv)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	daemon.Write(t, cert, string(certPEM))
	daemon.Write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return cert, key, pool
}
