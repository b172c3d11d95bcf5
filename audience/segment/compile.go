package segment

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Context is what the meaning of a definition depends on beside itself. Nothing else does: the same definition in the same context is the same SQL.
type Context struct {
	// Fields are the types of custom fields by name.
	Fields map[string]string
	// At is the moment from which days are counted, Zone where the days of the calendar begin; nil is UTC.
	At   time.Time
	Zone *time.Location
}

func (c Context) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

// Check looks whether the fields of a definition exist and are of a type that its operators take. Parts that are other segments are not looked into.
func Check(n Node, fields map[string]string) error { return check(n, fields, "") }

func check(n Node, fields map[string]string, at string) error {
	kind, children := n.group()
	for i, child := range children {
		if err := check(child, fields, fmt.Sprintf("%s/%s/%d", at, kind, i)); err != nil {
			return err
		}
	}
	if n.Type != TypeField {
		return nil
	}
	t, ok := fields[n.Field]
	if !ok {
		return wrong(pointer(at, "field"), "there is no field %s", quote(n.Field))
	}
	if ops := opsOfField[t]; !slices.Contains(ops, n.Op) {
		return wrong(pointer(at, "op"), "the field %s is of type %s, which can be compared by %s", quote(n.Field), t, strings.Join(ops, ", "))
	}
	return n.checkValues(at, t)
}

// Query is a compiled definition: a boolean SQL expression, never NULL, about the row of subscribers that the caller has as u. Its parameters are Args, the first of
// which has the number that Compile was told.
type Query struct {
	SQL  string
	Args []any
}

// Access says how the expression finds what it asks for.
type Access int

const (
	// ByKey looks up each person by key. It costs some microseconds for each person and condition, whatever the planner believes, and is for a bounded number of people.
	ByKey Access = iota
	// BySet leaves the planner free to begin at the conditions: people are IN what an index finds. It is for questions about everybody.
	BySet
)

// Compile translates a definition, in which no other segments are named any more (Expand) and which Check has passed. Parameters begin at $first.
func Compile(n Node, c Context, access Access, first int) (Query, error) {
	if err := Check(n, c.Fields); err != nil {
		return Query{}, err
	}
	b := &builder{c: c, first: first}
	var q Query
	if access == BySet {
		q.SQL = b.set(n)
	} else {
		q.SQL = b.key(n)
	}
	q.Args = b.args
	return q, b.err
}

type builder struct {
	c     Context
	first int
	args  []any
	err   error
}

// arg makes a parameter of a type.
func (b *builder) arg(v any, sqlType string) string {
	b.args = append(b.args, v)
	return fmt.Sprintf("$%d::%s", b.first+len(b.args)-1, sqlType)
}

// key is the expression for ByKey.
func (b *builder) key(n Node) string {
	kind, children := n.group()
	switch kind {
	case "all":
		return join(children, " AND ", b.key)
	case "any":
		return join(children, " OR ", b.key)
	case "none":
		return "NOT " + join(children, " OR ", b.key)
	}
	return b.condition(n, ByKey).key()
}

func join(children []Node, with string, each func(Node) string) string {
	parts := make([]string, len(children))
	for i, c := range children {
		parts[i] = each(c)
	}
	return "(" + strings.Join(parts, with) + ")"
}

// set is the expression for BySet: what must hold altogether becomes IN (…), from which the planner makes joins. Of alternatives the people are put together first, since
// an OR of INs would be tried for everybody. What must not hold is asked for by key: NOT IN reads its whole set for each person when that does not fit into memory.
func (b *builder) set(n Node) string {
	kind, children := n.group()
	switch kind {
	case "all":
		return join(children, " AND ", b.set)
	case "any":
		if len(children) == 1 {
			return b.set(children[0])
		}
		if slices.ContainsFunc(children, func(c Node) bool { return len(c.None) > 0 }) {
			return b.key(n) // everybody has to be looked at in any case
		}
		parts := make([]string, len(children))
		for i, c := range children {
			parts[i] = b.ids(c)
		}
		return "u.id IN (" + strings.Join(parts, " UNION ALL ") + ")"
	case "none":
		return "NOT " + join(children, " OR ", b.key)
	}
	return b.condition(n, BySet).set()
}

// ids is a query for the ids of those who meet n.
func (b *builder) ids(n Node) string {
	if kind, _ := n.group(); kind != "" {
		return "SELECT u.id FROM subscribers u WHERE " + b.set(n)
	}
	t := b.condition(n, BySet)
	if t.from != "" && !t.not {
		return t.query()
	}
	return "SELECT u.id FROM subscribers u WHERE " + t.set()
}

// term is a translated condition: an expression about u, or rows of another table that have the person's id in a column.
type term struct {
	expr string

	from  string
	id    string
	where []string
	// least is a parameter: how many of what must there be at least; "" is one row.
	least, what string
	not         bool
	// wide is the expression for BySet where that is another one.
	wide string
}

func (t term) key() string {
	if t.from == "" {
		return t.expr
	}
	rows := fmt.Sprintf("FROM %s WHERE %s = u.id%s", t.from, t.id, and(t.where))
	sql := "(SELECT true " + rows + " LIMIT 1) IS NOT NULL"
	if t.least != "" {
		sql = fmt.Sprintf("(SELECT count(%s) %s) >= %s", t.what, rows, t.least)
	}
	return t.negated(sql)
}

func (t term) set() string {
	switch {
	case t.wide != "":
		return t.wide
	case t.from == "":
		return t.expr
	case t.not:
		return t.key()
	}
	return "u.id IN (" + t.query() + ")"
}

func (t term) query() string {
	sql := fmt.Sprintf("SELECT %s FROM %s WHERE true%s", t.id, t.from, and(t.where))
	if t.least != "" {
		sql += fmt.Sprintf(" GROUP BY %s HAVING count(%s) >= %s", t.id, t.what, t.least)
	}
	return sql
}

func (t term) negated(sql string) string {
	if t.not {
		return "NOT (" + sql + ")"
	}
	return "(" + sql + ")"
}

func and(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " AND " + strings.Join(conditions, " AND ")
}

// condition translates a condition. access matters only where one term would be too large for both forms.
func (b *builder) condition(n Node, access Access) term {
	switch n.Type {
	case TypeEmail:
		return b.email(n)
	case TypeName:
		return term{expr: b.text("u.name", n)}
	case TypeField:
		return term{expr: b.field(n, access)}
	case TypeList:
		return b.list(n)
	case TypeConsent:
		return b.consent(n)
	case TypeCreated:
		return term{expr: b.moment("u.created_at", n)}
	case TypeActivity:
		return b.activity(n)
	case TypeBounce:
		t := term{from: "events e", id: "e.subscriber_id", where: []string{"e.soft"}}
		t.where = append(t.where, b.since("e.at", n.Days)...)
		return t
	case TypeSuppressed:
		return b.suppressed(n)
	case TypeWish:
		return term{expr: b.wish(n)}
	case TypeImport:
		return b.imported(n)
	}
	b.err = fmt.Errorf("a condition of type %q cannot be translated", n.Type)
	return term{expr: "false"}
}
