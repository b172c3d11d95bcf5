package message

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// maxWord is the longest encoded word (RFC 2047 §2).
const maxWord = 75

// appendText writes an unstructured field: plain and folded at spaces when it is
// ASCII, as encoded words otherwise.
func (c *Composer) appendText(dst []byte, name, value string) ([]byte, error) {
	if err := checkControl(name, value); err != nil {
		return nil, err
	}
	value = strings.Trim(value, " \t")
	dst = append(dst, name...)
	dst = append(dst, ':')
	if value == "" {
		return append(dst, "\r\n"...), nil
	}
	dst = append(dst, ' ')
	if isPlain(value) {
		dst = appendFolded(dst, value, len(name)+2)
	} else {
		dst = c.appendWords(dst, value, len(name)+2)
	}
	return append(dst, "\r\n"...), nil
}

// isPlain reports ASCII text that no reader takes for an encoded word and that
// has no word, with the space before it, too long for one line.
func isPlain(s string) bool {
	word := 0
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
		if isSpace(s[i]) && i > 0 && !isSpace(s[i-1]) {
			word = 0
		}
		if word++; word > maxLine-80 {
			return false
		}
	}
	return !strings.Contains(s, "=?")
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' }

// appendFolded breaks before a space that is followed by a word, so that no line
// holds white space only and unfolding gives the value back. col is the width
// already used on the line.
func appendFolded(dst []byte, s string, col int) []byte {
	for first := true; s != ""; first = false {
		n := 0
		for n < len(s) && isSpace(s[n]) {
			n++
		}
		for n < len(s) && !isSpace(s[n]) {
			n++
		}
		if !first && col+n > foldAt {
			dst = append(dst, "\r\n"...)
			col = 0
		}
		dst = append(dst, s[:n]...)
		col += n
		s = s[n:]
	}
	return dst
}

// appendWords writes s as encoded words of at most 75 octets, none of which
// splits a character, on lines of at most 78. Q is used for mostly-ASCII text
// and B otherwise; the Q alphabet is the one allowed in a phrase (RFC 2047 §5).
func (c *Composer) appendWords(dst []byte, s string, col int) []byte {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	q := 0
	for i := range len(s) {
		q += qLen(s[i])
	}
	useQ := q <= (len(s)+2)/3*4
	for first := true; s != ""; first = false {
		room := min(maxWord, foldAt-1-col) - len("=?utf-8?q??=")
		if first && room < 12 || !first {
			dst = append(dst, "\r\n "...)
			col = 1
			room = maxWord - len("=?utf-8?q??=")
		}
		n := wordLen(s, room, useQ)
		before := len(dst)
		if useQ {
			dst = appendQWord(dst, s[:n])
		} else {
			dst = append(dst, "=?utf-8?b?"...)
			dst = base64.StdEncoding.AppendEncode(dst, append(c.word[:0], s[:n]...))
			dst = append(dst, "?="...)
		}
		col += len(dst) - before
		s = s[n:]
	}
	return dst
}

// wordLen is how many bytes of s, whole runes only, fit into room octets.
func wordLen(s string, room int, q bool) int {
	used, n := 0, 0
	for n < len(s) {
		_, size := utf8.DecodeRuneInString(s[n:])
		if q {
			for i := range size {
				used += qLen(s[n+i])
			}
		} else {
			used = (n + size + 2) / 3 * 4
		}
		if used > room {
			break
		}
		n += size
	}
	return n
}

func qLen(b byte) int {
	if b == ' ' || qSafe(b) {
		return 1
	}
	return 3
}

func qSafe(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '!' || b == '*' || b == '+' || b == '-' || b == '/'
}

func appendQWord(dst []byte, s string) []byte {
	dst = append(dst, "=?utf-8?q?"...)
	for i := range len(s) {
		switch b := s[i]; {
		case b == ' ':
			dst = append(dst, '_')
		case qSafe(b):
			dst = append(dst, b)
		default:
			dst = append(dst, '=', upperHex[b>>4], upperHex[b&15])
		}
	}
	return append(dst, "?="...)
}
