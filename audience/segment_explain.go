package audience

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/audience/segment"
	"postrider/internal/pg"
)

// Explanation is what the verdict about one person is made of, evaluated at a moment: what is frozen in a selection, on the person as they are.
type Explanation struct {
	At            time.Time
	Verdict       string // what it would be now; "" for who is on none of the lists
	Person        Subscriber
	Lists         []Membership // on the lists of the selection
	ExcludedLists []Membership // on those that are left out
	Include       []SegmentTest
	Exclude       []SegmentTest
	// Cap is the selection's, Got how many mails count for it.
	Cap *Cap
	Got int
}

// Membership is how a person stands to a list. Status is "" for who is not on it.
type Membership struct {
	ListID int64
	Name   string
	Status string
	Source string
	Since  *time.Time
}

// SegmentTest says whether a person is in a segment, and which of its conditions hold.
type SegmentTest struct {
	ID         int64
	Name       string
	Sentence   string
	Meets      bool
	Conditions []ConditionTest
}

// ConditionTest is one condition of a segment, in words, and whether it holds.
type ConditionTest struct {
	Sentence string
	Meets    bool
}

// Explain says what there is for and against a person in a selection, now. campaignID is the campaign whose own mail does not count for the cap.
func (s *Service) Explain(ctx context.Context, sel Selection, campaignID, subscriberID int64) (Explanation, error) {
	sel.At = s.clock()
	x := Explanation{At: sel.At, Cap: sel.Cap}
	var err error
	if x.Person, err = s.GetSubscriber(ctx, subscriberID); err != nil {
		return x, err
	}
	if x.Lists, err = s.memberships(ctx, sel.ListIDs, subscriberID); err != nil {
		return x, err
	}
	excluded := make([]int64, len(sel.ExcludeLists))
	for i, l := range sel.ExcludeLists {
		excluded[i] = l.ID
	}
	if x.ExcludedLists, err = s.memberships(ctx, excluded, subscriberID); err != nil {
		return x, err
	}
	others, err := CappingCampaigns(ctx, s.pool, sel, campaignID)
	if err != nil {
		return x, err
	}
	if sel.Cap != nil {
		sql := fmt.Sprintf(`SELECT `+gotSQL+` FROM subscribers u WHERE u.id = $3`, "$1", "$2")
		if err := s.pool.QueryRow(ctx, sql, others, sel.capSince(), subscriberID).Scan(&x.Got); err != nil {
			return x, fmt.Errorf("counting what subscriber %d got: %w", subscriberID, err)
		}
	}
	if x.Include, err = s.testSegments(ctx, sel, sel.Include, subscriberID); err != nil {
		return x, err
	}
	if x.Exclude, err = s.testSegments(ctx, sel, sel.Exclude, subscriberID); err != nil {
		return x, err
	}
	x.Verdict, err = s.verdictNow(ctx, sel, others, subscriberID)
	return x, err
}

func (s *Service) verdictNow(ctx context.Context, sel Selection, others []int64, subscriberID int64) (verdict string, err error) {
	sql, args, err := sel.query("AND subscriber_id = $2", others, 3)
	if err != nil {
		return "", err
	}
	err = s.pool.QueryRow(ctx, `SELECT verdict FROM (`+sql+`) audience`, append([]any{sel.ListIDs, subscriberID}, args...)...).Scan(&verdict)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("judging subscriber %d: %w", subscriberID, err)
	}
	return verdict, nil
}

func (s *Service) memberships(ctx context.Context, lists []int64, subscriberID int64) ([]Membership, error) {
	return pg.Many[Membership](ctx, s.pool, "subscriptions", `
		SELECT l.id AS list_id, l.name, COALESCE(s.status, '') AS status, COALESCE(s.source, '') AS source, s.updated_at AS since
		FROM lists l LEFT JOIN subscriptions s ON s.list_id = l.id AND s.subscriber_id = $2 WHERE l.id = ANY ($1) ORDER BY lower(l.name), l.id`, lists, subscriberID)
}

// testSegments asks each segment as a whole, and each of its conditions by itself.
func (s *Service) testSegments(ctx context.Context, sel Selection, segments []FrozenSegment, subscriberID int64) ([]SegmentTest, error) {
	out := make([]SegmentTest, 0, len(segments))
	for _, f := range segments {
		n, err := segment.ParseStored(f.Definition)
		if err != nil {
			return nil, fmt.Errorf("reading the segment %d as it was frozen: %w", f.ID, err)
		}
		names, err := segmentNames(ctx, s.pool, n)
		if err != nil {
			return nil, err
		}
		conditions := n.Conditions()
		var sql []string
		args := []any{subscriberID}
		for _, part := range append([]segment.Node{n}, conditions...) {
			q, err := segment.Compile(part, sel.context(), segment.ByKey, len(args)+1)
			if err != nil {
				return nil, fmt.Errorf("translating the segment %d as it was frozen: %w", f.ID, err)
			}
			sql, args = append(sql, q.SQL), append(args, q.Args...)
		}
		var meets []bool
		if err := s.pool.QueryRow(ctx, `SELECT ARRAY[`+strings.Join(sql, ", ")+`] FROM subscribers u WHERE u.id = $1`, args...).Scan(&meets); err != nil {
			return nil, fmt.Errorf("testing segment %d: %w", f.ID, err)
		}
		t := SegmentTest{ID: f.ID, Name: f.Name, Sentence: f.Sentence, Meets: meets[0], Conditions: []ConditionTest{}}
		for i, c := range conditions {
			t.Conditions = append(t.Conditions, ConditionTest{Sentence: segment.Sentence(c, names), Meets: meets[i+1]})
		}
		out = append(out, t)
	}
	return out, nil
}
