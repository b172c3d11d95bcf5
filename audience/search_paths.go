package audience

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/internal/page"
)

// way is what the planner may do for a statement.
type way int

// Ways: rows one by one through btree indexes, in their order; a bitmap of a GIN index; a whole table from its first page to its last.
const (
	byKey way = iota
	byBitmap
	wholeTable
)

// take holds the planner to a way, until the next call or the end of the transaction. One process reads: several are faster only as long as nobody else searches.
// A statement is planned each time, since a plan that is kept would be that of another way or another text.
func (r searcher) take(ctx context.Context, w way) error {
	_, err := r.db.Exec(ctx, `SELECT set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true), set_config('plan_cache_mode', 'force_custom_plan', true),
		set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('enable_sort', 'off', true),
		set_config('enable_seqscan', $1, true), set_config('enable_bitmapscan', $2, true), set_config('enable_indexscan', $3, true)`,
		onOff(w == wholeTable), onOff(w == byBitmap), onOff(w != wholeTable))
	if err != nil {
		return fmt.Errorf("setting up a search: %w", err)
	}
	return nil
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// statement is SQL under construction; arg gives the placeholder of a value.
type statement struct{ args []any }

func (s *statement) arg(v any) string {
	s.args = append(s.args, v)
	return fmt.Sprintf("$%d", len(s.args))
}

// textSQL is the text of a person in which is searched, as subscriber_search keeps it.
const textSQL = `u.email_key || ' ' || lower(u.name)`

// like is the condition that a text has one of the patterns.
func (m match) like(s *statement, text string) string {
	any := make([]string, len(m.patterns))
	for i, p := range m.patterns {
		any[i] = text + " LIKE " + s.arg(p)
	}
	return "(" + strings.Join(any, " OR ") + ")"
}

// holds is the condition that the attributes of u have all that is asked for.
func (m match) holds(s *statement) string {
	all := make([]string, len(m.attributes))
	for i, a := range m.attributes {
		all[i] = "u.attributes @> " + s.arg(a) + "::jsonb"
	}
	return strings.Join(all, " AND ")
}

// suppressedSQL: the address or the domain of u is suppressed. A scalar subquery is asked for each row, by key; an EXISTS could be planned as a join that reads all suppressions.
const suppressedSQL = `(SELECT true FROM suppressions x WHERE x.email_key IN (u.email_key, '@' || split_part(u.email_key, '@', -1)) LIMIT 1) IS NOT NULL`

// condition is one of those that all have to be met, as SQL about the person u.
type condition struct {
	kind kind
	sql  string
}

type kind int

const (
	kindText kind = iota
	kindField
	kindMember
	kindSuppressed
	kindSegment
)

// personColumns are those of subscribers that conditions ask for.
const personColumns = `id, email_key, name, attributes, created_at, import_id, paused_until, frequency, no_tracking`

// conditions of the filter, about the person u, without those of some kinds.
func (m match) conditions(s *statement, without ...kind) []condition {
	var all []condition
	if len(m.patterns) > 0 && !slices.Contains(without, kindText) {
		all = append(all, condition{kindText, m.like(s, textSQL)})
	}
	if len(m.attributes) > 0 && !slices.Contains(without, kindField) {
		all = append(all, condition{kindField, m.holds(s)})
	}
	if (m.listID != 0 || m.status != "") && !slices.Contains(without, kindMember) {
		if m.listID != 0 {
			all = append(all, condition{kindMember, `(SELECT true FROM subscriptions s WHERE s.list_id = ` + s.arg(m.listID) + ` AND s.subscriber_id = u.id` + m.statusSQL() + `) IS NOT NULL`})
		} else {
			// Asked for the status too, the planner may go through all of subscriptions_left for each person.
			all = append(all, condition{kindMember, `(SELECT bool_or(s.status = '` + m.status + `') FROM (SELECT status FROM subscriptions WHERE subscriber_id = u.id OFFSET 0) s) IS TRUE`})
		}
	}
	if m.suppressed && !slices.Contains(without, kindSuppressed) {
		all = append(all, condition{kindSuppressed, suppressedSQL})
	}
	if m.segment != nil {
		all = append(all, condition{kindSegment, m.segment.sql(s)})
	}
	return all
}

// statusSQL asks for the status of s. It is written out, one of three words, since the planner takes a partial index only for a value that it sees.
func (m match) statusSQL() string {
	if m.status == "" {
		return ""
	}
	return ` AND s.status = '` + m.status + `'`
}

func joined(all []condition) string {
	sql := make([]string, 0, len(all)+1)
	for _, c := range all {
		sql = append(sql, c.sql)
	}
	return strings.Join(append(sql, "true"), " AND ")
}

// guess is about how many people meet the conditions, all of them and each, and how many lie between where the page begins and the next who does.
type guess struct {
	everybody bool // there are so few people that all can be looked at; nothing was estimated
	total     int64
	gap       int64
	each      map[kind]int64
}

// estimate looks at some pages of the table, always the same ones while it does not grow. That needs no statistics, which are missing after an import.
func (r searcher) estimate(ctx context.Context, m match, q page.Query, from int64) (guess, error) {
	var pages int64
	if err := r.db.QueryRow(ctx, `SELECT pg_relation_size('subscribers') / current_setting('block_size')::bigint`).Scan(&pages); err != nil {
		return guess{}, err
	}
	if pages <= r.limits.small {
		return guess{everybody: true}, nil
	}
	if err := r.take(ctx, byKey); err != nil {
		return guess{}, err
	}
	var (
		s             statement
		all           = m.conditions(&s)
		blocks, found int64
		gap           int64
		counts        = make([]int64, len(all))
		into          = []any{&blocks, &found, &gap}
		met, cols     string
	)
	nearest, between := "max(id)", "id < {from} AND id > COALESCE((SELECT id FROM nearest), 0)"
	if q.Back() {
		nearest, between = "min(id)", "id > {from} AND id < COALESCE((SELECT id FROM nearest), 9223372036854775807)"
	}
	for i, c := range all {
		cols += fmt.Sprintf(", (%s) AS c%d", c.sql, i)
		met += fmt.Sprintf("c%d AND ", i)
		if c.kind == kindMember && m.listID != 0 {
			between += fmt.Sprintf(" AND c%d", i) // only people of the list are gone through
		}
	}
	met += "true"
	sql := `WITH seen AS MATERIALIZED (SELECT u.id, (u.ctid::text::point)[0] AS block` + cols + ` FROM subscribers u TABLESAMPLE SYSTEM ({percent}) REPEATABLE (1)),
		nearest AS (SELECT ` + nearest + ` AS id FROM seen WHERE ` + met + ` AND id ` + map[bool]string{false: "<", true: ">"}[q.Back()] + ` {from})
		SELECT count(DISTINCT block), count(*) FILTER (WHERE ` + met + `), count(*) FILTER (WHERE ` + between + `)`
	for i := range all {
		sql += fmt.Sprintf(", count(*) FILTER (WHERE c%d)", i)
		into = append(into, &counts[i])
	}
	sample := r.limits.sample
	if m.suppressed {
		sample = (sample + 1) / 2 // two look-ups for each person
	}
	percent := s.arg(min(100, 100*float64(sample)/float64(pages)))
	sql = strings.NewReplacer("{percent}", percent, "{from}", s.arg(from)).Replace(sql + ` FROM seen`)
	if err := r.db.QueryRow(ctx, sql, s.args...).Scan(into...); err != nil {
		return guess{}, err
	}
	whole := func(n int64) int64 { return n * pages / max(blocks, 1) }
	g := guess{total: whole(found), gap: whole(gap), each: map[kind]int64{}}
	for i, c := range all {
		if c.kind != kindSegment { // no index gives all of a segment
			g.each[c.kind] = whole(counts[i])
		}
	}
	if m.listID != 0 {
		n, err := r.onList(ctx, m)
		if err != nil {
			return guess{}, err
		}
		g.each[kindMember], g.total, g.gap = n, min(g.total, n), min(g.gap, n)
	}
	return g, nil
}

// everybody looks at all people, each by key: without its index a condition would read a whole table for each of them.
func (r searcher) everybody(ctx context.Context, m match) ([]int64, error) {
	if err := r.take(ctx, byKey); err != nil {
		return nil, err
	}
	var s statement
	ids, err := r.ids(ctx, `SELECT u.id FROM subscribers u WHERE `+joined(m.conditions(&s))+` ORDER BY u.id DESC`, s.args)
	return ids, err
}

// walk goes through people, or those of the list, from an id on in the order of the page until it is full.
func (r searcher) walk(ctx context.Context, m match, q page.Query, from int64) ([]int64, error) {
	if err := r.take(ctx, byKey); err != nil {
		return nil, err
	}
	var s statement
	than, order := direction(q)
	limit := q.Size() + 1
	switch rest := m.conditions(&s, kindMember); {
	case m.listID != 0:
		sql := `SELECT s.subscriber_id FROM subscriptions s`
		if len(rest) > 0 {
			sql += `, LATERAL (SELECT ` + personColumns + ` FROM subscribers WHERE id = s.subscriber_id OFFSET 0) u`
		}
		return r.ids(ctx, fmt.Sprintf(`%s WHERE s.list_id = %s%s AND s.subscriber_id %s %s AND %s ORDER BY s.subscriber_id %s LIMIT %d`,
			sql, s.arg(m.listID), m.statusSQL(), than, s.arg(from), joined(rest), order, limit), s.args)
	case m.status != "" && len(rest) == 0:
		// Of each list as many as one page has: the page is among them.
		return r.ids(ctx, fmt.Sprintf(`SELECT DISTINCT n.id FROM lists l, LATERAL (
			SELECT s.subscriber_id AS id FROM subscriptions s WHERE s.list_id = l.id%s AND s.subscriber_id %s %s ORDER BY s.subscriber_id %s LIMIT %d) n
			ORDER BY n.id %s LIMIT %d`, m.statusSQL(), than, s.arg(from), order, limit, order, limit), s.args)
	}
	s.args = nil
	return r.ids(ctx, fmt.Sprintf(`SELECT u.id FROM subscribers u WHERE u.id %s %s AND %s ORDER BY u.id %s LIMIT %d`,
		than, s.arg(from), joined(m.conditions(&s)), order, limit), s.args)
}

// direction gives how ids compare to where a page begins, and their order.
func direction(q page.Query) (than, order string) {
	if q.Back() {
		return ">", "ASC"
	}
	return "<", "DESC"
}

// byIndex takes everybody who meets the rarest condition out of its index and keeps those who meet the others too. all is false when these are more than limit, or
// no index finds them.
func (r searcher) byIndex(ctx context.Context, m match, g guess, limit int64) (ids []int64, all bool, err error) {
	var s statement
	rarest, n := condition{}, 0
	for _, c := range m.conditions(&s) {
		if c.kind == kindSegment {
			continue
		}
		n++
		if rarest.sql == "" || g.each[c.kind] < g.each[rarest.kind] {
			rarest = c
		}
	}
	if n == 0 || g.each[rarest.kind] >= limit {
		return nil, false, nil
	}
	ids, complete, err := r.source(ctx, m, rarest.kind, limit)
	if err != nil || !complete {
		return nil, false, err
	}
	ids = newestFirst(ids)
	// What the index gave meets its condition already; only suppressed people are looked at again.
	if rarest.kind != kindSuppressed {
		ids, err = r.keep(ctx, m, ids, rarest.kind)
	} else {
		ids, err = r.keep(ctx, m, ids)
	}
	return ids, true, err
}

// keep gives those of people who meet the conditions without those of some kinds, newest first.
func (r searcher) keep(ctx context.Context, m match, ids []int64, without ...kind) ([]int64, error) {
	var s statement
	list := s.arg(ids)
	rest := m.conditions(&s, without...)
	if len(rest) == 0 {
		return ids, nil
	}
	if err := r.take(ctx, byKey); err != nil {
		return nil, err
	}
	ids, err := r.ids(ctx, `SELECT u.id FROM unnest(`+list+`::bigint[]) AS c (id), LATERAL (SELECT `+personColumns+` FROM subscribers WHERE id = c.id OFFSET 0) u
		WHERE `+joined(rest), s.args)
	return newestFirst(ids), err
}

// source gives the people who meet one condition, in any order, some of them twice. complete is false when they are more than limit.
func (r searcher) source(ctx context.Context, m match, k kind, limit int64) (ids []int64, complete bool, err error) {
	var (
		s   statement
		out = gathering{searcher: r, limit: limit}
	)
	switch k {
	case kindText:
		how := byBitmap
		if !m.trigrams {
			how = wholeTable
		}
		// Whoever was imported a moment ago is not in the index yet, but in its backlog. Both are of one snapshot.
		out.add(ctx, how, `SELECT t.subscriber_id FROM subscriber_search t WHERE `+m.like(&s, "t.text"), s)
		s = statement{}
		out.add(ctx, byKey, `SELECT u.id FROM subscriber_search_backlog b, LATERAL (
			SELECT id, email_key, name FROM subscribers WHERE id BETWEEN b.first_id AND b.last_id OFFSET 0) u WHERE `+m.like(&s, textSQL), s)
	case kindField:
		out.add(ctx, byBitmap, `SELECT u.id FROM subscribers u WHERE `+m.holds(&s), s)
	case kindMember:
		if m.listID != 0 {
			out.add(ctx, byKey, `SELECT s.subscriber_id FROM subscriptions s WHERE s.list_id = `+s.arg(m.listID)+m.statusSQL(), s)
		} else {
			out.add(ctx, byKey, `SELECT n.id FROM lists l, LATERAL (SELECT s.subscriber_id AS id FROM subscriptions s WHERE s.list_id = l.id`+m.statusSQL()+` OFFSET 0) n`, s)
		}
	case kindSuppressed:
		r.suppressedPeople(ctx, &out)
	}
	return out.ids, !out.over && int64(len(out.ids)) <= limit, out.err
}

// suppressedPeople finds people from the side of the suppressions, who are to be looked at again. A suppressed domain finds its people as a search does. When there are more
// suppressions than the limit, most of them not of anybody here, the people come from the last count, with all that was added since.
func (r searcher) suppressedPeople(ctx context.Context, out *gathering) {
	var all, domains int64
	err := r.db.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE email_key LIKE '@%') FROM (SELECT email_key FROM suppressions LIMIT $1) x`, r.limits.few+1).Scan(&all, &domains)
	if err != nil {
		out.stop(err)
		return
	}
	if all > r.limits.few {
		r.countedPeople(ctx, out)
		return
	}
	out.add(ctx, byKey, `SELECT u.id FROM suppressions x, LATERAL (SELECT id FROM subscribers WHERE email_key = x.email_key OFFSET 0) u`, statement{})
	if domains == 0 {
		return
	}
	out.add(ctx, byBitmap, `SELECT t.subscriber_id FROM (SELECT email_key FROM suppressions WHERE email_key LIKE '@%' OFFSET 0) x,
		LATERAL (SELECT subscriber_id FROM subscriber_search WHERE text LIKE '%' || x.email_key || ' %' OFFSET 0) t`, statement{})
	out.add(ctx, byKey, `SELECT u.id FROM subscriber_search_backlog b, LATERAL (SELECT id, email_key FROM subscribers WHERE id BETWEEN b.first_id AND b.last_id OFFSET 0) u
		WHERE `+suppressedSQL, statement{})
}

// countedPeople finds the suppressed people of the last count, and those whose suppression or who themselves are newer.
func (r searcher) countedPeople(ctx context.Context, out *gathering) {
	if r.newlySuppressed(ctx, out); out.over || out.err != nil {
		return
	}
	out.add(ctx, byKey, `SELECT subscriber_id FROM suppressed_people`, statement{})
}

// newlySuppressed finds people of whom the last count may not know that they are suppressed. They are too many when there was no count, or much came since.
func (r searcher) newlySuppressed(ctx context.Context, out *gathering) {
	last, counted, err := lastSuppressedCount(ctx, r.db)
	if err != nil || !counted {
		out.stop(err)
		return
	}
	var (
		since  = last.At.Add(-lateSuppression)
		people int64
		domain bool
	)
	err = r.db.QueryRow(ctx, `SELECT (SELECT count(*) FROM (SELECT FROM subscribers WHERE id > $1 LIMIT $2) newer),
		EXISTS (SELECT FROM suppressions WHERE created_at > $3 AND email_key LIKE '@%')`, last.LastID, r.limits.late+1, since).Scan(&people, &domain)
	if err != nil || people > r.limits.late || domain {
		out.stop(err)
		return
	}
	var s statement
	out.add(ctx, byKey, `SELECT u.id FROM suppressions x, LATERAL (SELECT id FROM subscribers WHERE email_key = x.email_key OFFSET 0) u WHERE x.created_at > `+s.arg(since), s)
	s = statement{}
	out.add(ctx, byKey, `SELECT u.id FROM subscribers u WHERE u.id > `+s.arg(last.LastID)+` AND `+suppressedSQL, s)
}

// walkSuppressed is walk among those whom the last count found suppressed, and whoever came since. ok is false when that is not known or too much.
func (r searcher) walkSuppressed(ctx context.Context, m match, q page.Query, from int64) (ids []int64, ok bool, err error) {
	newer := gathering{searcher: r, limit: r.limits.late}
	if r.newlySuppressed(ctx, &newer); newer.err != nil || newer.over || int64(len(newer.ids)) > newer.limit {
		return nil, false, newer.err
	}
	if err := r.take(ctx, byKey); err != nil {
		return nil, false, err
	}
	than, order := direction(q)
	for _, source := range []string{`suppressed_people`, `unnest({newer}::bigint[]) AS n (subscriber_id)`} {
		var s statement
		people := source
		if before, after, found := strings.Cut(source, "{newer}"); found {
			people = before + s.arg(newestFirst(newer.ids)) + after
		}
		found, err := r.ids(ctx, fmt.Sprintf(`SELECT u.id FROM (SELECT subscriber_id FROM %s WHERE subscriber_id %s %s ORDER BY subscriber_id %s) p,
			LATERAL (SELECT `+personColumns+` FROM subscribers WHERE id = p.subscriber_id OFFSET 0) u
			WHERE %s ORDER BY p.subscriber_id %s LIMIT %d`, people, than, s.arg(from), order, joined(m.conditions(&s)), order, q.Size()+1), s.args)
		if err != nil {
			return nil, false, err
		}
		ids = append(ids, found...)
	}
	return pageOf(newestFirst(ids), q, from), true, nil
}

// gathering collects ids from several statements, at most one more than the limit.
type gathering struct {
	searcher
	limit int64
	ids   []int64
	err   error
	over  bool // there are more
}

func (g *gathering) stop(err error) { g.over, g.err = true, err }

func (g *gathering) add(ctx context.Context, how way, sql string, s statement) {
	left := g.limit + 1 - int64(len(g.ids))
	if g.err != nil || left <= 0 {
		return
	}
	if g.err = g.take(ctx, how); g.err != nil {
		return
	}
	ids, err := g.searcher.ids(ctx, fmt.Sprintf("%s LIMIT %d", sql, left), s.args)
	g.ids, g.err = append(g.ids, ids...), err
}

func (r searcher) ids(ctx context.Context, sql string, args []any) ([]int64, error) {
	rows, err := r.db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int64])
}

// newestFirst sorts ids and leaves none twice.
func newestFirst(ids []int64) []int64 {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	slices.Reverse(ids)
	return ids
}
