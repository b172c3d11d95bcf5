package templates

import (
	"context"
	"strings"
	"testing"

	"postrider/internal/errs"
)

// shelf is a library in memory.
type shelf []Template

func (s shelf) layout(_ context.Context, id int64) (Template, error) {
	for _, t := range s {
		if t.ID == id {
			return t, nil
		}
	}
	return Template{}, errs.New(errs.NotFound, "no layout")
}

func (s shelf) snippet(_ context.Context, name string) (Template, error) {
	for _, t := range s {
		if t.Role == RoleSnippet && strings.EqualFold(t.Name, name) {
			return t, nil
		}
	}
	return Template{}, errs.New(errs.NotFound, "no snippet")
}

func (s shelf) snippets(context.Context) ([]string, error) {
	var names []string
	for _, t := range s {
		if t.Role == RoleSnippet {
			names = append(names, t.Name)
		}
	}
	return names, nil
}

func shelved() shelf {
	id := func(n int64) *int64 { return &n }
	return shelf{
		{ID: 1, Role: RoleLayout, Kind: KindHTML, Name: "Base", HTML: `<html>{% block "title" %}T{% endblock %}|{% block "main" %}default{% endblock %}|{% snippet "foot" %}</html>`, Text: `== {% block "main" %}{% endblock %} ==`},
		{ID: 2, Role: RoleLayout, Kind: KindHTML, Name: "Card", LayoutID: id(1), HTML: `<div>{% block "main" %}{% block "inner" %}-{% endblock %}{% endblock %}</div>`},
		{ID: 3, Role: RoleLayout, Kind: KindHTML, Name: "Loop", LayoutID: id(4), HTML: `{% block "main" %}{% endblock %}`},
		{ID: 4, Role: RoleLayout, Kind: KindHTML, Name: "Pool", LayoutID: id(3), HTML: `{% block "main" %}{% endblock %}`},
		{ID: 5, Role: RoleLayout, Kind: KindMJML, Name: "MJ", HTML: `<mjml><mj-body>{% block "main" %}{% endblock %}</mj-body></mjml>`},
		{ID: 6, Role: RoleLayout, Kind: KindHTML, Name: "Named", LayoutID: id(1), HTML: `{% block "title" %}[{% block "sub" %}s{% endblock %}]{% endblock %}{% block "main" %}<p>{% block "body" %}{% endblock %}</p>{% endblock %}`},
		{ID: 7, Role: RoleSnippet, Kind: KindHTML, Name: "Foot", HTML: "f {{ organization }}", Text: "tf"},
		{ID: 8, Role: RoleSnippet, Kind: KindHTML, Name: "ping", HTML: `{% snippet "pong" %}`},
		{ID: 9, Role: RoleSnippet, Kind: KindHTML, Name: "pong", HTML: `{% snippet "ping" %}`},
		{ID: 10, Role: RoleSnippet, Kind: KindMarkdown, Name: "md", HTML: "*m*"},
		{ID: 11, Role: RoleSnippet, Kind: KindMJML, Name: "mj", HTML: "<mj-text>x</mj-text>"},
		{ID: 12, Role: RoleLayout, Kind: KindHTML, Name: "NoMain", HTML: `{% block "body" %}{% endblock %}`},
		{ID: 13, Role: RoleLayout, Kind: KindHTML, Name: "L3", LayoutID: id(2), HTML: `{% block "inner" %}{% block "main" %}{% endblock %}{% endblock %}`},
		{ID: 14, Role: RoleLayout, Kind: KindHTML, Name: "L4", LayoutID: id(13), HTML: `{% block "main" %}{% endblock %}`},
		{ID: 15, Role: RoleSnippet, Kind: KindHTML, Name: "n1", HTML: `{% snippet "n2" %}`}, {ID: 16, Role: RoleSnippet, Kind: KindHTML, Name: "n2", HTML: `{% snippet "n3" %}`},
		{ID: 17, Role: RoleSnippet, Kind: KindHTML, Name: "n3", HTML: `{% snippet "n4" %}`}, {ID: 18, Role: RoleSnippet, Kind: KindHTML, Name: "n4", HTML: `{% snippet "n5" %}`},
		{ID: 19, Role: RoleSnippet, Kind: KindHTML, Name: "n5", HTML: `{% snippet "foot" %}`},
		{ID: 21, Role: RoleLayout, Kind: KindHTML, Name: "Gives", LayoutID: id(1), HTML: `{% block "main" %}own{% endblock %}`},
		{ID: 20, Role: RoleSnippet, Kind: KindHTML, Name: "broken", HTML: "\n{% if %}{% nope %}"},
	}
}

