package feed

import (
	"slices"
	"strings"
	"testing"

	xhtml "golang.org/x/net/html"
)

func TestSanitize(t *testing.T) {
	t.Parallel()
	const base = "https://e.org/blog/post.html"
	for source, want := range map[string]string{
		`<p onclick="x()" style="color:red" class="a" id="b">A</p>`:        `<p>A</p>`,
		`<a href="x.html">A</a>`:                                           `<a href="https://e.org/blog/x.html">A</a>`,
		`<a href="/x?a=1&b=2">A</a>`:                                       `<a href="https://e.org/x?a=1&amp;b=2">A</a>`,
		`<a href="https://e.org/?utm_source=a&amp;utm_medium=b">A</a>`:     `<a href="https://e.org/?utm_source=a&amp;utm_medium=b">A</a>`,
		`<a href="javascript:alert(1)">A</a>`:                              `A`,
		"<a href=\"java\tscript:alert(1)\">A</a>":                          `A`,
		`<a href="mailto:a@b.org">A</a>`:                                   `<a href="mailto:a@b.org">A</a>`,
		`<img src="a.png" alt="A &quot;b&quot;" width="100" height="50%">`: `<img style="max-width:100%;height:auto" src="https://e.org/blog/a.png" alt="A &#34;b&#34;" width="100">`,
		`<img src="data:image/png;base64,AA==" alt="x">`:                   `<img style="max-width:100%;height:auto" alt="x">`,
		`<img src="a.png" width="1" height="1">`:                           ``,
		`<b><i>A</b>B`:                                                     `<b><i>A</i></b>B`,
		`</td></table></div>A`:                                             `A`,
		`<script>x</script><style>y</style>A`:                              `A`,
		`<svg><script>x</script><a href="y">z</a></svg>A`:                  `A`,
		`<iframe src="//www.youtube.com/embed/1"></iframe>`:                `<p><a href="https://www.youtube.com/embed/1">▶ youtube.com</a></p>`,
		`<video src="javascript:x"><p>no</p></video>A`:                     `A`,
		`<a href="a">A<a href="b">B</a></a>`:                               `<a href="https://e.org/blog/a">A</a><a href="https://e.org/blog/b">B</a>`,
		`<div style="display: none"><div>x</div>y</div>A<br hidden>`:       `A`,
		`a < b & c`:                            `a &lt; b &amp; c`,
		`<!-- c --><?php x ?><!doctype html>A`: `A`,
		`&lt;script&gt;`:                       `&lt;script&gt;`,
		`<button>x</button><form><input value=1>F</form>`: `F`,
		`<img src=x <p>`: `<img style="max-width:100%;height:auto" src="https://e.org/blog/x">`,
	} {
		if got := Sanitize(source, base); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
		checkSafe(t, Sanitize(source, base))
	}
}

// checkSafe asks independently of the policy: every element is closed in order, and nothing is there that runs, styles or loads.
func checkSafe(t *testing.T, safe string) {
	t.Helper()
	var open []string
	z := xhtml.NewTokenizer(strings.NewReader(safe))
	for {
		switch z.Next() {
		case xhtml.ErrorToken:
			if len(open) > 0 {
				t.Errorf("%v stay open in %q", open, safe)
			}
			return
		case xhtml.StartTagToken, xhtml.SelfClosingTagToken:
			tok := z.Token()
			if slices.Contains([]string{"script", "style", "iframe", "svg", "math", "form", "input", "object", "embed", "meta", "base", "link", "textarea", "template", "noscript", "button"}, tok.Data) {
				t.Errorf("<%s> in %q", tok.Data, safe)
			}
			for _, a := range tok.Attr {
				checkAttr(t, tok.Data, a)
			}
			if !slices.Contains(voids, tok.Data) {
				open = append(open, tok.Data)
			}
		case xhtml.EndTagToken:
			tok := z.Token()
			if len(open) == 0 || open[len(open)-1] != tok.Data {
				t.Errorf("</%s> closes nothing in %q", tok.Data, safe)
				return
			}
			open = open[:len(open)-1]
		case xhtml.CommentToken, xhtml.DoctypeToken:
			t.Errorf("a comment in %q", safe)
		}
	}
}

func checkAttr(t *testing.T, element string, a xhtml.Attribute) {
	t.Helper()
	value := strings.ToLower(a.Val)
	switch {
	case strings.HasPrefix(a.Key, "on"), a.Key == "style" && (element != "img" || a.Val != "max-width:100%;height:auto"), a.Key == "srcset", a.Key == "class", a.Key == "id":
		t.Errorf("attribute %s=%q", a.Key, a.Val)
	case a.Key == "href" && !strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, "mailto:"),
		a.Key == "src" && !strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "https://"):
		t.Errorf("address %s=%q", a.Key, a.Val)
	}
}

func FuzzSanitize(f *testing.F) {
	for _, s := range []string{`<p>A`, `<a href="javascript:x">`, `<svg><style><img src=x onerror=1>`, `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<img src="&#x6A;avascript:x">`, `<xmp><b></xmp>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) { checkSafe(t, Sanitize(source, home)) })
}
