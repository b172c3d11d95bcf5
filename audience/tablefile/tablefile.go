// Package tablefile reads tables of text as they come from spreadsheets and other people's exports, row by row, and keeps going.
//
// It reads CSV with any delimiter and in many encodings, and the sheets of XLSX workbooks, each also as a gzip file. A malformed row is one Record with a
// Problem, and reading goes on after it. What a file gives depends on its bytes alone.
//
// Invariant: memory does not depend on the file's size or on what is inside. A row, a cell and a tag of XML have limits; the shared strings of a workbook go to a
// temporary file when they are many; and what a compressed file unpacks to is bounded in all and in proportion to its size.
package tablefile

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"postrider/internal/errs"
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
	ErrTooBig     = errors.New("the row holds more than 1 MB")
	ErrNoString   = errors.New("a cell points at a text that is not in the workbook")
)

// Kinds of files.
const (
	KindCSV  = "csv"
	KindXLSX = "xlsx"
)

// CompressionGzip is the compression that is read; "" is none.
const CompressionGzip = "gzip"

// Record is one record of the file. Its slices are valid until the next call of Next.
type Record struct {
	// Line is the line of the file on which the record starts, from 1; in a workbook it is the row of the sheet.
	Line int64
	// Start and End are its place in the stored file in bytes. In a plain file in UTF-8 they are exact and End is after the line end. Otherwise they are how far the
	// stored file had been read before and after the record. They never go back and never pass the file's size.
	Start, End int64
	// Raw is all of its bytes without the line end, in UTF-8, of a workbook its fields with tabs between them. With a Problem it is at most the first few kB of its first line.
	Raw []byte
	// Fields are the values, unquoted. With a Problem it is Raw alone.
	Fields [][]byte
	// Problem says why the record could not be split; it then stands for one line of the file.
	Problem error
}

// Source is a stored file: *bytes.Reader is one, os.File with its size another.
type Source interface {
	io.ReaderAt
	Size() int64
}

// Options say how a file is to be read.
type Options struct {
	Kind        string // KindCSV or KindXLSX; "" is CSV
	Compression string // "" or CompressionGzip; a workbook must be unpacked
	Delimiter   byte   // of CSV
	Encoding    string // of CSV, see Encodings; "" is UTF-8
	Sheet       string // of a workbook; "" is the first
	// Width is how many columns the rows of a workbook have: since empty cells at the end of a row are not stored, rows are filled up to it. 0 is none.
	Width int
	// MaxUnpacked bounds what a compressed file may unpack to, in bytes; 0 is DefaultUnpacked.
	MaxUnpacked int64
	// TempDir is for the shared strings of large workbooks; "" is the system's.
	TempDir string
}

// DefaultUnpacked is what a compressed file may unpack to when nothing else is said, in bytes.
const DefaultUnpacked = 64 << 30

// What is compressed more than this, behind the first bytes, is taken for an attack: CSV and sheets come to a tenth or a fortieth, thousands of empty rows to a two-hundredth.
const (
	maxRatio    = 400
	freeOfRatio = 256 << 20
)

// Reader reads the records of one file from its start. It is not safe for concurrent use.
type Reader struct {
	records
	close func() error
}

// records is what the kinds of files have in common.
type records interface {
	next() (*Record, error)
}

// Open reads a file. Errors of kind errs.Invalid say what is wrong with the file or the options; others are those of the source.
func Open(src Source, o Options) (*Reader, error) {
	if o.MaxUnpacked <= 0 {
		o.MaxUnpacked = DefaultUnpacked
	}
	switch {
	case o.Kind == KindXLSX && o.Compression == "":
		return openXLSX(src, o)
	case o.Kind == KindCSV || o.Kind == "":
		return openCSV(src, o)
	}
	return nil, errs.New(errs.Invalid, "files of kind %q with compression %q cannot be read", o.Kind, o.Compression)
}

// Next gives the next record that is not blank; a record is blank when all its fields are empty. At the end it is io.EOF. An error of kind errs.Invalid says that
// the file is damaged or unpacks to too much, and will be the same when it is read again; others are those of the source.
func (r *Reader) Next() (*Record, error) { return r.next() }

