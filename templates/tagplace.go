package templates

import (
	"strings"

	nethtml "golang.org/x/net/html"
)

// tagName refuses an output in the name of the tag start..end: its value would be markup, whatever is escaped in it.
func (s *htmlScanner) tagName(start, end int) *sourceError {
	n := strings.IndexAny(s.masked[start+2:end], " \t\r\n\f/>") // after < or </ and a letter at least
	if n < 0 {
		n = end - start - 2
	}
	if t := s.outputIn(start, start+2+n); t != nil {
		return badLine(t.line, "%s stands where the name of a tag is; write &lt; for a < that is shown", t.src)
	}
	return nil
}

// quoted refuses the outputs of an attribute that its quotes do not hold.
func (s *htmlScanner) quoted(a attr) *sourceError {
	if t := s.outputIn(a.nameAt, a.nameAt+len(a.name)); t != nil {
		return badLine(t.line, "%s stands in a tag but not in an attribute's quotes", t.src)
	}
	out := s.outputIn(a.start, a.end)
	if out != nil && a.quote == 0 {
		return badLine(out.line, `put quotes around the value of %s: %s="%s"`, a.name, a.name, out.src)
	}
	if out != nil && strings.HasPrefix(a.name, "on") {
		return badLine(out.line, "the script in %s cannot hold {{ … }}", a.name)
	}
	return nil
}

func (s *htmlScanner) scriptText(start, end int) *sourceError {
	if s.script && s.outputIn(start, end) != nil {
		return badLine(s.line(start), "a script cannot hold {{ … }}; mail programs do not run scripts anyway")
	}
	return nil
}

// outputsInTags finds the outputs that stand in the attributes of tags, by where they are, and refuses those in places that no escaping makes safe.
func outputsInTags(src string, tokens []token, f form) (map[int]bool, *sourceError) {
	s := &htmlScanner{src: src, masked: mask(src, tokens), tokens: tokens}
	found := map[int]bool{}
	return found, s.findInTags(0, len(src), f, found)
}

func (s *htmlScanner) findInTags(from, to int, f form, found map[int]bool) *sourceError {
	z := nethtml.NewTokenizer(strings.NewReader(s.masked[from:to]))
	for pos := from; ; {
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
			err = s.findInTag(string(name), attrs, start, end, f, found)
		case nethtml.EndTagToken:
			s.script = false
			err = s.tagName(start, end)
		case nethtml.CommentToken:
			if in, ok := conditional(raw); ok {
				err = s.findInTags(start+in[0], start+in[1], f, found)
			}
		case nethtml.TextToken:
			err = s.scriptText(start, end)
		}
		if err != nil {
			return err
		}
	}
}

func (s *htmlScanner) findInTag(name string, attrs []attr, start, end int, f form, found map[int]bool) *sourceError {
	if f == markdownForm && strings.ContainsAny(name, ":@") {
		return nil // <https://…> is a link there, and text when it is none
	}
	if err := s.tagName(start, end); err != nil {
		return err
	}
	s.script = name == "script"
	for _, a := range attrs {
		a.start, a.end, a.nameAt = a.start+start, a.end+start, a.nameAt+start
		if err := s.quoted(a); err != nil {
			return err
		}
	}
	for i := firstAfter(s.tokens, start); i < len(s.tokens) && s.tokens[i].pos < end; i++ {
		found[s.tokens[i].pos] = true
	}
	return nil
}
