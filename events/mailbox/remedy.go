package mailbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"postrider/internal/errs"
	"postrider/sender/presets"
)

// Kind says what sort of trouble keeps a mailbox from being read: one of presets.RefusalKind or of these.
type Kind = presets.RefusalKind

// The kinds that are no provider's own.
const (
	KindHost        Kind = "unknown_host"
	KindUnreachable Kind = "unreachable"
	KindTimeout     Kind = "timeout"
	KindCertificate Kind = "certificate"
	KindTLS         Kind = "tls"
	KindToken       Kind = "token" // no access token
	KindFolder      Kind = "folder"
	KindInUse       Kind = "in_use"
	KindProtocol    Kind = "protocol" // the server does what it should not
	KindClosed      Kind = "closed"
	KindOurs        Kind = "internal"
	KindDayLimit    Kind = "day_limit" // we stop ourselves, below the provider's limit
)

// explained is an error in words for a person, with how long to wait before the next try; 0 is the usual back-off.
type explained struct {
	Problem
	provider string
	wait     time.Duration
}

// explain says what an error of a session means and what to do. key is what sender/presets knows the mailbox by.
func explain(m Mailbox, err error) explained {
	var s *stepError
	if !errors.As(err, &s) {
		e := explained{Problem: Problem{Kind: KindOurs, Text: "internal error: the log says more", Remedy: "It is tried again by itself."}}
		var known *errs.E
		if errors.As(err, &known) {
			e.Text, e.Remedy = known.Public, ""
		}
		return e
	}
	e := explained{Problem: Problem{Step: s.Step, Text: s.Text}}
	if s.Step == StepLogin || s.Step == StepGreeting || s.Step == StepRead || s.Step == StepFolder {
		if p := presets.ReadingProvider(m.PresetKey()); p != nil {
			if r, ok := p.Reading.Refusal(s.Text); ok {
				e.Kind, e.Remedy, e.wait, e.provider = r.Kind, r.Remedy, r.Wait, p.Name
				return e
			}
		}
	}
	e.Kind, e.Remedy, e.wait = general(m, s)
	return e
}

// general is what holds for any server.
func general(m Mailbox, s *stepError) (Kind, string, time.Duration) {
	if kind, remedy := network(m, s.Err); kind != "" {
		return kind, remedy, 0
	}
	text := strings.ToLower(s.Text)
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	switch {
	case errors.Is(s.Err, errAhead):
		return KindTLS, "Somebody between here and the server may be tampering with the connection. Choose TLS from the start (port " + portText(m.Protocol) + ").", 0
	case errors.Is(s.Err, errTooBig), errors.Is(s.Err, errLine):
		return KindProtocol, "The server does not keep to the protocol: see that host and port are those of an IMAP or POP3 server.", 0
	case says("too many", "[limit]", "rate limit", "maximum number of connections", "mail_max_userip_connections"):
		return presets.TooMany, "The password is not the problem: the server has too many connections or logins of this account. Close other mail programs of the account if it goes on.", 10 * time.Minute
	case says("[in-use]", "[inuse]", "mailbox locked", "mailbox is locked", "already locked", "in use"):
		return KindInUse, "Another program reads the mailbox at this moment. It is tried again; give the bounces a mailbox of their own if it goes on.", 0
	case says("[overquota]", "bandwidth", "quota exceeded"):
		return presets.QuotaUsed, "The server allows no more for now: the account's quota or its bandwidth is used up.", time.Hour
	}
	switch s.Step {
	case StepLogin:
		return loginRemedy(m, s, says)
	case StepToken:
		return KindToken, "No access token could be got: connect the account again and enter the new refresh token; check client id, client secret and token URL.", 0
	case StepTLS:
		return KindTLS, "There is no encrypted connection: the port and the kind of TLS do not go together, or the server offers none. TLS from the start is usually on port " + portText(m.Protocol) + ".", 0
	case StepFolder:
		return KindFolder, "The folder cannot be opened: check its name. On some servers folders lie below INBOX and are written INBOX.Name or INBOX/Name.", 0
	case StepClear:
		return KindFolder, "What was taken could not be moved or deleted, so it stays where it is; nothing is lost. Check the name of the folder (on some servers it must be INBOX.Name), the rights of the login and the quota of the mailbox.", 0
	case StepGreeting:
		return KindProtocol, "The server does not greet as a " + strings.ToUpper(m.Protocol) + " server: check host, port and the kind of TLS.", 0
	}
	return KindClosed, "The connection ended early. It is tried again by itself.", 0
}

func loginRemedy(m Mailbox, s *stepError, says func(...string) bool) (Kind, string, time.Duration) {
	switch {
	case says("logindisabled", "privacyrequired", "plaintext authentication disallowed", "cleartext", "ssl required", "tls required"):
		return KindTLS, "The server takes no password without TLS: choose TLS from the start (port " + portText(m.Protocol) + ") or STARTTLS.", 0
	case says("does not offer xoauth2"):
		return presets.BadLogin, "This server knows no access tokens: log in with a password.", 0
	case says("app password", "app-specific", "application-specific", "application password"):
		return presets.AppPassword, "The provider wants an app password: make one in the security settings of the account and enter it here.", 0
	case says("not enabled", "is disabled", "not allowed to use", "access denied"):
		return presets.AccessOff, "Reading by " + strings.ToUpper(m.Protocol) + " is switched off for this account: switch it on in its settings at the provider, or ask the administrator.", 0
	case says("unavailable", "temporar", "try again", "internal error", "contactadmin"):
		return KindUnreachable, "The server has trouble of its own. It is tried again by itself.", 0
	}
	var no refused
	if errors.As(s.Err, &no) {
		return presets.BadLogin, "The login was not accepted: check user name (often the whole address) and password. Many providers want an app password, and want IMAP or POP3 to be switched on in the account.", 0
	}
	return KindClosed, "The connection ended at the login. It is tried again by itself.", 0
}

// network explains what happened below the protocol.
func network(m Mailbox, err error) (Kind, string) {
	var dns *net.DNSError
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var timeout net.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return KindHost, "There is no host " + m.Host + ": check the name for typing errors."
	case errors.As(err, &dns):
		return KindUnreachable, "The name " + m.Host + " could not be looked up: see that DNS works on this machine."
	case errors.As(err, &name):
		return KindCertificate, "The server's certificate is for another name: enter the host that the certificate names, as the provider writes it."
	case errors.As(err, &authority):
		return KindCertificate, "The server's certificate is signed by nobody this machine trusts. On an own server use a certificate of a public authority, or add the authority to this machine's trusted ones."
	case errors.As(err, &invalid):
		return KindCertificate, "The server's certificate is not valid, perhaps because it has expired: it has to be renewed there. See that this machine's clock is right too."
	case errors.As(err, &record):
		return KindTLS, "The server does not speak TLS on this port: choose STARTTLS, or port " + portText(m.Protocol) + " for TLS from the start."
	case errors.Is(err, syscall.ECONNREFUSED):
		return KindUnreachable, "Nobody listens there: check host and port, and that the server runs."
	case errors.Is(err, errSlow), errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return KindTimeout, "The server does not answer in time: check host and port, and that no firewall is in between. It is tried again by itself."
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return KindUnreachable, "The server cannot be reached from this machine: check the network."
	}
	return "", ""
}

func portText(protocol string) string {
	if protocol == POP3 {
		return "995"
	}
	return "993"
}
