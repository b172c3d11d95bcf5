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

// onContent runs fn on a locked issue that can still go out, and on its campaign as it is locked.
func (s *Service) onContent(ctx context.Context, id int64, done, do string, fn func(tx pgx.Tx, c campaigns.Campaign, i Issue) error) error {
	seen, err := getIssue(ctx, s.d.Pool, id, "")
	if err != nil {
		return err
	}
	if seen.CampaignID == nil && seen.unsent() {
		return errs.New(errs.Conflict, "the issue of %s is not prepared yet: there is nothing to %s", seen.Date, do)
	}
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		var camp campaigns.Campaign
		if seen.CampaignID != nil {
			if camp, err = s.d.Campaigns.LockTx(ctx, tx, *seen.CampaignID); err != nil {
				return err
			}
		}
		i, err := getIssue(ctx, tx, id, "FOR UPDATE OF i")
		if err != nil {
			return err
		}
		if !i.unsent() || i.CampaignID == nil || *i.CampaignID != camp.ID {
			return errs.New(errs.Conflict, "the issue of %s is %s and cannot be %s any more", i.Date, i.State, done)
		}
		return fn(tx, camp, i)
	})
}

// wordTx keeps the word of a person for an issue, and of which content it is: what is changed afterwards needs a new one.
func wordTx(ctx context.Context, tx pgx.Tx, c campaigns.Campaign, i *Issue, do, by string) error {
	if i.toPrepare() {
		return errs.New(errs.Conflict, "the issue of %s is being prepared anew: there is nothing to %s until it is", i.Date, do)
	}
	i.Version++
	return exec(ctx, tx, `UPDATE newsletter_issues SET approved_by = $2, edited = $3, written_at = $4, version = $5 WHERE id = $1`, i.ID, by, i.Edited || i.rewritten(c), c.UpdatedAt, i.Version)
}

// Approve says that an issue is as it should be: it goes out at its time, and its content stays as it is. A draft is finished by it. One that is held stays so until it is released.
func (s *Service) Approve(ctx context.Context, id int64, by string) error {
	return s.onContent(ctx, id, "approved", "approve", func(tx pgx.Tx, c campaigns.Campaign, i Issue) error {
		if err := wordTx(ctx, tx, c, &i, "approve", by); err != nil {
			return err
		}
		if i.isHeld() {
			return logTx(ctx, tx, id, s.d.Now(), "approved", "it is still held", by)
		}
		return s.mustMove(ctx, tx, i, move{state: StateReady, tryAt: i.RunAt, by: by, action: "approved"})
	})
}

// withdraw takes a word back that was given for other content than is there now.
func (s *Service) withdraw(ctx context.Context, id int64) error {
	return s.onContent(ctx, id, "looked at", "look at", func(tx pgx.Tx, c campaigns.Campaign, i Issue) error {
		n, err := getNewsletter(ctx, tx, i.NewsletterID)
		if err != nil || !n.unseen(i, c) {
			return err
		}
		reason := "its campaign was changed after " + *i.ApprovedBy + " had approved it: it needs a new word"
		i.Version++
		i.ApprovedBy, i.SendNow = nil, false
		err = exec(ctx, tx, `UPDATE newsletter_issues SET approved_by = NULL, send_now = false, edited = true, written_at = $2, version = $3 WHERE id = $1`, id, c.UpdatedAt, i.Version)
		if err != nil {
			return err
		}
		if i.isHeld() {
			return logTx(ctx, tx, id, s.d.Now(), "edited", reason, "")
		}
		m := move{state: n.after(i), reason: reason, tryAt: i.RunAt}
		if !s.d.Now().Before(i.RunAt) {
			m.why, m.tryAt = WhyNotReady, i.LateUntil.Add(time.Second)
		}
		return s.mustMove(ctx, tx, i, m)
	})
}

// unseen reports whether an issue needs a person's word, and has one for other content than is in its campaign.
func (n Newsletter) unseen(i Issue, c campaigns.Campaign) bool {
	return i.ApprovedBy != nil && i.rewritten(c) && (n.Rules.Approval || n.Source.Kind == SourceDraft)
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
		now := s.d.Now()
		if now.After(i.LateUntil) {
			return errs.New(errs.Conflict, "the issue of %s could go out until %s: send it now, or skip it", i.Date, i.LateUntil.UTC().Format(time.RFC3339))
		}
		if n.isPaused(now) && n.pauseHolds(i.Date) {
			return errs.New(errs.Conflict, "the newsletter %q is paused: resume it before you release the issue of %s, or send that now", n.Name, i.Date)
		}
		return s.mustMove(ctx, tx, i, move{state: n.after(i), tryAt: n.nextLook(i), by: by, action: "released"})
	})
}

