package events

import "strings"

// agentClass is what a user agent says about who is behind a request.
type agentClass uint8

const (
	agentNone     agentClass = iota // there is none
	agentNew                        // nothing is known about it
	agentPerson                     // a browser or a mail program
	agentProxy                      // loads images on behalf of people, when they read
	agentPrefetch                   // loads images for everybody, read or not
	agentScanner                    // looks at mail and links before people do, or instead of them
	agentTool                       // a program
)

// rule gives the rule by which the class alone makes a machine, "" when it does not.
func (c agentClass) rule() Rule {
	switch c {
	case agentPrefetch:
		return RulePrefetch
	case agentScanner:
		return RuleScanner
	case agentTool:
		return RuleTool
	}
	return ""
}

// agentRule is one line of the table: the class of user agents that are, begin with or hold a text. Texts are in lower case.
type agentRule struct {
	how   match
	text  string
	class agentClass
	who   string
}

type match uint8

const (
	holds match = iota
	is
	begins
)

// agentRules is what is known about user agents as of 2026-11-26, from public write-ups of senders and from what these products document. The first line that
// fits decides; the order is: exact texts, image proxies, products, libraries, words that crawlers have in common, people.
//
// Gmail, Yahoo, Yandex and Mail.ru fetch images through a proxy when somebody reads the message, Gmail also once in a while before; so a proxy's fetch is a person's
// unless it comes soon after sending. Apple's Mail Privacy Protection loads every image of every message in the background, and says nothing but "Mozilla/5.0":
// nobody can tell whether the message was read. Many scanners (Microsoft's among them) claim to be a usual browser: these are known by what they do, not by name.
var agentRules = []agentRule{
	{is, "mozilla/5.0", agentPrefetch, "Apple Mail Privacy Protection"},
	{holds, "edge/12.246 mozilla/5.0", agentPrefetch, "Gmail, before the message is read"},

	{holds, "googleimageproxy", agentProxy, "Gmail"},
	{holds, "yahoomailproxy", agentProxy, "Yahoo Mail, AOL"},
	{holds, "yandeximageresizer", agentProxy, "Yandex Mail"},
	{holds, "mail.ru_bot/img", agentProxy, "Mail.ru"},

	{holds, "barracuda", agentScanner, "Barracuda"},
	{holds, "proofpoint", agentScanner, "Proofpoint"},
	{holds, "mimecast", agentScanner, "Mimecast"},
	{holds, "safelinks", agentScanner, "Microsoft Defender for Office 365"},
	{holds, "microsoft office existence discovery", agentScanner, "Microsoft Office, looking whether a link is there"},
	{holds, "microsoft office protocol discovery", agentScanner, "Microsoft Office, looking whether a link is there"},
	{holds, "bingpreview", agentScanner, "Microsoft"},
	{holds, "skypeuripreview", agentScanner, "Microsoft"},
	{holds, "symantec", agentScanner, "Symantec"},
	{holds, "messagelabs", agentScanner, "Symantec"},
	{holds, "ironport", agentScanner, "Cisco"},
	{holds, "ciscosecureemail", agentScanner, "Cisco"},
	{holds, "fortinet", agentScanner, "Fortinet"},
	{holds, "fortiguard", agentScanner, "Fortinet"},
	{holds, "forcepoint", agentScanner, "Forcepoint"},
	{holds, "websense", agentScanner, "Forcepoint"},
	{holds, "trendmicro", agentScanner, "Trend Micro"},
	{holds, "trend micro", agentScanner, "Trend Micro"},
	{holds, "sophos", agentScanner, "Sophos"},
	{holds, "fireeye", agentScanner, "Trellix"},
	{holds, "trellix", agentScanner, "Trellix"},
	{holds, "mcafee", agentScanner, "Trellix"},
	{holds, "checkpoint", agentScanner, "Check Point"},
	{holds, "avanan", agentScanner, "Check Point"},
	{holds, "ironscales", agentScanner, "Ironscales"},
	{holds, "vadesecure", agentScanner, "Hornetsecurity"},
	{holds, "hornetsecurity", agentScanner, "Hornetsecurity"},
	{holds, "cloudmark", agentScanner, "Proofpoint"},
	{holds, "zscaler", agentScanner, "Zscaler"},
	{holds, "netcraft", agentScanner, "Netcraft"},
	{holds, "phishtank", agentScanner, "Cisco"},
	{holds, "virustotal", agentScanner, "Google"},
	{holds, "urlscan", agentScanner, "urlscan.io"},
	{holds, "bitdefender", agentScanner, "Bitdefender"},
	{holds, "kaspersky", agentScanner, "Kaspersky"},
	{holds, "hubspot connect", agentScanner, "HubSpot"},
	{holds, "facebookexternal", agentScanner, "Meta"},
	{holds, "snap url preview", agentScanner, "Snap"},
	{holds, "whatsapp", agentScanner, "Meta, for a preview"},
	{holds, "google-safety", agentScanner, "Google"},
	{holds, "google-inspectiontool", agentScanner, "Google"},
	{holds, "google-read-aloud", agentScanner, "Google"},
	{holds, "googleother", agentScanner, "Google"},
	{holds, "feedfetcher", agentScanner, "Google"},

	{holds, "headless", agentTool, "a browser without a screen"},
	{holds, "phantomjs", agentTool, "a browser without a screen"},
	{holds, "puppeteer", agentTool, "a browser that a program steers"},
	{holds, "playwright", agentTool, "a browser that a program steers"},
	{holds, "selenium", agentTool, "a browser that a program steers"},
	{holds, "electron-fetch", agentTool, "JavaScript"},
	{begins, "curl/", agentTool, "curl"},
	{begins, "libcurl", agentTool, "curl"},
	{begins, "wget", agentTool, "Wget"},
	{begins, "python", agentTool, "Python"},
	{holds, "aiohttp", agentTool, "Python"},
	{begins, "httpx", agentTool, "Python"},
	{begins, "scrapy", agentTool, "Python"},
	{begins, "go-http-client", agentTool, "Go"},
	{begins, "java/", agentTool, "Java"},
	{holds, "apache-httpclient", agentTool, "Java"},
	{begins, "jetty", agentTool, "Java"},
	{begins, "ahc/", agentTool, "Java"},
	{begins, "okhttp", agentTool, "Java"},
	{begins, "ruby", agentTool, "Ruby"},
	{begins, "faraday", agentTool, "Ruby"},
	{begins, "php", agentTool, "PHP"},
	{begins, "guzzlehttp", agentTool, "PHP"},
	{holds, "libwww-perl", agentTool, "Perl"},
	{begins, "lua-resty-http", agentTool, "nginx"},
	{begins, "axios/", agentTool, "JavaScript"},
	{begins, "node", agentTool, "JavaScript"},
	{begins, "undici", agentTool, "JavaScript"},
	{begins, "got ", agentTool, "JavaScript"},
	{begins, "reqwest", agentTool, "Rust"},
	{begins, "postmanruntime", agentTool, "Postman"},
	{holds, "amazon cloudfront", agentTool, "a cache"},
	{holds, "windowspowershell", agentTool, "PowerShell"},

	{holds, "+http", agentScanner, "a crawler that says where to read about it"},
	{holds, "bot/", agentScanner, "a crawler"},
	{holds, "bot;", agentScanner, "a crawler"},
	{holds, "bot)", agentScanner, "a crawler"},
	{holds, "bot-", agentScanner, "a crawler"},
	{holds, "crawler", agentScanner, "a crawler"},
	{holds, "spider", agentScanner, "a crawler"},
	{holds, "scanner", agentScanner, "a crawler"},
	{holds, "slurp", agentScanner, "a crawler"},
	{holds, "linkcheck", agentScanner, "a crawler"},
	{holds, "link check", agentScanner, "a crawler"},
	{holds, "preview", agentScanner, "a preview of a link"},

	{holds, "thunderbird/", agentPerson, "Thunderbird"},
	{holds, "microsoft outlook", agentPerson, "Outlook"},
	{holds, "ms-office", agentPerson, "Outlook"},
	{holds, "outlook-ios", agentPerson, "Outlook"},
	{holds, "outlook-android", agentPerson, "Outlook"},
	{begins, "airmail", agentPerson, "Airmail"},
	{begins, "evolution/", agentPerson, "Evolution"},
	{begins, "kmail/", agentPerson, "KMail"},
	{holds, "applewebkit/", agentPerson, "a browser, Apple Mail and others"},
	{holds, "gecko/", agentPerson, "Firefox"},
	{holds, "trident/", agentPerson, "Internet Explorer, Outlook"},
	{holds, "msie ", agentPerson, "Internet Explorer, Outlook"},
	{begins, "opera/", agentPerson, "Opera"},
}

// classify looks a user agent up in the table.
func classify(userAgent string) agentClass {
	ua := strings.ToLower(strings.TrimSpace(userAgent))
	if ua == "" {
		return agentNone
	}
	for _, r := range agentRules {
		if r.fits(ua) {
			return r.class
		}
	}
	return agentNew
}

func (r agentRule) fits(ua string) bool {
	switch r.how {
	case is:
		return ua == r.text
	case begins:
		return strings.HasPrefix(ua, r.text)
	}
	return strings.Contains(ua, r.text)
}
