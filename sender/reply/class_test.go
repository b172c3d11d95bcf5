package reply

import (
	"strings"
	"testing"
)

// want is the expected judgement: reason, fault, action.
type want struct {
	reason Reason
	fault  Fault
	action Action
}

var (
	unknownUser  = want{ReasonUserUnknown, FaultRecipient, ActionSuppress}
	quota        = want{ReasonQuotaExhausted, FaultAccount, ActionStopRelay}
	badLogin     = want{ReasonAuthFailed, FaultAccount, ActionStopRelay}
	rateUs       = want{ReasonRateLimited, FaultReputation, ActionSlowDown}
	crowded      = want{ReasonTooManyConnections, FaultUs, ActionSlowDown}
	notAuthentic = want{ReasonAuthentication, FaultUs, ActionFail}
	listed       = want{ReasonBlocked, FaultReputation, ActionFail}
	listedSoft   = want{ReasonBlocked, FaultReputation, ActionSlowDown}
	badSender    = want{ReasonSenderRejected, FaultAccount, ActionStopRelay}
	noRelay      = want{ReasonRelayDenied, FaultAccount, ActionStopRelay}
	spamHard     = want{ReasonSpamContent, FaultContent, ActionFail}
	policyHard   = want{ReasonPolicy, FaultReputation, ActionBounce}
	fullHard     = want{ReasonMailboxFull, FaultReceiver, ActionBounce}
	fullSoft     = want{ReasonMailboxFull, FaultReceiver, ActionRetry}
	grey         = want{ReasonGreylisted, FaultReceiver, ActionRetrySoon}
	disabled     = want{ReasonMailboxDisabled, FaultRecipient, ActionSuppress}
	noDomain     = want{ReasonDomainNotFound, FaultRecipient, ActionSuppress}
	needTLS      = want{ReasonTLSRequired, FaultUs, ActionStopRelay}
	tooBig       = want{ReasonSize, FaultContent, ActionFail}
)

