package preflight

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// placeholder is what people put where the address will be.
var placeholder = regexp.MustCompile(`(?i)\[[^\]]*\]?|\{\{|\{%|\*\||%%[a-z_]+%%|<[^>]*>|your[-_ ]?(link|url|domain|site|website)|(link|url)[-_ ]?(here|goes)|insert[-_ ]?(link|url)|^(https?://)?(x{3,}|todo|tbd|link|url)\b|\$\{`)

// links looks at each address, without asking anybody.
func (c *checker) links(m message) {
	for _, l := range m.doc.links {
		w := Where{Part: "html", Line: l.line, Selector: l.url, Note: l.text}
		if code := judgeURL(l.url); code != "" && !(code == "link_private" || code == "link_http" || code == "link_example") {
			c.out.at(code, w)
			continue
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
	switch {
	case strings.HasPrefix(lower, "javascript:"), strings.HasPrefix(lower, "vbscript:"), strings.HasPrefix(lower, "data:"):
		return "link_script"
	case isWeb(lower):
		return judgeWeb(address)
	case placeholder.MatchString(lower):
		return "link_placeholder"
	case !ok || strings.ContainsAny(scheme, "/?#. "):
		return "link_relative"
	case scheme == "mailto" || scheme == "tel" || scheme == "sms":
		if strings.TrimSpace(rest) == "" {
			return "link_empty"
		}
	}
	return ""
}

func judgeWeb(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if strings.TrimSpace(authority) == "" || placeholder.MatchString(authority) && !ipLiteral(authority) || strings.Contains(address, "{{") || strings.Contains(address, "*|") || strings.ContainsAny(authority, " \t") {
		return "link_placeholder"
	}
	if path := rest[len(authority):]; strings.HasPrefix(path, "/[") || strings.HasPrefix(path, "/<") {
		return "link_placeholder"
	}
	if err != nil || u.Hostname() == "" {
		return "link_placeholder"
	}
	host := hostOf(address)
	switch {
	case private(host):
		return "link_private"
	case reserved(host):
		return "link_example"
	case strings.EqualFold(u.Scheme, "http"):
		return "link_http"
	}
	return ""
}

func ipLiteral(authority string) bool {
	_, host, found := strings.Cut(authority, "@")
	if !found {
		host = authority
	}
	inside, _, ok := strings.Cut(strings.TrimPrefix(host, "["), "]")
	_, err := netip.ParseAddr(inside)
	return ok && err == nil
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
