package templates

import (
	"slices"
	"strings"
)

// partInfo is what the Liquid of a part uses.
type partInfo struct {
	fields  map[string]bool // of the subscriber
	locals  map[string]bool // names that the part itself gives a value
	unknown []Warning       // names that nothing will ever give a value
	// unsubscribes: the unsubscribe link is shown somewhere.
	unsubscribes bool
	data         []dataUse
	// plain: nothing is assigned or repeated and there is no white space control, so each output and condition stands for itself.
	plain bool
}

// plainTags change nothing for what comes after them.
var plainTags = map[string]bool{
	"raw": true, "endraw": true, "comment": true, "endcomment": true,
	"if": true, "unless": true, "elsif": true, "else": true, "endif": true, "endunless": true,
}

// globals are the names that Vars gives a value.
var globals = map[string]bool{
	"subscriber": true, "campaign": true, "data": true, "unsubscribe_url": true, "preferences_url": true, "organization": true, "postal_address": true,
}

// checkPart parses a part with the engine and refuses what the engine would only find, or not find, when mail is going out.
func checkPart(e *engine, src string, tokens []token) (*partInfo, *sourceError) {
	if _, err := e.parse(src); err != nil {
		return nil, err
	}
	c := checker{info: &partInfo{fields: map[string]bool{}, locals: map[string]bool{"forloop": true}, plain: true}}
	for _, t := range tokens {
		if err := c.define(t); err != nil {
			return nil, err
		}
	}
	for _, t := range tokens {
		if err := c.token(t); err != nil {
			return nil, err
		}
	}
	return c.info, nil
}

type checker struct{ info *partInfo }

// define notes the names that a tag gives a value, wherever it stands: in Liquid they outlive their block.
func (c *checker) define(t token) *sourceError {
	var name string
	switch {
	case t.kind != tagToken:
		return nil
	case t.name == "assign":
		name, _, _ = strings.Cut(t.args, "=")
	case t.name == "capture":
		name = t.args
	case t.name == "for" || t.name == "tablerow":
		name = strings.TrimSpace(strings.TrimSuffix(t.args, afterLoopName(t.args)))
	default:
		return nil
	}
	name = strings.TrimSpace(name)
	if strings.HasPrefix(name, stateName) {
		return badLine(t.line, "the name %s is taken", name)
	}
	if globals[name] {
		return badLine(t.line, "the name %s belongs to the mail itself; take another one", name)
	}
	c.info.locals[name] = true
	return nil
}

func (c *checker) token(t token) *sourceError {
	if t.trimLeft || t.trimRight {
		c.info.plain = false
	}
	switch t.kind {
	case outputToken:
		return c.expression(t, t.args)
	case tagToken:
		c.info.plain = c.info.plain && plainTags[t.name]
		return c.tag(t)
	}
	return nil
}

func (c *checker) tag(t token) *sourceError {
	switch t.name {
	case "if", "elsif", "unless", "case", "when":
		return c.expression(t, t.args)
	case "assign":
		_, expr, _ := strings.Cut(t.args, "=")
		return c.expression(t, expr)
	case "for", "tablerow":
		return c.expression(t, afterLoopName(t.args))
	}
	return nil
}

// afterLoopName gives what follows the name in "x in y": "in" is no name, so it can stay.
func afterLoopName(args string) string {
	args = strings.TrimSpace(args)
	return args[identEnd(args):]
}

func (c *checker) expression(t token, expr string) *sourceError {
	use := useOf(expr)
	for _, f := range use.filters {
		if !knownFilters[f] {
			return badLine(t.line, "there is no filter %s in %s", f, t.src)
		}
	}
	if use.hasRange {
		if t.name != "for" && t.name != "tablerow" || len(use.filters) > 0 {
			return badLine(t.line, "a range (a..b) can only stand in a for tag, without filters: %s", t.src)
		}
		if use.rangeTooLong {
			return badLine(t.line, "a range can have at most %d numbers: %s", maxRange, t.src)
		}
	}
	for _, p := range use.paths {
		if err := c.path(t, p); err != nil {
			return err
		}
		c.data(t, p, use)
	}
	return nil
}

func (c *checker) path(t token, p path) *sourceError {
	switch root := p[0]; {
	case strings.HasPrefix(root, stateName):
		return badLine(t.line, "the name %s is taken", root)
	case root == "subscriber":
		if f := fieldOf(p); f != "" {
			c.info.fields[f] = true
		}
	case root == "unsubscribe_url":
		c.info.unsubscribes = c.info.unsubscribes || t.kind == outputToken
	case globals[root] || c.info.locals[root]:
	case slices.Contains(issueRoots, root):
		c.info.unknown = append(c.info.unknown, Warning{Code: "unknown_field", Line: t.line, Message: root + " is filled in for issues of newsletters only; elsewhere it stays empty"})
	case root == "reversed" && (t.name == "for" || t.name == "tablerow"):
	default:
		c.info.unknown = append(c.info.unknown, Warning{Code: "unknown_field", Line: t.line,
			Message: "nothing is called " + root + ", so it stays empty; a field of the person is written subscriber." + root})
	}
	return nil
}

// builtin are the fields that every subscriber has.
var builtin = map[string]bool{"id": true, "email": true, "name": true, "first_name": true, "attributes": true}

// fieldOf names the field that a path starting at subscriber reads: "email", "city". An attribute with the name of a built-in field comes out
// as attributes.email.
func fieldOf(p path) string {
	switch {
	case len(p) == 1:
		return ""
	case p[1] != "attributes" || len(p) == 2:
		return p[1]
	case builtin[p[2]]:
		return "attributes." + p[2]
	}
	return p[2]
}

// standsAlone reports whether an output can be filled in outside of its part, and is not the link to the unsubscribe or preference page.
func (p *partInfo) standsAlone(t token) bool {
	return !slices.ContainsFunc(useOf(t.args).paths, func(q path) bool {
		return !globals[q[0]] || q[0] == "unsubscribe_url" || q[0] == "preferences_url"
	})
}

func usesUnsubscribe(t token) bool {
	return slices.ContainsFunc(useOf(t.args).paths, func(q path) bool { return q[0] == "unsubscribe_url" })
}
