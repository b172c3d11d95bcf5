package audience

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"postrider/audience/segment"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// countBudgets bound how long people are counted. Whoever builds a segment or an audience waits for each count: what no index answers within lively is estimated from a sample of
// the table's pages instead, which takes the same time however many people there are. Where everything is saved, saved is waited for. total is for everybody there is.
type countBudgets struct{ lively, saved, total, estimate time.Duration }

func defaultBudgets() countBudgets {
	return countBudgets{lively: 600 * time.Millisecond, saved: 5 * time.Second, total: 300 * time.Millisecond, estimate: 2 * time.Second}
}

const (
	// samplePages is how many pages of subscribers a sample has, with some thirty to sixty people each: of a million, half of whom are meant, it is about 1 % off.
	samplePages = 400
	// cheapConditions are as many as can be asked of everybody in a whole sample; with more it is smaller.
	cheapConditions = 4
)

// SegmentCount is how many people a definition means. When it is not Exact, the true number is between Low and High in 19 of 20 cases. Of is how many people there are, about where they are more
// than a hundred thousand.
type SegmentCount struct {
	Count, Low, High int64
	Exact            bool
	Of               int64
	Sentence         string
	At               time.Time
}

// CountSegment counts whom a definition means, within about a second.
func (s *Service) CountSegment(ctx context.Context, definition []byte) (SegmentCount, error) {
	n, err := segment.Parse(definition)
	if err != nil {
		return SegmentCount{}, err
	}
	return s.countNode(ctx, n)
}

func (s *Service) countNode(ctx context.Context, n segment.Node) (SegmentCount, error) {
	r, err := resolveSegment(ctx, s.pool, n, segment.Saved{}, 0)
	if err != nil {
		return SegmentCount{}, err
	}
	names, err := segmentNames(ctx, s.pool, n)
	if err != nil {
		return SegmentCount{}, err
	}
	r.context.At = s.clock()
	c, err := s.countResolved(ctx, r)
	c.Sentence, c.At = segment.Sentence(n, names), r.context.At
	return c, err
}

// CountSavedSegment is CountSegment for a saved segment, which remembers it.
func (s *Service) CountSavedSegment(ctx context.Context, id int64) (SegmentCount, error) {
	saved, err := s.GetSegment(ctx, id)
	if err != nil {
		return SegmentCount{}, err
	}
	n, err := segment.ParseStored(saved.Definition)
	if err != nil {
		return SegmentCount{}, fmt.Errorf("reading segment %d: %w", id, err)
	}
	c, err := s.countNode(ctx, n)
	if err != nil {
		return c, err
	}
	_, err = s.pool.Exec(ctx, `UPDATE segments SET last_count = $2, last_exact = $3, last_at = $4 WHERE id = $1 AND updated_at = $5`, id, c.Count, c.Exact, c.At, saved.UpdatedAt)
	if err != nil {
		return c, fmt.Errorf("remembering the count of segment %d: %w", id, err)
	}
	return c, nil
}

// resolveDefinition reads a definition that is not saved, as of now.
func (s *Service) resolveDefinition(ctx context.Context, definition []byte) (resolved, error) {
	n, err := segment.Parse(definition)
	if err != nil {
		return resolved{}, err
	}
	r, err := resolveSegment(ctx, s.pool, n, segment.Saved{}, 0)
	r.context.At = s.clock()
	return r, err
}

// ExplainSegment gives the names of the indexes and tables through which Postgres goes to count a definition, in order, for the benchmark and for whoever wonders.
func (s *Service) ExplainSegment(ctx context.Context, definition []byte) ([]string, error) {
	r, err := s.resolveDefinition(ctx, definition)
	if err != nil {
		return nil, err
	}
	q, err := segment.Compile(r.node, r.context, segment.BySet, 1)
	if err != nil {
		return nil, err
	}
	var e explained
	err = s.within(ctx, s.budgets.lively, func(tx pgx.Tx) error {
		e.DB = tx
		e.note(ctx, countSegmentSQL+q.SQL, q.Args)
		return e.err
	})
	return e.ways, err
}

// countSegmentSQL counts the people u for whom the condition behind it holds.
const countSegmentSQL = `SELECT count(*) FROM subscribers u WHERE `

