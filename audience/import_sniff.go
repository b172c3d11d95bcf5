package audience

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"postrider/audience/csvfile"
	"postrider/internal/addr"
	"postrider/internal/errs"
)

const (
	// sniffRows is how many records the form of a file is guessed from.
	sniffRows = 50
	// maxSamples and maxSampleRunes bound the values shown of a column.
	maxSamples     = 3
	maxSampleRunes = 100
)

// wayOut is what a person does about a file in another encoding.
const wayOut = "save it as “CSV UTF-8” (in Excel: File → Save As → CSV UTF-8; in LibreOffice: character set UTF-8) and upload that"

// sniffed is what the head of a file tells.
type sniffed struct {
	format  Format
	columns []Column
}

// sniff guesses the form of a file from its head; whole says that the head is all of it. A file that is not CSV in UTF-8, or has nothing to import, is an
// Invalid error about the field "file".
func sniff(head []byte, whole bool) (sniffed, error) {
	if err := checkBinary(head); err != nil {
		return sniffed{}, err
	}
	delim := guessDelimiter(head, whole)
	recs := headRecords(head, whole, delim, -1)
	if len(recs) == 0 {
		if whole {
			return sniffed{}, badFile("the file is empty")
		}
		return sniffed{}, badFile("the first row is longer than 1 MB: this does not look like a CSV file")
	}
	if p := recs[0].problem; p != nil {
		return sniffed{}, badFile("row %d cannot be read: %s", recs[0].line, p)
	}
	if err := checkEncoding(recs); err != nil {
		return sniffed{}, err
	}
	f := Format{Delimiter: string(delim), Encoding: EncodingUTF8, HasHeader: !hasAddress(recs[0].fields)}
	if bytes.HasPrefix(head, []byte(csvfile.BOM)) {
		f.Encoding = EncodingUTF8BOM
	}
	if f.HasHeader && len(recs) == 1 && whole {
		return sniffed{}, badFile("the file has a header but no rows below it, or its only row has no e-mail address")
	}
	return sniffed{format: f, columns: describeColumns(recs[:min(len(recs), sniffRows)], f.HasHeader)}, nil
}

func badFile(format string, args ...any) error { return errs.InvalidField("file", format, args...) }

// checkBinary refuses what is no text in an ASCII-compatible encoding, by its first bytes.
func checkBinary(head []byte) error {
	for magic, what := range map[string]string{
		"PK\x03\x04":                       "an Excel workbook (.xlsx) or another ZIP file",
		"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old Excel workbook (.xls)",
		"\x1f\x8b":                         "a gzip file",
		"%PDF-":                            "a PDF file",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return badFile("this is %s, not CSV: %s", what, wayOut)
		}
	}
	if len(head) >= 2 && (head[0] == 0xff && head[1] == 0xfe || head[0] == 0xfe && head[1] == 0xff) {
		return badFile("row 1, column 1, byte 0x%02X: the file is in UTF-16 (“Unicode text”), not UTF-8: %s", head[0], wayOut)
	}
	if i := bytes.IndexByte(head, 0); i >= 0 {
		row := 1 + bytes.Count(head[:i], []byte{'\n'})
		at := i - bytes.LastIndexByte(head[:i], '\n')
		if bytes.Count(head, []byte{0}) > len(head)/8 {
			return badFile("row %d, column 1, byte 0x00 at position %d: the file is in UTF-16, not UTF-8: %s", row, at, wayOut)
		}
		return badFile("row %d: byte 0x00 at position %d: this is not a text file: %s", row, at, wayOut)
	}
	return nil
}

// headRecord is a record of the head, with its own memory.
type headRecord struct {
	line    int64
	fields  []string
	problem error
}

// headRecords reads the records of the head, at most limit of them (-1 is all); a last one that may go on behind the head is left out.
func headRecords(head []byte, whole bool, delim byte, limit int) []headRecord {
	r := csvfile.NewReader(bytes.NewReader(head), delim)
	var recs []headRecord
	for len(recs) != limit {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) || !whole && rec.End >= int64(len(head)) || !whole && errors.Is(rec.Problem, csvfile.ErrUnclosed) {
			break
		}
		h := headRecord{line: rec.Line, problem: rec.Problem, fields: make([]string, len(rec.Fields))}
		for i, f := range rec.Fields {
			h.fields[i] = string(f)
		}
		recs = append(recs, h)
	}
	return recs
}

