package audience

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/text/encoding/charmap"

	"postrider/audience/cell"
	"postrider/audience/tablefile"
	"postrider/internal/errs"
)

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

// workbook makes an XLSX file of sheets, each with rows parted by line ends and cells by bars; a name that begins with "-" is a hidden sheet.
func workbook(t testing.TB, sheets ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	part := func(name, text string) {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	part("[Content_Types].xml", "<Types/>")
	var list, rels strings.Builder
	for i, s := range sheets {
		name, rows, _ := strings.Cut(s, ":")
		state := ""
		if hidden, ok := strings.CutPrefix(name, "-"); ok {
			name, state = hidden, ` state="hidden"`
		}
		fmt.Fprintf(&list, `<sheet name="%s"%s r:id="r%d"/>`, name, state, i)
		fmt.Fprintf(&rels, `<Relationship Id="r%d" Type="x/worksheet" Target="worksheets/s%d.xml"/>`, i, i)
		var data strings.Builder
		for row := range strings.SplitSeq(rows, "\n") {
			data.WriteString("<row>")
			for value := range strings.SplitSeq(row, "|") {
				fmt.Fprintf(&data, `<c t="inlineStr"><is><t>%s</t></is></c>`, value)
			}
			data.WriteString("</row>")
		}
		part(fmt.Sprintf("xl/worksheets/s%d.xml", i), "<worksheet><sheetData>"+data.String()+"</sheetData></worksheet>")
	}
	part("xl/workbook.xml", "<workbook><sheets>"+list.String()+"</sheets></workbook>")
	part("xl/_rels/workbook.xml.rels", "<Relationships>"+rels.String()+"</Relationships>")
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// The same two people come in whatever the file.
func TestImportKindsOfFiles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	text := "email;name;Größe\nann@x.org;Zoë Lee;1,50\nbob@x.org;Bob;\n"
	latin := must[string](t)(charmap.Windows1252.NewEncoder().String(text))
	book := workbook(t, "-Secret:email\nno@x.org", "Notes:", "People:email|name|Größe\nann@x.org|Zoë Lee|1,50\n\nbob@x.org|Bob|")
	for name, file := range map[string][]byte{
		"CSV": []byte(text), "CSV in Windows-1252": []byte(latin), "gzip": gzipped(t, text), "gzip in Windows-1252": gzipped(t, latin), "XLSX": book, "XLSX in gzip": gzipped(t, string(book)),
	} {
		t.Run(name, func(t *testing.T) {
			list := b.list(name)
			imp := b.importFile(list, string(file), "")
			if imp.Status != ImportDone || imp.Rows != 2 || imp.Rejected != 0 || imp.ReadBytes != imp.SizeBytes {
				t.Fatalf("got %+v, errors %+v", imp, b.errorsOf(imp.ID))
			}
			got := strings.ReplaceAll(b.people(list), `"1,50"`, "1.5")
			if d := cmp.Diff("ann@x.org|Zoë Lee|{\"größe\": 1.5}|subscribed\nbob@x.org|Bob|{}|subscribed", got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSniffWorkbooks(t *testing.T) {
	t.Parallel()
	people := "People:email|name|city\na@x.org|Ann|\nb@x.org||Berlin"
	s, err := sniffHead(workbook(t, "-Secret:email\nno@x.org", "Empty:", people), true)
	if err != nil {
		t.Fatal(err)
	}
	want := Format{Kind: tablefile.KindXLSX, HasHeader: true, Sheet: "People", Sheets: []string{"Secret", "Empty", "People"}}
	if d := cmp.Diff(want, s.format); d != "" || len(s.columns) != 3 {
		t.Errorf("%s, columns %+v", d, s.columns)
	}
	if s, err = sniffHead(workbook(t, "-Secret:email\nno@x.org"), true); err != nil || s.format.Sheet != "Secret" {
		t.Errorf("only a hidden sheet: %+v, %v", s.format, err)
	}
	if s, err = sniffHead(workbook(t, "S:a@x.org\nb@x.org|Bob"), true); err != nil || s.format.HasHeader || len(s.columns) != 2 {
		t.Errorf("a first row that is shorter: %+v, %v", s, err)
	}
	for name, tt := range map[string]struct {
		file []byte
		said FormatChange
		want string
	}{
		"empty":         {workbook(t, "A:", "B:"), FormatChange{}, "the workbook is empty"},
		"header only":   {workbook(t, "A:email|name"), FormatChange{}, "no rows below"},
		"no such sheet": {workbook(t, people), FormatChange{Sheet: "X"}, `no sheet "X"`},
		"empty sheet":   {workbook(t, people, "Empty:"), FormatChange{Sheet: "Empty"}, "is empty"},
		"some ZIP":      {zipWith(t, "people.csv"), FormatChange{}, "ZIP file"},
		"OpenDocument":  {zipWith(t, "mimetype", "content.xml"), FormatChange{}, "CSV UTF-8"},
	} {
		if _, err := sniff(bytes.NewReader(tt.file), true, tt.said, UploadLimits{}); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an Invalid error with %q", name, err, tt.want)
		}
	}
}

func zipWith(t testing.TB, names ...string) []byte {
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
	return buf.Bytes()
}

func TestSetImportFormat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	no, yes := false, true
	imp := b.upload(list, "email;a,b\nx@x.org;1,2\ny@x.org;3,4\n")
	for name, tt := range map[string]struct {
		change FormatChange
		field  string
	}{
		"delimiter":        {FormatChange{Delimiter: "ab"}, "delimiter"},
		"quote":            {FormatChange{Delimiter: `"`}, "delimiter"},
		"encoding":         {FormatChange{Encoding: "utf-7"}, "encoding"},
		"sheet":            {FormatChange{Sheet: "A"}, "sheet"},
		"another encoding": {FormatChange{Encoding: tablefile.UTF16LE}, ""},
	} {
		_, err := b.SetImportFormat(b.ctx, imp.ID, tt.change)
		var e *errs.E
		if tt.field != "" && (!errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Name != tt.field) {
			t.Errorf("%s: %v, want an error about %s", name, err, tt.field)
		}
	}
	got := must[Import](t)(b.SetImportFormat(b.ctx, imp.ID, FormatChange{Delimiter: ",", Encoding: EncodingUTF8, HasHeader: &no}))
	if got.Format.Delimiter != "," || got.Format.HasHeader || len(got.Columns) != 2 || got.Columns[0].Header != "" || got.Columns[0].Samples[0] != "email;a" {
		t.Errorf("by commas: %+v, %+v", got.Format, got.Columns)
	}
	got = must[Import](t)(b.SetImportFormat(b.ctx, imp.ID, FormatChange{Delimiter: ";", HasHeader: &yes}))
	if got.Columns[0].Header != "email" || got.Columns[0].Suggested != TargetEmail {
		t.Errorf("back again: %+v", got.Columns)
	}
	must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(got, ""), ""))
	if _, err := b.SetImportFormat(b.ctx, imp.ID, FormatChange{Delimiter: ","}); !errs.Is(err, errs.Conflict) {
		t.Errorf("after the start: %v", err)
	}
	if done := b.run(imp.ID); done.Created != 2 {
		t.Errorf("imported: %+v", done)
	}
	book := b.upload(list, string(workbook(t, "One:email\na@x.org", "Two:b@x.org|Bob\nc@x.org|Cy")))
	got = must[Import](t)(b.SetImportFormat(b.ctx, book.ID, FormatChange{Sheet: "Two"}))
	if got.Format.Sheet != "Two" || got.Format.HasHeader || len(got.Columns) != 2 {
		t.Errorf("the other sheet: %+v", got.Format)
	}
	if _, err := b.SetImportFormat(b.ctx, book.ID, FormatChange{Encoding: EncodingUTF8}); !errs.Is(err, errs.Invalid) {
		t.Errorf("encoding of a workbook: %v", err)
	}
}

func TestUploadLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	list := b.list("News")
	b.SetUploadLimits(UploadLimits{Stored: 2 << 20, Unpacked: 3 << 20})
	big := "email\n" + strings.Repeat("a@x.org\n", 1<<18)
	if _, err := b.CreateImport(b.ctx, list, "x.csv", strings.NewReader(big)); !errs.Is(err, errs.TooLarge) || !strings.Contains(err.Error(), "2 MiB") {
		t.Errorf("too large: %v", err)
	}
	imp := b.upload(list, string(gzipped(t, big+big)))
	must[Import](t)(b.StartImport(b.ctx, imp.ID, suggestedMapping(imp, ""), ""))
	if _, err := b.runImport(b.ctx, imp.ID, 1<<40); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "unpacks to more than 3 MiB") {
		t.Errorf("a bomb: %v", err)
	}
	full := storingError(fmt.Errorf("writing: %w", &pgconn.PgError{Code: "53100"}))
	if !errs.Is(full, errs.Unavailable) || !strings.Contains(full.Error(), "disk") {
		t.Errorf("a full disk: %v", full)
	}
}

