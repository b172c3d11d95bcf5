package templates

import (
	"strings"

	"github.com/osteele/liquid"
)

type opKind int

const (
	litOp opKind = iota
	outOp
	putOp
	openOp
	closeOp
	testOp // goes on at to when its condition does not hold
	jumpOp // goes on at to
)

// op is one step of a plan that needs no engine.
type op struct {
	kind    opKind
	lit     string
	n       int
	allowed schemes
	// An output: the value, then the steps on it. get is nil when only the engine can do it.
	get         getter
	steps       []step
	slow        *liquid.Template
	unsubscribe bool
	cond        *condition
	to          int
}

// getter reads one value. nil is a missing one.
type getter func(st *renderState) any

// step is a filter with its argument, on a string; a missing value is "" to all filters that can be steps.
type step struct {
	name, arg string
}

// fastPlan makes the ops of pieces in which each output stands for itself. Without ops and error the engine has to do it.
func (e *engine) fastPlan(pieces []piece) ([]op, *sourceError) {
	ops, literals := []op{}, 0
	nest := branches{ops: &ops}
	var lit strings.Builder
	flush := func() {
		if lit.Len() > 0 {
			ops = append(ops, op{kind: litOp, lit: lit.String(), n: literals})
			literals++
			lit.Reset()
		}
	}
	for _, p := range pieces {
		if p.kind == textPiece {
			lit.WriteString(p.text)
			continue
		}
		flush()
		if p.kind == tagPiece {
			if ok, err := nest.tag(e, p.tok); err != nil || !ok {
				return nil, err
			}
			continue
		}
		o := op{kind: putOp, n: p.n, allowed: linkSchemes}
		if p.text == "image" {
			o.allowed = imageSchemes
		}
		switch p.kind {
		case openPiece:
			o.kind = openOp
			nest.guards++
		case closePiece:
			o.kind = closeOp
			nest.guards--
		case outputPiece:
			var err *sourceError
			if o, err = e.outputOp(p); err != nil {
				return nil, err
			}
		}
		ops = append(ops, o)
	}
	flush()
	if len(nest.frames) > 0 {
		return nil, nil // the engine says what is never closed
	}
	return ops, nil
}

func (e *engine) outputOp(p piece) (op, *sourceError) {
	src, _ := engineSource([]piece{p})
	slow, err := e.parse(src)
	if err != nil {
		return op{}, err
	}
	o := op{kind: outOp, slow: slow, n: p.tok.line, unsubscribe: usesUnsubscribe(p.tok)}
	o.get, o.steps = fastOutput(lexExpr(p.tok.args))
	return o, nil
}

// fastOutput understands path | filter | filter: "text" …; get is nil for everything else.
func fastOutput(toks []exprToken) (getter, []step) {
	if len(toks) == 0 || toks[0].kind != identExpr {
		return nil, nil
	}
	p, n := pathAt(toks)
	get := fastGetter(p)
	var steps []step
	for get != nil && n < len(toks) {
		if toks[n] != (exprToken{punctExpr, "|"}) || n+1 == len(toks) {
			return nil, nil
		}
		s := step{name: toks[n+1].text}
		switch s.name {
		case "default", "append", "prepend":
			if toks[n+1].kind != keywordExpr || n+2 == len(toks) || toks[n+2].kind != stringExpr {
				return nil, nil
			}
			s.arg = toks[n+2].text
			n += 3
		case "upcase", "downcase", "capitalize", "strip":
			if toks[n+1].kind != identExpr {
				return nil, nil
			}
			n += 2
		default:
			return nil, nil
		}
		steps = append(steps, s)
	}
	return get, steps
}

func fastGetter(p path) getter {
	switch {
	case len(p) == 2 && p[0] == "subscriber" && p[1] != "attributes":
		name := p[1]
		return func(st *renderState) any { return st.vars.Subscriber.field(name) }
	case len(p) == 3 && p[0] == "subscriber" && p[1] == "attributes" && p[2] != "size":
		name := p[2]
		return func(st *renderState) any { return st.vars.Subscriber.Attributes[name] }
	case len(p) > 1 && p[0] == "data":
		return dataGetter(p[1:])
	case len(p) == 2 && p[0] == "campaign" && p[1] == "name":
		return func(st *renderState) any { return st.vars.Campaign.Name }
	case len(p) == 2 && p[0] == "campaign" && p[1] == "subject":
		return func(st *renderState) any { return st.vars.Campaign.Subject }
	case len(p) != 1:
		return nil
	}
	switch p[0] {
	case "unsubscribe_url":
		return func(st *renderState) any { return st.unsub }
	case "preferences_url":
		return func(st *renderState) any { return st.preferences() }
	case "organization":
		return func(st *renderState) any { return st.vars.Organization }
	case "postal_address":
		return func(st *renderState) any { return st.vars.PostalAddress }
	}
	return nil
}

