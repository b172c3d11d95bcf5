package campaigns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns/abtest"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// How a test was decided.
const (
	ABByWinner = "winner" // one was better than all others beyond chance
	ABByFirst  = "first"  // none was, and the first was to be sent then
	ABByBest   = "best"   // none was, and the one that was ahead was to be sent then
	ABByHand   = "hand"   //
	ABAsked    = "asked"  // none was, and somebody was to choose: not the end
	ABByNone   = "none"   // none was, and nobody is left to mail
)

// ABDecision is what was decided about a test, and by which figures.
type ABDecision struct {
	At      time.Time
	Method  string
	Winner  *int16 // nil with ABAsked and ABByNone
	By      string // who decided by hand
	Why     string
	Figures []ABFigures
}

// ABFigures are those of one variant in the sample, as of a moment. Only mail that was delivered to people who are tracked counts, and only what people did.
type ABFigures struct {
	Variant  int   `json:"variant"`
	Assigned int64 `json:"assigned"` // to whom it goes
	Waiting  int64 `json:"waiting"`  // of those: queued, on their way or deferred
	Sent     int64 `json:"sent"`     // delivered to people who are tracked, and nothing came back
	Opened   int64 `json:"opened"`
	Clicked  int64 `json:"clicked"`
	// By the metric of the test: the share of Sent with the interval in which it would lie with 95 % confidence, and the doubt that is left that the best variant is better than this one.
	Rate float64 `json:"rate"`
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	P    float64 `json:"p"`
}

// armsSQL reads the sample of campaign $1 by variant. {untracked} says of a delivery s whether its person is not tracked, for each once.
const armsSQL = `
	SELECT d.variant::int AS variant, count(*) AS assigned, count(*) FILTER (WHERE d.state IN (0, 1, 3)) AS waiting, count(*) FILTER (WHERE d.told) AS sent,
		count(*) FILTER (WHERE d.told AND e.opened) AS opened, count(*) FILTER (WHERE d.told AND e.clicked) AS clicked,
		0::float8 AS rate, 0::float8 AS low, 0::float8 AS high, 1::float8 AS p
	FROM (
		SELECT s.seq, s.variant, s.state, s.state = 2 AND NOT {untracked} AS told
		FROM deliveries s WHERE s.campaign_id = $1 AND s.gate IS NULL AND s.variant IS NOT NULL OFFSET 0) d LEFT JOIN (
		SELECT seq, bool_or(kind = 'open') AS opened, bool_or(kind = 'click') AS clicked
		FROM events WHERE campaign_id = $1 AND kind IN ('open', 'click') AND actor = 'human' GROUP BY seq) e ON e.seq = d.seq
	GROUP BY d.variant`

// stand gives the figures of the variants as they are now, and what a decision would say.
func (s *Service) stand(ctx context.Context, c Campaign) ([]ABFigures, abtest.Result, error) {
	all := make([]ABFigures, len(c.ABTest.Variants))
	for i := range all {
		all[i] = ABFigures{Variant: i + 1, High: 1, P: 1}
	}
	lists, err := untrackedLists(ctx, s.d.Pool, c.ListIDs)
	if err != nil {
		return nil, abtest.Result{}, err
	}
	untracked, args := untrackedSQL("s.subscriber_id", lists, 2)
	rows, err := pg.Many[ABFigures](ctx, s.d.Pool, "the sample", strings.Replace(armsSQL, "{untracked}", untracked, 1), append([]any{c.ID}, args...)...)
	if err != nil {
		return nil, abtest.Result{}, err
	}
	for _, r := range rows {
		if r.Variant > len(all) {
			return nil, abtest.Result{}, fmt.Errorf("campaign %d has deliveries of variant %d, which it does not have", c.ID, r.Variant)
		}
		all[r.Variant-1] = r
	}
	arms := make([]abtest.Variant, len(all))
	for i, f := range all {
		arms[i] = abtest.Variant{Sent: int(f.Sent), Successes: int(f.Clicked)}
		if c.ABTest.Metric == MetricOpens {
			arms[i].Successes = int(f.Opened)
		}
	}
	res, err := abtest.Decide(arms, c.ABTest.rules())
	if err != nil {
		return nil, res, fmt.Errorf("deciding the A/B test of campaign %d: %w", c.ID, err)
	}
	for i, st := range res.Standings {
		all[i].Rate, all[i].Low, all[i].High, all[i].P = st.Rate, st.Low, st.High, st.P
	}
	return all, res, nil
}

