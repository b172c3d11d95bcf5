package addrcheck

import (
	"strings"

	"golang.org/x/net/publicsuffix"
)

// provider is a large provider of mailboxes, or several with one name, and the top-level domains it has.
type provider struct {
	name string
	tlds []string
}

// providers are those whose misspellings are looked for by rule. Names of four letters and less have too many real neighbours: theirs are in knownTypos.
func providers() []provider {
	var out []provider
	for _, line := range []string{
		"gmail com", "googlemail com de", "hotmail com co.uk fr de it es nl be se no dk fi ca ch gr cl com.br com.ar com.mx com.tr co.jp ru",
		"outlook com de fr es it at be cl co.il co.th com.ar com.au com.br com.gr com.tr com.vn cz dk hu ie in jp kr lv my ph pt sa sg sk pl",
		"yahoo com co.uk fr de it es ca in co.in com.br com.ar com.mx com.au co.jp co.id com.sg com.ph com.tw com.hk gr ie ro pl se no dk nl be at ch cz hu co.nz co.th co.za com.tr com.vn com.my",
		"ymail com", "rocketmail com", "icloud com", "yandex ru com by kz ua com.tr fr uz com.am com.ge az co.il eu lt lv md tj tm ee kg", "rambler ru",
		"protonmail com ch", "fastmail com fm", "freenet de", "t-online de", "arcor de", "orange fr", "wanadoo fr", "laposte net", "libero it", "virgilio it", "seznam cz", "centrum cz sk",
		"comcast net", "verizon net", "bellsouth net", "sbcglobal net", "btinternet com", "interia pl eu", "naver com", "rediffmail com", "terra com.br es", "bigpond com net.au", "telenet be", "bluewin ch",
	} {
		f := strings.Fields(line)
		out = append(out, provider{f[0], f[1:]})
	}
	return out
}

// realDomains take mail and look like others.
const realDomains = "mail.com email.com ymail.com gmx.net gmx.de gmx.at gmx.ch gmx.com gmx.fr mail.ru mail.ua mail.de mail.bg mail.ee inbox.ru inbox.lv inbox.lt inbox.com list.ru bk.ru internet.ru " +
	"live.com live.de live.fr live.co.uk live.nl live.it live.ca live.se live.dk live.no live.be live.at live.cl live.com.au live.com.mx live.ru msn.com aol.com aol.de aol.fr aol.co.uk aim.com me.com mac.com " +
	"web.de ya.ru ya.com qq.com 163.com 126.com sina.com proton.me pm.me hey.com zoho.com o2.pl o2.co.uk wp.pl op.pl onet.pl onet.eu vp.pl tlen.pl abv.bg ukr.net i.ua meta.ua tut.by free.fr sfr.fr neuf.fr " +
	"gmail.ru gmaill.ru gmali.ru gamil.ru gail.com mailgun.com mail2.com email.de email.cz emails.com fmail.com hmail.com jmail.com kmail.com qmail.com umail.com vmail.com xmail.com zmail.com imail.com dmail.com bmail.com " +
	"googlemail.com google.com goog.com gmial.de outlookmail.com outlook.live.com hotmail.live.com iclouds.com cloud.com mcloud.com oncloud.com inlook.com orange.com orange.net orange.es orange.pl orange.be oranges.com range.fr " +
	"naver.net never.com raver.com libero.com liber.it terre.com terra.com terrace.com central.cz centrum.com verizon.com comcast.com orangemail.com yahoo-inc.com yahooinc.com fastmail.fm fastmail.net fastmail.org mailfast.com " +
	"freenet.com freenet.at rambler.com ramble.com ambler.com gambler.com yandex-team.ru telenet.com telnet.be seznam.com wanadoo.nl wanadoo.es laposte.com poste.it btconnect.com bigpond.net telstra.com outlook.pl"

