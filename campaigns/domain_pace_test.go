package campaigns

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/campaigns/journal"
	"postrider/internal/secret"
	"postrider/sender"
	"postrider/sender/smtptest"
)

// pace registers the From domain of the campaigns, or changes it.
func (b *bundle) pace(warmup *sender.Warmup, window *sender.Window) sender.Domain {
	b.t.Helper()
	in := sender.DomainInput{Domain: "example.org", Warmup: warmup, Window: window}
	all, err := b.d.Sender.ListDomains(b.t.Context())
	must(b.t, err)
	if len(all) > 0 {
		d, err := b.d.Sender.UpdateDomain(b.t.Context(), all[0].ID, in)
		must(b.t, err)
		return d
	}
	d, err := b.d.Sender.CreateDomain(b.t.Context(), in)
	must(b.t, err)
	return d
}

// today is a warm-up of n messages on its first day, which is today.
func today(n int) *sender.Warmup {
	return &sender.Warmup{Start: time.Now().UTC().Truncate(24 * time.Hour), First: n, Percent: 1}
}

// anotherNode is a second process that sends from the same database.
func (b *bundle) anotherNode() *bundle {
	b.t.Helper()
	ctx := b.t.Context()
	logger := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	other := *b
	deps := b.d
	var err error
	deps.Node, err = sender.StartNode(ctx, b.pool, 0, logger, b.nodeClock.now)
	must(b.t, err)
	deps.Journal, err = journal.Open(b.dir, deps.Node.ID)
	must(b.t, err)
	deps.Pools = sender.NewPools(b.d.Sender, b.pool, deps.Node, logger, time.Now)
	other.Service = New(b.cfg, deps)
	renewing, stop := context.WithCancel(context.Background())
	renewed := make(chan error, 1)
	go func() { renewed <- deps.Node.Run(renewing) }()
	b.t.Cleanup(func() {
		stop()
		<-renewed
		deps.Pools.Close(context.Background())
		_ = deps.Journal.Close()
	})
	other.startJobs(logger)
	return &other
}

// Two processes and two relays, campaigns that share both and one that has one: together they send as much From the domain as it may, and not one more.
func TestDomainIsHeldOverTwoProcessesAndTwoRelays(t *testing.T) {
	t.Parallel()
	// Slow enough that both processes have a hand in it.
	b := setup(t, smtptest.WithLatency(40*time.Millisecond))
	other := b.anotherNode()
	srv, two := b.second(sender.RelayInput{}, smtptest.WithLatency(30*time.Millisecond))
	const most = 153 // no multiple of what is claimed at once
	b.people(100)
	domain := b.pace(today(most), nil)
	started := []Campaign{b.start(through(b.relay, two)), b.start(through(two)), b.start(through(two, b.relay))}
	for _, c := range started {
		st := b.await(c.ID, "the domain's share to be used up", func(c Campaign, st Stats) bool {
			return (st.HeldUp != nil || c.Status == StatusFinished) && st.Claimed == 0
		})
		if st.HeldUp == nil {
			continue // one of the three may be through
		}
		if st.HeldUp.DomainID != domain.ID || !strings.Contains(st.HeldUp.Reason, "example.org") || st.HeldUp.Until.Before(time.Now()) {
			t.Errorf("held up %+v", st.HeldUp)
		}
		if st.Deferred+st.Bounced+st.Failed != 0 {
			t.Errorf("waiting is no attempt: %+v", st)
		}
	}
	if n := count(b.smtp) + count(srv); n != most {
		t.Errorf("%d went out, of %d", n, most)
	}
	if counted := query[int](b, `SELECT sum(used)::int FROM domain_usage`); counted[0] != most {
		t.Errorf("%d are counted", counted[0])
	}
	for _, node := range []string{b.d.Node.ID, other.d.Node.ID} {
		if n := query[int](b, `SELECT COALESCE(sum(used), 0)::int FROM domain_usage WHERE node_id = $1`, node); n[0] == 0 {
			t.Errorf("node %s sent nothing, so this shows nothing", node)
		}
	}
	b.pace(nil, nil)
	for _, c := range started {
		if st := b.awaitFinished(c.ID); st.Sent != 100 {
			t.Errorf("%+v", st)
		}
	}
	if left := query[int](b, `SELECT COALESCE(sum(claimed), 0)::int FROM domain_claims`); left[0] != 0 {
		t.Errorf("%d claims of the share were never given back", left[0])
	}
}

func TestDomainsShareComesBackTheNextDay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.people(45)
	b.pace(today(30), nil)
	c := b.start()
	b.awaitHeldUp(c.ID, 30)
	if results, err := b.SendTest(t.Context(), c.ID, TestSend{To: []string{"me@example.net"}}); err != nil || results[0].OK || !strings.Contains(results[0].Reply, "example.org") {
		t.Errorf("a test message went out beyond the share: %+v %v", results, err)
	}
	b.exec(`UPDATE domain_usage SET minute = minute - interval '25 hours'`)
	if st := b.awaitFinished(c.ID); st.Sent != 45 {
		t.Errorf("%+v", st)
	}
}

