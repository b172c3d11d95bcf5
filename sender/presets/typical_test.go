package presets

import (
	"strings"
	"testing"

	"postrider/sender/reply"
)

// typical is a failure that users of a provider meet, with what they are told.
type typical struct {
	provider string
	stage    reply.Stage
	text     string // without a code at its beginning it is an error of our own
	reason   reply.Reason
	fault    reply.Fault
	action   reply.Action
	remedy   string // a part of it; "" when there must be none
}

// TestTypicalFailuresOfProviders goes through what goes wrong with each provider.
func TestTypicalFailuresOfProviders(t *testing.T) {
	t.Parallel()
	const (
		auth, greeting, mail, rcpt, dot = reply.StageAuth, reply.StageGreeting, reply.StageMail, reply.StageRcpt, reply.StageDot
		account, us, reputation         = reply.FaultAccount, reply.FaultUs, reply.FaultReputation
		stop, slow, fail, retry         = reply.ActionStopRelay, reply.ActionSlowDown, reply.ActionFail, reply.ActionRetry
		login, sender, quota            = reply.ReasonAuthFailed, reply.ReasonSenderRejected, reply.ReasonQuotaExhausted
		blocked, rate, crowded          = reply.ReasonBlocked, reply.ReasonRateLimited, reply.ReasonTooManyConnections
	)
	for _, tc := range []typical{
		{"gmail", auth, "535 5.7.8 Username and Password not accepted", login, account, stop, "app password"},
		{"gmail", auth, "535 5.7.8 Username and Password not accepted (XOAUTH2 status 400)", login, account, stop, "connect the account again"},
		{"gmail", auth, "454 4.7.0 Temporary authentication failure", login, us, slow, "tried again by itself"},
		{"gmail", mail, "421 4.7.0 Temporary System Problem. Try again later (WS).", reply.ReasonSystem, reply.FaultReceiver, retry, ""},
		{"gmail", mail, "550 5.4.5 Daily user sending limit exceeded.", quota, account, stop, "Wait a day"},
		{"gmail", dot, "552 5.2.3 Your message exceeded Google's message size limits.", reply.ReasonSize, reply.FaultContent, fail, "smaller images"},
		{"google-relay", rcpt, "550 5.7.0 Email relay denied 192.0.2.1", reply.ReasonRelayDenied, account, stop, "Admin console"},
		{"google-relay", mail, "550 5.4.5 Daily SMTP relay limit exceeded for user", quota, account, stop, "spread the mailing"},
		{"yandex", mail, "503 5.5.4 Error: send AUTH command first.", login, account, stop, "wants a login"},
		{"yandex", rcpt, "451 4.5.1 The recipient <a@yandex.ru> has exceeded their message rate limit. Try again later.", rate, reply.FaultReceiver, retry, "tried again later"},
		{"yandex", rcpt, "452 4.5.3 Recipients limit exceeded for a day", quota, account, stop, "24 hours longer"},
		{"mailru", mail, "503 5.5.1 SMTP authorization required", login, account, stop, "wants a login"},
		{"mailru", dot, "550 5.7.1 This message was not accepted due to domain owner DMARC policy", reply.ReasonAuthentication, us, fail, "DMARC"},
		{"outlook", auth, "504 5.7.4 Unrecognized authentication type", login, account, stop, "XOAUTH2"},
		{"outlook", dot, "550 5.2.0 Sender throttled due to continuous invalid recipients errors; STOREDRV.Submission.Exception", rate, account, slow, "clean the list"},
		{"outlook", dot, "554 5.2.0 STOREDRV.Submission.Exception:OutboundSpamException; WASCL UserAction verdict is Suspend", reply.ReasonSpamContent, reply.FaultContent, fail, "Microsoft takes the message for spam"},
		{"microsoft365", mail, "530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM", login, account, stop, "wants a login"},
		{"microsoft365", dot, "550 5.7.232 Your message can't be sent because your trial tenant has exceeded its daily limit for sending email to external recipients", quota, account, stop, "whole organisation"},
		{"microsoft365", dot, "550 5.7.750 Service unavailable. Client blocked from sending from unregistered domains", sender, account, stop, "add and verify it"},
		{"microsoft365", mail, "421 4.4.2 Message submission rate for this client has exceeded the configured limit", rate, account, slow, "30 messages a minute"},
		{"microsoft365", mail, "451 4.7.500 Server busy. Please try again later from [192.0.2.1].", rate, reputation, slow, "fewer messages"},
		{"microsoft365", dot, "550 5.7.501 Access denied, spam abuse detected", blocked, account, stop, "Microsoft's support"},
		{"ses", dot, "554 Configuration set does not exist: news", blocked, account, stop, "configuration set"},
		{"ses", mail, "501 Invalid MAIL FROM address provided", sender, account, stop, "return path"},
		{"ses", dot, "552 Message is too long.", reply.ReasonSize, reply.FaultContent, fail, "too big"},
		{"ses", auth, "454 Temporary authentication failure", login, us, slow, "tried again by itself"},
		{"sendgrid", auth, "535 Authentication failed: The requestor's IP Address is not whitelisted", login, account, stop, "IP Access Management"},
		{"sendgrid", auth, "535 Authentication failed: account disabled", blocked, account, stop, "disabled"},
		{"sendgrid", auth, "535 Authentication failed: Bad username / password", login, account, stop, "word apikey"},
		{"sendgrid", dot, "451 You have exceeded your messaging limits", quota, account, stop, "change the plan"},
		{"mailgun", dot, "421 Domain mg.example.org is not allowed to send: recipient limit exceeded. Try again after Tue, 12 Apr 2016 18:06:20 GMT", quota, account, stop, "used up"},
		{"mailgun", dot, "550 Domain mg.example.org is not allowed to send: Free accounts are for test purposes only. Please upgrade or add the address to authorized recipients", sender, account, stop, "upgrade"},
		{"mailgun", dot, "421 Domain mg.example.org is not allowed to send: The domain is unverified", blocked, account, stop, "domain's page"},
		{"brevo", dot, "550 5.7.1 Sending has been rejected because the sender you used a@b.example is not valid. Validate your sender or authenticate your domain", sender, account, stop, "Senders, domains"},
		{"brevo", auth, "525 5.7.1 Unauthorized IP address", login, account, stop, "Authorized IPs"},
		{"sparkpost", mail, "530 5.7.1 Authentication required", login, account, stop, "wants a login"},
		{"sparkpost", dot, "420 4.0.0 Exceed Sending Limit (hourly)", quota, account, stop, "used up"},
		{"postmark", dot, "450 4.7.1 Your account has run out of credits", quota, account, stop, "change the plan"},
		{"mandrill", dot, "550 5.7.1 unsigned domain", sender, account, stop, "authenticate it"},
		{"zoho", dot, "554 5.2.3 MailPolicy violation Error delivering to mailboxes", reply.ReasonPolicy, account, fail, "policy of the Zoho organisation"},
		{"zoho", mail, "550 5.4.6 Unusual sending activity detected. Please try after sometime", blocked, account, stop, "UnblockMe"},
		{"fastmail", rcpt, "550 5.7.1 daily sending limit reached", quota, account, stop, "wait a day"},
		{"fastmail", rcpt, "451 4.7.1 You have exceeded the rate limit", rate, account, slow, "limit per hour"},
		{"icloud", rcpt, "550 5.7.1 Access denied - sending limit", quota, account, stop, "wait a day"},
		{"icloud", dot, "554 5.7.1 [HM08] Message rejected due to local policy.", reply.ReasonSpamContent, reply.FaultContent, fail, "wording and links"},
		{"yahoo", dot, "553 From: address not verified; see http://help.yahoo.com/l/us/yahoo/mail/original/manage/sendfrom-07.html", sender, account, stop, "own addresses"},
		{"yahoo", dot, "550 Request failed; Mailbox unavailable", sender, account, stop, "not about the recipient"},
		{"yahoo", dot, "554 Message not allowed - [PH01] Email not accepted for policy reasons.", reply.ReasonSpamContent, reply.FaultContent, fail, "links"},
		{"yahoo", rcpt, "550 5.7.1 Sorry, you have sent too many messages", quota, account, stop, "wait a day"},
		{"gmx", mail, "530 Authentication required", login, account, stop, "wants a login"},
		{"gmx", greeting, "554 gmx.net Nemesis ESMTP Service not available No SMTP service Bad DNS PTR resource record.", reply.ReasonAuthentication, us, slow, "reverse DNS"},
		{"postfix", rcpt, "554 5.7.1 <c.example.net[192.0.2.1]>: Client host rejected: Access denied", reply.ReasonRelayDenied, account, stop, "mynetworks"},
		{"postfix", rcpt, "450 4.7.1 Error: too many recipients from 192.0.2.1", rate, us, slow, "smtpd_client_recipient_rate_limit"},
		{"postfix", auth, "450 4.7.1 Error: too many AUTH commands from 192.0.2.1", crowded, us, slow, "smtpd_client_auth_rate_limit"},
		{"postfix", reply.StageStartTLS, "454 4.7.0 Error: too many new TLS sessions from 192.0.2.1", crowded, us, slow, "fewer connections"},
		{"postfix", reply.StageStartTLS, "454 4.7.0 TLS not available due to local problem", reply.ReasonTLSRequired, us, retry, "certificate and key"},
		{"postfix", mail, "550 5.1.8 <a@x.example>: Sender address rejected: Domain not found", sender, account, stop, "MX or A record"},
		{"postfix", mail, "450 4.1.8 <a@x.example>: Sender address rejected: Domain not found", sender, account, retry, "at the moment"},
		{"postfix", mail, "451 4.3.0 <a@b.example>: Temporary lookup failure", reply.ReasonSystem, us, retry, "mail log"},
		{"postfix", mail, "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", reply.ReasonProtocol, us, stop, "in EHLO"},
		{"postfix", dot, "552 5.3.4 Error: message file too big", reply.ReasonSize, reply.FaultContent, fail, "message_size_limit"},
		{"exim", mail, "550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)", reply.ReasonProtocol, us, stop, "in EHLO"},
		{"exim", auth, "435 Unable to authenticate at present", login, us, slow, "tried again by itself"},
		{"exim", auth, "503 AUTH command used when not advertised", login, account, stop, "only over TLS"},
		{"exim", rcpt, "550 Administrative prohibition", reply.ReasonPolicy, us, fail, "ACL"},
		{"exim", rcpt, "451 Temporary local problem - please try later", reply.ReasonSystem, us, retry, "panic logs"},
		{"exim", rcpt, "550 Domain example.org has exceeded the max emails per hour (105/100 (105%)) allowed. Message discarded.", quota, account, stop, "number in the reply"},
		{"generic", mail, "455 Maximum messages sent per day reached : limit is 200", quota, account, stop, "quota is used up"},
	} {
		tc.check(t)
	}
}

