package segment

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/pg/pgtest"
)

// testTime is a moment at which it is another day in the zone of the tests than in UTC.
var testTime = time.Date(2026, 3, 1, 22, 30, 0, 0, time.UTC)

var testZone = time.FixedZone("test", 3*3600)

var fieldTypes = map[string]string{"city": "text", "age": "number", "vip": "boolean", "born": "date", "seen": "datetime", "tags": "list", `o'dd "key"`: "text"}

// The model: people, and everything that conditions ask for, kept in Go beside the database.
type model struct {
	people []*someone
}

type someone struct {
	id         int64
	emailKey   string
	name       string
	attributes map[string]any
	created    time.Time
	importID   int64
	paused     time.Time
	frequency  string
	noTracking bool
	subs       []sub
	sent       []mailed
	events     []happened
	suppressed map[string]bool // reasons
	changedBy  []int64
}

type sub struct {
	list           int64
	status, source string
	importID, form int64
	updated        time.Time
}

// Of these it is not known whether mail was opened. Campaign i goes to list 1 + i % 3.
const untrackedList, untrackedCampaign = 3, 4

type mailed struct {
	campaign int64
	state    int
	at       time.Time
}

type happened struct {
	kind, actor string
	campaign    int64
	link        int64
	soft        bool
	at          time.Time
}

// TestSQLMeansWhatTheDefinitionSays compares both forms of the SQL with a plain evaluation, for random people and random definitions.
func TestSQLMeansWhatTheDefinitionSays(t *testing.T) {
	t.Parallel()
	pool := pgtest.DB(t)
	r := rand.New(rand.NewPCG(7, 7))
	m := makeModel(r, 120)
	m.store(t, pool)
	c := Context{Fields: fieldTypes, At: testTime, Zone: testZone}
	some := 0
	for seed := range uint64(1500) {
		g := &generator{r: rand.New(rand.NewPCG(seed, 11))}
		n := g.node(1 + int(seed%4))
		if seed%3 == 0 {
			n = g.condition()
		}
		var want []int64
		for _, p := range m.people {
			if p.meets(n, c) {
				want = append(want, p.id)
			}
		}
		if len(want) > 0 && len(want) < len(m.people) {
			some++
		}
		for access, called := range map[Access]string{ByKey: "by key", BySet: "by set"} {
			q, err := Compile(n, c, access, 2)
			if err != nil {
				t.Fatalf("%s: %v", n.JSON(), err)
			}
			rows, err := pool.Query(t.Context(), "SELECT u.id FROM subscribers u WHERE u.id > $1 AND "+q.SQL+" ORDER BY u.id", append([]any{0}, q.Args...)...)
			if err != nil {
				t.Fatalf("%s: %v\n%s", n.JSON(), err, q.SQL)
			}
			got, err := pgx.CollectRows(rows, pgx.RowTo[int64])
			if err != nil {
				t.Fatalf("%s: %v\n%s", n.JSON(), err, q.SQL)
			}
			if !slices.Equal(got, want) {
				t.Errorf("seed %d, %s, %s: %s\n%s %v", seed, called, n.JSON(), cmp.Diff(want, got), q.SQL, q.Args)
			}
		}
	}
	if some < 700 {
		t.Errorf("only %d of the definitions mean some people and not others", some)
	}
}

