package campaigns

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"postrider/campaigns/abtest"
	"postrider/campaigns/journal"
	"postrider/events"
	"postrider/internal/errs"
	"postrider/internal/pg"
	"postrider/sender"
)

// testOf makes a campaign one with an A/B test of two subjects.
func testOf(percent int, change ...func(*ABTest)) func(*Input) {
	return func(in *Input) {
		in.ABTest = &ABTest{
			Variants: []Variant{{Subject: ptr("Plain")}, {Subject: ptr("Fancy"), FromName: ptr("The House")}}, SamplePercent: percent, Metric: MetricClicks,
			WaitMinutes: 60, MinSample: 1, NoWinner: NoWinnerAsk,
		}
		for _, fn := range change {
			fn(in.ABTest)
		}
	}
}

type testedRow struct {
	Seq          int32
	SubscriberID int64
	Email        string
	State        State
	Gate         *int16
	Variant      *int16
}

func (b *bundle) tested(id int64) []testedRow {
	b.t.Helper()
	rows, err := pg.Many[testedRow](b.t.Context(), b.pool, "deliveries", `SELECT seq, subscriber_id, email, state, gate, variant FROM deliveries WHERE campaign_id = $1 ORDER BY seq`, id)
	must(b.t, err)
	return rows
}

// react has some of the deliveries of the sample of a variant clicked and opened by people: those with the lowest numbers.
func (b *bundle) react(id int64, variant, clicks int) {
	b.t.Helper()
	b.exec(`
		INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, link, actor)
		SELECT now(), k.kind, d.campaign_id, d.seq, d.subscriber_id, 1, 'human'
		FROM (SELECT * FROM deliveries WHERE campaign_id = $1 AND variant = $2 AND gate IS NULL AND state = 2 ORDER BY seq LIMIT $3) d, (VALUES ('open'), ('click')) k (kind)`, id, variant, clicks)
}

func (b *bundle) sampleSent(id int64) {
	b.t.Helper()
	b.await(id, "the sample", func(c Campaign, _ Stats) bool { return c.ABRun.SentAt != nil })
}

// subjects are how many messages came with each subject, by recipient.
func (b *bundle) subjects() map[string]string {
	b.t.Helper()
	got := map[string]string{}
	for _, m := range b.smtp.Accepted() {
		to := m.To
		if was, twice := got[to]; twice {
			b.t.Errorf("%s got two messages: %q and another", to, was)
		}
		for line := range strings.SplitSeq(string(m.Raw), "\r\n") {
			if s, ok := strings.CutPrefix(line, "Subject: "); ok {
				got[to] = s
				break
			}
		}
	}
	return got
}

func TestAssignedSQLIsAssign(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := rand.New(rand.NewPCG(6, 31))
	for range 60 {
		p := testPart{seed: int64(r.Uint64() >> 11), shares: abtest.Shares{Sample: float64(1+r.IntN(50)) / 100, Variants: 2 + r.IntN(4)}}
		if r.IntN(6) == 0 {
			p.shares.Sample = 1
		}
		ids := []int64{0, 1, math.MaxInt64, math.MinInt64, -1}
		for range 200 {
			ids = append(ids, int64(r.Uint64()), r.Int64N(100_000))
		}
		sql, args := p.assigned("i", 2)
		got := query[*int16](b, `SELECT `+sql+` FROM unnest($1::bigint[]) WITH ORDINALITY AS u (i, n) ORDER BY n`, append([]any{ids}, args...)...)
		for i, id := range ids {
			variant, in := abtest.Assign(uint64(p.seed), id, p.shares)
			if in != (got[i] != nil) || in && int(*got[i]) != variant+1 {
				t.Fatalf("person %d with %+v: %v in SQL, %d (%v) in Go", id, p, got[i], variant+1, in)
			}
		}
	}
}

func TestEverybodyOfATestIsInOnePlace(t *testing.T) {
	t.Parallel()
	b := setupParts(t)
	b.people(700)
	b.Drain()
	r := rand.New(rand.NewPCG(1, 2))
	for range 6 {
		percent, variants := 1+r.IntN(50), 2+r.IntN(4)
		if r.IntN(3) == 0 {
			percent = 100
		}
		b.cfg.FirstPart, b.cfg.Part = 20+r.IntN(200), 20+r.IntN(300)
		b.draining.Store(true)
		c := b.start(testOf(percent, func(a *ABTest) {
			for len(a.Variants) < variants {
				a.Variants = append(a.Variants, Variant{Subject: ptr(fmt.Sprint("Subject ", len(a.Variants)))})
			}
		}))
		if c.Freezing {
			goOn(t, b, c.ID)
			b.draining.Store(true)
		}
		if c, _ = b.Get(t.Context(), c.ID); c.Recipients != 700 {
			t.Fatalf("%d people", c.Recipients)
		}
		count := map[int16]int{}
		rest := 0
		for _, row := range b.tested(c.ID) {
			variant, in := abtest.Assign(uint64(c.ABRun.Seed), row.SubscriberID, c.ABTest.shares())
			switch {
			case in && (row.Variant == nil || int(*row.Variant) != variant+1 || row.Gate != nil):
				t.Fatalf("%+v should be in the sample with variant %d", row, variant+1)
			case !in && (row.Variant != nil || row.Gate == nil || *row.Gate != restGate):
				t.Fatalf("%+v should be in the rest", row)
			case in:
				count[*row.Variant]++
			default:
				rest++
			}
		}
		// Within five standard deviations.
		for n := 1; n <= variants; n++ {
			p := float64(percent) / 100 / float64(variants)
			if d := math.Abs(float64(count[int16(n)]) - 700*p); d > 5*math.Sqrt(700*p*(1-p)) {
				t.Errorf("variant %d of %d has %d people with a sample of %d %%", n, variants, count[int16(n)], percent)
			}
		}
		gates, err := b.Gates(t.Context(), c.ID)
		must(t, err)
		if percent == 100 && (len(gates) != 0 || rest != 0) || percent < 100 && (len(gates) != 1 || gates[0].People != rest || gates[0].OpenedAt != nil) {
			t.Errorf("%d are the rest, gates %+v", rest, gates)
		}
		_, err = b.Cancel(t.Context(), c.ID)
		must(t, err)
	}
}

