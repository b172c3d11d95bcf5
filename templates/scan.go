package templates

import (
	"fmt"
	"strings"

	"github.com/osteele/liquid/parser"

	"postrider/internal/errs"
)

type tokenKind int

const (
	textToken   tokenKind = iota // bytes that go out as they are, raw blocks included
	outputToken                  // {{ … }}
	tagToken                     // {% … %}
)

// token is a piece of a source. The tokens of a source, joined, are the source.
type token struct {
	kind       tokenKind
	src        string
	args, name string // as parser.Token has them
	line       int    // from 1
	pos        int    // byte offset in the source
	// hidden: inside a comment block. Neither it nor anything in it reaches the mail.
	hidden bool
	// depth counts the blocks around the token, so that 0 means it is always shown.
	depth               int
	trimLeft, trimRight bool
}

func (t token) end() int { return t.pos + len(t.src) }

// allowedTags are the Liquid tags an author can use. include and render would read files.
var allowedTags = map[string]bool{
	"assign": true, "capture": true, "endcapture": true, "case": true, "when": true, "endcase": true, "comment": true, "endcomment": true,
	"for": true, "endfor": true, "break": true, "continue": true, "cycle": true, "if": true, "elsif": true, "else": true, "endif": true,
	"raw": true, "endraw": true, "tablerow": true, "endtablerow": true, "unless": true, "endunless": true,
}

var blockTags = map[string]bool{
	"capture": true, "case": true, "for": true, "if": true, "tablerow": true, "unless": true,
}

// sourceError is what is wrong with a source and where.
type sourceError struct {
	line int
	msg  string
}

func (e *sourceError) Error() string {
	if e.line < 1 {
		return e.msg
	}
	return fmt.Sprintf("line %d: %s", e.line, e.msg)
}

func badLine(line int, format string, args ...any) *sourceError {
	return &sourceError{line, fmt.Sprintf(format, args...)}
}

// inField makes the error that a person sees: it names the part of the mail.
func inField(field string, err error) error {
	return &errs.E{Kind: errs.Invalid, Public: "the " + fieldNames[field] + " cannot be used",
		Fields: []errs.Field{{Name: field, Message: err.Error()}}, Err: err}
}

var fieldNames = map[string]string{"subject": "subject", "preheader": "preheader", "html": "HTML", "text": "text part"}

// scan cuts a source into tokens with the engine's own scanner and follows raw and comment blocks as its parser does.
func scan(src string) ([]token, *sourceError) { return scanWith(src, scanner{}) }

// scanStored is scan for a source as it is stored, before layouts and snippets are put in.
func scanStored(src string) ([]token, *sourceError) { return scanWith(src, scanner{stored: true}) }

func scanWith(src string, s scanner) ([]token, *sourceError) {
	if len(src) > maxSource {
		return nil, badLine(1, "it is %d kB long; %d kB is the limit", len(src)>>10, maxSource>>10)
	}
	for _, t := range parser.Scan(src, parser.SourceLoc{LineNo: 1}, nil) {
		if err := s.add(t); err != nil {
			return nil, err
		}
	}
	if s.within != "" {
		return nil, badLine(s.since, "{%% %s %%} is never closed; add {%% end%s %%}", s.within, s.within)
	}
	return s.out, nil
}

type scanner struct {
	out    []token
	pos    int
	depth  int
	within string // "raw", "comment" or ""
	since  int    // the line where within began
	left   bool   // a {%- or {{- comes next
	stored bool   // {% block %} and {% snippet %} can be in it
}

func (s *scanner) add(t parser.Token) *sourceError {
	tok := token{src: t.Source, args: t.Args, name: t.Name, line: t.SourceLoc.LineNo, pos: s.pos, depth: s.depth}
	s.pos += len(t.Source)
	switch t.Type {
	case parser.TrimLeftTokenType:
		s.left = true
		return nil
	case parser.TrimRightTokenType:
		s.out[len(s.out)-1].trimRight = true
		return nil
	case parser.ObjTokenType:
		tok.kind = outputToken
	case parser.TagTokenType:
		tok.kind = tagToken
	}
	tok.trimLeft, s.left = s.left, false
	if s.within != "" {
		s.addWithin(tok)
		return nil
	}
	switch tok.kind {
	case textToken:
		if err := checkUnclosed(tok); err != nil {
			return err
		}
	case tagToken:
		if err := s.enterTag(&tok); err != nil {
			return err
		}
	}
	if len(tok.args) > maxExpression {
		return badLine(tok.line, "an expression is longer than %d characters", maxExpression)
	}
	s.out = append(s.out, tok)
	return nil
}

// addWithin takes a token inside raw or comment: it is plain text whatever it looks like, until the end tag.
func (s *scanner) addWithin(tok token) {
	if tok.kind == tagToken && tok.name == "end"+s.within {
		tok.hidden = s.within == "comment"
		s.within = ""
	} else {
		tok.kind, tok.args, tok.name = textToken, "", ""
		tok.hidden = s.within == "comment"
	}
	s.out = append(s.out, tok)
}

func (s *scanner) enterTag(tok *token) *sourceError {
	switch {
	case s.stored && (tok.name == "snippet" || tok.name == "endblock" && s.depth > 0):
	case s.stored && tok.name == "block":
	case tok.name == "block" || tok.name == "endblock" || tok.name == "snippet":
		return badLine(tok.line, "a {%% %s %%} cannot stand here: blocks belong into layouts and into what fills them, and snippets into their bodies", tok.name)
	case !allowedTags[tok.name]:
		return badLine(tok.line, "there is no tag {%% %s %%}", tok.name)
	}
	switch {
	case tok.name == "raw" || tok.name == "comment":
		s.within, s.since = tok.name, tok.line
		tok.hidden = tok.name == "comment"
	case blockTags[tok.name] || tok.name == "block":
		s.depth++
		if s.depth > maxNesting {
			return badLine(tok.line, "blocks are nested more than %d deep", maxNesting)
		}
	case strings.HasPrefix(tok.name, "end"):
		s.depth--
	}
	return nil
}

// checkUnclosed finds what the scanner took for text because it does not end, or not on the same line.
func checkUnclosed(tok token) *sourceError {
	for _, open := range []string{"{{", "{%"} {
		if i := strings.Index(tok.src, open); i >= 0 {
			line := tok.line + strings.Count(tok.src[:i], "\n")
			return badLine(line, "%s is not closed on the same line; to show it as text, write {%% raw %%}%s{%% endraw %%}", open, open)
		}
	}
	return nil
}
