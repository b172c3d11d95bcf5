package smtptest

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"time"
)

// errDone ends a connection; the cause has been dealt with.
var errDone = errors.New("connection is over")

// conn is one client's session.
type conn struct {
	s  *Server
	id int
	nc net.Conn
	r  *bufio.Reader
	w  *bufio.Writer

	tls    bool
	authed bool
	hello  bool
	from   *string
	rcpts  []string
	sent   int
}

func (c *conn) run() {
	if c.s.cfg.TLS == ImplicitTLS {
		c.nc = tls.Server(c.nc, c.s.tls)
		c.tls = true
	}
	c.buffers()
	if c.answer(AtGreeting, "", "220 smtptest ESMTP") != nil {
		_ = c.w.Flush()
		return
	}
	for {
		line, err := c.line()
		if err != nil || c.command(line) != nil {
			_ = c.w.Flush()
			return
		}
	}
}

func (c *conn) buffers() {
	c.r = bufio.NewReaderSize(c.nc, 32<<10)
	c.w = bufio.NewWriterSize(c.nc, 4<<10)
}

// line reads one command line, after sending the replies so far when the client
// has sent nothing ahead: that is one round trip.
func (c *conn) line() (string, error) {
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
	return strings.TrimRight(string(b), "\r\n"), nil
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
// errDone when the connection must end, or rejected when the reply was not 2yz
// or 3yz.
func (c *conn) answer(at Stage, addr, usual string) error {
	sc := c.s.scripts.find(at, addr)
	if sc != nil {
		if err := c.wait(sc); err != nil {
			return err
		}
		if sc.Drop {
			return c.drop()
		}
		if sc.Reply != "" {
			usual = sc.Reply
		}
	}
	return c.reply(usual)
}

// errRejected says that a negative reply was sent and the session goes on.
var errRejected = errors.New("rejected")

func (c *conn) reply(s string) error {
	if _, err := c.w.WriteString(s); err != nil {
		return err
	}
	if _, err := c.w.WriteString("\r\n"); err != nil {
		return err
	}
	if strings.HasPrefix(s, "421") {
		_ = c.flush()
		return errDone
	}
	if s[0] > '3' {
		return errRejected
	}
	return nil
}

// wait sends what is due and blocks until the script's channel yields.
func (c *conn) wait(sc *Script) error {
	if sc.Wait == nil {
		return nil
	}
	if err := c.flush(); err != nil {
		return err
	}
	select {
	case <-sc.Wait:
		return nil
	case <-c.s.done:
		return errDone
	}
}

// drop ends the connection after sending the replies that were due before.
func (c *conn) drop() error {
	_ = c.flush()
	_ = c.nc.Close()
	return errDone
}

// command runs one command; a nil error continues the session.
func (c *conn) command(line string) error {
	verb, arg, _ := strings.Cut(line, " ")
	verb = strings.ToUpper(verb)
	c.s.mu.Lock()
	c.s.commands[verb]++
	c.s.mu.Unlock()
	if c.s.cfg.NoPipelining && c.r.Buffered() > 0 {
		c.s.violation("sent ahead after %s without PIPELINING", verb)
	}
	err := c.dispatch(verb, arg)
	if errors.Is(err, errRejected) {
		return nil
	}
	return err
}

func (c *conn) dispatch(verb, arg string) error {
	switch verb {
	case "EHLO", "HELO":
		c.hello, c.from, c.rcpts = true, nil, nil
		return c.answer(AtHelo, "", c.ehlo(verb))
	case "STARTTLS":
		return c.startTLS()
	case "AUTH":
		return c.auth(arg)
	case "MAIL":
		return c.mail(arg)
	case "RCPT":
		return c.rcpt(arg)
	case "DATA":
		return c.data()
	case "RSET":
		c.from, c.rcpts = nil, nil
		return c.answer(AtRset, "", "250 2.0.0 reset")
	case "NOOP":
		return c.reply("250 2.0.0 ok")
	case "QUIT":
		_ = c.reply("221 2.0.0 bye")
		_ = c.flush()
		return errDone
	}
	c.s.violation("unknown command %q", verb)
	return c.reply("500 5.5.1 unknown command")
}

func (c *conn) ehlo(verb string) string {
	if verb == "HELO" {
		return "250 smtptest"
	}
	lines := []string{"smtptest", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 35882577"}
	if !c.s.cfg.NoPipelining {
		lines = append(lines, "PIPELINING")
	}
	if c.s.cfg.TLS == StartTLS && !c.tls {
		lines = append(lines, "STARTTLS")
	}
	if len(c.s.cfg.Users) > 0 {
		lines = append(lines, "AUTH "+c.s.cfg.AuthMechs)
	}
	return "250-" + strings.Join(lines[:len(lines)-1], "\r\n250-") + "\r\n250 " + lines[len(lines)-1]
}

func (c *conn) startTLS() error {
	if c.s.cfg.TLS != StartTLS || c.tls {
		return c.reply("502 5.5.1 not available")
	}
	if err := c.answer(AtStartTLS, "", "220 2.0.0 go ahead"); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return err
	}
	c.nc = tls.Server(c.nc, c.s.tls)
	c.tls, c.hello = true, false
	c.buffers()
	return nil
}

func (c *conn) mail(arg string) error {
	addr, ok := path(arg, "FROM:")
	switch {
	case !c.hello || !ok:
		c.s.violation("MAIL out of order or malformed")
		return c.reply("503 5.5.1 bad sequence")
	case len(c.s.cfg.Users) > 0 && !c.authed:
		return c.reply("530 5.7.0 Authentication required")
	case c.from != nil:
		c.s.violation("nested MAIL")
		return c.reply("503 5.5.1 nested MAIL command")
	case c.s.cfg.MaxPerConn > 0 && c.sent >= c.s.cfg.MaxPerConn:
		if c.s.cfg.SilentClose {
			return c.drop()
		}
		return c.reply("421 4.7.0 too many messages in this connection")
	}
	if err := c.answer(AtMail, addr, "250 2.1.0 ok"); err != nil {
		return err
	}
	c.from = &addr
	return nil
}

func (c *conn) rcpt(arg string) error {
	addr, ok := path(arg, "TO:")
	if c.from == nil || !ok {
		return c.reply("503 5.5.1 need MAIL first")
	}
	if err := c.answer(AtRcpt, addr, "250 2.1.5 ok"); err != nil {
		return err
	}
	c.rcpts = append(c.rcpts, addr)
	return nil
}

// first is the recipient that scripts at DATA and later look at.
func (c *conn) first() string {
	if len(c.rcpts) == 0 {
		return ""
	}
	return c.rcpts[0]
}

// data reads a message. A script may answer 354 although no recipient was
// accepted, as some servers do (RFC 2920 §3.1).
func (c *conn) data() error {
	usual := "354 go ahead"
	if len(c.rcpts) == 0 {
		usual = "554 5.5.1 no valid recipients"
	}
	if err := c.answer(AtData, c.first(), usual); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return err
	}
	raw, err := c.body()
	if err != nil {
		return err
	}
	from, to := c.from, c.rcpts
	c.from, c.rcpts = nil, nil
	return c.finish(from, to, raw)
}

