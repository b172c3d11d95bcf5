package tablefile

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postrider/internal/errs"
)

// gzipped compresses a text.
func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	_, err := io.WriteString(z, text)
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestGzip(t *testing.T) {
	t.Parallel()
	text := "email;name\n" + strings.Repeat("a@x.org;Ann\n", 50_000)
	packed := gzipped(t, text)
	r, err := Open(bytes.NewReader(packed), Options{Compression: CompressionGzip, Delimiter: ';'})
	if err != nil {
		t.Fatal(err)
	}
	got, err := drain(t, r)
	if err != nil || len(got) != 50_001 || got[50_000].Line != 50_001 || got[50_000].Fields[1] != "Ann" {
		t.Fatalf("%d records, %v", len(got), err)
	}
	if end := got[50_000].End; end != int64(len(packed)) || got[10].End >= end+1 {
		t.Errorf("the last record ends at %d of %d", end, len(packed))
	}
	// Two files one after another are one.
	r, err = Open(bytes.NewReader(append(gzipped(t, "a\n"), gzipped(t, "b\n")...)), Options{Compression: CompressionGzip, Delimiter: ';'})
	if err != nil {
		t.Fatal(err)
	}
	if got, err = drain(t, r); err != nil || len(got) != 2 {
		t.Errorf("two members: %+v, %v", got, err)
	}
}

func TestDamagedGzip(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	var text strings.Builder
	for range 5000 {
		fmt.Fprintf(&text, "%d;%d\n", r.Uint64(), r.Uint64())
	}
	packed := gzipped(t, text.String())
	flipped := bytes.Clone(packed)
	flipped[len(flipped)/2] ^= 0x55
	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"cut off":      {packed[:len(packed)/2], "ends in the middle"},
		"only a head":  {packed[:5], "ends in the middle"},
		"flipped bit":  {flipped, "damaged"},
		"garbage":      {append(bytes.Clone(packed), "garbage behind it"...), "damaged"},
		"not gzip":     {[]byte("email;name is no gzip file"), "damaged"},
		"broken stamp": {append(bytes.Clone(packed[:len(packed)-8]), make([]byte, 8)...), "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Open(bytes.NewReader(tt.file), Options{Compression: CompressionGzip, Delimiter: ';'})
			if err == nil {
				_, err = drain(t, r)
			}
			if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an Invalid error with %q", err, tt.want)
			}
		})
	}
}

// zeros is a gzip file of n MB of one character.
func zeros(t testing.TB, char string, n int) []byte {
	t.Helper()
	var buf bytes.Buffer
	z, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	block := []byte(strings.Repeat(char, 1<<20))
	for range n {
		if _, err := z.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestBombs(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	var lines strings.Builder
	for range 50_000 {
		fmt.Fprintf(&lines, "%d\n", r.Uint64())
	}
	for name, tt := range map[string]struct {
		file  []byte
		limit int64
		want  string
	}{
		"over the limit": {gzipped(t, lines.String()), 100_000, "unpacks to more than 97.7 KiB"},
		"of one row":     {zeros(t, "a", 12), 10 << 20, "unpacks to more than 10 MiB"},
		"of blank lines": {zeros(t, "\n", 12), 10 << 20, "unpacks to more than 10 MiB"},
		"by its ratio":   {deepBomb(t), 0, "400 times its size"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := Open(bytes.NewReader(tt.file), Options{Compression: CompressionGzip, Delimiter: ';', MaxUnpacked: tt.limit})
			if err == nil {
				_, err = drain(t, r)
			}
			if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an Invalid error with %q", err, tt.want)
			}
		})
	}
}