func TestTheRestGetsTheWinner(t *testing.T) {
	t.Parallel()
	for name, relays := range map[string]int{"one relay": 1, "several relays": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			ids := []int64{b.relay.ID}
			if relays > 1 {
				ids = append(ids, b.makeRelay(sender.RelayInput{Name: "Second"}).ID)
			}
			b.people(300)
			c := b.start(testOf(40, func(a *ABTest) { a.MinSample = 20 }), func(in *Input) { in.RelayIDs = ids })
			b.sampleSent(c.ID)
			b.react(c.ID, 1, 5)
			b.react(c.ID, 2, 30)
			run := b.runOf(c.ID)
			b.clock.advance(59 * time.Minute)
			must(t, b.tick(t.Context()))
			if c, _ = b.Get(t.Context(), c.ID); c.ABState() != ABRunning || b.runOf(c.ID) != run || c.Status != StatusRunning {
				t.Fatalf("before its time it is %s", c.ABState())
			}
			b.clock.advance(2 * time.Minute)
			st := b.awaitFinished(c.ID)
			if st.Sent != 300 {
				t.Errorf("%+v", st)
			}
			if c, _ = b.Get(t.Context(), c.ID); c.ABRun.Winner == nil || *c.ABRun.Winner != 2 || c.ABState() != ABDecided {
				t.Fatalf("%+v", c.ABRun)
			}
			rows, got := b.tested(c.ID), b.subjects()
			for _, row := range rows {
				want := "Plain"
				if variant, in := abtest.Assign(uint64(c.ABRun.Seed), row.SubscriberID, c.ABTest.shares()); !in || variant == 1 {
					want = "Fancy"
				}
				if got[row.Email] != want || row.Variant == nil || want == "Fancy" != (*row.Variant == 2) {
					t.Fatalf("%+v got %q, not %q", row, got[row.Email], want)
				}
			}
			rep, err := b.ABTestReport(t.Context(), c.ID)
			must(t, err)
			if len(rep.Decisions) != 1 || rep.Decisions[0].Method != ABByWinner || rep.Decisions[0].Figures[1].Clicked != 30 || !strings.Contains(rep.Decisions[0].Why, "B is better") {
				t.Errorf("%+v", rep.Decisions)
			}
			o, err := b.Outcomes(t.Context(), c.ID, 0)
			must(t, err)
			if len(o.Variants) != 2 || o.Variants[0].Delivered+o.Variants[1].Delivered != 300 || o.Variants[1].Clicked != 30 {
				t.Errorf("%+v", o.Variants)
			}
		})
	}
}

func TestWithoutAClearWinner(t *testing.T) {
	t.Parallel()
	for choice, want := range map[string]struct {
		method, state string
		winner        int16
	}{NoWinnerFirst: {ABByFirst, ABDecided, 1}, NoWinnerBest: {ABByBest, ABDecided, 2}, NoWinnerAsk: {ABAsked, ABAsking, 0}} {
		t.Run(choice, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.people(400) // so many that chance makes no variant so small that the other one is ahead
			c := b.start(testOf(50, func(a *ABTest) { a.NoWinner = choice }))
			b.sampleSent(c.ID)
			b.react(c.ID, 1, 4)
			b.react(c.ID, 2, 7)
			b.clock.advance(time.Hour)
			must(t, b.tick(t.Context()))
			c, err := b.Get(t.Context(), c.ID)
			must(t, err)
			rep, err := b.ABTestReport(t.Context(), c.ID)
			must(t, err)
			if c.ABState() != want.state || len(rep.Decisions) != 1 || rep.Decisions[0].Method != want.method || !strings.Contains(rep.Decisions[0].Why, "no clear winner") {
				t.Fatalf("%s, %+v", c.ABState(), rep.Decisions)
			}
			if want.winner != 0 {
				if b.awaitFinished(c.ID); *c.ABRun.Winner != want.winner {
					t.Errorf("the rest gets %d", *c.ABRun.Winner)
				}
				return
			}
			// It waits for somebody, whatever the clock says.
			b.clock.advance(100 * time.Hour)
			for range 3 {
				must(t, b.tick(t.Context()))
			}
			st, err := b.Stats(t.Context(), c.ID)
			must(t, err)
			if st.Waiting == 0 || st.HeldUp == nil || !strings.Contains(st.HeldUp.Reason, "choose") {
				t.Fatalf("%+v, held up %+v", st, st.HeldUp)
			}
			_, err = b.DecideTest(t.Context(), c.ID, 1, "ann@example.org")
			must(t, err)
			if st := b.awaitFinished(c.ID); st.Sent != 400 {
				t.Errorf("%+v", st)
			}
			if rep, err = b.ABTestReport(t.Context(), c.ID); err != nil || len(rep.Decisions) != 2 || rep.Decisions[1].By != "ann@example.org" || rep.Decisions[1].Method != ABByHand {
				t.Errorf("%+v, %v", rep.Decisions, err)
			}
		})
	}
}

