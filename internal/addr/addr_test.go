package addr_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/addr"
	"postrider/internal/errs"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]addr.Address{
		"ann@example.org":           {Display: "ann@example.org", Key: "ann@example.org", Domain: "example.org"},
		" Ann.B+x@Example.ORG\t":    {Display: "Ann.B+x@Example.ORG", Key: "ann.b+x@example.org", Domain: "example.org"},
		"o'neil_{a}@x-y.example":    {Display: "o'neil_{a}@x-y.example", Key: "o'neil_{a}@x-y.example", Domain: "x-y.example"},
		"a@b--c.example":            {Display: "a@b--c.example", Key: "a@b--c.example", Domain: "b--c.example"},
		"a@Bücher.example":          {Display: "a@Bücher.example", Key: "a@xn--bcher-kva.example", Domain: "xn--bcher-kva.example"},
		"a@XN--BCHER-KVA.example":   {Display: "a@XN--BCHER-KVA.example", Key: "a@xn--bcher-kva.example", Domain: "xn--bcher-kva.example"},
		"Иван@почта.рф":             {Display: "Иван@почта.рф", Key: "иван@xn--80a1acny.xn--p1ai", Domain: "xn--80a1acny.xn--p1ai", NeedsSMTPUTF8: true},
		"a@STRASSE.example":         {Display: "a@STRASSE.example", Key: "a@strasse.example", Domain: "strasse.example"},
		"a@Straße.example":          {Display: "a@Straße.example", Key: "a@xn--strae-oqa.example", Domain: "xn--strae-oqa.example"},
		"a@βόλος.example":           {Display: "a@βόλος.example", Key: "a@xn--nxasmm1c.example", Domain: "xn--nxasmm1c.example"},
		"a@例え。テスト":                  {Display: "a@例え。テスト", Key: "a@xn--r8jz45g.xn--zckzah", Domain: "xn--r8jz45g.xn--zckzah"},
		"jose\u0301@example.org":    {Display: "jose\u0301@example.org", Key: "josé@example.org", Domain: "example.org", NeedsSMTPUTF8: true},
		"a@" + label(63) + ".org":   {Display: "a@" + label(63) + ".org", Key: "a@" + label(63) + ".org", Domain: label(63) + ".org"},
		label(64) + "@example.org":  {Display: label(64) + "@example.org", Key: label(64) + "@example.org", Domain: "example.org"},
		"\u00a0ann@example.org\r\n": {Display: "ann@example.org", Key: "ann@example.org", Domain: "example.org"},
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			got, err := addr.Normalize(raw)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestNormalizeRefuses(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"":                            "empty",
		"  ":                          "empty",
		"ann":                         "no @",
		"@example.org":                "before @ is missing",
		"ann@":                        "after @ is missing",
		"a@b@example.org":             "two @",
		"a@x.org, b@x.org":            "two addresses",
		"a b@example.org":             "space inside",
		"Ann <ann@example.org>":       "angle brackets",
		".ann@example.org":            "starts with a dot",
		"ann.@example.org":            "ends with a dot",
		"a..b@example.org":            "two dots in a row before @",
		"\"a\"@example.org":           "not allowed before @",
		"mailto:a@example.org":        "mailto:",
		"MailTo:a@example.org":        "mailto:",
		"a@x.org; b@x.org":            "two addresses",
		"a@gmail,com":                 "perhaps a dot was meant",
		"a@b\u2044c.org":              "U+2044",
		"a@i❤.example":                "'❤' (U+2764)",
		"a@xn--i-7iq.example":         "'❤' (U+2764)",
		"a@\u05d0a.org":               "IDNA2008",
		"a@xn--zzzzzz-.org":           "xn--zzzzzz-",
		"a@b\u200dc.org":              "not a valid domain",
		"a@Xn--":                      "after @ is missing",
		"a@localhost":                 "no dot",
		"a@example..org":              "two dots in a row in the domain",
		"a@.example.org":              "starts with a dot",
		"a@example.org.":              "ends with a dot",
		"a@-x.org":                    "hyphen",
		"a@x-.org":                    "hyphen",
		"a@x_y.org":                   "'_' is not allowed in a domain",
		"a@10.0.0.1":                  "number",
		"a@[10.0.0.1]":                "IP address",
		"a@xn--a.org":                 "not a valid domain",
		label(65) + "@example.org":    "longer than 64",
		"a@" + label(64) + ".org":     "longer than 63",
		"a@" + longDomain() + ".org":  "longer than",
		"a\u200b@example.org":         "U+200B",
		"a\x00@example.org":           "U+0000",
		"a\r\nBcc: x@example.org":     "space inside",
		"\xff@example.org":            "UTF-8",
		strings.Repeat("a@b.cd", 999): "longer than 254",
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			_, err := addr.Normalize(raw)
			var e *errs.E
			if !errors.As(err, &e) || e.Kind != errs.Invalid || !strings.Contains(e.Public, want) {
				t.Errorf("got %v, want an Invalid error with %q", err, want)
			}
		})
	}
}

// A key read again is the same key, holds nothing that could break out of an SMTP command, and keeps to the limits.
func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"ann@example.org", "Иван@почта.рф", "a@例え。テスト", "İ@x.org", "ẞ@x.org", "a@xn--bcher-kva.example", "<a@b.cd>", "a@Xn--", "\u1e9b\u0323@x.org"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := addr.Normalize(raw)
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Fatalf("%q: %v is not Invalid", raw, err)
			}
			return
		}
		if strings.ContainsAny(a.Key+a.Display, "\x00\r\n\t <>\"") || len(a.Key) > 254 {
			t.Errorf("%q gave the key %q", raw, a.Key)
		}
		again, err := addr.Normalize(a.Key)
		if err != nil || again.Key != a.Key || again.Domain != a.Domain {
			t.Errorf("%q gave the key %q, which read again is %+v, %v", raw, a.Key, again, err)
		}
		shown, err := addr.Normalize(a.Display)
		if err != nil || shown != a {
			t.Errorf("%q: the display form reads as %+v, %v; want %+v", raw, shown, err, a)
		}
	})
}

func BenchmarkNormalize(b *testing.B) {
	for b.Loop() {
		if _, err := addr.Normalize("Some.Body@Example.org"); err != nil {
			b.Fatal(err)
		}
	}
}

func label(n int) string { return strings.Repeat("x", n) }

func longDomain() string { return strings.Repeat(label(50)+".", 5) + "x" }
