package audience

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/audience/segment"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Verdicts of a selection, beside those of MailableQuery. Consent comes before them, wishes after: who has left a list is unsubscribed, whatever the segments say.
const (
	VerdictExcludedList    = "excluded_list"    // is subscribed to a list that is left out
	VerdictNotInSegment    = "not_in_segment"   // is in none of the segments that were chosen
	VerdictExcludedSegment = "excluded_segment" // is in a segment that is left out
	VerdictFrequencyCap    = "frequency_cap"    // has had, or is about to get, as many mails as the installation allows
)

// Choice is whom of some lists a mailing is for, by ids: those in any of the segments, unless they are subscribed to an excluded list or in an excluded segment. No
// segments are everybody.
type Choice struct {
	ListIDs           []int64
	SegmentIDs        []int64
	ExcludeListIDs    []int64
	ExcludeSegmentIDs []int64
	// Cap is the most that a person gets; nil is no cap.
	Cap *Cap
}

// Cap says that nobody gets more than Mails in Days times 24 hours.
type Cap struct {
	Mails int `json:"mails"`
	Days  int `json:"days"`
}

// Selection is a Choice that does not change any more, whatever becomes of lists, segments and fields: it is JSON, to be kept.
type Selection struct {
	ListIDs      []int64           `json:"list_ids"`
	Include      []FrozenSegment   `json:"include"`
	Exclude      []FrozenSegment   `json:"exclude"`
	ExcludeLists []NamedList       `json:"exclude_lists"`
	Cap          *Cap              `json:"cap"`
	Fields       map[string]string `json:"fields"`
	Zone         string            `json:"zone"`
	// At is the moment from which days are counted.
	At time.Time `json:"at"`
}

// FrozenSegment is a segment as it was. Definition has no other segments in it any more.
type FrozenSegment struct {
	ID         int64           `json:"id"`
	Name       string          `json:"name"`
	Sentence   string          `json:"sentence"`
	Definition json.RawMessage `json:"definition"`
}

// NamedList is a list as it was called.
type NamedList struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// Select freezes a choice at a moment. A segment that does not exist, or that does not fit what there is any more, is Invalid.
func Select(ctx context.Context, db pg.DB, c Choice, at time.Time) (Selection, error) {
	sel := Selection{ListIDs: c.ListIDs, Cap: c.Cap, At: at, ExcludeLists: []NamedList{}}
	var err error
	if sel.Include, err = freezeSegments(ctx, db, "segment_ids", c.SegmentIDs); err != nil {
		return sel, err
	}
	if sel.Exclude, err = freezeSegments(ctx, db, "exclude_segment_ids", c.ExcludeSegmentIDs); err != nil {
		return sel, err
	}
	names, err := namesByID(ctx, db, `SELECT id, name FROM lists WHERE id = ANY ($1)`, c.ExcludeListIDs)
	if err != nil {
		return sel, err
	}
	for _, id := range c.ExcludeListIDs {
		if names[id] == "" {
			return sel, errs.InvalidField("exclude_list_ids", "there is no list %d", id)
		}
		sel.ExcludeLists = append(sel.ExcludeLists, NamedList{ID: id, Name: names[id]})
	}
	context, err := segmentContext(ctx, db)
	sel.Fields, sel.Zone = context.Fields, context.Zone.String()
	return sel, err
}

func freezeSegments(ctx context.Context, db pg.DB, field string, ids []int64) ([]FrozenSegment, error) {
	out := []FrozenSegment{}
	for _, id := range ids {
		s, r, err := usableSegment(ctx, db, field, id)
		if err != nil {
			return nil, err
		}
		names, err := segmentNames(ctx, db, s.Node)
		if err != nil {
			return nil, err
		}
		out = append(out, FrozenSegment{ID: id, Name: s.Name, Sentence: segment.Sentence(s.Node, names), Definition: r.node.JSON()})
	}
	return out, nil
}

// usableSegment reads a saved segment. One that does not exist or cannot be used is Invalid, of a field.
func usableSegment(ctx context.Context, db pg.DB, field string, id int64) (segment.Saved, resolved, error) {
	s, err := loadSaved(ctx, db, id)
	if errs.Is(err, errs.NotFound) {
		return s, resolved{}, errs.InvalidField(field, "there is no segment %d", id)
	}
	if err != nil {
		return s, resolved{}, err
	}
	r, err := resolveSegment(ctx, db, s.Node, segment.Saved{}, 0)
	var e *errs.E
	if errors.As(err, &e) && e.Kind == errs.Invalid {
		return s, r, errs.InvalidField(field, "the segment %q cannot be used: %s", s.Name, e.Public)
	}
	return s, r, err
}

