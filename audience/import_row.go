package audience

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"unicode/utf8"

	"postrider/audience/cell"
	"postrider/audience/tablefile"
	"postrider/internal/addr"
)

// maxAttributeValue bounds one value of an attribute, in characters.
const maxAttributeValue = 10_000

// lineEnds makes the line ends inside a value \n, so that the same data from another system is the same.
var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// rowMapper turns records of a file into rows, by a checked mapping.
type rowMapper struct {
	columns    []Column
	email      int
	names      []int
	attributes []ColumnMapping
	keys       []string // of the attributes, as JSON with the colon
}

func newRowMapper(columns []Column, m Mapping) *rowMapper {
	rm := &rowMapper{columns: columns}
	for _, c := range m.Columns {
		switch c.Target {
		case TargetEmail:
			rm.email = c.Index
		case TargetName:
			rm.names = append(rm.names, c.Index)
		case TargetAttribute:
			rm.attributes = append(rm.attributes, c)
			rm.keys = append(rm.keys, jsonString(c.Attribute)+":")
		}
	}
	return rm
}

// importRow is what one record says about a person. Values go with rowMapper.attributes and are JSON as Postgres writes it; "" says nothing, so that it erases
// nothing.
type importRow struct {
	line    int64
	address addr.Address
	name    string
	values  []string
}

// cellProblem is what is wrong with a record at one column; column -1 is the record as a whole.
type cellProblem struct {
	column int
	value  string
	reason string
}

// row reads one record. Every problem is found, not only the first, so that a person can mend all at once; with any, the row is to be rejected.
func (m *rowMapper) row(rec *tablefile.Record) (importRow, []cellProblem) {
	r := importRow{line: rec.Line}
	if problem := checkRecord(rec, len(m.columns)); problem != nil {
		return r, []cellProblem{*problem}
	}
	var (
		problems []cellProblem
		err      error
	)
	email := string(rec.Fields[m.email])
	if r.address, err = addr.Normalize(email); err != nil {
		problems = append(problems, cellProblem{m.email, email, publicText(err)})
	}
	if r.name = m.name(rec); len(r.name) > maxName && utf8.RuneCountInString(r.name) > maxName {
		problems = append(problems, cellProblem{m.names[0], r.name, fmt.Sprintf("the name is longer than %d characters", maxName)})
	}
	r.values = make([]string, len(m.attributes))
	for i := range m.attributes {
		a := &m.attributes[i]
		var reason string
		if r.values[i], reason = cellValue(rec.Fields[a.Index], a); reason != "" {
			problems = append(problems, cellProblem{a.Index, string(rec.Fields[a.Index]), reason})
		}
	}
	return r, problems
}

// name joins the columns that are the name.
func (m *rowMapper) name(rec *tablefile.Record) string {
	if len(m.names) == 1 {
		return oneLine(string(rec.Fields[m.names[0]]))
	}
	parts := make([]string, 0, len(m.names))
	for _, i := range m.names {
		if part := oneLine(string(rec.Fields[i])); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " ")
}

// cellValue reads a value of an attribute as JSON, "" when the cell is empty, or says why it cannot.
func cellValue(c []byte, a *ColumnMapping) (value, problem string) {
	c = bytes.TrimSpace(c)
	if len(c) == 0 {
		return "", ""
	}
	if a.Type != FieldText && a.Type != "" {
		return cell.Parse(cell.Type(a.Type), a.DateOrder, string(c))
	}
	text := string(c)
	if strings.IndexByte(text, '\r') >= 0 {
		text = lineEnds.Replace(text)
	}
	if len(text) > maxAttributeValue && utf8.RuneCountInString(text) > maxAttributeValue {
		return "", fmt.Sprintf("the value is longer than %d characters", maxAttributeValue)
	}
	return jsonString(text), ""
}

