package message

import (
	"bytes"
	"io"
	"mime/quotedprintable"
	"strings"
	"testing"
	"time"
)

// written puts literals and values together in turns.
func written(literals, values []string) *PartWriter {
	p := Precode(literals)
	if p == nil {
		return nil
	}
	var w PartWriter
	w.Reset(p)
	for i := range literals {
		w.Literal(i)
		if i < len(values) {
			w.Personal([]byte(values[i]))
		}
	}
	return &w
}

func checkPart(t *testing.T, literals, values []string) {
	t.Helper()
	w := written(literals, values)
	if w == nil {
		return
	}
	var want strings.Builder
	for i, lit := range literals {
		want.WriteString(normal(lit))
		if i < len(values) {
			want.WriteString(normal(values[i]))
		}
	}
	coded := w.quote()
	text, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(coded)))
	if err != nil || string(text) != want.String() {
		t.Fatalf("%q %q\ngot  %q, %v\nwant %q", literals, values, text, err, want.String())
	}
	for line := range strings.Lines(string(coded)) {
		line = strings.TrimSuffix(line, "\r\n")
		if len(line) > maxQPLine || strings.HasPrefix(line, ".") || strings.ContainsAny(line, "\r\n") || strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") {
			t.Fatalf("%q %q: line %q", literals, values, line)
		}
	}
	if !w.plain || !w.assemble() {
		return
	}
	if string(w.out) != want.String() {
		t.Fatalf("%q %q as it is\ngot  %q\nwant %q", literals, values, w.out, want.String())
	}
	if !isSevenBit(w.out) || longLine(w.out) {
		t.Fatalf("%q %q cannot go out as 7bit", literals, values)
	}
}

// normal is the text with CRLF and valid UTF-8, as it should arrive.
func normal(s string) string {
	var c Composer
	return string(c.normalise([]byte(s)))
}

func TestPrecodedPartReadsAsWritten(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word.", 60)
	for _, tc := range [][2][]string{
		{{"<p>Dear ", ",</p>\n<p>"}, {"Zoë"}},
		{{long, long, ""}, {"x", ".", long}},
		{{"a \n", " \r\nb\t", "."}, {" ", "\t"}},
		{{"line\n", "\nnext"}, {""}},
		{{"=", "=3D", strings.Repeat("=", 80)}, {"=\n", "é"}},
		{{"", "", ""}, {"\xff\xfe", "\r", "\n"}},
		{{strings.Repeat("x", 74), strings.Repeat("x", 75), strings.Repeat("x", 76)}, {".", "..", "."}},
	} {
		checkPart(t, tc[0], tc[1])
	}
}

func TestPrecodeLeavesTextThatIsNotASCIIToBase64(t *testing.T) {
	t.Parallel()
	if Precode([]string{strings.Repeat("Дорогие друзья, ", 50)}) != nil {
		t.Error("Cyrillic text was encoded as quoted-printable, three bytes for one")
	}
	if Precode([]string{strings.Repeat("Liebe Gäste, ", 50)}) == nil {
		t.Error("German text was not precoded")
	}
}

func TestPartIsPlainWhereItCanBe(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		literals, values []string
		want             string
	}{
		{[]string{"<p>Dear ", ",</p>\n"}, []string{"Ann"}, "7bit"},
		{[]string{"<p>Dear ", ",</p>\n"}, []string{"Zoë"}, "quoted-printable"},
		{[]string{"<p>Liebe Gäste, ", ",</p>\n"}, []string{"Ann"}, "quoted-printable"},
		{[]string{"a", "b"}, []string{strings.Repeat("x", 997)}, "quoted-printable"},
		{[]string{"a\n", "\nb"}, []string{strings.Repeat("x", 997)}, "7bit"},
		{[]string{strings.Repeat("x", 600), strings.Repeat("x", 600)}, nil, "quoted-printable"},
		{[]string{"a", "b"}, []string{"bell\x07"}, "quoted-printable"},
		{[]string{"a", "b"}, []string{"one\rtwo"}, "quoted-printable"},
		{[]string{"a", "b"}, []string{"one\r"}, "quoted-printable"},
		{[]string{"a", "b"}, []string{"--=_x", ""}, "quoted-printable"},
	} {
		got := string(written(tc.literals, tc.values).appendTo(nil, "text/plain", "=_x"))
		if !strings.Contains(got, "Content-Transfer-Encoding: "+tc.want+"\r\n") {
			t.Errorf("%.80q %.80q: %.200s, want %s", tc.literals, tc.values, got, tc.want)
		}
	}
}

func FuzzPrecoded(f *testing.F) {
	f.Add("<p>Dear ", ",</p>\n", "Ann", "\r")
	f.Add(" .\t", "\n.", ".", " ")
	f.Fuzz(func(t *testing.T, a, b, v, w string) {
		// A CR at the end of one piece and an LF at the start of the next are two line ends; in one piece they are one.
		if strings.ContainsAny(a+b+v+w, "\r") || len(a+b+v+w) > 10_000 {
			t.Skip()
		}
		checkPart(t, []string{a, b}, []string{v, w})
	})
}

func TestPrecodedMessageIsTheSameMessage(t *testing.T) {
	t.Parallel()
	m := Message{FromName: "Zoë & Söhne", FromEmail: "news@acme.example", ToEmail: "ann@acme.example", ReplyTo: "reply@acme.example", Subject: "Hi",
		MessageID: "1@acme.example", Date: time.Unix(0, 0).UTC(), ListID: "l.acme.example", FeedbackID: "a:b:c:d", Precedence: true,
		Text: []byte("Dear Zoë,\n"), HTML: []byte("<p>Dear Zoë,</p>\n")}
	var c Composer
	want, err := c.Append(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	fixed, err := Fix(&m)
	if err != nil {
		t.Fatal(err)
	}
	var w PartWriter
	w.Reset(Precode([]string{"<p>Dear ", ",</p>\n"}))
	w.Literal(0)
	w.Personal([]byte("Zoë"))
	w.Literal(1)
	got, err := c.Append(nil, &Message{Fixed: fixed, ToEmail: m.ToEmail, Subject: m.Subject, MessageID: m.MessageID, Date: m.Date, Text: m.Text, HTMLPart: &w})
	if err != nil {
		t.Fatal(err)
	}
	// A blank at the end of a piece and the break after it are written so that they survive whatever follows.
	unfold := func(b []byte) string { return strings.NewReplacer("=\r\n", "", "=20", " ").Replace(string(b)) }
	if unfold(got) != unfold(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
