package smtptest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits are what the server announces of a session and holds to (RFC 9422); 0 is no
// limit.
type Limits struct {
	MailMax       int // transactions in a session; the next is told 421
	RcptMax       int // recipients in a transaction
	RcptDomainMax int // domains of recipients in a session; the next is told 421
}

func (l Limits) announce() string {
	s := ""
	for _, of := range []struct {
		name string
		n    int
	}{{"MAILMAX", l.MailMax}, {"RCPTMAX", l.RcptMax}, {"RCPTDOMAINMAX", l.RcptDomainMax}} {
		if of.n > 0 {
			s += fmt.Sprintf(" %s=%d", of.name, of.n)
		}
	}
	if s == "" {
		return ""
	}
	return "LIMITS" + s
}

// has reports whether the last EHLO reply offered an extension.
func (c *conn) has(keyword string) bool {
	return slices.ContainsFunc(c.offered, func(l string) bool {
		rest, ok := strings.CutPrefix(l, keyword)
		return ok && (rest == "" || rest[0] == ' ')
	})
}

// mailLimits looks at MAIL's parameters and the limits that count transactions.
func (c *conn) mailLimits(params []string) string {
	c.eight = false
	for _, p := range params {
		key, value, _ := strings.Cut(p, "=")
		key = strings.ToUpper(key)
		keyword, known := mailParams[key]
		if !known || !c.has(keyword) {
			c.s.violation("MAIL parameter %s without its extension", p)
			return "555 5.5.4 unsupported parameter"
		}
		c.eight = c.eight || key == "BODY" && strings.EqualFold(value, "8BITMIME")
		if size, err := strconv.Atoi(value); key == "SIZE" && (err != nil || size > c.s.cfg.Size) {
			return "552 5.3.4 message size exceeds fixed limit"
		}
	}
	c.begun++
	if n := c.s.cfg.Limits.MailMax; n > 0 && c.begun > n {
		c.s.violation("transaction %d in a session with MAILMAX=%d", c.begun, n)
		return "421 4.7.0 too many transactions in this session"
	}
	if c.s.meter != nil {
		return c.s.meter.mail(c.id)
	}
	return ""
}

// mailParams are MAIL's parameters and the extension each belongs to.
var mailParams = map[string]string{"SIZE": "SIZE", "BODY": "8BITMIME", "SMTPUTF8": "SMTPUTF8", "RET": "DSN", "ENVID": "DSN", "AUTH": "AUTH"}

func (c *conn) rcptLimits(addr string) string {
	if g := c.s.cfg.Greylist; g != nil {
		if reply := g.check(*c.from, addr); reply != "" {
			return reply
		}
	}
	l := c.s.cfg.Limits
	if l.RcptMax > 0 && len(c.rcpts) >= l.RcptMax {
		c.s.violation("recipient %d with RCPTMAX=%d", len(c.rcpts)+1, l.RcptMax)
		return "452 4.5.3 too many recipients"
	}
	if l.RcptDomainMax == 0 {
		return ""
	}
	domain := strings.ToLower(addr[strings.LastIndexByte(addr, '@')+1:])
	if !c.domains[domain] && len(c.domains) >= l.RcptDomainMax {
		c.s.violation("domain %d in a session with RCPTDOMAINMAX=%d", len(c.domains)+1, l.RcptDomainMax)
		return "421 4.5.3 too many recipient domains in this session"
	}
	if c.domains == nil {
		c.domains = map[string]bool{}
	}
	c.domains[domain] = true
	return ""
}

// eightBit looks at eight octets at a time: it sees every message of large runs.
func eightBit(b []byte) bool {
	for ; len(b) >= 8; b = b[8:] {
		if binary.LittleEndian.Uint64(b)&0x8080808080808080 != 0 {
			return true
		}
	}
	for _, c := range b {
		if c >= 0x80 {
			return true
		}
	}
	return false
}
