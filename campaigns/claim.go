package campaigns

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/audience"
	"postrider/internal/pg"
	"postrider/sender"
	"postrider/templates"
)

// claimed is a delivery that this node works on.
type claimed struct {
	campaignID   int64
	Seq          int32
	SubscriberID int64
	Email        string
	Attempts     int16
	FirstTriedAt time.Time
	ClaimedAt    time.Time // tells this claim from one before it, which may have been given back with its attempt
	person       templates.Person
	data         map[string]any // of a message
	variant      int16          // of an A/B test, 0 without one
	untracked    bool           // the message carries neither pixel nor counted links
	others       int16          // how many other relays of the campaign take the recipient
	site         string         // of the recipient, where the relay has limits for sites
}

// claim is what was taken for one relay.
type claim struct {
	campaignID int64
	run        int // of the campaign when it was claimed; 0 for what is settled after a node's death, which has no job any more
	policy     string
	expires    time.Duration
	relay      sender.Relay
	from       sender.FromDomain
	rows       []claimed
	node       string
}

// look is what one look at the queue gave.
type look struct {
	stale     bool
	unnotable bool // the journal takes no lines
	full      bool // messages: none of the relays has a berth
	// wait is until when nothing may be claimed; zero when something may.
	wait time.Time
	// last is the greatest seq that was looked at, 0 when there was none: rows also count that were skipped.
	last int32
	left left
	// routed says that what one relay could not be given may go to another.
	routed bool
	// claims has one for each relay that got something; of a campaign with one relay exactly one.
	claims []claim
	// sent is told each relay of the claims when what was claimed for it is through; nil: nobody wants to know.
	sent func(relayID int64)
}

// order is what the campaign says about its deliveries when the queue is looked at.
type order struct {
	claim   // without relay and rows
	stale   bool
	stopped bool // everything is
	// root is the first run of the campaign, runs are the others that have started, rerunTo whom it is for as one of them, started when it did.
	root    int64
	runs    []int64
	rerunTo []string
	started time.Time
	listIDs []int64
	// untracked are those of the lists whose people are not tracked.
	untracked []int64
	relays    []sender.Relay
	via       []int64        // those of the relays that may be used for this look; nil: all
	window    *sender.Window // of the campaign
	messages  bool           // it is a stream of messages
	tested    bool           // it has variants
}

// routed says that it takes a look at each delivery to know its relay.
func (o order) routed() bool {
	return len(o.relays) > 1 || o.relays[0].Restricted() || o.relays[0].SiteLimits
}

type claimRow struct {
	Seq          int32
	SubscriberID int64
	Email        string
	Attempts     int16
	FirstTriedAt time.Time
	ClaimedAt    time.Time
	Name         *string
	Attributes   []byte
	Left         *string // why they may not be mailed any more
	Untracked    bool
	data         map[string]any // of a message
	Variant      int16
}

// claim takes the next queued deliveries of the range from lo on. In the same transaction it looks whether the campaign still runs, and whether each
// person may still be mailed.
//
// Invariant: the claim is committed before anything is sent.
func (s *Service) claim(ctx context.Context, a DeliverArgs, lo int32) (look, error) {
	o, err := s.order(ctx, a)
	if err != nil || o.stale {
		return look{stale: o.stale}, err
	}
	return s.claimFor(ctx, pick{DeliverArgs: a, order: o, lo: lo})
}

// claimFor is claim with what the campaign wants.
func (s *Service) claimFor(ctx context.Context, p pick) (look, error) {
	o := p.order
	if o.stopped {
		return look{wait: s.d.Now().Add(sender.StopAgain)}, nil
	}
	take := s.claimTx
	if o.routed() {
		take = s.claimRoutedTx
	} else if wait := o.relays[0].NotBefore(s.d.Now()); !wait.IsZero() {
		return look{wait: wait}, nil
	}
	if wait := o.from.NotBefore(s.d.Now()); !wait.IsZero() {
		return look{wait: wait}, nil
	}
	if opens := o.window.Opens(s.d.Now()); opens.After(s.d.Now()) {
		return look{wait: opens}, nil
	}
	if !s.canNote(ctx, o.relays) {
		return look{unnotable: true}, nil
	}
	l := look{routed: o.routed()}
	err := pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		if alive, err := sender.FenceTx(ctx, tx, s.d.Node.ID); err != nil || !alive {
			l.stale = true
			return err
		}
		if len(o.runs) > 0 {
			if err := lockRunsTx(ctx, tx, o.root); err != nil {
				return err
			}
		}
		return take(ctx, tx, p, &l)
	})
	if err != nil {
		s.inflight.suspect.Store(s.d.Now().UnixNano())
		return l, err
	}
	for _, c := range l.claims {
		s.inflight.add(c.rows)
	}
	return l, nil
}

