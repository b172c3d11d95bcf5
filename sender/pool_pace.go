package sender

import (
	"context"
	"errors"
	"time"

	"postrider/sender/presets"
	"postrider/sender/reply"
	"postrider/sender/smtpconn"
)

// paceTimeout bounds one question to the database about the pace.
const paceTimeout = 10 * time.Second

// allowed is how many connections all processes may have together. It is called with the lock held.
func (pl *pool) allowed() int {
	if pl.pace == nil {
		return pl.relay.MaxConnections
	}
	return min(pl.pace.Connections, pl.relay.MaxConnections)
}

// observe takes over what the database says of the pace, unless we know something newer.
func (pl *pool) observe(r Relay) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.changing || !r.read.After(pl.paceAt) {
		return
	}
	if (pl.pace == nil) != (r.Pace == nil) || pl.pace != nil && !pl.pace.ChangedAt.Equal(r.Pace.ChangedAt) {
		pl.setPace(r.Pace)
	}
}

// setPace is called with the lock held.
func (pl *pool) setPace(p *Pace) {
	pl.pace, pl.paceAt, pl.wins = p, pl.parent.now(), 0
	if p != nil && p.RestUntil.After(pl.parent.now()) && (pl.down == nil || pl.down.Until.Before(p.RestUntil)) {
		pl.turnAway(&Unavailable{Relay: pl.relay.Name, Until: p.RestUntil, Err: errors.New(p.Reply)})
	}
}

// learn draws from what the server said what concerns the relay and not the recipient. began is when the transaction did.
func (pl *pool) learn(o smtpconn.Outcome, began time.Time) {
	switch o.State {
	case smtpconn.Accepted:
		pl.won()
	case smtpconn.Rejected:
		switch class := presets.Classify(pl.relay.PresetKey(), o.Reply); {
		case pl.relay.SiteLimits && SiteTrouble(class, o.Reply.Stage):
			// It is the recipient's server that asks for less; its site goes slower, when the result is recorded.
		case class.Action == reply.ActionSlowDown:
			pl.slowDown(class, o.Reply.String(), began)
		case class.Action == reply.ActionStopRelay:
			pl.failed(&smtpconn.Error{Stage: o.Reply.Stage, Reply: o.Reply})
		}
	}
}

// startOver is the rest from which on a relay that asks for it begins again with one connection.
const startOver = 10 * time.Minute

func (pl *pool) slowDown(class reply.Class, words string, began time.Time) {
	s := slower{relay: pl.relay, class: class, reply: words, begun: pl.parent.now().Sub(began)}
	if class.RetryAfter >= startOver {
		s.to = 1
	}
	pl.step(s)
}

// tooMany says that the server takes no more connections than it has from us: open from this process, and those of the others.
func (pl *pool) tooMany(class reply.Class, words string, open int) {
	ctx, cancel := context.WithTimeout(context.Background(), paceTimeout)
	defer cancel()
	others, err := slotsOfOthers(ctx, pl.parent.db, pl.relay.ID, pl.parent.node.ID)
	if err != nil {
		pl.parent.logger.Warn("the connections of other processes could not be counted", "relay", pl.relay.ID, "error", err)
	}
	pl.step(slower{relay: pl.relay, class: class, reply: words, to: open + others, noRest: true})
}

func (pl *pool) step(s slower) {
	pl.mu.Lock()
	pl.changing = true
	pl.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), paceTimeout)
	defer cancel()
	p, changed, err := slowDown(ctx, pl.parent.db, s)
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.changing = false
	switch {
	case err != nil:
		pl.parent.logger.Warn("the pace of a relay could not be noted", "relay", pl.relay.ID, "error", err)
		if !s.noRest { // be polite all the same
			pl.turnAway(&Unavailable{Relay: pl.relay.Name, Until: pl.parent.now().Add(max(s.class.RetryAfter, restFirst)), Err: errors.New(s.reply)})
		}
		return
	case p.Connections == 0: // somebody has gone back to full speed meanwhile
		return
	}
	pl.setPace(&p)
	if changed {
		pl.parent.logger.Warn("relay asks for less", "relay", pl.relay.ID, "reason", p.Reason, "connections", p.Connections, "until", p.RestUntil.UTC())
	}
}

// won counts a message that was taken. When there was one for each connection, the next step up is due.
func (pl *pool) won() {
	pl.mu.Lock()
	if pl.pace == nil {
		pl.mu.Unlock()
		return
	}
	pl.wins++
	due := !pl.changing && pl.wins >= pl.pace.Connections && pl.parent.now().Sub(pl.paceAt) >= pl.pace.growsAfter()
	from := *pl.pace
	pl.changing = pl.changing || due
	pl.mu.Unlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), paceTimeout)
	defer cancel()
	p, err := speedUp(ctx, pl.parent.db, pl.relay, from)
	if err != nil {
		pl.parent.logger.Warn("the pace of a relay could not be noted", "relay", pl.relay.ID, "error", err)
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.changing = false
	pl.setPace(p)
	pl.grow()
}

// block keeps everybody away until the account may send again.
func (pl *pool) block(class reply.Class, words string) *Unavailable {
	p := pl.parent
	ctx, cancel := context.WithTimeout(context.Background(), paceTimeout)
	defer cancel()
	until, err := p.control.BlockRelay(ctx, pl.relay, class, words)
	if err != nil {
		p.logger.Warn("a relay whose quota is used up could not be blocked; it is left alone for a while", "relay", pl.relay.ID, "error", err)
		until = p.now().Add(max(class.RetryAfter, time.Hour))
	}
	u := &Unavailable{Relay: pl.relay.Name, Until: until, Err: errors.New(words)}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.turnAway(u)
	p.logger.Warn("the quota of a relay is used up", "relay", pl.relay.ID, "until", until.UTC())
	return u
}

// connected counts the open connections.
func (pl *pool) connected(n int) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.open += n
}

// onlySurplus tells a server that takes no further connection, while it has some of ours, from one that cannot be used.
func (pl *pool) onlySurplus(err error) bool {
	class, text := explain(pl.relay, err)
	pl.mu.Lock()
	open := pl.open
	pl.mu.Unlock()
	if class.Reason != reply.ReasonTooManyConnections || open == 0 {
		return false
	}
	pl.tooMany(class, text, open)
	return true
}

// putBack lets a message wait for another connection.
func (pl *pool) putBack(it *item) {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	switch {
	case pl.isStopped():
		it.end(smtpconn.Outcome{}, errClosed)
	case pl.isDown():
		it.end(smtpconn.Outcome{}, pl.down)
	case len(pl.idle) > 0:
		l := pl.idle[len(pl.idle)-1]
		pl.idle = pl.idle[:len(pl.idle)-1]
		l.hand <- it
	default:
		pl.waiting.push(it)
	}
}
