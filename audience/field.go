package audience

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
)

// FieldType says what the values of a custom field are, in JSON.
type FieldType string

// The types of fields.
const (
	FieldText     FieldType = "text"     // a string
	FieldNumber   FieldType = "number"   // a number
	FieldBoolean  FieldType = "boolean"  // true or false
	FieldDate     FieldType = "date"     // a string, YYYY-MM-DD
	FieldDateTime FieldType = "datetime" // a string, RFC 3339 in UTC
	FieldList     FieldType = "list"     // an array of strings
)

// FieldTypes are all types of fields.
var FieldTypes = []FieldType{FieldText, FieldNumber, FieldBoolean, FieldDate, FieldDateTime, FieldList}

// What a job is doing with the values of a field.
const (
	FieldConverting = "converting"
	FieldDeleting   = "deleting"
)

const (
	maxFields     = 500
	maxFieldLabel = 100
	maxListItems  = 100 // in a value of type list
)

// Field is a custom field: an attribute that people may have. Name is its key in Subscriber.Attributes and in templates; Label is for people, "" to show the name.
type Field struct {
	Name      string
	Label     string
	Type      FieldType
	CreatedAt time.Time
	UpdatedAt time.Time
	// Pending is FieldConverting or FieldDeleting while a job changes what people have in it, else "".
	Pending string
}

// ListFields gives all fields by name. They are at most some hundred.
func (s *Service) ListFields(ctx context.Context) ([]Field, error) { return listFields(ctx, s.pool) }

const selectFields = `SELECT name, label, type, created_at, updated_at, COALESCE(pending, '') AS pending FROM fields`

func listFields(ctx context.Context, db pg.DB) ([]Field, error) {
	return pg.Many[Field](ctx, db, "fields", selectFields+` ORDER BY name`)
}

// GetField gives one field.
func (s *Service) GetField(ctx context.Context, name string) (Field, error) {
	return getField(ctx, s.pool, name)
}

func getField(ctx context.Context, db pg.DB, name string) (Field, error) {
	if problem := attributeNameProblem(name); problem != "" {
		return Field{}, noField(name)
	}
	return pg.One[Field](ctx, db, fmt.Sprintf("field %q", name), selectFields+` WHERE name = $1`, name)
}

func noField(name string) error {
	return errs.New(errs.NotFound, "there is no field %q", storable(name))
}

// CreateField makes a field that nobody has a value in yet. A second one of a name is a Conflict.
func (s *Service) CreateField(ctx context.Context, name, label string, t FieldType) (Field, error) {
	var f errs.Fields
	if problem := attributeNameProblem(name); problem != "" {
		f.Add("name", "the field %s", problem)
	}
	label = cleanLine(&f, "label", label, maxFieldLabel)
	checkFieldType(&f, t)
	if err := f.Err("the field is not complete"); err != nil {
		return Field{}, err
	}
	err := pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if n, err := insertFields(ctx, tx, []Field{{Name: name, Label: label, Type: t}}, s.clock()); err != nil {
			return err
		} else if n == 0 {
			e := errs.New(errs.Conflict, "there is a field %q already", name)
			e.Fields = []errs.Field{{Name: "name", Message: "there is a field of this name already"}}
			return e
		}
		return nil
	})
	if err != nil {
		return Field{}, err
	}
	return s.GetField(ctx, name)
}