func (s Selection) context() segment.Context {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		zone = time.UTC // as when it was frozen on a machine that does not know the zone
	}
	return segment.Context{Fields: s.Fields, At: s.At, Zone: zone}
}

// selectionSQL collects the parts of a query and its arguments.
type selectionSQL struct {
	first int
	args  []any
	err   error
}

func (q *selectionSQL) arg(v any, sqlType string) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d::%s", q.first+len(q.args)-1, sqlType)
}

func (q *selectionSQL) anyOf(segments []FrozenSegment, c segment.Context) string {
	parts := make([]string, len(segments))
	for i, f := range segments {
		n, err := segment.ParseStored(f.Definition)
		if err != nil {
			q.err = fmt.Errorf("reading the segment %d as it was frozen: %w", f.ID, err)
			return "false"
		}
		compiled, err := segment.Compile(n, c, segment.ByKey, q.first+len(q.args))
		if err != nil {
			q.err = fmt.Errorf("translating the segment %d as it was frozen: %w", f.ID, err)
			return "false"
		}
		parts[i] = compiled.SQL
		q.args = append(q.args, compiled.Args...)
	}
	return "(" + strings.Join(parts, " OR ") + ")"
}

// excludedListSQL and cappedSQL look up each person by key: see mailableQuery. %s are the ids of the lists, or the ids of campaigns, the moment and the number.
const (
	excludedListSQL = `(SELECT true FROM subscriptions xl WHERE xl.list_id = ANY (%s) AND xl.subscriber_id = u.id AND xl.status = 'subscribed' LIMIT 1) IS NOT NULL`
	gotSQL          = `(SELECT count(*) FROM deliveries d WHERE d.subscriber_id = u.id AND d.campaign_id = ANY (%s)
		AND (d.state IN (0, 1, 3) OR d.state IN (2, 6) AND d.updated_at > %s))`
)

// cases are the WHENs of the selection's verdicts: those before and those after a person's own wishes. others are the campaigns whose mail counts for the cap.
func (q *selectionSQL) cases(s Selection, others []int64) (chosen, capped string) {
	if len(s.ExcludeLists) > 0 {
		ids := make([]int64, len(s.ExcludeLists))
		for i, l := range s.ExcludeLists {
			ids[i] = l.ID
		}
		chosen += " WHEN " + fmt.Sprintf(excludedListSQL, q.arg(ids, "bigint[]")) + " THEN '" + VerdictExcludedList + "'"
	}
	if len(s.Include) > 0 {
		chosen += " WHEN NOT " + q.anyOf(s.Include, s.context()) + " THEN '" + VerdictNotInSegment + "'"
	}
	if len(s.Exclude) > 0 {
		chosen += " WHEN " + q.anyOf(s.Exclude, s.context()) + " THEN '" + VerdictExcludedSegment + "'"
	}
	if s.Cap != nil && len(others) > 0 {
		capped = " WHEN " + fmt.Sprintf(gotSQL, q.arg(others, "bigint[]"), q.arg(s.capSince(), "timestamptz")) + " >= " + q.arg(s.Cap.Mails, "bigint") +
			" THEN '" + VerdictFrequencyCap + "'"
	}
	return chosen, capped
}

func (s Selection) capSince() time.Time { return s.At.Add(-time.Duration(s.Cap.Days) * 24 * time.Hour) }

// maxParameters is how many a statement has at most, by the protocol.
const maxParameters = 65_535

// query is mailableQuery with the verdicts of the selection, about subscriptions within bounds. It is Invalid when the segments have too many conditions for one statement.
func (s Selection) query(bounds string, others []int64, first int) (string, []any, error) {
	q := selectionSQL{first: first}
	chosen, capped := q.cases(s, others)
	if q.err == nil && first-1+len(q.args) > maxParameters {
		return "", nil, errs.InvalidField("segment_ids", "these segments have too many conditions together: choose fewer of them, or simpler ones")
	}
	return strings.NewReplacer("{bounds}", bounds, "{chosen}", chosen, "{capped}", capped).Replace(mailableQuery), q.args, q.err
}

// SelectedQuery is MailableQuery with the verdicts of a selection. Its own parameters begin at $first and have the arguments that it gives; others are the campaigns whose
// mail counts for the cap (CappingCampaigns). It evaluates what is frozen in the selection on the people as they are.
func SelectedQuery(s Selection, others []int64, first int) (sql string, args []any, err error) {
	sql, args, err = s.query(partBounds, others, first)
	return `SELECT subscriber_id, email, verdict FROM (` + sql + `) audience`, args, err
}

