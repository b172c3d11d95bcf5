package newsletters

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// gathered is what came of gathering the content of an issue. stopped says that the issue was moved, and that there is nothing to send for now.
type gathered struct {
	stopped bool
	old     string // why what was read before is used, "" when it is not
}

// prepare makes the campaign of an issue, or writes it anew.
func (s *Service) prepare(ctx context.Context, n Newsletter, i Issue) error {
	r, err := s.gather(ctx, n, i)
	if err != nil || r.stopped {
		return err
	}
	if i, err = getIssue(ctx, s.d.Pool, i.ID, ""); err != nil || i.Stale || i.CampaignID == nil {
		return err // the issue is to be prepared again
	}
	if i.isHeld() {
		return s.move(ctx, i, move{state: i.State, why: i.ReasonCode, reason: i.note(), tryAt: i.LateUntil})
	}
	if i.State != StatePreparing {
		return nil // somebody was faster
	}
	m := move{state: n.after(i), reason: r.old, tryAt: i.RunAt}
	if r.old != "" {
		m.why = WhyOldCopy
	}
	return s.move(ctx, i, m)
}

// gather asks the source, fills the template and writes the campaign.
func (s *Service) gather(ctx context.Context, n Newsletter, i Issue) (gathered, error) {
	var r gathered
	var got Fetched
	if n.Source.Kind != SourceDraft {
		var err error
		got, err = s.refetch(ctx, n, i.maxAge(s.d.Now()))
		var failed *sourceError
		switch {
		case errors.As(err, &failed):
			got.Trouble = failed.text
		case err != nil:
			return r, err
		}
		r.old = got.Trouble
	}
	content, items, stop, err := s.contentOf(ctx, n, i, got)
	if err != nil {
		return r, err
	}
	if stop != nil {
		r.stopped = true
		return r, s.move(ctx, i, s.keepHold(i, *stop))
	}
	err = pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error { return s.applyTx(ctx, tx, n, i, content, items) })
	switch {
	case err == nil || errs.KindOf(err) == errs.Internal && !errors.Is(err, errChanged) && !errors.Is(err, errTaken):
		return r, err
	case errors.Is(err, errChanged):
		r.stopped = true
		return r, nil
	case errors.Is(err, errTaken):
		r.stopped = true
		return r, s.move(ctx, i, move{state: i.State, why: i.ReasonCode, reason: i.Reason, tryAt: s.d.Now().Add(tickEvery)})
	}
	r.stopped = true
	m := move{state: i.State, why: WhyContent, reason: "the campaign cannot be made: " + words(err), tryAt: s.d.Now().Add(retryEvery)}
	return r, s.move(ctx, i, s.keepHold(i, m))
}

// notAnew stands between a person's note on a held issue and why its content could not be gathered anew.
const notAnew = "; it is not prepared anew yet: "

// note is the note of whoever holds the issue.
func (i Issue) note() string {
	note, _, _ := strings.Cut(i.Reason, notAnew)
	return note
}

// keepHold leaves an issue held that a person holds, and says beside the note what else there is to say.
func (s *Service) keepHold(i Issue, m move) move {
	if !i.isHeld() {
		return m
	}
	return move{state: i.State, why: i.ReasonCode, reason: i.note() + notAnew + m.reason, tryAt: s.d.Now().Add(retryEvery)}
}

// contentOf fills the template. stop says how the issue is to be moved when there is no content to be had.
func (s *Service) contentOf(ctx context.Context, n Newsletter, i Issue, got Fetched) (c Content, items []Item, stop *move, err error) {
	g := Gathered{Fetched: got, Date: i.Date.String(), Name: n.Name}
	if err := s.d.Pool.QueryRow(ctx, `SELECT count(*) + 1 FROM newsletter_issues WHERE newsletter_id = $1 AND local_date < $2::date AND state <> 'skipped'`, n.ID, i.Date.String()).Scan(&g.Number); err != nil {
		return c, nil, nil, fmt.Errorf("counting the issues of newsletter %d: %w", n.ID, err)
	}
	if g.ArchiveURL, err = s.archiveURL(ctx, n, i); err != nil {
		return c, nil, nil, err
	}
	enough := true
	switch n.Source.Kind {
	case SourceFeed:
		if items, err = newItems(ctx, s.d.Pool, n.ID, i.ID, n.Rules.MaxItems); err != nil {
			return c, nil, nil, err
		}
		g.Items, enough = items, len(items) >= n.Rules.MinItems
	case SourceJSON:
		enough = got.Document != nil
	}
	if !enough {
		return c, nil, s.notEnough(n, i, len(items), got.Trouble), nil
	}
	c = n.Content
	if s.d.Fill != nil {
		if c, err = s.d.Fill.Fill(ctx, c, g); err != nil {
			if ctx.Err() != nil {
				return c, nil, nil, err
			}
			return c, nil, &move{state: i.State, why: WhyContent, reason: "the content cannot be made: " + words(err), tryAt: s.d.Now().Add(retryEvery)}, nil
		}
	}
	return c, items, nil, nil
}

