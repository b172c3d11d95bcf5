package templates

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
)

// testURLs are addresses as the API makes them, with a character that HTML must escape.
type testURLs struct{}

func (testURLs) Open() string        { return "https://t.test/o/abc" }
func (testURLs) Click(n int) string  { return fmt.Sprintf("https://t.test/c/%d?a&b", n) }
func (testURLs) Unsubscribe() string { return "https://t.test/u/abc" }
func (testURLs) Preferences() string { return "https://t.test/p/abc" }

func ann() Vars {
	return Vars{
		Subscriber: Person{ID: 7, Email: "ann@example.org", Name: "Ann <b> O'Neil", Attributes: map[string]any{
			"city": "Köln & Bonn", "points": 12.0, "member": true, "nothing": nil, "tags": []any{"a<", "b"}, "empty": "",
			"evil": "javascript:alert(1)", "url": "https://shop.test/?a=1&b=2", "break": "a\r\nBcc: x@example.org", "joined": "2026-03-04",
		}},
		Campaign:     CampaignVars{Name: "Spring"},
		Organization: "Ac & me", PostalAddress: "1 Main St\nTown",
	}
}

func mustCompile(t testing.TB, c Content, opt Options) *Compiled {
	t.Helper()
	compiled, err := Compile(c, opt)
	if err != nil {
		t.Fatalf("Compile: %v", err)
	}
	return compiled
}

func fill(t testing.TB, c Content, opt Options, v Vars) Rendered {
	t.Helper()
	var r Rendered
	if err := mustCompile(t, c, opt).Render(&r, v, testURLs{}); err != nil {
		t.Fatalf("Render: %v", err)
	}
	return r
}

// bare is the HTML without a footer, which the unsubscribe link in the text part makes unnecessary.
func bare(t testing.TB, html string, opt Options) string {
	t.Helper()
	r := fill(t, Content{HTML: html, Text: "{{ unsubscribe_url }}"}, opt, ann())
	return string(r.HTML)
}

