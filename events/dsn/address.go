package dsn

import (
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// atom is an address as it stands in a text: a local part with or without quotes, a domain or an address literal.
const atom = `(?:"[^"\n]{1,64}"|[^\s<>"'()\[\]:;,@\\]{1,64})@(?:\[[0-9A-Fa-f:.IPv]{3,45}\]|[\pL\pN](?:[\pL\pN._-]{0,252}[\pL\pN])?)`

var addressAt = regexp.MustCompile(atom)

// firstAddress finds an address in a text, or "".
func firstAddress(s string) string {
	return strings.TrimLeft(addressAt.FindString(clip(s, maxLine)), ".")
}

// addresses finds the addresses of a header field.
func addresses(s string) []string {
	found := addressAt.FindAllString(s, maxIDs)
	for i := range found {
		found[i] = strings.TrimLeft(found[i], ".")
	}
	return found
}

// typed reads the address of a delivery-status field: "rfc822; user@example.org", "utf-8; …" (RFC 6533 §3), "rfc822;user+40example.org" in xtext
// (RFC 3461 §4), in angle brackets, with a route before it, with a comment behind it, or without a type. It gives "" when there is no address.
func typed(value string) string {
	kind, addr, found := strings.Cut(value, ";")
	if !found {
		kind, addr = "", value
	}
	kind, addr = strings.ToLower(strings.TrimSpace(kind)), strings.TrimSpace(addr)
	if kind == "utf-8" {
		addr = decodeUTF8Address(addr)
	}
	if i := strings.LastIndexByte(addr, '<'); i >= 0 && strings.Contains(addr[i:], "@") {
		addr = addr[i:]
	}
	addr = strings.Trim(addr, "<> \t")
	if strings.HasPrefix(addr, "@") { // @relay:user@example.org
		if _, rest, ok := strings.Cut(addr, ":"); ok {
			addr = rest
		}
	}
	if !strings.Contains(addr, "@") || strings.Contains(addr, "+2B") || strings.Contains(addr, "+3D") {
		addr = decodeXtext(addr)
	}
	if at := firstAddress(addr); at != "" && len(at) <= maxAddress {
		return at
	}
	return ""
}

var xtextAt = regexp.MustCompile(`\+[0-9A-F]{2}`)

// decodeXtext undoes the encoding of RFC 3461 §4.
func decodeXtext(s string) string {
	out := xtextAt.ReplaceAllStringFunc(s, func(m string) string {
		n, err := strconv.ParseUint(m[1:], 16, 8)
		if err != nil {
			return m
		}
		return string([]byte{byte(n)})
	})
	if !utf8.ValidString(out) {
		return s
	}
	return out
}

var unitextAt = regexp.MustCompile(`\\x\{([0-9A-Fa-f]{1,6})\}`)

// decodeUTF8Address undoes the encoding of utf-8-addr-xtext (RFC 6533 §3).
func decodeUTF8Address(s string) string {
	return unitextAt.ReplaceAllStringFunc(s, func(m string) string {
		n, err := strconv.ParseUint(m[3:len(m)-1], 16, 32)
		if err != nil || !utf8.ValidRune(rune(n)) || n < 0x20 {
			return m
		}
		return string(rune(n))
	})
}

// ofMailSystem reports an address that belongs to a mail system and to no person.
func ofMailSystem(addr string) bool {
	local, _, _ := strings.Cut(strings.ToLower(addr), "@")
	switch local {
	case "mailer-daemon", "mailer_daemon", "mailerdaemon", "postmaster", "post_master", "mail-daemon", "maildaemon", "mdaemon", "mail.delivery.system":
		return true
	}
	return false
}
