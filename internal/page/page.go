// Package page holds what every list of the service shares: the question for one page, the page itself, and cursors.
//
// Lists page by keyset: a cursor names the last row that was shown, so that a page costs the same however deep it is and rows that come or go in
// between shift nothing. To callers a cursor is opaque: base64url of a JSON array.
package page

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"

	"postrider/internal/errs"
)

// DefaultLimit and MaxLimit bound the rows of a page.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// Page is one page of a list. NextCursor is "" on the last one. PrevCursor, for Query.Before, is "" on the first one and for lists that go one way only. Total is nil when it
// was not counted; it is an estimate unless TotalExact.
type Page[T any] struct {
	Items      []T
	NextCursor string
	PrevCursor string
	Total      *int64
	TotalExact bool
}

// Query asks for one page: after Cursor ("" is the start), at most Limit rows. Lists that go both ways give the page that ends right before Before instead, or the Last one.
type Query struct {
	Cursor string
	Limit  int
	Before string
	Last   bool
}

// Back reports whether rows are to be read against the order of the list, from Before or from its end.
func (q Query) Back() bool { return q.Last || q.Before != "" }

// From is the cursor to read from, "" for an end of the list. At most one of Cursor, Before and Last can be asked for.
func (q Query) From() (string, error) {
	switch {
	case q.Last && (q.Cursor != "" || q.Before != ""), q.Cursor != "" && q.Before != "":
		return "", errs.InvalidField("cursor", "give one of cursor, before and last")
	case q.Before != "":
		return q.Before, nil
	}
	return q.Cursor, nil
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

// CutBoth is Cut for a list that goes both ways. The rows were read in the direction that Query.Back says.
func CutBoth[T any](rows []T, q Query, cursor func(T) string) Page[T] {
	p := Cut(rows, q, cursor)
	n := len(p.Items)
	if !q.Back() {
		if q.Cursor != "" && n > 0 {
			p.PrevCursor = cursor(p.Items[0])
		}
		return p
	}
	p.PrevCursor, p.NextCursor = p.NextCursor, ""
	p.Items = slices.Clone(p.Items)
	slices.Reverse(p.Items)
	if !q.Last && n > 0 {
		p.NextCursor = cursor(p.Items[n-1])
	}
	return p
}

// Map makes a page of other items, with the same cursors and total.
func Map[A, B any](p Page[A], f func(A) B) Page[B] {
	items := make([]B, len(p.Items))
	for i, a := range p.Items {
		items[i] = f(a)
	}
	return Page[B]{Items: items, NextCursor: p.NextCursor, PrevCursor: p.PrevCursor, Total: p.Total, TotalExact: p.TotalExact}
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
