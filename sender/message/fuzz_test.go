package message

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/mail"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	gomessage "github.com/emersion/go-message"
)

// check asserts what must hold for every composed message.
func check(t *testing.T, m *Message, raw []byte) {
	t.Helper()
	checkLines(t, raw)
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("net/mail: %v\n%s", err, raw)
	}
	for k, v := range msg.Header {
		if len(v) != 1 {
			t.Fatalf("%s occurs %d times", k, len(v))
		}
	}
	for _, k := range []string{"From", "To"} {
		if l, err := msg.Header.AddressList(k); err != nil || len(l) != 1 {
			t.Fatalf("%s is not one address: %v, %q", k, err, msg.Header.Get(k))
		}
	}
	checkFields(t, m, msg.Header)
	checkBodies(t, m, raw)
}

func checkLines(t *testing.T, raw []byte) {
	t.Helper()
	if !bytes.HasSuffix(raw, []byte("\r\n")) {
		t.Fatal("does not end in CRLF")
	}
	header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	for i, line := range bytes.Split(raw, []byte("\r\n")) {
		if len(line) > maxLine || bytes.ContainsAny(line, "\r\n\x00") {
			t.Fatalf("line %d is bad: %q", i, line)
		}
		for _, b := range line {
			if b >= utf8.RuneSelf {
				t.Fatalf("line %d is not 7-bit: %q", i, line)
			}
		}
	}
	for _, line := range bytes.Split(header, []byte("\r\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			t.Fatalf("blank line inside the header")
		}
		for _, w := range bytes.Fields(line) {
			if bytes.HasPrefix(w, []byte("=?utf-8?")) && len(w) > maxWord {
				t.Fatalf("encoded word of %d: %q", len(w), w)
			}
		}
	}
}

func checkFields(t *testing.T, m *Message, h mail.Header) {
	t.Helper()
	allowed := len(m.Extra)
	for k := range h {
		switch k {
		case "From", "To", "Reply-To", "Subject", "Date", "Message-Id", "List-Unsubscribe", "List-Unsubscribe-Post",
			"List-Id", "Feedback-Id", "Precedence", "X-Auto-Response-Suppress", "Mime-Version", "Content-Type", "Content-Transfer-Encoding":
		default:
			allowed--
		}
	}
	if allowed != 0 {
		t.Fatalf("unexpected fields in %v", h)
	}
	dec := new(mime.WordDecoder)
	got, err := dec.DecodeHeader(h.Get("Subject"))
	want := strings.ToValidUTF8(strings.Trim(m.Subject, " \t"), "\ufffd")
	if err != nil || strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
		t.Fatalf("subject %q, want %q (%v)", got, want, err)
	}
	from, err := h.AddressList("From")
	if name := strings.ToValidUTF8(strings.Trim(m.FromName, " \t"), "\ufffd"); err != nil || strings.Join(strings.Fields(from[0].Name), " ") != strings.Join(strings.Fields(name), " ") {
		t.Fatalf("from name %q, want %q (%v)", from[0].Name, name, err)
	}
}

func checkBodies(t *testing.T, m *Message, raw []byte) {
	t.Helper()
	e, err := gomessage.Read(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("go-message: %v", err)
	}
	want := [][]byte{}
	for _, b := range [][]byte{m.Text, m.HTML} {
		if len(b) > 0 {
			want = append(want, append([]byte(nil), new(Composer).normalise(b)...))
		}
	}
	mr := e.MultipartReader()
	if mr == nil {
		got, err := io.ReadAll(e.Body)
		if err != nil || len(want) != 1 || !bytes.Equal(trimEnd(got), trimEnd(want[0])) {
			t.Fatalf("body %q, want %q (%v)", got, want, err)
		}
		return
	}
	for i := 0; ; i++ {
		p, err := mr.NextPart()
		if err == io.EOF {
			if i != len(want) {
				t.Fatalf("%d parts, want %d", i, len(want))
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(p.Body)
		if err != nil || i >= len(want) || !bytes.Equal(got, want[i]) {
			t.Fatalf("part %d is %q, want %q (%v)", i, got, want, err)
		}
	}
}

// trimEnd forgives the line end a single 7-bit part has to gain.
func trimEnd(b []byte) []byte { return bytes.TrimSuffix(b, []byte("\r\n")) }

func FuzzAppend(f *testing.F) {
	f.Add("Acme", "news@acme.example", "Ann", "ann@x.example", "Hi", "id@x", "https://x.example/u", "u@x.example", "l.x", "a:b:c:d", "X-A", "v", []byte("text"), []byte("<p>"))
	f.Add("Zoë, \"q\"", "n@büro.example", "=?utf-8?q?x?=", "a..b@x.example", strings.Repeat("ü  ", 40), "<i@x>", "", "mailto:u@x", "", "", "X-B", "\tv ", []byte("a\rb\nc\r\n.\n"), []byte("é \n"))
	f.Add("a\r\nBcc: x", "n@x", "", "a@x", "s", "i@x", "http://127.0.0.1/u", "", "", "", "Bcc", "x", []byte{0xff, 0}, []byte{})
	f.Fuzz(func(t *testing.T, fromName, from, toName, to, subject, id, url, mailto, listID, feedback, xn, xv string, text, html []byte) {
		m := Message{FromName: fromName, FromEmail: from, ToName: toName, ToEmail: to, Subject: subject, MessageID: id,
			ListUnsubscribeURL: url, ListUnsubscribeMailto: mailto, ListID: listID, FeedbackID: feedback,
			Date: time.Unix(1700000000, 0), Text: text, HTML: html, Extra: []Header{{xn, xv}}, Precedence: true}
		out, err := new(Composer).Append(nil, &m)
		if err != nil {
			var h *HeaderError
			if !errors.As(err, &h) && !errors.Is(err, ErrEmptyBody) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		check(t, &m, out)
	})
}

func BenchmarkAppend(b *testing.B) {
	m := full()
	m.Text = []byte(strings.Repeat("Ein Absatz über das, was neu ist, mit ein paar Wörtern.\n", 32))
	m.HTML = []byte(strings.Repeat("<p style=\"margin:0\">Ein Absatz über das, was neu ist.</p>\n", 85))
	var c Composer
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		out, err := c.Append(buf[:0], &m)
		if err != nil {
			b.Fatal(err)
		}
		buf = out
	}
	b.SetBytes(int64(len(buf)))
}
