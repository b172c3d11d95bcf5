package templates

import (
	"html"
	"strings"

	nethtml "golang.org/x/net/html"
)

// textFromHTML makes the pieces of a text part out of the HTML source. It works on the stream of tags, not on a tree, so that Liquid stays
// where the author put it (a tree moves what may not stand in a table).
func textFromHTML(src string, tokens []token, part *partInfo, links *linkSet, track bool) []piece {
	masked := mask(src, tokens)
	w := &textWriter{src: src, tokens: tokens, part: part, links: links, track: track, done: blank{2, true}}
	z := nethtml.NewTokenizer(strings.NewReader(masked))
	pos := 0
	for {
		typ := z.Next()
		raw := z.Raw()
		start, end := pos, pos+len(raw)
		pos = end
		switch typ {
		case nethtml.ErrorToken:
			// A tag that the source ends in the middle of shows nothing.
			return w.finish()
		case nethtml.TextToken:
			w.span(start, end)
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			attrs := scanAttrs(raw)
			name, _ := z.TagName()
			w.startTag(string(name), attrs, start, end)
		case nethtml.EndTagToken:
			name, _ := z.TagName()
			w.endTag(string(name))
			w.tagsIn(start, end)
		case nethtml.CommentToken:
			w.tagsIn(start, end)
		}
	}
}

type textWriter struct {
	src    string
	tokens []token
	part   *partInfo
	links  *linkSet
	track  bool

	out []piece
	buf strings.Builder
	// What is due before the next text: line ends, or at least a space. done is what of it stands there already.
	breaks int
	space  bool
	done   blank
	frames []frame
	mute   int // depth of elements that are not text
	pre    int
	href   *attr
	label  strings.Builder
}

// Elements that begin and end on their own line, with the line ends around them.
var blockBreaks = map[string]int{
	"p": 2, "h1": 2, "h2": 2, "h3": 2, "h4": 2, "h5": 2, "h6": 2, "ul": 2, "ol": 2, "table": 1, "tr": 1, "div": 1, "section": 1, "article": 1,
	"header": 1, "footer": 1, "main": 1, "li": 1, "blockquote": 2, "pre": 2, "dl": 2, "dt": 1, "dd": 1, "center": 1, "body": 1, "tbody": 1,
	"thead": 1, "tfoot": 1, "address": 1, "figure": 1, "figcaption": 1, "form": 1, "fieldset": 1,
}

var mutedElements = map[string]bool{"head": true, "style": true, "script": true, "title": true, "template": true, "select": true, "textarea": true, "svg": true}

func (w *textWriter) startTag(name string, attrs []attr, start, end int) {
	if mutedElements[name] && !strings.HasSuffix(w.src[start:end], "/>") {
		w.mute++
	}
	w.breaks = max(w.breaks, blockBreaks[name])
	switch name {
	case "br":
		w.breaks++
	case "hr":
		w.breaks = max(w.breaks, 2)
		w.write("---")
		w.breaks = 2
	case "li":
		w.write("* ")
		w.done = blank{2, true}
	case "body":
		w.mute = 0 // a head that was never closed ends here
	case "td", "th":
		w.space = true
	case "pre":
		w.pre++
	case "img":
		if a := find(attrs, "alt"); a != nil && a.end > 0 {
			w.tagsIn(start, start+a.start)
			w.span(start+a.start, start+a.end)
			start += a.end
		}
	case "a":
		w.endLink()
		if a := find(attrs, "href"); a != nil && a.end > 0 {
			w.href = &attr{start: a.start + start, end: a.end + start}
			w.label.Reset()
			w.tagsIn(start, w.href.start)
			start = w.href.end
		}
	}
	w.tagsIn(start, end)
}

func (w *textWriter) endTag(name string) {
	switch {
	case mutedElements[name] && w.mute > 0:
		w.mute--
	case name == "a":
		w.endLink()
	case name == "pre" && w.pre > 0:
		w.pre--
	}
	w.breaks = max(w.breaks, blockBreaks[name])
}

