package campaigns

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns/abtest"
	"postrider/internal/errs"
	"postrider/internal/pg"
)

// restGate is the gate before those who are not in the sample of an A/B test; it opens with the decision.
const restGate int16 = 0

// keptVariantSQL is the variant of delivery d of campaign $1 from its claim on: the one that it has, else the winner.
//
// Invariant: a delivery that was claimed keeps its variant, whatever becomes of it. It is read with the gate in one statement, so that whoever finds that open finds the winner too.
const keptVariantSQL = `COALESCE(d.variant, (SELECT t.winner FROM campaign_ab_tests t WHERE t.campaign_id = $1))`

// checkSample refuses a test whose sample would be too small to say anything, while somebody is there to mend it. The audience is counted, or estimated, as it is now.
func (s *Service) checkSample(ctx context.Context, c Campaign) error {
	t := c.ABTest
	if t == nil {
		return nil
	}
	people, of, err := s.testable(ctx, c)
	if err != nil {
		return err
	}
	variants := len(t.Variants)
	each := float64(people) * float64(t.SamplePercent) / 100 / float64(variants)
	// Chance divides the people, so some variant gets fewer than its share: by more than two standard deviations seldom.
	least := float64(t.MinSample) + 2*math.Sqrt(float64(t.MinSample))
	if people == 0 || each >= least {
		return nil // that nobody is left is said when the audience is frozen
	}
	why := fmt.Sprintf("%d%% of %d %s in %d variants are about %.0f for each. Chance divides them, so it takes about %.0f to have the %d in each that a winner needs",
		t.SamplePercent, people, of, variants, each, math.Ceil(least), t.MinSample)
	if need := int(math.Ceil(least * float64(variants) * 100 / float64(people))); need <= 50 {
		return errs.InvalidField("ab_test.sample_percent", "%s: test with at least %d%%, or lower that number", why, need)
	}
	out := []string{"send without a test"}
	if variants > 2 {
		out = append(out, "test fewer variants")
	}
	if t.MinSample > 1 {
		out = append(out, "lower that number")
	}
	return errs.InvalidField("ab_test.min_sample", "%s: the audience is too small for this test. You can %s", why, strings.Join(out, ", or "))
}

// testable counts the people of a campaign of whom a test can learn something, and says what they are: those on lists without tracking are not among them.
func (s *Service) testable(ctx context.Context, c Campaign) (people int64, of string, err error) {
	all, err := s.CountDraft(ctx, c.ID, c.Input)
	if err != nil || all.Mailable == 0 {
		return 0, "", err
	}
	untracked, err := untrackedLists(ctx, s.d.Pool, c.ListIDs)
	if err != nil || len(untracked) == 0 {
		return all.Mailable, "people", err
	}
	in := c.Input
	in.ExcludeListIDs = slices.Concat(in.ExcludeListIDs, untracked)
	choice, err := s.choice(ctx, in)
	if err != nil {
		return 0, "", err
	}
	tracked, err := s.d.Audience.CountChoice(ctx, choice, c.ID, true)
	if err == nil && tracked.Mailable == 0 {
		err = errs.InvalidField("ab_test.metric", "all %d people whom it would reach are on a list that is not tracked, so nobody would know which variant did better: let that list be tracked, or send without a test", all.Mailable)
	}
	return tracked.Mailable, "people who are tracked", err
}

// checkTracked refuses a test in which nobody at all is tracked.
func (s *Service) checkTracked(ctx context.Context, f *errs.Fields, in Input) error {
	if in.ABTest == nil || len(in.ListIDs) == 0 {
		return nil
	}
	untracked, err := untrackedLists(ctx, s.d.Pool, in.ListIDs)
	if err == nil && !slices.ContainsFunc(in.ListIDs, func(id int64) bool { return !slices.Contains(untracked, id) }) {
		f.Add("ab_test.metric", "no list of the campaign is tracked, so nobody would know which variant did better: let a list be tracked, or send without a test")
	}
	return err
}

// startTestTx begins the test of a campaign that is being started, with a seed that nobody chose.
func startTestTx(ctx context.Context, tx pgx.Tx, c Campaign) error {
	if c.ABTest == nil {
		return nil
	}
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return fmt.Errorf("choosing the sample of campaign %d: %w", c.ID, err)
	}
	seed := binary.BigEndian.Uint64(b[:]) >> 11 // what a JSON number can hold exactly
	if err := exec(ctx, tx, `UPDATE campaign_ab_tests SET seed = $2 WHERE campaign_id = $1`, c.ID, int64(seed)); err != nil || c.ABTest.everybody() {
		return err
	}
	return addToGateTx(ctx, tx, c.ID, Gate{Gate: restGate, Note: "rest of the A/B test"})
}

// testPart writes the people of a test into the ledger, or those of another run of a campaign that was one.
type testPart struct {
	seed   int64
	shares abtest.Shares
	root   int64 // 0 in the first run
}

