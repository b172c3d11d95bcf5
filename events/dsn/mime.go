package dsn

import (
	"bytes"
	"encoding/base64"
	"html"
	"io"
	"mime"
	"mime/quotedprintable"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-message/charset"
)

// normalize gives a message with LF as the only line end, cut to what is read. A mailbox's "From " line is taken off.
func normalize(raw []byte) string {
	if len(raw) > MaxMessage {
		raw = raw[:MaxMessage]
	}
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))
	s := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\x00", "").Replace(string(raw))
	s = strings.TrimLeft(s, "\n")
	if strings.HasPrefix(s, "From ") || strings.HasPrefix(s, ">From ") {
		_, s, _ = strings.Cut(s, "\n")
	}
	return s
}

// field is one header field: the name in lower case, the value unfolded.
type field struct{ name, value string }

type header []field

// get gives the first field of a name, or "".
func (h header) get(name string) string {
	for _, f := range h {
		if f.name == name {
			return f.value
		}
	}
	return ""
}

// all gives the values of all fields that have one of the names.
func (h header) all(names ...string) []string {
	var out []string
	for _, f := range h {
		for _, n := range names {
			if f.name == n {
				out = append(out, f.value)
			}
		}
	}
	return out
}

var fieldName = regexp.MustCompile(`^[!-9;-~]{1,76}[ \t]*:`)

// splitHeader takes the header off a message. Empty lines before it are skipped; a text that does not begin with a field has none.
func splitHeader(s string) (header, string) {
	s = strings.TrimLeft(s, "\n")
	body := s
	var h header
	for body != "" {
		line, rest, _ := strings.Cut(body, "\n")
		switch {
		case strings.TrimSpace(line) == "":
			return h, rest
		case (line[0] == ' ' || line[0] == '\t') && len(h) > 0:
			last := &h[len(h)-1]
			if len(last.value) < maxFieldBytes {
				last.value += " " + clip(strings.TrimSpace(line), maxFieldBytes)
			}
		case fieldName.MatchString(clip(line, 100)):
			if len(h) == maxFields {
				return h, rest
			}
			name, value, _ := strings.Cut(line, ":")
			h = append(h, field{strings.ToLower(strings.TrimSpace(name)), clip(strings.TrimSpace(value), maxFieldBytes)})
		case len(h) == 0:
			return nil, s
		case strings.HasSuffix(h[len(h)-1].value, ";") && strings.Contains(line, "="): // a parameter that is not folded
			h[len(h)-1].value += " " + clip(line, maxFieldBytes)
		default: // not a field: the empty line is missing
			return h, body
		}
		body = rest
	}
	return h, ""
}

// parseFields reads a text that is nothing but fields.
func parseFields(s string) header {
	h, _ := splitHeader(s)
	return h
}

// entity is a message or a part of one.
type entity struct {
	header header
	body   string
}

func parseEntity(s string) entity {
	if strings.HasPrefix(s, "\n") { // a part without header (RFC 2046 §5.1)
		return entity{body: s}
	}
	h, body := splitHeader(s)
	return entity{h, body}
}

