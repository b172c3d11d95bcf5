package message

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// maxLine is the longest line allowed without its CRLF (RFC 5322 §2.1.1);
// foldAt is where header lines are folded when they can be.
const (
	maxLine = 998
	foldAt  = 78
)

// Reasons inside a [HeaderError].
var (
	// ErrControl means CR, LF, NUL or another control character.
	ErrControl = errors.New("holds a line break or control character")
	// ErrMissing means that a required value is empty.
	ErrMissing = errors.New("is required")
	// ErrInvalid means a value that is malformed for its field.
	ErrInvalid = errors.New("is malformed")
	// ErrTooLong means that the field cannot be kept under 998 octets a line.
	ErrTooLong = errors.New("is too long")
	// ErrReserved means an extra field that the composer or signer writes itself.
	ErrReserved = errors.New("is written by the composer and cannot be set")
	// ErrDuplicate means an extra field given twice.
	ErrDuplicate = errors.New("is given twice")
	// ErrNeedsSMTPUTF8 means a local part outside ASCII (RFC 6531), which is
	// not sent: report 5.6.7 for this recipient.
	ErrNeedsSMTPUTF8 = errors.New("has a non-ASCII local part, which needs SMTPUTF8")
	// ErrInsecureURL means an unsubscribe URL that is neither https nor loopback
	// http (RFC 8058 §3.1).
	ErrInsecureURL = errors.New("must be an https URL")
)

// ErrEmptyBody is returned when a message has neither text nor HTML.
var ErrEmptyBody = errors.New("message has neither a text nor an HTML part")

// HeaderError says which header field is unusable and why. The offending value
// is left out, since it may be an address.
type HeaderError struct {
	Name string
	Err  error
}

func (e *HeaderError) Error() string { return fmt.Sprintf("header %s %v", e.Name, e.Err) }

// Unwrap returns one of the Err variables of this package.
func (e *HeaderError) Unwrap() error { return e.Err }

// Header is an additional unstructured header field.
type Header struct{ Name, Value string }

// Message is one mail to one recipient. FromEmail, ToEmail, MessageID, Date and
// at least one of Text and HTML are required; empty optional fields are left out.
type Message struct {
	FromName, FromEmail string
	ToName, ToEmail     string
	ReplyTo             string // one address
	Subject             string
	MessageID           string // with or without angle brackets; unique per recipient

	// ListUnsubscribeURL is one https URL (http only to a loopback host, for
	// trying things out). It also adds List-Unsubscribe-Post (RFC 8058).
	ListUnsubscribeURL string
	// ListUnsubscribeMailto is an address or a mailto: URL.
	ListUnsubscribeMailto string
	ListID                string // "id.domain" without angle brackets (RFC 2919)
	ListArchive           string // address of the archive (RFC 2369 §3.6), as ListUnsubscribeURL
	FeedbackID            string // "a:b:c:sender"

	Date  time.Time
	Text  []byte // UTF-8, any line ends
	HTML  []byte // UTF-8, any line ends
	Extra []Header
	// Fixed, from [Fix], stands for FromName, FromEmail, ReplyTo, ListID, ListArchive, FeedbackID
	// and Precedence, which are not looked at then.
	Fixed *Fixed
	// HTMLPart and TextPart stand for HTML and Text when they are not nil: they are
	// encoded already.
	HTMLPart, TextPart *PartWriter

	// Precedence adds "Precedence: bulk" and X-Auto-Response-Suppress, which keep
	// vacation replies away. Off for system mail such as an opt-in.
	Precedence bool
}

// Composer holds the scratch space of one goroutine. The zero value is ready;
// it is not safe for concurrent use.
type Composer struct {
	norm []byte
	word []byte
}

// Append appends the composed message to dst. On error dst comes back as it was.
// Errors are a *[HeaderError] or [ErrEmptyBody].
func (c *Composer) Append(dst []byte, m *Message) ([]byte, error) {
	start := len(dst)
	if !m.hasText() && !m.hasHTML() {
		return dst, ErrEmptyBody
	}
	out, err := c.appendHeader(dst, m)
	if err != nil {
		return dst[:start], err
	}
	return c.appendBody(out, m), nil
}

