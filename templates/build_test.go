package templates

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"postrider/internal/errs"
)

func mustBuild(t testing.TB, src Source) string {
	t.Helper()
	c, err := build(src)
	if err != nil {
		t.Fatalf("%v: %s", err, src.HTML)
	}
	return c.HTML
}

func TestInlineCSS(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"no stylesheet, not a byte", "<P Class=a>x<td>&bogus; {{ a | default: \"y\" }}", "<P Class=a>x<td>&bogus; {{ a | default: \"y\" }}"},
		{"class, id, tag, in order of weight", `<style>#i{color:red}.c{color:blue;margin:0}p{color:green}</style><p class="c" id=i>x</p>`,
			`<style></style><p style="margin:0;color:red" class="c" id=i>x</p>`},
		{"own style wins", `<style>p{color:red}</style><p style='color:blue'>x</p>`, `<style></style><p style='color:red;color:blue'>x</p>`},
		{"important wins over own style", `<style>p{color:red !important}</style><p style="color:blue">x</p>`, `<style></style><p style="color:blue;color:red">x</p>`},
		{"own important wins over all", `<style>p{color:red !important;margin:0}</style><p style="color:blue !important">x</p>`, `<style></style><p style="margin:0;color:blue !important;color:red">x</p>`},
		{"important media queries win over important", `<style>.c{width:600px !important}@media(max-width:600px){.c{width:100% !important}}</style><p class=c>x</p>`,
			`<style>@media(max-width:600px){.c{width:100% !important}}</style><p style="width:600px" class=c>x</p>`},
		{"media queries that are not lose to important", `<style>.c{width:600px !important}@media(max-width:600px){.c{width:100%}}</style><p class=c>x</p>`,
			`<style>@media(max-width:600px){.c{width:100%}}</style><p style="width:600px" class=c>x</p>`},
		{"fallbacks of one rule", `<style>p{background:#000}p{background:#fff;background:linear-gradient(red,blue);color:red}</style><p>x</p>`,
			`<style></style><p style="background:#fff;background:linear-gradient(red,blue);color:red">x</p>`},
		{"quotes", `<style>p{font-family:"A b",'C'}</style><p>x</p><p style='a:b'>y</p>`,
			`<style></style><p style="font-family:&quot;A b&quot;,'C'">x</p><p style='font-family:"A b",&#39;C&#39;;a:b'>y</p>`},
		{"unquoted own style", `<style>p{color:red}</style><p style=a:b>x</p><p style>y</p>`, `<style></style><p style="color:red;a:b">x</p><p style="color:red">y</p>`},
		{"media queries stay and win", `<style>.a{padding:9px}@media (max-width:9px){.a{padding:0;color:red}}</style><p class=a>x</p>`,
			`<style>@media (max-width:9px){.a{padding:0 !important;color:red}}</style><p style="padding:9px" class=a>x</p>`},
		{"pseudo classes stay", `<style>a{color:red}a:hover{color:blue}</style><a href="#">x</a>`, `<style>a:hover {color:blue !important}</style><a style="color:red" href="#">x</a>`},
		{"what matches nothing stays", `<style>#outlook a, p{padding:0}</style><p>x</p>`, `<style>#outlook a {padding:0 !important}</style><p style="padding:0">x</p>`},
		{"font faces and imports", `<style>@import url("a;b.css");@font-face{font-family:x;src:url(y)}p{color:red}</style><p>x`,
			`<style>@import url("a;b.css");@font-face{font-family:x;src:url(y)}</style><p style="color:red">x`},
		{"comments for Outlook", `<style>p{color:red}</style><!--[if mso]><style>p{x:y}</style><p>x</p><![endif]--><p>x</p>`,
			`<style>p{color:red}</style><!--[if mso]><style>p{x:y}</style><p>x</p><![endif]--><p style="color:red">x</p>`},
		{"rules that a comment for Outlook needs too", "<style>.b{color:red}.c{color:blue}\n.b, a:hover{margin:0}</style><p class=\"b c\">x</p><!--[if mso]><td class='a b'>y</td><![endif]-->",
			"<style>.b{color:red}\n.b{margin:0}a:hover {margin:0 !important}</style><p style=\"color:blue;margin:0\" class=\"b c\">x</p><!--[if mso]><td class='a b'>y</td><![endif]-->"},
		{"rules that a raw block needs too", `<style>img{max-width:100%}p{a:b}.x p, .x i{c:d}</style><div class=x><img src="a"><p>x</p><i>x</i></div>{% raw %}<IMG src="b"><i>{% endraw %}`,
			`<style>img{max-width:100%}.x i{c:d}</style><div class=x><img style="max-width:100%" src="a"><p style="a:b;c:d">x</p><i style="c:d">x</i></div>{% raw %}<IMG src="b"><i>{% endraw %}`},
		{"a raw block without HTML needs none", `<style>p{a:b}</style><p>{% raw %}{{ p }}{% endraw %}</p>`, `<style></style><p style="a:b">{% raw %}{{ p }}{% endraw %}</p>`},
		{"any rule can be about HTML of the data", `<style>p{a:b}</style><p>{{ data.html | safe }}</p>`, `<style>p{a:b}</style><p style="a:b">{{ data.html | safe }}</p>`},
		{"a class by Liquid in a comment for Outlook", `<style>.p{a:b}#q{c:d}</style><p class=p id=q><!--[if mso]><td class="{{ subscriber.c }}"><![endif]-->`,
			`<style>.p{a:b}</style><p style="a:b;c:d" class=p id=q><!--[if mso]><td class="{{ subscriber.c }}"><![endif]-->`},
		{"structure that Liquid decides about stays", `<style>li{color:blue}li:first-child{color:red}i + b{a:b}p:not(:last-child){c:d}b[title~="x"]{e:f}</style><ul>{% for i in subscriber.list %}<li>x</li>{% endfor %}</ul><i>x</i><b title=x>x</b>`,
			`<style>li:first-child {color:red !important}i + b {a:b}p:not(:last-child) {c:d}</style><ul>{% for i in subscriber.list %}<li style="color:blue">x</li>{% endfor %}</ul><i>x</i><b style="e:f" title=x>x</b>`},
		{"structure that nothing decides about", `<style>li:first-child{color:red}</style><ul><li>{{ subscriber.x }}</li><li>y</li></ul>`, `<style></style><ul><li style="color:red">{{ subscriber.x }}</li><li>y</li></ul>`},
		{"for some media, or kept", `<style media=print>p{a:b}</style><style data-embed>p{c:d}</style><p>x`, `<style media=print>p{a:b}</style><style data-embed>p{c:d}</style><p>x`},
		{"Liquid in a stylesheet", `<style>p{color:{{ c | default: "red" }}}</style><p>x`, `<style></style><p style="color:{{ c | default: "red" }}">x`},
		{"Liquid that decides about rules", `<style>{% if a %}p{x:y}{% endif %}</style><p>x`, `<style>{% if a %}p{x:y}{% endif %}</style><p>x`},
		{"Liquid that decides about a stylesheet", `{% if a %}<style>p{x:y}</style>{% endif %}<style>p{z:w}</style><p>x`, `{% if a %}<style>p{x:y}</style>{% endif %}<style></style><p style="z:w">x`},
		{"Liquid around rows", `<style>td{x:y}</style><table>{% for r in subscriber.rows %}<tr><td>{{ r | upcase }}</td></tr>{% endfor %}</table>`,
			`<style></style><table>{% for r in subscriber.rows %}<tr><td style="x:y">{{ r | upcase }}</td></tr>{% endfor %}</table>`},
		{"Liquid in attributes", `<style>.b{x:y}</style><a class="{{ c }} b" href='{{ u | default: "z" }}'>x</a>`, `<style></style><a style="x:y" class="{{ c }} b" href='{{ u | default: "z" }}'>x</a>`},
		{"Liquid in a style attribute", `<style>p{x:y}</style><p style="{% if a %}c:d{% endif %}">x`, `<style></style><p style="x:y;{% if a %}c:d{% endif %}">x`},
		{"lines stay", "<style>\np{\nx:y\n}\n</style>\n<p>x", "<style>\n\n\n\n</style>\n<p style=\"x:y\">x"},
		{"the last of the same", `<style>p{margin:0}p{margin:1px;margin-top:2px}</style><p>x`, `<style></style><p style="margin:1px;margin-top:2px">x`},
		{"a broken stylesheet", `<style>p{x:y</style><p>x`, `<style></style><p style="x:y">x`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := mustBuild(t, Source{HTML: tc.in}); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
			if got := mustBuild(t, Source{HTML: tc.in, KeepCSS: true}); got != tc.in {
				t.Errorf("switched off it made %s", got)
			}
		})
	}
}

