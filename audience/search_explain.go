package audience

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
)

// explained runs statements and notes, before each, by which way Postgres goes for it.
type explained struct {
	pg.DB
	ways []string
	err  error
}

// Query notes the way and runs the statement.
func (e *explained) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	e.note(ctx, sql, args)
	if e.err != nil {
		return nil, e.err
	}
	return e.DB.Query(ctx, sql, args...)
}

// QueryRow notes the way and runs the statement.
func (e *explained) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	e.note(ctx, sql, args)
	return e.DB.QueryRow(ctx, sql, args...)
}

// planNode is a node of a plan as EXPLAIN writes it.
type planNode struct {
	Type     string `json:"Node Type"`
	Index    string `json:"Index Name"`
	Relation string `json:"Relation Name"`
	Plans    []planNode
}

func (e *explained) note(ctx context.Context, sql string, args []any) {
	if e.err != nil {
		return
	}
	var (
		raw   []byte
		plans []struct{ Plan planNode }
	)
	if e.err = e.DB.QueryRow(ctx, "EXPLAIN (FORMAT JSON) "+sql, args...).Scan(&raw); e.err != nil {
		return
	}
	if e.err = json.Unmarshal(raw, &plans); e.err == nil && len(plans) != 1 {
		e.err = fmt.Errorf("there are %d plans where one was expected", len(plans))
	}
	if e.err == nil {
		e.collect(plans[0].Plan)
	}
}

// collect notes what is read: an index, or a table as a whole or in samples.
func (e *explained) collect(n planNode) {
	what := n.Index
	if what == "" && (n.Type == "Seq Scan" || n.Type == "Sample Scan" || strings.HasSuffix(n.Type, "Join")) {
		what = strings.TrimSpace(strings.ToLower(n.Type) + " " + n.Relation)
	}
	if what != "" && !slices.Contains(e.ways, what) {
		e.ways = append(e.ways, what)
	}
	for _, p := range n.Plans {
		e.collect(p)
	}
}
