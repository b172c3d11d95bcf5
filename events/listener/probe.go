package listener

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/emersion/go-smtp"
)

const probeTimeout = 10 * time.Second

// Probe asks the listener at an address, written as in Config, whether it takes mail for a recipient. Nothing is sent. An address of all interfaces is asked
// on loopback.
func Probe(ctx context.Context, address string, lmtp bool, to string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	network, where := "tcp", address
	if path, is := unixPath(address); is && lmtp {
		network, where = "unix", path
	} else if host, port, err := net.SplitHostPort(address); err == nil {
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
			where = net.JoinHostPort("localhost", port)
		}
	}
	var d net.Dialer
	nc, err := d.DialContext(ctx, network, where)
	if err != nil {
		return fmt.Errorf("nothing answers: %w", err)
	}
	open := smtp.NewClient
	if lmtp {
		open = smtp.NewClientLMTP
	}
	c := open(nc)
	defer func() { _ = c.Close() }()
	c.CommandTimeout = probeTimeout
	if err := c.Hello("localhost"); err != nil {
		return fmt.Errorf("it does not greet: %w", err)
	}
	if err := c.Mail("", nil); err != nil {
		return fmt.Errorf("it refuses the null sender: %w", err)
	}
	if err := c.Rcpt(to, nil); err != nil {
		return fmt.Errorf("it refuses the recipient: %w", err)
	}
	_ = c.Quit() // which takes back the transaction that MAIL begins (RFC 5321 §4.1.1.10)
	return nil
}
