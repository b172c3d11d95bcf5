package preflight

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// onceFields may stand in a header once (RFC 5322 §3.6).
var onceFields = []string{"From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "List-Unsubscribe", "List-Unsubscribe-Post"}

// headers looks at the form of the message.
func (c *checker) headers(m message) {
	for _, p := range m.sent.problems {
		c.out.at("mime_broken", Where{Part: "message", Note: p})
	}
	if n := m.sent.longLine; n > 0 {
		c.out.say("long_lines", "message", "The message has a line of %d characters; 998 are allowed (RFC 5322 §2.1.1), and servers break longer ones anywhere, which also breaks DKIM.", n)
	}
	for _, name := range onceFields {
		if m.sent.count(name) > 1 {
			c.out.at("header_twice", Where{Part: "headers", Selector: name})
		}
	}
	for _, name := range []string{"From", "Date"} {
		if strings.TrimSpace(m.sent.get(name)) == "" {
			c.out.at("header_missing", Where{Part: "headers", Selector: name})
		}
	}
	for _, f := range m.sent.fields {
		if strings.ContainsFunc(f.raw, func(r rune) bool { return r >= 0x80 }) {
			c.out.at("header_raw", Where{Part: "headers", Selector: f.name})
		}
	}
}

var inBrackets = regexp.MustCompile(`<([^<>]*)>`)

// listUnsubscribe gives the addresses of that field.
func listUnsubscribe(m *mailMessage) (all []string) {
	for _, found := range inBrackets.FindAllStringSubmatch(m.get("List-Unsubscribe"), -1) {
		all = append(all, strings.TrimSpace(found[1]))
	}
	return all
}

// unsubscribing looks whether people can leave, by the header and in the body. A message to one person, such as a receipt, need not let them: what is for many has a field of lists, or a
// link for leaving.
func (c *checker) unsubscribing(m message) {
	addresses := listUnsubscribe(m.sent)
	inBody, certain := c.leavesBody(m, addresses)
	switch {
	case !certain && !m.sent.forMany():
		c.out.get("unsubscribe_missing").Count = 1
		return
	case len(addresses) == 0:
		c.out.get("no_list_unsubscribe").Count = 1
	case !oneClick(m.sent, addresses):
		c.out.at("no_one_click", Where{Part: "headers", Selector: "List-Unsubscribe"})
	}
	switch {
	case inBody:
	case m.plain.hasHTML:
		c.out.at("no_unsubscribe_link", Where{Part: "html"})
	case m.plain.hasText:
		c.out.at("no_unsubscribe_link", Where{Part: "text"})
	}
}

// leavesBody looks for a way to leave in what is read. Words count too: "To unsubscribe click here", or "write to us". certain says that it is for leaving a list and nothing else:
// people cancel orders too.
func (c *checker) leavesBody(m message, addresses []string) (found, certain bool) {
	shown := m.doc.visible
	if !m.plain.hasHTML {
		shown = m.plain.text
	}
	certain = unsubscribe.MatchString(shown)
	found = certain || slices.ContainsFunc(addresses, func(a string) bool { return strings.Contains(shown, a) }) || !m.plain.hasHTML && leaving.MatchString(shown)
	for _, l := range m.doc.links {
		if !leaves(l, addresses) && !c.own(l.url) {
			continue
		}
		found = true
		certain = certain || c.own(l.url) || unsubscribe.MatchString(l.url)
		if shorteners[hostOf(l.url)] {
			c.out.at("unsubscribe_shortened", Where{Part: "html", Line: l.line, Selector: l.url})
		}
	}
	return found, certain
}

// oneClick is RFC 8058 §3.1. Mail that stays on this machine may do without encryption.
func oneClick(m *mailMessage, addresses []string) bool {
	secure := slices.ContainsFunc(addresses, func(a string) bool {
		a = strings.ToLower(a)
		return strings.HasPrefix(a, "https://") || strings.HasPrefix(a, "http://") && loopback(hostOf(a))
	})
	return secure && strings.EqualFold(strings.ReplaceAll(m.get("List-Unsubscribe-Post"), " ", ""), "List-Unsubscribe=One-Click")
}

// unsubscribe are words by which people leave and nothing else. leaving are also those that stand for leaving only in a link: in its text or in its address.
var (
	unsubscribe = regexp.MustCompile(`(?i)` + unsubscribeWords)
	leaving     = regexp.MustCompile(`(?i)` + unsubscribeWords + `|preference|subscription|cancelar|annulla|cancella|avsluta|peruuta|rezygn|отказ|解除|退会|停止|取消|취소|해지|ยกเลิก|لغو|إلغاء|הסר|ביטול`)
)

// unsubscribeWords are in the languages of Europe and in the larger ones of Asia.
const unsubscribeWords = `unsub|opt.?out|abmeld|abbestell|austragen|d[ée]sabonn|d[ée]sinscri|d(?:ar|a|ate|arte|ese)(?:se)? de baja|descadastr|desinscre|anular (?:a )?subscri|disiscri|afmeld|uitschrij[vf]|avregistr|avprenumer|avmeld|` +
	`frameld|peruuta tilau|lopeta tilau|odhl[aá]s|odjav|wypis|leiratkoz|dezabon|t[üu]hista tellimus|atsisak|atrakst|abonelikten|üyelikten|listeden ç[ıi]k|отпис|відпис|διαγραφ|κατ[άα]ργηση|` +
	`配信停止|配信を停止|配信解除|登録解除|登録を解除|購読解除|購読を解除|退订|退訂|取消订阅|取消訂閱|수신 ?거부|구독 ?취소|구독 ?해지|सदस्यता (?:समाप्त|रद्द)|ยกเลิกการ(?:สมัคร|รับ)|hủy đăng ký|berhenti berlangganan|` +
	`لغو (?:اشتراک|عضویت)|إلغاء الاشتراك|الغاء الاشتراك|הסר(?:ה|ת)? מ|ביטול (?:ה)?מנוי`

// leaves reports whether a link is for leaving.
func leaves(l link, addresses []string) bool {
	return slices.Contains(addresses, l.url) || leaving.MatchString(l.text) || leaving.MatchString(l.url)
}

// shorteners hide where a link leads.
var shorteners = set("bit.ly", "t.co", "goo.gl", "tinyurl.com", "ow.ly", "is.gd", "buff.ly", "cutt.ly", "rebrand.ly", "t.ly", "shorturl.at", "clck.ru", "tiny.cc", "lnkd.in", "rb.gy", "v.gd", "vk.cc", "goo.su")

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// hostOf gives the name of the server that a whole address leads to, "" when there is none that could be.
func hostOf(address string) string {
	server, _ := splitWeb(address)
	u, err := url.Parse("//" + server)
	if err != nil || strings.ContainsAny(server, " \t") {
		return ""
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// domainIn finds a name of a domain in words.
var domainIn = regexp.MustCompile(`(?i)\b((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+(?:[a-z]{2,24}|xn--[a-z0-9-]{2,59}))\b`)

// registrable gives the domain that belongs to somebody, "" for what is no name of the public Internet.
func registrable(host string) string {
	suffix, icann := publicsuffix.PublicSuffix(host)
	if !icann && !strings.Contains(suffix, ".") {
		return ""
	}
	d, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return ""
	}
	return d
}

var noReply = regexp.MustCompile(`(?i)^(no|do|ne)[._-]?(not)?[._-]?(reply|repondre|respond)|^nicht[._-]?antworten|^noresponder`)

// sender looks at the names and addresses that readers see.
func (c *checker) sender(m message) {
	from, ok := m.sent.address("From")
	if !ok {
		if m.sent.get("From") != "" {
			c.out.at("header_missing", Where{Part: "headers", Selector: "From", Note: "what stands there is no address"})
		}
		return
	}
	local, domain, _ := strings.Cut(from.Address, "@")
	if strings.TrimSpace(from.Name) == "" {
		c.out.at("from_name_missing", Where{Part: "from_name", Selector: from.Address})
	}
	for _, found := range domainIn.FindAllString(from.Name, -1) {
		other := registrable(strings.ToLower(found))
		if other != "" && other != registrable(strings.ToLower(domain)) {
			c.out.at("from_name_address", Where{Part: "from_name", Selector: from.Name, Note: "the mail comes from " + domain})
		}
	}
	reply, ok := m.sent.address("Reply-To")
	switch {
	case ok && noReply.MatchString(reply.Address):
		c.out.at("reply_noreply", Where{Part: "reply_to", Selector: reply.Address})
	case !ok && noReply.MatchString(local):
		c.out.at("from_noreply", Where{Part: "from_email", Selector: from.Address})
	}
}
