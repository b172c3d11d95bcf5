package preflight

import (
	"strings"
	"testing"
	"time"
)

// TestHostileMailCostsLittle repeats what could make a check take ever longer for each byte more.
func TestHostileMailCostsLittle(t *testing.T) {
	t.Parallel()
	const size = 256 << 10
	for _, piece := range []string{
		"<a href=x>", "<a href='https://a.net/'>x", "<p>", "<style>", "<style>a{b:c(", "<p style=\"a:'\">", "{{", "[FNAME]", "<div hidden>x", "</p>", "Dear ", "<!--", "(", "<b style='display:flex'>", "*|", "www.a.net ",
		"<img src=a>", "&amp;", "<svg>", "unsub", "%%", "[[", "\n", "<style>@media{@media{", "12345 ", "<style>/*", "{%", "lorem", ".,!?",
	} {
		html := strings.Repeat(piece, size/len(piece))
		raw := []byte("From: a@b.org\nDate: x\nSubject: y\nContent-Type: text/html; charset=utf-8\n\n" + html)
		began := time.Now()
		sane(t, Check(Input{Samples: []Sample{{Raw: raw}}}))
		if took := time.Since(began); took > time.Minute { // what grows with the square takes several; a machine that is busy, or looks for races, does not
			t.Errorf("%q: %s", piece, took)
		} else if took > time.Second {
			t.Logf("%q: %s", piece, took)
		}
	}
}