// finish decides on a complete message.
func (c *conn) finish(from *string, to []string, raw []byte) error {
	if len(to) == 0 {
		return c.reply("554 5.5.1 no valid recipients")
	}
	usual := "250 2.0.0 ok queued"
	if sc := c.s.scripts.find(AtDot, to[0]); sc != nil {
		if err := c.wait(sc); err != nil {
			return err
		}
		if sc.Drop && !sc.Accept {
			return c.drop()
		}
		if sc.Drop {
			if err := c.s.ledger.accept(*from, to, raw, c.id, c.s.cfg.DiscardRaw); err != nil {
				c.s.violation("%v", err)
			}
			return c.drop()
		}
		if sc.Reply != "" {
			usual = sc.Reply
		}
	}
	if usual[0] == '2' {
		if err := c.s.ledger.accept(*from, to, raw, c.id, c.s.cfg.DiscardRaw); err != nil {
			c.s.violation("%v", err)
			return c.reply("451 4.3.0 ledger cannot be written")
		}
		c.sent++
	}
	return c.reply(usual)
}

// body reads up to the final dot and undoes dot-stuffing (RFC 5321 §4.5.2).
func (c *conn) body() ([]byte, error) {
	var raw []byte
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
				return raw, nil
			}
			b = b[1:]
		}
		raw = append(raw, b...)
		start = err == nil
		if !checked {
			checked = true
			if sc := c.s.scripts.find(AtBody, c.first()); sc != nil {
				if err := c.wait(sc); err != nil {
					return nil, err
				}
				if sc.Drop {
					return nil, c.drop()
				}
			}
		}
	}
}

// path reads "FROM:<a@b> PARAMS".
func path(arg, keyword string) (string, bool) {
	if len(arg) < len(keyword) || !strings.EqualFold(arg[:len(keyword)], keyword) {
		return "", false
	}
	arg = strings.TrimSpace(arg[len(keyword):])
	end := strings.LastIndexByte(arg, '>')
	if !strings.HasPrefix(arg, "<") || end < 0 {
		return "", false
	}
	return arg[1:end], true
}
