package templates

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

type exprKind int

const (
	identExpr    exprKind = iota // a name, also a word operator
	keywordExpr                  // name:
	propertyExpr                 // .name
	stringExpr
	numberExpr
	rangeExpr // ..
	punctExpr // one or two characters
)

type exprToken struct {
	kind exprKind
	text string // without quotes, dot or colon; a string's escapes are resolved
}

// lexExpr splits an expression as the engine's own scanner does. It only has to be right for expressions that the engine parsed.
func lexExpr(s string) []exprToken {
	out, _ := lexExprAt(s)
	return out
}

// lexExprAt also says where each token is.
func lexExprAt(s string) (out []exprToken, spans [][2]int) {
	for i := 0; i < len(s); {
		start, n := i, len(out)
		i, out = lexNext(s, i, out)
		if len(out) > n {
			spans = append(spans, [2]int{start, i})
		}
	}
	return out, spans
}

func lexNext(s string, i int, out []exprToken) (int, []exprToken) {
	c := s[i]
	switch {
	case c == ' ' || c >= '\t' && c <= '\r':
		i++
	case c == '"' || c == '\'':
		n := stringEnd(s[i:])
		out = append(out, exprToken{stringExpr, unquote(s[i : i+n])})
		i += n
	case c >= '0' && c <= '9' || c == '-' && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9':
		n := numberEnd(s[i:])
		out = append(out, exprToken{numberExpr, s[i : i+n]})
		i += n
	case strings.HasPrefix(s[i:], ".."):
		out = append(out, exprToken{rangeExpr, ".."})
		i += 2
	case c == '.' && i+1 < len(s) && identStart(s[i+1]):
		n := identEnd(s[i+1:])
		out = append(out, exprToken{propertyExpr, s[i+1 : i+1+n]})
		i += 1 + n
	case identStart(c):
		n := identEnd(s[i:])
		if i+n < len(s) && s[i+n] == ':' {
			out = append(out, exprToken{keywordExpr, s[i : i+n]})
			n++
		} else {
			out = append(out, exprToken{identExpr, s[i : i+n]})
		}
		i += n
	default:
		n := 1
		if i+1 < len(s) && s[i+1] == '=' && strings.IndexByte("=!<>", c) >= 0 {
			n = 2
		}
		out = append(out, exprToken{punctExpr, s[i : i+n]})
		i += n
	}
	return i, out
}

func identStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= utf8.RuneSelf
}

func identEnd(s string) int {
	i := 0
	for i < len(s) && (identStart(s[i]) || s[i] >= '0' && s[i] <= '9' || s[i] == '-') {
		i++
	}
	if i < len(s) && s[i] == '?' {
		i++
	}
	return i
}

func numberEnd(s string) int {
	i := 1
	digits := func() {
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
	}
	digits()
	if i+1 < len(s) && s[i] == '.' && s[i+1] >= '0' && s[i+1] <= '9' {
		i++
		digits()
	}
	return i
}

// stringEnd gives the length of the quoted string at the start of s. A backslash means something only in double quotes.
func stringEnd(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] == '\\' && s[0] == '"' {
			i++
		} else if s[i] == s[0] {
			return i + 1
		}
	}
	return len(s)
}

func unquote(s string) string {
	if len(s) < 2 || s[len(s)-1] != s[0] {
		return s
	}
	raw := s[1 : len(s)-1]
	if s[0] == '\'' || !strings.Contains(raw, `\`) {
		return raw
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			b.WriteByte(raw[i])
			continue
		}
		i++
		switch raw[i] {
		case '\\', '"':
			b.WriteByte(raw[i])
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		default:
			b.WriteByte('\\')
			b.WriteByte(raw[i])
		}
	}
	return b.String()
}

// path is a variable and the properties that are read from it, as far as they are written out.
type path []string

// exprUse is what an expression reads and which filters it applies.
type exprUse struct {
	paths    []path
	filters  []string
	hasRange bool
	// rangeTooLong: a literal range of more than maxRange numbers.
	rangeTooLong bool
}

var exprWords = map[string]bool{"and": true, "or": true, "contains": true, "true": true, "false": true, "nil": true, "in": true}

// useOf reads an expression that the engine has parsed. Names written as a loop's own words (reversed) come out as paths of one name,
// which nothing is called.
func useOf(expr string) exprUse {
	var u exprUse
	toks := lexExpr(expr)
	for i := 0; i < len(toks); i++ {
		t := toks[i]
		afterPipe := i > 0 && toks[i-1] == exprToken{punctExpr, "|"}
		switch {
		case afterPipe && (t.kind == identExpr || t.kind == keywordExpr):
			u.filters = append(u.filters, t.text)
		case t.kind == identExpr && !exprWords[t.text]:
			p, n := pathAt(toks[i:])
			u.paths = append(u.paths, p)
			i += n - 1
		case t.kind == rangeExpr:
			u.hasRange = true
			u.rangeTooLong = u.rangeTooLong || longRange(toks, i)
		}
	}
	return u
}

// pathAt reads a.b["c"].d and gives the number of tokens it took. An index that is not a literal string ends it.
func pathAt(toks []exprToken) (path, int) {
	p, n := path{toks[0].text}, 1
	for n < len(toks) {
		if toks[n].kind == propertyExpr {
			p = append(p, toks[n].text)
			n++
			continue
		}
		index := n+2 < len(toks) && toks[n] == exprToken{punctExpr, "["} && toks[n+1].kind == stringExpr && toks[n+2] == exprToken{punctExpr, "]"}
		if !index {
			break
		}
		p = append(p, toks[n+1].text)
		n += 3
	}
	return p, n
}

func longRange(toks []exprToken, at int) bool {
	if at == 0 || at+1 >= len(toks) || toks[at-1].kind != numberExpr || toks[at+1].kind != numberExpr {
		return false
	}
	from, err1 := strconv.ParseFloat(toks[at-1].text, 64)
	to, err2 := strconv.ParseFloat(toks[at+1].text, 64)
	return err1 != nil || err2 != nil || to-from >= maxRange
}
