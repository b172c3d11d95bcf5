package audience

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"postrider/internal/errs"
)

func TestSniffFindsFormAndColumns(t *testing.T) {
	t.Parallel()
	type want struct {
		format    Format
		headers   []string
		suggested []string
	}
	comma := Format{Delimiter: ",", Encoding: EncodingUTF8, HasHeader: true}
	tests := map[string]struct {
		file string
		want want
	}{
		"comma": {"email,name,city\na@x.org,Ann,Berlin\n", want{comma, []string{"email", "name", "city"}, []string{"email", "name", "attribute"}}},
		"semicolon with BOM": {"\ufeffName;E-Mail-Adresse;Betrag\r\nAnn;a@x.org;1,50\r\nBob;b@x.org;2,50\r\n",
			want{Format{";", EncodingUTF8BOM, true}, []string{"Name", "E-Mail-Adresse", "Betrag"}, []string{"name", "email", "attribute"}}},
		"tab": {"Имя\tФамилия\tПочта\nИван\tПетров\ti@x.org\n", want{Format{"\t", EncodingUTF8, true}, []string{"Имя", "Фамилия", "Почта"}, []string{"name", "name", "email"}}},
		"full name wins over its parts": {"First name,Full name,mail\nAnn,Ann Lee,a@x.org\n",
			want{comma, []string{"First name", "Full name", "mail"}, []string{"attribute", "name", "email"}}},
		"values decide when headers do not": {"contact,code\na@x.org,1\nb@x.org,2\n", want{comma, []string{"contact", "code"}, []string{"email", "attribute"}}},
		"one address column of two":         {"email,backup email\na@x.org,b@x.org\n", want{comma, []string{"email", "backup email"}, []string{"email", "attribute"}}},
		"no header":                         {"a@x.org;Ann\nb@x.org;Bob\n", want{Format{";", EncodingUTF8, false}, []string{"", ""}, []string{"email", ""}}},
		"one column":                        {"email\na@x.org\n", want{comma, []string{"email"}, []string{"email"}}},
		"one address":                       {"a@x.org", want{Format{",", EncodingUTF8, false}, []string{""}, []string{"email"}}},
		"delimiters inside quotes":          {"email;note\na@x.org;\"1,2,3\"\nb@x.org;\"4,5,\n6\"\n", want{Format{";", EncodingUTF8, true}, []string{"email", "note"}, []string{"email", "attribute"}}},
		"our own error file":                {"email,row,reason\nbad,2,there is no @\n", want{comma, []string{"email", "row", "reason"}, []string{"email", "", ""}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := sniff([]byte(tt.file), true)
			if err != nil {
				t.Fatal(err)
			}
			got := want{format: s.format}
			for _, c := range s.columns {
				got.headers = append(got.headers, c.Header)
				got.suggested = append(got.suggested, c.Suggested)
			}
			if d := cmp.Diff(tt.want, got, cmp.AllowUnexported(want{})); d != "" {
				t.Error(d)
			}
		})
	}
}

func encoded(t *testing.T, enc interface{ String(string) (string, error) }, s string) string {
	t.Helper()
	out, err := enc.String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSniffRefuses(t *testing.T) {
	t.Parallel()
	cyrillic := "почта;имя\ni@x.org;Иван\n"
	western := "email;name\na@x.org;André\n"
	tests := map[string]struct {
		file string
		want []string
	}{
		"empty":         {"", []string{"empty"}},
		"only blank":    {"\r\n \n,,\n", []string{"empty"}},
		"header only":   {"email,name\n", []string{"no rows"}},
		"UTF-16 LE":     {encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(), western), []string{"row 1", "column 1", "0xFF", "UTF-16", "CSV UTF-8"}},
		"UTF-16 no BOM": {encoded(t, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder(), western), []string{"row 1", "0x00", "UTF-16", "CSV UTF-8"}},
		"Windows-1251":  {encoded(t, charmap.Windows1251.NewEncoder(), cyrillic), []string{"row 1, column 1, byte 0xEF", "Windows-1251", "CSV UTF-8"}},
		"Windows-1252":  {encoded(t, charmap.Windows1252.NewEncoder(), western), []string{"row 2, column 2, byte 0xE9 at position 5", "Windows-1252", "CSV UTF-8"}},
		"workbook":      {"PK\x03\x04rest", []string{"Excel", "CSV UTF-8"}},
		"binary":        {"email\n" + strings.Repeat("a@x.org\n", 9) + "\x00", []string{"row 11", "0x00", "not a text file"}},
		"501 columns":   {strings.Repeat(",", 500) + "email\n", []string{"row 1", "500 columns"}},
		"broken header": {"\"email\" x,name\na@x.org,b\n", []string{"row 1", "closing quote"}},
		"endless row":   {strings.Repeat("x", 2*chunkBytes), []string{"row 1", "1 MB"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sniff([]byte(tt.file), true)
			var e *errs.E
			if !errors.As(err, &e) || e.Kind != errs.Invalid || len(e.Fields) != 1 || e.Fields[0].Name != "file" {
				t.Fatalf("got %v, want an Invalid error about the file", err)
			}
			for _, w := range tt.want {
				if !strings.Contains(e.Public, w) {
					t.Errorf("%q lacks %q", e.Public, w)
				}
			}
		})
	}
}