// conclude says what follows from the figures, by what was chosen beforehand. It is pure.
func (t *ABTest) conclude(res abtest.Result) ABDecision {
	is := func(n int) *int16 { v := int16(n); return &v }
	if res.Winner >= 0 {
		return ABDecision{Method: ABByWinner, Winner: is(res.Winner + 1), Why: fmt.Sprintf("%s is better than every other variant beyond chance: %s (p = %s)",
			Letter(res.Winner+1), rates(res), figure(res.P))}
	}
	d := ABDecision{Why: "no clear winner: " + res.Text + "; " + rates(res)}
	switch {
	case t.everybody():
		d.Method = ABByNone
	case t.NoWinner == NoWinnerFirst:
		d.Method, d.Winner = ABByFirst, is(1)
	case t.NoWinner == NoWinnerBest:
		d.Method, d.Winner = ABByBest, is(res.Best+1)
	default:
		d.Method = ABAsked
	}
	return d
}

func rates(res abtest.Result) string {
	text := ""
	for i, st := range res.Standings {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s %s (%d of %d)", Letter(i+1), percent(st.Rate), st.Successes, st.Sent)
	}
	return text
}

// percent writes a share as the pages do: "21.3%", "0%".
func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1000)/10, 'f', -1, 64) + "%"
}

func figure(p float64) string {
	if p < 0.0001 {
		return "less than 0.0001"
	}
	return fmt.Sprintf("%.4f", p)
}

// noteSamples starts the clock of the tests whose sample has gone out: none of it is queued or on its way. What was deferred goes on being tried, and counts when it is delivered in time.
func (s *Service) noteSamples(ctx context.Context) error {
	ids, err := collectIDs(ctx, s.d.Pool, `
		SELECT c.id FROM campaign_ab_tests t JOIN campaigns c ON c.id = t.campaign_id
		WHERE t.seed IS NOT NULL AND t.sent_at IS NULL AND t.decided_at IS NULL AND c.status IN ('running', 'paused', 'finished') AND c.freeze_after IS NULL
			AND (SELECT COALESCE(sum(n.queued + n.claimed), 0) FROM campaign_counts n WHERE n.campaign_id = c.id) <= `+behindSQL)
	if err != nil {
		return err
	}
	var failed error
	for _, id := range ids {
		failed = errors.Join(failed, s.onTest(ctx, id, func(tx pgx.Tx, c Campaign, run ABRun) error {
			if run.SentAt != nil || run.DecidedAt != nil {
				return nil
			}
			now := s.d.Now()
			if err := exec(ctx, tx, `UPDATE campaign_ab_tests SET sent_at = $2 WHERE campaign_id = $1`, id, now); err != nil {
				return err
			}
			return exec(ctx, tx, `UPDATE campaign_gates SET expected_at = $3 WHERE campaign_id = $1 AND gate = $2`, id, restGate, now.Add(c.ABTest.wait()))
		}))
	}
	return failed
}

// onTest runs fn on a campaign with a test that has started, both locked.
func (s *Service) onTest(ctx context.Context, id int64, fn func(tx pgx.Tx, c Campaign, run ABRun) error) error {
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		c, err := lockCampaign(ctx, tx, id)
		if errs.Is(err, errs.NotFound) {
			return nil // it was deleted
		}
		if err != nil {
			return err
		}
		// Read anew: what the lock had to wait for may have changed it.
		run, err := lockRun(ctx, tx, id)
		if err != nil || run == nil {
			return err
		}
		return fn(tx, c, *run)
	})
}

// decideTests decides the tests whose time is over. Those of paused campaigns wait until these go on, and all while everything is stopped: their clock runs, as people go on reading, but nothing is decided behind the back of whoever stopped them.
func (s *Service) decideTests(ctx context.Context) error {
	stop, err := s.d.Sender.LastStop(ctx)
	if err != nil || stop.Holds() {
		return err
	}
	ids, err := collectIDs(ctx, s.d.Pool, `
		SELECT c.id FROM campaign_ab_tests t JOIN campaigns c ON c.id = t.campaign_id
		WHERE t.seed IS NOT NULL AND t.sent_at + t.wait_minutes * interval '1 minute' <= $1 AND t.asked_at IS NULL AND t.decided_at IS NULL AND c.status IN ('running', 'finished')`, s.d.Now())
	if err != nil {
		return err
	}
	var failed error
	for _, id := range ids {
		failed = errors.Join(failed, s.decideDue(ctx, id))
	}
	return failed
}