// knownTypos are misspellings that are met and that no rule finds, by what was meant.
const knownTypos = `
gmail.com: gmail.con gmail.cm gmail.co gmail.om gmail.comm gmail.cpm gmail.vom gmail.xom gmail.net gmail.org gmail.ocm gmail.cim gmail.coom gmail.ccom gmailc.om gmail.c gmailcom.com gmial.com gmali.com gamil.com gmai.com gmal.com gmil.com gmaill.com gmaik.com gmaiil.com gnail.com gmsil.com gmaul.com gmqil.com gimail.com gmeil.com gmael.com hgmail.com ggmail.com g-mail.com gmail.co.uk gmail.com.com gmail.de gmail.fr gamail.com gmailo.com gmall.com
googlemail.com: googlemail.co googelmail.com goglemail.com
hotmail.com: hotmial.com hotmal.com hotmil.com hotmai.com hormail.com hotamil.com hotmaill.com homtail.com hotmail.con hotmail.co hotmail.cm hotmail.om hotmail.comm hotmail.vom hotmeil.com otmail.com htmail.com homail.com hotmail.net hotmail.cpm hotmail.xom hotnail.com
hotmail.co.uk: hotmail.uk hotmial.co.uk hotmal.co.uk hotmai.co.uk hotmail.co.uk.com
outlook.com: outlok.com outllook.com outloo.com outlool.com otlook.com outook.com outlook.con outlook.co outlook.cm outlook.comm outlook.cpm oultook.com utlook.com
yahoo.com: yaho.com yahooo.com yhoo.com yahho.com yhaoo.com yaoo.com tahoo.com uahoo.com yahoo.con yahoo.co yahoo.cm yahoo.om yahoo.comm yahoo.cpm yahoo.xom ayhoo.com ahoo.com yahou.com yahoo.net
yahoo.co.uk: yahoo.uk yaho.co.uk yahooo.co.uk
icloud.com: iclod.com iclould.com icoud.com iclud.com icloud.con icloud.co icloud.cm icluod.com icloud.comm iloud.com icould.com
live.com: live.con live.cm live.comm live.cpm
aol.com: aol.con aol.cm aol.comm ao.com aoll.com
msn.com: msn.con msn.cm msn.comm
gmx.de: gmx.ed gmx.dee gmxx.de
web.de: web.ed webb.de web.dee we.de
mail.ru: mail.ry mail.rru mai.ru mial.ru maill.ru mail.ri mail.tu mail.eu maul.ru nail.ru mal.ru mil.ru mail.run
bk.ru: bk.ry bk.rru
list.ru: list.ry lst.ru lisst.ru
inbox.ru: inbox.ry inbx.ru inboks.ru ibox.ru
yandex.ru: yandx.ru yndex.ru yanex.ru yandex.ry yandex.rru yandex.ri ynadex.ru yadnex.ru andex.ru yandex.tu jandex.ru yadex.ru yande.ru yandeks.ru yandexx.ru yandex.rus uandex.ru
rambler.ru: ramler.ru rambler.ry rmbler.ru ramblr.ru rambbler.ru
ukr.net: ukr.nt ukr.net.ua ukr.ner
free.fr: fre.fr freee.fr
orange.fr: ornage.fr oragne.fr ornge.fr
comcast.net: comcast.ner comcast.nte comcst.net
sbcglobal.net: sbcgloble.net sbcgobal.net
qq.com: qq.con qq.cm
`

// deadTLDs are no top-level domains, and what was meant.
var deadTLDs = map[string]string{
	"con": "com", "cmo": "com", "ocm": "com", "comm": "com", "vom": "com", "xom": "com", "cpm": "com", "coom": "com", "ccom": "com", "clm": "com", "cim": "com", "dom": "com", "coml": "com", "comn": "com", "c0m": "com",
	"nte": "net", "ent": "net", "ner": "net", "nett": "net", "ogr": "org", "orgg": "org", "rog": "org", "rru": "ru", "ruu": "ru", "dee": "de", "fro": "fr", "inf": "info", "inof": "info",
}

// meant gives the domain that was perhaps meant, "" when there is nothing to say.
func (c *Checker) meant(domain string) string {
	if right := c.typos[domain]; right != "" {
		return right
	}
	if c.known[domain] {
		return ""
	}
	name, tld, ok := strings.Cut(domain, ".")
	if !ok {
		return ""
	}
	for _, p := range c.providers {
		if len(p.name) <= 4 || !misspelt(name, p.name) {
			continue
		}
		for _, t := range p.tlds {
			if t == tld {
				return p.name + "." + t
			}
		}
	}
	last := domain[strings.LastIndexByte(domain, '.')+1:]
	if right := deadTLDs[last]; right != "" {
		if _, icann := publicsuffix.PublicSuffix(domain); !icann { // the list may be newer than ours
			return strings.TrimSuffix(domain, last) + right
		}
	}
	return ""
}

// neighbours are the keys beside each letter, on the keyboards of English, German and French.
var neighbours = map[byte]string{
	'a': "qwszy", 'b': "vghn", 'c': "xdfv", 'd': "serfcx", 'e': "wsdr3", 'f': "drtgvc", 'g': "ftyhbv", 'h': "gyujnbz", 'i': "ujko8y", 'j': "huikmn", 'k': "jiolm", 'l': "kop1i", 'm': "njk", 'n': "bhjm",
	'o': "iklp0a", 'p': "ol0", 'q': "wa", 'r': "edft", 's': "awedxz", 't': "rfgy", 'u': "yhji", 'v': "cfgb", 'w': "qase", 'x': "zsdcy", 'y': "tghux", 'z': "asxt",
}

// misspelt reports whether got is want with one slip: two letters exchanged, one left out, one doubled, or one replaced or joined by a key beside it. The first letter is taken to be
// right unless it was exchanged with the second: most real names that differ in it are other companies.
func misspelt(got, want string) bool {
	if got == want || got == "" || len(got) > len(want)+1 || len(got)+1 < len(want) {
		return false
	}
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	switch {
	case len(got) == len(want):
		if i+1 < len(want) && got[i] == want[i+1] && got[i+1] == want[i] && got[i+2:] == want[i+2:] {
			return true
		}
		return i > 0 && got[i+1:] == want[i+1:] && near(got[i], want[i])
	case len(got) < len(want): // one is missing
		return i > 0 && got[i:] == want[i+1:]
	}
	if i == 0 || got[i+1:] != want[i:] {
		return false
	}
	extra := got[i]
	return extra == got[i-1] || near(extra, got[i-1]) || i < len(want) && (extra == want[i] || near(extra, want[i]))
}

func near(a, b byte) bool {
	vowels := "aeiou"
	return strings.IndexByte(neighbours[b], a) >= 0 || strings.IndexByte(vowels, a) >= 0 && strings.IndexByte(vowels, b) >= 0
}
