package campaigns

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/internal/pg"
	"postrider/sender"
	"postrider/sender/presets"
)

// OutcomeCounts are deliveries by what became of them. Recipients is the sum of Delivered, Refused, CameBack, Failed, Unconfirmed, Skipped and Waiting; the ledger calls
// the first of them sent and the next two bounced. Complaints, Unsubscribes, Opened and Clicked are of deliveries that are among those; each counts once.
type OutcomeCounts struct {
	Recipients  int64
	Delivered   int64 // taken by the relay, and nothing came back
	Refused     int64 // bounced: refused for good when it was handed over
	CameBack    int64 // bounced: taken by the relay, and a report said later that it was not delivered
	Failed      int64
	Unconfirmed int64
	Skipped     int64
	Waiting     int64 // queued, claimed or deferred

	Complaints   int64
	Unsubscribes int64
	Opened       int64 // by a person
	Clicked      int64 // by a person
}

// Accepted is what relays took: delivered or come back.
func (o OutcomeCounts) Accepted() int64 { return o.Delivered + o.CameBack }

func (o *OutcomeCounts) add(r outcomeRow) {
	o.Recipients += r.N
	switch r.State {
	case Sent:
		o.Delivered += r.N
	case Bounced:
		o.CameBack += r.Back
		o.Refused += r.N - r.Back
	case Failed:
		o.Failed += r.N
	case Unconfirmed:
		o.Unconfirmed += r.N
	case Skipped:
		o.Skipped += r.N
	default:
		o.Waiting += r.N
	}
	o.Complaints += r.Complaints
	o.Unsubscribes += r.Unsubscribes
	o.Opened += r.Opened
	o.Clicked += r.Clicked
}

// ReasonCount is how many deliveries were bounced or failed for a reason. Reason is a word of sender/reply; deliveries of which none is known stand under "unknown".
type ReasonCount struct {
	Outcome string // refused, came_back or failed
	Reason  string
	Count   int64
}

// RelayOutcomes are the deliveries for which a relay was used last; ID 0 holds those for which none was used yet.
type RelayOutcomes struct {
	ID   int64
	Name string
	OutcomeCounts
}

// ProviderOutcomes are the deliveries to a recipient provider. ID is a site of sender/presets, else the domain of the addresses; "" holds all those that are not shown.
type ProviderOutcomes struct {
	ID      string
	Name    string
	Domains int // of how many domains it takes the mail here
	OutcomeCounts
}

// VariantOutcomes are the deliveries of a variant of an A/B test, to the sample and to the rest; 0 holds those whose variant is not known yet.
type VariantOutcomes struct {
	Variant int16
	OutcomeCounts
}

// Outcomes is what became of a campaign, read from its ledger at one moment: the sums over reasons, relays, providers and variants are those of Total.
type Outcomes struct {
	AsOf      time.Time
	Total     OutcomeCounts
	Reasons   []ReasonCount
	Relays    []RelayOutcomes
	Providers []ProviderOutcomes // the largest first
	Variants  []VariantOutcomes  // none without an A/B test
}

// outcomeRow is a group of deliveries.
type outcomeRow struct {
	Domain       string
	Site         *string
	RelayID      int64
	Variant      int16
	State        State
	N            int64
	Back         int64
	Complaints   int64
	Unsubscribes int64
	Opened       int64
	Clicked      int64
}

// readerRowsSQL groups the deliveries of campaign $1 that a person opened or clicked in the same way. It reads the events apart from the ledger: most deliveries have none, and joined
// to each of a million it took far longer.
const readerRowsSQL = `
	SELECT g.*, s.site, 0::smallint AS state, 0::bigint AS n, 0::bigint AS back, 0::bigint AS complaints, 0::bigint AS unsubscribes FROM (
		SELECT lower(split_part(d.email, '@', -1)) AS domain, COALESCE(d.relay_id, 0) AS relay_id, COALESCE(d.variant, 0::smallint) AS variant, count(*) FILTER (WHERE e.opened) AS opened, count(*) FILTER (WHERE e.clicked) AS clicked
		FROM (
			SELECT seq, bool_or(kind = 'open') AS opened, bool_or(kind = 'click') AS clicked
			FROM events WHERE campaign_id = $1 AND kind IN ('open', 'click') AND actor = 'human' GROUP BY seq) e
		JOIN deliveries d ON d.campaign_id = $1 AND d.seq = e.seq GROUP BY 1, 2, 3) g
	LEFT JOIN sites s ON s.domain = g.domain`

