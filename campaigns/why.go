package campaigns

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// Places of a person in a campaign.
const (
	PlaceIn      = "in"      // has a delivery; before the start: would have
	PlaceOut     = "out"     // was left out; before the start: would be
	PlaceAbsent  = "absent"  // was on none of the lists when the campaign started; before the start: is on none
	PlaceWaiting = "waiting" // the audience is being written into the ledger, and has not come to this person
)

// Why says whether a person got a campaign, and why or why not. Place, Reason and Words are the ledger's, unless the campaign has not started: then they are what would
// become of the person now. Evidence is always of now, and nil for who was deleted.
type Why struct {
	CampaignID   int64
	Started      bool
	SubscriberID int64
	Email        string
	Place        string
	Reason       string // of Exclusion; "" unless they are out
	Words        string
	Delivery     *Delivery
	Evidence     *audience.Explanation
}

var reasonWords = map[string]string{
	audience.VerdictSuppressed:      "the address was suppressed",
	audience.VerdictUnsubscribed:    "they were unsubscribed from every list of the campaign",
	audience.VerdictUnconfirmed:     "they had not confirmed their subscription",
	audience.VerdictPaused:          "they had paused all mail",
	audience.VerdictFrequency:       "they had got as much mail lately as they want",
	audience.VerdictExcludedList:    "they were subscribed to a list that the campaign leaves out",
	audience.VerdictNotInSegment:    "they were in none of the segments that the campaign is for",
	audience.VerdictExcludedSegment: "they were in a segment that the campaign leaves out",
	audience.VerdictFrequencyCap:    "they had got, or were about to get, as many mails as the frequency cap allows",
}

// Why tells about one person, who was deleted meanwhile perhaps.
func (s *Service) Why(ctx context.Context, id, subscriberID int64) (Why, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return Why{}, err
	}
	w := Why{CampaignID: id, SubscriberID: subscriberID, Started: c.StartedAt != nil}
	if err := s.evidence(ctx, c, &w); err != nil {
		return w, err
	}
	if !w.Started {
		if w.Evidence == nil {
			return w, errs.New(errs.NotFound, "there is no subscriber %d", subscriberID)
		}
		w.place(w.Evidence.Verdict)
		return w, nil
	}
	return w, s.ledgerPlace(ctx, c, &w)
}

func (s *Service) evidence(ctx context.Context, c Campaign, w *Why) error {
	sel, err := s.Selection(ctx, c.ID)
	if errs.Is(err, errs.NotFound) {
		choice, err := s.choice(ctx, c.Input)
		if err != nil {
			return err
		}
		if w.Started {
			choice = audience.Choice{ListIDs: c.ListIDs} // it started before there was anything else
		}
		sel, err = audience.Select(ctx, s.d.Pool, choice, s.d.Now())
		if err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	x, err := s.d.Audience.Explain(ctx, sel, c.ID, w.SubscriberID)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	w.Evidence, w.Email = &x, x.Person.Email
	return err
}

// place takes over what would happen now.
func (w *Why) place(verdict string) {
	switch verdict {
	case "":
		w.Place, w.Words = PlaceAbsent, "they are on none of the campaign's lists"
	case audience.VerdictMail:
		w.Place, w.Words = PlaceIn, "they are subscribed to one of its lists, and nothing is against it"
	default:
		w.Place, w.Reason, w.Words = PlaceOut, verdict, reasonWords[verdict]
	}
}

func (s *Service) ledgerPlace(ctx context.Context, c Campaign, w *Why) error {
	ds, err := s.deliveries(ctx, `WITH d AS (SELECT * FROM deliveries WHERE campaign_id = $1 AND subscriber_id = $2)`+ledgerSelect, c.ID, w.SubscriberID)
	if err != nil {
		return err
	}
	if len(ds) > 0 {
		w.Place, w.Delivery, w.Email = PlaceIn, &ds[0], ds[0].Email
		w.Words = "they were subscribed to one of its lists, and nothing was against it; the delivery is " + ds[0].State.String()
		return nil
	}
	err = s.d.Pool.QueryRow(ctx, `SELECT email, reason FROM exclusions WHERE campaign_id = $1 AND subscriber_id = $2`, c.ID, w.SubscriberID).Scan(&w.Email, &w.Reason)
	switch {
	case err == nil:
		w.Place, w.Words = PlaceOut, reasonWords[w.Reason]
		return nil
	case !errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("looking for subscriber %d in campaign %d: %w", w.SubscriberID, c.ID, err)
	case w.Evidence == nil:
		return errs.New(errs.NotFound, "there is no subscriber %d, neither among the people nor in campaign %d", w.SubscriberID, c.ID)
	case c.Freezing:
		w.Place, w.Words = PlaceWaiting, "the audience is being written into the ledger, and has not come to them yet"
	default:
		w.Place, w.Words = PlaceAbsent, "they were on none of the campaign's lists when it started"
	}
	return nil
}

// LedgerRow is a person in a campaign's ledger. Reason is why they were left out, "" for whoever has a delivery; State, At and Variant (of an A/B test; 0: none, or not known yet) are that one's.
type LedgerRow struct {
	SubscriberID int64
	Email        string
	Reason       string
	State        State
	Variant      int16
	At           time.Time
}

// ledgerPage is how many rows of the ledger are read at once when all of it is wanted.
const ledgerPage = 5000

// EachLedgerRow gives everybody in a campaign's ledger: those who are in, in the order of sending, then those who are out. It stops at the first error of fn.
func (s *Service) EachLedgerRow(ctx context.Context, id int64, fn func(LedgerRow) error) error {
	for _, sql := range []string{
		`SELECT seq::bigint AS at_row, subscriber_id, email, '' AS reason, state, COALESCE(variant, 0::smallint) AS variant, updated_at AS at FROM deliveries WHERE campaign_id = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
		`SELECT subscriber_id AS at_row, subscriber_id, email, reason, 0::smallint AS state, 0::smallint AS variant, 'epoch'::timestamptz AS at FROM exclusions
			WHERE campaign_id = $1 AND subscriber_id > $2 ORDER BY subscriber_id LIMIT $3`,
	} {
		for after, full := int64(0), true; full; {
			rows, err := pg.Many[struct {
				AtRow int64
				LedgerRow
			}](ctx, s.d.Pool, "the ledger", sql, id, after, ledgerPage)
			if err != nil {
				return err
			}
			for _, r := range rows {
				after = r.AtRow
				if err := fn(r.LedgerRow); err != nil {
					return err
				}
			}
			full = len(rows) == ledgerPage
		}
	}
	return nil
}

// CountExclusions counts those who were left out at the start, by reason.
func (s *Service) CountExclusions(ctx context.Context, id int64) ([]audience.Excluded, error) {
	return pg.Many[audience.Excluded](ctx, s.d.Pool, "exclusions", `SELECT reason, n::bigint AS count FROM campaign_exclusions WHERE campaign_id = $1 ORDER BY n DESC, reason`, id)
}