func (s *Service) countResolved(ctx context.Context, r resolved) (SegmentCount, error) {
	q, err := segment.Compile(r.node, r.context, segment.BySet, 1)
	if err != nil {
		return SegmentCount{}, err
	}
	c := SegmentCount{Exact: true}
	err = s.within(ctx, s.budgets.lively, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, countSegmentSQL+q.SQL, q.Args...).Scan(&c.Count)
	})
	switch {
	case outOfTime(err):
		return s.estimateResolved(ctx, r)
	case err != nil:
		return c, fmt.Errorf("counting a segment: %w", err)
	}
	c.Low, c.High = c.Count, c.Count
	c.Of, err = s.peopleAbout(ctx)
	c.Of = max(c.Of, c.Count)
	return c, err
}

// within runs fn in a transaction that reads for a bounded time and is planned for its very parameters: how many people an id or a value stands for differs too much. One process reads:
// of a million people two or three are no faster (115 ms for a fifth of them, either way) and use up the processors of everybody else.
func (s *Service) within(ctx context.Context, budget time.Duration, fn func(tx pgx.Tx) error) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', $1, true), set_config('plan_cache_mode', 'force_custom_plan', true), set_config('jit', 'off', true),
			set_config('max_parallel_workers_per_gather', '0', true), set_config('transaction_read_only', 'on', true)`, fmt.Sprint(budget.Milliseconds()))
		if err != nil {
			return fmt.Errorf("setting a limit of time: %w", err)
		}
		return fn(tx)
	})
}

// outOfTime reports whether a statement was ended because it took too long.
func outOfTime(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == "57014"
}

// manyPeople is from when on it takes longer to count everybody than most segments.
const manyPeople = 100_000

// peopleAbout is how many there are, as the planner remembers it where they are many.
func (s *Service) peopleAbout(ctx context.Context) (n int64, err error) {
	if err := s.pool.QueryRow(ctx, rememberedPeople).Scan(&n); err != nil {
		return 0, fmt.Errorf("counting people: %w", err)
	}
	if n >= manyPeople {
		return n, nil
	}
	return s.people(ctx, n)
}

const rememberedPeople = `SELECT GREATEST(reltuples, 0)::bigint FROM pg_class WHERE oid = 'subscribers'::regclass`

// people is how many there are: counted, or about as many as the caller knows when that takes too long.
func (s *Service) people(ctx context.Context, about int64) (n int64, err error) {
	err = s.within(ctx, s.budgets.total, func(tx pgx.Tx) error { return tx.QueryRow(ctx, `SELECT count(*) FROM subscribers`).Scan(&n) })
	if outOfTime(err) {
		return about, nil
	}
	if err != nil {
		return 0, fmt.Errorf("counting people: %w", err)
	}
	return n, nil
}

// sampleShare is the share in percent of the table's pages that a sample has, for a number of conditions to ask of each person.
func (s *Service) sampleShare(ctx context.Context, conditions int) (percent, share float64, err error) {
	var pages int64
	if err := s.pool.QueryRow(ctx, `SELECT pg_relation_size('subscribers') / current_setting('block_size')::bigint`).Scan(&pages); err != nil {
		return 0, 0, fmt.Errorf("measuring subscribers: %w", err)
	}
	want := float64(samplePages)
	if conditions > cheapConditions {
		want = want * cheapConditions / float64(conditions)
	}
	share = min(1, want/float64(max(pages, 1)))
	return share * 100, share, nil
}

// estimateResolved counts on random pages. People on a page came together and are alike, so the error is that of pages and not of people (a ratio estimate of a cluster
// sample: Cochran, Sampling Techniques, §9A.1).
func (s *Service) estimateResolved(ctx context.Context, r resolved) (SegmentCount, error) {
	q, err := segment.Compile(r.node, r.context, segment.ByKey, 2)
	if err != nil {
		return SegmentCount{}, err
	}
	percent, share, err := s.sampleShare(ctx, len(r.node.Conditions()))
	if err != nil {
		return SegmentCount{}, err
	}
	type pageCount struct{ Met, Of float64 }
	var pages []pageCount
	err = s.within(ctx, s.budgets.estimate, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT count(*) FILTER (WHERE `+q.SQL+`)::float8 AS met, count(*)::float8 AS of
			FROM subscribers u TABLESAMPLE SYSTEM ($1::real) GROUP BY (u.ctid::text::point)[0]`, append([]any{percent}, q.Args...)...)
		if err != nil {
			return err
		}
		pages, err = pgx.CollectRows(rows, pgx.RowToStructByPos[pageCount])
		return err
	})
	if outOfTime(err) {
		return SegmentCount{}, errs.New(errs.Unavailable, "this takes too long to count, even a part of it; make the definition simpler")
	}
	if err != nil {
		return SegmentCount{}, fmt.Errorf("estimating a segment: %w", err)
	}
	var met, of, squares float64
	for _, p := range pages {
		met, of = met+p.Met, of+p.Of
	}
	var c SegmentCount
	if c.Of, err = s.people(ctx, int64(of/share)); err != nil {
		return c, err
	}
	if of == 0 {
		c.High = c.Of
		return c, nil
	}
	ratio, n := met/of, float64(len(pages))
	for _, p := range pages {
		d := p.Met - ratio*p.Of
		squares += d * d
	}
	spread := 1.96 * math.Sqrt((1-share)*squares/max(n-1, 1)/n) / (of / n)
	if met == 0 || met == of {
		spread = 3 / of // "rule of three": what was not seen once
	}
	total := float64(c.Of)
	c.Count = int64(math.Round(ratio * total))
	c.Low, c.High = int64(math.Max(met, math.Floor((ratio-spread)*total))), int64(math.Min(total, math.Ceil((ratio+spread)*total)))
	return c, nil
}

