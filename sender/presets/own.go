package presets

import (
	"time"

	"postrider/sender/reply"
)

// own are the servers that deliver to the recipients themselves, and what is known of none.
func own() []Provider {
	postfix := Provider{
		ID: "postfix", Name: "Own Postfix", Kind: Own, AsOf: AsOf, Docs: "https://www.postfix.org/SASL_README.html",
		Endpoints: []Endpoint{{587, starttls}, {465, implicit}, {25, starttls}, {25, "none"}},
		Auth:      []string{auto, plain, login, cramMD5, scram, noAuth},
		Username:  Username{Hint: "A user of the server; none when it trusts this machine's address"},
		Password:  "That user's password",
		Needs: []Need{
			{"Let this machine relay: by a login on port 587, or by its address in mynetworks.", "https://www.postfix.org/postconf.5.html#mynetworks"},
			{"Give the server's address a name in reverse DNS that leads back to it, and use that name in EHLO.", "https://support.google.com/a/answer/81126"},
		},
		Limits: Limits{Connections: 50, RecipientsPerMessage: 1000, Source: "https://www.postfix.org/postconf.5.html#smtpd_client_connection_count_limit",
			Note: "Postfix's defaults for one client, to be changed there. What receivers allow is another matter."},
		Quota:          Quota{Text: "The server's own limit for this client is reached: raise it in its configuration, or set the relay's limit below it."},
		SigningProfile: "default", ReturnPath: "per_recipient", SiteLimits: true,
		Failures: []Failure{
			{Sample: "554 5.7.1 <a@b.example>: Relay access denied", Texts: []string{"relay access denied"}, Judgement: reply.Judgement{Reason: reply.ReasonRelayDenied},
				Remedy: "Postfix does not relay for this machine: log in on port 587, or add the machine's address to mynetworks."},
			{Sample: "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6", Stage: reply.StageAuth, Code: 535, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
				Remedy: "Postfix did not accept the login: check user and password with \"doveadm auth test\" or testsaslauthd on the server; its mail log says more."},
			{Sample: "554 5.7.1 <client.example.net[192.0.2.1]>: Client host rejected: Access denied", Texts: []string{"client host rejected: access denied"}, Judgement: reply.Judgement{Reason: reply.ReasonRelayDenied},
				Remedy: "Postfix takes nothing from this machine without a login: log in, or add the machine's address to mynetworks."},
			{Sample: "450 4.7.1 Error: too many AUTH commands from 192.0.2.1", Texts: []string{"too many auth commands from", "too many new tls sessions from"}, Wait: time.Minute,
				Judgement: reply.Judgement{Reason: reply.ReasonTooManyConnections, Action: reply.ActionSlowDown},
				Remedy:    "Postfix limits how often this machine connects: use fewer connections with more messages on each, or raise smtpd_client_auth_rate_limit and smtpd_client_new_tls_session_rate_limit."},
			{Sample: "421 4.7.0 mail.example.org Error: too many connections from 192.0.2.1", Texts: []string{"too many connections from"}, Judgement: reply.Judgement{Reason: reply.ReasonTooManyConnections},
				Remedy: "Postfix has too many connections of this machine: lower the relay's connections, or raise smtpd_client_connection_count_limit."},
			{Sample: "450 4.7.1 Error: too much mail from 192.0.2.1", Texts: []string{"too much mail from", "too many recipients from"}, Judgement: reply.Judgement{Reason: reply.ReasonRateLimited, Fault: reply.FaultUs},
				Remedy: "Postfix limits the messages of this machine: lower the relay's rate, or raise smtpd_client_message_rate_limit and smtpd_client_recipient_rate_limit."},
			{Sample: "553 5.7.1 <a@example.org>: Sender address rejected: not owned by user news", Texts: []string{"not owned by user"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "Postfix does not let this login send as that address: add it to smtpd_sender_login_maps, or use another From."},
			{Sample: "450 4.1.8 <a@b.example>: Sender address rejected: Domain not found", Code: 450, Texts: []string{"sender address rejected: domain not found"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected, Action: reply.ActionRetry},
				Remedy: "Postfix cannot look up the domain of the return path at the moment: it is tried again; see that the domain has an MX or A record and that the server's resolver answers."},
			{Sample: "550 5.1.8 <a@b.example>: Sender address rejected: Domain not found", Texts: []string{"sender address rejected: domain not found"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
				Remedy: "Postfix does not find the domain of the return path in DNS: give it an MX or A record, or use another From."},
			{Sample: "451 4.3.5 Server configuration error", Texts: []string{"server configuration error", "server configuration problem", "temporary lookup failure", "queue file write error"}, Judgement: reply.Judgement{Reason: reply.ReasonSystem, Fault: reply.FaultUs},
				Remedy: "The Postfix server itself is in trouble, with its configuration, a table, or its disk: its mail log says with which."},
			{Sample: "552 5.3.4 Message size exceeds fixed limit", Status: "5.3.4", Judgement: reply.Judgement{Reason: reply.ReasonSize},
				Remedy: "The message is larger than Postfix takes: use smaller images and attachments, or raise message_size_limit."},
			{Sample: "452 4.3.1 Insufficient system storage", Status: "4.3.1", Judgement: reply.Judgement{Reason: reply.ReasonSystem, Fault: reply.FaultUs},
				Remedy: "The disk of the Postfix server is full: make room in its queue directory."},
		},
	}
	return []Provider{postfix, exim(postfix), generic()}
}

func exim(postfix Provider) Provider {
	e := postfix
	e.ID, e.Name, e.Docs = "exim", "Own Exim", "https://www.exim.org/exim-html-current/doc/html/spec_html/ch-smtp_authentication.html"
	e.Needs = []Need{
		{"Let this machine relay: by a login, or by its address in relay_from_hosts.", "https://www.exim.org/exim-html-current/doc/html/spec_html/ch-the_default_configuration_file.html"},
		postfix.Needs[1],
	}
	e.Limits = Limits{Connections: 20, MessagesPerConnection: 1000, Source: "https://www.exim.org/exim-html-current/doc/html/spec_html/ch-main_configuration.html",
		Note: "Exim's defaults (smtp_accept_max, smtp_accept_max_per_connection), for all clients together."}
	e.Failures = []Failure{
		{Sample: "550 relay not permitted", Texts: []string{"relay not permitted", "relay prohibited"}, Judgement: reply.Judgement{Reason: reply.ReasonRelayDenied},
			Remedy: "Exim does not relay for this machine: log in, or add the machine's address to relay_from_hosts."},
		{Sample: "535 Incorrect authentication data", Stage: reply.StageAuth, Code: 535, Judgement: reply.Judgement{Reason: reply.ReasonAuthFailed},
			Remedy: "Exim did not accept the login: check user and password; its main log says more."},
		{Sample: "550 Domain example.org has exceeded the max emails per hour (105/100 (105%)) allowed. Message discarded.", Texts: []string{"max emails per hour", "max defers and failures per hour"}, Wait: time.Hour, Judgement: reply.Judgement{Reason: reply.ReasonQuotaExhausted},
			Remedy: "The hosting panel allows no more mail of this domain in this hour: set the relay's limit per hour below the number in the reply, or have it raised."},
		{Sample: "550 Administrative prohibition", Texts: []string{"administrative prohibition"}, Judgement: reply.Judgement{Reason: reply.ReasonPolicy, Fault: reply.FaultUs, Action: reply.ActionFail},
			Remedy: "A rule (ACL) of this Exim refused the message: its main log says which."},
		{Sample: "451 Temporary local problem - please try later", Texts: []string{"temporary local problem"}, Judgement: reply.Judgement{Reason: reply.ReasonSystem, Fault: reply.FaultUs},
			Remedy: "The Exim server itself is in trouble, often with a file, a database or DNS that a rule asks: its main and panic logs say with what."},
		{Sample: "552 Message size exceeds maximum permitted", Texts: []string{"message size exceeds"}, Judgement: reply.Judgement{Reason: reply.ReasonSize},
			Remedy: "The message is larger than Exim takes: use smaller images and attachments, or raise message_size_limit."},
		{Sample: "421 Too many concurrent SMTP connections; please try again later.", Texts: []string{"too many concurrent smtp connections"}, Judgement: reply.Judgement{Reason: reply.ReasonTooManyConnections},
			Remedy: "Exim has as many connections as smtp_accept_max allows: lower the relay's connections, or raise it."},
		{Sample: "421 Too many messages on this connection", Texts: []string{"too many messages"}, Judgement: reply.Judgement{Reason: reply.ReasonTooManyConnections},
			Remedy: "Exim takes fewer messages on one connection: lower the relay's messages per connection, or raise smtp_accept_max_per_connection."},
		{Sample: "550 Sender verify failed", Texts: []string{"sender verify failed"}, Judgement: reply.Judgement{Reason: reply.ReasonSenderRejected},
			Remedy: "Exim cannot find the domain of the return path: give the bounce domain an MX record."},
		{Sample: "452 space shortage, please try later", Texts: []string{"space shortage"}, Judgement: reply.Judgement{Reason: reply.ReasonSystem, Fault: reply.FaultUs},
			Remedy: "The disk of the Exim server is full: make room for its spool."},
	}
	return e
}

// generic claims nothing: its replies are judged by the general rules.
func generic() Provider {
	return Provider{
		ID: "generic", Name: "Another SMTP server", Reading: ownReading(), Kind: Generic, AsOf: AsOf, Docs: "https://www.rfc-editor.org/rfc/rfc6409",
		Endpoints:      []Endpoint{{587, starttls}, {465, implicit}, {2525, starttls}, {25, starttls}, {25, "none"}},
		Auth:           []string{auto, plain, login, cramMD5, scram, xoauth2, noAuth},
		Username:       Username{Hint: "As the provider says; often the whole address"},
		Password:       "As the provider says; often an app password made for this purpose",
		Needs:          []Need{{"Look up host, port and limits at the provider, and enter its limits below.", "https://www.rfc-editor.org/rfc/rfc6409"}},
		Limits:         Limits{Note: "Unknown: begin slowly and watch the replies.", Source: "https://www.rfc-editor.org/rfc/rfc6409"},
		Quota:          Quota{Text: "The account's quota is used up: wait until its window opens again, often 24 hours, and set the relay's limits to the provider's numbers."},
		SigningProfile: "default", ReturnPath: "per_recipient",
	}
}
