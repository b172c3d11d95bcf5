package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

const (
	maxBody        = 1 << 20 // of an ordinary request
	maxContentBody = 8 << 20 // of one that carries the content of a mail
	bodyTimeout    = time.Minute
)

// route is one line of the list in routes.go.
type route struct {
	method, path, id, tag, scope, summary string

	status     int
	notes      string
	idempotent bool
	maxBody    int64
	responses  map[string]*huma.Response
	body       *huma.RequestBody
}

func get(path, id, tag, scope, summary string) route {
	return route{method: http.MethodGet, path: path, id: id, tag: tag, scope: scope, summary: summary, status: http.StatusOK, maxBody: maxBody}
}

func post(path, id, tag, scope, summary string) route {
	r := get(path, id, tag, scope, summary)
	r.method = http.MethodPost
	return r
}

func put(path, id, tag, scope, summary string) route {
	r := get(path, id, tag, scope, summary)
	r.method = http.MethodPut
	return r
}

func remove(path, id, tag, scope, summary string) route {
	r := get(path, id, tag, scope, summary)
	r.method, r.status = http.MethodDelete, http.StatusNoContent
	return r
}

func (r route) returns(status int) route { r.status = status; return r }

// once makes the route heed Idempotency-Key.
func (r route) once() route { r.idempotent = true; return r }

// content lets the route take the content of a mail.
func (r route) content() route { r.maxBody = maxContentBody; return r }

func (r route) note(text string) route { r.notes = text; return r }

// streams documents an answer that is not one JSON object.
func (r route) streams(contentType string, schema *huma.Schema) route {
	r.responses = map[string]*huma.Response{"200": {
		Description: http.StatusText(http.StatusOK),
		Content:     map[string]*huma.MediaType{contentType: {Schema: schema}},
	}}
	return r
}

// takes documents a body that the handler reads by itself.
func (r route) takes(body *huma.RequestBody) route { r.body = body; return r }

// operation is the route as huma knows it.
func (s *server) operation(r route) huma.Operation {
	op := huma.Operation{
		Method: r.method, Path: r.path, OperationID: r.id, Tags: []string{r.tag}, Summary: r.summary, Description: r.notes,
		DefaultStatus: r.status, MaxBodyBytes: r.maxBody, BodyReadTimeout: bodyTimeout, Responses: r.responses,
		Errors:     []int{http.StatusBadRequest},
		Extensions: map[string]any{"x-scope": r.scope},
	}
	if r.scope == public {
		op.Security = []map[string][]string{}
	} else {
		op.Security = security(r.scope)
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
		op.Middlewares = append(op.Middlewares, s.authorise(r.scope))
	}
	if strings.Contains(r.path, "{") {
		op.Errors = append(op.Errors, http.StatusNotFound)
	}
	if r.method != http.MethodGet {
		op.Errors = append(op.Errors, http.StatusConflict)
	}
	if r.idempotent {
		op.Middlewares = append(op.Middlewares, s.repeatable(r.maxBody))
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: idempotencyKey, In: "header", Schema: &huma.Schema{Type: huma.TypeString},
			Description: "Makes the request safe to repeat: a second one with the same key gets the first one's answer. Kept for 24 hours.",
		})
	}
	return op
}

func security(scope string) []map[string][]string {
	if scope == inBrowser {
		return []map[string][]string{{"session": {}}}
	}
	key := map[string][]string{"apiKey": {}}
	if scope != anybody {
		key["apiKey"] = []string{scope}
	}
	return []map[string][]string{{"session": {}}, key}
}

// add puts a route into the API: its errors become problems, and the time it may take is its own once the body was read.
func add[I, O any](s *server, r route, handler func(context.Context, *I) (*O, error)) {
	s.listed = append(s.listed, r)
	in := "body"
	if r.method == http.MethodGet || r.method == http.MethodDelete {
		in = "query"
	}
	huma.Register(s.huma, s.operation(r), func(ctx context.Context, input *I) (*O, error) {
		if c := requestOf(ctx).control; c != nil {
			// net/http reads on in the background and would take the deadline of the body for the end of the caller. Not every writer has deadlines.
			_ = c.SetReadDeadline(time.Time{})
		}
		out, err := handler(ctx, input)
		if err != nil {
			return nil, s.problem(ctx, in, err)
		}
		return out, nil
	})
	op := operationOf(s.huma.OpenAPI().Paths[r.path], r.method)
	delete(op.Responses, "422") // validationProblem makes it 400
	if r.body != nil {
		op.RequestBody = r.body // not before: huma would read the body of an operation that says it has one
	}
}

// answer is the output of a handler that answers with JSON.
type answer[T any] struct{ Body T }

// nothing is the input or output of a handler that has none.
type nothing struct{}

// byID is the input of a handler that works on one thing.
type byID struct {
	ID int64 `path:"id" minimum:"1"`
}

// with is the input of a handler that takes a body.
type with[T any] struct{ Body T }

// onID is the input of a handler that takes a body for one thing.
type onID[T any] struct {
	ID   int64 `path:"id" minimum:"1"`
	Body T
}

// reply wraps what a service gave into the output of a handler.
func reply[D, T any](v D, err error, encode func(D) T) (*answer[T], error) {
	if err != nil {
		return nil, err
	}
	return &answer[T]{Body: encode(v)}, nil
}

// done is reply for what gives nothing back.
func done(err error) (*nothing, error) {
	if err != nil {
		return nil, err
	}
	return &nothing{}, nil
}

// nullableType makes all members of a type an object or null. It is for what comes in too: huma then still names the member of the object that is wrong, which it
// does not with nullable.
func nullableType(s *huma.Schema) *huma.Schema {
	s.Nullable = true
	return s
}

// nullable makes a member of an answer that is an object an object or null; huma has no way to say that with a tag.
func nullable(s *huma.Schema, member string) *huma.Schema {
	p := s.Properties[member]
	s.Properties[member] = &huma.Schema{Description: p.Description, AnyOf: []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}}
	return s
}
