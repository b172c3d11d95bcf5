package audience

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// exactTotal is how far totals are always exact; beyond it they are an estimate where an exact one would have to be counted.
const exactTotal = 10_000

// searchLimits are the numbers by which a search chooses its way. Tests make them small.
type searchLimits struct {
	small  int64 // pages of the table of people up to which all of them are looked at
	sample int64 // pages looked at for an estimate
	few    int64 // people that an index may give; when more are found, people are gone through in the order of the page
	most   int64 // what the people may cost that an index gives when going through people would take longer, see costRow
	live   int64 // suppressions up to which their people are counted and looked up each time
	late   int64 // people who were added since the last count of suppressed people and may be gone through
	part   int64 // people who come into the search index in one transaction
}

// A search among a million people stays under 200 ms with these (docs/performance.md). 20,000 people from an index and their other conditions are 60 ms; when more than that meet the conditions,
// a page of 50 is full after 2,500 of a million on average.
func defaultLimits() searchLimits {
	return searchLimits{small: 512, sample: 128, few: 20_000, most: 400_000, live: countLive, late: 20_000, part: indexPart}
}

// ListSubscribers gives the people that the filter finds, newest first. Total is exact up to 10,000, and wherever it is kept; else an estimate of three digits.
func (s *Service) ListSubscribers(ctx context.Context, f SubscriberFilter, q page.Query) (page.Page[Subscriber], error) {
	return s.search(ctx, f, q, nil)
}

// ExplainSubscribers runs ListSubscribers and gives the names of the indexes and tables through which Postgres went for it, in order, for the benchmark and for whoever wonders.
func (s *Service) ExplainSubscribers(ctx context.Context, f SubscriberFilter, q page.Query) ([]string, error) {
	var e explained
	_, err := s.search(ctx, f, q, &e)
	return e.ways, err
}

func (s *Service) search(ctx context.Context, f SubscriberFilter, q page.Query, e *explained) (page.Page[Subscriber], error) {
	var p page.Page[Subscriber]
	var in *filterSegment
	if f.SegmentID != 0 {
		var err error
		if in, err = s.filterSegment(ctx, f.SegmentID); err != nil {
			return p, err
		}
	}
	// One snapshot, so that page and total are of the same moment.
	err := pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var db pg.DB = tx
		if e != nil {
			e.DB, db = tx, e
		}
		var err error
		if in != nil {
			if _, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', $1, true)`, fmt.Sprint(s.budgets.estimate.Milliseconds())); err != nil {
				return fmt.Errorf("setting a limit of time: %w", err)
			}
		}
		p, err = searcher{db: db, limits: s.limits, segment: in}.find(ctx, f, q)
		return err
	})
	if outOfTime(err) {
		return p, errs.New(errs.Unavailable, "it takes too long to find people of this segment: make it simpler, or look for fewer with it")
	}
	return p, err
}

// searcher looks for people in one transaction.
//
// The planner is not asked which way to go: it cannot know how many people have "gmail" in their address, takes a table that was filled a moment ago for empty, and then reads a
// million rows for a page of 50. A sample of the table says how many meet each condition. When many meet all of them, the newest people are gone through one after another until
// the page is full. When few do, they come from the index of the rarest condition, are looked at one by one, and the total is exact. Settings hold the planner to that.
type searcher struct {
	db      pg.DB
	limits  searchLimits
	segment *filterSegment // of the filter
}

// found is one page of ids, or all there are, newest first.
type found struct {
	ids   []int64
	all   bool // ids are all that there are, not one page read from q.From
	total int64
	exact bool
}

func (r searcher) find(ctx context.Context, f SubscriberFilter, q page.Query) (page.Page[Subscriber], error) {
	var none page.Page[Subscriber]
	from, err := fromID(q)
	if err != nil {
		return none, err
	}
	m, err := f.match(ctx, r.db)
	if err != nil {
		return none, err
	}
	m.segment = r.segment
	got, err := r.choose(ctx, m, q, from)
	if err != nil {
		return none, fmt.Errorf("looking for subscribers: %w", err)
	}
	if got.all {
		got.ids = pageOf(got.ids, q, from)
	}
	p := page.CutBoth(got.ids, q, func(id int64) string { return page.Encode(id) })
	people := []Subscriber{}
	if len(p.Items) > 0 {
		if err := r.take(ctx, byKey); err != nil {
			return none, err
		}
		if people, err = loadSubscribers(ctx, r.db, p.Items); err != nil {
			return none, err
		}
	}
	return page.Page[Subscriber]{Items: people, NextCursor: p.NextCursor, PrevCursor: p.PrevCursor, Total: &got.total, TotalExact: got.exact}, nil
}

// fromID is the id to read from, beyond all ids for an end of the list.
func fromID(q page.Query) (int64, error) {
	cursor, err := q.From()
	if err != nil {
		return 0, err
	}
	id := int64(math.MaxInt64)
	if q.Back() {
		id = 0
	}
	if cursor != "" {
		err = page.Decode(cursor, &id)
	}
	return id, err
}