// insertFields makes those of the fields that are not there yet, says how many that were, and keeps them at maxFields.
func insertFields(ctx context.Context, tx pgx.Tx, fields []Field, now time.Time) (int64, error) {
	var n int64
	for _, f := range fields {
		tag, err := tx.Exec(ctx, `INSERT INTO fields (name, label, type, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT (name) DO NOTHING`,
			f.Name, f.Label, f.Type, now)
		if err != nil {
			return 0, fmt.Errorf("making field %q: %w", f.Name, err)
		}
		n += tag.RowsAffected()
	}
	if n == 0 {
		return 0, nil
	}
	var all int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM fields`).Scan(&all); err != nil {
		return 0, fmt.Errorf("counting fields: %w", err)
	}
	if all > maxFields {
		return 0, errs.New(errs.Conflict, "there would be %d custom fields; at most %d are possible: delete some that are not needed", all, maxFields)
	}
	return n, nil
}

func checkFieldType(f *errs.Fields, t FieldType) {
	if !slices.Contains(FieldTypes, t) {
		f.Add("type", "%q is not a type: use text, number, boolean, date, datetime or list", t)
	}
}

// FieldUse says what people have in a field.
type FieldUse struct {
	People int64 // who have a value
}

// CountField counts the people who have a value in a field.
func (s *Service) CountField(ctx context.Context, name string) (FieldUse, error) {
	if _, err := s.GetField(ctx, name); err != nil {
		return FieldUse{}, err
	}
	var u FieldUse
	if err := s.pool.QueryRow(ctx, `SELECT count(*) FROM subscribers WHERE attributes ? $1`, name).Scan(&u.People); err != nil {
		return u, fmt.Errorf("counting who has %q: %w", name, err)
	}
	return u, nil
}

// UpdateField sets label and type of a field. With another type what people have in it is converted by a job; when something cannot be, nothing changes and the
// Conflict names how many and some of them. While the audience of a campaign is being written, another type is a Conflict too.
func (s *Service) UpdateField(ctx context.Context, name, label string, t FieldType) (Field, error) {
	var f errs.Fields
	label = cleanLine(&f, "label", label, maxFieldLabel)
	checkFieldType(&f, t)
	if err := f.Err("the field is not complete"); err != nil {
		return Field{}, err
	}
	was, err := s.GetField(ctx, name)
	if err != nil {
		return Field{}, err
	}
	if was.Type != t {
		if err := s.checkConversion(ctx, was, t); err != nil {
			return Field{}, err
		}
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lockField(ctx, tx, name, was.Type); err != nil {
			return err
		}
		if was.Type == t {
			_, err := tx.Exec(ctx, `UPDATE fields SET label = $2, updated_at = $3 WHERE name = $1`, name, label, s.clock())
			return err
		}
		if err := fieldUnused(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE fields SET label = $2, type = $3, from_type = type, pending = 'converting', last_id = 0, updated_at = $4 WHERE name = $1`,
			name, label, t, s.clock())
		if err != nil {
			return err
		}
		_, err = s.jobs.InsertTx(ctx, tx, FieldArgs{Name: name}, nil)
		return err
	})
	if err != nil {
		return Field{}, fieldError(name, err)
	}
	return s.GetField(ctx, name)
}

// lockField holds a field that no job is at, and that still has the type.
func lockField(ctx context.Context, tx pgx.Tx, name string, t FieldType) error {
	var pending string
	var now FieldType
	err := tx.QueryRow(ctx, `SELECT COALESCE(pending, ''), type FROM fields WHERE name = $1 FOR UPDATE`, name).Scan(&pending, &now)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return noField(name)
	case err != nil:
		return err
	case pending == FieldDeleting:
		return errs.New(errs.Conflict, "the field %q is being deleted", name)
	case pending != "":
		return errs.New(errs.Conflict, "what people have in %q is being converted: wait until that is done", name)
	case now != t:
		return errs.New(errs.Conflict, "the field %q was changed a moment ago: look at it again", name)
	}
	return nil
}

// fieldUnused is a Conflict while people are chosen for a campaign, and lets none start until the end of the transaction: values change batch by batch, and whoever's turn it is in
// between would be judged by them.
func fieldUnused(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, segmentLock); err != nil {
		return fmt.Errorf("waiting for campaigns that start: %w", err)
	}
	return NobodyIsChosenTx(ctx, tx, 0)
}

func fieldError(name string, err error) error {
	var e *errs.E
	if errors.As(err, &e) {
		return err
	}
	return fmt.Errorf("changing field %q: %w", name, err)
}

// maxConversionExamples is how many values that cannot be converted are named.
const maxConversionExamples = 3

