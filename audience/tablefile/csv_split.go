package tablefile

import (
	"bytes"
	"errors"
)

// errMore: the bytes so far do not tell where the record ends.
var errMore = errors.New("more bytes are needed")

// split splits the first record of data into r.fields. n is its length with the line end and body without. last says that the file ends with data.
// The error is errMore or a problem of the record.
func (r *csvReader) split(data []byte, last bool) (n, body int, err error) {
	r.fields, r.spill = r.fields[:0], r.spill[:0]
	for pos := 0; ; {
		if len(r.fields) == MaxFields {
			return 0, 0, ErrTooMany
		}
		field, next, err := r.field(data, pos, last)
		if err != nil {
			return 0, 0, err
		}
		r.fields = append(r.fields, field)
		if next == len(data) {
			if !last {
				return 0, 0, errMore
			}
			return next, next, nil
		}
		if data[next] == r.delim {
			pos = next + 1
			continue
		}
		n, ok := terminator(data[next:], last)
		if !ok {
			return 0, 0, errMore
		}
		return next + n, next, nil
	}
}

// field reads the field at pos; next is where its delimiter or line end is, or the end of data.
func (r *csvReader) field(data []byte, pos int, last bool) (value []byte, next int, err error) {
	if q := r.skipSpace(data, pos); q < len(data) && data[q] == '"' {
		return r.quoted(data, q+1, last)
	}
	next = pos
	for next < len(data) && data[next] != r.delim && data[next] != '\n' && data[next] != '\r' {
		next++
	}
	return data[pos:next], next, nil
}

// skipSpace passes over blanks that are not the delimiter.
func (r *csvReader) skipSpace(data []byte, pos int) int {
	for pos < len(data) && (data[pos] == ' ' || data[pos] == '\t') && data[pos] != r.delim {
		pos++
	}
	return pos
}

// quoted reads a quoted field whose first byte of content is at pos.
func (r *csvReader) quoted(data []byte, pos int, last bool) (value []byte, next int, err error) {
	spilled, from := len(r.spill), pos
	for {
		i := bytes.IndexByte(data[pos:], '"')
		if i < 0 {
			return nil, 0, orMore(ErrUnclosed, last)
		}
		q := pos + i
		if q+1 < len(data) && data[q+1] == '"' {
			r.spill = append(r.spill, data[from:q+1]...)
			pos, from = q+2, q+2
			continue
		}
		value = data[from:q]
		if len(r.spill) > spilled {
			r.spill = append(r.spill, value...)
			value = r.spill[spilled:len(r.spill):len(r.spill)]
		}
		next = r.skipSpace(data, q+1)
		if next == len(data) {
			return value, next, orMore(nil, last)
		}
		if c := data[next]; c != r.delim && c != '\n' && c != '\r' {
			return nil, 0, ErrAfterQuote
		}
		return value, next, nil
	}
}

func orMore(err error, last bool) error {
	if last {
		return err
	}
	return errMore
}
