package templates

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTextFromHTML(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"paragraphs", "<h1>Title</h1><p>One\n  two</p><p>three<br>four</p>", "Title\n\nOne two\n\nthree\nfour\n"},
		{"head and style", "<html><head><title>T</title><style>p{}</style></head><body>x<script>y</script></body></html>", "x\n"},
		{"unclosed head", "<head><style>p{}</style><body>x", "x\n"},
		{"list", "<ul><li>a</li><li><p>b</p></li></ul>c", "* a\n* b\n\nc\n"},
		{"table", "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"},
		{"entities", "a &amp; b&nbsp;&lt;c&gt; &eacute;", "a & b <c> é\n"},
		{"link", `Go <a href="https://a.test/?x=1&amp;y=2">here</a>.`, "Go here (https://a.test/?x=1&y=2).\n"},
		{"link that is its label", `<a href="https://a.test/">https://a.test/</a>!`, "https://a.test/!\n"},
		{"image link", `<a href="https://a.test/"><img src="i.png" alt="Shop"></a><a href="https://b.test/"><img src="i.png" alt=""></a>`,
			"Shop (https://a.test/)https://b.test/\n"},
		{"mail link", `<a href="mailto:a@b.test?subject=Hi&amp;body=x">write</a> <a href=" MAILTO:c@d.test ">c@d.test</a> <a href="mailto:?body=x">share</a>`, "write (a@b.test) c@d.test share\n"},
		{"personal mail link", `<a href="mailto:a+{{ subscriber.id }}@b.test?subject={{ subscriber.name }}">write</a> <a href="mailto:{{ subscriber.email }}">{{ subscriber.email }}</a>`, "write (a+7@b.test) ann@example.org\n"},
		{"telephone link", `<a href="tel:+49-30-123">call</a> <a href="tel:+4930123">+49 (30) 123</a>`, "call (+49-30-123) +49 (30) 123\n"},
		{"link with a condition", `<a href="{% if subscriber.id == 7 %}https://x.test/a?b&amp;c{% else %}https://x.test/b{% endif %}">shop now</a>!`, "shop now (https://x.test/a?b&c)!\n"},
		{"link with a condition and a value", `<a href=" {% if subscriber.none %}{{ subscriber.none }}{% else %}https://x.test/{{ subscriber.id }}{% endif %} ">x</a>`, "x (https://x.test/7)\n"},
		{"mail link with conditions", `<a href="mailto:{% if subscriber.id %}a@b.test?subject=1{% else %}c@d.test{% endif %}">x</a> <a href="mailto:a@b.test?subject={% if subscriber.id %}1{% endif %}">y</a> <a href="mailto:{% if subscriber.none %}a@b.test?subject=1{% endif %}c@d.test?x">z</a>`,
			"x (a@b.test?subject=1) y (a@b.test) z (c@d.test)\n"},
		{"a condition that ends outside of a link's tag", `<a {% if subscriber.id %}title="a" href="https://x.test/">y</a>{% endif %} {% if subscriber.none %}<a {% endif %}href="https://x.test/">z</a> <a {% if subscriber.id %}class="b"{% endif %} href="https://x.test/" {% if subscriber.none %}id="c"{% endif %}>w</a>`,
			"y (https://x.test/) z (https://x.test/) w (https://x.test/)\n"},
		{"a condition that ends outside of an image's tag", `<img {% if subscriber.id %}alt="a" src="i">b{% endif %}{% if subscriber.none %}<img {% endif %}alt="c"><img {% if subscriber.id %}src="i">d{% endif %}`, "abcd\n"},
		{"link inside the mail", `<a href="#top">up</a> <a href="page">p</a>`, "up p\n"},
		{"Liquid", `<p>Hi {{ subscriber.first_name | default: "<b>" }},</p>{% if subscriber.id %}<p>x</p>{% endif %}<p>{{ subscriber.name }}</p>`,
			"Hi Ann,\n\nx\n\nAnn <b> O'Neil\n"},
		{"Liquid in a table", `<table>{% for t in subscriber.tags %}<tr><td>{{ t }}</td></tr>{% endfor %}</table>`, "a<\nb\n"},
		{"Liquid in attributes", `<p {% if subscriber.id %}class="a"{% endif %}>x</p>`, "x\n"},
		{"personal link", `<a href="https://a.test/{{ subscriber.id }}">x</a>`, "x (https://a.test/7)\n"},
		{"link in a loop", `{% for t in subscriber.tags %}<a href="https://a.test/{{ t }}">x</a> {% endfor %}`, "x (https://a.test/a<) x (https://a.test/b)\n"},
		{"words around blocks", `Hi {% if subscriber.none %}Ann{% else %}you{% endif %} there <p>a</p>{% if subscriber.id %}<p>b</p>{% endif %}{% if subscriber.none %}<p>c</p>{% endif %}<p>d</p>`,
			"Hi you there\n\na\n\nb\n\nd\n"},
		{"cases", `a {% case subscriber.id %}{% when 7 %}<p>b</p>{% else %}c{% endcase %} d`, "a \n\nb\n\n d\n"},
		{"comment", "a<!-- b -->c{% comment %}<p>d</p>{% endcomment %}e", "ace\n"},
		{"braces from entities", "&#123;&#123; x }}", "{{ x }}\n"},
		{"pre", "<pre>a\n  b</pre>", "a\n  b\n"},
		{"invisible", "a&shy;b&zwnj;c&#847;", "abc\n"},
		{"joiners of letters and emoji", "<p>\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0915\u094d\u200d\u0937 \U0001F469\u200d\u2764\ufe0f\u200d\U0001F468 \u0d15\u0d4d\u200d a\u200db \u200c\u200d&#847;&zwnj;&nbsp;&#847;&zwnj;&nbsp;c",
			"\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \u0915\u094d\u200d\u0937 \U0001F469\u200d\u2764\ufe0f\u200d\U0001F468 \u0d15\u0d4d\u200d ab   c\n"},
		{"nothing", "<style>x</style>", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := fill(t, Content{HTML: tc.in + `{% if subscriber.id %}{% endif %}`, Subject: "s"}, Options{}, ann())
			got := string(r.Text)
			want := tc.want + "\n-- \nAc & me\n1 Main St\nTown\nUnsubscribe: https://t.test/u/abc\n"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTextLinksAreTracked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, html, text, want string
		links                  []string
	}{
		{"generated", `<a href="https://a.test/">here</a> <a href="{{ unsubscribe_url }}">leave</a>`, "", "here (https://t.test/c/1?a&b) leave (https://t.test/u/abc)\n",
			[]string{"https://a.test/"}},
		{"generated, label is the URL", `<a href="https://a.test/">https://a.test/</a> {{ unsubscribe_url }}`, "", "https://a.test/ (https://t.test/c/1?a&b) https://t.test/u/abc\n",
			[]string{"https://a.test/"}},
		{"written", "", "See https://a.test/x_(y), (http://b.test/?a=1&b=2). <https://c.test/>\n{{ unsubscribe_url }}",
			"See https://t.test/c/1?a&b, (https://t.test/c/2?a&b). <https://t.test/c/3?a&b>\nhttps://t.test/u/abc", []string{"https://a.test/x_(y)", "http://b.test/?a=1&b=2", "https://c.test/"}},
		{"written with Liquid", "", `https://a.test/{{ subscriber.id }}/x. {{ unsubscribe_url }}`, "https://t.test/c/1?a&b. https://t.test/u/abc", []string{"https://a.test/{{ subscriber.id }}/x"}},
		{"written, ends in Liquid", "", `https://a.test/{{ subscriber.id }}. {{ unsubscribe_url }}`, "https://t.test/c/1?a&b. https://t.test/u/abc", []string{"https://a.test/{{ subscriber.id }}"}},
		{"written in a loop", "", `{% for t in subscriber.tags %}https://a.test/{{ t }} {% endfor %}{{ unsubscribe_url }}`,
			"https://a.test/a< https://a.test/b https://t.test/u/abc", nil},
		{"no URLs", "", "https:// xhttps://a.test http {{ unsubscribe_url }}", "https:// xhttps://a.test http https://t.test/u/abc", nil},
		{"same as in HTML", `<a href="https://b.test/">b</a><a href="https://a.test/">a</a>{{ unsubscribe_url }}`, "https://a.test/", "https://t.test/c/2?a&b",
			[]string{"https://b.test/", "https://a.test/"}},
		{"raw", "", "{% raw %}https://a.test/{{ x }}{% endraw %} {{ unsubscribe_url }}", "https://a.test/{{ x }} https://t.test/u/abc", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := mustCompile(t, Content{HTML: tc.html, Text: tc.text}, tracked)
			if c.TextGenerated() != (tc.text == "") {
				t.Errorf("generated %v", c.TextGenerated())
			}
			var r Rendered
			if err := c.Render(&r, ann(), testURLs{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(r.Text)); diff != "" {
				t.Error(diff)
			}
			var urls []string
			for _, l := range c.Links() {
				urls = append(urls, l.URL)
			}
			if diff := cmp.Diff(tc.links, urls); diff != "" {
				t.Error(diff)
			}
		})
	}
}
