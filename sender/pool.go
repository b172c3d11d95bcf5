package sender

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"postrider/internal/pg"
	"postrider/sender/reply"
	"postrider/sender/smtpconn"
)

// How long a connection is kept: an idle one, and any one. Limits by count alone would make the slowest of a relay's hosts collect the connections.
const (
	connIdle   = 10 * time.Second
	connShared = 2 * time.Second // when other processes may wait for it
	connMaxAge = 5 * time.Minute
)

// Message is one message on its way through a pool. Header is put before Body unread: it holds the DKIM signature. Messages of different campaigns take
// turns; an urgent one goes before all that are not.
type Message struct {
	CampaignID   int64
	Urgent       bool
	From, To     string
	Header, Body []byte
	// BeforeDot runs right before the final dot is sent; an error keeps it from being sent, and is what Send gives.
	BeforeDot func() error
	// AfterReply runs when the server has answered, before the connection takes the next message. With more it has that one in hand: its BeforeDot comes next.
	AfterReply func(r reply.Reply, more bool)
}

// Unavailable says that a relay cannot be used right now. Nothing was sent.
type Unavailable struct {
	Relay string
	Until time.Time
	Err   error
	// Paused is set when the relay was taken out of service until a person looks at it.
	Paused bool
	// Busy is set when it is only its rate that lets nothing more go before Until.
	Busy bool
	// Stopped is set when it is not the relay: all sending is stopped.
	Stopped bool
}

// Error names the relay and the cause in the server's words.
func (u *Unavailable) Error() string {
	if u.Stopped {
		return u.Err.Error()
	}
	return fmt.Sprintf("relay %q cannot be used: %v", u.Relay, u.Err)
}

// Unwrap gives the cause.
func (u *Unavailable) Unwrap() error { return u.Err }

var (
	errLeaseLost = errors.New("this process lost its lease; another one has taken over its work")
	errClosed    = errors.New("the sender is shutting down")
)

// RelayControl is what a pool needs of the Service.
type RelayControl interface {
	DialerFor(ctx context.Context, r Relay) (smtpconn.Dialer, error)
	// Trouble notes on the relay why the node cannot use it at the moment ("" when it can again).
	Trouble(ctx context.Context, relayID int64, node, text string) error
	PauseRelay(ctx context.Context, relayID int64, reason string) (Relay, error)
	// BlockRelay keeps everybody from a relay whose quota is used up, until a moment that it gives.
	BlockRelay(ctx context.Context, r Relay, class reply.Class, words string) (time.Time, error)
}

// Pools holds the connections of this process to all relays.
type Pools struct {
	control RelayControl
	db      pg.DB
	node    *Node
	logger  *slog.Logger
	now     func() time.Time

	mu     sync.Mutex
	pools  map[int64]*pool
	closed bool
	lanes  sync.WaitGroup
	slots  slotBook
}

// NewPools makes the pools of this process. Close must be called at the end.
func NewPools(control RelayControl, db pg.DB, node *Node, logger *slog.Logger, now func() time.Time) *Pools {
	return &Pools{control: control, db: db, node: node, logger: logger, now: now, pools: map[int64]*pool{}}
}

// Send hands a message to the relay and waits for what came of it. An error means that it was not sent and can be tried again: an *Unavailable, or the
// end of ctx before the transaction began. A transaction that has begun runs to its end whatever happens to ctx.
func (p *Pools) Send(ctx context.Context, r Relay, m Message) (smtpconn.Outcome, error) {
	if u := p.node.stopped(r); u != nil {
		return smtpconn.Outcome{}, u
	}
	pl, err := p.pool(r)
	if err != nil {
		return smtpconn.Outcome{}, err
	}
	return pl.send(ctx, m)
}

