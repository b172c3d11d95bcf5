package tablefile

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"postrider/internal/errs"
)

// Bounds of the XML in a workbook.
const (
	maxTag   = 64 << 10 // bytes of one tag with its attributes
	maxDepth = 256
)

// token is what the scanner found.
type token byte

const (
	tokenStart token = iota + 1 // an element begins; when it is empty its end follows
	tokenEnd
	tokenText // a piece of text, one of perhaps several
)

// xmlScanner reads the XML of workbooks in memory that does not depend on it. It knows no document types, so that there are no entities but the five of XML, and it does not compare
// the names of ends with those of beginnings. encoding/xml holds a text as a whole and is five times as slow.
type xmlScanner struct {
	src   io.Reader
	buf   []byte // unread bytes are buf[pos:end]
	pos   int
	end   int
	eof   bool
	depth int
	empty bool // an empty element whose end is to be given
	// name is that of the element, without its prefix; attrs what stands behind it. text is the piece. They are valid until the next call of next.
	name  []byte
	attrs []byte
	text  []byte
	part  string // of the workbook, for messages
}

// newXML reads a part of a workbook, in UTF-8 or UTF-16.
func newXML(src io.Reader, part string) *xmlScanner {
	decoded := transform.NewReader(src, unicode.BOMOverride(transform.Nop))
	return &xmlScanner{src: decoded, part: part, buf: make([]byte, maxTag+4<<10)}
}

func (x *xmlScanner) broken(what string) error {
	return errs.New(errs.Invalid, "the workbook is damaged (%s: %s): save it again, or as “CSV UTF-8”", x.part, what)
}

// fill reads more: at least one byte, or it notes the end.
func (x *xmlScanner) fill() error {
	if x.pos > 0 {
		x.end = copy(x.buf, x.buf[x.pos:x.end])
		x.pos = 0
	}
	n, err := io.ReadAtLeast(x.src, x.buf[x.end:], 1)
	x.end += n
	if errors.Is(err, io.EOF) {
		x.eof = true
		return nil
	}
	return err
}

// next gives the next token; at the end it is io.EOF.
func (x *xmlScanner) next() (token, error) {
	if x.empty {
		x.empty = false
		x.depth--
		return tokenEnd, nil
	}
	for {
		if x.pos == x.end {
			if x.eof {
				if x.depth > 0 {
					return 0, x.broken("it ends in the middle")
				}
				return 0, io.EOF
			}
			if err := x.fill(); err != nil {
				return 0, err
			}
			continue
		}
		if x.buf[x.pos] != '<' {
			return tokenText, x.plainText()
		}
		t, err := x.markup()
		if t != 0 || err != nil {
			return t, err
		}
	}
}

// plainText takes the text up to the next tag or the end of what is read.
func (x *xmlScanner) plainText() error {
	data := x.buf[x.pos:x.end]
	if i := bytes.IndexByte(data, '<'); i >= 0 {
		data = data[:i]
	} else if amp := bytes.LastIndexByte(data, '&'); amp >= 0 && len(data)-amp < 16 && bytes.IndexByte(data[amp:], ';') < 0 && !x.eof {
		// An entity may be cut in two.
		if amp == 0 {
			if err := x.fill(); err != nil {
				return err
			}
			return x.plainText()
		}
		data = data[:amp]
	}
	x.pos += len(data)
	x.text = unescape(data)
	return nil
}

// markup reads what begins with "<"; token 0 says that it was nothing of interest.
func (x *xmlScanner) markup() (token, error) {
	for _, special := range []struct{ open, close string }{{"<!--", "-->"}, {"<?", "?>"}} {
		ok, err := x.begins(special.open)
		if err != nil {
			return 0, err
		}
		if ok {
			return 0, x.skipPast(special.close)
		}
	}
	if ok, err := x.begins("<![CDATA["); err != nil || ok {
		if err != nil {
			return 0, err
		}
		return x.cdata()
	}
	if ok, err := x.begins("<!"); err != nil || ok {
		if err != nil {
			return 0, err
		}
		return 0, x.broken("it has a document type, which workbooks never have")
	}
	return x.tag()
}

// begins reports whether s is next.
func (x *xmlScanner) begins(s string) (bool, error) {
	for x.end-x.pos < len(s) && !x.eof {
		if !bytes.HasPrefix([]byte(s), x.buf[x.pos:x.end]) {
			return false, nil
		}
		if err := x.fill(); err != nil {
			return false, err
		}
	}
	return bytes.HasPrefix(x.buf[x.pos:x.end], []byte(s)), nil
}

// skipPast passes over everything up to and with s.
func (x *xmlScanner) skipPast(s string) error {
	for {
		if i := bytes.Index(x.buf[x.pos:x.end], []byte(s)); i >= 0 {
			x.pos += i + len(s)
			return nil
		}
		if x.eof {
			return x.broken("it ends in the middle")
		}
		x.pos = max(x.pos, x.end-len(s)+1)
		if err := x.fill(); err != nil {
			return err
		}
	}
}

