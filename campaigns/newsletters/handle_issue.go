package newsletters

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns"
	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
)

// Issues gives a page of the issues of a newsletter, the latest date first.
func (s *Service) Issues(ctx context.Context, newsletterID int64, state State, q page.Query) (page.Page[Issue], error) {
	if _, err := s.Get(ctx, newsletterID); err != nil {
		return page.Page[Issue]{}, err
	}
	before := "9999-12-31"
	if q.Cursor != "" {
		if err := page.Decode(q.Cursor, &before); err != nil {
			return page.Page[Issue]{}, err
		}
		if _, err := time.Parse(time.DateOnly, before); err != nil {
			return page.Page[Issue]{}, errs.InvalidField("cursor", "this is no cursor of this list; begin anew without one")
		}
	}
	is, err := issues(ctx, s.d.Pool, `WHERE i.newsletter_id = $1 AND ($2 = '' OR i.state = $2) AND i.local_date < $3::date ORDER BY i.local_date DESC LIMIT $4`, newsletterID, state, before, q.Size()+1)
	if err != nil {
		return page.Page[Issue]{}, err
	}
	return page.Cut(is, q, func(i Issue) string { return page.Encode(i.Date.String()) }), nil
}

// Issue reads an issue with its items and its log, oldest first.
func (s *Service) Issue(ctx context.Context, id int64) (Whole, error) {
	i, err := getIssue(ctx, s.d.Pool, id, "")
	if err != nil {
		return Whole{}, err
	}
	w := Whole{Issue: i}
	if w.Items, err = issueItems(ctx, s.d.Pool, id); err != nil {
		return w, err
	}
	w.Log, err = pg.Many[LogEntry](ctx, s.d.Pool, "the log of an issue", `SELECT at, action, note, by FROM newsletter_log WHERE issue_id = $1 ORDER BY id LIMIT 500`, id)
	return w, err
}

// onIssue runs fn on a locked issue that can still go out.
func (s *Service) onIssue(ctx context.Context, id int64, verb string, fn func(tx pgx.Tx, i Issue) error) error {
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		i, err := getIssue(ctx, tx, id, "FOR UPDATE OF i")
		if err != nil {
			return err
		}
		if !i.unsent() {
			return errs.New(errs.Conflict, "the issue of %s is %s and cannot be %s any more", i.Date, i.State, verb)
		}
		return fn(tx, i)
	})
}

// Approve says that an issue is as it should be: it goes out at its time, and its content stays as it is. A draft is finished by it.
func (s *Service) Approve(ctx context.Context, id int64, by string) error {
	return s.onIssue(ctx, id, "approved", func(tx pgx.Tx, i Issue) error {
		if i.CampaignID == nil {
			return errs.New(errs.Conflict, "the issue of %s is not prepared yet: there is nothing to approve", i.Date)
		}
		if err := exec(ctx, tx, `UPDATE newsletter_issues SET approved_by = $2 WHERE id = $1`, id, by); err != nil {
			return err
		}
		return s.mustMove(ctx, tx, i, move{state: StateReady, tryAt: i.RunAt, by: by, action: "approved"})
	})
}

// Hold keeps an issue from going out until it is released. When the next issue's time comes first, it is skipped.
func (s *Service) Hold(ctx context.Context, id int64, note, by string) error {
	return s.onIssue(ctx, id, "held", func(tx pgx.Tx, i Issue) error {
		if note == "" {
			note = "somebody holds it"
		}
		return s.mustMove(ctx, tx, i, move{state: StateHeld, why: WhyHeld, reason: note, tryAt: i.LateUntil, by: by})
	})
}

// Release lets a held issue go on.
func (s *Service) Release(ctx context.Context, id int64, by string) error {
	return s.onIssue(ctx, id, "released", func(tx pgx.Tx, i Issue) error {
		if i.State != StateHeld {
			return errs.New(errs.Conflict, "the issue of %s is %s, not held", i.Date, i.State)
		}
		n, err := getNewsletter(ctx, tx, i.NewsletterID)
		if err != nil {
			return err
		}
		if now := s.d.Now(); now.After(i.LateUntil) {
			return errs.New(errs.Conflict, "the issue of %s could go out until %s: send it now, or skip it", i.Date, i.LateUntil.UTC().Format(time.RFC3339))
		}
		return s.mustMove(ctx, tx, i, move{state: n.after(i), tryAt: n.nextLook(i), by: by, action: "released"})
	})
}

// after is where a prepared issue stands by the rules.
func (n Newsletter) after(i Issue) State {
	switch {
	case i.CampaignID == nil:
		return StatePreparing
	case i.ApprovedBy != nil || i.SendNow:
		return StateReady
	case n.Source.Kind == SourceDraft:
		return StateDraft
	case n.Rules.Approval:
		return StateAwaiting
	}
	return StateReady
}

