package sender

import (
	"context"
	"errors"

	"postrider/sender/reply"
	"postrider/sender/smtpconn"
)

// lane is one connection to a relay, opened when the first message comes and again when it was lost or has served its time.
type lane struct {
	pool *pool
	conn *smtpconn.Conn
}

// deliver sends one message. An error means that nothing was sent.
func (l *lane) deliver(it *item) (smtpconn.Outcome, error) {
	pl := l.pool
	// A server may close a connection between two messages without a word, and some do so by design: that is no failure, we dial again, once.
	for try := 0; ; try++ {
		fresh, err := l.connect(it.ctx)
		if err != nil {
			return smtpconn.Outcome{}, err
		}
		// With the connection in hand, so that those who waited long for theirs do not send all at once.
		if try == 0 {
			if err := l.clear(it.ctx); err != nil {
				return smtpconn.Outcome{}, err
			}
		}
		outcome := l.conn.Send(it.ctx, smtpconn.Envelope{From: it.msg.From, To: it.msg.To, Header: it.msg.Header, Body: it.msg.Body},
			smtpconn.Hooks{BeforeDot: func() error { return l.beforeDot(it.msg) }})
		if outcome.Reply.Code != 0 && it.msg.AfterReply != nil {
			it.msg.AfterReply(outcome.Reply)
		}
		if !outcome.Reusable {
			l.hangUp()
		}
		if outcome.Stale && !fresh && try == 0 {
			continue
		}
		pl.learn(outcome)
		return outcome, nil
	}
}

// clear waits until the next message may go and looks whether anything has come up that forbids it.
func (l *lane) clear(ctx context.Context) error {
	pl := l.pool
	err := pl.limit.wait(ctx)
	var early *tooEarly
	if errors.As(err, &early) {
		return &Unavailable{Relay: pl.relay.Name, Until: early.at, Err: err}
	}
	if err != nil {
		return err
	}
	if err := pl.usable(); err != nil {
		return err
	}
	if !pl.parent.node.MaySend() {
		return errLeaseLost
	}
	return nil
}

// beforeDot is the last moment at which a message can be held back. Dialling and the commands before it may have taken minutes.
func (l *lane) beforeDot(m Message) error {
	if !l.pool.parent.node.MaySend() {
		return errLeaseLost
	}
	if m.BeforeDot == nil {
		return nil
	}
	return m.BeforeDot()
}

// connect makes sure that there is a connection that may be used once more. fresh says that it was opened just now.
func (l *lane) connect(ctx context.Context) (fresh bool, err error) {
	pl := l.pool
	if l.conn != nil && (l.conn.Uses() >= pl.relay.MaxMessagesPerConnection || l.conn.Age() > connMaxAge) {
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
	conn, err := dialer.Dial(ctx)
	if ctx.Err() != nil && err != nil {
		return false, ctx.Err()
	}
	if err != nil {
		return false, pl.failed(err)
	}
	pl.worked()
	l.conn = conn
	return true, nil
}

// learn draws from a refusal what concerns the relay and not the recipient.
func (pl *pool) learn(o smtpconn.Outcome) {
	if o.State != smtpconn.Rejected {
		return
	}
	switch class := reply.Classify(o.Reply); class.Action {
	case reply.ActionSlowDown:
		pl.slowDown(class, o.Reply)
	case reply.ActionStopRelay:
		pl.failed(&smtpconn.Error{Stage: o.Reply.Stage, Reply: o.Reply})
	}
}

func (l *lane) hangUp() {
	if l.conn != nil {
		l.conn.Quit()
		l.conn = nil
	}
}

// explain gives the class of a failed connection and the words to show: the server's own when it spoke, and what a person should do.
func explain(err error) (reply.Class, string) {
	r := reply.Reply{Stage: reply.StageConnect, Text: err.Error()}
	var e *smtpconn.Error
	if errors.As(err, &e) && e.Reply.Code != 0 {
		r = e.Reply
	}
	class := reply.Classify(r)
	text := err.Error()
	if remedy := reply.Remedy(class, r); remedy != "" {
		text += " — " + remedy
	}
	return class, text
}