// The texts are what providers send, as published or reported in public.
func TestClassifyProviders(t *testing.T) {
	t.Parallel()
	tests := []struct {
		stage Stage
		code  int
		text  string
		want  want
	}{
		// Gmail and Google Workspace
		{StageRcpt, 550, "5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos", unknownUser},
		{StageRcpt, 550, "5.2.1 The email account that you tried to reach is disabled.", disabled},
		{StageRcpt, 550, "5.2.1 The email account that you tried to reach is inactive.", disabled},
		{StageRcpt, 450, "4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.", want{ReasonRateLimited, FaultReceiver, ActionRetry}},
		{StageRcpt, 550, "5.2.1 The user you are trying to contact is receiving mail too quickly", want{ReasonRateLimited, FaultReceiver, ActionRetry}},
		{StageRcpt, 452, "4.2.2 The email account that you tried to reach is over quota.", fullSoft},
		{StageRcpt, 552, "5.2.2 The email account that you tried to reach is over quota.", fullHard},
		{StageDot, 550, "5.7.26 This mail is unauthenticated, which poses a security risk to the sender and Gmail users, and has been blocked.", notAuthentic},
		{StageDot, 550, "5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy.", notAuthentic},
		{StageDot, 421, "4.7.26 This mail has been rate limited because it is unauthenticated.", want{ReasonAuthentication, FaultUs, ActionSlowDown}},
		{StageDot, 550, "5.7.27 SPF did not pass", notAuthentic},
		{StageDot, 550, "5.7.30 DKIM did not pass", notAuthentic},
		{StageDot, 550, "5.7.25 The IP address sending this message does not have a PTR record setup", notAuthentic},
		{StageDot, 421, "4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address.", rateUs},
		{StageDot, 550, "5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited mail.", spamHard},
		{StageDot, 550, "5.7.1 Our system has detected that this message is likely suspicious due to the very low reputation of the sending domain.", want{ReasonReputation, FaultReputation, ActionFail}},
		{StageDot, 550, "5.7.29 This message was not sent over a TLS connection", needTLS},
		{StageDot, 552, "5.7.0 This message was blocked because its content presents a potential security issue.", want{ReasonContent, FaultContent, ActionFail}},
		{StageDot, 552, "5.3.4 Your message exceeded Google's message size limits.", tooBig},
		{StageDot, 554, "5.6.0 Mail message is malformed. Not accepted.", want{ReasonContent, FaultContent, ActionFail}},
		{StageAuth, 535, "5.7.8 Username and Password not accepted. For more information, go to", badLogin},
		{StageAuth, 534, "5.7.9 Application-specific password required.", badLogin},
		{StageAuth, 534, "5.7.14 Please log in through your web browser and then try again.", badLogin},
		{StageAuth, 454, "4.7.0 Too many login attempts, please try again later.", want{ReasonAuthFailed, FaultUs, ActionSlowDown}},
		{StageRcpt, 550, "5.4.5 Daily user sending limit exceeded.", quota},
		{StageRcpt, 550, "5.4.5 Daily SMTP relay limit exceeded for user.", quota},
		{StageRcpt, 550, "5.7.1 Daily SMTP relay sending limit exceeded for this customer.", quota},
		{StageRcpt, 450, "4.2.1 Peak SMTP relay limit exceeded for customer.", rateUs},
		{StageRcpt, 550, "5.7.0 Email relay denied [192.0.2.1]", noRelay},

		// Yandex
		{StageRcpt, 550, "5.7.1 No such user!", unknownUser},
		{StageAuth, 535, "5.7.8 Error: authentication failed: This user does not have access rights to this service", badLogin},
		{StageAuth, 535, "5.7.8 Error: authentication failed: Your message looks like spam", badLogin},
		{StageMail, 530, "5.7.7 Email sending without SSL/TLS encryption is not allowed", needTLS},
		{StageDot, 554, "5.7.1 [2] Message rejected under suspicion of SPAM", spamHard},
		{StageRcpt, 451, "4.7.1 Sorry, the service is currently unavailable. Please come back later.", grey},
		{StageRcpt, 550, "5.7.1 Policy rejection on the target address", policyHard},
		{StageMail, 553, "5.7.1 Sender address rejected: not owned by user.", badSender},

		// Mail.ru
		{StageAuth, 535, "5.7.0 NEOBHODIM parol prilozheniya https://help.mail.ru/mail/security/protection/external / Application password is REQUIRED", badLogin},
		{StageMail, 503, "SMTP authorization required", badLogin},
		{StageRcpt, 550, "Message was not accepted -- invalid mailbox.  Local mailbox a@mail.ru is unavailable: user not found", unknownUser},
		{StageRcpt, 550, "Message was not accepted -- invalid mailbox.  Local mailbox a@mail.ru is unavailable: account is disabled", disabled},
		{StageDot, 550, "spam message rejected. Please visit our postmaster page", spamHard},

		// Microsoft
		{StageAuth, 535, "5.7.139 Authentication unsuccessful, basic authentication is disabled.", badLogin},
		{StageAuth, 550, "5.7.30 Basic authentication is not supported for Client Submission.", badLogin},
		{StageDot, 550, "5.7.60 SMTP; Client does not have permissions to send as this sender", badSender},
		{StageMail, 432, "4.3.2 Concurrent connections limit exceeded.", crowded},
		{StageDot, 432, "4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded", crowded},
		{StageDot, 554, "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message", quota},
		{StageDot, 554, "5.2.2 mailbox full", fullHard},
		{StageRcpt, 550, "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", unknownUser},
		{StageRcpt, 550, "5.4.1 Recipient address rejected: Access denied. AS(201806281)", want{ReasonUserUnknown, FaultRecipient, ActionBounce}},
		{StageRcpt, 550, "5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", want{ReasonUserUnknown, FaultRecipient, ActionBounce}},
		{StageDot, 550, "5.7.515 Access denied, sending domain example.com doesn't meet the required authentication level.", notAuthentic},
		{StageMail, 550, "5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).", listed},
		{StageMail, 421, "RP-001 (BAY004-MC1F5) Unfortunately, some messages from 192.0.2.1 weren't sent. Please try again.", rateUs},
		{StageMail, 550, "SC-001 (COL004-MC4F11) Unfortunately, messages from 192.0.2.1 weren't sent.", listed},

		// Yahoo
		{StageMail, 421, "4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints", rateUs},
		{StageMail, 553, "5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list", listed},
		{StageRcpt, 554, "delivery error: dd This user doesn't have a yahoo.com account (a@yahoo.com) [0]", unknownUser},

		// Amazon SES
		{StageDot, 454, "Throttling failure: Maximum sending rate exceeded.", rateUs},
		{StageDot, 454, "Throttling failure: Daily message quota exceeded.", quota},
		{StageMail, 421, "Too many concurrent SMTP connections", crowded},
		{StageAuth, 535, "Authentication Credentials Invalid", badLogin},
		{StageDot, 554, "Message rejected: Email address is not verified. The following identities failed the check in region EU-WEST-1: a@example.com", badSender},

		// Zoho, SendGrid, Brevo, Oracle, Emailit, SocketLabs
		{StageDot, 550, "5.4.6 Unusual sending activity detected. Please try after sometime", want{ReasonBlocked, FaultAccount, ActionStopRelay}},
		{StageMail, 554, "5.1.8 Sender Address Blocked", badSender},
		{StageMail, 553, "Relaying disallowed as a@example.com", badSender},
		{StageAuth, 535, "Authentication Failed", badLogin},
		{StageAuth, 451, "Authentication failed: Maximum credits exceeded", quota},
		{StageAuth, 535, "5.7.0 Invalid login or password", badLogin},
		{StageAuth, 525, "5.7.1 Unauthorized IP address", badLogin},
		{StageMail, 455, "Maximum messages sent per minute reached : limit is 30", rateUs},
		{StageMail, 455, "Maximum messages sent per day reached : limit is 200", quota},
		{StageMail, 452, "4.4.5 Messages per second limit exceeded", rateUs},
		{StageMail, 452, "4.5.3 Daily message limit exceeded", quota},
		{StageGreeting, 421, "4.4.5 - Too many connections from your host", crowded},

		// Postfix, Exim and friends
		{StageRcpt, 550, "5.1.1 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox table", unknownUser},
		{StageRcpt, 450, "4.1.1 <a@b.example>: Recipient address rejected: unverified address: Address verification in progress", grey},
		{StageRcpt, 450, "4.2.0 <a@b.example>: Recipient address rejected: Greylisted, see http://postgrey.example/help", grey},
		{StageRcpt, 451, "4.7.1 Greylisting in action, please come back in 00:05:00", grey},
		{StageRcpt, 550, "5.1.2 <a@nx.example>: Recipient address rejected: Domain not found", noDomain},
		{StageRcpt, 556, "5.1.10 domain does not accept mail (nullMX)", noDomain},
		{StageRcpt, 554, "5.7.1 <a@b.example>: Relay access denied", noRelay},
		{StageRcpt, 554, "5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", listed},
		{StageRcpt, 550, "5.1.1 rejected: 192.0.2.1 is listed at bl.spamcop.net, user unknown", listed},
		{StageRcpt, 451, "4.7.1 Temporarily blocked, see our block list", listedSoft},
		{StageRcpt, 550, "5.7.1 Message rejected due to policy", policyHard},
		{StageRcpt, 550, "relay not permitted", noRelay},
		{StageRcpt, 550, "Unrouteable address", unknownUser},
		{StageRcpt, 550, "5.2.1 mailbox disabled, not accepting messages", disabled},
		{StageRcpt, 552, "sorry", fullHard},
		{StageRcpt, 452, "4.2.2 Mailbox size limit exceeded", fullSoft},
		{StageRcpt, 452, "4.3.1 Insufficient system storage", want{ReasonSystem, FaultReceiver, ActionRetry}},
		{StageMail, 552, "5.3.4 Message size exceeds fixed limit", tooBig},
		{StageRcpt, 550, "User jdoe (jdoe@b.example) not listed in Domino Directory", unknownUser},
		{StageRcpt, 550, "no", want{ReasonUnknown, FaultReceiver, ActionBounce}},
		{StageRcpt, 450, "no", want{ReasonSystem, FaultReceiver, ActionRetry}},
		{StageDot, 554, "Transaction failed", want{ReasonUnknown, FaultReceiver, ActionBounce}},
		{StageData, 503, "bad sequence of commands", want{ReasonProtocol, FaultUs, ActionFail}},
		{StageRcpt, 421, "Service shutting down", want{ReasonSystem, FaultReceiver, ActionRetry}},
		{StageDot, 250, "2.0.0 OK 1700000000 gsmtp", want{ReasonOK, FaultNone, ActionAccept}},
		{StageData, 354, "go ahead", want{ReasonOK, FaultNone, ActionAccept}},

		{StageAuth, 454, "4.7.0 Temporary authentication failure: Connection lost to authentication server", want{ReasonAuthFailed, FaultUs, ActionSlowDown}},
		{StageAuth, 435, "Unable to authenticate at present", want{ReasonAuthFailed, FaultUs, ActionSlowDown}},
		{StageAuth, 450, "4.7.1 Error: too many AUTH commands from 192.0.2.1", want{ReasonAuthFailed, FaultUs, ActionSlowDown}},
		{StageAuth, 504, "5.5.4 no such mechanism", badLogin},
		{"", 504, "5.7.4 Unrecognized authentication type", badLogin},
		{StageAuth, 503, "AUTH command used when not advertised", badLogin},
		{StageMail, 503, "5.5.4 Error: send AUTH command first.", badLogin},
		{StageAuth, 535, "Authentication failed: The requestor's IP Address is not whitelisted", badLogin},
		{StageStartTLS, 454, "4.7.0 TLS not available due to local problem", want{ReasonTLSRequired, FaultUs, ActionRetry}},
		{StageStartTLS, 454, "4.7.0 Error: too many new TLS sessions from 192.0.2.1", crowded},
		{StageMail, 504, "5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", want{ReasonProtocol, FaultUs, ActionStopRelay}},
		{StageMail, 550, "Access denied - Invalid HELO name (See RFC2821 4.1.1.1)", want{ReasonProtocol, FaultUs, ActionStopRelay}},
		{StageMail, 501, "Invalid MAIL FROM address provided", badSender},
		{StageMail, 501, "5.5.4 Syntax error in parameters", want{ReasonProtocol, FaultUs, ActionFail}},
		{StageMail, 421, "4.7.0 Temporary System Problem. Try again later (WS).", want{ReasonSystem, FaultReceiver, ActionRetry}},
		{StageMail, 451, "4.7.500 Server busy. Please try again later from [192.0.2.1].", rateUs},
		{StageMail, 421, "4.4.2 Message submission rate for this client has exceeded the configured limit", rateUs},
		{StageDot, 550, "5.2.0 Sender throttled due to continuous invalid recipients errors", rateUs},
		{StageRcpt, 451, "4.5.1 The recipient <a@yandex.ru> has exceeded their message rate limit. Try again later.", want{ReasonRateLimited, FaultReceiver, ActionRetry}},
		{StageRcpt, 550, "Domain example.org has exceeded the max emails per hour (105/100 (105%)) allowed. Message discarded.", quota},
		{StageDot, 451, "You have exceeded your messaging limits", quota},
		{StageRcpt, 550, "5.1.1 <a@b.example>: Recipient address rejected: undeliverable address: host mx.b.example[192.0.2.1] said: 550 5.4.5 Daily user sending limit exceeded", want{ReasonQuotaExhausted, FaultReceiver, ActionBounce}},
		{StageRcpt, 450, "4.1.1 <a@b.example>: Recipient address rejected: unverified address: host mx.b.example[192.0.2.1] said: 450 4.7.1 <x>: Relay access denied", want{ReasonRelayDenied, FaultReceiver, ActionRetry}},
		{StageDot, 554, "Configuration set does not exist: news", want{ReasonBlocked, FaultAccount, ActionStopRelay}},
		{StageDot, 552, "Message is too long.", tooBig},
		{StageGreeting, 554, "gmx.net No SMTP service Bad DNS PTR resource record.", want{ReasonAuthentication, FaultUs, ActionSlowDown}},

		// The stage forbids blaming a recipient.
		{StageMail, 550, "5.1.1 user unknown", badSender},
		{StageGreeting, 554, "5.7.1 No SMTP service here", want{ReasonPolicy, FaultReputation, ActionSlowDown}},
		{StageHelo, 550, "5.1.1 no such user", want{ReasonPolicy, FaultReputation, ActionSlowDown}},
		{StageAuth, 550, "5.7.1 refused", want{ReasonPolicy, FaultReputation, ActionStopRelay}},

		// No reply at all: the text is a local error.
		{StageConnect, 0, "dial tcp 192.0.2.1:587: connect: connection refused", want{ReasonNetwork, FaultNetwork, ActionRetry}},
		{StageConnect, 0, "lookup smtp.exmaple.com: no such host", want{ReasonNetwork, FaultNetwork, ActionStopRelay}},
		{StageTLS, 0, "tls: failed to verify certificate: x509: certificate signed by unknown authority", needTLS},
		{StageTLS, 0, "read tcp: i/o timeout", want{ReasonNetwork, FaultNetwork, ActionRetry}},
		{StageStartTLS, 0, "the server does not offer STARTTLS", needTLS},
		{StageAuth, 0, "the server does not offer AUTH", badLogin},
		{StageRcpt, 0, "EOF", want{ReasonNetwork, FaultNetwork, ActionRetry}},
	}
	for _, tc := range tests {
		r := Parse(tc.code, tc.text, tc.stage)
		c := Classify(r)
		if got := (want{c.Reason, c.Fault, c.Action}); got != tc.want {
			t.Errorf("%s: %s\n got %v\nwant %v", tc.stage, r, got, tc.want)
		}
	}
}

