package templates

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
)

func decode(t testing.TB, raw string) map[string]any {
	t.Helper()
	data, err := DecodeData([]byte(raw))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return data
}

func TestDecodeData(t *testing.T) {
	t.Parallel()
	got := decode(t, `{"n":12345678901,"f":1.5,"list":[1,{"x":2}],"s":"\\u0000","nothing":null}`)
	want := map[string]any{"n": 12345678901, "f": 1.5, "list": []any{1, map[string]any{"x": 2}}, "s": `\u0000`, "nothing": nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := decode(t, " "); got != nil {
		t.Errorf("%v", got)
	}
	for _, raw := range []string{`[]`, `1`, `{`, `{} x`, `{}{}`, `{"a":"\u0000"}`, `{"a":` + strings.Repeat("[", 30) + strings.Repeat("]", 30) + `}`, `{"a":"` + strings.Repeat("x", maxData) + `"}`} {
		if _, err := DecodeData([]byte(raw)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%.40s: %v", raw, err)
		}
	}
}

func TestDataInMail(t *testing.T) {
	t.Parallel()
	data := decode(t, `{"order":{"id":"A<1>","total":12345678,"paid":true},"items":[{"name":"Tea","n":2},{"name":"Pot","n":1}],"link":"https://shop.test/?a=1&b=2","evil":"javascript:x","break":"a\r\nBcc: x"}`)
	for _, tc := range []struct{ in, want string }{
		{`{{ data.order.id }}`, `A&lt;1&gt;`},
		{`{{ data.order.id | upcase | append: "!" }}{{ data.order.total }} {{ data.order.paid }}`, `A&lt;1&gt;!12345678 true`},
		{`{{ data.none }}{{ data.order.none.deeper }}{{ data.items.name }}{{ data.order.id.x }}`, ``},
		{`{{ data.none | default: "x" }}{{ data.items.size }}{{ data.items.first.name }}{{ data["link"] | size }}`, `x2Tea26`},
		{`{% for i in data.items %}{{ i.n }} {{ i.name }};{% endfor %}`, `2 Tea;1 Pot;`},
		{`{% if data.order.paid %}paid{% endif %}{% if data.none %}x{% endif %}{% if data.order.id == "A<1>" %}=1{% endif %}`, `paid=1`},
		{`<a href="{{ data.link }}">a</a><a href="{{ data.evil }}">b</a>`, `<a href="https://shop.test/?a=1&amp;b=2">a</a><a href="#">b</a>`},
	} {
		v := ann()
		v.Data, v.NoFooter = data, true
		r := fill(t, Content{Subject: "{{ data.break }}", HTML: tc.in}, Options{Data: true}, v)
		if string(r.HTML) != tc.want || r.Subject != "a Bcc: x" || strings.Contains(string(r.Text), "nsubscribe") {
			t.Errorf("%s gives %s (%s)\n%s", tc.in, r.HTML, r.Subject, r.Text)
		}
		// The engine and the steps give the same.
		if slow := fill(t, Content{HTML: "{% assign x = 1 %}" + tc.in}, Options{Data: true}, v); string(slow.HTML) != tc.want {
			t.Errorf("%s: the engine gives %s", tc.in, slow.HTML)
		}
	}
	if c := mustCompile(t, Content{HTML: `{{ data.order.id }}<p>{{ data.link }}`}, Options{Data: true}); c.html.ops == nil || c.html.ops[0].get == nil {
		t.Error("data is not filled in by steps")
	}
}

func TestDataInLinks(t *testing.T) {
	t.Parallel()
	c := mustCompile(t, Content{HTML: `<a href="https://shop.test/{{ data.id }}">a</a>`}, Options{TrackClicks: true, Data: true})
	v := Vars{Data: map[string]any{"id": "7"}, UnsubscribeURL: "https://x.test/"}
	if got, err := c.RenderLink(1, v); err != nil || got != "https://shop.test/7" {
		t.Errorf("%s %v", got, err)
	}
	if _, static := c.StaticLink(1); static {
		t.Error("it is taken for the same for everybody")
	}
}

func TestRequiredData(t *testing.T) {
	t.Parallel()
	c := mustCompile(t, Content{
		Subject: `{{ data.order }} {{ data.note | default: "" }}`,
		HTML: `{{ data.order }}{% if data.coupon %}{{ data.coupon }}{% endif %}{% for i in data.items %}{{ i.name }}{% endfor %}{{ data.who.name }}{{ data["x y"] }}
			<a href="https://shop.test/{{ data.link }}">a</a>{% assign z = data.assigned %}{{ subscriber.city }}`,
	}, Options{Data: true})
	if diff := cmp.Diff([]string{"assigned", "items", "link", "order", "who.name", "x y"}, c.RequiredData()); diff != "" {
		t.Error(diff)
	}
	data := decode(t, `{"order":null,"items":[],"who":{},"link":"","x y":1}`)
	if diff := cmp.Diff([]string{"assigned", "who.name"}, c.MissingData(data)); diff != "" {
		t.Error(diff)
	}
	list := mustCompile(t, Content{HTML: `{{ data.items.size }}{{ data.items.first.name }}{{ data.text.size }}`}, Options{Data: true})
	if got := list.MissingData(decode(t, `{"items":[{"name":"x"}],"text":"t"}`)); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestDataInACampaignIsAWarning(t *testing.T) {
	t.Parallel()
	c := Content{HTML: `{{ data.order }}`}
	if w := mustCompile(t, c, Options{}).warnings; len(w) != 1 || w[0].Code != "unknown_field" || w[0].Line != 1 {
		t.Errorf("%+v", w)
	}
	if w := mustCompile(t, c, Options{Data: true}).warnings; len(w) != 0 {
		t.Errorf("%+v", w)
	}
}

func FuzzDecodeData(f *testing.F) {
	for _, raw := range []string{`{"a":1}`, `{"a":"\ud800"}`, `{"a":1e999}`, `{"\u0000":1}`, `[]`, `{"a":[{"b":[]}]}`, "{\"a\":\"\xff\"}"} {
		f.Add([]byte(raw))
	}
	c := mustCompile(f, Content{HTML: `{{ data.a }}{{ data.a.b }}{% for x in data.a %}{{ x }}{% endfor %}`}, Options{Data: true})
	f.Fuzz(func(t *testing.T, raw []byte) {
		data, err := DecodeData(raw)
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Fatal(err)
			}
			return
		}
		c.MissingData(data)
		var r Rendered
		if err := c.Render(&r, Vars{Data: data, UnsubscribeURL: "https://x.test/"}, testURLs{}); err != nil && !errs.Is(err, errs.Invalid) {
			t.Fatal(err)
		}
	})
}
