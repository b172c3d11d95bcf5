package outgoing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"postrider/internal/safehttp"
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

// newClient makes the client that sends.
func newClient(allowPrivate bool) *http.Client {
	t := safehttp.Transport(safehttp.Options{AllowPrivate: allowPrivate, Timeout: attemptTimeout})
	t.MaxIdleConnsPerHost = idlePerHost
	return &http.Client{Transport: t, CheckRedirect: safehttp.NoRedirect}
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
	r.retryAfter = safehttp.RetryAfter(resp, r.at)
}

// readReply keeps the beginning of an answer as text. What breaks off has been answered all the same: the status decides.
func readReply(body io.Reader) string {
	head, _ := io.ReadAll(io.LimitReader(body, maxReply))
	_, _ = io.CopyN(io.Discard, body, maxDrain)
	return safehttp.Clean(string(head), maxReply)
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

// explain puts into words why there was no answer.
func (s *Service) explain(err error) string {
	text := safehttp.Explain(err, "the endpoint", s.timeout)
	var refused safehttp.RefusedError
	if errors.As(err, &refused) {
		text += ", where webhooks do not go unless the server runs with --webhook-allow-private"
	}
	return text
}