func TestOwnFaultNeverSuppresses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"5.7.1 rejected", "5.7.1 blocked by our blacklist, no such user here", "5.7.0 policy", "5.7.26 no",
		"5.7.28 rate", "5.7.510 no", "5.2.2 full", "5.3.4 big", "5.6.0 malformed", "blocked", "spam", "",
	} {
		for _, code := range []int{550, 551, 552, 553, 554, 571} {
			if c := Classify(Parse(code, text, StageRcpt)); c.Action == ActionSuppress {
				t.Errorf("%d %s suppresses: %+v", code, text, c)
			}
		}
	}
}

// TestEveryRuleIsReachable finds rules that an earlier one makes useless: each
// text of each rule must be able to decide for some code, status and stage.
func TestEveryRuleIsReachable(t *testing.T) {
	t.Parallel()
	for i := range rules {
		if !reachable(&rules[i]) {
			t.Errorf("rule %d never decides: %+v", i, rules[i])
		}
	}
}

func reachable(u *rule) bool {
	samples := u.text
	if samples == nil {
		samples = []string{""}
	}
	if u.with != nil {
		samples = nil
		for _, s := range u.text {
			for _, w := range u.with {
				samples = append(samples, s+" "+w, w+" "+s)
			}
		}
	}
	statuses := []string{""}
	if u.status != "" {
		four, five := strings.Replace(u.status, "x", "4", 1), strings.Replace(u.status, "x", "5", 1)
		statuses = []string{four, five, four + "99", five + "99"}
	}
	for _, code := range []int{421, 431, 432, 435, 447, 450, 451, 452, 454, 455, 500, 501, 504, 521, 523, 525, 530, 534, 535, 538, 550, 551, 552, 554, 556} {
		for _, st := range statuses {
			for _, stage := range []Stage{StageStartTLS, StageAuth, StageMail, StageRcpt, StageDot} {
				for _, s := range samples {
					r := Reply{Code: code, Status: st, Text: s, Stage: stage}
					if u.matches(r, s) && sameRule(match(r, s), *u) {
						return true
					}
				}
			}
		}
	}
	return false
}

