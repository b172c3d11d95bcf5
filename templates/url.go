package templates

import (
	"html"
	"strings"
)

// schemes says which URLs are let through. A URL without a scheme is: it cannot run anything.
type schemes func(scheme, rest string) bool

func linkSchemes(scheme, _ string) bool {
	switch scheme {
	case "", "http", "https", "mailto", "tel":
		return true
	}
	return false
}

func imageSchemes(scheme, rest string) bool {
	switch scheme {
	case "", "http", "https", "cid":
		return true
	case "data":
		return strings.HasPrefix(strings.ToLower(rest), "image/")
	}
	return false
}

// schemeOf splits off the scheme as a browser sees it: white space around and line breaks and tabs within do not count (WHATWG URL §4.4).
func schemeOf(url string) (scheme, rest string) {
	url = strings.TrimLeftFunc(url, func(r rune) bool { return r <= ' ' })
	for i := 0; i < len(url); i++ {
		switch c := url[i]; {
		case c == ':':
			return strings.ToLower(strings.Map(dropBreaks, url[:i])), url[i+1:]
		case c == '/' || c == '?' || c == '#':
			return "", url
		}
	}
	return "", url
}

func dropBreaks(r rune) rune {
	if r == '\t' || r == '\n' || r == '\r' {
		return -1
	}
	return r
}

// guardURL lets an HTML-escaped URL pass or makes it a link to nowhere.
func guardURL(escaped string, allowed schemes) string {
	scheme, rest := schemeOf(html.UnescapeString(escaped))
	if allowed(scheme, rest) {
		return escaped
	}
	return "#"
}

// appendHTML escapes s for text and for quoted attributes, with the entities of the engine's own escaper.
func appendHTML(b []byte, s string) []byte {
	last := 0
	for i := 0; i < len(s); i++ {
		var esc string
		switch s[i] {
		case '&':
			esc = "&amp;"
		case '\'':
			esc = "&#39;"
		case '<':
			esc = "&lt;"
		case '>':
			esc = "&gt;"
		case '"':
			esc = "&#34;"
		default:
			continue
		}
		b = append(b, s[last:i]...)
		b = append(b, esc...)
		last = i + 1
	}
	return append(b, s[last:]...)
}