const (
	mjmlStart = "<mjml><mj-body><mj-section><mj-column>"
	mjmlEnd   = "</mj-column></mj-section></mj-body></mjml>"
)

func TestMJML(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in string
		want     []string
	}{
		{"text", mjmlStart + `<mj-text color="{{ c }}">Hi {{ subscriber.name | default: "you" }} &lt;b&gt; a & b<br>{% if a %}x{% endif %}</mj-text>` + mjmlEnd,
			[]string{`color:{{ c }};">Hi {{ subscriber.name | default: "you" }} &lt;b&gt; a & b<br>{% if a %}x{% endif %}</div>`}},
		{"attributes", mjmlStart + `<mj-button href='https://a.test/?x=1&y={{ subscriber.id }}&amp;z="'>B</mj-button><mj-image src="{{ subscriber.img }}" alt="a < b"/>` + mjmlEnd,
			[]string{`href="https://a.test/?x=1&y={{ subscriber.id }}&amp;z=&quot;"`, `src="{{ subscriber.img }}"`, `alt="a < b"`}},
		{"around components", "<mjml><mj-body>{% for s in subscriber.all %}<mj-section>{% if s %}<mj-column>{% if s %}<mj-text>x</mj-text>{% endif %}</mj-column>{% endif %}</mj-section>{% endfor %}</mj-body></mjml>",
			[]string{"{% for s in subscriber.all %}", "{% endfor %}", "{% if s %}"}},
		{"around rows", mjmlStart + `<mj-table><tr><td>a</td></tr>{% for r in subscriber.rows %}<tr><td>{{ r }}</td></tr>{% endfor %}</mj-table>` + mjmlEnd,
			[]string{`<tr><td>a</td></tr>{% for r in subscriber.rows %}<tr><td>{{ r }}</td></tr>{% endfor %}</table>`}},
		{"head", `<mjml><mj-head><mj-title>T {{ campaign.name }}</mj-title><mj-style>.a > b{color:{{ c }}}</mj-style><mj-style inline="inline">.i{margin:{{ m }}}</mj-style><mj-attributes><mj-all padding="1px"/><mj-class name="k" color="#010203"></mj-class></mj-attributes></mj-head><mj-body><mj-section><mj-column><mj-text mj-class="k"><p class="i">x</p></mj-text></mj-column></mj-section></mj-body></mjml>`,
			[]string{"<title>T {{ campaign.name }}</title>", ".a > b{color:{{ c }}}", `<p style="margin:{{ m }}" class="i">x</p>`, "color:#010203"}},
		{"for Outlook", mjmlStart + "<mj-raw><!--[if mso]><p>{{ x }}</p><![endif]--></mj-raw><mj-text>x</mj-text>" + mjmlEnd, []string{"<!--[if mso]><p>{{ x }}</p><![endif]-->"}},
		{"navbar", mjmlStart + `<mj-navbar hamburger="hamburger"><mj-navbar-link href="/a">{{ a }}</mj-navbar-link></mj-navbar>` + mjmlEnd, []string{"{{ a }}", "0000000000000001"}},
		{"comments and capitals", "<!-- c --><MJML><mj-BODY><!-- {{ d }} --><mj-section><mj-column><mj-text>x</MJ-TEXT>{% comment %}<mj-bogus>{% endcomment %}</mj-column></mj-section></mj-body></mjml>", []string{">x</div>"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := mustBuild(t, Source{Kind: KindMJML, HTML: tc.in})
			for _, w := range tc.want {
				if !strings.Contains(got, w) {
					t.Errorf("%s is missing in %s", w, got)
				}
			}
			if again := mustBuild(t, Source{Kind: KindMJML, HTML: tc.in}); again != got {
				t.Error("the same source gave other bytes")
			}
		})
	}
}

