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

	"postrider/audience/addrcheck"
	"postrider/audience/cell"
	"postrider/audience/tablefile"
	"postrider/internal/errs"
)

func sniffHead(head []byte, whole bool) (sniffed, error) {
	return sniff(bytes.NewReader(head), whole, FormatChange{}, UploadLimits{Unpacked: 1 << 30})
}

func TestSniffFindsFormAndColumns(t *testing.T) {
	t.Parallel()
	type want struct {
		format    Format
		headers   []string
		suggested []string
	}
	csv := func(delimiter, encoding string, header bool) Format {
		return Format{Kind: tablefile.KindCSV, Delimiter: delimiter, Encoding: encoding, HasHeader: header, Sheets: []string{}}
	}
	comma := csv(",", EncodingUTF8, true)
	western := "email;prénom\na@x.org;André\n"
	tests := map[string]struct {
		file string
		want want
	}{
		"comma": {"email,name,city\na@x.org,Ann,Berlin\n", want{comma, []string{"email", "name", "city"}, []string{"email", "name", "attribute"}}},
		"semicolon with BOM": {"\ufeffName;E-Mail-Adresse;Betrag\r\nAnn;a@x.org;1,50\r\nBob;b@x.org;2,50\r\n",
			want{csv(";", EncodingUTF8BOM, true), []string{"Name", "E-Mail-Adresse", "Betrag"}, []string{"name", "email", "attribute"}}},
		"tab": {"Имя\tФамилия\tПочта\nИван\tПетров\ti@x.org\n", want{csv("\t", EncodingUTF8, true), []string{"Имя", "Фамилия", "Почта"}, []string{"name", "name", "email"}}},
		"full name wins over its parts": {"First name,Full name,mail\nAnn,Ann Lee,a@x.org\n",
			want{comma, []string{"First name", "Full name", "mail"}, []string{"attribute", "name", "email"}}},
		"values decide when headers do not": {"contact,code\na@x.org,1\nb@x.org,2\n", want{comma, []string{"contact", "code"}, []string{"email", "attribute"}}},
		"one address column of two":         {"email,backup email\na@x.org,b@x.org\n", want{comma, []string{"email", "backup email"}, []string{"email", "attribute"}}},
		"no header":                         {"a@x.org;Ann\nb@x.org;Bob\n", want{csv(";", EncodingUTF8, false), []string{"", ""}, []string{"email", ""}}},
		"one column":                        {"email\na@x.org\n", want{comma, []string{"email"}, []string{"email"}}},
		"one address":                       {"a@x.org", want{csv(",", EncodingUTF8, false), []string{""}, []string{"email"}}},
		"delimiters inside quotes":          {"email;note\na@x.org;\"1,2,3\"\nb@x.org;\"4,5,\n6\"\n", want{csv(";", EncodingUTF8, true), []string{"email", "note"}, []string{"email", "attribute"}}},
		"bars":                              {"email|name\na@x.org|Ann\n", want{csv("|", EncodingUTF8, true), []string{"email", "name"}, []string{"email", "name"}}},
		"the delimiter said to Excel":       {"sep=;\nemail;name\na@x.org;x,y\n", want{csv(";", EncodingUTF8, true), []string{"email", "name"}, []string{"email", "name"}}},
		"UTF-16 LE":                         {encoded(t, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder(), western), want{csv(";", tablefile.UTF16LE, true), []string{"email", "prénom"}, []string{"email", "name"}}},
		"UTF-16 BE, no mark":                {encoded(t, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewEncoder(), western), want{csv(";", tablefile.UTF16BE, true), []string{"email", "prénom"}, []string{"email", "name"}}},
		"Windows-1252":                      {encoded(t, charmap.Windows1252.NewEncoder(), western), want{csv(";", "windows-1252", true), []string{"email", "prénom"}, []string{"email", "name"}}},
		"Windows-1251":                      {encoded(t, charmap.Windows1251.NewEncoder(), "почта;имя\ni@x.org;Иван\n"), want{csv(";", "windows-1251", true), []string{"почта", "имя"}, []string{"email", "name"}}},
		"our own error file":                {"email,row,reason\nbad,2,there is no @\n", want{comma, []string{"email", "row", "reason"}, []string{"email", "", ""}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := sniffHead([]byte(tt.file), true)
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
	tests := map[string]struct {
		file string
		want []string
	}{
		"empty":           {"", []string{"empty"}},
		"only blank":      {"\r\n \n,,\n", []string{"empty"}},
		"header only":     {"email,name\n", []string{"no rows"}},
		"broken workbook": {"PK\x03\x04rest", []string{"workbook", "damaged"}},
		"old workbook":    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", []string{"old Excel workbook (.xls) or one with a password", "CSV UTF-8"}},
		"PDF":             {"%PDF-1.7", []string{"PDF", "CSV UTF-8"}},
		"packed twice":    {string(gzipped(t, string(gzipped(t, "email\na@x.org\n")))), []string{"holds another packed file"}},
		"PDF in gzip":     {string(gzipped(t, "%PDF-1.7")), []string{"PDF"}},
		"broken gzip":     {"\x1f\x8b\x00", []string{"gzip file", "middle"}},
		"binary":          {"email\n" + strings.Repeat("a@x.org\n", 9) + "\x00", []string{"row 11", "0x00", "not a text file"}},
		"501 columns":     {strings.Repeat(",", 500) + "email\n", []string{"row 1", "500 columns"}},
		"broken header":   {"\"email\" x,name\na@x.org,b\n", []string{"row 1", "closing quote"}},
		"endless row":     {strings.Repeat("x", 2*chunkBytes), []string{"first row", "1 MB"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := sniffHead([]byte(tt.file), true)
			var e *errs.E
			if !errors.As(err, &e) || e.Kind != errs.Invalid || len(e.Fields) != 1 || (e.Fields[0].Name != "file" && e.Fields[0].Name != "encoding") {
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
			if _, err := sniffHead([]byte(file), true); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestSniffOfAHeadIgnoresItsTornEnd(t *testing.T) {
	t.Parallel()
	s, err := sniffHead([]byte("email,name\na@x.org,Zoë\nb@x.org,\"Zo\xc3"), false)
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
	f.Add(gzipped(f, "email\na@x.org\n"), true)
	f.Add(workbook(f, "People:email|name\na@x.org|Ann"), true)
	f.Add([]byte("\xff\xfee\x00\n\x00a\x00\n\x00"), true)
	f.Fuzz(func(t *testing.T, head []byte, whole bool) {
		s, err := sniffHead(head, whole)
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Fatalf("%v is not Invalid", err)
			}
			return
		}
		if (len(s.format.Delimiter) != 1) == (s.format.Kind == tablefile.KindCSV) || len(s.columns) == 0 || len(s.columns) > 500 {
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
	got, err := Mapping{Columns: []ColumnMapping{{Index: 2, Target: TargetAttribute}, {Index: 1, Target: TargetAttribute}, email}}.check(columns, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := Mapping{Status: StatusSubscribed, Columns: []ColumnMapping{email,
		{Index: 1, Target: TargetAttribute, Attribute: "date_of_birth", Type: FieldText}, {Index: 2, Target: TargetAttribute, Attribute: "column_3", Type: FieldText}}}
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
		"unknown type":    {Mapping{Columns: []ColumnMapping{email, {Index: 1, Target: TargetAttribute, Type: "money"}}}, "is no type"},
		"unknown order":   {Mapping{Columns: []ColumnMapping{email, {Index: 1, Target: TargetAttribute, Type: FieldDate, DateOrder: "ydm"}}}, "no order of dates"},
		"unknown flag":    {Mapping{Columns: []ColumnMapping{email}, RejectFlagged: []addrcheck.Kind{"ugly"}}, "is no flag"},
		"unsubscribed":    {Mapping{Columns: []ColumnMapping{email}, Status: StatusUnsubscribed}, "subscribed or unconfirmed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := tt.m.check(columns, nil); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an Invalid error with %q", err, tt.want)
			}
		})
	}
}

func TestMappingTypes(t *testing.T) {
	t.Parallel()
	columns := []Column{{Index: 0, Header: "email"}, {Index: 1, Header: "born"}, {Index: 2, Header: "age"}, {Index: 3, Header: "x"}}
	fields := []Field{{Name: "age", Type: FieldNumber}}
	m := Mapping{Columns: []ColumnMapping{
		{Index: 0, Target: TargetEmail, Attribute: "no", Type: FieldDate}, {Index: 1, Target: TargetAttribute, Type: FieldDate, DateOrder: cell.DMY},
		{Index: 2, Target: TargetAttribute, Type: FieldText, DateOrder: cell.MDY}, {Index: 3, Target: TargetAttribute},
	}}
	got, err := m.check(columns, fields)
	if err != nil {
		t.Fatal(err)
	}
	want := []ColumnMapping{
		{Index: 0, Target: TargetEmail}, {Index: 1, Target: TargetAttribute, Attribute: "born", Type: FieldDate, DateOrder: cell.DMY},
		{Index: 2, Target: TargetAttribute, Attribute: "age", Type: FieldNumber}, {Index: 3, Target: TargetAttribute, Attribute: "x", Type: FieldText},
	}
	if d := cmp.Diff(want, got.Columns); d != "" {
		t.Error(d)
	}
}

func TestAddressChecker(t *testing.T) {
	t.Parallel()
	lists, err := ReadAddressLists(strings.NewReader("# ours\nthrow.example # since May\n\n! gmial.com\n"))
	if err != nil {
		t.Fatal(err)
	}
	s := &Service{}
	s.SetAddressLists(lists)
	off := false
	for address, want := range map[string]string{"ann@throw.example": "disposable", "ann@gmial.com": "", "ann@gmai.com": "typo", "info@example.org": ""} {
		var got string
		for _, f := range s.AddressChecker(Mapping{FlagRoles: &off}).Flags(address) {
			got += string(f.Kind)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

// Each type is the same word in both packages.
func TestFieldTypesAreThoseOfCells(t *testing.T) {
	t.Parallel()
	for field, of := range map[FieldType]cell.Type{FieldText: cell.Text, FieldNumber: cell.Number, FieldBoolean: cell.Boolean, FieldDate: cell.Date, FieldDateTime: cell.DateTime, FieldList: cell.List} {
		if string(field) != string(of) {
			t.Errorf("%s and %s", field, of)
		}
	}
}
