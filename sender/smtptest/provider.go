package smtptest

import (
	"fmt"
	"time"
)

// Provider is the true limits of a provider's server. What exceeds one is refused
// in the provider's words and noted as a [Violation]; what is refused does not
// count against the windows. A zero limit is none. Windows slide: at no moment may
// the time before it hold more than is allowed.
type Provider struct {
	Connections     int    // open at once; the youngest are refused
	ConnectionReply string // at the greeting, or to MAIL with LateRefusal
	LateRefusal     bool
	PerConnection   int // messages on one connection
	Rates           []Rate
	Quota           Quota
	Recovery        Recovery
	Now             func() time.Time // nil is time.Now
}

// Rate is a limit on messages in a time. An empty Reply is a plain one.
type Rate struct {
	Messages int
	Per      time.Duration
	Reply    string
}

// Quota is a limit on messages in a rolling window, which a sender may use up at
// once. With Extend, an attempt over the quota blocks the account for that long, and
// each further attempt begins the block anew.
type Quota struct {
	Messages int
	Window   time.Duration
	Extend   time.Duration
	Reply    string
}

// Recovery is what Google asks of senders it found too fast (its reply 4.7.28). It
// happens once, when After messages were taken: the next ones are refused and every
// connection ends. Then there must be silence for Quiet, then one connection; one
// more is allowed each time a message was taken at the present number. What breaks
// this begins the silence anew. It is over when Connections are open again.
type Recovery struct {
	After int
	Quiet time.Duration
	Reply string
}

// Violation is one thing that a client did over a limit.
type Violation struct {
	Limit  string // connections, messages per connection, rate, quota, block, quiet time, one at a time
	At     time.Time
	Detail string // by how much
	// Early says how much later a message over a rate would have been in time; 0 for other limits.
	Early time.Duration
}

func (v Violation) String() string { return v.Limit + ": " + v.Detail }

// Microsoft365 is client submission at Microsoft 365, its minute scaled: 3
// connections, 30 messages a minute and 10,000 in 24 hours.
func Microsoft365(minute time.Duration) Provider {
	return Provider{
		Connections: 3, ConnectionReply: "432 4.3.2 Concurrent connections limit exceeded", LateRefusal: true,
		Rates: []Rate{{Messages: 30, Per: minute, Reply: "432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded"}},
		Quota: Quota{Messages: 10_000, Window: 24 * 60 * minute, Reply: "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException"},
	}
}

// Yandex is a mailbox at Yandex, its day scaled: 500 messages in a day, and each
// attempt while blocked blocks for another day. The words of its reply are not
// published; these are of the usual kind.
func Yandex(day time.Duration) Provider {
	return Provider{Quota: Quota{Messages: 500, Window: day, Extend: day, Reply: "550 5.4.5 Daily message quota exceeded"}}
}

// Gmail is a mailbox at Gmail, its day scaled: 500 messages in a rolling day.
func Gmail(day time.Duration) Provider {
	return Provider{Quota: Quota{Messages: 500, Window: day, Reply: "550 5.4.5 Daily user sending limit exceeded"}}
}

// GoogleInbound is Google as a receiver that finds the sender too fast after so many
// messages. quiet stands for its ten minutes.
func GoogleInbound(after int, quiet time.Duration) Provider {
	return Provider{
		Connections: 5, ConnectionReply: "421 4.7.0 Too many connections from your host",
		Recovery: Recovery{After: after, Quiet: quiet, Reply: "421 4.7.28 Gmail has detected an unusual rate of unsolicited mail " +
			"originating from your IP address. To protect our users from spam, mail sent from your IP address has been temporarily rate limited."},
	}
}

// AmazonSES is an account at Amazon SES with its own limits.
func AmazonSES(perSecond, perDay int, day time.Duration) Provider {
	return Provider{
		Rates: []Rate{{Messages: perSecond, Per: time.Second, Reply: "454 Throttling failure: Maximum sending rate exceeded."}},
		Quota: Quota{Messages: perDay, Window: day, Reply: "454 Throttling failure: Daily message quota exceeded."},
	}
}

// Allowed is how many messages a sender that spreads them evenly may have sent when
// d has passed since its first: the rate's part, but of a quota all that the windows
// begun so far allow. -1 is no limit.
func (p Provider) Allowed(d time.Duration) int {
	least := -1
	limit := func(n int) {
		if least < 0 || n < least {
			least = n
		}
	}
	for _, r := range p.Rates {
		limit(int(float64(r.Messages) * float64(d) / float64(r.Per)))
	}
	if p.Quota.Messages > 0 {
		limit(p.Quota.Messages * (1 + int(d/p.Quota.Window)))
	}
	return least
}

// LimitViolations lists what exceeded the provider's limits, in order.
func (s *Server) LimitViolations() []Violation {
	if s.meter == nil {
		return nil
	}
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	return append([]Violation(nil), s.meter.violations...)
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// excess words by how much a count is over.
func excess(n, allowed int, what string) string {
	return fmt.Sprintf("%d %s, %d allowed", n, what, allowed)
}
