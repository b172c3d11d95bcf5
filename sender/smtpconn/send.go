package smtpconn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"postrider/sender/reply"
)

// State is how a transaction ended. The zero value is none of them.
type State string

// The ends of a transaction.
const (
	// Accepted: the server took the message; Reply holds its queue id.
	Accepted State = "accepted"
	// Rejected: the server said 4yz or 5yz; Reply.Stage says to what.
	Rejected State = "rejected"
	// NotSent: no complete message can have reached the server. Safe to retry.
	NotSent State = "not_sent"
	// InDoubt: the final dot was written and no reply came.
	InDoubt State = "in_doubt"
)

// Envelope is one message to one recipient. From may be empty (null return path).
// Header is written before Body, which spares the caller a copy when a signature
// is put in front; it must be complete lines.
type Envelope struct {
	From, To     string
	Header, Body []byte
}

// Hooks are called during [Conn.Send]; each may be nil.
type Hooks struct {
	// BeforeDot is called when all but the end of the message has been accepted by
	// the kernel. Invariant: the terminating dot is not written before it has
	// returned nil. An error aborts the transaction without the dot.
	BeforeDot func() error
	// Next is asked right after BeforeDot, where the server offers PIPELINING, for
	// the message that follows on this connection, or nil. Its MAIL, RCPT and DATA
	// travel in the same write as the end of this message (RFC 2920 §3.1), which
	// makes one round trip of each message. The next Send must be given it. Its
	// own end is not written before the reply to this one has been read.
	Next func() *Envelope
}

// Outcome is what became of a transaction.
//
// Reusable says whether the connection can take another one; when it is false,
// Send has closed it. Stale marks a reused connection that turned out to be dead
// or closing (no reply to the first command, or 421): nothing was tried, so the
// pool redials at once and does not back off.
type Outcome struct {
	State    State
	Reply    reply.Reply
	Err      error // cause of NotSent and InDoubt
	Reusable bool
	Stale    bool
}

// tail is how much of a message is held back with the final dot: small messages
// go out in one write, and for large ones the doubt stays as short.
const tail = 16 << 10

// transaction is the state of one Send.
type transaction struct {
	c     *Conn
	ctx   context.Context
	ahead bool // the commands were sent with the end of the message before
	first bool // no reply has been read yet
	stage reply.Stage
}

// errOutOfTurn means that another message was announced to the server.
var errOutOfTurn = errors.New("another message was to be sent next on this connection")

