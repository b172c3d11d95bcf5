package events

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"
)

// sent says when deliveries went.
func sent(t *testing.T, pool *pgxpool.Pool, at time.Time) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), `UPDATE deliveries SET state = 2, updated_at = $1`, at); err != nil {
		t.Fatal(err)
	}
}

func (s *Service) flushed(t *testing.T, es ...Event) {
	t.Helper()
	for _, e := range es {
		e.CampaignID = 1
		s.Record(e)
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func judged(t *testing.T, s *Service, f Filter) []Rule {
	t.Helper()
	rules := []Rule{}
	for _, e := range list(t, s, f) {
		if (e.Actor == Human) != (e.Rule == "") {
			t.Errorf("%s by rule %q", e.Actor, e.Rule)
		}
		rules = append([]Rule{e.Rule}, rules...)
	}
	return rules
}

func TestJudgedByTheTimeSinceSending(t *testing.T) {
	t.Parallel()
	s, pool := setup(t, 2)
	sent(t, pool, testNow.Add(-20*time.Second))
	s.flushed(t, Event{Kind: KindOpen, Seq: 1, UserAgent: gmail}, Event{Kind: KindOpen, Seq: 1, UserAgent: browser}, Event{Kind: KindOpen, Seq: 2, UserAgent: browser, At: testNow.Add(-16 * time.Second)},
		Event{Kind: KindOpen, Seq: 2, UserAgent: browser, Head: true})
	if diff := cmp.Diff([]Rule{RuleProxy, "", RuleInstant, RuleHead}, judged(t, s, Filter{})); diff != "" {
		t.Error(diff)
	}
}

// What was stored before is judged anew when it turns out to be part of something, by whatever process.
func TestJudgedAgainInTheCompanyOfOthers(t *testing.T) {
	t.Parallel()
	s, pool := setup(t, 4)
	now := testNow
	s.now = func() time.Time { return now }
	other := newService(pool)
	other.now = s.now
	sent(t, pool, testNow.Add(-time.Hour))
	judge := func(s *Service) {
		t.Helper()
		if err := s.Judge(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	judge(s)
	s.flushed(t, Event{Kind: KindOpen, Seq: 1, UserAgent: browser}, Event{Kind: KindClick, Seq: 1, Link: 1, UserAgent: browser}, Event{Kind: KindClick, Seq: 2, Link: 1, UserAgent: browser},
		Event{Kind: KindClick, Seq: 3, Link: 1, UserAgent: browser})
	judge(s)
	if diff := cmp.Diff([]Rule{"", "", "", ""}, judged(t, s, Filter{})); diff != "" {
		t.Fatal(diff)
	}
	now = now.Add(500 * time.Millisecond)
	other.flushed(t, Event{Kind: KindClick, Seq: 1, Link: 2, UserAgent: browser})
	now = now.Add(time.Minute)
	other.flushed(t, Event{Kind: KindClick, Seq: 2, Link: 0, UserAgent: "x"})
	judge(s)
	want := []Rule{RuleBurst, RuleBurst, RuleCanary, "", RuleBurst, RuleCanary}
	if diff := cmp.Diff(want, judged(t, s, Filter{})); diff != "" {
		t.Fatal(diff)
	}
	now = now.Add(time.Minute) // the hidden link is remembered longer than its row is young
	judge(s)
	s.flushed(t, Event{Kind: KindClick, Seq: 2, Link: 3, UserAgent: browser}, Event{Kind: KindClick, Seq: 3, Link: 3, UserAgent: browser})
	for range 2 {
		judge(s)
		judge(other)
		if diff := cmp.Diff(append(want, RuleCanary, ""), judged(t, s, Filter{})); diff != "" {
			t.Fatal(diff)
		}
	}
	counts, err := s.Counts(t.Context(), 1)
	if err != nil || counts.Clicks != (Tally{Human: 2, Machine: 5}) || counts.UniqueClicks != (Tally{Human: 1, Machine: 2}) || counts.Opens != (Tally{Machine: 1}) {
		t.Errorf("%+v, %v", counts, err)
	}
}

// A process that starts looks at what the one before may have left unjudged.
func TestJudgesWhatTheProcessBeforeLeft(t *testing.T) {
	t.Parallel()
	s, pool := setup(t, 1)
	sent(t, pool, testNow.Add(-time.Hour))
	s.flushed(t, Event{Kind: KindClick, Seq: 1, Link: 1, UserAgent: browser}, Event{Kind: KindClick, Seq: 1, Link: 2, UserAgent: browser})
	next := newService(pool)
	next.now = func() time.Time { return testNow.Add(5 * time.Minute) }
	if err := next.Judge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Rule{RuleBurst, RuleBurst}, judged(t, s, Filter{})); diff != "" {
		t.Error(diff)
	}
}

// Mail from before somebody said no has its pixel still.
func TestNothingIsRecordedOfWhoSaidNo(t *testing.T) {
	t.Parallel()
	s, pool := setup(t, 0)
	_, err := pool.Exec(t.Context(), `
		INSERT INTO subscribers (email, email_key, no_tracking) VALUES ('a@example.org', 'a@example.org', true), ('b@example.org', 'b@example.org', false)`)
	if err == nil {
		_, err = pool.Exec(t.Context(), `INSERT INTO deliveries (campaign_id, seq, subscriber_id, email) SELECT 1, row_number() OVER (ORDER BY id), id, email FROM subscribers`)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.flushed(t, Event{Kind: KindOpen, Seq: 1}, Event{Kind: KindClick, Seq: 1, Link: 1}, Event{Kind: KindOpen, Seq: 2})
	if err := s.RecordTx(t.Context(), pool, []Event{{Kind: KindBounce, CampaignID: 1, Seq: 1}}); err != nil {
		t.Fatal(err)
	}
	if got := list(t, s, Filter{}); len(got) != 2 || got[0].Kind != KindBounce || got[1].Seq != 2 {
		t.Errorf("%v", got)
	}
}

// Opens and clicks from before actors were told apart count as unknown.
func TestOldRecordsAreUnknown(t *testing.T) {
	t.Parallel()
	s, pool := setup(t, 1)
	if _, err := pool.Exec(t.Context(), `INSERT INTO events (at, kind, campaign_id, seq, subscriber_id) VALUES ($1, 'open', 1, 1, 101), ($1, 'bounce', 1, 1, 101)`, testNow); err != nil {
		t.Fatal(err)
	}
	got := list(t, s, Filter{})
	if got[1].Actor != Unknown || got[1].Rule != RuleOldRecord || got[0].Actor != "" || got[0].Rule != "" {
		t.Errorf("%+v", got)
	}
	counts, err := s.Counts(t.Context(), 1)
	if err != nil || counts.Opens != (Tally{Unknown: 1}) || counts.UniqueOpens != (Tally{Unknown: 1}) {
		t.Errorf("%+v, %v", counts, err)
	}
}

func FuzzClassify(f *testing.F) {
	f.Add(browser)
	f.Add("Mozilla/5.0 bot) \x00\xff")
	f.Fuzz(func(t *testing.T, ua string) {
		s := New(nil, nil, time.Now)
		first, again := s.agent(ua), s.agent(ua)
		if first != again || len(first.text) > maxUserAgent || first.class != classify(first.text) {
			t.Errorf("%+v, then %+v", first, again)
		}
	})
}
