package dsn

import (
	"regexp"
	"strconv"
	"strings"

	"postrider/sender/reply"
)

// system is a provider whose codes mean something at its own servers only.
type system struct {
	hosts    []string // parts of the names of its servers, in lower case
	code     *regexp.Regexp
	codes    []span
	sayings  []saying
	statuses map[string]reply.Reason
}

// span is a range of a system's own numbers.
type span struct {
	from, to int
	reason   reply.Reason
}

// saying is a text of a system, in lower case.
type saying struct {
	text   string
	reason reply.Reason
	fault  reply.Fault // empty is the usual one
}

// systems are what providers publish about their replies, or what their texts have come to mean. Only what sender/reply does not read alike for everybody stands here.
var systems = []system{
	{ // https://www.spectrum.net/support/internet/understanding-email-error-codes
		hosts: []string{"charter.net", "spectrum.net", "rr.com", "twc.com", "brighthouse.com", "aup#"},
		code:  regexp.MustCompile(`aup#(?:[a-z]+-)?([0-9]{4})`),
		codes: []span{
			{1000, 1009, reply.ReasonBlocked}, {1010, 1059, reply.ReasonSenderRejected}, {1060, 1089, reply.ReasonSpamContent}, {1090, 1099, reply.ReasonSystem},
			{1100, 1159, reply.ReasonAuthentication}, {1160, 1299, reply.ReasonBlocked}, {1300, 1349, reply.ReasonTooManyConnections}, {1350, 1499, reply.ReasonRateLimited},
			{1500, 1529, reply.ReasonSenderRejected}, {1530, 1539, reply.ReasonSize}, {1540, 1559, reply.ReasonSenderRejected}, {1560, 1579, reply.ReasonPolicy},
			{1580, 1599, reply.ReasonRateLimited}, {1600, 1799, reply.ReasonSpamContent},
		},
	},
	{ // Orange, Wanadoo and La Poste: "OFR006_102", "LPN007_416"
		hosts: []string{"orange.fr", "wanadoo.fr", "laposte.net", "francetelecom", "voila.fr", "ofr", "lpn"},
		code:  regexp.MustCompile(`\b(?:ofr|lpn|lpnaaa|oin|wmsc)[0-9]*_([0-9]{3})\b`),
		codes: []span{
			{102, 103, reply.ReasonBlocked}, {104, 104, reply.ReasonTooManyConnections}, {105, 109, reply.ReasonBlocked}, {201, 203, reply.ReasonAuthentication},
			{305, 305, reply.ReasonRateLimited}, {401, 403, reply.ReasonSenderRejected}, {405, 415, reply.ReasonSenderRejected}, {416, 416, reply.ReasonUserUnknown},
			{417, 417, reply.ReasonMailboxFull}, {420, 420, reply.ReasonMailboxDisabled}, {425, 426, reply.ReasonMailboxDisabled}, {505, 505, reply.ReasonSystem},
			{506, 506, reply.ReasonSpamContent}, {510, 511, reply.ReasonBlocked}, {513, 513, reply.ReasonSize}, {515, 517, reply.ReasonSenderRejected}, {521, 521, reply.ReasonUserUnknown},
			{522, 522, reply.ReasonMailboxFull}, {630, 639, reply.ReasonPolicy}, {999, 999, reply.ReasonBlocked},
		},
	},
	{ // https://www.godaddy.com/help/what-does-my-email-bounceback-mean-3568
		hosts: []string{"secureserver.net", "godaddy"},
		code:  regexp.MustCompile(`\bib([0-9]{3})\b`),
		codes: []span{
			{7, 7, reply.ReasonTooManyConnections}, {101, 101, reply.ReasonTooManyConnections}, {103, 106, reply.ReasonBlocked}, {107, 109, reply.ReasonBlocked},
			{110, 110, reply.ReasonBlocked}, {111, 111, reply.ReasonBlocked}, {112, 112, reply.ReasonBlocked}, {113, 113, reply.ReasonAuthentication}, {212, 216, reply.ReasonSpamContent}, {401, 401, reply.ReasonPolicy},
			{501, 502, reply.ReasonSenderRejected}, {504, 504, reply.ReasonSize}, {506, 507, reply.ReasonSenderRejected}, {508, 508, reply.ReasonAuthentication}, {509, 510, reply.ReasonSenderRejected}, {602, 606, reply.ReasonRateLimited}, {607, 609, reply.ReasonRateLimited},
			{701, 701, reply.ReasonPolicy}, {702, 705, reply.ReasonSpamContent}, {801, 810, reply.ReasonSpamContent}, {900, 999, reply.ReasonSpamContent},
		},
	},
	{ // https://www.cox.com/residential/support/email-error-codes.html
		hosts: []string{"cox.net", "cox.com"},
		sayings: []saying{
			{text: "cxbl", reason: reply.ReasonBlocked}, {text: "cdrbl", reason: reply.ReasonBlocked}, {text: "ipbl", reason: reply.ReasonBlocked}, {text: "aup-i", reason: reply.ReasonBlocked}, {text: "cxdns", reason: reply.ReasonAuthentication},
			{text: "cxmxrt", reason: reply.ReasonTooManyConnections}, {text: "cxcnct", reason: reply.ReasonTooManyConnections}, {text: "cxthrt", reason: reply.ReasonPolicy}, {text: "cxmj", reason: reply.ReasonPolicy}, {text: "cxsndr", reason: reply.ReasonSenderRejected},
			{text: "urlbl", reason: reply.ReasonSpamContent}, {text: "cxrcp", reason: reply.ReasonRateLimited}, {text: "cxzen", reason: reply.ReasonBlocked}, {text: "rejected - no rdns", reason: reply.ReasonAuthentication},
		},
	},
	{ // https://service.mail.qq.com
		hosts: []string{"qq.com", "tencent", "exmail"},
		sayings: []saying{
			{text: "frequency limited", reason: reply.ReasonRateLimited}, {text: "suspected bounce attack", reason: reply.ReasonBlocked}, {text: "suspected spam ip", reason: reply.ReasonBlocked}, {text: "connection denied", reason: reply.ReasonBlocked},
			{text: "blocked ip", reason: reply.ReasonBlocked}, {text: "suspected spam", reason: reply.ReasonSpamContent}, {text: "mail content denied", reason: reply.ReasonSpamContent}, {text: "rejected by recipient", reason: reply.ReasonSenderRejected},
			{text: "account is abnormal", reason: reply.ReasonMailboxDisabled}, {text: "access denied", reason: reply.ReasonMailboxDisabled},
		},
	},
	{
		hosts: []string{"icloud.com", "apple.com", "me.com.akadns"},
		sayings: []saying{
			{text: "[hme1]", reason: reply.ReasonAuthentication}, {text: "[hm07]", reason: reply.ReasonSpamContent}, {text: "[hm08]", reason: reply.ReasonSpamContent}, {text: "[cs01]", reason: reply.ReasonPolicy},
			{text: "5.7.0 blocked", reason: reply.ReasonBlocked}, {text: "excessive volume", reason: reply.ReasonRateLimited}, {text: "inactive email address", reason: reply.ReasonUserUnknown},
		},
	},
	{
		hosts: []string{"mail.i.ua", "email.ua", "i.ua/err"},
		code:  regexp.MustCompile(`mail\.i\.ua/err/([0-9]{1,2})`),
		codes: []span{
			{1, 1, reply.ReasonRelayDenied}, {2, 2, reply.ReasonUserUnknown}, {3, 3, reply.ReasonMailboxDisabled}, {4, 4, reply.ReasonMailboxFull}, {5, 5, reply.ReasonAuthentication},
			{6, 7, reply.ReasonBlocked}, {8, 8, reply.ReasonRateLimited}, {9, 12, reply.ReasonBlocked}, {13, 15, reply.ReasonSpamContent},
		},
	},
	{ // https://postmaster.facebook.com/response_codes
		hosts: []string{"facebook.com"},
		sayings: []saying{
			{text: "pol-p5", reason: reply.ReasonSpamContent}, {text: "pol-p6", reason: reply.ReasonSpamContent}, {text: "pol-p7", reason: reply.ReasonSpamContent}, {text: "pol-p8", reason: reply.ReasonPolicy}, {text: "pol-p", reason: reply.ReasonBlocked},
			{text: "pol-t", reason: reply.ReasonRateLimited}, {text: "con-t1", reason: reply.ReasonTooManyConnections}, {text: "con-t3", reason: reply.ReasonTooManyConnections}, {text: "con-t2", reason: reply.ReasonRateLimited},
			{text: "dns-p3", reason: reply.ReasonAuthentication}, {text: "dns-p", reason: reply.ReasonSenderRejected}, {text: "dns-t", reason: reply.ReasonSenderRejected}, {text: "msg-p1", reason: reply.ReasonSize}, {text: "int-p2", reason: reply.ReasonSize},
			{text: "msg-p", reason: reply.ReasonContent}, {text: "msg-t", reason: reply.ReasonRateLimited}, {text: "rcp-t4", reason: reply.ReasonMailboxDisabled}, {text: "rcp-t", reason: reply.ReasonSystem}, {text: "int-t", reason: reply.ReasonSystem},
			{text: "rcp-p1", reason: reply.ReasonUserUnknown}, {text: "int-p", reason: reply.ReasonUserUnknown}, {text: "rcp-p", reason: reply.ReasonUserUnknown, fault: reply.FaultReceiver},
		},
	},
	{ // https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online
		hosts: []string{"outlook.com", "hotmail.com", "office365.us", "partner.outlook.cn", "microsoft"},
		statuses: map[string]reply.Reason{
			"5.1.20": reply.ReasonContent, "5.2.3": reply.ReasonSize, "5.3.190": reply.ReasonSystem, "5.4.300": reply.ReasonNetwork, "5.4.312": reply.ReasonNetwork, "5.4.316": reply.ReasonNetwork,
			"5.4.310": reply.ReasonDomainNotFound, "5.6.11": reply.ReasonContent, "5.7.57": reply.ReasonPolicy, "5.7.12": reply.ReasonPolicy, "5.7.124": reply.ReasonPolicy, "5.7.133": reply.ReasonPolicy, "5.7.134": reply.ReasonPolicy, "5.7.136": reply.ReasonPolicy, "5.7.64": reply.ReasonRelayDenied, "5.7.367": reply.ReasonPolicy,
			"5.7.501": reply.ReasonSpamContent, "5.7.502": reply.ReasonSenderRejected, "5.7.503": reply.ReasonSenderRejected, "5.7.506": reply.ReasonBlocked,
			"5.7.507": reply.ReasonSenderRejected, "5.7.508": reply.ReasonTooManyConnections, "5.7.511": reply.ReasonBlocked, "5.7.512": reply.ReasonContent, "5.7.513": reply.ReasonBlocked,
			"5.7.708": reply.ReasonBlocked, "5.7.750": reply.ReasonSenderRejected, "4.4.312": reply.ReasonNetwork, "4.4.316": reply.ReasonNetwork,
		},
		sayings: []saying{
			{text: "access denied. as(201806281)", reason: reply.ReasonUserUnknown}, {text: "(s3150)", reason: reply.ReasonBlocked}, {text: "(s3140)", reason: reply.ReasonBlocked}, {text: "rp-00", reason: reply.ReasonRateLimited}, {text: "sc-00", reason: reply.ReasonBlocked}, {text: "dy-00", reason: reply.ReasonBlocked}, {text: "ou-00", reason: reply.ReasonBlocked},
		},
	},
	{ // the Internet Mail Service of Exchange 5.5 and 2000 numbers what happened
		hosts: []string{"msexch:"},
		sayings: []saying{
			{text: "000c05a6", reason: reply.ReasonUserUnknown}, {text: "000c0595", reason: reply.ReasonUserUnknown, fault: reply.FaultReceiver}, {text: "0010027f", reason: reply.ReasonUserUnknown, fault: reply.FaultReceiver},
			{text: "00010256", reason: reply.ReasonSystem}, {text: "000d06b5", reason: reply.ReasonSystem}, {text: "00120270", reason: reply.ReasonNetwork}, {text: "00050311", reason: reply.ReasonContent},
			{text: "000502cc", reason: reply.ReasonContent}, {text: "000b0981", reason: reply.ReasonPolicy},
		},
	},
	{ // https://mimecastsupport.zendesk.com: SMTP error codes
		hosts: []string{"mimecast"},
		sayings: []saying{
			{text: "possibly incorrect", reason: reply.ReasonUserUnknown}, {text: "anti-spoofing", reason: reply.ReasonPolicy}, {text: "blocked senders", reason: reply.ReasonSenderRejected},
			{text: "envelope blocked", reason: reply.ReasonSenderRejected}, {text: "open relay not allowed", reason: reply.ReasonRelayDenied}, {text: "ip reputation", reason: reply.ReasonBlocked},
			{text: "host network not allowed", reason: reply.ReasonBlocked}, {text: "administrative lockout", reason: reply.ReasonMailboxDisabled}, {text: "inbounds disabled", reason: reply.ReasonMailboxDisabled},
			{text: "account inbounds", reason: reply.ReasonMailboxDisabled}, {text: "signature detected", reason: reply.ReasonSpamContent}, {text: "possible spam", reason: reply.ReasonSpamContent},
		},
	},
	{ // au names the address when there is none, and only ": User unknown" when a filter refuses
		hosts:   []string{"ezweb.ne.jp", "au.com", "kddi"},
		sayings: []saying{{text: ">: user unknown", reason: reply.ReasonUserUnknown}},
	},
	{ // its gateways ask the recipient's server for the address
		hosts:   []string{"messagelabs.com"},
		sayings: []saying{{text: "no such user", reason: reply.ReasonUserUnknown}, {text: "user unknown", reason: reply.ReasonUserUnknown}, {text: "turn on smtp authentication", reason: reply.ReasonPolicy}},
	},
	{ // https://postmaster.verizonmedia.com/error-codes
		hosts: []string{"yahoodns.net", "yahoo.com", "yahoo.co", "aol.com", "verizonmedia", "yahooinc"},
		sayings: []saying{
			{text: "[bl", reason: reply.ReasonBlocked}, {text: "[ts03]", reason: reply.ReasonReputation}, {text: "[tss09]", reason: reply.ReasonSenderRejected}, {text: "[ph0", reason: reply.ReasonPolicy}, {text: "headers are not rfc compliant", reason: reply.ReasonContent},
			{text: "relaying denied", reason: reply.ReasonRelayDenied}, {text: "(p0-01)", reason: reply.ReasonSpamContent},
		},
	},
}

