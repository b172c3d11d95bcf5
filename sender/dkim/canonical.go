package dkim

import "bytes"

var (
	crlf      = []byte("\r\n")
	twoSpaces = []byte("  ")
	spaceCRLF = []byte(" \r\n")
)

func isWSP(b byte) bool { return b == ' ' || b == '\t' }

// appendRelaxedField appends a header field in relaxed form (RFC 6376 §3.4.2) without its CRLF. name is in lower case and ends in a colon; value may be folded.
func appendRelaxedField(dst []byte, name string, value []byte) []byte {
	dst = append(dst, name...)
	start, space := len(dst), false
	for _, b := range value {
		if isWSP(b) || b == '\r' || b == '\n' {
			space = true
			continue
		}
		if space && len(dst) > start {
			dst = append(dst, ' ')
		}
		space = false
		dst = append(dst, b)
	}
	return dst
}

// appendRelaxedBody appends a body in relaxed form (RFC 6376 §3.4.4). Most of a body is in that form already, so this looks for the runs of white space
// that are not, and copies what lies between them in one piece.
func appendRelaxedBody(dst, body []byte) []byte {
	body = trimBody(body)
	if len(body) == 0 {
		return dst
	}
	s := spaces{body: body, double: -1, tab: -1, trailing: -1}
	from, pos := 0, 0
	for {
		start := s.next(pos)
		if start == len(body) {
			break
		}
		if start > from && isWSP(body[start-1]) { // a space before a tab
			start--
		}
		for pos = start; isWSP(body[pos]); pos++ { // ends: the last byte of body is no white space
		}
		dst = append(dst, body[from:start]...)
		if !bytes.HasPrefix(body[pos:], crlf) {
			dst = append(dst, ' ')
		}
		from = pos
	}
	dst = append(dst, body[from:]...)
	return append(dst, crlf...)
}

// trimBody cuts the empty lines at the end of a body, and the white space and line end of the last one that is not empty.
func trimBody(body []byte) []byte {
	for {
		end := len(body)
		for end > 0 && isWSP(body[end-1]) {
			end--
		}
		body = body[:end]
		if !bytes.HasSuffix(body, crlf) {
			return body
		}
		body = body[:end-len(crlf)]
	}
}

// spaces finds white space that relaxed form changes: two spaces, a tab, a space at the end of a line. Each kind is looked for by itself, since the search
// for a fixed string is many times faster than a loop over bytes, and again only when the place it was found at has been passed.
type spaces struct {
	body                  []byte
	double, tab, trailing int
}

// next gives the first such place at or after pos, or the length of the body.
func (s *spaces) next(pos int) int {
	if s.double < pos {
		s.double = s.find(twoSpaces, pos)
	}
	if s.trailing < pos {
		s.trailing = s.find(spaceCRLF, pos)
	}
	if s.tab < pos {
		s.tab = len(s.body)
		if i := bytes.IndexByte(s.body[pos:], '\t'); i >= 0 {
			s.tab = pos + i
		}
	}
	return min(s.double, s.tab, s.trailing)
}

func (s *spaces) find(what []byte, pos int) int {
	if i := bytes.Index(s.body[pos:], what); i >= 0 {
		return pos + i
	}
	return len(s.body)
}