// Close ends all connections after the messages on them are through, or leaves them when ctx ends. Send refuses from then on.
func (p *Pools) Close(ctx context.Context) {
	p.mu.Lock()
	p.closed = true
	for _, pl := range p.pools {
		pl.stop()
	}
	p.mu.Unlock()
	through := make(chan struct{})
	go func() {
		p.lanes.Wait()
		close(through)
	}()
	select {
	case <-through:
	case <-ctx.Done():
		p.logger.Warn("messages on the wire were left; they are settled at the next start")
	}
}

// pool gives the relay's pool; when the relay's settings have changed, a new one takes the place of the old, whose connections end as they get free.
func (p *Pools) pool(r Relay) (*pool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	old := p.pools[r.ID]
	// A batch that read the relay before it was changed must not bring the old settings back.
	if old != nil && !r.UpdatedAt.After(old.relay.UpdatedAt) {
		old.observe(r)
		return old, nil
	}
	if old != nil {
		old.stop()
	}
	pl := &pool{parent: p, relay: r, limit: newLimiter(p.db, r, p.now), stopped: make(chan struct{}), troubled: r.PauseReason != nil}
	pl.observe(r)
	p.pools[r.ID] = pl
	return pl, nil
}

// pool is the connections of this process to one relay. Each is a lane: a goroutine that takes message after message.
type pool struct {
	parent *Pools
	relay  Relay
	limit  *limiter
	avoid  smtpconn.Avoid // what the connections have learnt of the server

	stopOnce sync.Once
	stopped  chan struct{}

	mu      sync.Mutex
	waiting queue
	idle    []*lane // without work, the one that had some last at the end
	lanes   int
	open    int // connections
	// noSlot is until when it is of no use to ask for another connection, because other processes have them all.
	noSlot   time.Time
	failures int
	troubled bool         // the relay still says what was wrong before we came
	down     *Unavailable // set while backing off

	pace     *Pace     // nil: full speed
	paceAt   time.Time // when we came to know it, by our clock
	wins     int       // messages that were taken since
	changing bool      // a step is being taken
}

type item struct {
	ctx     context.Context
	msg     Message
	cleared bool // the limits let it go
	done    chan result
}

type result struct {
	outcome smtpconn.Outcome
	err     error
}

func (it *item) end(o smtpconn.Outcome, err error) { it.done <- result{o, err} }

// stop lets no more messages in; those that wait for a connection go back, those that have one are finished.
func (pl *pool) stop() {
	pl.stopOnce.Do(func() {
		pl.mu.Lock()
		close(pl.stopped)
		left := pl.waiting.drain()
		pl.mu.Unlock()
		for _, it := range left {
			it.end(smtpconn.Outcome{}, errClosed)
		}
	})
}

func (pl *pool) isStopped() bool {
	select {
	case <-pl.stopped:
		return true
	default:
		return false
	}
}

func (pl *pool) send(ctx context.Context, m Message) (smtpconn.Outcome, error) {
	it := &item{ctx: ctx, msg: m, done: make(chan result, 1)}
	if err := pl.submit(it); err != nil {
		return smtpconn.Outcome{}, err
	}
	select {
	case res := <-it.done:
		return res.outcome, res.err
	case <-ctx.Done():
	}
	pl.mu.Lock()
	waiting := pl.waiting.remove(it)
	pl.mu.Unlock()
	if waiting {
		return smtpconn.Outcome{}, ctx.Err()
	}
	res := <-it.done
	return res.outcome, res.err
}

// submit gives the message to a lane that has nothing to do, or lets it wait for one.
func (pl *pool) submit(it *item) error {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	switch {
	case it.ctx.Err() != nil:
		return it.ctx.Err()
	case pl.isStopped():
		return errClosed
	case pl.isDown():
		return pl.down
	}
	if n := len(pl.idle); n > 0 {
		l := pl.idle[n-1]
		pl.idle = pl.idle[:n-1]
		l.hand <- it
		return nil
	}
	pl.waiting.push(it)
	pl.grow()
	return nil
}

// isDown is called with the lock held.
func (pl *pool) isDown() bool { return pl.down != nil && pl.parent.now().Before(pl.down.Until) }

