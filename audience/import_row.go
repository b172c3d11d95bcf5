package audience

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

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
		}
	}
	return rm
}

// importRow is what one record says about a person. Values go with rowMapper.attributes; "" says nothing, so that it erases nothing.
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
	parts := make([]string, 0, len(m.names))
	for _, i := range m.names {
		if part := oneLine(string(rec.Fields[i])); part != "" {
			parts = append(parts, part)
		}
	}
	if r.name = strings.Join(parts, " "); utf8.RuneCountInString(r.name) > maxName {
		problems = append(problems, cellProblem{m.names[0], r.name, fmt.Sprintf("the name is longer than %d characters", maxName)})
	}
	r.values = make([]string, len(m.attributes))
	for i, a := range m.attributes {
		r.values[i] = lineEnds.Replace(string(bytes.TrimSpace(rec.Fields[a.Index])))
		if len(r.values[i]) > maxAttributeValue && utf8.RuneCountInString(r.values[i]) > maxAttributeValue {
			problems = append(problems, cellProblem{a.Index, r.values[i], fmt.Sprintf("the value is longer than %d characters", maxAttributeValue)})
		}
	}
	return r, problems
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
		if v != "" {
			out[m.attributes[i].Attribute] = v
		}
	}
	return out
}

// attributesJSON is attributesOf as JSON.
func (m *rowMapper) attributesJSON(values []string) ([]byte, error) {
	return json.Marshal(m.attributesOf(values))
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