// CappingCampaigns gives the campaigns other than one whose mail may count for a selection's cap: those that have not ended, or not before its time. Without a cap these are
// none.
func CappingCampaigns(ctx context.Context, db pg.DB, s Selection, campaignID int64) ([]int64, error) {
	if s.Cap == nil {
		return nil, nil
	}
	rows, err := db.Query(ctx, `SELECT id FROM campaigns WHERE purpose = 'mailing' AND started_at IS NOT NULL AND id <> $1 AND (finished_at IS NULL OR finished_at > $2) ORDER BY id`, campaignID, s.capSince())
	if err != nil {
		return nil, fmt.Errorf("looking for campaigns that count for the cap: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return nil, fmt.Errorf("looking for campaigns that count for the cap: %w", err)
	}
	return ids, nil
}

// CountChoice counts whom a mailing to a choice of people would reach now. lively is for whoever waits for each answer: a large audience is then estimated sooner.
// campaignID is the campaign itself, 0 for none: its own mail does not count for the cap.
func (s *Service) CountChoice(ctx context.Context, c Choice, campaignID int64, lively bool) (AudienceCounts, error) {
	sel, err := Select(ctx, s.pool, c, s.clock())
	if err != nil {
		return AudienceCounts{}, err
	}
	others, err := CappingCampaigns(ctx, s.pool, sel, campaignID)
	if err != nil {
		return AudienceCounts{}, err
	}
	budget := s.budgets.saved
	if lively {
		budget = s.budgets.lively
	}
	counts, err := s.countSelection(ctx, sel, others, budget, "", nil)
	if !outOfTime(err) {
		return counts, err
	}
	return s.estimateSelection(ctx, sel, others)
}

// countSelection counts verdicts among the people on the lists, of whom {bounds} may say more: SQL about subscriptions, whose parameters begin at $2.
func (s *Service) countSelection(ctx context.Context, sel Selection, others []int64, budget time.Duration, bounds string, boundArgs []any) (AudienceCounts, error) {
	c := AudienceCounts{Excluded: []Excluded{}, Exact: true}
	sql, args, err := sel.query(bounds, others, 2+len(boundArgs))
	if err != nil {
		return c, err
	}
	args = slices.Concat([]any{sel.ListIDs}, boundArgs, args)
	err = s.within(ctx, budget, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT verdict, count(*), count(*) FILTER (WHERE subscribed) FROM (`+sql+`) audience GROUP BY verdict ORDER BY verdict`, args...)
		if err != nil {
			return err
		}
		var (
			verdict       string
			n, subscribed int64
		)
		_, err = pgx.ForEachRow(rows, []any{&verdict, &n, &subscribed}, func() error {
			c.Subscribed += subscribed
			if verdict == VerdictMail {
				c.Mailable = n
			} else {
				c.Excluded = append(c.Excluded, Excluded{Reason: verdict, Count: n})
			}
			return nil
		})
		return err
	})
	if err != nil {
		return c, fmt.Errorf("counting an audience: %w", err)
	}
	return c, nil
}

// estimateSelection counts among the people on random pages and multiplies.
func (s *Service) estimateSelection(ctx context.Context, sel Selection, others []int64) (AudienceCounts, error) {
	var c AudienceCounts
	ids, scale, err := s.selectionSample(ctx, sel, others)
	if err == nil {
		c, err = s.countSelection(ctx, sel, others, s.budgets.estimate, "AND subscriber_id = ANY ($2::bigint[])", []any{ids})
	}
	if outOfTime(err) {
		return c, tooLongToCount()
	}
	if err != nil {
		return c, err
	}
	c.Exact, c.Mailable, c.Subscribed = false, int64(float64(c.Mailable)*scale), int64(float64(c.Subscribed)*scale)
	for i := range c.Excluded {
		c.Excluded[i].Count = int64(float64(c.Excluded[i].Count) * scale)
	}
	return c, nil
}

func tooLongToCount() error {
	return errs.New(errs.Unavailable, "this audience takes too long to count, even a part of it; make its segments simpler")
}

// selectionSample gives the people on random pages, as few as a selection's conditions leave time for, and how many times as many there are.
func (s *Service) selectionSample(ctx context.Context, sel Selection, others []int64) (ids []int64, scale float64, err error) {
	conditions := 2 // consent and suppression
	if sel.Cap != nil {
		conditions += len(others)
	}
	for _, f := range slices.Concat(sel.Include, sel.Exclude) {
		if n, err := segment.ParseStored(f.Definition); err == nil {
			conditions += len(n.Conditions())
		}
	}
	percent, share, err := s.sampleShare(ctx, conditions)
	if err != nil {
		return nil, 0, err
	}
	ids, err = s.sampledIDs(ctx, s.budgets.estimate, `SELECT id FROM subscribers TABLESAMPLE SYSTEM ($1::real)`, []any{percent})
	if err != nil {
		return nil, 0, err
	}
	people, err := s.people(ctx, int64(float64(len(ids))/share))
	return ids, float64(people) / float64(max(len(ids), 1)), err
}