func TestStoredFileReadsAnywhere(t *testing.T) {
	t.Parallel()
	file := make([]byte, 7*chunkBytes+123)
	for i := range file {
		file[i] = byte(i * 2654435761 >> 13)
	}
	fetched := 0
	f := &storedFile{size: int64(len(file)), fetch: func(n int64) ([]byte, error) {
		fetched++
		return file[n*chunkBytes : min((n+1)*chunkBytes, int64(len(file)))], nil
	}}
	for _, at := range []int{0, chunkBytes - 1, 5 * chunkBytes, len(file) - 10, 3} {
		p := make([]byte, 2*chunkBytes)
		n, err := f.ReadAt(p, int64(at))
		if want := file[at:min(at+len(p), len(file))]; !bytes.Equal(p[:n], want) || (err != nil) != (n < len(p)) || err != nil && !errors.Is(err, io.EOF) {
			t.Errorf("at %d: %d bytes, %v", at, n, err)
		}
	}
	fetched = 0
	all, err := io.ReadAll(io.NewSectionReader(f, 0, f.size))
	if err != nil || !bytes.Equal(all, file) || fetched > 8 {
		t.Errorf("from start to end: %d bytes with %d fetches, %v", len(all), fetched, err)
	}
}

// suggestions shows columns as "header=target attribute type order".
func suggestions(columns []Column) string {
	var out []string
	for _, c := range columns {
		out = append(out, strings.TrimRight(fmt.Sprintf("%s=%s %s %s %s", c.Header, c.Suggested, c.Attribute, c.Type, c.DateOrder), " "))
	}
	return strings.Join(out, "; ")
}

