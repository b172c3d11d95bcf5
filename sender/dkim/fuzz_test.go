package dkim

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// tame makes a message of any bytes, of the kind that Sign may be given: CRLF line ends, a header of proper fields with a From field, and a body.
func tame(raw string) []byte {
	raw = strings.ReplaceAll(strings.ReplaceAll(raw, "\r\n", "\n"), "\r", "")
	head, body, _ := strings.Cut("From: a@acme.example\n"+raw, "\n\n")
	var out []byte
	for line := range strings.SplitSeq(strings.TrimSuffix(head, "\n"), "\n") {
		if !isWSP(line[0]) && !isField(line) {
			out = append(out, "X-Tame: "...)
		}
		out = append(out, line...)
		out = append(out, "\r\n"...)
	}
	return append(out, "\r\n"+strings.ReplaceAll(body, "\n", "\r\n")...)
}

// isField reports a header field (RFC 5322 §2.2, with white space before the colon, §4.5.8) other than a signature.
func isField(line string) bool {
	name, _, ok := strings.Cut(line, ":")
	name = strings.TrimRight(name, " \t")
	return ok && name != "" && !strings.EqualFold(name, "DKIM-Signature") && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' })
}

// referee checks signed messages with both verifiers.
type referee struct {
	signer     *Signer
	signatures int
	records    map[string]string
}

func newReferees(tb testing.TB) []referee {
	tb.Helper()
	keys, records := setup(tb)
	var rs []referee
	for _, p := range []Profile{ProfileDefault, ProfileSES} {
		s, err := New(keys, p, time.Now)
		if err != nil {
			tb.Fatal(err)
		}
		rs = append(rs, referee{s, len(s.keys), records})
	}
	return rs
}

func (r referee) check(t *testing.T, raw []byte) {
	t.Helper()
	given := bytes.Clone(raw)
	signature, err := r.signer.Sign([]byte("keep"), raw)
	if err != nil {
		t.Fatalf("%v\n%q", err, raw)
	}
	signature, kept := bytes.CutPrefix(signature, []byte("keep"))
	if !kept || !bytes.Equal(raw, given) {
		t.Fatal("what was given has been changed")
	}
	signed := append(bytes.Clone(signature), raw...)
	if n, err := verifyRFC6376(string(signed), r.records); n != r.signatures || err != nil {
		t.Errorf("own verifier: %d signatures, %v\n%q", n, err, signed)
	}
	results, err := Verify(signed, lookup(r.records))
	if err != nil || len(results) != r.signatures {
		t.Fatalf("%d results, %v\n%q", len(results), err, signed)
	}
	for _, result := range results {
		if result.Err != nil {
			t.Errorf("%v\n%q", result.Err, signed)
		}
	}
	checkLines(t, signature)
}

// checkLines holds the form of the fields: lines within 78 columns, folded before or after names and tags but not in them.
func checkLines(t *testing.T, signature []byte) {
	t.Helper()
	if !bytes.HasSuffix(signature, crlf) {
		t.Error("the field does not end")
	}
	list := ""
	for line := range strings.SplitSeq(strings.TrimSuffix(string(signature), "\r\n"), "\r\n") {
		if len(line) > lineLength || !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, fieldName+" v=1; ") {
			t.Errorf("line of %d bytes: %q", len(line), line)
		}
		if v, ok := strings.CutPrefix(line, " h="); ok {
			list = " " + v
		}
		if list == "" {
			continue
		}
		for name := range strings.SplitSeq(strings.TrimRight(line, ":;"), ":") {
			name = strings.TrimPrefix(strings.TrimPrefix(name, " "), "h=")
			if namesWithout().find([]byte(name)) < 0 {
				t.Errorf("%q is no name in %q", name, line)
			}
		}
		if strings.HasSuffix(line, ";") {
			list = ""
		}
	}
}

