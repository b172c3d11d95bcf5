package templates

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"postrider/internal/errs"
)

// Limits of the data of a message.
const (
	maxData      = 256 << 10 // bytes of JSON
	maxDataDepth = 20
)

// DecodeData reads the data of a message, a JSON object or nothing. Whole numbers are int, so that they are shown as they were written. An error is Invalid, on the field data.
func DecodeData(raw []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, nil //nolint:nilnil // no data is no error, and a nil map is one without fields
	}
	if len(raw) > maxData {
		return nil, errs.InvalidField("data", "the data has %d bytes; at most %d are allowed", len(raw), maxData)
	}
	if bytes.Contains(bytes.ReplaceAll(raw, []byte(`\\`), nil), []byte(`\u0000`)) {
		return nil, errs.InvalidField("data", "a value holds a NUL character, which no text has")
	}
	if err := checkDepth(raw); err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var data map[string]any
	if err := dec.Decode(&data); err != nil {
		return nil, errs.InvalidField("data", "this is not a JSON object")
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errs.InvalidField("data", "something follows the JSON object")
	}
	for name, v := range data {
		data[name] = plainValue(v)
	}
	return data, nil
}

// checkDepth looks at the nesting before anything is built of it.
func checkDepth(raw []byte) error {
	depth, text := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '{' || c == '[':
			if depth++; depth > maxDataDepth {
				return errs.InvalidField("data", "it is nested deeper than %d levels", maxDataDepth)
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

func plainValue(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil || math.IsInf(f, 0) {
			return v.String()
		}
		return f
	case []any:
		for i := range v {
			v[i] = plainValue(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plainValue(v[name])
		}
	}
	return v
}

// dataUse is a place where a part reads the data of a message.
type dataUse struct {
	path     path // without data itself
	line     int
	optional bool // what happens without it is written there
}

// data notes that a path reads the data.
func (c *checker) data(t token, p path, use exprUse) {
	if p[0] != "data" {
		return
	}
	tested := t.kind == tagToken && slices.Contains([]string{"if", "elsif", "unless", "case", "when"}, t.name)
	c.info.data = append(c.info.data, dataUse{p[1:], t.line, len(p) == 1 || tested || slices.Contains(use.filters, "default")})
}

// requiredData gives the fields that a message must have, sorted: those that are shown or gone through, and neither tested nor given a default anywhere.
func requiredData(uses []dataUse) []string {
	optional := map[string]bool{}
	for _, u := range uses {
		if u.optional {
			optional[strings.Join(u.path, ".")] = true
		}
	}
	var names []string
	for _, u := range uses {
		if name := strings.Join(u.path, "."); !u.optional && !optional[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// RequiredData lists the fields of the data ("order.total") without which the mail has a gap: those that it shows without a default and without asking for them.
func (c *Compiled) RequiredData() []string { return slices.Clone(c.data) }

// MissingData gives those of RequiredData that are not there. A field that is null is there.
func (c *Compiled) MissingData(data map[string]any) []string {
	var missing []string
	for _, name := range c.data {
		if !hasData(data, strings.Split(name, ".")) {
			missing = append(missing, name)
		}
	}
	return missing
}

func hasData(data map[string]any, p path) bool {
	var v any = data
	for _, name := range p {
		fields, ok := v.(map[string]any)
		if !ok {
			// size, first and last of text and lists; and nothing else has fields.
			_, list := v.([]any)
			_, text := v.(string)
			return name == "size" && (list || text) || (name == "first" || name == "last") && list
		}
		if v, ok = fields[name]; !ok {
			return name == "size"
		}
	}
	return true
}

// notPlain makes the engine do what a getter does not do.
type notPlain struct{}

// dataGetter reads a field of the data. What the engine knows of lists, sizes and the like stays with the engine.
func dataGetter(p path) getter {
	if slices.Contains(p, "size") || slices.Contains(p, "first") || slices.Contains(p, "last") {
		return nil
	}
	return func(st *renderState) any {
		var v any = st.vars.Data
		for _, name := range p {
			fields, ok := v.(map[string]any)
			if !ok {
				if v == nil {
					return nil
				}
				return notPlain{}
			}
			if v, ok = fields[name]; !ok {
				return nil
			}
		}
		return v
	}
}

// DataField says in words which fields are missing.
func DataField(missing []string) string {
	return fmt.Sprintf("the template shows %s, which the data does not have; give it, or write a default in the template: {{ data.%s | default: \"…\" }}",
		strings.Join(missing, ", "), missing[0])
}
