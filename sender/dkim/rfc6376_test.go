package dkim

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"
)

// This file is a second, independent reading of RFC 6376: a verifier for
// relaxed/relaxed that shares no code with the signer.

type rfcField struct{ name, value string } // value as sent, folding included

var wsp = regexp.MustCompile(`[ \t]+`)

func splitMessage(raw string) (fields []rfcField, body string) {
	head, body, _ := strings.Cut(raw, "\r\n\r\n")
	for _, line := range strings.Split(head, "\r\n") {
		if line[0] == ' ' || line[0] == '\t' {
			fields[len(fields)-1].value += "\r\n" + line
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		fields = append(fields, rfcField{name, value})
	}
	return fields, body
}

func relaxHeader(f rfcField) string { // §3.4.2
	v := wsp.ReplaceAllString(strings.ReplaceAll(f.value, "\r\n", ""), " ")
	return strings.ToLower(strings.TrimSpace(f.name)) + ":" + strings.Trim(v, " ")
}

func relaxBody(body string) string { // §3.4.4
	lines := strings.Split(body, "\r\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(wsp.ReplaceAllString(l, " "), " ")
	}
	out := strings.TrimRight(strings.Join(lines, "\r\n"), "\r\n")
	if out == "" {
		return ""
	}
	return out + "\r\n"
}

func tags(value string) map[string]string {
	m := map[string]string{}
	for _, t := range strings.Split(value, ";") {
		if k, v, ok := strings.Cut(t, "="); ok {
			m[strings.TrimSpace(k)] = strings.Join(strings.Fields(v), "")
		}
	}
	return m
}

// verifyRFC6376 checks every signature of raw and returns how many there are.
func verifyRFC6376(raw string, records map[string]string) (int, error) {
	fields, body := splitMessage(raw)
	n := 0
	for _, f := range fields {
		if !strings.EqualFold(f.name, "DKIM-Signature") {
			continue
		}
		n++
		if err := verifyField(f, fields, body, records); err != nil {
			return n, fmt.Errorf("signature %d: %w", n, err)
		}
	}
	return n, nil
}

func verifyField(sig rfcField, fields []rfcField, body string, records map[string]string) error {
	t := tags(sig.value)
	if t["c"] != "relaxed/relaxed" || t["v"] != "1" {
		return fmt.Errorf("c=%q v=%q", t["c"], t["v"])
	}
	sum := sha256.Sum256([]byte(relaxBody(body)))
	if base64.StdEncoding.EncodeToString(sum[:]) != t["bh"] {
		return fmt.Errorf("body hash differs")
	}
	var data strings.Builder
	used := map[int]bool{}
	for _, name := range strings.Split(t["h"], ":") { // §5.4.2: from the bottom up
		for i := len(fields) - 1; i >= 0; i-- {
			if !used[i] && strings.EqualFold(strings.TrimRight(fields[i].name, " \t"), name) {
				used[i] = true
				data.WriteString(relaxHeader(fields[i]) + "\r\n")
				break
			}
		}
	}
	unsigned := rfcField{sig.name, regexp.MustCompile(`(^|;)(\s*b\s*=)[^;]*`).ReplaceAllString(sig.value, "$1$2")}
	data.WriteString(relaxHeader(unsigned))
	hashed := sha256.Sum256([]byte(data.String()))
	b, err := base64.StdEncoding.DecodeString(t["b"])
	if err != nil {
		return err
	}
	record := tags(records[t["s"]+"._domainkey."+t["d"]])
	pub, err := base64.StdEncoding.DecodeString(record["p"])
	if err != nil || len(pub) == 0 {
		return fmt.Errorf("no key for %s: %v", t["s"], err)
	}
	switch t["a"] {
	case "rsa-sha256":
		k, err := x509.ParsePKIXPublicKey(pub)
		if err != nil {
			return err
		}
		return rsa.VerifyPKCS1v15(k.(*rsa.PublicKey), crypto.SHA256, hashed[:], b)
	case "ed25519-sha256":
		if !ed25519.Verify(pub, hashed[:], b) {
			return fmt.Errorf("ed25519 signature is wrong")
		}
		return nil
	}
	return fmt.Errorf("a=%q", t["a"])
}
