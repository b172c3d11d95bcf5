// Package addr reads e-mail addresses as people type them and says who they identify.
//
// It is stricter than RFC 5321 §4.1.2 where the grammar allows what no mailbox provider gives out (quoted local parts, address literals, comments),
// because in a list of subscribers these are typing errors; and it follows RFC 6531 in allowing letters beyond ASCII.
package addr

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"

	"postrider/internal/errs"
)

// Limits of RFC 5321 §4.5.3.1 and RFC 1035 §2.3.4, in octets.
const (
	maxLocal   = 64
	maxAddress = 254
	maxLabel   = 63
)

// Address is a mail address in the three forms that are needed.
type Address struct {
	// Display is what the person typed, without the space around it.
	Display string
	// Key is the identity: local part in lower case, '@', domain in A-labels. Two addresses with one Key are one person.
	Key string
	// Domain is the domain in lower-case A-labels, as DNS and SMTP want it.
	Domain string
	// NeedsSMTPUTF8: the local part is not ASCII, so that only servers with RFC 6531 can take it.
	NeedsSMTPUTF8 bool
}

// Normalize reads one address. Errors are Invalid and say what is wrong with it, without repeating it.
func Normalize(raw string) (Address, error) {
	s := strings.TrimSpace(raw)
	if err := checkShape(s); err != nil {
		return Address{}, err
	}
	at := strings.LastIndexByte(s, '@')
	local, typed := s[:at], s[at+1:]
	if err := checkLocal(local); err != nil {
		return Address{}, err
	}
	domain, err := Domain(typed)
	if err != nil {
		return Address{}, err
	}
	a := Address{Display: s, Domain: domain, Key: foldLocal(local) + "@" + domain, NeedsSMTPUTF8: !isASCII(local)}
	// Folding can lengthen a local part, so that both forms are measured.
	if len(a.Key)-len(domain)-1 > maxLocal {
		return Address{}, bad("the part before @ is longer than %d bytes", maxLocal)
	}
	if len(a.Key) > maxAddress || len(local)+1+len(domain) > maxAddress {
		return Address{}, bad("the address is longer than %d bytes", maxAddress)
	}
	return a, nil
}

// mailto is in front of addresses that were copied from links.
const mailto = "mailto:"

// checkShape finds what makes the whole something else than one address.
func checkShape(s string) error {
	switch {
	case s == "":
		return bad("the address is empty")
	case len(s) > 4*maxAddress:
		return bad("the address is longer than %d bytes", maxAddress)
	case !utf8.ValidString(s):
		return bad("the address is not valid UTF-8")
	case strings.ContainsAny(s, "<>"):
		return bad("there are angle brackets: write only the address, without a name")
	case len(s) >= len(mailto) && strings.EqualFold(s[:len(mailto)], mailto):
		return bad("there is “mailto:” in front: write only the address")
	case strings.Count(s, "@") == 0:
		return bad("there is no @")
	case strings.Count(s, "@") > 1 && strings.ContainsAny(s, ",; /|\n"):
		return bad("there are two @, as when there are two addresses: give each a row of its own")
	case strings.Count(s, "@") > 1:
		return bad("there are two @")
	}
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			return bad("there is a space inside")
		case r == utf8.RuneError, !unicode.IsGraphic(r) && r != '\u200c' && r != '\u200d':
			return bad("there is an invisible character (U+%04X)", r)
		}
	}
	return nil
}

func checkLocal(local string) error {
	switch {
	case local == "":
		return bad("the part before @ is missing")
	case len(local) > maxLocal:
		return bad("the part before @ is longer than %d bytes", maxLocal)
	case local[0] == '.':
		return bad("the part before @ starts with a dot")
	case local[len(local)-1] == '.':
		return bad("the part before @ ends with a dot")
	case strings.Contains(local, ".."):
		return bad("there are two dots in a row before @")
	}
	for _, r := range local {
		if r < utf8.RuneSelf && !isAtext(byte(r)) && r != '.' {
			return bad("the character %q is not allowed before @", r)
		}
	}
	return nil
}

