package campaigns

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/templates"
)

// To whom of the first run's ledger another run of a campaign goes.
const (
	ToNotOpened   = "not_opened"  // got it in some run that was tracked, as they are, and no human of them opened or clicked in any
	ToDeferred    = "deferred"    // was refused for the time being until it was given up, or the campaign was cancelled
	ToFailed      = "failed"      // could not be sent for a reason on our side
	ToUnconfirmed = "unconfirmed" // may have got it: nobody knows
)

// Rerun is what a person decides about another run.
type Rerun struct {
	To []string
	// Subject takes the place of that of the first run, in all variants of a test; nil keeps it.
	Subject *string
}

func (r Rerun) validate() error {
	var f errs.Fields
	if len(r.To) == 0 {
		f.Add("to", "say to whom: not_opened, deferred, failed or unconfirmed")
	}
	for i, to := range r.To {
		switch to {
		case ToNotOpened, ToDeferred, ToFailed, ToUnconfirmed:
		default:
			f.Add("to", "must be not_opened, deferred, failed or unconfirmed")
		}
		if slices.Contains(r.To[:i], to) {
			f.Add("to", "%s is named twice", to)
		}
	}
	return f.Err("the campaign cannot be sent again like this")
}

// root is the first run of the campaign's family.
func (c Campaign) root() int64 {
	if c.ParentID != nil {
		return *c.ParentID
	}
	return c.ID
}

// runsSQL gives the other runs of campaign c that have started.
const runsSQL = `ARRAY(SELECT f.id FROM campaigns f WHERE (f.parent_id = COALESCE(c.parent_id, c.id) OR f.id = c.parent_id) AND f.id <> c.id AND f.started_at IS NOT NULL ORDER BY f.id)`

// gotSQL is a boolean SQL expression: has the person got it in one of the runs, or are they getting it, or may they have? With unconfirmed, what is in doubt counts as not got.
func gotSQL(person, runs string, to []string) string {
	states := "1, 2, 6"
	if slices.Contains(to, ToUnconfirmed) {
		states = "1, 2"
	}
	return fmt.Sprintf(`EXISTS (SELECT FROM deliveries got WHERE got.subscriber_id = %s AND got.campaign_id = ANY (%s) AND got.state IN (%s))`, person, runs, states)
}

// readSQL is a boolean SQL expression: has a human opened or clicked it in one of the runs?
func readSQL(person, runs string) string {
	return fmt.Sprintf(`EXISTS (SELECT FROM events r WHERE r.subscriber_id = %s AND r.campaign_id = ANY (%s) AND r.kind IN ('open', 'click') AND r.actor = 'human')`, person, runs)
}

// before are the runs of a campaign that there were before another one, and the lists of it that are not tracked.
type before struct {
	runs, tracked []int64 // tracked are those that counted opens or clicks
	untracked     []int64
}

// runsBefore gives the runs of a campaign but one, which may not be there yet (0).
func runsBefore(ctx context.Context, db pg.DB, root, but int64) (b before, err error) {
	err = db.QueryRow(ctx, `
		SELECT COALESCE(array_agg(id ORDER BY id), '{}'), COALESCE(array_agg(id ORDER BY id) FILTER (WHERE track_opens OR track_clicks), '{}'),
			ARRAY(SELECT l.id FROM campaign_lists cl JOIN lists l ON l.id = cl.list_id WHERE cl.campaign_id = $1 AND l.no_tracking)
		FROM campaigns WHERE (id = $1 OR parent_id = $1) AND id <> $2 AND started_at IS NOT NULL`, root, but).Scan(&b.runs, &b.tracked, &b.untracked)
	if err != nil {
		return b, fmt.Errorf("looking at the runs of campaign %d: %w", root, err)
	}
	return b, nil
}

