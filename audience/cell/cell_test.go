package cell

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		t     Type
		order Order
		cell  string
		want  string
	}{
		{Text, "", " a \"b\"\\ \r\n\tc\x01\rd ", `"a \"b\"\\ \n\tc\u0001\nd"`},
		{Text, "", "Zo\xeb", `"Zo` + "\uFFFD" + `"`},
		{Text, "", "0123", `"0123"`},
		{Number, "", "42", "42"},
		{Number, "", "-0042.50", "-42.5"},
		{Number, "", "+7", "7"},
		{Number, "", ".5", "0.5"},
		{Number, "", "0", "0"},
		{Number, "", "-0.0", "0"},
		{Number, "", "\u22125", "-5"},
		{Number, "", "1.234", "1.234"},
		{Number, "", "1,234", "1234"},
		{Number, "", "0,234", "0.234"},
		{Number, "", "1,5", "1.5"},
		{Number, "", "12,3456", "12.3456"},
		{Number, "", "1.234,56", "1234.56"},
		{Number, "", "1,234.56", "1234.56"},
		{Number, "", "1.234.567", "1234567"},
		{Number, "", "1,234,567", "1234567"},
		{Number, "", "1.234.567,8", "1234567.8"},
		{Number, "", "1 234,5", "1234.5"},
		{Number, "", "1\u00a0234\u00a0567", "1234567"},
		{Number, "", "12\u202f345,6", "12345.6"},
		{Number, "", "1'234.50", "1234.5"},
		{Number, "", "1E+11", "100000000000"},
		{Number, "", "1,5e3", "1500"},
		{Number, "", "2.5e-3", "0.0025"},
		{Number, "", "123456789012345", "123456789012345"},
		{Boolean, "", "YES", "true"}, {Boolean, "", "no", "false"}, {Boolean, "", "1", "true"}, {Boolean, "", "0", "false"}, {Boolean, "", "On", "true"}, {Boolean, "", "off", "false"},
		{Boolean, "", "Да", "true"}, {Boolean, "", "нет", "false"}, {Boolean, "", "ja", "true"}, {Boolean, "", "Nein", "false"}, {Boolean, "", "oui", "true"}, {Boolean, "", "non", "false"},
		{Boolean, "", "sí", "true"}, {Boolean, "", "x", "true"}, {Boolean, "", "✓", "true"}, {Boolean, "", "WAHR", "true"}, {Boolean, "", "ЛОЖЬ", "false"},
		{Date, "", "2026-01-31", `"2026-01-31"`},
		{Date, "", "2026/1/3", `"2026-01-03"`},
		{Date, "", "2026.01.31", `"2026-01-31"`},
		{Date, "", "20260131", `"2026-01-31"`},
		{Date, "", "2026-01-31T00:00:00", `"2026-01-31"`},
		{Date, "", "2026-01-31 23:59", `"2026-01-31"`},
		{Date, "", "31.01.2026", `"2026-01-31"`},
		{Date, "", "3.4.26", `"2026-04-03"`},
		{Date, "", "31/1/26", `"2026-01-31"`},
		{Date, "", "1/31/2026", `"2026-01-31"`},
		{Date, "", "5/5/1999", `"1999-05-05"`},
		{Date, DMY, "3/4/26", `"2026-04-03"`},
		{Date, MDY, "3/4/26", `"2026-03-04"`},
		{Date, YMD, "26-03-04", `"2026-03-04"`},
		{Date, DMY, "2026-03-04", `"2026-03-04"`},
		{Date, "", "1.1.75", `"1975-01-01"`},
		{Date, "", "31 January 2026", `"2026-01-31"`},
		{Date, "", "Jan 31, 2026", `"2026-01-31"`},
		{Date, "", "Saturday, January 31st, 2026", `"2026-01-31"`},
		{Date, "", "31-Jan-26", `"2026-01-31"`},
		{Date, "", "31. Januar 2026", `"2026-01-31"`},
		{Date, "", "31. März 2026", `"2026-03-31"`},
		{Date, "", "31 janvier 2026", `"2026-01-31"`},
		{Date, "", "15 août 2026", `"2026-08-15"`},
		{Date, "", "15 de mayo de 2026", `"2026-05-15"`},
		{Date, "", "31 января 2026 г.", `"2026-01-31"`},
		{Date, "", "5 мая 2026", `"2026-05-05"`},
		{Date, "", "1 июля 2026", `"2026-07-01"`},
		{Date, "", "1 juin 2026", `"2026-06-01"`},
		{Date, "", "1 juil. 2026", `"2026-07-01"`},
		{Date, "", "2026年1月31日", `"2026-01-31"`},
		{Date, "", "46053", `"2026-01-31"`},
		{Date, "", "46053.5", `"2026-01-31"`},
		{Date, "", "29.02.2024", `"2024-02-29"`},
		{DateTime, "", "2026-01-31T15:04:05Z", `2026-01-31T15:04:05Z`},
		{DateTime, "", "2026-01-31T15:04:05+02:00", `2026-01-31T13:04:05Z`},
		{DateTime, "", "2026-01-31T15:04:05.250-0330", `2026-01-31T18:34:05.25Z`},
		{DateTime, "", "2026-01-31 15:04", `2026-01-31T15:04:00Z`},
		{DateTime, "", "2026-01-31", `2026-01-31T00:00:00Z`},
		{DateTime, "", "31.01.2026, 15:04 Uhr", `2026-01-31T15:04:00Z`},
		{DateTime, MDY, "1/2/2026 3:04 PM", `2026-01-02T15:04:00Z`},
		{DateTime, MDY, "1/2/2026 12:04 AM", `2026-01-02T00:04:00Z`},
		{DateTime, "", "Sat, 31 Jan 2026 15:04:05 GMT", `2026-01-31T15:04:05Z`},
		{DateTime, "", "31 Jan 2026 15:04:05 +0000", `2026-01-31T15:04:05Z`},
		{DateTime, "", "2026-01-31T15:04:05+01:00[Europe/Berlin]", `2026-01-31T14:04:05Z`},
		{DateTime, "", "1769871845", `2026-01-31T15:04:05Z`},
		{DateTime, "", "1769871845123", `2026-01-31T15:04:05.123Z`},
		{List, "", "a", `["a"]`},
		{List, "", "a, b ,a,,c", `["a","b","c"]`},
		{List, "", "a, b; c", `["a, b","c"]`},
		{List, "", "a|b", `["a","b"]`},
		{List, "", `["a",1,true,null,"b;c"]`, `["a","1","true","b;c"]`},
		{List, "", "[]", `[]`},
	} {
		got, problem := Parse(tt.t, tt.order, tt.cell)
		if tt.t == DateTime && strings.HasPrefix(got, `"`) {
			got = strings.Trim(got, `"`)
		}
		if problem != "" || got != tt.want {
			t.Errorf("%s %q %q: %s, %q; want %s", tt.t, tt.order, tt.cell, got, problem, tt.want)
		}
	}
}

