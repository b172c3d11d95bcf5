package smtpconn

import (
	"crypto/tls"
	"errors"
	"net"
)

// What a server may say before the session is open, in octets on the wire: its replies, and before them the handshake with its certificates. go-mail keeps
// a reply in memory however long it is.
const (
	maxOpening   = 64 << 10
	maxHandshake = 256 << 10
)

var errTooMuch = errors.New("the server said more than any real one does while a session is opened, and was cut off")

// opening is the TCP connection below everything. It holds the server to a budget until the session is open; from then on it costs a comparison
// for each read.
type opening struct {
	net.Conn
	left   int   // octets that may still come; negative is no bound
	failed error // what ended the reading
}

// Read implements net.Conn.
func (o *opening) Read(b []byte) (int, error) {
	if o.left < 0 {
		return o.Conn.Read(b)
	}
	if o.left == 0 {
		o.failed = errTooMuch
		return 0, errTooMuch
	}
	n, err := o.Conn.Read(b[:min(len(b), o.left)])
	o.left -= n
	if err != nil {
		o.failed = err
	}
	return n, err
}

// within gives the handshake a budget of its own: its end brings back that of the replies.
func (o *opening) within(cfg *tls.Config) *tls.Config {
	o.left = maxHandshake
	verify := cfg.VerifyConnection
	cfg.VerifyConnection = func(state tls.ConnectionState) error {
		o.left = maxOpening
		if verify == nil {
			return nil
		}
		return verify(state)
	}
	return cfg
}

// through is the end of the opening: nothing is counted any more.
func (o *opening) through() { o.left = -1 }

// cause gives the error of a step. A step whose reading broke off has failed even when it does not say so: net/textproto takes a line that was cut
// off for a whole one.
func (o *opening) cause(err error) error {
	if o.failed != nil && (err == nil || errors.Is(o.failed, errTooMuch)) {
		return o.failed
	}
	return err
}
