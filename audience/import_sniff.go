package audience

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"postrider/audience/cell"
	"postrider/audience/tablefile"
	"postrider/internal/addr"
	"postrider/internal/errs"
)

const (
	// sniffRows is how many records the delimiter of a file is guessed from, and guessRows the types of its columns.
	sniffRows = 50
	guessRows = 1000
	// maxSamples and maxSampleRunes bound the values shown of a column.
	maxSamples     = 3
	maxSampleRunes = 100
)

// wayOut is what a person does about a file that we do not read.
const wayOut = "save it as “CSV UTF-8” (in Excel: File → Save As → CSV UTF-8; in LibreOffice: character set UTF-8) and upload that"

// sniffed is what the head of a file tells.
type sniffed struct {
	format  Format
	columns []Column
	counts  []valueCount
}

// FormatChange corrects what was guessed of a file's form. What is "" or nil stays as it is.
type FormatChange struct {
	Delimiter string
	Encoding  string
	Sheet     string
	HasHeader *bool
}

// sniff guesses the form of a file, except for what is said about it already. src is the file or its head; whole says that it is all of it, as it must be of a workbook. A file that
// cannot be read, or has nothing to import, is an Invalid error about the field "file", and a change that does not fit is one about its own field.
func sniff(src tablefile.Source, whole bool, said FormatChange, limits UploadLimits) (sniffed, error) {
	head := make([]byte, min(src.Size(), chunkBytes))
	if _, err := src.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return sniffed{}, err
	}
	if err := checkKind(head); err != nil {
		return sniffed{}, err
	}
	switch {
	case isZIP(head):
		return sniffWorkbook(src, said, limits)
	case isGzip(head):
		text, all, err := unpackHead(head, limits)
		if err != nil {
			return sniffed{}, err
		}
		return sniffText(text, all && whole && src.Size() == int64(len(head)), Format{Kind: tablefile.KindCSV, Compression: tablefile.CompressionGzip, Sheets: []string{}}, said)
	}
	return sniffText(head, whole && src.Size() == int64(len(head)), Format{Kind: tablefile.KindCSV, Sheets: []string{}}, said)
}

func isZIP(head []byte) bool  { return bytes.HasPrefix(head, []byte("PK\x03\x04")) }
func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte("\x1f\x8b")) }

// unpackHead gives up to chunkBytes of what the head of a gzip file unpacks to; all says that it is all of what the head holds, and ended well.
func unpackHead(head []byte, limits UploadLimits) (text []byte, all bool, err error) {
	r, err := tablefile.Unpack(bytes.NewReader(head), tablefile.CompressionGzip, limits.Unpacked)
	if err != nil {
		return nil, false, fileError(err)
	}
	text = make([]byte, chunkBytes)
	n, err := io.ReadFull(r, text)
	switch text = text[:n]; {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return text, true, nil
	case err != nil && n == 0:
		return nil, false, fileError(err)
	}
	return text, false, nil
}

// fileError makes what tablefile says about a file an error about the field "file".
func fileError(err error) error {
	var e *errs.E
	if errors.As(err, &e) && e.Kind == errs.Invalid && len(e.Fields) == 0 {
		return badFile("%s", e.Public)
	}
	return err
}

func badFile(format string, args ...any) error { return errs.InvalidField("file", format, args...) }

// checkKind refuses kinds of files that are not read, by their first bytes.
func checkKind(head []byte) error {
	for magic, what := range map[string]string{
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel workbook (.xls) or one with a password",
		"%PDF-":                            "a PDF file",
		"7z\xbc\xaf\x27\x1c":               "a 7-Zip file",
		"Rar!":                             "a RAR file",
		"BZh":                              "a bzip2 file",
		"\xfd7zXZ":                         "an xz file",
		"(\xb5/\xfd":                       "a Zstandard file",
		"PAR1":                             "a Parquet file",
		"SQLite format 3\x00":              "an SQLite database",
		"{\\rtf":                           "a text document (RTF)",
		"<!DOCTYPE":                        "a web page or XML",
		"<html":                            "a web page",
		"<?xml":                            "an XML file",
		"\xff\xfe\x00\x00":                 "a text in UTF-32",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return badFile("this is %s, neither CSV nor an Excel workbook (.xlsx): %s", what, wayOut)
		}
	}
	return nil
}

