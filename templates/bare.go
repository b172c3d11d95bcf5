package templates

import "strings"

// bareLinks finds the http and https URLs in a text part, with the Liquid that is in them.
func bareLinks(s source, links *linkSet, track bool) []edit {
	var edits []edit
	pos := 0
	for i, t := range s.tokens {
		if t.kind != textToken || t.hidden {
			continue
		}
		for from := max(pos, t.pos); ; {
			at := nextURL(s.src[from:t.end()])
			if at < 0 {
				break
			}
			from += at
			to := urlEnd(s.tokens[i:], from)
			if url, ok := linkSource(s.tokens, s.info, from, to, func(p string) string { return p }); ok && len(url) > len("https://") {
				if n := links.add(url); n > 0 && track {
					edits = append(edits, edit{from, to, []piece{{kind: clickPiece, n: n}}})
				}
			}
			pos = to
			if from = to; from >= t.end() {
				break
			}
		}
	}
	return edits
}

func nextURL(s string) int {
	for from := 0; ; {
		i := strings.Index(s[from:], "http")
		if i < 0 {
			return -1
		}
		i += from
		rest := s[i+4:]
		word := i > 0 && (s[i-1] >= 'a' && s[i-1] <= 'z' || s[i-1] >= 'A' && s[i-1] <= 'Z' || s[i-1] >= '0' && s[i-1] <= '9')
		if !word && (strings.HasPrefix(rest, "://") || strings.HasPrefix(rest, "s://")) {
			return i
		}
		from = i + 4
	}
}

// urlEnd gives where a URL ends that starts in the first token: at white space, a bracket or quote, a Liquid tag, or the punctuation of the
// sentence around it.
func urlEnd(tokens []token, from int) int {
	end := from
	for _, t := range tokens {
		if t.kind == tagToken || t.hidden {
			return end
		}
		if t.kind == outputToken {
			end = t.end()
			continue
		}
		start := max(from, t.pos)
		text := t.src[start-t.pos:]
		n := strings.IndexAny(text, " \t\r\n<>\"'`")
		stop := n >= 0
		if !stop {
			n = len(text)
		}
		if stop || t.end() == tokens[len(tokens)-1].end() {
			return trimPunctuation(text[:n], start, end)
		}
		end = start + n
	}
	return end
}

// trimPunctuation leaves off what ends a sentence, and a closing bracket that was not opened in the URL.
func trimPunctuation(text string, start, floor int) int {
	for text != "" {
		last := text[len(text)-1]
		bracket := last == ')' && strings.Count(text, "(") < strings.Count(text, ")")
		if !bracket && strings.IndexByte(".,;:!?]}*_", last) < 0 {
			break
		}
		text = text[:len(text)-1]
	}
	return max(floor, start+len(text))
}
