package message

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// Precoded is the text of a part that is the same in all messages of a mailing,
// ready to go out: as it is, and in quoted-printable (RFC 2045 §6.7), each piece
// beginning on a line of its own. It is immutable and safe for concurrent use.
type Precoded struct {
	pieces []piece
	plain  bool // all pieces can go out as 7bit
}

type piece struct {
	coded string
	col   int // where the last line of coded ends

	plain       string // with CRLF
	first, last int    // length of its first and its last line, the same when it has one
	breaks      bool   // it has a line end
}

// Precode prepares the pieces of a part. It gives nil when base64 would make the
// part smaller, as it does for text that is mostly not ASCII.
func Precode(literals []string) *Precoded {
	p := &Precoded{pieces: make([]piece, len(literals)), plain: true}
	plain, coded := 0, 0
	var w quoted
	var c Composer
	for i, lit := range literals {
		w.out, w.col = w.out[:0], 0
		w.write([]byte(lit))
		text := c.normalise([]byte(lit))
		p.pieces[i] = newPiece(string(w.out), w.col, string(text))
		p.plain = p.plain && isSevenBit(text) && !longLine(text)
		plain, coded = plain+len(lit), coded+len(w.out)
	}
	if coded > plain/3*4+100 { // a few bytes do not matter either way
		return nil
	}
	return p
}

func newPiece(coded string, col int, plain string) piece {
	p := piece{coded: coded, col: col, plain: plain, first: len(plain), last: len(plain)}
	if i := strings.Index(plain, "\r\n"); i >= 0 {
		p.breaks, p.first, p.last = true, i, len(plain)-strings.LastIndex(plain, "\r\n")-2
	}
	return p
}

// isSevenBit reports ASCII without controls other than line ends and tabs.
func isSevenBit(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf || c == 0x7f || c < ' ' && c != '\r' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}

// PartWriter puts a part together from precoded pieces and personal text: as 7bit
// when everything allows it, else in quoted-printable. It belongs to one goroutine
// and is used again for the next message after Reset.
type PartWriter struct {
	pre      *Precoded
	steps    []partStep
	personal []byte
	plain    bool
	quoted   quoted
	out      []byte
}

// partStep is a piece by its number, or with -1 personal text up to an end.
type partStep struct{ literal, end int }

// Reset begins a part.
func (w *PartWriter) Reset(p *Precoded) {
	w.pre, w.steps, w.personal, w.plain = p, w.steps[:0], w.personal[:0], p.plain
}

// Literal adds the n-th of the precoded pieces.
func (w *PartWriter) Literal(n int) { w.steps = append(w.steps, partStep{literal: n}) }

// Personal adds UTF-8 text with any line ends.
func (w *PartWriter) Personal(b []byte) {
	w.plain = w.plain && isSevenBit(b)
	w.personal = append(w.personal, b...)
	w.steps = append(w.steps, partStep{-1, len(w.personal)})
}

// Empty says that nothing was added since Reset.
func (w *PartWriter) Empty() bool {
	for _, s := range w.steps {
		if s.literal < 0 && len(w.personal) > 0 || s.literal >= 0 && w.pre.pieces[s.literal].plain != "" {
			return false
		}
	}
	return true
}

// appendTo writes the part with its header.
func (w *PartWriter) appendTo(dst []byte, kind, boundary string) []byte {
	enc, body := encQP, []byte(nil)
	if w.plain && w.assemble() && (boundary == "" || !bytes.Contains(w.out, []byte(boundary))) {
		enc, body = enc7bit, w.out
	} else {
		body = w.quote()
	}
	dst = append(dst, "Content-Type: "...)
	dst = append(dst, kind...)
	dst = append(dst, "; charset=utf-8\r\nContent-Transfer-Encoding: "...)
	dst = append(dst, enc...)
	dst = append(dst, "\r\n\r\n"...)
	dst = append(dst, body...)
	return endPart(dst, boundary)
}

// assemble writes the part as it is to w.out. It reports false when a line is too
// long for that.
func (w *PartWriter) assemble() bool {
	out, line, from := w.out[:0], 0, 0
	for _, s := range w.steps {
		if s.literal < 0 {
			for _, c := range w.personal[from:s.end] {
				switch {
				case c == '\n' && len(out) > 0 && out[len(out)-1] == '\r':
					out, line = append(out, '\n'), 0
				case c == '\n':
					out, line = append(out, "\r\n"...), 0
				case len(out) > 0 && out[len(out)-1] == '\r': // a CR alone
					return false
				default:
					out = append(out, c)
					line++
				}
				if line > maxLine {
					return false
				}
			}
			from = s.end
			if len(out) > 0 && out[len(out)-1] == '\r' {
				return false
			}
			continue
		}
		p := &w.pre.pieces[s.literal]
		if line+p.first > maxLine {
			return false
		}
		out = append(out, p.plain...)
		if p.breaks {
			line = p.last
		} else {
			line += p.first
		}
	}
	w.out = out
	return true
}

// quote writes the part in quoted-printable.
func (w *PartWriter) quote() []byte {
	q := &w.quoted
	q.out, q.col = q.out[:0], 0
	from := 0
	for _, s := range w.steps {
		if s.literal < 0 {
			q.write(w.personal[from:s.end])
			from = s.end
			continue
		}
		p := &w.pre.pieces[s.literal]
		if p.coded == "" {
			continue
		}
		if q.col > 0 && p.coded[0] != '\r' {
			q.out = append(q.out, "=\r\n"...) // a soft line break is no part of the text
		}
		q.out, q.col = append(q.out, p.coded...), p.col
	}
	return q.out
}

// quoted is quoted-printable text that is being written.
type quoted struct {
	out []byte
	col int
}

// write adds UTF-8 text with any line ends.
func (q *quoted) write(b []byte) {
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\ufffd"))
	}
	out, col := q.out, q.col
	for i := 0; i < len(b); i++ {
		if n := plainRun(b[i:], maxQPLine-1-col); n > 1 && col > 0 {
			out, col, i = append(out, b[i:i+n]...), col+n, i+n-1
			continue
		}
		c := b[i]
		if c == '\r' || c == '\n' {
			if c == '\r' && i+1 < len(b) && b[i+1] == '\n' {
				i++
			}
			out, col = append(out, "\r\n"...), 0
			continue
		}
		// A blank before a line end would be lost on the way, and a dot at the start of a line would have to be doubled.
		ends := i+1 == len(b) || b[i+1] == '\r' || b[i+1] == '\n'
		plain := c > ' ' && c <= '~' && c != '=' && (c != '.' || col > 0) || (c == ' ' || c == '\t') && !ends
		need := 3
		if plain {
			need = 1
		}
		if col+need > maxQPLine-1 {
			out, col = append(out, "=\r\n"...), 0
			plain = plain && c != '.'
			if !plain {
				need = 3
			}
		}
		if plain {
			out = append(out, c)
		} else {
			out = append(out, '=', upperHex[c>>4], upperHex[c&15])
		}
		col += need
	}
	q.out, q.col = out, col
}

// plainRun is how many bytes from the start of b, at most room, go out as they are
// wherever they stand on a line.
func plainRun(b []byte, room int) int {
	n := 0
	for n < len(b) && n < room && b[n] > ' ' && b[n] <= '~' && b[n] != '=' {
		n++
	}
	return n
}
