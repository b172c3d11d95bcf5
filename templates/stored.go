package templates

import (
	"regexp"
	"slices"
	"strings"
)

// mainBlock is the block that a content fills which names none.
const mainBlock = "main"

// storedNode is a piece of a source as it is stored: text, {% block "name" %}…{% endblock %} or {% snippet "name" %}.
type storedNode struct {
	text    string
	block   string
	body    []storedNode
	snippet string
	line    int
	hidden  bool // in a comment block
}

var (
	blockName   = regexp.MustCompile(`^(?:"([a-z][a-z0-9_-]{0,49})"|'([a-z][a-z0-9_-]{0,49})')$`)
	snippetName = regexp.MustCompile(`^(?:"([^"\\]{1,200})"|'([^'\\]{1,200})')$`)
)

// parseStored reads the blocks and snippets of a source. Dashes in their tags take away white space as they do in Liquid.
func parseStored(src string) ([]storedNode, *sourceError) {
	tokens, serr := scanStored(src)
	if serr != nil {
		return nil, serr
	}
	type frame struct {
		name  string
		line  int
		nodes []storedNode
		depth int
	}
	stack := []frame{{}}
	top := func() *frame { return &stack[len(stack)-1] }
	trim := false
	for _, t := range tokens {
		ours := t.kind == tagToken && (t.name == "block" || t.name == "endblock" || t.name == "snippet")
		if !ours {
			text := t.src
			if trim && t.kind == textToken {
				text = strings.TrimLeft(text, " \t\r\n")
			}
			trim = trim && t.kind == textToken && text == ""
			top().nodes = append(top().nodes, storedNode{text: text, line: t.line, hidden: t.hidden})
			continue
		}
		if n := len(top().nodes); t.trimLeft && n > 0 {
			top().nodes[n-1].text = strings.TrimRight(top().nodes[n-1].text, " \t\r\n")
		}
		trim = t.trimRight
		switch t.name {
		case "snippet":
			m := snippetName.FindStringSubmatch(strings.TrimSpace(t.args))
			if m == nil {
				return nil, badLine(t.line, `a snippet is written {%% snippet "name" %%}`)
			}
			top().nodes = append(top().nodes, storedNode{snippet: m[1] + m[2], line: t.line})
		case "block":
			m := blockName.FindStringSubmatch(strings.TrimSpace(t.args))
			if m == nil {
				return nil, badLine(t.line, `a block is written {%% block "name" %%}, with a name of lower-case letters, digits, - and _`)
			}
			stack = append(stack, frame{name: m[1] + m[2], line: t.line, depth: t.depth})
		case "endblock":
			f := *top()
			if f.name == "" || t.depth != f.depth+1 {
				return nil, badLine(t.line, "{%% endblock %%} closes no block: something in it is not closed")
			}
			stack = stack[:len(stack)-1]
			top().nodes = append(top().nodes, storedNode{block: f.name, body: f.nodes, line: f.line})
		}
	}
	if f := top(); f.name != "" {
		return nil, badLine(f.line, `{%% block "%s" %%} is never closed; add {%% endblock %%}`, f.name)
	}
	return stack[0].nodes, nil
}

// blockDefinitions are the blocks that a source gives to its layout. A source that is not made of blocks alone is the main block.
func blockDefinitions(nodes []storedNode) (defs map[string][]storedNode, explicit bool, serr *sourceError) {
	defs = map[string][]storedNode{}
	stray := 0
	for _, n := range nodes {
		switch {
		case n.block != "" && defs[n.block] != nil:
			return nil, false, badLine(n.line, "the block %q is there twice", n.block)
		case n.block != "":
			defs[n.block] = append([]storedNode{}, n.body...)
		case n.snippet != "" || strings.TrimSpace(n.text) != "" && !n.hidden:
			if stray == 0 {
				stray = n.line
			}
		}
	}
	if stray > 0 || len(defs) == 0 {
		return map[string][]storedNode{mainBlock: nodes}, false, nil
	}
	return defs, true, nil
}

// blockNames lists the blocks of a source, at whatever depth.
func blockNames(nodes []storedNode) []string {
	var out []string
	for _, n := range nodes {
		if n.block != "" {
			out = append(append(out, n.block), blockNames(n.body)...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// snippetNames lists the snippets that stand in a source.
func snippetNames(nodes []storedNode) []string {
	var out []string
	for _, n := range nodes {
		if n.snippet != "" {
			out = append(out, n.snippet)
		}
		out = append(out, snippetNames(n.body)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
