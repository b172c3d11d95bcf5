package campaigns

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/campaigns/journal"
	"postrider/events"
	"postrider/internal/pg"
	"postrider/sender"
	"postrider/sender/presets"
	"postrider/sender/smtpconn"
)

// What was sent must get into the ledger: recording is tried again until it works, or until the process ends and has waited this long. After that the
// journal has it.
const (
	recordAgain   = 500 * time.Millisecond
	recordGiveUp  = 20 * time.Second
	recordTimeout = 30 * time.Second
)

// record writes the results of a batch to the ledger and settles its journal entries.
func (s *Service) record(c claim, attempts []attempt) error {
	decisions := make([]decision, len(attempts))
	t := terms{policy: c.policy, expires: c.expires, provider: c.relay.PresetKey(), now: s.d.Now()}
	var marks []journal.Mark
	for i := range attempts {
		decisions[i] = attempts[i].decide(t)
		if attempts[i].dotted {
			marks = append(marks, attempts[i].mark)
		}
	}
	if err := s.recordUntilDone(c, attempts, decisions); err != nil {
		return err
	}
	s.d.Journal.Settle(marks)
	s.inflight.remove(attempts)
	return nil
}

func (s *Service) recordUntilDone(c claim, attempts []attempt, decisions []decision) error {
	began := s.d.Now()
	for {
		err := s.recordOnce(c, attempts, decisions)
		if err == nil {
			return nil
		}
		s.d.Logger.Warn("results could not be recorded; trying again", "campaign", c.campaignID, "error", err)
		if s.draining.Load() && s.d.Now().Sub(began) > recordGiveUp {
			return err
		}
		time.Sleep(recordAgain)
	}
}

func (s *Service) recordOnce(c claim, attempts []attempt, decisions []decision) error {
	ctx, cancel := context.WithTimeout(context.Background(), recordTimeout)
	defer cancel()
	return pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error { return s.recordTx(ctx, tx, c, attempts, decisions) })
}

// recordTx updates the rows that are still claimed by the node as they were, and writes attempts, events, suppressions and the minute's figures for
// those. It is safe to run again: a row that was recorded is not claimed any more. Rows that others put down as unconfirmed because the node was silent
// are the node's all the same: it knows what became of them.
func (s *Service) recordTx(ctx context.Context, tx pgx.Tx, c claim, attempts []attempt, decisions []decision) error {
	written, err := updateDeliveries(ctx, tx, c, attempts, decisions)
	if err != nil {
		return err
	}
	var as []attempt
	var ds []decision
	for i := range attempts {
		if written[attempts[i].Seq] {
			as, ds = append(as, attempts[i]), append(ds, decisions[i])
		}
	}
	if err := insertAttempts(ctx, tx, c, as, ds); err != nil {
		return err
	}
	if err := s.bounces(ctx, tx, as, ds); err != nil {
		return err
	}
	if err := countResults(ctx, tx, c, ds); err != nil {
		return err
	}
	if err := s.earlyBouncesTx(ctx, tx, c, as, ds); err != nil {
		return err
	}
	// The campaign before its relays' shares: a claim holds those at its end, and a Cancel waits for claims with the campaign in its hand.
	if err := s.keepGoingTx(ctx, tx, c, ds); err != nil {
		return err
	}
	if err := sender.SitesDoneTx(ctx, tx, c.relay, c.node, bySite(c.relay, as)); err != nil {
		return err
	}
	used := countReached(as)
	if err := sender.UsedTx(ctx, tx, c.relay, c.node, used, len(as)-used); err != nil {
		return err
	}
	return sender.DomainUsedTx(ctx, tx, c.from, c.node, used, len(as)-used)
}

// bySite sums up what the sites had to say, for a relay that has limits for them.
func bySite(relay sender.Relay, attempts []attempt) map[string]sender.SiteResult {
	if !relay.SiteLimits {
		return nil
	}
	results := map[string]sender.SiteResult{}
	for i := range attempts {
		a := &attempts[i]
		if a.site == "" {
			continue
		}
		r := results[a.site]
		r.Count++
		switch {
		case !a.reached():
		case a.outcome.State == smtpconn.Accepted:
			r.Sent++
		case sender.SiteTrouble(presets.Classify(relay.PresetKey(), a.outcome.Reply), a.outcome.Reply.Stage):
			r.Missed++
			r.Reply = a.outcome.Reply.String()
		}
		results[a.site] = r
	}
	return results
}

