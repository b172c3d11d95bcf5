package newsletters

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/campaigns/schedule"
)

// crasher breaks a process at random points: before a statement reaches the server, or after the server has done it and before the process hears of it, commits included.
type crasher struct {
	mu    sync.Mutex
	rnd   *rand.Rand
	armed atomic.Bool
	kill  context.CancelFunc
	n     int
}

func (c *crasher) strike(conn *pgx.Conn, oneIn int) {
	if !c.armed.Load() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rnd.IntN(oneIn) != 0 {
		return
	}
	c.n++
	c.kill()
	_ = conn.PgConn().Conn().Close()
}

func (c *crasher) TraceQueryStart(ctx context.Context, conn *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	c.strike(conn, 1500)
	return ctx
}

func (c *crasher) TraceQueryEnd(_ context.Context, conn *pgx.Conn, _ pgx.TraceQueryEndData) {
	c.strike(conn, 1500)
}

// process is one of the processes of the year: its own pool, its own service, and a life that ends at a crash and begins anew.
type process struct {
	svc   *Service
	crash *crasher
}

func startProcess(t *testing.T, url string, b *bundle, seed uint64) *process {
	t.Helper()
	p := &process{crash: &crasher{rnd: rand.New(rand.NewPCG(seed, 1))}}
	cfg, err := pgxpool.ParseConfig(url)
	must(t, err)
	cfg.MaxConns = 2
	cfg.ConnConfig.Tracer = p.crash
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	must(t, err)
	t.Cleanup(pool.Close)
	mail := &ledger{pool: pool, now: b.clock.now}
	p.svc = New(Deps{Pool: pool, Campaigns: mail, Fetch: b.feed, Fill: filler{}, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: b.clock.now})
	return p
}

// live does the regular work once, and dies in it now and then. What else goes wrong is an error.
func (p *process) live(parent context.Context, crashes bool) error {
	ctx, kill := context.WithCancel(parent)
	defer kill()
	p.crash.kill = kill
	p.crash.armed.Store(crashes)
	err := p.svc.Tick(ctx)
	p.crash.armed.Store(false)
	if ctx.Err() != nil {
		p.svc.d.Pool.Reset() // the next one begins with connections of its own
		return nil
	}
	return err
}

// yearLetters are the newsletters of the year: each with times that clocks leave out or repeat.
func yearLetters() map[string]func(*Input) {
	local := func(hour, minute int) schedule.LocalTime {
		return schedule.LocalTime{Date: schedule.Date{Year: 2025, Month: 12, Day: 1}, Hour: hour, Minute: minute}
	}
	set := func(rule, zone string, at schedule.LocalTime, min, lead, late int) func(*Input) {
		return func(in *Input) {
			in.Schedule = schedule.Schedule{Rule: rule, Zone: zone, Start: at}
			in.Rules.MinItems, in.Rules.LeadMinutes, in.Rules.LateHours, in.Rules.MaxItems = min, lead, late, 3
		}
	}
	return map[string]func(*Input){
		"daily in Berlin":                 set("FREQ=DAILY", "Europe/Berlin", local(2, 30), 0, 90, 0),
		"every 2 days in New York":        set("FREQ=DAILY;INTERVAL=2", "America/New_York", local(1, 30), 1, 0, 6),
		"three days a week in Casablanca": set("FREQ=WEEKLY;BYDAY=MO,WE,FR", "Africa/Casablanca", local(2, 15), 1, 2880, 30),
		"Sundays on Lord Howe":            set("FREQ=WEEKLY;BYDAY=SU", "Australia/Lord_Howe", local(2, 15), 0, 600, 48),
		"last days of months in Apia":     set("FREQ=MONTHLY;BYMONTHDAY=-1", "Pacific/Apia", local(0, 0), 2, 60, 2),
		"every 3 days in Kolkata":         set("FREQ=DAILY;INTERVAL=3", "Asia/Kolkata", local(23, 59), 0, 5000, 1),
	}
}

