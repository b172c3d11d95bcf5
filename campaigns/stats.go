package campaigns

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
	"postrider/sender"
)

// rollupClock spaces the roll-ups of a campaign: never more often than once a second, and never so often that they take more than a twentieth of the time.
type rollupClock struct {
	mu   sync.Mutex
	next map[int64]time.Time
}

func (r *rollupClock) due(id int64, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !now.Before(r.next[id])
}

func (r *rollupClock) took(id int64, now time.Time, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.next[id] = now.Add(max(time.Second, 20*d))
}

func (r *rollupClock) forget(id int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.next, id)
}

// rollUpRunning brings the figures of the campaigns that change up to date, and finishes those that have nothing left to do.
func (s *Service) rollUpRunning(ctx context.Context) error {
	ids, err := collectIDs(ctx, s.d.Pool, `
		SELECT c.id FROM campaigns c LEFT JOIN campaign_stats st ON st.campaign_id = c.id
		WHERE c.status IN ('running', 'paused') OR c.finished_at > now() - interval '30 minutes' AND st.states[1] + st.states[2] + st.states[4] > 0`)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if !s.rollups.due(id, s.d.Now()) {
			continue
		}
		if err := s.rollUp(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// rollUp counts the ledger of one campaign. A running campaign with nothing queued, claimed or deferred is finished in the same transaction.
func (s *Service) rollUp(ctx context.Context, id int64) error {
	began := time.Now()
	err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		var open int64
		err := tx.QueryRow(ctx, `
			WITH n AS (SELECT state, count(*)::int AS n FROM deliveries WHERE campaign_id = $1 GROUP BY state),
			st AS (
				INSERT INTO campaign_stats (campaign_id, states, as_of)
				SELECT $1, ARRAY(SELECT COALESCE((SELECT n.n FROM n WHERE n.state = s), 0) FROM generate_series(0, 7) AS s ORDER BY s), now()
				ON CONFLICT (campaign_id) DO UPDATE SET states = excluded.states, as_of = excluded.as_of
				RETURNING states)
			SELECT states[1] + states[2] + states[4] FROM st`, id).Scan(&open)
		if err != nil {
			return fmt.Errorf("rolling up campaign %d: %w", id, err)
		}
		if open > 0 {
			return nil
		}
		// Somebody may be putting deliveries back into the queue right now; who does so holds the campaign.
		c, err := lockCampaign(ctx, tx, id)
		if err != nil || c.Status != StatusRunning {
			return err
		}
		var left bool
		err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM deliveries WHERE campaign_id = $1 AND state IN (0, 1, 3))`, id).Scan(&left)
		if err != nil || left {
			return err
		}
		return exec(ctx, tx, `UPDATE campaigns SET status = 'finished', finished_at = now(), updated_at = now() WHERE id = $1 AND status = 'running'`, id)
	})
	s.rollups.took(id, s.d.Now(), time.Since(began))
	return err
}

// Stats gives the figures of a campaign. Those of the ledger are as of the last roll-up: of a running campaign at most seconds old.
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
	if s.rollups.due(c.ID, s.d.Now()) && c.FinishedAt == nil {
		if err := s.rollUp(ctx, c.ID); err != nil {
			return st, err
		}
	}
	states, asOf, err := s.states(ctx, c.ID)
	if err != nil {
		return st, err
	}
	st.AsOf = asOf
	st.Queued, st.Claimed, st.Sent, st.Deferred = states[Queued], states[Claimed], states[Sent], states[Deferred]
	st.Bounced, st.Failed, st.Unconfirmed, st.Skipped = states[Bounced], states[Failed], states[Unconfirmed], states[Skipped]
	for _, n := range states {
		st.Recipients += n
	}
	counts, err := s.d.Events.Counts(ctx, c.ID)
	if err != nil {
		return st, err
	}
	st.Opens, st.UniqueOpens, st.Clicks, st.UniqueClicks, st.Unsubscribes = counts.Opens, counts.UniqueOpens, counts.Clicks, counts.UniqueClicks, counts.Unsubscribes
	if c.Status == StatusRunning && st.Queued+st.Claimed > 0 {
		return st, errors.Join(s.pace(ctx, c.ID, &st), s.heldUp(ctx, c, &st))
	}
	return st, nil
}

// heldUp looks whether something is in the way of the From domain, or of all relays of the campaign: of several relays the one counts that is free first.
func (s *Service) heldUp(ctx context.Context, c Campaign, st *Stats) error {
	relays, from, err := s.d.Sender.RelaysFor(ctx, c.RelayIDs, sender.DomainOf(c.FromEmail))
	if err != nil {
		return err
	}
	if st.HeldUp, err = s.d.Sender.DomainHoldup(ctx, from); err != nil {
		return err
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

// states reads the rolled-up ledger; a campaign that was never rolled up is counted now.
func (s *Service) states(ctx context.Context, id int64) ([]int64, time.Time, error) {
	var states []int64
	var asOf time.Time
	read := func() error {
		return s.d.Pool.QueryRow(ctx, `SELECT states, as_of FROM campaign_stats WHERE campaign_id = $1`, id).Scan(&states, &asOf)
	}
	err := read()
	if errors.Is(err, pgx.ErrNoRows) {
		if err := s.rollUp(ctx, id); err != nil {
			return nil, asOf, err
		}
		err = read()
	}
	if err != nil {
		return nil, asOf, fmt.Errorf("reading the figures of campaign %d: %w", id, err)
	}
	return states, asOf, nil
}

// pace estimates rate and time left from what was recorded in this minute and the one before.
func (s *Service) pace(ctx context.Context, id int64, st *Stats) error {
	var done int64
	var seconds float64
	err := s.d.Pool.QueryRow(ctx, `
		SELECT COALESCE(sum(m.sent + m.bounced + m.deferred), 0),
			EXTRACT(epoch FROM now() - GREATEST(date_trunc('minute', now()) - interval '1 minute', c.started_at))::float8
		FROM campaigns c LEFT JOIN campaign_minutes m ON m.campaign_id = c.id AND m.minute >= date_trunc('minute', now()) - interval '1 minute'
		WHERE c.id = $1 GROUP BY c.started_at`, id).Scan(&done, &seconds)
	if err != nil {
		return fmt.Errorf("reading the pace of campaign %d: %w", id, err)
	}
	if done == 0 || seconds <= 0 {
		return nil
	}
	rate := float64(done) / max(seconds, 1)
	left := int64(float64(st.Queued+st.Claimed) / rate)
	st.RatePerSecond, st.SecondsLeft = &rate, &left
	return nil
}
