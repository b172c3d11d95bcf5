// Package errs is the one vocabulary in which domain packages say what went wrong.
//
// An error that a person can do something about is an *E with a Kind and a Public text that names the thing and the way out. Any other error is
// internal: it is logged in full and shown as "internal error". Only the api package turns a Kind into an HTTP status.
package errs

import (
	"errors"
	"fmt"
)

// Kind says what sort of problem an error is, in words that no transport owns.
type Kind int

// The kinds. The zero value is Internal, so that an error nobody classified never shows its text to a stranger.
const (
	Internal     Kind = iota
	Invalid           // the input is wrong; Fields point at it
	NotFound          // no such thing
	Conflict          // the thing is not in a state that allows this, or it exists already
	Forbidden         // known caller, not allowed
	Unauthorized      // caller unknown
	Unavailable       // a part we need is not there right now; trying again later can help
	TooLarge          // the input is over a stated limit
	RateLimited       // too many tries; wait
)

// Field points at one input that is wrong.
type Field struct {
	Name    string // the JSON name as the caller sent it, "columns.email" for nested ones
	Message string // what is wrong and what would be right
}

// E is an error with a text for people. Err, when set, is the cause and is never shown.
type E struct {
	Kind   Kind
	Public string
	Fields []Field
	Err    error
}

// Error gives the public text and the cause: it is meant for logs.
func (e *E) Error() string {
	s := e.Public
	for _, f := range e.Fields {
		s += fmt.Sprintf("; %s: %s", f.Name, f.Message)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *E) Unwrap() error { return e.Err }

// New makes an error of the kind with a public text.
func New(kind Kind, format string, args ...any) *E {
	return &E{Kind: kind, Public: fmt.Sprintf(format, args...)}
}

// Because is New with a cause that is logged but not shown.
func Because(kind Kind, err error, format string, args ...any) *E {
	return &E{Kind: kind, Public: fmt.Sprintf(format, args...), Err: err}
}

// InvalidField makes an Invalid error about one field.
func InvalidField(name, format string, args ...any) *E {
	msg := fmt.Sprintf(format, args...)
	return &E{Kind: Invalid, Public: msg, Fields: []Field{{Name: name, Message: msg}}}
}

// KindOf gives the kind of the first *E in the chain, Internal if there is none.
func KindOf(err error) Kind {
	var e *E
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// Words gives all that an error says to people, without its cause and nothing twice. "internal error" is all that they are told of one that is Internal.
func Words(err error) string {
	var e *E
	if !errors.As(err, &e) || e.Kind == Internal {
		return "internal error"
	}
	text := e.Public
	for _, f := range e.Fields {
		if f.Message != e.Public {
			text += "; " + f.Message
		}
	}
	return text
}

// Is reports whether the error is of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// Fields collects what is wrong with an input, so that a person sees all of it at once.
type Fields []Field

// Add notes one wrong field.
func (f *Fields) Add(name, format string, args ...any) {
	*f = append(*f, Field{Name: name, Message: fmt.Sprintf(format, args...)})
}

// Err is nil when nothing was added, else an Invalid error with all fields.
func (f Fields) Err(public string) error {
	if len(f) == 0 {
		return nil
	}
	return &E{Kind: Invalid, Public: public, Fields: f}
}
