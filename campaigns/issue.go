package campaigns

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
)

// Issue is the issue of a newsletter that a campaign is. The newsletter starts it.
type Issue struct {
	ID           int64  `json:"id"`
	NewsletterID int64  `json:"newsletter_id"`
	Newsletter   string `json:"newsletter"`
}

// issueSQL gives the issue of campaign c, or NULL.
const issueSQL = `(SELECT jsonb_build_object('id', i.id, 'newsletter_id', n.id, 'newsletter', n.name) FROM newsletter_issues i JOIN newsletters n ON n.id = i.newsletter_id WHERE i.campaign_id = c.id)`

// byHand keeps a person or program from launching the campaign of an issue by itself: the issue would know nothing of it, and go out without its approval, from a hold, or although it was skipped.
func byHand(ctx context.Context, id int64) func(pgx.Tx, Campaign) error {
	return func(tx pgx.Tx, _ Campaign) error {
		var newsletter string
		err := tx.QueryRow(ctx, `SELECT n.name FROM newsletter_issues i JOIN newsletters n ON n.id = i.newsletter_id WHERE i.campaign_id = $1`, id).Scan(&newsletter)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return nil
		case err != nil:
			return fmt.Errorf("looking whether campaign %d is an issue: %w", id, err)
		}
		return errs.New(errs.Conflict, "campaign %d is an issue of the newsletter %q, which sends it: approve, release or send the issue there", id, newsletter)
	}
}