func TestParseExplains(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		t     Type
		order Order
		cell  string
		want  string
	}{
		{Text, "", "#N/A", "error #N/A of a spreadsheet"},
		{Text, "", strings.Repeat("é", 10_001), "longer than 10000"},
		{Number, "", "abc", "not a number"},
		{Number, "", "€ 5", "currency sign"},
		{Number, "", "5 %", "percent sign"},
		{Number, "", "(5)", "minus"},
		{Number, "", "1,23,456", "groups of three"},
		{Number, "", "1,234,56", "groups of three"},
		{Number, "", "1.2,3.4", "groups of three"},
		{Number, "", "1234567890123456", "15 digits"},
		{Number, "", "5e", "not a number"}, {Number, "", "1e999", "not a number"}, {Number, "", ".", "not a number"}, {Number, "", "-", "not a number"}, {Number, "", "0x1F", "not a number"},
		{Number, "", "#DIV/0!", "error #DIV/0!"},
		{Boolean, "", "perhaps", "neither yes nor no"},
		{Boolean, "", "2", "neither yes nor no"},
		{Date, "", "3/4/2026", "two ways"},
		{Date, MDY, "13/4/2026", "no month 13, read as month, day, year"},
		{Date, MDY, "31.01.2026", "no month 31"},
		{Date, "", "30.02.2026", "no such day"},
		{Date, "", "29.02.2026", "no such day"},
		{Date, "", "0000-00-00", "leave the cell empty"},
		{Date, "", "0001-01-01", "year 1 is not possible"},
		{Date, "", "yesterday", "not a date"}, {Date, "", "2026-01", "not a date"}, {Date, "", "12", "not a date"}, {Date, "", "13/13/2026", "neither"}, {Date, "", "Jan Feb 2026", "not a date"},
		{DateTime, "", "2026-01-31 25:00", "time cannot be read"},
		{DateTime, "", "2026-01-31 15:04 EST", "time cannot be read"},
		{DateTime, "", "2026-01-31 13:04 PM", "time cannot be read"},
		{DateTime, "", "2026-01-31 15", "time cannot be read"},
		{List, "", `["a"`, "JSON array"}, {List, "", `["a"] x`, "JSON array"}, {List, "", `[["a"]]`, "further lists"},
		{List, "", strings.Repeat("x;", 30_000), "longer"},
	} {
		got, problem := Parse(tt.t, tt.order, tt.cell)
		if got != "" || !strings.Contains(problem, tt.want) {
			t.Errorf("%s %q %.40q: %.40s, %q; want a problem with %q", tt.t, tt.order, tt.cell, got, problem, tt.want)
		}
	}
	var many strings.Builder
	for i := range 1001 {
		many.WriteString(string(rune('一'+i)) + ";")
	}
	if _, problem := Parse(List, "", many.String()); !strings.Contains(problem, "1000 items") {
		t.Errorf("1001 items: %q", problem)
	}
}

