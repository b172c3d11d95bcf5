package message

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

const (
	enc7bit   = "7bit"
	encQP     = "quoted-printable"
	encBase64 = "base64"
	upperHex  = "0123456789ABCDEF"
	maxQPLine = 76 // RFC 2045 §6.7, with the soft break's "="
)

// choose picks 7bit for ASCII with short lines, otherwise the smaller of
// quoted-printable and base64. body has CRLF line ends.
func choose(body []byte, boundary string) string {
	escapes, plain := 0, true
	for _, b := range body {
		if b >= utf8.RuneSelf || b < ' ' && b != '\r' && b != '\n' && b != '\t' || b == 0x7f {
			escapes++
		}
	}
	if escapes > 0 || longLine(body) || boundary != "" && bytes.Contains(body, []byte(boundary)) {
		plain = false
	}
	if plain {
		return enc7bit
	}
	escapes += bytes.Count(body, []byte{'='})
	qp := len(body) + 2*escapes
	qp += qp / (maxQPLine - 1) * 3
	b64 := (len(body) + 2) / 3 * 4
	b64 += b64 / maxQPLine * 2
	if qp <= b64 {
		return encQP
	}
	return encBase64
}

// longLine reports a line over 998 octets.
func longLine(body []byte) bool {
	for len(body) > maxLine {
		i := bytes.IndexByte(body, '\n')
		if i < 0 || i-1 > maxLine {
			return true
		}
		body = body[i+1:]
	}
	return false
}

// appendQP writes quoted-printable (RFC 2045 §6.7). White space before a line
// end is encoded, because relays may strip it.
func appendQP(dst, body []byte) []byte {
	for len(body) > 0 {
		line := body
		i := bytes.IndexByte(body, '\n')
		if i >= 0 {
			line, body = body[:i-1], body[i+1:] // normalised: CR stands before LF
		} else {
			body = nil
		}
		dst = appendQPLine(dst, line)
		if i >= 0 {
			dst = append(dst, "\r\n"...)
		}
	}
	return dst
}

func appendQPLine(dst, line []byte) []byte {
	col := 0
	for i, b := range line {
		last := i == len(line)-1
		plain := b > ' ' && b <= '~' && b != '=' || (b == ' ' || b == '\t') && !last
		need := 3
		if plain {
			need = 1
		}
		room := maxQPLine - 1
		if last {
			room = maxQPLine
		}
		if col+need > room {
			dst = append(dst, "=\r\n"...)
			col = 0
		}
		if plain {
			dst = append(dst, b)
		} else {
			dst = append(dst, '=', upperHex[b>>4], upperHex[b&15])
		}
		col += need
	}
	return dst
}

// appendBase64 writes base64 in lines of 76 (RFC 2045 §6.8).
func appendBase64(dst, body []byte) []byte {
	const chunk = maxQPLine / 4 * 3
	for len(body) > chunk {
		dst = base64.StdEncoding.AppendEncode(dst, body[:chunk])
		dst = append(dst, "\r\n"...)
		body = body[chunk:]
	}
	return base64.StdEncoding.AppendEncode(dst, body)
}
