package message

import (
	"bytes"
	"unicode/utf8"
)

// Precoded is the text of a part that is the same in all messages of a mailing,
// in quoted-printable (RFC 2045 §6.7), each piece beginning on a line of its own.
// It is immutable and safe for concurrent use.
type Precoded struct{ pieces []piece }

type piece struct {
	text string
	col  int // where its last line ends
}

// Precode encodes the pieces of a part. It gives nil when base64 would make the
// part smaller, as it does for text that is mostly not ASCII.
func Precode(literals []string) *Precoded {
	p := &Precoded{pieces: make([]piece, len(literals))}
	plain, coded := 0, 0
	var w PartWriter
	for i, lit := range literals {
		w.out, w.col = w.out[:0], 0
		w.Personal([]byte(lit))
		p.pieces[i] = piece{string(w.out), w.col}
		plain, coded = plain+len(lit), coded+len(w.out)
	}
	if coded > plain/3*4+100 { // a few bytes do not matter either way
		return nil
	}
	return p
}

// PartWriter puts a part together from precoded pieces and personal text. It
// belongs to one goroutine and is used again for the next message after Reset.
type PartWriter struct {
	pre *Precoded
	out []byte
	col int
}

// Reset begins a part.
func (w *PartWriter) Reset(p *Precoded) { w.pre, w.out, w.col = p, w.out[:0], 0 }

// Literal adds the n-th of the precoded pieces.
func (w *PartWriter) Literal(n int) {
	p := &w.pre.pieces[n]
	if p.text == "" {
		return
	}
	if w.col > 0 && p.text[0] != '\r' {
		w.out = append(w.out, "=\r\n"...) // a soft line break is no part of the text
	}
	w.out = append(w.out, p.text...)
	w.col = p.col
}

// Personal adds UTF-8 text with any line ends.
func (w *PartWriter) Personal(b []byte) {
	if !utf8.Valid(b) {
		b = bytes.ToValidUTF8(b, []byte("\ufffd"))
	}
	out, col := w.out, w.col
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
	w.out, w.col = out, col
}

// appendTo writes the part with its header.
func (w *PartWriter) appendTo(dst []byte, kind, boundary string) []byte {
	dst = append(dst, "Content-Type: "...)
	dst = append(dst, kind...)
	dst = append(dst, "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"...)
	dst = append(dst, w.out...)
	return endPart(dst, boundary)
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

// Empty says that nothing was added since Reset.
func (w *PartWriter) Empty() bool { return len(w.out) == 0 }