// Nobody's mail program is sent to a third party for a font, unless the author asks for it.
func TestMJMLFetchesNoFontsByItself(t *testing.T) {
	t.Parallel()
	const text = `<mj-text font-family="Roboto, Raleway">x</mj-text><mj-button>x</mj-button>`
	if got := mustBuild(t, Source{Kind: KindMJML, HTML: mjmlStart + text + mjmlEnd}); strings.Contains(got, "fonts.googleapis.com") || strings.Contains(got, "@import") || !strings.Contains(got, "font-family:Roboto, Raleway") {
		t.Errorf("without a font of the author it made %s", got)
	}
	const own, google = "https://f.example/raleway.css", "https://fonts.googleapis.com/css?family=Roboto:300,400,500,700"
	got := mustBuild(t, Source{Kind: KindMJML, HTML: `<mjml><mj-head><mj-font name="Raleway" href="` + own + `"/><mj-font name="Roboto" href="` + google + `"/></mj-head>` +
		strings.TrimPrefix(mjmlStart, "<mjml>") + text + mjmlEnd})
	if !strings.Contains(got, "@import url("+own+")") || !strings.Contains(got, `<link href="`+google+`"`) || strings.Contains(got, "Ubuntu:300") {
		t.Errorf("with fonts of the author it made %s", got)
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		src  Source
		want string
	}{
		{"unknown component", Source{Kind: KindMJML, HTML: "<mjml>\n<mj-body>\n<mj-sectoin>"}, "line 3: there is no component <mj-sectoin>; did you mean mj-section"},
		{"HTML tag", Source{Kind: KindMJML, HTML: "<mjml><mj-body>\n<p>"}, "line 2: there is no component <p>"},
		{"include", Source{Kind: KindMJML, HTML: "<mjml><mj-body>\n<mj-include path='/etc/passwd'/>"}, "line 2: <mj-include> would read a file"},
		{"include in the head", Source{Kind: KindMJML, HTML: "<mjml><mj-head><mj-include path='a'/>"}, "line 1: <mj-include>"},
		{"include in a text", Source{Kind: KindMJML, HTML: mjmlStart + "<mj-text>\n<mj-include path='a'/></mj-text>" + mjmlEnd}, "<mj-include> would read"},
		{"wrong place", Source{Kind: KindMJML, HTML: "<mjml><mj-body>\n<mj-text>x</mj-text></mj-body></mjml>"}, "line 2: <mj-text> cannot stand in <mj-body>"},
		{"stray text", Source{Kind: KindMJML, HTML: "<mjml><mj-body>\n\nhello</mj-body></mjml>"}, `line 3: the text "hello" stands outside`},
		{"unknown attribute", Source{Kind: KindMJML, HTML: "<mjml><mj-body>\n<mj-section>\n<mj-column>\n<mj-text\nbogus='1'>x</mj-text>" + mjmlEnd}, "line 4: Invalid attribute 'bogus'"},
		{"never closed", Source{Kind: KindMJML, HTML: "<mjml><mj-body>\n<mj-section>"}, "line 2: <mj-section> is never closed"},
		{"text never closed", Source{Kind: KindMJML, HTML: mjmlStart + "\n<mj-text>x"}, "line 2: <mj-text> is never closed"},
		{"closed twice", Source{Kind: KindMJML, HTML: "<mjml><mj-body></mj-section>"}, "</mj-section> closes nothing"},
		{"no MJML", Source{Kind: KindMJML, HTML: "{% comment %}{% endcomment %}"}, "this is not MJML"},
		{"Liquid in the head", Source{Kind: KindMJML, HTML: "<mjml><mj-head>\n{% if a %}<mj-title>x</mj-title>{% endif %}"}, "line 2: Liquid cannot stand here, in <mj-head>"},
		{"Liquid without effect", Source{Kind: KindMJML, HTML: "<mjml><mj-body>\n<mj-section><mj-column width='{{ w }}'><mj-text>x</mj-text>" + mjmlEnd}, "line 2: {{ w }} has no effect"},
		{"Liquid as attribute", Source{Kind: KindMJML, HTML: mjmlStart + "<mj-text {{ a }}>x</mj-text>" + mjmlEnd}, "between the attributes"},
		{"broken Liquid in MJML", Source{Kind: KindMJML, HTML: "<mjml><mj-body>\n{% if %}"}, "line 2"},
		{"broken Liquid in Markdown", Source{Kind: KindMarkdown, HTML: "# x\n\n{{ a | shout }}"}, "line 3: there is no filter shout"},
		{"HTML in a text", Source{Kind: KindText, HTML: "x"}, "kind text has no HTML"},
		{"no kind", Source{Kind: "docx"}, "must be html, mjml"},
		{"deep quotes", Source{Kind: KindMarkdown, HTML: strings.Repeat(">", 200) + "x"}, "nested more than"},
		{"too many styles", Source{HTML: "<style>" + strings.Repeat(".a{b:c}", 4000) + "</style>" + strings.Repeat("<p>", 4000)}, "too many styles"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := build(tc.src)
			if e, ok := err.(*errs.E); !ok || e.Kind != errs.Invalid || len(e.Fields) != 1 || !strings.Contains(e.Fields[0].Message, tc.want) {
				t.Errorf("got %+v", err)
			}
		})
	}
}