// keepGoingTx sees to it that what goes back to the queue, or waits for another try, is not forgotten because its campaign has ended meanwhile: what was
// in doubt may turn out to be unsent after the rest was finished, and a cancelled campaign sends nothing more. In a running one the job that claimed it comes
// back for it, unless the campaign runs anew since (it was paused and resumed in between) or the node is gone with its jobs, or was taken for gone.
func (s *Service) keepGoingTx(ctx context.Context, tx pgx.Tx, c claim, decisions []decision) error {
	waiting := slices.ContainsFunc(decisions, func(d decision) bool { return d.state == Queued || d.state == Deferred })
	if !waiting {
		return nil
	}
	var status Status
	var run int
	var settled bool
	// Not FOR UPDATE: what was inserted above refers to the campaign, which would make two that record at the same time wait for one another.
	err := tx.QueryRow(ctx, `
		SELECT status, run, EXISTS (SELECT FROM nodes WHERE id = $2 AND settled_at IS NOT NULL)
		FROM campaigns WHERE id = $1 FOR NO KEY UPDATE`, c.campaignID, c.node).Scan(&status, &run, &settled)
	if err != nil {
		return fmt.Errorf("looking at campaign %d: %w", c.campaignID, err)
	}
	switch {
	case status == StatusCancelled:
		return skipWaiting(ctx, tx, c.campaignID, "campaign cancelled")
	case status == StatusFinished:
		if err := exec(ctx, tx, reviveSQL, c.campaignID); err != nil {
			return err
		}
		return s.newRunTx(ctx, tx, c.campaignID)
	case (status == StatusRunning || status == StatusOpen) && (run != c.run || settled) && slices.ContainsFunc(decisions, func(d decision) bool { return d.state == Queued }):
		return s.newRunTx(ctx, tx, c.campaignID)
	}
	return nil
}

// reviveSQL lets a campaign go on.
const reviveSQL = `UPDATE campaigns SET status = CASE purpose WHEN 'messages' THEN 'open' ELSE 'running' END, pause_reason = NULL, finished_at = NULL, updated_at = now() WHERE id = $1`

func updateDeliveries(ctx context.Context, tx pgx.Tx, c claim, attempts []attempt, decisions []decision) (map[int32]bool, error) {
	n := len(attempts)
	if n == 0 {
		return nil, nil
	}
	seqs, tries, states := make([]int32, n), make([]int16, n), make([]int16, n)
	codes, statuses, texts := make([]*int16, n), make([]*string, n), make([]*string, n)
	nexts, released, claimedAt := make([]*time.Time, n), make([]bool, n), make([]time.Time, n)
	for i, d := range decisions {
		seqs[i], tries[i], states[i] = attempts[i].Seq, attempts[i].Attempts, int16(d.state)
		codes[i], statuses[i], texts[i] = replyColumns(d)
		nexts[i], released[i], claimedAt[i] = d.next, d.released, attempts[i].ClaimedAt
	}
	// The planner knows little of a campaign that has just begun, and is kept from two ways that cost 60 ms and more instead of one: reading the whole
	// campaign, so it is told the bounds of the numbers and the conditions on node and state, which it takes for rare, stand behind a CASE; and comparing each
	// row with each result, so it may not nest loops.
	// An unconfirmed row keeps its node: should that node's journal turn up later, it may still tell what happened. What the node itself put down as
	// unconfirmed is never released; what others did because they took the node for dead is, if it knows that it sent nothing.
	batch := &pgx.Batch{}
	batch.Queue(`SET LOCAL enable_nestloop = off`)
	written := make(map[int32]bool, n)
	batch.Queue(`
		UPDATE deliveries d SET state = u.state, next_attempt_at = u.next, updated_at = now(),
			node_id = CASE WHEN u.state = 6 THEN d.node_id END,
			attempts = CASE WHEN u.released THEN d.attempts - 1 ELSE d.attempts END,
			first_tried_at = CASE WHEN u.released AND d.attempts = 1 THEN NULL ELSE d.first_tried_at END,
			relay_id = CASE WHEN u.released THEN d.relay_id ELSE $2 END,
			reply_code = CASE WHEN u.released THEN d.reply_code ELSE u.code END,
			reply_status = CASE WHEN u.released THEN d.reply_status ELSE u.status END,
			reply_text = CASE WHEN u.released THEN d.reply_text ELSE u.text END
		FROM unnest($4::int[], $5::smallint[], $6::smallint[], $7::smallint[], $8::text[], $9::text[], $10::timestamptz[], $11::bool[], $14::timestamptz[])
			AS u (seq, attempt, state, code, status, text, next, released, claimed_at)
		WHERE d.campaign_id = $1 AND d.seq = u.seq AND d.seq = ANY ($4::int[]) AND d.seq BETWEEN $12 AND $13
			AND CASE WHEN d.node_id = $3 AND d.attempts = u.attempt AND (d.state = 1 AND d.updated_at = u.claimed_at
				OR d.state = 6 AND (NOT u.released OR EXISTS (SELECT FROM nodes n WHERE n.id = $3 AND n.settled_at IS NOT NULL))) THEN true ELSE false END
		RETURNING d.seq`,
		c.campaignID, nullID(c.relay.ID), c.node, seqs, tries, states, codes, statuses, texts, nexts, released, slices.Min(seqs), slices.Max(seqs), claimedAt,
	).Query(func(rows pgx.Rows) error {
		var seq int32
		_, err := pgx.ForEachRow(rows, []any{&seq}, func() error { written[seq] = true; return nil })
		return err
	})
	batch.Queue(`SET LOCAL enable_nestloop = on`)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, fmt.Errorf("recording results of campaign %d: %w", c.campaignID, err)
	}
	return written, nil
}