// maxSegmentSample is how many people a sample shows at most.
const maxSegmentSample = 50

// SampleSegment gives some of the people whom a definition means, at random where there are many.
func (s *Service) SampleSegment(ctx context.Context, definition []byte, limit int) ([]Subscriber, error) {
	r, err := s.resolveDefinition(ctx, definition)
	if err != nil {
		return nil, err
	}
	ids, err := s.sampleResolved(ctx, r, max(1, min(limit, maxSegmentSample)))
	if err != nil {
		return nil, err
	}
	return loadSubscribers(ctx, s.pool, ids)
}

// sampleResolved looks at random pages first: whoever is common is there. Who is not is found by the indexes.
func (s *Service) sampleResolved(ctx context.Context, r resolved, limit int) ([]int64, error) {
	percent, share, err := s.sampleShare(ctx, len(r.node.Conditions()))
	if err != nil {
		return nil, err
	}
	byKey, err := segment.Compile(r.node, r.context, segment.ByKey, 3)
	if err != nil {
		return nil, err
	}
	ids, err := s.sampledIDs(ctx, s.budgets.estimate, `SELECT u.id FROM subscribers u TABLESAMPLE SYSTEM ($1::real) WHERE `+byKey.SQL+` LIMIT $2`, append([]any{percent, limit}, byKey.Args...))
	if err != nil && !outOfTime(err) {
		return nil, err
	}
	if len(ids) == limit || share == 1 {
		return ids, nil
	}
	found, err := s.indexedIDs(ctx, r, int64(limit))
	if err != nil && !outOfTime(err) {
		return nil, err
	}
	if len(found) < len(ids) {
		return ids, nil
	}
	return found, nil
}

// indexedIDs gives people of a definition whom the indexes find, up to a limit.
func (s *Service) indexedIDs(ctx context.Context, r resolved, limit int64) ([]int64, error) {
	q, err := segment.Compile(r.node, r.context, segment.BySet, 2)
	if err != nil {
		return nil, err
	}
	// Without the fence the planner would look at everybody in the hope of meeting some soon.
	return s.sampledIDs(ctx, s.budgets.lively, `SELECT id FROM (SELECT u.id FROM subscribers u WHERE `+q.SQL+` OFFSET 0) f LIMIT $1`, append([]any{limit}, q.Args...))
}

// sampledIDs gives the people whom a query finds in a time.
func (s *Service) sampledIDs(ctx context.Context, budget time.Duration, sql string, args []any) (ids []int64, err error) {
	err = s.within(ctx, budget, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for people of a segment: %w", err)
	}
	return ids, nil
}
