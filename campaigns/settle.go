package campaigns

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns/journal"
	"postrider/internal/pg"
	"postrider/sender"
	"postrider/sender/reply"
	"postrider/sender/smtpconn"
)

// Settled is what the recovery found out about the claims of a dead node.
type Settled struct {
	Node string
	// Requeued were never accepted by anyone; Recorded have the reply that the journal kept; Unconfirmed are in doubt.
	Requeued, Recorded, Unconfirmed int
}

// SettleLocal accounts for the nodes whose journals lie in dir and whose processes are gone. It runs at start, before anything is sent.
func (s *Service) SettleLocal(ctx context.Context, dir string) ([]Settled, error) {
	orphans, err := journal.Orphans(dir)
	if err != nil {
		return nil, err
	}
	var all []Settled
	for _, o := range orphans {
		r, err := s.settle(ctx, o.Node, o.Records)
		if err != nil {
			o.Release()
			return all, err
		}
		if err := o.Remove(); err != nil {
			return all, fmt.Errorf("removing the journal of node %s: %w", o.Node, err)
		}
		all = append(all, r)
		s.d.Logger.Info("a node that had died is accounted for", "node", o.Node, "requeued", r.Requeued, "recorded", r.Recorded, "unconfirmed", r.Unconfirmed)
	}
	return all, nil
}

// settleSilent accounts for nodes whose lease ended long ago and whose journal is not here. All that they had claimed is in doubt.
func (s *Service) settleSilent(ctx context.Context) error {
	nodes, err := sender.SilentNodes(ctx, s.d.Pool)
	if err != nil {
		return err
	}
	for _, node := range nodes {
		r, err := s.settle(ctx, node, nil)
		if err != nil {
			return err
		}
		s.d.Logger.Warn("a node fell silent and is accounted for without its journal", "node", node, "unconfirmed", r.Unconfirmed)
	}
	return nil
}

// settle brings the ledger up to date with what a dead node had in hand. records nil means that its journal is lost.
func (s *Service) settle(ctx context.Context, node string, records map[journal.Key]journal.Record) (Settled, error) {
	res := Settled{Node: node}
	err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		first, err := sender.SettleNodeTx(ctx, tx, node)
		if err != nil {
			return err
		}
		if !first && records == nil {
			return nil
		}
		if err := reviveJobs(ctx, tx, node); err != nil {
			return err
		}
		held, err := heldBy(ctx, tx, node)
		if err != nil {
			return err
		}
		for _, h := range held {
			if err := s.settleCampaign(ctx, tx, node, h, records, &res); err != nil {
				return err
			}
		}
		return nil
	})
	return res, err
}

// held is what a node holds of one campaign.
type held struct {
	campaignID int64
	policy     string
	expires    time.Duration
	relayID    int64
	rows       []heldRow
}

type heldRow struct {
	claimed
	state State
}

// heldBy finds the rows a node has claimed, and those that were put down as unconfirmed when it fell silent.
func heldBy(ctx context.Context, tx pgx.Tx, node string) ([]*held, error) {
	rows, err := tx.Query(ctx, `
		SELECT c.id, c.unconfirmed_policy, c.expires_after_hours, d.seq, d.subscriber_id, d.email, d.attempts, d.first_tried_at, d.state, COALESCE(c.relay_id, 0)
		FROM campaigns c JOIN deliveries d ON d.campaign_id = c.id
		WHERE c.started_at IS NOT NULL AND d.state IN (1, 6) AND d.node_id = $1
		ORDER BY c.id, d.seq FOR UPDATE OF d`, node)
	if err != nil {
		return nil, fmt.Errorf("reading what node %s had claimed: %w", node, err)
	}
	var all []*held
	var r heldRow
	var policy string
	var hours int
	var relay int64
	_, err = pgx.ForEachRow(rows, []any{&r.campaignID, &policy, &hours, &r.Seq, &r.SubscriberID, &r.Email, &r.Attempts, &r.FirstTriedAt, &r.state, &relay}, func() error {
		if n := len(all); n == 0 || all[n-1].campaignID != r.campaignID {
			all = append(all, &held{campaignID: r.campaignID, policy: policy, expires: time.Duration(hours) * time.Hour, relayID: relay})
		}
		h := all[len(all)-1]
		h.rows = append(h.rows, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading what node %s had claimed: %w", node, err)
	}
	return all, nil
}

func (s *Service) settleCampaign(ctx context.Context, tx pgx.Tx, node string, h *held, records map[journal.Key]journal.Record, res *Settled) error {
	c := claim{campaignID: h.campaignID, policy: h.policy, expires: h.expires, node: node}
	c.relay.ID = h.relayID
	t := terms{policy: h.policy, expires: h.expires, now: s.d.Now()}
	var attempts []attempt
	var decisions []decision
	for _, row := range h.rows {
		a, ok := recall(row, records)
		if !ok {
			continue
		}
		d := a.decide(t)
		attempts, decisions = append(attempts, a), append(decisions, d)
		switch {
		case d.released:
			res.Requeued++
		case a.outcome.State == smtpconn.InDoubt:
			res.Unconfirmed++
		default:
			res.Recorded++
		}
	}
	if err := s.recordTx(ctx, tx, c, attempts, decisions); err != nil {
		return err
	}
	return s.requeueTx(ctx, tx, h.campaignID)
}

// recall makes of a row and the dead node's journal the attempt as it ended. ok is false when there is nothing to add to what the ledger says.
func recall(row heldRow, records map[journal.Key]journal.Record) (a attempt, ok bool) {
	a = attempt{claimed: row.claimed}
	rec, known := records[journal.Key{CampaignID: row.campaignID, Seq: row.Seq}]
	known = known && rec.Attempt == row.Attempts
	switch {
	case known && rec.Reply != nil:
		a.outcome.Reply = reply.Reply{Code: rec.Reply.Code, Status: rec.Reply.Status, Text: rec.Reply.Text, Stage: reply.StageDot}
		a.outcome.State = smtpconn.Rejected
		if a.outcome.Reply.Positive() {
			a.outcome.State = smtpconn.Accepted
		}
	case row.state == Unconfirmed:
		// The journal keeps nothing of what was recorded, so its silence says nothing about a row that was.
		return a, false
	case known || records == nil:
		a.outcome.State = smtpconn.InDoubt
	default:
		a.unsent = errNeverDotted
	}
	return a, true
}

var errNeverDotted = errors.New("the final dot was never sent")

// reviveJobs makes the jobs that a dead node was working on available again. River itself would take them for stuck only after RescueAfter.
func reviveJobs(ctx context.Context, tx pgx.Tx, node string) error {
	return exec(ctx, tx, `
		UPDATE river_job SET state = 'available', scheduled_at = now(), attempt = GREATEST(attempt - 1, 0)
		WHERE state = 'running' AND attempted_by[cardinality(attempted_by)] = $1`, node)
}
