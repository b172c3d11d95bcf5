package smtptest

import (
	"fmt"
	"slices"
	"sync"
	"time"
)

// closingGrace is how long a connection over the limit waits for another one to
// end: a client that hangs up and dials again does nothing wrong, and its goodbye
// may be read after its new hello.
const closingGrace = 250 * time.Millisecond

// meter holds a provider's limits over all connections.
type meter struct {
	p     Provider
	now   func() time.Time
	grace time.Duration

	mu         sync.Mutex
	live       map[int]*metered
	ended      chan struct{} // closed and replaced when a connection ends
	sent       []time.Time   // of the messages that count, ascending
	total      int
	blocked    time.Time // of the quota
	quiet      time.Time // of the recovery
	tripped    bool
	level      int  // connections allowed while recovering; 0 is not recovering
	proved     bool // a message was taken at this level
	violations []Violation
}

// metered is one connection.
type metered struct {
	sent   int
	before bool // opened before the recovery began
}

func newMeter(p Provider) *meter {
	m := &meter{p: p, now: p.Now, grace: closingGrace, live: map[int]*metered{}, ended: make(chan struct{})}
	if m.now == nil {
		m.now = time.Now
	}
	return m
}

func (m *meter) violation(limit, format string, args ...any) {
	m.violations = append(m.violations, Violation{Limit: limit, At: m.now(), Detail: fmt.Sprintf(format, args...)})
}

// open admits a connection, or gives the reply that refuses it.
func (m *meter) open(id int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live[id] = &metered{}
	if reply := m.recovering(); reply != "" {
		return reply
	}
	if m.p.LateRefusal {
		return ""
	}
	return m.crowded(id)
}

// crowded refuses a connection when enough older ones are open.
func (m *meter) crowded(id int) string {
	if m.p.Connections == 0 || m.settled(func() bool { return m.older(id) < m.p.Connections }) {
		return ""
	}
	m.violation("connections", "%s", excess(len(m.live), m.p.Connections, "at once"))
	return orElse(m.p.ConnectionReply, "421 4.7.0 too many connections from your host")
}

// older counts the open connections with smaller numbers.
func (m *meter) older(id int) int {
	n := 0
	for other := range m.live {
		if other < id {
			n++
		}
	}
	return n
}

// settled waits for connections that are ending. It is called and returns with the
// lock held.
func (m *meter) settled(ok func() bool) bool {
	if ok() || m.grace == 0 {
		return ok()
	}
	timer := time.NewTimer(m.grace)
	defer timer.Stop()
	for !ok() {
		ended := m.ended
		m.mu.Unlock()
		select {
		case <-ended:
			m.mu.Lock()
		case <-timer.C:
			m.mu.Lock()
			return ok()
		}
	}
	return true
}

func (m *meter) close(id int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.live, id)
	close(m.ended)
	m.ended = make(chan struct{})
}

// recovering judges a new connection by the recovery.
func (m *meter) recovering() string {
	now := m.now()
	if now.Before(m.quiet) {
		m.violation("quiet time", "a connection %s early", m.quiet.Sub(now))
		m.silence()
		return m.recoveryReply()
	}
	if m.level == 0 {
		return ""
	}
	if m.proved && len(m.live) == m.level+1 {
		m.level++
		m.proved = false
	}
	if m.settled(func() bool { return len(m.live) <= m.level }) {
		return ""
	}
	m.violation("one at a time", "%s", excess(len(m.live), m.level, "at once"))
	m.silence()
	return m.recoveryReply()
}

// silence begins the quiet time; those connected now are sent away without blame.
func (m *meter) silence() {
	m.quiet = m.now().Add(m.p.Recovery.Quiet)
	m.level, m.proved = 1, false
	for _, c := range m.live {
		c.before = true
	}
}

func (m *meter) recoveryReply() string {
	return orElse(m.p.Recovery.Reply, "421 4.7.28 unusual rate of mail from your IP address")
}

// mail admits a message, or gives the reply that refuses it.
func (m *meter) mail(id int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.live[id]
	if c.before {
		return m.recoveryReply()
	}
	if r := m.p.Recovery; r.After > 0 && !m.tripped && m.total >= r.After {
		m.tripped = true
		m.silence()
		return m.recoveryReply()
	}
	if m.p.LateRefusal {
		if reply := m.crowded(id); reply != "" {
			return reply
		}
	}
	if m.p.PerConnection > 0 && c.sent >= m.p.PerConnection {
		m.violation("messages per connection", "%s", excess(c.sent+1, m.p.PerConnection, "on one connection"))
		return "421 4.7.0 too many messages in this connection"
	}
	if reply := m.overQuota(); reply != "" {
		return reply
	}
	if reply := m.overRate(); reply != "" {
		return reply
	}
	c.sent++
	m.total++
	m.sent = append(m.sent, m.now())
	return ""
}

// within counts the messages of the last d, not those exactly d ago.
func (m *meter) within(d time.Duration) int {
	since := m.now().Add(-d)
	i, _ := slices.BinarySearchFunc(m.sent, since, func(at, since time.Time) int {
		if at.After(since) {
			return 1
		}
		return -1
	})
	return len(m.sent) - i
}

func (m *meter) overQuota() string {
	q := m.p.Quota
	if q.Messages == 0 {
		return ""
	}
	now, used := m.now(), m.within(q.Window)
	switch {
	case now.Before(m.blocked):
		m.violation("block", "an attempt %s before its end", m.blocked.Sub(now))
	case used >= q.Messages:
		m.violation("quota", "%s", excess(used+1, q.Messages, "in "+q.Window.String()))
	default:
		return ""
	}
	if q.Extend > 0 {
		m.blocked = now.Add(q.Extend)
	}
	return orElse(q.Reply, "550 5.4.5 Daily message quota exceeded")
}

func (m *meter) overRate() string {
	for _, r := range m.p.Rates {
		n := m.within(r.Per)
		if n < r.Messages {
			continue
		}
		early := m.sent[len(m.sent)-r.Messages].Add(r.Per).Sub(m.now())
		m.violation("rate", "%s, %s early", excess(n+1, r.Messages, "in "+r.Per.String()), early)
		m.violations[len(m.violations)-1].Early = early
		return orElse(r.Reply, "450 4.7.1 sending rate exceeded")
	}
	return ""
}

// accepted notes that a message was taken.
func (m *meter) accepted() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.level == 0 {
		return
	}
	m.proved = true
	if m.level >= m.p.Connections {
		m.level = 0
	}
}
