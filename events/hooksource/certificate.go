package hooksource

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"postrider/events/hooks"
	"postrider/internal/errs"
)

const (
	maxAnswer   = 64 << 10 // bytes of a certificate or a confirmation
	maxChain    = 5        // certificates of one answer
	certKept    = 24 * time.Hour
	maxCerts    = 32
	fetchWithin = 10 * time.Second
)

// Fetcher gets what an address answers to GET. Anything but 200 is an error, also a redirect, and so is an answer of more than limit bytes.
type Fetcher interface {
	Fetch(ctx context.Context, url string, limit int64) ([]byte, error)
}

type webFetcher struct{ client *http.Client }

func newWebFetcher() webFetcher {
	return webFetcher{&http.Client{Timeout: fetchWithin, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Fetch is over the network.
func (f webFetcher) Fetch(ctx context.Context, address string, limit int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, errors.New("the address is not valid")
	}
	answer, err := f.client.Do(r)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without the address, which can hold a token
		}
		return nil, fmt.Errorf("asking %s: %w", r.URL.Host, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered with status %d", r.URL.Host, answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", r.URL.Host, err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("the answer of %s is larger than %d bytes", r.URL.Host, limit)
	}
	return body, nil
}

// certificates keeps the certificates of SNS that were found good.
type certificates struct {
	fetcher Fetcher
	roots   *x509.CertPool

	mu   sync.Mutex
	kept map[string]keptCert
}

type keptCert struct {
	cert  *x509.Certificate
	until time.Time
}

func newCertificates(f Fetcher, roots *x509.CertPool) *certificates {
	return &certificates{fetcher: f, roots: roots, kept: map[string]keptCert{}}
}

func (c *certificates) get(ctx context.Context, address string, now time.Time) (*x509.Certificate, error) {
	if cert := c.known(address, now); cert != nil {
		return cert, nil
	}
	cert, err := c.fetch(ctx, address, now)
	if err != nil {
		return nil, err
	}
	c.keep(address, cert, now)
	return cert, nil
}

func (c *certificates) known(address string, now time.Time) *x509.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.kept[address]; now.Before(k.until) {
		return k.cert
	}
	return nil
}

func (c *certificates) keep(address string, cert *x509.Certificate, now time.Time) {
	until := now.Add(certKept)
	if cert.NotAfter.Before(until) {
		until = cert.NotAfter
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= maxCerts {
		clear(c.kept)
	}
	c.kept[address] = keptCert{cert, until}
}

// fetch gets a certificate and what is missing between it and an authority that is trusted: SNS gives the certificate alone, which names where that of its issuer
// is (RFC 5280 §4.2.2.1).
func (c *certificates) fetch(ctx context.Context, address string, now time.Time) (*x509.Certificate, error) {
	chain, err := c.read(ctx, address)
	if err != nil {
		return nil, err
	}
	cert, issued := chain[0], chain[len(chain)-1]
	between := x509.NewCertPool()
	for _, issuer := range chain[1:] {
		between.AddCert(issuer)
	}
	for range maxChain {
		if err = hooks.CheckCert(cert, between, c.roots, address, now); err == nil {
			return cert, nil
		}
		at, ok := issuerURL(issued)
		if !ok {
			break
		}
		more, err := c.read(ctx, at)
		if err != nil {
			return nil, err
		}
		issued = more[0]
		between.AddCert(issued)
	}
	return nil, err
}

func (c *certificates) read(ctx context.Context, address string) ([]*x509.Certificate, error) {
	body, err := c.fetcher.Fetch(ctx, address, maxAnswer)
	if err != nil {
		return nil, errs.Because(errs.Unavailable, err, "the certificate of Amazon SNS could not be fetched; this machine must be able to reach it over https. SNS tries again for an hour.")
	}
	chain, err := parseChain(body)
	if err != nil {
		return nil, &hooks.Error{Kind: hooks.BadSignature, Text: "what is at the address of the certificate of Amazon SNS is not a certificate"}
	}
	return chain, nil
}

// parseChain reads certificates as PEM, or one as DER.
func parseChain(body []byte) ([]*x509.Certificate, error) {
	if !bytes.Contains(body, []byte("-----BEGIN")) {
		cert, err := x509.ParseCertificate(body)
		return []*x509.Certificate{cert}, err
	}
	var chain []*x509.Certificate
	for len(chain) < maxChain {
		var block *pem.Block
		if block, body = pem.Decode(body); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		chain = append(chain, cert)
	}
	if len(chain) == 0 {
		return nil, errors.New("no certificate")
	}
	return chain, nil
}

// issuerURL says where the certificate of the issuer is, when that is one of the authorities that Amazon uses. Such addresses have no https, which would need
// certificates itself; what comes is checked by its signature.
func issuerURL(cert *x509.Certificate) (string, bool) {
	for _, address := range cert.IssuingCertificateURL {
		u, err := url.Parse(address)
		if err != nil || u.User != nil || u.Port() != "" || u.Scheme != "http" && u.Scheme != "https" {
			continue
		}
		if strings.HasSuffix(u.Host, ".amazontrust.com") || strings.HasSuffix(u.Host, ".digicert.com") {
			return address, true
		}
	}
	return "", false
}
