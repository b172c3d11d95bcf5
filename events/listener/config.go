package listener

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"postrider/events"
)

// Config sets a listener up. SMTP, LMTP or both; Hostname, Taker, Tokens and Domains are required.
type Config struct {
	SMTP     string // host:port, such as :25; "" is off
	LMTP     string // host:port, or unix:/path of a socket; "" is off
	Hostname string // what it calls itself in the greeting
	// CertFile and KeyFile (PEM) offer STARTTLS by SMTP. They are read again when they change.
	CertFile, KeyFile string

	Taker   events.Taker
	Tokens  events.Tokens
	Domains func(ctx context.Context) (Domains, error)
	// SentFrom gives the domain of a campaign's return paths as it was sent, "" when there is no such campaign. It may be nil.
	SentFrom func(ctx context.Context, campaignID int64) (string, error)

	Limits Limits
	Logger *slog.Logger     // default: none
	Now    func() time.Time // default: time.Now
}

// Limits bound what peers may do. Zero fields take the default.
type Limits struct {
	MessageSize    int64         // bytes; 1 MiB. A bounce that returns a large message whole is refused with 552, and the system that made it shall shorten it
	Recipients     int           // of a message; 20
	Refused        int           // recipients refused for good before the connection is closed; 10
	Errors         int           // other errors before the connection is closed; 10
	Commands       int           // without a message that is taken before the connection is closed; 200
	Connections    int           // together; 100
	PerPeer        int           // connections of one IPv4 address or IPv6 /64, SMTP only; 10
	AtOnce         int           // messages that the Taker is given at the same time; 4
	CommandTimeout time.Duration // for the next command, and for a whole message; 5 minutes (RFC 5321 §4.5.3.2.7)
	ConnectionAge  time.Duration // 30 minutes
	TakeTimeout    time.Duration // for the Taker, with the wait for its turn; 30 seconds
}

func (l Limits) withDefaults() Limits {
	set(&l.MessageSize, 1<<20)
	set(&l.Recipients, 20)
	set(&l.Refused, 10)
	set(&l.Errors, 10)
	set(&l.Commands, 200)
	set(&l.Connections, 100)
	set(&l.PerPeer, 10)
	set(&l.AtOnce, 4)
	set(&l.CommandTimeout, 5*time.Minute)
	set(&l.ConnectionAge, 30*time.Minute)
	set(&l.TakeTimeout, 30*time.Second)
	return l
}

func set[T int | int64 | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

// flood is how many bytes of a message that is too large are read, so that its sender hears so, before the connection is cut.
func (l Limits) flood() int64 { return 16 * l.MessageSize }

// unixPath gives the path of an LMTP address that is a socket.
func unixPath(address string) (path string, is bool) { return strings.CutPrefix(address, "unix:") }

// mostSocketPath is what Linux takes for the path of a socket (unix(7)).
const mostSocketPath = 107

// Validate says what is wrong with the addresses and files, in the words of the flags that set them.
func (c Config) Validate() error {
	if c.SMTP == "" && c.LMTP == "" {
		return errors.New("the bounce listener has no address: give --bounce-listen or --bounce-lmtp")
	}
	if !isHostname(c.Hostname) {
		return fmt.Errorf("--bounce-hostname: %q is not the name of a mail server, such as mail.example.org", c.Hostname)
	}
	if c.SMTP != "" {
		if _, _, err := net.SplitHostPort(c.SMTP); err != nil {
			return fmt.Errorf("--bounce-listen: %q is not an address such as :25 or 127.0.0.1:2525", c.SMTP)
		}
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return errors.New("STARTTLS needs both --bounce-tls-cert and --bounce-tls-key")
	}
	return c.validateLMTP()
}

func (c Config) validateLMTP() error {
	if c.LMTP == "" {
		return nil
	}
	if path, is := unixPath(c.LMTP); is {
		if !strings.HasPrefix(path, "/") || len(path) > mostSocketPath {
			return fmt.Errorf("--bounce-lmtp: %q is not the full path of a socket of at most %d bytes, such as unix:/run/postrider/lmtp", c.LMTP, mostSocketPath)
		}
		return nil
	}
	_, port, err := net.SplitHostPort(c.LMTP)
	if err != nil {
		return fmt.Errorf("--bounce-lmtp: %q is not an address such as 127.0.0.1:2424 or unix:/run/postrider/lmtp", c.LMTP)
	}
	if port == "25" || port == "smtp" {
		return errors.New("--bounce-lmtp: port 25 is for SMTP, which is --bounce-listen (RFC 2033 §5)")
	}
	return nil
}

func isHostname(name string) bool {
	return name != "" && len(name) <= mostDomain && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '-' && r != '.' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
}
