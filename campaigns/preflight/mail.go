package preflight

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"

	"postrider/internal/errs"
)

// MaxRaw is the largest message that is looked at, in bytes.
const MaxRaw = 25 << 20

const (
	maxDepth = 10
	maxParts = 200
	maxPart  = 4 << 20 // what is looked at of a decoded text part
)

// mailMessage is a message taken apart. It is as tolerant as mail programs are, and notes what was not as it should be.
type mailMessage struct {
	fields     []field
	html, text string
	hasHTML    bool
	hasText    bool
	attached   bool // it has a part that is neither
	htmlBytes  int  // encoded
	size       int
	inline     map[string]bool // Content-IDs of its parts
	problems   []string        // that no receiver should have to bear
	longLine   int             // the longest line of the message when it is over the limit
	parts      int
}

type field struct{ name, raw, value string }

// get gives the first field of a name, decoded.
func (m *mailMessage) get(name string) string {
	for _, f := range m.fields {
		if strings.EqualFold(f.name, name) {
			return f.value
		}
	}
	return ""
}

// address gives the first address of a field. It reads the field as it is sent: in the decoded one a comma in a name looks like one between two addresses.
func (m *mailMessage) address(name string) (*mail.Address, bool) {
	i := slices.IndexFunc(m.fields, func(f field) bool { return strings.EqualFold(f.name, name) })
	if i < 0 {
		return nil, false
	}
	all, err := addressParser.ParseList(m.fields[i].raw)
	if err != nil || len(all) == 0 {
		return nil, false
	}
	return all[0], true
}

// forMany reports whether the header says that the message is for a list (RFC 2369, RFC 2919) or in bulk.
func (m *mailMessage) forMany() bool {
	return slices.ContainsFunc(m.fields, func(f field) bool {
		name, value := strings.ToLower(f.name), strings.ToLower(strings.TrimSpace(f.value))
		return strings.HasPrefix(name, "list-") || name == "precedence" && (value == "bulk" || value == "list")
	})
}

// addressParser takes names in charsets that nobody knows: there is an address beside them.
var addressParser = mail.AddressParser{WordDecoder: &mime.WordDecoder{CharsetReader: func(charset string, r io.Reader) (io.Reader, error) {
	if known, err := charsetReader(charset, r); err == nil {
		return known, nil
	}
	return r, nil
}}}

func (m *mailMessage) count(name string) (n int) {
	for _, f := range m.fields {
		if strings.EqualFold(f.name, name) {
			n++
		}
	}
	return n
}

func (m *mailMessage) problem(format string, args ...any) {
	if len(m.problems) < mostPlaces {
		m.problems = append(m.problems, fmt.Sprintf(format, args...))
	}
}

// parse takes a message of RFC 5322 apart. Line ends may be LF, as files have them.
func parse(raw []byte) (*mailMessage, error) {
	if len(raw) > MaxRaw {
		return nil, errs.New(errs.TooLarge, "the message has %d MB; %d are the limit", len(raw)>>20, MaxRaw>>20)
	}
	m := &mailMessage{inline: map[string]bool{}, size: len(raw)}
	if bytes.IndexByte(raw, 0) >= 0 {
		m.problem("it holds NUL bytes, which no mail may have")
	}
	m.measureLines(raw)
	head, body := splitHeader(raw)
	m.fields = parseFields(head, m)
	if len(m.fields) == 0 {
		return nil, errs.New(errs.Invalid, "this is no mail: it does not begin with header fields (From:, Subject: …)")
	}
	m.part(fieldsOf(m.fields), body, 0)
	return m, nil
}

// longestLine is that of RFC 5322 §2.1.1.
const longestLine = 998

func (m *mailMessage) measureLines(raw []byte) {
	for line := range bytes.SplitSeq(raw, []byte("\n")) {
		if n := len(bytes.TrimSuffix(line, []byte("\r"))); n > longestLine {
			m.longLine = max(m.longLine, n)
		}
	}
}

func splitHeader(raw []byte) (head, body []byte) {
	best, skip := -1, 0
	for _, sep := range []string{"\r\n\r\n", "\n\n"} {
		if i := bytes.Index(raw, []byte(sep)); i >= 0 && (best < 0 || i < best) {
			best, skip = i, len(sep)
		}
	}
	if best < 0 {
		return raw, nil
	}
	return raw[:best], raw[best+skip:]
}

