package tablefile

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
)

// book is a workbook for tests: its parts, where those of every workbook are filled in.
type book map[string]string

const (
	mainPart  = "xl/workbook.xml"
	sheetPart = "xl/worksheets/sheet1.xml"
	relsPart  = "xl/_rels/workbook.xml.rels"
	sstPart   = "xl/sharedStrings.xml"
	stylePart = "xl/styles.xml"
)

// pack makes the file.
func (b book) pack(t testing.TB) *bytes.Reader {
	t.Helper()
	parts := book{
		"[Content_Types].xml": `<Types/>`,
		"_rels/.rels":         `<Relationships><Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		mainPart:              `<workbook><sheets><sheet name="People" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		relsPart: relations(`rId1 worksheet worksheets/sheet1.xml`, `rId8 styles styles.xml`, `rId9 sharedStrings sharedStrings.xml`,
			`rId2 worksheet worksheets/sheet2.xml`, `rId3 worksheet /xl/worksheets/sheet3.xml`),
	}
	for name, text := range b {
		parts[name] = text
	}
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for name, text := range parts {
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(buf.Bytes())
}

func relations(lines ...string) string {
	var out strings.Builder
	out.WriteString(`<Relationships xmlns="x">`)
	for _, l := range lines {
		f := strings.Fields(l)
		fmt.Fprintf(&out, `<Relationship Id="%s" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/%s" Target="%s"/>`, f[0], f[1], f[2])
	}
	out.WriteString(`</Relationships>`)
	return out.String()
}

// sheet is a worksheet with these rows of XML.
func sheet(rows string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="x"><dimension ref="A1:B2"/><sheetData>` + rows + `</sheetData><pageMargins left="0.7"/></worksheet>`
}

// inline is a row of texts.
func inline(values ...string) string {
	var out strings.Builder
	out.WriteString("<row>")
	for _, v := range values {
		out.WriteString(`<c t="inlineStr"><is><t>` + v + `</t></is></c>`)
	}
	out.WriteString("</row>")
	return out.String()
}

func drain(t testing.TB, r *Reader) (out []record, err error) {
	t.Helper()
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		o := record{Line: rec.Line, Start: rec.Start, End: rec.End, Problem: rec.Problem}
		for _, f := range rec.Fields {
			o.Fields = append(o.Fields, string(f))
		}
		out = append(out, o)
	}
}

func readBook(t testing.TB, src Source, o Options) ([]record, error) {
	t.Helper()
	o.Kind, o.TempDir = KindXLSX, t.TempDir()
	r, err := Open(src, o)
	if err != nil {
		return nil, err
	}
	out, err := drain(t, r)
	left, _ := os.ReadDir(o.TempDir)
	if e := r.Close(); e != nil || len(left) > 0 {
		t.Errorf("closing: %v; %d temporary files have names", e, len(left))
	}
	return out, err
}

func TestSheetCells(t *testing.T) {
	t.Parallel()
	styles := `<styleSheet><numFmts count="2"><numFmt numFmtId="164" formatCode="dd/mm/yyyy;@"/><numFmt numFmtId="165" formatCode="00000"/><numFmt numFmtId="166" formatCode="[$-407]d. mmmm yyyy\ h:mm"/>
		<numFmt numFmtId="167" formatCode="0.00&quot; days&quot;"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>
		<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="20"/><xf numFmtId="167"/></cellXfs></styleSheet>`
	shared := `<sst><si><t>one &amp; two</t></si><si><r><t>ri</t></r><r><rPr><b/></rPr><t xml:space="preserve">ch </t></r><rPh><t>reading</t></rPh></si><si/><si><t>a_x000D_b_x0041_</t></si></sst>`
	for name, tt := range map[string]struct{ cell, want string }{
		"shared string":           {`<c t="s"><v>0</v></c>`, "one & two"},
		"rich string":             {`<c t="s"><v>1</v></c>`, "rich "},
		"empty string":            {`<c t="s"><v>2</v></c>`, ""},
		"escaped characters":      {`<c t="s"><v>3</v></c>`, "a\rbA"},
		"inline string":           {`<c t="inlineStr"><is><t>x &lt; y</t></is></c>`, "x < y"},
		"CDATA":                   {`<c t="inlineStr"><is><t><![CDATA[<b>&amp;]]></t></is></c>`, "<b>&amp;"},
		"numeric entities":        {`<c t="inlineStr"><is><t>&#65;&#x1F600;&unknown;&</t></is></c>`, "A😀&unknown;&"},
		"integer":                 {`<c><v>42</v></c>`, "42"},
		"phone number":            {`<c><v>79261234567</v></c>`, "79261234567"},
		"phone number in science": {`<c><v>7.9261234567E10</v></c>`, "79261234567"},
		"1e+11":                   {`<c><v>1E+11</v></c>`, "100000000000"},
		"noise":                   {`<c><v>0.30000000000000004</v></c>`, "0.3"},
		"more noise":              {`<c><v>1234.5600000000001</v></c>`, "1234.56"},
		"small":                   {`<c><v>1.5E-5</v></c>`, "0.000015"},
		"negative":                {`<c><v>-7</v></c>`, "-7"},
		"negative zero":           {`<c><v>-0</v></c>`, "0"},
		"true":                    {`<c t="b"><v>1</v></c>`, "true"},
		"false":                   {`<c t="b"><v>0</v></c>`, "false"},
		"error":                   {`<c t="e"><v>#N/A</v></c>`, "#N/A"},
		"formula with text":       {`<c t="str"><f>A1&amp;"x"</f><v>ax</v></c>`, "ax"},
		"formula with number":     {`<c><f>1+1</f><v>2</v></c>`, "2"},
		"formula without value":   {`<c><f>1+1</f></c>`, ""},
		"ISO date":                {`<c t="d"><v>2026-01-31T00:00:00</v></c>`, "2026-01-31T00:00:00"},
		"date":                    {`<c s="1"><v>46053</v></c>`, "2026-01-31"},
		"date by its own format":  {`<c s="3"><v>46053</v></c>`, "2026-01-31"},
		"date with a time":        {`<c s="1"><v>46053.5</v></c>`, "2026-01-31T12:00:00"},
		"time stamp":              {`<c s="2"><v>46053</v></c>`, "2026-01-31T00:00:00"},
		"time stamp with noise":   {`<c s="2"><v>46053.427083333336</v></c>`, "2026-01-31T10:15:00"},
		"words around a date":     {`<c s="5"><v>46053.75</v></c>`, "2026-01-31T18:00:00"},
		"time of day":             {`<c s="6"><v>0.5625</v></c>`, "13:30:00"},
		"hours over a day":        {`<c s="6"><v>1.5</v></c>`, "36:00:00"},
		"first day":               {`<c s="1"><v>1</v></c>`, "1900-01-01"},
		"day before the leap day": {`<c s="1"><v>59</v></c>`, "1900-02-28"},
		"the leap day":            {`<c s="1"><v>60</v></c>`, "60"},
		"day after the leap day":  {`<c s="1"><v>61</v></c>`, "1900-03-01"},
		"last day":                {`<c s="1"><v>2958465</v></c>`, "9999-12-31"},
		"behind the last day":     {`<c s="1"><v>2958466</v></c>`, "2958466"},
		"negative date":           {`<c s="1"><v>-5</v></c>`, "-5"},
		"words that look like it": {`<c s="7"><v>3</v></c>`, "3"},
		"postal code":             {`<c s="4"><v>1234</v></c>`, "01234"},
		"unknown style":           {`<c s="99"><v>5</v></c>`, "5"},
		"prefixed names":          {`<x:c t="inlineStr"><x:is><x:t>p</x:t></x:is></x:c>`, "p"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := book{sheetPart: sheet(`<row r="3">` + tt.cell + `<c r="C3"><v>7</v></c></row>`), sstPart: shared, stylePart: styles}
			got, err := readBook(t, b.pack(t), Options{})
			if err != nil || len(got) != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
			if d := cmp.Diff([]string{tt.want, "", "7"}, got[0].Fields); d != "" || got[0].Line != 3 {
				t.Errorf("row %d: %s", got[0].Line, d)
			}
		})
	}
}

