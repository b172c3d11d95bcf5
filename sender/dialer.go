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
// not be printed or kept longer than needed. With XOAUTH2 it holds no password but gets an access token for each connection, which is kept until
// shortly before it runs out. Unavailable: a secret cannot be opened with this secret key, or the relay is the built-in inbox and that is off.
func (s *Service) DialerFor(_ context.Context, r Relay) (smtpconn.Dialer, error) {
	password, err := s.open(r, secretPassword, "password", r.sealedPassword)
	if err != nil {
		return smtpconn.Dialer{}, err
	}
	d, err := s.dialer(r, password)
	if err != nil || d.Auth != smtpconn.AuthXOAUTH2 {
		return d, err
	}
	tokens, err := s.tokensFor(r)
	if err != nil {
		return smtpconn.Dialer{}, err
	}
	d.Tokens = tokens
	return d, nil
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
