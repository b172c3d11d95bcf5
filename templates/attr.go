package templates

// attr is one attribute of a tag. start and end are the range of its value; both are 0 when it has none.
type attr struct {
	name       string // lower case
	nameAt     int
	start, end int
	quote      byte // 0 when the value is not quoted
}

// scanAttrs finds the attributes in the bytes of one start tag. It follows the same rules as golang.org/x/net/html (WHATWG HTML §13.2.5.32 ff.),
// which has the values but not where they are; a fuzz test holds the two together.
func scanAttrs(raw []byte) []attr {
	s := attrScanner{raw: raw, i: 1}
	for s.i < len(raw) && !isSpace(raw[s.i]) && raw[s.i] != '/' && raw[s.i] != '>' {
		s.i++
	}
	var out []attr
	for s.skipSpace(); s.i < len(raw) && raw[s.i] != '>'; s.skipSpace() {
		a := attr{nameAt: s.i}
		a.name = asciiLower(s.key())
		s.value(&a)
		if a.name != "" {
			out = append(out, a)
		}
	}
	return out
}

type attrScanner struct {
	raw []byte
	i   int
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' }

func (s *attrScanner) skipSpace() {
	for s.i < len(s.raw) && isSpace(s.raw[s.i]) {
		s.i++
	}
}

func (s *attrScanner) key() []byte {
	from := s.i
	for ; s.i < len(s.raw); s.i++ {
		c := s.raw[s.i]
		if isSpace(c) || c == '/' || c == '>' || c == '=' && s.i > from {
			break
		}
	}
	return s.raw[from:s.i]
}

func (s *attrScanner) value(a *attr) {
	s.skipSpace()
	if s.i < len(s.raw) && s.raw[s.i] == '/' {
		s.i++
		return
	}
	if s.i >= len(s.raw) || s.raw[s.i] != '=' {
		return
	}
	s.i++
	s.skipSpace()
	if s.i >= len(s.raw) || s.raw[s.i] == '>' {
		return
	}
	if c := s.raw[s.i]; c == '"' || c == '\'' {
		a.quote = c
		s.i++
		a.start = s.i
		for s.i < len(s.raw) && s.raw[s.i] != c {
			s.i++
		}
		a.end = s.i
		s.i++
		return
	}
	a.start = s.i
	for s.i < len(s.raw) && !isSpace(s.raw[s.i]) && s.raw[s.i] != '>' {
		s.i++
	}
	a.end = s.i
}

// asciiLower folds the case of ASCII only, so that the length stays.
func asciiLower(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
	}
	return string(out)
}
