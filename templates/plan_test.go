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
