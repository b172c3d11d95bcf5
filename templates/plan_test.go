package templates

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
)

// issueMail fills a page with the values of a feed in and renders it for Ann, through the engine when tag is one that only it knows.
func issueMail(t testing.TB, tag, value string) (Rendered, error) {
	t.Helper()
	const page = `<p>{{ feed.title }}</p><p title="{{ feed.title }}">x<img alt="{{ feed.title }}" src="https://a.test/"></p><p><a href="https://a.test/{{ feed.title }}{{ subscriber.id }}">{{ feed.title }}{{ subscriber.id }}</a></p>`
	src, err := Expand(Source{HTML: tag + page, KeepCSS: true}, map[string]any{"feed": map[string]any{"title": value}})
	if err != nil {
		return Rendered{}, err
	}
	content, err := build(src)
	if err != nil {
		return Rendered{}, err
	}
	c, err := Compile(content, Options{TrackClicks: true})
	if err != nil {
		return Rendered{}, err
	}
	v := ann()
	v.NoFooter = true
	var r Rendered
	err = c.Render(&r, v, testURLs{})
	return r, err
}

const engineTag = `{% assign z = subscriber.id %}`

var liquidValues = []string{`{% endraw %}{{ subscriber.email | upcase }}{% raw %}`, `About {% endraw %} in Liquid`, `{% raw %}`, `{% endraw %}{% for i in (1..3) %}x{% endfor %}`, `{`, `{{`, `a{`, `%}`, `}}{{`,
	`{%- endraw -%}`, `{%comment%}`, `{{ "{" }}`, `{% _put 1 %}`, `{% _literal 0 %}`, `{{ _postrider }}`, `{%`, `&#123;%`, `&amp;#123;{ x }}`, "{\u00ad%", "{\u200b{ x }}", `{% {{ %} }}`}

