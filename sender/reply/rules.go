package reply

import (
	"strconv"
	"strings"
	"time"
)

// rule is one line of the table. Empty conditions match everything; all that
// are set must hold. code is a prefix of the three digits; status is an enhanced
// code where "x" stands for 4 or 5 and a trailing "." makes it a prefix;
// text matches when any of the strings is contained in the lower-case text; with
// asks for one of its strings beside one of text's, and none of not may be there.
type rule struct {
	code   string
	status string
	stage  Stage
	text   []string
	with   []string
	not    []string
	reason Reason
	fault  Fault         // overrides the reason's usual fault
	action Action        // overrides the reason's usual action
	wait   time.Duration // the least wait, where the reply does not name one
}

func texts(s ...string) []string { return s }

func (u *rule) matches(r Reply, text string) bool {
	if u.stage != "" && u.stage != r.Stage {
		return false
	}
	if u.code != "" && !strings.HasPrefix(strconv.Itoa(r.Code), u.code) {
		return false
	}
	if u.status != "" && !statusMatches(u.status, r.Status) {
		return false
	}
	return (u.text == nil || holds(text, u.text)) && (u.with == nil || holds(text, u.with)) && !holds(text, u.not)
}

func holds(text string, any []string) bool {
	for _, t := range any {
		if strings.Contains(text, t) {
			return true
		}
	}
	return false
}

func statusMatches(want, got string) bool {
	if got == "" {
		return false
	}
	if want[0] == 'x' {
		if got[0] != '4' && got[0] != '5' {
			return false
		}
		want, got = want[1:], got[1:]
	}
	if strings.HasSuffix(want, ".") {
		return strings.HasPrefix(got, want)
	}
	return want == got
}

// localRules judge errors without a reply (code 0): the text is our own.
var localRules = []rule{
	{stage: StageStartTLS, reason: ReasonTLSRequired},
	{stage: StageTLS, text: texts("certificate", "x509", "not match", "handshake failure", "protocol version"), reason: ReasonTLSRequired},
	{stage: StageAuth, text: texts("token service did not answer", "token service answered 5", "token service answered 429"), reason: ReasonNetwork},
	{stage: StageAuth, text: texts("offer", "before tls", "unencrypted", "not supported", "token service"), reason: ReasonAuthFailed, action: ActionStopRelay},
	{stage: StageConnect, text: texts("no such host"), reason: ReasonNetwork, action: ActionStopRelay},
}

// senderTexts are what receivers say of a sender whom they do not take mail from.
var senderTexts = texts("allowed to write", "allowed senders", "mail from this address", "message from unknown", "for sender address", "purported responsible", "sender was rejected", "domain of sender", "sender not", "sender is denied", "sender denied", "sender unknown", "unknown sender", "bad sender", "invalid return path", "bounces are not accepted", "your email address has been", "from address rejected", "not a valid sender", "mail from rejected", "provide a valid from", "from: domain", "not a member of", "are not member", "sender id (pra)", "non-member", "members only", "not allowed to post", "permission to post", "unresolvable domain in sender", "emetteur invalide", "sender is spammer", "batv", "sender verify", "sender verification", "return path is")

// networkTexts say that the server of the recipient could not be reached, or not in the time that there was.
var networkTexts = texts("delivery timeout", "timeout after", "queue lifetime", "delivery temporarily suspended: ", "multiple retries", "queue period", "been collected", "failed to deliver to domain", "message looping", "giving up on", "timed out", "time out", "connection refused", "connection reset", "connection closed", "no route to host", "network is unreachable", "network unreachable", "host unreachable", "host not reachable", "host is not reachable", "host is unreachable", "did not accept our requests to connect", "unable to connect", "could not connect", "couldn't connect", "can't connect", "failed to connect", "connection attempt failed", "smtp connection", "lost connection", "connection dropped", "connection was dropped", "network error", "message expired", "delivery time expired", "delivery expired", "retry time", "retry timeout", "in the queue too long", "been in queue too long", "too old", "could not be delivered for", "could not deliver for", "hop count", "too many hops", "routing loop", "message is looping", "loops back", "name server reply", "dns query", "dns lookup", "dns error", "dns failure", "name service error", "cname lookup", "no relevant answers", "lookup failed", "lookup failure", "host lookup", "could not resolve", "unable to resolve", "could not find a gateway", "unable to route", "expired", "unable to contact", "unreachable", "not responding", "did not respond", "no response", "does not respond", "all hosts have been failing", "all hosts for", "peer closed", "broken pipe", "host name lookup", "forwarding loop", "loop count", "exceeded hop", "maximum hop", "destination computer could not be found", "unable to establish", "refused to connect", "could not be contacted", "could not be established", "connect failed", "connection failed", "delivery attempts were", "try to deliver", "undeliverable after", "refused connection", "retries exceeded", "maximum retries", "too many retries", "no answer from host", "unable to deliver in time", "gave up", "cannot resolve host", "host resolution", "dns resolver", "dns server", "dns problem", "dns temporary", "temporary dns", "temporarily unresolv", "servfail")

