package templates

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/preslavrachev/gomjml/mjml"
	"github.com/preslavrachev/gomjml/mjml/fonts"
	nethtml "golang.org/x/net/html"
)

// maxMJMLTags bounds what one MJML source holds.
const maxMJMLTags = 5000

// mjmlChildren says which components can stand in which. What is not in it is not MJML, or not known to the library, which would leave it out without a word.
var mjmlChildren = map[string][]string{
	"":                     {"mjml"},
	"mjml":                 {"mj-head", "mj-body"},
	"mj-head":              {"mj-title", "mj-font", "mj-preview", "mj-style", "mj-attributes"},
	"mj-attributes":        nil, // any: see allowedIn
	"mj-body":              {"mj-section", "mj-wrapper", "mj-hero", "mj-raw"},
	"mj-wrapper":           {"mj-section", "mj-raw"},
	"mj-section":           {"mj-column", "mj-group", "mj-raw"},
	"mj-group":             {"mj-column", "mj-raw"},
	"mj-column":            mjmlContent,
	"mj-hero":              mjmlContent,
	"mj-social":            {"mj-social-element", "mj-raw"},
	"mj-navbar":            {"mj-navbar-link", "mj-raw"},
	"mj-accordion":         {"mj-accordion-element", "mj-raw"},
	"mj-accordion-element": {"mj-accordion-title", "mj-accordion-text", "mj-raw"},
	"mj-carousel":          {"mj-carousel-image"},
}

var mjmlContent = []string{"mj-text", "mj-button", "mj-image", "mj-divider", "mj-spacer", "mj-table", "mj-social", "mj-navbar", "mj-accordion", "mj-carousel", "mj-raw"}

// mjmlEnding are the components whose inside is HTML or text, which MJML does not look at.
var mjmlEnding = map[string]bool{
	"mj-text": true, "mj-button": true, "mj-table": true, "mj-raw": true, "mj-title": true, "mj-preview": true, "mj-style": true, "mj-navbar-link": true,
	"mj-social-element": true, "mj-accordion-title": true, "mj-accordion-text": true,
}