// spokenBy finds what is meant by the system whose server spoke: hosts is where the report names servers, said are the server's words.
func spokenBy(hosts, status, said string) (saying, bool) {
	said = strings.ToLower(clip(said, maxBlock))
	hosts = strings.ToLower(clip(hosts, maxBlock)) + " " + said
	for i := range systems {
		if contains(hosts, systems[i].hosts) {
			if r, ok := systems[i].means(status, said); ok {
				return r, true
			}
		}
	}
	return saying{}, false
}

func (s *system) means(status, said string) (saying, bool) {
	if s.code != nil {
		if m := s.code.FindStringSubmatch(said); m != nil {
			n, err := strconv.Atoi(m[1])
			for _, c := range s.codes {
				if err == nil && c.from <= n && n <= c.to {
					return saying{reason: c.reason}, true
				}
			}
		}
	}
	if r, ok := s.statuses[status]; ok {
		return saying{reason: r}, true
	}
	for _, t := range s.sayings {
		if strings.Contains(said, t.text) {
			return t, true
		}
	}
	return saying{}, false
}

// serversOf gives who sends the report and the lines of a text that name the servers that were spoken to.
func (p *parser) serversOf(text string) string {
	if p.servers == nil {
		found := words(p.root.header.get("from")) + " " + strings.Join(serverLine.FindAllString(clip(text, maxText), 20), " ")
		p.servers = &found
	}
	return *p.servers
}

var serverLine = regexp.MustCompile(`(?i)(?:generating server|remote server|while talking to|server for the domain|\bsaid:|\bhost) ?:? ?\S{1,200}(?: \S{1,100})?`)