func TestSniffLetsAccidentsPass(t *testing.T) {
	t.Parallel()
	var many bytes.Buffer
	many.WriteString("email,name\n")
	for i := range 40 {
		fmt.Fprintf(&many, "a%d@x.org,Ann\n", i)
	}
	many.WriteString("b@x.org,B\xe9\n")
	for name, file := range map[string]string{
		"most rows are UTF-8": "email,name\na@x.org,Zoë\nb@x.org,Zo\xeb\nc@x.org,Zoë\n",
		"one of many rows":    many.String(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := sniff([]byte(file), true); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSniffOfAHeadIgnoresItsTornEnd(t *testing.T) {
	t.Parallel()
	s, err := sniff([]byte("email,name\na@x.org,Zoë\nb@x.org,\"Zo\xc3"), false)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"Zoë"}, s.columns[1].Samples); d != "" {
		t.Error(d)
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("email,name\na@x.org,Zoë\n"), true)
	f.Add([]byte("a;b\n\"c"), false)
	f.Fuzz(func(t *testing.T, head []byte, whole bool) {
		s, err := sniff(head, whole)
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Fatalf("%v is not Invalid", err)
			}
			return
		}
		if len(s.format.Delimiter) != 1 || len(s.columns) == 0 || len(s.columns) > 500 {
			t.Fatalf("got %+v", s)
		}
		for _, c := range s.columns {
			if storable(c.Header) != c.Header || storable(strings.Join(c.Samples, "")) != strings.Join(c.Samples, "") {
				t.Fatalf("Postgres cannot hold %+v", c)
			}
		}
	})
}

func TestMappingCheck(t *testing.T) {
	t.Parallel()
	columns := []Column{{Index: 0, Header: "E-mail"}, {Index: 1, Header: "Date of birth"}, {Index: 2}}
	email := ColumnMapping{Index: 0, Target: TargetEmail}
	got, err := Mapping{Columns: []ColumnMapping{{Index: 2, Target: TargetAttribute}, {Index: 1, Target: TargetAttribute}, email}}.check(columns)
	if err != nil {
		t.Fatal(err)
	}
	want := Mapping{Status: StatusSubscribed, Columns: []ColumnMapping{email,
		{Index: 1, Target: TargetAttribute, Attribute: "date_of_birth"}, {Index: 2, Target: TargetAttribute, Attribute: "column_3"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for name, tt := range map[string]struct {
		m    Mapping
		want string
	}{
		"no address":      {Mapping{Columns: []ColumnMapping{{Index: 0, Target: TargetSkip}}}, "no column is mapped to the e-mail address"},
		"nothing":         {Mapping{}, "no column is mapped to the e-mail address"},
		"two addresses":   {Mapping{Columns: []ColumnMapping{email, {Index: 1, Target: TargetEmail}}}, "2 columns"},
		"column twice":    {Mapping{Columns: []ColumnMapping{email, {Index: 0, Target: TargetName}}}, "mapped twice"},
		"no such column":  {Mapping{Columns: []ColumnMapping{email, {Index: 3, Target: TargetName}}}, "no column 3"},
		"negative column": {Mapping{Columns: []ColumnMapping{email, {Index: -1, Target: TargetName}}}, "no column -1"},
		"unknown target":  {Mapping{Columns: []ColumnMapping{email, {Index: 1, Target: "phone"}}}, "not a target"},
		"bad attribute":   {Mapping{Columns: []ColumnMapping{email, {Index: 1, Target: TargetAttribute, Attribute: "a b}}"}}}, "template cannot use"},
		"attribute twice": {Mapping{Columns: []ColumnMapping{email, {Index: 1, Target: TargetAttribute, Attribute: "x"}, {Index: 2, Target: TargetAttribute, Attribute: "x"}}}, "both mapped"},
		"unsubscribed":    {Mapping{Columns: []ColumnMapping{email}, Status: StatusUnsubscribed}, "subscribed or unconfirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := tt.m.check(columns); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an Invalid error with %q", err, tt.want)
			}
		})
	}
}