// isAtext is atext of RFC 5322 §3.2.3.
func isAtext(c byte) bool {
	return isAlnum(c) || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func isAlnum(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// foldLocal makes the local part of a key. Case is folded although RFC 5321 §2.4 lets a host tell cases apart: none of note does, and the same person
// written two ways would get everything twice.
func foldLocal(local string) string {
	if isASCII(local) {
		return strings.ToLower(local)
	}
	return norm.NFC.String(strings.ToLower(norm.NFC.String(local)))
}

// Domain gives a domain of mail addresses in lower-case A-labels. Errors are Invalid and say what is wrong.
func Domain(typed string) (string, error) {
	if typed == "" {
		return "", bad("the domain after @ is missing")
	}
	if typed[0] == '[' {
		return "", bad("the domain is an IP address: a domain name is needed")
	}
	domain := strings.ToLower(typed)
	if !isASCII(typed) || strings.Contains(domain, "xn--") {
		ascii, err := idna.Lookup.ToASCII(typed)
		if err != nil {
			return "", badDomain(typed)
		}
		domain = ascii
		if r := stranger(domain); r != 0 {
			return "", bad("the domain is not a valid domain name: the character %q (U+%04X) is not allowed in one", r, r)
		}
	}
	return domain, checkDomain(domain)
}

// badDomain says which part of a domain is none by IDNA2008.
func badDomain(typed string) error {
	for label := range strings.FieldsFuncSeq(typed, func(r rune) bool { return r == '.' || r == '\u3002' || r == '\uff0e' || r == '\uff61' }) {
		if _, err := idna.Lookup.ToASCII(label); err != nil {
			return bad("the domain is not a valid domain name: its part %q is not one by the rules for names beyond ASCII (IDNA2008)", label)
		}
	}
	return bad("the domain is not a valid domain name")
}

// stranger finds a character in the A-labels of a domain that IDNA2008 has no place for (RFC 5892 §2): signs, emoji and punctuation, which the mapping of idna lets pass. 0 is
// none.
func stranger(ascii string) rune {
	for label := range strings.SplitSeq(ascii, ".") {
		if !strings.HasPrefix(label, "xn--") {
			continue
		}
		u, err := idna.Lookup.ToUnicode(label)
		if err != nil {
			continue // it was read a moment ago
		}
		for _, r := range u {
			switch {
			case r < utf8.RuneSelf, unicode.In(r, unicode.Ll, unicode.Lo, unicode.Lm, unicode.Mn, unicode.Mc, unicode.Nd):
			case strings.ContainsRune("\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u3007\u30fb\u200c\u200d", r): // RFC 5892 §2.6 and §2.8
			default:
				return r
			}
		}
	}
	return 0
}

func checkDomain(domain string) error {
	switch {
	case domain == "": // only characters that IDNA maps to nothing
		return bad("the domain after @ is missing")
	case len(domain) > maxAddress-2:
		return bad("the domain is longer than %d bytes", maxAddress-2)
	case domain[0] == '.':
		return bad("the domain starts with a dot")
	case domain[len(domain)-1] == '.':
		return bad("the domain ends with a dot")
	case strings.Contains(domain, ","):
		return bad("there is a comma in the domain: perhaps a dot was meant")
	case !strings.Contains(domain, "."):
		return bad("the domain has no dot")
	}
	last := ""
	for label := range strings.SplitSeq(domain, ".") {
		if err := checkLabel(label); err != nil {
			return err
		}
		last = label
	}
	if strings.Trim(last, "0123456789") == "" {
		return bad("the domain ends in a number: a domain name is needed")
	}
	return nil
}

func checkLabel(label string) error {
	switch {
	case label == "":
		return bad("there are two dots in a row in the domain")
	case len(label) > maxLabel:
		return bad("a part of the domain is longer than %d bytes", maxLabel)
	case label[0] == '-' || label[len(label)-1] == '-':
		return bad("a part of the domain starts or ends with a hyphen")
	}
	for i := range len(label) {
		if c := label[i]; !isAlnum(c) && c != '-' {
			return bad("the character %q is not allowed in a domain", rune(c))
		}
	}
	return nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func bad(format string, args ...any) error { return errs.New(errs.Invalid, format, args...) }