func TestAssemble(t *testing.T) {
	t.Parallel()
	id := func(n int64) *int64 { return &n }
	for _, tc := range []struct {
		name       string
		src        Source
		html, text string
	}{
		{"nothing to do", Source{HTML: "<p>{{ x }}", Text: "y"}, "<p>{{ x }}", "y"},
		{"blocks without a layout", Source{HTML: `a{% block "main" %}b{% endblock %}`}, "ab", ""},
		{"a layout around everything", Source{LayoutID: id(1), HTML: "{% if a %}x{% endif %}", Text: "t"}, "<html>T|{% if a %}x{% endif %}|f {{ organization }}</html>", "== t =="},
		{"blocks by name", Source{LayoutID: id(1), HTML: "{% block 'title' %}N{% endblock %}\n{% comment %}c{% endcomment %}"}, "<html>N|default|f {{ organization }}</html>", ""},
		{"a layout in a layout", Source{LayoutID: id(13), HTML: "x"}, "<html>T|<div>x</div>|f {{ organization }}</html>", ""},
		{"a block in a block", Source{LayoutID: id(2), HTML: `{% block "inner" %}x{% endblock %}`}, "<html>T|<div>x</div>|f {{ organization }}</html>", ""},
		{"blocks given on", Source{LayoutID: id(6), HTML: `{% block "body" %}x{% endblock %}{% block "sub" %}y{% endblock %}`}, "<html>[y]|<p>x</p>|f {{ organization }}</html>", ""},
		{"a layout's own words", Source{LayoutID: id(6), HTML: `{% block "body" %}x{% endblock %}`}, "<html>[s]|<p>x</p>|f {{ organization }}</html>", ""},
		{"a layout that only gives on", Source{LayoutID: id(21), HTML: "x"}, "<html>T|x|f {{ organization }}</html>", ""},
		{"snippets", Source{HTML: `{% snippet "FOOT" %}-{% snippet 'md' %}`, Text: `{% snippet "foot" %}`}, "f {{ organization }}-<p><em>m</em></p>\n", "tf"},
		{"white space", Source{HTML: "a \n {%- snippet \"foot\" -%} \n b{% block \"main\" -%} \n c {%- endblock %}"}, "af {{ organization }}bc", ""},
		{"five snippets deep is one too many", Source{HTML: `{% snippet "n2" %}`}, "f {{ organization }}", ""},
		{"Markdown in HTML", Source{Kind: KindMarkdown, LayoutID: id(1), HTML: "# {{ a | b: \"c\" }}"}, "<html>T|<h1>{{ a | b: \"c\" }}</h1>\n|f {{ organization }}</html>", ""},
		{"raw is not looked into", Source{HTML: `{% raw %}{% snippet "x" %}{% endraw %}`}, `{% raw %}{% snippet "x" %}{% endraw %}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := assembleFrom(t.Context(), shelved(), tc.src, 0)
			if err != nil {
				t.Fatal(err)
			}
			if got.HTML != tc.html || got.Text != tc.text || got.LayoutID != nil {
				t.Errorf("got  %q, %q\nwant %q, %q", got.HTML, got.Text, tc.html, tc.text)
			}
			if tc.src.Kind == KindMarkdown && got.Kind != KindHTML {
				t.Errorf("kind %s", got.Kind)
			}
		})
	}
}

func TestAssembleRefuses(t *testing.T) {
	t.Parallel()
	id := func(n int64) *int64 { return &n }
	for _, tc := range []struct {
		name string
		src  Source
		self int64
		want string
	}{
		{"no such layout", Source{LayoutID: id(99), HTML: "x"}, 0, "there is no layout 99"},
		{"not a layout", Source{LayoutID: id(7), HTML: "x"}, 0, `"Foot" is no layout`},
		{"a circle of layouts", Source{LayoutID: id(3), HTML: "x"}, 0, "circle: Loop → Pool → Loop"},
		{"its own layout", Source{LayoutID: id(2), HTML: "x"}, 1, "circle: Base → Card → Base"},
		{"too deep", Source{LayoutID: id(14), HTML: "x"}, 0, "more than 3 deep: L4 → L3 → Card → Base"},
		{"kinds that do not fit", Source{LayoutID: id(5), HTML: "x"}, 0, "is mjml, and what goes into it is html"},
		{"unknown block", Source{LayoutID: id(1), HTML: "\n{% block \"titel\" %}{% endblock %}"}, 0, `line 2: the layout "Base" has no block "titel"; did you mean title?; it has: main, title`},
		{"no main", Source{LayoutID: id(12), HTML: "x"}, 0, `has no block "main"`},
		{"block twice", Source{LayoutID: id(1), HTML: "{% block \"main\" %}{% endblock %}\n{% block \"main\" %}{% endblock %}"}, 0, "line 2: the block \"main\" is there twice"},
		{"unknown snippet", Source{HTML: "\n{% snippet \"fot\" %}"}, 0, `line 2: there is no snippet "fot"; did you mean Foot`},
		{"a circle of snippets", Source{HTML: `{% snippet "ping" %}`}, 0, `in the snippet "pong": line 1: the snippets go round in a circle: ping → pong → ping`},
		{"itself", Source{HTML: `{% snippet "ping" %}`}, 9, "circle: ping → pong"},
		{"snippets too deep", Source{HTML: `{% snippet "n1" %}`}, 0, "more than 5 deep"},
		{"snippet of another kind", Source{HTML: `{% snippet "mj" %}`}, 0, `the snippet "mj": it is mjml, and stands in html`},
		{"snippet without text", Source{Text: `{% snippet "md" %}`}, 0, "it has no text part"},
		{"broken snippet", Source{HTML: "\n\n{% snippet \"broken\" %}"}, 0, `line 3: the snippet "broken": line 2: there is no tag`},
		{"bad name", Source{HTML: `{% snippet foot %}`}, 0, `written {% snippet "name" %}`},
		{"bad block name", Source{HTML: `{% block "A b" %}{% endblock %}`}, 0, "with a name of lower-case"},
		{"block not closed", Source{HTML: "\n{% block \"a\" %}"}, 0, "line 2: {% block \"a\" %} is never closed"},
		{"block across", Source{HTML: `{% block "a" %}{% if x %}{% endblock %}{% endif %}`}, 0, "something in it is not closed"},
		{"too many snippets", Source{HTML: strings.Repeat(`{% snippet "foot" %}`, 501)}, 0, "more than 500 snippets"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := assembleFrom(t.Context(), shelved(), tc.src, tc.self)
			if e, ok := err.(*errs.E); !ok || e.Kind != errs.Invalid || len(e.Fields) != 1 || !strings.Contains(e.Fields[0].Message, tc.want) {
				t.Errorf("got %+v", err)
			}
		})
	}
}

func FuzzAssemble(f *testing.F) {
	for _, s := range []string{`{% block "main" %}{% snippet "foot" %}{% endblock %}`, `a{%- snippet 'ping' -%}`, `{% raw %}{% block %}{% endraw %}{% block "inner" %}{% block "main" %}{% endblock %}{% endblock %}`} {
		for i := range int64(3) {
			f.Add(s, i)
		}
	}
	f.Fuzz(func(t *testing.T, src string, layout int64) {
		in := Source{HTML: src}
		if layout > 0 {
			in.LayoutID = &layout
		}
		out, err := assembleFrom(t.Context(), shelved(), in, 0)
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Fatal(err)
			}
			return
		}
		if again, err := assembleFrom(t.Context(), shelved(), in, 0); err != nil || again != out {
			t.Fatalf("not the same twice: %v", err)
		}
	})
}
