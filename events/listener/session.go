package listener

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

const (
	// longestLine bounds a command with its end: twice the 512 of RFC 5321 §4.5.3.1.4, for SMTPUTF8 (RFC 6531 §3.4) and parameters.
	longestLine  = 1024 + 512
	writeTimeout = time.Minute
	// lingering is how long, and mostLingering how many bytes, a peer is still listened to that has been sent away.
	lingering     = time.Second
	mostLingering = 1 << 20
)

// session is one peer's connection.
type session struct {
	s     *Server
	ctx   context.Context // of Run, but lasting: what was received is taken to its end
	conn  *conn
	nc    net.Conn // conn, or TLS over it
	r     *bufio.Reader
	w     *bufio.Writer
	lmtp  bool
	tls   *tls.Config // nil when STARTTLS is not offered
	inTLS bool

	greeted bool
	mail    bool // a transaction is open
	from    path
	to      []path

	errors   int
	refused  int
	commands int // since the last message that was taken
}

func (c *session) use(nc net.Conn) {
	c.nc, c.r, c.w = nc, bufio.NewReaderSize(nc, 4096), bufio.NewWriterSize(nc, 4096)
}

// errOver ends a session after its last answer.
var errOver = errors.New("the session is over")

// serve runs the session to its end.
func (c *session) serve() {
	defer func() { _ = c.nc.Close() }() // by TLS, too, where it is in use
	protocol := "ESMTP"
	if c.lmtp {
		protocol = "LMTP"
	}
	c.say(answer{220, "", c.s.cfg.Hostname + " " + protocol + " for bounces"})
	for {
		line, err := c.line()
		if err == nil {
			err = c.obey(line)
		}
		if err != nil {
			c.end(err)
			return
		}
	}
}

// end sends what is left to say. A connection that is closed while the peer still sends is reset, and the last answer is lost with it, so the peer gets a
// moment to fall silent.
func (c *session) end(err error) {
	_ = c.nc.SetWriteDeadline(time.Now().Add(writeTimeout))
	if c.w.Flush() != nil || !errors.Is(err, errOver) {
		return
	}
	if over, is := c.nc.(*tls.Conn); is {
		_ = over.CloseWrite()
	}
	half, ok := c.conn.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(lingering))
	_, _ = io.CopyN(io.Discard, c.conn, mostLingering)
}

// say answers, when what the peer has sent ahead is worked off.
func (c *session) say(a answer) { c.write(a.String()) }

func (c *session) write(line string) {
	_ = c.nc.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, _ = c.w.WriteString(line + "\r\n") // an error is flush's, too
}

// bye answers for the last time.
func (c *session) bye(a answer) error {
	c.say(a)
	return errOver
}

// line reads a command. Before it has to be waited for, everything before it is answered.
func (c *session) line() (string, error) {
	if ahead, _ := c.r.Peek(c.r.Buffered()); !bytes.Contains(ahead, []byte("\n")) {
		if err := c.w.Flush(); err != nil {
			return "", err
		}
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(c.s.limits.CommandTimeout))
	b, err := c.r.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull), len(b) > longestLine:
		return "", c.bye(byLongLine)
	case err != nil:
		return "", c.interrupted(err)
	}
	line, ok := strings.CutSuffix(string(b), "\r\n")
	if !ok || strings.ContainsAny(line, "\r\x00") {
		return "", c.bye(byLineEnd)
	}
	return line, nil
}

// interrupted ends a session whose peer is silent, or gone, or has to go because we stop.
func (c *session) interrupted(err error) error {
	switch {
	case c.conn.p.isStopping():
		return c.bye(byStopping)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return c.bye(byTimeout)
	}
	return err
}

// wrong answers what the peer should not have done.
func (c *session) wrong(a answer) error {
	if c.errors++; c.errors >= c.s.limits.Errors {
		return c.bye(byErrors)
	}
	c.say(a)
	return nil
}

func (c *session) obey(line string) error {
	if c.commands++; c.commands > c.s.limits.Commands {
		return c.bye(byIdling)
	}
	verb, arg, _ := strings.Cut(line, " ")
	switch verb = strings.ToUpper(verb); verb {
	case "EHLO", "HELO", "LHLO":
		return c.hello(verb, arg)
	case "STARTTLS":
		return c.startTLS()
	case "MAIL":
		return c.begin(arg)
	case "RCPT":
		return c.recipient(arg)
	case "DATA":
		return c.data()
	case "RSET":
		c.reset()
		c.say(okDone)
	case "NOOP":
		c.say(okDone)
	case "VRFY":
		c.say(answer{252, "2.5.0", "send a message and see"})
	case "QUIT":
		return c.bye(byQuit)
	default:
		return c.wrong(wrongCommand)
	}
	return nil
}

func (c *session) reset() { c.mail, c.from, c.to = false, path{}, nil }

func (c *session) hello(verb, arg string) error {
	if c.lmtp != (verb == "LHLO") {
		return c.wrong(answer{500, "5.5.1", "this is " + map[bool]string{true: "LMTP: say LHLO", false: "SMTP: say EHLO"}[c.lmtp]})
	}
	if strings.TrimSpace(arg) == "" {
		return c.wrong(answer{501, "5.5.4", verb + " needs a name"})
	}
	c.reset()
	c.greeted = true
	if verb == "HELO" {
		c.say(answer{250, "", c.s.cfg.Hostname})
		return nil
	}
	lines := []string{c.s.cfg.Hostname, "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", fmt.Sprintf("SIZE %d", c.s.limits.MessageSize),
		fmt.Sprintf("LIMITS RCPTMAX=%d", c.s.limits.Recipients)}
	if c.tls != nil && !c.inTLS {
		lines = append(lines, "STARTTLS")
	}
	for i, text := range lines {
		separator := "-"
		if i == len(lines)-1 {
			separator = " "
		}
		c.write("250" + separator + text)
	}
	return nil
}

// startTLS goes over to TLS. What was said before counts no longer (RFC 3207 §4.2).
func (c *session) startTLS() error {
	if c.tls == nil || c.inTLS {
		return c.wrong(answer{503, "5.5.1", "STARTTLS is not offered"})
	}
	if c.r.Buffered() > 0 {
		return c.bye(byAhead)
	}
	c.say(answer{220, "2.0.0", "go ahead"})
	if err := c.w.Flush(); err != nil {
		return err
	}
	over := tls.Server(c.conn, c.tls)
	_ = c.conn.SetReadDeadline(time.Now().Add(c.s.limits.CommandTimeout))
	if err := over.HandshakeContext(c.ctx); err != nil {
		return err
	}
	c.use(over)
	c.inTLS, c.greeted = true, false
	c.reset()
	return nil
}
