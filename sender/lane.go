package sender

import (
	"context"
	"errors"
	"slices"
	"time"

	"postrider/sender/presets"
	"postrider/sender/reply"
	"postrider/sender/smtpconn"
)

// lane is one connection to a relay, opened when the first message comes and again when it was lost or has served its time.
type lane struct {
	pool *pool
	slot int // of the relay's connections, from 1
	conn *smtpconn.Conn
	hand chan *item // a message for a lane that was idle
	idle *time.Timer

	surplus bool // the server takes no further connection

	hooks     smtpconn.Hooks
	current   *item
	held      error // why the current one was held back before its dot
	announced *item // whose commands went out with the end of the current one
	envelope  smtpconn.Envelope
}

func newLane(pl *pool, slot int) *lane {
	l := &lane{pool: pl, slot: slot, hand: make(chan *item, 1), idle: time.NewTimer(connIdle)}
	l.hooks = smtpconn.Hooks{BeforeDot: l.beforeDot, Next: l.announce}
	return l
}

// next gives the next message, waiting for one as long as an idle connection is kept. nil ends the lane.
func (l *lane) next() *item {
	pl := l.pool
	pl.mu.Lock()
	if l.surplus || l.slot > pl.allowed() || pl.isStopped() {
		pl.lanes--
		pl.mu.Unlock()
		return nil
	}
	if it := pl.waiting.pop(); it != nil {
		pl.mu.Unlock()
		return it
	}
	pl.idle = append(pl.idle, l)
	keep := connIdle
	if pl.lanes >= pl.allowed() && pl.parent.node.others.Load() {
		keep = connShared
	}
	pl.mu.Unlock()
	l.idle.Reset(keep)
	select {
	case it := <-l.hand:
		return it
	case <-pl.stopped:
	case <-l.idle.C:
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	i := slices.Index(pl.idle, l)
	if i < 0 { // somebody has just given us something
		return <-l.hand
	}
	pl.idle = slices.Delete(pl.idle, i, i+1)
	pl.lanes--
	return nil
}

// deliver sends one message and tells its sender what came of it. It gives the message that was announced to the server meanwhile and must be sent next
// on this lane, or nil.
func (l *lane) deliver(it *item) *item {
	began := l.pool.parent.now()
	it, outcome, err := l.transact(it)
	following := l.announced
	l.announced = nil
	if errors.Is(err, errSurplus) {
		l.surplus = true
		l.pool.putBack(it)
		return nil
	}
	if err == nil {
		l.pool.learn(outcome, began)
	}
	it.end(outcome, err)
	return following
}

// errSurplus says that the server has as many connections from us as it takes; the message goes over one of those.
var errSurplus = errors.New("the server takes no further connection")

// transact sends one message. An error means that nothing was sent. It gives the message that this is about: an urgent one may have come between.
func (l *lane) transact(it *item) (*item, smtpconn.Outcome, error) {
	l.current = it
	// A server may close a connection between two messages without a word, and some do so by design: that is no failure, we dial again, once.
	for try := 0; ; try++ {
		fresh, err := l.connect(it.ctx)
		if err != nil {
			return it, smtpconn.Outcome{}, err
		}
		// With the connection in hand, so that those who waited long for theirs do not send all at once.
		if !it.cleared {
			if err := l.clear(it); err != nil {
				return it, smtpconn.Outcome{}, err
			}
			it = l.pool.overtake(it)
			l.current, it.cleared = it, true
		}
		outcome := l.conn.Send(it.ctx, envelope(it), l.hooks)
		if err := l.held; err != nil {
			l.held = nil
			l.hangUp()
			return it, smtpconn.Outcome{}, err
		}
		if outcome.Reply.Code != 0 && it.msg.AfterReply != nil {
			it.msg.AfterReply(outcome.Reply, l.announced != nil && outcome.Reusable)
		}
		if !outcome.Reusable {
			l.hangUp()
		}
		if outcome.Stale && !fresh && try == 0 {
			continue
		}
		return it, outcome, nil
	}
}

// overtake gives an urgent message that came while this one waited for its moment, which that one gets; else the message itself. A message whose commands are with the
// server already keeps its turn.
func (pl *pool) overtake(it *item) *item {
	if it.msg.Urgent {
		return it
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.isStopped() {
		return it
	}
	urgent := pl.waiting.popUrgent()
	if urgent == nil {
		return it
	}
	pl.waiting.giveBack(it)
	return urgent
}

func envelope(it *item) smtpconn.Envelope {
	return smtpconn.Envelope{From: it.msg.From, To: it.msg.To, Header: it.msg.Header, Body: it.msg.Body}
}

// announce gives the message whose commands travel with the end of the current one: one that waits and may go at once.
func (l *lane) announce() *smtpconn.Envelope {
	pl := l.pool
	if l.spent() || pl.parent.node.stopped(pl.relay) != nil {
		return nil
	}
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.waiting.size == 0 || l.slot > pl.allowed() || pl.isDown() || !pl.limit.try() {
		return nil
	}
	it := pl.waiting.pop()
	it.cleared = true
	l.announced, l.envelope = it, envelope(it)
	return &l.envelope
}

// spent says that the connection has served its time, counting the message that is on it.
func (l *lane) spent() bool {
	return l.conn.Uses() >= l.pool.relay.MaxMessagesPerConnection || l.conn.Age() > connMaxAge
}

// clear waits until the next message may go and looks whether anything has come up that forbids it.
func (l *lane) clear(it *item) error {
	pl := l.pool
	patience := limitPatience
	if it.msg.Urgent {
		patience = urgentPatience
	}
	err := pl.limit.wait(it.ctx, patience)
	var early *tooEarly
	if errors.As(err, &early) {
		return &Unavailable{Relay: pl.relay.Name, Until: early.at, Err: err, Busy: true}
	}
	if err != nil {
		return err
	}
	if err := pl.usable(); err != nil {
		return err
	}
	if u := pl.parent.node.stopped(pl.relay); u != nil {
		return u
	}
	if !pl.parent.node.MaySend() {
		return errLeaseLost
	}
	return nil
}

// beforeDot is the last moment at which a message can be held back. Dialling and the commands before it may have taken minutes.
func (l *lane) beforeDot() error {
	if u := l.pool.parent.node.stopped(l.pool.relay); u != nil {
		l.held = u
	} else if !l.pool.parent.node.MaySend() {
		l.held = errLeaseLost
	} else if before := l.current.msg.BeforeDot; before != nil {
		l.held = before()
	}
	return l.held
}

// connect makes sure that there is a connection that may be used once more. fresh says that it was opened just now.
func (l *lane) connect(ctx context.Context) (fresh bool, err error) {
	pl := l.pool
	if l.conn != nil && l.spent() && !l.conn.Announced() {
		l.hangUp()
	}
	if l.conn != nil {
		return false, nil
	}
	if err := pl.usable(); err != nil {
		return false, err
	}
	dialer, err := pl.parent.control.DialerFor(ctx, pl.relay)
	if err != nil {
		return false, pl.failed(err)
	}
	dialer.Avoid = &pl.avoid
	conn, err := dialer.Dial(ctx)
	if ctx.Err() != nil && err != nil {
		return false, ctx.Err()
	}
	if err != nil && pl.onlySurplus(err) {
		return false, errSurplus
	}
	if err != nil {
		return false, pl.failed(err)
	}
	pl.worked()
	l.conn = conn
	pl.connected(1)
	return true, nil
}

func (l *lane) hangUp() {
	if l.conn != nil {
		l.conn.Quit()
		l.conn = nil
		l.pool.connected(-1)
	}
}

// explain gives the class of a failed connection and the words to show: the server's own when it spoke, and what a person should do.
func explain(r Relay, err error) (reply.Class, string) {
	rep := reply.Reply{Stage: reply.StageConnect, Text: err.Error()}
	var e *smtpconn.Error
	if errors.As(err, &e) {
		rep = e.Reply
	}
	x := presets.Explain(r.PresetKey(), rep)
	text := err.Error()
	if x.Remedy != "" {
		text += " — " + x.Remedy
	}
	return x.Class, text
}