func (pl *pool) usable() error {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	if pl.isDown() {
		return pl.down
	}
	return nil
}

// grow starts one more lane when messages wait and the relay allows it. It is called with the lock held.
func (pl *pool) grow() {
	if pl.waiting.size == 0 || pl.lanes >= pl.allowed() || pl.isStopped() || pl.parent.now().Before(pl.noSlot) {
		return
	}
	pl.lanes++
	pl.parent.lanes.Add(1)
	go func() {
		defer pl.parent.lanes.Done()
		pl.runLane()
	}()
}

// askAgain is how long a process waits for a connection that another one has before it asks again.
const askAgain = 250 * time.Millisecond

// runLane holds one of the relay's connection slots for as long as it has work.
func (pl *pool) runLane() {
	pl.mu.Lock()
	most := pl.allowed()
	pl.mu.Unlock()
	slot, ok := pl.parent.slots.take(pl.parent, pl.relay.ID, most)
	if !ok {
		pl.mu.Lock()
		pl.lanes--
		pl.noSlot = pl.parent.now().Add(askAgain)
		pl.mu.Unlock()
		time.AfterFunc(askAgain, pl.regrow)
		return
	}
	l := newLane(pl, slot)
	for it := l.next(); it != nil; {
		if it = l.deliver(it); it == nil {
			it = l.next()
		}
	}
	l.hangUp() // before the slot is given back
	pl.parent.slots.give(pl.parent, pl.relay.ID, slot)
	pl.regrow() // a message may have come while the last lane was leaving
}

func (pl *pool) regrow() {
	pl.mu.Lock()
	defer pl.mu.Unlock()
	pl.grow()
}

// turnAway gives everybody who waits the reason why nothing is sent. It is called with the lock held.
func (pl *pool) turnAway(u *Unavailable) {
	pl.down = u
	for _, it := range pl.waiting.drain() {
		it.end(smtpconn.Outcome{}, u)
	}
}

// failed notes that the relay could not be reached or did not let us in, and keeps everybody from trying again too soon.
func (pl *pool) failed(err error) *Unavailable {
	p := pl.parent
	class, text := explain(pl.relay, err)
	if class.Reason == reply.ReasonQuotaExhausted {
		return pl.block(class, text)
	}
	pl.mu.Lock()
	now := p.now()
	// Ten connections that fail together are one failure.
	first := pl.down == nil || now.After(pl.down.Until)
	if first {
		pl.failures++
	}
	wait := min(time.Second<<min(max(pl.failures-1, 0), 6), time.Minute)
	wait = max(wait, class.RetryAfter)
	if pl.down != nil {
		wait = max(wait, pl.down.Until.Sub(now))
	}
	u := &Unavailable{Relay: pl.relay.Name, Until: now.Add(wait), Err: errors.New(text), Paused: class.Action == reply.ActionStopRelay}
	pl.turnAway(u)
	pl.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var note error
	if u.Paused {
		_, note = p.control.PauseRelay(ctx, pl.relay.ID, text)
	} else {
		note = p.control.Trouble(ctx, pl.relay.ID, p.node.ID, text)
	}
	if note != nil {
		p.logger.Warn("a relay's trouble could not be noted", "relay", pl.relay.ID, "error", note)
	}
	if !first && !u.Paused {
		return u
	}
	p.logger.Warn("relay unavailable", "relay", pl.relay.ID, "reason", class.Reason, "wait", wait, "paused", u.Paused)
	return u
}

func (pl *pool) worked() {
	pl.mu.Lock()
	had := pl.failures > 0 || pl.troubled
	pl.failures, pl.troubled = 0, false
	pl.mu.Unlock()
	if !had {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := pl.parent.control.Trouble(ctx, pl.relay.ID, pl.parent.node.ID, ""); err != nil {
		pl.parent.logger.Warn("a relay's recovery could not be noted", "relay", pl.relay.ID, "error", err)
	}
}
