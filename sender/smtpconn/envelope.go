package smtpconn

import (
	"fmt"
	"strconv"
	"time"

	"postrider/sender/reply"
)

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
	if t.c.pipelining && !t.ahead {
		t.c.cmd = t.c.cmd[:0]
		for _, stage := range stages {
			t.c.cmd = t.c.appendCommand(t.c.cmd, stage, &e)
		}
		if err := t.write(t.c.cmd); err != nil {
			return t.lost(err), false
		}
	}
	for i, stage := range stages {
		if !t.c.pipelining {
			if err := t.write(t.c.appendCommand(t.c.cmd[:0], stage, &e)); err != nil {
				return t.lost(err), false
			}
		}
		r, err := t.answer(stage, i)
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
		r, err := t.answer(stage, 1)
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

// write sends commands with a deadline of their own, which also counts for the
// replies.
func (t *transaction) write(lines []byte) error {
	if err := t.arm(t.c.d.CommandTimeout); err != nil {
		return err
	}
	_, err := t.writeRaw(lines)
	return err
}

// answer reads the reply to command i of an envelope. Those that went ahead are mostly there already, with the reply to the message before.
func (t *transaction) answer(stage reply.Stage, i int) (reply.Reply, error) {
	t.stage = stage
	if t.stop == nil && !t.c.replied() {
		if err := t.arm(t.c.d.CommandTimeout); err != nil {
			return reply.Reply{}, err
		}
	}
	proof := t.trial(i)
	if proof != nil && t.stop != nil {
		if err := t.hurry(); err != nil {
			return reply.Reply{}, err
		}
	}
	r, err := t.read(stage)
	if proof != nil {
		err = t.judge(proof, err)
	}
	if err == nil && t.c.lockStep {
		t.c.slow(t.c.d.CommandTimeout - time.Until(t.until))
	}
	return r, err
}