func FuzzSign(f *testing.F) {
	for _, seed := range []string{
		"", "\n", "\n\n", "\n \n\t\n", "Subject: x\n\nbody", "SUBJECT:  a\n\t b \n\n\n\nx\n", "Subject: x\n \n\t\n y\n\n \t a  b\t\n\n \n",
		"To: a@b\nTo: c@d\nFrom: other@x\nfrom : third@x\n\nx", "List-Id: <x>\nlist-id: <y>\nReferences: <a>\n <b>\n <c>\n\nx",
		"Subject:" + strings.Repeat(" long  words", 200) + "\n\n" + strings.Repeat("word \t word  \n", 50) + "\n\n\n",
		"X-Other:\n\tFrom: inside@x\nMIME-Version:1.0\n\n12345678 \t12345678  \n1234567 \n1234567\t\n",
		"no colon\n: empty\n\nGr\xfc\xdfe \xc2\xa0 \n",
	} {
		f.Add(seed)
	}
	rs := newReferees(f)
	f.Fuzz(func(t *testing.T, raw string) {
		for _, r := range rs {
			r.check(t, tame(raw))
		}
	})
}

// FuzzSignAnything gives Sign what it must not be given; it may refuse but not fail.
func FuzzSignAnything(f *testing.F) {
	for _, seed := range []string{"", "\r\n", "From: a", "From: a\r\n", " From: a\r\n\r\n", "From\r\n: x\r\n\r\n", "From: a\n\nb", "\r\n\r\n", "From:\r\n\r\n\r", "From:\r\n \r\n\t"} {
		f.Add([]byte(seed))
	}
	rs := newReferees(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, err := rs[1].signer.Sign([]byte("keep"), raw)
		if !bytes.HasPrefix(out, []byte("keep")) || err != nil && len(out) != 4 {
			t.Errorf("%q, %v", out, err)
		}
	})
}

// FuzzRelaxedBody compares our body with that of the second reading of the RFC.
func FuzzRelaxedBody(f *testing.F) {
	for _, seed := range []string{"", " ", "\n", "a", "a ", " a", "a\t", "\ta  b", "1234567 ", "1234567 \n", "12345678\t", "1234567  8", "a \n \n\n", strings.Repeat("123456 ", 9) + " x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		body = strings.ReplaceAll(strings.ReplaceAll(body, "\r", ""), "\n", "\r\n")
		if got, want := string(appendRelaxedBody(nil, []byte(body))), relaxBody(body); got != want {
			t.Errorf("%q becomes %q, not %q", body, got, want)
		}
	})
}

// odd makes a message of pieces that canonicalisation treats in different ways; the same for the same numbers. colon is what may stand before a colon.
func odd(r *rand.Rand, colon string) []byte {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	white := func() string { return pick("", " ", "  ", "\t", " \t ", "\t\t") }
	var b strings.Builder
	for range r.IntN(15) {
		b.WriteString(pick("From", "To", "to", "SUBJECT", "Subject", "Date", "List-Id", "Received", "X-Other", "List-Unsubscribe", "CC", "Reply-To", "Content-Type"))
		b.WriteString(pick("", "", colon) + ":" + white())
		for range r.IntN(30) {
			b.WriteString(pick("word", "a", "=?utf-8?q?=C3=BC?=", "<x@acme.example>", ";", ":", "") + pick(" ", white(), "\r\n ", "\r\n\t "))
		}
		b.WriteString("\r\n")
	}
	b.WriteString("\r\n")
	for range r.IntN(40) {
		for range r.IntN(12) {
			b.WriteString(white() + pick("word", "a", "=3D", "<td>", ".", "слово", ""))
		}
		b.WriteString(pick("\r\n", "\r\n", white()+"\r\n", ""))
	}
	b.WriteString(strings.Repeat(pick("\r\n", " \r\n", ""), r.IntN(3)))
	return tame(b.String())
}

func TestOddMessagesVerify(t *testing.T) {
	t.Parallel()
	rs := newReferees(t)
	r := rand.New(rand.NewPCG(6376, 8301))
	for range 150 {
		raw := odd(r, " ")
		for _, ref := range rs {
			ref.check(t, raw)
		}
	}
}
