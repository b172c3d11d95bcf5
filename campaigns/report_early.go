package campaigns

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/events"
	"postrider/internal/pg"
)

// earlyReport is a bounce that came back before the ledger knew that the message had been taken.
type earlyReport struct {
	Key, Source, Reason, Fault, Diagnostic, Status string
	Seq                                            int32
	At                                             time.Time
	Hard                                           bool
	ReplyCode                                      int
}

// earlyBouncesTx applies the bounces that overtook what is being recorded: a relay on this machine writes one within milliseconds, and results are
// recorded in batches. The report was kept and has done to the person what it asks for, but its delivery did not count as sent yet, so nothing could
// become of that. Whoever takes a report holds the row of the delivery, so it is either seen here, or sees what is recorded here.
func (s *Service) earlyBouncesTx(ctx context.Context, tx pgx.Tx, c claim, attempts []attempt, decisions []decision) error {
	bySeq := map[int32]int{}
	var seqs []int32
	for i, d := range decisions {
		if d.state == Sent || d.state == Unconfirmed {
			bySeq[attempts[i].Seq] = i
			seqs = append(seqs, attempts[i].Seq)
		}
	}
	if len(seqs) == 0 {
		return nil
	}
	slices.Sort(seqs)
	early, err := pg.Many[earlyReport](ctx, tx, "early bounces", `
		SELECT DISTINCT ON (seq) key, source, COALESCE(reason, '') AS reason, COALESCE(fault, '') AS fault, COALESCE(diagnostic, '') AS diagnostic,
			COALESCE(status, '') AS status, seq, at, hard, COALESCE(reply_code, 0)::int AS reply_code
		FROM reports WHERE campaign_id = $1 AND seq = ANY ($2) AND kind = 'bounce' AND NOT applied ORDER BY seq, id`, c.campaignID, seqs)
	if err != nil {
		return err
	}
	for _, e := range early {
		i := bySeq[e.Seq]
		r := events.Report{Key: e.Key, Source: e.Source, Kind: events.ReportBounce, At: e.At, Hard: e.Hard, Reason: e.Reason, Fault: e.Fault, Status: e.Status, ReplyCode: e.ReplyCode,
			Diagnostic: e.Diagnostic}
		d := &reported{CampaignID: c.campaignID, Seq: e.Seq, SubscriberID: attempts[i].SubscriberID, Email: attempts[i].Email, State: decisions[i].state, RelayID: nullID(c.relay.ID)}
		// What it says against the relay comes again with the next message.
		did, err := s.bounceTx(ctx, tx, r, d)
		if err != nil {
			return err
		}
		if err := exec(ctx, tx, `UPDATE reports SET action = $2, applied = $3 WHERE key = $1`, e.Key, did.action, did.applied); err != nil {
			return err
		}
	}
	return nil
}
