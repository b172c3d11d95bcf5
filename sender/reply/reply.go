package reply

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is the most bytes of a server's text that are kept.
const MaxText = 1024

// Stage is the part of an SMTP session a reply or an error belongs to.
type Stage string

// The stages in the order a session passes them. StageTLS is the handshake
// itself (implicit or after STARTTLS), StageStartTLS the command before it.
// An empty Stage is allowed for replies read from a bounce message.
const (
	StageConnect  Stage = "connect"
	StageTLS      Stage = "tls"
	StageGreeting Stage = "greeting"
	StageHelo     Stage = "helo"
	StageStartTLS Stage = "starttls"
	StageAuth     Stage = "auth"
	StageMail     Stage = "mail"
	StageRcpt     Stage = "rcpt"
	StageData     Stage = "data"
	StageDot      Stage = "dot"
	StageRset     Stage = "rset"
)

// Session reports whether the stage comes before the first MAIL, so that what
// was said there concerns the relay and never one recipient.
func (s Stage) Session() bool {
	switch s {
	case StageConnect, StageTLS, StageGreeting, StageHelo, StageStartTLS, StageAuth:
		return true
	}
	return false
}

// Reply is one SMTP reply, cleaned for storage and display.
//
// Code is 0 when no reply arrived; Text then holds the local error.
// Status is the enhanced status code (RFC 3463) such as "5.1.1", or "".
// Text is at most [MaxText] bytes of valid UTF-8 without control characters.
type Reply struct {
	Code   int    `json:"code"`
	Status string `json:"status,omitempty"`
	Text   string `json:"text,omitempty"`
	Stage  Stage  `json:"stage,omitempty"`
}

// Positive reports whether the reply says yes: 2yz, or 354 to DATA.
func (r Reply) Positive() bool { return r.Code/100 == 2 || r.Code == 354 }

// Transient reports a 4yz reply (RFC 5321 §4.2.1).
func (r Reply) Transient() bool { return r.Code/100 == 4 }

// Permanent reports a 5yz reply (RFC 5321 §4.2.1).
func (r Reply) Permanent() bool { return r.Code/100 == 5 }

// String is the reply as a server would print it on one line.
func (r Reply) String() string {
	parts := make([]string, 0, 3)
	if r.Code != 0 {
		parts = append(parts, strconv.Itoa(r.Code))
	}
	if r.Status != "" {
		parts = append(parts, r.Status)
	}
	if r.Text != "" {
		parts = append(parts, r.Text)
	}
	return strings.Join(parts, " ")
}

// Parse builds a Reply from a code and the text of its lines, separated by LF
// or CRLF. The lines may still carry their own "550-" prefix, and each may
// repeat the enhanced status code, as RFC 2034 §4 asks servers to do; both are
// removed from Text. A code outside 200..599 becomes 0.
func Parse(code int, lines string, stage Stage) Reply {
	if code < 200 || code > 599 {
		code = 0
	}
	r := Reply{Code: code, Stage: stage}
	prefix := strconv.Itoa(code)
	var b strings.Builder
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if code != 0 {
			line = trimCode(line, prefix)
			line = r.takeStatus(line)
		}
		appendClean(&b, line)
		if b.Len() >= MaxText {
			break
		}
	}
	r.Text = cut(b.String(), MaxText)
	return r
}

// trimCode removes "550 " or "550-" from the start of a line.
func trimCode(line, prefix string) string {
	rest, ok := strings.CutPrefix(line, prefix)
	if !ok {
		return line
	}
	if rest == "" {
		return ""
	}
	if rest[0] != ' ' && rest[0] != '-' {
		return line
	}
	return strings.TrimSpace(rest[1:])
}

// takeStatus removes the enhanced status code from the start of a line and
// keeps the first one seen.
func (r *Reply) takeStatus(line string) string {
	n := statusLen(strings.TrimPrefix(line, "#"))
	if n == 0 {
		return line
	}
	bare := strings.TrimPrefix(line, "#")
	switch {
	case r.Status == "":
		r.Status = bare[:n]
	case r.Status != bare[:n]:
		return line
	}
	return strings.TrimLeft(bare[n:], " :-")
}

// statusLen is the length of an enhanced status code (RFC 3463 §2) at the start
// of s, or 0: class 2, 4 or 5, then subject and detail of one to three digits.
func statusLen(s string) int {
	if len(s) < 5 || (s[0] != '2' && s[0] != '4' && s[0] != '5') {
		return 0
	}
	i := 1
	for range 2 {
		if i >= len(s) || s[i] != '.' {
			return 0
		}
		i++
		start := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		if i == start || i-start > 3 {
			return 0
		}
	}
	if i < len(s) && s[i] != ' ' && s[i] != '\t' && s[i] != ':' && s[i] != '-' {
		return 0
	}
	return i
}

// appendClean adds one line, separated by a space, with control and formatting
// characters turned into single spaces and invalid UTF-8 into U+FFFD.
func appendClean(b *strings.Builder, line string) {
	space := b.Len() > 0
	for _, c := range line {
		if unicode.IsSpace(c) || unicode.IsControl(c) || unicode.Is(unicode.Cf, c) {
			space = b.Len() > 0
			continue
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(c)
		if b.Len() >= MaxText {
			return
		}
	}
}

// cut shortens s to at most n bytes without splitting a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.TrimRight(s[:n], " ")
}
