package campaigns

import (
	"context"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/internal/pg"
	"postrider/sender"
	"postrider/templates"
)

// leftMessage goes before why a message is not sent: it has other words than a mailing.
const leftMessage = "message "

// claimMessages is claim for a stream, with what is claimed at berths of its relays. A look that is full got none.
func (s *Service) claimMessages(ctx context.Context, a DeliverArgs, lo int32) (l look, got berth, err error) {
	if s.berths.join(a.CampaignID, lo) { // without a look at anything: of many that come at once most end here
		return look{full: true}, berth{left: true}, nil
	}
	o, err := s.order(ctx, a)
	if err != nil || o.stale {
		return look{stale: o.stale}, got, err
	}
	got = s.berths.take(ctx, a.CampaignID, s.awake(o.relays), lo)
	if len(got.relays) == 0 {
		return look{full: true}, got, nil
	}
	unused := slices.Clone(got.relays)
	defer func() {
		for _, id := range unused {
			s.berths.give(id)
		}
	}()
	if got.waited { // the stream or a relay may have been stopped meanwhile
		if o, err = s.order(ctx, a); err != nil || o.stale {
			return look{stale: o.stale}, got, err
		}
	}
	if got.all {
		lo, a = got.from, a.widened()
	}
	o.via = got.relays
	if l, err = s.claimFor(ctx, pick{DeliverArgs: a, order: o, lo: lo}); err != nil {
		return l, got, err
	}
	for _, c := range l.claims {
		if l.last == 0 {
			break // there was nothing, and nothing is sent
		}
		unused = slices.DeleteFunc(unused, func(id int64) bool { return id == c.relay.ID })
	}
	l.sent = s.berths.give
	return l, got, nil
}

// awake gives the relays that can be used now; without any all, so that the claim finds out when the first can be.
func (s *Service) awake(relays []sender.Relay) []sender.Relay {
	now := s.d.Now()
	able := slices.DeleteFunc(slices.Clone(relays), func(r sender.Relay) bool {
		at, _ := s.notBefore(r, now)
		return !at.IsZero()
	})
	if len(able) == 0 {
		return relays
	}
	return able
}

// widened is about all that waits of the stream.
func (a DeliverArgs) widened() DeliverArgs {
	a.Hi, a.Only = math.MaxInt32, nil
	return a
}

// takeMessagesTx is takeTx for a stream of messages: who it is for need be on no list, and what the message says comes with it. What has expired is left to
// expireMessages, but for what a person wanted to be sent again after that.
func takeMessagesTx(ctx context.Context, tx pgx.Tx, p pick, chosen *chosen) ([]claimRow, error) {
	only, set := "", ""
	args := []any{p.CampaignID, p.lo, p.Hi, p.most, p.node}
	switch {
	case chosen != nil:
		only, set = `AND q.seq = ANY ($6::int[])`, `, relay_id = $7`
		args = append(args, chosen.seqs, chosen.relayID)
	case p.Only != nil:
		only = `AND q.seq = ANY ($6::int[])`
		args = append(args, p.Only)
	}
	rows, err := pg.Many[struct {
		claimRow
		ToName string
		Data   []byte
	}](ctx, tx, "queued messages", `
		WITH u AS (
			UPDATE deliveries d SET state = 1, node_id = $5, attempts = d.attempts + 1, updated_at = now(),
				first_tried_at = COALESCE(d.first_tried_at, now())`+set+`
			WHERE d.campaign_id = $1 AND d.seq = ANY (ARRAY (
				SELECT q.seq FROM deliveries q
				WHERE q.campaign_id = $1 AND q.seq BETWEEN $2 AND $3 AND q.state = 0 `+only+`
					AND EXISTS (SELECT FROM campaigns c WHERE c.id = $1 AND c.status = 'open')
					AND (SELECT m.expires_at > now() OR NOT m.expiring FROM messages m WHERE m.id = q.message_id)
				ORDER BY q.seq LIMIT $4 FOR UPDATE OF q SKIP LOCKED))
			RETURNING d.seq, d.subscriber_id, d.email, d.attempts, d.first_tried_at, d.updated_at, d.message_id)
		SELECT u.seq, u.subscriber_id, u.email, u.attempts, u.first_tried_at, u.updated_at AS claimed_at, s.name, s.attributes,
			'`+leftMessage+`' || CASE WHEN s.id IS NULL THEN 'deleted'
				ELSE `+audience.MessageLeftSQL("s", "(SELECT list_unsubscribe FROM message_streams WHERE campaign_id = $1)")+` END AS "left",
			COALESCE(s.no_tracking, false) AS untracked, 0::smallint AS variant, m.to_name, m.data
		FROM u JOIN messages m ON m.id = u.message_id LEFT JOIN subscribers s ON s.id = u.subscriber_id ORDER BY u.seq`, args...)
	if err != nil {
		return nil, err
	}
	out := make([]claimRow, len(rows))
	for i := range rows {
		out[i] = rows[i].claimRow
		if rows[i].ToName != "" {
			out[i].Name = &rows[i].ToName
		}
		if out[i].data, err = templates.DecodeData(rows[i].Data); err != nil {
			return nil, err
		}
	}
	return out, nil
}
