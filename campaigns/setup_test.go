package campaigns

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"postrider/audience"
	"postrider/campaigns/journal"
	"postrider/events"
	"postrider/internal/pg/pgtest"
	"postrider/internal/secret"
	"postrider/internal/settings"
	"postrider/sender"
	"postrider/sender/smtptest"
	"postrider/templates"
)

// clock is a time that tests move. It also runs, so that durations measured with it are never negative.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// bundle is everything that a test of campaigns works with: the service on a database of its own, with real jobs, and a real SMTP server as relay.
type bundle struct {
	*Service
	t     *testing.T
	pool  *pgxpool.Pool
	clock *clock
	// nodeClock is what the node goes by; it moves apart from the campaign's clock, since its lease is renewed in real time.
	nodeClock *clock
	smtp      *smtptest.Server
	relay     sender.Relay
	listID    int64
	dir       string
	log       *lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func setup(t *testing.T, opts ...smtptest.Option) *bundle {
	t.Helper()
	ctx := t.Context()
	b := &bundle{t: t, pool: pgtest.DB(t), clock: &clock{}, nodeClock: &clock{}, smtp: smtptest.Start(t, opts...), dir: filepath.Join(t.TempDir(), "journal"), log: &lockedBuffer{}}
	logger := slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	box, err := secret.LoadOrCreate(filepath.Join(t.TempDir(), "secret.key"))
	must(t, err)
	set := settings.New(b.pool, b.clock.now)
	_, err = set.Put(ctx, settings.Settings{Organization: "Test House", PublicURL: "https://news.example.org", PostalAddress: "1 Main Street"})
	must(t, err)
	send := sender.New(b.pool, box, sender.Config{}, logger, time.Now)
	people := audience.New(b.pool, logger, b.clock.now)
	evs := events.New(b.pool, logger, b.clock.now)
	node, err := sender.StartNode(ctx, b.pool, 0, logger, b.nodeClock.now)
	must(t, err)
	j, err := journal.Open(b.dir, node.ID)
	must(t, err)
	pools := sender.NewPools(send, b.pool, node, logger, time.Now)
	b.Service = New(Config{Workers: 3, RangeSize: 40, ClaimSize: 10, Window: 3, Snooze: 200 * time.Millisecond}, Deps{
		Pool: b.pool, Audience: people, Events: evs, Tokens: events.NewTokens(box.Derive("link tokens")), Sender: send, Settings: set, Templates: templates.New(b.pool, b.clock.now),
		Node: node, Pools: pools, Journal: j, Logger: logger, Now: b.clock.now,
	})
	t.Cleanup(func() {
		pools.Close(context.Background())
		_ = j.Close()
	})
	renewing, stopRenewing := context.WithCancel(context.Background())
	renewed := make(chan error, 1)
	go func() { renewed <- node.Run(renewing) }()
	t.Cleanup(func() {
		stopRenewing()
		<-renewed
	})
	t.Cleanup(b.countsAddUp)
	b.startJobs(logger)
	b.relay = b.makeRelay(sender.RelayInput{Name: "Test relay"})
	list, err := people.CreateList(ctx, "Readers", "")
	must(t, err)
	b.listID = list.ID
	return b
}

// countsAddUp compares what the triggers counted with the ledger, whatever the test did to it.
func (b *bundle) countsAddUp() {
	if b.t.Failed() {
		return
	}
	wrong := 0
	err := b.pool.QueryRow(context.Background(), `
		SELECT count(*) FROM (
			SELECT campaign_id, state, count(*) AS n FROM deliveries GROUP BY campaign_id, state) l
		FULL JOIN (
			SELECT campaign_id, s.state, sum(s.n) AS n FROM campaign_counts,
				LATERAL (VALUES (0, queued), (1, claimed), (2, sent), (3, deferred), (4, bounced), (5, failed), (6, unconfirmed), (7, skipped)) AS s (state, n)
			GROUP BY campaign_id, s.state HAVING sum(s.n) <> 0) c USING (campaign_id, state)
		WHERE l.n IS DISTINCT FROM c.n`).Scan(&wrong)
	if err != nil || wrong > 0 {
		b.t.Errorf("%d of the counts do not add up to the ledger (%v)", wrong, err)
	}
}

// startJobs runs River as the program does. The regular work (tick) is left to the tests, which call it when they want it.
func (b *bundle) startJobs(logger *slog.Logger) {
	workers := river.NewWorkers()
	b.Service.Workers(workers)
	queues := b.Queues(5 * time.Millisecond)
	queues[river.QueueDefault] = river.QueueConfig{MaxWorkers: 1, FetchCooldown: 5 * time.Millisecond}
	client, err := river.NewClient(riverpgxv5.New(b.pool), &river.Config{
		ID: b.d.Node.ID, Logger: logger, Workers: workers, RescueStuckJobsAfter: RescueAfter,
		Queues:   queues,
		TestOnly: true,
	})
	must(b.t, err)
	b.SetJobs(client)
	ctx, cancel := context.WithCancel(context.Background())
	must(b.t, client.Start(ctx))
	b.t.Cleanup(func() {
		b.Drain()
		_ = client.Stop(context.Background())
		cancel()
	})
}

func (b *bundle) makeRelay(in sender.RelayInput) sender.Relay {
	b.t.Helper()
	in.Kind, in.Host, in.Port, in.TLS, in.MaxConnections = sender.RelaySMTP, b.smtp.Host(), b.smtp.Port(), sender.TLSNone, max(in.MaxConnections, 3)
	if in.DKIM == "" {
		in.DKIM = sender.DKIMOff
	}
	r, err := b.d.Sender.CreateRelay(b.t.Context(), in)
	must(b.t, err)
	return r
}

// people adds n subscribers to the bundle's list, person0001@example.org and so on.
func (b *bundle) people(n int) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), `
		WITH s AS (
			INSERT INTO subscribers (email, email_key, name, attributes)
			SELECT e, e, 'Person ' || i, jsonb_build_object('city', 'Berlin')
			FROM (SELECT i, 'person' || lpad(i::text, 4, '0') || '@example.org' AS e FROM generate_series(1, $1) AS i) x RETURNING id)
		INSERT INTO subscriptions (list_id, subscriber_id, status, source) SELECT $2, id, 'subscribed', 'test' FROM s`, n, b.listID)
	must(b.t, err)
}