func TestSheetOf1904(t *testing.T) {
	t.Parallel()
	b := book{
		mainPart:  `<workbook><workbookPr date1904="1"/><sheets><sheet name="People" r:id="rId1"/></sheets></workbook>`,
		sheetPart: sheet(`<row><c s="0"><v>44591</v></c><c s="0"><v>0</v></c></row>`),
		stylePart: `<styleSheet><cellXfs><xf numFmtId="14"/></cellXfs></styleSheet>`,
	}
	got, err := readBook(t, b.pack(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"2026-01-31", "1904-01-01"}, got[0].Fields); d != "" {
		t.Error(d)
	}
}

func TestNumberFormats(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]styleKind{
		"General": styleNumber, "0.00": styleNumber, "0.00E+00": styleNumber, "#,##0.00 [$€-407]": styleNumber, `"d"0`: styleNumber, `\d0`: styleNumber, "[Red]0": styleNumber, "@": styleNumber,
		"yyyy-mm-dd": styleDate, "m/d/yy": styleDate, "mmm": styleDate, "[$-F800]dddd, mmmm dd, yyyy": styleDate, "TT.MM.YYYY": styleDate,
		"h:mm": styleTime, "[h]:mm:ss": styleTime, "mm:ss": styleTime, "yyyy/m/d h:mm": styleDateTime, "000": styleZeros, "0": styleNumber, `yyyy"`: styleNumber,
		"0;yyyy": styleNumber,
	} {
		if got := styleOf(code).kind; got != want {
			t.Errorf("%q is %d, want %d", code, got, want)
		}
	}
}

