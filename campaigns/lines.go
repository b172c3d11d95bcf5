package campaigns

import (
	"maps"
	"sync"
	"time"
)

// lineBook keeps where the line of each campaign ends at the sites that are too busy for it. It is of this process: two processes that work on one campaign have two
// lines, and whoever comes back too early for the site's rate is put off once more.
type lineBook struct {
	mu   sync.Mutex
	ends map[lineKey]time.Time
}

type lineKey struct {
	campaignID, relayID int64
	site                string
}

// keptLines is how many lines are known before those that are through are looked for.
const keptLines = 10_000

// join lets the campaign stand in its own lines. The rooms of outlets must be locked (sender.SiteRoomTx), so that another claim of the campaign has noted its end.
func (b *lineBook) join(campaignID int64, outlets []outlet) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range outlets {
		for site, room := range o.rooms {
			room.Join(b.ends[lineKey{campaignID, o.relay.ID, site}])
		}
	}
}

// keep notes where the lines end now.
func (b *lineBook) keep(campaignID int64, outlets []outlet) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ends == nil {
		b.ends = map[lineKey]time.Time{}
	}
	for _, o := range outlets {
		for site, room := range o.rooms {
			if end, grown := room.Line(); grown {
				b.ends[lineKey{campaignID, o.relay.ID, site}] = end
			}
		}
	}
	if len(b.ends) > keptLines {
		now := time.Now()
		maps.DeleteFunc(b.ends, func(_ lineKey, end time.Time) bool { return end.Before(now) })
	}
}