var mjmlNames = func() []string {
	names := []string{"mj-all", "mj-class"}
	for name, children := range mjmlChildren {
		names = append(append(names, name), children...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}()

// mjmlToHTML translates MJML with Liquid in it. The library sees neither Liquid nor the HTML inside of components, so that nothing in there can be changed or lost; a Liquid tag
// between components goes through as mj-raw.
func mjmlToHTML(src string, tokens []token) (string, *sourceError) {
	s := newShield(src)
	m := mjmlReader{shield: s, src: s.hideLiquid(src, tokens)}
	if serr := m.read(); serr != nil {
		return "", serr
	}
	page, serr := m.render()
	if serr != nil {
		return "", serr
	}
	if page, serr = inlineExtra(m.unpack(page), s, m.inline.String()); serr != nil {
		return "", serr
	}
	return s.restore(page), nil
}

// inlineExtra applies what <mj-style inline="inline"> says. The stylesheets of the page are MJML's business and stay.
func inlineExtra(page string, s *shield, css string) (string, *sourceError) {
	if css == "" {
		return page, nil
	}
	in := newInliner(page, s)
	in.sheets, in.decided = nil, false // what is not inlined would be nowhere
	if serr := in.match(css); serr != nil {
		return "", serr
	}
	return in.write(), nil
}

type mjmlReader struct {
	shield *shield
	src    string
	out    strings.Builder
	inline strings.Builder
	stack  []mjmlOpen
	lines  []int // of the source, by line of out
	words  []mjmlWord
	tags   int
	seen   bool // a root was there
	// at is how far lines were counted, and atLine the line there.
	at, atLine int
}

type mjmlOpen struct {
	name string
	line int
}

// mjmlWord is something hidden that must come out again. inside: it is what was in a component.
type mjmlWord struct {
	n, line int
	where   string
	inside  bool
}

// line gives the line of a position in the source. Positions grow, or the count begins anew.
func (m *mjmlReader) line(pos int) int {
	if pos < m.at {
		m.at, m.atLine = 0, 0
	}
	m.atLine += strings.Count(m.shield.restore(m.src[m.at:pos]), "\n")
	m.at = pos
	return 1 + m.atLine
}

func (m *mjmlReader) parent() string {
	if len(m.stack) == 0 {
		return ""
	}
	return m.stack[len(m.stack)-1].name
}

// put writes one tag on a line of its own, so that the library's line numbers can be told apart.
func (m *mjmlReader) put(line int, text string) {
	m.out.WriteString(text + "\n")
	m.lines = append(m.lines, line)
}

func (m *mjmlReader) read() *sourceError {
	for pos := 0; pos < len(m.src); {
		z := nethtml.NewTokenizerFragment(strings.NewReader(m.src[pos:]), "div")
		typ := z.Next()
		raw := m.src[pos : pos+len(z.Raw())]
		var serr *sourceError
		next := pos + len(raw)
		switch typ {
		case nethtml.ErrorToken:
			if serr = m.text(pos, m.src[pos:]); serr != nil {
				return serr
			}
			return m.end()
		case nethtml.TextToken:
			serr = m.text(pos, raw)
		case nethtml.CommentToken:
			m.raw(pos, raw)
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			next, serr = m.start(pos, raw, typ == nethtml.SelfClosingTagToken)
		case nethtml.EndTagToken:
			name, _ := z.TagName()
			serr = m.close(pos, string(name))
		}
		if serr != nil {
			return serr
		}
		pos = next
	}
	return m.end()
}

func (m *mjmlReader) end() *sourceError {
	if n := len(m.stack); n > 0 {
		return badLine(m.stack[n-1].line, "<%s> is never closed; add </%s>", m.stack[n-1].name, m.stack[n-1].name)
	}
	if !m.seen {
		return badLine(1, "this is not MJML: it has to be in <mjml><mj-body>…</mj-body></mjml>")
	}
	return nil
}

// text takes what stands between components: white space, or Liquid that decides about components.
func (m *mjmlReader) text(pos int, raw string) *sourceError {
	words, other := 0, ""
	m.shield.each(raw, func(between string, n int) {
		if n >= 0 && !isComment(m.shield.hidden[n]) {
			words++
		}
		if other == "" {
			other = strings.TrimSpace(between)
		}
	})
	if other != "" {
		return badLine(m.line(pos+strings.Index(raw, other)), "the text %q stands outside of components; put it into <mj-text>", shorten(m.shield.restore(other), 40))
	}
	if words == 0 {
		return nil
	}
	if !slices.Contains(mjmlChildren[m.parent()], "mj-raw") {
		return badLine(m.line(pos+strings.Index(raw, m.shield.prefix)), "Liquid cannot stand here, in %s; it can decide about sections, columns and what is in columns", m.parentName())
	}
	m.raw(pos, raw)
	return nil
}

func isComment(liquid string) bool {
	inner := strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(liquid, "{%"), "-"), " \t")
	return inner[:identEnd(inner)] == "comment"
}

func (m *mjmlReader) parentName() string {
	if p := m.parent(); p != "" {
		return "<" + p + ">"
	}
	return "front of <mjml> or behind it"
}

// raw lets something through as it is, where that is possible, and else leaves it out: it is a comment.
func (m *mjmlReader) raw(pos int, text string) {
	if slices.Contains(mjmlChildren[m.parent()], "mj-raw") {
		m.put(m.line(pos), "<mj-raw>"+m.keep(text, m.line(pos))+"</mj-raw>")
	}
}

// keep hides a text that must come out again.
func (m *mjmlReader) keep(text string, line int) string {
	word := m.shield.hide(text)
	m.words = append(m.words, mjmlWord{len(m.shield.hidden) - 1, line, m.parentName(), true})
	return word
}

func (m *mjmlReader) allowedIn(name string, line int) *sourceError {
	if name == "mj-include" {
		return badLine(line, "<mj-include> would read a file; store the part as a snippet and write {%% snippet \"name\" %%}")
	}
	if !slices.Contains(mjmlNames, name) {
		return badLine(line, "there is no component <%s>%s", name, didYouMean(name, mjmlNames))
	}
	parent := m.parent()
	if parent == "mj-attributes" && name != "mjml" {
		return nil
	}
	if !slices.Contains(mjmlChildren[parent], name) {
		return badLine(line, "<%s> cannot stand in %s; that takes %s", name, m.parentName(), strings.Join(mjmlChildren[parent], ", "))
	}
	if name == "mjml" && m.seen {
		return badLine(line, "there is a second <mjml>")
	}
	return nil
}

