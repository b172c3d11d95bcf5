package smtpconn

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

const (
	// avoidFor is how long a server is spoken to in lock-step that seems to throw away what is sent ahead.
	avoidFor = time.Hour
	// defaultPatience is how long a server that has never answered commands sent ahead may take for them.
	defaultPatience = time.Minute
)

// Avoid is what the connections to a server have learnt of its PIPELINING: some offer it and throw away what is sent ahead of a reply, or have a firewall
// in front that does. It is shared by the [Dialer]s of a server; the zero value is ready for use.
//
// A reply that does not come may also be a slow one. So the suspicion falls only on a server that has not yet shown that it can, and it is
// taken back when the same command is slow in lock-step as well.
type Avoid struct {
	until   atomic.Int64 // Unix time in ns; lock-step before it
	grouped atomic.Bool  // a command was answered that came in one write with the one before
	behind  atomic.Bool  // a command was answered that came behind the end of a message
}

// errUnheard says what is the matter with the server.
var errUnheard = errors.New("the server offers PIPELINING but does not answer what is sent ahead; it is spoken to in lock-step from now on")

// lockStep reports whether commands are to be sent one at a time.
func (a *Avoid) lockStep(now time.Time) bool { return a != nil && now.UnixNano() < a.until.Load() }

// trial gives what the reply to command i of an envelope would prove, or nil when that is known.
func (t *transaction) trial(i int) *atomic.Bool {
	a := t.c.d.Avoid
	if a == nil || !t.c.pipelining {
		return nil
	}
	proof := &a.grouped
	if i == 0 {
		proof = &a.behind
	}
	if i == 0 && !t.ahead || proof.Load() {
		return nil
	}
	return proof
}

// hurry gives a reply that proves something less time than CommandTimeout.
func (t *transaction) hurry() error {
	soon := time.Now().Add(t.c.d.patience)
	if !soon.Before(t.until) {
		return nil
	}
	if err := t.c.nc.SetDeadline(soon); err != nil {
		return err
	}
	return t.ctx.Err()
}

// judge draws the conclusion from a reply that came or did not. What is left of CommandTimeout goes to the others of the group.
func (t *transaction) judge(proof *atomic.Bool, err error) error {
	if err == nil {
		proof.Store(true)
		if t.stop == nil {
			return nil
		}
		return t.rearm()
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) || t.ctx.Err() != nil {
		return err
	}
	t.c.d.Avoid.until.Store(time.Now().Add(avoidFor).UnixNano())
	return fmt.Errorf("%w: %w", errUnheard, err)
}

// slow takes the suspicion back: the server answered a lone command as late.
func (c *Conn) slow(took time.Duration) {
	if c.lockStep && took > c.d.patience {
		c.d.Avoid.grouped.Store(true)
		c.d.Avoid.behind.Store(true)
		c.d.Avoid.until.Store(0)
	}
}