func TestTooFewNameNoWinner(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(300)
	c := b.start(testOf(50, func(a *ABTest) { a.MinSample, a.NoWinner = 50, NoWinnerFirst }), func(in *Input) { in.MaxBouncePercent = ptr(100.0) })
	b.sampleSent(c.ID)
	b.react(c.ID, 2, 40)
	// Most of a variant came back.
	b.exec(`UPDATE deliveries SET state = 4 WHERE campaign_id = $1 AND variant = 1 AND seq > 20`, c.ID)
	b.clock.advance(time.Hour)
	must(t, b.tick(t.Context()))
	rep, err := b.ABTestReport(t.Context(), c.ID)
	must(t, err)
	if len(rep.Decisions) != 1 || rep.Decisions[0].Method != ABByFirst || !strings.Contains(rep.Decisions[0].Why, "at least 50") || rep.Best != 2 {
		t.Errorf("%+v", rep.Decisions)
	}
}

func TestByHandAtAnyTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(120)
	b.Drain()
	c := b.draft(testOf(30))
	if _, err := b.DecideTest(t.Context(), c.ID, 2, "x"); !errs.Is(err, errs.Conflict) {
		t.Errorf("before the start: %v", err)
	}
	c, err := b.Start(t.Context(), c.ID)
	must(t, err)
	if _, err := b.DecideTest(t.Context(), c.ID, 3, "x"); !errs.Is(err, errs.Invalid) {
		t.Errorf("a variant that there is not: %v", err)
	}
	// While the sample has not gone out, twice.
	for range 2 {
		c, err = b.DecideTest(t.Context(), c.ID, 2, "x")
		must(t, err)
	}
	if _, err := b.DecideTest(t.Context(), c.ID, 1, "x"); !errs.Is(err, errs.Conflict) {
		t.Errorf("another one afterwards: %v", err)
	}
	run := b.runOf(c.ID)
	b.draining.Store(false)
	// The jobs of before it give up.
	b.awaitFinished(c.ID)
	if run != 2 {
		t.Errorf("run %d: deciding twice began more than one", run)
	}
	got := b.subjects()
	for _, row := range b.tested(c.ID) {
		variant, in := abtest.Assign(uint64(c.ABRun.Seed), row.SubscriberID, c.ABTest.shares())
		if want := in && variant == 0; want != (got[row.Email] == "Plain") {
			t.Errorf("%s got %q", row.Email, got[row.Email])
		}
	}
	b.nobodyTwice()
}

func TestAPausedTestIsDecidedAfterTheResume(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(100)
	c := b.start(testOf(50, func(a *ABTest) { a.NoWinner = NoWinnerBest }))
	b.sampleSent(c.ID)
	_, err := b.Pause(t.Context(), c.ID, "")
	must(t, err)
	b.clock.advance(2 * time.Hour)
	must(t, b.tick(t.Context()))
	if c, err = b.Get(t.Context(), c.ID); err != nil || c.ABState() != ABRunning {
		t.Fatalf("%s, %v", c.ABState(), err)
	}
	// By hand it can be decided all the same; it is sent after the resume.
	b.react(c.ID, 1, 1)
	_, err = b.Resume(t.Context(), c.ID)
	must(t, err)
	b.awaitFinished(c.ID)
	if c, err = b.Get(t.Context(), c.ID); err != nil || *c.ABRun.Winner != 1 {
		t.Errorf("%+v, %v", c.ABRun, err)
	}
	b.nobodyTwice()
}

func TestNothingIsDecidedWhileEverythingIsStopped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(100)
	c := b.start(testOf(50, func(a *ABTest) { a.NoWinner = NoWinnerFirst }))
	b.sampleSent(c.ID)
	_, err := b.d.Sender.StopAll(t.Context(), "ann", "wrong price")
	must(t, err)
	b.clock.advance(2 * time.Hour)
	must(t, b.tick(t.Context()))
	if c, err = b.Get(t.Context(), c.ID); err != nil || c.ABState() != ABRunning {
		t.Fatalf("%s, %v", c.ABState(), err)
	}
	_, err = b.d.Sender.ResumeAll(t.Context(), "ann")
	must(t, err)
	b.awaitFinished(c.ID)
	if c, err = b.Get(t.Context(), c.ID); err != nil || *c.ABRun.Winner != 1 {
		t.Errorf("%+v, %v", c.ABRun, err)
	}
}

