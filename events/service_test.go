package events

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"postrider/internal/errs"
	"postrider/internal/page"
	"postrider/internal/pg"
	"postrider/internal/pg/pgtest"
)

var testNow = time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)

func newService(pool *pgxpool.Pool) *Service {
	return New(pool, slog.New(slog.NewTextHandler(io.Discard, nil)), func() time.Time { return testNow })
}

// setup gives a service and campaign 1 with deliveries 1..n to subscribers 101…
func setup(t *testing.T, n int) (*Service, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.DB(t)
	_, err := pool.Exec(t.Context(), `INSERT INTO campaigns (name) VALUES ('c')`)
	if err == nil {
		_, err = pool.Exec(t.Context(), `INSERT INTO deliveries (campaign_id, seq, subscriber_id, email)
			SELECT 1, i, 100 + i, i || '@example.org' FROM generate_series(1, $1::integer) i`, n)
	}
	if err != nil {
		t.Fatal(err)
	}
	return newService(pool), pool
}

func list(t *testing.T, s *Service, f Filter) []Event {
	t.Helper()
	p, err := s.List(t.Context(), f, page.Query{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	return p.Items
}

func TestRecordFlushList(t *testing.T) {
	t.Parallel()
	s, _ := setup(t, 3)
	s.Record(Event{Kind: KindOpen, CampaignID: 1, Seq: 2, UserAgent: "Mail\x00\xff/1 " + strings.Repeat("x", 1000)})
	s.Record(Event{Kind: KindClick, CampaignID: 1, Seq: 3, Link: 4, SubscriberID: 103, At: testNow.Add(-time.Hour)})
	s.Record(Event{Kind: KindOpen, CampaignID: 9, Seq: 1}) // a campaign that is gone
	if got := list(t, s, Filter{}); len(got) != 0 {
		t.Fatalf("events before the flush: %v", got)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []Event{
		{Kind: KindClick, CampaignID: 1, Seq: 3, SubscriberID: 103, Link: 4, At: testNow.Add(-time.Hour), Actor: Unknown, Rule: RuleNoAgent},
		{Kind: KindOpen, CampaignID: 1, Seq: 2, SubscriberID: 102, At: testNow, UserAgent: "Mail/1 " + strings.Repeat("x", 291), Actor: Unknown, Rule: RuleNewAgent},
	}
	ignoreID := cmpopts.IgnoreFields(Event{}, "ID")
	if diff := cmp.Diff(want, list(t, s, Filter{}), ignoreID); diff != "" {
		t.Error(diff)
	}
	for name, f := range map[string]Filter{"kind": {Kind: KindClick}, "seq": {CampaignID: 1, Seq: 3}, "subscriber": {SubscriberID: 103}} {
		if diff := cmp.Diff(want[:1], list(t, s, f), ignoreID); diff != "" {
			t.Error(name, diff)
		}
	}
	if err := s.Flush(t.Context()); err != nil || len(list(t, s, Filter{})) != 2 {
		t.Errorf("a second flush: %v", err)
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	s, _ := setup(t, 7)
	for seq := int32(1); seq <= 7; seq++ {
		s.Record(Event{Kind: KindOpen, CampaignID: 1, Seq: seq})
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []int32
	q := page.Query{Limit: 3}
	for {
		p, err := s.List(t.Context(), Filter{CampaignID: 1}, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Items {
			got = append(got, e.Seq)
		}
		if q.Cursor = p.NextCursor; q.Cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]int32{7, 6, 5, 4, 3, 2, 1}, got); diff != "" {
		t.Error(diff)
	}
	if _, err := s.List(t.Context(), Filter{}, page.Query{Cursor: "x"}); !errs.Is(err, errs.Invalid) {
		t.Errorf("a bad cursor gave %v", err)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	s, pool := setup(t, 4)
	for _, e := range []Event{
		{Kind: KindOpen, Seq: 1, UserAgent: browser}, {Kind: KindOpen, Seq: 1, At: testNow.Add(time.Minute), UserAgent: "curl/8"}, {Kind: KindOpen, Seq: 2},
		{Kind: KindOpen, Seq: 2, UserAgent: "Mozilla/5.0"}, {Kind: KindOpen, Seq: 3, UserAgent: "Mozilla/5.0"},
		{Kind: KindClick, Seq: 1, Link: 2, UserAgent: browser}, {Kind: KindClick, Seq: 1, Link: 2}, {Kind: KindClick, Seq: 3, Link: 1}, {Kind: KindClick, Seq: 3, UserAgent: browser},
	} {
		e.CampaignID = 1
		s.Record(e)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := pg.InTx(t.Context(), pool, func(tx pgx.Tx) error {
		return s.RecordTx(t.Context(), tx, []Event{{Kind: KindUnsubscribe, CampaignID: 1, Seq: 4}, {Kind: KindBounce, CampaignID: 1, Seq: 3, Detail: "550 no"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	counts, err := s.Counts(t.Context(), 1)
	if want := (Counts{Opens: Tally{1, 3, 1}, UniqueOpens: Tally{1, 1, 1}, Clicks: Tally{1, 1, 2}, UniqueClicks: Tally{1, 0, 1}, Unsubscribes: 1, Bounces: 1}); err != nil || counts != want {
		t.Errorf("counts %+v, %v", counts, err)
	}
	if counts, err = s.Counts(t.Context(), 2); err != nil || counts != (Counts{}) {
		t.Errorf("counts of another campaign %+v, %v", counts, err)
	}
	links, err := s.LinkCounts(t.Context(), 1)
	if diff := cmp.Diff([]LinkCount{{1, Tally{0, 0, 1}, Tally{0, 0, 1}}, {2, Tally{1, 0, 1}, Tally{1, 0, 0}}}, links); err != nil || diff != "" {
		t.Error(err, diff)
	}
	got, err := s.ForDeliveries(t.Context(), []Ref{{CampaignID: 1, Seq: 1}, {CampaignID: 1, Seq: 1}, {CampaignID: 1, Seq: 4}, {CampaignID: 2, Seq: 1}})
	want := map[Ref]DeliveryCounts{{CampaignID: 1, Seq: 1}: {Opens: Tally{1, 1, 0}, Clicks: Tally{1, 0, 1}}, {CampaignID: 1, Seq: 4}: {Unsubscribed: true}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	for _, campaign := range []int64{0, 1} {
		buckets, err := s.Buckets(t.Context(), campaign, testNow.Add(-time.Hour), testNow.Add(time.Hour), time.Minute)
		wantBuckets := []Bucket{
			{testNow.Truncate(time.Minute), Tally{1, 2, 1}, Tally{1, 1, 2}}, {testNow.Add(time.Minute).Truncate(time.Minute), Tally{0, 1, 0}, Tally{}},
		}
		if diff := cmp.Diff(wantBuckets, buckets); err != nil || diff != "" {
			t.Error(err, diff)
		}
	}
	if buckets, err := s.Buckets(t.Context(), 2, testNow.Add(-time.Hour), testNow.Add(time.Hour), time.Minute); err != nil || len(buckets) != 0 {
		t.Errorf("buckets of another campaign: %v, %v", buckets, err)
	}
}

// RecordTx is part of its transaction.
func TestRecordTxRollsBack(t *testing.T) {
	t.Parallel()
	s, pool := setup(t, 1)
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RecordTx(t.Context(), tx, []Event{{Kind: KindBounce, CampaignID: 1, Seq: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := list(t, s, Filter{}); len(got) != 0 {
		t.Errorf("events %v", got)
	}
}

// Nothing is lost when Run ends under load, and nothing that comes later.
func TestRunWritesEverything(t *testing.T) {
	t.Parallel()
	s, _ := setup(t, 1)
	s.capacity = 50 // so that waiting for room happens as well
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := range 200 {
				s.Record(Event{Kind: KindOpen, CampaignID: 1, Seq: 1, SubscriberID: 101})
				if i == 100 {
					stop()
				}
			}
		})
	}
	wg.Wait()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	s.Record(Event{Kind: KindClick, CampaignID: 1, Seq: 1, Link: 1})
	counts, err := s.Counts(t.Context(), 1)
	if err != nil || counts.Opens.Total() != 800 || counts.Clicks.Total() != 1 {
		t.Errorf("%+v, %v", counts, err)
	}
}

// A full buffer refuses who cannot wait, and holds up who can until there is room.
func TestFullBufferHoldsBack(t *testing.T) {
	t.Parallel()
	s, _ := setup(t, 3)
	s.capacity = 2
	s.Record(Event{Kind: KindOpen, CampaignID: 1, Seq: 1})
	if !s.Offer(Event{Kind: KindOpen, CampaignID: 1, Seq: 2}) || s.Offer(Event{Kind: KindOpen, CampaignID: 1, Seq: 3}) {
		t.Fatal("the buffer takes one event, or three")
	}
	done := make(chan struct{})
	go func() {
		s.Record(Event{Kind: KindOpen, CampaignID: 1, Seq: 3})
		close(done)
	}()
	<-s.full // it waits
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-done
	if got := list(t, s, Filter{}); len(got) != 2 {
		t.Errorf("stored while the third waits for the next write: %v", got)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := list(t, s, Filter{}); len(got) != 3 || got[0].Seq != 3 {
		t.Errorf("stored: %v", got)
	}
}

// A database that is away keeps the events waiting; one event that cannot be stored does not keep the others.
func TestFailedFlushKeepsEvents(t *testing.T) {
	t.Parallel()
	s, _ := setup(t, 3)
	s.Record(Event{Kind: KindOpen, CampaignID: 1, Seq: 1})
	s.Record(Event{Kind: "nonsense", CampaignID: 1, Seq: 2})
	s.Record(Event{Kind: KindOpen, CampaignID: 1, Seq: 3})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Flush(gone); err == nil {
		t.Fatal("a flush without a database succeeded")
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := list(t, s, Filter{}); len(got) != 2 || got[0].Seq != 3 || got[1].Seq != 1 {
		t.Errorf("stored: %v", got)
	}
}
