package templates

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Limits of what a mail is put together from.
const (
	maxLayouts  = 3
	maxSnippets = 5   // in one another
	maxInserted = 500 // snippets in one mail
)

// Assemble puts the layout with its blocks and the snippets into a source. What comes out has no layout, is in the language of its Kind with its Liquid untouched, and is what Expand
// and Build take. Markdown in a layout of HTML becomes HTML, so that Kind changes to that.
func (s *Service) Assemble(ctx context.Context, src Source) (Source, error) {
	return assemble(ctx, s.pool, src)
}

// library is where layouts and snippets come from.
type library interface {
	layout(ctx context.Context, id int64) (Template, error)
	snippet(ctx context.Context, name string) (Template, error)
	// snippets are the names that there are.
	snippets(ctx context.Context) ([]string, error)
}

func assemble(ctx context.Context, db pg.DB, src Source) (Source, error) {
	return assembleFrom(ctx, stored{db}, src, 0)
}

// assembleFrom is assemble; self is the stored template that the source is to replace, which cannot be around it or in it.
func assembleFrom(ctx context.Context, lib library, src Source, self int64) (Source, error) {
	if err := src.Kind.Check(); err != nil {
		return src, err
	}
	a := assembler{ctx: ctx, lib: lib, self: self, cache: map[string]Template{}}
	levels, err := a.levels(src)
	if err != nil {
		return src, err
	}
	out := src
	out.LayoutID, out.Kind = nil, levels[len(levels)-1].kind
	for _, p := range []struct {
		field  string
		of     func(Template) string
		into   *string
		levels []level
	}{
		{"subject", func(t Template) string { return t.Subject }, &out.Subject, levels[:1]},
		{"preheader", func(t Template) string { return t.Preheader }, &out.Preheader, levels[:1]},
		{"html", func(t Template) string { return t.HTML }, &out.HTML, levels},
		{"text", func(t Template) string { return t.Text }, &out.Text, levels},
	} {
		if *p.into, err = a.part(p.field, p.levels, p.of); err != nil {
			return src, err
		}
	}
	return out, nil
}

// level is a source and what is around it: 0 is the content.
type level struct {
	template Template
	kind     Kind
	// Of the part that is being put together.
	nodes    []storedNode
	defs     map[string][]storedNode
	explicit bool
	used     map[string]bool
}

type assembler struct {
	ctx      context.Context
	lib      library
	self     int64
	cache    map[string]Template
	field    string
	parts    []level
	inserted int
	size     int
	of       func(Template) string
}

// levels follows the layouts upwards.
func (a *assembler) levels(src Source) ([]level, error) {
	levels := []level{{kind: src.Kind.OrHTML(), template: Template{Kind: src.Kind.OrHTML(), Subject: src.Subject, Preheader: src.Preheader, HTML: src.HTML, Text: src.Text}}}
	for id := src.LayoutID; id != nil; {
		t, err := a.lib.layout(a.ctx, *id)
		if errs.Is(err, errs.NotFound) {
			return nil, errs.InvalidField("layout_id", "there is no layout %d; choose one that is there, or none", *id)
		}
		if err != nil {
			return nil, err
		}
		if t.Role != RoleLayout {
			return nil, errs.InvalidField("layout_id", "%q is no layout", t.Name)
		}
		if t.ID == a.self {
			return nil, errs.InvalidField("layout_id", "the layouts go round in a circle: %s", circle(append([]level{{template: t}}, levels[1:]...), t))
		}
		if at := slices.IndexFunc(levels, func(l level) bool { return l.template.ID == t.ID }); at > 0 {
			return nil, errs.InvalidField("layout_id", "the layouts go round in a circle: %s", circle(levels[at:], t))
		}
		if len(levels) > maxLayouts {
			return nil, errs.InvalidField("layout_id", "layouts are in one another more than %d deep: %s", maxLayouts, circle(levels[1:], t))
		}
		inner := levels[len(levels)-1].kind
		if inner != t.Kind && (inner != KindMarkdown || t.Kind != KindHTML) {
			return nil, errs.InvalidField("layout_id", "the layout %q is %s, and what goes into it is %s; choose a layout of kind %s", t.Name, t.Kind, inner, inner)
		}
		levels = append(levels, level{template: t, kind: t.Kind})
		id = t.LayoutID
	}
	return levels, nil
}