// deepBomb is a gzip file of 300 MB of blank lines, at the highest compression.
func deepBomb(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	block := []byte(strings.Repeat("\n", 1<<20))
	for range 300 {
		if _, err := z.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestHostileWorkbooks(t *testing.T) {
	t.Parallel()
	good := book{sheetPart: sheet(inline("a"))}
	whole := good.pack(t)
	bytesOf := func(r *bytes.Reader) []byte {
		b := make([]byte, r.Size())
		if _, err := r.ReadAt(b, 0); err != nil {
			t.Fatal(err)
		}
		return b
	}
	with := func(name, text string) *bytes.Reader { return book{sheetPart: sheet(inline("a")), name: text}.pack(t) }
	zip64 := append(bytesOf(whole), make([]byte, 4096)...)
	many := zip64Directory(zip64)
	for name, tt := range map[string]struct {
		file  *bytes.Reader
		limit int64
		want  string
	}{
		"cut off":            {bytes.NewReader(bytesOf(whole)[:whole.Size()/2]), 0, "damaged"},
		"empty":              {bytes.NewReader(nil), 0, "damaged"},
		"a billion laughs":   {with(sheetPart, `<!DOCTYPE x [<!ENTITY a "aaaa">]>`+sheet(inline("&a;"))), 0, "document type"},
		"deep elements":      {with(sheetPart, sheet("<row>"+strings.Repeat("<c>", 100_000))), 0, "nested too deep"},
		"no end":             {with(sheetPart, "<worksheet><sheetData><row><c>"), 0, "ends in the middle"},
		"closes too much":    {with(sheetPart, "</worksheet>"), 0, "never opened"},
		"endless tag":        {with(sheetPart, "<worksheet "+strings.Repeat("a='b' ", 20_000)+">"), 0, "longer than 64 kB"},
		"endless comment":    {with(sheetPart, "<worksheet><!-- "+strings.Repeat("a", 200_000)), 0, "ends in the middle"},
		"tag without end":    {with(sheetPart, "<worksheet <row>"), 0, "no end"},
		"no name":            {with(sheetPart, "<worksheet>< /></worksheet>"), 0, "no name"},
		"long CDATA":         {with(sheetPart, sheet("<row><c><v><![CDATA["+strings.Repeat("1", 100_000)+"]]></v></c></row>")), 0, "CDATA"},
		"over the limit":     {with(sheetPart, sheet(strings.Repeat("<row/>", 100_000))), 100_000, "unpacks to more than"},
		"strings over limit": {book{sheetPart: sheet(`<row><c t="s"><v>99999</v></c></row>`), sstPart: "<sst>" + strings.Repeat("<si><t>a</t></si>", 100_000) + "</sst>"}.pack(t), 100_000, "unpacks to more than"},
		"no sheets":          {with(mainPart, `<workbook/>`), 0, "no sheet"},
		"sheets galore":      {with(mainPart, `<workbook>`+strings.Repeat(`<sheet name="a" r:id="rId1"/>`, 1001)+`</workbook>`), 0, "1000 sheets"},
		"relations galore":   {with(relsPart, relations(strings.Fields(strings.Repeat("", 0))...)), 0, "no sheet"},
		"a Word document":    {zipOf(t, "word/document.xml"), 0, "a Word document"},
		"OpenDocument":       {zipOf(t, "mimetype", "content.xml"), 0, ".ods"},
		"binary workbook":    {zipOf(t, "xl/workbook.bin"), 0, ".xlsb"},
		"some ZIP":           {zipOf(t, "people.csv"), 0, "a ZIP file"},
		"files galore":       {manyFiles(t), 0, "too many files"},
		"says files galore":  {many, 0, "too many files"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readBook(t, tt.file, Options{MaxUnpacked: tt.limit})
			if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an Invalid error with %q", err, tt.want)
			}
		})
	}
}

func zipOf(t testing.TB, names ...string) *bytes.Reader {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, n := range names {
		if _, err := z.Create(n); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(buf.Bytes())
}

func manyFiles(t testing.TB) *bytes.Reader {
	t.Helper()
	names := make([]string, 60_000)
	for i := range names {
		names[i] = fmt.Sprintf("xl/a-name-that-is-rather-long-%d", i)
	}
	return zipOf(t, names...)
}

// zip64Directory is a file that says to hold a billion others.
func zip64Directory(b []byte) *bytes.Reader {
	offset := len(b)
	record := make([]byte, 56)
	copy(record, "PK\x06\x06")
	binary.LittleEndian.PutUint64(record[4:], 44)
	binary.LittleEndian.PutUint64(record[24:], 1e9)
	binary.LittleEndian.PutUint64(record[32:], 1e9)
	locator := make([]byte, 20)
	copy(locator, "PK\x06\x07")
	binary.LittleEndian.PutUint64(locator[8:], uint64(offset))
	end := make([]byte, 22)
	copy(end, "PK\x05\x06")
	for _, at := range []int{8, 10} {
		binary.LittleEndian.PutUint16(end[at:], 0xffff)
	}
	binary.LittleEndian.PutUint32(end[12:], 0xffffffff)
	binary.LittleEndian.PutUint32(end[16:], 0xffffffff)
	return bytes.NewReader(append(append(append(b, record...), locator...), end...))
}

// A workbook with a bit flipped anywhere is read or refused with an explanation, and never breaks.
func TestDamagedWorkbooks(t *testing.T) {
	t.Parallel()
	src := book{sheetPart: sheet(strings.Repeat(inline("a@x.org", "Ann"), 50)), stylePart: "<styleSheet/>", sstPart: "<sst/>"}.pack(t)
	file := make([]byte, src.Size())
	if _, err := src.ReadAt(file, 0); err != nil {
		t.Fatal(err)
	}
	for i := range file {
		broken := bytes.Clone(file)
		broken[i] ^= 1 << (i % 8)
		if _, err := readBook(t, bytes.NewReader(broken), Options{MaxUnpacked: 1 << 20}); err != nil && !errs.Is(err, errs.Invalid) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
}

// peak gives the most heap in use while f runs beyond what was in use before, in bytes.
func peak(f func()) uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapInuse
	var most atomic.Uint64
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapInuse))
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	}()
	f()
	close(done)
	<-stopped
	return most.Load() - min(before, most.Load())
}

