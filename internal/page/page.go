// Package page holds what every list of the service shares: the question for one page, the page itself, and cursors.
//
// Lists page by keyset: a cursor names the last row that was shown, so that a page costs the same however deep it is and rows that come or go in
// between shift nothing. To callers a cursor is opaque: base64url of a JSON array.
package page

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"postrider/internal/errs"
)

// DefaultLimit and MaxLimit bound the rows of a page.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// Page is one page of a list. NextCursor is "" on the last one. Total is nil when it was not counted; it is an estimate unless TotalExact.
type Page[T any] struct {
	Items      []T
	NextCursor string
	Total      *int64
	TotalExact bool
}

// Query asks for one page: after Cursor ("" is the start), at most Limit rows.
type Query struct {
	Cursor string
	Limit  int
}

// Size gives the rows to show: DefaultLimit for 0 and less, at most MaxLimit.
func (q Query) Size() int {
	if q.Limit <= 0 {
		return DefaultLimit
	}
	return min(q.Limit, MaxLimit)
}

// Cut makes a page of the rows that were read. Callers read Size()+1 of them: the one too many says that there is a next page and is not shown.
// cursor gives the cursor that goes on after a row.
func Cut[T any](rows []T, q Query, cursor func(T) string) Page[T] {
	p := Page[T]{Items: rows}
	if p.Items == nil {
		p.Items = []T{}
	}
	if n := q.Size(); len(rows) > n {
		p.Items = rows[:n]
		p.NextCursor = cursor(rows[n-1])
	}
	return p
}

// Map makes a page of other items, with the same cursor and total.
func Map[A, B any](p Page[A], f func(A) B) Page[B] {
	items := make([]B, len(p.Items))
	for i, a := range p.Items {
		items[i] = f(a)
	}
	return Page[B]{Items: items, NextCursor: p.NextCursor, Total: p.Total, TotalExact: p.TotalExact}
}

// Encode makes a cursor of the values by which the list is sorted: numbers, strings and times. Anything that JSON cannot hold is a programming error
// and gives "", the end of the list.
func Encode(parts ...any) string {
	b, err := json.Marshal(parts)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Decode reads a cursor back into pointers, in the order of Encode. A cursor that is not ours is an Invalid error.
func Decode(cursor string, into ...any) error {
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return badCursor(err)
	}
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return badCursor(err)
	}
	// Postgres text holds no NUL, so no honest cursor has one.
	if len(parts) != len(into) || bytes.Contains(b, []byte(`\u0000`)) {
		return badCursor(nil)
	}
	for i, p := range parts {
		if err := json.Unmarshal(p, into[i]); err != nil {
			return badCursor(err)
		}
	}
	return nil
}

func badCursor(cause error) error {
	e := errs.InvalidField("cursor", "this cursor is not one of this list: use next_cursor of the page before, or leave it out to start anew")
	e.Err = cause
	return e
}
