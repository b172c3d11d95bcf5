package audience

import (
	"context"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
)

// MissingField is a field that some of the people whom a mailing would reach have no value in.
type MissingField struct {
	Field string
	Count int64
	// Exact is false when counting would have taken too long: Count is then an estimate from a sample.
	Exact    bool
	Examples []Person
}

// Person names somebody.
type Person struct {
	ID    int64
	Email string
}

const mostMissingFields = 100

// missingSQL tells whether a person s lacks the field f.name, as a template sees it.
const missingSQL = `CASE f.name
	WHEN 'id' THEN false WHEN 'email' THEN false WHEN 'attributes' THEN false
	WHEN 'name' THEN btrim(COALESCE(s.name, '')) = ''
	WHEN 'first_name' THEN btrim(COALESCE(s.name, '')) = '' AND COALESCE(s.attributes->>'first_name', '') = ''
	ELSE COALESCE(s.attributes->>(CASE WHEN f.name LIKE 'attributes.%' THEN substr(f.name, 12) ELSE f.name END), '') = '' END`

// CountMissing counts, for each field as a template names it, how many of those whom a mailing to a choice would reach now have no value in it, with some of them. campaignID is as in
// CountChoice. Fields that nobody lacks come with 0.
func (s *Service) CountMissing(ctx context.Context, c Choice, campaignID int64, fields []string) ([]MissingField, error) {
	fields = slices.Compact(slices.Sorted(slices.Values(fields)))
	fields = fields[:min(len(fields), mostMissingFields)]
	if len(fields) == 0 {
		return []MissingField{}, nil
	}
	sel, err := Select(ctx, s.pool, c, s.clock())
	if err != nil {
		return nil, err
	}
	others, err := CappingCampaigns(ctx, s.pool, sel, campaignID)
	if err != nil {
		return nil, err
	}
	out, err := s.countMissing(ctx, sel, others, fields, "", nil, 1)
	if !outOfTime(err) {
		return out, err
	}
	percent, share, err := s.sampleShare(ctx, 2+len(others))
	if err != nil {
		return nil, err
	}
	ids, err := s.sampledIDs(ctx, s.budgets.estimate, `SELECT id FROM subscribers TABLESAMPLE SYSTEM ($1::real)`, []any{percent})
	if err == nil {
		out, err = s.countMissing(ctx, sel, others, fields, "AND subscriber_id = ANY ($2::bigint[])", []any{ids}, 1/share)
	}
	if outOfTime(err) {
		return nil, errs.New(errs.Unavailable, "this audience takes too long to look through, even a part of it; make its segments simpler")
	}
	return out, err
}

// countMissing counts among the people within bounds and multiplies.
func (s *Service) countMissing(ctx context.Context, sel Selection, others []int64, fields []string, bounds string, boundArgs []any, scale float64) ([]MissingField, error) {
	sql, args, err := sel.query(bounds, others, 3+len(boundArgs))
	if err != nil {
		return nil, err
	}
	n := len(boundArgs) + 2
	all := slices.Concat([]any{sel.ListIDs}, boundArgs, []any{fields}, args)
	out := make([]MissingField, len(fields))
	err = s.within(ctx, s.budgets.saved, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT n, count(*), array_agg(id ORDER BY id) FILTER (WHERE nth <= 5), array_agg(email ORDER BY id) FILTER (WHERE nth <= 5)
			FROM (SELECT f.n, s.id, s.email, row_number() OVER (PARTITION BY f.n ORDER BY s.id) AS nth FROM (`+sql+`) a
				JOIN subscribers s ON s.id = a.subscriber_id CROSS JOIN unnest($`+strconv.Itoa(n)+`::text[]) WITH ORDINALITY AS f (name, n)
				WHERE a.verdict = 'mail' AND `+missingSQL+`) missing GROUP BY n`, all...)
		if err != nil {
			return err
		}
		var (
			nth, count int64
			ids        []int64
			emails     []string
		)
		_, err = pgx.ForEachRow(rows, []any{&nth, &count, &ids, &emails}, func() error {
			f := &out[nth-1]
			f.Count = int64(float64(count) * scale)
			for i := range ids {
				f.Examples = append(f.Examples, Person{ids[i], emails[i]})
			}
			return nil
		})
		return err
	})
	for i, name := range fields {
		out[i].Field, out[i].Exact = name, scale == 1
	}
	return out, err
}
