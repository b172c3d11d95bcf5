package campaigns

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/internal/pg"
	"postrider/sender"
	"postrider/templates"
)

// claimed is a delivery that this node works on.
type claimed struct {
	campaignID   int64
	Seq          int32
	SubscriberID int64
	Email        string
	Attempts     int16
	FirstTriedAt time.Time
	person       templates.Person
}

// claim is what one look at the queue gave.
type claim struct {
	campaignID int64
	run        int // of the campaign when it was claimed; 0 for what is settled after a node's death, which has no job any more
	policy     string
	expires    time.Duration
	relay      sender.Relay
	stale      bool
	unnotable  bool // the journal takes no lines
	// wait is until when nothing may be claimed; zero when something may.
	wait time.Time
	// last is the greatest seq that was looked at, 0 when there was none: rows also count that were skipped.
	last int32
	rows []claimed
	node string
}

type claimRow struct {
	Seq          int32
	SubscriberID int64
	Email        string
	Attempts     int16
	FirstTriedAt time.Time
	Name         *string
	Attributes   []byte
	Mailable     bool
}

// claim takes the next queued deliveries of the range from lo on. In the same transaction it looks whether the campaign still runs, and whether each
// person may still be mailed.
//
// Invariant: the claim is committed before anything is sent.
func (s *Service) claim(ctx context.Context, a DeliverArgs, lo int32) (claim, error) {
	c := claim{campaignID: a.CampaignID, run: a.Run, node: s.d.Node.ID}
	var status Status
	var run int
	var relayID int64
	var hours int
	var listIDs []int64
	err := s.d.Pool.QueryRow(ctx, `
		SELECT status, run, COALESCE(relay_id, 0), unconfirmed_policy, expires_after_hours,
			ARRAY(SELECT list_id FROM campaign_lists WHERE campaign_id = $1)
		FROM campaigns WHERE id = $1`, a.CampaignID).Scan(&status, &run, &relayID, &c.policy, &hours, &listIDs)
	if err == pgx.ErrNoRows {
		return claim{stale: true}, nil
	}
	if err != nil {
		return c, fmt.Errorf("looking at campaign %d: %w", a.CampaignID, err)
	}
	c.expires = time.Duration(hours) * time.Hour
	if status != StatusRunning || run != a.Run {
		c.stale = true
		return c, nil
	}
	c.relay, err = s.d.Sender.GetRelay(ctx, relayID)
	if err != nil {
		return c, err
	}
	if c.wait = c.relay.NotBefore(s.d.Now()); !c.wait.IsZero() {
		return c, nil
	}
	if c.unnotable = !s.canNote(ctx, relayID); c.unnotable {
		return c, nil
	}
	err = pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error { return s.claimTx(ctx, tx, a, lo, listIDs, &c) })
	if err != nil {
		s.inflight.suspect.Store(s.d.Now().UnixNano())
		return c, err
	}
	s.inflight.add(c.rows)
	return c, nil
}

func (s *Service) claimTx(ctx context.Context, tx pgx.Tx, a DeliverArgs, lo int32, listIDs []int64, c *claim) error {
	if alive, err := sender.FenceTx(ctx, tx, s.d.Node.ID); err != nil || !alive {
		c.stale = true
		return err
	}
	most, again, err := sender.ReserveTx(ctx, tx, c.relay, s.claimSize(c.relay), s.d.Now())
	if err != nil || most == 0 {
		c.wait = again
		return err
	}
	// The status is asked again inside: a claim may overlap with a Pause, but none begins after one has been answered.
	rows, err := pg.Many[claimRow](ctx, tx, "queued deliveries", `
		WITH q AS (
			SELECT d.seq FROM deliveries d
			WHERE d.campaign_id = $1 AND d.seq BETWEEN $2 AND $3 AND d.state = 0
				AND EXISTS (SELECT FROM campaigns c WHERE c.id = $1 AND c.status = 'running' AND c.run = $4)
			ORDER BY d.seq LIMIT $5 FOR UPDATE OF d SKIP LOCKED),
		u AS (
			UPDATE deliveries d SET state = 1, node_id = $6, attempts = d.attempts + 1, updated_at = now(),
				first_tried_at = COALESCE(d.first_tried_at, now())
			FROM q WHERE d.campaign_id = $1 AND d.seq = q.seq
			RETURNING d.seq, d.subscriber_id, d.email, d.attempts, d.first_tried_at)
		SELECT u.seq, u.subscriber_id, u.email, u.attempts, u.first_tried_at, s.name, s.attributes,
			s.id IS NOT NULL AND `+audience.StillMailableSQL("u.subscriber_id", "$7")+` AS mailable
		FROM u LEFT JOIN subscribers s ON s.id = u.subscriber_id ORDER BY u.seq`,
		a.CampaignID, lo, a.Hi, a.Run, most, s.d.Node.ID, listIDs)
	if err != nil {
		return err
	}
	var gone []int32
	for _, r := range rows {
		c.last = r.Seq
		if !r.Mailable {
			gone = append(gone, r.Seq)
			continue
		}
		person, err := r.person()
		if err != nil {
			return err
		}
		c.rows = append(c.rows, claimed{a.CampaignID, r.Seq, r.SubscriberID, r.Email, r.Attempts, r.FirstTriedAt, person})
	}
	if err := sender.ClaimedTx(ctx, tx, c.relay, s.d.Node.ID, len(c.rows)); err != nil || len(gone) == 0 {
		return err
	}
	return exec(ctx, tx, `
		UPDATE deliveries SET state = 7, node_id = NULL, attempts = attempts - 1, updated_at = now(),
			skip_reason = 'left the audience after the campaign started (unsubscribed, suppressed or deleted)'
		WHERE campaign_id = $1 AND seq = ANY ($2)`, a.CampaignID, gone)
}

func (r claimRow) person() (templates.Person, error) {
	p := templates.Person{ID: r.SubscriberID, Email: r.Email}
	if r.Name != nil {
		p.Name = *r.Name
	}
	if len(r.Attributes) > 0 {
		if err := json.Unmarshal(r.Attributes, &p.Attributes); err != nil {
			return p, fmt.Errorf("reading the attributes of subscriber %d: %w", r.SubscriberID, err)
		}
	}
	return p, nil
}

// skipWaiting ends everything of a campaign that waits.
func skipWaiting(ctx context.Context, tx pgx.Tx, id int64, reason string) error {
	return exec(ctx, tx, `
		UPDATE deliveries SET state = 7, skip_reason = $2, next_attempt_at = NULL, updated_at = now()
		WHERE campaign_id = $1 AND state IN (0, 3)`, id, reason)
}
