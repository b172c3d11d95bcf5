package sender

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
	"postrider/sender/reply"
)

// parkAfter is how many deferrals in a row, with no success between them, show that a site is not to be had. It is left alone then: at first for parkFirst,
// each time for twice as long, parkMost at most.
const (
	parkAfter = 10
	parkFirst = 15 * time.Minute
	parkMost  = 4 * time.Hour
	// halveEvery is the least time between two halvings, so that many refusals at once are one.
	halveEvery  = 10 * time.Second
	halvedTimes = 6
)

// SiteTrouble says that a refusal for now is about how much a site gets from us, or about the site as a whole, and not about one recipient. Before it knows
// the recipient a server can only speak of itself.
func SiteTrouble(c reply.Class, at reply.Stage) bool {
	if at.Session() || at == reply.StageMail || at == reply.StageRset {
		return false
	}
	if c.Permanence != reply.Transient || c.Reason == reply.ReasonMailboxFull || c.Action != reply.ActionRetry && c.Action != reply.ActionSlowDown {
		return false
	}
	return c.Fault == reply.FaultReceiver || c.Fault == reply.FaultReputation
}

// SiteResult is what came of messages to one site.
type SiteResult struct {
	Count  int // of what had been claimed
	Sent   int
	Missed int // deferred for trouble of the site
	Reply  string
}

// missesSQL counts the deferrals u.missed to those of relay_sites rs, unless the site is parked already: what was on its way then says nothing new.
const missesSQL = `(rs.misses + CASE WHEN rs.parked_until > now() THEN 0 ELSE u.missed END)`

// SitesDoneTx notes what came of claimed messages, by site: trouble halves the site's rate, too much of it parks the site, a success ends the counting.
func SitesDoneTx(ctx context.Context, tx pgx.Tx, r Relay, node string, results map[string]SiteResult) error {
	if !r.SiteLimits || len(results) == 0 {
		return nil
	}
	var sites, replies []string
	var counts, sent, missed []int
	for site, res := range results {
		sites, replies = append(sites, site), append(replies, res.Reply)
		counts, sent, missed = append(counts, res.Count), append(sent, res.Sent), append(missed, res.Missed)
	}
	// In one order, as those who claim lock them.
	_, err := tx.Exec(ctx, `SELECT FROM relay_sites WHERE relay_id = $1 AND site = ANY ($2) ORDER BY site FOR UPDATE`, r.ID, sites)
	if err == nil {
		_, err = tx.Exec(ctx, `
			UPDATE relay_site_claims c SET claimed = GREATEST(c.claimed - u.n, 0) FROM unnest($3::text[], $4::int[]) AS u (site, n)
			WHERE c.relay_id = $1 AND c.node_id = $2 AND c.site = u.site`, r.ID, node, sites, counts)
	}
	if err == nil {
		_, err = tx.Exec(ctx, `
			UPDATE relay_sites rs SET
				misses = CASE WHEN u.sent > 0 OR `+missesSQL+` >= $6 THEN 0 ELSE `+missesSQL+` END,
				parks = CASE WHEN u.sent > 0 THEN 0 WHEN `+missesSQL+` >= $6 THEN rs.parks + 1 ELSE rs.parks END,
				parked_until = CASE WHEN u.sent = 0 AND `+missesSQL+` >= $6 THEN now() + LEAST($7::interval * (2 ^ LEAST(rs.parks, 10)), $8::interval)
					WHEN u.sent = 0 THEN rs.parked_until END,
				halved = CASE WHEN u.missed > 0 AND (`+halvedSQL+` = 0 OR rs.halved_at < now() - $9::interval) THEN LEAST(`+halvedSQL+` + 1, $10) ELSE rs.halved END,
				halved_at = CASE WHEN u.missed > 0 AND (`+halvedSQL+` = 0 OR rs.halved_at < now() - $9::interval) THEN now() ELSE rs.halved_at END,
				reply = CASE WHEN u.missed > 0 THEN u.reply ELSE rs.reply END
			FROM unnest($2::text[], $3::int[], $4::int[], $5::text[]) AS u (site, sent, missed, reply)
			WHERE rs.relay_id = $1 AND rs.site = u.site AND (u.missed > 0 OR u.sent > 0 AND (rs.misses > 0 OR rs.parks > 0 OR rs.parked_until IS NOT NULL))`,
			r.ID, sites, sent, missed, replies, parkAfter, parkFirst, parkMost, halveEvery, halvedTimes)
	}
	if err != nil {
		return fmt.Errorf("noting how the sites of relay %d answer: %w", r.ID, err)
	}
	return nil
}

// ForgetSiteClaimsTx forgets what a node has on its way to sites: it is dead, or does not know any more itself.
func ForgetSiteClaimsTx(ctx context.Context, tx pgx.Tx, node string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM relay_site_claims WHERE node_id = $1`, node); err != nil {
		return fmt.Errorf("forgetting what node %s had on its way: %w", node, err)
	}
	return nil
}

// RelaySite is how a relay stands with a site.
type RelaySite struct {
	Site         string
	ParkedUntil  *time.Time // nil: not parked
	Halved       int        // times that the rate is halved now
	Misses       int        // deferrals since the last success
	InFlight     int
	MostInFlight *int       // nil: no limit
	PerMinute    *float64   // what may go there in a minute now, halvings included; nil: no limit
	PutOffUntil  *time.Time // when the last of those may go that were too many; nil: none
	Reply        string     // the latest words of trouble
}

// shownSites is how many sites of a relay are shown.
const shownSites = 200

// RelaySites gives the sites that a relay had to do with, those in trouble first.
func (s *Service) RelaySites(ctx context.Context, relayID int64) ([]RelaySite, error) {
	if _, err := s.GetRelay(ctx, relayID); err != nil {
		return nil, err
	}
	rows, err := pg.Many[siteState](ctx, s.pool, "sites of a relay", siteStateSQL+` WHERE rs.relay_id = $1
		ORDER BY CASE WHEN rs.parked_until > now() THEN rs.parked_until END DESC NULLS LAST, halved DESC, rs.next_at DESC, rs.site LIMIT $2`, relayID, shownSites)
	if err != nil {
		return nil, err
	}
	sites := make([]RelaySite, len(rows))
	for i, row := range rows {
		sites[i] = row.shown()
	}
	return sites, nil
}

func (row siteState) shown() RelaySite {
	l := row.limit()
	v := RelaySite{Site: row.Site, Halved: row.Halved, Misses: row.Misses, InFlight: row.InFlight, MostInFlight: l.InFlight,
		PerMinute: l.perMinute(row.Halved), Reply: row.Reply}
	if p := row.ParkedUntil; p != nil && p.After(row.Now) {
		v.ParkedUntil = p
	}
	if row.PutOffTo.After(row.Now) {
		v.PutOffUntil = &row.PutOffTo
	}
	return v
}
