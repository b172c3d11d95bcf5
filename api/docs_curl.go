package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// curl writes an example request. $POSTRIDER and $KEY are explained at the top of the page.
func (d docsWriter) curl(r route, op *huma.Operation) string {
	path := r.path
	for _, p := range op.Parameters {
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", pathExample(p))
		}
	}
	var b strings.Builder
	b.WriteString("curl ")
	if r.method != http.MethodGet {
		b.WriteString("-X " + r.method + " ")
	}
	b.WriteString("\"$POSTRIDER" + Prefix + path + "\"")
	if r.scope != public && r.scope != inBrowser {
		b.WriteString(" \\\n  -H \"Authorization: Bearer $KEY\"")
	}
	if op.RequestBody == nil {
		return b.String()
	}
	for contentType, media := range op.RequestBody.Content {
		if contentType != "application/json" {
			b.WriteString(" \\\n  -F list_id=1 -F file=@people.csv")
			continue
		}
		b.WriteString(" \\\n  -H \"Content-Type: application/json\" \\\n  -d '" + d.exampleJSON(media.Schema) + "'")
	}
	return b.String()
}

func pathExample(p *huma.Param) string {
	if p.Schema != nil && p.Schema.Type == huma.TypeInteger {
		return "1"
	}
	return "ada@example.org"
}

// exampleJSON gives a body with the fields that are needed; with all of them when none is.
func (d docsWriter) exampleJSON(s *huma.Schema) string {
	out, err := json.Marshal(d.example("", s, 0))
	if err != nil {
		return "{}"
	}
	return strings.ReplaceAll(string(out), "'", "")
}

func (d docsWriter) example(name string, s *huma.Schema, depth int) any {
	s = d.resolve(s)
	switch {
	case s == nil || depth > 3:
		return nil
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	}
	switch s.Type {
	case huma.TypeObject:
		return d.exampleObject(s, depth)
	case huma.TypeArray:
		return []any{d.example(strings.TrimSuffix(name, "s"), s.Items, depth+1)}
	case huma.TypeInteger, huma.TypeNumber:
		return 1
	case huma.TypeBoolean:
		return true
	case huma.TypeString:
		return exampleText(name, s.Format)
	}
	return nil
}

func (d docsWriter) exampleObject(s *huma.Schema, depth int) any {
	out := map[string]any{}
	for name, p := range s.Properties {
		if len(s.Required) == 0 || slices.Contains(s.Required, name) {
			out[name] = d.example(name, p, depth+1)
		}
	}
	return out
}

// examples are texts that say more than "text" does.
var examples = map[string]string{
	"email": "ada@example.org", "from_email": "news@example.org", "to": "ada@example.org", "host": "smtp.example.org", "domain": "example.org",
	"public_url": "https://news.example.org", "default_from_email": "news@example.org", "name": "Spring news", "scope": "audience:read",
}

func exampleText(name, format string) string {
	if format == "date-time" {
		return "2027-01-31T09:00:00Z"
	}
	if text, ok := examples[name]; ok {
		return text
	}
	return "text"
}
