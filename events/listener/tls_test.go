package listener

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeCertificate writes a certificate of a name and its key.
func writeCertificate(t *testing.T, certFile, keyFile, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	must(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	must(t, os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), 0o600))
}

// startTLS goes over to TLS and gives the name in the certificate.
func (p *peer) startTLS() string {
	p.t.Helper()
	p.say("STARTTLS", "220 2.0.0")
	over := tls.Client(p.nc, &tls.Config{InsecureSkipVerify: true})
	must(p.t, over.Handshake())
	p.nc, p.r = over, bufio.NewReader(over)
	return over.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestStartTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, certFile, keyFile, "mx.example.org")
	k := &taker{}
	b := start(t, k, func(c *Config) { c.CertFile, c.KeyFile = certFile, keyFile })
	p := b.dial()
	p.want("220 ")
	if ehlo := p.say("EHLO peer.example", "250-"); !strings.Contains(ehlo, "STARTTLS") {
		t.Error(ehlo)
	}
	p.say("MAIL FROM:<>", "250")
	p.say("RCPT TO:<postmaster>", "250")
	if name := p.startTLS(); name != "mx.example.org" {
		t.Error(name)
	}
	p.say("DATA", "503 5.5.1") // what was said in clear text counts no longer
	p.say("MAIL FROM:<>", "503 5.5.1")
	if ehlo := p.say("EHLO peer.example", "250-"); strings.Contains(ehlo, "STARTTLS") {
		t.Error(ehlo)
	}
	p.say("STARTTLS", "503 5.5.1")
	p.message("<>", bounceTo()+"@bounces.example.org")
	p.say(report+".", "250 2.6.0")
	p.say("QUIT", "221")
	p.gone()
	if got := k.messages(); len(got) != 1 {
		t.Errorf("%d messages", len(got))
	}
}

// TestCommandsAheadOfTLS: whoever stands between could have put them there (CVE-2011-0411).
func TestCommandsAheadOfTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writeCertificate(t, certFile, keyFile, "mx.example.org")
	b := start(t, &taker{}, func(c *Config) { c.CertFile, c.KeyFile = certFile, keyFile })
	p := b.dial().hello()
	p.send("STARTTLS\r\nMAIL FROM:<evil@x.example>\r\n")
	p.want("501 5.5.2")
	p.gone()
}

func TestARenewedCertificateIsUsed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	now := time.Now()
	log := &lockedBuffer{}
	c := &certificate{certFile: certFile, keyFile: keyFile, now: func() time.Time { return now }, logger: logTo(log)}
	name := func() string {
		t.Helper()
		pair, err := c.get(nil)
		must(t, err)
		return pair.Leaf.Subject.CommonName
	}
	if _, err := c.get(nil); err == nil || !strings.Contains(err.Error(), "--bounce-tls-cert") {
		t.Fatalf("without files: %v", err)
	}
	now = now.Add(certificateFresh)
	write := func(n string, age time.Duration) {
		writeCertificate(t, certFile, keyFile, n)
		for _, f := range []string{certFile, keyFile} {
			must(t, os.Chtimes(f, time.Time{}, now.Add(-age)))
		}
	}
	write("first", time.Hour)
	if got := name(); got != "first" {
		t.Error(got)
	}
	write("second", time.Minute)
	if got := name(); got != "first" { // not looked at yet
		t.Error(got)
	}
	now = now.Add(certificateFresh)
	if got := name(); got != "second" {
		t.Error(got)
	}
	must(t, os.WriteFile(keyFile, []byte("half a k"), 0o600))
	now = now.Add(certificateFresh)
	if got := name(); got != "second" || !strings.Contains(log.String(), "the one before stays in use") {
		t.Error(got, log)
	}
}
