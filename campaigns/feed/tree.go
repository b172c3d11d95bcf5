package feed

import (
	"encoding/xml"
	"html"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postrider/internal/errs"
)

// Limits of XML.
const (
	maxDepth    = 60
	maxElements = 20_000 // in one item
	maxAttrs    = 50     // that are kept of one element
)

// The vocabularies, by the short names that they are known under here.
var spaces = map[string]string{
	"http://www.w3.org/2005/Atom": "atom", "http://purl.org/atom/ns#": "atom", "http://purl.org/rss/1.0/": "", "http://my.netscape.com/rdf/simple/0.9/": "", "http://backend.userland.com/rss2": "",
	"http://blogs.law.harvard.edu/tech/rss": "", "http://cyber.law.harvard.edu/rss/rss.html": "",
	"http://purl.org/rss/1.0/modules/content/": "content", "http://purl.org/dc/elements/1.1/": "dc", "http://purl.org/dc/terms/": "dcterms", "http://search.yahoo.com/mrss/": "media",
	"http://search.yahoo.com/mrss": "media", "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes", "http://www.w3.org/1999/xhtml": "xhtml", "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
	"http://www.w3.org/XML/1998/namespace": "xml", "xml": "xml",
}

func short(space string) string {
	if s, ok := spaces[space]; ok {
		return s
	}
	return strings.ToLower(space) // a prefix that nobody declared is what it looks like
}

// node is an element, or a text when name is empty.
type node struct {
	space, name string
	text        string
	attrs       []xml.Attr
	children    []*node
	base        *url.URL
	based       bool // base is by xml:base, not by where the feed was found
}

func (n *node) is(space, name string) bool { return n.space == space && n.name == name }

// attr is an attribute without namespace.
func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if a.Name.Space == "" && strings.EqualFold(a.Name.Local, name) {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// all gives the children of a name; with name "*" all elements.
func (n *node) all(space, name string) []*node {
	var out []*node
	for _, c := range n.children {
		if c.name != "" && (name == "*" || c.is(space, name)) {
			out = append(out, c)
		}
	}
	return out
}

// first is the first child of a name that has text, "" when there is none.
func (n *node) first(space, name string) string {
	for _, c := range n.all(space, name) {
		if s := strings.TrimSpace(c.string()); s != "" {
			return s
		}
	}
	return ""
}

// string is all the text in an element.
func (n *node) string() string {
	if len(n.children) == 1 && n.children[0].name == "" {
		return n.children[0].text
	}
	var b strings.Builder
	n.write(&b, false)
	return b.String()
}

// markup is the content of an element as HTML: its text when it has nothing but that (escaped or CDATA), else elements and texts (XHTML, or HTML that was not escaped).
func (n *node) markup() string {
	if !slices.ContainsFunc(n.children, func(c *node) bool { return c.name != "" }) {
		return n.string()
	}
	var b strings.Builder
	n.write(&b, true)
	return b.String()
}

func (n *node) write(b *strings.Builder, tags bool) {
	for _, c := range n.children {
		switch {
		case c.name == "" && tags:
			b.WriteString(html.EscapeString(c.text))
		case c.name == "":
			b.WriteString(c.text)
		case tags:
			b.WriteString("<" + c.name)
			for _, a := range c.attrs {
				if a.Name.Space == "" && a.Name.Local != "xmlns" {
					b.WriteString(" " + a.Name.Local + `="` + html.EscapeString(a.Value) + `"`)
				}
			}
			b.WriteString(">")
			c.write(b, tags)
			if !slices.Contains(voids, c.name) {
				b.WriteString("</" + c.name + ">")
			}
		default:
			c.write(b, tags)
		}
	}
}

// illegal are references to characters that XML has not, which end the reading of encoding/xml.
var illegal = regexp.MustCompile(`&#(x[0-9a-fA-F]{1,8}|[0-9]{1,10});`)

func legalReferences(text []byte) []byte {
	return illegal.ReplaceAllFunc(text, func(ref []byte) []byte {
		digits, base := string(ref[2:len(ref)-1]), 10
		if digits[0] == 'x' {
			digits, base = digits[1:], 16
		}
		n, err := strconv.ParseUint(digits, base, 32)
		if err != nil || n < ' ' && n != '\t' && n != '\n' && n != '\r' || n >= 0xD800 && n <= 0xDFFF || n == 0xFFFE || n == 0xFFFF || n > 0x10FFFF {
			return []byte("\uFFFD")
		}
		return ref
	})
}

// reader reads elements from XML.
type reader struct {
	dec   *xml.Decoder
	depth int
	count int
	bare  string // what elements without a namespace are: the root decides
}

func newReader(text string) *reader {
	dec := xml.NewDecoder(strings.NewReader(text))
	dec.Strict = false
	dec.Entity = xml.HTMLEntity
	dec.AutoClose = []string{"br", "hr", "img", "input", "wbr"}
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 by now
	return &reader{dec: dec}
}

// next gives the next start or end of an element, or a text; io.EOF at the end of the document.
func (r *reader) next() (xml.Token, error) {
	for {
		tok, err := r.dec.Token()
		if err == io.EOF {
			return nil, err
		}
		if err != nil {
			at, _ := r.dec.InputPos()
			return nil, errs.Because(errs.Invalid, err, "the feed is broken in line %d: it breaks off, or is not XML there", at)
		}
		switch tok.(type) {
		case xml.StartElement:
			if r.depth++; r.depth > maxDepth {
				return nil, errs.New(errs.Invalid, "the feed has elements more than %d deep in each other, which no feed needs", maxDepth)
			}
			return tok, nil
		case xml.EndElement:
			r.depth--
			return tok, nil
		case xml.CharData:
			return tok, nil
		}
	}
}

// element makes a node of the start of an element.
func (r *reader) element(t xml.StartElement, base *url.URL, based bool) *node {
	n := &node{space: short(t.Name.Space), name: strings.ToLower(t.Name.Local), base: base, based: based}
	if n.space == "" {
		n.space = r.bare
	}
	for _, a := range t.Attr[:min(len(t.Attr), maxAttrs)] {
		a.Name.Space = short(a.Name.Space)
		if a.Name.Space == "xml" && a.Name.Local == "base" {
			if u, err := base.Parse(strings.TrimSpace(a.Value)); err == nil && len(a.Value) <= maxURL {
				n.base, n.based = u, true
			}
		}
		n.attrs = append(n.attrs, xml.Attr{Name: a.Name, Value: a.Value})
	}
	return n
}

// tree reads the rest of an element.
func (r *reader) tree(n *node) error {
	for {
		tok, err := r.next()
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			if r.count++; r.count > maxElements {
				return errs.New(errs.Invalid, "an item of the feed has more than %d elements", maxElements)
			}
			c := r.element(t, n.base, n.based)
			if err := r.tree(c); err != nil {
				return err
			}
			n.children = append(n.children, c)
		case xml.EndElement:
			return nil
		case xml.CharData:
			n.children = append(n.children, &node{text: string(t)})
		}
	}
}