// outcomeRowsSQL reads the ledger of campaign $1 once and groups it. A million rows are read one after another, as nearly every row of the campaign is wanted; what is joined is small.
// Measured: a second for a million rows to 5,000 domains on two busy cores, two when nothing is in memory.
const outcomeRowsSQL = `
	SELECT g.*, s.site, 0::bigint AS opened, 0::bigint AS clicked FROM (
		SELECT lower(split_part(d.email, '@', -1)) AS domain, COALESCE(d.relay_id, 0) AS relay_id, COALESCE(d.variant, 0::smallint) AS variant, d.state, count(*) AS n, count(b.seq) AS back,
			count(e.complained) AS complaints, count(e.unsubscribed) AS unsubscribes
		FROM deliveries d
		LEFT JOIN (SELECT DISTINCT seq FROM reports WHERE campaign_id = $1 AND kind = 'bounce' AND applied) b ON b.seq = d.seq AND d.state = 4
		LEFT JOIN (
			SELECT seq, NULLIF(bool_or(kind = 'complaint'), false) AS complained, NULLIF(bool_or(kind = 'unsubscribe'), false) AS unsubscribed
			FROM events WHERE campaign_id = $1 AND kind IN ('complaint', 'unsubscribe') GROUP BY seq) e ON e.seq = d.seq
		WHERE d.campaign_id = $1 GROUP BY 1, 2, 3, 4) g
	LEFT JOIN sites s ON s.domain = g.domain`

// OutcomeProviders is how many providers are shown by themselves.
const OutcomeProviders = 20

// Outcomes gives what became of a campaign, with the largest providers by themselves and the others as one; most 0 names all.
func (s *Service) Outcomes(ctx context.Context, id int64, most int) (Outcomes, error) {
	if _, err := s.Get(ctx, id); err != nil {
		return Outcomes{}, err
	}
	mark, err := s.outcomeMark(ctx, id)
	if err != nil {
		return Outcomes{}, err
	}
	o, known := s.outcomes.get(id, mark, s.d.Now())
	if !known {
		began := time.Now()
		if o, err = s.readOutcomes(ctx, id); err != nil {
			return Outcomes{}, err
		}
		s.outcomes.put(id, mark, o, time.Since(began))
	}
	o.Providers = withRest(o.Providers, most)
	return o, nil
}

// asOfOneMoment reads what belongs together, so that it adds up while mail is being sent.
func (s *Service) asOfOneMoment(ctx context.Context, read func(tx pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, s.d.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, read)
}

func (s *Service) readOutcomes(ctx context.Context, id int64) (Outcomes, error) {
	o := Outcomes{AsOf: s.d.Now()}
	err := s.asOfOneMoment(ctx, func(tx pgx.Tx) error {
		rows, err := pg.Many[outcomeRow](ctx, tx, "outcomes", outcomeRowsSQL, id)
		if err != nil {
			return err
		}
		readers, err := pg.Many[outcomeRow](ctx, tx, "readers", readerRowsSQL, id)
		if err != nil {
			return err
		}
		rows = append(rows, readers...)
		for _, r := range rows {
			o.Total.add(r)
		}
		o.Providers, o.Variants = byProvider(rows), byVariant(rows)
		if o.Reasons, err = readReasons(ctx, tx, id, o.Total); err != nil {
			return err
		}
		o.Relays, err = byRelay(ctx, tx, rows)
		return err
	})
	return o, err
}

// byVariant groups deliveries by variant; it gives none when no delivery has one.
func byVariant(rows []outcomeRow) []VariantOutcomes {
	var all []VariantOutcomes
	for _, r := range rows {
		i := slices.IndexFunc(all, func(v VariantOutcomes) bool { return v.Variant == r.Variant })
		if i < 0 {
			i = len(all)
			all = append(all, VariantOutcomes{Variant: r.Variant})
		}
		all[i].add(r)
	}
	slices.SortFunc(all, func(a, b VariantOutcomes) int { return cmp.Compare(a.Variant, b.Variant) })
	if len(all) == 0 || all[len(all)-1].Variant == 0 {
		return nil
	}
	return all
}

