package preflight

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// document is what an HTML part is made of, as far as the checks ask. It is read token by token, so that everything has its line.
type document struct {
	elements  []element
	links     []link
	images    []image
	styles    []cssBlock
	visible   string // the words that a reader sees, a line for each block
	preheader string // hidden words at the top
	title     string
}

type element struct {
	tag   string
	attrs map[string]string
	line  int
}

type link struct {
	url   string
	text  string // also the alternative texts of images in it
	line  int
	image bool // it holds one
	tag   string
}

type image struct {
	src, alt      string
	hasAlt, sized bool
	link          int  // index of the link around it, -1 for none
	tiny          bool // a pixel that counts opens, or a spacer
	line          int
	hidden        bool
}

// cssBlock is a style element, or with selector a style attribute.
type cssBlock struct {
	text     string
	line     int
	selector string
}

// Bounds of what is looked at in a document.
const (
	maxElements = 50_000
	maxOpen     = 1000
)

var voids = []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}

// blockEnd parts blocks in the words; no text of a mail holds it.
const blockEnd = "\x00"

type open struct {
	tag    string
	hidden bool
}

type reader struct {
	d         document
	line      int
	stack     []open
	link      int // index of the open link, -1 for none
	words     strings.Builder
	hiddenTop strings.Builder
	linkText  strings.Builder
	begun     bool // there were words to see
}

// readHTML reads a document. It takes any bytes.
func readHTML(src string) document {
	r := reader{line: 1, link: -1}
	z := html.NewTokenizer(strings.NewReader(src))
	z.SetMaxBuf(maxPart)
	for len(r.d.elements) < maxElements {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		raw := z.Raw()
		lines := strings.Count(string(raw), "\n")
		switch kind {
		case html.TextToken:
			r.text(string(z.Text()))
		case html.StartTagToken, html.SelfClosingTagToken:
			r.start(z, kind == html.SelfClosingTagToken)
		case html.EndTagToken:
			name, _ := z.TagName()
			r.end(string(name))
		}
		r.line += lines
	}
	r.closeLink()
	r.d.preheader = squeeze(r.hiddenTop.String())
	var lines []string
	for line := range strings.SplitSeq(r.words.String(), blockEnd) {
		if line = squeeze(line); line != "" {
			lines = append(lines, line)
		}
	}
	r.d.visible = strings.Join(lines, "\n")
	return r.d
}

func (r *reader) top() open {
	if len(r.stack) == 0 {
		return open{}
	}
	return r.stack[len(r.stack)-1]
}

func (r *reader) text(s string) {
	switch top := r.top(); {
	case top.tag == "style":
		r.d.styles = append(r.d.styles, cssBlock{text: s, line: r.line})
	case top.tag == "script":
	case top.tag == "title":
		r.d.title += s
	case top.hidden:
		if !r.begun {
			r.hiddenTop.WriteString(s)
		}
	default:
		s = strings.ReplaceAll(s, blockEnd, "")
		r.words.WriteString(s)
		r.begun = r.begun || squeeze(s) != ""
		if r.link >= 0 {
			r.linkText.WriteString(s)
		}
	}
}

// blocks are elements at which words end.
var blocks = []string{"address", "blockquote", "br", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "ol", "p", "pre", "section", "table", "td", "th", "tr", "ul"}

func (r *reader) start(z *html.Tokenizer, closed bool) {
	name, more := z.TagName()
	e := element{tag: string(name), line: r.line, attrs: map[string]string{}}
	for more {
		var k, v []byte
		k, v, more = z.TagAttr()
		if _, twice := e.attrs[string(k)]; !twice {
			e.attrs[string(k)] = string(v)
		}
	}
	r.d.elements = append(r.d.elements, e)
	if slices.Contains(blocks, e.tag) {
		r.words.WriteString(blockEnd)
	}
	r.imply(e.tag)
	hidden := r.top().hidden || hides(e)
	// What is hidden, as a preheader is, nobody misses.
	if style := e.attrs["style"]; style != "" && !hidden {
		r.d.styles = append(r.d.styles, cssBlock{text: style, line: r.line, selector: e.tag})
	}
	switch e.tag {
	case "a", "area":
		r.closeLink()
		if href, ok := e.attrs["href"]; ok {
			r.d.links = append(r.d.links, link{url: addressOf(href), line: r.line, tag: e.tag})
			r.link = len(r.d.links) - 1
		}
	case "img":
		r.image(e, hidden)
	}
	if closed || slices.Contains(voids, e.tag) || len(r.stack) >= maxOpen {
		return
	}
	r.stack = append(r.stack, open{e.tag, hidden})
}

