package api

import "postrider/internal/page"

// Paging is the part of the input that every list has.
type Paging struct {
	Cursor string `query:"cursor" doc:"Where the page starts: next_cursor of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many items at most"`
}

func (p Paging) query() page.Query { return page.Query{Cursor: p.Cursor, Limit: p.Limit} }

// PagingBoth is the same for a list that can be gone through both ways.
type PagingBoth struct {
	Paging
	Before string `query:"before" doc:"Where the page ends: prev_cursor of the page behind. Instead of cursor"`
	Last   bool   `query:"last" doc:"true: the last page. Instead of cursor"`
}

func (p PagingBoth) query() page.Query {
	q := p.Paging.query()
	q.Before, q.Last = p.Before, p.Last
	return q
}

// PageOf is the input of a list that belongs to one thing.
type PageOf struct {
	Paging
	ID int64 `path:"id" minimum:"1"`
}

type pageJSON[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"next_cursor" doc:"null on the last page"`
	PrevCursor *string `json:"prev_cursor,omitempty" doc:"For before; left out on the first page, and by lists that go one way only"`
	Total      *int64  `json:"total,omitempty" doc:"How many there are on all pages, where that is known"`
	TotalExact *bool   `json:"total_exact,omitempty" doc:"false when total is an estimate"`
}

type itemsJSON[T any] struct {
	Items []T `json:"items"`
}

// replyPage wraps a page that a service gave.
func replyPage[D, T any](p page.Page[D], err error, encode func(D) T) (*answer[pageJSON[T]], error) {
	if err != nil {
		return nil, err
	}
	out := pageJSON[T]{Items: each(p.Items, encode), Total: p.Total}
	if p.NextCursor != "" {
		out.NextCursor = &p.NextCursor
	}
	if p.PrevCursor != "" {
		out.PrevCursor = &p.PrevCursor
	}
	if p.Total != nil {
		out.TotalExact = &p.TotalExact
	}
	return &answer[pageJSON[T]]{Body: out}, nil
}

func replyItems[D, T any](items []D, err error, encode func(D) T) (*answer[itemsJSON[T]], error) {
	if err != nil {
		return nil, err
	}
	return &answer[itemsJSON[T]]{Body: itemsJSON[T]{Items: each(items, encode)}}, nil
}

// each encodes every item; the result is never nil, so that JSON has [] and not null.
func each[D, T any](items []D, encode func(D) T) []T {
	out := make([]T, len(items))
	for i, v := range items {
		out[i] = encode(v)
	}
	return out
}

// replyAll wraps a list that is always given whole.
func replyAll[D, T any](items []D, err error, encode func(D) T) (*answer[pageJSON[T]], error) {
	return replyPage(page.Page[D]{Items: items}, err, encode)
}