func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func makeModel(r *rand.Rand, n int) *model {
	m := &model{}
	for i := range n {
		p := &someone{
			emailKey: fmt.Sprintf("%s%d@%s", pick(r, "ann", "bob", "annabel"), i, pick(r, "example.org", "sub.example.org", "example.com")),
			name:     pick(r, "", "Ann", "ann smith", `O'Hara %`, "Bob"), created: moment3(r), attributes: map[string]any{}, suppressed: map[string]bool{},
			importID: pick(r, int64(0), 0, 1, 2), frequency: pick(r, "", "", "weekly", "monthly"), noTracking: r.IntN(4) == 0,
		}
		if r.IntN(3) == 0 {
			p.paused = testTime.Add(time.Duration(r.IntN(5)-2) * 24 * time.Hour)
		}
		for _, name := range slices.Sorted(maps.Keys(fieldTypes)) {
			typ := fieldTypes[name]
			if r.IntN(4) > 0 {
				p.attributes[name] = stored(r, typ)
			}
		}
		for _, list := range []int64{1, 2, 3} {
			if r.IntN(3) > 0 {
				p.subs = append(p.subs, sub{list: list, status: pick(r, "subscribed", "subscribed", "unconfirmed", "unsubscribed"), source: pick(r, "form", "import", `a'b`),
					importID: pick(r, int64(0), 1, 2), form: pick(r, int64(0), 0, 5), updated: moment3(r)})
			}
		}
		for campaign := range int64(5) {
			if r.IntN(2) == 0 {
				continue
			}
			p.sent = append(p.sent, mailed{campaign: campaign + 1, state: pick(r, 2, 2, 2, 0, 4, 6), at: moment3(r)})
			for range r.IntN(4) {
				h := happened{kind: pick(r, "open", "click", "bounce"), campaign: campaign + 1, at: moment3(r)}
				if h.kind == "bounce" {
					h.soft = r.IntN(2) == 0
				} else {
					h.actor = pick(r, "human", "machine", "unknown")
				}
				if h.kind == "click" {
					h.link = int64(1 + r.IntN(2))
				}
				p.events = append(p.events, h)
			}
		}
		if r.IntN(5) == 0 {
			p.suppressed[pick(r, "bounce", "manual")] = true
		}
		if strings.HasSuffix(p.emailKey, "@example.com") {
			p.suppressed["complaint"] = true // the whole domain is
		}
		for _, id := range []int64{1, 2} {
			if r.IntN(5) == 0 {
				p.changedBy = append(p.changedBy, id)
			}
		}
		m.people = append(m.people, p)
	}
	return m
}

// moment3 is a time near the borders that conditions ask about.
func moment3(r *rand.Rand) time.Time {
	border := testTime.Add(-time.Duration(pick(r, 0, 1, 3, 10, 40)) * 24 * time.Hour)
	return border.Add(time.Duration(r.IntN(7)-3) * time.Hour)
}

// stored is a value as it may be in the database, also of a wrong type or form.
func stored(r *rand.Rand, typ string) any {
	if r.IntN(8) == 0 {
		return pick[any](r, nil, "", "x", 3, true, []any{"a"}, []any{}, map[string]any{"a": 1}, "2026-99-99", "99")
	}
	switch typ {
	case "text":
		return pick(r, "Berlin", "berlin", "Bonn", "50% off", `a"b\c`)
	case "number":
		return pick(r, 18, 18.0, 18.5, -3, 1e20)
	case "boolean":
		return r.IntN(2) == 0
	case "date":
		return dayNear(r)
	case "datetime":
		return moment3(r).UTC().Format(pick(r, "2006-01-02T15:04:05Z", "2006-01-02T15:04:05.000Z"))
	}
	return pick(r, []any{"a"}, []any{"a", "b"}, []any{"b", "c"}, []any{})
}

func dayNear(r *rand.Rand) string {
	return testTime.AddDate(pick(r, 0, 0, -30, -2), 0, r.IntN(9)-4).Format(time.DateOnly)
}

