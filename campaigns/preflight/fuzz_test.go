package preflight

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// sane is what must hold of any report: it can be stored and shown, and is bounded.
func sane(t *testing.T, r Report) {
	t.Helper()
	for _, f := range r.Findings {
		if !Known(f.Code) || f.Count < 1 || len(f.Where) > mostPlaces || len(f.People) > mostPeople {
			t.Fatalf("%+v", f)
		}
		for _, w := range f.Where {
			for _, s := range []string{w.Selector, w.Note, f.Detail} {
				if !utf8.ValidString(s) || strings.ContainsRune(s, 0) || utf8.RuneCountInString(s) > 2*mostText {
					t.Fatalf("%s: %q", f.Code, s)
				}
			}
			if w.Line < 0 {
				t.Fatalf("%+v", w)
			}
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, raw := range corpus(f) {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		sane(t, Check(Input{Samples: []Sample{{Raw: raw}}}))
		Faults([]Sample{{Raw: raw}}, Facts{})
		Targets([]Sample{{Raw: raw}}, Facts{})
	})
}

func FuzzHTML(f *testing.F) {
	for _, raw := range corpus(f) {
		if m, err := parse(raw); err == nil {
			f.Add(m.html)
		}
	}
	for _, s := range []string{"<style>a{b:c", "<style>@media(x){.a{display:flex;}}</style>", "<a href='https://[::1]'><img src=data:,>", "<p style='a:url(;)'>", "<div style=\"x:'", "<svg><style>/*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		d := readHTML(src)
		lines := 1 + strings.Count(src, "\n")
		for _, b := range d.styles {
			s := scanCSS(b.text, b.line, b.selector != "")
			for _, decl := range s.declarations {
				if b.selector == "" && decl.line > lines {
					t.Fatalf("line %d of %d: %q", decl.line, lines, decl.property)
				}
			}
		}
		for _, e := range d.elements {
			if e.line > lines {
				t.Fatalf("line %d of %d: %s", e.line, lines, e.tag)
			}
		}
		raw := "From: a@b.org\nDate: x\nSubject: y\nContent-Type: text/html; charset=utf-8\n\n" + src
		sane(t, Check(Input{Samples: []Sample{{Raw: []byte(raw)}}}))
	})
}

func FuzzSpamd(f *testing.F) {
	f.Add(spamdReport)
	f.Add("SPAMD/1.5 0 EX_OK\r\nSpam: True ; 1 / 5\r\n\r\n")
	f.Fuzz(func(t *testing.T, answer string) {
		r, err := readSpamd(strings.NewReader(answer))
		if (r == nil) == (err == nil) {
			t.Fatalf("%v, %v", r, err)
		}
	})
}
