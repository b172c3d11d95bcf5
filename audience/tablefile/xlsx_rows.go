package tablefile

import (
	"bytes"
	"errors"
	"io"
	"strconv"
)

// sheetReader reads the rows of a sheet.
type sheetReader struct {
	xml      *xmlScanner
	part     *openPart
	size     int64 // of the stored file
	shared   *sharedStrings
	styles   []style
	base1904 bool
	width    int

	rec    Record
	fields [][]byte
	// The row at hand: the values with tabs between them, and where each column's is. Columns that are not there have from 0 and to 0.
	buf     []byte
	cells   [MaxFields]place
	columns int // behind the last one with a value
	problem error
	value   []byte // scratch: what stands in <v>
	done    bool
}

type place struct{ from, to int }

// next is Reader.Next.
func (r *sheetReader) next() (*Record, error) {
	for !r.done {
		t, err := r.xml.next()
		if errors.Is(err, io.EOF) {
			r.done = true
			break
		}
		if err != nil {
			return nil, err
		}
		switch {
		case t == tokenStart && string(r.xml.name) == "row":
			if err := r.row(); err != nil {
				return nil, err
			}
			if r.columns > 0 || r.problem != nil {
				return r.record(), nil
			}
		case t == tokenEnd && string(r.xml.name) == "sheetData":
			r.done = true
		}
	}
	return nil, io.EOF
}

// row takes in the row that has just begun. Rows without a number follow the one before.
func (r *sheetReader) row() error {
	line := r.rec.Line + 1
	if n, err := strconv.ParseInt(string(r.xml.attr("r")), 10, 64); err == nil && n > line {
		line = n
	}
	r.rec.Line = line
	r.buf, r.columns, r.problem = r.buf[:0], 0, nil
	clear(r.cells[:])
	column := -1
	for depth := r.xml.depth; ; {
		t, err := r.xml.next()
		if err != nil {
			return err
		}
		switch {
		case t == tokenStart && string(r.xml.name) == "c":
			column = columnOf(r.xml.attr("r"), column+1)
			if err := r.cell(column); err != nil {
				return err
			}
		case t == tokenStart:
			if err := r.xml.skip(); err != nil {
				return err
			}
		case t == tokenEnd && r.xml.depth < depth:
			return nil
		}
	}
}

// columnOf reads the column of a reference such as "AB12", from 0; other is for what is none.
func columnOf(ref []byte, other int) int {
	n := 0
	for i, c := range ref {
		switch {
		case 'A' <= c && c <= 'Z':
			n = n*26 + int(c-'A') + 1
		case 'a' <= c && c <= 'z':
			n = n*26 + int(c-'a') + 1
		case i > 0:
			return n - 1
		default:
			return other
		}
		if n > 1<<20 {
			return 1 << 20
		}
	}
	return other
}

// cell takes in the cell that has just begun.
func (r *sheetReader) cell(column int) error {
	kind, styleNo := cellKind(r.xml.attr("t")), -1
	if n, err := strconv.Atoi(string(r.xml.attr("s"))); err == nil {
		styleNo = n
	}
	r.value = r.value[:0]
	in := false
	for depth := r.xml.depth; ; {
		t, err := r.xml.next()
		if err != nil {
			return err
		}
		switch {
		case t == tokenStart && string(r.xml.name) == "is":
			if r.value, err = r.xml.richText(r.value[:0]); err != nil {
				return err
			}
			kind = cellInline
		case t == tokenStart && string(r.xml.name) == "v":
			in = true
		case t == tokenStart:
			if err := r.xml.skip(); err != nil {
				return err
			}
		case t == tokenText && in && len(r.value) <= MaxRecord:
			r.value = append(r.value, r.xml.text...)
		case t == tokenEnd:
			if in = false; r.xml.depth < depth {
				return r.take(column, kind, styleNo)
			}
		}
	}
}

// The kinds of cells (ECMA-376 part 1 §18.18.11).
type kindOfCell byte

const (
	cellNumber kindOfCell = iota
	cellShared
	cellText // a formula's, or a date in ISO 8601, or an error such as #N/A
	cellInline
	cellBoolean
)

func cellKind(t []byte) kindOfCell {
	switch string(t) {
	case "s":
		return cellShared
	case "str", "d", "e":
		return cellText
	case "inlineStr":
		return cellInline
	case "b":
		return cellBoolean
	}
	return cellNumber
}

// take writes the value of a cell to the row.
func (r *sheetReader) take(column int, kind kindOfCell, styleNo int) error {
	if len(r.value) == 0 || r.problem != nil {
		return nil
	}
	from := len(r.buf)
	switch kind {
	case cellShared:
		i, err := strconv.ParseInt(string(bytes.TrimSpace(r.value)), 10, 64)
		if err != nil {
			i = -1
		}
		text, ok, err := r.shared.get(i)
		if err != nil {
			return err
		}
		if !ok {
			r.problem = ErrNoString
			return nil
		}
		r.buf = append(r.buf, text...)
	case cellText:
		r.buf = append(r.buf, unescapeExcel(r.value)...)
	case cellInline:
		r.buf = append(r.buf, r.value...)
	case cellBoolean:
		r.buf = append(r.buf, boolean(r.value)...)
	default:
		st := style{}
		if styleNo >= 0 && styleNo < len(r.styles) {
			st = r.styles[styleNo]
		}
		r.buf = appendNumber(r.buf, r.value, st, r.base1904)
	}
	r.place(column, from)
	return nil
}

func boolean(v []byte) string {
	switch string(bytes.TrimSpace(v)) {
	case "1", "true":
		return "true"
	case "0", "false":
		return "false"
	}
	return string(v)
}

// place notes where the value of a column is.
func (r *sheetReader) place(column, from int) {
	switch {
	case len(bytes.TrimSpace(r.buf[from:])) == 0:
		r.buf = r.buf[:from]
	case column >= MaxFields:
		r.problem = ErrTooMany
	case len(r.buf) > MaxRecord:
		r.problem = ErrTooBig
	default:
		r.cells[column] = place{from, len(r.buf)}
		r.columns = max(r.columns, column+1)
		r.buf = append(r.buf, '\t')
	}
}

// record makes the record of the row.
func (r *sheetReader) record() *Record {
	r.rec.Start = r.rec.End
	if r.part.size > 0 {
		r.rec.End = max(r.rec.End, int64(float64(r.size)*min(1, float64(r.part.stored.n)/float64(r.part.size))))
	}
	r.rec.Problem, r.fields = r.problem, r.fields[:0]
	if r.problem != nil {
		r.rec.Raw = bytes.TrimSuffix(r.buf[:min(len(r.buf), maxShown)], []byte("\t"))
		r.fields = append(r.fields, r.rec.Raw)
	} else {
		r.rec.Raw = bytes.TrimSuffix(r.buf, []byte("\t"))
		for i := range max(r.columns, r.width) {
			c := r.cells[i]
			r.fields = append(r.fields, r.buf[c.from:c.to:c.to])
		}
	}
	r.rec.Fields = r.fields
	return &r.rec
}
