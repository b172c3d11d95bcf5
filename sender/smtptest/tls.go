package smtptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"time"
)

// TLSFault is what is wrong with the server's TLS.
type TLSFault string

// The faults. The certificate's authority is trusted by [Server.CertPool] in all but
// TLSSelfSigned.
const (
	TLSNotTLS     TLSFault = "not tls"     // answers the handshake in clear text
	TLSExpired    TLSFault = "expired"     // the certificate ended yesterday
	TLSSelfSigned TLSFault = "self-signed" // nobody vouches for the certificate
	TLSWrongName  TLSFault = "wrong name"  // it names another host
	TLSOld        TLSFault = "old"         // TLS 1.0 and 1.1 only
)

// certificates makes an authority and a server certificate, valid for a day, with
// one fault.
func certificates(fault TLSFault) (*tls.Config, *x509.CertPool, error) {
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "smtptest CA"}, NotBefore: now.Add(-72 * time.Hour),
		NotAfter: now.Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "smtptest"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	switch fault {
	case TLSExpired:
		leaf.NotAfter = now.Add(-24 * time.Hour)
	case TLSWrongName:
		leaf.DNSNames, leaf.IPAddresses = []string{"other.example"}, nil
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	caCert, err := issue(ca, ca, caKey.Public(), caKey)
	if err != nil {
		return nil, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	parent, parentKey := caCert, caKey
	if fault == TLSSelfSigned {
		parent, parentKey = leaf, key
	}
	cert, err := issue(leaf, parent, key.Public(), parentKey)
	if err != nil {
		return nil, nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(caCert)
	cfg := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert.Raw}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	if fault == TLSOld {
		cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	}
	return cfg, pool, nil
}

func issue(template, parent *x509.Certificate, pub crypto.PublicKey, signer crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, signer)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}
