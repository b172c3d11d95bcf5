package smtpconn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Errors of [Conn.Send] that concern the input; nothing was sent.
var (
	// ErrEnvelope means an address that cannot stand in MAIL or RCPT.
	ErrEnvelope = errors.New("envelope address is malformed")
	// ErrBareLineEnd means a CR or LF that is not part of a CRLF. Servers differ in
	// what they take for the end of a message then (SMTP smuggling).
	ErrBareLineEnd = errors.New("message holds a bare CR or LF")
	// ErrNotSevenBit means bytes over 127 or NUL, or a line over 998 octets: the
	// composer sends 7-bit only and 8BITMIME is not negotiated.
	ErrNotSevenBit = errors.New("message is not 7-bit text with lines of at most 998 octets")
)

// errProtocol is a reply that is not SMTP.
var errProtocol = errors.New("the server's answer is not SMTP")

const (
	maxReplyBytes = 32 << 10
	maxLine       = 998
	maxKeptBuffer = 1 << 20
)

// appendWire appends a part of the message with dots stuffed (RFC 5321 §4.5.2).
// It must end in CRLF unless it is the last part; then a CRLF is added.
//
// Every message passes here, so what is right is copied in long runs.
func appendWire(dst, part []byte) ([]byte, error) {
	if !sevenBit(part) {
		return nil, ErrNotSevenBit
	}
	copied, line, ends := 0, 0, 0 // up to where it is copied; where the line begins; how many CRLF
	for line < len(part) {
		if part[line] == '.' {
			dst = append(append(dst, part[copied:line]...), '.')
			copied = line
		}
		i := bytes.IndexByte(part[line:], '\n')
		if i < 0 {
			break
		}
		if i == 0 || part[line+i-1] != '\r' {
			return nil, ErrBareLineEnd
		}
		if i-1 > maxLine {
			return nil, ErrNotSevenBit
		}
		ends++
		line += i + 1
	}
	if bytes.Count(part, carriageReturn) != ends {
		return nil, ErrBareLineEnd
	}
	if len(part)-line > maxLine {
		return nil, ErrNotSevenBit
	}
	dst = append(dst, part[copied:]...)
	if line < len(part) {
		dst = append(dst, "\r\n"...)
	}
	return dst, nil
}

var carriageReturn = []byte{'\r'}

// sevenBit looks for bytes over 127, 32 at a time, and NUL.
func sevenBit(b []byte) bool {
	const highs = 0x8080808080808080
	if bytes.IndexByte(b, 0) >= 0 {
		return false
	}
	for ; len(b) >= 32; b = b[32:] {
		w := binary.LittleEndian.Uint64(b) | binary.LittleEndian.Uint64(b[8:]) | binary.LittleEndian.Uint64(b[16:]) | binary.LittleEndian.Uint64(b[24:])
		if w&highs != 0 {
			return false
		}
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// checkPath refuses what would break out of the angle brackets.
func checkPath(addr string, empty bool) error {
	if addr == "" && !empty || len(addr) > 320 {
		return ErrEnvelope
	}
	quoted := false
	for i := range len(addr) {
		b := addr[i]
		switch {
		case b < ' ' || b >= 0x7f:
			return ErrEnvelope
		case b == '"':
			quoted = !quoted
		case b == '\\' && quoted:
		case (b == ' ' || b == '<' || b == '>' || b == '\\') && !quoted:
			return ErrEnvelope
		}
	}
	if quoted {
		return ErrEnvelope
	}
	return nil
}

// readReply reads one reply, of any number of lines (RFC 5321 §4.2.1), with
// bounded memory. The text holds the lines without their codes, separated by LF,
// and lives until the next call.
func (c *Conn) readReply() (code int, text []byte, err error) {
	b := c.text[:0]
	for total := 0; ; {
		line, err := c.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, fmt.Errorf("reading reply: %w", err)
		}
		if total += len(line); total > maxReplyBytes {
			return 0, nil, errProtocol
		}
		line = bytes.TrimRight(line, "\r\n")
		n, more, ok := replyCode(line)
		if !ok || code != 0 && n != code {
			return 0, nil, errProtocol
		}
		code = n
		if len(line) > 4 {
			if len(b) > 0 {
				b = append(b, '\n')
			}
			b = append(b, line[4:]...)
		}
		if !more {
			c.text = b
			return code, b, nil
		}
	}
}

// replied reports that the next reply can be read without waiting. It may be false for one of several lines that is there.
func (c *Conn) replied() bool {
	b, _ := c.r.Peek(c.r.Buffered())
	end := bytes.IndexByte(b, '\n')
	return end >= 0 && (end <= 3 || b[3] != '-')
}

func replyCode(line []byte) (code int, more, ok bool) {
	if len(line) < 3 {
		return 0, false, false
	}
	for _, b := range line[:3] {
		if b < '0' || b > '9' {
			return 0, false, false
		}
		code = code*10 + int(b-'0')
	}
	if code < 200 || code > 599 {
		return 0, false, false
	}
	if len(line) == 3 {
		return code, false, true
	}
	return code, line[3] == '-', line[3] == '-' || line[3] == ' '
}