// checkConversion is a Conflict when what somebody has in the field cannot be of the type.
func (s *Service) checkConversion(ctx context.Context, was Field, t FieldType) error {
	rows, err := s.pool.Query(ctx, `SELECT attributes -> $1 FROM subscribers WHERE attributes ? $1`, was.Name)
	if err != nil {
		return fmt.Errorf("reading values of %q: %w", was.Name, err)
	}
	var (
		v        json.RawMessage
		wrong    int64
		examples []string
	)
	_, err = pgx.ForEachRow(rows, []any{&v}, func() error {
		if _, ok := convertValue(v, t); !ok {
			if wrong++; len(examples) < maxConversionExamples && !slices.Contains(examples, excerpt(string(v))) {
				examples = append(examples, excerpt(string(v)))
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading values of %q: %w", was.Name, err)
	}
	if wrong == 0 {
		return nil
	}
	e := errs.New(errs.Conflict, "%d people have something in %q that cannot be a %s, such as %s: change or clear these values first, or keep the type",
		wrong, was.Name, t, strings.Join(examples, ", "))
	e.Fields = []errs.Field{{Name: "type", Message: fmt.Sprintf("%d values cannot be converted", wrong)}}
	return e
}

// excerpt cuts a value down to what fits into a sentence.
func excerpt(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}

// DeleteField deletes a field with what people have in it, by a job. seen is how many people that is, as the caller was told; when it is another number by now, more
// would be lost than was agreed to, and it is a Conflict; so it is while the audience of a campaign is being written.
func (s *Service) DeleteField(ctx context.Context, name string, seen int64) error {
	was, err := s.GetField(ctx, name)
	if err != nil {
		return err
	}
	use, err := s.CountField(ctx, name)
	if err != nil {
		return err
	}
	if use.People > seen {
		return errs.New(errs.Conflict, "%d people have something in %q, which would be lost: say count=%d to delete it", use.People, name, use.People)
	}
	err = pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		if err := lockField(ctx, tx, name, was.Type); err != nil {
			return err
		}
		if err := fieldUnused(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE fields SET pending = 'deleting', last_id = 0, updated_at = $2 WHERE name = $1`, name, s.clock()); err != nil {
			return err
		}
		_, err := s.jobs.InsertTx(ctx, tx, FieldArgs{Name: name}, nil)
		return err
	})
	if err != nil {
		return fieldError(name, err)
	}
	return nil
}

// fieldsByName reads the fields that attributes are checked against.
func fieldsByName(ctx context.Context, db pg.DB) (map[string]Field, error) {
	all, err := listFields(ctx, db)
	if err != nil {
		return nil, err
	}
	byName := make(map[string]Field, len(all))
	for _, f := range all {
		byName[f.Name] = f
	}
	return byName, nil
}

// typedAttributes checks attributes against the fields, notes in f what is wrong under "attributes.NAME", and gives the fields that are to be made. Values are put
// into the form in which they are stored; null says that somebody has none. A value that was there before passes as it is.
func typedAttributes(f *errs.Fields, fields map[string]Field, attributes, before map[string]any) (out map[string]any, missing []Field) {
	out = make(map[string]any, len(attributes))
	for name, v := range attributes {
		if v == nil || attributeNameProblem(name) != "" {
			continue // cleanAttributes says what is wrong with a name
		}
		if old, ok := before[name]; ok && reflect.DeepEqual(old, v) {
			out[name] = v
			continue
		}
		field, known := fields[name]
		if !known {
			field = Field{Name: name, Type: inferType(v)}
			missing = append(missing, field)
		}
		value, problem := checkValue(field, v)
		if problem != "" {
			f.Add("attributes."+name, "%s", problem)
			continue
		}
		out[name] = value
	}
	slices.SortFunc(missing, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return out, missing
}

// inferType is the type of a field that is made because somebody sent a value for it.
func inferType(v any) FieldType {
	switch v.(type) {
	case float64, json.Number, int, int64:
		return FieldNumber
	case bool:
		return FieldBoolean
	case []any, []string:
		return FieldList
	}
	return FieldText
}

// checkValue gives the value as it is stored, or what is wrong with it.
func checkValue(f Field, v any) (any, string) {
	if f.Pending == FieldDeleting {
		return nil, "this field is being deleted"
	}
	switch f.Type {
	case FieldNumber:
		switch n := v.(type) {
		case float64, int, int64:
			return v, ""
		case json.Number:
			return n, ""
		}
		return nil, "this field takes a number, such as 12.5, without quotes"
	case FieldBoolean:
		if b, ok := v.(bool); ok {
			return b, ""
		}
		return nil, "this field takes true or false, without quotes"
	case FieldDate:
		if s, ok := v.(string); ok {
			if _, err := time.Parse(time.DateOnly, s); err == nil {
				return s, ""
			}
		}
		return nil, "this field takes a date, such as 2026-03-31"
	case FieldDateTime:
		if s, ok := v.(string); ok {
			if t, err := time.Parse(time.RFC3339Nano, s); err == nil && t.UTC().Year() > 0 && t.UTC().Year() < 10000 {
				return t.UTC().Format(time.RFC3339Nano), ""
			}
		}
		return nil, "this field takes a moment with its zone, such as 2026-03-31T14:30:00Z"
	case FieldList:
		return checkListValue(v)
	}
	s, ok := v.(string)
	if !ok {
		return nil, "this field takes text, in quotes"
	}
	if utf8.RuneCountInString(s) > maxAttributeValue {
		return nil, fmt.Sprintf("this is longer than %d characters", maxAttributeValue)
	}
	return s, ""
}

func checkListValue(v any) (any, string) {
	const wanted = `this field takes a list of texts, such as ["news", "offers"]`
	var items []string
	switch list := v.(type) {
	case []string:
		items = list
	case []any:
		for _, item := range list {
			s, ok := item.(string)
			if !ok {
				return nil, wanted
			}
			items = append(items, s)
		}
	default:
		return nil, wanted
	}
	if len(items) > maxListItems {
		return nil, fmt.Sprintf("this list has %d items; at most %d are possible", len(items), maxListItems)
	}
	for _, s := range items {
		if utf8.RuneCountInString(s) > maxAttributeValue {
			return nil, fmt.Sprintf("an item is longer than %d characters", maxAttributeValue)
		}
	}
	if items == nil {
		items = []string{}
	}
	return items, ""
}

// convertValue makes a value, as JSON, one of a type; ok is false when it says something that this type cannot. What is of the type already comes back as it is.
func convertValue(raw json.RawMessage, t FieldType) (json.RawMessage, bool) {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // a long number stays what it is
	if dec.Decode(&v) != nil {
		return nil, false
	}
	if v == nil {
		return raw, true
	}
	if same, problem := checkValue(Field{Type: t}, v); problem == "" {
		out, err := json.Marshal(same)
		return out, err == nil
	}
	out, ok := convertTo(v, t)
	if !ok {
		return nil, false
	}
	b, err := json.Marshal(out)
	return b, err == nil
}

func convertTo(v any, t FieldType) (any, bool) {
	if list, ok := v.([]any); ok { // only a list of one text is also something else
		if len(list) != 1 {
			if t != FieldText {
				return nil, false
			}
			joined, ok := joinTexts(list)
			return joined, ok
		}
		v = list[0]
		if same, problem := checkValue(Field{Type: t}, v); problem == "" {
			return same, true
		}
	}
	if t == FieldText {
		switch x := v.(type) {
		case json.Number:
			return x.String(), true
		case bool:
			return strconv.FormatBool(x), true
		}
		return nil, false
	}
	if t == FieldList {
		text, ok := convertTo(v, FieldText)
		if s, isText := v.(string); isText {
			text, ok = s, true
		}
		return []any{text}, ok
	}
	if s, ok := v.(string); ok {
		return parseText(strings.TrimSpace(s), t)
	}
	if n, ok := v.(json.Number); ok && t == FieldBoolean && (n == "0" || n == "1") {
		return n == "1", true
	}
	if b, ok := v.(bool); ok && t == FieldNumber {
		if b {
			return 1, true
		}
		return 0, true
	}
	return nil, false
}

func joinTexts(list []any) (string, bool) {
	parts := make([]string, len(list))
	for i, item := range list {
		s, ok := item.(string)
		if !ok {
			return "", false
		}
		parts[i] = s
	}
	return strings.Join(parts, ", "), true
}

// parseText reads text as a value of a type, when it says just that.
func parseText(s string, t FieldType) (any, bool) {
	switch t {
	case FieldNumber:
		n, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsInf(n, 0) || math.IsNaN(n) || strings.ContainsAny(s, "xX_") || losesDigits(s) {
			return nil, false
		}
		return n, true
	case FieldBoolean:
		switch strings.ToLower(s) {
		case "true", "yes", "1":
			return true, true
		case "false", "no", "0":
			return false, true
		}
	case FieldDate:
		if at, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return at.UTC().Format(time.DateOnly), true
		}
	case FieldDateTime:
		if at, err := time.Parse(time.DateOnly, s); err == nil {
			return at.Format(time.RFC3339), true
		}
	}
	return nil, false
}

// losesDigits says that a text is a number only by its looks, such as a telephone or article number, or one with more digits than a number keeps.
func losesDigits(s string) bool {
	const kept = 15
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(strings.FieldsFunc(s, func(r rune) bool { return r == 'e' || r == 'E' })[0], "-"), ".")
	return strings.HasPrefix(s, "+") || len(whole) > 1 && whole[0] == '0' || len(strings.TrimLeft(whole, "0"))+len(strings.TrimRight(fraction, "0")) > kept
}
