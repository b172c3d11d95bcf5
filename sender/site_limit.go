package sender

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/net/idna"

	"postrider/internal/addr"
	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/sender/presets"
)

// SiteLimit is what may go to a site over all processes, for each relay that delivers itself. nil is no limit.
type SiteLimit struct {
	RelayID   *int64 // nil: all such relays
	Site      string
	PerMinute *int
	PerHour   *int
	InFlight  *int // on their way at once
}

// ShippedLimit gives the limit of sender/presets; 0 there is nil here.
func ShippedLimit(s presets.Site) SiteLimit {
	some := func(n int) *int {
		if n == 0 {
			return nil
		}
		return &n
	}
	return SiteLimit{Site: s.ID, PerMinute: some(s.PerMinute), PerHour: some(s.PerHour), InFlight: some(s.InFlight)}
}

// marginSite keeps under what is allowed although two seconds' worth may be claimed at once.
const (
	marginSite = 1.06
	siteBurst  = 2 * time.Second
	// halfOfNone is the interval of a site without a limit after the first halving.
	halfOfNone = 500 * time.Millisecond
)

// interval is the least distance between two messages to the site, 0 for none; halved says how many times the rate was halved.
func (l SiteLimit) interval(halved int) time.Duration {
	var d time.Duration
	if l.PerMinute != nil {
		d = time.Duration(float64(time.Minute) * marginSite / float64(*l.PerMinute))
	}
	if l.PerHour != nil {
		d = max(d, time.Duration(float64(time.Hour)*marginSite/float64(*l.PerHour)))
	}
	if d == 0 && halved > 0 {
		d = halfOfNone / 2
	}
	return d << halved
}

// perMinute is how many messages may go to the site in a minute, nil for no limit; halved says how many times the rate was halved. The margin is left out:
// it is ours.
func (l SiteLimit) perMinute(halved int) *float64 {
	n := math.Inf(1)
	if l.PerMinute != nil {
		n = float64(*l.PerMinute)
	}
	if l.PerHour != nil {
		n = min(n, float64(*l.PerHour)/60)
	}
	if math.IsInf(n, 1) {
		if halved == 0 {
			return nil
		}
		n = 2 * time.Minute.Seconds() / halfOfNone.Seconds()
	}
	n = math.Round(100*math.Ldexp(n, -halved)) / 100
	return &n
}

// ListSiteLimits gives what people have set, and the shipped limits of the sites for which nobody has set anything for all relays.
func (s *Service) ListSiteLimits(ctx context.Context) (set, shipped []SiteLimit, err error) {
	set, err = pg.Many[SiteLimit](ctx, s.pool, "site limits", `
		SELECT relay_id, site, per_minute, per_hour, in_flight FROM site_limits ORDER BY site, relay_id NULLS FIRST`)
	for _, site := range presets.Sites() {
		if !slices.ContainsFunc(set, func(l SiteLimit) bool { return l.RelayID == nil && l.Site == site.ID }) {
			shipped = append(shipped, ShippedLimit(site))
		}
	}
	return set, shipped, err
}

// mostSiteLimits that people may set.
const mostSiteLimits = 1000

// SetSiteLimits replaces what people have set.
func (s *Service) SetSiteLimits(ctx context.Context, limits []SiteLimit) error {
	if err := checkSiteLimits(limits); err != nil {
		return err
	}
	if err := s.storeSiteLimits(ctx, limits); err != nil {
		return err
	}
	return s.EndLines(ctx, nil)
}

