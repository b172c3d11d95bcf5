package audience

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// maxSearchFields bounds the fields that one search may ask for.
const maxSearchFields = 10

// SubscriberFilter says which people to list; whoever meets all of it is found. Search is part of an address or name, in any case; in it, and in Field and Value, the value of
// a custom field can be asked for: city:Berlin, or city:"New York", beside other words. Status is that of the subscription to ListID, or to any list when ListID is 0;
// suppressed people are those whose address or domain is. SegmentID is a saved segment that they are in.
type SubscriberFilter struct {
	Search    string
	ListID    int64
	Status    string
	Field     string
	Value     string
	SegmentID int64
}

// match is a filter that was checked, in the terms of the tables.
type match struct {
	patterns   []string // the text of a person is LIKE one of them; none: whatever it is
	trigrams   bool     // the trigram index finds them
	attributes []string // JSON objects that the attributes hold
	listID     int64
	status     string // of a subscription
	suppressed bool
	segment    *filterSegment
}

// match checks the filter. The fields that exist are read only when it asks for one.
func (f SubscriberFilter) match(ctx context.Context, db pg.DB) (match, error) {
	m := match{listID: f.ListID}
	switch f.Status {
	case StatusSuppressed:
		m.suppressed = true
	case "":
	default:
		if checkStatus(f.Status) != nil {
			return m, errs.InvalidField("status", "%q is not a status: use subscribed, unconfirmed, unsubscribed or suppressed", f.Status)
		}
		m.status = f.Status
	}
	var fields []Field
	if f.Field != "" || strings.Contains(f.Search, ":") {
		var err error
		if fields, err = listFields(ctx, db); err != nil {
			return m, err
		}
	}
	if f.Field != "" {
		field, found := fieldNamed(fields, f.Field)
		if !found {
			return m, errs.InvalidField("field", "there is no field %q: use one of GET /fields", f.Field)
		}
		object, problem := field.holds(f.Value)
		if problem != "" {
			return m, errs.InvalidField("value", "%s", problem)
		}
		m.attributes = append(m.attributes, object)
	} else if f.Value != "" {
		return m, errs.InvalidField("value", "a value is looked for in a field: give field too")
	}
	return m, m.search(f.Search, fields)
}

// search takes the fields out of what was typed and looks for the rest in address and name.
func (m *match) search(typed string, fields []Field) error {
	text, asked := splitSearch(typed, fields)
	if len(asked) > maxSearchFields {
		return errs.InvalidField("q", "this asks for %d fields; at most %d can be asked for at once", len(asked), maxSearchFields)
	}
	for _, a := range asked {
		object, problem := a.field.holds(a.value)
		if problem != "" {
			return errs.InvalidField("q", "%s", problem)
		}
		m.attributes = append(m.attributes, object)
	}
	like, err := likePattern(text)
	if err != nil || like == "%%" {
		return err
	}
	m.patterns, m.trigrams = []string{like}, hasTrigram(text)
	// Addresses are kept with the domain in A-labels, so that a domain typed in Unicode is looked for in that form too.
	text = strings.TrimSpace(text)
	local, typedDomain, _ := cutLast(text, "@")
	if domain, err := addr.Domain(typedDomain); err == nil && domain != strings.ToLower(typedDomain) {
		other, err := likePattern(local + domain)
		if err != nil {
			return err
		}
		m.patterns = append(m.patterns, other)
	}
	return nil
}

type askedField struct {
	field Field
	value string
}

// splitSearch finds name:value and name:"a value" where a field of that name exists; all else is text, as it was typed.
func splitSearch(typed string, fields []Field) (text string, asked []askedField) {
	var rest strings.Builder
	for i := 0; i < len(typed); {
		end := i + wordEnd(typed[i:])
		word := typed[i:end]
		name, value, _ := strings.Cut(word, ":")
		value = strings.TrimSpace(strings.Trim(value, `"`))
		if field, known := fieldNamed(fields, name); known && value != "" {
			asked = append(asked, askedField{field, value})
		} else {
			rest.WriteString(word)
		}
		for end < len(typed) && typed[end] == ' ' {
			rest.WriteByte(' ')
			end++
		}
		i = end
	}
	return rest.String(), asked
}

// wordEnd gives the bytes up to the next space that is not within quotes which begin right after a colon and end again.
func wordEnd(s string) int {
	if colon := strings.Index(s, `:"`); colon >= 0 && !strings.Contains(s[:colon], " ") {
		if closing := strings.IndexByte(s[colon+2:], '"'); closing >= 0 {
			return colon + 2 + closing + 1
		}
	}
	if space := strings.IndexByte(s, ' '); space > 0 {
		return space
	} else if space == 0 {
		return 1
	}
	return len(s)
}

// fieldNamed finds a field by its name, in any case when none is written exactly so.
func fieldNamed(fields []Field, name string) (Field, bool) {
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		i = slices.IndexFunc(fields, func(f Field) bool { return strings.EqualFold(f.Name, name) })
	}
	if i < 0 {
		return Field{}, false
	}
	return fields[i], true
}

// holds gives the JSON object that the attributes of a person contain who has the value in this field, or what is wrong with the value.
func (f Field) holds(value string) (object, problem string) {
	value = strings.TrimSpace(value)
	if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
		return "", "this value cannot be searched for: it is not valid UTF-8"
	}
	var v any = value
	switch f.Type {
	case FieldNumber:
		n, err := strconv.ParseFloat(value, 64)
		if b, e := json.Marshal(n); err == nil && e == nil {
			v = json.RawMessage(b)
			break
		}
		return "", "the field " + f.Name + " holds numbers: write one like 42 or 3.5"
	case FieldBoolean:
		switch strings.ToLower(value) {
		case "true", "yes":
			v = true
		case "false", "no":
			v = false
		default:
			return "", "the field " + f.Name + " holds yes or no: write true or false"
		}
	case FieldDate:
		if _, err := time.Parse(time.DateOnly, value); err != nil {
			return "", "the field " + f.Name + " holds days: write one like 2026-01-31"
		}
	case FieldDateTime:
		at, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return "", "the field " + f.Name + " holds times: write one like 2026-01-31T12:00:00Z"
		}
		v = at.UTC().Format(time.RFC3339)
	case FieldList:
		v = []string{value}
	case FieldText:
	}
	b, err := json.Marshal(map[string]any{f.Name: v})
	if err != nil {
		return "", "this value cannot be searched for"
	}
	return string(b), ""
}

// hasTrigram reports whether a search for this part of a text has three characters in a row by which the trigram index finds it. Without one Postgres would read the whole
// index, which takes longer than reading everybody. A word counts with two spaces before it and one behind it, where the pattern says that it begins or ends there.
func hasTrigram(part string) bool {
	runes := []rune(strings.TrimSpace(part))
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for i := 0; i < len(runes); {
		if !word(runes[i]) {
			i++
			continue
		}
		begin := i
		for i < len(runes) && word(runes[i]) {
			i++
		}
		n := i - begin
		if begin > 0 {
			n += 2
		}
		if i < len(runes) {
			n++
		}
		if n >= 3 {
			return true
		}
	}
	return false
}

// cutLast cuts s behind the last sep, which stays with before; without one, all of s is after.
func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", s, false
	}
	return s[:i+len(sep)], s[i+len(sep):], true
}
