package tablefile

import (
	"bytes"
	"errors"
	"io"
)

// csvReader splits a stream of text.
//
// It reads RFC 4180 and, beyond it: any one-byte delimiter, LF, CRLF and CR line ends mixed, spaces around quoted fields, quotes inside unquoted fields. Where encoding/csv gives
// up on a whole file, a malformed record here is one Record with a Problem, and reading goes on at the next line. What a file gives depends on its bytes
// alone, never on how they arrive.
type csvReader struct {
	src    io.Reader
	delim  byte
	buf    []byte // unread bytes are buf[pos:end]
	pos    int
	end    int
	offset int64 // of buf[pos] in the file
	line   int64
	eof    bool
	began  bool
	err    error
	rec    Record
	fields [][]byte
	spill  []byte // unescaped contents of quoted fields
}

func newCSV(src io.Reader, delim byte) *csvReader {
	return &csvReader{src: src, delim: delim, line: 1, buf: make([]byte, 64<<10)}
}

// next is Reader.Next.
func (r *csvReader) next() (*Record, error) {
	for {
		if err := r.read(); err != nil {
			return nil, err
		}
		if r.rec.Problem != nil || !blank(r.rec.Fields) {
			return &r.rec, nil
		}
	}
}

func blank(fields [][]byte) bool {
	for _, f := range fields {
		if len(bytes.TrimSpace(f)) > 0 {
			return false
		}
	}
	return true
}

