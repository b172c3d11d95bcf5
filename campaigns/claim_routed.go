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
	only, args := "", []any{p.CampaignID, p.lo, p.Hi, p.most}
	if p.Only != nil {
		only, args = " AND seq = ANY ($5)", append(args, p.Only)
	}
	queued, err := pg.Many[waiting](ctx, tx, "queued deliveries", `
		SELECT seq, email, CASE WHEN reply_code >= 400 THEN relay_id END AS tried, reply_code, reply_status, reply_text FROM deliveries q
		WHERE campaign_id = $1 AND seq BETWEEN $2 AND $3`+only+` AND state = 0 AND `+openSQL("q")+` ORDER BY seq LIMIT $4`, args...)
	if err != nil {
		return err
	}
	for i := range queued {
		queued[i].domain = sender.DomainOf(queued[i].Email)
		queued[i].site = s.d.Sender.Site(queued[i].domain)
		queued[i].refused(outlets)
	}
	if err := siteRoomTx(ctx, tx, outlets, queued); err != nil {
		return err
	}
	s.lines.join(p.CampaignID, outlets)
	var res shared
	s.turns.with(p.CampaignID, func(turns map[int64]int) {
		sh := share{outlets: outlets, turns: turns, now: now}
		res = sh.out(queued)
	})
	l.last, l.left = res.last, res.left
	s.lines.keep(p.CampaignID, outlets)
	if l.claims, err = takeSharedTx(ctx, tx, p, res); err != nil {
		return err
	}
	return noteClaimsTx(ctx, tx, p, outlets, l.claims)
}

// takeSharedTx claims what was shared out, and puts off those whose site takes no more at present: they come back at their moment without an attempt.
func takeSharedTx(ctx context.Context, tx pgx.Tx, p pick, res shared) ([]claim, error) {
	if err := putOffTx(ctx, tx, p, res.off); err != nil {
		return nil, err
	}
	var claims []claim
	for _, ch := range res.chosen() {
		rows, err := takeTx(ctx, tx, p, &ch)
		if err != nil {
			return nil, err
		}
		c := p.claim
		c.relay = p.relay(ch.relayID)
		if c.rows, err = mailableTx(ctx, tx, p.CampaignID, rows); err != nil {
			return nil, err
		}
		if len(c.rows) > 0 {
			claims = append(claims, c)
		}
	}
	res.mark(claims)
	return claims, nil
}

// putOffTx lets deliveries wait for their site. For one that is in trouble they wait no longer than for a refusal of their own: at a site that is dead for
// good only some are tried in hours, and the others would wait for as long as there are people.
func putOffTx(ctx context.Context, tx pgx.Tx, p pick, off putOff) error {
	if len(off.seqs) == 0 {
		return nil
	}
	return exec(ctx, tx, `
		UPDATE deliveries d SET updated_at = now(),
			state = CASE WHEN q.late THEN 5 ELSE 3 END, next_attempt_at = CASE WHEN NOT q.late THEN q.at END,
			first_tried_at = CASE WHEN q.parked THEN COALESCE(d.first_tried_at, now()) ELSE d.first_tried_at END,
			reply_text = CASE WHEN q.late THEN $9 || q.reply ELSE d.reply_text END
		FROM (
			SELECT d.seq, u.at, u.parked, u.reply, u.parked AND COALESCE(u.at > d.first_tried_at + $8::interval, false) AS late
			FROM deliveries d JOIN unnest($2::int[], $3::timestamptz[], $4::bool[], $5::text[]) AS u (seq, at, parked, reply) ON u.seq = d.seq
			WHERE d.campaign_id = $1 AND d.seq BETWEEN $6 AND $7 AND d.state = 0
				AND EXISTS (SELECT FROM campaigns c WHERE c.id = $1 AND c.status IN ('running', 'open') AND c.run = $10)
			ORDER BY d.seq FOR UPDATE OF d SKIP LOCKED) q
		WHERE d.campaign_id = $1 AND d.seq = q.seq`,
		p.CampaignID, off.seqs, off.to, off.parked, off.replies, p.lo, p.Hi, p.expires,
		"given up after "+p.expires.String()+"; the recipient's server was in trouble all the time: ", p.Run)
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
			again, busy := s.notBefore(r, now)
			if again.IsZero() && o.via != nil && !slices.Contains(o.via, r.ID) {
				again, busy = now.Add(lookAgain), true
			}
			outlets = append(outlets, outlet{relay: r, again: again, busy: busy})
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
	if anyFree(outlets) {
		return first
	}
	for _, o := range outlets {
		if !o.again.IsZero() && (first.IsZero() || o.again.Before(first)) {
			first = o.again
		}
	}
	if first.IsZero() {
		return now.Add(restMost) // no relay takes this From any more
	}
	return first
}

// chosen gives what was shared out to each relay, in the order of their ids.
func (res shared) chosen() []chosen {
	byRelay := map[int64][]int32{}
	for i, seq := range res.seqs {
		byRelay[res.relays[i]] = append(byRelay[res.relays[i]], seq)
	}
	var all []chosen
	for _, id := range slices.Sorted(maps.Keys(byRelay)) {
		all = append(all, chosen{byRelay[id], id})
	}
	return all
}

// mark notes on what was claimed what sharing it out found.
func (res shared) mark(claims []claim) {
	place := make(map[int32]int, len(res.seqs))
	for i, seq := range res.seqs {
		place[seq] = i
	}
	for _, c := range claims {
		for j := range c.rows {
			i := place[c.rows[j].Seq]
			c.rows[j].others, c.rows[j].site = res.others[i], res.sites[i]
		}
	}
}

func (o order) relay(id int64) sender.Relay {
	return o.relays[slices.IndexFunc(o.relays, func(r sender.Relay) bool { return r.ID == id })]
}
