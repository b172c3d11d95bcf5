package listener

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"postrider/events"
)

// Most octets of the parts of an address: a domain (RFC 5321 §4.5.3.1.2), and a local part, which is longer than the 64 of §4.5.3.1.1 when a token stands
// behind a long name.
const (
	mostLocal  = 256
	mostDomain = 255
)

// path is a reverse-path or forward-path of an envelope (RFC 5321 §4.1.2). The null path has neither part; <postmaster> has no domain.
type path struct {
	local  string // without quotes
	domain string // as written
}

// parsePath reads a path at the beginning of s and gives what stands behind it. Source routes are skipped, as RFC 5321 §4.1.1.3 asks.
func parsePath(s string) (p path, rest string, ok bool) {
	if s, ok = strings.CutPrefix(s, "<"); !ok {
		return path{}, "", false
	}
	if rest, ok = strings.CutPrefix(s, ">"); ok {
		return path{}, rest, true
	}
	if strings.HasPrefix(s, "@") {
		if _, s, ok = strings.Cut(s, ":"); !ok {
			return path{}, "", false
		}
	}
	if p.local, s, ok = parseLocal(s); !ok {
		return path{}, "", false
	}
	if domain, is := strings.CutPrefix(s, "@"); is {
		end := strings.IndexByte(domain, '>')
		if end < 1 || end > mostDomain || strings.ContainsAny(domain[:end], " @<\"\\") {
			return path{}, "", false
		}
		p.domain, s = domain[:end], domain[end:]
	}
	rest, ok = strings.CutPrefix(s, ">")
	return p, rest, ok && p.valid()
}

// parseLocal reads a local part, dot-string or quoted-string, and gives what stands behind it.
func parseLocal(s string) (local, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexAny(s, "@>")
		if end < 1 || !isDotString(s[:end]) {
			return "", "", false
		}
		return s[:end], s[end:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"':
			return b.String(), s[i+1:], b.Len() > 0
		case '\\':
			if i++; i == len(s) {
				return "", "", false
			}
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

// valid refuses what must not get into a header field.
func (p path) valid() bool {
	whole := p.local + "@" + p.domain
	if len(p.local) > mostLocal || !utf8.ValidString(whole) {
		return false
	}
	return !strings.ContainsFunc(whole, func(r rune) bool { return r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 })
}

// address is the path as it is stored: with the quotes that it needs.
func (p path) address() string {
	if p.local == "" {
		return ""
	}
	local := p.local
	if !isDotString(local) {
		local = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(local) + `"`
	}
	if p.domain == "" {
		return local
	}
	return local + "@" + p.domain
}

// isDotString says whether a local part needs no quotes (RFC 5321 §4.1.2, and RFC 6531 §3.3 for what is not ASCII). Dots in odd places are let through:
// such addresses exist.
func isDotString(local string) bool {
	return !strings.ContainsFunc(local, func(r rune) bool { return r < utf8.RuneSelf && r != '.' && !isAtext(byte(r)) })
}

func isAtext(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

// recipient is what a forward-path asks for.
type recipient struct {
	domain string // lower case, A-labels; "" in <postmaster>
	role   bool   // postmaster or abuse
	kind   events.Kind
	token  string // "" when the local part is none of ours
}

// recipient reads whom a path means. ok is false when its domain cannot be one of ours.
func (p path) recipient() (r recipient, ok bool) {
	local := strings.ToLower(p.local) // local parts come back in upper case from some systems; tokens are made for that
	if p.domain == "" {
		return recipient{role: local == "postmaster"}, true
	}
	if r.domain, ok = domainName(p.domain); !ok {
		return recipient{}, false
	}
	if local == "postmaster" || local == "abuse" {
		r.role = true
		return r, true
	}
	if plus := strings.LastIndexByte(local, '+'); plus > 0 {
		local = local[plus+1:]
	}
	if token, is := strings.CutPrefix(local, "b-"); is {
		r.kind, r.token = events.ReturnPath, token
	} else if token, is := strings.CutPrefix(local, "u-"); is {
		r.kind, r.token = events.Unsubscribe, token
	} else if token, is := strings.CutPrefix(local, "c-"); is {
		r.kind, r.token = events.ConfirmReturn, token
	}
	return r, true
}

// domainName gives a domain as the sending domains are stored: A-labels in lower case, without the final dot.
func domainName(domain string) (string, bool) {
	ascii, err := idna.Lookup.ToASCII(strings.TrimSuffix(domain, "."))
	if err != nil || ascii == "" {
		return "", false
	}
	return strings.ToLower(ascii), true
}