// runFast appends the ops' output to buf, or with to hands it over.
func (e *engine) runFast(buf []byte, ops []op, to PartWriter, st *renderState, bindings func() map[string]any) ([]byte, error) {
	opened, guarded, written := 0, false, 0
	var err error
	for i := 0; i < len(ops); i++ {
		o := &ops[i]
		switch o.kind {
		case testOp:
			yes, err := e.holds(o.cond, st, bindings)
			if err != nil {
				return buf, atLine(err, o.n)
			}
			if !yes {
				i = o.to - 1
			}
		case jumpOp:
			i = o.to - 1
		case litOp:
			if to == nil || guarded {
				buf = append(buf, o.lit...)
				break
			}
			if len(buf) > 0 {
				to.Personal(buf)
				written += len(buf)
				buf = buf[:0]
			}
			to.Literal(o.n)
			written += len(o.lit)
		case putOp:
			buf = appendSpecial(buf, st, o.n, e.html)
		case openOp:
			opened, guarded = len(buf), true
		case closeOp:
			guarded = false
			url := string(buf[opened:])
			buf = append(buf[:opened], guardURL(url, o.allowed)...)
		case outOp:
			if buf, err = e.output(buf, o, st, bindings); err != nil {
				return buf, err
			}
		}
		if written+len(buf) > maxOutput {
			return buf, errTooMuch
		}
	}
	if to != nil && len(buf) > 0 {
		to.Personal(buf)
		buf = buf[:0]
	}
	return buf, nil
}

func (e *engine) output(buf []byte, o *op, st *renderState, bindings func() map[string]any) ([]byte, error) {
	s, ok := "", false
	if o.get != nil {
		switch v := o.get(st).(type) {
		case nil:
			ok = true
		case string:
			s, ok = v, true
		}
	}
	if !ok {
		buf, err := e.run(buf, o.slow, bindings())
		return buf, atLine(err, o.n)
	}
	for _, step := range o.steps {
		s = step.apply(s)
		if len(s) > maxValue {
			return buf, errTooBig
		}
	}
	if err := st.spend(len(s)); err != nil {
		return buf, err
	}
	st.unsubSeen = st.unsubSeen || o.unsubscribe
	if e.html {
		return appendHTML(buf, s), nil
	}
	return append(buf, s...), nil
}

// atLine gives an error of the engine, which has seen one expression only, the line in the source.
func atLine(err error, line int) error {
	if se, ok := err.(*sourceError); ok {
		se.line = line
	}
	return err
}

func (s step) apply(v string) string {
	switch s.name {
	case "default":
		if v == "" {
			return s.arg
		}
	case "append":
		return v + s.arg
	case "prepend":
		return s.arg + v
	case "upcase":
		return strings.ToUpper(v)
	case "downcase":
		return strings.ToLower(v)
	case "strip":
		return strings.TrimSpace(v)
	case "capitalize":
		if runes := []rune(strings.ToLower(v)); len(runes) > 0 {
			return strings.ToUpper(string(runes[0])) + string(runes[1:])
		}
	}
	return v
}

// HTMLLiterals gives the pieces of the HTML that are the same for everybody, for a PartWriter; nil when it cannot be taken apart.
func (c *Compiled) HTMLLiterals() []string { return c.html.literals() }

// TextLiterals is HTMLLiterals for the text part.
func (c *Compiled) TextLiterals() []string { return c.text.literals() }

func (p *part) literals() []string {
	if p == nil || p.ops == nil {
		return nil
	}
	all := []string{}
	for _, o := range p.ops {
		if o.kind == litOp {
			all = append(all, o.lit)
		}
	}
	return all
}