func byRelay(ctx context.Context, db pg.DB, rows []outcomeRow) ([]RelayOutcomes, error) {
	names, err := pg.Many[struct {
		ID   int64
		Name string
	}](ctx, db, "relays", `SELECT id, name FROM relays`)
	if err != nil {
		return nil, err
	}
	found := map[int64]*RelayOutcomes{}
	for _, r := range rows {
		if found[r.RelayID] == nil {
			found[r.RelayID] = &RelayOutcomes{ID: r.RelayID}
		}
		found[r.RelayID].add(r)
	}
	for _, n := range names {
		if r := found[n.ID]; r != nil {
			r.Name = n.Name
		}
	}
	out := make([]RelayOutcomes, 0, len(found))
	for _, r := range found {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b RelayOutcomes) int {
		return cmp.Or(cmp.Compare(b.Recipients, a.Recipients), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// readReasons gives why deliveries did not arrive. What the attempts and reports do not tell of the ledger's figures (a delivery that was given up while its site was parked has no attempt)
// is of unknown reason.
func readReasons(ctx context.Context, db pg.DB, id int64, total OutcomeCounts) ([]ReasonCount, error) {
	reasons, err := pg.Many[ReasonCount](ctx, db, "reasons", reasonsSQL, id)
	if err != nil {
		return nil, err
	}
	left := map[string]int64{"refused": total.Refused, "came_back": total.CameBack, "failed": total.Failed}
	unknown := map[string]int{}
	for i, r := range reasons {
		left[r.Outcome] -= r.Count
		if r.Reason == "unknown" {
			unknown[r.Outcome] = i
		}
	}
	for _, outcome := range []string{"refused", "came_back", "failed"} {
		if left[outcome] <= 0 {
			continue
		}
		if i, there := unknown[outcome]; there {
			reasons[i].Count += left[outcome]
		} else {
			reasons = append(reasons, ReasonCount{Outcome: outcome, Reason: "unknown", Count: left[outcome]})
		}
	}
	slices.SortFunc(reasons, func(a, b ReasonCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Outcome, b.Outcome), strings.Compare(a.Reason, b.Reason))
	})
	return reasons, nil
}

// reasonsSQL is refusedByReasonSQL with what was refused at once and what came back later told apart. A delivery has either an attempt with such an outcome or a report that was applied.
const reasonsSQL = `
	SELECT CASE outcome WHEN 'bounced' THEN 'refused' ELSE outcome END AS outcome, reason, count(*) AS count
	FROM delivery_attempts WHERE campaign_id = $1 AND outcome IN ('bounced', 'failed') GROUP BY 1, 2
	UNION ALL
	SELECT 'came_back', COALESCE(reason, 'unknown'), count(*) FROM reports WHERE campaign_id = $1 AND kind = 'bounce' AND applied GROUP BY 1, 2`

// byProvider groups deliveries by who takes the mail: as DNS said when that was asked for, else as the table of well-known mailbox domains has it, else by domain.
func byProvider(rows []outcomeRow) []ProviderOutcomes {
	found := map[string]*ProviderOutcomes{}
	domains := map[string]bool{}
	for _, r := range rows {
		id, name := providerOf(r.Domain, r.Site)
		p := found[id]
		if p == nil {
			p = &ProviderOutcomes{ID: id, Name: name}
			found[id] = p
		}
		if !domains[r.Domain] {
			domains[r.Domain] = true
			p.Domains++
		}
		p.add(r)
	}
	out := make([]ProviderOutcomes, 0, len(found))
	for _, p := range found {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b ProviderOutcomes) int {
		return cmp.Or(cmp.Compare(b.Recipients, a.Recipients), strings.Compare(a.ID, b.ID))
	})
	return out
}

func providerOf(domain string, stored *string) (id, name string) {
	site := sender.SiteOf(domain)
	if stored != nil {
		site = *stored
	}
	if known, ok := presets.SiteByID(site); ok {
		return known.ID, known.Name
	}
	// A site of nobody known is named by its mail servers, which say nothing to people.
	return domain, domain
}

