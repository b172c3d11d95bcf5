package templates

import (
	"strings"
	"testing"
)

// benchContent is a mail of about 6 KB with five fields and five links.
func benchContent() Content {
	var b strings.Builder
	b.WriteString(`<!doctype html><html><head><style>td{padding:8px}</style></head><body><p>Dear {{ subscriber.first_name | default: "friend" }},</p>`)
	for i := range 5 {
		b.WriteString(`<table role="presentation"><tr><td style="font:16px/1.5 sans-serif">`)
		b.WriteString(strings.Repeat("Some words about the spring offer in your town, with its own tone. ", 16))
		b.WriteString(`<a href="https://shop.example.org/offers/` + string(rune('a'+i)) + `?utm_source=mail&amp;utm_campaign=spring">Read more</a></td></tr></table>`)
	}
	b.WriteString(`<p>{{ subscriber.name }} in {{ subscriber.city }}, {{ subscriber.email }}</p><p><a href="{{ unsubscribe_url }}">Leave</a></p></body></html>`)
	return Content{Subject: "{{ subscriber.first_name }}, spring is here", Preheader: "Only this week", HTML: b.String()}
}

func benchRender(b *testing.B, c Content) {
	compiled := mustCompile(b, c, Options{TrackOpens: true, TrackClicks: true})
	v := ann()
	var r Rendered
	if err := compiled.Render(&r, v, staticURLs{}); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(r.HTML) + len(r.Text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := compiled.Render(&r, v, staticURLs{}); err != nil {
			b.Fatal(err)
		}
	}
}

type staticURLs struct{}

func (staticURLs) Open() string        { return "https://news.example.org/t/o/mfrggzdfmztwq2lk" }
func (staticURLs) Click(int) string    { return "https://news.example.org/t/c/mfrggzdfmztwq2lk" }
func (staticURLs) Unsubscribe() string { return "https://news.example.org/u/mfrggzdfmztwq2lk" }
func (staticURLs) Preferences() string { return "https://news.example.org/p/mfrggzdfmztwq2lk" }

func BenchmarkRender(b *testing.B) {
	b.Run("fast", func(b *testing.B) { benchRender(b, benchContent()) })
	b.Run("engine", func(b *testing.B) {
		c := benchContent()
		c.HTML = "{% assign x = 1 %}" + c.HTML
		benchRender(b, c)
	})
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		mustCompile(b, benchContent(), Options{TrackOpens: true, TrackClicks: true})
	}
}
