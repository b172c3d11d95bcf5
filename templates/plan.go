package templates

import (
	"strconv"
	"strings"
)

type pieceKind int

const (
	textPiece    pieceKind = iota // text: bytes that go out as they are
	outputPiece                   // tok: {{ … }}
	tagPiece                      // tok: {% … %}
	clickPiece                    // the click address of link n
	specialPiece                  // n: what appendSpecial makes
	openPiece                     // a URL that is looked at begins; text: "link" or "image"
	closePiece                    // … and ends
)

// piece is a part of a mail between parsing and the plan.
type piece struct {
	kind pieceKind
	text string
	tok  token
	n    int
}

// Numbers of the specials; a click address is its link's number, from 1.
const (
	specialPixel  = -1
	specialFooter = -2
	specialCanary = -3
)

// cut makes the pieces of a source, with edits (in order, not overlapping) applied.
func cut(tokens []token, edits []edit) []piece {
	var out []piece
	skipTo := 0
	for _, t := range tokens {
		pos := t.pos
		for len(edits) > 0 && edits[0].from < t.end() {
			e := edits[0]
			if e.from > pos {
				out = appendToken(out, t, max(pos, skipTo), e.from)
			}
			out = append(out, e.put...)
			pos, skipTo = max(pos, e.from), max(skipTo, e.to)
			edits = edits[1:]
		}
		out = appendToken(out, t, max(pos, skipTo), t.end())
	}
	for _, e := range edits {
		out = append(out, e.put...)
	}
	return out
}

// appendToken adds the bytes from..to of a token. Only text can be cut in the middle.
func appendToken(out []piece, t token, from, to int) []piece {
	if from >= to {
		return out
	}
	switch {
	case t.kind == outputToken:
		return append(out, piece{kind: outputPiece, tok: t})
	case t.kind == tagToken:
		return append(out, piece{kind: tagPiece, tok: t})
	case t.hidden:
		return out
	}
	return append(out, piece{kind: textPiece, text: t.src[from-t.pos : to-t.pos]})
}

// engineSource writes pieces as a source for the engine, with the guards in it.
func engineSource(pieces []piece) string {
	var b, text strings.Builder
	flush := func() {
		s := text.String()
		text.Reset()
		if hasLiquid(s) || strings.HasSuffix(s, "{") {
			s = "{% raw %}" + s + "{% endraw %}"
		}
		b.WriteString(s)
	}
	for _, p := range pieces {
		if p.kind == textPiece {
			text.WriteString(p.text)
			continue
		}
		flush()
		switch p.kind {
		case outputPiece:
			writeOutput(&b, p.tok)
		case tagPiece:
			writeTag(&b, p.tok)
		case clickPiece, specialPiece:
			b.WriteString("{% _put " + strconv.Itoa(p.n) + " %}")
		case openPiece:
			b.WriteString("{% _" + p.text + " %}")
		case closePiece:
			b.WriteString("{% end_" + p.text + " %}")
		}
	}
	flush()
	return b.String()
}

func dashes(t token) (left, right string) {
	if t.trimLeft {
		left = "-"
	}
	if t.trimRight {
		right = "-"
	}
	return left, right
}

func writeOutput(b *strings.Builder, t token) {
	left, right := dashes(t)
	meter := "_meter"
	if usesUnsubscribe(t) {
		meter = "_meter_unsubscribe"
	}
	b.WriteString("{{" + left + " (" + t.args + ") | " + meter + ": " + stateName + " " + right + "}}")
}

func writeTag(b *strings.Builder, t token) {
	left, right := dashes(t)
	switch t.name {
	case "raw", "comment":
		// Their texts are pieces by now; what is left is the white space they take away.
		if t.trimLeft {
			b.WriteString("{%- comment %}{% endcomment %}")
		}
	case "endraw", "endcomment":
		if t.trimRight {
			b.WriteString("{% comment %}{% endcomment -%}")
		}
	case "assign":
		name, expr, _ := strings.Cut(t.args, "=")
		b.WriteString("{%" + left + " assign " + name + "= (" + expr + ") | _keep: " + stateName + " " + right + "%}")
	case "for", "tablerow":
		b.WriteString(t.src + "{% assign " + turnName + " = " + stateName + " | _turn %}")
	default:
		b.WriteString(t.src)
	}
}