func TestRenderHTML(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, in, want string }{
		{"escapes", `<p>{{ subscriber.name }}</p>`, `<p>Ann &lt;b&gt; O&#39;Neil</p>`},
		{"first name", `{{ subscriber.first_name }}`, `Ann`},
		{"short form", `{{ subscriber.city }}|{{ subscriber.attributes.city }}`, `Köln &amp; Bonn|Köln &amp; Bonn`},
		{"index", `{{ subscriber["city"] | downcase }}`, `köln &amp; bonn`},
		{"missing", `[{{ subscriber.none }}][{{ subscriber.nothing }}][{{ nosuch.thing }}]`, `[][][]`},
		{"default", `{{ subscriber.none | default: "<there>" }}{{ subscriber.empty | default: 'x"' }}`, `&lt;there&gt;x&#34;`},
		{"number", `{{ subscriber.points }} {{ subscriber.points | plus: 1 }} {{ subscriber.id }}`, `12 13 7`},
		{"bool and list", `{{ subscriber.member }} {{ subscriber.tags }} {{ subscriber.tags | join: "<" }}`, `true a&lt;b a&lt;&lt;b`},
		{"safe", `{{ subscriber.city | safe }}`, `Köln & Bonn`},
		{"condition", `{% if subscriber.points > 10 %}many{% else %}few{% endif %}`, `many`},
		{"loop", `{% for t in subscriber.tags %}{{ forloop.index }}{{ t }};{% endfor %}`, `1a&lt;;2b;`},
		{"assign", `{% assign x = subscriber.city | upcase %}{{ x }}`, `KÖLN &amp; BONN`},
		{"raw", `{% raw %}{{ x }}{% endraw %}`, `{{ x }}`},
		{"raw with an end", `{% raw %}{{ "{%" }}{% endraw %}{{ subscriber.id }}`, `{{ "{%" }}7`},
		{"comment", `a{% comment %}{{ x | nosuch }}<a href="javascript:">{% endcomment %}b`, `ab`},
		{"trim", "a \n{{- subscriber.id -}}\n b {%- comment %}{% endcomment -%} c", `a7bc`},
		{"dates", `{{ subscriber.joined | date: "%d.%m.%Y" }}[{{ subscriber.none | date: "%Y" }}]{{ subscriber.city | date: "%Y" }}`, `04.03.2026[]Köln &amp; Bonn`},
		{"numbers out of nothing", `{{ subscriber.none | round }}{{ subscriber.city | floor }}{{ "7" | divided_by: 2 }}`, `003`},
		{"campaign", `{{ campaign.name }}/{{ organization }}`, `Spring/Ac &amp; me`},
		{"escaped once in condition", `{% if true %}{{ subscriber.name | upcase }}{% endif %}`, `ANN &lt;B&gt; O&#39;NEIL`},
		{"whole person", `[{{ subscriber }}]`, `[]`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := bare(t, tc.in, Options{}); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestRenderSubjectIsOneLine(t *testing.T) {
	t.Parallel()
	r := fill(t, Content{Subject: "Hi {{ subscriber.break }}\u2028{{ subscriber.name }} & co"}, Options{}, ann())
	if want := "Hi a Bcc: x@example.org Ann <b> O'Neil & co"; r.Subject != want {
		t.Errorf("subject %q, want %q", r.Subject, want)
	}
	v := ann()
	v.Subscriber.Name = strings.Repeat("é", 2000) + "\x00\xff"
	r = fill(t, Content{Subject: "{{ subscriber.name }}"}, Options{}, v)
	if r.Subject != strings.Repeat("é", 499) {
		t.Errorf("a long subject came out with %d bytes", len(r.Subject))
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	many := strings.Repeat("{% if true %}", 60) + strings.Repeat("{% endif %}", 60)
	for _, tc := range []struct {
		name  string
		c     Content
		field string
		want  string
	}{
		{"unknown filter", Content{HTML: "a\nb {{ subscriber.name | shout }}"}, "html", "line 2: there is no filter shout"},
		{"unknown filter in if", Content{Text: "{% if false %}{{ 1 | nope }}{% endif %}"}, "text", "there is no filter nope"},
		{"our own filter", Content{HTML: "{{ 1 | _meter }}"}, "html", "there is no filter _meter"},
		{"unknown tag", Content{Subject: "{% frob %}"}, "subject", "line 1: there is no tag {% frob %}"},
		{"include", Content{HTML: "{% include 'x' %}"}, "html", "there is no tag {% include %}"},
		{"render tag", Content{HTML: "{% render 'x' %}"}, "html", "there is no tag"},
		{"our own tag", Content{HTML: "{% _put 1 %}"}, "html", "there is no tag"},
		{"our own name", Content{HTML: "{{ _postrider.unsub }}"}, "html", "is taken"},
		{"assign our own name", Content{HTML: "{% assign _postrider = 1 %}"}, "html", "is taken"},
		{"assign a global", Content{HTML: "{% assign subscriber = 1 %}"}, "html", "belongs to the mail"},
		{"unclosed output", Content{HTML: "a\n\n{{ subscriber.name "}, "html", "line 3: {{ is not closed"},
		{"output over two lines", Content{HTML: "{{ subscriber.name |\nupcase }}"}, "html", "not closed on the same line"},
		{"unclosed block", Content{Text: "x\n{% if a %}"}, "text", "line 2"},
		{"unclosed raw", Content{Text: "x\n{% raw %}"}, "text", "line 2: {% raw %} is never closed"},
		{"stray end", Content{HTML: "{% endif %}"}, "html", "endif"},
		{"syntax", Content{Preheader: "{{ a b c }}"}, "preheader", "line 1"},
		{"huge number", Content{HTML: "{{ 99999999999999999999999 }}"}, "html", "cannot be read"},
		{"wrong arguments", Content{HTML: "x\n{{ subscriber.name | append }}{{ 'a' | upcase: 1, 2, 3 }}"}, "html", "line 2"},
		{"long range", Content{HTML: "{% for i in (1..5000) %}x{% endfor %}"}, "html", "at most 1000"},
		{"long range without blanks", Content{HTML: "{% for i in(1..5000) %}x{% endfor %}"}, "html", "at most 1000"},
		{"range outside of for", Content{HTML: "{{ (1..9) | join }}"}, "html", "only stand in a for tag"},
		{"range with filter", Content{HTML: "{% for i in (1..subscriber.id) | reverse %}{% endfor %}"}, "html", "only stand in a for tag"},
		{"nested loops", Content{HTML: "{% for i in (1..500) %}{% for j in (1..500) %}{% endfor %}{% endfor %}"}, "html", "loops turn more than"},
		{"break outside", Content{HTML: "{% break %}"}, "html", "break outside a loop"},
		{"doubling", Content{HTML: "{% assign a = 'xxxxxxxxxxxxxxxx' %}" + strings.Repeat("{% assign a = a | append: a %}", 40)}, "html", "too long"},
		{"doubling by capture", Content{HTML: "{% assign a = 'xxxxxxxxxxxxxxxx' %}" + strings.Repeat("{% capture a %}{{a}}{{a}}{% endcapture %}", 40)}, "html", "too long"},
		{"wide date", Content{HTML: `{{ "2020-01-01" | date: "%999999999Y" }}`}, "html", "pads too far"},
		{"deep", Content{HTML: many}, "html", "nested"},
		{"long source", Content{Text: strings.Repeat("x", 2<<20)}, "text", "1024 kB is the limit"},
		{"long subject", Content{Subject: strings.Repeat("x", 999)}, "subject", "998"},
		{"zero for everybody", Content{HTML: "{{ 5 | divided_by: subscriber.none }}"}, "html", "division by zero"},
		{"javascript link", Content{HTML: "\n<a href=' java&#115;cript:alert(1)'>x</a>"}, "html", "line 2: a URL that starts with javascript:"},
		{"javascript with a tab", Content{HTML: "<a href='java&Tab;script:alert(1)'>x</a>"}, "html", "starts with javascript:"},
		{"vbscript action", Content{HTML: "<form action='vbscript:x'>"}, "html", "starts with vbscript:"},
		{"data link", Content{HTML: "<a href='data:text/html,x{{ subscriber.id }}'>x</a>"}, "html", ""},
		{"unquoted output", Content{HTML: "<a href={{ subscriber.url }}>x</a>"}, "html", `put quotes around the value of href: href="{{ subscriber.url }}"`},
		{"output as attribute", Content{HTML: "<a {{ subscriber.url }}>x</a>"}, "html", "not in an attribute's quotes"},
		{"output as a tag", Content{HTML: "\n<{{ subscriber.url }}>x"}, "html", "line 2: {{ subscriber.url }} stands where the name of a tag is"},
		{"output in the name of a tag", Content{HTML: "<h{{ subscriber.id }} class='a'>x"}, "html", "where the name of a tag is"},
		{"output as the name of an end tag", Content{HTML: "<b>x</{{ subscriber.url }}>"}, "html", "where the name of a tag is"},
		{"output as a tag for Outlook", Content{HTML: "<!--[if mso]><{{ subscriber.url }}><![endif]-->"}, "html", "where the name of a tag is"},
		{"output in a handler", Content{HTML: `<a onclick="f('{{ subscriber.url }}')">x</a>`}, "html", "the script in onclick"},
		{"output in a script", Content{HTML: "<script>\nx='{{ subscriber.url }}'</script>"}, "html", "a script cannot hold"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := Compile(tc.c, Options{})
			if tc.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var e *errs.E
			if !errors.As(err, &e) || e.Kind != errs.Invalid || len(e.Fields) != 1 {
				t.Fatalf("got %v", err)
			}
			if e.Fields[0].Name != tc.field || !strings.Contains(e.Fields[0].Message, tc.want) || strings.Contains(e.Fields[0].Message, "_postrider |") {
				t.Errorf("got %s: %s", e.Fields[0].Name, e.Fields[0].Message)
			}
		})
	}
}

func TestRenderRefusesForOnePerson(t *testing.T) {
	t.Parallel()
	for name, html := range map[string]string{
		"big value":      `{{ subscriber.big }}`,
		"big text":       `{% for i in (1..10) %}{{ subscriber.quarter }}{% endfor %}`,
		"many turns":     `{% for i in (1..subscriber.million) %}{% endfor %}`,
		"zero divisor":   `{{ 5 | divided_by: subscriber.zero | default: 5 }}`,
		"captured bomb":  `{% for i in (1..subscriber.hundred) %}{% capture x %}{{ x }}{{ subscriber.quarter }}{% endcapture %}{% endfor %}`,
		"replaced bomb":  `{{ subscriber.quarter | replace: "x", subscriber.quarter }}`,
		"joined bomb":    `{{ subscriber.quarter | split: "" | join: subscriber.quarter }}`,
		"many big loops": `{% for i in (1..subscriber.million) %}{% assign z = subscriber.quarter | upcase | split: "" | join: "" %}{% endfor %}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := mustCompile(t, Content{HTML: `{% if subscriber.million %}` + html + `{% endif %}`}, Options{})
			v := Vars{UnsubscribeURL: "https://t.test/", Subscriber: Person{Attributes: map[string]any{
				"big": strings.Repeat("x", 400<<10), "quarter": strings.Repeat("x", 200<<10), "million": 1000000, "hundred": 100, "zero": 0.0}}}
			var r Rendered
			err := c.Render(&r, v, nil)
			if !errs.Is(err, errs.Invalid) {
				t.Fatalf("%d bytes, error %v", len(r.HTML), err)
			}
			if strings.Contains(err.Error(), "_meter") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// randomSource makes a template out of text, outputs and conditions that hold for themselves.
func randomSource(r *rand.Rand) string {
	var b strings.Builder
	for range r.IntN(3) {
		b.WriteString(randomOutputs(r))
		tag := []string{"if", "unless"}[r.IntN(2)]
		b.WriteString("{% " + tag + " " + randomCondition(r) + " %}" + randomOutputs(r))
		if r.IntN(3) == 0 {
			b.WriteString(randomSource(r))
		}
		if tag == "if" && r.IntN(3) == 0 {
			b.WriteString("{% elsif " + randomCondition(r) + " %}" + randomOutputs(r))
		}
		if r.IntN(2) == 0 {
			b.WriteString("{% else %}" + randomOutputs(r))
		}
		b.WriteString("{% end" + tag + " %}")
	}
	return b.String() + randomOutputs(r)
}

func randomCondition(r *rand.Rand) string {
	paths := []string{"subscriber.name", "subscriber.city", "subscriber.none", "subscriber.points", "subscriber.member", "subscriber.tags", "subscriber.empty",
		"subscriber.nothing", "subscriber.id", "organization", "campaign.name", "nosuch", "subscriber", "unsubscribe_url", "preferences_url", "'x'"}
	tests := []string{"", "", ` == "Köln & Bonn"`, ` != "Spring"`, ` == ""`, ` != ''`, " > 10", " == 12", " contains 'o'", " == nil", " and subscriber.member",
		" or false", " == true", " == empty", " != nil"}
	return paths[r.IntN(len(paths))] + tests[r.IntN(len(tests))]
}

// randomOutputs makes a template out of text and outputs.
func randomOutputs(r *rand.Rand) string {
	paths := []string{"subscriber.name", "subscriber.first_name", "subscriber.email", "subscriber.city", "subscriber.attributes.city", "subscriber.none",
		"subscriber.points", "subscriber.member", "subscriber.tags", "subscriber.empty", "subscriber.nothing", "subscriber.id", "organization", "campaign.name",
		"subscriber['city']", "nosuch", "subscriber.attributes.size", "subscriber.city.size", "subscriber.tags[0]", "unsubscribe_url", "preferences_url", "subscriber", "campaign.subject"}
	filters := []string{"upcase", "downcase", "capitalize", "strip", `default: "d<"`, `default: 'it''s'`, `append: "&x\n"`, `prepend: "é "`, "size", "escape",
		"truncate: 4", "default: 3", "plus: 2", "safe", `replace: "n", "<"`, "first", "json", `default:"\"q\\"`}
	texts := []string{"plain ", "<b>", "é\n", "{", "}", "&amp;", " \t", "<p class='x'>", "%}", "{% raw %}{{ a }}{% endraw %}", "{% comment %}{{ b }}{% endcomment %}"}
	var b strings.Builder
	for range r.IntN(3) {
		b.WriteString(texts[r.IntN(len(texts))])
		b.WriteString("{{ " + paths[r.IntN(len(paths))])
		for range r.IntN(3) {
			b.WriteString(" | " + filters[r.IntN(len(filters))])
		}
		b.WriteString(" }}")
	}
	return b.String()
}

// piecewise puts a part together from its pieces.
type piecewise struct {
	literals []string
	out      string
}

// words leaves out how many blanks and empty lines there are: the end of a part that is written piece by piece is not trimmed.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }

func (p *piecewise) Literal(n int)     { p.out += p.literals[n] }
func (p *piecewise) Personal(b []byte) { p.out += string(b) }

// The same source with a tag in it goes through the engine whole; the bytes must not differ.
func TestFastPathEqualsEngine(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	fast := 0
	for range 3000 {
		src := "." + randomSource(r)
		a, errA := Compile(Content{Subject: src, HTML: src, Text: src}, Options{TrackOpens: true, TrackClicks: true})
		force := "{% assign zz = 1 %}"
		b, errB := Compile(Content{Subject: force + src, HTML: force + src, Text: force + src}, Options{TrackOpens: true, TrackClicks: true})
		if (errA == nil) != (errB == nil) {
			t.Fatalf("%q\nfast   %v\nengine %v", src, errA, errB)
		}
		if errA != nil {
			continue
		}
		if a.html != nil && a.html.tmpl == nil && b.html.tmpl != nil {
			fast++
		}
		for _, v := range []Vars{ann(), {UnsubscribeURL: "https://u.test"}} {
			var ra, rb Rendered
			errA, errB = a.Render(&ra, v, testURLs{}), b.Render(&rb, v, testURLs{})
			if (errA == nil) != (errB == nil) {
				t.Fatalf("%q\nfast   %v\nengine %v", src, errA, errB)
			}
			if diff := cmp.Diff(ra, rb); errA == nil && diff != "" {
				t.Fatalf("%q\n%s", src, diff)
			}
			html, text := &piecewise{literals: a.HTMLLiterals()}, &piecewise{literals: a.TextLiterals()}
			if errA == nil && html.literals != nil && text.literals != nil {
				err := a.Render(&Rendered{HTMLTo: html, TextTo: text}, v, testURLs{})
				if err != nil || html.out != string(ra.HTML) || words(text.out) != words(string(ra.Text)) {
					t.Fatalf("%q in pieces: %v\ngot  %s\nwant %s\ngot  %s\nwant %s", src, err, html.out, ra.HTML, text.out, ra.Text)
				}
			}
		}
	}
	if fast < 1000 {
		t.Errorf("only %d of the sources went the fast way", fast)
	}
}

// The fast getters and filters must be in use for what most mails hold, or the property test proves nothing about them.
func TestFastOutputs(t *testing.T) {
	t.Parallel()
	for expr, want := range map[string]bool{
		"subscriber.name": true, `subscriber.city | default: "x" | upcase`: true, "subscriber.attributes.a": true, "unsubscribe_url": true, "preferences_url": true,
		"subscriber.points | plus: 1": false, "subscriber.attributes.size": false, "a.b": false, `subscriber.name | default: 3`: false,
		"subscriber.a == 1": false, "'x'": false,
	} {
		get, _ := fastOutput(lexExpr(expr))
		if (get != nil) != want {
			t.Errorf("%s: fast %v, want %v", expr, get != nil, want)
		}
	}
}

// A filter that authors are told to be known must be there, in both engines, and take a missing value.
func TestKnownFiltersExist(t *testing.T) {
	t.Parallel()
	args := map[string]string{"at_least": ": 1", "at_most": ": 1", "divided_by": ": 1", "modulo": ": 1", "slice": ": 0", "where": ": 'a'", "pluralize": ": 'a', 'b'"}
	for name := range knownFilters {
		src := "{{ subscriber.none | " + name + args[name] + " }}"
		if _, err := Compile(Content{HTML: src, Text: src}, Options{}); err != nil {
			t.Errorf("%s: %v", src, err)
		}
	}
}
