package reply

import "strings"

// hint is a sentence for replies that hold one of the texts.
type hint struct {
	text   []string
	remedy string
}

// authHints explain failed logins; the providers' texts differ more than their
// codes do.
var authHints = []hint{
	{texts("invalid_grant", "xoauth2 status 400", "xoauth2 status 401"), "The permission to send from this account has ended or was withdrawn: connect the account again and enter the new refresh token here."},
	{texts("invalid_client", "unauthorized_client"), "The token service does not know this client id, or its secret is wrong or has run out: copy both again from the provider's console."},
	{texts("token service"), "The token service gave no access token: check the token URL, the client id and the refresh token."},
	{texts("basic authentication"), "The provider no longer accepts passwords over SMTP: choose XOAUTH2 and connect the account with OAuth, or ask its administrator to allow basic authentication."},
	{texts("application-specific password", "application password", "parol prilozheniya"), "The provider wants an app password: turn on two-step verification, create an app password in the account's security settings and enter it here."},
	{texts("does not have access rights", "imap is disabled", "smtp is disabled", "smtpclientauthentication is disabled"), "Access for mail programs is switched off for this account: enable IMAP/SMTP access in its web settings, create an app password and enter it here."},
	{texts("too many login attempts", "too many failed", "too many"), "The provider saw too many logins: wait ten minutes, then use fewer connections for this relay."},
	{texts("unauthorized ip", "ip address is not authorized", "ip not allowed", "ip address is not whitelisted"), "This server's IP address is not on the provider's allow list: add it in the provider's security settings."},
	{texts("web browser"), "The provider wants to see the owner: log in to the account once in a web browser from this network, then test again."},
	{texts("username and password not accepted", "badcredentials"), "The user name or password was refused: use an app password (not the account's normal password) and check the full address as user name."},
	{texts("before tls", "unencrypted"), "The login would travel unencrypted: choose STARTTLS (port 587) or TLS (port 465) for this relay."},
	{texts("unrecognized authentication type", "unrecognised authentication type"), "The server does not take this way to log in: choose another one for this relay; with automatic the server's offer decides."},
	{texts("auth command used when not advertised", "authentication not enabled"), "The server takes no login on this connection: choose encryption for this relay, since most servers offer a login only over TLS, or set authentication to none if the relay accepts mail by IP address."},
	{texts("authentication required", "authorization required", "auth required", "not authenticated", "must be authenticated", "unauthenticated", "auth command first", "must issue an auth"), "The server wants a login: choose a way to log in for this relay, and enter user name and password."},
	{texts("offer"), "The server does not offer the chosen way to log in: set authentication to automatic, or to none if the relay accepts mail by IP address."},
}

// Remedy is one plain sentence on what a person can do about a reply, or ""
// when nothing needs doing (accepted, or deferred by the receiver's own wish).
func Remedy(c Class, r Reply) string {
	text := strings.ToLower(r.Text)
	switch c.Reason {
	case ReasonAuthFailed:
		if c.Permanence == Transient && r.Code != 0 && !strings.Contains(text, "too many") {
			return "The server could not check the login just now: it is tried again by itself. If it stays so, look at the server's log, or ask whoever keeps it."
		}
		return authRemedy(text)
	case ReasonNetwork, ReasonTLSRequired:
		return connectionRemedy(c, r, text)
	case ReasonRateLimited:
		if c.Fault == FaultReceiver {
			return "This one mailbox gets more mail at the moment than its provider lets in: it is tried again later by itself."
		}
	case ReasonProtocol:
		if strings.Contains(text, "helo") || strings.Contains(text, "ehlo") || strings.Contains(text, "fully-qualified hostname") {
			return "The server does not take the name that this program gives in EHLO: enter a full host name for the relay that leads to this machine in DNS, such as mail.example.org."
		}
	case ReasonBlocked:
		if c.Fault == FaultAccount {
			return "The provider has blocked sending from this account: stop, look for its notice in the account and ask its support to lift the block."
		}
		return "The receiver blocks this sending address or IP: look it up on the block list named in the reply, fix the cause and ask for removal."
	}
	return plainRemedy(c.Reason)
}

