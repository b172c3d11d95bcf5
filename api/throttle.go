package api

import (
	"crypto/sha256"
	"strings"
	"sync"
	"time"
)

// throttle lets each key, in any case, pass a number of times in a span that begins anew for all of them together. It holds a bounded number of keys; whoever would be one too
// many passes. It is safe for concurrent use.
type throttle struct {
	most int
	span time.Duration
	now  func() time.Time

	mu    sync.Mutex
	began time.Time
	seen  map[[sha256.Size]byte]int // by hash, for keys that strangers make as long as they like
}

const throttledKeys = 50_000

func newThrottle(most int, span time.Duration, now func() time.Time) *throttle {
	return &throttle{most: most, span: span, now: now, seen: map[[sha256.Size]byte]int{}}
}

// pass counts the key and says whether it may; if not, also after how long.
func (t *throttle) pass(key string) (wait time.Duration, ok bool) {
	hash := sha256.Sum256([]byte(strings.ToLower(key)))
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if now.Sub(t.began) >= t.span || now.Before(t.began) {
		t.began = now
		clear(t.seen)
	}
	n, known := t.seen[hash]
	switch {
	case !known && len(t.seen) >= throttledKeys:
		return 0, true
	case n >= t.most:
		return t.span - now.Sub(t.began), false
	}
	t.seen[hash] = n + 1
	return 0, true
}