// TestYear lets two processes run six newsletters through a year that is hard on them: crashes at any statement, downtime, clocks that jump by hours and weeks, a feed that fails, campaigns that take
// long. Afterwards each run that was due went out once or was skipped with a reason, none twice, and the ledger of campaigns says the same.
func TestYear(t *testing.T) {
	t.Parallel()
	seed := uint64(20260105)
	if s := os.Getenv("POSTRIDER_YEAR_SEED"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		must(t, err)
		seed = n
	}
	t.Logf("seed %d (another one: POSTRIDER_YEAR_SEED)", seed)
	b := setup(t)
	rnd := rand.New(rand.NewPCG(seed, 0))
	begin := b.clock.now()
	letters := map[int64]Newsletter{}
	for name, change := range yearLetters() {
		n := b.letter(func(in *Input) {
			in.Name = name
			change(in)
		})
		letters[n.ID] = n
	}
	url := b.pool.Config().ConnString()
	ps := []*process{startProcess(t, url, b, seed+1), startProcess(t, url, b, seed+2)}
	end := begin.AddDate(1, 0, 0)
	steps, items := 0, 0
	for now := begin; now.Before(end); steps++ {
		now = b.nextStep(rnd, now)
		b.clock.set(now)
		if rnd.IntN(3) == 0 {
			items++
			b.feed.add(fmt.Sprint("n", items))
			b.feed.trim(40)
		}
		b.feed.fail(map[bool]error{true: errAway}[rnd.IntN(12) == 0])
		b.workTogether(ps, true)
		switch rnd.IntN(80) {
		case 0: // the clock goes wrong, the work goes on, the clock is put right
			b.clock.set(now.Add(time.Duration(rnd.IntN(7)-3) * time.Hour))
			b.workTogether(ps, true)
			b.clock.set(now)
		case 2: // the clock is weeks ahead for a while
			b.clock.set(now.Add(time.Duration(rnd.IntN(20*24)) * time.Hour))
			b.workTogether(ps, true)
			b.finish()
			b.workTogether(ps, true)
			b.clock.set(now)
		case 1: // nothing runs for up to a week
			now = now.Add(time.Duration(rnd.IntN(5*24)) * time.Hour)
		}
		if rnd.IntN(3) != 0 {
			b.finish()
		}
	}
	// A last hour in which nothing goes wrong.
	b.feed.fail(nil)
	for range 6 {
		b.finish()
		b.clock.set(b.clock.now().Add(10 * time.Minute))
		b.workTogether(ps, false)
	}
	b.clock.set(b.clock.now().Add(3 * 24 * time.Hour))
	last := b.clock.now()
	b.workTogether(ps, false)
	b.finish()
	b.workTogether(ps, false)
	crashes := ps[0].crash.n + ps[1].crash.n
	b.audit(letters, begin, last.Add(-72*time.Hour))
	if crashes < 100 {
		t.Errorf("only %d crashes in %d steps: the year was too easy", crashes, steps)
	}
	var sent, skipped int
	must(t, b.pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE state IN ('sent', 'sending')), count(*) FILTER (WHERE state = 'skipped') FROM newsletter_issues`).Scan(&sent, &skipped))
	t.Logf("%d steps, %d crashes, %d issues sent, %d skipped", steps, crashes, sent, skipped)
	if sent < 200 || skipped < 20 {
		t.Errorf("%d sent and %d skipped: the year was not what it should be", sent, skipped)
	}
}

func (f *testFeed) trim(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.items) > n {
		f.items = f.items[len(f.items)-n:]
	}
}

// nextStep is when the processes next look: mostly at the next moment at which something is due, or right after it.
func (b *bundle) nextStep(rnd *rand.Rand, now time.Time) time.Time {
	b.t.Helper()
	var due *time.Time
	must(b.t, b.pool.QueryRow(b.t.Context(), `
		SELECT min(at) FROM (SELECT next_prepare_at FROM newsletters WHERE status = 'active' UNION ALL SELECT try_at FROM newsletter_issues WHERE state IN `+unsentStates+`) x (at) WHERE at > $1`, now).Scan(&due))
	random := now.Add(time.Duration(1+rnd.IntN(600)) * time.Minute)
	if due == nil || rnd.IntN(8) == 0 {
		return random
	}
	return due.Add(time.Duration(rnd.IntN(20)) * time.Second)
}

// workTogether has all processes do the regular work at the same time.
func (b *bundle) workTogether(ps []*process, crashes bool) {
	b.t.Helper()
	var wg sync.WaitGroup
	failed := make([]error, len(ps))
	for k, p := range ps {
		wg.Add(1)
		go func() {
			defer wg.Done()
			failed[k] = p.live(b.t.Context(), crashes)
		}()
	}
	wg.Wait()
	for _, err := range failed {
		if err != nil && !strings.Contains(err.Error(), "deadlock") {
			b.t.Fatalf("at %s: %v", b.clock.now(), err)
		}
	}
}

// audit compares the issues with the runs that the schedules name, and with what was started.
func (b *bundle) audit(letters map[int64]Newsletter, begin, end time.Time) {
	b.t.Helper()
	for id, n := range letters {
		due := map[schedule.Date]bool{}
		for after := begin; ; {
			runs, err := n.Plan().Next(after, 1)
			must(b.t, err)
			if runs[0].At.After(end) {
				break
			}
			due[runs[0].Date] = true
			after = runs[0].At
		}
		is, err := issues(b.t.Context(), b.pool, `WHERE i.newsletter_id = $1 AND i.run_at <= $2`, id, end)
		must(b.t, err)
		for _, i := range is {
			if !due[i.Date] {
				b.t.Errorf("%s: an issue of %s, when none was due", n.Name, i.Date)
			}
			delete(due, i.Date)
			var starts int
			must(b.t, b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM sends WHERE campaign_id = $1`, i.CampaignID).Scan(&starts))
			switch {
			case i.State == StateSent && starts != 1, i.State == StateSkipped && (starts != 0 || i.Reason == "" || i.ReasonCode == ""), i.State != StateSent && i.State != StateSkipped:
				b.t.Errorf("%s: the issue of %s is %s (%s: %s), and its campaign was started %d times", n.Name, i.Date, i.State, i.ReasonCode, i.Reason, starts)
			case i.State == StateSent && i.StartedAt.After(i.LateUntil):
				b.t.Errorf("%s: the issue of %s went out at %s, later than %s", n.Name, i.Date, i.StartedAt, i.LateUntil)
			}
		}
		for d := range due {
			b.t.Errorf("%s: the run of %s left no issue", n.Name, d)
		}
	}
	b.auditLedger()
}

// auditLedger looks at what was started: each by one issue, and each item once in each newsletter.
func (b *bundle) auditLedger() {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), `SELECT i.newsletter_id, s.text, c.name FROM sends s LEFT JOIN newsletter_issues i ON i.campaign_id = s.campaign_id JOIN campaigns c ON c.id = s.campaign_id`)
	must(b.t, err)
	seen, titles := map[string]bool{}, map[string]bool{}
	var id *int64
	var text, name string
	_, err = pgx.ForEachRow(rows, []any{&id, &text, &name}, func() error {
		if id == nil {
			b.t.Errorf("the campaign %q was started for no issue", name)
			return nil
		}
		if titles[name] {
			b.t.Errorf("%q went out twice", name)
		}
		titles[name] = true
		_, list, _ := strings.Cut(strings.TrimSuffix(text, "]"), "[")
		for item := range strings.FieldsSeq(list) {
			key := fmt.Sprint(*id, item)
			if seen[key] {
				b.t.Errorf("item %s went out twice in newsletter %d", item, *id)
			}
			seen[key] = true
		}
		return nil
	})
	must(b.t, err)
}