func TestSheetRows(t *testing.T) {
	t.Parallel()
	wide := strings.Repeat(`<c><v/></c>`, 600)
	long := strings.Repeat("x", MaxRecord+1)
	rows := inline("email", "name", "city") + `<row/>` + `<row r="5" spans="1:3"><c r="C5" t="inlineStr"><is><t>Berlin</t></is></c></row>` +
		`<row r="4"><c r="A4"><v>1</v></c></row>` + // a number that goes back
		`<row>` + wide + `<c r="A7"><v>2</v></c></row>` +
		`<row>` + wide + `<c><v>9</v></c></row>` +
		`<row><c r="ZZZZZZZZZZZZZZ9"><v>9</v></c></row>` +
		inline(long) + `<row><c t="s"><v>0</v></c></row>` + inline("a", "b", "c", "d") + strings.Repeat(`<row r="1000000"><c s="1"/></row>`, 10)
	got, err := readBook(t, book{sheetPart: sheet(rows)}.pack(t), Options{Width: 3})
	if err != nil {
		t.Fatal(err)
	}
	var end int64
	for i := range got {
		if got[i].End < got[i].Start || got[i].Start != end {
			t.Errorf("record %d is at %d to %d", i, got[i].Start, got[i].End)
		}
		end = got[i].End
		got[i].Start, got[i].End = 0, 0
	}
	want := []record{
		{Line: 1, Fields: []string{"email", "name", "city"}}, {Line: 5, Fields: []string{"", "", "Berlin"}}, {Line: 6, Fields: []string{"1", "", ""}},
		{Line: 7, Fields: []string{"2", "", ""}}, {Line: 8, Problem: ErrTooMany, Fields: []string{""}}, {Line: 9, Problem: ErrTooMany, Fields: []string{""}},
		{Line: 10, Problem: ErrTooBig, Fields: []string{""}}, {Line: 11, Problem: ErrNoString, Fields: []string{""}}, {Line: 12, Fields: []string{"a", "b", "c", "d"}},
	}
	for i := range got {
		if got[i].Problem != nil {
			got[i].Fields = []string{""}
		}
	}
	if d := cmp.Diff(want, got, equalErrors); d != "" {
		t.Error(d)
	}
}

func TestSheets(t *testing.T) {
	t.Parallel()
	b := book{
		mainPart: `<workbook><sheets><sheet name="Notes &amp; more" state="hidden" r:id="rId1"/><sheet name="Chart" r:id="rId7"/><sheet name="Two" r:id="rId2"/><sheet name="Three" r:id="rId3"/>
			<sheet name="Lost" r:id="rId6"/></sheets></workbook>`,
		sheetPart: sheet(inline("hidden")), "xl/worksheets/sheet2.xml": sheet(inline("two")), "xl/worksheets/sheet3.xml": sheet(inline("three")),
	}
	w, err := OpenWorkbook(b.pack(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Sheet{{"Notes & more", true}, {"Two", false}, {"Three", false}}, w.Sheets()); d != "" {
		t.Error(d)
	}
	for name, want := range map[string]string{"": "hidden", "Two": "two", "Three": "three"} {
		got, err := readBook(t, b.pack(t), Options{Sheet: name})
		if err != nil || len(got) != 1 || got[0].Fields[0] != want {
			t.Errorf("sheet %q: %+v, %v", name, got, err)
		}
	}
	if _, err := readBook(t, b.pack(t), Options{Sheet: "Four"}); !errs.Is(err, errs.Invalid) {
		t.Errorf("no such sheet: %v", err)
	}
}

func TestWorkbookInUTF16(t *testing.T) {
	t.Parallel()
	b := book{sheetPart: "\xff\xfe" + string(utf16LE(sheet(inline("Zoë"))))}
	got, err := readBook(t, b.pack(t), Options{})
	if err != nil || len(got) != 1 || got[0].Fields[0] != "Zoë" {
		t.Errorf("%+v, %v", got, err)
	}
}

func utf16LE(s string) []byte {
	var out []byte
	for _, r := range s { // of the basic plane only
		out = append(out, byte(r), byte(r>>8))
	}
	return out
}

// Strings that do not fit into memory are the same ones, in whatever order they are asked for.
func TestSharedStringsInAFile(t *testing.T) {
	t.Parallel()
	const n = 200_000
	var sst, rows strings.Builder
	sst.WriteString("<sst>")
	for i := range n {
		fmt.Fprintf(&sst, "<si><t>%s%d</t></si>", strings.Repeat("long ", i%40), i)
	}
	sst.WriteString("</sst>")
	var want []string
	for i := 0; i < n; i += 97 {
		at := i * 7919 % n
		fmt.Fprintf(&rows, `<row><c t="s"><v>%d</v></c></row>`, at)
		want = append(want, fmt.Sprintf("%s%d", strings.Repeat("long ", at%40), at))
	}
	got, err := readBook(t, book{sheetPart: sheet(rows.String()), sstPart: sst.String()}.pack(t), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, r := range got {
		have = append(have, r.Fields[0])
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Error(d[:min(len(d), 1000)])
	}
}
