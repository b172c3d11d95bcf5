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

// engineSource writes pieces as a source for the engine, with the guards in it, and gives the texts that stand in it by their numbers.
func engineSource(pieces []piece) (src string, literals []string) {
	var w sourceWriter
	for _, p := range pieces {
		if p.kind == textPiece {
			w.text.WriteString(p.text)
			continue
		}
		w.flush()
		w.piece(p)
	}
	w.flush()
	return w.b.String(), w.literals
}

type sourceWriter struct {
	b, text  strings.Builder
	literals []string
	caught   int // blocks around here whose inside is made in memory
}

// flush writes the text that has come together. What looks like Liquid is handed to the engine by number and never as source: it can be the value of a feed, and nothing that could be
// written around it holds whatever stands in it. What is caught in a name goes the same way, because that tag counts it.
func (w *sourceWriter) flush() {
	s := w.text.String()
	w.text.Reset()
	if s == "" || w.caught == 0 && !hasLiquid(s) && !strings.HasSuffix(s, "{") {
		w.b.WriteString(s)
		return
	}
	w.literals = append(w.literals, s)
	lines := strings.Repeat("\n", strings.Count(s, "\n")) // errors name lines
	w.b.WriteString("{% _literal " + strconv.Itoa(len(w.literals)-1) + lines + " %}")
}

func (w *sourceWriter) piece(p piece) {
	switch p.kind {
	case outputPiece:
		writeOutput(&w.b, p.tok)
	case tagPiece:
		writeTag(&w.b, p.tok)
	case clickPiece, specialPiece:
		w.b.WriteString("{% _put " + strconv.Itoa(p.n) + " %}")
	case openPiece:
		w.b.WriteString("{% _" + p.text + " %}")
	case closePiece:
		w.b.WriteString("{% end_" + p.text + " %}")
	}
	switch {
	case p.kind == openPiece, p.kind == tagPiece && p.tok.name == "capture":
		w.caught++
	case p.kind == closePiece, p.kind == tagPiece && p.tok.name == "endcapture":
		w.caught--
	}
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
