package templates

import "github.com/osteele/liquid"

// condition is that of an if, unless or elsif. get is nil when only the engine can tell.
type condition struct {
	get    getter
	equal  bool // compared with text, else it is asked whether there is a value
	text   string
	differ bool // the comparison is !=
	unless bool
	slow   *liquid.Template
}

// condition reads the one of a tag.
func (e *engine) condition(t token) (condition, *sourceError) {
	slow, err := e.parse("{% if " + t.args + " %}1{% endif %}")
	if err != nil {
		return condition{}, err
	}
	c := condition{slow: slow, unless: t.name == "unless"}
	toks := lexExpr(t.args)
	if len(toks) == 0 || toks[0].kind != identExpr {
		return c, nil
	}
	p, n := pathAt(toks)
	rest := toks[n:]
	switch {
	case len(rest) == 0:
		c.get = fastGetter(p)
	case len(rest) == 2 && rest[0].kind == punctExpr && (rest[0].text == "==" || rest[0].text == "!=") && rest[1].kind == stringExpr:
		c.get, c.equal, c.text = fastGetter(p), true, rest[1].text
		c.differ = rest[0].text == "!="
	}
	return c, nil
}

// holds tells for one person.
func (e *engine) holds(c *condition, st *renderState, bindings func() map[string]any) (bool, error) {
	if c.get != nil {
		switch v := c.get(st).(type) {
		case nil:
			return (c.equal && c.differ) != c.unless, nil
		case string:
			return (!c.equal || (v == c.text) != c.differ) != c.unless, nil
		case bool:
			if !c.equal {
				return v != c.unless, nil
			}
		}
	}
	out, err := e.run(nil, c.slow, bindings())
	return (len(out) > 0) != c.unless, err
}

// branches follows the nesting of conditions while ops are made.
type branches struct {
	ops    *[]op
	frames []branch
	guards int // URLs that are being looked at
}

// branch is one if or unless.
type branch struct {
	pending int   // the condition whose end is not known yet, -1 after else
	ends    []int // the jumps to the end
	guards  int
}

// tag takes a tag. ok is false when the tags and the URLs that are looked at lie across each other, or when it closes nothing.
func (b *branches) tag(e *engine, t token) (ok bool, err *sourceError) {
	n := len(b.frames) - 1
	switch t.name {
	case "raw", "endraw", "comment", "endcomment":
		return true, nil // what is in them are texts by now
	case "if", "unless":
	default:
		if n < 0 || b.frames[n].guards != b.guards {
			return false, nil
		}
	}
	switch t.name {
	case "if", "unless":
		b.frames = append(b.frames, branch{guards: b.guards})
		return true, b.ask(e, t)
	case "elsif", "else":
		f := &b.frames[n]
		f.ends = append(f.ends, len(*b.ops))
		*b.ops = append(*b.ops, op{kind: jumpOp})
		b.patch(f.pending)
		f.pending = -1
		if t.name == "elsif" {
			return true, b.ask(e, t)
		}
	case "endif", "endunless":
		b.patch(b.frames[n].pending)
		for _, end := range b.frames[n].ends {
			b.patch(end)
		}
		b.frames = b.frames[:n]
	}
	return true, nil
}

func (b *branches) ask(e *engine, t token) *sourceError {
	c, err := e.condition(t)
	if err != nil {
		return err
	}
	b.frames[len(b.frames)-1].pending = len(*b.ops)
	*b.ops = append(*b.ops, op{kind: testOp, cond: &c, n: t.line})
	return nil
}

// patch makes the jump at an op lead to where the next op will be.
func (b *branches) patch(at int) {
	if at >= 0 {
		(*b.ops)[at].to = len(*b.ops)
	}
}