func (m *model) store(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	exec(`INSERT INTO lists (name, no_tracking) SELECT i::text, i = $1 FROM generate_series(1, 3) i`, untrackedList)
	exec(`INSERT INTO campaigns (name, track_opens) SELECT i::text, i <> $1 FROM generate_series(1, 5) i`, untrackedCampaign)
	exec(`INSERT INTO campaign_lists (campaign_id, list_id) SELECT i, 1 + i % 3 FROM generate_series(1, 5) i`)
	exec(`INSERT INTO imports (list_id, filename, status) VALUES (1, 'a', 'done'), (1, 'b', 'done')`)
	exec(`INSERT INTO suppressions (email_key, reason, source) VALUES ('@example.com', 'complaint', 'test')`)
	for _, p := range m.people {
		err := pool.QueryRow(t.Context(), `INSERT INTO subscribers (email, email_key, name, attributes, created_at, import_id, no_tracking) VALUES ($1, $1, $2, $3, $4, NULLIF($5, 0), $6) RETURNING id`,
			p.emailKey, p.name, p.attributes, p.created, p.importID, p.noTracking).Scan(&p.id)
		if err != nil {
			t.Fatal(err)
		}
		if p.importID != 0 {
			exec(`INSERT INTO import_ranges (import_id, first_id, last_id) VALUES ($1, $2::bigint, $2::bigint + 3)`, p.importID, p.id)
		}
		if !p.paused.IsZero() {
			exec(`UPDATE subscribers SET paused_until = $2, paused_at = now(), paused_source = 'test' WHERE id = $1`, p.id, p.paused)
		}
		if p.frequency != "" {
			exec(`UPDATE subscribers SET frequency = $2, frequency_at = now(), frequency_source = 'test' WHERE id = $1`, p.id, p.frequency)
		}
		for _, s := range p.subs {
			var evidence any
			if s.form != 0 {
				evidence = map[string]any{"form_id": s.form}
			}
			exec(`INSERT INTO subscriptions (list_id, subscriber_id, status, source, import_id, evidence, updated_at) VALUES ($1, $2, $3, $4, NULLIF($5, 0), $6, $7)`,
				s.list, p.id, s.status, s.source, s.importID, evidence, s.updated)
		}
		for _, d := range p.sent {
			exec(`INSERT INTO deliveries (campaign_id, seq, subscriber_id, email, state, updated_at) VALUES ($1, $2::bigint, $2::bigint, $3, $4, $5)`, d.campaign, p.id, p.emailKey, d.state, d.at)
		}
		for _, e := range p.events {
			exec(`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, link, actor, soft) VALUES ($1, $2, $3, $4::bigint, $4::bigint, NULLIF($5, 0), NULLIF($6, ''), $7)`,
				e.at, e.kind, e.campaign, p.id, e.link, e.actor, e.soft)
		}
		for reason := range p.suppressed {
			if reason != "complaint" {
				exec(`INSERT INTO suppressions (email_key, reason, source) VALUES ($1, $2, 'test')`, p.emailKey, reason)
			}
		}
		for _, id := range p.changedBy {
			exec(`INSERT INTO import_changes (import_id, subscriber_id, before, after) VALUES ($1, $2, '{}', '{}')`, id, p.id)
		}
		// As JSON has it: numbers are floats, what is absent stays so.
		b, err := json.Marshal(p.attributes)
		if err != nil {
			t.Fatal(err)
		}
		p.attributes = nil
		if err := json.Unmarshal(b, &p.attributes); err != nil {
			t.Fatal(err)
		}
	}
}