// nextLook is when an issue must be looked at again: one that is to be prepared at once, any other at its time.
func (n Newsletter) nextLook(i Issue) time.Time {
	if i.CampaignID == nil {
		return i.CreatedAt
	}
	return i.RunAt
}

// Skip lets an issue fall out. Its items wait for the next one.
func (s *Service) Skip(ctx context.Context, id int64, note, by string) error {
	return s.onIssue(ctx, id, "skipped", func(tx pgx.Tx, i Issue) error {
		if note == "" {
			note = "somebody skipped it"
		}
		return s.mustMove(ctx, tx, i, move{state: StateSkipped, why: WhyPerson, reason: note, tryAt: s.d.Now(), by: by})
	})
}

// SendNow lets an issue go out at once, as it is.
func (s *Service) SendNow(ctx context.Context, id int64, by string) error {
	return s.onIssue(ctx, id, "sent", func(tx pgx.Tx, i Issue) error {
		if i.CampaignID == nil {
			return errs.New(errs.Conflict, "the issue of %s is not prepared yet: there is nothing to send", i.Date)
		}
		if err := exec(ctx, tx, `UPDATE newsletter_issues SET send_now = true, approved_by = COALESCE(approved_by, $2) WHERE id = $1`, id, by); err != nil {
			return err
		}
		return s.mustMove(ctx, tx, i, move{state: StateReady, tryAt: s.d.Now(), by: by, action: "send_now"})
	})
}

// Prepare makes the content of an issue anew, also of one that a person edited or approved: what they wrote is lost.
func (s *Service) Prepare(ctx context.Context, id int64, by string) error {
	return s.onIssue(ctx, id, "prepared", func(tx pgx.Tx, i Issue) error {
		if err := exec(ctx, tx, `UPDATE newsletter_issues SET edited = false, approved_by = NULL, written_at = NULL, send_now = false WHERE id = $1`, id); err != nil {
			return err
		}
		return s.mustMove(ctx, tx, i, move{state: StatePreparing, reason: "to be prepared anew", tryAt: s.d.Now(), by: by, action: "prepare"})
	})
}

func (s *Service) mustMove(ctx context.Context, tx pgx.Tx, i Issue, m move) error {
	ok, err := moveTx(ctx, tx, i, m, s.d.Now())
	if err == nil && !ok {
		return errs.New(errs.Conflict, "the issue of %s was changed at the same moment; look at it again", i.Date)
	}
	return err
}

// Edit changes the content of an issue by hand. From then on it is not gathered again. What had been approved needs a new word.
func (s *Service) Edit(ctx context.Context, id int64, c Content, by string) error {
	seen, err := getIssue(ctx, s.d.Pool, id, "")
	if err != nil {
		return err
	}
	if seen.CampaignID == nil {
		return errs.New(errs.Conflict, "the issue of %s is not prepared yet: there is nothing to edit", seen.Date)
	}
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		camp, err := s.d.Campaigns.LockTx(ctx, tx, *seen.CampaignID)
		if err != nil {
			return err
		}
		i, err := getIssue(ctx, tx, id, "FOR UPDATE OF i")
		if err != nil {
			return err
		}
		if !i.unsent() || i.CampaignID == nil || *i.CampaignID != camp.ID {
			return errs.New(errs.Conflict, "the issue of %s is %s and cannot be edited any more", i.Date, i.State)
		}
		if err := s.writeTx(ctx, tx, camp, c); err != nil {
			return err
		}
		n, err := getNewsletter(ctx, tx, i.NewsletterID)
		if err != nil {
			return err
		}
		i.ApprovedBy, i.SendNow = nil, false
		err = exec(ctx, tx, `
			UPDATE newsletter_issues SET edited = true, approved_by = NULL, send_now = false, written_at = (SELECT updated_at FROM campaigns WHERE id = $2) WHERE id = $1`, id, camp.ID)
		if err != nil {
			return err
		}
		if err := logTx(ctx, tx, id, s.d.Now(), "edited", "", by); err != nil || i.State == StateHeld && i.ReasonCode == WhyHeld {
			return err
		}
		return s.mustMove(ctx, tx, i, move{state: n.after(i), tryAt: i.RunAt, by: by})
	})
}

// writeTx writes content into the campaign of an issue.
func (s *Service) writeTx(ctx context.Context, tx pgx.Tx, c campaigns.Campaign, to Content) error {
	in := c.Input
	in.Subject, in.Preheader, in.HTML, in.Text = to.Subject, to.Preheader, to.HTML, to.Text
	in.Kind, in.LayoutID, in.KeepCSS = to.Kind, to.LayoutID, to.KeepCSS
	return s.d.Campaigns.UpdateTx(ctx, tx, c.ID, in)
}
