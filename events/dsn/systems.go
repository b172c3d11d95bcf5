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
			{"cxbl", reply.ReasonBlocked}, {"cdrbl", reply.ReasonBlocked}, {"ipbl", reply.ReasonBlocked}, {"aup-i", reply.ReasonBlocked}, {"cxdns", reply.ReasonAuthentication},
			{"cxmxrt", reply.ReasonTooManyConnections}, {"cxcnct", reply.ReasonTooManyConnections}, {"cxthrt", reply.ReasonPolicy}, {"cxmj", reply.ReasonPolicy}, {"cxsndr", reply.ReasonSenderRejected},
			{"urlbl", reply.ReasonSpamContent}, {"cxrcp", reply.ReasonRateLimited}, {"cxzen", reply.ReasonBlocked}, {"rejected - no rdns", reply.ReasonAuthentication},
		},
	},
	{ // https://service.mail.qq.com
		hosts: []string{"qq.com", "tencent", "exmail"},
		sayings: []saying{
			{"frequency limited", reply.ReasonRateLimited}, {"suspected bounce attack", reply.ReasonBlocked}, {"suspected spam ip", reply.ReasonBlocked}, {"connection denied", reply.ReasonBlocked},
			{"blocked ip", reply.ReasonBlocked}, {"suspected spam", reply.ReasonSpamContent}, {"mail content denied", reply.ReasonSpamContent}, {"rejected by recipient", reply.ReasonSenderRejected},
			{"account is abnormal", reply.ReasonMailboxDisabled}, {"access denied", reply.ReasonMailboxDisabled},
		},
	},
	{
		hosts: []string{"icloud.com", "apple.com", "me.com.akadns"},
		sayings: []saying{
			{"[hme1]", reply.ReasonAuthentication}, {"[hm07]", reply.ReasonSpamContent}, {"[hm08]", reply.ReasonSpamContent}, {"[cs01]", reply.ReasonPolicy},
			{"5.7.0 blocked", reply.ReasonBlocked}, {"excessive volume", reply.ReasonRateLimited}, {"inactive email address", reply.ReasonUserUnknown},
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
			{"pol-p5", reply.ReasonSpamContent}, {"pol-p6", reply.ReasonSpamContent}, {"pol-p7", reply.ReasonSpamContent}, {"pol-p8", reply.ReasonPolicy}, {"pol-p", reply.ReasonBlocked},
			{"pol-t", reply.ReasonRateLimited}, {"con-t1", reply.ReasonTooManyConnections}, {"con-t3", reply.ReasonTooManyConnections}, {"con-t2", reply.ReasonRateLimited},
			{"dns-p3", reply.ReasonAuthentication}, {"dns-p", reply.ReasonSenderRejected}, {"dns-t", reply.ReasonSenderRejected}, {"msg-p1", reply.ReasonSize}, {"int-p2", reply.ReasonSize},
			{"msg-p", reply.ReasonContent}, {"msg-t", reply.ReasonRateLimited}, {"rcp-t4", reply.ReasonMailboxDisabled}, {"rcp-t", reply.ReasonSystem}, {"int-t", reply.ReasonSystem},
			{"rcp-p1", reply.ReasonUserUnknown}, {"int-p", reply.ReasonUserUnknown}, {"rcp-p", reply.ReasonUserUnknown},
		},
	},
	{ // https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online
		hosts: []string{"outlook.com", "hotmail.com", "office365.us", "partner.outlook.cn", "microsoft"},
		statuses: map[string]reply.Reason{
			"5.1.20": reply.ReasonContent, "5.2.3": reply.ReasonSize, "5.3.190": reply.ReasonSystem, "5.4.300": reply.ReasonNetwork, "5.4.312": reply.ReasonNetwork, "5.4.316": reply.ReasonNetwork,
			"5.4.310": reply.ReasonDomainNotFound, "5.6.11": reply.ReasonContent, "5.7.57": reply.ReasonPolicy, "5.7.64": reply.ReasonRelayDenied, "5.7.367": reply.ReasonPolicy,
			"5.7.501": reply.ReasonSpamContent, "5.7.502": reply.ReasonSenderRejected, "5.7.503": reply.ReasonSenderRejected, "5.7.506": reply.ReasonBlocked,
			"5.7.507": reply.ReasonSenderRejected, "5.7.508": reply.ReasonTooManyConnections, "5.7.511": reply.ReasonBlocked, "5.7.512": reply.ReasonContent, "5.7.513": reply.ReasonBlocked,
			"5.7.708": reply.ReasonBlocked, "5.7.750": reply.ReasonSenderRejected, "4.4.312": reply.ReasonNetwork, "4.4.316": reply.ReasonNetwork,
		},
		sayings: []saying{
			{"(s3150)", reply.ReasonBlocked}, {"(s3140)", reply.ReasonBlocked}, {"rp-00", reply.ReasonRateLimited}, {"sc-00", reply.ReasonBlocked}, {"dy-00", reply.ReasonBlocked}, {"ou-00", reply.ReasonBlocked},
		},
	},
	{ // its gateways ask the recipient's server for the address
		hosts:   []string{"messagelabs.com"},
		sayings: []saying{{"no such user", reply.ReasonUserUnknown}, {"user unknown", reply.ReasonUserUnknown}, {"turn on smtp authentication", reply.ReasonPolicy}},
	},
	{ // https://postmaster.verizonmedia.com/error-codes
		hosts: []string{"yahoodns.net", "yahoo.com", "yahoo.co", "aol.com", "verizonmedia", "yahooinc"},
		sayings: []saying{
			{"[bl", reply.ReasonBlocked}, {"[ts03]", reply.ReasonReputation}, {"[tss09]", reply.ReasonSenderRejected}, {"[ph0", reply.ReasonPolicy}, {"headers are not rfc compliant", reply.ReasonContent},
			{"relaying denied", reply.ReasonRelayDenied}, {"(p0-01)", reply.ReasonSpamContent},
		},
	},
}

// spokenBy finds what is meant by the system whose server spoke: hosts is where the report names servers, said are the server's words.
func spokenBy(hosts, status, said string) (reply.Reason, bool) {
	said = strings.ToLower(clip(said, maxBlock))
	hosts = strings.ToLower(clip(hosts, maxBlock)) + " " + said
	for i := range systems {
		if contains(hosts, systems[i].hosts) {
			if r, ok := systems[i].means(status, said); ok {
				return r, true
			}
		}
	}
	return "", false
}

func (s *system) means(status, said string) (reply.Reason, bool) {
	if s.code != nil {
		if m := s.code.FindStringSubmatch(said); m != nil {
			n, err := strconv.Atoi(m[1])
			for _, c := range s.codes {
				if err == nil && c.from <= n && n <= c.to {
					return c.reason, true
				}
			}
		}
	}
	if r, ok := s.statuses[status]; ok {
		return r, true
	}
	for _, t := range s.sayings {
		if strings.Contains(said, t.text) {
			return t.reason, true
		}
	}
	return "", false
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