// meets is what definitions mean, said in Go.
func (p *someone) meets(n Node, c Context) bool {
	kind, children := n.group()
	meets := func(child Node) bool { return p.meets(child, c) }
	switch kind {
	case "all":
		return !slices.ContainsFunc(children, func(child Node) bool { return !meets(child) })
	case "any":
		return slices.ContainsFunc(children, meets)
	case "none":
		return !slices.ContainsFunc(children, meets)
	}
	switch n.Type {
	case TypeEmail:
		if n.Op == "domain" {
			return strings.HasSuffix(p.emailKey, "@"+n.Value.(string))
		}
		return meetsText(p.emailKey, n, strings.ToLower)
	case TypeName:
		return meetsText(p.name, n, func(s string) string { return s })
	case TypeField:
		return p.meetsField(n, c)
	case TypeList:
		on := slices.ContainsFunc(p.subs, func(s sub) bool {
			return s.list == n.ListID && (n.Status == "any" || s.status == n.Status || n.Status == "" && s.status == "subscribed")
		})
		return on == (n.Op != "is_not")
	case TypeConsent:
		return slices.ContainsFunc(p.subs, func(s sub) bool {
			return s.status == "subscribed" && (n.ListID == 0 || s.list == n.ListID) && (n.Source == "" || s.source == n.Source) && (n.ImportID == 0 || s.importID == n.ImportID) &&
				(n.FormID == 0 || s.form == n.FormID) && (n.Op == "" || meetsMoment(s.updated, n, c))
		})
	case TypeCreated:
		return meetsMoment(p.created, n, c)
	case TypeActivity:
		return p.meetsActivity(n, c)
	case TypeBounce:
		return slices.ContainsFunc(p.events, func(e happened) bool { return e.soft && lastDays(e.at, n.Days, c) })
	case TypeSuppressed:
		return n.Reason == "" && len(p.suppressed) > 0 || p.suppressed[n.Reason]
	case TypeWish:
		return n.Wish == "paused" && p.paused.After(c.At) || n.Wish == "no_tracking" && p.noTracking || n.Wish == p.frequency
	case TypeImport:
		return p.importID == n.ImportID || n.How == "touched" && slices.Contains(p.changedBy, n.ImportID)
	}
	panic(n.Type)
}

func lastDays(at time.Time, days *int, c Context) bool {
	return days == nil || c.At.Sub(at) <= time.Duration(*days)*24*time.Hour
}

func meetsText(have string, n Node, fold func(string) string) bool {
	want, _ := n.Value.(string)
	lower, lowerWant := strings.ToLower(have), strings.ToLower(want)
	switch n.Op {
	case "is":
		return have == fold(want)
	case "is_not":
		return have != fold(want)
	case "is_any":
		return slices.ContainsFunc(n.Values, func(v any) bool { return have == fold(v.(string)) })
	case "contains":
		return strings.Contains(lower, lowerWant)
	case "not_contains":
		return !strings.Contains(lower, lowerWant)
	case "starts_with":
		return strings.HasPrefix(lower, lowerWant)
	case "ends_with":
		return strings.HasSuffix(lower, lowerWant)
	}
	return (have == "") == (n.Op == "is_empty")
}

func meetsMoment(at time.Time, n Node, c Context) bool {
	day := at.In(c.Zone).Format(time.DateOnly)
	value, _ := n.Value.(string)
	switch n.Op {
	case "on":
		return day == value
	case "before":
		return day < value
	case "after":
		return day > value
	case "between":
		return day >= n.Values[0].(string) && day <= n.Values[1].(string)
	case "in_last":
		return !at.Before(c.At.Add(-time.Duration(*n.Days)*24*time.Hour)) && at.Before(c.At)
	}
	return !at.Before(c.At) && at.Before(c.At.Add(time.Duration(*n.Days)*24*time.Hour))
}

func number(v any) float64 {
	f, err := strconv.ParseFloat(v.(json.Number).String(), 64)
	if err != nil {
		panic(err)
	}
	return f
}

var dayForm = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)

func (p *someone) meetsField(n Node, c Context) bool {
	v := p.attributes[n.Field]
	switch c.Fields[n.Field] {
	case "text":
		s, _ := v.(string)
		return meetsText(s, n, func(s string) string { return s })
	case "number":
		f, ok := v.(float64)
		switch n.Op {
		case "is":
			return ok && f == number(n.Value)
		case "is_not":
			return !ok || f != number(n.Value)
		case "lt":
			return ok && f < number(n.Value)
		case "le":
			return ok && f <= number(n.Value)
		case "gt":
			return ok && f > number(n.Value)
		case "ge":
			return ok && f >= number(n.Value)
		case "between":
			return ok && f >= number(n.Values[0]) && f <= number(n.Values[1])
		}
		return ok == (n.Op == "is_not_empty")
	case "boolean":
		b, ok := v.(bool)
		switch n.Op {
		case "is":
			return ok && b == n.Value.(bool)
		case "is_not":
			return !ok || b != n.Value.(bool)
		}
		return ok == (n.Op == "is_not_empty")
	case "list":
		return meetsList(v, n)
	case "datetime":
		s, _ := v.(string)
		at, err := time.Parse(time.RFC3339, s)
		switch n.Op {
		case "is_empty", "is_not_empty":
			return (err == nil) == (n.Op == "is_not_empty")
		}
		return err == nil && meetsMoment(at, n, c)
	}
	s, _ := v.(string)
	return meetsDate(s, dayForm.MatchString(s), n, c)
}