// Another run goes with the variant that each person had, whatever won; a new subject is the same for all.
func TestAnotherRunKeepsTheVariants(t *testing.T) {
	t.Parallel()
	for name, subject := range map[string]*string{"the subject as it was": nil, "a new subject": ptr("Again"), "that of the first variant for all": ptr("Plain")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.people(100)
			first := b.start(testOf(50, func(a *ABTest) { a.Variants[1].HTML = ptr(`<p><a href="https://example.org/other">Other</a></p>`) }))
			b.sampleSent(first.ID)
			_, err := b.DecideTest(t.Context(), first.ID, 2, "x")
			must(t, err)
			b.awaitFinished(first.ID)
			sent := len(b.smtp.Accepted())
			again, err := b.CreateRun(t.Context(), Request{}, first.ID, Rerun{To: []string{ToNotOpened}, Subject: subject}, &Launch{})
			must(t, err)
			if again.ABTest != nil || again.ABState() != "" {
				t.Errorf("the second run is a test itself: %+v", again.ABTest)
			}
			b.awaitFinished(again.ID)
			want := map[string]int16{}
			for _, row := range b.tested(first.ID) {
				want[row.Email] = *row.Variant
			}
			for _, row := range b.tested(again.ID) {
				if row.Variant == nil || *row.Variant != want[row.Email] || row.Gate != nil {
					t.Fatalf("%+v had variant %d", row, want[row.Email])
				}
			}
			messages := b.smtp.Accepted()[sent:]
			if len(messages) != 100 {
				t.Fatalf("%d messages", len(messages))
			}
			for _, m := range messages {
				title, raw := []string{"Plain", "Fancy"}[want[m.To]-1], string(m.Raw)
				if subject != nil {
					title = *subject
				}
				if !strings.Contains(raw, "Subject: "+title+"\r\n") || strings.Contains(raw, ">Other<") != (want[m.To] == 2) {
					t.Fatalf("%s of variant %d got\n%s", m.To, want[m.To], raw)
				}
			}
			in := again.Input
			testOf(20)(&in)
			if err := again.sameRun(in); !errs.Is(err, errs.Invalid) {
				t.Errorf("a test in another run: %v", err)
			}
		})
	}
}

func TestCancelEndsATest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(100)
	c := b.start(testOf(30))
	b.sampleSent(c.ID)
	sample := len(b.smtp.Accepted())
	_, err := b.Cancel(t.Context(), c.ID)
	must(t, err)
	b.clock.advance(2 * time.Hour)
	must(t, b.tick(t.Context()))
	c, err = b.Get(t.Context(), c.ID)
	must(t, err)
	st, err := b.Stats(t.Context(), c.ID)
	must(t, err)
	if c.ABState() != ABCancelled || c.ABRun.DecidedAt != nil || int(st.Skipped) != 100-sample || len(b.smtp.Accepted()) != sample {
		t.Errorf("%s, %+v", c.ABState(), st)
	}
	if _, err := b.DecideTest(t.Context(), c.ID, 1, "x"); !errs.Is(err, errs.Conflict) {
		t.Errorf("%v", err)
	}
}

func TestEverybodyGetsAVariant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(200)
	c := b.start(testOf(100, func(a *ABTest) { a.NoWinner = "" }))
	if st := b.awaitFinished(c.ID); st.Sent != 200 {
		t.Errorf("%+v", st)
	}
	if _, err := b.DecideTest(t.Context(), c.ID, 1, "x"); !errs.Is(err, errs.Conflict) {
		t.Errorf("there is nothing to decide: %v", err)
	}
	b.sampleSent(c.ID)
	b.react(c.ID, 2, 40)
	b.clock.advance(time.Hour)
	must(t, b.tick(t.Context()))
	c, err := b.Get(t.Context(), c.ID)
	must(t, err)
	if c.Status != StatusFinished || c.ABState() != ABDecided || c.ABRun.Winner == nil || *c.ABRun.Winner != 2 {
		t.Errorf("%s, %+v", c.Status, c.ABRun)
	}
}

