package sink

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"time"
)

const (
	readBuffer = 64 << 10
	greeting   = "220 sink ESMTP\r\n"
	offer      = "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE 100000000\r\n"
)

var (
	errQuit = errors.New("quit")
	crlfDot = []byte("\r\n.\r\n")
)

// conn is one client.
type conn struct {
	s   *Server
	nc  net.Conn
	r   *bufio.Reader
	out []byte
	to  []byte // the recipient of the message under way, "" when there is none
}

func newConn(s *Server, nc net.Conn) *conn {
	return &conn{s: s, nc: nc, r: bufio.NewReaderSize(nc, readBuffer), out: []byte(greeting)}
}

func (c *conn) run() {
	for {
		line, err := c.line()
		if err != nil {
			return
		}
		if err := c.command(line); err != nil {
			_ = c.flush()
			return
		}
	}
}

// line reads a command, after sending what there is to say when the client waits for it.
func (c *conn) line() ([]byte, error) {
	if c.r.Buffered() == 0 {
		if err := c.flush(); err != nil {
			return nil, err
		}
	}
	return c.r.ReadSlice('\n')
}

func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	if c.s.rtt > 0 {
		time.Sleep(c.s.rtt)
	}
	_, err := c.nc.Write(c.out)
	c.out = c.out[:0]
	return err
}

func (c *conn) say(s string) { c.out = append(c.out, s...) }

func (c *conn) command(line []byte) error {
	if len(line) < 4 {
		c.say("500 5.5.1 what?\r\n")
		return nil
	}
	switch string(bytes.ToUpper(line[:4])) {
	case "MAIL", "RSET":
		c.to = c.to[:0]
		c.say("250 2.1.0 ok\r\n")
	case "RCPT":
		c.to = append(c.to[:0], between(line)...)
		c.say("250 2.1.5 ok\r\n")
	case "DATA":
		return c.data()
	case "EHLO", "HELO":
		c.say(offer)
	case "NOOP":
		c.say("250 2.0.0 ok\r\n")
	case "QUIT":
		c.say("221 2.0.0 bye\r\n")
		return errQuit
	default:
		c.say("502 5.5.1 not here\r\n")
	}
	return nil
}

func between(line []byte) []byte {
	from, to := bytes.IndexByte(line, '<'), bytes.LastIndexByte(line, '>')
	if from < 0 || to < from {
		return nil
	}
	return line[from+1 : to]
}

func (c *conn) data() error {
	if len(c.to) == 0 {
		c.say("554 5.5.1 no recipient\r\n")
		return nil
	}
	c.say("354 go ahead\r\n")
	if err := c.flush(); err != nil {
		return err
	}
	if err := c.body(); err != nil {
		return err
	}
	if err := c.s.ledger.add(c.to); err != nil {
		c.say("451 4.3.0 the ledger cannot be written\r\n")
		return nil
	}
	c.s.accepted.Add(1)
	c.to = c.to[:0]
	c.say("250 2.0.0 ok: taken\r\n")
	return nil
}

// body reads up to the final dot and forgets what it reads. The end may lie across two reads: the last bytes of each piece are looked at again.
func (c *conn) body() error {
	tail := append(make([]byte, 0, 2*len(crlfDot)), "\r\n"...) // a message may be empty
	for {
		if _, err := c.r.Peek(1); err != nil {
			return err
		}
		piece, _ := c.r.Peek(c.r.Buffered())
		seam := append(tail, piece[:min(len(piece), len(crlfDot)-1)]...)
		if i := bytes.Index(seam, crlfDot); i >= 0 {
			_, err := c.r.Discard(i + len(crlfDot) - len(tail))
			return err
		}
		if i := bytes.Index(piece, crlfDot); i >= 0 {
			_, err := c.r.Discard(i + len(crlfDot))
			return err
		}
		if len(piece) >= len(crlfDot)-1 {
			tail = append(tail[:0], piece[len(piece)-len(crlfDot)+1:]...)
		} else {
			tail = append(tail[:0], seam[max(0, len(seam)-len(crlfDot)+1):]...)
		}
		if _, err := c.r.Discard(len(piece)); err != nil {
			return err
		}
	}
}