func TestMarkdown(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"paragraphs and names", "# Hi *{{ subscriber.first_name | default: \"you\" }}*\n\nText with [a link]({{ unsubscribe_url }}).", "<h1>Hi <em>{{ subscriber.first_name | default: \"you\" }}</em></h1>\n<p>Text with <a href=\"{{ unsubscribe_url }}\">a link</a>.</p>\n"},
		{"tags between blocks", "{% if subscriber.vip %}\nFor you\n{% else %}\n- a\n- b\n{% endif %}\nend", "{% if subscriber.vip %}\n<p>For you</p>\n{% else %}\n<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n{% endif %}\n<p>end</p>\n"},
		{"tables", "| a | b |\n|---|---|\n| {{ subscriber.x | upcase }} | 2 |\n", "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>{{ subscriber.x | upcase }}</td>\n<td>2</td>\n</tr>\n</tbody>\n</table>\n"},
		{"autolinks", "https://a.test/{{ subscriber.id }}", "<p><a href=\"https://a.test/{{ subscriber.id }}\">https://a.test/{{ subscriber.id }}</a></p>\n"},
		{"HTML", "<div class=\"x\">\n\n*a*\n\n</div>\n", "<div class=\"x\">\n<p><em>a</em></p>\n</div>\n"},
		{"raw", "{% raw %}\n\n    *x* {{ y }}\n\n{% endraw %}", "{% raw %}\n\n    *x* {{ y }}\n\n{% endraw %}\n"},
		{"tags in a block of code", "```\n{% if subscriber.vip %}\n<b>{{ subscriber.x }}\n{% endif %}\n```\n", "<pre><code>{% if subscriber.vip %}\n&lt;b&gt;{{ subscriber.x }}\n{% endif %}\n</code></pre>\n"},
		{"raw in a block of code", "~~~html\n{% raw %}<b title='{{ y }}'>{% endraw %}\nz\n~~~\n{% raw %}<i>{% endraw %}", "<pre><code class=\"language-html\">{% raw %}&lt;b title=&#39;{{ y }}&#39;&gt;{% endraw %}\nz\n</code></pre>\n{% raw %}<i>{% endraw %}\n"},
		{"raw over lines of code", "```\n{% raw %}\n<b>\n{{ x }}\n{% endraw %}\n```", "<pre><code>{% raw %}\n&lt;b&gt;\n{{ x }}\n{% endraw %}\n</code></pre>\n"},
		{"raw in code", "`{% raw %}<b>{{ x }}{% endraw %}` {% raw %}<i>{% endraw %}\n\n    {%- raw -%} & {%- endraw -%}", "<p><code>{% raw %}&lt;b&gt;{{ x }}{% endraw %}</code> {% raw %}<i>{% endraw %}</p>\n<pre><code>{%- raw -%} &amp; {%- endraw -%}\n</code></pre>\n"},
		{"code", "`{{ a }}` and `<b>`", "<p><code>{{ a }}</code> and <code>&lt;b&gt;</code></p>\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := mustBuild(t, Source{Kind: KindMarkdown, HTML: tc.in, KeepCSS: true})
			if want := inMarkdownPage(tc.want); got != want {
				t.Errorf("got  %q\nwant %q", got[strings.Index(got, "column\">"):], tc.want)
			}
		})
	}
	page := mustBuild(t, Source{Kind: KindMarkdown, HTML: "# x"})
	if !strings.Contains(page, `<h1 style="margin:0 0 16px;font-size:28px;line-height:1.25">x</h1>`) || !strings.Contains(page, "@media (prefers-color-scheme:dark)") {
		t.Error(page)
	}
}