func (c *Composer) appendBody(dst []byte, m *Message) []byte {
	dst = append(dst, "MIME-Version: 1.0\r\n"...)
	switch {
	case !m.hasHTML():
		return c.appendPlain(dst, m, "")
	case !m.hasText():
		return c.appendHTML(dst, m, "")
	}
	b := boundary(m.MessageID)
	dst = append(dst, "Content-Type: multipart/alternative;\r\n boundary=\""...)
	dst = append(dst, b...)
	dst = append(dst, "\"\r\n\r\n--"...)
	dst = append(dst, b...)
	dst = append(dst, "\r\n"...)
	dst = c.appendPlain(dst, m, b)
	dst = append(dst, "\r\n--"...)
	dst = append(dst, b...)
	dst = append(dst, "\r\n"...)
	dst = c.appendHTML(dst, m, b)
	dst = append(dst, "\r\n--"...)
	dst = append(dst, b...)
	return append(dst, "--\r\n"...)
}

func (m *Message) hasHTML() bool {
	return len(m.HTML) > 0 || m.HTMLPart != nil && !m.HTMLPart.Empty()
}

func (m *Message) hasText() bool {
	return len(m.Text) > 0 || m.TextPart != nil && !m.TextPart.Empty()
}

func (c *Composer) appendHTML(dst []byte, m *Message, boundary string) []byte {
	if m.HTMLPart == nil {
		return c.appendPart(dst, "text/html", m.HTML, boundary)
	}
	return m.HTMLPart.appendTo(dst, "text/html", boundary)
}

func (c *Composer) appendPlain(dst []byte, m *Message, boundary string) []byte {
	if m.TextPart == nil {
		return c.appendPart(dst, "text/plain", m.Text, boundary)
	}
	return m.TextPart.appendTo(dst, "text/plain", boundary)
}

// endPart ends a single part in CRLF; one of a multipart leaves its last CRLF to
// the boundary.
func endPart(dst []byte, boundary string) []byte {
	if boundary == "" && !bytes.HasSuffix(dst, []byte("\r\n")) {
		dst = append(dst, "\r\n"...)
	}
	return dst
}

// boundary derives the separator from the message id, so that the same message
// is the same bytes. "=_" cannot occur in quoted-printable or base64 (RFC 2045
// §6.7), and a 7-bit part that holds it is encoded.
func boundary(id string) string {
	sum := sha256.Sum256([]byte(id))
	return "=_" + hex.EncodeToString(sum[:14])
}

// appendPart writes Content-Type, Content-Transfer-Encoding, the empty line and
// the encoded content.
func (c *Composer) appendPart(dst []byte, kind string, content []byte, boundary string) []byte {
	body := c.normalise(content)
	enc := choose(body, boundary)
	dst = append(dst, "Content-Type: "...)
	dst = append(dst, kind...)
	dst = append(dst, "; charset=utf-8\r\nContent-Transfer-Encoding: "...)
	dst = append(dst, enc...)
	dst = append(dst, "\r\n\r\n"...)
	switch enc {
	case enc7bit:
		dst = append(dst, body...)
	case encQP:
		dst = appendQP(dst, body)
	default:
		dst = appendBase64(dst, body)
	}
	return endPart(dst, boundary)
}

// normalise turns every line end into CRLF and invalid UTF-8 into U+FFFD. The
// result lives until the next call.
func (c *Composer) normalise(b []byte) []byte {
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\ufffd"))
	}
	out := c.norm[:0]
	for len(b) > 0 {
		i := bytes.IndexAny(b, "\r\n")
		if i < 0 {
			out = append(out, b...)
			break
		}
		out = append(out, b[:i]...)
		out = append(out, "\r\n"...)
		if b[i] == '\r' && i+1 < len(b) && b[i+1] == '\n' {
			i++
		}
		b = b[i+1:]
	}
	c.norm = out
	return out
}

// checkControl refuses control characters, which have no place in a header.
func checkControl(name, value string) error {
	for i := range len(value) {
		if (value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f {
			return &HeaderError{name, ErrControl}
		}
	}
	return nil
}

// token checks a value that goes out unfolded and unencoded: printable ASCII
// without spaces and angle brackets.
func token(name, value string, limit int) error {
	if err := checkControl(name, value); err != nil {
		return err
	}
	if len(value) > limit {
		return &HeaderError{name, ErrTooLong}
	}
	for i := range len(value) {
		if value[i] <= ' ' || value[i] > '~' || value[i] == '<' || value[i] == '>' {
			return &HeaderError{name, ErrInvalid}
		}
	}
	return nil
}

// bare takes angle brackets off.
func bare(s string) string {
	if strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") {
		return s[1 : len(s)-1]
	}
	return s
}
