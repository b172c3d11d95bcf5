package preflight

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"postrider/internal/safehttp"
)

// Prober finds out what is at an address. size asks for the length of what is there, for images.
type Prober interface {
	Probe(ctx context.Context, address string, size bool) Probe
}

// Probe is what was found at an address.
type Probe struct {
	Status int // of the last answer, 0 when there was none
	// Chain is each address on the way, the first one first; more than one when it is redirected.
	Chain []string
	Type  string // media type of what is there
	Bytes int64  // its length; -1 when it is not known
	// Trouble is why there was no answer, "" when there was. Known troubles begin with one of the trouble texts.
	Trouble string
	Kind    string // one of the trouble kinds
}

// Kinds of trouble.
const (
	troubleDNS      = "dns"      // there is no such name
	troublePrivate  = "private"  // the address is of a private network
	troubleRedirect = "redirect" // in circles, or to what is no web address
	troubleOther    = "other"    // no answer in time, no connection, no valid certificate, DNS that does not answer
)

// Verdicts on a probe.
const (
	probeFine    = "fine"
	probeBroken  = "broken"
	probePrivate = "private"
	probeUnsure  = "unsure"
)

// verdict says what an answer means for readers. Servers that keep programs away answer 401, 403, 405, 429 or 999 to us and 200 to people, and one that has trouble now may have
// none in an hour.
func (p Probe) verdict() string {
	switch {
	case p.Kind == troublePrivate:
		return probePrivate
	case p.Kind == troubleDNS || p.Kind == troubleRedirect:
		return probeBroken
	case p.Kind != "":
		return probeUnsure
	case p.Status == http.StatusNotFound || p.Status == http.StatusGone || p.Status == http.StatusBadRequest || p.Status == http.StatusUnavailableForLegalReasons:
		return probeBroken
	case p.Status >= 500 && p.Status < 600 && p.Status != http.StatusServiceUnavailable:
		return probeBroken
	case p.Status >= 400 || p.Status < 200:
		return probeUnsure
	}
	return probeFine
}

// says is the probe in words.
func (p Probe) says() string {
	var text string
	switch {
	case p.Trouble != "":
		text = p.Trouble
	case p.Status != 0:
		text = strings.TrimSpace(fmt.Sprintf("%d %s", p.Status, http.StatusText(p.Status)))
	}
	if len(p.Chain) > 1 {
		text = strings.Join(p.Chain[1:], " → ") + ": " + text
	}
	return text
}

// Target is an address to look at.
type Target struct {
	URL  string
	Size bool
}

// Targets gives the addresses in the samples at which it is worth looking: no pages for leaving, none of our own, and nothing that its looks condemn. Those of the first sample come first.
func Targets(samples []Sample, facts Facts) []Target {
	c := &checker{in: Input{Samples: samples, Facts: facts}}
	var out []Target
	seen := map[string]bool{}
	add := func(address string, size bool) {
		bad := judgeURL(address)
		if !isWeb(address) || seen[address] || len(out) >= mostTargets || bad != "" && bad != "link_http" || c.own(address) {
			return
		}
		seen[address] = true
		out = append(out, Target{address, size})
	}
	for _, m := range c.messages() {
		addresses := listUnsubscribe(m.sent)
		for _, l := range m.doc.links {
			if !leaves(l, addresses) {
				add(l.url, false)
			}
		}
		for _, i := range m.doc.images {
			if !i.tiny && !i.hidden {
				add(i.src, true)
			}
		}
	}
	return out
}

// Bounds of looking at addresses.
const (
	mostTargets  = 300
	atOnce       = 12
	atOnceByHost = 2
	mostHops     = 5
	probeTimeout = 8 * time.Second
	mostBytes    = 5 << 20 // what is read of an image whose length its server does not say
)

// ProbeAll looks at addresses until ctx ends: a few at a time, and fewer at one server. It gives what was found by then, and how many were not reached.
func ProbeAll(ctx context.Context, p Prober, targets []Target) (found map[string]Probe, unreached int) {
	found = map[string]Probe{}
	hosts := map[string]chan struct{}{}
	for _, t := range targets {
		if host := hostOf(t.URL); hosts[host] == nil {
			hosts[host] = make(chan struct{}, atOnceByHost)
		}
	}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(atOnce)
	for _, t := range targets {
		group.Go(func() error {
			host := hosts[hostOf(t.URL)]
			select {
			case host <- struct{}{}:
				defer func() { <-host }()
			case <-ctx.Done():
				return nil
			}
			if ctx.Err() != nil {
				return nil
			}
			answer := p.Probe(ctx, t.URL, t.Size)
			if ctx.Err() != nil && answer.Kind == troubleOther {
				return nil // we broke it off ourselves
			}
			mu.Lock()
			defer mu.Unlock()
			found[t.URL] = answer
			return nil
		})
	}
	_ = group.Wait()
	return found, len(targets) - len(found)
}

// How long an answer is remembered: so that a second run gets further than the first, and a fault that is mended is soon seen.
const (
	keepFine   = 10 * time.Minute
	keepBroken = 30 * time.Second
	mostKept   = 5000
)

// HTTPProber asks web servers, as a browser does but for the body. It is safe for concurrent use.
type HTTPProber struct {
	client *http.Client
	now    func() time.Time

	mu   sync.Mutex
	kept map[Target]keptProbe
}

