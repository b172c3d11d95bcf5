package smtpconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	AuthSCRAMSHA1   AuthKind = "scram-sha-1"
	AuthSCRAMSHA256 AuthKind = "scram-sha-256"
	AuthXOAUTH2     AuthKind = "xoauth2"
)

// ErrAuthNotOffered means that the server offers no usable AUTH mechanism.
var ErrAuthNotOffered = errors.New("the server does not offer a usable way to log in")

// ErrAuthBeforeTLS means that the password would have travelled in clear text.
var ErrAuthBeforeTLS = errors.New("logging in before TLS is refused")

// Tokens gives the access tokens of XOAUTH2, which live for about an hour.
type Tokens interface {
	// Token gives a token that should still be good. Its errors are shown to people and hold no secret.
	Token(ctx context.Context) (string, error)
	// Refused says that the server did not take a token. It reports whether the next one will be another: false when it came fresh from the
	// token service, so that there is no use in trying again.
	Refused(token string) bool
}

// chooser picks the mechanism once the server has said what it offers, and then
// is that mechanism.
type chooser struct {
	smtp.Auth
	kind                 AuthKind
	user, password, host string
	loopback             bool

	chosen  AuthKind
	refusal string // what the server said to an access token
}

// Next implements smtp.Auth. To a token that it does not take a server says why in a challenge, and only then refuses.
func (a *chooser) Next(fromServer []byte, more bool) ([]byte, error) {
	if more && a.chosen == AuthXOAUTH2 {
		a.refusal = tokenRefusal(fromServer)
	}
	return a.Auth.Next(fromServer, more)
}

// tokenRefusal reads the status out of the error object of XOAUTH2: 400 and 401 mean that the token has expired or was withdrawn. Nothing else of it
// is kept; it is the server's own text.
func tokenRefusal(challenge []byte) string {
	var e struct {
		Status json.RawMessage `json:"status"`
	}
	status := ""
	if json.Unmarshal(challenge, &e) == nil {
		status = strings.Trim(string(e.Status), `"`)
	}
	if n, err := strconv.Atoi(status); err != nil || n < 100 || n > 999 {
		status = "unknown"
	}
	return "XOAUTH2 status " + status
}

// expired reports that the server refused an access token as such.
func (a *chooser) expired() bool {
	return a.refusal == "XOAUTH2 status 400" || a.refusal == "XOAUTH2 status 401"
}

// Start implements smtp.Auth.
func (a *chooser) Start(info *smtp.ServerInfo) (string, []byte, error) {
	kind, err := a.choose(info)
	if err != nil {
		return "", nil, err
	}
	a.chosen = kind
	switch kind {
	case AuthPlain:
		a.Auth = smtp.PlainAuth("", a.user, a.password, a.host, a.loopback)
	case AuthLogin:
		a.Auth = smtp.LoginAuth(a.user, a.password, a.host, a.loopback)
	case AuthCRAMMD5:
		a.Auth = smtp.CRAMMD5Auth(a.user, a.password)
	case AuthSCRAMSHA1:
		a.Auth = smtp.ScramSHA1Auth(a.user, a.password)
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
	order := []AuthKind{AuthPlain, AuthLogin, AuthSCRAMSHA256, AuthSCRAMSHA1, AuthCRAMMD5}
	switch a.kind {
	case AuthAuto:
	case AuthPlain, AuthLogin, AuthCRAMMD5, AuthSCRAMSHA1, AuthSCRAMSHA256, AuthXOAUTH2:
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
