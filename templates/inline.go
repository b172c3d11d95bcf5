package templates

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/andybalholm/cascadia"
	nethtml "golang.org/x/net/html"
)

// maxMatches bounds the work of inlining: selectors times elements. A mail has some thousands.
const maxMatches = 5_000_000

// inlineCSS writes what the <style> elements say into the style attributes, for mail programs that drop stylesheets. Only attributes and stylesheets are edited; every other byte of
// the source goes through, which is why no HTML writer is used: it would move text out of tables and change what stands in quotes. The HTML must have its Liquid hidden by s.
//
// What cannot be said in an attribute stays: media queries and other at-rules, pseudo classes, selectors that match nothing (they are about what mail programs add). Where those
// compete with something that was inlined they become !important, so that they win as they did. A stylesheet stays whole when Liquid decides about it or its rules, when it is for
// some media, or when it has the attribute data-embed. A rule that was inlined stays as well when something needs it that is in no tree: comments for Outlook, raw blocks, HTML of the data.
func inlineCSS(page string, s *shield) (string, *sourceError) {
	in := newInliner(page, s)
	in.unseen.addHidden(s)
	if len(in.sheets) == 0 {
		return page, nil
	}
	if serr := in.match(""); serr != nil {
		return "", serr
	}
	return in.write(), nil
}

type inliner struct {
	page   string
	shield *shield
	marker string
	marked strings.Builder // the page with a number in each start tag
	tags   []startTag
	sheets []sheet
	styles map[int][]applied // by number of the start tag
	// families are the properties that were inlined and are not important, by the first word of their names.
	families map[string]bool
	order    int
	rule     int
	unseen   unseen
	// decided: Liquid decides about elements, so that nobody knows which is the first, or the next.
	decided bool
}

func newInliner(page string, s *shield) *inliner {
	in := &inliner{page: page, shield: s, marker: "data-" + s.prefix, unseen: unseen{names: map[string]bool{}}}
	in.read()
	return in
}

// startTag is one in the source.
type startTag struct{ from, nameEnd, to int }

// sheet is the inside of a <style> element.
type sheet struct {
	from, to int
	rules    []cssRule
	// inlined are the selectors that were, by rule and place.
	inlined map[[2]int]bool
}

type applied struct {
	declaration
	specificity cascadia.Specificity
	order, rule int
}

// read finds start tags and stylesheets.
func (in *inliner) read() {
	z := nethtml.NewTokenizer(strings.NewReader(in.page))
	depth, open := 0, -1
	for pos := 0; ; {
		typ := z.Next()
		raw := in.page[pos : pos+len(z.Raw())]
		from := pos
		pos += len(raw)
		switch typ {
		case nethtml.ErrorToken:
			in.marked.WriteString(in.page[from:])
			return
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			name, _ := z.TagName()
			nameEnd := 1 + len(name)
			in.marked.WriteString(raw[:nameEnd] + " " + in.marker + `="` + strconv.Itoa(len(in.tags)) + `"` + raw[nameEnd:])
			in.tags = append(in.tags, startTag{from, from + nameEnd, pos})
			open = -1
			if string(name) == "style" && typ == nethtml.StartTagToken && depth == 0 && inlineable(raw) {
				open = pos
			}
			continue
		case nethtml.TextToken:
			tags, html := false, false
			in.shield.each(raw, func(_ string, n int) {
				if n >= 0 {
					depth += nests(in.shield.tag(n))
					tags = tags || in.shield.tag(n) != ""
					html = html || in.shield.hidesHTML(n)
				}
			})
			in.decided = in.decided || open != from && (tags || html)
			if open == from && !tags {
				in.sheets = append(in.sheets, sheet{from: from, to: pos, rules: cssRules(in.page, from, pos), inlined: map[[2]int]bool{}})
			}
		case nethtml.CommentToken:
			if at, ok := conditional([]byte(raw)); ok {
				in.unseen.add(in.shield.restore(raw[at[0]:at[1]]))
			}
		}
		in.marked.WriteString(raw)
	}
}

func nests(tag string) int {
	switch {
	case blockTags[tag]:
		return 1
	case strings.HasPrefix(tag, "end"):
		return -1
	}
	return 0
}

func inlineable(styleTag string) bool {
	attrs := scanAttrs([]byte(styleTag))
	if find(attrs, "data-embed") != nil {
		return false
	}
	media := find(attrs, "media")
	if media == nil {
		return true
	}
	m := strings.ToLower(strings.TrimSpace(styleTag[media.start:media.end]))
	return m == "" || m == "all"
}