// notEnough says what becomes of an issue without enough content: before its time it waits, at its time it is skipped, unless the source did not answer, which is waited for.
func (s *Service) notEnough(n Newsletter, i Issue, items int, failure string) *move {
	now := s.d.Now()
	m := move{state: StatePreparing, why: WhyFewItems, tryAt: now.Add(pollEvery)}
	switch {
	case items > 0:
		m.reason = fmt.Sprintf("only %d new, and it needs %d", items, n.Rules.MinItems)
	default:
		m.reason = "there is nothing new"
	}
	switch {
	case failure != "":
		m.why, m.reason, m.tryAt = WhyFetch, "the source does not answer: "+failure, now.Add(retryEvery)
	case !now.Before(i.RunAt) || i.SendNow:
		m.state, m.tryAt = StateSkipped, now
	}
	if m.state == StatePreparing && now.Before(i.RunAt) && m.tryAt.After(i.RunAt) {
		m.tryAt = i.RunAt
	}
	return &m
}

// errChanged says that somebody changed the issue while its content was being gathered.
var errChanged = errors.New("the issue was changed meanwhile")

// applyTx writes content into the campaign of an issue, which it makes when there is none. What a person wrote into the campaign since stays, and makes the issue an edited one.
func (s *Service) applyTx(ctx context.Context, tx pgx.Tx, n Newsletter, seen Issue, c Content, items []Item) error {
	var camp campaigns.Campaign
	var err error
	if seen.CampaignID != nil {
		if camp, err = s.d.Campaigns.LockTx(ctx, tx, *seen.CampaignID); err != nil {
			return err
		}
	}
	i, err := getIssue(ctx, tx, seen.ID, "FOR UPDATE OF i")
	if err != nil {
		return err
	}
	if i.Version != seen.Version || i.State != seen.State || i.ReasonCode != seen.ReasonCode || i.frozen() || !i.unsent() || (i.CampaignID == nil) != (seen.CampaignID == nil) {
		return errChanged
	}
	if seen.CampaignID == nil {
		if camp, err = s.d.Campaigns.CreateTx(ctx, tx, n.campaign(n.title(i), c)); err != nil {
			return err
		}
	} else if i.rewritten(camp) {
		if err := exec(ctx, tx, `UPDATE newsletter_issues SET edited = true, stale = false WHERE id = $1`, i.ID); err != nil {
			return err
		}
		return logTx(ctx, tx, i.ID, s.d.Now(), "edited", "on the page of its campaign", "")
	} else if err := s.d.Campaigns.UpdateTx(ctx, tx, camp.ID, n.campaign(n.title(i), c)); err != nil {
		return err
	}
	if err := takeItemsTx(ctx, tx, i, items, s.d.Now()); err != nil {
		return err
	}
	return exec(ctx, tx, `
		UPDATE newsletter_issues i SET campaign_id = $2, stale = false, written_at = (SELECT updated_at FROM campaigns WHERE id = $2),
			number = (SELECT count(*) + 1 FROM newsletter_issues x WHERE x.newsletter_id = i.newsletter_id AND x.local_date < i.local_date AND x.state <> 'skipped')
		WHERE i.id = $1`, i.ID, camp.ID)
}

// title is the name of the campaign of an issue, for the people who run the service.
func (n Newsletter) title(i Issue) string { return n.Name + ", " + i.Date.String() }