// sniffText guesses the form of CSV from its beginning.
func sniffText(text []byte, whole bool, f Format, said FormatChange) (sniffed, error) {
	if err := checkKind(text); err != nil || isZIP(text) || isGzip(text) {
		if err == nil {
			err = badFile("the gzip file holds another packed file: unpack it and upload what is inside")
		}
		return sniffed{}, err
	}
	if f.Encoding = said.Encoding; f.Encoding == "" {
		f.Encoding = tablefile.Detect(text, whole)
	}
	decoded, err := tablefile.Decode(text, f.Encoding, whole)
	if err != nil {
		return sniffed{}, errs.InvalidField("encoding", "the encoding %q is not known", f.Encoding)
	}
	if i := bytes.IndexByte(decoded, 0); i >= 0 {
		row := 1 + bytes.Count(decoded[:i], []byte{'\n'})
		return sniffed{}, badFile("row %d: byte 0x00 at position %d: this is not a text file: %s", row, i-bytes.LastIndexByte(decoded[:i], '\n'), wayOut)
	}
	switch f.Delimiter = said.Delimiter; {
	case f.Delimiter == "":
		f.Delimiter = string(guessDelimiter(decoded, whole))
	case !tablefile.ValidDelimiter(f.Delimiter):
		return sniffed{}, errs.InvalidField("delimiter", "%q cannot part columns: use a comma, a semicolon, a tab, a bar or another single sign", f.Delimiter)
	}
	recs := headRecords(decoded, whole, f.Delimiter[0], guessRows)
	if len(recs) == 0 {
		if whole {
			return sniffed{}, badFile("the file is empty")
		}
		return sniffed{}, badFile("the first row is longer than 1 MB: this does not look like a CSV file")
	}
	if p := recs[0].problem; p != nil {
		return sniffed{}, badFile("row %d cannot be read: %s", recs[0].line, p)
	}
	if first := strings.Join(recs[0].fields, ""); !utf8.ValidString(first) || strings.Contains(first, "\uFFFD") && f.Encoding != EncodingUTF8 && f.Encoding != EncodingUTF8BOM {
		return sniffed{}, errs.InvalidField("encoding", "row %d has bytes that are no text in %s: choose the encoding in which the file was saved, or %s",
			recs[0].line, tablefile.EncodingLabel(f.Encoding), wayOut)
	}
	return describe(f, recs, said, whole)
}

// sniffWorkbook guesses which sheet of a workbook is meant, the first one with data that is not hidden, and reads its head.
func sniffWorkbook(src tablefile.Source, said FormatChange, limits UploadLimits) (sniffed, error) {
	o := tablefile.Options{Kind: tablefile.KindXLSX, MaxUnpacked: limits.Unpacked, TempDir: limits.TempDir}
	book, err := tablefile.OpenWorkbook(src, o)
	if err != nil {
		err = fileError(err)
		var e *errs.E
		if errors.As(err, &e) && e.Kind == errs.Invalid && strings.HasPrefix(e.Public, "this is ") {
			err = badFile("%s: %s", e.Public, wayOut)
		}
		return sniffed{}, err
	}
	f := Format{Kind: tablefile.KindXLSX, Sheets: []string{}}
	var candidates []string
	for _, hidden := range []bool{false, true} {
		for _, sheet := range book.Sheets() {
			if sheet.Hidden == hidden {
				candidates = append(candidates, sheet.Name)
			}
		}
	}
	for _, sheet := range book.Sheets() {
		f.Sheets = append(f.Sheets, sheet.Name)
	}
	if said.Sheet != "" {
		if !slices.Contains(f.Sheets, said.Sheet) {
			return sniffed{}, errs.InvalidField("sheet", "the workbook has no sheet %q", said.Sheet)
		}
		candidates = []string{said.Sheet}
	}
	for _, f.Sheet = range candidates {
		o.Sheet = f.Sheet
		recs, whole, err := sheetHead(book, o)
		if err != nil {
			return sniffed{}, fileError(err)
		}
		if len(recs) > 0 {
			return describe(f, recs, said, whole)
		}
	}
	if said.Sheet != "" {
		return sniffed{}, errs.InvalidField("sheet", "the sheet %q is empty", said.Sheet)
	}
	return sniffed{}, badFile("the workbook is empty")
}

// sheetHead reads the first records of a sheet. All have as many fields as the widest of the first ones.
func sheetHead(book *tablefile.Workbook, o tablefile.Options) (recs []headRecord, whole bool, err error) {
	r, err := book.Open(o)
	if err != nil {
		return nil, false, err
	}
	defer r.Close()
	width, size := 0, 0
	for len(recs) < guessRows && size < 4*chunkBytes {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			whole = true
			break
		}
		if err != nil {
			return nil, false, err
		}
		h := copyRecord(rec)
		size += len(rec.Raw)
		if h.problem == nil && len(recs) < sniffRows {
			width = max(width, len(h.fields))
		}
		recs = append(recs, h)
	}
	for i := range recs {
		for recs[i].problem == nil && len(recs[i].fields) < width {
			recs[i].fields = append(recs[i].fields, "")
		}
	}
	return recs, whole, nil
}

// describe settles whether there is a header, and describes the columns.
func describe(f Format, recs []headRecord, said FormatChange, whole bool) (sniffed, error) {
	if p := recs[0].problem; p != nil {
		return sniffed{}, badFile("row %d cannot be read: %s", recs[0].line, p)
	}
	f.HasHeader = !hasAddress(recs[0].fields)
	if said.HasHeader != nil {
		f.HasHeader = *said.HasHeader
	}
	if f.HasHeader && len(recs) == 1 && whole {
		return sniffed{}, badFile("the file has a header but no rows below it, or its only row has no e-mail address")
	}
	out := sniffed{format: f}
	out.columns, out.counts = describeColumns(recs, f.HasHeader)
	return out, nil
}

// headRecord is a record of the head, with its own memory.
type headRecord struct {
	line    int64
	fields  []string
	problem error
}

