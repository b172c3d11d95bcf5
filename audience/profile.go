package audience

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Profile is what those whom a mailing would reach are like, as far as it matters for the mail.
type Profile struct {
	Mailable int64
	Exact    bool // false: estimated from a sample, because counting would have taken too long
	Gaps     []Gap
	Domains  []DomainCount // of their addresses, the largest first
	// Aliases is how many of them have an address with a tag (name+tag@) whose other form is on the lists too.
	Aliases int64
}

// Gap is a field and how many of the people have no value in it. People are at most two of them.
type Gap struct {
	Field   string
	Missing int64
	People  []Person
}

// Person names somebody.
type Person struct {
	ID    int64
	Email string
}

// DomainCount is how many of the people have an address of a domain.
type DomainCount struct {
	Domain string
	People int64
}

const (
	mostGaps    = 40 // fields that are looked at
	mostDomains = 30
)

// ProfileChoice describes those whom a mailing to a choice of people would reach now. fields are named as templates.Compiled.Fields names them. campaignID is the campaign
// itself, 0 for none.
func (s *Service) ProfileChoice(ctx context.Context, c Choice, campaignID int64, fields []string) (Profile, error) {
	sel, err := Select(ctx, s.pool, c, s.clock())
	if err != nil {
		return Profile{}, err
	}
	others, err := CappingCampaigns(ctx, s.pool, sel, campaignID)
	if err != nil {
		return Profile{}, err
	}
	fields = slices.DeleteFunc(slices.Clone(fields), func(f string) bool { return f == "id" || f == "email" || f == "attributes" })
	fields = fields[:min(len(fields), mostGaps)]
	p, err := s.profile(ctx, sel, others, fields, s.budgets.lively, "", nil)
	if !outOfTime(err) {
		return p, err
	}
	ids, scale, err := s.selectionSample(ctx, sel, others)
	if err == nil {
		p, err = s.profile(ctx, sel, others, fields, s.budgets.estimate, "AND subscriber_id = ANY ($2::bigint[])", []any{ids})
	}
	if outOfTime(err) {
		return p, tooLongToCount()
	}
	p.scale(scale)
	return p, err
}

func (p *Profile) scale(by float64) {
	p.Exact = false
	counts := []*int64{&p.Mailable, &p.Aliases}
	for i := range p.Gaps {
		counts = append(counts, &p.Gaps[i].Missing)
	}
	for i := range p.Domains {
		counts = append(counts, &p.Domains[i].People)
	}
	for _, n := range counts {
		*n = int64(float64(*n) * by)
	}
}

// gapSQL says that a person has no value in a field; $n is the name of an attribute.
func gapSQL(field string, n int) (sql string, arg []any) {
	const noName = `btrim(coalesce(u.name, '')) = ''`
	switch field {
	case "name":
		return noName, nil
	case "first_name":
		return `(coalesce(u.attributes->>'first_name', '') = '' AND ` + noName + `)`, nil
	}
	return fmt.Sprintf(`btrim(coalesce(u.attributes->>$%d::text, '')) = ''`, n), []any{strings.TrimPrefix(field, "attributes.")}
}

// aliasSQL is asked of the few people with a tag in their address; the other form of it is looked up by key.
const aliasSQL = `CASE WHEN u.email_key LIKE '%+%@%' THEN (SELECT true FROM subscribers o JOIN subscriptions os ON os.subscriber_id = o.id
	WHERE o.email_key = regexp_replace(u.email_key, '\+[^@]*@', '@') AND os.list_id = ANY ($1::bigint[]) AND os.status = 'subscribed' LIMIT 1) END`

// profile counts among the people on the lists, of whom bounds may say more: SQL about subscriptions, whose parameters begin at $2.
func (s *Service) profile(ctx context.Context, sel Selection, others []int64, fields []string, budget time.Duration, bounds string, boundArgs []any) (Profile, error) {
	p := Profile{Exact: true, Gaps: []Gap{}, Domains: []DomainCount{}}
	sql, selArgs, err := sel.query(bounds, others, 2+len(boundArgs))
	if err != nil {
		return p, err
	}
	args := slices.Concat([]any{sel.ListIDs}, boundArgs, selArgs)
	from := ` FROM (` + sql + `) a JOIN subscribers u ON u.id = a.subscriber_id WHERE a.verdict = 'mail'`
	columns := `count(*), count(*) FILTER (WHERE ` + aliasSQL + `)`
	counted := slices.Clone(args)
	p.Gaps = make([]Gap, len(fields))
	firsts, lasts := make([]*int64, len(fields)), make([]*int64, len(fields))
	dest := []any{&p.Mailable, &p.Aliases}
	for i, f := range fields {
		cond, arg := gapSQL(f, len(counted)+1)
		counted = append(counted, arg...)
		columns += fmt.Sprintf(`, count(*) FILTER (WHERE %[1]s), min(u.id) FILTER (WHERE %[1]s), max(u.id) FILTER (WHERE %[1]s)`, cond)
		p.Gaps[i].Field = f
		dest = append(dest, &p.Gaps[i].Missing, &firsts[i], &lasts[i])
	}
	err = s.within(ctx, budget, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT `+columns+from, counted...).Scan(dest...); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT substr(u.email_key, strpos(u.email_key, '@') + 1) AS domain, count(*) AS people`+from+
			fmt.Sprintf(` GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %d`, mostDomains), args...)
		if err != nil {
			return err
		}
		if p.Domains, err = pgx.CollectRows(rows, pgx.RowToStructByPos[DomainCount]); err != nil {
			return err
		}
		return namePeople(ctx, tx, p.Gaps, firsts, lasts)
	})
	if err != nil {
		return p, fmt.Errorf("describing an audience: %w", err)
	}
	return p, nil
}

// namePeople gives each gap its first and last person.
func namePeople(ctx context.Context, tx pgx.Tx, gaps []Gap, firsts, lasts []*int64) error {
	rows, err := tx.Query(ctx, `SELECT id, email FROM subscribers WHERE id = ANY ($1::bigint[]) ORDER BY id`, slices.Concat(firsts, lasts))
	if err != nil {
		return err
	}
	people, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Person])
	if err != nil {
		return err
	}
	for i := range gaps {
		gaps[i].People = []Person{}
		for _, p := range people {
			if firsts[i] != nil && (p.ID == *firsts[i] || p.ID == *lasts[i]) {
				gaps[i].People = append(gaps[i].People, p)
			}
		}
	}
	return nil
}
