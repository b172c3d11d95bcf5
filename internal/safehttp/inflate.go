package safehttp

import (
	"bufio"
	"compress/flate"
	"compress/zlib"
	"io"
)

// inflate reads "deflate": with the header of zlib (RFC 1950 §2.2: method 8, and a multiple of 31) or without.
func inflate(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	head, err := b.Peek(2)
	if err != nil {
		return nil, err
	}
	if head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
		return zlib.NewReader(b)
	}
	return flate.NewReader(b), nil
}