// guessDelimiter takes the delimiter with which the first records look most like a table with addresses.
func guessDelimiter(head []byte, whole bool) byte {
	best, bestScore := byte(','), 0.0
	for _, delim := range []byte{',', ';', '\t'} {
		if score := tableScore(headRecords(head, whole, delim, sniffRows)); score > bestScore {
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

func hasAddress(fields []string) bool {
	for _, f := range fields {
		if isAddress(f) {
			return true
		}
	}
	return false
}

func isAddress(s string) bool {
	if !strings.Contains(s, "@") {
		return false
	}
	_, err := addr.Normalize(s)
	return err == nil
}

// fewBroken is how many rows must be read for a single one that is not UTF-8 to pass as an accident.
const fewBroken = 20

// checkEncoding tells a file in another encoding from one with a few broken bytes. It is in another one when the header is not UTF-8, or when of the rows
// with letters beyond ASCII no more are UTF-8 than are not. Otherwise, or when it is one row of many, broken rows are rejected when their turn comes.
func checkEncoding(recs []headRecord) error {
	var good, bad int
	var first *headRecord
	for i := range recs {
		row := strings.Join(recs[i].fields, "")
		switch {
		case !utf8.ValidString(row):
			if bad++; first == nil {
				first = &recs[i]
			}
		case strings.ContainsFunc(row, func(r rune) bool { return r >= utf8.RuneSelf }):
			good++
		}
	}
	accident := good > bad || bad == 1 && len(recs) >= fewBroken
	if first == nil || accident && first != &recs[0] {
		return nil
	}
	column, b, at := firstInvalid(first.fields)
	return badFile("row %d, column %d, byte 0x%02X at position %d of the value: the file is not in UTF-8%s: %s",
		first.line, column+1, b, at, guessCodepage(recs), wayOut)
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

// guessCodepage names the likely encoding: Cyrillic text is whole words of bytes over 0x7F, Western text has single ones among ASCII letters.
func guessCodepage(recs []headRecord) string {
	var high, pairs int
	for _, rec := range recs {
		for _, f := range rec.fields {
			for i := range len(f) {
				if f[i] < 0x80 {
					continue
				}
				if high++; i > 0 && f[i-1] >= 0xc0 && f[i] >= 0xc0 {
					pairs++
				}
			}
		}
	}
	name := "Windows-1252 (Western)"
	if 2*pairs > high {
		name = "Windows-1251 (Cyrillic)"
	}
	return fmt.Sprintf(", but probably in %s", name)
}

// describeColumns gives the columns of the first record with samples and what they may be mapped to.
func describeColumns(recs []headRecord, header bool) []Column {
	columns := make([]Column, len(recs[0].fields))
	rows := recs
	if header {
		rows = recs[1:]
	}
	counts := make([]valueCount, len(columns))
	for i := range columns {
		columns[i] = Column{Index: i, Samples: []string{}}
		if header {
			columns[i].Header = shorten(oneLine(recs[0].fields[i]))
		}
		for _, rec := range rows {
			if len(rec.fields) == len(columns) {
				counts[i].add(&columns[i], strings.TrimSpace(rec.fields[i]))
			}
		}
	}
	suggest(columns, counts)
	return columns
}

// valueCount counts the values of a column and those that are addresses.
type valueCount struct{ values, addresses int }

func (v *valueCount) add(c *Column, value string) {
	if value == "" || !utf8.ValidString(value) {
		return
	}
	v.values++
	if isAddress(value) {
		v.addresses++
	}
	if len(c.Samples) < maxSamples {
		c.Samples = append(c.Samples, shorten(value))
	}
}

func shorten(s string) string {
	r := []rune(s)
	if len(r) <= maxSampleRunes {
		return s
	}
	return string(r[:maxSampleRunes-1]) + "…"
}