// Send runs one transaction. Ending ctx aborts it before the dot; between the dot
// and its reply only DotTimeout does.
func (c *Conn) Send(ctx context.Context, e Envelope, hooks Hooks) Outcome {
	announced := c.announced
	c.announced = nil
	if c.closed {
		err := errors.New("connection is closed")
		return Outcome{State: NotSent, Err: err, Reply: reply.Parse(0, err.Error(), reply.StageMail)}
	}
	wire, err := c.prepare(e)
	if err == nil && announced != nil && (announced.From != e.From || announced.To != e.To) {
		err = errOutOfTurn
	}
	if err != nil {
		if announced != nil { // the server waits for a message that does not come
			c.Close()
		}
		return Outcome{State: NotSent, Err: err, Reply: reply.Parse(0, err.Error(), ""), Reusable: !c.closed}
	}
	t := &transaction{c: c, ctx: ctx, ahead: announced != nil, first: true}
	stop := context.AfterFunc(ctx, func() { _ = c.nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	reused := c.uses > 0
	c.uses++
	out, open := t.envelope(e)
	if open {
		out = t.data(wire, hooks, stop)
	} else if !stop() {
		out.Reusable = false // a late cancellation would cut the next transaction's deadline
	}
	out.Stale = reused && t.stale(out)
	if out.Reply.Code == 421 { // the server is closing (RFC 5321 §3.8)
		out.Reusable = false
	}
	if !out.Reusable {
		c.Close()
	}
	return out
}

// stale reports that a reused connection was dead or closing before the first
// command got its answer. A server that hangs is not stale but slow.
func (t *transaction) stale(out Outcome) bool {
	if out.Reply.Code == 421 {
		return out.Reply.Stage == reply.StageMail || out.Reply.Stage == reply.StageRset
	}
	return t.first && t.ctx.Err() == nil && !errors.Is(out.Err, os.ErrDeadlineExceeded)
}

// prepare checks the input and fills the connection's buffer.
func (c *Conn) prepare(e Envelope) ([]byte, error) {
	if err := checkPath(e.From, true); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	if err := checkPath(e.To, false); err != nil {
		return nil, fmt.Errorf("recipient: %w", err)
	}
	if cap(c.buf) > maxKeptBuffer {
		c.buf = nil
	}
	wire, err := appendWire(c.buf[:0], e.Header)
	if err == nil {
		wire, err = appendWire(wire, e.Body)
	}
	if err != nil {
		return nil, err
	}
	c.buf = append(wire, ".\r\n"...)
	return c.buf, nil
}

// arm gives the next command its deadline, whole, so that a server that sends a
// byte now and then cannot stretch it.
func (t *transaction) arm(d time.Duration) error {
	if err := t.c.nc.SetDeadline(time.Now().Add(d)); err != nil {
		return err
	}
	return t.ctx.Err() // the cancellation may have come before this deadline
}

// read reads the reply to a command. The words of a yes are left out, short of
// the one to the dot nobody wants them.
func (t *transaction) read(stage reply.Stage) (reply.Reply, error) {
	t.stage = stage
	code, text, err := t.c.readReply()
	if err != nil {
		return reply.Reply{}, err
	}
	t.first = false
	if r := (reply.Reply{Code: code, Stage: stage}); accepts(r) {
		return r, nil
	}
	return reply.Parse(code, string(text), stage), nil
}

// lost is a connection problem before the dot.
func (t *transaction) lost(err error) Outcome {
	if cause := context.Cause(t.ctx); cause != nil {
		err = errors.Join(err, cause)
	}
	return Outcome{State: NotSent, Err: err, Reply: reply.Parse(0, err.Error(), t.stage)}
}

func rejected(r reply.Reply, reusable bool) Outcome {
	return Outcome{State: Rejected, Reply: r, Reusable: reusable}
}

// plain are the commands of an envelope, afterReset those after a transaction
// that was left open.
var (
	plain      = []reply.Stage{reply.StageMail, reply.StageRcpt, reply.StageData}
	afterReset = append([]reply.Stage{reply.StageRset}, plain...)
)

// appendCommand writes the line of a stage.
func (c *Conn) appendCommand(dst []byte, stage reply.Stage, e *Envelope) []byte {
	switch stage {
	case reply.StageMail:
		dst = append(append(dst, "MAIL FROM:<"...), e.From...)
		dst = append(dst, '>')
		if c.size {
			dst = strconv.AppendInt(append(dst, " SIZE="...), int64(len(e.Header)+len(e.Body)), 10)
		}
		return append(dst, "\r\n"...)
	case reply.StageRcpt:
		dst = append(append(dst, "RCPT TO:<"...), e.To...)
		return append(dst, ">\r\n"...)
	case reply.StageData:
		return append(dst, "DATA\r\n"...)
	}
	return append(dst, "RSET\r\n"...)
}

// envelope sends RSET if needed, MAIL, RCPT and DATA, unless they went ahead. It
// returns true when the server waits for the message.
func (t *transaction) envelope(e Envelope) (Outcome, bool) {
	stages := plain
	if t.c.dirty {
		stages = afterReset
	}
	t.stage = stages[0]
	if err := t.arm(t.c.d.CommandTimeout); err != nil {
		return t.lost(err), false
	}
	if t.c.pipelining && !t.ahead {
		t.c.cmd = t.c.cmd[:0]
		for _, stage := range stages {
			t.c.cmd = t.c.appendCommand(t.c.cmd, stage, &e)
		}
		if err := t.writeRaw(t.c.cmd); err != nil {
			return t.lost(err), false
		}
	}
	for i, stage := range stages {
		if !t.c.pipelining {
			if err := t.write(t.c.appendCommand(t.c.cmd[:0], stage, &e)); err != nil {
				return t.lost(err), false
			}
		}
		r, err := t.read(stage)
		if err != nil {
			return t.lost(err), false
		}
		if accepts(r) {
			t.c.dirty = stage == reply.StageMail || stage == reply.StageRcpt
			continue
		}
		return t.refused(r, stages[i+1:]), false
	}
	return Outcome{}, true
}

// accepts reports the positive reply of each stage; any other is no go-ahead.
func accepts(r reply.Reply) bool {
	if r.Stage == reply.StageData {
		return r.Code == 354
	}
	return r.Code/100 == 2
}

// refused deals with a negative reply and the replies still to come.
func (t *transaction) refused(r reply.Reply, rest []reply.Stage) Outcome {
	if r.Code < 400 { // 2yz to DATA, 3yz elsewhere
		return t.lost(fmt.Errorf("%w: %d to %s", errProtocol, r.Code, r.Stage))
	}
	if r.Stage == reply.StageRset {
		out := t.lost(fmt.Errorf("RSET was refused with %d", r.Code))
		out.Reply = r
		return out
	}
	if r.Code == 421 || !t.c.pipelining {
		return rejected(r, true)
	}
	return rejected(r, t.drain(rest))
}

// drain reads the replies to commands sent ahead of a refusal and reports whether
// the session is still in order. A server that closes instead is not in order,
// and the refusal stands.
func (t *transaction) drain(rest []reply.Stage) bool {
	rcpt := false
	for _, stage := range rest {
		r, err := t.read(stage)
		if err != nil || r.Code == 421 {
			return false
		}
		switch {
		case stage == reply.StageRcpt:
			rcpt = accepts(r)
		case !accepts(r):
		case rcpt:
			// A recipient without a sender: an empty message could arrive.
			return false
		default:
			return t.loneDot()
		}
	}
	return true
}

// loneDot ends a DATA that was answered with 354 although no recipient stands
// (RFC 2920 §3.1). Whatever the reply, nobody gets anything.
func (t *transaction) loneDot() bool {
	if t.write([]byte(".\r\n")) != nil {
		return false
	}
	r, err := t.read(reply.StageDot)
	t.c.dirty = false
	return err == nil && r.Code != 421
}

// write sends a command with a deadline of its own, which also counts for its
// reply.
func (t *transaction) write(line []byte) error {
	if err := t.arm(t.c.d.CommandTimeout); err != nil {
		return err
	}
	return t.writeRaw(line)
}

// data writes the message, asks BeforeDot and waits for the verdict. stop ends
// the hold of ctx on the connection.
func (t *transaction) data(wire []byte, hooks Hooks, stop func() bool) Outcome {
	c := t.c
	t.stage = reply.StageData
	if err := t.arm(c.d.DataTimeout); err != nil {
		return t.lost(err)
	}
	head := max(0, len(wire)-tail)
	if head > 0 {
		if err := t.writeRaw(wire[:head]); err != nil {
			return t.lost(err)
		}
	}
	if !stop() {
		return t.lost(t.ctx.Err())
	}
	if hooks.BeforeDot != nil {
		if err := hooks.BeforeDot(); err != nil {
			return t.lost(fmt.Errorf("before the final dot: %w", err))
		}
	}
	// From here on ctx no longer counts.
	var next *Envelope
	if hooks.Next != nil && c.pipelining {
		next = hooks.Next()
	}
	if next != nil && checkPath(next.From, true) == nil && checkPath(next.To, false) == nil {
		for _, stage := range plain {
			wire = c.appendCommand(wire, stage, next)
		}
		c.announced = next
	}
	c.buf = wire
	if err := t.writeRaw(wire[head:]); err != nil {
		if c.announced != nil {
			return t.uncertain(err)
		}
		return t.lost(err)
	}
	return t.verdict()
}

// uncertain is a failed write that held more than the end of the message: the end
// itself may have gone out.
func (t *transaction) uncertain(err error) Outcome {
	t.stage, t.first = reply.StageDot, false
	return Outcome{State: InDoubt, Err: err, Reply: reply.Parse(0, err.Error(), reply.StageDot)}
}

// writeRaw writes past the buffer, which is empty. An error means that not all
// bytes were handed over.
func (t *transaction) writeRaw(b []byte) error {
	n, err := t.c.w.Write(b)
	if err == nil {
		err = t.c.w.Flush()
	}
	if err != nil {
		return fmt.Errorf("writing after %d bytes: %w", n, err)
	}
	return nil
}

// verdict reads the reply to the dot.
func (t *transaction) verdict() Outcome {
	c := t.c
	t.stage, t.first = reply.StageDot, false
	err := c.nc.SetDeadline(time.Now().Add(c.d.DotTimeout))
	code, text := 0, []byte(nil)
	if err == nil {
		code, text, err = c.readReply()
	}
	if err == nil && code/100 == 3 {
		err = fmt.Errorf("%w: %d to the final dot", errProtocol, code)
	}
	if err != nil {
		return t.uncertain(err)
	}
	c.dirty = false
	r := reply.Parse(code, string(text), reply.StageDot)
	if code/100 == 2 {
		return Outcome{State: Accepted, Reply: r, Reusable: true}
	}
	return rejected(r, true)
}

// Reset sends RSET now and waits for its reply. Send does it by itself where it is
// needed; calling Reset also finds out whether an idle connection still lives. On
// error the connection is closed.
func (c *Conn) Reset(ctx context.Context) error {
	if c.closed {
		return errors.New("connection is closed")
	}
	t := &transaction{c: c, ctx: ctx}
	stop := context.AfterFunc(ctx, func() { _ = c.nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	err := t.write([]byte("RSET\r\n"))
	if err == nil {
		var r reply.Reply
		if r, err = t.read(reply.StageRset); err == nil && !accepts(r) {
			err = &Error{Stage: reply.StageRset, Reply: r}
		}
	}
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return fmt.Errorf("resetting session: %w", err)
	}
	c.dirty = false
	return nil
}
