package tablefile

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"path"
	"strconv"
	"strings"

	"postrider/internal/errs"
)

// Bounds of a workbook.
const (
	maxDirectory = 4 << 20   // bytes of the list of files in the ZIP
	maxPart      = 256 << 20 // unpacked bytes of the parts beside sheets and strings
	maxSheets    = 1000
	maxStyles    = 1 << 17
	maxName      = 1 << 10 // bytes of the name of a sheet or part
)

// Sheet is a sheet of a workbook that holds a table; sheets of charts are none.
type Sheet struct {
	Name   string
	Hidden bool
}

// Workbook is an XLSX file whose table of contents was read.
type Workbook struct {
	src      Source
	limit    int64
	parts    map[string]*zip.File // by name in lower case
	sheets   []Sheet
	targets  []string // parts of the sheets
	strings  string   // part of the shared strings, "" when there are none
	styles   string
	base1904 bool
}

// OpenWorkbook reads the table of contents. What is no workbook is an errs.Invalid error that says what it is.
func OpenWorkbook(src Source, o Options) (*Workbook, error) {
	if o.MaxUnpacked <= 0 {
		o.MaxUnpacked = DefaultUnpacked
	}
	w := &Workbook{src: src, limit: o.MaxUnpacked, parts: map[string]*zip.File{}}
	if err := checkDirectory(src); err != nil {
		return nil, err
	}
	directory := &budgetAt{src: src, left: maxDirectory}
	z, err := zip.NewReader(directory, src.Size())
	if err != nil {
		return nil, damaged(err, "workbook")
	}
	directory.left = -1
	for _, f := range z.File {
		w.parts[partName(f.Name)] = f
	}
	main, err := w.find()
	if err != nil {
		return nil, err
	}
	related, err := w.relations(main)
	if err != nil {
		return nil, err
	}
	if err := w.readMain(main, related); err != nil {
		return nil, err
	}
	if len(w.sheets) == 0 {
		return nil, errs.New(errs.Invalid, "the workbook has no sheet with a table")
	}
	for _, r := range related {
		switch {
		case strings.HasSuffix(r.kind, "/sharedStrings"):
			w.strings = r.target
		case strings.HasSuffix(r.kind, "/styles"):
			w.styles = r.target
		}
	}
	return w, nil
}