// cdata takes a CDATA section. One larger than the buffer is refused: no program writes them.
func (x *xmlScanner) cdata() (token, error) {
	for {
		data := x.buf[x.pos:x.end]
		if i := bytes.Index(data, []byte("]]>")); i >= 0 {
			x.text = data[len("<![CDATA["):i]
			x.pos += i + len("]]>")
			return tokenText, nil
		}
		if x.eof || len(data) == len(x.buf) {
			return 0, x.broken("a CDATA section has no end or is too long")
		}
		if err := x.fill(); err != nil {
			return 0, err
		}
	}
}

// tag reads a start or end tag.
func (x *xmlScanner) tag() (token, error) {
	n, err := x.tagLength()
	if err != nil {
		return 0, err
	}
	body := x.buf[x.pos+1 : x.pos+n-1]
	x.pos += n
	if len(body) > 0 && body[0] == '/' {
		if x.depth--; x.depth < 0 {
			return 0, x.broken("it closes what was never opened")
		}
		x.name = localName(bytes.TrimSpace(body[1:]))
		return tokenEnd, nil
	}
	if len(body) > 0 && body[len(body)-1] == '/' {
		x.empty = true
		body = body[:len(body)-1]
	}
	end := bytes.IndexAny(body, " \t\r\n")
	if end < 0 {
		end = len(body)
	}
	x.name, x.attrs = localName(body[:end]), body[end:]
	if len(x.name) == 0 {
		return 0, x.broken("a tag has no name")
	}
	if x.depth++; x.depth > maxDepth {
		return 0, x.broken("its elements are nested too deep")
	}
	return tokenStart, nil
}

// tagLength finds the end of the tag at hand, reading more when needed. A ">" in quotes ends nothing.
func (x *xmlScanner) tagLength() (int, error) {
	quote, i := byte(0), 1
	for {
		for ; x.pos+i < x.end; i++ {
			switch c := x.buf[x.pos+i]; {
			case quote != 0:
				if c == quote {
					quote = 0
				}
			case c == '"' || c == '\'':
				quote = c
			case c == '>':
				return i + 1, nil
			case c == '<':
				return 0, x.broken("a tag has no end")
			}
		}
		if x.eof {
			return 0, x.broken("it ends in the middle")
		}
		if i >= maxTag {
			return 0, x.broken("a tag is longer than 64 kB")
		}
		if err := x.fill(); err != nil {
			return 0, err
		}
	}
}

func localName(name []byte) []byte {
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		return name[i+1:]
	}
	return name
}

// attr gives an attribute of the element by its local name, unescaped; nil when it has none.
func (x *xmlScanner) attr(name string) []byte {
	rest := x.attrs
	for {
		eq := bytes.IndexByte(rest, '=')
		if eq < 0 {
			return nil
		}
		key := localName(bytes.TrimSpace(rest[:eq]))
		rest = bytes.TrimLeft(rest[eq+1:], " \t\r\n")
		if len(rest) == 0 || rest[0] != '"' && rest[0] != '\'' {
			return nil
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return nil
		}
		if string(key) == name {
			value := rest[1 : 1+end]
			if bytes.IndexByte(value, '&') >= 0 {
				value = unescape(bytes.Clone(value)) // in place it would change where the attributes behind it seem to begin
			}
			return value
		}
		rest = rest[end+2:]
	}
}

// skip passes over the rest of the element that has just begun.
func (x *xmlScanner) skip() error {
	for depth := x.depth; ; {
		t, err := x.next()
		if err != nil {
			return err
		}
		if t == tokenEnd && x.depth < depth {
			return nil
		}
	}
}

// unescape resolves the entities of XML in place; unknown ones stay as they are.
func unescape(b []byte) []byte {
	from := bytes.IndexByte(b, '&')
	if from < 0 {
		return b
	}
	out := b[:from]
	for rest := b[from:]; len(rest) > 0; {
		if rest[0] != '&' {
			i := bytes.IndexByte(rest, '&')
			if i < 0 {
				i = len(rest)
			}
			out, rest = append(out, rest[:i]...), rest[i:]
			continue
		}
		end := bytes.IndexByte(rest[:min(len(rest), 16)], ';')
		if end < 0 {
			out, rest = append(out, '&'), rest[1:]
			continue
		}
		r, ok := entity(string(rest[1:end]))
		if !ok {
			out, rest = append(out, '&'), rest[1:]
			continue
		}
		// No entity is shorter than what it stands for, so that out never overtakes rest.
		out, rest = utf8.AppendRune(out, r), rest[end+1:]
	}
	return out
}

func entity(name string) (rune, bool) {
	switch name {
	case "amp":
		return '&', true
	case "lt":
		return '<', true
	case "gt":
		return '>', true
	case "quot":
		return '"', true
	case "apos":
		return '\'', true
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, false
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' || digits[0] == 'X' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune || !utf8.ValidRune(rune(n)) {
		return utf8.RuneError, err == nil
	}
	return rune(n), true
}
