package outgoing

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// attemptTimeout bounds one attempt from the name to the end of the answer; Standard Webhooks recommends 15 to 30 s.
	attemptTimeout = 15 * time.Second
	// maxReply is what is kept of an answer, in bytes; maxDrain is what is read of it at most so that the connection can be used again.
	maxReply = 1 << 10
	maxDrain = 64 << 10
	// idlePerHost are the connections kept open to one endpoint.
	idlePerHost = perEndpoint
)

// newClient makes the client that sends. It takes no proxy from the environment, since that would connect where the guard does not see it.
func newClient(allowPrivate bool) *http.Client {
	dialer := &net.Dialer{Timeout: attemptTimeout, KeepAlive: 30 * time.Second}
	if !allowPrivate {
		dialer.Control = guard
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSHandshakeTimeout: attemptTimeout, ForceAttemptHTTP2: true, DisableCompression: true,
			MaxIdleConns: 100, MaxIdleConnsPerHost: idlePerHost, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// outgoing is one message on its way to its endpoint.
type outgoing struct {
	url       string
	secrets   []string
	messageID string
	payload   string
}

// result is what came of an attempt.
type result struct {
	at         time.Time
	took       time.Duration
	status     int           // 0: no answer
	err        string        // "": delivered
	reply      string        // the beginning of the answer
	retryAfter time.Duration // what the endpoint asks for, 0 when it does not
	cut        bool          // we broke it off ourselves: it says nothing about the endpoint
}

func (r result) delivered() bool { return r.err == "" }

// send makes one attempt. The stamp of time is the attempt's, as the standard has it.
func (s *Service) send(ctx context.Context, m outgoing) result {
	r := result{at: s.now().UTC()}
	began := time.Now()
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	s.exchange(bounded, m, &r)
	r.took = time.Since(began)
	r.cut = r.err != "" && ctx.Err() != nil
	return r
}

func (s *Service) exchange(ctx context.Context, m outgoing, r *result) {
	sig, err := signature(m.secrets, m.messageID, r.at, m.payload)
	if err != nil {
		r.err = err.Error()
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url, strings.NewReader(m.payload))
	if err != nil {
		r.err = "the address of the endpoint cannot be used: change it"
		return
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Postrider-Webhooks")
	// As the standard writes them; servers take them in any case.
	req.Header["Webhook-Id"] = []string{m.messageID}
	req.Header["Webhook-Timestamp"] = []string{strconv.FormatInt(r.at.Unix(), 10)}
	req.Header["Webhook-Signature"] = []string{sig}
	resp, err := s.client.Do(req)
	if err != nil {
		r.err = s.explain(err)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	r.status = resp.StatusCode
	r.reply = readReply(resp.Body)
	r.err = verdict(resp.StatusCode)
	r.retryAfter = retryAfter(resp, r.at)
}

// readReply keeps the beginning of an answer as text. What breaks off has been answered all the same: the status decides.
func readReply(body io.Reader) string {
	head, _ := io.ReadAll(io.LimitReader(body, maxReply))
	_, _ = io.CopyN(io.Discard, body, maxDrain)
	return clean(string(head), maxReply)
}

// clean makes text storable: Postgres takes no NUL and no broken UTF-8.
func clean(text string, most int) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text[:min(len(text), most)], "\uFFFD"), "\x00", "\uFFFD")
}

// verdict says what is wrong with a status, "" when it is a success.
func verdict(status int) string {
	switch {
	case status >= 200 && status <= 299:
		return ""
	case status >= 300 && status <= 399:
		return fmt.Sprintf("the endpoint redirects (%d), which is not followed: enter the address that it leads to", status)
	case status == http.StatusGone:
		return "the endpoint says that it is gone (410)"
	}
	return fmt.Sprintf("the endpoint answered %d", status)
}

// maxRetryAfter bounds what an endpoint can ask for.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads the field of that name (RFC 9110 §10.2.3) of an answer that says "not now".
func retryAfter(resp *http.Response, now time.Time) time.Duration {
	if resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode != http.StatusServiceUnavailable {
		return 0
	}
	text := resp.Header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil {
		return min(max(time.Duration(seconds)*time.Second, 0), maxRetryAfter)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}

// explain puts into words why there was no answer. The address of the endpoint, which the error of the client begins with, is left out.
func (s *Service) explain(err error) string {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var (
		refused  refusedError
		dns      *net.DNSError
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		network  net.Error
	)
	switch {
	case errors.As(err, &refused):
		return refused.Error()
	case errors.As(err, &dns) && dns.IsNotFound:
		return "the name of the endpoint's server is not known to DNS"
	case errors.As(err, &dns):
		return "DNS did not say where the endpoint's server is"
	case errors.As(err, &unknown):
		return "the endpoint's certificate is not signed by an authority that this machine knows"
	case errors.As(err, &hostname):
		return "the endpoint's certificate is for another name"
	case errors.As(err, &invalid):
		return "the endpoint's certificate is not valid: " + clean(invalid.Error(), maxError)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("the endpoint did not answer within %s", s.timeout)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the endpoint's server takes no connection on this port"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "the endpoint's server closed the connection without an answer"
	}
	return clean(err.Error(), maxError)
}

// maxError bounds the text of an error, in bytes.
const maxError = 500
