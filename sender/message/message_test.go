package message

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func sample() Message {
	return Message{
		FromName: "Acme News", FromEmail: "news@acme.example",
		ToName: "Ann Lee", ToEmail: "ann@reader.example",
		Subject:   "May news",
		MessageID: "d.42.abcdef@acme.example",
		Date:      time.Date(2026, 5, 4, 3, 2, 1, 0, time.FixedZone("", 2*3600)),
		Text:      []byte("Hello Ann,\nread on.\n"),
	}
}

func full() Message {
	m := sample()
	m.FromName = "Zoë & Söhne"
	m.ToName = `Ann "The Reader" Lee`
	m.ToEmail = "ann@büro.example"
	m.ReplyTo = "reply@acme.example"
	m.Subject = "Grüße aus dem Frühling: alles, was im Mai bei uns neu ist und was bleibt"
	m.ListUnsubscribeURL = "https://mail.acme.example/u/eyJkIjo0MiwicyI6MTIzfQ.c2lnbmF0dXJl"
	m.ListUnsubscribeMailto = "unsub+token@acme.example"
	m.ListID = "may.news.acme.example"
	m.FeedbackID = "c42:l7:news:acme"
	m.Precedence = true
	m.HTML = []byte("<p>Grüße, <b>Ann</b>, a line that is longer than seventy-six characters so that it needs a soft break =.</p>\n")
	m.Extra = []Header{{"X-Campaign", "42"}, {"List-Help", "<https://acme.example/help>"}}
	return m
}

func compose(t *testing.T, m Message) string {
	t.Helper()
	out, err := new(Composer).Append(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestGolden(t *testing.T) {
	t.Parallel()
	htmlOnly := sample()
	htmlOnly.Text, htmlOnly.HTML = nil, []byte("<p>hi</p>")
	cyrillic := sample()
	cyrillic.FromName = "Почта России и весь мир, очень длинное имя отправителя рассылки"
	cyrillic.Subject = "Новости за май: всё, что вы пропустили, пока были в отпуске"
	cyrillic.Text = []byte(strings.Repeat("Здравствуйте, дорогой читатель!\n", 6))
	folded := sample()
	folded.Subject = strings.Repeat("several plain words in a row ", 6)
	folded.ListUnsubscribeURL = "https://mail.acme.example/u/" + strings.Repeat("x", 120)
	folded.ListUnsubscribeMailto = "mailto:unsub@acme.example?subject=unsubscribe"
	tests := map[string]Message{
		"text_only": sample(), "html_only": htmlOnly, "full": full(), "cyrillic": cyrillic, "folded": folded,
	}
	for name, m := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := compose(t, m)
			path := filepath.Join("testdata", name+".eml")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
			check(t, &m, []byte(got))
		})
	}
}

func TestAppendKeepsDst(t *testing.T) {
	t.Parallel()
	m := sample()
	var c Composer
	out, err := c.Append([]byte("before|"), &m)
	if err != nil || !bytes.HasPrefix(out, []byte("before|From: ")) {
		t.Fatalf("%v: %.30q", err, out)
	}
	m.Subject = "a\r\nBcc: x@y.example"
	out, err = c.Append(out[:7], &m)
	if err == nil || string(out) != "before|" {
		t.Errorf("after an error dst is %q, %v", out, err)
	}
}

