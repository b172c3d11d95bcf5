package templates

import (
	"bytes"
	"fmt"
	"html"
	"slices"
	"strings"

	nethtml "golang.org/x/net/html"
)

// edit replaces source bytes from..to by pieces. Outside of edits the source goes out byte for byte.
type edit struct {
	from, to int
	put      []piece
}

// htmlScan is what the HTML source of a mail says about itself. Its positions are byte offsets in the source.
type htmlScan struct {
	edits    []edit
	warnings []Warning
	// bodyStart is where hidden text for the inbox list goes, bodyEnd where a footer and the pixel go.
	bodyStart, bodyEnd int
}

// htmlScanner walks over HTML in which Liquid is masked: same length, but harmless to an HTML tokenizer.
type htmlScanner struct {
	src, masked string
	tokens      []token
	part        *partInfo
	links       *linkSet
	track       bool
	out         htmlScan
	hasBodyEnd  bool
	script      bool
}

// scanHTML finds links and insertion points. Links are collected in links; with track their targets become click addresses.
func scanHTML(src string, tokens []token, part *partInfo, links *linkSet, track bool) (htmlScan, *sourceError) {
	s := &htmlScanner{src: src, masked: mask(src, tokens), tokens: tokens, part: part, links: links, track: track}
	s.out.bodyEnd = len(src)
	if err := s.walk(0, len(src), true); err != nil {
		return htmlScan{}, err
	}
	return s.out, nil
}

// mask hides Liquid from the HTML tokenizer. An output becomes letters, because it stands for text; a tag or a comment becomes spaces.
func mask(src string, tokens []token) string {
	b := []byte(src)
	for _, t := range tokens {
		fill := byte(' ')
		switch {
		case t.hidden || t.kind == tagToken:
		case t.kind == outputToken:
			fill = 'x'
		default:
			continue
		}
		for i := t.pos; i < t.end(); i++ {
			b[i] = fill
		}
	}
	return string(b)
}

// walk tokenises masked[from:to]. top is false inside a conditional comment, which only some readers see.
func (s *htmlScanner) walk(from, to int, top bool) *sourceError {
	z := nethtml.NewTokenizer(strings.NewReader(s.masked[from:to]))
	pos := from
	for {
		typ := z.Next()
		raw := z.Raw()
		start, end := pos, pos+len(raw)
		pos = end
		var err *sourceError
		switch typ {
		case nethtml.ErrorToken:
			return nil
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			attrs := scanAttrs(raw)
			name, _ := z.TagName()
			if err = s.tagName(start, end); err == nil {
				err = s.startTag(string(name), attrs, start, end, top)
			}
		case nethtml.EndTagToken:
			name, _ := z.TagName()
			err = s.tagName(start, end)
			s.endTag(string(name), start, end, top)
		case nethtml.DoctypeToken:
			if top {
				s.out.bodyStart = end
			}
		case nethtml.CommentToken:
			if in, ok := conditional(raw); ok {
				err = s.walk(start+in[0], start+in[1], false)
			}
		case nethtml.TextToken:
			err = s.scriptText(start, end)
		}
		if err != nil {
			return err
		}
	}
}

// conditional gives the inside of <!--[if mso]> … <![endif]-->, which Outlook reads as HTML.
func conditional(raw []byte) ([2]int, bool) {
	if !bytes.HasPrefix(raw, []byte("<!--[if")) {
		return [2]int{}, false
	}
	open := bytes.Index(raw, []byte("]>"))
	end := bytes.LastIndex(raw, []byte("<![endif]"))
	if open < 0 || end < open+2 {
		return [2]int{}, false
	}
	return [2]int{open + 2, end}, true
}

func (s *htmlScanner) endTag(name string, start, end int, top bool) {
	switch {
	case name == "script":
		s.script = false
	case !top:
	case name == "head":
		s.out.bodyStart = max(s.out.bodyStart, end)
	case name == "body":
		s.out.bodyEnd, s.hasBodyEnd = start, true
	case name == "html" && !s.hasBodyEnd:
		s.out.bodyEnd = start
	}
}

func (s *htmlScanner) startTag(name string, attrs []attr, start, end int, top bool) *sourceError {
	switch {
	case name == "script":
		s.script = true
		s.warn("script", start, "mail programs do not run scripts")
	case top && (name == "html" || name == "body"):
		s.out.bodyStart = max(s.out.bodyStart, end)
	case name == "img" && !slices.ContainsFunc(attrs, func(a attr) bool { return a.name == "alt" }):
		s.warn("no_alt", start, "an image has no alt text; people whose mail program hides images see nothing")
	}
	seen := map[string]bool{}
	for _, a := range attrs {
		a.start, a.end, a.nameAt = a.start+start, a.end+start, a.nameAt+start
		// A browser takes the first of two attributes with one name.
		if err := s.attribute(name, a, seen[a.name]); err != nil {
			return err
		}
		seen[a.name] = true
	}
	return nil
}

func (s *htmlScanner) attribute(tag string, a attr, double bool) *sourceError {
	if err := s.quoted(a); err != nil {
		return err
	}
	switch a.name {
	case "href":
		if tag == "link" || tag == "base" || double {
			return s.guard(a, "image", imageSchemes)
		}
		return s.link(a)
	case "xlink:href", "action", "formaction":
		return s.guard(a, "link", linkSchemes)
	case "src", "background", "poster", "data", "lowsrc", "dynsrc":
		return s.guard(a, "image", imageSchemes)
	}
	return nil
}

