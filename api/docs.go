package api

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"postrider/internal/auth"
)

var (
	//go:embed docs.html
	docsHTML string
	//go:embed docs.css
	docsCSS string
)

// The documentation page is written from the OpenAPI document, so it can say nothing that the API does not do. It has no script.

type docsView struct {
	Version string
	CSS     template.CSS
	Groups  []docsGroup
	Types   []docsType
	Scopes  []string
}

type docsGroup struct {
	Name, Anchor, Description string
	Operations                []docsOperation
}

type docsOperation struct {
	ID, Method, Path, Summary, Notes, Scope string
	Parameters                              []docsField
	Body                                    *docsType
	BodyType                                string
	Answers                                 []docsAnswer
	Curl                                    string
}

type docsAnswer struct {
	Status, Type string
	Anchor       string
}

type docsType struct {
	Name   string
	Fields []docsField
}

type docsField struct {
	Name, In, Type, Anchor, Description string
	Required                            bool
}

// docsPage renders the page, which is the same for everybody, at the first request.
func (s *server) docsPage() http.HandlerFunc {
	sum := sha256.Sum256([]byte(docsCSS))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
	page := template.Must(template.New("docs").Parse(docsHTML))
	render := sync.OnceValues(func() ([]byte, error) {
		var out bytes.Buffer
		err := page.Execute(&out, s.docsView())
		return out.Bytes(), err
	})
	return func(w http.ResponseWriter, r *http.Request) {
		out, err := render()
		if err != nil {
			s.writeProblem(w, r, err)
			return
		}
		w.Header().Set("Content-Security-Policy", policy)
		writeFile(w, "docs.html", out)
	}
}

func (s *server) docsView() docsView {
	d := docsWriter{spec: s.huma.OpenAPI()}
	v := docsView{Version: s.cfg.Version, CSS: template.CSS(docsCSS), Scopes: auth.Scopes()}
	for _, tag := range d.spec.Tags {
		g := docsGroup{Name: tag.Name, Anchor: anchor(tag.Name), Description: tag.Description}
		for _, r := range s.listed {
			if r.tag == tag.Name {
				g.Operations = append(g.Operations, d.operation(r))
			}
		}
		v.Groups = append(v.Groups, g)
	}
	all := d.spec.Components.Schemas.Map()
	for name, schema := range all {
		v.Types = append(v.Types, docsType{Name: name, Fields: d.fields(schema)})
	}
	slices.SortFunc(v.Types, func(a, b docsType) int { return strings.Compare(a.Name, b.Name) })
	return v
}

type docsWriter struct{ spec *huma.OpenAPI }

func (d docsWriter) operation(r route) docsOperation {
	op := operationOf(d.spec.Paths[r.path], r.method)
	out := docsOperation{ID: r.id, Method: r.method, Path: r.path, Summary: r.summary, Notes: r.notes, Scope: scopeText(r.scope)}
	for _, p := range op.Parameters {
		typ, to := d.typeOf(p.Schema)
		out.Parameters = append(out.Parameters, docsField{Name: p.Name, In: p.In, Type: typ, Anchor: to, Required: p.Required, Description: p.Description})
	}
	if op.RequestBody != nil {
		for contentType, media := range op.RequestBody.Content {
			out.BodyType = contentType
			out.Body = &docsType{Fields: d.fields(media.Schema)}
		}
	}
	out.Answers = d.answers(op)
	out.Curl = d.curl(r, op)
	return out
}

// answers lists what an operation can answer, all its errors in one line.
func (d docsWriter) answers(op *huma.Operation) []docsAnswer {
	var out []docsAnswer
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		a := d.answer(status, op.Responses[status])
		if n := len(out); n > 0 && a.Type == "Problem" && out[n-1].Type == "Problem" {
			out[n-1].Status += ", " + status
			continue
		}
		out = append(out, a)
	}
	return out
}

func (d docsWriter) answer(status string, response *huma.Response) docsAnswer {
	a := docsAnswer{Status: status, Type: response.Description}
	for contentType, media := range response.Content {
		if contentType != "application/json" && contentType != "application/problem+json" {
			a.Type = contentType
			if media.Schema != nil && media.Schema.Description != "" {
				a.Type += ": " + media.Schema.Description
			}
			continue
		}
		a.Type, a.Anchor = d.typeOf(media.Schema)
	}
	return a
}

func operationOf(item *huma.PathItem, method string) *huma.Operation {
	switch method {
	case http.MethodPost:
		return item.Post
	case http.MethodPut:
		return item.Put
	case http.MethodDelete:
		return item.Delete
	}
	return item.Get
}

func scopeText(scope string) string {
	switch scope {
	case public:
		return "no authentication"
	case anybody:
		return "session or any API key"
	case inBrowser:
		return "session only"
	}
	return "scope " + scope
}

func (d docsWriter) resolve(s *huma.Schema) *huma.Schema {
	if s != nil && s.Ref != "" {
		return d.spec.Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

// fields lists the properties of an object, those that are needed first.
func (d docsWriter) fields(s *huma.Schema) []docsField {
	s = d.resolve(s)
	if s == nil {
		return nil
	}
	var out []docsField
	for name, p := range s.Properties {
		typ, to := d.typeOf(p)
		out = append(out, docsField{Name: name, Type: typ, Anchor: to, Required: slices.Contains(s.Required, name), Description: p.Description})
	}
	slices.SortFunc(out, func(a, b docsField) int {
		if a.Required != b.Required {
			if a.Required {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	return out
}

// typeOf gives the words for a type and the name of the type to look up, if there is one.
func (d docsWriter) typeOf(s *huma.Schema) (words, to string) {
	switch {
	case s == nil:
		return "", ""
	case s.Ref != "":
		name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]
		return name, name
	case len(s.AnyOf) > 0:
		words, to = d.typeOf(s.AnyOf[0])
		return words + " or null", to
	case s.Type == huma.TypeArray:
		words, to = d.typeOf(s.Items)
		words = "list of " + words
	case len(s.Enum) > 0:
		words = enumWords(s)
	case s.Type == "":
		words = "anything"
	case s.Format != "" && s.Type == huma.TypeString:
		words = s.Format
	default:
		words = s.Type
	}
	if s.Nullable {
		words += " or null"
	}
	return words, to
}

func enumWords(s *huma.Schema) string {
	var words []string
	for _, v := range s.Enum {
		if text, ok := v.(string); ok {
			words = append(words, "\""+text+"\"")
		}
	}
	return strings.Join(words, ", ")
}

func anchor(name string) string {
	return strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(name, ",", ""), " ", "-"))
}
