package smtptest

import (
	"fmt"
	"sync"
	"time"
)

// Greylist refuses mail of a sender to a recipient until After has passed since the
// first attempt, as greylisting servers do (RFC 6647 §2.3).
type Greylist struct {
	After time.Duration
	Now   func() time.Time // nil is time.Now

	mu    sync.Mutex
	first map[[2]string]time.Time
}

// check gives the reply that refuses an attempt, or "".
func (g *Greylist) check(from, to string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if g.Now != nil {
		now = g.Now()
	}
	if g.first == nil {
		g.first = map[[2]string]time.Time{}
	}
	key := [2]string{from, to}
	first, seen := g.first[key]
	if !seen {
		first = now
		g.first[key] = now
	}
	left := first.Add(g.After).Sub(now)
	if seen && left <= 0 {
		return ""
	}
	return fmt.Sprintf("451 4.7.1 Greylisted, please try again in %d seconds", int(left.Seconds())+1)
}
