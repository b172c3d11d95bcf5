package hooks

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxDepth  = 32      // of JSON
	maxValues = 500_000 // in one request; more than 5 MB of real events hold
	maxList   = 1_000   // recipients and header fields of one event
)

// value is a piece of JSON whose shape nobody promises. What is not there, or of another type, is empty.
type value struct{ v any }

// decode reads one JSON value and nothing behind it.
func decode(b []byte) (value, error) {
	if !bounded(b) {
		return value{}, refuse(Malformed, "the JSON is nested too deeply or holds too many values")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return value{}, refuse(Malformed, "the request is not valid JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return value{}, refuse(Malformed, "there is something behind the JSON")
	}
	return value{v}, nil
}

// bounded looks at depth and size of JSON before it is decoded, which costs up to a hundred times its length in memory.
func bounded(b []byte) bool {
	depth, values := 0, 1
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '[', '{':
			depth++
			values++
		case ']', '}':
			depth--
		case ',':
			values++
		}
		if depth > maxDepth || values > maxValues {
			return false
		}
	}
	return true
}

// event is one of the events of a request, and how it was written.
type event struct {
	value
	raw []byte
}

// decodeEvents reads an array of events, or a single one. Each must be an object.
func decodeEvents(b []byte) ([]event, error) {
	trimmed := bytes.TrimSpace(b)
	if len(trimmed) == 0 {
		return nil, refuse(Malformed, "the request is empty")
	}
	if trimmed[0] != '[' {
		v, err := decode(trimmed)
		if err != nil {
			return nil, err
		}
		if !v.isObject() {
			return nil, refuse(Malformed, "the request is not a JSON object")
		}
		return []event{{v, trimmed}}, nil
	}
	if !bounded(trimmed) {
		return nil, refuse(Malformed, "the JSON is nested too deeply or holds too many values")
	}
	var raws []json.RawMessage
	if json.Unmarshal(trimmed, &raws) != nil {
		return nil, refuse(Malformed, "the request is not valid JSON")
	}
	if len(raws) > maxEvents {
		return nil, refuse(Malformed, "the request holds more than 20,000 events")
	}
	all := make([]event, 0, len(raws))
	for _, raw := range raws {
		v, err := decode(raw)
		if err != nil {
			return nil, err
		}
		if !v.isObject() {
			return nil, refuse(Malformed, "one of the events is not a JSON object")
		}
		all = append(all, event{v, raw})
	}
	return all, nil
}

func (v value) isObject() bool {
	_, ok := v.v.(map[string]any)
	return ok
}

// at follows the names of members.
func (v value) at(path ...string) value {
	for _, name := range path {
		object, _ := v.v.(map[string]any)
		v = value{object[name]}
	}
	return v
}

// has says whether there is such a member, whatever it is.
func (v value) has(name string) bool {
	object, _ := v.v.(map[string]any)
	_, ok := object[name]
	return ok
}

// text is a string as it stands, or a number or truth value written out.
func (v value) text() string {
	switch x := v.v.(type) {
	case string:
		return x
	case json.Number:
		return x.String()
	case bool:
		return strconv.FormatBool(x)
	}
	return ""
}

// word is a text for comparing: lower case, without spaces around it.
func (v value) word() string { return strings.ToLower(strings.TrimSpace(v.text())) }

// number is a whole number, also one in a string; 0 when there is none or it does not fit.
func (v value) number() int { return int(min(max(v.float(), math.MinInt32), math.MaxInt32)) }

func (v value) float() float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(v.text()), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// truth is true for true only.
func (v value) truth() bool {
	b, _ := v.v.(bool)
	return b
}

// list gives the members of an array, or the value alone when it is something else; nothing for null. What is beyond a thousand is left out.
func (v value) list() []value {
	switch x := v.v.(type) {
	case nil:
		return nil
	case []any:
		all := make([]value, 0, min(len(x), maxList))
		for _, member := range x[:min(len(x), maxList)] {
			all = append(all, value{member})
		}
		return all
	}
	return []value{v}
}

// members gives the names of an object in order.
func (v value) members() []string {
	object, _ := v.v.(map[string]any)
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// epoch reads seconds since 1970, with a fraction or without; 0 is no time.
func (v value) epoch() time.Time {
	f := v.float()
	if f <= 0 || f > 1e11 {
		return time.Time{}
	}
	whole, part := math.Modf(f)
	return time.Unix(int64(whole), int64(part*1e6)*1000).UTC()
}

// millis reads thousandths of a second since 1970.
func (v value) millis() time.Time {
	f := v.float()
	if f <= 0 || f > 1e14 {
		return time.Time{}
	}
	return time.UnixMilli(int64(f)).UTC()
}

// stamp reads a time as RFC 3339 writes it, also with a space in place of the T or without the colon in the zone.
func (v value) stamp() time.Time {
	text := strings.TrimSpace(v.text())
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999-0700", "2006-01-02 15:04:05.999999999Z07"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}
