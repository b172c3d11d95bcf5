package templates

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
)

func TestPreview(t *testing.T) {
	t.Parallel()
	got, err := Preview(Content{
		Subject: "Hi {{ subscriber.first_name }}",
		HTML:    `<p>{{ subscriber.city }}</p>` + "\n" + `<a href="http://a.test/{{ subscriber.id }}">a</a><a href="{{ subscriber.none }}">n</a><img src="x.png"><a href="shop">s</a>{{ nosuch }}`,
	}, ann(), "")
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != "Hi Ann" || !got.TextGenerated || got.SizeBytes != len(got.HTML) || !strings.HasPrefix(got.Text, "Köln & Bonn\n\na (http://a.test/7)") {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]string{"http://a.test/7", "{{ subscriber.none }}"}, got.Links); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"city", "first_name", "id", "none"}, got.Fields); diff != "" {
		t.Error(diff)
	}
	codes := map[string]int{}
	for _, w := range got.Warnings {
		codes[w.Code] = w.Line
		if w.Message == "" || w.Part == "" {
			t.Errorf("%+v", w)
		}
	}
	if diff := cmp.Diff(map[string]int{"no_unsubscribe": 0, "http_link": 2, "no_alt": 2, "relative_link": 2, "unknown_field": 2}, codes); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(got.HTML, "t.test") {
		t.Errorf("a preview is tracked: %s", got.HTML)
	}
}

func TestPreviewWarnings(t *testing.T) {
	t.Parallel()
	fine := Content{Subject: "s", HTML: `<p>x <a href="{{ unsubscribe_url }}">leave</a></p>`}
	for code, c := range map[string]Content{
		"":              fine,
		"empty_subject": {HTML: fine.HTML},
		"long_subject":  {Subject: strings.Repeat("é", 71), HTML: fine.HTML},
		"large":         {Subject: "s", HTML: fine.HTML + strings.Repeat("x", 103<<10)},
		"no_content":    {Subject: "s", HTML: "", Text: "{{ unsubscribe_url }}", Preheader: "p"},
		"script":        {Subject: "s", HTML: fine.HTML + "<script>x</script>"},
	} {
		got, err := Preview(c, ann(), "")
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, w := range got.Warnings {
			codes = append(codes, w.Code)
		}
		if strings.Join(codes, " ") != code {
			t.Errorf("want %q, got %q", code, codes)
		}
	}
	if _, err := Preview(Content{HTML: "{{ x | y }}"}, ann(), ""); !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestForceScheme(t *testing.T) {
	t.Parallel()
	const yes, no = "(min-width:0)", "(max-width:0)"
	for _, tc := range []struct{ name, in, dark, light string }{
		{"plain", "<style>@media (prefers-color-scheme: dark) {a{b:c}}</style>", "<style>@media " + yes + " {a{b:c}}</style>", "<style>@media " + no + " {a{b:c}}</style>"},
		{"joined", "<STYLE type=x>p{}@MEDIA screen and (Prefers-Color-Scheme:DARK) and (min-width:9px){}</STYLE>",
			"<STYLE type=x>p{}@MEDIA screen and " + yes + " and (min-width:9px){}</STYLE>", "<STYLE type=x>p{}@MEDIA screen and " + no + " and (min-width:9px){}</STYLE>"},
		{"the light one", "<style>@media (prefers-color-scheme:light){}</style>", "<style>@media " + no + "{}</style>", "<style>@media " + yes + "{}</style>"},
		{"comment and string", `<style>/*@media (prefers-color-scheme:dark)*/a::b{content:"@media (prefers-color-scheme:dark)"}</style>`, "", ""},
		{"not in a style", `<p>@media (prefers-color-scheme:dark)</p>`, "", ""},
		{"picture", `<source media="(prefers-color-scheme: dark)" srcset=x>`, `<source media="` + yes + `" srcset=x>`, `<source media="` + no + `" srcset=x>`},
		{"broken", "<style>@media (prefers-color-scheme:dark)", "<style>@media " + yes, "<style>@media " + no},
		{"unclosed comment", "<style>/* @media (prefers-color-scheme:dark)", "", ""},
	} {
		if tc.dark == "" {
			tc.dark, tc.light = tc.in, tc.in
		}
		for scheme, want := range map[Scheme]string{Dark: tc.dark, Light: tc.light, "": tc.in} {
			if got := forceScheme(tc.in, scheme); got != want {
				t.Errorf("%s, %s:\ngot  %s\nwant %s", tc.name, scheme, got, want)
			}
		}
	}
}

func FuzzForceScheme(f *testing.F) {
	f.Add("<style>@media (prefers-color-scheme: dark) {a{b:'c\\''}}</style> x <p media='(prefers-color-scheme:light)'>")
	f.Fuzz(func(t *testing.T, page string) {
		if got := forceScheme(page, Dark); len(schemeFeature.FindAllString(page, -1)) == 0 && got != page {
			t.Fatalf("%q became %q", page, got)
		}
	})
}
