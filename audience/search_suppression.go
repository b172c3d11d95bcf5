package audience

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/page"
	"postrider/internal/pg"
)

// suppressionPlace is where a suppression stands in the list.
type suppressionPlace struct {
	at  time.Time
	key string
}

// ListSuppressions gives the suppressed addresses and domains, newest first.
func (s *Service) ListSuppressions(ctx context.Context, f SuppressionFilter, q page.Query) (page.Page[Suppression], error) {
	var none page.Page[Suppression]
	like, err := likePattern(f.Search)
	if err != nil {
		return none, err
	}
	if f.Reason != "" {
		if err := checkReason(f.Reason); err != nil {
			return none, err
		}
	}
	cursor, err := q.From()
	if err != nil {
		return none, err
	}
	var from *suppressionPlace
	if cursor != "" {
		from = &suppressionPlace{}
		if err := page.Decode(cursor, &from.at, &from.key); err != nil {
			return none, err
		}
	}
	var rows []Suppression
	err = pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		r := suppressionSearch{searcher{db: tx, limits: s.limits}, f, like, q, from}
		rows, err = r.find(ctx, hasTrigram(f.Search))
		return err
	})
	if err != nil {
		return none, fmt.Errorf("looking for suppressions: %w", err)
	}
	return page.CutBoth(rows, q, func(x Suppression) string { return page.Encode(x.CreatedAt, x.Email) }), nil
}

// suppressionSearch looks for suppressions as searcher does for people: those with a rare text come from the trigram index, and for the rest the list is gone through.
type suppressionSearch struct {
	searcher
	want SuppressionFilter
	like string
	q    page.Query
	from *suppressionPlace
}

func (r suppressionSearch) find(ctx context.Context, trigrams bool) ([]Suppression, error) {
	if r.like != "%%" && trigrams {
		if rows, ok, err := r.byIndex(ctx); ok || err != nil {
			return rows, err
		}
	}
	return r.walk(ctx)
}

// order is ORDER BY and LIMIT of the page, in the direction that is read.
func (r suppressionSearch) order() string {
	if r.q.Back() {
		return fmt.Sprintf("ORDER BY created_at, email_key DESC LIMIT %d", r.q.Size()+1)
	}
	return fmt.Sprintf("ORDER BY created_at DESC, email_key LIMIT %d", r.q.Size()+1)
}

// stretches are conditions for the rows beyond the cursor, each a stretch of the index by time and address; thousands may be of one time.
func (r suppressionSearch) stretches(s *statement) []string {
	if r.from == nil {
		return []string{"true"}
	}
	at, key := s.arg(r.from.at), s.arg(r.from.key)
	if r.q.Back() {
		return []string{"created_at = " + at + " AND email_key < " + key, "created_at > " + at}
	}
	return []string{"created_at = " + at + " AND email_key > " + key, "created_at < " + at}
}

// filter is the rest of the conditions, each with AND in front.
func (r suppressionSearch) filter(s *statement) string {
	var sql string
	if r.want.Reason != "" {
		sql += " AND reason = " + s.arg(r.want.Reason)
	}
	if r.want.Domains {
		sql += " AND email_key LIKE '@%'"
	}
	return sql
}

// byIndex sorts what the trigram index gives. ok is false when that is too much.
func (r suppressionSearch) byIndex(ctx context.Context) (found []Suppression, ok bool, err error) {
	if err := r.take(ctx, byBitmap); err != nil {
		return nil, false, err
	}
	var s statement
	sql := `WITH found AS MATERIALIZED (SELECT email_key, reason, source, detail, created_at FROM suppressions WHERE email_key LIKE ` + s.arg(r.like) + r.filter(&s) + fmt.Sprintf(` LIMIT %d)
		SELECT n.n, p.email_key, p.reason, p.source, p.detail, p.created_at FROM (SELECT count(*) AS n FROM found) n LEFT JOIN LATERAL (
			SELECT email_key, reason, source, detail, created_at FROM found WHERE `, r.limits.few+1)
	for i, stretch := range r.stretches(&s) {
		if i > 0 {
			sql += ` OR `
		}
		sql += `(` + stretch + `)`
	}
	rows, err := r.db.Query(ctx, sql+` `+r.order()+`) p ON true`, s.args...)
	if err != nil {
		return nil, false, err
	}
	var (
		n                           int64
		email, reason, origin, text *string
		at                          *time.Time
	)
	_, err = pgx.ForEachRow(rows, []any{&n, &email, &reason, &origin, &text, &at}, func() error {
		if email != nil {
			found = append(found, Suppression{Email: *email, Reason: *reason, Source: *origin, Detail: *text, CreatedAt: *at})
		}
		return nil
	})
	return found, n <= r.limits.few, err
}

// walk goes through the list from the cursor until the page is full.
func (r suppressionSearch) walk(ctx context.Context) ([]Suppression, error) {
	if err := r.take(ctx, byKey); err != nil {
		return nil, err
	}
	var (
		s     statement
		parts []string
		like  string
	)
	if r.like != "%%" {
		like = " AND email_key LIKE " + s.arg(r.like)
	}
	like += r.filter(&s)
	for _, stretch := range r.stretches(&s) {
		parts = append(parts, `(SELECT email_key, reason, source, detail, created_at FROM suppressions WHERE `+stretch+like+` `+r.order()+`)`)
	}
	return pg.Many[Suppression](ctx, r.db, "suppressions",
		`SELECT email_key AS email, reason, source, detail, created_at FROM (`+strings.Join(parts, ` UNION ALL `)+`) page `+r.order(), s.args...)
}