// rules are tried in order. Our own faults stand before the recipient's, so that
// a block-list reply which also speaks of the mailbox never suppresses a person.
// Sources: the providers' published reply tables and texts, see docs/.
var rules = []rule{
	// Authentication at the relay.
	{status: "x.7.0", text: texts("too many login attempts", "too many failed"), reason: ReasonAuthFailed, fault: FaultUs, action: ActionSlowDown},
	{status: "x.7.8", reason: ReasonAuthFailed},
	{status: "5.7.9", stage: StageAuth, reason: ReasonAuthFailed}, // elsewhere Yahoo says it for policy
	{status: "5.7.9", code: "53", reason: ReasonAuthFailed},
	{status: "x.7.14", text: texts("web browser", "log in", "sign in"), reason: ReasonAuthFailed},
	{status: "5.7.139", reason: ReasonAuthFailed},
	{status: "5.7.30", text: texts("basic authentication"), reason: ReasonAuthFailed},
	{status: "5.7.3", text: texts("authentication"), reason: ReasonAuthFailed},
	{text: texts("maximum credits exceeded"), reason: ReasonQuotaExhausted},
	{code: "525", status: "5.7.1", reason: ReasonAuthFailed},
	{status: "5.7.13", reason: ReasonMailboxDisabled}, // RFC 5248: of the account that logs in, but bounces carry it for the recipient
	{text: texts("unauthorized ip", "ip address is not authorized", "ip not allowed", "ip address is not whitelisted"), reason: ReasonAuthFailed, action: ActionStopRelay},
	{code: "535", reason: ReasonAuthFailed},
	{code: "534", stage: StageAuth, reason: ReasonAuthFailed},
	{text: texts("unrecognized authentication type", "unrecognised authentication type", "auth command used when not advertised", "authentication not enabled"), reason: ReasonAuthFailed, action: ActionStopRelay},
	{code: "504", stage: StageAuth, reason: ReasonAuthFailed},
	{code: "4", text: texts("too many auth commands"), reason: ReasonAuthFailed, fault: FaultUs, action: ActionSlowDown},
	{code: "435", reason: ReasonAuthFailed, fault: FaultUs, action: ActionSlowDown}, // Exim's 454
	{code: "454", stage: StageAuth, reason: ReasonAuthFailed, fault: FaultUs, action: ActionSlowDown},
	{code: "530", text: texts("starttls", "without ssl", "tls"), reason: ReasonTLSRequired},
	{code: "538", reason: ReasonTLSRequired},
	{code: "530", reason: ReasonAuthFailed},
	// Microsoft 365 says of a recipient that takes mail only from inside, or from few, what others say of a login.
	{status: "5.7.", text: texts("resolver.rst", "authrequired", "senders in organization", "not in the recipient's allowed senders", "transport.rules"), reason: ReasonPolicy},
	{status: "5.7.124", reason: ReasonPolicy}, {status: "5.7.133", reason: ReasonPolicy}, {status: "5.7.134", reason: ReasonPolicy}, {status: "5.7.12", reason: ReasonPolicy},
	{text: texts("application-specific password", "authentication is required", "authentification requise", "d'authentification invalide", "you don't authenticate", "authentication turned on", "authentication credentials invalid", "application password", "parol prilozheniya", "authentication required", "authorization required", "authentication unsuccessful", "auth required", "must be authenticated", "not authenticated", "unauthenticated senders", "unauthenticated commands", "send auth command first", "smtp authentication in your mail"), reason: ReasonAuthFailed},

	// What the recipient has set against senders: not the address's end, and nobody's blame of ours.
	{code: "5", text: texts("recipient", "user"), with: texts("'s filter", "filter settings", "set a filter", "only accepts mail from known", "only accepts messages from"), not: texts("spam"), reason: ReasonUserUnknown, fault: FaultReceiver, action: ActionBounce},
	{code: "5", text: texts("message filtered", "recipient preferences", "only accepting mail from", "user rules", "user refuses", "recipient refuses", "user reject", "blocked by the recipient", "blocked by recipient", "recipient has blocked", "refuse to receive", "not accepting any mail", "account is protected by", "bounced address", "restricted sms", "recipient id refuse", "rejected by recipients", "recipient rejects", "rejected by user"), not: texts("recipient's server", "recipient server", "recipient domain", "recipient's domain"), reason: ReasonUserUnknown, fault: FaultReceiver, action: ActionBounce},
	{code: "5", text: texts("for one or more recipients"), with: texts(":blocked"), reason: ReasonUserUnknown, fault: FaultReceiver, action: ActionBounce},
	{text: texts("sender is unauthenticated"), reason: ReasonAuthentication},
	{code: "5", text: texts("mailbox has been blocked", "mailbox is blocked", "account is blocked", "account has been blocked", "user is blocked", "recipient is blocked", "user has been blocked"), not: texts("your ", "outgoing", "sending", "sender", "ip "), reason: ReasonMailboxDisabled, action: ActionBounce},
	// A sender that is listed is not a server that is.
	{code: "5", text: texts("to/from an address", "sender address has been bl", "sender is in my", "sender is on", "sender is blacklisted", "sender blacklisted", "blacklisted sender", "senderfilterconfig", "email address has been bl", "sender has been blacklisted", "sender email address", "sender is blocked", "sender blocked", "sender domain bl", "sender domain is bl", "sender is banned", "your address has been blacklisted", "your domain has been blacklisted", "your domain is blacklisted"), not: texts("sender ip"), reason: ReasonSenderRejected, fault: FaultReceiver, action: ActionBounce},
	{code: "5", text: texts("backscatter", "empty envelope sender", "empty sender", "null sender", "third-party dsn", "returned mail not accepted", "rule imposed", "valid-address-filter", "unroutable sender", "unrouteable sender", "administrative prohibition", "fully qualified email address", "registered gateway user", "does not accept mail from", "rfc 1035 violation", "rfc1035 violation", "submit messages to this e-mail system"), reason: ReasonSenderRejected, fault: FaultReceiver, action: ActionBounce},
	{code: "5", text: texts("mx records for"), with: texts("violate"), reason: ReasonSenderRejected, fault: FaultReceiver, action: ActionBounce},

	// Quotas of the account: each further try can extend the block.
	{text: texts("daily user sending limit", "daily sending quota", "daily message quota", "daily message limit", "daily smtp relay", "submissionquotaexceeded", "sending limit exceeded for this", "maximum messages sent per day", "daily limit", "daily quota", "you have reached a limit for sending", "exceeded the maximum number of messages", "sending quota", "monthly limit", "hourly quota", "quota exceeded for sending", "sending quota", "daily sending limit", "limit for message recipients", "exceed sending limit", "sending limit has been", "sending limit exceeded", "sending limit reached", "exceeded your messaging limits", "out of credits", "max emails per hour", "max defers and failures per hour", "your mail limit", "credits exhausted"), reason: ReasonQuotaExhausted},
	{text: texts("unusual sending activity", "account suspended", "account has been suspended", "account is suspended", "account disabled for sending", "account is under review", "configuration set", "sending has been disabled", "sending paused", "account blocked", "outgoing mail has been blocked", "user blocked from sending", "bad outbound sender", "message sending for this account is disabled", "restricted from sending"), reason: ReasonBlocked, fault: FaultAccount, action: ActionStopRelay},
	{status: "5.7.705", reason: ReasonBlocked, fault: FaultAccount, action: ActionStopRelay},
	{status: "5.7.708", reason: ReasonBlocked, fault: FaultAccount, action: ActionStopRelay},
	{status: "5.4.5", reason: ReasonQuotaExhausted},

	// Gmail's codes for rates and TLS before the texts: they speak of quotas and rates too.
	{status: "x.7.28", reason: ReasonRateLimited, wait: 10 * time.Minute}, // Google's advice, support.google.com/mail/answer/81126
	{status: "x.7.29", reason: ReasonTLSRequired},

	// A full mailbox before the rate rules: both speak of limits and quotas.
	{text: texts("mailbox full", "mailbox is full", "over quota", "overquota", "over the quota", "quota exceeded", "exceeded storage", "out of storage", "insufficient storage", "exceeded its quota", "user has exceeded", "mailbox quota", "full mailbox", "storage quota", "quota violation", "not enough space", "mailbox size limit", "mailfolder is full", "folder is full", "inbox is full", "inbox full", "box is full", "exceeds allowed size", "exceeded the local limit", "quota is full", "quota is exceeded", "quota has been exceeded", "has exceeded the quota", "exceeding its quota", "exceeded the storage limit", "out of quota", "mailbox exceeded", "mailbox has exceeded", "mailbox would exceed", "account is full", "mail box full", "mailbox too large", "exceeded mailbox", "maildir over quota", "too much mail data", "no storage space", "storage limit", "exceeded their quota", "not enough storage", "over disk quota", "disk quota", "storage allocation", "allowed mailbox size", "mailbox size exceeded", "quota limit", "522_mailbox_full", "exceeded email quota", "over its quota", "boite du destinataire pleine", "mailbox_full", "mailboxfull"), reason: ReasonMailboxFull},
	{text: texts("quota"), with: texts("exceed", "exceeding", "over", "full", "reached", "limit", "diskspace", "disk space", "userdisk", "domaindisk", "depass", "superad", "überschritten", "ueberschritten", "превышен"), not: texts("daily", "hourly", "sending", "relay", "per day", "per hour", "messages", "you have exceeded", "you exceeded", "you've exceeded"), reason: ReasonMailboxFull},
	{text: texts("mailbox", "mail box", "inbox", "user", "account", "recipient", "maildir", "postfach", "boite", "boîte", "buzón", "buzon", "casella", "почтовый ящик", "メールボックス", "受信箱", "邮箱", "容量"), with: texts("disk space", "enough space", "space has been used", "space not enough", "exceeded the max size", "max size of", "too many messages on", "receiving limits", "size limit reached", "inbox exceeded", "over the allowed", "the user's storage", "limit überschritten", " voll", "lleno", " pleine", "no space", "out of space", "ist voll", "est pleine", "está lleno", "esta lleno", "è piena", "e' piena", "переполнен", "満杯", "いっぱい", "空间不足", "已满", "超過"), reason: ReasonMailboxFull},
	{text: texts("would be over the allowed", "diskspace quota", "enough disk space", "enough storage space", "does not have enough space"), reason: ReasonMailboxFull},
	{status: "x.2.2", reason: ReasonMailboxFull},

	// Greylisting before the rate rules: both say "try again".
	{code: "4", text: texts("greylist", "graylist", "grey-list", "gray-list", "greylisting", "postgrey"), reason: ReasonGreylisted},
	{code: "5", text: texts("greylisted", "graylisted"), reason: ReasonGreylisted},

	// SPF, DKIM, DMARC, PTR by code: their texts also speak of rates and blocks.
	{status: "x.7.23", reason: ReasonAuthentication},
	{status: "x.7.24", reason: ReasonAuthentication},
	{status: "x.7.25", reason: ReasonAuthentication},
	{status: "x.7.26", reason: ReasonAuthentication},
	{status: "x.7.27", text: texts("does not accept mail"), reason: ReasonDomainNotFound}, // Sendmail's words for RFC 7505; Google means SPF by this code
	{status: "x.7.27", reason: ReasonAuthentication},
	{status: "x.7.30", reason: ReasonAuthentication},
	{status: "x.7.31", reason: ReasonAuthentication},
	{status: "x.7.32", reason: ReasonAuthentication},
	{status: "x.7.40", reason: ReasonAuthentication},
	{status: "x.7.515", reason: ReasonAuthentication},
	{status: "x.7.509", reason: ReasonAuthentication},
	{status: "x.7.20", reason: ReasonAuthentication},
	{status: "x.7.21", reason: ReasonAuthentication},
	{status: "x.7.22", reason: ReasonAuthentication},

	// Connections and rates.
	{text: texts("too many concurrent", "too many connections", "concurrent connections limit", "connection limit exceeded", "maximum number of connections", "thread limit exceeded", "too many sessions", "connections from your host", "too many simultaneous", "too many new tls sessions", "connection frequency limited", "maximum connection limit", "per-domain connection limit", "connection rate limit", "connection limit", "connection rate too high", "trop de connexions", "too many open connections"), reason: ReasonTooManyConnections},
	{status: "x.2.1", text: texts("receiving mail at a rate", "receiving mail too quickly", "too quickly"), reason: ReasonRateLimited, fault: FaultReceiver, action: ActionRetry},
	{text: texts("exceeded their message rate limit", "recipient has exceeded message rate limit"), reason: ReasonRateLimited, fault: FaultReceiver, action: ActionRetry},
	{status: "5.2.121", reason: ReasonRateLimited, fault: FaultReceiver, action: ActionRetry},
	{status: "5.2.122", reason: ReasonRateLimited, fault: FaultReceiver, action: ActionRetry},
	{text: texts("maximum connections", "sessions limit", "too many errors from", "too many smtp sessions", "max emails per hour", "already made numerous attempts"), reason: ReasonTooManyConnections},
	{text: texts("too many recipients", "more slowly", "slower"), reason: ReasonRateLimited},
	{text: texts("insufficient disk space", "disk full", "no space left"), reason: ReasonSystem},
	{code: "4", text: texts("rate limit", "ratelimit", "rate exceeded", "sending rate", "throttl", "too many messages", "too much mail", "too fast", "messages per second", "messages sent per minute", "unusual rate", "unexpected volume", "peak smtp relay limit", "exceeded the rate", "rate of mail", "sent too many", "[tss", "[ipts", "rp-001", "rp-002", "rp-003", "slow down", "limit exceeded", "volume or user complaints", "too many recipients this hour", "frequency limited", "too frequent", "submission rate"), reason: ReasonRateLimited},
	{status: "4.7.500", reason: ReasonRateLimited}, // Microsoft: "server busy", to addresses that send it too much
	{code: "5", text: texts("rate limit", "ratelimit", "sending rate", "messages per second", "too many messages", "too many recipients this hour", "frequency limited", "unusual rate", "throttled", "throttling"), reason: ReasonRateLimited},

	// Reputation and block lists, before anything about recipients.
	{code: "5", text: texts("account or domain may not exist"), reason: ReasonDomainNotFound}, // cPanel, which has found no route; it goes on to guess why
	{code: "5", text: texts("poor reputation", "low reputation", "bad reputation"), with: texts("mta's", "sending mta", "reputation score"), reason: ReasonReputation},
	{text: texts("generic dns", "generic rdns", "generic ptr", "generic reverse"), reason: ReasonAuthentication},
	{text: texts("zombied", "spammer", "too many spams", "sending spam", "spams from your", "extreme bad ip", "bad ip profile", "sender ip", "confirm this mail server", "requires confirmation", "abus detecte", "smtp server of your isp", "isp's smtp server", "isp's mail server", "has not passed validation", "unwanted messages have been sent", "mail from your host", "mail from your server", "mail from your network", "your server is not allowed", "your host is not allowed", "your network is not allowed", "redundant. you cannot send"), not: texts("spam content", "sender is spammer", "reverse lookup", "sender score"), reason: ReasonBlocked},
	{text: texts("mail server at", "mail from ", "message from ", "messages from ", "connection from ", "connections from ", "ip ", "ip address", "your host", "your server", "client host", "remote host", "remotehost"), with: texts("is blocked", "are blocked", "is banned", "are banned", " refused:", "based on black", "not welcome", "is denied", "are denied", "is rejected", "has been banned", "looks like a dynamic", "dynamic", "weren't sent", "blackhole", "bad history"), not: texts("spam content", "sender address", "reverse", "ptr", "url", "recipient"), reason: ReasonBlocked},
	{text: texts("likely unsolicited", "spamassassin", "identified as spam", "classified as spam", "due to spam content", "spam content in", "blacklisted url", "url in message", "blacklisted link", "link in message"), reason: ReasonSpamContent}, // it is the link that is listed, not the server
	{text: texts("spamhaus", "barracuda", "spamcop", "surbl", "uribl", "sorbs", "dnsbl", " rbl", "rbl ", "blocklist", "block list", "blacklist", "blacklisted", "black list", "client host blocked", "go away", "bad sender ip", "invalid ip for sending", "not currently accepting mail from your ip", "open proxy", "unacceptable mail server", "not allowed to connect", "forbidden by your ip", "mail from your ip", "mails from your ip", "your ip address", "dynamic ip", "connections will not be accepted", "no access from mail server", "connections from this host", "your host is", "your ip is", "your network is", "rejected due to your ip", "rejected your ip", "refused your ip", "blocked for spam", "your connection is refused", "your access to this mail system", "blocked due to", "on our block", "on a block", "in our black", "spam source", "blocked using", "is listed", "listed at", "listed on", "sc-001", "sc-002", "sc-003", "sc-004", "dy-001", "dy-002", "[bl", "s3140", "s3150", "banned sending ip", "ip blocked", "ip address is blocked", "has been blocked", "blocked by", "temporarily blocked"), reason: ReasonBlocked},
	{text: texts("service refuse", "(bl)", "not accepting connections"), reason: ReasonBlocked},
	{text: texts("very low reputation", "low reputation", "poor reputation", "bad reputation", "reputation of", "sender score", "senderbase", "reputation"), reason: ReasonReputation},

	// SPF, DKIM, DMARC, PTR by text.
	{text: texts("dmarc", "spf check", "spf settings", "no spf", "no ptr", "reverse name", "spf fail", ", spf", " spf ", "spf)", "domain owner discourages", "forward dns entry", "not authorized to send mail on behalf", "designated mailserver", "spf fail", "spf record", "dkim", "unauthenticated email", "unauthenticated mail", "required authentication level", "reverse dns", "ptr record", "ptr resource record", "rdns", "cannot find your hostname", "sender policy framework", "ip name lookup failed", "may not be mail exchanger", "mismatches client ip", "unauthenticated email is not accepted", "authentication checks", "ipv6 sending guidelines", "unverifyable sending ip", "missing reverse dns", "no reverse dns", "reverse lookup", "dns ptr", "does not resolve", "has no ptr", "without ptr", "fcrdns", "valid ptr", "missing ptr", "not pass authentication", "fails authentication", "domainkeys", "cannot resolve your address", "cannot find your reverse", "unresolvable relay", "reverse hostname", "fix reverse", "spf.pobox", "spf:", "by spf", "violates spf", "spf hard", "spf soft", "openspf", "spf policy", "not authorized by spf", "fails spf", "unauthorized mail is prohibited", "verify spf", "[spf]", "not designated"), not: texts("host/domain does", "domain of sender"), reason: ReasonAuthentication},

	// The name in EHLO: it is a setting of the relay, and no other message fares better.
	{text: texts("helo command rejected", "invalid helo", "helo name", "ehlo name", "need fully-qualified hostname"), reason: ReasonProtocol, action: ActionStopRelay},

	// TLS.
	{code: "454", stage: StageStartTLS, reason: ReasonTLSRequired, action: ActionRetry},
	{status: "x.7.10", text: texts("encryption"), reason: ReasonTLSRequired},
	{text: texts("must issue a starttls", "tls required", "requires tls", "encryption required", "without ssl/tls", "tls is required", "use tls/ssl"), reason: ReasonTLSRequired},

	{code: "5", text: texts("does not support tls", "does not support starttls", "starttls was not", "starttls is required", "tls handshake", "tls negotiation", "tls session", "cannot start tls", "certificate verif"), reason: ReasonTLSRequired, fault: FaultReceiver, action: ActionBounce}, // between the relay and the receiver
	// Our sender address, relaying.
	{status: "5.7.60", reason: ReasonSenderRejected},
	{status: "5.1.8", reason: ReasonSenderRejected},
	{text: texts("address is not verified", "addresses are not verified", "identity is not verified", "domain is not verified", "sender address blocked", "permissions to send as", "not owned by user", "not allowed to send as", "from address is not", "sender address rejected", "sender rejected", "sender is not allowed", "sender domain", "sender verify failed", "must be the same as", "does not match a verified", "invalid sender", "unverified sender", "sendasdenied"), reason: ReasonSenderRejected},
	// What a receiver may have against one sender is no reason to stop the relay.
	{code: "5", text: senderTexts, reason: ReasonSenderRejected, fault: FaultReceiver, action: ActionBounce},
	{text: senderTexts, reason: ReasonSenderRejected, fault: FaultReceiver, action: ActionRetry},
	{code: "5", text: texts("sender", "return-path", "return path", "reverse path", "reverse-path", "mailfrom", "mail from <", "envelope from", "envelope-from", "from address"), with: texts("denied", "reject", "not accepted", "not allowed", "not on the list", "not approved", "invalid", "verif", "not exist", "does not resolve", "unknown", "spoofed", "forged", "banned", "not permitted", "not authorized", "not authorised", "refused", "not found", "no mx", "black list"), not: texts("sender ip", "spf", "dkim", "dmarc", "reputation", "score", "senderbase", "sender id", "spam", "ptr", "reverse dns", "your ip", "recipient", "sending mta", "rate", "rbl", "relay", "size", "user unknown", "authenticat", "transaction failed", "content", "organization", "policy", "provided"), reason: ReasonSenderRejected, fault: FaultReceiver, action: ActionBounce},
	{text: texts("relaying disallowed as"), reason: ReasonSenderRejected},
	{text: texts("relaying disallowed", "no relay", "my relay", "relay list", "relay domains", "not a gateway", "not an open relay", "open relay, so", "don't handle mail for", "do not handle mail for", "as a relay", "not relay", "specified domain is not allowed", "cannot be relayed", "relaying is denied", "relay is not", "relay access denied", "relay denied", "relaying denied", "relay not permitted", "unable to relay", "not permitted to relay", "insecure mail relay", "relaying is prohibited", "relaying mail to", "relaying to", "not allowed to relay", "cannot relay", "no relaying", "relay operation rejected", "not a relay", "relay not allowed", "rejected relay", "relaying not permitted", "relay rejected", "not local host", "allowed rcpthosts", "non-local e-mail", "non-local address", "not configured to relay", "unable to relay for", "relay prohibited", "relaying not allowed", "we do not relay", "relaying is not allowed", "invalid credentials for relay", "mail sending denied", "not authorized to send email directly"), reason: ReasonRelayDenied},

	// The content.
	{status: "5.7.0", text: texts("content presents", "security issue"), reason: ReasonContent},
	{text: texts("illegal attachment", "forbidden attachment", "not rfc 5322 compliant", "from: header", "message-id: header", "disallowed header", "encoded-word syntax", "content rejected by", "8-bit data", "illegal bytes", "malformed mime", "bare line feed", "bare lf", "prohibited attachment", "attachment type", "file extension", "executable file", "rfcmessagenoncompliant", "invalid mime", "missing from header", "multiple from headers", "header is missing"), reason: ReasonContent},
	{text: texts("too many received: headers", "too many received headers", "improperly-formatted", "mime complexity", "attachments of type", "rfc compliant", "rfc-compliant", "not rfc", "missing a valid message-id", "duplicate header", "header length", "multiple addresses in from", "invalid message content", "invalid mime", "unnecessary base64", "nul character", "null character", "conversion not"), not: texts("sender", "spam"), reason: ReasonContent},
	{text: texts("score"), with: texts("threshold", "exceeds", "too high", "limit"), not: texts("reputation", "sender"), reason: ReasonSpamContent},
	{text: texts("bayesian", "bulk email", "bulk e-mail", "content rejected", "potentially executable", "infected", "contains a worm", " worm", "trojan"), reason: ReasonSpamContent},
	{text: texts("spam", "unsolicited", "ofr_506", "ofr_999", "virus", "malware", "phish", "looks like bulk", "bulk mail", "junk", " ube", "message content rejected", "nature of the content", "content filter", "mail rejected by content", "high-probability", "profile the internet community", "mailmarshal", "scored too high", "bulk filter", "content triggers"), reason: ReasonSpamContent},
	{text: texts("maximum size", "exceeded maximum inbound", "max message size", "taille limite", "limite du message", "maximum inbound message"), reason: ReasonSize},
	{status: "x.3.4", reason: ReasonSize},
	{text: texts("message too large", "message too big", "message size exceeds", "size limit", "exceeds maximum message size", "exceeds fixed maximum", "maximum message size", "message is too large", "message file too big", "message is too long", "message too long", "message length exceeds", "header size", "number of attachments", "line limit exceeded", "exceeds the maximum size", "message exceeds", "mail size limit", "exceeds size", "exceeded maximum size", "size exceeds", "too big", "too large"), reason: ReasonSize},

	// The recipient.
	{code: "5", text: texts("account that you tried to reach is disabled", "account is disabled", "account disabled", "mailbox disabled", "mailbox is disabled", "user is disabled", "account inactive", "inactive account", "mailbox is inactive", "inactive user", "user is inactive", "account has been disabled", "account that you tried to reach is inactive", "account is inactive", "account closed", "account has been closed", "mailbox closed", "no longer active", "account is locked"), reason: ReasonMailboxDisabled},
	{code: "5", text: texts("mailbox", "account", "user", "recipient", "address", "boite", "boîte", "konto", "postfach", "cuenta", "compte"), with: texts("is terminated", "was terminated", "terminated", "temporarily inactive", "deactivated", "desactiv", "désactiv", "deaktiviert", "is disabled", "was disabled", "is blocked", "is locked", "is cancelled", "is canceled", "was cancelled", "gesperrt", "is inactive", "suspended", "suspendu", "suspendid", "or access denied", "on hold", "заблокирован", "отключен", "停用", "凍結", "has been closed"), not: texts("sender", "your account", "your user", "temporarily deferred", "black list", "blacklist", "spam", "ip address", "relay"), reason: ReasonMailboxDisabled, action: ActionBounce},
	{code: "5", text: texts("mailbox is frozen", "account is suspended", "mailbox suspended", "archived recipient", "recipient is disabled", "recipient disabled", "user disabled", "disabled recipient", "recipient suspended", "user suspended", "suspended user", "mailbox locked", "address is inactive", "email address inactive", "account expired", "account has expired", "mailbox is no longer", "not currently active", "dormant", "is deactivated", "been deactivated", "account deactivated", "inactive recipient", "inactive mailbox", "not active", "is not active", "disabled or discontinued", "discontinued", "account locked", "temporarily suspended", "currently suspended", "suspend the service", "mailbox is suspended", "user is suspended", "valid active user", "user has been suspended", "recipient has been suspended", "mailbox has been suspended", "extended inactivity", "not currently being accepted", "destinataire archivee", "mailbox is blocked", "user account is disabled", "has been terminated"), reason: ReasonMailboxDisabled, action: ActionBounce},
	{status: "5.4.1", text: texts("recipient address rejected: access denied"), reason: ReasonUserUnknown, action: ActionBounce}, // Microsoft 365: mostly unknown, sometimes its own routing
	{status: "x.7.", text: texts("recipient address rejected: access denied", "not authorized to send to", "restricted", "only accepts mail from"), reason: ReasonPolicy},
	{text: texts("header error", "policy reasons", "security policies", "security policy", "organization policy", "organizational settings", "organisational settings", "violated policy", "given low priority", "multiple addresses", "images or other attachments", "mass mailer", "policy prohibits", "verification failure", "not authorized to use", "due to policy", "by policy", "policy rejection", "policy violation", "denied by policy", "local policy", "rejected by policy", "has a policy that prohibit", "violates"), reason: ReasonPolicy},
	{code: "5", text: texts("not accepting mail with"), reason: ReasonPolicy},
	{text: texts("verification in progress", "unverified address", "verification failed", "temporarily rejected"), code: "4", reason: ReasonGreylisted},
	{text: texts("host/domain does not resolve"), reason: ReasonDomainNotFound, action: ActionBounce},
	{code: "5", text: texts("host not found, try again", "not found, try again"), reason: ReasonNetwork, fault: FaultReceiver, action: ActionBounce}, // no answer is not a no
	{code: "5", text: texts("dns domain"), reason: ReasonDomainNotFound, action: ActionBounce},                                                       // Microsoft
	{code: "5", status: "5.1.2", text: texts("unrouteable address"), reason: ReasonDomainNotFound},
	{code: "5", text: texts("domain not found", "host not found", "no such domain", "unknown domain", "unknown host", "host unknown", "domain name not found", "domain does not exist", "bad destination system", "null mx", "does not accept mail", "nullmx", "unrouteable domain", "name or service not known", "no mx"), reason: ReasonDomainNotFound},
	{code: "5", text: texts("user unknown", "unknown user", "no such user", "unknown recipient", "recipient unknown", "no such recipient", "no such mailbox", "no mailbox here", "user not found", "recipient not found", "mailbox not found", "recipientnotfound", "does not exist", "doesn't exist", "user doesn't have", "no such person", "invalid mailbox", "invalid recipient", "unknown address", "address unknown", "no such address", "not a valid mailbox", "not a known user", "unknown local part", "unknown local-part", "unrouteable address", "unknown mailbox", "mailbox unknown", "no account by that name", "no longer exists", "is not a valid user", "addressee unknown", "not listed in domino", "not our customer", "unknown local user", "final delivery userid", "address couldn't be found", "email address wasn't found", "not listed in public", "not listed in name", "not listed in directory", "no mailbox by that name", "no mailbox named", "user not exist", "user doesn't exist", "recipient no longer on", "user not known", "account not found", "unknown account", "account that you tried to reach does not", "invalid user", "no local user", "no such account", "no such local user", "no such domain user", "unknown e-mail", "unknown email", "nosuchuser", "unknown alias", "no users by that", "unable to find user", "non-existent user", "nonexistent user", "adresse destinataire invalide"), reason: ReasonUserUnknown},
	{code: "5", text: texts("no smtp service", "mail receiving disabled", "illegal host/domain", "illegal host", "host/domain does not", "no mx record", "domain does not resolve", "host does not resolve", "domain name does not", "domain cannot be resolved", "unable to find domain", "domain not exist", "able to find host", "keine mx", "домен не", "couldn't find any host", "couldn't find a mail exchanger", "find a mail exchanger", "host or domain name not found", "nxdomain", "domain unknown", "unknown mail domain", "no valid hosts", "no such host", "domain is not reachable", "domain is not found", "domain isn't found", "no mail servers for domain", "all relevant mx records point to non-existent hosts", "lowest numbered mx record points to local host", "unrouteable mail domain", "unroutable mail domain", "unroutable domain", "unroutable address", "domain must exist", "mentioned in email address is unknown", "name server: .", "domain is unknown", "domain name unknown", "no such dns", "no a, aaaa or mx", "no dns record"), reason: ReasonDomainNotFound, action: ActionBounce},
	{code: "5", text: texts("address could not be found", "address wasn't found", "address not found", "mailbox does not", "mailbox name not allowed", "mailbox not exist", "user does not", "recipient does not", "recipient not exist", "no longer on server", "not a valid recipient", "not a valid address", "is not a valid mailbox", "no valid recipients", "not known at this", "unknown to this", "account does not", "no account", "invalid userid", "invalid address", "bad address", "no local mailbox", "is not exist", "could not be found in", "couldn't be found", "has left the", "not found in directory", "undeliverable address", "does not like recipient", "validrcptto", "illegal alias", "account not available", "mailbox is not found", "mailbox isn't found", "not a known", "recipient unavailable", "not exist here", "unable to find recipient", "cannot find user", "can't find user", "no recipient", "is not known", "not in the local", "account doesn't exist", "recipient address does not", "is not hosted here", "nobody by that name", "non existing", "existiert nicht", "n'existe pas", "no existe", "non esiste", "user unkown", "is not a registered", "cuda_nsu", "address is not valid", "all recipient addresses rejected"), reason: ReasonUserUnknown, action: ActionBounce}, // likely, not certain
	// Any two words that together say so, in the languages in which servers write.
	{code: "5", text: texts("user", "recipient", "mailbox", "account", "address", "alias", "local part", "local-part", "destination", "utilisateur", "destinataire", "usuario", "destinatario", "benutzer", "empfänger", "empfaenger", "utente", "casella", "mottagare", "ontvanger", "пользовател", "получател", "адрес", "ящик", "ユーザ", "宛先", "アドレス", "用户", "收件人", "地址"), with: texts("unknown", "not found", "not exist", "n't exist", "dosn't exist", "no such", "invalid", "not known", "not recognize", "not recognise", "no longer valid", "not valid", "is wrong", "not present", "missing home", "badrcptto", "not available", "account unavailable", "inconnu", "desconocid", "sconosciut", "unbekannt", "nicht gefunden", "existiert nicht", "introuvable", "existe pas", "no existe", "no encontrad", "non esiste", "inesistente", "okänd", "onbekend", "неизвест", "не существует", "не найден", "нет такого", "不明", "存在しま", "見つかりま", "不存在", "未找到", "找不到"), not: texts("sender", "from:", "mail from", "return path", "client", "helo", "your ", "relay", "command", "header", "spam", "content", "try again", "server not", "name server", "syntax", "service not", "system resources", "certificate"), reason: ReasonUserUnknown, action: ActionBounce},
	{code: "5", text: texts("no one here", "nobody here", "no mailbox", "no such subscriber", "subscriber unknown", "unknown subscriber", "répertorié dans l", "repertorie dans l", "dosn't exist", "not a valid user", "badrcptto", "nessuna casella", "invalid login user", "not here anymore", "no longer accepts mail", "no longer works here", "left the company", "no longer with"), reason: ReasonUserUnknown, action: ActionBounce},
	{code: "5", text: texts("domain"), with: texts("is not valid", "is invalid", "not registered", "not exist", "be found"), not: texts("sender", "from", "user", "mailbox", "recipient", "your", "helo", "account", "address"), reason: ReasonDomainNotFound, action: ActionBounce},
	{code: "5", text: texts("has moved", "has been replaced by", "address has changed", "no longer at this address", "recipient address has changed", "address no longer"), reason: ReasonUserUnknown}, // as good as unknown: the new address is not ours to guess
	{code: "551", text: texts("not our user", "not local"), reason: ReasonUserUnknown},
	{status: "5.1.0", text: texts("address rejected"), reason: ReasonUserUnknown, action: ActionBounce}, // IronPort: usually unknown
	{text: texts("null mx"), reason: ReasonDomainNotFound},                                              // RFC 7505; Gmail gives it with 4.0.0
	{status: "5.4.4", text: texts("invalid domain"), reason: ReasonDomainNotFound},
	{text: texts("unable to write", "write error", "command failed", "forwarding loop broken", "error while being processed", "create a mail loop", "loop was found", "loops back to myself", "there is no mdb", "several matches", "not unique", "misconfigured", "waiting for input", "mail system full", "aliasing"), reason: ReasonSystem},
	{text: texts("ldap server", "operating system error", "database error"), reason: ReasonSystem},
	// The way to the recipient's server, as bounces tell it.
	{code: "5", text: networkTexts, reason: ReasonNetwork, fault: FaultReceiver, action: ActionBounce},
	{text: networkTexts, reason: ReasonNetwork, fault: FaultReceiver, action: ActionRetry},
	// The machinery at the recipient's server.
	{text: texts("unknown mailer error", "local delivery failed", "pipe to |", "child process", "error writing", "command died", "i/o error", "service currently unavailable", "service unavailable", "internal error", "internal server error", "local error", "system error", "temporary failure", "temporary problem", "local problem", "technical problem", "configuration error", "config error", "duplicated message-id", "loop detected", "processing error", "cannot open", "can't create", "file system full", "lmtp transmission failure", "server error", "queue file write", "command output:", "mailer error", "could not load drd", "proxy session setup", "interrupted system call", "resources temporarily", "temporarily unavailable", "insufficient permission", "procmail", "maildrop", "unable to lock", "lock mailbox", "read-only file system", "exit status", "exited with", "status code 7", "aliasing/forwarding", "upstream error"), reason: ReasonSystem},
	{text: texts("access denied"), reason: ReasonBlocked},
	{text: texts("protocol violation", "malformed address", "syntax error"), reason: ReasonProtocol},
	{code: "4", text: texts("temporary system problem"), reason: ReasonSystem},
	{code: "550", text: texts("mailbox unavailable", "mailbox not available"), reason: ReasonUserUnknown, action: ActionBounce}, // the stock phrase of RFC 5321: likely, not certain
	{status: "5.7.", reason: ReasonPolicy},

	// Enhanced codes alone (RFC 3463, RFC 7505, RFC 7372).
	{status: "x.1.1", reason: ReasonUserUnknown},
	{status: "x.1.2", reason: ReasonDomainNotFound},
	{status: "x.1.3", reason: ReasonUserUnknown},
	{status: "x.1.6", reason: ReasonUserUnknown},
	{status: "x.1.10", reason: ReasonUserUnknown},
	{status: "x.1.7", reason: ReasonSenderRejected},
	{status: "x.1.8", reason: ReasonSenderRejected},
	{status: "5.2.1", reason: ReasonMailboxDisabled},
	{status: "x.2.3", reason: ReasonSize},
	{status: "x.3.", reason: ReasonSystem},
	{status: "4.4.5", reason: ReasonRateLimited},
	{status: "x.4.7", reason: ReasonNetwork},
	{status: "x.4.", reason: ReasonSystem},
	{status: "x.5.3", reason: ReasonRateLimited},
	{status: "x.5.", reason: ReasonProtocol},
	{status: "x.6.7", reason: ReasonProtocol, fault: FaultReceiver, action: ActionBounce},
	{status: "x.6.", reason: ReasonContent},
	{status: "4.7.1", code: "45", stage: StageRcpt, reason: ReasonGreylisted},
	{status: "4.7.", reason: ReasonPolicy},

	// Plain codes (RFC 5321 §4.2.3).
	{code: "421", text: texts("shutting down", "closing", "timeout", "idle", "service not available", "service unavailable", "try again later"), reason: ReasonSystem},
	{code: "421", reason: ReasonRateLimited},
	{code: "431", reason: ReasonSystem},
	{code: "432", reason: ReasonTooManyConnections},
	{code: "447", reason: ReasonNetwork},
	{code: "455", reason: ReasonProtocol},
	{code: "452", reason: ReasonSystem},
	{code: "552", stage: StageRcpt, reason: ReasonMailboxFull},
	{code: "552", stage: StageMail, reason: ReasonSize},
	{code: "552", reason: ReasonMailboxFull},
	{code: "523", reason: ReasonSize},
	{code: "521", reason: ReasonDomainNotFound, action: ActionBounce},
	{code: "556", reason: ReasonDomainNotFound},
	{code: "501", stage: StageMail, text: texts("address"), reason: ReasonSenderRejected},
	{code: "50", reason: ReasonProtocol},
	{code: "55", stage: StageMail, reason: ReasonSenderRejected},
	{code: "451", reason: ReasonSystem},
	{code: "450", reason: ReasonSystem},
}
