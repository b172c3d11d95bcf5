package audience

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
)

// newestLooked is how many people at the new end of each list are looked at before everybody is.
const newestLooked = 1000

// NewestOfChoice gives the id of one of the newest people whom a mailing to a choice would reach now. NotFound: there is nobody. Unavailable: finding somebody takes too long.
// campaignID is the campaign itself, 0 for none.
func (s *Service) NewestOfChoice(ctx context.Context, c Choice, campaignID int64) (int64, error) {
	sel, others, err := s.selected(ctx, c, campaignID)
	if err != nil {
		return 0, err
	}
	// Mostly somebody at the new end of a list is reached, which takes a few milliseconds whatever the size of the audience.
	ids, err := s.newestMailable(ctx, sel, others, s.budgets.lively, recentOf(sel.ListIDs))
	if err == nil && len(ids) == 0 {
		ids, err = s.newestMailable(ctx, sel, others, s.budgets.lively, bounds{})
	}
	if outOfTime(err) {
		ids, err = s.newestSampled(ctx, sel, others)
	}
	if err == nil && len(ids) == 0 {
		err = errs.New(errs.NotFound, "there is nobody whom this would reach")
	}
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// AmongChoice gives those of some people whom a mailing to a choice would reach now, the newest first. Unavailable: finding out takes too long.
func (s *Service) AmongChoice(ctx context.Context, c Choice, campaignID int64, among []int64) ([]int64, error) {
	sel, others, err := s.selected(ctx, c, campaignID)
	if err != nil {
		return nil, err
	}
	ids, err := s.newestMailable(ctx, sel, others, s.budgets.estimate, only(among))
	if outOfTime(err) {
		return nil, tooLongToCount()
	}
	return ids, err
}

// selected freezes a choice as it is now, and gives the campaigns whose mail counts for its cap.
func (s *Service) selected(ctx context.Context, c Choice, campaignID int64) (Selection, []int64, error) {
	sel, err := Select(ctx, s.pool, c, s.clock())
	if err != nil {
		return sel, nil, err
	}
	others, err := CappingCampaigns(ctx, s.pool, sel, campaignID)
	return sel, others, err
}

// newestSampled looks for somebody among the people on random pages. That none of them is reached says nothing about the others.
func (s *Service) newestSampled(ctx context.Context, sel Selection, others []int64) ([]int64, error) {
	sample, _, err := s.selectionSample(ctx, sel, others)
	if err != nil && !outOfTime(err) {
		return nil, err
	}
	ids, err := s.newestMailable(ctx, sel, others, s.budgets.estimate, only(sample))
	if outOfTime(err) || err == nil && len(ids) == 0 {
		return nil, tooLongToCount()
	}
	return ids, err
}

// bounds say of which subscriptions a query is, as SQL whose parameter is $2.
type bounds struct {
	sql  string
	args []any
}

func only(ids []int64) bounds { return bounds{"AND subscriber_id = ANY ($2::bigint[])", []any{ids}} }

func recentOf(lists []int64) bounds {
	return bounds{`AND subscriber_id = ANY (ARRAY(SELECT n.subscriber_id FROM unnest($2::bigint[]) AS l (id), LATERAL (
		SELECT r.subscriber_id FROM subscriptions r WHERE r.list_id = l.id AND r.status = 'subscribed' ORDER BY r.subscriber_id DESC LIMIT ` + fmt.Sprint(newestLooked) + `) n))`, []any{lists}}
}

func (s *Service) newestMailable(ctx context.Context, sel Selection, others []int64, budget time.Duration, b bounds) (ids []int64, err error) {
	sql, args, err := sel.query(b.sql, others, 2+len(b.args))
	if err != nil {
		return nil, err
	}
	all := append(append([]any{sel.ListIDs}, b.args...), args...)
	err = s.within(ctx, budget, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT a.subscriber_id FROM (`+sql+`) a WHERE a.verdict = 'mail' ORDER BY a.subscriber_id DESC LIMIT `+fmt.Sprint(newestLooked), all...)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("looking for people of an audience: %w", err)
	}
	return ids, nil
}
