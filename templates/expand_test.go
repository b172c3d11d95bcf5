package templates

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"postrider/internal/errs"
)

func issueData() map[string]any {
	return map[string]any{
		"feed": map[string]any{"title": "News & <more>", "items": []map[string]any{
			{"title": "A <b>", "url": "https://a.test/?x=1&y=2", "n": 1, "html": SafeHTML("<p>one {{ x }}</p>"), "tags": []any{"x", "y"}},
			{"title": `B "q" '{{ subscriber.email }}'`, "url": "https://b.test/", "n": 2, "html": SafeHTML("<p>two</p>"), "tags": []any{}},
		}},
		"issue": map[string]any{"number": 7, "title": "Seven", "date": time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)},
		"data":  map[string]any{"city": "Köln & Bonn", "evil": "{% if %}", "list": []any{"a", "b", "c"}, "yes": true, "none": nil, "f": 1.5},
	}
}

func TestExpand(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, html, text string }{
		{"values", "{{ issue.number }} {{ feed.title }} {{ subscriber.name }}", "7 News &amp; &lt;more&gt; {{ subscriber.name }}", "7 News & <more> {{ subscriber.name }}"},
		{"filters", `{{ issue.date | date: "%d.%m.%Y" }} {{ feed.title | upcase | truncate: 7 }} {{ data.nothing | default: "d" }}`, "04.03.2026 NEWS... d", "04.03.2026 NEWS... d"},
		{"loops", "{% for i in feed.items %}{{ forloop.index }}/{{ forloop.length }} {{ i.n }}{% unless forloop.last %}, {% endunless %}{% endfor %}", "1/2 1, 2/2 2", "1/2 1, 2/2 2"},
		{"loops with limits", "{% for i in data.list limit: 2 offset: 1 %}{{ i }}{% endfor %}{% for i in data.list reversed %}{{ i }}{% endfor %}", "bccba", "bccba"},
		{"loops in loops", "{% for i in feed.items %}{% for t in i.tags %}{{ t }}{{ forloop.index }}{% endfor %}{{ forloop.index }}{% endfor %}", "x1y212", "x1y212"},
		{"break and continue", "{% for i in data.list %}{% if i == 'b' %}{% continue %}{% endif %}{{ i }}{% endfor %}{% for i in data.list %}{% if i == 'b' %}{% break %}{% endif %}{{ i }}{% endfor %}", "aca", "aca"},
		{"cycle", "{% for i in data.list %}{% cycle 'odd', 'even' %}{% endfor %}", "oddevenodd", "oddevenodd"},
		{"conditions about the issue", "{% if issue.number > 5 %}a{% else %}b{% endif %}{% unless data.yes %}c{% else %}e{% endunless %}", "ae", "ae"},
		{"case", "{% case issue.number %}{% when 6 %}a{% when 7 %}b{% else %}c{% endcase %}", "b", "b"},
		{"person in a loop", "{% for i in feed.items %}{% if subscriber.vip %}{{ i.n }}{% endif %}{% endfor %}", "{% if subscriber.vip %}1{% endif %}{% if subscriber.vip %}2{% endif %}", "{% if subscriber.vip %}1{% endif %}{% if subscriber.vip %}2{% endif %}"},
		{"issue in a condition of the person", "{% if subscriber.a %}x{% elsif issue.number == 7 %}y{% else %}z{% endif %}", "{% if subscriber.a %}x{% else %}y{% endif %}", "{% if subscriber.a %}x{% else %}y{% endif %}"},
		{"the first falls away", "{% if data.none %}x{% elsif subscriber.a %}y{% endif %}", "{% if subscriber.a %}y{% endif %}", "{% if subscriber.a %}y{% endif %}"},
		{"both in one", `{{ subscriber.name | default: issue.title }}{% if subscriber.city == data.city and issue.number %}m{% endif %}{{ subscriber.n | plus: data.f | append: data.list[1] }}`,
			`{{ subscriber.name | default: "Seven" }}{% if subscriber.city == "Köln & Bonn" and 7 %}m{% endif %}{{ subscriber.n | plus: 1.5 | append: "b" }}`,
			`{{ subscriber.name | default: "Seven" }}{% if subscriber.city == "Köln & Bonn" and 7 %}m{% endif %}{{ subscriber.n | plus: 1.5 | append: "b" }}`},
		{"loops of the person", "{% for t in subscriber.tags %}{{ t }}{{ forloop.index }}{{ issue.number }}{% endfor %}", "{% for t in subscriber.tags %}{{ t }}{{ forloop.index }}7{% endfor %}", "{% for t in subscriber.tags %}{{ t }}{{ forloop.index }}7{% endfor %}"},
		{"assigned by the issue", "{% assign t = issue.title | upcase %}{{ t }}{% if subscriber.a == t %}x{% endif %}", `SEVEN{% if subscriber.a == "SEVEN" %}x{% endif %}`, `SEVEN{% if subscriber.a == "SEVEN" %}x{% endif %}`},
		{"assigned by both", "{% assign t = issue.title %}{% if subscriber.a %}{% assign t = subscriber.a %}{% endif %}{{ t }}", `{% assign t = "Seven" %}{% if subscriber.a %}{% assign t = subscriber.a %}{% endif %}{{ t }}`, `{% assign t = "Seven" %}{% if subscriber.a %}{% assign t = subscriber.a %}{% endif %}{{ t }}`},
		{"a brace before a value", "{{ '' }}x{% if issue %}{{ data.evil }}{% endif %}", "{{ '' }}x&#123;% if %}", `{{ '' }}x{{ "{" }}% if %}`},
		{"safe HTML", "{% for i in feed.items %}{{ i.html }}{% endfor %}", "<p>one &#123;&#123; x }}</p><p>two</p>", `one {{ "{" }}{{ "{" }} x }}two`},
		{"raw and comments stay", "{% raw %}{{ issue.number }}{% endraw %}{% comment %}{{ issue.number }}{% endcomment %}{{ issue.number }}", "{% raw %}{{ issue.number }}{% endraw %}{% comment %}{{ issue.number }}{% endcomment %}7", "{% raw %}{{ issue.number }}{% endraw %}{% comment %}{{ issue.number }}{% endcomment %}7"},
		{"white space", "a \n{%- if issue.number -%}\n b {%- endif %} c", "ab c", "ab c"},
		{"captured", "{% capture x %}{{ issue.number }}{% endcapture %}{{ x }}", "{% capture x %}7{% endcapture %}{{ x }}", "{% capture x %}7{% endcapture %}{{ x }}"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Expand(Source{Subject: tc.in, HTML: tc.in, Text: tc.in}, issueData())
			if err != nil {
				t.Fatal(err)
			}
			if got.HTML != tc.html || got.Text != tc.text || got.Subject != tc.text {
				t.Errorf("got  %q\nwant %q\ngot  %q\nwant %q", got.HTML, tc.html, got.Text, tc.text)
			}
		})
	}
}

