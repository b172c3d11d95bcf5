package feed

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postrider/internal/errs"
	"postrider/templates"
)

// update writes what Parse gives as the golden results: look at the difference before it is committed.
var update = flag.Bool("update", false, "write the golden files")

const home = "https://feeds.example.org/dir/feed.xml"

func corpus(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(name string) bool { return strings.HasSuffix(name, ".golden") })
	if len(all) < 20 {
		t.Fatalf("only %d feeds", len(all))
	}
	return all
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	for _, name := range corpus(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			enc := json.NewEncoder(&out)
			enc.SetEscapeHTML(false)
			enc.SetIndent("", "  ")
			f, err := Parse(body, "", home)
			var e *errs.E
			switch {
			case errors.As(err, &e) && e.Kind == errs.Invalid:
				out.WriteString("error: " + e.Public + "\n")
			case err != nil:
				t.Fatal(err)
			default:
				_ = enc.Encode(f)
			}
			if *update {
				if err := os.WriteFile(name+".golden", []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name + ".golden")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), out.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func rss(items string) []byte {
	return []byte(`<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:x="urn:x"><channel><title>T</title>` + items + `</channel></rss>`)
}

func parse(t *testing.T, body []byte, contentType string) Feed {
	t.Helper()
	f, err := Parse(body, contentType, home)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestHostileXML(t *testing.T) {
	t.Parallel()
	deep := func(n int) []byte {
		return rss("<item>" + strings.Repeat("<x:a>", n) + strings.Repeat("</x:a>", n) + "</item>")
	}
	var attrs strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&attrs, "a%d='x' ", i)
	}
	for name, tc := range map[string]struct {
		body []byte
		want string // "" is no error
	}{
		"deep":            {deep(1000), "deep in each other"},
		"not so deep":     {deep(40), ""},
		"never closed":    {rss("<item>" + strings.Repeat("<x:a>", 900_000)), "deep in each other"},
		"many elements":   {rss("<item>" + strings.Repeat("<x:a/>", maxElements+1) + "</item>"), "more than 20000 elements"},
		"many attributes": {rss("<item><x:a " + attrs.String() + "/><title>t</title></item>"), ""},
		"large text":      {rss("<item><title>" + strings.Repeat("a", 4<<20) + "</title></item>"), ""},
		"large":           {rss(strings.Repeat("a", MaxBody)), "larger than 5 MB"},
		"many items":      {rss(strings.Repeat("<item/>", 500_000)), ""},
		"large doctype":   {append([]byte("<!DOCTYPE x ["+strings.Repeat(`<!ENTITY a "b">`, 100_000)+"]>"), rss("")...), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := Parse(tc.body, "", home)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Fatal(err)
			}
			checkFeed(t, f)
		})
	}
}

// The newest items of a large feed are kept, wherever they stand.
func TestNewestItemsAreKept(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range MaxItems + 100 {
		fmt.Fprintf(&b, "<item><guid>%d</guid><title>t</title><pubDate>%s</pubDate></item>", i, day.AddDate(0, 0, i).Format(time.RFC1123Z))
	}
	f := parse(t, rss(b.String()), "")
	if len(f.Items) != MaxItems || f.Items[0].ID != "100" || f.Items[MaxItems-1].ID != fmt.Sprint(MaxItems+99) {
		t.Errorf("%d items from %s", len(f.Items), f.Items[0].ID)
	}
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	utf := []byte(`<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>é</title></channel></rss>`)
	latin := []byte("<rss version=\"2.0\"><channel><title>\xe9</title></channel></rss>")
	for name, tc := range map[string]struct {
		body        []byte
		contentType string
	}{
		"a server that is wrong": {utf, "text/xml; charset=iso-8859-1"},
		"a server that is right": {latin, "text/xml; charset=iso-8859-1"},
		"nobody says":            {latin, ""},
		"an unknown name":        {latin, "text/xml; charset=klingon"},
		"utf-8 that is none":     {latin, "text/xml; charset=utf-8"},
		"nonsense":               {utf, ";;;"},
	} {
		if f := parse(t, tc.body, tc.contentType); f.Title != "é" {
			t.Errorf("%s: %q", name, f.Title)
		}
	}
}