func circle(levels []level, last Template) string {
	var names []string
	for _, l := range levels {
		names = append(names, l.template.Name)
	}
	return strings.Join(append(names, last.Name), " → ")
}

// part puts one part together.
func (a *assembler) part(field string, levels []level, of func(Template) string) (string, error) {
	if strings.TrimSpace(of(levels[0].template)) == "" {
		return of(levels[0].template), nil
	}
	a.field, a.of, a.parts, a.size = field, of, nil, 0
	for i, l := range levels {
		src := of(l.template)
		if i > 0 && strings.TrimSpace(src) == "" {
			continue // a layout without this part leaves it as it is
		}
		var serr *sourceError
		if l.nodes, serr = parseStored(src); serr == nil {
			l.defs, l.explicit, serr = blockDefinitions(l.nodes)
		}
		if serr != nil {
			return "", a.in(l.template, serr)
		}
		l.used = map[string]bool{}
		a.parts = append(a.parts, l)
	}
	base := len(a.parts) - 1
	out, err := a.resolve(a.parts[base].nodes, base, nil)
	if err != nil {
		return "", err
	}
	return out, a.allUsed()
}

// allUsed refuses blocks that nothing shows.
func (a *assembler) allUsed() error {
	for i, l := range a.parts[:len(a.parts)-1] {
		for name := range l.defs {
			if l.used[name] {
				continue
			}
			outer := a.parts[i+1]
			names := blockNames(outer.nodes)
			if !l.explicit {
				return a.in(l.template, badLine(0, "the layout %q has no block %q to put this into; it has: %s", outer.template.Name, mainBlock, strings.Join(names, ", ")))
			}
			line := l.nodes[slices.IndexFunc(l.nodes, func(n storedNode) bool { return n.block == name })].line
			return a.in(l.template, badLine(line, "the layout %q has no block %q%s; it has: %s", outer.template.Name, name, didYouMean(name, names), strings.Join(names, ", ")))
		}
	}
	return nil
}

// resolve writes nodes that belong to a level. A block is taken from the next level inwards that gives it; what that one shows can only be filled from further in, so that nothing
// goes round in circles.
func (a *assembler) resolve(nodes []storedNode, at int, within []string) (string, error) {
	var b strings.Builder
	for _, n := range nodes {
		text, err := n.text, error(nil)
		switch {
		case n.block != "":
			text, err = a.block(n, at, within)
		case n.snippet != "":
			text, err = a.snippet(n, at, within)
		default:
			a.size += len(text)
		}
		if err != nil {
			return "", err
		}
		if b.WriteString(text); a.size > maxSource || b.Len() > maxSource {
			return "", inField(a.field, badLine(0, "with its layout and snippets it is longer than %d kB", maxSource>>10))
		}
	}
	return b.String(), nil
}

func (a *assembler) block(n storedNode, at int, within []string) (string, error) {
	near := true // no level was passed over
	for l := at - 1; l >= 0; l-- {
		body, ok := a.parts[l].defs[n.block]
		if !ok || !a.parts[l].explicit && !near {
			near = near && ok
			continue // what names no block goes into the layout next to it
		}
		a.parts[l].used[n.block] = true
		if len(blockNames(body)) == 0 && a.given(n.block, l) {
			continue // a layout's own words for it are for when nobody further in has any
		}
		text, err := a.resolve(body, l, within)
		if err != nil {
			return "", err
		}
		return a.convert(text, a.parts[l].kind, a.parts[at].kind, a.parts[l].template)
	}
	return a.resolve(n.body, at, within)
}

