package tablefile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

type record struct {
	Line       int64
	Start, End int64
	Fields     []string
	Problem    error
}

func readAll(t testing.TB, src io.Reader, delim byte) []record {
	t.Helper()
	r := newCSV(src, delim)
	var out []record
	for {
		rec, err := r.next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		o := record{Line: rec.Line, Start: rec.Start, End: rec.End, Problem: rec.Problem}
		for _, f := range rec.Fields {
			o.Fields = append(o.Fields, string(f))
		}
		out = append(out, o)
	}
}

var equalErrors = cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })

func TestReader(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxRecord)
	type rows = []record
	tests := map[string]struct {
		in   string
		want rows // without Start and End
	}{
		"empty":            {"", nil},
		"blank lines":      {"\n\r\n  \n;;\n", nil},
		"no final newline": {"a;b", rows{{Line: 1, Fields: []string{"a", "b"}}}},
		"mixed line ends": {"a\r\nb\nc\rd", rows{
			{Line: 1, Fields: []string{"a"}}, {Line: 2, Fields: []string{"b"}}, {Line: 3, Fields: []string{"c"}}, {Line: 4, Fields: []string{"d"}}}},
		"BOM":                         {"\xef\xbb\xbfa;b\n", rows{{Line: 1, Fields: []string{"a", "b"}}}},
		"the delimiter said to Excel": {"\ufeffSEP=;\r\na;b\n", rows{{Line: 2, Fields: []string{"a", "b"}}}},
		"sep that is data":            {"sep=;x\n", rows{{Line: 1, Fields: []string{"sep=", "x"}}}},
		"quoted newlines and quotes": {"\"a\r\nb\";\"c \"\"d\"\"\"\ne;f\n", rows{
			{Line: 1, Fields: []string{"a\r\nb", `c "d"`}}, {Line: 3, Fields: []string{"e", "f"}}}},
		"spaces around quotes":      {"a; \"b;c\" ;d\n", rows{{Line: 1, Fields: []string{"a", "b;c", "d"}}}},
		"quote in unquoted field":   {"5\" pipe;b\n", rows{{Line: 1, Fields: []string{`5" pipe`, "b"}}}},
		"empty quoted and trailing": {"\"\";a;\n", rows{{Line: 1, Fields: []string{"", "a", ""}}}},
		"text after quote rejects one line": {"a\n\"b\" c;d\ne\n", rows{
			{Line: 1, Fields: []string{"a"}}, {Line: 2, Fields: []string{`"b" c;d`}, Problem: ErrAfterQuote}, {Line: 3, Fields: []string{"e"}}}},
		"unclosed quote rejects one line": {"\"a;b\nc;d\ne;f\n", rows{
			{Line: 1, Fields: []string{`"a;b`}, Problem: ErrUnclosed}, {Line: 2, Fields: []string{"c", "d"}}, {Line: 3, Fields: []string{"e", "f"}}}},
		"too many columns": {strings.Repeat(";", 500) + "\na;b\n", rows{
			{Line: 1, Fields: []string{strings.Repeat(";", 500)}, Problem: ErrTooMany}, {Line: 2, Fields: []string{"a", "b"}}}},
		"500 columns":    {strings.Repeat(";", 499) + "a\n", rows{{Line: 1, Fields: append(make([]string, 499), "a")}}},
		"row over 1 MB":  {long + long + long + "\r\nb\n", rows{{Line: 1, Fields: []string{long[:4096]}, Problem: ErrTooLong}, {Line: 2, Fields: []string{"b"}}}},
		"row of 1 MB":    {long[1:] + "\nb\n", rows{{Line: 1, Fields: []string{long[1:]}}, {Line: 2, Fields: []string{"b"}}}},
		"last over 1 MB": {"a\n" + long + "y", rows{{Line: 1, Fields: []string{"a"}}, {Line: 2, Fields: []string{long[:4096]}, Problem: ErrTooLong}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := readAll(t, strings.NewReader(tt.in), ';')
			for i := range got {
				got[i].Start, got[i].End = 0, 0
			}
			if d := cmp.Diff(tt.want, got, equalErrors); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestReaderPassesOnStreamErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	r := newCSV(io.MultiReader(strings.NewReader("a;b\n\"c"), iotest.ErrReader(broken)), ';')
	if _, err := r.next(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := r.next(); !errors.Is(err, broken) {
			t.Fatalf("got %v, want the stream's error", err)
		}
	}
}

// What a file gives does not depend on how its bytes arrive; records follow one another without overlap; every byte but blank lines is in one; and
// what encoding/csv understands means the same here.
func FuzzReader(f *testing.F) {
	for _, s := range []string{"a,b\nc,d\n", "\"a\nb\",c\r\n", "\"a,b\nc\"x,d\n", "\xef\xbb\xbfa", "\r\r\n\n", "a\"b,\"\"\"\"", "\"\"\"\n\"", "a, \"b\" ,c", "\"a\"\r"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		whole := readAll(t, strings.NewReader(in), ',')
		bytewise := readAll(t, iotest.OneByteReader(strings.NewReader(in)), ',')
		if d := cmp.Diff(whole, bytewise, equalErrors); d != "" {
			t.Fatalf("byte by byte it is another file: %s", d)
		}
		var end int64
		for _, rec := range whole {
			if rec.Start < end || rec.End <= rec.Start || rec.End > int64(len(in)) {
				t.Fatalf("record %+v after the end of the one before, %d", rec, end)
			}
			skipped := in[end:rec.Start]
			if _, n := Separator([]byte(strings.TrimPrefix(in, BOM))); end == 0 && n > 0 {
				skipped = strings.TrimPrefix(skipped, BOM)[n:]
			}
			if strings.Trim(strings.TrimPrefix(skipped, BOM), ",\" \t\r\n\v\f\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000") != "" {
				t.Fatalf("%q was passed over", skipped)
			}
			end = rec.End
		}
		compareWithStandard(t, in, whole)
	})
}

// compareWithStandard checks against encoding/csv, where both are meant to agree.
func compareWithStandard(t *testing.T, in string, got []record) {
	if strings.Contains(strings.ReplaceAll(in, "\r\n", "\n"), "\r") || strings.Contains(in, " ") || strings.Contains(in, "\t") || strings.HasPrefix(in, BOM) || strings.HasPrefix(strings.ToLower(in), sepLine) {
		return
	}
	std := csv.NewReader(strings.NewReader(in))
	std.FieldsPerRecord = -1
	all, err := std.ReadAll()
	if err != nil {
		return
	}
	var want [][]string
	for _, rec := range all {
		if strings.TrimSpace(strings.Join(rec, "")) != "" {
			want = append(want, rec)
		}
	}
	var have [][]string
	for _, rec := range got {
		if rec.Problem != nil {
			t.Fatalf("encoding/csv reads it, but: %v", rec.Problem)
		}
		for i := range rec.Fields {
			rec.Fields[i] = strings.ReplaceAll(rec.Fields[i], "\r\n", "\n")
		}
		have = append(have, rec.Fields)
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Fatalf("encoding/csv reads it otherwise: %s", d)
	}
}

func BenchmarkReader(b *testing.B) {
	data := bytes.Repeat([]byte("someone@example.org,Some One,\"Berlin, Mitte\",2026-01-01,yes\n"), 20000)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		r := newCSV(bytes.NewReader(data), ',')
		for {
			if _, err := r.next(); err != nil {
				break
			}
		}
	}
}
