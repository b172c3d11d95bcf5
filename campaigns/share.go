package campaigns

import (
	"sync"
	"time"

	"postrider/sender"
	"postrider/sender/presets"
	"postrider/sender/reply"
)

// waiting is a queued delivery that is to get a relay.
type waiting struct {
	Seq   int32
	Email string
	Tried *int64 // the relay through which it was refused for now; it goes there again, since greylisting knows it by that
	// What was said there.
	ReplyCode              *int16
	ReplyStatus, ReplyText *string

	domain, site string // of the recipient
	elsewhere    bool   // it was refused for what the relay is: another one may do better
}

// refused draws from the last refusal whether another relay may do better than the one that it came through, which outlets knows.
func (w *waiting) refused(outlets []outlet) {
	if w.Tried == nil || w.ReplyCode == nil {
		return
	}
	r := reply.Reply{Code: int(*w.ReplyCode), Status: deref(w.ReplyStatus), Text: deref(w.ReplyText)}
	for i := range outlets {
		if o := &outlets[i]; o.relay.ID == *w.Tried {
			action := presets.Classify(o.relay.PresetKey(), r).Action
			w.elsewhere = action == reply.ActionSlowDown || action == reply.ActionStopRelay
		}
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// outlet is one of a campaign's relays at one look at the queue.
type outlet struct {
	relay sender.Relay
	free  int       // how many more it takes now
	again time.Time // when to ask again; zero when it can be used
	busy  bool      // it can be used but for its rate, until then: it keeps its mail from the backups
	// rooms are what the sites take of a relay that has limits for them, else nil.
	rooms map[string]*sender.SiteRoom
}

// takes says whether the outlet takes one more for the site.
func (o *outlet) takes(site string) bool {
	room := o.rooms[site]
	return o.free > 0 && (room == nil || room.Free > 0)
}

// keeps says that the outlet has enough to do for the moment, so that its mail waits for it.
func (o *outlet) keeps() bool { return o.busy && !o.relay.Backup() }

// full gives the room of a site that takes no more at present, nil when it does, or has no limits.
func (o *outlet) full(site string) *sender.SiteRoom {
	if room := o.rooms[site]; room != nil && room.Free <= 0 {
		return room
	}
	return nil
}

func (o *outlet) take(site string) {
	o.free--
	if room := o.rooms[site]; room != nil {
		room.Free--
	}
}

// share is how the deliveries of one look are shared out among the outlets: by weight, in smooth weighted rounds, to those that take the recipient.
// What one cannot take any more goes to the others. A backup gets something only when no other outlet that takes the recipient can be used.
type share struct {
	outlets []outlet
	turns   map[int64]int // how far each relay is in the rounds
	now     time.Time
}

// shared is what came of it.
type shared struct {
	seqs   []int32
	relays []int64 // in step with seqs
	others []int16 // likewise: how many other relays of the campaign take the recipient
	sites  []string
	off    putOff
	last   int32 // the last delivery that was looked at
	left   left
}

// putOff are those whose site takes no more at present, and in step with them their moments, and whether that is because the site is in trouble, in its words.
type putOff struct {
	seqs    []int32
	to      []time.Time
	parked  []bool
	replies []string
}

func (p *putOff) add(seq int32, room *sender.SiteRoom) {
	p.seqs, p.to = append(p.seqs, seq), append(p.to, room.PutOff())
	p.parked, p.replies = append(p.parked, room.Parked), append(p.replies, room.Reply)
}

// left are deliveries that stay in the queue because no relay takes them now: low is the first of them, 0 for none, again when one may.
type left struct {
	low   int32
	again time.Time
}

func (l *left) add(seq int32, again time.Time) {
	if l.low == 0 || seq < l.low {
		l.low = seq
	}
	if l.again.IsZero() || again.Before(l.again) {
		l.again = again
	}
}

// from gives where to go on so that they are looked at again.
func (l left) from(lo int32) int32 {
	if l.low == 0 {
		return lo
	}
	return min(lo, l.low)
}

func (l *left) join(other left) {
	if other.low > 0 {
		l.add(other.low, other.again)
	}
}

// lookAgain is when a relay that has its fill for the moment is asked again.
const lookAgain = time.Second

func (sh *share) out(rows []waiting) shared {
	var res shared
	for _, row := range rows {
		if !anyFree(sh.outlets) {
			break
		}
		res.last = row.Seq
		fit := sh.fitting(row)
		o, room, again := sh.choose(fit, row)
		switch {
		case room != nil:
			res.off.add(row.Seq, room)
			continue
		case o == nil:
			res.left.add(row.Seq, again)
			continue
		}
		o.take(row.site)
		res.seqs = append(res.seqs, row.Seq)
		res.relays = append(res.relays, o.relay.ID)
		res.others = append(res.others, int16(len(fit)-1))
		res.sites = append(res.sites, row.site)
	}
	return res
}

// anyFree says whether an outlet takes more. A backup counts only where it can get something: beside an outlet that takes every recipient it cannot.
func anyFree(outlets []outlet) bool {
	var more, backup, covered bool
	for _, o := range outlets {
		switch {
		case !o.again.IsZero():
			covered = covered || o.keeps() && len(o.relay.RecipientSites) == 0
		case o.relay.Backup():
			backup = backup || o.free > 0
		default:
			more = more || o.free > 0
			covered = covered || len(o.relay.RecipientSites) == 0
		}
	}
	return more || backup && !covered
}

// fitting gives the outlets that take the recipient, whether they can be used now or not.
func (sh *share) fitting(row waiting) (fit []*outlet) {
	for i := range sh.outlets {
		if o := &sh.outlets[i]; o.relay.TakesRecipient(row.domain, row.site) {
			fit = append(fit, o)
		}
	}
	return fit
}

// choose gives the outlet for a delivery, or the room of its site when that is full for all outlets, or when to ask again.
func (sh *share) choose(fit []*outlet, row waiting) (*outlet, *sender.SiteRoom, time.Time) {
	usable, again := sh.usable(fit, row)
	var free []*outlet
	var full *sender.SiteRoom
	allFull := true
	for _, o := range usable {
		room := o.full(row.site)
		allFull = allFull && room != nil
		if room != nil && (full == nil || room.Again().Before(full.Again())) {
			full = room
		}
		if o.takes(row.site) {
			free = append(free, o)
		}
	}
	switch {
	case len(usable) == 0:
		return nil, nil, again
	case allFull:
		return nil, full, again
	case len(free) == 0:
		return nil, nil, sh.now.Add(lookAgain)
	case len(free) == 1:
		return free[0], nil, again
	}
	return sh.turn(free), nil, again
}

// usable gives the outlets that can be used now for a delivery, in view of how its last try ended; without any, when the first of them can be.
func (sh *share) usable(fit []*outlet, row waiting) (usable []*outlet, again time.Time) {
	usable, again = usableOutlets(fit, sh.now)
	if row.Tried == nil {
		return usable, again
	}
	var others []*outlet
	for _, o := range fit {
		switch {
		case o.relay.ID != *row.Tried:
			others = append(others, o)
		case row.elsewhere:
		case o.again.IsZero():
			return []*outlet{o}, again
		case o.busy:
			return nil, o.again
		}
	}
	if row.elsewhere {
		if better, _ := usableOutlets(others, sh.now); len(better) > 0 {
			return better, again
		}
	}
	return usable, again
}

// usableOutlets gives the outlets that can be used now: the backups only when there is none besides them, and then the first. Without any it gives when the
// first of them can be.
func usableOutlets(fit []*outlet, now time.Time) (usable []*outlet, again time.Time) {
	var backup *outlet
	kept := false
	for _, o := range fit {
		switch {
		case !o.again.IsZero():
			kept = kept || o.keeps()
			if again.IsZero() || o.again.Before(again) {
				again = o.again
			}
		case !o.relay.Backup():
			usable = append(usable, o)
		case backup == nil:
			backup = o
		}
	}
	if len(usable) == 0 && backup != nil && !kept {
		usable = []*outlet{backup}
	}
	if again.IsZero() {
		again = now.Add(restMost) // nobody takes it; a person may change that
	}
	return usable, again
}

// turn takes the next step of the rounds: every outlet gains its weight, the one with most is chosen and pays for all. So weights 3 and 1 give A A B A, not
// A A A B, and the order is always the same.
func (sh *share) turn(free []*outlet) *outlet {
	var chosen *outlet
	total := 0
	for _, o := range free {
		sh.turns[o.relay.ID] += o.relay.Weight
		total += o.relay.Weight
		if chosen == nil || sh.turns[o.relay.ID] > sh.turns[chosen.relay.ID] {
			chosen = o
		}
	}
	sh.turns[chosen.relay.ID] -= total
	return chosen
}

// turnBook keeps how far the rounds of each campaign are in this process, so that claims of a few deliveries keep to the weights too.
type turnBook struct {
	mu         sync.Mutex
	byCampaign map[int64]map[int64]int
}

// keptTurns is how many campaigns are known at once; after that all begin a new round.
const keptTurns = 256

// with runs fn with the turns of a campaign, which nobody else sees meanwhile.
func (b *turnBook) with(campaignID int64, fn func(turns map[int64]int)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byCampaign == nil || len(b.byCampaign) >= keptTurns {
		b.byCampaign = map[int64]map[int64]int{}
	}
	if b.byCampaign[campaignID] == nil {
		b.byCampaign[campaignID] = map[int64]int{}
	}
	fn(b.byCampaign[campaignID])
}