func copyRecord(rec *tablefile.Record) headRecord {
	h := headRecord{line: rec.Line, problem: rec.Problem, fields: make([]string, len(rec.Fields))}
	for i, f := range rec.Fields {
		h.fields[i] = string(f)
	}
	return h
}

// headRecords reads the records of a text in UTF-8, at most limit of them; a last one that may go on behind the head is left out.
func headRecords(text []byte, whole bool, delim byte, limit int) []headRecord {
	r, err := tablefile.Open(bytes.NewReader(text), tablefile.Options{Delimiter: delim})
	if err != nil {
		return nil
	}
	var recs []headRecord
	for len(recs) < limit {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) || !whole && rec.End >= int64(len(text)) || !whole && errors.Is(rec.Problem, tablefile.ErrUnclosed) {
			break
		}
		recs = append(recs, copyRecord(rec))
	}
	return recs
}

// guessDelimiter takes the delimiter that the file names itself, or the one with which the first records look most like a table with addresses.
func guessDelimiter(text []byte, whole bool) byte {
	if delim, n := tablefile.Separator(bytes.TrimPrefix(text, []byte(tablefile.BOM))); n > 0 {
		return delim
	}
	best, bestScore := byte(','), 0.0
	for _, delim := range []byte{',', ';', '\t', '|', '^', '~', ':', 0x1f} {
		if score := tableScore(headRecords(text, whole, delim, sniffRows)); score > bestScore {
			best, bestScore = delim, score
		}
	}
	return best
}

// tableScore is high when most records have one number of columns, more than one, and a column that is an address and nothing else.
func tableScore(recs []headRecord) float64 {
	widths := map[int]int{}
	addresses := 0
	for _, rec := range recs {
		if rec.problem == nil {
			widths[len(rec.fields)]++
		}
		if hasAddress(rec.fields) {
			addresses++
		}
	}
	width, most := 0, 0
	for w, n := range widths {
		if n > most || n == most && w > width {
			width, most = w, n
		}
	}
	if width < 2 {
		return 0
	}
	all := float64(len(recs))
	return float64(most)/all + float64(addresses)/all + min(float64(width), 100)/1e4
}

func hasAddress(fields []string) bool { return slices.ContainsFunc(fields, isAddress) }

func isAddress(s string) bool {
	if !strings.Contains(s, "@") {
		return false
	}
	_, err := addr.Normalize(s)
	return err == nil
}

// firstInvalid finds the first byte that is not UTF-8: the index of its field, the byte, and its position in the field from 1.
func firstInvalid(fields []string) (column int, b byte, at int) {
	for i, f := range fields {
		for pos := 0; pos < len(f); {
			r, size := utf8.DecodeRuneInString(f[pos:])
			if r == utf8.RuneError && size == 1 {
				return i, f[pos], pos + 1
			}
			pos += size
		}
	}
	return 0, 0, 0
}

// describeColumns gives the columns of the first record with samples and what they may be mapped to.
func describeColumns(recs []headRecord, header bool) ([]Column, []valueCount) {
	columns := make([]Column, len(recs[0].fields))
	rows := recs
	if header {
		rows = recs[1:]
	}
	counts := make([]valueCount, len(columns))
	for i := range columns {
		columns[i] = Column{Index: i, Samples: []string{}}
		if header {
			columns[i].Header = shorten(oneLine(storable(recs[0].fields[i])))
		}
		for at, rec := range rows {
			if rec.problem == nil && len(rec.fields) == len(columns) {
				counts[i].add(&columns[i], strings.TrimSpace(rec.fields[i]), at)
			}
		}
	}
	suggest(columns, counts)
	return columns, counts
}

// valueCount counts the values of a column and those that are addresses, and finds their type.
type valueCount struct {
	values, addresses int
	guess             cell.Guesser
}

// add takes in the value of the row at, from 0.
func (v *valueCount) add(c *Column, value string, at int) {
	if value == "" || !utf8.ValidString(value) {
		return
	}
	v.guess.Add(value)
	if at >= sniffRows {
		return
	}
	v.values++
	if isAddress(value) {
		v.addresses++
	}
	if len(c.Samples) < maxSamples {
		c.Samples = append(c.Samples, shorten(storable(value)))
	}
}

func shorten(s string) string {
	r := []rune(s)
	if len(r) <= maxSampleRunes {
		return s
	}
	return string(r[:maxSampleRunes-1]) + "…"
}

// comma is the delimiter of files that are written in the form of the upload.
func (f Format) comma() rune {
	if f.Delimiter == "" {
		return ','
	}
	return rune(f.Delimiter[0])
}

// options say how a stored file is read.
func (i Import) options(limits UploadLimits) tablefile.Options {
	o := tablefile.Options{
		Kind: i.Format.Kind, Compression: i.Format.Compression, Encoding: i.Format.Encoding, Sheet: i.Format.Sheet, Width: len(i.Columns), MaxUnpacked: limits.Unpacked, TempDir: limits.TempDir,
	}
	if i.Format.Delimiter != "" {
		o.Delimiter = i.Format.Delimiter[0]
	}
	return o
}