// start takes a component and gives where reading goes on.
func (m *mjmlReader) start(pos int, raw string, closed bool) (int, *sourceError) {
	name := asciiLower([]byte(raw[1 : 1+len(tagName(raw))]))
	line := m.line(pos)
	if m.tags++; m.tags > maxMJMLTags {
		return 0, badLine(line, "it has more than %d components", maxMJMLTags)
	}
	if serr := m.allowedIn(name, line); serr != nil {
		return 0, serr
	}
	m.seen = true
	attrs, inlined, serr := m.attributes(raw, name, line)
	if serr != nil {
		return 0, serr
	}
	next := pos + len(raw)
	if closed || m.parent() == "mj-attributes" || name == "mj-image" || name == "mj-divider" || name == "mj-spacer" || name == "mj-font" || name == "mj-carousel-image" {
		m.put(line, "<"+name+attrs+"/>")
		if !closed {
			next = m.skipEnd(next, name)
		}
		return next, nil
	}
	if !mjmlEnding[name] {
		m.stack = append(m.stack, mjmlOpen{name, line})
		m.put(line, "<"+name+attrs+">")
		return next, nil
	}
	inner, after, ok := endingInside(m.src, next, name)
	if !ok {
		return 0, badLine(line, "<%s> is never closed; add </%s>", name, name)
	}
	if strings.Contains(strings.ToLower(inner), "<mj-include") {
		return 0, badLine(line, "<mj-include> would read a file; store the part as a snippet and write {%% snippet \"name\" %%}")
	}
	switch {
	case name == "mj-style" && inlined:
		m.inline.WriteString(inner + "\n")
	case strings.TrimSpace(inner) == "":
		m.put(line, "<"+name+attrs+"></"+name+">")
	default:
		m.put(line, "<"+name+attrs+">"+m.keep(inner, line)+"</"+name+">")
	}
	return after, nil
}

func tagName(raw string) string {
	i := 1
	for i < len(raw) && !isSpace(raw[i]) && raw[i] != '/' && raw[i] != '>' {
		i++
	}
	return raw[1:i]
}

// skipEnd passes over the end tag of an empty component.
func (m *mjmlReader) skipEnd(pos int, name string) int {
	rest := m.src[pos:]
	trimmed := strings.TrimLeft(rest, " \t\r\n")
	if end := "</" + name; len(trimmed) >= len(end) && strings.EqualFold(trimmed[:len(end)], end) {
		if i := strings.IndexByte(trimmed, '>'); i >= 0 {
			return pos + len(rest) - len(trimmed) + i + 1
		}
	}
	return pos
}

// endingInside gives what is between a start tag and its end tag, and where the source goes on.
func endingInside(src string, from int, name string) (inner string, after int, ok bool) {
	end := "</" + name
	for i := from; i+len(end) < len(src); i++ {
		if src[i] != '<' || !strings.EqualFold(src[i:i+len(end)], end) {
			continue
		}
		if c := src[i+len(end)]; c == '>' || isSpace(c) {
			gt := strings.IndexByte(src[i:], '>')
			if gt < 0 {
				return "", 0, false
			}
			return src[from:i], i + gt + 1, true
		}
	}
	return "", 0, false
}

// attributes writes those of a component as XML.
func (m *mjmlReader) attributes(raw, name string, line int) (text string, inlined bool, serr *sourceError) {
	var b strings.Builder
	seen := map[string]bool{}
	for _, a := range scanAttrs([]byte(raw)) {
		if strings.Contains(a.name, m.shield.prefix) {
			return "", false, badLine(line, "Liquid cannot stand between the attributes of <%s>; put it into the value of one", name)
		}
		if !mjmlAttribute.MatchString(a.name) || seen[a.name] {
			return "", false, badLine(line, "the attribute %s of <%s> cannot be read, or is there twice", shorten(a.name, 40), name)
		}
		seen[a.name] = true
		value := raw[a.start:a.end]
		if a.end == 0 {
			value = a.name
		}
		if a.name == "inline" && strings.EqualFold(strings.TrimSpace(value), "inline") {
			inlined = true
		}
		b.WriteString(" " + a.name + `="` + m.attributeValue(value, line) + `"`)
	}
	return b.String(), inlined, nil
}

