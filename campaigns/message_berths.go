package campaigns

import (
	"context"
	"slices"
	"sync"
	"time"

	"postrider/sender"
)

// berths keep a slow relay, or one that hangs, from holding up what goes through others: it has a few batches of messages of this process under way and no more, while the
// workers are many. Who finds no berth waits in line for a moment, one look for each stream, and then leaves it to a later look.
//
// Invariant: nobody is in line for a relay that has a berth free.
type berths struct {
	most int // for each relay

	mu     sync.Mutex
	used   map[int64]int
	line   []*inLine // the one that waits longest first
	closed bool
}

// inLine is a look at a stream that waits for a berth at any of its relays.
type inLine struct {
	campaignID int64
	relays     []int64
	from       int32 // the lowest number that is to be looked at
	joined     bool  // by other looks, which leave it to this one
	got        []int64
	given      chan struct{}
}

// There are as many workers for messages as messageRelays relays can hold, all of which hang. lineMost is how many of them may stand in line, lineTime for how long.
const (
	messageRelays = 16
	lineMost      = 32
	lineTime      = time.Minute
)

// berth is what a look at a stream got.
type berth struct {
	relays []int64 // where something may be claimed; none when it came to nothing
	waited bool
	left   bool // to another look at the stream, which is in line
	// all says that others have left theirs to this look, which is about all that waits from a number on.
	all  bool
	from int32
}

// take gets a berth at each of the relays that has one, and else waits for the first. Backups count only beside others, as they get mail only in place of those.
func (b *berths) take(ctx context.Context, campaignID int64, relays []sender.Relay, from int32) berth {
	wanted, backups := berthsFor(relays)
	b.mu.Lock()
	got := b.freeOf(wanted)
	if len(got) > 0 {
		got = append(got, b.freeOf(backups)...)
		for _, id := range got {
			b.used[id]++
		}
		b.mu.Unlock()
		return berth{relays: got}
	}
	if b.joinLocked(campaignID, from) {
		b.mu.Unlock()
		return berth{left: true}
	}
	if b.closed || len(b.line) >= lineMost {
		b.mu.Unlock()
		return berth{}
	}
	w := &inLine{campaignID: campaignID, relays: wanted, from: from, given: make(chan struct{})}
	b.line = append(b.line, w)
	b.mu.Unlock()
	return b.wait(ctx, w)
}

// join leaves a look to one of the same stream that is in line; false when none is.
func (b *berths) join(campaignID int64, from int32) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.joinLocked(campaignID, from)
}

func (b *berths) joinLocked(campaignID int64, from int32) bool {
	i := slices.IndexFunc(b.line, func(w *inLine) bool { return w.campaignID == campaignID })
	if i < 0 {
		return false
	}
	b.line[i].from, b.line[i].joined = min(b.line[i].from, from), true
	return true
}

// berthsFor tells the relays that a stream waits for from those that only stand in for them.
func berthsFor(relays []sender.Relay) (wanted, backups []int64) {
	for _, r := range relays {
		if r.Backup() {
			backups = append(backups, r.ID)
		} else {
			wanted = append(wanted, r.ID)
		}
	}
	if len(wanted) == 0 {
		return backups, nil
	}
	return wanted, backups
}

// freeOf is called with the lock held.
func (b *berths) freeOf(relays []int64) (free []int64) {
	if b.used == nil {
		b.used = map[int64]int{}
	}
	for _, id := range relays {
		if !b.closed && b.used[id] < b.most {
			free = append(free, id)
		}
	}
	return free
}

func (b *berths) wait(ctx context.Context, w *inLine) berth {
	timer := time.NewTimer(lineTime)
	defer timer.Stop()
	select {
	case <-w.given:
	case <-timer.C:
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.line = slices.DeleteFunc(b.line, func(other *inLine) bool { return other == w })
	return berth{relays: w.got, waited: true, all: w.joined, from: w.from}
}

// give frees a berth, for whoever waits longest for it.
func (b *berths) give(relayID int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, w := range b.line {
		if slices.Contains(w.relays, relayID) {
			b.line = slices.Delete(b.line, i, i+1)
			w.got = []int64{relayID}
			close(w.given)
			return
		}
	}
	if b.used[relayID]--; b.used[relayID] <= 0 {
		delete(b.used, relayID)
	}
}

// close sends away all who wait, and whoever comes from then on.
func (b *berths) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	for _, w := range b.line {
		close(w.given)
	}
	b.line = nil
}
