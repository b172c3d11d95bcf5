package safehttp

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// maxHeader bounds the header of an answer, in bytes.
const maxHeader = 64 << 10

// Options of a transport. The zero value guards and waits for ever.
type Options struct {
	// AllowPrivate takes the guard off: addresses of this machine and of private networks are connected to.
	AllowPrivate bool
	// Timeout bounds the making of one connection.
	Timeout time.Duration
	// Resolver answers for names; nil is the machine's own.
	Resolver *net.Resolver
}

// Transport makes guarded connections. It takes no proxy from the environment, since that would connect where the guard does not see it, and does not decompress.
func Transport(o Options) *http.Transport {
	dialer := &net.Dialer{Timeout: o.Timeout, KeepAlive: 30 * time.Second, Resolver: o.Resolver}
	if !o.AllowPrivate {
		dialer.Control = guard
	}
	return &http.Transport{
		DialContext: dialer.DialContext, TLSHandshakeTimeout: o.Timeout, ForceAttemptHTTP2: true, DisableCompression: true,
		MaxIdleConns: 100, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: maxHeader,
	}
}

// NoRedirect is the CheckRedirect of a client that takes a redirect for an answer.
func NoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// MaxRetryAfter bounds what a server can ask for.
const MaxRetryAfter = 24 * time.Hour

// RetryAfter is how long an answer that says "not now" (429, 503) asks to be left alone (RFC 9110 §10.2.3), at most a day; 0 when it does not.
func RetryAfter(resp *http.Response, now time.Time) time.Duration {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	text := resp.Header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return min(max(time.Duration(seconds)*time.Second, 0), MaxRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), MaxRetryAfter)
}

// maxError bounds the text of an error, in bytes.
const maxError = 500

// Explain puts into words why there was no answer from who ("the endpoint") within timeout. The address, which the error of the client begins with, is left out: it can
// hold a secret.
func Explain(err error, who string, timeout time.Duration) string {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var (
		refused RefusedError
		dns     *net.DNSError
		network net.Error
	)
	switch {
	case errors.As(err, &refused):
		return refused.Error()
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the name of " + who + "'s server is not known to DNS"
	case errors.As(err, &dns):
		return "DNS did not say where " + who + "'s server is"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return who + " did not answer within " + timeout.String()
	case errors.Is(err, syscall.ECONNREFUSED):
		return who + "'s server takes no connection on this port"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return who + "'s server closed the connection without an answer"
	}
	if text := certificate(err, who); text != "" {
		return text
	}
	return Clean(err.Error(), maxError)
}

// certificate says what is wrong with the certificate of a server, "" when that is not the trouble.
func certificate(err error, who string) string {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
	)
	switch {
	case errors.As(err, &unknown):
		return who + "'s certificate is not signed by an authority that this machine knows"
	case errors.As(err, &hostname):
		return who + "'s certificate is for another name"
	case errors.As(err, &invalid):
		return who + "'s certificate is not valid: " + Clean(invalid.Error(), maxError)
	}
	return ""
}

// Clean makes text of a stranger storable, and no longer than most bytes: Postgres takes no NUL and no broken UTF-8.
func Clean(text string, most int) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text[:min(len(text), most)], "\uFFFD"), "\x00", "\uFFFD")
}