// endsParagraph are elements before which an open paragraph ends by itself (HTML §13.2.6.4.7).
var endsParagraph = set("address", "article", "aside", "blockquote", "center", "dd", "details", "dialog", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4",
	"h5", "h6", "header", "hr", "li", "main", "menu", "nav", "ol", "p", "pre", "section", "summary", "table", "ul")

// imply ends what ends by itself when an element begins: paragraphs, items and cells are often left open.
func (r *reader) imply(tag string) {
	switch tag {
	case "li":
		r.endWithin([]string{"li"}, "ul", "ol", "table")
	case "dd", "dt":
		r.endWithin([]string{"dd", "dt"}, "dl", "table")
	case "td", "th":
		r.endWithin([]string{"td", "th"}, "table")
	case "tr", "tbody", "thead", "tfoot":
		r.endWithin([]string{"td", "th"}, "table")
		r.endWithin([]string{"tr"}, "table")
	}
	if endsParagraph[tag] {
		r.endWithin([]string{"p"}, "table", "td", "th", "caption", "button", "object")
	}
}

// endWithin ends the innermost open element of some names, unless one of the outer ones is between.
func (r *reader) endWithin(names []string, outer ...string) {
	for i := len(r.stack) - 1; i >= 0; i-- {
		switch tag := r.stack[i].tag; {
		case slices.Contains(names, tag):
			r.stack = r.stack[:i]
			return
		case slices.Contains(outer, tag):
			return
		}
	}
}

func (r *reader) image(e element, hidden bool) {
	alt, has := e.attrs["alt"]
	style := parseInline(e.attrs["style"])
	w, h := orElse(e.attrs["width"], style["width"]), orElse(e.attrs["height"], style["height"])
	i := image{
		src: addressOf(e.attrs["src"]), alt: strings.TrimSpace(alt), hasAlt: has, sized: w != "", line: r.line, link: r.link, hidden: hidden,
		tiny: (small(w) && small(h)),
	}
	r.d.images = append(r.d.images, i)
	if r.link >= 0 {
		r.d.links[r.link].image = true
		r.linkText.WriteString(" " + i.alt + " ")
	}
}

// addressOf is what an attribute says without the ends of lines in it, which programs that wrap HTML leave there and no browser heeds (WHATWG URL §4.4).
func addressOf(attribute string) string {
	return strings.TrimSpace(lineEnds.Replace(attribute))
}

var lineEnds = strings.NewReplacer("\n", "", "\r", "", "\t", "")

// small is a width or height of a pixel that counts opens.
func small(v string) bool {
	v = strings.TrimSuffix(strings.TrimSpace(v), "px")
	return v == "0" || v == "1"
}

func (r *reader) end(name string) {
	if slices.Contains(blocks, name) {
		r.words.WriteString(blockEnd)
	}
	if name == "a" {
		r.closeLink()
	}
	for i := len(r.stack) - 1; i >= 0; i-- {
		if r.stack[i].tag == name {
			r.stack = r.stack[:i]
			return
		}
	}
}

func (r *reader) closeLink() {
	if r.link < 0 {
		return
	}
	r.d.links[r.link].text = squeeze(r.linkText.String())
	r.link = -1
	r.linkText.Reset()
}

// hides reports whether an element is not to be seen, as preheaders are.
func hides(e element) bool {
	if _, ok := e.attrs["hidden"]; ok {
		return true
	}
	s := parseInline(e.attrs["style"])
	return s["display"] == "none" || s["visibility"] == "hidden" || s["max-height"] == "0" || s["max-height"] == "0px"
}

// squeeze makes single blanks of all white space, and leaves out characters that only push other text out of a preview.
func squeeze(s string) string {
	var b strings.Builder
	blank := false
	for _, r := range s {
		switch {
		case r == 0x200b || r == 0x200c || r == 0x200d || r == 0x34f || r == 0xfeff || r == 0xad || r == 0x2060:
		case r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\f' || r == 0xa0 || r == 0x2007:
			blank = true
		default:
			if blank && b.Len() > 0 {
				b.WriteByte(' ')
			}
			blank = false
			b.WriteRune(r)
		}
	}
	return b.String()
}
