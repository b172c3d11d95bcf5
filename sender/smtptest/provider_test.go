package smtptest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hand is a clock that is moved by hand.
type hand struct{ at time.Time }

func (h *hand) now() time.Time { return h.at }

func (h *hand) pass(d time.Duration) { h.at = h.at.Add(d) }

// meterAt is a meter without grace on a clock of its own.
func meterAt(p Provider) (*meter, *hand) {
	h := &hand{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	p.Now = h.now
	m := newMeter(p)
	m.grace = 0
	return m, h
}

// limits are the kinds of violations so far.
func (m *meter) limits() string {
	var kinds []string
	for _, v := range m.violations {
		kinds = append(kinds, v.Limit)
	}
	return strings.Join(kinds, ", ")
}

// mails sends n messages and counts those that were taken.
func (m *meter) mails(id, n int) int {
	taken := 0
	for range n {
		if m.mail(id) == "" {
			m.accepted()
			taken++
		}
	}
	return taken
}

func TestRateIsASlidingWindow(t *testing.T) {
	t.Parallel()
	m, h := meterAt(Provider{Rates: []Rate{{Messages: 10, Per: time.Second}}})
	m.open(1)
	for i := range 50 { // exactly the rate, evenly
		if m.mail(1) != "" {
			t.Fatalf("message %d refused", i)
		}
		h.pass(100 * time.Millisecond)
	}
	if m.limits() != "" {
		t.Error(m.violations)
	}
	h.pass(900 * time.Millisecond) // the last one is a second old
	if n := m.mails(1, 12); n != 10 || m.limits() != "rate, rate" {
		t.Errorf("%d taken at once, %v", n, m.violations)
	}
	h.pass(999 * time.Millisecond)
	if m.mail(1) == "" {
		t.Error("an eleventh within the second is taken")
	}
	if want := "rate: 11 in 1s, 10 allowed, 1ms early"; m.violations[2].String() != want {
		t.Errorf("%s, want %s", m.violations[2], want)
	}
	h.pass(time.Millisecond)
	if m.mail(1) != "" {
		t.Error("refused although the window is empty")
	}
}

func TestQuotaRolls(t *testing.T) {
	t.Parallel()
	p := Gmail(24 * time.Hour)
	m, h := meterAt(p)
	m.open(1)
	if n := m.mails(1, 300); n != 300 {
		t.Fatal(n)
	}
	h.pass(12 * time.Hour)
	if n := m.mails(1, 201); n != 200 || m.limits() != "quota" {
		t.Errorf("%d of 201, %s", n, m.limits())
	}
	h.pass(12 * time.Hour) // the first 300 are gone, the 200 are not
	if n := m.mails(1, 301); n != 300 || !strings.HasPrefix(m.mail(1), "550 5.4.5") {
		t.Errorf("%d of 301", n)
	}
	for d, want := range map[time.Duration]int{0: 500, 23 * time.Hour: 500, 24 * time.Hour: 1000, 49 * time.Hour: 1500} {
		if got := p.Allowed(d); got != want {
			t.Errorf("%d allowed in %s, want %d", got, d, want)
		}
	}
}

func TestYandexExtendsTheBlock(t *testing.T) {
	t.Parallel()
	m, h := meterAt(Yandex(24 * time.Hour))
	m.open(1)
	m.mails(1, 501)
	h.pass(23 * time.Hour)
	m.mails(1, 1)
	h.pass(23*time.Hour + 59*time.Minute) // the window is empty, but the block began anew
	if n := m.mails(1, 1); n != 0 {
		t.Error("taken while blocked")
	}
	h.pass(24 * time.Hour)
	if n := m.mails(1, 1); n != 1 || m.limits() != "quota, block, block" {
		t.Errorf("%d taken after the block, %s", n, m.limits())
	}
}

func TestMicrosoft(t *testing.T) {
	t.Parallel()
	m, h := meterAt(Microsoft365(time.Minute))
	for id := 1; id <= 4; id++ {
		if reply := m.open(id); reply != "" {
			t.Errorf("connection %d: %s", id, reply)
		}
	}
	for id, want := range []bool{true, true, true, false} {
		if reply := m.mail(id + 1); (reply == "") != want || !want && !strings.HasPrefix(reply, "432 4.3.2") {
			t.Errorf("connection %d: %q", id+1, reply)
		}
	}
	m.close(2)
	if n := m.mails(4, 28); n != 27 || m.limits() != "connections, rate" {
		t.Errorf("%d more in the minute, %s", n, m.limits())
	}
	h.pass(time.Minute)
	if n := m.mails(1, 1); n != 1 {
		t.Error("refused in the next minute")
	}
}

func TestMessagesPerConnection(t *testing.T) {
	t.Parallel()
	m, _ := meterAt(Provider{PerConnection: 2, Connections: 1})
	m.open(1)
	if n := m.mails(1, 3); n != 2 || m.limits() != "messages per connection" {
		t.Errorf("%d, %s", n, m.limits())
	}
	if m.open(2) == "" {
		t.Error("a second connection is let in")
	}
	m.close(1)
	m.close(2)
	if m.open(3) != "" || m.mails(3, 2) != 2 {
		t.Error("the next connection is refused")
	}
}

// TestGoogleRecovery walks through Google's own advice, and then against it.
func TestGoogleRecovery(t *testing.T) {
	t.Parallel()
	m, h := meterAt(GoogleInbound(10, 10*time.Minute))
	for id := 1; id <= 4; id++ {
		m.open(id)
	}
	m.mails(1, 10)
	for id := 1; id <= 4; id++ { // they cannot know yet
		if reply := m.mail(id); !strings.HasPrefix(reply, "421 4.7.28") {
			t.Errorf("connection %d: %q", id, reply)
		}
		m.close(id)
	}
	h.pass(10 * time.Minute)
	for id := 11; id <= 15; id++ { // one more each time a message has passed
		if reply := m.open(id); reply != "" || m.mails(id, 1) != 1 {
			t.Fatalf("connection %d: %q", id, reply)
		}
	}
	if m.limits() != "" || m.level != 0 {
		t.Errorf("%v, still at %d", m.violations, m.level)
	}

	m, h = meterAt(GoogleInbound(1, 10*time.Minute))
	m.open(1)
	m.mails(1, 2)
	m.close(1)
	h.pass(9 * time.Minute)
	m.open(2)
	m.close(2)
	h.pass(9 * time.Minute) // the ten minutes begin anew
	m.open(3)
	m.close(3)
	h.pass(10 * time.Minute)
	m.open(4)
	if m.open(5) == "" { // nothing has passed yet
		t.Error("two at once after the silence")
	}
	if m.limits() != "quiet time, quiet time, one at a time" {
		t.Error(m.limits())
	}
}

func TestAllowed(t *testing.T) {
	t.Parallel()
	got := []int{AmazonSES(14, 200, 24*time.Hour).Allowed(10 * time.Second), AmazonSES(14, 200, 24*time.Hour).Allowed(time.Minute),
		Microsoft365(time.Minute).Allowed(10 * time.Minute), GoogleInbound(1, time.Minute).Allowed(time.Hour)}
	if diff := cmp.Diff([]int{140, 200, 300, -1}, got); diff != "" {
		t.Error(diff)
	}
}
