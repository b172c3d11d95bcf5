// Package cell turns what people write into the cells of tables into values of a type, and guesses the type from them.
//
// It reads the ways in which numbers, dates and yes or no are written in several languages. What could mean two things is not guessed: it is a problem that says what to do. A
// problem is a sentence for people about the cell.
package cell

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Type says what a value is, in JSON.
type Type string

// The types; the same words as those of custom fields.
const (
	Text     Type = "text"     // a string
	Number   Type = "number"   // a number
	Boolean  Type = "boolean"  // true or false
	Date     Type = "date"     // a string, YYYY-MM-DD
	DateTime Type = "datetime" // a string, RFC 3339 in UTC
	List     Type = "list"     // an array of strings
)

// Valid reports whether it is one of the types.
func (t Type) Valid() bool {
	switch t {
	case Text, Number, Boolean, Date, DateTime, List:
		return true
	}
	return false
}

// Order says in which order day, month and year stand in dates that are written in numbers with slashes, dots or dashes. Dates that begin with a year of four digits need none.
type Order string

// The orders. With Unknown, a date that could be read both ways is a problem; one with dots has the day first, as it always has.
const (
	Unknown Order = ""
	DMY     Order = "dmy"
	MDY     Order = "mdy"
	YMD     Order = "ymd"
)

// Valid reports whether it is one of the orders.
func (o Order) Valid() bool { return o == Unknown || o == DMY || o == MDY || o == YMD }

// Bounds of a value.
const (
	maxText  = 10_000 // characters
	maxItems = 1000   // of a list
)

// Parse reads a cell that is not blank. It gives JSON of the type, or a problem.
func Parse(t Type, order Order, cell string) (value string, problem string) {
	b, problem := Append(nil, t, order, cell)
	return string(b), problem
}

// Append is Parse that appends to dst, which comes back as it was when there is a problem.
func Append(dst []byte, t Type, order Order, cell string) (out []byte, problem string) {
	cell = strings.TrimSpace(cell)
	if cell != "" && cell[0] == '#' && excelError(cell) {
		return dst, "the cell holds the error " + cell + " of a spreadsheet: mend the formula, or clear the cell"
	}
	switch t {
	case Number:
		return appendNumber(dst, cell)
	case Boolean:
		return appendBoolean(dst, cell)
	case Date:
		return appendDate(dst, order, cell)
	case DateTime:
		return appendDateTime(dst, order, cell)
	case List:
		return appendList(dst, cell)
	}
	if len(cell) > maxText && utf8.RuneCountInString(cell) > maxText {
		return dst, "the value is longer than 10000 characters"
	}
	return appendString(dst, cell), ""
}

// excelError finds the errors that spreadsheets write into cells.
func excelError(s string) bool {
	switch s {
	case "#N/A", "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#BUSY!", "#ERROR!":
		return true
	}
	return false
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string. Line ends become \n, so that the same data from another system is the same; bytes that are not UTF-8 become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(append(dst, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, s[from:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\r':
			if i+1 >= len(s) || s[i+1] != '\n' {
				dst = append(dst, `\n`...)
			}
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

// words are what booleans are called, folded.
func truth(word string) (value, ok bool) {
	switch word {
	case "true", "yes", "y", "1", "on", "t", "x", "✓", "✔", "☑", "checked", "wahr", "ja", "j", "an", "oui", "o", "vrai", "si", "sí", "sì", "s", "verdadero", "vero", "sim", "verdadeiro",
		"да", "д", "истина", "вкл", "так", "tak", "prawda", "ano", "pravda", "igen", "igaz", "evet", "doğru", "kyllä", "tosi", "waar", "sand", "sann", "ναι", "はい", "是":
		return true, true
	case "false", "no", "n", "0", "off", "f", "✗", "✘", "☐", "unchecked", "falsch", "nein", "aus", "non", "faux", "falso", "não", "nao",
		"нет", "н", "ложь", "выкл", "ні", "nie", "fałsz", "ne", "nepravda", "nem", "hamis", "hayır", "yanlış", "ei", "epätosi", "nee", "onwaar", "nej", "falsk", "nei", "falskt", "όχι", "いいえ", "否":
		return false, true
	}
	return false, false
}

func appendBoolean(dst []byte, cell string) ([]byte, string) {
	v, ok := truth(strings.ToLower(cell))
	switch {
	case !ok:
		return dst, "this is neither yes nor no: write yes or no, true or false, 1 or 0"
	case v:
		return append(dst, "true"...), ""
	}
	return append(dst, "false"...), ""
}

func appendList(dst []byte, cell string) ([]byte, string) {
	items, problem := listItems(cell)
	if problem != "" {
		return dst, problem
	}
	start := len(dst)
	dst = append(dst, '[')
	seen := make(map[string]bool, len(items))
	for _, item := range items {
		item = strings.TrimSpace(item)
		if item == "" || seen[item] {
			continue
		}
		if seen[item] = true; len(seen) > maxItems {
			return dst[:start], "the list has more than 1000 items"
		}
		if len(seen) > 1 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, item)
	}
	return append(dst, ']'), ""
}

// listItems takes a list apart: a JSON array, or text with semicolons, else bars, else line ends, else commas.
func listItems(cell string) ([]string, string) {
	cell = strings.ToValidUTF8(cell, "\uFFFD") // or different bytes would be different items that look the same
	if len(cell) > 4*maxText {
		return nil, "the list is longer than 10000 characters"
	}
	if strings.HasPrefix(cell, "[") {
		var values []any
		dec := json.NewDecoder(strings.NewReader(cell))
		dec.UseNumber()
		if err := dec.Decode(&values); err != nil || dec.More() {
			return nil, `this begins like a JSON array but is none: write ["one","two"], or one;two`
		}
		items := make([]string, 0, len(values))
		for _, v := range values {
			switch v := v.(type) {
			case string:
				items = append(items, v)
			case json.Number:
				items = append(items, v.String())
			case bool:
				items = append(items, map[bool]string{true: "true", false: "false"}[v])
			case nil:
			default:
				return nil, "a list holds texts, not further lists or objects"
			}
		}
		return items, ""
	}
	for _, sep := range []string{";", "|", "\n", ","} {
		if strings.Contains(cell, sep) {
			return strings.Split(cell, sep), ""
		}
	}
	return []string{cell}, ""
}

// fold makes a word comparable: small letters, without a dot at its end.
func fold(s string) string {
	return strings.TrimRight(strings.ToLower(strings.TrimFunc(s, unicode.IsSpace)), ".")
}
