package listener

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"postrider/events"
)

func TestParsePath(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("l", mostLocal)
	tests := map[string]struct {
		want path
		rest string
	}{
		"<>":                                   {},
		"<> BODY=8BITMIME":                     {rest: " BODY=8BITMIME"},
		"<a@b.example>":                        {want: path{"a", "b.example"}},
		"<@relay.example,@x.example:a@b>":      {want: path{"a", "b"}},
		"<postmaster>":                         {want: path{"postmaster", ""}},
		"<a+b-c=d/e@b>":                        {want: path{"a+b-c=d/e", "b"}},
		`<"a b>@\"\\"@b>`:                      {want: path{`a b>@"\`, "b"}},
		"<ü@bücher.example> SMTPUTF8":          {want: path{"ü", "bücher.example"}, rest: " SMTPUTF8"},
		"<a@[192.0.2.1]>":                      {want: path{"a", "[192.0.2.1]"}},
		"<a..b.@c>":                            {want: path{"a..b.", "c"}},
		"<" + long + "@b>":                     {want: path{long, "b"}},
		"<a@" + strings.Repeat("d", 255) + ">": {want: path{"a", strings.Repeat("d", 255)}},
	}
	for in, tt := range tests {
		got, rest, ok := parsePath(in)
		if !ok || rest != tt.rest || got != tt.want {
			t.Errorf("%s: got %+v, rest %q, ok %v", in, got, rest, ok)
		}
	}
	for _, in := range []string{"", "a@b", "<", "<a", "<a@", "<a@>", "<@b>", "<a@b", "<a@b@c>", "< a@b>", "<a b@c>", "<a@b c>", `<"">`, `<""@b>`, `<"a@b>`, `<"a\`, `<"a"b@c>`,
		"<a<b@c>", "<@x>", "<@x a@b>", "<a\x00@b>", "<a@b\r>", "<\"a\n\"@b>", "<\xff@b>", "<" + long + "l@b>", "<a@" + strings.Repeat("d", 256) + ">", "<a@b\u2028>", "<\u0085@b>"} {
		if p, _, ok := parsePath(in); ok {
			t.Errorf("%q is taken for %+v", in, p)
		}
	}
}

func TestRecipientOfAPath(t *testing.T) {
	t.Parallel()
	tests := map[string]recipient{
		"<b-abc@Bounces.Example.ORG>":   {domain: "bounces.example.org", kind: events.ReturnPath, token: "abc"},
		"<b-abc@bounces.example.org.>":  {domain: "bounces.example.org", kind: events.ReturnPath, token: "abc"},
		"<B-ABC@b.example>":             {domain: "b.example", kind: events.ReturnPath, token: "abc"},
		"<House+U-Abc@b.example>":       {domain: "b.example", kind: events.Unsubscribe, token: "abc"},
		"<house+x+b-abc@b.example>":     {domain: "b.example", kind: events.ReturnPath, token: "abc"},
		"<house+b-abc+x@b.example>":     {domain: "b.example"},
		"<+b-abc@b.example>":            {domain: "b.example"},
		"<house@b.example>":             {domain: "b.example"},
		"<PostMaster@b.example>":        {domain: "b.example", role: true},
		"<abuse@b.example>":             {domain: "b.example", role: true},
		"<Postmaster>":                  {role: true},
		"<abuse>":                       {},
		"<b-abc@bücher.example>":        {domain: "xn--bcher-kva.example", kind: events.ReturnPath, token: "abc"},
		"<b-abc@XN--BCHER-KVA.example>": {domain: "xn--bcher-kva.example", kind: events.ReturnPath, token: "abc"},
		`<"b-abc"@b.example>`:           {domain: "b.example", kind: events.ReturnPath, token: "abc"},
	}
	for in, want := range tests {
		p, _, ok := parsePath(in)
		got, known := p.recipient()
		if !ok || !known {
			t.Errorf("%s cannot be read", in)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(recipient{})); diff != "" {
			t.Errorf("%s: %s", in, diff)
		}
	}
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"<>", "<a@b.example>", "<@x:a@b>", `<"a b\"\\"@b> SIZE=1`, "<ü@bücher.example>", "<postmaster>", "<a+b-c@d>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		p, rest, ok := parsePath(in)
		if !ok {
			return
		}
		p.recipient()
		if !strings.HasSuffix(in, rest) {
			t.Errorf("%q leaves %q", in, rest)
		}
		if a := p.address(); strings.ContainsFunc(a, func(r rune) bool { return r < ' ' || r == 0x7f }) || !utf8.ValidString(a) || len(a) > 2*mostLocal+mostDomain+3 {
			t.Errorf("%q gives the address %q", in, a)
		}
		again, rest, ok := parsePath("<" + p.address() + ">")
		if !ok || rest != "" || again != p {
			t.Errorf("%q gives %+v, and its address %q gives %+v, %q, %v", in, p, p.address(), again, rest, ok)
		}
	})
}