// checkDirectory refuses a ZIP that says to hold very many files: memory is reserved for as many as it says before any was read (PKWARE APPNOTE 4.3.14).
func checkDirectory(src Source) error {
	const ends, locator, maxFiles = 22 + 1<<16, 20, 100_000
	tail := make([]byte, min(src.Size(), ends+locator))
	if _, err := src.ReadAt(tail, src.Size()-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for at := 0; ; at++ {
		i := bytes.Index(tail[at:], []byte("PK\x06\x07"))
		if i < 0 || len(tail)-at-i < locator {
			return nil
		}
		at += i
		var record [40]byte
		offset := binary.LittleEndian.Uint64(tail[at+8:])
		if offset > uint64(src.Size()) {
			continue
		}
		if _, err := src.ReadAt(record[:], int64(offset)); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if binary.LittleEndian.Uint64(record[32:]) > maxFiles {
			return errs.New(errs.Invalid, "the workbook consists of too many files: save it anew")
		}
	}
}

// budgetAt bounds how much is read while left is not negative: whoever makes a ZIP decides how long its list of files is.
type budgetAt struct {
	src  Source
	left int64
}

func (b *budgetAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > b.src.Size() {
		return 0, zip.ErrFormat // the ZIP points out of itself
	}
	if b.left >= 0 {
		if b.left -= int64(len(p)); b.left < 0 {
			return 0, errs.New(errs.Invalid, "the workbook consists of too many files: save it anew")
		}
	}
	return b.src.ReadAt(p, off)
}

func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(name, `\`, "/")), "/"))
}

// Sheets are the sheets in the order of the workbook.
func (w *Workbook) Sheets() []Sheet { return w.sheets }

// find gives the main part of the workbook, or says what the file is instead.
func (w *Workbook) find() (string, error) {
	if w.parts["[content_types].xml"] != nil || w.parts["_rels/.rels"] != nil {
		rels, err := w.relations("")
		if err != nil {
			return "", err
		}
		for _, r := range rels {
			if strings.HasSuffix(r.kind, "/officeDocument") && strings.HasSuffix(r.target, ".xml") && !strings.HasPrefix(r.target, "word/") && !strings.HasPrefix(r.target, "ppt/") {
				return r.target, nil
			}
		}
	}
	what := "a ZIP file, but no Excel workbook (.xlsx)"
	switch {
	case w.parts["xl/workbook.xml"] != nil:
		return "xl/workbook.xml", nil
	case w.parts["xl/workbook.bin"] != nil:
		what = "a binary Excel workbook (.xlsb)"
	case w.parts["content.xml"] != nil && w.parts["mimetype"] != nil:
		what = "an OpenDocument file, such as LibreOffice writes (.ods)"
	case w.parts["word/document.xml"] != nil:
		what = "a Word document"
	case w.parts["ppt/presentation.xml"] != nil:
		what = "a PowerPoint presentation"
	case w.parts["index/document.iwa"] != nil:
		what = "a document of Apple Numbers"
	}
	return "", errs.New(errs.Invalid, "this is %s", what)
}

// relation points from one part to another.
type relation struct{ id, kind, target string }

// relations gives the relations of a part; those of "" are of the file as a whole.
func (w *Workbook) relations(part string) ([]relation, error) {
	dir, base := path.Split(part)
	name := partName(dir + "_rels/" + base + ".rels")
	if w.parts[name] == nil {
		return nil, nil
	}
	x, err := w.xml(name)
	if err != nil {
		return nil, err
	}
	var out []relation
	err = x.elements(func() error {
		target := string(x.attr("Target"))
		if string(x.name) != "Relationship" || string(x.attr("TargetMode")) == "External" || len(target) > maxName {
			return nil
		}
		if !strings.HasPrefix(target, "/") {
			target = dir + target
		}
		if out = append(out, relation{string(x.attr("Id")), string(x.attr("Type")), partName(target)}); len(out) > 10*maxSheets {
			return x.broken("it has too many relations")
		}
		return nil
	})
	return out, err
}

// elements calls f for each element of a small part.
func (x *xmlScanner) elements(f func() error) error {
	for {
		t, err := x.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && t == tokenStart {
			err = f()
		}
		if err != nil {
			return err
		}
	}
}

// readMain reads the list of sheets.
func (w *Workbook) readMain(main string, related []relation) error {
	x, err := w.xml(main)
	if err != nil {
		return err
	}
	return x.elements(func() error {
		switch string(x.name) {
		case "workbookPr":
			v := string(x.attr("date1904"))
			w.base1904 = v == "1" || v == "true"
		case "sheet":
			id, name := string(x.attr("id")), string(x.attr("name"))
			for _, r := range related {
				if r.id != id || !strings.HasSuffix(r.kind, "/worksheet") || w.parts[r.target] == nil || len(name) > maxName {
					continue
				}
				if len(w.sheets) == maxSheets {
					return x.broken("it has more than 1000 sheets")
				}
				state := string(x.attr("state"))
				w.sheets = append(w.sheets, Sheet{Name: strings.ToValidUTF8(name, "\uFFFD"), Hidden: state == "hidden" || state == "veryHidden"})
				w.targets = append(w.targets, r.target)
			}
		}
		return nil
	})
}

// xml opens a small part.
func (w *Workbook) xml(name string) (*xmlScanner, error) {
	p, err := w.open(name, min(w.limit, maxPart))
	if err != nil {
		return nil, err
	}
	return newXML(p, name), nil
}

// openPart is a part of a workbook that is being read.
type openPart struct {
	bounded
	stored *countingReader
	size   int64 // stored bytes in all
}

// open unpacks a part.
func (w *Workbook) open(name string, limit int64) (*openPart, error) {
	f := w.parts[name]
	if f == nil {
		return nil, errs.New(errs.Invalid, "the workbook is damaged (%s is missing): save it again", name)
	}
	if f.Flags&1 != 0 {
		return nil, errs.New(errs.Invalid, "the workbook is encrypted: save it without a password")
	}
	raw, err := f.OpenRaw()
	if err != nil {
		return nil, damaged(err, "workbook")
	}
	p := &openPart{stored: &countingReader{r: raw}, size: int64(f.CompressedSize64)}
	p.limit, p.what, p.packed = limit, "workbook", func() int64 { return p.stored.n }
	switch f.Method {
	case zip.Store:
		p.r = p.stored
	case zip.Deflate:
		p.r = flate.NewReader(bufio.NewReaderSize(p.stored, 64<<10))
	default:
		return nil, errs.New(errs.Invalid, "the workbook is packed in a way that Excel does not use (method %d): save it again", f.Method)
	}
	p.r = &checked{r: p.r, sum: crc32.NewIEEE(), want: f.CRC32}
	return p, nil
}

// checked compares the sum of a part at its end.
type checked struct {
	r    io.Reader
	sum  hash.Hash32
	want uint32
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	_, _ = c.sum.Write(p[:n]) // a hash never fails
	if errors.Is(err, io.EOF) && c.sum.Sum32() != c.want {
		return n, zip.ErrChecksum
	}
	return n, err
}

// readStyles gives the formats of cells by their number.
func (w *Workbook) readStyles() ([]style, error) {
	if w.styles == "" || w.parts[w.styles] == nil {
		return nil, nil
	}
	x, err := w.xml(w.styles)
	if err != nil {
		return nil, err
	}
	var out []style
	custom := map[int]style{}
	inCells := false
	for {
		t, err := x.next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		switch {
		case string(x.name) == "cellXfs":
			inCells = t == tokenStart
		case t != tokenStart:
		case string(x.name) == "numFmt" && len(custom) < maxStyles:
			if id, err := strconv.Atoi(string(x.attr("numFmtId"))); err == nil {
				custom[id] = styleOf(string(x.attr("formatCode")))
			}
		case inCells && string(x.name) == "xf" && len(out) < maxStyles:
			id, _ := strconv.Atoi(string(x.attr("numFmtId"))) // without one it is 0, General
			st, ok := custom[id]
			if !ok {
				st = builtinStyle(id)
			}
			out = append(out, st)
		}
	}
}

// openXLSX opens one sheet of a workbook.
func openXLSX(src Source, o Options) (*Reader, error) {
	w, err := OpenWorkbook(src, o)
	if err != nil {
		return nil, err
	}
	return w.Open(o)
}

// Open reads a sheet, by the options Sheet, Width and TempDir.
func (w *Workbook) Open(o Options) (*Reader, error) {
	at := 0
	if o.Sheet != "" {
		if at = w.index(o.Sheet); at < 0 {
			return nil, errs.New(errs.Invalid, "the workbook has no sheet %q", o.Sheet)
		}
	}
	styles, err := w.readStyles()
	if err != nil {
		return nil, err
	}
	part, err := w.open(w.targets[at], w.limit)
	if err != nil {
		return nil, err
	}
	shared := &sharedStrings{dir: o.TempDir}
	if w.strings != "" && w.parts[w.strings] != nil {
		p, err := w.open(w.strings, w.limit)
		if err != nil {
			return nil, err
		}
		shared.xml = newXML(p, "shared strings")
	}
	r := &sheetReader{
		xml: newXML(part, fmt.Sprintf("sheet %q", w.sheets[at].Name)), part: part, size: w.src.Size(), shared: shared, styles: styles, base1904: w.base1904, width: min(o.Width, MaxFields),
	}
	return &Reader{records: r, close: shared.close}, nil
}

func (w *Workbook) index(name string) int {
	for i, s := range w.sheets {
		if s.Name == name {
			return i
		}
	}
	return -1
}
