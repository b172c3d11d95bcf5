package reply

import "testing"

// TestWordings holds what servers say in their own words, for the reasons that bounces give. Codes are those that are usual with the words.
func TestWordings(t *testing.T) {
	t.Parallel()
	for reason, lines := range map[Reason][]string{
		ReasonUserUnknown: {
			"550 5.1.1 <a@example.org>: Recipient address rejected: User unknown in virtual mailbox table",
			"550 sorry, no mailbox here by that name (#5.1.1 - chkuser)", "511 sorry, no mailbox here by that name (#5.1.1 - chkuser)", "550 Unknown local part a in <a@example.org>",
			"550 5.1.1 unknown or illegal alias: a@example.org", "550 MAILBOX NOT FOUND", "553 sorry, this recipient is not in my validrcptto list (#5.7.1)",
			"550 5.1.1 Addressee unknown, relay=[192.0.2.1]", "550 Account not available", "550 This user doesn't have an account here", "550 no such user here",
			"550 5.1.6 recipient no longer on server: a@example.org", "554 delivery error: dd This user doesn't have a yahoo.com account (a@yahoo.com) [0]", "550 a@example.org unknown user account",
			"550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking", "550 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]",
			"551 5.1.6 a@example.org has moved to b@example.net", "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup", "550 Mailbox does not exist!", "550 invalid mailbox",
		},
		ReasonDomainNotFound: {
			"550 5.1.2 Host unknown (Name server: example.org: host not found)", "550 Domain does not exist", "550 unknown domain example.org", "550 Unrouteable mail domain \"example.org\"",
			"556 5.1.10 Domain does not accept mail (nullMX)", "550 5.1.2 Host or domain name not found. Name service error for name=example.org type=A: Host not found",
		},
		ReasonMailboxFull: {
			"552 5.2.2 The email account that you tried to reach is over quota", "552 Requested mail action aborted: exceeded storage allocation", "554 5.2.2 mailbox full; 554 5.2.2 STOREDRV.Deliver",
			"550 Mailbox has exceeded the limit, a is over disk quota", "552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR_417 [417]", "550 user is over the quota. You can try again later.",
			"552 sorry, mailbox is over quota temporarily (#5.1.1)", "550 Quota exceeded (mailbox for user is full)", "550 maildir has overdrawn his diskspace quota, over quota",
		},
		ReasonMailboxDisabled: {
			"550 5.2.1 The email account that you tried to reach is disabled", "554 delivery error: dd This account has been disabled or discontinued [#102]", "550 mailbox currently suspended", "554 recipient suspended",
			"550 5.5.0 Boite du destinataire archivee. Archived recipient. LPN007_420", "550 due to extended inactivity new mail is not currently being accepted for this mailbox", "550 User is inactive",
		},
		ReasonBlocked: {
			"550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org", "554 Your IP address is blacklisted", "550 5.7.606 Access denied, banned sending IP [192.0.2.1]",
			"550 SC-001 (COL004-MC1F) Unfortunately, messages from 192.0.2.1 weren't sent", "554 5.7.1 You are not allowed to connect", "550 Go away", "550 Bad sender IP address",
		},
		ReasonAuthentication: {
			"550 5.7.26 Unauthenticated email from example.org is not accepted due to domain's DMARC policy", "550 SPF check failed", "554 5.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
			"450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]", "554 IP 192.0.2.1 has no PTR record", "550 Fix reverse DNS for 192.0.2.1", "550 5.7.1 mail from example.org violates SPF policy",
		},
		ReasonSpamContent: {
			"554 5.7.1 Message rejected as it looks like spam", "550 High probability of spam", "554 5.7.1 The message matches a profile the Internet community may consider spam", "550 message contains a virus: Eicar",
			"550 Blacklisted URL in message",
		},
		ReasonContent: {"554 5.6.0 Bare LF is not allowed", "552 5.7.0 Prohibited attachment type: exe", "550 5.6.9 improper use of 8-bit data in message header", "550 5.7.1 This message is not RFC 5322 compliant"},
		ReasonSize:    {"552 5.3.4 Message size exceeds fixed maximum message size", "552 message too large", "500 Line limit exceeded", "550 Mail size limit exceeded"},
		ReasonPolicy:  {"554 5.7.1 Message denied by policy", "550 5.7.1 Delivery not authorized, message refused for policy reasons", "550 5.7.1 rejected due to local policy"},
		ReasonSenderRejected: {
			"553 5.1.8 <n@example.com>... Domain of sender address n@example.com does not exist", "550 5.1.7 Invalid sender", "550 5.7.1 can't determine Purported Responsible Address", "550 5.7.1 You are not a member of this list, not allowed to post",
			"550 Sender verify failed",
		},
		ReasonRelayDenied: {"554 5.7.1 <a@example.org>: Relay access denied", "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", "550 relaying mail to example.org is not allowed", "550 5.7.1 Unable to relay for a@example.org"},
		ReasonRateLimited: {"421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints", "450 4.2.1 The user you are trying to contact is receiving mail at a rate that prevents", "550 5.7.1 rate limit exceeded"},
		ReasonTooManyConnections: {
			"421 Too many concurrent SMTP connections", "421 4.7.0 Trop de connexions, veuillez verifier votre configuration. OFR_104 [104]", "550 Connection frequency limited", "421 all IPs are at their maximum connection limit",
		},
		ReasonNetwork: {
			"451 connect to mx.example.org[192.0.2.1]:25: Connection timed out", "451 Connection refused", "550 5.4.7 Delivery expired (message too old)", "554 5.4.6 Too many hops", "550 retry timeout exceeded", "550 Host not reachable",
			"550 host mx.example.org[192.0.2.1]: No route to host", "550 lost connection with mx.example.org while receiving the initial server greeting", "451 Name service error for name=example.org type=MX: Host not found, try again",
		},
		ReasonSystem:     {"452 Insufficient disk space", "451 4.3.0 Internal error", "550 can't create user output file. Command output: procmail: Couldn't create", "554 5.3.0 unknown mailer error 1", "550 pipe to |/usr/bin/filter", "451 4.3.5 Server configuration error"},
		ReasonGreylisted: {"450 4.2.0 <a@example.org>: Recipient address rejected: Greylisted", "451 4.7.1 Greylisting in action, please come back later"},
		ReasonTLSRequired: {
			"550 5.7.10 Encryption needed: must issue a STARTTLS command first", "500 Remote server does not support TLS",
		},
	} {
		for _, line := range lines {
			r, err := Find(line)
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			r.Stage = StageRcpt
			if got := Classify(r); got.Reason != reason {
				t.Errorf("%s is %s, want %s", line, got.Reason, reason)
			}
		}
	}
}

