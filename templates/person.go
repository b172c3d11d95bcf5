package templates

import (
	"strings"

	"github.com/osteele/liquid/values"
)

// field gives the value of {{ subscriber.NAME }}; nil is a missing one.
func (p *Person) field(name string) any {
	switch name {
	case "id":
		return int(p.ID)
	case "email":
		return p.Email
	case "name":
		return p.Name
	case "first_name":
		return p.firstName()
	case "attributes":
		return p.Attributes
	}
	return p.Attributes[name]
}

func (p *Person) firstName() any {
	if v, ok := p.Attributes["first_name"]; ok && v != nil && v != "" {
		return v
	}
	name := strings.TrimSpace(p.Name)
	if i := strings.IndexAny(name, " \t"); i > 0 {
		return name[:i]
	}
	return name
}

// personValue shows a Person to the engine without copying it into a map. It is never equal to, or part of, anything.
type personValue struct{ p *Person }

var _ values.Value = personValue{}

func (v personValue) Interface() any                           { return nil }
func (v personValue) Int() int                                 { return 0 }
func (v personValue) Equal(values.Value) bool                  { return false }
func (v personValue) Less(values.Value) bool                   { return false }
func (v personValue) Test() bool                               { return true }
func (v personValue) Contains(key values.Value) bool           { return v.lookup(key) != nil }
func (v personValue) IndexValue(key values.Value) values.Value { return values.ValueOf(v.lookup(key)) }
func (v personValue) PropertyValue(key values.Value) values.Value {
	return values.ValueOf(v.lookup(key))
}

func (v personValue) lookup(key values.Value) any {
	name, ok := key.Interface().(string)
	if !ok {
		return nil
	}
	return v.p.field(name)
}