func TestDates(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Mon, 04 May 2026 07:30:00 +0000":        "2026-05-04T07:30:00Z",
		"Mon, 4 May 2026 07:30:00 GMT":           "2026-05-04T07:30:00Z",
		"Monday, 04 May 2026 07:30 EDT":          "2026-05-04T11:30:00Z",
		"04 May 26 07:30:00 +02:00":              "2026-05-04T05:30:00Z",
		"Mon, 04 May 2026 07:30:00 +0200 (CEST)": "2026-05-04T05:30:00Z",
		"Mon, 04 May 2026 07:30:00 GMT+0200":     "2026-05-04T05:30:00Z",
		"Tues, 01 Sept 2026 07:30:00 Z":          "2026-09-01T07:30:00Z",
		"2026-05-04T07:30:00.123456+02:00":       "2026-05-04T05:30:00.123456Z",
		"2026-05-04":                             "2026-05-04T00:00:00Z",
		"May 4, 2026":                            "2026-05-04T00:00:00Z",
		"2026-05-04 07:30:00":                    "2026-05-04T07:30:00Z",
		"  Mon,  04 May\n2026 07:30:00   UTC ":   "2026-05-04T07:30:00Z",
		"yesterday":                              "", "": "", "0000-00-00": "", "1970-01-01": "", "9999-01-01": "", "32 May 2026": "",
	} {
		got := ""
		if at := parseDate(text); !at.IsZero() {
			got = at.Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a  b\n c": "a b c", "How to use <video> in HTML": "How to use <video> in HTML", "<b>Bold</b> &amp; more": "Bold & more", "R&D; and AT&T": "R&D; and AT&T",
	} {
		if got := line(titleText(text), 100); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := line("one two three four five", 15); got != "one two three…" {
		t.Errorf("cut: %q", got)
	}
	if got := line(plainText("<p>A</p><p>B &amp; C</p><script>x</script><style>y</style>D<br>E"), 100); got != "A B & C D E" {
		t.Errorf("text: %q", got)
	}
	for text, want := range map[string]string{"bob@example.org (Bob B)": "Bob B", "bob@example.org": "", "Bob": "Bob", "Bob <bob@example.org>": "Bob "} {
		if got := person(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
}

// What looks like Liquid stays text: templates.Expand is what keeps it from being run, and must see it as it is.
func TestDataCarriesBracesUntouched(t *testing.T) {
	t.Parallel()
	f := parse(t, rss(`<item><guid>1</guid><title>{{ subscriber.email }}</title><link>https://e.org/</link><description>&lt;p&gt;{% include 'x' %} {{ 1 | times: 2 }}&lt;/p&gt;</description></item>`), "")
	d := f.Data()
	it := d["items"].([]any)[0].(map[string]any)
	if it["title"] != "{{ subscriber.email }}" || it["summary"] != "{% include 'x' %} {{ 1 | times: 2 }}" {
		t.Errorf("%v", it)
	}
	if it["html"] != templates.SafeHTML("<p>{% include &#39;x&#39; %} {{ 1 | times: 2 }}</p>") {
		t.Errorf("%T %v", it["html"], it["html"])
	}
	if it["published"] != nil || d["title"] != "T" || it["url"] != "https://e.org/" {
		t.Errorf("%v", d)
	}
}

// From a feed to a mail: what looks like Liquid is shown, item.html is put in as it is, everything else is escaped.
func TestItemsInAMail(t *testing.T) {
	t.Parallel()
	f := parse(t, rss(`<item><guid>1</guid><title>{{ subscriber.email }} &lt;x&gt; R&amp;D</title><description>&lt;p&gt;{% if x %} {{ 7 | times: 7 }}&lt;/p&gt;</description></item>`), "")
	src, err := templates.Expand(templates.Source{
		Subject: "{{ feed.items[0].title }}", HTML: "{% for item in feed.items %}<h2>{{ item.title }}</h2>{{ item.html }}{% endfor %}<p>{{ subscriber.email }}</p>",
	}, map[string]any{"feed": f.Data()})
	if err != nil {
		t.Fatal(err)
	}
	p, err := templates.Preview(templates.Content{Subject: src.Subject, HTML: src.HTML}, templates.Vars{Subscriber: templates.Person{Email: "bob@example.org"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	if p.Subject != "{{ subscriber.email }} <x> R&D" {
		t.Errorf("subject %q", p.Subject)
	}
	for _, want := range []string{"<h2>{{ subscriber.email }} &lt;x&gt; R&amp;D</h2>", "<p>{% if x %} {{ 7 | times: 7 }}</p>", "<p>bob@example.org</p>"} {
		if shown := strings.ReplaceAll(p.HTML, "&#123;", "{"); !strings.Contains(shown, want) { // Expand writes braces as references
			t.Errorf("%q is missing in %q", want, shown)
		}
	}
}

func checkFeed(t *testing.T, f Feed) {
	t.Helper()
	if len(f.Items) > MaxItems {
		t.Errorf("%d items", len(f.Items))
	}
	seen := map[string]bool{}
	for _, it := range f.Items {
		if it.ID == "" || len(it.ID) > maxID || seen[it.ID] {
			t.Errorf("ID %q", it.ID)
		}
		seen[it.ID] = true
		for _, u := range []string{it.URL, it.Image} {
			if u != "" && !strings.HasPrefix(strings.ToLower(u), "http") || len(u) > maxURL {
				t.Errorf("address %q", u)
			}
		}
		if len([]rune(it.Title)) > maxTitle || len([]rune(it.Summary)) > maxSummary {
			t.Errorf("lengths of %q", it.ID)
		}
		checkSafe(t, it.HTML)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range corpus(f) {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, "text/xml")
	}
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		got, err := Parse(body, contentType, home)
		if err != nil {
			if k := errs.KindOf(err); k != errs.Invalid && k != errs.TooLarge {
				t.Errorf("kind %d: %v", k, err)
			}
			return
		}
		checkFeed(t, got)
	})
}