func (s *Service) storeSiteLimits(ctx context.Context, limits []SiteLimit) error {
	return pg.InTx(ctx, s.pool, func(tx pgx.Tx) error {
		// Two who replace everything at the same time would not see what the other one adds.
		if _, err := tx.Exec(ctx, `LOCK TABLE site_limits IN SHARE ROW EXCLUSIVE MODE`); err != nil {
			return fmt.Errorf("setting site limits: %w", err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM site_limits`); err != nil {
			return fmt.Errorf("setting site limits: %w", err)
		}
		for i, l := range limits {
			_, err := tx.Exec(ctx, `INSERT INTO site_limits (relay_id, site, per_minute, per_hour, in_flight) VALUES ($1, $2, $3, $4, $5)`,
				l.RelayID, l.Site, l.PerMinute, l.PerHour, l.InFlight)
			switch pg.Violation(err) {
			case "":
				if err != nil {
					return fmt.Errorf("setting site limits: %w", err)
				}
			case "site_limits_relay_id_fkey":
				return errs.InvalidField(fmt.Sprintf("items[%d].relay_id", i), "there is no relay %d", *l.RelayID)
			default:
				return errs.InvalidField(fmt.Sprintf("items[%d].site", i), "%s is set twice for the same relay", l.Site)
			}
		}
		return nil
	})
}

func checkSiteLimits(limits []SiteLimit) error {
	var wrong errs.Fields
	if len(limits) > mostSiteLimits {
		wrong.Add("items", "these are more than %d", mostSiteLimits)
	}
	for i := range limits {
		l, at := &limits[i], fmt.Sprintf("items[%d].", i)
		l.Site = namedSite(l.Site)
		if l.Site == "" || len(l.Site) > longestSite || hasControl(l.Site) {
			wrong.Add(at+"site", "name a provider such as google, a domain, or a site as the relay's page shows it")
		}
		for name, n := range map[string]*int{"per_minute": l.PerMinute, "per_hour": l.PerHour, "in_flight": l.InFlight} {
			if n != nil && (*n < 1 || *n > maxRateLimit) {
				wrong.Add(at+name, "must be between 1 and %d; leave it empty for no limit", maxRateLimit)
			}
		}
	}
	return wrong.Err("the limits cannot be set like this")
}

// namedSite brings what a person calls a site into the form in which sites are compared; a well-known mailbox domain is its provider.
func namedSite(name string) string {
	name = strings.ToLower(strings.TrimSpace(name))
	if ascii, ok := addr.ASCII(idna.Lookup, name); ok {
		name = ascii
	}
	return SiteOf(name)
}

// SiteRoom is how much a relay may send to a site at one moment, and when those may go that are too many.
type SiteRoom struct {
	Free   int
	Parked bool
	Reply  string // the site's latest words of trouble

	interval time.Duration // of the limit; 0 for none
	again    time.Time     // when the next may go, if none may now
	line     time.Time     // the end of the line of those that were put off
	step     time.Duration // between two of them
	lined    bool          // somebody stands in a line
	putOff   bool
}

// PutOff gives one that is too many the next moment of the line.
func (r *SiteRoom) PutOff() time.Time {
	at := r.line
	if r.again.After(at) {
		at = r.again
	}
	r.line, r.putOff = at.Add(r.step), true
	return at
}

// Join lets those who are too many stand in a line of their own, which ends at end, instead of behind everybody's: else ten people of a small campaign would wait for
// a large one's thousands. After EndLines it begins anew, as does one whose end is not known any more (zero).
func (r *SiteRoom) Join(end time.Time) {
	if r.lined {
		r.line = end
	}
}

// Line is where the line ends now. false: nobody was put off.
func (r *SiteRoom) Line() (time.Time, bool) { return r.line, r.putOff }

// Again is when the next may go.
func (r *SiteRoom) Again() time.Time { return r.again }

// siteState is the row of a relay and a site, with the limit that holds.
type siteState struct {
	Site        string
	Now         time.Time
	NextAt      time.Time
	PutOffTo    time.Time
	Halved      int
	ParkedUntil *time.Time
	Misses      int
	Reply       string
	InFlight    int
	IsSet       bool
	PerMinute   *int
	PerHour     *int
	MostFlying  *int
}

// halvedSQL is how many times the rate of relay_sites rs is halved now: every ten minutes one is taken back.
const halvedSQL = `GREATEST(rs.halved - floor(EXTRACT(epoch FROM now() - rs.halved_at) / 600)::int, 0)`

// siteStateSQL reads siteState for relay $1, with the limit that counts: the one for the relay before the one for all. A limit may name a domain, whose mail the site
// takes. What is a provider's has the provider's limit: one company there is not all of it.
const siteStateSQL = `
	WITH named AS MATERIALIZED (
		SELECT l.*, (SELECT s.site FROM sites s WHERE s.domain = l.site AND strpos(s.site, '.') > 0) AS taken_by
		FROM site_limits l WHERE l.relay_id = $1 OR l.relay_id IS NULL)
	SELECT rs.site, clock_timestamp() AS now, rs.next_at, rs.put_off_to, ` + halvedSQL + ` AS halved, rs.parked_until, rs.misses, rs.reply,
		(SELECT COALESCE(sum(claimed), 0)::int FROM relay_site_claims c WHERE c.relay_id = rs.relay_id AND c.site = rs.site) AS in_flight,
		l.site IS NOT NULL AS is_set, l.per_minute, l.per_hour, l.in_flight AS most_flying
	FROM relay_sites rs LEFT JOIN LATERAL (
		SELECT * FROM named l WHERE rs.site IN (l.site, l.taken_by) ORDER BY l.relay_id NULLS LAST, l.site = rs.site DESC, l.site LIMIT 1) l ON true`

// SiteRoomTx gives how much may be claimed for the relay now, for each of the sites. It keeps others from claiming for them until the transaction ends;
// SitesClaimedTx must follow. A relay that leaves deliveries to others has no limits per site: nil.
func SiteRoomTx(ctx context.Context, tx pgx.Tx, r Relay, sites []string) (map[string]*SiteRoom, error) {
	if !r.SiteLimits || len(sites) == 0 {
		return nil, nil
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO relay_sites (relay_id, site) SELECT $1, s FROM unnest($2::text[]) AS s ORDER BY s ON CONFLICT DO NOTHING`, r.ID, sites)
	if err != nil {
		return nil, fmt.Errorf("looking at the sites of relay %d: %w", r.ID, err)
	}
	states, err := pg.Many[siteState](ctx, tx, "sites", siteStateSQL+` WHERE rs.relay_id = $1 AND rs.site = ANY ($2) ORDER BY rs.site FOR UPDATE OF rs`, r.ID, sites)
	if err != nil {
		return nil, err
	}
	rooms := make(map[string]*SiteRoom, len(states))
	for _, st := range states {
		rooms[st.Site] = st.room()
	}
	return rooms, nil
}

func (st siteState) limit() SiteLimit {
	if st.IsSet {
		return SiteLimit{Site: st.Site, PerMinute: st.PerMinute, PerHour: st.PerHour, InFlight: st.MostFlying}
	}
	known, _ := presets.SiteByID(st.Site)
	return ShippedLimit(known)
}

// room works out how much may go now.
func (st siteState) room() *SiteRoom {
	l := st.limit()
	interval := l.interval(st.Halved)
	room := &SiteRoom{Free: math.MaxInt, Reply: st.Reply, interval: interval, again: st.Now.Add(time.Second), line: st.PutOffTo,
		lined: st.PutOffTo.After(st.Now), step: max(interval, 20*time.Millisecond)}
	if interval > 0 {
		next, burst := st.NextAt, max(siteBurst, interval)
		if next.Before(st.Now) {
			next = st.Now
		}
		room.Free = max(0, int(st.Now.Add(burst).Sub(next)/interval))
		if first := next.Add(interval - burst); first.After(room.again) {
			room.again = first
		}
	}
	if l.InFlight != nil {
		room.Free = max(0, min(room.Free, *l.InFlight-st.InFlight))
		if interval == 0 {
			room.step = time.Second / time.Duration(*l.InFlight)
		}
	}
	if p := st.ParkedUntil; p != nil && p.After(st.Now) {
		room.Free, room.Parked, room.again = 0, true, *p
	}
	return room
}

// SitesClaimedTx notes that the node has claimed so many messages for each site, and how long the lines of those are that were put off.
func SitesClaimedTx(ctx context.Context, tx pgx.Tx, r Relay, node string, claimed map[string]int, rooms map[string]*SiteRoom) error {
	var sites []string
	var counts []int
	var spans []time.Duration
	var lines []*time.Time
	for site, room := range rooms {
		n := claimed[site]
		if n == 0 && !room.putOff {
			continue
		}
		sites, counts, spans, lines = append(sites, site), append(counts, n), append(spans, time.Duration(n)*room.interval), append(lines, room.end())
	}
	if len(sites) == 0 {
		return nil
	}
	// Not now(): a transaction that had to wait for another one began long before it claims, and would pay with time that has passed.
	_, err := tx.Exec(ctx, `
		UPDATE relay_sites rs SET next_at = GREATEST(rs.next_at, clock_timestamp()) + u.span, put_off_to = GREATEST(u.line, rs.put_off_to)
		FROM unnest($2::text[], $3::interval[], $4::timestamptz[]) AS u (site, span, line) WHERE rs.relay_id = $1 AND rs.site = u.site`, r.ID, sites, spans, lines)
	if err == nil {
		_, err = tx.Exec(ctx, `
			INSERT INTO relay_site_claims AS c (relay_id, site, node_id, claimed)
			SELECT $1, u.site, $2, u.n FROM unnest($3::text[], $4::int[]) AS u (site, n) WHERE u.n > 0
			ON CONFLICT (relay_id, site, node_id) DO UPDATE SET claimed = c.claimed + excluded.claimed`, r.ID, node, sites, counts)
	}
	if err != nil {
		return fmt.Errorf("noting what was claimed for the sites of relay %d: %w", r.ID, err)
	}
	return nil
}

// EndLines lets the lines of those who were put off begin anew at the sites of some relays, nil for all: many have left them, or they go faster now. Whoever
// is in one comes back at the same moment as before.
func (s *Service) EndLines(ctx context.Context, relayIDs []int64) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE relay_sites rs SET put_off_to = now() FROM (
			SELECT relay_id, site FROM relay_sites WHERE ($1::bigint[] IS NULL OR relay_id = ANY ($1)) AND put_off_to > now()
			ORDER BY relay_id, site FOR UPDATE) q
		WHERE rs.relay_id = q.relay_id AND rs.site = q.site`, relayIDs)
	if err != nil {
		return fmt.Errorf("ending the lines of sites: %w", err)
	}
	return nil
}

// end is the end of the line as it is to be stored, nil when it has not changed.
func (r *SiteRoom) end() *time.Time {
	if !r.putOff {
		return nil
	}
	return &r.line
}
