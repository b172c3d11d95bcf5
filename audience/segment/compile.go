package segment

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"postrider/internal/addr"
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

func (b *builder) email(n Node) term {
	if n.Op == "domain" {
		domain := strings.ToLower(strings.TrimPrefix(n.Value.(string), "@"))
		if ascii, err := addr.Domain(domain); err == nil {
			domain = ascii
		}
		return term{expr: "starts_with(reverse(u.email_key), reverse(" + b.arg("@"+domain, "text") + "))"}
	}
	n.Value = emailKey(n.Value)
	n.Values = slices.Clone(n.Values)
	for i, v := range n.Values {
		n.Values[i] = emailKey(v)
	}
	return term{expr: b.text("u.email_key", n)}
}

// emailKey is the form in which addresses are compared; what is none is only put into lower case.
func emailKey(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	if a, err := addr.Normalize(s); err == nil {
		return a.Key
	}
	return strings.ToLower(s)
}

// text compares a text that is never NULL. Equality is exact, so that an index finds it; all else is asked without regard to capitals.
func (b *builder) text(expr string, n Node) string {
	switch n.Op {
	case "is":
		return "(" + expr + " = " + b.arg(n.Value, "text") + ")"
	case "is_not":
		return "(" + expr + " <> " + b.arg(n.Value, "text") + ")"
	case "is_any":
		return "(" + expr + " = ANY (" + b.arg(texts(n.Values), "text[]") + "))"
	case "contains":
		return "(strpos(lower(" + expr + "), lower(" + b.arg(n.Value, "text") + ")) > 0)"
	case "not_contains":
		return "(strpos(lower(" + expr + "), lower(" + b.arg(n.Value, "text") + ")) = 0)"
	case "starts_with":
		return "starts_with(lower(" + expr + "), lower(" + b.arg(n.Value, "text") + "))"
	case "ends_with":
		return "starts_with(reverse(lower(" + expr + ")), reverse(lower(" + b.arg(n.Value, "text") + ")))"
	case "is_empty":
		return "(" + expr + " = '')"
	}
	return "(" + expr + " <> '')"
}

func texts(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i], _ = v.(string)
	}
	return out
}

// holds is what the index on attributes finds: the field has this value.
func (b *builder) holds(field string, value any) string {
	return "u.attributes @> " + b.arg(b.doc(field, value), "jsonb")
}

func (b *builder) doc(field string, value any) string {
	doc, err := json.Marshal(map[string]any{field: value})
	if err != nil {
		b.err = fmt.Errorf("writing a value of a field: %w", err)
	}
	return string(doc)
}

// holdsAny is holds for any of several values. No index finds an ANY, so by set each value is looked up by itself; by key they are one parameter, of which a statement cannot
// have more than 65,535.
func (b *builder) holdsAny(field string, values []any, asList bool, access Access) string {
	docs := make([]string, len(values))
	for i, v := range values {
		if asList {
			v = []any{v}
		}
		docs[i] = b.doc(field, v)
	}
	if access == ByKey {
		return "(u.attributes @> ANY (" + b.arg(docs, "jsonb[]") + "))"
	}
	for i, doc := range docs {
		docs[i] = "u.attributes @> " + b.arg(doc, "jsonb")
	}
	return "(" + strings.Join(docs, " OR ") + ")"
}

func (b *builder) field(n Node, access Access) string {
	t := b.c.Fields[n.Field]
	switch n.Op {
	case "is":
		return "(" + b.holds(n.Field, n.Value) + ")"
	case "is_not":
		return "NOT (" + b.holds(n.Field, n.Value) + ")"
	case "is_any":
		return b.holdsAny(n.Field, n.Values, false, access)
	case "contains_any":
		return b.holdsAny(n.Field, n.Values, true, access)
	case "contains_none":
		return "NOT " + b.holdsAny(n.Field, n.Values, true, ByKey)
	case "contains_all":
		return "(" + b.holds(n.Field, n.Values) + ")"
	case "is_empty":
		return "NOT " + b.filled(n.Field, t)
	case "is_not_empty":
		return b.filled(n.Field, t)
	case "on":
		if t == "date" {
			return "(" + b.holds(n.Field, n.Value) + ")"
		}
	}
	value := b.value(n.Field, t)
	switch t {
	case "number":
		return b.number(value, n)
	case "date":
		return b.date(value, n)
	case "datetime":
		return b.datetime(value, n)
	}
	return b.text("COALESCE("+value+", '')", n)
}