func meetsDate(s string, ok bool, n Node, c Context) bool {
	value, _ := n.Value.(string)
	ahead := func(days int) string { return c.At.In(c.Zone).AddDate(0, 0, days).Format(time.DateOnly) }
	switch n.Op {
	case "on":
		return s == value
	case "before":
		return ok && s < value
	case "after":
		return ok && s > value
	case "between":
		return ok && s >= n.Values[0].(string) && s <= n.Values[1].(string)
	case "in_last":
		return ok && s >= ahead(-*n.Days) && s <= ahead(0)
	case "in_next":
		return ok && s >= ahead(0) && s <= ahead(*n.Days)
	case "anniversary":
		for i := range *n.Days + 1 {
			// 2026 has no 29 February: who was born then has the day before.
			if ok && (s[5:] == ahead(i)[5:] || s[5:] == "02-29" && ahead(i)[5:] == "02-28" && ahead(i)[:4] != "2028") {
				return true
			}
		}
		return false
	}
	return ok == (n.Op == "is_not_empty")
}

func meetsList(v any, n Node) bool {
	have, _ := v.([]any)
	has := func(v any) bool { return slices.Contains(have, v) }
	switch n.Op {
	case "contains_any":
		return slices.ContainsFunc(n.Values, has)
	case "contains_none":
		return !slices.ContainsFunc(n.Values, has)
	case "contains_all":
		return !slices.ContainsFunc(n.Values, func(v any) bool { return !has(v) })
	}
	return (len(have) > 0) == (n.Op == "is_not_empty")
}

func (p *someone) meetsActivity(n Node, c Context) bool {
	campaigns := map[int64]bool{}
	switch n.Event {
	case "not_opened":
		sent, opened := n, n
		sent.Event, opened.Event, opened.AtLeast = "sent", "opened", 0
		tracked := *p
		tracked.sent = slices.DeleteFunc(slices.Clone(p.sent), func(d mailed) bool {
			return d.campaign == untrackedCampaign || 1+d.campaign%3 == untrackedList && slices.ContainsFunc(p.subs, func(s sub) bool { return s.list == untrackedList && s.status == "subscribed" })
		})
		return !p.noTracking && tracked.meetsActivity(sent, c) && !p.meetsActivity(opened, c)
	case "sent":
		for _, d := range p.sent {
			if d.state == 2 && (n.CampaignID == 0 || d.campaign == n.CampaignID) && lastDays(d.at, n.Days, c) {
				campaigns[d.campaign] = true
			}
		}
	default:
		for _, e := range p.events {
			if e.actor == "human" && (n.Event == "opened" || e.kind == "click") && (n.CampaignID == 0 || e.campaign == n.CampaignID) && (n.Link == 0 || e.link == n.Link) && lastDays(e.at, n.Days, c) {
				campaigns[e.campaign] = true
			}
		}
	}
	return len(campaigns) >= max(n.AtLeast, 1)
}

// generator makes random definitions. Harmless ones have values that can be told from hostile ones.
type generator struct {
	r        *rand.Rand
	harmless bool
}

func (g *generator) node(depth int) Node {
	if depth == 0 || g.r.IntN(3) == 0 {
		return g.condition()
	}
	children := make([]Node, 1+g.r.IntN(3))
	for i := range children {
		children[i] = g.node(depth - 1)
	}
	return pick(g.r, Node{All: children}, Node{Any: children}, Node{None: children})
}