// guard refuses a static URL with a scheme that is not allowed, and makes a URL with Liquid be looked at when it is filled in.
func (s *htmlScanner) guard(a attr, block string, allowed schemes) *sourceError {
	value := s.src[a.start:a.end]
	if !s.liquidIn(a.start, a.end) {
		if scheme, rest := schemeOf(html.UnescapeString(value)); !allowed(scheme, rest) {
			return badLine(s.line(a.start), "a URL that starts with %s: cannot be in a mail", scheme)
		}
		return nil
	}
	s.out.edits = append(s.out.edits,
		edit{a.start, a.start, []piece{{kind: openPiece, text: block}}},
		edit{a.end, a.end, []piece{{kind: closePiece, text: block}}})
	return nil
}

// link decides whether clicks on an href are counted.
func (s *htmlScanner) link(a attr) *sourceError {
	value := s.src[a.start:a.end]
	scheme, rest, whole := targetScheme(s.src, s.tokens, a.start, a.end)
	dynamic := s.liquidIn(a.start, a.end)
	if err := s.guard(a, "link", linkSchemes); err != nil {
		return err
	}
	switch {
	case scheme == "" && !dynamic && value != "" && value[0] != '#':
		s.warn("relative_link", a.start, "the link %.60q has no https:// before it, so it leads nowhere from a mail", value)
		return nil
	case scheme == "http":
		s.warn("http_link", a.start, "the link %.60q is http, not https", value)
	}
	if scheme != "http" && scheme != "https" && !whole {
		return nil
	}
	if !dynamic && strings.TrimLeft(rest, "/") == "" {
		return nil
	}
	url, ok := linkSource(s.tokens, s.part, a.start, a.end, html.UnescapeString)
	if !ok {
		return nil
	}
	n := s.links.add(url)
	if n > 0 && s.track {
		s.dropEdits(a.start, a.end)
		s.out.edits = append(s.out.edits, edit{a.start, a.end, []piece{{kind: clickPiece, n: n}}})
	}
	return nil
}

func (s *htmlScanner) dropEdits(from, to int) {
	s.out.edits = slices.DeleteFunc(s.out.edits, func(e edit) bool { return e.from >= from && e.to <= to })
}

// targetScheme gives the scheme that the static start of a URL has; whole is true when Liquid is the very start, so that it may bring its own.
func targetScheme(src string, tokens []token, from, to int) (scheme, rest string, whole bool) {
	i := firstAfter(tokens, from)
	for i < len(tokens) && tokens[i].pos < to && tokens[i].kind == textToken {
		i++
	}
	static := to
	if i < len(tokens) && tokens[i].pos < to {
		static = max(tokens[i].pos, from)
		whole = strings.TrimSpace(src[from:static]) == ""
	}
	scheme, rest = schemeOf(html.UnescapeString(src[from:static]))
	return scheme, rest, whole
}

// linkSource gives the target of a link as Liquid source, with plain applied to its text and the Liquid as it is. It is false when the link
// cannot be filled in by itself at click time, or must not be counted because it leads to the unsubscribe or preference page.
func linkSource(tokens []token, part *partInfo, from, to int, plain func(string) string) (string, bool) {
	var b strings.Builder
	for _, t := range tokens {
		if t.end() <= from || t.pos >= to {
			continue
		}
		if t.kind == textToken && !t.hidden {
			text := plain(t.src[max(0, from-t.pos):min(len(t.src), to-t.pos)])
			if hasLiquid(text) || strings.HasSuffix(text, "{") {
				return "", false // written before an output it would be read as a part of it
			}
			b.WriteString(text)
			continue
		}
		if t.kind != outputToken || !part.standsAlone(t) {
			return "", false
		}
		b.WriteString(t.src)
	}
	return strings.TrimSpace(b.String()), true
}

func hasLiquid(s string) bool { return strings.Contains(s, "{{") || strings.Contains(s, "{%") }

// outputIn gives the first output that touches the range, nil if there is none.
func (s *htmlScanner) outputIn(from, to int) *token {
	for i := firstAfter(s.tokens, from); i < len(s.tokens) && s.tokens[i].pos < to; i++ {
		if s.tokens[i].kind == outputToken {
			return &s.tokens[i]
		}
	}
	return nil
}

func (s *htmlScanner) liquidIn(from, to int) bool {
	for i := firstAfter(s.tokens, from); i < len(s.tokens) && s.tokens[i].pos < to; i++ {
		if s.tokens[i].kind != textToken {
			return true
		}
	}
	return false
}

// firstAfter gives the index of the first token that ends after pos.
func firstAfter(tokens []token, pos int) int {
	i, _ := slices.BinarySearchFunc(tokens, pos, func(t token, p int) int {
		if t.end() <= p {
			return -1
		}
		return 1
	})
	return i
}

func (s *htmlScanner) line(pos int) int { return 1 + strings.Count(s.src[:pos], "\n") }

func (s *htmlScanner) warn(code string, pos int, format string, args ...any) {
	s.out.warnings = append(s.out.warnings, Warning{Code: code, Message: fmt.Sprintf(format, args...), Line: s.line(pos)})
}
