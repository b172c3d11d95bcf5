package smtpconn

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	// own end is not written before the reply to this one has been read. It is not
	// asked where the server takes no further message on this connection.
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
	until time.Time   // the deadline
	stop  func() bool // ends the hold of ctx on the connection; nil while there is none
}

var (
	// errOutOfTurn means that another message was announced to the server.
	errOutOfTurn = errors.New("another message was to be sent next on this connection")
	errClosed    = errors.New("connection is closed")
	// errOutOfStep is a reply to nothing: the next ones could be taken for what they are not.
	errOutOfStep = fmt.Errorf("%w: it came before it was asked for", errProtocol)
)

// Send runs one transaction. Ending ctx aborts it before the dot; between the dot
// and its reply only DotTimeout does.
func (c *Conn) Send(ctx context.Context, e Envelope, hooks Hooks) Outcome {
	announced := c.announced
	c.announced = nil
	if c.closed {
		return Outcome{State: NotSent, Err: errClosed, Reply: reply.Parse(0, errClosed.Error(), reply.StageMail)}
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
	if c.full() || !c.admits(e.To) {
		c.Quit()
		return Outcome{State: NotSent, Err: errLimits, Reply: reply.Parse(0, errLimits.Error(), reply.StageMail), Stale: true}
	}
	t := &transaction{c: c, ctx: ctx, ahead: announced != nil, first: true}
	out := t.run(e, wire, hooks)
	if out.Reply.Code == 421 { // the server is closing (RFC 5321 §3.8)
		out.Reusable = false
	}
	if out.Reusable && c.full() {
		out.Reusable = false
		c.Quit()
	}
	if !out.Reusable {
		c.Close()
	}
	return out
}

// run is the transaction itself.
func (t *transaction) run(e Envelope, wire []byte, hooks Hooks) Outcome {
	c := t.c
	defer t.release()
	reused := c.uses > 0
	c.uses++
	c.meet(e.To)
	out, open := t.envelope(e)
	if open {
		out = t.data(wire, hooks)
	} else if !t.release() {
		out.Reusable = false // a late cancellation would cut the next transaction's deadline
	}
	out.Stale = reused && t.stale(out)
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

// arm gives what follows its deadline, whole, so that a server that sends a byte now and then cannot stretch it, and lets the end of ctx cut it short.
// What cannot block needs neither.
func (t *transaction) arm(d time.Duration) error {
	t.until = time.Now().Add(d)
	return t.rearm()
}

// rearm brings back the deadline that arm gave.
func (t *transaction) rearm() error {
	if err := t.c.nc.SetDeadline(t.until); err != nil {
		return err
	}
	if t.stop == nil {
		nc := t.c.nc
		t.stop = context.AfterFunc(t.ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	}
	return t.ctx.Err() // the cancellation may have come before this deadline
}

// release ends the hold of ctx on the connection. It is false when ctx ended before.
func (t *transaction) release() bool {
	if t.stop == nil {
		return t.ctx.Err() == nil
	}
	return t.stop()
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

// data writes the message, asks BeforeDot and waits for the verdict.
func (t *transaction) data(wire []byte, hooks Hooks) Outcome {
	c := t.c
	t.stage = reply.StageData
	if c.r.Buffered() > 0 {
		return t.early()
	}
	head := max(0, len(wire)-tail)
	if head > 0 {
		if err := t.arm(c.d.DataTimeout); err != nil {
			return t.lost(err)
		}
		if _, err := t.writeRaw(wire[:head]); err != nil {
			return t.lost(err)
		}
	}
	if !t.release() {
		return t.lost(t.ctx.Err())
	}
	if hooks.BeforeDot != nil {
		if err := hooks.BeforeDot(); err != nil {
			return t.lost(fmt.Errorf("before the final dot: %w", err))
		}
	}
	// From here on ctx no longer counts.
	end := len(wire) - head
	wire = c.announce(wire, hooks)
	if head == 0 { // otherwise the time runs already
		if err := c.nc.SetDeadline(time.Now().Add(c.d.DataTimeout)); err != nil {
			return t.lost(err)
		}
	}
	if sent, err := t.writeRaw(wire[head:]); err != nil {
		if sent < end {
			return t.lost(err)
		}
		return t.uncertain(err)
	}
	return t.verdict()
}

// early deals with a reply that is there before the dot and would be taken for the one to it. Nobody knows what it is about, save for 421, which may come at
// any time (RFC 5321 §3.8).
func (t *transaction) early() Outcome {
	if t.c.replied() {
		if r, err := t.read(reply.StageData); err == nil && r.Code == 421 {
			return rejected(r, false)
		}
	}
	return t.lost(errOutOfStep)
}

// announce puts the commands of the next message behind the end of this one.
func (c *Conn) announce(wire []byte, hooks Hooks) []byte {
	if hooks.Next == nil || !c.pipelining || c.full() {
		return wire
	}
	next := hooks.Next()
	if next == nil || checkPath(next.From, true) != nil || checkPath(next.To, false) != nil || !c.admits(next.To) {
		return wire
	}
	for _, stage := range plain {
		wire = c.appendCommand(wire, stage, next)
	}
	c.announced, c.buf = next, wire
	return wire
}

// uncertain is a failure after the end of the message may have reached the server.
func (t *transaction) uncertain(err error) Outcome {
	t.stage, t.first = reply.StageDot, false
	return Outcome{State: InDoubt, Err: err, Reply: reply.Parse(0, err.Error(), reply.StageDot)}
}

// writeRaw writes past the buffer, which is empty, and gives how many bytes were handed over. The others have not left this process: under TLS they are
// those of the record that could not be written whole, which nobody can decrypt.
func (t *transaction) writeRaw(b []byte) (sent int, err error) {
	n, err := t.c.w.Write(b)
	if err == nil {
		err = t.c.w.Flush()
	}
	if err != nil {
		sent = n - t.c.w.Buffered()
		return sent, fmt.Errorf("writing after %d bytes: %w", sent, err)
	}
	return len(b), nil
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
// error the connection is closed. It is no use while a message is announced.
func (c *Conn) Reset(ctx context.Context) error {
	t := &transaction{c: c, ctx: ctx}
	defer t.release()
	err := c.idle()
	if err == nil {
		err = t.write([]byte("RSET\r\n"))
	}
	if err == nil {
		var r reply.Reply
		if r, err = t.read(reply.StageRset); err == nil && !accepts(r) {
			err = &Error{Stage: reply.StageRset, Reply: r}
		}
	}
	if err == nil && !t.release() {
		err = ctx.Err()
	}
	if err != nil {
		c.Close()
		return fmt.Errorf("resetting session: %w", err)
	}
	c.dirty = false
	return nil
}

// idle refuses what would be taken for the text of an announced message.
func (c *Conn) idle() error {
	if c.closed {
		return errClosed
	}
	if c.announced != nil {
		return errOutOfTurn
	}
	return nil
}
