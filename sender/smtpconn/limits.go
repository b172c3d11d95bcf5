package smtpconn

import (
	"errors"
	"strconv"
	"strings"
)

// errLimits means that the server takes this message on another connection only.
var errLimits = errors.New("the server's limits for one connection are used up")

// limits are what the server announces for a session (RFC 9422 §4); 0 is no bound. Its bound on recipients of a message is met by having one.
type limits struct {
	mails   int // MAIL commands, also refused ones
	domains int // different domains in RCPT
	met     map[string]bool
}

// MaxMessages is how many transactions the server takes on this connection (RFC 9422 §4.1), or 0 where it does not say. Send keeps to it by itself:
// after the last one the connection is not reusable.
func (c *Conn) MaxMessages() int { return c.limits.mails }

// readLimits reads the EHLO line; what is not understood is ignored (RFC 9422 §3).
func (c *Conn) readLimits() {
	line, _ := c.Extension("LIMITS")
	for _, limit := range strings.Fields(line) {
		name, value, _ := strings.Cut(limit, "=")
		switch strings.ToUpper(name) {
		case "MAILMAX":
			c.limits.mails = limitValue(value)
		case "RCPTDOMAINMAX":
			c.limits.domains = limitValue(value)
		}
	}
}

// limitValue is a number of one to six digits that does not begin with 0; anything else is 0.
func limitValue(s string) int {
	if s == "" || len(s) > 6 || s[0] < '1' || s[0] > '9' {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// full reports that the server takes no further transaction here.
func (c *Conn) full() bool { return c.limits.mails > 0 && c.uses >= c.limits.mails }

// admits reports that a recipient's domain is among those that may still come.
func (c *Conn) admits(to string) bool {
	l := &c.limits
	return l.domains == 0 || len(l.met) < l.domains || l.met[domain(to)]
}

// meet counts a recipient's domain.
func (c *Conn) meet(to string) {
	l := &c.limits
	if l.domains == 0 {
		return
	}
	if l.met == nil {
		l.met = map[string]bool{}
	}
	l.met[domain(to)] = true
}

func domain(addr string) string { return strings.ToLower(addr[strings.LastIndexByte(addr, '@')+1:]) }
