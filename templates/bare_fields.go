package templates

import (
	"maps"
	"slices"
	"strings"
)

// BareFields lists the fields of the person that a content shows without saying what to show where there is no value: with no default filter, and in no condition that asks about the
// same field. They are named as Fields names them.
func BareFields(content Content) ([]string, error) {
	found := map[string]bool{}
	for _, p := range []struct{ field, src string }{{"subject", content.Subject}, {"preheader", content.Preheader}, {"html", content.HTML}, {"text", content.Text}} {
		tokens, serr := scan(p.src)
		if serr != nil {
			return nil, inField(p.field, serr)
		}
		bareFields(tokens, found)
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func bareFields(tokens []token, found map[string]bool) {
	var asked [][]string
	for _, t := range tokens {
		switch {
		case t.hidden:
		case t.kind == outputToken:
			use := useOf(t.args)
			if slices.Contains(use.filters, "default") {
				continue
			}
			for _, f := range subscriberFields(use) {
				if !slices.ContainsFunc(asked, func(fields []string) bool { return slices.Contains(fields, f) }) {
					found[f] = true
				}
			}
		case t.kind != tagToken:
		case blockTags[t.name]:
			asked = append(asked, subscriberFields(useOf(exprOf(t))))
		case (t.name == "elsif" || t.name == "when") && len(asked) > 0:
			asked[len(asked)-1] = append(asked[len(asked)-1], subscriberFields(useOf(t.args))...)
		case strings.HasPrefix(t.name, "end") && t.name != "endraw" && len(asked) > 0:
			asked = asked[:len(asked)-1]
		}
	}
}

func subscriberFields(use exprUse) []string {
	var out []string
	for _, p := range use.paths {
		if p[0] == "subscriber" {
			if f := fieldOf(p); f != "" {
				out = append(out, f)
			}
		}
	}
	return out
}