func sameRule(a, b rule) bool {
	return a.code == b.code && a.status == b.status && a.stage == b.stage && len(a.text) == len(b.text) &&
		(len(a.text) == 0 || a.text[0] == b.text[0])
}

func TestRemedy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		stage Stage
		code  int
		text  string
		want  string
	}{
		{StageAuth, 535, "5.7.8 Username and Password not accepted.", "app password"},
		{StageAuth, 534, "5.7.9 Application-specific password required.", "app password"},
		{StageAuth, 535, "5.7.0 NEOBHODIM parol prilozheniya / Application password is REQUIRED", "app password"},
		{StageAuth, 535, "5.7.8 authentication failed: This user does not have access rights to this service", "web settings"},
		{StageAuth, 535, "5.7.139 Authentication unsuccessful, basic authentication is disabled.", "XOAUTH2"},
		{StageAuth, 454, "4.7.0 Too many login attempts, please try again later.", "fewer connections"},
		{StageAuth, 535, "Authentication Failed", "region"},
		{StageAuth, 525, "5.7.1 Unauthorized IP address", "allow list"},
		{StageAuth, 0, "the token service answered 400: invalid_grant", "connect the account again"},
		{StageAuth, 0, "the token service did not answer: EOF", "token URL"},
		{StageAuth, 535, "5.7.8 Username and Password not accepted (XOAUTH2 status 400)", "connect the account again"},
		{StageAuth, 0, "the token service answered 401: invalid_client", "client id"},
		{StageAuth, 0, "the server does not offer AUTH", "authentication to automatic"},
		{StageAuth, 454, "4.7.0 Temporary authentication failure", "tried again by itself"},
		{StageAuth, 504, "5.7.4 Unrecognized authentication type", "does not take this way to log in"},
		{StageAuth, 503, "AUTH command used when not advertised", "only over TLS"},
		{StageMail, 530, "5.7.1 Authentication required", "wants a login"},
		{StageMail, 503, "5.5.4 Error: send AUTH command first.", "wants a login"},
		{StageStartTLS, 454, "4.7.0 TLS not available due to local problem", "cannot encrypt just now"},
		{StageMail, 504, "5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", "in EHLO"},
		{StageRcpt, 451, "4.5.1 The recipient <a@yandex.ru> has exceeded their message rate limit.", "This one mailbox"},
		{StageMail, 500, "5.5.1 what", "really an SMTP submission server"},
		{StageAuth, 0, "PLAIN before TLS is refused", "unencrypted"},
		{StageStartTLS, 0, "the server does not offer STARTTLS", "port 465"},
		{StageTLS, 0, "x509: certificate is valid for a, not b", "host name"},
		{StageTLS, 0, "tls: first record does not look like a TLS handshake", "fit together"},
		{StageMail, 530, "5.7.0 Must issue a STARTTLS command first", "insists on encryption"},
		{StageConnect, 0, "connection refused", "firewall"},
		{StageConnect, 0, "lookup x: no such host", "spelling"},
		{StageConnect, 0, "i/o timeout", "did not answer"},
		{StageDot, 554, "Message rejected: Email address is not verified.", "verify the address"},
		{StageDot, 550, "5.4.6 Unusual sending activity detected.", "support"},
		{StageRcpt, 554, "5.7.1 blocked using zen.spamhaus.org", "block list"},
		{StageRcpt, 550, "5.4.5 Daily user sending limit exceeded.", "quota"},
		{StageRcpt, 550, "5.1.1 user unknown", "does not exist"},
		{StageDot, 250, "2.0.0 ok", ""},
		{StageRcpt, 451, "4.7.1 greylisted", ""},
	}
	for _, tc := range tests {
		r := Parse(tc.code, tc.text, tc.stage)
		got := Remedy(Classify(r), r)
		if !strings.Contains(got, tc.want) || (tc.want == "") != (got == "") {
			t.Errorf("%s: %q, want %q in it", r, got, tc.want)
		}
	}
}
