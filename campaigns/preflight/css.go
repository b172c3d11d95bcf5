package preflight

import "strings"

// sheet is what a style sheet says, as far as support tables ask.
type sheet struct {
	declarations []declaration
	atRules      []atRule
	selectors    []selector
}

type declaration struct {
	property, value string
	line            int
	conditional     bool // inside of @media or @supports
}

type atRule struct {
	name, prelude string
	line          int
}

type selector struct {
	text   string
	line   int
	nested bool // in another rule
}

// cssScanner reads CSS Syntax (CSS Syntax Module Level 3) as far as blocks, declarations and preludes go. It takes any text.
type cssScanner struct {
	src   string
	pos   int
	line  int
	out   sheet
	stack []string // "@media" or "" for a rule
}

// scanCSS reads a style sheet, or with inline the text of a style attribute. line is that of its beginning.
func scanCSS(src string, line int, inline bool) sheet {
	s := cssScanner{src: src, line: line}
	if inline {
		s.stack = []string{""}
	}
	for s.pos < len(s.src) {
		s.piece()
	}
	return s.out
}

// piece reads up to the next { } or ; that stands for itself.
func (s *cssScanner) piece() {
	s.skipBlank()
	at := s.line
	var text strings.Builder
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch c {
		case '{':
			s.pos++
			s.openBlock(strings.TrimSpace(text.String()), at)
			return
		case ';', '}':
			s.pos++
			s.statement(strings.TrimSpace(text.String()), at)
			if c == '}' && len(s.stack) > 0 {
				s.stack = s.stack[:len(s.stack)-1]
			}
			return
		case '"', '\'':
			text.WriteString(s.quoted(c))
		case '(':
			text.WriteString(s.parens())
		case '/':
			if strings.HasPrefix(s.src[s.pos:], "/*") {
				s.comment()
				continue
			}
			fallthrough
		default:
			if c == '\n' {
				s.line++
			}
			text.WriteByte(c)
			s.pos++
		}
	}
	s.statement(strings.TrimSpace(text.String()), at)
}

func (s *cssScanner) skipBlank() {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == '\n':
			s.line++
			s.pos++
		case c == ' ' || c == '\t' || c == '\r' || c == '\f':
			s.pos++
		case strings.HasPrefix(s.src[s.pos:], "/*"):
			s.comment()
		case strings.HasPrefix(s.src[s.pos:], "<!--"):
			s.pos += 4
		case strings.HasPrefix(s.src[s.pos:], "-->"):
			s.pos += 3
		default:
			return
		}
	}
}

func (s *cssScanner) advance(n int) string {
	taken := s.src[s.pos : s.pos+n]
	s.line += strings.Count(taken, "\n")
	s.pos += n
	return taken
}

func (s *cssScanner) comment() {
	n := len(s.src) - s.pos
	if i := strings.Index(s.src[s.pos+2:], "*/"); i >= 0 {
		n = i + 4
	}
	s.advance(n)
}

func (s *cssScanner) quoted(quote byte) string {
	for i := s.pos + 1; i < len(s.src); i++ {
		switch s.src[i] {
		case '\\':
			i++
		case quote, '\n':
			return s.advance(i + 1 - s.pos)
		}
	}
	return s.advance(len(s.src) - s.pos)
}

// parens takes what stands in parentheses, which can hold ; as data: URLs do. One that is not closed ends with its line.
func (s *cssScanner) parens() string {
	depth := 0
	for i := s.pos; i < len(s.src); i++ {
		switch s.src[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return s.advance(i + 1 - s.pos)
			}
		case '{', '}':
			return s.advance(i - s.pos)
		}
	}
	return s.advance(len(s.src) - s.pos)
}

// mostNested bounds the stack.
const mostNested = 100

func (s *cssScanner) openBlock(prelude string, line int) {
	kind := ""
	if strings.HasPrefix(prelude, "@") {
		name := strings.ToLower(prelude)
		if i := strings.IndexAny(name, " \t\n\r("); i > 0 {
			name = name[:i]
		}
		kind = name
		s.out.atRules = append(s.out.atRules, atRule{name[1:], prelude[len(name):], line})
	} else if prelude != "" {
		nested := len(s.stack) > 0 && s.stack[len(s.stack)-1] == ""
		s.out.selectors = append(s.out.selectors, selector{prelude, line, nested})
	}
	if len(s.stack) < mostNested {
		s.stack = append(s.stack, kind)
	}
}

func (s *cssScanner) statement(text string, line int) {
	if text == "" {
		return
	}
	if strings.HasPrefix(text, "@") {
		name, prelude, _ := strings.Cut(text[1:], " ")
		s.out.atRules = append(s.out.atRules, atRule{strings.ToLower(name), prelude, line})
		return
	}
	property, value, ok := strings.Cut(text, ":")
	if !ok || len(s.stack) == 0 {
		return
	}
	d := declaration{property: strings.ToLower(strings.TrimSpace(property)), value: strings.ToLower(strings.TrimSpace(value)), line: line}
	for _, kind := range s.stack {
		d.conditional = d.conditional || kind == "@media" || kind == "@supports"
	}
	s.out.declarations = append(s.out.declarations, d)
}

// parseInline gives the declarations of a style attribute; of several of one property the last.
func parseInline(style string) map[string]string {
	out := map[string]string{}
	if style == "" {
		return out
	}
	for _, d := range scanCSS(style, 1, true).declarations {
		out[d.property] = strings.TrimSpace(strings.TrimSuffix(d.value, "!important"))
	}
	return out
}
