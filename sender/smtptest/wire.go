package smtptest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"strings"
	"time"
)

// errDone ends a connection; the cause has been dealt with.
var errDone = errors.New("connection is over")

// errRejected says that a negative reply was sent and the session goes on.
var errRejected = errors.New("rejected")

// enhanced is the status code behind the three digits of a reply.
var enhanced = regexp.MustCompile(`(?m)^(\d{3}[ -])\d\.\d{1,3}\.\d{1,3} `)

// lingerTime is how long a closed session waits for the client to hang up.
const lingerTime = 2 * time.Second

func (c *conn) buffers() {
	c.r = bufio.NewReaderSize(c.nc, 32<<10)
	var w io.Writer = c.nc
	if c.s.cfg.Fragment {
		w = &pieces{w: c.nc, rand: rand.New(rand.NewPCG(1, uint64(c.id)))}
	}
	c.w = bufio.NewWriterSize(w, 4<<10)
}

// pieces cuts what is written at random places, each piece a write of its own.
type pieces struct {
	w    io.Writer
	rand *rand.Rand
}

func (p *pieces) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		n, err := p.w.Write(b[done : done+1+p.rand.IntN(len(b)-done)])
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// line reads one command line, after sending the replies so far when the client
// has sent nothing ahead: that is one round trip.
func (c *conn) line() (string, error) {
	if c.s.cfg.DiscardAhead {
		_, _ = c.r.Discard(c.r.Buffered())
	}
	if c.r.Buffered() == 0 {
		if err := c.flush(); err != nil {
			return "", err
		}
	}
	b, err := c.r.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	if len(b) < 2 || b[len(b)-2] != '\r' {
		c.s.violation("bare LF after %q", b)
	}
	return string(bytes.TrimRight(b, "\r\n")), nil
}

// body reads up to the final dot and undoes dot-stuffing (RFC 5321 §4.5.2). The
// bytes hold until the next call when messages are not kept.
func (c *conn) body() ([]byte, error) {
	raw := c.kept[:0]
	start, checked := true, false
	for {
		b, err := c.r.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if err == nil && !bytes.HasSuffix(b, []byte("\r\n")) {
			c.s.violation("bare LF in a message")
		}
		if start && b[0] == '.' {
			if string(b) == ".\r\n" {
				if c.s.cfg.DiscardRaw {
					c.kept = raw
				}
				return raw, nil
			}
			b = b[1:]
		}
		raw = append(raw, b...)
		start = err == nil
		if !checked {
			checked = true
			if err := c.interrupt(); err != nil {
				return nil, err
			}
		}
	}
}

// interrupt lets a script act in the middle of a message.
func (c *conn) interrupt() error {
	sc := c.s.scripts.find(AtBody, c.first())
	if sc == nil {
		return nil
	}
	if err := c.wait(sc); err != nil {
		return err
	}
	if sc.Drop {
		c.abrupt = true
	}
	if !sc.Drop && sc.Reply == "" {
		return nil
	}
	if err := c.act(sc, sc.Reply); err != nil && !errors.Is(err, errRejected) {
		return err
	}
	return errDone
}

// flush sends the replies after the configured latency.
func (c *conn) flush() error {
	if c.s.cfg.Latency > 0 && c.w.Buffered() > 0 {
		t := time.NewTimer(c.s.cfg.Latency)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.s.done:
			return errDone
		}
	}
	return c.w.Flush()
}

// answer sends the usual reply unless a script has another idea. The error is
// errDone when the connection must end, or errRejected when the reply was not 2yz
// or 3yz.
func (c *conn) answer(at Stage, addr, usual string) error {
	sc := c.s.scripts.find(at, addr)
	if sc == nil {
		return c.reply(usual)
	}
	if err := c.wait(sc); err != nil {
		return err
	}
	return c.act(sc, orElse(sc.Reply, usual))
}

// act says a script's reply in the way it asks for.
func (c *conn) act(sc *Script, reply string) error {
	switch {
	case sc.Drop && sc.Reply == "":
		return errDone
	case sc.Endless:
		return c.endless(reply)
	case sc.Dribble > 0:
		if err := c.dribble(reply, sc.Dribble); err != nil {
			return err
		}
		return c.verdict(reply)
	}
	err := c.reply(reply)
	if sc.Drop {
		return errDone
	}
	return err
}

func (c *conn) reply(s string) error {
	if c.s.cfg.PlainReplies {
		s = enhanced.ReplaceAllString(s, "$1")
	}
	if _, err := c.w.WriteString(s); err != nil {
		return err
	}
	if _, err := c.w.WriteString("\r\n"); err != nil {
		return err
	}
	return c.verdict(s)
}

// verdict is what a reply means for the session.
func (c *conn) verdict(s string) error {
	if strings.HasPrefix(s, "421") {
		return errDone
	}
	if s[0] > '3' {
		return errRejected
	}
	return nil
}

// dribble sends a reply one byte at a time.
func (c *conn) dribble(s string, apart time.Duration) error {
	if err := c.flush(); err != nil {
		return err
	}
	tick := time.NewTicker(apart)
	defer tick.Stop()
	for _, b := range []byte(s + "\r\n") {
		select {
		case <-tick.C:
		case <-c.s.done:
			return errDone
		}
		if _, err := c.nc.Write([]byte{b}); err != nil {
			return err
		}
	}
	return nil
}

// endless repeats a line that announces another one until the client hangs up.
func (c *conn) endless(s string) error {
	line, _, _ := strings.Cut(s, "\r\n")
	line = line[:3] + "-" + line[min(4, len(line)):] + "\r\n"
	for {
		select {
		case <-c.s.done:
			return errDone
		default:
		}
		if _, err := c.w.WriteString(line); err != nil {
			return err
		}
	}
}

// wait sends what is due and blocks until the script's channel yields.
func (c *conn) wait(sc *Script) error {
	if sc.Wait == nil {
		return nil
	}
	if err := c.flush(); err != nil {
		return err
	}
	if sc.Held != nil {
		select {
		case sc.Held <- struct{}{}:
		case <-c.s.done:
			return errDone
		}
	}
	select {
	case <-sc.Wait:
		return nil
	case <-c.s.done:
		return errDone
	}
}

// end says what is due and no more. It waits for the client to hang up, so that bytes
// still on their way do not make the kernel throw the last replies away; in the
// middle of a message a drop is as abrupt as it can be.
func (c *conn) end() {
	_ = c.flush()
	if c.abrupt {
		return
	}
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	if tcp, ok := c.raw.(*net.TCPConn); ok {
		_ = tcp.CloseWrite()
	}
	_ = c.raw.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.Copy(io.Discard, c.raw)
}