// checkRecord finds what makes a record unreadable as a whole.
func checkRecord(rec *tablefile.Record, columns int) *cellProblem {
	switch {
	case rec.Problem != nil:
		return &cellProblem{-1, string(rec.Raw), rec.Problem.Error()}
	case len(rec.Fields) != columns:
		return &cellProblem{-1, string(rec.Raw), fmt.Sprintf("the row has %d columns where the file has %d", len(rec.Fields), columns)}
	case !utf8.Valid(rec.Raw):
		column, b, at := firstInvalid(texts(rec.Fields))
		return &cellProblem{column, string(rec.Fields[column]), fmt.Sprintf("byte 0x%02X at position %d is not UTF-8: %s", b, at, wayOut)}
	case bytes.IndexByte(rec.Raw, 0) < 0:
		return nil
	}
	for i, f := range rec.Fields {
		if at := bytes.IndexByte(f, 0); at >= 0 {
			return &cellProblem{i, string(f), fmt.Sprintf("there is a NUL character at position %d", at+1)}
		}
	}
	return nil
}

func texts(fields [][]byte) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = string(f)
	}
	return out
}

// columnOf is the column of a problem as people see it.
func (m *rowMapper) columnOf(p cellProblem) string {
	if p.column < 0 {
		return ""
	}
	return columnName(m.columns, p.column)
}

// attributesOf gives the values that say something, by attribute.
func (m *rowMapper) attributesOf(values []string) map[string]any {
	out := make(map[string]any, len(values))
	for i, v := range values {
		if v == "" {
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(v), &value); err == nil {
			out[m.attributes[i].Attribute] = value
		}
	}
	return out
}

// attributesJSON is all values that say something, as a JSON object.
func (m *rowMapper) attributesJSON(values []string) []byte {
	size := 2
	for i, v := range values {
		size += len(m.keys[i]) + len(v) + 1
	}
	out := append(make([]byte, 0, size), '{')
	for i, v := range values {
		if v == "" {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(out, m.keys[i]...), v...)
	}
	return append(out, '}')
}

// patch lays a later row about the same person over this one: what it says wins.
func (r *importRow) patch(later importRow) {
	if later.name != "" {
		r.name = later.name
	}
	for i, v := range later.values {
		if v != "" {
			r.values[i] = v
		}
	}
}

// storable makes text of bytes that Postgres can hold, for showing what was wrong.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// jsonString writes a string as Postgres writes it in jsonb, so that equal values have equal texts.
func jsonString(s string) string {
	plain := true
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c == '"' || c == '\\' {
			plain = false
			break
		}
	}
	if plain {
		return `"` + s + `"`
	}
	out := append(make([]byte, 0, len(s)+16), '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			out = append(out, '\\', c)
		case '\n':
			out = append(out, `\n`...)
		case '\r':
			out = append(out, `\r`...)
		case '\t':
			out = append(out, `\t`...)
		case '\b':
			out = append(out, `\b`...)
		case '\f':
			out = append(out, `\f`...)
		default:
			if c < 0x20 {
				out = fmt.Appendf(out, `\u%04x`, c)
			} else {
				out = append(out, c)
			}
		}
	}
	return string(append(out, '"'))
}

// sameJSON compares two values. Their texts may differ where Postgres keeps them in another form: 1.50 is 1.5.
func sameJSON(a, b string) bool {
	if a == b {
		return true
	}
	var x, y any
	return decodeJSON(a, &x) == nil && decodeJSON(b, &y) == nil && reflect.DeepEqual(exact(x), exact(y))
}

func decodeJSON(s string, v *any) error {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	return d.Decode(v)
}

// exact replaces numbers by a form that is the same for equal ones.
func exact(v any) any {
	switch v := v.(type) {
	case json.Number:
		if r, ok := new(big.Rat).SetString(string(v)); ok && len(v) < 100 {
			return r.RatString()
		}
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = exact(v[i])
		}
		return out
	}
	return v
}