func TestTextHasNoHTML(t *testing.T) {
	t.Parallel()
	c, err := build(Source{Kind: KindText, Subject: "s", Text: "Hi {{ subscriber.name }}"})
	if err != nil || c.HTML != "" || c.Text != "Hi {{ subscriber.name }}" || c.Subject != "s" {
		t.Errorf("%+v, %v", c, err)
	}
}

// Whatever Liquid stands wherever, it comes out of each language byte for byte and in order.
func TestBuildKeepsLiquid(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 9))
	for range 400 {
		tokens, serr := scan(randomOutputs(r))
		if serr != nil {
			t.Fatal(serr)
		}
		body := ""
		for _, tok := range tokens {
			if tok.kind == outputToken && !strings.HasPrefix(tok.src, "{{{") && !strings.Contains(tok.src, "it''s") { // no Liquid
				body += "<p title='" + tok.src + "'>" + tok.src + "</p><table><tr>" + tok.src + "</tr></table>"
			}
		}
		for _, src := range []Source{
			{HTML: "<style>p{color:red}</style>" + body},
			{Kind: KindMarkdown, HTML: body + "\n\n" + body},
			{Kind: KindMJML, HTML: mjmlStart + "<mj-text>" + body + "</mj-text>" + mjmlEnd},
		} {
			got, want := liquidOf(t, mustBuild(t, src)), liquidOf(t, src.HTML)
			if !slices.Equal(want, got) {
				t.Fatalf("%s of %s\ngot  %q\nwant %q", src.Kind, src.HTML, got, want)
			}
		}
	}
}