func (g *generator) days() *int {
	d := pick(g.r, 1, 3, 10, 40)
	return &d
}

func (g *generator) day() string { return dayNear(g.r) }

func (g *generator) condition() Node {
	r := g.r
	n := Node{Type: pick(r, TypeEmail, TypeName, TypeField, TypeField, TypeField, TypeField, TypeField, TypeList, TypeConsent, TypeConsent, TypeCreated, TypeActivity, TypeActivity,
		TypeActivity, TypeBounce, TypeSuppressed, TypeWish, TypeImport)}
	switch n.Type {
	case TypeEmail:
		n.Op = pick(r, emailOps...)
		g.fill(&n, "email")
	case TypeName:
		n.Op = pick(r, textOps...)
		g.fill(&n, "text")
	case TypeField:
		n.Field = pick(r, "city", "age", "vip", "born", "seen", "tags", `o'dd "key"`)
		n.Op = pick(r, opsOfField[fieldTypes[n.Field]]...)
		g.fill(&n, fieldTypes[n.Field])
	case TypeList:
		n.ListID, n.Status, n.Op = int64(1+r.IntN(4)), pick(r, "", "subscribed", "unconfirmed", "unsubscribed", "any"), pick(r, "", "is", "is_not")
	case TypeConsent:
		n.ListID, n.Source, n.ImportID, n.FormID = pick(r, int64(0), 1, 2), pick(r, "", "form", `a'b`), pick(r, int64(0), 0, 1), pick(r, int64(0), 0, 5)
		if r.IntN(2) == 0 || n.ListID+n.ImportID+n.FormID == 0 && n.Source == "" {
			n.Op = pick(r, momentOps...)
			g.fill(&n, "datetime")
		}
	case TypeCreated:
		n.Op = pick(r, momentOps...)
		g.fill(&n, "datetime")
	case TypeActivity:
		n.Event = pick(r, events...)
		if n.Event == "not_opened" || r.IntN(2) == 0 {
			n.Days = g.days()
		}
		if r.IntN(2) == 0 {
			n.CampaignID = int64(1 + r.IntN(5))
		} else {
			n.AtLeast = pick(r, 0, 0, 2, 3)
		}
		if n.Event == "clicked" && n.CampaignID != 0 && r.IntN(2) == 0 {
			n.Link = int64(1 + r.IntN(2))
		}
	case TypeBounce:
		if r.IntN(2) == 0 {
			n.Days = g.days()
		}
	case TypeSuppressed:
		n.Reason = pick(r, "", "bounce", "manual", "complaint")
	case TypeWish:
		n.Wish = pick(r, wishes...)
	case TypeImport:
		n.ImportID, n.How = int64(1+r.IntN(2)), pick(r, hows...)
	}
	return n
}

// fill gives a condition the operand that its operator takes.
func (g *generator) fill(n *Node, typ string) {
	value := func() any {
		switch typ {
		case "email":
			return pick[any](g.r, "ann", "Example", "example.org", "bob1@EXAMPLE.org", "ann2@example.com")
		case "text":
			return pick[any](g.r, "Berlin", "BER", "onn", "%", "_", `a"b\c`, "Ann", "x", "a")
		case "number":
			return pick[any](g.r, json.Number("18"), json.Number("18.0"), json.Number("18.5"), json.Number("-3"), json.Number("1e20"))
		case "boolean":
			return g.r.IntN(2) == 0
		case "list":
			return pick[any](g.r, "a", "b", "c", "d")
		}
		return g.day()
	}
	switch operands[n.Op] {
	case oneValue:
		n.Value = value()
		if n.Op == "domain" {
			n.Value = pick[any](g.r, "example.org", "example.com", "org")
		}
	case manyValues:
		for range 1 + g.r.IntN(3) {
			n.Values = append(n.Values, value())
		}
	case twoValues:
		n.Values = []any{value(), value()}
	case someDays:
		n.Days = g.days()
	}
}
