package campaigns

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
	"postrider/sender"
)

// finishDone finishes the campaigns that have nothing left to do.
func (s *Service) finishDone(ctx context.Context) error {
	ids, err := collectIDs(ctx, s.d.Pool, `
		SELECT c.id FROM campaigns c WHERE c.status = 'running' AND c.freeze_after IS NULL
			AND (SELECT COALESCE(sum(n.queued + n.claimed + n.deferred), 0) FROM campaign_counts n WHERE n.campaign_id = c.id) = 0`)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error { return finishTx(ctx, tx, id) }); err != nil {
			return fmt.Errorf("finishing campaign %d: %w", id, err)
		}
	}
	return nil
}

// finishTx finishes a running campaign if its ledger says that nothing is left. Somebody may be putting deliveries back into the queue right now; who does so
// holds the campaign.
func finishTx(ctx context.Context, tx pgx.Tx, id int64) error {
	c, err := lockCampaign(ctx, tx, id)
	if err != nil || c.Status != StatusRunning || c.Freezing {
		return err
	}
	var left bool
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM deliveries WHERE campaign_id = $1 AND state IN (0, 1, 3))`, id).Scan(&left)
	if err != nil || left {
		return err
	}
	if err := exec(ctx, tx, `UPDATE campaigns SET status = 'finished', finished_at = now(), updated_at = now() WHERE id = $1`, id); err != nil {
		return err
	}
	return mergeCounts(ctx, tx, id)
}

// mergeCounts puts what the backends of the database counted for a campaign into one row. Those that are counting now are left alone.
func mergeCounts(ctx context.Context, tx pgx.Tx, id int64) error {
	return exec(ctx, tx, `
		WITH gone AS (
			DELETE FROM campaign_counts WHERE campaign_id = $1 AND backend IN (
				SELECT backend FROM campaign_counts WHERE campaign_id = $1 AND backend <> 0 FOR UPDATE SKIP LOCKED)
			RETURNING queued, claimed, sent, deferred, bounced, failed, unconfirmed, skipped)
		INSERT INTO campaign_counts AS c (campaign_id, backend, queued, claimed, sent, deferred, bounced, failed, unconfirmed, skipped)
		SELECT $1, 0, sum(queued), sum(claimed), sum(sent), sum(deferred), sum(bounced), sum(failed), sum(unconfirmed), sum(skipped)
		FROM gone HAVING count(*) > 0
		ON CONFLICT (campaign_id, backend) DO UPDATE SET
			queued = c.queued + excluded.queued, claimed = c.claimed + excluded.claimed, sent = c.sent + excluded.sent,
			deferred = c.deferred + excluded.deferred, bounced = c.bounced + excluded.bounced, failed = c.failed + excluded.failed,
			unconfirmed = c.unconfirmed + excluded.unconfirmed, skipped = c.skipped + excluded.skipped`, id)
}

// Stats gives the figures of a campaign as they are now.
func (s *Service) Stats(ctx context.Context, id int64) (Stats, error) {
	c, err := s.Get(ctx, id)
	if err != nil {
		return Stats{}, err
	}
	return s.statsOf(ctx, c)
}

func (s *Service) statsOf(ctx context.Context, c Campaign) (Stats, error) {
	st := Stats{Excluded: int64(c.Excluded), AsOf: s.d.Now()}
	if c.StartedAt == nil {
		return st, nil
	}
	if err := s.count(ctx, c.ID, &st); err != nil {
		return st, err
	}
	if err := s.waiting(ctx, c, &st); err != nil {
		return st, err
	}
	counts, err := s.d.Events.Counts(ctx, c.ID)
	if err != nil {
		return st, err
	}
	st.Opens, st.UniqueOpens, st.Clicks, st.UniqueClicks, st.Unsubscribes = counts.Opens, counts.UniqueOpens, counts.Clicks, counts.UniqueClicks, counts.Unsubscribes
	switch {
	case c.Status != StatusRunning:
	case st.Queued-st.Waiting+st.Claimed > 0:
		return st, errors.Join(s.pace(ctx, c, &st), s.heldUp(ctx, c, &st))
	case st.Waiting > 0:
		st.HeldUp = notYet(c, st)
	}
	return st, nil
}

// notYet says that everything that may go has gone, and when the next part may.
func notYet(c Campaign, st Stats) *sender.Holdup {
	h := &sender.Holdup{Code: sender.HoldupNotYet, Reason: fmt.Sprintf("%d wait for their time", st.Waiting)}
	if state := c.ABState(); state == ABAsking {
		h.Reason = fmt.Sprintf("the A/B test has no clear winner: choose what the other %d get", st.Waiting)
	} else if state == ABRunning || state == ABSampling {
		h.Reason = fmt.Sprintf("%d wait for the winner of the A/B test", st.Waiting)
	}
	if st.NextOpensAt != nil {
		h.Until = *st.NextOpensAt
	}
	return h
}

// heldUp looks whether something is in the way of the From domain, or of all relays of the campaign: of several relays the one counts that is free first.
func (s *Service) heldUp(ctx context.Context, c Campaign, st *Stats) error {
	stop, err := s.d.Sender.LastStop(ctx)
	if st.HeldUp = stop.Holdup(); err != nil || st.HeldUp != nil {
		return err
	}
	relays, from, err := s.d.Sender.RelaysFor(ctx, c.RelayIDs, sender.DomainOf(c.FromEmail))
	if err != nil {
		return err
	}
	if st.HeldUp, err = s.d.Sender.DomainHoldup(ctx, from); err != nil {
		return err
	}
	if opens := c.Window.Opens(s.d.Now()); opens.After(s.d.Now()) {
		window := &sender.Holdup{Code: sender.HoldupOutsideWindow, Reason: "outside of the campaign's sending window", Until: opens}
		st.HeldUp = window.Later(st.HeldUp)
	}
	var first *sender.Holdup
	for _, r := range relays {
		h, err := s.d.Sender.Holdup(ctx, r)
		if err != nil || h == nil {
			return err
		}
		if first == nil || !h.Until.IsZero() && (first.Until.IsZero() || h.Until.Before(first.Until)) {
			first = h
		}
	}
	if first != nil && len(relays) > 1 {
		first.Reason = "no relay can be used; the first one that can: " + first.Reason
	}
	st.HeldUp = first.Later(st.HeldUp)
	return nil
}

// count reads how many deliveries are in which state.
func (s *Service) count(ctx context.Context, id int64, st *Stats) error {
	err := s.d.Pool.QueryRow(ctx, `
		SELECT COALESCE(sum(queued), 0), COALESCE(sum(claimed), 0), COALESCE(sum(sent), 0), COALESCE(sum(deferred), 0),
			COALESCE(sum(bounced), 0), COALESCE(sum(failed), 0), COALESCE(sum(unconfirmed), 0), COALESCE(sum(skipped), 0)
		FROM campaign_counts WHERE campaign_id = $1`, id).
		Scan(&st.Queued, &st.Claimed, &st.Sent, &st.Deferred, &st.Bounced, &st.Failed, &st.Unconfirmed, &st.Skipped)
	if err != nil {
		return fmt.Errorf("reading the figures of campaign %d: %w", id, err)
	}
	st.Recipients = st.Queued + st.Claimed + st.Sent + st.Deferred + st.Bounced + st.Failed + st.Unconfirmed + st.Skipped
	return nil
}

// pace estimates rate and time left from what was recorded in this minute and the one before. Nobody knows what is left while the audience is being written, or how long
// while some wait for their time.
func (s *Service) pace(ctx context.Context, c Campaign, st *Stats) error {
	var done int64
	var seconds float64
	err := s.d.Pool.QueryRow(ctx, `
		SELECT COALESCE(sum(m.sent + m.bounced + m.deferred), 0),
			EXTRACT(epoch FROM now() - GREATEST(date_trunc('minute', now()) - interval '1 minute', c.started_at))::float8
		FROM campaigns c LEFT JOIN campaign_minutes m ON m.campaign_id = c.id AND m.minute >= date_trunc('minute', now()) - interval '1 minute'
		WHERE c.id = $1 GROUP BY c.started_at`, c.ID).Scan(&done, &seconds)
	if err != nil {
		return fmt.Errorf("reading the pace of campaign %d: %w", c.ID, err)
	}
	if done == 0 || seconds <= 0 {
		return nil
	}
	rate := float64(done) / max(seconds, 1)
	st.RatePerSecond = &rate
	if !c.Freezing && st.Waiting == 0 {
		left := int64(float64(st.Queued+st.Claimed) / rate)
		st.SecondsLeft = &left
	}
	return nil
}