// withRest keeps the largest providers and sums up the others; most 0 keeps all.
func withRest(all []ProviderOutcomes, most int) []ProviderOutcomes {
	if most == 0 || len(all) <= most+1 {
		return all
	}
	kept := slices.Clone(all[:most])
	var rest ProviderOutcomes
	for _, p := range all[most:] {
		rest.Domains += p.Domains
		rest.OutcomeCounts = rest.plus(p.OutcomeCounts)
	}
	return append(kept, rest)
}

func (o OutcomeCounts) plus(p OutcomeCounts) OutcomeCounts {
	return OutcomeCounts{
		Recipients: o.Recipients + p.Recipients, Delivered: o.Delivered + p.Delivered, Refused: o.Refused + p.Refused, CameBack: o.CameBack + p.CameBack, Failed: o.Failed + p.Failed,
		Unconfirmed: o.Unconfirmed + p.Unconfirmed, Skipped: o.Skipped + p.Skipped, Waiting: o.Waiting + p.Waiting, Complaints: o.Complaints + p.Complaints,
		Unsubscribes: o.Unsubscribes + p.Unsubscribes, Opened: o.Opened + p.Opened, Clicked: o.Clicked + p.Clicked,
	}
}

// outcomeMark is what differs when the outcomes of a campaign differ.
type outcomeMark struct {
	Queued, Claimed, Sent, Deferred, Bounced, Failed, Unconfirmed, Skipped int64
	Complaints, Unsubscribes                                               int64
}

// outcomeMark reads it. Of a campaign that sends nothing more, deliveries only move from unconfirmed to sent and from both to bounced, so equal counts mean an equal ledger.
func (s *Service) outcomeMark(ctx context.Context, id int64) (outcomeMark, error) {
	return pg.One[outcomeMark](ctx, s.d.Pool, "figures", `
		SELECT COALESCE(sum(queued), 0)::bigint AS queued, COALESCE(sum(claimed), 0)::bigint AS claimed, COALESCE(sum(sent), 0)::bigint AS sent,
			COALESCE(sum(deferred), 0)::bigint AS deferred, COALESCE(sum(bounced), 0)::bigint AS bounced, COALESCE(sum(failed), 0)::bigint AS failed,
			COALESCE(sum(unconfirmed), 0)::bigint AS unconfirmed, COALESCE(sum(skipped), 0)::bigint AS skipped,
			(SELECT count(*) FROM events WHERE campaign_id = $1 AND kind = 'complaint') AS complaints,
			(SELECT count(*) FROM events WHERE campaign_id = $1 AND kind = 'unsubscribe') AS unsubscribes
		FROM campaign_counts WHERE campaign_id = $1`, id)
}

// over says that a campaign of these counts sends nothing at the moment, so that equal counts mean an equal ledger.
func (m outcomeMark) over() bool { return m.Queued+m.Claimed+m.Deferred == 0 }

// outcomeCache spares reading a large ledger again and again. It holds few campaigns: those that somebody looks at.
type outcomeCache struct {
	mu   sync.Mutex
	byID map[int64]outcomeEntry
}

type outcomeEntry struct {
	mark  outcomeMark
	o     Outcomes
	until time.Time
}

// What took long to read stands for a while, in which people go on opening and clicking: twenty times as long as that, for a finished campaign at least outcomesLeast.
const (
	outcomesLeast = 10 * time.Second
	outcomesMost  = 50
	outcomesQuick = 500 * time.Millisecond
)

func (c *outcomeCache) get(id int64, mark outcomeMark, now time.Time) (Outcomes, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, found := c.byID[id]
	if !found || now.After(e.until) || mark.over() && e.mark != mark {
		return Outcomes{}, false
	}
	return e.o, true
}

func (c *outcomeCache) put(id int64, mark outcomeMark, o Outcomes, took time.Duration) {
	kept := 20 * took
	switch {
	case mark.over():
		kept = max(kept, outcomesLeast)
	case took < outcomesQuick:
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil || len(c.byID) >= outcomesMost {
		c.byID = map[int64]outcomeEntry{}
	}
	c.byID[id] = outcomeEntry{mark: mark, o: o, until: o.AsOf.Add(kept)}
}