func TestExpandForOtherLanguages(t *testing.T) {
	t.Parallel()
	data := map[string]any{"feed": map[string]any{"t": "*a* _b_ c_d [x](y) <i>\n# n | `k`", "html": SafeHTML("<p>1\n\n*2* {{ x }}</p>"), "url": "https://a.test/b_c?x=1&y=2"}}
	src, err := Expand(Source{Kind: KindMarkdown, HTML: "{{ feed.t }}\n\n[l]({{ feed.url }})\n\n{{ feed.html }}\n", KeepCSS: true}, data)
	if err != nil {
		t.Fatal(err)
	}
	want := "<p>*a* _b_ c_d [x](y) &lt;i&gt; # n | `k`</p>\n<p><a href=\"https://a.test/b_c?x=1&amp;y=2\">l</a></p>\n{% raw %}<p>1\n\n*2* &#123;&#123; x }}</p>{% endraw %}\n"
	if got := mustBuild(t, src); got != inMarkdownPage(want) {
		t.Errorf("%s", got[strings.Index(got, "column\">"):])
	}
	src, err = Expand(Source{Kind: KindMJML, HTML: mjmlStart + `<mj-text>{{ feed.t }}</mj-text><mj-button href="{{ feed.url }}">x</mj-button><mj-text>{{ feed.html }}</mj-text>` + mjmlEnd}, data)
	if err != nil {
		t.Fatal(err)
	}
	got := mustBuild(t, src)
	for _, w := range []string{"[x](y) &lt;i&gt;", `href="https://a.test/b_c?x=1&amp;y=2"`, "{% raw %}<p>1\n\n*2* &#123;&#123; x }}</p>{% endraw %}"} {
		if !strings.Contains(got, w) {
			t.Errorf("%s is missing in %s", w, got)
		}
	}
}

func TestExpandRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"a list with the person", "\n{% if feed.items contains subscriber.name %}x{% endif %}", "line 2: feed.items cannot stand in one expression"},
		{"picked by the person", "{{ data.list[subscriber.n] }}", "picks something of the issue by something of the person"},
		{"braces in a literal", "{{ subscriber.a | default: data.evil }}", "cannot stand in one expression"},
		{"left for some", "{% for i in data.list %}{% if subscriber.a %}{% break %}{% endif %}{% endfor %}", "for some people only"},
		{"tablerow", "{% tablerow i in data.list %}{% endtablerow %}", "write the rows with for"},
		{"both in a loop", "{% for i in subscriber.tags limit: issue.number %}{% endfor %}", "not over both"},
		{"many turns", "{% for i in data.many %}{% for j in data.many %}{% endfor %}{% endfor %}", "loops turn more than"},
		{"too long", "{% for i in data.many %}{{ data.big }}{% endfor %}", "larger than 1024 kB"},
		{"division by zero", "\n{{ issue.number | divided_by: 0 }}", "line 2: error applying filter \"divided_by\" (\"division by zero\")"},
		{"broken", "{% if %}", "line 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			d := issueData()
			d["data"].(map[string]any)["many"] = make([]any, 300)
			d["data"].(map[string]any)["big"] = strings.Repeat("x", 10_000)
			_, err := Expand(Source{HTML: tc.in}, d)
			if e, ok := err.(*errs.E); !ok || e.Kind != errs.Invalid || !strings.Contains(e.Fields[0].Message, tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What a feed says in a tag is a value in quotes and nothing else.
func TestExpandInTags(t *testing.T) {
	t.Parallel()
	data := map[string]any{"feed": map[string]any{"tag": "img src=x onerror=alert(1)", "html": SafeHTML(`<p title="a">x &amp; "y"</p>`)}}
	for _, tc := range []struct {
		name     string
		kind     Kind
		in, want string
	}{
		{"safe HTML in quotes", KindHTML, `<p title="{{ feed.html }}">{{ feed.html }}</p>`, `<p title="x &amp; &#34;y&#34;"><p title="a">x &amp; "y"</p></p>`},
		{"what is called safe in quotes", KindHTML, `<p title='{{ feed.html | append: "" | safe }}'>`, `<p title='x &amp; &#34;y&#34;'>`},
		{"for Outlook", KindHTML, `<!--[if mso]><p title="{{ feed.html }}"><![endif]-->`, `<!--[if mso]><p title="x &amp; &#34;y&#34;"><![endif]-->`},
		{"in MJML", KindMJML, mjmlStart + `<mj-image alt="{{ feed.html }}" src="https://a.test/"/>` + mjmlEnd, mjmlStart + `<mj-image alt="x &amp; &#34;y&#34;" src="https://a.test/"/>` + mjmlEnd},
		{"in Markdown", KindMarkdown, `<p title="{{ feed.html }}">`, `<p title="x &amp; &#34;y&#34;">`},
		{"autolinks of Markdown", KindMarkdown, `<https://a.test/{{ feed.x }}> <a@b.test{{ feed.x }}>`, `<https://a.test/> <a@b.test>`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := Expand(Source{Kind: tc.kind, HTML: tc.in}, data)
			if err != nil || got.HTML != tc.want {
				t.Errorf("got  %s, %v\nwant %s", got.HTML, err, tc.want)
			}
		})
	}
	for in, want := range map[string]string{
		"\n<{{ feed.tag }}>":                              "line 2: {{ feed.tag }} stands where the name of a tag is",
		"<b></{{ feed.tag }}>":                            "where the name of a tag is",
		"<p {{ feed.tag }}>":                              "not in an attribute's quotes",
		"<p title={{ feed.tag }}>":                        "put quotes around the value of title",
		`<p onclick="{{ feed.tag }}">`:                    "the script in onclick",
		"<script>{{ feed.tag }}</script>":                 "a script cannot hold",
		"{% for i in feed.list %}<{{ i.x }}>{% endfor %}": "where the name of a tag is",
		"<!--[if mso]><{{ feed.tag }}><![endif]-->":       "where the name of a tag is",
	} {
		for _, kind := range []Kind{KindHTML, KindMJML, KindMarkdown} {
			_, err := Expand(Source{Kind: kind, HTML: in}, data)
			if e, ok := err.(*errs.E); !ok || !strings.Contains(e.Fields[0].Message, want) {
				t.Errorf("%s in %s: %v", in, kind, err)
			}
		}
	}
	if got, err := Expand(Source{Kind: KindText, Text: "<{{ feed.tag }}>"}, data); err != nil || got.Text != "<img src=x onerror=alert(1)>" {
		t.Errorf("a text: %s, %v", got.Text, err)
	}
}

// both fills a source in with person and issue at once, by the engine alone.
func both(t testing.TB, src string, html bool, data map[string]any) (string, error) {
	t.Helper()
	e := newEngine(html)
	tokens, serr := scan(src)
	if serr != nil {
		return "", serr
	}
	whole, texts := engineSource(cut(tokens, nil))
	tmpl, serr := e.parse(whole)
	if serr != nil {
		return "", serr
	}
	r := &renderer{c: &Compiled{htmlEngine: e}, vars: ann()}
	r.st = renderState{urls: testURLs{}, vars: &r.vars, unsub: "https://t.test/u/abc"}
	r.st.reset()
	r.st.part = &part{texts: texts}
	bind := r.bindings()
	for k, v := range data {
		bind[k] = plainData(v, html, 0)
	}
	out, err := e.run(nil, tmpl, bind)
	return string(out), err
}

func randomIssue(r *rand.Rand, depth int, vars []string) string {
	paths := append([]string{"feed.title", "issue.number", "issue.title", "data.city", "data.none", "data.list[1]", "data.f", "subscriber.name", "subscriber.city", "subscriber.none", "subscriber.points", "subscriber.member", "'x'", "data.yes"}, vars...)
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	expr := func() string {
		s := pick(paths...)
		for range r.IntN(3) {
			s += " | " + pick("upcase", "append: "+pick(paths...), "default: "+pick(paths...), "size", "truncate: 5", "plus: 2", "escape")
		}
		return s
	}
	cond := func() string {
		return pick(paths...) + pick("", " == "+pick(paths...), " != "+pick(paths...), " and "+pick(paths...), " contains 'o'")
	}
	var b strings.Builder
	for range 1 + r.IntN(3) {
		b.WriteString(pick("t ", "<b>", "{", "%", "\n"))
		b.WriteString("y{{ " + expr() + " }}")
		if depth == 0 {
			continue
		}
		inner := func(more ...string) string {
			return randomIssue(r, depth-1, append(append([]string{}, vars...), more...))
		}
		switch r.IntN(6) {
		case 0:
			b.WriteString("{% if " + cond() + " %}" + inner() + "{% elsif " + cond() + " %}" + inner() + "{% else %}" + inner() + "{% endif %}")
		case 1:
			b.WriteString("{% unless " + cond() + " %}" + inner() + "{% endunless %}")
		case 2:
			b.WriteString("{% for i in feed.items %}{{ i.title }}{{ forloop.index }}" + inner("i.n", "i.title") + "{% endfor %}")
		case 3:
			b.WriteString("{% for j in subscriber.tags %}{{ j }}{{ forloop.index }}" + inner("j") + "{% endfor %}")
		case 4:
			b.WriteString("{% assign v = " + expr() + " %}" + inner("v"))
		case 5:
			b.WriteString("{% case " + pick(paths...) + " %}{% when 7 %}" + inner() + "{% when \"Seven\" %}" + inner() + "{% else %}" + inner() + "{% endcase %}")
		}
	}
	return b.String()
}

// Filling in the issue first and the person later gives what the engine gives with both at once.
func TestExpandThenRenderIsRender(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	compared := 0
	for n := range 600 {
		src := randomIssue(r, 2, nil)
		html := n%2 == 0
		data := issueData()
		data["feed"].(map[string]any)["items"].([]map[string]any)[1]["title"] = `B "q" \ '`
		want, err := both(t, src, html, data)
		if err != nil {
			continue
		}
		f := plainForm
		if html {
			f = htmlForm
		}
		expanded, serr := expand(src, data, f)
		if serr != nil {
			if strings.Contains(serr.msg, "cannot stand in one expression") {
				continue
			}
			t.Fatalf("%q: %v", src, serr)
		}
		got, err := both(t, expanded, html, nil)
		if err != nil {
			t.Fatalf("%q became %q: %v", src, expanded, err)
		}
		if html {
			got = strings.ReplaceAll(got, "&#123;", "{")
		}
		if got != want {
			t.Fatalf("%q became %q\ngot  %q\nwant %q", src, expanded, got, want)
		}
		compared++
	}
	if compared < 200 {
		t.Errorf("only %d of the sources were compared", compared)
	}
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{"{{ feed.title }}", "{% for i in feed.items %}{{ i.title }}{% if subscriber.a == i.n %}{% endif %}{% endfor %}", "{{{ data.evil }}", "{% assign a = data.list %}{{ a[0] }}", "{% case issue.number %}{% when 7 %}{% endcase %}", "{{ subscriber.a | default: feed['title'] }}", "{ {{ data.evil }}"} {
		f.Add(s, "{{ x }}{% y %}")
	}
	f.Fuzz(func(t *testing.T, src, value string) {
		if len(src) > 2000 || len(value) > 2000 {
			return
		}
		d := issueData()
		d["data"].(map[string]any)["evil"] = value
		d["feed"].(map[string]any)["title"] = value
		got, err := Expand(Source{HTML: src, Text: src}, d)
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Fatal(err)
			}
			return
		}
		for _, part := range []string{got.HTML, got.Text} {
			tokens, serr := scan(part)
			if serr != nil {
				t.Fatalf("%q with %q became %q: %v", src, value, part, serr)
			}
			if _, serr := checkPart(newEngine(false), part, tokens); serr != nil {
				t.Fatalf("%q with %q became %q: %v", src, value, part, serr)
			}
		}
	})
}