// TestUsualFailuresOfAnyProvider: what can go wrong with everybody is understood with everybody, and what is about a person stays so.
func TestUsualFailuresOfAnyProvider(t *testing.T) {
	t.Parallel()
	for _, p := range All() {
		for _, tc := range []typical{
			{"", reply.StageConnect, "dial tcp 192.0.2.1:587: connect: connection refused", reply.ReasonNetwork, reply.FaultNetwork, reply.ActionRetry, "firewall"},
			{"", reply.StageConnect, "lookup smtp.exmaple.org: no such host", reply.ReasonNetwork, reply.FaultNetwork, reply.ActionStopRelay, "spelling"},
			{"", reply.StageConnect, "dial tcp 192.0.2.1:25: i/o timeout", reply.ReasonNetwork, reply.FaultNetwork, reply.ActionRetry, "did not answer"},
			{"", reply.StageStartTLS, "the server does not offer STARTTLS", reply.ReasonTLSRequired, reply.FaultUs, reply.ActionStopRelay, "port 465"},
			{"", reply.StageTLS, "tls: failed to verify certificate: x509: certificate is valid for a, not b", reply.ReasonTLSRequired, reply.FaultUs, reply.ActionStopRelay, "host name"},
			{"", reply.StageAuth, "the token service answered 400: invalid_grant", reply.ReasonAuthFailed, reply.FaultAccount, reply.ActionStopRelay, "connect the account again"},
			{"", reply.StageMail, "530 5.7.0 Must issue a STARTTLS command first", reply.ReasonTLSRequired, reply.FaultUs, reply.ActionStopRelay, "insists on encryption"},
			{"", reply.StageMail, "530 5.7.1 Authentication required", reply.ReasonAuthFailed, reply.FaultAccount, reply.ActionStopRelay, "wants a login"},
			{"", reply.StageMail, "421 4.7.0 Too many connections from 192.0.2.1", reply.ReasonTooManyConnections, reply.FaultUs, reply.ActionSlowDown, "connections"},
			{"", reply.StageDot, "552 5.3.4 Message size exceeds fixed limit", reply.ReasonSize, reply.FaultContent, reply.ActionFail, "smaller images"},
			{"", reply.StageRcpt, "550 5.1.1 <a@b.example>: User unknown", reply.ReasonUserUnknown, reply.FaultRecipient, reply.ActionSuppress, "does not exist"},
			{"", reply.StageRcpt, "452 4.2.2 Mailbox full", reply.ReasonMailboxFull, reply.FaultReceiver, reply.ActionRetry, ""},
			{"", reply.StageRcpt, "450 4.2.0 Greylisted, try again in 5 minutes", reply.ReasonGreylisted, reply.FaultReceiver, reply.ActionRetrySoon, ""},
		} {
			tc.provider = p.ID
			tc.check(t)
		}
	}
}

func (tc typical) check(t *testing.T) {
	t.Helper()
	r := reply.Reply{Text: tc.text}
	if tc.text[0] >= '2' && tc.text[0] <= '5' {
		var err error
		if r, err = reply.Find(tc.text); err != nil {
			t.Errorf("%s: %v", tc.text, err)
		}
	}
	r.Stage = tc.stage
	e := Explain(tc.provider, r)
	if c := e.Class; c.Reason != tc.reason || c.Fault != tc.fault || c.Action != tc.action {
		t.Errorf("%s, %s: %s\n got %s %s %s\nwant %s %s %s", tc.provider, tc.stage, tc.text, c.Reason, c.Fault, c.Action, tc.reason, tc.fault, tc.action)
	}
	if !strings.Contains(e.Remedy, tc.remedy) || (tc.remedy == "") != (e.Remedy == "") {
		t.Errorf("%s, %s: %s\nremedy %q, want …%s…", tc.provider, tc.stage, tc.text, e.Remedy, tc.remedy)
	}
}
