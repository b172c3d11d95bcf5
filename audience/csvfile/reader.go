// Package csvfile splits CSV files as they come from spreadsheets and other people's exports, and keeps going.
//
// It reads RFC 4180 and, beyond it: any one-byte delimiter, LF, CRLF and CR line ends mixed, spaces around quoted fields, quotes inside unquoted fields.
// Where encoding/csv gives up on a whole file, a malformed record here is one Record with a Problem, and reading goes on at the next line. What a
// file gives depends on its bytes alone, never on how they arrive. Memory is bounded by MaxRecord whatever the file holds.
package csvfile

import (
	"bytes"
	"errors"
	"io"
)

// MaxRecord is the most bytes, and MaxFields the most fields, that one record may have. A record over one of them has a Problem.
const (
	MaxRecord = 1 << 20
	MaxFields = 500
)

// maxShown bounds what a Record with a Problem keeps of its line.
const maxShown = 4 << 10

// BOM is the byte order mark that some programs put in front of UTF-8. A Reader passes over it.
const BOM = "\xef\xbb\xbf"

// The problems a record can have. Their texts are for people.
var (
	ErrTooLong    = errors.New("the row is longer than 1 MB; perhaps a quote is opened and never closed")
	ErrTooMany    = errors.New("the row has more than 500 columns")
	ErrUnclosed   = errors.New("a quote is opened and never closed")
	ErrAfterQuote = errors.New("there is text after a closing quote; a quote inside a quoted field is written twice")
)

// Record is one record of the file. Its slices are valid until the next call of Next.
type Record struct {
	// Line is the line of the file on which the record starts, from 1.
	Line int64
	// Start and End are its place in the file in bytes; End is after its line end.
	Start, End int64
	// Raw is all of its bytes without the line end; with a Problem, at most the first few kB of its first line.
	Raw []byte
	// Fields are the values, unquoted. With a Problem it is Raw alone.
	Fields [][]byte
	// Problem says why the record could not be split; it then stands for one line of the file.
	Problem error
}

// Reader reads records from a stream.
type Reader struct {
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

// NewReader reads src, whose fields are parted by delim.
func NewReader(src io.Reader, delim byte) *Reader {
	return &Reader{src: src, delim: delim, line: 1, buf: make([]byte, 64<<10)}
}

// Next gives the next record that is not blank; a record is blank when all its fields are empty. At the end it is io.EOF; other errors are those of
// the stream itself.
func (r *Reader) Next() (*Record, error) {
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
func (r *Reader) read() error {
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

// begin passes over a byte order mark.
func (r *Reader) begin() error {
	for !r.began {
		if r.end-r.pos >= len(BOM) || r.eof {
			r.began = true
			if bytes.HasPrefix(r.buf[r.pos:r.end], []byte(BOM)) {
				r.pos += len(BOM)
				r.offset += int64(len(BOM))
			}
			break
		}
		if err := r.fill(); err != nil {
			return err
		}
	}
	return nil
}

// view is what a record may be made of; last says that the file ends with it.
func (r *Reader) view() (data []byte, last bool) {
	data = r.buf[r.pos:r.end]
	if len(data) > MaxRecord {
		return data[:MaxRecord], false
	}
	return data, r.eof
}

// fill reads more of the stream: at least one byte, or the end, or an error.
func (r *Reader) fill() error {
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
func (r *Reader) advance(n int) {
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
func (r *Reader) reject(problem error) error {
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
func (r *Reader) skipLine() error {
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