// What was decided but not committed never happened; what was committed is not decided again, and what was claimed keeps its variant.
func TestACrashDuringTheDecision(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(200)
	c := b.start(testOf(50, func(a *ABTest) { a.NoWinner = NoWinnerBest }))
	b.sampleSent(c.ID)
	b.react(c.ID, 1, 30)
	b.clock.advance(time.Hour)
	b.Drain()
	// The process dies after everything was written, before the commit.
	crash := fmt.Errorf("crash")
	err := pg.InTx(t.Context(), b.pool, func(tx pgx.Tx) error {
		locked, err := lockCampaign(t.Context(), tx, c.ID)
		must(t, err)
		must(t, b.decideTx(t.Context(), tx, locked, ABDecision{Method: ABByWinner, Winner: ptr(int16(2)), Why: "wrong", Figures: []ABFigures{}}))
		return crash
	})
	if err != crash {
		t.Fatal(err)
	}
	if st, err := b.Stats(t.Context(), c.ID); err != nil || st.Waiting == 0 {
		t.Fatalf("%+v, %v", st, err)
	}
	run := b.runOf(c.ID)
	done := make(chan error)
	for range 4 {
		go func() { done <- b.decideTests(t.Context()) }()
	}
	for range 4 {
		must(t, <-done)
	}
	if got := query[string](b, `SELECT method || winner FROM campaign_ab_decisions`); !slices.Equal(got, []string{"winner1"}) || b.runOf(c.ID) != run+1 {
		t.Fatalf("%v, run %d after %d", got, b.runOf(c.ID), run)
	}
	// A node dies with claims of the rest: they go out with the winner, whatever becomes of the row in between.
	b.exec(`INSERT INTO nodes (id, host, pid, lease_until) VALUES ($1, 'gone', 1, now())`, deadNode)
	b.exec(`UPDATE deliveries SET state = 1, node_id = $2, attempts = 1, first_tried_at = now(), variant = 1 WHERE campaign_id = $1 AND gate = 0 AND seq % 3 = 0`, c.ID, deadNode)
	_, err = b.settle(t.Context(), deadNode, map[journal.Key]journal.Record{})
	must(t, err)
	b.exec(`DELETE FROM river_job WHERE state <> 'running'`)
	b.exec(`UPDATE campaigns SET started_at = now() - interval '10 minutes' WHERE id = $1`, c.ID)
	b.draining.Store(false)
	b.awaitFinished(c.ID)
	got := b.subjects()
	for _, row := range b.tested(c.ID) {
		if row.Variant == nil || got[row.Email] != []string{"Plain", "Fancy"}[*row.Variant-1] || row.Gate != nil && *row.Variant != 1 {
			t.Errorf("%+v got %q", row, got[row.Email])
		}
	}
}

// What is in doubt and sent again is the same variant, also when another one won meanwhile.
func TestAVariantStaysWithItsDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(100)
	c := b.start(testOf(50))
	b.sampleSent(c.ID)
	doubtful := query[string](b, `UPDATE deliveries SET state = 6 WHERE campaign_id = $1 AND variant = 1 RETURNING email`, c.ID)
	_, err := b.DecideTest(t.Context(), c.ID, 2, "x")
	must(t, err)
	b.awaitFinished(c.ID)
	n, err := b.ResolveUnconfirmed(t.Context(), c.ID, PolicyResend)
	must(t, err)
	if int(n) != len(doubtful) || n == 0 {
		t.Fatalf("%d of %d", n, len(doubtful))
	}
	b.awaitFinished(c.ID)
	for _, m := range b.smtp.Accepted() {
		if slices.Contains(doubtful, m.To) && !strings.Contains(string(m.Raw), "Subject: Plain") {
			t.Errorf("%s got another variant", m.To)
		}
	}
}

func TestClicksCountForTheirVariant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(100)
	c := b.start(testOf(100, func(a *ABTest) {
		a.Variants[1].HTML = ptr(`<p><a href="https://example.org/other">Other</a> <a href="https://example.org/p/{{ subscriber.city }}">B</a></p>`)
	}))
	b.awaitFinished(c.ID)
	want := map[int16]map[int]string{1: {1: "https://example.org/a?x=1&y=2", 2: "https://example.org/p/Berlin"}, 2: {1: "https://example.org/other", 2: "https://example.org/p/Berlin"}}
	for _, row := range b.tested(c.ID)[:20] {
		for n, target := range want[*row.Variant] {
			token := b.d.Tokens.Link(c.ID, row.Seq, (int(*row.Variant)-1)*linkStride+n)
			message := ""
			for _, m := range b.smtp.Accepted() {
				if m.To == row.Email {
					message = strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(m.Raw))
				}
			}
			if !strings.Contains(message, token) {
				t.Errorf("the message to %+v does not have the token of its link %d", row, n)
			}
			for range 2 { // the second comes from memory
				got, err := b.ClickTracked(t.Context(), token)
				if err != nil || got.Target != target {
					t.Errorf("link %d of %+v leads to %q (%v)", n, row, got.Target, err)
				}
				must(t, b.d.Events.RecordTx(t.Context(), b.pool, []events.Event{got.Event}))
			}
		}
	}
	links, err := b.Links(t.Context(), c.ID)
	must(t, err)
	if len(links) != 4 || links[2].Variant != 2 || links[2].URL != "https://example.org/other" || links[2].Clicks == (events.Tally{}) || links[0].Variant != 1 {
		t.Errorf("%+v", links)
	}
	if url, err := b.LinkURL(t.Context(), c.ID, linkStride+1); err != nil || url != "https://example.org/other" {
		t.Errorf("%q, %v", url, err)
	}
	for _, n := range []int32{0, 3, linkStride, linkStride + 3, 2*linkStride + 1, math.MaxInt32} {
		if _, err := b.LinkURL(t.Context(), c.ID, n); !errs.Is(err, errs.NotFound) {
			t.Errorf("link %d: %v", n, err)
		}
	}
	if _, err := b.ClickTracked(t.Context(), b.d.Tokens.Link(c.ID, 1, 2*linkStride+1)); !errs.Is(err, errs.NotFound) {
		t.Errorf("a link of a variant that there is not: %v", err)
	}
}

