package safehttp

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"postrider/internal/errs"
)

// Defaults of a Getter.
const (
	DefaultMaxBody = 5 << 20
	DefaultTimeout = 30 * time.Second
)

const (
	maxRedirects  = 5
	maxURL        = 2000
	maxValidator  = 1024
	headerTimeout = 15 * time.Second
)

// Config of a Getter. Its zero value works.
type Config struct {
	// AllowPrivate lets addresses lead to this machine and to private networks, and to any port: for intranets and tests.
	AllowPrivate bool
	// Agent gives the User-Agent, which tells the other side who asks; nil or "" is "Postrider".
	Agent func(context.Context) string
	// MaxBody bounds a body in bytes, before and after decompression. Default DefaultMaxBody.
	MaxBody int64
	// Timeout bounds a Get from the first name to the last byte, with all redirects, so that neither a slow nor a dripping server holds us up. Default DefaultTimeout.
	Timeout time.Duration
	// Resolver answers for names; nil is the machine's own.
	Resolver *net.Resolver
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Getter reads documents from addresses that somebody else chose. It is safe for concurrent use.
type Getter struct {
	cfg    Config
	client *http.Client
}

// NewGetter makes a Getter.
func NewGetter(cfg Config) *Getter {
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	t := Transport(Options{AllowPrivate: cfg.AllowPrivate, Timeout: min(cfg.Timeout, headerTimeout), Resolver: cfg.Resolver})
	t.ResponseHeaderTimeout = headerTimeout
	return &Getter{cfg: cfg, client: &http.Client{Transport: t, CheckRedirect: NoRedirect}}
}

// Validators are what a server gave with a document, by which it can say that it is still the same (RFC 9110 §8.8). Both may be empty.
type Validators struct {
	ETag, LastModified string
}

// Answer is a document as it came.
type Answer struct {
	Body        []byte
	ContentType string // as the server wrote it
	FinalURL    string // where the document was in the end
	Moved       bool   // every redirect on the way there was for good (301, 308): the address should be changed
	Validators  Validators
	NotModified bool // the document is that of the validators; there is no body
}

// StatusError is the cause of an error when a server answered, but not with the document.
type StatusError struct {
	Status     int
	RetryAfter time.Duration // what the server asks for, 0 when it does not
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d", e.Status) }

// RetryAfterOf is how long the server behind an error of Get asks to be left alone, 0 when it does not.
func RetryAfterOf(err error) time.Duration {
	var status *StatusError
	if errors.As(err, &status) {
		return status.RetryAfter
	}
	return 0
}

// Get reads the document at an address, conditionally when there are validators. Errors are in words for whoever entered the address: Invalid when it cannot be used,
// TooLarge, else Unavailable, with a *StatusError as the cause when the server answered.
func (g *Getter) Get(ctx context.Context, address string, v Validators) (Answer, error) {
	u, err := g.CheckURL(address)
	if err != nil {
		return Answer{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, g.cfg.Timeout)
	defer cancel()
	moved := true
	for hop := 0; ; hop++ {
		resp, err := g.once(bounded, u, v)
		if err != nil {
			return Answer{}, unanswered(err, u, g.cfg.Timeout)
		}
		if !redirects(resp.StatusCode) {
			a, err := g.read(resp, u, v)
			a.Moved = moved && hop > 0
			return a, err
		}
		_ = resp.Body.Close()
		moved = moved && (resp.StatusCode == http.StatusMovedPermanently || resp.StatusCode == http.StatusPermanentRedirect)
		if hop == maxRedirects {
			return Answer{}, errs.New(errs.Unavailable, "%s redirects more than %d times: enter the address that the document is at in the end", u.Host, maxRedirects)
		}
		if u, err = g.next(u, resp); err != nil {
			return Answer{}, err
		}
	}
}

// CheckURL says whether an address can be asked, as far as that is known without DNS, and gives it without its fragment. Error: Invalid.
func (g *Getter) CheckURL(address string) (*url.URL, error) {
	address = strings.TrimSpace(address)
	u, err := url.Parse(address)
	switch {
	case address == "":
		return nil, errs.New(errs.Invalid, "enter an address, such as https://example.org/feed.xml")
	case len(address) > maxURL:
		return nil, errs.New(errs.Invalid, "the address is longer than %d characters", maxURL)
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return nil, errs.New(errs.Invalid, "this is not an address: it must look like https://example.org/feed.xml")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errs.New(errs.Invalid, "the address must begin with https:// or http://")
	case u.User != nil:
		return nil, errs.New(errs.Invalid, "the address must not hold a user name and password, which would be shown to everybody who can see it")
	}
	u.Fragment, u.RawFragment = "", ""
	if g.cfg.AllowPrivate {
		return u, nil
	}
	if InternalHost(u.Hostname()) {
		return nil, refusedError(u.Hostname())
	}
	if !usualPort(u.Port()) {
		return nil, errs.New(errs.Invalid, "documents are read from the ports 80, 443 and 8000 to 8999 only, not from %s", u.Port())
	}
	return u, nil
}

// usualPort keeps us from talking to what is no web server: mail, databases, consoles.
func usualPort(port string) bool {
	n, err := strconv.Atoi(port)
	return port == "" || err == nil && (n == 80 || n == 443 || n >= 8000 && n <= 8999)
}

func refusedError(host string) error {
	return errs.Because(errs.Invalid, RefusedError{IP: host}, "%s leads to this machine or to a private network, from where nothing is read unless the server runs with --fetch-allow-private", host)
}

func (g *Getter) once(ctx context.Context, u *url.URL, v Validators) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	agent := "Postrider"
	if g.cfg.Agent != nil {
		if named := g.cfg.Agent(ctx); usableHeader(named) {
			agent = named
		}
	}
	h := req.Header
	h.Set("User-Agent", agent)
	h.Set("Accept", "application/atom+xml, application/rss+xml, application/feed+json, application/json;q=0.9, application/xml;q=0.8, text/xml;q=0.8, */*;q=0.5")
	h.Set("Accept-Encoding", "gzip, deflate")
	if usableHeader(v.ETag) {
		h.Set("If-None-Match", v.ETag)
	}
	if usableHeader(v.LastModified) {
		h.Set("If-Modified-Since", v.LastModified)
	}
	return g.client.Do(req)
}

// usableHeader tells whether a text of somebody else can be the value of a field of ours.
func usableHeader(s string) bool {
	return s != "" && len(s) <= maxValidator && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func redirects(status int) bool {
	return slices.Contains([]int{http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect}, status)
}

// next is where a redirect leads. It is held to the same rules as the address, and never leads from https to http, where anybody on the way could change the document.
func (g *Getter) next(u *url.URL, resp *http.Response) (*url.URL, error) {
	to, err := u.Parse(resp.Header.Get("Location"))
	if err != nil || resp.Header.Get("Location") == "" {
		return nil, errs.New(errs.Unavailable, "%s redirects (%d) without saying where to", u.Host, resp.StatusCode)
	}
	checked, err := g.CheckURL(to.String())
	if err != nil {
		var e *errs.E
		errors.As(err, &e)
		return nil, errs.Because(errs.Unavailable, err, "%s redirects to an address that is not followed: %s", u.Host, e.Public)
	}
	if u.Scheme == "https" && checked.Scheme == "http" {
		return nil, errs.New(errs.Unavailable, "%s redirects from https to http, which is not followed, since anybody on the way could change the document: ask its owner, or enter the http address", u.Host)
	}
	return checked, nil
}

// unanswered is the error of a request without an answer.
func unanswered(err error, u *url.URL, timeout time.Duration) error {
	var refused RefusedError
	if errors.As(err, &refused) {
		return refusedError(u.Hostname())
	}
	return errs.Because(errs.Unavailable, err, "%s", Explain(err, u.Hostname(), timeout))
}

// read takes the answer apart.
func (g *Getter) read(resp *http.Response, u *url.URL, v Validators) (Answer, error) {
	defer func() { _ = resp.Body.Close() }()
	a := Answer{FinalURL: u.String(), ContentType: Clean(resp.Header.Get("Content-Type"), 200)}
	switch {
	case resp.StatusCode == http.StatusNotModified && (usableHeader(v.ETag) || usableHeader(v.LastModified)):
		a.NotModified, a.Validators = true, v
		return a, nil
	case resp.StatusCode != http.StatusOK:
		cause := &StatusError{Status: resp.StatusCode, RetryAfter: RetryAfter(resp, g.cfg.Now())}
		return Answer{}, errs.Because(errs.Unavailable, cause, "%s", verdict(u.Hostname(), cause))
	}
	if tag := resp.Header.Get("ETag"); usableHeader(tag) {
		a.Validators.ETag = tag
	}
	if at := resp.Header.Get("Last-Modified"); usableHeader(at) {
		a.Validators.LastModified = at
	}
	body, err := g.body(resp, u.Hostname())
	if err != nil {
		return Answer{}, err
	}
	a.Body = body
	return a, nil
}

// verdict says what an answer that is no document means, and what can be done.
func verdict(host string, e *StatusError) string {
	said := fmt.Sprintf("%s answered %d %s", host, e.Status, http.StatusText(e.Status))
	switch {
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return said + "; the document must be public, and programs must be let in: some firewalls keep out whatever is not a browser"
	case e.Status == http.StatusNotFound:
		return said + "; there is no document at this address: check it for a slip, or look whether it has moved"
	case e.Status == http.StatusGone:
		return said + "; the document was taken away for good: enter another address"
	case e.Status == http.StatusTooManyRequests && e.RetryAfter > 0:
		return fmt.Sprintf("%s; it was asked too often, and wants to be left alone for %s", said, e.RetryAfter.Round(time.Second))
	case e.Status == http.StatusTooManyRequests:
		return said + "; it was asked too often"
	case e.RetryAfter > 0:
		return fmt.Sprintf("%s; it wants to be left alone for %s", said, e.RetryAfter.Round(time.Second))
	case e.Status >= 500:
		return said + "; that is a trouble of that server, which may pass"
	}
	return strings.TrimSpace(said) + "; a document comes with 200 OK"
}

// body reads what came, decompressed. What is compressed is bounded too, so that an archive of nothing cannot keep us reading.
func (g *Getter) body(resp *http.Response, host string) ([]byte, error) {
	tooLarge := errs.New(errs.TooLarge, "the document of %s is larger than %s", host, size(g.cfg.MaxBody))
	if resp.ContentLength > g.cfg.MaxBody {
		return nil, tooLarge
	}
	raw := &io.LimitedReader{R: resp.Body, N: g.cfg.MaxBody + 1}
	plain, err := decompress(raw, resp.Header.Get("Content-Encoding"))
	if err != nil {
		return nil, errs.Because(errs.Unavailable, err, "%s answered in a compression that cannot be read", host)
	}
	body, err := io.ReadAll(io.LimitReader(plain, g.cfg.MaxBody+1))
	var corrupt flate.CorruptInputError
	switch {
	case int64(len(body)) > g.cfg.MaxBody || raw.N <= 0:
		return nil, tooLarge
	case errors.As(err, &corrupt) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, zlib.ErrChecksum) || errors.Is(err, gzip.ErrHeader):
		return nil, errs.Because(errs.Unavailable, err, "what %s sent is compressed wrongly", host)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, errs.Because(errs.Unavailable, err, "%s did not send all of the document within %s", host, g.cfg.Timeout)
	case err != nil:
		return nil, errs.Because(errs.Unavailable, err, "%s broke off in the middle of the document", host)
	}
	return body, nil
}

func size(n int64) string {
	if n >= 1<<20 {
		return fmt.Sprintf("%d MB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}

// decompress undoes one content coding (RFC 9110 §8.4.1). "deflate" is zlib by the standard and bare in the answers of some servers.
func decompress(r io.Reader, coding string) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(coding)) {
	case "", "identity":
		return r, nil
	case "gzip", "x-gzip":
		return gzip.NewReader(r)
	case "deflate":
		return inflate(r)
	}
	return nil, fmt.Errorf("content coding %q", Clean(coding, 100))
}
