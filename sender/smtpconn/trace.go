package smtpconn

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"postrider/sender/reply"
)

// Step is one step of opening a session: StageConnect, StageTLS (with the STARTTLS before it), StageGreeting (with the EHLO after it) or StageAuth.
// The second try with a new access token begins with StageConnect again.
type Step struct {
	Stage     reply.Stage
	Took      time.Duration
	Err       *Error              // nil when it went well; its own Stage is more exact
	Remote    net.Addr            // of StageConnect
	TLS       tls.ConnectionState // of StageTLS
	Mechanism string              // of StageAuth, such as "PLAIN"
}

// done tells the tracer about a step and gives its error.
func (d *Dialer) done(began time.Time, s Step) *Error {
	if d.Trace != nil {
		s.Took = time.Since(began)
		d.Trace(s)
	}
	return s.Err
}

// Ask says MAIL (StageMail) or RCPT (StageRcpt) with an address and gives the answer, of whatever kind. It is for trying a relay out: no message
// follows, and the next Send takes the transaction back. Errors are *[Error]; the connection is closed after them.
func (c *Conn) Ask(ctx context.Context, stage reply.Stage, addr string) (reply.Reply, error) {
	verb := "MAIL FROM"
	if stage == reply.StageRcpt {
		verb = "RCPT TO"
	}
	if err := checkPath(addr, stage == reply.StageMail); err != nil {
		return reply.Reply{}, fail(stage, err)
	}
	if err := c.idle(); err != nil {
		c.Close()
		return reply.Reply{}, fail(stage, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	c.dirty = true
	if stage == reply.StageMail {
		c.uses++
	} else {
		c.meet(addr)
	}
	code, text, err := c.exchange(ctx, fmt.Sprintf("%s:<%s>\r\n", verb, addr))
	if err != nil {
		c.Close()
		return reply.Reply{}, fail(stage, err)
	}
	return reply.Parse(code, text, stage), nil
}

func (c *Conn) exchange(ctx context.Context, command string) (code int, text string, err error) {
	if err := c.nc.SetDeadline(time.Now().Add(c.d.CommandTimeout)); err != nil {
		return 0, "", err
	}
	if err := ctx.Err(); err != nil { // the cancellation may have come before this deadline
		return 0, "", err
	}
	if _, err := c.w.WriteString(command); err != nil {
		return 0, "", err
	}
	if err := c.w.Flush(); err != nil {
		return 0, "", err
	}
	code, line, err := c.readReply()
	return code, string(line), err
}
