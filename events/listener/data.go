package listener

import (
	"bufio"
	"bytes"
	"errors"
)

var (
	errTooLarge = errors.New("the message is too large")
	errFlood    = errors.New("the message does not end")
)

// readData reads a message to its end, which is CRLF "." CRLF and nothing else (RFC 5321 §4.1.1.4), and takes the dots off that were put in front of lines.
// A message of more than most bytes is read to its end and is errTooLarge; over flood bytes it is errFlood, and its end has not been seen.
func readData(to *bytes.Buffer, r *bufio.Reader, most, flood int64) error {
	var read int64
	kept, lineStart, last := int64(0), true, byte(0)
	for {
		piece, err := r.ReadSlice('\n') // a line, or as much of it as the reader's buffer holds
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		if lineStart && string(piece) == ".\r\n" {
			break
		}
		if read += int64(len(piece)); read > flood {
			return errFlood
		}
		text := piece
		if lineStart && piece[0] == '.' {
			text = piece[1:]
		}
		if kept += int64(len(text)); kept <= most {
			to.Write(text)
		}
		// The CR may have been the last byte of the piece before.
		lineStart = bytes.HasSuffix(piece, []byte("\r\n")) || len(piece) == 1 && piece[0] == '\n' && last == '\r'
		last = piece[len(piece)-1]
	}
	if kept > most {
		return errTooLarge
	}
	return nil
}
