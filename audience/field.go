package audience

import (
	"context"
	"time"

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

// Field is a custom field: an attribute that people may have. Name is its key in Subscriber.Attributes and in templates; Label is for people, "" to show the name.
type Field struct {
	Name      string
	Label     string
	Type      FieldType
	CreatedAt time.Time
	UpdatedAt time.Time
}

// ListFields gives all fields by name. They are at most some hundred.
func (s *Service) ListFields(ctx context.Context) ([]Field, error) { return listFields(ctx, s.pool) }

func listFields(ctx context.Context, db pg.DB) ([]Field, error) {
	return pg.Many[Field](ctx, db, "fields", `SELECT name, label, type, created_at, updated_at FROM fields ORDER BY name`)
}