func find(attrs []attr, name string) *attr {
	for i := range attrs {
		if attrs[i].name == name {
			return &attrs[i]
		}
	}
	return nil
}

// tagsIn keeps the Liquid tags of a piece of markup, so that a block that opens in one place still ends in another.
func (w *textWriter) tagsIn(from, to int) {
	for i := firstAfter(w.tokens, from); i < len(w.tokens) && w.tokens[i].pos < to; i++ {
		if w.tokens[i].kind == tagToken {
			w.tag(w.tokens[i])
		}
	}
}

func (w *textWriter) put(p piece) {
	if w.buf.Len() > 0 {
		w.out = append(w.out, piece{kind: textPiece, text: w.buf.String()})
		w.buf.Reset()
	}
	w.out = append(w.out, p)
}

// gap makes the place for text: the line ends or the space that are due go before it.
func (w *textWriter) gap() {
	w.flush()
	w.done = blank{}
}

func (w *textWriter) flush() {
	w.breaks = min(w.breaks, 2)
	switch {
	case w.breaks > w.done.lines:
		w.buf.WriteString("\n\n"[w.done.lines:w.breaks])
		w.done.lines = w.breaks
	case w.space && w.breaks == 0 && w.done == blank{}:
		w.buf.WriteByte(' ')
		w.done.space = true
	}
	w.breaks, w.space = 0, false
}

func (w *textWriter) write(s string) {
	if w.mute > 0 || s == "" {
		return
	}
	w.gap()
	w.buf.WriteString(s)
	w.label.WriteString(s)
}

// span writes a piece of the source that is text.
func (w *textWriter) span(from, to int) {
	for i := firstAfter(w.tokens, from); i < len(w.tokens) && w.tokens[i].pos < to; i++ {
		t := w.tokens[i]
		switch {
		case t.hidden && t.kind == textToken:
		case t.kind == tagToken:
			w.tag(t)
		case w.mute > 0:
		case t.kind == outputToken:
			w.gap()
			w.label.WriteString(t.src)
			w.put(piece{kind: outputPiece, tok: t})
		default:
			w.words(html.UnescapeString(t.src[max(0, from-t.pos):min(len(t.src), to-t.pos)]))
		}
	}
}

func (w *textWriter) words(s string) {
	if w.pre > 0 {
		w.write(s)
		return
	}
	for s != "" {
		word := strings.TrimLeft(s, " \t\r\n\f")
		w.space = w.space || len(word) < len(s)
		n := strings.IndexAny(word, " \t\r\n\f")
		if n < 0 {
			n = len(word)
		}
		w.write(visibleWord(word[:n]))
		s = word[n:]
	}
}

// visible drops the characters that authors put into HTML against line breaking and into preheaders.
func visible(r rune) rune {
	switch r {
	case '\u00ad', '\u034f', '\u200b', '\u200c', '\u200d', '\ufeff':
		return -1
	case '\u00a0':
		return ' '
	}
	return r
}

