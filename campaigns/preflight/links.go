package preflight

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// unfilled is what template programs fill in, and what people put in brackets, in a place where no address has such.
var unfilled = regexp.MustCompile(`(?i)\[[^\]]*\]?|\{\{|\{%|\*\||%%[a-z_]+%%|<[^>@]*>|\$\{`)

// leftTag is a tag of a template that is whole: in a path or behind it single signs of it are nothing uncommon.
var leftTag = regexp.MustCompile(`\{\{.*?\}\}|\{%.*?%\}|\*\|[A-Za-z0-9_:]+\|\*`)

// placeholder are the words that people write where the address will be. They have to be all there is: link.springer.com and secureyoursite.com are addresses.
var placeholder = regexp.MustCompile(`(?i)^(?:x{3,}|todo|tbd|(?:(?:insert|add|put|enter|your|my|the)[-_ ]?){0,2}(?:link|url|domain|site|website)(?:[-_ ]?(?:goes[-_ ]?)?here)?)$`)

// standIn are domains that examples and templates have for the reader's own. They may belong to somebody.
var standIn = regexp.MustCompile(`^(?:www\.)?your-?(?:domain|site|website|company|link|url)\.(?:com|org|net)$`)

// links looks at each address, without asking anybody.
func (c *checker) links(m message) {
	for _, l := range m.doc.links {
		w := Where{Part: "html", Line: l.line, Selector: l.url, Note: l.text}
		if code := judgeURL(l.url); code != "" && !(code == "link_private" || code == "link_http" || code == "link_example") {
			c.out.at(code, w)
			continue
		}
		if tag := leftTag.FindString(l.url); tag != "" {
			c.out.at("leftover", Where{Part: "html", Line: l.line, Selector: l.url, Note: tag + " in the address of a link"})
		}
		if c.own(l.url) || !isWeb(l.url) {
			continue
		}
		if code := judgeURL(l.url); code != "" {
			c.out.at(code, w)
		}
		if note := deceives(l); note != "" {
			c.out.at("link_deceptive", Where{Part: "html", Line: l.line, Selector: l.url, Note: note})
		}
	}
}

func isWeb(address string) bool {
	lower := strings.ToLower(address)
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}

// own reports whether an address is one of ours: the pages for leaving, pixels and counted links, which are never followed.
func (c *checker) own(address string) bool {
	u, err := url.Parse(address)
	return err == nil && slices.Contains(c.in.Facts.OwnHosts, hostOf(address)) && ownPath.MatchString(u.Path)
}

// ownPath is that of a page for leaving, a pixel or a counted link.
var ownPath = regexp.MustCompile(`^/(u|p|t/o|t/c)/.`)

// judgeURL gives the code of what is wrong with an address by its looks, "" when nothing is.
func judgeURL(address string) string {
	lower := strings.ToLower(strings.TrimSpace(address))
	if lower == "" || lower == "#" {
		return "link_empty"
	}
	if strings.HasPrefix(lower, "#") {
		return "" // to a place in the mail
	}
	scheme, rest, ok := strings.Cut(lower, ":")
	address, _ = cutAny(strings.TrimSpace(address), "?#")
	switch {
	case strings.HasPrefix(lower, "javascript:"), strings.HasPrefix(lower, "vbscript:"), strings.HasPrefix(lower, "data:"):
		return "link_script"
	case isWeb(lower):
		return judgeWeb(lower)
	case unfilled.MatchString(address) && !ipLiteral(address), placeholder.MatchString(address): // what stands behind a "?" is a subject or a text
		return "link_placeholder"
	case !ok || strings.ContainsAny(scheme, "/?#. "):
		return "link_relative"
	case scheme == "mailto" || scheme == "tel" || scheme == "sms":
		return judgeContact(scheme, rest)
	}
	return ""
}

// judgeContact looks at an address of mail or a number.
func judgeContact(scheme, rest string) string {
	if strings.TrimSpace(rest) == "" {
		return "link_empty"
	}
	to, _ := cutAny(rest, "?")
	if _, domain, _ := strings.Cut(to, "@"); scheme == "mailto" && (reserved(domain) || standIn.MatchString(domain)) {
		return "link_example"
	}
	return ""
}

// judgeWeb looks at the name of the server first: only where that is none it is sure that a link leads nowhere.
func judgeWeb(address string) string {
	server, rest := splitWeb(address)
	path, _ := cutAny(rest, "?#")
	host := hostOf(address)
	switch {
	case unfilled.MatchString(server) && !ipLiteral(server), placeholder.MatchString(host), host == "", leftTag.MatchString(path):
		return "link_placeholder"
	case private(host):
		return "link_private"
	case reserved(host) || standIn.MatchString(host):
		return "link_example"
	case !strings.HasPrefix(address, "https:"):
		return "link_http"
	}
	return ""
}