type keptProbe struct {
	probe Probe
	until time.Time
}

// NewProber makes a prober. Addresses of this machine and of private networks are not connected to unless allowPrivate says so.
func NewProber(allowPrivate bool, now func() time.Time) *HTTPProber {
	t := safehttp.Transport(safehttp.Options{AllowPrivate: allowPrivate, Timeout: probeTimeout})
	t.MaxIdleConnsPerHost, t.ResponseHeaderTimeout = atOnceByHost, probeTimeout
	return &HTTPProber{client: &http.Client{Transport: t, CheckRedirect: safehttp.NoRedirect}, now: now, kept: map[Target]keptProbe{}}
}

// Probe asks with HEAD, and with GET where a server does not like that or does not say the length that is asked for. What it found is kept for some minutes.
func (h *HTTPProber) Probe(ctx context.Context, address string, size bool) Probe {
	key := Target{address, size}
	h.mu.Lock()
	kept, ok := h.kept[key]
	h.mu.Unlock()
	if ok && h.now().Before(kept.until) {
		return kept.probe
	}
	bounded, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	p := h.follow(bounded, http.MethodHead, address, size)
	if p.Kind == "" && (p.verdict() != probeFine || size && p.Bytes < 0) {
		p = h.follow(bounded, http.MethodGet, address, size)
	}
	if ctx.Err() != nil {
		return p
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.kept) >= mostKept {
		clear(h.kept)
	}
	keep := keepFine
	if p.verdict() != probeFine {
		keep = keepBroken
	}
	h.kept[key] = keptProbe{p, h.now().Add(keep)}
	return p
}

// follow goes from redirect to redirect. Each is checked as the first address was, where it is connected to.
func (h *HTTPProber) follow(ctx context.Context, method, address string, size bool) Probe {
	p := Probe{Chain: []string{address}, Bytes: -1}
	for {
		next, err := h.ask(ctx, method, p.Chain[len(p.Chain)-1], size, &p)
		if err != nil {
			p.Kind, p.Trouble = explain(err)
			return p
		}
		if next == "" {
			return p
		}
		if len(p.Chain) > mostHops {
			p.Kind, p.Trouble = troubleRedirect, fmt.Sprintf("it is redirected more than %d times", mostHops)
			return p
		}
		p.Chain = append(p.Chain, next)
		if !isWeb(next) {
			p.Kind, p.Trouble = troubleRedirect, "it is redirected to what is no web address"
			return p
		}
	}
}

func (h *HTTPProber) ask(ctx context.Context, method, address string, size bool, p *Probe) (next string, err error) {
	req, err := http.NewRequestWithContext(ctx, method, asBrowsersAsk(address), nil)
	if err != nil {
		return "", err
	}
	req.URL.Fragment = ""
	req.Header.Set("User-Agent", "Mozilla/5.0 (compatible; Postrider-Preflight)")
	req.Header.Set("Accept", "*/*")
	resp, err := h.client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	p.Status = resp.StatusCode
	if resp.StatusCode >= 300 && resp.StatusCode <= 399 && resp.Header.Get("Location") != "" {
		to, err := resp.Location()
		if err != nil {
			return "", err
		}
		return to.String(), nil
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	p.Type, p.Bytes = strings.ToLower(strings.TrimSpace(kind)), resp.ContentLength
	if size && method == http.MethodGet && p.Bytes < 0 {
		if p.Bytes, err = io.Copy(io.Discard, io.LimitReader(resp.Body, mostBytes)); err != nil {
			return "", err
		}
	}
	return "", nil
}

// asBrowsersAsk writes an address of the web as browsers send it (WHATWG URL §4.4, §4.5): what url.Parse refuses or leaves as it is, and servers then do not understand, is encoded.
func asBrowsersAsk(address string) string {
	address, _ = cutAny(address, "#")
	_, rest := splitWeb(address)
	path, query := cutAny(rest, "?")
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(strings.TrimSpace(address), rest))
	for i := range len(path) {
		switch c := path[i]; {
		case c == '\\':
			b.WriteByte('/')
		case c == '%' && !encodedByte.MatchString(path[i:]):
			b.WriteString("%25")
		default:
			b.WriteString(encodeByte(c))
		}
	}
	for i := range len(query) {
		b.WriteString(encodeByte(query[i]))
	}
	return b.String()
}

var encodedByte = regexp.MustCompile(`^%[0-9A-Fa-f]{2}`)

func encodeByte(c byte) string {
	if c <= ' ' || c >= 0x7f {
		return fmt.Sprintf("%%%02X", c)
	}
	return string(rune(c))
}

// explain puts into words why there was no answer.
func explain(err error) (kind, text string) {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var (
		private safehttp.RefusedError
		dns     *net.DNSError
		cert    *tls.CertificateVerificationError
		network net.Error
	)
	switch {
	case errors.As(err, &private):
		return troublePrivate, "it leads to an address of this machine or of a private network"
	case errors.As(err, &dns) && dns.IsNotFound:
		return troubleDNS, "DNS knows no such name"
	case errors.As(err, &dns):
		return troubleOther, "DNS did not answer"
	case errors.As(err, &cert):
		return troubleOther, "its certificate is not valid: " + short(cert.Err.Error())
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return troubleOther, "it did not answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return troubleOther, "its server takes no connection"
	}
	return troubleOther, short(err.Error())
}