func TestGuess(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		values    string // parted by " / "
		want      Type
		order     Order
		ambiguous bool
	}{
		{"", Text, "", false},
		{"#N/A", Text, "", false},
		{"Ann / Bob", Text, "", false},
		{"1 / 2,5 /  / 1 234,5", Number, "", false},
		{"01234 / 12345", Text, "", false},
		{"+491701234567", Text, "", false},
		{"491701234567", Text, "", false},
		{"0 / 1 / 1", Boolean, "", false},
		{"1 / 1", Number, "", false},
		{"yes / no / 1", Boolean, "", false},
		{"да / нет", Boolean, "", false},
		{"yes / no / perhaps", Text, "", false},
		{"2026-01-31 / 2026-02-01", Date, "", false},
		{"31.01.2026 / 01.02.2026", Date, DMY, false},
		{"31/01/2026 / 01/02/2026", Date, DMY, false},
		{"01/31/2026 / 01/02/2026", Date, MDY, false},
		{"01/02/2026 / 03/04/2026", Date, "", true},
		{"13/02/2026 / 02/13/2026", Text, "", false},
		{"31.01.2026 / soon", Text, "", false},
		{"2026-01-31 15:04 / 2026-01-31", DateTime, "", false},
		{"1/31/2026 3:04 PM / 1/2/2026 3:04 PM", DateTime, MDY, false},
		{"46053 / 46054", Number, "", false},
		{"a;b / c / d;e;f", List, "", false},
		{`["a"] / []`, List, "", false},
		{"a, b / c, d", Text, "", false},
		{"a;b / c / d", Text, "", false},
	} {
		got, order, ambiguous := Guess(strings.Split(tt.values, " / "))
		if got != tt.want || order != tt.order || ambiguous != tt.ambiguous {
			t.Errorf("%q: %s %q %v, want %s %q %v", tt.values, got, order, ambiguous, tt.want, tt.order, tt.ambiguous)
		}
	}
}

// What is read is JSON of its type, and read again it is the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"1.234,56", "31.01.2026 15:04 +02:00", "yes", "a;b", "[\"a\"]", "Jan 31, 2026 3:04 PM", "1e5", "\xff\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, order := range []Order{Unknown, DMY, MDY, YMD} {
			for _, typ := range []Type{Text, Number, Boolean, Date, DateTime, List} {
				out, problem := Append([]byte("x"), typ, order, s)
				if out[0] != 'x' || problem != "" && (len(out) != 1 || !utf8.ValidString(problem)) {
					t.Fatalf("%s %q: %q, %q", typ, s, out, problem)
				}
				if problem == "" {
					checkJSON(t, typ, order, s, out[1:])
				}
			}
		}
		Guess([]string{s, s})
	})
}

func checkJSON(t *testing.T, typ Type, order Order, s string, out []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatalf("%s %q gave %q: %v", typ, s, out, err)
	}
	again := string(out)
	ok := true
	switch typ {
	case Text:
		_, ok = v.(string)
		again = ""
	case Number:
		_, ok = v.(float64)
	case Boolean:
		_, ok = v.(bool)
	case Date, DateTime:
		layout := map[Type]string{Date: time.DateOnly, DateTime: time.RFC3339Nano}[typ]
		at, err := time.Parse(layout, v.(string))
		ok = err == nil && at.Location() == time.UTC
		again = v.(string)
	case List:
		for _, item := range v.([]any) {
			if _, text := item.(string); !text {
				ok = false
			}
		}
	}
	if !ok {
		t.Fatalf("%s %q gave %s", typ, s, out)
	}
	if again == "" {
		return
	}
	if typ == DateTime && strings.HasPrefix(again, "0") { // a zone can lead out of the years that are taken
		return
	}
	twice, problem := Parse(typ, order, again)
	if problem != "" || twice != string(out) {
		t.Fatalf("%s %q gave %s, which read again is %s, %q", typ, s, out, twice, problem)
	}
}

func BenchmarkParse(b *testing.B) {
	for _, tt := range []struct {
		name string
		t    Type
		cell string
	}{{"text", Text, "some text that fills the column"}, {"number", Number, "1234.5"}, {"german number", Number, "1.234,56"}, {"boolean", Boolean, "yes"}, {"date", Date, "2026-01-31"},
		{"datetime", DateTime, "2026-01-31 15:04:05"}, {"list", List, "a;b;c"}} {
		b.Run(tt.name, func(b *testing.B) {
			var scratch []byte
			for b.Loop() {
				scratch, _ = Append(scratch[:0], tt.t, DMY, tt.cell)
			}
		})
	}
}