// given reports whether a level further in than one gives a block.
func (a *assembler) given(block string, within int) bool {
	return slices.ContainsFunc(a.parts[:within], func(l level) bool { return l.defs[block] != nil })
}

// convert makes HTML of Markdown that goes into HTML.
func (a *assembler) convert(text string, from, to Kind, of Template) (string, error) {
	if a.field != "html" || from != KindMarkdown || to != KindHTML {
		return text, nil
	}
	tokens, serr := scan(text)
	if serr == nil {
		text, serr = markdownToHTML(text, tokens)
	}
	if serr != nil {
		return "", a.in(of, serr)
	}
	return text, nil
}

// snippet puts a stored snippet in. within are those that it stands in.
func (a *assembler) snippet(n storedNode, at int, within []string) (string, error) {
	owner := a.parts[at].template
	if len(within) > 0 {
		owner = a.cache[within[len(within)-1]]
	}
	key := strings.ToLower(n.snippet)
	t, ok := a.cache[key]
	if !ok {
		var err error
		if t, err = a.find(n, owner); err != nil {
			return "", err
		}
		a.cache[key] = t
	}
	if t.ID == a.self && a.self != 0 || slices.Contains(within, key) {
		round := within[max(0, slices.Index(within, key)):]
		return "", a.in(owner, badLine(n.line, "the snippets go round in a circle: %s", strings.Join(append(slices.Clone(round), key), " → ")))
	}
	if len(within) >= maxSnippets {
		return "", a.in(owner, badLine(n.line, "snippets are in one another more than %d deep", maxSnippets))
	}
	if a.inserted++; a.inserted > maxInserted {
		return "", a.in(owner, badLine(n.line, "there are more than %d snippets in one mail", maxInserted))
	}
	src, serr := a.snippetSource(t, a.parts[at].kind)
	var nodes []storedNode
	if serr == nil {
		nodes, serr = parseStored(src)
	}
	if serr != nil {
		return "", a.in(owner, badLine(n.line, "the snippet %q: %v", t.Name, serr))
	}
	if names := blockNames(nodes); len(names) > 0 {
		return "", a.in(owner, badLine(n.line, "the snippet %q holds a block; only layouts have those", t.Name))
	}
	text, err := a.resolve(nodes, at, append(slices.Clone(within), key))
	if err != nil {
		return "", err
	}
	return a.convert(text, t.Kind, a.parts[at].kind, t)
}

// snippetSource gives the part of a snippet that fits.
func (a *assembler) snippetSource(t Template, kind Kind) (string, *sourceError) {
	if a.field == "html" {
		if t.Kind != kind && (t.Kind != KindMarkdown || kind != KindHTML) && (t.Kind != KindHTML || kind != KindMarkdown) {
			return "", badLine(0, "it is %s, and stands in %s", t.Kind, kind)
		}
		return t.HTML, nil
	}
	if strings.TrimSpace(t.Text) == "" {
		return "", badLine(0, "it has no text part; give it one to use it in the %s", fieldNames[a.field])
	}
	return t.Text, nil
}

func (a *assembler) find(n storedNode, owner Template) (Template, error) {
	t, err := a.lib.snippet(a.ctx, n.snippet)
	if !errs.Is(err, errs.NotFound) {
		return t, err
	}
	names, err := a.lib.snippets(a.ctx)
	if err != nil {
		return t, err
	}
	return t, a.in(owner, badLine(n.line, "there is no snippet %q%s", n.snippet, didYouMean(n.snippet, names)))
}

// in says what is wrong, and in which stored template when it is not the content itself.
func (a *assembler) in(t Template, err error) error {
	if t.ID != 0 {
		err = fmt.Errorf("in the %s %q: %w", t.Role, t.Name, err)
	}
	return inField(a.field, err)
}