// order reads what the campaign wants now.
func (s *Service) order(ctx context.Context, a DeliverArgs) (order, error) {
	o := order{claim: claim{campaignID: a.CampaignID, run: a.Run, node: s.d.Node.ID}}
	var status Status
	var run, hours int
	var from string
	var relayIDs []int64
	var window struct {
		days        []int
		from, until *int
		zone        string
	}
	err := s.d.Pool.QueryRow(ctx, `
		SELECT c.status, c.purpose = 'messages', c.run, c.from_email, c.unconfirmed_policy, c.expires_after_hours,
			c.send_days, EXTRACT(epoch FROM c.send_from)::int, EXTRACT(epoch FROM c.send_until)::int, c.send_zone, `+sender.StoppedSQL+`, COALESCE(c.parent_id, c.id), `+runsSQL+`, c.rerun_to, COALESCE(c.started_at, now()),
			EXISTS (SELECT FROM campaign_ab_tests t WHERE t.campaign_id = COALESCE(c.parent_id, c.id)),
			ARRAY(SELECT list_id FROM campaign_lists WHERE campaign_id = $1),
			ARRAY(SELECT l.id FROM campaign_lists cl JOIN lists l ON l.id = cl.list_id WHERE cl.campaign_id = $1 AND l.no_tracking), `+relayIDsSQL+`
		FROM campaigns c WHERE c.id = $1`, a.CampaignID).Scan(&status, &o.messages, &run, &from, &o.policy, &hours,
		&window.days, &window.from, &window.until, &window.zone, &o.stopped, &o.root, &o.runs, &o.rerunTo, &o.started, &o.tested, &o.listIDs, &o.untracked, &relayIDs)
	if err == pgx.ErrNoRows {
		return order{stale: true}, nil
	}
	if err != nil {
		return o, fmt.Errorf("looking at campaign %d: %w", a.CampaignID, err)
	}
	o.expires = time.Duration(hours) * time.Hour
	o.window = sender.NewWindow(window.days, window.from, window.until, window.zone)
	if o.messages && status != StatusOpen || !o.messages && status != StatusRunning || run != a.Run {
		o.stale = true
		return o, nil
	}
	o.relays, o.from, err = s.d.Sender.RelaysFor(ctx, relayIDs, sender.DomainOf(from))
	for i := range o.relays {
		if o.messages {
			o.relays[i] = o.relays[i].ForUrgent()
		}
	}
	if err == nil && len(o.relays) == 0 {
		err = fmt.Errorf("campaign %d has no relay any more", a.CampaignID)
	}
	return o, err
}

// pick is what is to be taken: the queued deliveries of a range from lo on, most of them at most.
type pick struct {
	DeliverArgs
	order
	lo   int32
	most int
}

func (s *Service) claimTx(ctx context.Context, tx pgx.Tx, p pick, l *look) (err error) {
	relay := p.relays[0]
	if p.most, l.wait, err = sender.ReserveDomainTx(ctx, tx, p.from, s.claimSize(relay), s.d.Now()); err != nil || p.most == 0 {
		return err
	}
	if p.most, l.wait, err = sender.ReserveTx(ctx, tx, relay, p.most, s.d.Now()); err != nil || p.most == 0 {
		return err
	}
	rows, err := takeTx(ctx, tx, p, nil)
	if err != nil {
		return err
	}
	c := p.claim
	c.relay = relay
	if n := len(rows); n > 0 {
		l.last = rows[n-1].Seq
	}
	if c.rows, err = mailableTx(ctx, tx, p.CampaignID, rows); err != nil {
		return err
	}
	l.claims = []claim{c}
	if err := sender.ClaimedTx(ctx, tx, relay, c.node, len(c.rows)); err != nil {
		return err
	}
	return sender.DomainClaimedTx(ctx, tx, p.from, c.node, len(c.rows))
}