func authRemedy(text string) string {
	for _, h := range authHints {
		for _, t := range h.text {
			if strings.Contains(text, t) {
				return h.remedy
			}
		}
	}
	return "The server refused the login: check user name and password, use an app password where the provider has them, and check that the host name is the one for your region (for example smtp.zoho.eu, not smtp.zoho.com)."
}

func connectionRemedy(c Class, r Reply, text string) string {
	switch {
	case strings.Contains(text, "certificate") || strings.Contains(text, "x509"):
		return "The server's TLS certificate does not fit: check that the host name is exactly the provider's, and that the certificate is valid and from a known authority."
	case r.Stage == StageStartTLS && r.Code == 0:
		return "The server does not offer STARTTLS on this port: choose TLS with port 465, or check the port."
	case r.Stage == StageStartTLS && !r.Permanent():
		return "The server cannot encrypt just now: it is tried again by itself. If it stays so, its certificate and key need a look by whoever keeps it."
	case r.Stage == StageTLS:
		return "The TLS handshake failed: port 465 wants TLS, ports 587 and 25 want STARTTLS; check that port and encryption fit together."
	case c.Reason == ReasonTLSRequired:
		return "The server insists on encryption: choose STARTTLS (port 587) or TLS (port 465) for this relay."
	case r.Stage == StageAuth && strings.Contains(text, "token service"):
		return "The token service did not answer as it should: check the token URL, and that this machine can reach it; it is asked again by itself."
	case strings.Contains(text, "no such host"):
		return "The host name does not exist: check its spelling."
	case strings.Contains(text, "refused"):
		return "Nothing answers at this host and port: check both, and that no firewall blocks outgoing SMTP."
	case r.Stage == StageConnect || r.Stage == StageGreeting:
		return "The server did not answer in time: check host and port, and that your hosting company does not block outgoing SMTP (ports 25, 465, 587)."
	}
	return "The connection broke: it is tried again; if it keeps happening, check the network between here and the relay."
}

func plainRemedy(r Reason) string {
	switch r {
	case ReasonQuotaExhausted:
		return "The account's sending quota is used up: wait until its window opens again (often 24 hours) or raise the plan, and set the relay's limits to the provider's numbers."
	case ReasonRateLimited:
		return "The receiver wants fewer messages at a time: lower the relay's rate; sending goes on slowly by itself."
	case ReasonTooManyConnections:
		return "Too many connections at once: lower the relay's number of connections."
	case ReasonSenderRejected:
		return "The relay does not accept this From or return-path address: verify the address or domain with the provider, or use the account's own address as sender."
	case ReasonRelayDenied:
		return "The relay does not send for us: switch authentication on, or register this server's IP address and the sender's domain with it."
	case ReasonAuthentication:
		return "The sending domain is not authenticated: publish SPF, DKIM and DMARC records and a matching reverse DNS name, then check the domain here."
	case ReasonReputation:
		return "The receiver distrusts this sender for now: send less, only to people who asked for it, and watch complaints."
	case ReasonPolicy:
		return "The receiver's policy refused the message: read its reply; the address itself may be fine."
	case ReasonSpamContent:
		return "The message was judged to be spam: check its wording, links and images, and that the domain is authenticated."
	case ReasonContent:
		return "The message's content or form was refused: check attachments, links and headers."
	case ReasonSize:
		return "The message is too big for the server: use fewer or smaller images and attachments."
	case ReasonProtocol:
		return "The server did not understand the dialogue: check that host and port are really an SMTP submission server."
	case ReasonUserUnknown, ReasonMailboxDisabled, ReasonDomainNotFound:
		return "The address does not exist or is no longer in use: correct it or remove it."
	}
	return ""
}