// decideDue decides one test. The figures are read before anything is locked; two processes that do so at once come to one decision, that of the first.
func (s *Service) decideDue(ctx context.Context, id int64) error {
	c, err := s.Get(ctx, id)
	if err != nil {
		return err
	}
	figures, res, err := s.stand(ctx, c)
	if err != nil {
		return err
	}
	d := c.ABTest.conclude(res)
	d.Figures = figures
	return s.onTest(ctx, id, func(tx pgx.Tx, c Campaign, run ABRun) error {
		if run.AskedAt != nil || run.DecidedAt != nil || c.Status != StatusRunning && c.Status != StatusFinished {
			return nil
		}
		return s.decideTx(ctx, tx, c, d)
	})
}

// DecideTest sends a variant to the rest of a test now, whatever the figures say; by is who wants it. Asked again for the same variant it changes nothing. Those of the sample who have not got their mail
// yet still get the variant that they were drawn for.
func (s *Service) DecideTest(ctx context.Context, id int64, variant int, by string) (Campaign, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return c, err
	}
	if c.ABTest == nil {
		return c, errs.New(errs.Conflict, "campaign %d has no A/B test", id)
	}
	if variant < 1 || variant > len(c.ABTest.Variants) {
		return c, errs.InvalidField("variant", "there is no variant %d: this campaign has %d", variant, len(c.ABTest.Variants))
	}
	if c.ABRun == nil {
		return c, errs.New(errs.Conflict, "campaign %d has not started; its A/B test can be decided when it has", id)
	}
	figures, res, err := s.stand(ctx, c)
	if err != nil {
		return c, err
	}
	winner := int16(variant)
	d := ABDecision{Method: ABByHand, Winner: &winner, By: by, Figures: figures, Why: "chosen by hand; " + rates(res)}
	err = s.onTest(ctx, id, func(tx pgx.Tx, c Campaign, run ABRun) error {
		switch {
		case run.Winner != nil && *run.Winner == winner:
			return nil
		case run.DecidedAt != nil && run.Winner == nil:
			return errs.New(errs.Conflict, "the A/B test of campaign %d ended at %s without a winner, and nobody is left to mail", id, run.DecidedAt.UTC().Format(time.RFC3339))
		case run.DecidedAt != nil:
			return errs.New(errs.Conflict, "the A/B test of campaign %d was decided at %s: the rest gets variant %s", id, run.DecidedAt.UTC().Format(time.RFC3339), Letter(int(*run.Winner)))
		case c.Status == StatusCancelled:
			return errs.New(errs.Conflict, "campaign %d is cancelled; nothing of it is sent any more", id)
		case c.ABTest.everybody():
			return errs.New(errs.Conflict, "in campaign %d everybody gets one of the variants: there is no rest to choose for", id)
		}
		return s.decideTx(ctx, tx, c, d)
	})
	if err != nil {
		return c, err
	}
	return s.Get(ctx, id)
}

// decideTx writes a decision and what follows from it, in one transaction: the winner, the open gate, and a run for the rest. The campaign is locked.
func (s *Service) decideTx(ctx context.Context, tx pgx.Tx, c Campaign, d ABDecision) error {
	figures, err := json.Marshal(d.Figures)
	if err != nil {
		return fmt.Errorf("deciding the A/B test of campaign %d: %w", c.ID, err)
	}
	now := s.d.Now()
	err = exec(ctx, tx, `
		INSERT INTO campaign_ab_decisions (campaign_id, at, method, winner, decided_by, why, figures) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		c.ID, now, d.Method, d.Winner, d.By, d.Why, figures)
	if err != nil {
		return err
	}
	if d.Method == ABAsked {
		if err := exec(ctx, tx, `UPDATE campaign_ab_tests SET asked_at = $2 WHERE campaign_id = $1`, c.ID, now); err != nil {
			return err
		}
		// Nobody knows any more when it opens.
		return exec(ctx, tx, `UPDATE campaign_gates SET expected_at = NULL WHERE campaign_id = $1 AND gate = $2`, c.ID, restGate)
	}
	if err := exec(ctx, tx, `UPDATE campaign_ab_tests SET decided_at = $2, winner = $3 WHERE campaign_id = $1`, c.ID, now, d.Winner); err != nil {
		return err
	}
	return s.openGateTx(ctx, tx, c, restGate)
}
