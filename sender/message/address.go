package message

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Address returns the form of an address for the wire: the domain in A-labels
// (IDNA 2008 lookup), an odd local part quoted. Use it for the envelope too, so
// that header and envelope agree. Errors are [ErrNeedsSMTPUTF8], [ErrControl],
// [ErrTooLong] or [ErrInvalid].
func Address(addr string) (string, error) {
	if checkControl("", addr) != nil {
		return "", ErrControl
	}
	at := strings.LastIndexByte(addr, '@')
	if at <= 0 || at == len(addr)-1 {
		return "", ErrInvalid
	}
	local, err := localPart(addr[:at])
	if err != nil {
		return "", err
	}
	domain, err := asciiDomain(addr[at+1:])
	if err != nil {
		return "", err
	}
	if len(local) == at && domain == addr[at+1:] {
		return addr, nil
	}
	return local + "@" + domain, nil
}

// localPart checks the part before the @ and quotes it when it is no dot-atom
// (RFC 5321 §4.1.2).
func localPart(s string) (string, error) {
	ascii := true
	for i := range len(s) {
		ascii = ascii && s[i] < utf8.RuneSelf
	}
	switch {
	case !ascii:
		return "", ErrNeedsSMTPUTF8
	case len(s) > 64:
		return "", ErrTooLong
	case isDotAtom(s):
		return s, nil
	}
	plain, err := unquote(s)
	if err != nil {
		return "", err
	}
	q := quote(plain)
	if len(q) > 64 {
		return "", ErrTooLong
	}
	return q, nil
}

// unquote takes a quoted-string apart; text that is not quoted must be free of
// characters that mean something in an address list.
func unquote(s string) (string, error) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		if strings.ContainsAny(s, "\"\\<>()[]:;,@ ") {
			return "", ErrInvalid
		}
		return s, nil
	}
	var b strings.Builder
	for in := s[1 : len(s)-1]; in != ""; in = in[1:] {
		switch in[0] {
		case '"':
			return "", ErrInvalid
		case '\\':
			if in = in[1:]; in == "" {
				return "", ErrInvalid
			}
		}
		b.WriteByte(in[0])
	}
	return b.String(), nil
}

func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
	return b.String()
}

// asciiDomain is the domain in A-labels. The common case, a lower-case host
// name, is recognised without the IDNA tables.
func asciiDomain(s string) (string, error) {
	if !isHostname(s) || strings.Contains(s, "xn--") {
		a, err := idna.Lookup.ToASCII(s)
		if err != nil || !isHostname(a) {
			return "", ErrInvalid
		}
		s = a
	}
	return s, nil
}

// isHostname reports a lower-case LDH name of at most 253 octets.
func isHostname(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	label := 0
	for i := range len(s) {
		switch b := s[i]; {
		case b == '.':
			if label == 0 || s[i-1] == '-' {
				return false
			}
			label = 0
			continue
		case b == '-':
			if label == 0 {
				return false
			}
		case b >= 'a' && b <= 'z', b >= '0' && b <= '9':
		default:
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return label > 0 && s[len(s)-1] != '-'
}

// isDotAtom reports atext words joined by single dots (RFC 5322 §3.2.3).
func isDotAtom(s string) bool {
	if s == "" || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		if s[i] != '.' && !isAtext(s[i]) {
			return false
		}
	}
	return true
}

func isAtext(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", b) >= 0
}

// maxPlainName is the longest display name sent without encoding; longer ones
// need the folding that encoded words bring.
const maxPlainName = 60

// appendMailbox writes a field that holds one mailbox.
func (c *Composer) appendMailbox(dst []byte, field, name, email string) ([]byte, error) {
	if email == "" {
		return nil, &HeaderError{field, ErrMissing}
	}
	if err := checkControl(field, name); err != nil {
		return nil, err
	}
	addr, err := Address(email)
	if err != nil {
		return nil, &HeaderError{field, err}
	}
	start := len(dst)
	dst = append(dst, field...)
	dst = append(dst, ": "...)
	name = strings.Trim(name, " \t")
	if name == "" {
		dst = append(dst, addr...)
		return append(dst, "\r\n"...), nil
	}
	dst = c.appendPhrase(dst, name, len(field)+2)
	line := len(dst) - start
	if i := strings.LastIndexByte(string(dst[start:]), '\n'); i >= 0 {
		line -= i + 1
	}
	if line+len(addr)+3 > foldAt {
		dst = append(dst, "\r\n"...)
	}
	dst = append(dst, " <"...)
	dst = append(dst, addr...)
	return append(dst, ">\r\n"...), nil
}

// appendPhrase writes a display name as atoms, a quoted string or encoded words.
func (c *Composer) appendPhrase(dst []byte, name string, col int) []byte {
	atoms, ascii := true, true
	for i := range len(name) {
		b := name[i]
		ascii = ascii && b < utf8.RuneSelf && b != '\t'
		atoms = atoms && (isAtext(b) || b == ' ' && i > 0 && name[i-1] != ' ')
	}
	switch {
	case !ascii || len(name) > maxPlainName || strings.Contains(name, "=?"):
		return c.appendWords(dst, name, col)
	case atoms:
		return append(dst, name...)
	}
	return append(dst, quote(name)...)
}

// IsUnsendable reports whether err means that this one recipient cannot be
// written to, while the rest of the mailing can go on.
func IsUnsendable(err error) bool {
	var h *HeaderError
	return errors.As(err, &h) && h.Name == "To"
}