// What a dead process had reserved comes back, except for what it sent or may have sent.
func TestDeadProcessGivesTheDomainsShareBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	domain := b.pace(today(100), nil)
	c := b.crashed(6, 5)
	b.exec(`INSERT INTO domain_claims (domain_id, node_id, claimed) VALUES ($1, $2, 5)`, domain.ID, deadNode)
	b.leaveJournal(func(j *journal.Journal) {
		for _, seq := range []int32{1, 2, 3} {
			_, err := j.Dot(journal.Entry{CampaignID: c.ID, Seq: seq, Attempt: 1})
			must(t, err)
		}
		must(t, j.Reply(journal.Entry{CampaignID: c.ID, Seq: 1, Attempt: 1}, journal.Reply{Code: 250, Status: "2.0.0", Text: "queued"}, false))
	})
	_, err := b.SettleLocal(t.Context(), b.dir)
	must(t, err)
	st, err := b.d.Sender.DomainState(t.Context(), domain.ID)
	must(t, err)
	if st.Usage.Day != 3 || st.Usage.Claimed != 0 {
		t.Errorf("%+v, want the one that was sent and the two in doubt", st.Usage)
	}
	if left := query[int](b, `SELECT sum(claimed)::int FROM domain_claims`); left[0] != 0 {
		t.Errorf("%d still reserved", left[0])
	}
}

// A claim whose commit this process never heard of is found by the audit, with its share of the domain.
func TestForgottenClaimGivesTheDomainsShareBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	domain := b.pace(today(100), nil)
	b.people(8)
	b.Drain()
	c := b.start()
	b.exec(`UPDATE deliveries SET state = 1, node_id = $2, attempts = 1, updated_at = now() - interval '2 minutes' WHERE campaign_id = $1 AND seq <= 5`, c.ID, b.d.Node.ID)
	b.exec(`INSERT INTO domain_claims (domain_id, node_id, claimed) VALUES ($1, $2, 5)`, domain.ID, b.d.Node.ID)
	b.inflight.suspect.Store(b.d.Now().UnixNano())
	must(t, b.audit(t.Context()))
	if left := query[int](b, `SELECT sum(claimed)::int FROM domain_claims`); left[0] != 0 {
		t.Errorf("%d still reserved", left[0])
	}
	b.draining.Store(false)
	if st := b.awaitFinished(c.ID); st.Sent != 8 {
		t.Errorf("%+v", st)
	}
}

func TestOutsideOfTheDomainsWindowNothingIsSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, two := b.second(sender.RelayInput{})
	day := func(ahead int) []int { return []int{(int(time.Now().UTC().Weekday())+ahead-1)%7 + 1} }
	domain := b.pace(nil, &sender.Window{Days: day(3), From: 9 * time.Hour, Until: 17 * time.Hour})
	b.people(5)
	one, both := b.start(), b.start(through(b.relay, two))
	for _, c := range []Campaign{one, both} {
		if st := b.awaitHeldUp(c.ID, 0); st.HeldUp.DomainID != domain.ID || st.HeldUp.Code != sender.HoldupOutsideWindow || !strings.Contains(st.HeldUp.Reason, "window of example.org") {
			t.Errorf("held up %+v", st.HeldUp)
		}
	}
	// Of the relay and the domain the campaign waits for the one that opens later.
	b.exec(`UPDATE relays SET send_days = $2, send_from = '09:00', send_until = '17:00' WHERE id = $1`, b.relay.ID, day(2))
	if st := b.awaitHeldUp(one.ID, 0); st.HeldUp.DomainID != domain.ID {
		t.Errorf("held up %+v", st.HeldUp)
	}
	b.exec(`UPDATE relays SET send_days = $2, send_from = '09:00', send_until = '17:00' WHERE id = $1`, b.relay.ID, day(4))
	if st := b.awaitHeldUp(one.ID, 0); st.HeldUp.RelayID != b.relay.ID {
		t.Errorf("held up %+v", st.HeldUp)
	}
	b.exec(`UPDATE relays SET send_days = '{}' WHERE id = $1`, b.relay.ID)
	b.pace(nil, nil)
	for _, c := range []Campaign{one, both} {
		if st := b.awaitFinished(c.ID); st.Sent != 5 {
			t.Errorf("%+v", st)
		}
	}
}

// statements keeps what is asked of the database.
type statements struct {
	mu   sync.Mutex
	list []string
}

func (s *statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, d pgx.TraceQueryStartData) context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, d.SQL)
	return ctx
}

