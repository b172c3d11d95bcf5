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
	if err := pl.limit.wait(it.ctx); err != nil {
		return smtpconn.Outcome{}, err
	}
	if !pl.parent.node.MaySend() {
		return smtpconn.Outcome{}, errLeaseLost
	}
	// A server may close a connection between two messages without a word, and some do so by design: that is no failure, we dial again, once.
	for try := 0; ; try++ {
		fresh, err := l.connect(it.ctx)
		if err != nil {
			return smtpconn.Outcome{}, err
		}
		outcome := l.conn.Send(it.ctx, smtpconn.Envelope{From: it.msg.From, To: it.msg.To, Header: it.msg.Header, Body: it.msg.Body},
			smtpconn.Hooks{BeforeDot: it.msg.BeforeDot})
		if !outcome.Reusable {
			l.hangUp()
		}
		if outcome.Stale && !fresh && try == 0 {
			continue
		}
		l.learn(outcome)
		return outcome, nil
	}
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
		return false, err
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
func (l *lane) learn(o smtpconn.Outcome) {
	if o.State != smtpconn.Rejected {
		return
	}
	switch class := reply.Classify(o.Reply); class.Action {
	case reply.ActionSlowDown:
		l.pool.slowDown(class, o.Reply)
	case reply.ActionStopRelay:
		l.pool.failed(&smtpconn.Error{Stage: o.Reply.Stage, Reply: o.Reply})
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
