package sender

import (
	"context"
	"strings"
)

// checkKey compares the record of a DKIM key with what DNS has.
func checkKey(ctx context.Context, dns Resolver, domain string, k Key) Check {
	c := Check{Purpose: PurposeDKIM, Type: "TXT", Name: k.RecordName, Expected: k.RecordValue, Found: []string{}}
	txts, err := lookupTXT(ctx, dns, c.Name)
	if err != nil {
		c.unanswered(c.Name, err)
		return c
	}
	c.Found = append(c.Found, txts...)
	want := parseTags(c.Expected)
	for _, txt := range txts {
		got := parseTags(txt)
		if got["p"] != want["p"] || keyType(got) != keyType(want) {
			continue
		}
		if len(txts) > 1 {
			c.set(CheckDifferent, "the key is there, but with %d other TXT records beside it, and receivers may pick the wrong one: remove them", len(txts)-1)
		} else {
			c.set(CheckOK, "the key is published")
		}
		return c
	}
	if len(txts) > 0 {
		c.set(CheckDifferent, "%s", keyDifference(parseTags(txts[0]), want))
		return c
	}
	// Most DNS panels append the domain to what is typed, so a full name ends up doubled.
	if doubled, err := lookupTXT(ctx, dns, c.Name+"."+domain); err == nil && len(doubled) > 0 {
		c.set(CheckMissing, "the record is at %s.%s: your DNS panel appends the domain, so enter the name as %s", c.Name, domain,
			strings.TrimSuffix(c.Name, "."+domain))
		return c
	}
	c.set(CheckMissing, "there is no TXT record at %s yet; a new record can take up to an hour to be seen", c.Name)
	return c
}

func keyType(tags map[string]string) string {
	if tags["k"] == "" {
		return "rsa" // RFC 6376 §3.6.1
	}
	return tags["k"]
}

func keyDifference(got, want map[string]string) string {
	switch p := got["p"]; {
	case p == "":
		return "the record holds no key (p= is empty or absent), which tells receivers that the key is revoked: enter the value as shown"
	case len(p) < len(want["p"]) && strings.HasPrefix(want["p"], p):
		return "the key is cut off: the DNS panel took only its beginning; enter the value in the split form"
	case keyType(got) != keyType(want):
		return "the record is for another kind of key: enter the value as shown"
	}
	return "the record holds another key: enter the value as shown"
}