// No value of a feed is Liquid, in no part of the mail.
func TestValuesOfFeedsAreNoLiquid(t *testing.T) {
	t.Parallel()
	for _, value := range liquidValues {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			r, err := issueMail(t, engineTag, value)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Map(visible, value)
			if !strings.HasPrefix(string(r.Text), want+"\n") || strings.Count(string(r.Text), want) < 3 {
				t.Errorf("the text is %q", r.Text)
			}
			fast, err := issueMail(t, "", value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(fast.Text), string(r.Text)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzValuesOfFeedsAreNoLiquid(f *testing.F) {
	for _, value := range liquidValues {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if len(value) > 4096 {
			return
		}
		r, err := issueMail(t, engineTag, value)
		if err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		fast, err := issueMail(t, "", value)
		if err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		if string(r.Text) != string(fast.Text) || string(r.HTML) != string(fast.HTML) {
			t.Fatalf("%q came out as\n%q, with other tags as\n%q\n%q\n%q", value, r.Text, fast.Text, r.HTML, fast.HTML)
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r <= ' ' || r == '\u00a0' || r == '\uFFFD' || visible(r) < 0 }) {
			return
		}
		if !strings.HasPrefix(string(r.Text), value) {
			t.Fatalf("%q is not in the text %q", value, r.Text)
		}
	})
}

// kindPages show a value of a feed wherever each language lets one stand.
var kindPages = []Source{
	{Kind: KindHTML, HTML: `<style>p{color:{{ feed.t }}}</style><p title="{{ feed.t }}">{{ feed.t }}{{ subscriber.id }}</p><a href="https://a.test/{{ feed.t }}">{{ feed.html }}</a><!-- {{ feed.t }} -->`},
	{Kind: KindMarkdown, HTML: "{{ feed.t }}{{ subscriber.id }}\n\n# {{ feed.t }}\n\n`{{ feed.t }}` [{{ feed.t }}](https://a.test/{{ feed.t }} \"{{ feed.t }}\") ![{{ feed.t }}](https://a.test/i)\n\n    {{ feed.t }}\n\n" +
		"<p title=\"{{ feed.t }}\">{{ feed.t }}</p>\n\n```{{ feed.t }}\n{{ feed.t }}\n{{ feed.html }}\n```\n\n| a |\n|---|\n| {{ feed.t }} |\n\n{{ feed.html }}\n\n`{{ feed.html }}` https://a.test/{{ feed.t }}"},
	{Kind: KindMJML, HTML: `<mjml><mj-head><mj-title>{{ feed.t }}</mj-title><mj-preview>{{ feed.t }}</mj-preview></mj-head><mj-body><mj-section><mj-column><mj-text color="{{ feed.t }}">{{ feed.t }}{{ subscriber.id }}</mj-text>` +
		`<mj-image alt="{{ feed.t }}{{ subscriber.id }}" title="{{ feed.html }}" src="https://a.test/{{ feed.t }}"/><mj-button href="https://a.test/{{ feed.t }}">{{ feed.t }}</mj-button><mj-raw><p title="{{ feed.t }}">{{ feed.t }}</p></mj-raw>` +
		`<mj-text>{{ feed.html }}</mj-text><mj-table><tr><td>{{ feed.t }}</td></tr></mj-table></mj-column></mj-section></mj-body></mjml>`},
}

// foreign gives what is Liquid in a page for an issue and was not in the author's words. compiles is false when the page cannot be a mail at all.
func foreign(t testing.TB, page Source, value string) (found []string, compiles bool) {
	t.Helper()
	src, err := Expand(page, map[string]any{"feed": map[string]any{"t": value, "html": SafeHTML("<b>" + string(appendHTML(nil, value)) + "</b>")}})
	if err != nil {
		return nil, false
	}
	content, err := build(src)
	if err != nil {
		return nil, false
	}
	tokens, serr := scan(content.HTML)
	if serr != nil {
		return []string{serr.Error()}, true
	}
	for _, tok := range tokens {
		if tok.kind != textToken && tok.name != "raw" && tok.name != "endraw" && tok.src != `{{ "{" }}` && tok.src != "{{ subscriber.id }}" {
			found = append(found, tok.src)
		}
	}
	c, err := Compile(content, Options{TrackClicks: true})
	if err != nil {
		return found, false
	}
	var r Rendered
	if err := c.Render(&r, ann(), testURLs{}); err != nil {
		t.Fatal(err)
	}
	if got := string(r.Text) + string(r.HTML); strings.Contains(strings.ToLower(got), "ann@example.org") {
		found = append(found, got)
	}
	return found, true
}

// Whatever language decodes references on the way, a brace of a feed stays one.
func TestValuesOfFeedsAreNoLiquidInAnyLanguage(t *testing.T) {
	t.Parallel()
	for _, page := range kindPages {
		for _, value := range append(liquidValues, "{{ subscriber.email }} {% if %} {", "&#123;&#123; subscriber.email }}", "&lbrace;{ subscriber.email }}", "\\{{ subscriber.email }}") {
			found, compiles := foreign(t, page, value)
			if len(found) > 0 || !compiles {
				t.Errorf("%s with %q: %q, compiles %v", page.Kind, value, found, compiles)
			}
		}
	}
}

func FuzzValuesInLanguages(f *testing.F) {
	for _, value := range liquidValues {
		for kind := range kindPages {
			f.Add(value, kind)
		}
	}
	f.Fuzz(func(t *testing.T, value string, kind int) {
		if len(value) > 2048 {
			return
		}
		if found, _ := foreign(t, kindPages[uint(kind)%uint(len(kindPages))], value); len(found) > 0 {
			t.Fatalf("%q came out as %q", value, found)
		}
	})
}

// What is caught in a name, or in an address that is looked at, counts like what is shown: it is in memory.
func TestCapturedTextIsBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 10<<10)
	for name, src := range map[string]string{
		"capture": "{% capture c %}{% for i in (1..300) %}" + long + "{% endfor %}{% endcapture %}",
		"address": `<a href="https://x.test/{% for i in (1..300) %}` + long + `{% endfor %}">x</a>`,
		"raw":     "{% capture c %}{% for i in (1..300) %}{% raw %}{{" + long + "{% endraw %}{% endfor %}{% endcapture %}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := Compile(Content{HTML: src, Text: "x"}, Options{}); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "larger than") {
				t.Errorf("error %v", err)
			}
		})
	}
}