// Skip passes over n records, as far as there are any.
func (r *Reader) Skip(n int64) error {
	for range n {
		if _, err := r.next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Close frees what the reader holds beside memory. It is needed for workbooks and does no harm to others.
func (r *Reader) Close() error {
	if r.close == nil {
		return nil
	}
	return r.close()
}

// openCSV builds the way from stored bytes to text.
func openCSV(src Source, o Options) (*Reader, error) {
	if !ValidDelimiter(string(o.Delimiter)) {
		return nil, errs.New(errs.Invalid, "%q cannot part columns", o.Delimiter)
	}
	stored := &countingReader{r: io.NewSectionReader(src, 0, src.Size())}
	var text io.Reader = stored
	if o.Compression != "" {
		unpacked, err := Unpack(stored, o.Compression, o.MaxUnpacked)
		if err != nil {
			return nil, err
		}
		text = unpacked
	}
	decoded, err := decode(text, o.Encoding)
	if err != nil {
		return nil, err
	}
	csv := newCSV(decoded, o.Delimiter)
	if decoded == io.Reader(stored) {
		return &Reader{records: csv}, nil
	}
	label := ""
	if decoded != text {
		label = EncodingLabel(o.Encoding)
	}
	return &Reader{records: &indirect{csv: csv, stored: stored, label: label}}, nil
}

// indirect is CSV whose text is not what is stored: it was compressed or in another encoding.
type indirect struct {
	csv    *csvReader
	stored *countingReader
	label  string // of the encoding, "" when it was UTF-8
	last   int64
}

func (r *indirect) next() (*Record, error) {
	rec, err := r.csv.next()
	if err != nil {
		return nil, err
	}
	rec.Start, rec.End = r.last, r.stored.n
	r.last = rec.End
	if r.label != "" && rec.Problem == nil && bytes.Contains(rec.Raw, replacement) {
		rec.Problem = fmt.Errorf("the row has bytes that are no text in %s: choose the encoding in which the file was saved", r.label)
		rec.Raw = rec.Raw[:min(len(rec.Raw), maxShown)]
		rec.Fields = append(rec.Fields[:0], rec.Raw)
	}
	return rec, nil
}

// replacement is what decoders write for bytes that mean nothing.
var replacement = []byte("\uFFFD")

// countingReader counts what was read.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Unpack gives what a compressed stream holds, at most limit bytes. What is damaged, cut off, or unpacks to too much is an errs.Invalid error.
func Unpack(packed io.Reader, compression string, limit int64) (io.Reader, error) {
	if compression != CompressionGzip {
		return nil, errs.New(errs.Invalid, "the compression %q is not known: use gzip", compression)
	}
	counted := &countingReader{r: packed}
	z, err := gzip.NewReader(bufio.NewReaderSize(counted, 64<<10))
	if err != nil {
		return nil, damaged(err, "gzip file")
	}
	return &bounded{r: z, packed: func() int64 { return counted.n }, limit: limit, what: "gzip file"}, nil
}

// bounded ends a stream that unpacks to too much.
type bounded struct {
	r      io.Reader
	packed func() int64 // bytes that were unpacked so far
	n      int64
	limit  int64
	what   string
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	switch {
	case b.n > b.limit:
		return 0, errs.New(errs.Invalid, "the %s unpacks to more than %s: split it", b.what, Size(b.limit))
	case b.n > freeOfRatio && b.n > maxRatio*b.packed():
		return 0, errs.New(errs.Invalid, "the %s unpacks to more than %d times its size, as only files do that are made to break programs: save it anew, without rows that are empty", b.what, maxRatio)
	case err != nil && !errors.Is(err, io.EOF):
		return n, damaged(err, b.what)
	}
	return n, err
}

// damaged tells errors of the unpacking from those of the source, which stay as they are.
func damaged(err error, what string) error {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errs.New(errs.Invalid, "the %s ends in the middle: it was not written or copied to its end; save it again", what)
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrChecksum),
		errors.Is(err, zip.ErrAlgorithm):
		return errs.Because(errs.Invalid, err, "the %s is damaged: save it again", what)
	}
	return err
}

// Size is a number of bytes for people.
func Size(n int64) string {
	for _, u := range []struct {
		name string
		size int64
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.size {
			return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(n)/float64(u.size)), ".0") + " " + u.name
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// tempFile makes a file without a name: it is gone when it is closed, or when the process ends.
func tempFile(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "postrider-table-")
	if err != nil {
		return nil, fmt.Errorf("making a temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("making a temporary file: %w", err), f.Close())
	}
	return f, nil
}