// pageOf takes a page, and one more, out of all ids, newest first, in the direction that is read.
func pageOf(ids []int64, q page.Query, from int64) []int64 {
	ids = slices.Clone(ids)
	if q.Back() {
		slices.Reverse(ids)
	}
	ids = slices.DeleteFunc(ids, func(id int64) bool { return q.Back() && id <= from || !q.Back() && id >= from })
	return ids[:min(len(ids), q.Size()+1)]
}

// choose finds a page the way that is fast.
func (r searcher) choose(ctx context.Context, m match, q page.Query, from int64) (found, error) {
	if total, known, err := r.keptTotal(ctx, m); err != nil || known {
		if err != nil {
			return found{}, err
		}
		ids, err := r.walk(ctx, m, q, from)
		return found{ids: ids, total: total, exact: true}, err
	}
	if m.segment != nil && m.segment.all {
		// They are of a moment ago, so all conditions are asked again.
		ids, err := r.keep(ctx, m, m.segment.ids)
		return found{ids: ids, all: true, total: int64(len(ids)), exact: true}, err
	}
	g, err := r.estimate(ctx, m, q, from)
	if err != nil {
		return found{}, err
	}
	if g.everybody {
		ids, err := r.everybody(ctx, m)
		return found{ids: ids, all: true, total: int64(len(ids)), exact: true}, err
	}
	if limit := r.worth(m, g); limit > 0 {
		ids, all, err := r.byIndex(ctx, m, g, limit)
		if err != nil || all {
			return found{ids: ids, all: all, total: int64(len(ids)), exact: true}, err
		}
	}
	ids, err := r.page(ctx, m, q, from)
	if err != nil {
		return found{}, err
	}
	if q.Cursor == "" && q.Before == "" && len(ids) <= q.Size() {
		return found{ids: ids, total: int64(len(ids)), exact: true}, nil
	}
	return found{ids: ids, total: threeDigits(max(g.total, int64(len(ids))))}, nil
}

// page reads one page by going through people one after another.
func (r searcher) page(ctx context.Context, m match, q page.Query, from int64) ([]int64, error) {
	if m.suppressed {
		if ids, ok, err := r.walkSuppressed(ctx, m, q, from); ok || err != nil {
			return ids, err
		}
	}
	return r.walk(ctx, m, q, from)
}

// What it costs to look at one person, in units of 0.4 µs: in a row of people that goes by, when something is looked up for each, when an index gives them, and when that is not all
// that has to be met.
const (
	costRow    = 1
	costLookUp = 6
	costIndex  = 2
	costOthers = 10
)

// worth gives how many people may be taken out of the index of the rarest condition, because they are few, or because going through people up to the next one who is found would take
// longer; 0 means that it would not.
func (r searcher) worth(m match, g guess) int64 {
	rarest, large := int64(math.MaxInt64), int64(math.MaxInt64)
	for kind, n := range g.each {
		rarest = min(rarest, n)
		if kind != kindSuppressed { // all of whom are looked at again, while the last count has them in order
			large = min(large, n)
		}
	}
	if g.total < r.limits.few && rarest < r.limits.few {
		return r.limits.few
	}
	row, index := int64(costRow), int64(costIndex)
	if m.suppressed || m.listID != 0 || m.status != "" {
		row = costLookUp
	}
	if len(g.each) > 1 {
		index += costOthers
	}
	if large < r.limits.most/index && large*index < g.gap*row {
		return r.limits.most / index
	}
	return 0
}

// threeDigits rounds an estimate to what it is worth.
func threeDigits(n int64) int64 {
	unit := int64(1)
	for n/unit >= 1000 {
		unit *= 10
	}
	return (n + unit/2) / unit * unit
}

// keptTotal gives the total of a filter for a list, and maybe a status on it, and nothing else: that is counted already. Everybody is counted when they are few.
func (r searcher) keptTotal(ctx context.Context, m match) (total int64, known bool, err error) {
	switch {
	case len(m.patterns) > 0 || len(m.attributes) > 0 || m.suppressed || m.segment != nil:
		return 0, false, nil
	case m.listID != 0:
		total, err = r.onList(ctx, m)
		return total, true, err
	case m.status != "":
		return 0, false, nil
	}
	if err := r.take(ctx, byKey); err != nil {
		return 0, false, err
	}
	err = r.db.QueryRow(ctx, fmt.Sprintf(`SELECT count(*) FROM (SELECT FROM subscribers LIMIT %d) first`, exactTotal+1)).Scan(&total)
	return total, total <= exactTotal, err
}

// onList counts the people on the list, or of the status on it.
func (r searcher) onList(ctx context.Context, m match) (n int64, err error) {
	column := "subscribed + unconfirmed + unsubscribed"
	if m.status != "" {
		column = m.status // one of three words
	}
	err = r.db.QueryRow(ctx, `SELECT COALESCE(sum(`+column+`), 0)::bigint FROM list_counts WHERE list_id = $1`, m.listID).Scan(&n)
	return n, err
}