// chosenSQL says of a delivery d of the first run whether another run is for its person, with its parameters from $first.
func (b before) chosenSQL(to []string, first int) (string, []any) {
	states := map[string]string{
		ToFailed: `d.state = 5`, ToUnconfirmed: `d.state = 6`,
		// What was refused for the time being to its end: given up after the time that the campaign wants to be read, or when it was cancelled.
		ToDeferred: `(d.state IN (4, 5) AND d.reply_text LIKE 'given up after %' OR d.state = 7 AND d.skip_reason = 'campaign cancelled' AND d.first_tried_at IS NOT NULL)`,
	}
	var missed []string
	for _, t := range to {
		if s := states[t]; s != "" {
			missed = append(missed, s)
		}
	}
	runs, args := fmt.Sprintf("$%d::bigint[]", first), []any{b.runs}
	var any []string
	if len(missed) > 0 {
		any = append(any, `(`+strings.Join(missed, " OR ")+`) AND NOT `+gotSQL("d.subscriber_id", runs, to))
	}
	if slices.Contains(to, ToNotOpened) {
		sql, more := b.unreadSQL(first + 1)
		any, args = append(any, sql), append(args, more...)
	}
	return `(` + strings.Join(any, " OR ") + `) AND NOT ` + readSQL("d.subscriber_id", runs), args
}

// unreadSQL says of a delivery d of the first run whether it would be known if its person had read one of the runs: they got one that was tracked, and are tracked themselves.
func (b before) unreadSQL(first int) (string, []any) {
	untracked, args := untrackedSQL("d.subscriber_id", b.untracked, first+1)
	return fmt.Sprintf(`EXISTS (SELECT FROM deliveries s WHERE s.subscriber_id = d.subscriber_id AND s.campaign_id = ANY ($%d::bigint[]) AND s.state = 2) AND NOT %s`, first, untracked),
		append([]any{b.tracked}, args...)
}

// mustTell refuses to send a campaign again to those who did not open it when nobody knows who did.
func (b before) mustTell(root int64, to []string) error {
	if !slices.Contains(to, ToNotOpened) || len(b.tracked) > 0 {
		return nil
	}
	return errs.InvalidField("to", "campaign %d counted neither opens nor clicks, so nobody knows who did not open it: leave not_opened out and choose deferred, failed or unconfirmed, or make a new campaign for all", root)
}

// gotMeanwhileSQL says of a claimed row u of a campaign with several runs that its person must not get it: they got it in another run, are getting it, or may have. Those whom a run is for
// because they have not opened it have got it, but not since that run began: a confirmation that came late makes nobody get it twice.
// Its parameters begin at $first.
func (o order) gotMeanwhileSQL(first int) (string, []any) {
	runs, started := fmt.Sprintf("$%d::bigint[]", first), fmt.Sprintf("$%d::timestamptz", first+1)
	if !slices.Contains(o.rerunTo, ToNotOpened) {
		return gotSQL("u.subscriber_id", runs, o.rerunTo), []any{o.runs}
	}
	doubt := ", 6"
	if slices.Contains(o.rerunTo, ToUnconfirmed) {
		doubt = ""
	}
	return fmt.Sprintf(`(EXISTS (SELECT FROM deliveries got WHERE got.subscriber_id = u.subscriber_id AND got.campaign_id = ANY (%[1]s)
		AND (got.state IN (1%[3]s) OR got.state = 2 AND got.updated_at >= %[2]s)) OR %[4]s)`, runs, started, doubt, readSQL("u.subscriber_id", runs)), []any{o.runs, o.started}
}

// runsLock is the first key of the advisory lock under which the runs of one campaign claim, so that of two that want the same person the second sees the first: "prru" in ASCII.
const runsLock = 0x70727275