func TestInjectionIsRefused(t *testing.T) {
	t.Parallel()
	const bad = "x\r\nBcc: victim@y.example"
	fields := map[string]func(*Message, string){
		"From":             func(m *Message, s string) { m.FromName = s },
		"To":               func(m *Message, s string) { m.ToName = s },
		"Reply-To":         func(m *Message, s string) { m.ReplyTo = s },
		"Subject":          func(m *Message, s string) { m.Subject = s },
		"Message-ID":       func(m *Message, s string) { m.MessageID = s + "@x" },
		"List-Unsubscribe": func(m *Message, s string) { m.ListUnsubscribeURL = "https://x.example/" + s },
		"List-Id":          func(m *Message, s string) { m.ListID = s },
		"List-Archive":     func(m *Message, s string) { m.ListArchive = s },
		"Feedback-ID":      func(m *Message, s string) { m.FeedbackID = s },
		"X-Extra":          func(m *Message, s string) { m.Extra = []Header{{"X-Extra", s}} },
	}
	for name, set := range fields {
		for _, s := range []string{bad, "a\nb", "a\rb", "a\x00b", "a\x1bb", "tail\r\n"} {
			m := sample()
			set(&m, s)
			_, err := new(Composer).Append(nil, &m)
			var h *HeaderError
			if !errors.As(err, &h) || h.Name != name || !errors.Is(err, ErrControl) {
				t.Errorf("%s with %q: %v", name, s, err)
			}
			if err != nil && strings.Contains(err.Error(), "victim") {
				t.Errorf("%s: the error repeats the value", name)
			}
		}
	}
	for _, set := range []func(*Message){
		func(m *Message) { m.FromEmail = "a@x.example\r\nBcc: b@y.example" },
		func(m *Message) { m.ToEmail = "a@x.example, b@y.example" },
		func(m *Message) { m.ToEmail = "a,b@y.example" },
		func(m *Message) { m.ToEmail = "b@y.example>" },
		func(m *Message) { m.ListUnsubscribeMailto = "a@x.example\nBcc: b@y.example" },
		func(m *Message) { m.ListUnsubscribeURL = "https://x.example/a>,<mailto:b@y.example" },
		func(m *Message) { m.Extra = []Header{{"X-A: b\r\nBcc", "c"}} },
	} {
		m := sample()
		set(&m)
		var h *HeaderError
		if _, err := new(Composer).Append(nil, &m); !errors.As(err, &h) {
			t.Errorf("accepted: %v", err)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set  func(*Message)
		want error
	}{
		"non-ASCII local part":     {func(m *Message) { m.ToEmail = "ännchen@reader.example" }, ErrNeedsSMTPUTF8},
		"no recipient":             {func(m *Message) { m.ToEmail = "" }, ErrMissing},
		"no at sign":               {func(m *Message) { m.ToEmail = "ann" }, ErrInvalid},
		"bad domain":               {func(m *Message) { m.ToEmail = "ann@-x-.example" }, ErrInvalid},
		"no message id":            {func(m *Message) { m.MessageID = "" }, ErrMissing},
		"message id without at":    {func(m *Message) { m.MessageID = "abc" }, ErrInvalid},
		"no date":                  {func(m *Message) { m.Date = time.Time{} }, ErrMissing},
		"plain http":               {func(m *Message) { m.ListUnsubscribeURL = "http://mail.example/u" }, ErrInsecureURL},
		"javascript url":           {func(m *Message) { m.ListUnsubscribeURL = "javascript:alert(1)" }, ErrInvalid},
		"url too long":             {func(m *Message) { m.ListUnsubscribeURL = "https://x.example/" + strings.Repeat("a", 1000) }, ErrTooLong},
		"list id over 255":         {func(m *Message) { m.ListID = strings.Repeat("a.", 128) + "b" }, ErrTooLong},
		"reserved extra":           {func(m *Message) { m.Extra = []Header{{"bCC", "x"}} }, ErrReserved},
		"content extra":            {func(m *Message) { m.Extra = []Header{{"Content-Type", "x"}} }, ErrReserved},
		"extra twice":              {func(m *Message) { m.Extra = []Header{{"X-A", "1"}, {"x-a", "2"}} }, ErrDuplicate},
		"no body":                  {func(m *Message) { m.Text = nil }, ErrEmptyBody},
		"local part over 64 bytes": {func(m *Message) { m.ToEmail = strings.Repeat("a", 65) + "@x.example" }, ErrTooLong},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := sample()
			tc.set(&m)
			if _, err := new(Composer).Append(nil, &m); !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}

func TestHelpersForCallers(t *testing.T) {
	t.Parallel()
	m := sample()
	m.ToEmail = "ännchen@reader.example"
	if _, err := new(Composer).Append(nil, &m); !IsUnsendable(err) {
		t.Errorf("a bad recipient is not told apart: %v", err)
	}
	m = sample()
	m.Subject = "a\nb"
	if _, err := new(Composer).Append(nil, &m); err == nil || IsUnsendable(err) {
		t.Errorf("a bad subject is taken for a bad recipient: %v", err)
	}
	for h, ok := range map[Header]bool{{"X-A", "b"}: true, {"Cc", "b"}: false, {"X-A", "b\r\nc"}: false, {"", "b"}: false} {
		if err := CheckExtra(h); (err == nil) != ok {
			t.Errorf("%v: %v", h, err)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"ann@reader.example":        "ann@reader.example",
		"Ann.Lee@Reader.EXAMPLE":    "Ann.Lee@reader.example",
		"ann@bücher.example":        "ann@xn--bcher-kva.example",
		"a..b@docomo.example":       `"a..b"@docomo.example`,
		`"a b"@x.example`:           `"a b"@x.example`,
		`"ann"@x.example`:           `"ann"@x.example`,
		"o'neil+tag@x.example":      "o'neil+tag@x.example",
		"ann@xn--bcher-kva.exAmple": "ann@xn--bcher-kva.example",
	}
	for in, want := range tests {
		if got, err := Address(in); err != nil || got != want {
			t.Errorf("%q: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, in := range []string{"", "@", "a@", "@b", "a b@x.example", "a@b c", "a@x_y.example", "a@[127.0.0.1]", `"a"b"@x.example`, `"a\"@x.example`, "a@x.example.", "a@b@c"} {
		if got, err := Address(in); err == nil {
			t.Errorf("%q accepted as %q", in, got)
		}
	}
}

func TestEncodingChoice(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, want string }{
		"ascii":            {"plain = text\n", enc7bit},
		"ascii, long line": {strings.Repeat("a", 999), encQP},
		"998 is allowed":   {strings.Repeat("a", 998) + "\n" + strings.Repeat("b", 998), enc7bit},
		"mostly latin":     {strings.Repeat("plain words ", 9) + "é\n", encQP},
		"mostly not latin": {strings.Repeat("слово", 30) + "\n", encBase64},
		"NUL":              {"a long enough text with a \x00 inside", encQP},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := sample()
			m.Text = []byte(tc.body)
			got := compose(t, m)
			if !strings.Contains(got, "Content-Transfer-Encoding: "+tc.want+"\r\n") {
				t.Errorf("not %s:\n%s", tc.want, got)
			}
			check(t, &m, []byte(got))
		})
	}
}

func TestBoundaryInBodyIsEncoded(t *testing.T) {
	t.Parallel()
	m := sample()
	m.HTML = []byte("<p>hi</p>")
	m.Text = []byte("--" + boundary(m.MessageID) + "--\n")
	check(t, &m, []byte(compose(t, m)))
}