func TestATestMessageOfAVariant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.draft(testOf(20))
	for variant, want := range map[int]string{0: "[Test] Plain", 1: "[Test] Plain", 2: "[Test] Fancy"} {
		to := fmt.Sprintf("variant%d@example.org", variant)
		res, err := b.SendTest(t.Context(), c.ID, TestSend{To: []string{to}, Variant: variant})
		if err != nil || !res[0].OK {
			t.Fatalf("%+v, %v", res, err)
		}
		if got := b.subjects()[to]; got != want {
			t.Errorf("variant %d comes with %q", variant, got)
		}
	}
	if _, err := b.SendTest(t.Context(), c.ID, TestSend{To: []string{"a@example.org"}, Variant: 3}); !errs.Is(err, errs.Invalid) {
		t.Errorf("%v", err)
	}
	if _, err := b.SendTest(t.Context(), b.draft().ID, TestSend{To: []string{"a@example.org"}, Variant: 1}); !errs.Is(err, errs.Invalid) {
		t.Errorf("%v", err)
	}
	// The link of a test message of a draft leads where that variant's does.
	got, err := b.ClickTracked(t.Context(), b.d.Tokens.Link(c.ID, testSeq, linkStride+1))
	if err != nil || got.Target != "https://example.org/a?x=1&y=2" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTestsThatSayNothingDoNotStart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(300)
	for name, tt := range map[string]struct {
		change func(*Input)
		field  string
		words  string
	}{
		"one variant":           {func(in *Input) { in.ABTest.Variants = in.ABTest.Variants[:1] }, "ab_test.variants", "2 to 5"},
		"the same twice":        {func(in *Input) { in.ABTest.Variants[1] = in.ABTest.Variants[0] }, "ab_test.variants[1]", "A and B are the same"},
		"no tracking of clicks": {func(in *Input) { in.TrackClicks = false }, "ab_test.metric", "not tracked"},
		"no tracking of opens":  {func(in *Input) { in.TrackOpens, in.ABTest.Metric = false, MetricOpens }, "ab_test.metric", "not tracked"},
		"no link":               {func(in *Input) { in.ABTest.Variants[1].HTML = ptr("<p>Nothing</p>") }, "ab_test.metric", "variant B has no link"},
		"no subject":            {func(in *Input) { in.ABTest.Variants[1].Subject = ptr(" ") }, "ab_test.variants[1].subject", "write a subject"},
		"broken Liquid":         {func(in *Input) { in.ABTest.Variants[1].HTML = ptr("{% if %}") }, "ab_test.variants[1].html", "line 1"},
		"a small sample":        {func(in *Input) { in.ABTest.MinSample = 30 }, "ab_test.sample_percent", "300 people"},
		"a small audience":      {func(in *Input) { in.ABTest.MinSample = 1000 }, "ab_test.min_sample", "300 people"},
	} {
		t.Run(name, func(t *testing.T) {
			c := b.draft(testOf(10), tt.change)
			_, err := b.Start(t.Context(), c.ID)
			var found bool
			if e, ok := err.(*errs.E); ok {
				found = slices.ContainsFunc(e.Fields, func(f errs.Field) bool { return f.Name == tt.field && strings.Contains(f.Message, tt.words) })
			}
			if !found {
				t.Errorf("%v", err)
			}
			if _, err := b.Schedule(t.Context(), c.ID, b.clock.now().Add(time.Hour)); !errs.Is(err, errs.Invalid) {
				t.Errorf("it can be scheduled: %v", err)
			}
		})
	}
	c := b.draft(testOf(20), func(in *Input) { in.LocalTime.Enabled = true })
	if _, err := b.ScheduleLocal(t.Context(), c.ID, b.clock.now().Add(48*time.Hour)); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "do not go together") {
		t.Errorf("with a local time: %v", err)
	}
	// A subject of the campaign's own is not needed when each variant has one, and what is wrong with what they have in common is said once.
	c = b.draft(testOf(20), func(in *Input) { in.Subject, in.HTML = "", "{% if %}" })
	_, err := b.Start(t.Context(), c.ID)
	if e, ok := err.(*errs.E); !ok || len(e.Fields) != 1 || e.Fields[0].Name != "html" {
		t.Errorf("%v", err)
	}
}

// The size of the sample is judged when people are there to mend it: by a schedule and by each edit after it. A start at night is not given up because a few have left meanwhile.
func TestTheSampleOfAScheduledTest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(100)
	c, err := b.Schedule(t.Context(), b.draft().ID, b.clock.now().Add(time.Hour))
	must(t, err)
	in := c.Input
	testOf(10, func(a *ABTest) { a.MinSample = 1000 })(&in)
	_, err = b.Update(t.Context(), c.ID, in)
	if why := fields(t, err)["ab_test.min_sample"]; !strings.Contains(why, "100 people") {
		t.Errorf("%q", why)
	}
	testOf(50, func(a *ABTest) { a.MinSample, a.NoWinner = 15, NoWinnerFirst })(&in)
	_, err = b.Update(t.Context(), c.ID, in)
	must(t, err)
	b.exec(`UPDATE subscriptions SET status = 'unsubscribed' WHERE subscriber_id IN (SELECT id FROM subscribers ORDER BY id LIMIT 40)`)
	b.clock.advance(2 * time.Hour)
	b.sampleSent(c.ID)
	b.clock.advance(2 * time.Hour)
	if st := b.awaitFinished(c.ID); st.Sent != 60 {
		t.Errorf("%+v", st)
	}
}