// read reads one record, blank or not, into r.rec.
func (r *csvReader) read() error {
	if err := r.begin(); err != nil {
		return err
	}
	for {
		view, last := r.view()
		if len(view) == 0 && last {
			return io.EOF
		}
		n, body, state := r.split(view, last)
		switch {
		case state == nil:
			r.rec = Record{Line: r.line, Start: r.offset, End: r.offset + int64(n), Raw: view[:body], Fields: r.fields}
			r.advance(n)
			return nil
		case !errors.Is(state, errMore):
			return r.reject(state)
		case len(view) == MaxRecord:
			return r.reject(ErrTooLong)
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
}

// begin passes over a byte order mark and over the line "sep=;" with which Excel is told the delimiter.
func (r *csvReader) begin() error {
	for !r.began {
		if !r.eof && undecided(r.buf[r.pos:r.end]) {
			if err := r.fill(); err != nil {
				return err
			}
			continue
		}
		r.began = true
		if bytes.HasPrefix(r.buf[r.pos:r.end], []byte(BOM)) {
			r.pos += len(BOM)
			r.offset += int64(len(BOM))
		}
		if _, n := Separator(r.buf[r.pos:r.end]); n > 0 {
			r.advance(n)
		}
	}
	return nil
}

// undecided reports whether more bytes must be seen to tell whether the file begins with a mark or the line.
func undecided(b []byte) bool {
	if len(b) < len(BOM) && bytes.HasPrefix([]byte(BOM), b) {
		return true
	}
	b = bytes.TrimPrefix(b, []byte(BOM))
	n := min(len(b), len(sepLine))
	return len(b) < len(sepLine)+3 && bytes.EqualFold(b[:n], []byte(sepLine[:n]))
}

// sepLine begins the line in which a file for Excel names its delimiter.
const sepLine = "sep="

// Separator reads that line: the delimiter and the line's length with its end, 0 when the text does not begin with such a line. The text has no byte order mark.
func Separator(text []byte) (delim byte, n int) {
	if len(text) < len(sepLine)+2 || !bytes.EqualFold(text[:len(sepLine)], []byte(sepLine)) {
		return 0, 0
	}
	delim, rest := text[len(sepLine)], text[len(sepLine)+1:]
	switch {
	case !ValidDelimiter(string(delim)):
		return 0, 0
	case rest[0] == '\n':
		return delim, len(sepLine) + 2
	case rest[0] == '\r' && len(rest) > 1 && rest[1] == '\n':
		return delim, len(sepLine) + 3
	case rest[0] == '\r':
		return delim, len(sepLine) + 2
	}
	return 0, 0
}

// ValidDelimiter reports whether fields can be parted by it: one character of ASCII that is no letter, digit, quote, line end, or part of addresses.
func ValidDelimiter(s string) bool {
	if len(s) != 1 {
		return false
	}
	c := s[0]
	letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
	return c < 0x80 && c != 0 && !letter && !bytes.ContainsRune([]byte("\"\r\n@._-+"), rune(c))
}

// view is what a record may be made of; last says that the file ends with it.
func (r *csvReader) view() (data []byte, last bool) {
	data = r.buf[r.pos:r.end]
	if len(data) > MaxRecord {
		return data[:MaxRecord], false
	}
	return data, r.eof
}

// fill reads more of the stream: at least one byte, or the end, or an error.
func (r *csvReader) fill() error {
	if r.err != nil {
		return r.err
	}
	if r.pos > 0 {
		r.end = copy(r.buf, r.buf[r.pos:r.end])
		r.pos = 0
	}
	if r.end == len(r.buf) {
		r.buf = append(r.buf, make([]byte, len(r.buf))...)
	}
	n, err := io.ReadAtLeast(r.src, r.buf[r.end:], 1)
	r.end += n
	if errors.Is(err, io.EOF) {
		r.eof = true
		return nil
	}
	r.err = err
	return err
}

// advance passes over n bytes and counts their lines.
func (r *csvReader) advance(n int) {
	done := r.buf[r.pos : r.pos+n]
	r.line += int64(bytes.Count(done, []byte{'\n'}))
	for rest := done; ; {
		i := bytes.IndexByte(rest, '\r')
		if i < 0 {
			break
		}
		if i+1 == len(rest) || rest[i+1] != '\n' {
			r.line++
		}
		rest = rest[i+1:]
	}
	r.pos += n
	r.offset += int64(n)
}

// reject makes a record with a problem of the line at hand, and goes on after it.
func (r *csvReader) reject(problem error) error {
	start, line := r.offset, r.line
	for {
		view, last := r.view()
		body, n, ok := lineEnd(view, last)
		if !ok && len(view) < MaxRecord {
			if err := r.fill(); err != nil {
				return err
			}
			continue
		}
		if !ok {
			body = len(view)
		}
		raw := bytes.Clone(view[:min(body, maxShown)])
		if ok {
			r.advance(n)
		} else if err := r.skipLine(); err != nil {
			return err
		}
		r.fields = append(r.fields[:0], raw)
		r.rec = Record{Line: line, Start: start, End: r.offset, Raw: raw, Fields: r.fields, Problem: problem}
		return nil
	}
}

// skipLine passes over a line of any length without keeping it.
func (r *csvReader) skipLine() error {
	for {
		view, last := r.view()
		if _, n, ok := lineEnd(view, last); ok {
			r.advance(n)
			return nil
		}
		keep := 0 // a CR at the very end may be half of a CRLF
		if len(view) > 0 && view[len(view)-1] == '\r' {
			keep = 1
		}
		r.advance(len(view) - keep)
		if r.end-r.pos > keep {
			continue
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
}

// lineEnd finds the end of the first line: its length without and with the line end. ok is false when more bytes are needed to tell.
func lineEnd(data []byte, last bool) (body, n int, ok bool) {
	for i, c := range data {
		if c == '\n' || c == '\r' {
			n, ok := terminator(data[i:], last)
			return i, i + n, ok
		}
	}
	return len(data), len(data), last
}

// terminator gives the length of the line end at the start of data.
func terminator(data []byte, last bool) (n int, ok bool) {
	switch {
	case data[0] == '\n':
		return 1, true
	case len(data) == 1:
		return 1, last
	case data[1] == '\n':
		return 2, true
	}
	return 1, true
}
