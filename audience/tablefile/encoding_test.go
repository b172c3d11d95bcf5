package tablefile

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// texts are tables as people have them, by the model of their languages.
var texts = map[string]string{
	"russian":   "Почта;Имя;Город\nivan@example.ru;Иван Петров;Москва\nolga@example.ru;Ольга Смирнова;Санкт-Петербург\npetr@example.ru;Пётр Щукин;Нижний Новгород\n",
	"one name":  "email,name\nivan@example.ru,Юрий\n",
	"capitals":  "EMAIL;ФИО\na@x.ru;ИВАНОВ СЕРГЕЙ\nb@x.ru;ПЕТРОВА ЕЛЕНА\n",
	"german":    "E-Mail;Name;Straße\nm@example.de;Jürgen Müller;Königsallee 5\nk@example.de;Käthe Weiß;Schloßstraße 1\n",
	"french":    "email;prénom\na@example.fr;André\nb@example.fr;Zoé\nc@example.fr;François\n",
	"spanish":   "correo;nombre\na@example.es;José Núñez\nb@example.es;María Peña\n",
	"one":       "email;name\na@x.org;André\n",
	"polish":    "email;nazwisko\na@x.pl;Łukasz Wiśniewski\nb@x.pl;Małgorzata Żółć\nc@x.pl;Paweł Dąbrowski\n",
	"czech":     "email;jméno\na@x.cz;Jiří Dvořák\nb@x.cz;Tomáš Němec\nc@x.cz;Růžena Šťastná\n",
	"hungarian": "email;név\na@x.hu;Győző Szőke\nb@x.hu;Ödön Fűzfa\n",
	"turkish":   "eposta;ad\na@x.tr;Ayşe Yılmaz\nb@x.tr;Oğuz Çağlar\nc@x.tr;Işıl Güneş\n",
	"greek":     "email;όνομα\na@x.gr;Γιώργος Παπαδόπουλος\nb@x.gr;Ελένη Νικολάου\n",
	"hebrew":    "email;שם\na@x.il;משה כהן\nb@x.il;רחל לוי\n",
	"arabic":    "email;الاسم\na@x.eg;محمد علي\nb@x.eg;فاطمة أحمد\n",
	"japanese":  "email;名前\na@x.jp;やまだ たろう\nb@x.jp;サトウ ハナコ\nc@x.jp;田中さん\n",
	"chinese":   "email;姓名\na@x.cn;王伟\nb@x.cn;李芳\nc@x.cn;张敏\n",
	"taiwanese": "email;姓名\na@x.tw;陳美華\nb@x.tw;張志明\nc@x.tw;林偉\n",
	"korean":    "email;이름\na@x.kr;김민준\nb@x.kr;이서연\n",
}

