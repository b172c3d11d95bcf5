package smtptest

import (
	"bufio"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
)

// conn is one client's session.
type conn struct {
	s   *Server
	id  int
	nc  net.Conn
	raw net.Conn // nc below TLS
	r   *bufio.Reader
	w   *bufio.Writer

	tls     bool
	authed  bool
	hello   bool
	from    *string
	rcpts   []string
	eight   bool // BODY=8BITMIME
	begun   int  // transactions
	sent    int
	domains map[string]bool // of recipients in this session
	offered []string        // in the last EHLO reply
	kept    []byte          // buffer for messages that are not kept
	abrupt  bool            // the connection ends without waiting for the client
}

func (c *conn) run() {
	if c.s.meter != nil {
		defer c.s.meter.close(c.id)
	}
	if c.s.cfg.TLS == ImplicitTLS && !c.secure() {
		return
	}
	c.buffers()
	if c.greet() != nil {
		return
	}
	for {
		line, err := c.line()
		if err != nil || c.command(line) != nil {
			return
		}
	}
}

func (c *conn) greet() error {
	if c.s.meter != nil {
		if reply := c.s.meter.open(c.id); reply != "" {
			_ = c.reply(reply)
			return errDone
		}
	}
	return c.answer(AtGreeting, "", "220 smtptest ESMTP")
}

// secure puts TLS under the session; false ends it.
func (c *conn) secure() bool {
	if c.s.cfg.TLSFault == TLSNotTLS {
		c.buffers()
		_ = c.reply("220 what follows is not TLS")
		return false
	}
	c.nc = tls.Server(c.nc, c.s.tls)
	c.tls = true
	c.buffers()
	return true
}

// last are the commands that end a group: what is sent after one before its reply
// is wrong (RFC 2920 §3.1, RFC 3207 §4, RFC 4954 §4).
var last = []string{"EHLO", "HELO", "DATA", "NOOP", "STARTTLS", "AUTH"}

// command runs one command; a nil error continues the session.
func (c *conn) command(line string) error {
	verb, arg, _ := strings.Cut(line, " ")
	verb = strings.ToUpper(verb)
	if n, ok := c.s.commands[verb]; ok {
		n.Add(1)
	}
	if c.r.Buffered() > 0 {
		c.ahead(verb)
	}
	err := c.dispatch(verb, arg)
	if errors.Is(err, errRejected) {
		return nil
	}
	return err
}

// ahead judges a client that has sent more before it could know the reply.
func (c *conn) ahead(after string) {
	if c.s.cfg.NoPipelining || c.hidden("PIPELINING") {
		c.s.violation("sent ahead after %s without PIPELINING", after)
	} else if slices.Contains(last, after) {
		c.s.violation("sent ahead after %s, which ends a group", after)
	}
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
		return errDone
	}
	c.s.violation("unknown command %q", verb)
	return c.reply("500 5.5.1 unknown command")
}

// offers are the lines of the EHLO reply after the name.
func (c *conn) offers() []string {
	lines := []string{"8BITMIME", "SIZE " + strconv.Itoa(c.s.cfg.Size)}
	if !c.s.cfg.PlainReplies {
		lines = append(lines, "ENHANCEDSTATUSCODES")
	}
	if !c.s.cfg.NoPipelining {
		lines = append(lines, "PIPELINING")
	}
	if c.s.cfg.TLS == StartTLS && !c.tls {
		lines = append(lines, "STARTTLS")
	}
	if len(c.s.cfg.Users) > 0 {
		lines = append(lines, "AUTH "+c.s.cfg.AuthMechs)
	}
	if l := c.s.cfg.Limits.announce(); l != "" {
		lines = append(lines, l)
	}
	lines = append(lines, c.s.cfg.Offer...)
	return slices.DeleteFunc(lines, func(l string) bool {
		keyword, _, _ := strings.Cut(l, " ")
		return c.hidden(keyword)
	})
}

func (c *conn) hidden(keyword string) bool { return slices.Contains(c.s.cfg.Hide, keyword) }

func (c *conn) ehlo(verb string) string {
	if verb == "HELO" {
		return "250 smtptest"
	}
	c.offered = c.offers()
	lines := append([]string{"smtptest"}, c.offered...)
	return "250-" + strings.Join(lines[:len(lines)-1], "\r\n250-") + "\r\n250 " + lines[len(lines)-1]
}

func (c *conn) startTLS() error {
	if c.s.cfg.TLS != StartTLS || c.tls || c.hidden("STARTTLS") {
		return c.reply("502 5.5.1 not available")
	}
	if err := c.answer(AtStartTLS, "", "220 2.0.0 go ahead"); err != nil {
		return err
	}
	if err := c.flush(); err != nil {
		return err
	}
	c.hello, c.authed = false, false
	if !c.secure() {
		return errDone
	}
	return nil
}

func (c *conn) mail(arg string) error {
	addr, params, ok := path(arg, "FROM:")
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
			return errDone
		}
		return c.reply("421 4.7.0 too many messages in this connection")
	}
	if reply := c.mailLimits(params); reply != "" {
		return c.reply(reply)
	}
	if err := c.answer(AtMail, addr, "250 2.1.0 ok"); err != nil {
		return err
	}
	c.from = &addr
	return nil
}

func (c *conn) rcpt(arg string) error {
	addr, _, ok := path(arg, "TO:")
	if c.from == nil || !ok {
		return c.reply("503 5.5.1 need MAIL first")
	}
	if reply := c.rcptLimits(addr); reply != "" {
		return c.reply(reply)
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
	if c.r.Buffered() > 0 {
		c.ahead("the final dot")
	}
	if !c.eight && eightBit(raw) {
		c.s.violation("8-bit message without BODY=8BITMIME")
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
	if len(raw) > c.s.cfg.Size {
		usual = "552 5.3.4 message too big"
	}
	sc := c.s.scripts.find(AtDot, to[0])
	if sc == nil {
		return c.reply(c.take(*from, to, raw, usual))
	}
	if sc.Accept {
		usual = c.take(*from, to, raw, usual)
	}
	if err := c.wait(sc); err != nil {
		return err
	}
	said := orElse(sc.Reply, usual)
	if !sc.Accept && !sc.Drop {
		said = c.take(*from, to, raw, said)
	}
	return c.act(sc, said)
}

// take enters a message in the ledger when the reply to come is positive, and gives
// the reply.
func (c *conn) take(from string, to []string, raw []byte, reply string) string {
	if reply[0] != '2' {
		return reply
	}
	if err := c.s.ledger.accept(from, to, raw, c.id, c.s.cfg.DiscardRaw); err != nil {
		c.s.violation("%v", err)
		return "451 4.3.0 ledger cannot be written"
	}
	c.sent++
	if c.s.meter != nil {
		c.s.meter.accepted()
	}
	return reply
}

// path reads "FROM:<a@b> PARAMS".
func path(arg, keyword string) (addr string, params []string, ok bool) {
	if len(arg) < len(keyword) || !strings.EqualFold(arg[:len(keyword)], keyword) {
		return "", nil, false
	}
	arg = strings.TrimSpace(arg[len(keyword):])
	end := strings.LastIndexByte(arg, '>')
	if !strings.HasPrefix(arg, "<") || end < 0 {
		return "", nil, false
	}
	return arg[1:end], strings.Fields(arg[end+1:]), true
}