func person(i int) string { return fmt.Sprintf("person%04d@example.org", i) }

// draft makes a campaign that is ready to start.
func (b *bundle) draft(change ...func(*Input)) Campaign {
	b.t.Helper()
	in := Input{
		Name: "Letter", Subject: "Hello {{ subscriber.name }}", FromName: "House", FromEmail: "house@example.org", RelayIDs: []int64{b.relay.ID}, ListIDs: []int64{b.listID},
		HTML:       `<html><body><p>Dear {{ subscriber.name }}</p><a href="https://example.org/a?x=1&amp;y=2">A</a> <a href="https://example.org/p/{{ subscriber.city }}">B</a></body></html>`,
		TrackOpens: true, TrackClicks: true,
	}
	for _, fn := range change {
		fn(&in)
	}
	c, err := b.Create(b.t.Context(), in)
	must(b.t, err)
	return c
}

func (b *bundle) start(change ...func(*Input)) Campaign {
	b.t.Helper()
	c, err := b.Start(b.t.Context(), b.draft(change...).ID)
	must(b.t, err)
	return c
}

// await does the regular work until the campaign's figures meet the condition.
func (b *bundle) await(id int64, what string, ok func(Campaign, Stats) bool) Stats {
	b.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		must(b.t, b.tick(b.t.Context()))
		c, err := b.Get(b.t.Context(), id)
		must(b.t, err)
		st, err := b.Stats(b.t.Context(), id)
		must(b.t, err)
		if st.Recipients != st.Queued+st.Claimed+st.Sent+st.Deferred+st.Bounced+st.Failed+st.Unconfirmed+st.Skipped || !c.Freezing && st.Recipients != int64(c.Recipients) {
			b.t.Fatalf("the figures do not add up to the ledger: %+v, recipients %d", st, c.Recipients)
		}
		if ok(c, st) {
			return st
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("waiting for %s: campaign %s (%v), %+v\n%s", what, c.Status, c.PauseReason, st, b.log)
		}
		<-poll.C
	}
}

func (b *bundle) awaitFinished(id int64) Stats {
	b.t.Helper()
	return b.await(id, "the end", func(c Campaign, _ Stats) bool { return c.Status == StatusFinished })
}

// steady makes the node one that has been in touch with the database for a while.
func (b *bundle) steady() {
	b.t.Helper()
	for range 3 {
		b.nodeClock.advance(15 * time.Second)
		must(b.t, b.d.Node.Renew(b.t.Context()))
	}
}

func (b *bundle) exec(sql string, args ...any) {
	b.t.Helper()
	_, err := b.pool.Exec(b.t.Context(), sql, args...)
	must(b.t, err)
}

func query[T any](b *bundle, sql string, args ...any) []T {
	b.t.Helper()
	rows, err := b.pool.Query(b.t.Context(), sql, args...)
	must(b.t, err)
	vs, err := pgx.CollectRows(rows, pgx.RowTo[T])
	must(b.t, err)
	return vs
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
