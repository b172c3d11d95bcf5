package campaigns

import (
	"sync"
	"time"
)

// A batch is meant to take about batchTime, since what was claimed is sent even after a Pause, and its results are recorded together. A relay that is not known
// yet begins with claimFirst.
const (
	batchTime  = 2 * time.Second
	claimFirst = 100
)

// tempo knows how much of each relay fits into a batch, from how fast the last ones went. It is of this process, like the connections.
type tempo struct {
	mu    sync.Mutex
	sizes map[int64]int
}

func newTempo() *tempo { return &tempo{sizes: map[int64]int{}} }

// size gives how many deliveries a batch for the relay should have, most at most.
func (t *tempo) size(relayID int64, most int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	size, known := t.sizes[relayID]
	if !known {
		size = claimFirst
	}
	return min(size, most)
}

// took learns from a batch of which n messages reached the server within d. It grows by four at once at most, so that one lucky moment does not count for more,
// and does not fall under what keeps the connections busy.
func (t *tempo) took(relayID int64, n int, d time.Duration, least, most int) {
	if n == 0 || d <= 0 {
		return
	}
	now := t.size(relayID, most)
	fits := float64(n) * float64(batchTime) / float64(d)
	size := max(int(min(fits, float64(4*now), float64(most))), min(least, most))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sizes[relayID] = size
}
