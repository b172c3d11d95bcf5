package templates

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nethtml "golang.org/x/net/html"

	"postrider/internal/errs"
)

var tracked = Options{TrackClicks: true}

const c1 = "https://t.test/c/1?a&amp;b"

func TestClickLinks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in, want string
		links          []string
	}{
		{"static", `<a class=x href="https://a.test/?x=1&amp;y=2">A</a>`, `<a class=x href="` + c1 + `">A</a>`, []string{"https://a.test/?x=1&y=2"}},
		{"single quotes and odd spelling", "<A\n HREF = 'http://a.test'\tid=z >A</A >", "<A\n HREF = '" + c1 + "'\tid=z >A</A >", []string{"http://a.test"}},
		{"unquoted", `<a href=https://a.test/b>A</a>`, `<a href=` + c1 + `>A</a>`, []string{"https://a.test/b"}},
		{"entity scheme", `<a href="https&#58;//a.test/">A</a>`, `<a href="` + c1 + `">A</a>`, []string{"https://a.test/"}},
		{"twice is one", `<a href="https://a.test/"><img alt="" src="https://a.test/i.png"></a><a href="https://a.test/">A</a>`,
			`<a href="` + c1 + `"><img alt="" src="https://a.test/i.png"></a><a href="` + c1 + `">A</a>`, []string{"https://a.test/"}},
		{"personal", `<a href="https://a.test/{{ subscriber.id }}?c={{ subscriber.city | url_encode }}&amp;x">A</a>`, `<a href="` + c1 + `">A</a>`,
			[]string{"https://a.test/{{ subscriber.id }}?c={{ subscriber.city | url_encode }}&x"}},
		{"quotes in Liquid", `<a href="{{ subscriber.none | default: "https://a.test/>" }}">A</a>`, `<a href="` + c1 + `">A</a>`,
			[]string{`{{ subscriber.none | default: "https://a.test/>" }}`}},
		{"not tracked", `<a href="mailto:a@b.test">m</a><a href="tel:+1">t</a><a href="#top">^</a><a href="">e</a><a name=x>n</a><a href="/rel">r</a>`,
			`<a href="mailto:a@b.test">m</a><a href="tel:+1">t</a><a href="#top">^</a><a href="">e</a><a name=x>n</a><a href="/rel">r</a>`, nil},
		{"unsubscribe", `<a href="{{ unsubscribe_url }}">u</a><a href="{{ unsubscribe_url }}?x">u</a>`,
			`<a href="https://t.test/u/abc">u</a><a href="https://t.test/u/abc?x">u</a>`, nil},
		{"preferences", `<a href="{{ preferences_url }}">p</a><a href="{{ preferences_url | append: '#x' }}">p</a>`,
			`<a href="https://t.test/p/abc">p</a><a href="https://t.test/p/abc#x">p</a>`, nil},
		{"stylesheet and images", `<link href="https://a.test/s.css"><img alt="" src="https://a.test/i.png">`,
			`<link href="https://a.test/s.css"><img alt="" src="https://a.test/i.png">`, nil},
		{"in a comment", `<!-- <a href="https://a.test/"> -->`, `<!-- <a href="https://a.test/"> -->`, nil},
		{"for Outlook", `<!--[if mso]><v:rect href="https://a.test/"></v:rect><![endif]-->`, `<!--[if mso]><v:rect href="` + c1 + `"></v:rect><![endif]-->`, []string{"https://a.test/"}},
		{"in a style", `<style>/* <a href="https://a.test/"> */</style>`, `<style>/* <a href="https://a.test/"> */</style>`, nil},
		{"loop variable", `{% for t in subscriber.tags %}<a href="https://a.test/{{ t }}">x</a>{% endfor %}`,
			`<a href="https://a.test/a&lt;">x</a><a href="https://a.test/b">x</a>`, nil},
		{"assigned", `{% assign u = "https://a.test/" %}<a href="{{ u }}">x</a>`, `<a href="https://a.test/">x</a>`, nil},
		{"block in the URL", `<a href="https://a.test/{% if subscriber.id %}1{% endif %}">x</a>`, `<a href="https://a.test/1">x</a>`, nil},
		{"in blocks", `{% if subscriber.none %}<a href="https://a.test/">x</a>{% else %}<a href="https://b.test/">x</a>{% endif %}`,
			`<a href="https://t.test/c/2?a&amp;b">x</a>`, []string{"https://a.test/", "https://b.test/"}},
		{"raw", `{% raw %}<a href="https://a.test/{{ x }}">x</a><a href="https://b.test/">x</a>{% endraw %}`,
			`<a href="https://a.test/{{ x }}">x</a><a href="` + c1 + `">x</a>`, []string{"https://b.test/"}},
		{"blocks around URLs", `<a href="{% if subscriber.id %}https://a.test/{% else %}https://b.test/{% endif %}">x</a>`, `<a href="https://a.test/">x</a>`, nil},
		{"evil values", `<a href="{{ subscriber.tags | first }}{{ subscriber.evil }}">x</a>`, `<a href="` + c1 + `">x</a>`,
			[]string{"{{ subscriber.tags | first }}{{ subscriber.evil }}"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := mustCompile(t, Content{HTML: tc.in, Text: "{{ unsubscribe_url }}"}, tracked)
			var urls []string
			for i, l := range c.Links() {
				if l.N != i+1 {
					t.Errorf("link %d has number %d", i, l.N)
				}
				urls = append(urls, l.URL)
			}
			if diff := cmp.Diff(tc.links, urls); diff != "" {
				t.Error(diff)
			}
			got, hidden := strings.CutSuffix(bare(t, tc.in, tracked), hiddenLink)
			if hidden != (len(tc.links) > 0) {
				t.Errorf("the hidden link is there: %v", hidden)
			}
			if got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// hiddenLink follows the visible ones where they are counted: out of sight, of the reading order and of the keyboard's way.
const hiddenLink = `<a href="https://t.test/c/0?a&amp;b" style="display:none" aria-hidden="true" tabindex="-1"></a>`

func TestStaticLinks(t *testing.T) {
	t.Parallel()
	c := mustCompile(t, Content{HTML: `<a href="https://a.test/?x=1&amp;y=2">a</a><a href="https://a.test/{{ subscriber.id }}">b</a>`}, Options{})
	for n, want := range []string{"", "https://a.test/?x=1&y=2", "", ""} {
		if got, ok := c.StaticLink(n); got != want || ok != (want != "") {
			t.Errorf("link %d is %q, %v", n, got, ok)
		}
	}
}

func TestUntrackedURLsAreGuarded(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want string }{
		{`<a href="{{ subscriber.evil }}">x</a>`, `<a href="#">x</a>`},
		{`<a href=" {{ subscriber.evil | replace: "s", "\ts" }}">x</a>`, `<a href="#">x</a>`},
		{`<a href="java{{ "script:x" }}">x</a>`, `<a href="#">x</a>`},
		{`<a href="{{ subscriber.evil | safe }}">x</a>`, `<a href="#">x</a>`},
		{`<a href="{{ subscriber.url }}">x</a>`, `<a href="https://shop.test/?a=1&amp;b=2">x</a>`},
		{`<a href="{{ subscriber.none }}">x</a>`, `<a href="">x</a>`},
		{`<a href='{% if true %}{{ subscriber.evil }}{% endif %}'>x</a>`, `<a href='#'>x</a>`},
		{`<form action="{{ subscriber.evil }}">`, `<form action="#">`},
		{`<img alt="" src="{{ subscriber.evil }}">`, `<img alt="" src="#">`},
		{`<img alt="" src="data:image/png;base64,{{ subscriber.id }}">`, `<img alt="" src="data:image/png;base64,7">`},
		{`<svg><a xlink:href="{{ subscriber.evil }}"></a></svg>`, `<svg><a xlink:href="#"></a></svg>`},
		{`<img alt="{{ subscriber.name }}" title='{{ subscriber.name }}'>`, `<img alt="Ann &lt;b&gt; O&#39;Neil" title='Ann &lt;b&gt; O&#39;Neil'>`},
	} {
		if got := bare(t, tc.in, Options{}); got != tc.want {
			t.Errorf("%s\ngot  %s\nwant %s", tc.in, got, tc.want)
		}
		if got := bare(t, "{% assign z = 1 %}"+tc.in, Options{}); got != tc.want {
			t.Errorf("%s with the engine\ngot  %s\nwant %s", tc.in, got, tc.want)
		}
	}
}

func TestRenderLink(t *testing.T) {
	t.Parallel()
	c := mustCompile(t, Content{HTML: `<a href="https://a.test/?n={{ subscriber.city | url_encode }}&amp;i={{ subscriber.id }}">a</a>
		<a href="{{ subscriber.url }}">b</a><a href="{{ subscriber.evil }}">c</a><a href="{{ subscriber.none }}">d</a><a href="{{ subscriber.break }}">e</a>
		<a href="https://b.test/{{ subscriber.break }}">f</a>`}, tracked)
	for n, want := range []string{"", "https://a.test/?n=K%C3%B6ln+%26+Bonn&i=7", "https://shop.test/?a=1&b=2", "", "", "", "https://b.test/aBcc: x@example.org", ""} {
		got, err := c.RenderLink(n, ann())
		if got != want || (want == "") != errs.Is(err, errs.NotFound) {
			t.Errorf("link %d: %q, %v; want %q", n, got, err, want)
		}
	}
}

// What is not a link target goes out byte for byte.
func TestHTMLIsUntouchedOutsideOfLinks(t *testing.T) {
	t.Parallel()
	src := "<!DOCTYPE html>\r\n<HTML><Head><style>\n@media screen { a>b { color: red } }\n</style></head>\n<body  bgcolor=#fff>\x00<p >\tümläut &nbsp;&bogus; <b><i>x</b></i>" +
		"<td><br/><a\thref=\"https://a.test/\" >1</a><img src='x.png' alt=''><![CDATA[x]]><!-- c --><?php x ?> 1 < 2 <3 </ body>&lt</body></html>\r\n"
	want := strings.Replace(strings.Replace(src, "https://a.test/", c1, 1), "</body>", hiddenLink+"</body>", 1)
	if got := bare(t, src, tracked); got != want {
		t.Error(cmp.Diff(want, got))
	}
}

func TestInsertions(t *testing.T) {
	t.Parallel()
	pixel := `<img src="https://t.test/o/abc" width="1" height="1" alt="" style="border:0">`
	got := fill(t, Content{HTML: "<html><head></head><body><p>x</p></body></html>", Preheader: "Hi <{{ subscriber.name }}", Text: "t"}, Options{TrackOpens: true}, ann())
	page := string(got.HTML)
	if !strings.HasPrefix(page, `<html><head></head><body><div style="display:none;`) || !strings.Contains(page, `mso-hide:all">Hi &lt;Ann &lt;b&gt; O&#39;Neil&#847;`) {
		t.Errorf("preheader: %s", page)
	}
	footer := `Ac &amp; me<br>1 Main St, Town<br><a href="https://t.test/u/abc" style="color:#666">Unsubscribe</a></div>`
	if !strings.HasSuffix(page, footer+pixel+"</body></html>") {
		t.Errorf("footer and pixel: %s", page)
	}
	if want := "t\n\n-- \nAc & me\n1 Main St\nTown\nUnsubscribe: https://t.test/u/abc\n"; string(got.Text) != want {
		t.Errorf("text: %q", got.Text)
	}
	got = fill(t, Content{HTML: "<p>x</p>", Preheader: "pre"}, Options{TrackOpens: true}, ann())
	if page := string(got.HTML); !strings.HasPrefix(page, "<div style") || !strings.HasSuffix(page, footer+pixel) {
		t.Errorf("without a body: %s", page)
	}
	got = fill(t, Content{HTML: "<!doctype html><p>x</p>", Preheader: "pre"}, Options{}, ann())
	if !strings.HasPrefix(string(got.HTML), "<!doctype html><div") {
		t.Errorf("after the doctype: %s", got.HTML)
	}
}

func TestFooterOnlyWhenNeeded(t *testing.T) {
	t.Parallel()
	link := "{{ unsubscribe_url }}"
	for _, tc := range []struct {
		html, text string
		footer     bool
	}{
		{"<p>x", "x", true}, {"<a href='" + link + "'>x</a>", "x", false}, {"<p>x", link, false}, {"<p>x", "", true}, {"<a href='" + link + "'>x</a>", "", false},
		{"{% if subscriber.none %}" + link + "{% endif %}", "", true}, {"{% if subscriber.id %}" + link + "{% endif %}", "x", false},
		{"{% if unsubscribe_url %}x{% endif %}", "x", true}, {"", "x", true}, {"<p>x", "{% if subscriber.id %}" + link + "{% endif %}", false},
		{"{% comment %}" + link + "{% endcomment %}", "x", true},
	} {
		r := fill(t, Content{HTML: tc.html, Text: tc.text}, Options{}, ann())
		inHTML, inText := strings.Contains(string(r.HTML), ">Unsubscribe</a>"), strings.Contains(string(r.Text), "\nUnsubscribe: ")
		if inHTML != (tc.footer && tc.html != "") || inText != tc.footer {
			t.Errorf("%q, %q: footer in HTML %v, in text %v", tc.html, tc.text, inHTML, inText)
		}
		if !strings.Contains(string(r.HTML)+string(r.Text), "https://t.test/u/abc") {
			t.Errorf("%q, %q: no way to leave", tc.html, tc.text)
		}
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	c := mustCompile(t, Content{Subject: "{{ subscriber.first_name }}", HTML: `{% if subscriber.attributes.vip and subscriber["town"] %}<a href="{{ subscriber.url }}">x</a>{% endif %}`,
		Text: "{% assign a = subscriber.attributes.email %}{% for x in subscriber.items %}{{ x.name }}{{ 'subscriber.no' }}{% endfor %}"}, Options{})
	if diff := cmp.Diff([]string{"attributes.email", "first_name", "items", "town", "url", "vip"}, c.Fields()); diff != "" {
		t.Error(diff)
	}
}

func FuzzScanAttrs(f *testing.F) {
	for _, s := range []string{`<a href="x" b='y' c=z d>`, `<a/href=x>`, `<a =x=y / = "q">`, "<a\fx = \n 'y'z>", `<a href="x`, `<a b/=c>`, `<a href=x/>`, `<br/>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if strings.ContainsAny(src, "\x00\r") {
			return // the tokenizer changes these in values
		}
		z := nethtml.NewTokenizer(strings.NewReader(src))
		for z.Next() != nethtml.ErrorToken {
			raw := slices.Clone(z.Raw())
			tok := z.Token()
			if tok.Type != nethtml.StartTagToken && tok.Type != nethtml.SelfClosingTagToken {
				continue
			}
			got, seen := []nethtml.Attribute{}, map[string]bool{}
			for _, a := range scanAttrs(raw) {
				if !seen[a.name] {
					got, seen[a.name] = append(got, nethtml.Attribute{Key: a.name, Val: nethtml.UnescapeString(string(raw[a.start:a.end]))}), true
				}
			}
			if diff := cmp.Diff(append([]nethtml.Attribute{}, tok.Attr...), got); diff != "" {
				t.Fatalf("%q\n%s", raw, diff)
			}
		}
	})
}

// Whatever a source holds, compiling and filling in end with a mail or with an error for the author, and no value makes markup.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{benchContent().HTML, `<a href="{{ subscriber.evil }}">`, `{% for i in (1..3) %}{{ i }}{% endfor %}`, `{% raw %}{{%{% endraw %}`,
		`<!--[if mso]><a href="{{ subscriber.url }}"><![endif]-->`, `{{ subscriber.name | date: "%9Y" }}`, `<title>{{ a }}</title><textarea></textarea>`,
		`http://a.b/{{ subscriber.id }}, (http://x.y)`, "{%- comment -%} {{ {%- endcomment -%}", `{{{{`, `{% cycle "a", "b" %}`, `<a href="{% if x %}a{% else %}b{% endif %}">`,
		`<a {% if x %}href="http://a.b">y</a>{% endif %}`, `{% if x %}<img {% endif %}alt="c">`, `<a href="mailto:{% if x %}a?b{% endif %}c?d">e</a>`, `<{{ subscriber.name }}>`, `{% capture a %}{{{ "b" }}{% endcapture %}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		watchdog := time.AfterFunc(20*time.Second, func() { panic("this source runs away: " + strconv.Quote(src)) })
		defer watchdog.Stop()
		v := ann()
		v.Subscriber.Name = "<q7>"
		v.Organization, v.PostalAddress = "", ""
		if c, err := Compile(Content{HTML: src}, Options{TrackClicks: true}); err == nil { // with a text made of it
			var r Rendered
			if err := c.Render(&r, v, testURLs{}); err != nil && !errs.Is(err, errs.Invalid) {
				t.Fatal(err)
			}
		}
		c, err := Compile(Content{Subject: src, HTML: src, Text: src, Preheader: src}, Options{TrackOpens: true, TrackClicks: true})
		if err != nil {
			var e *errs.E
			if !errors.As(err, &e) || e.Kind != errs.Invalid || len(e.Fields) == 0 || e.Fields[0].Message == "" {
				t.Fatalf("%v", err)
			}
			return
		}
		var r Rendered
		if err := c.Render(&r, v, testURLs{}); err != nil && !errs.Is(err, errs.Invalid) {
			t.Fatal(err)
		}
		if strings.ContainsAny(r.Subject, "\r\n\x00") || len(r.Subject) > maxSubject {
			t.Fatalf("subject %q", r.Subject)
		}
		if strings.Contains(string(r.HTML), "<q7>") && !strings.Contains(src, "safe") && !strings.Contains(src, "q7") && !strings.Contains(src, "<q") {
			t.Fatalf("a value became markup: %q", r.HTML)
		}
		for _, l := range c.Links() {
			if url, err := c.RenderLink(l.N, v); err == nil {
				if scheme, _ := schemeOf(url); !linkSchemes(scheme, "") || strings.ContainsAny(url, "\r\n") {
					t.Fatalf("link %q", url)
				}
			}
		}
	})
}