// value is an expression for a value of a field as its type is compared: text, numeric, a day or the first 19 characters of a moment, both as text that sorts by time. It
// is NULL for whoever has none, or one that is not of this type. Nothing in it can fail, whatever is stored.
func (b *builder) value(field, fieldType string) string {
	key := b.arg(field, "text")
	typed := func(is, sql string) string {
		return strings.ReplaceAll("(CASE WHEN jsonb_typeof(u.attributes -> {k}) = '"+is+"' THEN "+sql+" END)", "{k}", key)
	}
	switch fieldType {
	case "number":
		return typed("number", "(u.attributes ->> {k})::numeric")
	case "date":
		return typed("string", `CASE WHEN u.attributes ->> {k} ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' THEN u.attributes ->> {k} END`) + ` COLLATE "C"`
	case "datetime":
		return typed("string", `CASE WHEN u.attributes ->> {k} ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?Z$' THEN left(u.attributes ->> {k}, 19) END`) + ` COLLATE "C"`
	}
	return typed("string", "u.attributes ->> {k}")
}

// filled asks whether there is a value of the field's type that says something.
func (b *builder) filled(field, fieldType string) string {
	switch fieldType {
	case "text":
		return "(COALESCE(" + b.value(field, fieldType) + ", '') <> '')"
	case "boolean":
		return "COALESCE(jsonb_typeof(u.attributes -> " + b.arg(field, "text") + ") = 'boolean', false)"
	case "list":
		key := b.arg(field, "text")
		return "COALESCE(jsonb_typeof(u.attributes -> " + key + ") = 'array' AND u.attributes -> " + key + " <> '[]', false)"
	}
	return "(" + b.value(field, fieldType) + " IS NOT NULL)"
}

var comparisons = map[string]string{"lt": "<", "le": "<=", "gt": ">", "ge": ">="}

func (b *builder) number(value string, n Node) string {
	arg := func(v any) string { return b.arg(v.(json.Number).String(), "numeric") }
	if n.Op == "between" {
		return "COALESCE(" + value + " BETWEEN " + arg(n.Values[0]) + " AND " + arg(n.Values[1]) + ", false)"
	}
	return "COALESCE(" + value + " " + comparisons[n.Op] + " " + arg(n.Value) + ", false)"
}

func (b *builder) date(value string, n Node) string {
	today := b.c.At.In(b.c.zone())
	day := func(ahead int) string { return today.AddDate(0, 0, ahead).Format(time.DateOnly) }
	between := func(from, to any) string {
		return "COALESCE(" + value + " BETWEEN " + b.arg(from, "text") + " AND " + b.arg(to, "text") + ", false)"
	}
	switch n.Op {
	case "before":
		return "COALESCE(" + value + " < " + b.arg(n.Value, "text") + ", false)"
	case "after":
		return "COALESCE(" + value + " > " + b.arg(n.Value, "text") + ", false)"
	case "between":
		return between(n.Values[0], n.Values[1])
	case "in_last":
		return between(day(-*n.Days), day(0))
	case "in_next":
		return between(day(0), day(*n.Days))
	}
	return "COALESCE(substr(" + value + ", 6) = ANY (" + b.arg(anniversaries(today, *n.Days), "text[]") + "), false)"
}

// anniversaries are the days of the year, as MM-DD, from today to some days on. Who was born on 29 February has it a day sooner in other years.
func anniversaries(today time.Time, days int) []string {
	var out []string
	for i := range days + 1 {
		d := today.AddDate(0, 0, i)
		md := d.Format("01-02")
		if slices.Contains(out, md) {
			continue
		}
		out = append(out, md)
		if md == "02-28" && d.AddDate(0, 0, 1).Month() == time.March && !slices.Contains(out, "02-29") {
			out = append(out, "02-29")
		}
	}
	return out
}

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

