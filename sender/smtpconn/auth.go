package smtpconn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// AuthKind is how to log in. The zero value does not log in.
type AuthKind string

// The kinds of AUTH. AuthAuto takes the best the server offers.
const (
	AuthNone        AuthKind = "none"
	AuthAuto        AuthKind = "auto"
	AuthPlain       AuthKind = "plain"
	AuthLogin       AuthKind = "login"
	AuthCRAMMD5     AuthKind = "cram-md5"
	AuthSCRAMSHA256 AuthKind = "scram-sha-256"
	AuthXOAUTH2     AuthKind = "xoauth2"
)

// ErrAuthNotOffered means that the server offers no usable AUTH mechanism.
var ErrAuthNotOffered = errors.New("the server does not offer a usable way to log in")

// ErrAuthBeforeTLS means that the password would have travelled in clear text.
var ErrAuthBeforeTLS = errors.New("logging in before TLS is refused")

// chooser picks the mechanism once the server has said what it offers, and then
// is that mechanism.
type chooser struct {
	smtp.Auth
	kind                 AuthKind
	user, password, host string
	loopback             bool
}

// Start implements smtp.Auth.
func (a *chooser) Start(info *smtp.ServerInfo) (string, []byte, error) {
	kind, err := a.choose(info)
	if err != nil {
		return "", nil, err
	}
	switch kind {
	case AuthPlain:
		a.Auth = smtp.PlainAuth("", a.user, a.password, a.host, a.loopback)
	case AuthLogin:
		a.Auth = smtp.LoginAuth(a.user, a.password, a.host, a.loopback)
	case AuthCRAMMD5:
		a.Auth = smtp.CRAMMD5Auth(a.user, a.password)
	case AuthSCRAMSHA256:
		a.Auth = smtp.ScramSHA256Auth(a.user, a.password)
	case AuthXOAUTH2:
		a.Auth = smtp.XOAuth2Auth(a.user, a.password)
	}
	return a.Auth.Start(info)
}

// choose prefers PLAIN over the challenges under TLS: servers often offer CRAM-MD5
// or SCRAM without holding the secrets they need.
func (a *chooser) choose(info *smtp.ServerInfo) (AuthKind, error) {
	order := []AuthKind{AuthPlain, AuthLogin, AuthSCRAMSHA256, AuthCRAMMD5}
	switch a.kind {
	case AuthAuto:
	case AuthPlain, AuthLogin, AuthCRAMMD5, AuthSCRAMSHA256, AuthXOAUTH2:
		order = []AuthKind{a.kind}
	default:
		return "", fmt.Errorf("authentication %q is not supported", a.kind)
	}
	offered := false
	for _, k := range order {
		if !slices.ContainsFunc(info.Auth, func(m string) bool { return strings.EqualFold(m, string(k)) }) {
			continue
		}
		offered = true
		clear := k == AuthPlain || k == AuthLogin || k == AuthXOAUTH2
		if !clear || info.TLS || a.loopback {
			return k, nil
		}
	}
	if offered {
		return "", ErrAuthBeforeTLS
	}
	return "", fmt.Errorf("%w (it offers %q)", ErrAuthNotOffered, strings.Join(info.Auth, " "))
}