// Of whoever is not tracked no test learns anything: they are in no rate, and do not make a sample large enough.
func TestATestAmongPeopleWhoAreNotTracked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(300)
	private, err := b.d.Audience.CreateList(t.Context(), "Private", "")
	must(t, err)
	b.exec(`INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $1, id, 'subscribed', 'test' FROM subscribers ORDER BY id LIMIT 150`, private.ID)
	_, err = b.d.Audience.SetListTracking(t.Context(), private.ID, false)
	must(t, err)
	refused := func(c Campaign, field, words string) {
		t.Helper()
		_, err := b.Start(t.Context(), c.ID)
		if why := fields(t, err)[field]; !strings.Contains(why, words) {
			t.Errorf("%v", err)
		}
		if _, err := b.Schedule(t.Context(), c.ID, b.clock.now().Add(time.Hour)); !errs.Is(err, errs.Invalid) {
			t.Errorf("it can be scheduled: %v", err)
		}
	}
	refused(b.draft(testOf(50), func(in *Input) { in.ListIDs = []int64{private.ID} }), "ab_test.metric", "no list of the campaign is tracked")
	empty, err := b.d.Audience.CreateList(t.Context(), "Empty", "")
	must(t, err)
	refused(b.draft(testOf(50), func(in *Input) { in.ListIDs = []int64{private.ID, empty.ID} }), "ab_test.metric", "all 150 people")
	both := func(in *Input) { in.ListIDs = append(in.ListIDs, private.ID) }
	refused(b.draft(testOf(50, func(a *ABTest) { a.MinSample = 50 }), both), "ab_test.min_sample", "150 people who are tracked")
	must(t, b.d.Audience.SetTracking(t.Context(), query[int64](b, `SELECT id FROM subscribers WHERE email = $1`, person(300))[0], false))
	c := b.start(testOf(100), both)
	b.awaitFinished(c.ID)
	b.sampleSent(c.ID)
	b.exec(`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, link, actor) SELECT now(), 'click', campaign_id, seq, subscriber_id, 1, 'human' FROM deliveries
		WHERE campaign_id = $1 AND email IN ($2, $3)`, c.ID, person(200), person(300))
	rep, err := b.ABTestReport(t.Context(), c.ID)
	must(t, err)
	var assigned, sent, clicked int64
	for _, f := range rep.Variants {
		assigned, sent, clicked = assigned+f.Assigned, sent+f.Sent, clicked+f.Clicked
	}
	if assigned != 300 || sent != 149 || clicked != 1 {
		t.Errorf("%d assigned, %d sent, %d clicked", assigned, sent, clicked)
	}
}

// What blocks in the mail of one variant stops the test.
func TestPreflightLooksAtEveryVariant(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(300)
	c := b.draft(testOf(50), func(in *Input) { in.ABTest.Variants[1].Subject = ptr("{{ subscriber.nothing }}") })
	if _, err := b.Start(t.Context(), c.ID); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "subject") {
		t.Errorf("it starts: %v", err)
	}
	p, err := b.Preflight(t.Context(), c.ID, time.Time{}, "a")
	must(t, err)
	if codesOf(p.Findings)["subject_empty"].Code == "" {
		t.Errorf("%+v", p.Findings)
	}
	c = b.draft(testOf(50))
	if _, err := b.Start(t.Context(), c.ID); err != nil {
		t.Errorf("%v", err)
	}
}

