package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// The key algorithms [Generate] knows.
const (
	RSA2048 = "rsa2048"
	Ed25519 = "ed25519"
)

// minRSABits is what signers must use at least (RFC 8301 §3.2).
const minRSABits = 1024

// Key is a signing key with its place in DNS.
type Key struct {
	Domain   string // d=, in A-labels
	Selector string // s=
	Signer   crypto.Signer
}

// Generate makes a key pair: the private key as PKCS #8 DER, to be kept
// encrypted, and the value of the TXT record to publish.
func Generate(algorithm string) (privatePKCS8DER []byte, publicTXT string, err error) {
	var signer crypto.Signer
	switch algorithm {
	case RSA2048:
		signer, err = rsa.GenerateKey(rand.Reader, 2048)
	case Ed25519:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		return nil, "", fmt.Errorf("unknown DKIM key algorithm %q: use %s or %s", algorithm, RSA2048, Ed25519)
	}
	if err != nil {
		return nil, "", fmt.Errorf("generating DKIM key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return nil, "", fmt.Errorf("encoding DKIM key: %w", err)
	}
	txt, err := RecordValue(signer.Public())
	return der, txt, err
}

// ParseKey reads a private key made by [Generate] or imported by a user. RSA keys
// under 1024 bits are refused (RFC 8301 §3.2).
func ParseKey(domain, selector string, pkcs8DER []byte) (Key, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(pkcs8DER)
	if err != nil {
		// The library's error can quote the key's bytes.
		return Key{}, errors.New("DKIM key is not a PKCS #8 private key")
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return Key{}, fmt.Errorf("DKIM key of type %T cannot sign: use RSA or Ed25519", parsed)
	}
	k := Key{Domain: domain, Selector: selector, Signer: signer}
	return k, k.validate()
}

func (k Key) validate() error {
	if !isName(k.Domain) || !strings.Contains(k.Domain, ".") {
		return fmt.Errorf("DKIM domain %q is not a domain name", k.Domain)
	}
	if !isName(k.Selector) {
		return fmt.Errorf("DKIM selector %q of %s may hold letters, digits, hyphens and dots", k.Selector, k.Domain)
	}
	if k.Signer == nil {
		return fmt.Errorf("DKIM key %s has no private key", RecordName(k.Selector, k.Domain))
	}
	switch pub := k.Signer.Public().(type) {
	case ed25519.PublicKey:
		return nil
	case *rsa.PublicKey:
		if pub.N.BitLen() < minRSABits {
			return fmt.Errorf("DKIM key has %d bits: RSA keys need at least %d, better 2048", pub.N.BitLen(), minRSABits)
		}
		return nil
	}
	return fmt.Errorf("DKIM key of type %T cannot be used: use RSA or Ed25519", k.Signer.Public())
}

// isName reports a domain name or selector that can stand in a tag.
func isName(s string) bool {
	if s == "" || len(s) > 253 || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		b := s[i]
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '.' || b == '_') {
			return false
		}
	}
	return true
}

// RecordName is where the public key is published (RFC 6376 §3.6.2.1).
func RecordName(selector, domain string) string { return selector + "._domainkey." + domain }

// RecordValue is the TXT record for a public key, in one piece (RFC 6376 §3.6.1,
// RFC 8463 §4).
func RecordValue(pub crypto.PublicKey) (string, error) {
	switch pub := pub.(type) {
	case ed25519.PublicKey:
		return "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(pub), nil
	case *rsa.PublicKey:
		der, err := x509.MarshalPKIXPublicKey(pub)
		if err != nil {
			return "", fmt.Errorf("encoding DKIM public key: %w", err)
		}
		return "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(der), nil
	}
	return "", fmt.Errorf("DKIM public key of type %T cannot be published: use RSA or Ed25519", pub)
}

// SplitTXT cuts a value into the strings of at most 255 octets a TXT record is
// made of (RFC 1035 §3.3.14); resolvers join them without a space.
func SplitTXT(value string) []string {
	const limit = 255
	var parts []string
	for len(value) > limit {
		parts = append(parts, value[:limit])
		value = value[limit:]
	}
	return append(parts, value)
}

// ZoneLine is the record as a line of a zone file.
func ZoneLine(selector, domain, value string) string {
	return RecordName(selector, domain) + `. IN TXT ( "` + strings.Join(SplitTXT(value), `" "`) + `" )`
}
