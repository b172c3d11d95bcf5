package templates

import (
	"maps"
	"slices"
	"strings"
)

// BareFields lists the fields of the person that a content shows without saying what to show where there is no value: with no default filter, and in no condition that asks about the
// same field, also by a name that {% assign %} gave it; a loop over one says so with {% else %}. They are named as Fields names them.
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
	b := bareReader{found: found, names: map[string][]string{}}
	for _, t := range tokens {
		switch {
		case t.hidden:
		case t.kind == outputToken:
			b.show(b.fields(t.args))
		case t.kind == tagToken:
			b.tag(t)
		}
	}
}

// bareReader goes through the tokens of a part.
type bareReader struct {
	found map[string]bool
	// names are those that the part gives to fields, with the fields that may be missing in them.
	names map[string][]string
	open  []asking
}

// asking is a block: the fields that it asks about, and those that it loops over, until it says what else to show.
type asking struct{ about, over []string }

// fields are those that an expression shows, by whatever name, and that can be missing in it.
func (b *bareReader) fields(expr string) []string {
	use := useOf(expr)
	if slices.Contains(use.filters, "default") {
		return nil
	}
	return b.named(use)
}

// named are all the fields in an expression.
func (b *bareReader) named(use exprUse) []string {
	out := subscriberFields(use)
	for _, p := range use.paths {
		out = append(out, b.names[p[0]]...)
	}
	return out
}

func (b *bareReader) asked(field string) bool {
	return slices.ContainsFunc(b.open, func(a asking) bool { return slices.Contains(a.about, field) })
}

// bare are the fields of some that nothing asks about here.
func (b *bareReader) bare(fields []string) []string {
	return slices.DeleteFunc(slices.Clone(fields), b.asked)
}

func (b *bareReader) show(fields []string) {
	for _, f := range b.bare(fields) {
		b.found[f] = true
	}
}

func (b *bareReader) tag(t token) {
	n := len(b.open) - 1
	switch {
	case t.name == "assign":
		b.assign(t)
	case t.name == "capture":
		delete(b.names, nameGiven(t))
		b.open = append(b.open, asking{})
	case t.name == "for" || t.name == "tablerow":
		over := b.fields(exprOf(t))
		b.open = append(b.open, asking{about: over, over: b.bare(over)})
	case blockTags[t.name]:
		b.open = append(b.open, asking{about: b.named(useOf(exprOf(t)))})
	case (t.name == "elsif" || t.name == "when") && n >= 0:
		b.open[n].about = append(b.open[n].about, b.named(useOf(t.args))...)
	case t.name == "else" && n >= 0:
		b.open[n].over = nil
	case strings.HasPrefix(t.name, "end") && t.name != "endraw" && n >= 0:
		over := b.open[n].over
		b.open = b.open[:n]
		b.show(over)
	}
}

// assign gives a name. What it stood for before it may still stand for, where a block decides about it that does not ask about that.
func (b *bareReader) assign(t token) {
	name, _, _ := strings.Cut(t.args, "=")
	name = strings.TrimSpace(name)
	fields := b.bare(b.fields(exprOf(t)))
	if len(b.open) > 0 {
		fields = append(fields, b.bare(b.names[name])...)
	}
	b.names[name] = fields
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