// visibleWord is a word with what is visible of it, and with the joiners that belong to how it is written.
func visibleWord(word string) string {
	if !strings.ContainsAny(word, "\u200c\u200d") {
		return strings.Map(visible, word)
	}
	runes := []rune(word)
	var b strings.Builder
	for i, r := range runes {
		if (r == '\u200c' || r == '\u200d') && Joins(runes, i) {
			b.WriteRune(r)
		} else if r = visible(r); r >= 0 {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Joins reports whether the joiner at i (U+200C, U+200D) stands behind something that it can join to what follows, or keep from it: a letter of the scripts of Asia, or a part of an
// emoji. Elsewhere nobody writes one; it fills preheaders, or hides words from filters.
func Joins(runes []rune, i int) bool {
	if i == 0 {
		return false
	}
	before := runes[i-1]
	return before >= 0x0590 && before <= 0x109f || before >= 0x1780 && before <= 0x18af || before >= 0x2190 && before != 0xfeff
}

// endLink writes the target of a link after its words.
func (w *textWriter) endLink() {
	a, label := w.href, strings.TrimSpace(w.label.String())
	w.href = nil
	if a == nil || w.mute > 0 {
		return
	}
	scheme, _, whole := targetScheme(w.src, w.tokens, a.start, a.end)
	switch {
	case scheme == "mailto" || scheme == "tel":
		w.contact(*a, label, scheme)
		return
	case scheme != "http" && scheme != "https" && !whole:
		return
	}
	url, alone := linkSource(w.tokens, w.part, a.start, a.end, html.UnescapeString)
	after := ""
	if url != label || url == "" {
		w.space = w.space || label != ""
		if label != "" {
			w.write("(")
			after = ")"
		}
	} else if !(alone && w.track) {
		return // the label is the address already
	} else {
		w.space = true
		w.write("(")
		after = ")"
	}
	w.target(a, url, alone)
	w.buf.WriteString(after)
}

// contact writes the address or number of a link after its words, unless they say it.
func (w *textWriter) contact(a attr, label, scheme string) {
	colon := strings.IndexByte(w.src[a.start:a.end], ':')
	if colon < 0 {
		return // it is written as a reference, which nobody does who wants to be reached
	}
	a.start += colon + 1
	a.end = w.beforeQuery(a)
	address, _ := linkSource(w.tokens, w.part, a.start, a.end, html.UnescapeString)
	if strings.TrimSpace(w.src[a.start:a.end]) == "" || address != "" && sameContact(label, address, scheme) {
		return
	}
	after := ""
	if label != "" {
		w.space, after = true, ")"
		w.write("(")
	}
	w.target(&a, "", false)
	w.buf.WriteString(after)
}

// beforeQuery gives where the question mark of an address is that no Liquid block is around, else its end.
func (w *textWriter) beforeQuery(a attr) int {
	outside := -1
	for i := firstAfter(w.tokens, a.start); i < len(w.tokens) && w.tokens[i].pos < a.end; i++ {
		t := w.tokens[i]
		if outside < 0 {
			outside = t.depth
		}
		from := max(a.start, t.pos)
		if n := strings.IndexByte(w.src[from:min(a.end, t.end())], '?'); n >= 0 && t.kind == textToken && !t.hidden && t.depth == outside {
			return from + n
		}
	}
	return a.end
}

// sameContact: a number is the same however it is grouped.
func sameContact(label, address, scheme string) bool {
	if scheme == "tel" && !hasLiquid(address) {
		return strings.Map(digit, label) == strings.Map(digit, address)
	}
	return strings.EqualFold(label, address)
}

func digit(r rune) rune {
	if r >= '0' && r <= '9' {
		return r
	}
	return -1
}

func (w *textWriter) target(a *attr, url string, alone bool) {
	w.gap()
	if alone {
		if n := w.links.add(url); n > 0 && w.track {
			w.put(piece{kind: clickPiece, n: n})
			return
		}
	}
	for i := firstAfter(w.tokens, a.start); i < len(w.tokens) && w.tokens[i].pos < a.end; i++ {
		t := w.tokens[i]
		switch {
		case t.kind == outputToken:
			w.put(piece{kind: outputPiece, tok: t})
		case t.kind == tagToken:
			w.put(piece{kind: tagPiece, tok: t})
		case !t.hidden:
			w.buf.WriteString(strings.TrimSpace(html.UnescapeString(t.src[max(0, a.start-t.pos):min(len(t.src), a.end-t.pos)])))
		}
	}
}

func (w *textWriter) finish() []piece {
	w.endLink()
	if w.buf.Len() > 0 {
		w.out = append(w.out, piece{kind: textPiece, text: w.buf.String()})
	}
	return w.out
}
