package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"postrider/internal/auth"
	"postrider/internal/errs"
)

// Problem is an error as RFC 9457 describes it, with two members of our own: errors and request_id.
type Problem struct {
	Type      string         `json:"type" doc:"Always about:blank: the status says what sort of problem it is"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail" doc:"What is wrong and what can be done about it"`
	Errors    []ProblemField `json:"errors,omitempty"`
	RequestID string         `json:"request_id,omitempty" doc:"By which the server's log knows this request; only given for internal errors"`

	header http.Header
}

// ProblemField points at one part of the request that is wrong.
type ProblemField struct {
	Message  string `json:"message"`
	Location string `json:"location,omitempty" doc:"Where it is, such as body.columns.email or query.limit"`
}

// Error is the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders gives the header fields that go with the problem, such as Retry-After.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType makes the answer application/problem+json.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

const problemType = "about:blank"

// kinds is the one place that knows HTTP statuses.
var kinds = map[errs.Kind]int{
	errs.Invalid:      http.StatusBadRequest,
	errs.NotFound:     http.StatusNotFound,
	errs.Conflict:     http.StatusConflict,
	errs.Forbidden:    http.StatusForbidden,
	errs.Unauthorized: http.StatusUnauthorized,
	errs.Unavailable:  http.StatusServiceUnavailable,
	errs.TooLarge:     http.StatusRequestEntityTooLarge,
	errs.RateLimited:  http.StatusTooManyRequests,
}

// problem turns any error into what the caller is told. Internal errors are logged here, in full, and nowhere else. in is where the fields of an error
// are found: "body" or "query".
func (s *server) problem(ctx context.Context, in string, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var e *errs.E
	if errors.As(err, &e) && e.Kind != errs.Internal {
		return publicProblem(in, e)
	}
	id := requestOf(ctx).id
	p = &Problem{Type: problemType, Status: http.StatusInternalServerError, Detail: "internal error", RequestID: id}
	if ctx.Err() != nil {
		p.Status, p.Detail = http.StatusServiceUnavailable, "the request was ended before it was done"
	} else {
		s.log.LogAttrs(ctx, slog.LevelError, "request failed", slog.String("request_id", id), slog.String("error", err.Error()))
	}
	p.Title = http.StatusText(p.Status)
	return p
}

func publicProblem(in string, e *errs.E) *Problem {
	p := &Problem{Type: problemType, Status: kinds[e.Kind], Detail: e.Public}
	p.Title = http.StatusText(p.Status)
	for _, f := range e.Fields {
		p.Errors = append(p.Errors, ProblemField{Message: f.Message, Location: in + "." + f.Name})
	}
	var wait *auth.Wait
	if errors.As(e, &wait) {
		p.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.For.Seconds())))}}
	}
	if e.Kind == errs.Unauthorized {
		p.header = http.Header{"Www-Authenticate": {"Bearer"}}
	}
	return p
}

// writeProblem answers outside of huma's handlers.
func (s *server) writeProblem(w http.ResponseWriter, r *http.Request, err error) {
	p := s.problem(r.Context(), "body", err)
	for name, values := range p.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		// The status is out; a reader who went away is nobody's error.
		_ = json.NewEncoder(w).Encode(p)
	}
}

// configureHuma sets what huma keeps in package variables. Once, because they are shared by all servers of the process.
var configureHuma = sync.OnceFunc(func() {
	// Lists are never null, neither in what we send nor in what we take.
	huma.DefaultArrayNullable = false
	huma.NewError = validationProblem
})

// validationProblem makes a Problem of what huma finds wrong with a request. It leaves out the values: the caller knows them, and they can be passwords.
func validationProblem(status int, message string, causes ...error) huma.StatusError {
	if status == http.StatusUnprocessableEntity {
		status = http.StatusBadRequest
	}
	p := &Problem{Type: problemType, Title: http.StatusText(status), Status: status, Detail: message}
	if status == http.StatusBadRequest && message == "validation failed" {
		p.Detail = "the request does not have the form that it must have"
	}
	if status >= http.StatusInternalServerError {
		p.Detail = "internal error"
		return p
	}
	for _, c := range causes {
		var d huma.ErrorDetailer
		if errors.As(c, &d) {
			detail := d.ErrorDetail()
			p.Errors = append(p.Errors, ProblemField{Message: detail.Message, Location: strings.TrimSuffix(detail.Location, ".")})
		}
	}
	return p
}