// testPartTx reads how the people of a campaign are divided; nil when it has no variants.
func testPartTx(ctx context.Context, tx pgx.Tx, c rerunOf) (*testPart, error) {
	root := c.ID
	if c.ParentID != nil {
		root = *c.ParentID
	}
	rows, err := pg.Many[struct {
		Seed          int64
		SamplePercent int
		Variants      int
	}](ctx, tx, "the A/B test", `
		SELECT seed, sample_percent, (SELECT count(*)::int FROM campaign_variants v WHERE v.campaign_id = t.campaign_id) AS variants
		FROM campaign_ab_tests t WHERE campaign_id = $1 AND seed IS NOT NULL`, root)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	r := rows[0]
	p := &testPart{seed: r.Seed, shares: abtest.Shares{Sample: float64(r.SamplePercent) / 100, Variants: r.Variants}}
	if c.ParentID != nil {
		p.root = root
	}
	return p, nil
}

// assignedSQL is abtest.Assign for a person of %s: the number of their variant, from 1, or NULL. Its parameters begin at %d: the seed, the least value of the first half of the hash that is not in the sample (NULL: everybody
// is), and the number of variants. A test holds the two to each other.
const assignedSQL = `(
	SELECT CASE WHEN $%[3]d::bytea IS NULL OR substr(h.v, 1, 8) < $%[3]d THEN
		(1 + (('x' || encode(substr(h.v, 9, 4), 'hex'))::bit(32)::bigint * (4294967296 %% $%[4]d::bigint) + ('x' || encode(substr(h.v, 13, 4), 'hex'))::bit(32)::bigint) %% $%[4]d)::smallint END
	FROM (SELECT sha256('postrider abtest v1\000'::bytea || int8send($%[2]d::bigint) || int8send(%[1]s)) AS v) h)`

// assigned gives assignedSQL with its parameters.
func (p *testPart) assigned(person string, first int) (string, []any) {
	var bound []byte
	if p.shares.Sample < 1 {
		bound = binary.BigEndian.AppendUint64(nil, uint64(math.Ldexp(p.shares.Sample, 64)))
	}
	return fmt.Sprintf(assignedSQL, person, first, first+1, first+2), []any{p.seed, bound, p.shares.Variants}
}

// insertTested does what insertPlain does for a test. In each part the sample comes first, so that ranges find it together.
const insertTested = `
	INSERT INTO deliveries (campaign_id, seq, subscriber_id, email, gate, variant)
	SELECT $5, $6 + row_number() OVER (ORDER BY v.variant IS NULL, v.subscriber_id), v.subscriber_id, v.email, CASE WHEN v.variant IS NULL THEN {rest} END, v.variant
	FROM (SELECT a.subscriber_id, a.email, {assigned} AS variant FROM a WHERE a.verdict = 'mail' OFFSET 0) v`

// insertAgain does the same for another run: each person gets the variant that the first run had for them. Whoever was given up there before a claim had none; they get what the rest does.
const insertAgain = `
	INSERT INTO deliveries (campaign_id, seq, subscriber_id, email, variant)
	SELECT $5, $6 + row_number() OVER (ORDER BY a.subscriber_id), a.subscriber_id, a.email, COALESCE(
		(SELECT f.variant FROM deliveries f WHERE f.campaign_id = $%[1]d::bigint AND f.subscriber_id = a.subscriber_id),
		(SELECT t.winner FROM campaign_ab_tests t WHERE t.campaign_id = $%[1]d), 1::smallint)
	FROM a WHERE a.verdict = 'mail'`

// insert gives the statement that writes the part, with its parameters from $first.
func (p *testPart) insert(first int) (string, []any) {
	if p.root != 0 {
		return fmt.Sprintf(insertAgain, first), []any{p.root}
	}
	assigned, args := p.assigned("a.subscriber_id", first)
	return strings.NewReplacer("{assigned}", assigned, "{rest}", fmt.Sprintf("%d::smallint", restGate)).Replace(insertTested), args
}

// closeTx counts the rest of the part that was just written, from after $from on, at the gate. The campaign is locked by now, as it is by whoever opens that.
func (p *testPart) closeTx(ctx context.Context, tx pgx.Tx, id int64, from int) error {
	if p == nil || p.root != 0 {
		return nil
	}
	var rest int
	err := tx.QueryRow(ctx, `SELECT count(*)::int FROM deliveries WHERE campaign_id = $1 AND seq > $2 AND gate = $3`, id, from, restGate).Scan(&rest)
	if err != nil {
		return fmt.Errorf("freezing the audience of campaign %d: %w", id, err)
	}
	if rest == 0 {
		return nil
	}
	return addToGateTx(ctx, tx, id, Gate{Gate: restGate, People: rest})
}