func encoded(t testing.TB, name, text string) []byte {
	t.Helper()
	for _, k := range table() {
		if k.Name != name {
			continue
		}
		if k.decoder == nil {
			return []byte(map[bool]string{true: BOM}[name == UTF8BOM] + text)
		}
		out, err := k.decoder.NewEncoder().Bytes([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return out
	}
	t.Fatalf("no encoding %s", name)
	return nil
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, encodings string }{
		{"russian", "utf-8 utf-8-bom utf-16le utf-16be windows-1251 koi8-r ibm866 x-mac-cyrillic iso-8859-5"},
		{"one name", "windows-1251 koi8-r ibm866"},
		{"capitals", "windows-1251 koi8-r ibm866"},
		{"german", "utf-8 utf-16le windows-1252 macintosh ibm850"},
		{"french", "windows-1252 macintosh ibm850 utf-8"},
		{"spanish", "windows-1252 macintosh ibm850 utf-16be"},
		{"one", "windows-1252 utf-8"},
		{"polish", "windows-1250 iso-8859-2 ibm852"},
		{"czech", "windows-1250 iso-8859-2 ibm852"},
		{"hungarian", "windows-1250 ibm852"},
		{"turkish", "windows-1254"},
		{"greek", "windows-1253"},
		{"hebrew", "windows-1255"},
		{"arabic", "windows-1256"},
		{"japanese", "shift_jis euc-jp"},
		{"chinese", "gb18030"},
		{"taiwanese", "big5"},
		{"korean", "euc-kr"},
	} {
		for _, name := range strings.Fields(tt.encodings) {
			t.Run(tt.text+" "+name, func(t *testing.T) {
				t.Parallel()
				file := encoded(t, name, texts[tt.text])
				got := Detect(file, true)
				if got != name {
					t.Fatalf("taken for %s", got)
				}
				r, err := Open(bytes.NewReader(file), Options{Delimiter: ';', Encoding: got})
				if err != nil {
					t.Fatal(err)
				}
				recs, err := drain(t, r)
				if err != nil {
					t.Fatal(err)
				}
				var back strings.Builder
				for _, rec := range recs {
					back.WriteString(strings.Join(rec.Fields, ";") + "\n")
				}
				if back.String() != texts[tt.text] || recs[len(recs)-1].End != int64(len(file)) {
					t.Errorf("read as %q, to %d of %d", back.String(), recs[len(recs)-1].End, len(file))
				}
			})
		}
	}
}

func TestDetectUTF8WithAccidents(t *testing.T) {
	t.Parallel()
	many := "email\n" + strings.Repeat("a@x.org,Ann\n", 40) + "b@x.org,B\xe9\n"
	for name, tt := range map[string]struct {
		file  string
		whole bool
		want  string
	}{
		"ASCII":                 {"email\na@x.org\n", true, UTF8},
		"mostly UTF-8":          {"email\nZoë\nZo\xeb\nZoë\n", true, UTF8},
		"one of many":           {many, true, UTF8},
		"torn end":              {"email\nZo\xc3", false, UTF8},
		"header in another one": {"pr\xe9nom\n" + strings.Repeat("Zoe\n", 9), true, "windows-1252"},
	} {
		if got := Detect([]byte(tt.file), tt.whole); got != tt.want {
			t.Errorf("%s: taken for %s, want %s", name, got, tt.want)
		}
	}
}

func TestBytesThatAreNoText(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"windows-1251": "a;b\nc;\x98\nd;e\n",
		"utf-16le":     "a\x00;\x00b\x00\n\x00c\x00;\x00\x00\xd8\n\x00d\x00;\x00e\x00\n\x00",
	} {
		r, err := Open(strings.NewReader(file), Options{Delimiter: ';', Encoding: name})
		if err != nil {
			t.Fatal(err)
		}
		got, err := drain(t, r)
		if err != nil || len(got) != 3 || got[0].Problem != nil || got[1].Problem == nil || got[2].Problem != nil {
			t.Fatalf("%s: %+v, %v", name, got, err)
		}
		if text := got[1].Problem.Error(); !strings.Contains(text, EncodingLabel(name)) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// Every encoding that is offered can be read, and its table is that of golang.org/x/text.
func TestEncodings(t *testing.T) {
	t.Parallel()
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for _, k := range table() {
		r, err := decode(iotest.HalfReader(bytes.NewReader(every)), k.Name)
		if err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		got, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("%s: %v", k.Name, err)
		}
		if m, ok := k.decoder.(*charmap.Charmap); ok {
			want, _, err := transform.Bytes(m.NewDecoder(), every)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %q, want %q", k.Name, got, want)
			}
		}
	}
	if _, err := decode(strings.NewReader(""), "utf-7"); err == nil {
		t.Error("utf-7 is read")
	}
}