// splitWeb gives the server of an address of the web, with its port and without a user, and what follows it. It reads addresses as browsers do (WHATWG URL §4.4), which take
// some that url.Parse refuses: a bare % in the path, a backslash for a slash, an encoded name.
func splitWeb(address string) (server, rest string) {
	_, after, _ := strings.Cut(strings.TrimSpace(address), "://")
	server, rest = cutAny(after, `/\?#`)
	if i := strings.LastIndexByte(server, '@'); i >= 0 {
		server = server[i+1:]
	}
	if decoded, err := url.PathUnescape(server); err == nil {
		server = decoded
	}
	return server, rest
}

// cutAny parts a text before the first of some characters.
func cutAny(s, chars string) (before, from string) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// ipLiteral reports whether there is an IP address in the brackets of a server.
func ipLiteral(server string) bool {
	_, inside, found := strings.Cut(server, "[")
	inside, _, closed := strings.Cut(inside, "]")
	_, err := netip.ParseAddr(inside)
	return found && closed && err == nil
}

// private are hosts that nobody outside can reach, by their name alone.
func private(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast() || ip.IsUnspecified()
	}
	for _, end := range []string{"localhost", "local", "internal", "lan", "intranet", "corp", "home", "localdomain", "home.arpa"} {
		if host == end || strings.HasSuffix(host, "."+end) {
			return true
		}
	}
	return !strings.Contains(host, ".")
}

// reserved are the names of RFC 2606 and RFC 6761.
func reserved(host string) bool {
	for _, end := range []string{"example.com", "example.org", "example.net", "example", "test", "invalid"} {
		if host == end || strings.HasSuffix(host, "."+end) {
			return true
		}
	}
	return false
}

// deceives says when the words of a link name another domain than it leads to.
func deceives(l link) string {
	to := registrable(hostOf(l.url))
	if to == "" {
		return ""
	}
	for _, m := range domainIn.FindAllStringIndex(l.text, -1) {
		shown := strings.ToLower(l.text[m[0]:m[1]])
		if m[0] > 0 && l.text[m[0]-1] == '@' {
			continue // an address of mail
		}
		// "Node.js" and "Mr.Green" look like domains: what is meant as one is alone, or begins like an address.
		if shown != strings.ToLower(strings.Trim(l.text, " /")) && !strings.HasPrefix(shown, "www.") && !strings.HasSuffix(l.text[:m[0]], "//") {
			continue
		}
		if domain := registrable(shown); domain != "" && domain != to {
			return fmt.Sprintf("it shows %s and leads to %s", domain, to)
		}
	}
	return ""
}

// linkStates says what is known of where the links lead.
func (c *checker) linkStates(m message) {
	seen := map[string]bool{}
	addresses := listUnsubscribe(m.sent)
	for _, l := range m.doc.links {
		if !isWeb(l.url) || seen[l.url] {
			continue
		}
		seen[l.url] = true
		s := LinkState{URL: l.url, Text: short(l.text), Line: l.line, State: "unchecked", Chain: []string{}}
		if c.own(l.url) || leaves(l, addresses) {
			s.State = "own"
		} else if p, ok := c.in.Probes[l.url]; ok {
			c.judgeProbe(&s, p)
		}
		c.report.Links = append(c.report.Links, s)
	}
	if c.in.Unprobed > 0 {
		f := c.out.say("link_unchecked", "html", "%d links and images were not reached in the time there was. What is known by now is kept for some minutes, so that the next run gets further.", c.in.Unprobed)
		f.Count = c.in.Unprobed
	}
}

// longWay is from how many redirects on a way is long.
const longWay = 4

func (c *checker) judgeProbe(s *LinkState, p Probe) {
	s.Status, s.Chain = p.Status, p.Chain
	w := Where{Part: "html", Line: s.Line, Selector: s.URL, Note: p.says()}
	s.Note = w.Note
	switch p.verdict() {
	case probeBroken:
		s.State = "broken"
		c.out.at("link_broken", w)
	case probePrivate:
		s.State = "broken"
		c.out.at("link_private", w)
	case probeUnsure:
		s.State = "unsure"
		c.out.at("link_unsure", w)
	default:
		s.State = "ok"
		if len(p.Chain) > 1 {
			s.State = "redirected"
			code := "link_redirected"
			if len(p.Chain) > longWay {
				code = "link_long_way"
			}
			c.out.at(code, w)
		}
	}
}