func liquidOf(t testing.TB, src string) []string {
	t.Helper()
	tokens, serr := scan(src)
	if serr != nil {
		t.Fatalf("%v in %s", serr, src)
	}
	var out []string
	for _, tok := range tokens {
		if tok.kind != textToken {
			out = append(out, tok.src)
		}
	}
	return out
}

func FuzzBuild(f *testing.F) {
	for _, src := range []string{"<style>p{a:b}@media x{p{c:d}}</style><p style=\"{{ a }}\">{{ b | default: \"c\" }}", "# a\n{% if b %}\n- c\n{% endif %}",
		mjmlStart + "<mj-text color='{{ a }}'>x{% if a %}<br>{% endif %}</mj-text>" + mjmlEnd, "<mjml><mj-body><mj-raw>{{ a }}</mj-raw></mj-body></mjml>", "<style>a{b:c}/*", "<style><!-- a{b:c} --></style><a style=", "{% raw %}<style>{{ x }}{% endraw %}"} {
		for i := range 3 {
			f.Add(src, i)
		}
	}
	f.Fuzz(func(t *testing.T, body string, n int) {
		kind := []Kind{KindHTML, KindMJML, KindMarkdown}[uint(n)%3]
		tokens, serr := scan(body)
		if serr != nil || len(body) > 4096 {
			return
		}
		c, err := build(Source{Kind: kind, HTML: body})
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Fatal(err)
			}
			return
		}
		again, err := build(Source{Kind: kind, HTML: body})
		if err != nil || again != c {
			t.Fatalf("not the same twice: %v", err)
		}
		if strings.TrimSpace(body) == "" {
			return
		}
		for _, tok := range tokens {
			if tok.kind != textToken && kind != KindMJML && kind != KindMarkdown && !strings.Contains(c.HTML, tok.src) {
				t.Fatalf("%q lost %q: %q", body, tok.src, c.HTML)
			}
		}
		if strings.Contains(c.HTML, "lq0z0") && !strings.Contains(body, "lq0z0") {
			t.Fatalf("a word is left in %q", c.HTML)
		}
	})
}
