package feed

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	xhtml "golang.org/x/net/html"
)

// line makes one line of a text of at most n characters: white space is collapsed, and what is too long is cut at a word.
func line(s string, n int) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)[:n-1]
	end := len(runes)
	for i := end - 1; i > end*2/3; i-- {
		if runes[i] == ' ' {
			end = i
			break
		}
	}
	return strings.TrimRight(string(runes[:end]), " ,;:-–—") + "…"
}

// cut bounds a text in bytes, at a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// blocks are elements that part words from each other.
var blocks = map[string]bool{
	"p": true, "div": true, "br": true, "li": true, "ul": true, "ol": true, "tr": true, "td": true, "th": true, "table": true, "blockquote": true, "pre": true, "hr": true, "h1": true, "h2": true,
	"h3": true, "h4": true, "h5": true, "h6": true, "figure": true, "figcaption": true, "section": true, "article": true, "dd": true, "dt": true, "img": true,
}

// hidden are elements whose text nobody reads.
var hidden = map[string]bool{"svg": true, "math": true, "script": true, "style": true, "noscript": true, "iframe": true, "template": true, "title": true, "object": true, "textarea": true, "xmp": true, "noembed": true, "noframes": true}

// plainText is the text of HTML, entities decoded.
func plainText(source string) string {
	var b strings.Builder
	skip := ""
	z := xhtml.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			return b.String()
		case xhtml.TextToken:
			if skip == "" {
				b.Write(z.Text())
			}
		case xhtml.StartTagToken:
			name, _ := z.TagName()
			if skip == "" && hidden[string(name)] {
				skip = string(name)
			}
			space(&b, string(name))
		case xhtml.SelfClosingTagToken:
			name, _ := z.TagName()
			space(&b, string(name))
		case xhtml.EndTagToken:
			name, _ := z.TagName()
			if skip == string(name) {
				skip = ""
			}
			space(&b, string(name))
		}
	}
}

func space(b *strings.Builder, name string) {
	if blocks[name] {
		b.WriteByte(' ')
	}
}

// titleMarkup is what tells a title in HTML from one that only mentions an element.
var titleMarkup = regexp.MustCompile(`(?i)</?(a|abbr|b|br|cite|code|em|i|mark|p|q|s|small|span|strong|sub|sup|u)(\s[^>]*)?/?>|&(#\d+|#x[0-9a-f]+|[a-z]{2,8}\d*);`)

// titleText is the text of an RSS title, which the standard leaves open to be plain or HTML (https://www.rssboard.org/rss-profile#element-channel-item-title).
func titleText(s string) string {
	if titleMarkup.MatchString(s) {
		return plainText(s)
	}
	return s
}

// paragraphs makes HTML of plain text.
func paragraphs(text string) string {
	var b strings.Builder
	for _, p := range strings.Split(strings.ReplaceAll(strings.TrimSpace(text), "\r\n", "\n"), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			b.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(p), "\n", "<br>") + "</p>")
		}
	}
	return b.String()
}
