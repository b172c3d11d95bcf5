package templates

import (
	"runtime"
	"strings"
	"testing"

	"postrider/internal/errs"
)

// chained is an output with a filter applied to it over and over; what is shown in the end is short.
func chained(value, filter string, times int) string {
	return "{{ " + value + strings.Repeat(" | "+filter, times) + " | size }}"
}

// A few bytes of a template must not become more than memory holds, whatever filter is applied how often.
func TestFiltersAreBounded(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		filter string
		times  int
	}{
		"json":          {"json", 60},
		"json and safe": {"json | safe", 60},
		"escape":        {"escape", 150},
		"url_encode":    {"url_encode", 120},
		"newline_to_br": {`replace: "<br />", "` + `\n\n\n` + `" | newline_to_br`, 15},
		"split":         {`split: "" | downcase`, 50},
		"replace_last":  {`replace_last: "x", subscriber.quarter`, 12},
		"concat":        {`concat: subscriber.list`, 60},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			value := "subscriber.quarter"
			if strings.HasPrefix(tc.filter, "concat") {
				value = "subscriber.list"
			}
			c := mustCompile(t, Content{HTML: "{% if subscriber.quarter %}" + chained(value, tc.filter, tc.times) + "{% endif %}"}, Options{})
			quarter := strings.Repeat(`"<x`+"\n", 50<<10)
			v := Vars{UnsubscribeURL: "https://t.test/", Subscriber: Person{Attributes: map[string]any{"quarter": quarter, "list": []any{quarter, []any{[]any{quarter}}}}}}
			var r Rendered
			err := c.Render(&r, v, nil)
			if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "too long") {
				t.Errorf("%d bytes, error %.300v", len(r.HTML), err)
			}
		})
	}
}

func TestJSONFilter(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`{{ subscriber.tags | json }}`:                           `["a\u003c","b"]`,
		`{{ subscriber.city | json | json }}`:                    `"\"Köln \\u0026 Bonn\""`,
		`{{ subscriber.none | json }}`:                           `null`,
		`{{ subscriber.points | json }}`:                         `12`,
		`{{ subscriber.city | safe | json }}`:                    `"Köln \u0026 Bonn"`,
		`{{ subscriber.tags | json | size }}`:                    `15`,
		`{{ subscriber.tags | concat: subscriber.tags | json }}`: `["a\u003c","b","a\u003c","b"]`,
	} {
		c := mustCompile(t, Content{Text: in}, Options{})
		v := ann()
		v.NoFooter = true
		var r Rendered
		if err := c.Render(&r, v, testURLs{}); err != nil {
			t.Fatal(err)
		}
		if string(r.Text) != want {
			t.Errorf("%s gave %s, not %s", in, r.Text, want)
		}
	}
}

// What is long stays usable by what makes it shorter.
func TestLongValuesCanBeShortened(t *testing.T) {
	t.Parallel()
	v := Vars{NoFooter: true, UnsubscribeURL: "https://t.test/", Subscriber: Person{Attributes: map[string]any{"big": strings.Repeat("<b>word</b> ", 50<<10)}}}
	c := mustCompile(t, Content{Text: `{{ subscriber.big | strip_html | upcase | truncate: 12 }}|{{ subscriber.big | size }}`}, Options{})
	var r Rendered
	if err := c.Render(&r, v, testURLs{}); err != nil {
		t.Fatal(err)
	}
	if want := "WORD WORD...|614400"; string(r.Text) != want {
		t.Errorf("got %q, want %q", r.Text, want)
	}
}

// Chains of filters end with a mail or an error, never with more memory than a mail can need.
func FuzzFilterChain(f *testing.F) {
	names := []string{"json", "escape", "url_encode", "newline_to_br", `split: ""`, `join: "<<"`, "upcase", `append: "\n&\""`, `replace: "a", "&&"`, `replace_last: "&", "x\n"`, "handleize",
		"concat: subscriber.tags", "reverse", "compact", `map: "size"`, "first", "safe", "escape_once", `truncate: 5000, "..."`, `date: "%99Y"`, "sort", "uniq", "url_decode", "capitalize", `slice: 0, 99999`, "strip_html"}
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 1, 1, 1, 2, 2, 2, 2, 7, 3, 7, 3})
	f.Add([]byte{4, 6, 4, 6, 4, 6, 4, 6, 4, 6})
	f.Add([]byte{4, 5, 4, 5, 4, 5, 11, 5, 12})
	f.Fuzz(func(t *testing.T, chain []byte) {
		expr := "subscriber.value"
		for _, n := range chain {
			if len(expr) < maxExpression-60 {
				expr += " | " + names[int(n)%len(names)]
			}
		}
		c, err := Compile(Content{Text: "{{ " + expr + " }}"}, Options{})
		if err != nil {
			return
		}
		v := ann()
		v.Subscriber.Attributes["value"] = strings.Repeat("a\"<\n&", 1000)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		var r Rendered
		err = c.Render(&r, v, testURLs{})
		runtime.ReadMemStats(&after)
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Fatal(err)
		}
		// Each step may make some copies of a value of 256 KB at most.
		if spent := after.TotalAlloc - before.TotalAlloc; spent > uint64(len(chain)+1)*(48<<20) {
			t.Fatalf("%s took %d MB", expr, spent>>20)
		}
	})
}