// Whatever a file holds: it is UTF-8 when it comes out, unless it was said to be, and what is read does not depend on how the bytes arrive.
func FuzzEncoding(f *testing.F) {
	for _, name := range []string{"windows-1251", "utf-16le", "shift_jis", "gb18030"} {
		f.Add(encoded(f, name, texts["one name"]))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		name := Detect(file, true)
		if EncodingLabel(name) == "" {
			t.Fatalf("taken for %q, which is not offered", name)
		}
		r, err := decode(bytes.NewReader(file), name)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if name != UTF8 && name != UTF8BOM && !utf8.Valid(whole) {
			t.Fatalf("%s comes out as %q", name, whole)
		}
		if r, err = decode(iotest.OneByteReader(bytes.NewReader(file)), name); err != nil {
			t.Fatal(err)
		}
		if bytewise, err := io.ReadAll(r); err != nil || !bytes.Equal(whole, bytewise) {
			t.Fatalf("byte by byte it is another text: %q, %v", bytewise, err)
		}
	})
}

// FuzzGzip shows that no gzip file breaks the reader.
func FuzzGzip(f *testing.F) {
	f.Add(gzipped(f, "email;name\na@x.org;Ann\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := Open(bytes.NewReader(file), Options{Compression: CompressionGzip, Delimiter: ';', MaxUnpacked: 1 << 20})
		if err != nil {
			return
		}
		var end int64
		for {
			rec, err := r.Next()
			if err != nil {
				return
			}
			if rec.Start < end || rec.End < rec.Start || rec.End > int64(len(file)) {
				t.Fatalf("record at %d to %d of %d", rec.Start, rec.End, len(file))
			}
			end = rec.End
		}
	})
}

// FuzzSheet shows that no XML of a sheet or of strings breaks the reader, and that its records keep their bounds.
func FuzzSheet(f *testing.F) {
	f.Add(sheet(inline("a", "b")+`<row r="9"><c r="C9" t="s"><v>0</v></c><c s="1"><v>46053</v></c></row>`), `<sst><si><t>x_x0041_&amp;</t></si></sst>`)
	f.Add(`<worksheet><!-- --><sheetData><row><c t="b"><v><![CDATA[1]]></v></c></row>`, `<?xml?><sst/>`)
	f.Fuzz(func(t *testing.T, sheetXML, sst string) {
		styles := `<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/></cellXfs></styleSheet>`
		r, err := Open(book{sheetPart: sheetXML, sstPart: sst, stylePart: styles}.pack(t), Options{Kind: KindXLSX, Width: 2, MaxUnpacked: 1 << 20})
		if err != nil {
			return
		}
		defer r.Close()
		var line int64
		for {
			rec, err := r.Next()
			if err != nil {
				return
			}
			if rec.Line <= line || len(rec.Fields) == 0 || len(rec.Fields) > MaxFields || len(rec.Raw) > MaxRecord || rec.Problem == nil && len(rec.Fields) < 2 {
				t.Fatalf("%+v after row %d", rec, line)
			}
			line = rec.Line
		}
	})
}

func BenchmarkEncodings(b *testing.B) {
	row := "someone@example.org;Some One;\"Berlin; Mitte\";2026-01-01;Jürgen\n"
	for _, name := range []string{UTF8, "windows-1252", UTF16LE, "gb18030"} {
		b.Run(name, func(b *testing.B) {
			file := bytes.Repeat(encoded(b, name, strings.ReplaceAll(row, "ü", map[bool]string{true: "王", false: "ü"}[name == "gb18030"])), 20_000)
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				countRows(b, bytes.NewReader(file), Options{Delimiter: ';', Encoding: name})
			}
			b.ReportMetric(float64(b.N)*20_000/b.Elapsed().Seconds(), "rows/s")
		})
	}
	b.Run("gzip", func(b *testing.B) {
		file := gzipped(b, strings.Repeat(row, 20_000))
		for b.Loop() {
			countRows(b, bytes.NewReader(file), Options{Delimiter: ';', Compression: CompressionGzip})
		}
		b.ReportMetric(float64(b.N)*20_000/b.Elapsed().Seconds(), "rows/s")
	})
}
