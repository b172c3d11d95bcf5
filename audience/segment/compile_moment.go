package segment

import (
	"strings"
	"time"
)

// span is the time from which and up to which, without it, a condition about moments holds; nil is no bound.
func (c Context) span(n Node) (from, until *time.Time) {
	day := func(v any, ahead int) *time.Time {
		d, err := time.ParseInLocation(time.DateOnly, v.(string), c.zone())
		if err != nil {
			panic("Parse lets only days through: " + err.Error())
		}
		d = d.AddDate(0, 0, ahead)
		return &d
	}
	away := func(days int) *time.Time {
		t := c.At.Add(time.Duration(days) * 24 * time.Hour)
		return &t
	}
	switch n.Op {
	case "on":
		return day(n.Value, 0), day(n.Value, 1)
	case "before":
		return nil, day(n.Value, 0)
	case "after":
		return day(n.Value, 1), nil
	case "between":
		return day(n.Values[0], 0), day(n.Values[1], 1)
	case "in_last":
		return away(-*n.Days), away(0)
	}
	return away(0), away(*n.Days)
}

// within compares an expression with a condition's span.
func (b *builder) within(expr string, n Node, arg func(time.Time) string) []string {
	from, until := b.c.span(n)
	var out []string
	if from != nil {
		out = append(out, expr+" >= "+arg(*from))
	}
	if until != nil {
		out = append(out, expr+" < "+arg(*until))
	}
	return out
}

func (b *builder) moment(column string, n Node) string {
	return "(" + strings.Join(b.within(column, n, b.time), " AND ") + ")"
}

func (b *builder) time(t time.Time) string { return b.arg(t.UTC(), "timestamptz") }

// since bounds a moment by a number of days back, if there is one.
func (b *builder) since(column string, days *int) []string {
	if days == nil {
		return nil
	}
	return []string{column + " >= " + b.time(b.c.At.Add(-time.Duration(*days)*24*time.Hour))}
}