// match finds which declarations each element gets. extra is a stylesheet that is inlined and not shown.
func (in *inliner) match(extra string) *sourceError {
	doc, err := nethtml.Parse(strings.NewReader(in.marked.String()))
	if err != nil {
		return badLine(1, "the HTML cannot be read to inline its styles: %v", err)
	}
	nodes := in.nodes(doc)
	in.styles, in.families = map[int][]applied{}, map[string]bool{}
	budget := maxMatches
	for i := range in.sheets {
		sh := &in.sheets[i]
		for r, rule := range sh.rules {
			if rule.body == 0 || rule.at() != "" {
				continue
			}
			for n, text := range splitCSS(rule.prelude, ',') {
				if budget -= len(nodes); budget < 0 {
					return badLine(0, "it has too many styles for its size: %d elements; switch off the inlining of styles, or use fewer rules", len(nodes))
				}
				sh.inlined[[2]int{r, n}] = in.apply(nodes, text, in.page[rule.body:rule.bodyEnd])
			}
		}
	}
	for _, rule := range cssRules(extra, 0, len(extra)) {
		for _, text := range splitCSS(rule.prelude, ',') {
			if budget -= len(nodes); budget >= 0 && rule.body > 0 && rule.at() == "" {
				in.apply(nodes, text, extra[rule.body:rule.bodyEnd])
			}
		}
	}
	return nil
}

type numbered struct {
	node *nethtml.Node
	n    int
}

// nodes gives the elements of the body in order and takes the numbers out of them.
func (in *inliner) nodes(doc *nethtml.Node) []numbered {
	var out []numbered
	for node := range doc.Descendants() {
		if node.Type != nethtml.ElementNode {
			continue
		}
		at := slices.IndexFunc(node.Attr, func(a nethtml.Attribute) bool { return a.Key == in.marker })
		if at < 0 {
			continue
		}
		n, err := strconv.Atoi(node.Attr[at].Val)
		node.Attr = slices.Delete(node.Attr, at, at+1)
		if err == nil && n < len(in.tags) && !headElements[node.Data] {
			out = append(out, numbered{node, n})
		}
	}
	return out
}

var headElements = map[string]bool{"html": true, "head": true, "title": true, "style": true, "script": true, "meta": true, "link": true, "base": true, "noscript": true}

// apply reports whether a selector is done with: it could be inlined, and was.
func (in *inliner) apply(nodes []numbered, text, block string) bool {
	sel, ok := selector(text)
	if !ok || in.structural(text) {
		return false
	}
	decls, hit := declarations(block), false
	in.rule++
	for _, e := range nodes {
		if !sel.Match(e.node) {
			continue
		}
		hit = true
		for _, d := range decls {
			in.order++
			in.styles[e.n] = append(in.styles[e.n], applied{d, sel.Specificity(), in.order, in.rule})
			if !d.important {
				in.families[family(d.name)] = true
			}
		}
	}
	return hit
}

// structural reports whether a selector asks about neighbours of elements that Liquid decides about: it is written once, and the elements come out as none or as many.
func (in *inliner) structural(text string) bool {
	return (in.decided || in.unseen.any) && neighbours.MatchString(attributePart.ReplaceAllString(cssComment.ReplaceAllString(text, " "), ""))
}

var (
	neighbours    = regexp.MustCompile(`(?i):(first|last|only|nth)-|:empty|[+~]`)
	attributePart = regexp.MustCompile(`\[[^\]]*\]`)
)

func family(property string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(property, "-"), "-")
	return name
}

// write makes the page with its new attributes and stylesheets.
func (in *inliner) write() string {
	var b strings.Builder
	pos, sheets := 0, in.sheets
	copyTo := func(at int) {
		for len(sheets) > 0 && sheets[0].from <= at && sheets[0].from >= pos {
			b.WriteString(in.page[pos:sheets[0].from])
			b.WriteString(in.rewrite(sheets[0]))
			pos = sheets[0].to
			sheets = sheets[1:]
		}
		b.WriteString(in.page[pos:at])
		pos = at
	}
	for n, t := range in.tags {
		if len(in.styles[n]) == 0 {
			continue
		}
		copyTo(t.from)
		b.WriteString(in.startTag(t, in.styles[n]))
		pos = t.to
	}
	copyTo(len(in.page))
	return b.String()
}

