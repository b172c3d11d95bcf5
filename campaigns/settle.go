package campaigns

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	if !s.d.Node.MayJudge() {
		return nil
	}
	nodes, err := s.d.Node.Silent(ctx)
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
		ids, err := collectIDs(ctx, tx, `
			SELECT c.id FROM campaigns c WHERE c.started_at IS NOT NULL
				AND EXISTS (SELECT FROM deliveries d WHERE d.campaign_id = c.id AND d.state IN (1, 6) AND d.node_id = $1) ORDER BY c.id`, node)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.settleCampaign(ctx, tx, node, id, records, &res); err != nil {
				return err
			}
		}
		return nil
	})
	return res, err
}

type heldRow struct {
	claimed
	state   State
	relayID *int64
}

// heldBy reads what a node has claimed of a campaign, and what was put down as unconfirmed when it fell silent.
func heldBy(ctx context.Context, tx pgx.Tx, node string, campaignID int64) ([]heldRow, error) {
	rows, err := tx.Query(ctx, `
		SELECT seq, subscriber_id, email, attempts, first_tried_at, updated_at, state, relay_id FROM deliveries
		WHERE campaign_id = $2 AND state IN (1, 6) AND node_id = $1 ORDER BY seq FOR UPDATE`, node, campaignID)
	if err != nil {
		return nil, fmt.Errorf("reading what node %s had claimed: %w", node, err)
	}
	var all []heldRow
	r := heldRow{claimed: claimed{campaignID: campaignID}}
	_, err = pgx.ForEachRow(rows, []any{&r.Seq, &r.SubscriberID, &r.Email, &r.Attempts, &r.FirstTriedAt, &r.ClaimedAt, &r.state, &r.relayID}, func() error {
		all = append(all, r)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading what node %s had claimed: %w", node, err)
	}
	return all, nil
}

func (s *Service) settleCampaign(ctx context.Context, tx pgx.Tx, node string, id int64, records map[journal.Key]journal.Record, res *Settled) error {
	// The campaign before its deliveries, as everybody does who needs both.
	campaign, err := lockCampaign(ctx, tx, id)
	if err != nil {
		return err
	}
	held, err := heldBy(ctx, tx, node, id)
	if err != nil {
		return err
	}
	relays, from, err := s.d.Sender.RelaysFor(ctx, campaign.RelayIDs, sender.DomainOf(campaign.FromEmail))
	if err != nil {
		return err
	}
	c := claim{campaignID: id, from: from, policy: campaign.UnconfirmedPolicy, expires: time.Duration(campaign.ExpiresAfterHours) * time.Hour, node: node}
	byRelay := map[int64][]heldRow{}
	for _, row := range held {
		relay := relayOf(relays, row.relayID)
		byRelay[relay.ID] = append(byRelay[relay.ID], row)
	}
	for _, relayID := range slices.Sorted(maps.Keys(byRelay)) {
		c.relay = relayOf(relays, &relayID)
		if err := s.settleRows(ctx, tx, c, byRelay[relayID], records, res); err != nil {
			return err
		}
	}
	return nil
}

// settleRows records what became of the deliveries that were claimed for one relay.
func (s *Service) settleRows(ctx context.Context, tx pgx.Tx, c claim, held []heldRow, records map[journal.Key]journal.Record, res *Settled) error {
	t := terms{policy: c.policy, expires: c.expires, provider: c.relay.PresetKey(), now: s.d.Now()}
	var attempts []attempt
	var decisions []decision
	for _, row := range held {
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
	return s.recordTx(ctx, tx, c, attempts, decisions)
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