var mjmlAttribute = regexp.MustCompile(`^[a-z][a-z0-9:_-]*$`)

// attributeValue hides the characters that XML and the library would read as something. The words for Liquid are noted: they must come out again.
func (m *mjmlReader) attributeValue(value string, line int) string {
	var b strings.Builder
	m.shield.each(value, func(between string, n int) {
		for _, c := range between {
			switch {
			case c == '&' || c == '<' || c == '>':
				b.WriteString(m.shield.hide(string(c)))
			case c == '"':
				b.WriteString(m.shield.hide("&quot;"))
			case c < ' ':
				b.WriteByte(' ')
			default:
				b.WriteRune(c)
			}
		}
		if n >= 0 {
			b.WriteString(m.shield.word(n))
			m.words = append(m.words, mjmlWord{n, line, "an attribute there", false})
		}
	})
	return b.String()
}

func (m *mjmlReader) close(pos int, name string) *sourceError {
	n := len(m.stack) - 1
	if n < 0 || m.stack[n].name != name {
		open := "nothing is open"
		if n >= 0 {
			open = fmt.Sprintf("<%s> of line %d is open", m.stack[n].name, m.stack[n].line)
		}
		return badLine(m.line(pos), "</%s> closes nothing: %s", name, open)
	}
	m.stack = m.stack[:n]
	m.put(m.line(pos), "</"+name+">")
	return nil
}

// libraryIDs are the random names that the library gives to parts of menus and carousels.
var libraryIDs = regexp.MustCompile(`\b[0-9a-f]{16}\b`)

// render has the library translate. What it draws by lot is numbered instead, so that the same source gives the same bytes.
func (m *mjmlReader) render() (page string, serr *sourceError) {
	defer func() {
		if r := recover(); r != nil {
			page, serr = "", badLine(0, "this MJML cannot be translated: %.200v", r)
		}
	}()
	page, err := mjml.Render(m.out.String())
	if err != nil {
		return "", m.libraryError(err)
	}
	for _, w := range m.words {
		if !strings.Contains(page, m.shield.word(w.n)) {
			return "", badLine(w.line, "%s has no effect in %s; MJML leaves it out", shorten(m.shield.restore(m.shield.hidden[w.n]), 60), w.where)
		}
	}
	page = m.withoutFonts(page)
	ids := map[string]string{}
	return libraryIDs.ReplaceAllStringFunc(page, func(id string) string {
		if ids[id] == "" {
			ids[id] = fmt.Sprintf("%016x", len(ids)+1)
		}
		return ids[id]
	}), nil
}

// withoutFonts takes out the web fonts that the library fetches from Google by itself, for each text that names no other font even: readers' mail programs are sent to a third party only by an <mj-font> of the author.
func (m *mjmlReader) withoutFonts(page string) string {
	for _, url := range fonts.GoogleFontsMapping {
		if strings.Contains(m.out.String(), url) {
			continue
		}
		page = strings.ReplaceAll(page, `<link href="`+url+`" rel="stylesheet" type="text/css">`, "")
		page = strings.ReplaceAll(page, "@import url("+url+");", "")
	}
	return strings.Replace(page, `<!--[if !mso]><!--><style type="text/css"></style><!--<![endif]-->`, "", 1)
}

func (m *mjmlReader) libraryError(err error) *sourceError {
	var e mjml.Error
	if !errors.As(err, &e) || len(e.Details) == 0 {
		return badLine(0, "this MJML cannot be translated: %v", err)
	}
	d, line := e.Details[0], 0
	if d.Line >= 1 && d.Line <= len(m.lines) {
		line = m.lines[d.Line-1]
	}
	return badLine(line, "%s", d.Message)
}

// unpack puts back what was in components, still without its Liquid.
func (m *mjmlReader) unpack(page string) string {
	inside := map[int]bool{}
	for _, w := range m.words {
		inside[w.n] = inside[w.n] || w.inside
	}
	var b strings.Builder
	m.shield.each(page, func(between string, n int) {
		b.WriteString(between)
		switch {
		case n >= 0 && inside[n]:
			b.WriteString(m.shield.hidden[n])
		case n >= 0:
			b.WriteString(m.shield.word(n))
		}
	})
	return b.String()
}

func shorten(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
