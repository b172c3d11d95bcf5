package feed

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	xhtml "golang.org/x/net/html"

	"postrider/internal/errs"
)

var declaration = regexp.MustCompile(`^\s*<\?xml[^>]*\?>`)

// parseXML reads RSS and Atom. Items are read one by one, so that a large feed does not become a large tree.
func parseXML(text []byte, base *url.URL) (Feed, []draft, error) {
	if i := bytes.IndexByte(text, '<'); i > 0 {
		text = text[i:]
	}
	text = legalReferences(declaration.ReplaceAll(text, nil))
	r := newReader(string(text))
	root, err := r.root(base)
	if err != nil {
		return Feed{}, nil, err
	}
	p := parser{reader: r}
	switch {
	case root.name == "feed":
		p.feed.Format, p.atom, p.bare = "Atom", true, "atom"
	case root.name == "rss" || root.is("rdf", "rdf") || root.name == "channel":
		p.feed.Format = "RSS"
	case root.name == "html" || root.name == "head" || root.name == "body":
		return Feed{}, nil, webPage(text, base)
	default:
		return Feed{}, nil, errs.New(errs.Invalid, "the document is XML, but not a feed: it begins with <%s> instead of <rss> or <feed>", line(root.name, 40))
	}
	for _, a := range root.attrs {
		if a.Name.Space == "xml" && a.Name.Local == "lang" {
			p.feed.Language = a.Value
		}
	}
	if err := p.container(root); err != nil {
		return Feed{}, nil, err
	}
	return p.feed, p.drafts, nil
}

// root reads up to the first element.
func (r *reader) root(base *url.URL) (*node, error) {
	for {
		tok, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil, errs.New(errs.Invalid, "the document is not a feed: it is neither XML nor JSON")
		}
		if err != nil {
			return nil, err
		}
		if t, ok := tok.(xml.StartElement); ok {
			return r.element(t, base, false), nil
		}
	}
}

// webPage is the error for a page in place of a feed. It names the feed that the page names (https://www.rssboard.org/rss-autodiscovery).
func webPage(text []byte, base *url.URL) error {
	z := xhtml.NewTokenizer(bytes.NewReader(text))
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			return errs.New(errs.Invalid, "this is a web page, not a feed: look on the page for RSS, Atom or a feed symbol, and enter the address behind it")
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			tok := z.Token()
			if tok.Data != "link" {
				continue
			}
			attrs := map[string]string{}
			for _, a := range tok.Attr {
				attrs[a.Key] = strings.ToLower(a.Val)
				if a.Key == "href" {
					attrs["href"] = a.Val
				}
			}
			kinds := []string{"application/rss+xml", "application/atom+xml", "application/feed+json"}
			if found := webURL(base, attrs["href"]); slices.Contains(strings.Fields(attrs["rel"]), "alternate") && slices.Contains(kinds, attrs["type"]) && found != "" {
				return errs.New(errs.Invalid, "this is a web page, not a feed; its feed is at %s: enter that address", found)
			}
		}
	}
}

// parser reads one feed.
type parser struct {
	*reader
	feed   Feed
	drafts []draft
	atom   bool
	author string // of the feed
}

