package feed

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	xhtml "golang.org/x/net/html"
)

// policy is what of the HTML of strangers goes into a mail: what mail programs show, and nothing that runs, loads, covers or styles.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("h1", "h2", "h3", "h4", "h5", "h6", "p", "div", "span", "br", "hr", "b", "strong", "i", "em", "u", "s", "del", "ins", "sub", "sup", "small", "mark", "q", "cite", "abbr",
		"blockquote", "pre", "code", "kbd", "samp", "ul", "ol", "li", "dl", "dt", "dd", "figure", "figcaption", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td")
	p.AllowNoAttrs().OnElements("span")
	p.AllowURLSchemes("http", "https", "mailto")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(false)
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("title").Matching(bluemonday.Paragraph).OnElements("a", "abbr", "img")
	p.AllowAttrs("src").Matching(regexp.MustCompile(`(?i)^https?://`)).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("width", "height").Matching(regexp.MustCompile(`^[0-9]{1,4}$`)).OnElements("img")
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^[0-9]{1,2}$`)).OnElements("td", "th")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,5}$`)).OnElements("ol")
	p.AllowAttrs("dir").Matching(regexp.MustCompile(`^(ltr|rtl)$`)).Globally()
	p.SkipElementsContent("script", "style", "noscript", "template", "object", "svg", "math", "select", "textarea", "title", "head", "button", "xmp", "noembed", "noframes")
	return p
})

// imageStyle keeps an image from being wider than the mail. It is ours: no style of a feed passes.
const imageStyle = `<img style="max-width:100%;height:auto" `

// Sanitize makes HTML of a stranger safe to put into a mail or a page: see the policy. Addresses are made absolute by base; every element is closed; images nobody can see,
// which only count readers, and elements that are hidden are left out; a film or a sound becomes a link to it.
func Sanitize(source, base string) string {
	u, err := url.Parse(base)
	if err != nil {
		u = &url.URL{}
	}
	t := tidier{base: u}
	t.run(source)
	safe := policy().Sanitize(t.out.String())
	return strings.TrimSpace(strings.ReplaceAll(safe, "<img ", imageStyle))
}

// maxOpen bounds how deep elements lie in each other; what is deeper is not nested further.
const maxOpen = 50

// voids are elements without an end.
var voids = []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}

// tidier writes HTML in which every element ends, and within the one it began in.
type tidier struct {
	base *url.URL
	out  strings.Builder
	open []string
	skip string // the element whose content is being left out
	deep int    // how many of its name are open in it
}

func (t *tidier) run(source string) {
	z := xhtml.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			t.closeTo(0)
			return
		case xhtml.TextToken:
			if t.skip == "" {
				t.out.WriteString(xhtml.EscapeString(string(z.Text())))
			}
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			switch tok := z.Token(); {
			case t.skip == "":
				t.start(tok)
			case tok.Data == t.skip && tok.Type == xhtml.StartTagToken:
				t.deep++
			}
		case xhtml.EndTagToken:
			name, _ := z.TagName()
			t.end(string(name))
		}
	}
}

func (t *tidier) start(tok xhtml.Token) {
	switch tok.Data {
	case "iframe", "video", "audio", "embed":
		t.media(tok)
		return
	case "script", "style", "noscript", "object", "svg", "math", "template", "title", "textarea", "select", "xmp", "noembed", "noframes":
		if tok.Type == xhtml.StartTagToken {
			t.skip = tok.Data
		}
		return
	case "img":
		if invisible(tok) {
			return
		}
	case "a":
		if i := slices.Index(t.open, "a"); i >= 0 { // links do not lie in each other
			t.closeTo(i)
		}
	}
	for i, a := range tok.Attr {
		if a.Key == "href" || a.Key == "src" {
			tok.Attr[i].Val = t.resolve(a.Val)
		}
	}
	void := slices.Contains(voids, tok.Data)
	if unseen(tok) {
		if !void && tok.Type == xhtml.StartTagToken {
			t.skip = tok.Data
		}
		return
	}
	if !void && len(t.open) >= maxOpen {
		return
	}
	tok.Type = xhtml.StartTagToken
	t.out.WriteString(tok.String())
	if !void {
		t.open = append(t.open, tok.Data)
	}
}

// media leaves a link where something would play. What is in the element is for readers that cannot play it, and goes.
func (t *tidier) media(tok xhtml.Token) {
	if tok.Data != "embed" && tok.Type == xhtml.StartTagToken {
		t.skip = tok.Data
	}
	for _, a := range tok.Attr {
		if u, err := t.base.Parse(strings.TrimSpace(a.Val)); a.Key == "src" && err == nil && webURL(t.base, a.Val) != "" {
			t.out.WriteString(`<p><a href="` + xhtml.EscapeString(u.String()) + `">▶ ` + xhtml.EscapeString(strings.TrimPrefix(u.Hostname(), "www.")) + `</a></p>`)
			return
		}
	}
}

func (t *tidier) end(name string) {
	if t.skip != "" {
		if name == t.skip && t.deep == 0 {
			t.skip = ""
		} else if name == t.skip {
			t.deep--
		}
		return
	}
	for i := len(t.open) - 1; i >= 0; i-- {
		if t.open[i] == name {
			t.closeTo(i)
			return
		}
	}
}

// closeTo ends what is open until n are left.
func (t *tidier) closeTo(n int) {
	for len(t.open) > n {
		last := len(t.open) - 1
		t.out.WriteString("</" + t.open[last] + ">")
		t.open = t.open[:last]
	}
}

// resolve makes an address absolute. One that leads nowhere from a mail, such as to a part of the page, is dropped.
func (t *tidier) resolve(ref string) string {
	ref = strings.TrimSpace(ref)
	if strings.HasPrefix(strings.ToLower(ref), "mailto:") {
		return ref
	}
	return webURL(t.base, ref)
}

// invisible tells an image that counts readers: one or no pixel wide or high.
func invisible(tok xhtml.Token) bool {
	for _, a := range tok.Attr {
		if a.Key == "width" || a.Key == "height" {
			if n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(a.Val), "px")); err == nil && n <= 1 {
				return true
			}
		}
	}
	return false
}

// unseen tells an element that its author hides, such as the text that mails have for the list of a mail program: without its style it would be seen.
func unseen(tok xhtml.Token) bool {
	for _, a := range tok.Attr {
		style := strings.ToLower(strings.Join(strings.Fields(a.Val), ""))
		if a.Key == "hidden" || a.Key == "style" && (strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden")) {
			return true
		}
	}
	return false
}

// firstImage is the address of the first image of HTML that Sanitize gave, "" when there is none.
func firstImage(safe string) string {
	z := xhtml.NewTokenizer(strings.NewReader(safe))
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			return ""
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			tok := z.Token()
			if tok.Data != "img" {
				continue
			}
			for _, a := range tok.Attr {
				if a.Key == "src" {
					return a.Val
				}
			}
		}
	}
}
