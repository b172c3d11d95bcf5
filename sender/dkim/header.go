package dkim

import (
	"bytes"
	"errors"
	"strings"
)

// overSigned fields are named once more than they occur, so that a verifier
// fails a message to which one was added (RFC 6376 §8.15).
var overSigned = []string{
	"From", "To", "Cc", "Subject", "Date", "Reply-To", "Sender", "Message-ID", "MIME-Version",
	"Content-Type", "Content-Transfer-Encoding", "List-Unsubscribe", "List-Unsubscribe-Post",
}

// signedIfPresent fields are named as often as they occur.
var signedIfPresent = []string{
	"In-Reply-To", "References", "List-Id", "List-Help", "List-Post", "List-Owner", "List-Archive",
	"Feedback-ID", "CFBL-Address", "CFBL-Feedback-ID", "Auto-Submitted", "Precedence",
}

// longestName of all fields that are signed, in bytes.
const longestName = len("Content-Transfer-Encoding")

// ErrNoHeader means that a message has no header to sign, or no From field.
var ErrNoHeader = errors.New("message to sign has no header with a From field")

// names are the fields that a profile signs, in the order of h=. The first is From.
type names struct {
	all   []name
	index map[string]int // by the name in lower case
}

type name struct {
	tag   string // as in h=
	field string // as in the canonical field: lower case, with the colon
	over  bool
}

// namesWithout gives all names but some.
func namesWithout(left ...string) *names {
	n := &names{index: make(map[string]int)}
	add := func(tag string, over bool) {
		for _, l := range left {
			if l == tag {
				return
			}
		}
		n.index[strings.ToLower(tag)] = len(n.all)
		n.all = append(n.all, name{tag: tag, field: strings.ToLower(tag) + ":", over: over})
	}
	for _, tag := range overSigned {
		add(tag, true)
	}
	for _, tag := range signedIfPresent {
		add(tag, false)
	}
	return n
}

// find gives the place of a field's name, -1 for one that is not signed. White space before the colon does not count (RFC 6376 §3.4.2).
func (n *names) find(written []byte) int {
	written = bytes.TrimRight(written, " \t")
	if len(written) > longestName {
		return -1
	}
	var lower [longestName]byte
	for i, b := range written {
		if b >= 'A' && b <= 'Z' {
			b += 'a' - 'A'
		}
		lower[i] = b
	}
	if i, ok := n.index[string(lower[:len(written)])]; ok {
		return i
	}
	return -1
}

// header is what a message's header has of the fields that are signed.
type header struct {
	fields []field
	last   []int // by name: the lowest field of that name, -1 for none
}

type field struct {
	value []byte // as sent, folding included, without the last CRLF
	above int    // the next field of the same name upwards, -1 for none
}

// read takes the header of msg in and gives the body. It keeps slices of msg.
func (h *header) read(n *names, msg []byte) (body []byte, err error) {
	h.fields, h.last = h.fields[:0], h.last[:0]
	for range n.all {
		h.last = append(h.last, -1)
	}
	// start and end of the value that is being read; at is the place of its name, -1 while it is one that is not signed.
	at, start, end := -1, 0, 0
	for pos := 0; ; {
		length := bytes.Index(msg[pos:], crlf)
		if length < 0 {
			return nil, ErrNoHeader
		}
		line := msg[pos : pos+length]
		if length > 0 && isWSP(line[0]) {
			end = pos + length
		} else {
			if at >= 0 {
				h.fields = append(h.fields, field{value: msg[start:end], above: h.last[at]})
				h.last[at] = len(h.fields) - 1
			}
			if length == 0 {
				body = msg[pos+len(crlf):]
				break
			}
			at = -1
			if colon := bytes.IndexByte(line, ':'); colon >= 0 {
				at, start, end = n.find(line[:colon]), pos+colon+1, pos+length
			}
		}
		pos += length + len(crlf)
	}
	if h.last[0] < 0 { // From is the first name
		return nil, ErrNoHeader
	}
	return body, nil
}

// appendRelaxed appends the signed fields in the order of h=, each with its CRLF; of several with one name the lowest comes first (RFC 6376 §5.4.2).
func (h *header) appendRelaxed(dst []byte, n *names) []byte {
	for i, name := range n.all {
		for f := h.last[i]; f >= 0; f = h.fields[f].above {
			dst = appendRelaxedField(dst, name.field, h.fields[f].value)
			dst = append(dst, crlf...)
		}
	}
	return dst
}

// appendList appends the value of h= for this header, folded: a name as often as it occurs, and once more when it is over-signed. The line has col bytes
// already.
func (h *header) appendList(dst []byte, n *names, col int) []byte {
	first := true
	for i, name := range n.all {
		times := 0
		if name.over {
			times = 1
		}
		for f := h.last[i]; f >= 0; f = h.fields[f].above {
			times++
		}
		for range times {
			if !first {
				dst = append(dst, ':')
				col++
			}
			first = false
			// The colon, or the semicolon after the last name, has to fit too.
			if col+len(name.tag)+1 > lineLength {
				dst = append(dst, "\r\n "...)
				col = 1
			}
			dst = append(dst, name.tag...)
			col += len(name.tag)
		}
	}
	return dst
}