// TestWordingsInAnyForm: a noun and a verdict mean the same in whichever sentence they stand, and a person is not blamed for what is said of a sender or a server.
func TestWordingsInAnyForm(t *testing.T) {
	t.Parallel()
	for reason, lines := range map[Reason][]string{
		ReasonUserUnknown: {
			"550 the destination was not found among our users", "550 Utilisateur inconnu", "550 Usuario desconocido", "550 Der Empfänger existiert nicht", "550 Destinatario sconosciuto",
			"550 Пользователь не найден", "550 宛先のアドレスが見つかりません", "550 收件人不存在", "550 the recipient refuses your mail", "550 stopped by the user's filter settings",
		},
		ReasonDomainNotFound:     {"550 Domain missing.example is not valid", "550 that domain is not registered"},
		ReasonMailboxFull:        {"550 Postfach ist voll", "550 La boîte est pleine", "550 El buzón está lleno", "550 this account has not enough space left", "550 quota of the user is reached"},
		ReasonMailboxDisabled:    {"550 the customer's account is deactivated", "550 Konto gesperrt", "550 account is blocked by an administrator", "550 recipient was terminated"},
		ReasonSenderRejected:     {"550 Return-path address rejected", "550 the envelope sender could not be verified", "550 this mail is from a spoofed sender", "550 sender is in my black list", "553 mail refused: your email address has been blacklisted"},
		ReasonBlocked:            {"554 Mail server at 192.0.2.1 is blocked", "550 too many spams from your network", "550 your server is not allowed to send here"},
		ReasonAuthentication:     {"550 the sending domain has no SPF", "550 forward DNS entry does not point to you"},
		ReasonSpamContent:        {"550 message score 12.3 exceeds threshold", "552 rejected by the bayesian filter", "554 your file is infected"},
		ReasonSize:               {"552 maximum size is 10 MB, yours has 20 MB", "552 Taille limite depassee"},
		ReasonPolicy:             {"550 bounced due to organizational settings", "550 mail with pictures is against our security policy"},
		ReasonRelayDenied:        {"550 we are not an open relay", "553 that domain is not in my relay list", "550 we do not handle mail for that place"},
		ReasonNetwork:            {"550 gone after the queue lifetime", "450 delivery temporarily suspended: connect to mx.example.org[192.0.2.1]:25: no"},
		ReasonSystem:             {"550 it would create a mail loop", "550 unable to write the message", "550 remote end is misconfigured"},
		ReasonQuotaExhausted:     {"550 daily quota is reached"},
		ReasonUnknown:            {"550 no", "550 you have exceeded your quota"},
		ReasonContent:            {"554 too many Received headers", "550 duplicate header in the message"},
		ReasonTooManyConnections: {"421 Maximum connections reached"},
	} {
		for _, line := range lines {
			r, err := Find(line)
			if err != nil {
				t.Errorf("%s: %v", line, err)
				continue
			}
			r.Stage = StageRcpt
			c := Classify(r)
			if c.Reason != reason {
				t.Errorf("%s is %s, want %s", line, c.Reason, reason)
			}
			if c.Action == ActionSuppress {
				t.Errorf("%s suppresses, although the words are only likely", line)
			}
		}
	}
}

// TestReceiversDoNotStopTheRelay: what a receiver has against one sender, or cannot do itself, pauses nothing.
func TestReceiversDoNotStopTheRelay(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"You are not a member of this list", "can't determine Purported Responsible Address", "Remote server does not support TLS", "Access denied", "no smtp service", "Connection timed out", "mailbox is suspended"} {
		for _, stage := range []Stage{StageRcpt, StageDot} {
			for _, code := range []int{450, 550} {
				if c := Classify(Reply{Code: code, Text: text, Stage: stage}); c.Action == ActionStopRelay || c.Action == ActionSuppress {
					t.Errorf("%d %s: %+v", code, text, c)
				}
			}
		}
	}
}