func lockRunsTx(ctx context.Context, tx pgx.Tx, root int64) error {
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1, $2::bigint::int)`, runsLock, root%math.MaxInt32); err != nil {
		return fmt.Errorf("waiting for other runs of campaign %d: %w", root, err)
	}
	return nil
}

// rerunPart narrows the query for the verdicts about a part of the audience to those whom another run is for. $2 and $3 are its bounds; its own parameters begin at $first.
func rerunPart(ctx context.Context, tx pgx.Tx, c rerunOf, selected string, first int) (string, []any, error) {
	if c.ParentID == nil {
		return selected, nil, nil
	}
	b, err := runsBefore(ctx, tx, *c.ParentID, c.ID)
	if err != nil {
		return "", nil, err
	}
	chosen, args := b.chosenSQL(c.RerunTo, first+1)
	return fmt.Sprintf(`SELECT * FROM (%s) whole WHERE whole.subscriber_id IN (
		SELECT d.subscriber_id FROM deliveries d WHERE d.campaign_id = $%d::bigint AND d.subscriber_id > $2 AND d.subscriber_id <= $3 AND %s)`,
		selected, first, chosen), append([]any{*c.ParentID}, args...), nil
}

// rerunOf is what says whom a run is for.
type rerunOf struct {
	ID       int64
	ParentID *int64
	RerunTo  []string
}

// CountRerun counts those in the ledger of a campaign whom another run would be for, before consent and suppressions are asked.
func (s *Service) CountRerun(ctx context.Context, id int64, to []string) (int64, error) {
	if err := (Rerun{To: to}).validate(); err != nil {
		return 0, err
	}
	c, err := s.Get(ctx, id)
	if err != nil {
		return 0, err
	}
	if err := c.mustBeMailing(); err != nil {
		return 0, err
	}
	run := rerunOf{ParentID: new(c.root()), RerunTo: to}
	b, err := runsBefore(ctx, s.d.Pool, *run.ParentID, 0)
	if err != nil {
		return 0, err
	}
	if err := b.mustTell(*run.ParentID, to); err != nil {
		return 0, err
	}
	return s.countChosen(ctx, run)
}

func (s *Service) countChosen(ctx context.Context, c rerunOf) (n int64, err error) {
	b, err := runsBefore(ctx, s.d.Pool, *c.ParentID, c.ID)
	if err != nil {
		return 0, err
	}
	chosen, args := b.chosenSQL(c.RerunTo, 2)
	err = s.d.Pool.QueryRow(ctx, `SELECT count(*) FROM deliveries d WHERE d.campaign_id = $1 AND `+chosen, append([]any{*c.ParentID}, args...)...).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting whom another run of campaign %d is for: %w", *c.ParentID, err)
	}
	return n, nil
}

// mostChosen is of how many of the newest people of a run somebody is looked for who would get it.
const mostChosen = 1000

// chosenAmong gives those of some people whom a run is for, before consent and suppressions are asked; of nil the newest.
func (s *Service) chosenAmong(ctx context.Context, c rerunOf, among []int64) ([]int64, error) {
	b, err := runsBefore(ctx, s.d.Pool, *c.ParentID, c.ID)
	if err != nil {
		return nil, err
	}
	chosen, args := b.chosenSQL(c.RerunTo, 3)
	return collectIDs(ctx, s.d.Pool, `SELECT d.subscriber_id FROM deliveries d WHERE d.campaign_id = $1 AND d.subscriber_id IS NOT NULL AND ($2::bigint[] IS NULL OR d.subscriber_id = ANY ($2))
		AND `+chosen+fmt.Sprintf(` ORDER BY d.subscriber_id DESC LIMIT %d`, mostChosen), append([]any{*c.ParentID, among}, args...)...)
}

// CreateRun makes another run of a campaign, with the content that was frozen for the first, once for each Key of a request; nil leaves it a draft. What keeps it from being launched leaves nothing behind.
func (s *Service) CreateRun(ctx context.Context, by Request, id int64, r Rerun, l *Launch) (Campaign, error) {
	return s.launchOnce(ctx, by, func(keep func(pgx.Tx, int64) error) (Campaign, error) { return s.createRun(ctx, id, r, l, keep) })
}

func (s *Service) createRun(ctx context.Context, id int64, r Rerun, l *Launch, keep func(pgx.Tx, int64) error) (Campaign, error) {
	if err := r.validate(); err != nil {
		return Campaign{}, err
	}
	first, err := s.Get(ctx, id)
	if err != nil {
		return first, err
	}
	if err := s.repeatable(ctx, s.d.Pool, first, r); err != nil {
		return first, err
	}
	in, err := s.rerunInput(ctx, first, r)
	if err != nil {
		return first, err
	}
	var p launching
	if l != nil {
		if p, err = s.prepareLaunch(ctx, Campaign{Status: StatusDraft, Input: in, ParentID: &id, RerunTo: r.To, RerunSubject: r.Subject != nil}, *l); err != nil {
			return first, err
		}
	}
	var c Campaign
	err = pg.InTx(ctx, s.d.Pool, func(tx pgx.Tx) error {
		first, err := lockCampaign(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := s.repeatable(ctx, tx, first, r); err != nil {
			return err
		}
		if c, err = insertRun(ctx, tx, first, in, r); err != nil {
			return err
		}
		if err := keep(tx, c.ID); err != nil || l == nil {
			return err
		}
		if err := s.launchTx(ctx, tx, c, p); err != nil {
			return err
		}
		c, err = getCampaign(ctx, tx, c.ID)
		return err
	})
	return c, err
}

// mustBeMailing refuses runs of a stream of messages, whose people have each got their own.
func (c Campaign) mustBeMailing() error {
	if c.Purpose != PurposeMessages {
		return nil
	}
	return errs.New(errs.Conflict, "%q is a stream of messages, which are not sent again as a whole: send a message anew, or decide about the unconfirmed ones of the stream", c.Name)
}

// repeatable looks whether there may be another run now.
func (s *Service) repeatable(ctx context.Context, db pg.DB, c Campaign, r Rerun) error {
	if err := c.mustBeMailing(); err != nil {
		return err
	}
	switch {
	case c.ParentID != nil:
		return errs.New(errs.Conflict, "campaign %d is run %d of campaign %d; make the new run there", c.ID, c.RunNo, *c.ParentID)
	case c.StartedAt == nil:
		return errs.New(errs.Conflict, "campaign %d has not started, so nobody has it yet; start it instead", c.ID)
	case c.Freezing:
		return errs.New(errs.Conflict, "the recipients of campaign %d are still being written down; try again in a minute", c.ID)
	}
	b, err := runsBefore(ctx, db, c.ID, 0)
	if err != nil {
		return err
	}
	if err := b.mustTell(c.ID, r.To); err != nil {
		return err
	}
	if err := noneUnfinished(ctx, db, c.ID); err != nil {
		return err
	}
	return noneWaiting(ctx, db, c.ID, r.To)
}

// noneUnfinished looks that one run ends before the next begins.
func noneUnfinished(ctx context.Context, db pg.DB, root int64) error {
	var other int64
	var no int
	var status Status
	err := db.QueryRow(ctx, `SELECT id, run_no, status FROM campaigns WHERE parent_id = $1 AND status NOT IN ('finished', 'cancelled') ORDER BY id LIMIT 1`, root).Scan(&other, &no, &status)
	if err == nil {
		return errs.New(errs.Conflict, "run %d of this campaign (campaign %d) is %s: wait for its end, or cancel or delete it first", no, other, status)
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("looking at the runs of campaign %d: %w", root, err)
	}
	return nil
}

// noneWaiting looks that what was deferred is not tried again by itself, when another run is for it.
func noneWaiting(ctx context.Context, db pg.DB, root int64, to []string) error {
	if !slices.Contains(to, ToDeferred) {
		return nil
	}
	var waiting int64
	err := db.QueryRow(ctx, `SELECT COALESCE(sum(deferred), 0)::bigint FROM campaign_counts WHERE campaign_id = $1`, root).Scan(&waiting)
	if err != nil {
		return fmt.Errorf("looking at the runs of campaign %d: %w", root, err)
	}
	if waiting > 0 {
		return errs.New(errs.Conflict, "%d deferred deliveries of campaign %d are still tried again by themselves: wait for the campaign's end, or cancel it first", waiting, root)
	}
	return nil
}

// rerunInput is the first run's with the content as it was frozen, to be sent at once.
func (s *Service) rerunInput(ctx context.Context, first Campaign, r Rerun) (Input, error) {
	in := first.Input
	f, err := s.frozen(ctx, first.ID)
	if err != nil {
		return in, err
	}
	in.Subject, in.Preheader, in.HTML, in.Text, in.FromName, in.FromEmail, in.ReplyTo = f.Subject, f.Preheader, f.HTML, f.Text, f.FromName, f.FromEmail, f.ReplyTo
	if r.Subject != nil {
		in.Subject = *r.Subject
	}
	in.Kind, in.LayoutID, in.KeepCSS = templates.KindHTML, nil, true // it is what was made of the sources
	in.LocalTime, in.ABTest = LocalTime{}, nil
	in.setDefaults()
	return in, in.validate()
}

func insertRun(ctx context.Context, tx pgx.Tx, first Campaign, in Input, r Rerun) (Campaign, error) {
	id, err := insertCampaign(ctx, tx, in)
	if err != nil {
		return Campaign{}, err
	}
	err = exec(ctx, tx, `
		UPDATE campaigns SET parent_id = $2, rerun_to = $3, rerun_subject = $4, run_no = (SELECT max(run_no) + 1 FROM campaigns WHERE id = $2 OR parent_id = $2) WHERE id = $1`, id, first.ID, r.To, r.Subject != nil)
	if err != nil {
		return Campaign{}, err
	}
	return getCampaign(ctx, tx, id)
}

// sameRun keeps the content and the audience of another run as they were in the first.
func (c Campaign) sameRun(in Input) error {
	if c.ParentID == nil {
		return nil
	}
	var f errs.Fields
	is := c.Input
	for field, same := range map[string]bool{
		"html": in.HTML == is.HTML && in.Kind == is.Kind && sameLayout(in.LayoutID, is.LayoutID), "text": in.Text == is.Text, "list_ids": sameIDs(in.ListIDs, is.ListIDs), "segment_ids": sameIDs(in.SegmentIDs, is.SegmentIDs),
		"exclude_segment_ids": sameIDs(in.ExcludeSegmentIDs, is.ExcludeSegmentIDs), "exclude_list_ids": sameIDs(in.ExcludeListIDs, is.ExcludeListIDs), "local_time": in.LocalTime.Enabled == is.LocalTime.Enabled,
		"ab_test": in.ABTest == nil,
	} {
		if !same {
			f.Add(field, "campaign %d is run %d of campaign %d and has its content and audience; make a campaign of its own for others", c.ID, c.RunNo, *c.ParentID)
		}
	}
	return f.Err("another run of a campaign cannot be changed like this")
}

func sameLayout(a, b *int64) bool { return a == b || a != nil && b != nil && *a == *b }

func sameIDs(a, b []int64) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// Runs are all runs of a campaign with their figures, the first one first, and what they came to together.
type Runs struct {
	Runs []WithStats
	// Recipients are those of the first run, of whom all others are a part. Reached are the people who got it in any run, Opened and Clicked those who did so as humans in any: each person once.
	Recipients, Reached, Opened, Clicked int64
}

// Runs gives the runs of the family that a campaign belongs to.
func (s *Service) Runs(ctx context.Context, id int64) (Runs, error) {
	var all Runs
	c, err := s.Get(ctx, id)
	if err != nil {
		return all, err
	}
	rows, err := pg.Many[campaignRow](ctx, s.d.Pool, "campaigns", `SELECT `+campaignColumns+` FROM campaigns c WHERE c.id = $1 OR c.parent_id = $1 ORDER BY c.run_no`, c.root())
	if err != nil {
		return all, err
	}
	if all.Runs, err = s.withStats(ctx, withoutBodies(rows)); err != nil {
		return all, err
	}
	all.Recipients, all.Reached = all.Runs[0].Stats.Recipients, all.Runs[0].Stats.Sent
	var ids []int64
	for _, r := range all.Runs {
		ids = append(ids, r.Campaign.ID)
	}
	// The later runs are small beside the first, so only their rows are read.
	var more int64
	err = s.d.Pool.QueryRow(ctx, `
		SELECT count(*) FROM deliveries d WHERE d.campaign_id = ANY ($1) AND d.state = 2
			AND NOT EXISTS (SELECT FROM deliveries e WHERE e.subscriber_id = d.subscriber_id AND e.campaign_id = ANY ($2) AND e.campaign_id < d.campaign_id AND e.state = 2)`,
		ids[1:], ids).Scan(&more)
	if err != nil {
		return all, fmt.Errorf("counting whom campaign %d reached: %w", id, err)
	}
	all.Reached += more
	err = s.d.Pool.QueryRow(ctx, `
		SELECT count(DISTINCT subscriber_id) FILTER (WHERE kind = 'open'), count(DISTINCT subscriber_id) FILTER (WHERE kind = 'click')
		FROM events WHERE campaign_id = ANY ($1) AND kind IN ('open', 'click') AND actor = 'human'`, ids).Scan(&all.Opened, &all.Clicked)
	if err != nil {
		return all, fmt.Errorf("counting who opened campaign %d: %w", id, err)
	}
	return all, nil
}