// parseFields unfolds and decodes header fields. A line that is none is noted and left out.
func parseFields(head []byte, m *mailMessage) []field {
	var out []field
	for line := range strings.SplitSeq(strings.ReplaceAll(string(head), "\r\n", "\n"), "\n") {
		if line != "" && (line[0] == ' ' || line[0] == '\t') && len(out) > 0 {
			out[len(out)-1].raw += " " + strings.TrimLeft(line, " \t")
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || name == "" || strings.ContainsAny(strings.TrimRight(name, " "), " \t") {
			if strings.TrimSpace(line) != "" && !strings.HasPrefix(line, "From ") {
				m.problem("the header has a line that is no field: %q", short(line))
			}
			continue
		}
		out = append(out, field{name: strings.TrimSpace(name), raw: strings.TrimSpace(value)})
	}
	for i := range out {
		out[i].value = decodeWords(out[i].raw)
	}
	return out
}

func decodeWords(s string) string {
	d := mime.WordDecoder{CharsetReader: charsetReader}
	if v, err := d.DecodeHeader(s); err == nil {
		return v
	}
	return s
}

// charsetOf finds a charset as browsers name it, else as IANA does; nil is one that exists and cannot be read here.
func charsetOf(name string) (encoding.Encoding, error) {
	if enc, err := htmlindex.Get(name); err == nil {
		return enc, nil
	}
	return ianaindex.MIME.Encoding(name)
}

func charsetReader(charset string, r io.Reader) (io.Reader, error) {
	enc, err := charsetOf(charset)
	if err != nil || enc == nil {
		return nil, fmt.Errorf("a charset that cannot be read: %s", charset)
	}
	return enc.NewDecoder().Reader(r), nil
}

func fieldsOf(fields []field) textproto.MIMEHeader {
	h := textproto.MIMEHeader{}
	for _, f := range fields {
		h.Add(f.name, f.raw)
	}
	return h
}

// part takes one part and those in it.
func (m *mailMessage) part(h textproto.MIMEHeader, body []byte, depth int) {
	if m.parts++; m.parts > maxParts || depth > maxDepth {
		m.problem("it has more parts than any mail should: only the first %d were looked at", maxParts)
		return
	}
	if id := strings.Trim(strings.TrimSpace(h.Get("Content-Id")), "<>"); id != "" {
		m.inline[id] = true
	}
	kind, params := m.contentType(h.Get("Content-Type"))
	if kind == "" {
		kind = "text/plain"
	}
	if strings.HasPrefix(kind, "multipart/") {
		m.multipart(params["boundary"], body, depth)
		return
	}
	attached := strings.HasPrefix(strings.ToLower(strings.TrimSpace(h.Get("Content-Disposition"))), "attachment")
	switch {
	case attached || !strings.HasPrefix(kind, "text/"):
		m.attached = m.attached || len(bytes.TrimSpace(body)) > 0
	case kind == "text/html" && !m.hasHTML:
		m.hasHTML, m.htmlBytes = true, len(body)
		m.html = m.decode(h, body, params["charset"])
	case kind == "text/plain" && !m.hasText:
		m.hasText = true
		m.text = m.decode(h, body, params["charset"])
	}
}

// contentType reads a Content-Type. Parameters that are not quoted as they should be, such as the names of files, are nothing that mail programs stumble over.
func (m *mailMessage) contentType(value string) (kind string, params map[string]string) {
	kind, params, err := mime.ParseMediaType(value)
	if errors.Is(err, mime.ErrInvalidMediaParameter) {
		params = map[string]string{}
		for _, found := range neededParam.FindAllStringSubmatch(value, -1) {
			params[strings.ToLower(found[1])] = found[2] + found[3]
		}
	} else if err != nil && value != "" {
		m.problem("a Content-Type cannot be read (%s): %v", short(value), err)
	}
	return kind, params
}

var neededParam = regexp.MustCompile(`(?i);\s*(boundary|charset)\s*=\s*(?:"([^"]*)"|([^\s;"]+))`)

func (m *mailMessage) multipart(boundary string, body []byte, depth int) {
	if boundary == "" {
		m.problem("a multipart has no boundary, so that its parts cannot be found")
		return
	}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			m.problem("the parts of a multipart do not end as they should: its last boundary is missing or broken")
			return
		}
		content, err := io.ReadAll(p)
		if err != nil {
			m.problem("the parts of a multipart do not end as they should: its last boundary is missing or broken")
		}
		m.part(p.Header, content, depth+1)
		if err != nil || m.parts > maxParts {
			return
		}
	}
}

// decode gives the text of a part as UTF-8.
func (m *mailMessage) decode(h textproto.MIMEHeader, body []byte, charset string) string {
	var out []byte
	var err error
	switch encoding := strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding"))); encoding {
	case "quoted-printable":
		// Word's ends of lines and pages are in many a mail, and no mail program stumbles over them.
		clean := bytes.ReplaceAll(bytes.ReplaceAll(body, []byte("\v"), nil), []byte("\f"), nil)
		out, err = io.ReadAll(io.LimitReader(quotedprintable.NewReader(bytes.NewReader(clean)), maxPart))
	case "base64":
		clean := bytes.Map(func(r rune) rune {
			if r == '\r' || r == '\n' || r == ' ' || r == '\t' {
				return -1
			}
			return r
		}, body)
		out, err = io.ReadAll(io.LimitReader(base64.NewDecoder(base64.StdEncoding, bytes.NewReader(clean)), maxPart))
	case "", "7bit", "8bit", "binary":
		out = body[:min(len(body), maxPart)]
	default:
		m.problem("a part has a Content-Transfer-Encoding that does not exist: %q", short(encoding))
		out = body[:min(len(body), maxPart)]
	}
	if err != nil {
		m.problem("a part is not coded as its header says: %v", err)
	}
	return m.utf8(out, charset)
}

func (m *mailMessage) utf8(b []byte, charset string) string {
	charset = strings.ToLower(strings.TrimSpace(charset))
	if charset != "" && charset != "utf-8" && charset != "us-ascii" {
		enc, err := charsetOf(charset)
		if err != nil {
			m.problem("a part has a charset that is not known: %q", short(charset))
		}
		if enc == nil {
			return strings.ToValidUTF8(string(b), "\uFFFD")
		}
		if out, err := enc.NewDecoder().Bytes(b); err == nil {
			b = out
		}
	}
	if !utf8.Valid(b) && len(b) < maxPart {
		m.problem("a part holds bytes that are no text of its charset (%s)", orElse(charset, "none is given"))
	}
	return strings.ReplaceAll(strings.ToValidUTF8(string(b), "\uFFFD"), "\r\n", "\n")
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