// bigBook writes a workbook of n rows to a file; with distinct strings when shared.
func bigBook(t testing.TB, n int, shared bool) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "big.xlsx"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	part := func(name string, write func(w io.Writer)) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		write(w)
	}
	for name, text := range map[string]string{
		"_rels/.rels": `<Relationships><Relationship Id="r" Type="/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		mainPart:      `<workbook><sheets><sheet name="People" r:id="rId1"/></sheets></workbook>`,
		relsPart:      relations(`rId1 worksheet worksheets/sheet1.xml`, `rId9 sharedStrings sharedStrings.xml`),
	} {
		part(name, func(w io.Writer) { _, _ = io.WriteString(w, text) })
	}
	part(sheetPart, func(w io.Writer) {
		fmt.Fprint(w, `<worksheet><sheetData>`)
		for i := 1; i <= n; i++ {
			if shared {
				fmt.Fprintf(w, `<row r="%d"><c r="A%d" t="s"><v>%d</v></c><c r="B%d" t="s"><v>%d</v></c><c r="C%d"><v>%d.5</v></c></row>`, i, i, 2*i-2, i, 2*i-1, i, i)
			} else {
				fmt.Fprintf(w, `<row r="%d"><c r="A%d" t="inlineStr"><is><t>person%d@example.org</t></is></c><c r="B%d"><v>%d</v></c></row>`, i, i, i, i, i)
			}
		}
		fmt.Fprint(w, `</sheetData></worksheet>`)
	})
	if shared {
		part(sstPart, func(w io.Writer) {
			fmt.Fprint(w, `<sst>`)
			for i := 1; i <= n; i++ {
				fmt.Fprintf(w, `<si><t>person%d@example%d.org</t></si><si><t>Person Number %d</t></si>`, i, i%1000, i)
			}
			fmt.Fprint(w, `</sst>`)
		})
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return f
}

// fileSource is a file on the disk.
type fileSource struct {
	*os.File
	size int64
}

func (f fileSource) Size() int64 { return f.size }

func sourceOf(t testing.TB, f *os.File) Source {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return fileSource{f, info.Size()}
}

// countRows reads all of a file and keeps nothing.
func countRows(t testing.TB, src Source, o Options) (n int) {
	t.Helper()
	r, err := Open(src, o)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return n
		}
		if err != nil || rec.Problem != nil {
			t.Fatal(err, rec)
		}
		n++
	}
}

// Not parallel, because it looks at the memory of the process.
func TestMemoryIsFlat(t *testing.T) {
	rows := []int{50_000, 400_000}
	if os.Getenv("POSTRIDER_LARGE") != "" {
		rows = append(rows, 1_000_000)
	}
	for _, shared := range []bool{false, true} {
		for _, n := range rows {
			src := sourceOf(t, bigBook(t, n, shared))
			began := time.Now()
			grown := peak(func() {
				if got := countRows(t, src, Options{Kind: KindXLSX}); got != n {
					t.Fatalf("%d rows of %d", got, n)
				}
			})
			t.Logf("%d rows, shared strings %v: %.0f rows/s, %d MB stored, %.1f MB of heap", n, shared, float64(n)/time.Since(began).Seconds(), src.Size()>>20, float64(grown)/1e6)
			if grown > 40<<20 {
				t.Errorf("the heap grew by %d MB for %d rows", grown>>20, n)
			}
		}
	}
	bomb := zeros(t, "x", 200)
	grown := peak(func() {
		r, err := Open(bytes.NewReader(bomb), Options{Compression: CompressionGzip, Delimiter: ','})
		if err != nil {
			t.Fatal(err)
		}
		if rec, err := r.Next(); err != nil || !errors.Is(rec.Problem, ErrTooLong) {
			t.Fatal(rec, err)
		}
	})
	if grown > 20<<20 {
		t.Errorf("one endless row took %d MB", grown>>20)
	}
}

func BenchmarkSheet(b *testing.B) {
	for _, shared := range []bool{false, true} {
		b.Run(fmt.Sprintf("shared=%v", shared), func(b *testing.B) {
			src := sourceOf(b, bigBook(b, 20_000, shared))
			b.ReportAllocs()
			for b.Loop() {
				countRows(b, src, Options{Kind: KindXLSX})
			}
			b.ReportMetric(float64(b.N)*20_000/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