func nullID(id int64) *int64 {
	if id == 0 {
		return nil
	}
	return &id
}

func replyColumns(d decision) (code *int16, status, text *string) {
	if d.replyCode != 0 {
		n := int16(d.replyCode)
		code = &n
	}
	if d.replyStatus != "" {
		status = &d.replyStatus
	}
	if d.replyText != "" {
		text = &d.replyText
	}
	return code, status, text
}

func insertAttempts(ctx context.Context, tx pgx.Tx, c claim, attempts []attempt, decisions []decision) error {
	batch := &pgx.Batch{}
	for i, d := range decisions {
		if !d.log {
			continue
		}
		code, status, text := replyColumns(d)
		batch.Queue(`
			INSERT INTO delivery_attempts (campaign_id, seq, attempt, relay_id, outcome, reply_code, reply_status, reply_text, reason, fault)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
			c.campaignID, attempts[i].Seq, attempts[i].Attempts, nullID(c.relay.ID), d.state.String(), code, status, text, d.reason, d.fault)
	}
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("recording attempts of campaign %d: %w", c.campaignID, err)
	}
	return nil
}

// bounces writes the events of refused mail and suppresses those whom the server said not to know.
func (s *Service) bounces(ctx context.Context, tx pgx.Tx, attempts []attempt, decisions []decision) error {
	var evs []events.Event
	var soft []softBounced
	for i, d := range decisions {
		if d.state != Bounced {
			continue
		}
		a := attempts[i]
		e := events.Event{
			Kind: events.KindBounce, CampaignID: a.campaignID, Seq: a.Seq, SubscriberID: a.SubscriberID, Detail: d.words(), Reason: d.reason,
			Soft: !d.suppress && softFault(d.fault),
		}
		evs = append(evs, e)
		if e.Soft {
			soft = append(soft, softBounced{a.SubscriberID, a.Email})
		}
		if d.suppress {
			if err := s.suppressTx(ctx, tx, a.Email, audience.ReasonBounce, fmt.Sprintf("campaign %d", a.campaignID), d.words()); err != nil {
				return err
			}
		}
	}
	if len(evs) == 0 {
		return nil
	}
	if err := s.d.Events.RecordTx(ctx, tx, evs); err != nil {
		return err
	}
	_, err := s.giveUpTx(ctx, tx, soft)
	return err
}

func (d decision) words() string {
	return fmt.Sprintf("%d %s", d.replyCode, d.replyText)
}

// minuteShards keep writers of the same minute from waiting for one another.
const minuteShards = 16

// countResults adds results to the figures of this minute of the campaign and of this hour of the relay.
func countResults(ctx context.Context, tx pgx.Tx, c claim, decisions []decision) error {
	var sent, bounced, deferred int
	for _, d := range decisions {
		switch d.state {
		case Sent:
			sent++
		case Bounced:
			bounced++
		case Deferred:
			deferred++
		}
	}
	if sent+bounced+deferred > 0 {
		if err := addToMinute(ctx, tx, c.campaignID, sent, bounced, deferred); err != nil {
			return err
		}
	}
	return addToHour(ctx, tx, c.relay.ID, decisions)
}

// addToMinute counts what happens in this minute.
func addToMinute(ctx context.Context, tx pgx.Tx, campaignID int64, sent, bounced, deferred int) error {
	return exec(ctx, tx, `
		INSERT INTO campaign_minutes AS m (campaign_id, minute, shard, sent, bounced, deferred)
		VALUES ($1, date_trunc('minute', now()), (pg_backend_pid() % $5)::smallint, $2, $3, $4)
		ON CONFLICT (campaign_id, minute, shard) DO UPDATE SET
			sent = m.sent + excluded.sent, bounced = m.bounced + excluded.bounced, deferred = m.deferred + excluded.deferred`,
		campaignID, sent, bounced, deferred, minuteShards)
}
