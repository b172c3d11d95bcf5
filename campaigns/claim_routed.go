package campaigns

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
	"postrider/sender"
)

// claimRoutedTx takes the next deliveries of a campaign with several relays, or with one that does not take everything: each for a relay that takes its
// recipient and can be used now. What no relay takes now stays in the queue untouched.
func (s *Service) claimRoutedTx(ctx context.Context, tx pgx.Tx, p pick, l *look) error {
	now := s.d.Now()
	var err error
	if p.most, l.wait, err = sender.ReserveDomainTx(ctx, tx, p.from, s.cfg.ClaimSize, now); err != nil || p.most == 0 {
		return err
	}
	outlets, err := s.outletsTx(ctx, tx, p.order, now)
	if err != nil {
		return err
	}
	if l.wait = firstOpen(outlets, now); !l.wait.IsZero() {
		return nil
	}
	queued, err := pg.Many[waiting](ctx, tx, "queued deliveries", `
		SELECT seq, email, CASE WHEN reply_code BETWEEN 400 AND 499 THEN relay_id END AS tried FROM deliveries
		WHERE campaign_id = $1 AND seq BETWEEN $2 AND $3 AND state = 0 ORDER BY seq LIMIT $4`, p.CampaignID, p.lo, p.Hi, p.most)
	if err != nil {
		return err
	}
	for i := range queued {
		queued[i].domain = sender.DomainOf(queued[i].Email)
		queued[i].site = s.d.Sender.Site(queued[i].domain)
	}
	if err := siteRoomTx(ctx, tx, outlets, queued); err != nil {
		return err
	}
	var res shared
	s.turns.with(p.CampaignID, func(turns map[int64]int) {
		sh := share{outlets: outlets, turns: turns, now: now}
		res = sh.out(queued)
	})
	l.last, l.left = res.last, res.left
	if l.claims, err = takeSharedTx(ctx, tx, p, res); err != nil {
		return err
	}
	return noteClaimsTx(ctx, tx, p, outlets, l.claims)
}

// takeSharedTx claims what was shared out, and puts off those whose site takes no more at present: they come back at their moment without an attempt.
func takeSharedTx(ctx context.Context, tx pgx.Tx, p pick, res shared) ([]claim, error) {
	if len(res.off) > 0 {
		err := exec(ctx, tx, `
			UPDATE deliveries d SET state = 3, next_attempt_at = q.at, updated_at = now() FROM (
				SELECT d.seq, u.at FROM deliveries d JOIN unnest($2::int[], $3::timestamptz[]) AS u (seq, at) ON u.seq = d.seq
				WHERE d.campaign_id = $1 AND d.seq BETWEEN $5 AND $6 AND d.state = 0
					AND EXISTS (SELECT FROM campaigns c WHERE c.id = $1 AND c.status = 'running' AND c.run = $4)
				ORDER BY d.seq FOR UPDATE OF d SKIP LOCKED) q
			WHERE d.campaign_id = $1 AND d.seq = q.seq`, p.CampaignID, res.off, res.offTo, p.Run, p.lo, p.Hi)
		if err != nil {
			return nil, err
		}
	}
	if len(res.seqs) == 0 {
		return nil, nil
	}
	rows, err := takeTx(ctx, tx, p, res)
	if err != nil {
		return nil, err
	}
	keep, err := mailableTx(ctx, tx, p.CampaignID, rows)
	return p.split(keep, res), err
}

// siteRoomTx asks for the outlets that have limits for sites how much those take now, in the order of the relays' ids as everybody does.
func siteRoomTx(ctx context.Context, tx pgx.Tx, outlets []outlet, queued []waiting) error {
	if !slices.ContainsFunc(outlets, func(o outlet) bool { return o.relay.SiteLimits && o.again.IsZero() }) {
		return nil
	}
	seen := map[string]bool{}
	for _, row := range queued {
		seen[row.site] = true
	}
	sites := slices.Sorted(maps.Keys(seen))
	for _, i := range byRelayID(outlets) {
		o := &outlets[i]
		if !o.again.IsZero() {
			continue
		}
		var err error
		if o.rooms, err = sender.SiteRoomTx(ctx, tx, o.relay, sites); err != nil {
			return err
		}
	}
	return nil
}

// noteClaimsTx notes what was claimed for each relay and its sites, and for the domain.
func noteClaimsTx(ctx context.Context, tx pgx.Tx, p pick, outlets []outlet, claims []claim) error {
	total := 0
	for _, i := range byRelayID(outlets) {
		o := outlets[i]
		var rows []claimed
		for _, c := range claims {
			if c.relay.ID == o.relay.ID {
				rows = c.rows
			}
		}
		bySite := map[string]int{}
		for _, row := range rows {
			bySite[row.site]++
		}
		if err := sender.SitesClaimedTx(ctx, tx, o.relay, p.node, bySite, o.rooms); err != nil {
			return err
		}
		if err := sender.ClaimedTx(ctx, tx, o.relay, p.node, len(rows)); err != nil {
			return err
		}
		total += len(rows)
	}
	return sender.DomainClaimedTx(ctx, tx, p.from, p.node, total)
}

// outletsTx looks at the relays that take the campaign's From domain, in the order of the campaign, and reserves what they may take.
func (s *Service) outletsTx(ctx context.Context, tx pgx.Tx, o order, now time.Time) ([]outlet, error) {
	var outlets []outlet
	for _, r := range o.relays {
		if r.TakesFrom(o.from.Domain) {
			outlets = append(outlets, outlet{relay: r, again: s.notBefore(r, now)})
		}
	}
	// Everybody who reserves for several relays does so in one order, so that nobody waits in a circle.
	for _, i := range byRelayID(outlets) {
		o := &outlets[i]
		if !o.again.IsZero() {
			continue
		}
		var err error
		if o.free, o.again, err = sender.ReserveTx(ctx, tx, o.relay, s.claimSize(o.relay), now); err != nil {
			return nil, err
		}
	}
	return outlets, nil
}

func byRelayID(outlets []outlet) []int {
	order := make([]int, len(outlets))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(outlets[a].relay.ID, outlets[b].relay.ID) })
	return order
}

// firstOpen gives when the first of the outlets can be used, zero when one can be now.
func firstOpen(outlets []outlet, now time.Time) time.Time {
	var first time.Time
	for _, o := range outlets {
		if o.again.IsZero() {
			return time.Time{}
		}
		if first.IsZero() || o.again.Before(first) {
			first = o.again
		}
	}
	if first.IsZero() {
		return now.Add(restMost) // no relay takes this From any more
	}
	return first
}

// split makes one claim for each relay, in the order of their ids.
func (p pick) split(rows []claimed, res shared) []claim {
	place := make(map[int32]int, len(res.seqs))
	for i, seq := range res.seqs {
		place[seq] = i
	}
	byRelay := map[int64][]claimed{}
	for _, row := range rows {
		i := place[row.Seq]
		row.others, row.site = res.others[i], res.sites[i]
		byRelay[res.relays[i]] = append(byRelay[res.relays[i]], row)
	}
	var claims []claim
	for _, r := range p.relays {
		if len(byRelay[r.ID]) == 0 {
			continue
		}
		c := p.claim
		c.relay, c.rows = r, byRelay[r.ID]
		claims = append(claims, c)
	}
	slices.SortFunc(claims, func(a, b claim) int { return cmp.Compare(a.relay.ID, b.relay.ID) })
	return claims
}
