package segment

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// holds is what the index on attributes finds: the field has this value.
func (b *builder) holds(field string, value any) string {
	return "u.attributes @> " + b.arg(b.doc(field, value), "jsonb")
}

func (b *builder) doc(field string, value any) string {
	doc, err := json.Marshal(map[string]any{field: value})
	if err != nil {
		b.err = fmt.Errorf("writing a value of a field: %w", err)
	}
	return string(doc)
}

// holdsAny is holds for any of several values. No index finds an ANY, so by set each value is looked up by itself; by key they are one parameter, of which a statement cannot
// have more than 65,535.
func (b *builder) holdsAny(field string, values []any, asList bool, access Access) string {
	docs := make([]string, len(values))
	for i, v := range values {
		if asList {
			v = []any{v}
		}
		docs[i] = b.doc(field, v)
	}
	if access == ByKey {
		return "(u.attributes @> ANY (" + b.arg(docs, "jsonb[]") + "))"
	}
	for i, doc := range docs {
		docs[i] = "u.attributes @> " + b.arg(doc, "jsonb")
	}
	return "(" + strings.Join(docs, " OR ") + ")"
}

func (b *builder) field(n Node, access Access) string {
	t := b.c.Fields[n.Field]
	switch n.Op {
	case "is":
		return "(" + b.holds(n.Field, n.Value) + ")"
	case "is_not":
		return "NOT (" + b.holds(n.Field, n.Value) + ")"
	case "is_any":
		return b.holdsAny(n.Field, n.Values, false, access)
	case "contains_any":
		return b.holdsAny(n.Field, n.Values, true, access)
	case "contains_none":
		return "NOT " + b.holdsAny(n.Field, n.Values, true, ByKey)
	case "contains_all":
		return "(" + b.holds(n.Field, n.Values) + ")"
	case "is_empty":
		return "NOT " + b.filled(n.Field, t)
	case "is_not_empty":
		return b.filled(n.Field, t)
	case "on":
		if t == "date" {
			return "(" + b.holds(n.Field, n.Value) + ")"
		}
	}
	value := b.value(n.Field, t)
	switch t {
	case "number":
		return b.number(value, n)
	case "date":
		return b.date(value, n)
	case "datetime":
		return b.datetime(value, n)
	}
	return b.text("COALESCE("+value+", '')", n)
}

// value is an expression for a value of a field as its type is compared: text, numeric, a day or the first 19 characters of a moment, both as text that sorts by time. It
// is NULL for whoever has none, or one that is not of this type. Nothing in it can fail, whatever is stored.
func (b *builder) value(field, fieldType string) string {
	key := b.arg(field, "text")
	typed := func(is, sql string) string {
		return strings.ReplaceAll("(CASE WHEN jsonb_typeof(u.attributes -> {k}) = '"+is+"' THEN "+sql+" END)", "{k}", key)
	}
	switch fieldType {
	case "number":
		return typed("number", "(u.attributes ->> {k})::numeric")
	case "date":
		return typed("string", `CASE WHEN u.attributes ->> {k} ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN u.attributes ->> {k} END`) + ` COLLATE "C"`
	case "datetime":
		return typed("string", `CASE WHEN u.attributes ->> {k} ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?Z$' THEN left(u.attributes ->> {k}, 19) END`) + ` COLLATE "C"`
	}
	return typed("string", "u.attributes ->> {k}")
}

// filled asks whether there is a value of the field's type that says something.
func (b *builder) filled(field, fieldType string) string {
	switch fieldType {
	case "text":
		return "(COALESCE(" + b.value(field, fieldType) + ", '') <> '')"
	case "boolean":
		return "COALESCE(jsonb_typeof(u.attributes -> " + b.arg(field, "text") + ") = 'boolean', false)"
	case "list":
		key := b.arg(field, "text")
		return "COALESCE(jsonb_typeof(u.attributes -> " + key + ") = 'array' AND u.attributes -> " + key + " <> '[]', false)"
	}
	return "(" + b.value(field, fieldType) + " IS NOT NULL)"
}

var comparisons = map[string]string{"lt": "<", "le": "<=", "gt": ">", "ge": ">="}

func (b *builder) number(value string, n Node) string {
	arg := func(v any) string { return b.arg(v.(json.Number).String(), "numeric") }
	if n.Op == "between" {
		return "COALESCE(" + value + " BETWEEN " + arg(n.Values[0]) + " AND " + arg(n.Values[1]) + ", false)"
	}
	return "COALESCE(" + value + " " + comparisons[n.Op] + " " + arg(n.Value) + ", false)"
}

func (b *builder) date(value string, n Node) string {
	today := b.c.At.In(b.c.zone())
	day := func(ahead int) string { return today.AddDate(0, 0, ahead).Format(time.DateOnly) }
	between := func(from, to any) string {
		return "COALESCE(" + value + " BETWEEN " + b.arg(from, "text") + " AND " + b.arg(to, "text") + ", false)"
	}
	switch n.Op {
	case "before":
		return "COALESCE(" + value + " < " + b.arg(n.Value, "text") + ", false)"
	case "after":
		return "COALESCE(" + value + " > " + b.arg(n.Value, "text") + ", false)"
	case "between":
		return between(n.Values[0], n.Values[1])
	case "in_last":
		return between(day(-*n.Days), day(0))
	case "in_next":
		return between(day(0), day(*n.Days))
	}
	return "COALESCE(substr(" + value + ", 6) = ANY (" + b.arg(anniversaries(today, *n.Days), "text[]") + "), false)"
}

// anniversaries are the days of the year, as MM-DD, from today to some days on. Who was born on 29 February has it a day sooner in other years.
func anniversaries(today time.Time, days int) []string {
	var out []string
	for i := range days + 1 {
		d := today.AddDate(0, 0, i)
		md := d.Format("01-02")
		if slices.Contains(out, md) {
			continue
		}
		out = append(out, md)
		if md == "02-28" && d.AddDate(0, 0, 1).Month() == time.March && !slices.Contains(out, "02-29") {
			out = append(out, "02-29")
		}
	}
	return out
}

func (b *builder) datetime(value string, n Node) string {
	parts := b.within(value, n, func(t time.Time) string { return b.arg(t.UTC().Format("2006-01-02T15:04:05"), "text") })
	return "COALESCE(" + strings.Join(parts, " AND ") + ", false)"
}
