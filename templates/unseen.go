package templates

import (
	"regexp"
	"strings"

	nethtml "golang.org/x/net/html"
)

// unseen is what a page holds that is in no tree: HTML in comments for Outlook and in raw blocks, and what the data brings. Rules about that must stay in the stylesheet.
type unseen struct {
	names map[string]bool // of its elements, and of their classes (.) and ids (#)
	any   bool            // anything can be in it
}

// add reads a piece of HTML. A sign without a name stands for any: Liquid makes it.
func (u *unseen) add(page string) {
	z := nethtml.NewTokenizer(strings.NewReader(page))
	for {
		switch z.Next() {
		case nethtml.ErrorToken:
			return
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			tag := z.Token()
			u.name("", tag.Data)
			for _, a := range tag.Attr {
				sign := map[string]string{"class": ".", "id": "#"}[a.Key]
				switch {
				case sign == "":
				case hasLiquid(a.Val):
					u.name(sign, "")
				default:
					u.name(sign, strings.Fields(a.Val)...)
				}
			}
		}
	}
}

func (u *unseen) name(sign string, names ...string) {
	for _, n := range names {
		u.names[sign+n] = true
	}
}

var (
	// notNames are the parts of a selector in which no name has to be there.
	notNames    = regexp.MustCompile(`\[[^\]]*\]|::?[\w-]+(\([^)]*\)*)?`)
	combinators = regexp.MustCompile(`[\s>+~]+`)
	nameInPart  = regexp.MustCompile(`[.#]?[^.#*]+`)
)

// needs reports whether a selector can be about something unseen: it has every name of the selector's last part.
func (u *unseen) needs(selector string) bool {
	if u.any || len(u.names) == 0 {
		return u.any
	}
	parts := combinators.Split(strings.TrimSpace(notNames.ReplaceAllString(cssComment.ReplaceAllString(selector, " "), "")), -1)
	for _, name := range nameInPart.FindAllString(parts[len(parts)-1], -1) {
		switch sign := name[:1]; {
		case sign == "." || sign == "#":
			if !u.names[name] && !u.names[sign] {
				return false
			}
		case !u.names[strings.ToLower(name)]:
			return false
		}
	}
	return true
}

// addHidden reads what the shield hides: raw blocks, and outputs that are called safe.
func (u *unseen) addHidden(s *shield) {
	for n, piece := range s.hidden {
		switch {
		case !strings.HasPrefix(piece, "{%"):
			u.any = u.any || safeFilter.MatchString(piece)
		case s.hidesHTML(n):
			_, inner, _ := strings.Cut(piece, "%}")
			u.add(inner)
		}
	}
}

// hidesHTML reports whether a word stands for a raw block with HTML in it.
func (s *shield) hidesHTML(n int) bool {
	return s.name(n) == "raw" && strings.Contains(s.hidden[n], "<")
}

var safeFilter = regexp.MustCompile(`\|\s*safe\b`)
