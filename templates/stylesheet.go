package templates

import (
	"regexp"
	"strings"

	"github.com/andybalholm/cascadia"
)

// cssRule is one rule of a stylesheet, by its place in the source. An at-rule without a block has no body.
type cssRule struct {
	prelude  string
	from, to int // the whole rule
	body     int // where the block begins, after its {; 0 without one
	bodyEnd  int // where its } is
}

func (r cssRule) at() string {
	if !strings.HasPrefix(r.prelude, "@") {
		return ""
	}
	return strings.ToLower(r.prelude[:1+identEnd(r.prelude[1:])])
}

// maxRules bounds what one mail may style.
const maxRules = 5000

// cssRules cuts css[from:to] into rules. It follows CSS Syntax §5 as far as strings, comments and brackets go; what is broken ends at the end.
func cssRules(css string, from, to int) []cssRule {
	var out []cssRule
	for from < to && len(out) < maxRules {
		start := skipCSSBlank(css[:to], from)
		if start >= to {
			break
		}
		i := start
		for i < to && css[i] != '{' && css[i] != ';' && css[i] != '}' {
			i += cssToken(css[i:to])
		}
		i = min(i, to)
		r := cssRule{prelude: strings.TrimSpace(css[start:i]), from: start}
		if i < to && css[i] == '{' {
			r.body = i + 1
			r.bodyEnd = blockEnd(css[:to], i+1)
			r.to = min(r.bodyEnd+1, to)
		} else {
			r.to = min(i+1, to)
		}
		out = append(out, r)
		from = r.to
	}
	return out
}

func skipCSSBlank(css string, i int) int {
	for i < len(css) {
		switch {
		case isSpace(css[i]):
			i++
		case strings.HasPrefix(css[i:], "/*"):
			i += cssToken(css[i:])
		case strings.HasPrefix(css[i:], "<!--"):
			i += 4
		case strings.HasPrefix(css[i:], "-->"):
			i += 3
		default:
			return i
		}
	}
	return i
}

// blockEnd finds the } that closes a block whose inside begins at i.
func blockEnd(css string, i int) int {
	for depth := 0; i < len(css); i += cssToken(css[i:]) {
		switch css[i] {
		case '{':
			depth++
		case '}':
			if depth == 0 {
				return i
			}
			depth--
		}
	}
	return len(css)
}

// declaration is one property with its value, as written.
type declaration struct {
	name, value string
	important   bool
}

var importantEnd = regexp.MustCompile(`(?i)\s*!\s*important\s*$`)

// declarations reads the inside of a block, or a style attribute.
func declarations(block string) []declaration {
	var out []declaration
	for _, part := range splitCSS(block, ';') {
		name, value, ok := strings.Cut(part, ":")
		name, value = strings.TrimSpace(cssComment.ReplaceAllString(name, "")), strings.TrimSpace(value)
		if !ok || name == "" || value == "" || strings.ContainsAny(name, " \t\n{}") {
			continue
		}
		d := declaration{name: strings.ToLower(name), value: value}
		if at := importantEnd.FindStringIndex(value); at != nil {
			d.value, d.important = value[:at[0]], true
		}
		out = append(out, d)
	}
	return out
}

var cssComment = regexp.MustCompile(`(?s)/\*.*?\*/`)

// splitCSS cuts at a separator that stands outside of strings, comments and brackets.
func splitCSS(css string, sep byte) []string {
	var out []string
	depth, start := 0, 0
	for i := 0; i < len(css); i += cssToken(css[i:]) {
		switch css[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case sep:
			if depth <= 0 {
				out = append(out, css[start:i])
				start = i + 1
			}
		}
	}
	return append(out, css[start:])
}

// stays are the selectors that no attribute can stand for: what depends on the moment, on a made-up element, or on everything.
var stays = regexp.MustCompile(`(?i)::|:(visited|active|hover|focus|focus-within|focus-visible|link|any-link|root|host|target|checked|disabled|enabled|in-range|out-of-range|valid|invalid|required|optional|` +
	`placeholder-shown|lang|dir|before|after|first-line|first-letter|selection|is|where|has)\b|(^|[\s>+~,(])\*`)

// selector reads one selector that can be inlined; ok is false for the others, which stay in the stylesheet.
func selector(text string) (cascadia.Sel, bool) {
	text = strings.TrimSpace(cssComment.ReplaceAllString(text, " "))
	if text == "" || len(text) > maxExpression || stays.MatchString(text) {
		return nil, false
	}
	sel, err := cascadia.Parse(text)
	return sel, err == nil && sel.PseudoElement() == ""
}