func (b *builder) datetime(value string, n Node) string {
	parts := b.within(value, n, func(t time.Time) string { return b.arg(t.UTC().Format("2006-01-02T15:04:05"), "text") })
	return "COALESCE(" + strings.Join(parts, " AND ") + ", false)"
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

func (b *builder) list(n Node) term {
	t := term{from: "subscriptions s", id: "s.subscriber_id", where: []string{"s.list_id = " + b.arg(n.ListID, "bigint")}, not: n.Op == "is_not"}
	switch n.Status {
	case "any":
	case "":
		t.where = append(t.where, "s.status = 'subscribed'")
	default:
		t.where = append(t.where, "s.status = "+b.arg(n.Status, "text"))
	}
	return t
}

// consent is about subscriptions that hold, and since when they do.
func (b *builder) consent(n Node) term {
	t := term{from: "subscriptions s", id: "s.subscriber_id", where: []string{"s.status = 'subscribed'"}}
	if n.ListID != 0 {
		t.where = append(t.where, "s.list_id = "+b.arg(n.ListID, "bigint"))
	}
	if n.Source != "" {
		t.where = append(t.where, "s.source = "+b.arg(n.Source, "text"))
	}
	if n.ImportID != 0 {
		t.where = append(t.where, "s.import_id = "+b.arg(n.ImportID, "bigint"))
	}
	if n.FormID != 0 {
		t.where = append(t.where, "s.evidence @> jsonb_build_object('form_id', "+b.arg(n.FormID, "bigint")+")")
	}
	if n.Op != "" {
		t.where = append(t.where, b.within("s.updated_at", n, b.time)...)
	}
	return t
}

// activity counts people only: what machines did, or what may have been one, is left out. Who follows a link has read the mail, whether images were loaded or not.
func (b *builder) activity(n Node) term {
	if n.Event == "not_opened" {
		return b.notOpened(n)
	}
	t := term{from: "events e", id: "e.subscriber_id", what: "DISTINCT e.campaign_id"}
	at, campaign := "e.at", "e.campaign_id"
	switch n.Event {
	case "sent":
		t.from, t.id, t.what, at, campaign = "deliveries d", "d.subscriber_id", "*", "d.updated_at", "d.campaign_id"
		t.where = append(t.where, "d.state = 2")
	case "opened":
		t.where = append(t.where, "e.actor = 'human'")
	case "clicked":
		t.where = append(t.where, "e.actor = 'human'", "e.kind = 'click'")
	}
	if n.CampaignID != 0 {
		t.where = append(t.where, campaign+" = "+b.arg(n.CampaignID, "bigint"))
	}
	if n.Link != 0 {
		t.where = append(t.where, "e.link = "+b.arg(n.Link, "bigint"))
	}
	t.where = append(t.where, b.since(at, n.Days)...)
	if n.AtLeast > 1 {
		t.least = b.arg(n.AtLeast, "bigint")
	}
	return t
}

// untrackedSQL asks of a delivery d whether its person is subscribed to a list of the campaign that is not tracked, as the claim does. Such lists are few or none; only where
// there is one is each delivery looked at.
const untrackedSQL = `((SELECT true FROM lists WHERE no_tracking LIMIT 1) IS NOT NULL AND (SELECT true FROM campaign_lists cl JOIN lists l ON l.id = cl.list_id
	JOIN subscriptions s ON s.list_id = l.id WHERE cl.campaign_id = d.campaign_id AND l.no_tracking AND s.subscriber_id = d.subscriber_id AND s.status = 'subscribed' LIMIT 1) IS NOT NULL)`

// notOpened is about mail of which it would be known: of whoever is not tracked nothing says that they did not read it.
func (b *builder) notOpened(n Node) term {
	sent, opened := n, n
	sent.Event, opened.Event, opened.AtLeast = "sent", "opened", 0
	s, o := b.activity(sent), b.activity(opened)
	s.where = append(s.where, "(SELECT c.track_opens FROM campaigns c WHERE c.id = d.campaign_id)", "NOT "+untrackedSQL)
	rest := " AND NOT u.no_tracking AND NOT " + o.key() + ")"
	return term{expr: "(" + s.key() + rest, wide: "(" + s.set() + rest}
}

// suppressed knows addresses and whole domains, whose keys begin with an at sign. The domains are few or none; only where there is one is everybody compared with them.
func (b *builder) suppressed(n Node) term {
	reason := ""
	if n.Reason != "" {
		reason = " AND x.reason = " + b.arg(n.Reason, "text")
	}
	const domain = "substring(u.email_key FROM '@[^@]*$')"
	return term{
		expr: "((SELECT true FROM suppressions x WHERE x.email_key IN (u.email_key, " + domain + ")" + reason + " LIMIT 1) IS NOT NULL)",
		wide: "u.id IN (SELECT u.id FROM suppressions x JOIN subscribers u ON u.email_key = x.email_key WHERE true" + reason +
			" UNION ALL SELECT u.id FROM suppressions x JOIN subscribers u ON " + domain + " = x.email_key" +
			" WHERE (SELECT true FROM suppressions WHERE email_key LIKE '@%' LIMIT 1)" + reason + ")",
	}
}

func (b *builder) wish(n Node) string {
	switch n.Wish {
	case "paused":
		return "COALESCE(u.paused_until > " + b.time(b.c.At) + ", false)"
	case "no_tracking":
		return "u.no_tracking"
	}
	return "(u.frequency IS NOT DISTINCT FROM " + b.arg(n.Wish, "text") + ")"
}

func (b *builder) imported(n Node) term {
	id := b.arg(n.ImportID, "bigint")
	brought := "COALESCE(u.import_id = " + id + ", false)"
	ranged := "SELECT u.id FROM import_ranges r JOIN subscribers u ON u.id BETWEEN r.first_id AND r.last_id WHERE r.import_id = " + id + " AND u.import_id = " + id
	if n.How == "brought" {
		return term{expr: brought, wide: "u.id IN (" + ranged + ")"}
	}
	return term{
		expr: "(" + brought + " OR (SELECT true FROM import_changes i WHERE i.import_id = " + id + " AND i.subscriber_id = u.id) IS NOT NULL)",
		wide: "u.id IN (" + ranged + " UNION ALL SELECT i.subscriber_id FROM import_changes i WHERE i.import_id = " + id + ")",
	}
}
