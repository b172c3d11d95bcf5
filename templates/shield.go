package templates

import (
	"fmt"
	"strconv"
	"strings"
)

// shield hides pieces of a source behind words, so that a parser of another language (MJML, Markdown, HTML, CSS) carries them through byte for byte. A word is made of lower-case
// letters and digits: it is a name in CSS, needs no escape in an attribute, and means nothing in Markdown.
type shield struct {
	prefix string
	hidden []string
}

const shieldDigits = 6

// newShield takes words that do not occur in the source.
func newShield(src string) *shield {
	for n := 0; ; n++ {
		if p := "lq" + strconv.Itoa(n) + "z"; !strings.Contains(src, p) {
			return &shield{prefix: p}
		}
	}
}

// hide gives the word for a piece.
func (s *shield) hide(piece string) string {
	s.hidden = append(s.hidden, piece)
	return s.word(len(s.hidden) - 1)
}

func (s *shield) word(n int) string { return fmt.Sprintf("%s%0*dq", s.prefix, shieldDigits, n) }

// next finds the first word in text: where it is, and its number.
func (s *shield) next(text string) (at, n int, ok bool) {
	at = strings.Index(text, s.prefix)
	end := at + len(s.prefix) + shieldDigits
	if at < 0 || end >= len(text) {
		return 0, 0, false
	}
	n, err := strconv.Atoi(text[end-shieldDigits : end])
	return at, n, err == nil && n < len(s.hidden)
}

func (s *shield) size() int { return len(s.prefix) + shieldDigits + 1 }

// each calls f with the text between the words and with the number of each word, in order.
func (s *shield) each(text string, f func(between string, n int)) {
	for {
		at, n, ok := s.next(text)
		if !ok {
			f(text, -1)
			return
		}
		f(text[:at], n)
		text = text[at+s.size():]
	}
}

// restore puts the pieces back where their words are. What was hidden can hold words itself.
func (s *shield) restore(text string) string {
	if !strings.Contains(text, s.prefix) {
		return text
	}
	var b strings.Builder
	s.each(text, func(between string, n int) {
		b.WriteString(between)
		if n >= 0 {
			b.WriteString(s.restore(s.hidden[n]))
		}
	})
	return b.String()
}

// hideLiquid swaps the Liquid of a source for words. A raw or comment block is one piece with all that is in it.
func (s *shield) hideLiquid(src string, tokens []token) string {
	var b strings.Builder
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		switch {
		case t.kind == textToken:
			b.WriteString(t.src)
		case t.kind == tagToken && (t.name == "raw" || t.name == "comment"):
			last := i
			for last+1 < len(tokens) && tokens[last].name != "end"+t.name {
				last++
			}
			b.WriteString(s.hide(src[t.pos:tokens[last].end()]))
			i = last
		default:
			b.WriteString(s.hide(t.src))
		}
	}
	return b.String()
}

// tag gives the name of a hidden Liquid tag, "" for an output, and for a raw or comment block, which decides nothing.
func (s *shield) tag(n int) string {
	name := s.name(n)
	if name == "raw" || name == "comment" {
		return ""
	}
	return name
}

// name gives the name of a hidden Liquid tag, of a block the one that it begins with; "" for an output.
func (s *shield) name(n int) string {
	inner, ok := strings.CutPrefix(s.hidden[n], "{%")
	if !ok {
		return ""
	}
	inner = strings.TrimLeft(strings.TrimPrefix(inner, "-"), " \t\r\n")
	return inner[:identEnd(inner)]
}