func (s *statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// about counts those that speak of something.
func (s *statements) about(word string) (n int) {
	for _, sql := range s.list {
		if strings.Contains(sql, word) {
			n++
		}
	}
	return n
}

// A domain that has neither a warm-up nor a window costs no statement, whether a campaign has one relay or several.
func TestDomainWithoutPlanCostsNoStatement(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, two := b.second(sender.RelayInput{})
	b.people(3)
	b.Drain()
	seen := &statements{}
	cfg := b.pool.Config()
	cfg.ConnConfig.Tracer = seen
	traced, err := pgxpool.NewWithConfig(t.Context(), cfg)
	must(t, err)
	defer traced.Close()
	deps := b.d
	box, err := secret.LoadOrCreate(t.TempDir() + "/key")
	must(t, err)
	deps.Pool, deps.Sender = traced, sender.New(traced, box, sender.Config{}, slog.New(slog.NewTextHandler(io.Discard, nil)), time.Now)
	s := New(b.cfg, deps)
	s.SetJobs(b.jobs)
	round := func(relays ...sender.Relay) int {
		t.Helper()
		c := b.start(through(relays...))
		run := query[int](b, `SELECT run FROM campaigns WHERE id = $1`, c.ID)[0]
		seen.list = nil
		l, err := s.claim(t.Context(), DeliverArgs{CampaignID: c.ID, Run: run, Lo: 1, Hi: 3}, 1)
		must(t, err)
		sent := 0
		for _, c := range l.claims {
			s.release(c, context.Canceled)
			sent += len(c.rows)
		}
		if sent != 3 {
			t.Fatalf("%d were claimed", sent)
		}
		return len(seen.list)
	}
	for name, relays := range map[string][]sender.Relay{"one relay": {b.relay}, "two relays": {b.relay, two}} {
		b.exec(`DELETE FROM sending_domains`)
		unknown := round(relays...)
		b.pace(nil, nil)
		if n := round(relays...); n != unknown {
			t.Errorf("%s: %d statements, %d for a domain that is not there", name, n, unknown)
		}
		if n := seen.about("domain_") + seen.about("domain quota"); n != 0 || seen.about("sending_domains") != 1 {
			t.Errorf("%s: %d statements about its shares, %d that read it", name, n, seen.about("sending_domains"))
		}
		b.pace(today(100), nil)
		if n := round(relays...); n <= unknown || seen.about("domain_claims") == 0 {
			t.Errorf("%s: %d statements with a warm-up, so they are not seen", name, n)
		}
	}
}

func TestForecastOfACampaign(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, backup := b.second(sender.RelayInput{Weight: number(0)})
	b.people(45)
	warm := &sender.Warmup{Start: time.Now().UTC().Truncate(24 * time.Hour), First: 30, Percent: 10}
	domain := b.pace(warm, nil)
	midnight := warm.Start.Add(24 * time.Hour)
	draft := b.draft(through(b.relay, backup))
	f, err := b.Forecast(t.Context(), draft.ID, time.Time{}, 0)
	must(t, err)
	if f.Messages != 45 || f.End == nil || f.Decides == nil || f.Decides.DomainID != domain.ID || f.Decides.Limit != sender.LimitWarmup || f.Start.After(time.Now()) {
		t.Errorf("%+v, %+v", f, f.Decides)
	}
	// From the third midnight on 45 and more may go at once.
	late, err := b.Forecast(t.Context(), draft.ID, midnight.Add(5*24*time.Hour), 0)
	must(t, err)
	if late.End != nil || late.Decides != nil || !late.Start.Equal(midnight.Add(5*24*time.Hour)) {
		t.Errorf("%+v, %+v", late, late.Decides)
	}
	if f, err := b.Forecast(t.Context(), draft.ID, time.Time{}, 20); err != nil || f.Messages != 20 || f.End != nil {
		t.Errorf("20 within a share of 30: %+v %v", f, err)
	}
	_, err = b.Schedule(t.Context(), draft.ID, midnight.Add(5*24*time.Hour))
	must(t, err)
	if f, err := b.Forecast(t.Context(), draft.ID, time.Time{}, 0); err != nil || !f.Start.Equal(midnight.Add(5*24*time.Hour)) {
		t.Errorf("of a scheduled campaign: %+v %v", f, err)
	}
	c, err := b.Start(t.Context(), draft.ID)
	must(t, err)
	b.awaitHeldUp(c.ID, 30)
	f, err = b.Forecast(t.Context(), c.ID, time.Time{}, 0)
	must(t, err)
	if f.Messages != 15 || f.End == nil || !f.End.After(midnight.Add(-time.Second)) {
		t.Errorf("the rest: %+v", f)
	}
	for _, id := range []int64{b.relay.ID, backup.ID} {
		_, err = b.d.Sender.PauseRelay(t.Context(), id, "")
		must(t, err)
	}
	if f, err := b.Forecast(t.Context(), c.ID, time.Time{}, 0); err != nil || f.End != nil || f.Decides == nil || f.Decides.Limit != sender.LimitPaused {
		t.Errorf("with paused relays: %+v %v", f, err)
	}
	_, err = b.Cancel(t.Context(), c.ID)
	must(t, err)
	if _, err := b.Forecast(t.Context(), c.ID, time.Time{}, 0); err == nil {
		t.Error("the end of a cancelled campaign is foretold")
	}
}
