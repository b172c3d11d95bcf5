package newsletters

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// slowFeeds are sources of which those on slow.example answer only when the test, or the end of the asking, lets them.
type slowFeeds struct {
	mu           sync.Mutex
	slow         bool
	now, most    int // how many ask slow.example
	answer       chan struct{}
	askedInTotal map[string]int
}

func (f *slowFeeds) Fetch(ctx context.Context, src Source, _ time.Duration) (Fetched, error) {
	f.mu.Lock()
	f.askedInTotal[src.URL]++
	if !f.slow || !strings.HasPrefix(src.URL, "https://slow.example") {
		f.mu.Unlock()
		return Fetched{}, nil
	}
	f.now++
	f.most = max(f.most, f.now)
	f.mu.Unlock()
	defer func() { f.mu.Lock(); f.now--; f.mu.Unlock() }()
	select {
	case <-f.answer:
		return Fetched{}, nil
	case <-ctx.Done():
		return Fetched{}, ctx.Err()
	}
}

func (f *slowFeeds) asked(url string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.askedInTotal[url]
}

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(20 * time.Second); !ok(); <-poll.C {
		if time.Now().After(deadline) {
			t.Fatalf("it did not come to that: %s", what)
		}
	}
}

func (b *bundle) count(sql string, args ...any) (n int) {
	b.t.Helper()
	must(b.t, b.pool.QueryRow(b.t.Context(), `SELECT count(*) FROM newsletter_issues i JOIN newsletters n ON n.id = i.newsletter_id WHERE `+sql, args...).Scan(&n))
	return n
}

// slowLetters makes newsletters that are due every day at nine, not prepared ahead: many on slow.example, three on a quick one.
func (b *bundle) slowLetters(f *slowFeeds) {
	b.t.Helper()
	b.d.Fetch = f
	for k := range 12 {
		b.letter(func(in *Input) {
			in.Name, in.Source.URL, in.Rules = fmt.Sprintf("Slow %d", k), fmt.Sprintf("https://slow.example/%d", k), Rules{}
		})
	}
	for k := range 3 {
		b.letter(func(in *Input) {
			in.Name, in.Source.URL, in.Rules = fmt.Sprintf("Quick %d", k), fmt.Sprintf("https://quick.example/%d", k), Rules{}
		})
	}
}

func TestASlowSourceHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := &slowFeeds{answer: make(chan struct{}), askedInTotal: map[string]int{}}
	b.slowLetters(f)
	b.letter(func(in *Input) {
		in.Name, in.Source, in.Rules.RemindTo, in.Rules.ReminderHours, in.Rules.LeadMinutes = "Draft", Source{}, []string{"ann@example.org"}, []int{0}, 0
	})
	f.slow = true
	b.exec(`UPDATE newsletters SET fetch_at = NULL`)
	b.clock.set(time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	until(t, "issues of other sources go out", func() bool { return b.count(`i.state = 'sending' AND n.name LIKE 'Quick%'`) == 3 })
	until(t, "other sources are polled", func() bool { return f.asked("https://quick.example/2") >= 3 })
	until(t, "people are reminded", func() bool { b.mail.mu.Lock(); defer b.mail.mu.Unlock(); return len(b.mail.sent) == 1 })
	b.clock.set(time.Date(2026, 1, 6, 9, 0, 0, 0, time.UTC))
	until(t, "issues are made", func() bool { return b.count(`i.local_date = '2026-01-06'`) == 16 })
	f.mu.Lock()
	most := f.most
	f.mu.Unlock()
	if most < 1 || most > 2 {
		t.Errorf("%d asked one host at the same time, want at most 2", most)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if f.now != 0 {
		t.Errorf("%d still ask after the end", f.now)
	}
}

// Issues of a slow source that come late for its sake, but in time, go out, and those for which it is too late do not blame the service for a stop.
func TestIssuesOfASlowSource(t *testing.T) {
	t.Parallel()
	b := setup(t)
	f := &slowFeeds{answer: make(chan struct{}), askedInTotal: map[string]int{}}
	b.slowLetters(f)
	f.slow = true
	b.clock.set(time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	for sent := 0; sent < 6; {
		select {
		case f.answer <- struct{}{}:
		case <-t.Context().Done():
			t.Fatal("nobody asks")
		case <-time.After(20 * time.Second):
			t.Fatal("nobody asks")
		}
		sent = b.count(`i.state = 'sending' AND n.name LIKE 'Slow%'`)
	}
	b.clock.set(time.Date(2026, 1, 5, 9, 15, 1, 0, time.UTC))
	close(f.answer)
	until(t, "each issue ends", func() bool { return b.count(`i.state IN ('sending', 'skipped') AND n.name LIKE 'Slow%'`) == 12 })
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n := b.count(`i.state = 'skipped' AND (i.reason NOT LIKE '%was not looked at in time%' OR i.reason_code <> 'service_down')`); n != 0 {
		t.Errorf("%d were skipped for another reason than the time", n)
	}
}