// mediaType is the content type without parameters, in lower case.
func (e entity) mediaType() string {
	t, _, _ := strings.Cut(e.header.get("content-type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}

// multipart reports whether there are parts to be split. The subtype is not asked for: broken ones are seen.
func (e entity) multipart() bool {
	return strings.HasPrefix(e.mediaType(), "multipart/") && e.param("boundary") != ""
}

// attached reports whether a text is a file that comes with the message.
func (e entity) attached() bool {
	return strings.HasPrefix(strings.ToLower(e.header.get("content-disposition")), "attachment")
}

var paramAt = regexp.MustCompile(`(?i)[;\s]\s*(boundary|charset)\s*=\s*(?:"([^"]*)"|([^\s;]+))`)

// param reads a parameter of the content type, forgiving what mime.ParseMediaType does not, such as slashes without quotes.
func (e entity) param(name string) string {
	for _, m := range paramAt.FindAllStringSubmatch(e.header.get("content-type"), -1) {
		if strings.EqualFold(m[1], name) {
			return m[2] + m[3]
		}
	}
	return ""
}

// anyBoundary is a line that parts something although the header announces another boundary.
var anyBoundary = regexp.MustCompile(`(?mi)^(--[^\s]{6,76})[ \t]*\n(?:content-|\n)`)

// split gives the parts of a multipart. A missing last boundary ends with the text. When the boundary that was announced is not there, the first line that looks
// like one is taken.
func (e entity) split() []string {
	parts := e.splitAt("--" + strings.TrimRight(e.param("boundary"), " "))
	if len(parts) > 0 {
		return parts
	}
	if m := anyBoundary.FindStringSubmatch(e.body); m != nil {
		return e.splitAt(m[1])
	}
	return nil
}

func (e entity) splitAt(delimiter string) []string {
	var parts []string
	start := -1
	for at := 0; at < len(e.body) && len(parts) <= maxParts; {
		end := strings.IndexByte(e.body[at:], '\n')
		next := len(e.body)
		if end >= 0 {
			next = at + end + 1
		}
		line := strings.TrimRight(e.body[at:next], " \t\n")
		if line == delimiter || line == delimiter+"--" {
			if start >= 0 {
				parts = append(parts, e.body[start:at])
			}
			start = next
			if line != delimiter {
				return parts
			}
		}
		at = next
	}
	if start >= 0 && start < len(e.body) {
		parts = append(parts, e.body[start:])
	}
	return parts
}

// text is the decoded body as UTF-8 with LF. What cannot be decoded is taken as it is.
func (e entity) text() string {
	body := e.body
	switch strings.ToLower(strings.TrimSpace(e.header.get("content-transfer-encoding"))) {
	case "base64":
		body = decodeBase64(body)
	case "quoted-printable":
		body = decodeQuoted(body)
	}
	if set := strings.ToLower(e.param("charset")); set != "" && set != "utf-8" && set != "us-ascii" {
		if r, err := charset.Reader(set, strings.NewReader(body)); err == nil {
			if b, err := io.ReadAll(io.LimitReader(r, MaxMessage)); err == nil && len(b) > 0 {
				body = string(b)
			}
		}
	}
	if !utf8.ValidString(body) {
		body = strings.ToValidUTF8(body, "\uFFFD")
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(body)
}

// decodeBase64 decodes as much as there is, ignoring what does not belong to the alphabet (RFC 2045 §6.8).
func decodeBase64(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '+' || r == '/' {
			return r
		}
		return -1
	}, s)
	b, err := base64.RawStdEncoding.DecodeString(clean[:len(clean)-len(clean)%4])
	if tail, tailErr := base64.RawStdEncoding.DecodeString(clean[len(clean)-len(clean)%4:]); tailErr == nil {
		b = append(b, tail...)
	}
	if err != nil || len(b) == 0 {
		return s
	}
	return string(b)
}

func decodeQuoted(s string) string {
	b, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(s)))
	if err != nil && len(b) < len(s)/4 {
		return s
	}
	return string(b)
}

// words decodes the encoded words of a header field (RFC 2047).
func words(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	dec := mime.WordDecoder{CharsetReader: charset.Reader}
	out, err := dec.DecodeHeader(clip(s, maxFieldBytes))
	if err != nil {
		return s
	}
	return out
}

var (
	htmlDropped = regexp.MustCompile(`(?is)<(?:style|script|head)\b[^>]*>.*?</(?:style|script|head)\s*>|<!--.*?-->`)
	htmlBreak   = regexp.MustCompile(`(?i)<(?:br|/?p|/?div|/?tr|/?td|/?li|/?h[1-6]|/?pre|/?table)\b[^>]*>`)
	htmlTag     = regexp.MustCompile(`<[a-zA-Z/!][^<>]*>`)
)

// htmlText is the words of an HTML text, with a line for each block. Addresses in angle brackets stay.
func htmlText(s string) string {
	s = htmlDropped.ReplaceAllString(clip(s, 4*maxText), "")
	s = htmlBreak.ReplaceAllString(s, "\n")
	s = htmlTag.ReplaceAllStringFunc(s, func(tag string) string {
		if strings.Contains(tag, "@") && !strings.ContainsAny(tag, " =") {
			return tag
		}
		return ""
	})
	return strings.ReplaceAll(html.UnescapeString(s), "\u00a0", " ")
}

// joined puts texts below one another; "" when none says anything.
func joined(texts []string) string {
	return strings.TrimSpace(strings.Join(texts, "\n\n"))
}

// clip shortens s to at most n bytes without splitting a rune.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