func TestSuggestedTypes(t *testing.T) {
	t.Parallel()
	s, err := sniffHead([]byte("email,Born,Age,VIP,Tags,Phone,ZIP,city,City\na@x.org,31/12/1999,7,yes,a;b,1234567,1234,Ulm,p\nb@x.org,01/02/2003,\"8,5\",no,c,7654321,5678,Bonn,q\n"), true)
	if err != nil {
		t.Fatal(err)
	}
	want := "email=email; Born=attribute born date dmy; Age=attribute age number; VIP=attribute vip boolean; Tags=attribute tags list; Phone=attribute phone text; ZIP=attribute zip text; " +
		"city=attribute city text; City=attribute city_2 text"
	if d := cmp.Diff(want, suggestions(s.columns)); d != "" {
		t.Error(d)
	}
}

func TestSuggestionsRemember(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, err := b.pool.Exec(b.ctx, `INSERT INTO fields (name, label, type) VALUES ('geburtstag', 'Date of birth', 'date'), ('points', '', 'number')`); err != nil {
		t.Fatal(err)
	}
	file := "Mail,Who,Points,Date of birth,Note\na@x.org,Ann,1,01/02/2003,hi\n"
	imp := b.upload(b.list("one"), file)
	if got, want := suggestions(imp.Columns), "Mail=email; Who=attribute who text; Points=attribute points number; Date of birth=attribute geburtstag date; Note=attribute note text"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	must[Import](t)(b.StartImport(b.ctx, imp.ID, Mapping{Columns: []ColumnMapping{
		{Index: 0, Target: TargetEmail}, {Index: 1, Target: TargetName}, {Index: 2, Target: TargetAttribute, Attribute: "score", Type: FieldNumber},
		{Index: 3, Target: TargetAttribute, Attribute: "geburtstag", DateOrder: cell.MDY}, {Index: 4, Target: TargetSkip},
	}}, ""))
	again := b.upload(b.list("two"), file)
	if got, want := suggestions(again.Columns), "Mail=email; Who=name; Points=attribute score number; Date of birth=attribute geburtstag date mdy; Note="; got != want {
		t.Errorf("the same headers: %s\nwant %s", got, want)
	}
	other := b.upload(b.list("three"), "Points,note,Address,Who,Mail\n1,hi,b@x.org,Ann,later\n")
	if got, want := suggestions(other.Columns), "Points=attribute score number; note=; Address=email; Who=name; Mail=attribute mail text"; got != want {
		t.Errorf("some of them: %s\nwant %s", got, want)
	}
}
