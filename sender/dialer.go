package sender

import (
	"context"
	"crypto/tls"
	"net"
	"strconv"

	"postrider/internal/errs"
	"postrider/sender/smtpconn"
)

// DialerFor gives what opens connections to a relay. It is the only place where a stored password is opened; the Dialer holds it, so it must
// not be printed or kept longer than needed. Unavailable: the password cannot be opened with this secret key, or the relay is the built-in
// inbox and that is off.
func (s *Service) DialerFor(_ context.Context, r Relay) (smtpconn.Dialer, error) {
	password := ""
	if len(r.sealedPassword) > 0 {
		opened, err := s.box.Open(r.sealedPassword, passwordContext(r.ID))
		if err != nil {
			return smtpconn.Dialer{}, errs.Because(errs.Unavailable, err,
				"the password of relay %q cannot be opened: it was stored with another secret key; enter it again", r.Name)
		}
		password = string(opened)
	}
	return s.dialer(r, password)
}

func (s *Service) dialer(r Relay, password string) (smtpconn.Dialer, error) {
	if r.Kind == RelayInbox {
		return s.inboxDialer(r)
	}
	return smtpconn.Dialer{
		Host: r.Host, Port: r.Port, TLS: tlsMode(r.TLS), TLSConfig: &tls.Config{RootCAs: s.cfg.RootCAs, MinVersion: tls.VersionTLS12},
		Auth: smtpconn.AuthKind(r.Auth), Username: r.Username, Password: password, HELO: r.HELOName,
	}, nil
}

func (s *Service) inboxDialer(r Relay) (smtpconn.Dialer, error) {
	host, portText, err := net.SplitHostPort(s.cfg.InboxAddr())
	port, portErr := strconv.Atoi(portText)
	if err != nil || portErr != nil {
		return smtpconn.Dialer{}, errs.New(errs.Unavailable,
			"relay %q is the built-in inbox, which is switched off; switch it on or choose another relay", r.Name)
	}
	return smtpconn.Dialer{Host: host, Port: port, TLS: smtpconn.TLSNone, Auth: smtpconn.AuthNone, HELO: r.HELOName}, nil
}

// tlsMode never turns an unknown word into clear text: smtpconn refuses what it does not know.
func tlsMode(mode string) smtpconn.TLSMode {
	if mode == TLSNone {
		return smtpconn.TLSNone
	}
	return smtpconn.TLSMode(mode)
}