// startTag writes a tag with what applies to it around what its style attribute says already.
func (in *inliner) startTag(t startTag, styles []applied) string {
	raw := in.page[t.from:t.to]
	slices.SortStableFunc(styles, func(a, b applied) int {
		switch {
		case a.specificity.Less(b.specificity):
			return -1
		case b.specificity.Less(a.specificity):
			return 1
		}
		return a.order - b.order
	})
	before, after := joinStyles(styles, false), joinStyles(styles, true)
	var b strings.Builder
	pos, had := 0, false
	for _, a := range scanAttrs([]byte(raw)) {
		if a.name != "style" {
			continue
		}
		had = true
		own := strings.TrimSpace(raw[a.start:a.end])
		if a.end == 0 {
			own, a.start, a.end = "", a.nameAt+len("style"), a.nameAt+len("style")
		}
		merged := escapeStyle(before, a.quote) + own
		if after != "" {
			if own != "" && !strings.HasSuffix(own, ";") {
				merged += ";"
			}
			merged += escapeStyle(after, a.quote)
		}
		b.WriteString(raw[pos:a.start])
		if a.quote == 0 {
			if a.start == a.end {
				b.WriteByte('=')
			}
			merged = `"` + strings.TrimSuffix(merged, ";") + `"`
		}
		b.WriteString(strings.TrimSuffix(merged, ";"))
		pos = a.end
	}
	if had {
		return b.String() + raw[pos:]
	}
	nameEnd := t.nameEnd - t.from
	return raw[:nameEnd] + ` style="` + strings.TrimSuffix(escapeStyle(before+after, '"'), ";") + `"` + raw[nameEnd:]
}

func escapeStyle(css string, quote byte) string {
	css = strings.ReplaceAll(css, "&", "&amp;")
	if quote == '\'' {
		return strings.ReplaceAll(css, "'", "&#39;")
	}
	return strings.ReplaceAll(css, `"`, "&quot;")
}

// joinStyles writes the declarations that are, or are not, important. Of several for one property those of the last rule count: it may give a simple value before one that not every
// program knows. The word !important is left out. Behind the author's own style they win without it, and a media query that says it must still win over them.
func joinStyles(styles []applied, important bool) string {
	last := map[string]int{}
	for _, a := range styles {
		if a.important == important {
			last[a.name] = a.rule
		}
	}
	var b strings.Builder
	for _, a := range styles {
		if a.important == important && last[a.name] == a.rule {
			b.WriteString(a.name + ":" + strings.Join(strings.Fields(cssComment.ReplaceAllString(a.value, " ")), " ") + ";")
		}
	}
	return b.String()
}

// rewrite writes what is left of a stylesheet, on the lines where it was.
func (in *inliner) rewrite(sh sheet) string {
	var b strings.Builder
	pos := sh.from
	for r, rule := range sh.rules {
		b.WriteString(in.page[pos:rule.from])
		pos = rule.to
		switch {
		case rule.body == 0:
			b.WriteString(in.page[rule.from:rule.to])
		case rule.at() != "":
			b.WriteString(in.strengthen(rule))
		default:
			b.WriteString(in.leftover(sh, r, rule))
		}
	}
	b.WriteString(in.page[pos:sh.to])
	return b.String()
}

// leftover writes the selectors of a rule that something needs: as they were when they are inlined too, and else so that they win over what was inlined.
func (in *inliner) leftover(sh sheet, r int, rule cssRule) string {
	var twice, kept []string
	for n, text := range splitCSS(rule.prelude, ',') {
		switch {
		case !sh.inlined[[2]int{r, n}]:
			kept = append(kept, strings.TrimSpace(text))
		case in.unseen.needs(text):
			twice = append(twice, strings.TrimSpace(text))
		}
	}
	whole := in.page[rule.from:rule.to]
	out := ""
	if len(twice) > 0 {
		out = strings.Join(twice, ", ") + "{" + in.page[rule.body:rule.to]
	}
	if len(kept) > 0 {
		out += strings.Join(kept, ", ") + " {" + in.makeImportant(rule.body, rule.bodyEnd) + in.page[rule.bodyEnd:rule.to]
	}
	return out + strings.Repeat("\n", max(0, strings.Count(whole, "\n")-strings.Count(out, "\n")))
}

// strengthen makes the rules in a conditional group win over what was inlined.
func (in *inliner) strengthen(rule cssRule) string {
	if at := rule.at(); at != "@media" && at != "@supports" {
		return in.page[rule.from:rule.to]
	}
	var b strings.Builder
	b.WriteString(in.page[rule.from:rule.body])
	pos := rule.body
	for _, inner := range cssRules(in.page, rule.body, rule.bodyEnd) {
		if inner.body == 0 {
			continue
		}
		b.WriteString(in.page[pos:inner.from])
		if inner.at() != "" {
			b.WriteString(in.strengthen(inner))
		} else {
			b.WriteString(in.page[inner.from:inner.body] + in.makeImportant(inner.body, inner.bodyEnd) + in.page[inner.bodyEnd:inner.to])
		}
		pos = inner.to
	}
	b.WriteString(in.page[pos:rule.to])
	return b.String()
}

// makeImportant adds !important to the declarations that something inlined would beat.
func (in *inliner) makeImportant(from, to int) string {
	parts := splitCSS(in.page[from:to], ';')
	for i, part := range parts {
		d := declarations(part)
		if len(d) == 1 && !d[0].important && in.families[family(d[0].name)] {
			end := len(strings.TrimRight(part, " \t\r\n"))
			parts[i] = part[:end] + " !important" + part[end:]
		}
	}
	return strings.Join(parts, ";")
}