// after is where an issue stands by the rules when nothing keeps it.
func (n Newsletter) after(i Issue) State {
	if i.CampaignID == nil || i.Stale {
		return StatePreparing
	}
	return n.settled(i)
}

// settled is where an issue stands by the rules when it has its content.
func (n Newsletter) settled(i Issue) State {
	switch {
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
	if i.CampaignID == nil || i.Stale {
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

// sendNowFor is how long is tried at least to let an issue go out that a person wants to go out now.
const sendNowFor = 6 * time.Hour

// SendNow lets an issue go out at once, as it is. When something keeps it back, that is tried for as long as it might go out late, and it is held then.
func (s *Service) SendNow(ctx context.Context, id int64, by string) error {
	return s.onContent(ctx, id, "sent", "send", func(tx pgx.Tx, c campaigns.Campaign, i Issue) error {
		n, err := getNewsletter(ctx, tx, i.NewsletterID)
		if err != nil {
			return err
		}
		word := by
		if i.ApprovedBy != nil && !n.unseen(i, c) {
			word = *i.ApprovedBy
		}
		if err := wordTx(ctx, tx, c, &i, "send", word); err != nil {
			return err
		}
		now := s.d.Now()
		if until := now.Add(max(sendNowFor, time.Duration(n.Rules.LateHours)*time.Hour)); until.After(i.LateUntil) {
			i.LateUntil = until
		}
		if err := exec(ctx, tx, `UPDATE newsletter_issues SET send_now = true, late_until = $2 WHERE id = $1`, id, i.LateUntil); err != nil {
			return err
		}
		return s.mustMove(ctx, tx, i, move{state: StateReady, tryAt: now, by: by, action: "send_now"})
	})
}

// Prepare makes the content of an issue anew, also of one that a person edited or approved: what they wrote is lost. One that is held stays so.
func (s *Service) Prepare(ctx context.Context, id int64, by string) error {
	return s.onIssue(ctx, id, "prepared", func(tx pgx.Tx, i Issue) error {
		if err := exec(ctx, tx, `UPDATE newsletter_issues SET edited = false, approved_by = NULL, written_at = NULL, send_now = false WHERE id = $1`, id); err != nil {
			return err
		}
		const reason = "to be prepared anew"
		if err := anewTx(ctx, tx, []int64{id}, reason, s.d.Now()); err != nil {
			return err
		}
		return logTx(ctx, tx, id, s.d.Now(), "prepare", reason, by)
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
	return s.onContent(ctx, id, "edited", "edit", func(tx pgx.Tx, camp campaigns.Campaign, i Issue) error {
		if err := s.writeTx(ctx, tx, camp, c); err != nil {
			return err
		}
		n, err := getNewsletter(ctx, tx, i.NewsletterID)
		if err != nil {
			return err
		}
		i.Version++
		err = exec(ctx, tx, `
			UPDATE newsletter_issues SET edited = true, stale = false, approved_by = NULL, send_now = false, version = $3, written_at = (SELECT updated_at FROM campaigns WHERE id = $2) WHERE id = $1`,
			id, camp.ID, i.Version)
		if err != nil {
			return err
		}
		if err := logTx(ctx, tx, id, s.d.Now(), "edited", "", by); err != nil || i.isHeld() {
			return err
		}
		i.ApprovedBy, i.SendNow = nil, false
		return s.mustMove(ctx, tx, i, move{state: n.settled(i), tryAt: i.RunAt, by: by})
	})
}

// writeTx writes content into the campaign of an issue.
func (s *Service) writeTx(ctx context.Context, tx pgx.Tx, c campaigns.Campaign, to Content) error {
	in := c.Input
	in.Subject, in.Preheader, in.HTML, in.Text = to.Subject, to.Preheader, to.HTML, to.Text
	in.Kind, in.LayoutID, in.KeepCSS = to.Kind, to.LayoutID, to.KeepCSS
	return s.d.Campaigns.UpdateTx(ctx, tx, c.ID, in)
}
