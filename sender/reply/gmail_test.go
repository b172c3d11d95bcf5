package reply

import "testing"

// TestGmailCodes goes through Google's published table of SMTP errors (support.google.com/a/answer/3726730, read 2026-11), with the words that tell the
// rows apart. What matters most: nothing that is about us may blame the person.
func TestGmailCodes(t *testing.T) {
	t.Parallel()
	softAuth := want{ReasonAuthentication, FaultUs, ActionSlowDown}
	malformed := want{ReasonContent, FaultContent, ActionFail}
	protocol := want{ReasonProtocol, FaultUs, ActionFail}
	system := want{ReasonSystem, FaultReceiver, ActionRetry}
	theirRate := want{ReasonRateLimited, FaultReceiver, ActionRetry}
	for _, tc := range []struct {
		stage Stage
		text  string
		want  want
	}{
		{StageMail, "421 4.3.0 Temporary System Problem. Try again later", system},
		{StageMail, "421 4.4.5 Server busy, try again later.", want{ReasonRateLimited, FaultReputation, ActionSlowDown}},
		{StageMail, "421 4.7.0 IP not in whitelist for RCPT domain, closing connection.", want{ReasonPolicy, FaultReputation, ActionRetry}},
		{StageDot, "421 4.7.0 This message is suspicious due to the very low reputation of the sending IP address.", want{ReasonReputation, FaultReputation, ActionSlowDown}},
		{StageDot, "421 4.7.0 This message is suspicious due to the nature of the content or the links within.", want{ReasonSpamContent, FaultContent, ActionSlowDown}},
		{StageRcpt, "421 4.7.0 TLS required for RCPT domain, closing connection.", needTLS},
		{StageDot, "421 4.7.23 The sending IP address for this message doesn't have a PTR record", softAuth},
		{StageDot, "451 4.7.24 The SPF record of the sending domain has one or more suspicious entries.", softAuth},
		{StageDot, "550 5.7.24 The SPF record of the sending domain has one or more suspicious entries.", notAuthentic},
		{StageDot, "421 4.7.26 This mail has been rate limited because it is unauthenticated.", softAuth},
		{StageDot, "451 4.7.26 Unauthenticated email is not accepted due to domain's DMARC policy, but temporary DNS failures prevent authentication.", softAuth},
		{StageDot, "421 4.7.27 Your email has been rate limited because SPF authentication didn't pass", softAuth},
		{StageDot, "421 4.7.28 Gmail has detected an unusual rate of mail originating from your DKIM domain", rateUs},
		{StageDot, "421 4.7.28 Gmail has detected this message exceeded its quota for sending messages with the same Message-ID:", rateUs},
		{StageDot, "550 5.7.28 There is an unusual rate of unsolicited mail originating from your IP address.", rateUs},
		{StageDot, "550 5.7.1 Our system has detected an unusual rate of unsolicited mail originating from your IP address.", rateUs},
		{StageDot, "421 4.7.29 Your email has been rate limited because this message wasn't sent over a TLS connection.", needTLS},
		{StageDot, "421 4.7.30 Your email has been rate limited because DKIM authentication didn't pass", softAuth},
		{StageDot, "421 4.7.32 Your email has been rate limited because the From: header isn't aligned", softAuth},
		{StageDot, "550 5.7.40 The sending domain has no DMARC record", notAuthentic},
		{StageRcpt, "450 4.2.1 The user you are trying to contact is receiving email too quickly.", theirRate},
		{StageRcpt, "450 4.2.1 Peak SMTP relay limit exceeded for this customer. This is a temporary error.", rateUs},
		{StageDot, "451 4.3.0 Mail server temporarily rejected message.", grey},
		{StageRcpt, "451 4.3.0 Multiple destination domains per transaction is unsupported.", system},
		{StageMail, "451 4.4.2 Timeout - closing connection.", system},
		{StageMail, "451 4.5.0 SMTP protocol violation", want{ReasonProtocol, FaultUs, ActionRetry}},
		{StageRcpt, "452 4.2.2 The recipient's inbox is out of storage space.", fullSoft},
		{StageRcpt, "552 5.2.2 The recipient's inbox is out of storage space and inactive.", fullHard},
		{StageRcpt, "452 4.5.3 Your message has too many recipients.", want{ReasonRateLimited, FaultReputation, ActionSlowDown}},
		{StageAuth, "454 4.7.0 Cannot authenticate due to a temporary system problem.", want{ReasonAuthFailed, FaultUs, ActionSlowDown}},
		{StageHelo, "501 5.5.4 HELO/EHLO argument is invalid.", want{ReasonProtocol, FaultUs, ActionSlowDown}},
		{StageMail, "502 5.5.1 Unrecognized command.", protocol},
		{StageData, "503 5.5.1 No DATA after BDAT.", protocol},
		{StageAuth, "504 5.7.4 Unrecognized Authentication Type.", badLogin},
		{StageMail, "530 5.5.1 Authentication Required.", badLogin},
		{StageMail, "530 5.7.0 Must issue a STARTTLS command first.", needTLS},
		{StageMail, "530 5.7.0 Authentication Required.", badLogin},
		{StageAuth, "534 5.7.9 Please log in with your web browser and then try again.", badLogin},
		{StageAuth, "535 5.7.1 Username and Password not accepted.", badLogin},
		{StageRcpt, "550 5.1.1 The email account that you tried to reach does not exist.", unknownUser},
		{StageRcpt, "550 5.2.1 The email account that you tried to reach is inactive.", disabled},
		{StageRcpt, "550 5.4.5 Daily sending quota exceeded.", quota},
		{StageMail, "550 5.7.0 Mail relay denied 192.0.2.1. Invalid credentials for relay for one of the domains", noRelay},
		{StageMail, "550 5.7.0 Mail Sending denied.", noRelay},
		{StageMail, "550 5.7.1 Invalid credentials for relay 192.0.2.1.", noRelay},
		{StageRcpt, "550 5.7.1 Email quota exceeded.", fullHard},
		{StageDot, "550 5.7.1 The IP you're using to send mail is not authorized to send email directly to our servers.", noRelay},
		{StageDot, "550 5.7.1 This message does not meet IPv6 sending guidelines regarding PTR records and authentication.", notAuthentic},
		{StageDot, "550 5.7.1 Messages missing a valid address in the From: header are not accepted.", malformed},
		{StageDot, "550 5.7.1 This message is not RFC 5322 compliant because it has duplicate headers.", malformed},
		{StageDot, "550 5.7.1 Messages missing a valid Message-ID: header are not accepted.", malformed},
		{StageDot, "550 5.7.1 The message contains a unicode character in a disallowed header.", malformed},
		{StageDot, "550 5.7.1 Encoded-word syntax is not permitted in message header List-Id.", malformed},
		{StageRcpt, "550 5.7.1 The user or domain that you are sending to (or from) has a policy that prohibited the mail that you sent.", policyHard},
		{StageDot, "550 5.7.1 This message violates example.com email policy.", policyHard},
		{StageDot, "550 5.7.1 Unauthenticated email is not accepted from this domain.", notAuthentic},
		{StageDot, "550 5.7.26 This message fails to pass SPF checks for an SPF record with a hard fail policy (-all).", notAuthentic},
		{StageDot, "552 5.2.3 Your message exceeded Google's message size limits.", tooBig},
		{StageDot, "552 5.3.4 The number of attachments (600) exceeds Google's limit of 500 attachments.", tooBig},
		{StageDot, "552 5.7.0 Our system detected an illegal attachment on your message.", malformed},
		{StageMail, "553 5.1.7 The sender address is not a valid RFC 5321 address.", badSender},
		{StageDot, "554 5.4.6 Message exceeded 50 hops, this may indicate a mail loop.", want{ReasonSystem, FaultReceiver, ActionBounce}},
		{StageMail, "554 5.7.0 Too Many Unauthenticated commands.", want{ReasonAuthFailed, FaultAccount, ActionStopRelay}},
		{StageRcpt, "555 5.5.2 Syntax error, goodbye.", protocol},
	} {
		r, err := Find(tc.text)
		if err != nil {
			t.Errorf("%s: %v", tc.text, err)
		}
		r.Stage = tc.stage
		c := Classify(r)
		if got := (want{c.Reason, c.Fault, c.Action}); got != tc.want {
			t.Errorf("%s: %s\n got %v\nwant %v", tc.stage, r, got, tc.want)
		}
	}
}

// TestMicrosoftRecipientLimits: what a recipient's server says of who may write to it is not about our login.
func TestMicrosoftRecipientLimits(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"550 5.7.1 RESOLVER.RST.AuthRequired; authentication required",
		"550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; Delivery restriction check failed because the sender was not authenticated when sending to this group",
		"550 5.7.134 RESOLVER.RST.SenderNotAuthenticatedForMailbox; authentication required",
		"550 5.7.124 sender not in the recipient's allowed senders list",
		"554 5.7.9 Message not accepted for policy reasons. See https://postmaster.example/error-codes",
		"550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy",
	} {
		r, err := Find(text)
		if err != nil {
			t.Fatal(err)
		}
		if c := Classify(r); c.Reason != ReasonPolicy || c.Action != ActionBounce {
			t.Errorf("%s: %+v", r, c)
		}
	}
}