// takeTx claims queued deliveries: the next ones, or those that were chosen for a relay. The status is asked again inside: a claim may overlap with a Pause, but none
// begins after one has been answered.
//
// The rows are locked in a subquery whose result is an array, and not joined to it: the planner takes both for a handful, and compared each row with each.
func takeTx(ctx context.Context, tx pgx.Tx, p pick, chosen *chosen) ([]claimRow, error) {
	if p.messages {
		return takeMessagesTx(ctx, tx, p, chosen)
	}
	only, set := "", ""
	args := []any{p.CampaignID, p.lo, p.Hi, p.Run, p.most, p.node, p.listIDs}
	if chosen != nil {
		only, set = ` AND q.seq = ANY ($8::int[])`, `, relay_id = $9`
		args = append(args, chosen.seqs, chosen.relayID)
	}
	returned, variant := "", "0::smallint"
	if p.tested {
		set += `, variant = ` + keptVariantSQL
		returned, variant = `, d.variant`, `COALESCE(u.variant, 0::smallint)`
	}
	untracked := `COALESCE(s.no_tracking, false)`
	if len(p.untracked) > 0 {
		args = append(args, p.untracked)
		untracked += ` OR ` + audience.SubscribedSQL("s.id", fmt.Sprintf("$%d", len(args)))
	}
	got := ""
	if len(p.runs) > 0 {
		sql, more := p.gotMeanwhileSQL(len(args) + 1)
		got = `WHEN ` + sql + ` THEN '` + gotMeanwhile + `' `
		args = append(args, more...)
	}
	rows, err := pg.Many[claimRow](ctx, tx, "queued deliveries", `
		WITH u AS (
			UPDATE deliveries d SET state = 1, node_id = $6, attempts = d.attempts + 1, updated_at = now(),
				first_tried_at = COALESCE(d.first_tried_at, now())`+set+`
			WHERE d.campaign_id = $1 AND d.seq = ANY (ARRAY (
				SELECT q.seq FROM deliveries q
				WHERE q.campaign_id = $1 AND q.seq BETWEEN $2 AND $3 AND q.state = 0 AND `+openSQL("q")+only+`
					AND EXISTS (SELECT FROM campaigns c WHERE c.id = $1 AND c.status = 'running' AND c.run = $4)
				ORDER BY q.seq LIMIT $5 FOR UPDATE OF q SKIP LOCKED))
			RETURNING d.seq, d.subscriber_id, d.email, d.attempts, d.first_tried_at, d.updated_at`+returned+`)
		SELECT u.seq, u.subscriber_id, u.email, u.attempts, u.first_tried_at, u.updated_at AS claimed_at, s.name, s.attributes,
			CASE WHEN s.id IS NULL THEN 'deleted' `+got+`ELSE `+audience.LeftSQL("s", "$7")+` END AS "left", `+untracked+` AS untracked, `+variant+` AS variant
		FROM u LEFT JOIN subscribers s ON s.id = u.subscriber_id ORDER BY u.seq`, args...)
	if err == nil && p.tested && slices.ContainsFunc(rows, func(r claimRow) bool { return r.Variant == 0 }) {
		err = fmt.Errorf("deliveries of campaign %d could be claimed before their variant was known", p.CampaignID)
	}
	return rows, err
}

// chosen are deliveries that are to go through a relay.
type chosen struct {
	seqs    []int32
	relayID int64
}

// skipReasons say what became of somebody between Start and the claim.
var skipReasons = map[string]string{
	audience.VerdictUnsubscribed:             "unsubscribed after the campaign started",
	audience.VerdictSuppressed:               "suppressed after the campaign started",
	audience.VerdictPaused:                   "paused all mail after the campaign started",
	"deleted":                                "deleted after the campaign started",
	gotMeanwhile:                             "got or opened it in another run of the campaign",
	leftMessage + audience.VerdictSuppressed: "suppressed after the message was accepted",
	leftMessage + "deleted":                  "deleted after the message was accepted",
}

// gotMeanwhile is a verdict beside those of the audience.
const gotMeanwhile = "got_meanwhile"

// mailableTx keeps those who may still be mailed and skips the others.
func mailableTx(ctx context.Context, tx pgx.Tx, campaignID int64, rows []claimRow) ([]claimed, error) {
	var keep []claimed
	var gone []int32
	var why []string
	for _, r := range rows {
		if r.Left != nil {
			gone, why = append(gone, r.Seq), append(why, skipReasons[*r.Left])
			continue
		}
		person, err := r.person()
		if err != nil {
			return nil, err
		}
		keep = append(keep, claimed{campaignID: campaignID, Seq: r.Seq, SubscriberID: r.SubscriberID, Email: r.Email, Attempts: r.Attempts, FirstTriedAt: r.FirstTriedAt,
			ClaimedAt: r.ClaimedAt, person: person, data: r.data, variant: r.Variant, untracked: r.Untracked})
	}
	if len(gone) == 0 {
		return keep, nil
	}
	return keep, exec(ctx, tx, `
		UPDATE deliveries d SET state = 7, node_id = NULL, attempts = attempts - 1, updated_at = now(),
			skip_reason = ($3::text[])[array_position($2::int[], d.seq)]
		WHERE campaign_id = $1 AND seq = ANY ($2)`, campaignID, gone, why)
}

func (r claimRow) person() (templates.Person, error) {
	p := templates.Person{ID: r.SubscriberID, Email: r.Email}
	if r.Name != nil {
		p.Name = *r.Name
	}
	if len(r.Attributes) > 0 {
		if err := json.Unmarshal(r.Attributes, &p.Attributes); err != nil {
			return p, fmt.Errorf("reading the attributes of subscriber %d: %w", r.SubscriberID, err)
		}
	}
	return p, nil
}

// skipWaiting ends everything of a campaign that waits.
func skipWaiting(ctx context.Context, tx pgx.Tx, id int64, reason string) error {
	return exec(ctx, tx, `
		UPDATE deliveries SET state = 7, skip_reason = $2, next_attempt_at = NULL, updated_at = now()
		WHERE campaign_id = $1 AND state IN (0, 3)`, id, reason)
}