// container reads <rss>, <rdf:RDF>, <channel> or <feed>.
func (p *parser) container(n *node) error {
	for {
		tok, err := p.next()
		if errors.Is(err, io.EOF) {
			return errs.New(errs.Invalid, "the feed breaks off before its end")
		}
		if err != nil {
			return err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			c := p.element(t, n.base, n.based)
			if c.name == "channel" && !p.atom {
				err = p.container(c)
			} else {
				err = p.child(c)
			}
			if err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// child reads an item, or what the feed says of itself.
func (p *parser) child(c *node) error {
	p.count = 0
	if err := p.tree(c); err != nil {
		if errors.Is(err, io.EOF) {
			return errs.New(errs.Invalid, "the feed breaks off before its end")
		}
		return err
	}
	switch {
	case c.name == "item" && !p.atom || c.name == "entry" && p.atom:
		if len(p.drafts) < maxRead {
			p.drafts = append(p.drafts, p.draft(c))
		}
	case c.is("atom", "link") && c.attr("rel") != "" && c.attr("rel") != "alternate":
	case c.name == "link" && p.feed.URL == "" && (c.space == "" || c.space == "atom"):
		p.feed.URL = webURL(c.base, cmp.Or(c.attr("href"), c.string()))
	case c.space != "" && c.space != "atom" && c.space != "dc":
	case c.name == "title" && p.feed.Title == "":
		p.feed.Title = p.title(c)
	case (c.name == "description" || c.name == "subtitle") && p.feed.Description == "":
		p.feed.Description = plainText(c.markup())
	case c.name == "language":
		p.feed.Language = c.string()
	case c.name == "author" && p.atom:
		p.author = c.first("atom", "name")
	}
	return nil
}

// title is the text of a title: Atom says by its type what it is written in (RFC 4287 §3.1), RSS does not.
func (p *parser) title(c *node) string {
	switch {
	case !p.atom:
		return titleText(c.string())
	case c.attr("type") == "html":
		return plainText(c.string())
	}
	return c.string()
}

func (p *parser) draft(n *node) draft {
	var d draft
	if p.atom {
		d = p.entry(n)
	} else {
		d = p.item(n)
	}
	d.Image = cmp.Or(mediaImage(n), enclosed(n, "image/"), itunesImage(n))
	d.base = n.base.String()
	if !n.based && d.URL != "" {
		d.base = d.URL
	}
	return d
}

// item reads an RSS item.
func (p *parser) item(n *node) draft {
	var d draft
	for _, c := range n.all("", "title") {
		d.Title = cmp.Or(d.Title, p.title(c))
	}
	d.Title = cmp.Or(d.Title, titleText(n.first("media", "title")), titleText(n.first("dc", "title")))
	d.ID = cmp.Or(n.first("", "guid"), rdfAbout(n), n.first("atom", "id"))
	d.URL = itemURL(n)
	d.Author = cmp.Or(n.first("dc", "creator"), person(n.first("", "author")), n.first("itunes", "author"))
	d.Published = parseDate(cmp.Or(n.first("", "pubdate"), n.first("dc", "date"), n.first("atom", "published"), n.first("dcterms", "created")))
	d.Updated = parseDate(cmp.Or(n.first("atom", "updated"), n.first("dcterms", "modified")))
	for _, c := range append(n.all("", "category"), n.all("dc", "subject")...) {
		d.Categories = append(d.Categories, titleText(c.string()))
	}
	description := childOf(n, "", "description").markup()
	d.html = childOf(n, "content", "encoded").markup()
	if strings.TrimSpace(d.html) == "" {
		d.html = description
	} else {
		d.summary = description
	}
	d.orMedia(n)
	return d
}

// orMedia takes a description of Media RSS when there is nothing else.
func (d *draft) orMedia(n *node) {
	if strings.TrimSpace(d.html+d.summary) != "" {
		return
	}
	for _, group := range append([]*node{n}, n.all("media", "group")...) {
		if c := childOf(group, "media", "description"); strings.TrimSpace(c.string()) != "" {
			d.html, d.plain = c.string(), c.attr("type") != "html"
			return
		}
	}
	d.html, d.plain = n.first("itunes", "summary"), true
}

// childOf is the first child of a name, an empty one when there is none.
func childOf(n *node, space, name string) *node {
	if all := n.all(space, name); len(all) > 0 {
		return all[0]
	}
	return &node{base: n.base}
}

func rdfAbout(n *node) string {
	for _, a := range n.attrs {
		if a.Name.Space == "rdf" && a.Name.Local == "about" {
			return a.Value
		}
	}
	return ""
}

// itemURL is where an RSS item can be read: its link, an Atom link in it, a guid that says it is one, else what is enclosed.
func itemURL(n *node) string {
	for _, c := range n.all("", "link") {
		if u := webURL(c.base, cmp.Or(c.string(), c.attr("href"))); u != "" {
			return u
		}
	}
	for _, c := range n.all("atom", "link") {
		if u := webURL(c.base, c.attr("href")); u != "" && (c.attr("rel") == "" || c.attr("rel") == "alternate") {
			return u
		}
	}
	for _, c := range n.all("", "guid") {
		if text := strings.TrimSpace(c.string()); !strings.EqualFold(c.attr("ispermalink"), "false") && strings.HasPrefix(strings.ToLower(text), "http") {
			return webURL(c.base, text)
		}
	}
	return enclosed(n, "")
}

// entry reads an Atom entry (RFC 4287 §4.1.2).
func (p *parser) entry(n *node) draft {
	d := draft{Item: Item{ID: n.first("atom", "id")}}
	for _, c := range n.all("atom", "title") {
		d.Title = cmp.Or(d.Title, p.title(c))
	}
	for _, c := range n.all("atom", "link") {
		if rel := c.attr("rel"); d.URL == "" && (rel == "" || rel == "alternate") {
			d.URL = webURL(c.base, c.attr("href"))
		}
	}
	for _, c := range n.all("atom", "author") {
		d.Author = cmp.Or(d.Author, c.first("atom", "name"))
	}
	d.Author = cmp.Or(d.Author, n.first("dc", "creator"), p.author)
	d.Published = parseDate(cmp.Or(n.first("atom", "published"), n.first("atom", "issued")))
	d.Updated = parseDate(cmp.Or(n.first("atom", "updated"), n.first("atom", "modified")))
	for _, c := range n.all("atom", "category") {
		d.Categories = append(d.Categories, cmp.Or(c.attr("label"), c.attr("term")))
	}
	summary, content := childOf(n, "atom", "summary"), childOf(n, "atom", "content")
	d.summary = atomHTML(summary)
	if d.html = atomHTML(content); d.URL == "" {
		d.URL = webURL(content.base, content.attr("src"))
	}
	d.orMedia(n)
	return d
}

// atomHTML is a text of Atom as HTML: type says whether it is text, HTML or XHTML; content of another type is not text for a mail.
func atomHTML(c *node) string {
	switch kind := strings.ToLower(c.attr("type")); kind {
	case "", "text", "text/plain":
		return paragraphs(c.string())
	case "html", "text/html", "xhtml", "application/xhtml+xml":
		return c.markup()
	}
	return ""
}

// person is the name in "bob@example.org (Bob)", which RSS has for authors; addresses are nobody's business.
func person(s string) string {
	if i, j := strings.IndexByte(s, '('), strings.LastIndexByte(s, ')'); i >= 0 && j > i && strings.Contains(s[:i], "@") {
		return s[i+1 : j]
	}
	if strings.Contains(s, "@") && !strings.Contains(strings.TrimSpace(s), " ") {
		return ""
	}
	if i := strings.IndexByte(s, '<'); i > 0 {
		return s[:i]
	}
	return s
}

// leastWidth is how many pixels wide an image has to be to stand for an item, when its width is known.
const leastWidth = 100

// mediaImage is the widest image of Media RSS.
func mediaImage(n *node) string {
	best, width := "", -1
	take := func(c *node) {
		w, err := strconv.Atoi(c.attr("width"))
		if err == nil && w < leastWidth {
			return // a portrait or a symbol
		}
		if u := webURL(c.base, c.attr("url")); u != "" && w > width {
			best, width = u, w
		}
	}
	groups := append([]*node{n}, n.all("media", "group")...)
	for _, g := range groups {
		for _, c := range g.all("media", "content") {
			groups = append(groups, c) // a picture of a film
			if c.attr("medium") == "image" || strings.HasPrefix(c.attr("type"), "image/") {
				take(c)
			}
		}
	}
	for _, g := range groups {
		for _, c := range g.all("media", "thumbnail") {
			take(c)
		}
	}
	return best
}

// enclosed is the address of what an item comes with, of a type.
func enclosed(n *node, prefix string) string {
	for _, c := range append(n.all("", "enclosure"), n.all("atom", "link")...) {
		if c.name == "link" && c.attr("rel") != "enclosure" || !strings.HasPrefix(strings.ToLower(c.attr("type")), prefix) {
			continue
		}
		if u := webURL(c.base, cmp.Or(c.attr("url"), c.attr("href"))); u != "" {
			return u
		}
	}
	return ""
}

func itunesImage(n *node) string {
	for _, c := range n.all("itunes", "image") {
		if u := webURL(c.base, cmp.Or(c.attr("href"), c.attr("url"))); u != "" {
			return u
		}
	}
	return ""
}
