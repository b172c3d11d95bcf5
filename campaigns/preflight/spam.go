package preflight

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SpamResult is what a spam filter says of a message. Trouble is why it says nothing.
type SpamResult struct {
	Engine    string     `json:"engine"` // rspamd or SpamAssassin
	Score     float64    `json:"score"`
	Threshold float64    `json:"threshold"`
	Rules     []SpamRule `json:"rules"` // those that count most first
	Trouble   string     `json:"trouble"`
}

// SpamRule is one that hit.
type SpamRule struct {
	Name        string  `json:"name"`
	Score       float64 `json:"score"`
	Description string  `json:"description"`
}

const (
	spamTimeout = 15 * time.Second
	spamAnswer  = 1 << 20
	mostRules   = 60
)

// AskSpamFilter shows a message to the filter at an address of the settings: http(s)://host:11333 is rspamd, spamd://host:783 SpamAssassin. A filter that cannot be asked is
// a result with Trouble.
func AskSpamFilter(ctx context.Context, address string, raw []byte) *SpamResult {
	ctx, cancel := context.WithTimeout(ctx, spamTimeout)
	defer cancel()
	ask, engine := askRspamd, "rspamd"
	if strings.HasPrefix(address, "spamd://") {
		ask, engine = askSpamd, "SpamAssassin"
	}
	r, err := ask(ctx, address, raw)
	if err != nil {
		return &SpamResult{Engine: engine, Rules: []SpamRule{}, Trouble: short(err.Error())}
	}
	r.Engine = engine
	slices.SortStableFunc(r.Rules, func(a, b SpamRule) int { return cmp.Compare(b.Score, a.Score) })
	r.Rules = r.Rules[:min(len(r.Rules), mostRules)]
	return r
}

// askRspamd uses /checkv2 (docs.rspamd.com, "Protocol").
func askRspamd(ctx context.Context, address string, raw []byte) (*SpamResult, error) {
	endpoint, err := url.JoinPath(address, "checkv2")
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("rspamd cannot be reached: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("rspamd answers %d", resp.StatusCode)
	}
	var answer struct {
		Score         float64 `json:"score"`
		RequiredScore float64 `json:"required_score"`
		Symbols       map[string]struct {
			Score       float64 `json:"score"`
			Description string  `json:"description"`
		} `json:"symbols"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, spamAnswer)).Decode(&answer); err != nil {
		return nil, fmt.Errorf("what rspamd answers is not as it should be: %w", err)
	}
	out := &SpamResult{Score: answer.Score, Threshold: answer.RequiredScore, Rules: []SpamRule{}}
	for name, s := range answer.Symbols {
		out.Rules = append(out.Rules, SpamRule{Name: short(name), Score: s.Score, Description: short(s.Description)})
	}
	slices.SortFunc(out.Rules, func(a, b SpamRule) int { return cmp.Compare(a.Name, b.Name) })
	return out, nil
}

// askSpamd uses REPORT of the SPAMC protocol 1.5 (spamd/PROTOCOL of SpamAssassin), the one command that says what each rule counts.
func askSpamd(ctx context.Context, address string, raw []byte) (*SpamResult, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("spamd cannot be reached: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	if _, err := fmt.Fprintf(conn, "REPORT SPAMC/1.5\r\nContent-length: %d\r\n\r\n", len(raw)); err != nil {
		return nil, err
	}
	if _, err := conn.Write(raw); err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	return readSpamd(io.LimitReader(conn, spamAnswer))
}

// spamRule is a line of the report: points, name, description. A description that is too long goes on in the next line.
var spamRule = regexp.MustCompile(`^\s*(-?\d+(?:\.\d+)?)\s+([A-Z][A-Z0-9_]+)\s*(.*)$`)

func readSpamd(r io.Reader) (*SpamResult, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 4096), spamAnswer)
	if !lines.Scan() {
		return nil, fmt.Errorf("spamd closed the connection without an answer")
	}
	if fields := strings.Fields(lines.Text()); len(fields) < 2 || !strings.HasPrefix(fields[0], "SPAMD/") || fields[1] != "0" {
		return nil, fmt.Errorf("spamd answers %q", short(lines.Text()))
	}
	out := &SpamResult{Rules: []SpamRule{}}
	known, body := false, false
	for lines.Scan() {
		line := strings.TrimRight(lines.Text(), "\r")
		if !body {
			body = line == ""
			if name, value, ok := strings.Cut(line, ":"); ok && strings.EqualFold(strings.TrimSpace(name), "Spam") {
				_, figures, _ := strings.Cut(value, ";")
				score, threshold, _ := strings.Cut(figures, "/")
				var err1, err2 error
				out.Score, err1 = strconv.ParseFloat(strings.TrimSpace(score), 64)
				out.Threshold, err2 = strconv.ParseFloat(strings.TrimSpace(threshold), 64)
				known = err1 == nil && err2 == nil
			}
			continue
		}
		out.rule(line)
	}
	if !known {
		return nil, fmt.Errorf("what spamd answers has no score")
	}
	return out, nil
}

func (r *SpamResult) rule(line string) {
	if m := spamRule.FindStringSubmatch(line); m != nil {
		score, _ := strconv.ParseFloat(m[1], 64) // the pattern is that of a number
		r.Rules = append(r.Rules, SpamRule{Name: m[2], Score: score, Description: short(strings.TrimSpace(m[3]))})
		return
	}
	if n := len(r.Rules); n > 0 && strings.HasPrefix(line, "      ") && strings.TrimSpace(line) != "" {
		r.Rules[n-1].Description = short(r.Rules[n-1].Description + " " + strings.TrimSpace(line))
	}
}

// spam reports what a filter said.
func (c *checker) spam(r SpamResult) {
	if r.Trouble != "" {
		c.out.say("spam_unavailable", "message", "%s could not be asked: %s.", r.Engine, r.Trouble)
		return
	}
	code := "spam_score"
	if r.Threshold > 0 && r.Score >= r.Threshold {
		code = "spam_high"
	}
	f := c.out.say(code, "", "%s gives the mail %.1f points; from %.1f on it takes mail for spam.", r.Engine, r.Score, r.Threshold)
	for _, rule := range r.Rules {
		if rule.Score != 0 && len(f.Where) < mostPlaces {
			f.Where = append(f.Where, Where{Part: "message", Selector: rule.Name, Note: fmt.Sprintf("%.1f %s", rule.Score, rule.Description)})
		}
	}
}
