package page_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/internal/page"
)

func TestCursorRoundTrip(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 5, 10, 11, 12, 345678000, time.UTC)
	c := page.Encode(int64(math.MaxInt64), "Ünï \"x\"", at)
	var (
		id   int64
		name string
		when time.Time
	)
	if err := page.Decode(c, &id, &name, &when); err != nil {
		t.Fatal(err)
	}
	if id != math.MaxInt64 || name != "Ünï \"x\"" || !when.Equal(at) {
		t.Errorf("got %d %q %v", id, name, when)
	}
}

func TestDecodeRefusesForeignCursors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]string{
		"not base64":   "!!",
		"not JSON":     "bm90IGpzb24",
		"too few":      page.Encode(),
		"too many":     page.Encode(1, 2),
		"wrong type":   page.Encode("x"),
		"empty":        "",
		"other object": "e30",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var id int64
			if err := page.Decode(c, &id); !errs.Is(err, errs.Invalid) {
				t.Errorf("Decode(%q) = %v, want an Invalid error", c, err)
			}
		})
	}
	var s string
	if err := page.Decode(page.Encode("a\x00b"), &s); !errs.Is(err, errs.Invalid) {
		t.Errorf("a NUL passed: %v", err)
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	cursor := func(i int) string { return page.Encode(i) }
	q := page.Query{Limit: 2}
	if p := page.Cut([]int{1, 2, 3}, q, cursor); !cmp.Equal(p, page.Page[int]{Items: []int{1, 2}, NextCursor: page.Encode(2)}) {
		t.Errorf("with a next page: %+v", p)
	}
	if p := page.Cut([]int{1, 2}, q, cursor); p.NextCursor != "" || len(p.Items) != 2 {
		t.Errorf("last page: %+v", p)
	}
	if p := page.Cut[int](nil, q, cursor); p.Items == nil || p.NextCursor != "" {
		t.Errorf("no rows: %+v", p)
	}
	for limit, want := range map[int]int{-1: 50, 0: 50, 1: 1, 200: 200, 201: 200} {
		if got := (page.Query{Limit: limit}).Size(); got != want {
			t.Errorf("Size of limit %d = %d, want %d", limit, got, want)
		}
	}
}