func TestATestIsSavedAsItIs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	c := b.draft(testOf(20))
	if c.ABTest == nil || len(c.ABTest.Variants) != 2 || *c.ABTest.Variants[1].FromName != "The House" || c.ABTest.Variants[0].HTML != nil || c.ABState() != ABDraft {
		t.Errorf("%+v", c.ABTest)
	}
	in := c.Input
	in.ABTest = &ABTest{Variants: []Variant{{HTML: ptr("")}, {}, {Text: ptr("x")}}, SamplePercent: 50, Metric: MetricOpens, WaitMinutes: 5, MinSample: 7, NoWinner: NoWinnerFirst}
	c, err := b.Update(t.Context(), c.ID, in)
	if err != nil || len(c.ABTest.Variants) != 3 || *c.ABTest.Variants[0].HTML != "" || c.ABTest.MinSample != 7 || *c.ABTest.Variants[2].Text != "x" {
		t.Errorf("%+v, %v", c.ABTest, err)
	}
	in.ABTest = nil
	if c, err = b.Update(t.Context(), c.ID, in); err != nil || c.ABTest != nil {
		t.Errorf("%+v, %v", c.ABTest, err)
	}
	for name, change := range map[string]func(*ABTest){
		"51 percent": func(a *ABTest) { a.SamplePercent = 51 }, "none": func(a *ABTest) { a.SamplePercent = 0 }, "no choice": func(a *ABTest) { a.NoWinner = "" },
		"another metric": func(a *ABTest) { a.Metric = "sales" }, "no time": func(a *ABTest) { a.WaitMinutes = 0 }, "too long": func(a *ABTest) { a.WaitMinutes = 50_000 },
		"six variants": func(a *ABTest) { a.Variants = make([]Variant, 6) }, "no text": func(a *ABTest) { a.Variants[1].HTML = ptr("a\x00b") }, "no sample": func(a *ABTest) { a.MinSample = -1 },
	} {
		in := c.Input
		testOf(20, change)(&in)
		if _, err := b.Update(t.Context(), c.ID, in); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestForecastOfATest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.exec(`UPDATE relays SET per_minute = 60`)
	b.people(120)
	b.Drain()
	c := b.draft(testOf(50))
	near := func(f Forecast, err error, at time.Duration) {
		t.Helper()
		must(t, err)
		if f.End == nil || (f.End.Sub(f.Start)-at).Abs() > 40*time.Second || f.Decides == nil || f.Decides.Limit != sender.LimitGate {
			t.Errorf("%+v, decided by %+v", f, f.Decides)
		}
	}
	// A minute for the half, an hour, and a minute for the other half.
	f, err := b.Forecast(t.Context(), c.ID, time.Time{}, 0)
	near(f, err, 62*time.Minute)
	c, err = b.Start(t.Context(), c.ID)
	must(t, err)
	f, err = b.Forecast(t.Context(), c.ID, time.Time{}, 0)
	near(f, err, 62*time.Minute)
	rep, err := b.ABTestReport(t.Context(), c.ID)
	must(t, err)
	if rep.DecidesAt == nil || (rep.DecidesAt.Sub(b.clock.now())-61*time.Minute).Abs() > 40*time.Second || rep.Rest == 0 || rep.Best != 0 {
		t.Errorf("%+v", rep)
	}
	b.exec(`UPDATE relays SET per_minute = NULL`)
	b.draining.Store(false)
	b.sampleSent(c.ID)
	f, err = b.Forecast(t.Context(), c.ID, time.Time{}, 0)
	near(f, err, 60*time.Minute)
	if rep, err = b.ABTestReport(t.Context(), c.ID); err != nil || rep.DecidesAt == nil || !rep.DecidesAt.Equal(rep.Campaign.ABRun.SentAt.Add(time.Hour)) {
		t.Errorf("%+v, %v", rep, err)
	}
}

// The pure part has its own simulations; this one goes through the tables.
func TestFalseAndTrueWinnersThroughTheTables(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Drain()
	r := rand.New(rand.NewPCG(20, 26))
	const tests, sample = 120, 400
	decide := func(i int, rates ...float64) *int16 {
		t.Helper()
		c := b.draft(testOf(100, func(a *ABTest) {
			for len(a.Variants) < len(rates) {
				a.Variants = append(a.Variants, Variant{Subject: ptr(fmt.Sprint("Subject ", len(a.Variants)))})
			}
		}))
		b.exec(`UPDATE campaigns SET status = 'finished', started_at = now(), finished_at = now() WHERE id = $1`, c.ID)
		b.exec(`UPDATE campaign_ab_tests SET seed = $2, sent_at = $3 WHERE campaign_id = $1`, c.ID, i, b.clock.now().Add(-2*time.Hour))
		variants, clicks := make([]int, sample), []int{}
		for s := range variants {
			v, _ := abtest.Assign(uint64(i), int64(s), abtest.Shares{Sample: 1, Variants: len(rates)})
			if variants[s] = v + 1; r.Float64() < rates[v] {
				clicks = append(clicks, s+1)
			}
		}
		b.exec(`INSERT INTO deliveries (campaign_id, seq, subscriber_id, email, state, variant) SELECT $1, n, n, 'p@example.org', 2, v FROM unnest($2::int[]) WITH ORDINALITY AS u (v, n)`, c.ID, variants)
		b.exec(`UPDATE campaigns SET recipients = $2 WHERE id = $1`, c.ID, 0)
		// A machine clicks on everything, and a person twice.
		b.exec(`INSERT INTO events (at, kind, campaign_id, seq, subscriber_id, actor) SELECT now(), 'click', $1, s, s, a FROM (
			SELECT s, 'human' AS a FROM unnest($2::int[]) s, generate_series(1, 2) UNION ALL SELECT s, 'machine' FROM generate_series(1, $3) s) x`, c.ID, clicks, sample)
		must(t, b.decideTests(t.Context()))
		c, err := b.Get(t.Context(), c.ID)
		must(t, err)
		if c.ABState() != ABDecided {
			t.Fatalf("test %d is %s", i, c.ABState())
		}
		return c.ABRun.Winner
	}
	winners := 0
	for i := range tests {
		if decide(i, []float64{0.08, 0.08, 0.08, 0.08}[:2+i%3]...) != nil {
			winners++
		}
	}
	if winners > tests*5/100 {
		t.Errorf("%d winners in %d tests without a difference", winners, tests)
	}
	found := 0
	for i := range 10 {
		if w := decide(1000+i, 0.05, 0.25); w != nil && *w == 2 {
			found++
		}
	}
	if found < 9 {
		t.Errorf("a true difference was found in %d of 10 tests", found)
	}
	b.exec(`DELETE FROM events`)
	b.exec(`DELETE FROM campaign_counts`)
	b.exec(`DELETE FROM deliveries`)
}
